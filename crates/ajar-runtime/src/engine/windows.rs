//! Access windows as the engine comes to know them: granted here, found by an attempt, or shown by policies. Each is held
//! to its end under a favourite's name, or the VM's own where no favourite leads there any more.

use ajar_core::access_window::{AccessWindow, Phase, SHOWN_WITHIN, is_protected, open_windows, revoked};
use ajar_core::attempt::{ASTRAY, Attempt};
use ajar_core::message::{closed_early, policy_gone};
use ajar_core::policy::{JitNetworkAccessPolicy, SourcePrefix};
use ajar_core::profile::ProfileName;
use ajar_core::resource_id::VmResourceId;
use ajar_core::settings::{Favourite, Settings};
use ajar_core::snapshot::ClosedView;
use ajar_core::zone::Zone;
use chrono::{DateTime, Utc};

use super::Engine;
use super::held::Held;
use crate::files::State;

/// A window that Azure closed before its time.
pub(super) struct Closed {
    pub(super) view: ClosedView,
    /// Its VM: the favourite may be turned to another.
    vm: VmResourceId,
    /// For whom it was open.
    sources: Vec<SourcePrefix>,
}

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
    /// Takes over the windows that were asked for here by the hosts before this one; Azure is asked about them later.
    pub(super) fn hold_remembered(&mut self) {
        for window in self.remembered.state().granted.values() {
            let name = name_of(&window.vm).map(|name| owner(&self.settings, &name, &window.vm));
            if let Some(name) = name {
                self.held.hold(Held { name, window: window.clone(), ours: true });
            }
        }
        self.held.drop_ended(self.now());
    }

    /// Favourites have come and gone; windows stay.
    pub(super) fn reassign_windows(&mut self) {
        let settings = &self.settings;
        self.held.rename(|held| owner(settings, &held.name, &held.window.vm));
        let leads_there = |Closed { view, vm, .. }: &Closed| {
            settings.favourite(&view.name).is_some_and(|favourite| favourite.profile.vm == *vm)
        };
        self.closed.retain(leads_there);
    }

    /// A favourite is called otherwise; its windows stay its own, also where others lead to the same VM.
    pub(super) fn rename_windows(&mut self, from: &ProfileName, to: &ProfileName) {
        self.held.rename(|held| if held.name == *from { to.clone() } else { held.name.clone() });
        for closed in self.closed.iter_mut().filter(|closed| closed.view.name == *from) {
            closed.view.name = to.clone();
        }
    }

    /// Takes over the windows that policies show.
    pub(super) fn adopt(&mut self, name: &ProfileName, vm: &VmResourceId, policies: &[JitNetworkAccessPolicy]) {
        let now = self.now();
        self.note_guard(vm, policies);
        // The favourite may have gone, or have been turned to another VM, while they were read.
        if owner(&self.settings, name, vm) == *name {
            let (state, principal) = (self.remembered.state(), self.principal(name, vm));
            let ours = |window: &AccessWindow| is_ours(state, principal.as_deref(), window);
            let zone = self.zone();
            let shown_yet = |window: &AccessWindow| {
                now - window.start_time_utc >= SHOWN_WITHIN || why_gone(policies, window, zone).is_some()
            };
            let gone = self.held.adopt(name, vm, &open_windows(policies, vm, now), shown_yet, ours);
            for window in gone.into_iter().filter(|window| window.phase(now) != Phase::Ended) {
                if let Some(text) = why_gone(policies, &window, zone) {
                    let (name, port, end_time_utc) = (name.clone(), window.port, window.end_time_utc);
                    let view = ClosedView { name, port, end_time_utc, text };
                    self.closed.push(Closed { view, vm: vm.clone(), sources: window.sources.clone() });
                }
                drop(self.remembered.change(move |state| state.gone(&window)));
            }
        }
        for working in self.attempts.all().filter(|working| working.attempt.order().vm == *vm) {
            working.attempt.notice_policies(policies, now);
        }
    }

    /// Nothing is open only where a policy keeps it shut: of another VM's ports nobody knows before they are tried.
    fn note_guard(&mut self, vm: &VmResourceId, policies: &[JitNetworkAccessPolicy]) {
        if is_protected(policies, vm) {
            self.guarded.insert(vm.clone());
        } else {
            self.guarded.remove(vm);
        }
    }

    /// Takes over the windows that an attempt has read of, and drops none: what Azure shows may be older than what it has
    /// granted to the attempt.
    pub(super) fn hold_read(&mut self, name: &ProfileName, vm: &VmResourceId, policies: &[JitNetworkAccessPolicy]) {
        self.note_guard(vm, policies);
        let name = owner(&self.settings, name, vm);
        for window in open_windows(policies, vm, self.now()) {
            let ours = is_ours(self.remembered.state(), self.principal(&name, &window.vm).as_deref(), &window);
            self.held.hold(Held { name: name.clone(), window, ours });
        }
    }

    /// Forgets closed windows whose time is over, and those that are open again for the same ones: one for somebody else,
    /// which may be what closed it, is no comfort.
    pub(super) fn forget_closed(&mut self, now: DateTime<Utc>) {
        let held = &self.held;
        self.closed.retain(|Closed { view, vm, sources }| {
            view.end_time_utc > now && !held.lets_in(&view.name, vm, view.port, sources)
        });
    }

    /// Holds what lets an attempt that has ended in.
    pub(super) fn hold_window(&mut self, attempt: &Attempt, now: DateTime<Utc>) {
        let Some(window) = attempt.window(now) else { return };
        let (key, name) = (State::key(&attempt.order().vm, attempt.order().port), attempt.order().name.clone());
        let state = self.remembered.state();
        let sent_at = state.unsettled.get(&key).copied();
        let found = is_ours(state, self.principal(&name, &window.vm).as_deref(), &window);
        if found {
            self.hold_ours(&name, window, now);
        } else {
            let name = owner(&self.settings, &name, &window.vm);
            self.held.hold(Held { name, window, ours: false });
        }
        if sent_at.is_some_and(|sent_at| found || now - sent_at >= ASTRAY) {
            self.settled(key);
        }
    }

    /// Holds a window that was asked for here, and remembers that, for the host after this one.
    pub(super) fn hold_ours(&mut self, name: &ProfileName, window: AccessWindow, now: DateTime<Utc>) {
        if !self.remembered.state().has_granted(&window) {
            let granted = window.clone();
            drop(self.remembered.change(move |state| state.granted(granted.clone(), now)));
        }
        let name = owner(&self.settings, name, &window.vm);
        self.held.hold(Held { name, window, ours: true });
    }
}

/// Why a window is not open any more that was to be: it was revoked, or its policy removed. Else Azure shows the request no
/// longer, or not yet.
fn why_gone(policies: &[JitNetworkAccessPolicy], window: &AccessWindow, zone: Zone) -> Option<String> {
    let end = window.end_time_utc;
    let removed = || (!is_protected(policies, &window.vm)).then(|| policy_gone(end, zone));
    revoked(policies, window).map(|reason| closed_early(reason, end, zone)).or_else(removed)
}

/// Whether a window was asked for here: it was granted to us, or may be what a request opened whose answer nobody saw.
fn is_ours(state: &State, principal: Option<&str>, window: &AccessWindow) -> bool {
    let sent_at = state.unsettled.get(&State::key(&window.vm, window.port));
    state.has_granted(window) || sent_at.is_some_and(|sent_at| window.may_be_of(*sent_at, principal))
}
