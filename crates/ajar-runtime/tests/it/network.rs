//! Where this machine is, and a system that tells when a test has it move.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ajar_core::failure::Trouble;
use ajar_core::source::{Confidence, SourceAddress};
use ajar_runtime::ports::{NetworkEvents, NetworkWatch, PublicIp};
use async_trait::async_trait;

use crate::world::{Call, World};

/// Who listens.
type Listeners = Arc<Mutex<Vec<(usize, Box<dyn Fn() + Send + Sync>)>>>;

/// See the module.
#[derive(Default)]
pub(crate) struct Network {
    listeners: Listeners,
    so_far: AtomicUsize,
}

/// One that listens until it is dropped.
struct Listener(usize, Listeners);

impl Drop for Listener {
    fn drop(&mut self) {
        self.1.lock().unwrap().retain(|(number, _)| *number != self.0);
    }
}

impl Network {
    /// Tells whoever listens that the network is another one.
    pub(crate) fn changes(&self) {
        self.listeners.lock().unwrap().iter().for_each(|(_, changed)| changed());
    }

    /// How many listen.
    pub(crate) fn listeners(&self) -> usize {
        self.listeners.lock().unwrap().len()
    }
}

impl NetworkEvents for Network {
    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) -> NetworkWatch {
        let number = self.so_far.fetch_add(1, Ordering::Relaxed);
        self.listeners.lock().unwrap().push((number, changed));
        Box::new(Listener(number, Arc::clone(&self.listeners)))
    }
}

#[async_trait]
impl PublicIp for World {
    async fn detect(&self, _: &str) -> Result<SourceAddress, Trouble> {
        let address = self.scene().address;
        self.call(Call::Detect).await?;
        Ok(SourceAddress { address, confidence: Confidence::Agreed { sources: 3 } })
    }
}
