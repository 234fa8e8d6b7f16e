//! Just-in-time policies, requests and their life: granted, in force, replaced, expired.

use std::net::Ipv4Addr;
use std::sync::OnceLock;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::state::configure::{self, PolicyPlace};
use crate::state::initiate::Circumstances;
use crate::state::nsg::{Access, Direction, PortRange, Protocol, SecurityRule};
use crate::switches::{InitiateStatus, NewerRequestReplaces, ReplacementGap, Switches};

/// Azure shows the requests of the last seven days.
const KEPT: TimeDelta = TimeDelta::days(7);

/// `Microsoft.Security/locations/jitNetworkAccessPolicies`.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) subscription: String,
    pub(crate) resource_group: String,
    pub(crate) location: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) vms: Vec<PolicyVm>,
    pub(crate) requests: Vec<AccessRequest>,
}

/// One protected VM.
#[derive(Clone, Debug)]
pub(crate) struct PolicyVm {
    pub(crate) id: String,
    pub(crate) ports: Vec<PortRule>,
    /// Address of the Azure Firewall in front of the VM.
    pub(crate) public_ip_address: Option<Ipv4Addr>,
    /// Of the deny rule; 0 until one has been found.
    pub(crate) deny_priority: u16,
    /// Of the deny rule. Making it takes longer than all else of the rule.
    deny_rule_name: OnceLock<String>,
}

impl PolicyVm {
    pub(crate) fn new(id: String, ports: Vec<PortRule>, public_ip_address: Option<Ipv4Addr>) -> Self {
        Self { id, ports, public_ip_address, deny_priority: 0, deny_rule_name: OnceLock::new() }
    }

    /// The VM's name, the last part of its id.
    fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or_default()
    }

    /// Only ports of the policy are ever granted.
    fn protocol(&self, port: u16) -> Protocol {
        self.ports.iter().find(|rule| rule.number == port).map_or(Protocol::Any, |rule| rule.protocol)
    }
}

/// `JitNetworkAccessPortRule`.
#[derive(Clone, Debug)]
pub(crate) struct PortRule {
    pub(crate) number: u16,
    pub(crate) protocol: Protocol,
    pub(crate) max_request_access_duration: String,
    pub(crate) max: TimeDelta,
    pub(crate) sources: Vec<String>,
    /// The firewall's port for this one.
    pub(crate) mapped_port: Option<u16>,
}

/// `JitNetworkAccessRequest`.
#[derive(Clone, Debug)]
pub(crate) struct AccessRequest {
    pub(crate) vms: Vec<RequestVm>,
    pub(crate) start: DateTime<Utc>,
    pub(crate) requestor: String,
    pub(crate) justification: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct RequestVm {
    pub(crate) id: String,
    pub(crate) ports: Vec<RequestPort>,
}

/// `JitNetworkAccessRequestPort`.
#[derive(Clone, Debug)]
pub(crate) struct RequestPort {
    pub(crate) number: u16,
    pub(crate) sources: Vec<String>,
    pub(crate) end: DateTime<Utc>,
    /// When the first of the requests began that this one goes on from.
    pub(crate) since: DateTime<Utc>,
    pub(crate) status: RequestStatus,
    pub(crate) mapped_port: Option<u16>,
    /// The allow rule exists from here …
    pub(crate) in_force_at: DateTime<Utc>,
    /// … to here.
    pub(crate) out_of_force_at: DateTime<Utc>,
    pub(crate) rule_name: String,
    pub(crate) priority: u16,
}

/// `status` and `statusReason` in one: only these pairs occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestStatus {
    Initiating,
    Initiated,
    Expired,
    Replaced,
    /// Its VM or port is no longer in the policy.
    Withdrawn,
}

impl RequestStatus {
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::Initiating => "Initiating",
            Self::Initiated => "Initiated",
            Self::Expired | Self::Replaced | Self::Withdrawn => "Revoked",
        }
    }

    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Initiating | Self::Initiated | Self::Withdrawn => "UserRequested",
            Self::Expired => "Expired",
            Self::Replaced => "NewerRequestInitiated",
        }
    }

    fn is_active(self) -> bool {
        match self {
            Self::Initiating | Self::Initiated => true,
            Self::Expired | Self::Replaced | Self::Withdrawn => false,
        }
    }
}

/// An allow rule that has outlived its policy.
#[derive(Clone, Debug)]
pub(crate) struct LeftWindow {
    pub(crate) rule: SecurityRule,
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
}

