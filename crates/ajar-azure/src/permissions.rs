//! What the signed-in account may where a VM is.
//! https://learn.microsoft.com/rest/api/authorization/permissions

use ajar_core::failure::Trouble;
use ajar_core::resource_id::VmResourceId;
use ajar_core::rights::{Granted, Permission};
use serde::Deserialize;

use crate::arm_client::{ArmClient, Asked};
use crate::call::Call;
use crate::compute::not_found;
use crate::wire::Each;

const API_VERSION: &str = "2022-04-01";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(default)]
    actions: Each<String>,
    #[serde(default)]
    not_actions: Each<String>,
}

impl ArmClient {
    /// What the account may at the VM and at its resource group; where it may not look that up, nothing is known.
    ///
    /// # Errors
    /// Whatever else keeps Azure from telling.
    pub async fn granted(&self, vm: &VmResourceId) -> Result<Granted, Trouble> {
        let group = vm.resource().resource_group_scope();
        let of_vm = self.permissions_if_shown(vm.resource().as_str(), Call::PermissionsOfVm);
        let of_group = self.permissions_if_shown(&group, Call::PermissionsOfGroup);
        let read = futures::try_join!(of_vm, of_group).map_err(|trouble| not_found(trouble, vm));
        let (vm, resource_group) = read?;
        Ok(Granted { vm, resource_group, refused: Vec::new() })
    }

    async fn permissions_if_shown(&self, scope: &str, call: Call) -> Result<Option<Vec<Permission>>, Trouble> {
        match self.permissions(scope, call).await {
            Ok(permissions) => Ok(Some(permissions)),
            Err(trouble) if trouble.failure.is_forbidden() => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    async fn permissions(&self, scope: &str, call: Call) -> Result<Vec<Permission>, Trouble> {
        let path = format!("{scope}/providers/Microsoft.Authorization/permissions");
        let url = self.url(&path, &[("api-version", API_VERSION)]);
        let listed = self.read_list::<Listed>(url, Asked { call, scope }, |body| serde_json::from_slice(body)).await?;
        let permission = |listed: Listed| Permission { actions: listed.actions.0, not_actions: listed.not_actions.0 };
        Ok(listed.into_iter().map(permission).collect())
    }
}
