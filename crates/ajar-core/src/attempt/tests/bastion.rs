//! The way through an Azure Bastion host.

use std::net::Ipv4Addr;

use super::script::*;
use crate::attempt::{Effect, Fact, Memory, Order};
use crate::bastion::{BastionHost, BastionWay};
use crate::failure::{BastionFlaw, Failure};
use crate::policy::{JitNetworkAccessRequest, SourcePrefix};
use crate::port::PortAnswer::{self, Open, Silent};
use crate::profile::AddressChoice;
use crate::snapshot::Step;
use crate::vm::PowerState::{Deallocated, Running};
use crate::vm::VmAddresses;

const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn through() -> Order {
    Order { address: AddressChoice::Bastion, launch: false, ..order() }
}

fn subnet_of(kind: &str) -> String {
    format!("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/{kind}")
}

fn private_only() -> Fact {
    let subnet = subnet_of("default").parse().unwrap();
    let private = Some(Ipv4Addr::new(10, 0, 0, 4));
    Fact::Addresses(Ok(VmAddresses { public: None, private, is_private_only: true, subnet: Some(subnet) }))
}

fn found(subnet: Option<&str>) -> Fact {
    let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/bastionHosts/hub".parse().unwrap();
    let subnet = subnet.map(|subnet| subnet.parse().unwrap());
    let host = BastionHost { id, dns_name: "bst-1.bastion.azure.com".into(), subnet };
    Fact::Bastion(Ok(BastionWay { host, endpoint: endpoint(LOCAL, 4022) }))
}

fn hub() -> Fact {
    found(Some("10.0.9.0/26"))
}

fn look(answer: PortAnswer) -> Fact {
    Fact::Port { endpoint: endpoint(LOCAL, 4022), answer }
}

/// Azure grants the host's subnet what was asked.
fn granted_to_subnet(minutes: i64) -> Fact {
    let mut request: JitNetworkAccessRequest = request(minutes, None);
    request.virtual_machines[0].ports[0].allowed_source_address_prefixes = vec![SourcePrefix::from("10.0.9.0/26")];
    Fact::Initiated(Ok(request))
}

#[test]
fn what_answers_through_the_host_is_opened_without_a_request_or_a_look_for_this_machines_address() {
    let script = [
        does(&["policy", "vm"]),
        told(policies()),
        told(vm(Running)),
        does(&["address"]),
        told(private_only()),
        does(&["bastion"]),
        told(hub()),
        does(&["look at 127.0.0.1:4022"]),
        told(look(Open)),
        ends("connected 127.0.0.1:4022"),
    ];
    let world = check(through(), Memory::default(), script);
    assert_eq!(world.step(Step::Port), "Done: SSH answers (through Azure Bastion “hub”)");
    assert_eq!(world.step(Step::Source), "Done: Your address (10.0.9.0/26, the Bastion host’s subnet)");
}

#[test]
fn a_port_that_jit_guards_is_asked_for_from_the_hosts_subnet_once_it_is_seen_to_be_shut() {
    let script = [
        does(&["policy", "vm"]),
        told(policies()),
        told(vm(Running)),
        does(&["address"]),
        told(private_only()),
        does(&["bastion"]),
        told(hub()),
        does(&["look at 127.0.0.1:4022"]),
        told(look(Silent)),
        does(&["look at 127.0.0.1:4022", "ask for 22 from 10.0.9.0 until 14:00:00"]),
        told(granted_to_subnet(120)),
        told(look(Open)),
        ends("connected 127.0.0.1:4022"),
    ];
    let world = check(through(), Memory::default(), script);
    assert_eq!(world.asked[0].prefix().to_string(), "10.0.9.0/26");
}

#[test]
fn a_vm_that_rests_is_started_when_a_way_is_found_and_only_then_is_the_host_asked_to_lead_there() {
    let script = [
        does(&["policy", "vm"]),
        told(Fact::Policies(Ok(vec![]))),
        told(vm(Deallocated)),
        does(&["address"]),
        told(private_only()),
        does(&["bastion"]),
        told(hub()),
        does(&["start"]),
        told(Fact::Started(Ok(()))),
        does(&["look at 127.0.0.1:4022", "address"]),
        told(look(Open)),
        ends("connected 127.0.0.1:4022"),
    ];
    check(through(), Memory::default(), script);
}

