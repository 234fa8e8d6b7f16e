//! Microsoft Graph, where Azure has its users, groups and applications: not simulated, and said so.

use axum::Json;
use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::json;

/// The routes of both versions, at the address that `/metadata/endpoints` tells of it.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/v1.0/{*rest}", any(not_simulated)).route("/beta/{*rest}", any(not_simulated))
}

async fn not_simulated(method: Method, uri: Uri) -> Response {
    let message = format!(
        "azure-sim does not simulate Microsoft Graph ({method} {}). docs/simulator.md tells what it does.",
        uri.path()
    );
    let body = json!({ "error": { "code": "NotSimulated", "message": message } });
    (StatusCode::NOT_IMPLEMENTED, Json(body)).into_response()
}
