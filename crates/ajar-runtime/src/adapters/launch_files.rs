//! The files that clients are started with: for the user alone, each in a folder of its own whose name nobody guesses.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ajar_core::launch::{FileKind, PlannedFile};
use tempfile::TempDir;

use crate::files::{create_private, write_atomically};

/// For how long a file is left alone whose client may not have read it yet.
const FRESH: Duration = Duration::from_mins(1);

/// A file that is there for a client.
#[derive(Debug)]
pub(super) struct LaunchFile {
    folder: PathBuf,
    path: PathBuf,
    handed_on: bool,
}

impl LaunchFile {
    /// Writes it into a new folder in `files`.
    pub(super) fn write(files: &Path, file: &PlannedFile) -> io::Result<Self> {
        let folder = private_folder(files)?;
        let path = folder.join(&file.name);
        write_atomically(&path, &file.bytes())?;
        match file.kind {
            FileKind::Script => make_executable(&path)?,
            FileKind::Rdp => {}
        }
        Ok(Self { folder, path, handed_on: file.handed_on })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether somebody else may still read it when the program that was started has ended.
    pub(super) fn is_handed_on(&self) -> bool {
        self.handed_on
    }

    pub(super) fn remove(self) {
        remove(&self.folder);
    }
}

/// A new folder in `files`. It outlives this process, as clients do.
pub(super) fn private_folder(files: &Path) -> io::Result<PathBuf> {
    create_private(files)?;
    Ok(own_folder(files)?.keep())
}

#[cfg(unix)]
fn own_folder(files: &Path) -> io::Result<TempDir> {
    use std::os::unix::fs::PermissionsExt as _;
    named_by_chance().permissions(std::fs::Permissions::from_mode(0o700)).tempdir_in(files)
}

/// It lies in the user's own part of the system.
#[cfg(not(unix))]
fn own_folder(files: &Path) -> io::Result<TempDir> {
    named_by_chance().tempdir_in(files)
}

fn named_by_chance() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("").rand_bytes(16);
    builder
}

/// Removes what is left of clients that were started earlier: theirs is read by now.
pub(super) fn sweep(files: &Path, now: SystemTime) {
    let Ok(entries) = std::fs::read_dir(files) else { return };
    for entry in entries.flatten() {
        let written = entry.metadata().and_then(|found| found.modified());
        if written.is_ok_and(|written| now.duration_since(written).is_ok_and(|age| age > FRESH)) {
            remove(&entry.path());
        }
    }
}

fn remove(path: &Path) {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    if let Err(error) = removed {
        tracing::debug!(path = %path.display(), %error, "a file for a client stays");
    }
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_on_stays_for_a_minute_and_goes_with_what_lay_there_before() {
        let home = tempfile::tempdir().unwrap();
        let plan = |name: &str| PlannedFile {
            name: name.into(),
            contents: "full address:s:a\r\n".into(),
            kind: FileKind::Rdp,
            handed_on: true,
        };
        let files = home.path().join("launch");
        let [one, two] = ["web.rdp", "web.rdp"].map(|name| LaunchFile::write(&files, &plan(name)).unwrap());
        assert_ne!(one.folder, two.folder, "each has a folder of its own");
        std::fs::write(files.join("old.command"), "").unwrap();
        two.remove();
        let left = || std::fs::read_dir(&files).unwrap().count();
        sweep(&files, SystemTime::now());
        assert_eq!((left(), one.path().exists()), (2, true));
        sweep(&files, SystemTime::now() + FRESH + Duration::from_secs(2));
        assert_eq!(left(), 0);
        sweep(&home.path().join("never made"), SystemTime::now());
    }
}
