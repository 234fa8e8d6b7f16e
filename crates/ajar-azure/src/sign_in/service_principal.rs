//! Tokens for an application, by what proves that it is that one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ajar_core::failure::{Failure, PrincipalFlaw, Proof, TenantReason, Trouble};
use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, Secret, TokenCredential};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{AsyncRawResponse, ClientOptions, Context, HttpClient, Request, RetryOptions, Transport};
use azure_identity::{
    ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use chrono::Utc;
use url::Url;

use super::certificate::Certificate;
use super::refusal::{self, Refusal};
use super::token_cache::{TokenAsk, TokenSource};
use super::{Application, causes, first_line, trouble_within};
use crate::arm_client::Answer;
use crate::arm_error;
use crate::cloud::Cloud;
use crate::connection;
use crate::limits::Limits;
use crate::policies::{CLAIMS_CHALLENGE, OurName, Resend, retry_after};

/// What proves to Entra that an application is the one it says.
#[derive(Clone, Debug)]
pub enum ClientProof {
    /// Its secret; never shown, logged or put into a URL.
    Secret(Secret),
    /// A PEM file with a certificate that is registered for it, and the key.
    Certificate(PathBuf),
    /// A file with a token of another platform that Entra trusts: workload identity.
    Federated(PathBuf),
}

impl From<&ClientProof> for Proof {
    fn from(proof: &ClientProof) -> Self {
        match proof {
            ClientProof::Secret(_) => Self::Secret,
            ClientProof::Certificate(_) => Self::Certificate,
            ClientProof::Federated(_) => Self::Federated,
        }
    }
}

#[derive(Debug)]
pub(super) struct ServicePrincipal {
    authority: Url,
    application: Application,
    tenant_id: String,
    proof: ClientProof,
    http: Arc<dyn HttpClient>,
    limits: Limits,
}

impl ServicePrincipal {
    pub(super) fn new(
        cloud: &Cloud,
        application: Application,
        tenant_id: String,
        proof: ClientProof,
        http: Arc<dyn HttpClient>,
        limits: Limits,
    ) -> Result<Self, Failure> {
        let source = Self { authority: cloud.authority.clone(), application, tenant_id, proof, http, limits };
        // What can't be a tenant is found out now and not at the first call.
        if let ClientProof::Secret(_) | ClientProof::Certificate(_) = &source.proof {
            let made = source.azure_credential(&source.tenant_id, "", &Arc::default());
            made.map_err(|error| source.application.refused(PrincipalFlaw::Other, first_line(&error)))?;
        }
        Ok(source)
    }

    /// `answered` gets Entra's ids of the answer that may have brought a token.
    ///
    /// A new one for each token: it would remember a token that the resource manager has refused.
    fn azure_credential(
        &self,
        tenant: &str,
        scope: &str,
        answered: &Arc<Mutex<Option<String>>>,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let mut custom = CustomConfiguration::default();
        custom.authority_host = self.authority.to_string();
        let refusals = EntraRefusals {
            application: self.application.clone(),
            tenant: tenant.to_owned(),
            scope: scope.to_owned(),
            answered: Arc::clone(answered),
        };
        let client_options = ClientOptions {
            cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
            per_call_policies: vec![Arc::new(refusals), Arc::new(OurName), Arc::new(Resend::reads(self.limits))],
            retry: RetryOptions::none(),
            transport: Some(Transport::new(Arc::clone(&self.http))),
            ..ClientOptions::default()
        };
        let client_id = self.application.client_id.clone();
        Ok(match &self.proof {
            ClientProof::Secret(secret) => {
                let options = ClientSecretCredentialOptions { client_options };
                ClientSecretCredential::new(tenant, client_id, secret.clone(), Some(options))?
            }
            ClientProof::Certificate(path) => {
                let mut audience = self.authority.clone();
                audience.set_path(&format!("{tenant}/oauth2/v2.0/token"));
                let (path, audience) = (path.clone(), audience.to_string());
                let account = self.application.account.clone();
                let certificate = Certificate { account, path, client_id: client_id.clone(), audience };
                let options = ClientAssertionCredentialOptions { client_options };
                ClientAssertionCredential::new(tenant.to_owned(), client_id, certificate, Some(options))?
            }
            ClientProof::Federated(path) => WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                credential_options: ClientAssertionCredentialOptions { client_options },
                client_id: Some(client_id),
                tenant_id: Some(tenant.to_owned()),
                token_file_path: Some(path.clone()),
            }))?,
        })
    }
}

#[async_trait]
impl TokenSource for ServicePrincipal {
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Trouble> {
        // Claims that a challenge asks for can't be handed on, and need not be: mostly a newer token is all that is wanted.
        match self.fetch_once(ask).await {
            // Cut off, or somebody else's page: as with every read, a second look is worth it.
            Err(Trouble {
                failure: Failure::AzureError { status: 200, .. } | Failure::NotFromAzure { status: 200, .. },
                ..
            }) => self.fetch_once(ask).await,
            result => result,
        }
    }
}

