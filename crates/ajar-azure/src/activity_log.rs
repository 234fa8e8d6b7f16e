//! What the Activity Log tells of a VM.
//! https://learn.microsoft.com/rest/api/monitor/activity-logs/list

use ajar_core::activity::ActivityEvent;
use ajar_core::failure::Trouble;
use ajar_core::resource_id::VmResourceId;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;

use crate::arm_client::{ArmClient, Asked};
use crate::call::Call;

const API_VERSION: &str = "2015-04-01";

/// A text that Azure also has in a language for people.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Localizable {
    value: Option<String>,
    localized_value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HttpRequest {
    client_ip_address: Option<String>,
}

/// The members of `EventData` that are read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventData {
    event_timestamp: DateTime<Utc>,
    caller: Option<String>,
    #[serde(default)]
    operation_name: Localizable,
    #[serde(default)]
    status: Localizable,
    correlation_id: Option<String>,
    http_request: Option<HttpRequest>,
}

impl From<EventData> for ActivityEvent {
    fn from(data: EventData) -> Self {
        let known = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let action = data.operation_name.value.unwrap_or_default();
        Self {
            at: data.event_timestamp,
            caller: known(data.caller),
            called: known(data.operation_name.localized_value),
            status: data.status.value.unwrap_or_default(),
            correlation_id: data.correlation_id.unwrap_or_default(),
            client_ip: known(data.http_request.and_then(|request| request.client_ip_address)),
            action,
        }
    }
}

impl ArmClient {
    /// The entries about a VM from `since` until `until`, in no order.
    ///
    /// # Errors
    /// Whatever keeps Azure from telling, such as a right that is missing.
    pub async fn activity_log(
        &self,
        vm: &VmResourceId,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<ActivityEvent>, Trouble> {
        let id = vm.resource();
        let subscription = format!("/subscriptions/{}", id.subscription_id());
        let path = format!("{subscription}/providers/Microsoft.Insights/eventtypes/management/values");
        let at = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let filter = format!(
            "eventTimestamp ge '{}' and eventTimestamp le '{}' and resourceUri eq '{}'",
            at(since),
            at(until),
            id.as_str()
        );
        let url = self.url(&path, &[("api-version", API_VERSION), ("$filter", &filter)]);
        let asked = Asked { call: Call::ActivityLog, scope: id.as_str() };
        let listed = self.read_list::<EventData>(url, asked, |body| serde_json::from_slice(body)).await?;
        Ok(listed.into_iter().map(ActivityEvent::from).collect())
    }
}
