//! `ajar status`: what is open, and for how long.

mod board;
mod screen;

use std::collections::HashSet;
use std::io::IsTerminal as _;
use std::pin::Pin;
use std::time::Duration;

use ajar_core::message;
use ajar_core::protocol::Request;
use ajar_core::snapshot::{
    AfterUseView, DeallocationEnd, DeallocationView, FavouriteState, FavouriteView, Snapshot, WindowView,
};
use ajar_runtime::adapters::{SystemClock, azure_now};
use ajar_runtime::ports::Clock as _;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::End;
use crate::args::Status;
use crate::output::{self, Unprinted};
use crate::session::Session;
use crate::signals::{Resizes, Signal, Signals};
use board::{Board, News};
use screen::Screen;

async fn refresh(session: &Session) -> Result<(), End> {
    Ok(session.face.ask(Request::Refresh).await.accepted()?)
}

/// Prints what is open now.
pub(crate) async fn once(session: &Session, args: &Status) -> Result<(), End> {
    refresh(session).await?;
    let Some(snapshot) = session.face.wait_for(|snapshot| !snapshot.refreshing).await else {
        return Err(session.face.why_gone().into());
    };
    // What could be read is shown; what could not is said, and is the result where nothing could.
    let is_unknown = |favourite: &FavouriteView| favourite.state == FavouriteState::Unknown;
    if let Some(problem) = &snapshot.refresh_problem
        && snapshot.windows.is_empty()
        && snapshot.favourites.iter().all(is_unknown)
    {
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

/// Prints at once and on each change, until a signal ends it. On a terminal all stays in its place, and the time left
/// counts down.
pub(crate) async fn watch(session: &Session, args: &Status, signals: &mut Signals) -> Result<(), End> {
    let mut snapshots = session.face.snapshots();
    let mut board = Board::default();
    let mut screen = (!args.json && std::io::stdout().is_terminal()).then(Screen::new);
    let mut resizes = Resizes::listen()?;
    let reader_gone = output::reader_gone();
    tokio::pin!(reader_gone);
    // An engine that another process has taken over knows of no windows before it has looked.
    let mut asked_of = None;
    let mut has_told = false;
    let mut looking = None;
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        if let Some(host) = snapshot.as_ref().map(|snapshot| snapshot.host.pid)
            && asked_of != Some(host)
        {
            asked_of = Some(host);
            looking = Some(Box::pin(refresh(session)));
        }
        let known = snapshot.filter(|_| looking.is_none());
        let mut pause = None;
        if let Some(snapshot) = &known {
            let now = azure_now(snapshot);
            let news = board.news(snapshot, now);
            has_told |= news != News::None;
            tell(news, screen.as_mut(), args.json)?;
            pause = next_minute(snapshot, now).filter(|_| screen.is_some());
        }
        tokio::select! {
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return Err(session.face.why_gone().into());
                }
            }
            answer = answer_of(&mut looking), if looking.is_some() => {
                looking = None;
                answer?;
            }
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            () = resizes.next(), if screen.is_some() => {
                if let Some(screen) = &mut screen {
                    screen.redraw()?;
                }
            }
            () = &mut reader_gone => return Ok(()),
            signal = signals.next() => match signal {
                Signal::Interrupt => {
                    if screen.is_some() {
                        // What the terminal echoes for it gets a line of its own.
                        output::line("")?;
                    }
                    // That is how one leaves; without a first answer nothing is known.
                    return if has_told { Ok(()) } else { Err(End::Code(signal.exit_code())) };
                }
                #[cfg(unix)]
                other => return Err(End::Code(other.exit_code())),
            },
        }
    }
}

async fn answer_of<T>(asked: &mut Option<Pin<Box<impl Future<Output = T>>>>) -> T {
    match asked {
        Some(asked) => asked.await,
        None => std::future::pending().await,
    }
}

/// Brings news to the screen, or prints what has changed.
fn tell(news: News, screen: Option<&mut Screen>, json: bool) -> Result<(), Unprinted> {
    match (news, screen) {
        (News::None, _) | (News::Minute { .. }, None) => Ok(()),
        (News::Minute { problem, lines } | News::Change { problem, lines, .. }, Some(screen)) => {
            let problem = problem.map(|problem| output::failure_lines(&problem, false)).unwrap_or_default();
            screen.show([problem, lines].concat())
        }
        (News::Change { event, .. }, None) if json => output::json(&event),
        (News::Change { problem, is_new_problem, lines, first, .. }, None) => {
            if !first {
                output::line("")?;
            }
            if let Some(problem) = problem.filter(|_| is_new_problem) {
                output::failure(&problem, false);
            }
            output::lines(&lines)
        }
    }
}

/// How long the time left stays as it is, in words.
fn next_minute(snapshot: &Snapshot, now: DateTime<Utc>) -> Option<Duration> {
    let changes = snapshot.windows.iter().filter_map(|window| message::left_changes_at(window.end_time_utc, now));
    changes.min().and_then(|next| (next - now).to_std().ok())
}

