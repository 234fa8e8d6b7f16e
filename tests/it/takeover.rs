//! One engine, many faces: what happens when the host goes away.

use azure_sim::Options;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[cfg(unix)]
use crate::world::interrupt;
use crate::world::{Ended, LIMIT, World};

#[tokio::test(flavor = "multi_thread")]
async fn when_the_host_is_killed_in_the_middle_the_other_face_finishes_without_a_second_request() {
    let world = World::new().await;
    // The answer to the request takes for ever: the host dies with it unanswered.
    world.control().fault("POST", "*/initiate", json!({ "fault": "slow", "seconds": 3600, "times": 1 })).await;
    let args = ["connect", "web-01", "--no-launch", "--json"];
    let mut host = world.ajar(&args).spawn().expect("ajar starts");
    world.control().applied("/initiate").await;

    let other = world.ajar(&args).spawn().expect("ajar starts");
    shares_the_attempt(&world).await;
    host.kill().await.expect("the host can be killed");

    let ended = Ended::of(other).await;
    assert_eq!(ended.last_event()["event"], "connected", "{}", ended.stderr);
    assert_eq!(world.control().requests("/initiate").await.len(), 1);
}

/// Waits until a third face sees the attempt under way, so that the second has had its turn too.
async fn shares_the_attempt(world: &World) {
    let listed = world.run(&["list", "web-01", "--json"]).await;
    assert!(listed.stdout.contains("connecting"), "{listed:?}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn when_the_host_ends_in_order_the_other_face_finishes_without_a_second_request() {
    let world = World::new().await;
    // The host has something to wait for that is not the other's: when it is cancelled, the other's goes on.
    world.control().fault("GET", "*/jump-eu", json!({ "fault": "slow", "seconds": 3600, "times": null })).await;
    let host = world.ajar(&["connect", "jump-eu", "--no-launch", "--json"]).spawn().expect("ajar starts");
    world.control().seen("/jump-eu").await;
    world.control().fault("POST", "*/web-01/start", json!({ "fault": "slow", "seconds": 3600, "times": 1 })).await;
    let other = world.ajar(&["connect", "web-01", "--no-launch", "--json"]).spawn().expect("ajar starts");
    world.control().seen("/web-01/start").await;
    interrupt(&host);

    assert_eq!(Ended::of(host).await.code, 130);
    let ended = Ended::of(other).await;
    assert_eq!(ended.last_event()["event"], "connected", "{}", ended.stderr);
    let of_web = world.vm("web-01").location.clone();
    let asked = world.control().requests("/initiate").await;
    let asked = asked.iter().filter(|request| request.path.contains(&of_web)).count();
    assert_eq!(asked, 1, "the other's own request, once");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_of_one_leaves_the_attempt_to_the_other_and_of_the_last_cancels_it() {
    let world = World::new().await;
    world.control().fault("POST", "*/web-01/start", json!({ "fault": "slow", "seconds": 3600, "times": null })).await;
    let args = ["connect", "web-01", "--no-launch", "--json"];
    // A host that has no part in it.
    let mut host = world.ajar(&["status", "--watch"]).spawn().expect("ajar starts");
    listed_as(&world, "closed").await;
    let first = world.ajar(&args).spawn().expect("ajar starts");
    world.control().seen("/web-01/start").await;
    let mut second = world.ajar(&args).spawn().expect("ajar starts");
    let mut told = BufReader::new(second.stdout.take().expect("piped")).lines();
    tokio::time::timeout(LIMIT, told.next_line()).await.expect("in time").expect("read").expect("it follows");

    interrupt(&first);
    let ended = Ended::of(first).await;
    assert_eq!((ended.code, ended.last_event()["code"].as_str()), (130, Some("left")), "{}", ended.stderr);
    assert!(ended.stderr.contains("Left opening web-01 to the others."), "{}", ended.stderr);
    listed_as(&world, "connecting").await;

    interrupt(&second);
    let ended = Ended::of(second).await;
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("Cancelled opening web-01."), "{}", ended.stderr);
    listed_as(&world, "open").await;
    host.kill().await.expect("the host can be ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_face_that_is_killed_is_no_follower_any_more() {
    let world = World::new().await;
    world
        .control()
        .fault("GET", "*/jitNetworkAccessPolicies", json!({ "fault": "slow", "seconds": 3600, "times": null }))
        .await;
    let mut host = world.ajar(&["status", "--watch"]).spawn().expect("ajar starts");
    listed_as(&world, "unknown").await;
    let mut only = world.ajar(&["connect", "web-01", "--no-launch", "--json"]).spawn().expect("ajar starts");
    let mut told = BufReader::new(only.stdout.take().expect("piped")).lines();
    tokio::time::timeout(LIMIT, told.next_line()).await.expect("in time").expect("read").expect("it follows");
    only.kill().await.expect("it can be killed");
    listed_as(&world, "unknown").await;
    host.kill().await.expect("the host can be ended");
}

/// Waits until a third face sees the favourite so.
async fn listed_as(world: &World, state: &str) {
    let listed = async {
        while !world.run(&["list", "web-01", "--json"]).await.stdout.contains(&format!("\"state\":\"{state}\"")) {}
    };
    tokio::time::timeout(LIMIT, listed).await.unwrap_or_else(|_| panic!("web-01 is never {state}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_faces_of_one_attempt_both_hear_its_end_and_nothing_is_left_unsettled() {
    // Slow enough for the second to come while the VM starts.
    let world = World::with(Options { speed: 5.0, ..Options::default() }).await;
    let args = ["connect", "web-01", "--no-launch", "--json"];
    let host = world.ajar(&args).spawn().expect("ajar starts");
    world.control().seen("/initiate").await;
    let other = world.ajar(&args).spawn().expect("ajar starts");
    shares_the_attempt(&world).await;

    for face in [host, other] {
        let ended = Ended::of(face).await;
        assert_eq!(ended.last_event()["event"], "connected", "{}", ended.stderr);
    }
    assert_eq!(world.control().requests("/initiate").await.len(), 1);
    let state = std::fs::read(world.folder.path().join("state.json")).expect("something is worth remembering");
    let state: Value = serde_json::from_slice(&state).expect("JSON");
    assert_eq!(state["unsettled"], json!({}), "{state}");
    assert_eq!(state["granted"].as_object().map(serde_json::Map::len), Some(1), "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_take_over_says_why() {
    for args in [&["status"][..], &["status", "--json"], &["status", "--watch", "--json"]] {
        // One subscription, so that a refresh lists policies once.
        let world = World::with_fleet(
            "[[subscriptions]]\nid = \"5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001\"\nname = \"Contoso\"\n\
             [[vms]]\nname = \"web-01\"\nports = [{ number = 22, jit = {} }]\n",
        )
        .await;
        let slow = json!({ "fault": "slow", "seconds": 3600, "times": null });
        world.control().fault("GET", "*/jitNetworkAccessPolicies", slow).await;
        let mut host = world.ajar(&["status", "--watch"]).spawn().expect("ajar starts");
        world.control().seen("/jitNetworkAccessPolicies").await;
        let other = world.ajar(args).spawn().expect("ajar starts");
        until_attached(&world).await;
        let file = world.folder.path().join("config.toml");
        let settings = std::fs::read_to_string(&file).expect("config.toml");
        std::fs::write(&file, settings.replace("cloud = \"sim\"", "cloud = \"nowhere\"")).expect("config.toml");
        host.kill().await.expect("the host can be killed");
        let ended = Ended::of(other).await;
        assert_eq!(ended.code, 2, "{args:?}: {ended:?}");
        assert!(ended.stderr.contains("There is no cloud called “nowhere”."), "{args:?}: {}", ended.stderr);
        if args.contains(&"--json") {
            assert_eq!(ended.last_event()["code"], "unknownCloud", "{args:?}");
        }
    }
}

/// Waits until a second process has asked the host for a refresh, which begins the readings anew.
async fn until_attached(world: &World) {
    crate::world::until("a second one reads", async || {
        world.control().requests("/jitNetworkAccessPolicies").await.len() > 1
    })
    .await;
}
