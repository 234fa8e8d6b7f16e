//! Long-running operations of Azure Resource Manager.

use crate::json::Value;
use chrono::{DateTime, TimeDelta, Utc};

/// Who asks for its end has done so before this is over, so that a simulator that runs for days stays small.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

/// One operation, as its status resource shows it.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) subscription: String,
    pub(crate) started: DateTime<Utc>,
    pub(crate) ended: Option<DateTime<Utc>>,
    pub(crate) outcome: Outcome,
    /// Of an operation that only takes time: when it is over, and what it answers then.
    pub(crate) answer: Option<(DateTime<Utc>, Value)>,
}

impl Operation {
    /// When it ends, if all that it takes is time and that has not passed.
    pub(crate) fn ends(&self) -> Option<DateTime<Utc>> {
        self.answer.as_ref().filter(|_| self.outcome == Outcome::InProgress).map(|(at, _)| *at)
    }

    /// When it is forgotten, once it has ended.
    pub(crate) fn is_forgotten_at(&self) -> Option<DateTime<Utc>> {
        self.ended.map(|ended| ended + REMEMBERED)
    }

    /// Whether it can still be asked about.
    pub(crate) fn is_remembered(&self, now: DateTime<Utc>) -> bool {
        self.is_forgotten_at().is_none_or(|at| now < at)
    }

    /// Ends the operation if all that it takes is time, and that has passed.
    pub(crate) fn advance_to(&mut self, now: DateTime<Utc>) {
        if let Some((at, _)) = &self.answer
            && self.outcome == Outcome::InProgress
            && *at <= now
        {
            self.ended = Some(*at);
            self.outcome = Outcome::Succeeded;
        }
    }
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
