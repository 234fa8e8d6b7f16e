//! Words about the VMs that were found.

use chrono::{DateTime, TimeDelta, Utc};

use super::account::whom;
use crate::inventory::{FoundVm, Gap, GuardedPort, InventoryVm, Lack, Viewpoint};
use crate::iso8601::in_units;
use crate::snapshot::InventoryView;
use crate::vm::PowerState;
use crate::zone::Zone;

/// Over the VMs.
pub const COLUMNS: [&str; 8] = ["VM", "RESOURCE GROUP", "SUBSCRIPTION", "OS", "POWER", "ADDRESS", "JIT", "SEEN AS"];

/// A VM, column by column. What was not read the last time is told with its age.
pub fn columns(found: &FoundVm, now: DateTime<Utc>) -> [String; 8] {
    let FoundVm { viewpoint, vm, .. } = found;
    let none = || "–".to_owned();
    let addresses = vm.public_addresses.iter().chain(&*vm.private_addresses);
    // Of which the first is a private one that was read, where the public ones alone could not be.
    let lack = if vm.public_addresses.is_empty() { Lack::Addresses } else { Lack::PublicAddresses };
    let since = vm.known_since(Lack::Addresses).or_else(|| vm.known_since(lack));
    let address = addresses.map(ToString::to_string).next().map(|address| aged(&address, since, now));
    let os = vm.os.map(super::system);
    let jit = vm.jit_ports.as_ref().map(|ports| match &**ports {
        [] => "no policy".to_owned(),
        ports => ports.iter().copied().map(guarded).collect::<Vec<_>>().join(", "),
    });
    [
        vm.id.name().to_owned(),
        vm.id.resource().resource_group().to_owned(),
        vm.subscription_name().to_owned(),
        os.map_or_else(none, ToOwned::to_owned),
        vm.power.map_or_else(none, |power| aged(super::power(power), vm.known_since(Lack::Power), now)),
        address.unwrap_or_else(none),
        jit.unwrap_or_else(none),
        viewpoint.account.to_string(),
    ]
}

/// What was known some time ago, with how long that is.
fn aged(what: &str, since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    since.map_or_else(|| what.to_owned(), |since| format!("{what} ({} ago)", super::spoken(now - since)))
}

/// A guarded port with the longest access to it, such as `22 (3h)`.
fn guarded(rule: GuardedPort) -> String {
    format!("{} ({})", rule.port, in_units(rule.longest()))
}

/// Below the VMs: how many there are beside those that are shown, and how old all this is.
pub fn footer(shown: usize, total: usize, inventory: &InventoryView, zone: Zone, now: DateTime<Utc>) -> String {
    let shown =
        if shown < total { format!("The first {shown} of {total} VMs that match") } else { vms(total, "match") };
    let known = inventory.count;
    let age = inventory.read_at.map(|at| age(at, zone, now)).unwrap_or_default();
    format!("{shown}, of {known} that are known{age}.")
}

fn vms(count: usize, verb: &str) -> String {
    match count {
        1 => format!("1 VM {verb}es"),
        count => format!("{count} VMs {verb}"),
    }
}

fn age(at: DateTime<Utc>, zone: Zone, now: DateTime<Utc>) -> String {
    let moment = super::moment(at, zone);
    if now - at < TimeDelta::minutes(1) {
        format!("; read at {moment}")
    } else {
        format!("; read at {moment}, {} ago", super::spoken(now - at))
    }
}

/// How the VM that was found first becomes a favourite.
pub fn how_to_add(found: &FoundVm) -> String {
    let profile = &found.opens.profile;
    let port = profile.port.map(|port| format!(" --port {port}")).unwrap_or_default();
    let account = profile.account.as_ref().map(|account| format!(" --account {account}")).unwrap_or_default();
    format!("Make one a favourite: ajar add {} --vm {}{port}{account}", found.opens.name, found.vm.id)
}

/// Which VM it is, for who knows several of that name.
pub fn place(found: &FoundVm) -> String {
    let vm = &found.vm;
    format!("{} ({} in {})", vm.id.name(), vm.id.resource().resource_group(), vm.subscription_name())
}

