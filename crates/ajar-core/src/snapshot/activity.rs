//! Azure's Activity Log of a VM, as faces show it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::activity::{Activity, ActivityResult};
use crate::journal::Opening;
use crate::message::activity as words;
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;
use crate::zone::Zone;

/// Who has changed a favourite's VM, or its access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ActivityLogView {
    /// The favourite.
    pub name: ProfileName,
    /// Its VM.
    pub vm: VmResourceId,
    /// From when on.
    pub since: DateTime<Utc>,
    /// What was done, the newest first.
    pub activities: Vec<ActivityView>,
    /// What these are, or that there is none, in words.
    pub summary: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ActivityView {
    /// When it began.
    pub at: DateTime<Utc>,
    /// The same for people, such as “Tue 24 Nov 17:04”.
    pub when: String,
    /// The action, such as `Microsoft.Compute/virtualMachines/start/action`.
    pub action: String,
    /// The same in words.
    pub what: String,
    /// The user principal name, or an application's ID.
    pub caller: Option<String>,
    /// From which public address.
    pub source: Option<String>,
    /// What came of it.
    pub result: ActivityResult,
    /// Whether this machine's journal tells of it, too.
    pub is_in_journal: bool,
}

impl ActivityView {
    /// The members in their order, which is that of columns.
    pub const MEMBERS: [&str; 8] = ["at", "when", "action", "what", "caller", "source", "result", "isInJournal"];
}

impl ActivityLogView {
    /// What the log tells since then, beside what the journal does.
    pub fn new(
        (name, vm): (ProfileName, VmResourceId),
        since: DateTime<Utc>,
        activities: &[Activity],
        journal: &[Opening],
        zone: Zone,
    ) -> Self {
        let view = |activity: &Activity| ActivityView {
            at: activity.at,
            when: words::when(activity, zone),
            what: words::what(activity),
            action: activity.action.clone(),
            caller: activity.caller.clone(),
            source: activity.client_ip.clone(),
            result: activity.result,
            is_in_journal: activity.is_in(journal, &vm),
        };
        let activities: Vec<_> = activities.iter().map(view).collect();
        Self { summary: words::summary(name.as_str(), &activities, since, zone), name, vm, since, activities }
    }
}
