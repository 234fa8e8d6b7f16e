//! Each fault as it shows on the wire.

use std::time::Duration;

use base64::Engine;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::client::{Azure, error};

/// The answer to a read that `fault` strikes.
async fn struck(azure: &Azure, mut fault: Value) -> reqwest::Result<Response> {
    fault["match"] = json!({ "route": "Subscriptions_List" });
    azure.set("faults", fault).await;
    azure.request(Method::GET, "/subscriptions").send().await
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_form_of_retry_after_is_told() {
    let azure = Azure::start().await;
    for (form, name, value) in [
        ("seconds", "retry-after", "86400"),
        ("retry-after-ms", "retry-after-ms", "86400000"),
        ("x-ms-retry-after-ms", "x-ms-retry-after-ms", "86400000"),
        ("garbage", "retry-after", "soon"),
    ] {
        let fault = json!({ "fault": "throttle", "retryAfter": 86400, "retryForm": form });
        let answer = struck(&azure, fault).await.unwrap();
        assert_eq!((answer.status().as_u16(), header(&answer, name)), (429, Some(value)), "{form}");
        assert!(header(&answer, "x-ms-correlation-request-id").is_some(), "{form}");
        let told = ["retry-after", "retry-after-ms", "x-ms-retry-after-ms"];
        assert_eq!(told.iter().filter(|name| header(&answer, name).is_some()).count(), 1, "{form}");
    }
    let answer = struck(&azure, json!({ "fault": "throttle", "retryForm": "absent" })).await.unwrap();
    assert!(!answer.headers().keys().any(|name| name.as_str().contains("retry-after")));
    let answer = struck(&azure, json!({ "fault": "throttle", "retryForm": "date", "retryAfter": 60 })).await.unwrap();
    let date = chrono::DateTime::parse_from_rfc2822(header(&answer, "retry-after").unwrap()).unwrap();
    let wait = date.to_utc() - chrono::Utc::now();
    assert!((50..=60).contains(&wait.num_seconds()), "{wait}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_answer_with_pages_and_services_in_their_own_words() {
    let azure = Azure::start().await;
    for (fault, status) in [("badGateway", 502), ("gatewayTimeout", 504)] {
        let answer = struck(&azure, json!({ "fault": fault, "retryAfter": 3 })).await.unwrap();
        assert_eq!((answer.status().as_u16(), header(&answer, "retry-after")), (status, Some("3")), "{fault}");
        assert!(answer.text().await.unwrap().contains("<html>"), "{fault}");
    }
    for (fault, status) in
        [("proxyForbidden", 403), ("proxyNotFound", 404), ("proxyAuthentication", 407), ("networkAuthentication", 511)]
    {
        let answer = struck(&azure, json!({ "fault": fault })).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{fault}");
        assert!(answer.text().await.unwrap().contains("<html>"), "{fault}");
    }
    let announce = azure.simulator.announce();
    for path in ["oauth2/v2.0/token", "discovery/v2.0/keys", "v2.0/.well-known/openid-configuration"] {
        azure.set("faults", json!({ "fault": "unavailable" })).await;
        let url = format!("{}/{}/{path}", announce.authority, announce.tenant_id);
        let answer = azure.http.post(url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 503, "{path}");
        let traced = header(&answer, "x-ms-request-id").unwrap().to_owned();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(
            (&answer["error"], &answer["trace_id"]),
            (&json!("temporarily_unavailable"), &json!(traced)),
            "{path}"
        );
    }
    azure.set("faults", json!({ "fault": "throttle" })).await;
    let url = format!("{}/metadata/identity/oauth2/token", announce.imds_endpoint);
    let answer = azure.http.get(url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 429);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "TooManyRequests", "as that service tells all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_for_whoever_asks() {
    let mut azure = Azure::start().await;
    let refused = async |azure: &Azure| error(struck(azure, json!({ "fault": "forbidden" })).await.unwrap()).await;
    for name in ["app", "auditor"] {
        azure.sign_in_as(name).await;
        let (status, code, message) = refused(&azure).await;
        assert_eq!((status, code.as_str()), (403, "AuthorizationFailed"));
        let who = format!("with object id '{}'", azure.account(name).object_id);
        assert!(message.contains(&who), "{name}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_names_the_action_and_the_resource_that_were_asked_for() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01").id.clone();
    let policy = azure.policy("web-01");
    let group = vm.split("/providers/").next().unwrap().to_owned();
    let told = async |fault: &str, method: Method, path: &str| {
        azure.set("faults", json!({ "fault": fault })).await;
        error(azure.request(method, path).send().await.unwrap()).await
    };
    for (method, path, action, scope) in [
        (Method::POST, format!("{vm}/start"), "Microsoft.Compute/virtualMachines/start/action", &vm),
        (Method::GET, format!("{vm}/instanceView"), "Microsoft.Compute/virtualMachines/instanceView/read", &vm),
        (
            Method::POST,
            format!("{policy}/initiate"),
            "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action",
            &policy,
        ),
        (
            Method::GET,
            format!("{group}/providers/Microsoft.Network/networkInterfaces"),
            "Microsoft.Network/networkInterfaces/read",
            &group,
        ),
    ] {
        let (status, code, message) = told("forbidden", method, &path).await;
        assert_eq!((status, code.as_str()), (403, "AuthorizationFailed"), "{path}");
        assert!(message.contains(&format!("to perform action '{action}' over scope '{scope}' or")), "{message}");
    }
    for (path, code, words) in [
        (vm, "ResourceNotFound", "'Microsoft.Compute/virtualMachines/web-01' under resource group 'rg-demo'"),
        (group, "ResourceGroupNotFound", "'rg-demo'"),
    ] {
        let (status, its_code, message) = told("notFound", Method::GET, &path).await;
        assert_eq!((status, its_code.as_str()), (404, code), "{path}");
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_broken_answer_says_can_be_chosen() {
    let azure = Azure::start().await;
    for (fault, status) in [("internal", 500), ("badGateway", 502), ("html", 200), ("invalidJson", 200)] {
        let answer = struck(&azure, json!({ "fault": fault, "body": "just so" })).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{fault}");
        assert_eq!(answer.text().await.unwrap(), "just so", "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claims_challenge_has_claims_that_can_be_read() {
    let azure = Azure::start().await;
    for (fault, challenges) in [("claimsChallenge", 1), ("twoChallenges", 2)] {
        let answer = struck(&azure, json!({ "fault": fault })).await.unwrap();
        assert_eq!(answer.status().as_u16(), 401);
        let told: Vec<_> =
            answer.headers().get_all("www-authenticate").iter().map(|one| one.to_str().unwrap()).collect();
        assert_eq!(told.len(), challenges, "{told:?}");
        assert!(told[0].contains(r#"error="insufficient_claims""#), "{told:?}");
        assert!(
            told.iter().skip(1).all(|plain| plain.contains("invalid_token") && !plain.contains("claims")),
            "{told:?}"
        );
        let claims = told[0].split("claims=\"").nth(1).unwrap().split('"').next().unwrap();
        let claims = base64::engine::general_purpose::STANDARD.decode(claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["access_token"]["nbf"]["essential"], true);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_leads_where_it_was_asked_to() {
    let azure = Azure::start().await;
    let base = azure.simulator.announce().resource_manager.clone();
    let path = "/subscriptions?api-version=2020-01-01";
    for (to, location) in [
        ("foreign", format!("https://management.azure.example{path}")),
        ("http", format!("{}{path}", base.replace("https:", "http:"))),
        ("self", format!("{base}{path}")),
        ("https://example.com/x", "https://example.com/x".to_owned()),
    ] {
        // The address within has a client that follows no redirects: none may be followed here either.
        let url = format!("{base}{path}");
        let ca = std::fs::read(&azure.simulator.announce().ca_bundle).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()])
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        azure.set("faults", json!({ "match": { "path": "/subscriptions" }, "fault": "redirect", "to": to })).await;
        let answer = client.get(url).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), header(&answer, "location")), (307, Some(location.as_str())), "{to}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_break_in_each_of_the_ways() {
    let azure = Azure::start().await;
    let whole = azure.request(Method::GET, "/subscriptions").send().await.unwrap().bytes().await.unwrap();
    let body = async |fault: Value| struck(&azure, fault).await.unwrap().bytes().await;

    // On a machine that is very busy the end may overtake the headers: that too is a connection that drops.
    let truncated = async { struck(&azure, json!({ "fault": "truncated" })).await?.bytes().await };
    assert!(truncated.await.is_err());
    let invalid = body(json!({ "fault": "invalidJson" })).await.unwrap();
    assert!(serde_json::from_slice::<Value>(&invalid).is_err() && !invalid.is_empty());
    assert!(body(json!({ "fault": "emptyBody" })).await.unwrap().is_empty());
    assert_eq!(body(json!({ "fault": "slowTrickle", "seconds": 0.1 })).await.unwrap(), whole);
    let padded = body(json!({ "fault": "oversizedBody", "megabytes": 2 })).await.unwrap();
    assert_eq!(padded.len(), whole.len() + (2 << 20));
    assert_eq!(serde_json::from_slice::<Value>(&padded).unwrap(), serde_json::from_slice::<Value>(&whole).unwrap());
    let answer = struck(&azure, json!({ "fault": "wrongContentType" })).await.unwrap();
    assert_eq!(header(&answer, "content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.bytes().await.unwrap(), whole);
    let marked = body(json!({ "fault": "byteOrderMark" })).await.unwrap();
    assert_eq!(marked.strip_prefix(b"\xef\xbb\xbf"), Some(&whole[..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_stall_before_their_headers_and_within_their_bodies() {
    let azure = Azure::start().await;
    let patience = Duration::from_millis(300);
    let headers = struck(&azure, json!({ "fault": "stalledHeaders" }));
    assert!(tokio::time::timeout(patience, headers).await.is_err());
    let answer = struck(&azure, json!({ "fault": "stalledBody" })).await.unwrap();
    assert!(tokio::time::timeout(patience, answer.bytes()).await.is_err());
    let answer = struck(&azure, json!({ "fault": "stalledBody", "seconds": 0.1 })).await.unwrap();
    assert!(answer.bytes().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_can_be_off_both_ways() {
    let azure = Azure::start().await;
    for minutes in [-7, 7] {
        let answer = struck(&azure, json!({ "fault": "clockSkew", "minutes": minutes })).await.unwrap();
        let date = chrono::DateTime::parse_from_rfc2822(header(&answer, "date").unwrap()).unwrap();
        let off = (date.to_utc() - chrono::Utc::now()).num_seconds() - minutes * 60;
        assert!(off.abs() < 3, "{minutes}: {off}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_may_take_effect_although_a_gateway_gave_up_on_it() {
    let azure = Azure::start().await;
    let path = format!("{}/start", azure.vm("web-01").id);
    let fault = json!({ "match": { "route": "VirtualMachines_Start" }, "fault": "gatewayTimeout", "applied": true });
    azure.set("faults", fault).await;
    assert_eq!(azure.request(Method::POST, &path).send().await.unwrap().status().as_u16(), 504);
    azure.until_power("web-01", "running").await;
    let entries = azure.journal("/start").await;
    assert_eq!((&entries[0]["status"], &entries[0]["fault"]), (&json!(504), &json!("gatewayTimeout")));
    assert_eq!(entries[0]["route"], "VirtualMachines_Start");
    assert!(entries[0]["appliedAt"].is_string());
}
