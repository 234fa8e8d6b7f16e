//! When an attempt is over: connected, blocked, or out of time.

use chrono::{DateTime, Utc};

use super::clock::Ms;
use super::{Attempt, Outcome, Proposed, limits};
use crate::failure::{AzureSaid, Failure, Trouble};
use crate::policy::Refusal;
use crate::port::{Endpoint, PortAnswer};
use crate::snapshot::Step;

/// What a deadline ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Read(Step),
    Initiate,
    Untold,
    Look,
    PrivateLook,
    Port,
    Whole,
}

impl Attempt {
    /// Draws the conclusions the facts allow.
    pub(super) fn settle(&mut self, now: DateTime<Utc>) {
        self.doubt_the_end(now);
        self.conclude(now);
        self.note_supposed();
        self.note_unneeded(now);
        self.note_answer_to_come();
    }

    fn conclude(&mut self, now: DateTime<Utc>) {
        if self.order.extends {
            return self.conclude_extension(now);
        }
        self.note_readiness(now);
        self.await_mapping(now);
        if self.outcome.is_some() {
            return;
        }
        if let Some(endpoint) = self.open_endpoint().cloned() {
            match (self.order.launch, self.client.trouble()) {
                (true, Some(trouble)) => self.fail(trouble.clone(), Step::Client),
                (true, None) if !self.client.is_known() => {}
                (true, None) | (false, _) => self.end(Outcome::Connected { endpoint }),
            }
            return;
        }
        if self.asking.in_flight.is_some() {
            // The end can wait for the answer: it is to say whether the door was opened.
            return;
        }
        if let Some(trouble) = self.start.trouble()
            && !self.may_run()
        {
            return self.fail(trouble.clone(), Step::Start);
        }
        if self.is_unanswered(now) && self.window(now).is_none() {
            return self.fail(self.no_answer(now), Step::Access);
        }
        if let Some((trouble, step)) = self.blocker(now)
            && !self.may_be_open_anyway()
        {
            self.fail(trouble, step);
        }
    }

    /// Whether all requests that may be sent were, and none of them was answered or is looked for.
    pub(super) fn is_unanswered(&self, now: DateTime<Utc>) -> bool {
        let all_sent = self.asking.sent >= limits::MOST_REQUESTS || self.asking.lost || self.asking.is_to_wait(now);
        all_sent && self.asking.unsettled.is_none()
    }

    /// Who answers in Azure's place is told of, and until when Azure wants to be left alone: asking again would not help.
    pub(super) fn no_answer(&self, now: DateTime<Utc>) -> Trouble {
        let unanswered = |said| Failure::RequestUnanswered { sent: self.asking.sent, said };
        let Some(Trouble { failure, correlation_id }) = self.asking.kept_away.clone() else {
            return unanswered(None).into();
        };
        let is_told = matches!(failure, Failure::NotFromAzure { .. })
            || matches!(failure, Failure::Unavailable { retry_at, .. } if retry_at > now);
        let failure = if is_told {
            failure
        } else if let Failure::Unavailable { said, .. } = failure {
            unanswered(Some(said))
        } else if let Failure::AzureError { status, azure_code, azure_message } = failure {
            unanswered(Some(AzureSaid { status, azure_code, azure_message }))
        } else {
            unanswered(None)
        };
        Trouble { failure, correlation_id }
    }

    pub(super) fn fail(&mut self, trouble: Trouble, step: Step) {
        self.end(Outcome::Failed { trouble, step });
    }

    /// Notes since when nothing but the port is waited for.
    fn note_readiness(&mut self, now: DateTime<Utc>) {
        let somewhere = self.endpoint().is_some() || self.firewall().is_some();
        let is_let_in = self.window(now).is_some() || (self.is_unguarded() && self.bastion.is_known());
        let ready = self.is_running() && is_let_in && somewhere;
        if ready {
            let at = self.clock.last();
            self.ready_since.get_or_insert(at);
        } else {
            self.ready_since = None;
        }
    }

    /// A window through a firewall is of use only with the firewall's port, which Azure may name a little later.
    fn await_mapping(&mut self, now: DateTime<Utc>) {
        let nowhere = self.addresses.is_known() && self.endpoint().is_none() && self.firewall().is_some();
        if nowhere && self.window(now).is_some() && self.policies.is_idle() {
            self.policies.want(self.clock.last() + limits::ms(limits::LOOK_AGAIN));
        }
    }

