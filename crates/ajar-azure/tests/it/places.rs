//! Where things are: ids in any casing, policies in other resource groups, reads and pauses that clicks share.

use std::net::Ipv4Addr;

use ajar_azure::{Initiate, Limits, Wanted};
use ajar_core::failure::Failure;
use ajar_core::resource_id::{ResourceId, VmResourceId};
use chrono::{TimeDelta, Utc};
use serde_json::json;

use crate::azure::{Azure, sign_in};

fn shouted(id: &str) -> String {
    id.to_uppercase()
}

#[tokio::test]
async fn all_is_found_by_ids_in_any_casing() {
    let azure = Azure::start().await;
    let plain = azure.vm("web-01");
    let vm: VmResourceId = shouted(&plain.to_string()).parse().unwrap();
    let facts = azure.client.virtual_machine(&vm).await.unwrap();
    let interfaces: Vec<ResourceId> =
        facts.network_interfaces.iter().map(|id| shouted(id.as_str()).parse().unwrap()).collect();
    let addresses = azure.client.addresses(&interfaces).await.unwrap();
    assert!(addresses.private.is_some() && !interfaces.is_empty(), "{addresses:?}");

    let policies = azure.client.jit_policies(&vm).await.unwrap();
    assert_eq!(policies.len(), 1);
    let policy: ResourceId = shouted(policies[0].id.as_str()).parse().unwrap();
    let ask = Initiate { vm: vm.clone(), ..azure.ask("web-01").await };
    azure.client.initiate(&policy, &ask, &Wanted::new()).await.unwrap();
    let shown = azure.client.jit_policy(&policy).await.unwrap();
    let ours = |request: &&ajar_core::policy::JitNetworkAccessRequest| {
        request.virtual_machines.iter().any(|entry| entry.id == vm && entry.id == plain)
    };
    assert_eq!(shown.requests.iter().filter(ours).count(), 1, "{:?}", shown.requests);
    azure.client.start(&vm, &Wanted::new()).await.unwrap();
}

