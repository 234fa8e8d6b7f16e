//! `Microsoft.Network`: a network interface, a public IP address and a network security group for each VM.

use std::net::Ipv4Addr;

use crate::json::{Value, json};
use axum::Json;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::arm::error::ArmError;
use crate::arm::route::{NetworkType, Scope};
use crate::arm::{Call, compute, page, security_groups};
use crate::state::Cloud;
use crate::state::vm::{PublicIp, Vm};

pub(super) fn all(call: &Call<'_>, scope: &Scope, kind: NetworkType) -> Result<Response, ArmError> {
    let action = format!("Microsoft.Network/{}/read", kind.name());
    call.world.look(|cloud, now| {
        call.permit(cloud, &action, &scope.id())?;
        let may = call.may(cloud, &action);
        match kind {
            NetworkType::Interface => {
                let listed = with_interface(cloud, scope).filter(|vm| may.at(&vm.nic_id()));
                page::list(call, cloud, listed.map(|vm| interface(cloud, vm)))
            }
            NetworkType::PublicIpAddress => {
                let listed = with_address(cloud, scope).filter(|vm| vm.public_ip_id().is_some_and(|id| may.at(&id)));
                page::list(call, cloud, listed.filter_map(public_ip_address))
            }
            NetworkType::SecurityGroup => page::list(call, cloud, security_groups::groups(cloud, scope, &may, now)),
        }
    })
}

pub(super) fn one(call: &Call<'_>, scope: &Scope, kind: NetworkType, name: &str) -> Result<Response, ArmError> {
    let resource_type = format!("Microsoft.Network/{}", kind.name());
    call.world.look(|cloud, now| {
        call.permit(
            cloud,
            &format!("{resource_type}/read"),
            &format!("{}/providers/{resource_type}/{name}", scope.id()),
        )?;
        let found = match kind {
            NetworkType::Interface => interface_named(cloud, scope, name).map(|vm| interface(cloud, vm)),
            NetworkType::PublicIpAddress => with_address(cloud, scope)
                .find(|vm| vm.public_ip_name().eq_ignore_ascii_case(name))
                .and_then(public_ip_address),
            NetworkType::SecurityGroup => security_groups::group(cloud, scope, name, now),
        };
        let group = scope.resource_group.as_deref().unwrap_or_default();
        let body = found.ok_or_else(|| ArmError::resource_not_found(&format!("{resource_type}/{name}"), group))?;
        Ok(Json(expanded(call, cloud, body)).into_response())
    })
}

/// With `$expand=ipConfigurations/publicIPAddress`, an interface holds its address instead of its id alone.
fn expanded(call: &Call<'_>, cloud: &Cloud, mut interface: Value) -> Value {
    let wanted = call.query("$expand").is_some_and(|wanted| wanted.to_ascii_lowercase().contains("publicipaddress"));
    // Not looked up by index, which would make null of what is not there.
    let configurations = interface.get_mut("properties").filter(|_| wanted);
    let configurations = configurations.and_then(|properties| properties.get_mut("ipConfigurations"));
    for configuration in configurations.and_then(Value::as_array_mut).into_iter().flatten() {
        let properties = configuration.get_mut("properties");
        let Some(address) = properties.and_then(|properties| properties.get_mut("publicIPAddress")) else { continue };
        let id = address["id"].as_str().unwrap_or_default().to_owned();
        let has_it = |vm: &&Vm| vm.public_ip_id().is_some_and(|own| own == id);
        if let Some(found) = cloud.vms.iter().find(has_it).and_then(public_ip_address) {
            *address = found;
        }
    }
    interface
}

/// The configurations of an interface, as its own list.
pub(super) fn ip_configurations(call: &Call<'_>, scope: &Scope, nic: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| page::list(call, cloud, configurations_of(call, cloud, scope, nic)?))
}

pub(super) fn ip_configuration(call: &Call<'_>, scope: &Scope, nic: &str, name: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        let all = configurations_of(call, cloud, scope, nic)?;
        member(all, name, scope, &format!("Microsoft.Network/networkInterfaces/{nic}/ipConfigurations/{name}"))
    })
}

fn configurations_of(call: &Call<'_>, cloud: &Cloud, scope: &Scope, nic: &str) -> Result<Vec<Value>, ArmError> {
    let id = format!("{}/providers/Microsoft.Network/networkInterfaces/{nic}", scope.id());
    call.permit(cloud, "Microsoft.Network/networkInterfaces/ipConfigurations/read", &id)?;
    let found = interface_named(cloud, scope, nic);
    let group = scope.resource_group.as_deref().unwrap_or_default();
    let missing = || ArmError::resource_not_found(&format!("Microsoft.Network/networkInterfaces/{nic}"), group);
    let all = interface(cloud, found.ok_or_else(missing)?)["properties"]["ipConfigurations"].take();
    Ok(all.as_array().cloned().unwrap_or_default())
}

