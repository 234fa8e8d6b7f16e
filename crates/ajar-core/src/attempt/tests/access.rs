//! Asking for access: once, checked, clamped, and looked for before it is repeated.

use chrono::TimeDelta;

use super::script::*;
use crate::attempt::{Effect, Fact, InitiateFailure, Memory, Order, Outcome};
use crate::failure::{AzureSaid, Failure, Trouble};
use crate::message::failure::{About, in_words};
use crate::policy::{
    Clamp, JitNetworkAccessPolicy, JitNetworkAccessRequest, RequestStatus, RuleProtocol, StatusReason,
};
use crate::port::PortAnswer::{Open, Refused};
use crate::snapshot::Step;
use crate::vm::PowerState::{Deallocated, Running, Stopped};

const ASK: &str = "ask for 22 from 203.0.113.7 until 14:00:00";
const READS: [&str; 3] = ["source", "policy", "vm"];

fn asking() -> [Line; 4] {
    [does(&READS), told(source()), told(policies()), does(&[ASK])]
}

fn starting() -> [Line; 3] {
    [told(vm(Deallocated)), does(&["address", "start"]), told(address(None, false))]
}

/// Reads that do not show the request, further and further apart, the last of them after so long.
fn looked_for_in_vain(seconds: i64) -> Vec<Line> {
    let mut pauses = [2, 3, 5, 8].into_iter().chain(std::iter::repeat(10));
    let mut left = seconds;
    let mut looks = Vec::new();
    while let Some(pause) = pauses.next().filter(|_| left > 0) {
        looks.extend([told(policies()), after(pause.min(left) * 1_000), does(&["policy"])]);
        left -= pause;
    }
    looks
}

#[test]
fn after_an_ambiguous_failure_the_request_is_looked_for_and_adopted_not_repeated() {
    let script = [told(unanswered()), does(&["policy"]), told(policies_open_until(120)), after(25_000)];
    let world = check(order(), Memory::default(), asking().into_iter().chain(script));
    assert_eq!(world.asked.len(), 1);
    assert_eq!(world.step(Step::Access), "Done: Access requested (port 22 until 14:00)");
}

/// A request that the policies show, and whether it is taken for the one at noon that nobody answered. Whoever's it is,
/// what lets this machine in makes another needless; what is not ours is looked for until its time is over.
#[test]
fn the_own_request_is_known_by_vm_port_source_time_and_requestor() {
    type Change = fn(&mut JitNetworkAccessRequest);
    let cases: [(&str, Change, bool, bool); 9] = [
        ("as sent", |_| {}, true, true),
        ("by a clock that is slow", |request| request.start_time_utc -= TimeDelta::seconds(50), true, true),
        ("by a clock that is fast", |request| request.start_time_utc += TimeDelta::seconds(50), true, true),
        ("older", |request| request.start_time_utc -= TimeDelta::minutes(30), false, true),
        ("by a user", |request| request.requestor = "bob@contoso.com".into(), false, true),
        ("by an id of its own", |request| request.requestor = "an-object-id".into(), true, true),
        (
            "another VM",
            |request| request.virtual_machines[0].id = vm_id().to_string().replace("web-01", "web-02").parse().unwrap(),
            false,
            false,
        ),
        ("another port", |request| request.virtual_machines[0].ports[0].number = 3389, false, false),
        (
            "another source",
            |request| request.virtual_machines[0].ports[0].allowed_source_address_prefixes = vec!["192.0.2.1".into()],
            false,
            false,
        ),
    ];
    let memory = || Memory { principal: Some("our-client-id".into()), ..Memory::default() };
    for (what, change, is_ours, lets_in) in cases {
        let mut shown = request(120, None);
        change(&mut shown);
        let shown = || Fact::Policies(Ok(vec![JitNetworkAccessPolicy { requests: vec![shown.clone()], ..policy() }]));
        let mut world = check(
            order(),
            memory(),
            asking().into_iter().chain(starting()).chain([told(unanswered()), does(&["policy"])]),
        );
        world.tell(shown());
        let found = world.step(Step::Access).starts_with("Done");
        assert_eq!(found, is_ours, "{what}: {}", world.step(Step::Access));
        for _ in 0..10 {
            world.pass(TimeDelta::seconds(10));
            world.tell(shown());
        }
        assert_eq!(world.asked.len(), if lets_in { 1 } else { 2 }, "{what}");
        assert_eq!(world.step(Step::Access).starts_with("Done"), lets_in, "{what}: {}", world.step(Step::Access));
    }
}

