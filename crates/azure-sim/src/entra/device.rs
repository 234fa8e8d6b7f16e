//! The device code flow: the endpoint that hands codes out, and the page on which people type them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::entra::client::Client;
use crate::entra::directory::Account;
use crate::entra::endpoint::fields;
use crate::entra::grants::{DEVICE_LIFETIME, DeviceState, SignIn};
use crate::entra::page::{self, Choice};
use crate::entra::refusal::{Refusal, correlation};
use crate::entra::resource::Wanted;
use crate::entra::user_grants::no_such_guest;
use crate::latency::Wait;
use crate::world::World;

/// Where the page is.
const PAGE: &str = "/devicelogin";

/// `POST /{tenant}/oauth2/v2.0/devicecode`
pub(crate) async fn code(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    world.wait(Wait::Token).await;
    let now = world.clock.now();
    match hand_out(&world, &tenant, &fields(&headers, &body), now) {
        Ok(response) => response,
        Err(refusal) => refusal.answer(correlation(&headers), now),
    }
}

fn hand_out(
    world: &World,
    authority: &str,
    form: &HashMap<String, String>,
    now: DateTime<Utc>,
) -> Result<Response, Refusal> {
    let tenant = world.entra.directory.authority(authority)?;
    let id = form.get("client_id").ok_or_else(|| Refusal::missing("client_id"))?;
    let place = tenant.map_or(authority, |tenant| &tenant.name);
    let client = Client::find(&world.entra.directory, id).ok_or_else(|| Refusal::unknown_application(id, place))?;
    let scope = match (form.get("scope"), form.get("resource")) {
        (Some(scope), _) => scope.clone(),
        (None, Some(resource)) => format!("{resource}/.default openid offline_access"),
        (None, None) => return Err(Refusal::missing("scope")),
    };
    Wanted::of_scope(&scope)?;
    let interval = world.poll_interval();
    let (device_code, user_code) = world.entra.grants().add_device(client.id(), authority, &scope, interval, now);
    let page = format!("{}{PAGE}", world.base);
    // The older endpoint's word for it.
    let address = if form.contains_key("scope") { "verification_uri" } else { "verification_url" };
    Ok(Json(json!({
        "user_code": user_code,
        "device_code": device_code,
        address: page,
        "expires_in": DEVICE_LIFETIME.num_seconds(),
        "interval": interval,
        "message": format!("To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."),
    }))
    .into_response())
}

/// `GET /devicelogin`
pub(crate) async fn show(State(world): State<Arc<World>>) -> Response {
    world.wait(Wait::Read).await;
    page::code_entry(PAGE, None)
}

/// `POST /devicelogin`: `otc` is the code, `account` signs in, `cancel` declines.
pub(crate) async fn decide(State(world): State<Arc<World>>, Form(form): Form<HashMap<String, String>>) -> Response {
    world.wait(Wait::Token).await;
    let now = world.clock.now();
    let typed = form.get("otc").map(String::as_str).unwrap_or_default();
    let directory = &world.entra.directory;
    let pending =
        world.entra.grants().pending_device(typed, now).map(|device| (device.client, device.authority.clone()));
    let Some((client, authority)) = pending else {
        return page::code_entry(PAGE, Some("That code didn't work. Check the code and try again."));
    };
    let Some(client) = Client::find(directory, &client.to_string()) else {
        return page::code_entry(PAGE, Some("The application of that code is not known any more."));
    };
    if form.contains_key("cancel") {
        settle(&world, typed, DeviceState::Declined, now);
        return page::message(StatusCode::OK, "Cancelled", "You can close this window.");
    }
    let chosen = form.get("account").and_then(|name| directory.users().find(|user| user.is(name)));
    let Some(account) = chosen else { return accounts(&world, client, typed) };
    match sign_in(&world, account, client, &authority, form.contains_key("met"), now) {
        Ok(Some(sign_in)) => {
            settle(&world, typed, DeviceState::Approved(sign_in), now);
            let sentence = format!("You have signed in to {}. You can close this window.", client.name());
            page::message(StatusCode::OK, "Signed in", &sentence)
        }
        Ok(None) => {
            let fields = vec![("otc", typed), ("account", account.spec.name.as_str()), ("met", "1")];
            let approve = Choice { action: PAGE, fields, label: "Approve", small: "as if on your phone", plain: false };
            page::choices("Approve sign-in request", "More is needed for this sign-in.", &[approve, cancel(typed)])
        }
        Err(refusal) => {
            let text = refusal.text(uuid::Uuid::new_v4(), &uuid::Uuid::new_v4().to_string(), now);
            page::message(StatusCode::BAD_REQUEST, "Sign-in is not possible", &text)
        }
    }
}

fn settle(world: &World, typed: &str, state: DeviceState, now: DateTime<Utc>) {
    if let Some(device) = world.entra.grants().pending_device(typed, now) {
        device.state = state;
    }
}

fn accounts(world: &World, client: Client<'_>, typed: &str) -> Response {
    let users: Vec<(&Account, String)> = world.entra.directory.users().map(|user| (user, user.label())).collect();
    let mut choices: Vec<Choice<'_>> = users
        .iter()
        .map(|(user, upn)| Choice {
            action: PAGE,
            fields: vec![("otc", typed), ("account", user.spec.name.as_str())],
            label: user.display_name(),
            small: upn,
            plain: false,
        })
        .collect();
    choices.push(cancel(typed));
    page::choices("Pick an account", &format!("to {} on your other device", client.name()), &choices)
}

fn cancel(typed: &str) -> Choice<'_> {
    Choice { action: PAGE, fields: vec![("otc", typed), ("cancel", "1")], label: "Cancel", small: "", plain: true }
}

/// The sign-in; `None` when one more click is needed.
fn sign_in(
    world: &World,
    account: &Account,
    client: Client<'_>,
    authority: &str,
    met: bool,
    now: DateTime<Utc>,
) -> Result<Option<SignIn>, Refusal> {
    let tenant = world.entra.directory.authority(authority)?;
    let id = tenant.map_or(account.home(), |tenant| tenant.id);
    if account.in_tenant(id).is_none() {
        return Err(no_such_guest(account, tenant.map(|tenant| tenant.name.as_str()).unwrap_or_default(), client));
    }
    let conditions = world.entra.conditions();
    match conditions.demand(account.id, id).map(|demanded| demanded.demand) {
        Some(demand) if !demand.can_be_met() => {
            Err(demand.refusal(&account.label(), &client.id().to_string(), client.name()))
        }
        Some(_) if !met => Ok(None),
        Some(_) | None => Ok(Some(SignIn {
            account: account.id,
            tenant: id,
            client: client.id(),
            at: now.timestamp().max(conditions.valid_from(account.id)),
            mfa: met,
            met,
        })),
    }
}
