//! What Azure says of a VM: power state, operating system, where it can be reached.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::port::Protocol;
use crate::resource_id::{ResourceId, VmResourceId};

/// A VM, told apart from all others: each cloud has resource ids of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CloudVm {
    /// The cloud that it is in.
    pub cloud: String,
    /// What it is called there.
    pub id: VmResourceId,
}

impl std::fmt::Display for CloudVm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in {}", self.id, self.cloud)
    }
}

/// The `PowerState/…` code of an instance view.
///
/// Source: MicrosoftDocs/azure-compute-docs, `articles/virtual-machines/states-billing.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum PowerState {
    /// `PowerState/starting`.
    Starting,
    /// `PowerState/running`: the VM runs, which says nothing about its ports.
    Running,
    /// `PowerState/stopping`.
    Stopping,
    /// `PowerState/stopped`: allocated and billed.
    Stopped,
    /// `PowerState/deallocating`.
    Deallocating,
    /// `PowerState/deallocated`: not billed.
    Deallocated,
    /// Missing or not known to us.
    Unknown,
}

impl PowerState {
    /// Reads a status code such as `PowerState/running`; `None` if it speaks of something else.
    pub fn from_code(code: &str) -> Option<Self> {
        let (kind, state) = code.split_once('/')?;
        kind.eq_ignore_ascii_case("PowerState").then(|| match state.to_ascii_lowercase().as_str() {
            "starting" | "creating" => Self::Starting,
            "running" => Self::Running,
            "stopping" => Self::Stopping,
            "stopped" => Self::Stopped,
            "deallocating" | "hibernating" => Self::Deallocating,
            "deallocated" | "hibernated" => Self::Deallocated,
            _ => Self::Unknown,
        })
    }

    /// At rest without running: a start is what it takes.
    pub fn needs_start(self) -> bool {
        matches!(self, Self::Stopped | Self::Deallocated)
    }

    /// At rest, or on its way there.
    pub fn is_at_rest(self) -> bool {
        matches!(self, Self::Stopping | Self::Stopped | Self::Deallocating | Self::Deallocated)
    }

    /// On its way to another state, or not readable just now: worth another look soon.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Starting | Self::Stopping | Self::Deallocating | Self::Unknown)
    }
}

/// `storageProfile.osDisk.osType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum OsType {
    /// `Linux`.
    Linux,
    /// `Windows`.
    Windows,
}

impl OsType {
    /// What it is reached by, where nobody says it.
    pub fn usual_protocol(self) -> Protocol {
        match self {
            Self::Linux => Protocol::Ssh,
            Self::Windows => Protocol::Rdp,
        }
    }
}

/// What one read of a VM yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmFacts {
    /// Power state at the time of the read.
    pub power: PowerState,
    /// The operating system, if the model says.
    pub os: Option<OsType>,
    /// Its region, such as `westeurope`.
    pub location: String,
    /// Its network interfaces, the primary one first.
    pub network_interfaces: Vec<ResourceId>,
    /// Which VM of that name it is, if Azure says.
    pub identity: Option<VmIdentity>,
}

/// Which VM it is that has a resource id now: one that is made anew under the same name is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VmIdentity {
    /// `properties.vmId`, a GUID.
    pub vm_id: String,
    /// `properties.timeCreated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_created: Option<DateTime<Utc>>,
}

impl VmIdentity {
    /// Whether it is the same VM.
    pub fn is_same(&self, other: &Self) -> bool {
        self.vm_id.eq_ignore_ascii_case(&other.vm_id)
    }
}

/// Where a VM can be reached, as its network interfaces and public IP resources say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmAddresses {
    /// Its public address, if it has one now.
    pub public: Option<PublicAddress>,
    /// Its first private address.
    pub private: Option<Ipv4Addr>,
    /// Whether it has no public address, not even one that it is only given while it runs.
    pub is_private_only: bool,
    /// The subnet of that private address.
    pub subnet: Option<ResourceId>,
}

/// A public address of a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicAddress {
    /// The address.
    pub ip: Ipv4Addr,
    /// Whether it stays the VM's own across deallocation (`publicIPAllocationMethod: Static`).
    pub is_static: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_states_are_read_from_status_codes_of_any_case() {
        assert_eq!(PowerState::from_code("PowerState/running"), Some(PowerState::Running));
        assert_eq!(PowerState::from_code("powerstate/Deallocated"), Some(PowerState::Deallocated));
        assert_eq!(PowerState::from_code("PowerState/levitating"), Some(PowerState::Unknown));
        assert_eq!(PowerState::from_code("ProvisioningState/succeeded"), None);
        assert_eq!(PowerState::from_code("running"), None);
    }
}
