//! Access windows, as faces are told of them.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::port::{Endpoint, Protocol};
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;

/// An access window in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct WindowView {
    /// The favourite it belongs to; the VM's own name if none leads there any more.
    pub name: ProfileName,
    /// The cloud that the VM is in.
    pub cloud: String,
    /// The VM.
    pub vm: VmResourceId,
    /// The VM's port.
    pub port: u16,
    /// What opens it.
    pub protocol: Protocol,
    /// Where its port was reached last, where a port alone is opened: who has a client of their own wants to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub endpoint: Option<Endpoint>,
    /// From where it is open, as Azure writes it.
    pub source: String,
    /// When it was asked for.
    pub start_time_utc: DateTime<Utc>,
    /// When it closes to new connections.
    pub end_time_utc: DateTime<Utc>,
    /// Who asked for it, if it was not this Ajar.
    pub opened_by: Option<String>,
    /// Whether its last quarter hour has begun.
    pub ending: bool,
    /// That it may not let this machine in any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub left_behind: Option<LeftBehindView>,
    /// How it stands with its renewal, where it is to be renewed by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub renewal: Option<RenewalView>,
    /// What Azure keeps open beside it for an address that this machine had before, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub beside: Option<String>,
}

/// How it stands with the renewal of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RenewalView {
    /// Whether it is to be asked for, if somebody is connected then.
    pub renews: bool,
    /// When that is, or was: until then nothing is said of the window's end. None where it is not asked for.
    pub at: Option<DateTime<Utc>>,
    /// When the port was opened first, without a break since.
    pub since: DateTime<Utc>,
    /// How often it was renewed by itself since then.
    pub times: u32,
    /// What there is to say about it.
    pub text: String,
}

/// That a window does not let this machine in any more, or that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct LeftBehindView {
    /// The address that this machine has now; none where that cannot be established, and so nothing be asked.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub address: Option<Ipv4Addr>,
    /// What there is to say about it.
    pub text: String,
}

/// An access window that Azure closed before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ClosedView {
    /// The favourite it belonged to.
    pub name: ProfileName,
    /// The VM's port.
    pub port: u16,
    /// When it would have closed.
    pub end_time_utc: DateTime<Utc>,
    /// What there is to say about it.
    pub text: String,
}
