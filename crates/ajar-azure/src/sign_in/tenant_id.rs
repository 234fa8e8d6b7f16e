//! The id of a tenant that is known by one of its domains: Entra tells everybody.
//! https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc

use ajar_core::account;
use ajar_core::failure::Trouble;
use serde::Deserialize;
use url::Url;

use super::refusal::{self, Asker};
use crate::arm_error;
use crate::cloud::Cloud;
use crate::connection::{self, Http};

#[derive(Debug, Deserialize)]
struct Configuration {
    issuer: Url,
}

/// The id of a tenant of the cloud, in lower case, by its domain or by itself. `account` is whose tenant it is, for the words
/// of failures.
///
/// # Errors
/// [`Failure::NotInTenant`](ajar_core::failure::Failure::NotInTenant) if there is no such tenant, and what keeps Entra from
/// being asked.
pub async fn tenant_id(cloud: &Cloud, http: Http, account: &str, tenant: &str) -> Result<String, Trouble> {
    let tenant = account::tenant(tenant)?;
    let mut url = cloud.authority.clone();
    url.set_path(&format!("{tenant}/v2.0/.well-known/openid-configuration"));
    let answer = connection::get_openly(http, url).await?;
    if !answer.is_success() || answer.is_foreign() {
        let asker = Asker { account, client_id: "", tenant: &tenant, authority: &cloud.authority, device_code: false };
        return Err(refusal::of_answer(&answer, &asker).into());
    }
    let Configuration { issuer } = answer.parsed(|body| serde_json::from_slice(body))?;
    let id = issuer.path_segments().and_then(|mut path| path.next()).unwrap_or_default();
    // Of “organizations” and its like it is no tenant's.
    if id.len() == 36 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Ok(id.to_ascii_lowercase());
    }
    Err(answer.trouble(arm_error::unreadable(200, format!("{} told no tenant", answer.host))))
}
