//! Words for trouble between this machine and Azure.

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};

use super::{About, Words, azure_code, azure_says_with, words};
use crate::failure::AzureSaid;
use crate::message::{moment, sentence};
use crate::port::Endpoint;
use crate::snapshot::Step;

pub(super) fn source_uncertain(seen: &[Ipv4Addr]) -> Words {
    words(
        "It is not certain which address you have on the internet.",
        format!(
            "Nothing was opened. You were seen as {}: your traffic may leave by more than one way (VPN, proxy).",
            seen.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
        ),
        "Choose the address the VM will see, on the command line with “--source”, or try again.",
    )
    .in_window("Choose the address the VM will see, or try again.")
}

pub(super) fn source_unknown() -> Words {
    words(
        "Your address on the internet could not be found.",
        "Nothing was opened. Nobody asked for it answered; the network may be down or want a sign-in.",
        "Check the connection, or name the address with “--source”.",
    )
    .in_window("Check the connection, then try again.")
}

pub(super) fn source_unusable(address: Ipv4Addr) -> Words {
    words(
        format!("{address} cannot be the address you come from."),
        "Nothing was opened. It is no address that a single machine has on a network.",
        "Name the IPv4 address that the VM will see, or leave “--source” out.",
    )
}

pub(super) fn throttled(about: &About<'_>, retry_at: DateTime<Utc>) -> Words {
    let again = from_when(about, retry_at);
    if seconds_until(about, retry_at) > FAR_OFF {
        return words(
            "Azure asks to slow down.",
            format!(
                "It was sent too many requests. The time that it names for the next one is far off, and hardly meant: {again}."
            ),
            "Try again in five minutes: sooner Ajar does not ask.",
        );
    }
    words(
        "Azure asks to slow down.",
        format!("It was sent too many requests and answers again {again}."),
        "Try again then.",
    )
}

pub(super) fn unavailable(about: &About<'_>, said: &AzureSaid, retry_at: DateTime<Utc>) -> Words {
    let AzureSaid { status, azure_code, azure_message } = said;
    let said = azure_says_with(*status, azure_code, azure_message);
    let again = from_when(about, retry_at);
    let (message, action) = if seconds_until(about, retry_at) > FAR_OFF {
        let message = format!("{said} The time that it names for the next try is far off, and hardly meant: {again}.");
        (message, "Try again in some minutes; if it stays, look whether Azure’s status page tells of it.")
    } else {
        (format!("{said} It is to be asked again {again}."), "Try again then.")
    };
    words("Azure is not available at the moment.", message, action)
}

/// Whoever comes back a moment too early has to wait once more: rounded up.
fn seconds_until(about: &About<'_>, retry_at: DateTime<Utc>) -> i64 {
    (retry_at - about.at).num_milliseconds().saturating_add(999) / 1_000
}

fn from_when(about: &About<'_>, retry_at: DateTime<Utc>) -> String {
    match seconds_until(about, retry_at) {
        ..=1 => "in a second".to_owned(),
        seconds @ 2..SOON => format!("in {seconds} seconds"),
        _ => format!("from {} on", moment(next_minute(retry_at), about.zone)),
    }
}

/// No quota of Azure Resource Manager is counted for longer than an hour; in seconds.
/// https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
const FAR_OFF: i64 = 24 * 3_600;

/// What comes sooner than this, in seconds, is not told by the clock.
const SOON: i64 = 180;

fn next_minute(at: DateTime<Utc>) -> DateTime<Utc> {
    let past = at.timestamp().rem_euclid(60);
    let whole = past == 0 && at.timestamp_subsec_nanos() == 0;
    if whole { at } else { at.checked_add_signed(TimeDelta::seconds(60 - past)).unwrap_or(at) }
}

pub(super) fn unreachable(host: &str, detail: &str) -> Words {
    words(
        format!("{host} cannot be reached."),
        sentence(detail),
        "Check the connection, and the proxy if there is one; then try again.",
    )
}

pub(super) fn connection_lost(name: &str, endpoint: &Endpoint, detail: &str) -> Words {
    words(
        format!("The connection to {name} broke off."),
        format!("{endpoint}: {detail}."),
        "Connect again; the door is open as long as “ajar status” says.",
    )
}

pub(super) fn timed_out(name: &str, step: Step) -> Words {
    words(
        format!("Opening {name} took too long."),
        match step {
            Step::Source => "Your address on the internet could not be found in time.",
            Step::Vm => "Azure did not say in time how the VM stands.",
            Step::Policy => "Azure did not show the just-in-time policy in time.",
            Step::Access => "Azure did not grant access in time.",
            Step::Start => "The VM did not come up in time.",
            Step::Port => "The port did not answer in time.",
            Step::Client => "The client did not start in time.",
        },
        "Try again; what Azure has done already is not done twice.",
    )
}

pub(super) fn not_from_azure(host: &str, status: u16, leads_to: Option<&str>) -> Words {
    let look = "Open any page in your browser to see whether the network wants a sign-in, and check the proxy; then try again.";
    let (message, action) = match (leads_to, status) {
        (Some(to), _) => {
            (format!("Asked for {host}, it leads to {to} (HTTP {status}), and Ajar’s token goes nowhere else."), look)
        }
        (None, 407 | 511) => (format!("Asked for {host}, it wants a sign-in of its own (HTTP {status})."), look),
        (None, 500..) => (
            format!("Asked for {host}, a gateway had no answer from behind it (HTTP {status})."),
            "Try again in a minute; if it stays, check the proxy if there is one, and give the details to support.",
        ),
        (None, _) => (
            format!(
                "Asked for {host}, it sent a page that is not Azure’s (HTTP {status}): a proxy, a firewall, or a \
                 network that wants a sign-in."
            ),
            look,
        ),
    };
    words("Something before Azure answered in its place.", message, action)
}

pub(super) fn azure_error(status: u16, azure_code: &str, azure_message: &str) -> Words {
    let message = azure_says_with(status, azure_code, azure_message);
    let step = azure_code::next_step(azure_code, azure_message);
    words(
        "Azure answered with an error.",
        message,
        step.unwrap_or("Try again; if it stays, give the details to support."),
    )
}
