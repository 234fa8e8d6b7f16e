//! What accounts sign in with, in the keychain, each for the authority that it came from; and what `state.json` knows of the keychain while that cannot be asked:
//! what was only ever in the memory of an Ajar that has ended, and what is still to be removed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ajar_azure::{Secret, Stored};
use ajar_core::account::KeychainTrouble;
use ajar_core::failure::Failure;
use futures::FutureExt as _;

use super::bound_secret::{bind, unbind};
use crate::adapters::Keychain;
use crate::files::{State, StateFile};
use crate::ports::LetGo;

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

/// Each by its name in the keychain.
#[derive(Debug)]
struct Noted {
    memory_only: BTreeSet<String>,
    left_behind: BTreeSet<String>,
    /// What sign-ins of this Ajar have brought, and no account has claimed yet.
    unclaimed: BTreeSet<String>,
    /// The same of Ajars before this one. Whose it is shows when the settings can be read.
    found: BTreeSet<String>,
}

impl Noted {
    /// It is to be removed. Whether that is news, here as below.
    fn leave_behind(&mut self, name: &str) -> bool {
        self.forget(name);
        self.left_behind.insert(name.to_owned())
    }

    fn forget(&mut self, name: &str) -> bool {
        let Self { memory_only, left_behind, unclaimed, found } = self;
        [memory_only, left_behind, unclaimed, found].map(|names| names.remove(name)).contains(&true)
    }

    /// What is true of a secret by now.
    fn write_down(&self, name: &str, state: &mut State) {
        for (is, kept) in [
            (self.memory_only.contains(name), &mut state.memory_only),
            (self.left_behind.contains(name), &mut state.left_behind),
            (self.unclaimed.contains(name) || self.found.contains(name), &mut state.unclaimed),
        ] {
            if is {
                kept.insert(name.to_owned());
            } else {
                kept.remove(name);
            }
        }
    }
}

