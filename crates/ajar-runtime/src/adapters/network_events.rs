//! Changes of this machine's network, as the system tells them.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;

use netwatcher::async_adapter::Tokio;
use netwatcher::{AsyncWatch, Interface};
use tokio::task::AbortHandle;

use crate::ports::{NetworkEvents, NetworkWatch};

/// Listens to the system: netlink on Linux, a routing socket on macOS, `NotifyIpInterfaceChange` on Windows.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNetwork;

impl NetworkEvents for SystemNetwork {
    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) -> NetworkWatch {
        match netwatcher::watch_interfaces_async::<Tokio>() {
            Ok(watch) => Box::new(Listening(tokio::spawn(listen(watch, changed)).abort_handle())),
            Err(error) => {
                // It is still seen when somebody looks, and after a sleep.
                tracing::warn!(%error, "the system does not tell of another network");
                Box::new(())
            }
        }
    }
}

/// A task that ends with it.
struct Listening(AbortHandle);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn listen(mut watch: AsyncWatch, changed: Box<dyn Fn() + Send + Sync>) {
    // The first update is how things are.
    let mut before = places(&watch.changed().await.interfaces);
    loop {
        let now = places(&watch.changed().await.interfaces);
        if now != before {
            changed();
        }
        before = now;
    }
}

/// What may make this machine's public IPv4 address another: its own, by the interface. Containers come and go without one, and
/// what is for this machine or this wire alone leads to no other network.
fn places(interfaces: &HashMap<u32, Interface>) -> BTreeSet<(u32, Ipv4Addr)> {
    let of_interface = |interface: &Interface| {
        let index = interface.index;
        interface.ipv4_ips().map(move |address| (index, *address)).collect::<Vec<_>>()
    };
    let leads_out = |(_, address): &(u32, Ipv4Addr)| !address.is_loopback() && !address.is_link_local();
    interfaces.values().flat_map(of_interface).filter(leads_out).collect()
}

#[cfg(test)]
mod tests {
    use netwatcher::IpRecord;

    use super::*;

    #[test]
    fn addresses_that_lead_to_other_networks_count_and_others_do_not() {
        let interface = |index: u32, ips: &[&str]| {
            let ips = ips.iter().map(|ip| IpRecord { ip: ip.parse().unwrap(), prefix_len: 24 }).collect();
            (index, Interface { index, name: format!("n{index}"), hw_addr: String::new(), ips })
        };
        let wireless = interface(2, &["192.168.1.7", "fe80::1"]);
        let home = HashMap::from([interface(1, &["127.0.0.1", "::1"]), wireless.clone()]);
        let with_container = HashMap::from([wireless.clone(), interface(9, &["fe80::9", "169.254.3.3"])]);
        assert_eq!(places(&home), places(&with_container));
        let with_tunnel = HashMap::from([wireless, interface(9, &["10.8.0.2"])]);
        assert_ne!(places(&home), places(&with_tunnel));
        assert_ne!(places(&home), places(&HashMap::from([interface(2, &["10.0.0.9"])])));
    }
}
