//! A port of this machine that leads through an Azure Bastion host to a port of a VM: each connection to it is one through the host,
//! with a token of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ajar_core::bastion::BastionHost;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::port::{Endpoint, PortAnswer, Protocol};
use ajar_core::resource_id::VmResourceId;
#[cfg(target_os = "linux")]
use procfs::net::TcpNetEntry;
use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::Way;
use super::port_probe::{FIRST_WORD, FirstWords, first_words};
use crate::ports::{Azure, Tunnel};

/// As much of a connection is on its way within this process.
const IN_BETWEEN: usize = 16 << 10;

/// So long a connection has to stand, where nobody knows what is spoken, to lead somewhere: ten times the way around the world.
const STANDS: Duration = Duration::from_secs(2);

/// Before the next try to accept a connection where the system has nothing left for one.
const BREATH: Duration = Duration::from_millis(100);

/// Where a way leads, and as whom.
#[derive(Clone)]
pub(crate) struct Beyond {
    pub(crate) azure: Arc<dyn Azure>,
    pub(crate) host: BastionHost,
    pub(crate) vm: VmResourceId,
    pub(crate) port: u16,
}

impl Beyond {
    async fn connect(&self) -> Result<Tunnel, Trouble> {
        self.azure.tunnel(&self.host, &self.vm, self.port).await
    }

    /// One look whether the VM's port answers; silence takes `patience`. What the host cannot be asked for at this moment, or does
    /// not get through to, is silence too.
    ///
    /// # Errors
    /// What another look would meet as well.
    pub(crate) async fn look(&self, protocol: Protocol, patience: Duration) -> Result<PortAnswer, Trouble> {
        let until = Instant::now() + patience;
        let tunnel = match self.connect().await {
            Ok(tunnel) => tunnel,
            Err(trouble) if trouble.failure.is_passing() => {
                tracing::info!(failure = %trouble.failure, "a Bastion host is not reached");
                sleep_until(until).await;
                return Ok(PortAnswer::Silent);
            }
            Err(trouble) => return Err(trouble),
        };
        let (mut near, far) = tokio::io::duplex(IN_BETWEEN);
        let heard = tokio::select! {
            heard = first_words(&mut near, protocol, FIRST_WORD), if protocol != Protocol::Port => heard,
            // What nobody knows how to speak with is there if the connection stands: a host that does not get through ends it.
            () = sleep(STANDS), if protocol == Protocol::Port => FirstWords::OfTheProtocol,
            // What has come before the end is heard all the same.
            _ = tunnel.carry(far) => last_words(&mut near, protocol).await,
        };
        match heard {
            FirstWords::OfTheProtocol => Ok(PortAnswer::Open),
            FirstWords::Others => Ok(PortAnswer::Stranger),
            FirstWords::None => {
                sleep_until(until).await;
                Ok(PortAnswer::Silent)
            }
        }
    }
}

/// What had come on a connection that has ended.
async fn last_words(near: &mut DuplexStream, protocol: Protocol) -> FirstWords {
    if protocol == Protocol::Port {
        let mut heard = [0];
        let is_heard = near.read(&mut heard).await.is_ok_and(|count| count > 0);
        return if is_heard { FirstWords::OfTheProtocol } else { FirstWords::None };
    }
    first_words(near, protocol, Duration::ZERO).await
}

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
    let tunnel = match beyond.connect().await {
        Ok(tunnel) => tunnel,
        Err(trouble) => return tracing::warn!(failure = %trouble.failure, "a Bastion host leads no connection through"),
    };
    if let Err(error) = tunnel.carry(stream).await {
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
    pub async fn through_bastion(
        azure: &dyn Azure,
        host: &BastionHost,
        vm: &VmResourceId,
        port: u16,
    ) -> Result<(Self, JoinHandle<()>), Trouble> {
        let tunnel = azure.tunnel(host, vm, port).await?;
        let unusable = |error: io::Error| Failure::Internal { detail: error.to_string() };
        let (here, there) = pair().await.map_err(unusable)?;
        let carried = tokio::spawn(async move {
            if let Err(error) = tunnel.carry(there).await {
                tracing::info!(%error, "the connection through a Bastion host broke");
            }
        });
        let endpoint = Endpoint { host: vm.name().to_owned(), port };
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
