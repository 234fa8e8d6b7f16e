//! Where a way through an Azure Bastion host leads: by Ajar itself, or by the Azure CLI in its place.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ajar_core::bastion::BastionHost;
use ajar_core::failure::{BastionFlaw, Failure, Trouble};
use ajar_core::port::{PortAnswer, Protocol};
use ajar_core::resource_id::VmResourceId;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, DuplexStream, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use super::port_probe::{FIRST_WORD, FirstWords, first_words};
use super::programs::{AZ, azure_cli};
use crate::ports::{AzTunnel, Azure, Tunnel};

/// As much of a connection is on its way within this process.
const IN_BETWEEN: usize = 16 << 10;

/// So long a connection has to stand, where nobody knows what is spoken, to lead somewhere: ten times the way around the world.
const STANDS: Duration = Duration::from_secs(2);

/// Where a way leads, and as whom.
#[derive(Clone)]
pub(crate) struct Beyond {
    pub(crate) azure: Arc<dyn Azure>,
    pub(crate) host: BastionHost,
    pub(crate) vm: VmResourceId,
    pub(crate) port: u16,
    /// The Azure CLI that the settings want in place of Ajar's own way.
    az: Option<String>,
    /// The way that it makes, once it does: for all connections one.
    by_az: Arc<Mutex<Option<AzTunnel>>>,
}

/// A connection to a VM's port.
pub(super) enum Through {
    Host(Box<Tunnel>),
    /// To where `az` listens, which lasts as long as its way does.
    Az(TcpStream, Arc<Mutex<Option<AzTunnel>>>),
}

impl Through {
    /// Carries bytes both ways until both sides are done, or a Bastion host ends it.
    pub(super) async fn carry(self, mut stream: impl AsyncRead + AsyncWrite + Send + Unpin) -> io::Result<()> {
        match self {
            Self::Host(tunnel) => tunnel.carry(stream).await,
            Self::Az(mut there, _way) => copy_bidirectional(&mut stream, &mut there).await.map(drop),
        }
    }
}

impl Beyond {
    /// `az` is the Azure CLI that goes through the host in place of Ajar, where one is to.
    pub(crate) fn new(
        azure: Arc<dyn Azure>,
        host: BastionHost,
        (vm, port): (VmResourceId, u16),
        az: Option<String>,
    ) -> Self {
        Self { azure, host, vm, port, az, by_az: Arc::default() }
    }

    /// Connects; where the host speaks otherwise than Ajar knows, by the Azure CLI, if it is installed.
    ///
    /// # Errors
    /// What keeps the host from leading there.
    pub(super) async fn connect(&self) -> Result<Through, Trouble> {
        let is_known = self.by_az.lock().await.is_some();
        let program = match &self.az {
            Some(az) => azure_cli(az).ok_or_else(|| self.is_missing(az))?,
            None if is_known => azure_cli(AZ).ok_or_else(|| self.is_missing(AZ))?,
            None => match self.azure.tunnel(&self.host, &self.vm, self.port).await {
                Err(trouble) if is_unknown(&trouble) => {
                    let Some(az) = azure_cli(AZ) else { return Err(trouble) };
                    tracing::warn!(failure = %trouble.failure, "the Azure CLI goes through a Bastion host in Ajar’s place");
                    az
                }
                connected => return connected.map(|tunnel| Through::Host(Box::new(tunnel))),
            },
        };
        self.connect_by(&program).await
    }

    async fn connect_by(&self, program: &Path) -> Result<Through, Trouble> {
        let mut by_az = self.by_az.lock().await;
        let way = match &mut *by_az {
            Some(way) => way,
            none => none.insert(self.azure.az_tunnel(program, &self.host, &self.vm, self.port).await?),
        };
        match way.connect().await {
            Ok(stream) => Ok(Through::Az(stream, Arc::clone(&self.by_az))),
            Err(failure) => {
                // The next one begins anew.
                *by_az = None;
                Err(failure.into())
            }
        }
    }

    fn is_missing(&self, program: &str) -> Trouble {
        let flaw = BastionFlaw::AzureCli(format!("there is no program “{program}”"));
        Failure::BastionUnfit { bastion: self.host.id.name().to_owned(), flaw }.into()
    }

    /// One look whether the VM's port answers; silence takes `patience`. What the host cannot be asked for at this moment, or does
    /// not get through to, is silence too.
    ///
    /// # Errors
    /// What another look would meet as well.
    pub(crate) async fn look(&self, protocol: Protocol, patience: Duration) -> Result<PortAnswer, Trouble> {
        let until = Instant::now() + patience;
        let through = match self.connect().await {
            Ok(through) => through,
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
            _ = through.carry(far) => last_words(&mut near, protocol).await,
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

/// Whether a host speaks otherwise than Ajar knows.
fn is_unknown(trouble: &Trouble) -> bool {
    matches!(trouble.failure, Failure::BastionUnfit { flaw: BastionFlaw::Unknown(_), .. })
}
