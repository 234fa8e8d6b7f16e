//! What is done with a VM that Ajar has started, once nobody uses it any more. The rules are the core's ([`Watch`]); here is what they
//! go by, and what they lead to.

use std::collections::{HashMap, HashSet};

use ajar_core::access_window::open_windows;
use ajar_core::after_use::{Found, Keep, Seen, Started, Then, Unused, Watch};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::message::after_use as words;
use ajar_core::policy::JitNetworkAccessPolicy;
use ajar_core::port::Endpoint;
use ajar_core::profile::{AfterUse, ProfileName};
use ajar_core::snapshot::AfterUseView;
use ajar_core::vm::{CloudVm, PowerState};
use chrono::{DateTime, Utc};

use super::Engine;
use super::acting::Caller;
use super::connections::lead_to;
use super::effects::Happened;
use super::windows::whose;
use crate::files::State;
use crate::ports::Peers;

/// The VMs that Ajar has started, and runs since as far as is known.
#[derive(Default)]
pub(super) struct InUse {
    watched: HashMap<CloudVm, Watched>,
    /// VMs that were at rest when they were told to start.
    starting: HashSet<CloudVm>,
}

struct Watched {
    watch: Watch,
    /// Whether Azure is being asked about it.
    asks: bool,
    /// When it is going to be deallocated, as that was told.
    deallocates_at: Option<DateTime<Utc>>,
}

impl Watched {
    fn new(started: Started) -> Self {
        Self { watch: Watch::new(started), asks: false, deallocates_at: None }
    }

    fn taken_over(started: Started) -> Self {
        Self { watch: Watch::taken_over(started), asks: false, deallocates_at: None }
    }
}

/// What Azure says of a VM that is not used here.
pub(super) enum Answer {
    /// Whether it runs, and what is open.
    Read(PowerState, Vec<JitNetworkAccessPolicy>),
    /// It is not there any more, or may not be seen.
    Gone,
    /// That could not be read.
    Unread,
    /// Nobody may read it: who acts on the VM is refused a token.
    Barred(Failure),
}

impl Engine {
    /// Takes over the VMs that the hosts before this one have started.
    pub(super) fn watch_remembered(&mut self) {
        let started: Vec<_> = self.remembered.state().started().map(|(vm, started)| (vm, started.clone())).collect();
        self.in_use.watched = started.into_iter().map(|(vm, started)| (vm, Watched::taken_over(started))).collect();
    }

    /// A VM is told to start, which may run already where its state is not known.
    pub(super) fn is_starting(&mut self, vm: CloudVm) {
        if self.powers.get(&vm).is_some_and(|power| power.needs_start()) {
            self.in_use.starting.insert(vm);
        } else {
            self.in_use.starting.remove(&vm);
        }
    }

    /// A VM that was told to start by a favourite has started.
    pub(super) fn has_started(&mut self, vm: &CloudVm, name: &ProfileName) {
        if self.in_use.starting.remove(vm) {
            let under = self.opened(name).map_or(AfterUse::Leave, |opened| opened.profile.after_use());
            let started = Started::new(name.clone(), under, self.now());
            self.in_use.watched.insert(vm.clone(), Watched::new(started));
            self.keep_started(vm);
        }
    }

    /// It has not, or not that anybody knows.
    pub(super) fn has_not_started(&mut self, vm: &CloudVm) {
        self.in_use.starting.remove(vm);
    }

    /// A VM is seen to rest, to be on its way there, whoever told it to, or to be gone.
    pub(super) fn is_at_rest(&mut self, vm: &CloudVm) {
        if self.in_use.watched.remove(vm).is_some() {
            self.keep_started(vm);
        }
    }

    /// A port of a VM was reached.
    pub(super) fn is_reached(&mut self, vm: &CloudVm, endpoint: &Endpoint) {
        if let Some(known) = self.in_use.watched.get_mut(vm) {
            known.watch.reached(endpoint.clone());
            self.keep_started(vm);
        }
    }

    /// Has the next host know what is known of a VM that was started. Where it was reached is kept where something hangs on it, and
    /// nowhere else: the address may be another VM's tomorrow.
    fn keep_started(&mut self, vm: &CloudVm) {
        let key = State::vm_key(vm);
        let has_rule = self.after_use_of(vm).is_some_and(|(_, rule)| rule != AfterUse::Leave);
        let mut started = self.in_use.watched.get(vm).map(|known| known.watch.started.clone());
        if let Some(started) = started.as_mut().filter(|_| !has_rule) {
            started.endpoints.clear();
        }
        if self.remembered.state().started.get(&key) != started.as_ref() {
            drop(self.remembered.change(move |state| match started.clone() {
                Some(started) => drop(state.started.insert(key.clone(), started)),
                None => drop(state.started.remove(&key)),
            }));
        }
    }

