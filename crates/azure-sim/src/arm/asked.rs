//! What a request asks for, read from its method and path alone, as the resource manager's gateway does: also of what
//! is not served or does not exist. Case does not matter; Azure's own spelling is given where it is known.

use std::borrow::Cow;

use axum::http::Method;

use crate::arm::error::ArmError;
use crate::arm::{not_simulated, providers, route};

/// An action, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Such as `Microsoft.Compute/virtualMachines/start/action`.
    pub(crate) action: String,
    /// The resource id, or the subscription or group whose list is asked for. `/` where there is no subscription.
    pub(crate) scope: String,
    subscription: Option<String>,
    resource_group: Option<String>,
    provider: Option<Provided>,
}

/// What the last `providers` of a path is followed by.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Provided {
    namespace: String,
    /// Types from the outermost to the innermost: `locations`, `jitNetworkAccessPolicies`.
    types: Vec<String>,
    names: Vec<String>,
}

impl Provided {
    /// `segments` are what follows `providers`. A POST ends with the name of its action, which is no type's.
    fn read(segments: &[&str], post: bool) -> Option<(Self, Option<String>)> {
        let (namespace, rest) = segments.split_first()?;
        let (rest, verb) = match rest.split_last() {
            Some((last, before)) if post => (before, Some(providers::spelt(last))),
            _ => (rest, None),
        };
        let types = rest.iter().step_by(2).map(|one| providers::spelt(one)).collect();
        let names = rest.iter().skip(1).step_by(2).map(|one| (*one).to_owned()).collect();
        Some((Self { namespace: providers::spelt(namespace), types, names }, verb))
    }

    /// `Microsoft.Network/networkSecurityGroups/securityRules`.
    fn kind(&self) -> String {
        format!("{}/{}", self.namespace, self.types.join("/"))
    }

    /// `Microsoft.Network/networkSecurityGroups/a/securityRules/b`: a type without a name of its own is left out.
    fn resource(&self) -> String {
        let pairs = self.types.iter().zip(&self.names).flat_map(|(kind, name)| [kind.as_str(), name.as_str()]);
        [self.namespace.as_str()].into_iter().chain(pairs).collect::<Vec<_>>().join("/")
    }
}

impl Asked {
    /// `None` when the path is neither below a subscription nor below a provider of the tenant's.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let kept = route::segments(path);
        let kept: Vec<&str> = kept.iter().map(Cow::as_ref).collect();
        let scope = route::scope(path);
        let (subscription, resource_group) =
            scope.map_or((None, None), |scope| (Some(scope.subscription), scope.resource_group));
        let start = kept.iter().rposition(|segment| segment.eq_ignore_ascii_case("providers"));
        let post = method == Method::POST;
        // A list of providers is no provider's.
        let read = start
            .and_then(|at| Provided::read(&kept[at + 1..], post))
            .filter(|(one, verb)| !one.types.is_empty() || verb.is_some());
        let Some((provided, verb)) = read else {
            return Self::of_resources(method, &kept, subscription, resource_group);
        };
        let kind = if provided.types.is_empty() { provided.namespace.clone() } else { provided.kind() };
        let action = match verb {
            Some(verb) => format!("{kind}/{verb}/action"),
            None => format!("{kind}/{}", verb_of(method)),
        };
        // A list is asked for where it is, a resource by its id.
        let unnamed = provided.types.len() - provided.names.len();
        let above = if provided.names.is_empty() {
            &kept[..start.unwrap_or_default()]
        } else {
            &kept[..kept.len() - unnamed - usize::from(post)]
        };
        let scope = format!("/{}", above.join("/"));
        Some(Self { action, scope, subscription, resource_group, provider: Some(provided) })
    }

    /// Subscriptions, resource groups, and what is directly below them.
    fn of_resources(
        method: &Method,
        kept: &[&str],
        subscription: Option<String>,
        resource_group: Option<String>,
    ) -> Option<Self> {
        const RESOURCES: &str = "Microsoft.Resources";
        let rest = match (&subscription, &resource_group) {
            (Some(_), Some(_)) => kept.get(4..),
            (Some(_), None) => kept.get(2..),
            (None, _) => kept.get(..).filter(|kept| matches!(kept, [one] if is_tenant_list(one))),
        }?;
        let base = match (&subscription, &resource_group) {
            (Some(_), Some(_)) => "/subscriptions/resourceGroups",
            (Some(_), None) => "/subscriptions",
            (None, _) => "",
        };
        let below: Vec<String> = rest.first().map(|one| providers::spelt(one)).into_iter().collect();
        let kind = [base.to_owned()].into_iter().chain(below.iter().map(|one| format!("/{one}"))).collect::<String>();
        let action = format!("{RESOURCES}{kind}/{}", verb_of(method));
        let scope = format!("/{}", kept[..kept.len() - rest.len()].join("/"));
        Some(Self { action, scope, subscription, resource_group, provider: None })
    }

    /// That it does not exist, in Azure's words.
    pub(crate) fn not_found(&self) -> ArmError {
        let group = self.resource_group.as_deref();
        match (&self.provider, group, &self.subscription) {
            (Some(provider), group, _) if !provider.names.is_empty() => {
                ArmError::resource_not_found(&provider.resource(), group.unwrap_or_default())
            }
            (_, Some(group), _) => ArmError::resource_group_not_found(group),
            (_, None, Some(subscription)) => ArmError::subscription_not_found(subscription),
            (_, None, None) => ArmError::missing_subscription(),
        }
    }

    /// Whether it is about a list as a whole.
    pub(super) fn is_list(&self) -> bool {
        match &self.provider {
            Some(provider) => provider.names.len() < provider.types.len(),
            None => self.resource_group.is_none(),
        }
    }

    /// Whether it is about something of a resource provider's, and not about subscriptions and resource groups.
    pub(super) fn is_of_provider(&self) -> bool {
        self.provider.is_some()
    }

    /// That there is no such namespace or type, or that it is none of those that are simulated.
    pub(crate) fn unknown_type(&self, version: &str) -> Option<ArmError> {
        let Some(provider) = &self.provider else { return None };
        match providers::versions(&provider.namespace) {
            None if not_simulated::may_exist(&provider.namespace) => Some(not_simulated::answer(&provider.kind())),
            None => Some(ArmError::invalid_namespace(&provider.namespace)),
            Some(_) if providers::has(&provider.namespace, &provider.types) => None,
            Some(versions) => Some(match not_simulated::known(&provider.namespace, &provider.types) {
                Some(kind) => not_simulated::answer(&kind),
                None => ArmError::invalid_type(&provider.namespace, &provider.types.join("/"), version, versions),
            }),
        }
    }

    /// That nobody has ever heard of this version of its type.
    pub(crate) fn unknown_version(&self, version: &str) -> ArmError {
        let known = self.provider.as_ref().and_then(|one| Some((one, providers::versions(&one.namespace)?)));
        match known {
            Some((provider, versions)) => {
                ArmError::no_registered_provider(&provider.types.join("/"), version, versions)
            }
            None => ArmError::invalid_api_version(version),
        }
    }
}

