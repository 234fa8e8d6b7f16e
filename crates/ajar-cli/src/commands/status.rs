//! `ajar status`: what is open, and for how long.

use std::io::IsTerminal as _;
use std::time::Duration;

use ajar_core::message;
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::{FailureView, Snapshot, WindowView};
use chrono::{DateTime, Local, Utc};
use console::{Term, measure_text_width};
use serde_json::json;

use super::{End, azure_now};
use crate::args::Status;
use crate::output::{self, Unprinted};
use crate::session::Session;
use crate::signals::{Signal, Signals};

async fn refresh(session: &Session) -> Result<(), End> {
    match session.face.ask(Request::Refresh).await {
        Reply::Refused { failure } => Err((*failure).into()),
        Reply::Done | Reply::Left | Reply::Attempt { .. } => Ok(()),
    }
}

/// Prints what is open now.
pub(crate) async fn once(session: &Session, args: &Status) -> Result<(), End> {
    refresh(session).await?;
    let Some(snapshot) = session.face.wait_for(|snapshot| !snapshot.refreshing).await else {
        return Ok(());
    };
    // What could be read is shown; what could not is said, and is the result if there is nothing else.
    if let Some(problem) = snapshot.refresh_problem.as_ref().filter(|_| snapshot.windows.is_empty()) {
        return Err(problem.clone().into());
    }
    if args.json {
        output::json(&windows(&snapshot))?;
    } else {
        output::lines(&lines(&snapshot, azure_now(&snapshot)))?;
    }
    if let Some(problem) = &snapshot.refresh_problem {
        output::failure(problem, false);
    }
    Ok(())
}

/// Prints at once and on each change, until a signal ends it. On a terminal the time left counts down.
pub(crate) async fn watch(session: &Session, args: &Status, signals: &mut Signals) -> Result<(), End> {
    refresh(session).await?;
    let mut snapshots = session.face.snapshots();
    let mut board = Board::default();
    let redraws = !args.json && std::io::stdout().is_terminal();
    let reader_gone = output::reader_gone();
    tokio::pin!(reader_gone);
    loop {
        let mut pause = None;
        if let Some(snapshot) = snapshots.borrow_and_update().clone() {
            let now = azure_now(&snapshot);
            match board.news(&snapshot, now) {
                News::Minute { lines, above } if redraws => redraw(&lines, &above)?,
                News::None | News::Minute { .. } => {}
                News::Change { event, .. } if args.json => output::json(&event)?,
                News::Change { problem, lines, first, .. } => {
                    if !first {
                        output::line("")?;
                    }
                    if let Some(problem) = problem {
                        output::failure(&problem, false);
                    }
                    output::lines(&lines)?;
                }
            }
            pause = next_minute(&snapshot, now).filter(|_| redraws);
        }
        tokio::select! {
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
            }
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            () = &mut reader_gone => return Ok(()),
            signal = signals.next() => match signal {
                // That is how one leaves.
                Signal::Interrupt => return Ok(()),
                #[cfg(unix)]
                other => return Err(End::Code(other.exit_code())),
            },
        }
    }
}

/// What a watch has shown.
#[derive(Default)]
struct Board {
    windows: Option<Vec<serde_json::Value>>,
    problem: Option<FailureView>,
    lines: Vec<String>,
}

/// What a watch has to show.
#[derive(Debug, PartialEq)]
enum News {
    None,
    /// Nothing but the time left.
    Minute {
        lines: Vec<String>,
        /// The lines they take the place of.
        above: Vec<String>,
    },
    /// Another window, or another problem with finding them.
    Change {
        event: serde_json::Value,
        /// The problem, if it is new.
        problem: Option<FailureView>,
        lines: Vec<String>,
        first: bool,
    },
}

impl Board {
    fn news(&mut self, snapshot: &Snapshot, now: DateTime<Utc>) -> News {
        // As long as Azure is being asked, nobody knows that nothing is open.
        if snapshot.refreshing && snapshot.windows.is_empty() {
            return News::None;
        }
        let (windows, lines) = (windows(snapshot), lines(snapshot, now));
        let above = std::mem::replace(&mut self.lines, lines.clone());
        // Its details have the time of each look, and are no news.
        let problem = snapshot.refresh_problem.clone().map(|problem| FailureView { details: String::new(), ..problem });
        let first = self.windows.is_none();
        if self.windows.as_ref() == Some(&windows) && self.problem == problem {
            return if above == lines { News::None } else { News::Minute { lines, above } };
        }
        let told = snapshot.refresh_problem.as_ref().map(output::failure_fields);
        let event = json!({ "event": "status", "windows": windows, "problem": told });
        let news = problem.clone().filter(|_| self.problem != problem);
        (self.windows, self.problem) = (Some(windows), problem);
        News::Change { event, problem: news, lines, first }
    }
}

