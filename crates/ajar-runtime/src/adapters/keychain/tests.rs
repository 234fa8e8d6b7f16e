use std::collections::BTreeMap;

use super::*;

type Entries = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A keychain that can be taken away, locked, or left waiting.
#[derive(Clone, Default)]
struct Fake {
    entries: Entries,
    trouble: Arc<Mutex<Option<KeychainTrouble>>>,
    /// Held while somebody thinks about the password.
    prompt: Arc<Mutex<()>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl OpenSecrets for Fake {
    fn open(&self) -> Result<Box<dyn SmallSecrets>, KeychainTrouble> {
        self.answer()?;
        Ok(Box::new(self.clone()))
    }
}

impl Fake {
    fn answer(&self) -> Result<(), KeychainTrouble> {
        drop(locked(&self.prompt));
        locked(&self.trouble).map_or(Ok(()), Err)
    }

    fn is(&self, trouble: Option<KeychainTrouble>) {
        *locked(&self.trouble) = trouble;
    }

    fn is_empty(&self) -> bool {
        locked(&self.entries).is_empty()
    }
}

impl SmallSecrets for Fake {
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainTrouble> {
        self.answer()?;
        Ok(locked(&self.entries).get(name).cloned())
    }
    fn set(&self, name: &str, value: &[u8]) -> Result<(), KeychainTrouble> {
        self.answer()?;
        locked(&self.entries).insert(name.to_owned(), value.to_vec());
        Ok(())
    }
    fn delete(&self, name: &str) -> Result<bool, KeychainTrouble> {
        self.answer()?;
        Ok(locked(&self.entries).remove(name).is_some())
    }
}

async fn loaded(keychain: &Keychain) -> Option<String> {
    keychain.load("me").await.unwrap().map(|secret| secret.secret().to_owned())
}

#[tokio::test]
async fn what_is_stored_is_there_for_the_next_run_and_gone_when_removed() {
    let fake = Fake::default();
    let keychain = Keychain::new(fake.clone());
    assert_eq!(loaded(&keychain).await, None);
    for token in ["first", "second"] {
        assert_eq!(keychain.store("me", &token.into()).await, Stored::Keychain);
        assert_eq!(loaded(&Keychain::new(fake.clone())).await.as_deref(), Some(token));
    }
    assert_eq!(keychain.memory_only("me"), None);
    assert!(keychain.remove("me").await.unwrap() && fake.is_empty());
    assert!(!keychain.remove("me").await.unwrap());
}

#[tokio::test]
async fn a_keychain_that_cannot_be_used_leaves_the_secret_in_memory_and_says_why() {
    for trouble in [KeychainTrouble::Absent, KeychainTrouble::Locked, KeychainTrouble::Failed] {
        let fake = Fake::default();
        fake.is(Some(trouble));
        let keychain = Keychain::new(fake.clone());
        assert_eq!(keychain.load("me").await, Err(Failure::KeychainUnavailable { trouble }));
        let stored = keychain.store("me", &"token".into()).await;
        assert_eq!(stored, Stored::MemoryOnly { why: memory_only(trouble).into() });
        assert_eq!(loaded(&keychain).await.as_deref(), Some("token"));
        assert_eq!(keychain.memory_only("me"), Some(trouble));
        assert!(fake.is_empty() && !format!("{keychain:?}").contains("token"));
        fake.is(None);
        assert_eq!(keychain.store("me", &"newer".into()).await, Stored::Keychain);
        assert_eq!((loaded(&keychain).await.as_deref(), keychain.memory_only("me")), (Some("newer"), None));
    }
}

#[tokio::test]
async fn what_may_still_lie_in_a_locked_keychain_is_not_called_removed() {
    let fake = Fake::default();
    let keychain = Keychain::new(fake.clone());
    assert_eq!(keychain.store("me", &"token".into()).await, Stored::Keychain);
    fake.is(Some(KeychainTrouble::Locked));
    let failure = Failure::KeychainUnavailable { trouble: KeychainTrouble::Locked };
    assert_eq!(keychain.remove("me").await, Err(failure));
    fake.is(None);
    assert!(keychain.remove("me").await.unwrap());
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "it is held for as long as somebody thinks about the password")]
async fn nobody_waits_long_for_a_prompt_and_what_was_to_be_stored_is_stored_after_it() {
    let fake = Fake::default();
    let keychain = Keychain::new(fake.clone());
    let prompt = locked(&fake.prompt);
    let began = tokio::time::Instant::now();
    let stored = keychain.store("me", &"token".into()).await;
    assert_eq!(stored, Stored::MemoryOnly { why: memory_only(KeychainTrouble::Slow).into() });
    assert_eq!(keychain.load("you").await, Err(Failure::KeychainUnavailable { trouble: KeychainTrouble::Slow }));
    assert!(began.elapsed() < PATIENCE * 2, "only the first one waits");
    assert_eq!(loaded(&keychain).await.as_deref(), Some("token"));
    drop(prompt);
    // The thread works by the real clock; asking it once more shows that it is through.
    tokio::time::resume();
    while keychain.memory_only("me").is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(loaded(&Keychain::new(fake)).await.as_deref(), Some("token"));
}
