//! The simulator's answers against Microsoft's published models and examples.
//!
//! `cargo xtask contract --specs DIR` sets `AZURE_SPECS_DIR` to the folder with `jitNetworkAccessPolicies.json` and
//! `examples/`.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, its client's too")]

#[path = "it/client.rs"]
#[expect(dead_code, reason = "the other tests' client knows more than this one needs")]
mod client;

use std::path::{Path, PathBuf};

use client::Azure;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

fn specs() -> Option<PathBuf> {
    let folder = std::env::var_os("AZURE_SPECS_DIR");
    if folder.is_none() {
        println!("skipped: AZURE_SPECS_DIR is not set");
    }
    folder.map(PathBuf::from)
}

fn read(folder: &Path, file: &str) -> Value {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn example(folder: &Path, file: &str) -> Value {
    read(&folder.join("examples"), file)
}

fn body(example: &Value, status: &str) -> Value {
    example["responses"][status]["body"].clone()
}

/// Checks `answer` against a model of the specification: no field that is not in it, none missing that is required.
#[track_caller]
fn conforms(spec: &Value, schema: &Value, answer: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        // Models of other files are the same everywhere: ids, names, locations.
        if let Some(name) = reference.strip_prefix("#/definitions/") {
            conforms(spec, &spec["definitions"][name], answer, at);
        }
        return;
    }
    match answer {
        Value::Object(fields) => {
            let (known, required) = members(spec, schema);
            if known.is_empty() {
                return;
            }
            for (name, value) in fields {
                let member = known.get(name).unwrap_or_else(|| panic!("{at}.{name} is in no model"));
                conforms(spec, member, value, &format!("{at}.{name}"));
            }
            for name in required {
                assert!(fields.contains_key(&name), "{at}.{name} is required and missing");
            }
        }
        Value::Array(items) => {
            assert_eq!(schema["type"], "array", "{at}");
            for (index, item) in items.iter().enumerate() {
                conforms(spec, &schema["items"], item, &format!("{at}[{index}]"));
            }
        }
        Value::String(_) => assert!(schema["type"].is_null() || schema["type"] == "string", "{at}: {answer}"),
        Value::Number(_) => {
            assert!(["integer", "number"].contains(&schema["type"].as_str().unwrap()), "{at}: {answer}");
        }
        Value::Bool(_) => assert_eq!(schema["type"], "boolean", "{at}"),
        Value::Null => panic!("{at} is null"),
    }
}

/// All properties of a model and the names of the required ones, inherited ones included.
fn members(spec: &Value, schema: &Value) -> (Map<String, Value>, Vec<String>) {
    let mut known = schema["properties"].as_object().cloned().unwrap_or_default();
    let names = schema["required"].as_array().into_iter().flatten();
    let mut required: Vec<String> = names.filter_map(|name| name.as_str().map(str::to_owned)).collect();
    for parent in schema["allOf"].as_array().into_iter().flatten() {
        let Some(name) = parent["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) else { continue };
        if let Some(model) = spec["definitions"].get(name) {
            let (its, its_required) = members(spec, model);
            known.extend(its);
            required.extend(its_required);
        } else {
            // The models of common/v1/types.json that JIT builds on.
            let common = json!({ "kind": ["kind"], "location": ["location"], "resource": ["id", "name", "type"] });
            for field in common[name.to_lowercase()].as_array().into_iter().flatten() {
                known.insert(field.as_str().unwrap().to_owned(), json!({ "type": "string" }));
            }
        }
    }
    (known, required)
}

/// Checks that every field of `answer` is in the example, with the same JSON type.
#[track_caller]
fn shaped_like(example: &Value, answer: &Value, at: &str) {
    match (example, answer) {
        (Value::Object(known), Value::Object(fields)) => {
            for (name, value) in fields {
                let member = known.get(name).unwrap_or_else(|| panic!("{at}.{name} is not in the example"));
                shaped_like(member, value, &format!("{at}.{name}"));
            }
        }
        (Value::Array(known), Value::Array(items)) => {
            for item in items {
                // Items differ in their optional fields: one of the example's that has all of this one's.
                let names = |value: &Value| value.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>());
                let has_all = |one: &&Value| names(item).unwrap_or_default().iter().all(|name| one.get(name).is_some());
                let model = known.iter().find(has_all).or(known.first()).unwrap_or_else(|| panic!("{at}: no example"));
                shaped_like(model, item, at);
            }
        }
        (known, value) => {
            assert_eq!(std::mem::discriminant(known), std::mem::discriminant(value), "{at}: {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jit_policies_have_the_published_shape() {
    let Some(folder) = specs() else { return };
    let spec = read(&folder, "jitNetworkAccessPolicies.json");
    let azure = Azure::start().await;
    for name in ["db-replica-3", "fw-backend"] {
        assert_eq!(azure.initiate(name, json!({ "duration": "PT1H" })).await.status(), StatusCode::ACCEPTED);
    }
    let paths = spec["paths"].as_object().unwrap();
    let gets: Vec<_> = paths.iter().filter(|(_, methods)| methods.get("get").is_some()).collect();
    assert_eq!(gets.len(), 5, "four lists and one policy");
    for (path, methods) in gets {
        let vm = azure.vm("db-replica-3");
        let path = path
            .replace("{subscriptionId}", &vm.subscription_id)
            .replace("{resourceGroupName}", &vm.resource_group)
            .replace("{ascLocation}", &vm.location)
            .replace("{jitNetworkAccessPolicyName}", "default");
        let answer = azure.get(&path).await;
        conforms(&spec, &methods["get"]["responses"]["200"]["schema"], &answer, &path);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_initiate_is_accepted_and_answered_in_the_published_shape() {
    let Some(folder) = specs() else { return };
    let spec = read(&folder, "jitNetworkAccessPolicies.json");
    let published = example(&folder, "JitNetworkAccessPolicies/InitiateJitNetworkAccessPolicy_example.json");
    let azure = Azure::start().await;
    let mut request = published["parameters"]["body"].clone();
    request["virtualMachines"][0]["id"] = json!(azure.vm("build-win-02").id);
    let path = format!("{}/initiate", azure.policy("build-win-02"));
    let answer = azure.request(Method::POST, &path).json(&request).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let answer: Value = answer.json().await.unwrap();
    conforms(&spec, &spec["definitions"]["JitNetworkAccessRequest"], &answer, "request");
    let published = body(&published, "202");
    shaped_like(&published, &answer, "request");
    shaped_like(&answer, &published, "published request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instance_view_and_subscriptions_have_the_published_shape() {
    let Some(folder) = specs() else { return };
    let azure = Azure::start().await;
    let view = body(&example(&folder, "Compute/VirtualMachine_Get_InstanceView.json"), "200");
    for name in ["web-01", "gpu-lab", "build-win-02"] {
        let answer = azure.get(&format!("{}/instanceView", azure.vm(name).id)).await;
        shaped_like(&view, &answer, name);
    }
    let subscriptions = body(&example(&folder, "Resources/GetSubscriptions.json"), "200");
    shaped_like(&subscriptions, &azure.get("/subscriptions").await, "subscriptions");
    let tenants = body(&example(&folder, "Resources/GetTenants.json"), "200");
    shaped_like(&tenants, &azure.get("/tenants").await, "tenants");
}
