//! A request whose answer nobody saw: looked for before it is repeated.

use chrono::TimeDelta;

use super::script::*;
use crate::attempt::{Effect, Fact, InitiateFailure, Memory, Outcome};
use crate::failure::{AzureSaid, Failure, Trouble};
use crate::message::failure::{About, in_words};
use crate::policy::{JitNetworkAccessPolicy, JitNetworkAccessRequest, RequestStatus, StatusReason};
use crate::port::PortAnswer::Open;
use crate::snapshot::Step;
use crate::vm::PowerState::Deallocated;

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
        | Effect::FindBastion { .. }
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
    let ago =
        |seconds| Memory { unsettled: Some(unsettled(noon() - TimeDelta::seconds(seconds))), ..Memory::default() };
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

/// Azure's word that it cannot take a request now, and when it can.
fn unavailable_for(seconds: i64) -> Failure {
    let said = AzureSaid { status: 503, azure_code: "ServerBusy".into(), azure_message: "Too much to do.".into() };
    Failure::Unavailable { said, retry_at: noon() + TimeDelta::seconds(seconds) }
}

#[test]
fn before_the_time_that_azure_names_no_second_request_is_sent_and_the_time_is_told() {
    let refused = told(Fact::Initiated(Err(InitiateFailure::Unanswered(unavailable_for(600).into()))));
    let script = [refused, does(&["policy"])].into_iter().chain(looked_for_in_vain(75));
    let script = asking().into_iter().chain(starting()).chain(script);
    let world = check(order(), Memory::default(), script.chain([told(policies()), ends("unavailable in Access")]));
    assert_eq!(world.asked.len(), 1);
}

#[test]
fn after_the_time_that_azure_names_a_second_request_is_sent() {
    let refused = told(Fact::Initiated(Err(InitiateFailure::Unanswered(unavailable_for(60).into()))));
    let script = [refused, does(&["policy"])].into_iter().chain(looked_for_in_vain(75));
    let again = [told(policies()), does(&["ask for 22 from 203.0.113.7 until 14:01:15"])];
    check(order(), Memory::default(), asking().into_iter().chain(starting()).chain(script).chain(again));
}

#[test]
fn a_time_that_has_come_is_not_told_of_a_second_request_that_nobody_answered() {
    let refused = || told(Fact::Initiated(Err(InitiateFailure::Unanswered(unavailable_for(60).into()))));
    let in_vain = || looked_for_in_vain(75).into_iter();
    let script = asking().into_iter().chain(starting()).chain([refused(), does(&["policy"])]).chain(in_vain());
    let script = script.chain([told(policies()), does(&["ask for 22 from 203.0.113.7 until 14:01:15"])]);
    let again = [refused(), does(&["policy"])].into_iter().chain(in_vain());
    let end = [told(policies()), ends("requestUnanswered in Access")];
    let world = check(order(), Memory::default(), script.chain(again).chain(end));
    assert_eq!(world.asked.len(), 2);
}
