//! Reading the settings anew, whoever has changed their file.

use std::time::Duration;

use ajar_core::failure::Trouble;
use ajar_core::message::failure::{About, in_words};
use ajar_core::settings::Settings;
use ajar_core::snapshot::FailureView;
use tokio::time::Instant;

use super::Engine;
use super::effects::Happened;
use crate::accounts::find_cloud;

/// Settings that say nothing are believed once they have done so for this long.
const EMPTIED_FOR: Duration = Duration::from_secs(1);

impl Engine {
    /// Reads the settings anew if the file has changed. Settings that cannot be read leave the last good ones in force.
    pub(super) fn reload_settings(&mut self) {
        let stamp = self.settings_file.stamp();
        if stamp.is_some() && stamp == self.settings_seen {
            return;
        }
        let (seen, read) = self.settings_file.read_stamped();
        if self.may_be_half_written() {
            return;
        }
        self.settings_seen = seen;
        let read = match read {
            Ok(settings) => {
                self.settings_file.keep_good();
                self.settings_problem = None;
                Some(settings)
            }
            Err(trouble) => {
                self.settings_problem = Some(self.about_the_file(&trouble));
                let was_never_read = self.settings == Settings::default();
                was_never_read.then(|| self.settings_file.last_good()).flatten()
            }
        };
        if let Some(settings) = read {
            self.settings_are(settings);
        }
    }

    fn settings_are(&mut self, settings: Settings) {
        let before = std::mem::replace(&mut self.settings, settings);
        self.settings.inheritance.systems = self.remembered.state().systems();
        self.settle_cloud();
        self.take_in_teams();
        self.host.account = self.settings.default_account(&self.defaults).to_string();
        let newer = self.settings.newer.map(|version| self.settings_file.newer(version, &self.settings.left_out));
        self.settings_read_only = newer.map(|trouble| self.about_the_file(&trouble));
        self.favourites_are_others(&before);
        // A process that ends with its command would not see what comes of it.
        if self.stays {
            self.read_new_teams(&before);
        }
    }

    /// Whether the file is empty or not there, where it said something before. Who saves it in place may have emptied it just
    /// now, and not written it yet: it is looked at once more a moment later.
    fn may_be_half_written(&mut self) -> bool {
        // What this engine has written itself is to be read anew in any case.
        let is_own = self.settings_seen.is_none();
        if is_own || !self.settings_file.is_empty() || self.settings == Settings::default() {
            self.emptied = None;
            return false;
        }
        let now = Instant::now();
        let since = *self.emptied.get_or_insert_with(|| {
            let happened = self.happened.clone();
            tokio::spawn(async move {
                tokio::time::sleep(EMPTIED_FOR).await;
                drop(happened.send(Happened::SettingsTouched));
            });
            now
        });
        now - since < EMPTIED_FOR
    }

    fn about_the_file(&self, trouble: &Trouble) -> FailureView {
        in_words(trouble, &About { name: "config.toml", zone: self.zone(), at: self.now() })
    }

    /// The cloud that the settings mean stays what it is for as long as this engine is there, from when they could be read
    /// and it is one.
    fn settle_cloud(&mut self) {
        if self.defaults.cloud.is_some() {
            return;
        }
        self.settings.default_cloud(&self.defaults).clone_into(&mut self.host.cloud);
        if find_cloud(&self.host.cloud, &self.settings, self.settings_file.path()).is_ok() {
            self.defaults.cloud = Some(self.host.cloud.clone());
        }
    }
}
