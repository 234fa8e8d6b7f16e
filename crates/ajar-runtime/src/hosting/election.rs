//! Who hosts: the process that holds the lock. The system lets go of it when the process ends, however it ends.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use ajar_core::failure::Failure;
use interprocess::local_socket::tokio::{Listener, Stream};
use tokio::time::Instant;

use super::address::{Address, is_of_this_user};
use crate::files::Folder;

/// How long a host may take from holding the lock to listening.
const PATIENCE: Duration = Duration::from_secs(10);

/// How an election ends.
pub(super) enum Elected {
    /// This process hosts, and [`listen`]s once it has made its engine. The lock is held as long as the file is.
    Host(File),
    /// Another process does.
    Attached(Stream),
}

/// Becomes the host, or attaches to the one there is.
///
/// Between the two lies the moment in which a host has the lock and does not listen yet, or listens no longer and still
/// has the lock. Nothing tells of its end that works on all systems, so it is waited out by looking again: a few
/// milliseconds as a rule, and never longer than [`PATIENCE`].
pub(super) async fn elect(folder: &Folder) -> Result<Elected, Failure> {
    let unusable = |error: io::Error| unusable(&folder.engine_lock(), &error);
    folder.create()?;
    let give_up = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(5);
    loop {
        let lock =
            File::options().create(true).truncate(false).write(true).open(folder.engine_lock()).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {
                Address::withdraw(folder).map_err(|error| self::unusable(&folder.engine_address(), &error))?;
                return Ok(Elected::Host(lock));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        match attach(folder).await {
            Ok(stream) if is_of_this_user(&stream) => return Ok(Elected::Attached(stream)),
            Ok(_) => {
                return Err(Failure::Internal { detail: "the engine’s socket is not this user’s".into() });
            }
            Err(error) if Instant::now() >= give_up => {
                tracing::warn!(%error, "the process that holds the engine’s lock does not listen");
                return Err(Failure::HostSilent { pid: None });
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// Lets others attach. For the holder of the lock.
pub(super) fn listen(folder: &Folder) -> Result<Listener, Failure> {
    let address = Address::of(folder)?;
    let listening = address.listen().and_then(|listener| {
        address.announce(folder)?;
        Ok(listener)
    });
    listening.map_err(|error| unusable(&folder.engine_address(), &error))
}

async fn attach(folder: &Folder) -> io::Result<Stream> {
    Address::announced(folder)?.connect().await
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::Settings { path: path.display().to_string(), detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn where_the_last_host_listened_nobody_attaches_once_there_is_another() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::at(home.path());
        std::fs::write(folder.engine_address(), "where it was").unwrap();
        let Ok(Elected::Host(_lock)) = elect(&folder).await else { panic!("nobody hosts") };
        assert!(!folder.engine_address().exists());
    }
}
