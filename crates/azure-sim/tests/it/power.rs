//! Starting and deallocating.

use std::io::Read;
use std::time::Instant;

use azure_sim::Options;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::client::{Azure, answers, connect, error};

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Polls the operation as official clients do, and gives its last state.
async fn finished(azure: &Azure, url: &str) -> Value {
    let started = Instant::now();
    loop {
        let answer = azure.http.get(url).bearer_auth(&azure.token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let operation: Value = answer.json().await.unwrap();
        if operation["status"] != "InProgress" {
            return operation;
        }
        assert!(started.elapsed().as_secs() < 20, "{operation}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_is_a_long_running_operation_that_ends_with_the_vm_running() {
    let azure = Azure::start().await;
    assert_eq!(azure.power("web-01").await, "deallocated");
    let answer = azure.post(&format!("{}/start", azure.vm("web-01").id)).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert!(header(&answer, "retry-after").is_empty());
    assert_eq!(header(&answer, "retry-after-ms"), "50");
    let location = header(&answer, "location");
    let operation = finished(&azure, &header(&answer, "azure-asyncoperation")).await;
    assert_eq!(operation["status"], "Succeeded");
    assert!(operation["startTime"].is_string() && operation["endTime"].is_string());
    let result = azure.http.get(location).bearer_auth(&azure.token).send().await.unwrap();
    assert_eq!((result.status(), result.text().await.unwrap().as_str()), (StatusCode::OK, ""));
    assert_eq!(azure.power("web-01").await, "running");
    // Under JIT and without a request: running is not open.
    assert!(!answers(azure.dial("web-01")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_and_a_start_side_by_side_open_the_port_when_both_are_done() {
    let azure = Azure::start().await;
    let path = format!("{}/start", azure.vm("web-01").id);
    let (started, granted) = tokio::join!(azure.post(&path), azure.initiate("web-01", json!({ "duration": "PT1H" })));
    assert_eq!((started.status(), granted.status()), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    connect(azure.dial("web-01"));
    assert_eq!(azure.power("web-01").await, "running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deallocated_vm_loses_its_connections() {
    let azure = Azure::start().await;
    let mut connection = connect(azure.dial("gpu-lab"));
    let mut byte = [0];
    connection.read_exact(&mut byte).unwrap();
    azure.post(&format!("{}/deallocate", azure.vm("gpu-lab").id)).await;
    let mut rest = Vec::new();
    // Ended or reset: either way nothing comes any more.
    let _reset = connection.read_to_end(&mut rest);
    azure.until_power("gpu-lab", "deallocated").await;
    assert!(!answers(azure.dial("gpu-lab")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dynamic_address_is_another_one_after_each_start() {
    let azure = Azure::start().await;
    let vm = azure.vm("dyn-ip-01").id.clone();
    let resource = vm.replace("Compute/virtualMachines", "Network/publicIPAddresses") + "-ip";
    assert!(azure.get(&resource).await["properties"]["ipAddress"].is_null());
    let mut seen = Vec::new();
    for _ in 0..2 {
        azure.post(&format!("{vm}/start")).await;
        azure.until_power("dyn-ip-01", "running").await;
        seen.push(azure.get(&resource).await["properties"]["ipAddress"].as_str().unwrap().to_owned());
        azure.post(&format!("{vm}/deallocate")).await;
        azure.until_power("dyn-ip-01", "deallocated").await;
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_capacity_the_operation_fails() {
    let azure = Azure::start().await;
    let path = format!("{}/start", azure.vm("capacity-01").id);
    let answer = azure.post(&path).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let operation = finished(&azure, &header(&answer, "azure-asyncoperation")).await;
    assert_eq!((&operation["status"], &operation["error"]["code"]), (&json!("Failed"), &json!("AllocationFailed")));

    let vm = azure.get(&format!("{}?$expand=instanceView", azure.vm("capacity-01").id)).await;
    assert_eq!(vm["properties"]["provisioningState"], "Failed");
    let statuses = vm["properties"]["instanceView"]["statuses"].as_array().unwrap();
    let codes: Vec<_> = statuses.iter().map(|status| status["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["ProvisioningState/failed/AllocationFailed", "PowerState/deallocated"]);
    assert_eq!((&statuses[0]["level"], &statuses[0]["message"]), (&json!("Error"), &operation["error"]["message"]));
    // An operation that has nothing to do makes it good again.
    azure.post(&format!("{}/deallocate", azure.vm("capacity-01").id)).await;
    assert_eq!(azure.get(&azure.vm("capacity-01").id).await["properties"]["provisioningState"], "Succeeded");

    azure.set("switches", json!({ "allocationFailed": "sync" })).await;
    let (status, code, _) = error(azure.post(&path).await).await;
    assert_eq!((status, code.as_str()), (409, "AllocationFailed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_azures_speed_pollers_are_told_whole_seconds() {
    let azure = Azure::start_with(Options::default()).await;
    let answer = azure.post(&format!("{}/start", azure.vm("web-01").id)).await;
    assert!(header(&answer, "retry-after").parse::<u32>().unwrap() >= 1);
    assert!(header(&answer, "retry-after-ms").is_empty());
    assert_eq!(azure.power("web-01").await, "starting");
    let (status, code, _) = error(azure.post(&format!("{}/deallocate", azure.vm("web-01").id)).await).await;
    assert_eq!((status, code.as_str()), (409, "OperationNotAllowed"));
    // Nobody has to wait as long as Azure takes.
    azure.set("advance", json!({ "seconds": 60 })).await;
    assert_eq!(azure.power("web-01").await, "running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vm_has_an_id_of_its_own_and_an_etag_that_changes_with_it() {
    let azure = Azure::start().await;
    let vm = azure.vm("gpu-lab").id.clone();
    let before = azure.get(&vm).await;
    azure.post(&format!("{vm}/restart")).await;
    azure.until_power("gpu-lab", "running").await;
    let after = azure.get(&vm).await;
    assert_ne!(before["etag"], after["etag"]);
    assert_eq!(before["properties"]["vmId"], after["properties"]["vmId"]);
    let listed = azure
        .get(&format!("{}/providers/Microsoft.Compute/virtualMachines", vm.split("/resourceGroups/").next().unwrap()))
        .await;
    let mut ids: Vec<_> = listed["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vm| vm["properties"]["vmId"].as_str().unwrap().to_owned())
        .collect();
    let announce = azure.simulator.announce();
    ids.extend([announce.tenant_id.to_string(), announce.client_id.to_string()]);
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "all differ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_to_hibernate_a_vm_that_can_not_is_refused() {
    let azure = Azure::start().await;
    let path = format!("{}/deallocate?hibernate=true", azure.vm("gpu-lab").id);
    let (status, code, message) = error(azure.post(&path).await).await;
    assert_eq!((status, code.as_str()), (409, "OperationNotAllowed"), "{message}");
    assert_eq!(azure.power("gpu-lab").await, "running");
}
