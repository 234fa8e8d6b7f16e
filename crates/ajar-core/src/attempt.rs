//! One attempt, from the click to the client: a set of facts, and the effects they enable.
//!
//! There is no chain of states. Each effect starts as soon as its facts are known ([`Attempt::next`]), results come back
//! as facts ([`Attempt::apply`]), and what people see is derived ([`Attempt::steps`]). An interrupted attempt resumes by
//! observing: reads are repeated, and nothing is written twice that Azure already did.

mod clock;
mod enabled;
mod facts;
mod limits;
mod notes;
mod read;
mod settle;
mod steps;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::access_window::{AccessWindow, granted, open_windows, revoked};
use crate::failure::{Failure, Trouble};
use crate::policy::{JitNetworkAccessPolicy, JitNetworkAccessRequest, Permit, Refusal, StatusReason, check};
use crate::port::{Endpoint, PortAnswer, Protocol};
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;
use crate::snapshot::{AttemptNumber, Step};
use crate::source::{Confidence, SourceAddress};
use crate::vm::{PowerState, VmAddresses, VmFacts};
use clock::{AttemptClock, Ms};
pub use facts::{Ask, Effect, Fact, InitiateFailure};
pub use limits::{HEAD_START, UNSETTLED};
pub use notes::{Note, Wish};
use read::Read;

/// What the user wants opened, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The favourite.
    pub name: ProfileName,
    /// Its VM.
    pub vm: VmResourceId,
    /// The VM's port.
    pub port: u16,
    /// What is spoken there.
    pub protocol: Protocol,
    /// How long to ask access for.
    pub access: TimeDelta,
    /// The justification for the record.
    pub justification: Option<String>,
    /// Whether the VM may be started.
    pub may_start: bool,
    /// The source address the user chose.
    pub chosen_source: Option<Ipv4Addr>,
    /// Whether the engine starts the client.
    pub launch: bool,
    /// What of this was wished for this one time: the user is told if it is not taken up.
    pub wishes: Vec<Wish>,
}

/// What is known at the click, from earlier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Where the VM was reached before, if that address is its own for good.
    pub endpoint: Option<Endpoint>,
    /// The source address, if it was established a moment ago.
    pub source: Option<SourceAddress>,
    /// When a request for this VM and port was sent whose answer nobody saw: by a host that went away.
    pub unsettled_since: Option<DateTime<Utc>>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The port answers; the client is started, or left to the face that asked.
    Connected {
        /// Where.
        endpoint: Endpoint,
    },
    /// It failed.
    Failed {
        /// Why.
        trouble: Trouble,
        /// In which step.
        step: Step,
    },
    /// The user cancelled; the failure carries what stays behind.
    Cancelled(Failure),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Attempt {
    number: AttemptNumber,
    order: Order,
    clicked_at: DateTime<Utc>,
    clock: AttemptClock,
    remembered: Option<Endpoint>,
    source: Read<SourceAddress>,
    policies: Read<Vec<JitNetworkAccessPolicy>>,
    vm: Read<VmFacts>,
    addresses: Read<VmAddresses>,
    start: Read<()>,
    client: Read<()>,
    asking: Asking,
    probe: Probe,
    passing_since: Option<Ms>,
    ready_since: Option<Ms>,
    notes: Vec<Note>,
    outcome: Option<(Outcome, Ms)>,
}

/// How far the request for access has come.
#[derive(Clone, Debug, Default)]
struct Asking {
    /// How many have been sent in a row without an answer.
    sent: u32,
    in_flight: Option<Ms>,
    /// One did not come back at all. It may still be on its way, so no other is sent after it.
    lost: bool,
    /// A request was sent whose answer nobody saw; until it is found or its time is over, no other is sent.
    unsettled: Option<Ms>,
    /// Azure's id of the last one that was not answered, where it told.
    correlation_id: Option<String>,
    granted: Option<AccessWindow>,
    began: Option<Ms>,
    ended: Option<Ms>,
    /// The last one was refused, and that did not end the attempt.
    refused: bool,
    /// Azure refused while the VM was not running: it is asked once more when it runs.
    too_early: bool,
}

/// What looking at the port has shown.
#[derive(Clone, Debug, Default)]
struct Probe {
    in_flight: Option<(Endpoint, Ms)>,
    last: Option<(Endpoint, PortAnswer)>,
    due: Ms,
    /// Looks in a row that were refused at once; spaces out the next ones.
    refusals: u32,
    began: Option<Ms>,
    ended: Option<Ms>,
}

