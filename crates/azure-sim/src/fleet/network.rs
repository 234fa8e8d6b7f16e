//! Network security groups of a fleet file, and which of them stand before a VM.

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;

use crate::state::groups::{FIRST_PRIORITY, LAST_PRIORITY, NicGroup, SecurityGroup};
use crate::state::nsg::{self, Access, Direction, PortRange, Protocol, SecurityRule, ServiceTag};
use crate::state::places::StandingGroup;

use super::{Fleet, VmSpec};

/// What is wrong, and at which key.
pub(super) type Complaint = (String, String);

/// A group that several VMs, or a subnet, have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupSpec {
    pub(crate) name: String,
    pub(crate) subscription: Option<String>,
    #[serde(default = "super::default_resource_group")]
    pub(crate) resource_group: String,
    #[serde(default = "super::default_location")]
    pub(crate) location: String,
    #[serde(default)]
    pub(crate) rules: Vec<RuleSpec>,
}

/// `network` of a VM.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkSpec {
    /// `own`, `none`, or the name of a group.
    security_group: Option<String>,
    /// The name of a group.
    pub(crate) subnet_security_group: Option<String>,
    /// Resource groups of its network interface and its public IP address; the VM's when left out.
    pub(crate) interface_group: Option<String>,
    pub(crate) public_ip_group: Option<String>,
    /// Further rules of the VM's own group.
    #[serde(default)]
    rules: Vec<RuleSpec>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleSpec {
    name: String,
    priority: u16,
    access: AccessSpec,
    #[serde(default)]
    direction: DirectionSpec,
    #[serde(default)]
    protocol: RuleProtocol,
    #[serde(default = "any")]
    source_ports: Vec<String>,
    #[serde(default = "any")]
    sources: Vec<String>,
    #[serde(default = "any")]
    ports: Vec<String>,
    #[serde(default = "any")]
    destinations: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum AccessSpec {
    Allow,
    Deny,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
enum DirectionSpec {
    #[default]
    Inbound,
    Outbound,
}

/// As network security groups spell it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
enum RuleProtocol {
    #[default]
    #[serde(rename = "*")]
    Any,
    Tcp,
    Udp,
}

fn any() -> Vec<String> {
    vec!["*".to_owned()]
}

impl RuleSpec {
    /// As Azure keeps it. Ranges that can't be read have been complained of before.
    fn rule(&self) -> SecurityRule {
        let ranges = |texts: &[String]| texts.iter().filter_map(|text| text.parse::<PortRange>().ok()).collect();
        SecurityRule {
            name: self.name.clone(),
            description: String::new(),
            priority: self.priority,
            direction: match self.direction {
                DirectionSpec::Inbound => Direction::Inbound,
                DirectionSpec::Outbound => Direction::Outbound,
            },
            access: match self.access {
                AccessSpec::Allow => Access::Allow,
                AccessSpec::Deny => Access::Deny,
            },
            protocol: match self.protocol {
                RuleProtocol::Any => Protocol::Any,
                RuleProtocol::Tcp => Protocol::Tcp,
                RuleProtocol::Udp => Protocol::Udp,
            },
            source_ports: ranges(&self.source_ports),
            sources: self.sources.clone(),
            ports: ranges(&self.ports),
            destinations: self.destinations.clone(),
        }
    }

    fn check(&self) -> Result<(), Complaint> {
        let at = |key: &str| format!("rules.{}.{key}", self.name);
        if !(FIRST_PRIORITY..=LAST_PRIORITY).contains(&self.priority) {
            return Err((at("priority"), format!("must be {FIRST_PRIORITY} to {LAST_PRIORITY}")));
        }
        for (key, ranges) in [("ports", &self.ports), ("source_ports", &self.source_ports)] {
            if let Some(bad) = ranges.iter().find(|text| text.parse::<PortRange>().is_err()) {
                return Err((at(key), format!("'{bad}' is neither *, nor a port, nor a range such as 8000-8100")));
            }
        }
        for (key, prefixes) in [("sources", &self.sources), ("destinations", &self.destinations)] {
            let known = |prefix: &&String| nsg::network(prefix).is_some() || ServiceTag::parse(prefix).is_some();
            if let Some(bad) = prefixes.iter().find(|prefix| !known(prefix)) {
                let problem = format!(
                    "'{bad}' is neither *, nor an IPv4 address, nor a CIDR block, nor VirtualNetwork, Internet or AzureLoadBalancer"
                );
                return Err((at(key), problem));
            }
        }
        Ok(())
    }
}

fn check_rules(rules: &[RuleSpec], taken: impl IntoIterator<Item = u16>) -> Result<(), Complaint> {
    let mut seen: BTreeSet<(bool, u16)> = taken.into_iter().map(|priority| (true, priority)).collect();
    for rule in rules {
        rule.check()?;
        let inbound = matches!(rule.direction, DirectionSpec::Inbound);
        if !seen.insert((inbound, rule.priority)) {
            return Err((format!("rules.{}.priority", rule.name), format!("{} is taken", rule.priority)));
        }
    }
    Ok(())
}

impl NetworkSpec {
    /// The rules that the VM's own group has besides those of its open ports.
    pub(crate) fn rules(&self) -> impl Iterator<Item = SecurityRule> {
        self.rules.iter().map(RuleSpec::rule)
    }
}

impl VmSpec {
    fn own_priorities(&self) -> Option<u16> {
        self.ports.iter().any(|port| port.open).then_some(crate::state::vm::OPEN_PRIORITY)
    }
}

impl Fleet {
    /// Index of the group with this name in the VM's subscription.
    fn group(&self, vm: &VmSpec, name: &str) -> Option<usize> {
        let home = self.subscription_of(vm).map(|subscription| subscription.id);
        self.network_security_groups.iter().position(|group| {
            let its = self.subscription_named(group.subscription.as_ref()).map(|subscription| subscription.id);
            group.name.eq_ignore_ascii_case(name) && its == home
        })
    }

    /// The group of the VM's interface.
    pub(crate) fn nic_group(&self, vm: &VmSpec) -> NicGroup {
        match vm.network.security_group.as_deref() {
            None | Some("own") => NicGroup::Own,
            Some("none") => NicGroup::None,
            Some(name) => self.group(vm, name).map_or(NicGroup::None, NicGroup::Shared),
        }
    }

    /// The group of the VM's subnet.
    pub(crate) fn subnet_group(&self, vm: &VmSpec) -> Option<usize> {
        vm.network.subnet_security_group.as_deref().and_then(|name| self.group(vm, name))
    }

    /// The groups that are not one VM's own.
    pub(crate) fn security_groups(&self) -> Vec<SecurityGroup> {
        let group = |spec: &GroupSpec| {
            let subscription = self.subscription_named(spec.subscription.as_ref());
            SecurityGroup {
                subscription: subscription.map(|known| known.id.to_string()).unwrap_or_default(),
                resource_group: spec.resource_group.clone(),
                location: spec.location.clone(),
                name: spec.name.clone(),
                rules: spec.rules.iter().map(RuleSpec::rule).collect(),
            }
        };
        self.network_security_groups.iter().map(group).collect()
    }

    /// Resource groups that are there without a VM in them.
    pub(crate) fn standing_groups(&self) -> Vec<StandingGroup> {
        let of_policy = |vm: &VmSpec| {
            let subscription = self.subscription_of(vm)?.id.to_string();
            Some(StandingGroup { subscription, name: vm.policy_group.clone()?, location: vm.location.clone() })
        };
        let of_security_group = |group: SecurityGroup| StandingGroup {
            subscription: group.subscription,
            name: group.resource_group,
            location: group.location,
        };
        let of_security_groups = self.security_groups().into_iter().map(of_security_group);
        self.vms.iter().filter_map(of_policy).chain(of_security_groups).collect()
    }

    /// Whether all groups and rules make sense.
    pub(crate) fn check_network(&self) -> Result<(), Complaint> {
        for (index, group) in self.network_security_groups.iter().enumerate() {
            let at = |key: &str| format!("network_security_groups.{}.{key}", group.name);
            let home = |group: &GroupSpec| Some(self.subscription_named(group.subscription.as_ref())?.id);
            if home(group).is_none() {
                return Err((at("subscription"), "names none of the fleet's subscriptions".to_owned()));
            }
            // VMs name them by their names alone.
            let same = |other: &GroupSpec| other.name.eq_ignore_ascii_case(&group.name) && home(other) == home(group);
            if self.network_security_groups[..index].iter().any(same) {
                return Err((at("name"), "is another group's name in this subscription already".to_owned()));
            }
            check_rules(&group.rules, None).map_err(|(key, problem)| (at(&key), problem))?;
        }
        let mut taken = HashSet::new();
        for vm in &self.vms {
            let at = |key: &str| format!("vms.{}.network.{key}", vm.name);
            self.check_homes(vm, &mut taken).map_err(|(key, problem)| (at(&key), problem))?;
            let unknown = |name: &String| self.group(vm, name).is_none();
            let nic = vm.network.security_group.as_ref().filter(|name| !["own", "none"].contains(&name.as_str()));
            if let Some(name) = nic.filter(|name| unknown(name)) {
                let problem = format!("'{name}' is neither own, nor none, nor one of network_security_groups");
                return Err((at("security_group"), problem));
            }
            if let Some(name) = vm.network.subnet_security_group.as_ref().filter(|name| unknown(name)) {
                let problem = format!("'{name}' is none of network_security_groups");
                return Err((at("subnet_security_group"), problem));
            }
            let own = format!("{}-nsg", vm.name);
            if self.nic_group(vm) == NicGroup::Own
                && self.group(vm, &own).is_some_and(|index| {
                    self.network_security_groups[index].resource_group.eq_ignore_ascii_case(&vm.resource_group)
                })
            {
                return Err((at("security_group"), format!("'{own}' is the VM's own group and can't be listed too")));
            }
            if self.nic_group(vm) != NicGroup::Own && !vm.network.rules.is_empty() {
                return Err((at("rules"), "only the VM's own group has rules of its own here".to_owned()));
            }
            check_rules(&vm.network.rules, vm.own_priorities()).map_err(|(key, problem)| (at(&key), problem))?;
        }
        Ok(())
    }

    /// Interfaces and addresses are called after their VMs, of which another may have that name in another group.
    fn check_homes(&self, vm: &VmSpec, taken: &mut HashSet<[String; 4]>) -> Result<(), Complaint> {
        let subscription = self.subscription_of(vm).map(|its| its.id.to_string()).unwrap_or_default();
        for (key, group) in
            [("interface_group", &vm.network.interface_group), ("public_ip_group", &vm.network.public_ip_group)]
        {
            let group = group.as_ref().unwrap_or(&vm.resource_group);
            let home = [key, &subscription, group, &vm.name].map(str::to_ascii_lowercase);
            if !taken.insert(home) {
                return Err((key.to_owned(), format!("{group} has that of another VM of this name already")));
            }
        }
        Ok(())
    }
}
