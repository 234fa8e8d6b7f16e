//! Asking for access: once, checked and clamped.

use chrono::TimeDelta;

use super::script::*;
use crate::attempt::{Effect, Fact, InitiateFailure, Memory, Order, Outcome};
use crate::failure::Failure;
use crate::policy::{Clamp, JitNetworkAccessPolicy, RequestStatus, RuleProtocol, StatusReason};
use crate::port::PortAnswer::Open;
use crate::snapshot::Step;
use crate::vm::PowerState::{Deallocated, Running, Stopped};

#[test]
fn a_grant_that_the_policies_show_as_revoked_is_not_open_any_more_and_not_asked_for_again() {
    for (reason, replaced) in [(StatusReason::NewerRequestInitiated, true), (StatusReason::UserRequested, false)] {
        let mut world = check(order(), Memory::default(), asking().into_iter().chain([told(granted_until(120))]));
        assert!(world.attempt.window(noon()).is_some());
        let mut request = request(120, None);
        request.virtual_machines[0].ports[0].status = RequestStatus::Revoked(reason);
        let shown = vec![JitNetworkAccessPolicy { requests: vec![request], ..policy() }];
        world.attempt.notice_policies(&shown, world.now);
        world.tell(Fact::Policies(Ok(shown)));
        assert_eq!(world.attempt.window(noon()), None);
        let Some(Outcome::Failed { trouble, .. }) = world.attempt.outcome() else { panic!("{}", world.outcome()) };
        assert_eq!(trouble.failure, Failure::AccessRevoked { replaced });
        assert_eq!(world.asked.len(), 1);
    }
}

#[test]
fn under_a_rule_for_udp_nothing_is_asked_for_and_nothing_started() {
    let mut for_udp = policy();
    for_udp.virtual_machines[0].ports[0].protocol = RuleProtocol::Udp;
    let script = [
        does(&READS),
        told(vm(Deallocated)),
        does(&["address"]),
        told(source()),
        told(Fact::Policies(Ok(vec![for_udp]))),
        ends("notInPolicy in Policy"),
    ];
    let world = check(order(), Memory::default(), script);
    let Some(Outcome::Failed { trouble, .. }) = world.attempt.outcome() else { panic!("{}", world.outcome()) };
    assert_eq!(trouble.failure, Failure::NotInPolicy { port: 22, allowed: vec![], only_udp: true });
}

#[test]
fn a_refused_request_ends_the_attempt_with_azures_reason() {
    for (failure, outcome) in [
        (Failure::Throttled { retry_at: noon() }, "throttled in Access"),
        (Failure::AccessDenied { action: "a".into(), scope: "s".into() }, "accessDenied in Access"),
    ] {
        let refused = Fact::Initiated(Err(InitiateFailure::Refused(failure.into())));
        check(order(), Memory::default(), asking().into_iter().chain([told(refused), ends(outcome)]));
    }
}

#[test]
fn a_request_refused_for_a_vm_that_runs_is_refused_for_good() {
    let script = [told(vm(Running)), does(&["address"]), told(refused()), ends("requestRefused in Access")];
    check(order(), Memory::default(), asking().into_iter().chain(script));
}

#[test]
fn a_request_refused_from_within_a_range_of_the_policy_is_told_with_the_range_and_never_widened() {
    let mut ranged = policy();
    ranged.virtual_machines[0].ports[0].allowed_source_address_prefixes = vec!["203.0.113.0/24".into()];
    let script = [
        does(&READS),
        told(source()),
        told(Fact::Policies(Ok(vec![ranged]))),
        does(&[ASK]),
        told(vm(Running)),
        does(&["address"]),
        told(refused()),
        ends("rangeRefused in Access"),
    ];
    let world = check(order(), Memory::default(), script);
    let Some(Outcome::Failed { trouble, .. }) = world.attempt.outcome() else { panic!("{}", world.outcome()) };
    let Failure::RangeRefused { address, allowed, .. } = &trouble.failure else { panic!("{trouble:?}") };
    assert_eq!((*address, allowed.as_slice(), world.asked.len()), (ME, &["203.0.113.0/24".to_owned()][..], 1));
}

#[test]
fn a_refusal_that_says_what_is_in_the_way_is_not_blamed_on_the_range() {
    let mut ranged = policy();
    ranged.virtual_machines[0].ports[0].allowed_source_address_prefixes = vec!["203.0.113.0/24".into()];
    for (code, message) in [
        ("BadRequest", "JIT requires Defender for Servers Plan 2 on the subscription."),
        ("RequestDisallowedByPolicy", "No."),
        ("HTTP 405", ""),
        ("BadRequest, ScopeLocked", "No. Locked."),
    ] {
        let script = [
            does(&READS),
            told(source()),
            told(Fact::Policies(Ok(vec![ranged.clone()]))),
            does(&[ASK]),
            told(vm(Running)),
            does(&["address"]),
            told(refused_as(code, message)),
            ends("requestRefused in Access"),
        ];
        check(order(), Memory::default(), script);
    }
}

