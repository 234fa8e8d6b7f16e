//! What an attempt asks of the world, and what the world answers.

use std::net::Ipv4Addr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::Ipv4Net;

use crate::bastion::BastionWay;
use crate::failure::Trouble;
use crate::policy::{Clamp, JitNetworkAccessPolicy, JitNetworkAccessRequest};
use crate::port::{Endpoint, PortAnswer, Protocol};
use crate::resource_id::ResourceId;
use crate::source::SourceAddress;
use crate::vm::{VmAddresses, VmFacts};

/// Something the engine is to do for an attempt. Each yields one [`Fact`].
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Look once whether the port answers as the protocol does.
    ProbePort {
        /// Where.
        endpoint: Endpoint,
        /// As what.
        protocol: Protocol,
        /// How long silence is borne before it is called so.
        patience: Duration,
        /// Whether only a way counts that is another than that to the internet.
        by_own_way: bool,
    },
    /// Find this machine's public address.
    DetectSource,
    /// Read the JIT policies that speak of the VM.
    ReadPolicy,
    /// Read the VM with its instance view.
    ReadVm,
    /// Read the VM's network interfaces and their public addresses.
    ResolveAddress {
        /// The interfaces, the primary one first.
        network_interfaces: Vec<ResourceId>,
    },
    /// Find the Bastion host that leads to the VM, and have a way through it.
    FindBastion {
        /// The VM's subnet.
        subnet: ResourceId,
    },
    /// Ask for access.
    Initiate(Ask),
    /// Start the VM, and wait until it runs.
    StartVm,
    /// Start the client.
    LaunchClient {
        /// Where to.
        endpoint: Endpoint,
    },
}

/// The one request for access that an attempt makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The policy to ask.
    pub policy: ResourceId,
    /// The port.
    pub port: u16,
    /// From where; a single host, or the first address of `subnet`.
    pub source: Ipv4Addr,
    /// The Bastion host's subnet, where the way leads through it: from which of its addresses it comes nobody knows.
    pub subnet: Option<Ipv4Net>,
    /// Until when.
    pub end_time_utc: DateTime<Utc>,
    /// How long that is.
    pub duration: TimeDelta,
    /// To what a longer wish was cut.
    pub clamped_to: Option<Clamp>,
    /// The justification for the record.
    pub justification: Option<String>,
}

impl Ask {
    /// What access is asked for from, as requests name it.
    pub fn prefix(&self) -> Ipv4Net {
        self.subnet.unwrap_or(self.source.into())
    }
}

/// The result of an effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// Of [`Effect::ProbePort`].
    Port {
        /// Where was looked.
        endpoint: Endpoint,
        /// What was found.
        answer: PortAnswer,
    },
    /// Of [`Effect::DetectSource`].
    Source(Result<SourceAddress, Trouble>),
    /// Of [`Effect::ReadPolicy`].
    Policies(Result<Vec<JitNetworkAccessPolicy>, Trouble>),
    /// Of [`Effect::ReadVm`].
    Vm(Result<VmFacts, Trouble>),
    /// Of [`Effect::ResolveAddress`].
    Addresses(Result<VmAddresses, Trouble>),
    /// Of [`Effect::FindBastion`], or why the way that was found leads nowhere.
    Bastion(Result<BastionWay, Trouble>),
    /// Of [`Effect::Initiate`].
    Initiated(Result<JitNetworkAccessRequest, InitiateFailure>),
    /// Of [`Effect::StartVm`].
    Started(Result<(), Trouble>),
    /// Of [`Effect::LaunchClient`].
    Client(Result<(), Trouble>),
}

/// How asking for access can fail.
#[derive(Clone, Debug, PartialEq)]
pub enum InitiateFailure {
    /// It was sent and no usable answer came: it may have been granted. With what kept the answer away.
    Unanswered(Trouble),
    /// It was refused, or never sent: nothing was granted.
    Refused(Trouble),
}
