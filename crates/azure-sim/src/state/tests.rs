//! The life of windows and VMs under a clock that only the test moves.

use chrono::{DateTime, TimeDelta, Utc};

use super::change::Declined;
use super::initiate::{End, InitiateInput, InitiatePort, InitiateVm};
use super::jit::RequestStatus;
use super::power::{PowerAction, PowerState};
use super::vm::{PublicIp, Vm, VmPort};
use super::{Cloud, nsg};
use crate::fleet::Fleet;
use crate::latency::Latencies;

const FLEET: &str = r#"
[[subscriptions]]
id = "11111111-1111-4111-8111-111111111111"
name = "one"
[[vms]]
name = "running"
ports = [{ number = 22, jit = { sources = ["203.0.113.0/24"] } }]
[[vms]]
name = "off"
power = "deallocated"
dynamic_address = true
ports = [{ number = 22, jit = {} }]
[[vms]]
name = "no-room"
power = "deallocated"
out_of_capacity = true
ports = [{ number = 22, open = true }]
[[vms]]
name = "datagrams"
ports = [{ number = 22, jit = { protocol = "UDP" } }]
"#;

/// Longer than any wait that is drawn.
const LONG: TimeDelta = TimeDelta::seconds(90);

pub(super) fn start() -> (Cloud, DateTime<Utc>) {
    let fleet: Fleet = FLEET.parse().unwrap();
    let now = Utc::now();
    let addresses = [[127, 0, 0, 2], [127, 0, 0, 3], [127, 0, 0, 4], [127, 0, 0, 5]].map(Into::into);
    let vms = fleet.vms.iter().zip(addresses).map(|(spec, address)| {
        let public_ip = if spec.dynamic_address {
            PublicIp::Dynamic { current: None, pool: vec![address, [127, 0, 0, 99].into()] }
        } else {
            PublicIp::Static(address)
        };
        Vm::new(&fleet, (0, spec), public_ip, vec![VmPort { number: 22, mapped_port: None }], now)
    });
    let vms = vms.collect();
    (Cloud::new(&fleet, vms, Latencies::new(1, 1.0)), now)
}

fn ask(cloud: &Cloud, vm: usize, source: Option<&str>, minutes: i64) -> InitiateInput {
    let end = End::Duration(TimeDelta::minutes(minutes));
    let ports = vec![InitiatePort { number: 22, sources: source.map(|source| vec![source.to_owned()]), end }];
    InitiateInput { vms: vec![InitiateVm { id: cloud.vms[vm].id(), ports }], justification: None }
}

#[track_caller]
fn refusal(cloud: &mut Cloud, input: &InitiateInput, now: DateTime<Utc>) -> String {
    match cloud.initiate(0, input, "me", now) {
        Err(Declined::Refused(refusal)) => refusal.message,
        other => panic!("not refused: {other:?}"),
    }
}

fn statuses(cloud: &Cloud) -> Vec<RequestStatus> {
    let vms = cloud.policies[0].requests.iter().flat_map(|request| &request.vms);
    vms.flat_map(|vm| &vm.ports).map(|port| port.status).collect()
}

#[test]
fn a_window_opens_after_a_while_and_closes_at_its_end() {
    let (mut cloud, now) = start();
    assert!(cloud.listening(now).is_empty());
    cloud.initiate(0, &ask(&cloud, 0, None, 60), "me", now).unwrap();
    assert_eq!(statuses(&cloud), [RequestStatus::Initiating]);
    assert!(cloud.listening(now).is_empty());

    let in_force = cloud.next_change(now).unwrap();
    cloud.advance_to(in_force);
    assert_eq!(statuses(&cloud), [RequestStatus::Initiated]);
    assert_eq!(cloud.listening(in_force).len(), 1);

    let end = now + TimeDelta::minutes(60);
    assert_eq!(cloud.next_change(in_force), Some(end));
    cloud.advance_to(end);
    assert_eq!(statuses(&cloud), [RequestStatus::Expired]);
    assert!(cloud.listening(end).is_empty());
}

#[test]
fn a_newer_request_replaces_the_older_one_without_a_gap() {
    let (mut cloud, now) = start();
    cloud.initiate(0, &ask(&cloud, 0, None, 60), "me", now).unwrap();
    let later = now + LONG;
    cloud.advance_to(later);
    cloud.initiate(0, &ask(&cloud, 0, None, 120), "me", later).unwrap();
    assert_eq!(statuses(&cloud), [RequestStatus::Replaced, RequestStatus::Initiating]);
    assert_eq!(cloud.listening(later).len(), 1);
    cloud.advance_to(later + LONG);
    assert_eq!(cloud.listening(later + LONG).len(), 1);
    let rules = cloud.security_rules(&cloud.vms[0], later + LONG);
    assert_eq!(rules.iter().filter(|rule| rule.access == nsg::Access::Allow).count(), 1);
}

