//! An HTTP transport that answers from a script and notes what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request};
use time::OffsetDateTime;

use crate::arm_client::ArmClient;
use crate::cloud::Cloud;
use crate::limits::Limits;
use crate::policies::RejectedToken;

/// An answer of the script.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: String, after: Duration },
    Broken(ErrorKind),
}

impl Reply {
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }

    /// Comes that much later.
    pub(crate) fn after(mut self, wait: Duration) -> Self {
        if let Self::Answer { after, .. } = &mut self {
            *after = wait;
        }
        self
    }
}

pub(crate) fn json(status: u16, body: impl Into<String>) -> Reply {
    Reply::Answer { status, headers: Vec::new(), body: body.into(), after: Duration::ZERO }
}

/// An error with that code.
pub(crate) fn refused(status: u16, code: &str) -> Reply {
    json(status, format!(r#"{{"error":{{"code":"{code}","message":"Azure says {code}."}}}}"#))
}

/// The connection breaks after sending.
pub(crate) fn io_error() -> Reply {
    Reply::Broken(ErrorKind::Io)
}

/// No connection: nothing is sent.
pub(crate) fn refused_connection() -> Reply {
    Reply::Broken(ErrorKind::Connection)
}

/// A request as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) body: String,
    headers: Headers,
}

impl Sent {
    pub(crate) fn header(&self, name: &'static str) -> Option<&str> {
        self.headers.get_optional_str(&name.into())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Debug)]
pub(crate) struct Scripted {
    replies: Mutex<VecDeque<Reply>>,
    sent: Mutex<Vec<Sent>>,
}

impl Scripted {
    pub(crate) fn new(replies: impl IntoIterator<Item = Reply>) -> Arc<Self> {
        Arc::new(Self { replies: Mutex::new(replies.into_iter().collect()), sent: Mutex::default() })
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    /// Method and path of what was sent, such as `Get /subscriptions`.
    pub(crate) fn paths(&self) -> Vec<String> {
        let path = |sent: &Sent| {
            let url: url::Url = sent.url.parse().unwrap();
            format!("{:?} {}", sent.method, url.path())
        };
        self.sent().iter().map(path).collect()
    }
}

#[async_trait]
impl HttpClient for Scripted {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let body = match request.body() {
            Body::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Body::SeekableStream(stream) => panic!("a streamed body: {stream:?}"),
        };
        self.sent.lock().unwrap().push(Sent {
            method: request.method(),
            url: request.url().to_string(),
            body,
            headers: request.headers().clone(),
        });
        let reply = self.replies.lock().unwrap().pop_front().expect("asked more often than the script expects");
        match reply {
            Reply::Answer { status, headers, body, after } => {
                tokio::time::sleep(after).await;
                let mut all = Headers::new();
                for (name, value) in headers {
                    all.insert(name, value);
                }
                Ok(AsyncRawResponse::from_bytes(status.into(), all, body))
            }
            Reply::Broken(kind) => Err(Error::new(kind, std::io::Error::other("connection reset"))),
        }
    }
}

/// Gives the same token whatever is said of it, as what cannot be told that it was refused.
#[derive(Debug)]
struct Unmoved;

#[async_trait]
impl TokenCredential for Unmoved {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new("token", OffsetDateTime::now_utc() + Duration::from_hours(1)))
    }
}

/// Gives `token-1`, and the next number after each refusal.
#[derive(Debug, Default)]
struct Numbered {
    refused: Mutex<u32>,
    /// How long the first token takes, and each renewed one.
    takes: (Duration, Duration),
}

#[async_trait]
impl TokenCredential for Numbered {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        assert_eq!(scopes, ["https://management.azure.com/.default"]);
        let context = options.unwrap_or_default().method_options.context;
        let rejected = context.value::<RejectedToken>();
        tokio::time::sleep(if rejected.is_some() { self.takes.1 } else { self.takes.0 }).await;
        let mut refused = self.refused.lock().unwrap();
        let current = format!("token-{}", *refused + 1);
        if rejected.is_some_and(|token| token.0.secret() == current) {
            *refused += 1;
        }
        Ok(AccessToken::new(format!("token-{}", *refused + 1), OffsetDateTime::now_utc() + Duration::from_hours(1)))
    }
}

/// A client of the public cloud that talks to the script.
pub(crate) fn client(script: &Arc<Scripted>) -> ArmClient {
    signing_in(script, (Duration::ZERO, Duration::ZERO))
}

/// One whose token stays the same when it was refused.
pub(crate) fn client_of_one_token(script: &Arc<Scripted>) -> ArmClient {
    let http = Arc::clone(script) as Arc<dyn HttpClient>;
    ArmClient::over(&Cloud::public(), Arc::new(Unmoved), &http, Limits::default()).unwrap()
}

/// One whose first token, and each renewed one, take so long.
pub(crate) fn signing_in(script: &Arc<Scripted>, takes: (Duration, Duration)) -> ArmClient {
    let http = Arc::clone(script) as Arc<dyn HttpClient>;
    let credential = Numbered { takes, ..Numbered::default() };
    ArmClient::over(&Cloud::public(), Arc::new(credential), &http, Limits::default()).unwrap()
}
