//! What opening a VM would meet, found out without changing anything.

use std::net::Ipv4Addr;

use ajar_core::failure::{Failure, SignInReason};
use ajar_core::policy::{RequestStatus, StatusReason};
use ajar_core::profile::Profile;
use ajar_core::protocol::{Reply, Request};
use ajar_core::rights::{Granted, Permission};
use ajar_core::snapshot::{Check, CheckState, DiagnosisView};
use ajar_core::vm::PowerState;
use chrono::TimeDelta;

use super::{Running, name};
use crate::world::{Call, SOURCE, World, vm};

async fn diagnosed(running: &Running, of: &str) -> DiagnosisView {
    let reply = running.ask(Request::Diagnose { name: name(of), profile: None }).await;
    let Reply::Diagnosis { diagnosis } = reply else { panic!("{reply:?}") };
    *diagnosis
}

fn may(actions: &[&str]) -> Granted {
    let actions = actions.iter().map(ToString::to_string).collect();
    let permissions = Some(vec![Permission { actions, not_actions: Vec::new() }]);
    Granted { vm: permissions.clone(), resource_group: permissions, refused: Vec::new() }
}

/// A world in which everything is as it should be, behind a closed port.
fn fine() -> std::sync::Arc<World> {
    let world = World::with(&["web"]);
    world.scene().granted = may(&["*"]);
    world
}

fn told(view: &DiagnosisView) -> String {
    let lines = view.checks.iter().map(|check| format!("{:?} {}: {}", check.state, check.label, check.text));
    lines.chain([view.summary.clone()]).collect::<Vec<_>>().join("\n")
}

fn check(view: &DiagnosisView, wanted: Check) -> (CheckState, &str) {
    let found = view.checks.iter().find(|check| check.check == wanted);
    found.map_or_else(|| panic!("no {wanted:?}: {}", told(view)), |check| (check.state, check.text.as_str()))
}

fn code(view: &DiagnosisView) -> Option<&str> {
    view.failure.as_ref().map(|failure| failure.code.as_str())
}

const RESTING: &str = "\
Passed Account: az
Passed Your address: 203.0.113.24, three sources agree
Noted VM: deallocated, westeurope, started when it is opened
Passed Its address: 198.51.100.5, public, and stays its own
Passed JIT policy: “default” admits port 22 from here, for 2 hours
Noted Access: none now; it is asked for when it is opened
Noted Port: 198.51.100.5:22 does not answer, as a port does that is closed
Passed Rights: Your account has all rights that opening web takes, as far as Azure lists them.
Passed Client: ssh
Nothing stands in the way: opening web would ask for access to port 22 from 203.0.113.24 for 2 hours and start the VM.";

const OPEN: &str = "\
Passed Account: az
Passed Your address: 203.0.113.24, three sources agree
Passed VM: running, westeurope
Passed Its address: 198.51.100.5, public, and stays its own
Passed JIT policy: “default” admits port 22 from here, for 2 hours
Passed Access: open from 203.0.113.24 until 13:00
Passed Port: 198.51.100.5:22 answers as SSH does
Passed Rights: Your account has all rights that opening web takes, as far as Azure lists them.
Passed Client: ssh
It answers now: opening web asks nothing of Azure.";

const UNSIGNED: &str = "\
Failed Account: az: The sign-in of az has run out.
Passed Your address: 203.0.113.24, three sources agree
Unknown VM: not looked at: something else is in the way
Unknown JIT policy: not looked at: something else is in the way
Unknown Rights: not looked at: something else is in the way
Passed Client: ssh
Opening web would fail: The sign-in of az has run out.";

