//! The wish to deallocate a VM.

use serde::{Deserialize, Serialize};

use crate::profile::{Profile, ProfileName};

/// The wish to deallocate the VM of a favourite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Deallocate {
    /// The favourite; or what a VM that is none is called from now on.
    pub name: ProfileName,
    /// How a VM that is no favourite would be opened.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub profile: Option<Profile>,
    /// Whether it is wanted also when the face that asks goes away before Azure was asked.
    #[serde(default)]
    #[cfg_attr(test, ts(skip))]
    pub stays: bool,
}

impl Deallocate {
    /// The wish, as long as the face that asks is there.
    pub fn new(name: ProfileName) -> Self {
        Self { name, profile: None, stays: false }
    }
}
