//! Reads beside VMs and policies: which paths there are, their names, and who answers.

use std::collections::BTreeSet;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::filter::{Clause, Filter, Test, Verdict};
use crate::arm::resources::Resource;
use crate::arm::route::{self, Scope};
use crate::arm::{
    Call, activity_log, bastion_hosts, compute, defender_location, diagnostics, disk, network, page, permissions,
    pricings, providers, regions, resources, security_groups, sizes, subscriptions, virtual_network,
};
use crate::served::RouteName;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Locations,
    ResourceGroup,
    Resources,
    Providers,
    Provider(String),
    /// Names and values of all tags of a subscription.
    TagNames,
    /// `Microsoft.Resources/tags/default` of a resource of this type and name.
    Tags(String, String),
    Disks,
    Disk(String),
    VirtualNetworks,
    VirtualNetwork(String),
    NetworkWatchers,
    NetworkWatcher(String),
    BastionHosts,
    BastionHost(String),
    Subnets(String),
    Subnet(String, String),
    DefaultSecurityRules(String),
    DefaultSecurityRule(String, String),
    IpConfigurations(String),
    IpConfiguration(String, String),
    /// The VMs of one region.
    VirtualMachines(String),
    Sizes,
    /// The one region in which Defender keeps what it knows of a subscription.
    DefenderLocations,
    DefenderLocation(String),
    /// The Activity Log of a subscription.
    ActivityLog,
    /// The Defender plans of a subscription.
    Pricings,
    Pricing(String),
    /// What the caller may at the group.
    Permissions,
    /// What the caller may at this VM.
    PermissionsOfVm(String),
    Skus,
    Usages(String),
    /// A list that belongs to this VM: sizes that it can take.
    VirtualMachineSizes(String),
    VirtualMachineExtensions(String),
    VirtualMachineRunCommands(String),
    /// A list of a type of which the fleet has nothing.
    NoneOf(String),
    /// A resource of such a type.
    Missing(String, String),
}

/// What only a subscription has.
pub(super) fn in_subscription(words: &[&str], names: &[&str]) -> Option<Read> {
    let name = |index: usize| names[index].to_owned();
    Some(match words {
        ["locations"] => Read::Locations,
        ["providers"] => Read::Providers,
        ["providers", _] => Read::Provider(name(1)),
        ["tagnames"] => Read::TagNames,
        ["providers", "microsoft.compute", "skus"] => Read::Skus,
        ["providers", "microsoft.security", "locations"] => Read::DefenderLocations,
        ["providers", "microsoft.security", "locations", _] => Read::DefenderLocation(name(3)),
        ["providers", "microsoft.security", "pricings"] => Read::Pricings,
        ["providers", "microsoft.security", "pricings", _] => Read::Pricing(name(3)),
        ["providers", "microsoft.compute", "locations", _, "virtualmachines"] => Read::VirtualMachines(name(3)),
        ["providers", "microsoft.compute", "locations", _, "vmsizes"] => Read::Sizes,
        ["providers", "microsoft.compute", "locations", _, "usages"] => Read::Usages(name(3)),
        ["providers", "microsoft.insights", "eventtypes", "management", "values"] => Read::ActivityLog,
        words => list(words, names)?,
    })
}

/// What a resource group has.
pub(super) fn in_group(words: &[&str], names: &[&str]) -> Option<Read> {
    let name = |index: usize| names[index].to_owned();
    Some(match words {
        [] => Read::ResourceGroup,
        ["providers", _, _, _, "providers", "microsoft.resources", "tags", "default"] => {
            Read::Tags(format!("{}/{}", name(1), name(2)), name(3))
        }
        ["providers", "microsoft.authorization", "permissions"] => Read::Permissions,
        [
            "providers",
            "microsoft.compute",
            "virtualmachines",
            _,
            "providers",
            "microsoft.authorization",
            "permissions",
        ] => Read::PermissionsOfVm(name(3)),
        ["providers", "microsoft.compute", "disks", _] => Read::Disk(name(3)),
        ["providers", "microsoft.compute", "virtualmachines", _, "vmsizes"] => Read::VirtualMachineSizes(name(3)),
        ["providers", "microsoft.compute", "virtualmachines", _, "extensions"] => {
            Read::VirtualMachineExtensions(name(3))
        }
        ["providers", "microsoft.compute", "virtualmachines", _, "runcommands"] => {
            Read::VirtualMachineRunCommands(name(3))
        }
        ["providers", "microsoft.network", kind, rest @ ..] if !rest.is_empty() => {
            network_resource(kind, rest, &names[3..]).or_else(|| missing(words, names))?
        }
        ["providers", _, _, _] => missing(words, names)?,
        words => list(words, names)?,
    })
}