fn is_tenant_list(segment: &str) -> bool {
    ["subscriptions", "tenants", "providers"].iter().any(|known| known.eq_ignore_ascii_case(segment))
}

fn verb_of(method: &Method) -> &'static str {
    match *method {
        Method::PUT | Method::PATCH => "write",
        Method::DELETE => "delete",
        Method::POST => "action",
        _ => "read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &Method, path: &str) -> (String, String) {
        let asked = Asked::of(method, path).unwrap();
        (asked.action, asked.scope)
    }

    #[test]
    fn actions_and_scopes_are_those_that_azure_asks_for() {
        let group = "/subscriptions/s/resourceGroups/g";
        let vm = format!("{group}/providers/microsoft.compute/VIRTUALMACHINES/web");
        let policy = format!("{group}/providers/Microsoft.Security/locations/weu/jitnetworkaccesspolicies/default");
        for (method, path, action, scope) in [
            (Method::GET, vm.clone(), "Microsoft.Compute/virtualMachines/read", vm.clone()),
            (Method::PUT, vm.clone(), "Microsoft.Compute/virtualMachines/write", vm.clone()),
            (Method::DELETE, vm.clone(), "Microsoft.Compute/virtualMachines/delete", vm.clone()),
            (Method::POST, format!("{vm}/START"), "Microsoft.Compute/virtualMachines/start/action", vm.clone()),
            (
                Method::GET,
                format!("{vm}/instanceview"),
                "Microsoft.Compute/virtualMachines/instanceView/read",
                vm.clone(),
            ),
            (
                Method::GET,
                format!("{group}/providers/Microsoft.Compute/virtualMachines"),
                "Microsoft.Compute/virtualMachines/read",
                group.to_owned(),
            ),
            (
                Method::POST,
                format!("{policy}/initiate"),
                "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action",
                policy.clone(),
            ),
            (
                Method::GET,
                format!("{vm}/providers/Microsoft.Resources/tags/default"),
                "Microsoft.Resources/tags/read",
                format!("{vm}/providers/Microsoft.Resources/tags/default"),
            ),
            (Method::GET, group.to_owned(), "Microsoft.Resources/subscriptions/resourceGroups/read", group.to_owned()),
            (
                Method::GET,
                "/subscriptions/s/resourcegroups".to_owned(),
                "Microsoft.Resources/subscriptions/resourceGroups/read",
                "/subscriptions/s".to_owned(),
            ),
            (
                Method::GET,
                "/subscriptions/s".to_owned(),
                "Microsoft.Resources/subscriptions/read",
                "/subscriptions/s".to_owned(),
            ),
            (Method::GET, "/subscriptions".to_owned(), "Microsoft.Resources/subscriptions/read", "/".to_owned()),
            (
                Method::POST,
                "/providers/microsoft.resourcegraph/resources".to_owned(),
                "Microsoft.ResourceGraph/resources/action",
                "/".to_owned(),
            ),
        ] {
            assert_eq!(asked(&method, &path), (action.to_owned(), scope), "{method} {path}");
        }
        for path in ["/", "/nonsense/x", "/resourceGroups/g"] {
            assert_eq!(Asked::of(&Method::GET, path), None, "{path}");
        }
    }

    #[test]
    fn what_is_missing_is_named_by_its_type_and_its_group() {
        let group = "/subscriptions/s/resourceGroups/g";
        let rule = format!("{group}/providers/Microsoft.Network/networkSecurityGroups/a/securityRules/b");
        for (path, words) in [
            (rule, "'Microsoft.Network/networkSecurityGroups/a/securityRules/b' under resource group 'g'"),
            (format!("{group}/providers/Microsoft.Compute/virtualMachines"), "Resource group 'g' could not be found"),
            ("/subscriptions/s/locations".to_owned(), "The subscription 's' could not be found"),
        ] {
            let told = format!("{:?}", Asked::of(&Method::GET, &path).unwrap().not_found());
            assert!(told.contains(words), "{told}");
        }
    }
}
