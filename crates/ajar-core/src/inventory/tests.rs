use proptest::prelude::*;

use super::*;

fn vm(name: &str, group: &str, subscription: &str) -> InventoryVm {
    let id =
        format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines");
    InventoryVm {
        id: format!("{id}/{name}").parse().unwrap(),
        subscription: Text::default(),
        location: "westeurope".into(),
        os: None,
        power: None,
        private_addresses: Box::default(),
        public_addresses: Box::default(),
        tags: Tags::default(),
        jit_ports: None,
        lacks: Box::default(),
        kept_from: None,
    }
}

fn viewpoint(account: &str, tenant: Option<&str>) -> Viewpoint {
    Viewpoint { account: account.parse().unwrap(), cloud: "public".into(), tenant: tenant.map(Into::into) }
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn of(vms: Vec<InventoryVm>) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.page(&viewpoint("work", None), vms);
    inventory
}

fn names<'i>(found: &Hits<'i>) -> Vec<&'i str> {
    found.vms.iter().map(|found| found.vm.id.name()).collect()
}

fn place(vm: &InventoryVm) -> CloudVm {
    CloudVm { cloud: "public".into(), id: vm.id.clone() }
}

fn used(weight: u32, note: &str) -> Usage {
    Usage { weight, note: note.into() }
}

fn find(inventory: &mut Inventory, query: &str) -> Vec<String> {
    let found = inventory.find(query, 0, usize::MAX, &HashMap::new());
    assert_eq!(found.total, found.vms.len());
    names(&found).into_iter().map(ToOwned::to_owned).collect()
}

#[test]
fn a_vm_is_found_by_whatever_is_known_of_it() {
    let mut web = vm("web-01", "rg-shop", "s1");
    web.subscription = "Production".into();
    web.private_addresses = ["10.20.0.4".parse().unwrap()].into();
    web.public_addresses = ["203.0.113.7".parse().unwrap(), "2001:db8::7".parse().unwrap()].into();
    web.tags = [("owner", "Ada")].into_iter().collect();
    let mut inventory = of(vec![web, vm("db-01", "rg-data", "s2")]);
    for query in [
        "web",
        "WB1",
        "shop",
        "prod",
        "10.20",
        "203.0.113.7",
        "2001:DB8",
        "owner=ada",
        "ada",
        "prod ada 10.20",
        " web ",
    ] {
        assert_eq!(find(&mut inventory, query), ["web-01"], "{query}");
    }
    assert_eq!(find(&mut inventory, ""), ["db-01", "web-01"]);
    assert_eq!(find(&mut inventory, "web data"), [""; 0]);
    assert_eq!(find(&mut inventory, "2.3.7"), [""; 0], "digits of an address are not gathered from all over it");
}

#[test]
fn whoever_has_the_address_that_is_typed_comes_before_whose_is_longer() {
    let with = |name: &str, private: &str, public: &[&str]| {
        let mut vm = vm(name, "g", "s");
        vm.private_addresses = [private.parse().unwrap()].into();
        vm.public_addresses = public.iter().map(|public| public.parse().unwrap()).collect();
        vm
    };
    let mut inventory = of(vec![
        with("a", "10.1.0.71", &[]),
        with("b", "110.1.0.7", &[]),
        with("c", "10.1.0.7", &["203.0.113.9"]),
        with("d", "10.9.9.9", &["10.1.0.7"]),
        with("e", "10.1.0.79", &["2001:db8::7"]),
    ]);
    assert_eq!(find(&mut inventory, "10.1.0.7"), ["c", "d", "a", "b", "e"]);
    assert_eq!(
        find(&mut inventory, "1.0.7"),
        ["b", "c", "d", "a", "e"],
        "an end of one, and not the middle of a number"
    );
    assert_eq!(find(&mut inventory, "10.1"), ["a", "c", "d", "e", "b"]);
    assert_eq!(find(&mut inventory, "g 10.1.0.7")[..2], ["c", "d"]);
    let much = HashMap::from([(place(&vm("a", "g", "s")), used(99, ""))]);
    assert_eq!(names(&inventory.find("10.1.0.7", 0, 1, &much)), ["c"], "however much others are used");
}

