//! What a token is asked for: `scope` of the v2.0 endpoints, `resource` of the older ones.

use crate::entra::refusal::Refusal;
use crate::world::World;

/// Scopes that are about the user and not about a resource.
const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The audience of the access token.
    pub(crate) audience: Option<String>,
    pub(crate) openid: bool,
    pub(crate) offline_access: bool,
    /// As they were sent, for the answer's `scope`.
    pub(crate) scopes: Vec<String>,
}

impl Wanted {
    /// Reads a `scope` parameter. One resource at a time: AADSTS70011 otherwise.
    pub(crate) fn of_scope(scope: &str) -> Result<Self, Refusal> {
        let mut wanted = Self::default();
        for word in scope.split_ascii_whitespace() {
            wanted.scopes.push(word.to_owned());
            let plain = word.to_ascii_lowercase();
            if OPENID.contains(&plain.as_str()) {
                wanted.openid |= plain == "openid";
                wanted.offline_access |= plain == "offline_access";
                continue;
            }
            let resource = resource(word).ok_or_else(|| Refusal::new("invalid_scope", 70_011, invalid(word)))?;
            match &wanted.audience {
                Some(known) if known.trim_end_matches('/') != resource.trim_end_matches('/') => {
                    let description = format!(
                        "The provided request must include a 'scope' input parameter. The provided value for the input \
                         parameter 'scope' is not valid because it contains more than one resource. Scope {scope}"
                    );
                    return Err(Refusal::new("invalid_scope", 28_000, description));
                }
                Some(_) => {}
                None => wanted.audience = Some(resource),
            }
        }
        Ok(wanted)
    }

    /// Reads a `resource` parameter. The older endpoints always give a refresh token and an id token.
    pub(crate) fn of_resource(resource: &str) -> Self {
        Self { audience: Some(resource.to_owned()), openid: true, offline_access: true, scopes: Vec::new() }
    }
}

fn invalid(scope: &str) -> String {
    format!(
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' \
         is not valid. The scope {scope} is not valid."
    )
}

/// The resource of one scope: all before the last segment, `https://management.azure.com` of
/// `https://management.azure.com/user_impersonation`. Command-line clients keep the audience's own slash and send two.
fn resource(scope: &str) -> Option<String> {
    let (resource, permission) = scope.rsplit_once('/')?;
    (!resource.is_empty() && !permission.is_empty() && resource.contains(':')).then(|| resource.to_owned())
}

/// Microsoft Graph, by which tokens about users go. It is not served; its tokens are for the wrong audience everywhere.
pub(crate) const GRAPH_ID: &str = "00000003-0000-0000-c000-000000000000";
const GRAPH: &str = "https://graph.microsoft.com";

/// The resource manager is installed in the tenants, and Microsoft Graph.
pub(crate) fn known(world: &World, audience: &str, tenant: &str) -> Result<String, Refusal> {
    if world.is_audience(audience) || audience.trim_end_matches('/') == GRAPH {
        Ok(audience.to_owned())
    } else {
        Err(Refusal::unknown_resource(audience, tenant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_names_one_resource_and_what_is_about_the_user() {
        let wanted = Wanted::of_scope("https://management.azure.com//.default offline_access openid profile").unwrap();
        assert_eq!(wanted.audience.as_deref(), Some("https://management.azure.com/"));
        assert!(wanted.openid && wanted.offline_access);
        let plain = Wanted::of_scope("openid").unwrap();
        assert!(plain.audience.is_none() && !plain.offline_access);
        for (scope, number) in [("nonsense", 70_011), ("https://a/x https://b/y", 28_000)] {
            assert_eq!(Wanted::of_scope(scope).unwrap_err().number, number, "{scope}");
        }
    }
}
