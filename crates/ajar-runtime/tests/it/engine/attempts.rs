//! From the click to the client.

use std::time::Duration;

use ajar_core::attempt::InitiateFailure;
use ajar_core::failure::Failure;
use ajar_core::profile::Profile;
use ajar_core::protocol::{Connect, Reply, Request};
use ajar_core::snapshot::{OutcomeView, ReachedView, Step, StepStatus};
use ajar_core::vm::{OsType, PowerState};
use chrono::TimeDelta;

use super::{Running, connect, find};
use crate::world::{Call, World, vm};

#[tokio::test(start_paused = true)]
async fn a_deallocated_vm_is_started_while_access_is_asked_for() {
    let world = World::with(&["web"]);
    world.scene().power = PowerState::Deallocated;
    world.takes(Call::Initiate, 5);
    world.takes(Call::Start, 30);
    let running = Running::start(&world);
    let view = running.connected("web").await;

    assert_eq!(world.count(Call::Initiate), 1);
    assert_eq!(world.count(Call::Start), 1);
    assert_eq!(world.count(Call::Launch), 1);
    let step = |step| view.steps.iter().find(|view| view.step == step).unwrap();
    let (access, start) = (step(Step::Access), step(Step::Start));
    assert!(start.started_ms < access.ended_ms, "the two overlap: {access:?} {start:?}");
    assert!(view.steps.iter().all(|step| step.status == StepStatus::Done), "{:#?}", view.steps);
    let Some(OutcomeView::Connected(ReachedView { elapsed_ms, window: Some(_), .. })) = view.outcome else {
        panic!("{view:#?}")
    };
    assert!((30_000..40_000).contains(&elapsed_ms), "as long as the longer of the two: {elapsed_ms} ms");
}

#[tokio::test(start_paused = true)]
async fn an_open_port_at_a_remembered_address_is_used_without_a_call_to_azure() {
    let world = World::with(&["web"]);
    let first = Running::start(&world);
    first.connected("web").await;
    first.end().await;
    world.scene().calls.clear();

    let second = Running::start(&world);
    second.connected("web").await;
    second.until(|snapshot| !snapshot.windows.is_empty()).await;
    let calls: Vec<_> = world.scene().calls.iter().map(|(call, _)| *call).collect();
    assert_eq!(calls, [Call::Probe, Call::Launch, Call::Policies], "the policies are read to adopt the window");
}

