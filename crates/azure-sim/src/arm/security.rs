//! `Microsoft.Security/locations/jitNetworkAccessPolicies`: lists, one policy, its making and removal, and *initiate*.

use std::borrow::Cow;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{Call, initiate_body, page, policy_body, policy_list_permission};
use crate::clock::timestamp;
use crate::front::AppliedAt;
use crate::state::Cloud;
use crate::state::configure::PolicyPlace;
use crate::state::initiate::InitiateVm;
use crate::state::jit::{AccessRequest, Policy, PolicyVm, PortRule, RequestPort};
use crate::switches::{ApplicationRequestor, PolicyIdCasing, RequestHistory, Switches};

const TYPE: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies";
const INITIATE: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action";
const WRITE: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies/write";
const DELETE: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies/delete";
/// Who configures JIT for a VM changes it, Azure says.
const VM_WRITE: &str = "Microsoft.Compute/virtualMachines/write";
const READ: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies/read";

pub(super) fn policies(call: &Call<'_>, scope: &Scope, location: Option<&str>) -> Result<Response, ArmError> {
    call.world.look(|cloud, now| {
        call.permit(cloud, policy_list_permission(cloud, scope), &scope.id())?;
        let may = call.may(cloud, READ);
        let inside = |policy: &Cow<'_, Policy>| {
            policy.subscription.eq_ignore_ascii_case(&scope.subscription)
                && scope.resource_group.as_ref().is_none_or(|group| group.eq_ignore_ascii_case(&policy.resource_group))
                && location.is_none_or(|location| location.eq_ignore_ascii_case(&policy.location))
                && may.at(&policy.id())
        };
        let listed = cloud.policies_shown(now).filter(inside);
        page::list(call, cloud, listed.map(|policy| policy_json(&policy, &cloud.switches)))
    })
}

pub(super) fn policy(call: &Call<'_>, scope: &Scope, location: &str, name: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, now| {
        let id = named(scope, location, name);
        call.permit(cloud, READ, &id)?;
        let found = cloud.policies_shown(now).find(|policy| policy.id().eq_ignore_ascii_case(&id));
        let policy = found.ok_or_else(|| missing(scope, location, name))?;
        Ok(Json(policy_json(&policy, &cloud.switches)).into_response())
    })
}

pub(super) fn create_or_update(
    call: &Call<'_>,
    scope: &Scope,
    location: &str,
    name: &str,
) -> Result<Response, ArmError> {
    call.world.change(|cloud, now| {
        let id = named(scope, location, name);
        call.permit(cloud, WRITE, &id)?;
        let input = policy_body::read(call.body)?;
        for vm in &input.vms {
            call.permit(cloud, VM_WRITE, &vm.id)?;
        }
        let place = PolicyPlace {
            subscription: scope.subscription.clone(),
            resource_group: scope.resource_group.clone().unwrap_or_default(),
            location: location.to_owned(),
            name: name.to_owned(),
        };
        cloud.before_write(&id, now);
        let index = cloud.configure(place, &input, now)?;
        let mut response = Json(policy_json(&cloud.policies[index], &cloud.switches)).into_response();
        response.extensions_mut().insert(AppliedAt(now));
        Ok(response)
    })
}

pub(super) fn delete(call: &Call<'_>, scope: &Scope, location: &str, name: &str) -> Result<Response, ArmError> {
    call.world.change(|cloud, now| {
        call.permit(cloud, DELETE, &named(scope, location, name))?;
        let Ok(index) = find(cloud, scope, location, name) else {
            return Ok(StatusCode::NO_CONTENT.into_response());
        };
        cloud.before_write(&named(scope, location, name), now);
        cloud.remove_policy(index, now);
        let mut response = StatusCode::OK.into_response();
        response.extensions_mut().insert(AppliedAt(now));
        Ok(response)
    })
}

