//! Tokens of a person who has signed in with Ajar. One refresh token is good for all tenants, and is replaced by each use;
//! a tenant with a wish of its own has been signed in to by itself, and has one of its own then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ajar_core::failure::{Failure, SignInDemand, SignInReason, Trouble};
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, Secret};

use super::claims;
use super::public_client::{PublicClient, SignedIn};
use super::refresh_tokens::{RefreshTokens, Stored, TokensByTenant};
use super::refusal::Refused;
use super::token_cache::{TokenAsk, TokenSource};

#[derive(Debug)]
pub(super) struct PersonTokens {
    client: PublicClient,
    /// `oid.tid`.
    home: String,
    refresh_tokens: Arc<dyn RefreshTokens>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The refresh tokens in use, once they are loaded.
    tokens: Option<TokensByTenant>,
    /// The tenant whose token is taken, of each one that did not take the first it was shown.
    taken: HashMap<String, String>,
}

impl PersonTokens {
    pub(super) fn new(client: PublicClient, home: String, refresh_tokens: Arc<dyn RefreshTokens>) -> Self {
        Self { client, home, refresh_tokens, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of the tenant that the person is at home in.
    fn home_tenant(&self) -> String {
        self.home.split_once('.').map_or(self.client.home(), |(_, tenant)| tenant).to_ascii_lowercase()
    }

    /// Takes up a new sign-in of the account.
    pub(super) async fn signed_in(&self, signed_in: &SignedIn) -> Result<Stored, Failure> {
        let at = signed_in.tenant_id.as_ref().map_or_else(|| self.home_tenant(), |tenant| tenant.to_ascii_lowercase());
        let _changing = self.refresh_tokens.changing().lock().await;
        let tokens = self.with(&at, &signed_in.refresh_token).await;
        let stored = self.refresh_tokens.store(&self.home, &tokens, &at).await?;
        *self.known() = Known { tokens: Some(tokens), taken: HashMap::new() };
        Ok(stored)
    }

    /// What is kept of the person, with a token that is newer. Where that cannot be looked up, what is known of it counts.
    async fn with(&self, at: &str, newer: &Secret) -> TokensByTenant {
        let mut tokens = match self.refresh_tokens.load(&self.home).await {
            Ok(stored) => stored,
            Err(failure) => {
                tracing::debug!(%failure, "what is kept of a sign-in cannot be read");
                self.known().tokens.clone().unwrap_or_default()
            }
        };
        tokens.insert(at.to_owned(), newer.clone());
        tokens
    }

    /// Forgets the account's sign-in, here and where it is stored.
    pub(super) async fn sign_out(&self) -> Result<bool, Failure> {
        let _changing = self.refresh_tokens.changing().lock().await;
        let held = std::mem::take(&mut *self.known()).tokens.is_some();
        Ok(self.refresh_tokens.remove(&self.home).await? || held)
    }

    async fn tokens(&self) -> Result<TokensByTenant, Failure> {
        let held = self.known().tokens.clone();
        if let Some(held) = held {
            return Ok(held);
        }
        let loaded = self.refresh_tokens.load(&self.home).await;
        let loaded = loaded.map_err(|failure| failure.of_account(&self.client.person.account))?;
        if loaded.is_empty() {
            return Err(Failure::sign_in_required(&self.client.person.account, SignInReason::Never));
        }
        self.known().tokens = Some(loaded.clone());
        Ok(loaded)
    }

    /// The account's own tenant is told by the domain that people know it by, not by its id.
    fn by_domain(&self, mut failure: Failure) -> Failure {
        let own = self.home.split_once('.').map(|(_, tenant)| tenant);
        let username = self.client.person.username.as_deref();
        if let Failure::NotInTenant { tenant, .. } | Failure::ConsentMissing { tenant, .. } = &mut failure
            && own.is_some_and(|own| own.eq_ignore_ascii_case(tenant))
            && let Some((_, domain)) = username.and_then(|username| username.split_once('@'))
        {
            domain.clone_into(tenant);
        }
        failure
    }

    /// What another tenant than the account's own has against it, it has as that one.
    fn of_tenant(&self, mut failure: Failure, ask: &TokenAsk) -> Failure {
        if let Failure::ConditionalAccess { tenant, .. } | Failure::AccountDisabled { tenant, .. } = &mut failure {
            *tenant = self.client.person.elsewhere(ask.tenant.as_deref(), &self.home);
        }
        failure
    }

    /// The tenant that a token is wanted of, by id or domain.
    fn tenant_of(&self, ask: &TokenAsk) -> String {
        let named = ask.tenant.as_deref().or(self.client.person.tenant.as_deref());
        named.map_or_else(|| self.home_tenant(), str::to_owned)
    }

    /// An access token for one of `tokens`: the tenant's own is shown first, then the one of the home tenant, then the
    /// others. A proof that a tenant wants may have been given in another one, and a tenant may be named by its domain.
    async fn redeem_any(&self, tokens: &TokensByTenant, ask: &TokenAsk) -> Result<AccessToken, Refused> {
        let (tenant, home) = (self.tenant_of(ask), self.home_tenant());
        let key = tenant.to_ascii_lowercase();
        let best = self.known().taken.get(&key).cloned().unwrap_or_else(|| key.clone());
        let mut shown: Vec<_> = tokens.iter().collect();
        shown.sort_by_key(|(at, _)| (**at != best, **at != home));
        let mut refused: Option<Refused> = None;
        for (place, (at, token)) in shown.into_iter().enumerate() {
            match self.redeem(&tenant, at, token, ask).await {
                Ok(access) => {
                    if place > 0 {
                        self.known().taken.insert(key, at.clone());
                    }
                    return Ok(access);
                }
                Err(later) if !asks_for_a_sign_in(&later.failure) => return Err(later),
                // Of a token that is over nothing is learnt of what the tenant wants.
                Err(later) if refused.as_ref().is_none_or(|refused| refused.is_dead && !later.is_dead) => {
                    refused = Some(later);
                }
                Err(_) => {}
            }
        }
        Err(refused
            .unwrap_or_else(|| Failure::sign_in_required(&self.client.person.account, SignInReason::Never).into()))
    }

    async fn redeem(&self, tenant: &str, at: &str, token: &Secret, ask: &TokenAsk) -> Result<AccessToken, Refused> {
        let wanted = ask.claims.as_deref().and_then(claims::decoded);
        let (access, newer) = self.client.refresh(tenant, token, &ask.scope, wanted.as_deref()).await?;
        if let Some(newer) = newer {
            self.replace(at, token, newer).await;
        }
        Ok(access)
    }

    /// The older one, which Entra takes still, is used until the newer one is stored: what is in use can be found again
    /// after a crash. Where another one has been stored meanwhile, by a new sign-in, or none is any more, that counts.
    async fn replace(&self, at: &str, older: &Secret, newer: Secret) {
        let _changing = self.refresh_tokens.changing().lock().await;
        let mut tokens = match self.refresh_tokens.load(&self.home).await {
            Ok(stored) if stored.get(at) != Some(older) => {
                self.known().tokens = Some(stored).filter(|stored| !stored.is_empty());
                return;
            }
            Ok(stored) => stored,
            Err(_) => self.known().tokens.clone().unwrap_or_default(),
        };
        tokens.insert(at.to_owned(), newer);
        match self.refresh_tokens.renew(&self.home, &tokens, at).await {
            Ok(_) => self.known().tokens = Some(tokens),
            Err(failure) => tracing::warn!(%failure, "a renewed sign-in could not be stored; keeping the older one"),
        }
    }

    /// What a refusal means to the account's user, and what the next sign-in has to ask for.
    fn refused(&self, refused: Refused, ask: &TokenAsk) -> Trouble {
        let Refused { failure, correlation_id, claims, is_dead } = refused;
        let Failure::SignInRequired { reason, .. } = failure else {
            return Trouble { failure: self.of_tenant(self.by_domain(failure), ask), correlation_id };
        };
        let challenged = ask.claims.as_deref().and_then(claims::decoded);
        let reason = if challenged.is_some() { SignInReason::Claims } else { reason };
        let person = &self.client.person;
        let tenant = person.elsewhere(ask.tenant.as_deref(), &self.home);
        let demand = match tenant {
            // Another token is had where the account signs in; the tenant that was asked wants nothing.
            Some(_) if is_dead => SignInDemand::default(),
            tenant => SignInDemand { tenant, claims: claims::bounded(claims.or(challenged)) },
        };
        let failure = Failure::SignInRequired { account: person.account.clone(), reason, demand: Box::new(demand) };
        Trouble { failure, correlation_id }
    }
}

/// Whether what a tenant has against a token may have been done at another sign-in.
fn asks_for_a_sign_in(failure: &Failure) -> bool {
    matches!(failure, Failure::SignInRequired { .. } | Failure::ConsentMissing { .. })
}

#[async_trait]
impl TokenSource for PersonTokens {
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Trouble> {
        let tokens = self.tokens().await?;
        let refused = match self.redeem_any(&tokens, ask).await {
            Ok(access) => return Ok(access),
            Err(refused) => refused,
        };
        if asks_for_a_sign_in(&refused.failure) {
            // Somebody else may have signed the account in anew.
            let mut newer = self.refresh_tokens.load(&self.home).await.unwrap_or_default();
            let stored = newer.clone();
            newer.retain(|at, token| tokens.get(at) != Some(token));
            if !newer.is_empty() {
                self.known().tokens = Some(stored);
                return self.redeem_any(&newer, ask).await.map_err(|refused| self.refused(refused, ask));
            }
        }
        Err(self.refused(refused, ask))
    }
}
