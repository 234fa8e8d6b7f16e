//! Favourites that are changed.

use ajar_core::failure::{Failure, Trouble};
use ajar_core::folders::folder_path;
use ajar_core::inheritance::{Field, Inheritable, Inheritance, Origin};
use ajar_core::inventory::InventoryVm;
use ajar_core::launch::{Os, vet};
use ajar_core::message;
use ajar_core::message::settings::{Flaw, flaw};
use ajar_core::port::Protocol;
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::protocol::{Edited, InheritedView, Reply};
use ajar_core::resource_id::VmResourceId;
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
        before: Option<&Profile>,
        profile: &Profile,
    ) -> Result<(), Trouble> {
        let called = rename.unwrap_or(name);
        let since = |by_now: &Profile| before.map_or_else(|| profile.clone(), |before| profile.since(before, by_now));
        let is_done = || self.settings.written(called).is_some_and(|known| known.profile == since(&known.profile));
        // Asked again after a host went away, it is done already.
        if self.settings.favourite(name).is_none() && is_done() {
            return Ok(());
        }
        let profile_by_now = since(&self.written(name)?.profile);
        let known = self.favourite(name)?.clone();
        let effective = self.settings.inheritance.effective(&profile_by_now).profile;
        let acts_anew = self.vet_change(called, &known.profile, &effective)?;
        if known.name != *called && self.attempts.open(&known.name) {
            return Err(Failure::BeingOpened { name: known.name.to_string() }.into());
        }
        if known.name != *called {
            self.settings.may_be_named(called)?;
        }
        let written = self.settings_file.change_since(&known.name, called, before, profile)?;
        if let Some(before) = before {
            let (name, called) = (name.clone(), called.clone());
            let (before, after) = (Box::new(before.clone()), Box::new(profile.clone()));
            self.undoable.edited(Edited::Favourite { name, called, before, after }, written);
        }
        self.rename_windows(&known.name, called);
        self.rename_starter(&known.name, called);
        self.settings_seen = None;
        self.reload_settings();
        if acts_anew && self.looked {
            self.begin_refresh();
        }
        Ok(())
    }

    /// What a favourite would inherit that says so much itself, and leads to this VM; `is_new` is one that is not there yet.
    pub(super) fn inherited(
        &mut self,
        folder: Option<&str>,
        said: &Inheritable,
        of_all: bool,
        (vm, is_new): (Option<VmResourceId>, bool),
    ) -> Reply {
        let nobody = Inheritance::default();
        let seen = vm.clone().and_then(|vm| self.seen_vm(said, vm));
        let inheritance = if of_all { &nobody } else { &self.settings.inheritance };
        let told = |field: &Field| {
            let (all, from) = inheritance.without(*field, said, folder, vm.as_ref());
            let is_door = matches!(field, Field::Port | Field::Protocol);
            let by_vm = seen.as_ref().filter(|_| is_new || !is_door).and_then(|vm| vm.tells(*field, &all));
            by_vm.unwrap_or((all, from))
        };
        let view = |field: &Field| {
            let (all, from) = told(field);
            let text = message::settings::inherited(&message::settings::holds(*field, &all)?, &from);
            Some(InheritedView { field: *field, text })
        };
        let protocol = match told(&Field::Protocol) {
            (by_vm, Origin::Vm { .. }) => by_vm.protocol.filter(|protocol| *protocol != Protocol::Ssh),
            (_, _) => None,
        };
        Reply::Inherited { fields: Field::ALL.iter().filter_map(view).collect(), protocol }
    }

    /// What is known of a VM, if anything.
    fn seen_vm(&mut self, said: &Inheritable, vm: VmResourceId) -> Option<InventoryVm> {
        let place = self.settings.place_of(&said.clone().of_vm(vm), &self.defaults);
        self.known_vm(&place)
    }

    /// Changes what all favourites inherit, or those in a folder. What would leave one of them without a way to be opened is
    /// refused as if it were said of that one.
    pub(super) fn edit_defaults(
        &mut self,
        folder: Option<&str>,
        before: Option<&Inheritable>,
        wanted: &Inheritable,
    ) -> Result<(), Trouble> {
        if let Some(name) = folder.filter(|folder| folder_path(folder).is_empty()) {
            return Err(Failure::CommandLine { detail: flaw(&Flaw::NoFolder { name }) }.into());
        }
        let by_now = self.settings.inheritance.said_of(folder);
        let said = &before.map_or_else(|| wanted.clone(), |before| wanted.since(before, &by_now));
        if let Some(account) = &said.account {
            self.settings.acting_as(account, said.cloud.as_deref(), said.tenant.as_deref(), &self.defaults)?;
        }
        self.cloud_is_there(said.cloud.as_deref())?;
        self.settings.source(&said.source.clone().unwrap_or_default())?;
        let after = self.settings.inheritance.with(folder, said.clone());
        let mut act_anew = false;
        for Favourite { name, profile } in &self.settings.written {
            let (before, after) = (self.settings.inheritance.effective(profile), after.effective(profile));
            if before.profile != after.profile {
                act_anew |= self.vet_change(name, &before.profile, &after.profile)?;
            }
        }
        let of_teams = Self::whom_teams_act_as(&self.settings);
        let written = self.settings_file.change_defaults_since(folder, before, wanted)?;
        if let Some(before) = before {
            let (before, after) = (Box::new(before.clone()), Box::new(wanted.clone()));
            let folder = folder.map(ToOwned::to_owned);
            self.undoable.edited(Edited::Defaults { folder, before, after }, written);
        }
        self.settings_seen = None;
        self.reload_settings();
        act_anew |= of_teams != Self::whom_teams_act_as(&self.settings);
        if act_anew && self.looked {
            self.begin_refresh();
        }
        Ok(())
    }

    /// Refuses what no client could be started with, or nobody could act for; whether somebody else acts than before.
    pub(super) fn vet_change(&self, name: &ProfileName, before: &Profile, after: &Profile) -> Result<bool, Trouble> {
        let acts_anew =
            (&before.account, &before.cloud, &before.tenant) != (&after.account, &after.cloud, &after.tenant);
        // Another port may be given also to one whose account is not there any more.
        if acts_anew {
            self.acting(after)?;
        }
        self.cloud_is_there(after.cloud.as_deref())?;
        self.settings.source(&after.source())?;
        vet(name.as_str(), after, Os::current())?;
        Ok(acts_anew)
    }

    /// Refuses a cloud that is not known: nothing could be opened there.
    pub(super) fn cloud_is_there(&self, cloud: Option<&str>) -> Result<(), Trouble> {
        let usual = self.settings.default_cloud(&self.defaults);
        let Some(named) = cloud.filter(|named| *named != usual) else { return Ok(()) };
        find_cloud(named, &self.settings, self.settings_file.path()).map(drop)
    }
}
