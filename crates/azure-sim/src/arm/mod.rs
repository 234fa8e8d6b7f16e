//! Azure Resource Manager: who calls, what for, may they, and the answer.

mod activity_log;
pub(crate) mod asked;
mod bastion_hosts;
mod compute;
mod defender_location;
mod diagnostics;
mod disk;
pub(crate) mod error;
mod filter;
pub(crate) mod graph;
mod initiate_body;
mod json_body;
mod json_mistake;
mod network;
mod not_simulated;
mod operations;
mod page;
mod permissions;
mod policy_body;
mod pricings;
mod providers;
pub(crate) mod rate;
pub(crate) mod read;
mod regions;
mod resources;
pub(crate) mod route;
mod run_command;
mod security;
mod security_groups;
mod sizes;
mod subscriptions;
mod virtual_network;

pub(crate) use activity_log::ActivityLog;
pub(crate) use virtual_network::{PREFIX, SUBNET};

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use crate::entra::directory::Caller;
use crate::entra::token::BadToken;
use crate::latency::Wait;
use crate::state::Cloud;
use crate::state::power::PowerAction;
use crate::state::rights::OfAction;
use crate::switches::{RateLimits as RateLimitsSwitch, SubscriptionListAction};
use crate::world::World;
use activity_log::Begun;
use asked::Asked;
use error::ArmError;
use rate::{Left, Payer};
use route::{Route, Scope, Target};

/// One authenticated request.
struct Call<'a> {
    world: &'a World,
    caller: Caller,
    /// Where the caller reached us: `https://localhost:45123`.
    host: String,
    method: &'a Method,
    path: &'a str,
    query: Vec<(String, String)>,
    body: &'a [u8],
}

impl Call<'_> {
    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn permit(&self, cloud: &Cloud, action: &str, scope: &str) -> Result<(), ArmError> {
        if self.may(cloud, action).at(scope) {
            return Ok(());
        }
        Err(ArmError::forbidden(&self.caller, action, scope))
    }

    /// What the caller may do, to be asked for many scopes.
    fn may<'c>(&self, cloud: &'c Cloud, action: &str) -> OfAction<'c> {
        cloud.rights.of_action(self.caller.account, action)
    }
}

/// Everything that is no other endpoint's is Azure Resource Manager's.
pub(crate) async fn handle(
    State(world): State<Arc<World>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut left = None;
    let request = Request { method: &method, uri: &uri, headers: &headers, body: &body };
    let answered = answer(&world, request, &mut left).await;
    let mut response = answered.unwrap_or_else(ArmError::into_response);
    if method == Method::HEAD && response.status() == StatusCode::OK {
        // HEAD asks whether something exists, and 204 is how Azure says that it does.
        response = StatusCode::NO_CONTENT.into_response();
    }
    stamp(&headers, left.as_ref(), &mut response);
    response
}

/// One request, as it came.
#[derive(Clone, Copy)]
struct Request<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