impl Attempt {
    /// Begins an attempt at `now`, Azure's time as well as we know it.
    pub fn new(number: AttemptNumber, order: Order, memory: Memory, now: DateTime<Utc>) -> Self {
        let source = match (order.chosen_source, memory.source) {
            (Some(address), _) => Read::known(SourceAddress { address, confidence: Confidence::Chosen }),
            (None, Some(source)) => Read::known(source),
            (None, None) => Read::wanted(),
        };
        let unsettled = memory
            .unsettled_since
            .map(|sent| (sent - now).num_milliseconds().min(0))
            .filter(|sent| -sent < limits::ms(UNSETTLED));
        Self {
            number,
            order,
            clicked_at: now,
            clock: AttemptClock::new(now),
            remembered: memory.endpoint,
            source,
            policies: Read::wanted(),
            vm: Read::wanted(),
            addresses: Read::wanted(),
            start: Read::unwanted(),
            client: Read::unwanted(),
            asking: Asking {
                unsettled,
                sent: u32::from(unsettled.is_some()),
                began: unsettled.map(|_| 0),
                ..Asking::default()
            },
            probe: Probe::default(),
            passing_since: None,
            ready_since: None,
            notes: Vec::new(),
            outcome: None,
        }
    }

    /// Its number.
    pub fn number(&self) -> AttemptNumber {
        self.number
    }

    /// Whether the VM has been told to start and Azure has not said yet what came of it.
    pub fn is_starting(&self) -> bool {
        self.start.in_flight().is_some()
    }

    /// What was wanted.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// When the click was.
    pub fn clicked_at(&self) -> DateTime<Utc> {
        self.clicked_at
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref().map(|(outcome, _)| outcome)
    }

    /// From the click to the end, or to `now`, in milliseconds.
    pub fn elapsed_ms(&self, now: DateTime<Utc>) -> u64 {
        clock::unsigned(self.outcome.as_ref().map_or_else(|| self.clock.at(now), |(_, ended)| *ended))
    }

    /// Whether the engine is to start the client, as those who follow the attempt come and go.
    pub fn want_launch(&mut self, launch: bool) {
        self.order.launch = launch;
    }

    /// What was taken for Azure's time is put right by so much. The attempt moves along: it took no time.
    pub fn correct_clock(&mut self, by: TimeDelta) {
        self.clicked_at += by;
        self.clock.correct(by);
    }

    /// The user gives up. Requests on their way to Azure cannot be called back; the outcome says what stays behind.
    pub fn cancel(&mut self, now: DateTime<Utc>) {
        if self.outcome.is_some() {
            return;
        }
        self.clock.observe(now);
        let open_until = self.window(now).map(|window| window.end_time_utc);
        let starting = self.start.is_begun();
        let asking = self.asking.in_flight.is_some() || self.asking.unsettled.is_some();
        self.end(Outcome::Cancelled(Failure::Cancelled { open_until, asking, starting }));
    }

    /// Records that an effect of [`Attempt::next`] is under way.
    pub fn begun(&mut self, effect: &Effect, now: DateTime<Utc>) {
        if self.outcome.is_some() {
            return;
        }
        let at = self.clock.observe(now);
        match effect {
            Effect::ProbePort { endpoint, .. } => {
                self.probe.in_flight = Some((endpoint.clone(), at));
                self.probe.began.get_or_insert(at);
            }
            Effect::DetectSource => self.source.begin(at),
            Effect::ReadPolicy => self.policies.begin(at),
            Effect::ReadVm => self.vm.begin(at),
            Effect::ResolveAddress { .. } => self.addresses.begin(at),
            Effect::Initiate(ask) => {
                self.asking.sent += 1;
                self.asking.in_flight = Some(at);
                self.asking.refused = false;
                self.asking.began.get_or_insert(at);
                self.note_changes(ask.clamped_to);
            }
            Effect::StartVm => self.start.begin(at),
            Effect::LaunchClient { .. } => self.client.begin(at),
        }
    }

    /// Records a result. One that belongs to another attempt, or comes after the end, changes nothing.
    pub fn apply(&mut self, attempt: AttemptNumber, fact: Fact, now: DateTime<Utc>) {
        if attempt != self.number || self.outcome.is_some() {
            return;
        }
        let at = self.clock.observe(now);
        match fact {
            Fact::Port { endpoint, answer } => self.port_answered(endpoint, answer, at),
            Fact::Source(result) => self.source.settle(result, at),
            Fact::Policies(result) => self.policies_read(result, now, at),
            Fact::Vm(result) => self.vm_read(result, at),
            Fact::Addresses(result) => self.addresses.settle(result, at),
            Fact::Initiated(result) => self.initiated(result, at),
            Fact::Started(result) => self.started(result, at),
            Fact::Client(result) => self.client.settle(result, at),
        }
        self.settle(now);
    }

    /// Lets time pass: ends what has taken too long. To be called when [`Attempt::wake_at`] is reached.
    pub fn tick(&mut self, now: DateTime<Utc>) {
        if self.outcome.is_none() {
            self.clock.observe(now);
            self.expire(now);
            self.settle(now);
        }
    }

