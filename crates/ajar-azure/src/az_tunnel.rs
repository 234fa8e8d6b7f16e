//! The way through an Azure Bastion host that the Azure CLI makes: a process of `az network bastion tunnel`, which listens on a port of
//! this machine. It knows the host's protocol where that is another than the one of [`crate::Tunnel`].
//!
//! Source: <https://learn.microsoft.com/cli/azure/network/bastion#az-network-bastion-tunnel>

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ajar_core::bastion::BastionHost;
use ajar_core::failure::{BastionFlaw, Failure};
use ajar_core::resource_id::VmResourceId;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::arm_client::ArmClient;
use crate::sign_in::{AZURE_CLOUD_NAME, Family, for_az};

/// How long it may take until it listens: Python, a token, and what Azure tells of the host.
const LIMIT: Duration = Duration::from_mins(1);

/// Between two looks whether it listens.
const BREATH: Duration = Duration::from_millis(200);

/// How long what it said is waited for once it has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// It says this of what goes well, and how it is ended.
const NO_TROUBLE: [&str; 3] = ["Opening tunnel", "Tunnel is ready", "Ctrl"];

/// The process. Dropped, it ends with all that it has started, and so do the connections through it.
#[derive(Debug)]
pub struct AzTunnel {
    bastion: String,
    at: SocketAddr,
    child: Child,
    hearing: JoinHandle<()>,
    said: Arc<Mutex<String>>,
    _family: Family,
}

impl ArmClient {
    /// Starts the Azure CLI that `program` is, as whoever is signed in to it for the host's subscription.
    ///
    /// # Errors
    /// [`BastionFlaw::AzureCli`] where it cannot be started.
    pub async fn az_tunnel(
        &self,
        program: &Path,
        host: &BastionHost,
        vm: &VmResourceId,
        port: u16,
    ) -> Result<AzTunnel, Failure> {
        let bastion = host.id.name().to_owned();
        let broken = |error: io::Error| flaw(&bastion, &error.to_string());
        let at = free_port().await.map_err(broken)?;
        let mut command = for_az(program);
        command.args(arguments(host, vm, port, at.port()));
        command.envs(self.az_cloud().name().map(|name| (AZURE_CLOUD_NAME, name)));
        // Nobody is there to be asked.
        command.env("AZURE_EXTENSION_USE_DYNAMIC_INSTALL", "no");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        AzTunnel::start(&mut command, bastion.clone(), at).map_err(broken)
    }
}

/// A port that nobody has at this moment: `az` takes none of the system's choice.
async fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()
}

fn arguments(host: &BastionHost, vm: &VmResourceId, port: u16, here: u16) -> Vec<String> {
    let words = ["network", "bastion", "tunnel", "--only-show-errors"].map(str::to_owned);
    let named = [
        ("--name", host.id.name().to_owned()),
        ("--resource-group", host.id.resource_group().to_owned()),
        ("--subscription", host.id.subscription_id().to_owned()),
        ("--target-resource-id", vm.resource().as_str().to_owned()),
        ("--resource-port", port.to_string()),
        ("--port", here.to_string()),
    ];
    // What is one word cannot be taken for an option of its own.
    words.into_iter().chain(named.into_iter().map(|(name, value)| format!("{name}={value}"))).collect()
}

fn flaw(bastion: &str, said: &str) -> Failure {
    Failure::BastionUnfit { bastion: bastion.to_owned(), flaw: BastionFlaw::AzureCli(said.to_owned()) }
}

impl AzTunnel {
    fn start(command: &mut Command, bastion: String, at: SocketAddr) -> io::Result<Self> {
        let (mut child, family) = Family::start(command)?;
        let said = Arc::new(Mutex::new(String::new()));
        let hearing = tokio::spawn(hear(child.stderr.take(), Arc::clone(&said)));
        Ok(Self { bastion, at, child, hearing, said, _family: family })
    }

    /// A connection to the VM's port, as soon as `az` takes one.
    ///
    /// # Errors
    /// [`BastionFlaw::AzureCli`] where it ends instead, or takes none for a minute.
    pub async fn connect(&mut self) -> Result<TcpStream, Failure> {
        let until = Instant::now() + LIMIT;
        loop {
            // What listens after it has ended is somebody else.
            let connected = TcpStream::connect(self.at).await;
            let ended = self.child.try_wait().map_err(|error| flaw(&self.bastion, &error.to_string()))?;
            if let Some(status) = ended {
                // Whom it leaves behind may hold what is heard open.
                drop(timeout(LAST_WORDS, &mut self.hearing).await);
                let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
                return Err(flaw(&self.bastion, if said.is_empty() { status.to_string() } else { said }.as_str()));
            }
            match connected {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(|error| flaw(&self.bastion, &error.to_string()))?;
                    return Ok(stream);
                }
                Err(_) if Instant::now() >= until => {
                    return Err(flaw(&self.bastion, &format!("nothing for {} seconds", LIMIT.as_secs())));
                }
                Err(_) => sleep(BREATH).await,
            }
        }
    }
}

/// Keeps the last trouble that it tells.
async fn hear(said: Option<impl AsyncRead + Unpin>, last: Arc<Mutex<String>>) {
    let Some(said) = said else { return };
    let mut lines = BufReader::new(said).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let line = line.trim().trim_start_matches("ERROR: ");
        if !line.is_empty() && !NO_TROUBLE.iter().any(|begin| line.starts_with(begin)) {
            line.clone_into(&mut last.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
