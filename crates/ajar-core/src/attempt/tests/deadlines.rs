//! Every waiting step has its limit and its own failure; sleep and set clocks neither use it up nor lift it.

use chrono::TimeDelta;

use super::script::*;
use crate::attempt::{Effect, Fact, Memory, Order, Outcome};
use crate::failure::Failure;
use crate::port::PortAnswer::{self, Open, Refused, Silent, Stranger};
use crate::snapshot::Step;
use crate::vm::PowerState::{Deallocated, Running, Starting, Unknown};

/// A world in which all goes well, and the VM has to be started and then refuses.
fn well(effect: &Effect) -> Option<Fact> {
    match effect {
        Effect::DetectSource => Some(source()),
        Effect::ReadPolicy => Some(policies()),
        Effect::ReadVm => Some(vm(Deallocated)),
        Effect::ResolveAddress { .. } => Some(address(Some(VM), true)),
        Effect::Initiate(_) => Some(granted_until(120)),
        Effect::StartVm => Some(Fact::Started(Ok(()))),
        Effect::ProbePort { .. } => Some(port(Refused)),
        Effect::FindBastion { .. } | Effect::LaunchClient { .. } => None,
    }
}

fn but_looks_find(effect: &Effect, answer: Option<PortAnswer>) -> Option<Fact> {
    if matches!(effect, Effect::ProbePort { .. }) { answer.map(port) } else { well(effect) }
}

#[test]
fn each_step_that_hears_nothing_fails_in_its_own_time_and_words() {
    let cases: [(&str, i64, Answers); 11] = [
        ("timedOut in Source", 15, |e| well(e).filter(|_| *e != Effect::DetectSource)),
        ("timedOut in Policy", 60, |e| well(e).filter(|_| *e != Effect::ReadPolicy)),
        ("timedOut in Vm", 60, |e| well(e).filter(|_| *e != Effect::ReadVm)),
        ("timedOut in Vm", 60, |e| well(e).filter(|_| !matches!(e, Effect::ResolveAddress { .. }))),
        ("timedOut in Start", 600, |e| well(e).filter(|_| *e != Effect::StartVm)),
        ("timedOut in Start", 600, |e| if *e == Effect::ReadVm { Some(vm(Starting)) } else { well(e) }),
        ("portRefused in Port", 310, |e| if *e == Effect::ReadVm { Some(vm(Unknown)) } else { well(e) }),
        ("portRefused in Port", 300, well),
        ("portStranger in Port", 300, |e| but_looks_find(e, Some(Stranger))),
        // No look comes back: it is given up, and counts as silence.
        ("portSilent in Port", 300, |e| but_looks_find(e, None)),
        ("timedOut in Client", 20, |e| but_looks_find(e, Some(Open))),
    ];
    for (outcome, seconds, answers) in cases {
        let mut world = World::answering(order(), Memory::default(), answers);
        world.pass(TimeDelta::seconds(seconds) - TimeDelta::milliseconds(1));
        assert_eq!(world.outcome(), "still under way", "too early for {outcome}");
        world.pass(TimeDelta::milliseconds(1));
        assert_eq!(world.outcome(), outcome);
        world.is_over();
    }
}

/// As [`well`], but for the VM, whose state Azure does not tell.
fn untold(effect: &Effect) -> Option<Fact> {
    if *effect == Effect::ReadVm { Some(vm(Unknown)) } else { well(effect) }
}

#[test]
fn a_vm_whose_state_stays_untold_is_told_to_start_after_ten_seconds() {
    let mut world = World::answering(order(), Memory::default(), untold);
    world.pass(TimeDelta::milliseconds(9_999));
    assert_eq!(world.step(Step::Start), "Running: Starting the VM (was in a state Azure doesn’t tell)");
    world.pass(TimeDelta::milliseconds(1));
    assert_eq!(world.step(Step::Start), "Done: VM started (was in a state Azure doesn’t tell)");
    let reads = world.begun("vm");
    world.pass(TimeDelta::minutes(1));
    assert_eq!((world.begun("start"), world.begun("vm")), (1, reads), "it is known to run and not read any more");
}

#[test]
fn a_state_that_is_missing_for_a_moment_has_nothing_started() {
    let mut world =
        World::answering(order(), Memory::default(), |effect| untold(effect).filter(|_| *effect != Effect::ReadVm));
    for state in [Unknown, Starting, Unknown] {
        world.tell(vm(state));
        world.pass(TimeDelta::seconds(9));
    }
    world.tell(vm(Running));
    world.pass(TimeDelta::minutes(1));
    assert_eq!(world.begun("start"), 0);
}

