//! A user with a keyring of their own, two simulated clouds, and the `ajar` binary.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use azure_sim::{AnnounceVm, Options, Simulator};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::LIMIT;
use crate::session::Session;

/// The application that is registered in the fleets.
pub(crate) const APP: &str = "6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01";

pub(crate) const FABRIKAM: &str = "e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02";

const TWO_TENANTS: &str = r#"
[[tenants]]
id = "e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02"
name = "Fabrikam"

[[tenants]]
id = "c4f1a6d2-8b3e-4e57-9a10-2d6b7f8e5c05"
name = "Tailspin"

[[subscriptions]]
id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
name = "Home"
managed_by = ["Tailspin"]

[[subscriptions]]
id = "c3a8e9b2-1f64-4d0e-8a57-90b4d2f1e003"
name = "Research"
tenant = "Fabrikam"

[[accounts]]
name = "ada"
guest_in = ["Fabrikam"]

[[accounts]]
name = "bob"
tenant = "Fabrikam"

[[accounts]]
name = "tom"
tenant = "Tailspin"

[[accounts]]
name = "robot"
kind = "servicePrincipal"
client_id = "0d5e1b7c-52aa-4f1e-8c3d-7e9f00112233"
tenant = "Fabrikam"
secret = "canary~secret~of~robot"

[[applications]]
client_id = "6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01"
name = "Ajar"

[[vms]]
name = "home"
subscription = "Home"
power = "running"
ports = [{ number = 22, jit = {} }]

[[vms]]
name = "lab"
subscription = "Research"
power = "running"
ports = [{ number = 22, jit = {} }]
"#;

const OTHER_CLOUD: &str = r#"
[[tenants]]
id = "0b8a5c1e-2d74-4f38-9a0c-6f3d1e7b9c03"
name = "Northwind"

[[subscriptions]]
id = "d90c4b7f-3e15-4a62-8c9d-5b2f7a1e6d04"
name = "Trade"

[[accounts]]
name = "grace"

[[applications]]
client_id = "6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01"
name = "Ajar"

[[vms]]
name = "desk"
subscription = "Trade"
power = "running"
ports = [{ number = 22, jit = {} }]
"#;

pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("it never came true")
}

async fn simulator(fleet: &str) -> Simulator {
    Simulator::start(Options { speed: 60.0, fleet: Some(fleet.parse().unwrap()), ..Options::default() }).await.unwrap()
}

/// A user of two clouds, in a session with a keyring of its own.
pub(crate) struct User {
    session: Session,
    pub(crate) clouds: [Simulator; 2],
    _keyring: Child,
}

impl User {
    pub(crate) async fn new() -> Self {
        let clouds = [simulator(TWO_TENANTS).await, simulator(OTHER_CLOUD).await];
        let session = Session::start().await;
        fs::create_dir(session.home.path().join("ajar")).unwrap();
        let keyring = session.keyring(true).await;
        let user = Self { session, clouds, _keyring: keyring };
        user.write_settings();
        user
    }

    pub(crate) fn home(&self) -> &Path {
        self.session.home.path()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.home().join("ajar")
    }

    pub(crate) fn settings(&self) -> String {
        fs::read_to_string(self.folder().join("config.toml")).unwrap()
    }

    pub(crate) fn write_settings(&self) {
        let cloud = |name: &str, simulator: &Simulator| {
            let announced = simulator.announce();
            format!(
                "[clouds.{name}]\nauthority = \"{}\"\nresource_manager = \"{}\"\nca_bundle = \"{}\"\n\
                 public_ip_endpoints = {:?}\n",
                announced.authority,
                announced.resource_manager,
                announced.ca_bundle.display(),
                announced.public_ip_endpoints
            )
        };
        let favourite = |name: &str, more: &str| format!("[profiles.{name}]\nvm = \"{}\"\n{more}", self.vm(name).id);
        let text = [
            "cloud = \"sim\"\n".to_owned(),
            format!("[sign_in]\nclient_id = \"{APP}\"\n[clients]\nbrowser = [\"true\"]\n"),
            cloud("sim", &self.clouds[0]),
            cloud("other", &self.clouds[1]),
            favourite("home", "account = \"environment\"\n"),
            favourite("lab", "account = \"bob\"\n"),
            favourite("desk", "account = \"grace\"\n"),
        ];
        fs::write(self.folder().join("config.toml"), text.concat()).unwrap();
    }

    pub(crate) fn vm(&self, name: &str) -> &AnnounceVm {
        let all = self.clouds.iter().flat_map(|cloud| &cloud.announce().vms);
        all.into_iter().find(|vm| vm.name == name).unwrap()
    }

    pub(crate) fn ajar(&self, args: &[&str]) -> Command {
        self.ajar_at(&self.folder(), args)
    }