/// Adds what every answer of the resource manager carries: the ids of the call, and what is left of the quota if it was
/// drawn on.
pub(crate) fn stamp(headers: &HeaderMap, left: Option<&Left>, response: &mut Response) {
    let request_id = Uuid::new_v4().to_string();
    let correlation = headers.get("x-ms-correlation-request-id").and_then(|id| id.to_str().ok());
    let extra = [
        ("x-ms-correlation-request-id".to_owned(), correlation.unwrap_or(&request_id).to_owned()),
        ("x-ms-routing-request-id".to_owned(), format!("AZURESIM:{}", Uuid::new_v4())),
        ("x-ms-request-id".to_owned(), request_id),
        ("cache-control".to_owned(), "no-cache".to_owned()),
        ("pragma".to_owned(), "no-cache".to_owned()),
        ("expires".to_owned(), "-1".to_owned()),
        ("strict-transport-security".to_owned(), "max-age=31536000; includeSubDomains".to_owned()),
        ("x-content-type-options".to_owned(), "nosniff".to_owned()),
    ];
    let sent = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Who asks for it gets its own id of the call back.
    let own = sent("x-ms-client-request-id")
        .filter(|_| sent("x-ms-return-client-request-id").is_some_and(|wanted| wanted.eq_ignore_ascii_case("true")))
        .map(|id| ("x-ms-client-request-id".to_owned(), id.to_owned()));
    let left = left.map(|left| (left.header.clone(), left.tokens.to_string()));
    for (name, value) in extra.into_iter().chain(own).chain(left) {
        if let (Ok(name), Ok(value)) = (header::HeaderName::try_from(name), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
}

/// The answer. `left` is what the caller may still ask for, once it is known who that is.
async fn answer(world: &World, request: Request<'_>, left: &mut Option<Left>) -> Result<Response, ArmError> {
    let Request { method, uri, headers, body } = request;
    let route = route::parse(method, uri.path());
    world.wait(latency(route.as_ref())).await;
    let caller = authenticate(world, route.as_ref(), headers)?;
    pay(world, &caller, request, left)?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(uri.authority().map(Authority::as_str));
    let host = host.map_or_else(|| world.base.clone(), |host| format!("https://{host}"));
    let call = Call { world, caller, host, method, path: uri.path(), query: query(uri), body };
    match call.query("api-version") {
        None | Some("") => return Err(ArmError::missing_api_version()),
        Some(version) => match date_of(version) {
            None => return Err(ArmError::invalid_api_version(version)),
            Some(date) if !may_exist(date, world.clock.now()) => return Err(unknown_version(&call, version)),
            Some(_) => {}
        },
    }
    let Some(route) = route else { return Err(unserved(&call)) };
    if !body.is_empty() {
        check_media_type(headers)?;
    }
    let begun = Begun::of(&call);
    let answered = routed(&call, route);
    if let Some(begun) = begun {
        begun.ended(&call, headers, &answered);
    }
    answered
}

fn routed(call: &Call<'_>, route: Route) -> Result<Response, ArmError> {
    let world = call.world;
    match route {
        Route::Subscriptions => world.look(|cloud, _| page::list(call, cloud, subscriptions::all(call, cloud))),
        Route::Tenants => world.look(|cloud, _| page::list(call, cloud, subscriptions::tenants(call))),
        Route::GraphQuery => graph::resources(call),
        Route::GraphOperations => Ok(graph::operations()),
        Route::Providers => world.look(|cloud, _| page::list(call, cloud, providers::of_tenant())),
        Route::Provider(namespace) => Ok(Json(providers::one_of_tenant(&namespace)?).into_response()),
        Route::Within(scope, target) => within(call, &scope, target),
    }
}

/// Whether what came is said to be JSON.
fn check_media_type(headers: &HeaderMap) -> Result<(), ArmError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|given| given.to_str().ok());
    let kind = given.map(|given| given.split(';').next().unwrap_or_default().trim());
    match kind {
        Some(kind) if kind.eq_ignore_ascii_case("application/json") || kind.eq_ignore_ascii_case("text/json") => Ok(()),
        other => Err(ArmError::unsupported_media_type(other.unwrap_or("<null>"))),
    }
}

/// Takes the request from the caller's quota.
fn pay(world: &World, caller: &Caller, request: Request<'_>, left: &mut Option<Left>) -> Result<(), ArmError> {
    let scope = route::scope(request.uri.path());
    let payer = Payer {
        account: caller.account,
        subscription: scope.map(|scope| scope.subscription.to_ascii_lowercase()),
        kind: rate::Kind::of(request.method),
    };
    let (enforced, speed) =
        world.look(|cloud, _| (cloud.switches.rate_limits == RateLimitsSwitch::Enforce, cloud.latencies.speed()));
    let left = left.insert(world.rate_limits().pay(payer, world.clock.now(), speed));
    match left.wait {
        Some(wait) if enforced => {
            let seconds = (wait + TimeDelta::milliseconds(999)).num_seconds().max(1);
            Err(ArmError::too_many_requests(seconds))
        }
        Some(_) | None => Ok(()),
    }
}

fn latency(route: Option<&Route>) -> Wait {
    match route {
        Some(Route::Within(_, Target::Initiate { .. })) => Wait::Initiate,
        Some(Route::Within(_, Target::Power { .. } | Target::PutPolicy { .. } | Target::DeletePolicy { .. })) => {
            Wait::Write
        }
        Some(_) | None => Wait::Read,
    }
}

