//! Access windows as the engine comes to know them: granted here, found by an attempt, or shown by policies. Each is held
//! to its end under a favourite's name, or the VM's own where no favourite leads there any more.

use ajar_core::access_window::{AccessWindow, Phase, SHOWN_WITHIN, is_protected, open_windows, revoked};
use ajar_core::attempt::{ASTRAY, Attempt};
use ajar_core::message::{closed_early, policy_gone};
use ajar_core::policy::{JitNetworkAccessPolicy, SourcePrefix};
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::settings::Favourite;
use ajar_core::snapshot::ClosedView;
use ajar_core::vm::CloudVm;
use ajar_core::zone::Zone;
use chrono::{DateTime, Utc};

use super::Engine;
use super::held::Held;
use crate::files::{Granted, Sent, State};

/// A window that Azure closed before its time.
pub(super) struct Closed {
    pub(super) view: ClosedView,
    /// Its VM: the favourite may be turned to another.
    vm: CloudVm,
    /// For whom it was open.
    sources: Vec<SourcePrefix>,
}

/// A VM's own name. Azure lets some be that no favourite can have.
pub(super) fn name_of(vm: &CloudVm) -> Option<ProfileName> {
    vm.id.name().parse().ok()
}

impl Engine {
    /// The VM that a favourite with this profile leads to.
    pub(super) fn place(&self, profile: &Profile) -> CloudVm {
        self.settings.place_of(profile, &self.defaults)
    }

    /// Whether a favourite leads to a VM.
    pub(super) fn leads_to(&self, favourite: &Favourite, vm: &CloudVm) -> bool {
        favourite.profile.vm == vm.id && self.place(&favourite.profile).cloud == vm.cloud
    }

    /// Whose a window for a port of `vm` is that was asked for by the favourite `name`: that favourite's, unless another of the
    /// VM alone is for the port; else another's of the VM. Without any it has the name of the VM.
    fn owner(&self, name: &ProfileName, vm: &CloudVm, port: u16) -> ProfileName {
        let leads_there = |favourite: &&Favourite| self.leads_to(favourite, vm);
        let is_for_it = |favourite: &&Favourite| favourite.profile.port() == port;
        let own = self.settings.favourite(name).filter(leads_there);
        let others = || self.settings.favourites.iter().filter(leads_there);
        let favourite = own.filter(is_for_it).or_else(|| others().find(is_for_it)).or(own).or_else(|| others().next());
        let found = favourite.map(|favourite| favourite.name.clone());
        found.or_else(|| name_of(vm)).unwrap_or_else(|| name.clone())
    }

    /// Takes over the windows that were asked for here by the hosts before this one; Azure is asked about them later.
    pub(super) fn hold_remembered(&mut self) {
        for (vm, Granted { window, is_source_named, .. }) in self.remembered.state().windows() {
            if let Some(name) = name_of(&vm).map(|name| self.owner(&name, &vm, window.port)) {
                let (window, is_source_named) = (window.clone(), *is_source_named);
                self.held.hold(Held { name, cloud: vm.cloud, window, ours: true, is_source_named, listed: false });
            }
        }
        self.held.drop_ended(self.now());
    }

    /// Favourites have come and gone; windows stay.
    pub(super) fn reassign_windows(&mut self) {
        let (mut held, mut closed) = (std::mem::take(&mut self.held), std::mem::take(&mut self.closed));
        held.rename(|held| self.owner(&held.name, &held.vm(), held.window.port));
        closed.retain(|Closed { view, vm, .. }| {
            self.settings.favourite(&view.name).is_some_and(|favourite| self.leads_to(favourite, vm))
        });
        (self.held, self.closed) = (held, closed);
    }

    /// A favourite is called otherwise; its windows stay its own, also where others lead to the same VM.
    pub(super) fn rename_windows(&mut self, from: &ProfileName, to: &ProfileName) {
        self.held.rename(|held| if held.name == *from { to.clone() } else { held.name.clone() });
        for closed in self.closed.iter_mut().filter(|closed| closed.view.name == *from) {
            closed.view.name = to.clone();
        }
    }

    /// Takes over the windows that policies show.
    pub(super) fn adopt(&mut self, name: &ProfileName, vm: &CloudVm, policies: &[JitNetworkAccessPolicy]) {
        let now = self.now();
        self.note_guard(vm, policies);
        let (known, its_own) = (self.settings.favourite(name), name_of(vm));
        let is_nobodys = || !self.settings.favourites.iter().any(|favourite| self.leads_to(favourite, vm));
        let is_still_there = match known {
            Some(favourite) => self.leads_to(favourite, vm),
            None => its_own.as_ref() == Some(name) && is_nobodys(),
        };
        // The favourite may have gone, or have been turned to another VM, while they were read.
        if is_still_there {
            let (state, principal) = (self.remembered.state(), self.principal(name, vm));
            let ours = |window: &AccessWindow| whose(state, &vm.cloud, principal.as_deref(), window);
            let zone = self.zone();
            let shown_yet = |window: &AccessWindow| {
                now - window.start_time_utc >= SHOWN_WITHIN || why_gone(policies, window, zone).is_some()
            };
            let mut open = open_windows(policies, &vm.id, now);
            open.retain(|window| self.owner(name, vm, window.port) == *name);
            let gone = self.held.adopt(name, vm, &open, shown_yet, ours);
            for window in gone.into_iter().filter(|window| window.phase(now) != Phase::Ended) {
                if let Some(text) = why_gone(policies, &window, zone) {
                    let (name, port, end_time_utc) = (name.clone(), window.port, window.end_time_utc);
                    let view = ClosedView { name, port, end_time_utc, text };
                    self.closed.push(Closed { view, vm: vm.clone(), sources: window.sources.clone() });
                }
                let cloud = vm.cloud.clone();
                drop(self.remembered.change(move |state| state.gone(&cloud, &window)));
            }
        }
        for working in self.attempts.all().filter(|working| working.attempt.order().place() == *vm) {
            working.attempt.notice_policies(policies, now);
        }
    }

