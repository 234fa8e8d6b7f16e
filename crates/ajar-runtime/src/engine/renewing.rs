//! Access that is renewed by itself while somebody is connected. The rules are the core's; more time is asked for by an attempt, as
//! when somebody clicks.

use ajar_core::access_window::{AccessWindow, Phase};
use ajar_core::attempt::{Attempt, Outcome, Renews};
use ajar_core::message::renewal as words;
use ajar_core::network::OnNewAddress;
use ajar_core::port::{Endpoint, Protocol};
use ajar_core::profile::Profile;
use ajar_core::protocol::Connect;
use ajar_core::renewal::{Access, Rule, Standing};
use ajar_core::snapshot::RenewalView;
use ajar_core::vm::CloudVm;
use chrono::{DateTime, Utc};

use super::Engine;
use super::connections::lead_to;
use super::held::Held;
use crate::files::{KeptAccess, State};
use crate::ports::Peers;

/// A window that is to be renewed by itself, and how it stands with that.
struct Renewal<'e> {
    held: &'e Held,
    access: Access,
    rule: Rule,
    standing: Standing,
}

impl Engine {
    /// How the favourite, or the guest, that a window is held for opens its VM.
    fn profile_of(&self, held: &Held) -> Option<&Profile> {
        let opened = self.opened(&held.name).ok().filter(|opened| self.leads_to(opened, &held.vm()))?;
        Some(&opened.profile)
    }

