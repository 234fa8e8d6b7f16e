//! The time an attempt has spent, which neither a stepping wall clock nor a sleeping laptop can distort.

use chrono::{DateTime, TimeDelta, Utc};

/// Milliseconds from the click.
pub(super) type Ms = i64;

/// The most that one observation adds: a laptop that slept did not spend the night waiting for a port.
const LONGEST_STEP: TimeDelta = TimeDelta::seconds(60);

/// Turns wall-clock readings into milliseconds spent. Backward jumps add nothing.
#[derive(Clone, Debug)]
pub(super) struct AttemptClock {
    seen: DateTime<Utc>,
    spent: Ms,
}

impl AttemptClock {
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        Self { seen: now, spent: 0 }
    }

    pub(super) fn at(&self, now: DateTime<Utc>) -> Ms {
        self.spent + (now - self.seen).clamp(TimeDelta::zero(), LONGEST_STEP).num_milliseconds()
    }

    pub(super) fn observe(&mut self, now: DateTime<Utc>) -> Ms {
        self.spent = self.at(now);
        self.seen = now;
        self.spent
    }

    pub(super) fn last(&self) -> Ms {
        self.spent
    }

    pub(super) fn seen(&self) -> DateTime<Utc> {
        self.seen
    }
}

pub(super) fn unsigned(at: Ms) -> u64 {
    u64::try_from(at).unwrap_or(0)
}
