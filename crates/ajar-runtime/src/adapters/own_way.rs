//! Ways of this machine beside that to the internet, as its routes have them. No packet is sent.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use netwatcher::{Interface, IpRecord, list_interfaces};

/// An address that is reached by the way to the internet, if there is one. Nobody is asked there.
const INTERNET: Ipv4Addr = Ipv4Addr::new(1, 1, 1, 1);

/// Whether there are interfaces beside that to the internet.
pub(super) fn are_any() -> bool {
    let internet = from_where(INTERNET);
    let leads_out = |address: &&Ipv4Addr| !address.is_loopback() && !address.is_link_local();
    let others = |interface: &Interface| interface.ipv4_ips().filter(leads_out).any(|own| Some(*own) != internet);
    list_interfaces().is_ok_and(|all| all.values().any(others))
}

/// Whether one of them leads to an address that is no neighbour's.
pub(super) fn leads_to(address: Ipv4Addr) -> bool {
    let way = from_where(address);
    let is_neighbour = |record: &IpRecord| match record.ip {
        IpAddr::V4(own) => is_in(address, own, record.prefix_len),
        IpAddr::V6(_) => false,
    };
    way.is_some()
        && way != from_where(INTERNET)
        && list_interfaces().is_ok_and(|all| !all.values().flat_map(|one| &one.ips).any(is_neighbour))
}

/// From which of its addresses this machine speaks to another one.
fn from_where(to: Ipv4Addr) -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // Of UDP that is a look at the routes, and nothing more.
    socket.connect((to, 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(own) => Some(own),
        IpAddr::V6(_) => None,
    }
}

fn is_in(address: Ipv4Addr, of: Ipv4Addr, prefix_len: u8) -> bool {
    let bits = 32_u32.saturating_sub(prefix_len.into());
    let network = |address: Ipv4Addr| u64::from(u32::from(address)) >> bits;
    network(address) == network(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_is_known_by_the_prefix() {
        let own = Ipv4Addr::new(10, 0, 0, 7);
        for (address, prefix_len, is_neighbour) in [
            ([10, 0, 0, 4], 24, true),
            ([10, 0, 1, 4], 24, false),
            ([10, 0, 1, 4], 16, true),
            ([10, 0, 0, 4], 32, false),
        ] {
            assert_eq!(is_in(address.into(), own, prefix_len), is_neighbour, "{address:?}/{prefix_len}");
        }
        assert!(is_in(Ipv4Addr::new(192, 0, 2, 1), own, 0));
    }

    #[test]
    fn this_machine_is_no_way_of_its_own() {
        assert!(!leads_to(Ipv4Addr::LOCALHOST));
        assert!(!leads_to(INTERNET));
    }
}
