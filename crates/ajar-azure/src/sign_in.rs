//! How to sign in: which credential makes the tokens, and one cache before all of them.

mod azure_cli;
mod family;
mod refresh_tokens;
mod service_principal;
mod token_cache;

use std::sync::Arc;

use ajar_core::failure::{Failure, Trouble};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::error::Error;

use crate::cloud::Cloud;
use crate::connection::Http;
pub use refresh_tokens::{RefreshTokens, Stored};
use token_cache::TokenCache;

/// How to sign in to a cloud.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// As an application, with a client secret.
    ServicePrincipal {
        /// The tenant's id or one of its domains.
        tenant_id: String,
        /// The application's id.
        client_id: String,
        /// Its secret; never shown, logged or put into a URL.
        client_secret: Secret,
    },
    /// As whoever is signed in to the Azure CLI.
    AzureCli {
        /// The tenant, if not the CLI's default one.
        tenant_id: Option<String>,
    },
}

impl SignIn {
    /// A credential that gives out tokens for `cloud`. It remembers each token until five minutes before its end, and
    /// asks for a new one only once however many callers wait for it.
    ///
    /// Errors of the credential itself come out of the calls of [`ArmClient`](crate::ArmClient) as
    /// [`Failure::NotSignedIn`], [`Failure::PrincipalRefused`] or [`Failure::Unreachable`].
    ///
    /// # Errors
    /// [`Failure::NotSignedIn`] or [`Failure::PrincipalRefused`] for a tenant, client or secret that can't be one.
    pub fn credential(&self, cloud: &Cloud, http: Http) -> Result<Arc<dyn TokenCredential>, Trouble> {
        Ok(match self {
            Self::ServicePrincipal { tenant_id, client_id, client_secret } => {
                let limits = http.limits();
                let http = Arc::new(http);
                let source = service_principal::ServicePrincipal::new(
                    cloud,
                    tenant_id.clone(),
                    client_id.clone(),
                    client_secret.clone(),
                    http,
                    limits,
                )?;
                Arc::new(TokenCache::new(source))
            }
            Self::AzureCli { tenant_id } => {
                let source = azure_cli::AzureCli::new(tenant_id.clone(), Arc::new(azure_cli::AzProcess))?;
                Arc::new(TokenCache::new(source))
            }
        })
    }

    /// The client id, if it is an application that signs in.
    pub(crate) fn principal(&self) -> Option<&str> {
        match self {
            Self::ServicePrincipal { client_id, .. } => Some(client_id),
            Self::AzureCli { .. } => None,
        }
    }

    /// The service principal of `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`, if all three are set
    /// to something.
    pub fn from_environment(vars: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name| vars(name).filter(|value| !value.is_empty());
        Some(Self::ServicePrincipal {
            tenant_id: set("AZURE_TENANT_ID")?,
            client_id: set("AZURE_CLIENT_ID")?,
            client_secret: set("AZURE_CLIENT_SECRET")?.into(),
        })
    }
}

/// What a refusal of the sign-in means where it is an application that signs in.
pub(crate) fn of_principal(failure: Failure, client_id: &str) -> Failure {
    if let Failure::NotSignedIn { detail } = failure {
        return Failure::PrincipalRefused { client_id: client_id.to_owned(), detail };
    }
    failure
}

/// A sign-in that failed, as it travels through azure_core's errors.
#[derive(Debug, thiserror::Error)]
#[error("signing in failed: {0}")]
struct SignInFailed(Failure);

/// The failure of a sign-in inside an error of azure_core.
pub(crate) fn failure_within(error: &Error) -> Option<Failure> {
    causes(error).find_map(|cause| cause.downcast_ref::<SignInFailed>()).map(|failed| failed.0.clone())
}

/// An error and its causes, outermost first.
pub(crate) fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// The first line with something in it: what tools and services say before they go into detail.
pub(crate) fn first_line(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_signs_in_only_when_it_is_complete() {
        let complete = |name: &str| Some(format!("value of {name}"));
        let Some(SignIn::ServicePrincipal { tenant_id, client_secret, .. }) = SignIn::from_environment(complete) else {
            panic!("no service principal")
        };
        assert_eq!(tenant_id, "value of AZURE_TENANT_ID");
        assert_eq!(client_secret.secret(), "value of AZURE_CLIENT_SECRET");
        for missing in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"] {
            let without = |name: &str| (name != missing).then(|| "x".to_owned());
            assert!(SignIn::from_environment(without).is_none(), "{missing}");
            let empty = |name: &str| Some(if name == missing { String::new() } else { "x".to_owned() });
            assert!(SignIn::from_environment(empty).is_none(), "{missing}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let sign_in = SignIn::from_environment(|_| Some("hunter2-hunter2".to_owned())).unwrap();
        let SignIn::ServicePrincipal { client_secret, .. } = &sign_in else { panic!("no service principal") };
        assert_eq!(format!("{client_secret:?}"), "Secret");
        assert!(format!("{sign_in:?}").contains("client_secret: Secret"));
    }

    #[test]
    fn a_tenant_that_cannot_be_one_is_refused_at_once() {
        let http = crate::http_client(&Cloud::public()).unwrap();
        for sign_in in [
            SignIn::AzureCli { tenant_id: Some("x; reboot".into()) },
            SignIn::ServicePrincipal { tenant_id: "../x".into(), client_id: "c".into(), client_secret: "s".into() },
        ] {
            let trouble = sign_in.credential(&Cloud::public(), http.clone()).unwrap_err();
            let refused = matches!(trouble.failure, Failure::NotSignedIn { .. } | Failure::PrincipalRefused { .. });
            assert!(refused, "{trouble:?}");
        }
    }
}