#[test]
fn a_vm_that_has_no_other_way_is_reached_through_a_host_by_itself() {
    let order = Order { address: AddressChoice::Automatic, ..through() };
    let script = [
        does(&["source", "policy", "vm"]),
        told(Fact::Policies(Ok(vec![]))),
        told(source()),
        told(vm(Running)),
        does(&["address"]),
        told(private_only()),
        does(&["bastion"]),
        told(hub()),
        does(&["look at 127.0.0.1:4022"]),
        told(look(Open)),
        ends("connected 127.0.0.1:4022"),
    ];
    check(order, Memory::default(), script);
}

#[test]
fn what_was_granted_to_this_machine_before_is_asked_for_again_from_the_hosts_subnet() {
    let order = Order { address: AddressChoice::Automatic, ..through() };
    let script = [
        does(&["source", "policy", "vm"]),
        told(source()),
        told(policies()),
        does(&["ask for 22 from 203.0.113.7 until 14:00:00"]),
        told(granted_until(120)),
        told(vm(Running)),
        does(&["address"]),
        told(private_only()),
        does(&["bastion"]),
        told(hub()),
        does(&["look at 127.0.0.1:4022"]),
        told(look(Silent)),
        does(&["look at 127.0.0.1:4022", "ask for 22 from 10.0.9.0 until 14:00:00"]),
    ];
    check(order, Memory::default(), script);
}

fn ends_with(address: AddressChoice, bastion: Fact) -> Failure {
    let answers = |effect: &Effect| match effect {
        Effect::ReadPolicy => Some(policies()),
        Effect::ReadVm => Some(vm(Running)),
        Effect::DetectSource => Some(source()),
        Effect::ResolveAddress { .. } => Some(private_only()),
        Effect::Initiate(_) => Some(granted_until(120)),
        Effect::ProbePort { .. } => Some(look(Silent)),
        Effect::FindBastion { .. } | Effect::StartVm | Effect::LaunchClient { .. } => None,
    };
    let mut world = World::answering(Order { address, ..through() }, Memory::default(), answers);
    world.tell(bastion);
    match world.attempt.outcome() {
        Some(crate::attempt::Outcome::Failed { trouble, .. }) => trouble.failure.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_host_a_vm_has_no_public_address_unless_one_was_wished_for() {
    let none = || Fact::Bastion(Err(Failure::NoBastion.into()));
    assert_eq!(ends_with(AddressChoice::Bastion, none()), Failure::NoBastion);
    let private = Some(Ipv4Addr::new(10, 0, 0, 4));
    assert_eq!(ends_with(AddressChoice::Automatic, none()), Failure::NoPublicAddress { private });
    let unfit = Failure::BastionUnfit { bastion: "hub".into(), flaw: BastionFlaw::Sku("Basic".into()) };
    for address in [AddressChoice::Bastion, AddressChoice::Automatic] {
        assert_eq!(ends_with(address, Fact::Bastion(Err(unfit.clone().into()))), unfit);
    }
}

#[test]
fn where_the_hosts_network_may_not_be_read_and_jit_keeps_it_out_that_right_is_told() {
    let Failure::AccessDenied { action, scope } = ends_with(AddressChoice::Bastion, found(None)) else { panic!() };
    assert_eq!(action, "Microsoft.Network/virtualNetworks/read");
    assert!(scope.ends_with("/virtualNetworks/v"), "{scope}");
}

#[test]
fn a_port_that_stays_silent_is_told_with_the_hosts_name() {
    let answers = |effect: &Effect| match effect {
        Effect::ReadPolicy => Some(Fact::Policies(Ok(vec![]))),
        Effect::ReadVm => Some(vm(Running)),
        Effect::ResolveAddress { .. } => Some(private_only()),
        Effect::FindBastion { .. } => Some(hub()),
        Effect::DetectSource
        | Effect::Initiate(_)
        | Effect::ProbePort { .. }
        | Effect::StartVm
        | Effect::LaunchClient { .. } => None,
    };
    let mut world = World::answering(through(), Memory::default(), answers);
    while world.attempt.outcome().is_none() {
        world.tell(look(Silent));
        world.pass(chrono::TimeDelta::seconds(4));
    }
    assert_eq!(world.outcome(), "bastionSilent in Port");
}
