//! A VM with its network: interface, public address, network security group.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::duration;
use crate::fleet::{Fleet, InitialPower, Lock, Os, PortSpec, StartFailure, VmSpec, derived};
use crate::state::groups::NicGroup;
use crate::state::jit::{LeftWindow, Policy, PolicyVm, PortRule};
use crate::state::nsg::{self, Access, Direction, PortRange, Protocol, SecurityRule};
use crate::state::power::{Power, PowerState, Untold};

/// `Microsoft.Compute/virtualMachines`, and what hangs on it.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// Index into [`Cloud::vms`](crate::state::Cloud::vms).
    pub(crate) index: usize,
    pub(crate) subscription: String,
    pub(crate) resource_group: String,
    /// The id of the resource group.
    group: String,
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) os: Os,
    pub(crate) size: String,
    /// `vmId`: the platform's own id.
    pub(crate) platform_id: Uuid,
    /// How often anything about it has changed.
    pub(crate) revision: u32,
    pub(crate) created: DateTime<Utc>,
    pub(crate) power: Power,
    /// How its instance view keeps the power state to itself, if it does.
    pub(crate) untold: Option<Untold>,
    /// How it was before its latest changes, oldest first.
    past: Vec<Past>,
    pub(crate) private_ip: Ipv4Addr,
    pub(crate) public_ip: PublicIp,
    /// Names of the resource groups of its interface and its public address, where they are not the VM's own.
    interface_group: Option<String>,
    public_ip_group: Option<String>,
    pub(crate) ports: Vec<VmPort>,
    /// Name of its subnet: of those with a network security group, the group's.
    pub(crate) subnet: String,
    pub(crate) nic_group: NicGroup,
    /// Index into [`Cloud::security_groups`](crate::state::Cloud::security_groups).
    pub(crate) subnet_group: Option<usize>,
    /// Rules of the VM's own group that are there whatever JIT does.
    pub(crate) standing_rules: Vec<SecurityRule>,
    /// Why it can't be allocated, if so.
    pub(crate) start_fails: Option<StartFailure>,
    pub(crate) generalized: bool,
    pub(crate) lock: Option<Lock>,
    /// Gone: kept in its place, and shown nowhere.
    pub(crate) deleted: bool,
    /// None without JIT; several when more than one policy has the VM.
    pub(crate) protections: Vec<Protection>,
    /// Allow rules that have outlived their policy.
    pub(crate) left_windows: Vec<LeftWindow>,
}

/// What others may still believe of a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) power: PowerState,
    pub(crate) address: Option<Ipv4Addr>,
}

/// How a VM was until then.
#[derive(Clone, Copy, Debug)]
struct Past {
    until: DateTime<Utc>,
    was: Seen,
}

/// Nobody is further behind.
const REMEMBERED: TimeDelta = TimeDelta::hours(2);

/// Where a VM's JIT rules are: index of the policy, and of the VM within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Protection {
    pub(crate) policy: usize,
    pub(crate) vm: usize,
}

/// How the VM is reached from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicIp {
    /// Not at all.
    None,
    /// A public IP address that stays.
    Static(Ipv4Addr),
    /// One that goes with deallocation; the next start brings the next of `pool`.
    Dynamic { current: Option<Ipv4Addr>, pool: Vec<Ipv4Addr> },
    /// Through an Azure Firewall with this address, by mapped ports.
    Firewall(Ipv4Addr),
}

/// A port on which the guest listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VmPort {
    pub(crate) number: u16,
    /// The firewall's port for it, for VMs behind one.
    pub(crate) mapped_port: Option<u16>,
}

