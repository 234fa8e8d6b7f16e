//! This machine moves while something is being opened, back to where it was, or under an Ajar that is there for a moment only.

use ajar_core::network::OnNewAddress;
use ajar_core::profile::Profile;
use ajar_core::protocol::{Connect, Request};
use ajar_core::snapshot::OutcomeView;
use ajar_core::vm::PowerState;

use super::network::{ELSEWHERE, left, while_nothing_happens};
use super::{Running, connect, name};
use crate::world::{Call, SOURCE, World, vm};

#[tokio::test(start_paused = true)]
async fn a_vm_that_starts_meanwhile_is_opened_from_the_new_address() {
    let world = World::with(&["web"]);
    world.scene().power = PowerState::Deallocated;
    world.takes(Call::Start, 120);
    let running = Running::start(&world);
    let number = running.connect("web").await;
    world.until(|scene| !scene.requests.is_empty()).await;
    running.until(|snapshot| !snapshot.windows.is_empty()).await;
    world.moves_to(ELSEWHERE);
    running.ended(number).await;
    let asked: Vec<_> = world.asked_from().into_iter().map(|(source, _)| source).collect();
    assert_eq!(asked, [SOURCE.to_string(), ELSEWHERE.to_string()]);
    let snapshot = running.snapshot();
    assert!(matches!(snapshot.attempts[0].outcome, Some(OutcomeView::Connected(_))), "{:?}", snapshot.attempts[0]);
    assert_eq!((world.count(Call::Start), world.count(Call::Initiate)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_soon_tells_of_the_new_address_and_asks_for_nothing_by_itself() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.sets(OnNewAddress::Request).await;
    running.connected("web").await;
    running.end().await;
    world.scene().address = ELSEWHERE;
    for _ in 0..2 {
        let moment = Running::for_a_moment(&world);
        moment.done(Request::Refresh).await;
        moment.until(|snapshot| left(snapshot).is_some()).await;
        while_nothing_happens().await;
        moment.end().await;
    }
    assert_eq!(world.count(Call::Initiate), 1);
    let staying = Running::start(&world);
    staying.done(Request::Refresh).await;
    world.until(|scene| scene.requests.len() == 2).await;
}

#[tokio::test(start_paused = true)]
async fn back_at_a_former_address_what_azure_has_replaced_meanwhile_is_found_out() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    world.moves_to(ELSEWHERE);
    running.until(|snapshot| left(snapshot).is_some()).await;
    let number = running.asks(Connect::from_here(name("web"))).await;
    running.ended(number).await;
    // Azure shows late that the newer one has taken the place of the older, and nobody looks then.
    while_nothing_happens().await;
    world.replace_older();
    world.moves_to(SOURCE);
    running.until(|snapshot| left(snapshot).is_some_and(|left| left.address == Some(SOURCE))).await;
}

#[tokio::test(start_paused = true)]
async fn from_here_is_from_here_whatever_address_the_profile_has() {
    let world = World::with(&["web"]);
    world.write("config.toml", &(world.read("config.toml") + &format!("source = \"{SOURCE}\"\n")));
    let running = Running::start(&world);
    running.connected("web").await;
    world.scene().address = ELSEWHERE;
    let number = running.asks(Connect::from_here(name("web"))).await;
    running.ended(number).await;
    assert_eq!(world.asked_from().last().map(|(source, _)| source.clone()), Some(ELSEWHERE.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_vm_that_somebody_else_has_let_rest_is_not_asked_for_and_one_that_is_no_favourite_is_told_of() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.sets(OnNewAddress::Request).await;
    running.connected("web").await;
    world.scene().power = PowerState::Deallocated;
    running.done(Request::Refresh).await;
    running.until(|snapshot| !snapshot.refreshing).await;
    world.moves_to(ELSEWHERE);
    while_nothing_happens().await;
    assert_eq!(world.count(Call::Initiate), 1);
    running.end().await;

    let world = World::with(&["web"]);
    let running = Running::start(&world);
    let profile = Some(Profile { cloud: Some("fake".into()), ..Profile::new(vm("db")) });
    let number = running.asks(Connect { profile, ..connect("db") }).await;
    running.ended(number).await;
    running.end().await;
    world.scene().address = ELSEWHERE;
    let next = Running::start(&world);
    next.done(Request::Refresh).await;
    next.until(|snapshot| left(snapshot).is_some()).await;
}
