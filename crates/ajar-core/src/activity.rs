//! What Azure's Activity Log tells of a VM: who asked for access, started or deallocated it, with Ajar or without.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::journal::{Opening, OpeningResult};
use crate::resource_id::VmResourceId;

/// Azure keeps its log for so many days.
/// https://learn.microsoft.com/azure/azure-monitor/platform/activity-log#retention-period
pub const MOST_DAYS: u16 = 90;

/// By so much the two clocks, and the beginning of a call, may differ from what the journal has.
const NEAR: TimeDelta = TimeDelta::seconds(60);

/// One entry of the log (`EventData`): a change has several, from its begin to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityEvent {
    /// When, by Azure's clock.
    pub at: DateTime<Utc>,
    /// The user principal name, or an application's ID; none where Azure did it by itself.
    pub caller: Option<String>,
    /// The action, such as `Microsoft.Compute/virtualMachines/start/action`.
    pub action: String,
    /// What Azure calls that.
    pub called: Option<String>,
    /// `Started`, `Accepted`, `Succeeded`, `Failed` or another.
    pub status: String,
    /// What the entries of one call have alike.
    pub correlation_id: String,
    /// From where it was called.
    pub client_ip: Option<String>,
}

/// A change, or what was to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// When it began.
    pub at: DateTime<Utc>,
    /// Who called.
    pub caller: Option<String>,
    /// The action.
    pub action: String,
    /// What Azure calls that.
    pub called: Option<String>,
    /// From where.
    pub client_ip: Option<String>,
    /// What came of it.
    pub result: ActivityResult,
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ActivityResult {
    /// It has begun; more is not known.
    Started,
    /// Azure has taken it on.
    Accepted,
    /// It is done.
    Succeeded,
    /// It came to nothing.
    Failed,
}

impl ActivityResult {
    fn of(status: &str) -> Self {
        // Policies and service health have words of their own, which say no more than that something was.
        match status.to_ascii_lowercase().as_str() {
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            "accepted" => Self::Accepted,
            _ => Self::Started,
        }
    }
}

/// Entries put together call by call, the newest first.
pub fn gathered(mut events: Vec<ActivityEvent>) -> Vec<Activity> {
    events.sort_by_key(|event| event.at);
    let mut calls: BTreeMap<(String, String), Activity> = BTreeMap::new();
    for (place, event) in events.into_iter().enumerate() {
        let result = ActivityResult::of(&event.status);
        // Those of which nobody says what they belong to belong to nothing.
        let id = if event.correlation_id.is_empty() { place.to_string() } else { event.correlation_id };
        let key = (id, event.action.to_ascii_lowercase());
        let known = calls.entry(key).or_insert_with(|| Activity {
            at: event.at,
            caller: None,
            action: event.action,
            called: None,
            client_ip: None,
            result,
        });
        known.caller = known.caller.take().or(event.caller);
        known.called = known.called.take().or(event.called);
        known.client_ip = known.client_ip.take().or(event.client_ip);
        known.result = known.result.max(result);
    }
    let mut all: Vec<_> = calls.into_values().collect();
    all.sort_by_key(|activity| std::cmp::Reverse(activity.at));
    all
}

/// The actions of which the journal tells, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A request for access.
    Initiate,
    /// A start.
    Start,
    /// A deallocation.
    Deallocate,
    /// A stop that leaves the VM allocated.
    PowerOff,
    /// A restart.
    Restart,
}

impl Activity {
    /// Which of these it is.
    pub fn known(&self) -> Option<Known> {
        Some(match self.action.to_ascii_lowercase().as_str() {
            "microsoft.security/locations/jitnetworkaccesspolicies/initiate/action" => Known::Initiate,
            "microsoft.compute/virtualmachines/start/action" => Known::Start,
            "microsoft.compute/virtualmachines/deallocate/action" => Known::Deallocate,
            "microsoft.compute/virtualmachines/poweroff/action" => Known::PowerOff,
            "microsoft.compute/virtualmachines/restart/action" => Known::Restart,
            _ => return None,
        })
    }