#[test]
fn a_request_refused_while_the_vm_rests_is_made_once_more_when_it_runs() {
    let rests = [
        told(vm(Deallocated)),
        does(&["address", "start"]),
        told(refused()),
        after(2_000),
        told(Fact::Started(Ok(()))),
        does(&["ask for 22 from 203.0.113.7 until 14:00:02"]),
    ];
    let again = [told(refused()), ends("requestRefused in Access")];
    check(order(), Memory::default(), asking().into_iter().chain(rests).chain(again));
}

/// The VM rests and is told to start; the first request stays unanswered and is looked for, the second is refused.
fn refused_after_silence() -> impl Iterator<Item = Line> {
    let second = [told(policies()), does(&["ask for 22 from 203.0.113.7 until 14:01:15"]), told(refused())];
    let silence = [told(unanswered()), does(&["policy"])].into_iter().chain(looked_for_in_vain(75));
    asking().into_iter().chain(starting()).chain(silence).chain(second)
}

#[test]
fn a_refusal_while_the_vm_rests_is_an_answer_whatever_was_not_answered_before() {
    let runs = [
        told(Fact::Started(Ok(()))),
        does(&["address", "ask for 22 from 203.0.113.7 until 14:01:15"]),
        told(refused()),
        ends("requestRefused in Access"),
    ];
    check(order(), Memory::default(), refused_after_silence().chain(runs));
}

#[test]
fn a_request_refused_while_the_vm_rests_is_none_of_those_that_nobody_answered() {
    let mut world = World::answering(order(), Memory::default(), |effect| match effect {
        Effect::ReadVm => Some(vm(Deallocated)),
        Effect::DetectSource
        | Effect::ReadPolicy
        | Effect::ResolveAddress { .. }
        | Effect::ProbePort { .. }
        | Effect::Initiate(_)
        | Effect::StartVm
        | Effect::FindBastion { .. }
        | Effect::LaunchClient { .. } => all_but_the_request(effect),
    });
    world.tell(refused());
    world.tell(Fact::Started(Ok(())));
    for asked in [2, 3] {
        assert_eq!((world.asked.len(), world.outcome().as_str()), (asked, "still under way"));
        world.tell(unanswered());
        world.pass(TimeDelta::seconds(80));
    }
    let Some(Outcome::Failed { trouble, .. }) = world.attempt.outcome() else { panic!("{}", world.outcome()) };
    assert_eq!(trouble.failure, Failure::RequestUnanswered { sent: 2, said: None });
}

#[test]
fn a_request_that_is_withdrawn_after_one_was_refused_leaves_the_first_told_of() {
    let runs = [told(Fact::Started(Ok(()))), does(&["address", "ask for 22 from 203.0.113.7 until 14:01:15"])];
    let mut world = check(order(), Memory::default(), refused_after_silence().chain(runs));
    world.attempt.request_unsent();
    world.attempt.cancel(world.now);
    assert_eq!(world.step(Step::Access), "Failed: Requesting access (Azure refused)");
}

#[test]
fn a_policy_of_five_minutes_is_asked_for_all_of_them() {
    let mut world = World::new(order(), Memory::default());
    let mut short = policy();
    short.virtual_machines[0].ports[0].max_request_access_duration = Some(TimeDelta::minutes(5));
    world.tell(source());
    world.tell(Fact::Policies(Ok(vec![short])));
    assert_eq!(world.asked[0].end_time_utc - world.now, TimeDelta::minutes(5));
}

#[test]
fn the_shortest_is_asked_for_with_time_for_the_way_where_the_policy_has_room_for_it() {
    for (wish, max, asked) in [(300, 10_800, 350), (340, 10_800, 350), (350, 10_800, 350), (351, 10_800, 351)]
        .into_iter()
        .chain([(300, 300, 300), (300, 303, 300), (300, 310, 305), (300, 350, 345), (86_400, 320, 315)])
    {
        let mut world = World::new(Order { access: Some(TimeDelta::seconds(wish)), ..order() }, Memory::default());
        let mut short = policy();
        short.virtual_machines[0].ports[0].max_request_access_duration = Some(TimeDelta::seconds(max));
        world.tell(source());
        world.tell(Fact::Policies(Ok(vec![short])));
        let length = world.asked[0].end_time_utc - world.now;
        assert_eq!(length, TimeDelta::seconds(asked), "{wish} s under {max} s");
        assert_eq!(world.attempt.view(world.now, UTC).notes.is_empty(), wish <= max);
    }
}

