//! What is left of a network change when a host ends, is killed, or is late.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use ajar_core::attempt::InitiateFailure;
use ajar_core::failure::Failure;
use ajar_core::network::OnNewAddress;
use ajar_core::protocol::{Connect, Request};
use ajar_core::snapshot::{OutcomeView, Snapshot};
use chrono::TimeDelta;

use super::network::{ELSEWHERE, left, while_nothing_happens};
use super::{Running, connect, name};
use crate::world::{Call, SOURCE, World, vm};

fn sources(world: &World) -> Vec<String> {
    world.asked_from().into_iter().map(|(source, _)| source).collect()
}

async fn refreshed(running: &Running) -> Arc<Snapshot> {
    running.done(Request::Refresh).await;
    running.until(|snapshot| !snapshot.refreshing).await
}

/// A host was killed that had asked for access from there, whose answer it has not heard.
fn killed_host(world: &World, source: Ipv4Addr, is_source_named: bool) {
    let key = format!("fake{}:22", vm("web").to_string().to_lowercase());
    let sent = serde_json::json!({ "at": world.azure_now(), "source": source, "isSourceNamed": is_source_named });
    world.write("state.json", &serde_json::json!({ "unsettled": { key: sent } }).to_string());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_has_not_left_is_not_sent_for_an_address_that_was_left() {
    let world = World::with(&["web", "db"]);
    world.takes(Call::Token, 20);
    let running = Running::start(&world);
    let number = running.connect("web").await;
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Token)).await;
    // Another attempt finds out where this machine is now.
    world.scene().address = ELSEWHERE;
    running.connect("db").await;
    let view = running.ended(number).await;
    assert!(matches!(view.outcome, Some(OutcomeView::Connected(_))), "{view:#?}");
    let asked = sources(&world);
    assert!(!asked.is_empty() && asked.iter().all(|source| *source == ELSEWHERE.to_string()), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_killed_hosts_request_from_another_address_is_not_waited_for() {
    for (source, waits) in [(ELSEWHERE, false), (SOURCE, true)] {
        let world = World::with(&["web"]);
        killed_host(&world, source, false);
        let running = Running::start(&world);
        running.connected("web").await;
        let asked = world.first(Call::Initiate).unwrap();
        assert_eq!(asked > Duration::from_mins(2), waits, "{source}: {asked:?}");
        assert_eq!(sources(&world), [SOURCE.to_string()]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_was_named_is_known_as_that_also_after_a_host_was_killed_before_the_answer() {
    for is_source_named in [true, false] {
        let world = World::with(&["web"]);
        killed_host(&world, ELSEWHERE, is_source_named);
        let request = world.request(&vm("web"), ELSEWHERE, world.azure_now() + TimeDelta::hours(1), "me");
        world.scene().requests.push(request);
        let running = Running::start(&world);
        // The first finds the window, the second where this machine is.
        refreshed(&running).await;
        let snapshot = refreshed(&running).await;
        assert_eq!(snapshot.windows.len(), 1);
        assert_eq!(left(&snapshot).is_none(), is_source_named, "{:#?}", snapshot.windows);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_once_from_an_address_is_not_asked_for_again_by_the_next_host() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.sets(OnNewAddress::Request).await;
    running.connected("web").await;
    let refused = Failure::RequestRefused { azure_code: "No".into(), azure_message: String::new() };
    world.scene().initiate.push_back((InitiateFailure::Refused(refused.into()), false));
    world.moves_to(ELSEWHERE);
    let failed =
        |snapshot: &Snapshot| snapshot.attempts.iter().any(|one| matches!(one.outcome, Some(OutcomeView::Failed(_))));
    running.until(failed).await;
    running.end().await;
    let next = Running::start(&world);
    let snapshot = refreshed(&next).await;
    assert!(left(&snapshot).is_some());
    while_nothing_happens().await;
    assert_eq!(world.count(Call::Initiate), 2, "once for each address");
    world.moves_to(Ipv4Addr::new(192, 0, 2, 4));
    world.until(|scene| scene.requests.len() == 2).await;
}

#[tokio::test(start_paused = true)]
async fn the_reason_for_more_time_goes_along_to_another_address() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.sets(OnNewAddress::Request).await;
    let number =
        running.asks(Connect { reason: Some("patch day".into()), seconds: Some(1_800), ..connect("web") }).await;
    running.ended(number).await;
    let more = Connect { reason: Some("it takes longer".into()), ..Connect::more_time(name("web")) };
    let number = running.asks(more).await;
    assert!(matches!(running.ended(number).await.outcome, Some(OutcomeView::Extended(_))));
    world.moves_to(ELSEWHERE);
    running.until(|snapshot| snapshot.windows[0].source == ELSEWHERE.to_string()).await;
    assert_eq!(world.read("journal.jsonl").matches("it takes longer").count(), 2, "{}", world.read("journal.jsonl"));
}

#[tokio::test(start_paused = true)]
async fn what_is_granted_after_its_attempt_was_given_up_is_in_the_journal() {
    let world = World::with(&["web"]);
    world.takes(Call::Initiate, 10);
    let running = Running::start(&world);
    running.connect("web").await;
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Initiate)).await;
    running.done(Request::Cancel { name: name("web") }).await;
    running.done(Request::Dismiss { name: name("web") }).await;
    running.until(|snapshot| !snapshot.windows.is_empty()).await;
    running.end().await;
    let journal = world.read("journal.jsonl");
    let lines: Vec<serde_json::Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let results: Vec<_> = lines.iter().map(|line| line["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["cancelled", "granted"], "{journal}");
    assert_eq!((&lines[1]["source"], &lines[1]["requested"]), (&SOURCE.to_string().into(), &true.into()));
    assert!(lines[1]["endTimeUtc"].is_string());
}

#[tokio::test(start_paused = true)]
async fn of_two_windows_of_one_door_both_are_known_as_asked_for_here_after_a_restart() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.sets(OnNewAddress::Request).await;
    running.connected("web").await;
    world.moves_to(ELSEWHERE);
    running.until(|snapshot| snapshot.windows[0].beside.is_some()).await;
    running.end().await;
    // Back where the first was asked for: that is what is shown, and it is nobody else's.
    world.scene().address = SOURCE;
    let next = Running::start(&world);
    let snapshot = refreshed(&next).await;
    assert_eq!((snapshot.windows.len(), left(&snapshot)), (1, None));
    let window = &snapshot.windows[0];
    assert_eq!((window.source.as_str(), window.opened_by.as_deref()), ("203.0.113.24", None));
    assert!(window.beside.is_some(), "{window:#?}");
    assert_eq!(world.count(Call::Initiate), 2);
}
