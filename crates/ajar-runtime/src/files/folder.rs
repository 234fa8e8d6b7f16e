//! Where a user's files lie.

use std::io;
use std::path::{Component, Path, PathBuf};

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
    /// is written into the folder's files, other processes read elsewhere. Whichever way leads to a folder, it is the same
    /// one: what the keychain has of it is kept under its path.
    ///
    /// # Errors
    /// An empty path, or a process that is in no folder.
    pub fn named(path: &Path) -> io::Result<Self> {
        let folder = Self::at(&one_spelling(&std::path::absolute(path)?));
        // Whoever only reads settings needs a place for the rest all the same.
        let apart = if is_read_only(&folder.config) { Self::of_user().ok() } else { None };
        Ok(apart.map_or(folder.clone(), |user| folder.with_state_within(&user.state)))
    }

    /// The same with all but the settings in a folder of its own within another one.
    #[must_use]
    fn with_state_within(&self, within: &Path) -> Self {
        let state = within.join(format!("read-only-{:016x}", fingerprint(&self.config)));
        Self { config: self.config.clone(), logs: state.clone(), state }
    }

    /// One folder for everything, by its absolute path without links in it.
    pub fn at(path: &Path) -> Self {
        Self { config: path.to_owned(), state: path.to_owned(), logs: path.to_owned() }
    }

    /// The folders of the built-in Azure: apart from the real ones, and gone without loss.
    #[must_use]
    pub fn demo(&self) -> Self {
        Self::at(&self.state.join("demo"))
    }

    /// Whether both have their settings in the same place, whichever ways lead there.
    pub(crate) fn shares_settings_with(&self, other: &Self) -> bool {
        one_spelling(&self.config) == one_spelling(&other.config)
    }

    /// `config.toml`.
    pub fn settings(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The settings as they were last read without a mistake.
    pub fn last_good_settings(&self) -> PathBuf {
        self.state.join("config.last-good.toml")
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

    /// Where copies of the files of teams are kept: they can be read again.
    pub fn teams(&self) -> PathBuf {
        self.logs.join("teams")
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

/// Whether a folder is there in which nothing can be written.
fn is_read_only(path: &Path) -> bool {
    let denied =
        |error: io::Error| matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem);
    path.is_dir() && tempfile::tempfile_in(path).is_err_and(denied)
}

/// Tells paths apart in a name of fixed length: FNV-1a, which needs no crate and stays the same between versions.
pub(crate) fn fingerprint(path: &Path) -> u64 {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// An absolute path without links, `..` and, where the system does not tell them apart, other cases of letters: as far as it
/// leads to what is there by now, and beyond that as it will be when it is made.
pub(super) fn one_spelling(path: &Path) -> PathBuf {
    let known = path.ancestors().find_map(|there| Some((there, dunce::canonicalize(there).ok()?)));
    let Some((there, mut whole)) = known else { return path.to_owned() };
    for part in path.strip_prefix(there).iter().flat_map(|rest| rest.components()) {
        match part {
            Component::ParentDir => _ = whole.pop(),
            Component::Normal(name) => whole.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    whole
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

    #[cfg(unix)]
    #[test]
    fn whichever_way_leads_to_a_folder_it_is_one_folder_before_it_is_made_and_after() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &str| home.path().join(path);
        std::fs::create_dir_all(at("real/deep")).unwrap();
        std::os::unix::fs::symlink(at("real"), at("link")).unwrap();
        std::os::unix::fs::symlink("deep", at("real/near")).unwrap();
        let named = |path: &str| Folder::named(&at(path)).unwrap();
        let ways =
            ["real/deep/ajar", "link/deep/ajar", "link/near/ajar/", "real/near/../deep/./ajar", "link/deep/x/../ajar"];
        let real = Folder::at(&std::fs::canonicalize(at("real/deep")).unwrap().join("ajar"));
        for made in [false, true] {
            for way in ways.iter().filter(|way| !(made && way.contains("/x/"))) {
                assert_eq!(named(way), real, "{way}");
            }
            std::fs::create_dir_all(at("real/deep/ajar")).unwrap();
        }
        assert!(Folder::at(&at("link/deep/ajar")).shares_settings_with(&real));
        assert!(!named("link/deep/other").shares_settings_with(&real));
        assert!(Folder::named(Path::new("")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn settings_that_are_only_read_have_all_else_in_a_folder_of_the_user() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let (settings, own) = (home.path().join("settings"), home.path().join("own"));
        std::fs::create_dir(&settings).unwrap();
        assert!(!is_read_only(&settings) && !is_read_only(&home.path().join("new")));
        std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o500)).unwrap();
        // Nothing is read-only to root.
        let is_root = std::fs::File::create(settings.join("probe")).is_ok();
        assert_eq!(is_read_only(&settings), !is_root);
        std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o700)).unwrap();
        let folder = Folder::at(&settings).with_state_within(&own);
        folder.create().unwrap();
        let others = Folder::at(home.path()).with_state_within(&own);
        assert_eq!(folder.settings(), settings.join("config.toml"));
        assert!(
            folder.state().starts_with(&own) && folder.logs().starts_with(&own) && folder.state() != others.state()
        );
    }

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
