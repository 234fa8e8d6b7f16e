//! What becomes of a packet: subnet's and interface's network security groups, one after the other.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};

use crate::state::Cloud;
use crate::state::groups::Group;
use crate::state::nsg::{self, Access, Direction, Packet, Protocol, SecurityRule};
use crate::state::vm::{PublicIp, Vm};
use crate::switches::FirewallSource;

/// The private address from which an Azure Firewall talks to VMs.
const FIREWALL: Ipv4Addr = Ipv4Addr::new(10, 1, 255, 4);

/// The answer, and the rule that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) access: Access,
    pub(crate) rule: Option<Decider>,
}

/// Which rule of which group decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decider {
    /// The group's id.
    pub(crate) group: String,
    /// `securityRules/NAME` or `defaultSecurityRules/NAME`.
    pub(crate) rule: String,
}

/// The rule that decides within one group, and whether it is one of Azure's default ones. Some default rule always fits.
fn deciding(own: Vec<SecurityRule>, packet: &Packet) -> Option<(SecurityRule, bool)> {
    let own = own.into_iter().map(|rule| (rule, false));
    let all = own.chain(nsg::default_rules().into_iter().map(|rule| (rule, true)));
    all.filter(|(rule, _)| rule.fits(packet)).min_by_key(|(rule, _)| rule.priority)
}

impl Cloud {
    /// Every group must allow; the first that does not has the say, else the last.
    pub(crate) fn verdict(&self, vm: &Vm, packet: &Packet, now: DateTime<Utc>) -> Verdict {
        let mut groups: Vec<Group<'_>> = Self::groups_before(vm).collect();
        if packet.direction == Direction::Outbound {
            groups.reverse();
        }
        if groups.is_empty() {
            return Verdict { access: without_group(vm, packet), rule: None };
        }
        let mut last = Verdict { access: Access::Allow, rule: None };
        for group in groups {
            let Some((rule, default)) = deciding(self.group_rules(group, now), packet) else { continue };
            let kind = if default { "defaultSecurityRules" } else { "securityRules" };
            let decider = Decider { group: self.group_id(group), rule: format!("{kind}/{}", rule.name) };
            last = Verdict { access: rule.access, rule: Some(decider) };
            if rule.access == Access::Deny {
                break;
            }
        }
        last
    }

    /// Whether a TCP connection from the client's present address gets to the VM's port.
    pub(crate) fn admits(&self, vm: &Vm, port: u16, now: DateTime<Utc>) -> bool {
        let translated = self.switches.firewall_source == FirewallSource::Firewall && vm.firewall_address().is_some();
        self.admits_from(if translated { FIREWALL } else { self.public_ip }, vm, port, now)
    }

    /// Whether a TCP connection from that address gets to the VM's port.
    pub(crate) fn admits_from(&self, source: Ipv4Addr, vm: &Vm, port: u16, now: DateTime<Utc>) -> bool {
        let packet = Packet {
            direction: Direction::Inbound,
            protocol: Protocol::Tcp,
            source,
            source_port: None,
            destination: vm.private_ip,
            destination_port: Some(port),
        };
        self.verdict(vm, &packet, now).access == Access::Allow
    }
}

/// A public IP address of the Standard SKU lets nothing in without a group; all else is open.
fn without_group(vm: &Vm, packet: &Packet) -> Access {
    let standard = match vm.public_ip {
        PublicIp::Static(_) => true,
        PublicIp::None | PublicIp::Dynamic { .. } | PublicIp::Firewall(_) => false,
    };
    let from_outside = packet.direction == Direction::Inbound && !nsg::virtual_network().contains(&packet.source);
    if standard && from_outside { Access::Deny } else { Access::Allow }
}