    /// What stands in the way for good, if anything does. The most telling first.
    fn blocker(&self, now: DateTime<Utc>) -> Option<(Trouble, Step)> {
        if let Some(trouble) = self.vm.trouble() {
            return Some((trouble.clone(), Step::Vm));
        }
        if let Some(trouble) = self.policies.trouble() {
            return Some((trouble.clone(), Step::Policy));
        }
        let window = self.window(now);
        if window.is_none() && self.asking.unsettled.is_none() && !self.is_unguarded() {
            if let Some(failure) = self.refusal() {
                return Some((failure.into(), Step::Policy));
            }
            if let Some(trouble) = self.source.trouble() {
                return Some((trouble.clone(), Step::Source));
            }
            if let Some(failure) = self.missing_reason() {
                return Some((failure.into(), Step::Access));
            }
        }
        if let Some(trouble) = self.addresses.trouble() {
            return Some((trouble.clone(), Step::Vm));
        }
        if let Some(trouble) = self.bastion_trouble() {
            return Some((trouble, Step::Vm));
        }
        let vm = self.vm.value()?;
        if self.needs_start() && !self.order.may_start {
            return Some((Failure::VmNotRunning { power: vm.power }.into(), Step::Start));
        }
        let addresses = self.addresses.value()?;
        // Only the policies tell whether a firewall leads there.
        let no_way = self.policies.is_known() && self.endpoint().is_none() && self.firewall().is_none();
        let is_sought = self.bastion_may_be_found();
        let unreachable = self.is_running() && no_way && !is_sought;
        unreachable.then(|| (Failure::NoPublicAddress { private: addresses.private }.into(), Step::Vm))
    }

    /// That access is to be asked for, and somebody has to say why.
    pub(super) fn missing_reason(&self) -> Option<Failure> {
        let Proposed(proposed) = self.order.wants_reason.as_ref().filter(|_| self.order.justification.is_none())?;
        let is_to_be_asked = self.source.is_known() && self.policies.is_known();
        is_to_be_asked.then(|| Failure::ReasonWanted { proposed: proposed.clone(), extends: self.order.extends })
    }

