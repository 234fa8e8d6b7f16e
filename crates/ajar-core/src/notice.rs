//! What is worth a notification: the difference between two snapshots, and the time that has passed, in words.

mod before_end;

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::menu::{may_extend, rests};
use crate::message::notice::{
    Notice, closed, connected, deallocated, ended, ending, extended, failed, left_behind, not_renewed, not_used,
    opened_from_here,
};
use crate::network::OnNewAddress;
use crate::profile::ProfileName;
use crate::snapshot::{
    AfterUseView, AttemptView, DeallocationEnd, DeallocationView, OutcomeView, Snapshot, WindowView,
};
use crate::vm::CloudVm;
use crate::zone::Zone;

pub use before_end::BeforeEnd;

#[cfg(test)]
mod tests;

/// What has been told of windows, for as long as somebody tells.
#[derive(Clone, Debug, Default)]
pub struct Told {
    ends: Vec<Mark>,
    /// The windows that are told to let another address in, and the one that this machine had then.
    left_behind: Vec<(Mark, Ipv4Addr)>,
}

/// How far it has been told that a window ends. Another end of the same door is another window.
#[derive(Clone, Debug, PartialEq)]
struct Mark {
    name: ProfileName,
    vm: CloudVm,
    port: u16,
    end: DateTime<Utc>,
    /// The shortest time before the end that was told, or had passed when the window was first seen; zero once the end
    /// itself was told.
    shortest: TimeDelta,
}

/// Windows that ended this long ago are gone, however far clocks are set back.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(1);

impl Told {
    fn of(&mut self, window: &WindowView) -> Option<&mut Mark> {
        self.ends.iter_mut().find(|mark| mark.is_of(window))
    }

    /// How long before its end a window is that is to be told of now, and whether it is told for the first time. What has passed when it is first seen is no news, but a
    /// time that is set meanwhile and has passed is told at once; of several times that have passed since, as for who slept, the last alone.
    fn is_news(
        &mut self,
        window: &WindowView,
        before_end: &BeforeEnd,
        now: DateTime<Utc>,
    ) -> Option<(TimeDelta, bool)> {
        let left = window.end_time_utc - now;
        let passed = marks(window, before_end).filter(|mark| left <= *mark).min();
        let Some(mark) = self.of(window) else {
            self.ends.push(Mark::new(window, passed.unwrap_or(TimeDelta::MAX)));
            return None;
        };
        let passed = passed.filter(|passed| *passed < mark.shortest)?;
        let is_first = std::mem::replace(&mut mark.shortest, passed) == TimeDelta::MAX;
        Some((left, is_first))
    }

    /// Whether the end itself is to be told.
    fn is_end(&mut self, window: &WindowView) -> bool {
        if let Some(mark) = self.of(window) {
            return std::mem::replace(&mut mark.shortest, TimeDelta::zero()) > TimeDelta::zero();
        }
        self.ends.push(Mark::new(window, TimeDelta::zero()));
        true
    }

    /// The windows that are seen to let another address in than this machine has, and were not before. A host that is new does not
    /// know yet where this machine is.
    fn newly_left<'a>(&mut self, before: &Snapshot, after: &'a Snapshot) -> Vec<&'a WindowView> {
        let is_same_host = before.host.pid == after.host.pid;
        let here = |window: &WindowView| window.left_behind.as_ref().and_then(|left| left.address);
        let mut newly = Vec::new();
        for window in &after.windows {
            let told = self.left_behind.iter().position(|(mark, _)| mark.is_of(window));
            match (here(window), told) {
                (Some(here), Some(told)) if self.left_behind[told].1 == here => {}
                (Some(here), told) => {
                    told.map(|told| self.left_behind.remove(told));
                    self.left_behind.push((Mark::new(window, TimeDelta::zero()), here));
                    newly.push(window);
                }
                // While it is being seen to nothing is said of it, and it may come to nothing.
                (None, Some(told)) if is_same_host && window.left_behind.is_none() && !is_seen_to(after, window) => {
                    self.left_behind.remove(told);
                }
                (None, _) => {}
            }
        }
        newly
    }
}

impl Mark {
    fn new(window: &WindowView, shortest: TimeDelta) -> Self {
        let vm = CloudVm { cloud: window.cloud.clone(), id: window.vm.clone() };
        Self { name: window.name.clone(), vm, port: window.port, end: window.end_time_utc, shortest }
    }

    fn is_of(&self, window: &WindowView) -> bool {
        let is_door = self.name == window.name && (&self.vm.cloud, &self.vm.id) == (&window.cloud, &window.vm);
        is_door && (self.port, self.end) == (window.port, window.end_time_utc)
    }
}

/// Whether an attempt is under way at a window's port.
fn is_seen_to(snapshot: &Snapshot, window: &WindowView) -> bool {
    let is_at = |attempt: &&AttemptView| {
        (&attempt.cloud, &attempt.vm, attempt.port) == (&window.cloud, &window.vm, window.port)
    };
    snapshot.attempts.iter().filter(is_at).any(|attempt| attempt.outcome.is_none())
}

