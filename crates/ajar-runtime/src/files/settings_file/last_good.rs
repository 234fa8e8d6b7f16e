//! What the settings said when they were last read without a mistake, for who begins while they cannot be read.

use std::fs;

use ajar_core::failure::Trouble;
use ajar_core::settings::Settings;
use ajar_core::team::TeamPlace;

use super::{SettingsFile, reading};
use crate::files::toml_text::TomlText;
use crate::files::write_atomically;

impl SettingsFile {
    /// What it says or, while it cannot be read, what it said last.
    ///
    /// # Errors
    /// Those of [`SettingsFile::read`], where nothing is known of before.
    pub fn in_force(&self) -> Result<Settings, Trouble> {
        self.read().or_else(|trouble| self.last_good().ok_or(trouble))
    }

    /// What it said when it was last read without a mistake.
    pub(crate) fn last_good(&self) -> Option<Settings> {
        let text = fs::read_to_string(self.last_good.as_ref()?).ok()?;
        reading::settings(&text).ok()
    }

    /// Keeps what it says, without what may be secret. That it cannot be kept keeps nobody from anything.
    pub(crate) fn keep_good(&self) {
        let Some(kept) = self.last_good.as_ref().filter(|_| !self.is_empty()) else { return };
        let Ok(text) = self.text() else { return };
        let Ok(settings) = reading::settings(&text) else { return };
        let mut copy = TomlText::new(&text);
        let is_secret = |from: &TeamPlace| String::from(from.clone()) != from.shown();
        for team in settings.teams.iter().filter(|team| is_secret(&team.from)) {
            copy.remove(&["teams", team.name.as_str()]);
        }
        let copy = copy.into_file();
        if fs::read_to_string(kept).is_ok_and(|kept| kept == copy) {
            return;
        }
        if let Err(error) = write_atomically(kept, copy.as_bytes()) {
            tracing::warn!(%error, "the settings cannot be kept for who begins while they cannot be read");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::written::VM;
    use super::*;
    use crate::files::Folder;

    #[test]
    fn what_was_read_last_without_a_mistake_is_in_force_and_no_secret_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::at(home.path());
        let file = SettingsFile::of(&folder);
        let good = format!(
            "[profiles.a]\nvm = '{VM}'\n[teams.ops]\nfrom = 'https://x.example/t?sig=hunter2'\n[teams.dev]\nfrom = '/mnt/dev.toml'\n"
        );
        file.keep_good();
        assert!(!folder.last_good_settings().exists(), "there is nothing to keep");
        fs::write(file.path(), &good).unwrap();
        file.keep_good();
        fs::write(file.path(), "[profiles.a\n").unwrap();
        file.keep_good();
        let kept = file.in_force().unwrap();
        let teams: Vec<_> = kept.teams.iter().map(|team| team.name.as_str()).collect();
        assert_eq!((kept.written.len(), teams), (1, vec!["dev"]));
        assert!(!fs::read_to_string(folder.last_good_settings()).unwrap().contains("hunter2"));
        assert!(
            file.read().is_err() && file.set_client_id(None).is_err(),
            "it is not written as long as it cannot be read"
        );
        assert!(SettingsFile::new(folder.settings()).in_force().is_err());
    }
}
