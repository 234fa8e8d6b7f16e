//! Where a user's files lie.

use std::io;
use std::path::{Path, PathBuf};

use ajar_core::failure::Failure;
use ajar_core::message::files::no_home;
use directories::ProjectDirs;

/// The folders of one user, or of one `--config DIR`, which then holds everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    config: PathBuf,
    state: PathBuf,
    logs: PathBuf,
}

impl Folder {
    /// The user's own folders, by the customs of the system.
    ///
    /// # Errors
    /// If the system does not say where the user's files belong.
    pub fn of_user() -> io::Result<Self> {
        let dirs = ProjectDirs::from("io.github", "", "ajar")
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, no_home()))?;
        Ok(Self {
            config: dirs.config_dir().to_owned(),
            state: dirs.data_local_dir().to_owned(),
            logs: dirs.cache_dir().to_owned(),
        })
    }

    /// One folder for everything, as a command line names it. A relative path counts from where this process is now; what
    /// is written into the folder's files, other processes read elsewhere.
    ///
    /// # Errors
    /// An empty path, or a process that is in no folder.
    pub fn named(path: &Path) -> io::Result<Self> {
        Ok(Self::at(&std::path::absolute(path)?))
    }

    /// One folder for everything, by its absolute path.
    pub fn at(path: &Path) -> Self {
        Self { config: path.to_owned(), state: path.to_owned(), logs: path.to_owned() }
    }

    /// The folders of the built-in Azure: apart from the real ones, and gone without loss.
    #[must_use]
    pub fn demo(&self) -> Self {
        Self::at(&self.state.join("demo"))
    }

    /// `config.toml`.
    pub fn settings(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// `state.json`.
    pub fn state(&self) -> PathBuf {
        self.state.join("state.json")
    }

    /// `journal.jsonl`.
    pub fn journal(&self) -> PathBuf {
        self.state.join("journal.jsonl")
    }

    /// What the host of the engine holds locked.
    pub fn engine_lock(&self) -> PathBuf {
        self.state.join("engine.lock")
    }

    /// Where the host of the engine says how to attach.
    pub fn engine_address(&self) -> PathBuf {
        self.state.join("engine.address")
    }

    /// Where the VMs that accounts have seen are kept.
    pub fn inventory(&self) -> PathBuf {
        self.state.join("inventory")
    }

    /// Where logs go.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// Where files lie that a program is started with.
    pub fn launch(&self) -> PathBuf {
        self.state.join("launch")
    }

    /// Another file of the state folder.
    pub fn state_file(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    /// Makes the folders, for the user alone where the system knows that. That of the logs is made by who logs: without it
    /// there are none, which keeps nobody.
    ///
    /// # Errors
    /// The folder that could not be made.
    pub fn create(&self) -> Result<(), NotMade> {
        for path in [&self.config, &self.state] {
            create_private(path).map_err(|error| NotMade { path: path.clone(), error })?;
        }
        Ok(())
    }
}

/// A folder that could not be made.
#[derive(Debug)]
pub struct NotMade {
    /// Where it was to be.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

impl From<NotMade> for Failure {
    fn from(NotMade { path, error }: NotMade) -> Self {
        Self::Settings { path: path.display().to_string(), detail: error.to_string() }
    }
}

#[cfg(unix)]
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_made_is_told_by_its_own_name_and_that_of_logs_keeps_nobody() {
        let home = tempfile::tempdir().unwrap();
        let in_the_way = home.path().join("file");
        std::fs::write(&in_the_way, "").unwrap();
        let good = |name: &str| home.path().join(name);
        let bad = in_the_way.join("ajar");
        let folder = Folder { config: good("config"), state: bad.clone(), logs: good("logs") };
        assert_eq!(folder.create().unwrap_err().path, bad);
        Folder { config: good("config"), state: good("state"), logs: bad }.create().unwrap();
    }
}
