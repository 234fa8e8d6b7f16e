//! The client against the simulator: real HTTPS, sign-in included.

#![expect(clippy::unwrap_used, reason = "what a test can't set up or read shall end it there")]

mod azure;
mod bastion_host;
mod inventory;
mod leaks;
mod long_answers;
mod people;
mod places;
mod redirects;
mod rights;
mod tls_server;
mod tolerance;

use ajar_azure::{ArmClient, Cloud, Initiate, InitiateError, Wanted, http_client};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::policy::{RequestStatus, SourcePrefix};
use ajar_core::resource_id::VmResourceId;
use ajar_core::vm::{OsType, PowerState};
use chrono::{TimeDelta, Utc};
use serde_json::json;

use azure::{Azure, sign_in};

#[tokio::test]
async fn a_wrong_secret_is_no_sign_in_and_is_not_repeated() {
    let azure = Azure::start().await;
    let credential = sign_in(&azure.simulator, Some("wr0ng-secret"))
        .credential(&azure.cloud, azure.http.clone())
        .unwrap()
        .in_tenant(None);
    let client = ArmClient::new(&azure.cloud, credential, azure.http.clone()).unwrap();
    let failure = client.virtual_machine(&azure.vm("web-01")).await.unwrap_err().failure;
    let Failure::PrincipalRefused { detail, .. } = failure else { panic!("{failure:?}") };
    assert!(detail.contains("AADSTS") && !detail.contains("wr0ng"), "{detail}");
}

#[tokio::test]
async fn many_calls_at_once_sign_in_once() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01");
    let calls = (0..6).map(|_| azure.client.virtual_machine(&vm));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(azure.posts("/token").await, 1);
}

#[tokio::test]
async fn a_token_that_has_run_out_is_renewed_on_the_way() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01");
    azure.client.virtual_machine(&vm).await.unwrap();
    azure.control("faults", json!({ "match": { "method": "GET" }, "fault": "unauthorized" })).await;
    azure.client.virtual_machine(&vm).await.unwrap();
    assert_eq!(azure.posts("/token").await, 2);
}

#[tokio::test]
async fn an_application_whose_new_token_azure_refuses_is_told_neither_to_sign_in_nor_to_correct_its_secret() {
    let azure = Azure::start().await;
    let fault = json!({ "match": { "method": "GET" }, "fault": "unauthorized", "times": null });
    azure.control("faults", fault).await;
    let failure = azure.client.virtual_machine(&azure.vm("web-01")).await.unwrap_err().failure;
    let Failure::TokenRefused { account, claims: None, .. } = &failure else { panic!("{failure:?}") };
    assert_eq!(account.as_deref(), Some(ajar_core::account::ENVIRONMENT));
    assert_eq!(azure.posts("/token").await, 2, "it was a new one");
}

