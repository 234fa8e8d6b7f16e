//! Remembers tokens. The Azure CLI's credential starts a process for every token, and azure_identity's own caches can't
//! be told that a token was refused.

use std::collections::HashMap;

use ajar_core::failure::Failure;
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use super::SignInFailed;
use crate::policies::RejectedToken;

/// A token is renewed this long before its end.
const AHEAD: Duration = Duration::minutes(5);
/// If renewing fails, a token with this much left is used all the same.
const STILL_GOOD: Duration = Duration::seconds(30);

/// Where tokens come from.
#[async_trait]
pub(super) trait TokenSource: std::fmt::Debug + Send + Sync {
    /// A new token for the scope.
    async fn fetch(&self, scope: &str) -> Result<AccessToken, Failure>;
}

/// A credential that asks its source only when it must, and once at a time.
#[derive(Debug)]
pub(super) struct TokenCache<S> {
    source: S,
    /// Held while a token is fetched: those who come meanwhile find it fetched.
    tokens: Mutex<HashMap<String, AccessToken>>,
}

impl<S: TokenSource> TokenCache<S> {
    pub(super) fn new(source: S) -> Self {
        Self { source, tokens: Mutex::default() }
    }

    async fn token(&self, scope: &str, rejected: Option<&Secret>) -> Result<AccessToken, Failure> {
        let mut tokens = self.tokens.lock().await;
        let cached = tokens.get(scope).filter(|token| rejected != Some(&token.token)).cloned();
        let lasts = |token: &AccessToken, at_least| token.expires_on - OffsetDateTime::now_utc() > at_least;
        if let Some(token) = cached.as_ref().filter(|token| lasts(token, AHEAD)) {
            return Ok(token.clone());
        }
        match self.source.fetch(scope).await {
            Ok(token) if token.token.secret().is_empty() => {
                Err(Failure::NotSignedIn { detail: "the answer to the sign-in holds no token".to_owned() })
            }
            Ok(token) => {
                tokens.insert(scope.to_owned(), token.clone());
                Ok(token)
            }
            Err(failure) => match cached.filter(|token| lasts(token, STILL_GOOD)) {
                Some(token) => {
                    tracing::warn!(%failure, "the token could not be renewed; using it to its end");
                    Ok(token)
                }
                None => Err(failure),
            },
        }
    }
}

#[async_trait]
impl<S: TokenSource> TokenCredential for TokenCache<S> {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let &[scope] = scopes else {
            return Err(Error::with_message(ErrorKind::Credential, "one scope at a time"));
        };
        let rejected = options.as_ref().and_then(|options| options.method_options.context.value::<RejectedToken>());
        self.token(scope, rejected.map(|rejected| &rejected.0))
            .await
            .map_err(|failure| Error::new(ErrorKind::Credential, SignInFailed(failure)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use azure_core::http::{ClientMethodOptions, Context};

    use super::*;

    #[derive(Debug, Default)]
    struct Script(std::sync::Mutex<VecDeque<Result<AccessToken, Failure>>>);

    #[async_trait]
    impl TokenSource for Script {
        async fn fetch(&self, _: &str) -> Result<AccessToken, Failure> {
            tokio::task::yield_now().await;
            self.0.lock().unwrap().pop_front().expect("asked more often than expected")
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "a line of the script, beside failures")]
    fn token(name: &'static str, lasts: Duration) -> Result<AccessToken, Failure> {
        Ok(AccessToken::new(name, OffsetDateTime::now_utc() + lasts))
    }

    fn cache(script: impl IntoIterator<Item = Result<AccessToken, Failure>>) -> Arc<TokenCache<Script>> {
        Arc::new(TokenCache::new(Script(std::sync::Mutex::new(script.into_iter().collect()))))
    }

    async fn get(cache: &TokenCache<Script>) -> Result<String, Failure> {
        cache.token("scope", None).await.map(|token| token.token.secret().to_owned())
    }

    fn denied() -> Failure {
        Failure::NotSignedIn { detail: "no".into() }
    }

    #[tokio::test]
    async fn a_token_is_fetched_once_and_renewed_five_minutes_before_its_end() {
        let cache = cache([token("short", Duration::minutes(4)), token("long", Duration::minutes(6))]);
        assert_eq!(get(&cache).await.unwrap(), "short");
        assert_eq!(get(&cache).await.unwrap(), "long");
        assert_eq!(get(&cache).await.unwrap(), "long");
    }

    #[tokio::test]
    async fn callers_that_come_together_share_one_fetch() {
        let cache = cache([token("one", Duration::hours(1))]);
        let callers = (0..8).map(|_| get(&cache));
        for result in futures::future::join_all(callers).await {
            assert_eq!(result.unwrap(), "one");
        }
    }

    #[tokio::test]
    async fn a_refused_token_is_replaced_and_others_are_kept() {
        let cache = cache([token("old", Duration::hours(1)), token("new", Duration::hours(1))]);
        assert_eq!(get(&cache).await.unwrap(), "old");
        for _ in 0..2 {
            let context = Context::new().with_value(RejectedToken("old".into()));
            let options = TokenRequestOptions { method_options: ClientMethodOptions { context } };
            assert_eq!(cache.get_token(&["scope"], Some(options)).await.unwrap().token.secret(), "new");
        }
    }

    #[tokio::test]
    async fn a_token_that_cannot_be_renewed_is_used_to_its_end() {
        let cache = cache([token("short", Duration::minutes(4)), Err(denied())]);
        assert_eq!(get(&cache).await.unwrap(), "short");
        assert_eq!(get(&cache).await.unwrap(), "short");
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered_and_an_empty_token_is_one() {
        let cache = cache([Err(denied()), token("", Duration::hours(1)), token("good", Duration::hours(1))]);
        assert_eq!(get(&cache).await, Err(denied()));
        assert!(matches!(get(&cache).await, Err(Failure::NotSignedIn { .. })));
        assert_eq!(get(&cache).await.unwrap(), "good");
    }

    #[tokio::test]
    async fn a_failure_reaches_the_caller_through_azure_cores_errors() {
        let error = cache([Err(denied())]).get_token(&["scope"], None).await.unwrap_err();
        assert_eq!(super::super::failure_within(&error.with_context("outer")), Some(denied()));
    }
}
