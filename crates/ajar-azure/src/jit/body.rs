//! The body of *initiate*: `JitNetworkAccessPolicyInitiateRequest`.

use ajar_core::iso8601::IsoDuration;
use chrono::SecondsFormat;
use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::Initiate;

/// How the end is written.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// As `endTimeUtc`, which the published schema requires.
    Time,
    /// As `duration`, from the moment Azure reads it.
    Duration,
}

/// The body for all of `asks`, of which each is about another VM, or another port of one. They have one justification, which is the
/// first one's.
pub fn initiate_body(asks: &[Initiate], end: End) -> Value {
    let mut machines: Vec<Vec<&Initiate>> = Vec::new();
    for ask in asks {
        match machines.iter_mut().find(|machine| machine.iter().any(|known| known.vm == ask.vm)) {
            Some(machine) => machine.push(ask),
            None => machines.push(vec![ask]),
        }
    }
    let machines = machines.into_iter().filter_map(|ports| machine(&ports, end));
    let mut body = json!({ "virtualMachines": machines.collect::<Vec<_>>() });
    if let Some(justification) = asks.first().and_then(|ask| ask.justification.as_ref()) {
        body["justification"] = json!(justification);
    }
    body
}

/// The ports of one VM.
fn machine(asks: &[&Initiate], end: End) -> Option<Value> {
    let vm = asks.first()?.vm.to_string();
    let ports: Vec<_> = asks.iter().map(|ask| port(ask, end)).collect();
    Some(json!({ "id": vm, "ports": ports }))
}

fn port(ask: &Initiate, end: End) -> Value {
    let (name, value) = match end {
        End::Time => ("endTimeUtc", ask.end_time_utc.to_rfc3339_opts(SecondsFormat::Millis, true)),
        End::Duration => ("duration", IsoDuration(ask.duration).to_the_minute().to_string()),
    };
    json!({ "number": ask.port, name: value, "allowedSourceAddressPrefix": prefix(ask.source) })
}

/// A single address as that alone.
fn prefix(source: Ipv4Net) -> String {
    if source.prefix_len() == 32 { source.addr().to_string() } else { source.to_string() }
}
