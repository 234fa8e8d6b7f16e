//! All VMs that an account can see, against the simulator.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use ajar_azure::{ArmClient, Limits};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::inventory::{InventoryVm, Lack, Lacking};
use ajar_core::vm::{OsType, PowerState};
use serde_json::json;

use crate::azure::Azure;
use crate::people::{AJAR, Drawer, azure as with_three_tenants};

async fn read(client: &ArmClient) -> (Vec<InventoryVm>, Result<Vec<Lacking>, Trouble>) {
    let told = Mutex::new(Vec::new());
    let end = client.inventory(&|vms| told.lock().unwrap().extend(vms)).await;
    (told.into_inner().unwrap(), end)
}

async fn queries(azure: &Azure) -> usize {
    azure.journal_of("/providers/Microsoft.ResourceGraph/resources").await.len()
}

#[tokio::test]
async fn every_vm_of_the_fleet_is_seen_with_its_addresses() {
    let azure = Azure::start().await;
    let (vms, end) = read(&azure.client).await;
    assert_eq!(end, Ok(Vec::new()));
    let announced = &azure.simulator.announce().vms;
    let (seen, there): (BTreeSet<_>, BTreeSet<_>) =
        (vms.iter().map(|vm| vm.id.name()).collect(), announced.iter().map(|vm| vm.name.as_str()).collect());
    assert_eq!((seen, vms.len()), (there, announced.len()));
    let web = vms.iter().find(|vm| vm.id.name() == "build-win-02").unwrap();
    let announced = announced.iter().find(|vm| vm.name == "build-win-02").unwrap();
    assert_eq!(web.id, announced.id.parse().unwrap());
    assert_eq!((web.os, web.power, &*web.location), (Some(OsType::Windows), Some(PowerState::Running), "westeurope"));
    assert_eq!(web.public_addresses.iter().map(ToString::to_string).next(), announced.public_ip);
    assert_eq!(web.private_addresses.len(), 1);
    assert!(!web.tags.is_empty() && !web.subscription.is_empty() && !web.subscription.contains("-4"), "{web:?}");
    let private = vms.iter().find(|vm| vm.id.name() == "private-only").unwrap();
    assert_eq!((private.public_addresses.len(), private.private_addresses.len()), (0, 1));
}

#[tokio::test]
async fn a_tenant_takes_a_query_for_each_thousand_of_its_vms() {
    let fleet = "generate = { vms = 2500, subscriptions = 20, tenants = 1 }";
    let azure = Azure::start_with(Limits::default(), Some(fleet.parse().unwrap())).await;
    let pages = Mutex::new(Vec::new());
    azure.client.inventory(&|vms| pages.lock().unwrap().push(vms.len())).await.unwrap();
    assert_eq!(pages.into_inner().unwrap(), [1000, 1000, 500]);
    assert_eq!(queries(&azure).await, 3);
}

#[tokio::test]
async fn more_queries_than_a_user_may_ask_wait_for_the_quota_and_all_are_answered() {
    let azure = Azure::start().await;
    azure.control("switches", json!({ "resourceGraphQuota": "15" })).await;
    let reads = (0..18).map(|_| azure.client.inventory(&drop));
    for end in futures::future::join_all(reads).await {
        assert_eq!(end, Ok(Vec::new()));
    }
}

#[tokio::test]
async fn who_is_denied_resource_graph_sees_the_same_vms_by_lists() {
    let azure = Azure::start().await;
    let (mut by_query, _) = read(&azure.client).await;
    azure.control("faults", json!({ "match": { "route": "Resources" }, "fault": "forbidden", "times": null })).await;
    azure.control("switches", json!({ "pageSize": "2" })).await;
    let (mut by_lists, end) = read(&azure.client).await;
    assert_eq!(end, Ok(Vec::new()));
    for vms in [&mut by_query, &mut by_lists] {
        vms.sort_by(|one, other| one.id.cmp(&other.id));
    }
    assert!(by_lists.iter().any(|vm| !vm.public_addresses.is_empty()));
    assert_eq!(by_query, by_lists, "with their addresses and power states");
}

