//! One fault at one call, and what must be true of its end.

use std::time::Duration;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::message::failure::{About, in_words};
use chrono::{FixedOffset, Utc};
use serde_json::Value;

use crate::calls::{Called, Came};

/// Longer than any call may take with the limits of the test: a chain of looks at an operation that all time out.
pub(crate) const BOUND: Duration = Duration::from_secs(40);

#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) fault: String,
    pub(crate) called: Called,
    /// `Err` when it was still under way after [`BOUND`], or panicked.
    pub(crate) end: Result<Came, &'static str>,
    /// The requests of the cell's subscription (or of the sign-in), from the fault on.
    pub(crate) journal: Vec<Value>,
    /// Whether the policy then shows a request of ours.
    pub(crate) shown: bool,
}

impl Cell {
    /// A word for the table.
    pub(crate) fn word(&self) -> String {
        match &self.end {
            Ok(Came::Done | Came::Granted) => "ok".to_owned(),
            Ok(Came::Failed(trouble)) => name(&trouble.failure),
            Ok(Came::Unanswered(trouble)) => format!("unanswered: {}", name(&trouble.failure)),
            Err(end) => (*end).to_owned(),
        }
    }

    fn trouble(&self) -> Option<&Trouble> {
        match &self.end {
            Ok(Came::Failed(trouble) | Came::Unanswered(trouble)) => Some(trouble),
            Ok(Came::Done | Came::Granted) | Err(_) => None,
        }
    }

    /// What is wrong with it, one line each.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut complain = |what: &str| complaints.push(format!("{} at {}: {what}", self.fault, self.called.route()));
        if let Err(end) = self.end {
            complain(end);
        }
        if !self.journal.iter().any(|entry| entry["fault"].is_string()) {
            complain("the fault was not struck");
        }
        if self.applied() > 1 {
            complain(&format!("applied {} times", self.applied()));
        }
        if let Ok(Came::Granted | Came::Done) = self.end
            && self.called.writes()
            && self.applied() != 1
        {
            complain("taken for done, and yet not applied");
        }
        if self.called == Called::Arm(ajar_azure::Call::Initiate) {
            if self.shown != (self.applied() > 0) {
                complain("the policy does not show what was applied");
            }
            if let Ok(Came::Failed(trouble)) = &self.end
                && self.applied() > 0
            {
                complain(&format!("taken for refused, and yet applied: {:?}", trouble.failure));
            }
        }
        if let Some(trouble) = self.trouble() {
            for missing in wordless(trouble) {
                complain(missing);
            }
            if self.azure_told_its_id() && trouble.correlation_id.is_none() {
                complain("the call's id is lost");
            }
        }
        complaints
    }

    /// How often the call took effect.
    fn applied(&self) -> usize {
        let of_call = |entry: &&Value| entry["route"] == self.called.route() && entry["appliedAt"].is_string();
        if self.called.writes() { self.journal.iter().filter(of_call).count() } else { 0 }
    }

    /// Whether the last answer to the call was one of Azure's own errors.
    fn azure_told_its_id(&self) -> bool {
        let struck = self.journal.iter().rev().find(|entry| entry["route"] == self.called.route());
        let own = ["internal", "unavailable", "conflict", "forbidden", "notFound", "expiredToken", "claimsChallenge"];
        let own = struck.is_some_and(|entry| own.iter().any(|fault| entry["fault"] == *fault));
        matches!(self.called, Called::Arm(_)) && own
    }
}

/// The failure's name, and what else tells one from another.
fn name(failure: &Failure) -> String {
    let more = if let Failure::AzureError { status, azure_code, .. } = failure {
        format!("{status} {azure_code}")
    } else if let Failure::NotFromAzure { status, leads_to, .. } = failure {
        format!("{status} {}", leads_to.as_ref().map_or("", |_| "leading elsewhere"))
    } else if let Failure::StartFailed { azure_code, .. }
    | Failure::RequestRefused { azure_code, .. }
    | Failure::RequestConflict { azure_code, .. } = failure
    {
        azure_code.clone()
    } else {
        String::new()
    };
    format!("{} {more}", failure.code()).trim().to_owned()
}

/// What is missing in the words of a failure.
fn wordless(trouble: &Trouble) -> Vec<&'static str> {
    let about = About { name: "web-01", zone: FixedOffset::east_opt(0).unwrap(), at: Utc::now() };
    let view = in_words(trouble, &about);
    let mut missing = Vec::new();
    for (text, what) in [(view.title, "no title"), (view.message, "no message"), (view.action, "no next step")] {
        if text.trim().is_empty() || text.contains("Azure says: ,") || text.contains("  ") || text.contains("()") {
            missing.push(what);
        }
    }
    if matches!(trouble.failure, Failure::Internal { .. }) {
        missing.push("a fault of Azure's is told as a mistake of ours");
    }
    missing
}
