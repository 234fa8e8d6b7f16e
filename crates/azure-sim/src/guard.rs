//! The sockets of the VMs: a port listens only while the state says that it shall.
//!
//! Closing a door ends the listener and nothing else: connections that are established live on, until their VM loses
//! its guest.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tracing::{debug, warn};

use crate::guest::Service;
use crate::keys::HostKey;
use crate::state::{Guest, Listening};

/// Between attempts to accept a connection where the system has nothing left for one.
const BREATH: Duration = Duration::from_millis(50);

/// Connections to one guest; dropping the set ends them.
type Connections = Arc<Mutex<JoinSet<()>>>;

/// What answers on a port of a VM.
pub(crate) type Services = BTreeMap<(usize, u16), Arc<Service>>;

/// All open doors. Dropping it closes them and ends the connections.
#[derive(Default)]
pub(crate) struct Guard {
    services: Services,
    open: BTreeMap<Listening, JoinHandle<()>>,
    connections: BTreeMap<Guest, Connections>,
}

impl Guard {
    pub(crate) fn new(services: Services) -> Self {
        Self { services, open: BTreeMap::new(), connections: BTreeMap::new() }
    }

    /// Closes what shall not listen, opens what shall, and cuts off the connections to guests that are gone.
    pub(crate) async fn settle(&mut self, listening: &BTreeSet<Listening>, guests: &BTreeSet<Guest>) {
        let closing: Vec<_> = self.open.keys().filter(|door| !listening.contains(door)).copied().collect();
        for door in closing {
            if let Some(accepting) = self.open.remove(&door) {
                accepting.abort();
                // The socket is closed once the task is gone: only then is "closed" true.
                let _cancelled = accepting.await;
                debug!(at = %door.at, "closed");
            }
        }
        self.connections.retain(|guest, _| guests.contains(guest));
        for door in listening {
            if !self.open.contains_key(door) {
                self.open_door(*door);
            }
        }
    }

    /// A connection to what answers on the port, which ends with the guest as all others do.
    pub(crate) async fn enter(&mut self, guest: Guest, port: u16) -> io::Result<Option<TcpStream>> {
        let Some(service) = self.services.get(&(guest.vm, port)).cloned() else { return Ok(None) };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let ours = TcpStream::connect(listener.local_addr()?).await?;
        let (theirs, _) = listener.accept().await?;
        let connections = Arc::clone(self.connections.entry(guest).or_default());
        connections.lock().unwrap_or_else(PoisonError::into_inner).spawn(serve(service, theirs));
        ours.set_nodelay(true)?;
        Ok(Some(ours))
    }

    /// Gives the SSH servers of a VM a new host key, one for all: its public half, if there are any.
    pub(crate) fn renew_host_key(&self, vm: usize) -> io::Result<Option<String>> {
        let of_vm = self.services.range((vm, 0)..=(vm, u16::MAX)).map(|(_, service)| &**service);
        let guests: Vec<_> = of_vm.filter_map(Service::ssh).collect();
        if guests.is_empty() {
            return Ok(None);
        }
        let key = HostKey::generate()?;
        for guest in guests {
            guest.renew(&key);
        }
        key.public().map(Some)
    }

    fn open_door(&mut self, door: Listening) {
        let Some(service) = self.services.get(&(door.guest.vm, door.port)).cloned() else { return };
        match listen(door.at) {
            Ok(listener) => {
                debug!(at = %door.at, "listening");
                let connections = Arc::clone(self.connections.entry(door.guest).or_default());
                self.open.insert(door, tokio::spawn(accept(listener, service, connections)));
            }
            Err(error) => warn!(at = %door.at, %error, "can't listen; the next change tries again"),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        for accepting in self.open.values() {
            accepting.abort();
        }
    }
}

fn listen(at: SocketAddrV4) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // On Unix this passes over connections in TIME_WAIT; on Windows it would let others take the port over.
    socket.set_reuseaddr(cfg!(unix))?;
    socket.bind(SocketAddr::V4(at))?;
    socket.listen(64)
}

async fn accept(listener: TcpListener, service: Arc<Service>, connections: Connections) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                debug!(%peer, "connected");
                let mut connections = connections.lock().unwrap_or_else(PoisonError::into_inner);
                while connections.try_join_next().is_some() {}
                connections.spawn(serve(Arc::clone(&service), stream));
            }
            Err(error) => {
                warn!(%error, "can't accept a connection");
                // Out of file descriptors: the next attempt would fail at once too.
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn serve(service: Arc<Service>, stream: TcpStream) {
    if let Err(error) = service.serve(stream).await {
        debug!(%error, "connection ended");
    }
}
