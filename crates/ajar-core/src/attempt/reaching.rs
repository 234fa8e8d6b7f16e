//! The VM and its port: what reading the one and looking at the other have shown.

use super::clock::Ms;
use super::{Attempt, limits};
use crate::failure::{Failure, Trouble};
use crate::port::{Endpoint, PortAnswer};
use crate::vm::{PowerState, VmFacts};

/// What looking at the port has shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Probe {
    pub(super) in_flight: Option<(Endpoint, Ms)>,
    pub(super) last: Option<(Endpoint, PortAnswer)>,
    pub(super) due: Ms,
    /// Looks in a row that were refused at once; spaces out the next ones.
    pub(super) refusals: u32,
    pub(super) began: Option<Ms>,
    pub(super) ended: Option<Ms>,
}

impl Attempt {
    pub(super) fn port_answered(&mut self, endpoint: Endpoint, answer: PortAnswer, at: Ms) {
        if self.private.in_flight.as_ref().is_some_and(|(flying, _)| *flying == endpoint) {
            return self.private_answered(endpoint, answer, at);
        }
        if self.probe.in_flight.as_ref().is_some_and(|(flying, _)| *flying == endpoint) {
            self.probe.in_flight = None;
        }
        // After an open port the client takes over; a look that comes back late would take it away again.
        if self.open_endpoint().is_some() || self.endpoint().as_ref() != Some(&endpoint) {
            return;
        }
        self.probe.refusals = if answer == PortAnswer::Silent { 0 } else { self.probe.refusals + 1 };
        self.probe.due = at + limits::pause_after(answer, self.probe.refusals);
        if answer == PortAnswer::Open {
            self.probe.ended = Some(at);
        }
        self.probe.last = Some((endpoint, answer));
    }

    pub(super) fn vm_read(&mut self, result: Result<VmFacts, Trouble>, at: Ms) {
        let power = result.as_ref().ok().map(|vm| vm.power).filter(|_| !self.start.is_known());
        let was_passing = self.passing_since.is_some();
        self.take_in_system(&result);
        self.vm.settle(result, at);
        if power == Some(PowerState::Unknown) {
            self.untold_since.get_or_insert(at);
        } else {
            self.untold_since = None;
        }
        if power.is_some_and(PowerState::is_passing) {
            self.passing_since.get_or_insert(at);
            self.vm.want(at + limits::ms(limits::LOOK_AGAIN));
        } else {
            self.passing_since = None;
            if was_passing {
                self.forget_fleeting_address(at);
            }
        }
    }

    pub(super) fn started(&mut self, result: Result<(), Trouble>, at: Ms) {
        let running = result.is_ok();
        self.start.settle(result, at);
        if running {
            (self.passing_since, self.untold_since) = (None, None);
            self.vm.rest();
            self.forget_fleeting_address(at);
            self.look_soon(at);
        }
    }

    /// Azure has not told for long whether the VM runs. Telling it to start helps if it rests, and is nothing to a VM that
    /// runs.
    pub(super) fn is_untold_for_long(&self, at: Ms) -> bool {
        self.untold_since.is_some_and(|since| since + limits::ms(limits::UNTOLD) <= at)
    }

    /// Whether the VM may run although it was not started: nobody tells its state, and what the start failed of does not
    /// either.
    pub(super) fn may_run(&self) -> bool {
        let rests = |trouble: &Trouble| matches!(trouble.failure, Failure::AllocationFailed { .. });
        self.is_running() || (self.untold_since.is_some() && !self.start.trouble().is_some_and(rests))
    }

    /// Until when a VM whose state stays untold is waited for, where no start is under way that has a limit of its own.
    pub(super) fn untold_until(&self) -> Option<Ms> {
        let since = self.untold_since?;
        if self.start.trouble().is_some() {
            return Some(self.start.ended? + limits::ms(limits::MAY_RUN));
        }
        let watched = if self.latest_window().is_some() { limits::MAY_RUN } else { limits::UNTOLD };
        (!self.order.may_start).then(|| since + limits::ms(watched))
    }

    /// A VM that came up may have another public address than before, unless that one is static.
    pub(super) fn forget_fleeting_address(&mut self, at: Ms) {
        let keeps = self.addresses.value().and_then(|known| known.public).is_some_and(|public| public.is_static);
        if !keeps {
            self.addresses.forget(at);
        }
    }

    pub(super) fn look_soon(&mut self, at: Ms) {
        self.probe.refusals = 0;
        self.probe.due = self.probe.due.min(at);
    }
}
