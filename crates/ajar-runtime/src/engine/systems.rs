//! What runs on the favourites' VMs: how they are opened hangs on it where nobody says that.

use std::collections::BTreeSet;

use ajar_core::attempt::{Fact, Memory};
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::protocol::Connect;
use ajar_core::resource_id::VmResourceId;
use ajar_core::settings::Favourite;
use ajar_core::snapshot::AttemptNumber;
use ajar_core::vm::{CloudVm, OsType};
use chrono::{DateTime, Utc};

use super::Engine;
use crate::files::State;

impl Engine {
    /// Takes in what Azure says of the VMs that favourites lead to. What is being opened goes on as it was begun, but for what
    /// waits for just this.
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

    /// Tells an attempt a fact. One that turns out to open another port than was supposed is told what is known of that.
    pub(super) fn apply(&mut self, number: AttemptNumber, fact: Fact, now: DateTime<Utc>) {
        let Some(attempt) = self.attempts.apply(number, fact, now) else { return };
        let order = attempt.order();
        let (name, place, port) = (order.name.clone(), order.place(), order.port);
        let memory = self.memory(&name, &place, port);
        if let Some(working) = self.attempts.working(number) {
            working.attempt.recall(memory, now);
        }
    }

    /// Whether nobody says which port is wanted, and what runs on the VM is not known yet. More time is for a port that was opened,
    /// and where it was reached before, it is that.
    pub(super) fn is_supposed(&self, profile: &Profile, connect: &Connect) -> bool {
        let was_reached = || {
            let key = State::key(&self.place(profile), profile.port());
            self.remembered.state().endpoints.contains_key(&key)
        };
        connect.port.is_none() && profile.is_door_supposed() && !connect.extends && !was_reached()
    }

    /// What is known of a VM's port from earlier.
    pub(super) fn memory(&self, name: &ProfileName, vm: &CloudVm, port: u16) -> Memory {
        let key = State::key(vm, port);
        Memory {
            endpoint: self.remembered.state().endpoints.get(&key).cloned(),
            unsettled: self.unsettled(&key),
            window: self.held.of(vm, port).map(|held| held.window.clone()),
            principal: self.principal(name, vm),
        }
    }
}