fn network_resource(kind: &str, rest: &[&str], names: &[&str]) -> Option<Read> {
    let name = |index: usize| names[index].to_owned();
    Some(match (kind, rest) {
        ("bastionhosts", [_]) => Read::BastionHost(name(0)),
        ("networkwatchers", [_]) => Read::NetworkWatcher(name(0)),
        ("virtualnetworks", [_]) => Read::VirtualNetwork(name(0)),
        ("virtualnetworks", [_, "subnets"]) => Read::Subnets(name(0)),
        ("virtualnetworks", [_, "subnets", _]) => Read::Subnet(name(0), name(2)),
        ("networksecuritygroups", [_, "defaultsecurityrules"]) => Read::DefaultSecurityRules(name(0)),
        ("networksecuritygroups", [_, "defaultsecurityrules", _]) => Read::DefaultSecurityRule(name(0), name(2)),
        ("networkinterfaces", [_, "ipconfigurations"]) => Read::IpConfigurations(name(0)),
        ("networkinterfaces", [_, "ipconfigurations", _]) => Read::IpConfiguration(name(0), name(2)),
        _ => return None,
    })
}

/// A resource of a type that exists, and of which the fleet has nothing.
fn missing(words: &[&str], names: &[&str]) -> Option<Read> {
    match words {
        ["providers", namespace, kind, _] => {
            Some(Read::Missing(providers::known(namespace, kind)?, names[3].to_owned()))
        }
        _ => None,
    }
}

/// Lists that a subscription and a resource group have alike.
fn list(words: &[&str], _: &[&str]) -> Option<Read> {
    Some(match words {
        ["resources"] => Read::Resources,
        ["providers", "microsoft.compute", "disks"] => Read::Disks,
        ["providers", "microsoft.network", "virtualnetworks"] => Read::VirtualNetworks,
        ["providers", "microsoft.network", "networkwatchers"] => Read::NetworkWatchers,
        ["providers", "microsoft.network", "bastionhosts"] => Read::BastionHosts,
        ["providers", namespace, kind] => Read::NoneOf(providers::known(namespace, kind)?),
        _ => return None,
    })
}

impl Read {
    /// Azure's operation id.
    pub(crate) fn operation(&self, in_group: bool) -> RouteName {
        let either = |group, subscription| if in_group { group } else { subscription };
        match self {
            Self::Locations => RouteName::SubscriptionsListLocations,
            Self::ResourceGroup => RouteName::ResourceGroupsGet,
            Self::Resources => either(RouteName::ResourcesListByResourceGroup, RouteName::ResourcesList),
            Self::Providers => RouteName::ProvidersList,
            Self::Provider(_) => RouteName::ProvidersGet,
            Self::TagNames => RouteName::TagsList,
            Self::Tags(..) => RouteName::TagsGetAtScope,
            Self::Disks => either(RouteName::DisksListByResourceGroup, RouteName::DisksList),
            Self::Disk(_) => RouteName::DisksGet,
            Self::VirtualNetworks => either(RouteName::VirtualNetworksList, RouteName::VirtualNetworksListAll),
            Self::VirtualNetwork(_) => RouteName::VirtualNetworksGet,
            Self::NetworkWatchers => either(RouteName::NetworkWatchersList, RouteName::NetworkWatchersListAll),
            Self::NetworkWatcher(_) => RouteName::NetworkWatchersGet,
            Self::BastionHosts => either(RouteName::BastionHostsListByResourceGroup, RouteName::BastionHostsList),
            Self::BastionHost(_) => RouteName::BastionHostsGet,
            Self::Subnets(_) => RouteName::SubnetsList,
            Self::Subnet(..) => RouteName::SubnetsGet,
            Self::DefaultSecurityRules(_) => RouteName::DefaultSecurityRulesList,
            Self::DefaultSecurityRule(..) => RouteName::DefaultSecurityRulesGet,
            Self::IpConfigurations(_) => RouteName::NetworkInterfaceIpConfigurationsList,
            Self::IpConfiguration(..) => RouteName::NetworkInterfaceIpConfigurationsGet,
            Self::VirtualMachines(_) => RouteName::VirtualMachinesListByLocation,
            Self::Sizes => RouteName::VirtualMachineSizesList,
            Self::Skus => RouteName::ResourceSkusList,
            Self::Permissions => RouteName::PermissionsListForResourceGroup,
            Self::PermissionsOfVm(_) => RouteName::PermissionsListForResource,
            Self::DefenderLocations => RouteName::LocationsList,
            Self::DefenderLocation(_) => RouteName::LocationsGet,
            Self::ActivityLog => RouteName::ActivityLogsList,
            Self::Pricings => RouteName::PricingsList,
            Self::Pricing(_) => RouteName::PricingsGet,
            Self::Usages(_) => RouteName::UsageList,
            Self::VirtualMachineSizes(_) => RouteName::VirtualMachinesListAvailableSizes,
            Self::VirtualMachineExtensions(_) => RouteName::VirtualMachineExtensionsList,
            Self::VirtualMachineRunCommands(_) => RouteName::VirtualMachineRunCommandsListByVirtualMachine,
            Self::NoneOf(_) => RouteName::ResourcesListOfType,
            Self::Missing(..) => RouteName::ResourcesGet,
        }
    }
}

