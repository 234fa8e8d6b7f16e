//! How a VM is opened that nobody has said anything about: by what Azure says of it.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::{GuardedPort, InventoryVm, Viewpoint};
use crate::account::AccountName;
use crate::inheritance::Inheritance;
use crate::iso8601::IsoDuration;
use crate::journal::Opening;
use crate::port::Protocol;
use crate::profile::{Profile, ProfileName};
use crate::resource_id::VmResourceId;
use crate::settings::{Favourite, Settings};
use crate::vm::OsType;

/// How long access is asked for where the policy lets nobody have less.
const ACCESS: TimeDelta = TimeDelta::hours(3);

/// How VMs are opened, each under a name of its own.
#[derive(Debug)]
pub struct Openings<'o> {
    favourites: &'o [Favourite],
    guests: &'o [Favourite],
    /// What is said of all profiles is said of theirs, too.
    inheritance: &'o Inheritance,
    default: &'o AccountName,
    /// Where the names lead that are taken, in lower case.
    taken: HashMap<String, VmResourceId>,
}

impl<'o> Openings<'o> {
    /// For who has these settings, calls these other VMs so meanwhile, and acts by `default` as that account.
    pub fn new(settings: &'o Settings, guests: &'o [Favourite], default: &'o AccountName) -> Self {
        // What they inherit is not theirs to hand on to another one.
        let Settings { written: favourites, inheritance, .. } = settings;
        let named = guests.iter().chain(favourites);
        let taken = named.map(|known| (key(&known.name), known.profile.vm.clone())).collect();
        Self { favourites, guests, inheritance, default, taken }
    }

    /// As which favourite a VM is opened: the one that leads there, or what would be a sensible one, and whether it is the
    /// former. Who sees the VM acts, where that is not who does by default anyway. It says nothing that is said of all.
    pub(super) fn of(&mut self, vm: &InventoryVm, viewpoint: &Viewpoint) -> (Favourite, bool) {
        if let Some(favourite) = self.favourites.iter().find(|favourite| favourite.profile.vm == vm.id) {
            return (favourite.clone(), true);
        }
        let guarded = vm.jit_ports.as_deref().unwrap_or_default();
        let Inheritance { defaults, .. } = self.inheritance;
        let says_door = defaults.port.is_some() || defaults.protocol.is_some();
        let own_port = (!says_door).then(|| port(vm.os, guarded));
        let port = own_port.unwrap_or_else(|| defaults.clone().of_vm(vm.id.clone()).port());
        let longest = guarded.iter().find(|rule| rule.port == port).map(GuardedPort::longest);
        let access = IsoDuration(longest.map_or(ACCESS, |longest| longest.min(ACCESS)));
        let acting = defaults.account.as_ref().unwrap_or(self.default);
        let profile = Profile {
            port: own_port.filter(|port| *port != Protocol::Ssh.default_port()),
            access: defaults.access.is_none().then_some(access),
            account: (viewpoint.account != *acting).then(|| viewpoint.account.clone()),
            // What is said of all is not meant of one that is seen elsewhere.
            cloud: defaults.cloud.as_ref().filter(|said| **said != viewpoint.cloud).map(|_| viewpoint.cloud.clone()),
            tenant: viewpoint.tenant.clone().filter(|seen| defaults.tenant.as_ref().is_some_and(|said| said != seen)),
            ..Profile::new(vm.id.clone())
        };
        (Favourite { name: self.name(&vm.id), profile }, false)
    }

    /// As which favourite a VM is opened again that was opened so; none where it has become one.
    pub fn again(&mut self, opening: &Opening) -> Option<Favourite> {
        if self.favourites.iter().any(|favourite| favourite.profile.vm == opening.vm) {
            return None;
        }
        let defaults = &self.inheritance.defaults;
        let account = opening.account.as_ref().and_then(|account| account.parse::<AccountName>().ok());
        let profile = Profile {
            port: Some(opening.port),
            protocol: Some(opening.protocol),
            access: defaults.access.is_none().then_some(IsoDuration(ACCESS)),
            account: account.filter(|account| account != defaults.account.as_ref().unwrap_or(self.default)),
            cloud: opening.cloud.clone().filter(|cloud| defaults.cloud.as_ref().is_some_and(|said| said != cloud)),
            ..Profile::new(opening.vm.clone())
        };
        Some(Favourite { name: self.name(&opening.vm), profile })
    }

    /// How it is opened, with what is said of all.
    pub(super) fn effective(&self, opens: &Favourite) -> Profile {
        self.inheritance.effective(&opens.profile).profile
    }

    /// What the VM is called already, else its name as far as favourites can have it, and another where that leads
    /// elsewhere.
    fn name(&mut self, vm: &VmResourceId) -> ProfileName {
        let leads_elsewhere = |name: &ProfileName| self.taken.get(&key(name)).is_some_and(|taken| taken != vm);
        let guest = self.guests.iter().find(|guest| guest.profile.vm == *vm).map(|guest| guest.name.clone());
        let (mut name, mut number) = (guest.unwrap_or_else(|| ProfileName::like(vm.name())), 2_u32);
        while leads_elsewhere(&name) {
            let beginning: String = vm.name().chars().take(50).collect();
            name = ProfileName::like(&format!("{beginning}-{number}"));
            number += 1;
        }
        self.taken.insert(key(&name), vm.clone());
        name
    }
}

fn key(name: &ProfileName) -> String {
    name.as_str().to_ascii_lowercase()
}

