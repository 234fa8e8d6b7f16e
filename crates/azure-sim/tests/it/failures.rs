//! What goes wrong in Azure by itself: plans, locks, capacity, conflicts, VMs that are gone.

use azure_sim::{Fleet, Options};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Azure, answers, error};

const FLEET: &str = r#"
[[subscriptions]]
id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
name = "one"

[[subscriptions]]
id = "8e2f6d14-77ab-4c1e-b0f2-3cc9d5a7e002"
name = "cheap"
defender = "P1"

[[vms]]
name = "image"
power = "stopped"
generalized = true
ports = [{ number = 22 }]

[[vms]]
name = "locked"
power = "deallocated"
lock = "ReadOnly"
ports = [{ number = 22 }]

[[vms]]
name = "plain"
ports = [{ number = 22, open = true, jit = {} }]

[[vms]]
name = "off"
power = "deallocated"
dynamic_address = true
ports = [{ number = 22 }]

[[vms]]
name = "cheap"
subscription = "cheap"
ports = [{ number = 22, jit = {} }]
"#;

async fn start(speed: f64) -> Azure {
    let fleet: Fleet = FLEET.parse().unwrap();
    Azure::start_with(Options { fleet: Some(fleet), speed, ..Options::default() }).await
}

async fn refused(azure: &Azure, vm: &str, action: &str) -> (u16, String, String) {
    error(azure.post(&format!("{}/{action}", azure.vm(vm).id)).await).await
}

/// Begins an action; gives where its operation is.
async fn begun(azure: &Azure, vm: &str, action: &str) -> String {
    let answer = azure.post(&format!("{}/{action}", azure.vm(vm).id)).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    answer.headers()["azure-asyncoperation"].to_str().unwrap().to_owned()
}

async fn operation(azure: &Azure, url: &str) -> Value {
    azure.http.get(url).bearer_auth(&azure.token).send().await.unwrap().json().await.unwrap()
}

