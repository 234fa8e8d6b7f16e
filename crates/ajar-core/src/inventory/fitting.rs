//! What is known of a VM where nobody says anything: what runs on it, and how long its policy allows access.

use super::InventoryVm;
use crate::inheritance::{Effective, Field, Inheritable, Origin};
use crate::iso8601::IsoDuration;
use crate::port::Protocol;
use crate::profile::DEFAULT_ACCESS;
use crate::vm::OsType;

impl InventoryVm {
    /// What its system is reached by, where neither port nor protocol is said.
    pub fn fits(&self, said: &Inheritable) -> Option<(Protocol, OsType)> {
        let says_door = said.port.is_some() || said.protocol.is_some();
        self.os.filter(|_| !says_door).map(|os| (os.usual_protocol(), os))
    }

    /// How long access to its port is asked for, where nobody says it and its policy allows less than would be.
    pub fn longest(&self, said: &Inheritable) -> Option<IsoDuration> {
        let rules = self.jit_ports.as_deref().unwrap_or_default();
        let rule = rules.iter().find(|rule| rule.port == said.port())?;
        Some(rule.longest()).filter(|longest| said.access.is_none() && *longest < DEFAULT_ACCESS).map(IsoDuration)
    }

    /// What would hold of a field of a new favourite, and where that comes from, where nobody says it and the VM does.
    pub fn tells(&self, field: Field, said: &Inheritable) -> Option<(Inheritable, Origin)> {
        match field {
            Field::Port | Field::Protocol => {
                let (protocol, os) = self.fits(said)?;
                Some((Inheritable { protocol: Some(protocol), ..said.clone() }, Origin::Vm { os }))
            }
            Field::Access => {
                // Of the port that it is opened at.
                let protocol = said.protocol.or_else(|| self.fits(said).map(|(protocol, _)| protocol));
                let access = self.longest(&Inheritable { protocol, ..said.clone() })?;
                Some((Inheritable { access: Some(access), ..said.clone() }, Origin::Policy))
            }
            Field::User
            | Field::RenewUpTo
            | Field::AfterUse
            | Field::Account
            | Field::Cloud
            | Field::Tenant
            | Field::Start
            | Field::IdentityFile
            | Field::KnownHostsFile
            | Field::Justification
            | Field::AskJustification
            | Field::Address
            | Field::Source
            | Field::Colour
            | Field::Client
            | Field::ClientArguments
            | Field::Forwards
            | Field::RdpFile
            | Field::Gateway
            | Field::Multimon
            | Field::EntraLogin
            | Field::ForwardAgent => None,
        }
    }
}

impl Effective {
    /// The same of a favourite whose VM is known: what its policy allows is asked for where nobody says how long.
    #[must_use]
    pub fn at_vm(mut self, vm: &InventoryVm) -> Self {
        if let Some(access) = vm.longest(&Inheritable::of(&self.profile)) {
            self.profile.access = Some(access);
            if let Some((_, origin)) = self.origins.iter_mut().find(|(field, _)| *field == Field::Access) {
                *origin = Origin::Policy;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inheritance::Inheritance;
    use crate::profile::Profile;

    fn windows() -> InventoryVm {
        serde_json::from_value(serde_json::json!({
            "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/w", "os": "windows",
            "jitPorts": [{ "port": 3389, "seconds": 7200 }, { "port": 22, "seconds": 36000 }],
        }))
        .unwrap()
    }

    #[test]
    fn what_runs_on_a_vm_says_how_a_new_favourite_opens_it_where_nobody_does() {
        let (vm, nothing) = (windows(), Inheritable::default());
        let (holds, origin) = vm.tells(Field::Port, &nothing).unwrap();
        assert_eq!((holds.port(), holds.protocol(), origin), (3389, Protocol::Rdp, Origin::Vm { os: OsType::Windows }));
        let said = Inheritable { port: Some(22), ..nothing.clone() };
        assert_eq!((vm.fits(&said), vm.tells(Field::User, &nothing)), (None, None));
        assert_eq!(InventoryVm { os: None, ..vm }.fits(&nothing), None);
    }

    #[test]
    fn the_maximum_of_the_policy_holds_where_it_is_less_than_would_be_asked_for_and_nobody_says_how_long() {
        let (vm, nothing) = (windows(), Inheritable::default());
        let (holds, origin) = vm.tells(Field::Access, &nothing).unwrap();
        assert_eq!((holds.access.unwrap().0.num_hours(), origin), (2, Origin::Policy));
        let ssh = Inheritable { port: Some(22), ..nothing.clone() };
        assert_eq!(vm.tells(Field::Access, &ssh), None, "ten hours are more than the usual three");
        let said = Inheritable { access: Some("PT8H".parse().unwrap()), ..nothing };
        assert_eq!(vm.tells(Field::Access, &said), None);
        let rdp = Profile { protocol: Some(Protocol::Rdp), ..Profile::new(vm.id.clone()) };
        let effective = Inheritance::default().effective(&rdp).at_vm(&vm);
        assert_eq!((effective.profile.access().num_hours(), effective.origin(Field::Access)), (2, &Origin::Policy));
    }
}
