//! The Activity Log: who has changed what, or tried to.
//!
//! https://learn.microsoft.com/rest/api/monitor/activity-logs/list,
//! https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema

use std::collections::VecDeque;

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::arm::asked::Asked;
use crate::arm::error::ArmError;
use crate::arm::route::{self, Scope};
use crate::arm::{Call, json_body, page};
use crate::clock::timestamp;
use crate::entra::directory::Caller;
use crate::fleet::derived;
use crate::state::Cloud;
use crate::state::operation::Outcome;

const READ: &str = "Microsoft.Insights/eventtypes/values/read";

/// Azure keeps them for so long.
const KEPT: TimeDelta = TimeDelta::days(90);

/// Older ones give way, so that a simulator that runs for days stays small.
const MOST: usize = 20_000;

/// One call that was to change something, at one resource.
#[derive(Clone, Debug)]
struct Change {
    began: DateTime<Utc>,
    answered: DateTime<Utc>,
    method: Method,
    caller: Caller,
    action: String,
    resource: String,
    client_ip: String,
    correlation: String,
    request: Option<String>,
    status: StatusCode,
    /// The operation that goes on after the answer.
    operation: Option<Uuid>,
}

/// All of them, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct ActivityLog(VecDeque<Change>);

/// When a call came that is to be noted, and from whom.
pub(super) struct Begun {
    began: DateTime<Utc>,
    asked: Asked,
}

impl Begun {
    /// `None` of a call that only reads.
    pub(super) fn of(call: &Call<'_>) -> Option<Self> {
        let asked = Asked::of(call.method, call.path)?;
        let changes = ![Method::GET, Method::HEAD].contains(call.method) && route::scope(call.path).is_some();
        changes.then(|| Self { began: call.world.clock.now(), asked })
    }

    /// Notes it with what it was answered: at its resource, and a request for access at the VMs that it is for, too.
    pub(super) fn ended(self, call: &Call<'_>, headers: &HeaderMap, answer: &Result<Response, ArmError>) {
        let status = answer.as_ref().map_or_else(ArmError::status, Response::status);
        let sent = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let change = Change {
            began: self.began,
            answered: call.world.clock.now(),
            method: call.method.clone(),
            caller: call.caller.clone(),
            resource: self.asked.scope,
            client_ip: call.world.look(|cloud, _| cloud.public_ip.to_string()),
            correlation: sent("x-ms-correlation-request-id").unwrap_or_else(|| Uuid::new_v4().to_string()),
            request: sent("x-ms-client-request-id"),
            status,
            operation: answer.as_ref().ok().and_then(operation),
            action: self.asked.action,
        };
        let initiates = change.action.ends_with("/jitNetworkAccessPolicies/initiate/action");
        let vms = if initiates { vms_in(call.body) } else { Vec::new() };
        let at_vms = vms.into_iter().map(|resource| Change { resource, ..change.clone() }).collect::<Vec<_>>();
        let mut log = call.world.activity_log();
        log.note(change);
        for change in at_vms {
            log.note(change);
        }
    }
}

/// The operation whose status an answer leads to.
fn operation(answer: &Response) -> Option<Uuid> {
    let status = answer.headers().get("azure-asyncoperation")?.to_str().ok()?;
    let (_, id) = status.split_once("?p=")?;
    Uuid::parse_str(id.split('&').next()?).ok()
}

fn vms_in(body: &[u8]) -> Vec<String> {
    let body = json_body::parse(body).unwrap_or_default();
    let vms = body["virtualMachines"].as_array().into_iter().flatten();
    vms.filter_map(|vm| vm["id"].as_str().map(str::to_owned)).collect()
}

impl ActivityLog {
    fn note(&mut self, change: Change) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(change);
    }
}

/// `GET …/providers/Microsoft.Insights/eventtypes/management/values`, the newest first.
pub(super) fn values(call: &Call<'_>, scope: &Scope) -> Result<Response, ArmError> {
    let wanted = Wanted::of(call, scope)?;
    call.world.look(|cloud, now| {
        call.permit(cloud, READ, &wanted.place)?;
        let log = call.world.activity_log();
        let changes = log.0.iter().filter(|change| wanted.is_of(change));
        let mut events: Vec<_> = changes.flat_map(|change| change.events(cloud)).collect();
        events.retain(|event| wanted.is_in_time(event.at) && now - event.at <= KEPT);
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
        page::list(call, cloud, events.iter().map(Event::json))
    })
}

/// What a filter asks for: a time, and one place or thing.
struct Wanted {
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    about: Option<(String, String)>,
    subscription: String,
    /// Where the right to read is looked for.
    place: String,
}

impl Wanted {
    /// The filter takes two times and one of four properties, each held against a value by `eq`, and nothing else.
    fn of(call: &Call<'_>, scope: &Scope) -> Result<Self, ArmError> {
        let text = call.query("$filter").unwrap_or_default();
        let refused = || ArmError::invalid_query("$filter", text);
        let (mut from, mut until, mut about) = (None, None, None);
        for clause in text.split(" and ") {
            let words: Vec<_> = clause.split_whitespace().collect();
            let [property, operator, value] = words.as_slice() else { return Err(refused()) };
            let value = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap_or(value);
            let time = || DateTime::parse_from_rfc3339(value).map(|time| time.to_utc()).map_err(|_| refused());
            match (property.to_ascii_lowercase().as_str(), *operator) {
                ("eventtimestamp", "ge") => from = Some(time()?),
                ("eventtimestamp", "le") => until = Some(time()?),
                (name @ ("resourcegroupname" | "resourceuri" | "resourceprovider" | "correlationid"), "eq")
                    if about.is_none() =>
                {
                    about = Some((name.to_owned(), value.to_owned()));
                }
                _ => return Err(refused()),
            }
        }
        let place = match &about {
            Some((name, group)) if name == "resourcegroupname" => format!("{}/resourceGroups/{group}", scope.id()),
            Some((name, resource)) if name == "resourceuri" => resource.clone(),
            _ => scope.id(),
        };
        let subscription = scope.subscription.clone();
        Ok(Self { from: from.ok_or_else(refused)?, until, about, subscription, place })
    }

