//! The VMs that accounts can see, tenant by tenant.

use ajar_core::account::{Acting, SignInMethod};
use ajar_core::failure::Trouble;
use ajar_core::inventory::{Lacking, Viewpoint};
use ajar_core::policy::JitNetworkAccessPolicy;
use async_trait::async_trait;

use super::AzureAccounts;
use super::tenants::roams;
use crate::ports::{TellVms, VmLists};

fn acting_at(viewpoint: &Viewpoint) -> Acting {
    let Viewpoint { account, cloud, tenant } = viewpoint.clone();
    Acting { cloud, account, tenant }
}

#[async_trait]
impl VmLists for AzureAccounts {
    async fn viewpoints(&self, acting: &Acting) -> Result<Vec<Viewpoint>, Trouble> {
        let at = |tenant| Viewpoint { account: acting.account.clone(), cloud: acting.cloud.clone(), tenant };
        let settings = self.0.settings()?;
        // A user of the Azure CLI may be kept to one tenant.
        let own = settings.own_account(&acting.account).map(|(_, own)| own);
        let kept_to = own.filter(|own| own.sign_in == SignInMethod::Az).and_then(|own| own.tenant.clone());
        let tenant = acting.tenant.clone().or(kept_to);
        if tenant.is_some() || !roams(acting, &settings) {
            return Ok(vec![at(tenant)]);
        }
        let tenants = async { self.0.client_in(acting).await?.tenants().await };
        match tenants.await {
            Ok(tenants) => Ok(tenants.into_iter().map(|tenant| at(Some(tenant))).collect()),
            Err(trouble) => Err(self.0.named(acting, trouble).await),
        }
    }

    async fn vms(&self, viewpoint: &Viewpoint, tell: &TellVms<'_>) -> Result<Vec<Lacking>, Trouble> {
        let acting = acting_at(viewpoint);
        let read = async { self.0.client_in(&acting).await?.inventory(tell).await };
        match read.await {
            Ok(lacking) => Ok(lacking),
            Err(trouble) => Err(self.0.named(&acting, trouble).await),
        }
    }

    async fn policies_in(
        &self,
        viewpoint: &Viewpoint,
        subscription: &str,
    ) -> Result<Vec<JitNetworkAccessPolicy>, Trouble> {
        self.0.client_in(&acting_at(viewpoint)).await?.jit_policies_in(subscription).await
    }
}
