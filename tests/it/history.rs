//! `ajar history`: what was opened, as people and other programs read it.

use serde_json::Value;

use crate::world::{Ended, World, ajar};

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

#[tokio::test(flavor = "multi_thread")]
async fn azure_tells_what_was_done_to_a_vm_elsewhere_beside_what_was_done_here() {
    let world = World::new().await;
    let nothing = world.run(&["history", "web-01", "--azure"]).await;
    assert_eq!((nothing.code, nothing.stdout.as_str()), (0, ""), "{}", nothing.stderr);
    assert!(nothing.stderr.starts_with("Azure’s Activity Log has nothing of web-01 since "), "{}", nothing.stderr);

    world.run(&["connect", "web-01", "--no-launch"]).await;
    // Somebody else, at another machine.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let settings = std::fs::read(world.folder.path().join("config.toml")).expect("the settings");
    std::fs::write(elsewhere.path().join("config.toml"), settings).expect("it is written");
    let announced = world.simulator.announce();
    let mut stop = ajar(elsewhere.path(), &["stop", "web-01", "--yes"]);
    stop.env("AZURE_TENANT_ID", announced.tenant_id.to_string())
        .env("AZURE_CLIENT_ID", announced.client_id.to_string());
    let stop = stop.env("AZURE_CLIENT_SECRET", &announced.client_secret).spawn().expect("ajar starts");
    let stopped = Ended::of(stop).await;
    assert_eq!(stopped.code, 0, "{}", stopped.stderr);

    let told = world.run(&["history", "web-01", "--azure", "--format", "json"]).await;
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    let seen: Vec<_> = told
        .as_array()
        .expect("an array")
        .iter()
        .map(|one| {
            (
                one["what"].as_str().unwrap_or_default(),
                one["result"].as_str().unwrap_or_default(),
                one["isInJournal"] == true,
            )
        })
        .collect();
    assert_eq!(seen.len(), 3, "{told}");
    assert_eq!(seen[0], ("deallocated the VM", "succeeded", false), "{told}");
    // Both are begun at the same time.
    assert!(seen[1..].contains(&("started the VM", "succeeded", true)), "{told}");
    assert!(seen[1..].contains(&("requested access", "accepted", true)), "{told}");
    assert_eq!(told[0]["caller"], announced.client_id.to_string());

    let table = world.run(&["history", "web-01", "--azure", "--days", "1"]).await;
    assert!(table.stdout.starts_with("WHEN") && table.stdout.contains("here"), "{}", table.stdout);
    assert!(
        table.stderr.contains("has 3 changes of web-01") && table.stderr.contains("1 of them not"),
        "{}",
        table.stderr
    );
    let csv = world.run(&["history", "web-01", "--azure", "--format", "csv"]).await.stdout;
    assert!(csv.starts_with("at,when,action,what,caller,source,result,isInJournal\n"), "{csv}");
    let deny = serde_json::json!({ "action": "Microsoft.Insights/eventtypes/values/read", "allowed": false });
    world.control().post("rights", deny).await;
    let refused = world.run(&["history", "web-01", "--azure"]).await;
    assert!(
        refused.code == 4 && refused.stderr.contains("may not read what Azure’s Activity Log tells of web-01"),
        "{}",
        refused.stderr
    );
    for wrong in [&["history", "--azure"][..], &["history", "web-01", "--azure", "--days", "91"]] {
        assert_eq!(world.run(wrong).await.code, 2, "{wrong:?}");
    }
}