/// The windows in force, and after them those that Azure closed before their time: these say so under `closed`.
fn windows(snapshot: &Snapshot) -> Vec<serde_json::Value> {
    let in_force = snapshot.windows.iter().map(|window| {
        json!({
            "name": window.name,
            "cloud": window.cloud,
            "vm": window.vm,
            "port": window.port,
            "source": window.source,
            "startTimeUtc": window.start_time_utc,
            "endTimeUtc": window.end_time_utc,
            "openedBy": window.opened_by,
            "ending": window.ending,
            "leftBehind": window.left_behind,
            "renewal": window.renewal,
            "beside": window.beside,
            "closed": null,
        })
    });
    let closed = snapshot.closed.iter().map(|closed| {
        let favourite = snapshot.favourites.iter().find(|favourite| favourite.name == closed.name);
        json!({
            "name": closed.name,
            "vm": favourite.map(|favourite| &favourite.vm),
            "port": closed.port,
            "endTimeUtc": closed.end_time_utc,
            "closed": closed.text,
        })
    });
    in_force.chain(closed).collect()
}

fn lines(snapshot: &Snapshot, now: DateTime<Utc>) -> Vec<String> {
    let closed = snapshot.closed.iter().map(|closed| format!("{}: {}", closed.name, closed.text));
    let open = if snapshot.windows.is_empty() {
        vec![message::cli::nothing_open(snapshot.refresh_problem.is_none()).into()]
    } else {
        let rows: Vec<Vec<String>> = snapshot.windows.iter().map(|window| row(window, now)).collect();
        output::table(&message::cli::WINDOW_COLUMNS, &rows)
    };
    let of_windows = snapshot.windows.iter().flat_map(|window| more(snapshot, window));
    closed.chain(open).chain(of_windows).chain(started(snapshot, now)).collect()
}

/// The VMs that Ajar has started and that run since, and those of them that nobody uses any more.
fn started(snapshot: &Snapshot, now: DateTime<Utc>) -> Vec<String> {
    let zone = SystemClock.zone(SystemClock.now());
    let mut told = HashSet::new();
    let running = |favourite: &FavouriteView| {
        // Several favourites may lead to it.
        if !told.insert((favourite.cloud.clone(), favourite.vm.to_string().to_lowercase())) {
            return None;
        }
        let unused = snapshot.after_use.iter().find(|one| (&one.cloud, &one.vm) == (&favourite.cloud, &favourite.vm));
        if let Some(unused) = unused {
            return Some(message::after_use::to_stop(unused.name.as_str(), &unused.text));
        }
        Some(message::after_use::running_since(favourite.name.as_str(), favourite.started_at?, now, zone))
    };
    let of_favourites: Vec<_> = snapshot.favourites.iter().filter_map(running).collect();
    let is_no_favourites = |one: &&AfterUseView| {
        !snapshot.favourites.iter().any(|favourite| (&one.cloud, &one.vm) == (&favourite.cloud, &favourite.vm))
    };
    let others = snapshot.after_use.iter().filter(is_no_favourites);
    let others = others.map(|one| message::after_use::to_stop(one.name.as_str(), &one.text));
    of_favourites.into_iter().chain(others).collect()
}

/// A deallocation that has ended, in a line; none where somebody has only left it.
fn rested(one: &DeallocationView) -> Option<String> {
    match one.outcome.as_ref()? {
        DeallocationEnd::Deallocated { text, .. } => Some(message::deallocation::done_with(one.name.as_str(), text)),
        DeallocationEnd::Failed(failure) => Some(format!("{} {}", failure.title, failure.action)),
        DeallocationEnd::Left(_) => None,
    }
}

/// What there is to say about a window beside its row.
fn more(snapshot: &Snapshot, window: &WindowView) -> Vec<String> {
    let name = window.name.as_str();
    let favourite = snapshot.favourites.iter().find(|favourite| favourite.name == window.name);
    let port = favourite.filter(|favourite| favourite.port != window.port).map(|_| window.port);
    let left = window.left_behind.as_ref().map(|left| {
        // Where the address is not known nothing can be asked.
        let command = left.address.map(|_| message::network::from_here_command(name, port));
        [Some(format!("{name}: {}", left.text)), command].into_iter().flatten().collect::<Vec<_>>().join(" ")
    });
    let beside = window.beside.as_ref().map(|beside| format!("{name}: {beside}"));
    let renewal = window.renewal.as_ref().map(|renewal| format!("{name}: {}", renewal.text));
    left.into_iter().chain(beside).chain(renewal).collect()
}

fn row(window: &WindowView, now: DateTime<Utc>) -> Vec<String> {
    let end = window.end_time_utc;
    vec![
        window.name.to_string(),
        window.port.to_string(),
        message::moment(end, SystemClock.zone(SystemClock.now())),
        message::left(end - now).trim_end_matches(" left").into(),
        window.source.clone(),
        message::cli::opened_by(window.opened_by.as_deref()).into(),
    ]
}
