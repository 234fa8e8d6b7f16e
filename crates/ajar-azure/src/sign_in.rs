//! How to sign in: which credential makes the tokens, and one cache before all of them.

mod az_accounts;
mod az_cloud;
mod az_process;
mod azure_cli;
mod browser;
mod certificate;
pub(crate) mod claims;
mod credential;
mod developer_cli;
mod device_code;
mod family;
mod jwt;
mod loopback;
mod managed_identity;
mod public_client;
mod refresh;
mod refresh_tokens;
mod refusal;
mod service_principal;
mod tenant_id;
mod token_cache;
mod tool_answer;
mod tool_failure;

use std::sync::Arc;

use ajar_core::account::ENVIRONMENT;
use ajar_core::failure::{Failure, PrincipalFlaw, Proof, SignInDemand, SignInReason, TokenTool, Trouble};
use azure_core::error::{Error, ErrorKind};

use crate::cloud::Cloud;
use crate::connection::Http;
pub use az_accounts::{AzAccount, az_accounts, az_profile_version};
pub(crate) use az_cloud::{AzCloud, VARIABLE as AZURE_CLOUD_NAME};
pub(crate) use az_process::for_az;
pub use browser::BrowserSignIn;
pub use credential::Credential;
pub use device_code::DeviceCodeSignIn;
pub(crate) use family::Family;
pub use public_client::{Person, SignedIn};
pub use refresh_tokens::{RefreshTokens, Stored, TokensByTenant};
pub use service_principal::ClientProof;
pub use tenant_id::tenant_id;

/// How to sign in to a cloud.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// As an application.
    ServicePrincipal {
        /// The account, as its user calls it: for the words of failures.
        account: String,
        /// The tenant's id or one of its domains.
        tenant_id: String,
        /// The application's id.
        client_id: String,
        /// What it shows.
        proof: ClientProof,
    },
    /// As a person who has signed in with Ajar: by [`BrowserSignIn`] or [`DeviceCodeSignIn`].
    Person {
        /// Who, and with which application.
        person: Person,
        /// The account's `oid.tid`, as [`SignedIn`] tells it.
        home_account_id: String,
        /// Where its refresh tokens are kept.
        refresh_tokens: Arc<dyn RefreshTokens>,
    },
    /// As whoever is signed in to the Azure CLI.
    AzureCli {
        /// The tenant, if not the CLI's default one.
        tenant_id: Option<String>,
        /// The user name, where the CLI has several accounts and not its default one is meant.
        username: Option<String>,
    },
    /// As whoever is signed in to the Azure Developer CLI.
    AzureDeveloperCli,
    /// As the Azure resource that this machine is.
    ManagedIdentity {
        /// The identity's client id, if it is not the system's own.
        client_id: Option<String>,
    },
}

/// What an application can show, the first that is set.
const PROOFS: [&str; 3] = ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"];

impl SignIn {
    /// The account at `cloud`. Nothing is asked for before a token is wanted.
    ///
    /// Errors of the credential itself come out of the calls of [`ArmClient`](crate::ArmClient) as
    /// [`Failure::NotSignedIn`], [`Failure::PrincipalRefused`], [`Failure::SignInRequired`], [`Failure::Unreachable`]
    /// and the like.
    ///
    /// # Errors
    /// [`Failure::NotSignedIn`] or [`Failure::PrincipalRefused`] for a tenant, client or secret that can't be one.
    pub fn credential(&self, cloud: &Cloud, http: Http) -> Result<Credential, Trouble> {
        Ok(match self {
            Self::ServicePrincipal { account, tenant_id, client_id, proof } => {
                let limits = http.limits();
                // A token may be asked for again, though by POST.
                let http = Arc::new(http.for_sending_again());
                let source = service_principal::ServicePrincipal::new(
                    cloud,
                    Application { account: account.clone(), client_id: client_id.clone(), proof: proof.into() },
                    tenant_id.clone(),
                    proof.clone(),
                    http,
                    limits,
                )?;
                Credential::of(cloud, Arc::new(source))
            }
            Self::Person { person, home_account_id, refresh_tokens } => {
                let client = public_client::PublicClient::new(cloud, person.clone(), http)?;
                let (home, kept) = (home_account_id.clone(), Arc::clone(refresh_tokens));
                Credential::of_person(cloud, refresh::PersonTokens::new(client, home, kept))
            }
            Self::AzureCli { tenant_id, username } => {
                let az = Arc::new(az_process::AzProcess::new("az"));
                let source = azure_cli::AzureCli::new(tenant_id.clone(), username.clone(), cloud, az)?;
                Credential::of(cloud, Arc::new(source))
            }
            Self::AzureDeveloperCli => {
                let azd = Arc::new(az_process::AzProcess::new("azd"));
                Credential::of(cloud, Arc::new(developer_cli::DeveloperCli::new(cloud, azd)))
            }
            Self::ManagedIdentity { client_id } => {
                let source = managed_identity::ManagedIdentity::new(cloud, client_id.clone(), http.limits())?;
                Credential::of(cloud, Arc::new(source))
            }
        })
    }

