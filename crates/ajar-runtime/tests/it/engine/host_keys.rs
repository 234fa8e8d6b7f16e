//! The keys of SSH servers, held against those that ssh knows.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ajar_core::host_key::{HostKey, HostKeyLook, keys};
use ajar_core::protocol::{Connect, Reply, Request};
use ajar_core::snapshot::{FailureView, OutcomeView};
use ajar_core::vm::VmIdentity;

use super::{Running, connect};
use crate::world::World;

fn made(vm_id: &str) -> VmIdentity {
    VmIdentity { vm_id: vm_id.into(), time_created: "2026-11-02T08:00:00Z".parse().ok() }
}

fn key(text: &str) -> HostKey {
    keys(&format!("web ssh-ed25519 {text}")).remove(0)
}

fn knows(text: &str) -> HostKeyLook {
    HostKeyLook::Known(key(text))
}

/// ssh knows that key, and the server shows another.
fn changed(known: &str) -> HostKeyLook {
    HostKeyLook::Changed { known: key(known), file: "/home/ada/.ssh/known_hosts".into() }
}

/// A world in which ssh has gone to “web” when that was VM `first`, and knows its key.
async fn known() -> (Arc<World>, Running) {
    let world = World::with(&["web"]);
    world.scene().host_key = knows("A");
    world.scene().identity = Some(made("first"));
    let running = Running::start(&world);
    running.connected("web").await;
    (world, running)
}

/// Why the client of “web” is not started.
async fn refused(world: &World, running: &Running) -> FailureView {
    let launched = world.scene().launched.len();
    let number = running.connect("web").await;
    let view = running.ended(number).await;
    assert_eq!(world.scene().launched.len(), launched, "no client is started");
    let Some(OutcomeView::Failed(failure)) = view.outcome else { panic!("{:?}", view.outcome) };
    assert_eq!(failure.code, "hostKeyChanged");
    failure
}

#[tokio::test(start_paused = true)]
async fn a_server_with_another_key_is_told_of_before_its_client_starts_with_what_azure_says_of_the_vm() {
    let (world, running) = known().await;
    world.scene().host_key = changed("A");
    assert!(refused(&world, &running).await.message.contains("Azure knows of no change"));
    world.scene().identity = Some(made("second"));
    assert!(refused(&world, &running).await.message.contains("Azure made this VM anew"));
}

#[tokio::test(start_paused = true)]
async fn which_vm_it_was_is_known_to_the_next_engine_and_forgotten_for_the_one_whose_key_ssh_knows_now() {
    let (world, running) = known().await;
    running.end().await;
    world.scene().identity = Some(made("second"));
    world.scene().host_key = changed("A");
    let running = Running::start(&world);
    assert!(refused(&world, &running).await.message.contains("made this VM anew"));
    // The user has removed the old key, and ssh has taken the new one.
    world.scene().host_key = knows("B");
    running.connected("web").await;
    world.scene().host_key = changed("B");
    let failure = refused(&world, &running).await;
    assert!(failure.message.contains("knows of no change"), "{} {}", failure.message, world.read("state.json"));
}

#[tokio::test(start_paused = true)]
async fn of_a_vm_that_was_not_known_before_nothing_is_claimed() {
    let world = World::with(&["web"]);
    world.scene().identity = Some(made("first"));
    world.scene().host_key = changed("A");
    let running = Running::start(&world);
    let failure = refused(&world, &running).await;
    assert!(failure.message.contains("Azure made this VM on"), "{}", failure.message);
    assert!(failure.message.contains("somebody may be in between"), "{}", failure.message);
}

#[tokio::test(start_paused = true)]
async fn where_the_address_is_not_the_vms_any_more_that_is_said_and_azure_is_asked_for_it_the_next_time() {
    let world = World::with(&["web"]);
    world.scene().is_static = true;
    world.scene().identity = Some(made("first"));
    let running = Running::start(&world);
    running.connected("web").await;
    world.scene().host_key = changed("A");
    world.scene().public = Ipv4Addr::new(198, 51, 100, 77);
    let failure = refused(&world, &running).await;
    assert!(failure.message.contains("which is at 198.51.100.77 now"), "{}", failure.message);
    world.scene().host_key = HostKeyLook::Unknown;
    running.connected("web").await;
    assert_eq!(world.scene().launched.last().unwrap().host, "198.51.100.77");
}

#[tokio::test(start_paused = true)]
async fn who_goes_by_himself_is_not_held_up_and_what_ssh_knows_is_learnt_beside_him() {
    let world = World::with(&["web"]);
    world.scene().identity = Some(made("first"));
    world.scene().host_key = knows("A");
    let running = Running::start(&world);
    let alone = Connect { launch: false, ..connect("web") };
    let reply = running.ask(Request::Connect(alone)).await;
    let Reply::Attempt { number } = reply else { panic!("{reply:?}") };
    running.ended(number).await;
    // The look is a task of its own: it is done before what is asked next.
    running.done(Request::Refresh).await;
    running.until(|snapshot| !snapshot.refreshing).await;
    running.end().await;
    assert!(world.read("state.json").contains("first"), "{}", world.read("state.json"));
}