pub(super) fn answer(call: &Call<'_>, scope: &Scope, read: &Read) -> Result<Response, ArmError> {
    match read {
        Read::Locations => plain(call, scope, "Microsoft.Resources/subscriptions/locations", regions::all(scope)),
        Read::ResourceGroup => call.world.look(|cloud, _| subscriptions::resource_group(call, cloud, scope)),
        Read::Resources => resources::all(call, scope),
        Read::Providers => plain(call, scope, "Microsoft.Resources/subscriptions/providers", providers::all(scope)),
        Read::Provider(namespace) => provider(call, scope, namespace),
        Read::TagNames => plain(call, scope, "Microsoft.Resources/subscriptions/tagNames", tag_names(scope)),
        Read::Tags(kind, name) => tags_at(call, scope, kind, name),
        Read::Disks => disk::all(call, scope),
        Read::Disk(name) => disk::one(call, scope, name),
        Read::VirtualNetworks => virtual_network::all(call, scope),
        Read::VirtualNetwork(name) => virtual_network::one(call, scope, name),
        Read::NetworkWatchers => diagnostics::watchers(call, scope),
        Read::NetworkWatcher(name) => diagnostics::watcher(call, scope, name),
        Read::BastionHosts => bastion_hosts::all(call, scope),
        Read::BastionHost(name) => bastion_hosts::one(call, scope, name),
        Read::Subnets(network) => virtual_network::subnets(call, scope, network),
        Read::Subnet(network, name) => virtual_network::subnet_of(call, scope, network, name),
        Read::DefaultSecurityRules(group) => security_groups::default_rules(call, scope, group),
        Read::DefaultSecurityRule(group, name) => security_groups::default_rule(call, scope, group, name),
        Read::IpConfigurations(nic) => network::ip_configurations(call, scope, nic),
        Read::IpConfiguration(nic, name) => network::ip_configuration(call, scope, nic, name),
        Read::VirtualMachines(location) => compute::virtual_machines(call, scope, Some(location)),
        Read::Sizes => plain(call, scope, "Microsoft.Compute/locations/vmSizes", sizes::all()),
        Read::Skus => skus(call, scope),
        Read::Permissions => permissions::of_group(call, scope),
        Read::PermissionsOfVm(vm) => permissions::of_vm(call, scope, vm),
        Read::DefenderLocations => defender_location::all(call, scope),
        Read::DefenderLocation(name) => defender_location::one(call, scope, name),
        Read::ActivityLog => activity_log::values(call, scope),
        Read::Pricings => pricings::all(call, scope),
        Read::Pricing(name) => pricings::one(call, scope, name),
        Read::Usages(location) => usages(call, scope, location),
        Read::VirtualMachineSizes(vm) => of_vm(call, scope, (vm, "vmSizes"), sizes::all()),
        Read::VirtualMachineExtensions(vm) => of_vm(call, scope, (vm, "extensions"), []),
        Read::VirtualMachineRunCommands(vm) => of_vm(call, scope, (vm, "runCommands"), []),
        Read::NoneOf(kind) => plain(call, scope, kind, []),
        Read::Missing(kind, name) => call.world.look(|cloud, _| {
            call.permit(cloud, &format!("{kind}/read"), &format!("{}/providers/{kind}/{name}", scope.id()))?;
            Err(not_found(scope, kind, name))
        }),
    }
}

