//! `ajar history`: what was opened.

use ajar_core::failure::Failure;
use ajar_core::journal::Opening;
use ajar_core::message::history as words;
use ajar_runtime::adapters::SystemClock;
use ajar_runtime::files::JournalFile;
use ajar_runtime::ports::Clock as _;

use super::End;
use crate::args::{Format, History};
use crate::output;
use crate::session::Session;

/// How many people read at once.
const SHOWN: usize = 50;

pub(crate) fn run(session: &Session, args: &History) -> Result<(), End> {
    let file = JournalFile::new(session.folder.journal());
    let shown = file.path().display().to_string();
    let journal = file.read().map_err(|error| unreadable(&shown, &error.to_string()))?;
    if journal.unreadable > 0 {
        output::line_to_people(&words::unreadable(journal.unreadable, &shown));
    }
    let mut openings = journal.openings;
    openings.retain(|opening| args.name.as_ref().is_none_or(|name| opening.name == *name));
    match args.format {
        Some(Format::Json) => output::json(&openings)?,
        Some(Format::Csv) => csv(&openings)?,
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

fn csv(openings: &[Opening]) -> Result<(), End> {
    let mut rows = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    rows.write_record(Opening::MEMBERS).map_err(std::io::Error::other)?;
    openings.iter().try_for_each(|opening| rows.serialize(opening)).map_err(std::io::Error::other)?;
    let bytes = rows.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
    output::text(&bytes)?;
    Ok(())
}

fn unreadable(path: &str, why: &str) -> ajar_core::failure::Trouble {
    Failure::Settings { path: path.to_owned(), detail: why.to_owned() }.into()
}
