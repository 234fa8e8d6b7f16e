//! `Microsoft.Network`: a network interface, a public IP address and a network security group for each VM.

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::route::{NetworkType, Scope};
use crate::arm::{Call, list};
use crate::state::Cloud;
use crate::state::nsg::{Access, Protocol, SecurityRule};
use crate::state::vm::{PublicIp, Vm};

pub(super) fn all(call: &Call<'_>, scope: &Scope, kind: NetworkType) -> Result<Response, ArmError> {
    let action = format!("Microsoft.Network/{}/read", kind.name());
    call.world.look(|cloud, now| {
        call.permit(cloud, &action, &scope.id())?;
        Ok(list(inside(cloud, scope).filter_map(|vm| resource(cloud, vm, kind, now))))
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
        let found = inside(cloud, scope).find(|vm| resource_name(vm, kind).eq_ignore_ascii_case(name));
        let found = found.and_then(|vm| resource(cloud, vm, kind, now));
        let group = scope.resource_group.as_deref().unwrap_or_default();
        let body = found.ok_or_else(|| ArmError::resource_not_found(&format!("{resource_type}/{name}"), group))?;
        Ok(Json(body).into_response())
    })
}

pub(super) fn security_rules(call: &Call<'_>, scope: &Scope, group: &str) -> Result<Response, ArmError> {
    Ok(list(rules_of(call, scope, group)?))
}

pub(super) fn security_rule(call: &Call<'_>, scope: &Scope, group: &str, name: &str) -> Result<Response, ArmError> {
    let wanted = |rule: &Value| rule["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name));
    let missing = || {
        let resource = format!("Microsoft.Network/networkSecurityGroups/{group}/securityRules/{name}");
        ArmError::resource_not_found(&resource, scope.resource_group.as_deref().unwrap_or_default())
    };
    let rule = rules_of(call, scope, group)?.into_iter().find(wanted).ok_or_else(missing)?;
    Ok(Json(rule).into_response())
}

fn rules_of(call: &Call<'_>, scope: &Scope, group: &str) -> Result<Vec<Value>, ArmError> {
    const READ: &str = "Microsoft.Network/networkSecurityGroups/securityRules/read";
    call.world.look(|cloud, now| {
        let id = format!("{}/providers/Microsoft.Network/networkSecurityGroups/{group}", scope.id());
        call.permit(cloud, READ, &id)?;
        let found = inside(cloud, scope).find(|vm| vm.nsg_name().eq_ignore_ascii_case(group));
        let missing = || {
            let resource = format!("Microsoft.Network/networkSecurityGroups/{group}");
            ArmError::resource_not_found(&resource, scope.resource_group.as_deref().unwrap_or_default())
        };
        let vm = found.ok_or_else(missing)?;
        Ok(cloud.security_rules(vm, now).iter().map(|rule| rule_json(vm, rule)).collect())
    })
}

fn inside<'c>(cloud: &'c Cloud, scope: &Scope) -> impl Iterator<Item = &'c Vm> {
    cloud.vms.iter().filter(move |vm| {
        vm.subscription.eq_ignore_ascii_case(&scope.subscription)
            && scope.resource_group.as_ref().is_none_or(|group| group.eq_ignore_ascii_case(&vm.resource_group))
    })
}

fn resource_name(vm: &Vm, kind: NetworkType) -> String {
    match kind {
        NetworkType::Interface => vm.nic_name(),
        NetworkType::PublicIpAddress => vm.public_ip_name(),
        NetworkType::SecurityGroup => vm.nsg_name(),
    }
}

fn resource(cloud: &Cloud, vm: &Vm, kind: NetworkType, now: DateTime<Utc>) -> Option<Value> {
    match kind {
        NetworkType::Interface => Some(interface(vm)),
        NetworkType::PublicIpAddress => public_ip_address(vm),
        NetworkType::SecurityGroup => Some(security_group(vm, &cloud.security_rules(vm, now))),
    }
}

