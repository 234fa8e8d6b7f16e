//! What a client needs to know to use a simulator, as one JSON object.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use uuid::Uuid;

use crate::json::{Text, Value, json};

/// Everything about a running simulator. URLs are without trailing slashes.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Announce {
    /// Azure Resource Manager: `https://127.0.0.1:45123`.
    pub resource_manager: String,
    /// Microsoft Entra ID, without the tenant.
    pub authority: String,
    /// The PEM file of the certificate authority to trust.
    pub ca_bundle: PathBuf,
    /// The first tenant: the service principal's.
    pub tenant_id: Uuid,
    /// The demo service principal.
    pub client_id: Uuid,
    /// Its secret.
    pub client_secret: String,
    /// A PEM file with the key and the certificate that can stand for the secret.
    pub client_certificate: PathBuf,
    /// `IDENTITY_ENDPOINT` of App Service's managed identity.
    pub identity_endpoint: String,
    /// `IDENTITY_HEADER` for it.
    pub identity_header: String,
    /// The instance metadata service of VMs, plain http: `AZURE_POD_IDENTITY_AUTHORITY_HOST`.
    pub imds_endpoint: String,
    /// Three services that tell the client's public address as text.
    pub public_ip_endpoints: Vec<String>,
    /// The control endpoints: `https://127.0.0.1:45123/_sim`.
    pub control: String,
    /// How to sign in to the built-in SSH guests.
    pub ssh: AnnounceSsh,
    /// All tenants, the service principal's first.
    pub tenants: Vec<AnnounceTenant>,
    /// All that can sign in, the service principal first.
    pub accounts: Vec<AnnounceAccount>,
    /// The fleet.
    pub vms: Vec<AnnounceVm>,
}

/// A Microsoft Entra tenant.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnnounceTenant {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// `contoso.onmicrosoft.com`: can stand for the id in an authority.
    pub domain: String,
}

/// A user, a service principal or a managed identity.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnnounceAccount {
    /// How the control endpoints call it.
    pub name: String,
    /// `user`, `servicePrincipal` or `managedIdentity`.
    pub kind: &'static str,
    /// Of users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_principal_name: Option<String>,
    /// Of service principals and managed identities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Uuid>,
    /// Of service principals that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// In the home tenant.
    pub object_id: Uuid,
    /// The tenants that know the account, home first.
    pub tenants: Vec<Uuid>,
}

/// Everything but the secret.
impl fmt::Debug for AnnounceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, user_principal_name, client_id, client_secret: _, object_id, tenants } = self;
        f.debug_struct("AnnounceAccount")
            .field("name", name)
            .field("kind", kind)
            .field("user_principal_name", user_principal_name)
            .field("client_id", client_id)
            .field("client_secret", &format_args!("***"))
            .field("object_id", object_id)
            .field("tenants", tenants)
            .finish()
    }
}

/// The user that the built-in SSH guests know.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnnounceSsh {
    /// The login name.
    pub user: String,
    /// An OpenSSH private key, readable by its owner alone.
    pub identity_file: PathBuf,
}

/// One VM, as it is at the start.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnnounceVm {
    /// The resource id.
    pub id: String,
    /// The subscription's GUID.
    pub subscription_id: String,
    /// The resource group.
    pub resource_group: String,
    /// The VM's name.
    pub name: String,
    /// The region.
    pub location: String,
    /// `Linux` or `Windows`.
    pub os: String,
    /// The word after `PowerState/`.
    pub power_state: String,
    /// The name of the JIT policy that protects it.
    pub jit_policy: Option<String>,
    /// What a client dials: the public address, or the firewall's. None for private VMs and for dynamic addresses
    /// that are not held.
    pub address: Option<String>,
    /// The VM's own public IP address; none behind a firewall.
    pub public_ip: Option<String>,
    /// `ssh-ed25519 AAAA…` of the built-in SSH guest.
    pub host_key: Option<String>,
    /// The ports on which the guest listens.
    pub ports: Vec<AnnouncePort>,
}

/// A port of a VM.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnnouncePort {
    /// The port as Azure knows it.
    pub number: u16,
    /// Where it really is: `127.77.0.11:22`. None while the VM has no address.
    pub dial: Option<String>,
}

