//! From settings to the real world: which cloud, which account, which adapters.

use std::path::Path;
use std::sync::Arc;

use ajar_azure::{ArmClient, Cloud, SignIn};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::message::settings::{Flaw, flaw};
use ajar_core::settings::{CloudSettings, Settings};
use ajar_core::snapshot::HostView;

use crate::adapters::{Arm, ClientLauncher, PublicIpEndpoints, SystemClock, TcpPortProbe};
use crate::engine::Parts;
use crate::files::{Folder, SettingsFile};
use crate::ports::Ports;

/// The cloud used when neither the command line nor the settings name one.
const DEFAULT_CLOUD: &str = "public";

/// The account of an engine that acts as the service principal of the environment.
const ENVIRONMENT: &str = "environment";

/// What an engine is made of, by the user's settings.
///
/// The account is the service principal of the environment (`AZURE_TENANT_ID`, `AZURE_CLIENT_ID`,
/// `AZURE_CLIENT_SECRET`) if there is one, else whoever is signed in to the az CLI. One with a certificate
/// (`AZURE_CLIENT_CERTIFICATE_PATH`) is refused when Azure is called. `variables` reads the environment.
///
/// # Errors
/// Settings that cannot be read, an unknown cloud, certificates that are none. Trouble with the account is not among
/// them: it comes up when Azure is called.
pub fn parts(
    folder: Folder,
    cloud: Option<&str>,
    demo: bool,
    variables: impl Fn(&str) -> Option<String>,
) -> Result<Parts, Trouble> {
    let file = SettingsFile::new(folder.settings());
    // A broken file must not keep the tray from saying so; but nobody acts on settings that cannot be read.
    let (settings, broken) = match file.read() {
        Ok(settings) => (settings, None),
        Err(trouble) if cloud.is_some() => return Err(trouble),
        Err(trouble) => (Settings::default(), Some(trouble)),
    };
    let name = cloud_name(cloud, &settings);
    let cloud = find_cloud(name, &settings, file.path())?;
    let client_id = variables("AZURE_CLIENT_ID");
    let certificate = names_a_certificate(&variables);
    let (account, principal, sign_in) = match SignIn::from_environment(variables) {
        Some(sign_in) => (ENVIRONMENT, client_id, Ok(sign_in)),
        // To act as somebody else than the environment means would be worse than not to act.
        None if certificate => (ENVIRONMENT, client_id, Err(Failure::CertificateUnused.into())),
        None => ("az", None, Ok(SignIn::AzureCli { tenant_id: None })),
    };
    let client = match broken {
        Some(trouble) => Err(trouble),
        None => sign_in.and_then(|sign_in| arm_client(&cloud, &sign_in)),
    };
    let ports = Ports {
        azure: Arc::new(Arm::new(client)),
        public_ip: Arc::new(PublicIpEndpoints::new(&cloud)?),
        probe: Arc::new(TcpPortProbe),
        launcher: Arc::new(ClientLauncher::new(file, folder.state_file("launch"))),
        clock: Arc::new(SystemClock),
    };
    Ok(Parts { ports, folder, cloud: cloud.name, account: account.into(), principal, demo })
}

/// The name of the cloud that `asked` for or, if nobody did, the settings mean.
fn cloud_name<'a>(asked: Option<&'a str>, settings: &'a Settings) -> &'a str {
    asked.or(settings.cloud.as_deref()).unwrap_or(DEFAULT_CLOUD)
}

/// What a face means by its command line, its settings and its environment, to hold against a host that another process
/// is. One that it is itself does as it means.
#[derive(Clone, Debug)]
pub struct Meant {
    cloud: String,
    /// Whether the environment names an account.
    has_account: bool,
}

