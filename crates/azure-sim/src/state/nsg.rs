//! Security rules, and which packets they are about: ports, address prefixes, service tags.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::Ipv4Net;

/// Whether a rule lets traffic in or keeps it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Allow,
    Deny,
}

impl Access {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// Which way the first packet of a connection goes, seen from the VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

impl Direction {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inbound => "Inbound",
            Self::Outbound => "Outbound",
        }
    }
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Any,
    Tcp,
    Udp,
}

impl Protocol {
    /// As network security groups spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any => "*",
            Self::Tcp => "Tcp",
            Self::Udp => "Udp",
        }
    }

    /// As JIT policies spell it.
    pub(crate) fn policy_name(self) -> &'static str {
        match self {
            Self::Any => "*",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }

    /// The one that a JIT policy means by this word.
    pub(crate) fn of_policy(word: &str) -> Option<Self> {
        [Self::Any, Self::Tcp, Self::Udp].into_iter().find(|one| one.policy_name().eq_ignore_ascii_case(word))
    }

    fn covers(self, other: Self) -> bool {
        self == Self::Any || self == other
    }
}

/// One port or several in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortRange {
    pub(crate) first: u16,
    pub(crate) last: u16,
}

impl PortRange {
    pub(crate) const ALL: Self = Self { first: 0, last: u16::MAX };

    pub(crate) fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// Whether a packet with this port is meant; one with any port, only by the whole range.
    fn covers(self, port: Option<u16>) -> bool {
        port.map_or(self == Self::ALL, |port| self.contains(port))
    }
}

impl From<u16> for PortRange {
    fn from(port: u16) -> Self {
        Self { first: port, last: port }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ALL => f.write_str("*"),
            Self { first, last } if first == last => write!(f, "{first}"),
            Self { first, last } => write!(f, "{first}-{last}"),
        }
    }
}

impl FromStr for PortRange {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "*" {
            return Ok(Self::ALL);
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = Self { first: first.parse().map_err(drop)?, last: last.parse().map_err(drop)? };
        if range.first <= range.last { Ok(range) } else { Err(()) }
    }
}

/// One rule of a network security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecurityRule {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) priority: u16,
    pub(crate) direction: Direction,
    pub(crate) access: Access,
    pub(crate) protocol: Protocol,
    pub(crate) source_ports: Vec<PortRange>,
    /// Address prefixes or service tags, as Azure writes them.
    pub(crate) sources: Vec<String>,
    /// The ports of the destination.
    pub(crate) ports: Vec<PortRange>,
    pub(crate) destinations: Vec<String>,
}

/// What a rule is asked about: the first packet of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet {
    pub(crate) direction: Direction,
    /// `Tcp` or `Udp`.
    pub(crate) protocol: Protocol,
    pub(crate) source: Ipv4Addr,
    /// `None`: whatever the port.
    pub(crate) source_port: Option<u16>,
    pub(crate) destination: Ipv4Addr,
    pub(crate) destination_port: Option<u16>,
}

impl SecurityRule {
    /// Whether the rule is about this packet.
    pub(crate) fn fits(&self, packet: &Packet) -> bool {
        self.direction == packet.direction
            && self.protocol.covers(packet.protocol)
            && self.source_ports.iter().any(|range| range.covers(packet.source_port))
            && self.ports.iter().any(|range| range.covers(packet.destination_port))
            && self.sources.iter().any(|prefix| covers(prefix, packet.source))
            && self.destinations.iter().any(|prefix| covers(prefix, packet.destination))
    }
}

/// The rules that every group has, after its own.
pub(crate) fn default_rules() -> [SecurityRule; 6] {
    use Access::{Allow, Deny};
    use Direction::{Inbound, Outbound};
    let rule =
        |direction, access, priority, name: &str, description: &str, source: &str, destination: &str| SecurityRule {
            name: name.to_owned(),
            description: description.to_owned(),
            priority,
            direction,
            access,
            protocol: Protocol::Any,
            source_ports: vec![PortRange::ALL],
            sources: vec![source.to_owned()],
            ports: vec![PortRange::ALL],
            destinations: vec![destination.to_owned()],
        };
    let (vnet, vnet_in) = ("VirtualNetwork", "Allow inbound traffic from all VMs in VNET");
    [
        rule(Inbound, Allow, 65_000, "AllowVnetInBound", vnet_in, vnet, vnet),
        rule(
            Inbound,
            Allow,
            65_001,
            "AllowAzureLoadBalancerInBound",
            "Allow inbound traffic from azure load balancer",
            "AzureLoadBalancer",
            "*",
        ),
        rule(Inbound, Deny, 65_500, "DenyAllInBound", "Deny all inbound traffic", "*", "*"),
        rule(
            Outbound,
            Allow,
            65_000,
            "AllowVnetOutBound",
            "Allow outbound traffic from all VMs to all VMs in VNET",
            vnet,
            vnet,
        ),
        rule(
            Outbound,
            Allow,
            65_001,
            "AllowInternetOutBound",
            "Allow outbound traffic from all VMs to Internet",
            "*",
            "Internet",
        ),
        rule(Outbound, Deny, 65_500, "DenyAllOutBound", "Deny all outbound traffic", "*", "*"),
    ]
}

