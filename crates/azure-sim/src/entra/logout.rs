//! Where applications send people who sign out. No session is kept here, so there is nothing to end but the visit.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;
use uuid::Uuid;

use crate::entra::authorize::matches;
use crate::entra::directory::Directory;
use crate::entra::stamp::traced;
use crate::entra::{client, page};
use crate::latency::Wait;
use crate::world::World;

/// `GET` or `POST /{tenant}/oauth2/v2.0/logout`: back to `post_logout_redirect_uri` where an application has it
/// registered, with `state`; else a page that says so.
pub(crate) async fn end(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    world.wait(Wait::Read).await;
    let directory = &world.entra.directory;
    if let Err(refusal) = directory.authority(&tenant) {
        let trace = Uuid::new_v4();
        let text = refusal.text(trace, &Uuid::new_v4().to_string(), world.clock.now());
        return traced(page::message(StatusCode::BAD_REQUEST, "Sign-out is not possible", &text), trace);
    }
    let back = query.get("post_logout_redirect_uri").filter(|uri| is_registered(directory, uri));
    match back.and_then(|uri| Url::parse(uri).ok()) {
        Some(mut url) => {
            if let Some(state) = query.get("state") {
                url.query_pairs_mut().append_pair("state", state);
            }
            (StatusCode::FOUND, [(header::LOCATION, url.to_string())]).into_response()
        }
        None => page::message(StatusCode::OK, "You have signed out", "You can close this window."),
    }
}

/// Entra leads nobody to an address that no application has named.
fn is_registered(directory: &Directory, uri: &str) -> bool {
    client::all(directory).any(|client| client.redirect_uris().iter().any(|registered| matches(registered, uri)))
}