impl RequestPort {
    /// Whether a newer request for the same port of the same VM takes its place.
    fn is_replaced_by(&self, sources: &[String], same_requestor: bool, switches: &Switches) -> bool {
        self.status.is_active()
            && match switches.newer_request_replaces {
                NewerRequestReplaces::VmPort => true,
                NewerRequestReplaces::Source => self.sources == sources,
                NewerRequestReplaces::Requestor => same_requestor,
            }
    }
}

impl Policy {
    pub(crate) fn new(place: PolicyPlace, kind: String, vms: Vec<PolicyVm>) -> Self {
        let PolicyPlace { subscription, resource_group, location, name } = place;
        Self { subscription, resource_group, location, name, kind, vms, requests: Vec::new() }
    }

    pub(crate) fn id(&self) -> String {
        configure::policy_id(&self.subscription, &self.resource_group, &self.location, &self.name)
    }

    pub(crate) fn vm(&self, id: &str) -> Option<&PolicyVm> {
        self.vms.iter().find(|vm| vm.id.eq_ignore_ascii_case(id))
    }

    /// Records a granted request and revokes those that it replaces.
    pub(crate) fn grant(&mut self, request: AccessRequest, switches: &Switches) {
        for vm in &request.vms {
            for port in &vm.ports {
                self.replace(&request, &vm.id, port, switches);
            }
        }
        self.requests.push(request);
    }

    /// Since when there has been access that a request for this port would replace.
    pub(crate) fn open_since(
        &self,
        vm: &str,
        number: u16,
        sources: &[String],
        around: Circumstances<'_>,
    ) -> Option<DateTime<Utc>> {
        let older = self.requests.iter().flat_map(|request| {
            let on_vm = request.vms.iter().filter(|older| older.id.eq_ignore_ascii_case(vm));
            let same_requestor = request.requestor == around.requestor;
            on_vm.flat_map(|older| &older.ports).map(move |port| (port, same_requestor))
        });
        let replaced = older.filter(|(port, same_requestor)| {
            port.number == number && port.is_replaced_by(sources, *same_requestor, around.switches)
        });
        replaced.map(|(port, _)| port.since).min()
    }

    fn replace(&mut self, newer: &AccessRequest, vm: &str, port: &RequestPort, switches: &Switches) {
        for request in &mut self.requests {
            let same_requestor = request.requestor == newer.requestor;
            let on_vm = request.vms.iter_mut().filter(|older| older.id.eq_ignore_ascii_case(vm));
            for older in on_vm.flat_map(|older| &mut older.ports) {
                if older.number == port.number && older.is_replaced_by(&port.sources, same_requestor, switches) {
                    older.status = RequestStatus::Replaced;
                    let gone_at = match switches.replacement_gap {
                        ReplacementGap::None => port.in_force_at,
                        ReplacementGap::Gap => newer.start,
                    };
                    older.out_of_force_at = older.out_of_force_at.min(gone_at);
                }
            }
        }
    }

    /// What time alone does: rules come into force, windows end, old requests are forgotten.
    pub(crate) fn advance_to(&mut self, now: DateTime<Utc>) {
        for port in self.requests.iter_mut().flat_map(|request| &mut request.vms).flat_map(|vm| &mut vm.ports) {
            if port.status == RequestStatus::Initiating && port.in_force_at <= now {
                port.status = RequestStatus::Initiated;
            }
            if port.status.is_active() && port.end <= now {
                port.status = RequestStatus::Expired;
            }
        }
        self.requests.retain(|request| request.start + KEPT > now);
    }

