//! Deallocating VMs: only what is named, once, and never against an opening.

use std::sync::Arc;
use std::time::Duration;

use ajar_core::attempt::InitiateFailure;
use ajar_core::failure::Failure;
use ajar_core::journal::OpeningResult;
use ajar_core::profile::Profile;
use ajar_core::protocol::{Connect, Deallocate, Reply, Request};
use ajar_core::snapshot::{DeallocationEnd, DeallocationView, FailureView, FavouriteState, OutcomeView, Snapshot};
use ajar_core::vm::{CloudVm, PowerState};
use ajar_runtime::files::{JournalFile, State};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Running, connect, name};
use crate::world::{Call, World, vm};

fn wish(favourite: &str) -> Request {
    Request::Deallocate(Deallocate::new(name(favourite)))
}

async fn begun(running: &Running, favourite: &str) -> u64 {
    let reply = running.ask(wish(favourite)).await;
    let Reply::Deallocation { number } = reply else { panic!("{reply:?}") };
    number
}

fn find(snapshot: &Snapshot, number: u64) -> Option<&DeallocationView> {
    snapshot.deallocations.iter().find(|one| one.number == number)
}

async fn ended(running: &Running, number: u64) -> DeallocationEnd {
    let is_over = |snapshot: &Snapshot| find(snapshot, number).is_some_and(|one| one.outcome.is_some());
    find(&*running.until(is_over).await, number).unwrap().outcome.clone().unwrap()
}

fn rests(end: &DeallocationEnd) -> (bool, &str) {
    let DeallocationEnd::Deallocated { already, text, .. } = end else { panic!("{end:#?}") };
    (*already, text)
}

fn failed(end: DeallocationEnd) -> FailureView {
    let (DeallocationEnd::Failed(failure) | DeallocationEnd::Left(failure)) = end else { panic!("{end:#?}") };
    failure
}

fn journal(world: &World) -> Vec<(OpeningResult, Option<String>)> {
    let read = JournalFile::new(world.folder().journal()).read().unwrap();
    assert_eq!(read.unreadable, 0);
    read.openings.into_iter().map(|opening| (opening.result, opening.code)).collect()
}

fn state(world: &World) -> serde_json::Value {
    serde_json::from_str(&world.read("state.json")).unwrap_or_default()
}

fn key() -> String {
    State::vm_key(&CloudVm { cloud: "fake".into(), id: vm("web") })
}

/// What a host before this one has left in `state.json`: that it wanted `web` deallocated. It is noon now.
fn left_by_a_host(world: &World, at: &str) {
    world.write("state.json", &json!({ "deallocating": { key(): { "name": "web", "at": at } } }).to_string());
}

async fn called(world: &World, call: Call) {
    world.until(|scene| scene.calls.iter().any(|(made, _)| *made == call)).await;
}

async fn missing(running: &Running) -> Vec<String> {
    let Reply::Rights { rights } = running.ask(Request::Rights { name: name("web") }).await else { panic!() };
    rights.missing
}

#[tokio::test(start_paused = true)]
async fn a_vm_is_deallocated_once_however_many_ask_and_that_is_shown_and_written_down() {
    let world = World::with(&["web", "db"]);
    world.write("config.toml", &(world.read("config.toml") + "[profiles.web-again]\nvm = \"/subscriptions/S/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/WEB\"\n"));
    world.takes(Call::Watch, 60);
    let running = Running::start(&world);
    running.connected("web").await;
    let number = begun(&running, "web").await;
    let shown =
        running.until(|snapshot| find(snapshot, number).is_some_and(|one| one.headline == "deallocating")).await;
    let states: Vec<_> = shown.favourites.iter().map(|favourite| favourite.state).collect();
    assert_eq!(states, [FavouriteState::Deallocating, FavouriteState::Unknown, FavouriteState::Deallocating]);
    assert_eq!(begun(&running, "web-again").await, number, "another favourite of the VM shares it");
    let end = ended(&running, number).await;
    let (already, text) = rests(&end);
    assert!(!already && text.contains("keeps its access window open until 14:00"), "{text}");
    assert_eq!(world.count(Call::Deallocate), 1);
    assert_eq!(running.snapshot().windows.len(), 1, "Azure keeps the window");
    assert!(running.snapshot().favourites[0].detail.ends_with("deallocated"));
    let told = journal(&world);
    assert_eq!(told, [(OpeningResult::Connected, None), (OpeningResult::Deallocated, None)]);
    running.done(Request::Dismiss { name: name("web") }).await;
    assert!(running.snapshot().deallocations.is_empty());
    running.end().await;
    assert_eq!(state(&world)["deallocating"], serde_json::json!({}));
}

