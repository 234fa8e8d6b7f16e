//! The VM and its port: what reading the one and looking at the other have shown.

use super::clock::Ms;
use super::{Attempt, limits};
use crate::failure::Trouble;
use crate::port::{Endpoint, PortAnswer};
use crate::vm::VmFacts;

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
        let passing = result.as_ref().is_ok_and(|vm| vm.power.is_passing());
        let was_passing = self.passing_since.is_some();
        self.vm.settle(result, at);
        if passing {
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
            self.forget_fleeting_address(at);
            self.look_soon(at);
        }
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
