//! What another public address of this machine means for what is open: a window lets one address in, and the machine may
//! have another by now.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::access_window::{AccessWindow, WORTH_USING};
use crate::resource_id::VmResourceId;

/// What is done where something is open from another address than this machine has now: `[access] on_new_address`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum OnNewAddress {
    /// It is told, with the offer to ask for access from here.
    #[default]
    Ask,
    /// Access from here is asked for at once.
    Request,
    /// Nothing, and nobody looks.
    Leave,
}

impl OnNewAddress {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Request => "request",
            Self::Leave => "leave",
        }
    }
}

/// A window in force.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// It.
    pub window: &'a AccessWindow,
    /// Whether it is to follow this machine: it was asked for here, from an address that was found out. One that somebody
    /// has named is meant.
    pub follows: bool,
}

/// What is to be done about a window that does not let this machine in any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Somebody is asked.
    Offer,
    /// Access is.
    Request,
}

/// A window that does not let this machine in any more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeftBehind<'a> {
    /// It.
    pub window: &'a AccessWindow,
    /// What is to be done.
    pub then: Then,
}

/// The windows of one cloud that are left behind at `now` by a machine that is at the address `here`: of each port the
/// newest, where no other, whoever asked for it, lets this machine in.
pub fn left_behind<'a>(
    known: &[Known<'a>],
    here: Ipv4Addr,
    on: OnNewAddress,
    now: DateTime<Utc>,
) -> Vec<LeftBehind<'a>> {
    let then = match on {
        OnNewAddress::Ask => Then::Offer,
        OnNewAddress::Request => Then::Request,
        OnNewAddress::Leave => return Vec::new(),
    };
    let door = |window: &'a AccessWindow| -> (&'a VmResourceId, u16) { (&window.vm, window.port) };
    let mut newest: Vec<&AccessWindow> = Vec::new();
    for Known { window, .. } in known.iter().filter(|known| known.follows && is_left(known.window, now)) {
        match newest.iter_mut().find(|other| door(other) == door(window)) {
            Some(other) if other.start_time_utc < window.start_time_utc => *other = window,
            Some(_) => {}
            None => newest.push(window),
        }
    }
    newest.retain(|left| {
        let mut of_door = known.iter().filter(|known| door(known.window) == door(left));
        !of_door.any(|known| known.window.covers(left.port, here, now))
    });
    newest.into_iter().map(|window| LeftBehind { window, then }).collect()
}

/// Whether a window is worth to be followed: Ajar asks for one address alone, and what ends in a moment is let go.
fn is_left(window: &AccessWindow, now: DateTime<Utc>) -> bool {
    window.host().is_some() && window.end_time_utc - now >= WORTH_USING
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::policy::SourcePrefix;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn address(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(203, 0, 113, last)
    }

    fn window(port: u16, source: &str, start: i64, end: i64) -> AccessWindow {
        AccessWindow {
            vm: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v".parse().unwrap(),
            port,
            sources: vec![SourcePrefix::from(source)],
            start_time_utc: at(start),
            end_time_utc: at(end),
            requestor: "me".into(),
            mapped: None,
        }
    }

    fn of(windows: &[(AccessWindow, bool)], here: Ipv4Addr, on: OnNewAddress) -> Vec<(u16, i64, Then)> {
        let known: Vec<_> = windows.iter().map(|(window, follows)| Known { window, follows: *follows }).collect();
        let left = left_behind(&known, here, on, at(30));
        left.iter()
            .map(|left| (left.window.port, (left.window.end_time_utc - at(0)).num_minutes(), left.then))
            .collect()
    }

    #[test]
    fn a_window_for_another_address_is_offered_or_asked_for_or_left_and_one_for_this_is_none_of_these() {
        let open = [(window(22, "203.0.113.7", 0, 120), true)];
        assert_eq!(of(&open, address(9), OnNewAddress::Ask), [(22, 120, Then::Offer)]);
        assert_eq!(of(&open, address(9), OnNewAddress::Request), [(22, 120, Then::Request)]);
        assert_eq!(of(&open, address(9), OnNewAddress::Leave), []);
        assert_eq!(of(&open, address(7), OnNewAddress::Request), []);
    }

    #[test]
    fn what_was_opened_elsewhere_or_from_an_address_that_was_named_or_ends_in_a_moment_is_let_be() {
        for (source, end, follows) in
            [("203.0.113.7", 120, false), ("203.0.113.7", 30, true), ("10.0.0.0/8", 120, true), ("Any", 120, true)]
        {
            assert_eq!(
                of(&[(window(22, source, 0, end), follows)], address(9), OnNewAddress::Ask),
                [],
                "{source} {end}"
            );
        }
    }

    #[test]
    fn a_window_of_somebody_elses_that_lets_this_machine_in_is_enough_and_of_two_the_newer_is_followed() {
        let colleagues = (window(22, "203.0.113.0/24", 0, 60), false);
        let mut open = vec![(window(22, "198.51.100.1", 0, 120), true), (window(22, "198.51.100.2", 5, 90), true)];
        assert_eq!(of(&open, address(9), OnNewAddress::Ask), [(22, 90, Then::Offer)]);
        open.push(colleagues);
        assert_eq!(of(&open, address(9), OnNewAddress::Ask), []);
        open.push((window(3389, "198.51.100.1", 0, 70), true));
        assert_eq!(of(&open, address(9), OnNewAddress::Ask), [(3389, 70, Then::Offer)], "that is another port");
    }

    proptest! {
        #[test]
        fn only_what_follows_and_lets_nobody_in_from_here_is_followed_each_port_once(
            windows in prop::collection::vec((prop::sample::select(vec![22_u16, 3389]), 0_u8..4, 0_i64..60, 20_i64..90, any::<bool>()), 0..8),
            here in 0_u8..4,
            on in prop::sample::select(vec![OnNewAddress::Ask, OnNewAddress::Request, OnNewAddress::Leave]),
        ) {
            let open: Vec<_> = windows
                .iter()
                .map(|(port, last, start, end, follows)| (window(*port, &address(*last).to_string(), *start, *end), *follows))
                .collect();
            let known: Vec<_> = open.iter().map(|(window, follows)| Known { window, follows: *follows }).collect();
            let left = left_behind(&known, address(here), on, at(30));
            for (place, LeftBehind { window, then }) in left.iter().enumerate() {
                prop_assert!(known.iter().any(|known| known.follows && known.window == *window));
                prop_assert!(window.end_time_utc - at(30) >= WORTH_USING);
                prop_assert!(!known.iter().any(|known| known.window.covers(window.port, address(here), at(30))));
                prop_assert_eq!(*then == Then::Request, on == OnNewAddress::Request);
                prop_assert!(left[..place].iter().all(|other| other.window.port != window.port));
            }
            for port in [22, 3389] {
                let lets_in = known.iter().any(|known| known.window.covers(port, address(here), at(30)));
                let follows = known.iter().any(|known| {
                    known.follows && known.window.port == port && known.window.end_time_utc - at(30) >= WORTH_USING
                });
                let is_told = left.iter().any(|left| left.window.port == port);
                prop_assert_eq!(is_told, follows && !lets_in && on != OnNewAddress::Leave);
            }
        }
    }
}