/// The tenant of the subscription that is asked for. It is told also to those who show no token: that is how clients
/// find out where to get one.
fn tenant_of(world: &World, route: Option<&Route>) -> Option<Uuid> {
    let Some(Route::Within(scope, _)) = route else { return None };
    let id = Uuid::parse_str(&scope.subscription).ok()?;
    world.look(|cloud, _| cloud.subscriptions.iter().find(|known| known.id == id).map(|known| known.tenant_id))
}

/// Whose token a request shows, if it is a good one.
pub(crate) fn caller(world: &World, headers: &HeaderMap) -> Option<Caller> {
    authenticate(world, None, headers).ok()
}

fn authenticate(world: &World, route: Option<&Route>, headers: &HeaderMap) -> Result<Caller, ArmError> {
    let authority = world.entra.authority(tenant_of(world, route));
    let Some(sent) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        let message = "Authentication failed. The 'Authorization' header is missing.";
        return Err(ArmError::unauthenticated(&authority, "AuthenticationFailed", message));
    };
    let scheme_and_token = sent.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
    let Some((_, token)) = scheme_and_token else {
        let message = "Authentication failed. The 'Authorization' header is provided in an invalid format.";
        return Err(ArmError::unauthenticated(&authority, "AuthenticationFailedInvalidHeader", message));
    };
    let now = world.clock.now();
    let accepted = world.entra.check(token.trim(), now).map_err(|bad| match bad {
        BadToken::Expired(expires) => ArmError::expired(&authority, expires, now),
        BadToken::NotYetValid(from) => ArmError::not_yet_valid(&authority, from, now),
        BadToken::Revoked { valid_from } => ArmError::insufficient_claims(&world.base, valid_from),
        BadToken::Elsewhere { valid_from } => {
            ArmError::moved(&world.base, valid_from, world.look(|cloud, _| cloud.public_ip))
        }
        BadToken::Invalid => {
            ArmError::unauthenticated(&authority, "InvalidAuthenticationToken", "The access token is invalid.")
        }
    })?;
    if !world.is_audience(&accepted.audience) {
        return Err(ArmError::wrong_audience(&authority, &accepted.audience, &world.base));
    }
    Ok(accepted.caller)
}

fn query(uri: &Uri) -> Vec<(String, String)> {
    axum::extract::Query::try_from_uri(uri).map(|axum::extract::Query(pairs)| pairs).unwrap_or_default()
}

/// The day of `2020-01-01` or `2015-06-01-preview`.
fn date_of(version: &str) -> Option<NaiveDate> {
    let (date, suffix) = version.split_at_checked(10).unwrap_or((version, "-"));
    let suffix_fits = suffix.is_empty()
        || suffix.strip_prefix('-').is_some_and(|word| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
        });
    NaiveDate::parse_from_str(date, "%Y-%m-%d").ok().filter(|_| suffix_fits)
}

/// Whether Azure could have a version of this day: the resource manager began in 2014, and versions are dated ahead by
/// months, not by years. Which of them each type has is another matter for each release of each client.
fn may_exist(date: NaiveDate, now: DateTime<Utc>) -> bool {
    date.year() >= 2014 && date <= now.date_naive() + TimeDelta::days(366)
}

fn unknown_version(call: &Call<'_>, version: &str) -> ArmError {
    match Asked::of(call.method, call.path) {
        Some(asked) => asked.unknown_type(version).unwrap_or_else(|| asked.unknown_version(version)),
        None => ArmError::invalid_api_version(version),
    }
}

/// Why nothing is served there: no such type; a right that is missing; no such operation; not simulated.
fn unserved(call: &Call<'_>) -> ArmError {
    let Some(asked) = Asked::of(call.method, call.path) else {
        let elsewhere = not_simulated::of_tenant(call.method, call.path);
        return elsewhere.unwrap_or_else(ArmError::missing_subscription);
    };
    let version = call.query("api-version").unwrap_or_default();
    let scope = route::scope(call.path);
    let refused = call.world.look(|cloud, _| {
        if let Some(scope) = &scope {
            known_subscription(call, cloud, &scope.subscription)?;
        }
        asked.unknown_type(version).map_or(Ok(()), Err)?;
        call.permit(cloud, &asked.action, &asked.scope)?;
        scope.as_ref().map_or(Ok(()), |scope| exists(call, cloud, scope))
    });
    let served = || match route::takes(call.path) {
        true if asked.is_list() => ArmError::method_not_allowed(call.method, call.path),
        false if !asked.is_of_provider() => ArmError::not_served(call.method, call.path),
        _ => not_simulated::answer(&asked.action),
    };
    refused.err().unwrap_or_else(served)
}

