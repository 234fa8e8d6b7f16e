//! The way through an Azure Bastion host, to VMs that no other leads to, or where the favourite says so.
//!
//! The VM sees such a connection come from the host's own subnet. Security groups let that in unless something says otherwise, and
//! what JIT guards it keeps shut for every source: so the port is looked at first, and access is asked for from that subnet where a
//! policy guards the port and it does not answer.

use ipnet::Ipv4Net;

use super::clock::Ms;
use super::{Attempt, Effect};
use crate::bastion::{BastionHost, BastionWay};
use crate::failure::{Failure, Trouble};
use crate::policy::{Refusal, check};
use crate::port::Endpoint;
use crate::profile::AddressChoice;
use crate::source::{Confidence, SourceAddress};
use crate::vm::VmAddresses;

impl Attempt {
    /// Whether the way leads through a Bastion host, as far as is known by now.
    pub(super) fn goes_through_bastion(&self) -> bool {
        match self.order.address {
            _ if self.order.extends => false,
            AddressChoice::Bastion => true,
            AddressChoice::Automatic => self.has_no_other_way(),
            AddressChoice::Private | AddressChoice::Public => false,
        }
    }

    /// Whether the VM will never have a public address, no firewall leads there, and this machine does not reach the private one.
    fn has_no_other_way(&self) -> bool {
        let is_private_only = self.addresses.value().is_some_and(|known| known.is_private_only);
        let is_answered = self.probe.last.as_ref().is_some_and(|(seen, _)| self.is_private(seen));
        is_private_only
            && self.policies.is_known()
            && self.firewall().is_none()
            && !self.may_answer_privately()
            && !is_answered
    }

    /// The way through the host, once there is one.
    pub(super) fn bastion_way(&self) -> Option<&BastionWay> {
        self.bastion.value().filter(|_| self.goes_through_bastion())
    }

    /// The way through a host, once one is found.
    pub fn bastion(&self) -> Option<&BastionWay> {
        self.bastion.value()
    }

    /// The host that leads there, where that is a port on the way through it.
    pub(super) fn bastion_at(&self, endpoint: &Endpoint) -> Option<&BastionHost> {
        self.bastion.value().filter(|way| way.endpoint == *endpoint).map(|way| &way.host)
    }

    /// The subnet from which access is asked for, where a way through a host was found: also while the addresses are read anew.
    pub(super) fn bastion_subnet(&self) -> Option<Ipv4Net> {
        self.order.subnet.or_else(|| self.bastion.value()?.host.subnet)
    }

    /// The look for a host that is due, if one is.
    pub(super) fn bastion_now(&self, at: Ms) -> Option<Effect> {
        let is_due = self.bastion.is_due(at) && self.goes_through_bastion();
        let subnet = self.addresses.value()?.subnet.clone().filter(|_| is_due)?;
        Some(Effect::FindBastion { subnet })
    }

    pub(super) fn bastion_found(&mut self, result: Result<BastionWay, Trouble>, at: Ms) {
        if self.open_endpoint().is_some() {
            return;
        }
        self.bastion.settle(result, at);
        if let Some(subnet) = self.bastion_subnet() {
            let source = SourceAddress { address: subnet.network(), confidence: Confidence::Chosen };
            self.comes_from(source, at);
        }
    }

    /// Whether no JIT rule keeps the port shut on that way: there is nothing to be asked for then.
    pub(super) fn is_unguarded(&self) -> bool {
        let Some(policies) = self.policies.value().filter(|_| self.goes_through_bastion()) else { return false };
        // What does not hang on the source.
        let nowhere = std::net::Ipv4Addr::UNSPECIFIED;
        let checked = check(policies, &self.order.vm, self.order.port, nowhere, self.usual_access());
        matches!(checked, Err(Refusal::NoPolicy | Refusal::NotInPolicy { .. }))
    }

    /// Whether a request for access may turn out to be needless: the port is not looked at yet on the way that was found, or no
    /// way is found yet.
    pub(super) fn may_let_bastion_in(&self) -> bool {
        let Some(way) = self.bastion_way() else { return self.goes_through_bastion() };
        let is_seen = self.probe.last.as_ref().is_some_and(|(seen, _)| *seen == way.endpoint);
        !is_seen && !self.needs_start()
    }

    /// Whether that is a port on the way through a host, which is not asked for one to a VM that rests.
    pub(super) fn may_look_at(&self, endpoint: &Endpoint) -> bool {
        self.bastion_at(endpoint).is_none() || self.vm.is_known() && !self.needs_start()
    }

    /// Whether a host is still to be looked for, or being looked for.
    pub(super) fn bastion_may_be_found(&self) -> bool {
        let may_be_asked = |known: &VmAddresses| known.subnet.is_some();
        let is_sought = self.goes_through_bastion() && self.bastion.is_pending();
        is_sought
            && self.vm.trouble().is_none()
            && self.addresses.trouble().is_none()
            && self.addresses.value().is_none_or(may_be_asked)
    }

    /// What keeps a host from leading there, where nothing else does either.
    pub(super) fn bastion_trouble(&self) -> Option<Trouble> {
        if !self.goes_through_bastion() {
            return None;
        }
        let is_wanted = self.order.address == AddressChoice::Bastion;
        match self.bastion.trouble() {
            // Of a VM that has no public address nobody has said that there is a host.
            Some(Trouble { failure: Failure::NoBastion, .. }) if !is_wanted => None,
            Some(trouble) => Some(trouble.clone()),
            None if self.addresses.value().is_some_and(|known| known.subnet.is_none()) => {
                is_wanted.then(|| Failure::NoBastion.into())
            }
            None => self.unread_subnet(),
        }
    }

    /// Access has to be asked for, and nobody knows from where: the network may not be read.
    fn unread_subnet(&self) -> Option<Trouble> {
        let is_shut = self.bastion_way()?.host.subnet.is_none() && !self.may_let_bastion_in() && !self.is_unguarded();
        let subnet = self.addresses.value()?.subnet.as_ref().filter(|_| is_shut && self.policies.is_known())?;
        let scope = subnet.as_str().rsplit_once("/subnets/").map_or(subnet.as_str(), |(network, _)| network).to_owned();
        Some(Failure::AccessDenied { action: "Microsoft.Network/virtualNetworks/read".into(), scope }.into())
    }
}