#[test]
fn by_requestor_a_colleague_is_left_alone() {
    let (mut cloud, now) = start();
    cloud.switches.set("newerRequestReplaces", "requestor").unwrap();
    cloud.initiate(0, &ask(&cloud, 0, None, 60), "me", now).unwrap();
    cloud.initiate(0, &ask(&cloud, 0, None, 60), "colleague", now).unwrap();
    assert_eq!(statuses(&cloud), [RequestStatus::Initiating, RequestStatus::Initiating]);
}

#[test]
fn a_request_outside_its_policy_is_refused_in_azures_words() {
    let (mut cloud, now) = start();
    for (source, minutes) in [(Some("198.51.100.1"), 60), (Some("*"), 60), (None, 181)] {
        let input = ask(&cloud, 0, source, minutes);
        let message = refusal(&mut cloud, &input, now);
        assert!(
            message.starts_with("The given access request is not a subset of policy '/subscriptions/"),
            "{message}"
        );
    }
    let input = ask(&cloud, 0, Some("2001:db8::1"), 60);
    assert!(refusal(&mut cloud, &input, now).contains("IPv6 format"));
    let input = ask(&cloud, 0, None, -1);
    assert!(refusal(&mut cloud, &input, now).contains("in the future"));
    assert!(cloud.policies[0].requests.is_empty());
}

#[test]
fn a_part_of_the_prefix_is_refused_when_the_switch_says_so() {
    let (mut cloud, now) = start();
    cloud.switches.set("subnetOfPolicyPrefix", "refuse").unwrap();
    let part = ask(&cloud, 0, Some("203.0.113.24"), 60);
    assert!(refusal(&mut cloud, &part, now).contains("not a subset"));
    cloud.initiate(0, &ask(&cloud, 0, Some("203.0.113.0/24"), 60), "me", now).unwrap();
    // A policy for everyone takes single addresses all the same.
    cloud.initiate(0, &ask(&cloud, 1, Some("203.0.113.24"), 60), "me", now).unwrap();
}

#[test]
fn a_start_takes_its_time_and_a_dynamic_address_comes_with_it_and_changes() {
    let (mut cloud, now) = start();
    cloud.initiate(0, &ask(&cloud, 1, None, 180), "me", now).unwrap();
    cloud.set_power(1, PowerAction::Start, now).unwrap();
    assert_eq!((cloud.vms[1].power.current(), cloud.vms[1].address()), (PowerState::Starting, None));
    let running = now + LONG;
    cloud.advance_to(running);
    assert_eq!(cloud.vms[1].power.current(), PowerState::Running);
    let first = cloud.vms[1].address().unwrap();
    assert_eq!(cloud.listening(running).iter().map(|door| *door.at.ip()).collect::<Vec<_>>(), [first]);

    cloud.set_power(1, PowerAction::Deallocate, running).unwrap();
    assert!(cloud.listening(running).is_empty());
    cloud.advance_to(running + LONG);
    assert_eq!((cloud.vms[1].power.current(), cloud.vms[1].address()), (PowerState::Deallocated, None));
    cloud.set_power(1, PowerAction::Start, running + LONG).unwrap();
    cloud.advance_to(running + LONG + LONG);
    assert_ne!(cloud.vms[1].address(), Some(first));
}

#[test]
fn what_conflicts_is_turned_down() {
    let (mut cloud, now) = start();
    cloud.set_power(1, PowerAction::Start, now).unwrap();
    let again = cloud.set_power(1, PowerAction::Deallocate, now).unwrap_err();
    assert!(matches!(again, Declined::Conflict { code: "OperationNotAllowed", .. }), "{again:?}");
}

#[test]
fn a_start_without_capacity_fails_in_its_operation_or_at_once_as_the_switch_says() {
    let (mut cloud, now) = start();
    let operation = cloud.set_power(2, PowerAction::Start, now).unwrap();
    assert_eq!(cloud.operations[&operation].outcome.status(), "InProgress");
    cloud.advance_to(now + LONG);
    assert_eq!(cloud.operations[&operation].outcome.status(), "Failed");
    assert_eq!(cloud.vms[2].power.current(), PowerState::Deallocated);

    cloud.switches.set("allocationFailed", "sync").unwrap();
    let refused = cloud.set_power(2, PowerAction::Start, now + LONG).unwrap_err();
    assert!(matches!(refused, Declined::Conflict { code: "AllocationFailed", .. }), "{refused:?}");
}