/// How long the time left stays as it is, in words.
fn next_minute(snapshot: &Snapshot, now: DateTime<Utc>) -> Option<Duration> {
    let changes = snapshot.windows.iter().filter_map(|window| message::left_changes_at(window.end_time_utc, now));
    changes.min().and_then(|next| (next - now).to_std().ok())
}

/// Puts lines in the place of those that were printed last.
fn redraw(lines: &[String], above: &[String]) -> Result<(), Unprinted> {
    let terminal = Term::stdout();
    let columns = usize::from(terminal.size().1).max(1);
    let rows = above.iter().map(|line| measure_text_width(line).div_ceil(columns).max(1)).sum();
    terminal.clear_last_lines(rows).map_err(Unprinted)?;
    output::lines(lines)
}

fn windows(snapshot: &Snapshot) -> Vec<serde_json::Value> {
    snapshot
        .windows
        .iter()
        .map(|window| {
            json!({
                "name": window.name,
                "vm": window.vm,
                "port": window.port,
                "source": window.source,
                "startTimeUtc": window.start_time_utc,
                "endTimeUtc": window.end_time_utc,
                "openedBy": window.opened_by,
                "ending": window.ending,
            })
        })
        .collect()
}

fn lines(snapshot: &Snapshot, now: DateTime<Utc>) -> Vec<String> {
    let closed = snapshot.closed.iter().map(|closed| format!("{}: {}", closed.name, closed.text));
    let open = if snapshot.windows.is_empty() {
        vec![message::cli::nothing_open(snapshot.refresh_problem.is_none()).into()]
    } else {
        let rows: Vec<Vec<String>> = snapshot.windows.iter().map(|window| row(window, now)).collect();
        output::table(&message::cli::WINDOW_COLUMNS, &rows)
    };
    closed.chain(open).collect()
}

fn row(window: &WindowView, now: DateTime<Utc>) -> Vec<String> {
    let end = window.end_time_utc;
    vec![
        window.name.to_string(),
        window.port.to_string(),
        message::moment(end, *end.with_timezone(&Local).offset()),
        message::left(end - now).trim_end_matches(" left").into(),
        window.source.clone(),
        message::cli::opened_by(window.opened_by.as_deref()).into(),
    ]
}

#[cfg(test)]
mod tests {
    use ajar_core::failure::Failure;
    use chrono::TimeDelta;

    use super::*;
    use crate::session::words;

    fn snapshot(windows: &[DateTime<Utc>]) -> Snapshot {
        let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/web-01";
        let window = |end: &DateTime<Utc>| {
            json!({
                "name": "web-01", "vm": vm, "port": 22, "protocol": "ssh", "source": "203.0.113.7",
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
        FailureView { details: details.into(), ..words(&Failure::NotSignedIn { detail: "no".into() }.into(), "web-01") }
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
        let News::Minute { lines, above } = board.news(&open, then) else { panic!("it does not count down") };
        assert!(above[1].contains("2:00") && lines[1].contains("1:59"), "{above:?} {lines:?}");
        assert_eq!(next_minute(&snapshot(&[]), now), None);
    }

    #[test]
    fn a_problem_is_told_once_and_when_it_is_gone() {
        let now = DateTime::UNIX_EPOCH;
        let mut board = Board::default();
        let told = |news| match news {
            News::Change { event, problem, lines, .. } => (event["problem"]["code"].clone(), problem.is_some(), lines),
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
        assert_eq!((code, said, lines), (serde_json::Value::Null, false, vec!["Nothing is open.".into()]));
    }

    #[test]
    fn nothing_is_said_to_be_closed_while_azure_is_asked() {
        let mut board = Board::default();
        let asking = Snapshot { refreshing: true, ..snapshot(&[]) };
        assert_eq!(board.news(&asking, DateTime::UNIX_EPOCH), News::None);
        assert!(matches!(board.news(&snapshot(&[]), DateTime::UNIX_EPOCH), News::Change { first: true, .. }));
    }
}