#[tokio::test]
async fn what_conditional_access_wants_of_an_application_is_told_with_its_claims() {
    let azure = Azure::start().await;
    let client_id = azure.simulator.announce().client_id.to_string();
    azure.control("accounts", json!({ "account": client_id, "demand": "mfa" })).await;
    let Trouble { failure, correlation_id } = azure.client.virtual_machine(&azure.vm("web-01")).await.unwrap_err();
    let Failure::InteractionRequired { client_id: named, detail, claims, .. } = failure else { panic!("{failure:?}") };
    assert!(correlation_id.is_some_and(|ids| ids.contains(", trace ")), "Entra's support asks for both ids");
    assert_eq!(&*named, client_id);
    assert!(detail.starts_with("AADSTS50076") && claims.starts_with(r#"{"access_token""#), "{detail} {claims}");
}

#[tokio::test]
async fn an_application_meets_a_claims_challenge_with_a_newer_token_and_only_the_next_is_told() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01");
    for fault in ["claimsChallenge", "twoChallenges"] {
        let challenge = json!({ "match": { "method": "GET" }, "fault": fault, "times": 1 });
        azure.control("faults", challenge.clone()).await;
        azure.client.virtual_machine(&vm).await.unwrap();
        for _ in 0..2 {
            azure.control("faults", challenge.clone()).await;
        }
        let failure = azure.client.virtual_machine(&vm).await.unwrap_err().failure;
        let Failure::TokenRefused { claims: Some(claims), .. } = failure else { panic!("{fault}: {failure:?}") };
        assert!(claims.starts_with("eyJ"), "{fault}: {claims}");
    }
}

#[tokio::test]
async fn a_vm_its_addresses_and_its_policy_are_found() {
    let azure = Azure::start().await;
    let vm = azure.vm("build-win-02");
    let facts = azure.client.virtual_machine(&vm).await.unwrap();
    assert_eq!((facts.power, facts.os), (PowerState::Running, Some(OsType::Windows)));
    let addresses = azure.client.addresses(&facts.network_interfaces).await.unwrap();
    let announced = azure.simulator.announce().vms.iter().find(|vm| vm.name == "build-win-02").unwrap();
    assert_eq!(addresses.public.map(|public| public.ip.to_string()), announced.public_ip);
    assert!(addresses.private.is_some());
    let policy = azure.policy(&vm).await;
    let entry = policy.virtual_machines.iter().find(|entry| entry.id == vm).unwrap();
    assert_eq!(entry.ports[0].number, 3389);
    assert_eq!(entry.ports[0].max_request_access_duration, Some(TimeDelta::hours(3)));
    assert_eq!(azure.client.clock_skew(), Some(TimeDelta::zero()));

    assert_eq!(azure.client.jit_policies(&azure.vm("legacy-box")).await, Ok(vec![]));
    let private = azure.client.virtual_machine(&azure.vm("private-only")).await.unwrap();
    assert_eq!(azure.client.addresses(&private.network_interfaces).await.unwrap().public, None);
}

#[tokio::test]
async fn a_clock_that_is_off_is_noticed() {
    let azure = Azure::start().await;
    azure.control("advance", json!({ "seconds": 600 })).await;
    let vm = azure.vm("web-01");
    azure.client.virtual_machine(&vm).await.unwrap();
    let skew = azure.client.clock_skew().expect("another path was asked, since one answer may be wrong");
    assert!((skew - TimeDelta::minutes(10)).abs() < TimeDelta::seconds(5), "{skew}");
    let subscription = format!("/subscriptions/{}", vm.resource().subscription_id());
    let asked = azure.journal_of(&subscription).await;
    assert!(asked.iter().any(|entry| entry["path"] == subscription && entry["status"] == 401), "{asked:?}");
}

#[tokio::test]
async fn access_is_asked_for_and_then_stands_in_the_policy() {
    let azure = Azure::start().await;
    let ask = azure.ask("web-01").await;
    let policy = azure.policy(&ask.vm).await;
    let request = azure.client.initiate(&policy.id, &ask, &Wanted::new()).await.unwrap();
    let port = &request.virtual_machines[0].ports[0];
    assert_eq!((port.number, port.status), (22, RequestStatus::InForce));
    assert!((port.end_time_utc - ask.end_time_utc).abs() < TimeDelta::seconds(1));
    let policy = azure.client.jit_policy(&policy.id).await.unwrap();
    let found = policy.requests.iter().find(|found| found.start_time_utc == request.start_time_utc).unwrap();
    assert_eq!(found.justification.as_deref(), Some("a test"));
    let sources = &found.virtual_machines[0].ports[0].allowed_source_address_prefixes;
    assert_eq!(sources[..], [SourcePrefix::from(ask.source.addr().to_string().as_str())]);
}

#[tokio::test]
async fn access_is_granted_whichever_form_of_the_end_azure_takes() {
    let azure = Azure::start().await;
    let ask = azure.ask("db-replica-3").await;
    let policy = azure.policy(&ask.vm).await.id;
    for form in ["both", "endTimeUtc", "duration"] {
        azure.control("switches", json!({ "initiateBody": form })).await;
        let request = azure
            .client
            .initiate(&policy, &ask, &Wanted::new())
            .await
            .unwrap_or_else(|error| panic!("{form}: {error:?}"));
        let end = request.virtual_machines[0].ports[0].end_time_utc;
        assert!((end - ask.end_time_utc).abs() < TimeDelta::minutes(1), "{form}: {end}");
    }
}

#[tokio::test]
async fn a_clock_that_is_a_day_behind_gets_access_for_as_long_as_it_was_asked_for() {
    let azure = Azure::start().await;
    let ask = azure.ask("web-01").await;
    let policy = azure.policy(&ask.vm).await.id;
    azure.control("advance", json!({ "seconds": 90_000 })).await;
    let granted = azure.client.initiate(&policy, &ask, &Wanted::new()).await.unwrap();
    let lasts = granted.virtual_machines[0].ports[0].end_time_utc - granted.start_time_utc;
    assert!((lasts - ask.duration).abs() < TimeDelta::minutes(1), "{lasts}");
}

#[tokio::test]
async fn a_request_beyond_the_policy_is_refused_in_azures_words() {
    let azure = Azure::start().await;
    for code in ["BadRequest", "InvalidInitiateInput"] {
        azure.control("switches", json!({ "notSubsetCode": code })).await;
        let ask = Initiate { end_time_utc: Utc::now() + TimeDelta::hours(20), ..azure.ask("web-01").await };
        let policy = azure.policy(&ask.vm).await.id;
        let result = azure.client.initiate(&policy, &ask, &Wanted::new()).await;
        let Err(InitiateError::Refused(Trouble { failure, correlation_id })) = result else { panic!("{result:?}") };
        let Failure::RequestRefused { azure_code, azure_message } = failure else { panic!("{failure:?}") };
        assert_eq!(azure_code, code);
        assert!(azure_message.contains("not a subset"), "{azure_message}");
        assert!(correlation_id.is_some());
    }
    assert_eq!(azure.posts("/initiate").await, 2);
}

#[tokio::test]
async fn a_request_whose_answer_is_lost_is_unanswered_and_sent_once() {
    let azure = Azure::start().await;
    let ask = azure.ask("web-01").await;
    let policy = azure.policy(&ask.vm).await.id;
    for (sent, fault) in ["resetAfter", "reset", "internal", "unavailable", "malformed"].into_iter().enumerate() {
        azure.control("faults", json!({ "match": { "path": "/initiate" }, "fault": fault })).await;
        let result = azure.client.initiate(&policy, &ask, &Wanted::new()).await;
        assert!(matches!(result, Err(InitiateError::Unanswered(_))), "{fault}: {result:?}");
        assert_eq!(azure.posts("/initiate").await, sent + 1, "{fault}");
    }
}

#[tokio::test]
async fn a_denied_request_names_the_right_that_is_missing() {
    let azure = Azure::start().await;
    let ask = azure.ask("locked-01").await;
    let policy = azure.policy(&ask.vm).await.id;
    let Err(InitiateError::Refused(trouble)) = azure.client.initiate(&policy, &ask, &Wanted::new()).await else {
        panic!("granted")
    };
    assert_eq!(
        trouble.failure,
        Failure::AccessDenied {
            action: "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action".into(),
            scope: policy.to_string(),
        }
    );
}

#[tokio::test]
async fn without_the_right_to_list_a_subscription_the_resource_group_is_listed() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01");
    let action = "Microsoft.Security/locations/jitNetworkAccessPolicies/read";
    let subscription = format!("/subscriptions/{}", vm.resource().subscription_id());
    let group = vm.resource().resource_group_scope();
    azure
        .control(
            "rights",
            json!([
                { "action": action, "scope": subscription, "allowed": false },
                { "action": action, "scope": group, "allowed": true },
            ]),
        )
        .await;
    assert_eq!(azure.client.jit_policies(&vm).await.unwrap().len(), 1);
    // Of several VMs each has the answer for its own group.
    let elsewhere = azure.vm("build-win-02");
    let answers = azure.client.jit_policies_of(&[elsewhere.clone(), vm.clone(), vm]).await;
    let shown: Vec<_> = answers.iter().map(|answer| answer.as_ref().map_or(0, Vec::len)).collect();
    assert_eq!(shown, [0, 1, 1]);
    assert!(matches!(answers[0].as_ref().unwrap_err().failure, Failure::AccessDenied { .. }), "{elsewhere}");
    // A policy that is not among those of its group may be in another one.
    let bare = azure.vm("legacy-box");
    azure
        .control(
            "rights",
            json!({ "action": action, "scope": bare.resource().resource_group_scope(), "allowed": true }),
        )
        .await;
    let answers = azure.client.jit_policies_of(&[bare]).await;
    assert!(matches!(answers[0].as_ref().unwrap_err().failure, Failure::PolicyUnseen { .. }), "{answers:?}");
}

