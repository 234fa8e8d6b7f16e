//! What a token says of whoever it was given to. Nobody checks its signature here: it comes from where tokens are given, by
//! TLS or from a tool on this machine, and what it says is shown and compared, and believed by nobody else.

use ajar_core::rights::Principal;
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

/// Whom an access token was given to, as the tenant knows them. Only what can be an id or a user name is repeated: it may be
/// pasted into a command.
pub(super) fn holder(token: &Secret) -> Principal {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Claims {
        oid: Option<String>,
        upn: Option<String>,
        unique_name: Option<String>,
        preferred_username: Option<String>,
        idtyp: Option<String>,
        appid: Option<String>,
    }
    let Claims { oid, upn, unique_name, preferred_username, idtyp, appid } = part(token, 1).unwrap_or_default();
    let is_id = |text: &String| text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let is_name = |text: &String| {
        let is_of_names = |c: char| c.is_alphanumeric() || "'._-!#^~+@".contains(c);
        text.contains('@') && text.chars().all(is_of_names)
    };
    // A token of a person has the application that they are signed in with, too.
    let application = appid.filter(is_id).filter(|_| idtyp.as_deref() == Some("app"));
    let user = [upn, unique_name, preferred_username].into_iter().flatten().find(is_name);
    Principal { name: user.or(application), object_id: oid.filter(is_id) }
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
    fn who_a_token_was_given_to_is_told_by_what_can_be_pasted_into_a_command() {
        let holder = |claims: serde_json::Value| {
            holder(&Secret::from(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))))
        };
        let (id, app) = ("5d3a1f0e-7c2b-4e19-9a54-0b6f8d2c1e77", "04b07795-8ddb-461a-bbee-02f9e1bf7b46");
        let who = |name: Option<&str>, object_id: Option<&str>| Principal {
            name: name.map(str::to_owned),
            object_id: object_id.map(str::to_owned),
        };
        let of_person = serde_json::json!({ "oid": id, "upn": "ada@contoso.example", "appid": app, "idtyp": "user" });
        assert_eq!(holder(of_person), who(Some("ada@contoso.example"), Some(id)));
        let of_guest = serde_json::json!({ "oid": id, "unique_name": "live.com#ada@mail.example", "appid": app });
        assert_eq!(holder(of_guest), who(Some("live.com#ada@mail.example"), Some(id)));
        let of_application = serde_json::json!({ "oid": id, "appid": app, "idtyp": "app" });
        assert_eq!(holder(of_application), who(Some(app), Some(id)));
        let odd = serde_json::json!({ "oid": "$(reboot)", "upn": "a@b\"; reboot", "appid": app });
        assert_eq!(holder(odd), who(None, None));
        assert_eq!(holder(serde_json::json!([])), who(None, None));
        assert_eq!(super::holder(&"t0ken".into()), who(None, None));
    }

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
