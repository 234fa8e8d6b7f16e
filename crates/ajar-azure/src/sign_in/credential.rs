//! One account, for all its tenants: what gives out tokens to the calls of [`ArmClient`](crate::ArmClient).

use std::sync::Arc;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::rights::Principal;
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};
use url::Url;

use super::public_client::SignedIn;
use super::refresh::PersonTokens;
use super::refresh_tokens::Stored;
use super::token_cache::{TokenAsk, TokenCache, TokenSource};
use super::{SignInFailed, jwt};
use crate::cloud::Cloud;
use crate::connection;
use crate::policies::{Destination, RejectedToken, WantedClaims};

/// An account, signed in or not. Clones share its tokens; one is fetched at a time.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Of its cloud.
    resource_manager: Url,
    source: Arc<dyn TokenSource>,
    /// The same, where it is a person who signs in with Ajar.
    person: Option<Arc<PersonTokens>>,
    cache: Arc<TokenCache>,
}

impl Credential {
    pub(super) fn of(cloud: &Cloud, source: Arc<dyn TokenSource>) -> Self {
        Self { resource_manager: cloud.resource_manager.clone(), source, person: None, cache: Arc::default() }
    }

    pub(super) fn of_person(cloud: &Cloud, tokens: PersonTokens) -> Self {
        let tokens = Arc::new(tokens);
        Self { person: Some(Arc::clone(&tokens)), ..Self::of(cloud, tokens) }
    }

    /// What signs calls to subscriptions of a tenant, by id or domain; the account's own tenant if `None`. It remembers
    /// each token until five minutes before its end, and asks for a new one only once however many callers wait.
    pub fn in_tenant(&self, tenant: Option<&str>) -> Arc<dyn TokenCredential> {
        Arc::new(InTenant { account: self.clone(), tenant: tenant.map(str::to_owned) })
    }

    /// Asks for a token of a tenant once, to learn whether the account gets any; the account's own tenant if `None`.
    ///
    /// # Errors
    /// Whatever the cloud has against it.
    pub async fn try_out(&self, cloud: &Cloud, tenant: Option<&str>) -> Result<(), Trouble> {
        self.token(cloud, tenant).await.map(drop)
    }

    /// The id by which a tenant knows whom the account acts as there, as its token says; the account's own tenant if `None`.
    /// Without a token, or with one that does not say, nobody knows.
    pub async fn principal(&self, cloud: &Cloud, tenant: Option<&str>) -> Option<String> {
        jwt::principal(&self.token(cloud, tenant).await.ok()?.token)
    }

    /// Whom a tenant takes the account for, as its token says; the account's own tenant if `None`. Without a token, or with one
    /// that does not say, nobody knows.
    pub async fn holder(&self, cloud: &Cloud, tenant: Option<&str>) -> Principal {
        self.token(cloud, tenant).await.map(|token| jwt::holder(&token.token)).unwrap_or_default()
    }

    async fn token(&self, cloud: &Cloud, tenant: Option<&str>) -> Result<AccessToken, Trouble> {
        let ask = TokenAsk { tenant: tenant.map(str::to_owned), scope: cloud.scope(), claims: None };
        self.cache.token(&self.source, &ask, None).await
    }

    /// Takes up a sign-in that has succeeded: its refresh token is stored, and is in use from now on.
    ///
    /// # Errors
    /// What keeps it from being stored at all, and [`Failure::Internal`] for another kind of account.
    pub async fn signed_in(&self, signed_in: &SignedIn) -> Result<Stored, Trouble> {
        let stored = self.cache.renew(self.person()?.signed_in(signed_in)).await?;
        let SignedIn { tenant_id, scope, access_token, .. } = signed_in;
        self.cache.insert(tenant_id.clone(), scope.clone(), access_token.clone());
        Ok(stored)
    }

    /// Forgets all tokens of the account, here and where its refresh token is stored. Whether there was one.
    ///
    /// # Errors
    /// What may have left one behind, and [`Failure::Internal`] for an account that is signed in elsewhere.
    pub async fn sign_out(&self) -> Result<bool, Trouble> {
        let person = self.person()?;
        Ok(self.cache.renew(person.sign_out()).await?)
    }

    fn person(&self) -> Result<&PersonTokens, Failure> {
        let elsewhere = || Failure::Internal { detail: "this account is not signed in by Ajar".to_owned() };
        self.person.as_deref().ok_or_else(elsewhere)
    }
}

#[derive(Debug)]
struct InTenant {
    account: Credential,
    tenant: Option<String>,
}

#[async_trait]
impl TokenCredential for InTenant {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let &[scope] = scopes else {
            return Err(Error::with_message(ErrorKind::Credential, "one scope at a time"));
        };
        let context = options.as_ref().map(|options| &options.method_options.context);
        if let Some(Destination(to)) = context.and_then(|context| context.value::<Destination>())
            && to.origin() != self.account.resource_manager.origin()
        {
            let message = format!("refused to get a token of another cloud for {}", connection::host(to));
            return Err(Error::with_message(ErrorKind::Other, message));
        }
        let rejected = context.and_then(|context| context.value::<RejectedToken>()).map(|rejected| &rejected.0);
        let claims = context.and_then(|context| context.value::<WantedClaims>()).map(|wanted| wanted.0.clone());
        let ask = TokenAsk { tenant: self.tenant.clone(), scope: scope.to_owned(), claims };
        let token = self.account.cache.token(&self.account.source, &ask, rejected).await;
        token.map_err(|trouble| Error::new(ErrorKind::Credential, SignInFailed(trouble)))
    }
}
