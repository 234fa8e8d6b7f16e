use chrono::FixedOffset;
use proptest::prelude::*;

use super::*;
use crate::message::notice::Offer;
use crate::port::{Endpoint, Protocol};
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;
use crate::snapshot::{
    AttemptNumber, ClosedView, FailureView, GrantView, LeftBehindView, OpenedBy, ReachedView, RenewalView, Step,
    StepStatus, StepView,
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

fn window(end: i64) -> WindowView {
    WindowView {
        name: name(),
        cloud: "public".into(),
        vm: vm(),
        port: 22,
        protocol: Protocol::Ssh,
        endpoint: None,
        source: "203.0.113.7".into(),
        start_time_utc: at(0),
        end_time_utc: at(end),
        opened_by: None,
        ending: false,
        left_behind: None,
        renewal: None,
        beside: None,
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
        follows: false,
        renews: false,
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
        bastion: None,
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

fn told_of(before: &Snapshot, after: &Snapshot, now: i64) -> Vec<Notice> {
    notices(Some(before), after, &mut Told::default(), at(now), zone())
}

fn titles(before: &Snapshot, after: &Snapshot, now: i64) -> Vec<String> {
    told_of(before, after, now).into_iter().map(|notice| notice.title).collect()
}

/// A tray that sees one snapshot after the other, each at a minute.
struct Watch {
    before: Option<Snapshot>,
    told: Told,
}

impl Watch {
    fn begin() -> Self {
        Self { before: None, told: Told::default() }
    }

    /// The first lines of what is told.
    fn sees(&mut self, snapshot: &Snapshot, now: DateTime<Utc>) -> Vec<String> {
        let notices = notices(self.before.as_ref(), snapshot, &mut self.told, now, zone());
        self.before = Some(snapshot.clone());
        notices.into_iter().map(|notice| notice.title).collect()
    }

    fn sees_at(&mut self, snapshot: &Snapshot, now: i64) -> Vec<String> {
        self.sees(snapshot, at(now))
    }
}

#[test]
fn an_attempt_that_connects_is_told_once() {
    let before = snapshot(vec![attempt(1, None)], Vec::new());
    let after = snapshot(vec![attempt(1, Some(success(180)))], vec![window(180)]);
    let told = told_of(&before, &after, 1);
    assert_eq!(told, [connected("web-01", OpenedBy::Window(at(180)), &[], zone())]);
    assert!(titles(&after, &after, 2).is_empty());
}

#[test]
fn a_port_open_without_a_window_is_told_with_what_was_asked_for() {
    use StepStatus::{Done, Failed, Skipped};

    let endpoint = Endpoint { host: "203.0.113.50".into(), port: 22 };
    let open = OutcomeView::Connected(ReachedView { endpoint, bastion: None, window: None, elapsed_ms: 1 });
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
        let told = told_of(&snapshot(Vec::new(), Vec::new()), &snapshot(vec![view], Vec::new()), 1);
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
fn a_window_is_told_15_5_and_1_minutes_before_its_end_and_when_that_has_come() {
    let (open, none) = (snapshot(Vec::new(), vec![window(180)]), snapshot(Vec::new(), Vec::new()));
    let mut watch = Watch::begin();
    assert!(watch.sees_at(&open, 0).is_empty());
    for (minute, told) in [(164, 0), (165, 1), (166, 0), (174, 0), (175, 1), (178, 0), (179, 1)] {
        let titles = watch.sees_at(&open, minute);
        assert_eq!(titles, vec!["web-01 closes at 03:00"; told], "{minute}");
    }
    assert_eq!(watch.sees_at(&none, 180), ["web-01 is closed to new connections"]);
    assert!(watch.sees_at(&none, 181).is_empty());
}

#[test]
fn who_slept_hears_of_the_last_time_that_passed_alone_and_past_the_end_of_the_end_alone() {
    let (open, none) = (snapshot(Vec::new(), vec![window(180)]), snapshot(Vec::new(), Vec::new()));
    let mut watch = Watch::begin();
    watch.sees_at(&open, 0);
    let notices = notices(Some(&open), &open, &mut watch.told, at(177), zone());
    assert_eq!(notices[0].body, "3 min left. Connections that run then stay.");
    assert_eq!(notices.len(), 1);
    // The engine has woken up but not yet dropped it.
    assert!(watch.sees_at(&open, 300).is_empty());
    assert_eq!(watch.sees_at(&none, 300), ["web-01 is closed to new connections"]);
}

#[test]
fn a_window_that_was_extended_has_neither_ended_nor_gone_and_nears_its_new_end() {
    let (near, extended) = (snapshot(Vec::new(), vec![window(180)]), snapshot(Vec::new(), vec![window(360)]));
    let mut watch = Watch::begin();
    watch.sees_at(&near, 0);
    assert_eq!(watch.sees_at(&near, 166).len(), 1);
    assert!(watch.sees_at(&extended, 180).is_empty());
    assert_eq!(watch.sees_at(&extended, 345), ["web-01 closes at 06:00"]);
}

#[test]
fn what_has_passed_when_a_window_is_first_seen_is_no_news_and_what_is_still_to_come_is() {
    let short = snapshot(Vec::new(), vec![window(10)]);
    let mut watch = Watch::begin();
    watch.sees_at(&snapshot(Vec::new(), Vec::new()), 0);
    assert!(watch.sees_at(&short, 0).is_empty());
    assert_eq!(watch.sees_at(&short, 5), ["web-01 closes at 00:10"]);
    assert!(Watch::begin().sees_at(&short, 5).is_empty(), "a tray that has just started");
}

#[test]
fn when_it_is_told_can_be_said_and_never_is_never() {
    let at_half_an_hour = vec![30];
    for (before_end, told) in [(at_half_an_hour, [1, 0, 0]), (vec![], [0, 0, 0])] {
        let mut open = snapshot(Vec::new(), vec![window(180)]);
        open.settings.before_end = Some(before_end.try_into().unwrap());
        let mut watch = Watch::begin();
        watch.sees_at(&open, 0);
        assert_eq!([150, 165, 179].map(|minute| watch.sees_at(&open, minute).len()), told);
    }
}

#[test]
fn where_a_window_is_renewed_later_than_all_that_is_said_it_is_told_soon_after_that() {
    let mut open = snapshot(Vec::new(), vec![window(120)]);
    open.settings.before_end = Some(vec![60].try_into().unwrap());
    open.windows[0].renewal =
        Some(RenewalView { renews: true, at: Some(at(90)), since: at(0), times: 0, text: "Renewed.".into() });
    let mut watch = Watch::begin();
    watch.sees_at(&open, 0);
    assert_eq!([60, 90, 91, 119].map(|minute| watch.sees_at(&open, minute).len()), [0, 0, 1, 0]);
    open.settings.before_end = Some(Vec::new().try_into().unwrap());
    let mut watch = Watch::begin();
    watch.sees_at(&open, 0);
    assert_eq!([91, 119].map(|minute| watch.sees_at(&open, minute).len()), [0, 0], "never is never");
}

#[test]
fn the_next_time_is_the_nearest_of_all_windows() {
    let open = snapshot(Vec::new(), vec![window(180), window(200)]);
    for (now, next) in [(0, Some(165)), (165, Some(175)), (178, Some(179)), (179, Some(185)), (199, None)] {
        assert_eq!(notices_change_at(&open, at(now)), next.map(at), "{now}");
    }
}

#[test]
fn more_time_can_be_asked_for_from_where_the_end_is_told_if_the_favourite_is_there() {
    let mut open = snapshot(Vec::new(), vec![window(180)]);
    let extends = |open: &Snapshot| {
        let mut told = Told::default();
        notices(None, open, &mut told, at(0), zone());
        notices(Some(open), open, &mut told, at(170), zone())[0].offer.clone()
    };
    assert_eq!(extends(&open), None);
    open.favourites = vec![serde_json::from_value(favourite()).unwrap()];
    assert_eq!(extends(&open), Some(Offer::Extend(name())));
    open.attempts = vec![AttemptView { extends: true, ..attempt(1, None) }];
    assert_eq!(extends(&open), None, "it is being asked for");
}

fn favourite() -> serde_json::Value {
    serde_json::json!({
        "name": "web-01", "cloud": "public", "vm": vm(), "vmName": "web-01", "resourceGroup": "rg", "protocol": "ssh",
        "port": 22, "account": null, "user": null, "state": "open", "waitsForSignIn": false, "profile": { "vm": vm() },
        "detail": "",
    })
}

proptest! {
    /// Whatever a tray sees: windows that come, go and are extended, clocks that jump either way, sleeps, and a new host.
    #[test]
    fn each_time_before_an_end_is_told_once_at_most_and_in_order(
        events in proptest::collection::vec((0_usize..4, -40_i64..90), 1..60),
    ) {
        let (mut watch, mut now, mut end) = (Watch::begin(), 0, 180);
        let mut left_told: Vec<(i64, i64)> = Vec::new();
        let (mut ends_told, mut last_open): (Vec<i64>, _) = (Vec::new(), end);
        for (event, minutes) in events {
            now = (now + minutes).max(0);
            end = if event == 1 { end + 60 } else { end };
            let is_open = event != 0 && now < end;
            let windows = if is_open { vec![window(end)] } else { Vec::new() };
            for title in watch.sees_at(&snapshot(Vec::new(), windows), now) {
                if title.ends_with("new connections") { ends_told.push(last_open) } else { left_told.push((end, end - now)) }
            }
            // An end that is told is that of the window that was there before, which an extension may have come too late for.
            last_open = if is_open { end } else { last_open };
        }
        for (place, (end, left)) in left_told.iter().enumerate() {
            let before: Vec<_> = left_told[..place].iter().filter(|(other, _)| other == end).collect();
            prop_assert!(before.len() < 3, "{left_told:?}");
            let mark = |left: i64| [1, 5, 15].into_iter().find(|mark| left <= *mark);
            prop_assert!(before.iter().all(|(_, earlier)| mark(*earlier) > mark(*left)), "{left_told:?}");
        }
        let mut once = ends_told.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(ends_told.len(), once.len());
    }
}

#[test]
fn a_window_taken_away_before_its_end_is_not_said_to_have_ended() {
    let before = snapshot(Vec::new(), vec![window(180)]);
    assert!(titles(&before, &snapshot(Vec::new(), Vec::new()), 60).is_empty());
}

#[test]
fn a_window_closed_before_its_time_is_told_once_with_the_reason() {
    let open = snapshot(Vec::new(), vec![window(180)]);
    let mut gone = snapshot(Vec::new(), Vec::new());
    let text = crate::message::closed_early(crate::policy::StatusReason::UserRequested, at(180), zone());
    gone.closed = vec![ClosedView { name: name(), port: 22, end_time_utc: at(180), text }];
    let told = told_of(&open, &gone, 60);
    assert_eq!(told[0].title, "web-01 lost its access before the time");
    assert!(told[0].body.contains("03:00") && told[0].body.contains("took the request back"), "{:?}", told[0]);
    assert_eq!((told.len(), told_of(&gone, &gone, 61).len()), (1, 0));
}

#[test]
fn a_host_that_takes_over_and_finds_the_windows_again_tells_nothing_twice() {
    let (open, none) = (snapshot(Vec::new(), vec![window(180)]), snapshot(Vec::new(), Vec::new()));
    let mut watch = Watch::begin();
    watch.sees_at(&open, 0);
    assert_eq!(watch.sees_at(&open, 166).len(), 1);
    assert!(watch.sees_at(&none, 170).is_empty());
    assert!(watch.sees_at(&open, 171).is_empty());
    assert_eq!(watch.sees_at(&none, 180), ["web-01 is closed to new connections"]);
}

#[test]
fn more_time_is_told_with_the_new_end() {
    let grant = GrantView { end_time_utc: at(180), source: "203.0.113.7".into() };
    let (before, after) = (attempt(1, None), attempt(1, Some(OutcomeView::Extended(grant))));
    let told = told_of(&snapshot(vec![before], Vec::new()), &snapshot(vec![after], Vec::new()), 0);
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
    let told = told_of(&with(None), &with(Some(end.clone())), 1);
    let told: Vec<_> = told.iter().map(|notice| (notice.title.as_str(), notice.body.as_str())).collect();
    assert_eq!(told, [("web-01 is deallocated", "Its compute is not billed any more, its disks are.")]);
    assert_eq!(told_of(&with(Some(end.clone())), &with(Some(end)), 2), []);
}

#[test]
fn a_window_that_lets_in_another_address_is_told_of_once_for_each_with_a_button_and_not_where_access_is_asked_for() {
    let at_address = |last: Option<u8>| {
        let left = last.map(|last| LeftBehindView {
            address: Some(Ipv4Addr::new(198, 51, 100, last)),
            text: format!("Your address is now …{last}."),
        });
        let favourite = serde_json::from_value(favourite()).unwrap();
        let window = WindowView { left_behind: left, ..window(120) };
        Snapshot { favourites: vec![favourite], ..snapshot(vec![], vec![window]) }
    };
    let mut watch = Watch::begin();
    watch.sees(&at_address(None), at(1));
    let told = told_of(&at_address(None), &at_address(Some(9)), 2);
    assert_eq!((told.len(), &told[0].offer), (1, &Some(Offer::FromHere(name()))));
    assert_eq!(
        (told[0].title.as_str(), told[0].body.as_str()),
        ("web-01 is open from another address", "Your address is now …9.")
    );
    let titles = ["web-01 is open from another address"];
    assert_eq!(watch.sees(&at_address(Some(9)), at(2)), titles);
    assert_eq!(watch.sees(&at_address(Some(9)), at(3)), [""; 0]);
    assert_eq!(watch.sees(&at_address(Some(8)), at(4)), titles, "that is another one");
    // Meanwhile access is asked for, and that comes to nothing.
    let asked_for = Snapshot { attempts: vec![attempt(1, None)], ..at_address(None) };
    assert_eq!(watch.sees(&asked_for, at(4)), [""; 0]);
    assert_eq!(watch.sees(&at_address(Some(8)), at(4)), [""; 0], "it is known already");
    let of_new_host = |mut snapshot: Snapshot| {
        snapshot.host.pid = 2;
        snapshot
    };
    assert_eq!(watch.sees(&of_new_host(at_address(None)), at(5)), [""; 0]);
    assert_eq!(watch.sees(&of_new_host(at_address(Some(8))), at(6)), [""; 0], "a new host finds out what was told");
    assert_eq!(watch.sees(&of_new_host(at_address(None)), at(7)), [""; 0]);
    assert_eq!(watch.sees(&of_new_host(at_address(Some(8))), at(8)), titles, "it was back in between");
    let unknown = |mut snapshot: Snapshot| {
        let left = LeftBehindView { address: None, text: "It is not known.".into() };
        snapshot.windows[0].left_behind = Some(left);
        of_new_host(snapshot)
    };
    assert_eq!(watch.sees(&unknown(at_address(None)), at(9)), [""; 0], "who is offline knows");
    assert_eq!(watch.sees(&of_new_host(at_address(Some(8))), at(10)), [""; 0]);
    let asked = |mut snapshot: Snapshot| {
        snapshot.settings.on_new_address = Some(OnNewAddress::Request);
        snapshot
    };
    assert!(told_of(&asked(at_address(None)), &asked(at_address(Some(9))), 2).is_empty());
}

#[test]
fn access_from_the_new_address_is_told_as_that() {
    let grant = GrantView { end_time_utc: at(120), source: "198.51.100.9".into() };
    let ended = AttemptView { extends: true, follows: true, ..attempt(1, Some(OutcomeView::Extended(grant))) };
    let told = told_of(&snapshot(vec![], vec![]), &snapshot(vec![ended], vec![]), 2);
    let words = (told[0].title.as_str(), told[0].body.as_str());
    assert_eq!(
        words,
        ("web-01 is open from your new address", "From 198.51.100.9 it is open to new connections until 02:00.")
    );
}

#[test]
fn of_a_window_that_is_to_be_renewed_only_what_comes_after_that_is_told_and_why_it_was_not() {
    let renewal = |renews, minutes: Option<i64>, text: &str| {
        Some(RenewalView { renews, at: minutes.map(at), since: at(0), times: 0, text: text.into() })
    };
    let of = |renewal: Option<RenewalView>| {
        let open = snapshot(Vec::new(), vec![WindowView { renewal, ..window(120) }]);
        let mut told = Told::default();
        let mut all = Vec::new();
        for minute in 0..120 {
            let notices = notices(Some(&open), &open, &mut told, at(minute), zone());
            all.extend(notices.into_iter().map(|notice| (minute, notice.body)));
        }
        all
    };
    let minutes = |told: &[(i64, String)]| told.iter().map(|(at, _)| *at).collect::<Vec<_>>();
    assert_eq!(minutes(&of(None)), [105, 115, 119]);
    assert_eq!(minutes(&of(renewal(true, Some(117), "Renewed."))), [119]);
    let spent = of(renewal(false, None, "Not renewed any more."));
    assert_eq!(minutes(&spent), [105, 115, 119]);
    let says_why = |(_, body): &(i64, String)| body.contains("Not renewed any more.");
    assert_eq!(spent.iter().filter(|told| says_why(told)).count(), 1, "{spent:?}");
    assert!(says_why(&spent[0]));
}

#[test]
fn a_renewal_is_told_where_it_fails_and_goes_without_a_word_where_it_does_not() {
    let grant = GrantView { end_time_utc: at(240), source: "203.0.113.7".into() };
    let renewing = |outcome| AttemptView { extends: true, renews: true, ..attempt(1, outcome) };
    let with = |outcome| snapshot(vec![renewing(outcome)], vec![window(240)]);
    let told = |outcome| titles(&with(None), &with(Some(outcome)), 1);
    assert!(told(OutcomeView::Extended(grant)).is_empty());
    assert_eq!(told(OutcomeView::Failed(failure())), ["web-01 was not renewed"]);
}
