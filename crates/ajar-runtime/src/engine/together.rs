//! What is opened together: the first that could ask for access waits a little for the others, so that what they ask of one
//! policy goes in one request.

use ajar_core::protocol;
use ajar_core::snapshot::AttemptNumber;
use chrono::{DateTime, TimeDelta, Utc};

/// How long the first waits. Reading a policy takes a second or two.
const PATIENCE: TimeDelta = TimeDelta::seconds(3);

/// How an attempt stands to asking for access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It would ask now.
    Ready,
    /// It may come to that.
    Coming,
    /// It will not, or has.
    Out,
}

#[derive(Debug)]
struct Group {
    id: u64,
    /// How many are still to be heard of.
    missing: u32,
    members: Vec<AttemptNumber>,
    /// When the first of them was heard of.
    since: DateTime<Utc>,
    /// When the first was ready.
    ready_since: Option<DateTime<Utc>>,
}

/// Whose turn it is to ask for access.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Those that wait for others.
    pub(super) waits: Vec<AttemptNumber>,
    /// Those that have waited for each other.
    pub(super) go: Vec<Vec<AttemptNumber>>,
}

impl Turn {
    /// With which others an attempt has waited.
    pub(super) fn group(&self, attempt: AttemptNumber) -> Option<usize> {
        self.go.iter().position(|group| group.contains(&attempt))
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Together(Vec<Group>);

impl Together {
    /// One of those that are opened together was asked for, and is served by that attempt, if by any.
    pub(super) fn heard(&mut self, together: protocol::Together, attempt: Option<AttemptNumber>, now: DateTime<Utc>) {
        let at = self.0.iter().position(|group| group.id == together.id).unwrap_or_else(|| {
            let (id, missing) = (together.id, together.many);
            self.0.push(Group { id, missing, members: Vec::new(), since: now, ready_since: None });
            self.0.len() - 1
        });
        let group = &mut self.0[at];
        group.missing = group.missing.saturating_sub(1);
        group.members.extend(attempt);
    }

    /// Whether nobody is opened together just now.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose turn it is. What waits for nobody any more is let go.
    pub(super) fn turn(&mut self, now: DateTime<Utc>, standing: impl Fn(AttemptNumber) -> Standing) -> Turn {
        let mut turn = Turn::default();
        self.0.retain_mut(|group| {
            let are = |wanted| group.members.iter().any(|member| standing(*member) == wanted);
            if !are(Standing::Ready) {
                group.ready_since = None;
                // All are asked for in one go.
                return are(Standing::Coming) || group.missing > 0 && (now - group.since).abs() < PATIENCE;
            }
            // A clock that was set back keeps nobody.
            let since = group.ready_since.map_or(now, |since| since.min(now));
            group.ready_since = Some(since);
            let waits = (group.missing > 0 || are(Standing::Coming)) && now - since < PATIENCE;
            if waits {
                turn.waits.extend(&group.members);
            } else {
                turn.go.push(std::mem::take(&mut group.members));
            }
            waits
        });
        turn
    }

    /// When the first has waited long enough.
    pub(super) fn wake_at(&self) -> Option<DateTime<Utc>> {
        self.0.iter().filter_map(|group| group.ready_since).min().map(|since| since + PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: protocol::Together = protocol::Together { id: 7, many: 2 };
    const ONE: AttemptNumber = AttemptNumber(1);
    const OTHER: AttemptNumber = AttemptNumber(2);

    fn after(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn who_was_ready_and_is_not_any_more_wakes_nobody() {
        let mut together = Together::default();
        together.heard(PAIR, Some(ONE), after(0));
        together.heard(PAIR, Some(OTHER), after(0));
        let first = |of_first| move |number| if number == ONE { of_first } else { Standing::Coming };
        assert_eq!(together.turn(after(0), first(Standing::Ready)).waits.len(), 2);
        assert!(go(together.turn(after(1), first(Standing::Out))).is_empty());
        assert_eq!(together.wake_at(), None);
        assert_eq!(together.turn(after(9), |_| Standing::Ready).waits.len(), 0);
    }

    #[test]
    fn a_group_whose_first_is_refused_still_goes_together() {
        let mut together = Together::default();
        let three = protocol::Together { many: 3, ..PAIR };
        together.heard(three, None, after(0));
        assert!(go(together.turn(after(0), |_| Standing::Out)).is_empty());
        together.heard(three, Some(ONE), after(0));
        together.heard(three, Some(OTHER), after(0));
        assert_eq!(go(together.turn(after(0), |_| Standing::Ready)), [[ONE, OTHER]]);
        together.heard(three, None, after(1));
        assert!(go(together.turn(after(4), |_| Standing::Out)).is_empty());
        assert!(together.is_empty(), "nobody is waited for any more");
    }

    fn go(turn: Turn) -> Vec<Vec<AttemptNumber>> {
        assert!(turn.waits.is_empty(), "{turn:?}");
        turn.go
    }

    #[test]
    fn who_is_ready_waits_for_those_that_may_come_to_it_and_goes_with_them() {
        let mut together = Together::default();
        together.heard(PAIR, Some(ONE), after(0));
        let alone = together.turn(after(0), |_| Standing::Ready);
        assert_eq!((alone.waits, together.wake_at()), (vec![ONE], Some(after(3))), "the other has not been heard of");
        together.heard(PAIR, Some(OTHER), after(0));
        let coming = |number| if number == ONE { Standing::Ready } else { Standing::Coming };
        assert_eq!(together.turn(after(1), coming).waits, [ONE, OTHER]);
        assert_eq!(go(together.turn(after(2), |_| Standing::Ready)), [[ONE, OTHER]]);
        assert_eq!(go(together.turn(after(2), |_| Standing::Ready)), Vec::<Vec<AttemptNumber>>::new(), "once");
        assert_eq!(together.wake_at(), None);
    }

    #[test]
    fn nobody_waits_for_long_nor_for_one_that_will_not_ask() {
        let standing = |of_other| move |number| if number == ONE { Standing::Ready } else { of_other };
        let mut together = Together::default();
        together.heard(PAIR, Some(ONE), after(0));
        together.heard(PAIR, Some(OTHER), after(0));
        assert_eq!(together.turn(after(0), standing(Standing::Coming)).waits.len(), 2);
        assert_eq!(go(together.turn(after(3), standing(Standing::Coming))).len(), 1);
        together.heard(PAIR, Some(ONE), after(0));
        together.heard(PAIR, None, after(0));
        assert_eq!(go(together.turn(after(4), standing(Standing::Out))), [[ONE]]);
        together.heard(PAIR, Some(ONE), after(0));
        assert_eq!(go(together.turn(after(5), |_| Standing::Out)).len(), 0);
        assert!(together.is_empty());
    }
}
