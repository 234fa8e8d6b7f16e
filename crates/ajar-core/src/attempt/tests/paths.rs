//! The ways to an open port: what starts when, and what is not done.

use super::script::*;
use crate::attempt::{Fact, InitiateFailure, Memory, Order};
use crate::policy::JitNetworkAccessPolicy;
use crate::port::PortAnswer::{Open, Refused, Silent, Stranger};
use crate::snapshot::{OpenedBy, Step};

use crate::vm::PowerState::{self, Deallocated, Running, Starting, Stopped};

const LOOK: &str = "look at 203.0.113.50:22";
const LAUNCH: &str = "launch 203.0.113.50:22";
const CONNECTED: &str = "connected 203.0.113.50:22";

fn launched() -> [Line; 3] {
    [does(&[LAUNCH]), told(Fact::Client(Ok(()))), ends(CONNECTED)]
}

/// What is read at the click: from where, what the policies say, how the VM stands.
fn read(policies: Fact, power: PowerState) -> [Line; 4] {
    [does(&READS), told(source()), told(policies), told(vm(power))]
}

/// The address is told, and there the port answers.
fn found_open(address: Fact) -> [Line; 3] {
    [told(address), does(&[LOOK]), told(port(Open))]
}

/// A script in several parts, which ends with the client.
fn opens(parts: impl IntoIterator<Item = Vec<Line>>) -> World {
    check(order(), Memory::default(), parts.into_iter().flatten().chain(launched()))
}

#[test]
fn a_port_that_answers_is_opened_without_any_call_to_azure() {
    let world = check(order(), remembering(), [does(&[LOOK]), told(port(Open))].into_iter().chain(launched()));
    assert_eq!(world.step(Step::Access), "Skipped: Requesting access (the port answered already)");
    assert_eq!(world.step(Step::Port), "Done: SSH answers (203.0.113.50:22)");
}

/// A request goes out before the address is known, and there the port answers.
fn found_open_while_asking() -> impl Iterator<Item = Line> {
    let asks = [does(&READS), told(source()), told(policies()), does(&[ASK]), told(vm(Running)), does(&["address"])];
    asks.into_iter().chain(found_open(address(Some(VM), true)))
}

#[test]
fn a_port_found_open_while_a_request_is_on_its_way_is_not_said_to_have_needed_none() {
    let order = || Order { launch: false, ..order() };
    let world = check(order(), Memory::default(), found_open_while_asking().chain([ends(CONNECTED)]));
    assert_eq!(world.step(Step::Access), "Done: Access requested (Azure had not answered yet)");
    let view = world.attempt.view(world.now, UTC);
    let note = "The port answered while access was being requested. What Azure grants shows among the open windows.";
    assert_eq!((view.opened_by(), view.notes), (Some(OpenedBy::Unanswered), vec![note.to_owned()]));
}

#[test]
fn an_answer_that_comes_before_the_client_is_told_as_it_is() {
    let answered = |answer| {
        let script = found_open_while_asking().chain([does(&[LAUNCH]), told(answer)]);
        check(order(), Memory::default(), script.chain([told(Fact::Client(Ok(()))), ends(CONNECTED)]))
    };
    let world = answered(granted_until(120));
    assert_eq!(world.step(Step::Access), "Done: Access requested (port 22 until 14:00)");
    let view = world.attempt.view(world.now, UTC);
    let end = noon() + chrono::TimeDelta::hours(2);
    assert_eq!((view.opened_by(), view.notes), (Some(OpenedBy::Window(end)), vec![]));

    let world = answered(Fact::Initiated(Err(InitiateFailure::Refused(trouble()))));
    assert_eq!(world.step(Step::Access), "Failed: Requesting access (Azure refused)");
    let view = world.attempt.view(world.now, UTC);
    assert_eq!((view.opened_by(), view.notes), (Some(OpenedBy::DespiteRefusal), vec![]));
}

#[test]
fn what_the_open_port_overtakes_is_told_as_under_way_and_not_as_never_begun() {
    let script = [does(&[LOOK]), after(750), does(&READS), told(source()), told(port(Open)), ends(CONNECTED)];
    let world = check(Order { launch: false, ..order() }, remembering(), script);
    assert_eq!(world.step(Step::Policy), "Skipped: JIT policy (the port answered first)");
    assert_eq!(world.step(Step::Access), "Skipped: Requesting access (the port answered already)");
    assert_eq!(world.attempt.view(world.now, UTC).opened_by(), Some(OpenedBy::Itself));

    let asks = [does(&READS), told(source()), told(policies()), does(&[ASK]), told(vm(Deallocated))];
    let starts = [does(&["address", "start"]), told(granted_until(120))];
    let script = asks.into_iter().chain(starts).chain(found_open(address(Some(VM), true))).chain([ends(CONNECTED)]);
    let world = check(Order { launch: false, ..order() }, Memory::default(), script);
    assert_eq!(world.step(Step::Start), "Done: VM started (was deallocated)");
}

#[test]
fn a_face_that_launches_for_itself_is_told_as_soon_as_the_port_answers() {
    let order = Order { launch: false, ..order() };
    check(order, remembering(), [does(&[LOOK]), told(port(Open)), ends(CONNECTED)]);
}

#[test]
fn a_second_face_that_wants_the_client_gets_it() {
    let mut world = World::new(Order { launch: false, ..order() }, remembering());
    world.attempt.want_launch(true);
    world.attempt.apply(NUMBER, port(Open), world.now);
    assert_eq!(name(&world.attempt.next(world.now)[0]), LAUNCH);
}