    fn renewal<'e>(&self, held: &'e Held) -> Option<Renewal<'e>> {
        let profile = self.profile_of(held).filter(|_| held.ours)?;
        let rule = Rule { up_to: profile.renew_up_to()?, asks_reason: profile.asks_justification() };
        let known = self.remembered.state().accesses.get(&State::key(&held.vm(), held.window.port));
        let access = known.map_or_else(|| Access::of(&held.window), |known| known.access.clone());
        let before_end = self.settings.notifications.before_end.clone().unwrap_or_default();
        let standing = access.standing(&held.window, rule, &before_end);
        Some(Renewal { held, access, rule, standing })
    }

    /// What is to be renewed, where this process stays to see what comes of it. Who could not use it needs no more of it.
    fn renewals(&self) -> impl Iterator<Item = Renewal<'_>> {
        let shown = if self.stays { self.held.shown() } else { Vec::new() };
        let rests =
            |vm: &CloudVm| self.powers.get(vm).is_some_and(|power| power.needs_start()) || self.deallocations.rest(vm);
        shown.into_iter().filter(move |held| !rests(&held.vm())).filter_map(|held| self.renewal(held))
    }

    /// Whether something is renewed now, if somebody is connected.
    pub(super) fn is_renewal_due(&self, now: DateTime<Utc>) -> bool {
        let is_due = |renewal: &Renewal<'_>| {
            renewal.standing.is_due(now) && !self.attempts.are_at(&renewal.held.vm(), renewal.held.window.port)
        };
        self.renewals().any(|renewal| is_due(&renewal))
    }

    /// When something is to be renewed next.
    pub(super) fn next_renewal(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.renewals().filter_map(|renewal| renewal.standing.quiet_until()).filter(|at| *at > now).min()
    }

    /// Whether a window's favourite says that it is renewed.
    fn is_renewed(&self, held: &Held) -> bool {
        self.profile_of(held).is_some_and(|profile| profile.renew_up_to().is_some())
    }

    /// Asks for more time where it is due and somebody is connected.
    pub(super) fn renew(&mut self, peers: &Peers) {
        let now = self.now();
        let is_used = |renewal: &Renewal<'_>| {
            let is_due = renewal.standing.is_due(now) && renewal.held.window.phase(now) != Phase::Ended;
            is_due && self.reached(renewal.held).iter().any(|endpoint| lead_to(peers, endpoint))
        };
        let used: Vec<_> = self
            .renewals()
            .filter(is_used)
            .map(|renewal| (renewal.held.clone(), renewal.access.ceiling(&renewal.held.window, renewal.rule)))
            .collect();
        let moves = self.on_new_address() == OnNewAddress::Request;
        for (held, until) in used {
            let (vm, port) = (held.vm(), held.window.port);
            if self.attempts.are_at(&vm, port) {
                continue;
            }
            let window = held.window.clone();
            self.change_access(&vm, &held.window, move |known| known.access.asked(&window));
            let wish = Connect { port: Some(port), stays: true, ..Connect::more_time(held.name) };
            if let Err(trouble) = self.connect_until(None, wish, Some(Renews { until, moves })) {
                tracing::warn!(failure = %trouble.failure, "access could not be renewed");
            }
        }
    }

    /// Where a window's port was reached, as far as is known.
    pub(super) fn reached(&self, held: &Held) -> Vec<Endpoint> {
        let (state, key) = (self.remembered.state(), State::key(&held.vm(), held.window.port));
        let last = state.accesses.get(&key).and_then(|known| known.endpoint.clone());
        [last, state.endpoints.get(&key).cloned(), held.window.mapped.clone()].into_iter().flatten().collect()
    }

    /// Notes that a window was asked for here: the access goes on, or begins.
    pub(super) fn note_access(&mut self, vm: &CloudVm, window: &AccessWindow) {
        let granted = window.clone();
        self.change_access(vm, window, move |known| known.access.granted(&granted));
    }

    /// Notes what came of an attempt: that a window was renewed, and where a port was reached.
    pub(super) fn note_use(&mut self, attempt: &Attempt, now: DateTime<Utc>) {
        let vm = attempt.order().place();
        if let Some(Outcome::Connected { endpoint }) = attempt.outcome() {
            self.is_reached(&vm, endpoint);
        }
        let Some(window) = attempt.window(now) else { return };
        match attempt.outcome() {
            // An address that may be another VM's tomorrow is kept where something hangs on it, or it is to be told, and nowhere else.
            Some(Outcome::Connected { endpoint })
                if attempt.order().protocol == Protocol::Port
                    || self.held.of(&vm, window.port).is_some_and(|held| self.is_renewed(held)) =>
            {
                let endpoint = endpoint.clone();
                self.change_access(&vm, &window, move |known| known.endpoint = Some(endpoint.clone()));
            }
            Some(Outcome::Extended { .. }) if attempt.order().renews.is_some() && attempt.done().requested => {
                self.change_access(&vm, &window, move |known| known.access.renewed(now));
            }
            Some(
                Outcome::Connected { .. } | Outcome::Extended { .. } | Outcome::Failed { .. } | Outcome::Cancelled(_),
            )
            | None => {}
        }
    }

    fn change_access(
        &mut self,
        vm: &CloudVm,
        window: &AccessWindow,
        change: impl Fn(&mut KeptAccess) + Send + 'static,
    ) {
        let key = State::key(vm, window.port);
        let known = self.remembered.state().accesses.get(&key);
        let before = known.cloned().unwrap_or_else(|| KeptAccess::of(window));
        let mut after = before.clone();
        change(&mut after);
        if known != Some(&after) {
            let now = self.now();
            drop(self.remembered.change(move |state| state.access(key.clone(), after.clone(), now)));
        }
    }

    /// What is told of a window's renewal.
    pub(super) fn renewal_view(&self, held: &Held) -> Option<RenewalView> {
        let Renewal { access, rule, standing, .. } = self.renewal(held).filter(|_| self.stays)?;
        let is_being_asked = self.attempts.are_at(&held.vm(), held.window.port);
        let ceiling = access.ceiling(&held.window, rule);
        Some(RenewalView {
            renews: matches!(standing, Standing::Renews { .. }),
            at: standing.quiet_until(),
            since: access.since,
            times: access.times,
            text: words::standing(standing, &access, ceiling, is_being_asked, self.zone()),
        })
    }
}
