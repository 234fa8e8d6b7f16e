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

/// The requests of the policy that are about the VM, newest last, each as its one port's status, reason and end.
async fn requests(azure: &Azure, vm: &str) -> Vec<(String, String, String)> {
    let policy = azure.get(&azure.policy(vm)).await;
    let all = policy["properties"]["requests"].as_array().unwrap().iter();
    let ours = all.filter(|request| request["virtualMachines"][0]["id"] == azure.vm(vm).id);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    ours.map(|request| &request["virtualMachines"][0]["ports"][0])
        .map(|port| (text(&port["status"]), text(&port["statusReason"]), text(&port["endTimeUtc"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_has_just_passed_is_refused_or_ends_what_is_open() {
    let azure = Azure::start().await;
    azure.initiate("gpu-lab", json!({ "duration": "PT1H" })).await.error_for_status().unwrap();
    let ended = |seconds: i64| (chrono::Utc::now() - chrono::TimeDelta::seconds(seconds)).to_rfc3339();
    let (status, code, _) = error(azure.initiate("gpu-lab", json!({ "endTimeUtc": ended(60) })).await).await;
    assert_eq!((status, code.as_str()), (400, "InvalidInitiateInput"));
    assert_eq!(requests(&azure, "gpu-lab").await.len(), 1);

    azure.set("switches", json!({ "nearPastEnd": "accept" })).await;
    assert_eq!(azure.initiate("gpu-lab", json!({ "endTimeUtc": ended(400) })).await.status(), 400, "not near");
    assert_eq!(azure.initiate("gpu-lab", json!({ "duration": "PT0S" })).await.status(), 400, "no end at all");
    assert_eq!(azure.initiate("gpu-lab", json!({ "endTimeUtc": ended(60) })).await.status(), 202);
    let seen = requests(&azure, "gpu-lab").await;
    let reasons: Vec<_> = seen.iter().map(|(status, reason, _)| (status.as_str(), reason.as_str())).collect();
    assert_eq!(reasons, [("Revoked", "NewerRequestInitiated"), ("Revoked", "Expired")]);
    let group = azure.vm("gpu-lab").id.replace("Compute/virtualMachines", "Network/networkSecurityGroups") + "-nsg";
    assert!(!azure.get(&group).await.to_string().contains("JITRule-"), "no allow rule is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_maximum_counts_from_the_newest_request_or_from_the_first() {
    let mut azure = Azure::start().await;
    // At most three hours.
    for (limit, again) in [("newestRequest", [202, 202]), ("firstRequest", [202, 400])] {
        azure.set("switches", json!({ "extensionLimit": limit })).await;
        azure.set("advance", json!({ "seconds": 4 * 3_600 })).await;
        azure.renew_token().await;
        assert_eq!(azure.initiate("web-01", json!({ "duration": "PT2H" })).await.status(), 202, "{limit}");
        azure.set("advance", json!({ "seconds": 1_800 })).await;
        for (duration, status) in ["PT2H", "PT3H"].into_iter().zip(again) {
            let answer = azure.initiate("web-01", json!({ "duration": duration })).await;
            assert_eq!(answer.status(), status, "{limit} {duration}");
        }
    }
    // What has ended is not gone on from.
    azure.set("advance", json!({ "seconds": 4 * 3_600 })).await;
    azure.renew_token().await;
    assert_eq!(azure.initiate("web-01", json!({ "duration": "PT3H" })).await.status(), 202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_applications_request_is_by_one_of_its_names_or_ids() {
    let azure = Azure::start().await;
    let app = azure.account("app").clone();
    for (form, wanted) in [
        ("clientId", app.client_id.unwrap().to_string()),
        ("objectId", app.object_id.to_string()),
        ("displayName", "app".to_owned()),
    ] {
        azure.set("switches", json!({ "applicationRequestor": form })).await;
        let granted: Value = azure.initiate("web-01", json!({ "duration": "PT1H" })).await.json().await.unwrap();
        assert_eq!(granted["requestor"], wanted, "{form}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_are_read_as_they_were_for_as_long_as_reads_are_behind() {
    // At Azure's speed: ten seconds are ten seconds.
    let azure = Azure::start_with(azure_sim::Options::default()).await;
    azure.set("rights", json!({ "action": "*", "allowed": true })).await;
    for (lag, seconds) in [("none", 0), ("seconds", 10), ("minute", 60)] {
        azure.set("switches", json!({ "policyLag": lag })).await;
        let before = requests(&azure, "gpu-lab").await.len();
        azure.initiate("gpu-lab", json!({ "duration": "PT1H" })).await.error_for_status().unwrap();
        let behind = usize::from(seconds == 0);
        assert_eq!(requests(&azure, "gpu-lab").await.len(), before + behind, "{lag}");
        azure.set("advance", json!({ "seconds": seconds })).await;
        assert_eq!(requests(&azure, "gpu-lab").await.len(), before + 1, "{lag}, later");
    }

    // What is made is not there yet, and what is removed still is.
    let policy = azure.policy("gpu-lab").replace("/default", "/other");
    let rule = json!({ "number": 22, "protocol": "*", "maxRequestAccessDuration": "PT3H" });
    let body = json!({ "properties": { "virtualMachines": [{ "id": azure.vm("gpu-lab").id, "ports": [rule] }] } });
    let list = policy.rsplit_once('/').unwrap().0.to_owned();
    let listed = async || {
        let all = azure.get(&list).await;
        all["value"].as_array().unwrap().iter().any(|one| one["name"] == "other")
    };
    let put = azure.request(reqwest::Method::PUT, &policy).json(&body).send().await.unwrap();
    assert_eq!((put.status(), listed().await), (reqwest::StatusCode::OK, false));
    azure.set("advance", json!({ "seconds": 60 })).await;
    assert!(listed().await);
    let removed = azure.request(reqwest::Method::DELETE, &policy).send().await.unwrap();
    assert_eq!((removed.status(), listed().await), (reqwest::StatusCode::OK, true));
    assert_eq!(azure.get(&policy).await["name"], "other");
    azure.set("advance", json!({ "seconds": 60 })).await;
    assert!(!listed().await);
}
