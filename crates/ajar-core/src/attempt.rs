//! One attempt, from the click to the client: a set of facts, and the effects they enable.
//!
//! There is no chain of states. Each effect starts as soon as its facts are known ([`Attempt::next`]), results come back
//! as facts ([`Attempt::apply`]), and what people see is derived ([`Attempt::steps`]). An interrupted attempt resumes by
//! observing: reads are repeated, and nothing is written twice that Azure already did.

mod asking;
mod bastion_way;
mod clock;
mod diagnosis;
mod done;
mod door;
mod enabled;
mod extending;
mod facts;
mod known;
mod limits;
mod notes;
mod private_way;
mod reaching;
mod read;
mod settle;
mod steps;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::Ipv4Net;

use crate::access_window::AccessWindow;
use crate::bastion::BastionWay;
use crate::failure::{Failure, Trouble};
use crate::policy::JitNetworkAccessPolicy;
use crate::port::{Endpoint, Protocol};
use crate::profile::{AddressChoice, ProfileName};
use crate::resource_id::VmResourceId;
use crate::snapshot::{AttemptNumber, Step};
use crate::source::{Confidence, SourceAddress};
use crate::vm::{CloudVm, VmAddresses, VmFacts};
use asking::Asking;
use clock::{AttemptClock, Ms};
pub(crate) use diagnosis::Writes;
pub use diagnosis::{Beside, ClientFound, Diagnosis};
pub use facts::{Ask, Effect, Fact, InitiateFailure};
pub use limits::{ASTRAY, HEAD_START};
pub use notes::{Note, Wish};
use private_way::PrivateLook;
use reaching::Probe;
use read::Read;

/// How far Ajar goes that asks for more time by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renews {
    /// Until when at most.
    pub until: DateTime<Utc>,
    /// Whether also for another address than the window lets in, because this machine has moved.
    pub moves: bool,
}

/// What the user wants opened, and how.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "wishes, each of which may be there without the others")]
pub struct Order {
    /// The favourite.
    pub name: ProfileName,
    /// The cloud that its VM is in.
    pub cloud: String,
    /// Its VM.
    pub vm: VmResourceId,
    /// The VM's port.
    pub port: u16,
    /// What is spoken there.
    pub protocol: Protocol,
    /// Whether both are only supposed, because nobody says them and nobody knows yet what runs there: that decides.
    pub is_supposed: bool,
    /// How long to ask access for, where somebody says; else it is [`DEFAULT_ACCESS`](crate::profile::DEFAULT_ACCESS), or what
    /// the policy allows.
    pub access: Option<TimeDelta>,
    /// The justification for the record.
    pub justification: Option<String>,
    /// Whether there has to be one, and what the settings propose for it.
    pub wants_reason: Option<Proposed>,
    /// Which of the VM's addresses is dialled.
    pub address: AddressChoice,
    /// Whether this machine has ways beside that to the internet, one of which may lead to the private address.
    pub own_ways: bool,
    /// Whether the VM may be started.
    pub may_start: bool,
    /// Whether more time is wanted for the window that is open, and nothing else.
    pub extends: bool,
    /// Whether that is only for what is left of a window which is open from another address of this machine.
    pub follows: bool,
    /// How far more time is asked for, where Ajar asks for it by itself.
    pub renews: Option<Renews>,
    /// Whether bytes are to be carried through, of which scripts send by the hundred (`ajar proxy`).
    pub passing: bool,
    /// The source address the user chose.
    pub chosen_source: Option<Ipv4Addr>,
    /// The Bastion host's subnet that more time is wanted for.
    pub subnet: Option<Ipv4Net>,
    /// Whether the engine starts the client.
    pub launch: bool,
    /// What of this was wished for this one time: the user is told if it is not taken up.
    pub wishes: Vec<Wish>,
}

impl Order {
    /// The VM, as it is told apart from those of other clouds.
    pub fn place(&self) -> CloudVm {
        CloudVm { cloud: self.cloud.clone(), id: self.vm.clone() }
    }
}

/// What the settings propose as the reason that somebody has to give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposed(pub Option<String>);

/// A request for access whose answer nobody saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// When it was sent.
    pub since: DateTime<Utc>,
    /// The address that it was for, where that is known.
    pub source: Option<Ipv4Addr>,
}