pub(super) fn initiate(call: &Call<'_>, scope: &Scope, location: &str, name: &str) -> Result<Response, ArmError> {
    call.world.change(|cloud, now| {
        let id = named(scope, location, name);
        call.permit(cloud, INITIATE, &id)?;
        let index = find(cloud, scope, location, name)?;
        let input = initiate_body::read(call.body, &cloud.switches)?;
        let of_policy = |vm: &&InitiateVm| cloud.policies[index].vm(&vm.id).is_some();
        for vm in input.vms.iter().filter(of_policy) {
            // A right that is missing on a VM shows as one that is missing on its policy.
            if !call.may(cloud, INITIATE).at(&vm.id) {
                return Err(ArmError::forbidden(&call.caller, INITIATE, &id));
            }
        }
        cloud.before_write(&id, now);
        let requestor = requestor(call, &cloud.switches);
        let granted = cloud.initiate(index, &input, &requestor, now)?;
        let mut response = (StatusCode::ACCEPTED, Json(request_json(&granted, &cloud.switches))).into_response();
        response.extensions_mut().insert(AppliedAt(now));
        Ok(response)
    })
}

fn named(scope: &Scope, location: &str, name: &str) -> String {
    format!("{}/providers/Microsoft.Security/locations/{location}/jitNetworkAccessPolicies/{name}", scope.id())
}

fn find(cloud: &Cloud, scope: &Scope, location: &str, name: &str) -> Result<usize, ArmError> {
    let id = named(scope, location, name);
    let found = cloud.policies.iter().position(|policy| policy.id().eq_ignore_ascii_case(&id));
    found.ok_or_else(|| missing(scope, location, name))
}

fn missing(scope: &Scope, location: &str, name: &str) -> ArmError {
    let group = scope.resource_group.as_deref().unwrap_or_default();
    // Types and names by turns, as in the id.
    ArmError::resource_not_found(
        &format!("Microsoft.Security/locations/{location}/jitNetworkAccessPolicies/{name}"),
        group,
    )
}

/// What the request says of who made it.
fn requestor(call: &Call<'_>, switches: &Switches) -> String {
    match switches.application_requestor {
        _ if call.caller.is_user => call.caller.name.clone(),
        ApplicationRequestor::ClientId => call.caller.name.clone(),
        ApplicationRequestor::ObjectId => call.caller.object_id.to_string(),
        ApplicationRequestor::DisplayName => call.caller.display_name.clone(),
    }
}

fn policy_json(policy: &Policy, switches: &Switches) -> Value {
    let requests = policy.requests.iter().filter(|request| is_remembered(request, switches));
    json!({
        "kind": policy.kind,
        "properties": {
            "virtualMachines": policy.vms.iter().map(|vm| protected_json(vm, switches)).collect::<Vec<_>>(),
            "requests": requests.map(|request| request_json(request, switches)).collect::<Vec<_>>(),
            "provisioningState": "Succeeded",
        },
        "id": policy.id(),
        "name": policy.name,
        "type": TYPE,
        "location": policy.location,
    })
}

fn protected_json(vm: &PolicyVm, switches: &Switches) -> Value {
    let mut json =
        json!({ "id": spelt(&vm.id, switches), "ports": vm.ports.iter().map(port_rule_json).collect::<Vec<_>>() });
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

fn request_json(request: &AccessRequest, switches: &Switches) -> Value {
    let vm = |vm: &crate::state::jit::RequestVm| json!({ "id": spelt(&vm.id, switches), "ports": vm.ports.iter().map(request_port_json).collect::<Vec<_>>() });
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

fn spelt(id: &str, switches: &Switches) -> String {
    match switches.policy_id_casing {
        PolicyIdCasing::AsWritten => id.to_owned(),
        PolicyIdCasing::Lower => id.to_lowercase(),
        PolicyIdCasing::Upper => id.to_uppercase(),
    }
}

/// Whether a policy still shows a request that the state has not forgotten.
fn is_remembered(request: &AccessRequest, switches: &Switches) -> bool {
    let mut ports = request.vms.iter().flat_map(|vm| &vm.ports);
    match switches.request_history {
        RequestHistory::SevenDays => true,
        RequestHistory::InForce => ports.any(|port| port.status.status() != "Revoked"),
    }
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
