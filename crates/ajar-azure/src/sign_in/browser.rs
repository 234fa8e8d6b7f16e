//! Signing in with the browser: authorization code with PKCE (RFC 7636), coming back to this machine (RFC 8252).

use std::time::Duration;

use ajar_core::failure::{Failure, Trouble};
use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use url::Url;

use super::claims;
use super::loopback::{Callback, Loopback};
use super::public_client::{Person, PublicClient, SignedIn};
use super::refusal::Refused;
use crate::cloud::Cloud;
use crate::connection::Http;

/// Nobody is waited for longer.
const LIMIT: Duration = Duration::from_mins(5);

/// A sign-in under way. Dropped, it is cancelled: nobody listens for the browser any more.
#[derive(Debug)]
pub struct BrowserSignIn {
    client: PublicClient,
    loopback: Loopback,
    redirect: RedirectUrl,
    url: Url,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
    claims: Option<String>,
}

impl BrowserSignIn {
    /// Gets ready for the browser. `claims` is what a refusal or a challenge wanted
    /// ([`SignInDemand`](ajar_core::failure::SignInDemand)); what a tenant wanted is met there only, as the tenant of
    /// `person`.
    ///
    /// # Errors
    /// [`Failure::Internal`] if this machine lets nobody listen on a loopback address.
    pub async fn begin(cloud: &Cloud, http: Http, person: Person, claims: Option<String>) -> Result<Self, Trouble> {
        let client = PublicClient::new(cloud, person, http)?;
        let internal = |detail: String| Trouble::from(Failure::Internal { detail });
        let loopback = Loopback::bind()
            .await
            .map_err(|error| internal(format!("no port for the browser to come back to: {error}")))?;
        let redirect = RedirectUrl::new(loopback.redirect_uri()).map_err(|error| internal(error.to_string()))?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let oauth = client.oauth(client.home()).set_redirect_uri(redirect.clone());
        let mut request = oauth
            .authorize_url(CsrfToken::new_random)
            .set_pkce_challenge(challenge)
            .add_scope(Scope::new(client.scopes()))
            .add_extra_param("response_mode", "query")
            .add_extra_param("client_info", "1")
            .add_extra_param("claims", claims::with_capability(claims.as_deref()));
        request = match &client.person.username {
            Some(username) => request.add_extra_param("login_hint", username.clone()),
            None => request.add_extra_param("prompt", "select_account"),
        };
        let (url, state) = request.url();
        Ok(Self { client, loopback, redirect, url, state, verifier, claims })
    }

    /// What the browser is to open. It holds no secret, but whoever opens it can finish this sign-in.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Waits for the browser to come back, five minutes at most, and gets the tokens.
    ///
    /// # Errors
    /// [`Failure::SignInTimedOut`], [`Failure::SignInDeclined`], [`Failure::SignInNotCompleted`], and whatever Entra has
    /// against it.
    pub async fn finish(self) -> Result<SignedIn, Trouble> {
        let Self { client, loopback, redirect, state, verifier, claims, .. } = self;
        let callback = tokio::time::timeout(LIMIT, loopback.callback(state.secret())).await;
        drop(loopback);
        match callback.map_err(|_| Failure::SignInTimedOut)? {
            Callback::Code(code) => client.redeem(code, redirect, verifier, claims.as_deref()).await,
            Callback::Refused(refusal) => {
                let unknown = || Failure::AzureError {
                    status: 302,
                    azure_code: refusal.error.clone(),
                    azure_message: String::new(),
                };
                let asker = client.asker(client.home(), false);
                let failure = refusal.meaning(&asker).unwrap_or_else(unknown);
                Err(Trouble { failure, correlation_id: refusal.ids() }.into())
            }
        }
        .map_err(Refused::of_sign_in)
    }
}
