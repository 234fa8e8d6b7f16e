//! Which effects the facts enable.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::clock::Ms;
use super::{Ask, Attempt, Effect, limits};
use crate::policy::SHORTEST_ACCESS;

impl Attempt {
    /// What is to be done now and is not under way. The engine calls [`Attempt::begun`] for each and does it.
    pub fn next(&self, now: DateTime<Utc>) -> Vec<Effect> {
        if self.outcome.is_some() {
            return Vec::new();
        }
        let at = self.clock.at(now);
        if let Some(endpoint) = self.open_endpoint() {
            let launch = self.order.launch && !self.client.is_begun();
            return launch.then(|| Effect::LaunchClient { endpoint: endpoint.clone() }).into_iter().collect();
        }
        let mut effects = Vec::new();
        if self.waits_for_system() {
            self.reads_now(at, &mut effects);
            return effects;
        }
        if self.order.extends {
            self.reads_now(at, &mut effects);
            effects.extend(self.extension_now(now).map(Effect::Initiate));
            return effects;
        }
        effects.extend(self.probe_now(at));
        effects.extend(self.private_look_now(at));
        if !self.has_head_start(at) {
            self.reads_now(at, &mut effects);
            effects.extend(self.bastion_now(at));
            effects.extend(self.initiate_now(now).map(Effect::Initiate));
            if self.may_start_now(at) {
                effects.push(Effect::StartVm);
            }
        }
        effects
    }

    /// When to call [`Attempt::tick`] and [`Attempt::next`] again if nothing else happens. `None` after the end.
    pub fn wake_at(&self) -> Option<DateTime<Utc>> {
        if self.outcome.is_some() {
            return None;
        }
        let at = self.clock.last();
        let soonest = self.deadlines().map(|(_, deadline)| deadline).chain(self.due_times(at)).min()?;
        let wait = (soonest - at).clamp(1, limits::ms(limits::LONGEST_SLEEP));
        Some(self.clock.seen() + TimeDelta::milliseconds(wait))
    }

    fn due_times(&self, at: Ms) -> impl Iterator<Item = Ms> {
        let head_start = self.has_head_start(at).then_some(limits::ms(limits::HEAD_START));
        let reads = [self.source.due(), self.policies.due(), self.vm.due(), self.addresses.due()];
        let is_somewhere = self.endpoint().is_some_and(|endpoint| self.may_look_at(&endpoint));
        let looks = is_somewhere && self.probe.in_flight.is_none() && !self.order.extends;
        let probe = looks.then_some(self.probe.due);
        let private = [self.private_due(), self.holds_until()];
        let doubt =
            self.untold_since.filter(|_| !self.start.is_begun()).map(|since| since + limits::ms(limits::UNTOLD));
        // What is due already waits for a fact, not for time.
        reads.into_iter().chain([probe, head_start, doubt]).chain(private).flatten().filter(move |due| *due > at)
    }

    /// Whether the port's first answer is still being given time (rule 1).
    fn has_head_start(&self, at: Ms) -> bool {
        self.remembered.is_some() && self.probe.last.is_none() && at < limits::ms(limits::HEAD_START)
    }

    fn probe_now(&self, at: Ms) -> Option<Effect> {
        let endpoint = self.endpoint().filter(|endpoint| self.may_look_at(endpoint))?;
        let idle = self.probe.in_flight.as_ref().is_none_or(|(flying, _)| *flying != endpoint);
        let new = self.probe.last.as_ref().is_none_or(|(seen, _)| *seen != endpoint);
        (idle && (new || self.probe.due <= at)).then(|| Effect::ProbePort {
            endpoint,
            protocol: self.order.protocol,
            patience: self.patience(),
            by_own_way: false,
        })
    }

    /// Short for the first look, which others wait for; long once the door may open under it.
    fn patience(&self) -> Duration {
        let patience = if self.probe.last.is_none() { limits::HEAD_START } else { limits::PATIENCE };
        patience.to_std().unwrap_or_default()
    }

