//! What is missing, malformed or forbidden is said in Azure's words.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::client::{Azure, error};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denied_action_is_told_in_azures_exact_sentence() {
    let azure = Azure::start().await;
    let (status, code, message) = error(azure.initiate("locked-01", json!({ "duration": "PT1H" })).await).await;
    assert_eq!((status, code.as_str()), (403, "AuthorizationFailed"));
    let action = "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action";
    let client = azure.simulator.announce().client_id;
    assert!(message.starts_with(&format!("The client '{client}' with object id '")), "{message}");
    let scope = azure.policy("locked-01");
    assert!(message.contains(&format!("to perform action '{action}' over scope '{scope}' or the scope is invalid.")));
    assert!(message.ends_with("If access was recently granted, please refresh your credentials."), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_can_be_taken_and_given() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01").id.clone();
    let start = "Microsoft.Compute/virtualMachines/start/action";
    azure.set("rights", json!({ "action": start, "scope": vm, "allowed": false })).await;
    assert_eq!(azure.post(&format!("{vm}/start")).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(azure.power("web-01").await, "deallocated");
    azure.set("rights", json!([{ "action": start, "allowed": true }])).await;
    assert_eq!(azure.post(&format!("{vm}/start")).await.status(), StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_right_on_the_subscription_lists_by_resource_group_still_work() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01");
    let read = "Microsoft.Security/locations/jitNetworkAccessPolicies/read";
    let subscription = format!("/subscriptions/{}", vm.subscription_id);
    let group = format!("{subscription}/resourceGroups/{}", vm.resource_group);
    azure
        .set(
            "rights",
            json!([
                { "action": read, "scope": subscription, "allowed": false },
                { "action": read, "scope": group, "allowed": true },
            ]),
        )
        .await;
    let list = |scope: &str| format!("{scope}/providers/Microsoft.Security/jitNetworkAccessPolicies");
    let refused = azure.request(Method::GET, &list(&subscription)).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let listed = azure.get(&list(&group)).await;
    let ids: Vec<_> = listed["value"].as_array().unwrap().iter().map(|policy| policy["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&azure.policy("web-01").as_str()), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_exist_is_told_by_azures_codes() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01");
    let (subscription, group) = (format!("/subscriptions/{}", vm.subscription_id), &vm.resource_group);
    let machines = "providers/Microsoft.Compute/virtualMachines";
    for (path, code) in [
        (format!("{subscription}/resourceGroups/{group}/{machines}/nobody"), "ResourceNotFound"),
        (format!("{subscription}/resourceGroups/nowhere/{machines}/web-01"), "ResourceGroupNotFound"),
        (format!("/subscriptions/99999999-9999-4999-8999-999999999999/{machines}"), "SubscriptionNotFound"),
    ] {
        let answer = azure.request(Method::GET, &path).send().await.unwrap();
        let (status, its_code, _) = error(answer).await;
        assert_eq!((status, its_code.as_str()), (404, code), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_version_must_be_there_and_well_formed_and_may_be_any_of_azures_years() {
    let azure = Azure::start().await;
    let base = &azure.simulator.announce().resource_manager;
    for (version, code) in [
        ("", Some("MissingApiVersionParameter")),
        ("?api-version=", Some("MissingApiVersionParameter")),
        ("?api-version=latest", Some("InvalidApiVersionParameter")),
        ("?api-version=2020-13-01", Some("InvalidApiVersionParameter")),
        ("?api-version=2013-12-31", Some("InvalidApiVersionParameter")),
        ("?api-version=2099-01-01", Some("InvalidApiVersionParameter")),
        ("?api-version=2022-12-01", None),
        ("?API-Version=2015-06-01-preview", None),
    ] {
        let url = format!("{base}/subscriptions{version}");
        let answer = azure.http.get(url).bearer_auth(&azure.token).send().await.unwrap();
        match code {
            Some(code) => assert_eq!(error(answer).await.1, code, "{version}"),
            None => assert_eq!(answer.status(), StatusCode::OK, "{version}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_can_be_traced_and_dated() {
    let azure = Azure::start().await;
    let answer = azure.request(Method::GET, &azure.vm("web-01").id).send().await.unwrap();
    for name in
        ["x-ms-request-id", "x-ms-correlation-request-id", "x-ms-ratelimit-remaining-subscription-reads", "date"]
    {
        assert!(answer.headers().contains_key(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_of_another_tenant_is_hidden_and_its_401_names_the_right_tenant() {
    let azure = Azure::start().await;
    let announce = azure.simulator.announce();
    let (contoso, fabrikam) = (announce.tenants[0].id, announce.tenants[1].id);
    let names: Vec<_> = azure.get("/subscriptions").await["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|subscription| (subscription["displayName"].clone(), subscription["tenantId"].clone()))
        .collect();
    assert_eq!(
        names,
        [(json!("Contoso Demo"), json!(contoso)), (json!("Contoso Finance"), json!(contoso))],
        "only the token's tenant"
    );
    let tenants = azure.get("/tenants").await;
    assert_eq!(tenants["value"].as_array().unwrap().len(), 1, "{tenants}");
    assert_eq!(tenants["value"][0]["defaultDomain"], "contoso.onmicrosoft.com");

    let foreign = format!("/subscriptions/{FABRIKAM_RESEARCH}");
    let answer = azure.request(Method::GET, &foreign).send().await.unwrap();
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.contains(&format!("authorization_uri=\"{}/{fabrikam}\"", announce.authority)), "{challenge}");
    let (status, code, message) = error(answer).await;
    assert_eq!((status, code.as_str()), (401, "InvalidAuthenticationTokenTenant"));
    assert!(message.starts_with("The access token is from the wrong issuer "), "{message}");
    assert!(message.contains(&contoso.to_string()) && message.contains(&fabrikam.to_string()), "{message}");

    // Without any token the challenge says where to get one for this subscription.
    let url = format!("{}{foreign}?api-version=2022-12-01", announce.resource_manager);
    let answer = azure.http.get(url).send().await.unwrap();
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.contains(&fabrikam.to_string()), "{challenge}");
}

const FABRIKAM_RESEARCH: &str = "c3a8e9b2-1f64-4d0e-8a57-90b4d2f1e003";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_account_has_its_own_rights_and_its_own_name_in_the_refusal() {
    let mut azure = Azure::start().await;
    let app = azure.token.clone();
    let auditor = azure.account("auditor").clone();
    azure.sign_in_as("auditor").await;
    let vm = azure.vm("web-01").id.clone();
    azure.get(&vm).await;
    let (status, code, message) = error(azure.post(&format!("{vm}/start")).await).await;
    assert_eq!((status, code.as_str()), (403, "AuthorizationFailed"));
    let (client, object) = (auditor.client_id.unwrap(), auditor.object_id);
    assert!(message.starts_with(&format!("The client '{client}' with object id '{object}' does not ")), "{message}");

    // A statement about one of them leaves the other alone.
    let read = "Microsoft.Compute/virtualMachines/read";
    azure.set("rights", json!({ "action": read, "allowed": false, "principal": "auditor" })).await;
    assert_eq!(azure.request(Method::GET, &vm).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let auditors = std::mem::replace(&mut azure.token, app);
    azure.get(&vm).await;

    // Who may read nothing in a subscription does not see it.
    azure.set("rights", json!({ "action": "*", "allowed": false, "principal": client })).await;
    azure.token = auditors;
    assert_eq!(azure.get("/subscriptions").await["value"], json!([]));
    let own = json!({ "action": "*/read", "scope": vm, "allowed": true, "principal": object });
    azure.set("rights", own).await;
    assert_eq!(azure.get("/subscriptions").await["value"].as_array().unwrap().len(), 1);

    let wrong = azure.control("rights", json!({ "action": "*", "allowed": true, "principal": "nobody" })).await;
    let (status, _, message) = error(wrong).await;
    assert!(status == 400 && message.contains("'nobody'") && message.contains("auditor"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_to_initiate_is_asked_for_the_policys_vms_and_others_are_no_subset() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01").id.clone();
    let initiate = "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action";
    let group = vm.split("/providers/").next().unwrap();
    // All that the caller may is below this group.
    azure
        .set(
            "rights",
            json!([{ "action": initiate, "allowed": false }, { "action": initiate, "scope": group, "allowed": true }]),
        )
        .await;
    let ask = async |id: &str| {
        let ports = [json!({ "number": azure.vm("web-01").ports[0].number, "duration": "PT1H" })];
        let body = json!({ "virtualMachines": [{ "id": id, "ports": ports }] });
        let path = format!("{}/initiate", azure.policy("web-01"));
        azure.request(Method::POST, &path).json(&body).send().await.unwrap()
    };
    for id in ["xx", "/subscriptions/xx/resourceGroups/xx/providers/Microsoft.Compute/virtualMachines/xx"] {
        let (status, _, message) = error(ask(id).await).await;
        assert_eq!(status, 400, "{id}: {message}");
        assert!(message.contains("is not a subset of policy"), "{id}: {message}");
    }
    assert_eq!(ask(&vm).await.status(), StatusCode::ACCEPTED);
    azure.set("rights", json!({ "action": initiate, "scope": vm, "allowed": false })).await;
    assert_eq!(ask(&vm).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_provider_has_is_told_by_the_part_of_the_path_that_is_wrong() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01").id.clone();
    let group = vm.split("/providers/").next().unwrap().to_owned();
    for (path, status, code, words) in [
        ("/resourceGroups/rg-demo".to_owned(), 404, "MissingSubscription", "did not have a subscription"),
        (format!("{group}/providers/Contoso.Tea/cups/a"), 404, "InvalidResourceNamespace", "'Contoso.Tea' is invalid"),
        (
            format!("{group}/providers/microsoft.compute/cups/a"),
            404,
            "InvalidResourceType",
            "The resource type 'cups' could not be found in the namespace 'Microsoft.Compute' for api version",
        ),
        (
            "/subscriptions/99999999-9999-4999-8999-999999999999/providers/Contoso.Tea/cups".to_owned(),
            404,
            "SubscriptionNotFound",
            "99999999-9999-4999-8999-999999999999",
        ),
        (format!("{vm}?$expand=tea"), 400, "InvalidParameter", "'tea' of parameter $expand"),
    ] {
        let answer = azure.request(Method::GET, &path).send().await.unwrap();
        let (its_status, its_code, message) = error(answer).await;
        assert_eq!((its_status, its_code.as_str()), (status, code), "{path}: {message}");
        assert!(message.contains(words), "{path}: {message}");
    }
    let url = format!("{}{vm}?api-version=2099-01-01", azure.simulator.announce().resource_manager);
    let answer = azure.http.get(url).bearer_auth(&azure.token).send().await.unwrap();
    let (status, code, message) = error(answer).await;
    assert_eq!((status, code.as_str()), (400, "NoRegisteredProviderFound"));
    assert!(message.contains("for type 'virtualMachines'"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_missing_is_told_before_anything_else_about_the_resource() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01").id.clone();
    let told = async |method: Method, path: &str| {
        let (status, code, message) = error(azure.request(method, path).send().await.unwrap()).await;
        (status, code, message)
    };
    // The operator may not, and is not told that this simulator could not either.
    for (method, path, action) in [
        (Method::PUT, vm.clone(), "Microsoft.Compute/virtualMachines/write"),
        (Method::DELETE, vm.clone(), "Microsoft.Compute/virtualMachines/delete"),
        (Method::POST, format!("{vm}/reimage"), "Microsoft.Compute/virtualMachines/reimage/action"),
        (Method::PUT, vm.replace("rg-demo", "nowhere"), "Microsoft.Compute/virtualMachines/write"),
    ] {
        let (status, code, message) = told(method.clone(), &path).await;
        assert_eq!((status, code.as_str()), (403, "AuthorizationFailed"), "{method} {path}: {message}");
        assert!(message.contains(&format!("to perform action '{action}' over scope '")), "{message}");
    }
    azure.set("rights", json!({ "action": "*", "allowed": true })).await;
    assert_eq!(told(Method::PUT, &vm).await.1, "NotSimulated");
    assert_eq!(told(Method::POST, &format!("{vm}/reimage")).await.1, "NotSimulated");
    assert_eq!(told(Method::PUT, &vm.replace("rg-demo", "nowhere")).await.1, "ResourceGroupNotFound");

    // Nor is who may not look told which resource groups there are.
    azure.set("rights", json!({ "action": "*", "allowed": false })).await;
    for group in ["rg-demo", "nowhere"] {
        let (status, code, message) = told(Method::GET, &vm.replace("rg-demo", group)).await;
        assert_eq!((status, code.as_str()), (403, "AuthorizationFailed"), "{group}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_right_is_told_nothing_of_what_is_there_or_not() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01").id.clone();
    let group = vm.split("/providers/").next().unwrap().to_owned();
    let subscription = group.split("/resourceGroups/").next().unwrap().to_owned();
    let tags = |of: &str| format!("{of}/providers/Microsoft.Resources/tags/default");
    let balancer = format!("{group}/providers/Microsoft.Network/loadBalancers/none");
    let reads = [
        (balancer.clone(), "Microsoft.Network/loadBalancers/read", balancer),
        (tags(&vm), "Microsoft.Resources/tags/read", tags(&vm)),
        (tags(&format!("{vm}-not")), "Microsoft.Resources/tags/read", tags(&format!("{vm}-not"))),
        (
            format!("{subscription}/providers/Microsoft.Compute"),
            "Microsoft.Resources/subscriptions/providers/read",
            subscription.clone(),
        ),
    ];
    azure.set("rights", json!({ "action": "*", "allowed": false })).await;
    for (path, action, scope) in &reads {
        let (status, code, message) = error(azure.request(Method::GET, path).send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), (403, "AuthorizationFailed"), "{path}: {message}");
        assert!(message.contains(&format!("to perform action '{action}' over scope '{scope}'")), "{message}");
    }
    azure.set("rights", json!({ "action": "*/read", "allowed": true })).await;
    let mut answers = Vec::new();
    for (path, ..) in &reads {
        answers.push(azure.request(Method::GET, path).send().await.unwrap().status().as_u16());
    }
    assert_eq!(answers, [404, 200, 404, 200]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_leaves_out_what_the_caller_may_not_read() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01");
    let subscription = format!("/subscriptions/{}", vm.subscription_id);
    let hidden = format!("{subscription}/resourceGroups/{}", vm.resource_group);
    let watchers = format!("{subscription}/resourceGroups/NetworkWatcherRG");
    let lists = [
        "Microsoft.Compute/virtualMachines",
        "Microsoft.Compute/disks",
        "Microsoft.Network/networkInterfaces",
        "Microsoft.Network/publicIPAddresses",
        "Microsoft.Network/networkSecurityGroups",
        "Microsoft.Network/virtualNetworks",
        "Microsoft.Network/networkWatchers",
    ];
    let ids = async |list: &str| -> Vec<String> {
        let all = azure.get(&format!("{subscription}/providers/{list}")).await;
        all["value"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let is_hidden = |id: &String| [&hidden, &watchers].iter().any(|group| id.starts_with(&format!("{group}/")));
    for list in lists {
        assert!(ids(list).await.iter().any(is_hidden), "{list}");
    }
    for group in [&hidden, &watchers] {
        azure.set("rights", json!({ "action": "*/read", "scope": group, "allowed": false })).await;
    }
    for list in lists {
        assert!(!ids(list).await.iter().any(is_hidden), "{list}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_azure_has_and_is_not_simulated_is_refused_by_no_sentence_of_azures() {
    let azure = Azure::start().await;
    azure.set("rights", json!({ "action": "*", "allowed": true })).await;
    let vm = azure.vm("web-01").id.clone();
    let subscription = format!("/subscriptions/{}", azure.vm("web-01").subscription_id);
    for (method, path, what) in [
        (Method::GET, "providers/microsoft.authorization/roleassignments", "Microsoft.Authorization/roleAssignments"),
        (Method::GET, "providers/Microsoft.Authorization/permissions", "Microsoft.Authorization/permissions"),
        (Method::GET, "providers/Microsoft.Security/alerts", "Microsoft.Security/alerts"),
        (Method::GET, "providers/Microsoft.Storage/storageAccounts", "Microsoft.Storage/storageAccounts"),
        (Method::GET, "providers/Microsoft.Insights/metricAlerts", "Microsoft.Insights/metricAlerts"),
        (Method::GET, "providers/Microsoft.Storage", "Microsoft.Storage"),
        (Method::PUT, "resourceGroups/rg-demo", "Microsoft.Resources/subscriptions/resourceGroups/write"),
    ] {
        let path = format!("{subscription}/{path}");
        let (status, code, message) = error(azure.request(method, &path).send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), (501, "NotSimulated"), "{path}: {message}");
        assert!(message.contains(&format!("does not simulate {what}.")), "{path}: {message}");
    }
    let path = format!("{vm}/retrieveBootDiagnosticsData");
    let (status, _, message) = error(azure.request(Method::POST, &path).send().await.unwrap()).await;
    assert_eq!(status, 501);
    assert!(message.contains("Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action"), "{message}");
    let people = azure.request(Method::GET, "/v1.0/users").send().await.unwrap();
    let (status, code, message) = error(people).await;
    assert_eq!((status, code.as_str()), (501, "NotSimulated"));
    assert!(message.contains("Microsoft Graph (GET /v1.0/users)"), "{message}");
}
