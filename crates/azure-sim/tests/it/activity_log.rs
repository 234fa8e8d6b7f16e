//! The Activity Log: who has changed what, or tried to.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Azure, error};

/// Entries that a filter lets through, the newest first.
async fn log(azure: &Azure, filter: &str) -> Vec<Value> {
    let answer = asked(azure, filter).await;
    assert_eq!(answer.status(), StatusCode::OK, "{filter}");
    let mut page: Value = answer.json().await.unwrap();
    page["value"].take().as_array().unwrap().clone()
}

async fn asked(azure: &Azure, filter: &str) -> reqwest::Response {
    let subscription = &azure.vm("web-01").subscription_id;
    let path = format!("/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values");
    azure.request(Method::GET, &path).query(&[("$filter", filter)]).send().await.unwrap()
}

/// Each as its status and what the portal calls the operation.
fn told(events: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    events
        .iter()
        .map(|event| format!("{} {}", text(&event["status"]["value"]), text(&event["operationName"]["localizedValue"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_a_vm_and_requests_for_access_to_it_are_in_its_log_with_who_made_them() {
    let azure = Azure::start().await;
    azure.set("rights", json!({ "action": "*", "allowed": true })).await;
    let vm = azure.vm("web-01").id.clone();
    let of_vm = format!("eventTimestamp ge '2020-01-01T00:00:00Z' and resourceUri eq '{vm}'");
    assert_eq!(told(&log(&azure, &of_vm).await), Vec::<String>::new());

    assert_eq!(azure.initiate("web-01", json!({ "duration": "PT1H" })).await.status(), StatusCode::ACCEPTED);
    assert_eq!(azure.post(&format!("{vm}/start")).await.status(), StatusCode::ACCEPTED);
    azure.until_power("web-01", "running").await;
    let in_capitals = of_vm.replace(&vm, &vm.to_uppercase());
    let events = log(&azure, &in_capitals).await;
    assert_eq!(
        told(&events),
        [
            "Succeeded Start Virtual Machine",
            "Accepted Start Virtual Machine",
            "Started Start Virtual Machine",
            "Accepted Initiate JIT Network Access Policy",
            "Started Initiate JIT Network Access Policy",
        ]
    );
    let announce = azure.simulator.announce();
    for event in &events {
        assert_eq!(event["caller"], announce.client_id.to_string(), "{event}");
        assert!(event["httpRequest"]["clientIpAddress"].is_string() && event["resourceId"].is_string(), "{event}");
    }
    assert_eq!(events[0]["correlationId"], events[2]["correlationId"]);
    assert_ne!(events[0]["eventDataId"], events[1]["eventDataId"]);

    let of_provider = "eventTimestamp ge '2020-01-01T00:00:00Z' and resourceProvider eq 'Microsoft.Security'";
    assert_eq!(log(&azure, of_provider).await.len(), 4, "at the policy and at the VM");
    let early = format!(
        "eventTimestamp ge '2020-01-01T00:00:00Z' and eventTimestamp le '2020-01-02T00:00:00Z' and resourceUri eq '{vm}'"
    );
    assert!(log(&azure, &early).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_is_in_the_log_and_other_filters_and_readers_without_the_right_are_refused() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01").id.clone();
    let read = "Microsoft.Insights/eventtypes/values/read";
    let start = "Microsoft.Compute/virtualMachines/start/action";
    azure
        .set("rights", json!([{ "action": read, "allowed": true }, { "action": start, "scope": vm, "allowed": false }]))
        .await;
    assert_eq!(azure.post(&format!("{vm}/start")).await.status(), StatusCode::FORBIDDEN);
    let of_vm = format!("eventTimestamp ge '2020-01-01T00:00:00Z' and resourceUri eq '{vm}'");
    let events = log(&azure, &of_vm).await;
    assert_eq!(told(&events), ["Failed Start Virtual Machine", "Started Start Virtual Machine"]);
    assert_eq!(events[0]["subStatus"]["value"], "Forbidden");

    for filter in [
        "",
        "resourceUri eq 'x'",
        "eventTimestamp ge 'yesterday'",
        "eventTimestamp ge '2020-01-01T00:00:00Z' and caller eq 'ada'",
        "eventTimestamp ge '2020-01-01T00:00:00Z' and resourceUri eq 'x' and resourceGroupName eq 'y'",
    ] {
        assert_eq!(asked(&azure, filter).await.status(), StatusCode::BAD_REQUEST, "{filter}");
    }
    azure.set("rights", json!({ "action": read, "allowed": false })).await;
    let (status, code, message) = error(asked(&azure, &of_vm).await).await;
    assert_eq!((status, code.as_str()), (403, "AuthorizationFailed"));
    assert!(message.contains(&format!("'{read}' over scope '{vm}'")), "{message}");
}
