//! Looking how things stand, without opening anything.

use ajar_core::profile::Profile;
use ajar_core::protocol::Request;
use ajar_core::snapshot::Snapshot;
use ajar_core::vm::PowerState;

use super::{Running, name};
use crate::world::{Call, SOURCE, World, vm};

fn details(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.favourites.iter().map(|favourite| favourite.detail.as_str()).collect()
}

async fn refreshed(running: &Running) -> std::sync::Arc<Snapshot> {
    running.done(Request::Refresh).await;
    running.until(|snapshot| !snapshot.refreshing).await
}

#[tokio::test(start_paused = true)]
async fn a_refresh_lists_each_subscription_once_and_reads_each_vm_once() {
    let world = World::with(&["web", "db"]);
    let elsewhere = vm("far").to_string().replace("/subscriptions/s/", "/subscriptions/t/");
    let shouted = vm("web").to_string().to_uppercase();
    let more = format!("[profiles.far]\nvm = \"{elsewhere}\"\n[profiles.again]\nvm = \"{shouted}\"\n");
    world.write("config.toml", &(world.read("config.toml") + &more));
    let running = Running::start(&world);
    refreshed(&running).await;
    let mut listed: Vec<_> = world.scene().listed.iter().map(Vec::len).collect();
    listed.sort_unstable();
    assert_eq!((listed, world.count(Call::Vm)), (vec![1, 3], 3));
}

#[tokio::test(start_paused = true)]
async fn a_vm_that_cannot_be_read_leaves_the_others_and_is_not_shown_as_it_was() {
    let world = World::with(&["web", "db"]);
    world.scene().power = PowerState::Deallocated;
    let running = Running::start(&world);
    assert_eq!(details(refreshed(&running).await.as_ref()), ["rg · deallocated", "rg · deallocated"]);
    world.scene().power = PowerState::Running;
    world.scene().unreadable = vec![vm("web")];
    assert_eq!(details(refreshed(&running).await.as_ref()), ["rg", "rg · running"]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_tells_whether_its_vm_runs_without_another_look() {
    let world = World::with(&["web"]);
    world.scene().power = PowerState::Deallocated;
    world.takes(Call::Start, 30);
    let running = Running::start(&world);
    let number = running.connect("web").await;
    running.until(|snapshot| details(snapshot) == ["rg · deallocated"]).await;
    running.ended(number).await;
    assert_eq!(details(&running.snapshot()), ["rg · running"]);
    assert_eq!(world.count(Call::Vm), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_while_the_vm_starts_looks_once_and_the_start_tells_the_rest() {
    let world = World::with(&["web"]);
    world.scene().power = PowerState::Deallocated;
    world.takes(Call::Start, 30);
    let running = Running::start(&world);
    running.connect("web").await;
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Start)).await;
    world.scene().power = PowerState::Starting;
    running.done(Request::Cancel { name: name("web") }).await;
    running.until(|snapshot| details(snapshot) == ["rg · starting"]).await;
    running.until(|snapshot| details(snapshot) == ["rg · running"]).await;
    assert_eq!(world.count(Call::Vm), 2);
}

#[tokio::test(start_paused = true)]
async fn a_favourite_turned_to_another_vm_does_not_keep_the_old_ones_state() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    assert_eq!(details(refreshed(&running).await.as_ref()), ["rg · running"]);
    running.done(Request::Remove { name: name("web") }).await;
    world.scene().power = PowerState::Deallocated;
    world.takes(Call::Vm, 1);
    running.done(Request::Add { name: name("web"), profile: Profile::new(vm("other")) }).await;
    assert_eq!(details(&running.snapshot()), ["other · rg"]);
    running.until(|snapshot| details(snapshot) == ["other · rg · deallocated"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_favourite_is_looked_at_where_the_others_have_been() {
    for by_hand in [false, true] {
        let world = World::with(&["web"]);
        let elsewhere =
            world.request(&vm("db"), SOURCE, world.azure_now() + chrono::TimeDelta::hours(1), "bob@contoso.com");
        world.scene().requests = vec![elsewhere];
        let running = Running::start(&world);
        let add = async |name: &str| {
            if by_hand {
                let more = format!("[profiles.{name}]\nvm = \"{}\"\n", vm(name));
                world.write("config.toml", &(world.read("config.toml") + &more));
                running.done(Request::ShowWindow).await;
            } else {
                running.done(Request::Add { name: name.parse().unwrap(), profile: Profile::new(vm(name)) }).await;
            }
        };
        add("early").await;
        refreshed(&running).await;
        assert_eq!(world.count(Call::Vm), 2, "nobody had wanted to know before");
        add("db").await;
        let snapshot =
            running.until(|snapshot| details(snapshot)[2] == "rg · running" && !snapshot.windows.is_empty()).await;
        assert_eq!(snapshot.windows[0].name.as_str(), "db");
        assert_eq!(world.count(Call::Vm), 3);
    }
}
