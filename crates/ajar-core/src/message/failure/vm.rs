//! Words for what is wrong with a VM or the way to it.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};

use super::{About, Words, azure_code, azure_says, words};
use crate::message::{moment, power};
use crate::port::Endpoint;
use crate::vm::PowerState;

const ALLOCATION_HELP: &str =
    "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/allocation-failure";

const LOOK_AT_ITS_LOG: &str = "Look at the VM’s activity log in the portal, then try again.";

pub(super) fn subscription_not_found(name: &str, subscription: &str) -> Words {
    words(
        format!("The account of {name} does not see its subscription."),
        format!(
            "Azure knows no subscription {subscription} where the account acts: it may be one of another tenant or cloud, or \
             be gone."
        ),
        format!(
            "Have {name} act as an account that sees it (“account” in its profile), or correct its “tenant”, “cloud” or “vm”."
        ),
    )
}

pub(super) fn not_found(name: &str, vm: &str) -> Words {
    words(
        format!("There is no VM behind {name}."),
        format!("Azure does not know {vm}, or this account may not see it."),
        "Check the resource ID in the favourite, and which account and subscription it belongs to.",
    )
}

pub(super) fn not_running(name: &str, state: PowerState) -> Words {
    words(
        format!("{name} is {}.", power(state)),
        "Its profile says that Ajar does not start it.",
        "Start it yourself, or set “start = true” in its profile.",
    )
}

pub(super) fn power_unknown(name: &str) -> Words {
    words(
        format!("Azure does not tell whether {name} runs."),
        "Its power state cannot be read, its profile says that Ajar does not start it, and its port does not answer.",
        "Start it yourself, which changes nothing if it runs, or set “start = true” in its profile.",
    )
}

pub(super) fn allocation_failed(name: &str, azure_code: &str, azure_message: &str) -> Words {
    words(
        format!("Azure has no room to start {name} right now."),
        azure_says(azure_code, azure_message),
        "Try again later; if it cannot wait, another size or zone for the VM may have room.",
    )
    .help(ALLOCATION_HELP)
}

pub(super) fn start_failed(name: &str, azure_code: &str, azure_message: &str) -> Words {
    words(
        format!("{name} could not be started."),
        azure_says(azure_code, azure_message),
        azure_code::next_step(azure_code, azure_message).unwrap_or(LOOK_AT_ITS_LOG),
    )
}

pub(super) fn start_unseen(name: &str, state: PowerState) -> Words {
    words(
        format!("{name} has not started."),
        format!("Azure was told to start it, and shows it as {} all the same.", power(state)),
        LOOK_AT_ITS_LOG,
    )
}

pub(super) fn deallocate_failed(name: &str, azure_code: &str, azure_message: &str) -> Words {
    words(
        format!("{name} could not be deallocated."),
        azure_says(azure_code, azure_message),
        azure_code::next_step(azure_code, azure_message).unwrap_or(LOOK_AT_ITS_LOG),
    )
}

pub(super) fn deallocation_unseen(name: &str, state: PowerState) -> Words {
    words(
        format!("{name} is not seen to be deallocated."),
        format!(
            "Azure was told to deallocate it, or just about to be, and shows it as {}: it may still be billed.",
            power(state)
        ),
        LOOK_AT_ITS_LOG,
    )
}

pub(super) fn deallocation_unended(name: &str) -> Words {
    words(
        format!("{name} is still not deallocated."),
        "Azure was told to deallocate it, and has not said for half an hour that it is: it may still be billed.",
        LOOK_AT_ITS_LOG,
    )
}

pub(super) fn deallocation_left(name: &str, asked: bool) -> Words {
    if asked {
        words(
            format!("Azure goes on deallocating {name}."),
            "It was asked to, and what it has begun cannot be called back.",
            "See how it ends: “ajar status”.",
        )
        .in_window("Ajar shows how it ends.")
    } else {
        words(
            format!("{name} is left as it is."),
            "Azure had not been asked to deallocate it yet.",
            "Deallocate it whenever you like.",
        )
    }
}

pub(super) fn opening_under_way(name: &str) -> Words {
    words(
        format!("{name} is being opened just now, and so was not deallocated."),
        "Its VM cannot start and stop at once. Nothing was changed.",
        format!("Wait until it is open, or give that up (“ajar cancel {name}”, or by whichever name it is opened); then deallocate it."),
    )
    .in_window("Wait until it is open, or cancel that; then deallocate it.")
}

pub(super) fn being_deallocated(name: &str) -> Words {
    words(
        format!("{name} is being deallocated just now."),
        "Its VM has to come to rest before it can be started again.",
        "Wait until it is deallocated, then try again.",
    )
}

pub(super) fn not_asked_any_more(name: &str) -> Words {
    words(
        format!("Nothing is asked about {name} any more."),
        "Since that was shown it is used again, was answered, has come to rest, or was started anew. Nothing was changed.",
        format!("“ajar stop {name}” deallocates it whenever you like."),
    )
    .in_window("“Deallocate…” in its row deallocates it whenever you like.")
}

pub(super) fn no_public_address(name: &str, private: Option<Ipv4Addr>) -> Words {
    words(
        format!("{name} has no public address."),
        match private {
            Some(address) => format!("It only has {address}, inside its virtual network."),
            None => "Azure shows no address for it at all.".into(),
        },
        "Reach it from inside its network, or have an Azure Bastion host made that leads there.",
    )
}

pub(super) fn port_silent(about: &About<'_>, endpoint: &Endpoint, since: DateTime<Utc>) -> Words {
    words(
        format!("{} does not answer.", about.name),
        format!(
            "Access is granted and the VM runs, but {endpoint} has been silent since {}. Something else may stand in \
             the way: another firewall, a route, or a VPN that gives you another address than the one admitted.",
            moment(since, about.zone)
        ),
        "Check the VM’s other network security groups and your VPN, then try again.",
    )
}

pub(super) fn port_refused(about: &About<'_>, endpoint: &Endpoint, since: DateTime<Utc>) -> Words {
    words(
        format!("{} refuses connections.", about.name),
        format!(
            "Access is granted and the VM runs, but {endpoint} has refused since {}: nothing seems to listen there.",
            moment(since, about.zone)
        ),
        "See whether the service inside the VM runs, then try again.",
    )
}

pub(super) fn firewall_shut(about: &About<'_>, endpoint: &Endpoint, admitted: Ipv4Addr, since: DateTime<Utc>) -> Words {
    words(
        format!("{} is not reached through its firewall.", about.name),
        format!(
            "Access is granted to {admitted} and the VM runs, but the Azure Firewall’s {endpoint} has not let through \
             since {}. If the firewall passes connections on with an address of its own, the VM’s network security \
             group sees that one and not yours.",
            moment(since, about.zone)
        ),
        "Ask whoever runs the firewall whether it keeps the address of the client, and whether it leads to the VM.",
    )
}

pub(super) fn port_stranger(name: &str, endpoint: &Endpoint) -> Words {
    words(
        format!("Something unexpected answers in place of {name}."),
        format!("A connection to {endpoint} opens, but what answers does not speak the right protocol."),
        "Check the port in the profile, and whether a proxy stands in between.",
    )
}
