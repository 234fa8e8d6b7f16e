//! The HTTP client that all calls to one cloud share.

use std::sync::Arc;
use std::time::Duration;

use ajar_core::failure::{Failure, Trouble};
use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::{HeaderName, Headers, WWW_AUTHENTICATE};
use azure_core::http::policies::Policy;
use azure_core::http::{
    AsyncRawResponse, Body, ClientOptions, Context, HttpClient, Method, Pipeline, PipelineSendOptions, RawResponse,
    Request, RetryOptions, Transport,
};
use reqwest::header::HeaderMap;
use url::{Host, Url};

use crate::arm_client::Answer;
use crate::arm_error;
use crate::cloud::Cloud;
use crate::limits::Limits;
use crate::policies::{self, OurName, Resend};
use crate::sign_in;

/// What servers see as the caller.
pub(crate) const USER_AGENT: &str = concat!("ajar/", env!("CARGO_PKG_VERSION"));

/// An HTTP client for one cloud: TLS by rustls, only the cloud's own certificates where it has some, no redirects,
/// the system's proxy unless the cloud is on this machine.
///
/// # Errors
/// [`Failure::Settings`] if the cloud's certificates can't be read.
pub fn http_client(cloud: &Cloud) -> Result<Http, Trouble> {
    http_client_within(cloud, Limits::default())
}

/// [`http_client`], within other limits. What is made with it keeps to them too.
///
/// # Errors
/// [`Failure::Settings`] if the cloud's certificates can't be read.
pub fn http_client_within(cloud: &Cloud, limits: Limits) -> Result<Http, Trouble> {
    let unusable = |error: reqwest::Error| Failure::Settings {
        path: format!("clouds.{}", cloud.name),
        detail: innermost(&error).to_string(),
    };
    let builder = || {
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(limits.connect);
        if let Some(pem) = &cloud.ca_bundle_pem {
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem).map_err(unusable)?);
        }
        Ok::<_, Failure>(if is_loopback(&cloud.resource_manager) { builder.no_proxy() } else { builder })
    };
    let client = builder()?.read_timeout(limits.silence).timeout(limits.call).build().map_err(unusable)?;
    // What becomes a web socket is silent for as long as its user is.
    let upgrading = Some(builder()?.http1_only().build().map_err(unusable)?);
    Ok(Http { client, upgrading, limits, again: false })
}

/// Sends without a token, and calls itself by our name. `policies` come before.
pub(crate) fn open_pipeline(http: &Arc<dyn HttpClient>, policies: Vec<Arc<dyn Policy>>) -> Pipeline {
    let ours: Arc<dyn Policy> = Arc::new(OurName);
    let options = ClientOptions {
        per_call_policies: std::iter::once(ours).chain(policies).collect(),
        retry: RetryOptions::none(),
        transport: Some(Transport::new(Arc::clone(http))),
        ..ClientOptions::default()
    };
    Pipeline::new(Some("ajar"), None, options, Vec::new(), Vec::new(), None)
}

/// Asks what everybody is told, without a token. Whatever the status, that is an answer.
///
/// # Errors
/// What keeps an answer away.
pub(crate) async fn get_openly(http: Http, url: Url) -> Result<Answer, Trouble> {
    let limits = http.limits();
    let http: Arc<dyn HttpClient> = Arc::new(http);
    let pipeline = open_pipeline(&http, vec![Arc::new(Resend::reads(limits))]);
    let mut request = Request::new(url, Method::Get);
    request.insert_header("accept", "application/json");
    let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
    let sent = pipeline.send(&Context::new(), &mut request, Some(options)).await;
    let response = sent.map_err(|error| broken(request.url(), &error))?;
    let (status, headers, body) = RawResponse::deconstruct(response);
    Ok(Answer { host: host(request.url()), status: status.into(), headers, body: body.to_vec() })
}

/// A client for what is on this machine or beside it, as the services that tell managed identities are: without TLS and
/// without a proxy.
pub(crate) fn nearby_client(cloud: &Cloud, limits: Limits) -> Result<Http, Trouble> {
    let unusable = |error: reqwest::Error| Failure::Settings {
        path: format!("clouds.{}", cloud.name),
        detail: innermost(&error).to_string(),
    };
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(NEARBY)
        .timeout(limits.read);
    if let Some(pem) = &cloud.ca_bundle_pem {
        builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem).map_err(unusable)?);
    }
    Ok(Http { client: builder.build().map_err(unusable)?, upgrading: None, limits, again: false })
}

