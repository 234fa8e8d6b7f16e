//! Scripts: what is told to an attempt, and exactly which effects that enables.

use std::net::Ipv4Addr;

use crate::zone::Zone;
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};

use crate::access_window::{AccessWindow, granted};
use crate::attempt::{Ask, Attempt, Effect, Fact, InitiateFailure, Memory, Order, Outcome, Unsettled};
use crate::failure::{Failure, Trouble};
use crate::policy::{
    JitNetworkAccessPolicy, JitNetworkAccessPolicyVirtualMachine, JitNetworkAccessPortRule, JitNetworkAccessRequest,
    JitNetworkAccessRequestPort, JitNetworkAccessRequestVirtualMachine, RequestStatus, RuleProtocol, SourcePrefix,
};
use crate::port::{Endpoint, PortAnswer, Protocol};
use crate::profile::AddressChoice;
use crate::resource_id::VmResourceId;
use crate::snapshot::{AttemptNumber, StepStatus};
use crate::source::{Confidence, SourceAddress};
use crate::vm::{OsType, PowerState, PublicAddress, VmAddresses, VmFacts};

pub(super) const NUMBER: AttemptNumber = AttemptNumber(7);
pub(super) const ME: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
/// Where this machine was before.
pub(super) const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 77);
pub(super) const VM: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 50);
pub(super) const FIREWALL: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
pub(super) const UTC: Zone = Zone::always(FixedOffset::east_opt(0).unwrap(), NOON);

/// 2026-01-05T12:00:00Z.
const NOON: DateTime<Utc> = DateTime::from_timestamp(1_767_614_400, 0).unwrap();

/// Noon: windows of two hours end at 14:00.
pub(super) fn noon() -> DateTime<Utc> {
    NOON
}

pub(super) fn order() -> Order {
    Order {
        name: "web-01".parse().unwrap(),
        cloud: "public".into(),
        vm: vm_id(),
        port: 22,
        protocol: Protocol::Ssh,
        is_supposed: false,
        access: Some(TimeDelta::hours(2)),
        justification: None,
        wants_reason: None,
        address: AddressChoice::Automatic,
        own_ways: false,
        may_start: true,
        extends: false,
        follows: false,
        renews: None,
        passing: false,
        chosen_source: None,
        subnet: None,
        launch: true,
        wishes: Vec::new(),
    }
}

pub(super) fn vm_id() -> VmResourceId {
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-01".parse().unwrap()
}

pub(super) fn endpoint(ip: Ipv4Addr, port: u16) -> Endpoint {
    Endpoint { host: ip.to_string(), port }
}

pub(super) fn remembering() -> Memory {
    Memory { endpoint: Some(endpoint(VM, 22)), ..Memory::default() }
}

pub(super) fn trouble() -> Trouble {
    Failure::AzureError { status: 500, azure_code: "Oops".into(), azure_message: "No.".into() }.into()
}

// Facts.

/// A request of an earlier host, for an address that it has not told.
pub(super) fn unsettled(since: DateTime<Utc>) -> Unsettled {
    Unsettled { since, source: None }
}

pub(super) fn source() -> Fact {
    Fact::Source(Ok(SourceAddress { address: ME, confidence: Confidence::Agreed { sources: 3 } }))
}

pub(super) fn vm(power: PowerState) -> Fact {
    let nic = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/n".parse().unwrap();
    let location = "westeurope".into();
    Fact::Vm(Ok(VmFacts { power, os: Some(OsType::Linux), location, network_interfaces: vec![nic], identity: None }))
}

pub(super) fn address(public: Option<Ipv4Addr>, is_static: bool) -> Fact {
    let public = public.map(|ip| PublicAddress { ip, is_static });
    Fact::Addresses(Ok(VmAddresses { public, private: Some(Ipv4Addr::new(10, 0, 0, 4)), ..VmAddresses::default() }))
}

pub(super) fn port(answer: PortAnswer) -> Fact {
    Fact::Port { endpoint: endpoint(VM, 22), answer }
}

