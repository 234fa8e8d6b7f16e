//! Making, replacing and removing JIT policies: the check of what a caller wants, and what it does to the rules.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::duration;
use crate::state::Cloud;
use crate::state::change::Declined;
use crate::state::initiate::{Refusal, is_ipv6};
use crate::state::jit::{Policy, PolicyVm, PortRule};
use crate::state::nsg::{self, Protocol};
use crate::state::vm::{self, Protection, PublicIp, Vm};
use crate::switches::{InvalidPolicyCode, JitWithoutGroup, OpenWindowsOnDelete, PutRequests, PutUnknownVm, Switches};

/// Policy and VM name together may have so many characters.
pub(crate) const LONGEST_NAMES: usize = 56;

/// Where a policy is.
#[derive(Clone, Debug)]
pub(crate) struct PolicyPlace {
    pub(crate) subscription: String,
    pub(crate) resource_group: String,
    pub(crate) location: String,
    pub(crate) name: String,
}

/// `JitNetworkAccessPolicy` as a caller wants it.
#[derive(Clone, Debug)]
pub(crate) struct PolicyInput {
    pub(crate) kind: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) vms: Vec<VmInput>,
    pub(crate) windows: Vec<ListedWindow>,
}

#[derive(Clone, Debug)]
pub(crate) struct VmInput {
    pub(crate) id: String,
    pub(crate) ports: Vec<PortRuleInput>,
}

#[derive(Clone, Debug)]
pub(crate) struct PortRuleInput {
    pub(crate) number: u16,
    pub(crate) protocol: String,
    pub(crate) max_request_access_duration: String,
    pub(crate) source: Option<String>,
    pub(crate) sources: Option<Vec<String>>,
}

/// One port of one of the body's `requests`.
#[derive(Clone, Debug)]
pub(crate) struct ListedWindow {
    pub(crate) vm: String,
    pub(crate) number: u16,
    pub(crate) end: DateTime<Utc>,
}

impl Cloud {
    /// PUT: the whole policy is as the caller says, from now on. Gives its index.
    pub(crate) fn configure(
        &mut self,
        place: PolicyPlace,
        input: &PolicyInput,
        now: DateTime<Utc>,
    ) -> Result<usize, Declined> {
        let mut vms = self.check(&place, input).map_err(Declined::Refused)?;
        let id = place.id();
        let kind = input.kind.clone().unwrap_or_else(|| "Basic".to_owned());
        let known = self.policies.iter().position(|policy| policy.id().eq_ignore_ascii_case(&id));
        let index = known.unwrap_or_else(|| {
            self.policies.push(Policy::new(place, kind.clone(), Vec::new()));
            self.policies.len() - 1
        });
        let was = std::mem::take(&mut self.policies[index].vms);
        self.leave_rules_of(index, &was, &vms, now);
        for vm in &mut vms {
            // Who stays keeps the rule.
            let before = was.iter().find(|known| known.id.eq_ignore_ascii_case(&vm.id));
            vm.deny_priority = before.map_or(0, |known| known.deny_priority);
        }
        self.policies[index].kind = kind;
        self.policies[index].vms = vms;
        let listed = |vm: &str, number, end| {
            let same = |window: &ListedWindow| {
                window.vm.eq_ignore_ascii_case(vm) && window.number == number && same_moment(window.end, end)
            };
            input.windows.iter().any(same)
        };
        let drops = self.switches.put_requests == PutRequests::DropUnlisted;
        self.policies[index].withdraw(now, |policy_has_port, vm, port| {
            !policy_has_port || (drops && !listed(vm, port.number, port.end))
        });
        self.link(now);
        Ok(index)
    }

    /// DELETE: the policy is gone, and its deny rules with it.
    pub(crate) fn remove_policy(&mut self, index: usize, now: DateTime<Utc>) {
        let was = self.policies[index].vms.clone();
        self.leave_rules_of(index, &was, &[], now);
        self.policies.remove(index);
        self.link(now);
    }

