//! `Microsoft.Network/bastionHosts`: what the resource manager tells of them. Their own doors are in [`crate::bastion`].

use axum::Json;
use axum::response::{IntoResponse, Response};

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{Call, compute, page};
use crate::json::{Value, json};
use crate::state::bastion::{BastionHost, SUBNET, Sku};

pub(super) const READ: &str = "Microsoft.Network/bastionHosts/read";

pub(super) fn all(call: &Call<'_>, scope: &Scope) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &scope.id())?;
        let may = call.may(cloud, READ);
        let listed = cloud.bastions_in(&scope.subscription, scope.resource_group.as_deref());
        let host = call.world.host();
        page::list(call, cloud, listed.filter(|one| may.at(&one.id())).map(|one| model(one, host)))
    })
}

pub(super) fn one(call: &Call<'_>, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &format!("{}/providers/Microsoft.Network/bastionHosts/{name}", scope.id()))?;
        let group = scope.resource_group.as_deref();
        let found = cloud.bastions_in(&scope.subscription, group).find(|one| one.name.eq_ignore_ascii_case(name));
        let resource = format!("Microsoft.Network/bastionHosts/{name}");
        let found = found.ok_or_else(|| ArmError::resource_not_found(&resource, group.unwrap_or_default()))?;
        Ok(Json(model(found, call.world.host())).into_response())
    })
}

/// All Bastion hosts are at the simulator's own address, `host`: which one is meant follows from the VM.
fn model(bastion: &BastionHost, host: &str) -> Value {
    json!({
        "name": bastion.name.clone(),
        "id": bastion.id(),
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/bastionHosts",
        "location": bastion.location.clone(),
        "tags": compute::tags(),
        "sku": sku(bastion),
        "properties": properties(bastion, host),
    })
}

pub(super) fn sku(bastion: &BastionHost) -> Value {
    json!({ "name": bastion.sku.name() })
}

pub(super) fn properties(bastion: &BastionHost, host: &str) -> Value {
    let mut properties = json!({
        "provisioningState": "Succeeded",
        "dnsName": host.to_owned(),
        "scaleUnits": 2,
        "disableCopyPaste": false,
        "enableFileCopy": bastion.has_tunnel(),
        "enableIpConnect": bastion.ip_connect,
        "enableShareableLink": false,
        "enableTunneling": bastion.tunneling,
        "enableKerberos": false,
    });
    if bastion.sku == Sku::Developer {
        properties["virtualNetwork"] = json!({ "id": bastion.network_id() });
        properties["ipConfigurations"] = json!([]);
    } else {
        properties["ipConfigurations"] = json!([ip_configuration(bastion)]);
    }
    properties
}

fn ip_configuration(bastion: &BastionHost) -> Value {
    json!({
        "name": "IpConf",
        "id": format!("{}/bastionHostIpConfigurations/IpConf", bastion.id()),
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/bastionHosts/bastionHostIpConfigurations",
        "properties": {
            "provisioningState": "Succeeded",
            "privateIPAllocationMethod": "Dynamic",
            "subnet": { "id": format!("{}/subnets/{SUBNET}", bastion.network_id()) },
        },
    })
}
