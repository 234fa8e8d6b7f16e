//! What opening a VM would meet: an attempt whose reads were made, and whose writes were not.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Ask, Attempt, Effect, Outcome, limits};
use crate::access_window::AccessWindow;
use crate::failure::{Failure, Trouble};
use crate::message::diagnosis as words;
use crate::message::failure::{About, in_words};
use crate::policy::JitNetworkAccessRequestPort;
use crate::port::{Endpoint, PortAnswer};
use crate::profile::AddressChoice;
use crate::rights::{Granted, NEEDED, Purpose, Right};
use crate::snapshot::{Check, CheckState, CheckView, FailureView, RightState};
use crate::vm::{PowerState, VmFacts};
use crate::zone::Zone;

/// From this on people would see it on a clock; Entra bears with five minutes.
const CLOCK_IS_OFF: TimeDelta = TimeDelta::minutes(1);

/// What is looked at beside what an attempt reads.
#[derive(Clone, Debug)]
pub struct Beside {
    /// Whom the favourite acts as, in words.
    pub account: String,
    /// What that account may where the VM is.
    pub granted: Result<Granted, Trouble>,
    /// The programs that would open it; `None` where none is started.
    pub client: Option<ClientFound>,
    /// Whether the server's key is one that ssh knows, where that could be looked at; [`Failure::HostKeyChanged`] if it is another.
    pub host_key: Option<Result<(), Trouble>>,
    /// What a look found where the VM was reached last, if that is its own address still: opening looks there first.
    pub last: Option<(Endpoint, PortAnswer)>,
    /// Azure's time minus this machine's, where that is worth speaking of.
    pub clock_skew: Option<TimeDelta>,
    /// Whether somebody is asked for a reason when it is opened.
    pub asks_reason: bool,
}

/// The programs that would open a VM, by their paths, or why there is none.
#[derive(Clone, Debug)]
pub struct ClientFound {
    /// In a window of its own, from the tray.
    pub in_window: Result<String, Trouble>,
    /// In the terminal that `ajar` was started from.
    pub in_terminal: Result<String, Trouble>,
}

impl ClientFound {
    /// Why there is none at all, if so.
    fn none(&self) -> Option<&Trouble> {
        self.in_window.as_ref().err().filter(|_| self.in_terminal.is_err())
    }
}

/// What was found, in words.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// Look by look, in the order in which they matter.
    pub checks: Vec<CheckView>,
    /// What opening it would do now, or that something stands in the way.
    pub summary: String,
    /// What stands in the way, as opening it would tell.
    pub failure: Option<FailureView>,
}

/// Which writes opening it would make.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writes {
    pub(crate) ask: Option<Ask>,
    pub(crate) starts: bool,
}

impl Attempt {
    /// What is still to be looked at before it is known what opening would do. Of a look at the port one is enough.
    pub fn looks(&self, now: DateTime<Utc>) -> Vec<Effect> {
        let is_look = |effect: &Effect| match effect {
            Effect::ProbePort { by_own_way: true, .. } => self.may_answer_privately(),
            Effect::ProbePort { endpoint, .. } => !self.has_looked_at(endpoint),
            Effect::DetectSource
            | Effect::ReadPolicy
            | Effect::ReadVm
            | Effect::ResolveAddress { .. }
            | Effect::FindBastion { .. } => true,
            Effect::Initiate(_) | Effect::StartVm | Effect::LaunchClient { .. } => false,
        };
        self.next(now).into_iter().filter(is_look).collect()
    }

    fn has_looked_at(&self, endpoint: &Endpoint) -> bool {
        self.probe.last.as_ref().is_some_and(|(seen, _)| seen == endpoint)
    }

    /// What the looks have shown, for an attempt that has nothing left to look at.
    pub fn diagnosis(&self, beside: &Beside, now: DateTime<Utc>, zone: Zone) -> Diagnosis {
        let name = self.order.name.as_str();
        let obstacle = self.obstacle(beside, now);
        let about = About { name, zone, at: now };
        let looking = Looking { attempt: self, beside, obstacle: obstacle.as_ref(), now, zone };
        let checks = looking.checks();
        let failure = obstacle.as_ref().map(|trouble| in_words(trouble, &about));
        let summary = match &failure {
            Some(failure) if obstacle.as_ref().is_some_and(is_of_port) => words::waits_and_fails(name, &failure.title),
            Some(failure) => words::stands_in_the_way(name, &failure.title),
            None if answers_there(beside) => words::answers_now(name),
            None if self.open_endpoint().is_some() && self.window(now).is_some() => words::answers_now(name),
            None if self.open_endpoint().is_some() => words::answers(name),
            None => words::would(name, &self.writes(now), self.window(now).is_some(), beside.asks_reason),
        };
        Diagnosis { checks, summary, failure }
    }