    /// Who signs in, in a tenant; the account's own if `None`.
    pub(crate) fn signer(&self, tenant: Option<&str>) -> Signer {
        match self {
            Self::ServicePrincipal { account, client_id, proof, .. } => {
                let (account, client_id) = (account.clone(), client_id.clone());
                Signer::Application(Arc::new(Application { account, client_id, proof: proof.into() }))
            }
            Self::Person { person, home_account_id, .. } => Signer::Person {
                account: person.account.as_str().into(),
                elsewhere: person.elsewhere(tenant, home_account_id),
            },
            Self::AzureDeveloperCli => Signer::Tool(TokenTool::AzureDeveloperCli, tenant.map(Into::into)),
            Self::AzureCli { tenant_id, .. } => {
                Signer::Tool(TokenTool::AzureCli, tenant.or(tenant_id.as_deref()).map(Into::into))
            }
            Self::ManagedIdentity { .. } => Signer::Machine,
        }
    }

    /// The application of `AZURE_TENANT_ID` and `AZURE_CLIENT_ID`, with the first that is set of `AZURE_CLIENT_SECRET`,
    /// `AZURE_CLIENT_CERTIFICATE_PATH` and `AZURE_FEDERATED_TOKEN_FILE`; `None` if something of it is not. What is set to
    /// nothing is not set, as in most of Azure's own libraries; [`missing_variable`] tells of it.
    pub fn from_environment(vars: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name: &str| vars(name).filter(|value| !value.is_empty());
        Some(Self::ServicePrincipal {
            account: ENVIRONMENT.to_owned(),
            tenant_id: set("AZURE_TENANT_ID")?,
            client_id: set("AZURE_CLIENT_ID")?,
            proof: match PROOFS.map(set) {
                [Some(secret), ..] => ClientProof::Secret(secret.into()),
                [None, Some(path), _] => ClientProof::Certificate(path.into()),
                [None, None, token] => ClientProof::Federated(token?.into()),
            },
        })
    }
}

/// An application that signs in.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    /// The account, as its user calls it.
    account: String,
    client_id: String,
    proof: Proof,
}

impl Application {
    fn refused(&self, flaw: PrincipalFlaw, detail: String) -> Failure {
        let (account, client_id) = (self.account.clone(), self.client_id.clone());
        Failure::PrincipalRefused { account, client_id, proof: self.proof, flaw, detail }
    }
}

/// The variable without a value that keeps the others from being an account ([`SignIn::from_environment`]): somebody may
/// believe that they are one. Tenant and application alone are no half of one, but may be a managed identity's.
pub fn missing_variable(vars: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let is_set = |name: &&'static str| vars(name).is_some_and(|value| !value.is_empty());
    let ids = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"];
    if PROOFS.iter().any(is_set) {
        return ids.into_iter().find(|name| !is_set(name));
    }
    let is_meant = ids.iter().all(is_set);
    PROOFS.into_iter().find(|name| is_meant && vars(name).is_some())
}