/// What has happened from one snapshot to the next, or to the same one a while later. `now` is Azure's time, `zone` the
/// user's clock.
///
/// Each event is told once, also when another process takes over as the host: attempts are known by their numbers, which
/// no host uses again, and windows that a new host has yet to find are neither gone nor new. With nothing before there
/// is nothing to tell.
pub fn notices(
    before: Option<&Snapshot>,
    after: &Snapshot,
    told: &mut Told,
    now: DateTime<Utc>,
    zone: Zone,
) -> Vec<Notice> {
    told.ends.retain(|mark| now - mark.end < FORGOTTEN_AFTER);
    told.left_behind.retain(|(mark, _)| mark.end > now);
    let mut notices: Vec<_> = before.map(|before| of_change(before, after, told, now, zone)).unwrap_or_default();
    let before_end = after.settings.before_end.clone().unwrap_or_default();
    // Past the end is decided first: who slept through both hears of the end alone.
    for window in after.windows.iter().filter(|window| window.end_time_utc > now) {
        // Of a VM that rests nothing is told, and no time is news once it runs again.
        if let Some((left, is_first)) = told.is_news(window, &before_end, now).filter(|_| !rests(after, window)) {
            let extends = may_extend(after, window).then(|| window.name.clone());
            let why_not = window.renewal.as_ref().filter(|renewal| is_first && !renewal.renews);
            let why_not = why_not.map(|renewal| renewal.text.as_str());
            notices.push(ending(window.name.as_str(), left, window.end_time_utc, extends, why_not, zone));
        }
    }
    notices
}

/// The next moment after `now` at which time alone makes a notice; `None` if never.
pub fn notices_change_at(snapshot: &Snapshot, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let before_end = snapshot.settings.before_end.clone().unwrap_or_default();
    let of_window = |window: &WindowView| {
        let end = window.end_time_utc;
        marks(window, &before_end).map(|mark| end - mark).filter(|at| *at > now).min()
    };
    snapshot.windows.iter().filter_map(of_window).min()
}

/// The times before its end at which a window is told of. One that is to be renewed is only told of once it could have been: where
/// that is later than all that is said, soon after it.
fn marks(window: &WindowView, before_end: &BeforeEnd) -> impl Iterator<Item = TimeDelta> {
    let looked_at = window.renewal.as_ref().and_then(|renewal| renewal.at);
    let left = looked_at.map(|looked_at| window.end_time_utc - looked_at);
    let is_later = move |mark: &TimeDelta| left.is_none_or(|left| *mark < left);
    let is_said = before_end.marks().next().is_some();
    let instead =
        left.filter(|left| is_said && *left > TimeDelta::zero() && !before_end.marks().any(|mark| is_later(&mark)));
    let instead = instead.map(|left| left - SOON_AFTER.min(left / 2));
    before_end.marks().filter(is_later).chain(instead)
}

/// How soon after a window could have been renewed it is told that it was not.
const SOON_AFTER: TimeDelta = TimeDelta::minutes(1);

fn of_change(before: &Snapshot, after: &Snapshot, told: &mut Told, now: DateTime<Utc>, zone: Zone) -> Vec<Notice> {
    let ends = after.attempts.iter().filter(|attempt| has_just_ended(attempt, before));
    let of_attempts = ends.filter_map(|attempt| outcome(attempt, zone));
    let gone = before.windows.iter().filter(|window| window.end_time_utc <= now && !is_among(window, after));
    let of_ends: Vec<_> = gone
        .filter(|window| told.is_end(window) && !rests(after, window))
        .map(|window| ended(window.name.as_str()))
        .collect();
    let early = after.closed.iter().filter(|closed| !before.closed.contains(closed));
    let of_early = early.map(|window| closed(window.name.as_str(), &window.text));
    let at_rest = after.deallocations.iter().filter(|one| !has_ended_before(one, before));
    let of_rest = at_rest.filter_map(rested);
    let is_new = |one: &&AfterUseView| {
        let is_it =
            |old: &AfterUseView| (&old.cloud, &old.vm, old.deallocates_at) == (&one.cloud, &one.vm, one.deallocates_at);
        !before.after_use.iter().any(is_it)
    };
    // A host that is new has it from the one before.
    let is_same_host = before.host.pid == after.host.pid;
    let unused = after.after_use.iter().filter(|one| is_same_host && is_new(one));
    let unused = unused.map(|one| not_used(one.unused(), &one.text, one.deallocates_at.is_some()));
    // Where access is asked for at once, what comes of that is told.
    let is_asked = after.settings.on_new_address == Some(OnNewAddress::Request);
    let left = told.newly_left(before, after).into_iter().filter(|window| !is_asked && !rests(after, window));
    let left: Vec<_> = left.filter_map(|window| of_left_behind(window, after)).collect();
    of_attempts.chain(unused).chain(of_rest).chain(of_ends).chain(of_early).chain(left).collect()
}

fn of_left_behind(window: &WindowView, snapshot: &Snapshot) -> Option<Notice> {
    let text = &window.left_behind.as_ref()?.text;
    let from_here = may_extend(snapshot, window).then(|| window.name.clone());
    Some(left_behind(window.name.as_str(), text, from_here))
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
        // It goes on as it was, and row and menu say until when.
        OutcomeView::Extended(_) if attempt.renews => None,
        OutcomeView::Failed(failure) if attempt.renews => Some(not_renewed(attempt.name.as_str(), failure)),
        OutcomeView::Extended(grant) if attempt.follows => {
            Some(opened_from_here(attempt.name.as_str(), grant, &attempt.notes, zone))
        }
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
