//! Which tenant a subscription belongs to. Azure Resource Manager tells everybody who asks without a token, by the
//! challenge of its 401.

use ajar_core::failure::Trouble;
use azure_core::http::headers::{Headers, WWW_AUTHENTICATE};
use url::Url;

use crate::arm_error::{self, ArmError};
use crate::cloud::Cloud;
use crate::connection::{self, Http};
use crate::policies::retry_after;

pub(crate) const API_VERSION: &str = "2022-12-01";

/// The id of the tenant that a subscription of the cloud belongs to.
///
/// Nothing but that id is taken from the answer: where to sign in is for the cloud's settings to say.
///
/// # Errors
/// [`Failure::AzureError`](ajar_core::failure::Failure::AzureError) in Azure's words if there is no such subscription,
/// and what keeps Azure from being asked.
pub async fn tenant_of(cloud: &Cloud, http: Http, subscription: &str) -> Result<String, Trouble> {
    let mut url = cloud.resource_manager.clone();
    url.set_path(&format!("subscriptions/{subscription}"));
    url.query_pairs_mut().append_pair("api-version", API_VERSION);
    let look_again = http.limits().first_look;
    let mut answer = connection::get_openly(http.clone(), url.clone()).await?;
    if answer.status == 404 && !answer.is_foreign() {
        // Not all of Azure's servers know each subscription, or not yet.
        tokio::time::sleep(look_again).await;
        answer = connection::get_openly(http, url).await?;
    }
    let told = if answer.status == 401 { challenged(&answer.headers) } else { None };
    told.ok_or_else(|| {
        let failure = match answer.status {
            _ if answer.is_foreign() => arm_error::not_from_azure(&answer),
            429 => arm_error::throttled(retry_after(&answer.headers, chrono::Utc::now())),
            200..300 => arm_error::unreadable(answer.status, "it was asked without a token, and asked for none"),
            status => ArmError::of_body(&answer.body).into_azure_error(status),
        };
        answer.trouble(failure)
    })
}

/// What of a URL's path names its subscription, which can be asked for without a token; any will do where it names none.
pub(crate) fn path_of(url: &Url) -> String {
    let mut segments = url.path_segments().into_iter().flatten();
    let named = segments.find(|segment| segment.eq_ignore_ascii_case("subscriptions")).and_then(|_| segments.next());
    format!("subscriptions/{}", named.unwrap_or("00000000-0000-0000-0000-000000000000"))
}

/// The tenant that the challenge of a 401 names.
pub(crate) fn challenged(headers: &Headers) -> Option<String> {
    headers.get_optional_str(&WWW_AUTHENTICATE).and_then(named)
}

/// The tenant of `Bearer authorization_uri="https://login.windows.net/TENANT", …`.
fn named(challenge: &str) -> Option<String> {
    let (_, rest) = challenge.split_once("authorization_uri=")?;
    let address = rest.trim_start_matches('"').split(['"', ',', ' ']).next()?;
    let url = Url::parse(address).ok()?;
    let tenant = url.path_segments()?.next()?;
    let is_id = tenant.len() == 36 && tenant.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    is_id.then(|| tenant.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02";

    #[test]
    fn the_tenant_is_read_whatever_host_the_challenge_names_and_nothing_else_is() {
        for challenge in [
            format!(r#"Bearer authorization_uri="https://login.windows.net/{TENANT}", error="invalid_token""#),
            format!(r#"Bearer error="invalid_token", authorization_uri="https://login.microsoftonline.us/{TENANT}/""#),
            format!("Bearer authorization_uri=https://login.chinacloudapi.cn/{}, x=y", TENANT.to_uppercase()),
        ] {
            assert_eq!(named(&challenge).as_deref(), Some(TENANT), "{challenge}");
        }
        for challenge in [
            "",
            "Bearer",
            r#"Bearer authorization_uri="https://login.windows.net/common""#,
            r#"Bearer authorization_uri="https://login.windows.net/""#,
            r#"Bearer authorization_uri="not a url""#,
            r#"Bearer authorization_uri="https://login.windows.net/../../x; az login""#,
        ] {
            assert_eq!(named(challenge), None, "{challenge}");
        }
    }
}
