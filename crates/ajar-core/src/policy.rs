//! JIT network access policies, and the check of a request against them before Azure is asked.
//!
//! Shapes after Azure's published `jitNetworkAccessPolicies.json` (api-version 2020-01-01).

use std::net::Ipv4Addr;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::resource_id::{ResourceId, VmResourceId};

/// The shortest window Azure's policies speak of: five minutes.
pub const SHORTEST_ACCESS: TimeDelta = TimeDelta::minutes(5);

/// The longest window Azure's policies speak of: one day.
pub const LONGEST_ACCESS: TimeDelta = TimeDelta::days(1);

/// What Defender for Cloud has rules allow unless it is told otherwise.
pub const USUAL_ACCESS: TimeDelta = TimeDelta::hours(3);

/// One JIT policy of a region: rules for many VMs, and the requests made under them.
#[derive(Clone, Debug, PartialEq)]
pub struct JitNetworkAccessPolicy {
    /// Where to send requests: the policy's id plus `/initiate`.
    pub id: ResourceId,
    /// The rules, VM by VM.
    pub virtual_machines: Vec<JitNetworkAccessPolicyVirtualMachine>,
    /// Requests made under the policy, old ones among them.
    pub requests: Vec<JitNetworkAccessRequest>,
}

/// The rules of one VM.
#[derive(Clone, Debug, PartialEq)]
pub struct JitNetworkAccessPolicyVirtualMachine {
    /// The VM.
    pub id: VmResourceId,
    /// Which ports may be asked for.
    pub ports: Vec<JitNetworkAccessPortRule>,
    /// The public address of the Azure Firewall in front of the VM, if there is one.
    pub public_ip_address: Option<Ipv4Addr>,
}

/// What may be asked for one port.
#[derive(Clone, Debug, PartialEq)]
pub struct JitNetworkAccessPortRule {
    /// The port.
    pub number: u16,
    /// Which traffic a request under the rule lets in.
    pub protocol: RuleProtocol,
    /// From where it may be opened; any of these.
    pub allowed_source_address_prefixes: Vec<SourcePrefix>,
    /// For how long at the most; `None` where that cannot be read.
    pub max_request_access_duration: Option<TimeDelta>,
}

impl JitNetworkAccessPortRule {
    /// For how long access can be asked for at the most, as far as is known.
    pub fn longest_access(&self) -> TimeDelta {
        self.max_request_access_duration.unwrap_or(USUAL_ACCESS)
    }
}

/// `protocol` of a rule. Azure's list is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleProtocol {
    /// `TCP`, `*`, missing, or a word we do not know: what Ajar opens may come in.
    Tcp,
    /// `UDP`: they do not.
    Udp,
}

/// A request made under a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct JitNetworkAccessRequest {
    /// What was asked, VM by VM.
    pub virtual_machines: Vec<JitNetworkAccessRequestVirtualMachine>,
    /// When it was made.
    pub start_time_utc: DateTime<Utc>,
    /// By whom, such as a user principal name.
    pub requestor: String,
    /// Why, if a reason was given.
    pub justification: Option<String>,
}

/// What a request asked for one VM.
#[derive(Clone, Debug, PartialEq)]
pub struct JitNetworkAccessRequestVirtualMachine {
    /// The VM.
    pub id: VmResourceId,
    /// Its ports.
    pub ports: Vec<JitNetworkAccessRequestPort>,
}

/// What became of one requested port.
#[derive(Clone, Debug, PartialEq)]
pub struct JitNetworkAccessRequestPort {
    /// The port asked for.
    pub number: u16,
    /// From where it is open.
    pub allowed_source_address_prefixes: Vec<SourcePrefix>,
    /// When it closes to new connections.
    pub end_time_utc: DateTime<Utc>,
    /// Whether it is withdrawn.
    pub status: RequestStatus,
    /// The port of the Azure Firewall that leads here.
    pub mapped_port: Option<u16>,
}