fn known_subscription(call: &Call<'_>, cloud: &Cloud, subscription: &str) -> Result<(), ArmError> {
    let id = Uuid::parse_str(subscription).map_err(|_| ArmError::invalid_subscription_id(subscription))?;
    let known = cloud.subscriptions.iter().find(|known| known.id == id);
    let known = known.ok_or_else(|| ArmError::subscription_not_found(subscription))?;
    if !subscriptions::belongs_to(known, call.caller.tenant) {
        let entra = &call.world.entra;
        return Err(ArmError::wrong_tenant(entra, call.caller.tenant, known.tenant_id));
    }
    Ok(())
}

fn exists(call: &Call<'_>, cloud: &Cloud, scope: &Scope) -> Result<(), ArmError> {
    let subscription = &scope.subscription;
    known_subscription(call, cloud, subscription)?;
    if let Some(group) = &scope.resource_group
        && cloud.places.group(subscription, group).is_none()
    {
        // Who may not look is not told what there is.
        if let Some(asked) = Asked::of(call.method, call.path) {
            call.permit(cloud, &asked.action, &asked.scope)?;
        }
        return Err(ArmError::resource_group_not_found(group));
    }
    Ok(())
}

fn within(call: &Call<'_>, scope: &Scope, target: Target) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| exists(call, cloud, scope))?;
    match target {
        Target::Subscription => call.world.look(|cloud, _| subscriptions::one(call, cloud, &scope.subscription)),
        Target::ResourceGroups => {
            call.world.look(|cloud, _| page::list(call, cloud, subscriptions::resource_groups(call, cloud, scope)?))
        }
        Target::Read(read) => read::answer(call, scope, &read),
        Target::Policies { location } => security::policies(call, scope, location.as_deref()),
        Target::Policy { location, name } => security::policy(call, scope, &location, &name),
        Target::PutPolicy { location, name } => security::create_or_update(call, scope, &location, &name),
        Target::DeletePolicy { location, name } => security::delete(call, scope, &location, &name),
        Target::Initiate { location, name } => security::initiate(call, scope, &location, &name),
        Target::VirtualMachines => compute::virtual_machines(call, scope, None),
        Target::VirtualMachine { name } => compute::virtual_machine(call, scope, &name),
        Target::InstanceView { name } => compute::instance_view(call, scope, &name),
        Target::Power { name, action } => operations::set_power(call, scope, &name, action),
        Target::RunCommand { name } => run_command::run(call, scope, &name),
        Target::Operation { id } => operations::status(call, scope, &id),
        Target::OperationResult { id } => operations::result(call, scope, &id),
        Target::NetworkList(kind) => network::all(call, scope, kind),
        Target::Network(kind, name) => network::one(call, scope, kind, &name),
        Target::IpFlowVerify { watcher } => diagnostics::ip_flow_verify(call, scope, &watcher),
        Target::NextHop { watcher } => diagnostics::next_hop(call, scope, &watcher),
        Target::EffectiveGroups { interface } => diagnostics::effective_groups(call, scope, &interface),
        Target::SecurityRules { group } => security_groups::security_rules(call, scope, &group),
        Target::SecurityRule { group, name } => security_groups::security_rule(call, scope, &group, &name),
    }
}

/// The action that a power request asks for.
fn power_permission(action: PowerAction) -> String {
    format!("Microsoft.Compute/virtualMachines/{}/action", action.name())
}

/// The action that the list of JIT policies asks for.
fn policy_list_permission(cloud: &Cloud, scope: &Scope) -> &'static str {
    match (cloud.switches.subscription_list_action, &scope.resource_group) {
        (SubscriptionListAction::Plain, None) => "Microsoft.Security/jitNetworkAccessPolicies/read",
        (SubscriptionListAction::Locations | SubscriptionListAction::Plain, _) => {
            "Microsoft.Security/locations/jitNetworkAccessPolicies/read"
        }
    }
}