/// Who signs in: a refusal means something else to each.
#[derive(Clone, Debug)]
pub(crate) enum Signer {
    /// An application, for which nobody can sign in.
    Application(Arc<Application>),
    /// A person, with Ajar.
    Person {
        account: Arc<str>,
        /// The tenant that its calls are made in, if that is not where it signs in.
        elsewhere: Option<String>,
    },
    /// Somebody, by a tool with a sign-in of its own, in that tenant; in the tool's default one if `None`.
    Tool(TokenTool, Option<Arc<str>>),
    /// The Azure resource that this machine is.
    Machine,
}

impl Signer {
    /// What a refusal of the token means to whose token it was.
    pub(crate) fn told(&self, failure: Failure) -> Failure {
        let account =
            if let Self::Application(application) = self { Some(application.account.as_str().into()) } else { None };
        match (self, failure) {
            // Nobody can sign in for it. It has shown what it signs in with, and was given the token for it.
            (Self::Application(_) | Self::Machine, Failure::NotSignedIn { detail, .. }) => {
                Failure::TokenRefused { account, claims: None, detail: detail.into() }
            }
            (Self::Application(_) | Self::Machine, Failure::ClaimsRequired { claims, .. }) => {
                Failure::TokenRefused { account, claims: Some(claims.into()), detail: "".into() }
            }
            // It has given a token, so somebody is signed in to it.
            (Self::Tool(tool, _), Failure::NotSignedIn { detail, .. }) => {
                Failure::ToolTokenRefused { tool: *tool, detail }
            }
            // It has no way to be told what another token is to hold.
            (Self::Tool(TokenTool::AzureDeveloperCli, there), Failure::ClaimsRequired { tenant, .. }) => {
                developer_cli::session_ended(tenant.or_else(|| there.as_deref().map(str::to_owned)))
            }
            (Self::Tool(TokenTool::AzureCli, there), Failure::ClaimsRequired { claims, scope, tenant }) => {
                let tenant = tenant.or_else(|| there.as_deref().map(str::to_owned));
                Failure::ClaimsRequired { claims, scope, tenant }
            }
            // Entra has just given it without a word: to sign in again would change nothing.
            (Self::Person { account, .. }, Failure::NotSignedIn { detail, .. }) => {
                Failure::TokenRefused { account: Some(account.as_ref().into()), claims: None, detail: detail.into() }
            }
            (Self::Person { account, elsewhere }, Failure::ClaimsRequired { claims, .. }) => {
                let claims = claims::bounded(claims::decoded(&claims));
                required(account, SignInReason::Claims, SignInDemand { tenant: elsewhere.clone(), claims })
            }
            (_, failure) => failure,
        }
    }
}

fn required(account: &str, reason: SignInReason, demand: SignInDemand) -> Failure {
    Failure::SignInRequired { account: account.to_owned(), reason, demand: Box::new(demand) }
}

/// A sign-in that failed, as it travels through azure_core's errors.
#[derive(Debug, thiserror::Error)]
#[error("signing in failed: {}", .0.failure)]
struct SignInFailed(Trouble);

impl SignInFailed {
    fn new(failure: Failure) -> Self {
        Self(failure.into())
    }
}

/// The trouble with a sign-in inside an error of azure_core.
pub(crate) fn trouble_within(error: &Error) -> Option<Trouble> {
    let failed = causes(error).find_map(|cause| cause.downcast_ref::<SignInFailed>())?;
    Some(failed.0.clone())
}

