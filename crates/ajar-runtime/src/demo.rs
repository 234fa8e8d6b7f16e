//! Settings for the built-in Azure, made from what the simulator announces (its JSON, not its types).

use std::io;
use std::path::Path;
use std::sync::Arc;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::resource_id::VmResourceId;
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::connection;
use crate::files::{Folder, write_atomically};
use crate::hosting::MakeParts;

/// The cloud's name in the demo's settings.
pub const CLOUD: &str = "demo";

/// Where the announcement is kept without its secrets, in the demo's folder: tests and the curious find the simulator's
/// control there.
pub const ANNOUNCEMENT: &str = "azure-sim.json";

/// A built-in Azure that has started: what keeps it running, and what it announces, as JSON.
pub struct BuiltIn<T> {
    /// Lives as long as the engine's host may need it.
    pub azure: T,
    /// Its announcement.
    pub announcement: String,
}

/// Why a built-in Azure did not start.
pub type NotStarted = Box<dyn std::error::Error + Send + Sync>;

/// Makes engines for a built-in Azure, which is started for the first of them and lives as long as what is returned.
/// Which one that is, is the caller's: this crate knows its announcement only.
pub fn parts<T, F>(folder: &Folder, start: impl Fn() -> F + Send + Sync + 'static) -> MakeParts
where
    T: Send + Sync + 'static,
    F: Future<Output = Result<BuiltIn<T>, NotStarted>> + Send + 'static,
{
    let (running, start) = (Arc::new(OnceCell::new()), Arc::new(start));
    let folder = folder.clone();
    Box::new(move || {
        let (running, start, folder) = (Arc::clone(&running), Arc::clone(&start), folder.clone());
        Box::pin(async move {
            let running =
                running.get_or_try_init(|| async { start().await.map_err(|error| unusable(&*error)) }).await?;
            let BuiltIn { announcement, .. } = running;
            let account = prepare(&folder, announcement).map_err(|error| unusable(&error))?;
            connection::parts(folder, Some(CLOUD), true, |name| account.variable(name))
        })
    })
}

fn unusable(error: &(dyn std::error::Error + 'static)) -> Trouble {
    let causes = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
    let detail = format!("the built-in Azure did not start: {}", causes.collect::<Vec<_>>().join(": "));
    Failure::Internal { detail }.into()
}

/// What the simulator announces, as far as the demo needs it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Announcement {
    resource_manager: String,
    authority: String,
    ca_bundle: String,
    tenant_id: String,
    client_id: String,
    client_secret: String,
    public_ip_endpoints: Vec<String>,
    ssh: Ssh,
    vms: Vec<Vm>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ssh {
    user: String,
    identity_file: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vm {
    id: String,
    name: String,
    os: String,
    #[serde(default)]
    host_key: Option<String>,
}

/// The demo's account, in the names of the environment that [`crate::connection::parts`] reads.
pub struct DemoAccount {
    tenant_id: String,
    client_id: String,
    client_secret: String,
}

impl DemoAccount {
    /// Reads as the environment would.
    pub fn variable(&self, name: &str) -> Option<String> {
        match name {
            "AZURE_TENANT_ID" => Some(self.tenant_id.clone()),
            "AZURE_CLIENT_ID" => Some(self.client_id.clone()),
            "AZURE_CLIENT_SECRET" => Some(self.client_secret.clone()),
            _ => None,
        }
    }
}

/// Writes the demo's settings: its cloud, and one favourite for each of its VMs. What was there before belongs to a
/// simulator that is gone; a user's `[clients]` table is kept.
///
/// # Errors
/// An announcement that cannot be read, or the file system's.
pub fn prepare(folder: &Folder, announcement: &str) -> io::Result<DemoAccount> {
    let announced: Announcement = serde_json::from_str(announcement)?;
    folder.create().map_err(|not_made| not_made.error)?;
    let known_hosts = folder.state_file("known_hosts");
    write_atomically(&known_hosts, known_host_lines(&announced.vms).as_bytes())?;
    write_atomically(&folder.settings(), settings(&announced, &known_hosts, &kept_clients(folder)).as_bytes())?;
    // Addresses of the last simulator mean nothing to this one.
    match std::fs::remove_file(folder.state()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    write_atomically(&folder.state_file(ANNOUNCEMENT), &without_secrets(announcement)?)?;
    Ok(DemoAccount {
        tenant_id: announced.tenant_id,
        client_id: announced.client_id,
        client_secret: announced.client_secret,
    })
}

/// The announcement as it may lie in a file: the accounts' secrets stay in memory, even these throw-away ones.
fn without_secrets(announcement: &str) -> io::Result<Vec<u8>> {
    let mut announced: serde_json::Value = serde_json::from_str(announcement)?;
    remove_secrets(&mut announced);
    Ok(serde_json::to_vec_pretty(&announced)?)
}

/// Wherever they are: each account of the announcement can have one.
fn remove_secrets(value: &mut serde_json::Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| name != "clientSecret" && name != "identityHeader");
        fields.values_mut().for_each(remove_secrets);
    } else if let Some(items) = value.as_array_mut() {
        items.iter_mut().for_each(remove_secrets);
    }
}

fn kept_clients(folder: &Folder) -> String {
    let text = std::fs::read_to_string(folder.settings()).unwrap_or_default();
    let document: Option<toml_edit::DocumentMut> = text.parse().ok();
    let clients = document.and_then(|mut document| document.remove("clients"));
    clients.map_or_else(String::new, |clients| {
        let mut kept = toml_edit::DocumentMut::new();
        kept.insert("clients", clients);
        kept.to_string()
    })
}

fn settings(announced: &Announcement, known_hosts: &Path, clients: &str) -> String {
    let text = |value: &str| toml_edit::Value::from(value).to_string();
    let endpoints: toml_edit::Array = announced.public_ip_endpoints.iter().collect();
    let mut out = format!(
        "# Made anew for each demo: the built-in Azure has other addresses each time.\n\
         schema_version = 2\ncloud = \"{CLOUD}\"\n\n[clouds.{CLOUD}]\nauthority = {}\nresource_manager = {}\n\
         ca_bundle = {}\npublic_ip_endpoints = {endpoints}\n\n{clients}\n",
        text(&announced.authority),
        text(&announced.resource_manager),
        text(&announced.ca_bundle),
    );
    for vm in &announced.vms {
        let more = if vm.os == "Windows" {
            "port = 3389\n\n".to_owned()
        } else {
            format!(
                "user = {}\nidentity_file = {}\nknown_hosts_file = {}\n\n",
                text(&announced.ssh.user),
                text(&announced.ssh.identity_file),
                text(&known_hosts.display().to_string())
            )
        };
        out.extend(["[profiles.", &text(&vm.name), "]\nvm = ", &text(&vm.id), "\n", &more]);
    }
    out
}

/// The guests' host keys under the names that ssh is told to know them by.
fn known_host_lines(vms: &[Vm]) -> String {
    let line = |vm: &Vm| {
        let id: VmResourceId = vm.id.parse().ok()?;
        Some(format!("{} {}\n", id.host_alias(), vm.host_key.as_ref()?))
    };
    vms.iter().filter_map(line).collect()
}