    fn port_answered(&mut self, endpoint: Endpoint, answer: PortAnswer, at: Ms) {
        if self.probe.in_flight.as_ref().is_some_and(|(flying, _)| *flying == endpoint) {
            self.probe.in_flight = None;
        }
        // After an open port the client takes over; a look that comes back late would take it away again.
        if self.open_endpoint().is_some() || self.endpoint().as_ref() != Some(&endpoint) {
            return;
        }
        self.probe.refusals = if answer == PortAnswer::Silent { 0 } else { self.probe.refusals + 1 };
        self.probe.due = at + limits::pause_after(answer, self.probe.refusals);
        if answer == PortAnswer::Open {
            self.probe.ended = Some(at);
        }
        self.probe.last = Some((endpoint, answer));
    }

    fn policies_read(&mut self, result: Result<Vec<JitNetworkAccessPolicy>, Trouble>, now: DateTime<Utc>, at: Ms) {
        let unsettled = self.asking.unsettled.filter(|since| at - since < limits::ms(UNSETTLED));
        if result.is_err() && unsettled.is_some() && self.policies.is_known() {
            // What kept the answer away may keep this reading away too; the policies themselves are known.
            self.policies.keep();
            self.policies.want(at + limits::ms(limits::LOOK_AGAIN));
            return;
        }
        self.policies.settle(result, at);
        self.give_up_revoked(now);
        if self.asking.unsettled.is_none() {
            return;
        }
        if self.window(now).is_some() {
            self.asking.unsettled = None;
            self.asking.ended.get_or_insert(at);
            self.asking.sent = 0;
        } else if unsettled.is_none() {
            self.asking.unsettled = None;
        } else {
            self.policies.want(at + limits::ms(limits::LOOK_AGAIN));
        }
    }

    /// Others have read the policies. If they show that what lets us in is revoked, the attempt reads them too.
    pub fn notice_policies(&mut self, policies: &[JitNetworkAccessPolicy], now: DateTime<Utc>) {
        if self.outcome.is_none() && self.covering(now).any(|window| revoked(policies, &window).is_some()) {
            let at = self.clock.observe(now);
            self.policies.want(at);
        }
    }

    /// What was granted and is revoked does not let us in. It is not asked for again: who replaced it may do the same,
    /// and each would close the other's door.
    fn give_up_revoked(&mut self, now: DateTime<Utc>) {
        let policies = self.policies.value().map_or(&[][..], Vec::as_slice);
        let Some(reason) = self.asking.granted.as_ref().and_then(|window| revoked(policies, window)) else { return };
        self.asking.granted = None;
        if self.window(now).is_none() && self.open_endpoint().is_none() {
            let replaced = reason == StatusReason::NewerRequestInitiated;
            self.end(Outcome::Failed { trouble: Failure::AccessRevoked { replaced }.into(), step: Step::Access });
        }
    }

    fn vm_read(&mut self, result: Result<VmFacts, Trouble>, at: Ms) {
        let passing = result.as_ref().is_ok_and(|vm| vm.power.is_passing());
        let was_passing = self.passing_since.is_some();
        self.vm.settle(result, at);
        if passing {
            self.passing_since.get_or_insert(at);
            self.vm.want(at + limits::ms(limits::LOOK_AGAIN));
        } else {
            self.passing_since = None;
            if was_passing {
                self.forget_fleeting_address(at);
            }
        }
    }

    fn started(&mut self, result: Result<(), Trouble>, at: Ms) {
        let running = result.is_ok();
        self.start.settle(result, at);
        if running {
            self.forget_fleeting_address(at);
            self.look_soon(at);
        }
    }

    /// A VM that came up may have another public address than before, unless that one is static.
    fn forget_fleeting_address(&mut self, at: Ms) {
        let keeps = self.addresses.value().and_then(|known| known.public).is_some_and(|public| public.is_static);
        if !keeps {
            self.addresses.forget(at);
        }
    }

    fn look_soon(&mut self, at: Ms) {
        self.probe.refusals = 0;
        self.probe.due = self.probe.due.min(at);
    }

    fn initiated(&mut self, result: Result<JitNetworkAccessRequest, InitiateFailure>, at: Ms) {
        let lost = self.asking.in_flight.take().is_none();
        match result {
            Ok(request) => {
                if let Some(window) = self.usable(&request) {
                    self.asking.granted = Some(window);
                    self.asking.unsettled = None;
                    self.asking.sent = 0;
                    self.asking.lost = false;
                    self.asking.ended.get_or_insert(at);
                    self.look_soon(at);
                } else {
                    self.unanswered(at);
                }
            }
            // It was given up before and is being looked for already.
            Err(InitiateFailure::Unanswered { .. }) if lost => {}
            Err(InitiateFailure::Unanswered { correlation_id }) => {
                self.asking.correlation_id = correlation_id;
                self.unanswered(at);
            }
            // The client is on its way through a port that is open; what Azure thinks of the request no longer matters.
            Err(InitiateFailure::Refused(_)) if self.open_endpoint().is_some() => self.asking.refused = true,
            Err(InitiateFailure::Refused(trouble)) if self.may_be_too_early(&trouble) => {
                self.asking.refused = true;
                self.asking.too_early = true;
            }
            Err(InitiateFailure::Refused(trouble)) => self.end(Outcome::Failed { trouble, step: Step::Access }),
        }
    }

