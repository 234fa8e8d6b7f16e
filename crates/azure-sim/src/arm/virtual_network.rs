//! `Microsoft.Network/virtualNetworks`: one for each region of a resource group, with a subnet `default`,
//! and one more for each network security group that stands before a subnet.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::json::{Value, json};
use axum::Json;
use axum::response::{IntoResponse, Response};

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{Call, compute, network, page};
use crate::state::Cloud;
use crate::state::bastion::{self, BastionHost, Sku};
use crate::state::vm::Vm;

const READ: &str = "Microsoft.Network/virtualNetworks/read";
const READ_SUBNET: &str = "Microsoft.Network/virtualNetworks/subnets/read";

/// The address space of every network, which is its one subnet's too.
pub(crate) const SUBNET: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 0);
pub(crate) const PREFIX: u8 = 16;

/// The networks of the scope, each as the first VM in it.
pub(super) fn in_scope<'c>(cloud: &'c Cloud, scope: &Scope) -> impl Iterator<Item = &'c Vm> {
    let mut first = BTreeMap::new();
    for vm in cloud.vms_in(&scope.subscription, scope.resource_group.as_deref()) {
        first.entry((vm.resource_group.as_str(), vm.location.as_str())).or_insert(vm);
    }
    first.into_values()
}

fn find<'c>(cloud: &'c Cloud, scope: &Scope, name: &str) -> Result<&'c Vm, ArmError> {
    let found = in_scope(cloud, scope).find(|vm| vm.network_name().eq_ignore_ascii_case(name));
    let group = scope.resource_group.as_deref().unwrap_or_default();
    found.ok_or_else(|| ArmError::resource_not_found(&format!("Microsoft.Network/virtualNetworks/{name}"), group))
}

fn named(scope: &Scope, name: &str) -> String {
    format!("{}/providers/Microsoft.Network/virtualNetworks/{name}", scope.id())
}

pub(super) fn all(call: &Call<'_>, scope: &Scope) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &scope.id())?;
        let may = call.may(cloud, READ);
        let listed = in_scope(cloud, scope).filter(|first| may.at(&first.network_id()));
        page::list(call, cloud, listed.map(|first| model(cloud, first)))
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
        page::list(call, cloud, subnets_of(cloud, find(cloud, scope, network)?))
    })
}

pub(super) fn subnet_of(call: &Call<'_>, scope: &Scope, network: &str, name: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ_SUBNET, &format!("{}/subnets/{name}", named(scope, network)))?;
        let all = subnets_of(cloud, find(cloud, scope, network)?);
        let resource = format!("Microsoft.Network/virtualNetworks/{network}/subnets/{name}");
        network::member(all, name, scope, &resource)
    })
}

pub(super) fn model(cloud: &Cloud, first: &Vm) -> Value {
    json!({
        "name": first.network_name(),
        "id": first.network_id(),
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/virtualNetworks",
        "location": &first.location,
        "tags": compute::tags(),
        "properties": properties(cloud, first),
    })
}

pub(super) fn properties(cloud: &Cloud, first: &Vm) -> Value {
    json!({
        "provisioningState": "Succeeded",
        "addressSpace": { "addressPrefixes": [format!("{SUBNET}/{PREFIX}")] },
        "subnets": subnets_of(cloud, first),
        "virtualNetworkPeerings": peerings(cloud, first),
        "enableDdosProtection": false,
    })
}

fn subnets_of(cloud: &Cloud, first: &Vm) -> Vec<Value> {
    let mut subnets: BTreeMap<&str, Vec<&Vm>> = BTreeMap::new();
    let inside = cloud.vms_in(&first.subscription, Some(&first.resource_group));
    for vm in inside.filter(|vm| vm.location == first.location) {
        subnets.entry(vm.subnet.as_str()).or_default().push(vm);
    }
    let mut all: Vec<_> = subnets.into_iter().map(|(name, vms)| subnet(cloud, name, &vms)).collect();
    let network = first.network_id();
    if let Some(host) = cloud.bastion_hosts.iter().find(|host| is_in(host, &network)) {
        all.push(bastion_subnet(host, &network));
    }
    all
}

/// Whether the host has a subnet in the network: one of the Developer SKU is shared by many, and has none.
fn is_in(host: &BastionHost, network: &str) -> bool {
    host.sku != Sku::Developer && host.network_id().eq_ignore_ascii_case(network)
}

fn bastion_subnet(host: &BastionHost, network: &str) -> Value {
    json!({
        "name": bastion::SUBNET,
        "id": format!("{network}/subnets/{}", bastion::SUBNET),
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/virtualNetworks/subnets",
        "properties": {
            "provisioningState": "Succeeded",
            "addressPrefix": bastion::subnet().to_string(),
            "ipConfigurations": [{ "id": format!("{}/bastionHostIpConfigurations/IpConf", host.id()) }],
            "delegations": [],
            "privateEndpointNetworkPolicies": "Disabled",
            "privateLinkServiceNetworkPolicies": "Enabled",
        },
    })
}

fn peerings(cloud: &Cloud, first: &Vm) -> Vec<Value> {
    let network = first.network_id();
    let peering = |(number, remote): (usize, String)| {
        let name = format!("peering-{}", number + 1);
        json!({
            "name": name.clone(),
            "id": format!("{network}/virtualNetworkPeerings/{name}"),
            "etag": "W/\"1\"",
            "type": "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
            "properties": {
                "provisioningState": "Succeeded",
                "peeringState": "Connected",
                "remoteVirtualNetwork": { "id": remote },
                "allowVirtualNetworkAccess": true,
                "allowForwardedTraffic": false,
                "allowGatewayTransit": false,
                "useRemoteGateways": false,
            },
        })
    };
    cloud.peerings(&network).into_iter().enumerate().map(peering).collect()
}

/// Of the VMs in it there is at least one.
fn subnet(cloud: &Cloud, name: &str, vms: &[&Vm]) -> Value {
    let configuration = |vm: &&Vm| json!({ "id": format!("{}/ipConfigurations/ipconfig1", vm.nic_id()) });
    let mut subnet = json!({
        "name": name.to_owned(),
        "id": vms.first().map(|vm| vm.subnet_id()),
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/virtualNetworks/subnets",
        "properties": {
            "provisioningState": "Succeeded",
            "addressPrefix": format!("{SUBNET}/{PREFIX}"),
            "ipConfigurations": vms.iter().map(configuration).collect::<Vec<_>>(),
            "delegations": [],
            "privateEndpointNetworkPolicies": "Disabled",
            "privateLinkServiceNetworkPolicies": "Enabled",
        },
    });
    if let Some(group) = vms.first().and_then(|vm| Cloud::subnet_group(vm)) {
        subnet["properties"]["networkSecurityGroup"] = json!({ "id": cloud.group_id(group) });
    }
    subnet
}
