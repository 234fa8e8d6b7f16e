//! One account in one tenant and cloud, behind the engine's port.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use ajar_azure::{ArmClient, Initiate, InitiateError};
use ajar_core::account::Acting;
use ajar_core::activity::ActivityEvent;
use ajar_core::attempt::{Ask, InitiateFailure};
use ajar_core::bastion::BastionHost;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::policy::{JitNetworkAccessPolicy, JitNetworkAccessRequest};
use ajar_core::resource_id::{ResourceId, VmResourceId};
use ajar_core::rights::Granted;
use ajar_core::vm::{VmAddresses, VmFacts};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::future::join_all;
use tokio::sync::Mutex;

use super::Inner;
use crate::ports::{Asking, AzTunnel, Azure, TellBegun, Tunnel, Wanted};

/// Azure, or the reason why there is none: without an account every call says so, and the port of a VM that is open
/// anyway can still be used.
#[derive(Debug)]
pub(super) struct As {
    accounts: Arc<Inner>,
    acting: Acting,
}

impl Inner {
    /// Trouble with the account, by the name under which it acts here, and with the others that could. What its own tenant
    /// wants of it is told as that, by whichever name it goes.
    pub(super) async fn named(&self, acting: &Acting, Trouble { failure, correlation_id }: Trouble) -> Trouble {
        let mut failure = failure.of_account(acting.account.as_str());
        if let Failure::NotSignedIn { others, here, .. } = &mut failure {
            *others = self.others_than(acting).into();
            *here = self.is_named_to_sign_in(&acting.cloud).then(|| acting.cloud.as_str().into());
        }
        let elsewhere = if let Failure::SignInRequired { demand, .. } = &mut failure {
            Some(&mut demand.tenant)
        } else if let Failure::ConditionalAccess { tenant, .. } | Failure::AccountDisabled { tenant, .. } = &mut failure
        {
            Some(tenant)
        } else {
            None
        };
        if let Some(elsewhere) = elsewhere
            && let Some(tenant) = elsewhere.as_deref()
        {
            if self.is_own_tenant(acting, tenant).await {
                *elsewhere = None;
            } else {
                self.learn_tenants(acting, tenant).await;
            }
        }
        Trouble { failure, correlation_id }
    }
}

impl As {
    pub(super) fn new(accounts: Arc<Inner>, acting: Acting) -> Self {
        Self { accounts, acting }
    }

    async fn client(&self, about: &ResourceId) -> Result<ArmClient, Trouble> {
        match self.accounts.client(&self.acting, about.subscription_id()).await {
            Ok(client) => Ok(client),
            Err(trouble) => Err(self.named(trouble).await),
        }
    }

    async fn named(&self, trouble: Trouble) -> Trouble {
        self.accounts.named(&self.acting, trouble).await
    }

    /// Sends a request for access to VMs that a policy guards.
    async fn ask(
        &self,
        policy: &ResourceId,
        bodies: &[Initiate],
        wanted: &Wanted,
    ) -> Result<JitNetworkAccessRequest, InitiateFailure> {
        let client = self.client(policy).await.map_err(InitiateFailure::Refused)?;
        match client.initiate_all(policy, bodies, wanted).await {
            Ok(request) => Ok(request),
            Err(InitiateError::Unanswered(trouble)) => {
                tracing::warn!(%policy, failure = %trouble.failure, "the request for access was not answered");
                Err(InitiateFailure::Unanswered(trouble))
            }
            Err(InitiateError::Refused(trouble)) => Err(InitiateFailure::Refused(self.named(trouble).await)),
        }
    }

    /// Asks for each by itself; of those of one VM the next when the one before is answered.
    async fn initiate_one_by_one(&self, asks: &[Asking]) -> Vec<Result<JitNetworkAccessRequest, InitiateFailure>> {
        let turns: HashMap<&VmResourceId, Mutex<()>> = asks.iter().map(|one| (&one.vm, Mutex::default())).collect();
        let turns = &turns;
        let one_by_one = asks.iter().map(async |one| {
            let turn = turns[&one.vm].lock().await;
            let result = self.initiate(&one.vm, &one.ask, &one.wanted).await;
            drop(turn);
            result
        });
        join_all(one_by_one).await
    }

    /// What came of a call about something. A token that is refused may be one of a tenant that the subscription has left.
    async fn told<T>(&self, about: &ResourceId, result: Result<T, Trouble>) -> Result<T, Trouble> {
        match result {
            Err(trouble) => Err(self.trouble(about, trouble).await),
            result => result,
        }
    }

    /// The trouble with a call about something.
    async fn trouble(&self, about: &ResourceId, Trouble { failure, correlation_id }: Trouble) -> Trouble {
        let subscription = about.subscription_id();
        if matches!(
            failure,
            Failure::NotSignedIn { .. }
                | Failure::NotSignedInToAzd { .. }
                | Failure::ToolTokenRefused { .. }
                | Failure::SignInRequired { .. }
                | Failure::OtherTenant { .. }
        ) {
            self.accounts.forget_tenant(subscription, &self.acting).await;
        }
        if let Some(why) = self.accounts.learnt(&failure, subscription, &self.acting).await {
            return self.named(why).await;
        }
        let failure = self.accounts.behind(failure, subscription, &self.acting);
        self.named(Trouble { failure, correlation_id }).await
    }
}

