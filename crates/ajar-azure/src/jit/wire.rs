//! What comes over the wire, and its way into the domain's types.

use ajar_core::iso8601::{IsoDuration, IsoDurationError};
use ajar_core::policy::{
    JitNetworkAccessPolicy, JitNetworkAccessPolicyVirtualMachine, JitNetworkAccessPortRule, JitNetworkAccessRequest,
    JitNetworkAccessRequestPort, JitNetworkAccessRequestVirtualMachine, RequestStatus, RuleProtocol, SourcePrefix,
    StatusReason,
};
use ajar_core::resource_id::{ResourceId, VmResourceId};
use chrono::{DateTime, TimeDelta, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::wire::{Each, Page, date, if_understood};

#[derive(Debug, Deserialize)]
struct Policy {
    id: String,
    #[serde(default)]
    properties: PolicyProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PolicyProperties {
    virtual_machines: Each<PolicyVm>,
    requests: Each<Request>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyVm {
    id: VmResourceId,
    #[serde(default)]
    ports: Each<PortRule>,
    #[serde(default, deserialize_with = "if_understood")]
    public_ip_address: Option<std::net::Ipv4Addr>,
}

/// A rule holds whatever else of it can be read, as long as it tells its port.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PortRule {
    #[serde(deserialize_with = "port")]
    number: u16,
    #[serde(default, deserialize_with = "if_understood")]
    protocol: Option<String>,
    #[serde(default, deserialize_with = "if_understood")]
    max_request_access_duration: Option<Length>,
    #[serde(flatten)]
    sources: Sources,
}

/// A length of time: ISO 8601 as Azure documents it, or as .NET writes it (`3:00:00`, `1.00:00:00`).
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Length(TimeDelta);

impl TryFrom<String> for Length {
    type Error = IsoDurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse::<IsoDuration>()
            .map(|length| Self(length.0))
            .or_else(|error| of_dot_net(&text).map(Self).ok_or(error))
    }
}

fn of_dot_net(text: &str) -> Option<TimeDelta> {
    let (days, clock) = text.split_once('.').filter(|(days, _)| !days.contains(':')).unwrap_or(("0", text));
    let whole = clock.split_once('.').map_or(clock, |(whole, _)| whole);
    let [hours, minutes, seconds] = whole.split(':').collect::<Vec<_>>().try_into().ok()?;
    let number = |text: &str| text.parse::<u32>().ok().map(i64::from);
    let seconds = number(hours)? * 3_600 + number(minutes)? * 60 + number(seconds)?;
    TimeDelta::try_seconds(number(days)? * 86_400 + seconds)
}

/// A port, also where it is written as a fraction or as text.
fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
    text.strip_suffix(".0").unwrap_or(&text).parse().map_err(|_| D::Error::custom("no port"))
}

