//! More time for a window that is open.

use chrono::TimeDelta;

use super::script::*;
use crate::attempt::{Fact, Memory, Note, Order, Wish};
use crate::failure::Failure;
use crate::policy::{JitNetworkAccessPolicy, RequestStatus, StatusReason};
use crate::snapshot::Step;

const READS: [&str; 2] = ["source", "policy"];

fn more_time() -> Order {
    Order { extends: true, launch: false, ..order() }
}

/// The policy with requests from here on it, which end so many minutes after noon.
fn policies_open_until_each(minutes: &[i64]) -> Fact {
    let requests = minutes.iter().map(|minutes| {
        let mut request = request(*minutes, None);
        // The first was made an hour ago.
        request.start_time_utc -= TimeDelta::hours(i64::from(*minutes < 60));
        request
    });
    Fact::Policies(Ok(vec![JitNetworkAccessPolicy { requests: requests.collect(), ..policy() }]))
}

#[test]
fn a_window_that_is_open_is_asked_for_once_more_and_the_vm_is_left_alone() {
    let script = [
        does(&READS),
        told(source()),
        told(policies_open_until_each(&[10])),
        does(&[ASK]),
        told(granted_until(120)),
        ends("extended until 14:00"),
    ];
    let world = check(more_time(), remembering(), script);
    assert_eq!(world.step(Step::Access), "Done: Access requested (port 22 until 14:00)");
    assert_eq!(world.attempt.steps(world.now, UTC).len(), 3);
}

#[test]
fn what_is_not_open_to_this_machine_is_not_opened_by_asking_for_more_time() {
    let closed = [does(&READS), told(source()), told(policies()), ends("notOpen in Access")];
    check(more_time(), Memory::default(), closed);
    let unknown = [does(&READS), told(policies()), told(Fact::Source(Err(trouble()))), ends("azureError in Source")];
    check(more_time(), Memory::default(), unknown);
}

#[test]
fn a_window_that_lasts_as_long_as_the_policy_allows_is_left_as_it_is_and_the_wish_noted() {
    let wishes = vec![Wish::Access(TimeDelta::hours(2))];
    let order = Order { wishes: wishes.clone(), ..more_time() };
    let lasting = [does(&READS), told(source()), told(policies_open_until_each(&[119])), ends("extended until 13:59")];
    let world = check(order, Memory::default(), lasting);
    let open_until = Some(noon() + TimeDelta::minutes(119));
    assert_eq!(world.attempt.notes, [Note::NotNeeded { open_until, wishes }]);
}

#[test]
fn after_an_ambiguous_failure_the_later_end_is_looked_for_and_the_window_before_is_not_taken_for_it() {
    let script = [
        does(&READS),
        told(source()),
        told(policies_open_until_each(&[10])),
        does(&[ASK]),
        told(unanswered()),
        does(&["policy"]),
        told(policies_open_until_each(&[10])),
        after(2_000),
        does(&["policy"]),
        told(policies_open_until_each(&[10, 120])),
        ends("extended until 14:00"),
    ];
    let world = check(more_time(), Memory::default(), script);
    assert_eq!(world.asked.len(), 1);
}

#[test]
fn a_refusal_is_told_with_the_window_that_stays() {
    let script = [
        does(&READS),
        told(source()),
        told(policies_open_until_each(&[10])),
        does(&[ASK]),
        told(refused()),
        ends("requestRefused in Access"),
    ];
    let world = check(more_time(), Memory::default(), script);
    assert_eq!(
        world.attempt.window(world.now).map(|window| window.end_time_utc),
        Some(noon() + TimeDelta::minutes(10))
    );
}

#[test]
fn a_policy_that_lost_the_vm_and_still_shows_its_window_gives_no_more_time() {
    let mut without_vm = JitNetworkAccessPolicy { requests: vec![request(10, None)], ..policy() };
    without_vm.virtual_machines.clear();
    let script = [does(&READS), told(source()), told(Fact::Policies(Ok(vec![without_vm]))), ends("noPolicy in Policy")];
    check(more_time(), Memory::default(), script);
}

