//! Which port is opened where nobody says it: what runs on the VM decides.

use super::script::*;
use crate::access_window::AccessWindow;
use crate::attempt::{Fact, Memory, Order, Unsettled};
use crate::failure::Failure;
use crate::policy::JitNetworkAccessPolicy;
use crate::port::PortAnswer::Open;
use crate::port::Protocol;
use crate::vm::OsType;
use crate::vm::PowerState::Running;

fn supposed() -> Order {
    Order { is_supposed: true, launch: false, ..order() }
}

/// A VM that runs, with what runs there.
fn with(os: Option<OsType>) -> Fact {
    let Fact::Vm(Ok(facts)) = vm(Running) else { panic!("it is a VM") };
    Fact::Vm(Ok(crate::vm::VmFacts { os, ..facts }))
}

/// The policy for these ports.
fn policies_for(ports: &[u16]) -> Fact {
    let mut for_them = policy();
    let rule = for_them.virtual_machines[0].ports[0].clone();
    let of = |number: &u16| crate::policy::JitNetworkAccessPortRule { number: *number, ..rule.clone() };
    for_them.virtual_machines[0].ports = ports.iter().map(of).collect();
    Fact::Policies(Ok(vec![for_them]))
}

const ASK_RDP: &str = "ask for 3389 from 203.0.113.7 until 14:00:00";

#[test]
fn nothing_is_asked_for_before_it_is_known_what_runs_there() {
    let script = [
        does(&READS),
        told(source()),
        told(policies_for(&[22, 3389])),
        told(with(Some(OsType::Windows))),
        does(&["address", ASK_RDP]),
    ];
    let world = check(supposed(), Memory::default(), script);
    let order = world.attempt.order();
    assert_eq!((order.port, order.protocol), (3389, Protocol::Rdp));
    let script = [
        does(&READS),
        told(source()),
        told(policies_for(&[22, 3389])),
        told(with(Some(OsType::Linux))),
        does(&["address", ASK]),
    ];
    assert_eq!(check(supposed(), Memory::default(), script).attempt.order().protocol, Protocol::Ssh);
}

#[test]
fn a_policy_for_the_port_of_windows_alone_refuses_nothing_before_that() {
    let script = [
        does(&READS),
        told(source()),
        told(policies_for(&[3389])),
        told(with(Some(OsType::Windows))),
        does(&["address", ASK_RDP]),
    ];
    check(supposed(), Memory::default(), script);
}

#[test]
fn what_is_remembered_or_open_of_the_other_port_counts_for_nothing() {
    let open: AccessWindow = granted_to(ME, 120);
    let memory = Memory { window: Some(open), ..remembering() };
    let shown = JitNetworkAccessPolicy { requests: vec![request(120, None)], ..policy() };
    let Fact::Policies(Ok(rules)) = policies_for(&[22, 3389]) else { panic!("policies") };
    let shown = JitNetworkAccessPolicy { virtual_machines: rules[0].virtual_machines.clone(), ..shown };
    let script =
        [does(&READS), told(source()), told(Fact::Policies(Ok(vec![shown]))), told(with(Some(OsType::Windows)))];
    let script = script.into_iter().chain([does(&["address", ASK_RDP])]);
    let world = check(supposed(), memory, script);
    assert_eq!(world.attempt.window(noon()), None);
}

#[test]
fn what_is_remembered_of_the_port_that_it_is_counts_once_it_is_told() {
    let mut world = World::new(supposed(), Memory::default());
    world.tell(with(Some(OsType::Windows)));
    let memory = Memory {
        endpoint: Some(endpoint(VM, 3389)),
        unsettled: Some(Unsettled { since: noon() - chrono::TimeDelta::seconds(5), source: None }),
        ..Memory::default()
    };
    world.attempt.recall(memory, noon());
    for fact in [source(), policies_for(&[22, 3389])] {
        world.tell(fact);
    }
    assert!(world.asked.is_empty(), "one may be on its way");
    assert_eq!(world.begun("look at 203.0.113.50:3389"), 1);
    world.tell(Fact::Port { endpoint: endpoint(VM, 3389), answer: Open });
    assert_eq!(world.outcome(), "connected 203.0.113.50:3389");
}

#[test]
fn where_it_is_not_told_the_port_of_ssh_stays_and_that_is_said() {
    let script =
        [does(&READS), told(source()), told(policies_for(&[22, 3389])), told(with(None)), does(&["address", ASK])];
    let world = check(supposed(), Memory::default(), script);
    let notes = world.attempt.view(noon(), UTC).notes;
    assert!(notes.len() == 1 && notes[0].contains("SSH at port 22"), "{notes:?}");
    assert_eq!(check(order(), Memory::default(), asking()).attempt.view(noon(), UTC).notes, [""; 0]);
}

#[test]
fn who_may_not_read_the_vm_hears_just_that() {
    let denied = Fact::Vm(Err(Failure::AccessDenied { action: "a".into(), scope: "s".into() }.into()));
    let script = [does(&READS), told(source()), told(policies_for(&[22])), told(denied), ends("accessDenied in Vm")];
    let world = check(supposed(), Memory::default(), script);
    assert_eq!(world.attempt.view(noon(), UTC).notes, [""; 0]);
}

#[test]
fn once_somebody_says_the_port_it_is_that() {
    let mut world = World::new(supposed(), Memory::default());
    world.attempt.port_is_said();
    for fact in [source(), policies_for(&[22, 3389]), with(Some(OsType::Windows))] {
        world.tell(fact);
    }
    assert_eq!(world.begun(ASK), 1);
    assert_eq!(world.attempt.order().protocol, Protocol::Ssh);
}
