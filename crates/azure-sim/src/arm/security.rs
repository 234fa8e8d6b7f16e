//! `Microsoft.Security/locations/jitNetworkAccessPolicies`: lists, one policy, and *initiate*.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{Call, list, policy_list_permission};
use crate::clock::timestamp;
use crate::duration;
use crate::front::AppliedAt;
use crate::state::Cloud;
use crate::state::initiate::{End, InitiateInput, InitiatePort, InitiateVm, Refusal};
use crate::state::jit::{AccessRequest, Policy, PolicyVm, PortRule, RequestPort};
use crate::switches::{InitiateBody, InitiateSourcePrefixes, Switches};

const TYPE: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies";
const INITIATE: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action";
const READ: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies/read";

pub(super) fn policies(call: &Call<'_>, scope: &Scope, location: Option<&str>) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, policy_list_permission(cloud, scope), &scope.id())?;
        let inside = |policy: &&Policy| {
            policy.subscription.eq_ignore_ascii_case(&scope.subscription)
                && scope.resource_group.as_ref().is_none_or(|group| group.eq_ignore_ascii_case(&policy.resource_group))
                && location.is_none_or(|location| location.eq_ignore_ascii_case(&policy.location))
                && cloud.rights.allow(READ, &policy.id())
        };
        Ok(list(cloud.policies.iter().filter(inside).map(policy_json)))
    })
}

pub(super) fn policy(call: &Call<'_>, scope: &Scope, location: &str, name: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &named(scope, location, name))?;
        let index = find(cloud, scope, location, name)?;
        Ok(Json(policy_json(&cloud.policies[index])).into_response())
    })
}

pub(super) fn initiate(call: &Call<'_>, scope: &Scope, location: &str, name: &str) -> Result<Response, ArmError> {
    let requestor = call.world.entra.client_id.to_string();
    call.world.change(|cloud, now| {
        let id = named(scope, location, name);
        call.permit(cloud, INITIATE, &id)?;
        let index = find(cloud, scope, location, name)?;
        let body: Body =
            serde_json::from_slice(call.body).map_err(|error| ArmError::invalid_json(&error.to_string()))?;
        let input = read(body, &cloud.switches).map_err(refused)?;
        for vm in &input.vms {
            // A right that is missing on a VM shows as one that is missing on its policy.
            if !cloud.rights.allow(INITIATE, &vm.id) {
                return Err(ArmError::forbidden(&call.world.entra, INITIATE, &id));
            }
        }
        let granted = cloud.initiate(index, &input, &requestor, now)?;
        let mut response = (StatusCode::ACCEPTED, Json(request_json(&granted))).into_response();
        response.extensions_mut().insert(AppliedAt(now));
        Ok(response)
    })
}

fn refused(refusal: Refusal) -> ArmError {
    ArmError::new(StatusCode::BAD_REQUEST, refusal.code, refusal.message)
}

fn named(scope: &Scope, location: &str, name: &str) -> String {
    format!("{}/providers/Microsoft.Security/locations/{location}/jitNetworkAccessPolicies/{name}", scope.id())
}

fn find(cloud: &Cloud, scope: &Scope, location: &str, name: &str) -> Result<usize, ArmError> {
    let id = named(scope, location, name);
    let found = cloud.policies.iter().position(|policy| policy.id().eq_ignore_ascii_case(&id));
    let group = scope.resource_group.as_deref().unwrap_or_default();
    found.ok_or_else(|| ArmError::resource_not_found(&format!("{TYPE}/{location}/{name}"), group))
}

/// `JitNetworkAccessPolicyInitiateRequest`, with everything optional so that Azure's own words can complain.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    virtual_machines: Vec<BodyVm>,
    justification: Option<String>,
}

