//! Resource providers: which namespaces and types there are, and which api-versions their clients may choose from.

use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{not_simulated, regions};

/// Namespace, newest api-version first, and types.
const PROVIDERS: &[Provider] = &[
    (
        "Microsoft.Compute",
        &["2025-04-01", "2024-11-01", "2024-07-01", "2022-11-01"],
        &[
            "virtualMachines",
            "disks",
            "availabilitySets",
            "images",
            "snapshots",
            "virtualMachineScaleSets",
            "galleries",
            "diskEncryptionSets",
            "sshPublicKeys",
            "proximityPlacementGroups",
            "hostGroups",
            "capacityReservationGroups",
            "restorePointCollections",
            "locations",
            "locations/vmSizes",
            "locations/usages",
            "locations/operations",
            "virtualMachines/extensions",
            "virtualMachines/runCommands",
        ],
    ),
    (
        "Microsoft.Network",
        &["2024-05-01", "2023-11-01", "2022-01-01"],
        &[
            "networkInterfaces",
            "publicIPAddresses",
            "networkSecurityGroups",
            "virtualNetworks",
            "loadBalancers",
            "routeTables",
            "bastionHosts",
            "natGateways",
            "firewallPolicies",
            "publicIPPrefixes",
            "applicationGateways",
            "applicationSecurityGroups",
            "virtualNetworkGateways",
            "privateEndpoints",
            "networkWatchers",
            "locations",
            "networkSecurityGroups/securityRules",
            "virtualNetworks/subnets",
        ],
    ),
    (
        "Microsoft.Security",
        &["2020-01-01"],
        &["locations", "jitNetworkAccessPolicies", "locations/jitNetworkAccessPolicies"],
    ),
    (
        "Microsoft.Resources",
        &["2024-11-01", "2022-12-01", "2021-04-01"],
        &["subscriptions", "resourceGroups", "resources", "tags", "tenants", "deployments", "links"],
    ),
    ("Microsoft.Insights", &["2015-04-01"], &["eventtypes", "eventtypes/values"]),
    ("Microsoft.Authorization", &["2022-04-01", "2020-05-01"], &["locks"]),
    ("Microsoft.ResourceGraph", &["2022-10-01", "2021-03-01"], &["resources", "operations"]),
];

/// A namespace, type or action as Azure spells it, if it is one that is known.
pub(super) fn spelt(segment: &str) -> String {
    let types = PROVIDERS.iter().flat_map(|(namespace, _, kinds)| {
        [*namespace].into_iter().chain(kinds.iter().flat_map(|kind| kind.split('/')))
    });
    let known = types.chain(ACTIONS.iter().copied()).find(|known| known.eq_ignore_ascii_case(segment));
    known.unwrap_or(segment).to_owned()
}

/// The api-versions of a namespace, newest first; `None` when there is no such namespace.
pub(super) fn versions(namespace: &str) -> Option<&'static [&'static str]> {
    PROVIDERS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(namespace)).map(|(_, versions, _)| *versions)
}

/// Whether a namespace has these types, one below the other. Types that are only ever listed count as well.
pub(super) fn has(namespace: &str, types: &[String]) -> bool {
    let Some((_, _, kinds)) = PROVIDERS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(namespace)) else {
        return false;
    };
    let is = |kind: &str, types: &[String]| kind.eq_ignore_ascii_case(&types.join("/"));
    types.is_empty() || kinds.iter().any(|kind| is(kind, types) || types.len() > 1 && is(kind, &types[..1]))
}

/// Actions, and parts of a resource that are read by a path of their own.
const ACTIONS: &[&str] = &[
    "start",
    "restart",
    "powerOff",
    "deallocate",
    "initiate",
    "ipFlowVerify",
    "effectiveNetworkSecurityGroups",
    "instanceView",
    "resourceGroups",
    "tagNames",
    "providers",
];

/// The type's full name in Azure's spelling, when there is such a type: `Microsoft.Network/loadBalancers`.
pub(super) fn known(namespace: &str, kind: &str) -> Option<String> {
    let (namespace, _, kinds) = PROVIDERS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(namespace))?;
    let kind = kinds.iter().find(|known| known.eq_ignore_ascii_case(kind))?;
    Some(format!("{namespace}/{kind}"))
}

pub(super) fn all(scope: &Scope) -> impl Iterator<Item = Value> {
    PROVIDERS.iter().map(|provider| in_subscription(scope, provider))
}

pub(super) fn one(scope: &Scope, namespace: &str) -> Result<Value, ArmError> {
    find(namespace).map(|provider| in_subscription(scope, provider))
}

/// All of them, as the tenant shows them: nobody has registered them there.
pub(super) fn of_tenant() -> impl Iterator<Item = Value> {
    PROVIDERS.iter().map(to_json)
}

pub(super) fn one_of_tenant(namespace: &str) -> Result<Value, ArmError> {
    find(namespace).map(to_json)
}

type Provider = (&'static str, &'static [&'static str], &'static [&'static str]);

fn find(namespace: &str) -> Result<&'static Provider, ArmError> {
    PROVIDERS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(namespace)).ok_or_else(|| {
        if not_simulated::may_exist(namespace) {
            not_simulated::answer(namespace)
        } else {
            ArmError::invalid_namespace(namespace)
        }
    })
}

fn in_subscription(scope: &Scope, provider: &Provider) -> Value {
    let mut shown = to_json(provider);
    shown["id"] = format!("{}/providers/{}", scope.id(), provider.0).into();
    shown["registrationPolicy"] = "RegistrationRequired".into();
    shown["registrationState"] = "Registered".into();
    shown
}

fn to_json((namespace, versions, kinds): &Provider) -> Value {
    let regions: Vec<_> = regions::shown().collect();
    let kind = |kind: &&str| {
        json!({
            "resourceType": kind,
            "locations": regions,
            "apiVersions": versions,
            "defaultApiVersion": versions[0],
            "capabilities": "CrossResourceGroupResourceMove, CrossSubscriptionResourceMove, SupportsTags, SupportsLocation",
        })
    };
    json!({
        "id": format!("/providers/{namespace}"),
        "namespace": namespace,
        "resourceTypes": kinds.iter().map(kind).collect::<Vec<_>>(),
    })
}
