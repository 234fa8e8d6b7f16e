//! What a watch has told, and so what is news.

use ajar_core::snapshot::{FailureView, Snapshot};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{lines, windows};
use crate::output;

/// What a watch has shown.
#[derive(Default)]
pub(super) struct Board {
    windows: Option<Vec<serde_json::Value>>,
    problem: Option<FailureView>,
    lines: Vec<String>,
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
    /// Another window, or another problem with finding them or with the settings.
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
        let (windows, lines) = (windows(snapshot), lines(snapshot, now));
        let before = std::mem::replace(&mut self.lines, lines.clone());
        let told = snapshot.settings_problem.as_ref().or(snapshot.refresh_problem.as_ref());
        // Its details have the time of each look, and are no news.
        let problem = told.cloned().map(|problem| FailureView { details: String::new(), ..problem });
        let first = self.windows.is_none();
        if self.windows.as_ref() == Some(&windows) && self.problem == problem {
            return if before == lines { News::None } else { News::Minute { problem, lines } };
        }
        let told = told.map(output::failure_fields);
        let event = json!({ "event": "status", "windows": windows, "problem": told });
        let is_new_problem = self.problem != problem;
        (self.windows, self.problem) = (Some(windows), problem.clone());
        News::Change { event, problem, is_new_problem, lines, first }
    }
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
