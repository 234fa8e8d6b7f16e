//! What the `Date` headers of answers tell of Azure's clock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// How many paths' last answers count.
const PATHS: usize = 8;

/// What may lie between two answers that tell the same: they count whole seconds, and take their time to arrive.
const SAME: TimeDelta = TimeDelta::seconds(10);

/// What an answer may tell that no other bears out. Beyond it Azure refuses tokens.
const BELIEVED_ALONE: TimeDelta = TimeDelta::minutes(5);

/// So long it stays with what one other path has told.
const ASKED_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// `Date` counts whole seconds, so that what is below this means no difference.
const NOISE: TimeDelta = TimeDelta::seconds(2);

/// Azure's clock minus this machine's, by the last answers for different paths: different servers give them. One server's
/// wrong clock, or a page of somebody's on the way, makes no difference: a window would be taken for over, and asked for
/// anew, because of it.
#[derive(Debug, Default)]
pub(crate) struct AzureClock(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The newest first.
    told: Vec<Told>,
    /// When another path was last asked for its sake.
    asked: Option<Instant>,
}

/// What the last answer for a path told.
#[derive(Debug)]
struct Told {
    path: String,
    skew: TimeDelta,
    /// When it came, by a clock that nobody sets.
    came: Instant,
}

impl AzureClock {
    /// Takes in an answer's `Date`, which came at `now`, and by a clock that nobody sets at `came`.
    pub(crate) fn note(&self, path: &str, date: DateTime<Utc>, now: DateTime<Utc>, came: Instant) {
        let told = &mut self.known().told;
        told.retain(|told| told.path != path);
        // The header's second is on average half over.
        told.insert(0, Told { path: path.to_owned(), skew: date + TimeDelta::milliseconds(500) - now, came });
        told.truncate(PATHS);
    }

    /// The newest that another path bears out, with when it came; else what is closest to this machine's own clock.
    /// `None` before there is anything to believe.
    pub(crate) fn skew(&self) -> Option<(Instant, TimeDelta)> {
        self.known().skew()
    }

    /// Whether the newest answer tells another time than is believed, further off than one path is believed alone. Then it
    /// depends on what another path tells, which is to be asked: true once a minute at most, since it is asked then.
    pub(crate) fn is_in_doubt(&self, now: Instant) -> bool {
        let mut known = self.known();
        let believed = known.skew().map_or(TimeDelta::zero(), |(_, skew)| skew);
        let is_far_off = known.told.first().is_some_and(|newest| (newest.skew - believed).abs() > BELIEVED_ALONE);
        let was_asked = known.asked.is_some_and(|asked| now.saturating_duration_since(asked) < ASKED_AGAIN_AFTER);
        let is_in_doubt = is_far_off && !was_asked;
        if is_in_doubt {
            known.asked = Some(now);
        }
        is_in_doubt
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn skew(&self) -> Option<(Instant, TimeDelta)> {
        let told = &self.told;
        let mut newest = told.iter().enumerate();
        let borne_out =
            newest.find(|(at, one)| told[at + 1..].iter().any(|other| (other.skew - one.skew).abs() <= SAME));
        let alone = || told.iter().min_by_key(|told| told.skew.abs());
        let Told { skew, came, .. } = match borne_out {
            Some((_, told)) => told,
            None => alone().filter(|told| told.skew.abs() <= BELIEVED_ALONE)?,
        };
        Some((*came, if skew.abs() < NOISE { TimeDelta::zero() } else { *skew }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn skew_after(answers: &[(&str, i64)]) -> Option<i64> {
        told_after(answers).map(|(_, skew)| skew)
    }

    /// The number of the answer that is believed, and what it told.
    fn told_after(answers: &[(&str, i64)]) -> Option<(u64, i64)> {
        let (clock, now, began) = (AzureClock::default(), Utc::now(), Instant::now());
        for (number, (path, minutes)) in answers.iter().enumerate() {
            let came = began + Duration::from_secs(number as u64);
            clock.note(path, now + TimeDelta::minutes(*minutes), now, came);
        }
        clock.skew().map(|(came, skew)| ((came - began).as_secs(), skew.num_minutes()))
    }

    #[test]
    fn what_is_told_is_as_old_as_the_answer_that_is_believed() {
        assert_eq!(told_after(&[("/a", 3), ("/b", 3)]), Some((1, 3)));
        assert_eq!(told_after(&[("/a", 10), ("/b", 10), ("/c", 0)]), Some((1, 10)), "nobody else has said so");
        assert_eq!(told_after(&[("/a", 10), ("/b", 10), ("/c", 0), ("/a", 0)]), Some((3, 0)), "it was set");
        assert_eq!(told_after(&[("/a", 0), ("/b", 4)]), Some((0, 0)));
    }

    #[test]
    fn what_one_path_tells_that_is_far_off_is_in_doubt_until_another_has_told_and_for_a_minute() {
        let (clock, now, began) = (AzureClock::default(), Utc::now(), Instant::now());
        let note = |path: &str, minutes| clock.note(path, now + TimeDelta::minutes(minutes), now, began);
        let is_in_doubt = |seconds| clock.is_in_doubt(began + Duration::from_secs(seconds));
        assert!(!is_in_doubt(0), "nothing was told");
        note("/a", 4);
        assert!(!is_in_doubt(0));
        note("/a", 10);
        assert!(is_in_doubt(0) && !is_in_doubt(1), "it is asked");
        note("/b", 0);
        note("/a", 10);
        assert!(!is_in_doubt(59) && is_in_doubt(60), "whose clock it is can be asked again");
        note("/b", 10);
        assert!(!is_in_doubt(120), "borne out");
        note("/c", 0);
        assert!(is_in_doubt(180), "this machine's clock may have been set");
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
