//! VMs that Ajar has started and nobody uses any more, as faces show them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::after_use::Unused;
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;

/// A VM that Ajar has started, and of which somebody is asked what is to be done with it, or told what is going to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct AfterUseView {
    /// The favourite that it was started by.
    pub name: ProfileName,
    /// The cloud that the VM is in.
    pub cloud: String,
    /// The VM.
    pub vm: VmResourceId,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// When it is deallocated, if nobody calls that back; none where somebody is asked.
    pub deallocates_at: Option<DateTime<Utc>>,
    /// What there is to say about it.
    pub text: String,
}

impl AfterUseView {
    /// What an answer to it is about.
    pub fn unused(&self) -> Unused {
        let Self { name, cloud, vm, started_at, .. } = self;
        Unused { name: name.clone(), cloud: cloud.clone(), vm: vm.clone(), started_at: *started_at }
    }
}
