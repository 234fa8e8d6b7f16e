//! What a path of Azure Resource Manager asks for. Case does not matter; names are kept as the caller wrote them.

use std::borrow::Cow;

use axum::http::Method;
use percent_encoding::percent_decode_str;

use crate::arm::read::{self, Read};
use crate::state::power::PowerAction;

/// Subscription, and the resource group for resources and lists that are narrowed to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) subscription: String,
    pub(crate) resource_group: Option<String>,
}

impl Scope {
    pub(crate) fn id(&self) -> String {
        match &self.resource_group {
            Some(group) => format!("/subscriptions/{}/resourceGroups/{group}", self.subscription),
            None => format!("/subscriptions/{}", self.subscription),
        }
    }
}

/// The network resources that a VM has one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NetworkType {
    Interface,
    PublicIpAddress,
    SecurityGroup,
}

impl NetworkType {
    /// Azure's name of the type, below `Microsoft.Network/`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interface => "networkInterfaces",
            Self::PublicIpAddress => "publicIPAddresses",
            Self::SecurityGroup => "networkSecurityGroups",
        }
    }

    fn parse(segment: &str) -> Option<Self> {
        let all = [Self::Interface, Self::PublicIpAddress, Self::SecurityGroup];
        all.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(segment))
    }
}

/// What is asked for within a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The subscription itself.
    Subscription,
    ResourceGroups,
    Policies {
        location: Option<String>,
    },
    Policy {
        location: String,
        name: String,
    },
    PutPolicy {
        location: String,
        name: String,
    },
    DeletePolicy {
        location: String,
        name: String,
    },
    Initiate {
        location: String,
        name: String,
    },
    /// What is there to be read beside VMs and their policies.
    Read(Read),
    VirtualMachines,
    VirtualMachine {
        name: String,
    },
    InstanceView {
        name: String,
    },
    Power {
        name: String,
        action: PowerAction,
    },
    RunCommand {
        name: String,
    },
    /// The status of a long-running operation.
    Operation {
        id: String,
    },
    /// Its `Location`.
    OperationResult {
        id: String,
    },
    IpFlowVerify {
        watcher: String,
    },
    NextHop {
        watcher: String,
    },
    EffectiveGroups {
        interface: String,
    },
    NetworkList(NetworkType),
    Network(NetworkType, String),
    SecurityRules {
        group: String,
    },
    SecurityRule {
        group: String,
        name: String,
    },
}

/// A request for Azure Resource Manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Subscriptions,
    Tenants,
    /// A query of Resource Graph.
    GraphQuery,
    GraphOperations,
    /// The resource providers that there are, whoever has registered them.
    Providers,
    Provider(String),
    Within(Scope, Target),
}

/// The segments of a path as they are meant: clients encode more of a name than they must (RFC 3986 2.3, 6.2.2.2), and
/// what is encoded parts no segments.
pub(crate) fn segments(path: &str) -> Vec<Cow<'_, str>> {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy()).collect()
}

/// Reads method and path; `None` when they name nothing that is served.
pub(crate) fn parse(method: &Method, path: &str) -> Option<Route> {
    let kept = segments(path);
    let kept: Vec<&str> = kept.iter().map(Cow::as_ref).collect();
    let lower: Vec<String> = kept.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let words: Vec<&str> = lower.iter().map(String::as_str).collect();
    // HEAD is GET without the answer's body.
    let get = method == Method::GET || method == Method::HEAD;
    let (subscription, rest) = match words.as_slice() {
        ["subscriptions"] if get => return Some(Route::Subscriptions),
        ["tenants"] if get => return Some(Route::Tenants),
        ["providers", "microsoft.resourcegraph", "resources"] if method == Method::POST => {
            return Some(Route::GraphQuery);
        }
        ["providers", "microsoft.resourcegraph", "operations"] if get => return Some(Route::GraphOperations),
        ["providers"] if get => return Some(Route::Providers),
        ["providers", _] if get => return Some(Route::Provider(kept[1].to_owned())),
        ["subscriptions", _, rest @ ..] => (kept[1].to_owned(), rest),
        _ => return None,
    };
    let (resource_group, rest) = match rest {
        ["resourcegroups", _, rest @ ..] => (Some(kept[3].to_owned()), rest),
        rest => (None, rest),
    };
    let names = &kept[kept.len() - rest.len()..];
    let target = match resource_group {
        None => in_subscription(get, rest, names)?,
        Some(_) => in_group(method, rest, names)?,
    };
    Some(Route::Within(Scope { subscription, resource_group }, target))
}

/// Subscription and resource group of any path below a subscription.
pub(crate) fn scope(path: &str) -> Option<Scope> {
    let kept = segments(path);
    let is = |index: usize, word: &str| kept.get(index).is_some_and(|segment| segment.eq_ignore_ascii_case(word));
    let subscription = kept.get(1).filter(|_| is(0, "subscriptions"))?;
    let resource_group = kept.get(3).filter(|_| is(2, "resourcegroups"));
    Some(Scope {
        subscription: subscription.clone().into_owned(),
        resource_group: resource_group.map(|name| name.clone().into_owned()),
    })
}

/// Whether the path is served by some method.
pub(crate) fn takes(path: &str) -> bool {
    [Method::GET, Method::POST, Method::PUT, Method::DELETE].iter().any(|method| parse(method, path).is_some())
}

