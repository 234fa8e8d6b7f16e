//! Favourites that are changed.

use ajar_core::failure::{Failure, Trouble};
use ajar_core::launch::{Os, vet};
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::settings::Favourite;

use super::Engine;
use crate::accounts::find_cloud;

impl Engine {
    /// Changes a favourite, which may get another name. What is open stays its own; what is under way goes on as it was
    /// begun, and keeps the favourite's name until then.
    pub(super) fn edit(
        &mut self,
        name: &ProfileName,
        rename: Option<&ProfileName>,
        profile: &Profile,
    ) -> Result<(), Trouble> {
        let called = rename.unwrap_or(name);
        let is_done = || self.settings.favourite(called).is_some_and(|known| known.profile == *profile);
        // Asked again after a host went away, it is done already.
        if self.settings.favourite(name).is_none() && is_done() {
            return Ok(());
        }
        let known = self.favourite(name)?.clone();
        let before = &known.profile;
        let acts_anew =
            (&before.account, &before.cloud, &before.tenant) != (&profile.account, &profile.cloud, &profile.tenant);
        // Another port may be given also to one whose account is not there any more.
        if acts_anew {
            self.acting(profile)?;
        }
        self.cloud_is_there(profile)?;
        vet(called.as_str(), profile, Os::current())?;
        if known.name != *called && self.attempts.open(&known.name) {
            return Err(Failure::BeingOpened { name: known.name.to_string() }.into());
        }
        self.settings_file.change(&known.name, called, profile)?;
        self.rename_windows(&known.name, called);
        self.settings_seen = None;
        self.reload_settings();
        if acts_anew && self.looked {
            self.begin_refresh();
        }
        Ok(())
    }

    /// Takes favourites in, all or none. One that is changed goes on as it was begun, where it is under way.
    pub(super) fn import(&mut self, add: &[Favourite], change: &[Favourite]) -> Result<(), Trouble> {
        for Favourite { name, profile } in add.iter().chain(change) {
            self.may_be_added(name, profile)?;
        }
        let is_done = |favourite: &Favourite| self.settings.favourite(&favourite.name) == Some(favourite);
        // Asked again after a host went away, it is done already.
        if !add.iter().chain(change).all(is_done) {
            self.settings_file.take_in(add, change)?;
        }
        self.settings_seen = None;
        self.reload_settings();
        if self.looked && !change.is_empty() {
            self.begin_refresh();
        }
        Ok(())
    }

    /// Refuses a cloud that is not known: nothing could be opened there.
    pub(super) fn cloud_is_there(&self, profile: &Profile) -> Result<(), Trouble> {
        let usual = self.settings.default_cloud(&self.defaults);
        let Some(named) = profile.cloud.as_deref().filter(|named| *named != usual) else { return Ok(()) };
        find_cloud(named, &self.settings, self.settings_file.path()).map(drop)
    }
}
