//! What a look at the whole way to a VM found, as faces show it.

use serde::{Deserialize, Serialize};

use super::FailureView;
use crate::account::AccountName;
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;

/// What opening a favourite would meet. Nothing was changed to find out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct DiagnosisView {
    /// The favourite.
    pub name: ProfileName,
    /// The cloud that its VM is in.
    pub cloud: String,
    /// Its VM.
    pub vm: VmResourceId,
    /// The port that it is opened at.
    pub port: u16,
    /// Whom it acts as.
    pub account: AccountName,
    /// Look by look.
    pub checks: Vec<CheckView>,
    /// What opening it would do now, or what stands in the way, in a sentence or two.
    pub summary: String,
    /// What stands in the way, as opening it would tell; `None` if nothing does.
    pub failure: Option<FailureView>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct CheckView {
    /// Which.
    pub check: Check,
    /// How it is.
    pub state: CheckState,
    /// Its name for people, such as “Your address”.
    pub label: String,
    /// What was found, such as “203.0.113.7, three sources agree”.
    pub text: String,
}

/// What is looked at on the way to a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Check {
    /// Who acts.
    Account,
    /// This machine's clock, where it is off.
    Clock,
    /// This machine's public address.
    Source,
    /// The VM and whether it runs.
    Vm,
    /// Where it can be reached.
    Address,
    /// What its JIT policy admits.
    Policy,
    /// What is open now, and to whom.
    Access,
    /// Whether its port answers.
    Port,
    /// Whether the server's key is one that ssh knows.
    HostKey,
    /// What the account may.
    Rights,
    /// The program that opens it.
    Client,
}

impl Check {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 11] = [
        Self::Account,
        Self::Clock,
        Self::Source,
        Self::Vm,
        Self::Address,
        Self::Policy,
        Self::Access,
        Self::Port,
        Self::HostKey,
        Self::Rights,
        Self::Client,
    ];
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum CheckState {
    /// As it should be.
    Passed,
    /// Worth knowing, and nothing that stands in the way.
    Noted,
    /// It stands in the way.
    Failed,
    /// It could not be looked at.
    Unknown,
}
