//! Favourites that go while they are being opened or are open: by request, or from the settings file.

use ajar_core::profile::Profile;
use ajar_core::protocol::Request;
use ajar_core::snapshot::{AttemptNumber, AttemptView, FavouriteState, OutcomeView, Snapshot};
use ajar_core::vm::PowerState;
use chrono::TimeDelta;

use super::{Running, name};
use crate::world::{Call, SOURCE, World, vm};

/// Takes the favourite “shop” of the VM “web” away.
type Taking = fn(&World) -> Request;

const WAYS: [Taking; 2] = [
    |_| Request::Remove { name: name("SHOP") },
    |world| {
        world.write("config.toml", "# nothing any more\n");
        Request::ShowWindow
    },
];

/// A favourite with another name than its VM.
fn shop() -> std::sync::Arc<World> {
    let world = World::with(&[]);
    world.write("config.toml", &format!("[profiles.shop]\nvm = \"{}\"\n", vm("web")));
    world
}

fn removed(snapshot: &Snapshot, number: AttemptNumber) -> (String, AttemptView) {
    assert!(snapshot.favourites.is_empty() && snapshot.attempts.is_empty(), "{snapshot:#?}");
    let view = snapshot.superseded.iter().find(|view| view.number == number).expect("its followers find its end");
    let Some(OutcomeView::Cancelled(failure)) = &view.outcome else { panic!("{view:#?}") };
    assert_eq!((failure.code.as_str(), failure.exit_code), ("favouriteRemoved", 130));
    assert_eq!(failure.title, "shop was removed from the favourites while it was being opened.");
    (failure.message.clone(), view.clone())
}

fn windows(snapshot: &Snapshot) -> Vec<(&str, Option<&str>)> {
    snapshot.windows.iter().map(|window| (window.name.as_str(), window.opened_by.as_deref())).collect()
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_given_up_with_its_favourite() {
    for take in WAYS {
        let world = shop();
        world.takes(Call::Vm, 10);
        world.takes(Call::Detect, 10);
        let running = Running::start(&world);
        let number = running.connect("shop").await;
        world.until(|scene| scene.calls.iter().any(|(made, _)| *made == Call::Vm)).await;
        running.done(take(&world)).await;
        let (message, _) = removed(&running.snapshot(), number);
        assert_eq!(message, "Nothing was opened and nothing was started.");
        world.until(|scene| scene.dropped.contains(&Call::Vm)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_on_its_way_is_told_of_and_its_window_has_the_name_of_the_vm_until_it_ends() {
    for take in WAYS {
        let world = shop();
        world.takes(Call::Initiate, 10);
        let running = Running::start(&world);
        let number = running.connect("shop").await;
        world.until(|scene| scene.calls.iter().any(|(made, _)| *made == Call::Initiate)).await;
        running.done(take(&world)).await;
        let (message, _) = removed(&running.snapshot(), number);
        assert_eq!(message, "A request was on its way; Azure may still open the port for it.");
        let snapshot = running.until(|snapshot| !snapshot.windows.is_empty()).await;
        assert_eq!(windows(&snapshot), [("web", None)]);
        running.until(|snapshot| snapshot.windows.is_empty()).await;
        assert!(world.azure_now() >= snapshot.windows[0].end_time_utc);
        assert_eq!(world.count(Call::Launch), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_granted_before_stays_and_is_looked_for_by_the_next_engine_too() {
    for take in WAYS {
        let world = shop();
        world.scene().power = PowerState::Deallocated;
        world.takes(Call::Start, 60);
        let running = Running::start(&world);
        let number = running.connect("shop").await;
        running.until(|snapshot| !snapshot.windows.is_empty()).await;
        running.done(take(&world)).await;
        let (message, _) = removed(&running.snapshot(), number);
        assert_eq!(message, "Azure keeps the port open until 14:59. The VM was told to start and stays on.");
        assert_eq!(windows(&running.snapshot()), [("web", None)]);
        running.end().await;

        let next = Running::start(&world);
        next.done(Request::Refresh).await;
        let snapshot = next.until(|snapshot| !snapshot.refreshing).await;
        assert_eq!((windows(&snapshot), &snapshot.refresh_problem), (vec![("web", None)], &None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_goes_to_another_favourite_of_its_vm_and_to_none_of_another_vm() {
    let world = shop();
    let running = Running::start(&world);
    running.connected("shop").await;
    running.done(Request::Add { name: name("web"), profile: Profile::new(vm("another-one")) }).await;
    running.done(Request::Remove { name: name("shop") }).await;
    let snapshot = running.snapshot();
    assert_eq!(windows(&snapshot), [("web", None)]);
    assert_eq!(snapshot.windows[0].vm, vm("web"));
    assert_eq!(snapshot.favourites[0].state, FavouriteState::Unknown, "it is of another VM");
    let of_web = world.request(&vm("another-one"), SOURCE, world.azure_now() + TimeDelta::hours(3), "bob@contoso.com");
    world.scene().requests.push(of_web);
    running.done(Request::Refresh).await;
    let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(windows(&snapshot), [("web", None), ("web", Some("bob@contoso.com"))]);

    running.done(Request::Add { name: name("mine"), profile: Profile::new(vm("web")) }).await;
    let snapshot = running.snapshot();
    assert_eq!(windows(&snapshot), [("mine", None), ("web", Some("bob@contoso.com"))]);
    assert!(snapshot.favourites.iter().all(|favourite| favourite.state == FavouriteState::Open), "{snapshot:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_whose_favourite_is_gone_has_ended_also_for_who_cancels_it() {
    let world = shop();
    world.takes(Call::Vm, 10);
    let running = Running::start(&world);
    let number = running.connect("shop").await;
    world.write("config.toml", "# nothing any more\n");
    running.done(Request::Cancel { name: name("shop") }).await;
    removed(&running.snapshot(), number);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_not_shown_any_more_is_kept_for_a_moment_and_no_longer() {
    let world = shop();
    world.takes(Call::Vm, 10);
    let running = Running::start(&world);
    let number = running.connect("shop").await;
    running.done(Request::Remove { name: name("shop") }).await;
    tokio::time::sleep(std::time::Duration::from_secs(9)).await;
    running.done(Request::ShowWindow).await;
    removed(&running.snapshot(), number);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    running.done(Request::ShowWindow).await;
    assert!(running.snapshot().superseded.is_empty());
}