impl ServicePrincipal {
    async fn fetch_once(&self, ask: &TokenAsk) -> Result<AccessToken, Trouble> {
        let (scope, tenant) = (ask.scope.as_str(), ask.tenant.as_deref().unwrap_or(&self.tenant_id));
        let answered = Arc::new(Mutex::new(None));
        let credential = self.azure_credential(tenant, scope, &answered);
        let result = async { credential?.get_token(&[scope], None).await }.await;
        result.map_err(|error| {
            let told = causes(&error).find_map(|cause| cause.downcast_ref::<EntraRefusal>().map(|refusal| &refusal.0));
            if let Some(trouble) = told.cloned().or_else(|| trouble_within(&error)) {
                return trouble;
            }
            let correlation_id = answered.lock().unwrap_or_else(PoisonError::into_inner).take();
            let broken = connection::broken(&self.authority, &error).correlation_id;
            Trouble { failure: self.failure(&error), correlation_id: broken.or(correlation_id) }
        })
    }

    fn failure(&self, error: &Error) -> Failure {
        if let ClientProof::Federated(path) = &self.proof
            && let Some(io) = causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>())
            && !causes(error).any(<dyn std::error::Error>::is::<reqwest::Error>)
        {
            let (account, path) = (self.application.account.clone(), path.display().to_string());
            return Failure::TokenFileUnfit { account, path, detail: io.to_string() };
        }
        let unreachable = causes(error)
            .filter_map(|cause| cause.downcast_ref::<Error>())
            .any(|error| matches!(error.kind(), ErrorKind::Connection | ErrorKind::Io));
        if unreachable || causes(error).any(<dyn std::error::Error>::is::<connection::TooLong>) {
            return connection::unreachable(&self.authority, error);
        }
        // Whoever wrote it, it does not say that the account is wrong.
        arm_error::unreadable(200, format!("{} gave no token", connection::host(&self.authority)))
    }
}

/// Turns Entra's refusals into typed errors. azure_identity can't read descriptions with escaped line ends, which Entra
/// writes, and loses the error's name.
#[derive(Debug)]
struct EntraRefusals {
    application: Application,
    tenant: String,
    scope: String,
    answered: Arc<Mutex<Option<String>>>,
}

#[async_trait]
impl Policy for EntraRefusals {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let response = next[0].send(ctx, request, &next[1..]).await?;
        let (status, headers, body) = AsyncRawResponse::deconstruct(response);
        let body = body.collect().await?.to_vec();
        let answer = Answer { host: connection::host(request.url()), status: status.into(), headers, body };
        if answer.is_success() && !answer.is_foreign() {
            let ids = refusal::ids(&answer.headers, &Refusal::default());
            *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = ids;
            return Ok(AsyncRawResponse::from_bytes(status, answer.headers, answer.body));
        }
        Err(Error::new(ErrorKind::Credential, EntraRefusal(self.refusal(&answer))))
    }
}

impl EntraRefusals {
    /// What an answer means that brings no token.
    fn refusal(&self, answer: &Answer) -> Trouble {
        let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
        let correlation_id = refusal::ids(&answer.headers, &refusal);
        Trouble { failure: self.meaning(answer, refusal), correlation_id }
    }

    fn meaning(&self, answer: &Answer, mut error: Refusal) -> Failure {
        if answer.is_foreign() {
            return arm_error::not_from_azure(answer);
        }
        if let Some(claims) = arm_error::challenge(answer) {
            (error.error, error.claims) = (CLAIMS_CHALLENGE.to_owned(), claims.to_owned());
        }
        if let Some(skew) = refusal::clock_skew(answer, &error) {
            return skew;
        }
        let by_number = || error.numbers().iter().find_map(|number| self.of_number(*number, &error));
        if answer.status < 500
            && let Some(failure) = by_number()
        {
            return failure;
        }
        match answer.status {
            429 => arm_error::throttled(retry_after(&answer.headers, Utc::now())),
            status if status >= 500 || error.error.is_empty() || error.error == "temporarily_unavailable" => {
                Failure::AzureError { status, azure_message: error.sentence().to_owned(), azure_code: error.error }
            }
            _ if error.error == "interaction_required" || !error.claims.is_empty() => Failure::InteractionRequired {
                account: self.application.account.as_str().into(),
                client_id: self.application.client_id.as_str().into(),
                detail: error.sentence().into(),
                scope: self.scope.as_str().into(),
                claims: error.claims.into(),
            },
            _ => self.application.refused(PrincipalFlaw::Other, error.reason().to_owned()),
        }
    }
}

