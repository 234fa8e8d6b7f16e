//! The front door: every request is journalled, struck by a fault if one waits for it, and answered.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use tower::Service;

use crate::arm::error::ArmError;
use crate::clock::http_date;
use crate::fault::{Fault, FaultKind, RetryForm};
use crate::journal::Ending;
use crate::world::World;

/// Left in an answer's extensions by a handler that has changed something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppliedAt(pub(crate) DateTime<Utc>);

/// Makes the server drop the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped, as a fault asked for")]
pub(crate) struct Dropped;

/// The service of every connection.
#[derive(Clone)]
pub(crate) struct Front {
    world: Arc<World>,
    router: Router,
}

impl Front {
    pub(crate) fn new(world: Arc<World>, router: Router) -> Self {
        Self { world, router }
    }
}

impl<B> Service<Request<B>> for Front
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Dropped;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Dropped>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Dropped>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let front = self.clone();
        let request = request.map(Body::new);
        // In a task of its own: what a caller asked for happens, also when the caller hangs up first.
        let answered = tokio::spawn(front.answer(request));
        Box::pin(async move { answered.await.unwrap_or(Err(Dropped)) })
    }
}

/// A fault, looked at from when it strikes.
enum Strike {
    /// In place of looking at the request.
    Instead(Option<Box<Response>>),
    /// After the request was dealt with.
    Afterwards,
}

impl Front {
    async fn answer(self, request: Request<Body>) -> Result<Response, Dropped> {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        if path == "/_sim" || path.starts_with("/_sim/") {
            return Ok(self.route(request).await);
        }
        let query = request.uri().query().map(str::to_owned);
        let started = self.world.clock.now();
        let seq = self.world.journal().begin(method.clone(), path.clone(), query, started);
        let fault = self.world.faults().take(&method, &path);
        let mut ending = Ending { fault: fault.as_ref().map(|fault| fault.kind.name()), ..Ending::default() };
        let result = self.dealt_with(request, fault.as_ref(), &mut ending).await;
        let now = self.world.clock.now();
        let result = result.map(|mut response| {
            let date = HeaderValue::from_str(&http_date(now)).ok();
            response.headers_mut().extend(date.map(|date| (header::DATE, date)));
            ending.status = Some(response.status().as_u16());
            response
        });
        self.world.journal().end(seq, now, ending);
        result
    }

    async fn dealt_with(
        &self,
        request: Request<Body>,
        fault: Option<&Fault>,
        ending: &mut Ending,
    ) -> Result<Response, Dropped> {
        let Some(fault) = fault else {
            let response = self.route(request).await;
            ending.applied_at = response.extensions().get::<AppliedAt>().map(|applied| applied.0);
            return Ok(response);
        };
        match self.strike(fault, request.uri().path()) {
            Strike::Instead(Some(response)) => Ok(*response),
            Strike::Instead(None) => Err(Dropped),
            Strike::Afterwards => {
                let response = self.route(request).await;
                ending.applied_at = response.extensions().get::<AppliedAt>().map(|applied| applied.0);
                afterwards(fault, response).await
            }
        }
    }

    async fn route(&self, request: Request<Body>) -> Response {
        let mut router = self.router.clone();
        let answered: Result<Response, Infallible> = router.call(request).await;
        answered.unwrap_or_else(|never| match never {})
    }

    fn strike(&self, fault: &Fault, path: &str) -> Strike {
        let now = self.world.clock.now();
        let entra = &self.world.entra;
        let error = |status, code: &str, message: &str| ArmError::new(status, code, message).into_response();
        let response = match fault.kind {
            FaultKind::Throttle => {
                let message = "Number of requests for subscription exceeded the limit. Please try again later.";
                let mut response = error(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
                response.headers_mut().extend(retry_after(fault.retry_after.unwrap_or(1), fault.retry_form, now));
                response
            }
            FaultKind::Unavailable => {
                let message = "The service is temporarily unavailable. Please try again later.";
                let mut response = error(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message);
                let wait = fault.retry_after.map(|seconds| retry_after(seconds, fault.retry_form, now));
                response.headers_mut().extend(wait.unwrap_or_default());
                response
            }
            FaultKind::Internal => {
                let message = "Internal server error has occurred.";
                error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", message)
            }
            FaultKind::Forbidden => ArmError::forbidden(entra, "*", path).into_response(),
            FaultKind::Unauthorized => {
                let authority = format!("{}/{}", self.world.base, entra.tenant_id);
                ArmError::expired(&authority, now - TimeDelta::minutes(1), now).into_response()
            }
            FaultKind::NotFound => {
                let name = path.rsplit('/').next().unwrap_or_default();
                ArmError::resource_not_found(name, "").into_response()
            }
            FaultKind::Conflict => {
                let message = "Another operation is in progress on this resource. Please try again later.";
                error(StatusCode::CONFLICT, "Conflict", message)
            }
            FaultKind::OtherAddress => "198.51.100.77\n".into_response(),
            FaultKind::Html => captive_portal(),
            FaultKind::Reset => return Strike::Instead(None),
            FaultKind::ResetAfter | FaultKind::Slow | FaultKind::Malformed => return Strike::Afterwards,
        };
        Strike::Instead(Some(Box::new(response)))
    }
}

fn captive_portal() -> Response {
    let page = "<!doctype html><html><head><title>Hotel Wi-Fi</title></head>\
                <body><h1>Please sign in to use the network</h1></body></html>\n";
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

async fn afterwards(fault: &Fault, response: Response) -> Result<Response, Dropped> {
    if fault.kind == FaultKind::ResetAfter {
        return Err(Dropped);
    }
    if fault.kind == FaultKind::Slow {
        // The effect is there at once: what a caller that gives up early must reckon with.
        tokio::time::sleep(std::time::Duration::from_secs_f64(fault.seconds)).await;
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(whole.slice(..whole.len() / 2))))
}

fn retry_after(seconds: u32, form: RetryForm, now: DateTime<Utc>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: String| {
        headers.extend(value.parse::<HeaderValue>().ok().map(|value| (HeaderName::from_static(name), value)));
    };
    match form {
        RetryForm::Seconds => put("retry-after", seconds.to_string()),
        RetryForm::Date => put("retry-after", http_date(now + TimeDelta::seconds(i64::from(seconds)))),
        RetryForm::Milliseconds => {
            put("retry-after-ms", (u64::from(seconds) * 1000).to_string());
            put("x-ms-retry-after-ms", (u64::from(seconds) * 1000).to_string());
        }
        RetryForm::Absent => {}
    }
    headers
}
