//! Ends: failures that stop before anything is opened or started, cancelling, late results.

use std::net::Ipv4Addr;

use super::script::*;
use crate::attempt::{Fact, InitiateFailure, Memory, Order};
use crate::failure::Failure;
use crate::policy::{JitNetworkAccessPolicy, SourcePrefix};
use crate::port::PortAnswer::{Open, Silent};
use crate::snapshot::{OutcomeView, Step};
use crate::vm::PowerState::{Deallocated, Running};

const LOOK: &str = "look at 203.0.113.50:22";

fn uncertain() -> Fact {
    Fact::Source(Err(Failure::SourceUncertain { seen: vec![ME, Ipv4Addr::new(198, 51, 100, 20)] }.into()))
}

fn admitting(change: impl FnOnce(&mut JitNetworkAccessPolicy)) -> Fact {
    let mut changed = policy();
    change(&mut changed);
    Fact::Policies(Ok(vec![changed]))
}

#[test]
fn an_uncertain_source_stops_with_nothing_asked_for_and_nothing_started() {
    let script = [
        does(&READS),
        told(policies()),
        told(vm(Deallocated)),
        does(&["address"]),
        told(uncertain()),
        ends("sourceUncertain in Source"),
    ];
    let world = check(order(), Memory::default(), script);
    let Some(OutcomeView::Failed(words)) = world.attempt.view(world.now, UTC).outcome else { unreachable!() };
    assert_eq!(words.choices, ["203.0.113.7", "198.51.100.20"]);
}

#[test]
fn an_uncertain_source_does_not_keep_from_a_port_that_is_open() {
    let script = [
        does(&READS),
        told(uncertain()),
        told(policies()),
        told(vm(Running)),
        does(&["address"]),
        told(address(Some(VM), true)),
        does(&[LOOK]),
        told(port(Open)),
        does(&["launch 203.0.113.50:22"]),
        told(Fact::Client(Ok(()))),
        ends("connected 203.0.113.50:22"),
    ];
    let world = check(order(), Memory::default(), script);
    assert_eq!(world.step(Step::Source), "Failed: Your address (-)");
}

#[test]
fn what_the_policies_do_not_admit_is_neither_asked_for_nor_waited_for_nor_started() {
    let elsewhere = SourcePrefix::from("10.0.0.0/8");
    let cases = [
        (Fact::Policies(Ok(vec![])), "noPolicy in Policy"),
        (admitting(|policy| policy.virtual_machines[0].ports[0].number = 3389), "notInPolicy in Policy"),
        (
            admitting(|policy| policy.virtual_machines[0].ports[0].allowed_source_address_prefixes = vec![elsewhere]),
            "sourceNotAllowed in Policy",
        ),
    ];
    for (answer, outcome) in cases {
        let resting = [does(&READS), told(source()), told(vm(Deallocated)), does(&["address"]), told(answer.clone())];
        check(order(), Memory::default(), resting.into_iter().chain([ends(outcome)]));
        let running = [
            does(&READS),
            told(source()),
            told(answer),
            told(vm(Running)),
            does(&["address"]),
            told(address(Some(VM), true)),
            does(&[LOOK]),
            told(port(Silent)),
            ends(outcome),
        ];
        check(order(), Memory::default(), running);
    }
}

#[test]
fn a_vm_without_a_public_address_says_so_once_it_runs() {
    let script = [
        does(&READS),
        told(vm(Running)),
        does(&["address"]),
        told(source()),
        told(policies()),
        does(&[ASK]),
        told(address(None, false)),
        told(granted_until(120)),
        ends("noPublicAddress in Vm"),
    ];
    says_the_door_is_open(&check(order(), Memory::default(), script));
}

/// A failure after a grant says so, and the request that was sent does not look as if it had not been.
#[track_caller]
fn says_the_door_is_open(world: &World) {
    let view = world.attempt.view(world.now, UTC);
    let Some(OutcomeView::Failed(failure)) = view.outcome else { panic!("{:?}", view.outcome) };
    assert!(failure.message.ends_with("Azure keeps the port open until 14:00."), "{}", failure.message);
    assert_eq!(world.step(Step::Access), "Done: Access requested (port 22 until 14:00)");
}

#[test]
fn a_vm_at_rest_that_may_not_be_started_says_so_at_once() {
    let order = Order { may_start: false, ..order() };
    check(order, Memory::default(), [does(&READS), told(vm(Deallocated)), ends("vmNotRunning in Start")]);
}

#[test]
fn a_failed_reading_start_or_client_ends_the_attempt_in_its_step() {
    check(order(), Memory::default(), [does(&READS), told(Fact::Vm(Err(trouble()))), ends("azureError in Vm")]);
    let script = [
        does(&READS),
        told(vm(Deallocated)),
        does(&["address"]),
        told(Fact::Policies(Err(trouble()))),
        ends("azureError in Policy"),
    ];
    check(order(), Memory::default(), script);
    let script = [
        does(&READS),
        told(vm(Running)),
        does(&["address"]),
        told(Fact::Addresses(Err(trouble()))),
        ends("azureError in Vm"),
    ];
    check(order(), Memory::default(), script);
    let no_room = Failure::AllocationFailed { azure_code: "c".into(), azure_message: "m".into() };
    let script = [
        does(&READS),
        told(source()),
        told(policies()),
        does(&[ASK]),
        told(vm(Deallocated)),
        does(&["address", "start"]),
        told(Fact::Started(Err(no_room.into()))),
        told(granted_until(120)),
        ends("allocationFailed in Start"),
    ];
    says_the_door_is_open(&check(order(), Memory::default(), script));
    let missing = Failure::ClientNotFound { program: "ssh".into() };
    let script = [
        does(&[LOOK]),
        told(port(Open)),
        does(&["launch 203.0.113.50:22"]),
        told(Fact::Client(Err(missing.into()))),
        ends("clientNotFound in Client"),
    ];
    check(order(), remembering(), script);
}