impl Meant {
    /// `cloud` is what the command line says; `variables` reads the environment. A demo has an account of its own.
    ///
    /// # Errors
    /// Settings that cannot be read.
    pub fn new(
        folder: &Folder,
        cloud: Option<&str>,
        demo: bool,
        variables: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Trouble> {
        let settings = SettingsFile::new(folder.settings()).read()?;
        let has_account = !demo && SignIn::from_environment(variables).is_some();
        Ok(Self { cloud: cloud_name(cloud, &settings).to_owned(), has_account })
    }

    /// The failure of a host that talks to another cloud.
    pub fn other_cloud(&self, host: &HostView) -> Option<Failure> {
        let is_another = host.pid != std::process::id() && host.cloud != self.cloud;
        is_another.then(|| Failure::OtherCloud { running: host.cloud.clone(), wanted: self.cloud.clone() })
    }

    /// The failure of a host that does not act as the account in the environment.
    pub fn other_account(&self, host: &HostView) -> Option<Failure> {
        let is_another = host.pid != std::process::id() && self.has_account && host.account != ENVIRONMENT;
        is_another.then(|| Failure::OtherAccount { running: host.account.clone(), wanted: ENVIRONMENT.into() })
    }
}

/// Whether the environment means a service principal with a certificate.
fn names_a_certificate(variables: impl Fn(&str) -> Option<String>) -> bool {
    ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"]
        .iter()
        .all(|name| variables(name).is_some_and(|value| !value.is_empty()))
}

fn arm_client(cloud: &Cloud, sign_in: &SignIn) -> Result<ArmClient, Trouble> {
    let http = ajar_azure::http_client(cloud)?;
    Ok(ArmClient::new(cloud, sign_in.credential(cloud, http.clone())?, http)?.acting_as(sign_in))
}

fn find_cloud(name: &str, settings: &Settings, file: &Path) -> Result<Cloud, Trouble> {
    if let Some((_, own)) = settings.clouds.iter().find(|(own, _)| own == name) {
        return own_cloud(name, own, file);
    }
    Cloud::built_in(name).ok_or_else(|| {
        let own = settings.clouds.iter().map(|(name, _)| name.clone());
        let known = ["public", "usgov", "china"].into_iter().map(ToOwned::to_owned).chain(own).collect();
        Failure::UnknownCloud { name: name.to_owned(), known }.into()
    })
}

fn own_cloud(name: &str, settings: &CloudSettings, file: &Path) -> Result<Cloud, Trouble> {
    let unusable = |detail: String| Failure::Settings {
        path: file.display().to_string(),
        detail: flaw(&Flaw::Within { table: &format!("clouds.{name}"), detail: &detail }),
    };
    let pem = match &settings.ca_bundle {
        // A relative path counts from the settings file, not from where Ajar happens to be started.
        Some(path) => {
            let full = file.parent().unwrap_or(Path::new("")).join(path);
            Some(std::fs::read(full).map_err(|error| unusable(format!("ca_bundle {path}: {error}")))?)
        }
        None => None,
    };
    Cloud::from_settings(name, settings, pem).map_err(|error| unusable(error.to_string()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(pid: u32, cloud: &str, account: &str) -> HostView {
        HostView { pid, version: "1".into(), cloud: cloud.into(), account: account.into(), demo: false }
    }

    fn meant(settings: &str, cloud: Option<&str>, demo: bool, signed_in: bool) -> Meant {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), settings).unwrap();
        Meant::new(&Folder::at(folder.path()), cloud, demo, |_| {
            signed_in.then(|| "6f2c7c0e-0000-4000-8000-000000000001".into())
        })
        .unwrap()
    }

    #[test]
    fn a_host_of_another_cloud_is_one_that_neither_command_line_nor_settings_mean() {
        let other = std::process::id() + 1;
        for (settings, asked, running, is_another) in [
            ("", None, "public", false),
            ("", None, "usgov", true),
            ("cloud = \"usgov\"", None, "usgov", false),
            ("cloud = \"usgov\"", Some("china"), "usgov", true),
            ("cloud = \"usgov\"", Some("china"), "china", false),
        ] {
            let meant = meant(settings, asked, false, false);
            let failure = meant.other_cloud(&host(other, running, "az"));
            assert_eq!(failure.is_some(), is_another, "{settings} {asked:?} {running}");
            assert_eq!(meant.other_cloud(&host(std::process::id(), running, "az")), None, "it is this process");
        }
    }

    #[test]
    fn a_host_of_another_account_is_one_that_does_not_use_the_environments() {
        let other = std::process::id() + 1;
        for (demo, signed_in, running, is_another) in [
            (false, true, "az", true),
            (false, true, ENVIRONMENT, false),
            (false, false, "az", false),
            (true, true, "az", false),
        ] {
            let meant = meant("", None, demo, signed_in);
            let failure = meant.other_account(&host(other, "public", running));
            assert_eq!(failure.is_some(), is_another, "{demo} {signed_in} {running}");
            assert_eq!(meant.other_account(&host(std::process::id(), "public", running)), None, "it is this process");
        }
    }
}
