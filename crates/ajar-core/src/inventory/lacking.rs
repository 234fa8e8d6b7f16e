//! What could not be read of VMs that are seen, and stays as it was known.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::InventoryVm;
use crate::failure::Trouble;

/// What may not be known of a VM that is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Lack {
    /// Its power state.
    Power,
    /// Any of its addresses.
    Addresses,
    /// Its public addresses.
    PublicAddresses,
}

impl Lack {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Power, Self::Addresses, Self::PublicAddresses];
}

/// What could not be read of VMs that were seen, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// What.
    pub lack: Lack,
    /// What kept it from being read.
    pub trouble: Trouble,
    /// In how many subscriptions beside the one that this tells of.
    pub also: u32,
}

impl InventoryVm {
    /// Since when something is known of it, where it could not be read the last time.
    pub fn known_since(&self, what: Lack) -> Option<DateTime<Utc>> {
        self.kept_from.filter(|_| self.lacks.contains(&what))
    }

    /// Takes over what it lacks from how it was known before, as it was read then.
    pub(super) fn keep(&mut self, before: &Self, read_at: DateTime<Utc>) {
        for lack in &self.lacks {
            match lack {
                Lack::Power => self.power = before.power,
                Lack::Addresses => {
                    self.private_addresses.clone_from(&before.private_addresses);
                    self.public_addresses.clone_from(&before.public_addresses);
                }
                Lack::PublicAddresses => self.public_addresses.clone_from(&before.public_addresses),
            }
        }
        // What was never known has no age.
        let was_known = |lack: &Lack| !before.lacks.contains(lack) || before.kept_from.is_some();
        if self.lacks.iter().any(was_known) {
            self.kept_from = Some(before.kept_from.unwrap_or(read_at));
        }
    }
}
