use chrono::{FixedOffset, TimeDelta};

use super::*;
use crate::port::{Endpoint, Protocol};
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;
use crate::snapshot::{
    AttemptNumber, ClosedView, FailureView, GrantView, OpenedBy, ReachedView, Step, StepStatus, StepView,
};

/// Minutes after an epoch of these tests.
fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
}

fn zone() -> Zone {
    Zone::always(FixedOffset::east_opt(0).unwrap(), at(0))
}

fn name() -> ProfileName {
    "web-01".parse().unwrap()
}

fn vm() -> VmResourceId {
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-01"
        .parse()
        .unwrap()
}

fn snapshot(attempts: Vec<AttemptView>, windows: Vec<WindowView>) -> Snapshot {
    let mut snapshot: Snapshot = serde_json::from_str(
        r#"{"revision":1,"clockSkewMs":0,"host":{"pid":1,"version":"0","cloud":"public","account":"az","demo":false},"favourites":[],
            "windows":[],"attempts":[],"refreshing":false,"windowWanted":0}"#,
    )
    .unwrap();
    (snapshot.attempts, snapshot.windows) = (attempts, windows);
    snapshot
}

fn window(end: i64, ending: bool) -> WindowView {
    WindowView {
        name: name(),
        cloud: "public".into(),
        vm: vm(),
        port: 22,
        protocol: Protocol::Ssh,
        source: "203.0.113.7".into(),
        start_time_utc: at(0),
        end_time_utc: at(end),
        opened_by: None,
        ending,
    }
}

fn attempt(number: u64, outcome: Option<OutcomeView>) -> AttemptView {
    AttemptView {
        number: AttemptNumber(number),
        name: name(),
        cloud: "public".into(),
        vm: vm(),
        port: 22,
        protocol: Protocol::Ssh,
        extends: false,
        started_at: at(0),
        ended_at: outcome.as_ref().map(|_| at(1)),
        headline: String::new(),
        steps: Vec::new(),
        notes: Vec::new(),
        reached: None,
        outcome,
    }
}

fn success(end: i64) -> OutcomeView {
    OutcomeView::Connected(ReachedView {
        endpoint: Endpoint { host: "203.0.113.50".into(), port: 22 },
        window: Some(GrantView { end_time_utc: at(end), source: "203.0.113.7".into() }),
        elapsed_ms: 1_000,
    })
}

fn failure() -> FailureView {
    FailureView {
        code: "portSilent".into(),
        title: "It does not answer.".into(),
        message: "All is granted.".into(),
        action: "Look at it.".into(),
        action_in_window: None,
        wants_sign_in: false,
        help_url: None,
        choices: Vec::new(),
        details: String::new(),
        exit_code: 5,
    }
}

fn titles(before: &Snapshot, after: &Snapshot, now: i64) -> Vec<String> {
    notices(before, after, at(now), zone()).into_iter().map(|notice| notice.title).collect()
}

#[test]
fn an_attempt_that_connects_is_told_once() {
    let before = snapshot(vec![attempt(1, None)], Vec::new());
    let after = snapshot(vec![attempt(1, Some(success(180)))], vec![window(180, false)]);
    let told = notices(&before, &after, at(1), zone());
    assert_eq!(told, [connected("web-01", OpenedBy::Window(at(180)), &[], zone())]);
    assert!(titles(&after, &after, 2).is_empty());
}

#[test]
fn a_port_open_without_a_window_is_told_with_what_was_asked_for() {
    use StepStatus::{Done, Failed, Skipped};

    let endpoint = Endpoint { host: "203.0.113.50".into(), port: 22 };
    let open = OutcomeView::Connected(ReachedView { endpoint, window: None, elapsed_ms: 1 });
    let step =
        |step, status| StepView { step, status, started_ms: None, ended_ms: None, label: String::new(), detail: None };
    for (asked, started, notes, body) in [
        (Skipped, Skipped, vec![], "Its port was open already."),
        (Skipped, Done, vec![], "Its port is open."),
        (Done, Done, vec![], "Its port is open."),
        (Done, Skipped, vec!["More is to come.".to_owned()], "Its port is open. More is to come."),
        (Failed, Skipped, vec![], "Its port is open, although Azure refused the access requested."),
    ] {
        let view = AttemptView {
            steps: vec![step(Step::Access, asked), step(Step::Start, started)],
            notes,
            ..attempt(1, Some(open.clone()))
        };
        let told = notices(&snapshot(Vec::new(), Vec::new()), &snapshot(vec![view], Vec::new()), at(1), zone());
        assert_eq!(told[0].body, body);
    }
}

#[test]
fn an_attempt_too_quick_to_be_seen_under_way_is_told_too() {
    let after = snapshot(vec![attempt(1, Some(success(180)))], Vec::new());
    assert_eq!(titles(&snapshot(Vec::new(), Vec::new()), &after, 1), ["Connected to web-01"]);
}

#[test]
fn a_second_attempt_is_news_although_the_first_was_told() {
    let before = snapshot(vec![attempt(1, Some(success(180)))], Vec::new());
    let after = snapshot(vec![attempt(2, Some(success(180)))], Vec::new());
    assert_eq!(titles(&before, &after, 1), ["Connected to web-01"]);
}

#[test]
fn a_failure_is_told_in_its_own_words_and_a_cancel_is_not() {
    let before = snapshot(vec![attempt(1, None)], Vec::new());
    let failed = snapshot(vec![attempt(1, Some(OutcomeView::Failed(failure())))], Vec::new());
    assert_eq!(titles(&before, &failed, 1), ["It does not answer."]);
    let cancelled = snapshot(vec![attempt(1, Some(OutcomeView::Cancelled(failure())))], Vec::new());
    assert!(titles(&before, &cancelled, 1).is_empty());
}