    /// Whether that is an address of the VM, as far as Azure has told which it has.
    pub fn is_its_address(&self, endpoint: &Endpoint) -> Option<bool> {
        let known = self.addresses.value()?;
        Some(known.public.is_some_and(|public| public.ip.to_string() == endpoint.host))
    }

    /// Where it would be reached, as far as that was seen: not on a way through a Bastion host, which is only looked at.
    pub fn answering(&self) -> Option<&Endpoint> {
        self.open_endpoint().filter(|endpoint| self.bastion_at(endpoint).is_none())
    }

    fn writes(&self, now: DateTime<Utc>) -> Writes {
        // One that is on its way to rest is started when it has come there.
        let comes_to_rest = |vm: &VmFacts| matches!(vm.power, PowerState::Stopping | PowerState::Deallocating);
        let starts = self.order.may_start && self.vm.value().is_some_and(comes_to_rest);
        let mut writes = Writes { ask: None, starts };
        for effect in self.next(now) {
            match effect {
                Effect::Initiate(ask) => writes.ask = Some(ask),
                Effect::StartVm => writes.starts = true,
                Effect::ProbePort { .. }
                | Effect::DetectSource
                | Effect::ReadPolicy
                | Effect::ReadVm
                | Effect::ResolveAddress { .. }
                | Effect::FindBastion { .. }
                | Effect::LaunchClient { .. } => {}
            }
        }
        writes
    }

    /// What would keep it from being opened, the first thing that it would meet.
    fn obstacle(&self, beside: &Beside, now: DateTime<Utc>) -> Option<Trouble> {
        let no_client = beside.client.as_ref().and_then(ClientFound::none).cloned();
        if let Some(Err(trouble)) = &beside.host_key {
            return Some(trouble.clone());
        }
        if answers_there(beside) {
            return no_client;
        }
        if let Some(Outcome::Failed { trouble, .. }) = self.outcome() {
            return Some(trouble.clone());
        }
        if self.open_endpoint().is_some() {
            return no_client;
        }
        self.missing_right(beside, now).or_else(|| self.shut_although_granted(now)).or(no_client)
    }

    /// A right that one of the writes takes, and that the account does not have.
    fn missing_right(&self, beside: &Beside, now: DateTime<Utc>) -> Option<Trouble> {
        let (granted, writes) = (beside.granted.as_ref().ok()?, self.writes(now));
        let is_taken = |right: &&Right| match right.purpose {
            Purpose::Open => writes.ask.is_some() && right.action.ends_with("/action"),
            Purpose::Start => writes.starts,
            Purpose::Deallocate => false,
        };
        // What was refused before and is listed now may be let through: a role takes a while to count.
        let lacks = |right: &&Right| granted.is_forbidden(right) || granted.listed(right) == RightState::Missing;
        let right = NEEDED.iter().filter(is_taken).find(lacks)?;
        Some(granted.denial(right, &self.order.vm).into())
    }

    /// Since when Azure has let this machine in to a VM that runs, long enough for the port to answer, where it does not.
    fn shut_although_granted(&self, now: DateTime<Utc>) -> Option<Trouble> {
        let window = self.window(now).filter(|_| self.is_running())?;
        let had_time = now - window.start_time_utc >= limits::PORT;
        let (_, answer) = self.probe.last.as_ref().filter(|_| had_time)?;
        match answer {
            PortAnswer::Open => None,
            PortAnswer::Refused | PortAnswer::Silent | PortAnswer::Stranger => {
                Some(self.port_failure(now, window.start_time_utc).into())
            }
        }
    }

    /// What was asked for the port last, by anybody, as the policies still show it.
    fn last_request(&self) -> Option<&JitNetworkAccessRequestPort> {
        let requests = self.policies.value()?.iter().flat_map(|policy| &policy.requests);
        let of_vm = requests.flat_map(|request| {
            let entries = request.virtual_machines.iter().filter(|entry| entry.id == self.order.vm);
            entries.flat_map(|entry| &entry.ports).map(move |port| (request.start_time_utc, port))
        });
        let of_port = of_vm.filter(|(_, port)| port.number == self.order.port);
        of_port.max_by_key(|(start, port)| (*start, port.end_time_utc)).map(|(_, port)| port)
    }