    /// Of windows whose VM leaves the policy the rules stay to the end, where the switch says so.
    fn leave_rules_of(&mut self, policy: usize, was: &[PolicyVm], becomes: &[PolicyVm], now: DateTime<Utc>) {
        if self.switches.open_windows_on_delete == OpenWindowsOnDelete::Close {
            return;
        }
        let stays = |id: &str| becomes.iter().any(|vm| vm.id.eq_ignore_ascii_case(id));
        for gone in was.iter().filter(|vm| !stays(&vm.id)) {
            let Some((vm, _)) = self.vm_of_id(&gone.id) else { continue };
            let left = self.policies[policy].windows_of(gone, self.vms[vm].private_ip, now);
            self.vms[vm].left_windows.extend(left);
        }
    }

    /// Tells every VM where its JIT rules are.
    pub(crate) fn link(&mut self, now: DateTime<Utc>) {
        let mut places: BTreeMap<String, Vec<Protection>> = BTreeMap::new();
        for (policy, vms) in self.policies.iter().map(|policy| &policy.vms).enumerate() {
            for (vm, protected) in vms.iter().enumerate() {
                places.entry(protected.id.to_ascii_lowercase()).or_default().push(Protection { policy, vm });
            }
        }
        for vm in &mut self.vms {
            vm.protections = places.remove(&vm.id().to_ascii_lowercase()).unwrap_or_default();
        }
        self.give_deny_priorities(now);
    }

    fn check(&self, place: &PolicyPlace, input: &PolicyInput) -> Result<Vec<PolicyVm>, Refusal> {
        let refuse = |problem: String| Err(invalid(&self.switches, problem));
        if let Some(other) = input.location.as_ref().filter(|location| !location.eq_ignore_ascii_case(&place.location))
        {
            return refuse(format!(
                "The location '{other}' of the policy does not match the location '{}' in the request's path.",
                place.location
            ));
        }
        if input.vms.is_empty() {
            return refuse("The policy must have at least one virtual machine.".to_owned());
        }
        let mut seen = BTreeSet::new();
        for vm in &input.vms {
            if !seen.insert(vm.id.to_ascii_lowercase()) {
                return refuse(format!("The virtual machine '{}' is in the policy more than once.", vm.id));
            }
        }
        input.vms.iter().map(|vm| self.check_vm(place, vm)).collect()
    }

    fn check_vm(&self, place: &PolicyPlace, vm: &VmInput) -> Result<PolicyVm, Refusal> {
        let refuse = |problem: String| Err(invalid(&self.switches, problem));
        let Some([_, _, name]) = vm::parts(&vm.id) else {
            return refuse(format!("'{}' is not the resource id of a virtual machine.", vm.id));
        };
        if place.name.len() + name.len() > LONGEST_NAMES {
            return refuse(format!(
                "The names of the policy '{}' and of the virtual machine '{name}' may have {LONGEST_NAMES} characters \
                 together.",
                place.name
            ));
        }
        let machine = self.vm_of_id(&vm.id).map(|(_, machine)| machine);
        match machine {
            None if self.switches.put_unknown_vm == PutUnknownVm::Refuse => {
                return refuse(format!("The virtual machine '{}' was not found.", vm.id));
            }
            Some(machine) if !machine.location.eq_ignore_ascii_case(&place.location) => {
                return refuse(format!(
                    "The virtual machine '{}' is in '{}', not in the policy's location '{}'.",
                    vm.id, machine.location, place.location
                ));
            }
            Some(machine) if self.unsupported(machine) => return Err(no_group(&vm.id)),
            None | Some(_) => {}
        }
        if vm.ports.is_empty() {
            return refuse(format!("The virtual machine '{}' has no ports in the policy.", vm.id));
        }
        let mut ports: Vec<PortRule> = Vec::new();
        for port in &vm.ports {
            if ports.iter().any(|known| known.number == port.number) {
                return refuse(format!("Port {} of '{}' is in the policy more than once.", port.number, vm.id));
            }
            let problem =
                |problem: String| invalid(&self.switches, format!("Port {} of '{}': {problem}", port.number, vm.id));
            ports.push(port_rule(port, machine).map_err(problem)?);
        }
        let public_ip_address = machine.and_then(Vm::firewall_address);
        Ok(PolicyVm::new(vm.id.clone(), ports, public_ip_address))
    }
}

