//! Power requests, and the long-running operations that they begin.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::json::Value;
use uuid::Uuid;

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{Call, compute, power_permission};
use crate::clock::offset_timestamp;
use crate::front::AppliedAt;
use crate::state::Cloud;
use crate::state::operation::{Operation, Outcome};
use crate::state::power::PowerAction;

/// How long Azure lets pollers of VM operations wait, in seconds at speed 1.
const POLL_AFTER: f64 = 10.0;

pub(super) fn set_power(call: &Call<'_>, scope: &Scope, name: &str, action: PowerAction) -> Result<Response, ArmError> {
    let (id, now, location, poll_after) = call.world.change(|cloud, now| {
        call.permit(cloud, &power_permission(action), &compute::named(scope, name))?;
        let (index, vm) = compute::find(cloud, scope, name)?;
        let hibernates = call.query("hibernate").is_some_and(|wanted| wanted.eq_ignore_ascii_case("true"));
        if action == PowerAction::Deallocate && hibernates {
            return Err(ArmError::hibernation_not_enabled(&vm.name));
        }
        let location = vm.location.clone();
        let id = cloud.set_power(index, action, now)?;
        Ok::<_, ArmError>((id, now, location, poll_after(cloud)))
    })?;
    let operation = LongRunning { provider: "Microsoft.Compute", subscription: &scope.subscription, location };
    let mut response = begun(call, &operation, id, poll_after);
    response.extensions_mut().insert(AppliedAt(now));
    Ok(response)
}

/// Where a long-running operation is to be asked about.
pub(super) struct LongRunning<'a> {
    pub(super) provider: &'static str,
    pub(super) subscription: &'a str,
    pub(super) location: String,
}

/// 202 for an operation that answers `answer` after a while.
pub(super) fn accepted(
    call: &Call<'_>,
    cloud: &mut Cloud,
    operation: &LongRunning<'_>,
    answer: Value,
    (now, takes): (DateTime<Utc>, TimeDelta),
) -> Response {
    let id = Uuid::new_v4();
    let state = Operation {
        subscription: operation.subscription.to_owned(),
        started: now,
        ended: None,
        outcome: Outcome::InProgress,
        answer: Some((now + takes, answer)),
    };
    cloud.operations.insert(id, state);
    begun(call, operation, id, poll_after(cloud))
}

fn begun(call: &Call<'_>, operation: &LongRunning<'_>, id: Uuid, poll_after: PollAfter) -> Response {
    let mut response = StatusCode::ACCEPTED.into_response();
    let version = call.query("api-version").unwrap_or_default();
    let LongRunning { provider, subscription, location } = operation;
    let at = |kind: &str| {
        let host = &call.host;
        format!(
            "{host}/subscriptions/{subscription}/providers/{provider}/locations/{location}/{kind}/{id}?p={id}&api-version={version}"
        )
    };
    let headers = response.headers_mut();
    let urls = [
        (HeaderName::from_static("azure-asyncoperation"), at("operations")),
        // The same place says in its last answer that there is nothing more.
        (header::LOCATION, at("operationResults") + "&monitor=true"),
    ];
    for (name, url) in urls {
        headers.extend(HeaderValue::from_str(&url).ok().map(|url| (name, url)));
    }
    headers.extend(retry_headers(poll_after));
    response
}

pub(super) fn status(call: &Call<'_>, scope: &Scope, id: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        let operation = find(cloud, scope, id)?;
        let mut body = json!({
            "name": id,
            "status": operation.outcome.status(),
            "startTime": offset_timestamp(operation.started),
        });
        if let Some(ended) = operation.ended {
            body["endTime"] = offset_timestamp(ended).into();
        }
        if let Outcome::Failed { code, message } = &operation.outcome {
            body["error"] = json!({ "code": code, "message": message });
        }
        let mut response = Json(body).into_response();
        if operation.outcome == Outcome::InProgress {
            response.headers_mut().extend(retry_headers(poll_after(cloud)));
        }
        Ok(response)
    })
}

pub(super) fn result(call: &Call<'_>, scope: &Scope, id: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        let operation = find(cloud, scope, id)?;
        match (&operation.outcome, &operation.answer) {
            (Outcome::InProgress, _) => {
                let mut response = StatusCode::ACCEPTED.into_response();
                response.headers_mut().extend(retry_headers(poll_after(cloud)));
                Ok(response)
            }
            (Outcome::Succeeded, Some((_, answer))) => Ok(Json(answer).into_response()),
            (Outcome::Succeeded, None) => Ok(StatusCode::OK.into_response()),
            (Outcome::Failed { code, message }, _) => Err(ArmError::new(StatusCode::CONFLICT, *code, message.clone())),
        }
    })
}

fn find<'c>(cloud: &'c Cloud, scope: &Scope, id: &str) -> Result<&'c Operation, ArmError> {
    let known = Uuid::parse_str(id).ok().and_then(|id| cloud.operations.get(&id));
    let here = known.filter(|operation| operation.subscription.eq_ignore_ascii_case(&scope.subscription));
    here.ok_or_else(|| {
        let message = format!("The operation '{id}' was not found.");
        ArmError::new(StatusCode::NOT_FOUND, "NotFound", message)
    })
}

/// When to ask again. Official pollers take whole seconds in `Retry-After` and nothing else there, so a simulator that
/// runs faster says it in milliseconds, in the headers that they read next.
fn retry_headers(after: PollAfter) -> Vec<(HeaderName, HeaderValue)> {
    match after {
        PollAfter::Seconds(seconds) => vec![(header::RETRY_AFTER, HeaderValue::from(seconds))],
        PollAfter::Milliseconds(milliseconds) => ["retry-after-ms", "x-ms-retry-after-ms"]
            .map(|name| (HeaderName::from_static(name), HeaderValue::from(milliseconds)))
            .into(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PollAfter {
    Seconds(i64),
    Milliseconds(i64),
}

fn poll_after(cloud: &Cloud) -> PollAfter {
    let scaled = cloud.latencies.scaled(POLL_AFTER);
    if cloud.latencies.speed() > 1.0 {
        return PollAfter::Milliseconds(scaled.num_milliseconds().max(10));
    }
    let seconds = (scaled + TimeDelta::milliseconds(999)).num_seconds();
    PollAfter::Seconds(seconds.max(1))
}
