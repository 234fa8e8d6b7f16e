//! The check of an *initiate* request against its policy.

use std::net::{IpAddr, Ipv4Addr};

use chrono::{DateTime, TimeDelta, Utc};

use crate::state::jit::{Policy, PortRule};
use crate::state::nsg;
use crate::switches::{
    ExtensionLimit, Ipv6Code, NearPastEnd, NotSubsetCode, OmittedSource, ShortestDuration, SubnetOfPolicyPrefix,
    Switches,
};

/// What a caller asks for, read but not judged.
#[derive(Clone, Debug)]
pub(crate) struct InitiateInput {
    pub(crate) vms: Vec<InitiateVm>,
    pub(crate) justification: Option<String>,
}

impl InitiateInput {
    /// What is asked for twice: two rules for one port would want the same priority.
    pub(crate) fn named_twice(&self) -> Option<String> {
        let vms = self.vms.iter().enumerate();
        let again = |at: usize, id: &str| self.vms[..at].iter().any(|before| before.id.eq_ignore_ascii_case(id));
        let vm =
            vms.clone().find(|(at, vm)| again(*at, &vm.id)).map(|(_, vm)| format!("The virtual machine '{}'", vm.id));
        let port = |vm: &InitiateVm| {
            let mut ports = vm.ports.iter().enumerate();
            let twice = ports.find(|(at, port)| vm.ports[..*at].iter().any(|before| before.number == port.number));
            twice.map(|(_, port)| format!("The port {} of '{}'", port.number, vm.id))
        };
        vm.or_else(|| self.vms.iter().find_map(port))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct InitiateVm {
    pub(crate) id: String,
    pub(crate) ports: Vec<InitiatePort>,
}

#[derive(Clone, Debug)]
pub(crate) struct InitiatePort {
    pub(crate) number: u16,
    /// `None`: the caller's own address.
    pub(crate) sources: Option<Vec<String>>,
    pub(crate) end: End,
}

/// Exactly one of the two forms.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    EndTimeUtc(DateTime<Utc>),
    Duration(TimeDelta),
}

/// A port that may be opened.
#[derive(Clone, Debug)]
pub(crate) struct Granted {
    pub(crate) number: u16,
    pub(crate) sources: Vec<String>,
    pub(crate) end: DateTime<Utc>,
    /// When the first of the requests began that this one goes on from.
    pub(crate) since: DateTime<Utc>,
    pub(crate) mapped_port: Option<u16>,
}

/// Why Azure says no: error code and message of a 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    /// The input makes no sense whatever the policy says.
    pub(crate) fn invalid_input(message: impl Into<String>) -> Self {
        Self { code: "InvalidInitiateInput", message: message.into() }
    }
}

/// What the check needs to know besides the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) now: DateTime<Utc>,
    pub(crate) caller: Ipv4Addr,
    pub(crate) requestor: &'a str,
    pub(crate) switches: &'a Switches,
}

impl Policy {
    /// The ports to open for one VM of the request, or Azure's refusal.
    pub(crate) fn check(&self, vm: &InitiateVm, around: Circumstances<'_>) -> Result<Vec<Granted>, Refusal> {
        let rules = self.vm(&vm.id).map(|protected| protected.ports.as_slice()).unwrap_or_default();
        if vm.ports.is_empty() {
            return Err(Refusal::invalid_input(format!("No ports were requested for '{}'.", vm.id)));
        }
        vm.ports.iter().map(|port| self.check_port((&vm.id, port), rules, around)).collect()
    }

