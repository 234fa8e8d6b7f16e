//! What is served at a path, by name: Azure's own operation ids, and names like them for what is no resource manager's.

use axum::http::Method;

use crate::arm::route::{self, NetworkType, Route, Scope, Target};
use crate::state::power::PowerAction;

/// The name of what `method` asks for at `path`; `None` when nothing is served there.
pub(crate) fn name(method: &Method, path: &str) -> Option<&'static str> {
    elsewhere(path).or_else(|| route::parse(method, path).map(|route| of_route(&route)))
}

/// Endpoints that are not the resource manager's.
fn elsewhere(path: &str) -> Option<&'static str> {
    let lower = path.to_ascii_lowercase();
    let words: Vec<&str> = lower.split('/').filter(|word| !word.is_empty()).collect();
    Some(match words.as_slice() {
        ["_ip", _] => "PublicAddress_Get",
        ["_identity", "token"] | ["metadata", "identity", "oauth2", "token"] => "ManagedIdentity_Token",
        ["metadata", "endpoints"] => "Metadata_Endpoints",
        [.., "discovery", "instance"] => "Entra_InstanceDiscovery",
        [_, .., "openid-configuration"] => "Entra_OpenIdConfiguration",
        [_, "oauth2", .., "token"] => "Entra_Token",
        [_, "oauth2", .., "authorize"] => "Entra_Authorize",
        [_, "oauth2", .., "devicecode"] => "Entra_DeviceCode",
        _ => return None,
    })
}

/// Whether the path is the resource manager's, whose answers all carry request ids.
pub(crate) fn is_resource_manager(path: &str) -> bool {
    elsewhere(path).is_none()
}

fn of_route(route: &Route) -> &'static str {
    match route {
        Route::Subscriptions => "Subscriptions_List",
        Route::Tenants => "Tenants_List",
        Route::GraphQuery => "Resources",
        Route::GraphOperations => "Operations_List",
        Route::Within(scope, target) => of_target(scope, target),
    }
}

fn of_target(scope: &Scope, target: &Target) -> &'static str {
    let in_group = scope.resource_group.is_some();
    let either = |group, subscription| if in_group { group } else { subscription };
    match target {
        Target::Subscription => "Subscriptions_Get",
        Target::ResourceGroups => "ResourceGroups_List",
        Target::Policies { location: None } => {
            either("JitNetworkAccessPolicies_ListByResourceGroup", "JitNetworkAccessPolicies_List")
        }
        Target::Policies { location: Some(_) } => {
            either("JitNetworkAccessPolicies_ListByResourceGroupAndRegion", "JitNetworkAccessPolicies_ListByRegion")
        }
        Target::Policy { .. } => "JitNetworkAccessPolicies_Get",
        Target::PutPolicy { .. } => "JitNetworkAccessPolicies_CreateOrUpdate",
        Target::DeletePolicy { .. } => "JitNetworkAccessPolicies_Delete",
        Target::Initiate { .. } => "JitNetworkAccessPolicies_Initiate",
        Target::Read(read) => read.operation(in_group),
        Target::VirtualMachines => either("VirtualMachines_List", "VirtualMachines_ListAll"),
        Target::VirtualMachine { .. } => "VirtualMachines_Get",
        Target::InstanceView { .. } => "VirtualMachines_InstanceView",
        Target::Power { action: PowerAction::Start, .. } => "VirtualMachines_Start",
        Target::Power { action: PowerAction::Restart, .. } => "VirtualMachines_Restart",
        Target::Power { action: PowerAction::PowerOff, .. } => "VirtualMachines_PowerOff",
        Target::Power { action: PowerAction::Deallocate, .. } => "VirtualMachines_Deallocate",
        Target::Operation { .. } => "Operations_Get",
        Target::OperationResult { .. } => "OperationResults_Get",
        Target::IpFlowVerify { .. } => "NetworkWatchers_VerifyIPFlow",
        Target::EffectiveGroups { .. } => "NetworkInterfaces_ListEffectiveNetworkSecurityGroups",
        Target::NetworkList(NetworkType::Interface) => either("NetworkInterfaces_List", "NetworkInterfaces_ListAll"),
        Target::NetworkList(NetworkType::PublicIpAddress) => {
            either("PublicIPAddresses_List", "PublicIPAddresses_ListAll")
        }
        Target::NetworkList(NetworkType::SecurityGroup) => {
            either("NetworkSecurityGroups_List", "NetworkSecurityGroups_ListAll")
        }
        Target::Network(NetworkType::Interface, _) => "NetworkInterfaces_Get",
        Target::Network(NetworkType::PublicIpAddress, _) => "PublicIPAddresses_Get",
        Target::Network(NetworkType::SecurityGroup, _) => "NetworkSecurityGroups_Get",
        Target::SecurityRules { .. } => "SecurityRules_List",
        Target::SecurityRule { .. } => "SecurityRules_Get",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_has_azures_own_names() {
        let group = "/subscriptions/s/resourceGroups/g/providers";
        for (method, path, expected) in [
            (Method::GET, "/subscriptions", Some("Subscriptions_List")),
            (Method::GET, &format!("{group}/Microsoft.Compute/virtualMachines/a"), Some("VirtualMachines_Get")),
            (
                Method::POST,
                &format!("{group}/Microsoft.Compute/virtualMachines/a/start"),
                Some("VirtualMachines_Start"),
            ),
            (Method::POST, "/7c1f0a52/oauth2/v2.0/token", Some("Entra_Token")),
            (Method::POST, "/adfs/oauth2/token", Some("Entra_Token")),
            (Method::GET, "/t/v2.0/.well-known/openid-configuration", Some("Entra_OpenIdConfiguration")),
            (Method::GET, "/_ip/2", Some("PublicAddress_Get")),
            (Method::GET, "/_identity/token", Some("ManagedIdentity_Token")),
            (Method::GET, "/nonsense", None),
        ] {
            assert_eq!(name(&method, path), expected, "{path}");
        }
    }
}
