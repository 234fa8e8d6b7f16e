//! Access windows: what Azure has granted, for how long, and what to say when.

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::policy::{
    JitNetworkAccessPolicy, JitNetworkAccessRequest, JitNetworkAccessRequestPort, RequestStatus, SourcePrefix,
    StatusReason,
};
use crate::port::Endpoint;
use crate::resource_id::VmResourceId;

/// A window counts as ending, and is shown in amber, from this long before its end.
pub const ENDING: TimeDelta = TimeDelta::minutes(15);

/// A window with less than this left is not relied on for a new attempt.
pub const WORTH_USING: TimeDelta = TimeDelta::minutes(1);

/// How far the time at which Azure took a request may lie before the one at which it was sent: by two clocks, of which
/// ours is put right by ARM's `Date` header, to the second and only once an answer has come.
const CLOCKS_AGREE: TimeDelta = TimeDelta::minutes(1);

/// How long after it was granted a window may be missing from the policies that Azure shows: a minute was seen, and what
/// is read may have been on its way.
pub const SHOWN_WITHIN: TimeDelta = TimeDelta::seconds(75);

/// How long after it was first sent Azure may have taken a request: it is sent again where it went astray.
const TAKEN_WITHIN: TimeDelta = TimeDelta::minutes(5);

/// One port of one VM that Azure holds open for one source until a given time.
///
/// It outlives the attempt that asked for it, and may have been asked for elsewhere: in the portal, by the az CLI, on
/// another machine. `endTimeUtc` is the only clock; what is left is computed, never stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessWindow {
    /// The VM.
    pub vm: VmResourceId,
    /// The VM's port.
    pub port: u16,
    /// From where it is open.
    pub sources: Vec<SourcePrefix>,
    /// When it was asked for.
    pub start_time_utc: DateTime<Utc>,
    /// When it closes to new connections.
    pub end_time_utc: DateTime<Utc>,
    /// Who asked for it.
    pub requestor: String,
    /// The Azure Firewall's side of the window, if one leads there.
    pub mapped: Option<Endpoint>,
}

/// Where a window stands in its life. Past the end is decided first: a machine that slept through the end says so once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Open, with time to spare.
    Open,
    /// Open, and within [`ENDING`] of its end.
    Ending,
    /// Closed to new connections.
    Ended,
}

impl AccessWindow {
    /// Where the window stands at `now` (Azure's time).
    pub fn phase(&self, now: DateTime<Utc>) -> Phase {
        if now >= self.end_time_utc {
            Phase::Ended
        } else if self.end_time_utc - now <= ENDING {
            Phase::Ending
        } else {
            Phase::Open
        }
    }

    /// What is left of it; zero after the end.
    pub fn left(&self, now: DateTime<Utc>) -> TimeDelta {
        (self.end_time_utc - now).max(TimeDelta::zero())
    }

    /// Whether it lets `source` reach `port` for long enough to be worth using.
    pub fn covers(&self, port: u16, source: Ipv4Addr, now: DateTime<Utc>) -> bool {
        self.port == port && self.end_time_utc - now >= WORTH_USING && self.admits(source)
    }

    /// Whether it lets `source` in, for as long as it is open.
    pub fn admits(&self, source: Ipv4Addr) -> bool {
        self.sources.iter().any(|prefix| prefix.admits(source))
    }

    /// The next moment after `now` at which its phase changes.
    pub fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        [self.end_time_utc - ENDING, self.end_time_utc].into_iter().find(|at| *at > now)
    }

    /// Whether two descriptions speak of the same grant. Azure gives requests no id, and one from another address may have the
    /// same end.
    pub fn is_same_grant(&self, other: &Self) -> bool {
        let is_same_door = self.vm == other.vm && self.port == other.port;
        is_same_door && self.end_time_utc == other.end_time_utc && self.sources == other.sources
    }

    /// The one address that it lets in; `None` where it lets in more, or nobody we can vouch for.
    pub fn host(&self) -> Option<Ipv4Addr> {
        match self.sources.as_slice() {
            [SourcePrefix::Net(net)] if net.prefix_len() == 32 => Some(net.addr()),
            _ => None,
        }
    }

    /// The one subnet that it lets in, as what was asked for a Bastion host does; `None` where that is a single address, or more.
    pub fn subnet(&self) -> Option<Ipv4Net> {
        match self.sources.as_slice() {
            [SourcePrefix::Net(net)] if net.prefix_len() < 32 => Some(*net),
            _ => None,
        }
    }

    /// Whether it may be what a request opened that was sent at `sent_at`, by Azure's clock: neither older nor much newer,
    /// and not asked for by somebody else than `principal`, as far as either is known.
    pub fn may_be_of(&self, sent_at: DateTime<Utc>, principal: Option<&str>) -> bool {
        let taken = self.start_time_utc - sent_at;
        (-CLOCKS_AGREE..=TAKEN_WITHIN).contains(&taken) && !is_another(&self.requestor, principal)
    }
}

/// Whether a requestor is certainly another than `principal`. Azure's word for a requestor is an open one, such as a user
/// principal name. An application is named by one of several ids and guests have several names, so that another id or
/// another name may be the same principal's; but no application has the name of a user.
fn is_another(requestor: &str, principal: Option<&str>) -> bool {
    let is_user = |name: &str| name.contains('@');
    principal.is_some_and(|own| !is_user(own) && is_user(requestor))
}

