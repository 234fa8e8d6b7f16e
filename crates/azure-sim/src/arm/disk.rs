//! `Microsoft.Compute/disks`: the managed OS disk of each VM.

use crate::json::{Value, json};
use axum::Json;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{Call, compute, page};
use crate::clock::offset_timestamp;
use crate::state::power::PowerState;
use crate::state::vm::Vm;

const READ: &str = "Microsoft.Compute/disks/read";

pub(super) fn name(vm: &Vm) -> String {
    format!("{}_OsDisk", vm.name)
}

pub(super) fn id(vm: &Vm) -> String {
    format!("{}/providers/Microsoft.Compute/disks/{}", vm.group(), name(vm))
}

pub(super) fn all(call: &Call<'_>, scope: &Scope) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &scope.id())?;
        let may = call.may(cloud, READ);
        let inside = cloud.vms_in(&scope.subscription, scope.resource_group.as_deref());
        page::list(call, cloud, inside.filter(|vm| may.at(&id(vm))).map(model))
    })
}

pub(super) fn one(call: &Call<'_>, scope: &Scope, wanted: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &format!("{}/providers/Microsoft.Compute/disks/{wanted}", scope.id()))?;
        let group = scope.resource_group.as_deref();
        let mut inside = cloud.vms_in(&scope.subscription, group);
        let found = inside.find(|vm| name(vm).eq_ignore_ascii_case(wanted));
        let missing =
            || ArmError::resource_not_found(&format!("Microsoft.Compute/disks/{wanted}"), group.unwrap_or_default());
        Ok(Json(model(found.ok_or_else(missing)?)).into_response())
    })
}

pub(super) fn model(vm: &Vm) -> Value {
    let mut model = json!({
        "name": name(vm),
        "id": id(vm),
        "type": "Microsoft.Compute/disks",
        "location": &vm.location,
        "tags": compute::tags(),
        "managedBy": vm.id(),
        "sku": sku(),
        "properties": properties(vm),
    });
    if let Some(zone) = vm.zone() {
        model["zones"] = json!([zone]);
    }
    model
}

pub(super) fn sku() -> Value {
    json!({ "name": "Premium_LRS", "tier": "Premium" })
}

pub(super) fn properties(vm: &Vm) -> Value {
    // The disk of a VM without compute is kept for it.
    let state = if vm.power.current() == PowerState::Deallocated { "Reserved" } else { "Attached" };
    json!({
        "osType": vm.os.name(),
        "hyperVGeneration": "V2",
        "supportsHibernation": false,
        "creationData": { "createOption": "FromImage", "imageReference": compute::storage(vm)["imageReference"].take() },
        "diskSizeGB": 64,
        "diskSizeBytes": 68_719_476_736_u64,
        "diskIOPSReadWrite": 240,
        "diskMBpsReadWrite": 50,
        "encryption": { "type": "EncryptionAtRestWithPlatformKey" },
        "networkAccessPolicy": "AllowAll",
        "publicNetworkAccess": "Enabled",
        "timeCreated": offset_timestamp(vm.created),
        "provisioningState": "Succeeded",
        "diskState": state,
        "uniqueId": Uuid::from_u128(vm.platform_id.as_u128() ^ 0x6469_736b),
        "tier": "P6",
    })
}