/// What is known at the click, from earlier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Where the VM was reached before, if that address is its own for good.
    pub endpoint: Option<Endpoint>,
    /// The request for this VM and port whose answer nobody saw: of a host that went away.
    pub unsettled: Option<Unsettled>,
    /// The window that was granted here for this VM and port, as it was when Azure last spoke of it.
    pub window: Option<AccessWindow>,
    /// How Azure names in requests for access whom we act as, where that is known.
    pub principal: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The port answers; the client is started, or left to the face that asked.
    Connected {
        /// Where.
        endpoint: Endpoint,
    },
    /// The window that was open lasts longer; or as long as it would have anyway.
    Extended {
        /// It.
        window: AccessWindow,
    },
    /// It failed.
    Failed {
        /// Why.
        trouble: Trouble,
        /// In which step.
        step: Step,
    },
    /// It was given up, by the user or with its favourite; the failure carries what stays behind.
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
    remembered_window: Option<AccessWindow>,
    /// The window that is to be extended, once it is known.
    prior: Option<AccessWindow>,
    principal: Option<String>,
    source: Read<SourceAddress>,
    policies: Read<Vec<JitNetworkAccessPolicy>>,
    vm: Read<VmFacts>,
    addresses: Read<VmAddresses>,
    bastion: Read<BastionWay>,
    start: Read<()>,
    client: Read<()>,
    asking: Asking,
    probe: Probe,
    private: PrivateLook,
    passing_since: Option<Ms>,
    /// Since when Azure has told no power state that is known.
    untold_since: Option<Ms>,
    ready_since: Option<Ms>,
    notes: Vec<Note>,
    outcome: Option<(Outcome, Ms)>,
}

impl Attempt {
    /// Begins an attempt at `now`, Azure's time as well as we know it.
    pub fn new(number: AttemptNumber, order: Order, memory: Memory, now: DateTime<Utc>) -> Self {
        let chosen = |address| Read::known(SourceAddress { address, confidence: Confidence::Chosen });
        let source = match (order.subnet.map(|subnet| subnet.network()), order.address) {
            (Some(first), _) => chosen(first),
            (None, AddressChoice::Bastion) if !order.extends => Read::unwanted(),
            (None, _) => order.chosen_source.map_or_else(Read::wanted, chosen),
        };
        let mut attempt = Self {
            number,
            clicked_at: now,
            clock: AttemptClock::new(now),
            remembered: None,
            order,
            remembered_window: None,
            prior: None,
            principal: None,
            source,
            policies: Read::wanted(),
            vm: Read::wanted(),
            addresses: Read::wanted(),
            bastion: Read::wanted(),
            start: Read::unwanted(),
            client: Read::unwanted(),
            asking: Asking::default(),
            probe: Probe::default(),
            private: PrivateLook::default(),
            passing_since: None,
            untold_since: None,
            ready_since: None,
            notes: Vec::new(),
            outcome: None,
        };
        attempt.recall(memory, now);
        attempt
    }

    /// What is known of its port from earlier: of another one, where it turns out that it opens that. To be told before anything was
    /// asked for.
    pub fn recall(&mut self, memory: Memory, now: DateTime<Utc>) {
        let (at, order) = (self.clock.at(now), &self.order);
        let may_be_public = matches!(order.address, AddressChoice::Automatic | AddressChoice::Public);
        // What was reached was a public address.
        let may_be_there = !order.extends && may_be_public && !self.waits_for_system();
        self.remembered = memory.endpoint.filter(|_| may_be_there);
        self.remembered_window = memory.window;
        self.principal = memory.principal;
        let unsettled = memory.unsettled.filter(|sent| now - sent.since < ASTRAY);
        let sent_at = unsettled.map(|sent| sent.since.min(now));
        self.asking = Asking {
            unsettled: sent_at.map(|sent| at + limits::ms(sent + ASTRAY - now)),
            sent_at,
            source: unsettled.and_then(|sent| sent.source),
            sent: u32::from(sent_at.is_some()),
            began: sent_at.map(|_| at),
            ..Asking::default()
        };
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
        self.asking.sent_at = self.asking.sent_at.map(|sent_at| sent_at + by);
        self.clock.correct(by);
    }

    /// It cannot begin: whom its favourite is to act as is not there.
    pub fn cannot_begin(&mut self, trouble: Trouble) {
        self.end(Outcome::Failed { trouble, step: Step::Vm });
    }

    /// The user gives up. Requests on their way to Azure cannot be called back; the outcome says what stays behind. What
    /// had not left is to be told of before: [`Attempt::request_unsent`], [`Attempt::start_unsent`].
    pub fn cancel(&mut self, now: DateTime<Utc>) {
        let cancelled = |open_until, asking, starting| Failure::Cancelled { open_until, asking, starting };
        self.give_up(now, cancelled);
    }

