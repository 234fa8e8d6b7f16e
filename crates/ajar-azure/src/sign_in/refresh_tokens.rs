//! Where the refresh tokens of people are kept between two runs: the only thing of a sign-in that outlives a process.

use std::collections::BTreeMap;

use ajar_core::failure::Failure;
use async_trait::async_trait;
use azure_core::credentials::Secret;

/// The refresh tokens of one person, by the id of the tenant where they were given, in small letters. The one of the home
/// tenant is good everywhere, but where a tenant has a wish of its own that can be met there only, such as a second proof.
pub type TokensByTenant = BTreeMap<String, Secret>;

/// How long a refresh token will be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// In the system's keychain, until it is removed.
    Keychain,
    /// For this run alone.
    MemoryOnly {
        /// What kept the keychain from taking it.
        why: String,
    },
}

/// Keeps the refresh tokens of each person that signs in with Ajar. `home` is the person's `oid.tid` at home
/// (`home_account_id` in the settings).
#[async_trait]
pub trait RefreshTokens: std::fmt::Debug + Send + Sync {
    /// Held by whoever changes what is kept, from before it is loaded: several accounts may be one person's.
    fn changing(&self) -> &tokio::sync::Mutex<()>;

    /// The tokens that were stored last; empty if there are none.
    ///
    /// # Errors
    /// Whatever keeps them from being looked up, where they may be there; [`Failure::SignInRequired`], of whichever
    /// account, where what is there is not for this one's authority.
    async fn load(&self, home: &str) -> Result<TokensByTenant, Failure>;

    /// Takes a token of the tenant `at` in place of an older one, which is there until the newer one can be loaded. `tokens` are
    /// all that are known of the person, with it among them: what is stored of other tenants stays as it is, also where it was
    /// not known, and what cannot be read is not written over.
    ///
    /// # Errors
    /// Whatever keeps it from being stored anywhere; the older one is there then.
    async fn store(&self, home: &str, tokens: &TokensByTenant, at: &str) -> Result<Stored, Failure>;

    /// The same with a token that Entra gave in place of one that is stored, which it still takes.
    ///
    /// # Errors
    /// As [`RefreshTokens::store`].
    async fn renew(&self, home: &str, tokens: &TokensByTenant, at: &str) -> Result<Stored, Failure> {
        self.store(home, tokens, at).await
    }

    /// Removes every trace of the person's tokens. Whether there were any.
    ///
    /// # Errors
    /// Whatever may have left one behind.
    async fn remove(&self, home: &str) -> Result<bool, Failure>;
}
