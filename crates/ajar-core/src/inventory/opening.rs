//! How a VM is opened that nobody has said anything about: by what Azure says of it.

use chrono::TimeDelta;

use super::{GuardedPort, InventoryVm, Viewpoint};
use crate::account::AccountName;
use crate::iso8601::IsoDuration;
use crate::port::Protocol;
use crate::profile::{Profile, ProfileName};
use crate::resource_id::VmResourceId;
use crate::settings::Favourite;
use crate::vm::OsType;

/// How long access is asked for where the policy lets nobody have less.
const ACCESS: TimeDelta = TimeDelta::hours(3);

/// As which favourite a VM is opened: the one that leads there, or what would be a sensible one, and whether it is the
/// former. Who sees the VM acts, where that is not who does by `default` anyway.
pub(super) fn opened_as(
    vm: &InventoryVm,
    viewpoint: &Viewpoint,
    favourites: &[Favourite],
    default: &AccountName,
) -> (Favourite, bool) {
    if let Some(favourite) = favourites.iter().find(|favourite| favourite.profile.vm == vm.id) {
        return (favourite.clone(), true);
    }
    let guarded = vm.jit_ports.as_deref().unwrap_or_default();
    let port = port(vm.os, guarded);
    let longest = guarded.iter().find(|rule| rule.port == port).map(GuardedPort::longest);
    let profile = Profile {
        port: (port != Protocol::Ssh.default_port()).then_some(port),
        access: Some(IsoDuration(longest.map_or(ACCESS, |longest| longest.min(ACCESS)))),
        account: (viewpoint.account != *default).then(|| viewpoint.account.clone()),
        ..Profile::new(vm.id.clone())
    };
    (Favourite { name: free_name(&vm.id, favourites), profile }, false)
}

/// The port that the system is known for, unless policies guard the other one and not this.
fn port(os: Option<OsType>, guarded: &[GuardedPort]) -> u16 {
    let (ssh, rdp) = (Protocol::Ssh.default_port(), Protocol::Rdp.default_port());
    let (usual, other) = if os == Some(OsType::Windows) { (rdp, ssh) } else { (ssh, rdp) };
    let is_guarded = |port| guarded.iter().any(|rule| rule.port == port);
    if is_guarded(other) && !is_guarded(usual) { other } else { usual }
}

/// The VM's name as far as favourites can have it, and another where one has that which leads elsewhere.
fn free_name(vm: &VmResourceId, favourites: &[Favourite]) -> ProfileName {
    let is_taken = |name: &ProfileName| favourites.iter().any(|favourite| favourite.name == *name);
    let (mut name, mut number) = (ProfileName::like(vm.name()), 2_u32);
    while is_taken(&name) {
        let beginning: String = vm.name().chars().take(50).collect();
        name = ProfileName::like(&format!("{beginning}-{number}"));
        number += 1;
    }
    name
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
        opened_as(vm, &viewpoint, favourites, &"work".parse().unwrap())
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
        let as_whom = |account| opened_as(&vm, &viewpoint(account), &[], &"work".parse().unwrap()).0.profile.account;
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
}