#[tokio::test(start_paused = true)]
async fn only_an_address_that_stays_the_vms_own_is_remembered() {
    for is_static in [true, false] {
        let world = World::with(&["web"]);
        world.scene().is_static = is_static;
        let running = Running::start(&world);
        running.connected("web").await;
        running.end().await;
        assert_eq!(world.read("state.json").contains("198.51.100.5"), is_static);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_click_shares_the_attempt_and_may_add_the_client() {
    let world = World::with(&["web"]);
    world.takes(Call::Initiate, 5);
    let running = Running::start(&world);
    let without_client = Connect { launch: false, ..connect("web") };
    let Reply::Attempt { number: first } = running.engine.ask(Request::Connect(without_client)).await else { panic!() };
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Initiate)).await;
    let second = running.connect("WEB").await;
    assert_eq!(first, second);
    running.ended(first).await;
    assert_eq!((world.count(Call::Initiate), world.count(Call::Launch)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_later_wish_is_told_of_in_the_attempt_that_all_see_but_not_when_a_new_host_is_asked_again() {
    for (again, notes) in [(false, 1), (true, 0)] {
        let world = World::with(&["web"]);
        world.scene().os = Some(OsType::Linux);
        world.takes(Call::Initiate, 5);
        let running = Running::start(&world);
        let first = running.connect("web").await;
        let wish = Connect { seconds: Some(3_600), reason: Some("deploy".into()), again, ..connect("web") };
        let Reply::Attempt { number: second } = running.engine.ask(Request::Connect(wish)).await else { panic!() };
        assert_eq!(first, second);
        assert_eq!(running.ended(first).await.notes.len(), notes);
    }
}

#[tokio::test(start_paused = true)]
async fn two_favourites_are_opened_side_by_side() {
    let world = World::with(&["web", "db"]);
    world.takes(Call::Initiate, 60 - 1);
    let running = Running::start(&world);
    let (web, db) = (running.connect("web").await, running.connect("db").await);
    running.ended(web).await;
    running.ended(db).await;
    assert_eq!(world.count(Call::Initiate), 2);
    assert!(running.snapshot().windows.len() == 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_not_answered_is_looked_for_and_not_sent_again() {
    let world = World::with(&["web"]);
    world.scene().initiate.push_back((timed_out(), true));
    let running = Running::start(&world);
    running.connected("web").await;
    assert_eq!(world.count(Call::Initiate), 1);
    assert_eq!(world.count(Call::Policies), 2, "read once before, and once to find the request");
    let snapshot = running.snapshot();
    assert_eq!(snapshot.windows[0].opened_by, None, "it was ours");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_lost_is_sent_again_once_that_is_certain() {
    let world = World::with(&["web"]);
    world.scene().initiate.push_back((timed_out(), false));
    let running = Running::start(&world);
    running.connected("web").await;
    assert_eq!(world.count(Call::Initiate), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_on_record_before_it_is_sent_and_off_it_once_answered() {
    let world = World::with(&["web"]);
    world.takes(Call::Initiate, 5);
    let running = Running::start(&world);
    let number = running.connect("web").await;
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Initiate)).await;
    let on_record = world.read("state.json");
    assert!(on_record.contains("virtualmachines/web:22\": {"), "{on_record}");
    assert!(on_record.contains("\"at\": \"2026-11-22T12:00") && on_record.contains("203.0.113.24"), "{on_record}");

    running.ended(number).await;
    running.end().await;
    let state: serde_json::Value = serde_json::from_str(&world.read("state.json")).unwrap();
    assert_eq!(state["unsettled"], serde_json::json!({}));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_takes_over_looks_for_the_request_of_the_one_before() {
    let world = World::with(&["web"]);
    let sent = world.azure_now();
    let request = world.request(&crate::world::vm("web"), crate::world::SOURCE, sent + TimeDelta::hours(1), "me");
    world.write("state.json", &format!(r#"{{"unsettled":{{"{}:22":"{}"}}}}"#, key("web"), sent.to_rfc3339()));
    let running = Running::start(&world);
    let number = running.connect("web").await;
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Policies)).await;
    // Azure is slow to show it.
    tokio::time::advance(Duration::from_secs(3)).await;
    world.scene().requests.push(request);
    running.ended(number).await;
    assert_eq!(world.count(Call::Initiate), 0);
    assert_eq!(running.snapshot().windows[0].opened_by, None, "it was asked for here");
}

/// A request whose answer did not come.
fn timed_out() -> InitiateFailure {
    let failure = Failure::Unreachable { host: "management.azure.com".into(), detail: "timed out".into() };
    InitiateFailure::Unanswered(failure.into())
}

fn key(name: &str) -> String {
    format!("fake{}", crate::world::vm(name).to_string().to_lowercase())
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_azure_ends_the_attempt_with_its_words() {
    let world = World::with(&["web"]);
    let denied = Failure::AccessDenied { action: "initiate".into(), scope: "/subscriptions/s".into() };
    world.scene().initiate.push_back((InitiateFailure::Refused(denied.into()), false));
    let running = Running::start(&world);
    let number = running.connect("web").await;
    let view = running.ended(number).await;
    let Some(OutcomeView::Failed(failure)) = &view.outcome else { panic!("{view:#?}") };
    assert_eq!(failure.code, "accessDenied");
    assert_eq!(world.count(Call::Initiate), 1);
}

#[tokio::test(start_paused = true)]
async fn an_ended_attempt_looks_the_same_as_time_goes_by() {
    let world = World::with(&["web", "db"]);
    world.scene().trouble.insert(Call::Vm, Failure::Internal { detail: "no".into() }.into());
    let running = Running::start(&world);
    let number = running.connect("web").await;
    let then = running.ended(number).await;
    tokio::time::advance(Duration::from_mins(5)).await;
    running.done(Request::ShowWindow).await;
    assert_eq!(find(&running.snapshot(), number), Some(&then));
    let revision = running.snapshot().revision;
    running.done(Request::Cancel { name: super::name("db") }).await;
    assert_eq!(running.snapshot().revision, revision, "nothing new is not told");
}

#[tokio::test(start_paused = true)]
async fn attempt_numbers_rise_from_engine_to_engine() {
    let world = World::with(&["web"]);
    let mut last = None;
    for _ in 0..3 {
        let running = Running::start(&world);
        let numbers = [running.connected("web").await.number, running.connected("web").await.number];
        assert!(last < Some(numbers[0]) && numbers[0] < numbers[1], "{last:?} {numbers:?}");
        last = Some(numbers[1]);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_does_not_put_the_engine_to_sleep() {
    let world = World::with(&["web"]);
    world.takes(Call::Initiate, 5);
    let running = Running::start(&world);
    let number = running.connect("web").await;
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Initiate)).await;
    world.set_forward(TimeDelta::hours(-2));
    let view = running.ended(number).await;
    assert!(matches!(view.outcome, Some(OutcomeView::Connected(_))), "{view:#?}");
    assert!(world.first(Call::Launch).unwrap() < Duration::from_mins(2));
}

#[tokio::test(start_paused = true)]
async fn two_favourites_of_one_vm_share_the_attempt() {
    let world = World::with(&["web"]);
    world.takes(Call::Initiate, 5);
    let running = Running::start(&world);
    running.done(Request::Add { name: super::name("again"), profile: Profile::new(vm("web")) }).await;
    let first = running.connect("web").await;
    assert_eq!(running.connect("again").await, first);
    running.ended(first).await;
    assert_eq!(world.count(Call::Initiate), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_attempt_can_still_be_seen_after_another_has_begun() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    let first = running.connected("web").await.number;
    let second = running.connect("web").await;
    let snapshot = running.snapshot();
    assert_eq!(snapshot.attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [second]);
    assert_eq!(snapshot.superseded.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [first]);
}

#[tokio::test(start_paused = true)]
async fn this_machines_address_is_looked_for_once_for_attempts_that_begin_together_and_never_remembered() {
    let world = World::with(&["web", "db"]);
    world.takes(Call::Detect, 1);
    let running = Running::start(&world);
    let (web, db) = (running.connect("web").await, running.connect("db").await);
    for number in [web, db] {
        let view = running.ended(number).await;
        assert!(matches!(view.outcome, Some(OutcomeView::Connected(_))), "{view:#?}");
    }
    assert_eq!(world.count(Call::Detect), 1);
    world.scene().requests.clear();
    running.connected("db").await;
    assert_eq!(world.count(Call::Detect), 2, "the network may have changed since");
}