/// `status` of a requested port. Azure's list is open, and its own example says `Initiating`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestStatus {
    /// `Initiated`, `Initiating`, or a word we do not know: in force unless its time is over.
    InForce,
    /// `Revoked`: over before or at its end.
    Revoked(StatusReason),
}

/// `statusReason` of a revoked port. Azure's list is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusReason {
    /// `Expired`.
    Expired,
    /// `NewerRequestInitiated`: a later request for the same took its place.
    NewerRequestInitiated,
    /// `UserRequested`: somebody took it back.
    UserRequested,
    /// Missing, or a word we do not know.
    Unknown,
}

/// A source of traffic as policies and requests write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SourcePrefix {
    /// `*` (also `Any`, `Internet`, `0.0.0.0/0`).
    Any,
    /// An address or a CIDR block.
    Net(Ipv4Net),
    /// Something else, such as a service tag or an IPv6 block: it admits nobody we can vouch for.
    Other(String),
}

impl SourcePrefix {
    /// Whether traffic from `address` is meant.
    pub fn admits(&self, address: Ipv4Addr) -> bool {
        match self {
            Self::Any => true,
            Self::Net(net) => net.contains(&address),
            Self::Other(_) => false,
        }
    }
}

impl From<&str> for SourcePrefix {
    fn from(text: &str) -> Self {
        let text = text.trim();
        if matches!(text, "*" | "0.0.0.0/0")
            || text.eq_ignore_ascii_case("any")
            || text.eq_ignore_ascii_case("internet")
        {
            return Self::Any;
        }
        Ipv4Addr::from_str(text)
            .map(Ipv4Net::from)
            .or_else(|_| Ipv4Net::from_str(text).map(|net| net.trunc()))
            .map_or_else(|_| Self::Other(text.to_owned()), Self::Net)
    }
}

impl From<String> for SourcePrefix {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<SourcePrefix> for String {
    fn from(prefix: SourcePrefix) -> Self {
        prefix.to_string()
    }
}

impl std::fmt::Display for SourcePrefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Net(net) if net.prefix_len() == 32 => net.addr().fmt(f),
            Self::Net(net) => net.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// A request that the policies admit.
#[derive(Clone, Debug, PartialEq)]
pub struct Permit {
    /// The policy to ask.
    pub policy: ResourceId,
    /// How long to ask for: what was wanted, cut to what the rule allows.
    pub duration: TimeDelta,
    /// To what it was cut: the user is told.
    pub clamped_to: Option<Clamp>,
}

/// To what a wish was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clamp {
    /// The rule's maximum.
    Rule(TimeDelta),
    /// [`USUAL_ACCESS`], because the rule's maximum cannot be read.
    Usual(TimeDelta),
}

/// Why the policies do not admit a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No policy speaks of the VM.
    NoPolicy,
    /// The VM is in a policy, the port is not, or not for TCP.
    NotInPolicy {
        /// The ports that may be asked for.
        allowed: Vec<u16>,
        /// Whether the port may be asked for, though for UDP alone.
        only_udp: bool,
    },
    /// The port may be asked for, but not from this address.
    SourceNotAllowed {
        /// From where it may.
        allowed: Vec<String>,
    },
}

