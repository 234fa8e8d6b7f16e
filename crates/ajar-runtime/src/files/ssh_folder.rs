//! What Ajar keeps in `~/.ssh`: `ajar.conf` with the favourites as hosts, and the line in `config` that includes it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ajar_core::failure::Failure;
use ajar_core::launch::{Hosts, Os, SshHosts, include_line, named_already, with_include, without_include};
use ajar_core::message::files::no_home;
use ajar_core::message::ssh_config as words;
use ajar_core::settings::Settings;
use directories::BaseDirs;

use super::atomic::{while_locked, write_atomically};
use super::folder::one_spelling;
use super::{Folder, create_private};

/// The user's folder of ssh's own files.
#[derive(Clone, Debug)]
pub struct SshFolder {
    path: PathBuf,
    /// Beside what the processes of this user wait for each other.
    locked_by: PathBuf,
}

/// What an installation has come to.
#[derive(Debug)]
pub struct Installed {
    /// The hosts, as they are in the file now.
    pub hosts: Hosts,
    /// Those that ssh's configuration has itself.
    pub named_already: Vec<String>,
}

impl SshFolder {
    /// `~/.ssh` of the user.
    ///
    /// # Errors
    /// If the system does not say where the user's files belong.
    pub fn of_user(folder: &Folder) -> Result<Self, Failure> {
        let dirs = BaseDirs::new();
        let home = dirs.as_ref().map(BaseDirs::home_dir).ok_or_else(|| unusable(Path::new("~/.ssh"), no_home()))?;
        Ok(Self::at(home.join(".ssh"), folder))
    }

    /// A folder that stands for it.
    pub fn at(path: PathBuf, folder: &Folder) -> Self {
        Self { path, locked_by: folder.state_file("ssh-config") }
    }

    /// The file of hosts.
    pub fn hosts(&self) -> PathBuf {
        self.path.join("ajar.conf")
    }

    /// ssh's own configuration.
    pub fn configuration(&self) -> PathBuf {
        self.path.join("config")
    }

    /// The line that includes the hosts.
    ///
    /// # Errors
    /// [`Failure::SshConfig`] if ssh cannot be told of the path.
    pub fn include_line(&self) -> Result<String, Failure> {
        let hosts = self.hosts();
        let line = hosts.to_str().and_then(|path| include_line(path, Os::current()));
        line.ok_or_else(|| unusable(&hosts, words::untellable()))
    }

    /// Whether ssh's configuration has the line already, where it holds for all hosts.
    ///
    /// # Errors
    /// [`Failure::SshConfig`] if it cannot be read.
    pub fn is_included(&self) -> Result<bool, Failure> {
        Ok(with_include(&self.read_configuration()?.unwrap_or_default(), &self.include_line()?).is_none())
    }

    /// Writes the hosts; with `include` the line too, where it is not there.
    ///
    /// # Errors
    /// [`Failure::SshConfig`] if a file of that name is not Ajar's or has the favourites of other settings, and if one of the
    /// two cannot be read or written.
    pub fn install(&self, hosts: &SshHosts, settings: &Settings, include: bool) -> Result<Installed, Failure> {
        let line = self.include_line()?;
        create_private(&self.path).map_err(|error| unusable(&self.path, &error.to_string()))?;
        self.locked(|| {
            let before = self.read_hosts()?;
            if let Some(before) = before.as_ref().filter(|before| !is_one(before.settings(), hosts.settings())) {
                return Err(unusable(&self.hosts(), &words::of_other_settings(before.settings())));
            }
            let configuration = self.read_configuration()?;
            let made_before = before.and_then(|before| before.configuration_made().map(ToOwned::to_owned));
            let is_made = include && configuration.is_none();
            let path = self.configuration();
            let made = if is_made { Some(path.display().to_string()) } else { made_before };
            let hosts =
                hosts.clone().with_configuration_made(made).with(settings.own(), settings.others(), Os::current());
            // ssh is content with a line that names no file, but not the other way round.
            write(&self.hosts(), hosts.text.as_bytes())?;
            let configuration = configuration.unwrap_or_default();
            if let Some(text) = with_include(&configuration, &line).filter(|_| include) {
                write(&path, &text)?;
            }
            let names: Vec<_> = hosts.names.iter().map(String::as_str).collect();
            let named_already = named_already(&configuration, &names).into_iter().map(ToOwned::to_owned).collect();
            Ok(Installed { hosts, named_already })
        })
    }

