//! The words of the steps.

use std::net::Ipv4Addr;

use crate::zone::Zone;
use chrono::{DateTime, Utc};
use ipnet::Ipv4Net;

use super::{capital, moment, power};
use crate::attempt::{Order, Outcome};
use crate::port::{Endpoint, Protocol};
use crate::snapshot::{Step, StepStatus, StepView};
use crate::source::{Confidence, SourceAddress};
use crate::vm::PowerState;

/// What a step found.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// This machine's public address.
    Source(SourceAddress),
    /// The VM's state and public address.
    Vm {
        /// Its power state.
        power: PowerState,
        /// Its public address, if it has one.
        address: Option<Ipv4Addr>,
    },
    /// The window granted.
    Window {
        /// The VM's port.
        port: u16,
        /// When it ends.
        end_time_utc: DateTime<Utc>,
        /// The firewall's side of it.
        mapped: Option<Endpoint>,
    },
    /// A window was open already.
    OpenUntil(DateTime<Utc>),
    /// The port answered before the step was needed.
    AlreadyOpen,
    /// The port answered while the step was under way.
    Overtaken,
    /// The request was sent, its answer got lost, and it is being looked for.
    Sought,
    /// The request was sent, and the end came before its answer.
    Unanswered,
    /// Azure refused the request, and the end was another.
    Refused,
    /// The VM was told to start, and the end came before it ran.
    GoesOnStarting,
    /// The VM ran already.
    AlreadyRunning,
    /// The state the VM was in.
    Was(PowerState),
    /// Where the port is.
    Endpoint(Endpoint),
    /// The same at the VM's private address.
    PrivateEndpoint(Endpoint),
    /// The same through the Bastion host of that name.
    ThroughBastion(String),
    /// Where a Bastion host's connections come from.
    BastionSubnet(Ipv4Net),
}

/// The name of a step.
pub fn label(step: Step, status: StepStatus, finding: Option<&Finding>, protocol: Protocol) -> String {
    match (step, status) {
        (Step::Source, _) => "Your address".into(),
        (Step::Vm, _) => "The VM".into(),
        (Step::Policy, _) => "JIT policy".into(),
        (Step::Access, StepStatus::Done) => "Access requested".into(),
        (Step::Access, StepStatus::Running) if finding == Some(&Finding::Sought) => "Looking for the request".into(),
        (Step::Access, _) => "Requesting access".into(),
        (Step::Start, StepStatus::Done) if finding == Some(&Finding::GoesOnStarting) => "VM told to start".into(),
        (Step::Start, StepStatus::Done) => "VM started".into(),
        (Step::Start, _) => "Starting the VM".into(),
        (Step::Port, StepStatus::Done) => capital(&answers(protocol)),
        (Step::Port, _) => format!("Waiting until {}", answers(protocol)),
        (Step::Client, _) => match protocol {
            Protocol::Ssh | Protocol::Rdp => format!("Opening {protocol}"),
            Protocol::Port => "Starting the client".into(),
        },
    }
}

/// What is waited for.
fn answers(protocol: Protocol) -> String {
    match protocol {
        Protocol::Ssh | Protocol::Rdp => format!("{protocol} answers"),
        Protocol::Port => "the port answers".into(),
    }
}

/// What a step found, in a few words.
pub fn detail(finding: &Finding, zone: Zone) -> String {
    match finding {
        Finding::Source(source) => seen(*source),
        Finding::Vm { power: state, address: Some(address) } => format!("{}, {address}", power(*state)),
        Finding::Vm { power: state, address: None } => power(*state).into(),
        Finding::Window { port, end_time_utc, mapped: None } => {
            format!("port {port} until {}", moment(*end_time_utc, zone))
        }
        Finding::Window { port, end_time_utc, mapped: Some(mapped) } => {
            format!("port {port} until {}, through the firewall at {mapped}", moment(*end_time_utc, zone))
        }
        Finding::OpenUntil(end) => format!("already open until {}", moment(*end, zone)),
        Finding::AlreadyOpen => "the port answered already".into(),
        Finding::Overtaken => "the port answered first".into(),
        Finding::Sought => "no clear answer; Azure may show it late".into(),
        Finding::Unanswered => "Azure had not answered yet".into(),
        Finding::Refused => "Azure refused".into(),
        Finding::GoesOnStarting => "it goes on without Ajar".into(),
        Finding::AlreadyRunning => "already running".into(),
        Finding::Was(state) => format!("was {}", power(*state)),
        Finding::Endpoint(endpoint) => endpoint.to_string(),
        Finding::PrivateEndpoint(endpoint) => format!("{endpoint}, the private address"),
        Finding::ThroughBastion(bastion) => format!("through Azure Bastion “{bastion}”"),
        Finding::BastionSubnet(subnet) => format!("{subnet}, the Bastion host’s subnet"),
    }
}

/// This machine's address, and how far it can be trusted.
pub(super) fn seen(source: SourceAddress) -> String {
    format!("{}, {}", source.address, confidence(source.confidence))
}

fn confidence(confidence: Confidence) -> String {
    match confidence {
        Confidence::Agreed { sources: 2 } => "two sources agree".into(),
        Confidence::Agreed { sources: 3 } => "three sources agree".into(),
        Confidence::Agreed { sources } => format!("{sources} sources agree"),
        Confidence::Unconfirmed => "one source only".into(),
        Confidence::Chosen => "as you chose".into(),
    }
}

/// How an attempt ended, in one line.
pub fn ended_headline(outcome: &Outcome, order: &Order) -> &'static str {
    match outcome {
        Outcome::Failed { .. } if order.renews.is_some() => "Couldn’t renew",
        Outcome::Extended { .. } if order.renews.is_some() => "Renewed while in use",
        Outcome::Failed { .. } if order.extends && !order.follows => "Couldn’t extend",
        Outcome::Extended { .. } if order.follows => "Open from here",
        Outcome::Connected { .. } if order.protocol == Protocol::Port && !order.launch => "Open",
        Outcome::Connected { .. } => "Connected",
        Outcome::Extended { .. } => "Open for longer",
        Outcome::Failed { .. } => "Couldn’t open",
        Outcome::Cancelled(_) => "Cancelled",
    }
}

/// What is happening now, in one line: the running step that takes longest.
pub fn headline(steps: &[StepView]) -> String {
    const TELLING: [Step; 7] =
        [Step::Client, Step::Start, Step::Access, Step::Source, Step::Policy, Step::Vm, Step::Port];
    let running = TELLING
        .iter()
        .find_map(|step| steps.iter().find(|view| view.step == *step && view.status == StepStatus::Running));
    running.map_or_else(
        || "Getting ready".into(),
        |view| match view.step {
            Step::Source => "Finding your public address".into(),
            Step::Vm => "Looking at the VM".into(),
            Step::Policy => "Reading the JIT policy".into(),
            Step::Access | Step::Start | Step::Port | Step::Client => view.label.clone(),
        },
    )
}
