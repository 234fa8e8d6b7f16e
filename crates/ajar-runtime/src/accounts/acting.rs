//! One account in one tenant and cloud, behind the engine's port.

use std::sync::Arc;

use ajar_azure::{ArmClient, Initiate, InitiateError};
use ajar_core::account::Acting;
use ajar_core::attempt::{Ask, InitiateFailure};
use ajar_core::failure::Trouble;
use ajar_core::policy::{JitNetworkAccessPolicy, JitNetworkAccessRequest};
use ajar_core::resource_id::{ResourceId, VmResourceId};
use ajar_core::rights::Granted;
use ajar_core::vm::{VmAddresses, VmFacts};
use async_trait::async_trait;

use super::Inner;
use crate::ports::{Azure, Wanted};

/// Azure, or the reason why there is none: without an account every call says so, and the port of a VM that is open
/// anyway can still be used.
#[derive(Debug)]
pub(super) struct As {
    accounts: Arc<Inner>,
    acting: Acting,
}

impl As {
    pub(super) fn new(accounts: Arc<Inner>, acting: Acting) -> Self {
        Self { accounts, acting }
    }

    async fn client(&self) -> Result<ArmClient, Trouble> {
        self.accounts.client(&self.acting).await
    }
}

#[async_trait]
impl Azure for As {
    async fn policies(&self, vm: &VmResourceId) -> Result<Vec<JitNetworkAccessPolicy>, Trouble> {
        self.client().await?.jit_policies(vm).await
    }

    async fn policies_of(&self, vms: &[VmResourceId]) -> Vec<Result<Vec<JitNetworkAccessPolicy>, Trouble>> {
        match self.client().await {
            Ok(client) => client.jit_policies_of(vms).await,
            Err(trouble) => vec![Err(trouble); vms.len()],
        }
    }

    async fn initiate(
        &self,
        vm: &VmResourceId,
        ask: &Ask,
        wanted: &Wanted,
    ) -> Result<JitNetworkAccessRequest, InitiateFailure> {
        let body = Initiate {
            vm: vm.clone(),
            port: ask.port,
            source: ask.source,
            end_time_utc: ask.end_time_utc,
            justification: ask.justification.clone(),
        };
        let client = self.client().await.map_err(InitiateFailure::Refused)?;
        client.initiate(&ask.policy, &body, wanted).await.map_err(|error| match error {
            InitiateError::Unanswered(trouble) => {
                tracing::warn!(%vm, failure = %trouble.failure, "the request for access was not answered");
                InitiateFailure::Unanswered(trouble)
            }
            InitiateError::Refused(trouble) => InitiateFailure::Refused(trouble),
        })
    }

    async fn virtual_machine(&self, vm: &VmResourceId) -> Result<VmFacts, Trouble> {
        self.client().await?.virtual_machine(vm).await
    }

    async fn start(&self, vm: &VmResourceId, wanted: &Wanted) -> Result<(), Trouble> {
        self.client().await?.start(vm, wanted).await
    }

    async fn addresses(&self, network_interfaces: &[ResourceId]) -> Result<VmAddresses, Trouble> {
        self.client().await?.addresses(network_interfaces).await
    }

    async fn granted(&self, vm: &VmResourceId) -> Result<Granted, Trouble> {
        self.client().await?.granted(vm).await
    }
}
