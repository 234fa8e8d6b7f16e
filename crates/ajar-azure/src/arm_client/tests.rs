use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::scripted::{
    Reply, Scripted, client, client_of_one_token, io_error, json, refused, refused_connection, signing_in,
};

const ASKED: Asked<'static> = Asked { call: Call::OperationResult, scope: "/subscriptions/s" };

async fn read(script: &Arc<Scripted>) -> Result<Arc<Answer>, Trouble> {
    let client = client(script);
    client.read(client.url("/subscriptions", &[("api-version", "1")]), ASKED).await
}

async fn post(script: &Arc<Scripted>) -> Result<Answer, NoAnswer> {
    let client = client(script);
    client.post(Call::Start, client.url("/x", &[]), Some(b"{}".to_vec()), &Wanted::new()).await
}

#[tokio::test(start_paused = true)]
async fn reads_are_sent_again_after_what_passes() {
    for passing in [408, 429, 500, 502, 503, 504] {
        let script = Scripted::new([json(passing, ""), io_error(), refused_connection(), json(200, "{}")]);
        assert_eq!(read(&script).await.unwrap().status, 200, "{passing}");
    }
    for lasting in [400, 409, 501] {
        let script = Scripted::new([json(lasting, "")]);
        assert!(read(&script).await.is_err(), "{lasting}");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_are_given_up_within_seconds() {
    let began = Instant::now();
    let script = Scripted::new((0..5).map(|_| refused_connection()));
    let trouble = read(&script).await.unwrap_err();
    assert_eq!(
        trouble.failure,
        Failure::Unreachable { host: "management.azure.com".into(), detail: "connection reset".into() }
    );
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn reads_that_wait_long_each_time_are_given_up_earlier() {
    let unavailable = || json(503, "").with("retry-after", "15");
    let began = Instant::now();
    assert!(read(&Scripted::new([unavailable(), unavailable(), unavailable()])).await.is_err());
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_read_once_more() {
    assert_eq!(read(&Scripted::new([json(200, r#"{"cut"#), json(200, "{}")])).await.unwrap().body, b"{}");
    for (body, code) in [("{\"cut", "azureError"), ("<html>", "notFromAzure")] {
        let mangled = read(&Scripted::new([json(200, body), json(200, body)])).await.unwrap_err();
        assert_eq!(mangled.failure.code(), code, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn writes_are_never_sent_again_after_an_error() {
    for reply in [500, 502, 503, 504, 408].map(|status| json(status, "")) {
        let script = Scripted::new([reply]);
        assert!(!post(&script).await.unwrap().is_success());
    }
    assert!(matches!(post(&Scripted::new([io_error()])).await, Err(NoAnswer::Unanswered(_))));
    assert!(matches!(post(&Scripted::new([refused_connection()])).await, Err(NoAnswer::NotSent(_))));
}

#[tokio::test(start_paused = true)]
async fn what_is_throttled_is_sent_again_as_azure_says_and_never_at_once_until_its_time_is_over() {
    let throttled = || json(429, "").with("retry-after", "3");
    let began = Instant::now();
    assert_eq!(post(&Scripted::new([throttled(), throttled(), json(202, "")])).await.unwrap().status, 202);
    assert_eq!(began.elapsed().as_secs(), 6);
    // Five seconds before the step would end without a word of Azure's.
    let began = Instant::now();
    assert_eq!(post(&Scripted::new((0..60).map(|_| throttled()))).await.unwrap().status, 429);
    assert!((40..=45).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    let began = Instant::now();
    assert!(read(&Scripted::new((0..60).map(|_| throttled()))).await.is_err());
    assert!((40..=45).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    let six_times = || (0..6).map(|_| json(429, "").with("retry-after", "2")).chain([json(200, "{}")]);
    assert_eq!(read(&Scripted::new(six_times())).await.unwrap().status, 200);
    assert_eq!(post(&Scripted::new(six_times())).await.unwrap().status, 200);
    // Without a time it is asked again soon, and with one that is over no sooner.
    let none = || json(429, "").with("retry-after", "0");
    let began = Instant::now();
    assert_eq!(post(&Scripted::new([none(), none(), json(202, "")])).await.unwrap().status, 202);
    assert!(began.elapsed() >= Duration::from_millis(750), "{:?}", began.elapsed());
    let began = Instant::now();
    assert_eq!(post(&Scripted::new([json(429, ""), json(429, ""), json(202, "")])).await.unwrap().status, 202);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(post(&Scripted::new([json(503, "").with("retry-after", "1")])).await.unwrap().status, 503);
}

#[tokio::test(start_paused = true)]
async fn a_long_retry_after_is_told_and_not_waited_for() {
    let began = Instant::now();
    let trouble = read(&Scripted::new([json(429, "").with("retry-after", "3600")])).await.unwrap_err();
    assert!(began.elapsed().is_zero());
    let Failure::Throttled { retry_at } = trouble.failure else { panic!("another failure") };
    assert!((retry_at - Utc::now() - TimeDelta::hours(1)).abs() < TimeDelta::seconds(5));
}

#[tokio::test(start_paused = true)]
async fn a_short_retry_after_is_waited_for_in_full() {
    let began = Instant::now();
    read(&Scripted::new([json(503, "").with("x-ms-retry-after-ms", "19000"), json(200, "{}")])).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 19);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_reads_and_writes() {
    let script = Scripted::new([json(401, ""), json(200, "{}")]);
    read(&script).await.unwrap();
    let tokens: Vec<_> = script.sent().iter().map(|sent| sent.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2"]);

    let script = Scripted::new([json(401, ""), json(202, "")]);
    assert_eq!(post(&script).await.unwrap().status, 202);
    assert_eq!(script.sent()[1].body, "{}");

    let script = Scripted::new([json(401, ""), refused(401, "ExpiredAuthenticationToken")]);
    let trouble = read(&script).await.unwrap_err();
    let detail = "Azure says ExpiredAuthenticationToken.".into();
    assert_eq!(trouble.failure, Failure::ToolTokenRefused { tool: TokenTool::AzureCli, detail });
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_that_is_all_there_is_is_shown_once_more_a_little_later() {
    let refusal = || refused(401, "ExpiredAuthenticationToken");
    let script =
        Scripted::new([refusal(), json(200, "{}"), json(200, "{}"), refusal(), json(202, ""), refusal(), refusal()]);
    let client = client_of_one_token(&script);
    let url = client.url("/subscriptions", &[]);
    let began = Instant::now();
    client.read(url.clone(), ASKED).await.unwrap();
    assert_eq!(began.elapsed(), Limits::default().first_look);
    // Azure takes it: nobody is asked for another each time.
    client.read(url.clone(), ASKED).await.unwrap();
    assert_eq!(client.post(Call::Start, url.clone(), None, &Wanted::new()).await.unwrap().status, 202);
    let failure = client.read(url, ASKED).await.unwrap_err().failure;
    assert_eq!(failure.code(), "toolTokenRefused");
    assert_eq!(script.sent().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_withdrawn_before_the_same_token_is_shown_again_is_not_sent() {
    let script = Scripted::new([refused(401, "ExpiredAuthenticationToken")]);
    let client = client_of_one_token(&script);
    let wanted = Wanted::new();
    let post = client.post(Call::Start, client.url("/x", &[]), None, &wanted);
    let withdraw = async {
        tokio::time::sleep(Limits::default().first_look / 2).await;
        wanted.withdraw();
    };
    let (posted, ()) = tokio::join!(post, withdraw);
    let Err(NoAnswer::NotSent(trouble)) = posted else { panic!("{posted:?}") };
    assert_eq!(trouble.failure.code(), "cancelled");
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn a_challenge_is_met_once_with_its_claims_and_a_challenged_token_is_not_used_again() {
    let challenge = || json(401, "").with("www-authenticate", r#"Bearer error="insufficient_claims", claims="e30=""#);
    let script = Scripted::new([challenge(), json(200, "{}"), challenge(), challenge(), json(200, "{}")]);
    let client = client(&script);
    let url = client.url("/subscriptions", &[]);
    client.read(url.clone(), ASKED).await.unwrap();
    let scope = "https://management.azure.com/.default".to_owned();
    let failure = client.read(url.clone(), ASKED).await.unwrap_err().failure;
    assert_eq!(failure, Failure::ClaimsRequired { claims: "e30=".into(), scope, tenant: None });
    client.read(url, ASKED).await.unwrap();
    let sent = script.sent();
    let tokens: Vec<_> = sent.iter().map(|sent| sent.header("authorization").unwrap()).collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2", "Bearer token-2", "Bearer token-3", "Bearer token-4"]);
}

#[tokio::test]
async fn every_call_says_who_we_are_and_bears_an_id() {
    let script = Scripted::new([json(200, "{}")]);
    read(&script).await.unwrap();
    let sent = &script.sent()[0];
    assert_eq!(sent.url, "https://management.azure.com/subscriptions?api-version=1");
    assert_eq!(sent.header("user-agent"), Some(concat!("ajar/", env!("CARGO_PKG_VERSION"))));
    assert!(sent.header("x-ms-client-request-id").is_some_and(|id| id.len() == 36));
}

#[tokio::test]
async fn a_token_goes_to_no_other_host() {
    let script = Scripted::new([]);
    let client = client(&script);
    for foreign in ["https://evil.example/x", "https://management.azure.com:444/x", "http://management.azure.com/x"] {
        let trouble = client.read(foreign.parse().unwrap(), ASKED).await.unwrap_err();
        let Failure::Internal { detail } = trouble.failure else { panic!("{foreign}") };
        assert!(detail.starts_with("refused to send a token to "), "{detail}");
        assert!(client.own_url(foreign).is_err(), "{foreign}");
    }
    assert!(client.own_url("https://management.azure.com/x?$skiptoken=1").is_ok());
    assert!(client.own_url("/relative").is_err());
}

#[tokio::test]
async fn azures_id_of_the_call_comes_with_the_trouble() {
    let reply = || refused(409, "Conflict").with("x-ms-request-id", "r");
    let id = |reply: Reply| async move { read(&Scripted::new([reply])).await.unwrap_err().correlation_id };
    assert_eq!(id(reply().with("x-ms-correlation-request-id", "c")).await.as_deref(), Some("c"));
    assert_eq!(id(reply()).await.as_deref(), Some("r"));
}

#[tokio::test]
async fn the_skew_of_the_clocks_is_read_from_the_date_header() {
    let date = |ahead| (Utc::now() + TimeDelta::seconds(ahead)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let script = Scripted::new([
        json(200, ""),
        json(200, "").with("date", date(120)),
        json(200, "").with("date", date(6_000)),
        refused(401, "AuthenticationFailed").with("date", date(120)),
        json(200, "").with("date", date(120)),
        json(200, "").with("date", "yesterday"),
    ]);
    let client = client(&script);
    let mut seen = Vec::new();
    for path in ["/0", "/1", "/2", "/3", "/4"] {
        client.read(client.url(path, &[]), ASKED).await.unwrap();
        seen.push(client.clock_skew());
    }
    assert_eq!(seen[0], None);
    for skew in &seen[1..] {
        assert!((skew.unwrap() - TimeDelta::minutes(2)).abs() < TimeDelta::seconds(3), "{seen:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_far_off_is_borne_out_by_asking_once_without_a_token() {
    let date = |ahead| (Utc::now() + TimeDelta::seconds(ahead)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let told = || json(200, "").with("date", date(900));
    let script = Scripted::new([told(), refused(401, "AuthenticationFailed").with("date", date(900)), told()]);
    let client = client(&script);
    let policies = "/subscriptions/S/providers/Microsoft.Security/jitNetworkAccessPolicies";
    for _ in 0..2 {
        client.read(client.url(policies, &[]), ASKED).await.unwrap();
        let skew = client.clock_skew().expect("the second path tells the same");
        assert!((skew - TimeDelta::minutes(15)).abs() < TimeDelta::seconds(3), "{skew}");
    }
    let sent = script.sent();
    assert_eq!(sent.len(), 3);
    assert!(sent[1].url.contains("/subscriptions/S?api-version="), "{}", sent[1].url);
    assert_eq!(sent[1].header("authorization"), None);
}

#[tokio::test]
async fn of_several_clients_the_one_that_was_told_last_knows_the_skew() {
    let date = |ahead| (Utc::now() + TimeDelta::seconds(ahead)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let told = async |ahead| {
        let client = client(&Scripted::new([0, 1, 2].map(|_| json(200, "").with("date", date(ahead)))));
        for path in ["/a", "/b"] {
            client.read(client.url(path, &[]), ASKED).await.unwrap();
        }
        client
    };
    let idle = told(600).await;
    let used = told(0).await;
    for clients in [[&idle, &used], [&used, &idle]] {
        assert_eq!(ArmClient::latest_clock_skew(clients), Some(TimeDelta::zero()), "the clock was set meanwhile");
    }
}

const MINUTE: Duration = Duration::from_mins(1);

/// What comes of a post that is withdrawn a second after it was begun, and when that is known.
async fn withdrawn_after_a_second(client: &ArmClient) -> (NoAnswer, Duration) {
    let (began, wanted) = (Instant::now(), Wanted::new());
    let withdraw = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        wanted.withdraw();
    };
    let post = client.post(Call::Start, client.url("/x", &[]), Some(b"{}".to_vec()), &wanted);
    let error = tokio::join!(post, withdraw).0.unwrap_err();
    assert!(!wanted.has_left(), "Azure has applied nothing");
    (error, began.elapsed())
}

fn is_cancelled(error: &NoAnswer) -> bool {
    matches!(error, NoAnswer::NotSent(Trouble { failure: Failure::Cancelled { .. }, .. }))
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_withdrawn_while_it_waits_for_its_second_turn_was_sent_once() {
    let script = Scripted::new([json(429, "").with("retry-after", "15")]);
    let (error, took) = withdrawn_after_a_second(&client(&script)).await;
    assert!(is_cancelled(&error), "{error:?}");
    assert_eq!((script.sent().len(), took.as_secs()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_withdrawn_while_its_token_is_fetched_is_not_sent() {
    let script = Scripted::new([]);
    let (error, took) = withdrawn_after_a_second(&signing_in(&script, (MINUTE, MINUTE))).await;
    assert!(is_cancelled(&error), "{error:?}");
    assert_eq!((script.sent().len(), took.as_secs()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_withdrawn_while_its_token_is_renewed_was_sent_once() {
    let script = Scripted::new([json(401, "")]);
    let (error, took) = withdrawn_after_a_second(&signing_in(&script, (Duration::ZERO, MINUTE))).await;
    assert!(is_cancelled(&error), "{error:?}");
    assert_eq!((script.sent().len(), took.as_secs()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_withdrawn_on_its_way_runs_to_its_end() {
    let script = Scripted::new([json(202, "{}").after(Duration::from_secs(3))]);
    let (client, wanted) = (client(&script), Wanted::new());
    let post = client.post(Call::Start, client.url("/x", &[]), None, &wanted);
    let withdraw = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        wanted.withdraw();
        assert!(wanted.has_left());
    };
    assert_eq!(tokio::join!(post, withdraw).0.unwrap().status, 202);
    assert!(wanted.has_left());
}

#[tokio::test(start_paused = true)]
async fn what_one_call_learns_of_throttling_holds_back_all_others_of_its_subscription() {
    let throttled = json(429, "").with("retry-after", "3600");
    let script = Scripted::new([throttled, json(200, "{}")]);
    let client = client(&script);
    let at = |path: &str| client.url(path, &[]);
    let told = client.read(at("/subscriptions/A/x"), ASKED).await.unwrap_err().failure;
    let Failure::Throttled { retry_at } = told else { panic!("{told:?}") };
    assert!((retry_at - Utc::now() - TimeDelta::hours(1)).abs() < TimeDelta::seconds(5), "{retry_at}");
    for path in ["/subscriptions/a/y", "/SUBSCRIPTIONS/A/resourceGroups/g"] {
        let held_back = client.read(at(path), ASKED).await.unwrap_err().failure;
        assert!(matches!(held_back, Failure::Throttled { .. }), "{path}: {held_back:?}");
    }
    let write = client.post(Call::Start, at("/subscriptions/a/y"), None, &Wanted::new()).await.unwrap_err();
    assert!(matches!(write, NoAnswer::NotSent(Trouble { failure: Failure::Throttled { .. }, .. })), "{write:?}");
    assert!(client.read(at("/subscriptions/b/x"), ASKED).await.is_ok());
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_short_pause_all_go_on_together() {
    let throttled = json(429, "").with("retry-after", "5");
    let script = Scripted::new([throttled, json(200, "{}"), json(200, "{}")]);
    let client = client(&script);
    let began = Instant::now();
    let one = client.read(client.url("/subscriptions/a/x", &[]), ASKED);
    let other = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.read(client.url("/subscriptions/a/y", &[]), ASKED).await
    };
    let (one, other) = tokio::join!(one, other);
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_same_read_at_the_same_time_is_made_once() {
    let slow = || json(200, "{}").after(Duration::from_secs(1));
    let script = Scripted::new([slow(), slow(), slow()]);
    let client = client(&script);
    let read = |path: &'static str| client.read(client.url(path, &[]), ASKED);
    let (one, same, other) = tokio::join!(read("/subscriptions/a"), read("/subscriptions/a"), read("/subscriptions/b"));
    assert!(one.is_ok() && same.is_ok() && other.is_ok());
    assert_eq!(script.sent().len(), 2);
    read("/subscriptions/a").await.unwrap();
    assert_eq!(script.sent().len(), 3, "an answer that is there is not used again");
}

#[tokio::test(start_paused = true)]
async fn a_shared_read_goes_on_for_those_who_still_wait() {
    let script = Scripted::new([json(200, "{}").after(Duration::from_secs(2))]);
    let client = client(&script);
    let read = || client.read(client.url("/subscriptions/a", &[]), ASKED);
    let impatient = tokio::time::timeout(Duration::from_secs(1), read());
    let (gone, patient) = tokio::join!(impatient, read());
    assert!(gone.is_err() && patient.is_ok());
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_after_a_write_never_shares_one_from_before_it() {
    let script = Scripted::new([
        json(200, "{\"old\":1}").after(Duration::from_secs(5)),
        json(202, "").after(Duration::from_secs(1)),
        json(200, "{\"new\":1}"),
    ]);
    let client = client(&script);
    let url = client.url("/subscriptions/a", &[]);
    let before = client.read(url.clone(), ASKED);
    let after = async {
        tokio::task::yield_now().await;
        client.post(Call::Start, client.url("/subscriptions/a/start", &[]), None, &Wanted::new()).await.unwrap();
        client.read(url.clone(), ASKED).await
    };
    let (before, after) = tokio::join!(before, after);
    assert_eq!((&before.unwrap().body[..], &after.unwrap().body[..]), (&b"{\"old\":1}"[..], &b"{\"new\":1}"[..]));
}