    /// Whether the journal of this machine tells of it: the same VM, at that time, from there.
    pub fn is_in(&self, journal: &[Opening], vm: &VmResourceId) -> bool {
        journal.iter().filter(|opening| opening.vm == *vm).any(|opening| {
            let is_told = match self.known() {
                Some(Known::Initiate) => opening.requested,
                Some(Known::Start) => opening.started,
                Some(Known::Deallocate) => {
                    matches!(opening.result, OpeningResult::Deallocated | OpeningResult::NotDeallocated)
                }
                Some(Known::PowerOff | Known::Restart) | None => false,
            };
            let end = opening.at + TimeDelta::milliseconds(i64::try_from(opening.elapsed_ms).unwrap_or(i64::MAX / 2));
            let is_then = opening.at - NEAR <= self.at && self.at <= end + NEAR;
            let from = opening.source.map(|source| source.to_string());
            let is_there = self.client_ip.is_none() || from.is_none() || self.client_ip == from;
            is_told && is_then && is_there
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VM: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";
    const START: &str = "Microsoft.Compute/virtualMachines/start/action";

    fn event(second: i64, correlation: &str, action: &str, status: &str) -> ActivityEvent {
        ActivityEvent {
            at: DateTime::UNIX_EPOCH + TimeDelta::seconds(second),
            caller: (status == "Started").then(|| "ada@contoso.example".to_owned()),
            action: action.to_owned(),
            called: None,
            status: status.to_owned(),
            correlation_id: correlation.to_owned(),
            client_ip: Some("203.0.113.7".to_owned()),
        }
    }

    #[test]
    fn the_entries_of_one_call_are_one_change_with_its_begin_its_caller_and_its_end() {
        let events = vec![
            event(40, "a", START, "Succeeded"),
            event(1, "a", START, "Accepted"),
            event(0, "a", &START.to_uppercase(), "Started"),
            event(90, "b", START, "Failed"),
            event(89, "b", START, "Started"),
            event(20, "", START, "Succeeded"),
            event(21, "", START, "Failed"),
            event(50, "c", "Microsoft.Compute/virtualMachines/write", "Started"),
        ];
        let told = gathered(events);
        let seen: Vec<_> = told.iter().map(|one| (one.at.timestamp(), one.result, one.caller.is_some())).collect();
        assert_eq!(
            seen,
            [
                (89, ActivityResult::Failed, true),
                (50, ActivityResult::Started, true),
                (21, ActivityResult::Failed, false),
                (20, ActivityResult::Succeeded, false),
                (0, ActivityResult::Succeeded, true)
            ]
        );
    }

    #[test]
    fn the_journal_tells_of_what_was_done_then_and_from_there() {
        let opening = |result: &str, started: bool| -> Opening {
            serde_json::from_value(serde_json::json!({
                "at": "1970-01-01T01:00:00Z", "name": "x", "vm": VM.to_uppercase(), "port": 22, "protocol": "ssh",
                "result": result, "source": "203.0.113.7", "requested": false, "started": started, "elapsedMs": 30_000,
            }))
            .unwrap()
        };
        let vm: VmResourceId = VM.parse().unwrap();
        let at = |second: i64| gathered(vec![event(3_600 + second, "a", START, "Accepted")]).remove(0);
        let journal = [opening("connected", true)];
        for (second, is_ours) in [(-61, false), (-60, true), (0, true), (90, true), (91, false)] {
            assert_eq!(at(second).is_in(&journal, &vm), is_ours, "{second}");
        }
        assert!(!at(0).is_in(&[opening("connected", false)], &vm), "it did not start it");
        assert!(!at(0).is_in(&[opening("deallocated", false)], &vm));
        let elsewhere = Activity { client_ip: Some("198.51.100.1".to_owned()), ..at(0) };
        assert!(!elsewhere.is_in(&journal, &vm));
        assert!(Activity { client_ip: None, ..at(0) }.is_in(&journal, &vm));
    }
}
