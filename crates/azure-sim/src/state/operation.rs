//! Long-running operations of Azure Resource Manager.

use chrono::{DateTime, Utc};

/// One operation, as its status resource shows it.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) subscription: String,
    pub(crate) started: DateTime<Utc>,
    pub(crate) ended: Option<DateTime<Utc>>,
    pub(crate) outcome: Outcome,
}

/// `status`, and the error of a failed operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    InProgress,
    Succeeded,
    Failed { code: &'static str, message: String },
}

impl Outcome {
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::Failed { .. } => "Failed",
        }
    }
}