/// Everything but the secrets: what is logged by `{:?}` lets nobody in.
impl fmt::Debug for Announce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By name, so that a new field asks here whether it may be shown.
        let Self {
            resource_manager,
            authority,
            ca_bundle,
            tenant_id,
            client_id,
            client_secret: _,
            client_certificate,
            identity_endpoint,
            identity_header: _,
            imds_endpoint,
            public_ip_endpoints,
            control,
            ssh,
            tenants,
            accounts,
            vms,
        } = self;
        f.debug_struct("Announce")
            .field("resource_manager", resource_manager)
            .field("authority", authority)
            .field("ca_bundle", ca_bundle)
            .field("tenant_id", tenant_id)
            .field("client_id", client_id)
            .field("client_secret", &format_args!("***"))
            .field("client_certificate", client_certificate)
            .field("identity_endpoint", identity_endpoint)
            .field("identity_header", &format_args!("***"))
            .field("imds_endpoint", imds_endpoint)
            .field("public_ip_endpoints", public_ip_endpoints)
            .field("control", control)
            .field("ssh", ssh)
            .field("tenants", tenants)
            .field("accounts", accounts)
            .field("vms", vms)
            .finish()
    }
}

impl Announce {
    /// One line of JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        // The VMs may be very many, and the rest is little.
        let rest = serde_json::to_string(&Self { vms: Vec::new(), ..self.clone() })?;
        let mut text = Text::default();
        text.raw(rest.strip_suffix("[]}").unwrap_or_default());
        text.array(self.vms.iter().map(vm_json));
        text.raw("}");
        Ok(text.into_string())
    }

    /// Writes the file in one step: a reader sees all of it or nothing.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // The secret in it is for this user alone: temporary files are made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        io::Write::write_all(&mut file, self.to_json()?.as_bytes())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// As serde writes it, only faster in a dev build.
fn vm_json(vm: &AnnounceVm) -> Value {
    let port = |port: &AnnouncePort| json!({ "number": port.number, "dial": port.dial.clone() });
    json!({
        "id": &vm.id,
        "subscriptionId": &vm.subscription_id,
        "resourceGroup": &vm.resource_group,
        "name": &vm.name,
        "location": &vm.location,
        "os": &vm.os,
        "powerState": &vm.power_state,
        "jitPolicy": vm.jit_policy.clone(),
        "address": vm.address.clone(),
        "publicIp": vm.public_ip.clone(),
        "hostKey": vm.host_key.clone(),
        "ports": vm.ports.iter().map(port).collect::<Value>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vm_is_written_as_serde_writes_it() {
        let port = AnnouncePort { number: 22, dial: Some("127.77.0.11:22".to_owned()) };
        let text = |text: &str| text.to_owned();
        let vm = AnnounceVm {
            id: text("/subscriptions/s/…"),
            subscription_id: text("s"),
            resource_group: text("g"),
            name: text("a\"b"),
            location: text("westeurope"),
            os: text("Linux"),
            power_state: text("running"),
            jit_policy: None,
            address: Some(text("127.77.0.11")),
            public_ip: None,
            host_key: Some(text("ssh-ed25519 AAAA")),
            ports: vec![port, AnnouncePort { number: 23, dial: None }],
        };
        assert_eq!(vm_json(&vm).to_string(), serde_json::to_string(&vm).unwrap());
    }

    #[test]
    fn secrets_show_in_the_json_and_not_in_debug() {
        let announce = Announce {
            resource_manager: "https://127.0.0.1:1".to_owned(),
            authority: String::new(),
            ca_bundle: PathBuf::new(),
            tenant_id: Uuid::nil(),
            client_id: Uuid::nil(),
            client_secret: "open-sesame".to_owned(),
            client_certificate: PathBuf::new(),
            identity_endpoint: String::new(),
            identity_header: "swordfish".to_owned(),
            imds_endpoint: String::new(),
            public_ip_endpoints: Vec::new(),
            control: String::new(),
            ssh: AnnounceSsh { user: "demo".to_owned(), identity_file: PathBuf::new() },
            tenants: Vec::new(),
            accounts: vec![AnnounceAccount {
                name: "app".to_owned(),
                kind: "servicePrincipal",
                user_principal_name: None,
                client_id: None,
                client_secret: Some("open-barley".to_owned()),
                object_id: Uuid::nil(),
                tenants: Vec::new(),
            }],
            vms: Vec::new(),
        };
        let json = announce.to_json().unwrap();
        for secret in ["open-sesame", "swordfish", "open-barley"] {
            assert!(json.contains(secret), "{json}");
        }
        for shown in [format!("{announce:?}"), format!("{announce:#?}")] {
            for secret in ["open-sesame", "swordfish", "open-barley"] {
                assert!(!shown.contains(secret), "{shown}");
            }
            assert!(shown.contains("https://127.0.0.1:1") && shown.contains("client_secret: ***"), "{shown}");
        }
    }
}
