//! Microsoft.Network: from a VM's network interfaces to the addresses it can be reached at.

use std::net::Ipv4Addr;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::resource_id::ResourceId;
use ajar_core::vm::{PublicAddress, VmAddresses};
use futures::future::try_join_all;
use serde::Deserialize;

use crate::arm_client::{ArmClient, Right};
use crate::wire::{Each, Reference, if_understood};

const API: (&str, &str) = ("api-version", "2024-05-01");
const READ_INTERFACE: &str = "Microsoft.Network/networkInterfaces/read";
const READ_PUBLIC_IP: &str = "Microsoft.Network/publicIPAddresses/read";

#[derive(Debug, Deserialize)]
struct NetworkInterface {
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

#[derive(Debug, Deserialize)]
struct PublicIpAddress {
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

impl ArmClient {
    /// Where a VM with these network interfaces can be reached: the first public address and the first private one,
    /// in the order given, each interface's primary configuration first. IPv4 only, as JIT is.
    ///
    /// # Errors
    /// What every read can end with. An interface or an address that is not there (any more) counts as none.
    pub async fn addresses(&self, network_interfaces: &[ResourceId]) -> Result<VmAddresses, Trouble> {
        let interfaces = try_join_all(network_interfaces.iter().map(|id| self.ip_configurations(id))).await?;
        let configurations: Vec<_> = interfaces.into_iter().flatten().collect();
        let public_ips: Vec<ResourceId> = configurations
            .iter()
            .filter_map(|configuration| configuration.public_ip_address.as_ref()?.id.parse().ok())
            .collect();
        let public = try_join_all(public_ips.iter().map(|id| self.public_address(id))).await?;
        Ok(VmAddresses {
            public: public.into_iter().flatten().next(),
            private: configurations.iter().find_map(|configuration| configuration.private_ip_address),
        })
    }

    async fn ip_configurations(&self, id: &ResourceId) -> Result<Vec<IpConfigurationProperties>, Trouble> {
        let interface: Option<NetworkInterface> = self.read_if_there(id, READ_INTERFACE).await?;
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
        let address: Option<PublicIpAddress> = self.read_if_there(id, READ_PUBLIC_IP).await?;
        Ok(address.and_then(|PublicIpAddress { properties }| {
            let is_static = properties.allocation_method.is_some_and(|method| method.eq_ignore_ascii_case("Static"));
            Some(PublicAddress { ip: properties.ip_address?, is_static })
        }))
    }

    async fn read_if_there<T: for<'de> Deserialize<'de>>(
        &self,
        id: &ResourceId,
        action: &'static str,
    ) -> Result<Option<T>, Trouble> {
        let url = self.resource_url(id, "", &[API]);
        match self.read(url, Right { action, scope: id.as_str() }).await {
            Ok(answer) => Ok(Some(answer.parsed(|json| serde_json::from_slice(json))?)),
            Err(Trouble { failure: Failure::AzureError { status: 404, .. }, .. }) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }
}

#[cfg(test)]
mod tests;
