//! Tokens of the Azure resource that this machine is: a VM, or an app of App Service.

use std::sync::Arc;

use ajar_core::failure::{Failure, Trouble};
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::Headers;
use azure_core::http::{
    AsyncRawResponse, ClientOptions, Context, HttpClient, Pipeline, PipelineSendOptions, RawResponse, Request,
    RetryOptions, Transport,
};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use chrono::Utc;

use super::refusal::Refusal;
use super::token_cache::{TokenAsk, TokenSource};
use super::{causes, first_line};
use crate::arm_error;
use crate::cloud::Cloud;
use crate::connection;
use crate::limits::Limits;
use crate::policies::{Resend, correlation_id, is_asked_again, retry_after};

#[derive(Debug)]
pub(super) struct ManagedIdentity {
    client_id: Option<String>,
    http: Arc<dyn HttpClient>,
}

impl ManagedIdentity {
    pub(super) fn new(cloud: &Cloud, client_id: Option<String>, limits: Limits) -> Result<Self, Trouble> {
        let http: Arc<dyn HttpClient> = Arc::new(connection::nearby_client(cloud, limits)?);
        Ok(Self::over(&http, client_id, limits))
    }

    fn over(http: &Arc<dyn HttpClient>, client_id: Option<String>, limits: Limits) -> Self {
        let pipeline = connection::open_pipeline(http, vec![Arc::new(Resend::identity(limits))]);
        Self { client_id, http: Arc::new(Bounded { pipeline }) }
    }

    async fn token(&self, scope: &str) -> azure_core::Result<AccessToken> {
        let client_options = ClientOptions {
            retry: RetryOptions::none(),
            transport: Some(Transport::new(Arc::clone(&self.http))),
            ..ClientOptions::default()
        };
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: self.client_id.clone().map(UserAssignedId::ClientId),
            client_options,
        };
        // A new one for each token: it would remember a token that the resource manager has refused.
        ManagedIdentityCredential::new(Some(options))?.get_token(&[scope], None).await
    }
}

#[async_trait]
impl TokenSource for ManagedIdentity {
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Trouble> {
        // Claims that a challenge asks for can't be handed on; mostly a newer token is all that is wanted.
        self.token(&ask.scope).await.map_err(|error| trouble(&error))
    }
}

/// Asks again where that is worth it, within our own bounds: azure_identity asks the service of VMs for 72 seconds, also
/// where there is none, and that of apps only once, whatever it is told to.
#[derive(Debug)]
struct Bounded {
    pipeline: Pipeline,
}

#[async_trait]
impl HttpClient for Bounded {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        let sent = self.pipeline.send(&Context::new(), &mut request.clone(), Some(options)).await;
        // Of this kind is nothing that azure_identity would ask for again.
        let in_the_end = |error| Error::new(ErrorKind::Credential, error);
        let (status, headers, body) = RawResponse::deconstruct(sent.map_err(in_the_end)?);
        let body = body.to_vec();
        if is_asked_again(status.into()) {
            return Err(Error::new(ErrorKind::Credential, NoToken { status: status.into(), headers, body }));
        }
        Ok(AsyncRawResponse::from_bytes(status, headers, body))
    }
}

/// An answer that was to pass, and did not.
#[derive(Debug, thiserror::Error)]
#[error("the service that tells it answered by HTTP {status}")]
struct NoToken {
    status: u16,
    headers: Headers,
    body: Vec<u8>,
}

fn trouble(error: &Error) -> Trouble {
    let answer = causes(error).find_map(|cause| cause.downcast_ref::<NoToken>());
    Trouble { failure: failure(error), correlation_id: answer.and_then(|answer| correlation_id(&answer.headers)) }
}

fn failure(error: &Error) -> Failure {
    if let Some(NoToken { status, headers, body }) = causes(error).find_map(|cause| cause.downcast_ref()) {
        match *status {
            429 => return arm_error::throttled(retry_after(headers, Utc::now())),
            // There may be an identity: what fails is the service that tells it.
            status @ 500.. => {
                let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
                let azure_message = refusal.sentence().to_owned();
                return Failure::AzureError { status, azure_message, azure_code: refusal.error };
            }
            _ => {}
        }
    }
    let cause = causes(error).filter_map(|cause| cause.downcast_ref::<Error>()).last().unwrap_or(error);
    Failure::NoManagedIdentity { detail: first_line(cause) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Reply, Scripted, json};

    /// What comes of asking a service that answers so; the variables of the process tell where it would be.
    async fn token(replies: Vec<Reply>) -> Result<AccessToken, Failure> {
        let http: Arc<dyn HttpClient> = Scripted::new(replies);
        let identity = ManagedIdentity::over(&http, None, Limits::default());
        let token = identity.fetch(&TokenAsk::of("https://management.azure.com/.default")).await;
        token.map_err(|trouble| trouble.failure)
    }

    fn given() -> Reply {
        json(200, r#"{"access_token":"t","expires_on":"4102444800","token_type":"Bearer","resource":"r"}"#)
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_asked_for_again_and_never_for_ever() {
        for passing in [404, 410, 429, 500, 503] {
            token(vec![json(passing, ""), json(passing, ""), given()]).await.unwrap();
            let began = tokio::time::Instant::now();
            let lasting = (0..60).map(|_| json(passing, "")).collect();
            token(lasting).await.unwrap_err();
            assert!(began.elapsed() <= Limits::default().throttled, "{passing}");
        }
        let none = token(vec![json(400, r#"{"error":"invalid_request"}"#)]).await.unwrap_err();
        assert!(matches!(none, Failure::NoManagedIdentity { .. }), "{none:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_fails_or_asks_to_wait_does_not_mean_that_there_is_no_identity() {
        let failing = || json(503, r#"{"error":"server_error","error_description":"Not now."}"#);
        let failed = token((0..5).map(|_| failing()).collect()).await.unwrap_err();
        let (azure_code, azure_message) = ("server_error".into(), "Not now.".into());
        assert_eq!(failed, Failure::AzureError { status: 503, azure_code, azure_message });
        let throttled = token(vec![json(429, "").with("retry-after", "3600")]).await.unwrap_err();
        assert!(matches!(throttled, Failure::Throttled { .. }), "{throttled:?}");
    }
}
