//! Azure Bastion: the hosts that lead to VMs without a public address.

use ipnet::Ipv4Net;

use crate::port::Endpoint;
use crate::resource_id::ResourceId;

/// The subnet that a Bastion host has to itself: from there VMs see its connections come.
///
/// Source: <https://learn.microsoft.com/azure/bastion/configuration-settings#subnet>
pub const SUBNET: &str = "AzureBastionSubnet";

/// A Bastion host that leads native clients to a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BastionHost {
    /// Its resource.
    pub id: ResourceId,
    /// Where it is asked for a way: a host name, as ARM has it (`dnsName`).
    pub dns_name: String,
    /// Its [`SUBNET`]; `None` where that may not be read.
    pub subnet: Option<Ipv4Net>,
}

/// The way through a Bastion host to one port of a VM, ready for connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BastionWay {
    /// The host.
    pub host: BastionHost,
    /// Where to dial on this machine: each connection goes through the host from there.
    pub endpoint: Endpoint,
}
