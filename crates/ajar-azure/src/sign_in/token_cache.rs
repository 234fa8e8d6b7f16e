//! Remembers tokens. The Azure CLI's credential starts a process for every token, and azure_identity's own caches can't
//! be told that a token was refused.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ajar_core::failure::{Failure, Trouble};
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, Secret};
use time::{Duration, OffsetDateTime};

/// A token is renewed this long before its end.
const AHEAD: Duration = Duration::minutes(5);
/// If renewing fails, a token with this much left is used all the same.
const STILL_GOOD: Duration = Duration::seconds(30);

/// What a token is wanted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TokenAsk {
    /// The tenant, by id or domain; the account's own if `None`.
    pub(super) tenant: Option<String>,
    /// Such as `https://management.azure.com/.default`.
    pub(super) scope: String,
    /// What it must hold, as a challenge of Azure's says it: base64 of JSON.
    pub(super) claims: Option<String>,
}

impl TokenAsk {
    /// [`Failure::ClaimsRequired`] if claims are wanted: for sources that have no way to ask for them.
    pub(super) fn takes_no_claims(&self) -> Result<(), Failure> {
        let Some(claims) = self.claims.clone() else { return Ok(()) };
        Err(Failure::ClaimsRequired { claims, scope: self.scope.clone(), tenant: self.tenant.clone() })
    }

    #[cfg(test)]
    pub(super) fn of(scope: &str) -> Self {
        Self { tenant: None, scope: scope.to_owned(), claims: None }
    }
}

/// Where tokens come from.
#[async_trait]
pub(super) trait TokenSource: std::fmt::Debug + Send + Sync {
    /// A new token.
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Trouble>;
}

/// Asks the source of one account only when it must, and once at a time: each use of a refresh token replaces it.
#[derive(Debug, Default)]
pub(super) struct TokenCache {
    /// By tenant and scope.
    tokens: Mutex<HashMap<(Option<String>, String), AccessToken>>,
    /// Held while a token is fetched: those who come meanwhile find it fetched, or hear why not.
    flight: tokio::sync::Mutex<HashMap<TokenAsk, Fallen>>,
    /// How many fetches have ended.
    landed: AtomicU64,
}

/// A fetch that failed.
#[derive(Debug)]
struct Fallen {
    number: u64,
    trouble: Trouble,
}

impl TokenCache {
    /// A token, from here or from the source. What has been begun goes on if nobody waits for it any more: a refresh token
    /// that was sent is used up, whoever wanted to know what came of it.
    pub(super) async fn token(
        self: &Arc<Self>,
        source: &Arc<dyn TokenSource>,
        ask: &TokenAsk,
        rejected: Option<&Secret>,
    ) -> Result<AccessToken, Trouble> {
        if let Some(token) = self.cached(ask, rejected, AHEAD) {
            return Ok(token);
        }
        let (cache, source, ask, rejected) = (Arc::clone(self), Arc::clone(source), ask.clone(), rejected.cloned());
        let fetching = tokio::spawn(async move { cache.fetched(&*source, &ask, rejected.as_ref()).await });
        fetching.await.unwrap_or_else(|error| Err(Failure::Internal { detail: error.to_string() }.into()))
    }

    async fn fetched(
        &self,
        source: &dyn TokenSource,
        ask: &TokenAsk,
        rejected: Option<&Secret>,
    ) -> Result<AccessToken, Trouble> {
        let seen = self.landed.load(Ordering::Acquire);
        let mut fallen = self.flight.lock().await;
        if let Some(token) = self.cached(ask, rejected, AHEAD) {
            return Ok(token);
        }
        let meanwhile = fallen.get(ask).filter(|fallen| fallen.number > seen).map(|fallen| fallen.trouble.clone());
        let result =
            if let Some(trouble) = meanwhile { Err(trouble) } else { self.land(source, ask, &mut fallen).await };
        result.or_else(|trouble| match self.cached(ask, rejected, STILL_GOOD) {
            Some(token) => {
                tracing::warn!(failure = %trouble.failure, "the token could not be renewed; using it to its end");
                Ok(token)
            }
            None => Err(trouble),
        })
    }

    async fn land(
        &self,
        source: &dyn TokenSource,
        ask: &TokenAsk,
        fallen: &mut HashMap<TokenAsk, Fallen>,
    ) -> Result<AccessToken, Trouble> {
        let result = fetch(source, ask).await;
        let number = self.landed.fetch_add(1, Ordering::AcqRel) + 1;
        match &result {
            Ok(token) => {
                fallen.remove(ask);
                self.insert(ask.tenant.clone(), ask.scope.clone(), token.clone());
            }
            Err(trouble) => drop(fallen.insert(ask.clone(), Fallen { number, trouble: trouble.clone() })),
        }
        result
    }

    /// Does what changes the sign-in while no token is being fetched, and forgets all tokens of before.
    pub(super) async fn renew<T>(&self, change: impl Future<Output = T>) -> T {
        let mut fallen = self.flight.lock().await;
        let result = change.await;
        fallen.clear();
        self.tokens().clear();
        result
    }

    /// Takes in a token that came with a sign-in.
    pub(super) fn insert(&self, tenant: Option<String>, scope: String, token: AccessToken) {
        self.tokens().insert((tenant, scope), token);
    }

    fn cached(&self, ask: &TokenAsk, rejected: Option<&Secret>, at_least: Duration) -> Option<AccessToken> {
        let token = self.tokens().get(&(ask.tenant.clone(), ask.scope.clone())).cloned();
        token.filter(|token| rejected != Some(&token.token) && token.expires_on - OffsetDateTime::now_utc() > at_least)
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<(Option<String>, String), AccessToken>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fetch(source: &dyn TokenSource, ask: &TokenAsk) -> Result<AccessToken, Trouble> {
    let token = source.fetch(ask).await?;
    if token.token.secret().is_empty() {
        return Err(Failure::not_signed_in("the answer to the sign-in holds no token").into());
    }
    Ok(token)
}

#[cfg(test)]
mod tests;
