//! The state as of now: time is let pass only when something is due, so that a look at a large fleet costs nothing.

use chrono::{DateTime, TimeDelta, Utc};

use crate::latency::Wait;
use crate::state::Cloud;

/// The cloud, and how far it has come.
#[derive(Debug)]
pub(crate) struct Present {
    cloud: Cloud,
    /// When something happens next by itself; `None` when nothing will.
    due: Option<DateTime<Utc>>,
    age: Age,
}

/// Which state it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Age {
    /// The same number is the same state.
    pub(crate) generation: u64,
    /// Nothing has changed after that.
    pub(crate) since: DateTime<Utc>,
}

impl Age {
    fn next(&mut self, now: DateTime<Utc>) {
        *self = Self { generation: self.generation + 1, since: now };
    }
}

impl Present {
    pub(crate) fn new(cloud: Cloud) -> Self {
        let long_ago = DateTime::<Utc>::MIN_UTC;
        Self { due: cloud.next_change(long_ago), cloud, age: Age { generation: 0, since: long_ago } }
    }

    /// The state at `now`, which is never before the last one.
    pub(crate) fn at(&mut self, now: DateTime<Utc>) -> &Cloud {
        self.catch_up(now);
        &self.cloud
    }

    /// Changes the state as it is at `now`.
    pub(crate) fn change<T>(&mut self, now: DateTime<Utc>, act: impl FnOnce(&mut Cloud, DateTime<Utc>) -> T) -> T {
        self.catch_up(now);
        self.age.next(now);
        // What was done may be due at once.
        self.due = Some(now);
        act(&mut self.cloud, now)
    }

    /// How long the next wait of this kind takes. That it was asked for changes nothing that anybody sees.
    pub(crate) fn draw(&mut self, wait: Wait) -> TimeDelta {
        self.cloud.latencies.draw(wait)
    }

    fn catch_up(&mut self, now: DateTime<Utc>) {
        if self.due.is_some_and(|due| due <= now) {
            self.cloud.advance_to(now);
            self.due = self.cloud.next_change(now);
            self.age.next(now);
        }
    }

    /// When something happens next by itself, as far as was seen at the last look.
    pub(crate) fn due(&self) -> Option<DateTime<Utc>> {
        self.due
    }

    /// Of the state as it was at the last look.
    pub(crate) fn age(&self) -> Age {
        self.age
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::power::{PowerAction, PowerState};
    use crate::state::tests::start;

    #[test]
    fn a_look_with_nothing_due_lets_no_time_pass_and_one_with_something_due_does() {
        let (cloud, now) = start();
        let second = TimeDelta::seconds(1);
        let mut present = Present::new(cloud);
        present.at(now);
        let at_rest = present.age();
        for seconds in 0..100 {
            present.at(now + second * seconds);
        }
        assert_eq!((present.age(), present.due()), (at_rest, None));
        let off = |cloud: &Cloud| cloud.vms.iter().position(|vm| vm.power.current() == PowerState::Deallocated);
        let started = now + second * 100;
        let vm = off(present.at(started)).unwrap();
        present.change(started, |cloud, now| cloud.set_power(vm, PowerAction::Start, now)).unwrap();
        present.at(started);
        let under_way = (present.age(), present.due());
        let arrives = present.due().unwrap();
        present.at(arrives - TimeDelta::milliseconds(1));
        assert_eq!((present.age(), present.due()), under_way);
        assert_eq!(present.at(arrives).vms[vm].power.current(), PowerState::Running);
        assert!(
            present.age().generation > under_way.0.generation && present.due() > under_way.1,
            "now the guest boots"
        );
    }
}
