//! Until when subscriptions are left alone that Azure asked to wait for: as `state.json` has it from the process before, for
//! this one and for the next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ajar_azure::{KeepPauses, KeptPause};
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
    pub(super) fn of(&self, acting: &Acting, principal: Option<String>) -> Arc<dyn KeepPauses> {
        Arc::new(PausesOf { pauses: self.clone(), acting: acting.clone(), principal })
    }
}

#[derive(Debug)]
struct PausesOf {
    pauses: Pauses,
    acting: Acting,
    principal: Option<String>,
}

impl PausesOf {
    fn key(&self, subscription: &str) -> String {
        State::pause_key(&self.acting, self.principal.as_deref(), subscription)
    }
}

#[async_trait]
impl KeepPauses for PausesOf {
    fn kept(&self, subscription: &str) -> Option<KeptPause> {
        let known = self.pauses.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&self.key(subscription)).cloned()
    }

    async fn keep(&self, subscription: &str, pause: KeptPause) {
        let key = self.key(subscription);
        tracing::debug!(key, until = %pause.until, "Azure asked to wait");
        self.pauses.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), pause.clone());
        self.pauses.file.remember(move |state| state.paused(key, pause, Utc::now())).await;
    }
}
