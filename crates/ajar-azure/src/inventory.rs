//! All VMs that an account can see in a tenant: by Resource Graph, and where that is denied by the lists of its
//! subscriptions.

mod joined;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use ajar_core::failure::Trouble;
use ajar_core::inventory::{InventoryVm, Lacking};
use ajar_core::policy::JitNetworkAccessPolicy;
use ajar_core::resource_id::VmResourceId;
use futures::StreamExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::arm_client::{ArmClient, Asked};
use crate::call::Call;
use crate::compute;
use crate::resource_graph::texts;
use crate::wire::if_understood;

const API: (&str, &str) = ("api-version", "2022-12-01");

/// How many subscriptions are listed at the same time: Azure counts requests.
const LISTS_AT_ONCE: usize = 4;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tenant {
    tenant_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    subscription_id: String,
    #[serde(default, deserialize_with = "if_understood")]
    display_name: Option<String>,
}

/// A VM as lists show it. One list has its model, another its power state.
#[derive(Debug, Deserialize)]
struct Vm {
    id: VmResourceId,
    #[serde(default, deserialize_with = "if_understood")]
    location: Option<String>,
    #[serde(default, deserialize_with = "if_understood")]
    tags: Option<BTreeMap<String, Value>>,
    #[serde(default, deserialize_with = "if_understood")]
    properties: Option<compute::wire::Properties>,
}

impl Vm {
    fn into_core(self, subscription: &str) -> InventoryVm {
        InventoryVm {
            id: self.id,
            subscription: subscription.into(),
            location: self.location.unwrap_or_default().into(),
            os: self.properties.as_ref().and_then(compute::wire::Properties::os),
            power: None,
            private_addresses: Box::default(),
            public_addresses: Box::default(),
            tags: self.tags.map(texts).unwrap_or_default(),
            jit_ports: None,
            lacks: Box::default(),
            kept_from: None,
        }
    }
}

impl ArmClient {
    /// The ids of the tenants that know the account.
    ///
    /// # Errors
    /// What every read can end with.
    pub async fn tenants(&self) -> Result<Vec<String>, Trouble> {
        let tenants: Vec<Tenant> = self.list(Asked { call: Call::Tenants, scope: "/tenants" }, "/tenants", API).await?;
        Ok(tenants.into_iter().map(|tenant| tenant.tenant_id).collect())
    }

    /// All VMs that the account may read in the tenant of its tokens. They are told as they come, up to a thousand at a
    /// time. Where Resource Graph is denied the subscriptions are listed, each with its network interfaces and addresses; what of that
    /// may not be read is lacking of its VMs, and why is told at the end.
    ///
    /// # Errors
    /// What keeps some of them from being read; the others have been told.
    pub async fn inventory(&self, tell: &(dyn Fn(Vec<InventoryVm>) + Send + Sync)) -> Result<Vec<Lacking>, Trouble> {
        let told = AtomicBool::new(false);
        let tell_first = |vms| {
            told.store(true, Ordering::Relaxed);
            tell(vms);
        };
        match self.query_vms(&tell_first).await {
            // Lists would tell of the VMs of earlier pages once more.
            Err(Trouble { failure, .. }) if failure.is_forbidden() && !told.load(Ordering::Relaxed) => {
                tracing::debug!(%failure, "Resource Graph is denied; listing the subscriptions");
                self.list_vms(tell).await
            }
            other => other.map(|()| Vec::new()),
        }
    }

    /// The JIT policies of a subscription.
    ///
    /// # Errors
    /// What every read can end with.
    pub async fn jit_policies_in(&self, subscription: &str) -> Result<Vec<JitNetworkAccessPolicy>, Trouble> {
        self.list_policies(Call::PoliciesOfSubscription, &format!("/subscriptions/{subscription}")).await
    }

    async fn list_vms(&self, tell: &(dyn Fn(Vec<InventoryVm>) + Send + Sync)) -> Result<Vec<Lacking>, Trouble> {
        let asked = Asked { call: Call::Subscriptions, scope: "/subscriptions" };
        let subscriptions: Vec<Subscription> = self.list(asked, "/subscriptions", API).await?;
        let mut lists = futures::stream::iter(subscriptions)
            .map(async |Subscription { subscription_id, display_name }: Subscription| {
                let scope = format!("/subscriptions/{subscription_id}");
                let path = format!("{scope}/providers/Microsoft.Compute/virtualMachines");
                let asked = Asked { call: Call::VmsOfSubscription, scope: &scope };
                let vms: Vec<Vm> = self.list(asked, &path, compute::API).await?;
                let name = display_name.unwrap_or_default();
                let mut vms: Vec<_> = vms.into_iter().map(|vm| vm.into_core(&name)).collect();
                let lacking = self.joined(&scope, &mut vms).await;
                Ok((vms, lacking))
            })
            .buffer_unordered(LISTS_AT_ONCE);
        let (mut missing, mut lacking) = (None, Vec::<Lacking>::new());
        while let Some(list) = lists.next().await {
            match list {
                Ok((vms, lacks)) => {
                    tell(vms);
                    // What several subscriptions lack is told once, and of how many.
                    for one in lacks {
                        match lacking.iter_mut().find(|known| known.lack == one.lack) {
                            Some(known) => known.also += 1,
                            None => lacking.push(one),
                        }
                    }
                }
                Err(trouble) => missing = missing.or(Some(trouble)),
            }
        }
        missing.map_or(Ok(lacking), Err)
    }

    /// All pages of a list.
    async fn list<T: DeserializeOwned>(
        &self,
        asked: Asked<'_>,
        path: &str,
        api: (&str, &str),
    ) -> Result<Vec<T>, Trouble> {
        self.read_list(self.url(path, &[api]), asked, |body| serde_json::from_slice(body)).await
    }
}
