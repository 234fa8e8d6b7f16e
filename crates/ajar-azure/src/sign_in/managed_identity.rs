//! Tokens of the Azure resource that this machine is: a VM, or an app of App Service.

use std::sync::Arc;

use ajar_core::failure::{Failure, Trouble};
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::{
    AsyncRawResponse, ClientOptions, Context, HttpClient, Pipeline, PipelineSendOptions, RawResponse, Request,
    RetryOptions, Transport,
};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use chrono::Utc;
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;

use super::refusal::{Refusal, text};
use super::token_cache::{TokenAsk, TokenSource};
use super::{causes, first_line};
use crate::arm_client::Answer;
use crate::arm_error;
use crate::cloud::Cloud;
use crate::connection;
use crate::limits::Limits;
use crate::policies::{Resend, retry_after};

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
        // Of this kind is nothing that azure_identity would ask for again. It would lose what the service says, too, and
        // repeat what may be a token.
        let in_the_end = |failed| Error::new(ErrorKind::Credential, failed);
        let url = request.url();
        let sent = sent.map_err(|error| in_the_end(NoToken::Unanswered { url: url.clone(), error }))?;
        let (status, headers, body) = RawResponse::deconstruct(sent);
        let answer = Answer { host: connection::host(url), status: status.into(), headers, body: body.to_vec() };
        if !has_token(&answer) {
            return Err(in_the_end(NoToken::Answered(answer)));
        }
        Ok(AsyncRawResponse::from_bytes(status, answer.headers, answer.body))
    }
}

/// What came in place of a token.
#[derive(Debug, thiserror::Error)]
enum NoToken {
    #[error("it was not answered")]
    Unanswered {
        url: Url,
        #[source]
        error: Error,
    },
    #[error("it was answered by HTTP {}", .0.status)]
    Answered(Answer),
}

/// A token, as the services of VMs and apps give it; azure_identity takes no other.
#[derive(Deserialize)]
struct Given {
    access_token: String,
    /// Seconds since 1970.
    expires_on: String,
    #[expect(dead_code, reason = "it has to be there")]
    token_type: IgnoredAny,
    #[expect(dead_code, reason = "it has to be there")]
    resource: IgnoredAny,
}

fn has_token(answer: &Answer) -> bool {
    let given = serde_json::from_slice::<Given>(&answer.body);
    answer.is_success() && given.is_ok_and(|it| !it.access_token.is_empty() && it.expires_on.parse::<i64>().is_ok())
}

/// An error of either service: `{"error","error_description"}` of VMs, `{"statusCode","message"}` of apps.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    #[serde(flatten)]
    refusal: Refusal,
    #[serde(deserialize_with = "text")]
    message: String,
}

impl Said {
    /// `None` of what is no object of JSON, and so neither's.
    fn of(answer: &Answer) -> Option<Self> {
        serde_json::from_slice(&answer.body).ok()
    }

    fn sentence(&self) -> &str {
        let sentences = [self.refusal.sentence(), self.message.as_str()];
        sentences.into_iter().find(|sentence| !sentence.is_empty()).unwrap_or_default()
    }
}

/// Where a VM asks for its identity, and what is elsewhere another cloud's, or nobody's.
const OF_VMS: &str = "169.254.169.254";

/// The resource is not known where the identity is at home: it is another cloud's.
const OTHER_CLOUDS: &str = "invalid_resource";

fn trouble(error: &Error) -> Trouble {
    match causes(error).find_map(|cause| cause.downcast_ref::<NoToken>()) {
        Some(NoToken::Answered(answer)) => answer.trouble(answered(answer)),
        Some(NoToken::Unanswered { url, error }) => unanswered(url, error).into(),
        // Before it was asked: its variables are none.
        None => {
            let cause = causes(error).filter_map(|cause| cause.downcast_ref::<Error>()).last().unwrap_or(error);
            Failure::NoManagedIdentity { detail: first_line(cause) }.into()
        }
    }
}

/// Where nobody answers at the place of VMs, this is none; who named another place has a service. What came and was too long is
/// told as that.
fn unanswered(url: &Url, error: &Error) -> Failure {
    let failure = connection::unreachable(url, error);
    let Failure::Unreachable { detail, .. } = failure else { return failure };
    let host = connection::host(url);
    if host == OF_VMS {
        return Failure::NoManagedIdentity { detail: format!("nobody answers at {host}, where a VM asks ({detail})") };
    }
    Failure::IdentityServiceFailed { host, detail }
}

