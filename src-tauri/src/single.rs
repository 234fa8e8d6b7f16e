//! One tray for each user: a second start asks the first to show its window.

use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

use ajar_core::failure::Failure;
use ajar_core::protocol::Request;
use ajar_core::snapshot::FailureView;
use ajar_runtime::connection::Meant;
use ajar_runtime::files::Folder;
use ajar_runtime::hosting::{Face, Opening};
use tokio::time::Instant;

use crate::view::in_words;

/// What the tray holds locked. The system lets go of it when the process ends, however it ends.
const LOCK: &str = "desktop.lock";

/// How long the first may take until its engine can be asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which start this is.
pub(crate) enum Start {
    /// The first; it is as long as the file is open.
    First(File),
    /// Another tray runs.
    Again,
}

pub(crate) fn start(folder: &Folder) -> Result<Start, Failure> {
    folder.create()?;
    let path = folder.state_file(LOCK);
    let unusable = |error: io::Error| Failure::Settings { path: path.display().to_string(), detail: error.to_string() };
    let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(Start::First(lock)),
        Err(TryLockError::WouldBlock) => Ok(Start::Again),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Asks the tray that runs to bring up its window, unless another cloud is meant here than it shows.
pub(crate) async fn ask_for_window(folder: &Folder, meant: Option<&Meant>) -> Result<(), Box<FailureView>> {
    let give_up = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(10);
    let face = loop {
        match Face::open(never_hosting(folder)).await {
            Ok(face) => break face,
            Err(trouble) if Instant::now() >= give_up => return Err(Box::new(in_words(&trouble))),
            // The first is still on its way to its engine, or has just ended.
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_millis(200));
    };
    if let Some(failure) = meant.and_then(|meant| meant.other_cloud(&face.snapshot().host)) {
        return Err(Box::new(in_words(&failure.into())));
    }
    face.ask(Request::ShowWindow).await.accepted()
}

/// An engine of this process would end with it, and the wish along.
fn never_hosting(folder: &Folder) -> Opening {
    let parts = || {
        // Nobody hosts yet, or any more, and the tray that runs is about to.
        Box::pin(std::future::ready(Err(Failure::HostSilent { pid: None }.into()))) as _
    };
    Opening { folder: folder.clone(), parts: Box::new(parts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_start_is_the_first_until_that_one_ends() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::at(home.path());
        let first = start(&folder).unwrap();
        assert!(matches!(first, Start::First(_)));
        assert!(matches!(start(&folder).unwrap(), Start::Again));
        drop(first);
        assert!(matches!(start(&folder).unwrap(), Start::First(_)));
    }
}
