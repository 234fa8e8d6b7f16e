//! Azure Bastion: which host leads native clients to a VM.
//! https://learn.microsoft.com/rest/api/virtualnetwork/bastion-hosts

use ajar_core::bastion::{BastionHost, SUBNET};
use ajar_core::failure::{BastionFlaw, Failure, Trouble};
use ajar_core::resource_id::ResourceId;
use futures::future::{join, try_join_all};
use ipnet::Ipv4Net;
use serde::Deserialize;
use url::Url;

use crate::arm_client::{ArmClient, Asked};
use crate::call::Call;
use crate::wire::{Each, Page, Reference, if_understood};

const API: (&str, &str) = ("api-version", "2024-05-01");

#[derive(Debug, Deserialize)]
struct Host {
    id: ResourceId,
    #[serde(default, deserialize_with = "if_understood")]
    sku: Option<Sku>,
    #[serde(default)]
    properties: HostProperties,
}

#[derive(Debug, Deserialize)]
struct Sku {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HostProperties {
    #[serde(deserialize_with = "if_understood")]
    dns_name: Option<String>,
    #[serde(deserialize_with = "if_understood")]
    enable_tunneling: Option<bool>,
    #[serde(deserialize_with = "if_understood")]
    provisioning_state: Option<String>,
    ip_configurations: Each<Configuration>,
    /// Of the Developer SKU, which has no subnet.
    #[serde(deserialize_with = "if_understood")]
    virtual_network: Option<Reference>,
}

#[derive(Debug, Deserialize)]
struct Configuration {
    properties: ConfigurationProperties,
}

#[derive(Debug, Deserialize)]
struct ConfigurationProperties {
    subnet: Reference,
}

#[derive(Debug, Deserialize)]
struct Network {
    #[serde(default)]
    properties: NetworkProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NetworkProperties {
    subnets: Each<Subnet>,
    virtual_network_peerings: Each<Peering>,
}

#[derive(Debug, Deserialize)]
struct Subnet {
    name: String,
    properties: SubnetProperties,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubnetProperties {
    #[serde(default, deserialize_with = "if_understood")]
    address_prefix: Option<Ipv4Net>,
    /// In place of the one, where there are several.
    #[serde(default)]
    address_prefixes: Each<Ipv4Net>,
}

#[derive(Debug, Deserialize)]
struct Peering {
    properties: PeeringProperties,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PeeringProperties {
    remote_virtual_network: Reference,
}

impl Network {
    fn peers(&self) -> impl Iterator<Item = ResourceId> {
        let peerings = self.properties.virtual_network_peerings.0.iter();
        peerings.filter_map(|peering| peering.properties.remote_virtual_network.id.parse().ok())
    }

    fn bastion_subnet(&self) -> Option<Ipv4Net> {
        let own = self.properties.subnets.0.iter().find(|subnet| subnet.name.eq_ignore_ascii_case(SUBNET))?;
        own.properties.address_prefix.or_else(|| own.properties.address_prefixes.0.first().copied())
    }
}

impl Host {
    /// The virtual network that it is in.
    fn network(&self) -> Option<ResourceId> {
        let by_subnet = self.properties.ip_configurations.0.first().map(|one| one.properties.subnet.id.as_str());
        match by_subnet {
            Some(subnet) => network_of(subnet),
            None => self.properties.virtual_network.as_ref()?.id.parse().ok(),
        }
    }

    fn sku(&self) -> &str {
        self.sku.as_ref().map_or("Basic", |sku| sku.name.as_str())
    }

