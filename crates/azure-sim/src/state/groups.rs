//! Which network security groups stand before a VM, and what is in them: their own rules, and JIT's.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::state::Cloud;
use crate::state::nsg::{Access, Direction, SecurityRule};
use crate::state::vm::Vm;
use crate::switches::DenyRulePriority;

/// A network security group that is not one VM's own.
#[derive(Clone, Debug)]
pub(crate) struct SecurityGroup {
    pub(crate) subscription: String,
    pub(crate) resource_group: String,
    pub(crate) location: String,
    pub(crate) name: String,
    pub(crate) rules: Vec<SecurityRule>,
}

impl SecurityGroup {
    pub(crate) fn id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/networkSecurityGroups/{}",
            self.subscription, self.resource_group, self.name
        )
    }
}

/// The group of a VM's network interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NicGroup {
    None,
    /// One that no other VM has.
    #[default]
    Own,
    /// Index into [`Cloud::security_groups`].
    Shared(usize),
}

/// Any network security group.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Group<'c> {
    Own(&'c Vm),
    /// Index into [`Cloud::security_groups`].
    Shared(usize),
}

/// User rules have priorities from here to [`LAST_PRIORITY`].
pub(crate) const FIRST_PRIORITY: u16 = 100;
pub(crate) const LAST_PRIORITY: u16 = 4096;

impl Cloud {
    /// The group of the VM's subnet.
    pub(crate) fn subnet_group(vm: &Vm) -> Option<Group<'_>> {
        vm.subnet_group.map(Group::Shared)
    }

    /// The group of the VM's network interface.
    pub(crate) fn nic_group(vm: &Vm) -> Option<Group<'_>> {
        match vm.nic_group {
            NicGroup::None => None,
            NicGroup::Own => Some(Group::Own(vm)),
            NicGroup::Shared(index) => Some(Group::Shared(index)),
        }
    }

    /// The groups in the order in which inbound traffic meets them: the subnet's, then the interface's.
    pub(crate) fn groups_before(vm: &Vm) -> impl Iterator<Item = Group<'_>> {
        Self::subnet_group(vm).into_iter().chain(Self::nic_group(vm))
    }

    pub(crate) fn group_id(&self, group: Group<'_>) -> String {
        match group {
            Group::Own(vm) => vm.nsg_id(),
            Group::Shared(index) => self.security_groups[index].id(),
        }
    }

    /// The VMs before which the group stands.
    pub(crate) fn members<'c>(&'c self, group: Group<'c>) -> Vec<&'c Vm> {
        match group {
            Group::Own(vm) => vec![vm],
            Group::Shared(index) => {
                let inside = |vm: &&Vm| vm.subnet_group == Some(index) || vm.nic_group == NicGroup::Shared(index);
                self.vms.iter().filter(|vm| !vm.deleted).filter(inside).collect()
            }
        }
    }

    fn own_rules<'c>(&'c self, group: Group<'c>) -> &'c [SecurityRule] {
        match group {
            Group::Own(vm) => &vm.standing_rules,
            Group::Shared(index) => &self.security_groups[index].rules,
        }
    }

    /// The group's rules at `now` by priority, without Azure's default ones.
    pub(crate) fn group_rules(&self, group: Group<'_>, now: DateTime<Utc>) -> Vec<SecurityRule> {
        let mut rules = self.own_rules(group).to_vec();
        for vm in self.members(group) {
            rules.extend(self.jit_rules(vm, now));
        }
        rules.sort_by_key(|rule| rule.priority);
        rules
    }

    /// All user rules before the VM at `now`: the subnet's, then the interface's, each by priority.
    pub(crate) fn security_rules(&self, vm: &Vm, now: DateTime<Utc>) -> Vec<SecurityRule> {
        Self::groups_before(vm).flat_map(|group| self.group_rules(group, now)).collect()
    }

    fn jit_rules(&self, vm: &Vm, now: DateTime<Utc>) -> Vec<SecurityRule> {
        let policies = vm
            .protections
            .iter()
            .flat_map(|protection| self.policies[protection.policy].security_rules(protection.vm, vm.private_ip, now));
        let left = vm.left_windows.iter().filter(|left| left.from <= now && now < left.until);
        policies.chain(left.map(|left| left.rule.clone())).collect()
    }

    /// Every priority that is taken in one of the VM's groups, also by rules that are yet to come into force.
    fn taken_priorities(&self, vm: &Vm, now: DateTime<Utc>) -> BTreeSet<u16> {
        let mut taken = BTreeSet::new();
        for group in Self::groups_before(vm) {
            taken.extend(self.own_rules(group).iter().map(|rule| rule.priority));
            for member in self.members(group) {
                taken.extend(member.left_windows.iter().map(|left| left.rule.priority));
                for protection in &member.protections {
                    let policy = &self.policies[protection.policy];
                    let protected = &policy.vms[protection.vm];
                    taken.insert(protected.deny_priority);
                    let windows = policy.windows_of(protected, member.private_ip, now);
                    taken.extend(windows.into_iter().map(|window| window.rule.priority));
                }
            }
        }
        taken
    }

    /// Priorities for new allow rules of the VM: the first that are free.
    pub(crate) fn free_allow_priorities(&self, vm_id: &str, now: DateTime<Utc>) -> impl Iterator<Item = u16> + use<> {
        let taken = self.vm_of_id(vm_id).map(|(_, vm)| self.taken_priorities(vm, now)).unwrap_or_default();
        (FIRST_PRIORITY..=LAST_PRIORITY).filter(move |priority| !taken.contains(priority))
    }

    /// Gives each deny rule that has none yet a priority of its own in its groups.
    pub(crate) fn give_deny_priorities(&mut self, now: DateTime<Utc>) {
        for vm in 0..self.vms.len() {
            for index in 0..self.vms[vm].protections.len() {
                let protection = self.vms[vm].protections[index];
                if self.policies[protection.policy].vms[protection.vm].deny_priority == 0 {
                    let priority = self.free_deny_priority(vm, protection.policy, protection.vm, now);
                    self.policies[protection.policy].vms[protection.vm].deny_priority = priority;
                }
            }
        }
    }

    fn free_deny_priority(&self, vm: usize, policy: usize, protected: usize, now: DateTime<Utc>) -> u16 {
        let vm = &self.vms[vm];
        let highest = match self.switches.deny_rule_priority {
            DenyRulePriority::Lowest => LAST_PRIORITY,
            DenyRulePriority::AboveAllow => {
                let ports = &self.policies[policy].vms[protected].ports;
                let opens = |rule: &&SecurityRule| {
                    rule.access == Access::Allow
                        && rule.direction == Direction::Inbound
                        && rule.ports.iter().any(|range| ports.iter().any(|port| range.contains(port.number)))
                };
                let above = Self::groups_before(vm).flat_map(|group| self.own_rules(group)).filter(opens);
                above.map(|rule| rule.priority - 1).min().unwrap_or(LAST_PRIORITY).max(FIRST_PRIORITY)
            }
        };
        let taken = self.taken_priorities(vm, now);
        let free = |priority: &u16| !taken.contains(priority);
        (FIRST_PRIORITY..=highest).rev().find(free).unwrap_or(highest)
    }
}