/// What some of Azure's servers, and programs of Windows, put before JSON. Nothing of ours reads it: RFC 8259 8.1 lets a parser ignore it.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is not there within this time is not nearby.
const NEARBY: Duration = Duration::from_secs(2);

/// Sends requests as they are, and takes in answers up to their limit.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    /// The same without an end, for connections that become something else than HTTP.
    upgrading: Option<reqwest::Client>,
    limits: Limits,
    /// Whatever is sent costs nothing to be sent again.
    again: bool,
}

impl Http {
    /// What it keeps to.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Sends as it is, for other services than the resource manager.
    pub(crate) fn plain(&self) -> &reqwest::Client {
        &self.client
    }

    /// Sends what becomes something else than HTTP; `None` of a client that is for what is nearby.
    pub(crate) fn upgrading(&self) -> Option<&reqwest::Client> {
        self.upgrading.as_ref()
    }

    /// The same for what may be sent again whatever its method: each try takes no longer than one of a read.
    pub(crate) fn for_sending_again(&self) -> Self {
        Self { again: true, ..self.clone() }
    }
}

#[async_trait]
impl HttpClient for Http {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut told = None;
        let result = if request.method() != Method::Get && !self.again {
            self.whole(request, &mut told).await
        } else {
            let whole = tokio::time::timeout(self.limits.read, self.whole(request, &mut told)).await;
            whole.unwrap_or_else(|_| Err(Error::new(ErrorKind::Io, TooSlow)))
        };
        result.map_err(|error| match told {
            Some(correlation_id) => Error::new(error.kind().clone(), BrokeOff { correlation_id, error }),
            None => error,
        })
    }
}

impl Http {
    /// Sends it and takes in the whole answer, without the byte order mark that may begin it. azure_core's own way for
    /// reqwest keeps one header of each name; of several challenges the one that counts may be the first.
    ///
    /// `told` is Azure's id of the call once the headers have told it, whatever becomes of the body.
    async fn whole(&self, request: &Request, told: &mut Option<String>) -> azure_core::Result<AsyncRawResponse> {
        let broke = |error: reqwest::Error| {
            Error::new(if error.is_connect() { ErrorKind::Connection } else { ErrorKind::Io }, error)
        };
        let mut answer = self.client.execute(self.outgoing(request)?).await.map_err(broke)?;
        let (status, headers) = (answer.status().as_u16(), incoming(answer.headers()));
        *told = policies::correlation_id(&headers);
        let too_long = || Error::new(ErrorKind::DataConversion, TooLong { status });
        if answer
            .content_length()
            .is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > self.limits.answer))
        {
            return Err(too_long());
        }
        let mut whole = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(broke)? {
            if whole.len() + part.len() > self.limits.answer {
                // Not a kind that is asked for again: it would be as long.
                return Err(too_long());
            }
            whole.extend_from_slice(&part);
        }
        if whole.starts_with(BYTE_ORDER_MARK) {
            whole.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(AsyncRawResponse::from_bytes(status.into(), headers, whole))
    }

    fn outgoing(&self, request: &Request) -> azure_core::Result<reqwest::Request> {
        let unfit = |error: &dyn std::error::Error| Error::with_message(ErrorKind::Other, error.to_string());
        let method =
            reqwest::Method::from_bytes(request.method().as_str().as_bytes()).map_err(|error| unfit(&error))?;
        let Body::Bytes(body) = request.body() else {
            return Err(Error::with_message(ErrorKind::Other, "a body that is not at hand as a whole"));
        };
        let outgoing = self.client.request(method, request.url().clone()).body(body.clone());
        let outgoing =
            request.headers().iter().fold(outgoing, |out, (name, value)| out.header(name.as_str(), value.as_str()));
        outgoing.build().map_err(|error| unfit(&error))
    }
}

/// The headers of an answer; challenges that come in several are one list, as RFC 9110 5.3 reads them.
fn incoming(headers: &HeaderMap) -> Headers {
    let mut all = Headers::new();
    for (name, value) in headers {
        let Ok(value) = value.to_str() else { continue };
        let name = HeaderName::from(name.as_str().to_owned());
        let before = (name == WWW_AUTHENTICATE).then(|| all.get_optional_string(&name)).flatten();
        all.insert(name, before.map_or_else(|| value.to_owned(), |before| format!("{before}, {value}")));
    }
    all
}

/// An answer that is not read to its end.
#[derive(Debug, thiserror::Error)]
#[error("it is far longer than any of Azure's")]
pub(crate) struct TooLong {
    /// Its HTTP status.
    pub(crate) status: u16,
}

