//! `Microsoft.Compute/virtualMachines`: the model, and the instance view.

use crate::json::{Value, json};
use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};

use crate::arm::error::ArmError;
use crate::arm::filter::{Clause, Filter, Test, Verdict};
use crate::arm::route::Scope;
use crate::arm::{Call, disk, page};
use crate::clock::offset_timestamp;
use crate::fleet::Os;
use crate::state::Cloud;
use crate::state::power::{PowerState, Untold};
use crate::state::vm::Vm;

const READ: &str = "Microsoft.Compute/virtualMachines/read";

/// The VM with this name, or Azure's 404.
pub(super) fn find<'c>(cloud: &'c Cloud, scope: &Scope, name: &str) -> Result<(usize, &'c Vm), ArmError> {
    let group = scope.resource_group.as_deref().unwrap_or_default();
    let missing = || ArmError::resource_not_found(&format!("Microsoft.Compute/virtualMachines/{name}"), group);
    cloud.vm(&scope.subscription, group, name).ok_or_else(missing)
}

/// The id as the caller named it: scope of the permission, whether the VM exists or not.
pub(super) fn named(scope: &Scope, name: &str) -> String {
    format!("{}/providers/Microsoft.Compute/virtualMachines/{name}", scope.id())
}

/// Of a subscription or resource group, in all regions or in one.
pub(super) fn virtual_machines(call: &Call<'_>, scope: &Scope, location: Option<&str>) -> Result<Response, ArmError> {
    // Asked for with `$expand=instanceView` or `statusOnly=true`, the list tells the power states too.
    let status_only = call.query("statusOnly").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let expand = status_only || expands(call)?;
    call.world.look(|cloud, now| {
        call.permit(cloud, READ, &scope.id())?;
        let judge = if location.is_some() { in_filter_of_region } else { in_filter };
        let wanted = Filter::of(call, judge)?.admits(&|_| IN_A_SCALE_SET);
        let may = call.may(cloud, READ);
        let inside = cloud.vms_in(&scope.subscription, scope.resource_group.as_deref());
        let listed = inside.filter(|vm| wanted && vm.is_at(location) && may.at(&vm.id()));
        page::list(call, cloud, listed.map(|vm| model(vm, expand, now)))
    })
}

/// Whether any VM is in a scale set.
const IN_A_SCALE_SET: bool = false;

/// `'virtualMachineScaleSet/id' eq '…'` is the one filter that the lists are described to take, with these quotes. What
/// Azure makes of others is not known.
fn in_filter(clause: &Clause) -> Verdict {
    match (clause.property.as_str(), clause.test) {
        ("'virtualmachinescaleset/id'", Test::Equal) => Verdict::Served,
        _ => Verdict::NotSimulated,
    }
}

/// The list of a region is described to take none.
fn in_filter_of_region(_: &Clause) -> Verdict {
    Verdict::NotSimulated
}

pub(super) fn virtual_machine(call: &Call<'_>, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, now| {
        call.permit(cloud, READ, &named(scope, name))?;
        let expand = expands(call)?;
        let (_, vm) = find(cloud, scope, name)?;
        Ok(Json(model(vm, expand, now)).into_response())
    })
}

pub(super) fn instance_view(call: &Call<'_>, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, now| {
        call.permit(cloud, "Microsoft.Compute/virtualMachines/instanceView/read", &named(scope, name))?;
        let (_, vm) = find(cloud, scope, name)?;
        Ok(Json(view(vm, now)).into_response())
    })
}

/// What `$expand` may ask for. There is no user data, and no view of the resiliency, to be shown.
const EXPANSIONS: [&str; 3] = ["instanceview", "userdata", "resiliencyview"];

/// Whether the instance view is asked for.
fn expands(call: &Call<'_>) -> Result<bool, ArmError> {
    let Some(value) = call.query("$expand").filter(|value| !value.is_empty()) else { return Ok(false) };
    let wanted: Vec<String> = value.split(',').map(|one| one.trim().to_ascii_lowercase()).collect();
    if wanted.iter().any(|one| !EXPANSIONS.contains(&one.as_str())) {
        return Err(ArmError::invalid_parameter("$expand", value));
    }
    Ok(wanted.iter().any(|one| one == EXPANSIONS[0]))
}

pub(super) fn model(vm: &Vm, expand: bool, now: DateTime<Utc>) -> Value {
    let mut model = json!({
        "name": &vm.name,
        "id": vm.id(),
        "type": "Microsoft.Compute/virtualMachines",
        "location": &vm.location,
        "tags": tags(),
        "properties": {
            "hardwareProfile": { "vmSize": &vm.size },
            "provisioningState": provisioning_state(vm),
            "vmId": vm.platform_id,
            "storageProfile": storage(vm),
            "osProfile": os_profile(vm),
            "networkProfile": {
                "networkInterfaces": [{ "id": vm.nic_id(), "properties": { "primary": true } }],
            },
            "diagnosticsProfile": { "bootDiagnostics": { "enabled": true } },
            "timeCreated": offset_timestamp(vm.created),
        },
        "etag": format!("\"{}\"", vm.revision),
    });
    if let Some(zone) = vm.zone() {
        model["zones"] = json!([zone]);
    }
    if expand {
        model["properties"]["instanceView"] = view(vm, now);
    }
    model
}

/// Every resource of the fleet has these.
pub(super) fn tags() -> Value {
    json!({ "environment": "simulated" })
}