impl SecretStore {
    pub(super) fn new(keychain: Keychain, file: StateFile) -> Self {
        let State { memory_only, left_behind, unclaimed: found, .. } = file.read();
        let noted = Noted { memory_only, left_behind, unclaimed: BTreeSet::new(), found };
        Self { keychain, file, noted: Arc::new(Mutex::new(noted)), removing: Arc::default(), changing: Arc::default() }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is noted of a secret; where that says something new, it is in the file, too, when this is done.
    async fn note(&self, name: &str, change: impl FnOnce(&mut Noted) -> bool) {
        let is_news = change(&mut self.noted());
        if is_news {
            self.write_down(name.to_owned()).await;
        }
    }

    async fn write_down(&self, name: String) {
        // As it is when the file is written: of two changes the older one may come to that last.
        let noted = Arc::clone(&self.noted);
        let of = move |state: &mut State| noted.lock().unwrap_or_else(PoisonError::into_inner).write_down(&name, state);
        self.file.remember(of).await;
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
        self.note(name, |noted| noted.memory_only.insert(name.to_owned())).await;
    }

    /// The keychain has it, or nobody does any more.
    async fn is_settled(&self, name: &str) {
        self.note(name, |noted| noted.memory_only.remove(name)).await;
    }

    /// A sign-in brings it. Should this Ajar be killed before an account of the settings has it, the next one lets go of it.
    async fn is_unclaimed(&self, name: &str) {
        self.note(name, |noted| {
            noted.found.remove(name);
            noted.unclaimed.insert(name.to_owned())
        })
        .await;
    }

    /// Has it removed as soon as the keychain can be used.
    pub(super) async fn leave_behind(&self, name: &str) {
        self.note(name, |noted| noted.leave_behind(name)).await;
    }

    /// It is wanted again, or gone.
    async fn is_not_left(&self, name: &str) {
        self.note(name, |noted| noted.left_behind.remove(name)).await;
    }

    /// Nobody has it any more.
    async fn is_gone(&self, name: &str) {
        self.note(name, |noted| noted.forget(name)).await;
    }

    /// The settings have accounts with those secrets. What a sign-in has brought to any of them is theirs. What one of an Ajar
    /// before this one has brought to nobody, because that was killed, is to be let go of.
    pub(super) fn are_claimed(&self, names: &BTreeSet<String>) -> Option<LetGo> {
        let (claimed, abandoned) = {
            let mut noted = self.noted();
            let found = std::mem::take(&mut noted.found);
            let (mut claimed, abandoned): (Vec<_>, Vec<_>) = found.into_iter().partition(|name| names.contains(name));
            claimed.extend(noted.unclaimed.intersection(names).cloned());
            noted.unclaimed.retain(|name| !names.contains(name));
            for name in &abandoned {
                noted.leave_behind(name);
            }
            (claimed, abandoned)
        };
        if claimed.is_empty() && abandoned.is_empty() {
            return None;
        }
        let this = self.clone();
        let let_go = async move {
            for name in claimed {
                this.write_down(name).await;
            }
            // The keychain took it when it was brought, so that it is mostly there to be asked. Where it is not, that is not
            // tried again before somebody needs it. Until it was tried, the file says what it said.
            if !abandoned.is_empty() {
                this.remove_left().await;
            }
            for name in abandoned {
                this.write_down(name).await;
            }
        };
        Some(let_go.boxed())
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
        self.is_unclaimed(name).await;
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
        self.is_gone(name).await;
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

        /// Whether anything is kept under that name, or a piece of it.
        pub(in crate::accounts) fn has(&self, name: &str) -> bool {
            self.kept().keys().any(|known| known.starts_with(name))
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

    async fn let_go(this: &SecretStore, claimed: &BTreeSet<String>) {
        if let Some(let_go) = this.are_claimed(claimed) {
            let_go.await;
        }
    }

    #[tokio::test]
    async fn what_a_killed_sign_in_has_brought_to_no_account_is_let_go_of_by_the_next_ajar() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::new(folder.path().join("state.json"));
        let drawer = Drawer::default();
        let run = || SecretStore::new(Keychain::new(drawer.clone()), file.clone());
        let sign_in = async |this: &SecretStore, name: &str| {
            assert_eq!(this.store(name, "https://login.example", &"token".into()).await, Ok(Stored::Keychain));
        };
        let accounts = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let unclaimed = || file.read().unclaimed;

        let killed = run();
        sign_in(&killed, "me").await;
        sign_in(&killed, "other").await;
        // It has other sign-ins under way while an account is written.
        let_go(&killed, &accounts(&["other"])).await;
        assert_eq!(unclaimed(), accounts(&["me"]));
        assert!(drawer.has("me") && drawer.has("other"));

        // The settings of the next one can't be read at first: whose it is, nobody knows.
        let next = run();
        sign_in(&next, "third").await;
        assert!(drawer.has("me"));
        let_go(&next, &accounts(&["other", "third"])).await;
        assert!(unclaimed().is_empty() && !drawer.has("me"));
        assert!(drawer.has("other") && drawer.has("third"));

        // Whoever was killed just after the account was written has lost nothing.
        sign_in(&next, "me").await;
        let_go(&run(), &accounts(&["me", "other", "third"])).await;
        assert!(unclaimed().is_empty() && drawer.has("me"));
        assert_eq!(file.read().left_behind, accounts(&[]));
    }

    #[tokio::test]
    async fn what_a_killed_sign_in_has_left_in_a_keychain_that_is_shut_waits_until_it_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::new(folder.path().join("state.json"));
        let drawer = Drawer::default();
        let run = || SecretStore::new(Keychain::new(drawer.clone()), file.clone());
        run().store("me", "https://login.example", &"token".into()).await.unwrap();
        drawer.is_shut.store(true, Ordering::Release);
        let next = run();
        let_go(&next, &BTreeSet::new()).await;
        assert_eq!(file.read().left_behind, BTreeSet::from(["me".to_owned()]));
        // Who signs in meanwhile as the same keeps it.
        next.store("me", "https://login.example", &"newer".into()).await.unwrap();
        drawer.is_shut.store(false, Ordering::Release);
        next.store("other", "https://login.example", &"token".into()).await.unwrap();
        next.remove("other").await.unwrap();
        assert!(drawer.has("me"));
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
