//! `/_sim`: what a test or a person does to the simulator. No token, and no trace in the journal.

mod state;
mod vm_change;

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::clock::timestamp;
use crate::entra::conditions::AccountChange;
use crate::fault::Fault;
use crate::said::Said;
use crate::state::rights::Statement;
use crate::switches::{AddressChange, Switch, Switches};
use crate::world::World;
use vm_change::VmChange;

/// What there is under `/_sim/`, for those who look for something else.
const ENDPOINTS: [(&str, &str); 9] = [
    ("state", "GET"),
    ("journal", "GET, DELETE"),
    ("advance", "POST"),
    ("address", "POST"),
    ("faults", "GET, POST, DELETE"),
    ("rights", "GET, POST"),
    ("accounts", "GET, POST"),
    ("switches", "GET, POST"),
    ("vms", "POST"),
];

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/_sim/state", get(state::state))
        .route("/_sim/journal", get(journal).delete(clear_journal))
        .route("/_sim/advance", post(advance))
        .route("/_sim/address", post(address))
        .route("/_sim/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/_sim/rights", get(rights).post(add_rights))
        .route("/_sim/accounts", get(accounts).post(set_account))
        .route("/_sim/switches", get(switches).post(set_switches))
        .route("/_sim/vms", post(change_vm))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(without_query))
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

