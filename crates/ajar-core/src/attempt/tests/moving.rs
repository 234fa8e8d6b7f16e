//! This machine changes its network while a VM is being opened.

use std::net::Ipv4Addr;

use super::script::*;
use crate::attempt::{Fact, Memory, Order, Unsettled};
use crate::policy::{JitNetworkAccessRequest, SourcePrefix};
use crate::port::PortAnswer::{Open, Silent};
use crate::vm::PowerState::Running;

const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 77);
const ASK_FROM_THERE: &str = "ask for 22 from 198.51.100.77 until 14:00:00";

/// Azure grants it from there, too.
fn granted_there() -> Fact {
    let mut request: JitNetworkAccessRequest = request(120, None);
    let prefix = SourcePrefix::from(ELSEWHERE.to_string().as_str());
    request.virtual_machines[0].ports[0].allowed_source_address_prefixes = vec![prefix];
    Fact::Initiated(Ok(request))
}

fn running() -> [Line; 4] {
    [told(vm(Running)), does(&["address"]), told(address(Some(VM), true)), does(&["look at 203.0.113.50:22"])]
}

#[test]
fn what_was_granted_for_the_former_address_is_asked_for_from_the_new_one_at_once() {
    let moved = [told(granted_until(120)), moves_to(ELSEWHERE), does(&[ASK_FROM_THERE]), told(granted_there())];
    let opened = [told(port(Open)), does(&["launch 203.0.113.50:22"]), told(Fact::Client(Ok(()))), ends(CONNECTED)];
    check(order(), Memory::default(), asking().into_iter().chain(running()).chain(moved).chain(opened));
}

#[test]
fn an_answer_that_comes_for_the_former_address_is_no_lost_one() {
    let moved = [moves_to(ELSEWHERE), told(granted_until(120)), does(&[ASK_FROM_THERE]), told(granted_there())];
    let opened = [told(port(Open)), does(&["launch 203.0.113.50:22"]), told(Fact::Client(Ok(()))), ends(CONNECTED)];
    check(order(), Memory::default(), asking().into_iter().chain(running()).chain(moved).chain(opened));
}

#[test]
fn what_azure_has_against_the_former_address_it_may_not_have_against_the_new_one() {
    let moved = [moves_to(ELSEWHERE), told(refused()), does(&[ASK_FROM_THERE]), told(granted_there())];
    let opened = [told(port(Open)), does(&["launch 203.0.113.50:22"]), told(Fact::Client(Ok(()))), ends(CONNECTED)];
    check(order(), Memory::default(), asking().into_iter().chain(running()).chain(moved).chain(opened));
}

#[test]
fn an_address_that_was_chosen_and_one_that_is_the_same_are_no_move() {
    let chosen = Order { chosen_source: Some(ME), ..order() };
    let script =
        [does(&["policy", "vm"]), told(policies()), does(&[ASK]), told(granted_until(120)), moves_to(ELSEWHERE)];
    check(chosen, Memory::default(), script);
    let script = asking().into_iter().chain([told(granted_until(120)), moves_to(ME)]);
    check(order(), Memory::default(), script);
}

#[test]
fn a_port_that_answers_is_gone_through_wherever_this_machine_is_by_then() {
    let script =
        running().into_iter().chain([told(port(Open)), does(&["launch 203.0.113.50:22"]), moves_to(ELSEWHERE)]);
    let script = [does(&READS), told(source())].into_iter().chain(script);
    check(order(), Memory::default(), script);
    let silent = [told(port(Silent)), does(&["look at 203.0.113.50:22"])];
    let moved = silent.into_iter().chain([told(granted_until(120)), moves_to(ELSEWHERE), does(&[ASK_FROM_THERE])]);
    check(order(), Memory::default(), asking().into_iter().chain(running()).chain(moved));
}

const CONNECTED: &str = "connected 203.0.113.50:22";

/// What a host before this one has asked for is looked for, where it lets this machine in.
fn asked_before(source: Ipv4Addr) -> Memory {
    Memory { unsettled: Some(Unsettled { since: noon(), source: Some(source) }), ..Memory::default() }
}

#[test]
fn what_an_earlier_host_has_asked_for_from_another_address_is_not_waited_for() {
    let script = [does(&READS), told(source()), told(vm(Running)), does(&["address"]), told(policies()), does(&[ASK])];
    check(order(), asked_before(ELSEWHERE), script);
    let script = [does(&READS), told(source()), told(vm(Running)), does(&["address"]), told(policies()), does(&[])];
    check(order(), asked_before(ME), script);
}
