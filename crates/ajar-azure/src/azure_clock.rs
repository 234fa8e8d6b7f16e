//! What the `Date` headers of answers tell of Azure's clock.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// How many paths' last answers count.
const PATHS: usize = 8;

/// What may lie between two answers that tell the same: they count whole seconds, and take their time to arrive.
const SAME: TimeDelta = TimeDelta::seconds(10);

/// What an answer may tell that no other bears out. Beyond it Azure refuses tokens.
const BELIEVED_ALONE: TimeDelta = TimeDelta::minutes(5);

/// `Date` counts whole seconds, so that what is below this means no difference.
const NOISE: TimeDelta = TimeDelta::seconds(2);

/// Azure's clock minus this machine's, by the last answers for different paths: different servers give them. One server's
/// wrong clock, or a page of somebody's on the way, makes no difference: a window would be taken for over, and asked for
/// anew, because of it.
#[derive(Debug, Default)]
pub(crate) struct AzureClock(Mutex<Vec<Told>>);

/// What the last answer for a path told.
#[derive(Debug)]
struct Told {
    path: String,
    skew: TimeDelta,
}

impl AzureClock {
    /// Takes in an answer's `Date`, which came at `now`.
    pub(crate) fn note(&self, path: &str, date: DateTime<Utc>, now: DateTime<Utc>) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|told| told.path != path);
        // The header's second is on average half over.
        told.insert(0, Told { path: path.to_owned(), skew: date + TimeDelta::milliseconds(500) - now });
        told.truncate(PATHS);
    }

    /// The newest that another path bears out; else what is closest to this machine's own clock. `None` before there is
    /// anything to believe.
    pub(crate) fn skew(&self) -> Option<TimeDelta> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut newest = told.iter().enumerate().map(|(at, told)| (at + 1, told.skew));
        let borne_out =
            newest.find(|(older, skew)| told[*older..].iter().any(|told| (told.skew - *skew).abs() <= SAME));
        let alone = || told.iter().map(|told| told.skew).min_by_key(TimeDelta::abs);
        let skew = match borne_out {
            Some((_, skew)) => skew,
            None => alone().filter(|skew| skew.abs() <= BELIEVED_ALONE)?,
        };
        Some(if skew.abs() < NOISE { TimeDelta::zero() } else { skew })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skew_after(answers: &[(&str, i64)]) -> Option<i64> {
        let (clock, now) = (AzureClock::default(), Utc::now());
        for (path, minutes) in answers {
            clock.note(path, now + TimeDelta::minutes(*minutes), now);
        }
        clock.skew().map(|skew| skew.num_minutes())
    }

    #[test]
    fn what_two_paths_tell_counts_and_what_one_alone_says_does_not_however_often() {
        assert_eq!(skew_after(&[]), None);
        assert_eq!(skew_after(&[("/a", 3)]), Some(3));
        assert_eq!(skew_after(&[("/a", 100)]), None, "nobody else has said so");
        assert_eq!(skew_after(&[("/a", 100), ("/b", 0)]), Some(0));
        assert_eq!(skew_after(&[("/a", 0), ("/b", 100)]), Some(0));
        assert_eq!(skew_after(&[("/a", 60), ("/b", 60)]), Some(60), "this machine's clock is wrong");
        let polled = [("/poll", 100); 20];
        assert_eq!(skew_after(&[&[("/a", 0), ("/b", 0)], polled.as_slice()].concat()), Some(0));
        assert_eq!(skew_after(&[&[("/a", 7), ("/b", 7)], [("/poll", 7); 20].as_slice()].concat()), Some(7));
        assert_eq!(skew_after(&[("/a", 0), ("/b", 0), ("/c", 0), ("/a", 10), ("/b", 10)]), Some(10), "it was set");
    }
}