impl Vm {
    /// The VM of a fleet file, once it is known how it can be reached.
    pub(crate) fn new(
        fleet: &Fleet,
        (index, spec): (u32, &VmSpec),
        public_ip: PublicIp,
        ports: Vec<VmPort>,
        now: DateTime<Utc>,
    ) -> Self {
        let subscription =
            fleet.subscription_of(spec).map(|subscription| subscription.id.to_string()).unwrap_or_default();
        let open: Vec<u16> = spec.ports.iter().filter(|port| port.open).map(|port| port.number).collect();
        let open = (!open.is_empty()).then(|| standing_rule(&open));
        let standing_rules = open.into_iter().chain(spec.network.rules()).collect();
        let power = Power::settled(match spec.power {
            InitialPower::Running => PowerState::Running,
            InitialPower::Stopped => PowerState::Stopped,
            InitialPower::Deallocated => PowerState::Deallocated,
        });
        Self {
            platform_id: derived("virtualMachine", &index.to_string(), &subscription),
            // Found its place when the cloud has it.
            index: 0,
            group: format!("/subscriptions/{subscription}/resourceGroups/{}", spec.resource_group),
            subscription,
            resource_group: spec.resource_group.clone(),
            name: spec.name.clone(),
            location: spec.location.clone(),
            os: spec.os,
            size: spec.size.clone(),
            revision: 1,
            created: now - TimeDelta::days(90),
            power,
            untold: None,
            past: Vec::new(),
            private_ip: Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 4)) + index),
            public_ip,
            interface_group: spec.network.interface_group.clone(),
            public_ip_group: spec.network.public_ip_group.clone(),
            ports,
            subnet: spec.network.subnet_security_group.clone().unwrap_or_else(|| "default".to_owned()),
            nic_group: fleet.nic_group(spec),
            subnet_group: fleet.subnet_group(spec),
            standing_rules,
            start_fails: spec.start_fails.or(spec.out_of_capacity.then_some(StartFailure::AllocationFailed)),
            generalized: spec.generalized,
            lock: spec.lock,
            deleted: false,
            protections: Vec::new(),
            left_windows: Vec::new(),
        }
    }

    /// Whether it is in this region; all are when none is named. Case does not matter.
    pub(crate) fn is_at(&self, location: Option<&str>) -> bool {
        location.is_none_or(|location| location.eq_ignore_ascii_case(&self.location))
    }

    /// The id of its resource group.
    pub(crate) fn group(&self) -> &str {
        &self.group
    }

    /// The name of its interface's resource group.
    pub(crate) fn interface_group(&self) -> &str {
        self.interface_group.as_ref().unwrap_or(&self.resource_group)
    }

    /// The name of its public address's resource group.
    pub(crate) fn public_ip_group(&self) -> &str {
        self.public_ip_group.as_ref().unwrap_or(&self.resource_group)
    }

    /// The id of what lies beside the VM, or in another resource group.
    fn id_in(&self, group: Option<&String>, kind: &str, name: &str) -> String {
        match group {
            None => [self.group(), "/providers/", kind, "/", name].concat(),
            Some(group) => {
                ["/subscriptions/", &self.subscription, "/resourceGroups/", group, "/providers/", kind, "/", name]
                    .concat()
            }
        }
    }

    pub(crate) fn id(&self) -> String {
        [self.group(), "/providers/Microsoft.Compute/virtualMachines/", &self.name].concat()
    }

    /// The virtual network that it shares with the VMs of its resource group and region.
    pub(crate) fn network_name(&self) -> String {
        format!("vnet-{}", self.location)
    }

    pub(crate) fn network_id(&self) -> String {
        format!("{}/providers/Microsoft.Network/virtualNetworks/{}", self.group(), self.network_name())
    }

    pub(crate) fn subnet_id(&self) -> String {
        format!("{}/subnets/{}", self.network_id(), self.subnet)
    }

    /// The availability zone, for VMs that have one: those of E sizes here.
    pub(crate) fn zone(&self) -> Option<&'static str> {
        self.size.starts_with("Standard_E").then_some("1")
    }

    /// As Azure shows it: `00-0D-3A-12-34-56`.
    pub(crate) fn mac_address(&self) -> String {
        let [.., a, b, c] = self.private_ip.octets();
        format!("00-0D-3A-{a:02X}-{b:02X}-{c:02X}")
    }

    pub(crate) fn nic_name(&self) -> String {
        format!("{}-nic", self.name)
    }

    pub(crate) fn nic_id(&self) -> String {
        self.id_in(self.interface_group.as_ref(), "Microsoft.Network/networkInterfaces", &self.nic_name())
    }

    pub(crate) fn nsg_name(&self) -> String {
        format!("{}-nsg", self.name)
    }

    pub(crate) fn nsg_id(&self) -> String {
        format!("{}/providers/Microsoft.Network/networkSecurityGroups/{}", self.group(), self.nsg_name())
    }

    pub(crate) fn public_ip_name(&self) -> String {
        format!("{}-ip", self.name)
    }

    /// `None` for VMs without a public IP address of their own.
    pub(crate) fn public_ip_id(&self) -> Option<String> {
        match self.public_ip {
            PublicIp::None | PublicIp::Firewall(_) => None,
            PublicIp::Static(_) | PublicIp::Dynamic { .. } => Some(self.id_in(
                self.public_ip_group.as_ref(),
                "Microsoft.Network/publicIPAddresses",
                &self.public_ip_name(),
            )),
        }
    }

    /// The address that a client dials, if there is one at present.
    pub(crate) fn address(&self) -> Option<Ipv4Addr> {
        match &self.public_ip {
            PublicIp::None => None,
            PublicIp::Static(address) | PublicIp::Firewall(address) => Some(*address),
            PublicIp::Dynamic { current, .. } => *current,
        }
    }

    /// Where the port really is, if anywhere at present.
    pub(crate) fn dial(&self, port: &VmPort) -> Option<SocketAddrV4> {
        self.address().map(|address| SocketAddrV4::new(address, port.mapped_port.unwrap_or(port.number)))
    }

    /// How it is now.
    pub(crate) fn seen(&self) -> Seen {
        Seen { power: self.power.current(), address: self.address() }
    }

    /// How it was at `time`, which is not long ago.
    pub(crate) fn seen_at(&self, time: DateTime<Utc>) -> Seen {
        self.past.iter().find(|past| past.until > time).map_or_else(|| self.seen(), |past| past.was)
    }

    /// Notes that it was so until `now`.
    pub(crate) fn remember(&mut self, was: Seen, now: DateTime<Utc>) {
        if was != self.seen() {
            self.revision += 1;
            self.past.retain(|past| past.until + REMEMBERED > now);
            self.past.push(Past { until: now, was });
        }
    }

    /// A dynamic address goes with deallocation.
    pub(crate) fn release_address(&mut self) {
        if let PublicIp::Dynamic { current, pool } = &mut self.public_ip
            && let Some(released) = current.take()
        {
            pool.push(released);
        }
    }

    /// A dynamic address comes with the start: another than the last time.
    pub(crate) fn acquire_address(&mut self) {
        if let PublicIp::Dynamic { current: current @ None, pool } = &mut self.public_ip
            && !pool.is_empty()
        {
            *current = Some(pool.remove(0));
        }
    }
}

