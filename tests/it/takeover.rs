//! One engine, many faces: what happens when the host goes away.

use serde_json::json;

use crate::world::{Ended, World};

#[tokio::test(flavor = "multi_thread")]
async fn when_the_host_is_killed_in_the_middle_the_other_face_finishes_without_a_second_request() {
    let world = World::new().await;
    // The answer to the request takes for ever: the host dies with it unanswered.
    world.control().fault("POST", "*/initiate", json!({ "fault": "slow", "seconds": 3600, "times": 1 })).await;
    let args = ["connect", "web-01", "--no-launch", "--json"];
    let mut host = world.ajar(&args).spawn().expect("ajar starts");
    world.control().seen("/initiate").await;

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