/// The same error, which came of a call to the resource manager with that id. Entra's own ids, if there are any, lead to why.
pub(crate) fn after_call(error: Error, called: Option<String>) -> Error {
    match trouble_within(&error) {
        Some(Trouble { failure, correlation_id }) => {
            let trouble = Trouble { failure, correlation_id: correlation_id.or(called) };
            Error::new(ErrorKind::Credential, SignInFailed(trouble))
        }
        None => error,
    }
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

    /// What those variables, all set to their own names, sign in as.
    fn environment(set: &[&str]) -> Option<SignIn> {
        SignIn::from_environment(|name| set.contains(&name).then(|| name.to_owned()))
    }

    const APPLICATION: [&str; 2] = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"];

    #[test]
    fn the_environment_signs_in_only_when_it_is_complete() {
        for proof in PROOFS {
            let all = [APPLICATION[0], APPLICATION[1], proof];
            let Some(SignIn::ServicePrincipal { tenant_id, client_id, .. }) = environment(&all) else {
                panic!("no service principal")
            };
            assert_eq!([tenant_id.as_str(), client_id.as_str()], APPLICATION);
            for missing in all {
                let rest: Vec<_> = all.into_iter().filter(|name| *name != missing).collect();
                assert!(environment(&rest).is_none(), "{missing}");
                let empty = |name: &str| Some(if name == missing { String::new() } else { "x".to_owned() });
                let empty = |name: &str| if all.contains(&name) { empty(name) } else { None };
                assert!(SignIn::from_environment(empty).is_none(), "{missing}");
            }
        }
    }

    #[test]
    fn of_several_proofs_the_secret_counts_and_then_the_certificate() {
        let proof = |proofs: &[&str]| {
            let all = [&APPLICATION[..], proofs].concat();
            let Some(SignIn::ServicePrincipal { proof, .. }) = environment(&all) else {
                panic!("no service principal")
            };
            proof
        };
        assert!(matches!(proof(&PROOFS), ClientProof::Secret(secret) if secret.secret() == PROOFS[0]));
        assert!(matches!(proof(&PROOFS[1..]), ClientProof::Certificate(path) if path.ends_with(PROOFS[1])));
        assert!(matches!(proof(&PROOFS[2..]), ClientProof::Federated(path) if path.ends_with(PROOFS[2])));
    }

    #[test]
    fn what_keeps_the_environment_from_being_an_account_is_named() {
        let missing = |set: &[(&str, &str)]| {
            missing_variable(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        let application = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")];
        for proof in PROOFS {
            assert_eq!(missing(&[&application[..], &[(proof, "")]].concat()), Some(proof));
            assert_eq!(missing(&[&application[..], &[(proof, "x")]].concat()), None);
            assert_eq!(missing(&[&application[1..], &[(proof, "x")]].concat()), Some("AZURE_TENANT_ID"));
            assert_eq!(missing(&[&application[..1], &[(proof, "x")]].concat()), Some("AZURE_CLIENT_ID"));
            let empty = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", ""), (proof, "x")];
            assert_eq!(missing(&empty), Some("AZURE_CLIENT_ID"));
            assert_eq!(missing(&[&application[1..], &[(proof, "")]].concat()), None, "no account is meant");
        }
        let certificate = [("AZURE_CLIENT_SECRET", ""), ("AZURE_CLIENT_CERTIFICATE_PATH", "x")];
        assert_eq!(missing(&[&application[..], &certificate[..]].concat()), None, "there is another proof");
        assert_eq!(missing(&application), None, "a managed identity has no proof");
        assert_eq!(missing(&[]), None);
    }

    #[test]
    fn secrets_do_not_show() {
        let shown = format!("{:?}", SignIn::from_environment(|_| Some("hunter2-hunter2".to_owned())).unwrap());
        assert!(shown.contains("proof: Secret(Secret)"), "{shown}");
    }

    #[test]
    fn a_tenant_that_cannot_be_one_is_refused_at_once() {
        let http = crate::http_client(&Cloud::public()).unwrap();
        for sign_in in [
            SignIn::AzureCli { tenant_id: Some("x; reboot".into()), username: None },
            SignIn::ServicePrincipal {
                account: "robot".into(),
                tenant_id: "../x".into(),
                client_id: "c".into(),
                proof: ClientProof::Secret("s".into()),
            },
        ] {
            let trouble = sign_in.credential(&Cloud::public(), http.clone()).unwrap_err();
            let refused = matches!(trouble.failure, Failure::NotSignedIn { .. } | Failure::PrincipalRefused { .. });
            assert!(refused, "{trouble:?}");
        }
    }
}