#[test]
fn a_request_found_and_revoked_later_is_not_asked_for_again() {
    let script = [told(unanswered()), does(&["policy"]), told(policies_open_until(120))];
    let mut world = check(order(), Memory::default(), asking().into_iter().chain(script));
    let mut request = request(120, None);
    request.virtual_machines[0].ports[0].status = RequestStatus::Revoked(StatusReason::UserRequested);
    world.tell(Fact::Policies(Ok(vec![JitNetworkAccessPolicy { requests: vec![request], ..policy() }])));
    assert_eq!((world.outcome().as_str(), world.asked.len()), ("accessRevoked in Access", 1));
}

#[test]
fn an_answer_that_grants_nothing_usable_counts_as_no_answer() {
    let mut elsewhere = request(120, None);
    elsewhere.virtual_machines[0].ports[0].status = RequestStatus::Revoked(StatusReason::Unknown);
    let nothing = JitNetworkAccessRequest { virtual_machines: vec![], ..request(120, None) };
    for answer in [elsewhere, nothing, request(0, None)] {
        let script = [told(Fact::Initiated(Ok(answer))), does(&["policy"])];
        check(order(), Memory::default(), asking().into_iter().chain(script));
    }
}

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
fn only_when_it_is_not_found_for_75_seconds_a_second_is_sent_and_after_two_none() {
    let in_vain = || [told(unanswered()), does(&["policy"])].into_iter().chain(looked_for_in_vain(75));
    let script = asking()
        .into_iter()
        .chain(starting())
        .chain(in_vain())
        .chain([told(policies()), does(&["ask for 22 from 203.0.113.7 until 14:01:15"])])
        .chain(in_vain())
        .chain([told(policies()), ends("requestUnanswered in Access")]);
    check(order(), Memory::default(), script);
}

/// What counts is when the last reading began: it may show how things stood then.
#[test]
fn a_slow_reading_that_was_begun_before_the_search_was_over_does_not_end_it() {
    let before_the_last = looked_for_in_vain(68).into_iter();
    let script = starting().into_iter().chain([told(unanswered()), does(&["policy"])]).chain(before_the_last).chain([
        after(20_000),
        told(policies()),
        does(&["policy"]),
        after(5_000),
        told(policies_open_until(120)),
    ]);
    let world = check(order(), Memory::default(), asking().into_iter().chain(script));
    assert_eq!(world.asked.len(), 1);
    assert_eq!(world.step(Step::Access), "Done: Access requested (port 22 until 14:00)");
}

#[test]
fn while_a_request_is_looked_for_the_step_says_so_and_a_cancel_ends_it() {
    let script = [told(unanswered()), does(&["policy"]), told(policies()), after(1_000)];
    let mut world = check(order(), Memory::default(), asking().into_iter().chain(script));
    assert_eq!(world.step(Step::Access), "Running: Looking for the request (no clear answer; Azure may show it late)");
    assert_eq!(world.attempt.view(world.now, UTC).headline, "Looking for the request");
    world.attempt.cancel(world.now);
    assert_eq!(world.outcome(), "cancelled, asking");
    assert_eq!(world.step(Step::Access), "Done: Access requested (Azure had not answered yet)");
    world.is_over();
}

#[test]
fn a_port_that_opens_while_a_request_is_looked_for_settles_it() {
    let mut world = World::answering(order(), Memory::default(), |effect| match effect {
        Effect::ProbePort { .. } => None,
        Effect::Initiate(_) => Some(unanswered()),
        Effect::DetectSource
        | Effect::ReadPolicy
        | Effect::ReadVm
        | Effect::ResolveAddress { .. }
        | Effect::StartVm
        | Effect::LaunchClient { .. } => all_but_the_request(effect),
    });
    world.pass(TimeDelta::seconds(3));
    assert_eq!(world.outcome(), "still under way");
    world.tell(port(Open));
    world.tell(Fact::Client(Ok(())));
    assert_eq!((world.outcome().as_str(), world.asked.len()), ("connected 203.0.113.50:22", 1));
    world.is_over();
}

/// By the time it was sent: how long it was on its way then is not known, a minute at most.
#[test]
fn a_request_of_a_host_that_went_away_is_looked_for_first() {
    let ago = |seconds| Memory { unsettled_since: Some(noon() - TimeDelta::seconds(seconds)), ..Memory::default() };
    let known = [does(&READS), told(source()), told(vm(Deallocated)), does(&["address"]), told(address(None, false))];
    let mut looks = looked_for_in_vain(130);
    looks.insert(1, does(&["start"]));
    let script =
        known.into_iter().chain(looks).chain([told(policies()), does(&["ask for 22 from 203.0.113.7 until 14:02:10"])]);
    check(order(), ago(5), script);
    check(order(), ago(5), [does(&READS), told(source()), told(policies_open_until(120)), after(30_000)]);
    check(order(), ago(136), asking());
    check(order(), ago(-3_600), [does(&READS), told(source()), told(policies())]);
}

