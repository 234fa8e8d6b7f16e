//! The attempts under way and the last ended one of each favourite, with the tasks that work for them.

use ajar_core::attempt::{Attempt, Fact, Memory, Order};
use ajar_core::profile::ProfileName;
use ajar_core::snapshot::AttemptNumber;
use chrono::{DateTime, Utc};
use tokio::task::AbortHandle;

/// An attempt and the tasks that read or look for it. Tasks that write to Azure are not among them: what is on its way
/// cannot be called back, and its result is wanted even after a cancel.
pub(super) struct Working {
    pub(super) attempt: Attempt,
    pub(super) tasks: Vec<AbortHandle>,
    /// Whether its end has been taken stock of.
    pub(super) closed: bool,
}

impl Working {
    fn stop(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
    }
}

pub(super) struct Attempts {
    last: AttemptNumber,
    all: Vec<Working>,
}

impl Attempts {
    pub(super) fn starting_at(first: AttemptNumber) -> Self {
        Self { last: first, all: Vec::new() }
    }

    /// The attempt under way for a favourite's port.
    pub(super) fn under_way(&mut self, name: &ProfileName, port: u16) -> Option<&mut Attempt> {
        let wanted = |working: &&mut Working| {
            let order = working.attempt.order();
            working.attempt.outcome().is_none() && order.name == *name && order.port == port
        };
        self.all.iter_mut().find(wanted).map(|working| &mut working.attempt)
    }

    /// Begins an attempt; the ended ones of the same favourite are forgotten.
    pub(super) fn begin(&mut self, order: Order, memory: Memory, now: DateTime<Utc>) -> AttemptNumber {
        self.forget(&order.name);
        self.last = AttemptNumber(self.last.0 + 1);
        let attempt = Attempt::new(self.last, order, memory, now);
        self.all.push(Working { attempt, tasks: Vec::new(), closed: false });
        self.last
    }

    /// Forgets the ended attempts of a favourite.
    pub(super) fn forget(&mut self, name: &ProfileName) {
        self.all.retain(|working| working.attempt.outcome().is_none() || working.attempt.order().name != *name);
    }

    /// Cancels all attempts under way for a favourite; whether there was one.
    pub(super) fn cancel(&mut self, name: &ProfileName, now: DateTime<Utc>) -> bool {
        let mut any = false;
        for working in &mut self.all {
            if working.attempt.order().name == *name && working.attempt.outcome().is_none() {
                working.attempt.cancel(now);
                any = true;
            }
        }
        any
    }

    pub(super) fn apply(&mut self, number: AttemptNumber, fact: Fact, now: DateTime<Utc>) {
        if let Some(working) = self.all.iter_mut().find(|working| working.attempt.number() == number) {
            working.attempt.apply(number, fact, now);
        }
    }

    pub(super) fn tick(&mut self, now: DateTime<Utc>) {
        for working in &mut self.all {
            working.attempt.tick(now);
        }
    }

    pub(super) fn wake_at(&self) -> Option<DateTime<Utc>> {
        self.all.iter().filter_map(|working| working.attempt.wake_at()).min()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Attempt> {
        self.all.iter().map(|working| &working.attempt)
    }

    pub(super) fn working(&mut self) -> impl Iterator<Item = &mut Working> {
        self.all.iter_mut()
    }

    /// The attempts that have ended since the last call, their tasks stopped.
    pub(super) fn just_ended(&mut self) -> Vec<Attempt> {
        let fresh = self.all.iter_mut().filter(|working| working.attempt.outcome().is_some() && !working.closed);
        fresh
            .map(|working| {
                working.closed = true;
                working.stop();
                working.attempt.clone()
            })
            .collect()
    }

    /// Stops all tasks: the engine ends.
    pub(super) fn abandon(&mut self) {
        self.all.iter_mut().for_each(Working::stop);
    }
}
