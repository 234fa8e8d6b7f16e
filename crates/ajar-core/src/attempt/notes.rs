//! What the user should know without having asked: wishes that were cut, raised or not taken up.

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Attempt, Outcome};
use crate::policy::{Clamp, SHORTEST_ACCESS};
use crate::profile::DEFAULT_ACCESS;

/// What was wished for this one time, beyond the favourite's profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Access for so long.
    Access(TimeDelta),
    /// This justification for the record.
    Reason(String),
    /// Access from this address.
    Source(Ipv4Addr),
}

/// A note, before words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// More was wished than the policy allows, or than may be taken for allowed.
    Clamped(Clamp),
    /// Less was wished than any policy allows.
    Raised(TimeDelta),
    /// Wishes that came when the attempt was under way already.
    CameLater(Vec<Wish>),
    /// Wishes for a request that did not have to be made.
    NotNeeded {
        /// The end of the window that is open, where it is known.
        open_until: Option<DateTime<Utc>>,
        /// What they were.
        wishes: Vec<Wish>,
    },
    /// Nobody says how it is opened, and what runs there was not told: it is opened as if it were Linux.
    SystemUntold {
        /// By that port.
        port: u16,
    },
    /// The port answered while a request was on its way, whose answer is still to come.
    AnswerToCome,
}

impl Attempt {
    /// The same is wished once more, for so long; `None` is as long as is usual. Of two lengths the longer one is asked for, as long as
    /// nothing was. What the attempt does not do as wished is noted.
    pub fn join(&mut self, mut wishes: Vec<Wish>, access: Option<TimeDelta>) {
        let wanted = access.unwrap_or(DEFAULT_ACCESS);
        if wanted > self.usual_access() && !self.order.follows {
            if self.asking.sent == 0 && self.outcome.is_none() {
                self.order.access = access;
            } else if !wishes.iter().any(|wish| matches!(wish, Wish::Access(_))) {
                wishes.push(Wish::Access(wanted));
            }
        }
        wishes.retain(|wish| !self.heeds(wish));
        if !wishes.is_empty() {
            self.note(Note::CameLater(wishes));
        }
    }

    fn heeds(&self, wish: &Wish) -> bool {
        match wish {
            Wish::Access(access) => *access == self.usual_access(),
            Wish::Reason(reason) => Some(reason) == self.order.justification.as_ref(),
            Wish::Source(address) => self.source.value().is_some_and(|source| source.address == *address),
        }
    }

    /// Notes how a request that goes out differs from the wish.
    pub(super) fn note_changes(&mut self, clamped_to: Option<Clamp>, now: DateTime<Utc>) {
        // What nobody has asked for is not cut.
        if let Some(clamp) = clamped_to.filter(|_| self.order.access.is_some()) {
            self.note(Note::Clamped(clamp));
        }
        if self.access(now) < SHORTEST_ACCESS {
            self.note(Note::Raised(SHORTEST_ACCESS));
        }
    }

    /// Notes the wishes for a request that is not made, because the door is open already.
    pub(super) fn note_unneeded(&mut self, now: DateTime<Utc>) {
        let open_until = self.window(now).map(|window| window.end_time_utc);
        let is_open = open_until.is_some() || matches!(self.outcome(), Some(Outcome::Connected { .. }));
        let is_to_come = self.order.extends && self.outcome.is_none();
        if !is_open || is_to_come || self.asking.began.is_some() {
            return;
        }
        let mut wishes = std::mem::take(&mut self.order.wishes);
        // The window is one that admits the address wished.
        wishes.retain(|wish| open_until.is_none() || !matches!(wish, Wish::Source(_)));
        if !wishes.is_empty() {
            self.note(Note::NotNeeded { open_until, wishes });
        }
    }

    /// Notes that a request is on its way though the port is open already.
    pub(super) fn note_answer_to_come(&mut self) {
        let is_asking = self.asking.in_flight.is_some() || self.asking.unsettled.is_some();
        if is_asking && matches!(self.outcome(), Some(Outcome::Connected { .. })) {
            self.note(Note::AnswerToCome);
        }
    }

    /// Forgets what was noted of a request that was not sent after all.
    pub(super) fn forget_notes_of_request(&mut self) {
        let is_of_request = |note: &Note| matches!(note, Note::Clamped(_) | Note::Raised(_) | Note::AnswerToCome);
        self.notes.retain(|note| !is_of_request(note));
        self.note_unneeded(self.clock.seen());
    }

    pub(super) fn note(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