/// The windows of a VM that are open at `now` by the requests under these policies, latest end first.
pub fn open_windows(policies: &[JitNetworkAccessPolicy], vm: &VmResourceId, now: DateTime<Utc>) -> Vec<AccessWindow> {
    let mut windows: Vec<_> = policies
        .iter()
        .flat_map(|policy| {
            let firewall =
                policy.virtual_machines.iter().find(|entry| entry.id == *vm).and_then(|e| e.public_ip_address);
            policy.requests.iter().flat_map(move |request| granted(request, vm, firewall))
        })
        .filter(|window| window.end_time_utc > now)
        .collect();
    windows.sort_by_key(|window| std::cmp::Reverse(window.end_time_utc));
    windows
}

/// Why a window is closed before its time, if the policies show its request as revoked.
pub fn revoked(policies: &[JitNetworkAccessPolicy], window: &AccessWindow) -> Option<StatusReason> {
    let requests = policies.iter().flat_map(|policy| &policy.requests).flat_map(|request| &request.virtual_machines);
    let ports = requests.filter(|entry| entry.id == window.vm).flat_map(|entry| &entry.ports);
    let mut reason = None;
    let is_of_window = |port: &&JitNetworkAccessRequestPort| {
        (port.number, port.end_time_utc) == (window.port, window.end_time_utc)
            && port.allowed_source_address_prefixes == window.sources
    };
    for port in ports.filter(is_of_window) {
        match port.status {
            RequestStatus::InForce => return None,
            RequestStatus::Revoked(why) => reason = Some(why),
        }
    }
    reason
}

/// Whether one of the policies has rules for the VM.
pub fn is_protected(policies: &[JitNetworkAccessPolicy], vm: &VmResourceId) -> bool {
    policies.iter().flat_map(|policy| &policy.virtual_machines).any(|entry| entry.id == *vm)
}

/// The windows that one request grants on a VM. `firewall` is the public address its `mappedPort` belongs to.
pub fn granted(
    request: &JitNetworkAccessRequest,
    vm: &VmResourceId,
    firewall: Option<Ipv4Addr>,
) -> impl Iterator<Item = AccessWindow> {
    request
        .virtual_machines
        .iter()
        .filter(move |entry| entry.id == *vm)
        .flat_map(|entry| entry.ports.iter())
        .filter(|port| port.status == RequestStatus::InForce)
        .map(move |port| AccessWindow {
            vm: vm.clone(),
            port: port.number,
            sources: port.allowed_source_address_prefixes.clone(),
            start_time_utc: request.start_time_utc,
            end_time_utc: port.end_time_utc,
            requestor: request.requestor.clone(),
            mapped: firewall.zip(port.mapped_port).map(|(ip, port)| Endpoint { host: ip.to_string(), port }),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn window(end: i64) -> AccessWindow {
        AccessWindow {
            vm: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v".parse().unwrap(),
            port: 22,
            sources: vec![SourcePrefix::from("203.0.113.7")],
            start_time_utc: at(0),
            end_time_utc: at(end),
            requestor: "me".into(),
            mapped: None,
        }
    }

    #[test]
    fn a_window_may_be_of_a_request_by_its_time_and_its_requestor_as_far_as_they_are_known() {
        let application = Some("8a7b…-client-id");
        let sent = at(10);
        let soon = |seconds| sent + TimeDelta::seconds(seconds);
        for (start, requestor, principal, may) in [
            (soon(0), "8A7B…-CLIENT-ID", application, true),
            (soon(-59), "8a7b…-client-id", application, true),
            (soon(-61), "8a7b…-client-id", application, false),
            (soon(290), "8a7b…-client-id", application, true),
            (soon(301), "8a7b…-client-id", application, false),
            (soon(1), "bob@contoso.com", application, false),
            (soon(1), "its-object-id", application, true),
            (soon(1), "Ajar’s service principal", application, true),
            (soon(1), "", application, true),
            (soon(1), "bob@contoso.com", None, true),
            (soon(-61), "bob@contoso.com", None, false),
            (soon(1), "bob_contoso.com#EXT#@fabrikam.com", Some("bob@contoso.com"), true),
        ] {
            let window = AccessWindow { start_time_utc: start, requestor: requestor.into(), ..window(120) };
            assert_eq!(window.may_be_of(sent, principal), may, "{start} {requestor} {principal:?}");
        }
    }

    #[test]
    fn ended_is_decided_before_ending() {
        let window = window(60);
        assert_eq!(window.phase(at(0)), Phase::Open);
        assert_eq!(window.phase(at(45)), Phase::Ending);
        assert_eq!(window.phase(at(60)), Phase::Ended);
        assert_eq!(window.phase(at(600)), Phase::Ended);
    }

    #[test]
    fn what_is_left_follows_the_clock_even_backwards() {
        let window = window(60);
        assert_eq!(window.left(at(50)), TimeDelta::minutes(10));
        assert_eq!(window.left(at(10)), TimeDelta::minutes(50));
        assert_eq!(window.left(at(90)), TimeDelta::zero());
    }

    #[test]
    fn the_next_change_is_the_last_quarter_hour_then_the_end_then_none() {
        let window = window(60);
        assert_eq!(window.next_change(at(0)), Some(at(45)));
        assert_eq!(window.next_change(at(45)), Some(at(60)));
        assert_eq!(window.next_change(at(60)), None);
    }

    #[test]
    fn a_window_covers_its_port_and_source_while_it_is_worth_using() {
        let window = window(60);
        let me = Ipv4Addr::new(203, 0, 113, 7);
        assert!(window.covers(22, me, at(59)));
        assert!(!window.covers(22, me, at(59) + TimeDelta::seconds(1)));
        assert!(!window.covers(23, me, at(0)));
        assert!(!window.covers(22, Ipv4Addr::new(203, 0, 113, 8), at(0)));
    }
}