#[test]
fn a_window_is_told_when_its_end_comes_near_and_again_when_it_has_come() {
    let calm = snapshot(Vec::new(), vec![window(180, false)]);
    let near = snapshot(Vec::new(), vec![window(180, true)]);
    let none = snapshot(Vec::new(), Vec::new());
    assert_eq!(titles(&calm, &near, 165), ["web-01 closes at 03:00"]);
    assert!(titles(&near, &near, 170).is_empty());
    assert_eq!(titles(&near, &none, 180), ["web-01 is closed to new connections"]);
    assert!(titles(&none, &none, 181).is_empty());
}

#[test]
fn who_slept_through_both_hears_of_the_end_alone() {
    let calm = snapshot(Vec::new(), vec![window(180, false)]);
    assert_eq!(titles(&calm, &snapshot(Vec::new(), Vec::new()), 300), ["web-01 is closed to new connections"]);
    // The engine has woken up but not yet dropped it.
    let overdue = snapshot(Vec::new(), vec![window(180, true)]);
    assert!(titles(&calm, &overdue, 300).is_empty());
    assert_eq!(titles(&overdue, &snapshot(Vec::new(), Vec::new()), 300), ["web-01 is closed to new connections"]);
}

#[test]
fn a_window_that_was_extended_has_neither_ended_nor_gone() {
    let near = snapshot(Vec::new(), vec![window(180, true)]);
    let extended = snapshot(Vec::new(), vec![window(360, false)]);
    assert!(titles(&near, &extended, 180).is_empty());
    assert_eq!(titles(&extended, &snapshot(Vec::new(), vec![window(360, true)]), 345), ["web-01 closes at 06:00"]);
}

#[test]
fn a_short_window_is_not_announced_as_near_its_end_while_it_opens() {
    let after = snapshot(Vec::new(), vec![window(10, true)]);
    assert!(titles(&snapshot(Vec::new(), Vec::new()), &after, 0).is_empty());
}

#[test]
fn a_window_taken_away_before_its_end_is_not_said_to_have_ended() {
    let before = snapshot(Vec::new(), vec![window(180, false)]);
    assert!(titles(&before, &snapshot(Vec::new(), Vec::new()), 60).is_empty());
}

#[test]
fn a_window_closed_before_its_time_is_told_once_with_the_reason() {
    let open = snapshot(Vec::new(), vec![window(180, false)]);
    let mut gone = snapshot(Vec::new(), Vec::new());
    let text = crate::message::closed_early(crate::policy::StatusReason::UserRequested, at(180), zone());
    gone.closed = vec![ClosedView { name: name(), port: 22, end_time_utc: at(180), text }];
    let told = notices(&open, &gone, at(60), zone());
    assert_eq!(told[0].title, "web-01 lost its access before the time");
    assert!(told[0].body.contains("03:00") && told[0].body.contains("took the request back"), "{:?}", told[0]);
    assert_eq!((told.len(), notices(&gone, &gone, at(61), zone()).len()), (1, 0));
}

#[test]
fn a_host_that_takes_over_and_finds_the_windows_again_tells_nothing_twice() {
    let old = snapshot(vec![attempt(1, Some(success(180)))], vec![window(180, true)]);
    let taken_over = snapshot(Vec::new(), Vec::new());
    let adopted = snapshot(Vec::new(), vec![window(180, true)]);
    assert!(titles(&old, &taken_over, 170).is_empty());
    assert!(titles(&taken_over, &adopted, 171).is_empty());
    assert_eq!(titles(&adopted, &taken_over, 180), ["web-01 is closed to new connections"]);
}

#[test]
fn more_time_is_told_with_the_new_end() {
    let grant = GrantView { end_time_utc: at(180), source: "203.0.113.7".into() };
    let (before, after) = (attempt(1, None), attempt(1, Some(OutcomeView::Extended(grant))));
    let told = notices(&snapshot(vec![before], Vec::new()), &snapshot(vec![after], Vec::new()), at(0), zone());
    let titles: Vec<_> = told.iter().map(|notice| (notice.title.as_str(), notice.body.as_str())).collect();
    assert_eq!(titles.len(), 1, "{titles:?}");
    assert!(titles[0].0.starts_with("More time for ") && titles[0].1.contains("until"), "{titles:?}");
}

#[test]
fn how_a_deallocation_ends_is_told_once() {
    let one = |outcome| DeallocationView {
        number: 7,
        name: name(),
        cloud: "public".into(),
        vm: vm(),
        started_at: at(0),
        ended_at: None,
        headline: "deallocating".into(),
        outcome,
    };
    let text = crate::message::deallocation::done(false, None, zone());
    let end = DeallocationEnd::Deallocated { already: false, text, window_until: None, elapsed_ms: 1 };
    let with = |outcome| Snapshot { deallocations: vec![one(outcome)], ..snapshot(Vec::new(), Vec::new()) };
    let told = notices(&with(None), &with(Some(end.clone())), at(1), zone());
    let expected = Notice {
        title: "web-01 is deallocated".into(),
        body: "Its compute is not billed any more, its disks are.".into(),
    };
    assert_eq!(told, [expected]);
    assert_eq!(notices(&with(Some(end.clone())), &with(Some(end)), at(2), zone()), []);
}