/// Checks a request against the policies and cuts its duration to what is allowed.
///
/// # Errors
/// The refusal closest to a permit, so that the words can say what would be possible.
pub fn check(
    policies: &[JitNetworkAccessPolicy],
    vm: &VmResourceId,
    port: u16,
    source: Ipv4Addr,
    wanted: TimeDelta,
) -> Result<Permit, Refusal> {
    let entries = || {
        policies.iter().flat_map(|policy| {
            policy.virtual_machines.iter().filter(|entry| entry.id == *vm).map(move |entry| (policy, entry))
        })
    };
    let (rules, for_udp): (Vec<_>, Vec<_>) = entries()
        .flat_map(|(policy, entry)| entry.ports.iter().filter(|rule| rule.number == port).map(move |r| (policy, r)))
        .partition(|(_, rule)| rule.protocol == RuleProtocol::Tcp);
    let admits =
        |rule: &JitNetworkAccessPortRule| rule.allowed_source_address_prefixes.iter().any(|p| p.admits(source));
    let admitting = rules.iter().filter(|(_, rule)| admits(rule));
    if let Some((policy, rule)) = admitting.max_by_key(|(_, rule)| rule.longest_access()) {
        let max = rule.longest_access();
        let clamp = rule.max_request_access_duration.map_or(Clamp::Usual(max), Clamp::Rule);
        return Ok(Permit {
            policy: policy.id.clone(),
            duration: wanted.max(SHORTEST_ACCESS).min(max),
            clamped_to: (wanted > max).then_some(clamp),
        });
    }
    if entries().next().is_none() {
        return Err(Refusal::NoPolicy);
    }
    if rules.is_empty() {
        let by_tcp = |rule: &&JitNetworkAccessPortRule| rule.protocol == RuleProtocol::Tcp;
        let mut allowed: Vec<u16> =
            entries().flat_map(|(_, entry)| entry.ports.iter().filter(by_tcp).map(|r| r.number)).collect();
        allowed.sort_unstable();
        allowed.dedup();
        return Err(Refusal::NotInPolicy { allowed, only_udp: !for_udp.is_empty() });
    }
    let allowed = rules
        .iter()
        .flat_map(|(_, rule)| rule.allowed_source_address_prefixes.iter().map(ToString::to_string))
        .collect();
    Err(Refusal::SourceNotAllowed { allowed })
}