#[test]
fn names_come_before_groups_and_what_is_used_before_what_is_not() {
    let mut inventory =
        of(vec![vm("a", "web", "s"), vm("web-02", "g", "s"), vm("web-01", "g", "s"), vm("w-e-b", "g", "s")]);
    assert_eq!(find(&mut inventory, "web"), ["web-01", "web-02", "w-e-b", "a"]);
    let used = HashMap::from([(place(&vm("WEB-02", "G", "s")), used(1, ""))]);
    assert_eq!(names(&inventory.find("web", 0, 2, &used)), ["web-02", "web-01"]);
    let found = inventory.find("", 0, 1, &used);
    assert_eq!((names(&found), found.total), (vec!["web-02"], 4));
}

#[test]
fn some_vms_are_looked_for_apart_from_the_others() {
    let (web, api, db) = (vm("web", "shop", "s"), vm("api", "shop", "s"), vm("db", "data", "s"));
    let mut inventory = of(vec![web.clone(), api.clone(), db.clone()]);
    let used = HashMap::from([(place(&web), used(1, "")), (place(&db), used(1, "of the Shop"))]);
    let others = inventory.find_others("shop", 0, 9, &used, [&place(&web)].into_iter());
    assert_eq!((names(&others), others.total), (vec!["db", "api"], 2), "however much it is used");
    assert_eq!(names(&inventory.find_of("shop", used.iter())), ["db", "web"]);
    assert_eq!(names(&inventory.find_of("data", used.iter())), ["db"]);
}

#[test]
fn a_vm_is_found_by_the_words_that_were_noted_about_it() {
    let (web, db) = (vm("web", "shop", "s"), vm("db", "data", "s"));
    let mut inventory = of(vec![web.clone(), db]);
    let noted = HashMap::from([(place(&web), used(1, "Ask Ada before you reboot it"))]);
    let mut find = |query| inventory.find(query, 0, 9, &noted).total;
    for (query, total) in [("reboot", 1), ("ADA", 1), ("rbt web", 1), ("bit", 0), ("reboot db", 0)] {
        assert_eq!(find(query), total, "{query}");
    }
}

#[test]
fn a_name_is_that_of_one_vm_or_the_beginning_of_some() {
    let mut inventory =
        of(vec![vm("web-1", "g", "s"), vm("WEB-1", "h", "s"), vm("web-10", "g", "s"), vm("a", "web", "s")]);
    let mut named = |name: &str| {
        let found = inventory.named(name, 2);
        (names(&found).into_iter().map(ToOwned::to_owned).collect::<Vec<_>>().join(" "), found.total)
    };
    assert_eq!(named("Web-1"), ("web-1 WEB-1".into(), 2), "what begins so is not meant");
    assert_eq!(named("web-10"), ("web-10".into(), 1));
    assert_eq!(named("we"), ("web-1 WEB-1".into(), 3));
    assert_eq!(named("eb"), (String::new(), 0));
}

#[test]
fn a_vm_that_two_accounts_see_is_there_once() {
    let mut inventory = of(vec![vm("web-01", "g", "s")]);
    inventory.page(&viewpoint("home", Some("t")), vec![vm("WEB-01", "G", "S"), vm("other", "g", "s")]);
    assert_eq!(inventory.count(), 2);
    let found = inventory.find("web", 0, 9, &HashMap::new());
    assert_eq!(found.vms[0].viewpoint.account.as_str(), "work");
    inventory.retain(|viewpoint| viewpoint.tenant.is_some());
    assert_eq!(find(&mut inventory, "web"), ["WEB-01"]);
}

