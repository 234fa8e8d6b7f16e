//! A simulated Azure, a user's folder that points at it, and the `ajar` binary.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use azure_sim::{AnnounceVm, Fleet, Options, Simulator};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// What a test may take before it has failed.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

/// The pause between two looks at what another process does.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A simulated Azure and a user of it.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) folder: TempDir,
    control: Control,
}

/// The way to a simulator's `/_sim`.
pub(crate) struct Control {
    http: reqwest::Client,
    url: String,
}

impl World {
    /// The simulator's own fleet, with a favourite for each VM.
    pub(crate) async fn new() -> Self {
        Self::with(Options { speed: 60.0, ..Options::default() }).await
    }

    pub(crate) async fn with_fleet(fleet: &str) -> Self {
        let fleet: Fleet = fleet.parse().expect("the fleet is right");
        Self::with(Options { speed: 60.0, fleet: Some(fleet), ..Options::default() }).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let simulator = Simulator::start(options).await.expect("the simulator starts");
        let folder = tempfile::tempdir().expect("a folder");
        let announced = simulator.announce();
        let control = Control::new(&announced.control, &announced.ca_bundle);
        let world = Self { simulator, folder, control };
        world.write_settings("");
        world
    }

    /// Writes the user's `config.toml` anew, with `more` at its end.
    pub(crate) fn write_settings(&self, more: &str) {
        let announced = self.simulator.announce();
        let known_hosts = self.folder.path().join("known_hosts");
        let keys: String = announced.vms.iter().filter_map(known_host).collect();
        std::fs::write(&known_hosts, keys).expect("known_hosts can be written");
        let cloud = format!(
            "schema_version = 2\ncloud = \"sim\"\n[clouds.sim]\nauthority = \"{}\"\nresource_manager = \"{}\"\n\
             ca_bundle = \"{}\"\npublic_ip_endpoints = {:?}\n",
            announced.authority,
            announced.resource_manager,
            announced.ca_bundle.display(),
            announced.public_ip_endpoints
        );
        let login = format!(
            "user = \"{}\"\nidentity_file = \"{}\"\nknown_hosts_file = \"{}\"\n",
            announced.ssh.user,
            announced.ssh.identity_file.display(),
            known_hosts.display()
        );
        let profiles = announced.vms.iter().map(|vm| {
            let how = if vm.os == "Windows" { "port = 3389\n" } else { &login };
            format!("[profiles.{}]\nvm = \"{}\"\n{how}", vm.name, vm.id)
        });
        let text: String = std::iter::once(cloud).chain(profiles).chain([more.to_owned()]).collect();
        std::fs::write(self.folder.path().join("config.toml"), text).expect("config.toml can be written");
    }

    pub(crate) fn vm(&self, name: &str) -> &AnnounceVm {
        let found = self.simulator.announce().vms.iter().find(|vm| vm.name == name);
        found.unwrap_or_else(|| panic!("{name} is in the fleet"))
    }

    /// Whether a VM's first port takes connections.
    pub(crate) async fn is_open(&self, name: &str) -> bool {
        let dial = self.vm(name).ports[0].dial.clone().expect("the VM has an address");
        TcpStream::connect(dial).await.is_ok()
    }

    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    /// `ajar` as this world's user, signed in as the service principal of the environment.
    pub(crate) fn ajar(&self, args: &[&str]) -> Command {
        self.signed_in(ajar(self.folder.path(), args))
    }

    /// A client of OpenSSH's with those settings. What it runs is signed in likewise.
    #[cfg(unix)]
    pub(crate) fn openssh(&self, program: &str, settings: &Path) -> Command {
        let mut command = self.program(program);
        command.arg("-F").arg(settings);
        command
    }

    /// Another program that goes by OpenSSH.
    #[cfg(unix)]
    pub(crate) fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        self.signed_in(command)
    }

    fn signed_in(&self, mut command: Command) -> Command {
        let announced = self.simulator.announce();
        command
            .env("AZURE_TENANT_ID", announced.tenant_id.to_string())
            .env("AZURE_CLIENT_ID", announced.client_id.to_string())
            .env("AZURE_CLIENT_SECRET", &announced.client_secret);
        command
    }

    /// Runs `ajar` to its end.
    pub(crate) async fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.ajar(args).spawn().expect("ajar starts")).await
    }
}

/// Ctrl+C, as one process sends it to another.
#[cfg(unix)]
pub(crate) fn interrupt(child: &Child) {
    signal(child, "INT");
}

/// Sends a signal by its name.
#[cfg(unix)]
pub(crate) fn signal(child: &Child, name: &str) {
    let pid = child.id().expect("it runs").to_string();
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status();
    assert!(sent.is_ok_and(|status| status.success()));
}