#[test]
fn a_start_from_stopped_needs_no_capacity() {
    for allocation_failed in ["async", "sync"] {
        let (mut cloud, now) = start();
        cloud.switches.set("allocationFailed", allocation_failed).unwrap();
        cloud.set_power(0, PowerAction::PowerOff, now).unwrap();
        let stopped = now + LONG;
        cloud.advance_to(stopped);
        cloud.vms[0].start_fails = cloud.vms[2].start_fails;
        let operation = cloud.set_power(0, PowerAction::Start, stopped).unwrap();
        cloud.advance_to(stopped + LONG);
        assert_eq!(cloud.operations[&operation].outcome.status(), "Succeeded", "{allocation_failed}");
        assert_eq!(cloud.vms[0].power.current(), PowerState::Running);
    }
}

#[test]
fn a_vm_that_went_down_and_came_up_again_has_another_guest_and_other_doors() {
    let (mut cloud, now) = start();
    cloud.initiate(0, &ask(&cloud, 0, None, 180), "me", now).unwrap();
    let open = now + LONG;
    cloud.advance_to(open);
    let before = (cloud.guests(), cloud.listening(open));
    cloud.set_power(0, PowerAction::Restart, open).unwrap();
    // All of it between two looks.
    cloud.advance_to(open + LONG);
    let after = (cloud.guests(), cloud.listening(open + LONG));
    assert_eq!((before.0.len(), before.1.len()), (after.0.len(), after.1.len()));
    assert!(before.0.difference(&after.0).count() == 1 && before.1.is_disjoint(&after.1), "{before:?} {after:?}");
}

#[test]
fn an_operation_is_forgotten_a_day_after_its_end_and_not_before() {
    let (mut cloud, now) = start();
    let operation = cloud.set_power(1, PowerAction::Start, now).unwrap();
    cloud.advance_to(now + LONG);
    let ended = cloud.operations[&operation].ended.unwrap();
    cloud.advance_to(ended + TimeDelta::hours(23));
    assert!(cloud.operations.contains_key(&operation));
    cloud.set_power(1, PowerAction::Deallocate, ended + TimeDelta::hours(23)).unwrap();
    cloud.advance_to(ended + TimeDelta::hours(24));
    assert_eq!(cloud.operations.len(), 1, "the later one is left");
}

#[test]
fn a_changed_public_address_shuts_the_client_out() {
    let (mut cloud, now) = start();
    cloud.initiate(0, &ask(&cloud, 0, None, 60), "me", now).unwrap();
    cloud.advance_to(now + LONG);
    assert_eq!(cloud.listening(now + LONG).len(), 1);
    cloud.public_ip = [203, 0, 113, 200].into();
    assert!(cloud.listening(now + LONG).is_empty());
}

#[test]
fn a_source_with_host_bits_is_taken_for_its_network() {
    let (mut cloud, now) = start();
    cloud.switches.set("subnetOfPolicyPrefix", "refuse").unwrap();
    let granted = cloud.initiate(0, &ask(&cloud, 0, Some("203.0.113.24/24"), 60), "me", now).unwrap();
    assert_eq!(granted.vms[0].ports[0].sources, ["203.0.113.0/24"]);
}

#[test]
fn a_window_for_udp_gives_a_rule_for_udp_and_opens_no_tcp_port() {
    let (mut cloud, now) = start();
    cloud.initiate(0, &ask(&cloud, 3, None, 60), "me", now).unwrap();
    let later = now + LONG;
    cloud.advance_to(later);
    assert_eq!(statuses(&cloud), [RequestStatus::Initiated]);
    let rules = cloud.security_rules(&cloud.vms[3], later);
    assert_eq!((rules[0].access, rules[0].protocol), (nsg::Access::Allow, nsg::Protocol::Udp));
    assert!(cloud.listening(later).is_empty());
}

#[test]
fn a_vm_in_any_state_but_running_refuses_requests_when_the_switch_says_so() {
    let (mut cloud, mut now) = start();
    cloud.switches.set("initiateOnDeallocated", "refuse").unwrap();
    let input = ask(&cloud, 1, None, 60);
    let refused_as = |cloud: &mut Cloud, now, state: &str| match cloud.initiate(0, &input, "me", now) {
        Err(Declined::Conflict { code: "OperationNotAllowed", message }) => {
            assert!(message.contains(state), "{message}");
        }
        other => panic!("not refused while {state}: {other:?}"),
    };
    refused_as(&mut cloud, now, "deallocated");
    for (action, through, to) in [
        (PowerAction::Start, "starting", None),
        (PowerAction::PowerOff, "stopping", Some("stopped")),
        (PowerAction::Deallocate, "deallocating", Some("deallocated")),
    ] {
        cloud.set_power(1, action, now).unwrap();
        refused_as(&mut cloud, now, through);
        now += LONG;
        cloud.advance_to(now);
        match to {
            Some(state) => refused_as(&mut cloud, now, state),
            None => drop(cloud.initiate(0, &input, "me", now).unwrap()),
        }
    }
    // Others are not asked about.
    cloud.initiate(0, &ask(&cloud, 0, None, 60), "me", now).unwrap();
}
