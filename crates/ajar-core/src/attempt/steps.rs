//! The steps of an attempt as people see them, derived from its facts.

use crate::zone::Zone;
use chrono::{DateTime, Utc};

use super::clock::{Ms, unsigned};
use super::read::Read;
use super::{Attempt, Outcome};
use crate::access_window::AccessWindow;
use crate::failure::Trouble;
use crate::message::failure::{About, in_words};
use crate::message::granted_anyway;
use crate::message::step::{Finding, detail, ended_headline, headline, label};
use crate::port::Endpoint;
use crate::snapshot::{AttemptView, BastionView, GrantView, OutcomeView, ReachedView, Step, StepStatus, StepView};
use crate::vm::PowerState;

/// A step's status and times, before words.
struct Stand {
    status: StepStatus,
    began: Option<Ms>,
    ended: Option<Ms>,
    finding: Option<Finding>,
}

impl Stand {
    fn of(began: Option<Ms>, ended: Option<Ms>, running: bool, finding: Option<Finding>) -> Self {
        let status = match (began, ended) {
            _ if running => StepStatus::Running,
            (_, Some(_)) => StepStatus::Done,
            (Some(_), None) => StepStatus::Running,
            (None, None) => StepStatus::Waiting,
        };
        Self { status, began, ended: ended.filter(|_| !running), finding }
    }

    /// A reading is over with its first result; later ones refine it.
    fn of_read<T>(read: &Read<T>, finding: Option<Finding>) -> Self {
        let stand = Self::of(read.began, read.ended, false, finding);
        if read.trouble().is_some() { Self { status: StepStatus::Failed, ..stand } } else { stand }
    }

    fn skipped(finding: Finding) -> Self {
        Self { status: StepStatus::Skipped, began: None, ended: None, finding: Some(finding) }
    }
}

impl Attempt {
    /// The steps, in the order people expect, whatever order they ran in.
    pub fn steps(&self, now: DateTime<Utc>, zone: Zone) -> Vec<StepView> {
        let now = self.ended_at().unwrap_or(now);
        let mut steps = if self.order.extends {
            vec![Step::Source, Step::Policy, Step::Access]
        } else {
            vec![Step::Source, Step::Vm, Step::Policy, Step::Access, Step::Start, Step::Port]
        };
        if self.order.launch {
            steps.push(Step::Client);
        }
        steps.into_iter().map(|step| self.step(step, now, zone)).collect()
    }

    fn step(&self, step: Step, now: DateTime<Utc>, zone: Zone) -> StepView {
        let stand = self.closed(step, self.stand(step, now));
        let shown = |time: Option<Ms>| time.map(unsigned);
        StepView {
            step,
            status: stand.status,
            started_ms: shown(stand.began),
            ended_ms: shown(stand.ended),
            label: label(step, stand.status, stand.finding.as_ref(), self.order.protocol),
            detail: stand.finding.map(|finding| detail(&finding, zone)),
        }
    }

    /// After the end nothing runs and nothing is waited for.
    fn closed(&self, step: Step, mut stand: Stand) -> Stand {
        let Some((outcome, ended)) = &self.outcome else { return stand };
        if let Outcome::Failed { step: failed, .. } = outcome
            && *failed == step
        {
            let began = stand.began.or(Some(*ended));
            return Stand { status: StepStatus::Failed, began, ended: Some(*ended), ..stand };
        }
        match stand.status {
            StepStatus::Running | StepStatus::Waiting => {
                stand.ended = stand.began.map(|_| *ended);
                let connected = matches!(outcome, Outcome::Connected { .. });
                (stand.status, stand.finding) = self.cut_short(step, stand.began.is_some(), connected, stand.finding);
            }
            StepStatus::Done | StepStatus::Skipped | StepStatus::Failed => {}
        }
        stand
    }

    /// How a step that the end overtook is told. What was sent to Azure was done, whatever comes of it.
    fn cut_short(
        &self,
        step: Step,
        begun: bool,
        connected: bool,
        finding: Option<Finding>,
    ) -> (StepStatus, Option<Finding>) {
        if step == Step::Access && begun {
            return if self.asking.refused {
                (StepStatus::Failed, Some(Finding::Refused))
            } else {
                (StepStatus::Done, finding.or(Some(Finding::Unanswered)))
            };
        }
        // What answers runs, though Azure has not said so yet; else Azure goes on with what it was told.
        if step == Step::Start && self.start.is_begun() && self.start.trouble().is_none() {
            return (StepStatus::Done, if connected { finding } else { Some(Finding::GoesOnStarting) });
        }
        let finding = match (connected, begun) {
            (true, true) => Some(Finding::Overtaken),
            (true, false) => Some(Finding::AlreadyOpen),
            (false, _) => finding,
        };
        (StepStatus::Skipped, finding)
    }

    fn stand(&self, step: Step, now: DateTime<Utc>) -> Stand {
        match step {
            Step::Source => {
                let of_bastion = self.bastion_subnet().map(Finding::BastionSubnet);
                let finding = of_bastion.or(self.source.value().map(|source| Finding::Source(*source)));
                if self.source.is_known() && !self.source.is_begun() {
                    return Stand { status: StepStatus::Done, began: Some(0), ended: Some(0), finding };
                }
                Stand::of_read(&self.source, finding)
            }
            Step::Vm => self.vm_stand(),
            Step::Policy => Stand::of_read(&self.policies, None),
            Step::Access => self.access_stand(now),
            Step::Start => self.start_stand(),
            Step::Port => {
                let finding = self.open_endpoint().or(self.probe.last.as_ref().map(|(seen, _)| seen)).cloned();
                let (began, ended) = (self.probe.began, self.probe.ended);
                let told = |endpoint: Endpoint| {
                    let is_private = self.is_private(&endpoint);
                    if let Some(bastion) = self.bastion_at(&endpoint) {
                        Finding::ThroughBastion(bastion.id.name().to_owned())
                    } else if is_private {
                        Finding::PrivateEndpoint(endpoint)
                    } else {
                        Finding::Endpoint(endpoint)
                    }
                };
                Stand::of(began, ended, false, finding.map(told))
            }
            Step::Client => Stand::of(self.client.began, self.client.ended, false, None),
        }
    }

