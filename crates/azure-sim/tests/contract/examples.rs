//! Published examples: requests are accepted once they name what exists, and answers have the same shape both ways.

use std::path::Path;

use azure_sim::{Fleet, Options};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::Azure;
use crate::schema::Direction;
use crate::shape::shaped_like;
use crate::specification::{Operation, Specification};

/// The examples' VM, with the ports and the policy that they give it; and more to be found by name.
const FLEET: &str = r#"
[[subscriptions]]
id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
name = "Contoso"

[[vms]]
name = "test-1"
resource_group = "myRg1"
ports = [{ number = 22, jit = { max_duration = "PT3H" } }, { number = 3389, jit = { max_duration = "PT3H" } }]

[[vms]]
name = "test-2"
resource_group = "other"
ports = [{ number = 22 }]
"#;

fn example(folder: &Path, file: &str) -> Value {
    let path = folder.join("examples").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn body(example: &Value, status: &str) -> Value {
    example["responses"][status]["body"].clone()
}

async fn start() -> Azure {
    let fleet = FLEET.parse::<Fleet>().unwrap();
    let azure = Azure::start_with(Options { speed: 200.0, fleet: Some(fleet), ..Options::default() }).await;
    azure.set("rights", json!({ "action": "*", "allowed": true })).await;
    azure
}

/// The example with our subscription and VM in place of its own.
fn ours(azure: &Azure, example: &Value) -> Value {
    let vm = azure.vm("test-1");
    let theirs = example["parameters"]["subscriptionId"].as_str().unwrap();
    let text = example
        .to_string()
        .replace(theirs, &vm.subscription_id)
        .replace("virtualMachines/vm1", "virtualMachines/test-1");
    serde_json::from_str(&text).unwrap()
}

fn operation(specification: &Specification, id: &str) -> Operation {
    let found = specification.operations().into_iter().find(|operation| operation.id == id);
    found.unwrap_or_else(|| panic!("{id} is not published"))
}

/// Makes the example's request, and holds the answer against the published one.
async fn replay(azure: &Azure, specification: &Specification, id: &str, example: &Value) -> Value {
    let operation = operation(specification, id);
    let mut path = operation.path.clone();
    for (name, value) in example["parameters"].as_object().unwrap() {
        path = path.replace(&format!("{{{name}}}"), value.as_str().unwrap_or_default());
    }
    let request = azure.request(Method::from_bytes(operation.method.as_bytes()).unwrap(), &path);
    let answer = match example["parameters"].get("body") {
        Some(body) => request.json(body).send().await.unwrap(),
        None => request.send().await.unwrap(),
    };
    let status = answer.status().as_u16().to_string();
    let answer: Value = answer.json().await.unwrap_or_default();
    let schema = operation.answers.get(&status).unwrap_or_else(|| panic!("{id}: {status}: {answer}"));
    let published = body(example, &status);
    for (whose, answer) in [("theirs", &published), ("ours", &answer)] {
        let complaints = specification.complaints(&operation.file, schema.as_ref().unwrap(), Direction::Answer, answer);
        assert!(complaints.is_empty(), "{id}, {whose}: {complaints:?}");
    }
    shaped_like(&published, &answer, id);
    shaped_like(&answer, &published, &format!("published {id}"));
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn published_jit_requests_are_accepted_and_answered_in_the_published_shape() {
    let Some(folder) = crate::specs() else { return };
    let specification = Specification::read(&folder);
    let azure = start().await;
    let asked = |name: &str| ours(&azure, &example(&folder, &format!("JitNetworkAccessPolicies/{name}_example.json")));

    let put = asked("CreateJitNetworkAccessPolicy");
    let initiate = asked("InitiateJitNetworkAccessPolicy");
    // First, so that there is a request for the policy to show, as there is one in every example.
    let granted = replay(&azure, &specification, "JitNetworkAccessPolicies_Initiate", &initiate).await;
    assert_eq!(granted["justification"], initiate["parameters"]["body"]["justification"]);
    for (id, name) in [
        ("JitNetworkAccessPolicies_List", "GetJitNetworkAccessPoliciesSubscription"),
        ("JitNetworkAccessPolicies_ListByRegion", "GetJitNetworkAccessPoliciesSubscriptionLocation"),
        ("JitNetworkAccessPolicies_ListByResourceGroup", "GetJitNetworkAccessPoliciesResourceGroup"),
        ("JitNetworkAccessPolicies_ListByResourceGroupAndRegion", "GetJitNetworkAccessPoliciesResourceGroupLocation"),
        ("JitNetworkAccessPolicies_Get", "GetJitNetworkAccessPolicy"),
    ] {
        replay(&azure, &specification, id, &asked(name)).await;
    }
    let made = replay_put(&azure, &specification, &put).await;
    let (asked_for, made) = (&put["parameters"]["body"]["properties"], &made["properties"]);
    assert_eq!(made["virtualMachines"], asked_for["virtualMachines"]);

    let gone = asked("DeleteJitNetworkAccessPolicy");
    assert!(gone["responses"]["200"].is_object() && gone["responses"]["204"].is_object());
    let policy = azure.policy("test-1");
    for expected in [StatusCode::OK, StatusCode::NO_CONTENT] {
        let answer = azure.request(Method::DELETE, &policy).send().await.unwrap();
        assert_eq!(answer.status(), expected);
    }
}

/// The example's answer lists a request without justification; the request that is there has one.
async fn replay_put(azure: &Azure, specification: &Specification, example: &Value) -> Value {
    let mut example = example.clone();
    example["responses"]["200"]["body"]["properties"]["requests"][0]["justification"] = "testing".into();
    replay(azure, specification, "JitNetworkAccessPolicies_CreateOrUpdate", &example).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_initiate_names_a_duration_that_its_own_schema_does_not_have() {
    let Some(folder) = crate::specs() else { return };
    let specification = Specification::read(&folder);
    let published = example(&folder, "JitNetworkAccessPolicies/InitiateJitNetworkAccessPolicy_example.json");
    let operation = operation(&specification, "JitNetworkAccessPolicies_Initiate");
    let schema = operation.body.unwrap();
    let body = &published["parameters"]["body"];
    // Why the switch `initiateBody` is there: neither form can be ruled out by what is published.
    let complaints = specification.complaints(&operation.file, &schema, Direction::Request, body).join("\n");
    assert!(complaints.contains("endTimeUtc") && complaints.contains("duration"), "{complaints}");
}

#[test]
fn published_answers_with_a_wrong_field_or_without_a_required_one_are_refused() {
    let Some(folder) = crate::specs() else { return };
    let specification = Specification::read(&folder);
    let published = example(&folder, "JitNetworkAccessPolicies/GetJitNetworkAccessPolicy_example.json");
    let operation = operation(&specification, "JitNetworkAccessPolicies_Get");
    let schema = operation.answers["200"].clone().unwrap();
    let complaints =
        |answer: &Value| specification.complaints(&operation.file, &schema, Direction::Answer, answer).join("\n");
    let request = "/properties/requests/0";
    for (at, field, value) in [
        ("", "etag", Some(json!("a"))),
        ("", "location", Some(json!(7))),
        ("/properties", "openUntil", Some(json!("2026-11-22T10:00:00Z"))),
        ("/properties", "virtualMachines", None),
        ("/properties/virtualMachines/0/ports/1", "protocol", None),
        ("/properties/virtualMachines/0/ports/1", "number", Some(json!(65536))),
        (request, "startTimeUtc", Some(json!("2018-05-17 08:06"))),
        (request, "requestor", None),
        (request, "duration", Some(json!("PT1H"))),
    ] {
        let mut answer = body(&published, "200");
        assert_eq!(complaints(&answer), "");
        let place = answer.pointer_mut(at).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => place.insert(field.to_owned(), value),
            None => place.remove(field),
        };
        assert!(complaints(&answer).contains(at) && !complaints(&answer).is_empty(), "{at}/{field}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_next_page_of_resource_graph_has_the_published_shape() {
    let Some(folder) = crate::specs() else { return };
    let specification = Specification::read(&folder);
    let published = example(&folder, "ResourceGraph/ResourcesNextPageQuery.json");
    let azure = start().await;
    let path = "/providers/Microsoft.ResourceGraph/resources";
    let mut query = published["parameters"]["query"].clone();
    query["subscriptions"][0] = azure.vm("test-1").subscription_id.clone().into();
    query["options"] = json!({ "$top": 3 });
    let first: Value = azure.request(Method::POST, path).json(&query).send().await.unwrap().json().await.unwrap();
    query["options"] = json!({ "$skipToken": first["$skipToken"] });
    let next = azure.request(Method::POST, path).json(&query).send().await.unwrap();
    assert_eq!(next.status(), StatusCode::OK);
    let next: Value = next.json().await.unwrap();
    let published = body(&published, "200");
    let operation = operation(&specification, "Resources");
    let schema = operation.answers["200"].clone().unwrap();
    for answer in [&published, &next] {
        let complaints = specification.complaints(&operation.file, &schema, Direction::Answer, answer);
        assert!(complaints.is_empty(), "{complaints:?}");
    }
    shaped_like(&published, &next, "page");
    shaped_like(&next, &published, "published page");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instance_view_and_subscriptions_have_the_published_shape() {
    let Some(folder) = crate::specs() else { return };
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