    /// Why the policies do not admit the request. What does not hang on the source is said without waiting for it.
    pub(super) fn refusal(&self) -> Option<Failure> {
        let policies = self.policies.value()?;
        let source = self.source.value().map(|source| source.address);
        let asked_from = source.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED);
        let refusal =
            crate::policy::check(policies, &self.order.vm, self.order.port, asked_from, self.usual_access()).err()?;
        match refusal {
            // More time is asked for without a look at the VM.
            Refusal::NoPolicy if self.order.extends => Some(Failure::NoPolicy { power: None }),
            Refusal::NoPolicy => Some(Failure::NoPolicy { power: Some(self.vm.value()?.power) }),
            Refusal::NotInPolicy { allowed, only_udp } => {
                Some(Failure::NotInPolicy { port: self.order.port, allowed, only_udp })
            }
            Refusal::SourceNotAllowed { allowed } => {
                source.map(|address| Failure::SourceNotAllowed { address, allowed })
            }
        }
    }

    /// Whether the port may turn out to answer without us doing anything: not yet looked at where it really is.
    fn may_be_open_anyway(&self) -> bool {
        if self.bastion_may_be_found() {
            return true;
        }
        if self.needs_start() {
            return false;
        }
        if (self.addresses.is_pending() && self.vm.trouble().is_none()) || self.may_answer_privately() {
            return true;
        }
        self.endpoint()
            .is_some_and(|endpoint| self.probe.last.as_ref().is_none_or(|(looked_at, _)| *looked_at != endpoint))
    }

    /// The deadlines that run, in milliseconds from the click.
    pub(super) fn deadlines(&self) -> impl Iterator<Item = (Limit, Ms)> {
        let open = self.open_endpoint().is_some();
        let running =
            |since: Option<Ms>, limit, step| since.map(|since| (Limit::Read(step), since + limits::ms(limit)));
        let look = limits::ms(limits::PATIENCE) + limits::ms(limits::LOST_LOOK);
        [
            running(self.source.in_flight(), limits::SOURCE, Step::Source),
            running(self.policies.in_flight(), limits::READ, Step::Policy),
            running(self.vm.in_flight(), limits::READ, Step::Vm),
            running(self.addresses.in_flight(), limits::READ, Step::Vm),
            running(self.bastion.in_flight(), limits::READ, Step::Vm),
            running(self.start.in_flight().or(self.passing_since), limits::START, Step::Start),
            running(self.client.in_flight(), limits::CLIENT, Step::Client),
            self.asking.in_flight.map(|since| (Limit::Initiate, since + limits::ms(limits::INITIATE))),
            self.probe.in_flight.as_ref().map(|(_, since)| (Limit::Look, since + look)),
            self.private.in_flight.as_ref().map(|(_, since)| (Limit::PrivateLook, since + look)),
            self.ready_since.map(|since| (Limit::Port, since + limits::ms(limits::PORT))),
            self.untold_until().map(|until| (Limit::Untold, until)),
            Some((Limit::Whole, limits::ms(limits::WHOLE))),
        ]
        .into_iter()
        .flatten()
        // Once the port is open only the client is waited for.
        .filter(move |(limit, _)| !open || matches!(limit, Limit::Whole | Limit::Read(Step::Client)))
    }

    /// Ends what has passed its deadline.
    pub(super) fn expire(&mut self, now: DateTime<Utc>) {
        let at = self.clock.last();
        let passed: Vec<_> = self.deadlines().filter(|(_, deadline)| *deadline <= at).map(|(limit, _)| limit).collect();
        for limit in passed {
            match limit {
                Limit::Look => {
                    if let Some((endpoint, _)) = self.probe.in_flight.take() {
                        self.port_answered(endpoint, PortAnswer::Silent, at);
                    }
                }
                Limit::PrivateLook => {
                    if let Some((endpoint, _)) = self.private.in_flight.take() {
                        self.private_answered(endpoint, PortAnswer::Silent, at);
                    }
                }
                Limit::Initiate => {
                    self.asking.lost = true;
                    self.unanswered(at);
                }
                Limit::Untold => {
                    let trouble = self.start.trouble().cloned();
                    self.fail(trouble.unwrap_or_else(|| Failure::PowerStateUnknown.into()), Step::Start);
                }
                Limit::Read(step) => self.fail(Failure::TimedOut { step }.into(), step),
                Limit::Port => {
                    let waited = self.clock.last() - self.ready_since.unwrap_or(0);
                    let since = now - chrono::TimeDelta::milliseconds(waited);
                    self.fail(self.port_failure(now, since).into(), Step::Port);
                }
                Limit::Whole => {
                    let step = self.waited_for();
                    self.fail(Failure::TimedOut { step }.into(), step);
                }
            }
        }
    }

    /// What stands between now and the client.
    fn waited_for(&self) -> Step {
        if self.open_endpoint().is_some() {
            Step::Client
        } else if self.source.is_pending() {
            Step::Source
        } else if self.policies.is_pending() {
            Step::Policy
        } else if self.order.extends {
            Step::Access
        } else if self.vm.is_pending() {
            Step::Vm
        } else if self.latest_window().is_none() {
            Step::Access
        } else if self.is_running() {
            Step::Port
        } else {
            Step::Start
        }
    }

    /// Why nobody gets in through a port that should have been open `since` then.
    pub(super) fn port_failure(&self, now: DateTime<Utc>, since: DateTime<Utc>) -> Failure {
        let through_firewall = |endpoint: &Endpoint| {
            self.window(now).and_then(|window| window.mapped).is_some_and(|mapped| mapped == *endpoint)
        };
        if let Some((endpoint, _)) = &self.probe.last
            && let Some(bastion) = self.bastion_at(endpoint)
        {
            return Failure::BastionSilent { bastion: bastion.id.name().to_owned(), port: self.order.port, since };
        }
        match (self.probe.last.clone(), self.source.value()) {
            (Some((endpoint, PortAnswer::Refused | PortAnswer::Silent)), Some(source))
                if through_firewall(&endpoint) =>
            {
                Failure::FirewallShut { endpoint, admitted: source.address, since }
            }
            (answered, _) => Self::answer_failure(answered, since),
        }
    }

    fn answer_failure(answered: Option<(Endpoint, PortAnswer)>, since: DateTime<Utc>) -> Failure {
        match answered {
            Some((endpoint, PortAnswer::Refused)) => Failure::PortRefused { endpoint, since },
            Some((endpoint, PortAnswer::Stranger)) => Failure::PortStranger { endpoint },
            Some((endpoint, PortAnswer::Silent | PortAnswer::Open)) => Failure::PortSilent { endpoint, since },
            None => Failure::TimedOut { step: Step::Port },
        }
    }
}