/// The address space of the simulated virtual networks.
pub(crate) fn virtual_network() -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(10, 1, 0, 0), 16)
}

/// Azure's own address for probes, name resolution and the like.
const PLATFORM: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// A service tag: a name for address ranges that Azure keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceTag {
    VirtualNetwork,
    Internet,
    AzureLoadBalancer,
}

impl ServiceTag {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "virtualnetwork" => Some(Self::VirtualNetwork),
            "internet" => Some(Self::Internet),
            "azureloadbalancer" => Some(Self::AzureLoadBalancer),
            _ => None,
        }
    }

    /// The blocks that the tag stands for.
    pub(crate) fn blocks(self) -> Vec<Ipv4Net> {
        match self {
            Self::VirtualNetwork => vec![virtual_network(), PLATFORM.into()],
            Self::AzureLoadBalancer => vec![PLATFORM.into()],
            Self::Internet => {
                let mut blocks = Vec::new();
                without(Ipv4Net::default(), &not_internet(), &mut blocks);
                blocks
            }
        }
    }

    /// Whether the tag stands for the address.
    pub(crate) fn contains(self, address: Ipv4Addr) -> bool {
        match self {
            Self::VirtualNetwork => address == PLATFORM || virtual_network().contains(&address),
            Self::AzureLoadBalancer => address == PLATFORM,
            Self::Internet => !not_internet().iter().any(|block| block.contains(&address)),
        }
    }
}

/// Addresses that don't travel the internet.
fn not_internet() -> [Ipv4Net; 9] {
    let block = |a, b, length| Ipv4Net::new_assert(Ipv4Addr::new(a, b, 0, 0), length);
    [
        block(0, 0, 8),
        block(10, 0, 8),
        block(100, 64, 10),
        block(127, 0, 8),
        block(169, 254, 16),
        block(172, 16, 12),
        block(192, 168, 16),
        block(224, 0, 3),
        PLATFORM.into(),
    ]
}

fn without(block: Ipv4Net, holes: &[Ipv4Net], blocks: &mut Vec<Ipv4Net>) {
    if holes.iter().any(|hole| hole.contains(&block)) {
        return;
    }
    if !holes.iter().any(|hole| block.contains(hole)) {
        blocks.push(block);
        return;
    }
    for half in block.subnets(block.prefix_len() + 1).into_iter().flatten() {
        without(half, holes, blocks);
    }
}

/// The networks behind an address prefix as JIT policies write it: `*`, an address, or a CIDR block.
pub(crate) fn network(prefix: &str) -> Option<Ipv4Net> {
    match prefix.trim() {
        "*" | "Internet" | "Any" => Some(Ipv4Net::default()),
        text => text
            .parse::<Ipv4Net>()
            .ok()
            .map(|network| network.trunc())
            .or_else(|| text.parse::<Ipv4Addr>().ok().map(Ipv4Net::from)),
    }
}

/// The prefix as it is kept: of a CIDR block with host bits, the network.
pub(crate) fn normal(prefix: &str) -> String {
    match prefix.trim().parse::<Ipv4Net>() {
        Ok(block) => block.trunc().to_string(),
        Err(_) => prefix.to_owned(),
    }
}

/// Whether a rule's prefix, or service tag, takes the address in.
fn covers(prefix: &str, address: Ipv4Addr) -> bool {
    match ServiceTag::parse(prefix) {
        Some(tag) => tag.contains(address),
        None => network(prefix).is_some_and(|network| network.contains(&address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_with_host_bits_is_its_network() {
        assert_eq!(network("203.0.113.24/24"), network("203.0.113.0/24"));
        assert_eq!(normal("203.0.113.24/24"), "203.0.113.0/24");
        for untouched in ["*", "Internet", "203.0.113.24", "203.0.113.24/32", "nonsense"] {
            assert_eq!(normal(untouched), untouched);
        }
    }

    #[test]
    fn port_ranges_are_read_and_written_as_azure_does() {
        for text in ["*", "22", "8000-8100"] {
            assert_eq!(text.parse::<PortRange>().unwrap().to_string(), text);
        }
        for text in ["", "ssh", "9-8", "70000", "1-2-3"] {
            assert!(text.parse::<PortRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tag_stands_for_the_same_addresses_whichever_way_it_is_asked() {
        for tag in [ServiceTag::VirtualNetwork, ServiceTag::Internet, ServiceTag::AzureLoadBalancer] {
            let blocks = tag.blocks();
            let addresses = "0.1.2.3 9.255.255.255 10.1.0.4 10.2.0.4 100.64.0.1 100.128.0.1 168.63.129.15 168.63.129.16 \
                             172.15.0.1 172.31.255.255 192.168.1.1 203.0.113.24 224.0.0.1";
            for address in addresses.split(' ') {
                let address: Ipv4Addr = address.parse().unwrap();
                let listed = blocks.iter().any(|block| block.contains(&address));
                assert_eq!(tag.contains(address), listed, "{tag:?} {address}");
            }
        }
        assert_eq!(ServiceTag::Internet.blocks()[0].to_string(), "1.0.0.0/8");
    }
}
