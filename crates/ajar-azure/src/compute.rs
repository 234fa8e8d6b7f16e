//! Microsoft.Compute `virtualMachines`: reading one, starting it, deallocating it.

pub(crate) mod wire;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::resource_id::VmResourceId;
use ajar_core::vm::VmFacts;

use crate::arm_client::{ArmClient, Asked};
use crate::call::Call;
use crate::operations::{Operation, TellBegun};
use crate::wanted::Wanted;
use wire::VmView;

/// Served by every cloud; newer versions add nothing that is read here.
pub(crate) const API: (&str, &str) = ("api-version", "2024-07-01");

impl ArmClient {
    /// The VM's power state, operating system, region and network interfaces, in one read.
    ///
    /// # Errors
    /// [`Failure::VmNotFound`], and what every read can end with.
    pub async fn virtual_machine(&self, vm: &VmResourceId) -> Result<VmFacts, Trouble> {
        Ok(self.vm_view(vm).await?.facts)
    }

    /// Starts the VM and returns when it runs. One POST, if it is `wanted` when its turn comes; then Azure is asked how
    /// far it is, wanted or not.
    ///
    /// What ends this future ends only the asking: Azure goes on starting the VM.
    ///
    /// # Errors
    /// [`Failure::AllocationFailed`] where Azure has no room, [`Failure::StartFailed`] with Azure's words otherwise,
    /// [`Failure::VmNotFound`], [`Failure::AccessDenied`], [`Failure::Cancelled`] if it was withdrawn and not sent, and
    /// what every call can end with.
    pub async fn start(&self, vm: &VmResourceId, wanted: &Wanted) -> Result<(), Trouble> {
        self.operate(vm, Operation::Start, wanted, &|| {}).await
    }

    /// Stops the VM and gives its hardware back, and returns when that is done; `begun` hears when Azure has taken that on.
    ///
    /// What ends this future ends only the asking: Azure goes on.
    ///
    /// # Errors
    /// [`Failure::VmNotFound`], [`Failure::AccessDenied`], [`Failure::DeallocateFailed`] with Azure's words,
    /// [`Failure::DeallocationUnseen`], [`Failure::DeallocationUnended`], [`Failure::Cancelled`] if it was withdrawn and not
    /// sent, and what every call can end with.
    pub async fn deallocate(&self, vm: &VmResourceId, wanted: &Wanted, begun: &TellBegun<'_>) -> Result<(), Trouble> {
        self.operate(vm, Operation::Deallocate, wanted, begun).await
    }

    /// Returns when a VM that is being deallocated is, without asking for anything.
    ///
    /// # Errors
    /// As [`Self::deallocate`], but for what asking ends with.
    pub async fn see_deallocated(&self, vm: &VmResourceId) -> Result<(), Trouble> {
        self.see_through(vm, Operation::Deallocate).await
    }

    pub(crate) async fn vm_view(&self, vm: &VmResourceId) -> Result<VmView, Trouble> {
        let url = self.resource_url(vm.resource(), "", &[("$expand", "instanceView"), API]);
        let asked = Asked { call: Call::Vm, scope: vm.resource().as_str() };
        self.read(url, asked).await.map_err(|trouble| not_found(trouble, vm))?.parsed(wire::virtual_machine)
    }
}

/// A 404 on a VM's own path: the VM or its group is not there, or may not be seen.
pub(crate) fn not_found(trouble: Trouble, vm: &VmResourceId) -> Trouble {
    if matches!(trouble.failure, Failure::AzureError { status: 404, .. }) {
        Trouble { failure: Failure::VmNotFound { vm: vm.to_string() }, ..trouble }
    } else {
        trouble
    }
}

#[cfg(test)]
mod tests;
