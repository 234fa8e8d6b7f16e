//! Where the refresh tokens of people are kept between two runs: the only thing of a sign-in that outlives a process.

use ajar_core::failure::Failure;
use async_trait::async_trait;
use azure_core::credentials::Secret;

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

/// Keeps one refresh token for each account that signs in with Ajar. `home` is the account's `oid.tid` at home
/// (`home_account_id` in the settings).
#[async_trait]
pub trait RefreshTokens: std::fmt::Debug + Send + Sync {
    /// The token that was stored last; `None` if there is none.
    ///
    /// # Errors
    /// Whatever keeps it from being looked up, where it may be there; [`Failure::SignInRequired`], of whichever account,
    /// where what is there is not for this one's authority.
    async fn load(&self, home: &str) -> Result<Option<Secret>, Failure>;

    /// Takes a token in place of an older one, which is there until the newer one can be loaded.
    ///
    /// # Errors
    /// Whatever keeps it from being stored anywhere; the older one is there then.
    async fn store(&self, home: &str, token: &Secret) -> Result<Stored, Failure>;

    /// The same of a token that Entra gave in place of the one that is stored, which it still takes.
    ///
    /// # Errors
    /// As [`RefreshTokens::store`].
    async fn renew(&self, home: &str, token: &Secret) -> Result<Stored, Failure> {
        self.store(home, token).await
    }

    /// Removes every trace of the account's token. Whether there was one.
    ///
    /// # Errors
    /// Whatever may have left one behind.
    async fn remove(&self, home: &str) -> Result<bool, Failure>;
}