#[test]
fn a_remembered_port_has_a_head_start_of_three_quarters_of_a_second() {
    check(order(), remembering(), [does(&[LOOK]), after(749), does(&[]), after(1), does(&READS)]);
    check(order(), remembering(), [does(&[LOOK]), told(port(Refused)), does(&READS)]);
    check(order(), remembering(), [does(&[LOOK]), told(port(Silent)), does(&[LOOK, "source", "policy", "vm"])]);
}

#[test]
fn without_a_remembered_address_all_reads_begin_at_the_click() {
    check(order(), Memory::default(), [does(&READS)]);
}

#[test]
fn access_and_start_are_enabled_by_the_same_facts_and_do_not_wait_for_each_other() {
    let script = [
        does(&READS),
        told(vm(Deallocated)),
        does(&["address"]),
        told(source()),
        does(&[]),
        told(policies()),
        does(&[ASK, "start"]),
        told(address(Some(VM), true)),
        does(&[LOOK]),
        told(port(Silent)),
        does(&[LOOK]),
        told(granted_until(120)),
        told(Fact::Started(Ok(()))),
        told(port(Open)),
    ];
    let world = check(order(), Memory::default(), script.into_iter().chain(launched()));
    assert_eq!(world.step(Step::Start), "Done: VM started (was deallocated)");
    assert_eq!(world.step(Step::Access), "Done: Access requested (port 22 until 14:00)");
    assert_eq!(world.step(Step::Source), "Done: Your address (203.0.113.7, three sources agree)");
}

#[test]
fn a_vm_that_runs_is_not_started_and_an_open_window_is_not_asked_for_again() {
    let known = [read(policies_open_until(90), Running).into(), vec![does(&["address"])]];
    let world = opens(known.into_iter().chain([found_open(address(Some(VM), false)).into()]));
    assert_eq!(world.step(Step::Start), "Skipped: Starting the VM (already running)");
    assert_eq!(world.step(Step::Access), "Skipped: Requesting access (already open until 13:30)");
}

#[test]
fn a_port_that_is_open_without_a_policy_still_connects() {
    let nothing = Fact::Policies(Ok(vec![]));
    let known = [read(nothing, Running).into(), vec![does(&["address"])]];
    opens(known.into_iter().chain([found_open(address(Some(VM), true)).into()]));
}

#[test]
fn a_dynamic_address_is_read_again_after_the_start_and_the_old_one_forgotten() {
    let before = vec![
        does(&["address", "start"]),
        told(address(Some(FIREWALL), false)),
        does(&["look at 198.51.100.1:22"]),
        told(Fact::Started(Ok(()))),
        does(&["address"]),
        told(address(Some(VM), false)),
        does(&[LOOK]),
    ];
    let late = vec![told(Fact::Port { endpoint: endpoint(FIREWALL, 22), answer: Open }), does(&[]), told(port(Open))];
    opens([read(policies_open_until(120), Stopped).into(), before, late]);
}

#[test]
fn an_address_read_before_the_start_and_told_after_it_does_not_count() {
    let outdated = vec![
        does(&["address", "start"]),
        told(Fact::Started(Ok(()))),
        does(&[]),
        told(address(None, false)),
        does(&["address"]),
    ];
    let known = read(policies_open_until(120), Deallocated);
    opens([known.into(), outdated, found_open(address(Some(VM), false)).into()]);
}

#[test]
fn a_vm_that_is_starting_already_is_watched_and_not_started() {
    let watched = vec![
        does(&["address"]),
        told(address(Some(VM), true)),
        does(&[LOOK]),
        after(2_000),
        does(&["vm"]),
        told(vm(Running)),
        told(port(Open)),
    ];
    opens([read(policies_open_until(120), Starting).into(), watched]);
}

#[test]
fn a_firewall_is_dialled_on_the_port_it_maps() {
    let mut behind = policy();
    behind.virtual_machines[0].public_ip_address = Some(FIREWALL);
    let granted = |answer: Fact| {
        let policies = Fact::Policies(Ok(vec![behind.clone()]));
        let seen = [does(&READS), told(source()), told(vm(Running)), does(&["address"]), told(address(None, false))];
        seen.into_iter().chain([told(policies), does(&[ASK]), told(answer)])
    };
    let mapped = "look at 198.51.100.1:13389";
    let at_once = [
        does(&[mapped]),
        told(Fact::Port { endpoint: endpoint(FIREWALL, 13389), answer: Open }),
        does(&["launch 198.51.100.1:13389"]),
    ];
    check(order(), Memory::default(), granted(Fact::Initiated(Ok(request(120, Some(13389))))).chain(at_once));
    // Azure names the mapped port a little later.
    let later = JitNetworkAccessPolicy { requests: vec![request(120, Some(13389))], ..behind.clone() };
    let later = [after(2_000), does(&["policy"]), told(Fact::Policies(Ok(vec![later]))), does(&[mapped])];
    check(order(), Memory::default(), granted(granted_until(120)).chain(later));
}

#[test]
fn looks_at_a_refusing_port_are_spaced_out_and_at_a_silent_one_follow_each_other() {
    let script = [
        does(&["address"]),
        told(address(Some(VM), true)),
        does(&[LOOK]),
        told(port(Refused)),
        after(199),
        does(&[]),
        after(1),
        does(&[LOOK]),
        told(port(Stranger)),
        after(399),
        does(&[]),
        after(1),
        does(&[LOOK]),
        told(port(Silent)),
        does(&[LOOK]),
    ];
    check(order(), Memory::default(), read(policies_open_until(120), Running).into_iter().chain(script));
}

#[test]
fn a_source_that_was_chosen_is_not_detected() {
    let chosen = Order { chosen_source: Some(ME), ..order() };
    let world = check(chosen, Memory::default(), [does(&["policy", "vm"]), told(policies()), does(&[ASK])]);
    assert_eq!(world.step(Step::Source), "Done: Your address (203.0.113.7, as you chose)");
}
