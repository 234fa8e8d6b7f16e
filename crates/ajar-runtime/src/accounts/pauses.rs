//! Until when subscriptions are left alone that Azure asked to wait for: as `state.json` has it from the process before, for
//! this one and for the next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ajar_azure::{Cloud, Credential, KeepPauses, KeptPause};
use ajar_core::account::Acting;
use async_trait::async_trait;
use chrono::Utc;

use crate::files::{State, StateFile};

/// The pauses of all accounts. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Pauses {
    file: StateFile,
    /// By [`State::pause_key`].
    known: Arc<Mutex<BTreeMap<String, KeptPause>>>,
}

impl Pauses {
    pub(super) fn new(file: StateFile) -> Self {
        let known = Arc::new(Mutex::new(file.read().pauses));
        Self { file, known }
    }

    /// Those of who acts so.
    pub(super) fn of(&self, acting: &Acting, whose: Whose) -> Arc<dyn KeepPauses> {
        Arc::new(PausesOf { pauses: self.clone(), acting: acting.clone(), whose })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, KeptPause>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether any are in force of what an account asks of a subscription, whoever is behind it.
    fn has(&self, acting: &Acting, subscription: &str) -> bool {
        let now = Utc::now();
        let known = self.known();
        let mut in_force = known.iter().filter(|(_, pause)| pause.until > now);
        in_force.any(|(key, _)| State::is_pause_key(key, acting, subscription))
    }
}

/// Who is behind an account.
#[derive(Debug)]
pub(super) enum Whose {
    /// As the settings have it.
    Named(String),
    /// Whoever is signed in to a tool, or what this machine is: the token says it.
    OfToken { credential: Credential, cloud: Box<Cloud> },
}

#[derive(Debug)]
struct PausesOf {
    pauses: Pauses,
    acting: Acting,
    whose: Whose,
}

impl PausesOf {
    async fn key(&self, subscription: &str) -> String {
        let principal = match &self.whose {
            Whose::Named(principal) => Some(principal.clone()),
            Whose::OfToken { credential, cloud } => credential.principal(cloud, self.acting.tenant.as_deref()).await,
        };
        State::pause_key(&self.acting, principal.as_deref(), subscription)
    }
}

#[async_trait]
impl KeepPauses for PausesOf {
    async fn kept(&self, subscription: &str) -> Option<KeptPause> {
        // Who it is may take a run of a tool to learn, and mostly nothing is kept.
        if !self.pauses.has(&self.acting, subscription) {
            return None;
        }
        let key = self.key(subscription).await;
        self.pauses.known().get(&key).cloned()
    }

    async fn keep(&self, subscription: &str, pause: KeptPause) {
        let key = self.key(subscription).await;
        tracing::debug!(key, until = %pause.until, "Azure asked to wait");
        self.pauses.known().insert(key.clone(), pause.clone());
        self.pauses.file.remember(move |state| state.paused(key, pause, Utc::now())).await;
    }
}
