//! Which port is opened where nobody says it and nobody knows yet what runs on the VM: the attempt reads that anyway, and goes by it.

use super::{Attempt, Note};
use crate::failure::Trouble;
use crate::vm::{OsType, VmFacts};

impl Attempt {
    /// Whether what runs there is still to be read. Until then nothing is looked at and nothing asked for: it would be another port's.
    pub(super) fn waits_for_system(&self) -> bool {
        self.order.is_supposed && self.vm.ended.is_none()
    }

    /// Somebody who wants the same has said the port.
    pub fn port_is_said(&mut self) {
        self.order.is_supposed = false;
    }

    /// Goes by what runs there, once Azure has told it.
    pub(super) fn take_in_system(&mut self, read: &Result<VmFacts, Trouble>) {
        let told = read.as_ref().ok().and_then(|vm| vm.os).filter(|_| self.waits_for_system());
        let told = told.map(OsType::usual_protocol);
        if let Some((protocol, port)) = told.and_then(|protocol| Some((protocol, protocol.default_port()?))) {
            (self.order.protocol, self.order.port) = (protocol, port);
        }
    }

    /// Notes that what runs there was not told.
    pub(super) fn note_supposed(&mut self) {
        let is_told = self.vm.value().is_some_and(|vm| vm.os.is_some());
        if self.order.is_supposed && !self.waits_for_system() && !is_told && self.outcome.is_none() {
            self.note(Note::SystemUntold { port: self.order.port });
        }
    }
}
