//! Secrets bound to the authority that they are for. A cloud is a name in the settings, and whoever changes what stands
//! under it would have what was signed in under that name sent to another host.

use ajar_azure::{Cloud, Secret};
use ajar_core::failure::Failure;
use serde::{Deserialize, Serialize};

/// What the keychain keeps.
#[derive(Serialize, Deserialize)]
struct Bound {
    /// Scheme, host and port, unless that is the usual one.
    authority: String,
    secret: String,
}

/// Where secrets of a cloud are sent to.
pub(super) fn authority(cloud: &Cloud) -> String {
    cloud.authority.origin().ascii_serialization()
}

/// A secret, as it is kept for an authority.
pub(super) fn bind(secret: &Secret, authority: &str) -> Result<Secret, Failure> {
    let bound = Bound { authority: authority.to_owned(), secret: secret.secret().to_owned() };
    let text = serde_json::to_string(&bound).map_err(|error| Failure::Internal { detail: error.to_string() })?;
    Ok(text.into())
}

/// The secret of what was kept, if it is for that authority. What names no authority is for none: nobody knows where it
/// came from.
pub(super) fn unbind(kept: &Secret, authority: &str) -> Option<Secret> {
    let bound: Bound = serde_json::from_str(kept.secret()).ok()?;
    (bound.authority == authority).then(|| bound.secret.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_there_for_its_own_authority_alone() {
        let mut cloud = Cloud::public();
        let public = authority(&cloud);
        assert_eq!(public, "https://login.microsoftonline.com");
        let kept = bind(&"to\"ken".into(), &public).unwrap();
        assert_eq!(unbind(&kept, &public).as_ref().map(Secret::secret), Some("to\"ken"));
        for other in ["https://login.microsoftonline.com:444", "https://login.microsoftonline.us", "https://127.0.0.1"]
        {
            cloud.authority = other.parse().unwrap();
            assert_eq!(unbind(&kept, &authority(&cloud)), None, "{other}");
        }
    }

    #[test]
    fn what_was_kept_without_an_authority_is_for_none() {
        for kept in ["0.AXoA-token", "{\"secret\":\"token\"}", ""] {
            assert_eq!(unbind(&kept.into(), "https://login.microsoftonline.com"), None, "{kept}");
        }
    }
}