#[tokio::test]
async fn what_lists_may_not_tell_is_lacking_and_has_its_reason() {
    let azure = Azure::start().await;
    azure.control("faults", json!({ "match": { "route": "Resources" }, "fault": "forbidden", "times": null })).await;
    let of_public = json!({ "match": { "route": "PublicIPAddresses_ListAll" }, "fault": "forbidden", "times": null });
    azure.control("faults", of_public).await;
    let (vms, end) = read(&azure.client).await;
    let lacking: Vec<Lacking> = end.unwrap();
    assert_eq!(lacking.iter().map(|one| one.lack).collect::<Vec<_>>(), [Lack::PublicAddresses]);
    assert!(lacking[0].trouble.failure.is_forbidden() && lacking[0].also == 1, "{lacking:?}");
    let named = |name: &str| vms.iter().find(|vm| vm.id.name() == name).unwrap();
    let web = named("build-win-02");
    assert_eq!((&*web.lacks, web.power), (&[Lack::PublicAddresses][..], Some(PowerState::Running)));
    assert!(web.public_addresses.is_empty() && web.private_addresses.len() == 1);
    assert!(named("private-only").lacks.is_empty(), "it has none that could be lacking");

    let of_all = json!({ "match": { "route": "NetworkInterfaces_ListAll" }, "fault": "forbidden", "times": null });
    azure.control("faults", of_all).await;
    let (vms, end) = read(&azure.client).await;
    assert_eq!(end.unwrap().iter().map(|one| one.lack).collect::<Vec<_>>(), [Lack::Addresses]);
    assert!(vms.iter().all(|vm| *vm.lacks == [Lack::Addresses] && vm.private_addresses.is_empty()));
}

#[tokio::test]
async fn each_tenant_of_a_guest_shows_its_own_vms_and_one_that_refuses_says_why() {
    let azure = with_three_tenants().await;
    let (account, _) = azure.ada(&Arc::new(Drawer::default())).await;
    let tenants = azure.client_of(&account, None).tenants().await.unwrap();
    assert_eq!(tenants.len(), 3);
    let mut seen = BTreeSet::new();
    for tenant in &tenants {
        let (vms, end) = read(&azure.client_of(&account, Some(tenant))).await;
        assert_eq!((vms.len(), end), (1, Ok(Vec::new())));
        seen.extend(vms.iter().map(|vm| vm.id.name().to_owned()));
    }
    assert_eq!(seen, ["desk", "home", "lab"].map(ToOwned::to_owned).into());
    let nowhere = azure.client_of(&account, Some("7f0e3c11-0000-4000-8000-000000000000"));
    let failure = nowhere.inventory(&drop).await.unwrap_err().failure;
    assert!(!matches!(failure, Failure::Internal { .. } | Failure::AzureError { .. }), "{failure:?}");
}

/// A person who is a guest in all tenants of a large fleet.
fn large_fleet() -> String {
    let guest_in: Vec<String> = (2..=12).map(|number| format!("Contoso {number:02}")).collect();
    format!(
        "generate = {{ vms = 10000, subscriptions = 200, tenants = 12 }}\n\
         [[accounts]]\nname = \"ada\"\nguest_in = {guest_in:?}\n\
         [[applications]]\nclient_id = \"{AJAR}\"\nname = \"Ajar\"\nredirect_uris = [\"http://localhost\"]\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_vms_in_twelve_tenants_take_twelve_queries_and_are_all_seen() {
    let azure = Azure::start_with(Limits::default(), Some(large_fleet().parse().unwrap())).await;
    let (account, _) = azure.ada(&Arc::new(Drawer::default())).await;
    let tenants = azure.client_of(&account, None).tenants().await.unwrap();
    assert_eq!(tenants.len(), 12);
    let clients: Vec<ArmClient> = tenants.iter().map(|tenant| azure.client_of(&account, Some(tenant))).collect();
    let (mut seen, mut pages) = (BTreeSet::new(), 0);
    for (vms, end) in futures::future::join_all(clients.iter().map(read)).await {
        assert_eq!(end, Ok(Vec::new()));
        pages += vms.len().div_ceil(1000);
        seen.extend(vms.into_iter().map(|vm| vm.id));
    }
    assert_eq!(seen.len(), 10_000);
    assert_eq!(queries(&azure).await, pages);
}
