//! Who hosts: the process that holds the lock. The system lets go of it when the process ends, however it ends.

use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

use interprocess::local_socket::tokio::{Listener, Stream};
use tokio::time::Instant;

use super::address::{Address, is_of_this_user};
use crate::files::Folder;

/// How long a host may take from holding the lock to listening.
const PATIENCE: Duration = Duration::from_secs(10);

/// How an election ends.
pub(super) enum Elected {
    /// This process hosts. The lock is held as long as the file is.
    Host { lock: File, listener: Listener },
    /// Another process does.
    Attached(Stream),
}

/// Becomes the host, or attaches to the one there is.
pub(super) async fn elect(folder: &Folder) -> io::Result<Elected> {
    folder.create()?;
    let address = Address::of(folder)?;
    let give_up = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(5);
    loop {
        let lock = File::options().create(true).truncate(false).write(true).open(folder.engine_lock())?;
        match lock.try_lock() {
            Ok(()) => return Ok(Elected::Host { lock, listener: address.listen()? }),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        match address.connect().await {
            Ok(stream) if is_of_this_user(&stream) => return Ok(Elected::Attached(stream)),
            Ok(_) => {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the engine’s socket is not this user’s"));
            }
            // The host is about to listen, or about to be gone.
            Err(error) if Instant::now() >= give_up => return Err(error),
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}
