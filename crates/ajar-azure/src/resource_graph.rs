//! Microsoft.ResourceGraph, api-version 2022-10-01: all VMs of a tenant with what hangs on them, a thousand at a time.
//! https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data

use std::collections::BTreeMap;
use std::net::IpAddr;

use ajar_core::failure::Trouble;
use ajar_core::inventory::{InventoryVm, Tags, Text};
use ajar_core::resource_id::VmResourceId;
use ajar_core::vm::PowerState;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arm_client::{ArmClient, Asked};
use crate::arm_error::{self, ArmError};
use crate::call::Call;
use crate::compute::wire::os_type;
use crate::paging::MAX_PAGES;
use crate::wire::{Each, if_understood};

const PATH: &str = "/providers/Microsoft.ResourceGraph/resources";
const API: (&str, &str) = ("api-version", "2022-10-01");

/// The most that Resource Graph gives at once.
const PAGE: usize = 1000;

/// One row for each VM, whatever network interfaces it has: three joins are the most that a query may have. Ids of the same
/// resource come in different casing. Only a result with `id` goes on after its first page.
const VMS: &str = "resources
| where type =~ 'microsoft.compute/virtualmachines'
| project id, location, tags = tostring(tags), subscriptionId, vmId = tolower(id),
          osType = tostring(properties.storageProfile.osDisk.osType),
          powerState = tostring(properties.extended.instanceView.powerState.code)
| join kind=leftouter (
    resources
    | where type =~ 'microsoft.network/networkinterfaces' and isnotempty(properties.virtualMachine.id)
    | mv-expand configuration = properties.ipConfigurations
    | project vmId = tolower(tostring(properties.virtualMachine.id)),
              privateAddress = tostring(configuration.properties.privateIPAddress),
              publicId = tolower(tostring(configuration.properties.publicIPAddress.id))
  ) on vmId
| join kind=leftouter (
    resources
    | where type =~ 'microsoft.network/publicipaddresses'
    | project publicId = tolower(id), publicAddress = tostring(properties.ipAddress)
  ) on publicId
| join kind=leftouter (
    resourcecontainers
    | where type =~ 'microsoft.resources/subscriptions'
    | project subscriptionId, subscription = name
  ) on subscriptionId
| summarize privateAddresses = make_set(privateAddress), publicAddresses = make_set(publicAddress)
         by id, subscription, location, osType, powerState, tags
| order by id asc";

/// A page of VMs as it comes over the wire.
#[derive(Debug, Deserialize)]
struct Page {
    #[serde(default)]
    data: Each<Row>,
    #[serde(default, rename = "$skipToken", deserialize_with = "if_understood")]
    skip_token: Option<String>,
    /// A text, by the published description.
    #[serde(default, rename = "resultTruncated")]
    truncated: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: VmResourceId,
    #[serde(default, deserialize_with = "if_understood")]
    subscription: Option<String>,
    #[serde(default, deserialize_with = "if_understood")]
    location: Option<String>,
    #[serde(default, deserialize_with = "if_understood")]
    os_type: Option<String>,
    #[serde(default, deserialize_with = "if_understood")]
    power_state: Option<String>,
    /// An object as text.
    #[serde(default, deserialize_with = "if_understood")]
    tags: Option<String>,
    #[serde(default, deserialize_with = "if_understood")]
    private_addresses: Option<Each<IpAddr>>,
    #[serde(default, deserialize_with = "if_understood")]
    public_addresses: Option<Each<IpAddr>>,
}

impl From<Row> for InventoryVm {
    fn from(row: Row) -> Self {
        let tags = row.tags.as_deref().and_then(|tags| serde_json::from_str(tags).ok());
        Self {
            id: row.id,
            subscription: row.subscription.unwrap_or_default().into(),
            location: row.location.unwrap_or_default().into(),
            os: row.os_type.as_deref().and_then(os_type),
            power: row.power_state.as_deref().and_then(PowerState::from_code),
            private_addresses: row.private_addresses.unwrap_or_default().0.into(),
            public_addresses: row.public_addresses.unwrap_or_default().0.into(),
            tags: tags.map(texts).unwrap_or_default(),
            jit_ports: None,
            lacks: Box::default(),
            kept_from: None,
        }
    }
}

/// The tags of a resource.
pub(crate) fn texts(tags: BTreeMap<String, Value>) -> Tags {
    let text = |(name, value): (String, Value)| Some((name, Text::from(value.as_str()?)));
    tags.into_iter().filter_map(text).collect()
}

impl ArmClient {
    /// All VMs that the account may read in the tenant of its tokens, told page by page.
    ///
    /// # Errors
    /// What keeps a page from being read; those before it have been told.
    pub(crate) async fn query_vms(&self, tell: &(dyn Fn(Vec<InventoryVm>) + Send + Sync)) -> Result<(), Trouble> {
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let Some(page) = self.page_of_vms(token.as_deref()).await? else { return Ok(()) };
            tell(page.data.0.into_iter().map(InventoryVm::from).collect());
            match page.skip_token.filter(|next| !next.is_empty()) {
                Some(next) if token.as_ref() == Some(&next) => {
                    return Err(arm_error::unreadable(200, "a page of its list of VMs leads to itself").into());
                }
                Some(next) => token = Some(next),
                None if is_true(&page.truncated) => {
                    return Err(arm_error::unreadable(200, "Resource Graph left out the rest of the VMs").into());
                }
                None => return Ok(()),
            }
        }
        Err(arm_error::unreadable(200, format!("its list of VMs has more than {MAX_PAGES} pages")).into())
    }

    /// A page; none where the account may read no subscription of the tenant.
    async fn page_of_vms(&self, token: Option<&str>) -> Result<Option<Page>, Trouble> {
        let asked = Asked { call: Call::Resources, scope: PATH };
        let mut options = json!({ "$top": PAGE, "resultFormat": "objectArray" });
        if let Some(token) = token {
            options["$skipToken"] = token.into();
        }
        let body = json!({ "query": VMS, "options": options }).to_string();
        let answer = self.query(self.url(PATH, &[API]), body.into_bytes(), asked).await?;
        if answer.is_success() {
            return answer.parsed(|body| serde_json::from_slice(body)).map(Some);
        }
        if answer.status == 400 && ArmError::of_body(&answer.body).has("NoValidSubscriptionsInQueryRequest") {
            return Ok(None);
        }
        Err(self.refusal(&answer, asked))
    }
}

fn is_true(value: &Value) -> bool {
    *value == Value::Bool(true) || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests;