#[tokio::test]
async fn a_policy_in_another_resource_group_than_its_vm_is_found_and_used() {
    let azure = Azure::start().await;
    let vm = azure.vm("legacy-box");
    assert_eq!(azure.client.jit_policies(&vm).await, Ok(vec![]));
    let subscription = format!("/subscriptions/{}", vm.resource().subscription_id());
    let policy = "providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/shared";
    let id: ResourceId = format!("{subscription}/resourceGroups/rg-build/{policy}").parse().unwrap();
    let rule =
        json!({ "number": 22, "protocol": "*", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT3H" });
    let body =
        json!({ "kind": "Basic", "properties": { "virtualMachines": [{ "id": vm.to_string(), "ports": [rule] }] } });
    azure.control("rights", json!({ "action": "*", "allowed": true })).await;
    azure.put(id.as_str(), "2020-01-01", &body).await;

    let found = azure.client.jit_policies(&vm).await.unwrap();
    assert_eq!(found.iter().map(|policy| &policy.id).collect::<Vec<_>>(), [&id]);
    let ask = Initiate {
        vm: vm.clone(),
        port: 22,
        source: Ipv4Addr::new(203, 0, 113, 24).into(),
        end_time_utc: Utc::now() + TimeDelta::hours(1),
        duration: TimeDelta::hours(1),
        justification: None,
    };
    azure.client.initiate(&found[0].id, &ask, &Wanted::new()).await.unwrap();
    assert_eq!(azure.client.jit_policies(&vm).await.unwrap()[0].requests.len(), 1);
}

#[tokio::test]
async fn clicks_at_once_share_their_reads() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01");
    azure.client.virtual_machine(&vm).await.unwrap();
    let slow = json!({ "match": { "method": "GET" }, "fault": "slow", "seconds": 1, "times": null });
    azure.control("faults", slow).await;
    let clicks =
        (0..8).map(|_| async { (azure.client.jit_policies(&vm).await, azure.client.virtual_machine(&vm).await) });
    for (policies, facts) in futures::future::join_all(clicks).await {
        assert!(policies.is_ok() && facts.is_ok());
    }
    assert_eq!(azure.journal_of("/jitNetworkAccessPolicies").await.len(), 1);
    assert_eq!(azure.journal_of("/virtualMachines/web-01").await.len(), 2, "one before, one for all");
}

#[tokio::test]
async fn a_429_holds_back_its_subscription_and_no_other_and_tells_until_when() {
    let azure = Azure::start().await;
    let here = azure.vm("web-01");
    let elsewhere = azure.vm("finance-app");
    assert_ne!(here.resource().subscription_id(), elsewhere.resource().subscription_id());
    let path = format!("/subscriptions/{}/", here.resource().subscription_id());
    for (form, wait) in [("seconds", 3_600), ("date", 7_200), ("retry-after-ms", 3_600), ("x-ms-retry-after-ms", 7_200)]
    {
        // A pause is one client's knowledge.
        let signed_in =
            sign_in(&azure.simulator, None).credential(&azure.cloud, azure.http.clone()).unwrap().in_tenant(None);
        let client = ajar_azure::ArmClient::new(&azure.cloud, signed_in, azure.http.clone()).unwrap();
        let throttle = json!({ "match": { "path": path }, "fault": "throttle", "retryAfter": wait, "retryForm": form });
        azure.control("faults", throttle).await;
        let before = azure.journal_of(&path).await.len();
        for _ in 0..3 {
            for failure in [
                client.virtual_machine(&here).await.unwrap_err().failure,
                client.jit_policies(&here).await.unwrap_err().failure,
                client.start(&here, &Wanted::new()).await.unwrap_err().failure,
            ] {
                let Failure::Throttled { retry_at } = failure else { panic!("{form}: {failure:?}") };
                let off = (retry_at - Utc::now()).num_seconds() - wait;
                assert!((-30..=2).contains(&off), "{form}: off by {off} s");
            }
        }
        assert_eq!(azure.journal_of(&path).await.len(), before + 1, "{form}: one call, and then no other");
        assert!(client.virtual_machine(&elsewhere).await.is_ok(), "{form}");
    }
}

const ELSEWHERE: &str = r#"
[[subscriptions]]
id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
name = "Home"

[[vms]]
name = "scattered"
resource_group = "rg-app"
policy_group = "rg-security"
network = { interface_group = "rg-network", public_ip_group = "rg-addresses" }
ports = [{ number = 22, jit = {} }]

# Called the same, and nothing of it is the other one's.
[[vms]]
name = "scattered"
resource_group = "rg-other"
ports = [{ number = 22, jit = {} }]
"#;

#[tokio::test]
async fn interface_address_and_policy_in_three_other_resource_groups_are_found_and_used() {
    let azure = Azure::start_with(Limits::default(), Some(ELSEWHERE.parse().unwrap())).await;
    let vm = azure.vm("scattered");
    assert_eq!(vm.resource().resource_group(), "rg-app");
    let facts = azure.client.virtual_machine(&vm).await.unwrap();
    let groups = |ids: &[ResourceId]| ids.iter().map(|id| id.resource_group().to_owned()).collect::<Vec<_>>();
    assert_eq!(groups(&facts.network_interfaces), ["rg-network"]);
    let addresses = azure.client.addresses(&facts.network_interfaces).await.unwrap();
    let announced = azure.simulator.announce().vms.iter().find(|known| known.id == vm.to_string()).unwrap();
    assert_eq!(addresses.public.map(|public| public.ip.to_string()), announced.public_ip);
    assert_eq!(azure.journal_of("/resourceGroups/rg-addresses/").await.len(), 1);

    let policy = azure.policy(&vm).await;
    assert_eq!(policy.id.resource_group(), "rg-security");
    assert_eq!(policy.virtual_machines.iter().map(|entry| &entry.id).collect::<Vec<_>>(), [&vm]);
    let ask = Initiate { vm: vm.clone(), ..azure.ask("scattered").await };
    azure.client.initiate(&policy.id, &ask, &Wanted::new()).await.unwrap();
    assert_eq!(azure.policy(&vm).await.requests.len(), 1);
}

#[tokio::test]
async fn who_may_not_list_a_subscriptions_policies_finds_those_beside_the_vm_and_is_told_of_others() {
    let azure = Azure::start_with(Limits::default(), Some(ELSEWHERE.parse().unwrap())).await;
    let [app, other] = ["rg-app", "rg-other"].map(|group| {
        let vms = &azure.simulator.announce().vms;
        vms.iter().find(|vm| vm.resource_group == group).unwrap().id.parse::<VmResourceId>().unwrap()
    });
    let subscription = format!("/subscriptions/{}", app.resource().subscription_id());
    let read = |scope: &str, allowed: bool| json!({ "action": "Microsoft.Security/*/jitNetworkAccessPolicies/read", "scope": scope, "allowed": allowed });
    azure.control("rights", read(&subscription, false)).await;
    for vm in [&app, &other] {
        azure.control("rights", read(&vm.resource().resource_group_scope(), true)).await;
    }
    assert_eq!(azure.client.jit_policies(&other).await.unwrap()[0].id.resource_group(), "rg-other");
    let failure = azure.client.jit_policies(&app).await.unwrap_err().failure;
    assert!(matches!(failure, Failure::PolicyUnseen { .. }), "{failure:?}");
}