    /// What keeps native clients from being led through it.
    fn flaw(&self, client: &ArmClient) -> Option<BastionFlaw> {
        let state = self.properties.provisioning_state.as_deref().filter(|state| *state != "Succeeded");
        if !["Standard", "Premium"].iter().any(|sku| self.sku().eq_ignore_ascii_case(sku)) {
            Some(BastionFlaw::Sku(self.sku().to_owned()))
        } else if self.properties.enable_tunneling != Some(true) {
            Some(BastionFlaw::TunnelingOff)
        } else if let (None, Some(state)) = (&self.properties.dns_name, state) {
            Some(BastionFlaw::NotReady(state.to_owned()))
        } else {
            let named = self.properties.dns_name.as_deref().unwrap_or_default();
            let is_trusted = door(named).is_some_and(|url| client.is_of_bastion(&url));
            (!is_trusted).then(|| BastionFlaw::Elsewhere(named.to_owned()))
        }
    }
}

fn hosts(json: &[u8]) -> serde_json::Result<Page<Host>> {
    serde_json::from_slice(json)
}

/// The virtual network of a subnet.
fn network_of(subnet: &str) -> Option<ResourceId> {
    let (network, _) = subnet.rsplit_once("/subnets/")?;
    network.parse().ok()
}

/// Where a host's ways are asked for; `None` of what is more than the name of a host.
pub(crate) fn door(dns_name: &str) -> Option<Url> {
    let url = Url::parse(&format!("https://{dns_name}/")).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.path() == "/";
    (is_plain && url.query().is_none() && url.fragment().is_none() && url.has_host()).then_some(url)
}

/// Whether the address of a host ends in a suffix, which is given with or without the dot before it. One that says nothing is none.
pub(crate) fn is_below(url: &Url, suffix: &str) -> bool {
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    let suffix = suffix.trim_start_matches('.').to_ascii_lowercase();
    !suffix.is_empty() && url.port().is_none() && host.strip_suffix(&suffix).is_some_and(|first| first.ends_with('.'))
}

impl ArmClient {
    /// The Bastion host that leads native clients to a VM in this subnet: one in its virtual network, else in one that is peered
    /// with that. A network that may not be read counts as one without peerings.
    ///
    /// # Errors
    /// What every read can end with; [`Failure::NoBastion`], and [`Failure::BastionUnfit`] where those that there are lead none.
    pub async fn bastion(&self, subnet: &ResourceId) -> Result<BastionHost, Trouble> {
        let none = || Trouble::from(Failure::NoBastion);
        let network = network_of(subnet.as_str()).ok_or_else(none)?;
        let (own, listed) = join(self.network(&network), self.bastions_in(network.subscription_id())).await;
        let (own, mut listed) = (own?, listed?);
        let mut networks = vec![network.clone()];
        networks.extend(own.iter().flat_map(Network::peers));
        let mut elsewhere: Vec<&str> = networks.iter().map(ResourceId::subscription_id).collect();
        elsewhere.retain(|id| !id.eq_ignore_ascii_case(network.subscription_id()));
        elsewhere.sort_unstable();
        elsewhere.dedup();
        // A hub may be in a subscription that this account sees nothing of.
        let beside = elsewhere.into_iter().map(async |id| match self.bastions_in(id).await {
            Err(trouble) if trouble.failure.is_forbidden() => Ok(Vec::new()),
            other => other,
        });
        listed.extend(try_join_all(beside).await?.into_iter().flatten());
        let place = |host: &Host| networks.iter().position(|known| host.network().as_ref() == Some(known));
        let mut near: Vec<_> = listed.into_iter().filter_map(|host| Some((place(&host)?, host))).collect();
        near.sort_by_key(|(place, host)| (host.flaw(self).is_some(), *place));
        let (_, host) = near.into_iter().next().ok_or_else(none)?;
        if let Some(flaw) = host.flaw(self) {
            return Err(Failure::BastionUnfit { bastion: host.id.name().to_owned(), flaw }.into());
        }
        let its = match host.network() {
            Some(its) if its != network => self.network(&its).await?,
            _ => own,
        };
        let subnet = its.and_then(|network| network.bastion_subnet());
        Ok(BastionHost { id: host.id, dns_name: host.properties.dns_name.unwrap_or_default(), subnet })
    }

    async fn bastions_in(&self, subscription: &str) -> Result<Vec<Host>, Trouble> {
        let scope = format!("/subscriptions/{subscription}");
        let url = self.url(&format!("{scope}/providers/Microsoft.Network/bastionHosts"), &[API]);
        let asked = Asked { call: Call::BastionsOfSubscription, scope: &scope };
        self.read_list(url, asked, hosts).await
    }

    /// A virtual network, if it may be read.
    async fn network(&self, id: &ResourceId) -> Result<Option<Network>, Trouble> {
        let url = self.resource_url(id, "", &[API]);
        match self.read(url, Asked { call: Call::VirtualNetwork, scope: id.as_str() }).await {
            Ok(answer) => answer.parsed(|body| serde_json::from_slice(body)).map(Some),
            Err(trouble) if trouble.failure.is_forbidden() => Ok(None),
            Err(Trouble { failure: Failure::AzureError { status: 404, .. }, .. }) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }
}

#[cfg(test)]
mod tests;
