//! What is served at a path, by name: Azure's own operation ids, and names like them for what is no resource manager's.

mod names;

use axum::http::Method;

use crate::arm::route::{self, NetworkType, Route, Scope, Target};
use crate::state::power::PowerAction;
pub(crate) use names::RouteName;
pub use names::route_names;

/// The name of what `method` asks for at `path`; `None` when nothing is served there.
pub(crate) fn name(method: &Method, path: &str) -> Option<&'static str> {
    let name = elsewhere(path).or_else(|| route::parse(method, path).map(|route| of_route(&route)));
    name.map(RouteName::text)
}

/// Endpoints that are not the resource manager's.
fn elsewhere(path: &str) -> Option<RouteName> {
    let lower = path.to_ascii_lowercase();
    let words: Vec<&str> = lower.split('/').filter(|word| !word.is_empty()).collect();
    Some(match words.as_slice() {
        ["_ip", _] => RouteName::PublicAddressGet,
        ["api", "tokens"] => RouteName::BastionTunnelOpen,
        ["api", "tokens", _] => RouteName::BastionTunnelClose,
        ["webtunnelv2", _] => RouteName::BastionTunnelConnect,
        ["_identity", "token"] | ["metadata", "identity", "oauth2", "token"] => RouteName::ManagedIdentityToken,
        ["metadata", "instance", ..] => RouteName::InstanceMetadataGet,
        ["metadata", "endpoints"] => RouteName::MetadataEndpoints,
        [.., "discovery", "instance"] => RouteName::EntraInstanceDiscovery,
        [_, "discovery", .., "keys"] => RouteName::EntraKeys,
        ["common", "userrealm", _] => RouteName::EntraUserRealm,
        [_, .., "openid-configuration"] => RouteName::EntraOpenIdConfiguration,
        [_, "oauth2", .., "token"] => RouteName::EntraToken,
        [_, "oauth2", .., "authorize"] => RouteName::EntraAuthorize,
        [_, "oauth2", .., "logout"] => RouteName::EntraLogout,
        [_, "oauth2", .., "devicecode"] => RouteName::EntraDeviceCode,
        ["devicelogin", ..] => RouteName::EntraDeviceLogin,
        _ => return None,
    })
}

/// Whether the path is the resource manager's, whose answers all carry request ids.
pub(crate) fn is_resource_manager(path: &str) -> bool {
    elsewhere(path).is_none()
}

/// Whether it is an endpoint of Entra's.
pub(crate) fn is_entra(path: &str) -> bool {
    elsewhere(path).is_some_and(|name| name.text().starts_with("Entra_"))
}

fn of_route(route: &Route) -> RouteName {
    match route {
        Route::Subscriptions => RouteName::SubscriptionsList,
        Route::Tenants => RouteName::TenantsList,
        Route::GraphQuery => RouteName::Resources,
        Route::GraphOperations => RouteName::OperationsList,
        Route::Providers => RouteName::ProvidersListAtTenantScope,
        Route::Provider(_) => RouteName::ProvidersGetAtTenantScope,
        Route::Within(scope, target) => of_target(scope, target),
    }
}

fn of_target(scope: &Scope, target: &Target) -> RouteName {
    let in_group = scope.resource_group.is_some();
    let either = |group, subscription| if in_group { group } else { subscription };
    match target {
        Target::Subscription => RouteName::SubscriptionsGet,
        Target::ResourceGroups => RouteName::ResourceGroupsList,
        Target::Policies { location: None } => {
            either(RouteName::JitNetworkAccessPoliciesListByResourceGroup, RouteName::JitNetworkAccessPoliciesList)
        }
        Target::Policies { location: Some(_) } => either(
            RouteName::JitNetworkAccessPoliciesListByResourceGroupAndRegion,
            RouteName::JitNetworkAccessPoliciesListByRegion,
        ),
        Target::Policy { .. } => RouteName::JitNetworkAccessPoliciesGet,
        Target::PutPolicy { .. } => RouteName::JitNetworkAccessPoliciesCreateOrUpdate,
        Target::DeletePolicy { .. } => RouteName::JitNetworkAccessPoliciesDelete,
        Target::Initiate { .. } => RouteName::JitNetworkAccessPoliciesInitiate,
        Target::Read(read) => read.operation(in_group),
        Target::VirtualMachines => either(RouteName::VirtualMachinesList, RouteName::VirtualMachinesListAll),
        Target::VirtualMachine { .. } => RouteName::VirtualMachinesGet,
        Target::InstanceView { .. } => RouteName::VirtualMachinesInstanceView,
        Target::Power { action: PowerAction::Start, .. } => RouteName::VirtualMachinesStart,
        Target::Power { action: PowerAction::Restart, .. } => RouteName::VirtualMachinesRestart,
        Target::Power { action: PowerAction::PowerOff, .. } => RouteName::VirtualMachinesPowerOff,
        Target::Power { action: PowerAction::Deallocate, .. } => RouteName::VirtualMachinesDeallocate,
        Target::Power { action: PowerAction::Redeploy, .. } => RouteName::VirtualMachinesRedeploy,
        Target::RunCommand { .. } => RouteName::VirtualMachinesRunCommand,
        Target::Operation { .. } => RouteName::OperationsGet,
        Target::OperationResult { .. } => RouteName::OperationResultsGet,
        Target::IpFlowVerify { .. } => RouteName::NetworkWatchersVerifyIpFlow,
        Target::NextHop { .. } => RouteName::NetworkWatchersGetNextHop,
        Target::EffectiveGroups { .. } => RouteName::NetworkInterfacesListEffectiveNetworkSecurityGroups,
        Target::NetworkList(NetworkType::Interface) => {
            either(RouteName::NetworkInterfacesList, RouteName::NetworkInterfacesListAll)
        }
        Target::NetworkList(NetworkType::PublicIpAddress) => {
            either(RouteName::PublicIpAddressesList, RouteName::PublicIpAddressesListAll)
        }
        Target::NetworkList(NetworkType::SecurityGroup) => {
            either(RouteName::NetworkSecurityGroupsList, RouteName::NetworkSecurityGroupsListAll)
        }
        Target::Network(NetworkType::Interface, _) => RouteName::NetworkInterfacesGet,
        Target::Network(NetworkType::PublicIpAddress, _) => RouteName::PublicIpAddressesGet,
        Target::Network(NetworkType::SecurityGroup, _) => RouteName::NetworkSecurityGroupsGet,
        Target::SecurityRules { .. } => RouteName::SecurityRulesList,
        Target::SecurityRule { .. } => RouteName::SecurityRulesGet,
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
            (Method::GET, "/t/discovery/v2.0/keys", Some("Entra_Keys")),
            (Method::GET, "/devicelogin/submit.js", Some("Entra_DeviceLogin")),
            (Method::GET, "/metadata/instance/compute/location", Some("InstanceMetadata_Get")),
            (Method::GET, "/nonsense", None),
        ] {
            assert_eq!(name(&method, path), expected, "{path}");
        }
    }
}