/// Sends a signal to all processes of the group that a child leads.
#[cfg(unix)]
pub(crate) fn signal_group(child: &Child, name: &str) {
    let group = format!("-{}", child.id().expect("it runs"));
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), "--", &group]).status();
    assert!(sent.is_ok_and(|status| status.success()));
}

/// A guest's host key under the name that ssh is told to know it by.
fn known_host(vm: &AnnounceVm) -> Option<String> {
    let key = vm.host_key.as_ref()?;
    Some(format!("{}.{}.{}.azure {key}\n", vm.name, vm.resource_group, vm.subscription_id))
}

/// The `ajar` binary on a folder, without an account.
pub(crate) fn ajar(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ajar"));
    let of_the_account = ["TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "CLIENT_CERTIFICATE_PATH"];
    for name in of_the_account.map(|name| format!("AZURE_{name}")) {
        command.env_remove(name);
    }
    command.arg("--config").arg(folder).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// What a finished `ajar` said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) async fn of(child: Child) -> Self {
        let ended = tokio::time::timeout(LIMIT, child.wait_with_output()).await.expect("ajar ends in time");
        ended.expect("ajar can be waited for").into()
    }

    /// The JSON events on standard output.
    pub(crate) fn events(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    pub(crate) fn last_event(&self) -> Value {
        self.events().pop().unwrap_or_else(|| panic!("no event; on standard error: {}", self.stderr))
    }
}

impl From<Output> for Ended {
    fn from(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("ajar writes UTF-8");
        Self { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
    }
}

impl Control {
    pub(crate) fn new(url: &str, ca_bundle: &Path) -> Self {
        let pem = std::fs::read(ca_bundle).expect("the simulator's certificate");
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).expect("PEM");
        let http = reqwest::Client::builder().tls_certs_only(certificates).no_proxy().build().expect("a client");
        Self { http, url: url.to_owned() }
    }

    /// A client that trusts the simulator.
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(crate) async fn post(&self, what: &str, body: Value) {
        let answer =
            self.http.post(format!("{}/{what}", self.url)).json(&body).send().await.expect("the simulator answers");
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    }

    /// The next requests that match go wrong.
    pub(crate) async fn fault(&self, method: &str, path: &str, fault: Value) {
        let mut body = fault;
        body["match"] = json!({ "method": method, "path": path });
        self.post("faults", body).await;
    }

    /// All requests since the start.
    pub(crate) async fn journal(&self) -> Vec<Request> {
        let answer = self.http.get(format!("{}/journal", self.url)).send().await.expect("the simulator answers");
        answer.json().await.expect("a journal")
    }

    pub(crate) async fn forget_journal(&self) {
        self.http.delete(format!("{}/journal", self.url)).send().await.expect("the simulator answers");
    }

    /// What was changed in Azure, as the ends of paths.
    pub(crate) async fn changes(&self) -> Vec<String> {
        let changed = |request: Request| request.applied_at.map(|_| request.path);
        let all: Vec<String> = self.journal().await.into_iter().filter_map(changed).collect();
        all.iter().map(|path| path.rsplit('/').next().unwrap_or_default().to_owned()).collect()
    }

    /// Nothing goes wrong any more.
    pub(crate) async fn forget_faults(&self) {
        self.http.delete(format!("{}/faults", self.url)).send().await.expect("the simulator answers");
    }

    /// The requests whose path ends so.
    pub(crate) async fn requests(&self, path: &str) -> Vec<Request> {
        let mut all = self.journal().await;
        all.retain(|request| request.path.to_lowercase().ends_with(&path.to_lowercase()));
        all
    }

    /// Waits until a request whose path ends so has been made.
    pub(crate) async fn seen(&self, path: &str) {
        until(&format!("somebody asks for {path}"), async || !self.requests(path).await.is_empty()).await;
    }

    /// Waits until a request whose path ends so has taken effect, whatever became of its answer.
    pub(crate) async fn applied(&self, path: &str) {
        let applied = async {
            while !self.requests(path).await.iter().any(|request| request.applied_at.is_some()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, applied).await.unwrap_or_else(|_| panic!("nobody got {path} done"));
    }
}

/// Looks again and again until it is so. What is waited for is done by other processes, which cannot tell: the pause
/// leaves the processor to them.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let look = async {
        while !is_so().await {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(LIMIT, look).await.unwrap_or_else(|_| panic!("it does not come true that {what}"));
}

/// A line of the simulator's journal.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    pub(crate) applied_at: Option<DateTime<Utc>>,
}
