//! This machine moves to another network while something is open.

use std::net::Ipv4Addr;
use std::time::Duration;

use ajar_core::attempt::InitiateFailure;
use ajar_core::failure::Failure;
use ajar_core::network::OnNewAddress;
use ajar_core::policy::{JitNetworkAccessRequest, RequestStatus, StatusReason};
use ajar_core::protocol::{Connect, Deallocate, Reply, Request};
use ajar_core::settings::Setting;
use ajar_core::snapshot::{AttemptNumber, LeftBehindView, OutcomeView, Snapshot};
use chrono::{DateTime, TimeDelta, Utc};

use super::{Running, connect, name};
use crate::world::{Call, SOURCE, World, vm};

pub(super) const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 77);

/// How soon after a change access from the new address is to be asked for.
const SOON: Duration = Duration::from_secs(5);

impl World {
    /// This machine is at another address, and the system tells of the network.
    pub(super) fn moves_to(&self, address: Ipv4Addr) {
        self.scene().address = address;
        self.network.changes();
    }

    /// From where access was asked for, in order, and until when.
    pub(super) fn asked_from(&self) -> Vec<(String, DateTime<Utc>)> {
        let port = |request: &JitNetworkAccessRequest| request.virtual_machines[0].ports[0].clone();
        let ports = self.scene().requests.iter().map(port).collect::<Vec<_>>();
        ports.iter().map(|port| (port.allowed_source_address_prefixes[0].to_string(), port.end_time_utc)).collect()
    }

    /// The newest request takes the place of those before it.
    pub(super) fn replace_older(&self) {
        let mut scene = self.scene();
        let older = scene.requests.len() - 1;
        for request in &mut scene.requests[..older] {
            request.virtual_machines[0].ports[0].status = RequestStatus::Revoked(StatusReason::NewerRequestInitiated);
        }
    }
}

impl Running {
    pub(super) async fn sets(&self, on: OnNewAddress) {
        self.done(Request::Set { setting: Setting::OnNewAddress(Some(on)) }).await;
    }

    pub(super) async fn asks(&self, wish: Connect) -> AttemptNumber {
        let reply = self.engine.ask(Request::Connect(wish)).await;
        let Reply::Attempt { number } = reply else { panic!("{reply:?}") };
        number
    }
}

pub(super) fn left(snapshot: &Snapshot) -> Option<&LeftBehindView> {
    snapshot.windows.first()?.left_behind.as_ref()
}

fn is_left_at(snapshot: &Snapshot, address: Option<Ipv4Addr>) -> bool {
    left(snapshot).is_some_and(|left| left.address == address)
}

pub(super) async fn while_nothing_happens() {
    tokio::time::sleep(Duration::from_mins(5)).await;
}

#[tokio::test(start_paused = true)]
async fn a_window_from_another_address_is_told_of_and_asked_for_from_here_when_somebody_says_so() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    let end = running.snapshot().windows[0].end_time_utc;
    assert_eq!(left(&running.snapshot()), None);
    world.moves_to(ELSEWHERE);
    let snapshot = tokio::time::timeout(SOON, running.until(|snapshot| left(snapshot).is_some())).await.unwrap();
    let told = left(&snapshot).unwrap();
    let text = "Your address is now 198.51.100.77. It is open until 14:00 from 203.0.113.24, and lets no new connections in from here.";
    assert_eq!((told.address, told.text.as_str()), (Some(ELSEWHERE), text));
    while_nothing_happens().await;
    assert_eq!(world.count(Call::Initiate), 1, "nobody has said so");

    let number = running.asks(Connect::from_here(name("web"))).await;
    let ended = running.ended(number).await;
    let Some(OutcomeView::Extended(grant)) = ended.outcome else { panic!("{ended:#?}") };
    assert_eq!((grant.end_time_utc, grant.source.as_str()), (end, "198.51.100.77"));
    assert_eq!(ended.headline, "Open from here");
    let snapshot = running.snapshot();
    assert_eq!((snapshot.windows.len(), snapshot.windows[0].source.as_str()), (1, "198.51.100.77"));
    assert_eq!(left(&snapshot), None);
    assert_eq!(snapshot.closed, []);
    assert_eq!(world.asked_from(), [(SOURCE.to_string(), end), (ELSEWHERE.to_string(), end)]);
}