async fn finished(azure: &Azure, url: &str) -> Value {
    loop {
        let operation = operation(azure, url).await;
        if operation["status"] != "InProgress" {
            return operation;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generalized_vm_does_not_start() {
    let azure = start(200.0).await;
    let (status, code, message) = refused(&azure, "image", "start").await;
    assert_eq!((status, code.as_str()), (409, "OperationNotAllowed"));
    assert_eq!(message, "Operation 'start' is not allowed on VM 'image' since the VM is generalized.");
    azure.set("vms", json!({ "id": azure.vm("image").id, "generalized": false })).await;
    begun(&azure, "image", "start").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_vm_stays_as_it_is_until_the_lock_is_gone() {
    let azure = start(200.0).await;
    let (status, code, message) = refused(&azure, "locked", "start").await;
    assert_eq!((status, code.as_str()), (409, "ScopeLocked"));
    assert!(
        message.contains(&format!("The scope '{}' cannot perform write operation", azure.vm("locked").id)),
        "{message}"
    );
    azure.set("vms", json!({ "id": azure.vm("locked").id, "lock": null })).await;
    begun(&azure, "locked", "start").await;
    azure.set("vms", json!({ "id": azure.vm("plain").id, "lock": "CanNotDelete" })).await;
    begun(&azure, "plain", "deallocate").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn capacity_and_quota_are_told_in_the_operation_or_at_once() {
    let azure = start(200.0).await;
    let id = azure.vm("off").id.clone();
    for (failure, code, words) in [
        ("AllocationFailed", "AllocationFailed", "in this region"),
        ("ZonalAllocationFailed", "ZonalAllocationFailed", "in this zone"),
        ("OverconstrainedAllocationRequest", "OverconstrainedAllocationRequest", "VM Size Standard_D2s_v5"),
        ("OverconstrainedZonalAllocationRequest", "OverconstrainedZonalAllocationRequest", "Availability Zone"),
        ("SkuNotAvailable", "SkuNotAvailable", "location 'westeurope'"),
        ("QuotaExceeded", "OperationNotAllowed", "Cores quota"),
    ] {
        azure.set("vms", json!({ "id": id, "startFails": failure })).await;
        azure.set("switches", json!({ "allocationFailed": "async" })).await;
        let operation = finished(&azure, &begun(&azure, "off", "start").await).await;
        assert_eq!((&operation["status"], &operation["error"]["code"]), (&json!("Failed"), &json!(code)));
        assert!(operation["error"]["message"].as_str().unwrap().contains(words), "{operation}");
        assert_eq!(azure.power("off").await, "deallocated");
        azure.set("switches", json!({ "allocationFailed": "sync" })).await;
        let (status, its_code, message) = refused(&azure, "off", "start").await;
        assert_eq!((status, its_code.as_str()), (409, code));
        assert!(message.contains(words), "{message}");
    }
    azure.set("vms", json!({ "id": id, "startFails": null })).await;
    assert_eq!(finished(&azure, &begun(&azure, "off", "start").await).await["status"], "Succeeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_while_deallocating_is_a_conflict_or_goes_before() {
    let azure = start(1.0).await;
    let deallocation = begun(&azure, "plain", "deallocate").await;
    for code in ["OperationNotAllowed", "Conflict", "AnotherOperationInProgress"] {
        azure.set("switches", json!({ "conflictingOperation": code })).await;
        let (status, its_code, message) = refused(&azure, "plain", "start").await;
        assert_eq!((status, its_code.as_str()), (409, code));
        assert!(message.contains("another operation 'deallocate' is in progress"), "{message}");
    }
    azure.set("switches", json!({ "conflictingOperation": "preempt" })).await;
    let again = begun(&azure, "plain", "start").await;
    assert_eq!(operation(&azure, &deallocation).await["error"]["code"], "OperationPreempted");
    azure.set("advance", json!({ "seconds": 60 })).await;
    assert_eq!(operation(&azure, &again).await["status"], "Succeeded");
    assert_eq!(azure.power("plain").await, "running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_power_state_may_be_missing_for_a_moment_while_the_vm_updates() {
    let azure = start(1.0).await;
    azure.set("switches", json!({ "powerStateAfterWrite": "absent" })).await;
    begun(&azure, "off", "start").await;
    let path = format!("{}/instanceView", azure.vm("off").id);
    let codes = |view: &Value| {
        let statuses = view["statuses"].as_array().unwrap();
        statuses.iter().map(|status| status["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&azure.get(&path).await), ["ProvisioningState/updating"]);
    azure.set("advance", json!({ "seconds": 8 })).await;
    assert_eq!(codes(&azure.get(&path).await), ["ProvisioningState/updating", "PowerState/starting"]);
    azure.set("advance", json!({ "seconds": 60 })).await;
    assert_eq!(codes(&azure.get(&path).await), ["ProvisioningState/succeeded", "PowerState/running"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_power_state_may_be_missing_or_unknown_for_good_and_the_vm_starts_all_the_same() {
    let azure = start(1.0).await;
    let id = azure.vm("off").id.clone();
    let codes = async || {
        let view = azure.get(&format!("{id}/instanceView")).await;
        let statuses = view["statuses"].as_array().unwrap().clone();
        statuses.iter().map(|status| status["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    azure.set("vms", json!({ "id": id, "powerState": "absent" })).await;
    assert_eq!(codes().await, ["ProvisioningState/succeeded"]);
    let start = begun(&azure, "off", "start").await;
    azure.set("advance", json!({ "seconds": 90 })).await;
    assert_eq!(operation(&azure, &start).await["status"], "Succeeded");
    assert_eq!(codes().await, ["ProvisioningState/succeeded"]);
    azure.set("vms", json!({ "id": id, "powerState": "unknown" })).await;
    assert_eq!(codes().await, ["ProvisioningState/succeeded", "PowerState/unknown"]);
    azure.set("vms", json!({ "id": id, "powerState": null })).await;
    assert_eq!(codes().await, ["ProvisioningState/succeeded", "PowerState/running"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vm_that_is_deleted_while_it_starts_is_gone_and_its_operation_has_failed() {
    let azure = start(1.0).await;
    let id = azure.vm("off").id.clone();
    let start = begun(&azure, "off", "start").await;
    azure.set("vms", json!({ "id": id, "deleted": true })).await;
    let ended = operation(&azure, &start).await;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("Failed"), &json!("OperationPreempted")));
    let gone = azure.request(Method::GET, &id).send().await.unwrap();
    assert_eq!(error(gone).await.1, "ResourceNotFound");
    let (list, _) = id.rsplit_once('/').unwrap();
    let names: Vec<_> =
        azure.get(list).await["value"].as_array().unwrap().iter().map(|vm| vm["name"].clone()).collect();
    assert!(!names.contains(&json!("off")) && names.contains(&json!("plain")), "{names:?}");
    assert!(answers(azure.dial("plain")));
    azure.set("vms", json!({ "id": azure.vm("plain").id, "deleted": true })).await;
    assert!(!answers(azure.dial("plain")));
    let again = azure.control("vms", json!({ "id": id, "deleted": true })).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_plan_that_has_jit_requests_are_refused_or_not_as_the_switch_says() {
    let azure = start(200.0).await;
    let plan = async |vm: &str| {
        let pricings = format!("/subscriptions/{}/providers/Microsoft.Security/pricings", azure.vm(vm).subscription_id);
        let one = azure.get(&format!("{pricings}/VirtualMachines")).await;
        assert_eq!(azure.get(&pricings).await["value"][0], one);
        one["properties"].clone()
    };
    assert_eq!(
        (&plan("plain").await["pricingTier"], &plan("plain").await["subPlan"]),
        (&json!("Standard"), &json!("P2"))
    );
    assert_eq!(plan("cheap").await["subPlan"], "P1");
    let ask = || azure.initiate("cheap", json!({ "duration": "PT1H" }));
    let (status, code, message) = error(ask().await).await;
    assert_eq!((status, code.as_str()), (400, "BadRequest"));
    assert!(message.contains("Defender for Servers Plan 2"), "{message}");
    azure.set("switches", json!({ "planMissing": "Conflict" })).await;
    assert_eq!(error(ask().await).await.0, 409);
    azure.set("switches", json!({ "planMissing": "accept" })).await;
    assert_eq!(ask().await.status(), StatusCode::ACCEPTED);
    assert_eq!(azure.initiate("plain", json!({ "duration": "PT1H" })).await.status(), StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_policy_there_is_nothing_to_initiate() {
    let azure = start(200.0).await;
    let path = format!("{}/initiate", azure.policy("plain").replace("/default", "/other"));
    let (status, code, _) = error(azure.post(&path).await).await;
    assert_eq!((status, code.as_str()), (404, "ResourceNotFound"));
}
