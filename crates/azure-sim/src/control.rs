//! `/_sim`: what a test or a person does to the simulator. No token, and no trace in the journal.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::clock::timestamp;
use crate::fault::{Fault, FaultRequest};
use crate::state::Cloud;
use crate::state::nsg::Access;
use crate::state::rights::Statement;
use crate::state::vm::Vm;
use crate::switches::Switches;
use crate::world::World;

/// What there is under `/_sim/`, for those who look for something else.
const ENDPOINTS: [(&str, &str); 7] = [
    ("state", "GET"),
    ("journal", "GET, DELETE"),
    ("advance", "POST"),
    ("address", "POST"),
    ("faults", "GET, POST, DELETE"),
    ("rights", "GET, POST"),
    ("switches", "GET, POST"),
];

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/_sim/state", get(state))
        .route("/_sim/journal", get(journal).delete(clear_journal))
        .route("/_sim/advance", post(advance))
        .route("/_sim/address", post(address))
        .route("/_sim/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/_sim/rights", get(rights).post(add_rights))
        .route("/_sim/switches", get(switches).post(set_switches))
        .method_not_allowed_fallback(wrong_method)
        .route("/_sim", any(unknown))
        .route("/_sim/", any(unknown))
        .route("/_sim/{*rest}", any(unknown))
}

/// 400 with a sentence.
struct Mistake(String);

impl IntoResponse for Mistake {
    fn into_response(self) -> Response {
        complaint(StatusCode::BAD_REQUEST, &self.0)
    }
}

fn complaint(status: StatusCode, sentence: &str) -> Response {
    (status, Json(json!({ "error": { "message": sentence } }))).into_response()
}

async fn unknown(uri: Uri) -> Response {
    let known = ENDPOINTS.map(|(name, methods)| format!("/_sim/{name} ({methods})")).join(", ");
    complaint(StatusCode::NOT_FOUND, &format!("there is no '{}'; there are {known}", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let path = uri.path();
    let takes = ENDPOINTS.iter().find(|(name, _)| path.strip_prefix("/_sim/") == Some(*name));
    let takes = takes.map(|(_, methods)| *methods).unwrap_or_default();
    complaint(StatusCode::METHOD_NOT_ALLOWED, &format!("{path} does not take {method}; it takes {takes}"))
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Mistake> {
    serde_json::from_slice(body).map_err(|error| Mistake(error.to_string()))
}

async fn state(State(world): State<Arc<World>>) -> Json<Value> {
    // First, so that what it says of listeners is so.
    world.settle().await;
    let faults = world.faults().to_json();
    Json(world.look(|cloud, now| {
        json!({
            "now": timestamp(now),
            "publicIp": cloud.public_ip,
            "vms": cloud.vms.iter().map(|vm| vm_state(cloud, vm, now)).collect::<Vec<_>>(),
            "operations": cloud.operations.iter().map(|(id, operation)| json!({
                "id": id,
                "status": operation.outcome.status(),
                "startTime": timestamp(operation.started),
                "endTime": operation.ended.map(timestamp),
            })).collect::<Vec<_>>(),
            "rights": cloud.rights.statements(),
            "switches": cloud.switches.to_json(),
            "faults": faults,
        })
    }))
}

fn vm_state(cloud: &Cloud, vm: &Vm, now: DateTime<Utc>) -> Value {
    let rules = cloud.security_rules(vm, now);
    let admits = |port| crate::state::nsg::admits(&rules, cloud.public_ip, port);
    let booted = vm.power.booted(now);
    json!({
        "id": vm.id(),
        "name": vm.name,
        "powerState": vm.power.current().code(),
        "booted": booted,
        "address": vm.address(),
        "ports": vm.ports.iter().map(|port| json!({
            "number": port.number,
            "dial": vm.dial(port),
            "admitted": admits(port.number),
            "listening": booted && admits(port.number) && vm.dial(port).is_some(),
        })).collect::<Vec<_>>(),
        "securityRules": rules.iter().map(|rule| json!({
            "name": rule.name,
            "priority": rule.priority,
            "access": match rule.access { Access::Allow => "Allow", Access::Deny => "Deny" },
            "protocol": rule.protocol.name(),
            "ports": rule.ports,
            "sources": rule.sources,
        })).collect::<Vec<_>>(),
    })
}

async fn journal(State(world): State<Arc<World>>) -> Json<Value> {
    Json(world.journal().to_json())
}

async fn clear_journal(State(world): State<Arc<World>>) -> StatusCode {
    world.journal().clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

async fn advance(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Mistake> {
    let Advance { seconds } = read(&body)?;
    let by = std::time::Duration::try_from_secs_f64(seconds).ok().and_then(|by| TimeDelta::from_std(by).ok());
    let by = by.filter(|by| *by <= TimeDelta::days(3650));
    world.clock.advance(by.ok_or_else(|| Mistake("seconds must be 0 to ten years".to_owned()))?);
    world.settle().await;
    Ok(Json(json!({ "now": timestamp(world.clock.now()) })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Address {
    public_ip: Ipv4Addr,
}

async fn address(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Mistake> {
    let Address { public_ip } = read(&body)?;
    world.change(|cloud, _| cloud.public_ip = public_ip);
    world.settle().await;
    Ok(Json(json!({ "publicIp": public_ip })))
}

async fn faults(State(world): State<Arc<World>>) -> Json<Value> {
    Json(world.faults().to_json())
}

async fn add_fault(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Mistake> {
    let fault = Fault::try_from(read::<FaultRequest>(&body)?).map_err(Mistake)?;
    let mut faults = world.faults();
    faults.add(fault);
    Ok(Json(faults.to_json()))
}

async fn clear_faults(State(world): State<Arc<World>>) -> StatusCode {
    world.faults().clear();
    StatusCode::NO_CONTENT
}

async fn rights(State(world): State<Arc<World>>) -> Json<Value> {
    Json(world.look(|cloud, _| json!(cloud.rights.statements())))
}

/// One statement, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Statements {
    Many(Vec<Statement>),
    One(Statement),
}

async fn add_rights(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Mistake> {
    let shape =
        "a statement is {\"action\": \"Microsoft.Compute/…\", \"scope\": \"/subscriptions/…\", \"allowed\": false}";
    let statements = match read(&body).map_err(|Mistake(problem)| Mistake(format!("{problem}; {shape}")))? {
        Statements::Many(many) => many,
        Statements::One(one) => vec![one],
    };
    Ok(Json(world.change(|cloud, _| {
        for statement in statements {
            cloud.rights.add(statement);
        }
        json!(cloud.rights.statements())
    })))
}

async fn switches(State(world): State<Arc<World>>) -> Json<Value> {
    let values: Map<String, Value> =
        Switches::ALL.iter().map(|(name, values)| ((*name).to_owned(), json!(values))).collect();
    let chosen = world.look(|cloud, _| cloud.switches.to_json());
    let one = |(name, values): (String, Value)| {
        let value = chosen[&name].clone();
        (name, json!({ "value": value, "values": values }))
    };
    Json(values.into_iter().map(one).collect())
}

async fn set_switches(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Mistake> {
    let wanted: Map<String, Value> = read(&body)?;
    world.change(|cloud, _| {
        // All or none: the present switches stay when one of the wanted ones is not known.
        let mut switches = cloud.switches.clone();
        for (name, value) in &wanted {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            switches.set(name, &text).map_err(Mistake)?;
        }
        cloud.switches = switches;
        Ok(Json(cloud.switches.to_json()))
    })
}
