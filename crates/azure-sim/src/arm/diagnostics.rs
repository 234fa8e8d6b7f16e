//! Network watchers, and what Azure says of a packet's fate: IP flow verify, and the effective rules of a network
//! interface.

use std::net::Ipv4Addr;

use crate::json::{Value, json};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::arm::error::ArmError;
use crate::arm::json_body::{self, Object};
use crate::arm::operations::{LongRunning, accepted};
use crate::arm::route::Scope;
use crate::arm::{Call, compute, network, page, security_groups};
use crate::latency::Wait;
use crate::state::Cloud;
use crate::state::nsg::{self, Direction, Packet, Protocol};
use crate::state::places::NetworkWatcher;
use crate::state::vm::Vm;
use crate::switches::IpFlowVerifyAnswer;

const NEXT_HOP: &str = "Microsoft.Network/networkWatchers/nextHop/action";
const VERIFY: &str = "Microsoft.Network/networkWatchers/ipFlowVerify/action";
const EFFECTIVE: &str = "Microsoft.Network/networkInterfaces/effectiveNetworkSecurityGroups/action";

const READ: &str = "Microsoft.Network/networkWatchers/read";

pub(super) fn watchers(call: &Call<'_>, scope: &Scope) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &scope.id())?;
        let inside = cloud.places.watchers(&scope.subscription, scope.resource_group.as_deref());
        let may = call.may(cloud, READ);
        page::list(call, cloud, inside.filter(|watcher| may.at(&watcher.id())).map(model))
    })
}

pub(super) fn watcher(call: &Call<'_>, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &named(scope, name))?;
        Ok(Json(model(find(cloud, scope, name)?)).into_response())
    })
}

fn named(scope: &Scope, watcher: &str) -> String {
    format!("{}/providers/Microsoft.Network/networkWatchers/{watcher}", scope.id())
}

fn find<'c>(cloud: &'c Cloud, scope: &Scope, name: &str) -> Result<&'c NetworkWatcher, ArmError> {
    let group = scope.resource_group.as_deref();
    let found = cloud.places.watchers(&scope.subscription, group).find(|one| one.name().eq_ignore_ascii_case(name));
    let resource = || format!("Microsoft.Network/networkWatchers/{name}");
    found.ok_or_else(|| ArmError::resource_not_found(&resource(), group.unwrap_or_default()))
}

fn model(watcher: &NetworkWatcher) -> Value {
    json!({
        "name": watcher.name(),
        "id": watcher.id(),
        "etag": "W/\"1\"",
        "type": "Microsoft.Network/networkWatchers",
        "location": &watcher.location,
        "tags": compute::tags(),
        "properties": properties(),
    })
}

/// All that a watcher has; the operations that it runs are not kept with it.
pub(super) fn properties() -> Value {
    json!({ "provisioningState": "Succeeded", "runningOperationIds": [] })
}

/// The VM that a request to a watcher is about: one of its region, and with the interface that is named.
fn target<'c>(cloud: &'c Cloud, region: &str, body: &Object<'_>) -> Result<&'c Vm, ArmError> {
    let target = body.required_text("targetResourceId")?;
    let (_, vm) =
        cloud.vm_of_id(target).ok_or_else(|| invalid("targetResourceId", target, "the id of a virtual machine"))?;
    if !region.eq_ignore_ascii_case(&vm.location) {
        return Err(invalid("targetResourceId", target, &format!("of the watcher's region {region}")));
    }
    if let Some(nic) = body.text("targetNicResourceId")?.filter(|nic| !nic.eq_ignore_ascii_case(&vm.nic_id())) {
        return Err(invalid("targetNicResourceId", nic, "the id of a network interface of the virtual machine"));
    }
    Ok(vm)
}

/// Where a packet goes from the VM by the system's own routes, of which alone there are any.
pub(super) fn next_hop(call: &Call<'_>, scope: &Scope, watcher: &str) -> Result<Response, ArmError> {
    call.world.change(|cloud, now| {
        call.permit(cloud, NEXT_HOP, &named(scope, watcher))?;
        let region = &find(cloud, scope, watcher)?.location;
        let body = json_body::parse(call.body)?;
        let body = Object::whole(&body)?;
        let vm = target(cloud, region, &body)?;
        let (source, destination) = (address(&body, "sourceIPAddress")?, address(&body, "destinationIPAddress")?);
        if source != vm.private_ip {
            return Err(invalid("sourceIPAddress", &source.to_string(), "an address of the virtual machine"));
        }
        must_run(vm, "nextHop")?;
        let kind = if nsg::virtual_network().contains(&destination) {
            "VnetLocal"
        } else if nsg::ServiceTag::Internet.contains(destination) {
            "Internet"
        } else {
            "None"
        };
        let answer = json!({ "nextHopType": kind, "routeTableId": "System Route" });
        let location = vm.location.clone();
        let operation = LongRunning { provider: "Microsoft.Network", subscription: &scope.subscription, location };
        let takes = cloud.latencies.draw(Wait::Diagnosis);
        Ok(accepted(call, cloud, &operation, answer, (now, takes)))
    })
}