#[tokio::test(start_paused = true)]
async fn access_from_the_new_address_is_asked_for_at_once_and_for_what_is_left_where_it_is_set_so() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.sets(OnNewAddress::Request).await;
    assert!(world.read("config.toml").contains("[access]\non_new_address = \"request\""));
    running.connected("web").await;
    let end = running.snapshot().windows[0].end_time_utc;
    tokio::time::sleep(Duration::from_mins(40)).await;
    world.takes(Call::Detect, 1);
    let before = tokio::time::Instant::now();
    world.moves_to(ELSEWHERE);
    world.until(|scene| scene.requests.len() == 2).await;
    assert!(before.elapsed() <= SOON, "{:?}", before.elapsed());
    running.until(|snapshot| snapshot.windows[0].source == "198.51.100.77").await;
    assert_eq!(world.asked_from()[1], (ELSEWHERE.to_string(), end));
    while_nothing_happens().await;
    assert_eq!(world.count(Call::Initiate), 2, "once");

    // Back again, where the request from elsewhere has taken the place of the first.
    world.replace_older();
    running.done(Request::Refresh).await;
    running.until(|snapshot| !snapshot.refreshing).await;
    world.moves_to(SOURCE);
    world.until(|scene| scene.requests.len() == 3).await;
    running.until(|snapshot| snapshot.windows[0].source == SOURCE.to_string()).await;
    assert_eq!(world.asked_from()[2], (SOURCE.to_string(), end));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_from_the_new_address_is_told_and_not_asked_for_again_before_there_is_another() {
    let world = World::with(&["web"]);
    world.write("config.toml", &(world.read("config.toml") + "[access]\non_new_address = \"request\"\n"));
    let running = Running::start(&world);
    running.connected("web").await;
    let refused = Failure::RequestRefused { azure_code: "No".into(), azure_message: String::new() };
    world.scene().initiate.push_back((InitiateFailure::Refused(refused.into()), false));
    world.moves_to(ELSEWHERE);
    let failed =
        |snapshot: &Snapshot| snapshot.attempts.iter().any(|one| matches!(one.outcome, Some(OutcomeView::Failed(_))));
    let snapshot = running.until(failed).await;
    assert!(is_left_at(&snapshot, Some(ELSEWHERE)), "{:#?}", snapshot.windows);
    world.network.changes();
    while_nothing_happens().await;
    assert_eq!(world.count(Call::Initiate), 2);
    world.moves_to(Ipv4Addr::new(192, 0, 2, 4));
    world.until(|scene| scene.requests.len() == 2).await;
}

#[tokio::test(start_paused = true)]
async fn back_at_the_address_from_before_there_is_nothing_to_ask() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    world.moves_to(ELSEWHERE);
    running.until(|snapshot| left(snapshot).is_some()).await;
    world.moves_to(SOURCE);
    running.until(|snapshot| left(snapshot).is_none()).await;
    let number = running.asks(Connect::from_here(name("web"))).await;
    assert!(matches!(running.ended(number).await.outcome, Some(OutcomeView::Extended(_))));
    assert_eq!(world.count(Call::Initiate), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_listens_or_looks_while_nothing_is_open_or_where_nothing_is_to_be_done() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    assert_eq!(world.network.listeners(), 0);
    running.connected("web").await;
    assert_eq!(world.network.listeners(), 1);
    let looks = world.count(Call::Detect);
    running.sets(OnNewAddress::Leave).await;
    assert_eq!(world.network.listeners(), 0);
    world.moves_to(ELSEWHERE);
    running.done(Request::Refresh).await;
    while_nothing_happens().await;
    assert_eq!((world.count(Call::Detect), left(&running.snapshot())), (looks, None));
    running.sets(OnNewAddress::Ask).await;
    assert_eq!(world.network.listeners(), 1);
    running.until(|snapshot| snapshot.windows.is_empty()).await;
    assert_eq!(world.network.listeners(), 0);
    let before = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_hours(24 * 365)).await;
    assert_eq!(before.elapsed(), Duration::from_hours(24 * 365), "no timer is left");
}

