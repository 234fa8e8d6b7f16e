//! How it stands with the inventory. The VMs themselves travel only as the answer to who looks for them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::FailureView;
use crate::account::AccountName;
use crate::inventory::Lack;

/// How it stands with the inventory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct InventoryView {
    /// How many VMs are known.
    pub count: usize,
    /// When it was read last, by the host's clock.
    pub read_at: Option<DateTime<Utc>>,
    /// Whether it is being read.
    pub reading: bool,
    /// What could not be read the last time. What was seen there before is still known.
    pub gaps: Vec<GapView>,
}

/// What could not be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct GapView {
    /// As whom.
    pub account: AccountName,
    /// In which tenant, by id or domain; `None` is the account's own, or all of them.
    pub tenant: Option<String>,
    /// What is not known anew of VMs that were seen; `None` where VMs themselves may be missing.
    #[serde(default)]
    pub lack: Option<Lack>,
    /// The same in words.
    pub text: String,
    /// Why.
    pub failure: FailureView,
}