fn answered(answer: &Answer) -> Failure {
    let (host, status) = (&answer.host, answer.status);
    let failed = |what: &str| {
        let detail = format!("{what} (HTTP {status})");
        Failure::IdentityServiceFailed { host: host.clone(), detail }
    };
    let none = |detail: String| Failure::NoManagedIdentity { detail };
    let said = Said::of(answer);
    match (status, &said) {
        (429, _) => arm_error::throttled(retry_after(&answer.headers, Utc::now())),
        // There may be an identity: what fails is the service that tells it.
        (500.., said) => {
            let azure_message = said.as_ref().map_or("", Said::sentence).to_owned();
            let azure_code = said.as_ref().map(|said| said.refusal.error.clone()).unwrap_or_default();
            Failure::AzureError { status, azure_code, azure_message }
        }
        (404, said) if said.as_ref().is_none_or(|said| said.sentence().is_empty()) => {
            failed("it knows of no identity, or is being updated just now")
        }
        (410, _) => failed("it is being updated, which takes about a minute"),
        (400, Some(said)) if said.refusal.error == OTHER_CLOUDS => Failure::AzureError {
            status,
            azure_code: said.refusal.error.clone(),
            azure_message: said.sentence().to_owned(),
        },
        (400, Some(said)) if said.sentence().is_empty() && said.refusal.error.is_empty() => {
            failed("it refused to give one")
        }
        (400, Some(said)) if said.sentence().is_empty() => {
            none(format!("{host} has not the one that is meant (HTTP 400)"))
        }
        (400 | 404, Some(said)) => none(said.sentence().to_owned()),
        // Other clouds have a service there, too, and what stands before it may answer anything.
        (_, None) if host == OF_VMS => none(format!("what answers at {host} is not Azure’s (HTTP {status})")),
        (200..=299, Some(_)) => failed("its answer is no token"),
        (_, Some(said)) if !said.sentence().is_empty() => failed(said.sentence().trim_end_matches('.')),
        (_, Some(_)) => failed("it refused to give one"),
        (_, None) => failed("it answered with something that is not Azure’s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Reply, Scripted, json, refused_connection};

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

    /// Where the identity of an app is asked for; that of a VM is elsewhere.
    const OF_APPS: &str = "127.0.0.1:41741";

    /// What an answer of either service means.
    fn means(host: &str, status: u16, body: &str) -> Failure {
        let (host, headers) = (host.to_owned(), azure_core::http::headers::Headers::new());
        answered(&Answer { host, status, headers, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn each_answer_without_a_token_is_told_by_what_it_says_of_the_identity() {
        let none = |detail: &str| Failure::NoManagedIdentity { detail: detail.into() };
        let failed =
            |host: &str, detail: &str| Failure::IdentityServiceFailed { host: host.into(), detail: detail.into() };
        let unknown = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
        let unassigned = r#"{"statusCode":400,"message":"No User Assigned or Delegated Managed Identity found."}"#;
        let page = "<html>Welcome</html>";
        for (host, status, body, expected) in [
            (OF_VMS, 400, unknown, none("Identity not found")),
            (OF_APPS, 400, unassigned, none("No User Assigned or Delegated Managed Identity found.")),
            (OF_VMS, 404, page, failed(OF_VMS, "it knows of no identity, or is being updated just now (HTTP 404)")),
            (OF_APPS, 404, "{}", failed(OF_APPS, "it knows of no identity, or is being updated just now (HTTP 404)")),
            (OF_VMS, 404, unknown, none("Identity not found")),
            (OF_APPS, 400, r#"{"error":{"code":"x"}}"#, failed(OF_APPS, "it refused to give one (HTTP 400)")),
            (OF_VMS, 200, page, none("what answers at 169.254.169.254 is not Azure’s (HTTP 200)")),
            (OF_VMS, 401, page, none("what answers at 169.254.169.254 is not Azure’s (HTTP 401)")),
            (OF_VMS, 200, "", none("what answers at 169.254.169.254 is not Azure’s (HTTP 200)")),
            (OF_APPS, 200, "", failed(OF_APPS, "it answered with something that is not Azure’s (HTTP 200)")),
            (OF_APPS, 403, page, failed(OF_APPS, "it answered with something that is not Azure’s (HTTP 403)")),
            (OF_VMS, 200, "{}", failed(OF_VMS, "its answer is no token (HTTP 200)")),
            (OF_VMS, 410, "", failed(OF_VMS, "it is being updated, which takes about a minute (HTTP 410)")),
            (OF_APPS, 401, r#"{"message":"Unauthorized."}"#, failed(OF_APPS, "Unauthorized (HTTP 401)")),
            (OF_APPS, 401, "{}", failed(OF_APPS, "it refused to give one (HTTP 401)")),
        ] {
            assert_eq!(means(host, status, body), expected, "{status} {body}");
        }
        let other_cloud = r#"{"error":"invalid_resource","error_description":"AADSTS500011: Not found. Trace ID: x"}"#;
        let Failure::AzureError { azure_message, .. } = means(OF_VMS, 400, other_cloud) else {
            panic!("another failure")
        };
        assert_eq!(azure_message, "AADSTS500011: Not found.");
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_be_a_token_is_not_repeated_where_it_cannot_be_read() {
        for body in [
            r#""t0ken""#,
            r#"{"access_token":"t0ken"}"#,
            r#"{"access_token":"t0ken","expires_on":"soon","token_type":"Bearer","resource":"r"}"#,
            r#"{"access_token":{"t0ken":1},"expires_on":"1"}"#,
        ] {
            let failure = token(vec![json(200, body)]).await.unwrap_err();
            assert!(!format!("{failure:?}").contains("t0ken"), "{failure:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_at_the_place_of_vms_means_that_this_is_none() {
        let failure = token(vec![refused_connection()]).await.unwrap_err();
        let Failure::NoManagedIdentity { detail } = failure else { panic!("{failure:?}") };
        assert!(detail.starts_with("nobody answers at 169.254.169.254, where a VM asks ("), "{detail}");
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
