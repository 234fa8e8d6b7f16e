//! `ajar extend`: more time for what is open.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::world::World;

fn end(event: &Value) -> DateTime<Utc> {
    event["window"]["endTimeUtc"].as_str().expect("an end").parse().expect("a time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_lasts_longer_by_one_request_and_the_vm_is_left_alone() {
    let world = World::new().await;
    let closed = world.run(&["extend", "web-01"]).await;
    assert_eq!(closed.code, 1, "{}", closed.stdout);
    assert!(closed.stderr.contains("web-01 is not open to this machine"), "{}", closed.stderr);
    assert_eq!(world.control().requests("/initiate").await.len(), 0, "nothing is opened by it");

    let opened = world.run(&["connect", "web-01", "--no-launch", "--json", "--for", "30m"]).await;
    let before = end(&opened.last_event());
    world.control().forget_journal().await;
    let extended = world.run(&["extend", "web-01", "--for", "2h", "--json", "--reason", "not done yet"]).await;
    let event = extended.last_event();
    assert_eq!((extended.code, &event["event"]), (0, &json!("extended")), "{}", extended.stderr);
    let by = end(&event) - before;
    assert!((TimeDelta::minutes(85)..TimeDelta::minutes(92)).contains(&by), "{by}");
    let steps: Vec<_> = event["steps"].as_array().expect("steps").iter().map(|step| step["step"].clone()).collect();
    assert_eq!(steps, ["source", "policy", "access"]);
    assert_eq!(world.control().requests("/initiate").await.len(), 1);
    assert_eq!(world.control().requests("/virtualMachines/").await.len(), 0);

    // Less than there is: nothing is asked, and the end is told.
    let shorter = world.run(&["extend", "web-01", "--for", "1h"]).await;
    assert_eq!(shorter.code, 0, "{}", shorter.stderr);
    assert!(shorter.stderr.contains("web-01 is open to new connections until"), "{}", shorter.stderr);
    assert_eq!(world.control().requests("/initiate").await.len(), 1);

    let status = world.run(&["status", "--json"]).await;
    let windows: Value = serde_json::from_str(&status.stdout).expect("JSON");
    let ends: Vec<_> = windows.as_array().expect("windows").iter().map(|window| window["endTimeUtc"].clone()).collect();
    assert_eq!(ends, [event["window"]["endTimeUtc"].clone()], "{windows}");
    let history = world.run(&["history"]).await.stdout;
    assert!(history.contains("extended") && history.contains("not done yet"), "{history}");
}
