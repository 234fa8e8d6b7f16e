//! Power of a VM: where it is, where it is going, and when it gets there.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

/// `PowerState/*` of the instance view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PowerState {
    Starting,
    Running,
    Stopping,
    Stopped,
    Deallocating,
    Deallocated,
}

impl PowerState {
    /// The word after `PowerState/`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Deallocating => "deallocating",
            Self::Deallocated => "deallocated",
        }
    }
}

/// What an instance view has in place of a VM's power state where Azure does not tell it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Untold {
    /// No status of `PowerState/…`.
    Absent,
    /// `PowerState/unknown`.
    Unknown,
}

/// What a caller may ask of a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PowerAction {
    Start,
    Restart,
    PowerOff,
    Deallocate,
    /// Onto another host: as a restart.
    Redeploy,
}

impl PowerAction {
    /// The last segment of the request's path, as Azure spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Restart => "restart",
            Self::PowerOff => "powerOff",
            Self::Deallocate => "deallocate",
            Self::Redeploy => "redeploy",
        }
    }

    fn states(self) -> (PowerState, PowerState) {
        match self {
            Self::Start | Self::Restart | Self::Redeploy => (PowerState::Starting, PowerState::Running),
            Self::PowerOff => (PowerState::Stopping, PowerState::Stopped),
            Self::Deallocate => (PowerState::Deallocating, PowerState::Deallocated),
        }
    }
}

/// On its way from one state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Transition {
    action: PowerAction,
    to: PowerState,
    ends_at: DateTime<Utc>,
    operation: Uuid,
}

/// What ended with the passing of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) action: PowerAction,
    pub(crate) operation: Uuid,
    /// Whether the VM had no room in its region when it set out.
    pub(crate) allocates: bool,
    pub(crate) at: DateTime<Utc>,
}

/// Why the latest operation came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) at: DateTime<Utc>,
}

/// The power of one VM.
#[derive(Clone, Debug)]
pub(crate) struct Power {
    current: PowerState,
    transition: Option<Transition>,
    /// Whether the region has given it room: not from deallocated until a start has succeeded.
    allocated: bool,
    /// When the guest answers, while running.
    boots_at: Option<DateTime<Utc>>,
    /// How often it has booted since the simulator started.
    boots: u32,
    /// The state is not shown before.
    hidden_until: Option<DateTime<Utc>>,
    /// `ProvisioningState/failed/…`, until another operation begins.
    failed: Option<Failed>,
}

impl Power {
    /// A VM that has been in this state for long.
    pub(crate) fn settled(current: PowerState) -> Self {
        let boots_at = (current == PowerState::Running).then_some(DateTime::<Utc>::MIN_UTC);
        let allocated = current != PowerState::Deallocated;
        Self { current, transition: None, allocated, boots_at, boots: 0, hidden_until: None, failed: None }
    }

    /// Another machine in its place, which runs.
    pub(crate) fn anew(&mut self, now: DateTime<Utc>) {
        *self = Self { boots: self.boots, ..Self::settled(PowerState::Running) };
        self.boot_at(now);
    }

    pub(crate) fn current(&self) -> PowerState {
        self.current
    }

    /// What the instance view says at `now`: for a moment it may say nothing.
    pub(crate) fn shown(&self, now: DateTime<Utc>) -> Option<PowerState> {
        self.hidden_until.is_none_or(|until| until <= now).then_some(self.current)
    }

    pub(crate) fn hide_until(&mut self, at: DateTime<Utc>) {
        self.hidden_until = Some(at);
    }

    /// Stays where it is; gives the operation that comes to nothing.
    pub(crate) fn give_up(&mut self) -> Option<Uuid> {
        self.transition.take().map(|transition| transition.operation)
    }

    /// The action under way, if any.
    pub(crate) fn under_way(&self) -> Option<PowerAction> {
        self.transition.as_ref().map(|transition| transition.action)
    }

    /// Running, and the guest has finished booting.
    pub(crate) fn booted(&self, now: DateTime<Utc>) -> bool {
        self.current == PowerState::Running && self.boots_at.is_some_and(|at| at <= now)
    }

    /// Whether the guest exists at all.
    pub(crate) fn has_guest(&self) -> bool {
        self.current == PowerState::Running
    }

    /// Which guest it is: connections live as long as this is the same, and exists.
    pub(crate) fn guest(&self) -> u32 {
        self.boots
    }

    /// Sets out for the end state of `action`. The caller has made sure that nothing else is under way.
    pub(crate) fn begin(&mut self, action: PowerAction, operation: Uuid, ends_at: DateTime<Utc>) {
        let (through, to) = action.states();
        self.current = through;
        self.boots_at = None;
        self.failed = None;
        self.transition = Some(Transition { action, to, ends_at, operation });
    }

    /// The action came to nothing: back to where a VM without compute is.
    pub(crate) fn fall_back(&mut self, failed: Failed) {
        *self = Self { failed: Some(failed), boots: self.boots, ..Self::settled(PowerState::Deallocated) };
    }

    /// Why the latest operation came to nothing, if it did.
    pub(crate) fn failed(&self) -> Option<&Failed> {
        self.failed.as_ref()
    }

    /// An operation had nothing to do, and that is well.
    pub(crate) fn confirm(&mut self) {
        self.failed = None;
    }

    /// The guest of a running VM will answer at `at`.
    pub(crate) fn boot_at(&mut self, at: DateTime<Utc>) {
        self.boots_at = Some(at);
        self.boots += 1;
    }

    /// Whether its transition ends by then.
    pub(crate) fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.transition.as_ref().is_some_and(|transition| transition.ends_at <= now)
    }

    /// Ends the transition if its time has come.
    pub(crate) fn advance_to(&mut self, now: DateTime<Utc>) -> Option<Arrival> {
        let transition = self.transition.take_if(|transition| transition.ends_at <= now)?;
        self.current = transition.to;
        let had = std::mem::replace(&mut self.allocated, transition.to != PowerState::Deallocated);
        let Transition { action, operation, ends_at: at, .. } = transition;
        Some(Arrival { action, operation, allocates: self.allocated && !had, at })
    }

    /// The next moment at which something changes by itself.
    pub(crate) fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ends = self.transition.as_ref().map(|transition| transition.ends_at);
        let boots = self.boots_at.filter(|at| *at > now);
        ends.into_iter().chain(boots).min()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_start_passes_through_starting_and_boots_after_running() {
        let now = Utc::now();
        let mut power = Power::settled(PowerState::Deallocated);
        power.begin(PowerAction::Start, Uuid::nil(), now + TimeDelta::seconds(20));
        assert_eq!(power.current(), PowerState::Starting);
        assert_eq!(power.advance_to(now + TimeDelta::seconds(19)), None);
        let arrived = power.advance_to(now + TimeDelta::seconds(21)).unwrap();
        assert_eq!((arrived.action, arrived.at), (PowerAction::Start, now + TimeDelta::seconds(20)));
        assert_eq!(power.current(), PowerState::Running);
        assert!(!power.booted(now + TimeDelta::seconds(21)));
        power.boot_at(now + TimeDelta::seconds(30));
        assert_eq!(power.next_change(now), Some(now + TimeDelta::seconds(30)));
        assert!(power.booted(now + TimeDelta::seconds(30)));
    }
}
