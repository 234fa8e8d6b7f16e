//! Faults, switches, journal and clock.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::Azure;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_has_every_request_in_order_and_none_of_the_control() {
    let azure = Azure::start().await;
    azure.http.delete(format!("{}/journal", azure.simulator.announce().control)).send().await.unwrap();
    azure.get("/subscriptions").await;
    azure.http.get(&azure.simulator.announce().public_ip_endpoints[0]).send().await.unwrap();
    azure.initiate("web-01", json!({ "duration": "PT1H" })).await;
    let journal = azure.look("journal").await;
    let entries = journal.as_array().unwrap();
    let paths: Vec<_> = entries.iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
    assert_eq!(paths[..2], ["/subscriptions", "/_ip/1"]);
    assert!(entries.windows(2).all(|pair| pair[0]["seq"].as_u64() < pair[1]["seq"].as_u64()));
    assert_eq!(entries[0]["query"], "api-version=2020-01-01");
    let later = azure.look(&format!("journal?after={}&path=*/INITIATE", entries[0]["seq"])).await;
    assert_eq!(later.as_array().unwrap()[..], entries[2..]);
    assert_eq!((&entries[2]["status"], entries[2]["appliedAt"].is_string()), (&json!(202), true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_strike_what_they_match_and_no_more() {
    let azure = Azure::start().await;
    for (name, status) in [
        ("throttle", 429),
        ("unavailable", 503),
        ("internal", 500),
        ("forbidden", 403),
        ("unauthorized", 401),
        ("notFound", 404),
        ("conflict", 409),
    ] {
        azure
            .set("faults", json!({ "match": { "method": "GET", "path": "/SUBSCRIPTIONS" }, "fault": name, "times": 1 }))
            .await;
        let struck = azure.request(Method::GET, "/subscriptions").send().await.unwrap();
        assert_eq!(struck.status().as_u16(), status, "{name}");
        assert_eq!(struck.headers().contains_key("retry-after"), name == "throttle");
        azure.get("/subscriptions").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_connection_tells_nothing_of_what_happened() {
    let azure = Azure::start().await;
    let path = format!("{}/start", azure.vm("web-01").id);
    azure.set("faults", json!({ "match": { "path": "*/start" }, "fault": "reset" })).await;
    assert!(azure.request(Method::POST, &path).send().await.is_err());
    assert_eq!(azure.power("web-01").await, "deallocated");

    azure.set("faults", json!({ "match": { "path": "*/start" }, "fault": "resetAfter" })).await;
    assert!(azure.request(Method::POST, &path).send().await.is_err());
    azure.until_power("web-01", "running").await;
    let entries = azure.journal("/start").await;
    let applied: Vec<_> = entries.iter().map(|entry| entry["appliedAt"].is_string()).collect();
    assert_eq!(applied, [false, true]);
    assert!(entries.iter().all(|entry| entry["status"].is_null()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_can_be_cut_off_delayed_or_another_networks() {
    let azure = Azure::start().await;
    azure.set("faults", json!({ "match": { "path": "/subscriptions" }, "fault": "malformed" })).await;
    let text = azure.request(Method::GET, "/subscriptions").send().await.unwrap().text().await.unwrap();
    assert!(serde_json::from_str::<Value>(&text).is_err() && !text.is_empty());

    azure.set("faults", json!({ "match": { "path": "/_ip/2" }, "fault": "otherAddress" })).await;
    azure.set("faults", json!({ "match": { "path": "/_ip/3" }, "fault": "html" })).await;
    let mut told = Vec::new();
    for endpoint in &azure.simulator.announce().public_ip_endpoints {
        told.push(azure.http.get(endpoint).send().await.unwrap().text().await.unwrap());
    }
    assert_eq!(told[0].trim(), "203.0.113.24");
    assert_eq!(told[1].trim(), "198.51.100.77");
    assert!(told[2].contains("<html>"));

    azure.set("faults", json!({ "match": { "path": "/subscriptions" }, "fault": "slow", "seconds": 0.2 })).await;
    azure.get("/subscriptions").await;
    let slow = azure.journal("/subscriptions").await.pop().unwrap();
    let time = |name: &str| slow[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert!(time("endedAt") - time("startedAt") >= chrono::TimeDelta::milliseconds(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_with_control_is_answered_with_what_would_be_right() {
    let azure = Azure::start().await;
    for (what, body, part) in [
        ("faults", json!({ "fault": "nonsense" }), "resetAfter"),
        ("faults", json!([]), "must be a JSON object such as"),
        ("switches", json!({ "nonsense": "x" }), "initiateBody"),
        ("switches", json!({ "initiateBody": "x" }), "endTimeUtc"),
        ("advance", json!({ "seconds": -1 }), "seconds must be a number from 0"),
        ("advance", json!({}), "seconds is missing"),
        ("rights", json!({ "action": 1 }), "action must be a text"),
        ("rights", json!({ "action": "*" }), "allowed is missing"),
        ("rights", json!({ "action": "*", "allowed": "no" }), "allowed must be true or false"),
        (
            "rights",
            json!([{ "action": "*", "allowed": true, "role": "x" }]),
            "a statement has no 'role'; it takes action",
        ),
        ("rights", json!(["*"]), "a JSON object such as"),
        ("accounts", json!({ "demand": "mfa" }), "account is missing"),
        (
            "accounts",
            json!({ "account": "demo", "demands": "mfa" }),
            "no 'demands'; it takes account, demand, tenant, revoke",
        ),
        ("accounts", json!({ "account": "ada", "demand": "mfa", "tenant": "moon" }), "no tenant 'moon'; there are"),
        ("accounts", json!({ "account": "demo", "tenant": "contoso" }), "tenant is of a demand, and there is none"),
        (
            "accounts",
            json!({ "account": "demo", "tenant": "contoso", "demand": "passwordExpired" }),
            "leave out tenant",
        ),
        ("accounts", json!({ "account": "demo", "revoke": 1 }), "revoke must be true or false"),
        ("accounts", json!({ "account": "demo", "demand": "x" }), "mfaEnrolment"),
        ("vms", json!({ "deleted": true }), "id is missing"),
        ("vms", json!({ "id": "x", "deleted": "yes" }), "deleted must be true or false"),
        (
            "vms",
            json!({ "id": "x", "lock": "Open" }),
            "lock: unknown variant `Open`, expected `ReadOnly` or `CanNotDelete`",
        ),
        ("vms", json!({ "id": "x", "startFails": 1 }), "startFails must be a text, or null"),
        (
            "vms",
            json!({ "id": "x", "power": "off" }),
            "no 'power'; it takes id, deleted, recreated, generalized, lock, startFails, powerState",
        ),
        ("vms", json!({ "id": "x", "deleted": true }), "there is no VM 'x'"),
        ("vms", json!({ "id": "x" }), "nothing is said of the VM"),
        ("accounts", json!({ "account": "demo" }), "neither demand nor revoke is said"),
        ("rights", json!({ "action": "*", "allowed": true, "scope": "nope" }), "scope must be a resource id"),
        ("faults", json!({ "fault": "reset", "match": { "url": "x" } }), "match has no 'url'; it takes method, path"),
        ("faults", json!({ "fault": "slow", "seconds": "5" }), "seconds must be a number from 0"),
        ("switches", json!({ "pageSize": true }), "switch 'pageSize' has no value 'true'"),
        ("state?vms=1", json!({}), "/_sim/state takes no query"),
        ("advance?seconds=1", json!({ "seconds": 1 }), "/_sim/advance takes no query"),
        ("address", json!({ "publicIp": "::1" }), "IPv4"),
        ("address", json!({ "ip": "1.2.3.4" }), "address has no 'ip'; it takes publicIp"),
    ] {
        let answer = azure.control(what, body).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{what}");
        let body: Value = answer.json().await.unwrap();
        assert!(body["error"]["message"].as_str().unwrap().contains(part), "{what}: {body}");
    }
    let switches = azure.look("switches").await;
    assert_eq!(switches["newerRequestReplaces"]["value"], "vm-port");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_path_or_method_of_control_is_answered_with_what_there_is() {
    let azure = Azure::start().await;
    let control = azure.simulator.announce().control.clone();
    let complaint = async |method: Method, url: &str| {
        let answer = azure.http.request(method, url).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (status, body["error"]["message"].as_str().unwrap().to_owned())
    };
    let mut listed = Vec::new();
    for path in ["", "/", "/nonsense", "/state/more"] {
        let (status, sentence) = complaint(Method::POST, &format!("{control}{path}")).await;
        assert_eq!(status, 404, "{path}: {sentence}");
        let (_, all) = sentence.split_once("; there are ").unwrap();
        let one = |text: &str| {
            let (name, methods) = text.trim_start_matches("/_sim/").split_once(" (").unwrap();
            (name.to_owned(), methods.to_owned())
        };
        listed = all.trim_end_matches(')').split("), ").map(one).collect();
    }
    let names: Vec<_> = listed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["state", "journal", "advance", "address", "faults", "rights", "accounts", "switches", "vms"]);
    for (name, methods) in &listed {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            let url = format!("{control}/{name}");
            if methods.split(", ").any(|one| one == method.as_str()) {
                assert_ne!(azure.http.request(method, &url).send().await.unwrap().status(), 405, "{name}");
                continue;
            }
            let (status, sentence) = complaint(method.clone(), &url).await;
            assert_eq!(status, 405, "{name}: {sentence}");
            assert!(sentence.ends_with(&format!("does not take {method}; it takes {methods}")), "{name}: {sentence}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_can_be_pushed_forward_and_shows_in_the_date() {
    let azure = Azure::start().await;
    azure.set("advance", json!({ "seconds": 1800 })).await;
    let answer = azure.request(Method::GET, "/subscriptions").send().await.unwrap();
    let date = chrono::DateTime::parse_from_rfc2822(answer.headers()["date"].to_str().unwrap()).unwrap();
    assert!((date.with_timezone(&chrono::Utc) - chrono::Utc::now()).num_seconds() > 1700, "{date}");
}
