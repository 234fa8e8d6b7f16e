//! `ajar` is killed (`kill -9`) at every moment of an attempt that something has happened in, and the next one goes on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{Ended, Request, World, until};

/// So many moments of an attempt: after each of its first calls.
const MOMENTS: usize = 12;

const CONNECT: [&str; 4] = ["connect", "web-01", "--no-launch", "--json"];

/// A request that was noted and has not arrived is looked for for 135 seconds before another is sent.
const LONG: Duration = Duration::from_mins(5);

/// How many calls have been made and have had their effect, tokens among them. Of a request for access that counts as soon as it has:
/// its answer may still be on its way. None while one is there that has not: the simulator forgets what nobody waits for.
async fn calls(world: &World) -> Option<usize> {
    let all = world.control().journal().await;
    let is_under_way = |call: &&Request| call.path.ends_with("/initiate") && call.applied_at.is_none();
    let is_done = |call: &&Request| call.ended_at.is_some() || call.applied_at.is_some();
    (!all.iter().any(|call| is_under_way(&call))).then(|| all.iter().filter(is_done).count())
}

/// The requests for access that Azure has granted, and how many windows are open by them.
async fn granted(world: &World) -> usize {
    let all = world.control().requests("/initiate").await;
    all.iter().filter(|request| request.applied_at.is_some()).count()
}

fn file(world: &World, name: &str) -> String {
    std::fs::read_to_string(world.folder.path().join(name)).unwrap_or_default()
}

async fn windows(world: &World) -> Vec<Value> {
    let status = world.run(&["status", "--json"]).await;
    assert_eq!(status.code, 0, "{}", status.stderr);
    serde_json::from_str(&status.stdout).unwrap_or_else(|error| panic!("{error}: {}", status.stdout))
}

/// Kills an attempt as soon as so many calls are done; whether there was something left to kill.
async fn killed_after(world: &World, moment: usize) -> bool {
    let mut host = world.ajar(&CONNECT).spawn().expect("ajar starts");
    until("so much has happened, or all", async || {
        calls(world).await.is_some_and(|calls| calls >= moment) || host.try_wait().is_ok_and(|status| status.is_some())
    })
    .await;
    let was_there = host.try_wait().expect("it can be waited for").is_none();
    host.kill().await.ok();
    was_there
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_ajar_is_killed_the_next_one_shows_what_is_open_and_brings_it_to_its_end_with_one_request() {
    let mut killed = 0;
    for moment in 1..=MOMENTS {
        let world = World::new().await;
        killed += usize::from(killed_after(&world, moment).await);
        // What Azure had granted by then is shown as asked for here, whatever the killed one has heard of it.
        let before = granted(&world).await;
        let open = windows(&world).await;
        // It may be at a request that the killed one has sent.
        let after = granted(&world).await;
        assert!((before..=after).contains(&open.len()), "moment {moment}, {before} to {after} granted: {open:?}");
        assert!(open.iter().all(|window| window["openedBy"].is_null()), "moment {moment}: {open:?}");

        let next = world.ajar(&CONNECT).spawn().expect("ajar starts").wait_with_output();
        let next = tokio::time::timeout(LONG, next).await.expect("it ends").expect("it ran");
        let ended = Ended::from(next);
        assert_eq!(ended.last_event()["event"], "connected", "moment {moment}: {}", ended.stderr);
        assert_eq!(granted(&world).await, 1, "moment {moment}: one request is enough");
        assert_eq!(windows(&world).await.len(), 1, "moment {moment}");
        let state: Value = serde_json::from_str(&file(&world, "state.json")).expect("state.json is whole");
        assert_eq!(state["unsettled"], json!({}), "moment {moment}: {state}");
        let journal = file(&world, "journal.jsonl");
        let lines: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).expect("a whole line")).collect();
        assert_eq!(
            lines.last().map(|line| line["result"].clone()),
            Some(json!("connected")),
            "moment {moment}: {journal}"
        );
    }
    assert!(killed >= MOMENTS / 2, "it was killed in the midst of it {killed} times");
}