/// A policy for the VM's port 22, from anywhere, for three hours at most.
pub(super) fn policy() -> JitNetworkAccessPolicy {
    JitNetworkAccessPolicy {
        id: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default"
            .parse()
            .unwrap(),
        virtual_machines: vec![JitNetworkAccessPolicyVirtualMachine {
            id: vm_id(),
            ports: vec![JitNetworkAccessPortRule {
                number: 22,
                protocol: RuleProtocol::Tcp,
                allowed_source_address_prefixes: vec![SourcePrefix::Any],
                max_request_access_duration: Some(TimeDelta::hours(3)),
            }],
            public_ip_address: None,
        }],
        requests: vec![],
    }
}

pub(super) fn policies() -> Fact {
    Fact::Policies(Ok(vec![policy()]))
}

/// The policy with a request from here on it, which ends so many minutes after noon.
pub(super) fn policies_open_until(minutes: i64) -> Fact {
    Fact::Policies(Ok(vec![JitNetworkAccessPolicy { requests: vec![request(minutes, None)], ..policy() }]))
}

pub(super) fn request(minutes: i64, mapped_port: Option<u16>) -> JitNetworkAccessRequest {
    JitNetworkAccessRequest {
        virtual_machines: vec![JitNetworkAccessRequestVirtualMachine {
            id: vm_id(),
            ports: vec![JitNetworkAccessRequestPort {
                number: 22,
                allowed_source_address_prefixes: vec![SourcePrefix::from(ME.to_string().as_str())],
                end_time_utc: noon() + TimeDelta::minutes(minutes),
                status: RequestStatus::InForce,
                mapped_port,
            }],
        }],
        start_time_utc: noon(),
        requestor: "me".into(),
        justification: None,
    }
}

/// A window of ours for that address, which ends so many minutes after noon.
pub(super) fn granted_to(source: Ipv4Addr, minutes: i64) -> AccessWindow {
    let window = granted(&request(minutes, None), &vm_id(), None).next().unwrap();
    AccessWindow { sources: vec![SourcePrefix::from(source.to_string().as_str())], ..window }
}

/// Azure grants what was asked, until so many minutes after noon.
pub(super) fn granted_until(minutes: i64) -> Fact {
    Fact::Initiated(Ok(request(minutes, None)))
}

pub(super) fn unanswered() -> Fact {
    let failure = Failure::Unreachable { host: "management.azure.com".into(), detail: "timed out".into() };
    Fact::Initiated(Err(InitiateFailure::Unanswered(failure.into())))
}

/// Azure refuses the request itself.
pub(super) fn refused() -> Fact {
    refused_as("BadRequest", "m")
}

/// The same, with more to say about it.
pub(super) fn refused_as(azure_code: &str, azure_message: &str) -> Fact {
    let failure = Failure::RequestRefused { azure_code: azure_code.into(), azure_message: azure_message.into() };
    Fact::Initiated(Err(InitiateFailure::Refused(failure.into())))
}

// Scripts.

/// A line of a script.
pub(super) enum Line {
    Event(Event),
    Does(Vec<String>),
    Ends(String),
}

/// What happens to an attempt.
pub(super) enum Event {
    Moved(Ipv4Addr),
    Told(Fact),
    ToldToAnother(Fact),
    After(TimeDelta),
    Cancel,
    Removed,
}

/// These effects begin, in this order, and no others.
pub(super) fn does(effects: &[&str]) -> Line {
    Line::Does(effects.iter().map(ToString::to_string).collect())
}

pub(super) fn told(fact: Fact) -> Line {
    Line::Event(Event::Told(fact))
}

pub(super) fn told_to_another(fact: Fact) -> Line {
    Line::Event(Event::ToldToAnother(fact))
}

/// This machine turns out to be at another address.
pub(super) fn moves_to(address: Ipv4Addr) -> Line {
    Line::Event(Event::Moved(address))
}

pub(super) fn cancel() -> Line {
    Line::Event(Event::Cancel)
}

pub(super) fn removed() -> Line {
    Line::Event(Event::Removed)
}

/// The attempt ends so, and does nothing more.
pub(super) fn ends(outcome: &str) -> Line {
    Line::Ends(outcome.to_owned())
}

/// Time passes as the engine lets it pass: with a tick whenever one is due.
pub(super) fn after(milliseconds: i64) -> Line {
    Line::Event(Event::After(TimeDelta::milliseconds(milliseconds)))
}

