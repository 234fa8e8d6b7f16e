//! How a VM is opened that nobody has said anything about: by what Azure says of it.

use std::collections::HashMap;

use super::{GuardedPort, InventoryVm, Viewpoint};
use crate::account::{AccountName, Defaults};
use crate::inheritance::{Inheritable, Inheritance};
use crate::journal::Opening;
use crate::port::Protocol;
use crate::profile::{Profile, ProfileName};
use crate::settings::{Favourite, Settings};
use crate::vm::{CloudVm, OsType};

/// How VMs are opened, each under a name of its own.
#[derive(Debug)]
pub struct Openings<'o> {
    /// By where they lead.
    favourites: HashMap<CloudVm, &'o Favourite>,
    guests: HashMap<CloudVm, &'o Favourite>,
    /// What is said of all profiles is said of theirs, too.
    inheritance: &'o Inheritance,
    default: AccountName,
    settings: &'o Settings,
    defaults: &'o Defaults,
    /// Where the names lead that are taken, in lower case.
    taken: HashMap<String, CloudVm>,
}

impl<'o> Openings<'o> {
    /// For who has these settings, and calls these other VMs so meanwhile.
    pub fn new(settings: &'o Settings, guests: &'o [Favourite], defaults: &'o Defaults) -> Self {
        let Settings { written, inheritance, .. } = settings;
        // What they inherit is not theirs to hand on to another one.
        let placed = |known: &'o Favourite| {
            let profile = inheritance.effective(&known.profile).profile;
            (settings.place_of(&profile, defaults), known)
        };
        let by_place = |known: &'o [Favourite]| known.iter().map(placed).collect::<Vec<_>>();
        let (guests, favourites) = (by_place(guests), by_place(written));
        let named = guests.iter().chain(&favourites);
        Self {
            taken: named.map(|(place, known)| (key(&known.name), place.clone())).collect(),
            // Of several that lead to one VM the first counts.
            favourites: favourites.into_iter().rev().collect(),
            guests: guests.into_iter().rev().collect(),
            inheritance,
            default: settings.default_account(defaults),
            settings,
            defaults,
        }
    }

    /// As which favourite a VM is opened: the one that leads there, or what would be a sensible one, and whether it is the
    /// former. Who sees the VM acts, where that is not who does by default anyway. It says nothing that is said of all.
    pub(super) fn of(&mut self, vm: &InventoryVm, viewpoint: &Viewpoint) -> (Favourite, bool) {
        let place = viewpoint.place(vm);
        if let Some(favourite) = self.favourites.get(&place) {
            return ((*favourite).clone(), true);
        }
        let Inheritance { defaults, .. } = self.inheritance;
        let acting = defaults.account.as_ref().unwrap_or(&self.default);
        let profile = Profile {
            port: vm.own_port(defaults),
            account: (viewpoint.account != *acting).then(|| viewpoint.account.clone()),
            // What is said of all is not meant of one that is seen elsewhere.
            cloud: defaults.cloud.as_ref().filter(|said| **said != viewpoint.cloud).map(|_| viewpoint.cloud.clone()),
            tenant: viewpoint.tenant.clone().filter(|seen| defaults.tenant.as_ref().is_some_and(|said| said != seen)),
            ..Profile::new(vm.id.clone())
        };
        (Favourite { name: self.name(place), profile }, false)
    }

    /// As which favourite a VM is opened again that was opened so; none where it has become one.
    pub fn again(&mut self, opening: &Opening) -> Option<Favourite> {
        let cloud = opening.cloud.clone().unwrap_or_else(|| self.settings.default_cloud(self.defaults).to_owned());
        let place = CloudVm { cloud, id: opening.vm.clone() };
        if self.favourites.contains_key(&place) {
            return None;
        }
        let defaults = &self.inheritance.defaults;
        let account = opening.account.as_ref().and_then(|account| account.parse::<AccountName>().ok());
        let profile = Profile {
            port: Some(opening.port),
            protocol: Some(opening.protocol),
            account: account.filter(|account| account != defaults.account.as_ref().unwrap_or(&self.default)),
            ..Profile::new(opening.vm.clone())
        };
        // Whoever acts today may be of another cloud than the VM.
        let leads_elsewhere =
            self.settings.place_of(&self.inheritance.effective(&profile).profile, self.defaults) != place;
        let profile = Profile { cloud: leads_elsewhere.then(|| place.cloud.clone()), ..profile };
        Some(Favourite { name: self.name(place), profile })
    }

    /// How it is opened, with what is said of all.
    pub(super) fn effective(&self, opens: &Favourite) -> Profile {
        self.inheritance.effective(&opens.profile).profile
    }

    /// What the VM is called already, else its name as far as favourites can have it, and another where that leads
    /// elsewhere.
    fn name(&mut self, vm: CloudVm) -> ProfileName {
        let leads_elsewhere = |name: &ProfileName| self.taken.get(&key(name)).is_some_and(|taken| *taken != vm);
        let guest = self.guests.get(&vm).map(|guest| guest.name.clone());
        let (mut name, mut number) = (guest.unwrap_or_else(|| ProfileName::like(vm.id.name())), 2_u32);
        while leads_elsewhere(&name) {
            let beginning: String = vm.id.name().chars().take(50).collect();
            name = ProfileName::like(&format!("{beginning}-{number}"));
            number += 1;
        }
        self.taken.insert(key(&name), vm);
        name
    }
}

