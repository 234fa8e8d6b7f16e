//! Policies, requests, and the door that they open.

use std::io::{BufRead, BufReader, Read, Write};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Azure, answers, connect, error};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_are_listed_in_all_four_ways_and_read_one_by_one() {
    let azure = Azure::start().await;
    let id = azure.policy("jump-eu");
    let (subscription, rest) = id.split_once("/resourceGroups/").unwrap();
    let group = rest.split('/').next().unwrap();
    for (scope, location) in [
        (subscription.to_owned(), ""),
        (subscription.to_owned(), "/locations/northeurope"),
        (format!("{subscription}/resourceGroups/{group}"), ""),
        (format!("{subscription}/RESOURCEGROUPS/{group}"), "/locations/NorthEurope"),
    ] {
        let list = azure.get(&format!("{scope}/providers/Microsoft.Security{location}/jitNetworkAccessPolicies")).await;
        let ids: Vec<_> = list["value"].as_array().unwrap().iter().map(|policy| policy["id"].clone()).collect();
        assert!(ids.contains(&json!(id)), "{scope} {location}: {ids:?}");
    }
    let policy = azure.get(&id.to_lowercase()).await;
    let rule = &policy["properties"]["virtualMachines"][0]["ports"][0];
    assert_eq!(rule["maxRequestAccessDuration"], "P1D");
    assert_eq!(rule["allowedSourceAddressPrefixes"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_read_whatever_the_casing_of_its_names_and_after_a_byte_order_mark() {
    let azure = Azure::start().await;
    let id = &azure.vm("web-01").id;
    let body = json!({ "VirtualMachines": [{ "ID": id, "Ports": [{ "Number": 22, "Duration": "PT1H" }] }] });
    let body = format!("\u{feff}{body}");
    let request = azure.request(Method::POST, &format!("{}/initiate", azure.policy("web-01")));
    let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let granted: Value = answer.json().await.unwrap();
    assert_eq!(granted["virtualMachines"][0]["ports"][0]["number"], 22);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn initiate_opens_the_port_and_the_end_closes_it_to_new_connections_only() {
    let azure = Azure::start().await;
    let at = azure.dial("db-replica-3");
    assert!(!answers(at));

    let granted = azure.initiate("db-replica-3", json!({ "duration": "PT1H" })).await;
    assert_eq!(granted.status(), StatusCode::ACCEPTED);
    let granted: Value = granted.json().await.unwrap();
    let port = &granted["virtualMachines"][0]["ports"][0];
    assert_eq!((&port["status"], &port["statusReason"]), (&json!("Initiating"), &json!("UserRequested")));
    assert_eq!(port["allowedSourceAddressPrefix"], "203.0.113.24");
    assert_eq!(granted["startTimeUtc"].as_str().unwrap().len(), "2018-07-12T08:53:03.3658798Z".len());

    let mut established = BufReader::new(connect(at));
    let mut banner = String::new();
    established.read_line(&mut banner).unwrap();
    assert!(banner.starts_with("SSH-2.0-"), "{banner}");

    azure.set("advance", json!({ "seconds": 3590 })).await;
    assert!(answers(at));
    azure.set("advance", json!({ "seconds": 20 })).await;
    assert!(!answers(at));
    // Once we say who we are, the server begins the key exchange: the old connection lives on.
    established.get_mut().write_all(b"SSH-2.0-test\r\n").unwrap();
    let mut more = [0; 16];
    established.read_exact(&mut more).unwrap();

    let state = azure.look("state").await;
    let vm = state["vms"].as_array().unwrap().iter().find(|vm| vm["name"] == "db-replica-3").unwrap();
    assert_eq!(vm["ports"][0]["listening"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_request_replaces_the_older_one() {
    let mut azure = Azure::start().await;
    for _ in 0..2 {
        assert_eq!(azure.initiate("web-01", json!({ "duration": "PT1H" })).await.status(), StatusCode::ACCEPTED);
    }
    let requests = azure.get(&azure.policy("web-01")).await["properties"]["requests"].clone();
    let port = |index: usize| requests[index]["virtualMachines"][0]["ports"][0].clone();
    assert_eq!((&port(0)["status"], &port(0)["statusReason"]), (&json!("Revoked"), &json!("NewerRequestInitiated")));
    assert_ne!(port(1)["status"], "Revoked");

    azure.set("advance", json!({ "seconds": 3601 })).await;
    azure.renew_token().await;
    let requests = azure.get(&azure.policy("web-01")).await["properties"]["requests"].clone();
    assert_eq!(requests[1]["virtualMachines"][0]["ports"][0]["statusReason"], "Expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_policy_does_not_allow_is_refused() {
    let azure = Azure::start().await;
    for (vm, extra, code, part) in [
        ("web-01", json!({ "duration": "PT4H" }), "BadRequest", "not a subset of policy '/subscriptions/"),
        ("web-01", json!({ "duration": "PT1H", "number": 3389 }), "BadRequest", "not a subset of policy"),
        ("jump-eu", json!({ "duration": "PT1H", "allowedSourceAddressPrefix": "*" }), "BadRequest", "not a subset"),
        (
            "web-01",
            json!({ "duration": "PT1H", "allowedSourceAddressPrefix": "2001:db8::7" }),
            "BadRequest",
            "IPv6 format",
        ),
        ("web-01", json!({}), "InvalidInitiateInput", "Only one of fields 'EndTimeUtc' and 'Duration' can be set"),
        (
            "web-01",
            json!({ "duration": "PT1H", "endTimeUtc": "2036-01-01T00:00:00Z" }),
            "InvalidInitiateInput",
            "Only one of",
        ),
        ("web-01", json!({ "endTimeUtc": "2020-01-01T00:00:00Z" }), "InvalidInitiateInput", "in the future"),
        ("web-01", json!({ "duration": "an hour" }), "InvalidInitiateInput", "an hour"),
    ] {
        let (status, its_code, message) = error(azure.initiate(vm, extra.clone()).await).await;
        assert_eq!((status, its_code.as_str()), (400, code), "{extra}: {message}");
        assert!(message.contains(part), "{extra}: {message}");
    }
    let path = format!("{}/initiate", azure.policy("web-01"));
    let broken = |kind: Option<&'static str>| {
        let request = azure.request(Method::POST, &path).body("{");
        kind.into_iter().fold(request, |request, kind| request.header("content-type", kind)).send()
    };
    for (kind, named) in [(Some("text/plain"), "'text/plain'"), (None, "'<null>'")] {
        let (status, code, message) = error(broken(kind).await.unwrap()).await;
        assert_eq!((status, code.as_str()), (415, "UnsupportedMediaType"));
        assert!(message.contains(named), "{message}");
    }
    let (_, code, message) = error(broken(Some("application/json; charset=utf-8")).await.unwrap()).await;
    assert_eq!(code, "InvalidRequestContent");
    assert!(message.contains("Unexpected end when reading JSON. Path '', line 1, position 1."), "{message}");
    assert!(azure.journal("/initiate").await.iter().all(|entry| entry["appliedAt"].is_null()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_the_wrong_shape_is_refused_by_the_place_of_the_mistake() {
    let azure = Azure::start().await;
    let path = format!("{}/initiate", azure.policy("web-01"));
    let with_port = |port: Value| json!({ "virtualMachines": [{ "id": azure.vm("web-01").id, "ports": [port] }] });
    for (body, problem) in [
        (json!([[], null]), "an array is not an object. Path ''"),
        (json!("x"), "\"x\" is not an object. Path ''"),
        (json!({ "virtualMachines": {} }), "an object is not an array. Path 'virtualMachines'"),
        (json!({ "virtualMachines": [null] }), "null is not an object. Path 'virtualMachines[0]'"),
        (json!({ "justification": 1 }), "1 is not a string. Path 'justification'"),
        (with_port(json!({})), "Required property 'number' not found in JSON. Path 'virtualMachines[0].ports[0]'"),
        (
            with_port(json!({ "number": 70_000 })),
            "70000 is not a number from 0 to 65535. Path 'virtualMachines[0].ports[0].number'",
        ),
        (
            with_port(json!({ "number": 22, "allowedSourceAddressPrefixes": [1] })),
            "1 is not a string. Path 'virtualMachines[0].ports[0].allowedSourceAddressPrefixes[0]'",
        ),
    ] {
        let answer = azure.request(Method::POST, &path).json(&body).send().await.unwrap();
        let (status, code, message) = error(answer).await;
        assert_eq!((status, code.as_str()), (400, "InvalidRequestContent"), "{body}: {message}");
        let whole = format!("The request content was invalid and could not be deserialized: '{problem}'.");
        assert_eq!(message, whole, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_forms_of_the_end_are_taken_unless_a_switch_says_otherwise() {
    let azure = Azure::start().await;
    let end = json!({ "endTimeUtc": end_in(&azure, 1).await });
    assert_eq!(azure.initiate("web-01", end.clone()).await.status(), StatusCode::ACCEPTED);
    azure.set("switches", json!({ "initiateBody": "duration" })).await;
    assert_eq!(error(azure.initiate("web-01", end.clone()).await).await.1, "InvalidInitiateInput");
    assert_eq!(azure.initiate("web-01", json!({ "duration": "PT1H" })).await.status(), StatusCode::ACCEPTED);
    azure.set("switches", json!({ "initiateBody": "endTimeUtc", "initiateStatus": "Initiated" })).await;
    assert_eq!(error(azure.initiate("web-01", json!({ "duration": "PT1H" })).await).await.1, "InvalidInitiateInput");
    let granted: Value = azure.initiate("web-01", end).await.json().await.unwrap();
    assert_eq!(granted["virtualMachines"][0]["ports"][0]["status"], "Initiated");
}

/// So many hours from the simulator's now.
async fn end_in(azure: &Azure, hours: i64) -> String {
    let now: chrono::DateTime<chrono::Utc> = azure.look("state").await["now"].as_str().unwrap().parse().unwrap();
    (now + chrono::TimeDelta::hours(hours)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_firewall_the_request_tells_the_mapped_port() {
    let azure = Azure::start().await;
    let policy = azure.get(&azure.policy("fw-backend")).await;
    let firewall = policy["properties"]["virtualMachines"][0]["publicIpAddress"].as_str().unwrap().to_owned();
    let granted: Value = azure.initiate("fw-backend", json!({ "duration": "PT1H" })).await.json().await.unwrap();
    let mapped = granted["virtualMachines"][0]["ports"][0]["mappedPort"].as_u64().unwrap();
    assert_eq!(format!("{firewall}:{mapped}"), azure.dial("fw-backend").to_string());
    connect(azure.dial("fw-backend"));
    let nic = azure
        .get(&format!(
            "{}-nic",
            azure.vm("fw-backend").id.replace("Compute/virtualMachines", "Network/networkInterfaces")
        ))
        .await;
    assert!(nic["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"].is_null());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_another_rule_opens_needs_no_request() {
    let azure = Azure::start().await;
    assert!(answers(azure.dial("gpu-lab")));
    assert!(!answers(azure.dial("legacy-box")));
    assert!(azure.vm("private-only").ports[0].dial.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rule_of_a_request_shows_in_the_network_security_group() {
    let azure = Azure::start().await;
    azure.initiate("db-replica-3", json!({ "duration": "PT1H" })).await;
    connect(azure.dial("db-replica-3"));
    let group =
        azure.vm("db-replica-3").id.replace("Compute/virtualMachines", "Network/networkSecurityGroups") + "-nsg";
    let group = azure.get(&group).await;
    let rules = group["properties"]["securityRules"].as_array().unwrap();
    let names: Vec<_> = rules.iter().map(|rule| rule["name"].as_str().unwrap()).collect();
    assert!(names[0].starts_with("MicrosoftDefenderForCloud-JITRule-"), "{names:?}");
    assert!(names[1].starts_with("MicrosoftDefenderForCloud-JITRule_-"), "{names:?}");
    let properties = &rules[0]["properties"];
    assert_eq!((&properties["access"], &properties["sourceAddressPrefix"]), (&json!("Allow"), &json!("203.0.113.24")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_network_shuts_the_client_out() {
    let azure = Azure::start().await;
    azure.initiate("db-replica-3", json!({ "duration": "PT1H" })).await;
    connect(azure.dial("db-replica-3"));
    azure.set("address", json!({ "publicIp": "198.51.100.9" })).await;
    assert!(!answers(azure.dial("db-replica-3")));
    let told = azure.http.get(&azure.simulator.announce().public_ip_endpoints[1]).send().await.unwrap();
    assert_eq!(told.text().await.unwrap().trim(), "198.51.100.9");
    azure.set("address", json!({ "publicIp": "203.0.113.24" })).await;
    assert!(answers(azure.dial("db-replica-3")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_past_all_dates_is_no_subset_of_the_policy() {
    let azure = Azure::start().await;
    for end in [
        json!({ "duration": "P999999999D" }),
        json!({ "duration": "P100000000D" }),
        json!({ "endTimeUtc": "9999-12-31T23:59:59Z" }),
    ] {
        let (status, _, message) = error(azure.initiate("web-01", end.clone()).await).await;
        assert_eq!(status, 400, "{end}: {message}");
        assert!(message.contains("is not a subset of policy"), "{end}: {message}");
    }
    assert_eq!(azure.initiate("web-01", json!({ "duration": "PT1H" })).await.status(), StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vm_or_port_that_is_asked_for_twice_is_refused() {
    let azure = Azure::start().await;
    let id = azure.vm("db-replica-3").id.clone();
    let port = json!({ "number": 22, "duration": "PT1H" });
    let once = json!({ "id": id, "ports": [port] });
    for vms in
        [json!([once, { "id": id.to_uppercase(), "ports": [port] }]), json!([{ "id": id, "ports": [port, port] }])]
    {
        let path = format!("{}/initiate", azure.policy("db-replica-3"));
        let answer = azure.request(Method::POST, &path).json(&json!({ "virtualMachines": vms })).send().await.unwrap();
        let (status, code, message) = error(answer).await;
        assert_eq!((status, code.as_str()), (400, "InvalidInitiateInput"), "{message}");
        assert!(message.ends_with("is requested more than once."), "{message}");
    }
}
