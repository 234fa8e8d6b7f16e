//! Every published operation: asked for with a body that its schema admits, answered as its schemas say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Azure;
use crate::exercise::{self, Caller, Exercise};
use crate::fields::{self, Fields};
use crate::schema::Direction;
use crate::specification::{Operation, Specification};

/// Published fields that no answer here has: Resource Graph's own operations have no origin.
const NEVER_ANSWERED: [&str; 1] = ["Operation.origin"];

async fn allow_all(azure: &Azure, allowed: bool) {
    azure.set("rights", json!({ "action": "*", "allowed": allowed })).await;
}

/// A simulator in which every field has a reason to be there: an open window behind a firewall, lists of several pages.
async fn eventful() -> Azure {
    let azure = Azure::start().await;
    allow_all(&azure, true).await;
    azure.set("switches", json!({ "pageSize": "2" })).await;
    let from = |prefixes: Value| json!({ "duration": "PT1H", "allowedSourceAddressPrefixes": prefixes });
    for (name, extra) in [
        ("db-replica-3", json!({ "duration": "PT1H" })),
        ("jump-eu", from(json!(["203.0.113.7", "198.51.100.9"]))),
        ("fw-backend", json!({ "duration": "PT1H" })),
    ] {
        assert_eq!(azure.initiate(name, extra).await.status(), 202, "{name}");
    }
    azure
}

/// Status and body of the answer; null when it has none.
async fn ask(azure: &Azure, operation: &Operation, exercise: &Exercise) -> (u16, Value) {
    if exercise.caller == Caller::MayNothing {
        allow_all(azure, false).await;
    }
    let base = &azure.simulator.announce().resource_manager;
    let version =
        if exercise.has_api_version { format!("?api-version={}", operation.api_version) } else { String::new() };
    let url = format!("{base}{}{version}", exercise.places.fill(&operation.path));
    let mut request = azure.http.request(Method::from_bytes(operation.method.as_bytes()).unwrap(), url);
    if exercise.caller != Caller::Nobody {
        request = request.bearer_auth(&azure.token);
    }
    if let Some(body) = &exercise.body {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    if exercise.caller == Caller::MayNothing {
        allow_all(azure, true).await;
    }
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
}

/// What is wrong with the request or its answer.
fn judge(
    specification: &Specification,
    operation: &Operation,
    exercise: &Exercise,
    (status, answer): (u16, &Value),
) -> Vec<String> {
    let mut complaints = Vec::new();
    if let Some(schema) = &operation.body {
        let body = exercise.body.as_ref().unwrap_or(&Value::Null);
        let found = specification.complaints(&operation.file, schema, Direction::Request, body);
        if exercise.is_mistaken && found.is_empty() {
            complaints.push("the schema admits a body that is meant to be wrong".to_owned());
        } else if !exercise.is_mistaken {
            complaints.extend(found.iter().map(|complaint| format!("request {complaint}")));
        }
    }
    if status != exercise.status {
        complaints.push(format!("answered {status} and not {}: {answer}", exercise.status));
    }
    let listed = operation.answers.get(&status.to_string());
    if listed.is_none() && status < 400 {
        complaints.push(format!("{status} is not published"));
    }
    match listed.or(operation.answers.get("default")).unwrap_or(&None) {
        None if !answer.is_null() => complaints.push(format!("{status} has a body: {answer}")),
        None => {}
        Some(schema) => {
            let found = specification.complaints(&operation.file, schema, Direction::Answer, answer);
            complaints.extend(found.iter().map(|complaint| format!("answer {complaint}")));
        }
    }
    // The schema of errors leaves everything open, and no error of Azure's is without these.
    let says = |name: &str| answer["error"][name].as_str().is_some_and(|text| !text.is_empty());
    if status >= 400 && !(says("code") && says("message")) {
        complaints.push(format!("{status} without code and message: {answer}"));
    }
    complaints.into_iter().map(|complaint| format!("{}, {}: {complaint}", operation.id, exercise.what)).collect()
}

/// Successes that are published, and no request got.
fn unanswered(operation: &Operation, statuses: &BTreeSet<u16>) -> Vec<String> {
    let published = operation.answers.keys().filter_map(|status| status.parse().ok());
    let missing = published.filter(|status| !statuses.contains(status));
    missing.map(|status: u16| format!("{}: no request got {status}", operation.id)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_published_operation_takes_and_gives_what_its_schemas_say() {
    let Some(folder) = crate::specs() else { return };
    let specification = Specification::read(&folder);
    let operations = specification.operations();
    let (mut table, mut complaints) = (String::new(), Vec::new());
    let (mut answered, mut published) = (Fields::new(), Fields::new());
    for operation in &operations {
        let azure = eventful().await;
        let mut statuses = BTreeMap::<u16, usize>::new();
        let before = complaints.len();
        for exercise in exercise::of(&operation.id, &azure) {
            let (status, answer) = ask(&azure, operation, &exercise).await;
            *statuses.entry(status).or_default() += 1;
            complaints.extend(judge(&specification, operation, &exercise, (status, &answer)));
            if let Some(Some(schema)) = operation.answers.get(&status.to_string()) {
                answered.extend(fields::present(&specification, &operation.file, schema, &answer));
            }
        }
        complaints.extend(unanswered(operation, &statuses.keys().copied().collect()));
        // An error's fields are Azure's at large, and few of them are in any one error.
        for (_, schema) in operation.answers.iter().filter(|(status, _)| *status != "default") {
            let Some(schema) = schema else { continue };
            published.extend(fields::published(&specification, &operation.file, schema));
        }
        let passed = if complaints.len() == before { "passed" } else { "FAILED" };
        let counts: Vec<_> = statuses.iter().map(|(status, count)| format!("{count} × {status}")).collect();
        writeln!(table, "{:<55} {:<32} {passed}: {}", operation.id, operation.file, counts.join(", ")).unwrap();
    }
    println!("{table}");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let never: Vec<_> = published.difference(&answered).collect();
    assert_eq!(never, NEVER_ANSWERED, "published fields that no answer had");
    assert_eq!(operations.len(), 10, "eight of JIT, two of Resource Graph");
}
