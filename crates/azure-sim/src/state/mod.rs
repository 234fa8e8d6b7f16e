//! What is true in the simulated Azure. Pure: time is passed in, nothing here waits, listens or reads a clock.

pub(crate) mod bastion;
pub(crate) mod change;
pub(crate) mod configure;
pub(crate) mod flow;
pub(crate) mod groups;
pub(crate) mod initiate;
pub(crate) mod jit;
pub(crate) mod lag;
pub(crate) mod nsg;
pub(crate) mod operation;
pub(crate) mod places;
pub(crate) mod power;
pub(crate) mod present;
pub(crate) mod rights;
pub(crate) mod vm;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::fleet::{Fleet, SubscriptionSpec};
use crate::latency::Latencies;
use crate::switches::Switches;
use bastion::BastionHost;
use groups::SecurityGroup;
use jit::Policy;
use lag::Earlier;
use operation::Operation;
use places::Places;
use rights::{Rights, Statement};
use vm::Vm;

/// What runs in a VM from one boot to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Guest {
    /// Index into [`Cloud::vms`].
    pub(crate) vm: usize,
    boot: u32,
}

/// A port of a VM that shall answer now, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Listening {
    pub(crate) guest: Guest,
    pub(crate) port: u16,
    pub(crate) at: SocketAddrV4,
}

/// Everything that exists, and who may do what to it.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) subscriptions: Vec<SubscriptionSpec>,
    pub(crate) vms: Vec<Vm>,
    pub(crate) places: Places,
    /// Network security groups that are not one VM's own.
    pub(crate) security_groups: Vec<SecurityGroup>,
    pub(crate) bastion_hosts: Vec<BastionHost>,
    pub(crate) policies: Vec<Policy>,
    /// What reads still show of policies that have been written.
    pub(crate) earlier_policies: Vec<Earlier>,
    pub(crate) operations: BTreeMap<Uuid, Operation>,
    pub(crate) rights: Rights,
    pub(crate) switches: Switches,
    /// The client's present public address.
    pub(crate) public_ip: Ipv4Addr,
    pub(crate) latencies: Latencies,
}

impl Cloud {
    /// The state at the start. `vms` are the fleet's, in order, with their addresses found.
    pub(crate) fn new(fleet: &Fleet, mut vms: Vec<Vm>, latencies: Latencies) -> Self {
        vms.iter_mut().enumerate().for_each(|(index, vm)| vm.index = index);
        let mut rights = Rights::of(&fleet.accounts);
        for (spec, vm) in fleet.vms.iter().zip(&vms) {
            for action in &spec.denied_actions {
                let (action, scope) = (action.clone(), vm.id());
                rights.add(Statement { action, scope, allowed: false, principal: None }, None);
            }
        }
        let mut cloud = Self {
            subscriptions: fleet.subscriptions.clone(),
            policies: vm::policies(fleet, &vms),
            earlier_policies: Vec::new(),
            places: Places::of(&vms, fleet.standing_groups()),
            security_groups: fleet.security_groups(),
            bastion_hosts: fleet.bastion_hosts(),
            vms,
            operations: BTreeMap::new(),
            rights,
            switches: Switches::default(),
            public_ip: fleet.public_ip,
            latencies,
        };
        cloud.link(DateTime::<Utc>::MIN_UTC);
        cloud
    }

    /// The VM with this name, by the parts of its id; case does not matter.
    pub(crate) fn vm(&self, subscription: &str, resource_group: &str, name: &str) -> Option<(usize, &Vm)> {
        let index = self.places.vm(subscription, resource_group, name)?;
        Some((index, &self.vms[index]))
    }

    /// The VM with this resource id; case does not matter.
    pub(crate) fn vm_of_id(&self, id: &str) -> Option<(usize, &Vm)> {
        let [subscription, group, name] = vm::parts(id)?;
        self.vm(subscription, group, name)
    }

    /// The VMs of a subscription, or of one of its resource groups; case does not matter.
    pub(crate) fn vms_in(&self, subscription: &str, resource_group: Option<&str>) -> impl Iterator<Item = &Vm> {
        self.places.vms(subscription, resource_group).map(|index| &self.vms[index])
    }

    /// Those whose network interfaces are there.
    pub(crate) fn interfaces_in(&self, subscription: &str, resource_group: Option<&str>) -> impl Iterator<Item = &Vm> {
        self.places.interfaces(subscription, resource_group).map(|index| &self.vms[index])
    }

    /// Those whose public IP addresses are there.
    pub(crate) fn addresses_in(&self, subscription: &str, resource_group: Option<&str>) -> impl Iterator<Item = &Vm> {
        self.places.addresses(subscription, resource_group).map(|index| &self.vms[index])
    }

    /// What shall be listening at `now`: ports of booted VMs whose rules admit the client's public address.
    pub(crate) fn listening(&self, now: DateTime<Utc>) -> BTreeSet<Listening> {
        let mut all = BTreeSet::new();
        for (index, vm) in self.vms.iter().enumerate().filter(|(_, vm)| vm.power.booted(now) && self.may_admit(vm)) {
            for port in vm.ports.iter().filter(|port| self.admits(vm, port.number, now)) {
                let guest = Guest { vm: index, boot: vm.power.guest() };
                all.extend(vm.dial(port).map(|at| Listening { guest, port: port.number, at }));
            }
        }
        all
    }

    /// False for a VM whose own group holds nothing but a policy's deny rules, as most do: no packet needs judging.
    pub(crate) fn may_admit(&self, vm: &Vm) -> bool {
        let shut = |protection: &vm::Protection| self.policies[protection.policy].requests.is_empty();
        vm.nic_group != groups::NicGroup::Own
            || vm.protections.is_empty()
            || !vm.standing_rules.is_empty()
            || !vm.left_windows.is_empty()
            || !vm.protections.iter().all(shut)
    }

    /// What runs in a VM now.
    pub(crate) fn guest_of(&self, index: usize) -> Guest {
        Guest { vm: index, boot: self.vms[index].power.guest() }
    }

    /// The guests that exist: connections to others are dead.
    pub(crate) fn guests(&self) -> BTreeSet<Guest> {
        let running = self.vms.iter().enumerate().filter(|(_, vm)| vm.power.has_guest());
        running.map(|(index, vm)| Guest { vm: index, boot: vm.power.guest() }).collect()
    }
}

#[cfg(test)]
mod flow_tests;
#[cfg(test)]
mod tests;
