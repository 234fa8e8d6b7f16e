//! One fault at one call, and what must be true of its end.

use std::time::Duration;

use ajar_azure::Call;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::message::failure::{About, in_words};
use ajar_core::zone::Zone;
use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::calls::{Called, Came};

/// Longer than a call may take with the limits of the test, and half as much again for a busy machine. A start is followed by
/// looks at its operation, and all of them may time out; a device code is asked for until it is heard; the rest is two
/// reads in a row at the most.
pub(crate) fn bound(called: Called) -> Duration {
    Duration::from_secs(if called.is_followed() { 90 } else { 45 })
}

/// What is to be told of a cell, also to another process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Judged {
    pub(crate) fault: String,
    /// The column's name.
    pub(crate) column: String,
    /// How it ended.
    pub(crate) word: String,
    pub(crate) succeeded: bool,
    /// What is wrong with it.
    pub(crate) complaints: Vec<String>,
    pub(crate) took: Duration,
}

#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) fault: String,
    pub(crate) called: Called,
    /// How long Azure asked to wait, where it did so in seconds.
    pub(crate) asked_to_wait: Option<i64>,
    pub(crate) took: Duration,
    pub(crate) ended: DateTime<Utc>,
    /// `Err` when it was still under way after its [`bound`], or panicked.
    pub(crate) end: Result<Came, &'static str>,
    /// The requests of the cell's subscription (or of the sign-in), from the fault on.
    pub(crate) journal: Vec<Value>,
    /// Whether the policy then shows a request of ours.
    pub(crate) shown: bool,
}

impl Cell {
    pub(crate) fn judged(&self) -> Judged {
        Judged {
            fault: self.fault.clone(),
            column: self.called.name(),
            word: self.word(),
            succeeded: matches!(self.end, Ok(Came::Done | Came::Granted)),
            complaints: self.complaints(),
            took: self.took,
        }
    }

    /// A word for the table.
    fn word(&self) -> String {
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
    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut complain = |what: &str| complaints.push(format!("{} at {}: {what}", self.fault, self.called.name()));
        if let Err(end) = self.end {
            complain(end);
        }
        if !self.journal.iter().any(|entry| entry["fault"].is_string()) {
            complain("the fault was not struck");
        }
        if let Some(stray) = self.journal.iter().find(|entry| !is_listed(entry)) {
            complain(&format!("asked for what no call is for: {stray}"));
        }
        if self.sent_on_a_guess() {
            complain("sent again although it may have been applied");
        }
        for write in [Call::Initiate, Call::Start, Call::Deallocate] {
            let times = self.applied_to(write.operation_id());
            if times > 1 {
                complain(&format!("{} was applied {times} times", write.operation_id()));
            }
        }
        if let (Called::Attempt(_), Ok(came)) = (self.called, &self.end) {
            let [asked, started] = [Call::Initiate, Call::Start].map(|call| self.applied_to(call.operation_id()));
            if matches!(came, Came::Done) && (asked, started) != (1, 1) {
                complain("opened, and yet not all was applied that opens it");
            }
            if self.asked_again_without_a_look() {
                complain("asked again without looking for the first request");
            }
        }
        if let Ok(Came::Granted | Came::Done) = self.end
            && self.called.writes()
            && self.applied() != 1
        {
            complain("taken for done, and yet not applied");
        }
        if self.called == Called::Arm(Call::Initiate) {
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
            for missing in wordless(trouble, self.ended, self.called) {
                complain(&missing);
            }
            if let Some(off) = self.off(trouble) {
                complain(&format!("tells to come back {} s too {}", off.abs(), if off < 0 { "early" } else { "late" }));
            }
            if self.azure_told_its_id() && trouble.correlation_id.is_none() {
                complain("the call's id is lost");
            }
        }
        complaints
    }

    /// By how many seconds it tells another time to come back than Azure did.
    fn off(&self, trouble: &Trouble) -> Option<i64> {
        let (Failure::Throttled { retry_at } | Failure::Unavailable { retry_at, .. }) = trouble.failure else {
            return None;
        };
        let off = (retry_at - self.ended).num_seconds() - self.asked_to_wait?;
        // Azure's word may be as old as the call.
        let oldest = -i64::try_from(self.took.as_secs()).unwrap_or(0) - 2;
        (!(oldest..=2).contains(&off)).then_some(off)
    }

    /// Whether a write was sent again after another answer than one that says that it was not applied. What can be done
    /// twice with the same end may be, when the VM was seen twice meanwhile.
    fn sent_on_a_guess(&self) -> bool {
        let enough = if self.called == Called::Arm(Call::Initiate) { usize::MAX } else { 2 };
        let (mut unsure, mut looks) = (false, 0);
        for entry in &self.journal {
            if entry["route"] == Call::Vm.operation_id() && entry["status"] == 200 {
                looks += 1;
            }
            if entry["route"] == self.called.route() {
                if self.called.writes() && unsure && looks < enough {
                    return true;
                }
                (unsure, looks) = (!matches!(entry["status"].as_u64(), Some(401 | 404 | 429)), 0);
            }
        }
        false
    }

