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

const API: (&str, &str) = ("api-version", "2024-05-01");

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
    #[serde(default)]
    primary: Option<bool>,
    #[serde(default, rename = "privateIPAddress", deserialize_with = "if_understood")]
    private_ip_address: Option<Ipv4Addr>,
    #[serde(default, rename = "publicIPAddress", deserialize_with = "if_understood")]
    public_ip_address: Option<Reference>,
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
    #[serde(rename = "publicIPAllocationMethod")]
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
    /// What every read can end with. An interface or an address that is not there (any more) counts as none. One that may
    /// not be read does while there is a public address; else it may be the one that is looked for, and the denial is told.
    pub async fn addresses(&self, network_interfaces: &[ResourceId]) -> Result<VmAddresses, Trouble> {
        let mut denials = Vec::new();
        let interfaces = network_interfaces.iter().map(|id| unless_denied(self.ip_configurations(id)));
        let configurations: Vec<_> = permitted(try_join_all(interfaces).await?, &mut denials).flatten().collect();
        let public_ips: Vec<ResourceId> = configurations
            .iter()
            .filter_map(|configuration| configuration.public_ip_address.as_ref()?.id.parse().ok())
            .collect();
        let public = public_ips.iter().map(|id| unless_denied(self.public_address(id)));
        let addresses = VmAddresses {
            public: permitted(try_join_all(public).await?, &mut denials).flatten().next(),
            private: configurations.iter().find_map(|configuration| configuration.private_ip_address),
        };
        match denials.into_iter().next() {
            Some(denial) if addresses.public.is_none() => Err(denial),
            _ => Ok(addresses),
        }
    }

    async fn ip_configurations(&self, id: &ResourceId) -> Result<Vec<IpConfigurationProperties>, Trouble> {
        let interface = self.read_if_there(id, Call::NetworkInterface, network_interface).await?;
        let mut configurations: Vec<_> = interface
            .map(|interface| interface.properties.ip_configurations.0)
            .unwrap_or_default()
            .into_iter()
            .map(|configuration| configuration.properties)
            .collect();
        configurations.sort_by_key(|configuration| configuration.primary != Some(true));
        Ok(configurations)
    }

    async fn public_address(&self, id: &ResourceId) -> Result<Option<PublicAddress>, Trouble> {
        let address = self.read_if_there(id, Call::PublicIpAddress, public_ip_address).await?;
        Ok(address.and_then(|PublicIpAddress { properties }| {
            let is_static = properties.allocation_method.is_some_and(|method| method.eq_ignore_ascii_case("Static"));
            Some(PublicAddress { ip: properties.ip_address?, is_static })
        }))
    }

    async fn read_if_there<T>(
        &self,
        id: &ResourceId,
        call: Call,
        parse: fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<Option<T>, Trouble> {
        let url = self.resource_url(id, "", &[API]);
        match self.read(url, Asked { call, scope: id.as_str() }).await {
            Ok(answer) => Ok(Some(answer.parsed(parse)?)),
            Err(Trouble { failure: Failure::AzureError { status: 404, .. }, .. }) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }
}

/// What was read, or the trouble of who may not read it. Any other trouble would leave a gap that the next try may fill.
async fn unless_denied<T>(read: impl Future<Output = Result<T, Trouble>>) -> Result<Result<T, Trouble>, Trouble> {
    match read.await {
        Err(
            trouble @ Trouble {
                failure: Failure::AccessDenied { .. } | Failure::AzureError { status: 403, .. }, ..
            },
        ) => Ok(Err(trouble)),
        other => other.map(Ok),
    }
}

/// What could be read; the rest is added to the denials.
fn permitted<T>(reads: Vec<Result<T, Trouble>>, denials: &mut Vec<Trouble>) -> impl Iterator<Item = T> {
    reads.into_iter().filter_map(|read| {
        read.map_err(|trouble| {
            tracing::warn!(failure = %trouble.failure, "an address of the VM can't be read");
            denials.push(trouble);
        })
        .ok()
    })
}

#[cfg(test)]
mod tests;
