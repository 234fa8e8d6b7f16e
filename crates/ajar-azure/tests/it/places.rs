//! Where things are: ids in any casing, policies in other resource groups, reads and pauses that clicks share.

use std::net::Ipv4Addr;

use ajar_azure::{Initiate, Wanted};
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
        source: Ipv4Addr::new(203, 0, 113, 24),
        end_time_utc: Utc::now() + TimeDelta::hours(1),
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
