use std::net::Ipv4Addr;

use std::sync::Arc;

use ajar_core::policy::{JitNetworkAccessPortRule, RequestStatus, RuleProtocol, StatusReason};
use chrono::TimeDelta;
use serde_json::json;

use super::*;
use crate::limits::Limits;
use crate::scripted::{Reply, Scripted, client, io_error, json as reply, refused, refused_connection};

const VM: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-01";
const POLICY: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default";
const BY_SUBSCRIPTION: &str = "Get /subscriptions/s/providers/Microsoft.Security/jitNetworkAccessPolicies";

fn vm() -> VmResourceId {
    VM.parse().unwrap()
}

fn policy_json(vm: &str) -> serde_json::Value {
    json!({
        "id": POLICY,
        "surprise": 1,
        "properties": {
            "virtualMachines": [
                { "id": vm, "publicIpAddress": "198.51.100.1", "ports": [
                    { "number": 22, "protocol": "*", "allowedSourceAddressPrefix": "*",
                      "allowedSourceAddressPrefixes": null, "maxRequestAccessDuration": "PT3H" },
                    { "number": 3389, "allowedSourceAddressPrefixes": ["10.0.0.0/8", "192.0.2.1"],
                      "maxRequestAccessDuration": "PT1H" },
                    { "number": 99_999, "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT1H" },
                    { "number": 80, "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "P1Y" },
                ] },
                { "id": "/subscriptions/s/not/a/vm", "ports": [] },
            ],
            "requests": [{ "startTimeUtc": "2026-01-01T00:00:00.1234567Z", "requestor": "a@b", "virtualMachines": [
                { "id": vm.to_uppercase(), "ports": [
                    { "number": 22, "endTimeUtc": "2026-01-01T01:00:00Z", "status": "Revoked",
                      "statusReason": "UserRequested", "mappedPort": null },
                    { "number": 22, "endTimeUtc": "2026-01-01T01:00:00Z", "status": "Initiating", "mappedPort": 50_022,
                      "allowedSourceAddressPrefix": "203.0.113.7" },
                ] },
            ] }],
        },
    })
}

fn list(policies: &[serde_json::Value]) -> Reply {
    reply(200, json!({ "value": policies }).to_string())
}

#[tokio::test]
async fn policies_are_read_with_rules_and_requests_and_without_what_cannot_be_read() {
    let script = Scripted::new([list(&[policy_json(VM), json!({ "id": "?" }), json!(7)])]);
    let policies = client(&script).jit_policies(&vm()).await.unwrap();
    assert_eq!(script.paths(), [BY_SUBSCRIPTION]);
    let [policy] = &policies[..] else { panic!("{policies:?}") };
    let [entry] = &policy.virtual_machines[..] else { panic!("{policy:?}") };
    assert_eq!(entry.ports.iter().map(|rule| rule.number).collect::<Vec<_>>(), [22, 3389, 80]);
    assert_eq!(entry.ports[2].max_request_access_duration, None);
    assert_eq!(entry.ports[0].max_request_access_duration, Some(TimeDelta::hours(3)));
    assert_eq!(entry.ports[1].allowed_source_address_prefixes.len(), 2);
    assert_eq!(entry.public_ip_address, Some("198.51.100.1".parse().unwrap()));
    let ports = &policy.requests[0].virtual_machines[0].ports;
    assert_eq!(
        (ports[0].status, ports[1].status),
        (RequestStatus::Revoked(StatusReason::UserRequested), RequestStatus::InForce)
    );
    assert_eq!((ports[0].mapped_port, ports[1].mapped_port), (None, Some(50_022)));
}

#[tokio::test]
async fn a_request_is_found_whatever_its_words_are() {
    let mut odd = policy_json(VM);
    for member in ["justification", "requestor"] {
        odd["properties"]["requests"][0][member] = json!({ "text": "x" });
    }
    let policies = client(&Scripted::new([list(&[odd])])).jit_policies(&vm()).await.unwrap();
    assert_eq!(policies[0].requests.len(), 1, "else it would be made once more");
}

/// The rule for SSH whose members are those, as the policy that has it is read.
async fn rule(members: serde_json::Value) -> JitNetworkAccessPortRule {
    let mut rule = json!({ "number": 22, "protocol": "TCP", "allowedSourceAddressPrefix": "*",
        "maxRequestAccessDuration": "PT3H" });
    rule.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let policy = json!({ "id": POLICY, "properties": { "virtualMachines": [{ "id": VM, "ports": [rule] }] } });
    let policies = client(&Scripted::new([list(&[policy])])).jit_policies(&vm()).await.unwrap();
    policies[0].virtual_machines[0].ports[0].clone()
}

#[tokio::test]
async fn a_rule_is_kept_with_what_can_be_read_of_it() {
    let hours = |hours| Some(TimeDelta::hours(hours));
    for (length, expected) in [
        (json!("PT3H"), hours(3)),
        (json!("3:00:00"), hours(3)),
        (json!("03:30:00.0000000"), Some(TimeDelta::minutes(210))),
        (json!("1.00:00:00"), hours(24)),
        (json!(null), None),
        (json!(""), None),
        (json!("P1Y"), None),
        (json!("3:00"), None),
        (json!("-3:00:00"), None),
        (json!(10_800), None),
        (json!({}), None),
    ] {
        let rule = rule(json!({ "maxRequestAccessDuration": length })).await;
        assert_eq!(rule.max_request_access_duration, expected, "{length}");
    }
    for number in [json!(22), json!(22.0), json!("22")] {
        assert_eq!(rule(json!({ "number": number })).await.number, 22, "{number}");
    }
    for (singular, plural, admitted) in [
        (json!(""), json!(null), vec![]),
        (json!(7), json!(["10.0.0.1", "", " "]), vec!["10.0.0.1"]),
        (json!(""), json!(["*"]), vec!["*"]),
    ] {
        let members = json!({ "allowedSourceAddressPrefix": singular, "allowedSourceAddressPrefixes": plural });
        let prefixes = rule(members).await.allowed_source_address_prefixes;
        assert_eq!(prefixes.iter().map(ToString::to_string).collect::<Vec<_>>(), admitted, "{singular} {plural}");
    }
}

#[tokio::test]
async fn which_traffic_a_rule_lets_in_is_read() {
    let rule = |protocol: serde_json::Value| {
        let rule = json!({ "number": 22, "protocol": protocol, "allowedSourceAddressPrefix": "*",
            "maxRequestAccessDuration": "PT3H" });
        let entry = json!({ "id": VM, "ports": [rule] });
        list(&[json!({ "id": POLICY, "properties": { "virtualMachines": [entry] } })])
    };
    for (protocol, expected) in [
        (json!("UDP"), RuleProtocol::Udp),
        (json!("udp"), RuleProtocol::Udp),
        (json!("TCP"), RuleProtocol::Tcp),
        (json!("*"), RuleProtocol::Tcp),
        (json!("SCTP"), RuleProtocol::Tcp),
        (json!(null), RuleProtocol::Tcp),
        (json!(17), RuleProtocol::Tcp),
    ] {
        let script = Scripted::new([rule(protocol.clone())]);
        let policies = client(&script).jit_policies(&vm()).await.unwrap();
        assert_eq!(policies[0].virtual_machines[0].ports[0].protocol, expected, "{protocol}");
    }
}

#[tokio::test]
async fn a_list_is_read_to_its_end_and_only_policies_that_speak_of_the_vm_are_kept() {
    let next = "https://management.azure.com/subscriptions/s/next?page=2";
    let first = json!({ "value": [policy_json("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/other")],
        "nextLink": next });
    let script = Scripted::new([reply(200, first.to_string()), list(&[policy_json(&VM.to_lowercase())])]);
    assert_eq!(client(&script).jit_policies(&vm()).await.unwrap().len(), 1);
    assert_eq!(script.sent()[1].url, next);
}

#[tokio::test]
async fn a_list_that_goes_on_at_a_foreign_host_is_not_followed() {
    let script = Scripted::new([reply(200, r#"{"value":[],"nextLink":"https://evil.example/steal"}"#)]);
    let trouble = client(&script).jit_policies(&vm()).await.unwrap_err();
    let leads_to = Some("https://evil.example".to_owned());
    assert_eq!(trouble.failure, Failure::NotFromAzure { host: "management.azure.com".into(), status: 200, leads_to });
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_not_found_once_is_read_again() {
    let script = Scripted::new([refused(404, "SubscriptionNotFound"), list(&[policy_json(VM)])]);
    assert_eq!(client(&script).jit_policies(&vm()).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_such_group_the_vm_is_what_is_not_found_and_a_subscription_is_not_seen() {
    let subscription = || Failure::SubscriptionNotFound { subscription: "s".into() };
    for (code, failure) in
        [("ResourceGroupNotFound", Failure::VmNotFound { vm: VM.into() }), ("SubscriptionNotFound", subscription())]
    {
        let trouble =
            client(&Scripted::new([refused(404, code), refused(404, code)])).jit_policies(&vm()).await.unwrap_err();
        assert_eq!(trouble.failure, failure, "{code}");
        let several = client(&Scripted::new([refused(404, code), refused(404, code)])).jit_policies_of(&[vm()]).await;
        assert_eq!(several[0].as_ref().unwrap_err().failure, failure, "{code}");
    }
    let other = Scripted::new([refused(404, "NotFound"), refused(404, "NotFound")]);
    let other = client(&other).jit_policies(&vm()).await.unwrap_err();
    assert_eq!(other.failure.code(), "azureError");
}

#[tokio::test]
async fn where_the_subscription_may_not_be_listed_the_resource_group_is() {
    let denied = || refused(403, "AuthorizationFailed");
    let script = Scripted::new([denied(), list(&[policy_json(VM)])]);
    assert_eq!(client(&script).jit_policies(&vm()).await.unwrap().len(), 1);
    let by_group = "Get /subscriptions/s/resourceGroups/rg/providers/Microsoft.Security/jitNetworkAccessPolicies";
    assert_eq!(script.paths(), [BY_SUBSCRIPTION, by_group]);
    for code in ["DenyAssignmentAuthorizationFailed", "RequestDisallowedByAzure", "SomeNewWord"] {
        let script = Scripted::new([refused(403, code), list(&[policy_json(VM)])]);
        assert_eq!(client(&script).jit_policies(&vm()).await.unwrap().len(), 1, "{code}");
    }

    // What was not found there may be in another group.
    let trouble = client(&Scripted::new([denied(), list(&[])])).jit_policies(&vm()).await.unwrap_err();
    let (action, scope) = (Call::PoliciesOfSubscription.action().into(), "/subscriptions/s".into());
    assert_eq!(trouble.failure, Failure::PolicyUnseen { group: "rg".into(), action, scope });

    let trouble = client(&Scripted::new([denied(), denied()])).jit_policies(&vm()).await.unwrap_err();
    let scope = "/subscriptions/s/resourceGroups/rg".to_owned();
    assert_eq!(trouble.failure, Failure::AccessDenied { action: Call::PoliciesOfGroup.action().into(), scope });
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_gone_is_no_policy() {
    let script = Scripted::new([refused(404, "ResourceNotFound"), refused(404, "ResourceNotFound")]);
    let trouble = client(&script).jit_policy(&POLICY.parse().unwrap()).await.unwrap_err();
    assert_eq!(trouble.failure, Failure::NoPolicy { power: None });
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_an_error_of_azure() {
    let cut_off = || reply(200, r#"{"id":"/subscr"#);
    let script = Scripted::new([cut_off(), cut_off()]);
    let trouble = client(&script).jit_policy(&POLICY.parse().unwrap()).await.unwrap_err();
    assert!(matches!(trouble.failure, Failure::AzureError { status: 200, .. }), "{trouble:?}");
}

async fn initiate(script: &Arc<Scripted>) -> Result<JitNetworkAccessRequest, InitiateError> {
    let ask = Initiate {
        vm: vm(),
        port: 22,
        source: Ipv4Addr::new(203, 0, 113, 7).into(),
        end_time_utc: Utc::now() + TimeDelta::hours(2),
        duration: TimeDelta::hours(2),
        justification: None,
    };
    client(script).initiate(&POLICY.parse().unwrap(), &ask, &Wanted::new()).await
}

fn accepted() -> Reply {
    let port = json!({ "number": 22, "endTimeUtc": "2026-01-01T01:00:00.1234567Z", "status": "Initiating" });
    let body = json!({ "startTimeUtc": "2026-01-01T00:00:00Z", "requestor": "a@b",
        "virtualMachines": [{ "id": VM, "ports": [port] }] });
    reply(202, body.to_string())
}

#[tokio::test]
async fn a_request_that_is_accepted_comes_back_as_azure_describes_it() {
    let script = Scripted::new([accepted()]);
    let request = initiate(&script).await.unwrap();
    assert_eq!(request.virtual_machines[0].ports[0].status, RequestStatus::InForce);
    assert_eq!(script.paths(), [format!("Post {POLICY}/initiate")]);
    let sent = script.sent()[0].json();
    let port = &sent["virtualMachines"][0]["ports"][0];
    assert_eq!(port["allowedSourceAddressPrefix"], "203.0.113.7");
    assert!(port["endTimeUtc"].as_str().unwrap().ends_with('Z'));
    assert_eq!(sent.get("justification"), None);
}

#[tokio::test]
async fn what_azure_may_have_applied_is_unanswered_and_sent_once() {
    for reply in [io_error(), reply(500, ""), reply(503, ""), reply(504, ""), reply(408, ""), reply(202, r#"{"start"#)]
    {
        let script = Scripted::new([reply]);
        assert!(matches!(initiate(&script).await, Err(InitiateError::Unanswered(_))));
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test]
async fn what_azure_did_not_apply_is_refused() {
    for (reply, code) in [
        (refused_connection(), "unreachable"),
        (refused(400, "BadRequest"), "requestRefused"),
        (refused(409, "Conflict"), "requestConflict"),
        (refused(403, "AuthorizationFailed"), "accessDenied"),
        (reply(429, "").with("retry-after", "60"), "throttled"),
    ] {
        match initiate(&Scripted::new([reply])).await {
            Err(InitiateError::Refused(trouble)) => assert_eq!(trouble.failure.code(), code),
            other => panic!("{code}: {other:?}"),
        }
    }
    let script = Scripted::new([reply(401, ""), reply(401, "")]);
    assert!(matches!(
        initiate(&script).await,
        Err(InitiateError::Refused(Trouble { failure: Failure::ToolTokenRefused { .. }, .. }))
    ));
}

#[tokio::test]
async fn a_form_that_azure_does_not_take_is_tried_once_with_a_duration() {
    let script = Scripted::new([refused(400, "InvalidInitiateInput"), accepted()]);
    initiate(&script).await.unwrap();
    let second = script.sent()[1].json();
    let port = &second["virtualMachines"][0]["ports"][0];
    assert_eq!(port["duration"], "PT2H");
    assert_eq!(port.get("endTimeUtc"), None);

    let script = Scripted::new([refused(400, "InvalidInitiateInput"), io_error()]);
    assert!(matches!(initiate(&script).await, Err(InitiateError::Unanswered(_))));
}

fn said(code: &str, message: &str) -> Reply {
    reply(400, json!({ "error": { "code": code, "message": message } }).to_string()).with("x-ms-request-id", code)
}

#[tokio::test]
async fn of_two_refusals_neither_hides_the_other() {
    for (second, code, message) in [
        (said("InvalidInitiateInput", "No endTimeUtc."), "InvalidInitiateInput", "No endTimeUtc."),
        (said("InvalidInitiateInput", "No duration."), "InvalidInitiateInput", "No endTimeUtc. No duration."),
        (said("BadRequest", "No duration."), "InvalidInitiateInput, BadRequest", "No endTimeUtc. No duration."),
        (reply(400, ""), "InvalidInitiateInput, HTTP 400", "No endTimeUtc."),
    ] {
        let script = Scripted::new([said("InvalidInitiateInput", "No endTimeUtc."), second]);
        let Err(InitiateError::Refused(trouble)) = initiate(&script).await else { panic!("not refused") };
        let (azure_code, azure_message) = (code.to_owned(), message.to_owned());
        assert_eq!(trouble.failure, Failure::RequestRefused { azure_code, azure_message });
        let ids = code.trim_end_matches(", HTTP 400");
        assert_eq!(trouble.correlation_id.as_deref(), Some(ids));
    }
    let script = Scripted::new([said("InvalidInitiateInput", "No endTimeUtc."), refused(403, "AuthorizationFailed")]);
    let Err(InitiateError::Refused(trouble)) = initiate(&script).await else { panic!("not refused") };
    assert_eq!(trouble.failure.code(), "accessDenied");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_not_found_by_a_request_is_asked_once_more_a_little_later() {
    let missing = || refused(404, "ResourceNotFound");
    let twice = Scripted::new([missing(), missing()]);
    let Err(InitiateError::Refused(trouble)) = initiate(&twice).await else { panic!("not refused") };
    assert_eq!((trouble.failure.code(), twice.sent().len()), ("azureError", 2));
    let began = tokio::time::Instant::now();
    let once = Scripted::new([missing(), refused(409, "Conflict")]);
    let Err(InitiateError::Refused(trouble)) = initiate(&once).await else { panic!("not refused") };
    assert_eq!((trouble.failure.code(), began.elapsed()), ("requestConflict", Limits::default().first_look));
}

#[tokio::test]
async fn what_is_not_azures_answer_leaves_open_whether_the_request_was_applied() {
    for status in [200, 302, 303, 403, 404, 407, 502, 511] {
        let script = Scripted::new([reply(status, "<html>Blocked</html>")]);
        let Err(InitiateError::Unanswered(trouble)) = initiate(&script).await else { panic!("{status}: refused") };
        let host = "management.azure.com".to_owned();
        let leads_to = None;
        assert_eq!(trouble.failure, Failure::NotFromAzure { host, status, leads_to });
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_that_keeps_the_method_has_passed_nothing_on_and_is_told_at_once() {
    for status in [307, 308] {
        let script = Scripted::new([reply(status, "").with("location", "https://portal.example/sign-in?from=x")]);
        let Err(InitiateError::Refused(trouble)) = initiate(&script).await else { panic!("{status}: not refused") };
        let leads_to = Some("https://portal.example".to_owned());
        assert_eq!(trouble.failure, Failure::NotFromAzure { host: "management.azure.com".into(), status, leads_to });
    }
}

#[tokio::test]
async fn what_is_no_subset_of_the_policy_is_not_tried_in_another_form() {
    let message = "The given access request is not a subset of policy '/x'.";
    let body = json!({ "error": { "code": "InvalidInitiateInput", "message": message } });
    let script = Scripted::new([reply(400, body.to_string())]);
    let Err(InitiateError::Refused(trouble)) = initiate(&script).await else { panic!("not refused") };
    let azure_code = "InvalidInitiateInput".to_owned();
    assert_eq!(trouble.failure, Failure::RequestRefused { azure_code, azure_message: message.into() });
}

#[tokio::test]
async fn a_request_that_is_withdrawn_is_refused_and_not_sent() {
    let (script, wanted) = (Scripted::new([]), Wanted::new());
    wanted.withdraw();
    let ask = Initiate {
        vm: vm(),
        port: 22,
        source: Ipv4Addr::LOCALHOST.into(),
        end_time_utc: Utc::now(),
        duration: TimeDelta::zero(),
        justification: None,
    };
    let result = client(&script).initiate(&POLICY.parse().unwrap(), &ask, &wanted).await;
    let cancelled = Failure::Cancelled { open_until: None, asking: false, starting: false };
    assert_eq!(result, Err(InitiateError::Refused(cancelled.into())));
}
