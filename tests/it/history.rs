//! `ajar history`: what was opened, as people and other programs read it.

use serde_json::Value;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn each_opening_is_told_with_its_reason_source_end_and_result() {
    let world = World::new().await;
    let empty = world.run(&["history"]).await;
    assert_eq!((empty.code, empty.stdout.as_str(), empty.stderr.as_str()), (0, "", "Nothing has been opened yet.\n"));
    let heading = world.run(&["history", "--format", "csv"]).await.stdout;
    let opened = world.run(&["connect", "web-01", "--no-launch", "--json", "--reason", "ticket 7, \"urgent\""]).await;
    let end = opened.last_event()["window"]["endTimeUtc"].clone();
    world.run(&["connect", "locked-01", "--no-launch"]).await;
    // Through an open door: nothing was asked for, and nothing is told.
    world.ajar(&["proxy", "web-01", "22"]).output().await.expect("ajar runs");

    let told = world.run(&["history", "--format", "json"]).await;
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    let all = told.as_array().expect("an array");
    assert_eq!(all.len(), 2, "{told}");
    let (web, locked) = (&all[0], &all[1]);
    for (member, value) in [
        ("name", Value::from("web-01")),
        ("vm", Value::from(world.vm("web-01").id.as_str())),
        ("port", 22.into()),
        ("account", "environment".into()),
        ("reason", "ticket 7, \"urgent\"".into()),
        ("result", "connected".into()),
        ("code", Value::Null),
        ("requested", true.into()),
        ("started", true.into()),
        ("endTimeUtc", end),
    ] {
        assert_eq!(web[member], value, "{member}");
    }
    assert!(web["source"].is_string() && web["elapsedMs"].is_u64(), "{web}");
    assert_eq!((&locked["result"], &locked["code"]), (&"failed".into(), &"accessDenied".into()), "{locked}");

    let table = world.run(&["history", "WEB-01"]).await.stdout;
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[0].starts_with("WHEN") && lines[1].contains("opened, VM started"), "{table}");
    let csv = world.run(&["history", "--format", "csv"]).await.stdout;
    let rows: Vec<_> = csv.lines().collect();
    assert_eq!(rows.len(), 3, "{csv}");
    assert_eq!(format!("{}\n", rows[0]), heading, "also where there is nothing");
    assert!(rows[0].starts_with("at,name,vm,port,") && rows[1].contains("\"ticket 7, \"\"urgent\"\"\""), "{csv}");
}
