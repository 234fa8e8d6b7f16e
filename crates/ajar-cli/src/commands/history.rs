//! `ajar history`: what was opened.

use ajar_core::journal::Opening;
use ajar_core::message::history as words;
use ajar_runtime::adapters::SystemClock;
use ajar_runtime::files::{JournalFile, exported};
use ajar_runtime::ports::Clock as _;

use super::End;
use crate::args::History;
use crate::output;
use crate::session::Session;

/// How many people read at once.
const SHOWN: usize = 50;

pub(crate) fn run(session: &Session, args: &History) -> Result<(), End> {
    let file = JournalFile::new(session.folder.journal());
    let journal = file.read()?;
    if journal.unreadable > 0 {
        output::line_to_people(&words::unreadable(journal.unreadable, &file.path().display().to_string()));
    }
    let mut openings = journal.openings;
    openings.retain(|opening| args.name.as_ref().is_none_or(|name| opening.name == *name));
    match args.format {
        Some(format) => output::text(exported(&openings, format.into())?.as_bytes())?,
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
