//! What a watch has told, and so what is news.

use std::collections::HashSet;

use ajar_core::snapshot::{DeallocationView, FailureView, Snapshot};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{lines, rested, windows};
use crate::output;

/// What a watch has shown.
#[derive(Default)]
pub(super) struct Board {
    told: Option<Told>,
    /// The deallocations that had ended before, which are no news.
    ended_before: HashSet<u64>,
    problem: Option<FailureView>,
    lines: Vec<String>,
}

/// What is told as an event.
#[derive(PartialEq)]
struct Told {
    windows: Vec<serde_json::Value>,
    unused: serde_json::Value,
    deallocations: Vec<serde_json::Value>,
}

/// What a watch has to show.
#[derive(Debug, PartialEq)]
pub(super) enum News {
    None,
    /// Nothing but the time left.
    Minute {
        problem: Option<FailureView>,
        lines: Vec<String>,
    },
    /// Another window, a VM that is not used any more or was deallocated, or another problem with finding them or with the settings.
    Change {
        event: serde_json::Value,
        problem: Option<FailureView>,
        is_new_problem: bool,
        lines: Vec<String>,
        first: bool,
    },
}

impl Board {
    pub(super) fn news(&mut self, snapshot: &Snapshot, now: DateTime<Utc>) -> News {
        // As long as Azure is being asked, nobody knows that nothing is open.
        if snapshot.refreshing && snapshot.windows.is_empty() {
            return News::None;
        }
        let first = self.told.is_none();
        let ended = || snapshot.deallocations.iter().filter(|one| one.outcome.is_some());
        if first {
            self.ended_before = ended().map(|one| one.number).collect();
        }
        let ended: Vec<_> = ended().filter(|one| !self.ended_before.contains(&one.number)).collect();
        let deallocations = ended.iter().filter_map(|one| deallocation(one)).collect();
        let told = Told { windows: windows(snapshot), unused: json!(snapshot.after_use), deallocations };
        let lines: Vec<_> = lines(snapshot, now).into_iter().chain(ended.into_iter().filter_map(rested)).collect();
        let before = std::mem::replace(&mut self.lines, lines.clone());
        let trouble = snapshot.settings_problem.as_ref().or(snapshot.refresh_problem.as_ref());
        // Its details have the time of each look, and are no news.
        let problem = trouble.cloned().map(|problem| FailureView { details: String::new(), ..problem });
        if self.told.as_ref() == Some(&told) && self.problem == problem {
            return if before == lines { News::None } else { News::Minute { problem, lines } };
        }
        let trouble = trouble.map(output::failure_fields);
        let Told { windows, unused, deallocations } = &told;
        let event = json!({
            "event": "status", "windows": windows, "unused": unused, "deallocations": deallocations, "problem": trouble,
        });
        let is_new_problem = self.problem != problem;
        (self.told, self.problem) = (Some(told), problem.clone());
        News::Change { event, problem, is_new_problem, lines, first }
    }
}

