use proptest::prelude::*;

use super::*;

fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(12)
}

/// A VM as it is looked at each half minute.
struct Scene {
    watch: Watch,
    rule: AfterUse,
    now: DateTime<Utc>,
}

impl Scene {
    fn new(rule: AfterUse) -> Self {
        Self { watch: Watch::new(Started::new("web".parse().unwrap(), rule, noon())), rule, now: noon() }
    }

    /// Looks for so many minutes; what is to be done first, and after how many minutes.
    fn sees(&mut self, seen: Seen, minutes: i64) -> Option<(Then, i64)> {
        let began = self.now;
        while self.now - began < TimeDelta::minutes(minutes) {
            self.now += TimeDelta::seconds(30);
            let then = self.watch.look(seen, self.rule, self.now);
            if then != Then::Wait {
                return Some((then, (self.now - began).num_minutes()));
            }
        }
        None
    }

    fn found(&mut self, found: Found) -> Then {
        self.watch.found(found, self.rule, self.now)
    }
}

#[test]
fn somebody_is_asked_once_some_minutes_after_the_last_connection() {
    let mut scene = Scene::new(AfterUse::Ask);
    assert_eq!(scene.sees(Seen::Connected, 60), None);
    assert_eq!(scene.sees(Seen::Nobody, 60), Some((Then::AskAzure, 5)));
    assert_eq!((scene.found(Found::Idle), scene.watch.question(scene.rule)), (Then::Wait, true));
    for _ in 0..10 {
        assert_eq!(scene.sees(Seen::Nobody, 600), Some((Then::AskAzure, 30)), "whether it still runs");
        assert_eq!(
            (scene.found(Found::Idle), scene.watch.question(scene.rule)),
            (Then::Wait, true),
            "it is asked once"
        );
    }
    scene.sees(Seen::Connected, 1);
    assert!(!scene.watch.question(scene.rule), "it is used again");
    assert_eq!(scene.sees(Seen::Nobody, 60), Some((Then::AskAzure, 5)));
}

#[test]
fn what_nobody_was_seen_to_connect_to_is_given_half_an_hour() {
    let mut scene = Scene::new(AfterUse::Ask);
    assert_eq!(scene.sees(Seen::Nobody, 60), Some((Then::AskAzure, 30)));
}

#[test]
fn it_is_deallocated_two_minutes_after_that_was_told_and_not_where_somebody_calls_it_back() {
    for calls_back in [None, Some(Keep::Later), Some(Keep::Running)] {
        let mut scene = Scene::new(AfterUse::Deallocate);
        scene.sees(Seen::Connected, 1);
        assert_eq!(scene.sees(Seen::Nobody, 60), Some((Then::AskAzure, 5)));
        assert_eq!(scene.found(Found::Idle), Then::Wait);
        assert_eq!(scene.watch.deallocates_in(scene.rule), Some(NOTICE));
        if let Some(keep) = calls_back {
            scene.watch.keep(keep, scene.now);
            assert_eq!((scene.watch.deallocates_in(scene.rule), scene.found(Found::Idle)), (None, Then::Wait));
            let again = scene.sees(Seen::Nobody, 600);
            assert_eq!(again, (keep == Keep::Later).then_some((Then::AskAzure, 30)), "{keep:?}: whether it still runs");
            assert_eq!((scene.found(Found::Idle), scene.watch.deallocates_in(scene.rule)), (Then::Wait, None));
            let after_that = scene.sees(Seen::Nobody, 600);
            assert_eq!(after_that, (keep == Keep::Later).then_some((Then::AskAzure, 30)), "{keep:?}");
            continue;
        }
        assert_eq!(scene.sees(Seen::Nobody, 60), Some((Then::AskAzure, 2)));
        assert_eq!(scene.found(Found::Idle), Then::Deallocate);
        assert_eq!(scene.sees(Seen::Nobody, 600), None, "it is tried once, whatever comes of it");
    }
}

#[test]
fn nothing_is_done_where_somebody_else_has_it_open() {
    let mut scene = Scene::new(AfterUse::Deallocate);
    scene.sees(Seen::Connected, 1);
    scene.sees(Seen::Nobody, 60);
    assert_eq!(scene.found(Found::Others), Then::Wait);
    assert_eq!(scene.watch.deallocates_in(scene.rule), None);
    assert_eq!(scene.sees(Seen::Nobody, 60), Some((Then::AskAzure, 5)), "it is looked at again");
}

#[test]
fn what_was_out_of_sight_is_asked_about_in_place_of_being_deallocated_until_ajar_starts_it_again() {
    let soft = |watch: &Watch| watch.started.softened(AfterUse::Deallocate, true);
    let mut slept = Scene::new(AfterUse::Deallocate);
    slept.sees(Seen::Connected, 60);
    slept.now += TimeDelta::minutes(2);
    slept.sees(Seen::Connected, 1);
    assert_eq!(soft(&slept.watch), AfterUse::Deallocate);
    slept.now += TimeDelta::minutes(4);
    slept.sees(Seen::Connected, 1);
    assert_eq!(soft(&slept.watch), AfterUse::Ask);
    let kept = serde_json::to_string(&slept.watch.started).unwrap();
    assert_eq!(soft(&Watch::new(serde_json::from_str(&kept).unwrap())), AfterUse::Ask, "it is kept");

    let fresh = Scene::new(AfterUse::Deallocate).watch;
    assert_eq!(soft(&Watch::taken_over(fresh.started.clone())), AfterUse::Ask);
    assert_eq!(fresh.started.softened(AfterUse::Deallocate, false), AfterUse::Ask, "nobody sees who is connected");
    assert_eq!(Watch::taken_over(fresh.started).started.softened(AfterUse::Leave, true), AfterUse::Leave);
}

