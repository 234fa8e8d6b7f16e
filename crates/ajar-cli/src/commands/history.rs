//! `ajar history`: what was opened, here and, as Azure tells, elsewhere.

use ajar_core::journal::Opening;
use ajar_core::message::activity;
use ajar_core::message::history as words;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::ActivityView;
use ajar_runtime::adapters::SystemClock;
use ajar_runtime::files::{JournalFile, exported};
use ajar_runtime::ports::Clock as _;

use super::{End, no_answer};
use crate::args::History;
use crate::output;
use crate::session::Session;

/// How many people read at once.
const SHOWN: usize = 50;

pub(crate) async fn run(session: &Session, args: &History) -> Result<(), End> {
    match &args.name {
        Some(name) if args.azure => azure(session, name, args).await,
        _ => journal(session, args),
    }
}

/// What Azure's own log has of a favourite's VM.
async fn azure(session: &Session, name: &ProfileName, args: &History) -> Result<(), End> {
    let reply = session.face.ask(Request::ActivityLog { name: name.clone(), days: args.days }).await;
    let Reply::ActivityLog { log } = reply.unless_refused()? else { return Err(no_answer()) };
    if let Some(format) = args.format() {
        return Ok(output::text(exported(&log.activities, &ActivityView::MEMBERS, format.into())?.as_bytes())?);
    }
    if !log.activities.is_empty() {
        let rows: Vec<Vec<String>> = log.activities.iter().map(|one| activity::row(one).to_vec()).collect();
        output::lines(&output::table(&activity::COLUMNS, &rows))?;
    }
    output::line_to_people(&log.summary);
    Ok(())
}

/// What this machine's journal has.
fn journal(session: &Session, args: &History) -> Result<(), End> {
    let file = JournalFile::new(session.folder.journal());
    let journal = file.read()?;
    if journal.unreadable > 0 {
        output::line_to_people(&words::unreadable(journal.unreadable, &file.path().display().to_string()));
    }
    let mut openings = journal.openings;
    openings.retain(|opening| args.name.as_ref().is_none_or(|name| opening.name == *name));
    match args.format() {
        Some(format) => output::text(exported(&openings, &Opening::MEMBERS, format.into())?.as_bytes())?,
        None => table(args, &openings)?,
    }
    Ok(())
}

fn table(args: &History, openings: &[Opening]) -> Result<(), End> {
    if openings.is_empty() {
        let nothing =
            args.name.as_ref().map_or_else(|| words::nothing().into(), |name| words::nothing_of(name.as_str()));
        output::line_to_people(&nothing);
        return Ok(());
    }
    let older = if args.all { 0 } else { openings.len().saturating_sub(SHOWN) };
    if older > 0 {
        output::line_to_people(&words::older(older));
    }
    let clock = SystemClock;
    let now = clock.now();
    let row = |opening: &Opening| words::row(opening, clock.zone(opening.at).seen_at(now)).to_vec();
    let rows: Vec<Vec<String>> = openings[older..].iter().map(row).collect();
    output::lines(&output::table(&words::COLUMNS, &rows))?;
    Ok(())
}
