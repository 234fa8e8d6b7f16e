//! Switches that change what *initiate* answers and what policies show.

use serde_json::{Value, json};

use crate::client::{Azure, error};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_policy_shows_of_its_requests_reaches_back_as_far_as_asked() {
    let mut azure = Azure::start().await;
    azure.initiate("web-01", json!({ "duration": "PT1H" })).await.error_for_status().unwrap();
    for (ahead, seen) in [(0, [1, 1]), (2 * 3_600, [1, 0]), (8 * 86_400, [0, 0])] {
        azure.set("advance", json!({ "seconds": ahead })).await;
        azure.renew_token().await;
        for (history, count) in ["sevenDays", "inForce"].into_iter().zip(seen) {
            azure.set("switches", json!({ "requestHistory": history })).await;
            let policy = azure.get(&azure.policy("web-01")).await;
            let requests = policy["properties"]["requests"].as_array().unwrap();
            let ours = requests.iter().filter(|request| request["virtualMachines"][0]["id"] == azure.vm("web-01").id);
            assert_eq!(ours.count(), count, "{history} after {ahead} s");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_known_of_initiate_is_answered_as_asked() {
    let azure = Azure::start().await;
    for code in ["BadRequest", "InvalidInitiateInput"] {
        azure.set("switches", json!({ "ipv6Code": code })).await;
        let answer = azure.initiate("web-01", json!({ "duration": "PT1H", "allowedSourceAddressPrefix": "::1" })).await;
        assert_eq!(error(answer).await.1, code);
    }
    for (whose, address) in [("proxy", "198.51.100.200"), ("client", "203.0.113.24")] {
        azure.set("switches", json!({ "omittedSource": whose })).await;
        let granted: Value = azure.initiate("web-01", json!({ "duration": "PT1H" })).await.json().await.unwrap();
        assert_eq!(granted["virtualMachines"][0]["ports"][0]["allowedSourceAddressPrefix"], address);
    }
    let id = azure.vm("web-01").id.clone();
    for (casing, spelt) in [("upper", id.to_uppercase()), ("lower", id.to_lowercase())] {
        azure.set("switches", json!({ "policyIdCasing": casing })).await;
        let policy = azure.get(&azure.policy("web-01")).await.to_string();
        assert!(policy.contains(&spelt) && !policy.contains(&id), "{casing}");
    }
}
