//! Writing files so that a reader sees the old content or the new, never half of it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ajar_core::message::files::{lock_held, write_protected};
use tempfile::{Builder, NamedTempFile};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// Replaces `path` with `contents`. A symbolic link is followed, so that a dotfile manager's file stays where it is;
/// the file's permissions are kept, a new file is readable by its user alone.
///
/// # Errors
/// Those of the file system, and a file that is write-protected; the old content is then still there.
pub fn write_atomically(path: &Path, contents: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| where_a_link_leads(path));
    let folder = target.parent().ok_or_else(|| io::Error::other("a file needs a folder"))?;
    // A name alone lies in the folder that one is in.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    fs::create_dir_all(folder)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    remove_left_over(folder, &name);
    let old = fs::metadata(&target).ok();
    if old.as_ref().is_some_and(|old| old.permissions().readonly()) {
        // Its folder would let it be replaced; whoever protects a file means what is in it.
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, write_protected()));
    }
    let mut file = Builder::new().prefix(&format!(".{name}.")).suffix(HALF_WRITTEN).tempfile_in(folder)?;
    file.write_all(contents)?;
    if let Some(old) = old {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.as_file().sync_all()?;
    replace(file, &target)?;
    sync_folder(folder)
}

/// How the names of files end that are being written.
const HALF_WRITTEN: &str = ".new";

/// A file that has been written for so long is written by nobody any more.
const LEFT_OVER_AFTER: Duration = Duration::from_mins(10);

/// Where a link leads whose file is not there yet.
fn where_a_link_leads(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    // Links can lead in a circle.
    for _ in 0..16 {
        let Ok(next) = fs::read_link(&target) else { break };
        target = target.parent().map_or_else(|| next.clone(), |folder| folder.join(&next));
    }
    target
}

/// Removes what writers of this file have left half written that were killed.
fn remove_left_over(folder: &Path, name: &str) {
    let prefix = format!(".{name}.");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let called = entry.file_name();
        let is_one =
            called.to_str().is_some_and(|called| called.starts_with(&prefix) && called.ends_with(HALF_WRITTEN));
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if is_one && age().is_some_and(|age| age > LEFT_OVER_AFTER) {
            // That it cannot be removed keeps nobody from writing.
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// How long a file is tried to be replaced. On Windows it cannot be in the moment in which another program looks into it: a
/// reader, a virus scanner.
const LOOKED_INTO: Duration = if cfg!(windows) { Duration::from_secs(2) } else { Duration::ZERO };

fn replace(mut file: NamedTempFile, target: &Path) -> io::Result<()> {
    let give_up = Instant::now() + LOOKED_INTO;
    loop {
        match file.persist(target) {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() < give_up && error.error.kind() == io::ErrorKind::PermissionDenied => {
                file = error.file;
            }
            Err(error) => return Err(error.error),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// On Unix a rename is durable only once its folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// How long the other writers of the user may take together. Each takes a few milliseconds; one that is stopped with the
/// lock in its hand must not stop the rest for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// Holds the lock beside `path` while `work` runs: one writer at a time among all processes of the user. Other tasks of the
/// caller's runtime go on meanwhile.
pub(crate) fn while_locked<T>(path: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let has_other_workers =
        Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if has_other_workers { block_in_place(|| locked(path, work)) } else { locked(path, work) }
}

/// Whether somebody holds the lock beside `path`.
pub(crate) fn is_locked(path: &Path) -> bool {
    let lock = File::open(path.with_extension("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

fn locked<T>(path: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let path = path.with_extension("lock");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let lock = File::options().create(true).truncate(false).write(true).open(&path)?;
    take(&lock, &path)?;
    let result = work();
    // Closing the file lets go of the lock too; on Windows saying so is sooner. Under wine it is said with an error.
    if let Err(error) = lock.unlock() {
        tracing::debug!(%error, "the lock ends with the file");
    }
    result
}

/// Takes a lock, by looking again: waiting for a lock cannot be given a limit.
fn take(lock: &File, path: &Path) -> io::Result<()> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= give_up => {
                let held = lock_held(&path.display().to_string());
                return Err(io::Error::new(io::ErrorKind::TimedOut, held));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        write_atomically(&path, b"one").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary files are left");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn who_waits_for_another_process_keeps_no_other_task_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("config.toml"), folder.path().join("config.lock"));
        let held = File::create(other).unwrap();
        held.lock().unwrap();
        let (begins, begun) = tokio::sync::oneshot::channel();
        let waiting = tokio::spawn(async move {
            begins.send(()).unwrap();
            while_locked(&path, || Ok(()))
        });
        begun.await.unwrap();
        let another = tokio::spawn(async {});
        tokio::time::timeout(PATIENCE / 2, another).await.expect("it goes on").unwrap();
        assert!(!waiting.is_finished());
        drop(held);
        waiting.await.unwrap().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("dotfile"), folder.path().join("config.toml"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_atomically(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_file_that_is_not_there_yet_stays_and_the_file_is_made() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("dotfiles")).unwrap();
        let (real, link) = (folder.path().join("dotfiles/ajar.toml"), folder.path().join("config.toml"));
        std::os::unix::fs::symlink("dotfiles/ajar.toml", &link).unwrap();
        write_atomically(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        let circle = folder.path().join("circle");
        std::os::unix::fs::symlink(&circle, &circle).unwrap();
        write_atomically(&circle, b"new").unwrap();
        assert_eq!(fs::read_to_string(&circle).unwrap(), "new");
    }

    #[test]
    fn what_a_writer_that_was_killed_has_left_goes_with_a_later_one() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let long_ago = std::time::SystemTime::now() - LEFT_OVER_AFTER * 2;
        for (name, is_old) in
            [(".config.toml.a1b2c3.new", true), (".config.toml.d4e5f6.new", false), (".mine.new", true)]
        {
            let file = File::create(at(name)).unwrap();
            if is_old {
                file.set_modified(long_ago).unwrap();
            }
        }
        write_atomically(&at("config.toml"), b"text").unwrap();
        let there = [".config.toml.a1b2c3.new", ".config.toml.d4e5f6.new", ".mine.new"].map(|name| at(name).exists());
        assert_eq!(there, [false, true, true], "another may be at work, and what is not ours stays");
    }

    #[test]
    fn what_cannot_be_replaced_stays_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let in_the_way = folder.path().join("config.toml");
        fs::create_dir(&in_the_way).unwrap();
        fs::write(in_the_way.join("inside"), "old").unwrap();
        assert!(write_atomically(&in_the_way, b"new").is_err());
        assert_eq!(fs::read(in_the_way.join("inside")).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_write_protected_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "old").unwrap();
        let mut protected = fs::metadata(&path).unwrap().permissions();
        protected.set_readonly(true);
        fs::set_permissions(&path, protected).unwrap();
        let error = write_atomically(&path, b"new").unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().contains("write-protected")),
            (io::ErrorKind::PermissionDenied, true)
        );
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn in_a_read_only_folder_writing_fails_and_the_old_content_stays() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
        let is_root = File::create(folder.path().join("probe")).is_ok();
        let result = write_atomically(&path, b"new");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        // Nothing is read-only to root.
        assert_eq!(result.is_ok(), is_root);
        assert_eq!(fs::read(&path).unwrap(), if is_root { b"new" } else { b"old" });
    }
}
