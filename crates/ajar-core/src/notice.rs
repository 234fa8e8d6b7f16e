//! What is worth a notification: the difference between two snapshots, in words.

use crate::zone::Zone;
use chrono::{DateTime, Utc};

use crate::message::notice::{Notice, closed, connected, deallocated, ended, ending, extended, failed};
use crate::snapshot::{AttemptView, DeallocationEnd, DeallocationView, OutcomeView, Snapshot, WindowView};

#[cfg(test)]
mod tests;

/// What has happened from one snapshot to the next. `now` is Azure's time, `zone` the user's clock.
///
/// Each event is told once, also when another process takes over as the host: attempts are known by their numbers, which
/// no host uses again, and windows that a new host has yet to find are neither gone nor new. With nothing before there
/// is nothing to tell.
pub fn notices(before: &Snapshot, after: &Snapshot, now: DateTime<Utc>, zone: Zone) -> Vec<Notice> {
    let ends = after.attempts.iter().filter(|attempt| has_just_ended(attempt, before));
    let of_attempts = ends.filter_map(|attempt| outcome(attempt, zone));
    // Past the end is decided first: who slept through both hears of the end alone.
    let gone = before.windows.iter().filter(|window| window.end_time_utc <= now && !is_among(window, after));
    let of_ends = gone.map(|window| ended(window.name.as_str()));
    let near = after.windows.iter().filter(|window| nears_its_end(window, before) && window.end_time_utc > now);
    let of_nearing = near.map(|window| {
        let end = window.end_time_utc;
        ending(window.name.as_str(), end - now, end, zone)
    });
    let early = after.closed.iter().filter(|closed| !before.closed.contains(closed));
    let of_early = early.map(|window| closed(window.name.as_str(), &window.text));
    let at_rest = after.deallocations.iter().filter(|one| !has_ended_before(one, before));
    let of_rest = at_rest.filter_map(rested);
    of_attempts.chain(of_rest).chain(of_ends).chain(of_early).chain(of_nearing).collect()
}

fn has_just_ended(attempt: &AttemptView, before: &Snapshot) -> bool {
    let told = |old: &AttemptView| old.number == attempt.number && old.outcome.is_some();
    attempt.outcome.is_some() && !before.attempts.iter().any(told)
}

fn has_ended_before(one: &DeallocationView, before: &Snapshot) -> bool {
    before.deallocations.iter().any(|old| old.number == one.number && old.outcome.is_some())
}

fn rested(one: &DeallocationView) -> Option<Notice> {
    match one.outcome.as_ref()? {
        DeallocationEnd::Deallocated { text, .. } => Some(deallocated(one.name.as_str(), text)),
        DeallocationEnd::Failed(failure) => Some(failed(failure)),
        DeallocationEnd::Left(_) => None,
    }
}

/// A cancel needs no telling: who cancelled knows.
fn outcome(attempt: &AttemptView, zone: Zone) -> Option<Notice> {
    match attempt.outcome.as_ref()? {
        OutcomeView::Connected(_) => Some(connected(attempt.name.as_str(), attempt.opened_by()?, &attempt.notes, zone)),
        OutcomeView::Extended(grant) => Some(extended(attempt.name.as_str(), grant.end_time_utc, &attempt.notes, zone)),
        OutcomeView::Failed(failure) => Some(failed(failure)),
        OutcomeView::Cancelled(_) => None,
    }
}

fn is_same_door(one: &WindowView, other: &WindowView) -> bool {
    one.name == other.name && (&one.cloud, &one.vm, one.port) == (&other.cloud, &other.vm, other.port)
}

fn is_among(window: &WindowView, snapshot: &Snapshot) -> bool {
    snapshot.windows.iter().any(|other| is_same_door(other, window))
}

/// Whether it was not near its end before. A window that was near it from the start is no news.
fn nears_its_end(window: &WindowView, before: &Snapshot) -> bool {
    let was_calm = |old: &WindowView| is_same_door(old, window) && !old.ending;
    window.ending && before.windows.iter().any(was_calm)
}