/// What ended an answer whose headers had come.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
struct BrokeOff {
    /// Azure's id of the call.
    correlation_id: String,
    #[source]
    error: Error,
}

/// An answer that is not waited for any longer.
#[derive(Debug, thiserror::Error)]
#[error("timed out")]
struct TooSlow;

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The cause at the bottom of an error: what the system said, without the URLs that the layers above add.
pub fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error)
}

/// What a cause says, in words that are not those of HTTP/2.
fn plain(cause: &str) -> String {
    let jargon = ["stream error", "connection error"].iter().any(|start| cause.starts_with(start));
    if jargon { "the connection broke".to_owned() } else { cause.to_owned() }
}

/// [`unreachable`], with Azure's id of the call where its headers had told it.
pub(crate) fn broken(url: &Url, error: &Error) -> Trouble {
    let broke_off = sign_in::causes(error).find_map(|cause| cause.downcast_ref::<BrokeOff>());
    let correlation_id = broke_off.map(|broke_off| broke_off.correlation_id.clone());
    Trouble { failure: unreachable(url, error), correlation_id }
}

/// [`Failure::Unreachable`] for a call to `url` that `error` ended; an answer that was too long to be read did come.
pub(crate) fn unreachable(url: &Url, error: &(dyn std::error::Error + 'static)) -> Failure {
    let cause = innermost(error);
    if let Some(too_long @ TooLong { status }) = cause.downcast_ref() {
        return arm_error::unreadable(*status, too_long);
    }
    // An error of reqwest shows the whole URL; one of its causes never does.
    let detail = match cause.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_timeout() => "timed out".to_owned(),
        Some(error) if error.is_connect() => "cannot connect".to_owned(),
        Some(_) => "the connection broke".to_owned(),
        None => plain(&cause.to_string()),
    };
    Failure::Unreachable { host: host(url), detail }
}

/// A URL without its path and query, which may hold what is nobody's business.
pub(crate) fn origin(url: &Url) -> String {
    format!("{}://{}", url.scheme(), host(url))
}

/// Host, and port where it is not 443.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_on_this_machine_go_around_the_proxy() {
        for (url, loopback) in [
            ("https://127.0.0.1:1/", true),
            ("https://[::1]/", true),
            ("https://localhost/", true),
            ("https://management.azure.com/", false),
            ("https://127.0.0.1.example/", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), loopback, "{url}");
        }
    }

    #[test]
    fn of_several_challenges_none_is_lost_and_of_other_headers_the_last_counts() {
        let mut sent = HeaderMap::new();
        for (name, value) in [
            ("www-authenticate", "Bearer error=\"insufficient_claims\", claims=\"e30=\""),
            ("retry-after", "1"),
            ("www-authenticate", "Bearer error=\"invalid_token\""),
            ("retry-after", "2"),
        ] {
            sent.append(name, value.parse().unwrap());
        }
        let headers = incoming(&sent);
        let joined = "Bearer error=\"insufficient_claims\", claims=\"e30=\", Bearer error=\"invalid_token\"";
        assert_eq!(headers.get_optional_str(&WWW_AUTHENTICATE), Some(joined));
        assert_eq!(headers.get_optional_str(&HeaderName::from_static("retry-after")), Some("2"));
    }

    #[test]
    fn a_client_is_made_for_every_built_in_cloud_and_not_for_broken_certificates() {
        for cloud in [Cloud::public(), Cloud::us_gov(), Cloud::china()] {
            assert!(http_client(&cloud).is_ok());
        }
        let pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
        let broken = Cloud { ca_bundle_pem: Some(pem), ..Cloud::public() };
        assert!(matches!(http_client(&broken).unwrap_err().failure, Failure::Settings { .. }));
    }

    #[tokio::test]
    async fn what_cannot_be_reached_is_named_by_host_and_cause_without_its_query() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let url: Url = format!("https://127.0.0.1:{port}/secret-path?key=secret").parse().unwrap();
        let cloud = Cloud { resource_manager: url.clone(), ..Cloud::public() };
        let error = http_client(&cloud).unwrap().client.get(url.clone()).send().await.unwrap_err();
        let Failure::Unreachable { host, detail } = unreachable(&url, &error) else { panic!("another failure") };
        assert_eq!(host, format!("127.0.0.1:{port}"));
        assert!(!detail.contains("secret") && !detail.is_empty(), "{detail}");
    }
}