fn in_subscription(get: bool, words: &[&str], names: &[&str]) -> Option<Target> {
    if !get {
        return None;
    }
    let name = |index: usize| names[index].to_owned();
    Some(match words {
        [] => Target::Subscription,
        ["resourcegroups"] => Target::ResourceGroups,
        ["providers", "microsoft.compute" | "microsoft.network", "locations", _, "operations", _] => {
            Target::Operation { id: name(5) }
        }
        ["providers", "microsoft.compute" | "microsoft.network", "locations", _, "operationresults", _] => {
            Target::OperationResult { id: name(5) }
        }
        words => list(words, names).or_else(|| read::in_subscription(words, names).map(Target::Read))?,
    })
}

/// Lists that a subscription and a resource group have alike.
fn list(words: &[&str], names: &[&str]) -> Option<Target> {
    Some(match words {
        ["providers", "microsoft.security", "jitnetworkaccesspolicies"] => Target::Policies { location: None },
        ["providers", "microsoft.security", "locations", _, "jitnetworkaccesspolicies"] => {
            Target::Policies { location: Some(names[3].to_owned()) }
        }
        ["providers", "microsoft.compute", "virtualmachines"] => Target::VirtualMachines,
        ["providers", "microsoft.network", kind] => Target::NetworkList(NetworkType::parse(kind)?),
        _ => return None,
    })
}

fn in_group(method: &Method, words: &[&str], names: &[&str]) -> Option<Target> {
    let name = |index: usize| names[index].to_owned();
    let policy = |words: &[&str]| matches!(words, ["providers", "microsoft.security", "locations", _, kind, ..] if *kind == "jitnetworkaccesspolicies");
    if method == Method::POST {
        return Some(match words {
            [.., "initiate"] if policy(words) && words.len() == 7 => {
                Target::Initiate { location: name(3), name: name(5) }
            }
            ["providers", "microsoft.network", "networkwatchers", _, "ipflowverify"] => {
                Target::IpFlowVerify { watcher: name(3) }
            }
            ["providers", "microsoft.network", "networkwatchers", _, "nexthop"] => Target::NextHop { watcher: name(3) },
            ["providers", "microsoft.compute", "virtualmachines", _, "runcommand"] => {
                Target::RunCommand { name: name(3) }
            }
            ["providers", "microsoft.network", "networkinterfaces", _, "effectivenetworksecuritygroups"] => {
                Target::EffectiveGroups { interface: name(3) }
            }
            ["providers", "microsoft.compute", "virtualmachines", _, action] => {
                Target::Power { name: name(3), action: power_action(action)? }
            }
            _ => return None,
        });
    }
    if [Method::PUT, Method::DELETE].contains(method) && policy(words) && words.len() == 6 {
        let (location, name) = (name(3), name(5));
        let put = method == Method::PUT;
        return Some(if put { Target::PutPolicy { location, name } } else { Target::DeletePolicy { location, name } });
    }
    if method != Method::GET && method != Method::HEAD {
        return None;
    }
    Some(match words {
        words if policy(words) && words.len() == 6 => Target::Policy { location: name(3), name: name(5) },
        ["providers", "microsoft.compute", "virtualmachines", _] => Target::VirtualMachine { name: name(3) },
        ["providers", "microsoft.compute", "virtualmachines", _, "instanceview"] => {
            Target::InstanceView { name: name(3) }
        }
        ["providers", "microsoft.network", kind, _] if NetworkType::parse(kind).is_some() => {
            Target::Network(NetworkType::parse(kind)?, name(3))
        }
        ["providers", "microsoft.network", "networksecuritygroups", _, "securityrules"] => {
            Target::SecurityRules { group: name(3) }
        }
        ["providers", "microsoft.network", "networksecuritygroups", _, "securityrules", _] => {
            Target::SecurityRule { group: name(3), name: name(5) }
        }
        words => list(words, names).or_else(|| read::in_group(words, names).map(Target::Read))?,
    })
}

fn power_action(segment: &str) -> Option<PowerAction> {
    let all = [
        PowerAction::Start,
        PowerAction::Restart,
        PowerAction::PowerOff,
        PowerAction::Deallocate,
        PowerAction::Redeploy,
    ];
    all.into_iter().find(|action| action.name().eq_ignore_ascii_case(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched_whatever_their_case_and_names_are_kept() {
        let path = "/SUBSCRIPTIONS/s/ResourceGroups/Rg/PROVIDERS/microsoft.compute/VirtualMachines/Web-01/INSTANCEVIEW";
        let scope = Scope { subscription: "s".to_owned(), resource_group: Some("Rg".to_owned()) };
        let target = Target::InstanceView { name: "Web-01".to_owned() };
        assert_eq!(parse(&Method::GET, path), Some(Route::Within(scope, target)));
    }

    #[test]
    fn what_is_encoded_in_a_name_is_part_of_it() {
        let path =
            "/subscriptions/s/resource%47roups/rg-%28demo%29%2Fx/providers/Microsoft.Compute/virtualMachines/web%2D01";
        let scope = Scope { subscription: "s".to_owned(), resource_group: Some("rg-(demo)/x".to_owned()) };
        assert_eq!(super::scope(path), Some(scope.clone()));
        let target = Target::VirtualMachine { name: "web-01".to_owned() };
        assert_eq!(parse(&Method::GET, path), Some(Route::Within(scope, target)));
    }

    #[test]
    fn only_post_initiates() {
        let path = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Security/locations/westeurope/\
                    jitNetworkAccessPolicies/default/initiate";
        assert!(parse(&Method::GET, path).is_none());
        let Some(Route::Within(_, Target::Initiate { location, name })) = parse(&Method::POST, path) else {
            panic!("not an initiate");
        };
        assert_eq!((location.as_str(), name.as_str()), ("westeurope", "default"));
    }

    #[test]
    fn nonsense_is_no_route() {
        for path in ["/", "/x", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Nothing/things/a"] {
            assert!(parse(&Method::GET, path).is_none(), "{path}");
        }
    }
}
