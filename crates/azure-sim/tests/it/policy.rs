//! Making, replacing and removing JIT policies, and what that does to the doors.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::client::{Azure, answers, connect, error};

/// A simulator whose caller may configure JIT.
async fn configuring() -> Azure {
    let azure = Azure::start().await;
    let allowed = |action: &str| json!({ "action": action, "allowed": true });
    let statements = [
        "Microsoft.Security/locations/jitNetworkAccessPolicies/write",
        "Microsoft.Security/locations/jitNetworkAccessPolicies/delete",
        "Microsoft.Compute/virtualMachines/write",
    ];
    azure.set("rights", statements.map(allowed).into_iter().collect()).await;
    azure
}

async fn put(azure: &Azure, policy: &str, body: &Value) -> Response {
    azure.request(Method::PUT, policy).json(body).send().await.unwrap()
}

async fn delete(azure: &Azure, policy: &str) -> StatusCode {
    azure.request(Method::DELETE, policy).send().await.unwrap().status()
}

fn ssh(extra: &Value) -> Value {
    let mut port = json!({ "number": 22, "protocol": "*", "maxRequestAccessDuration": "PT3H" });
    port.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    port
}

fn body(azure: &Azure, vms: &[&str], ports: &[Value]) -> Value {
    let vms: Vec<_> = vms.iter().map(|name| json!({ "id": azure.vm(name).id, "ports": ports })).collect();
    json!({ "kind": "Basic", "properties": { "virtualMachines": vms } })
}

fn default_policy(azure: &Azure, vm: &str) -> String {
    let vm = azure.vm(vm);
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Security/locations/{}/jitNetworkAccessPolicies/default",
        vm.subscription_id, vm.resource_group, vm.location
    )
}