    /// Whether an attempt sent a second request though the first may have been taken, and the policies were not read since.
    fn asked_again_without_a_look(&self) -> bool {
        let mut unsure = false;
        for entry in &self.journal {
            let route = entry["route"].as_str().unwrap_or_default();
            if route == Call::Initiate.operation_id() {
                if unsure {
                    return true;
                }
                // What was refused was not taken, and may be asked for again once the VM runs.
                unsure = !matches!(entry["status"].as_u64(), Some(400..=407 | 409..=499));
            } else if route == Call::PoliciesOfSubscription.operation_id() && entry["status"] == 200 {
                unsure = false;
            }
        }
        false
    }

    /// How often the call took effect.
    fn applied(&self) -> usize {
        if self.called.writes() { self.applied_to(self.called.route()) } else { 0 }
    }

    fn applied_to(&self, route: &str) -> usize {
        self.journal.iter().filter(|entry| entry["route"] == route && entry["appliedAt"].is_string()).count()
    }

    /// Whether the last answer to the call was one of Azure's own, of which the headers were read, or one of Entra's own.
    fn azure_told_its_id(&self) -> bool {
        let struck = self.journal.iter().rev().find(|entry| entry["route"] == self.called.route());
        let struck_by =
            |faults: &[&str]| struck.is_some_and(|entry| faults.iter().any(|fault| entry["fault"] == *fault));
        if self.called == Called::ToolToken {
            // The Azure CLI repeats them where Entra has told it in a sentence.
            return struck_by(&["conflict", "throttle"]);
        }
        if self.called.is_entra() && !self.called.is_by_a_tool() {
            // The others are answers of the resource manager's, or pages.
            return struck_by(&["internal", "unavailable", "conflict", "throttle"]);
        }
        let own = [
            "internal",
            "unavailable",
            "conflict",
            "forbidden",
            "notFound",
            "expiredToken",
            "claimsChallenge",
            "twoChallenges",
            // Its headers come; whether those of what breaks off do is a race.
            "oversizedBody",
            "stalledBody",
        ];
        matches!(self.called, Called::Arm(_) | Called::Attempt(_) | Called::ToolRead) && struck_by(&own)
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

/// Whether a request in the journal is one of the client's calls.
fn is_listed(entry: &Value) -> bool {
    crate::calls::all().into_iter().chain([Called::Identity]).any(|called| entry["route"] == called.route())
}

/// What is missing or wrong in the words of a failure.
fn wordless(trouble: &Trouble, at: DateTime<Utc>, called: Called) -> Vec<String> {
    let about = About { name: "web-01", zone: Zone::always(FixedOffset::east_opt(0).unwrap(), at), at };
    let view = in_words(trouble, &about);
    let mut missing = Vec::new();
    for (text, what) in [(&view.title, "title"), (&view.message, "message"), (&view.action, "next step")] {
        let hollow = ["  ", "()", " ,", "says: ,", "“”"].iter().any(|gap| text.contains(gap));
        if text.trim().is_empty() || hollow {
            missing.push(format!("no {what}: {text:?}"));
        }
    }
    let all = format!("{} {} {}", view.title, view.message, view.action);
    let mut must_say = |part: &str| {
        if !all.contains(part) {
            missing.push(format!("does not say {part}: {all}"));
        }
    };
    match view.code.as_str() {
        // A person is told what a person can do.
        "claimsRequired" | "principalRefused" | "interactionRequired" | "tokenRefused" if called.is_of_a_person() => {
            missing.push(format!("speaks to no person: {all}"));
        }
        // Whoever it was is named by host, and never as Azure.
        "unreachable" => must_say("127.0.0.1:"),
        "notFromAzure" => {
            must_say("127.0.0.1:");
            must_say("Something before Azure answered");
            must_say("(HTTP ");
        }
        "principalRefused" | "interactionRequired" | "tokenRefused" => must_say("the AZURE_ variables"),
        "accessDenied" => must_say("on the "),
        // Somebody is signed in all the while.
        "notSignedIn" if called.is_by_a_tool() => missing.push(format!("tells that nobody is signed in: {all}")),
        // It has no way to be asked for claims in silence.
        "claimsRequired" if called.is_by_a_tool() => must_say("az login"),
        "tokenToolFailed" | "toolTokenRefused" => must_say("Azure CLI"),
        // It is an application that signs in.
        "notSignedIn" | "claimsRequired" if !called.is_of_a_person() => {
            missing.push(format!("speaks to a person: {all}"));
        }
        "internal" => missing.push(format!("a fault of Azure's is told as a mistake of ours: {all}")),
        _ => {}
    }
    missing
}