    /// Takes hosts and line away; whether there was anything. A configuration that was made for them and has nothing else
    /// goes too.
    ///
    /// # Errors
    /// [`Failure::SshConfig`] if a file of that name is not Ajar's, and if one of the two cannot be read or written.
    pub fn remove(&self) -> Result<bool, Failure> {
        let line = self.include_line()?;
        if !self.path.exists() {
            return Ok(false);
        }
        self.locked(|| {
            let (hosts, path) = (self.read_hosts()?, self.configuration());
            let configuration = self.read_configuration()?.and_then(|text| without_include(&text, &line));
            if let Some(text) = &configuration {
                let is_made = hosts.as_ref().is_some_and(|hosts| hosts.configuration_made().is_some());
                if text.is_empty() && is_made { delete(&path)? } else { write(&path, text)? }
            }
            if hosts.is_some() {
                delete(&self.hosts())?;
            }
            Ok(hosts.is_some() || configuration.is_some())
        })
    }

    /// Writes the hosts anew where they are of these settings and say something else. Nothing is made that was not there.
    ///
    /// # Errors
    /// [`Failure::SshConfig`] if they cannot be read or written.
    pub fn follow(&self, settings: &Settings, settings_file: &Path) -> Result<(), Failure> {
        // Mostly there is nothing to follow with.
        if !self.hosts().exists() {
            return Ok(());
        }
        self.locked(|| {
            let Some(text) = read(&self.hosts())? else { return Ok(()) };
            let text = String::from_utf8_lossy(&text);
            let ours = SshHosts::of(&text).filter(|hosts| is_one(hosts.settings(), settings_file));
            let anew = ours.map(|hosts| hosts.with(settings.own(), settings.others(), Os::current()).text);
            anew.filter(|anew| *anew != text).map_or(Ok(()), |anew| write(&self.hosts(), anew.as_bytes()))
        })
    }

    /// The head of the file of hosts, if there is one.
    fn read_hosts(&self) -> Result<Option<SshHosts>, Failure> {
        let path = self.hosts();
        let Some(text) = read(&path)? else { return Ok(None) };
        let hosts = SshHosts::of(&String::from_utf8_lossy(&text));
        hosts.map(Some).ok_or_else(|| unusable(&path, words::not_ours()))
    }

    fn read_configuration(&self) -> Result<Option<Vec<u8>>, Failure> {
        read(&self.configuration())
    }

    fn locked<T>(&self, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        while_locked(&self.locked_by, || Ok(work())).map_err(|error| unusable(&self.locked_by, &error.to_string()))?
    }
}

/// Whether both are the same settings file, whichever way leads to it.
fn is_one(one: impl AsRef<Path>, other: impl AsRef<Path>) -> bool {
    one_spelling(one.as_ref()) == one_spelling(other.as_ref())
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, &error.to_string())),
    }
}

fn write(path: &Path, text: &[u8]) -> Result<(), Failure> {
    write_atomically(path, text).map_err(|error| unusable(path, &error.to_string()))
}