    /// Whether a refusal may be for the VM's state: it is not known whether Azure takes requests for a VM that rests, so
    /// one that is refused meanwhile is made once more when the VM runs.
    fn may_be_too_early(&self, trouble: &Trouble) -> bool {
        let of_the_request =
            matches!(trouble.failure, Failure::RequestRefused { .. } | Failure::RequestConflict { .. });
        of_the_request && self.order.may_start && !self.is_running()
    }

    /// The window a request grants, if it lets this machine in.
    fn usable(&self, request: &JitNetworkAccessRequest) -> Option<AccessWindow> {
        let source = self.source.value()?.address;
        granted(request, &self.order.vm, self.firewall())
            .find(|window| window.covers(self.order.port, source, self.clock.seen()))
    }

    fn unanswered(&mut self, at: Ms) {
        self.asking.in_flight = None;
        self.asking.unsettled = Some(at);
        self.policies.want(at);
    }

    fn end(&mut self, outcome: Outcome) {
        let ended = self.clock.last();
        self.outcome.get_or_insert((outcome, ended));
    }

    // What the facts add up to.

    fn open_endpoint(&self) -> Option<&Endpoint> {
        self.probe.last.as_ref().filter(|(_, answer)| *answer == PortAnswer::Open).map(|(endpoint, _)| endpoint)
    }

    fn firewall(&self) -> Option<Ipv4Addr> {
        let entries = self.policies.value()?.iter().flat_map(|policy| &policy.virtual_machines);
        entries.filter(|entry| entry.id == self.order.vm).find_map(|entry| entry.public_ip_address)
    }

    /// Where to dial, as far as is known: a firewall's mapped port, the VM's public address, else where it was before.
    fn endpoint(&self) -> Option<Endpoint> {
        if let Some(mapped) = self.covering(self.clock.seen()).find_map(|window| window.mapped) {
            return Some(mapped);
        }
        match self.addresses.value().and_then(|addresses| addresses.public) {
            Some(public) => Some(Endpoint { host: public.ip.to_string(), port: self.order.port }),
            None => self.remembered.clone().filter(|_| !self.addresses.is_known()),
        }
    }

    fn windows(&self) -> Vec<AccessWindow> {
        let policies = self.policies.value().map_or(&[][..], Vec::as_slice);
        let mut windows = open_windows(policies, &self.order.vm, DateTime::<Utc>::MIN_UTC);
        windows.extend(self.asking.granted.clone());
        windows
    }

    /// The window that lets this machine in at `now`, the one that lasts longest if there are several.
    pub fn window(&self, now: DateTime<Utc>) -> Option<AccessWindow> {
        self.covering(now).max_by_key(|window| (window.end_time_utc, window.mapped.is_some()))
    }

    fn covering(&self, now: DateTime<Utc>) -> impl Iterator<Item = AccessWindow> {
        let source = self.source.value().map(|source| source.address);
        let port = self.order.port;
        self.windows().into_iter().filter(move |window| source.is_some_and(|source| window.covers(port, source, now)))
    }

    /// Where it connected to, if that address stays the VM's own and is worth trying first the next time.
    pub fn lasting_endpoint(&self) -> Option<Endpoint> {
        let public = self.addresses.value()?.public.filter(|public| public.is_static)?;
        self.open_endpoint().filter(|endpoint| endpoint.host == public.ip.to_string()).cloned()
    }

    /// As [`Attempt::window`], at the time last seen.
    fn latest_window(&self) -> Option<AccessWindow> {
        self.window(self.clock.seen())
    }

    fn is_running(&self) -> bool {
        self.start.is_known() || self.vm.value().is_some_and(|vm| vm.power == PowerState::Running)
    }

    fn needs_start(&self) -> bool {
        !self.start.is_known() && self.vm.value().is_some_and(|vm| vm.power.needs_start())
    }

    /// The policies' word on a request for so long; `None` until policies and source are known.
    fn permit(&self, access: TimeDelta) -> Option<Result<Permit, Refusal>> {
        let policies = self.policies.value()?;
        let source = self.source.value()?;
        Some(check(policies, &self.order.vm, self.order.port, source.address, access))
    }
}