pub(super) fn ip_flow_verify(call: &Call<'_>, scope: &Scope, watcher: &str) -> Result<Response, ArmError> {
    call.world.change(|cloud, now| {
        call.permit(cloud, VERIFY, &named(scope, watcher))?;
        let region = &find(cloud, scope, watcher)?.location;
        let body = json_body::parse(call.body)?;
        let body = Object::whole(&body)?;
        let vm = target(cloud, region, &body)?;
        must_run(vm, "ipFlowVerify")?;
        let verdict = cloud.verdict(vm, &packet(&body)?, now);
        let mut answer = json!({ "access": verdict.access.name() });
        if let Some(decider) = verdict.rule {
            answer["ruleName"] = decider.rule.into();
        }
        if cloud.switches.ip_flow_verify_answer == IpFlowVerifyAnswer::Ok {
            return Ok(Json(answer).into_response());
        }
        let location = vm.location.clone();
        let operation = LongRunning { provider: "Microsoft.Network", subscription: &scope.subscription, location };
        let takes = cloud.latencies.draw(Wait::Diagnosis);
        Ok(accepted(call, cloud, &operation, answer, (now, takes)))
    })
}

pub(super) fn effective_groups(call: &Call<'_>, scope: &Scope, nic: &str) -> Result<Response, ArmError> {
    call.world.change(|cloud, now| {
        let id = format!("{}/providers/Microsoft.Network/networkInterfaces/{nic}", scope.id());
        call.permit(cloud, EFFECTIVE, &id)?;
        let missing = || {
            let group = scope.resource_group.as_deref().unwrap_or_default();
            ArmError::resource_not_found(&format!("Microsoft.Network/networkInterfaces/{nic}"), group)
        };
        let vm = network::interface_named(cloud, scope, nic).ok_or_else(missing)?;
        must_run(vm, "effectiveNetworkSecurityGroups")?;
        let answer = security_groups::effective(cloud, vm, now);
        let location = vm.location.clone();
        let operation = LongRunning { provider: "Microsoft.Network", subscription: &scope.subscription, location };
        let takes = cloud.latencies.draw(Wait::Diagnosis);
        Ok(accepted(call, cloud, &operation, answer, (now, takes)))
    })
}

/// Azure looks at the host on which the VM runs.
fn must_run(vm: &Vm, operation: &str) -> Result<(), ArmError> {
    if vm.power.has_guest() {
        return Ok(());
    }
    let message = format!(
        "Operation '{operation}' is not allowed on VM '{}' since it is {}. The virtual machine must be running.",
        vm.name,
        vm.power.current().code()
    );
    Err(ArmError::new(StatusCode::CONFLICT, "OperationNotAllowed", message))
}

/// `VerificationIPFlowParameters` as the packet that they describe.
fn packet(body: &Object<'_>) -> Result<Packet, ArmError> {
    let direction = body.required_text("direction")?;
    let direction = [Direction::Inbound, Direction::Outbound]
        .into_iter()
        .find(|one| one.name().eq_ignore_ascii_case(direction))
        .ok_or_else(|| invalid("direction", direction, "Inbound or Outbound"))?;
    let protocol = body.required_text("protocol")?;
    let protocol = [Protocol::Tcp, Protocol::Udp]
        .into_iter()
        .find(|one| one.name().eq_ignore_ascii_case(protocol))
        .ok_or_else(|| invalid("protocol", protocol, "TCP or UDP"))?;
    let (local, remote) = (address(body, "localIPAddress")?, address(body, "remoteIPAddress")?);
    let inbound = direction == Direction::Inbound;
    let (local_port, remote_port) = (port(body, "localPort", !inbound)?, port(body, "remotePort", inbound)?);
    let here = (local, local_port);
    let there = (remote, remote_port);
    let ((source, source_port), (destination, destination_port)) = if inbound { (there, here) } else { (here, there) };
    Ok(Packet { direction, protocol, source, source_port, destination, destination_port })
}

fn address(body: &Object<'_>, name: &str) -> Result<Ipv4Addr, ArmError> {
    let text = body.required_text(name)?;
    text.parse().map_err(|_| invalid(name, text, "an IPv4 address"))
}

/// Only the port that the packet comes from may be `*`.
fn port(body: &Object<'_>, name: &str, is_source: bool) -> Result<Option<u16>, ArmError> {
    match (body.required_text(name)?, is_source) {
        ("*", true) => Ok(None),
        (text, _) => text.parse().map(Some).map_err(|_| invalid(name, text, "a port from 0 to 65535")),
    }
}

fn invalid(name: &str, value: &str, wanted: &str) -> ArmError {
    let message = format!("The value '{value}' of '{name}' is not {wanted}.");
    ArmError::new(StatusCode::BAD_REQUEST, "InvalidParameter", message)
}