#[test]
fn a_vm_with_an_untold_state_that_cannot_be_started_may_run_and_is_watched_for_two_more_minutes() {
    let no_right = || Failure::AccessDenied { action: "start".into(), scope: "/subscriptions/s".into() };
    let answers: Answers = |effect| untold(effect).filter(|_| *effect != Effect::StartVm);
    let failing = || {
        let mut world = World::answering(order(), Memory::default(), answers);
        world.pass(TimeDelta::seconds(10));
        world.tell(Fact::Started(Err(no_right().into())));
        world.pass(TimeDelta::milliseconds(119_999));
        assert_eq!(world.outcome(), "still under way");
        world
    };
    let mut shut = failing();
    shut.pass(TimeDelta::milliseconds(1));
    assert_eq!(shut.outcome(), "accessDenied in Start");
    assert!(shut.step(Step::Start).starts_with("Failed"), "{}", shut.step(Step::Start));
    let mut open = failing();
    open.tell(port(Open));
    open.tell(Fact::Client(Ok(())));
    assert_eq!(open.outcome(), "connected 203.0.113.50:22");
    assert!(open.step(Step::Start).starts_with("Skipped"), "{}", open.step(Step::Start));

    let mut full = World::answering(order(), Memory::default(), answers);
    full.pass(TimeDelta::seconds(10));
    let no_room = Failure::AllocationFailed { azure_code: "AllocationFailed".into(), azure_message: String::new() };
    full.tell(Fact::Started(Err(no_room.into())));
    assert_eq!(full.outcome(), "allocationFailed in Start", "a VM that runs has its room");
}

#[test]
fn a_vm_with_an_untold_state_that_may_not_be_started_is_said_to_be_so_at_once() {
    let resting = Order { may_start: false, ..order() };
    let mut world = World::answering(resting.clone(), Memory::default(), untold);
    world.pass(TimeDelta::milliseconds(9_999));
    assert_eq!(world.outcome(), "still under way");
    world.pass(TimeDelta::milliseconds(1));
    assert_eq!(world.outcome(), "powerStateUnknown in Start");
    assert!(world.asked.is_empty() && world.begun("start") == 0);

    let open = |effect: &Effect| {
        if *effect == Effect::ReadPolicy { Some(policies_open_until(120)) } else { untold(effect) }
    };
    let mut world = World::answering(resting, Memory::default(), open);
    world.pass(TimeDelta::milliseconds(119_999));
    assert_eq!(world.outcome(), "still under way", "the door is open, and it may run");
    world.pass(TimeDelta::milliseconds(1));
    assert_eq!(world.outcome(), "powerStateUnknown in Start");
}

#[test]
fn a_silent_port_is_said_to_be_silent_since_all_was_ready() {
    let running =
        |effect: &Effect| if *effect == Effect::ReadVm { Some(vm(Running)) } else { but_looks_find(effect, None) };
    let mut world = World::answering(order(), Memory::default(), running);
    world.pass(TimeDelta::minutes(6));
    let failure = format!("{:?}", world.attempt.outcome());
    assert!(failure.contains("PortSilent") && failure.contains("since: 2026-01-05T12:00:00Z"), "{failure}");
}

#[test]
fn a_firewall_that_lets_nothing_through_is_told_as_that_with_the_address_that_is_admitted() {
    let behind = |effect: &Effect| match effect {
        Effect::ReadPolicy => {
            let mut behind = policy();
            behind.virtual_machines[0].public_ip_address = Some(FIREWALL);
            Some(Fact::Policies(Ok(vec![behind])))
        }
        Effect::ResolveAddress { .. } => Some(address(None, false)),
        Effect::Initiate(_) => Some(Fact::Initiated(Ok(request(120, Some(13389))))),
        Effect::ProbePort { .. } => Some(Fact::Port { endpoint: endpoint(FIREWALL, 13389), answer: Refused }),
        Effect::DetectSource
        | Effect::ReadVm
        | Effect::FindBastion { .. }
        | Effect::StartVm
        | Effect::LaunchClient { .. } => well(effect),
    };
    let mut world = World::answering(order(), Memory::default(), behind);
    world.pass(TimeDelta::minutes(6));
    let Some(Outcome::Failed { trouble, .. }) = world.attempt.outcome() else { panic!("{}", world.outcome()) };
    let Failure::FirewallShut { endpoint, admitted, .. } = &trouble.failure else { panic!("{trouble:?}") };
    assert_eq!((endpoint.to_string().as_str(), *admitted), ("198.51.100.1:13389", ME));
}

