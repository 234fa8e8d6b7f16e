//! Managed identities: the endpoint of App Service.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::entra::resource;
use crate::entra::token::{self, ClientProof, Issued, Subject};
use crate::latency::Wait;
use crate::world::World;

/// `GET /_identity/token`: the managed identity endpoint of App Service, `IDENTITY_ENDPOINT`.
pub(crate) async fn app_service(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    world.wait(Wait::Token).await;
    let refused = |status: StatusCode, message: &str| {
        (status, Json(json!({ "statusCode": status.as_u16(), "message": message }))).into_response()
    };
    let header = headers.get("x-identity-header").and_then(|value| value.to_str().ok());
    if header != Some(world.entra.identity_header.as_str()) {
        return refused(StatusCode::UNAUTHORIZED, "Invalid or missing X-IDENTITY-HEADER.");
    }
    let resource = query.get("resource").map(String::as_str).unwrap_or_default();
    let Ok(audience) = resource::known(&world, resource, "azure-sim") else {
        return refused(StatusCode::INTERNAL_SERVER_ERROR, "An unexpected error occurred while fetching the token.");
    };
    let Some(account) = world.entra.directory.managed_identities().next() else {
        return refused(StatusCode::BAD_REQUEST, "No User Assigned or Delegated Managed Identity found.");
    };
    let now = world.clock.now();
    let subject = Subject {
        account,
        membership: account.memberships[0],
        client: account.spec.client_id.unwrap_or_default(),
        proof: ClientProof::Certificate,
        audience,
        cp1: false,
        mfa: false,
        address: world.look(|cloud, _| cloud.public_ip),
        not_before: 0,
    };
    match token::issue(&world.base, &subject, now) {
        Ok(Issued { text, expires, .. }) => Json(json!({
            "access_token": text,
            "expires_on": expires.timestamp().to_string(),
            "resource": subject.audience,
            "token_type": "Bearer",
            "client_id": subject.client,
        }))
        .into_response(),
        Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}
