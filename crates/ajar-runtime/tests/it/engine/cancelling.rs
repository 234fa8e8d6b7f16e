//! Cancelling, whatever is under way.

use ajar_core::profile::Profile;
use ajar_core::protocol::{Connect, Reply, Request};
use ajar_core::snapshot::{AttemptView, FavouriteState, OpenedBy, OutcomeView, Step, StepStatus, StepView};
use ajar_core::vm::{OsType, PowerState};

use super::{Running, connect, name};
use crate::world::{Call, World, vm};

fn find_step(view: &AttemptView, wanted: Step) -> &StepView {
    view.steps.iter().find(|step| step.step == wanted).unwrap()
}

/// Cancels as soon as a call is under way.
async fn cancelled_during(world: &std::sync::Arc<World>, call: Call) -> (Running, AttemptView) {
    let running = Running::start(world);
    let number = running.connect("web").await;
    world.until(|scene| scene.calls.iter().any(|(made, _)| *made == call)).await;
    running.done(Request::Cancel { name: name("web") }).await;
    let view = super::find(&running.snapshot(), number).unwrap().clone();
    assert!(matches!(view.outcome, Some(OutcomeView::Cancelled(_))), "{view:#?}");
    (running, view)
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_given_up_at_once() {
    for call in [Call::Detect, Call::Policies, Call::Vm, Call::Addresses] {
        let world = World::with(&["web"]);
        world.takes(Call::Detect, 10);
        world.takes(call, 10);
        let (running, _) = cancelled_during(&world, call).await;
        world.until(|scene| scene.dropped.contains(&call)).await;
        assert_eq!(world.count(Call::Initiate), 0);
        let state = if call == Call::Policies { FavouriteState::Unknown } else { FavouriteState::Closed };
        assert_eq!(running.snapshot().favourites[0].state, state, "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_port_is_given_up_and_the_window_stays() {
    let world = World::with(&["web"]);
    world.takes(Call::Probe, 3);
    let running = Running::start(&world);
    let number = running.connect("web").await;
    world.until(|scene| !scene.requests.is_empty()).await;
    running.until(|snapshot| !snapshot.windows.is_empty()).await;
    running.done(Request::Cancel { name: name("web") }).await;
    let snapshot = running.snapshot();
    let Some(OutcomeView::Cancelled(failure)) = &super::find(&snapshot, number).unwrap().outcome else { panic!() };
    assert!(failure.message.contains("14:00"), "it says until when the port stays open: {}", failure.message);
    assert_eq!(snapshot.windows.len(), 1);
    assert_eq!(snapshot.favourites[0].state, FavouriteState::Open);
    world.until(|scene| scene.dropped.contains(&Call::Probe)).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_on_its_way_is_not_given_up_and_its_window_shows() {
    let world = World::with(&["web"]);
    world.takes(Call::Initiate, 10);
    let (running, _) = cancelled_during(&world, Call::Initiate).await;
    assert!(running.snapshot().windows.is_empty());
    let snapshot = running.until(|snapshot| !snapshot.windows.is_empty()).await;
    assert_eq!(snapshot.windows[0].opened_by, None);
    assert_eq!(snapshot.favourites[0].state, FavouriteState::Open);
    assert!(!world.scene().dropped.contains(&Call::Initiate));
    assert_eq!(world.count(Call::Launch), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_yet_on_its_way_is_not_sent() {
    let world = World::with(&["web"]);
    world.scene().power = PowerState::Deallocated;
    world.takes(Call::Token, 10);
    let (running, view) = cancelled_during(&world, Call::Token).await;
    let Some(OutcomeView::Cancelled(failure)) = &view.outcome else { unreachable!() };
    assert_eq!(failure.message, "Nothing was opened and nothing was started.");
    for step in [Step::Access, Step::Start] {
        assert_eq!(find_step(&view, step).status, StepStatus::Skipped, "{view:#?}");
    }
    let began = tokio::time::Instant::now();
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    assert_eq!((began.elapsed().as_secs(), world.count(Call::Initiate), world.count(Call::Start)), (60, 0, 0));
    running.end().await;
    assert!(world.read("state.json").contains("\"unsettled\": {}"), "it was not sent, so there is nothing to look for");
}

#[tokio::test(start_paused = true)]
async fn a_start_on_its_way_is_not_given_up() {
    let world = World::with(&["web"]);
    world.scene().power = PowerState::Deallocated;
    world.takes(Call::Start, 30);
    let (_running, view) = cancelled_during(&world, Call::Start).await;
    let Some(OutcomeView::Cancelled(failure)) = &view.outcome else { unreachable!() };
    assert!(failure.message.contains("The VM was told to start and stays on."), "{}", failure.message);
    world.until(|scene| scene.power == PowerState::Running).await;
    assert_eq!(world.count(Call::Launch), 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_cancel_the_next_click_begins_anew() {
    let world = World::with(&["web"]);
    world.takes(Call::Policies, 10);
    let (running, first) = cancelled_during(&world, Call::Policies).await;
    world.takes(Call::Policies, 0);
    let second = running.connected("web").await;
    assert!(second.number > first.number);
    assert_eq!(running.snapshot().attempts.len(), 1, "the cancelled one is forgotten");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_cancelled_by_any_favourite_of_its_vm_and_port_and_by_no_other() {
    let world = World::with(&["web", "db"]);
    world.takes(Call::Vm, 10);
    let running = Running::start(&world);
    let second = |port| Profile { port: Some(port), ..Profile::new(vm("web")) };
    running.done(Request::Add { name: name("again"), profile: second(22) }).await;
    running.done(Request::Add { name: name("other-port"), profile: second(2222) }).await;
    let number = running.connect("web").await;
    for other in ["db", "other-port"] {
        running.done(Request::Cancel { name: name(other) }).await;
        assert!(super::find(&running.snapshot(), number).unwrap().outcome.is_none(), "{other}");
    }
    running.done(Request::Cancel { name: name("again") }).await;
    let outcome = super::find(&running.snapshot(), number).unwrap().outcome.clone();
    assert!(matches!(outcome, Some(OutcomeView::Cancelled(_))), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_joined_for_another_port_than_the_profiles_is_cancelled_by_who_joined_it() {
    let world = World::with(&["web"]);
    world.takes(Call::Vm, 10);
    let running = Running::start(&world);
    let other = Profile { port: Some(2222), ..Profile::new(vm("web")) };
    running.done(Request::Add { name: name("other"), profile: other }).await;
    let number = running.connect("web").await;
    let joined = Connect { port: Some(22), ..connect("other") };
    assert_eq!(running.engine.ask(Request::Connect(joined)).await, Reply::Attempt { number });
    running.done(Request::Cancel { name: name("other") }).await;
    assert!(super::find(&running.snapshot(), number).unwrap().outcome.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_had_not_left_when_the_port_answered_is_not_said_to_be_on_its_way() {
    let world = World::with(&["web"]);
    world.scene().open_anyway = true;
    world.scene().os = Some(OsType::Linux);
    world.takes(Call::Addresses, 1);
    world.takes(Call::Token, 10);
    let running = Running::start(&world);
    let wish = Connect { seconds: Some(86_400), ..connect("web") };
    let Reply::Attempt { number } = running.engine.ask(Request::Connect(wish)).await else { panic!("refused") };
    let view = running.ended(number).await;
    assert_eq!(world.count(Call::Token), 1, "it was waiting for its token");
    assert_eq!(view.opened_by(), Some(OpenedBy::Itself), "{view:#?}");
    assert_eq!(find_step(&view, Step::Access).status, StepStatus::Skipped);
    let [note] = &view.notes[..] else { panic!("{view:#?}") };
    assert!(note.contains("nothing was asked for. Not taken up: access for 24 hours"), "{note}");
    running.end().await;
    assert_eq!(world.count(Call::Initiate), 0);
}
