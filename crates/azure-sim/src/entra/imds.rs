//! The instance metadata service inside a VM, on a listener of its own because it speaks plain http.
//! https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::arm::{PREFIX, SUBNET};
use crate::entra::managed_identity;
use crate::latency::Wait;
use crate::state::vm::Vm;
use crate::world::World;

/// The api-versions that are told, oldest first; an answer to who names none names the newest three.
#[rustfmt::skip]
const VERSIONS: [&str; 23] = [
    "2017-03-01", "2017-04-02", "2017-08-01", "2017-10-01", "2017-12-01", "2018-02-01", "2018-04-02", "2018-10-01",
    "2019-02-01", "2019-03-11", "2019-04-30", "2019-06-01", "2019-06-04", "2019-08-01", "2019-08-15", "2019-11-01",
    "2020-06-01", "2020-07-15", "2020-09-01", "2020-10-01", "2020-12-01", "2021-01-01", "2021-02-01",
];

/// All that is served over plain http.
pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/metadata/identity/oauth2/token", get(managed_identity::vm_token))
        .route("/metadata/versions", get(versions))
        .route("/metadata/instance", get(instance))
        .route("/metadata/instance/{*path}", get(part))
        .fallback(not_found)
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "error": "Not found" }))).into_response()
}

/// What keeps a web page or a proxy from asking: the header `Metadata: true`, and no trace of forwarding.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Box<Response>> {
    let refused = |error: &str, description: &str| {
        let body = json!({ "error": error, "error_description": description });
        Err(Box::new((StatusCode::BAD_REQUEST, Json(body)).into_response()))
    };
    if headers.contains_key("x-forwarded-for") {
        return refused("invalid_request", "The header X-Forwarded-For is not allowed");
    }
    let said = headers.get("metadata").and_then(|value| value.to_str().ok());
    match said {
        Some(value) if value.eq_ignore_ascii_case("true") => Ok(()),
        Some(_) | None => refused("bad_request_102", "Required metadata header not specified"),
    }
}

/// Whether a version is one: a date since the first. Azure's documentation speaks of later ones than it lists.
fn is_served(version: Option<&String>) -> bool {
    version.is_some_and(|version| is_since(version, VERSIONS[0]))
}

/// Whether a version is a date, and none before `first`.
pub(super) fn is_since(version: &str, first: &str) -> bool {
    version.parse::<NaiveDate>().is_ok() && version.len() == first.len() && version >= first
}

/// `GET /metadata/versions`, the one that takes no api-version.
async fn versions(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    world.wait(Wait::Read).await;
    match check(&headers) {
        Ok(()) => Json(json!({ "apiVersions": VERSIONS })).into_response(),
        Err(response) => *response,
    }
}

/// `GET /metadata/instance`
async fn instance(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    tell(&world, &headers, &query, "").await
}

/// `GET /metadata/instance/compute/location` and the like.
async fn part(
    State(world): State<Arc<World>>,
    Path(path): Path<String>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    tell(&world, &headers, &query, path.trim_end_matches('/')).await
}

async fn tell(world: &World, headers: &HeaderMap, query: &HashMap<String, String>, path: &str) -> Response {
    world.wait(Wait::Read).await;
    if let Err(response) = check(headers) {
        return *response;
    }
    if !is_served(query.get("api-version")) {
        let body = json!({
            "error": "Bad request. api-version is invalid or was not specified in the request.",
            "newest-versions": VERSIONS.iter().rev().take(3).collect::<Vec<_>>(),
        });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let Some(whole) = world.look(|cloud, _| cloud.vms.first().map(metadata)) else { return not_found().await };
    let pointer = if path.is_empty() { String::new() } else { format!("/{path}") };
    let as_text = query.get("format").is_some_and(|format| format.eq_ignore_ascii_case("text"));
    match whole.pointer(&pointer) {
        Some(Value::String(text)) if as_text => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text.clone()).into_response()
        }
        Some(found) => Json(found).into_response(),
        None => not_found().await,
    }
}

/// The service is that of the fleet's first VM.
fn metadata(vm: &Vm) -> Value {
    json!({
        "compute": {
            "azEnvironment": "AzureSim",
            "location": vm.location,
            "name": vm.name,
            "osType": vm.os.name(),
            "provider": "Microsoft.Compute",
            "resourceGroupName": vm.resource_group,
            "resourceId": vm.id(),
            "subscriptionId": vm.subscription,
            "tags": "environment:simulated",
            "tagsList": [{ "name": "environment", "value": "simulated" }],
            "vmId": vm.platform_id,
            "vmScaleSetName": "",
            "vmSize": vm.size,
            "zone": vm.zone().unwrap_or_default(),
        },
        "network": {
            "interface": [{
                "ipv4": {
                    "ipAddress": [{
                        "privateIpAddress": vm.private_ip,
                        "publicIpAddress": vm.address().map(|address| address.to_string()).unwrap_or_default(),
                    }],
                    "subnet": [{ "address": SUBNET.to_string(), "prefix": PREFIX.to_string() }],
                },
                "ipv6": { "ipAddress": [] },
                "macAddress": vm.mac_address().replace('-', ""),
            }],
        },
    })
}