/// The one with this name, or Azure's 404 for `resource`.
pub(super) fn member(all: Vec<Value>, name: &str, scope: &Scope, resource: &str) -> Result<Response, ArmError> {
    let wanted = |one: &Value| one["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name));
    let group = scope.resource_group.as_deref().unwrap_or_default();
    let found = all.into_iter().find(wanted).ok_or_else(|| ArmError::resource_not_found(resource, group))?;
    Ok(Json(found).into_response())
}

fn with_interface<'c>(cloud: &'c Cloud, scope: &Scope) -> impl Iterator<Item = &'c Vm> {
    cloud.interfaces_in(&scope.subscription, scope.resource_group.as_deref())
}

fn with_address<'c>(cloud: &'c Cloud, scope: &Scope) -> impl Iterator<Item = &'c Vm> {
    cloud.addresses_in(&scope.subscription, scope.resource_group.as_deref())
}

/// The VM whose interface has this name.
pub(super) fn interface_named<'c>(cloud: &'c Cloud, scope: &Scope, name: &str) -> Option<&'c Vm> {
    with_interface(cloud, scope).find(|vm| vm.nic_name().eq_ignore_ascii_case(name))
}

/// An id of one of the VM's network resources, the same on every run.
pub(super) fn guid(vm: &Vm, which: u128) -> Uuid {
    Uuid::from_u128(vm.platform_id.as_u128() ^ (which << 64))
}

/// The one configuration of a VM's interface.
pub(super) fn ip_configuration_of(vm: &Vm) -> Value {
    let mut configuration = json!({
        "privateIPAddress": vm.private_ip,
        "privateIPAllocationMethod": "Dynamic",
        "privateIPAddressVersion": "IPv4",
        "subnet": { "id": vm.subnet_id() },
        "primary": true,
        "provisioningState": "Succeeded",
    });
    if let Some(id) = vm.public_ip_id() {
        configuration["publicIPAddress"] = json!({ "id": id });
    }
    json!({
        "name": "ipconfig1",
        "id": format!("{}/ipConfigurations/ipconfig1", vm.nic_id()),
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/networkInterfaces/ipConfigurations",
        "properties": configuration,
    })
}

pub(super) fn interface(cloud: &Cloud, vm: &Vm) -> Value {
    let mut interface = json!({
        "name": vm.nic_name(),
        "id": vm.nic_id(),
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/networkInterfaces",
        "location": &vm.location,
        "tags": compute::tags(),
        "properties": {
            "provisioningState": "Succeeded",
            "primary": true,
            "ipConfigurations": [ip_configuration_of(vm)],
            "dnsSettings": {
                "dnsServers": [],
                "appliedDnsServers": [],
                "internalDomainNameSuffix": "sim.internal.cloudapp.net",
            },
            "macAddress": vm.mac_address(),
            "resourceGuid": guid(vm, 1),
            "vnetEncryptionSupported": false,
            "auxiliaryMode": "None",
            "auxiliarySku": "None",
            "disableTcpStateTracking": false,
            "tapConfigurations": [],
            "hostedWorkloads": [],
            "enableAcceleratedNetworking": false,
            "enableIPForwarding": false,
            "virtualMachine": { "id": vm.id() },
            "nicType": "Standard",
        },
    });
    if let Some(group) = Cloud::nic_group(vm) {
        interface["properties"]["networkSecurityGroup"] = json!({ "id": cloud.group_id(group) });
    }
    interface
}

fn public_ip_address(vm: &Vm) -> Option<Value> {
    Some(json!({
        "name": vm.public_ip_name(),
        "id": vm.public_ip_id()?,
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/publicIPAddresses",
        "location": &vm.location,
        "tags": compute::tags(),
        "sku": sku(vm),
        "properties": address_properties(vm, vm.address()),
    }))
}

fn is_dynamic(vm: &Vm) -> bool {
    match vm.public_ip {
        PublicIp::Dynamic { .. } => true,
        PublicIp::Static(_) | PublicIp::None | PublicIp::Firewall(_) => false,
    }
}

/// Of the VM's public IP address.
pub(super) fn sku(vm: &Vm) -> Value {
    json!({ "name": if is_dynamic(vm) { "Basic" } else { "Standard" }, "tier": "Regional" })
}

/// Of the VM's public IP address, while it is this one.
pub(super) fn address_properties(vm: &Vm, address: Option<Ipv4Addr>) -> Value {
    let mut properties = json!({
        "provisioningState": "Succeeded",
        "resourceGuid": guid(vm, 2),
        "publicIPAddressVersion": "IPv4",
        "publicIPAllocationMethod": if is_dynamic(vm) { "Dynamic" } else { "Static" },
        "idleTimeoutInMinutes": 4,
        "ipTags": [],
        "ipConfiguration": { "id": format!("{}/ipConfigurations/ipconfig1", vm.nic_id()) },
    });
    // A dynamic address that is not held does not show at all.
    if let Some(address) = address {
        properties["ipAddress"] = address.to_string().into();
    }
    properties
}
