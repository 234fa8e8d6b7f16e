//! What the `Date` headers of answers tell of Azure's clock.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// How many of the last answers count.
const ANSWERS: usize = 5;

/// What a single answer may tell before another has told the same. Beyond it Azure refuses tokens.
const BELIEVED_ALONE: TimeDelta = TimeDelta::minutes(5);

/// `Date` counts whole seconds, so that what is below this means no difference.
const NOISE: TimeDelta = TimeDelta::seconds(2);

/// Azure's clock minus this machine's, by what the last answers say of it. One server's wrong clock, or a page of
/// somebody's on the way, makes no difference: a window would be taken for over, and asked for anew, because of it.
#[derive(Debug, Default)]
pub(crate) struct AzureClock(Mutex<VecDeque<TimeDelta>>);

impl AzureClock {
    /// Takes in an answer's `Date`, which came at `now`.
    pub(crate) fn note(&self, date: DateTime<Utc>, now: DateTime<Utc>) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() == ANSWERS {
            told.pop_front();
        }
        // The header's second is on average half over.
        told.push_back(date + TimeDelta::milliseconds(500) - now);
    }

    /// What most of the answers agree on; of two that don't, what is closer to this machine's own clock. `None` before
    /// there is anything to believe.
    pub(crate) fn skew(&self) -> Option<TimeDelta> {
        let mut told: Vec<_> = self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        told.sort();
        let skew = match *told {
            [] => None,
            [alone] => (alone.abs() <= BELIEVED_ALONE).then_some(alone),
            [one, other] => Some(if one.abs() < other.abs() { one } else { other }),
            _ => told.get(told.len() / 2).copied(),
        }?;
        Some(if skew.abs() < NOISE { TimeDelta::zero() } else { skew })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skew_after(minutes: &[i64]) -> Option<i64> {
        let (clock, now) = (AzureClock::default(), Utc::now());
        for minutes in minutes {
            clock.note(now + TimeDelta::minutes(*minutes), now);
        }
        clock.skew().map(|skew| skew.num_minutes())
    }

    #[test]
    fn what_most_answers_agree_on_counts_and_one_that_is_far_off_does_not() {
        assert_eq!(skew_after(&[]), None);
        assert_eq!(skew_after(&[3]), Some(3));
        assert_eq!(skew_after(&[100]), None, "nobody else has said so");
        assert_eq!(skew_after(&[100, 0]), Some(0));
        assert_eq!(skew_after(&[0, 100]), Some(0));
        assert_eq!(skew_after(&[60, 60]), Some(60), "this machine's clock is wrong");
        assert_eq!(skew_after(&[0, 0, 0, 100]), Some(0));
        assert_eq!(skew_after(&[0, -100, 0, 100, 0]), Some(0));
        assert_eq!(skew_after(&[0, 0, 0, 0, 0, 10, 10, 10]), Some(10), "the clock was set");
    }
}
