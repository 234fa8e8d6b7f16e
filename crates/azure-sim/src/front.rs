//! The front door: every request is journalled, struck by a fault if one waits for it, and answered.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, Request, header};
use axum::response::IntoResponse;
use axum::response::Response;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use tower::Service;

use crate::arm;
use crate::arm::error::ArmError;
use crate::clock::http_date;
use crate::connection::Resetting;
use crate::control;
use crate::entra;
use crate::fault::{Fault, Strike, Struck};
use crate::served;
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
        let resetting = request.extensions().get::<Resetting>().cloned().unwrap_or_default();
        let answered = tokio::spawn(front.answer(request));
        Box::pin(async move {
            let answer = answered.await.unwrap_or(Err(Dropped));
            if answer.is_err() {
                resetting.reset();
            }
            answer
        })
    }
}

impl Front {
    async fn answer(self, request: Request<Body>) -> Result<Response, Dropped> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let path = uri.path();
        if path == "/_sim" || path.starts_with("/_sim/") {
            let (request, complete) = taken_in(request).await.ok_or(Dropped)?;
            return Ok(if complete { self.route(request).await } else { control::too_large() });
        }
        let query = uri.query().unwrap_or_default();
        let struck = Struck { method: method.as_str(), path, query, route: served::name(&method, path) };
        let seq = self.world.journal().begin(struck, self.world.clock.now());
        let Some((request, complete)) = taken_in(request).await else {
            self.world.journal().end(seq, self.world.clock.now(), None);
            return Err(Dropped);
        };
        let fault = if complete { self.world.faults().take(struck) } else { None };
        let answer = match &fault {
            None if !complete => Some(too_large(&request)),
            None => Some(self.deal_with(request, seq).await),
            Some(fault) => {
                self.world.journal().struck(seq, fault.name);
                self.go_wrong(fault, request, seq).await
            }
        };
        let now = self.world.clock.now();
        let answer = answer.map(|mut response| {
            let told = now + fault.as_ref().map(Fault::skew).unwrap_or_default();
            let date = HeaderValue::from_str(&http_date(told)).ok();
            response.headers_mut().extend(date.map(|date| (header::DATE, date)));
            name_the_charset(&mut response);
            response
        });
        self.world.journal().end(seq, now, answer.as_ref().map(|response| response.status().as_u16()));
        answer.ok_or(Dropped)
    }

    /// `None` when the connection drops.
    async fn go_wrong(&self, fault: &Fault, request: Request<Body>, seq: u64) -> Option<Response> {
        let (method, uri, headers) = (request.method().clone(), request.uri().clone(), request.headers().clone());
        let caller = arm::caller(&self.world, &headers);
        match fault.strike(&self.world, caller, (&method, &uri, &headers)) {
            Strike::Dropped => None,
            Strike::Tampered(tamper) => {
                // What goes wrong with an answer goes wrong with what it says, not with how it is packed.
                let mut request = request;
                request.headers_mut().remove(header::ACCEPT_ENCODING);
                let response = self.deal_with(request, seq).await;
                fault.tamper(tamper, response).await
            }
            Strike::Instead(mut response) => {
                if fault.is_applied() {
                    self.deal_with(request, seq).await;
                }
                // A gateway's or a portal's page is not the resource manager's.
                if served::is_resource_manager(uri.path()) && is_json(&response) {
                    arm::stamp(&headers, None, &mut response);
                } else if served::is_entra(uri.path()) && is_json(&response) {
                    entra::stamp(&headers, &mut response);
                }
                Some(*response)
            }
        }
    }

    async fn deal_with(&self, request: Request<Body>, seq: u64) -> Response {
        let of_entra = served::is_entra(request.uri().path()).then(|| request.headers().clone());
        let mut response = self.route(request).await;
        if let Some(headers) = of_entra {
            entra::stamp(&headers, &mut response);
        }
        if let Some(AppliedAt(at)) = response.extensions().get() {
            self.world.journal().applied(seq, *at);
        }
        response
    }

    async fn route(&self, request: Request<Body>) -> Response {
        let mut router = self.router.clone();
        let answered: Result<Response, Infallible> = router.call(request).await;
        answered.unwrap_or_else(|never| match never {})
    }
}

/// Azure takes no larger bodies.
const LARGEST_BODY: usize = 4 << 20;
/// Of a body that is larger still, so much is read, so that its sender gets to see the refusal.
const MOST_READ: usize = 64 << 20;

/// The request with its body in hand, and whether that is all of it: an answer that comes before the body has been read
/// would reset the request's stream in HTTP/2. `None` when the sender went away.
async fn taken_in(request: Request<Body>) -> Option<(Request<Body>, bool)> {
    let (parts, body) = request.into_parts();
    let (mut chunks, mut whole, mut read) = (body.into_data_stream(), Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.ok()?;
        read += chunk.len();
        if read > MOST_READ {
            break;
        }
        if read <= LARGEST_BODY {
            whole.extend_from_slice(&chunk);
        }
    }
    Some((Request::from_parts(parts, Body::from(whole)), read <= LARGEST_BODY))
}

/// The refusal of a body of which not all was taken in.
fn too_large(request: &Request<Body>) -> Response {
    let mut response = ArmError::too_large().into_response();
    if served::is_resource_manager(request.uri().path()) {
        arm::stamp(request.headers(), None, &mut response);
    }
    response
}

/// Azure's JSON says in which charset it is written, though JSON has but one.
fn name_the_charset(response: &mut Response) {
    if let Some(kind) = response.headers_mut().get_mut(header::CONTENT_TYPE)
        && kind == "application/json"
    {
        *kind = HeaderValue::from_static("application/json; charset=utf-8");
    }
}

fn is_json(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    content_type.and_then(|value| value.to_str().ok()).is_some_and(|value| value.starts_with("application/json"))
}
