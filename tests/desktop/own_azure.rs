//! An Azure of the user's own, beside which nothing is signed in yet, and the user's browser: it notes which page it is to
//! open, and a test signs in on it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use azure_sim::{Options, Simulator};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::unix::pipe::{OpenOptions, Receiver};

use crate::desk::within;

/// The application that people sign in with.
pub(crate) const APPLICATION: &str = "6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01";

/// People, and a VM that rests.
pub(crate) const FLEET: &str = r#"
[[subscriptions]]
id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
name = "Home"

[[accounts]]
name = "ada"

[[accounts]]
name = "grace"
role = "reader"

[[applications]]
client_id = "6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01"
name = "Ajar"

[[vms]]
name = "web-01"
power = "deallocated"
ports = [{ number = 22, jit = {} }]
"#;

/// See the module.
pub(crate) struct OwnAzure {
    /// Where this user's settings are.
    pub(crate) folder: PathBuf,
    azure: Simulator,
    pages: Lines<BufReader<Receiver>>,
}

impl OwnAzure {
    /// Starts it and writes settings that name it, with these beside. `terminal` stands for the user's.
    pub(crate) async fn start(home: &Path, fleet: &str, terminal: &Path, more: &str) -> Self {
        let fleet = Some(fleet.parse().expect("the fleet is as the simulator wants it"));
        let azure = Simulator::start(Options { speed: 20.0, fleet, ..Options::default() });
        let azure = azure.await.expect("the simulator starts");
        let folder = home.join("own");
        std::fs::create_dir(&folder).expect("the home folder can be written to");
        let (browser, pages) = browser(home);
        let announced = azure.announce();
        let settings = format!(
            "cloud = \"sim\"\n\n[clients]\nterminal = [\"{}\"]\nbrowser = [\"{}\"]\n\n[clouds.sim]\n\
             authority = {:?}\nresource_manager = {:?}\nca_bundle = \"{}\"\npublic_ip_endpoints = {:?}\n\n{more}",
            terminal.display(),
            browser.display(),
            announced.authority,
            announced.resource_manager,
            announced.ca_bundle.display(),
            announced.public_ip_endpoints
        );
        std::fs::write(folder.join("config.toml"), settings).expect("the folder can be written to");
        Self { folder, azure, pages }
    }

    /// The resource id of its VM.
    pub(crate) fn vm(&self) -> &str {
        &self.azure.announce().vms[0].id
    }

    /// The address of its VM.
    pub(crate) fn address(&self) -> &str {
        self.azure.announce().vms[0].address.as_deref().expect("it has one")
    }

    /// What an environment holds that acts as the application with all rights.
    pub(crate) fn environment(&self) -> [(&'static str, String); 3] {
        let announced = self.azure.announce();
        [
            ("AZURE_TENANT_ID", announced.tenant_id.to_string()),
            ("AZURE_CLIENT_ID", announced.client_id.to_string()),
            ("AZURE_CLIENT_SECRET", announced.client_secret.clone()),
        ]
    }

    /// Makes the VM a favourite, with this beside.
    pub(crate) fn add_favourite(&self, more: &str) {
        let settings = format!("{}\n[profiles.web-01]\nvm = {:?}\n{more}", self.settings(), self.vm());
        std::fs::write(self.folder.join("config.toml"), settings).expect("the folder can be written to");
    }

    /// What the settings say now.
    pub(crate) fn settings(&self) -> String {
        std::fs::read_to_string(self.folder.join("config.toml")).expect("the settings are there")
    }

    /// The page that the browser is to open next.
    pub(crate) async fn next_page(&mut self) -> String {
        let page = within("the browser is asked for", self.pages.next_line()).await;
        page.expect("the pipe can be read").expect("it never ends")
    }

    /// Signs in on a page of the browser, as somebody who clicks on an account.
    pub(crate) async fn sign_in(&self, page: &str, account: &str) {
        let pem = std::fs::read(&self.azure.announce().ca_bundle).expect("the certificate is there");
        let trusted = reqwest::Certificate::from_pem(&pem).expect("it is one");
        // To the simulator by https, and back to Ajar on the loopback.
        let builder = reqwest::Client::builder().tls_certs_merge([trusted]).no_proxy();
        let http = builder.redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let answer = http.post(page).form(&[("account", account)]).send().await.expect("the page takes it");
        let back = answer.headers().get("location").and_then(|back| back.to_str().ok());
        let back = back.unwrap_or_else(|| panic!("the page leads nowhere: {}", answer.status()));
        let end = http.get(back).send().await.expect("Ajar listens");
        assert!(end.status().is_success(), "{}", end.status());
    }
}

/// A program that notes what it is to open, and the notes.
fn browser(home: &Path) -> (PathBuf, Lines<BufReader<Receiver>>) {
    let (program, pipe) = (home.join("browser"), home.join("pages"));
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let pages = OpenOptions::new().read_write(true).open_receiver(&pipe).expect("the pipe opens");
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$1\" > '{}'\n", pipe.display());
    std::fs::write(&program, script).expect("the folder can be written to");
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("the script can be made executable");
    (program, BufReader::new(pages).lines())
}