/// Which VMs they are, for who has to tell them apart: those that lie alike are told with who sees them, and in which cloud.
pub fn places(found: &[&FoundVm]) -> Vec<String> {
    let places: Vec<_> = found.iter().map(|found| place(found)).collect();
    let is_alone = |place: &String| places.iter().filter(|other| *other == place).count() == 1;
    let told = |(place, found): (&String, &&FoundVm)| {
        let Viewpoint { account, cloud, .. } = &found.viewpoint;
        if is_alone(place) { place.clone() } else { format!("{place}, seen as {account} in the cloud {cloud}") }
    };
    places.iter().zip(found).map(told).collect()
}

/// Which VM is meant by what was typed.
pub fn taken(found: &FoundVm) -> String {
    let favourite = if found.is_favourite { format!(", which is {}", found.opens.name) } else { String::new() };
    format!("That is {}{favourite}.", place(found))
}

/// Where a VM is, and what is out of the ordinary with it.
pub fn detail(vm: &InventoryVm) -> String {
    let rests = vm.power.filter(|power| !matches!(power, PowerState::Running | PowerState::Unknown)).map(super::power);
    let unguarded = vm.jit_ports.as_ref().is_some_and(|ports| ports.is_empty()).then_some("no JIT policy");
    let rests =
        rests.map(|state| if vm.known_since(Lack::Power).is_some() { format!("was {state}") } else { state.into() });
    let unguarded = unguarded.map(str::to_owned);
    let place = [vm.subscription_name(), vm.id.resource().resource_group()];
    place.into_iter().map(str::to_owned).chain(rests).chain(unguarded).collect::<Vec<_>>().join(" · ")
}

/// Over all there is to choose from.
pub fn which_one() -> &'static str {
    "Open which VM?"
}

/// Below it.
pub fn how_to_choose() -> &'static str {
    "Type to find one; Enter opens it, Esc leaves"
}

/// Nobody is there to choose.
pub fn nothing_named() -> &'static str {
    "the name of a favourite or VM is missing"
}

/// What could not be read as an account in a tenant, above the failure's own words.
pub fn gap(Gap { account, tenant, lack, also, .. }: &Gap) -> String {
    let whom = whom(account.as_str());
    let tenant = tenant.as_deref().map(|tenant| format!(" in tenant {tenant}")).unwrap_or_default();
    let also = if *also > 0 { format!(", in the subscription that is told of and {also} more") } else { String::new() };
    let what = match lack {
        None => return format!("Not all VMs are known: they could not be read to the end as {whom}{tenant}."),
        Some(Lack::Power) => "Whether some VMs run",
        Some(Lack::Addresses) => "The addresses of some VMs",
        Some(Lack::PublicAddresses) => "The public addresses of some VMs",
    };
    format!("{what} could not be read as {whom}{tenant}{also}. Where that was known before, it is shown with its age.")
}

/// The most of a query that is told again.
const LONGEST_QUERY: usize = 100;

/// Neither a favourite nor a VM matches.
pub fn no_match(query: &str) -> String {
    format!("No favourite and no VM matches “{}”.", super::shown(query, LONGEST_QUERY))
}

