//! A port of this machine that leads through an Azure Bastion host to a port of a VM: each connection to it is one through the host,
//! with a token of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::port::Endpoint;
#[cfg(target_os = "linux")]
use procfs::net::TcpNetEntry;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::Way;
use super::beyond::Beyond;

/// Before the next try to accept a connection where the system has nothing left for one.
const BREATH: Duration = Duration::from_millis(100);

/// Hears how many connections go through a door, whenever that changes.
pub(crate) type TellUse = Arc<dyn Fn() + Send + Sync>;

/// The port of this machine. Dropped, it is closed; what goes through it goes on to its own end.
pub(crate) struct BastionDoor {
    pub(crate) beyond: Beyond,
    pub(crate) endpoint: Endpoint,
    used: Arc<AtomicU32>,
    accepting: JoinHandle<()>,
}

impl BastionDoor {
    /// Opens one on a port that is free.
    ///
    /// # Errors
    /// What the system has against it.
    pub(crate) async fn open(beyond: Beyond, tell: TellUse) -> Result<Self, Trouble> {
        let unusable = |error: io::Error| Failure::Internal { detail: error.to_string() };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(unusable)?;
        let at = listener.local_addr().map_err(unusable)?;
        let used = Arc::default();
        let accepting = tokio::spawn(accept(listener, at, beyond.clone(), Arc::clone(&used), tell));
        let endpoint = Endpoint { host: at.ip().to_string(), port: at.port() };
        Ok(Self { beyond, endpoint, used, accepting })
    }

    /// How many connections go through it.
    pub(crate) fn connections(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes no more connections; those that there are go on.
    pub(crate) fn close(&self) {
        self.accepting.abort();
    }
}

impl Drop for BastionDoor {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One of those that go through a door, for as long as it is there.
struct Using(Arc<AtomicU32>, TellUse);

impl Using {
    fn one(used: &Arc<AtomicU32>, tell: &TellUse) -> Self {
        used.fetch_add(1, Ordering::Relaxed);
        tell();
        Self(Arc::clone(used), Arc::clone(tell))
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
        (self.1)();
    }
}

async fn accept(listener: TcpListener, at: SocketAddr, beyond: Beyond, used: Arc<AtomicU32>, tell: TellUse) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let using = Using::one(&used, &tell);
                let beyond = beyond.clone();
                tokio::spawn(async move {
                    if is_this_users(at, peer).await {
                        lead(stream, &beyond).await;
                    } else {
                        tracing::warn!(
                            "somebody else on this machine was turned away from a way through a Bastion host"
                        );
                    }
                    drop(using);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(BREATH).await;
            }
        }
    }
}

async fn lead(stream: TcpStream, beyond: &Beyond) {
    // Each key that is pressed is a packet of its own.
    drop(stream.set_nodelay(true));
    let through = match beyond.connect().await {
        Ok(through) => through,
        Err(trouble) => return tracing::warn!(failure = %trouble.failure, "a Bastion host leads no connection through"),
    };
    if let Err(error) = through.carry(stream).await {
        tracing::info!(%error, "a connection through a Bastion host broke");
    }
}

/// Whether a connection is of the user that this process is: the others of this machine have no business there. Where the system does
/// not tell, nobody is turned away.
#[cfg(target_os = "linux")]
async fn is_this_users(at: SocketAddr, peer: SocketAddr) -> bool {
    // A socket of IPv6 reaches the same port by an IPv4-mapped address, and stands in the other table.
    let tables = tokio::task::spawn_blocking(|| (procfs::net::tcp(), procfs::net::tcp6().unwrap_or_default())).await;
    let Ok((Ok(four), six)) = tables else { return true };
    let own = rustix::process::geteuid().as_raw();
    let canonical = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    let is_it = |entry: &&TcpNetEntry| {
        (canonical(entry.local_address), canonical(entry.remote_address)) == (canonical(peer), canonical(at))
    };
    four.iter().chain(&six).find(is_it).is_some_and(|entry| entry.uid == own)
}

/// What Windows and macOS tell of connections names no users.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unused_async, reason = "Linux reads a table for it")]
async fn is_this_users(_at: SocketAddr, _peer: SocketAddr) -> bool {
    true
}

impl Way {
    /// The way to a VM's port through a Bastion host, for who carries it by themselves; with it what is done once all of it has come to
    /// its end.
    ///
    /// # Errors
    /// What keeps the host from leading there.
    pub(crate) async fn through_bastion(beyond: Beyond) -> Result<(Self, JoinHandle<()>), Trouble> {
        let through = beyond.connect().await?;
        let unusable = |error: io::Error| Failure::Internal { detail: error.to_string() };
        let (here, there) = pair().await.map_err(unusable)?;
        let endpoint = Endpoint { host: beyond.vm.name().to_owned(), port: beyond.port };
        let carried = tokio::spawn(async move {
            if let Err(error) = through.carry(there).await {
                tracing::info!(%error, "the connection through a Bastion host broke");
            }
        });
        Ok((Self::through(&endpoint, here).map_err(unusable)?, carried))
    }
}

/// Two ends of one connection within this process.
async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let here = TcpStream::connect(listener.local_addr()?).await?;
    let own = here.local_addr()?;
    loop {
        let (there, peer) = listener.accept().await?;
        // Somebody else on this machine may have been quicker.
        if peer == own {
            there.set_nodelay(true)?;
            return Ok((here, there));
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_connections_of_this_user_are_let_through_also_those_of_ipv6_sockets() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        for to in [at, SocketAddr::new(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), at.port())] {
            let _here = TcpStream::connect(to).await.unwrap();
            let (_there, peer) = listener.accept().await.unwrap();
            assert!(is_this_users(at, peer).await, "{to}");
        }
        let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        assert!(!is_this_users(at, nobody).await, "whom the system does not know");
    }
}
