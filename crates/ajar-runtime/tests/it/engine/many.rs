//! Five hundred favourites.

use ajar_core::protocol::Request;
use chrono::TimeDelta;

use super::Running;
use crate::world::{Call, SOURCE, World, vm};

const MANY: usize = 500;

#[tokio::test(start_paused = true)]
async fn five_hundred_open_favourites_are_no_burden() {
    let names: Vec<_> = (0..MANY).map(|index| format!("machine-{index:03}")).collect();
    let world = World::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let end = world.azure_now() + TimeDelta::hours(1);
    let requests = names.iter().map(|name| world.request(&vm(name), SOURCE, end, "bob")).collect();
    world.scene().requests = requests;
    let running = Running::start(&world);
    running.done(Request::Refresh).await;
    let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(snapshot.windows.len(), MANY);
    assert_eq!((world.count(Call::Policies), world.count(Call::Vm)), (1, MANY));

    let size = serde_json::to_vec(&*snapshot).unwrap().len();
    assert!(size < 720 * MANY, "{size} bytes");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_reads_eight_vms_at_a_time() {
    let names: Vec<_> = (0..40).map(|index| format!("machine-{index:03}")).collect();
    let world = World::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    world.takes(Call::Vm, 1);
    let running = Running::start(&world);
    let began = tokio::time::Instant::now();
    running.done(Request::Refresh).await;
    running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(began.elapsed().as_secs(), 5);
}