#[test]
fn a_laptop_that_sleeps_finds_its_attempt_as_it_left_it() {
    let quiet = |effect: &Effect| well(effect).filter(|_| !matches!(effect, Effect::DetectSource | Effect::StartVm));
    for leap in [TimeDelta::hours(9), TimeDelta::minutes(1), TimeDelta::hours(-9), TimeDelta::days(-4_000)] {
        let mut world = World::answering(order(), Memory::default(), quiet);
        world.pass(TimeDelta::seconds(10));
        world.now += leap;
        world.attempt.tick(world.now);
        assert_eq!(world.outcome(), "still under way", "after {leap}");
        assert!(world.attempt.wake_at().unwrap() > world.now);
        world.pass(TimeDelta::seconds(8));
        assert_eq!(world.outcome(), "timedOut in Source", "and what was left of its time runs on after {leap}");
    }
}

#[test]
fn a_window_that_ends_while_the_laptop_sleeps_is_asked_for_anew() {
    let still_starting = |effect: &Effect| well(effect).filter(|_| *effect != Effect::StartVm);
    let mut world = World::answering(order(), Memory::default(), still_starting);
    assert_eq!(world.asked.len(), 1);
    world.now += TimeDelta::hours(9);
    world.attempt.tick(world.now);
    let next = |world: &World| world.attempt.next(world.now).iter().map(name).collect::<Vec<_>>();
    assert!(next(&world).ends_with(&["policy".to_owned()]), "Azure is to say that it is over: {:?}", next(&world));
    world.attempt.begun(&Effect::ReadPolicy, world.now);
    world.tell(policies());
    let ends: Vec<_> = world.asked.iter().map(|ask| ask.end_time_utc.format("%H:%M:%S").to_string()).collect();
    assert_eq!(ends, ["14:00:00", "23:00:00"]);
}

#[test]
fn a_clock_that_is_odd_for_a_moment_has_nothing_asked_for_twice() {
    let still_starting = |effect: &Effect| well(effect).filter(|_| *effect != Effect::StartVm);
    for odd in [TimeDelta::hours(9), TimeDelta::hours(-9)] {
        let mut world = World::answering(order(), Memory::default(), still_starting);
        assert_eq!(world.asked.len(), 1);
        world.attempt.correct_clock(odd);
        world.now += odd;
        world.attempt.tick(world.now);
        assert!(world.attempt.next(world.now).iter().all(|effect| !matches!(effect, Effect::Initiate(_))), "{odd}");
        // The answer to the look tells the right time again.
        world.attempt.begun(&Effect::ReadPolicy, world.now);
        world.attempt.correct_clock(-odd);
        world.now -= odd;
        world.tell(policies_open_until(120));
        world.pass(TimeDelta::minutes(1));
        assert_eq!(world.asked.len(), 1, "{odd}");
        assert!(world.attempt.window(world.now).is_some(), "{odd}");
    }
}

#[test]
fn a_clock_put_right_in_the_middle_costs_the_attempt_no_time() {
    for by in [TimeDelta::hours(3), TimeDelta::hours(-3)] {
        let mut world = World::new(order(), Memory::default());
        world.pass(TimeDelta::seconds(5));
        let before = world.attempt.elapsed_ms(world.now);
        world.attempt.correct_clock(by);
        world.now += by;
        assert_eq!(world.attempt.elapsed_ms(world.now), before);
        let since_the_click = world.now - world.attempt.clicked_at();
        assert_eq!(since_the_click, TimeDelta::seconds(5), "what faces show counts from the same click");
    }
}

#[test]
fn leaps_alone_end_an_attempt_too() {
    let mut world = World::new(order(), Memory::default());
    for _ in 0..2_000 {
        world.now += TimeDelta::hours(1);
        world.attempt.tick(world.now);
    }
    assert_eq!(world.outcome(), "timedOut in Source");
}

#[test]
fn what_did_not_come_back_from_a_look_may_still_come_late() {
    let script = [
        does(&["look at 203.0.113.50:22"]),
        told(port(Silent)),
        does(&["look at 203.0.113.50:22", "source", "policy", "vm"]),
        after(14_000),
        does(&["look at 203.0.113.50:22"]),
        told(port(Open)),
        does(&["launch 203.0.113.50:22"]),
        told(port(Refused)),
        told(Fact::Client(Ok(()))),
        ends("connected 203.0.113.50:22"),
    ];
    check(order(), remembering(), script);
}
