//! The system's keychain: where secrets outlive a run. Where it cannot be used they are kept in memory for this run,
//! with the reason; never in a file.
//!
//! Keychains block: a locked one shows a dialog and waits. So all calls are made by one thread, in order, and nobody
//! waits for it longer than [`PATIENCE`]. What was to be stored is stored even if the answer comes late.

mod chunks;
mod system;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use ajar_azure::{Secret, Stored};
use ajar_core::account::KeychainTrouble;
use ajar_core::failure::Failure;
use ajar_core::message::account::memory_only;
use tokio::sync::oneshot;

pub use system::SystemKeychain;

/// How long the keychain is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A store of small secrets by name, as all systems have one.
pub trait SmallSecrets {
    /// What is stored under a name.
    ///
    /// # Errors
    /// Why the store cannot be used.
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainTrouble>;
    /// Stores text of at most 2560 bytes under a name.
    ///
    /// # Errors
    /// Why the store cannot be used.
    fn set(&self, name: &str, value: &[u8]) -> Result<(), KeychainTrouble>;
    /// Removes what is stored under a name. Whether anything was.
    ///
    /// # Errors
    /// Why the store cannot be used.
    fn delete(&self, name: &str) -> Result<bool, KeychainTrouble>;
}

/// Opens the store; called again after it has failed.
pub trait OpenSecrets: Send + 'static {
    /// A store that can be used now.
    ///
    /// # Errors
    /// Why there is none.
    fn open(&self) -> Result<Box<dyn SmallSecrets>, KeychainTrouble>;
}

type Job = Box<dyn FnOnce(Result<&dyn SmallSecrets, KeychainTrouble>) -> Option<KeychainTrouble> + Send>;

/// See the module. Clones are the same keychain.
#[derive(Clone, Debug)]
pub struct Keychain {
    jobs: mpsc::Sender<Job>,
    kept: Arc<Kept>,
}

#[derive(Default)]
struct Kept {
    /// What the keychain has not taken, and why.
    memory: Mutex<HashMap<String, (Secret, KeychainTrouble)>>,
    /// Whether the thread works on something that nobody waits for any more.
    is_stuck: AtomicBool,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("is_stuck", &self.is_stuck).finish_non_exhaustive()
    }
}

impl Kept {
    fn memory(&self) -> MutexGuard<'_, HashMap<String, (Secret, KeychainTrouble)>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keychain has it now, unless a newer one has come meanwhile.
    fn was_stored(&self, name: &str, secret: &Secret) {
        let mut memory = self.memory();
        if memory.get(name).is_some_and(|(kept, _)| kept == secret) {
            memory.remove(name);
        }
    }
}

impl Keychain {
    /// The keychain that `store` opens.
    pub fn new(store: impl OpenSecrets) -> Self {
        let (jobs, to_do) = mpsc::channel::<Job>();
        let kept = Arc::new(Kept::default());
        let of_thread = Arc::clone(&kept);
        // Without a thread every call fails, as with a keychain that is not there.
        let thread = std::thread::Builder::new().name("keychain".into());
        if let Err(error) = thread.spawn(move || work(&store, &to_do, &of_thread)) {
            tracing::warn!(%error, "the keychain’s thread did not start");
        }
        Self { jobs, kept }
    }

    /// Why a secret is in memory only, if it is.
    pub fn memory_only(&self, name: &str) -> Option<KeychainTrouble> {
        self.kept.memory().get(name).map(|(_, trouble)| *trouble)
    }

    /// Has the thread do something. After [`PATIENCE`] it is done all the same, and the answer is [`KeychainTrouble::Slow`];
    /// what comes after that does not wait.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn SmallSecrets) -> Result<T, KeychainTrouble> + Send + 'static,
    ) -> Result<T, KeychainTrouble> {
        let (done, answer) = oneshot::channel();
        let job: Job = Box::new(move |store| {
            let result = store.and_then(work);
            let trouble = result.as_ref().err().copied();
            drop(done.send(result));
            trouble
        });
        if self.jobs.send(job).is_err() {
            return Err(KeychainTrouble::Failed);
        }
        if self.kept.is_stuck.load(Ordering::Acquire) {
            return Err(KeychainTrouble::Slow);
        }
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(KeychainTrouble::Failed),
            Err(_) => {
                self.kept.is_stuck.store(true, Ordering::Release);
                Err(KeychainTrouble::Slow)
            }
        }
    }
}