/// A deallocation that has ended, for programs.
fn deallocation(one: &DeallocationView) -> Option<serde_json::Value> {
    let text = rested(one)?;
    Some(json!({
        "name": one.name, "cloud": one.cloud, "vm": one.vm, "startedAt": one.started_at, "endedAt": one.ended_at,
        "outcome": one.outcome, "text": text,
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ajar_core::failure::Failure;
    use chrono::TimeDelta;

    use super::super::next_minute;
    use super::*;
    use ajar_runtime::adapters::words;

    fn snapshot(windows: &[DateTime<Utc>]) -> Snapshot {
        let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/web-01";
        let window = |end: &DateTime<Utc>| {
            json!({
                "name": "web-01", "cloud": "public", "vm": vm, "port": 22, "protocol": "ssh", "source": "203.0.113.7",
                "startTimeUtc": DateTime::UNIX_EPOCH, "endTimeUtc": end, "openedBy": null, "ending": false,
            })
        };
        let snapshot = json!({
            "revision": 1, "clockSkewMs": 0, "favourites": [], "attempts": [], "refreshing": false,
            "host": { "pid": 1, "version": "1", "cloud": "public", "account": "az", "demo": false },
            "windows": windows.iter().map(window).collect::<Vec<_>>(), "windowWanted": 0,
        });
        serde_json::from_value(snapshot).unwrap()
    }

    fn not_signed_in(details: &str) -> FailureView {
        FailureView { details: details.into(), ..words(&Failure::not_signed_in("no").into(), "web-01") }
    }

    #[test]
    fn the_time_left_is_news_each_minute_and_no_event() {
        let now = DateTime::UNIX_EPOCH;
        let open = snapshot(&[now + TimeDelta::minutes(120) + TimeDelta::seconds(30)]);
        let mut board = Board::default();
        assert!(matches!(board.news(&open, now), News::Change { first: true, .. }));
        let pause = next_minute(&open, now).unwrap();
        assert_eq!(pause, Duration::from_millis(30_001));
        let then = now + TimeDelta::from_std(pause).unwrap();
        assert_eq!(board.news(&open, then - TimeDelta::milliseconds(1)), News::None);
        let before = board.lines.clone();
        let News::Minute { lines, .. } = board.news(&open, then) else { panic!("it does not count down") };
        assert!(before[1].contains("2:00") && lines[1].contains("1:59"), "{before:?} {lines:?}");
        assert_eq!(next_minute(&snapshot(&[]), now), None);
    }

    #[test]
    fn what_is_not_used_any_more_and_what_becomes_of_it_are_news_and_what_ended_before_is_not() {
        let now = DateTime::UNIX_EPOCH;
        let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/web-01";
        let ended = |number: u64, name: &str| {
            let outcome = json!({
                "kind": "deallocated", "already": false, "text": "is deallocated.", "windowUntil": null, "elapsedMs": 1,
            });
            json!({
                "number": number, "name": name, "cloud": "public", "vm": vm, "startedAt": now, "endedAt": now,
                "headline": "", "outcome": outcome,
            })
        };
        let unused = json!({
            "name": "web-01", "cloud": "public", "vm": vm, "startedAt": now, "deallocatesAt": now + TimeDelta::minutes(2),
            "text": "Nobody has connected.",
        });
        let with = |unused: &[serde_json::Value], ended: &[serde_json::Value]| Snapshot {
            after_use: serde_json::from_value(json!(unused)).unwrap(),
            deallocations: serde_json::from_value(json!(ended)).unwrap(),
            ..snapshot(&[])
        };
        let mut board = Board::default();
        let told = |news| match news {
            News::Change { event, lines, .. } => (event, lines.join("\n")),
            News::None | News::Minute { .. } => panic!("no change"),
        };
        let old = ended(1, "old");
        let (event, lines) = told(board.news(&with(&[], std::slice::from_ref(&old)), now));
        assert_eq!((&event["deallocations"], lines.contains("old")), (&json!([]), false));
        let (event, lines) = told(board.news(&with(std::slice::from_ref(&unused), std::slice::from_ref(&old)), now));
        assert_eq!(event["unused"], json!([unused]));
        assert!(lines.contains("web-01: Nobody has connected."), "{lines}");
        let (event, lines) = told(board.news(&with(&[], &[old.clone(), ended(2, "web-01")]), now));
        assert_eq!((&event["unused"], &event["deallocations"][0]["name"]), (&json!([]), &json!("web-01")));
        assert!(lines.ends_with("web-01 is deallocated."), "{lines}");
        assert_eq!(board.news(&with(&[], &[old, ended(2, "web-01")]), now), News::None);
    }

    #[test]
    fn a_problem_is_told_once_and_when_it_is_gone() {
        let now = DateTime::UNIX_EPOCH;
        let mut board = Board::default();
        let told = |news| match news {
            News::Change { event, is_new_problem, lines, .. } => {
                (event["problem"]["code"].clone(), is_new_problem, lines)
            }
            News::None | News::Minute { .. } => panic!("no change"),
        };
        let troubled = |at| Snapshot { refresh_problem: Some(not_signed_in(at)), ..snapshot(&[]) };
        let (code, said, lines) = told(board.news(&troubled("at: 1"), now));
        assert_eq!((code, said, lines), ("notSignedIn".into(), true, vec!["Nothing is known to be open.".into()]));
        assert_eq!(board.news(&troubled("at: 2"), now), News::None);
        let end = now + TimeDelta::minutes(9);
        let open = Snapshot { refresh_problem: Some(not_signed_in("")), ..snapshot(&[end]) };
        let (code, said, _) = told(board.news(&open, now));
        assert_eq!((code, said), ("notSignedIn".into(), false), "the problem has been told");
        let (code, said, lines) = told(board.news(&snapshot(&[]), now));
        assert_eq!((code, said, lines), (serde_json::Value::Null, true, vec!["Nothing is open.".into()]));
    }

    #[test]
    fn nothing_is_said_to_be_closed_while_azure_is_asked() {
        let mut board = Board::default();
        let asking = Snapshot { refreshing: true, ..snapshot(&[]) };
        assert_eq!(board.news(&asking, DateTime::UNIX_EPOCH), News::None);
        assert!(matches!(board.news(&snapshot(&[]), DateTime::UNIX_EPOCH), News::Change { first: true, .. }));
    }
}
