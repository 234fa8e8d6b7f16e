//! Against the simulator over real HTTPS, with hosts in processes of their own.

// With a real ssh, which Windows under wine has none of.
#[cfg(unix)]
mod after_use;
mod killing;
mod processes;
mod public_ip;
mod refreshing;
mod sources;

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use ajar_core::protocol::Connect;
use ajar_runtime::demo::{self, DemoAccount};
use ajar_runtime::files::Folder;
use ajar_runtime::hosting::{Face, Opening};
use azure_sim::{Options, Simulator};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::child::{SAYS, command, opening};
use crate::engine::connect;

/// What must come true does so long before this, on a machine under load too.
const LIMIT: Duration = Duration::from_mins(2);

const VARIABLES: [&str; 3] = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"];

/// A simulator, and a folder whose settings lead there.
pub(crate) struct Site {
    simulator: Simulator,
    account: Arc<DemoAccount>,
    home: tempfile::TempDir,
    http: reqwest::Client,
}

pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("it never came true")
}

impl Site {
    pub(crate) async fn start() -> Self {
        let simulator = Simulator::start(Options { speed: 50.0, ..Options::default() }).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let announced = serde_json::to_string(simulator.announce()).unwrap();
        let account = demo::prepare(&Folder::at(home.path()), &announced).unwrap();
        let ca = std::fs::read(&simulator.announce().ca_bundle).unwrap();
        let trusted = reqwest::Certificate::from_pem(&ca).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([trusted]).no_proxy().build().unwrap();
        Self { simulator, account: Arc::new(account), home, http }
    }

    pub(crate) fn folder(&self) -> Folder {
        Folder::at(self.home.path())
    }

    fn opening(&self) -> Opening {
        let account = Arc::clone(&self.account);
        opening(&self.folder(), move |name| account.variable(name))
    }

    async fn open(&self) -> Face {
        soon(Face::open(self.opening())).await.unwrap()
    }

    /// A face in a process of its own, and the number of the process that hosts its engine.
    async fn child(&self) -> (Child, u32) {
        let mut command = command("face", &[self.home.path().to_str().unwrap()]);
        command.envs(VARIABLES.map(|name| (name, self.account.variable(name).unwrap()))).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let host = soon(says(&mut child)).await.parse().unwrap();
        (child, host)
    }

    /// `POST /_sim/…`
    pub(crate) async fn set(&self, what: &str, body: Value) {
        let url = format!("{}/{what}", self.simulator.announce().control);
        assert!(self.http.post(url).json(&body).send().await.unwrap().status().is_success());
    }

    /// The requests for access that came so far.
    async fn initiates(&self) -> Vec<Value> {
        let url = format!("{}/journal", self.simulator.announce().control);
        let journal: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        let is_initiate = |entry: &&Value| entry["path"].as_str().unwrap().ends_with("/initiate");
        journal.as_array().unwrap().iter().filter(is_initiate).cloned().collect()
    }

    /// Waits until a request for access has taken effect, whatever becomes of its answer.
    async fn until_granted(&self) {
        let granted = async || self.initiates().await.iter().any(|entry| !entry["appliedAt"].is_null());
        soon(async { while !granted().await {} }).await;
    }
}

/// The next thing a child says.
pub(crate) async fn says(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(said) = line.strip_prefix(SAYS) {
            return said.to_owned();
        }
    }
    panic!("the child ended without a word");
}

/// The wish to open a favourite without its client.
fn without_client(name: &str) -> Connect {
    Connect { launch: false, ..connect(name) }
}
