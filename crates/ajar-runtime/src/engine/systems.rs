//! What runs on the favourites' VMs: how they are opened hangs on it where nobody says that.

use std::collections::BTreeSet;

use ajar_core::resource_id::VmResourceId;
use ajar_core::settings::Favourite;
use ajar_core::vm::{CloudVm, OsType};

use super::Engine;

impl Engine {
    /// Takes in what Azure says of the VMs that favourites lead to. What is being opened goes on as it was begun.
    pub(super) fn know_systems(&mut self, told: impl IntoIterator<Item = (VmResourceId, OsType)>) {
        let known = &self.settings.inheritance.systems;
        let of_favourites: BTreeSet<_> =
            self.settings.favourites.iter().map(|favourite| favourite.profile.vm.clone()).collect();
        let is_news = |(vm, os): &(VmResourceId, OsType)| of_favourites.contains(vm) && known.get(vm) != Some(os);
        let news: Vec<_> = told.into_iter().filter(is_news).collect();
        if news.is_empty() {
            return;
        }
        let before = self.settings.clone();
        self.settings.inheritance.systems.extend(news.iter().cloned());
        // Nobody waits for it: without it the next process reads it from Azure.
        drop(self.remembered.change(move |state| state.system_told(&news, &of_favourites)));
        self.judge_teams();
        if before.favourites != self.settings.favourites {
            self.ways_are_others(&before);
        }
    }

    /// The same of what all VMs are known by.
    pub(super) fn know_systems_seen(&mut self) {
        let favourites = self.settings.favourites.iter();
        let places: Vec<CloudVm> = favourites.map(|Favourite { profile, .. }| self.place(profile)).collect();
        let inventory = &mut self.known_vms.inventory;
        let told = places.into_iter().filter_map(|place| Some((inventory.vm(&place)?.os?, place.id)));
        let told: Vec<_> = told.map(|(os, vm)| (vm, os)).collect();
        self.know_systems(told);
    }
}
