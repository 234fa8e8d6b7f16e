//! Wishes that are not done as wished are told of.

use std::net::Ipv4Addr;

use chrono::TimeDelta;

use super::script::*;
use crate::attempt::{Fact, Memory, Order, Wish};
use crate::port::PortAnswer::Open;

fn wishing(wishes: Vec<Wish>) -> Order {
    Order { launch: false, wishes, ..order() }
}

fn three_wishes() -> Vec<Wish> {
    vec![Wish::Access(TimeDelta::hours(3)), Wish::Reason("deploy".into()), Wish::Source(ME)]
}

fn notes(world: &World) -> Vec<String> {
    world.attempt.view(world.now, UTC).notes
}

#[test]
fn a_wish_shorter_than_any_policy_allows_is_raised_and_said_so() {
    let short = Order { access: Some(TimeDelta::minutes(1)), ..order() };
    let ask = "ask for 22 from 203.0.113.7 until 12:05:50";
    let world = check(short, Memory::default(), [does(&READS), told(source()), told(policies()), does(&[ask])]);
    assert_eq!(notes(&world), ["No policy allows less than 5 minutes, so that is what was asked for."]);
}

#[test]
fn wishes_for_a_request_that_need_not_be_made_are_told_of() {
    let open = [does(&READS), told(source()), told(policies_open_until(90))];
    let world = check(wishing(three_wishes()), Memory::default(), open);
    let note =
        "It is open already until 13:30, so nothing was asked for. Not taken up: access for 3 hours, the reason.";
    assert_eq!(notes(&world), [note]);

    let answers = [does(&["look at 203.0.113.50:22"]), told(port(Open)), ends("connected 203.0.113.50:22")];
    let world = check(wishing(three_wishes()), remembering(), answers);
    let note = "The port answered already, so nothing was asked for. Not taken up: access for 3 hours, the reason, the \
                address 203.0.113.7.";
    assert_eq!(notes(&world), [note]);
}

#[test]
fn wishes_that_are_taken_up_or_never_made_are_not_spoken_of() {
    let asked = || [does(&READS), told(source()), told(policies()), does(&[ASK]), told(granted_until(120))];
    assert!(notes(&check(wishing(three_wishes()), Memory::default(), asked())).is_empty());
    let open = [does(&READS), told(source()), told(policies_open_until(90))];
    assert!(notes(&check(wishing(vec![]), Memory::default(), open)).is_empty());
}

#[test]
fn wishes_that_come_later_are_told_of_once_and_only_if_they_differ() {
    let ordered = Order { justification: Some("deploy".into()), ..order() };
    let mut world = World::new(ordered, Memory::default());
    world.tell(source());
    let same = vec![Wish::Access(TimeDelta::hours(2)), Wish::Reason("deploy".into()), Wish::Source(ME)];
    let access = Some(TimeDelta::hours(2));
    world.attempt.join(same, access);
    world.attempt.join(vec![], access);
    assert!(notes(&world).is_empty());
    let other = || vec![Wish::Access(TimeDelta::hours(1)), Wish::Source(Ipv4Addr::new(203, 0, 113, 9))];
    world.attempt.join(other(), Some(TimeDelta::hours(1)));
    world.attempt.join(other(), Some(TimeDelta::hours(1)));
    let note =
        "It was being opened already, so this later wish was not taken up: access for 1 hour, the address 203.0.113.9.";
    assert_eq!(notes(&world), [note]);
    world.tell(policies());
    world.tell(Fact::Initiated(Ok(request(120, None))));
    assert_eq!(notes(&world), [note], "what is said stays said");
}

#[test]
fn of_two_lengths_the_longer_one_is_asked_for_and_told_of_where_it_comes_too_late() {
    let short = || Order { access: Some(TimeDelta::minutes(30)), ..order() };
    let mut world = World::new(short(), Memory::default());
    world.attempt.join(vec![], Some(TimeDelta::minutes(20)));
    world.attempt.join(vec![], Some(TimeDelta::hours(2)));
    assert_eq!(world.attempt.order().access, Some(TimeDelta::hours(2)));
    let mut late = World::new(short(), Memory::default());
    late.tell(source());
    late.tell(policies());
    assert_eq!(late.asked.len(), 1);
    late.attempt.join(vec![], None);
    let note = "It was being opened already, so this later wish was not taken up: access for 3 hours.";
    assert_eq!((late.attempt.order().access, notes(&late)), (Some(TimeDelta::minutes(30)), vec![note.to_owned()]));
}