/// 413, in place of what the path would answer.
pub(crate) fn too_large() -> Response {
    complaint(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 4 MB, and nothing that is said here is as long")
}

/// Only the journal takes anything behind a `?`: what is said there to others would go unheard.
async fn without_query(request: Request, next: Next) -> Response {
    let uri = request.uri();
    match uri.query().filter(|query| !query.is_empty() && uri.path() != "/_sim/journal") {
        Some(query) => complaint(
            StatusCode::BAD_REQUEST,
            &format!("{} takes no query, and '{query}' is one; what it is told is in the body", uri.path()),
        ),
        None => next.run(request).await,
    }
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

impl From<String> for Mistake {
    fn from(sentence: String) -> Self {
        Self(sentence)
    }
}

async fn journal(State(world): State<Arc<World>>, uri: Uri) -> Result<Json<Value>, Mistake> {
    let (mut after, mut path) = (0, "*".to_owned());
    let axum::extract::Query(pairs) =
        axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap_or_default();
    for (name, value) in pairs {
        match name.as_str() {
            "after" => {
                let wanted = || format!("after must be the seq of an entry, not '{value}'");
                after = value.parse().map_err(|_| wanted())?;
            }
            "path" => path = format!("*{value}*"),
            other => {
                return Err(Mistake(format!(
                    "the journal takes after (a seq) and path (* for anything), not '{other}'"
                )));
            }
        }
    }
    Ok(Json(world.journal().to_json(after, &path)))
}

async fn clear_journal(State(world): State<Arc<World>>) -> StatusCode {
    world.journal().clear();
    StatusCode::NO_CONTENT
}

async fn advance(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Mistake> {
    const TEN_YEARS: f64 = 10.0 * 365.0 * 86_400.0;
    const EXAMPLE: &str = r#"{"seconds": 3600}"#;
    let mut said = Said::read("advance", &body, EXAMPLE)?;
    let seconds = said.number("seconds", 0.0..=TEN_YEARS)?;
    said.end()?;
    let seconds = seconds.ok_or_else(|| format!("seconds is missing; say {EXAMPLE}"))?;
    world.clock.advance(TimeDelta::from_std(std::time::Duration::from_secs_f64(seconds)).unwrap_or_default());
    world.settle().await;
    Ok(Json(json!({ "now": timestamp(world.clock.now()) })))
}

async fn address(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Mistake> {
    const EXAMPLE: &str = r#"{"publicIp": "198.51.100.9"}"#;
    let mut said = Said::read("address", &body, EXAMPLE)?;
    let text = said.text("publicIp", "\"198.51.100.9\"")?;
    said.end()?;
    let text = text.ok_or_else(|| format!("publicIp is missing; say {EXAMPLE}"))?;
    let public_ip: Ipv4Addr =
        text.parse().map_err(|_| format!("publicIp must be an IPv4 address such as 198.51.100.9, not '{text}'"))?;
    let challenged = world.change(|cloud, _| {
        let moved = std::mem::replace(&mut cloud.public_ip, public_ip) != public_ip;
        moved && cloud.switches.address_change == AddressChange::Challenge
    });
    if challenged {
        world.entra.conditions().moved(world.clock.now());
    }
    world.settle().await;
    Ok(Json(json!({ "publicIp": public_ip })))
}

async fn faults(State(world): State<Arc<World>>) -> Json<Value> {
    Json(world.faults().to_json())
}

async fn add_fault(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Mistake> {
    let fault = Fault::read(&body)?;
    let mut faults = world.faults();
    faults.add(fault);
    Ok(Json(faults.to_json()))
}

async fn clear_faults(State(world): State<Arc<World>>) -> StatusCode {
    world.faults().clear();
    StatusCode::NO_CONTENT
}

async fn rights(State(world): State<Arc<World>>) -> Json<Value> {
    Json(world.look(|cloud, _| json!(cloud.rights.statements().collect::<Vec<_>>())))
}

async fn add_rights(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Mistake> {
    let statements = Statement::read_all(&body)?;
    let directory = &world.entra.directory;
    let with_account = |statement: Statement| {
        let Some(principal) = &statement.principal else { return Ok((statement, None)) };
        let account = directory.account(principal).map(|account| account.id);
        let unknown = || Mistake(world.entra.no_such_account(principal));
        let account = account.ok_or_else(unknown)?;
        Ok((statement, Some(account)))
    };
    // All or none.
    let statements = statements.into_iter().map(with_account).collect::<Result<Vec<_>, Mistake>>()?;
    Ok(Json(world.change(|cloud, _| {
        for (statement, account) in statements {
            cloud.rights.add(statement, account);
        }
        json!(cloud.rights.statements().collect::<Vec<_>>())
    })))
}

async fn accounts(State(world): State<Arc<World>>) -> Json<Value> {
    Json(world.entra.accounts_json())
}

async fn set_account(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Mistake> {
    let change = AccountChange::read(&body)?;
    world.entra.change_account(&change, world.clock.now())?;
    Ok(Json(world.entra.accounts_json()))
}

async fn change_vm(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Mistake> {
    let change = VmChange::read(&body)?;
    let index = world.change(|cloud, now| {
        let found = cloud.vm_of_id(&change.id).map(|(index, _)| index);
        let index = found.ok_or_else(|| Mistake(format!("there is no VM '{}'", change.id)))?;
        let vm = &mut cloud.vms[index];
        vm.generalized = change.generalized.unwrap_or(vm.generalized);
        vm.lock = change.lock.unwrap_or(vm.lock);
        vm.start_fails = change.start_fails.unwrap_or(vm.start_fails);
        vm.untold = change.power_state.unwrap_or(vm.untold);
        if change.deleted {
            cloud.delete_vm(index, now);
        }
        if change.recreated {
            cloud.recreate_vm(index, now);
        }
        Ok::<usize, Mistake>(index)
    })?;
    let mut told = json!({ "id": change.id });
    if change.recreated {
        let key = world.renew_host_key(index).await;
        told["hostKey"] = key.map_err(|error| Mistake(format!("no host key could be made: {error}")))?.into();
    }
    world.settle().await;
    Ok(Json(told))
}

async fn switches(State(world): State<Arc<World>>) -> Json<Value> {
    let chosen = world.look(|cloud, _| cloud.switches.to_json());
    let one = |switch: &Switch| {
        let shown = json!({ "value": chosen[switch.name], "values": switch.values, "meaning": switch.meaning() });
        (switch.name.to_owned(), shown)
    };
    Json(Switches::ALL.iter().map(one).collect())
}

async fn set_switches(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Mistake> {
    let wanted = Said::read("switches", &body, r#"{"initiateBody": "duration"}"#)?.into_members();
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
