//! Which VM a host is that another program opens: found by its address or its name among those that are known, and never
//! guessed between two.

use std::collections::HashMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Host;
use crate::inventory::FoundVm;

/// Hosts of Azure's own name for a public address, which a VM may have, are called as somebody liked.
const OF_AZURE: &str = ".cloudapp.azure.com";

/// All VMs, by what other programs call them.
pub struct KnownVms<'v> {
    by_address: HashMap<IpAddr, Vec<&'v FoundVm>>,
    by_name: HashMap<String, Vec<&'v FoundVm>>,
}

/// By what a VM was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum By {
    /// It has the address.
    Address,
    /// It has the name.
    Name,
}

/// What there is to say of a host.
#[derive(Clone, Debug, PartialEq)]
pub enum Match<'v> {
    /// It is this VM.
    One(&'v FoundVm, By),
    /// It may be one of these. Somebody has to say which, if any.
    Perhaps(Vec<&'v FoundVm>),
    /// No VM is like it.
    Nothing,
}

impl<'v> KnownVms<'v> {
    /// Knows these.
    pub fn new(vms: &'v [FoundVm]) -> Self {
        let (mut by_address, mut by_name) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for found in vms {
            by_name.entry(found.vm.id.name().to_ascii_lowercase()).or_default().push(found);
            let mut addresses: Vec<_> =
                found.vm.private_addresses.iter().chain(&*found.vm.public_addresses).copied().collect();
            addresses.sort_unstable();
            addresses.dedup();
            for address in addresses {
                by_address.entry(address).or_default().push(found);
            }
        }
        Self { by_address, by_name }
    }

    /// Which one a host is.
    ///
    /// An address is that of the one VM that has it; of several, of the one that is called as the host is. A VM that has only
    /// the name that somebody gave the host, and another address, may be it or not.
    pub fn find(&self, host: &Host) -> Match<'v> {
        let called = self.named(&host.label);
        if let Ok(address) = host.address.parse::<IpAddr>() {
            let have_it = self.by_address.get(&address).map(Vec::as_slice).unwrap_or_default();
            let is_called_so = |found: &&FoundVm| called.iter().any(|named| named.place() == found.place());
            let and_are_called_so: Vec<_> = have_it.iter().copied().filter(is_called_so).collect();
            return match (have_it, &and_are_called_so[..], called) {
                ([one], _, _) | (_, [one], _) => Match::One(one, By::Address),
                ([], _, []) => Match::Nothing,
                ([], _, called) => Match::Perhaps(called.to_vec()),
                (several, _, _) => Match::Perhaps(several.to_vec()),
            };
        }
        let address = host.address.trim_end_matches('.').to_ascii_lowercase();
        let whole = self.named(&address);
        let first = address.split('.').next().unwrap_or_default();
        let may_be = if whole.is_empty() { self.named(first) } else { whole };
        let is_anybodys = whole.is_empty() && address.ends_with(OF_AZURE);
        match (may_be, called) {
            ([one], _) if !is_anybodys => Match::One(one, By::Name),
            ([], []) => Match::Nothing,
            ([], called) => Match::Perhaps(called.to_vec()),
            (several, _) => Match::Perhaps(several.to_vec()),
        }
    }

    fn named(&self, name: &str) -> &[&'v FoundVm] {
        self.by_name.get(&name.to_ascii_lowercase()).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Inventory, Openings, Viewpoint};
    use crate::port::Protocol;

    fn vms() -> Vec<FoundVm> {
        let vm = |group: &str, name: &str, private: &str, public: &[&str]| {
            let id =
                format!("/subscriptions/s/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{name}");
            serde_json::from_value(serde_json::json!({
                "id": id, "privateAddresses": [private], "publicAddresses": public,
            }))
            .unwrap()
        };
        let mut inventory = Inventory::default();
        let account = "work".parse().unwrap();
        let all = vec![
            vm("a", "web-01", "10.0.0.4", &["52.0.0.4"]),
            vm("b", "db", "10.0.0.4", &[]),
            vm("a", "twin", "10.0.0.7", &["10.0.0.7"]),
            vm("b", "TWIN", "10.0.0.8", &[]),
        ];
        inventory.page(&Viewpoint { account, cloud: "public".into(), tenant: None }, all);
        let nothing = crate::settings::Settings::default();
        let defaults = crate::account::Defaults::default();
        let mut openings = Openings::new(&nothing, &[], &defaults);
        let hits = inventory.find("", 0, usize::MAX, &HashMap::new());
        hits.vms.into_iter().map(|hit| FoundVm::new(hit, &mut openings)).collect()
    }

    /// What a host of that label and address is: how it was found, and the groups and names of what it is or may be.
    fn found(label: &str, address: &str) -> String {
        let vms = vms();
        let told = |found: &FoundVm| format!("{}/{}", found.vm.id.resource().resource_group(), found.vm.id.name());
        match KnownVms::new(&vms).find(&Host::new(label.into(), address.into(), Protocol::Ssh)) {
            Match::One(one, by) => format!("{by:?} {}", told(one)),
            Match::Perhaps(several) => {
                let mut all: Vec<_> = several.into_iter().map(told).collect();
                all.sort_unstable();
                format!("Perhaps {}", all.join(" "))
            }
            Match::Nothing => "Nothing".into(),
        }
    }

    #[test]
    fn a_host_is_found_by_what_is_sure_and_all_else_is_for_somebody_to_say() {
        for (label, address, expected) in [
            ("shop", "52.0.0.4", "Address a/web-01"),
            ("db", "52.0.0.4", "Address a/web-01"),
            ("shop", "10.0.0.4", "Perhaps a/web-01 b/db"),
            ("DB", "10.0.0.4", "Address b/db"),
            ("x", "10.0.0.7", "Address a/twin"),
            ("shop", "10.9.9.9", "Nothing"),
            ("web-01", "10.9.9.9", "Perhaps a/web-01"),
            ("x", "WEB-01", "Name a/web-01"),
            ("x", "web-01.contoso.com.", "Name a/web-01"),
            ("x", "web-01.westeurope.cloudapp.azure.com", "Perhaps a/web-01"),
            ("x", "twin", "Perhaps a/twin b/TWIN"),
            ("db", "elsewhere.contoso.com", "Perhaps b/db"),
            ("x", "elsewhere.contoso.com", "Nothing"),
            ("x", "", "Nothing"),
        ] {
            assert_eq!(found(label, address), expected, "{label} at {address}");
        }
    }
}
