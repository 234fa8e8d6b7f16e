//! Azure Bastion: which VMs a host reaches, and from where they see it come.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};
use ipnet::Ipv4Net;
use serde::Deserialize;

use crate::state::Cloud;
use crate::state::vm::Vm;

/// What a host can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Sku {
    Developer,
    Basic,
    #[default]
    Standard,
    Premium,
}

impl Sku {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Developer => "Developer",
            Self::Basic => "Basic",
            Self::Standard => "Standard",
            Self::Premium => "Premium",
        }
    }
}

/// `Microsoft.Network/bastionHosts`.
#[derive(Clone, Debug)]
pub(crate) struct BastionHost {
    pub(crate) subscription: String,
    pub(crate) resource_group: String,
    pub(crate) location: String,
    pub(crate) name: String,
    pub(crate) sku: Sku,
    pub(crate) tunneling: bool,
    pub(crate) ip_connect: bool,
    pub(crate) peered_groups: Vec<String>,
}

/// The subnet that only a Bastion host is in.
pub(crate) const SUBNET: &str = "AzureBastionSubnet";

/// Its addresses, apart from those of VMs.
pub(crate) fn subnet() -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(10, 1, 254, 0), 26)
}

/// From where VMs see a host's connections come: the first address that Azure leaves free in a subnet.
const INSTANCE: Ipv4Addr = Ipv4Addr::new(10, 1, 254, 4);

impl BastionHost {
    pub(crate) fn id(&self) -> String {
        let (subscription, group, name) = (&self.subscription, &self.resource_group, &self.name);
        format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/bastionHosts/{name}")
    }

    /// The id of the virtual network of a resource group in its subscription and region.
    fn network_of(&self, group: &str) -> String {
        let (subscription, location) = (&self.subscription, &self.location);
        format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/vnet-{location}"
        )
    }

    /// The id of its own virtual network.
    pub(crate) fn network_id(&self) -> String {
        self.network_of(&self.resource_group)
    }

    /// The ids of the networks that are peered with its own.
    pub(crate) fn peered_networks(&self) -> impl Iterator<Item = String> {
        self.peered_groups.iter().map(|group| self.network_of(group))
    }

    /// Whether it is in the VM's network, or in one that is peered with that.
    pub(crate) fn reaches(&self, vm: &Vm) -> bool {
        let network = vm.network_id();
        let is_its = |known: String| known.eq_ignore_ascii_case(&network);
        is_its(self.network_id()) || self.peered_networks().any(is_its)
    }

    /// Whether native clients may come.
    pub(crate) fn has_tunnel(&self) -> bool {
        self.tunneling && matches!(self.sku, Sku::Standard | Sku::Premium)
    }
}

impl Cloud {
    /// The Bastion hosts of a subscription, or of one of its resource groups; case does not matter.
    pub(crate) fn bastions_in(
        &self,
        subscription: &str,
        resource_group: Option<&str>,
    ) -> impl Iterator<Item = &BastionHost> {
        self.bastion_hosts.iter().filter(move |host| {
            host.subscription.eq_ignore_ascii_case(subscription)
                && resource_group.is_none_or(|group| host.resource_group.eq_ignore_ascii_case(group))
        })
    }

    /// The networks that are peered with one, as its id is written.
    pub(crate) fn peerings(&self, network: &str) -> Vec<String> {
        let mut all = Vec::new();
        for host in &self.bastion_hosts {
            let hub = host.network_id();
            if hub.eq_ignore_ascii_case(network) {
                all.extend(host.peered_networks());
            } else if host.peered_networks().any(|spoke| spoke.eq_ignore_ascii_case(network)) {
                all.push(hub);
            }
        }
        all
    }

    /// Whether a Bastion host gets to the VM's port: the VM answers, and its security groups let the host's subnet in.
    pub(crate) fn admits_bastion(&self, vm: &Vm, port: u16, now: DateTime<Utc>) -> bool {
        vm.power.booted(now) && self.admits_from(INSTANCE, vm, port, now)
    }
}
