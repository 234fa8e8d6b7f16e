//! What `ajar doctor` says of the way to a VM.

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::Ipv4Net;

use super::{moment, power, sources, spoken, step};
use crate::access_window::AccessWindow;
use crate::attempt::Writes;
use crate::iso8601::IsoDuration;
use crate::policy::{Clamp, JitNetworkAccessRequestPort, Permit, RequestStatus, StatusReason};
use crate::port::{Endpoint, PortAnswer, Protocol};
use crate::profile::AddressChoice;
use crate::snapshot::{Check, CheckState};
use crate::source::SourceAddress;
use crate::vm::{VmAddresses, VmFacts};
use crate::zone::Zone;

/// The name of a check.
pub fn label(check: Check) -> &'static str {
    match check {
        Check::Account => "Account",
        Check::Clock => "Clock",
        Check::Source => "Your address",
        Check::Vm => "VM",
        Check::Address => "Its address",
        Check::Policy => "JIT policy",
        Check::Access => "Access",
        Check::Port => "Port",
        Check::HostKey => "Host key",
        Check::Rights => "Rights",
        Check::Client => "Client",
    }
}

/// How a check went, in a word.
pub fn state(state: CheckState) -> &'static str {
    match state {
        CheckState::Passed => "ok",
        CheckState::Noted => "note",
        CheckState::Failed => "fails",
        CheckState::Unknown => "unknown",
    }
}

/// Of what there was no way to look at.
pub fn not_looked_at() -> &'static str {
    "not looked at: something else is in the way"
}

/// An account, and who that is, where it is known.
pub fn account(name: &str, who: Option<&str>) -> String {
    match who.filter(|who| !who.eq_ignore_ascii_case(name)) {
        Some(who) => format!("{name}, who is {who}"),
        None => name.to_owned(),
    }
}

/// By how much this machine's clock is off.
pub fn clock(skew: TimeDelta) -> String {
    let direction = if skew > TimeDelta::zero() { "behind" } else { "ahead of" };
    format!("{} {direction} Azure’s, which Ajar makes up for; sign-ins may not", spoken(skew.abs()))
}

/// This machine's address.
pub fn source(source: SourceAddress) -> String {
    step::seen(source)
}

/// A VM, and what becomes of it when it is opened.
pub fn vm(vm: &VmFacts, may_start: bool) -> String {
    let os = vm.os.map(super::system);
    let start = match (vm.power.needs_start(), may_start) {
        (true, true) => Some("started when it is opened"),
        (true, false) => Some("not started by Ajar, as the favourite says"),
        (false, _) => None,
    };
    [Some(power(vm.power)), os, Some(vm.location.as_str()), start].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Where a VM can be reached.
pub fn address(choice: AddressChoice, addresses: &VmAddresses, firewall: Option<Ipv4Addr>) -> String {
    if let Some(firewall) = firewall {
        return format!("{firewall}, an Azure Firewall’s, which leads there while access is open");
    }
    match (choice, addresses.public, addresses.private) {
        (AddressChoice::Private, _, Some(private)) => format!("{private}, private, as the favourite says"),
        (AddressChoice::Private | AddressChoice::Bastion, _, None) => "no private one".into(),
        (AddressChoice::Bastion, _, Some(private)) => {
            format!("{private}, through Azure Bastion, as the favourite says")
        }
        (AddressChoice::Automatic | AddressChoice::Public, Some(public), _) if public.is_static => {
            format!("{}, public, and stays its own", public.ip)
        }
        (AddressChoice::Automatic | AddressChoice::Public, Some(public), _) => {
            format!("{}, public and dynamic: another one once it was deallocated", public.ip)
        }
        (AddressChoice::Automatic | AddressChoice::Public, None, Some(private)) => {
            format!("no public one; privately it is at {private}")
        }
        (AddressChoice::Automatic | AddressChoice::Public, None, None) => "none yet".into(),
    }
}

/// That a VM is reached through a Bastion host.
pub fn through_bastion(bastion: &str, private: Option<Ipv4Addr>) -> String {
    let at = private.map(|private| format!(" to {private}")).unwrap_or_default();
    format!("through Azure Bastion “{bastion}”{at}")
}

/// From where a Bastion host's connections come.
pub fn bastion_subnet(subnet: Ipv4Net) -> String {
    format!("{subnet}, the Bastion host’s subnet: access is asked for from there")
}

/// That no JIT rule keeps a port shut on the way through a Bastion host.
pub fn unguarded(port: u16) -> String {
    format!(
        "none guards port {port}, so that nothing is to be asked for: security groups let Bastion hosts in unless they say otherwise"
    )
}

/// That the server shows a key that ssh knows.
pub fn known_host_key() -> &'static str {
    "the one that ssh knows for the VM"
}

/// What the policy admits.
pub fn policy(permit: &Permit, port: u16) -> String {
    let called = permit.policy.name();
    let cut = match permit.clamped_to {
        Some(Clamp::Rule(_)) => ", which is the longest that it allows".to_owned(),
        Some(Clamp::Usual(_)) => ", as long as policies usually allow: what this one does cannot be read".to_owned(),
        None => String::new(),
    };
    format!("“{called}” admits port {port} from here, for {}{cut}", spoken(permit.duration))
}

