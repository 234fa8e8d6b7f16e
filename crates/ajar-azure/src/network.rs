//! Microsoft.Network: from a VM's network interfaces to the addresses it can be reached at.

use std::net::Ipv4Addr;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::resource_id::ResourceId;
use ajar_core::vm::{PublicAddress, VmAddresses};
use futures::future::try_join_all;
use serde::Deserialize;

use crate::arm_client::{ArmClient, Asked};
use crate::call::Call;
use crate::wire::{Each, Reference, if_understood};

pub(crate) const API: (&str, &str) = ("api-version", "2024-05-01");

/// A network interface as it comes over the wire.
#[derive(Debug, Deserialize)]
pub struct NetworkInterface {
    #[serde(default)]
    properties: NetworkInterfaceProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NetworkInterfaceProperties {
    ip_configurations: Each<IpConfiguration>,
}

#[derive(Debug, Deserialize)]
struct IpConfiguration {
    properties: IpConfigurationProperties,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IpConfigurationProperties {
    #[serde(default, deserialize_with = "if_understood")]
    primary: Option<bool>,
    #[serde(default, rename = "privateIPAddress", deserialize_with = "if_understood")]
    private_ip_address: Option<Ipv4Addr>,
    #[serde(default, rename = "publicIPAddress", deserialize_with = "if_understood")]
    public_ip_address: Option<Reference>,
    #[serde(default, deserialize_with = "if_understood")]
    subnet: Option<Reference>,
}

/// A public IP address as it comes over the wire.
#[derive(Debug, Deserialize)]
pub struct PublicIpAddress {
    #[serde(default)]
    properties: PublicIpAddressProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PublicIpAddressProperties {
    /// Absent while a dynamic address is not given out, which is while the VM is deallocated.
    #[serde(deserialize_with = "if_understood")]
    ip_address: Option<Ipv4Addr>,
    #[serde(rename = "publicIPAllocationMethod", deserialize_with = "if_understood")]
    allocation_method: Option<String>,
}

/// Reads a network interface.
///
/// # Errors
/// Not JSON, or no network interface.
pub fn network_interface(json: &[u8]) -> serde_json::Result<NetworkInterface> {
    serde_json::from_slice(json)
}

/// Reads a public IP address.
///
/// # Errors
/// Not JSON, or no public IP address.
pub fn public_ip_address(json: &[u8]) -> serde_json::Result<PublicIpAddress> {
    serde_json::from_slice(json)
}

impl ArmClient {
    /// Where a VM with these network interfaces can be reached: the first public address and the first private one,
    /// in the order given, each interface's primary configuration first. IPv4 only, as JIT is.
    ///
    /// # Errors
    /// What every read can end with. An interface or an address that may not be read, or that Azure does not find although
    /// another answer of its names it, counts as none while there is a public address; else it may be the one that is
    /// looked for, and the refusal is told.
    pub async fn addresses(&self, network_interfaces: &[ResourceId]) -> Result<VmAddresses, Trouble> {
        let mut gaps = Vec::new();
        let interfaces = network_interfaces.iter().map(|id| or_gap(self.ip_configurations(id)));
        let configurations: Vec<_> = readable(try_join_all(interfaces).await?, &mut gaps).flatten().collect();
        let public_ips: Vec<ResourceId> = configurations
            .iter()
            .filter_map(|configuration| configuration.public_ip_address.as_ref()?.id.parse().ok())
            .collect();
        let public = public_ips.iter().map(|id| or_gap(self.public_address(id)));
        let addresses = VmAddresses {
            public: readable(try_join_all(public).await?, &mut gaps).flatten().next(),
            private: configurations.iter().find_map(|configuration| configuration.private_ip_address),
            is_private_only: !configurations.is_empty()
                && configurations.iter().all(|configuration| configuration.public_ip_address.is_none()),
            subnet: configurations.iter().find_map(|configuration| configuration.subnet.as_ref()?.id.parse().ok()),
        };
        match gaps.into_iter().next() {
            Some(gap) if addresses.public.is_none() => Err(gap),
            _ => Ok(addresses),
        }
    }

    async fn ip_configurations(&self, id: &ResourceId) -> Result<Vec<IpConfigurationProperties>, Trouble> {
        let interface = self.read_named(id, Call::NetworkInterface, network_interface).await?;
        let configurations = interface.properties.ip_configurations.0.into_iter();
        let mut configurations: Vec<_> = configurations.map(|configuration| configuration.properties).collect();
        configurations.sort_by_key(|configuration| configuration.primary != Some(true));
        Ok(configurations)
    }

    async fn public_address(&self, id: &ResourceId) -> Result<Option<PublicAddress>, Trouble> {
        let PublicIpAddress { properties } = self.read_named(id, Call::PublicIpAddress, public_ip_address).await?;
        let is_static = properties.allocation_method.is_some_and(|method| method.eq_ignore_ascii_case("Static"));
        Ok(properties.ip_address.map(|ip| PublicAddress { ip, is_static }))
    }

    /// Reads what another answer names.
    async fn read_named<T>(
        &self,
        id: &ResourceId,
        call: Call,
        parse: fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, Trouble> {
        let url = self.resource_url(id, "", &[API]);
        self.read(url, Asked { call, scope: id.as_str() }).await?.parsed(parse)
    }
}

/// What was read, or the trouble with what Azure does not show. Any other trouble may have passed when it is tried again.
async fn or_gap<T>(read: impl Future<Output = Result<T, Trouble>>) -> Result<Result<T, Trouble>, Trouble> {
    match read.await {
        Err(trouble) if trouble.failure.is_forbidden() => Ok(Err(trouble)),
        Err(trouble @ Trouble { failure: Failure::AzureError { status: 404, .. }, .. }) => Ok(Err(trouble)),
        other => other.map(Ok),
    }
}

/// What could be read; the rest is added to the gaps.
fn readable<T>(reads: Vec<Result<T, Trouble>>, gaps: &mut Vec<Trouble>) -> impl Iterator<Item = T> {
    reads.into_iter().filter_map(|read| {
        read.map_err(|trouble| {
            tracing::warn!(failure = %trouble.failure, "an address of the VM can't be read");
            gaps.push(trouble);
        })
        .ok()
    })
}

#[cfg(test)]
mod tests;