#[tokio::test(start_paused = true)]
async fn what_rests_is_left_alone_and_what_is_on_its_way_is_only_watched() {
    for (power, posts, is_already) in [
        (PowerState::Deallocated, 0, true),
        (PowerState::Deallocating, 0, false),
        (PowerState::Stopped, 1, false),
        (PowerState::Unknown, 1, false),
    ] {
        let world = World::with(&["web"]);
        world.scene().power = power;
        let running = Running::start(&world);
        let number = begun(&running, "web").await;
        let end = ended(&running, number).await;
        assert_eq!((rests(&end).0, world.count(Call::Deallocate)), (is_already, posts), "{power:?}");
        assert_eq!(journal(&world).len(), usize::from(!is_already), "{power:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vm_is_not_opened_and_deallocated_at_once() {
    let world = World::with(&["web"]);
    world.takes(Call::Initiate, 30);
    world.takes(Call::Watch, 30);
    let running = Running::start(&world);
    let opening = running.connect("web").await;
    assert_eq!(running.refused(wish("web")).await.code, "openingUnderWay");
    running.ended(opening).await;
    let number = begun(&running, "web").await;
    let refused = running.ended(running.connect("web").await).await;
    let Some(OutcomeView::Failed(failure)) = refused.outcome else { panic!("{refused:#?}") };
    assert_eq!(failure.code, "beingDeallocated");
    rests(&ended(&running, number).await);
    // Once it rests it can be opened again, which starts it, and what was told of its rest is over.
    running.connected("web").await;
    assert!(running.snapshot().deallocations.is_empty());
    assert_eq!((world.count(Call::Deallocate), world.count(Call::Start)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_azure_was_not_asked_yet_is_taken_back_by_the_last_who_waits_and_the_rest_goes_on() {
    let world = World::with(&["web"]);
    world.takes(Call::Token, 10);
    world.takes(Call::Watch, 60);
    let running = Running::start(&world);
    let other = running.engine.of_another_face();
    let number = begun(&running, "web").await;
    other.ask(wish("web")).await;
    world.until(|scene| scene.calls.iter().any(|(made, _)| *made == Call::Token)).await;
    running.done(Request::Leave { name: name("web") }).await;
    assert_eq!(find(&running.snapshot(), number).unwrap().outcome, None, "somebody else waits for it");
    drop(other);
    let left = failed(ended(&running, number).await);
    assert_eq!((left.code.as_str(), left.exit_code), ("deallocationLeft", 130));
    assert!(left.message.contains("had not been asked"), "{}", left.message);
    assert_eq!((world.count(Call::Deallocate), journal(&world).len()), (0, 0));

    world.takes(Call::Token, 0);
    let number = begun(&running, "web").await;
    running.until(|snapshot| find(snapshot, number).is_some_and(|one| one.headline == "deallocating")).await;
    running.done(Request::Leave { name: name("web") }).await;
    assert!(!rests(&ended(&running, number).await).0, "Azure goes on, and how it ends is seen");
    assert_eq!(journal(&world), [(OpeningResult::Deallocated, None)]);
}

#[tokio::test(start_paused = true)]
async fn the_next_engine_sees_to_its_end_what_the_last_one_asked_for_and_asks_nothing() {
    let world = World::with(&["web"]);
    world.takes(Call::Watch, 600);
    let first = Running::start(&world);
    let Reply::Deallocation { number } =
        first.ask(Request::Deallocate(Deallocate { stays: true, ..Deallocate::new(name("web")) })).await
    else {
        panic!("it begins")
    };
    first.until(|snapshot| find(snapshot, number).is_some_and(|one| one.headline == "deallocating")).await;
    first.end().await;
    assert_eq!(journal(&world).len(), 0, "nobody knows yet");
    let next = Running::start(&world);
    assert!(next.snapshot().deallocations.is_empty(), "nothing is asked by itself");
    next.done(Request::Refresh).await;
    let shown = next.until(|snapshot| !snapshot.deallocations.is_empty()).await;
    let number = shown.deallocations[0].number;
    assert!(!rests(&ended(&next, number).await).0);
    assert_eq!((world.count(Call::Deallocate), journal(&world)), (1, vec![(OpeningResult::Deallocated, None)]));
}

#[tokio::test(start_paused = true)]
async fn a_face_that_asks_the_next_engine_again_has_it_asked_only_where_the_vm_still_runs() {
    for (found, posts) in [(PowerState::Deallocating, 1), (PowerState::Deallocated, 1), (PowerState::Running, 2)] {
        let world = World::with(&["web"]);
        world.takes(Call::Watch, 600);
        let first = Running::start(&world);
        let number = begun(&first, "web").await;
        first.until(|snapshot| find(snapshot, number).is_some_and(|one| one.headline == "deallocating")).await;
        first.end().await;
        world.scene().power = found;
        let next = Running::start(&world);
        next.done(Request::Refresh).await;
        let number = begun(&next, "web").await;
        let end = ended(&next, number).await;
        assert!(!rests(&end).0, "{found:?}: it was asked for here");
        assert_eq!(world.count(Call::Deallocate), posts, "{found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_azure_refuses_is_told_written_down_and_known_to_the_rights() {
    let world = World::with(&["web"]);
    let action = "Microsoft.Compute/virtualMachines/deallocate/action".to_owned();
    let denied = Failure::AccessDenied { action: action.clone(), scope: "/subscriptions/s/resourceGroups/rg".into() };
    world.scene().trouble.insert(Call::Token, denied.into());
    let running = Running::start(&world);
    let number = begun(&running, "web").await;
    let failure = failed(ended(&running, number).await);
    assert_eq!((failure.code.as_str(), failure.exit_code), ("accessDenied", 4));
    assert!(failure.title.contains("may not deallocate web"), "{}", failure.title);
    assert_eq!(journal(&world), [(OpeningResult::NotDeallocated, Some("accessDenied".into()))]);
    assert!(missing(&running).await.contains(&action));
    // Opening is refused something else, and what is let there says nothing of this.
    let initiate = "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action".to_owned();
    let denied = Failure::AccessDenied { action: initiate.clone(), scope: "/subscriptions/s/resourceGroups/rg".into() };
    world.scene().trouble.remove(&Call::Token);
    world.scene().initiate.push_back((InitiateFailure::Refused(denied.into()), false));
    running.ended(running.connect("web").await).await;
    let told = missing(&running).await;
    assert!(told.contains(&action) && told.contains(&initiate), "{told:?}");
    running.connected("web").await;
    let told = missing(&running).await;
    assert!(told.contains(&action) && !told.contains(&initiate), "{told:?}");
    let number = begun(&running, "web").await;
    assert!(!rests(&ended(&running, number).await).0);
    assert!(!missing(&running).await.contains(&action), "it may by now");
}

#[tokio::test(start_paused = true)]
async fn what_a_host_before_wanted_long_ago_says_nothing_of_a_vm_that_rests() {
    for (at, is_already) in [("2026-11-20T12:00:00Z", true), ("2026-11-22T11:50:00Z", false)] {
        let world = World::with(&["web"]);
        left_by_a_host(&world, at);
        world.scene().power = PowerState::Deallocated;
        let running = Running::start(&world);
        let number = begun(&running, "web").await;
        assert_eq!(rests(&ended(&running, number).await).0, is_already, "{at}");
        assert_eq!((world.count(Call::Deallocate), journal(&world).len()), (0, usize::from(!is_already)), "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_host_before_may_have_asked_for_is_taken_back_here_where_azure_was_not_asked_here() {
    let world = World::with(&["web"]);
    left_by_a_host(&world, "2026-11-22T11:50:00Z");
    world.takes(Call::Token, 10);
    let running = Running::start(&world);
    let number = begun(&running, "web").await;
    called(&world, Call::Token).await;
    assert_ne!(find(&running.snapshot(), number).unwrap().headline, "deallocating", "it runs");
    running.done(Request::Leave { name: name("web") }).await;
    let left = failed(ended(&running, number).await);
    assert!(left.message.contains("had not been asked"), "{}", left.message);
    running.end().await;
    assert_eq!(world.count(Call::Deallocate), 0);
    assert_eq!(state(&world)["deallocating"][key()]["at"], "2026-11-22T11:50:00Z", "the next host looks");
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_up_again_has_begun_when_it_was_asked_for() {
    let began: DateTime<Utc> = "2026-11-22T11:50:00Z".parse().unwrap();
    let world = World::with(&["web"]);
    left_by_a_host(&world, "2026-11-22T11:50:00Z");
    world.scene().power = PowerState::Deallocating;
    world.takes(Call::Watch, 600);
    let running = Running::start(&world);
    running.done(Request::Refresh).await;
    let observed = running.until(|snapshot| !snapshot.deallocations.is_empty()).await;
    assert_eq!(observed.deallocations[0].started_at, began);
    assert_eq!(begun(&running, "web").await, observed.deallocations[0].number);
    running.end().await;
    assert_eq!(state(&world)["deallocating"][key()]["at"], "2026-11-22T11:50:00Z");
    let next = Running::start(&world);
    let number = begun(&next, "web").await;
    let DeallocationEnd::Deallocated { elapsed_ms, .. } = ended(&next, number).await else { panic!("it rests") };
    assert!(elapsed_ms >= 1_200_000, "{elapsed_ms} ms");
}

/// `web` is being deallocated, and Azure leaves open whether it has taken the first request, which is on its way.
async fn unsure() -> (Arc<World>, Running, u64) {
    let world = World::with(&["web"]);
    world.scene().unsure = 1;
    world.takes(Call::Deallocate, 3);
    let running = Running::start(&world);
    let number = begun(&running, "web").await;
    called(&world, Call::Deallocate).await;
    (world, running, number)
}

#[tokio::test(start_paused = true)]
async fn what_has_left_and_is_not_asked_again_is_left_to_the_next_look() {
    let (world, running, number) = unsure().await;
    running.done(Request::Leave { name: name("web") }).await;
    let left = failed(ended(&running, number).await);
    assert_eq!((left.code.as_str(), left.exit_code), ("deallocationLeft", 130));
    assert!(left.title.contains("Azure goes on deallocating web"), "{}", left.title);
    assert_eq!((world.count(Call::Deallocate), journal(&world).len()), (1, 0));
    world.scene().power = PowerState::Deallocating;
    running.done(Request::Refresh).await;
    let is_another = |one: &DeallocationView| one.number != number;
    let shown = running.until(|snapshot| snapshot.deallocations.iter().any(is_another)).await;
    assert!(!rests(&ended(&running, shown.deallocations[0].number).await).0);
    assert_eq!((world.count(Call::Deallocate), journal(&world)), (1, vec![(OpeningResult::Deallocated, None)]));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_ends_leaves_what_has_left_to_the_next_and_nothing_of_what_has_not() {
    let (world, running, _) = unsure().await;
    running.end().await;
    assert_eq!((world.count(Call::Deallocate), journal(&world).len()), (1, 0));
    assert_eq!(state(&world)["deallocating"][key()]["name"], "web", "the next host looks");

    let world = World::with(&["web"]);
    world.takes(Call::Token, 60);
    let running = Running::start(&world);
    begun(&running, "web").await;
    called(&world, Call::Token).await;
    running.end().await;
    assert_eq!(world.count(Call::Deallocate), 0);
    assert_eq!(state(&world)["deallocating"], json!({}));
}

#[tokio::test(start_paused = true)]
async fn who_joins_what_was_taken_back_has_the_vm_looked_at_and_asked_for_anew() {
    let (world, running, number) = unsure().await;
    running.done(Request::Leave { name: name("web") }).await;
    assert_eq!(begun(&running, "web").await, number);
    assert!(!rests(&ended(&running, number).await).0);
    assert_eq!((world.count(Call::Vm), world.count(Call::Deallocate)), (2, 2));
    assert!(world.scene().dropped.is_empty(), "what is on its way is not broken off");
}

#[tokio::test(start_paused = true)]
async fn what_an_observer_told_before_somebody_joined_does_not_end_what_they_wait_for() {
    // Which of the two the engine hears first is left to chance.
    for _ in 0..16 {
        let world = World::with(&["web"]);
        left_by_a_host(&world, "2026-11-22T11:59:00Z");
        world.takes(Call::Watch, 60);
        world.scene().trouble.insert(Call::Watch, Failure::DeallocationUnended.into());
        let running = Running::start(&world);
        running.done(Request::Refresh).await;
        called(&world, Call::Watch).await;
        world.scene().trouble.remove(&Call::Watch);
        tokio::time::sleep(Duration::from_mins(1)).await;
        let number = begun(&running, "web").await;
        assert!(!rests(&ended(&running, number).await).0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_seen_any_more_is_not_said_to_have_failed_for_good() {
    let world = World::with(&["web"]);
    let gone = Failure::Unreachable { host: "management.azure.com".into(), detail: "no route".into() };
    world.scene().trouble.insert(Call::Watch, gone.into());
    let running = Running::start(&world);
    let number = begun(&running, "web").await;
    assert_eq!(failed(ended(&running, number).await).code, "unreachable");
    assert_eq!(journal(&world).len(), 0, "Azure goes on");
    world.scene().trouble.clear();
    running.done(Request::Refresh).await;
    let is_other = |one: &&DeallocationView| one.number != number;
    let shown = running.until(|snapshot| snapshot.deallocations.iter().any(|one| is_other(&one))).await;
    let again = shown.deallocations.iter().find(is_other).unwrap().number;
    ended(&running, again).await;
    assert_eq!((world.count(Call::Deallocate), journal(&world)), (1, vec![(OpeningResult::Deallocated, None)]));
}

#[tokio::test(start_paused = true)]
async fn what_a_host_before_may_have_asked_for_keeps_no_vm_that_runs_shut_and_is_over_once_it_is_opened() {
    let world = World::with(&["web"]);
    world.takes(Call::Token, 600);
    let first = Running::start(&world);
    begun(&first, "web").await;
    called(&world, Call::Token).await;
    // Killed: it takes nothing back.
    let noted = world.read("state.json");
    first.end().await;
    world.write("state.json", &noted);
    world.takes(Call::Token, 0);
    world.takes(Call::Watch, 600);
    let next = Running::start(&world);
    next.done(Request::Refresh).await;
    next.until(|snapshot| !snapshot.deallocations.is_empty() && !snapshot.refreshing).await;
    assert_ne!(next.snapshot().favourites[0].state, FavouriteState::Deallocating);
    next.connected("web").await;
    assert!(next.snapshot().deallocations.is_empty());
    next.end().await;
    assert!(!world.read("state.json").contains("\"deallocating\": {\n    \""), "{}", world.read("state.json"));
    assert!(journal(&world).iter().all(|(result, _)| *result == OpeningResult::Connected), "{:?}", journal(&world));
}

#[tokio::test(start_paused = true)]
async fn a_vm_whose_deallocation_has_failed_is_not_shown_as_being_deallocated() {
    let world = World::with(&["web"]);
    world.takes(Call::Watch, 60);
    world.scene().trouble.insert(Call::Watch, Failure::DeallocationUnended.into());
    let running = Running::start(&world);
    let number = begun(&running, "web").await;
    called(&world, Call::Watch).await;
    world.scene().power = PowerState::Running;
    world.takes(Call::Vm, 10);
    failed(ended(&running, number).await);
    let detail = |snapshot: &Snapshot| snapshot.favourites[0].detail.clone();
    assert_eq!(detail(&running.snapshot()), "rg", "nobody knows");
    running.until(|snapshot| detail(snapshot).ends_with("running")).await;
}

#[tokio::test(start_paused = true)]
async fn a_vm_is_deallocated_that_could_not_be_opened() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    let profile: Profile = serde_json::from_value(json!({ "vm": vm("spare"), "source": "gone" })).unwrap();
    let opens = Connect { profile: Some(profile.clone()), ..connect("spare") };
    assert_eq!(running.refused(Request::Connect(opens.clone())).await.code, "unknownNetwork");
    let wish = Deallocate { profile: Some(profile), ..Deallocate::new(name("spare")) };
    let reply = running.ask(Request::Deallocate(wish)).await;
    let Reply::Deallocation { number } = reply else { panic!("{reply:?}") };
    assert!(!rests(&ended(&running, number).await).0);
    assert_eq!(running.refused(Request::Connect(opens)).await.code, "unknownNetwork");
}