/// The script of an attempt with a start, cut off after so many lines.
fn cut(lines: usize) -> impl Iterator<Item = Line> {
    let whole = [
        does(&READS),
        told(vm(Deallocated)),
        does(&["address"]),
        told(source()),
        told(policies()),
        does(&[ASK, "start"]),
        told(granted_until(120)),
        told(Fact::Started(Ok(()))),
        told(address(Some(VM), false)),
        does(&["address"]),
        told(address(Some(VM), false)),
        does(&[LOOK]),
        told(port(Open)),
        does(&["launch 203.0.113.50:22"]),
    ];
    whole.into_iter().take(lines)
}

#[test]
fn cancelling_says_what_stays_behind() {
    for (lines, outcome) in [
        (1, "cancelled"),
        (3, "cancelled"),
        // The request is on its way and may be granted yet.
        (6, "cancelled, asking, starting"),
        (7, "cancelled, open until 14:00, starting"),
        (12, "cancelled, open until 14:00, starting"),
        (14, "cancelled, open until 14:00, starting"),
    ] {
        check(order(), Memory::default(), cut(lines).chain([cancel(), ends(outcome)]));
    }
}

#[test]
fn a_favourite_that_is_removed_takes_its_attempt_along_and_says_what_stays_behind() {
    for (lines, says) in [
        (3, "Nothing was opened and nothing was started."),
        (6, "A request was on its way; Azure may still open the port for it. The VM was told to start and stays on."),
        (12, "Azure keeps the port open until 14:00. The VM was told to start and stays on."),
    ] {
        let script = cut(lines).chain([removed(), ends("cancelled as favouriteRemoved")]);
        let world = check(order(), Memory::default(), script);
        let Some(OutcomeView::Cancelled(words)) = world.attempt.view(world.now, UTC).outcome else { unreachable!() };
        assert_eq!(words.title, "web-01 was removed from the favourites while it was being opened.");
        assert_eq!((words.message.as_str(), words.exit_code), (says, 130));
    }
}

#[test]
fn a_start_that_the_end_overtakes_goes_on_and_is_not_said_to_have_been_skipped() {
    let told_to_start = "Done: VM told to start (it goes on without Ajar)";
    let world =
        check(order(), Memory::default(), cut(7).chain([cancel(), ends("cancelled, open until 14:00, starting")]));
    assert_eq!(world.step(Step::Start), told_to_start);
    let refused = Fact::Initiated(Err(InitiateFailure::Refused(
        Failure::AccessDenied { action: "a".into(), scope: "s".into() }.into(),
    )));
    let world = check(order(), Memory::default(), cut(6).chain([told(refused), ends("accessDenied in Access")]));
    assert_eq!(world.step(Step::Start), told_to_start);
    // Azure has said what came of it.
    let world =
        check(order(), Memory::default(), cut(10).chain([cancel(), ends("cancelled, open until 14:00, starting")]));
    assert_eq!(world.step(Step::Start), "Done: VM started (was deallocated)");
    let failed = [told(Fact::Started(Err(trouble()))), cancel(), ends("cancelled, asking")];
    let world = check(order(), Memory::default(), cut(6).chain(failed));
    assert_eq!(world.step(Step::Start), "Failed: Starting the VM (was deallocated)");
    // It had not begun.
    let world = check(order(), Memory::default(), cut(3).chain([cancel(), ends("cancelled")]));
    assert_eq!(world.step(Step::Start), "Skipped: Starting the VM (was deallocated)");
}

#[test]
fn what_had_not_left_when_it_was_cancelled_is_as_if_it_had_never_begun() {
    let mut world = check(order(), Memory::default(), cut(6));
    assert_eq!(world.step(Step::Start), "Running: Starting the VM (was deallocated)");
    world.attempt.start_unsent();
    world.attempt.cancel(world.now);
    assert_eq!(world.outcome(), "cancelled, asking");
    assert_eq!(world.step(Step::Start), "Skipped: Starting the VM (was deallocated)");
    let mut world = check(order(), Memory::default(), cut(6));
    world.attempt.request_unsent();
    world.attempt.cancel(world.now);
    assert_eq!(world.outcome(), "cancelled, starting");
    assert_eq!(world.step(Step::Access), "Skipped: Requesting access (-)");
}

#[test]
fn cancelling_an_adopted_window_says_until_when_it_is_open() {
    let script = [does(&READS), told(source()), told(policies_open_until(90)), cancel()];
    check(order(), Memory::default(), script.into_iter().chain([ends("cancelled, open until 13:30")]));
}

#[test]
fn results_that_come_after_the_end_or_belong_to_another_attempt_change_nothing() {
    let late = || [told(port(Open)), told(granted_until(120)), told(Fact::Client(Ok(()))), cancel()];
    let script = cut(12).chain([cancel(), ends("cancelled, open until 14:00, starting")]).chain(late());
    check(order(), Memory::default(), script.chain([ends("cancelled, open until 14:00, starting")]));
    let script = [does(&READS), told_to_another(vm(Deallocated)), told_to_another(source()), told(policies())];
    check(order(), Memory::default(), script);
}

#[test]
fn an_ended_attempt_looks_the_same_ever_after() {
    let world = check(order(), Memory::default(), cut(14).chain([told(Fact::Client(Ok(())))]));
    let then = world.attempt.view(world.now, UTC);
    assert_eq!(then, world.attempt.view(world.now + chrono::TimeDelta::hours(5), UTC));
    assert_eq!(then.ended_at, Some(noon()));
}
