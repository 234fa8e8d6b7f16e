//! Requests for access as they are kept: those on their way, and what they have opened.

use std::net::Ipv4Addr;

use ajar_core::access_window::AccessWindow;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A request for access that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "KeptSent")]
pub struct Sent {
    /// When.
    pub at: DateTime<Utc>,
    /// The address that it was for; none of a request of an Ajar before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Ipv4Addr>,
    /// Whether somebody has named that, as for [`Granted`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_source_named: bool,
}

/// Ajars before this one kept the time alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum KeptSent {
    At(DateTime<Utc>),
    #[serde(rename_all = "camelCase")]
    Whole {
        at: DateTime<Utc>,
        source: Option<Ipv4Addr>,
        #[serde(default)]
        is_source_named: bool,
    },
}

impl From<KeptSent> for Sent {
    fn from(kept: KeptSent) -> Self {
        match kept {
            KeptSent::At(at) => Self { at, source: None, is_source_named: false },
            KeptSent::Whole { at, source, is_source_named } => Self { at, source, is_source_named },
        }
    }
}

/// A window that was asked for here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Granted {
    /// It.
    #[serde(flatten)]
    pub window: AccessWindow,
    /// Whether somebody has named the address that it lets in: then it does not follow this machine to another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_source_named: bool,
    /// Those of its port that were granted before it, for other addresses: Azure may keep them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Self>,
}

impl Granted {
    /// A window that nothing is known of before.
    pub fn new(window: AccessWindow, is_source_named: bool) -> Self {
        Self { window, is_source_named, before: Vec::new() }
    }

    /// It and those before it.
    pub(super) fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.before)
    }
}
