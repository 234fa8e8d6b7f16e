//! `Microsoft.Network/virtualNetworks`: one for each region of a resource group, with one subnet.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{Call, compute, page};
use crate::state::Cloud;
use crate::state::vm::Vm;

const READ: &str = "Microsoft.Network/virtualNetworks/read";
const READ_SUBNET: &str = "Microsoft.Network/virtualNetworks/subnets/read";

/// A VM stands for the network in which it is the first.
fn first_of_each<'c>(cloud: &'c Cloud, scope: &Scope) -> impl Iterator<Item = &'c Vm> {
    let mut first = BTreeMap::new();
    for vm in cloud.vms_in(&scope.subscription, scope.resource_group.as_deref()) {
        first.entry((vm.resource_group.as_str(), vm.location.as_str())).or_insert(vm);
    }
    first.into_values()
}

fn find<'c>(cloud: &'c Cloud, scope: &Scope, name: &str) -> Result<&'c Vm, ArmError> {
    let found = first_of_each(cloud, scope).find(|vm| vm.network_name().eq_ignore_ascii_case(name));
    let group = scope.resource_group.as_deref().unwrap_or_default();
    found.ok_or_else(|| ArmError::resource_not_found(&format!("Microsoft.Network/virtualNetworks/{name}"), group))
}

fn named(scope: &Scope, name: &str) -> String {
    format!("{}/providers/Microsoft.Network/virtualNetworks/{name}", scope.id())
}

pub(super) fn all(call: &Call<'_>, scope: &Scope) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &scope.id())?;
        page::list(call, cloud, first_of_each(cloud, scope).map(|vm| model(cloud, vm)))
    })
}

pub(super) fn one(call: &Call<'_>, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &named(scope, name))?;
        Ok(Json(model(cloud, find(cloud, scope, name)?)).into_response())
    })
}

pub(super) fn subnets(call: &Call<'_>, scope: &Scope, network: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ_SUBNET, &named(scope, network))?;
        page::list(call, cloud, [subnet(cloud, find(cloud, scope, network)?)])
    })
}

pub(super) fn subnet_of(call: &Call<'_>, scope: &Scope, network: &str, name: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ_SUBNET, &format!("{}/subnets/{name}", named(scope, network)))?;
        let found = subnet(cloud, find(cloud, scope, network)?);
        if found["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)) {
            return Ok(Json(found).into_response());
        }
        let resource = format!("Microsoft.Network/virtualNetworks/{network}/subnets/{name}");
        Err(ArmError::resource_not_found(&resource, scope.resource_group.as_deref().unwrap_or_default()))
    })
}

/// The networks of the scope, each as the first VM in it.
pub(super) fn in_scope<'c>(cloud: &'c Cloud, scope: &Scope) -> impl Iterator<Item = &'c Vm> {
    first_of_each(cloud, scope)
}

pub(super) fn model(cloud: &Cloud, first: &Vm) -> Value {
    json!({
        "name": first.network_name(),
        "id": first.network_id(),
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/virtualNetworks",
        "location": first.location,
        "tags": compute::tags(),
        "properties": properties(cloud, first),
    })
}

pub(super) fn properties(cloud: &Cloud, first: &Vm) -> Value {
    json!({
        "provisioningState": "Succeeded",
        "addressSpace": { "addressPrefixes": ["10.1.0.0/16"] },
        "subnets": [subnet(cloud, first)],
        "virtualNetworkPeerings": [],
        "enableDdosProtection": false,
    })
}

fn subnet(cloud: &Cloud, first: &Vm) -> Value {
    let inside = cloud.vms_in(&first.subscription, Some(&first.resource_group));
    let inside = inside.filter(|vm| vm.location == first.location);
    let configurations = inside.map(|vm| json!({ "id": format!("{}/ipConfigurations/ipconfig1", vm.nic_id()) }));
    json!({
        "name": "default",
        "id": first.subnet_id(),
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/virtualNetworks/subnets",
        "properties": {
            "provisioningState": "Succeeded",
            "addressPrefix": "10.1.0.0/16",
            "ipConfigurations": configurations.collect::<Vec<_>>(),
            "delegations": [],
            "privateEndpointNetworkPolicies": "Disabled",
            "privateLinkServiceNetworkPolicies": "Enabled",
        },
    })
}