fn key(name: &ProfileName) -> String {
    name.as_str().to_ascii_lowercase()
}

impl InventoryVm {
    /// The port that one of its favourites has to say, where it is not what is said of all and not SSH's.
    pub fn own_port(&self, defaults: &Inheritable) -> Option<u16> {
        let says_door = defaults.port.is_some() || defaults.protocol.is_some();
        let own = (!says_door).then(|| port(self.os, self.jit_ports.as_deref().unwrap_or_default()));
        own.filter(|port| Some(*port) != Protocol::Ssh.default_port())
    }
}

/// The port that the system is known for, unless policies guard the other one and not this.
fn port(os: Option<OsType>, guarded: &[GuardedPort]) -> u16 {
    let (ssh, rdp) = (22, 3389);
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
        open_in("public", vm, favourites)
    }

    /// Whatever account acts by default.
    fn acting_as(account: &str) -> Settings {
        Settings { account: Some(account.parse().unwrap()), ..Settings::default() }
    }

    fn open_in(cloud: &str, vm: &InventoryVm, favourites: &[Favourite]) -> (Favourite, bool) {
        let viewpoint = Viewpoint { account: "work".parse().unwrap(), cloud: cloud.into(), tenant: None };
        let settings = Settings { written: favourites.to_vec(), ..acting_as("work") };
        Openings::new(&settings, &[], &Defaults::default()).of(vm, &viewpoint)
    }

    #[test]
    fn what_is_said_of_all_favourites_is_said_of_a_vm_that_is_none() {
        let vm = seen(&serde_json::json!({ "os": "windows" }));
        let viewpoint = Viewpoint { account: "work".parse().unwrap(), cloud: "public".into(), tenant: None };
        let open = |said: serde_json::Value| {
            let mut settings = acting_as("home");
            settings.inheritance.defaults = serde_json::from_value(said).unwrap();
            Openings::new(&settings, &[], &Defaults::default()).of(&vm, &viewpoint).0.profile
        };
        let Profile { port, account, .. } = open(serde_json::json!({ "port": 2222, "account": "work" }));
        assert_eq!((port, account), (None, None));
        let Profile { port, account, .. } = open(serde_json::json!({ "user": "me" }));
        assert!(port == Some(3389) && account.is_some());
    }

    #[test]
    fn the_system_and_the_policy_say_how_a_vm_is_opened() {
        let rule = |port: u16| serde_json::json!({ "port": port, "seconds": 3600 });
        for (vm, port) in [
            (serde_json::json!({}), 22),
            (serde_json::json!({ "os": "linux" }), 22),
            (serde_json::json!({ "os": "windows" }), 3389),
            (serde_json::json!({ "os": "windows", "jitPorts": [rule(22), rule(3389)] }), 3389),
            (serde_json::json!({ "os": "windows", "jitPorts": [rule(22)] }), 22),
            (serde_json::json!({ "jitPorts": [rule(3389)] }), 3389),
            (serde_json::json!({ "os": "linux", "jitPorts": [rule(2222)] }), 22),
        ] {
            let (Favourite { profile, .. }, is_there) = open(&seen(&vm), &[]);
            assert_eq!((profile.port(), profile.access, is_there), (port, None, false), "{vm}");
        }
    }

    #[test]
    fn who_sees_it_acts_and_the_name_is_one_that_leads_nowhere_else() {
        let vm = seen(&serde_json::json!({}));
        let viewpoint =
            |account: &str| Viewpoint { account: account.parse().unwrap(), cloud: "public".into(), tenant: None };
        let settings = acting_as("work");
        let as_whom = |account| {
            Openings::new(&settings, &[], &Defaults::default()).of(&vm, &viewpoint(account)).0.profile.account
        };
        assert_eq!((as_whom("WORK"), as_whom("home")), (None, Some("home".parse().unwrap())));

        let other = "/subscriptions/s/resourceGroups/other/providers/Microsoft.Compute/virtualMachines/web-01";
        let favourite = |name: &str, id: &str| Favourite {
            name: name.parse().unwrap(),
            profile: Profile::new(id.parse().unwrap()),
        };
        let elsewhere = [favourite("Web-01", other), favourite("web-01-2", other)];
        assert_eq!(open(&vm, &elsewhere).0.name.as_str(), "web-01-3");
        let own = favourite("shop", &vm.id.to_string().to_uppercase());
        assert_eq!(open(&vm, &[elsewhere[0].clone(), own.clone()]), (own.clone(), true));
        let (opens, is_favourite) = open_in("china", &vm, &[own]);
        assert_eq!((opens.name.as_str(), is_favourite), ("web-01", false), "that of another cloud is another one");
    }

    #[test]
    fn vms_of_one_name_have_names_of_their_own_and_keep_the_ones_under_which_they_were_opened() {
        let vm = |group: &str| {
            let id = format!("/subscriptions/s/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/WEB");
            seen(&serde_json::json!({ "id": id }))
        };
        let [a, b, c] = ["a", "b", "c"].map(vm);
        let viewpoint = Viewpoint { account: "work".parse().unwrap(), cloud: "public".into(), tenant: None };
        let names = |guests: &[Favourite], vms: &[&InventoryVm]| {
            let settings = acting_as("work");
            let defaults = Defaults::default();
            let mut openings = Openings::new(&settings, guests, &defaults);
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

    #[test]
    fn what_is_opened_again_is_opened_in_its_own_cloud_whoever_acts_today() {
        let line = serde_json::json!({
            "at": "2026-11-30T10:00:00Z", "name": "web", "port": 22, "protocol": "ssh", "result": "connected",
            "vm": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/web",
            "cloud": "china", "account": "az", "requested": true, "started": false, "elapsedMs": 1,
        });
        let opening: Opening = serde_json::from_value(line).unwrap();
        let defaults = Defaults::default();
        let mut settings = Settings::default();
        let cloud = |settings: &Settings| {
            Openings::new(settings, &[], &defaults).again(&opening).map(|again| again.profile.cloud)
        };
        assert_eq!(cloud(&settings), Some(Some("china".into())));
        settings.cloud = Some("china".into());
        assert_eq!(cloud(&settings), Some(None), "it says no more than it must");
        // The same id in another cloud is another VM.
        let profile = Profile { cloud: Some("public".into()), ..Profile::new(opening.vm.clone()) };
        settings.written = vec![Favourite { name: "other".parse().unwrap(), profile }];
        assert!(cloud(&settings).is_some());
        settings.written[0].profile.cloud = None;
        assert_eq!(cloud(&settings), None, "a favourite leads there");
    }
}
