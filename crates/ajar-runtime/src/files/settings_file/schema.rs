//! Files of an earlier schema, which are brought up to the present one by the first change to them.

use std::io;
use std::path::PathBuf;

use ajar_core::settings::SCHEMA_VERSION;
use toml_edit::{DocumentMut, Value};

use super::SettingsFile;
use crate::files::toml_text::TomlText;
use crate::files::write_atomically;

const KEY: &str = "schema_version";

fn older(document: &DocumentMut) -> Option<i64> {
    document.get(KEY)?.as_integer().filter(|version| *version < SCHEMA_VERSION)
}

/// Makes it one of the present schema. All that 1 could say means the same in 2: the number alone changes, so that an Ajar
/// that knows only 1 does not call the name of a network a mistake.
pub(super) fn bring_up(document: &mut TomlText, before: &str) {
    if version_of(before).is_some() {
        document.set(&[], KEY, Some(&Value::from(SCHEMA_VERSION)));
    }
}

/// The schema of a text, where it is an earlier one.
fn version_of(text: &str) -> Option<i64> {
    text.trim_start_matches('\u{feff}').parse().ok().as_ref().and_then(older)
}

impl SettingsFile {
    /// Where a text of that schema is kept that has been brought up: where nothing else is, or that text already.
    fn backup(&self, version: i64, text: &str) -> PathBuf {
        let named = |end: String| {
            let mut name = self.path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".bak-{version}{end}"));
            self.path.with_file_name(name)
        };
        let is_free = |path: &PathBuf| match std::fs::read(path) {
            Ok(kept) => kept == text.as_bytes(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        let others = (2..).map(|number| named(format!("-{number}")));
        let mut all = std::iter::once(named(String::new())).chain(others);
        all.find(is_free).unwrap_or_else(|| named(String::new()))
    }

    /// Keeps a text of an earlier schema beside the file, for who goes back to an Ajar that knows no other.
    pub(super) fn keep_older(&self, text: &str) -> io::Result<()> {
        version_of(text).map_or(Ok(()), |version| write_atomically(&self.backup(version, text), text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use ajar_core::settings::Setting;

    use super::super::written::{file, text};

    #[test]
    fn the_first_change_to_a_file_of_an_earlier_schema_brings_it_up_and_keeps_it_as_it_was() {
        let before = "# mine\r\nschema_version = 1 # as made\r\ncloud = \"china\"\r\n";
        let (folder, file) = file(before);
        let kept = || std::fs::read_to_string(folder.path().join("config.toml.bak-1")).ok();
        assert_eq!((file.read().unwrap().cloud.as_deref(), kept()), (Some("china"), None));
        file.set(&Setting::Cloud(Some("usgov".into()))).unwrap();
        assert_eq!(kept().as_deref(), Some(before));
        let after = before.replace("= 1 #", "= 2 #").replace("china", "usgov");
        assert_eq!(text(&file), after);
        file.set(&Setting::Cloud(None)).unwrap();
        assert_eq!(kept().as_deref(), Some(before), "one of the present schema is not kept");
        // Whoever has gone back and changed things has both.
        let again = before.replace("china", "public");
        std::fs::write(file.path(), &again).unwrap();
        file.set(&Setting::Cloud(None)).unwrap();
        let second = std::fs::read_to_string(folder.path().join("config.toml.bak-1-2")).unwrap();
        assert_eq!((kept().as_deref(), second), (Some(before), again));
    }

    #[test]
    fn what_is_refused_brings_nothing_up() {
        let before = "schema_version = 1\n";
        let (folder, file) = file(before);
        file.remove(&"web".parse().unwrap()).unwrap_err();
        assert_eq!((text(&file).as_str(), std::fs::read_dir(folder.path()).unwrap().count()), (before, 2));
    }
}
