//! The `claims` parameter: what a token is to hold beyond the ordinary.
//! https://learn.microsoft.com/entra/identity-platform/claims-challenge

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

/// The claims of a challenge, which come as base64 of either alphabet, as JSON; `None` if that is none.
pub(crate) fn decoded(challenge: &str) -> Option<String> {
    let challenge = challenge.trim_end_matches('=');
    let json = STANDARD_NO_PAD.decode(challenge).or_else(|_| URL_SAFE_NO_PAD.decode(challenge)).ok()?;
    let claims: Value = serde_json::from_slice(&json).ok()?;
    claims.is_object().then(|| claims.to_string())
}

/// Longer claims are none of Azure's, and are kept and repeated nowhere.
const LONGEST: usize = 4 << 10;

/// Claims as the next sign-in asks for them.
pub(crate) fn bounded(claims: Option<String>) -> Option<String> {
    claims.filter(|claims| claims.len() <= LONGEST)
}

/// What to ask for: that we can follow a challenge (`cp1`), and `claims` if there are any.
pub(super) fn with_capability(claims: Option<&str>) -> String {
    let mut all = claims.and_then(|claims| serde_json::from_str(claims).ok()).unwrap_or_else(|| json!({}));
    merge(&mut all, json!({ "access_token": { "xms_cc": { "values": ["cp1"] } } }));
    all.to_string()
}

fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (name, value) in more {
                merge(into.entry(name).or_insert_with(|| Value::Object(Map::new())), value);
            }
        }
        (into, more) => *into = more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_in_either_alphabet_and_nothing_else_is() {
        let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1??>"}}}"#;
        for padded in [true, false] {
            for encoded in [STANDARD_NO_PAD.encode(claims), URL_SAFE_NO_PAD.encode(claims)] {
                let encoded = if padded { format!("{encoded}==") } else { encoded };
                let read: Value = serde_json::from_str(&decoded(&encoded).unwrap()).unwrap();
                assert_eq!(read, serde_json::from_str::<Value>(claims).unwrap());
            }
        }
        for other in ["", "e30", "!!!", &STANDARD_NO_PAD.encode("[1]"), &STANDARD_NO_PAD.encode("{")] {
            assert_eq!(decoded(other).is_some(), other == "e30", "{other}");
        }
    }

    #[test]
    fn claims_of_any_length_are_not_repeated() {
        let claims = |length| Some("x".repeat(length));
        assert_eq!(bounded(claims(LONGEST)), claims(LONGEST));
        assert_eq!((bounded(claims(LONGEST + 1)), bounded(None)), (None, None));
    }

    #[test]
    fn the_capability_is_declared_beside_what_a_challenge_wants() {
        let capability = json!({ "access_token": { "xms_cc": { "values": ["cp1"] } } });
        for nothing in [None, Some(""), Some("{")] {
            assert_eq!(with_capability(nothing), capability.to_string(), "{nothing:?}");
        }
        let wanted = r#"{"access_token":{"nbf":{"value":"1"}},"id_token":{"x":null}}"#;
        let all: Value = serde_json::from_str(&with_capability(Some(wanted))).unwrap();
        let expected = json!({
            "access_token": { "nbf": { "value": "1" }, "xms_cc": { "values": ["cp1"] } }, "id_token": { "x": null },
        });
        assert_eq!(all, expected);
    }
}