fn interface(vm: &Vm) -> Value {
    let group = vm.nic_id();
    let subnet = format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/default",
        vm.subscription, vm.resource_group
    );
    let mut configuration = json!({
        "privateIPAddress": vm.private_ip,
        "privateIPAllocationMethod": "Dynamic",
        "privateIPAddressVersion": "IPv4",
        "subnet": { "id": subnet },
        "primary": true,
        "provisioningState": "Succeeded",
    });
    if let Some(id) = vm.public_ip_id() {
        configuration["publicIPAddress"] = json!({ "id": id });
    }
    json!({
        "name": vm.nic_name(),
        "id": group,
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/networkInterfaces",
        "location": vm.location,
        "properties": {
            "provisioningState": "Succeeded",
            "primary": true,
            "ipConfigurations": [{
                "name": "ipconfig1",
                "id": format!("{group}/ipConfigurations/ipconfig1"),
                "etag": "W/\"1\"",
                "type": "Microsoft.Network/networkInterfaces/ipConfigurations",
                "properties": configuration,
            }],
            "dnsSettings": { "dnsServers": [], "appliedDnsServers": [] },
            "enableAcceleratedNetworking": false,
            "enableIPForwarding": false,
            "networkSecurityGroup": { "id": vm.nsg_id() },
            "virtualMachine": { "id": vm.id() },
            "nicType": "Standard",
        },
    })
}

fn public_ip_address(vm: &Vm) -> Option<Value> {
    let id = vm.public_ip_id()?;
    let dynamic = match vm.public_ip {
        PublicIp::Dynamic { .. } => true,
        PublicIp::Static(_) | PublicIp::None | PublicIp::Firewall(_) => false,
    };
    let mut properties = json!({
        "provisioningState": "Succeeded",
        "publicIPAddressVersion": "IPv4",
        "publicIPAllocationMethod": if dynamic { "Dynamic" } else { "Static" },
        "idleTimeoutInMinutes": 4,
        "ipTags": [],
        "ipConfiguration": { "id": format!("{}/ipConfigurations/ipconfig1", vm.nic_id()) },
    });
    // A dynamic address that is not held does not show at all.
    if let Some(address) = vm.address() {
        properties["ipAddress"] = address.to_string().into();
    }
    Some(json!({
        "name": vm.public_ip_name(),
        "id": id,
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/publicIPAddresses",
        "location": vm.location,
        "sku": { "name": if dynamic { "Basic" } else { "Standard" }, "tier": "Regional" },
        "properties": properties,
    }))
}

fn security_group(vm: &Vm, rules: &[SecurityRule]) -> Value {
    let default = SecurityRule {
        name: "DenyAllInBound".to_owned(),
        description: "Deny all inbound traffic".to_owned(),
        priority: 65_500,
        access: Access::Deny,
        protocol: Protocol::Any,
        ports: Vec::new(),
        sources: vec!["*".to_owned()],
        destination: "*".to_owned(),
    };
    let mut default_rule = rule_json(vm, &default);
    default_rule["id"] = format!("{}/defaultSecurityRules/DenyAllInBound", vm.nsg_id()).into();
    default_rule["type"] = "Microsoft.Network/networkSecurityGroups/defaultSecurityRules".into();
    default_rule["properties"]["destinationPortRange"] = "*".into();
    json!({
        "name": vm.nsg_name(),
        "id": vm.nsg_id(),
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/networkSecurityGroups",
        "location": vm.location,
        "properties": {
            "provisioningState": "Succeeded",
            "securityRules": rules.iter().map(|rule| rule_json(vm, rule)).collect::<Vec<_>>(),
            "defaultSecurityRules": [default_rule],
            "networkInterfaces": [{ "id": vm.nic_id() }],
        },
    })
}

fn rule_json(vm: &Vm, rule: &SecurityRule) -> Value {
    let access = match rule.access {
        Access::Allow => "Allow",
        Access::Deny => "Deny",
    };
    let mut properties = json!({
        "provisioningState": "Succeeded",
        "description": rule.description,
        "protocol": rule.protocol.name(),
        "sourcePortRange": "*",
        "destinationAddressPrefix": rule.destination,
        "access": access,
        "priority": rule.priority,
        "direction": "Inbound",
        "sourcePortRanges": [],
        "destinationPortRanges": [],
        "sourceAddressPrefixes": [],
        "destinationAddressPrefixes": [],
    });
    // Azure writes one value in the singular field and several in the plural one.
    match rule.ports.as_slice() {
        [port] => properties["destinationPortRange"] = port.to_string().into(),
        ports => properties["destinationPortRanges"] = ports.iter().map(u16::to_string).collect(),
    }
    match rule.sources.as_slice() {
        [source] => properties["sourceAddressPrefix"] = source.clone().into(),
        sources => properties["sourceAddressPrefixes"] = sources.iter().cloned().collect(),
    }
    json!({
        "name": rule.name,
        "id": format!("{}/securityRules/{}", vm.nsg_id(), rule.name),
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/networkSecurityGroups/securityRules",
        "properties": properties,
    })
}