#[test]
fn what_an_earlier_host_has_asked_for_is_looked_for_first_and_is_what_lasts_longer() {
    let memory = Memory { unsettled: Some(unsettled(noon())), ..Memory::default() };
    let found = [does(&READS), told(source()), told(policies_open_until_each(&[120])), ends("extended until 14:00")];
    assert!(check(more_time(), memory.clone(), found).asked.is_empty());
    let opened = [
        does(&READS),
        told(source()),
        told(policies_open_until_each(&[90])),
        does(&[ASK]),
        told(granted_until(120)),
        ends("extended until 14:00"),
    ];
    check(more_time(), memory, opened);
}

/// The order to be let in from here where a window is open from elsewhere.
fn from_here() -> Order {
    Order { follows: true, ..more_time() }
}

fn open_from_elsewhere(minutes: i64) -> Memory {
    Memory { window: Some(granted_to(ELSEWHERE, minutes)), ..Memory::default() }
}

#[test]
fn what_is_open_from_another_address_is_asked_for_from_here_until_the_same_end() {
    let script = [
        does(&READS),
        told(policies()),
        told(source()),
        does(&["ask for 22 from 203.0.113.7 until 12:50:00"]),
        told(granted_until(50)),
        ends("extended until 12:50"),
    ];
    check(from_here(), open_from_elsewhere(50), script);
}

#[test]
fn less_than_azure_grants_is_asked_for_as_the_least_it_does_with_a_note() {
    let script = [
        does(&READS),
        told(policies()),
        told(source()),
        does(&["ask for 22 from 203.0.113.7 until 12:05:50"]),
        told(granted_until(6)),
        ends("extended until 12:06"),
    ];
    let world = check(from_here(), open_from_elsewhere(3), script);
    assert_eq!(world.attempt.notes, [Note::Raised(TimeDelta::minutes(5))]);
}

#[test]
fn more_time_for_what_is_open_from_another_address_is_asked_for_from_here() {
    let script = [
        does(&READS),
        told(policies()),
        told(source()),
        does(&[ASK]),
        told(granted_until(120)),
        ends("extended until 14:00"),
    ];
    check(more_time(), open_from_elsewhere(170), script);
}

#[test]
fn at_the_address_that_is_let_in_nothing_is_asked_to_follow() {
    let back = [does(&READS), told(source()), told(policies_open_until(50)), ends("extended until 12:50")];
    let memory = Memory { window: Some(granted_to(ME, 50)), ..Memory::default() };
    assert!(check(from_here(), memory, back).asked.is_empty());
}

#[test]
fn a_window_that_was_revoked_or_has_ended_or_is_unknown_is_not_followed() {
    let mut revoked = request(50, None);
    revoked.virtual_machines[0].ports[0].allowed_source_address_prefixes = granted_to(ELSEWHERE, 50).sources;
    revoked.virtual_machines[0].ports[0].status = RequestStatus::Revoked(StatusReason::UserRequested);
    let shown = Fact::Policies(Ok(vec![JitNetworkAccessPolicy { requests: vec![revoked], ..policy() }]));
    let closed = |shown| [does(&READS), told(source()), told(shown), ends("notOpen in Access")];
    check(from_here(), open_from_elsewhere(50), closed(shown));
    check(from_here(), open_from_elsewhere(0), closed(policies()));
    check(from_here(), Memory::default(), closed(policies()));
}

#[test]
fn where_the_address_cannot_be_established_nothing_is_asked_to_follow() {
    let script = [
        does(&READS),
        told(policies()),
        told(Fact::Source(Err(Failure::SourceUncertain { seen: vec![ME, ELSEWHERE] }.into()))),
        ends("sourceUncertain in Source"),
    ];
    assert!(check(from_here(), open_from_elsewhere(50), script).asked.is_empty());
}

#[test]
fn an_answer_that_got_lost_is_found_by_the_new_address_though_the_end_is_the_same() {
    let script = [
        does(&READS),
        told(policies()),
        told(source()),
        does(&["ask for 22 from 203.0.113.7 until 12:50:00"]),
        told(unanswered()),
        does(&["policy"]),
        told(policies_open_until(50)),
        ends("extended until 12:50"),
    ];
    check(from_here(), open_from_elsewhere(50), script);
}
