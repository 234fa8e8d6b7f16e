//! `ajar doctor`: the whole way to a VM is looked at, and nothing is changed.

use serde_json::{Value, json};

use crate::world::World;

async fn diagnosis(world: &World, name: &str) -> (u8, Value) {
    let told = world.run(&["doctor", name, "--json"]).await;
    let value =
        serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", told.stdout, told.stderr));
    (told.code.try_into().expect("an exit code"), value)
}

fn state<'v>(diagnosis: &'v Value, check: &str) -> &'v str {
    let checks = diagnosis["checks"].as_array().expect("checks");
    let found = checks.iter().find(|one| one["check"] == check);
    found.and_then(|one| one["state"].as_str()).unwrap_or_else(|| panic!("no {check}: {diagnosis:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_opening_would_do_is_told_and_none_of_it_is_done() {
    let world = World::new().await;
    let told = world.run(&["doctor", "web-01"]).await;
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    for part in ["deallocated, Linux", "“default” admits port 22", "ask for access to port 22", "and start the VM."]
    {
        assert!(told.stdout.contains(part), "no {part}: {}", told.stdout);
    }
    let writes = world.control().requests("").await.into_iter().filter(|request| request.method != "GET");
    let writes: Vec<_> = writes.filter(|request| !request.path.contains("oauth2")).collect();
    assert!(writes.is_empty(), "{writes:#?}");
    assert_eq!(world.run(&["connect", "web-01", "--no-launch"]).await.code, 0);
    let (code, open) = diagnosis(&world, "web-01").await;
    assert_eq!((code, state(&open, "access"), state(&open, "port")), (0, "passed", "passed"));
    // Another network, and nobody there knows of the access that this one has.
    world.control().post("address", json!({ "publicIp": "198.51.100.77" })).await;
    let told = world.run(&["doctor", "web-01"]).await;
    assert!(told.stdout.contains("but not from 198.51.100.77"), "{}", told.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_ends_it_as_it_would_end_an_opening() {
    let world = World::new().await;
    for (name, code, failure, check) in
        [("legacy-box", 4, "noPolicy", "policy"), ("private-only", 1, "noPublicAddress", "address")]
    {
        let (told, diagnosis) = diagnosis(&world, name).await;
        assert_eq!((told, &diagnosis["failure"]["code"]), (code, &json!(failure)), "{diagnosis:#}");
        assert_eq!(state(&diagnosis, check), "failed");
        let opened = world.run(&["connect", name, "--no-launch", "--json"]).await;
        assert_eq!((opened.code, &opened.last_event()["code"]), (i32::from(code), &json!(failure)));
    }
    let unknown = world.run(&["doctor", "nobody"]).await;
    assert_eq!((unknown.code, unknown.stdout.as_str()), (2, ""), "{}", unknown.stderr);
}
