//! What was opened, for whoever looks back: read beside whatever else goes on, for the file may be large.

use std::io;
use std::sync::Arc;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::journal::{Format, Opening};
use ajar_core::message::failure::{About, in_words};
use ajar_core::message::history as words;
use ajar_core::protocol::Reply;
use ajar_core::snapshot::{HistoryView, OpeningView};
use tokio::sync::oneshot;

use super::Engine;
use crate::files::{JournalFile, exported};
use crate::ports::Clock;

/// What is wanted of it.
pub(super) enum Told {
    /// So many at most, the newest, in words.
    To(u32),
    /// All, for another program.
    As(Format),
}

impl Engine {
    /// Begins to read; the reply comes when that is done.
    pub(super) fn tell_history(&self, query: String, told: Told, reply: oneshot::Sender<Reply>) {
        let (file, clock) = (self.journal.clone(), Arc::clone(&self.ports.clock));
        tokio::task::spawn_blocking(move || {
            let answer = match told {
                Told::To(limit) => view(&file, &query, limit, &*clock).map(|history| Reply::History { history }),
                Told::As(format) => export(&file, &query, format),
            };
            drop(reply.send(answer.unwrap_or_else(|trouble| {
                let at = clock.now();
                let about = About { name: "Ajar", zone: clock.zone(at), at };
                Reply::Refused { failure: Box::new(in_words(&trouble, &about)) }
            })));
        });
    }
}

fn view(file: &JournalFile, query: &str, limit: u32, clock: &dyn Clock) -> Result<HistoryView, Trouble> {
    let journal = file.read()?;
    let unreadable = journal.unreadable;
    let is_empty = journal.openings.is_empty();
    let mut fitting: Vec<_> = journal.openings.iter().rev().filter(|opening| opening.fits(query)).collect();
    // They stand in the order of their ends.
    fitting.sort_by_key(|opening| std::cmp::Reverse(opening.at));
    let now = clock.now();
    let shown = fitting.iter().take(usize::try_from(limit).unwrap_or(usize::MAX));
    let nothing = if is_empty { words::nothing().to_owned() } else { words::nothing_fits(query) };
    Ok(HistoryView {
        openings: shown.map(|opening| OpeningView::new(opening, clock.zone(opening.at).seen_at(now))).collect(),
        total: count(fitting.len()),
        nothing: fitting.is_empty().then_some(nothing),
        unreadable: (unreadable > 0).then(|| words::unreadable(unreadable, &file.path().display().to_string())),
    })
}

fn export(file: &JournalFile, query: &str, format: Format) -> Result<Reply, Trouble> {
    let mut openings = file.read()?.openings;
    openings.retain(|opening| opening.fits(query));
    let internal = |error: io::Error| Failure::Internal { detail: error.to_string() };
    let text = exported(&openings, &Opening::MEMBERS, format).map_err(internal)?;
    Ok(Reply::Exported { text, count: count(openings.len()) })
}

fn count(openings: usize) -> u32 {
    u32::try_from(openings).unwrap_or(u32::MAX)
}