/// Subscription, resource group and name in a VM's resource id; case does not matter.
pub(crate) fn parts(id: &str) -> Option<[&str; 3]> {
    let segments: Vec<&str> = id.split('/').collect();
    let ["", subscriptions, subscription, groups, group, providers, provider, machines, name] = segments.as_slice()
    else {
        return None;
    };
    let fixed = [subscriptions, groups, providers, provider, machines];
    let wanted = ["subscriptions", "resourceGroups", "providers", "Microsoft.Compute", "virtualMachines"];
    let fits = fixed.iter().zip(wanted).all(|(word, wanted)| word.eq_ignore_ascii_case(wanted));
    fits.then_some([subscription, group, name])
}

/// Priority of the rule that `open` ports are in.
pub(crate) const OPEN_PRIORITY: u16 = 1001;

fn standing_rule(ports: &[u16]) -> SecurityRule {
    SecurityRule {
        name: "AllowFromAnywhere".to_owned(),
        description: String::new(),
        priority: OPEN_PRIORITY,
        direction: Direction::Inbound,
        access: Access::Allow,
        protocol: Protocol::Tcp,
        source_ports: vec![PortRange::ALL],
        sources: vec!["*".to_owned()],
        ports: ports.iter().map(|port| PortRange::from(*port)).collect(),
        destinations: vec!["*".to_owned()],
    }
}

/// The policies that the fleet's VMs add up to: one for each subscription, resource group, region and name.
pub(crate) fn policies(fleet: &Fleet, vms: &[Vm]) -> Vec<Policy> {
    let mut all: Vec<Policy> = Vec::new();
    let mut places = HashMap::new();
    for (spec, vm) in fleet.vms.iter().zip(vms) {
        let ports: Vec<_> = spec.ports.iter().filter_map(|port| port_rule(port, vm)).collect();
        if ports.is_empty() {
            continue;
        }
        let protected = PolicyVm::new(vm.id(), ports, vm.firewall_address());
        let group = spec.policy_group.as_ref().unwrap_or(&vm.resource_group);
        let place = [&vm.subscription, group, &vm.location, &spec.policy].map(|part| part.to_ascii_lowercase());
        let policy = *places.entry(place).or_insert_with(|| {
            all.push(Policy {
                subscription: vm.subscription.clone(),
                resource_group: group.clone(),
                location: vm.location.clone(),
                name: spec.policy.clone(),
                kind: "Basic".to_owned(),
                vms: Vec::new(),
                requests: Vec::new(),
            });
            all.len() - 1
        });
        all[policy].vms.push(protected);
    }
    all
}

fn port_rule(port: &PortSpec, vm: &Vm) -> Option<PortRule> {
    let jit = port.jit.as_ref()?;
    let mapped_port = vm.ports.iter().find(|known| known.number == port.number).and_then(|known| known.mapped_port);
    Some(PortRule {
        number: port.number,
        protocol: jit.protocol.into(),
        max_request_access_duration: jit.max_duration.clone(),
        max: duration::parse(&jit.max_duration)?,
        sources: jit.sources.iter().map(|source| nsg::normal(source)).collect(),
        mapped_port,
    })
}
