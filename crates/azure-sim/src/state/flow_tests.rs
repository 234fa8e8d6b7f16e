//! The judgement of packets against a reference that is as naive as can be.

use std::net::Ipv4Addr;

use chrono::Utc;
use proptest::prelude::*;
use proptest::sample::select;

use super::Cloud;
use super::groups::{NicGroup, SecurityGroup};
use super::nsg::{Access, Direction, Packet, PortRange, Protocol, SecurityRule};
use super::vm::{PublicIp, Vm, VmPort};
use crate::fleet::Fleet;
use crate::latency::Latencies;

const FLEET: &str = r#"
[[subscriptions]]
id = "11111111-1111-4111-8111-111111111111"
name = "one"
[[vms]]
name = "a"
ports = [{ number = 22 }]
"#;

fn address() -> impl Strategy<Value = Ipv4Addr> {
    select(vec![
        Ipv4Addr::new(10, 1, 0, 4),
        Ipv4Addr::new(10, 1, 7, 7),
        Ipv4Addr::new(10, 2, 0, 1),
        Ipv4Addr::new(168, 63, 129, 16),
        Ipv4Addr::new(203, 0, 113, 24),
        Ipv4Addr::new(203, 0, 113, 200),
        Ipv4Addr::new(198, 51, 100, 9),
        Ipv4Addr::new(192, 168, 0, 1),
    ])
}

fn prefixes() -> impl Strategy<Value = Vec<String>> {
    let known = vec![
        "*",
        "Internet",
        "VirtualNetwork",
        "AzureLoadBalancer",
        "10.1.0.4",
        "10.1.0.0/16",
        "203.0.113.0/25",
        "203.0.113.24/32",
        "198.51.100.9",
        "0.0.0.0/0",
    ];
    prop::collection::vec(select(known).prop_map(str::to_owned), 1..3)
}

fn ranges() -> impl Strategy<Value = Vec<PortRange>> {
    let known = ["*", "22", "20-25", "3389", "1024-65535"].map(|text| text.parse::<PortRange>().unwrap());
    prop::collection::vec(select(known.to_vec()), 1..3)
}

fn direction() -> impl Strategy<Value = Direction> {
    select(vec![Direction::Inbound, Direction::Inbound, Direction::Outbound])
}

prop_compose! {
    fn rule()(
        priority in 100u16..4097,
        direction in direction(),
        access in select(vec![Access::Allow, Access::Deny]),
        protocol in select(vec![Protocol::Any, Protocol::Tcp, Protocol::Udp]),
        source_ports in ranges(),
        sources in prefixes(),
        ports in ranges(),
        destinations in prefixes(),
    ) -> SecurityRule {
        let name = format!("rule-{priority}");
        SecurityRule {
            name, description: String::new(), priority, direction, access, protocol, source_ports, sources, ports, destinations,
        }
    }
}

/// Rules of one group: no priority twice.
fn rules() -> impl Strategy<Value = Vec<SecurityRule>> {
    prop::collection::vec(rule(), 0..8).prop_map(|mut rules: Vec<SecurityRule>| {
        rules.sort_by_key(|rule| rule.priority);
        rules.dedup_by_key(|rule| rule.priority);
        rules
    })
}

prop_compose! {
    fn packet()(
        direction in direction(),
        protocol in select(vec![Protocol::Tcp, Protocol::Udp]),
        source in address(),
        source_port in select(vec![None, Some(22), Some(50_000)]),
        destination in address(),
        destination_port in select(vec![Some(22), Some(23), Some(3389), Some(8080)]),
    ) -> Packet {
        Packet { direction, protocol, source, source_port, destination, destination_port }
    }
}

fn in_block(address: Ipv4Addr, block: &str) -> bool {
    let (network, length) = block.split_once('/').unwrap();
    let network = u32::from(network.parse::<Ipv4Addr>().unwrap());
    let length: u32 = length.parse().unwrap();
    (0..length).all(|bit| (network ^ u32::from(address)) >> (31 - bit) & 1 == 0)
}

/// Whether a prefix means an address, tag by tag.
fn means(prefix: &str, address: Ipv4Addr) -> bool {
    let vnet = in_block(address, "10.1.0.0/16");
    let platform = address == Ipv4Addr::new(168, 63, 129, 16);
    let private = address.is_private() || address.is_loopback() || address.is_link_local();
    match prefix {
        "*" => true,
        "VirtualNetwork" => vnet || platform,
        "AzureLoadBalancer" => platform,
        "Internet" => !private && !platform,
        block if block.contains('/') => in_block(address, block),
        one => one.parse() == Ok(address),
    }
}

