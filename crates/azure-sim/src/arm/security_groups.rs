//! `Microsoft.Network/networkSecurityGroups` and their rules.

use crate::json::{Value, json};
use axum::response::Response;
use chrono::{DateTime, Utc};

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{Call, compute, network, page};
use crate::state::Cloud;
use crate::state::groups::{Group, NicGroup, SecurityGroup};
use crate::state::jit::stable_uuid;
use crate::state::nsg::{self, PortRange, SecurityRule};
use crate::state::rights::OfAction;

/// All groups of the scope that the caller may read.
pub(super) fn groups(cloud: &Cloud, scope: &Scope, may: &OfAction<'_>, now: DateTime<Utc>) -> Vec<Value> {
    let listed = inside(cloud, scope).filter(|group| may.at(&cloud.group_id(*group)));
    listed.map(|group| group_json(cloud, group, now)).collect()
}

/// The group with this name.
pub(super) fn group(cloud: &Cloud, scope: &Scope, name: &str, now: DateTime<Utc>) -> Option<Value> {
    find(cloud, scope, name).map(|group| group_json(cloud, group, now))
}

/// Properties of any group.
pub(super) fn properties(cloud: &Cloud, group: Group<'_>, now: DateTime<Utc>) -> Value {
    group_json(cloud, group, now)["properties"].take()
}

/// The group's user rules, as their own list.
pub(super) fn security_rules(call: &Call<'_>, scope: &Scope, group: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, now| page::list(call, cloud, rules_of(call, cloud, scope, (group, "securityRules"), now)?))
}

pub(super) fn security_rule(call: &Call<'_>, scope: &Scope, group: &str, name: &str) -> Result<Response, ArmError> {
    one_rule(call, scope, (group, "securityRules"), name)
}

/// Azure's own rules of a group, as their own list.
pub(super) fn default_rules(call: &Call<'_>, scope: &Scope, group: &str) -> Result<Response, ArmError> {
    let kind = "defaultSecurityRules";
    call.world.look(|cloud, now| page::list(call, cloud, rules_of(call, cloud, scope, (group, kind), now)?))
}

pub(super) fn default_rule(call: &Call<'_>, scope: &Scope, group: &str, name: &str) -> Result<Response, ArmError> {
    one_rule(call, scope, (group, "defaultSecurityRules"), name)
}

fn one_rule(call: &Call<'_>, scope: &Scope, of: (&str, &str), name: &str) -> Result<Response, ArmError> {
    let (group, kind) = of;
    let resource = format!("Microsoft.Network/networkSecurityGroups/{group}/{kind}/{name}");
    call.world.look(|cloud, now| network::member(rules_of(call, cloud, scope, of, now)?, name, scope, &resource))
}

/// The rules of a group, `securityRules` or `defaultSecurityRules`.
fn rules_of(
    call: &Call<'_>,
    cloud: &Cloud,
    scope: &Scope,
    (name, kind): (&str, &str),
    now: DateTime<Utc>,
) -> Result<Vec<Value>, ArmError> {
    let id = format!("{}/providers/Microsoft.Network/networkSecurityGroups/{name}", scope.id());
    call.permit(cloud, &format!("Microsoft.Network/networkSecurityGroups/{kind}/read"), &id)?;
    let missing = || {
        let resource = format!("Microsoft.Network/networkSecurityGroups/{name}");
        ArmError::resource_not_found(&resource, scope.resource_group.as_deref().unwrap_or_default())
    };
    let group = find(cloud, scope, name).ok_or_else(missing)?;
    let id = cloud.group_id(group);
    let own = cloud.group_rules(group, now);
    let etag = etag(&own);
    let rules = if kind == "securityRules" { own } else { nsg::default_rules().into() };
    Ok(rules.iter().map(|rule| rule_json((&id, &etag), kind, rule)).collect())
}

fn inside<'c>(cloud: &'c Cloud, scope: &Scope) -> impl Iterator<Item = Group<'c>> {
    let own = cloud.vms_in(&scope.subscription, scope.resource_group.as_deref());
    let own = own.filter(|vm| vm.nic_group == NicGroup::Own);
    own.map(Group::Own).chain(shared(cloud, scope).map(|(index, _)| Group::Shared(index)))
}