#[test]
fn a_refusal_that_comes_while_the_client_starts_no_longer_matters() {
    let mut world = World::new(order(), Memory::default());
    world.tell(source());
    world.tell(policies());
    world.tell(vm(Running));
    world.tell(address(Some(VM), true));
    world.tell(port(Open));
    world.tell(refused());
    assert_eq!(world.outcome(), "still under way");
    world.tell(Fact::Client(Ok(())));
    assert_eq!(world.outcome(), "connected 203.0.113.50:22");
}

#[test]
fn more_than_the_policy_allows_is_cut_and_said_so_and_ends_before_azures_clock_says_so() {
    let ask = |hours| {
        let order = Order { access: Some(TimeDelta::hours(hours)), ..order() };
        let until = if hours < 3 { ASK } else { "ask for 22 from 203.0.113.7 until 14:59:55" };
        check(order, Memory::default(), [does(&READS), told(source()), told(policies()), does(&[until])])
    };
    let note = "The policy allows 3 hours at most, so that is what was asked for.";
    assert_eq!(ask(8).attempt.view(noon(), UTC).notes, [note]);
    assert_eq!(ask(8).asked[0].clamped_to, Some(Clamp::Rule(TimeDelta::hours(3))));
    for hours in [2, 3] {
        assert!(ask(hours).attempt.view(noon(), UTC).notes.is_empty());
        assert_eq!(ask(hours).asked[0].clamped_to, None);
    }
}

#[test]
fn where_nobody_says_how_long_it_is_as_long_as_the_policy_allows_up_to_three_hours_and_no_word_of_it() {
    for (longest, until) in [(1, "12:59:55"), (3, "14:59:55"), (8, "15:00:00")] {
        let mut policy = policy();
        policy.virtual_machines[0].ports[0].max_request_access_duration = Some(TimeDelta::hours(longest));
        let until = format!("ask for 22 from 203.0.113.7 until {until}");
        let order = Order { access: None, ..order() };
        let policies = Fact::Policies(Ok(vec![policy]));
        let world = check(order, Memory::default(), [does(&READS), told(source()), told(policies), does(&[&until])]);
        assert!(world.attempt.view(noon(), UTC).notes.is_empty(), "{longest}");
    }
}

#[test]
fn of_a_rule_whose_maximum_cannot_be_read_no_more_than_the_usual_one_is_asked_for_and_that_is_said() {
    let ask = |hours| {
        let order = Order { access: Some(TimeDelta::hours(hours)), ..order() };
        let mut unread = policy();
        unread.virtual_machines[0].ports[0].max_request_access_duration = None;
        let until = if hours < 3 { ASK } else { "ask for 22 from 203.0.113.7 until 14:59:55" };
        let policies = Fact::Policies(Ok(vec![unread]));
        check(order, Memory::default(), [does(&READS), told(source()), told(policies), does(&[until])])
    };
    let note = "How long the policy allows could not be read. 3 hours were asked for, as most allow.";
    assert_eq!(ask(8).attempt.view(noon(), UTC).notes, [note]);
    assert!(ask(2).attempt.view(noon(), UTC).notes.is_empty());
}

#[test]
fn a_window_that_ends_during_the_attempt_is_asked_for_anew() {
    let mut world = World::answering(order(), Memory::default(), |effect| match effect {
        Effect::Initiate(_) => Some(granted_until(5)),
        Effect::ReadVm => Some(vm(Deallocated)),
        Effect::ResolveAddress { .. } => Some(address(None, false)),
        Effect::DetectSource | Effect::ReadPolicy | Effect::ProbePort { .. } => all_but_the_request(effect),
        Effect::FindBastion { .. } | Effect::StartVm | Effect::LaunchClient { .. } => None,
    });
    world.pass(TimeDelta::seconds(240));
    assert_eq!(world.asked.len(), 1);
    world.pass(TimeDelta::seconds(31));
    assert_eq!(world.asked.len(), 2);
    assert!(world.asked[1].end_time_utc > world.asked[0].end_time_utc);
}

#[test]
fn a_profile_that_forbids_starting_asks_only_for_a_vm_that_runs() {
    let order = || Order { may_start: false, ..order() };
    let known = || [does(&READS), told(source()), told(policies()), does(&[])];
    let running = [told(vm(Running)), does(&["address", ASK])];
    check(order(), Memory::default(), known().into_iter().chain(running));
    let resting = [told(vm(Stopped)), ends("vmNotRunning in Start")];
    check(order(), Memory::default(), known().into_iter().chain(resting));
}