#[tokio::test]
async fn reads_survive_what_passes() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01");
    for fault in [
        json!({ "fault": "unavailable", "retryAfter": 1 }),
        json!({ "fault": "reset" }),
        json!({ "fault": "resetAfter" }),
        json!({ "fault": "throttle", "retryAfter": 1 }),
        json!({ "fault": "malformed" }),
    ] {
        let mut fault = fault;
        fault["match"] = json!({ "method": "GET" });
        azure.control("faults", fault.clone()).await;
        let result = azure.client.virtual_machine(&vm).await;
        assert!(result.is_ok(), "{fault}: {result:?}");
    }
}

#[tokio::test]
async fn a_deallocated_vm_is_started_and_given_back() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01");
    azure.client.start(&vm, &Wanted::new()).await.unwrap();
    assert_eq!(azure.client.virtual_machine(&vm).await.unwrap().power, PowerState::Running);
    azure.client.deallocate(&vm, &Wanted::new(), &|| {}).await.unwrap();
    assert_eq!(azure.client.virtual_machine(&vm).await.unwrap().power, PowerState::Deallocated);
    assert_eq!((azure.posts("/start").await, azure.posts("/deallocate").await), (1, 1));
}

#[tokio::test]
async fn a_start_is_followed_even_where_operations_may_not_be_read() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01");
    azure.control("faults", json!({ "match": { "path": "/operations/" }, "fault": "forbidden", "times": null })).await;
    azure
        .control("faults", json!({ "match": { "path": "/operationResults/" }, "fault": "notFound", "times": null }))
        .await;
    azure.client.start(&vm, &Wanted::new()).await.unwrap();
    assert_eq!(azure.client.virtual_machine(&vm).await.unwrap().power, PowerState::Running);
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_not_sent_again() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01");
    azure.control("faults", json!({ "match": { "path": "/start" }, "fault": "resetAfter" })).await;
    azure.client.start(&vm, &Wanted::new()).await.unwrap();
    assert_eq!(azure.posts("/start").await, 1);
}