#[derive(Deserialize)]
struct BodyVm {
    #[serde(default)]
    id: String,
    #[serde(default)]
    ports: Vec<BodyPort>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BodyPort {
    number: u16,
    allowed_source_address_prefix: Option<String>,
    allowed_source_address_prefixes: Option<Vec<String>>,
    end_time_utc: Option<String>,
    duration: Option<String>,
}

fn read(body: Body, switches: &Switches) -> Result<InitiateInput, Refusal> {
    let vm = |vm: BodyVm| {
        let ports = vm.ports.into_iter().map(|port| read_port(port, switches)).collect::<Result<_, _>>()?;
        Ok(InitiateVm { id: vm.id, ports })
    };
    let vms = body.virtual_machines.into_iter().map(vm).collect::<Result<_, _>>()?;
    Ok(InitiateInput { vms, justification: body.justification })
}

fn read_port(port: BodyPort, switches: &Switches) -> Result<InitiatePort, Refusal> {
    let plural = port.allowed_source_address_prefixes.filter(|sources| !sources.is_empty());
    let sources = match (port.allowed_source_address_prefix, plural) {
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid_input(
                "Only one of fields 'AllowedSourceAddressPrefix' and 'AllowedSourceAddressPrefixes' can be set",
            ));
        }
        (Some(one), None) => Some(vec![one]),
        (None, Some(many)) if switches.initiate_source_prefixes == InitiateSourcePrefixes::Accept => Some(many),
        (None, Some(_) | None) => None,
    };
    let end = read_end(port.end_time_utc.as_deref(), port.duration.as_deref(), switches.initiate_body)?;
    Ok(InitiatePort { number: port.number, sources, end })
}

fn read_end(end: Option<&str>, length: Option<&str>, takes: InitiateBody) -> Result<End, Refusal> {
    match (end, length) {
        (Some(end), None) if takes != InitiateBody::Duration => read_time(end),
        (None, Some(length)) if takes != InitiateBody::EndTimeUtc => duration::parse(length)
            .map(End::Duration)
            .ok_or_else(|| Refusal::invalid_input(format!("The duration '{length}' is not valid."))),
        (Some(_), None) => Err(Refusal::invalid_input("The field 'Duration' must be set")),
        (None, Some(_)) => Err(Refusal::invalid_input("The field 'EndTimeUtc' must be set")),
        (Some(_), Some(_)) | (None, None) => {
            Err(Refusal::invalid_input("Only one of fields 'EndTimeUtc' and 'Duration' can be set"))
        }
    }
}

fn read_time(text: &str) -> Result<End, Refusal> {
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc));
    // A time without an offset is taken for UTC.
    let time = time.or_else(|_| text.parse::<chrono::NaiveDateTime>().map(|time| time.and_utc()));
    time.map(End::EndTimeUtc).map_err(|_| Refusal::invalid_input(format!("The end time '{text}' is not valid.")))
}

fn policy_json(policy: &Policy) -> Value {
    json!({
        "kind": "Basic",
        "properties": {
            "virtualMachines": policy.vms.iter().map(protected_json).collect::<Vec<_>>(),
            "requests": policy.requests.iter().map(request_json).collect::<Vec<_>>(),
            "provisioningState": "Succeeded",
        },
        "id": policy.id(),
        "name": policy.name,
        "type": TYPE,
        "location": policy.location,
    })
}

fn protected_json(vm: &PolicyVm) -> Value {
    let mut json = json!({ "id": vm.id, "ports": vm.ports.iter().map(port_rule_json).collect::<Vec<_>>() });
    if let Some(address) = vm.public_ip_address {
        json["publicIpAddress"] = address.to_string().into();
    }
    json
}

fn port_rule_json(rule: &PortRule) -> Value {
    let mut json = json!({
        "number": rule.number,
        "protocol": rule.protocol.policy_name(),
        "maxRequestAccessDuration": rule.max_request_access_duration,
    });
    put_sources(&mut json, &rule.sources);
    json
}

fn request_json(request: &AccessRequest) -> Value {
    let vm = |vm: &crate::state::jit::RequestVm| json!({ "id": vm.id, "ports": vm.ports.iter().map(request_port_json).collect::<Vec<_>>() });
    let mut json = json!({
        "virtualMachines": request.vms.iter().map(vm).collect::<Vec<_>>(),
        "startTimeUtc": timestamp(request.start),
        "requestor": request.requestor,
    });
    if let Some(justification) = &request.justification {
        json["justification"] = justification.clone().into();
    }
    json
}

fn request_port_json(port: &RequestPort) -> Value {
    let mut json = json!({
        "number": port.number,
        "endTimeUtc": timestamp(port.end),
        "status": port.status.status(),
        "statusReason": port.status.reason(),
    });
    put_sources(&mut json, &port.sources);
    if let Some(mapped) = port.mapped_port {
        json["mappedPort"] = mapped.into();
    }
    json
}

/// One prefix goes into the singular field, several into the plural one.
fn put_sources(json: &mut Value, sources: &[String]) {
    match sources {
        [one] => json["allowedSourceAddressPrefix"] = one.clone().into(),
        many => json["allowedSourceAddressPrefixes"] = many.iter().cloned().collect(),
    }
}
