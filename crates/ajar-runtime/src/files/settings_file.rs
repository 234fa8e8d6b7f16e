//! `config.toml`: read whole, edited in place. Comments, order and keys we do not know survive.

mod accounts;
mod clouds;
mod general;
mod inheritance;
mod last_good;
mod profiles;
mod reading;
mod schema;
mod teams;
mod undoing;

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::message::settings::{NEW_FILE, no_file, no_utf_8};
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::settings::{SCHEMA_VERSION, Settings};
use serde::Serialize;
use toml_edit::{Table, Value};

use super::Folder;
use super::atomic::{is_locked, while_locked, write_atomically};
use super::toml_text::TomlText;
pub(crate) use undoing::{RemovedFavourite, Written};

/// Tells one content of a file from another without reading it. Two writes within one tick of the file system's clock
/// are told apart by their length, if at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    changed_at: SystemTime,
    length: u64,
}

/// The settings file. It need not exist; the first change makes it.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    path: PathBuf,
    /// Where is kept what it said when it was last read without a mistake.
    last_good: Option<PathBuf>,
}

impl SettingsFile {
    /// The file at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path, last_good: None }
    }

    /// That of a user, who goes on by what it said last while it cannot be read.
    pub fn of(folder: &Folder) -> Self {
        Self { path: folder.settings(), last_good: Some(folder.last_good_settings()) }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What tells its present content from another; `None` if it does not exist.
    pub fn stamp(&self) -> Option<FileStamp> {
        let file = std::fs::metadata(&self.path).ok()?;
        Some(FileStamp { changed_at: file.modified().ok()?, length: file.len() })
    }

    /// Whether nothing is in it, or it is not there.
    pub fn is_empty(&self) -> bool {
        std::fs::metadata(&self.path).map_or(true, |file| file.len() == 0)
    }

    /// What it says.
    ///
    /// # Errors
    /// [`Failure::Settings`] with the place in the file.
    pub fn read(&self) -> Result<Settings, Trouble> {
        self.read_stamped().1
    }

    /// What it says, and what tells that from another content. Where the file could not be read there is no stamp: it may be
    /// let read without being changed.
    pub(crate) fn read_stamped(&self) -> (Option<FileStamp>, Result<Settings, Trouble>) {
        let stamp = self.stamp();
        match self.text() {
            Ok(text) => (stamp, self.understood(&text)),
            Err(error) => (None, Err(self.unusable(&error))),
        }
    }

    /// Adds a favourite at the end.
    ///
    /// # Errors
    /// [`Failure::FavouriteExists`], [`Failure::Settings`].
    pub fn add(&self, name: &ProfileName, profile: &Profile) -> Result<(), Trouble> {
        self.edit(|document, settings| profiles::insert(document, settings, name, profile))
    }

    /// Whether another process changes it just now.
    pub(crate) fn is_held(&self) -> bool {
        is_locked(&self.path)
    }

    /// Waits until no other process changes it.
    pub(crate) fn until_free(&self) -> Result<(), Trouble> {
        while_locked(&self.path, || Ok(())).map_err(|error| self.unusable(&error))
    }

    fn edit(&self, edit: impl FnOnce(&mut TomlText, &Settings) -> Result<(), Failure>) -> Result<(), Trouble> {
        self.edit_to_undo(edit).map(drop)
    }

    fn edit_to_undo(
        &self,
        edit: impl FnOnce(&mut TomlText, &Settings) -> Result<(), Failure>,
    ) -> Result<Written, Trouble> {
        while_locked(&self.path, || {
            let text = match self.text() {
                Ok(text) => text,
                Err(error) => return Ok(Err(self.unusable(&error))),
            };
            let after = self.understood(&text).and_then(|known| self.edited(&text, &known, edit));
            match after {
                Ok(after) => {
                    self.keep_older(&text)?;
                    write_atomically(&self.path, after.as_bytes())?;
                    Ok(Ok(Written { before: text, after }))
                }
                Err(trouble) => Ok(Err(trouble)),
            }
        })
        .map_err(|error| self.unusable(&error))?
    }

    /// The text as it is after a change; nothing is written yet.
    fn edited(
        &self,
        text: &str,
        known: &Settings,
        edit: impl FnOnce(&mut TomlText, &Settings) -> Result<(), Failure>,
    ) -> Result<String, Trouble> {
        if let Some(version) = known.newer {
            return Err(self.newer(version, &known.left_out));
        }
        let mut document = TomlText::new(text);
        edit(&mut document, known)?;
        schema::bring_up(&mut document, text);
        let after = document.into_file();
        // Whatever somebody has asked for, nobody is left with a file that is no good any more.
        self.understood(&after)?;
        Ok(after)
    }

    fn understood(&self, text: &str) -> Result<Settings, Trouble> {
        reading::settings(text).map_err(|detail| self.unusable(&detail))
    }

    fn text(&self) -> Result<String, String> {
        // Nothing that waits for somebody who writes, and nothing without an end.
        if std::fs::metadata(&self.path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            return Err(no_file().to_owned());
        }
        match std::fs::read(&self.path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|error| {
                let valid = error.utf8_error().valid_up_to();
                reading::told_at(&String::from_utf8_lossy(error.as_bytes()), valid, no_utf_8())
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(format!("{NEW_FILE}schema_version = {SCHEMA_VERSION}\n"))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// That a later Ajar wrote it, and what of it is left out because this one does not understand it.
    pub(crate) fn newer(&self, version: i64, left_out: &[String]) -> Trouble {
        let path = self.path.display().to_string();
        let unread = (!left_out.is_empty()).then(|| left_out.join("; "));
        Failure::SettingsNewer { path, version, known: SCHEMA_VERSION, unread }.into()
    }

    fn unusable(&self, detail: &impl ToString) -> Trouble {
        Failure::Settings { path: self.path.display().to_string(), detail: detail.to_string() }.into()
    }
}

/// What a value is written as, key by key.
fn as_table(value: &impl Serialize) -> Result<Table, Failure> {
    let document =
        toml_edit::ser::to_document(value).map_err(|error| Failure::Internal { detail: error.to_string() })?;
    Ok(document.as_table().clone())
}

/// The keys that a value has, and what they say.
fn pairs(table: &Table) -> Vec<(&str, Value)> {
    table.iter().filter_map(|(key, item)| Some((key, item.as_value()?.clone()))).collect()
}

/// Writes what is said otherwise under these keys than before; what stays the same stays as it is written.
fn write_changes(
    document: &mut TomlText,
    path: &[&str],
    keys: &[&str],
    before: &impl Serialize,
    after: &impl Serialize,
) -> Result<(), Failure> {
    let (before, after) = (as_table(before)?, as_table(after)?);
    let same = |key: &str| before.get(key).map(ToString::to_string) == after.get(key).map(ToString::to_string);
    for key in keys.iter().filter(|key| !same(key)) {
        document.set(path, key, after.get(key).and_then(toml_edit::Item::as_value));
    }
    Ok(())
}

/// What the tests of this module and of those within begin with.
#[cfg(test)]
mod written {
    use super::SettingsFile;

    /// The id of a VM.
    pub(super) const VM: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";

    /// A settings file that says this, and its folder.
    pub(super) fn file(text: &str) -> (tempfile::TempDir, SettingsFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        (folder, SettingsFile::new(path))
    }

    /// What a settings file says, as it is written.
    pub(super) fn text(file: &SettingsFile) -> String {
        std::fs::read_to_string(file.path()).unwrap()
    }
}

#[cfg(test)]
mod any_edit;

#[cfg(test)]
mod tests {
    use ajar_core::profile::Profile;

    use super::written::{VM, file, text};
    use super::*;

    #[test]
    fn what_is_no_text_is_told_with_its_place() {
        let (_folder, file) = file("");
        for (bytes, part) in [
            (&b"# mine\n[clients]\nssh = \"\xfc\"\n"[..], "line 3, column 8: from here on it is not UTF-8"),
            (b"\xff\xfe[\0", "line 1, column 1: from here on"),
        ] {
            std::fs::write(file.path(), bytes).unwrap();
            let Failure::Settings { detail, .. } = file.read().unwrap_err().failure else { panic!() };
            assert!(detail.starts_with(part), "{detail}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_waits_for_somebody_who_writes_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let Failure::Settings { detail, .. } = SettingsFile::new(path).read().unwrap_err().failure else { panic!() };
        assert_eq!(detail, no_file());
    }

    #[test]
    fn a_file_that_is_not_there_is_empty_settings_and_the_first_change_makes_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = SettingsFile::new(folder.path().join("new").join("config.toml"));
        assert_eq!(file.read().unwrap(), Settings::default());
        file.add(&"web-01".parse().unwrap(), &Profile::new(VM.parse().unwrap())).unwrap();
        assert_eq!(file.read().unwrap().favourites.len(), 1);
        let written = text(&file);
        assert!(written.contains("schema_version = 2") && written.contains("[profiles.web-01]"), "{written}");
    }

    #[test]
    fn comments_order_and_unknown_keys_survive_changes() {
        let before = format!(
            "# mine\nschema_version = 2\nfuture = \"kept\"\n\n[clients]\nssh = \"my-ssh\"\nlater = \"x\" # not known yet\n\n[clouds.own]\nauthority = \"https://a\"\nresource_manager = \"https://r\"\nlater = {{ a = 1 }}\n\n[profiles.b] # second letter\nvm = \"{VM}\"\n# a note\nuser = \"me\"\nlater = 1\n\n[profiles.a]\nvm = \"{VM}\"\n"
        );
        let (_folder, file) = file(&before);
        let names = |file: &SettingsFile| -> Vec<String> {
            file.read().unwrap().favourites.iter().map(|favourite| favourite.name.to_string()).collect()
        };
        assert_eq!(names(&file), ["b", "a"]);
        let read = file.read().unwrap();
        assert_eq!((read.clients.ssh.as_deref(), read.clouds[0].0.as_str()), (Some("my-ssh"), "own"));
        file.add(&"c".parse().unwrap(), &Profile { port: Some(3389), ..Profile::new(VM.parse().unwrap()) }).unwrap();
        assert_eq!(names(&file), ["b", "a", "c"]);
        file.remove(&"C".parse().unwrap()).unwrap();
        assert_eq!(text(&file), before);
    }

    #[test]
    fn profiles_on_one_line_are_changed_like_any_other() {
        let (_folder, file) = file(&format!("# mine\nprofiles = {{ a = {{ vm = \"{VM}\", later = 1 }} }} # all\n"));
        file.add(&"b".parse().unwrap(), &Profile::new(VM.parse().unwrap())).unwrap();
        assert_eq!(file.read().unwrap().favourites.len(), 2);
        file.remove(&"b".parse().unwrap()).unwrap();
        let written = text(&file);
        assert!(written.starts_with("# mine\n") && written.contains("later = 1"), "{written}");
        file.remove(&"a".parse().unwrap()).unwrap();
        assert_eq!(file.read().unwrap().favourites, []);
    }

    #[test]
    fn line_ends_and_the_mark_of_an_editor_of_windows_survive_changes() {
        let before = format!("\u{feff}# mine\r\nschema_version = 2\r\n\r\n[profiles.b]\r\nvm = \"{VM}\"\r\n");
        let (_folder, file) = file(&before);
        let name = "c".parse().unwrap();
        file.add(&name, &Profile::new(VM.parse().unwrap())).unwrap();
        let changed = text(&file);
        assert_eq!(changed.matches('\n').count(), changed.matches("\r\n").count(), "{changed:?}");
        assert!(changed.starts_with(&before) && changed.contains("[profiles.c]"), "{changed:?}");
        file.remove(&name).unwrap();
        assert_eq!(text(&file), before);
    }

    #[test]
    fn bad_settings_say_where_and_are_left_alone() {
        for (bad, part) in [
            ("schema_version = 1\n[profiles.a\n", "line 2, column 12"),
            ("\n[profiles.a]\nuser = \"x\"\n", "line 2, column 11: [profiles.a] “vm” is missing"),
            ("[profiles.a]\n  vm = \"web-01\"\n", "line 2, column 8: [profiles.a] “web-01” is not a resource id"),
            ("\u{feff}[profiles.\"ä b\"]\r\nvm = \"/\"\n", "line 2, column 6: [profiles.ä b]"),
            (&format!("[profiles.\"ä b\"]\nvm = \"{VM}\"\n"), "line 1, column 11: [profiles] “ä b”"),
            (
                "[clouds.sim]\nauthority = \"https://x\"\n",
                "line 1, column 9: [clouds.sim] “resource_manager” is missing",
            ),
            ("[clients]\nssh = 1\n", "line 2, column 7: [clients] ssh: the number 1"),
            (&format!("[profiles.a]\nvm = \"{VM}\"\nport = 0\n"), "line 3, column 1: [profiles.a] port = 0 is no port"),
            (
                &format!("[profiles.a]\nvm = \"{VM}\"\n[profiles.A]\nvm = \"{VM}\"\n"),
                "line 3, column 11: [profiles.A] is [profiles.a] once more",
            ),
            ("# mine\nschema_version = \"1\"\n", "line 2, column 1: schema_version is not a number"),
            ("cloud = 3\n", "line 1, column 1: “cloud” is not a text"),
            ("account = \"\"\n", "line 1, column 1: account: "),
        ] {
            let (_folder, file) = file(bad);
            let Failure::Settings { detail, .. } = file.read().unwrap_err().failure else { panic!("{bad}") };
            assert!(detail.contains(part), "{detail}");
            assert!(file.add(&"x".parse().unwrap(), &Profile::new(VM.parse().unwrap())).is_err());
            assert_eq!(text(&file), bad);
        }
    }

    #[test]
    fn what_a_later_ajar_wrote_is_read_as_far_as_it_is_understood_and_never_changed() {
        let before =
            format!("schema_version = 99\n[clients]\nssh = \"my-ssh\"\n[profiles.a]\nvm = \"{VM}\"\nlater = 1\n");
        let (_folder, readable) = file(&before);
        let read = readable.read().unwrap();
        assert_eq!((read.newer, read.favourites.len(), read.clients.ssh.as_deref()), (Some(99), 1, Some("my-ssh")));
        for refused in [readable.remove(&"a".parse().unwrap()).map(drop), readable.set_client_id(None).map(drop)] {
            let Failure::SettingsNewer { version, known, unread, .. } = refused.unwrap_err().failure else { panic!() };
            assert_eq!((version, known, unread), (99, SCHEMA_VERSION, None));
        }
        assert_eq!(text(&readable), before);
    }

    #[test]
    fn what_a_later_ajar_says_that_this_one_does_not_know_is_left_out_and_told_and_the_rest_is_in_force() {
        let later = format!(
            "schema_version = 9\ncloud = 7\n[defaults]\nuser = \"me\"\naddress = \"teleport\"\n[folders.Team]\nport = {{ a = 1 }}\n\
             for = \"2h\"\n[clients]\nssh = 1\nrdp = \"my-rdp\"\n[profiles.good]\nvm = \"{VM}\"\nfolder = \"Team\"\n\
             [profiles.bad]\nvm = \"{VM}\"\naddress = \"teleport\"\n[profiles.odd]\nvm = 1\n[profiles.GOOD]\nvm = \"{VM}\"\n"
        );
        let (_folder, file) = file(&later);
        let read = file.read().unwrap();
        let names: Vec<_> = read.favourites.iter().map(|favourite| favourite.name.as_str()).collect();
        let good = &read.favourites[0].profile;
        assert_eq!((names, good.user.as_deref(), good.port), (vec!["good"], Some("me"), None));
        assert!(good.access.is_some() && read.clients.rdp.is_some() && read.cloud.is_none(), "{read:#?}");
        assert_eq!(read.left_out.len(), 7, "{:#?}", read.left_out);
        for place in [
            "line 5, column 11: [defaults]",
            "line 7, column 8: [folders.\"Team\"]",
            "[profiles.bad]",
            "[profiles.odd]",
        ] {
            assert!(read.left_out.iter().any(|left| left.contains(place)), "{place}: {:#?}", read.left_out);
        }
        let Failure::SettingsNewer { unread, .. } = file.set_client_id(None).unwrap_err().failure else { panic!() };
        assert!(unread.unwrap().contains("teleport"));
        let (_folder, present) = super::written::file(&later.replace("= 9", "= 2"));
        assert!(
            matches!(present.read().unwrap_err().failure, Failure::Settings { .. }),
            "of this Ajar it is a mistake"
        );
    }

    #[test]
    fn a_name_is_taken_only_once_whatever_its_case() {
        let (_folder, file) = file("");
        let profile = Profile::new(VM.parse().unwrap());
        file.add(&"web".parse().unwrap(), &profile).unwrap();
        let error = file.add(&"WEB".parse().unwrap(), &profile).unwrap_err();
        assert!(matches!(error.failure, Failure::FavouriteExists { .. }));
        assert!(matches!(file.remove(&"x".parse().unwrap()).unwrap_err().failure, Failure::UnknownFavourite { .. }));
    }
}
