//! What a token says of whoever it was given to. Nobody checks its signature here: it comes from where tokens are given, by
//! TLS or from a tool on this machine, and what it says is shown and compared, and believed by nobody else.

use azure_core::credentials::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The n-th of the parts between dots, which is JSON in base64; `None` if it is not.
pub(super) fn part<T: DeserializeOwned>(token: &Secret, number: usize) -> Option<T> {
    let part = token.secret().split('.').nth(number)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()
}

/// The id by which the tenant of an access token knows whom it was given to.
pub(super) fn principal(token: &Secret) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        oid: Option<String>,
        appid: Option<String>,
    }
    let Claims { oid, appid } = part(token, 1)?;
    oid.or(appid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_whoever_it_was_given_to_and_an_opaque_one_nobody() {
        let token = |claims: &str| Secret::from(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)));
        assert_eq!(principal(&token(r#"{"oid":"ada","appid":"az"}"#)).as_deref(), Some("ada"));
        assert_eq!(principal(&token(r#"{"appid":"robot"}"#)).as_deref(), Some("robot"));
        for opaque in [token("{}"), token("[]"), token("no json"), "t0ken".into(), "a.b.c".into(), "".into()] {
            assert_eq!(principal(&opaque), None);
        }
    }
}