/// The groups of the scope that are not one VM's own, with their indexes.
pub(super) fn shared<'c>(cloud: &'c Cloud, scope: &Scope) -> impl Iterator<Item = (usize, &'c SecurityGroup)> {
    cloud.security_groups.iter().enumerate().filter(|(_, group)| {
        group.subscription.eq_ignore_ascii_case(&scope.subscription)
            && scope.resource_group.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&group.resource_group))
    })
}

fn find<'c>(cloud: &'c Cloud, scope: &Scope, name: &str) -> Option<Group<'c>> {
    inside(cloud, scope).find(|group| match group {
        Group::Own(vm) => vm.nsg_name().eq_ignore_ascii_case(name),
        Group::Shared(index) => cloud.security_groups[*index].name.eq_ignore_ascii_case(name),
    })
}

/// Another one whenever the rules are others; a group and its rules have it in common.
fn etag(rules: &[SecurityRule]) -> String {
    format!("W/\"{}\"", stable_uuid(&format!("{rules:?}")))
}

fn group_json(cloud: &Cloud, group: Group<'_>, now: DateTime<Utc>) -> Value {
    let id = cloud.group_id(group);
    let rules = cloud.group_rules(group, now);
    let etag = etag(&rules);
    let members = cloud.members(group);
    let (name, location, guid) = match group {
        Group::Own(vm) => (vm.nsg_name(), &vm.location, network::guid(vm, 3)),
        Group::Shared(index) => {
            let shared = &cloud.security_groups[index];
            (shared.name.clone(), &shared.location, stable_uuid(&id))
        }
    };
    let on_interface = |vm: &&&crate::state::vm::Vm| match (group, vm.nic_group) {
        (Group::Own(_), NicGroup::Own) => true,
        (Group::Shared(one), NicGroup::Shared(other)) => one == other,
        (Group::Own(_) | Group::Shared(_), _) => false,
    };
    let mut properties = json!({
        "provisioningState": "Succeeded",
        "resourceGuid": guid,
        "securityRules":
            rules.iter().map(|rule| rule_json((&id, &etag), "securityRules", rule)).collect::<Vec<_>>(),
        "defaultSecurityRules":
            nsg::default_rules().iter().map(|rule| rule_json((&id, &etag), "defaultSecurityRules", rule)).collect::<Vec<_>>(),
    });
    let interfaces: Vec<_> = members.iter().filter(on_interface).map(|vm| json!({ "id": vm.nic_id() })).collect();
    if !interfaces.is_empty() {
        properties["networkInterfaces"] = interfaces.into();
    }
    if let Group::Shared(index) = group {
        let behind = members.iter().filter(|vm| vm.subnet_group == Some(index));
        let subnets: std::collections::BTreeSet<_> = behind.map(|vm| vm.subnet_id()).collect();
        if !subnets.is_empty() {
            properties["subnets"] = subnets.into_iter().map(|id| json!({ "id": id })).collect();
        }
    }
    json!({
        "name": name,
        "id": id,
        "etag": etag,
        "type": "Microsoft.Network/networkSecurityGroups",
        "location": location,
        "tags": compute::tags(),
        "properties": properties,
    })
}

fn rule_json((group, etag): (&str, &str), kind: &str, rule: &SecurityRule) -> Value {
    let mut properties = json!({
        "provisioningState": "Succeeded",
        "description": &rule.description,
        "protocol": rule.protocol.name(),
        "access": rule.access.name(),
        "priority": rule.priority,
        "direction": rule.direction.name(),
        "sourcePortRanges": [],
        "destinationPortRanges": [],
        "sourceAddressPrefixes": [],
        "destinationAddressPrefixes": [],
    });
    let texts = |ranges: &[PortRange]| ranges.iter().map(ToString::to_string).collect::<Vec<_>>();
    for (one, many, mut values) in [
        ("sourcePortRange", "sourcePortRanges", texts(&rule.source_ports)),
        ("destinationPortRange", "destinationPortRanges", texts(&rule.ports)),
        ("sourceAddressPrefix", "sourceAddressPrefixes", rule.sources.clone()),
        ("destinationAddressPrefix", "destinationAddressPrefixes", rule.destinations.clone()),
    ] {
        // Azure writes one value in the singular field and several in the plural one.
        match (values.pop(), values.is_empty()) {
            (Some(only), true) => properties[one] = only.into(),
            (last, _) => properties[many] = values.into_iter().chain(last).collect(),
        }
    }
    json!({
        "name": &rule.name,
        "id": format!("{group}/{kind}/{}", rule.name),
        "etag": etag.to_owned(),
        "type": format!("Microsoft.Network/networkSecurityGroups/{kind}"),
        "properties": properties,
    })
}

