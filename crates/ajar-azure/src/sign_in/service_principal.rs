//! Tokens for an application, by client secret.

use std::sync::Arc;
use std::time::Duration;

use ajar_core::failure::Failure;
use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, Secret, TokenCredential};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{AsyncRawResponse, ClientOptions, Context, HttpClient, Request, RetryOptions, Transport};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use chrono::Utc;
use serde::Deserialize;
use url::Url;

use super::token_cache::TokenSource;
use super::{causes, first_line};
use crate::arm_error;
use crate::cloud::Cloud;
use crate::connection;
use crate::limits::Limits;
use crate::policies::{OurName, Resend, retry_after};

#[derive(Debug)]
pub(super) struct ServicePrincipal {
    authority: Url,
    tenant_id: String,
    client_id: String,
    client_secret: Secret,
    http: Arc<dyn HttpClient>,
    limits: Limits,
}

impl ServicePrincipal {
    pub(super) fn new(
        cloud: &Cloud,
        tenant_id: String,
        client_id: String,
        client_secret: Secret,
        http: Arc<dyn HttpClient>,
        limits: Limits,
    ) -> Result<Self, Failure> {
        let source = Self { authority: cloud.authority.clone(), tenant_id, client_id, client_secret, http, limits };
        // What can't be a tenant is found out now and not at the first call.
        source.azure_credential().map_err(|error| Failure::NotSignedIn { detail: first_line(&error) })?;
        Ok(source)
    }

    /// A new one for each token: it would remember a token that the resource manager has refused.
    fn azure_credential(&self) -> azure_core::Result<Arc<ClientSecretCredential>> {
        let mut custom = CustomConfiguration::default();
        custom.authority_host = self.authority.to_string();
        let client_options = ClientOptions {
            cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
            per_call_policies: vec![Arc::new(EntraRefusals), Arc::new(OurName), Arc::new(Resend::reads(self.limits))],
            retry: RetryOptions::none(),
            transport: Some(Transport::new(Arc::clone(&self.http))),
            ..ClientOptions::default()
        };
        ClientSecretCredential::new(
            &self.tenant_id,
            self.client_id.clone(),
            self.client_secret.clone(),
            Some(ClientSecretCredentialOptions { client_options }),
        )
    }
}

#[async_trait]
impl TokenSource for ServicePrincipal {
    async fn fetch(&self, scope: &str) -> Result<AccessToken, Failure> {
        let result = async { self.azure_credential()?.get_token(&[scope], None).await }.await;
        result.map_err(|error| self.failure(&error))
    }
}

impl ServicePrincipal {
    fn failure(&self, error: &Error) -> Failure {
        if let Some(refusal) = causes(error).find_map(|cause| cause.downcast_ref::<EntraRefusal>()) {
            return refusal.clone().into();
        }
        let unreachable = causes(error)
            .filter_map(|cause| cause.downcast_ref::<Error>())
            .any(|error| matches!(error.kind(), ErrorKind::Connection | ErrorKind::Io));
        if unreachable {
            return connection::unreachable(&self.authority, error);
        }
        let host = connection::host(&self.authority);
        Failure::NotSignedIn { detail: format!("{host} gave an answer that is no token") }
    }
}

/// Turns Entra's refusals into typed errors. azure_identity can't read descriptions with escaped line ends, which Entra
/// writes, and loses the error's name.
#[derive(Debug)]
struct EntraRefusals;

#[async_trait]
impl Policy for EntraRefusals {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let response = next[0].send(ctx, request, &next[1..]).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers, body) = AsyncRawResponse::deconstruct(response);
        let body: EntraError = serde_json::from_slice(&body.collect().await?).unwrap_or_default();
        let refusal = EntraRefusal {
            status: status.into(),
            error: body.error,
            description: body.error_description,
            wait: retry_after(&headers, Utc::now()),
        };
        Err(Error::new(ErrorKind::Credential, refusal))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EntraError {
    error: String,
    error_description: String,
}

#[derive(Clone, Debug, thiserror::Error)]
#[error("{status} {error}")]
struct EntraRefusal {
    status: u16,
    error: String,
    description: String,
    wait: Option<Duration>,
}

impl From<EntraRefusal> for Failure {
    fn from(refusal: EntraRefusal) -> Self {
        // The first line is the sentence; trace ids and times follow.
        let sentence = refusal.description.lines().next().unwrap_or_default();
        let sentence = sentence.split(" Trace ID:").next().unwrap_or_default().trim();
        if refusal.status == 429 {
            return arm_error::throttled(refusal.wait);
        }
        if refusal.status >= 500 || refusal.error.is_empty() {
            return Self::AzureError {
                status: refusal.status,
                azure_code: refusal.error,
                azure_message: sentence.to_owned(),
            };
        }
        Self::NotSignedIn { detail: if sentence.is_empty() { refusal.error } else { sentence.to_owned() } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Scripted, io_error, json, refused_connection};

    fn source(http: &Arc<Scripted>) -> ServicePrincipal {
        let http = Arc::clone(http) as Arc<dyn HttpClient>;
        let (tenant, client) = ("contoso.example".into(), "app".into());
        ServicePrincipal::new(&Cloud::us_gov(), tenant, client, "hunter2".into(), http, Limits::default()).unwrap()
    }

    const SCOPE: &str = "https://management.usgovcloudapi.net/.default";

    #[tokio::test]
    async fn the_secret_goes_to_the_clouds_authority_in_the_body_alone() {
        let http = Scripted::new([json(200, r#"{"access_token":"t","expires_in":3600,"token_type":"Bearer"}"#)]);
        let token = source(&http).fetch(SCOPE).await.unwrap();
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
        let failure = source(&Scripted::new([json(401, body)])).fetch(SCOPE).await.unwrap_err();
        assert_eq!(failure, Failure::NotSignedIn { detail: "AADSTS7000215: Invalid client secret provided.".into() });
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
        let Failure::Unreachable { host, .. } = source(&http).fetch(SCOPE).await.unwrap_err() else {
            panic!("another failure")
        };
        assert_eq!(host, "login.microsoftonline.us");
        assert_eq!(http.sent().len(), 5);
    }

    #[tokio::test]
    async fn an_answer_that_is_no_token_is_no_sign_in_and_is_not_repeated_to_the_user() {
        let failure = source(&Scripted::new([json(200, "<html>hunter2</html>")])).fetch(SCOPE).await.unwrap_err();
        let Failure::NotSignedIn { detail } = failure else { panic!("another failure") };
        assert_eq!(detail, "login.microsoftonline.us gave an answer that is no token");
    }
}
