//! Neither tokens nor the secret, nor bodies and queries, get into anything that is written.
//!
//! One test, alone in its process: what is logged at the same time elsewhere would decide by chance which lines there are.

#![expect(clippy::unwrap_used, reason = "what a test can't set up or read shall end it there")]

#[path = "../it/azure.rs"]
#[expect(dead_code, reason = "shared with the other tests against the simulator")]
mod azure;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ajar_azure::{ArmClient, InitiateError, Limits, TokenCredential, Wanted};
use ajar_core::failure::Trouble;
use ajar_core::message::failure::{About, in_words};
use ajar_core::zone::Zone;
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenRequestOptions};
use chrono::{FixedOffset, Utc};
use serde_json::{Value, json};
use tracing_subscriber::filter::LevelFilter;

use azure::{Azure, sign_in};

/// Stands in bodies where nothing of it is to be told.
const BODY: &str = "canary-within-a-body";
/// Stands in the queries of URLs that Azure gives: its own carry signatures there.
const QUERY: &str = "canary-within-a-query";

/// Notes the tokens that go by.
#[derive(Debug)]
struct Noting {
    inner: Arc<dyn TokenCredential>,
    seen: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl TokenCredential for Noting {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let token = self.inner.get_token(scopes, options).await?;
        self.seen.lock().unwrap().push(token.token.secret().to_owned());
        Ok(token)
    }
}

/// All that is logged, by whichever crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> Self {
        let log = Self::default();
        let writer = log.clone();
        let all = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false);
        tracing::subscriber::set_global_default(all.with_writer(move || writer.clone()).finish()).unwrap();
        log
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What goes wrong: each once it has been renewed, so twice.
fn faults(base: &str) -> Vec<Value> {
    let wrong =
        json!({ "id": BODY, "properties": BODY, "value": BODY, "startTimeUtc": BODY, "access_token": { BODY: 1 } });
    let next = json!({ "value": [], "nextLink": format!("{base}/nowhere?sig={QUERY}") });
    let error = json!({ "error": { "code": "C", "message": "M", "seen": BODY } });
    let page = format!("<html>{BODY}</html>");
    let named = |name: &str| json!({ "fault": name });
    let with = |name: &str, body: &str| json!({ "fault": name, "body": body });
    vec![
        named("reset"),
        named("expiredToken"),
        named("claimsChallenge"),
        named("twoChallenges"),
        named("malformed"),
        named("truncated"),
        named("forbidden"),
        named("conflict"),
        json!({ "fault": "throttle", "retryAfter": 1 }),
        json!({ "fault": "redirect", "to": format!("https://example.com/x?code={QUERY}") }),
        with("html", &page),
        with("proxyForbidden", &page),
        with("badGateway", &page),
        with("internal", &error.to_string()),
        with("invalidJson", &wrong.to_string()),
        with("invalidJson", &next.to_string()),
        with("invalidJson", &format!("{{\"id\": {BODY}}}")),
        with("invalidJson", &format!("{{\"id\": \"{BODY}")),
    ]
}

/// All that can be shown of a trouble, what “Copy details” copies included.
fn told(trouble: &Trouble) -> Vec<String> {
    let about =
        About { name: "web-01", zone: Zone::always(FixedOffset::east_opt(0).unwrap(), Utc::now()), at: Utc::now() };
    let view = in_words(trouble, &about);
    vec![format!("{trouble:?}"), view.title, view.message, view.action, view.details]
}

#[tokio::test]
async fn neither_tokens_nor_the_secret_nor_bodies_nor_queries_are_logged_or_told_whatever_goes_wrong() {
    let log = Log::start();
    let limits = Limits { first_wait: Duration::from_millis(10), ..Limits::default() };
    let azure = Azure::start_with(limits, None).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let signing_in = || {
        let inner =
            sign_in(&azure.simulator, None).credential(&azure.cloud, azure.http.clone()).unwrap().in_tenant(None);
        let noting = Arc::new(Noting { inner, seen: Arc::clone(&seen) });
        ArmClient::new(&azure.cloud, noting, azure.http.clone()).unwrap()
    };
    let ask = azure.ask("web-01").await;
    let policy = azure.policy(&ask.vm).await.id;
    let mut all_told = vec![format!("{:?} {:?}", signing_in(), azure.http)];

    let mut failures = 0;
    for fault in faults(&azure.simulator.announce().resource_manager) {
        for route in ["JitNetworkAccessPolicies_*", "VirtualMachines_Get", "Entra_Token"] {
            // A client of its own for each: neither a token nor a pause is left over.
            let client = signing_in();
            let mut fault = fault.clone();
            fault["match"] = json!({ "route": route });
            fault["times"] = json!(2);
            azure.control("faults", fault).await;
            let read = client.virtual_machine(&ask.vm).await.err();
            let list = client.jit_policies(&ask.vm).await.err();
            let write = client.initiate(&policy, &ask, &Wanted::new()).await.err().map(|error| match error {
                InitiateError::Unanswered(trouble) | InitiateError::Refused(trouble) => trouble,
            });
            let troubles: Vec<_> = [read, list, write].into_iter().flatten().collect();
            failures += troubles.len();
            all_told.extend(troubles.iter().flat_map(told));
            azure.forget_faults().await;
        }
    }

    let logged = log.text();
    assert!(logged.contains("Azure answered") && logged.contains("TRACE"), "nothing was logged");
    assert!(logged.contains(" h2::"), "others were not heard");
    assert!(failures > 40, "only {failures} failures");
    let mut canaries = seen.lock().unwrap().clone();
    assert!(canaries.len() > 40, "only {} tokens went by", canaries.len());
    canaries.extend([azure.simulator.announce().client_secret.clone(), BODY.to_owned(), QUERY.to_owned()]);
    for canary in canaries {
        let line = logged.lines().find(|line| line.contains(&canary)).map(|line| line.replace(&canary, "CANARY"));
        assert_eq!(line, None, "a secret is in the log");
        let text = all_told.iter().find(|text| text.contains(&canary)).map(|text| text.replace(&canary, "CANARY"));
        assert_eq!(text, None, "a secret is in what is told of a failure");
    }
}