fn nothing_was_written(world: &World) {
    assert_eq!([Call::Initiate, Call::Start, Call::Launch].map(|call| world.count(call)), [0; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_vm_that_rests_is_told_with_what_opening_it_would_do_and_nothing_is_done() {
    let world = fine();
    world.scene().power = PowerState::Deallocated;
    let running = Running::start(&world);
    let view = diagnosed(&running, "WEB").await;
    assert_eq!(code(&view), None);
    assert_eq!(told(&view), RESTING);
    nothing_was_written(&world);
    assert!(running.snapshot().attempts.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_open_port_is_told_with_the_window_that_has_opened_it() {
    let world = fine();
    let end = world.azure_now() + TimeDelta::hours(1);
    world.scene().requests = vec![world.request(&vm("web"), SOURCE, end, "me")];
    let running = Running::start(&world);
    let view = diagnosed(&running, "web").await;
    assert_eq!(told(&view), OPEN);
    nothing_was_written(&world);
}

#[tokio::test(start_paused = true)]
async fn access_from_another_address_and_access_that_has_ended_are_told_as_that() {
    let world = fine();
    let elsewhere = Ipv4Addr::new(192, 0, 2, 9);
    let end = world.azure_now() + TimeDelta::hours(1);
    world.scene().requests = vec![world.request(&vm("web"), elsewhere, end, "me")];
    let running = Running::start(&world);
    let view = diagnosed(&running, "web").await;
    let open = (CheckState::Noted, "open until 13:00 from 192.0.2.9, but not from 203.0.113.24");
    assert_eq!(check(&view, Check::Access), open);
    assert!(view.summary.contains("ask for access to port 22 from 203.0.113.24 for 2 hours"), "{}", view.summary);
    for (reason, text) in [
        (StatusReason::Expired, "none now; the last one ended 13:00"),
        (StatusReason::UserRequested, "none now; the last one was to be open until 13:00, and was taken back"),
    ] {
        world.scene().requests[0].virtual_machines[0].ports[0].status = RequestStatus::Revoked(reason);
        assert_eq!(check(&diagnosed(&running, "web").await, Check::Access), (CheckState::Noted, text));
    }
}

#[tokio::test(start_paused = true)]
async fn a_port_that_stays_shut_although_azure_let_one_in_long_ago_is_what_is_in_the_way() {
    let world = fine();
    let end = world.azure_now() + TimeDelta::hours(1);
    let mut request = world.request(&vm("web"), SOURCE, end, "me");
    world.scene().trouble.insert(Call::Probe, Failure::SourceUnknown.into());
    world.scene().requests = vec![request.clone()];
    let running = Running::start(&world);
    let view = diagnosed(&running, "web").await;
    assert_eq!((code(&view), check(&view, Check::Port).0), (None, CheckState::Noted), "it was granted just now");
    request.start_time_utc -= TimeDelta::minutes(6);
    world.scene().requests = vec![request];
    let view = diagnosed(&running, "web").await;
    assert_eq!((code(&view), check(&view, Check::Port).0), (Some("portRefused"), CheckState::Failed));
    assert!(view.failure.unwrap().message.contains("11:54"), "since when it should have been open");
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_in_the_way_where_opening_would_use_it() {
    let world = fine();
    world.scene().granted = may(&["*/read", "*/initiate/action"]);
    let running = Running::start(&world);
    let view = diagnosed(&running, "web").await;
    assert_eq!((code(&view), check(&view, Check::Rights).0), (None, CheckState::Noted), "it runs");
    world.scene().power = PowerState::Deallocated;
    let view = diagnosed(&running, "web").await;
    assert_eq!((code(&view), check(&view, Check::Rights).0), (Some("accessDenied"), CheckState::Failed));
    let failure = view.failure.unwrap();
    assert!(failure.message.contains("virtualMachines/start/action"), "{failure:?}");
    assert_eq!(failure.exit_code, 4);
    world.scene().granted = may(&["*/read", "*/start/action"]);
    let failure = diagnosed(&running, "web").await.failure.unwrap();
    assert!(failure.message.contains("initiate/action"), "{failure:?}");
    // Nobody can tell what may not be looked up.
    world.scene().granted = Granted::default();
    let view = diagnosed(&running, "web").await;
    assert_eq!((code(&view), check(&view, Check::Rights).0), (None, CheckState::Unknown));
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_is_wanted_is_told_once_with_all_that_can_be_known_without_it() {
    let world = fine();
    let required = || Failure::sign_in_required("az", SignInReason::Expired).into();
    for call in [Call::Policies, Call::Vm, Call::Granted] {
        world.scene().trouble.insert(call, required());
    }
    let running = Running::start(&world);
    let view = diagnosed(&running, "web").await;
    assert_eq!((code(&view), view.failure.as_ref().unwrap().exit_code), (Some("signInRequired"), 3));
    assert_eq!(told(&view), UNSIGNED);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_at_is_unknown_unless_it_is_in_the_way() {
    let world = fine();
    let shut = || Failure::Unreachable { host: "management.azure.com".into(), detail: "Connection refused".into() };
    world.scene().trouble.insert(Call::Granted, shut().into());
    world.scene().trouble.insert(Call::Addresses, shut().into());
    let running = Running::start(&world);
    let view = diagnosed(&running, "web").await;
    assert_eq!(code(&view), Some("unreachable"));
    world.scene().trouble.remove(&Call::Addresses);
    let view = diagnosed(&running, "web").await;
    assert_eq!((code(&view), check(&view, Check::Rights).0), (None, CheckState::Unknown));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_not_there_is_in_the_way_of_an_open_port_too() {
    let world = fine();
    world.scene().open_anyway = true;
    world.scene().client = Err(Failure::ClientNotFound { program: "ssh".into() }.into());
    let running = Running::start(&world);
    let view = diagnosed(&running, "web").await;
    assert_eq!((code(&view), check(&view, Check::Client).0), (Some("clientNotFound"), CheckState::Failed));
    assert_eq!(check(&view, Check::Port).0, CheckState::Passed);
}

#[tokio::test(start_paused = true)]
async fn a_favourite_that_wants_a_reason_or_is_not_to_be_started_is_told_so() {
    let world = fine();
    let more = "ask_justification = true\nstart = false\n";
    world.write("config.toml", &(world.read("config.toml") + more));
    let running = Running::start(&world);
    let view = diagnosed(&running, "web").await;
    assert!(view.summary.contains("ask you for a reason, and Azure for access"), "{}", view.summary);
    world.scene().power = PowerState::Stopped;
    let view = diagnosed(&running, "web").await;
    assert_eq!((code(&view), check(&view, Check::Vm).0), (Some("vmNotRunning"), CheckState::Failed));
}

#[tokio::test(start_paused = true)]
async fn any_vm_can_be_looked_at_and_what_is_read_is_shown_everywhere() {
    let world = fine();
    let end = world.azure_now() + TimeDelta::hours(1);
    world.scene().requests = vec![world.request(&vm("db"), SOURCE, end, "me")];
    let running = Running::start(&world);
    let profile = Some(Profile { cloud: Some("fake".into()), ..Profile::new(vm("db")) });
    let reply = running.ask(Request::Diagnose { name: name("db"), profile }).await;
    let Reply::Diagnosis { diagnosis } = reply else { panic!("{reply:?}") };
    assert_eq!((diagnosis.vm, diagnosis.failure), (vm("db"), None));
    let snapshot = running.until(|snapshot| !snapshot.windows.is_empty()).await;
    assert_eq!(snapshot.windows[0].name, name("db"));
    let unknown = running.ask(Request::Diagnose { name: name("nosuch"), profile: None }).await;
    assert!(matches!(unknown, Reply::Refused { failure } if failure.code == "unknownFavourite"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_is_told_once_it_shows() {
    let world = fine();
    world.scene().skew = Some(TimeDelta::seconds(59));
    let running = Running::start(&world);
    let view = diagnosed(&running, "web").await;
    assert!(view.checks.iter().all(|check| check.check != Check::Clock), "{}", told(&view));
    world.scene().skew = Some(TimeDelta::minutes(-12));
    let view = diagnosed(&running, "web").await;
    let ahead = "12 minutes ahead of Azure’s, which Ajar makes up for; sign-ins may not";
    assert_eq!(check(&view, Check::Clock), (CheckState::Noted, ahead));
}

#[tokio::test(start_paused = true)]
async fn what_answers_where_it_was_reached_last_is_opened_whatever_else_there_is_and_a_strangers_address_is_forgotten()
{
    let world = fine();
    world.scene().open_anyway = true;
    let running = Running::start(&world);
    let view = diagnosed(&running, "web").await;
    assert!(view.summary.contains("may ask Azure for access all the same"), "{}", view.summary);
    running.connected("web").await;
    let denied = Failure::AccessDenied { action: "M/read".into(), scope: "/subscriptions/s".into() };
    world.scene().trouble.insert(Call::Vm, denied.into());
    let view = diagnosed(&running, "web").await;
    assert_eq!((code(&view), check(&view, Check::Port).0), (None, CheckState::Passed));
    assert!(view.summary.contains("opening web asks nothing of Azure"), "{}", view.summary);
    // The VM has another address now.
    world.scene().trouble.clear();
    running.end().await;
    let elsewhere = world.read("state.json").replace("198.51.100.5", "192.0.2.66");
    world.write("state.json", &elsewhere);
    let running = Running::start(&world);
    let view = diagnosed(&running, "web").await;
    assert!(check(&view, Check::Port).1.starts_with("198.51.100.5:22"), "{}", told(&view));
    running.end().await;
    assert!(!world.read("state.json").contains("192.0.2.66"));
}

#[tokio::test(start_paused = true)]
async fn a_vm_that_comes_to_rest_is_started_then_and_one_that_is_being_deallocated_here_is_not_opened() {
    let world = fine();
    world.scene().granted = may(&["*/read", "*/initiate/action"]);
    world.scene().power = PowerState::Deallocating;
    let running = Running::start(&world);
    let view = diagnosed(&running, "web").await;
    assert_eq!((code(&view), view.summary.contains("start/action")), (Some("accessDenied"), false), "{}", told(&view));
    world.scene().granted = may(&["*"]);
    let view = diagnosed(&running, "web").await;
    assert!(view.summary.contains("and start the VM"), "{}", view.summary);
}
