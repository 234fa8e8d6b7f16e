//! What the facts add up to.

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};

use super::Attempt;
use crate::access_window::{AccessWindow, Phase, open_windows};
use crate::policy::{Permit, Refusal, check};
use crate::port::{Endpoint, PortAnswer};
use crate::profile::AddressChoice;
use crate::vm::{PowerState, VmIdentity};

impl Attempt {
    pub(super) fn open_endpoint(&self) -> Option<&Endpoint> {
        self.probe.last.as_ref().filter(|(_, answer)| *answer == PortAnswer::Open).map(|(endpoint, _)| endpoint)
    }

    pub(super) fn firewall(&self) -> Option<Ipv4Addr> {
        let entries = self.policies.value()?.iter().flat_map(|policy| &policy.virtual_machines);
        entries.filter(|entry| entry.id == self.order.vm).find_map(|entry| entry.public_ip_address)
    }

    /// Where to dial, as far as is known: the way through a Bastion host, a firewall's mapped port, the VM's public address, else where it was before.
    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        if self.goes_through_bastion() {
            return self.bastion.value().map(|way| way.endpoint.clone());
        }
        let mapped = self.covering(self.clock.seen()).find_map(|window| window.mapped);
        if let Some(mapped) = mapped.filter(|_| self.order.address == AddressChoice::Automatic) {
            return Some(mapped);
        }
        match self.address() {
            Some(address) => Some(Endpoint { host: address.to_string(), port: self.order.port }),
            None => self.remembered.clone().filter(|_| !self.addresses.is_known()),
        }
    }

    /// The VM's address that is dialled, where that is known.
    pub(super) fn address(&self) -> Option<Ipv4Addr> {
        let known = self.addresses.value()?;
        match self.order.address {
            AddressChoice::Private | AddressChoice::Bastion => known.private,
            AddressChoice::Automatic | AddressChoice::Public => known.public.map(|public| public.ip),
        }
    }

    pub(super) fn windows(&self) -> Vec<AccessWindow> {
        let policies = self.policies.value().map_or(&[][..], Vec::as_slice);
        let mut windows = open_windows(policies, &self.order.vm, DateTime::<Utc>::MIN_UTC);
        windows.extend(self.asking.granted.clone());
        windows
    }

    /// The window that lets this machine in at `now`, the one that lasts longest if there are several.
    pub fn window(&self, now: DateTime<Utc>) -> Option<AccessWindow> {
        self.covering(now).max_by_key(|window| (window.end_time_utc, window.mapped.is_some()))
    }

    /// The window that is said to have let this machine in: one that was granted here before counts until Azure shows
    /// what is in force. Nothing is decided by it.
    pub(super) fn window_to_tell(&self, now: DateTime<Utc>) -> Option<AccessWindow> {
        let before = || {
            let unread = self.remembered_window.as_ref().filter(|_| !self.policies.is_known());
            unread.filter(|window| window.phase(now) != Phase::Ended).cloned()
        };
        self.window(now).or_else(before)
    }

    pub(super) fn covering(&self, now: DateTime<Utc>) -> impl Iterator<Item = AccessWindow> {
        let known = self.source.value().filter(|_| !self.waits_for_system());
        let source = known.map(|source| source.address);
        let port = self.order.port;
        self.windows().into_iter().filter(move |window| source.is_some_and(|source| window.covers(port, source, now)))
    }

    /// Where it connected to, if that address stays the VM's own and is worth trying first the next time.
    pub fn lasting_endpoint(&self) -> Option<Endpoint> {
        let public = self.addresses.value()?.public.filter(|public| public.is_static)?;
        self.open_endpoint().filter(|endpoint| endpoint.host == public.ip.to_string()).cloned()
    }

    /// Which VM it is, if that was read.
    pub fn identity(&self) -> Option<&VmIdentity> {
        self.vm.value()?.identity.as_ref()
    }

    /// As [`Attempt::window`], at the time last seen.
    pub(super) fn latest_window(&self) -> Option<AccessWindow> {
        self.window(self.clock.seen())
    }

    pub(super) fn is_running(&self) -> bool {
        self.start.is_known() || self.vm.value().is_some_and(|vm| vm.power == PowerState::Running)
    }

    pub(super) fn needs_start(&self) -> bool {
        !self.start.is_known() && self.vm.value().is_some_and(|vm| vm.power.needs_start())
    }

    /// The policies' word on a request for so long; `None` until policies and source are known.
    pub(super) fn permit(&self, access: TimeDelta) -> Option<Result<Permit, Refusal>> {
        let policies = self.policies.value()?;
        let source = self.source.value()?;
        Some(check(policies, &self.order.vm, self.order.port, source.address, access))
    }
}
