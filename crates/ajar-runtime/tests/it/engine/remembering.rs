//! What an engine knows from those before it, until Azure is asked.

use std::sync::Arc;
use std::time::Duration;

use ajar_core::policy::{RequestStatus, StatusReason};
use ajar_core::protocol::Request;
use ajar_core::snapshot::{FavouriteState, OutcomeView, ReachedView, Snapshot};

use super::Running;
use crate::world::{Call, World};

/// A world in which “web” was opened by an engine that has ended.
async fn opened_before() -> Arc<World> {
    let world = World::with(&["web", "db"]);
    world.scene().is_static = true;
    let running = Running::start(&world);
    running.connected("web").await;
    running.end().await;
    world.scene().calls.clear();
    world
}

fn states(snapshot: &Snapshot) -> Vec<FavouriteState> {
    snapshot.favourites.iter().map(|favourite| favourite.state).collect()
}

async fn refreshed(running: &Running) -> Arc<Snapshot> {
    running.done(Request::Refresh).await;
    running.until(|snapshot| !snapshot.refreshing).await
}

#[tokio::test(start_paused = true)]
async fn the_next_engine_shows_what_was_opened_before_and_does_not_guess_about_the_rest() {
    let world = opened_before().await;
    let next = Running::start(&world);
    let snapshot = next.snapshot();
    assert_eq!(states(&snapshot), [FavouriteState::Open, FavouriteState::Unknown]);
    assert_eq!(snapshot.windows.len(), 1);
    assert_eq!(snapshot.windows[0].opened_by, None);
    assert!(world.scene().calls.is_empty(), "Azure has not been asked");
    assert_eq!(states(&*refreshed(&next).await), [FavouriteState::Open, FavouriteState::Closed]);
}

#[tokio::test(start_paused = true)]
async fn what_azure_cannot_be_asked_about_is_not_called_closed() {
    let world = opened_before().await;
    let end = Running::start(&world).snapshot().windows[0].end_time_utc;
    world.set_forward(end - world.azure_now());
    let next = Running::start(&world);
    assert_eq!(states(&next.snapshot()), [FavouriteState::Unknown; 2], "the window has ended, and others may have one");
    assert!(next.snapshot().windows.is_empty());
    world.scene().trouble.insert(Call::Policies, ajar_core::failure::Failure::not_signed_in(String::new()).into());
    let snapshot = refreshed(&next).await;
    assert_eq!(states(&snapshot), [FavouriteState::Unknown; 2]);
    assert!(snapshot.refresh_problem.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_second_connect_inside_a_window_tells_its_end_before_azure_has_said_a_word() {
    let world = opened_before().await;
    world.takes(Call::Policies, 60);
    world.takes(Call::Vm, 60);
    let next = Running::start(&world);
    let end = next.snapshot().windows[0].end_time_utc;
    let view = next.connected("web").await;
    let Some(OutcomeView::Connected(ReachedView { window: Some(window), .. })) = view.outcome else {
        panic!("{view:#?}")
    };
    assert_eq!((window.end_time_utc, window.source.as_str()), (end, "203.0.113.24"));
    assert_eq!(world.count(Call::Initiate), 0);
    // What was remembered is held against Azure afterwards.
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(world.count(Call::Policies) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_was_taken_back_while_nobody_looked_is_told_of_once() {
    let world = opened_before().await;
    world.scene().requests[0].virtual_machines[0].ports[0].status =
        RequestStatus::Revoked(StatusReason::NewerRequestInitiated);
    for told in [1, 0] {
        let next = Running::start(&world);
        let snapshot = refreshed(&next).await;
        assert_eq!(states(&snapshot)[0], FavouriteState::Closed);
        assert!(snapshot.windows.is_empty());
        assert_eq!(snapshot.closed.len(), told, "{:#?}", snapshot.closed);
        next.end().await;
    }
}