#[test]
fn vms_of_one_id_in_two_clouds_are_two() {
    let mut inventory = of(vec![vm("web-01", "g", "s")]);
    let gov = Viewpoint { cloud: "usgov".into(), ..viewpoint("gov", None) };
    inventory.page(&gov, vec![vm("WEB-01", "g", "s")]);
    assert_eq!(inventory.count(), 2);
    let in_gov = CloudVm { cloud: gov.cloud, ..place(&vm("web-01", "g", "s")) };
    let used = HashMap::from([(in_gov.clone(), used(1, ""))]);
    assert_eq!(names(&inventory.find("web", 0, 9, &used)), ["WEB-01", "web-01"], "one of them is used");
    assert_eq!(names(&inventory.find_others("web", 0, 9, &used, [&in_gov].into_iter())), ["web-01"]);
}

#[test]
fn the_first_read_is_shown_as_it_comes_and_a_later_one_when_it_is_whole() {
    let (mut inventory, work) = (Inventory::default(), viewpoint("work", None));
    inventory.begin(&work);
    inventory.page(&work, vec![vm("one", "g", "s")]);
    assert_eq!(find(&mut inventory, ""), ["one"], "the first page");
    inventory.begin(&work);
    assert_eq!(find(&mut inventory, ""), [""; 0], "what did not come to its end begins anew");
    inventory.page(&work, vec![vm("one", "g", "s")]);
    inventory.end(&work, at(1));

    inventory.begin(&work);
    inventory.page(&work, vec![vm("two", "g", "s")]);
    assert_eq!(find(&mut inventory, ""), ["one"]);
    inventory.begin(&work);
    inventory.page(&work, vec![vm("three", "g", "s")]);
    inventory.end(&work, at(2));
    assert_eq!(find(&mut inventory, ""), ["three"], "of a read that was given up nothing is left");
}

#[test]
fn what_policies_guard_is_known_until_they_are_read_anew() {
    let policy = |vms: &[(&InventoryVm, &[u16])]| {
        let rule = |port: &u16| JitNetworkAccessPortRule {
            number: *port,
            protocol: crate::policy::RuleProtocol::Tcp,
            allowed_source_address_prefixes: Vec::new(),
            max_request_access_duration: Some(TimeDelta::hours(1)),
        };
        let entry = |(vm, ports): &(&InventoryVm, &[u16])| crate::policy::JitNetworkAccessPolicyVirtualMachine {
            id: vm.id.clone(),
            ports: ports.iter().map(rule).collect(),
            public_ip_address: None,
        };
        JitNetworkAccessPolicy {
            id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Security/locations/l/jitNetworkAccessPolicies/default"
                .parse()
                .unwrap(),
            virtual_machines: vms.iter().map(entry).collect(),
            requests: Vec::new(),
        }
    };
    let (work, vms) = (viewpoint("work", None), [vm("a", "g", "s"), vm("b", "g", "s"), vm("c", "g", "other")]);
    let mut inventory = Inventory::default();
    inventory.page(&work, vms.to_vec());
    inventory.end(&work, at(1));
    inventory.guard(&work, "S", &[policy(&[(&vms[0], &[3389, 22])]), policy(&[(&vms[0], &[22])])]);
    let ports = |inventory: &mut Inventory| {
        let found = inventory.find("", 0, 9, &HashMap::new());
        found.vms.into_iter().map(|found| found.vm.jit_ports.clone()).collect::<Vec<_>>()
    };
    let hour = |port| GuardedPort { port, seconds: 3600 };
    assert_eq!(ports(&mut inventory), [Some([hour(22), hour(3389)].into()), Some(Box::default()), None]);
    inventory.begin(&work);
    inventory.page(&work, vms.to_vec());
    inventory.end(&work, at(2));
    assert_eq!(ports(&mut inventory), [Some([hour(22), hour(3389)].into()), Some(Box::default()), None]);
}

#[test]
fn what_is_kept_is_read_back_without_what_was_still_to_come() {
    let (mut inventory, work) = (of(vec![vm("one", "g", "s")]), viewpoint("work", None));
    inventory.end(&work, at(1));
    inventory.begin(&work);
    inventory.page(&work, vec![vm("two", "g", "s")]);
    let kept: Vec<&Part> = inventory.of_account(&work.account).collect();
    let text = serde_json::to_string(&kept).unwrap();
    let mut again = Inventory::default();
    again.take_in(serde_json::from_str(&text).unwrap());
    assert_eq!(find(&mut again, ""), ["one"]);
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9._-]{1,9}"
}