#[tokio::test]
async fn a_vm_without_room_says_so_at_once_or_later() {
    for way in ["async", "sync"] {
        let azure = Azure::start().await;
        azure.control("switches", json!({ "allocationFailed": way })).await;
        let failure = azure.client.start(&azure.vm("capacity-01"), &Wanted::new()).await.unwrap_err().failure;
        let Failure::AllocationFailed { azure_code, azure_message } = failure else { panic!("{way}: {failure:?}") };
        assert!(azure_code.contains("AllocationFailed") && !azure_message.is_empty(), "{way}: {azure_code}");
    }
}

#[tokio::test]
async fn what_is_not_there_and_who_is_not_trusted_is_told_apart() {
    let azure = Azure::start().await;
    let missing: VmResourceId = azure.vm("web-01").to_string().replace("web-01", "nobody").parse().unwrap();
    let failure = azure.client.virtual_machine(&missing).await.unwrap_err().failure;
    assert_eq!(failure, Failure::VmNotFound { vm: missing.to_string() });

    let trusting_others = Cloud { ca_bundle_pem: None, ..azure.cloud.clone() };
    let http = http_client(&trusting_others).unwrap();
    let credential =
        sign_in(&azure.simulator, None).credential(&azure.cloud, azure.http.clone()).unwrap().in_tenant(None);
    let client = ArmClient::new(&azure.cloud, credential, http).unwrap();
    let failure = client.virtual_machine(&missing).await.unwrap_err().failure;
    assert!(matches!(failure, Failure::Unreachable { .. }), "{failure:?}");
}