async fn rule_names(azure: &Azure, vm: &str) -> Vec<String> {
    let group = azure.vm(vm).id.replace("Compute/virtualMachines", "Network/networkSecurityGroups") + "-nsg";
    let group = azure.get(&group).await;
    let rules = group["properties"]["securityRules"].as_array().unwrap();
    rules.iter().map(|rule| rule["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vm_that_is_put_under_jit_can_be_opened_and_is_free_again_when_the_policy_is_deleted() {
    let azure = configuring().await;
    let policy = default_policy(&azure, "legacy-box");
    assert!(rule_names(&azure, "legacy-box").await.is_empty());

    let made = put(&azure, &policy, &body(&azure, &["legacy-box"], &[ssh(&json!({}))])).await;
    assert_eq!(made.status(), StatusCode::OK);
    let made: Value = made.json().await.unwrap();
    assert_eq!((&made["kind"], &made["properties"]["provisioningState"]), (&json!("Basic"), &json!("Succeeded")));
    assert_eq!(made["properties"]["virtualMachines"][0]["ports"][0]["allowedSourceAddressPrefix"], "*");
    assert_eq!(azure.get(&policy).await, made);
    let rules = rule_names(&azure, "legacy-box").await;
    assert!(rules.len() == 1 && rules[0].starts_with("MicrosoftDefenderForCloud-JITRule_-"), "{rules:?}");

    let asked = json!({ "virtualMachines": [{
        "id": azure.vm("legacy-box").id, "ports": [{ "number": 22, "duration": "PT1H" }],
    }] });
    let granted = azure.request(Method::POST, &format!("{policy}/initiate")).json(&asked).send().await.unwrap();
    assert_eq!(granted.status(), StatusCode::ACCEPTED);
    connect(azure.dial("legacy-box"));

    assert_eq!(delete(&azure, &policy).await, StatusCode::OK);
    assert_eq!(delete(&azure, &policy).await, StatusCode::NO_CONTENT);
    assert!(rule_names(&azure, "legacy-box").await.is_empty());
    azure.look("state").await;
    assert!(!answers(azure.dial("legacy-box")));
    let gone = azure.request(Method::GET, &policy).send().await.unwrap();
    assert_eq!(error(gone).await.1, "ResourceNotFound");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_outlive_their_policy_when_the_switch_says_so_and_still_end() {
    let azure = configuring().await;
    azure.set("switches", json!({ "openWindowsOnDelete": "leave" })).await;
    azure.initiate("db-replica-3", json!({ "duration": "PT1H" })).await;
    connect(azure.dial("db-replica-3"));
    assert_eq!(delete(&azure, &azure.policy("db-replica-3")).await, StatusCode::OK);
    azure.look("state").await;
    assert!(answers(azure.dial("db-replica-3")));
    azure.set("advance", json!({ "seconds": 3601 })).await;
    assert!(!answers(azure.dial("db-replica-3")));
    let state = azure.look("state").await;
    let vm = state["vms"].as_array().unwrap().iter().find(|vm| vm["name"] == "db-replica-3").unwrap();
    assert_eq!(vm["securityRules"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_replaces_the_whole_policy_and_its_windows_end_with_what_it_leaves_out() {
    let azure = configuring().await;
    let policy = azure.policy("db-replica-3");
    for vm in ["db-replica-3", "web-01"] {
        assert_eq!(azure.initiate(vm, json!({ "duration": "PT1H" })).await.status(), StatusCode::ACCEPTED);
    }
    connect(azure.dial("db-replica-3"));
    // Read, changed, and written back: everyone else's VMs are out of the policy.
    let rule = ssh(&json!({ "maxRequestAccessDuration": "PT30M" }));
    let replaced: Value = put(&azure, &policy, &body(&azure, &["web-01"], &[rule])).await.json().await.unwrap();
    assert_eq!(replaced["properties"]["virtualMachines"].as_array().unwrap().len(), 1);
    let requests = replaced["properties"]["requests"].as_array().unwrap();
    let port = |index: usize| requests[index]["virtualMachines"][0]["ports"][0].clone();
    assert_eq!((&port(0)["status"], &port(0)["statusReason"]), (&json!("Revoked"), &json!("UserRequested")));
    assert_ne!(port(1)["status"], "Revoked", "web-01 is still in the policy");
    azure.look("state").await;
    assert!(!answers(azure.dial("db-replica-3")));
    let (_, _, message) = error(azure.initiate("web-01", json!({ "duration": "PT1H" })).await).await;
    assert!(message.contains("not a subset"), "{message}");
    let (_, _, message) = error(azure.initiate("db-replica-3", json!({ "duration": "PT1H" })).await).await;
    assert!(message.contains("not a subset"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_that_a_put_does_not_list_end_when_the_switch_says_so() {
    let azure = configuring().await;
    let policy = azure.policy("jump-eu");
    azure.set("switches", json!({ "putRequests": "dropUnlisted" })).await;
    azure.initiate("jump-eu", json!({ "duration": "PT1H" })).await;
    connect(azure.dial("jump-eu"));
    let mut present = azure.get(&policy).await;
    assert_eq!(put(&azure, &policy, &present).await.status(), StatusCode::OK);
    azure.look("state").await;
    assert!(answers(azure.dial("jump-eu")), "listed");
    present["properties"].as_object_mut().unwrap().remove("requests");
    assert_eq!(put(&azure, &policy, &present).await.status(), StatusCode::OK);
    azure.look("state").await;
    assert!(!answers(azure.dial("jump-eu")), "not listed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_makes_no_sense_is_refused_and_nothing_changes() {
    let azure = configuring().await;
    let policy = azure.policy("web-01");
    let before = azure.get(&policy).await;
    let with = |extra: Value| body(&azure, &["web-01"], &[ssh(&extra)]);
    let mut elsewhere = with(json!({}));
    elsewhere["location"] = json!("northeurope");
    let nobody = json!({ "properties": { "virtualMachines": [{
        "id": format!("{}x", azure.vm("web-01").id), "ports": [ssh(&json!({}))],
    }] } });
    for (sent, part) in [
        (with(json!({ "protocol": "ICMP" })), "'ICMP' is no protocol"),
        (with(json!({ "protocol": "" })), "'' is no protocol"),
        (with(json!({ "maxRequestAccessDuration": "PT4M" })), "from 5 minutes to 1 day"),
        (with(json!({ "maxRequestAccessDuration": "P2D" })), "from 5 minutes to 1 day"),
        (with(json!({ "maxRequestAccessDuration": "3h" })), "'3h' is no ISO 8601 duration"),
        (with(json!({ "allowedSourceAddressPrefix": "nowhere" })), "'nowhere' is not valid"),
        (with(json!({ "allowedSourceAddressPrefix": "2001:db8::/32" })), "IPv6"),
        (
            with(json!({ "allowedSourceAddressPrefix": "*", "allowedSourceAddressPrefixes": ["10.0.0.0/8"] })),
            "Only one of",
        ),
        (body(&azure, &[], &[]), "at least one virtual machine"),
        (body(&azure, &["web-01"], &[]), "has no ports"),
        (body(&azure, &["web-01", "web-01"], &[ssh(&json!({}))]), "more than once"),
        (body(&azure, &["web-01"], &[ssh(&json!({})), ssh(&json!({}))]), "Port 22 of"),
        (body(&azure, &["jump-eu"], &[ssh(&json!({}))]), "is in 'northeurope'"),
        (elsewhere, "'northeurope'"),
        (nobody.clone(), "was not found"),
    ] {
        let (status, code, message) = error(put(&azure, &policy, &sent).await).await;
        assert_eq!((status, code.as_str()), (400, "BadRequest"), "{sent}: {message}");
        assert!(message.contains(part), "{sent}: {message}");
    }
    for (sent, part) in [
        (with(json!({ "number": 70_000 })), "Path 'properties.virtualMachines[0].ports[0].number'"),
        (json!({}), "Required property 'properties' not found in JSON. Path ''"),
    ] {
        let (status, code, message) = error(put(&azure, &policy, &sent).await).await;
        assert_eq!((status, code.as_str()), (400, "InvalidRequestContent"), "{sent}: {message}");
        assert!(message.contains(part), "{sent}: {message}");
    }
    let long = policy.replace("/default", &format!("/{}", "p".repeat(51)));
    let (_, _, message) = error(put(&azure, &long, &with(json!({}))).await).await;
    assert!(message.contains("56 characters"), "{message}");
    assert_eq!(azure.get(&policy).await, before);

    azure.set("switches", json!({ "invalidPolicyCode": "InternalServerError", "putUnknownVm": "accept" })).await;
    let (status, _, message) = error(put(&azure, &policy, &with(json!({ "protocol": "" }))).await).await;
    assert_eq!((status, message.as_str()), (500, "Internal server error has occurred."));
    assert_eq!(put(&azure, &policy, &nobody).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configuring_asks_for_the_right_on_the_policy_and_on_each_vm() {
    let azure = Azure::start().await;
    let policy = azure.policy("web-01");
    let wanted = body(&azure, &["web-01"], &[ssh(&json!({}))]);
    for action in
        ["Microsoft.Security/locations/jitNetworkAccessPolicies/write", "Microsoft.Compute/virtualMachines/write"]
    {
        let (status, code, message) = error(put(&azure, &policy, &wanted).await).await;
        assert_eq!((status, code.as_str()), (403, "AuthorizationFailed"));
        assert!(message.contains(&format!("'{action}'")), "{message}");
        azure.set("rights", json!({ "action": action, "allowed": true })).await;
    }
    assert_eq!(put(&azure, &policy, &wanted).await.status(), StatusCode::OK);
    assert_eq!(delete(&azure, &policy).await, StatusCode::FORBIDDEN);
    azure.get(&policy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vm_may_be_in_policies_of_several_groups_and_each_has_its_own_deny_rule() {
    let azure = configuring().await;
    let elsewhere = azure.policy("web-01").replace("rg-demo", "rg-lab").replace("default", "second");
    let rule = ssh(&json!({ "allowedSourceAddressPrefixes": ["203.0.113.0/24", "198.51.100.7"] }));
    let made = put(&azure, &elsewhere, &body(&azure, &["db-replica-3"], &[rule])).await;
    assert_eq!(made.status(), StatusCode::OK);
    let rules = rule_names(&azure, "db-replica-3").await;
    assert_eq!(rules.len(), 2, "{rules:?}");
    assert_ne!(rules[0], rules[1]);
    let listed = azure
        .get(&format!(
            "/subscriptions/{}/providers/Microsoft.Security/jitNetworkAccessPolicies",
            azure.vm("web-01").subscription_id
        ))
        .await;
    assert!(listed["value"].as_array().unwrap().iter().any(|policy| policy["id"] == elsewhere.as_str()));
    assert_eq!(delete(&azure, &elsewhere).await, StatusCode::OK);
    // The older policy still works.
    azure.initiate("db-replica-3", json!({ "duration": "PT1H" })).await;
    connect(azure.dial("db-replica-3"));
}
