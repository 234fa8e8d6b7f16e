//! This machine moves to another network while something is open.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::world::{World, until};

/// The simulated address at first, and that of another network.
const HERE: &str = "203.0.113.24";
const ELSEWHERE: &str = "198.51.100.77";

const REQUEST_AT_ONCE: &str = "[access]\non_new_address = \"request\"\n";

async fn moves_to(world: &World, address: &str) {
    world.control().post("address", json!({ "publicIp": address })).await;
}

/// The only window, as `ajar status` tells it.
async fn window(world: &World) -> Value {
    let status = world.run(&["status", "--json"]).await;
    let windows: Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!(windows.as_array().map(Vec::len), Some(1), "{windows} {}", status.stderr);
    windows[0].clone()
}

/// The sources of all rules that let somebody in at a VM, rule by rule.
async fn admitted(world: &World, name: &str) -> Vec<Vec<String>> {
    let url = format!("{}/state", world.simulator.announce().control);
    let answer = world.control().http().get(url).send().await.expect("the simulator answers");
    let state: Value = answer.json().await.expect("JSON");
    let vms = state["vms"].as_array().expect("VMs");
    let vm = vms.iter().find(|vm| vm["name"] == name).expect("it is in the fleet");
    let rules = vm["securityRules"].as_array().expect("rules").iter();
    let lets_in = rules.filter(|rule| rule["access"] == "Allow" && rule["ports"] == json!(["22"]));
    let mut sources: Vec<_> =
        lets_in.map(|rule| serde_json::from_value::<Vec<String>>(rule["sources"].clone()).expect("texts")).collect();
    sources.sort();
    sources
}

async fn opens(world: &World, args: &[&str]) -> Value {
    let ended = world.run(&[&["connect", "web-01", "--no-launch", "--json"], args].concat()).await;
    let event = ended.last_event();
    assert_eq!(event["event"], "connected", "{}", ended.stderr);
    event["window"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_of_a_new_address_and_extend_from_here_opens_for_what_is_left() {
    let world = World::new().await;
    let before = opens(&world, &["--for", "40m"]).await;
    assert_eq!(window(&world).await["leftBehind"], Value::Null);
    moves_to(&world, ELSEWHERE).await;
    let told = window(&world).await["leftBehind"].clone();
    assert_eq!(told["address"], ELSEWHERE);
    let status = world.run(&["status"]).await.stdout;
    let line = status.lines().find(|line| line.starts_with("web-01: ")).expect("a line about it");
    assert!(line.contains("Your address is now 198.51.100.77.") && line.contains("from 203.0.113.24"), "{line}");
    assert!(
        line.ends_with("`ajar extend web-01 --from-here` asks for access from here, until the same end."),
        "{line}"
    );
    assert_eq!(world.control().requests("/initiate").await.len(), 1, "nobody has said so");

    let extended = world.run(&["extend", "web-01", "--from-here", "--json"]).await;
    let event = extended.last_event();
    assert_eq!((extended.code, &event["event"]), (0, &json!("extended")), "{}", extended.stderr);
    assert_eq!(event["window"], json!({ "endTimeUtc": before["endTimeUtc"], "source": ELSEWHERE }));
    until("the port is open from here", async || world.is_open("web-01").await).await;
    let now = window(&world).await;
    assert_eq!((&now["source"], &now["leftBehind"]), (&json!(ELSEWHERE), &Value::Null));
    // And back: what has taken its place does not let in from there.
    moves_to(&world, HERE).await;
    assert_eq!(window(&world).await["leftBehind"]["address"], HERE);
    let wrong = world.run(&["extend", "web-01", "--from-here", "--for", "1h"]).await;
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_asks_anew_where_what_is_open_does_not_let_in_from_here_and_once_only() {
    let world = World::new().await;
    opens(&world, &[]).await;
    moves_to(&world, ELSEWHERE).await;
    assert_eq!(opens(&world, &[]).await["source"], ELSEWHERE);
    assert_eq!(opens(&world, &[]).await["source"], ELSEWHERE);
    assert_eq!(world.control().requests("/initiate").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_lets_one_address_in_whatever_azure_does_with_older_requests_and_what_it_keeps_is_told() {
    for (replaces, kept) in [("vm-port", false), ("requestor", false), ("source", true)] {
        let world = World::new().await;
        world.control().post("switches", json!({ "newerRequestReplaces": replaces })).await;
        opens(&world, &[]).await;
        moves_to(&world, ELSEWHERE).await;
        let extended = world.run(&["extend", "web-01", "--from-here", "--json"]).await;
        assert_eq!(extended.code, 0, "{replaces}: {}", extended.stderr);
        until("the port is open from here", async || world.is_open("web-01").await).await;
        let both = vec![vec![ELSEWHERE.to_owned()], vec![HERE.to_owned()]];
        let expected = if kept { both } else { vec![vec![ELSEWHERE.to_owned()]] };
        until("the rules are these alone", async || admitted(&world, "web-01").await == expected).await;
        let told = window(&world).await;
        let beside = told["beside"].as_str().unwrap_or_default();
        assert_eq!(beside.starts_with("Azure keeps it open from 203.0.113.24, too, until"), kept, "{replaces}: {told}");
        // Where the first is still open, nothing is left behind there.
        moves_to(&world, HERE).await;
        assert_eq!(window(&world).await["leftBehind"].is_null(), kept, "{replaces}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_set_so_a_look_at_what_is_open_asks_from_the_new_address_at_once() {
    let world = World::new().await;
    world.write_settings(REQUEST_AT_ONCE);
    let mut host = world.ajar(&["status", "--watch", "--json"]).spawn().expect("ajar starts");
    let before = opens(&world, &["--for", "40m"]).await;
    moves_to(&world, ELSEWHERE).await;
    let asked = Instant::now();
    drop(world.run(&["status", "--json"]).await);
    until("access is asked for", async || world.control().requests("/initiate").await.len() == 2).await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    until("it is granted", async || window(&world).await["source"] == ELSEWHERE).await;
    assert_eq!(window(&world).await["endTimeUtc"], before["endTimeUtc"]);
    host.kill().await.expect("it can be ended");
}

/// The system itself tells: the test is run once more in a network of its own, where addresses may be added.
#[cfg(target_os = "linux")]
#[test]
fn another_address_of_this_machine_makes_the_running_ajar_ask_within_five_seconds() {
    const NAME: &str = "network::another_address_of_this_machine_makes_the_running_ajar_ask_within_five_seconds";
    if crate::own_network::is_inside(NAME) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(asks_after_an_event());
    }
}

#[cfg(target_os = "linux")]
async fn asks_after_an_event() {
    let world = World::new().await;
    world.write_settings(REQUEST_AT_ONCE);
    let mut host = world.ajar(&["status", "--watch", "--json"]).spawn().expect("ajar starts");
    let before = opens(&world, &["--for", "40m"]).await;
    moves_to(&world, ELSEWHERE).await;
    assert_eq!(world.control().requests("/initiate").await.len(), 1, "nobody has told yet");
    let moved = Instant::now();
    crate::own_network::ip("address add 10.99.0.7/32 dev lo");
    until("access is asked for", async || world.control().requests("/initiate").await.len() == 2).await;
    assert!(moved.elapsed() < Duration::from_secs(5), "{:?}", moved.elapsed());
    until("it is granted", async || window(&world).await["source"] == ELSEWHERE).await;
    assert_eq!(window(&world).await["endTimeUtc"], before["endTimeUtc"]);
    host.kill().await.expect("it can be ended");
}