fn applies(rule: &SecurityRule, packet: &Packet) -> bool {
    let any = |prefixes: &[String], address| prefixes.iter().any(|prefix| means(prefix, address));
    let port = |ranges: &[PortRange], port: Option<u16>| match port {
        None => ranges.iter().any(|range| range.first == 0 && range.last == 65_535),
        Some(port) => ranges.iter().any(|range| range.first <= port && port <= range.last),
    };
    rule.direction == packet.direction
        && (rule.protocol == Protocol::Any || rule.protocol == packet.protocol)
        && any(&rule.sources, packet.source)
        && any(&rule.destinations, packet.destination)
        && port(&rule.source_ports, packet.source_port)
        && port(&rule.ports, packet.destination_port)
}

/// What one group says: its rules one by one, then what Azure has after them.
fn says(rules: &[SecurityRule], packet: &Packet) -> (Access, String) {
    let mut ordered: Vec<_> = rules.iter().collect();
    ordered.sort_by_key(|rule| rule.priority);
    for rule in ordered {
        if applies(rule, packet) {
            return (rule.access, format!("securityRules/{}", rule.name));
        }
    }
    let inbound = packet.direction == Direction::Inbound;
    let between = means("VirtualNetwork", packet.source) && means("VirtualNetwork", packet.destination);
    let (access, name) = if between {
        (Access::Allow, if inbound { "AllowVnetInBound" } else { "AllowVnetOutBound" })
    } else if inbound && means("AzureLoadBalancer", packet.source) {
        (Access::Allow, "AllowAzureLoadBalancerInBound")
    } else if !inbound && means("Internet", packet.destination) {
        (Access::Allow, "AllowInternetOutBound")
    } else {
        (Access::Deny, if inbound { "DenyAllInBound" } else { "DenyAllOutBound" })
    };
    (access, format!("defaultSecurityRules/{name}"))
}

fn cloud() -> Cloud {
    let fleet: Fleet = FLEET.parse().unwrap();
    let address = PublicIp::Static(Ipv4Addr::new(127, 0, 0, 2));
    let vm = Vm::new(&fleet, (0, &fleet.vms[0]), address, vec![VmPort { number: 22, mapped_port: None }], Utc::now());
    Cloud::new(&fleet, vec![vm], Latencies::new(1, 1.0))
}

proptest! {
    #[test]
    fn packets_are_judged_as_by_the_naive_reference(
        subnet in prop::option::of(rules()),
        nic in prop::option::of(rules()),
        packet in packet(),
    ) {
        let mut cloud = cloud();
        cloud.vms[0].nic_group = if nic.is_some() { NicGroup::Own } else { NicGroup::None };
        cloud.vms[0].standing_rules = nic.clone().unwrap_or_default();
        if let Some(rules) = &subnet {
            let vm = &cloud.vms[0];
            let group = SecurityGroup {
                subscription: vm.subscription.clone(),
                resource_group: vm.resource_group.clone(),
                location: vm.location.clone(),
                name: "subnet-nsg".to_owned(),
                rules: rules.clone(),
            };
            cloud.security_groups.push(group);
            cloud.vms[0].subnet_group = Some(0);
        }
        let verdict = cloud.verdict(&cloud.vms[0], &packet, Utc::now());
        let mut order = [subnet, nic];
        if packet.direction == Direction::Outbound {
            order.reverse();
        }
        let mut expected = None;
        for rules in order.iter().flatten() {
            let said = says(rules, &packet);
            let denied = said.0 == Access::Deny;
            expected = Some(said);
            if denied {
                break;
            }
        }
        let got = verdict.rule.map(|decider| (verdict.access, decider.rule));
        if let Some(expected) = expected {
            prop_assert_eq!(got, Some(expected));
        } else {
            // No group at all: only a Standard public address keeps the outside out.
            prop_assert_eq!(got, None);
            let kept_out = packet.direction == Direction::Inbound && !in_block(packet.source, "10.1.0.0/16");
            prop_assert_eq!(verdict.access == Access::Deny, kept_out);
        }
    }
}