    fn reads_now(&self, at: Ms, effects: &mut Vec<Effect>) {
        if self.source.is_due(at) {
            effects.push(Effect::DetectSource);
        }
        if self.policies.is_due(at) {
            effects.push(Effect::ReadPolicy);
        }
        if self.order.extends {
            return;
        }
        if self.vm.is_due(at) {
            effects.push(Effect::ReadVm);
        }
        if let Some(vm) = self.vm.value()
            && self.addresses.is_due(at)
        {
            effects.push(Effect::ResolveAddress { network_interfaces: vm.network_interfaces.clone() });
        }
    }

    /// The request to send now, if one is due: source and policy known, no window covers them, none is on its way, and no look at the
    /// private address may make it needless.
    fn initiate_now(&self, now: DateTime<Utc>) -> Option<Ask> {
        let rests = (self.asking.too_early || !self.order.may_start) && !self.is_running();
        let may_be_needless = self.holds_until().is_some_and(|until| self.clock.at(now) < until);
        let may_be_needless = may_be_needless || self.may_let_bastion_in();
        if self.is_held_back(now) || rests || may_be_needless || self.window(now).is_some() {
            return None;
        }
        self.ask(now)
    }

    /// Whether it may come to asking for access without anything else that it waits for but reads.
    pub fn may_ask(&self, now: DateTime<Utc>) -> bool {
        let is_in = !self.order.extends && self.window(now).is_some();
        self.outcome.is_none() && self.open_endpoint().is_none() && !self.is_held_back(now) && !is_in
    }

    /// Whether a request is on its way, may have been taken, or was, or Azure wants none yet.
    pub(super) fn is_held_back(&self, now: DateTime<Utc>) -> bool {
        self.asking.in_flight.is_some()
            || self.asking.unsettled.is_some()
            || self.asking.granted.is_some()
            || self.asking.sent >= limits::MOST_REQUESTS
            || self.asking.is_to_wait(now)
    }

    /// The request as it would be sent now; `None` until source and policy are known, and if the policy does not admit it.
    pub(super) fn ask(&self, now: DateTime<Utc>) -> Option<Ask> {
        let source = self.source.value()?.address;
        if self.missing_reason().is_some() {
            return None;
        }
        let access = self.access(now);
        let permit = self.permit(access)?.ok()?;
        let duration = self.duration(access)?;
        Some(Ask {
            policy: permit.policy,
            port: self.order.port,
            source,
            subnet: self.bastion_subnet(),
            end_time_utc: now + duration,
            duration,
            clamped_to: permit.clamped_to,
            justification: self.order.justification.clone(),
        })
    }

    /// As long as wanted, and shorter than the policy's maximum by the margin for Azure's clock. The shortest is made
    /// longer by what the way may take, as far as the maximum has room for it.
    fn duration(&self, access: TimeDelta) -> Option<TimeDelta> {
        let wanted = access.max(SHORTEST_ACCESS + limits::ON_THE_WAY);
        let roomy = self.permit(wanted + limits::CLOCK_MARGIN)?.ok()?;
        Some((roomy.duration - limits::CLOCK_MARGIN).max(SHORTEST_ACCESS))
    }

    /// The VM rests, as far as Azure tells, may be started, and the door in front of it can be opened, or is not shut: a VM is not
    /// started, and paid for, behind a door that stays shut.
    fn may_start_now(&self, at: Ms) -> bool {
        let may_come_in = self.is_unguarded() && self.bastion.is_known();
        let waits_for_way = self.goes_through_bastion() && !self.bastion.is_known();
        !waits_for_way
            && (self.needs_start() || self.is_untold_for_long(at))
            && self.order.may_start
            && !self.start.is_begun()
            && (may_come_in
                || self.latest_window().is_some()
                || matches!(self.permit(self.usual_access()), Some(Ok(_))))
    }
}
