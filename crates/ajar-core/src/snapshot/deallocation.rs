//! Deallocations, as faces show them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::FailureView;
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;

/// A VM that is being deallocated, or was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct DeallocationView {
    /// Its number; that of no other, whichever process hosts.
    #[cfg_attr(test, ts(type = "number"))]
    pub number: u64,
    /// The favourite by which it was asked for first.
    pub name: ProfileName,
    /// The cloud that the VM is in.
    pub cloud: String,
    /// The VM.
    pub vm: VmResourceId,
    /// When it was asked for, by Azure's clock.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// What is happening now, in a few words, such as “deallocating”.
    pub headline: String,
    /// How it ended, if it has.
    pub outcome: Option<DeallocationEnd>,
}

/// How a deallocation ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum DeallocationEnd {
    /// The VM is deallocated.
    #[serde(rename_all = "camelCase")]
    Deallocated {
        /// Whether it was before anything was asked of Azure.
        already: bool,
        /// What there is to say about it.
        text: String,
        /// The access window that Azure keeps all the same, the last one to end.
        #[serde(default)]
        window_until: Option<DateTime<Utc>>,
        /// From the wish, in milliseconds.
        #[cfg_attr(test, ts(type = "number"))]
        elapsed_ms: u64,
    },
    /// It is not, or not that anybody knows.
    Failed(FailureView),
    /// Nobody waits for it any more.
    Left(FailureView),
}
