//! What favourites inherit from: `[defaults]`, and `[folders."Team/Prod"]`.

use std::collections::BTreeMap;

use ajar_core::failure::Trouble;
use ajar_core::folders::folder_path;
use ajar_core::inheritance::{Field, Inheritable, Inheritance};
use toml_edit::Table;

use super::reading::{Misread, item_as, table_as, tables};
use super::{SettingsFile, Written, write_changes};

impl SettingsFile {
    /// Changes what is said of all favourites, or of those in a folder. What stays the same stays as it is written.
    ///
    /// # Errors
    /// [`Failure::Settings`].
    pub fn change_defaults(&self, folder: Option<&str>, said: &Inheritable) -> Result<(), Trouble> {
        self.change_defaults_since(folder, None, said).map(drop)
    }

    /// The same by somebody who has seen what was said `before`: what stays as it was then is left as it is by now.
    ///
    /// # Errors
    /// Those of [`SettingsFile::change_defaults`].
    pub(crate) fn change_defaults_since(
        &self,
        folder: Option<&str>,
        before: Option<&Inheritable>,
        said: &Inheritable,
    ) -> Result<Written, Trouble> {
        self.edit_to_undo(|document, settings| {
            let by_now = settings.inheritance.said_of(folder);
            let since = before.map(|before| said.since(before, &by_now));
            let said = since.as_ref().unwrap_or(said);
            let keys: Vec<_> = Field::ALL.iter().map(|field| field.key()).collect();
            let Some(folder) = folder else {
                let before = &settings.inheritance.defaults;
                return write_changes(document, &["defaults"], &keys, before, said);
            };
            let nothing = (folder_path(folder).join("/"), Inheritable::default());
            let (written, before) = settings.inheritance.of_folder(folder).unwrap_or(&nothing);
            write_changes(document, &["folders", written], &keys, before, said)
        })
    }
}

/// What the file says of them.
pub(super) fn read(document: &Table) -> Result<Inheritance, Misread> {
    let folders = tables(document, "folders")?.into_iter().map(|(name, item)| {
        let said = item_as(&item, &["folders", &name])?;
        Ok((name, said))
    });
    let folders = folders.collect::<Result<_, Misread>>()?;
    Ok(Inheritance { defaults: table_as(document, "defaults")?, folders, systems: BTreeMap::new() })
}

#[cfg(test)]
mod tests {
    use ajar_core::failure::Failure;

    use super::super::written::{VM, file, text};
    use super::*;

    fn said(json: serde_json::Value) -> Inheritable {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn favourites_are_read_with_what_they_inherit_and_kept_as_they_are_written() {
        let (_folder, file) = file(&format!(
            "[defaults]\nuser = \"all\"\n[folders.Team]\nport = 2222\n[profiles.web]\nvm = \"{VM}\"\nfolder = \"Team/Prod\"\n"
        ));
        let settings = file.read().unwrap();
        let (web, written) = (&settings.favourites[0].profile, &settings.written[0].profile);
        assert_eq!(
            (web.user.as_deref(), web.port, &written.user, written.port),
            (Some("all"), Some(2222), &None, None)
        );
    }

    #[test]
    fn what_is_said_of_many_is_changed_in_its_place_and_taken_out_again() {
        let before = "# mine\n[defaults] # of all\nuser = \"me\" # not root\nlater = 1\n\n[folders.\"Team / Prod\"]\n";
        let (_folder, file) = file(before);
        file.change_defaults(None, &said(serde_json::json!({ "user": "you", "for": "1h" }))).unwrap();
        let changed = before.replace("\"me\"", "\"you\"").replace("later = 1\n", "later = 1\nfor = \"1h\"\n");
        assert_eq!(text(&file), changed);
        file.change_defaults(Some("Team/Prod"), &said(serde_json::json!({ "start": false }))).unwrap();
        assert_eq!(text(&file), changed.clone() + "start = false\n");
        file.change_defaults(Some("Lab"), &said(serde_json::json!({ "port": 2222 }))).unwrap();
        assert_eq!(text(&file), changed.clone() + "start = false\n\n[folders.Lab]\nport = 2222\n");
        file.change_defaults(Some("Team/Prod"), &Inheritable::default()).unwrap();
        file.change_defaults(Some("Lab"), &Inheritable::default()).unwrap();
        file.change_defaults(None, &said(serde_json::json!({ "user": "me" }))).unwrap();
        assert_eq!(text(&file), before.to_owned() + "\n[folders.Lab]\n");
    }

    #[test]
    fn what_is_wrong_is_told_by_its_table() {
        for (bad, part) in [
            ("[defaults]\nport = 0\n", "[defaults] port = 0 is no port"),
            ("[defaults]\nfor = \"soon\"\n", "[defaults] “soon” is not a length of time"),
            ("[folders.\"a/b\"]\nstart = 1\n", "[folders.\"a/b\"] "),
            ("[folders.\"a/b\"]\n[folders.\"a / b\"]\n", "[folders.\"a / b\"] is [folders.\"a/b\"] once more"),
            ("[folders.\"/\"]\n", "[folders.\"/\"] is no folder"),
            ("folders = 1\n", "“folders” is not a table"),
        ] {
            let (_folder, file) = file(bad);
            let Failure::Settings { detail, .. } = file.read().unwrap_err().failure else { panic!("{bad}") };
            assert!(detail.contains(part), "{detail}");
        }
    }
}