prop_compose! {
    fn any_vm()(name in word(), group in word(), subscription in word(), tag in "\\PC{0,6}", ip in any::<[u8; 4]>()) -> InventoryVm {
        let named = |text: String| if text.chars().all(|c| c == '.') { "x".into() } else { text };
        let mut vm = vm(&named(name), &named(group), "s");
        vm.subscription = subscription.into();
        vm.tags = [("tag", tag)].into_iter().collect();
        vm.private_addresses = [IpAddr::from(ip)].into();
        vm
    }
}

proptest! {
    #[test]
    fn no_query_panics_and_a_longer_one_never_finds_more(
        vms in prop::collection::vec(any_vm(), 0..20), query in "\\PC{0,12}", skip in 0_usize..30, limit in 0_usize..30,
    ) {
        let mut inventory = of(vms);
        let mut before: Option<Vec<String>> = None;
        let ends = query.char_indices().map(|(end, _)| end).chain([query.len()]);
        for end in ends {
            let found = inventory.find(&query[..end], 0, usize::MAX, &HashMap::new());
            let ids: Vec<String> = found.vms.iter().map(|found| found.vm.id.to_string()).collect();
            if let Some(before) = &before {
                prop_assert!(ids.iter().all(|id| before.contains(id)), "{:?}", &query[..end]);
            }
            let limited = inventory.find(&query[..end], skip, limit, &HashMap::new());
            prop_assert_eq!(limited.total, ids.len());
            let some: Vec<String> = limited.vms.iter().map(|found| found.vm.id.to_string()).collect();
            prop_assert_eq!(&some[..], &ids[skip.min(ids.len())..(skip + limit).min(ids.len())]);
            before = Some(ids);
        }
    }

    #[test]
    fn whoever_types_a_whole_name_has_that_vm_first(
        vms in prop::collection::vec(any_vm(), 1..20), which in any::<prop::sample::Index>(),
    ) {
        let name = which.get(&vms).id.name().to_owned();
        let mut inventory = of(vms);
        let found = inventory.find(&name, 0, 1, &HashMap::new());
        prop_assert!(found.vms[0].vm.id.name().eq_ignore_ascii_case(&name));
    }
}

/// Some of nine VMs, each in one of two power states.
fn some_vms() -> impl Strategy<Value = Vec<InventoryVm>> {
    let states = proptest::collection::btree_map(0..9_u8, any::<bool>(), 0..9);
    states.prop_map(|states| {
        let vm = |(number, runs): (u8, bool)| InventoryVm {
            power: Some(if runs { PowerState::Running } else { PowerState::Deallocated }),
            ..vm(&format!("vm-{number}"), "g", "s")
        };
        states.into_iter().map(vm).collect()
    })
}

proptest! {
    #[test]
    fn a_read_that_is_whole_leaves_what_it_has_brought_and_what_is_known_of_it_besides(
        before in some_vms(), after in some_vms(), page in 1..4_usize,
    ) {
        let (mut inventory, work) = (of(before.clone()), viewpoint("work", None));
        inventory.end(&work, at(1));
        inventory.part(&work).vms.iter_mut().for_each(|vm| vm.jit_ports = Some(Box::default()));
        inventory.begin(&work);
        for page in after.chunks(page) {
            inventory.page(&work, page.to_vec());
        }
        inventory.end(&work, at(2));
        let mut left = inventory.part(&work).vms.clone();
        left.sort_by_key(|vm| vm.id.to_string());
        let was_known = |vm: &InventoryVm| before.iter().any(|known| known.id == vm.id);
        let expected: Vec<_> = after
            .iter()
            .map(|vm| InventoryVm { jit_ports: was_known(vm).then(Box::default), ..vm.clone() })
            .collect();
        prop_assert_eq!(left, expected);
    }
}

