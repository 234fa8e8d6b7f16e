//! The rights that opening a favourite takes, as faces show them.

use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::message::rights::{for_administrator, summary};
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;
use crate::rights::{Granted, NEEDED, OPTIONAL, Place, Principal, Purpose, Right};

/// What an account may at a favourite's VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RightsView {
    /// The favourite.
    pub name: ProfileName,
    /// Its VM.
    pub vm: VmResourceId,
    /// Whom it acts as.
    pub account: AccountName,
    /// Who that is, where it is known: a user name, an application’s id or an object ID.
    pub who: Option<String>,
    /// Each right that Ajar needs, in the order in which they are used; last those that only some need.
    pub rights: Vec<RightView>,
    /// The actions that are missing.
    pub missing: Vec<String>,
    /// How it stands, in one sentence.
    pub summary: String,
    /// A message for the administrator who can grant what is not granted, with a role that has all of it; `None` where
    /// everything is granted.
    pub message: Option<String>,
}

impl RightsView {
    /// What Azure said is granted to `account` at the VM of the favourite `name`.
    pub fn new(name: ProfileName, vm: VmResourceId, account: AccountName, who: &Principal, granted: &Granted) -> Self {
        let view = |right: &Right| RightView {
            action: right.action.to_owned(),
            purpose: right.purpose,
            place: right.place,
            state: granted.state(right),
        };
        let missing =
            granted.that_are(RightState::Missing).iter().map(|right| right.action.to_owned()).collect::<Vec<_>>();
        let besides = granted.refused_besides().map(|refused| refused.action.clone());
        Self {
            rights: NEEDED.iter().chain(&OPTIONAL).map(view).collect(),
            missing: missing.into_iter().chain(besides).collect(),
            summary: summary(name.as_str(), granted),
            message: for_administrator(who, &vm, granted),
            name,
            vm,
            account,
            who: who.label().map(ToOwned::to_owned),
        }
    }
}

/// One right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RightView {
    /// The action, such as `Microsoft.Compute/virtualMachines/read`.
    pub action: String,
    /// What it is good for.
    pub purpose: Purpose,
    /// Where it is looked for.
    pub place: Place,
    /// Whether it is granted.
    pub state: RightState,
}

/// Whether a right is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum RightState {
    /// It is.
    Granted,
    /// It is not.
    Missing,
    /// The account may not look that up there.
    Unknown,
}
