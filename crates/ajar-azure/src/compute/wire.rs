//! What comes over the wire of a VM, and its way into the domain's types.

use ajar_core::resource_id::ResourceId;
use ajar_core::vm::{OsType, PowerState, VmFacts, VmIdentity};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::arm_error::ArmError;
use crate::wire::{Each, if_understood};

/// One read of a VM.
#[derive(Clone, Debug)]
pub struct VmView {
    /// What the engine wants to know.
    pub facts: VmFacts,
    /// What the last operation failed with, if it did (`ProvisioningState/failed/{code}`).
    pub(crate) provisioning_error: Option<ArmError>,
}

#[derive(Debug, Deserialize)]
struct Vm {
    #[serde(default)]
    location: String,
    #[serde(default)]
    properties: Properties,
}

/// What is read of a VM's `properties`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Properties {
    #[serde(deserialize_with = "if_understood")]
    storage_profile: Option<StorageProfile>,
    #[serde(deserialize_with = "if_understood")]
    network_profile: Option<NetworkProfile>,
    instance_view: Option<InstanceView>,
    #[serde(deserialize_with = "if_understood")]
    vm_id: Option<String>,
    #[serde(deserialize_with = "if_understood")]
    time_created: Option<DateTime<Utc>>,
}

impl Properties {
    /// The power state, if it is told.
    pub(crate) fn told_power(&self) -> Option<PowerState> {
        self.instance_view.as_ref().map(InstanceView::power).filter(|power| *power != PowerState::Unknown)
    }

    /// The operating system, if the model says.
    pub(crate) fn os(&self) -> Option<OsType> {
        self.storage_profile.as_ref().and_then(|profile| os_type(&profile.os_disk.os_type))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StorageProfile {
    os_disk: OsDisk,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OsDisk {
    os_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NetworkProfile {
    #[serde(default)]
    network_interfaces: Each<NetworkInterfaceReference>,
}

#[derive(Debug, Deserialize)]
struct NetworkInterfaceReference {
    id: ResourceId,
    #[serde(default, deserialize_with = "if_understood")]
    properties: Option<NetworkInterfaceReferenceProperties>,
}

#[derive(Debug, Deserialize)]
struct NetworkInterfaceReferenceProperties {
    #[serde(default)]
    primary: Option<bool>,
}

impl NetworkInterfaceReference {
    fn is_primary(&self) -> bool {
        self.properties.as_ref().and_then(|properties| properties.primary).unwrap_or_default()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InstanceView {
    statuses: Each<Status>,
}

#[derive(Debug, Deserialize)]
struct Status {
    code: String,
    #[serde(default)]
    message: Option<String>,
}

impl InstanceView {
    fn power(&self) -> PowerState {
        self.statuses.0.iter().find_map(|status| PowerState::from_code(&status.code)).unwrap_or(PowerState::Unknown)
    }

    fn provisioning_error(&self) -> Option<ArmError> {
        self.statuses.0.iter().find_map(|status| {
            let (kind, state) = status.code.split_once('/')?;
            let (state, code) = state.split_once('/').unwrap_or((state, "ProvisioningFailed"));
            let failed = kind.eq_ignore_ascii_case("ProvisioningState") && state.eq_ignore_ascii_case("failed");
            failed.then(|| ArmError::new(code, status.message.as_deref().unwrap_or_default()))
        })
    }
}

impl From<Vm> for VmView {
    fn from(vm: Vm) -> Self {
        let os = vm.properties.os();
        let Properties { network_profile, instance_view, vm_id, time_created, .. } = vm.properties;
        let instance_view = instance_view.unwrap_or_default();
        let mut interfaces = network_profile.map(|profile| profile.network_interfaces.0).unwrap_or_default();
        interfaces.sort_by_key(|interface| !interface.is_primary());
        Self {
            provisioning_error: instance_view.provisioning_error(),
            facts: VmFacts {
                power: instance_view.power(),
                os,
                location: vm.location,
                network_interfaces: interfaces.into_iter().map(|interface| interface.id).collect(),
                identity: vm_id.map(|vm_id| VmIdentity { vm_id, time_created }),
            },
        }
    }
}

/// Reads an `osType`.
pub(crate) fn os_type(text: &str) -> Option<OsType> {
    match text.to_ascii_lowercase().as_str() {
        "linux" => Some(OsType::Linux),
        "windows" => Some(OsType::Windows),
        _ => None,
    }
}

/// Reads a VM, with its instance view where it was expanded.
///
/// # Errors
/// Not JSON, or no VM.
pub fn virtual_machine(json: &[u8]) -> serde_json::Result<VmView> {
    Ok(serde_json::from_slice::<Vm>(json)?.into())
}

/// Reads an instance view on its own: its power state.
///
/// # Errors
/// Not JSON, or no instance view.
pub fn instance_view(json: &[u8]) -> serde_json::Result<PowerState> {
    Ok(serde_json::from_slice::<InstanceView>(json)?.power())
}
