//! Access windows as the engine comes to know them: granted here, found by an attempt, or shown by policies. Each is held
//! to its end under a favourite's name, or the VM's own where no favourite leads there any more.

use ajar_core::access_window::{AccessWindow, Phase, open_windows, revoked};
use ajar_core::attempt::{Attempt, UNSETTLED};
use ajar_core::message::closed_early;
use ajar_core::policy::JitNetworkAccessPolicy;
use ajar_core::profile::ProfileName;
use ajar_core::resource_id::VmResourceId;
use ajar_core::settings::{Favourite, Settings};
use ajar_core::snapshot::ClosedView;
use chrono::{DateTime, Utc};

use super::Engine;
use super::held::Held;
use crate::files::State;

/// Whose a window of `vm` is that was asked for by the favourite `name`: that favourite's, else another's of the same VM.
/// Without either it has the name of the VM.
fn owner(settings: &Settings, name: &ProfileName, vm: &VmResourceId) -> ProfileName {
    let leads_there = |favourite: &&Favourite| favourite.profile.vm == *vm;
    let own = settings.favourite(name).filter(leads_there);
    let favourite = own.or_else(|| settings.favourites.iter().find(leads_there));
    let found = favourite.map(|favourite| favourite.name.clone());
    found.or_else(|| name_of(vm)).unwrap_or_else(|| name.clone())
}

/// A VM's own name. Azure lets some be that no favourite can have.
pub(super) fn name_of(vm: &VmResourceId) -> Option<ProfileName> {
    vm.name().parse().ok()
}

impl Engine {
    /// Favourites have come and gone; windows stay.
    pub(super) fn reassign_windows(&mut self) {
        let settings = &self.settings;
        self.held.rename(|held| owner(settings, &held.name, &held.window.vm));
        self.closed.retain(|closed| settings.favourite(&closed.name).is_some());
    }

    /// Takes over the windows that policies show.
    pub(super) fn adopt(&mut self, name: &ProfileName, vm: &VmResourceId, policies: &[JitNetworkAccessPolicy]) {
        let now = self.now();
        // The favourite may have gone, or have been turned to another VM, while they were read.
        if owner(&self.settings, name, vm) == *name {
            let (state, principal) = (self.remembered.state(), self.principal.as_deref());
            let ours = |window: &AccessWindow| is_ours(state, principal, window);
            let gone = self.held.adopt(name, vm, &open_windows(policies, vm, now), ours);
            for window in gone.into_iter().filter(|window| window.phase(now) != Phase::Ended) {
                if let Some(reason) = revoked(policies, &window) {
                    let text = closed_early(reason, window.end_time_utc, self.zone());
                    let (name, port, end_time_utc) = (name.clone(), window.port, window.end_time_utc);
                    self.closed.push(ClosedView { name, port, end_time_utc, text });
                }
            }
        }
        for working in self.attempts.all().filter(|working| working.attempt.order().vm == *vm) {
            working.attempt.notice_policies(policies, now);
        }
    }

    /// Holds what lets an attempt that has ended in.
    pub(super) fn hold_window(&mut self, attempt: &Attempt, now: DateTime<Utc>) {
        let Some(window) = attempt.window(now) else { return };
        let (key, name) = (State::key(&attempt.order().vm, attempt.order().port), attempt.order().name.clone());
        let state = self.remembered.state();
        let sent_at = state.unsettled.get(&key).copied();
        let found = is_ours(state, self.principal.as_deref(), &window);
        if found {
            self.hold_ours(&name, window, now);
        } else {
            let name = owner(&self.settings, &name, &window.vm);
            self.held.hold(Held { name, window, ours: false });
        }
        if sent_at.is_some_and(|sent_at| found || now - sent_at >= UNSETTLED) {
            self.settled(key);
        }
    }

    /// Holds a window that was asked for here, and remembers that, for the host after this one.
    pub(super) fn hold_ours(&mut self, name: &ProfileName, window: AccessWindow, now: DateTime<Utc>) {
        let (key, end) = (State::key(&window.vm, window.port), window.end_time_utc);
        if self.remembered.state().granted.get(&key) != Some(&end) {
            drop(self.remembered.change(move |state| state.granted(&key, end, now)));
        }
        let name = owner(&self.settings, name, &window.vm);
        self.held.hold(Held { name, window, ours: true });
    }
}

/// Whether a window was asked for here: it was granted to us, or may be what a request opened whose answer nobody saw.
fn is_ours(state: &State, principal: Option<&str>, window: &AccessWindow) -> bool {
    let key = State::key(&window.vm, window.port);
    let sent_at = state.unsettled.get(&key);
    state.granted.get(&key) == Some(&window.end_time_utc)
        || sent_at.is_some_and(|sent_at| window.may_be_of(*sent_at, principal))
}