    /// With its files in a folder as the command line has it.
    pub(crate) fn ajar_at(&self, folder: &Path, args: &[&str]) -> Command {
        let mut command = Command::from(crate::ajar(folder, args));
        self.session.has(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// With the service principal of the first cloud in its environment.
    pub(crate) fn ajar_with_environment(&self, args: &[&str]) -> Command {
        let announced = self.clouds[0].announce();
        let mut command = self.ajar(args);
        command.env("AZURE_TENANT_ID", announced.tenant_id.to_string());
        command.env("AZURE_CLIENT_ID", announced.client_id.to_string());
        command.env("AZURE_CLIENT_SECRET", &announced.client_secret);
        command
    }

    pub(crate) async fn run(&self, args: &[&str]) -> (i32, String, String) {
        ended(self.ajar(args).spawn().unwrap()).await
    }

    pub(crate) fn http(&self, cloud: usize) -> reqwest::Client {
        let pem = fs::read(&self.clouds[cloud].announce().ca_bundle).unwrap();
        let trusted = reqwest::Certificate::from_pem(&pem).unwrap();
        let builder = reqwest::Client::builder().tls_certs_merge([trusted]).no_proxy();
        builder.redirect(reqwest::redirect::Policy::none()).build().unwrap()
    }

    /// Signs in as a browser would; the events that `ajar` told.
    pub(crate) async fn sign_in(&self, account: &str, args: &[&str]) -> Vec<Value> {
        let args = [&["sign-in", "--json"], args].concat();
        let cloud = usize::from(args.contains(&"other"));
        let mut child = self.ajar(&args).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut events = vec![next_event(&mut lines).await.expect("an address for the browser")];
        self.browse(account, events[0]["url"].as_str().unwrap(), cloud).await;
        while let Some(event) = next_event(&mut lines).await {
            events.push(event);
        }
        let (code, _, stderr) = ended(child).await;
        assert_eq!(code, 0, "{events:?} {stderr}");
        events
    }

    /// Does what a browser does with the page of a sign-in, and approves where more is wanted.
    pub(crate) async fn browse(&self, account: &str, page: &str, cloud: usize) {
        let http = self.http(cloud);
        let mut answer = http.post(page).form(&[("account", account)]).send().await.unwrap();
        if !answer.headers().contains_key("location") {
            answer = http.post(page).form(&[("account", account), ("met", "1")]).send().await.unwrap();
        }
        let back = answer.headers()["location"].to_str().unwrap().to_owned();
        http.get(back).send().await.unwrap();
    }

    pub(crate) async fn journal(&self, cloud: usize) -> Vec<String> {
        self.entries(cloud).await.iter().map(line).collect()
    }

    /// The lines of what has changed something.
    pub(crate) async fn changes(&self, cloud: usize) -> Vec<String> {
        self.entries(cloud).await.iter().filter(|entry| !entry["appliedAt"].is_null()).map(line).collect()
    }

    async fn entries(&self, cloud: usize) -> Vec<Value> {
        let url = format!("{}/journal", self.clouds[cloud].announce().control);
        self.http(cloud).get(url).send().await.unwrap().json().await.unwrap()
    }

    /// Azure's clock goes on, ours does not: by a day is by more than tokens last.
    pub(crate) async fn advance(&self, cloud: usize, seconds: u32) {
        self.control(cloud, "advance", serde_json::json!({ "seconds": seconds })).await;
    }

    /// Tells a simulator's `/_sim` something.
    pub(crate) async fn control(&self, cloud: usize, what: &str, body: Value) {
        let url = format!("{}/{what}", self.clouds[cloud].announce().control);
        let post = self.http(cloud).post(url).header("content-type", "application/json").body(body.to_string());
        let answer = post.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    pub(crate) async fn forget_journals(&self) {
        for cloud in 0..2 {
            let url = format!("{}/journal", self.clouds[cloud].announce().control);
            self.http(cloud).delete(url).send().await.unwrap();
        }
    }

    /// What the keyring has of Ajar, by name. While others put something into it, it sometimes refuses to tell: then it is
    /// asked again.
    pub(crate) async fn secrets(&self) -> BTreeSet<String> {
        soon(async {
            loop {
                match self.session.secrets().await {
                    Ok(names) => break names,
                    Err(refused) => eprintln!("the keyring: {refused}"),
                }
            }
        })
        .await
    }

    /// Everything that is written, but for what the keyring keeps: its file is not readable.
    pub(crate) fn files_with(&self, canary: &str) -> Vec<String> {
        self.session.files_with(&[canary])
    }
}

pub(crate) async fn next_event(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<Value> {
    let line = soon(lines.next_line()).await.unwrap()?;
    Some(serde_json::from_str(&line).unwrap())
}

pub(crate) async fn ended(child: Child) -> (i32, String, String) {
    let output = soon(child.wait_with_output()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

pub(crate) fn tokens(journal: &[String]) -> Vec<&str> {
    let mut tokens: Vec<_> = journal.iter().filter_map(|line| line.strip_suffix("/oauth2/v2.0/token")).collect();
    tokens.sort_unstable();
    tokens
}

fn line(entry: &Value) -> String {
    let text = |key: &str| entry[key].as_str().unwrap_or_default();
    format!("{} {}", text("method"), text("path"))
}