pub(super) fn storage(vm: &Vm) -> Value {
    let image = match vm.os {
        Os::Linux => {
            json!({ "publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest" })
        }
        Os::Windows => json!({
            "publisher": "MicrosoftWindowsServer", "offer": "WindowsServer", "sku": "2025-datacenter-g2", "version": "latest",
        }),
    };
    json!({
        "imageReference": image,
        "osDisk": {
            "osType": vm.os.name(),
            "name": disk::name(vm),
            "createOption": "FromImage",
            "caching": "ReadWrite",
            "managedDisk": { "storageAccountType": "Premium_LRS", "id": disk::id(vm) },
            "deleteOption": "Delete",
            "diskSizeGB": 64,
        },
        "dataDisks": [],
        "diskControllerType": "SCSI",
    })
}

fn os_profile(vm: &Vm) -> Value {
    let mut profile = json!({
        "computerName": &vm.name,
        "adminUsername": "demo",
        "secrets": [],
        "allowExtensionOperations": true,
        "requireGuestProvisionSignal": true,
    });
    match vm.os {
        Os::Linux => {
            profile["linuxConfiguration"] = json!({
                "disablePasswordAuthentication": true,
                "provisionVMAgent": true,
                "patchSettings": { "patchMode": "ImageDefault", "assessmentMode": "ImageDefault" },
            });
        }
        Os::Windows => {
            profile["windowsConfiguration"] = json!({
                "provisionVMAgent": true,
                "enableAutomaticUpdates": true,
                "patchSettings": { "patchMode": "AutomaticByOS", "assessmentMode": "ImageDefault" },
            });
        }
    }
    profile
}

/// What Resource Graph has of the instance view, as of then.
pub(super) fn extended(vm: &Vm, as_of: DateTime<Utc>) -> Value {
    let power = vm.seen_at(as_of).power;
    let (system, version) = system(vm.os);
    json!({
        "instanceView": {
            "computerName": &vm.name,
            "osName": system,
            "osVersion": version,
            "hyperVGeneration": "V2",
            "powerState": {
                "code": format!("PowerState/{}", power.code()),
                "displayStatus": display(power),
                "level": "Info",
            },
        },
    })
}

/// Name and version of what runs in the VM.
fn system(os: Os) -> (&'static str, &'static str) {
    match os {
        Os::Linux => ("ubuntu", "24.04"),
        Os::Windows => ("Windows Server 2025 Datacenter", "10.0.26100.1"),
    }
}

fn view(vm: &Vm, now: DateTime<Utc>) -> Value {
    let mut view = json!({
        "disks": [{
            "name": disk::name(vm),
            "statuses": [{
                "code": "ProvisioningState/succeeded",
                "level": "Info",
                "displayStatus": "Provisioning succeeded",
                "time": offset_timestamp(vm.created),
            }],
        }],
        "bootDiagnostics": {},
        "hyperVGeneration": "V2",
        "statuses": [provisioning_status(vm)],
    });
    let told = match vm.untold {
        None => vm.power.shown(now).map(|power| (power.code(), display(power))),
        Some(Untold::Absent) => None,
        Some(Untold::Unknown) => Some(("unknown", "VM status unknown")),
    };
    let power = told
        .map(|(code, shown)| json!({ "code": format!("PowerState/{code}"), "level": "Info", "displayStatus": shown }));
    if let Some(statuses) = view["statuses"].as_array_mut() {
        statuses.extend(power);
    }
    if vm.power.booted(now) {
        let (system, version) = system(vm.os);
        view["computerName"] = vm.name.clone().into();
        view["osName"] = system.into();
        view["osVersion"] = version.into();
        view["vmAgent"] = agent(now);
    }
    view
}

fn provisioning_state(vm: &Vm) -> &'static str {
    match (vm.power.under_way(), vm.power.failed()) {
        (Some(_), _) => "Updating",
        (None, Some(_)) => "Failed",
        (None, None) => "Succeeded",
    }
}

fn provisioning_status(vm: &Vm) -> Value {
    let fine = |code: &str, text: &'static str| {
        json!({
            "code": format!("ProvisioningState/{code}"),
            "level": "Info",
            "displayStatus": text,
            "time": offset_timestamp(vm.created),
        })
    };
    match (vm.power.under_way(), vm.power.failed()) {
        (Some(_), _) => fine("updating", "Updating"),
        (None, Some(failed)) => json!({
            "code": format!("ProvisioningState/failed/{}", failed.code),
            "level": "Error",
            "displayStatus": "Provisioning failed",
            "message": &failed.message,
            "time": offset_timestamp(failed.at),
        }),
        (None, None) => fine("succeeded", "Provisioning succeeded"),
    }
}

fn agent(now: DateTime<Utc>) -> Value {
    json!({
        "vmAgentVersion": "2.11.1.12",
        "statuses": [{
            "code": "ProvisioningState/succeeded",
            "level": "Info",
            "displayStatus": "Ready",
            "message": "Guest Agent is running",
            "time": offset_timestamp(now),
        }],
        "extensionHandlers": [],
    })
}

fn display(power: PowerState) -> &'static str {
    match power {
        PowerState::Starting => "VM starting",
        PowerState::Running => "VM running",
        PowerState::Stopping => "VM stopping",
        PowerState::Stopped => "VM stopped",
        PowerState::Deallocating => "VM deallocating",
        PowerState::Deallocated => "VM deallocated",
    }
}