fn not_found(scope: &Scope, kind: &str, name: &str) -> ArmError {
    ArmError::resource_not_found(&format!("{kind}/{name}"), scope.resource_group.as_deref().unwrap_or_default())
}

fn provider(call: &Call<'_>, scope: &Scope, namespace: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, "Microsoft.Resources/subscriptions/providers/read", &scope.id())?;
        Ok(Json(providers::one(scope, namespace)?).into_response())
    })
}

/// A list for everybody who may read its type.
fn plain(
    call: &Call<'_>,
    scope: &Scope,
    kind: &str,
    value: impl IntoIterator<Item = Value>,
) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, &format!("{kind}/read"), &scope.id())?;
        page::list(call, cloud, value)
    })
}

/// A list that belongs to a VM, which must exist.
fn of_vm(
    call: &Call<'_>,
    scope: &Scope,
    (vm, kind): (&str, &str),
    value: impl IntoIterator<Item = Value>,
) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, &format!("Microsoft.Compute/virtualMachines/{kind}/read"), &compute::named(scope, vm))?;
        compute::find(cloud, scope, vm)?;
        page::list(call, cloud, value)
    })
}

fn usages(call: &Call<'_>, scope: &Scope, location: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, "Microsoft.Compute/locations/usages/read", &scope.id())?;
        let here: Vec<_> = cloud.vms_in(&scope.subscription, None).filter(|vm| vm.is_at(Some(location))).collect();
        let cores = here.iter().map(|vm| sizes::cores(&vm.size)).sum();
        page::list(call, cloud, sizes::usages(cores, here.len()))
    })
}

/// The sizes of each region that the filter admits: of those that are known, and of those that VMs are in.
fn skus(call: &Call<'_>, scope: &Scope) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, "Microsoft.Compute/skus/read", &scope.id())?;
        let filter = Filter::of(call, skus_in_filter)?;
        let of_vms = cloud.vms_in(&scope.subscription, None).map(|vm| vm.location.to_ascii_lowercase());
        let all: BTreeSet<_> = regions::names().map(str::to_owned).chain(of_vms).collect();
        let wanted = all.iter().filter(|region| filter.admits(&|clause| clause.holds_of_region(region)));
        page::list(call, cloud, wanted.flat_map(|region| sizes::skus(region)))
    })
}

/// Their description: "Only location filter is supported currently".
fn skus_in_filter(clause: &Clause) -> Verdict {
    match (clause.property.as_str(), clause.test) {
        ("location", Test::Equal) => Verdict::Served,
        _ => Verdict::NotSimulated,
    }
}

fn tag_names(scope: &Scope) -> Vec<Value> {
    let tags = compute::tags();
    let one = |(name, value): &(std::borrow::Cow<'static, str>, crate::json::Value)| {
        let id = format!("/subscriptions/{}/tagNames/{name}", scope.subscription);
        let count = json!({ "type": "Total", "value": 1 });
        let values = [json!({
            "id": format!("{id}/tagValues/{}", value.as_str().unwrap_or_default()),
            "tagValue": value,
            "count": count,
        })];
        json!({ "id": id, "tagName": name, "count": count, "values": values })
    };
    tags.members().iter().map(one).collect()
}

fn tags_at(call: &Call<'_>, scope: &Scope, kind: &str, name: &str) -> Result<Response, ArmError> {
    let id = format!("/{}", route::segments(call.path).join("/"));
    call.world.look(|cloud, _| {
        call.permit(cloud, "Microsoft.Resources/tags/read", &id)?;
        if !Resource::exists(cloud, scope, kind, name) {
            return Err(not_found(scope, kind, name));
        }
        let tags = json!({
            "id": id,
            "name": "default",
            "type": "Microsoft.Resources/tags",
            "properties": { "tags": compute::tags() },
        });
        Ok(Json(tags).into_response())
    })
}
