//! From settings to the real world: which cloud, which account, which adapters.

use std::path::Path;
use std::sync::Arc;

use ajar_azure::{ArmClient, Cloud, SignIn};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::settings::{CloudSettings, Settings};

use crate::adapters::{Arm, ClientLauncher, PublicIpEndpoints, SystemClock, TcpPortProbe};
use crate::engine::Parts;
use crate::files::{Folder, SettingsFile};
use crate::ports::Ports;

/// The cloud used when neither the command line nor the settings name one.
const DEFAULT_CLOUD: &str = "public";

/// The account of an engine that acts as the service principal of the environment.
pub const ENVIRONMENT: &str = "environment";

/// What an engine is made of, by the user's settings.
///
/// The account is the service principal of the environment (`AZURE_TENANT_ID`, `AZURE_CLIENT_ID`,
/// `AZURE_CLIENT_SECRET`) if there is one, else whoever is signed in to the az CLI. `variables` reads the environment.
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
    let (account, principal, sign_in) = match SignIn::from_environment(variables) {
        Some(sign_in) => (ENVIRONMENT, client_id, sign_in),
        None => ("az", None, SignIn::AzureCli { tenant_id: None }),
    };
    let client = match broken {
        Some(trouble) => Err(trouble),
        None => arm_client(&cloud, &sign_in),
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
pub fn cloud_name<'a>(asked: Option<&'a str>, settings: &'a Settings) -> &'a str {
    asked.or(settings.cloud.as_deref()).unwrap_or(DEFAULT_CLOUD)
}

/// Whether the environment names an account. `variables` reads it.
pub fn environment_has_account(variables: impl Fn(&str) -> Option<String>) -> bool {
    SignIn::from_environment(variables).is_some()
}

fn arm_client(cloud: &Cloud, sign_in: &SignIn) -> Result<ArmClient, Trouble> {
    let http = ajar_azure::http_client(cloud)?;
    ArmClient::new(cloud, sign_in.credential(cloud, http.clone())?, http)
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
        detail: format!("[clouds.{name}] {detail}"),
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