    fn vm_stand(&self) -> Stand {
        let finding = self.vm.value().map(|vm| Finding::Vm { power: vm.power, address: self.address() });
        match [self.vm.trouble(), self.addresses.trouble()] {
            [None, None] => Stand::of(self.vm.began, self.addresses.ended, false, finding),
            _ => Stand {
                status: StepStatus::Failed,
                ..Stand::of(self.vm.began, self.addresses.ended.or(self.vm.ended), false, finding)
            },
        }
    }

    fn access_stand(&self, now: DateTime<Utc>) -> Stand {
        let window = self.window(now);
        let finding = window.as_ref().map(|window| Finding::Window {
            port: window.port,
            end_time_utc: window.end_time_utc,
            mapped: window.mapped.clone(),
        });
        match (self.asking.began, window) {
            // More time is about to be asked for.
            (None, Some(_)) if self.order.extends && self.outcome.is_none() => Stand::of(None, None, false, None),
            (None, Some(window)) => Stand::skipped(Finding::OpenUntil(window.end_time_utc)),
            (began, _) => {
                let searching = self.asking.unsettled.is_some();
                let sought = (searching && self.outcome.is_none()).then_some(Finding::Sought);
                let busy = self.asking.in_flight.is_some() || searching;
                Stand::of(began, self.asking.ended, busy, finding.or(sought))
            }
        }
    }

    fn start_stand(&self) -> Stand {
        let was = self.vm.value().map(|vm| vm.power);
        match (was, self.start.began) {
            (Some(PowerState::Running), None) => Stand::skipped(Finding::AlreadyRunning),
            // It may run although it could not be started, and the port is still looked at.
            (Some(power), Some(began)) if self.start.trouble().is_some() && self.may_run() => {
                Stand::of(Some(began), None, true, Some(Finding::Was(power)))
            }
            (Some(power), None) if self.passing_since.is_some() => {
                Stand::of(self.passing_since, None, true, Some(Finding::Was(power)))
            }
            (_, _) => Stand::of_read(&self.start, was.map(Finding::Was)),
        }
    }

    /// The attempt as faces show it, with moments on the user's clock.
    pub fn view(&self, now: DateTime<Utc>, zone: Zone) -> AttemptView {
        let steps = self.steps(now, zone);
        AttemptView {
            number: self.number,
            name: self.order.name.clone(),
            cloud: self.order.cloud.clone(),
            vm: self.order.vm.clone(),
            port: self.order.port,
            protocol: self.order.protocol,
            extends: self.order.extends,
            follows: self.order.follows,
            renews: self.order.renews.is_some(),
            started_at: self.clicked_at,
            ended_at: self.ended_at(),
            headline: self
                .outcome()
                .map_or_else(|| headline(&steps), |outcome| ended_headline(outcome, &self.order).to_owned()),
            notes: self.notes.iter().map(|note| crate::message::note::note(note, zone)).collect(),
            reached: self.reached(&steps, now),
            steps,
            outcome: self.outcome().map(|outcome| self.outcome_view(outcome, zone)),
        }
    }

    fn reached(&self, steps: &[StepView], now: DateTime<Utc>) -> Option<ReachedView> {
        let now = self.ended_at().unwrap_or(now);
        let answered = steps.iter().find(|step| step.step == Step::Port).and_then(|step| step.ended_ms);
        let elapsed_ms = answered.unwrap_or_else(|| self.elapsed_ms(now));
        self.open_endpoint().map(|endpoint| self.reached_view(endpoint, elapsed_ms, now))
    }

    fn reached_view(&self, endpoint: &Endpoint, elapsed_ms: u64, now: DateTime<Utc>) -> ReachedView {
        let window = self.window_to_tell(now).map(|window| grant_view(&window));
        let bastion = self.bastion_at(endpoint).map(BastionView::of);
        ReachedView { endpoint: endpoint.clone(), bastion, window, elapsed_ms }
    }

    /// When it ended, on the wall clock: time slept through counts here.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.outcome.as_ref().map(|_| self.clock.seen())
    }

    /// The outcome as it was at the end: it doesn't change with what comes later.
    fn outcome_view(&self, outcome: &Outcome, zone: Zone) -> OutcomeView {
        let now = self.clock.seen();
        let words = |trouble: &Trouble| in_words(trouble, &About { name: self.order.name.as_str(), zone, at: now });
        match outcome {
            Outcome::Connected { endpoint } => {
                OutcomeView::Connected(self.reached_view(endpoint, self.elapsed_ms(now), now))
            }
            Outcome::Extended { window } => OutcomeView::Extended(grant_view(window)),
            Outcome::Failed { trouble, .. } => {
                let mut failure = words(trouble);
                if let Some(window) = self.window(now) {
                    failure.message = [failure.message, granted_anyway(window.end_time_utc, zone)].join(" ");
                }
                OutcomeView::Failed(failure)
            }
            Outcome::Cancelled(failure) => OutcomeView::Cancelled(words(&failure.clone().into())),
        }
    }
}

fn grant_view(window: &AccessWindow) -> GrantView {
    GrantView { end_time_utc: window.end_time_utc, source: crate::message::sources(&window.sources) }
}