fn delete(path: &Path) -> Result<(), Failure> {
    fs::remove_file(path).map_err(|error| unusable(path, &error.to_string()))
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::SshConfig { path: path.display().to_string(), detail: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ajar_core::profile::Profile;
    use ajar_core::settings::Favourite;

    struct Home {
        #[cfg_attr(windows, expect(dead_code, reason = "it goes with the last of this; looked into where links are"))]
        folder: tempfile::TempDir,
        ssh: SshFolder,
        settings: PathBuf,
    }

    impl Home {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let ajar = Folder::at(&folder.path().join("ajar"));
            Self { ssh: SshFolder::at(folder.path().join(".ssh"), &ajar), settings: ajar.settings(), folder }
        }

        fn with_configuration(text: &str) -> Self {
            let home = Self::new();
            fs::create_dir(&home.ssh.path).unwrap();
            fs::write(home.ssh.configuration(), text).unwrap();
            home
        }

        fn head(&self) -> SshHosts {
            SshHosts::new(&["/usr/bin/ajar".into()], self.settings.to_str().unwrap(), Os::current()).unwrap()
        }

        fn install(&self, names: &[&str]) -> Result<Installed, Failure> {
            self.ssh.install(&self.head(), &settings(names), true)
        }

        fn everything(&self) -> Vec<(PathBuf, Vec<u8>)> {
            let Ok(files) = fs::read_dir(&self.ssh.path) else { return Vec::new() };
            let paths = files.map(|file| file.unwrap().path());
            paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
        }
    }

    fn settings(names: &[&str]) -> Settings {
        let favourite = |name: &&str| {
            let vm = format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/{name}");
            Favourite { name: name.parse().unwrap(), profile: Profile::new(vm.parse().unwrap()) }
        };
        Settings { written: names.iter().map(favourite).collect(), ..Settings::default() }.inheriting()
    }

    #[test]
    fn what_is_installed_goes_again_and_leaves_the_folder_as_it_was() {
        for home in [Home::new(), Home::with_configuration(""), Home::with_configuration("Host a\r\n\tUser b")] {
            let before = home.everything();
            assert!(!home.ssh.remove().unwrap(), "there is nothing of ours");
            let installed = home.install(&["web-01"]).unwrap();
            assert!(installed.hosts.text.contains("Host web-01 web-01.ajar"), "{}", installed.hosts.text);
            assert!(home.ssh.is_included().unwrap());
            // Once more changes nothing, and forgets nothing.
            let between = home.everything();
            home.install(&["web-01"]).unwrap();
            assert_eq!(home.everything(), between);
            home.ssh.follow(&settings(&["db-01"]), &home.settings).unwrap();
            assert!(home.ssh.remove().unwrap());
            assert_eq!(home.everything(), before);
        }
    }

    #[test]
    fn without_consent_the_users_own_file_is_not_touched() {
        let home = Home::with_configuration("Host WEB-01\n");
        let installed = home.ssh.install(&home.head(), &settings(&["web-01"]), false).unwrap();
        assert_eq!(installed.named_already, ["web-01"]);
        assert_eq!(fs::read_to_string(home.ssh.configuration()).unwrap(), "Host WEB-01\n");
        assert!(!home.ssh.is_included().unwrap());
    }

    #[test]
    fn the_hosts_follow_the_favourites_only_where_they_are_theirs() {
        let home = Home::new();
        home.ssh.follow(&settings(&["web-01"]), &home.settings).unwrap();
        assert!(home.everything().is_empty(), "nobody has asked for hosts");
        home.install(&["web-01"]).unwrap();
        home.ssh.follow(&settings(&["db-01"]), Path::new("/of/others/config.toml")).unwrap();
        assert!(fs::read_to_string(home.ssh.hosts()).unwrap().contains("Host web-01"));
        home.ssh.follow(&settings(&["db-01"]), &home.settings).unwrap();
        let text = fs::read_to_string(home.ssh.hosts()).unwrap();
        assert!(text.contains("Host db-01") && !text.contains("web-01"), "{text}");
        let refused = home.ssh.install(
            &SshHosts::new(&["ajar".into()], "/of/others/config.toml", Os::current()).unwrap(),
            &settings(&["a"]),
            true,
        );
        assert!(matches!(refused, Err(Failure::SshConfig { .. })), "{refused:?}");
        assert_eq!(fs::read_to_string(home.ssh.hosts()).unwrap(), text);
    }

    #[test]
    fn a_file_that_somebody_else_has_written_stays() {
        let home = Home::with_configuration("");
        fs::write(home.ssh.hosts(), "Host mine\n").unwrap();
        let before = home.everything();
        home.install(&["web-01"]).unwrap_err();
        home.ssh.remove().unwrap_err();
        home.ssh.follow(&settings(&["web-01"]), &home.settings).unwrap();
        assert_eq!(home.everything(), before);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_rights_of_the_users_file_stay_and_the_hosts_are_the_users_alone() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let home = Home::new();
        home.install(&[]).unwrap();
        assert_eq!(
            (mode(&home.ssh.path), mode(&home.ssh.hosts()), mode(&home.ssh.configuration())),
            (0o700, 0o600, 0o600)
        );
        home.ssh.remove().unwrap();
        let real = home.folder.path().join("dotfile");
        fs::write(&real, "Host a\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
        symlink(&real, home.ssh.configuration()).unwrap();
        home.install(&[]).unwrap();
        assert!(fs::symlink_metadata(home.ssh.configuration()).unwrap().is_symlink());
        assert_eq!(mode(&real), 0o644);
        home.ssh.remove().unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "Host a\n");
    }
}
