//! `ajar connect` and `ajar extend` for several favourites at once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{Ended, World};

const NAMES: [&str; 3] = ["web-01", "db-replica-3", "jump-eu"];

/// What is told of each favourite's end.
fn ends(ran: &Ended) -> BTreeSet<(String, String)> {
    let events = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event a line"));
    let is_end = |event: &Value| ["connected", "extended", "failed"].iter().any(|end| event["event"] == **end);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    events.filter(is_end).map(|event| (text(&event["name"]), text(&event["event"]))).collect()
}

fn all(event: &str) -> BTreeSet<(String, String)> {
    NAMES.iter().map(|name| ((*name).to_owned(), event.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn favourites_of_one_policy_are_opened_and_extended_by_one_request() {
    let world = World::new().await;
    let opened = world.run(&[&["connect"], &NAMES[..], &["--no-launch", "--json", "--for", "30m"]].concat()).await;
    assert_eq!((opened.code, ends(&opened)), (0, all("connected")), "{}", opened.stderr);
    assert_eq!(world.control().requests("/initiate").await.len(), 2, "two policies guard the three");
    world.control().forget_journal().await;
    let extended = world.run(&[&["extend"], &NAMES[..], &["--for", "2h", "--json"]].concat()).await;
    assert_eq!((extended.code, ends(&extended)), (0, all("extended")), "{}", extended.stderr);
    assert_eq!(world.control().requests("/initiate").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_of_them_is_refused_keeps_none_of_the_others_shut() {
    let world = World::new().await;
    let opened = world.run(&["connect", "web-01", "db-replica-3", "locked-01", "--no-launch"]).await;
    assert_eq!(opened.code, 4, "{}", opened.stderr);
    for part in ["web-01 is open", "db-replica-3 is open", "may see locked-01", "2 of 3 worked."] {
        assert!(opened.stderr.contains(part), "{}", opened.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_azure_refuses_what_several_ask_each_asks_by_itself() {
    for fault in [json!({ "fault": "forbidden" }), json!({ "fault": "conflict" })] {
        let world = World::new().await;
        world.control().fault("POST", "*/initiate", fault.clone()).await;
        let opened = world.run(&["connect", "web-01", "db-replica-3", "--no-launch"]).await;
        assert_eq!(opened.code, 0, "{fault}: {}", opened.stderr);
        assert_eq!(world.control().requests("/initiate").await.len(), 3, "{fault}: one for both, then one for each");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_several_that_is_lost_is_looked_for_and_nothing_asked_twice() {
    let world = World::new().await;
    world.control().fault("POST", "*/initiate", json!({ "fault": "resetAfter" })).await;
    let opened = world.run(&["connect", "web-01", "db-replica-3", "--no-launch"]).await;
    assert_eq!(opened.code, 0, "{}", opened.stderr);
    assert_eq!(world.control().requests("/initiate").await.len(), 1);
}

/// A VM with two guarded ports, and one beside it.
const TWO_PORTS: &str = r#"
[[subscriptions]]
id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
name = "Two"

[[vms]]
name = "db"
resource_group = "rg"
policy = "default"
ports = [{ number = 22, jit = {} }, { number = 5432, jit = {} }]

[[vms]]
name = "web"
resource_group = "rg"
policy = "default"
ports = [{ number = 22, jit = {} }]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn ports_of_one_vm_go_in_one_request_with_the_others_and_by_themselves_one_after_the_other() {
    for (fault, requests) in [(None, 1), (Some(json!({ "fault": "conflict" })), 4)] {
        let world = World::with_fleet(TWO_PORTS).await;
        let vm = world.vm("db").id.clone();
        let added = world.run(&["add", "pg", "--vm", &vm, "--protocol", "port", "--port", "5432"]).await;
        assert_eq!(added.code, 0, "{}", added.stderr);
        if let Some(fault) = &fault {
            world.control().fault("POST", "*/initiate", fault.clone()).await;
        }
        let opened = world.run(&["connect", "db", "pg", "web", "--no-launch", "--json"]).await;
        assert_eq!((opened.code, ends(&opened).len()), (0, 3), "{}{}", opened.stdout, opened.stderr);
        assert_eq!(world.control().requests("/initiate").await.len(), requests, "{fault:?}");
        let open = world.run(&["status", "--json"]).await.stdout;
        let open: Value = serde_json::from_str(&open).expect("JSON");
        let windows = open.as_array().expect("windows").iter();
        let mut windows: Vec<_> = windows.map(|one| (one["name"].as_str(), one["port"].as_u64())).collect();
        windows.sort_unstable();
        assert_eq!(windows, [(Some("db"), Some(22)), (Some("pg"), Some(5432)), (Some("web"), Some(22))], "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_favourites_of_one_port_the_longer_wish_is_asked_for() {
    let world = World::with_fleet(TWO_PORTS).await;
    let vm = world.vm("db").id.clone();
    assert_eq!(world.run(&["add", "long", "--vm", &vm, "--port", "22", "--for", "2h"]).await.code, 0);
    assert_eq!(world.run(&["edit", "db", "--for", "30m"]).await.code, 0);
    let minutes = async || {
        let open: Value = serde_json::from_str(&world.run(&["status", "--json"]).await.stdout).expect("JSON");
        let time =
            |key: &str| chrono::DateTime::parse_from_rfc3339(open[0][key].as_str().expect("a time")).expect("one");
        (time("endTimeUtc") - time("startTimeUtc")).num_minutes()
    };
    assert_eq!(world.run(&["connect", "db", "--no-launch"]).await.code, 0);
    assert!((29..=30).contains(&minutes().await), "{}", minutes().await);
    assert_eq!(world.run(&["extend", "db", "long"]).await.code, 0);
    assert!((118..=120).contains(&minutes().await), "{}", minutes().await);
    assert_eq!(world.control().requests("/initiate").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_two_favourites_lead_to_is_told_of_once() {
    let world = World::with_fleet(TWO_PORTS).await;
    let vm = world.vm("db").id.clone();
    assert_eq!(world.run(&["add", "other", "--vm", &vm, "--port", "22", "--renew-up-to", "8h"]).await.code, 0);
    for name in ["other", "db"] {
        assert_eq!(world.run(&["connect", name, "--no-launch"]).await.code, 0);
        let open: Value = serde_json::from_str(&world.run(&["status", "--json"]).await.stdout).expect("JSON");
        assert_eq!(open.as_array().map(Vec::len), Some(1), "{open}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_for_another_port_than_a_favourites_has_the_name_of_the_vm_and_opens_nothing() {
    let world = World::with_fleet(TWO_PORTS).await;
    let vm = world.vm("db").id.clone();
    assert_eq!(world.run(&["add", "pg", "--vm", &vm, "--protocol", "port", "--port", "5432"]).await.code, 0);
    assert_eq!(world.run(&["connect", "db", "--no-launch"]).await.code, 0);
    assert_eq!(world.run(&["remove", "db"]).await.code, 0);
    let open: Value = serde_json::from_str(&world.run(&["status", "--json"]).await.stdout).expect("JSON");
    assert_eq!((&open[0]["name"], &open[0]["port"], open[1].is_null()), (&"db".into(), &22.into(), true), "{open}");
    let listed: Value = serde_json::from_str(&world.run(&["list", "--json"]).await.stdout).expect("JSON");
    let pg = listed.as_array().expect("favourites").iter().find(|one| one["name"] == "pg").expect("it is there");
    assert_ne!(pg["state"], "open", "{pg}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_opened_with_the_folders_in_it() {
    let world = World::new().await;
    for (name, folder) in [("web-01", "Shop"), ("db-replica-3", "Shop/Data"), ("jump-eu", "Net")] {
        assert_eq!(world.run(&["edit", name, "--folder", folder]).await.code, 0);
    }
    let opened = world.run(&["connect", "--folder", "Shop", "--no-launch", "--json"]).await;
    let names: Vec<_> = ends(&opened).into_iter().map(|(name, _)| name).collect();
    assert_eq!((opened.code, names), (0, vec!["db-replica-3".into(), "web-01".into()]), "{}", opened.stderr);
    assert_eq!(world.control().requests("/initiate").await.len(), 1);
    let unknown = world.run(&["connect", "--folder", "Shup", "--no-launch"]).await;
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("there are “Net”, “Shop”, “Shop/Data”"), "{}", unknown.stderr);
    // What another Ajar has opened is found, too, and what is shut is passed over.
    std::fs::remove_file(world.folder.path().join("state.json")).expect("it remembers");
    assert_eq!(world.run(&["edit", "gpu-lab", "--folder", "Shop"]).await.code, 0);
    let extended = world.run(&["extend", "--folder", "Shop", "--for", "3h", "--json"]).await;
    assert_eq!(extended.code, 0, "{}{}", extended.stdout, extended.stderr);
    assert_eq!(ends(&extended).len(), 2, "{}", extended.stdout);
    let nothing_open = world.run(&["extend", "--folder", "Net"]).await;
    assert_eq!(nothing_open.code, 1, "{}", nothing_open.stderr);
    let with_command = world.run(&["connect", "web-01", "jump-eu", "--", "uptime"]).await;
    assert_eq!((with_command.code, with_command.stdout), (2, String::new()), "{}", with_command.stderr);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_one_reason_is_asked_for_all_that_want_one() {
    let world = World::new().await;
    for name in ["web-01", "db-replica-3"] {
        let edited = world.run(&["edit", name, "--ask-justification", "yes", "--justification", "daily"]).await;
        assert_eq!(edited.code, 0, "{}", edited.stderr);
    }
    let inner = world.ajar(&["connect", "web-01", "db-replica-3", "jump-eu", "--no-launch"]);
    let ended = crate::terminal::at_a_terminal(&inner, "dumb", "patching\n").await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert_eq!(ended.stdout.matches("Why is").count(), 1, "{}", ended.stdout);
    let history = world.run(&["history", "--format", "json"]).await.stdout;
    let openings: Value = serde_json::from_str(&history).expect("JSON");
    let reasons: Vec<_> =
        openings.as_array().expect("openings").iter().filter(|one| one["reason"] == "patching").collect();
    assert_eq!(reasons.len(), 2, "{openings:#}");
    // Nobody is there to be asked.
    let alone = world.run(&["extend", "web-01", "db-replica-3", "--for", "3h"]).await;
    assert!(alone.code == 2 && alone.stderr.contains("wants a reason"), "{}", alone.stderr);
}