    fn check_port(
        &self,
        (vm, port): (&str, &InitiatePort),
        rules: &[PortRule],
        around: Circumstances<'_>,
    ) -> Result<Granted, Refusal> {
        let seen = match around.switches.omitted_source {
            OmittedSource::Client => around.caller,
            OmittedSource::Proxy => PROXY,
        };
        let sources = port.sources.clone().unwrap_or_else(|| vec![seen.to_string()]);
        if sources.iter().any(|source| is_ipv6(source)) {
            return Err(Refusal {
                code: match around.switches.ipv6_code {
                    Ipv6Code::BadRequest => "BadRequest",
                    Ipv6Code::InvalidInitiateInput => "InvalidInitiateInput",
                },
                message:
                    "The provided access request contains a source IP address in IPv6 format, which is unsupported \
                          by Just-In-Time Network Access."
                        .to_owned(),
            });
        }
        if let Some(bad) = sources.iter().find(|source| nsg::network(source).is_none()) {
            return Err(Refusal::invalid_input(format!("The source address prefix '{bad}' is not valid.")));
        }
        let sources: Vec<_> = sources.iter().map(|source| nsg::normal(source)).collect();
        let (end, length) = match port.end {
            End::EndTimeUtc(end) if is_near_past(end, around) => (Some(around.now), TimeDelta::zero()),
            End::EndTimeUtc(end) if end > around.now => (Some(end), end - around.now),
            End::Duration(length) if length > TimeDelta::zero() => (around.now.checked_add_signed(length), length),
            End::EndTimeUtc(_) | End::Duration(_) => {
                return Err(Refusal::invalid_input("The end time of the access request must be in the future."));
            }
        };
        let shortest = match around.switches.shortest_duration {
            ShortestDuration::None => TimeDelta::zero(),
            ShortestDuration::FiveMinutes => TimeDelta::minutes(5),
        };
        let rule = rules.iter().find(|rule| rule.number == port.number);
        // What the maximum is counted from.
        let since = match around.switches.extension_limit {
            ExtensionLimit::Newest => around.now,
            ExtensionLimit::First => self.open_since(vm, port.number, &sources, around).unwrap_or(around.now),
        };
        let fits = |rule: &&PortRule| {
            length + (around.now - since) <= rule.max + CLOCK_TOLERANCE
                && length >= shortest
                && sources.iter().all(|source| rule.admits(source, around.switches))
        };
        // No policy admits a duration that ends past all dates.
        match rule.filter(fits).zip(end) {
            Some((rule, end)) => {
                let since = self.open_since(vm, port.number, &sources, around).unwrap_or(around.now);
                Ok(Granted { number: port.number, sources, end, since, mapped_port: rule.mapped_port })
            }
            None => Err(self.not_a_subset(around.switches)),
        }
    }

    fn not_a_subset(&self, switches: &Switches) -> Refusal {
        Refusal {
            code: match switches.not_subset_code {
                NotSubsetCode::BadRequest => "BadRequest",
                NotSubsetCode::InvalidInitiateInput => "InvalidInitiateInput",
            },
            message: format!(
                "The given access request is not a subset of policy '{}'. Please make sure that the access request is \
                 within the allowed policy properties.",
                self.id()
            ),
        }
    }
}

/// Whether the end has just passed, and the switch has that be taken.
fn is_near_past(end: DateTime<Utc>, around: Circumstances<'_>) -> bool {
    around.switches.near_past_end == NearPastEnd::Accept && end <= around.now && end > around.now - NEAR_PAST
}

/// What may have passed of an end for it to be near.
const NEAR_PAST: TimeDelta = TimeDelta::minutes(5);

/// What Azure Resource Manager sees of a client whose calls leave through a proxy.
const PROXY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 200);

/// A client that asks for exactly the maximum computes its end by its own clock.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(5);

impl PortRule {
    fn admits(&self, source: &str, switches: &Switches) -> bool {
        let Some(wanted) = nsg::network(source) else { return false };
        self.sources.iter().filter_map(|prefix| nsg::network(prefix)).any(|allowed| {
            let inside = match switches.subnet_of_policy_prefix {
                SubnetOfPolicyPrefix::Accept => allowed.contains(&wanted),
                // A policy for everyone always takes single addresses: that is the common case on the real service.
                SubnetOfPolicyPrefix::Refuse => allowed.prefix_len() == 0 && allowed.contains(&wanted),
            };
            inside || allowed == wanted
        })
    }
}

/// Whether the prefix is IPv6, which JIT does not take.
pub(crate) fn is_ipv6(source: &str) -> bool {
    let address = source.split('/').next().unwrap_or_default();
    address.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6())
}
