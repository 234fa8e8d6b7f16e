//! Access that is renewed by itself while somebody is connected.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use ajar_core::failure::Failure;
use ajar_core::journal::{Opening, OpeningResult};
use ajar_core::notice::{Told, notices};
use ajar_core::snapshot::{OutcomeView, RenewalView, Snapshot};
use ajar_core::zone::Zone;
use chrono::{DateTime, Offset as _, TimeDelta, Utc};

use super::Running;
use crate::world::{Call, World, vm};

/// A favourite that is asked for an hour, and renewed for so long.
fn world(up_to: &str, more: &str) -> Arc<World> {
    let world = World::with(&["web"]);
    let text = format!("[profiles.web]\nvm = \"{}\"\nfor = \"1h\"\nrenew_up_to = \"{up_to}\"\n{more}", vm("web"));
    world.write("config.toml", &text);
    world
}

fn end(snapshot: &Snapshot) -> DateTime<Utc> {
    snapshot.windows[0].end_time_utc
}

fn renewal(snapshot: &Snapshot) -> &RenewalView {
    snapshot.windows[0].renewal.as_ref().unwrap()
}

fn journal(world: &World) -> Vec<OpeningResult> {
    let lines = world.read("journal.jsonl");
    lines.lines().map(|line| serde_json::from_str::<Opening>(line).unwrap().result).collect()
}

#[tokio::test(start_paused = true)]
async fn access_is_renewed_while_somebody_is_connected_and_up_to_the_ceiling() {
    let world = world("150m", "");
    let running = Running::start(&world);
    running.connected("web").await;
    let first = running.snapshot();
    let opened = first.windows[0].start_time_utc;
    assert_eq!(renewal(&first).at, Some(end(&first) - TimeDelta::minutes(3)));
    world.is_connected(true);

    let second = running.until(|snapshot| renewal(snapshot).times == 1).await;
    let asked = world.azure_now() - (end(&first) - TimeDelta::minutes(3));
    assert!((TimeDelta::zero()..TimeDelta::seconds(5)).contains(&asked), "{asked}");
    let lasts = end(&second) - world.azure_now();
    assert!(lasts > TimeDelta::minutes(59) && lasts <= TimeDelta::hours(1), "{lasts}");
    assert_eq!(renewal(&second).since, opened);

    let third = running.until(|snapshot| renewal(snapshot).times == 2).await;
    assert!(end(&third) <= opened + TimeDelta::minutes(150), "never beyond the ceiling");
    assert!(end(&third) > opened + TimeDelta::minutes(149));
    assert!(!renewal(&third).renews && renewal(&third).text.starts_with("Not renewed any more"));

    running.until(|snapshot| snapshot.windows.is_empty()).await;
    assert_eq!(world.count(Call::Initiate), 3);
    let renewed = OpeningResult::Renewed;
    assert_eq!(journal(&world), [OpeningResult::Connected, renewed, renewed]);
    let looked = world.count(Call::Look);
    tokio::time::sleep(Duration::from_hours(2)).await;
    assert_eq!((looked, world.count(Call::Look)), (2, 2), "it is looked once before each end, and not without need");
}