/// A window that lets this machine in.
pub fn open(window: &AccessWindow, zone: Zone) -> String {
    let through =
        window.mapped.as_ref().map(|mapped| format!(", through the firewall at {mapped}")).unwrap_or_default();
    format!("open from {} until {}{through}", sources(&window.sources), moment(window.end_time_utc, zone))
}

/// A window that does not, or not for long enough.
pub fn open_to_others(window: &AccessWindow, source: Option<Ipv4Addr>, now: DateTime<Utc>, zone: Zone) -> String {
    let end = moment(window.end_time_utc, zone);
    let Some(source) = source else {
        return format!("open until {end} from {}; whether from here is not known", sources(&window.sources));
    };
    if window.sources.iter().any(|prefix| prefix.admits(source)) {
        let left = spoken(window.left(now));
        return format!("open until {end}, which is {left}: too short to rely on");
    }
    format!("open until {end} from {}, but not from {source}", sources(&window.sources))
}

/// There is none; what became of the last one, or whether one is asked for when it is opened.
pub fn not_open(last: Option<&JitNetworkAccessRequestPort>, is_asked_for: bool, zone: Zone) -> String {
    let Some(last) = last else {
        return if is_asked_for { "none now; it is asked for when it is opened".into() } else { "none now".into() };
    };
    let end = moment(last.end_time_utc, zone);
    match last.status {
        RequestStatus::Revoked(StatusReason::UserRequested) => {
            format!("none now; the last one was to be open until {end}, and was taken back")
        }
        RequestStatus::Revoked(StatusReason::NewerRequestInitiated) => {
            format!("none now; the last one was to be open until {end}, and a newer one took its place")
        }
        RequestStatus::Revoked(StatusReason::Expired | StatusReason::Unknown) | RequestStatus::InForce => {
            format!("none now; the last one ended {end}")
        }
    }
}

/// What a look at the port found.
pub fn port(endpoint: &Endpoint, answer: PortAnswer, protocol: Protocol) -> String {
    match answer {
        PortAnswer::Open if protocol == Protocol::Port => format!("{endpoint} answers"),
        PortAnswer::Open => format!("{endpoint} answers as {protocol} does"),
        PortAnswer::Refused => format!("{endpoint} refuses connections"),
        PortAnswer::Silent => format!("{endpoint} does not answer, as a port does that is closed"),
        PortAnswer::Stranger => format!("{endpoint} answers, but not as {protocol} does"),
    }
}

/// The program that opens it: in a window of its own, or in one of the other.
pub fn client(window: &str, in_terminal: Option<&str>) -> String {
    match in_terminal.filter(|program| *program != window) {
        Some(program) => format!("{program}, from the tray in a window of {window}"),
        None => window.to_owned(),
    }
}

/// No program opens it.
pub fn no_client() -> &'static str {
    "none is started: the port alone is opened"
}

/// The program that opens it where only a terminal that is there already will do.
pub fn client_in_terminal(program: &str) -> String {
    format!("{program}, in the terminal of “ajar connect”; there is none that the tray could open")
}

/// Nothing stands in the way, and the port answers.
pub fn answers_now(name: &str) -> String {
    format!("It answers now: opening {name} asks nothing of Azure.")
}

/// Nothing stands in the way, and the port answers where nobody has looked before.
pub fn answers(name: &str) -> String {
    format!("It answers now; opening {name} may ask Azure for access all the same, while it finds out.")
}

/// The port does not answer although all else is well, which is told below.
pub fn waits_and_fails(name: &str, title: &str) -> String {
    format!(
        "Opening {name} would wait some minutes for it, in case it is just coming up, and then fail: {}.",
        title.trim_end_matches('.')
    )
}

/// Something stands in the way, which is told below.
pub fn stands_in_the_way(name: &str, title: &str) -> String {
    let title = title.trim_end_matches('.');
    format!("Opening {name} would fail: {title}.")
}

/// Nothing stands in the way: what opening it would do.
pub(crate) fn would(name: &str, writes: &Writes, is_open: bool, asks_reason: bool) -> String {
    let asks = writes.ask.as_ref().map(|ask| {
        let reason = if asks_reason { "ask you for a reason, and Azure" } else { "ask" };
        format!(
            "{reason} for access to port {} from {} for {}",
            ask.port,
            if ask.subnet.is_some() { ask.prefix().to_string() } else { ask.source.to_string() },
            spoken(IsoDuration(ask.duration).to_the_minute().0)
        )
    });
    let starts = writes.starts.then(|| "start the VM".to_owned());
    let does: Vec<_> = asks.into_iter().chain(starts).collect();
    let does = if does.is_empty() { "wait until it answers".to_owned() } else { does.join(" and ") };
    let open = if is_open && writes.ask.is_none() { ", since access is open" } else { "" };
    format!("Nothing stands in the way: opening {name} would {does}{open}.")
}

/// Over the checks.
pub const COLUMNS: [&str; 3] = ["STATE", "CHECK", "FOUND"];