#[tokio::test(start_paused = true)]
async fn where_the_address_cannot_be_established_nothing_is_asked_which_is_told_until_it_can() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.sets(OnNewAddress::Request).await;
    running.connected("web").await;
    let seen = vec![SOURCE, ELSEWHERE];
    world.scene().trouble.insert(Call::Detect, Failure::SourceUncertain { seen }.into());
    world.moves_to(ELSEWHERE);
    let snapshot = running.until(|snapshot| left(snapshot).is_some()).await;
    let told = left(&snapshot).unwrap();
    assert_eq!(told.address, None);
    assert!(told.text.contains("disagree (203.0.113.24, 198.51.100.77)") && told.text.contains("nothing was asked"));
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(world.count(Call::Initiate), 1);
    world.scene().trouble.clear();
    // It is looked again by itself, a few times.
    world.until(|scene| scene.requests.len() == 2).await;
    running.until(|snapshot| left(snapshot).is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_stays_unknown_is_not_looked_for_for_ever() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    let looks = world.count(Call::Detect);
    world.scene().trouble.insert(Call::Detect, Failure::SourceUnknown.into());
    world.moves_to(ELSEWHERE);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(world.count(Call::Detect) - looks, 6);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_fixed_or_was_named_does_not_move_also_after_a_restart() {
    for is_in_profile in [true, false] {
        let world = World::with(&["web"]);
        let (profile, source) = (format!("source = \"{SOURCE}\"\n"), Some(SOURCE));
        let (profile, source) = if is_in_profile { (profile, None) } else { (String::new(), source) };
        world.write("config.toml", &(world.read("config.toml") + &profile));
        let running = Running::start(&world);
        let number = running.asks(Connect { source, ..connect("web") }).await;
        running.ended(number).await;
        assert_eq!((world.count(Call::Initiate), world.network.listeners()), (1, 0));
        world.scene().address = ELSEWHERE;
        running.done(Request::Refresh).await;
        let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
        assert_eq!((snapshot.windows.len(), left(&snapshot)), (1, None));
        running.end().await;
        let next = Running::start(&world);
        next.done(Request::Refresh).await;
        let snapshot = next.until(|snapshot| !snapshot.refreshing).await;
        assert_eq!((snapshot.windows.len(), left(&snapshot)), (1, None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_a_sleep_and_another_attempt_see_it_too_without_any_event() {
    for how in ["refresh", "sleep", "attempt"] {
        let world = World::with(&["web", "db"]);
        let running = Running::start(&world);
        running.connected("web").await;
        world.takes(Call::Detect, 1);
        world.scene().address = ELSEWHERE;
        match how {
            "refresh" => {
                running.done(Request::Refresh).await;
                assert!(running.snapshot().refreshing);
                running.until(|snapshot| !snapshot.refreshing).await;
            }
            "sleep" => world.set_forward(TimeDelta::minutes(10)),
            _ => drop(running.connect("db").await),
        }
        let is_told = |snapshot: &Snapshot| {
            let web = snapshot.windows.iter().find(|window| window.name.as_str() == "web");
            web.is_some_and(|web| web.left_behind.as_ref().is_some_and(|left| left.address == Some(ELSEWHERE)))
        };
        running.until(is_told).await;
    }
}

#[tokio::test(start_paused = true)]
async fn changes_that_come_together_are_one_and_the_last_look_counts() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    let looks = world.count(Call::Detect);
    for _ in 0..5 {
        world.network.changes();
    }
    world.moves_to(ELSEWHERE);
    running.until(|snapshot| left(snapshot).is_some()).await;
    assert_eq!(world.count(Call::Detect) - looks, 1);
    // One that takes long is overtaken by the next change.
    world.takes(Call::Detect, 10);
    world.moves_to(SOURCE);
    world.until(|scene| scene.calls.iter().filter(|(call, _)| *call == Call::Detect).count() == looks + 2).await;
    world.takes(Call::Detect, 0);
    world.moves_to(Ipv4Addr::new(192, 0, 2, 4));
    running.until(|snapshot| is_left_at(snapshot, Some(Ipv4Addr::new(192, 0, 2, 4)))).await;
    while_nothing_happens().await;
    assert!(is_left_at(&running.snapshot(), Some(Ipv4Addr::new(192, 0, 2, 4))));
}

#[tokio::test(start_paused = true)]
async fn what_azure_keeps_open_for_the_address_from_before_is_told_once_it_shows_both() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.sets(OnNewAddress::Request).await;
    running.connected("web").await;
    world.moves_to(ELSEWHERE);
    let snapshot = running.until(|snapshot| snapshot.windows[0].beside.is_some()).await;
    let told = "Azure keeps it open from 203.0.113.24, too, until 14:00.";
    assert_eq!((snapshot.windows.len(), snapshot.windows[0].beside.as_deref()), (1, Some(told)));
    // Back again, the first lets in, and that is what is shown.
    world.moves_to(SOURCE);
    running.until(|snapshot| snapshot.windows[0].source == SOURCE.to_string()).await;
    assert_eq!(world.count(Call::Initiate), 2);
    world.moves_to(ELSEWHERE);
    running.until(|snapshot| snapshot.windows[0].source == ELSEWHERE.to_string()).await;
    world.replace_older();
    running.done(Request::Refresh).await;
    let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!((snapshot.windows[0].beside.as_deref(), snapshot.closed.len()), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn the_reason_that_somebody_gave_goes_along() {
    let world = World::with(&["web"]);
    world.write(
        "config.toml",
        &(world.read("config.toml") + "ask_justification = true\n[access]\non_new_address = \"request\"\n"),
    );
    let running = Running::start(&world);
    let number = running.asks(Connect { reason: Some("patch day".into()), ..connect("web") }).await;
    running.ended(number).await;
    world.moves_to(ELSEWHERE);
    running.until(|snapshot| snapshot.windows[0].source == ELSEWHERE.to_string()).await;
    assert_eq!(world.read("journal.jsonl").matches("patch day").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_for_a_vm_that_rests() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.sets(OnNewAddress::Request).await;
    running.connected("web").await;
    let reply = running.ask(Request::Deallocate(Deallocate::new(name("web")))).await;
    assert!(matches!(reply, Reply::Deallocation { .. }), "{reply:?}");
    running.until(|snapshot| snapshot.deallocations.iter().any(|one| one.outcome.is_some())).await;
    world.moves_to(ELSEWHERE);
    running.until(|snapshot| left(snapshot).is_some()).await;
    while_nothing_happens().await;
    assert_eq!(world.count(Call::Initiate), 1);
}

#[tokio::test(start_paused = true)]
async fn opening_it_again_asks_from_here_too() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    world.scene().address = ELSEWHERE;
    running.connected("web").await;
    let asked = world.asked_from();
    assert_eq!((asked.len(), asked[1].0.as_str()), (2, "198.51.100.77"));
    assert_eq!(
        (running.snapshot().windows[0].source.as_str(), vm("web")),
        ("198.51.100.77", running.snapshot().windows[0].vm.clone())
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_to_be_left_behind_while_it_is_being_opened_from_here() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    world.scene().address = ELSEWHERE;
    world.takes(Call::Policies, 2);
    let mut snapshots = running.engine.snapshots();
    let number = running.connect("web").await;
    while super::find(&snapshots.borrow_and_update().clone(), number).is_none_or(|view| view.outcome.is_none()) {
        assert_eq!(left(&running.snapshot()), None);
        snapshots.changed().await.unwrap();
    }
    assert_eq!(left(&running.snapshot()), None);
}

#[tokio::test(start_paused = true)]
async fn more_time_for_what_was_opened_from_a_named_address_is_for_that_one() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    let wish = Connect { source: Some(ELSEWHERE), seconds: Some(1_800), ..connect("web") };
    world.scene().address = ELSEWHERE;
    let number = running.asks(wish).await;
    running.ended(number).await;
    world.scene().address = SOURCE;
    let number = running.asks(Connect::more_time(name("web"))).await;
    assert!(matches!(running.ended(number).await.outcome, Some(OutcomeView::Extended(_))));
    let asked: Vec<_> = world.asked_from().into_iter().map(|(source, _)| source).collect();
    assert_eq!(asked, ["198.51.100.77", "198.51.100.77"]);
}