#[test]
fn a_reading_that_fails_while_a_request_is_looked_for_is_repeated() {
    let script = [
        told(unanswered()),
        does(&["policy"]),
        told(Fact::Policies(Err(trouble()))),
        after(2_000),
        does(&["policy"]),
        told(policies_open_until(120)),
    ];
    let world = check(order(), Memory::default(), asking().into_iter().chain(script));
    assert_eq!(world.step(Step::Access), "Done: Access requested (port 22 until 14:00)");
}

#[test]
fn a_request_that_never_comes_back_is_looked_for_but_no_other_is_sent_beside_it() {
    let mut world = World::answering(order(), Memory::default(), all_but_the_request);
    world.pass(TimeDelta::minutes(5));
    assert_eq!((world.outcome().as_str(), world.asked.len()), ("requestUnanswered in Access", 1));
}

#[test]
fn a_late_grant_of_a_request_given_up_on_is_taken() {
    let mut world = World::answering(order(), Memory::default(), all_but_the_request);
    world.pass(TimeDelta::seconds(70));
    world.attempt.apply(NUMBER, unanswered(), world.now);
    world.attempt.apply(NUMBER, granted_until(120), world.now);
    assert_eq!(world.step(Step::Access), "Done: Access requested (port 22 until 14:00)");
}

/// Everything is answered but the request for access; the port refuses.
#[test]
fn a_request_that_stays_unanswered_fails_with_azures_id_of_the_call() {
    let trouble = end_of(|effect| {
        let host = "management.azure.com".to_owned();
        kept_away_by(effect, Failure::Unreachable { host, detail: "timed out".into() })
    });
    assert_eq!((trouble.failure.code(), trouble.correlation_id.as_deref()), ("requestUnanswered", Some("c0ffee")));
}

#[test]
fn what_azure_says_to_a_request_that_it_cannot_handle_is_told() {
    let trouble = end_of(|effect| {
        let (azure_code, azure_message) = ("InternalServerError".into(), "It broke.".into());
        kept_away_by(effect, Failure::AzureError { status: 500, azure_code, azure_message })
    });
    let said = AzureSaid { status: 500, azure_code: "InternalServerError".into(), azure_message: "It broke.".into() };
    assert_eq!(trouble.failure, Failure::RequestUnanswered { sent: 2, said: Some(said) });
    let words = in_words(&trouble, &About { name: "web-01", zone: UTC, at: noon() });
    let told = "Azure says: It broke (InternalServerError, 500). It was sent twice, and the policy does not show it.";
    assert_eq!(words.message, told);
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
fn who_answers_the_request_in_azures_place_is_told_of() {
    fn page() -> Failure {
        Failure::NotFromAzure { host: "management.azure.com".into(), status: 403, leads_to: None }
    }
    assert_eq!(end_of(|effect| kept_away_by(effect, page())).failure, page());
}

/// All goes well but that this keeps the answer to each request away.
fn kept_away_by(effect: &Effect, failure: Failure) -> Option<Fact> {
    let trouble = Trouble { failure, correlation_id: Some("c0ffee".into()) };
    let asked = matches!(effect, Effect::Initiate(_));
    if asked { Some(Fact::Initiated(Err(InitiateFailure::Unanswered(trouble)))) } else { all_but_the_request(effect) }
}

/// How an attempt fails.
fn end_of(answers: fn(&Effect) -> Option<Fact>) -> Trouble {
    let mut world = World::answering(order(), Memory::default(), answers);
    world.pass(TimeDelta::minutes(5));
    match world.attempt.outcome() {
        Some(Outcome::Failed { trouble, .. }) => trouble.clone(),
        _ => panic!("{}", world.outcome()),
    }
}

fn all_but_the_request(effect: &Effect) -> Option<Fact> {
    match effect {
        Effect::DetectSource => Some(source()),
        Effect::ReadPolicy => Some(policies()),
        Effect::ReadVm => Some(vm(Running)),
        Effect::ResolveAddress { .. } => Some(address(Some(VM), true)),
        Effect::ProbePort { .. } => Some(port(Refused)),
        Effect::Initiate(_) | Effect::StartVm | Effect::LaunchClient { .. } => None,
    }
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
        let mut world = World::new(Order { access: TimeDelta::seconds(wish), ..order() }, Memory::default());
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
        let order = Order { access: TimeDelta::hours(hours), ..order() };
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
fn of_a_rule_whose_maximum_cannot_be_read_no_more_than_the_usual_one_is_asked_for_and_that_is_said() {
    let ask = |hours| {
        let order = Order { access: TimeDelta::hours(hours), ..order() };
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
        Effect::StartVm | Effect::LaunchClient { .. } => None,
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