/// The port that the system is known for, unless policies guard the other one and not this.
fn port(os: Option<OsType>, guarded: &[GuardedPort]) -> u16 {
    let (ssh, rdp) = (Protocol::Ssh.default_port(), Protocol::Rdp.default_port());
    let (usual, other) = if os == Some(OsType::Windows) { (rdp, ssh) } else { (ssh, rdp) };
    let is_guarded = |port| guarded.iter().any(|rule| rule.port == port);
    if is_guarded(other) && !is_guarded(usual) { other } else { usual }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(json: &serde_json::Value) -> InventoryVm {
        let mut vm = serde_json::json!({
            "id": "/subscriptions/s/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/web-01",
        });
        vm.as_object_mut().unwrap().append(json.clone().as_object_mut().unwrap());
        serde_json::from_value(vm).unwrap()
    }

    fn open(vm: &InventoryVm, favourites: &[Favourite]) -> (Favourite, bool) {
        let viewpoint = Viewpoint { account: "work".parse().unwrap(), cloud: "public".into(), tenant: None };
        let settings = Settings { written: favourites.to_vec(), ..Settings::default() };
        Openings::new(&settings, &[], &"work".parse().unwrap()).of(vm, &viewpoint)
    }

    #[test]
    fn what_is_said_of_all_favourites_is_said_of_a_vm_that_is_none() {
        let vm = seen(&serde_json::json!({ "os": "windows" }));
        let viewpoint = Viewpoint { account: "work".parse().unwrap(), cloud: "public".into(), tenant: None };
        let open = |said: serde_json::Value| {
            let mut settings = Settings::default();
            settings.inheritance.defaults = serde_json::from_value(said).unwrap();
            Openings::new(&settings, &[], &"home".parse().unwrap()).of(&vm, &viewpoint).0.profile
        };
        let Profile { port, access, account, .. } =
            open(serde_json::json!({ "port": 2222, "for": "1h", "account": "work" }));
        assert_eq!((port, access, account), (None, None, None));
        let Profile { port, access, account, .. } = open(serde_json::json!({ "user": "me" }));
        assert!(port == Some(3389) && access.is_some() && account.is_some());
    }

    #[test]
    fn the_system_and_the_policy_say_how_a_vm_is_opened() {
        let rule = |port: u16, minutes: u32| serde_json::json!({ "port": port, "seconds": minutes * 60 });
        for (vm, port, minutes) in [
            (serde_json::json!({}), 22, 180),
            (serde_json::json!({ "os": "linux" }), 22, 180),
            (serde_json::json!({ "os": "windows" }), 3389, 180),
            (serde_json::json!({ "os": "windows", "jitPorts": [rule(22, 60), rule(3389, 90)] }), 3389, 90),
            (serde_json::json!({ "os": "windows", "jitPorts": [rule(22, 60)] }), 22, 60),
            (serde_json::json!({ "jitPorts": [rule(3389, 600)] }), 3389, 180),
            (serde_json::json!({ "os": "linux", "jitPorts": [rule(2222, 60)] }), 22, 180),
        ] {
            let (Favourite { profile, .. }, is_there) = open(&seen(&vm), &[]);
            assert_eq!((profile.port(), profile.access().num_minutes(), is_there), (port, minutes, false), "{vm}");
        }
    }

    #[test]
    fn who_sees_it_acts_and_the_name_is_one_that_leads_nowhere_else() {
        let vm = seen(&serde_json::json!({}));
        let viewpoint =
            |account: &str| Viewpoint { account: account.parse().unwrap(), cloud: "c".into(), tenant: None };
        let work = "work".parse().unwrap();
        let nothing = Settings::default();
        let as_whom = |account| Openings::new(&nothing, &[], &work).of(&vm, &viewpoint(account)).0.profile.account;
        assert_eq!((as_whom("WORK"), as_whom("home")), (None, Some("home".parse().unwrap())));

        let other = "/subscriptions/s/resourceGroups/other/providers/Microsoft.Compute/virtualMachines/web-01";
        let favourite = |name: &str, id: &str| Favourite {
            name: name.parse().unwrap(),
            profile: Profile::new(id.parse().unwrap()),
        };
        let elsewhere = [favourite("Web-01", other), favourite("web-01-2", other)];
        assert_eq!(open(&vm, &elsewhere).0.name.as_str(), "web-01-3");
        let own = favourite("shop", &vm.id.to_string().to_uppercase());
        assert_eq!(open(&vm, &[elsewhere[0].clone(), own.clone()]), (own, true));
    }

    #[test]
    fn vms_of_one_name_have_names_of_their_own_and_keep_the_ones_under_which_they_were_opened() {
        let vm = |group: &str| {
            let id = format!("/subscriptions/s/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/WEB");
            seen(&serde_json::json!({ "id": id }))
        };
        let [a, b, c] = ["a", "b", "c"].map(vm);
        let (viewpoint, work) =
            (Viewpoint { account: "work".parse().unwrap(), cloud: "c".into(), tenant: None }, "work".parse().unwrap());
        let names = |guests: &[Favourite], vms: &[&InventoryVm]| {
            let nothing = Settings::default();
            let mut openings = Openings::new(&nothing, guests, &work);
            vms.iter().map(|vm| openings.of(vm, &viewpoint).0.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(&[], &[&a, &b, &a, &c]), ["WEB", "WEB-2", "WEB", "WEB-3"]);
        let guest = |name: &str, vm: &InventoryVm| Favourite {
            name: name.parse().unwrap(),
            profile: Profile::new(vm.id.clone()),
        };
        assert_eq!(names(&[guest("web", &b)], &[&a, &b]), ["WEB-2", "web"]);
        assert_eq!(names(&[guest("web-2", &b)], &[&b, &a, &c]), ["web-2", "WEB", "WEB-3"]);
    }
}
