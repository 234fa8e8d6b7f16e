//! What accounts sign in with, in the keychain, each for the authority that it came from; and what `state.json` knows of the keychain while that cannot be asked:
//! what was only ever in the memory of an Ajar that has ended, and what is still to be removed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ajar_azure::{Secret, Stored};
use ajar_core::account::KeychainTrouble;
use ajar_core::failure::Failure;

use super::bound_secret::{bind, unbind};
use crate::adapters::Keychain;
use crate::files::StateFile;

/// See the module. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct SecretStore {
    keychain: Keychain,
    file: StateFile,
    noted: Arc<Mutex<Noted>>,
    /// What is removed late must not be what was stored meanwhile.
    removing: Arc<tokio::sync::Mutex<()>>,
    changing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Noted {
    memory_only: BTreeSet<String>,
    left_behind: BTreeSet<String>,
}

impl SecretStore {
    pub(super) fn new(keychain: Keychain, file: StateFile) -> Self {
        let state = file.read();
        let noted = Noted { memory_only: state.memory_only, left_behind: state.left_behind };
        Self { keychain, file, noted: Arc::new(Mutex::new(noted)), removing: Arc::default(), changing: Arc::default() }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held by whoever changes a part of what is kept under one name.
    pub(super) fn changing(&self) -> &tokio::sync::Mutex<()> {
        &self.changing
    }

    /// Why a secret is in memory only, if it is.
    pub(super) fn memory_only(&self, name: &str) -> Option<KeychainTrouble> {
        self.keychain.memory_only(name)
    }

    /// Whether a secret was only ever in memory, and is there no more.
    pub(super) fn is_lost(&self, name: &str) -> bool {
        self.keychain.memory_only(name).is_none() && self.noted().memory_only.contains(name)
    }

    /// The keychain does not have it, though it was to.
    async fn is_in_memory(&self, name: &str) {
        if self.noted().memory_only.insert(name.to_owned()) {
            let name = name.to_owned();
            self.file.remember(move |state| _ = state.memory_only.insert(name)).await;
        }
    }

    /// The keychain has it, or nobody does any more.
    async fn is_settled(&self, name: &str) {
        if self.noted().memory_only.remove(name) {
            let name = name.to_owned();
            self.file.remember(move |state| _ = state.memory_only.remove(&name)).await;
        }
    }

    /// Has it removed as soon as the keychain can be used.
    pub(super) async fn leave_behind(&self, name: &str) {
        self.is_settled(name).await;
        if self.noted().left_behind.insert(name.to_owned()) {
            let name = name.to_owned();
            self.file.remember(move |state| _ = state.left_behind.insert(name)).await;
        }
    }

    /// It is wanted again, or gone.
    async fn is_not_left(&self, name: &str) {
        if self.noted().left_behind.remove(name) {
            let name = name.to_owned();
            self.file.remember(move |state| _ = state.left_behind.remove(&name)).await;
        }
    }

    /// The keychain has just been used: what was left behind in it is removed now. Nobody waits for that.
    fn is_usable(&self) {
        if !self.noted().left_behind.is_empty() {
            let this = self.clone();
            tokio::spawn(async move { this.remove_left().await });
        }
    }

    async fn remove_left(&self) {
        let left: Vec<_> = self.noted().left_behind.iter().cloned().collect();
        for name in left {
            let removing = self.removing.lock().await;
            // It may be wanted again by now.
            if !self.noted().left_behind.contains(&name) {
                continue;
            }
            match self.keychain.remove(&name).await {
                Ok(_) => self.is_not_left(&name).await,
                Err(failure) => tracing::debug!(%failure, "what was left in the keychain stays there for now"),
            }
            drop(removing);
        }
    }
}

/// A secret that was looked for.
pub(super) enum Found {
    Secret(Secret),
    /// There is one for another authority, or nobody knows for which.
    OfOther,
    Nothing,
}

impl SecretStore {
    /// What there is for an authority. It is sent to no other.
    ///
    /// # Errors
    /// [`Failure::KeychainUnavailable`].
    pub(super) async fn load(&self, name: &str, authority: &str) -> Result<Found, Failure> {
        let was_in_memory = self.keychain.memory_only(name).is_some();
        let found = self.keychain.load(name).await?;
        if !was_in_memory {
            if found.is_some() {
                self.is_settled(name).await;
            }
            self.is_usable();
        }
        Ok(match found.map(|kept| unbind(&kept, authority)) {
            Some(Some(secret)) => Found::Secret(secret),
            Some(None) => Found::OfOther,
            None => Found::Nothing,
        })
    }

    /// Takes a secret that came from an authority, in place of an older one, of whichever.
    ///
    /// # Errors
    /// [`Failure::Internal`].
    pub(super) async fn store(&self, name: &str, authority: &str, secret: &Secret) -> Result<Stored, Failure> {
        let whole = secret.clone();
        self.store_joined(name, authority, secret, move |_| whole).await
    }

