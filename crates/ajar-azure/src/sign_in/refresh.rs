//! Tokens of a person who has signed in with Ajar: one refresh token is good for all tenants, and is replaced by each use.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ajar_core::failure::{Failure, SignInDemand, SignInReason, Trouble};
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, Secret};

use super::claims;
use super::public_client::{PublicClient, SignedIn};
use super::refresh_tokens::{RefreshTokens, Stored};
use super::refusal::Refused;
use super::token_cache::{TokenAsk, TokenSource};

#[derive(Debug)]
pub(super) struct PersonTokens {
    client: PublicClient,
    /// `oid.tid`.
    home: String,
    refresh_tokens: Arc<dyn RefreshTokens>,
    /// The refresh token in use.
    known: Mutex<Option<Secret>>,
}

impl PersonTokens {
    pub(super) fn new(client: PublicClient, home: String, refresh_tokens: Arc<dyn RefreshTokens>) -> Self {
        Self { client, home, refresh_tokens, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Option<Secret>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up a new sign-in of the account.
    pub(super) async fn signed_in(&self, signed_in: &SignedIn) -> Result<Stored, Failure> {
        let stored = self.refresh_tokens.store(&self.home, &signed_in.refresh_token).await?;
        *self.known() = Some(signed_in.refresh_token.clone());
        Ok(stored)
    }

    /// Forgets the account's sign-in, here and where it is stored.
    pub(super) async fn sign_out(&self) -> Result<bool, Failure> {
        let held = self.known().take().is_some();
        Ok(self.refresh_tokens.remove(&self.home).await? || held)
    }

    async fn refresh_token(&self) -> Result<Secret, Failure> {
        let held = self.known().clone();
        if let Some(held) = held {
            return Ok(held);
        }
        let loaded = self.refresh_tokens.load(&self.home).await;
        let loaded = loaded.map_err(|failure| failure.of_account(&self.client.person.account))?;
        let loaded =
            loaded.ok_or_else(|| Failure::sign_in_required(&self.client.person.account, SignInReason::Never))?;
        *self.known() = Some(loaded.clone());
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

    async fn redeem(&self, token: &Secret, ask: &TokenAsk) -> Result<AccessToken, Refused> {
        let own = || self.home.split_once('.').map_or(self.client.home(), |(_, tenant)| tenant);
        let tenant = ask.tenant.as_deref().or(self.client.person.tenant.as_deref()).unwrap_or_else(own);
        let wanted = ask.claims.as_deref().and_then(claims::decoded);
        let (access, newer) = self.client.refresh(tenant, token, &ask.scope, wanted.as_deref()).await?;
        if let Some(newer) = newer {
            self.replace(newer).await;
        }
        Ok(access)
    }

    /// The older one, which Entra takes still, is used until the newer one is stored: what is in use can be found again
    /// after a crash.
    async fn replace(&self, newer: Secret) {
        match self.refresh_tokens.renew(&self.home, &newer).await {
            Ok(_) => *self.known() = Some(newer),
            Err(failure) => tracing::warn!(%failure, "a renewed sign-in could not be stored; keeping the older one"),
        }
    }

    /// What a refusal means to the account's user, and what the next sign-in has to ask for.
    fn refused(&self, refused: Refused, ask: &TokenAsk) -> Trouble {
        let Refused { failure, correlation_id, claims, is_dead } = refused;
        let Failure::SignInRequired { reason, .. } = failure else {
            return Trouble { failure: self.by_domain(failure), correlation_id };
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

#[async_trait]
impl TokenSource for PersonTokens {
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Trouble> {
        let token = self.refresh_token().await?;
        let refused = match self.redeem(&token, ask).await {
            Ok(access) => return Ok(access),
            Err(refused) => refused,
        };
        if matches!(refused.failure, Failure::SignInRequired { .. }) {
            // Somebody else may have signed the account in anew.
            let stored = self.refresh_tokens.load(&self.home).await.ok().flatten();
            if let Some(newer) = stored.filter(|stored| *stored != token) {
                *self.known() = Some(newer.clone());
                return self.redeem(&newer, ask).await.map_err(|refused| self.refused(refused, ask));
            }
        }
        Err(self.refused(refused, ask))
    }
}
