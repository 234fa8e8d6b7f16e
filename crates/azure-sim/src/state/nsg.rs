//! Network security group rules and the question they answer: may this source reach this TCP port?

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// Whether a rule lets traffic in or keeps it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Allow,
    Deny,
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

    fn is_tcp(self) -> bool {
        match self {
            Self::Any | Self::Tcp => true,
            Self::Udp => false,
        }
    }
}

/// One inbound rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecurityRule {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) priority: u16,
    pub(crate) access: Access,
    pub(crate) protocol: Protocol,
    pub(crate) ports: Vec<u16>,
    pub(crate) sources: Vec<String>,
    /// The VM's private address, or `*`.
    pub(crate) destination: String,
}

impl SecurityRule {
    /// Whether it is about a TCP connection from `source` to `port`.
    fn fits(&self, source: Ipv4Addr, port: u16) -> bool {
        self.protocol.is_tcp() && self.ports.contains(&port) && self.sources.iter().any(|prefix| covers(prefix, source))
    }
}

/// The rule with the lowest priority number decides; without one, Azure's `DenyAllInBound` does.
pub(crate) fn admits(rules: &[SecurityRule], source: Ipv4Addr, port: u16) -> bool {
    let first = rules.iter().filter(|rule| rule.fits(source, port)).min_by_key(|rule| rule.priority);
    first.is_some_and(|rule| rule.access == Access::Allow)
}

/// The networks behind an address prefix as Azure writes it: `*`, an address, or a CIDR block.
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

fn covers(prefix: &str, source: Ipv4Addr) -> bool {
    network(prefix).is_some_and(|network| network.contains(&source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(priority: u16, access: Access, source: &str) -> SecurityRule {
        SecurityRule {
            name: String::new(),
            description: String::new(),
            priority,
            access,
            protocol: Protocol::Any,
            ports: vec![22],
            sources: vec![source.to_owned()],
            destination: "*".to_owned(),
        }
    }

    #[test]
    fn the_lowest_priority_number_decides() {
        let source = Ipv4Addr::new(203, 0, 113, 7);
        let deny = rule(4096, Access::Deny, "*");
        assert!(!admits(std::slice::from_ref(&deny), source, 22));
        assert!(admits(&[deny.clone(), rule(100, Access::Allow, "203.0.113.0/24")], source, 22));
        assert!(!admits(&[deny, rule(100, Access::Allow, "198.51.100.1")], source, 22));
    }

    #[test]
    fn a_rule_for_udp_neither_admits_tcp_nor_keeps_it_out() {
        let source = Ipv4Addr::LOCALHOST;
        let udp = |access| SecurityRule { protocol: Protocol::Udp, ..rule(100, access, "*") };
        assert!(!admits(&[udp(Access::Allow)], source, 22));
        assert!(admits(&[udp(Access::Deny), rule(101, Access::Allow, "*")], source, 22));
        let tcp = SecurityRule { protocol: Protocol::Tcp, ..rule(100, Access::Allow, "*") };
        assert!(admits(&[tcp], source, 22));
    }

    #[test]
    fn a_block_with_host_bits_is_its_network() {
        assert_eq!(network("203.0.113.24/24"), network("203.0.113.0/24"));
        assert_eq!(normal("203.0.113.24/24"), "203.0.113.0/24");
        for untouched in ["*", "Internet", "203.0.113.24", "203.0.113.24/32", "nonsense"] {
            assert_eq!(normal(untouched), untouched);
        }
    }

    #[test]
    fn nothing_is_admitted_without_a_rule() {
        assert!(!admits(&[rule(100, Access::Allow, "*")], Ipv4Addr::LOCALHOST, 23));
    }
}