/// Runs a script line by line. Effects that no line speaks of are a failure, and so is a life after the end.
pub(super) fn check(order: Order, memory: Memory, script: impl IntoIterator<Item = Line>) -> World {
    let mut world = World::new(order, memory);
    for (number, line) in script.into_iter().enumerate() {
        let number = number + 1;
        match line {
            Line::Does(expected) => assert_eq!(std::mem::take(&mut world.fresh), expected, "line {number}"),
            Line::Ends(expected) => {
                assert_eq!(world.outcome(), expected, "line {number}");
                world.is_over();
            }
            Line::Event(event) => {
                assert!(world.fresh.is_empty(), "line {number} passes over {:?}", world.fresh);
                world.play(event);
            }
        }
    }
    assert!(world.fresh.is_empty(), "the script does not speak of {:?}", world.fresh);
    world
}

/// What Azure and the rest of the world answer at once; nothing to wait for.
pub(super) type Answers = fn(&Effect) -> Option<Fact>;

/// An attempt and the engine around it.
pub(super) struct World {
    pub(super) attempt: Attempt,
    pub(super) now: DateTime<Utc>,
    fresh: Vec<String>,
    pub(super) asked: Vec<Ask>,
    all: Vec<String>,
    answers: Answers,
}

impl World {
    /// A world that answers only what a script tells.
    pub(super) fn new(order: Order, memory: Memory) -> Self {
        Self::answering(order, memory, |_| None)
    }

    /// A world that answers by itself.
    pub(super) fn answering(order: Order, memory: Memory, answers: Answers) -> Self {
        let attempt = Attempt::new(NUMBER, order, memory, noon());
        let mut world = Self { attempt, now: noon(), fresh: Vec::new(), asked: Vec::new(), all: Vec::new(), answers };
        world.go_on();
        world
    }

    /// Tells a fact and does what it enables.
    pub(super) fn tell(&mut self, fact: Fact) {
        self.play(Event::Told(fact));
    }

    fn play(&mut self, event: Event) {
        match event {
            Event::Told(fact) => self.attempt.apply(NUMBER, fact, self.now),
            Event::ToldToAnother(fact) => self.attempt.apply(AttemptNumber(NUMBER.0 - 1), fact, self.now),
            Event::After(time) => return self.pass(time),
            Event::Moved(address) => {
                let confidence = Confidence::Agreed { sources: 3 };
                self.attempt.moved(SourceAddress { address, confidence }, self.now);
            }
            Event::Cancel => self.attempt.cancel(self.now),
            Event::Removed => self.attempt.favourite_removed(self.now),
        }
        self.go_on();
    }

    /// Lets time pass as the engine does: with a tick whenever one is due.
    pub(super) fn pass(&mut self, time: TimeDelta) {
        let until = self.now + time;
        while let Some(wake) = self.attempt.wake_at().filter(|wake| *wake <= until) {
            assert!(wake > self.now, "it wakes at a time that has been");
            self.now = wake;
            self.attempt.tick(wake);
            self.go_on();
        }
        self.now = until;
    }

    fn go_on(&mut self) {
        loop {
            let effects = self.attempt.next(self.now);
            for effect in &effects {
                self.attempt.begun(effect, self.now);
                self.fresh.push(name(effect));
                self.all.push(name(effect));
                if let Effect::Initiate(ask) = effect {
                    self.asked.push(ask.clone());
                }
            }
            let facts: Vec<_> = effects.iter().filter_map(self.answers).collect();
            if facts.is_empty() {
                return;
            }
            for fact in facts {
                self.attempt.apply(NUMBER, fact, self.now);
            }
        }
    }

    /// How often an effect of this name has begun.
    pub(super) fn begun(&self, effect: &str) -> usize {
        self.all.iter().filter(|name| *name == effect).count()
    }

    pub(super) fn is_over(&self) {
        assert!(self.attempt.next(self.now).is_empty());
        assert_eq!(self.attempt.wake_at(), None);
        steps_are_closed(&self.attempt, self.now);
    }