/// While the VMs are being read.
pub fn reading(count: usize) -> String {
    match count {
        0 => "Reading the VMs of your accounts…".to_owned(),
        count => format!("Reading the VMs of your accounts… {count} so far"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;
    use crate::account::Defaults;
    use crate::inventory::{Hit, Openings};
    use crate::settings::Settings;
    use crate::vm::OsType;

    fn seen(viewpoint: &Viewpoint, vm: &InventoryVm) -> FoundVm {
        FoundVm::new(Hit { viewpoint, vm }, &mut Openings::new(&Settings::default(), &[], &Defaults::default()))
    }

    fn found() -> FoundVm {
        let vm = serde_json::json!({
            "id": "/subscriptions/s/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/web-01",
        });
        let viewpoint = Viewpoint { account: "work".parse().unwrap(), cloud: "public".into(), tenant: None };
        let vm: InventoryVm = serde_json::from_value(vm).unwrap();
        seen(&viewpoint, &vm)
    }

    fn now() -> DateTime<Utc> {
        "2026-11-29T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_was_not_read_the_last_time_is_told_with_its_age() {
        let mut found = found();
        found.vm.power = Some(PowerState::Deallocated);
        found.vm.private_addresses = ["10.0.0.4".parse().unwrap()].into();
        found.vm.lacks = [Lack::Power].into();
        found.vm.kept_from = Some(now() - TimeDelta::hours(2));
        assert_eq!(columns(&found, now())[4..6], ["deallocated (2 hours ago)", "10.0.0.4"]);
        assert_eq!(detail(&found.vm), "s · rg-shop · was deallocated");
        found.vm.lacks = [Lack::PublicAddresses].into();
        assert_eq!(columns(&found, now())[4..6], ["deallocated", "10.0.0.4"], "the private one was read");
        found.vm.public_addresses = ["203.0.113.7".parse().unwrap()].into();
        assert_eq!(columns(&found, now())[5], "203.0.113.7 (2 hours ago)");
        found.vm.lacks = [Lack::Addresses].into();
        found.vm.kept_from = None;
        assert_eq!(columns(&found, now())[5], "203.0.113.7");
    }

    #[test]
    fn a_gap_tells_in_how_many_subscriptions_it_is() {
        let gap = |also| Gap {
            account: "work".parse().unwrap(),
            tenant: None,
            lack: Some(Lack::Power),
            trouble: crate::failure::Failure::NoPolicy { power: None }.into(),
            also,
        };
        assert!(!super::gap(&gap(0)).contains("more"));
        assert!(super::gap(&gap(3)).contains("in the subscription that is told of and 3 more. Where"));
    }

    #[test]
    fn vms_that_lie_alike_are_told_apart_by_who_sees_them() {
        let one = found();
        let mut other = found();
        assert_eq!(places(&[&one]), ["web-01 (rg-shop in s)"]);
        other.viewpoint = Viewpoint { account: "lab".parse().unwrap(), cloud: "lab".into(), tenant: None };
        let told = [
            "web-01 (rg-shop in s), seen as work in the cloud public",
            "web-01 (rg-shop in s), seen as lab in the cloud lab",
        ];
        assert_eq!(places(&[&one, &other]), told);
        other.vm.subscription = "Lab".into();
        assert_eq!(places(&[&one, &other]), ["web-01 (rg-shop in s)", "web-01 (rg-shop in Lab)"]);
    }

    #[test]
    fn what_is_not_known_of_a_vm_is_a_dash_and_what_is_is_told() {
        let mut found = found();
        assert_eq!(columns(&found, now()), ["web-01", "rg-shop", "s", "–", "–", "–", "–", "work"]);
        found.vm.subscription = "Production".into();
        found.vm.os = Some(OsType::Windows);
        found.vm.power = Some(PowerState::Running);
        found.vm.private_addresses = ["10.0.0.4".parse().unwrap()].into();
        found.vm.jit_ports = Some([22, 3389].map(|port| GuardedPort { port, seconds: 3600 }).into());
        let told = ["web-01", "rg-shop", "Production", "Windows", "running", "10.0.0.4", "22 (1h), 3389 (1h)", "work"];
        assert_eq!(columns(&found, now()), told);
        found = seen(&found.viewpoint, &found.vm);
        found.vm.public_addresses = ["203.0.113.7".parse().unwrap()].into();
        found.vm.jit_ports = Some([].into());
        assert_eq!(columns(&found, now())[5..7], ["203.0.113.7", "no policy"]);
        assert_eq!(detail(&found.vm), "Production · rg-shop · no JIT policy");
        found.vm.power = Some(PowerState::Deallocated);
        found.vm.jit_ports = None;
        assert_eq!(detail(&found.vm), "Production · rg-shop · deallocated");
        assert_eq!(
            how_to_add(&found),
            "Make one a favourite: ajar add web-01 --vm /subscriptions/s/resourceGroups/rg-shop/providers/\
             Microsoft.Compute/virtualMachines/web-01 --port 3389 --account work"
        );
    }

    #[test]
    fn the_last_line_says_how_many_and_how_old() {
        let at: DateTime<Utc> = "2026-11-29T10:00:00Z".parse().unwrap();
        let zone = Zone::always(FixedOffset::east_opt(0).unwrap(), at);
        let inventory = InventoryView { count: 10_000, read_at: Some(at), ..InventoryView::default() };
        let footer = |shown, total, minutes| footer(shown, total, &inventory, zone, at + TimeDelta::minutes(minutes));
        assert_eq!(footer(1, 1, 0), "1 VM matches, of 10000 that are known; read at 10:00.");
        let aged = "The first 20 of 42 VMs that match, of 10000 that are known; read at 10:00, 5 minutes ago.";
        assert_eq!(footer(20, 42, 5), aged);
    }
}
