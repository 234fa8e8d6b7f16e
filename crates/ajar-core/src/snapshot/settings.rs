//! The settings as faces show them, beside favourites and accounts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::inheritance::Inheritable;
use crate::network::OnNewAddress;
use crate::notice::BeforeEnd;
use crate::settings::{ClientSettings, Network};

use super::FailureView;
use crate::team::TeamName;

/// What `config.toml` says, apart from favourites and accounts: while it cannot be read, what it said last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct SettingsView {
    /// The file.
    pub path: String,
    /// Why nothing in it is changed, if a later Ajar wrote it.
    pub read_only: Option<FailureView>,
    /// The cloud of who names none, if it says so.
    pub cloud: Option<String>,
    /// The application that signs people in.
    pub client_id: Option<String>,
    /// Which programs open things.
    pub clients: ClientSettings,
    /// Addresses that have a name.
    pub networks: Vec<Network>,
    /// When it is told that a window nears its end, if the file says it.
    pub before_end: Option<BeforeEnd>,
    /// What is done where something is open from another address than this machine has now, if the file says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub on_new_address: Option<OnNewAddress>,
    /// What all favourites inherit.
    pub defaults: Inheritable,
    /// What favourites in a folder inherit.
    pub folders: Vec<FolderView>,
    /// The clouds beside the built-in ones.
    pub clouds: Vec<CloudView>,
    /// Teams, whose favourites are read from elsewhere.
    #[serde(default)]
    pub teams: Vec<TeamView>,
}

/// A team, and how it stands with its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TeamView {
    /// Its name.
    pub name: TeamName,
    /// Where its file is, without what may be secret.
    pub from: String,
    /// How many favourites it has.
    pub favourites: u32,
    /// When its file was last read; none where it never was.
    pub read_at: Option<DateTime<Utc>>,
    /// The same in words.
    pub read: Option<String>,
    /// Why it cannot be read now, and what holds meanwhile, in words.
    pub problem: Option<String>,
    /// What of it is left out, and what is called otherwise than there, each in words.
    pub notes: Vec<String>,
}

/// A folder that hands something down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct FolderView {
    /// Its whole name, such as `Team/Prod`.
    pub path: String,
    /// What it hands down.
    pub said: Inheritable,
}

/// A cloud of the user's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct CloudView {
    /// Its name.
    pub name: String,
    /// Where tokens come from.
    pub authority: String,
    /// Its Azure Resource Manager.
    pub resource_manager: String,
}