    /// As [`Attempt::cancel`], because the favourite is there no more.
    pub fn favourite_removed(&mut self, now: DateTime<Utc>) {
        let removed = |open_until, asking, starting| Failure::FavouriteRemoved { open_until, asking, starting };
        self.give_up(now, removed);
    }

    /// The order to start the VM was withdrawn before it left: the VM was not told anything.
    pub fn start_unsent(&mut self) {
        if self.is_starting() {
            self.start = Read::unwanted();
        }
    }

    /// Ends it with what stays behind: the end of a window, whether a request is on its way, whether the VM starts.
    fn give_up(&mut self, now: DateTime<Utc>, failure: impl FnOnce(Option<DateTime<Utc>>, bool, bool) -> Failure) {
        if self.outcome.is_some() {
            return;
        }
        self.clock.observe(now);
        let open_until = self.window(now).map(|window| window.end_time_utc);
        let asking = self.asking.in_flight.is_some() || self.asking.unsettled.is_some();
        let starting = self.start.is_begun() && self.start.trouble().is_none();
        self.end(Outcome::Cancelled(failure(open_until, asking, starting)));
    }

    /// Records that an effect of [`Attempt::next`] is under way.
    pub fn begun(&mut self, effect: &Effect, now: DateTime<Utc>) {
        if self.outcome.is_some() {
            return;
        }
        let at = self.clock.observe(now);
        match effect {
            Effect::ProbePort { endpoint, by_own_way: true, .. } => {
                self.private.in_flight = Some((endpoint.clone(), at));
            }
            Effect::ProbePort { endpoint, by_own_way: false, .. } => {
                self.probe.in_flight = Some((endpoint.clone(), at));
                self.probe.began.get_or_insert(at);
            }
            Effect::DetectSource => self.source.begin(at),
            Effect::ReadPolicy => self.policies.begin(at),
            Effect::ReadVm => self.vm.begin(at),
            Effect::ResolveAddress { .. } => self.addresses.begin(at),
            Effect::FindBastion { .. } => self.bastion.begin(at),
            Effect::Initiate(ask) => {
                self.asking.sent += 1;
                self.asking.in_flight = Some(at);
                self.asking.source = Some(ask.source);
                self.asking.sent_at.get_or_insert(now);
                self.asking.refused = false;
                self.asking.kept_away = None;
                self.asking.began.get_or_insert(at);
                self.note_changes(ask.clamped_to, now);
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
            // A Bastion host has a source of its own.
            Fact::Source(_) if self.bastion_subnet().is_some() => {}
            Fact::Source(result) => self.source.settle(result, at),
            Fact::Policies(result) => self.policies_read(result, now, at),
            Fact::Vm(result) => self.vm_read(result, at),
            Fact::Addresses(result) => self.addresses.settle(result, at),
            Fact::Bastion(result) => self.bastion_found(result, at),
            Fact::Initiated(result) => self.initiated(result, at),
            Fact::Started(result) => self.started(result, at),
            Fact::Client(result) => self.client.settle(result, at),
        }
        self.settle(now);
    }

    /// This machine is at another address than when it was looked for. What was granted for that one lets nobody in, and access is
    /// asked for from the new one.
    pub fn moved(&mut self, source: SourceAddress, now: DateTime<Utc>) {
        let is_elsewhere = self.source.value().is_some_and(|known| known.address != source.address);
        let is_meant = self.is_source_named() || self.order.extends;
        if self.outcome.is_some() || !is_elsewhere || is_meant || self.open_endpoint().is_some() {
            return;
        }
        let at = self.clock.observe(now);
        self.comes_from(source, at);
        self.settle(now);
    }

    /// The VM sees what comes there come from that address, whatever it was taken for.
    fn comes_from(&mut self, source: SourceAddress, at: Ms) {
        self.source.settle(Ok(source), at);
        if self.asking.granted.as_ref().is_some_and(|window| !window.admits(source.address)) {
            self.asking.granted = None;
        }
    }

    /// Whether access is asked for from where somebody has said, or where a Bastion host is: not from where this machine is.
    pub fn is_source_named(&self) -> bool {
        self.order.chosen_source.is_some() || self.bastion_subnet().is_some()
    }

    /// Lets time pass: ends what has taken too long. To be called when [`Attempt::wake_at`] is reached.
    pub fn tick(&mut self, now: DateTime<Utc>) {
        if self.outcome.is_none() {
            self.clock.observe(now);
            self.expire(now);
            self.settle(now);
        }
    }

    fn end(&mut self, outcome: Outcome) {
        let ended = self.clock.last();
        self.outcome.get_or_insert((outcome, ended));
    }
}
