//! Tokens go to no other host, and neither they nor the secret get into anything that is written.

use std::io::{self, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use ajar_azure::{ArmClient, TokenCredential, Wanted};
use ajar_core::failure::Failure;
use ajar_core::message::failure::{About, in_words};
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenRequestOptions};
use chrono::{FixedOffset, Utc};
use serde_json::json;

use crate::azure::{Azure, credential};

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

/// All that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_tokens_nor_the_secret_are_logged_or_told_whatever_goes_wrong() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);

    let azure = Azure::start().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let inner = credential(&azure.simulator, &azure.cloud, &azure.http, None);
    let noting = Arc::new(Noting { inner, seen: Arc::clone(&seen) });
    let client = ArmClient::new(&azure.cloud, noting, azure.http.clone()).unwrap();
    let ask = azure.ask("web-01").await;
    let policy = azure.policy(&ask.vm).await.id;
    let about = About { name: "web-01", zone: FixedOffset::east_opt(0).unwrap(), at: Utc::now() };
    let mut told = vec![format!("{client:?}")];

    for fault in ["reset", "expiredToken", "claimsChallenge", "html", "malformed", "redirect", "forbidden", "internal"]
    {
        for route in ["JitNetworkAccessPolicies_Initiate", "VirtualMachines_Get", "Entra_Token"] {
            azure.control("faults", json!({ "match": { "route": route }, "fault": fault, "times": 2 })).await;
        }
        let read = client.virtual_machine(&ask.vm).await.map(drop);
        let write = client.initiate(&policy, &ask, &Wanted::new()).await.map(drop);
        told.push(format!("{read:?} {write:?}"));
        if let Err(trouble) = &read {
            let view = in_words(trouble, &about);
            told.extend([format!("{trouble:?}"), view.title, view.message, view.action, view.details]);
        }
        azure.forget_faults().await;
    }

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("Azure answered") && logged.contains("TRACE"), "nothing was logged");
    let mut canaries = seen.lock().unwrap().clone();
    assert!(canaries.len() > 4, "too few tokens went by");
    canaries.push(azure.simulator.announce().client_secret.clone());
    for canary in canaries {
        let at = logged.find(&canary).map(|at| logged[..at].lines().count());
        assert_eq!(at, None, "a secret is in the log, in that line");
        assert!(!told.iter().any(|text| text.contains(&canary)), "a secret is in what is told of a failure");
    }
}

#[tokio::test]
async fn no_redirect_is_followed_to_a_foreign_host_nor_to_one_without_tls() {
    let azure = Azure::start().await;
    let ask = azure.ask("web-01").await;
    let policy = azure.policy(&ask.vm).await.id;
    let foreign = TcpListener::bind("127.0.0.1:0").unwrap();
    foreign.set_nonblocking(true).unwrap();
    let at = foreign.local_addr().unwrap();
    for to in [format!("https://{at}/x"), format!("http://{at}/x")] {
        azure.control("faults", json!({ "fault": "redirect", "to": to, "times": null })).await;
        let read = azure.client.virtual_machine(&ask.vm).await.unwrap_err();
        assert!(matches!(read.failure, Failure::NotFromAzure { status: 307, .. }), "{read:?}");
        assert!(azure.client.initiate(&policy, &ask, &Wanted::new()).await.is_err());
        let anew = credential(&azure.simulator, &azure.cloud, &azure.http, None);
        let client = ArmClient::new(&azure.cloud, anew, azure.http.clone()).unwrap();
        let signed_in = client.virtual_machine(&ask.vm).await.unwrap_err();
        assert!(matches!(signed_in.failure, Failure::NotFromAzure { status: 307, .. }), "{signed_in:?}");
        azure.forget_faults().await;
    }
    assert_eq!(foreign.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "somebody came");
}
