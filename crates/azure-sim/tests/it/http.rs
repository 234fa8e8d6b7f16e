//! What HTTP itself is like: both its versions, resets, bodies that nobody reads, compression, quotas.

use std::error::Error as _;

use azure_sim::{Options, SPEEDS, Simulator};
use futures::future::join_all;
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, StatusCode, Version};
use serde_json::json;

use crate::client::{Azure, error};

fn trusting(azure: &Azure, version: Version) -> Client {
    let ca = std::fs::read(&azure.simulator.announce().ca_bundle).unwrap();
    let builder = Client::builder().tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()]).no_proxy().no_gzip();
    let only: fn(ClientBuilder) -> ClientBuilder =
        if version == Version::HTTP_2 { |one| one } else { ClientBuilder::http1_only };
    only(builder).build().unwrap()
}

fn request(azure: &Azure, client: &Client, method: Method, path: &str) -> RequestBuilder {
    let url = format!("{}{path}?api-version=2022-12-01", azure.simulator.announce().resource_manager);
    client.request(method, url).bearer_auth(&azure.token)
}

/// Everything that an error says, down to its last cause.
fn causes(error: &reqwest::Error) -> String {
    let mut all = vec![format!("{error:?}")];
    let mut cause = error.source();
    while let Some(source) = cause {
        all.push(source.to_string());
        cause = source.source();
    }
    all.join(" / ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_is_one_of_the_connection_in_both_versions_before_and_after_the_request_took_effect() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        for (fault, applied) in [("reset", false), ("resetAfter", true)] {
            let azure = Azure::start().await;
            let client = trusting(&azure, version);
            let vm = azure.vm("web-01").id.clone();
            // The connection is there already.
            let before = request(&azure, &client, Method::GET, &vm).send().await.unwrap();
            assert_eq!(before.version(), version);
            before.bytes().await.unwrap();
            azure.set("faults", json!({ "match": { "route": "VirtualMachines_Start" }, "fault": fault })).await;
            let failed = request(&azure, &client, Method::POST, &format!("{vm}/start")).send().await.unwrap_err();
            let told = causes(&failed);
            assert!(told.contains("reset") || told.contains("ConnectionReset"), "{version:?} {fault}: {told}");
            let entry = &azure.journal("/start").await[0];
            assert_eq!(
                (entry["status"].is_null(), entry["appliedAt"].is_string()),
                (true, applied),
                "{version:?} {fault}"
            );
            // The next request gets a connection of its own.
            assert_eq!(request(&azure, &client, Method::GET, &vm).send().await.unwrap().status(), StatusCode::OK);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_http_2_a_reset_takes_along_what_else_is_on_the_connection() {
    let azure = Azure::start().await;
    let client = trusting(&azure, Version::HTTP_2);
    let vm = azure.vm("web-01").id.clone();
    request(&azure, &client, Method::GET, &vm).send().await.unwrap().bytes().await.unwrap();
    azure.set("faults", json!({ "match": { "route": "VirtualMachines_Get" }, "fault": "stalledHeaders" })).await;
    azure.set("faults", json!({ "match": { "route": "Tenants_List" }, "fault": "reset" })).await;
    let stalled = tokio::spawn(request(&azure, &client, Method::GET, &vm).send());
    azure.until_journal(&vm, 2).await;
    request(&azure, &client, Method::GET, "/tenants").send().await.unwrap_err();
    stalled.await.unwrap().unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_looks_at_no_body_arrives_whole_in_both_versions() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let azure = Azure::start().await;
        let client = trusting(&azure, version);
        let policy = azure.policy("web-01");
        let put = |size: usize| request(&azure, &client, Method::PUT, &policy).body(vec![b' '; size]).send();
        azure.set("faults", json!({ "match": { "method": "PUT" }, "fault": "throttle", "times": 10 })).await;
        for _ in 0..10 {
            assert_eq!(put(3 << 20).await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS, "{version:?}");
        }
        // Of the resource manager's refusals this is one: with its ids, and the time of the simulator's clock.
        azure.set("advance", json!({ "seconds": 86_400 })).await;
        let refused = put(9 << 20).await.unwrap();
        let date = chrono::DateTime::parse_from_rfc2822(refused.headers()["date"].to_str().unwrap()).unwrap();
        assert!(date.to_utc() - chrono::Utc::now() > chrono::TimeDelta::hours(23), "{date}");
        assert!(refused.headers().contains_key("x-ms-request-id"), "{version:?}");
        let (status, code, _) = error(refused).await;
        assert_eq!((status, code.as_str()), (413, "RequestContentTooLarge"), "{version:?}");
        let control = format!("{}/rights", azure.simulator.announce().control);
        let told = client.post(control).body(vec![b' '; 9 << 20]).send().await.unwrap();
        assert_eq!(told.status(), StatusCode::PAYLOAD_TOO_LARGE, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_gzip_gets_it_but_not_where_a_fault_is_about_the_bytes() {
    let azure = Azure::start().await;
    let vms =
        format!("/subscriptions/{}/providers/Microsoft.Compute/virtualMachines", azure.vm("web-01").subscription_id);
    let client = trusting(&azure, Version::HTTP_2);
    let get = async |encoding: &str| {
        let asked = request(&azure, &client, Method::GET, &vms).header("accept-encoding", encoding);
        let answer = asked.send().await.unwrap();
        let told = answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        (told, answer.bytes().await.unwrap())
    };
    let (plain, text) = get("identity").await;
    let (packed, bytes) = get("gzip, deflate").await;
    assert_eq!((plain.as_deref(), packed.as_deref()), (None, Some("gzip")));
    assert!(bytes.starts_with(&[0x1f, 0x8b]) && bytes.len() * 3 < text.len(), "{} of {}", bytes.len(), text.len());
    azure.set("faults", json!({ "fault": "malformed", "match": { "path": "virtualMachines" } })).await;
    let (packed, bytes) = get("gzip").await;
    assert_eq!((packed, bytes.as_ref()), (None, &text[..text.len() / 2]));
}

/// What is told to be left of a kind of requests.
fn left(answer: &reqwest::Response, kind: &str) -> u32 {
    let header = format!("x-ms-ratelimit-remaining-subscription-{kind}");
    answer.headers()[&header].to_str().unwrap().parse().unwrap()
}

/// Deletes what does not exist until `enough` has been seen: however slow this machine is, more than ten a second are
/// asked for, and no more than those flow back.
async fn until(azure: &Azure, enough: impl Fn(&reqwest::Response) -> bool) -> Vec<reqwest::Response> {
    let none = azure.policy("web-01").replace("/default", "/none");
    for _ in 0..40 {
        let answers = join_all((0..100).map(|_| azure.request(Method::DELETE, &none).send())).await;
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        if answers.iter().any(&enough) {
            return answers;
        }
    }
    panic!("4000 requests were not enough");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_of_a_quota_is_told_and_beyond_it_is_refused_when_the_switch_says_so() {
    let mut azure = Azure::start_with(Options::default()).await;
    azure.set("rights", json!({ "action": "*", "allowed": true })).await;
    let vm = azure.vm("web-01").id.clone();
    for _ in 0..3 {
        let left = left(&azure.request(Method::GET, &vm).send().await.unwrap(), "reads");
        assert!((200..250).contains(&left), "{left}");
    }
    let tenant = azure.request(Method::GET, "/subscriptions").send().await.unwrap();
    assert!(tenant.headers().contains_key("x-ms-ratelimit-remaining-tenant-reads"));

    let told = until(&azure, |answer| left(answer, "deletes") == 0).await;
    assert!(told.iter().all(|answer| answer.status() == StatusCode::NO_CONTENT));
    azure.set("switches", json!({ "rateLimits": "enforce" })).await;
    let is_refused = |answer: &reqwest::Response| answer.status() == StatusCode::TOO_MANY_REQUESTS;
    for answer in until(&azure, is_refused).await.into_iter().filter(is_refused) {
        assert_eq!((left(&answer, "deletes"), answer.headers()["retry-after"].to_str().unwrap()), (0, "1"));
        assert_eq!(error(answer).await.1, "TooManyRequests");
    }
    // Neither another kind of requests nor another principal is the poorer for it.
    assert_eq!(azure.request(Method::GET, &vm).send().await.unwrap().status(), StatusCode::OK);
    azure.sign_in_as("auditor").await;
    let none = azure.policy("web-01").replace("/default", "/none");
    assert!(!is_refused(&azure.request(Method::DELETE, &none).send().await.unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_speed_that_no_calendar_holds_is_refused_with_those_that_do() {
    for speed in [1e-12, 0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = Simulator::start(Options { speed, ..Options::default() }).await.err().unwrap().to_string();
        assert_eq!(refused, format!("the speed must be a number from 0.001 to 1000000000, not {speed}"));
    }
    let slowest = Azure::start_with(Options { speed: *SPEEDS.end(), ..Options::default() }).await;
    slowest.get("/subscriptions").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_its_own_id_of_a_call_gets_it_back_and_others_do_not() {
    let azure = Azure::start().await;
    for (wanted, told) in [(Some("true"), true), (Some("false"), false), (None, false)] {
        let mut call = azure.request(Method::GET, "/subscriptions").header("x-ms-client-request-id", "mine");
        if let Some(wanted) = wanted {
            call = call.header("x-ms-return-client-request-id", wanted);
        }
        let answer = call.send().await.unwrap();
        let own = answer.headers().get("x-ms-client-request-id").map(|id| id.to_str().unwrap().to_owned());
        assert_eq!(own, told.then(|| "mine".to_owned()), "{wanted:?}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
}