impl EntraRefusals {
    fn of_number(&self, number: u32, refusal: &Refusal) -> Option<Failure> {
        let (account, tenant) = (self.application.account.clone(), self.tenant.clone());
        let flaw = match number {
            // What it was shown is malformed, of another time, signed otherwise, or for another application.
            50_012 | 50_027 | 700_024 | 700_027 | 7_000_215 | 7_000_218 | 70_021 | 700_211..=700_214 => {
                PrincipalFlaw::Proof
            }
            7_000_222 => PrincipalFlaw::Expired,
            700_016 | 7_000_229 => PrincipalFlaw::Unknown,
            7_000_112 => PrincipalFlaw::Disabled,
            65_001 => PrincipalFlaw::Consent,
            90_002 => {
                return Some(Failure::NotInTenant { account, tenant, reason: TenantReason::NoTenant, tool: None });
            }
            53_000..=53_011 => {
                return Some(Failure::ConditionalAccess { account, number, device_code: false, tenant: None });
            }
            _ => return None,
        };
        Some(self.application.refused(flaw, refusal.reason().to_owned()))
    }
}

/// What Entra's refusal means, as it travels through azure_core's errors.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.failure)]
struct EntraRefusal(Trouble);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Scripted, io_error, json, refused_connection};

    fn source(http: &Arc<Scripted>) -> ServicePrincipal {
        let http = Arc::clone(http) as Arc<dyn HttpClient>;
        let application = Application { account: "robot".into(), client_id: "app".into(), proof: Proof::Secret };
        ServicePrincipal::new(
            &Cloud::us_gov(),
            application,
            "contoso.example".into(),
            ClientProof::Secret("hunter2".into()),
            http,
            Limits::default(),
        )
        .unwrap()
    }

    const SCOPE: &str = "https://management.usgovcloudapi.net/.default";

    #[tokio::test]
    async fn the_secret_goes_to_the_clouds_authority_in_the_body_alone() {
        let http = Scripted::new([json(200, r#"{"access_token":"t","expires_in":3600,"token_type":"Bearer"}"#)]);
        let token = source(&http).fetch(&TokenAsk::of(SCOPE)).await.unwrap();
        assert_eq!(token.token.secret(), "t");
        let sent = http.sent();
        assert_eq!(sent[0].url, "https://login.microsoftonline.us/contoso.example/oauth2/v2.0/token");
        assert!(sent[0].body.contains("client_secret=hunter2"));
        assert_eq!(sent[0].header("user-agent"), Some(connection::USER_AGENT));
        assert!(!format!("{:?}", source(&Scripted::new([]))).contains("hunter2"));
    }

    #[tokio::test]
    async fn a_refusal_is_entras_first_sentence_even_with_escaped_line_ends() {
        let body = r#"{"error":"invalid_client","error_codes":[7000215],"error_description":
            "AADSTS7000215: Invalid client secret provided. Trace ID: a\r\nCorrelation ID: b"}"#;
        let failure = source(&Scripted::new([json(401, body)])).fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure;
        let detail = "AADSTS7000215: Invalid client secret provided.".to_owned();
        let (account, client_id) = ("robot".into(), "app".into());
        assert_eq!(
            failure,
            Failure::PrincipalRefused { account, client_id, proof: Proof::Secret, flaw: PrincipalFlaw::Proof, detail }
        );
    }

    #[tokio::test]
    async fn what_is_wrong_with_an_application_is_told_by_entras_number() {
        let one = async |error: &str, number: u32| {
            let sentence = format!("AADSTS{number}: It is so. Trace ID: a");
            let body = serde_json::json!({ "error": error, "error_codes": [number], "error_description": sentence });
            let http = Scripted::new([json(400, body.to_string())]);
            source(&http).fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure
        };
        for (error, number, expected) in [
            ("invalid_client", 7_000_215, PrincipalFlaw::Proof),
            ("invalid_client", 700_027, PrincipalFlaw::Proof),
            ("invalid_client", 700_213, PrincipalFlaw::Proof),
            ("invalid_request", 50_027, PrincipalFlaw::Proof),
            ("invalid_client", 700_024, PrincipalFlaw::Proof),
            ("invalid_client", 7_000_222, PrincipalFlaw::Expired),
            ("unauthorized_client", 700_016, PrincipalFlaw::Unknown),
            ("invalid_client", 7_000_229, PrincipalFlaw::Unknown),
            ("unauthorized_client", 7_000_112, PrincipalFlaw::Disabled),
            ("invalid_grant", 65_001, PrincipalFlaw::Consent),
            ("invalid_request", 900_144, PrincipalFlaw::Other),
        ] {
            let Failure::PrincipalRefused { flaw, detail, .. } = one(error, number).await else { panic!("{number}") };
            assert_eq!((flaw, detail), (expected, format!("AADSTS{number}: It is so.")));
        }
        let (account, tenant) = ("robot".to_owned(), "contoso.example".to_owned());
        let unknown =
            Failure::NotInTenant { account: account.clone(), tenant, reason: TenantReason::NoTenant, tool: None };
        assert_eq!(one("invalid_request", 90_002).await, unknown);
        for error in ["access_denied", "interaction_required"] {
            let (account, number) = (account.clone(), 53_003);
            let blocked = Failure::ConditionalAccess { account, number, device_code: false, tenant: None };
            assert_eq!(one(error, number).await, blocked);
        }
    }

    #[tokio::test]
    async fn who_must_sign_in_anew_hears_it_with_the_claims() {
        let one = async |reply| source(&Scripted::new([reply])).fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure;
        let wanted = |detail: &str, claims: &str| Failure::InteractionRequired {
            account: "robot".into(),
            client_id: "app".into(),
            detail: detail.into(),
            claims: claims.into(),
            scope: SCOPE.into(),
        };
        let said = "AADSTS50076: You must use multi-factor authentication.";
        let claims = r#"{"access_token":{"capolids":{"essential":true,"values":["p"]}}}"#;
        let mut body = serde_json::json!({
            "error": "interaction_required", "error_codes": [50076], "suberror": "basic_action", "claims": claims,
            "error_description": format!("{said} Trace ID: a\r\nCorrelation ID: b"),
        });
        assert_eq!(one(json(400, body.to_string())).await, wanted(said, claims));
        body["error"] = "invalid_grant".into();
        assert_eq!(one(json(400, body.to_string())).await, wanted(said, claims));
        body["claims"] = serde_json::Value::Null;
        assert!(matches!(one(json(400, body.to_string())).await, Failure::PrincipalRefused { .. }));
        body["error"] = "interaction_required".into();
        assert_eq!(one(json(400, body.to_string())).await, wanted(said, ""));
        let challenge = r#"Bearer realm="", error="insufficient_claims", claims="e30=""#;
        let challenged = json(401, "").with("www-authenticate", challenge);
        assert_eq!(one(challenged).await, wanted("", "e30="));
    }

    #[tokio::test(start_paused = true)]
    async fn an_authority_that_cannot_be_reached_is_asked_again_and_then_named() {
        let http = Scripted::new([
            io_error(),
            json(503, ""),
            refused_connection(),
            refused_connection(),
            refused_connection(),
        ]);
        let Failure::Unreachable { host, .. } = source(&http).fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure
        else {
            panic!("another failure")
        };
        assert_eq!(host, "login.microsoftonline.us");
        assert_eq!(http.sent().len(), 5);
    }

    #[tokio::test]
    async fn an_answer_that_is_no_token_is_asked_for_once_more_and_not_repeated_to_the_user() {
        let page = || json(200, "<html>hunter2</html>");
        let failure = source(&Scripted::new([page(), page()])).fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure;
        let host = "login.microsoftonline.us".to_owned();
        assert_eq!(failure, Failure::NotFromAzure { host, status: 200, leads_to: None });
        let half = || json(200, r#"{"access_token":"hunter2"#);
        let failure = source(&Scripted::new([half(), half()])).fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure;
        let Failure::AzureError { status: 200, azure_message, .. } = failure else { panic!("{failure:?}") };
        assert!(azure_message.ends_with("login.microsoftonline.us gave no token"), "{azure_message}");
        let token = json(200, r#"{"access_token":"t","expires_in":3600,"token_type":"Bearer"}"#);
        assert_eq!(
            source(&Scripted::new([page(), token])).fetch(&TokenAsk::of(SCOPE)).await.unwrap().token.secret(),
            "t"
        );
    }

    #[tokio::test]
    async fn what_is_no_refusal_of_the_account_is_not_told_as_one() {
        let one = async |reply| source(&Scripted::new([reply])).fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure;
        let moved = one(json(307, "").with("location", "https://evil.example/x")).await;
        assert!(matches!(moved, Failure::NotFromAzure { status: 307, .. }), "{moved:?}");
        for status in [403, 407, 511] {
            let blocked = one(json(status, "<html>hunter2</html>")).await;
            assert!(matches!(blocked, Failure::NotFromAzure { .. }), "{blocked:?}");
        }
        let throttled = one(json(429, "").with("retry-after", "3600")).await;
        assert!(matches!(throttled, Failure::Throttled { .. }), "{throttled:?}");
        let busy = one(json(400, r#"{"error":"temporarily_unavailable"}"#)).await;
        assert!(matches!(busy, Failure::AzureError { status: 400, .. }), "{busy:?}");
    }
}
