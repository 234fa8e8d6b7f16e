//! What a favourite wants of each request: a reason, and one of the VM's addresses.

use std::net::Ipv4Addr;

use super::script::*;
use crate::attempt::{Memory, Order, Proposed};
use crate::port::Endpoint;
use crate::profile::AddressChoice;
use crate::vm::PowerState::{Deallocated, Running};

fn wanting_a_reason() -> Order {
    Order { wants_reason: Some(Proposed(Some("Deploy".into()))), ..order() }
}

#[test]
fn who_has_to_say_why_is_asked_before_access_is_requested_or_the_vm_started() {
    let script = [
        does(&READS),
        told(source()),
        told(vm(Deallocated)),
        does(&["address"]),
        told(policies()),
        ends("reasonWanted in Access"),
    ];
    check(wanting_a_reason(), Memory::default(), script);
    let with_one = Order { justification: Some("Ticket 7".into()), ..wanting_a_reason() };
    check(with_one, Memory::default(), [does(&READS), told(source()), told(policies()), does(&[ASK])]);
}

#[test]
fn nobody_is_asked_why_where_nothing_has_to_be_requested() {
    let open = [does(&READS), told(source()), told(policies_open_until(120)), told(vm(Running)), does(&["address"])];
    check(wanting_a_reason(), Memory::default(), open);
    let more_time = Order { extends: true, launch: false, ..wanting_a_reason() };
    let asked = [does(&READS[..2]), told(source()), told(policies_open_until(10)), ends("reasonWanted in Access")];
    check(more_time, Memory::default(), asked);
}

#[test]
fn the_private_address_is_dialled_where_that_is_chosen() {
    let private = || Order { address: AddressChoice::Private, ..order() };
    let script = [
        does(&READS),
        told(vm(Running)),
        does(&["address"]),
        told(address(None, false)),
        does(&["look at 10.0.0.4:22"]),
    ];
    let world = check(private(), remembering(), script);
    let endpoint = Endpoint { host: Ipv4Addr::new(10, 0, 0, 4).to_string(), port: 22 };
    assert_eq!(world.attempt.endpoint(), Some(endpoint));
}
