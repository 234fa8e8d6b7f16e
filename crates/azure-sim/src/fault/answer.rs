//! Answers that a fault gives in place of the service's own.

use axum::Json;
use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::kind::{FaultKind, Instead, RetryForm, Tamper};
use super::{Fault, To};
use crate::arm::asked::Asked;
use crate::arm::error::ArmError;
use crate::clock::http_date;
use crate::entra::directory::Caller;
use crate::entra::refusal::{Refusal, correlation};
use crate::served;
use crate::world::World;

/// What a request asks for, and with which headers.
type Request<'a> = (&'a Method, &'a Uri, &'a HeaderMap);

/// What a fault makes of a request.
#[derive(Debug)]
pub(crate) enum Strike {
    /// This answer, in place of the request's own.
    Instead(Box<Response>),
    /// No answer; the connection drops before the request is looked at.
    Dropped,
    /// The request is dealt with, and its answer goes wrong.
    Tampered(Tamper),
}

impl Fault {
    /// How the fault strikes a request for `path`. `caller` is whose token came along.
    pub(crate) fn strike(&self, world: &World, caller: Option<Caller>, asked: Request<'_>) -> Strike {
        let answer = match self.kind {
            FaultKind::Reset => return Strike::Dropped,
            FaultKind::Tampered(tamper) => return Strike::Tampered(tamper),
            FaultKind::Instead(answer) => answer,
        };
        let now = world.clock.now();
        let mut response = self.own_answer(answer, world, caller, asked);
        if let Some(body) = &self.body {
            *response.body_mut() = Body::from(body.clone());
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        let asked = self.retry_after.or((answer == Instead::Throttle).then_some(1));
        if let Some(seconds) = asked {
            response.headers_mut().extend(retry_after(seconds, self.retry_form, now));
        }
        Strike::Instead(Box::new(response))
    }

    /// The answer before anything else is said of it.
    fn own_answer(
        &self,
        answer: Instead,
        world: &World,
        caller: Option<Caller>,
        (method, uri, headers): Request<'_>,
    ) -> Response {
        let (path, now) = (uri.path(), world.clock.now());
        let refusal = |status, code, message| refusal((path, headers), now, status, code, message);
        match answer {
            Instead::Throttle => {
                let message = "Number of requests for subscription exceeded the limit. Please try again later.";
                refusal(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message)
            }
            Instead::Internal => {
                let message = "Internal server error has occurred.";
                refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", message)
            }
            Instead::Unavailable => {
                let message = "The service is temporarily unavailable. Please try again later.";
                refusal(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
            }
            Instead::BadGateway => page(StatusCode::BAD_GATEWAY, "502 Bad Gateway"),
            Instead::GatewayTimeout => page(StatusCode::GATEWAY_TIMEOUT, "504 Gateway Time-out"),
            Instead::Conflict => {
                let message = "Another operation is in progress on this resource. Please try again later.";
                refusal(StatusCode::CONFLICT, "Conflict", message)
            }
            Instead::Forbidden => match Asked::of(method, path) {
                Some(asked) => {
                    let caller = caller.unwrap_or_else(|| world.entra.app());
                    ArmError::forbidden(&caller, &asked.action, &asked.scope).into_response()
                }
                None => page(StatusCode::FORBIDDEN, "403 Forbidden"),
            },
            Instead::ExpiredToken => {
                let authority = world.entra.authority(Some(world.entra.tenant_id()));
                ArmError::expired(&authority, now - TimeDelta::minutes(1), now).into_response()
            }
            Instead::ClaimsChallenge => ArmError::insufficient_claims(&world.base, now.timestamp()).into_response(),
            Instead::TwoChallenges => two_challenges(&world.base, now.timestamp()),
            Instead::NotFound => match Asked::of(method, path) {
                Some(asked) => asked.not_found().into_response(),
                None => page(StatusCode::NOT_FOUND, "404 Not Found"),
            },
            Instead::OtherAddress => "198.51.100.77\n".into_response(),
            Instead::Html => page(StatusCode::OK, "Please sign in to use the network"),
            Instead::ProxyForbidden => page(StatusCode::FORBIDDEN, "Access to this site is blocked"),
            Instead::ProxyNotFound => page(StatusCode::NOT_FOUND, "The site cannot be found"),
            Instead::ProxyAuthentication => (
                [(header::PROXY_AUTHENTICATE, "Basic realm=\"proxy\"")],
                page(StatusCode::PROXY_AUTHENTICATION_REQUIRED, "The proxy wants a sign-in"),
            )
                .into_response(),
            Instead::NetworkAuthentication => {
                page(StatusCode::NETWORK_AUTHENTICATION_REQUIRED, "The network wants a sign-in")
            }
            Instead::Redirect => self.redirect(&world.base, uri.path_and_query().map_or("/", PathAndQuery::as_str)),
        }
    }

    /// Whether the request takes effect although the fault answers.
    pub(crate) fn is_applied(&self) -> bool {
        self.applied
    }

    fn redirect(&self, base: &str, path_and_query: &str) -> Response {
        let location = match &self.to {
            To::Foreign => format!("https://management.azure.example{path_and_query}"),
            To::Http => format!("{}{path_and_query}", base.replacen("https://", "http://", 1)),
            To::Itself => format!("{base}{path_and_query}"),
            To::Url(url) => url.clone(),
        };
        (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response()
    }
}

/// An error in the words of whoever serves the path: Entra, a VM's metadata service, a public address endpoint, or Azure
/// Resource Manager.
fn refusal(
    (path, headers): (&str, &HeaderMap),
    now: DateTime<Utc>,
    status: StatusCode,
    code: &str,
    message: &str,
) -> Response {
    let lower = path.to_ascii_lowercase();
    if lower.starts_with("/_ip/") {
        return (status, format!("{message}\n")).into_response();
    }
    if lower.starts_with("/metadata/identity/") {
        return (status, Json(json!({ "error": code, "error_description": message }))).into_response();
    }
    if served::is_entra(path) {
        return Refusal { status, ..Refusal::transient() }.answer(correlation(headers), now);
    }
    ArmError::new(status, code, message).into_response()
}

fn two_challenges(base: &str, valid_from: i64) -> Response {
    let mut answer = ArmError::insufficient_claims(base, valid_from).into_response();
    let plain = format!("Bearer authorization_uri=\"{base}/common/oauth2/authorize\", error=\"invalid_token\"");
    let plain = plain.parse::<HeaderValue>().ok().map(|plain| (header::WWW_AUTHENTICATE, plain));
    answer.headers_mut().extend(plain);
    answer
}

fn page(status: StatusCode, title: &str) -> Response {
    let page =
        format!("<!doctype html><html><head><title>{title}</title></head>\n<body><h1>{title}</h1></body></html>\n");
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

fn retry_after(seconds: u32, form: RetryForm, now: DateTime<Utc>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: String| {
        headers.extend(value.parse::<HeaderValue>().ok().map(|value| (HeaderName::from_static(name), value)));
    };
    let millis = (u64::from(seconds) * 1000).to_string();
    match form {
        RetryForm::Seconds => put("retry-after", seconds.to_string()),
        RetryForm::Date => put("retry-after", http_date(now + TimeDelta::seconds(i64::from(seconds)))),
        RetryForm::Milliseconds => {
            put("retry-after-ms", millis.clone());
            put("x-ms-retry-after-ms", millis);
        }
        RetryForm::RetryAfterMs => put("retry-after-ms", millis),
        RetryForm::XMsRetryAfterMs => put("x-ms-retry-after-ms", millis),
        RetryForm::Garbage => put("retry-after", "soon".to_owned()),
        RetryForm::Absent => {}
    }
    headers
}