impl Cloud {
    /// Without network security group and Azure Firewall there is nothing that JIT could guard a VM with.
    pub(crate) fn unsupported(&self, vm: &Vm) -> bool {
        self.switches.jit_without_group == JitWithoutGroup::Refuse
            && vm.firewall_address().is_none()
            && Self::groups_before(vm).next().is_none()
    }
}

/// The refusal for such a VM.
pub(crate) fn no_group(vm: &str) -> Refusal {
    Refusal {
        code: "BadRequest",
        message: format!(
            "The virtual machine '{vm}' is not supported by Just-In-Time Network Access: missing NSG. Neither a network \
             security group nor an Azure Firewall is associated with it."
        ),
    }
}

fn port_rule(port: &PortRuleInput, vm: Option<&Vm>) -> Result<PortRule, String> {
    let protocol = Protocol::of_policy(&port.protocol)
        .ok_or_else(|| format!("'{}' is no protocol; there are TCP, UDP and *.", port.protocol))?;
    let allowed = TimeDelta::minutes(5)..=TimeDelta::days(1);
    let length = &port.max_request_access_duration;
    let max = duration::parse(length).filter(|max| allowed.contains(max));
    let max = max.ok_or_else(|| format!("'{length}' is no ISO 8601 duration from 5 minutes to 1 day."))?;
    let sources = match (&port.source, &port.sources) {
        (Some(_), Some(_)) => {
            return Err(
                "Only one of 'allowedSourceAddressPrefix' and 'allowedSourceAddressPrefixes' can be set.".to_owned()
            );
        }
        (Some(one), None) => vec![one.clone()],
        (None, Some(many)) if !many.is_empty() => many.clone(),
        // What the portal proposes.
        (None, Some(_) | None) => vec!["*".to_owned()],
    };
    if let Some(bad) = sources.iter().find(|source| is_ipv6(source)) {
        return Err(format!("The source address prefix '{bad}' is in IPv6 format, which is unsupported."));
    }
    if let Some(bad) = sources.iter().find(|source| nsg::network(source).is_none()) {
        return Err(format!("The source address prefix '{bad}' is not valid."));
    }
    let known = vm.into_iter().flat_map(|vm| &vm.ports).find(|known| known.number == port.number);
    Ok(PortRule {
        number: port.number,
        protocol,
        max_request_access_duration: length.clone(),
        max,
        sources: sources.iter().map(|source| nsg::normal(source)).collect(),
        mapped_port: known.and_then(|known| known.mapped_port),
    })
}

fn invalid(switches: &Switches, problem: String) -> Refusal {
    match switches.invalid_policy_code {
        InvalidPolicyCode::BadRequest => Refusal { code: "BadRequest", message: problem },
        InvalidPolicyCode::InternalServerError => {
            Refusal { code: "InternalServerError", message: "Internal server error has occurred.".to_owned() }
        }
    }
}

/// Clients write times back with fewer digits than they were told.
fn same_moment(one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
    (one - other).abs() < TimeDelta::seconds(1)
}

impl PolicyPlace {
    pub(crate) fn id(&self) -> String {
        policy_id(&self.subscription, &self.resource_group, &self.location, &self.name)
    }
}

pub(crate) fn policy_id(subscription: &str, resource_group: &str, location: &str, name: &str) -> String {
    format!(
        "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.Security/locations/{location}/\
         jitNetworkAccessPolicies/{name}"
    )
}

impl Vm {
    /// The address of the Azure Firewall in front of the VM.
    pub(crate) fn firewall_address(&self) -> Option<std::net::Ipv4Addr> {
        match self.public_ip {
            PublicIp::Firewall(address) => Some(address),
            PublicIp::None | PublicIp::Static(_) | PublicIp::Dynamic { .. } => None,
        }
    }
}
