//! The user's clock: how it stands to UTC at the moments that are spoken of, and which of them are today.

use chrono::{DateTime, Datelike as _, FixedOffset, TimeDelta, Utc};

/// How far from now a moment may be that is told: JIT grants a day at most.
const SPAN: TimeDelta = TimeDelta::hours(26);

/// The user's clock at some moment: the offset from UTC around it, a change to or from summer time included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    now: DateTime<Utc>,
    before: FixedOffset,
    /// When the clocks change, and to what.
    change: Option<(DateTime<Utc>, FixedOffset)>,
}

impl Zone {
    /// The zone in which `offset` holds, around `now`. Clocks change at most once in so short a time.
    pub fn around(now: DateTime<Utc>, offset: impl Fn(DateTime<Utc>) -> FixedOffset) -> Self {
        let (mut early, mut late) = (now - SPAN, now + SPAN);
        let (before, after) = (offset(early), offset(late));
        if before == after {
            return Self::always(before, now);
        }
        while late - early > TimeDelta::seconds(1) {
            let middle = early + (late - early) / 2;
            if offset(middle) == before { early = middle } else { late = middle }
        }
        Self { now, before, change: Some((late, after)) }
    }

    /// A clock that never changes, at `now`.
    pub const fn always(offset: FixedOffset, now: DateTime<Utc>) -> Self {
        Self { now, before: offset, change: None }
    }

    /// The same clock for who looks back at `now`, which may be long after the moments that it is for.
    #[must_use]
    pub const fn seen_at(self, now: DateTime<Utc>) -> Self {
        Self { now, ..self }
    }

    /// A moment as the clock shows it.
    pub fn local(self, moment: DateTime<Utc>) -> DateTime<FixedOffset> {
        moment.with_timezone(&self.at(moment))
    }

    /// Whether a moment is on the day that it is now.
    pub fn is_today(self, moment: DateTime<Utc>) -> bool {
        self.local(moment).date_naive() == self.local(self.now).date_naive()
    }

    /// Whether a moment is in the year that it is now.
    pub fn is_this_year(self, moment: DateTime<Utc>) -> bool {
        self.local(moment).year() == self.local(self.now).year()
    }

    /// The offset at a moment.
    pub fn at(self, moment: DateTime<Utc>) -> FixedOffset {
        self.change.filter(|(from, _)| moment >= *from).map_or(self.before, |(_, after)| after)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;
    use crate::message::time_of_day;

    #[test]
    fn each_moment_of_a_night_in_which_the_clocks_change_has_its_own_offset() {
        let (summer, winter) = (FixedOffset::east_opt(7_200).unwrap(), FixedOffset::east_opt(3_600).unwrap());
        let change = Utc.with_ymd_and_hms(2026, 10, 25, 1, 0, 0).unwrap();
        let offset = |at: DateTime<Utc>| if at < change { summer } else { winter };
        for minutes in [-1_440, -61, -1, 0, 1, 61, 1_440] {
            let zone = Zone::around(change + TimeDelta::minutes(minutes), offset);
            let told = |minutes| time_of_day(change + TimeDelta::minutes(minutes), zone);
            assert_eq!([told(-60), told(-1), told(1), told(60)], ["02:00", "02:59", "02:01", "03:00"], "{minutes}");
        }
        let later = change + TimeDelta::days(30);
        assert_eq!(Zone::around(later, offset), Zone::always(winter, later));
    }
}
