use std::collections::VecDeque;
use std::sync::Arc;

use super::*;

#[derive(Debug, Default)]
struct Script {
    answers: Mutex<VecDeque<Result<AccessToken, Failure>>>,
    asked: Mutex<Vec<TokenAsk>>,
}

#[async_trait]
impl TokenSource for Script {
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Trouble> {
        tokio::task::yield_now().await;
        self.asked.lock().unwrap().push(ask.clone());
        self.answers.lock().unwrap().pop_front().expect("asked more often than expected").map_err(Trouble::from)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a line of the script, beside failures")]
fn token(name: &'static str, lasts: Duration) -> Result<AccessToken, Failure> {
    Ok(AccessToken::new(name, OffsetDateTime::now_utc() + lasts))
}

/// A cache before a source that answers so.
#[derive(Debug)]
struct Account {
    script: Arc<Script>,
    source: Arc<dyn TokenSource>,
    cache: Arc<TokenCache>,
}

fn account(script: impl IntoIterator<Item = Result<AccessToken, Failure>>) -> Arc<Account> {
    let script = Arc::new(Script { answers: Mutex::new(script.into_iter().collect()), ..Script::default() });
    Arc::new(Account { source: Arc::clone(&script) as Arc<dyn TokenSource>, script, cache: Arc::default() })
}

impl Account {
    async fn get(&self) -> Result<String, Failure> {
        self.get_instead_of(None, &TokenAsk::of("scope")).await
    }

    async fn get_instead_of(&self, rejected: Option<&str>, ask: &TokenAsk) -> Result<String, Failure> {
        let rejected = rejected.map(|token| Secret::new(token.to_owned()));
        let token = self.cache.token(&self.source, ask, rejected.as_ref()).await;
        token.map(|token| token.token.secret().to_owned()).map_err(|trouble| trouble.failure)
    }
}

fn denied() -> Failure {
    Failure::not_signed_in("no")
}

const HOUR: Duration = Duration::hours(1);

#[tokio::test]
async fn a_token_is_fetched_once_and_renewed_five_minutes_before_its_end() {
    let account = account([token("short", Duration::minutes(4)), token("long", Duration::minutes(6))]);
    assert_eq!(account.get().await.unwrap(), "short");
    assert_eq!(account.get().await.unwrap(), "long");
    assert_eq!(account.get().await.unwrap(), "long");
}

#[tokio::test]
async fn callers_that_come_together_share_one_fetch_and_also_its_failure() {
    let account = account([Err(denied()), token("one", HOUR)]);
    for result in futures::future::join_all((0..20).map(|_| account.get())).await {
        assert_eq!(result, Err(denied()));
    }
    for result in futures::future::join_all((0..20).map(|_| account.get())).await {
        assert_eq!(result.unwrap(), "one");
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_others_are_kept() {
    let account = account([token("old", HOUR), token("new", HOUR)]);
    assert_eq!(account.get().await.unwrap(), "old");
    for _ in 0..2 {
        assert_eq!(account.get_instead_of(Some("old"), &TokenAsk::of("scope")).await.unwrap(), "new");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_used_to_its_end() {
    let account = account([token("short", Duration::minutes(4)), Err(denied())]);
    assert_eq!(account.get().await.unwrap(), "short");
    assert_eq!(account.get().await.unwrap(), "short");
}

#[tokio::test]
async fn a_failure_is_not_remembered_and_an_empty_token_is_one() {
    let account = account([Err(denied()), token("", HOUR), token("good", HOUR)]);
    assert_eq!(account.get().await, Err(denied()));
    assert!(matches!(account.get().await, Err(Failure::NotSignedIn { .. })));
    assert_eq!(account.get().await.unwrap(), "good");
}

#[tokio::test]
async fn each_tenant_and_scope_has_its_own_token() {
    let account = account([token("a", HOUR), token("b", HOUR), token("c", HOUR)]);
    let of = |tenant: Option<&str>, scope: &str| TokenAsk { tenant: tenant.map(Into::into), ..TokenAsk::of(scope) };
    let asks = [of(Some("contoso"), "scope"), of(Some("fabrikam"), "scope"), of(Some("contoso"), "other")];
    for _ in 0..2 {
        for (ask, expected) in asks.iter().zip(["a", "b", "c"]) {
            assert_eq!(account.get_instead_of(None, ask).await.unwrap(), expected);
        }
    }
    assert_eq!(*account.script.asked.lock().unwrap(), asks);
}

#[tokio::test]
async fn claims_are_asked_for_once_by_all_whose_token_was_challenged() {
    let account = account([token("old", HOUR), token("new", HOUR)]);
    account.get().await.unwrap();
    let ask = TokenAsk { claims: Some("e30=".into()), ..TokenAsk::of("scope") };
    let challenged = (0..20).map(|_| account.get_instead_of(Some("old"), &ask));
    for result in futures::future::join_all(challenged).await {
        assert_eq!(result.unwrap(), "new");
    }
    assert_eq!(account.script.asked.lock().unwrap()[1..], [ask]);
    assert_eq!(account.get().await.unwrap(), "new");
}

#[tokio::test]
async fn after_a_new_sign_in_nothing_of_before_is_used() {
    let account = account([token("old", HOUR), token("new", HOUR)]);
    assert_eq!(account.get().await.unwrap(), "old");
    account.cache.renew(async {}).await;
    assert_eq!(account.get().await.unwrap(), "new");
}

#[tokio::test]
async fn a_fetch_goes_on_when_nobody_waits_for_it_any_more() {
    let account = account([token("one", HOUR)]);
    let waiting = Arc::clone(&account);
    let waiting = tokio::spawn(async move { waiting.get().await });
    while account.cache.flight.try_lock().is_ok() {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(account.get().await.unwrap(), "one", "it was asked for once");
}
