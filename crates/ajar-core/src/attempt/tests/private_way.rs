//! The private address, where this machine has ways beside that to the internet.

use std::net::Ipv4Addr;

use super::script::*;
use crate::attempt::{Fact, Memory, Order};
use crate::failure::Failure;
use crate::port::PortAnswer::{self, Open, Silent};
use crate::profile::AddressChoice;
use crate::snapshot::Step;
use crate::vm::PowerState::{Deallocated, Running};

const PRIVATE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 4);
const LOOK: &str = "look at 10.0.0.4:22 by a way of its own";

fn with_own_ways() -> Order {
    Order { own_ways: true, ..order() }
}

fn private(answer: PortAnswer) -> Fact {
    Fact::Port { endpoint: endpoint(PRIVATE, 22), answer }
}

fn both() -> Fact {
    address(Some(VM), true)
}

#[test]
fn what_answers_at_its_private_address_is_opened_there_and_azure_is_asked_for_no_access() {
    let script = [
        does(&READS),
        told(source()),
        told(policies()),
        told(vm(Running)),
        does(&["address"]),
        told(both()),
        does(&["look at 203.0.113.50:22", LOOK]),
        told(private(Open)),
        does(&["launch 10.0.0.4:22"]),
        told(Fact::Client(Ok(()))),
        ends("connected 10.0.0.4:22"),
    ];
    let world = check(with_own_ways(), Memory::default(), script);
    assert_eq!(world.step(Step::Port), "Done: SSH answers (10.0.0.4:22, the private address)");
    assert_eq!(world.step(Step::Access), "Skipped: Requesting access (the port answered already)");
    assert_eq!(world.attempt.lasting_endpoint(), None, "elsewhere it may be another machine's");
}

#[test]
fn where_nothing_answers_there_access_is_asked_for_as_ever_and_it_is_looked_at_again() {
    let script = [
        does(&READS),
        told(source()),
        told(policies()),
        told(vm(Running)),
        does(&["address"]),
        told(both()),
        does(&["look at 203.0.113.50:22", LOOK]),
        told(private(Silent)),
        does(&[ASK]),
        after(2_000),
        does(&[LOOK]),
        told(private(Open)),
        does(&["launch 10.0.0.4:22"]),
    ];
    check(with_own_ways(), Memory::default(), script);
}

#[test]
fn a_look_that_cannot_be_had_holds_access_back_for_a_moment_only() {
    let late = "ask for 22 from 203.0.113.7 until 14:00:01";
    let reads_that_stay_away = [does(&READS), told(source()), told(policies()), after(1_499), after(1), does(&[late])];
    check(with_own_ways(), Memory::default(), reads_that_stay_away);
    let resting =
        [does(&READS), told(source()), told(policies()), told(vm(Deallocated)), does(&["address", ASK, "start"])];
    check(with_own_ways(), Memory::default(), resting);
}

#[test]
fn without_ways_of_its_own_or_where_the_profile_says_which_the_private_address_is_no_question() {
    let ask = |order| {
        let script = [
            does(&READS),
            told(source()),
            told(policies()),
            does(&[ASK]),
            told(vm(Running)),
            does(&["address"]),
            told(both()),
            does(&["look at 203.0.113.50:22"]),
        ];
        check(order, Memory::default(), script);
    };
    ask(order());
    ask(Order { address: AddressChoice::Public, ..with_own_ways() });
}

#[test]
fn a_vm_without_policy_or_public_address_is_opened_by_its_private_one_and_told_of_when_that_is_silent() {
    for (policy, at, failure) in [
        (Fact::Policies(Ok(vec![])), both(), "noPolicy in Policy"),
        (policies(), address(None, false), "noPublicAddress in Vm"),
        (Fact::Policies(Err(Failure::Throttled { retry_at: noon() }.into())), both(), "throttled in Policy"),
    ] {
        for answer in [Open, Silent] {
            let order = Order { launch: false, ..with_own_ways() };
            let mut world = World::answering(order, Memory::default(), |_| None);
            for fact in [source(), policy.clone(), vm(Running), at.clone()] {
                world.tell(fact);
            }
            assert_eq!((world.outcome().as_str(), world.begun(LOOK)), ("still under way", 1), "{failure}");
            world.tell(private(answer));
            if answer == Open {
                assert_eq!(world.outcome(), "connected 10.0.0.4:22");
                continue;
            }
            world.tell(port(Silent));
            let asked = world.asked.len();
            if asked > 0 {
                world.tell(granted_until(120));
            }
            assert_eq!(world.outcome(), failure, "{asked} asked");
        }
    }
}

#[test]
fn a_look_that_does_not_come_back_is_given_up() {
    let script = [
        does(&READS),
        told(source()),
        told(policies()),
        told(vm(Running)),
        does(&["address"]),
        told(both()),
        does(&["look at 203.0.113.50:22", LOOK]),
        told(port(Silent)),
        does(&["look at 203.0.113.50:22"]),
    ];
    let mut world = check(with_own_ways(), Memory::default(), script);
    world.pass(chrono::TimeDelta::seconds(20));
    assert!(world.begun(LOOK) > 1 && world.asked.len() == 1, "{:?}", world.asked);
}
