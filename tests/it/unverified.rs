//! What is not known of the real Azure is a switch of the simulator; VMs are opened whichever way it stands.

use azure_sim::{ListForm, list_switches};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::world::{LIMIT, World};

/// How many simulators run side by side.
const WORLDS: usize = 4;

/// How many settings a simulator is put to, one after the other. Each brings VMs of its own, and everyone who is attached
/// hears of all of them with every change.
const SETTINGS: usize = 3;

/// Where the client is, and where it goes between two requests for the same VM.
const HERE: &str = "203.0.113.24";
const ELSEWHERE: &str = "198.51.100.77";

/// A switch, as the simulator lists it.
#[derive(Deserialize)]
struct Switch {
    name: String,
    values: Vec<String>,
    default: String,
}

/// A switch that stands otherwise than by default.
#[derive(Clone, Debug)]
struct Setting {
    switch: String,
    value: String,
    default: String,
}

fn settings() -> Vec<Setting> {
    let switches: Vec<Switch> = serde_json::from_str(&list_switches(ListForm::Json)).expect("a list");
    let others = |switch: Switch| {
        let Switch { name, values, default } = switch;
        let others: Vec<_> = values.into_iter().filter(|value| *value != default).collect();
        others.into_iter().map(move |value| Setting { switch: name.clone(), value, default: default.clone() })
    };
    switches.into_iter().flat_map(others).collect()
}

/// VMs of each kind for each of so many settings, which none of the others has touched.
fn fleet(settings: usize) -> String {
    let mut text = "[[subscriptions]]\nid = \"5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001\"\nname = \"Contoso\"\n".to_owned();
    for number in 0..settings {
        for (kind, more, jit) in [
            ("rest", "power = \"deallocated\"", ""),
            ("dynamic", "power = \"deallocated\"\ndynamic_address = true", ""),
            ("range", "", "sources = [\"203.0.113.0/24\", \"198.51.100.0/24\"]"),
            ("firewall", "firewall = true", ""),
            ("full", "power = \"deallocated\"\nout_of_capacity = true", ""),
        ] {
            text.extend([format!(
                "[[vms]]\nname = \"{kind}-{number}\"\n{more}\nports = [{{ number = 22, jit = {{ {jit} }} }}]\n"
            )]);
        }
    }
    text
}

/// How opening a VM of a kind has to end: the event or the failure's code. Everything opens under every setting but
/// these, where the setting itself leaves no way.
fn expected(setting: &Setting, kind: &str) -> &'static str {
    match (setting.switch.as_str(), setting.value.as_str(), kind) {
        (_, _, "full") => "allocationFailed",
        // Azure then wants a request for the whole range. Ajar asks for one address only, and says so.
        ("subnetOfPolicyPrefix", "refuse", "range") => "rangeRefused",
        _ => "connected",
    }
}

/// Whether a VM of a kind is left out. Behind a firewall that hides the client nothing opens, and that is known only after
/// five minutes: `a_firewall_that_lets_nothing_through_is_told_as_that…` of ajar-core holds how it ends.
fn is_left_out(setting: &Setting, kind: &str) -> bool {
    (setting.switch.as_str(), setting.value.as_str(), kind) == ("firewallSource", "firewall", "firewall")
}

/// The address is named: how it is found out hangs on no switch, and a slow machine with many clients at once loses it.
async fn opens(world: &World, setting: &Setting, kind: &str, number: usize, from: &str) {
    if is_left_out(setting, kind) {
        return;
    }
    let name = format!("{kind}-{number}");
    // The shortest that may be asked for: it must not arrive as less.
    let ended = world.run(&["connect", &name, "--no-launch", "--json", "--for", "5m", "--source", from]).await;
    let event = ended.last_event();
    let came = event["code"].as_str().or(event["event"].as_str());
    assert_eq!(came, Some(expected(setting, kind)), "{kind} with {setting:?}: {}", ended.stderr);
    if came == Some("rangeRefused") {
        assert!(event["message"].as_str().is_some_and(|words| words.contains("a part of 203.0.113.0/24")), "{event}");
    }
}

/// Opens each kind of VM under one setting, and one of them again from another address: a newer request for the same port.
async fn holds(world: &World, setting: &Setting, number: usize) {
    let control = world.control();
    let set = |value: &str| control.post("switches", json!({ &setting.switch: value }));
    set(&setting.value).await;
    // The start comes late, so that the request finds the VM at rest.
    let late = json!({ "fault": "throttle", "retryAfter": 1, "times": 1 });
    control.fault("POST", &format!("*/rest-{number}/start"), late).await;
    tokio::join!(
        opens(world, setting, "rest", number, HERE),
        opens(world, setting, "dynamic", number, HERE),
        opens(world, setting, "range", number, HERE),
        opens(world, setting, "firewall", number, HERE),
        opens(world, setting, "full", number, HERE),
    );
    control.post("address", json!({ "publicIp": ELSEWHERE })).await;
    opens(world, setting, "rest", number, ELSEWHERE).await;
    control.post("address", json!({ "publicIp": HERE })).await;
    set(&setting.default).await;
}

/// Hosts the engine that all others of a world attach to.
async fn host(world: &World) -> Child {
    let mut host = world.ajar(&["status", "--watch", "--json"]).spawn().expect("ajar starts");
    let mut lines = BufReader::new(host.stdout.take().expect("piped")).lines();
    let first = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("in time").expect("read");
    let first: Value = serde_json::from_str(&first.expect("it says something")).expect("JSON");
    assert_eq!(first["event"], "status");
    // Read on, or the host would stand still once the pipe is full.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn vms_are_opened_under_every_setting_of_every_switch() {
    let all = settings();
    assert!(all.len() > 30, "the simulator lists its switches: {all:?}");
    let mut tasks = tokio::task::JoinSet::new();
    for share in all.chunks(SETTINGS).map(<[Setting]>::to_vec) {
        if tasks.len() == WORLDS {
            tasks.join_next().await.expect("one is there").expect("its settings hold");
        }
        tasks.spawn(async move {
            let world = World::with_fleet(&fleet(share.len())).await;
            let mut host = host(&world).await;
            for (number, setting) in share.iter().enumerate() {
                holds(&world, setting, number).await;
            }
            host.kill().await.expect("the host can be ended");
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("its settings hold");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vm_whose_power_state_azure_never_tells_is_started_after_some_seconds_and_opened() {
    let world = World::with_fleet(
        "[[subscriptions]]\nid = \"5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001\"\nname = \"Contoso\"\n\
         [[vms]]\nname = \"web-01\"\npower = \"deallocated\"\nports = [{ number = 22, jit = {} }]\n",
    )
    .await;
    world.control().post("vms", json!({ "id": world.vm("web-01").id, "powerState": "unknown" })).await;
    let ended = world.run(&["connect", "web-01", "--no-launch", "--json"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let event = ended.last_event();
    assert_eq!(event["event"], "connected", "{event}");
    let took = event["elapsedMs"].as_u64().expect("milliseconds");
    assert!((10_000..60_000).contains(&took), "{took}");
    assert_eq!(world.control().changes().await, ["initiate", "start"]);
}
