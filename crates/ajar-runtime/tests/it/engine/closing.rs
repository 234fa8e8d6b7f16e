//! The end of an engine: what is on its way to Azure is settled, if that takes no longer than somebody would wait.

use std::time::Duration;

use super::Running;
use crate::world::{Call, World};

/// An engine that is dropped when the port has answered before the request for access was.
async fn closed_before_the_answer(world: &std::sync::Arc<World>) -> serde_json::Value {
    world.scene().open_anyway = true;
    world.takes(Call::Addresses, 1);
    let running = Running::start(world);
    let view = running.connected("web").await;
    assert!(world.scene().requests.is_empty(), "the answer is not there yet: {view:#?}");
    running.end().await;
    serde_json::from_str(&world.read("state.json")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_ends_takes_in_the_answer_that_is_on_its_way() {
    let world = World::with(&["web"]);
    world.takes(Call::Initiate, 3);
    let state = closed_before_the_answer(&world).await;
    assert_eq!(state["unsettled"], serde_json::json!({}), "{state}");
    assert_eq!(state["granted"].as_object().map(serde_json::Map::len), Some(1), "{state}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_not_waited_for_long_and_left_to_the_next_engine() {
    let world = World::with(&["web"]);
    world.takes(Call::Initiate, 3_600);
    let began = tokio::time::Instant::now();
    let state = closed_before_the_answer(&world).await;
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(state["unsettled"].as_object().map(serde_json::Map::len), Some(1), "{state}");
}