    fn is_of(&self, change: &Change) -> bool {
        let scope = route::scope(&change.resource);
        let is_here = scope.as_ref().is_some_and(|scope| scope.subscription.eq_ignore_ascii_case(&self.subscription));
        is_here
            && self.about.as_ref().is_none_or(|(name, value)| match name.as_str() {
                "resourcegroupname" => {
                    scope.and_then(|scope| scope.resource_group).is_some_and(|group| group.eq_ignore_ascii_case(value))
                }
                "resourceuri" => change.resource.eq_ignore_ascii_case(value.trim_end_matches('/')),
                "resourceprovider" => change.provider().eq_ignore_ascii_case(value),
                _ => change.correlation.eq_ignore_ascii_case(value),
            })
    }

    fn is_in_time(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && self.until.is_none_or(|until| at <= until)
    }
}

impl Change {
    fn provider(&self) -> &str {
        self.action.split('/').next().unwrap_or_default()
    }

    /// That it began, how it was answered, and how what it began came to its end.
    fn events<'c>(&'c self, cloud: &Cloud) -> impl Iterator<Item = Event<'c>> {
        let event = |at, status, code| Event { change: self, at, status, code };
        let answered = match self.status {
            status if !status.is_success() => "Failed",
            StatusCode::ACCEPTED => "Accepted",
            _ => "Succeeded",
        };
        let done = self.operation.and_then(|id| cloud.operations.get(&id)).and_then(|operation| {
            let (status, code) = match &operation.outcome {
                Outcome::InProgress => return None,
                Outcome::Succeeded => ("Succeeded", StatusCode::OK),
                Outcome::Failed { .. } => ("Failed", StatusCode::CONFLICT),
            };
            Some(event(operation.ended?, status, code))
        });
        let begun = event(self.began, "Started", StatusCode::OK);
        [begun, event(self.answered, answered, self.status)].into_iter().chain(done)
    }
}

/// One entry.
struct Event<'c> {
    change: &'c Change,
    at: DateTime<Utc>,
    status: &'static str,
    code: StatusCode,
}

impl Event<'_> {
    /// `EventData`.
    fn json(&self) -> Value {
        let Self { change, at, status, code } = self;
        let caller = &change.caller;
        let scope = route::scope(&change.resource);
        let group = scope.as_ref().and_then(|scope| scope.resource_group.clone()).unwrap_or_default();
        let named = |value: &str| json!({ "value": value, "localizedValue": value });
        let reason = code.canonical_reason().unwrap_or_default();
        let (event, event_in_words, sub_status, sub_status_in_words) = if *status == "Started" {
            ("BeginRequest", "Begin request", String::new(), String::new())
        } else {
            let in_words = format!("{reason} (HTTP Status Code: {})", code.as_u16());
            ("EndRequest", "End request", reason.replace(' ', ""), in_words)
        };
        let id = derived("activity", &format!("{}{status}{at}", change.correlation), &change.resource);
        json!({
            "authorization": { "action": change.action, "scope": change.resource },
            "caller": caller.name,
            "channels": "Operation",
            "claims": {
                "ipaddr": change.client_ip,
                "name": caller.display_name,
                "http://schemas.microsoft.com/identity/claims/objectidentifier": caller.object_id,
                "http://schemas.microsoft.com/identity/claims/tenantid": caller.tenant,
            },
            "correlationId": change.correlation,
            "description": "",
            "eventDataId": id,
            "eventName": { "value": event, "localizedValue": event_in_words },
            "category": named("Administrative"),
            "httpRequest": {
                "clientRequestId": change.request,
                "clientIpAddress": change.client_ip,
                "method": change.method.as_str(),
            },
            "id": format!("{}/events/{id}", change.resource),
            "level": if *status == "Failed" { "Error" } else { "Informational" },
            "resourceGroupName": group,
            "resourceProviderName": named(change.provider()),
            "resourceId": change.resource,
            "operationId": change.correlation,
            "operationName": { "value": change.action, "localizedValue": in_words(&change.action) },
            "properties": {
                "statusCode": reason.replace(' ', ""),
                "eventCategory": "Administrative",
                "entity": change.resource,
                "message": change.action,
            },
            "status": named(status),
            "subStatus": { "value": sub_status, "localizedValue": sub_status_in_words },
            "eventTimestamp": timestamp(*at),
            "submissionTimestamp": timestamp(*at),
            "subscriptionId": scope.map(|scope| scope.subscription),
            "tenantId": caller.tenant,
        })
    }
}

/// What the portal calls an operation, where that is known.
fn in_words(action: &str) -> &str {
    match action {
        "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action" => "Initiate JIT Network Access Policy",
        "Microsoft.Compute/virtualMachines/start/action" => "Start Virtual Machine",
        "Microsoft.Compute/virtualMachines/restart/action" => "Restart Virtual Machine",
        "Microsoft.Compute/virtualMachines/powerOff/action" => "Power Off Virtual Machine",
        "Microsoft.Compute/virtualMachines/deallocate/action" => "Deallocate Virtual Machine",
        _ => action,
    }
}