#[tokio::test(start_paused = true)]
async fn no_renewal_opens_the_port_to_an_address_that_nobody_has_asked_for() {
    for set in ["leave", "ask"] {
        let world = world("8h", &format!("[access]\non_new_address = \"{set}\"\n"));
        let running = Running::start(&world);
        running.connected("web").await;
        world.is_connected(true);
        world.scene().address = Ipv4Addr::new(192, 0, 2, 77);
        let over = running.until(|snapshot| snapshot.windows.is_empty()).await;
        assert_eq!(world.count(Call::Initiate), 1, "{set}");
        let Some(OutcomeView::Failed(failure)) = &over.attempts[0].outcome else { panic!("{:?}", over.attempts) };
        assert_eq!(failure.code, "addressChanged");
        assert_eq!(journal(&world), [OpeningResult::Connected, OpeningResult::Failed]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_uses_ends() {
    for connected in [Some(false), None] {
        let world = world("8h", "");
        let running = Running::start(&world);
        running.connected("web").await;
        match connected {
            Some(is) => world.is_connected(is),
            None => world.scene().connected = None,
        }
        running.until(|snapshot| snapshot.windows.is_empty()).await;
        assert_eq!(world.count(Call::Initiate), 1);
        let looks = world.count(Call::Look);
        assert!((4..=6).contains(&looks), "each half minute, from three minutes before the end on: {looks}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_connects_in_the_last_minutes_is_seen() {
    let world = world("8h", "");
    let running = Running::start(&world);
    running.connected("web").await;
    let last = end(&running.snapshot()) - TimeDelta::seconds(70) - world.azure_now();
    tokio::time::sleep(last.to_std().unwrap()).await;
    world.is_connected(true);
    running.until(|snapshot| renewal(snapshot).times == 1).await;
}

#[tokio::test(start_paused = true)]
async fn without_the_key_nothing_is_looked_at() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    world.is_connected(true);
    running.until(|snapshot| snapshot.windows.is_empty()).await;
    assert_eq!((world.count(Call::Initiate), world.count(Call::Look)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_with_its_command_renews_nothing() {
    let world = world("8h", "");
    let running = Running::for_a_moment(&world);
    running.connected("web").await;
    world.is_connected(true);
    assert_eq!(running.snapshot().windows[0].renewal, None);
    running.until(|snapshot| snapshot.windows.is_empty()).await;
    assert_eq!((world.count(Call::Initiate), world.count(Call::Look)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_told_once_and_not_tried_again() {
    let world = world("8h", "");
    let running = Running::start(&world);
    running.connected("web").await;
    world.is_connected(true);
    let refused = Failure::RequestRefused { azure_code: "Forbidden".into(), azure_message: "not now".into() };
    world.scene().trouble.insert(Call::Initiate, refused.into());
    let failed = |snapshot: &Snapshot| matches!(snapshot.attempts[0].outcome, Some(OutcomeView::Failed(_)));
    let before = running.snapshot();
    let after = running.until(failed).await;
    let zone = Zone::always(Utc.fix(), world.azure_now());
    let mut told = Told::default();
    let titles = |before: &Snapshot, after: &Snapshot, told: &mut Told| {
        notices(Some(before), after, told, world.azure_now(), zone)
            .into_iter()
            .map(|notice| notice.title)
            .collect::<Vec<_>>()
    };
    assert_eq!(titles(&before, &after, &mut told), ["web was not renewed"]);
    assert!(titles(&after, &after, &mut told).is_empty());
    assert!(renewal(&after).text.contains("could not be renewed"), "{}", renewal(&after).text);
    running.until(|snapshot| snapshot.windows.is_empty()).await;
    assert_eq!(world.count(Call::Initiate), 2);
}

#[tokio::test(start_paused = true)]
async fn what_asks_for_a_reason_is_not_renewed_and_says_so() {
    let world = world("8h", "ask_justification = true\n");
    let running = Running::start(&world);
    let wish = ajar_core::protocol::Connect { reason: Some("ticket 7".into()), ..super::connect("web") };
    running.ask(ajar_core::protocol::Request::Connect(wish)).await;
    let open = running.until(|snapshot| !snapshot.windows.is_empty()).await;
    world.is_connected(true);
    assert!(renewal(&open).at.is_none() && renewal(&open).text.contains("a reason"));
    running.until(|snapshot| snapshot.windows.is_empty()).await;
    assert_eq!(world.count(Call::Initiate), 1);
}

#[tokio::test(start_paused = true)]
async fn the_next_host_knows_since_when_and_how_often() {
    let world = world("8h", "");
    let first = Running::start(&world);
    first.connected("web").await;
    world.is_connected(true);
    let snapshot = first.until(|snapshot| renewal(snapshot).times == 1).await;
    first.end().await;
    let second = Running::start(&world);
    assert_eq!(renewal(&second.snapshot()), renewal(&snapshot));
    second.until(|snapshot| renewal(snapshot).times == 2).await;
    assert_eq!(world.count(Call::Initiate), 3);
}

#[tokio::test(start_paused = true)]
async fn who_has_slept_through_the_end_asks_for_nothing() {
    let world = world("8h", "");
    let running = Running::start(&world);
    running.connected("web").await;
    world.is_connected(true);
    world.set_forward(TimeDelta::minutes(61));
    running.until(|snapshot| snapshot.windows.is_empty()).await;
    assert_eq!(world.count(Call::Initiate), 1);
}
