//! Where this machine is and what it reaches from there, and a system that tells when a test has it move.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ajar_core::failure::Trouble;
use ajar_core::policy::JitNetworkAccessRequest;
use ajar_core::port::{Endpoint, PortAnswer, Protocol};
use ajar_core::source::{Confidence, SourceAddress};
use ajar_core::vm::PowerState;
use ajar_runtime::ports::{Connections, NetworkEvents, NetworkWatch, Peers, PortProbe, PublicIp};
use async_trait::async_trait;

use crate::world::{ADDRESS, Call, PRIVATE, World};

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

impl World {
    /// Whether a window lets this machine in.
    fn is_open(&self) -> bool {
        let now = self.azure_now();
        let scene = self.scene();
        let admits = |request: &JitNetworkAccessRequest| {
            let mut ports = request.virtual_machines.iter().flat_map(|machine| &machine.ports);
            ports.any(|port| {
                port.end_time_utc > now
                    && port.allowed_source_address_prefixes.iter().any(|prefix| prefix.admits(scene.address))
            })
        };
        scene.power == PowerState::Running && (scene.open_anyway || scene.requests.iter().any(admits))
    }
}

#[async_trait]
impl PortProbe for World {
    async fn look(&self, endpoint: &Endpoint, _protocol: Protocol, patience: Duration) -> PortAnswer {
        if self.call(Call::Probe).await.is_err() {
            return PortAnswer::Refused;
        }
        if endpoint.host == PRIVATE.to_string() {
            return self.scene().private;
        }
        if self.is_open() {
            return PortAnswer::Open;
        }
        tokio::time::sleep(patience).await;
        PortAnswer::Silent
    }

    fn has_own_ways(&self) -> bool {
        self.scene().own_way_to.is_some()
    }

    fn has_own_way(&self, endpoint: &Endpoint) -> bool {
        self.scene().own_way_to.is_some_and(|address| address.to_string() == endpoint.host)
    }
}

#[async_trait]
impl Connections for World {
    async fn peers(&self) -> Option<Peers> {
        self.call(Call::Look).await.ok()?;
        self.scene().connected.clone()
    }
}

impl World {
    /// Somebody at this machine connects to port 22 of the VM, or leaves.
    pub(crate) fn is_connected(&self, is: bool) {
        let peers = is.then_some(SocketAddr::from((ADDRESS, 22)));
        self.scene().connected = Some(peers.into_iter().collect());
    }
}