    /// A favourite that VMs were started by is called otherwise from now on.
    pub(super) fn rename_starter(&mut self, from: &ProfileName, to: &ProfileName) {
        let is_its = |(vm, known): (&CloudVm, &Watched)| (known.watch.started.name == *from).then(|| vm.clone());
        for vm in self.in_use.watched.iter().filter_map(is_its).collect::<Vec<_>>() {
            self.in_use.watched.entry(vm.clone()).and_modify(|known| known.watch.started.name = to.clone());
            self.keep_started(&vm);
        }
    }

    /// By which favourite a VM was started, or another of it where that is gone, and what is to be done after use.
    fn after_use_of(&self, vm: &CloudVm) -> Option<(ProfileName, AfterUse)> {
        let started = &self.in_use.watched.get(vm)?.watch.started;
        if let Ok(starter) = self.opened(&started.name)
            && self.leads_to(starter, vm)
        {
            return Some((starter.name.clone(), starter.profile.after_use()));
        }
        let of_vm = || self.settings.favourites.iter().filter(|favourite| self.leads_to(favourite, vm));
        let rule = started.orphaned(of_vm().map(|favourite| favourite.profile.after_use()));
        Some((of_vm().next()?.name.clone(), rule))
    }

    /// The same, as far as it is done by itself: see [`Started::softened`].
    fn rule_of(&self, vm: &CloudVm) -> Option<(ProfileName, AfterUse)> {
        let (name, rule) = self.after_use_of(vm)?;
        let started = &self.in_use.watched.get(vm)?.watch.started;
        Some((name, started.softened(rule, !self.reached_at(vm).is_empty())))
    }

    /// Where a VM was reached, as far as is known.
    fn reached_at(&self, vm: &CloudVm) -> Vec<Endpoint> {
        let started = self.in_use.watched.get(vm).into_iter().flat_map(|known| known.watch.started.endpoints.clone());
        let of_windows = self.held.all().iter().filter(|held| held.vm() == *vm).flat_map(|held| self.reached(held));
        started.chain(of_windows).collect()
    }

    /// Whether something hangs on what is connected to a VM that was started.
    pub(super) fn is_watching(&self) -> bool {
        let needs = |(vm, known): (&CloudVm, &Watched)| {
            self.after_use_of(vm).is_some_and(|(_, rule)| known.watch.needs_look(rule))
        };
        self.stays && self.in_use.watched.iter().any(needs)
    }

    /// Takes in a look at what is connected.
    pub(super) fn look_after_use(&mut self, peers: Option<&Peers>) {
        let now = self.now();
        for vm in self.in_use.watched.keys().cloned().collect::<Vec<_>>() {
            let Some((name, rule)) = self.rule_of(&vm) else { continue };
            if peers.is_some_and(|peers| self.is_connected(&vm, peers)) {
                self.call_off(&vm);
            }
            let seen = self.seen(&vm, peers);
            let Some(known) = self.in_use.watched.get_mut(&vm).filter(|_| rule != AfterUse::Leave) else { continue };
            let then = known.watch.look(seen, rule, now);
            if then == Then::AskAzure && !known.asks {
                let asks = self.ask_of_use(&name, vm.clone());
                self.in_use.watched.entry(vm.clone()).and_modify(|known| known.asks = asks);
            }
            self.note_what_is_told(&vm, rule);
        }
    }

    fn seen(&self, vm: &CloudVm, peers: Option<&Peers>) -> Seen {
        if self.attempts.work_on(vm) || self.deallocations.have(vm) {
            return Seen::Busy;
        }
        let Some(peers) = peers else { return Seen::Unknown };
        if self.is_connected(vm, peers) { Seen::Connected } else { Seen::Nobody }
    }

    fn is_connected(&self, vm: &CloudVm, peers: &Peers) -> bool {
        self.reached_at(vm).iter().any(|endpoint| lead_to(peers, endpoint))
    }

    /// Somebody uses a VM after all, or is about to.
    pub(super) fn is_used_again(&mut self, vm: &CloudVm) {
        if let Some(known) = self.in_use.watched.get_mut(vm) {
            known.watch.used_again();
            self.keep_started(vm);
        }
    }

    /// Asks Azure whether a VM runs, and who has it open; not where nobody is there to ask.
    fn ask_of_use(&self, name: &ProfileName, vm: CloudVm) -> bool {
        let Some(Caller { azure, .. }) = self.caller_on(name, &vm) else { return false };
        let (happened, name) = (self.happened.clone(), name.clone());
        tokio::spawn(async move {
            let (facts, policies) = tokio::join!(azure.virtual_machine(&vm.id), azure.policies(&vm.id));
            let answer = match facts.map(|facts| facts.power).and_then(|power| Ok((power, policies?))) {
                Ok((power, policies)) => Answer::Read(power, policies),
                Err(Trouble { failure: Failure::VmNotFound { .. }, .. }) => Answer::Gone,
                Err(trouble) if trouble.failure.standing().is_some() => Answer::Barred(trouble.failure),
                Err(trouble) => {
                    tracing::debug!(%name, failure = %trouble.failure, "who has the VM open could not be read");
                    Answer::Unread
                }
            };
            drop(happened.send(Happened::UseTold { vm, answer }));
        });
        true
    }