    pub(super) fn outcome(&self) -> String {
        match self.attempt.outcome() {
            None => "still under way".into(),
            Some(Outcome::Connected { endpoint }) => format!("connected {endpoint}"),
            Some(Outcome::Extended { window }) => format!("extended until {}", window.end_time_utc.format("%H:%M")),
            Some(Outcome::Failed { trouble, step }) => format!("{} in {step:?}", trouble.failure),
            Some(Outcome::Cancelled(Failure::Cancelled { open_until, asking, starting })) => {
                let open = open_until.map(|end| format!(", open until {}", end.format("%H:%M")));
                let flags = [(*asking, ", asking"), (*starting, ", starting")];
                let said: String = flags.into_iter().filter(|(flag, _)| *flag).map(|(_, word)| word).collect();
                format!("cancelled{}{said}", open.unwrap_or_default())
            }
            Some(Outcome::Cancelled(other)) => format!("cancelled as {other}"),
        }
    }

    /// The step's status, label and detail, as people see them.
    pub(super) fn step(&self, step: crate::snapshot::Step) -> String {
        let steps = self.attempt.steps(self.now, UTC);
        let view = steps.iter().find(|view| view.step == step).unwrap();
        format!("{:?}: {} ({})", view.status, view.label, view.detail.as_deref().unwrap_or("-"))
    }
}

/// After the end nothing runs or waits, and nothing ended before it began.
pub(super) fn steps_are_closed(attempt: &Attempt, now: DateTime<Utc>) {
    for view in attempt.steps(now, UTC) {
        assert!(!matches!(view.status, StepStatus::Running | StepStatus::Waiting), "{view:?}");
        assert!(view.ended_ms >= view.started_ms, "{view:?}");
        assert!(view.ended_ms <= Some(attempt.elapsed_ms(now)), "{view:?}");
    }
}

/// An effect in short. That this match is complete shows what an attempt can never do: deallocate a VM (rule 9), write
/// a policy (rule 8).
pub(super) fn name(effect: &Effect) -> String {
    match effect {
        Effect::ProbePort { endpoint, by_own_way: false, .. } => format!("look at {endpoint}"),
        Effect::ProbePort { endpoint, by_own_way: true, .. } => format!("look at {endpoint} by a way of its own"),
        Effect::DetectSource => "source".into(),
        Effect::ReadPolicy => "policy".into(),
        Effect::ReadVm => "vm".into(),
        Effect::ResolveAddress { .. } => "address".into(),
        Effect::Initiate(ask) => {
            format!("ask for {} from {} until {}", ask.port, ask.source, ask.end_time_utc.format("%H:%M:%S"))
        }
        Effect::FindBastion { .. } => "bastion".into(),
        Effect::StartVm => "start".into(),
        Effect::LaunchClient { endpoint } => format!("launch {endpoint}"),
    }
}

pub(super) const ASK: &str = "ask for 22 from 203.0.113.7 until 14:00:00";
pub(super) const READS: [&str; 3] = ["source", "policy", "vm"];

pub(super) fn asking() -> [Line; 4] {
    [does(&READS), told(source()), told(policies()), does(&[ASK])]
}

pub(super) fn starting() -> [Line; 3] {
    [told(vm(PowerState::Deallocated)), does(&["address", "start"]), told(address(None, false))]
}

/// Reads that do not show the request, further and further apart, the last of them after so long.
pub(super) fn looked_for_in_vain(seconds: i64) -> Vec<Line> {
    let mut pauses = [2, 3, 5, 8].into_iter().chain(std::iter::repeat(10));
    let mut left = seconds;
    let mut looks = Vec::new();
    while let Some(pause) = pauses.next().filter(|_| left > 0) {
        looks.extend([told(policies()), after(pause.min(left) * 1_000), does(&["policy"])]);
        left -= pause;
    }
    looks
}

/// Everything is answered but the request for access; the port refuses.
pub(super) fn all_but_the_request(effect: &Effect) -> Option<Fact> {
    match effect {
        Effect::DetectSource => Some(source()),
        Effect::ReadPolicy => Some(policies()),
        Effect::ReadVm => Some(vm(PowerState::Running)),
        Effect::ResolveAddress { .. } => Some(address(Some(VM), true)),
        Effect::ProbePort { .. } => Some(port(PortAnswer::Refused)),
        Effect::Initiate(_) | Effect::FindBastion { .. } | Effect::StartVm | Effect::LaunchClient { .. } => None,
    }
}
