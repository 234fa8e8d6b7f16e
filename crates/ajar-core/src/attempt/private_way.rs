//! The way to a VM's private address, by a VPN or a network that is joined with the VM's: whoever has it needs no access.
//!
//! Another machine may have the same private address where this one is. So it is looked at only where this machine has ways
//! beside that to the internet, and by such a way alone.

use super::clock::Ms;
use super::{Attempt, Effect, limits};
use crate::port::{Endpoint, PortAnswer};
use crate::profile::AddressChoice;

/// What looking at the private address has shown.
#[derive(Clone, Debug, Default)]
pub(super) struct PrivateLook {
    pub(super) in_flight: Option<(Endpoint, Ms)>,
    answer: Option<PortAnswer>,
    due: Ms,
}

impl Attempt {
    /// Whether the private address may be the way.
    fn may_go_privately(&self) -> bool {
        self.order.own_ways && self.order.address == AddressChoice::Automatic && !self.order.extends
    }

    /// The VM's port at its private address, once that is known.
    fn private_endpoint(&self) -> Option<Endpoint> {
        let private = self.addresses.value()?.private.filter(|_| self.may_go_privately())?;
        Some(Endpoint { host: private.to_string(), port: self.order.port })
    }

    /// Whether that is the VM's port at its private address.
    pub(super) fn is_private(&self, endpoint: &Endpoint) -> bool {
        let private = self.addresses.value().and_then(|known| known.private);
        private.is_some_and(|private| private.to_string() == endpoint.host)
    }

    /// Whether a look at the private address is still to tell something, of a VM that does not rest.
    pub(super) fn may_answer_privately(&self) -> bool {
        self.private_endpoint().is_some() && self.private.answer.is_none() && !self.needs_start()
    }

    /// The look at the private address that is due, if one is.
    pub(super) fn private_look_now(&self, at: Ms) -> Option<Effect> {
        let is_due = self.private.in_flight.is_none() && self.private.due <= at && !self.needs_start();
        let endpoint = self.private_endpoint().filter(|_| is_due)?;
        let patience = limits::HEAD_START.to_std().unwrap_or_default();
        Some(Effect::ProbePort { endpoint, protocol: self.order.protocol, patience, by_own_way: true })
    }

    /// When it is to be looked at again.
    pub(super) fn private_due(&self) -> Option<Ms> {
        let is_looked_at = self.private_endpoint().is_some() && self.private.in_flight.is_none() && !self.needs_start();
        is_looked_at.then_some(self.private.due)
    }

    /// Until when a request for access is held back, because the private address may make it needless. A VM that rests answers
    /// nobody for a while.
    pub(super) fn holds_until(&self) -> Option<Ms> {
        let may_tell = self.vm.is_pending() || self.addresses.is_pending();
        let rests = self.needs_start() || self.passing_since.is_some();
        let holds = self.may_go_privately() && self.vm.trouble().is_none() && !rests;
        (holds && (may_tell || self.may_answer_privately())).then_some(limits::ms(limits::PRIVATE))
    }

    pub(super) fn private_answered(&mut self, endpoint: Endpoint, answer: PortAnswer, at: Ms) {
        self.private.in_flight = None;
        if self.open_endpoint().is_some() {
            return;
        }
        self.private.answer = Some(answer);
        self.private.due = at + limits::ms(limits::LOOK_AGAIN);
        if answer == PortAnswer::Open {
            self.probe.began.get_or_insert(at);
            self.probe.ended = Some(at);
            self.probe.last = Some((endpoint, answer));
        }
    }
}
