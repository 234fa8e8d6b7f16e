//! What can't be in a fleet file, with its key: whatever is there twice, out of bounds, or names what is not there.

use std::collections::HashSet;

use super::network::Complaint;
use super::{Fleet, PortSpec, accounts};
use crate::duration;
use crate::state::configure::LONGEST_NAMES;
use crate::state::nsg;

impl Fleet {
    /// What can't be, with its key.
    pub(super) fn check(&self) -> Result<(), Complaint> {
        accounts::check(&self.tenants, &self.accounts)?;
        self.check_subscriptions()?;
        let mut taken = HashSet::new();
        for (index, vm) in self.vms.iter().enumerate() {
            let at = |key: &str| format!("vms.{}.{key}", vm.name);
            if vm.name.is_empty() || !vm.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
                return Err((format!("vms[{index}].name"), format!("'{}' is no name for a VM", vm.name)));
            }
            let Some(subscription) = self.subscription_of(vm) else {
                return Err((at("subscription"), "names none of the fleet's subscriptions".to_owned()));
            };
            let place = (subscription.id, vm.resource_group.to_ascii_lowercase(), vm.name.to_ascii_lowercase());
            if !taken.insert(place) {
                return Err((at("name"), format!("{} has a VM of this name already", vm.resource_group)));
            }
            if vm.address.is_some_and(|address| !address.is_loopback()) {
                return Err((at("address"), "must be a loopback address (127.0.0.0/8)".to_owned()));
            }
            if vm.policy.len() + vm.name.len() > LONGEST_NAMES {
                return Err((at("policy"), "policy and VM name together may have 56 characters".to_owned()));
            }
            let mut numbers = HashSet::new();
            for port in &vm.ports {
                port.check().map_err(|(key, problem)| (at(&format!("ports.{}.{key}", port.number)), problem))?;
                if !numbers.insert(port.number) {
                    return Err((at(&format!("ports.{}.number", port.number)), "is there twice".to_owned()));
                }
            }
        }
        self.check_network()?;
        self.check_bastions()
    }

    fn check_subscriptions(&self) -> Result<(), Complaint> {
        if self.subscriptions.is_empty() {
            return Err(("subscriptions".to_owned(), "at least one is needed".to_owned()));
        }
        let mut taken = HashSet::new();
        match self.subscriptions.iter().find(|subscription| !taken.insert(subscription.id)) {
            Some(second) => {
                Err((format!("subscriptions.{}.id", second.name), "is another subscription's id already".to_owned()))
            }
            None => Ok(()),
        }
    }
}