    /// Takes in what Azure says.
    pub(super) fn use_told(&mut self, vm: &CloudVm, answer: &Answer) {
        let now = self.now();
        if let Some(known) = self.in_use.watched.get_mut(vm) {
            known.asks = false;
        }
        match answer {
            Answer::Read(power, _) => self.know_power(vm.clone(), Some(*power)),
            Answer::Gone => self.is_at_rest(vm),
            Answer::Barred(failure) => self.note_refused_account(failure, vm),
            Answer::Unread => {}
        }
        let Some((name, rule)) = self.rule_of(vm) else { return };
        let found = match answer {
            // One that rests is forgotten already. What is not known to run is looked at again.
            Answer::Read(PowerState::Running, policies) => self.found_open(&name, vm, policies, now),
            Answer::Barred(_) => Found::Barred,
            Answer::Read(..) | Answer::Gone | Answer::Unread => Found::Unread,
        };
        // An attempt that has begun since is use.
        let found = if self.attempts.work_on(vm) { Found::Others } else { found };
        let Some(known) = self.in_use.watched.get_mut(vm) else { return };
        let then = known.watch.found(found, rule, now);
        self.note_what_is_told(vm, rule);
        match then {
            Then::Wait | Then::AskAzure => {}
            Then::Deallocate => {
                if let Err(trouble) = self.deallocate_unused(&name, self.reached_at(vm)) {
                    tracing::warn!(failure = %trouble.failure, "a VM that is not used any more was not deallocated");
                }
            }
        }
    }

    /// Whether somebody else has a VM open: by requests that were not made here.
    fn found_open(
        &self,
        name: &ProfileName,
        vm: &CloudVm,
        policies: &[JitNetworkAccessPolicy],
        now: DateTime<Utc>,
    ) -> Found {
        let (state, principal) = (self.remembered.state(), self.principal(name, vm));
        let open = open_windows(policies, &vm.id, now);
        let is_elses = |window| !whose(state, &vm.cloud, principal.as_deref(), window).ours;
        if open.iter().any(is_elses) { Found::Others } else { Found::Idle }
    }

    /// Somebody says what is to be done with a VM.
    pub(super) fn keep_running(&mut self, unused: &Unused, keep: Keep) -> Result<(), Trouble> {
        let vm = CloudVm { cloud: unused.cloud.clone(), id: unused.vm.clone() };
        let is_its = self.started_at(&vm) == Some(unused.started_at);
        if !is_its || !self.call_off(&vm) {
            self.still_asked(unused)?;
        }
        let (now, rule) = (self.now(), self.rule_of(&vm).map_or(AfterUse::Leave, |(_, rule)| rule));
        if let Some(known) = self.in_use.watched.get_mut(&vm) {
            known.watch.keep(keep, now);
        }
        self.note_what_is_told(&vm, rule);
        Ok(())
    }

    /// The favourite by which it is still asked, or told, what is answered: the answer may come hours later, when the VM is used
    /// again, or by somebody else.
    pub(super) fn still_asked(&self, unused: &Unused) -> Result<ProfileName, Trouble> {
        let is_it = |view: &AfterUseView| Unused { name: unused.name.clone(), ..view.unused() } == *unused;
        let asked = self.after_use_views().into_iter().find(is_it);
        Ok(asked.ok_or(Failure::NotAskedAnyMore)?.name)
    }

    /// What is told stays as it was told, and is kept.
    fn note_what_is_told(&mut self, vm: &CloudVm, rule: AfterUse) {
        let now = self.now();
        if let Some(known) = self.in_use.watched.get_mut(vm) {
            known.deallocates_at =
                known.watch.deallocates_in(rule).map(|left| known.deallocates_at.unwrap_or(now + left));
        }
        self.keep_started(vm);
    }

    /// Since when a VM runs that Ajar has started.
    pub(super) fn started_at(&self, vm: &CloudVm) -> Option<DateTime<Utc>> {
        self.in_use.watched.get(vm).map(|known| known.watch.started.at)
    }

    /// What somebody is asked, and what is going to be done.
    pub(super) fn after_use_views(&self) -> Vec<AfterUseView> {
        let view = |(vm, known): (&CloudVm, &Watched)| {
            let (name, rule) = self.rule_of(vm).filter(|_| self.stays && !self.deallocations.have(vm))?;
            let deallocates_at = known.deallocates_at.filter(|_| known.watch.deallocates_in(rule).is_some());
            if deallocates_at.is_none() && !known.watch.question(rule) {
                return None;
            }
            let started_at = known.watch.started.at;
            let text = words::not_used(&known.watch.started, deallocates_at, self.zone());
            let (cloud, vm) = (vm.cloud.clone(), vm.id.clone());
            Some(AfterUseView { name, cloud, vm, started_at, deallocates_at, text })
        };
        let mut views: Vec<_> = self.in_use.watched.iter().filter_map(view).collect();
        views.sort_by_cached_key(|view| view.name.as_str().to_lowercase());
        views
    }
}