    /// The next moment at which a rule appears or goes, or a request is forgotten.
    pub(crate) fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ports = self.requests.iter().flat_map(|request| &request.vms).flat_map(|vm| &vm.ports);
        let rules = ports.flat_map(|port| [port.in_force_at, port.out_of_force_at, port.end]);
        rules.chain(self.requests.iter().map(|request| request.start + KEPT)).filter(|at| *at > now).min()
    }

    /// Ends the windows of which `ends` says so; it is told whether the policy still has VM and port.
    pub(crate) fn withdraw(&mut self, now: DateTime<Utc>, ends: impl Fn(bool, &str, &RequestPort) -> bool) {
        for vm in self.requests.iter_mut().flat_map(|request| &mut request.vms) {
            let protected = self.vms.iter().find(|known| known.id.eq_ignore_ascii_case(&vm.id));
            for port in vm.ports.iter_mut().filter(|port| port.status.is_active()) {
                let in_policy =
                    protected.is_some_and(|known| known.ports.iter().any(|rule| rule.number == port.number));
                if ends(in_policy, &vm.id, port) {
                    port.status = RequestStatus::Withdrawn;
                    port.out_of_force_at = port.out_of_force_at.min(now);
                }
            }
        }
    }

    /// The rules that this policy and its requests put into the network security group of its `vm`-th VM.
    pub(crate) fn security_rules(&self, vm: usize, private_ip: Ipv4Addr, now: DateTime<Utc>) -> Vec<SecurityRule> {
        let protected = &self.vms[vm];
        let windows = self.windows_of(protected, private_ip, now);
        let allow = windows.into_iter().filter(|window| window.from <= now).map(|window| window.rule);
        allow.chain([self.deny_rule(protected, private_ip)]).collect()
    }

    /// The rules of the VM's windows that have not ended, also of those not yet in force.
    pub(crate) fn windows_of(&self, protected: &PolicyVm, private_ip: Ipv4Addr, now: DateTime<Utc>) -> Vec<LeftWindow> {
        let requests = self.requests.iter().flat_map(|request| &request.vms);
        let ports =
            requests.filter(|requested| requested.id.eq_ignore_ascii_case(&protected.id)).flat_map(|vm| &vm.ports);
        let ports = ports.filter(|port| port.in_force_at.max(now) < port.out_of_force_at);
        ports
            .map(|port| LeftWindow {
                rule: self.allow_rule(protected, port, private_ip),
                from: port.in_force_at,
                until: port.out_of_force_at,
            })
            .collect()
    }

    fn allow_rule(&self, protected: &PolicyVm, port: &RequestPort, private_ip: Ipv4Addr) -> SecurityRule {
        SecurityRule {
            name: port.rule_name.clone(),
            description: format!(
                "MDC JIT Network Access rule created by an initiation request for policy '{}' of VM '{}'.",
                self.name,
                protected.name()
            ),
            priority: port.priority,
            direction: Direction::Inbound,
            access: Access::Allow,
            protocol: protected.protocol(port.number),
            source_ports: vec![PortRange::ALL],
            sources: port.sources.clone(),
            ports: vec![port.number.into()],
            destinations: vec![private_ip.to_string()],
        }
    }

    fn deny_rule(&self, protected: &PolicyVm, private_ip: Ipv4Addr) -> SecurityRule {
        let name = || rule_name('_', stable_uuid(&format!("{} {}", self.id(), protected.id)));
        SecurityRule {
            name: protected.deny_rule_name.get_or_init(name).clone(),
            description: format!(
                "MDC JIT Network Access rule for policy '{}' of VM '{}'.",
                self.name,
                protected.name()
            ),
            priority: protected.deny_priority,
            direction: Direction::Inbound,
            access: Access::Deny,
            protocol: Protocol::Any,
            source_ports: vec![PortRange::ALL],
            sources: vec!["*".to_owned()],
            ports: protected.ports.iter().map(|port| port.number.into()).collect(),
            destinations: vec![private_ip.to_string()],
        }
    }
}

/// `MicrosoftDefenderForCloud-JITRule-1170687618-8C18BF89…`: `-` for an allow rule, `_` for the deny rule.
pub(crate) fn rule_name(separator: char, id: Uuid) -> String {
    let hash = checksum(&id.to_string()) >> 33;
    let hex = id.simple().to_string().to_uppercase();
    match separator {
        '_' => format!("MicrosoftDefenderForCloud-JITRule_-{hash}_{hex}"),
        _ => format!("MicrosoftDefenderForCloud-JITRule-{hash}-{hex}"),
    }
}

/// The same for the same text, on every run.
pub(crate) fn stable_uuid(text: &str) -> Uuid {
    Uuid::from_u64_pair(checksum(text), checksum(&format!("{text}/")))
}

/// FNV-1a: names must be the same on every run, which the standard hasher does not promise.
pub(crate) fn checksum(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.to_ascii_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// The status of a request that was just granted.
pub(crate) fn first_status(switches: &Switches) -> RequestStatus {
    match switches.initiate_status {
        InitiateStatus::Initiating => RequestStatus::Initiating,
        InitiateStatus::Initiated => RequestStatus::Initiated,
    }
}
