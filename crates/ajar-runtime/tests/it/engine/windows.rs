//! Access windows, from the grant to the end.

use std::time::Duration;

use ajar_core::access_window::{ENDING, SHOWN_WITHIN};
use ajar_core::attempt::InitiateFailure;
use ajar_core::failure::Failure;
use ajar_core::notice::{Told, notices};
use ajar_core::policy::{RequestStatus, StatusReason};
use ajar_core::protocol::Request;
use ajar_core::snapshot::{FavouriteState, OutcomeView, ReachedView, Snapshot};
use ajar_core::zone::Zone;
use chrono::{Offset as _, TimeDelta, Utc};

use super::Running;
use crate::world::{Call, SOURCE, World, vm};

#[tokio::test(start_paused = true)]
async fn a_window_nears_its_end_and_is_gone_after_it() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    let snapshot = running.snapshot();
    let end = snapshot.windows[0].end_time_utc;
    assert!(!snapshot.windows[0].ending);
    assert_eq!(snapshot.favourites[0].state, FavouriteState::Open);

    let snapshot = running.until(|snapshot| snapshot.windows[0].ending).await;
    assert_eq!(snapshot.favourites[0].state, FavouriteState::Ending);
    let late = world.azure_now() - (end - ENDING);
    assert!((TimeDelta::zero()..TimeDelta::seconds(1)).contains(&late), "{late}");

    let snapshot = running.until(|snapshot| snapshot.windows.is_empty()).await;
    assert_eq!(snapshot.favourites[0].state, FavouriteState::Closed);
    let late = world.azure_now() - end;
    assert!((TimeDelta::zero()..TimeDelta::seconds(1)).contains(&late), "{late}");
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_through_the_end_never_says_that_it_nears() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    let mut snapshots = running.engine.snapshots();
    snapshots.mark_unchanged();
    world.set_forward(TimeDelta::hours(9));
    let woken = tokio::time::Instant::now();
    snapshots.changed().await.unwrap();
    assert!(snapshots.borrow().windows.is_empty(), "the first news is that it is gone");
    assert!(woken.elapsed() <= Duration::from_secs(30), "{:?}", woken.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_has_slept_looks_at_azure_anew_by_itself_and_one_that_has_not_does_not() {
    let world = World::with(&["web", "db"]);
    let running = Running::start(&world);
    running.connected("web").await;
    let elsewhere = world.request(&vm("db"), SOURCE, world.azure_now() + TimeDelta::hours(2), "bob@contoso.com");
    world.scene().requests = vec![elsewhere];
    let asked = world.count(Call::Policies);
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(world.count(Call::Policies), asked, "nobody slept");
    world.set_forward(TimeDelta::hours(1));
    let snapshot = running.until(|snapshot| snapshot.windows.iter().any(|window| window.name.as_str() == "db")).await;
    assert!(snapshot.windows.iter().all(|window| window.name.as_str() != "web"), "it was revoked meanwhile");
}

#[tokio::test(start_paused = true)]
async fn an_engine_with_nothing_open_sleeps_for_good() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    // Paused time leaps to the next timer when all sleep. If the engine had one, it would stand before this.
    let before = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_hours(24 * 365)).await;
    assert_eq!(before.elapsed(), Duration::from_hours(24 * 365));
    assert_eq!(running.snapshot().revision, 1);
    assert!(world.scene().calls.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_countdown_follows_azures_clock() {
    let world = World::with(&["web"]);
    // Ours is slow; the second answer tells a little else, as answers do.
    world.scene().skew = Some(TimeDelta::minutes(10));
    let running = Running::start(&world);
    running.connected("web").await;
    let snapshot = running.snapshot();
    assert_eq!(snapshot.clock_skew_ms, 600_000);
    let asked_for = snapshot.windows[0].end_time_utc - world.azure_now();
    assert!(asked_for > TimeDelta::minutes(119) && asked_for <= TimeDelta::hours(2), "{asked_for}");

    world.scene().skew = Some(TimeDelta::milliseconds(600_900));
    let revision = snapshot.revision;
    running.done(Request::Cancel { name: super::name("web") }).await;
    assert_eq!(running.snapshot().revision, revision, "what is within the noise is no news");
    let end = snapshot.windows[0].end_time_utc;
    running.until(|snapshot| snapshot.windows.is_empty()).await;
    assert!((world.azure_now() - end).abs() < TimeDelta::seconds(2));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_adopts_what_was_opened_elsewhere_and_drops_what_was_revoked() {
    let world = World::with(&["web", "db"]);
    let running = Running::start(&world);
    running.connected("web").await;
    let elsewhere = world.request(&vm("db"), SOURCE, world.azure_now() + TimeDelta::hours(1), "bob@contoso.com");
    world.scene().requests = vec![elsewhere];
    world.set_forward(SHOWN_WITHIN);
    world.takes(Call::Policies, 2);
    running.done(Request::Refresh).await;
    assert!(running.snapshot().refreshing);
    let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
    let shown: Vec<_> =
        snapshot.windows.iter().map(|window| (window.name.as_str(), window.opened_by.as_deref())).collect();
    assert_eq!(shown, [("db", Some("bob@contoso.com"))]);
    assert_eq!(snapshot.refresh_problem, None);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_azure_shows_as_revoked_is_told_of_once_until_it_is_dismissed() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    let refreshed = async || {
        running.done(Request::Refresh).await;
        running.until(|snapshot| !snapshot.refreshing).await
    };
    world.scene().requests[0].virtual_machines[0].ports[0].status =
        RequestStatus::Revoked(StatusReason::NewerRequestInitiated);
    for _ in 0..2 {
        let snapshot = refreshed().await;
        assert!(snapshot.windows.is_empty());
        let told: Vec<_> = snapshot.closed.iter().map(|closed| (closed.name.as_str(), closed.port)).collect();
        assert_eq!(told, [("web", 22)]);
        assert!(snapshot.closed[0].text.contains("newer request"), "{:?}", snapshot.closed);
    }
    running.done(Request::Dismiss { name: super::name("web") }).await;
    assert!(refreshed().await.closed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_window_whose_policy_is_deleted_is_told_of_once_until_it_is_dismissed() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    let before = running.snapshot();
    let refreshed = async || {
        running.done(Request::Refresh).await;
        running.until(|snapshot| !snapshot.refreshing).await
    };
    world.scene().policy_deleted = true;
    for _ in 0..2 {
        let snapshot = refreshed().await;
        assert_eq!((snapshot.windows.len(), snapshot.closed.len()), (0, 1), "{snapshot:#?}");
        let text = &snapshot.closed[0].text;
        assert!(text.starts_with("It was to be open until 14:00. Azure has no JIT policy"), "{text}");
        let now = world.azure_now();
        let told = notices(Some(&before), &snapshot, &mut Told::default(), now, Zone::always(Utc.fix(), now));
        assert_eq!(told.iter().map(|notice| &notice.body).collect::<Vec<_>>(), [text]);
        assert_eq!(snapshot.favourites[0].state, FavouriteState::Unknown, "nobody says what became of the port");
    }
    running.done(Request::Dismiss { name: super::name("web") }).await;
    assert!(refreshed().await.closed.is_empty());
    running.end().await;
    assert!(world.read("state.json").contains("\"granted\": {}"), "the next engine does not take it for open");
}

#[tokio::test(start_paused = true)]
async fn a_window_that_azure_does_not_show_yet_is_kept_as_long_as_that_may_be_and_never_said_to_be_lost() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    world.scene().requests.clear();
    for (later, open) in [(TimeDelta::zero(), 1), (TimeDelta::seconds(60), 1), (TimeDelta::seconds(15), 0)] {
        world.set_forward(later);
        running.done(Request::Refresh).await;
        let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
        assert_eq!((snapshot.windows.len(), snapshot.closed.len()), (open, 0), "{later}: {snapshot:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_that_a_newer_one_for_the_same_address_replaced_is_not_said_to_be_closed() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    let newer = world.request(&vm("web"), SOURCE, world.azure_now() + TimeDelta::hours(3), "me");
    world.scene().requests[0].virtual_machines[0].ports[0].status =
        RequestStatus::Revoked(StatusReason::NewerRequestInitiated);
    world.scene().requests.push(newer);
    running.done(Request::Refresh).await;
    let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!((snapshot.windows.len(), snapshot.closed.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_a_colleagues_replaced_is_said_to_be_closed_beside_theirs() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    let elsewhere = std::net::Ipv4Addr::new(198, 51, 100, 77);
    let theirs = world.request(&vm("web"), elsewhere, world.azure_now() + TimeDelta::hours(3), "bob@contoso.com");
    world.scene().requests[0].virtual_machines[0].ports[0].status =
        RequestStatus::Revoked(StatusReason::NewerRequestInitiated);
    world.scene().requests.push(theirs);
    for _ in 0..2 {
        running.done(Request::Refresh).await;
        let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
        assert_eq!(snapshot.windows[0].opened_by.as_deref(), Some("bob@contoso.com"));
        assert!(snapshot.closed[0].text.contains("newer request"), "{:?}", snapshot.closed);
    }
    let ours = world.request(&vm("web"), SOURCE, world.azure_now() + TimeDelta::hours(3), "my-client-id");
    world.scene().requests.push(ours);
    running.done(Request::Refresh).await;
    let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
    assert!(snapshot.closed.is_empty(), "opened again from here, though elsewhere asked for");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_whose_grant_a_refresh_finds_revoked_ends_without_asking_again() {
    let world = World::with(&["web"]);
    world.takes(Call::Probe, 60);
    let running = Running::start(&world);
    let number = running.connect("web").await;
    world.until(|scene| !scene.requests.is_empty()).await;
    running.until(|snapshot| !snapshot.windows.is_empty()).await;
    world.scene().requests[0].virtual_machines[0].ports[0].status = RequestStatus::Revoked(StatusReason::UserRequested);
    running.done(Request::Refresh).await;
    let view = running.ended(number).await;
    let Some(OutcomeView::Failed(failure)) = &view.outcome else { panic!("{view:#?}") };
    assert_eq!((failure.code.as_str(), world.count(Call::Initiate)), ("accessRevoked", 1));
}

#[tokio::test(start_paused = true)]
async fn who_opened_a_window_elsewhere_is_you_for_the_accounts_own_principal_else_what_azure_says() {
    for (requestor, shown) in [("MY-CLIENT-ID", "you"), ("another-client-id", "another-client-id")] {
        let world = World::with(&["web"]);
        let elsewhere = world.request(&vm("web"), SOURCE, world.azure_now() + TimeDelta::hours(1), requestor);
        world.scene().requests = vec![elsewhere];
        let running = Running::start(&world);
        running.done(Request::Refresh).await;
        let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
        assert_eq!(snapshot.windows[0].opened_by.as_deref(), Some(shown));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_says_so_and_the_next_one_takes_it_back() {
    let world = World::with(&["web"]);
    world.scene().trouble.insert(Call::Policies, Failure::Internal { detail: "no network".into() }.into());
    let running = Running::start(&world);
    running.done(Request::Refresh).await;
    let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(snapshot.refresh_problem.as_ref().unwrap().code, "internal");
    world.scene().trouble.clear();
    running.done(Request::Refresh).await;
    running.until(|snapshot| !snapshot.refreshing && snapshot.refresh_problem.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_refresh_takes_the_place_of_an_older_one() {
    let world = World::with(&["web"]);
    world.takes(Call::Policies, 5);
    let running = Running::start(&world);
    running.done(Request::Refresh).await;
    world.until(|scene| !scene.calls.is_empty()).await;
    running.done(Request::Refresh).await;
    world.until(|scene| scene.dropped.contains(&Call::Policies)).await;
    running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(world.count(Call::Policies), 2);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_a_favourite_that_was_turned_to_another_vm_stays_and_is_not_its_own_any_more() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    world.write("config.toml", &format!("[profiles.web]\nvm = \"{}\"\n", vm("another-one")));
    running.done(Request::ShowWindow).await;
    let snapshot = running.snapshot();
    assert_eq!((snapshot.windows.len(), &snapshot.windows[0].vm), (1, &vm("web")));
    assert_eq!(snapshot.favourites[0].state, FavouriteState::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_window_asked_for_here_is_still_ours_after_a_restart() {
    let world = World::with(&["web"]);
    let first = Running::start(&world);
    first.connected("web").await;
    first.end().await;
    let second = Running::start(&world);
    second.done(Request::Refresh).await;
    let snapshot = second.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(snapshot.windows[0].opened_by, None);
}

#[tokio::test(start_paused = true)]
async fn a_clock_found_wrong_in_the_middle_costs_the_attempt_no_time() {
    let world = World::with(&["web"]);
    world.takes(Call::Detect, 5);
    world.takes(Call::Policies, 1);
    let running = Running::start(&world);
    let number = running.connect("web").await;
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Policies)).await;
    // The first answer tells; the address is still being looked for, which may take 15 seconds.
    world.scene().skew = Some(TimeDelta::seconds(30));
    let view = running.ended(number).await;
    let Some(OutcomeView::Connected(ReachedView { elapsed_ms, .. })) = view.outcome else { panic!("{view:#?}") };
    assert!((5_000..10_000).contains(&elapsed_ms), "{elapsed_ms}");
}

#[tokio::test(start_paused = true)]
async fn what_others_have_open_is_seen_by_an_attempt_that_fails_too() {
    let world = World::with(&["web"]);
    let elsewhere = std::net::Ipv4Addr::new(198, 51, 100, 77);
    let theirs = world.request(&vm("web"), elsewhere, world.azure_now() + TimeDelta::hours(1), "bob@contoso.com");
    world.scene().requests = vec![theirs];
    let refused = Failure::RequestRefused { azure_code: "No".into(), azure_message: String::new() };
    world.scene().initiate.push_back((InitiateFailure::Refused(refused.into()), false));
    let running = Running::start(&world);
    let number = running.connect("web").await;
    assert!(matches!(running.ended(number).await.outcome, Some(OutcomeView::Failed(_))));
    let snapshot = running.snapshot();
    let shown: Vec<_> = snapshot.windows.iter().map(|window| window.opened_by.as_deref()).collect();
    assert_eq!((shown, snapshot.favourites[0].state), (vec![Some("bob@contoso.com")], FavouriteState::Open));
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_a_closed_window_goes_when_its_favourite_is_turned_to_another_vm() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    world.scene().policy_deleted = true;
    running.done(Request::Refresh).await;
    assert_eq!(running.until(|snapshot| !snapshot.refreshing).await.closed.len(), 1);
    world.write("config.toml", &format!("[profiles.web]\nvm = \"{}\"\n", vm("another-one")));
    running.done(Request::ShowWindow).await;
    assert!(running.snapshot().closed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_window_is_shown_once_with_the_favourite_that_its_port_is_for() {
    let world = World::with(&["ssh"]);
    let second = format!("[profiles.desk]\nvm = \"{}\"\nport = 3389\n", vm("ssh"));
    world.write("config.toml", &(second + &world.read("config.toml")));
    let running = Running::start(&world);
    running.connected("ssh").await;
    let shown = |snapshot: &Snapshot| -> Vec<(String, u16)> {
        snapshot.windows.iter().map(|window| (window.name.to_string(), window.port)).collect()
    };
    let expected = [("ssh".to_owned(), 22)];
    assert_eq!(shown(&running.snapshot()), expected);
    running.done(Request::Refresh).await;
    assert_eq!(shown(&*running.until(|snapshot| !snapshot.refreshing).await), expected);
    running.end().await;
    let next = Running::start(&world);
    assert_eq!(shown(&next.snapshot()), expected, "the next engine knows, too, whose it is");
    next.done(Request::Refresh).await;
    let snapshot = next.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(shown(&snapshot), expected);
    let states: Vec<_> = snapshot.favourites.iter().map(|favourite| favourite.state).collect();
    assert_eq!(states, [FavouriteState::Closed, FavouriteState::Open]);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_two_favourites_lead_to_is_told_of_once_and_both_are_open() {
    let world = World::with(&["web"]);
    let second = format!("[profiles.other]\nvm = \"{}\"\nport = 22\n", vm("web"));
    world.write("config.toml", &(second + &world.read("config.toml")));
    let running = Running::start(&world);
    running.connected("web").await;
    running.done(Request::Refresh).await;
    let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
    let states: Vec<_> = snapshot.favourites.iter().map(|favourite| favourite.state).collect();
    assert_eq!((snapshot.windows.len(), states), (1, vec![FavouriteState::Open; 2]));
}