/// The thread: opens the store when it is first needed, and anew after it has failed.
fn work(store: &impl OpenSecrets, jobs: &mpsc::Receiver<Job>, kept: &Kept) {
    let mut open: Option<Box<dyn SmallSecrets>> = None;
    while let Ok(job) = jobs.recv() {
        let trouble = match &open {
            Some(store) => job(Ok(&**store)),
            None => match store.open() {
                Ok(store) => job(Ok(&**open.insert(store))),
                Err(trouble) => job(Err(trouble)),
            },
        };
        if trouble.is_some() {
            open = None;
        }
        kept.is_stuck.store(false, Ordering::Release);
    }
}

/// Bytes that are no text are not what was stored.
fn text(found: Option<Vec<u8>>) -> Option<Secret> {
    found.and_then(|bytes| String::from_utf8(bytes).ok()).map(Secret::from)
}

fn unavailable(trouble: KeychainTrouble) -> Failure {
    Failure::KeychainUnavailable { trouble }
}

impl Keychain {
    /// What is kept under a name; `None` if nothing is.
    ///
    /// # Errors
    /// [`Failure::KeychainUnavailable`].
    pub async fn load(&self, name: &str) -> Result<Option<Secret>, Failure> {
        if let Some((secret, _)) = self.kept.memory().get(name) {
            return Ok(Some(secret.clone()));
        }
        let name = name.to_owned();
        let found = self.ask(move |store| chunks::read(store, &name)).await.map_err(unavailable)?;
        Ok(text(found))
    }

    /// Keeps a secret under a name, in place of an older one, which is there until the newer one can be loaded.
    pub async fn store(&self, name: &str, secret: &Secret) -> Stored {
        let newer = secret.clone();
        self.put(name, secret, move |_, _| Ok(newer)).await
    }

    /// The same of a part of what is kept under a name: `joined` makes the whole of what the keychain has when it is stored,
    /// which may be other than what it had when that was last looked at. Where that cannot be read nothing is written.
    pub async fn store_joined(
        &self,
        name: &str,
        secret: &Secret,
        joined: impl FnOnce(Option<Secret>) -> Result<Secret, KeychainTrouble> + Send + 'static,
    ) -> Stored {
        self.put(name, secret, move |store, key| joined(text(chunks::read(store, key)?))).await
    }

    async fn put(
        &self,
        name: &str,
        secret: &Secret,
        whole: impl FnOnce(&dyn SmallSecrets, &str) -> Result<Secret, KeychainTrouble> + Send + 'static,
    ) -> Stored {
        let (kept, key, secret) = (Arc::clone(&self.kept), name.to_owned(), secret.clone());
        // In memory first: it is there, whatever becomes of the keychain.
        kept.memory().insert(key.clone(), (secret.clone(), KeychainTrouble::Slow));
        let stored = self
            .ask(move |store| {
                chunks::write(store, &key, whole(store, &key)?.secret().as_bytes())?;
                kept.was_stored(&key, &secret);
                Ok(())
            })
            .await;
        let Err(trouble) = stored else { return Stored::Keychain };
        if let Some((_, why)) = self.kept.memory().get_mut(name) {
            *why = trouble;
        }
        Stored::MemoryOnly { why: memory_only(trouble).to_owned() }
    }

    /// Removes every trace of what is kept under a name. Whether there was anything.
    ///
    /// # Errors
    /// [`Failure::KeychainUnavailable`].
    pub async fn remove(&self, name: &str) -> Result<bool, Failure> {
        let in_memory = self.kept.memory().remove(name).is_some();
        let name = name.to_owned();
        match self.ask(move |store| chunks::delete(store, &name)).await {
            Ok(was_there) => Ok(was_there || in_memory),
            Err(trouble) => Err(unavailable(trouble)),
        }
    }
}

#[cfg(test)]
mod tests;