/// The prefixes by which the policies admit `source` as one of many, if nothing admits it by itself or everybody: none
/// otherwise.
pub fn admitting_ranges(
    policies: &[JitNetworkAccessPolicy],
    vm: &VmResourceId,
    port: u16,
    source: Ipv4Addr,
) -> Vec<String> {
    let entries = policies.iter().flat_map(|policy| &policy.virtual_machines).filter(|entry| entry.id == *vm);
    let rules =
        entries.flat_map(|entry| &entry.ports).filter(|rule| rule.number == port && rule.protocol == RuleProtocol::Tcp);
    let admitting: Vec<_> =
        rules.flat_map(|rule| &rule.allowed_source_address_prefixes).filter(|prefix| prefix.admits(source)).collect();
    let is_range = |prefix: &&SourcePrefix| matches!(prefix, SourcePrefix::Net(net) if net.prefix_len() < 32);
    if admitting.iter().all(is_range) { admitting.iter().map(ToString::to_string).collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn vm() -> VmResourceId {
        "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-01".parse().unwrap()
    }

    fn policy(prefixes: &[&str]) -> JitNetworkAccessPolicy {
        JitNetworkAccessPolicy {
            id: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default"
                .parse()
                .unwrap(),
            virtual_machines: vec![JitNetworkAccessPolicyVirtualMachine {
                id: vm().to_string().to_uppercase().parse().unwrap(),
                ports: vec![JitNetworkAccessPortRule {
                    number: 22,
                    protocol: RuleProtocol::Tcp,
                    allowed_source_address_prefixes: prefixes.iter().map(|p| SourcePrefix::from(*p)).collect(),
                    max_request_access_duration: Some(TimeDelta::hours(3)),
                }],
                public_ip_address: None,
            }],
            requests: vec![],
        }
    }

    const ME: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

    #[test]
    fn a_request_inside_the_policy_is_admitted_and_a_longer_one_is_cut_and_said_so() {
        let policies = [policy(&["*"])];
        let ask = |hours| check(&policies, &vm(), 22, ME, TimeDelta::hours(hours)).unwrap();
        assert_eq!((ask(2).duration, ask(2).clamped_to), (TimeDelta::hours(2), None));
        assert_eq!((ask(3).duration, ask(3).clamped_to), (TimeDelta::hours(3), None));
        assert_eq!((ask(8).duration, ask(8).clamped_to), (TimeDelta::hours(3), Some(Clamp::Rule(TimeDelta::hours(3)))));
    }

    #[test]
    fn a_wish_below_five_minutes_asks_for_five() {
        let permit = check(&[policy(&["*"])], &vm(), 22, ME, TimeDelta::minutes(1)).unwrap();
        assert_eq!(permit.duration, SHORTEST_ACCESS);
    }

    #[test]
    fn refusals_say_what_would_be_possible() {
        let wanted = TimeDelta::hours(1);
        assert_eq!(check(&[], &vm(), 22, ME, wanted), Err(Refusal::NoPolicy));
        assert_eq!(
            check(&[policy(&["*"])], &vm(), 3389, ME, wanted),
            Err(Refusal::NotInPolicy { allowed: vec![22], only_udp: false })
        );
        assert_eq!(
            check(&[policy(&["10.0.0.0/8", "VirtualNetwork"])], &vm(), 22, ME, wanted),
            Err(Refusal::SourceNotAllowed { allowed: vec!["10.0.0.0/8".into(), "VirtualNetwork".into()] })
        );
    }

    #[test]
    fn a_rule_for_udp_lets_neither_ssh_nor_remote_desktop_in() {
        let mut for_udp = policy(&["*"]);
        for_udp.virtual_machines[0].ports[0].protocol = RuleProtocol::Udp;
        let wanted = TimeDelta::hours(1);
        let refused = |allowed, only_udp| Err(Refusal::NotInPolicy { allowed, only_udp });
        let check = |policies: &[JitNetworkAccessPolicy], port| check(policies, &vm(), port, ME, wanted);
        assert_eq!(check(&[for_udp.clone()], 22), refused(vec![], true));
        assert_eq!(check(&[for_udp.clone()], 3389), refused(vec![], false));
        let mut beside = policy(&["*"]);
        beside.virtual_machines[0].ports[0].number = 2222;
        assert_eq!(check(&[for_udp.clone(), beside], 22), refused(vec![2222], true));
        assert!(check(&[for_udp, policy(&["*"])], 22).is_ok(), "one for TCP stands beside it");
    }

    #[test]
    fn a_second_policy_that_admits_wins_over_a_first_that_does_not() {
        let policies = [policy(&["10.0.0.0/8"]), policy(&["203.0.113.0/24"])];
        assert!(check(&policies, &vm(), 22, ME, TimeDelta::hours(1)).is_ok());
    }

    #[test]
    fn who_is_admitted_as_one_of_many_is_told_by_which_prefixes() {
        let ranges = |prefixes: &[&str]| admitting_ranges(&[policy(prefixes)], &vm(), 22, ME);
        assert_eq!(ranges(&["203.0.113.0/24", "10.0.0.0/8", "203.0.0.0/16"]), ["203.0.113.0/24", "203.0.0.0/16"]);
        assert_eq!(ranges(&["203.0.113.0/24", "203.0.113.7"]), [""; 0]);
        assert_eq!(ranges(&["203.0.113.0/24", "*"]), [""; 0]);
        assert_eq!(ranges(&["10.0.0.0/8"]), [""; 0]);
    }

    #[test]
    fn prefixes_admit_what_they_cover() {
        for (text, admits) in [
            ("*", true),
            ("Any", true),
            ("0.0.0.0/0", true),
            ("203.0.113.7", true),
            ("203.0.113.0/24", true),
            ("203.0.113.9/24", true),
            ("203.0.113.8", false),
            ("VirtualNetwork", false),
            ("2001:db8::/32", false),
            ("", false),
        ] {
            assert_eq!(SourcePrefix::from(text).admits(ME), admits, "{text}");
        }
    }
}