/// The effective rules of a network interface, group by group in the order in which inbound traffic meets them.
pub(super) fn effective(cloud: &Cloud, vm: &crate::state::vm::Vm, now: DateTime<Utc>) -> Value {
    let association = |group: Group<'_>, on_subnet: bool| {
        let rules = cloud.group_rules(group, now);
        let own = rules.iter().map(|rule| effective_rule(rule, "securityRules"));
        let defaults = nsg::default_rules();
        let defaults = defaults.iter().map(|rule| effective_rule(rule, "defaultSecurityRules"));
        let to = if on_subnet {
            json!({ "subnet": { "id": vm.subnet_id() } })
        } else {
            json!({ "networkInterface": { "id": vm.nic_id() } })
        };
        json!({
            "networkSecurityGroup": { "id": cloud.group_id(group) },
            "association": to,
            "effectiveSecurityRules": own.chain(defaults).collect::<Vec<_>>(),
        })
    };
    let subnet = Cloud::subnet_group(vm).map(|group| association(group, true));
    let interface = Cloud::nic_group(vm).map(|group| association(group, false));
    json!({ "value": subnet.into_iter().chain(interface).collect::<Vec<_>>() })
}

fn effective_rule(rule: &SecurityRule, kind: &str) -> Value {
    let ranges =
        |ranges: &[PortRange]| ranges.iter().map(|range| format!("{}-{}", range.first, range.last)).collect::<Vec<_>>();
    let (sources, expanded_sources) = effective_prefixes(&rule.sources);
    let (destinations, expanded_destinations) = effective_prefixes(&rule.destinations);
    let (source_ports, ports) = (ranges(&rule.source_ports), ranges(&rule.ports));
    let mut json = json!({
        "name": format!("{kind}/{}", rule.name),
        "protocol": match rule.protocol {
            nsg::Protocol::Any => "All",
            other @ (nsg::Protocol::Tcp | nsg::Protocol::Udp) => other.name(),
        },
        "sourcePortRange": source_ports.join(","),
        "destinationPortRange": ports.join(","),
        "sourcePortRanges": source_ports,
        "destinationPortRanges": ports,
        "sourceAddressPrefix": sources.join(","),
        "destinationAddressPrefix": destinations.join(","),
        "sourceAddressPrefixes": sources,
        "destinationAddressPrefixes": destinations,
        "access": rule.access.name(),
        "priority": rule.priority,
        "direction": rule.direction.name(),
    });
    if !expanded_sources.is_empty() {
        json["expandedSourceAddressPrefix"] = expanded_sources.into();
    }
    if !expanded_destinations.is_empty() {
        json["expandedDestinationAddressPrefix"] = expanded_destinations.into();
    }
    json
}

/// The prefixes as blocks and tags, and the blocks that the tags stand for.
fn effective_prefixes(prefixes: &[String]) -> (Vec<String>, Vec<String>) {
    let mut expanded = Vec::new();
    let mut shown = Vec::new();
    for prefix in prefixes {
        match (nsg::ServiceTag::parse(prefix), nsg::network(prefix)) {
            (Some(tag), _) => {
                shown.push(prefix.clone());
                expanded.extend(tag.blocks().iter().map(ToString::to_string));
            }
            (None, Some(block)) => shown.push(block.to_string()),
            (None, None) => shown.push(prefix.clone()),
        }
    }
    (shown, expanded)
}