#[test]
fn the_pages_of_what_fits_are_the_parts_of_the_whole() {
    let mut inventory = of((0..3000).map(|number| vm(&format!("w{:x}", number * 7919 % 3000), "g", "s")).collect());
    for query in ["", "w1", "5"] {
        let whole = find(&mut inventory, query);
        for size in [50, 700] {
            let pages = (0..whole.len()).step_by(size).flat_map(|skip| {
                let page = inventory.find(query, skip, size, &HashMap::new());
                assert_eq!(page.total, whole.len());
                names(&page).into_iter().map(ToOwned::to_owned).collect::<Vec<_>>()
            });
            assert_eq!(pages.collect::<Vec<_>>(), whole, "{query} {size}");
        }
    }
}

#[test]
fn what_a_read_could_not_tell_of_a_vm_stays_as_it_was_known_and_since_when() {
    let (mut inventory, from) = (Inventory::default(), viewpoint("work", None));
    let vm = |name: &str| vm(name, "rg", "s");
    let read = |inventory: &mut Inventory, vms: Vec<InventoryVm>, minute: i64| {
        inventory.begin(&from);
        inventory.page(&from, vms);
        inventory.end(&from, at(minute));
    };
    let lacking = |lacks: &[Lack]| InventoryVm { lacks: lacks.into(), ..vm("web-01") };
    let whole = InventoryVm {
        power: Some(PowerState::Running),
        private_addresses: ["10.0.0.4".parse().unwrap()].into(),
        public_addresses: ["203.0.113.7".parse().unwrap()].into(),
        ..vm("web-01")
    };
    let known = |inventory: &mut Inventory| inventory.find("web", 0, 9, &HashMap::new()).vms[0].vm.clone();
    read(&mut inventory, vec![whole.clone()], 0);
    read(&mut inventory, vec![lacking(&[Lack::Power, Lack::Addresses])], 30);
    let kept = known(&mut inventory);
    assert_eq!((kept.power, &kept.public_addresses), (whole.power, &whole.public_addresses));
    assert_eq!((kept.known_since(Lack::Power), kept.known_since(Lack::PublicAddresses)), (Some(at(0)), None));
    read(&mut inventory, vec![lacking(&[Lack::Power, Lack::Addresses]), vm("new")], 60);
    assert_eq!(known(&mut inventory), kept, "as long ago as before");
    let moved =
        InventoryVm { private_addresses: ["10.0.0.9".parse().unwrap()].into(), ..lacking(&[Lack::PublicAddresses]) };
    read(&mut inventory, vec![moved.clone()], 90);
    let kept = known(&mut inventory);
    assert_eq!((&kept.private_addresses, &kept.public_addresses), (&moved.private_addresses, &whole.public_addresses));
    assert_eq!((kept.power, kept.known_since(Lack::PublicAddresses)), (None, Some(at(0))));
    read(&mut inventory, vec![whole.clone()], 120);
    assert_eq!(known(&mut inventory), whole);
}

#[test]
fn a_vm_is_found_by_its_whole_id_and_by_that_of_its_subscription_or_group() {
    const S1: &str = "0b6a5d2e-8d1f-4f5a-9b1c-2f0a6f0c1d11";
    let mut named = vm("web-01", "rg-shop", S1);
    named.subscription = "Production".into();
    let other = InventoryVm { subscription: "Production".into(), ..vm("web-02", "rg-shop-2", S1) };
    let mut inventory = of(vec![named.clone(), other, vm("web-01", "rg-shop", "s2")]);
    let of_first = named.id.to_string();
    assert_eq!(find(&mut inventory, &of_first.to_uppercase()), ["web-01"]);
    assert_eq!(find(&mut inventory, S1), ["web-01", "web-02"]);
    assert_eq!(find(&mut inventory, &format!("{S1} 02")), ["web-02"]);
    assert_eq!(find(&mut inventory, &format!("/subscriptions/{S1}/")), ["web-01", "web-02"]);
    assert_eq!(find(&mut inventory, &format!("/subscriptions/{S1}/resourceGroups/rg-shop")), ["web-01"]);
    assert!(find(&mut inventory, &S1[..13]).is_empty(), "a part of an id is none");
}
