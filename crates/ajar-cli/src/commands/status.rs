//! `ajar status`: what is open, and for how long.

use ajar_core::message;
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::{Snapshot, WindowView};
use chrono::{DateTime, Local, Utc};
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
    if args.json {
        output::json(&windows(&snapshot))?;
    } else {
        print(&snapshot)?;
    }
    // What could be read has been shown; what could not is said, and is the result if there is nothing else.
    match &snapshot.refresh_problem {
        Some(problem) if snapshot.windows.is_empty() => Err(problem.clone().into()),
        Some(problem) => {
            output::failure(problem, false);
            Ok(())
        }
        None => Ok(()),
    }
}

/// Prints at once and on each change, until a signal ends it.
pub(crate) async fn watch(session: &Session, args: &Status, signals: &mut Signals) -> Result<(), End> {
    refresh(session).await?;
    let mut snapshots = session.face.snapshots();
    snapshots.mark_changed();
    let mut last = None;
    let reader_gone = output::reader_gone();
    tokio::pin!(reader_gone);
    loop {
        tokio::select! {
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
            }
            () = &mut reader_gone => return Ok(()),
            signal = signals.next() => match signal {
                // That is how one leaves.
                Signal::Interrupt => return Ok(()),
                #[cfg(unix)]
                other => return Err(End::Code(other.exit_code())),
            },
        }
        let Some(snapshot) = snapshots.borrow_and_update().clone() else { continue };
        let shown = windows(&snapshot);
        if last.as_ref() == Some(&shown) {
            continue;
        }
        if args.json {
            output::json(&json!({ "event": "status", "windows": shown }))?;
        } else {
            if last.is_some() {
                output::line("")?;
            }
            print(&snapshot)?;
        }
        last = Some(shown);
    }
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

fn print(snapshot: &Snapshot) -> Result<(), Unprinted> {
    for closed in &snapshot.closed {
        output::line(&format!("{}: {}", closed.name, closed.text))?;
    }
    if snapshot.windows.is_empty() {
        return output::line(message::cli::nothing_open());
    }
    let now = azure_now(snapshot);
    let rows: Vec<Vec<String>> = snapshot.windows.iter().map(|window| row(window, now)).collect();
    output::table(&message::cli::WINDOW_COLUMNS, &rows)
}

fn row(window: &WindowView, now: DateTime<Utc>) -> Vec<String> {
    let end = window.end_time_utc;
    vec![
        window.name.to_string(),
        window.port.to_string(),
        message::moment(end, *end.with_timezone(&Local).offset()),
        message::left(end - now).trim_end_matches(" left").into(),
        window.source.clone(),
        window.opened_by.clone().unwrap_or_else(|| "Ajar".into()),
    ]
}
