use proptest::prelude::*;

use super::*;
use crate::policy::SourcePrefix;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(1) + TimeDelta::minutes(minutes)
}

fn window(start: DateTime<Utc>, end: DateTime<Utc>) -> AccessWindow {
    AccessWindow {
        vm: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v".parse().unwrap(),
        port: 22,
        sources: vec![SourcePrefix::from("203.0.113.7")],
        start_time_utc: start,
        end_time_utc: end,
        requestor: "me".into(),
        mapped: None,
    }
}

fn hours(hours: i64) -> Rule {
    Rule { up_to: TimeDelta::hours(hours), asks_reason: false }
}

fn standing(access: &Access, window: &AccessWindow, rule: Rule) -> Standing {
    access.standing(window, rule, &BeforeEnd::default())
}

#[test]
fn it_is_renewed_before_the_last_notice_and_until_the_ceiling() {
    let open = window(at(0), at(120));
    let access = Access::of(&open);
    let renews = Standing::Renews { at: at(117), until: at(480) };
    assert_eq!(standing(&access, &open, hours(8)), renews);
    assert!(!renews.is_due(at(116)) && renews.is_due(at(117)) && renews.is_due(at(119)));
    let notices = |minutes: &[u16]| BeforeEnd::try_from(minutes.to_vec()).unwrap();
    for (told, before) in [(&[15, 5][..], 7), (&[15], 17), (&[], 3), (&[720], 30)] {
        let Standing::Renews { at: from, .. } = access.standing(&open, hours(8), &notices(told)) else { panic!() };
        assert_eq!(from, at(120 - before), "{told:?}");
    }
    let short = window(at(0), at(5));
    let Standing::Renews { at: from, .. } = standing(&Access::of(&short), &short, hours(1)) else { panic!() };
    assert_eq!(short.end_time_utc - from, TimeDelta::seconds(75));
}

#[test]
fn the_ceiling_counts_from_the_first_opening_and_anew_after_a_break() {
    let mut access = Access::of(&window(at(0), at(120)));
    let second = window(at(118), at(238));
    access.granted(&second);
    access.renewed(at(118));
    assert_eq!((access.since, access.until, access.times), (at(0), at(238), 1));
    assert_eq!(standing(&access, &second, hours(4)), Standing::Spent, "two minutes more are not worth a request");
    let other = window(at(300), at(420));
    access.granted(&other);
    assert_eq!(access, Access::of(&other));
}

#[test]
fn what_asks_for_a_reason_or_was_asked_for_once_is_not_renewed() {
    let open = window(at(0), at(120));
    let mut access = Access::of(&open);
    assert_eq!(standing(&access, &open, Rule { asks_reason: true, ..hours(8) }), Standing::AsksReason);
    access.asked(&open);
    assert_eq!(standing(&access, &open, hours(8)), Standing::Asked { at: at(117) });
    let by_hand = window(at(119), at(239));
    access.granted(&by_hand);
    assert!(matches!(standing(&access, &by_hand, hours(8)), Standing::Renews { .. }), "somebody has extended it");
}

#[derive(Clone, Debug)]
enum Event {
    /// So many seconds pass; a sleep or a set clock are many, or fewer than none.
    Pass(i64),
    Connect(bool),
    /// What is known is written to the disk and read again.
    Restart,
    /// Somebody asks for so many minutes more.
    Extend(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (1..600_i64).prop_map(Event::Pass),
        1 => (-1_200..30_000_i64).prop_map(Event::Pass),
        3 => any::<bool>().prop_map(Event::Connect),
        1 => Just(Event::Restart),
        1 => (5..200_i64).prop_map(Event::Extend),
    ]
}

proptest! {
    #[test]
    fn it_is_renewed_while_somebody_is_connected_once_for_each_window_and_never_beyond_the_ceiling(
        events in prop::collection::vec(event(), 1..120),
        length in 5..240_i64,
        up_to in 1..12_i64,
        fails in any::<bool>(),
    ) {
        let rule = hours(up_to);
        let (mut now, mut is_connected) = (at(0), true);
        let mut open = window(now, now + TimeDelta::minutes(length));
        let mut access = Access::of(&open);
        let (mut first, mut asked) = (now, Vec::new());
        for event in events {
            match event {
                Event::Pass(seconds) => now += TimeDelta::seconds(seconds),
                Event::Connect(is) => is_connected = is,
                Event::Restart => access = serde_json::from_str(&serde_json::to_string(&access).unwrap()).unwrap(),
                Event::Extend(minutes) => {
                    if now > access.until + GOES_ON_WITHIN {
                        first = now;
                    }
                    first = first.min(now);
                    open = window(now, now + TimeDelta::minutes(minutes));
                    access.granted(&open);
                }
            }
            let is_open = open.start_time_utc <= now && now < open.end_time_utc;
            let due = standing(&access, &open, rule).is_due(now);
            if is_open && due && is_connected {
                prop_assert!(!asked.contains(&open.end_time_utc), "{} was asked for twice", open.end_time_utc);
                asked.push(open.end_time_utc);
                access.asked(&open);
                if !fails {
                    let end = (now + TimeDelta::minutes(length)).min(access.ceiling(&open, rule));
                    prop_assert!(end <= first + rule.up_to, "{end} is beyond the ceiling");
                    prop_assert!(end - now >= SHORTEST_ACCESS);
                    open = window(now, end);
                    access.granted(&open);
                    access.renewed(now);
                }
            }
        }
        prop_assert!(fails || access.times as usize <= asked.len());
    }
}