/// Azure writes one source in the singular member and several in the plural one, and `null` in the other.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sources {
    #[serde(default, deserialize_with = "if_understood")]
    allowed_source_address_prefix: Option<String>,
    #[serde(default)]
    allowed_source_address_prefixes: Each<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    virtual_machines: Each<RequestVm>,
    #[serde(deserialize_with = "date")]
    start_time_utc: DateTime<Utc>,
    #[serde(default, deserialize_with = "if_understood")]
    requestor: Option<String>,
    #[serde(default, deserialize_with = "if_understood")]
    justification: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RequestVm {
    id: VmResourceId,
    #[serde(default)]
    ports: Each<RequestPort>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestPort {
    #[serde(deserialize_with = "port")]
    number: u16,
    #[serde(deserialize_with = "date")]
    end_time_utc: DateTime<Utc>,
    #[serde(default, deserialize_with = "if_understood")]
    status: Option<String>,
    #[serde(default, deserialize_with = "if_understood")]
    status_reason: Option<String>,
    #[serde(default, deserialize_with = "if_understood")]
    mapped_port: Option<u16>,
    #[serde(flatten)]
    sources: Sources,
}

impl Policy {
    /// `None` if its id is none: there would be nowhere to send a request to.
    fn into_core(self) -> Option<JitNetworkAccessPolicy> {
        let id = self
            .id
            .parse::<ResourceId>()
            .inspect_err(|_| tracing::debug!("skipped a JIT policy without an id"))
            .ok()?;
        Some(JitNetworkAccessPolicy {
            id,
            virtual_machines: self.properties.virtual_machines.0.into_iter().map(PolicyVm::into_core).collect(),
            requests: self.properties.requests.0.into_iter().map(Request::into_core).collect(),
        })
    }
}

impl PolicyVm {
    fn into_core(self) -> JitNetworkAccessPolicyVirtualMachine {
        JitNetworkAccessPolicyVirtualMachine {
            id: self.id,
            ports: self
                .ports
                .0
                .into_iter()
                .map(|rule| JitNetworkAccessPortRule {
                    number: rule.number,
                    protocol: protocol(rule.protocol.as_deref()),
                    allowed_source_address_prefixes: rule.sources.into_core(),
                    max_request_access_duration: rule.max_request_access_duration.map(|length| length.0),
                })
                .collect(),
            public_ip_address: self.public_ip_address,
        }
    }
}

fn protocol(name: Option<&str>) -> RuleProtocol {
    let is_udp = name.is_some_and(|name| name.eq_ignore_ascii_case("UDP"));
    if is_udp { RuleProtocol::Udp } else { RuleProtocol::Tcp }
}

impl Sources {
    fn into_core(self) -> Vec<SourcePrefix> {
        self.allowed_source_address_prefix
            .iter()
            .chain(&self.allowed_source_address_prefixes.0)
            .filter(|text| !text.trim().is_empty())
            .map(|text| SourcePrefix::from(text.as_str()))
            .collect()
    }
}

impl Request {
    fn into_core(self) -> JitNetworkAccessRequest {
        JitNetworkAccessRequest {
            virtual_machines: self.virtual_machines.0.into_iter().map(RequestVm::into_core).collect(),
            start_time_utc: self.start_time_utc,
            requestor: self.requestor.unwrap_or_default(),
            justification: self.justification,
        }
    }
}

impl RequestVm {
    fn into_core(self) -> JitNetworkAccessRequestVirtualMachine {
        JitNetworkAccessRequestVirtualMachine {
            id: self.id,
            ports: self.ports.0.into_iter().map(RequestPort::into_core).collect(),
        }
    }
}

impl RequestPort {
    fn into_core(self) -> JitNetworkAccessRequestPort {
        let revoked = self.status.is_some_and(|status| status.eq_ignore_ascii_case("Revoked"));
        let reason = match self.status_reason.unwrap_or_default().to_ascii_lowercase().as_str() {
            "expired" => StatusReason::Expired,
            "newerrequestinitiated" => StatusReason::NewerRequestInitiated,
            "userrequested" => StatusReason::UserRequested,
            _ => StatusReason::Unknown,
        };
        JitNetworkAccessRequestPort {
            number: self.number,
            allowed_source_address_prefixes: self.sources.into_core(),
            end_time_utc: self.end_time_utc,
            status: if revoked { RequestStatus::Revoked(reason) } else { RequestStatus::InForce },
            mapped_port: self.mapped_port,
        }
    }
}

pub(crate) fn page(json: &[u8]) -> serde_json::Result<Page<JitNetworkAccessPolicy>> {
    let page: Page<Policy> = serde_json::from_slice(json)?;
    let policies = page.value.0.into_iter().filter_map(Policy::into_core).collect();
    Ok(Page { value: Each(policies), next_link: page.next_link })
}

/// Reads the policies of a page of a list, without those that can't be read.
///
/// # Errors
/// Not JSON, or no list.
pub fn policies(json: &[u8]) -> serde_json::Result<Vec<JitNetworkAccessPolicy>> {
    Ok(page(json)?.value.0)
}

/// Reads a policy.
///
/// # Errors
/// Not JSON, or no policy with an id.
pub fn policy(json: &[u8]) -> serde_json::Result<JitNetworkAccessPolicy> {
    let policy: Policy = serde_json::from_slice(json)?;
    policy.into_core().ok_or_else(|| serde_json::Error::custom("the policy has no resource id"))
}

/// Reads the answer to *initiate*.
///
/// # Errors
/// Not JSON, or no request.
pub fn initiated(json: &[u8]) -> serde_json::Result<JitNetworkAccessRequest> {
    Ok(serde_json::from_slice::<Request>(json)?.into_core())
}