    /// Nothing is open only where a policy keeps it shut: of another VM's ports nobody knows before they are tried.
    fn note_guard(&mut self, vm: &CloudVm, policies: &[JitNetworkAccessPolicy]) {
        if is_protected(policies, &vm.id) {
            self.guarded.insert(vm.clone());
        } else {
            self.guarded.remove(vm);
        }
    }

    /// Takes over the windows that an attempt has read of, and drops none: what Azure shows may be older than what it has
    /// granted to the attempt.
    pub(super) fn hold_read(&mut self, name: &ProfileName, vm: &CloudVm, policies: &[JitNetworkAccessPolicy]) {
        self.note_guard(vm, policies);
        let open = open_windows(policies, &vm.id, self.now());
        self.held.list(vm, &open);
        for window in open {
            let (name, cloud) = (self.owner(name, vm, window.port), vm.cloud.clone());
            let whose = whose(self.remembered.state(), &vm.cloud, self.principal(&name, vm).as_deref(), &window);
            let Whose { ours, is_source_named } = whose;
            self.held.hold(Held { name, cloud, window, ours, is_source_named, listed: true });
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
        let (vm, name) = (attempt.order().place(), attempt.order().name.clone());
        let key = State::key(&vm, attempt.order().port);
        let state = self.remembered.state();
        let sent_at = state.unsettled.get(&key).map(|sent| sent.at);
        let whose = whose(state, &vm.cloud, self.principal(&name, &vm).as_deref(), &window);
        let (found, is_source_named) = (whose.ours, whose.is_source_named || attempt.is_source_named());
        if found {
            self.hold_ours(&name, &vm, Granted::new(window, is_source_named), now);
        } else {
            let (name, cloud) = (self.owner(&name, &vm, window.port), vm.cloud);
            self.held.hold(Held { name, cloud, window, ours: false, is_source_named, listed: false });
        }
        if sent_at.is_some_and(|sent_at| found || now - sent_at >= ASTRAY) {
            self.settled(key);
        }
    }

    /// Holds a window that was asked for here, and remembers that, for the host after this one.
    pub(super) fn hold_ours(&mut self, name: &ProfileName, vm: &CloudVm, granted: Granted, now: DateTime<Utc>) {
        let cloud = vm.cloud.clone();
        self.note_access(vm, &granted.window);
        if self.remembered.state().granted_here(&cloud, &granted.window).is_none() {
            let (granted, cloud) = (granted.clone(), cloud.clone());
            drop(self.remembered.change(move |state| state.granted(&cloud, granted.clone(), now)));
        }
        let (name, Granted { window, is_source_named, .. }) = (self.owner(name, vm, granted.window.port), granted);
        self.held.hold(Held { name, cloud, window, ours: true, is_source_named, listed: false });
    }
}

/// Why a window is not open any more that was to be: it was revoked, or its policy removed. Else Azure shows the request no
/// longer, or not yet.
fn why_gone(policies: &[JitNetworkAccessPolicy], window: &AccessWindow, zone: Zone) -> Option<String> {
    let end = window.end_time_utc;
    let removed = || (!is_protected(policies, &window.vm)).then(|| policy_gone(end, zone));
    revoked(policies, window).map(|reason| closed_early(reason, end, zone)).or_else(removed)
}

/// Who has asked for a window.
#[derive(Clone, Copy, Default)]
pub(super) struct Whose {
    /// Whether it was asked for here: it was granted to us, or may be what a request opened whose answer nobody saw.
    pub(super) ours: bool,
    /// Whether somebody has named the address then.
    pub(super) is_source_named: bool,
}

pub(super) fn whose(state: &State, cloud: &str, principal: Option<&str>, window: &AccessWindow) -> Whose {
    if let Some(known) = state.granted_here(cloud, window) {
        return Whose { ours: true, is_source_named: known.is_source_named };
    }
    let sent = state.unsettled.get(&State::key_of(cloud, window));
    let is_for_it = |sent: &&Sent| sent.source.is_none_or(|source| window.admits(source));
    let sent = sent.filter(|sent| window.may_be_of(sent.at, principal)).filter(is_for_it);
    sent.map_or_else(Whose::default, |sent| Whose { ours: true, is_source_named: sent.is_source_named })
}
