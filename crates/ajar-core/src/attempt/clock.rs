//! The time an attempt has spent, which neither a stepping wall clock nor a sleeping laptop can distort.

use chrono::{DateTime, TimeDelta, Utc};

/// Milliseconds from the click.
pub(super) type Ms = i64;

/// Nothing sleeps longer than [`super::limits::LONGEST_SLEEP`] while an attempt is under way, so a longer gap between
/// two observations is a machine that slept or a clock that was set.
const LONGEST_GAP: TimeDelta = TimeDelta::seconds(45);

/// What such a gap counts for: a laptop that slept did not spend the night waiting for a port. It is more than nothing,
/// so that time alone ends an attempt even in leaps.
const LEAP: TimeDelta = TimeDelta::seconds(1);

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
        let gap = now - self.seen;
        let counted = if gap > LONGEST_GAP { LEAP } else { gap.max(TimeDelta::zero()) };
        self.spent + counted.num_milliseconds()
    }

    pub(super) fn observe(&mut self, now: DateTime<Utc>) -> Ms {
        self.spent = self.at(now);
        self.seen = now;
        self.spent
    }

    /// The clock itself was put right: what was spent by then stays.
    pub(super) fn correct(&mut self, by: TimeDelta) {
        self.seen += by;
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
