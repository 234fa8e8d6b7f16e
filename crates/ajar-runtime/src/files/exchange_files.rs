//! Files that favourites are taken from, and the one they are handed on in.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use ajar_core::exchange::{self, Format, MAX_BYTES, Problem, Reading, Sharing};
use ajar_core::launch::SshHosts;
use directories::BaseDirs;

use super::write_atomically;

/// What a file or a stream says, a little more than is taken of any, so that one which is too long is seen to be.
///
/// # Errors
/// Those of the system.
pub fn read_limited(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What these bytes say, of a file of this path, as of this user's machine: whatever ssh's configuration includes is read,
/// too. `None` as the format finds out which it is.
///
/// # Errors
/// Why it is refused.
pub fn read_exchange(bytes: &[u8], path: &Path, format: Option<Format>) -> Result<Reading, Problem> {
    let ssh = SshIncludes::of_user();
    let name = path.file_stem().map(|name| name.to_string_lossy()).filter(|name| name != "-");
    exchange::read(bytes, name.as_deref().unwrap_or_default(), format, &mut |pattern: &str| ssh.texts(pattern))
}

/// Writes a file of favourites; one that is there is left alone unless it may be `replaced`. What is one person's own is
/// readable by them alone, also where the file that is replaced was not.
///
/// # Errors
/// Those of the file system.
pub fn write_favourites(path: &Path, text: &str, replaced: bool, sharing: Sharing) -> io::Result<()> {
    let is_own = sharing == Sharing::Personal;
    if replaced {
        if is_own && path.exists() {
            for_its_user_alone(path)?;
        }
        return write_atomically(path, text.as_bytes());
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_own {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let written = options.open(path)?.write_all(text.as_bytes());
    if written.is_err() {
        // What is half there would be in the way of the next try. That it cannot be removed is no news beside the error.
        drop(fs::remove_file(path));
    }
    written
}

#[cfg(unix)]
fn for_its_user_alone(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
}

/// Whoever may read it there, its folder decides.
#[cfg(not(unix))]
fn for_its_user_alone(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Finds what ssh's configuration includes, as ssh does: names that begin nowhere count from `~/.ssh`.
#[derive(Clone, Debug)]
pub struct SshIncludes {
    home: Option<PathBuf>,
}

impl SshIncludes {
    /// Those of this user.
    pub fn of_user() -> Self {
        Self { home: BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()) }
    }

    /// Those of a user whose home this is.
    pub fn at(home: PathBuf) -> Self {
        Self { home: Some(home) }
    }

    /// The texts of the files that a pattern means, in ssh's order; `None` where there is none that can be read. What Ajar
    /// has written for ssh itself is empty.
    pub fn texts(&self, pattern: &str) -> Option<Vec<String>> {
        let path = match (pattern.strip_prefix("~/"), Path::new(pattern)) {
            (Some(rest), _) => self.home.as_ref()?.join(rest),
            (None, path) if path.is_absolute() => path.to_owned(),
            (None, path) => self.home.as_ref()?.join(".ssh").join(path),
        };
        let is_pattern = pattern.contains(['*', '?', '[']);
        if !is_pattern {
            return Some(vec![text(&path)?]);
        }
        let paths = glob::glob(path.to_str()?).ok()?;
        Some(paths.filter_map(Result::ok).filter_map(|path| text(&path)).collect())
    }
}

fn text(path: &Path) -> Option<String> {
    // Nothing that waits for somebody who writes.
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let text = String::from_utf8(read_limited(File::open(path).ok()?).ok()?).ok()?;
    Some(if SshHosts::of(&text).is_some() { String::new() } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_found_as_ssh_finds_them_and_only_files_are() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        fs::create_dir_all(at(".ssh/conf.d")).unwrap();
        for (name, text) in [("conf.d/b", "B"), ("conf.d/a", "A"), ("own", "O")] {
            fs::write(at(".ssh").join(name), text).unwrap();
        }
        fs::write(at("elsewhere"), "E").unwrap();
        let hosts = ajar_core::launch::SshHosts::new(&["ajar".into()], "config.toml", ajar_core::launch::Os::Linux);
        fs::write(at(".ssh/ajar.conf"), hosts.unwrap().with(&[], &[], ajar_core::launch::Os::Linux).text).unwrap();
        let includes = SshIncludes::at(home.path().to_owned());
        for (pattern, expected) in [
            ("own", Some(vec!["O"])),
            ("conf.d/*", Some(vec!["A", "B"])),
            ("~/elsewhere", Some(vec!["E"])),
            (at("elsewhere").to_str().unwrap(), Some(vec!["E"])),
            ("none.d/*", Some(vec![])),
            ("ajar.conf", Some(vec![""])),
            ("conf.d", None),
            ("missing", None),
            ("~somebody/x", None),
        ] {
            let found = includes.texts(pattern);
            let expected = expected.map(|texts| texts.into_iter().map(ToOwned::to_owned).collect::<Vec<_>>());
            assert_eq!(found, expected, "{pattern}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_one_persons_own_is_readable_by_them_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let path = folder.path().join("own.toml");
        write_favourites(&path, "one", false, Sharing::Personal).unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write_favourites(&path, "two", true, Sharing::WithOthers).unwrap();
        assert_eq!(mode(&path), 0o644);
        write_favourites(&path, "three", true, Sharing::Personal).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_file_that_is_there_is_replaced_only_by_who_says_so_and_a_stream_without_end_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("team.toml");
        write_favourites(&path, "one", false, Sharing::WithOthers).unwrap();
        assert_eq!(
            write_favourites(&path, "two", false, Sharing::WithOthers).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        write_favourites(&path, "two", true, Sharing::WithOthers).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(read_limited(io::repeat(b'x')).unwrap().len(), MAX_BYTES + 1);
    }
}