    /// The same of a part of what is kept: `joined` makes the whole of what the keychain has by then.
    ///
    /// # Errors
    /// As [`SecretStore::store`].
    pub(super) async fn store_joined(
        &self,
        name: &str,
        authority: &str,
        secret: &Secret,
        joined: impl FnOnce(Option<Secret>) -> Secret + Send + 'static,
    ) -> Result<Stored, Failure> {
        let stored = self.renew_joined(name, authority, secret, joined).await?;
        if let Stored::MemoryOnly { .. } = &stored {
            self.is_in_memory(name).await;
        }
        Ok(stored)
    }

    /// The same of one that takes the place of an older one that is still good: where the keychain does not take it, that is
    /// there yet when this Ajar has ended.
    ///
    /// # Errors
    /// As [`SecretStore::store`].
    pub(super) async fn renew_joined(
        &self,
        name: &str,
        authority: &str,
        secret: &Secret,
        joined: impl FnOnce(Option<Secret>) -> Secret + Send + 'static,
    ) -> Result<Stored, Failure> {
        let removing = self.removing.lock().await;
        self.is_not_left(name).await;
        drop(removing);
        let of = authority.to_owned();
        let whole = move |kept: Option<Secret>| {
            let whole = joined(kept.and_then(|kept| unbind(&kept, &of)));
            bind(&whole, &of).map_err(|_| KeychainTrouble::Failed)
        };
        let stored = self.keychain.store_joined(name, &bind(secret, authority)?, whole).await;
        if stored == Stored::Keychain {
            self.is_settled(name).await;
            self.is_usable();
        }
        Ok(stored)
    }

    /// Removes a secret, of whichever authority. Whether there was one.
    ///
    /// # Errors
    /// [`Failure::KeychainUnavailable`].
    pub(super) async fn remove(&self, name: &str) -> Result<bool, Failure> {
        let was_there = self.keychain.remove(name).await?;
        self.is_settled(name).await;
        self.is_not_left(name).await;
        // Who signs out may be the last for long: all of it is to be gone.
        self.remove_left().await;
        Ok(was_there)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::adapters::{OpenSecrets, SmallSecrets};

    /// A system's store that can be shut.
    #[derive(Clone, Default)]
    pub(in crate::accounts) struct Drawer {
        kept: Arc<Mutex<HashMap<String, Vec<u8>>>>,
        pub(in crate::accounts) is_shut: Arc<AtomicBool>,
    }

    impl OpenSecrets for Drawer {
        fn open(&self) -> Result<Box<dyn SmallSecrets>, KeychainTrouble> {
            self.answers()?;
            Ok(Box::new(self.clone()))
        }
    }

    impl Drawer {
        fn answers(&self) -> Result<(), KeychainTrouble> {
            if self.is_shut.load(Ordering::Acquire) { Err(KeychainTrouble::Failed) } else { Ok(()) }
        }

        pub(in crate::accounts) fn is_empty(&self) -> bool {
            self.kept().is_empty()
        }

        fn kept(&self) -> MutexGuard<'_, HashMap<String, Vec<u8>>> {
            self.kept.lock().unwrap()
        }
    }

    impl SmallSecrets for Drawer {
        fn get(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainTrouble> {
            self.answers()?;
            Ok(self.kept().get(name).cloned())
        }

        fn set(&self, name: &str, value: &[u8]) -> Result<(), KeychainTrouble> {
            self.answers()?;
            self.kept().insert(name.to_owned(), value.to_vec());
            Ok(())
        }

        fn delete(&self, name: &str) -> Result<bool, KeychainTrouble> {
            self.answers()?;
            Ok(self.kept().remove(name).is_some())
        }
    }

    #[tokio::test]
    async fn only_a_sign_in_that_the_keychain_does_not_take_is_lost_with_this_ajar_and_no_renewal() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::new(folder.path().join("state.json"));
        let drawer = Drawer::default();
        let run = || SecretStore::new(Keychain::new(drawer.clone()), file.clone());
        let (authority, older, newer) = ("https://login.example", Secret::from("older"), Secret::from("newer"));
        let renew = async |this: &SecretStore, token: &Secret| {
            let whole = token.clone();
            this.renew_joined("me", authority, token, move |_| whole).await
        };
        let this = run();
        assert_eq!(this.store("me", authority, &older).await, Ok(Stored::Keychain));
        drawer.is_shut.store(true, Ordering::Release);
        assert!(matches!(renew(&this, &newer).await, Ok(Stored::MemoryOnly { .. })));
        assert!(this.memory_only("me").is_some());
        assert!(!run().is_lost("me"), "the older one is in the keychain");

        assert!(matches!(this.store("me", authority, &newer).await, Ok(Stored::MemoryOnly { .. })));
        assert!(matches!(renew(&this, &older).await, Ok(Stored::MemoryOnly { .. })));
        assert!(run().is_lost("me"), "what the keychain has is of an older sign-in");
    }
}