    /// The window for the port that is open, but not to this machine.
    fn window_of_others(&self, now: DateTime<Utc>) -> Option<AccessWindow> {
        let is_open = |window: &AccessWindow| window.port == self.order.port && window.end_time_utc > now;
        self.windows().into_iter().filter(is_open).max_by_key(|window| window.end_time_utc)
    }
}

/// Whether the port answers where opening looks first.
fn answers_there(beside: &Beside) -> bool {
    matches!(beside.last, Some((_, PortAnswer::Open)))
}

fn is_of_port(trouble: &Trouble) -> bool {
    matches!(
        trouble.failure,
        Failure::PortSilent { .. }
            | Failure::PortRefused { .. }
            | Failure::PortStranger { .. }
            | Failure::FirewallShut { .. }
            | Failure::BastionSilent { .. }
    )
}

/// One attempt being put into words.
struct Looking<'a> {
    attempt: &'a Attempt,
    beside: &'a Beside,
    obstacle: Option<&'a Trouble>,
    now: DateTime<Utc>,
    zone: Zone,
}

type Found = (CheckState, String);

impl Looking<'_> {
    fn checks(&self) -> Vec<CheckView> {
        let found = |check| match check {
            Check::Account => Some(self.account()),
            Check::Clock => self.clock(),
            Check::Source => Some(self.source()),
            Check::Vm => Some(self.vm()),
            Check::Address => self.address(),
            Check::Policy => self.policy(),
            Check::Access => self.access(),
            Check::Port => self.port(),
            Check::HostKey => self.host_key(),
            Check::Rights => Some(self.rights()),
            Check::Client => Some(self.client()),
        };
        let view = |check, (state, text)| CheckView { check, state, label: words::label(check).into(), text };
        Check::ALL.into_iter().filter_map(|check| found(check).map(|found| view(check, found))).collect()
    }

    /// What went wrong, in a line: failed where it stands in the way, else not known. A want of a sign-in is told by
    /// [`Looking::account`] alone.
    fn went_wrong(&self, trouble: &Trouble) -> Found {
        if trouble.failure.wants_sign_in() {
            return (CheckState::Unknown, words::not_looked_at().into());
        }
        let state = if self.obstacle == Some(trouble) { CheckState::Failed } else { CheckState::Unknown };
        (state, self.title(&trouble.failure))
    }

    fn title(&self, failure: &Failure) -> String {
        let about = About { name: self.attempt.order.name.as_str(), zone: self.zone, at: self.now };
        in_words(&failure.clone().into(), &about).title
    }

    /// Who acts; that nobody can is told here once, and not by each read that came to nothing for it.
    fn account(&self) -> Found {
        let attempt = self.attempt;
        let troubles = [attempt.policies.trouble(), attempt.vm.trouble(), self.beside.granted.as_ref().err()];
        let is_of_account = |trouble: &&Trouble| trouble.failure.wants_sign_in();
        match troubles.into_iter().flatten().find(is_of_account) {
            Some(trouble) => {
                let state = if self.obstacle.is_some() { CheckState::Failed } else { CheckState::Noted };
                (state, format!("{}: {}", self.beside.account, self.title(&trouble.failure)))
            }
            None => (CheckState::Passed, self.beside.account.clone()),
        }
    }

    fn clock(&self) -> Option<Found> {
        let skew = self.beside.clock_skew.filter(|skew| skew.abs() >= CLOCK_IS_OFF)?;
        Some((CheckState::Noted, words::clock(skew)))
    }

    fn source(&self) -> Found {
        if let Some(subnet) = self.attempt.bastion_subnet() {
            return (CheckState::Passed, words::bastion_subnet(subnet));
        }
        match (self.attempt.source.value(), self.attempt.source.trouble()) {
            (Some(source), _) => (CheckState::Passed, words::source(*source)),
            (None, Some(trouble)) => self.went_wrong(trouble),
            (None, None) => (CheckState::Unknown, words::not_looked_at().into()),
        }
    }

    fn vm(&self) -> Found {
        if let Some(trouble) = self.attempt.vm.trouble() {
            return self.went_wrong(trouble);
        }
        let Some(vm) = self.attempt.vm.value() else { return (CheckState::Unknown, words::not_looked_at().into()) };
        let state = match self.obstacle.map(|trouble| &trouble.failure) {
            Some(Failure::VmNotRunning { .. }) => CheckState::Failed,
            Some(_) | None if self.attempt.is_running() => CheckState::Passed,
            Some(_) | None => CheckState::Noted,
        };
        (state, words::vm(vm, self.attempt.order.may_start))
    }

    fn address(&self) -> Option<Found> {
        if let Some(trouble) = self.attempt.addresses.trouble() {
            return Some(self.went_wrong(trouble));
        }
        let addresses = self.attempt.addresses.value()?;
        if let Some(trouble) = self.attempt.bastion_trouble() {
            return Some(self.went_wrong(&trouble));
        }
        if let Some(way) = self.attempt.bastion_way() {
            return Some((CheckState::Passed, words::through_bastion(way.host.id.name(), addresses.private)));
        }
        let firewall = self.attempt.firewall().filter(|_| self.attempt.order.address == AddressChoice::Automatic);
        let state = match (self.attempt.address(), firewall) {
            (None, None) if self.obstacle.is_some() => CheckState::Failed,
            (None, None) => CheckState::Noted,
            (Some(_), _) | (None, Some(_)) => CheckState::Passed,
        };
        Some((state, words::address(self.attempt.order.address, addresses, firewall)))
    }

    fn policy(&self) -> Option<Found> {
        if let Some(trouble) = self.attempt.policies.trouble() {
            return Some(self.went_wrong(trouble));
        }
        self.attempt.policies.value()?;
        if self.attempt.is_unguarded() {
            return Some((CheckState::Passed, words::unguarded(self.attempt.order.port)));
        }
        if let Some(refusal) = self.attempt.refusal() {
            let is_met = self.obstacle.is_some_and(|trouble| trouble.failure == refusal);
            let state = if is_met { CheckState::Failed } else { CheckState::Noted };
            return Some((state, self.title(&refusal)));
        }
        match self.attempt.permit(self.attempt.usual_access())? {
            Ok(permit) => Some((CheckState::Passed, words::policy(&permit, self.attempt.order.port))),
            Err(_) => Some((CheckState::Unknown, words::not_looked_at().into())),
        }
    }

    fn access(&self) -> Option<Found> {
        self.attempt.policies.value()?;
        if let Some(window) = self.attempt.window(self.now) {
            return Some((CheckState::Passed, words::open(&window, self.zone)));
        }
        let source = self.attempt.source.value().map(|source| source.address);
        if let Some(window) = self.attempt.window_of_others(self.now) {
            return Some((CheckState::Noted, words::open_to_others(&window, source, self.now, self.zone)));
        }
        let is_asked_for = self.attempt.writes(self.now).ask.is_some() && !answers_there(self.beside);
        Some((CheckState::Noted, words::not_open(self.attempt.last_request(), is_asked_for, self.zone)))
    }

    fn port(&self) -> Option<Found> {
        let open = self.beside.last.as_ref().filter(|_| answers_there(self.beside));
        let (endpoint, answer) = open.or(self.attempt.probe.last.as_ref())?;
        let is_met = self.obstacle.is_some_and(is_of_port);
        let state = match answer {
            PortAnswer::Open => CheckState::Passed,
            PortAnswer::Refused | PortAnswer::Silent | PortAnswer::Stranger if is_met => CheckState::Failed,
            PortAnswer::Refused | PortAnswer::Silent | PortAnswer::Stranger => CheckState::Noted,
        };
        Some((state, words::port(endpoint, *answer, self.attempt.order.protocol)))
    }

    fn host_key(&self) -> Option<Found> {
        Some(match self.beside.host_key.as_ref()? {
            Ok(()) => (CheckState::Passed, words::known_host_key().into()),
            Err(trouble) => self.went_wrong(trouble),
        })
    }

    fn rights(&self) -> Found {
        let granted = match &self.beside.granted {
            Ok(granted) => granted,
            Err(trouble) => return self.went_wrong(trouble),
        };
        let has = |state| !granted.that_are(state).is_empty();
        let is_denied = self.obstacle.is_some_and(|trouble| trouble.failure.is_forbidden());
        let state = match (has(RightState::Missing), has(RightState::Unknown)) {
            (true, _) if is_denied => CheckState::Failed,
            (true, _) => CheckState::Noted,
            (false, true) => CheckState::Unknown,
            (false, false) => CheckState::Passed,
        };
        (state, crate::message::rights::summary(self.attempt.order.name.as_str(), granted))
    }

    fn client(&self) -> Found {
        let Some(ClientFound { in_window, in_terminal }) = &self.beside.client else {
            return (CheckState::Passed, words::no_client().into());
        };
        match (in_window, in_terminal) {
            (Ok(window), terminal) => {
                (CheckState::Passed, words::client(window, terminal.as_ref().ok().map(String::as_str)))
            }
            (Err(_), Ok(terminal)) => (CheckState::Noted, words::client_in_terminal(terminal)),
            (Err(trouble), Err(_)) => self.went_wrong(trouble),
        }
    }
}
