//! Words for what keeps an Azure Bastion host from leading to a VM.

use chrono::{DateTime, Utc};

use super::{About, Words, ended, words};
use crate::bastion::SUBNET;
use crate::failure::BastionFlaw;
use crate::message::{moment, shown};

/// What there is to be said about the ways through a host.
const HELP: &str = "https://learn.microsoft.com/azure/bastion/native-client";

/// As much of what a host says is shown.
const MOST_SAID: usize = 300;

pub(super) fn none(name: &str) -> Words {
    words(
        format!("No Azure Bastion leads to {name}."),
        "None of the Bastion hosts that this account sees is in the VM’s virtual network, or in one that is peered with it.",
        "Have one of the Standard or Premium SKU made there, or correct “address” in the profile.",
    )
    .help(HELP)
}

pub(super) fn unfit(bastion: &str, flaw: &BastionFlaw) -> Words {
    match flaw {
        BastionFlaw::Sku(sku) => words(
            format!("Azure Bastion “{bastion}” leads no SSH or Remote Desktop client to VMs."),
            format!("That takes the Standard or Premium SKU, and it has {sku}."),
            "Have an administrator upgrade it and switch on native client support; until then the portal connects through it.",
        ),
        BastionFlaw::TunnelingOff => words(
            format!("Azure Bastion “{bastion}” takes no native clients."),
            "Native client support (“enableTunneling”), which leads SSH and Remote Desktop clients to VMs, is switched off there.",
            "Have an administrator switch it on, in the host’s configuration in the portal.",
        ),
        BastionFlaw::NotReady(state) => words(
            format!("Azure Bastion “{bastion}” is not ready."),
            format!("Azure shows it as {state}."),
            "Try again when it is there.",
        ),
        BastionFlaw::Elsewhere(host) => words(
            format!("Azure Bastion “{bastion}” is somewhere unexpected."),
            format!("It is said to be at {host}, which is no address of this cloud’s Bastion hosts: Ajar sends no token there."),
            "If that is right, name the end of its address in the settings: “bastion_suffix” of the cloud.",
        ),
        BastionFlaw::Unknown(how) => words(
            format!("Azure Bastion “{bastion}” answers otherwise than Ajar knows."),
            format!("{} The Azure CLI, which may know its ways by now, is not installed here.", ended(&shown(how, MOST_SAID))),
            "Install the Azure CLI with “az extension add --name bastion”, and sign in to it: Ajar goes through it then.",
        ),
        BastionFlaw::AzureCli(said) => by_az(bastion, &shown(said, MOST_SAID)),
    }
    .help(HELP)
}

/// What the Azure CLI says where it leads no way through a host. Source of its words:
/// <https://github.com/Azure/azure-cli/blob/dev/src/azure-cli-core/azure/cli/core/extension/dynamic_install.py>
fn by_az(bastion: &str, said: &str) -> Words {
    let next = if said.contains("extension") {
        "Install its extension: az extension add --name bastion"
    } else if said.contains("az login") {
        "Sign in to the Azure CLI: az login"
    } else {
        "Try what it says by itself: az network bastion tunnel --help"
    };
    words(
        format!("The Azure CLI leads no way through Azure Bastion “{bastion}”."),
        format!("It says: {}", ended(said)),
        next,
    )
}

pub(super) fn refused(name: &str, bastion: &str, status: u16, said: &str) -> Words {
    words(
        format!("Azure Bastion does not lead to {name}."),
        format!("“{bastion}” says: {} (HTTP {status})", ended(&shown(said, MOST_SAID))),
        "It takes the right to read the VM, its network interface and the Bastion host: the role Reader has them.",
    )
    .help(HELP)
}

pub(super) fn silent(about: &About<'_>, bastion: &str, port: u16, since: DateTime<Utc>) -> Words {
    words(
        format!("{} does not answer through Azure Bastion.", about.name),
        format!(
            "“{bastion}” has been asked to lead to its port {port} since {}, and nothing has come from there. A network security \
             group may keep the host out, or nothing listens in the VM.",
            moment(since, about.zone)
        ),
        format!("Have the VM’s network security groups let {SUBNET} in, and see whether the service in the VM runs."),
    )
}
