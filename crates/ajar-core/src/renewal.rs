//! Access that is renewed by itself while somebody is connected: from when on, until when, and what keeps it from being.
//!
//! What is open ends for new connections only; who works on wants the door to stay open for the next one. It is asked for
//! again shortly before the end, once for each window, and never beyond a ceiling that counts from the first opening on.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::access_window::AccessWindow;
use crate::notice::BeforeEnd;
use crate::policy::SHORTEST_ACCESS;

#[cfg(test)]
mod tests;

/// It is asked for so much before the last notice of the end: nobody is to be told of an end that does not come.
const BEFORE_LAST_NOTICE: TimeDelta = TimeDelta::minutes(2);

/// Of a window that is short this part is the most that is given up at its end.
const GIVEN_UP_AT_MOST: i32 = 4;

/// What is left of the ceiling has to be worth a request: Azure gives 5 minutes at least, and the way takes a moment.
const WORTH_ASKING: TimeDelta = TimeDelta::seconds(SHORTEST_ACCESS.num_seconds() + 60);

/// A window that begins so soon after the end of the one before goes on with it.
const GOES_ON_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// A port that was opened from here, and has been open since without a break.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// When it was asked for first.
    pub since: DateTime<Utc>,
    /// When the last of its windows ends.
    pub until: DateTime<Utc>,
    /// How often it was renewed by itself.
    #[serde(default)]
    pub times: u32,
    /// When that was the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed_at: Option<DateTime<Utc>>,
    /// The end of the window that was to be renewed last. It is asked for once, whatever comes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<DateTime<Utc>>,
}

/// How a favourite's access is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For how long, from the first opening on.
    pub up_to: TimeDelta,
    /// Whether somebody has to give a reason each time.
    pub asks_reason: bool,
}

/// How it stands with a window's renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is asked for from then on, if somebody is connected, until `until` at most.
    Renews {
        /// When it is looked whether somebody is connected, for the first time.
        at: DateTime<Utc>,
        /// The ceiling.
        until: DateTime<Utc>,
    },
    /// The ceiling leaves no room for more.
    Spent,
    /// Somebody would have to give a reason.
    AsksReason,
    /// It was asked for, and this window is still the last one.
    Asked {
        /// When it was to be.
        at: DateTime<Utc>,
    },
}

impl Standing {
    /// Until when nothing is said of the window's end, because that may not come.
    pub fn quiet_until(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Renews { at, .. } | Self::Asked { at } => Some(at),
            Self::Spent | Self::AsksReason => None,
        }
    }

    /// Whether it is to be asked for at `now`, if somebody is connected.
    pub fn is_due(self, now: DateTime<Utc>) -> bool {
        matches!(self, Self::Renews { at, until } if at <= now && until - now >= WORTH_ASKING)
    }
}

impl Access {
    /// The access that begins with a window.
    pub fn of(window: &AccessWindow) -> Self {
        let (since, until) = (window.start_time_utc, window.end_time_utc);
        Self { since, until, times: 0, renewed_at: None, asked_for: None }
    }

    /// Another window was granted: it goes on, or begins anew after a break.
    pub fn granted(&mut self, window: &AccessWindow) {
        if window.start_time_utc > self.until + GOES_ON_WITHIN {
            *self = Self::of(window);
        } else {
            self.until = self.until.max(window.end_time_utc);
        }
    }

    /// It is asked for by itself that this window last longer.
    pub fn asked(&mut self, window: &AccessWindow) {
        self.asked_for = Some(window.end_time_utc);
    }

    /// It was renewed by itself.
    pub fn renewed(&mut self, at: DateTime<Utc>) {
        self.times += 1;
        self.renewed_at = Some(at);
    }

    /// The ceiling. A clock that was set back since does not lift it.
    pub fn ceiling(&self, window: &AccessWindow, rule: Rule) -> DateTime<Utc> {
        self.since.min(window.start_time_utc) + rule.up_to
    }

    /// How it stands with the renewal of a window, of which notices tell so long before its end.
    pub fn standing(&self, window: &AccessWindow, rule: Rule, before_end: &BeforeEnd) -> Standing {
        let end = window.end_time_utc;
        let (at, until) = (end - lead(window, before_end), self.ceiling(window, rule));
        if rule.asks_reason {
            Standing::AsksReason
        } else if self.asked_for == Some(end) {
            Standing::Asked { at }
        } else if until < at + WORTH_ASKING || until <= end {
            Standing::Spent
        } else {
            Standing::Renews { at, until }
        }
    }
}

/// How long before its end a window is renewed.
fn lead(window: &AccessWindow, before_end: &BeforeEnd) -> TimeDelta {
    let last_notice = before_end.marks().min().unwrap_or_else(|| TimeDelta::minutes(1));
    let length = (window.end_time_utc - window.start_time_utc).max(TimeDelta::zero());
    (last_notice + BEFORE_LAST_NOTICE).min(length / GIVEN_UP_AT_MOST)
}
