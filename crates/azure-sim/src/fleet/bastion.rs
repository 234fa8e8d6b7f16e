//! Bastion hosts of a fleet file.

use serde::Deserialize;

use super::network::Complaint;
use super::{Fleet, VmSpec};
use crate::state::bastion::{BastionHost, Sku};

/// A Bastion host, in the virtual network of the VMs of its resource group and region.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BastionSpec {
    name: String,
    subscription: Option<String>,
    #[serde(default = "super::default_resource_group")]
    resource_group: String,
    #[serde(default = "super::default_location")]
    location: String,
    #[serde(default)]
    sku: Sku,
    /// `enableTunneling`: whether native clients may come.
    #[serde(default = "yes")]
    tunneling: bool,
    /// `enableIpConnect`.
    #[serde(default)]
    ip_connect: bool,
    /// Resource groups of the same subscription and region whose networks are peered with its own.
    #[serde(default)]
    peered_groups: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Fleet {
    /// The fleet's Bastion hosts.
    pub(crate) fn bastion_hosts(&self) -> Vec<BastionHost> {
        let host = |spec: &BastionSpec| {
            let subscription = self.subscription_named(spec.subscription.as_ref())?.id.to_string();
            Some(BastionHost {
                subscription,
                resource_group: spec.resource_group.clone(),
                location: spec.location.clone(),
                name: spec.name.clone(),
                sku: spec.sku,
                tunneling: spec.tunneling,
                ip_connect: spec.ip_connect,
                peered_groups: spec.peered_groups.clone(),
            })
        };
        self.bastion_hosts.iter().filter_map(host).collect()
    }

    pub(super) fn check_bastions(&self) -> Result<(), Complaint> {
        for spec in &self.bastion_hosts {
            let at = |key: &str| format!("bastion_hosts.{}.{key}", spec.name);
            let Some(subscription) = self.subscription_named(spec.subscription.as_ref()) else {
                return Err((at("subscription"), "names none of the fleet's subscriptions".to_owned()));
            };
            let has_network = |group: &String| {
                let is_there = |vm: &&VmSpec| {
                    vm.resource_group.eq_ignore_ascii_case(group) && vm.location.eq_ignore_ascii_case(&spec.location)
                };
                let mut there = self.vms.iter().filter(is_there);
                there.any(|vm| self.subscription_of(vm).is_some_and(|its| its.id == subscription.id))
            };
            let groups = [("resource_group", &spec.resource_group)];
            let peered = spec.peered_groups.iter().map(|group| ("peered_groups", group));
            if let Some((key, group)) = groups.into_iter().chain(peered).find(|(_, group)| !has_network(group)) {
                let problem = format!("{group} has no VM in {}, and so no virtual network there", spec.location);
                return Err((at(key), problem));
            }
        }
        Ok(())
    }
}