#[test]
fn without_its_favourite_the_mildest_holds_that_the_others_say_and_never_more_than_it_was_started_under() {
    use AfterUse::{Ask, Deallocate, Leave};
    let orphaned = |under, others: &[AfterUse]| {
        Started::new("web".parse().unwrap(), under, noon()).orphaned(others.iter().copied())
    };
    assert_eq!(orphaned(Leave, &[Deallocate]), Leave);
    assert_eq!(orphaned(Deallocate, &[Deallocate, Ask]), Ask);
    assert_eq!(orphaned(Deallocate, &[Ask, Leave]), Leave);
    assert_eq!(orphaned(Deallocate, &[Deallocate]), Deallocate);
}

#[test]
fn a_question_ends_while_somebody_else_has_the_vm_open_and_stands_where_that_could_not_be_read() {
    for (found, stands) in [(Found::Unread, true), (Found::Barred, true), (Found::Others, false)] {
        let mut scene = Scene::new(AfterUse::Ask);
        scene.sees(Seen::Connected, 1);
        scene.sees(Seen::Nobody, 60);
        scene.found(Found::Idle);
        scene.sees(Seen::Nobody, 60);
        scene.found(found);
        assert_eq!(scene.watch.question(scene.rule), stands, "{found:?}");
    }
}

#[test]
fn what_was_slept_through_counts_for_nothing() {
    let mut scene = Scene::new(AfterUse::Ask);
    scene.sees(Seen::Connected, 1);
    scene.sees(Seen::Nobody, 4);
    for leap in [TimeDelta::hours(8), TimeDelta::hours(-3)] {
        scene.now += leap;
        assert_eq!(scene.sees(Seen::Nobody, 5), None, "{leap}");
    }
    assert_eq!(scene.sees(Seen::Unknown, 60), None);
}

#[derive(Clone, Debug)]
enum Event {
    Look(i64, Seen),
    Azure(Found),
    Keep(Keep),
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    let seen = prop_oneof![
        1 => Just(Seen::Connected), 12 => Just(Seen::Nobody), 1 => Just(Seen::Busy), 1 => Just(Seen::Unknown),
    ];
    let gap = prop_oneof![12 => Just(30_i64), 3 => 1..90_i64, 1 => -90_000..90_000_i64];
    let found = prop_oneof![8 => Just(Found::Idle), 1 => Just(Found::Others), 1 => Just(Found::Unread), 1 => Just(Found::Barred)];
    prop_oneof![
        30 => (gap, seen).prop_map(|(gap, seen)| Event::Look(gap, seen)),
        8 => found.prop_map(Event::Azure),
        1 => prop_oneof![Just(Keep::Later), Just(Keep::Running)].prop_map(Event::Keep),
        1 => Just(Event::Restart),
    ]
}

proptest! {
    #[test]
    fn nothing_in_use_is_deallocated_nor_without_a_notice_and_nobody_is_asked_twice(
        events in prop::collection::vec(event(), 1..300),
        deallocates in any::<bool>(),
    ) {
        let rule = if deallocates { AfterUse::Deallocate } else { AfterUse::Ask };
        let mut scene = Scene::new(rule);
        // How long nobody was seen to be there, and since when that it is deallocated stands where somebody may read it.
        let (mut idle, mut told, mut questions) = (TimeDelta::zero(), None::<TimeDelta>, 0);
        for event in events {
            let was_asked = scene.watch.question(rule);
            match event {
                Event::Look(gap, seen) => {
                    scene.now += TimeDelta::seconds(gap);
                    if seen == Seen::Nobody && (0..=90).contains(&gap) {
                        idle += TimeDelta::seconds(gap);
                        told = told.map(|told| told + TimeDelta::seconds(gap));
                    } else {
                        (idle, told) = (TimeDelta::zero(), None);
                    }
                    if matches!(seen, Seen::Connected | Seen::Busy) {
                        questions = 0;
                    }
                    let then = scene.watch.look(seen, rule, scene.now);
                    prop_assert!(matches!(then, Then::Wait | Then::AskAzure));
                    prop_assert!(then == Then::Wait || seen == Seen::Nobody, "{:?}", seen);
                }
                Event::Azure(found) => {
                    let then = scene.found(found);
                    if then == Then::Deallocate {
                        prop_assert!(found == Found::Idle && deallocates);
                        prop_assert!(idle >= IDLE_AFTER_USE + NOTICE, "idle for {}", idle);
                        prop_assert!(told.is_some_and(|told| told >= TimeDelta::minutes(1)), "told {:?}", told);
                    }
                    match found {
                        Found::Idle => {}
                        Found::Others => (idle, told, questions) = (TimeDelta::zero(), None, 0),
                        Found::Unread | Found::Barred => (idle, told) = (TimeDelta::zero(), None),
                    }
                }
                Event::Keep(keep) => {
                    scene.watch.keep(keep, scene.now);
                    (idle, told, questions) = (TimeDelta::zero(), None, 0);
                }
                Event::Restart => {
                    let kept = serde_json::to_string(&scene.watch.started).unwrap();
                    scene.watch = Watch::taken_over(serde_json::from_str(&kept).unwrap());
                    (idle, told) = (TimeDelta::zero(), None);
                }
            }
            if scene.watch.deallocates_in(rule).is_none() {
                told = None;
            } else {
                told = told.or(Some(TimeDelta::zero()));
            }
            if scene.watch.question(rule) && !was_asked {
                questions += 1;
                prop_assert!(questions <= 1, "asked twice in one idleness");
            }
        }
    }
}