/// What *initiate* takes of it.
fn body(vm: &VmResourceId, ask: &Ask) -> Initiate {
    Initiate {
        vm: vm.clone(),
        port: ask.port,
        source: ask.prefix(),
        end_time_utc: ask.end_time_utc,
        duration: ask.duration,
        justification: ask.justification.clone(),
    }
}

/// Whether a request for several may have been refused for what one of them asks, or because somebody has withdrawn theirs.
fn may_be_about_one(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::RequestRefused { .. }
            | Failure::RequestConflict { .. }
            | Failure::AzureError { .. }
            | Failure::AccessDenied { .. }
            | Failure::DenyAssigned { .. }
            | Failure::Cancelled { .. }
    )
}

#[async_trait]
impl Azure for As {
    async fn policies(&self, vm: &VmResourceId) -> Result<Vec<JitNetworkAccessPolicy>, Trouble> {
        let policies = self.client(vm.resource()).await?.jit_policies(vm).await;
        self.told(vm.resource(), policies).await
    }

    async fn policies_of(&self, vms: &[VmResourceId]) -> Vec<Result<Vec<JitNetworkAccessPolicy>, Trouble>> {
        let Some(first) = vms.first() else { return Vec::new() };
        match self.client(first.resource()).await {
            Ok(client) => {
                let mut told = Vec::with_capacity(vms.len());
                for (vm, policies) in vms.iter().zip(client.jit_policies_of(vms).await) {
                    told.push(self.told(vm.resource(), policies).await);
                }
                told
            }
            Err(trouble) => vec![Err(trouble); vms.len()],
        }
    }

    async fn initiate(
        &self,
        vm: &VmResourceId,
        ask: &Ask,
        wanted: &Wanted,
    ) -> Result<JitNetworkAccessRequest, InitiateFailure> {
        self.ask(&ask.policy, &[body(vm, ask)], wanted).await
    }

    async fn initiate_together(&self, asks: &[Asking]) -> Vec<Result<JitNetworkAccessRequest, InitiateFailure>> {
        let Some(first) = asks.first() else { return Vec::new() };
        let bodies: Vec<_> = asks.iter().map(|one| body(&one.vm, &one.ask)).collect();
        let wanted = Wanted::of_all(asks.iter().map(|one| &one.wanted));
        match self.ask(&first.ask.policy, &bodies, &wanted).await {
            // Nothing was opened, and it may be for one of them that the others were not.
            Err(InitiateFailure::Refused(trouble)) if may_be_about_one(&trouble.failure) => {
                tracing::info!(failure = %trouble.failure, "asking for each port by itself");
                self.initiate_one_by_one(asks).await
            }
            result => vec![result; asks.len()],
        }
    }

    async fn virtual_machine(&self, vm: &VmResourceId) -> Result<VmFacts, Trouble> {
        let facts = self.client(vm.resource()).await?.virtual_machine(vm).await;
        self.told(vm.resource(), facts).await
    }

    async fn start(&self, vm: &VmResourceId, wanted: &Wanted) -> Result<(), Trouble> {
        let started = self.client(vm.resource()).await?.start(vm, wanted).await;
        self.told(vm.resource(), started).await
    }

    async fn deallocate(&self, vm: &VmResourceId, wanted: &Wanted, begun: &TellBegun<'_>) -> Result<(), Trouble> {
        let deallocated = self.client(vm.resource()).await?.deallocate(vm, wanted, begun).await;
        self.told(vm.resource(), deallocated).await
    }

    async fn see_deallocated(&self, vm: &VmResourceId) -> Result<(), Trouble> {
        let seen = self.client(vm.resource()).await?.see_deallocated(vm).await;
        self.told(vm.resource(), seen).await
    }

    async fn addresses(&self, network_interfaces: &[ResourceId]) -> Result<VmAddresses, Trouble> {
        let Some(first) = network_interfaces.first() else { return Ok(VmAddresses::default()) };
        let addresses = self.client(first).await?.addresses(network_interfaces).await;
        self.told(first, addresses).await
    }

    async fn bastion(&self, subnet: &ResourceId) -> Result<BastionHost, Trouble> {
        let found = self.client(subnet).await?.bastion(subnet).await;
        self.told(subnet, found).await
    }

    async fn tunnel(&self, host: &BastionHost, vm: &VmResourceId, port: u16) -> Result<Tunnel, Trouble> {
        let tunnel = self.client(vm.resource()).await?.tunnel(host, vm, port).await;
        self.told(vm.resource(), tunnel).await
    }

    async fn az_tunnel(
        &self,
        az: &Path,
        host: &BastionHost,
        vm: &VmResourceId,
        port: u16,
    ) -> Result<AzTunnel, Trouble> {
        Ok(self.client(vm.resource()).await?.az_tunnel(az, host, vm, port).await?)
    }

    async fn granted(&self, vm: &VmResourceId) -> Result<Granted, Trouble> {
        let granted = self.client(vm.resource()).await?.granted(vm).await;
        self.told(vm.resource(), granted).await
    }

    async fn activity_log(
        &self,
        vm: &VmResourceId,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<ActivityEvent>, Trouble> {
        let events = self.client(vm.resource()).await?.activity_log(vm, since, until).await;
        self.told(vm.resource(), events).await
    }
}
