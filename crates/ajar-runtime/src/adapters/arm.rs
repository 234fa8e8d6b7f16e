//! Azure Resource Manager behind the engine's port.

use ajar_azure::{ArmClient, Initiate, InitiateError};
use ajar_core::attempt::{Ask, InitiateFailure};
use ajar_core::failure::Trouble;
use ajar_core::policy::{JitNetworkAccessPolicy, JitNetworkAccessRequest};
use ajar_core::resource_id::{ResourceId, VmResourceId};
use ajar_core::vm::{VmAddresses, VmFacts};
use async_trait::async_trait;
use chrono::TimeDelta;

use crate::ports::{Azure, Wanted};

/// Azure, or the reason why there is none: without an account every call says so, and the port of a VM that is open
/// anyway can still be used.
#[derive(Debug)]
pub struct Arm(Result<ArmClient, Trouble>);

impl Arm {
    /// Takes a client, or the trouble there was in making one.
    pub fn new(client: Result<ArmClient, Trouble>) -> Self {
        Self(client)
    }

    /// Azure's time minus ours, as its answers showed it.
    pub fn clock_skew(&self) -> Option<TimeDelta> {
        self.0.as_ref().ok().and_then(ArmClient::clock_skew)
    }

    fn client(&self) -> Result<&ArmClient, Trouble> {
        self.0.as_ref().map_err(Clone::clone)
    }
}

#[async_trait]
impl Azure for Arm {
    async fn policies(&self, vm: &VmResourceId) -> Result<Vec<JitNetworkAccessPolicy>, Trouble> {
        self.client()?.jit_policies(vm).await
    }

    async fn policies_of(&self, vms: &[VmResourceId]) -> Vec<Result<Vec<JitNetworkAccessPolicy>, Trouble>> {
        match self.client() {
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
        let client = self.client().map_err(InitiateFailure::Refused)?;
        client.initiate(&ask.policy, &body, wanted).await.map_err(|error| match error {
            InitiateError::Unanswered(trouble) => {
                tracing::warn!(%vm, failure = %trouble.failure, "the request for access was not answered");
                InitiateFailure::Unanswered(trouble)
            }
            InitiateError::Refused(trouble) => InitiateFailure::Refused(trouble),
        })
    }

    async fn virtual_machine(&self, vm: &VmResourceId) -> Result<VmFacts, Trouble> {
        self.client()?.virtual_machine(vm).await
    }

    async fn start(&self, vm: &VmResourceId, wanted: &Wanted) -> Result<(), Trouble> {
        self.client()?.start(vm, wanted).await
    }

    async fn addresses(&self, network_interfaces: &[ResourceId]) -> Result<VmAddresses, Trouble> {
        self.client()?.addresses(network_interfaces).await
    }
}
