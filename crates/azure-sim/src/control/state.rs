//! `GET /_sim/state`: all there is.

use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, Utc};

use crate::clock::timestamp;
use crate::json::{Text, Value, json};
use crate::state::Cloud;
use crate::state::nsg::SecurityRule;
use crate::state::operation::Operation;
use crate::state::vm::{Vm, VmPort};
use crate::world::World;

pub(super) async fn state(State(world): State<Arc<World>>) -> Text {
    // First, so that what it says of listeners is so.
    world.settle().await;
    let faults = world.faults().to_json();
    world.look(|cloud, now| {
        let mut text = Text::default();
        text.raw("{\"vms\":");
        text.array(cloud.vms.iter().filter(|vm| !vm.deleted).map(|vm| vm_json(cloud, vm, now)));
        text.raw(",\"operations\":");
        text.array(cloud.operations.iter().map(|(id, operation)| operation_json(*id, operation)));
        let rights: Vec<_> = cloud.rights.statements().collect();
        for (name, value) in [
            ("now", serde_json::json!(timestamp(now))),
            ("publicIp", serde_json::json!(cloud.public_ip)),
            ("rights", serde_json::json!(rights)),
            ("switches", cloud.switches.to_json()),
            ("faults", faults),
        ] {
            text.raw(&format!(",\"{name}\":{value}"));
        }
        text.raw("}");
        text
    })
}

fn operation_json(id: uuid::Uuid, operation: &Operation) -> Value {
    json!({
        "id": id,
        "status": operation.outcome.status(),
        "startTime": timestamp(operation.started),
        "endTime": operation.ended.map(timestamp),
    })
}

fn vm_json(cloud: &Cloud, vm: &Vm, now: DateTime<Utc>) -> Value {
    let (booted, may_admit) = (vm.power.booted(now), cloud.may_admit(vm));
    let port = |port: &VmPort| {
        let (admitted, dial) = (may_admit && cloud.admits(vm, port.number, now), vm.dial(port));
        json!({
            "number": port.number,
            "dial": dial.map(|dial| dial.to_string()),
            "admitted": admitted,
            "listening": booted && admitted && dial.is_some(),
        })
    };
    json!({
        "id": vm.id(),
        "name": &vm.name,
        "powerState": vm.power.current().code(),
        "booted": booted,
        "address": vm.address(),
        "ports": vm.ports.iter().map(port).collect::<Value>(),
        "securityRules": cloud.security_rules(vm, now).into_iter().map(rule_json).collect::<Value>(),
    })
}

fn rule_json(rule: SecurityRule) -> Value {
    json!({
        "ports": rule.ports.iter().map(ToString::to_string).collect::<Value>(),
        "name": rule.name,
        "priority": rule.priority,
        "access": rule.access.name(),
        "direction": rule.direction.name(),
        "protocol": rule.protocol.name(),
        "sources": rule.sources,
    })
}