impl PortSpec {
    fn check(&self) -> Result<(), Complaint> {
        if self.number == 0 {
            return Err(("number".to_owned(), "must be 1 to 65535".to_owned()));
        }
        let is_address = |text: &String| {
            text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        if self.forward.as_ref().is_some_and(|forward| !is_address(forward)) {
            return Err(("forward".to_owned(), "must be host:port".to_owned()));
        }
        let Some(jit) = &self.jit else { return Ok(()) };
        let allowed = chrono::TimeDelta::minutes(5)..=chrono::TimeDelta::days(1);
        if !duration::parse(&jit.max_duration).is_some_and(|max| allowed.contains(&max)) {
            let problem = format!("'{}' is no ISO 8601 duration from PT5M to P1D", jit.max_duration);
            return Err(("jit.max_duration".to_owned(), problem));
        }
        if let Some(bad) = jit.sources.iter().find(|source| nsg::network(source).is_none()) {
            let problem = format!("'{bad}' is neither *, nor an IPv4 address, nor a CIDR block");
            return Err(("jit.sources".to_owned(), problem));
        }
        if jit.sources.is_empty() {
            return Err(("jit.sources".to_owned(), "at least one prefix is needed".to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::SERVICE_PRINCIPAL;

    const HEAD: &str = "[[subscriptions]]\nid = \"11111111-1111-4111-8111-111111111111\"\nname = \"one\"\n";

    #[track_caller]
    fn complaint(vm: &str) -> String {
        let error = format!("{HEAD}[[vms]]\nname = \"a\"\n{vm}").parse::<Fleet>().unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error} {source}")
    }

    #[test]
    fn the_built_in_fleet_is_a_valid_fleet_file() {
        let fleet: Fleet = include_str!("../default-fleet.toml").parse().unwrap();
        assert!(fleet.vms.len() >= 12);
    }

    #[test]
    fn mistakes_in_accounts_are_named_with_their_key() {
        for (more, key) in [
            ("tenant = \"nowhere\"", "accounts.ada.tenant"),
            ("guest_in = [\"nowhere\"]", "accounts.ada.guest_in"),
            ("client_id = \"11111111-1111-4111-8111-111111111111\"", "accounts.ada.client_id"),
            ("[[accounts]]\nname = \"Ada\"", "accounts.Ada.name"),
            ("[[accounts]]\nname = \"app\"", "accounts.app.name"),
            ("[[tenants]]\nid = \"11111111-1111-4111-8111-111111111111\"\nname = \"contoso\"", "tenants.contoso"),
            (
                "[[subscriptions]]\nid = \"11111111-1111-4111-8111-111111111112\"\nname = \"x\"\ntenant = \"y\"",
                "subscriptions.x.tenant",
            ),
            ("[[subscriptions]]\nid = \"11111111-1111-4111-8111-111111111111\"\nname = \"x\"", "subscriptions.x.id"),
            (
                "object_id = \"11111111-1111-4111-8111-111111111111\"\n[[accounts]]\nname = \"bob\"\n\
                 object_id = \"11111111-1111-4111-8111-111111111111\"",
                "accounts.bob.object_id",
            ),
            (
                "[[accounts]]\nname = \"job\"\nkind = \"servicePrincipal\"\n\
                 client_id = \"2b1d94c8-53aa-4b7e-8a16-0f0dc0deaa01\"",
                "accounts.job.client_id",
            ),
        ] {
            let error = format!("{HEAD}[[accounts]]\nname = \"ada\"\n{more}").parse::<Fleet>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{key}: ")), "{error}");
        }
        let fleet: Fleet = HEAD.parse().unwrap();
        let names: Vec<_> = fleet.accounts.iter().map(|account| account.name.as_str()).collect();
        assert_eq!(names, [SERVICE_PRINCIPAL, "demo", "identity"], "without any there is one of each kind");
        let secret = "[[accounts]]\nname = \"old\"\nkind = \"servicePrincipal\"\nsecret = \"swordfish\"";
        let fleet: Fleet = format!("{HEAD}{secret}").parse().unwrap();
        assert!(!format!("{fleet:?}").contains("swordfish"));
    }

    #[test]
    fn mistakes_are_named_with_their_key() {
        let bad = complaint("ports = [{ number = 22, jit = { max_duration = \"3 hours\" } }]");
        assert!(bad.contains("vms.a.ports.22.jit.max_duration") && bad.contains("3 hours"), "{bad}");
        let bad = complaint("ports = [{ number = 22, jit = { sources = [\"::1\"] } }]");
        assert!(bad.contains("jit.sources") && bad.contains("::1"), "{bad}");
        let bad = complaint("ports = [{ number = 22, jit = { protocol = \"ICMP\" } }]");
        assert!(bad.contains("ICMP") && bad.contains("`*`, `TCP`, `UDP`"), "{bad}");
        let bad = complaint("prots = []");
        assert!(bad.contains("unknown field `prots`"), "{bad}");
        let bad = complaint("subscription = \"two\"\nports = []");
        assert!(bad.contains("vms.a.subscription"), "{bad}");
        let bad = complaint("address = \"192.0.2.1\"\nports = []");
        assert!(bad.contains("loopback"), "{bad}");
        let bad = complaint("ports = [{ number = 22 }, { number = 22, jit = {} }]");
        assert!(bad.contains("vms.a.ports.22.number") && bad.contains("twice"), "{bad}");
        let group = |name: &str| format!("[[network_security_groups]]\nname = \"{name}\"\n");
        let bad = complaint(&format!("ports = []\n{}{}", group("web"), group("Web")));
        assert!(bad.contains("network_security_groups.Web.name"), "{bad}");
    }

    #[test]
    fn a_certificate_lies_where_the_fleet_file_does_unless_its_path_says_otherwise() {
        let folder = std::env::temp_dir();
        for (written, expected) in [("cert.pem".into(), folder.join("cert.pem")), (folder.join("b"), folder.join("b"))]
        {
            let account = format!("[[accounts]]\nname = \"job\"\ncertificate = '{}'", written.display());
            let fleet = Fleet::parse(&format!("{HEAD}{account}"), Some(&folder.join("fleet.toml"))).unwrap();
            let job = fleet.accounts.iter().find(|account| account.name == "job").unwrap();
            assert_eq!(job.certificate.as_deref(), Some(expected.as_path()));
        }
    }
}
