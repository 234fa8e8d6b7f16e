//! From settings to the real world: which cloud, which account, which adapters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ajar_azure::{Cloud, SignIn, missing_variable};
use ajar_core::account::{Acting, Defaults, ENVIRONMENT};
use ajar_core::bastion::BastionHost;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::resource_id::VmResourceId;
use ajar_core::settings::Settings;
use ajar_core::snapshot::{BastionView, HostView};
use ajar_core::source::SourceAddress;
use async_trait::async_trait;
use tokio::task::JoinHandle;

use crate::accounts::{AzureAccounts, Environment, find_cloud};
use crate::adapters::{
    Beyond, ClientLauncher, HttpsTeamDownloads, Keychain, PublicIpEndpoints, SystemBrowser, SystemClock,
    SystemConnections, SystemKeychain, SystemNetwork, TcpPortProbe, Way,
};
use crate::engine::{LOOK_EVERY, Parts};
use crate::files::{Folder, SettingsFile, SshFolder, StateFile};
use crate::ports::{Ports, PublicIp};

/// The cloud used when neither the command line nor the settings name one.
const DEFAULT_CLOUD: &str = "public";

/// What an engine is made of, by the user's settings.
///
/// Favourites that name no account act as the settings' own, else as the service principal of the environment
/// ([`SignIn::from_environment`]) if there is one, else as the only account of the settings, else as whoever is signed in
/// to the az CLI. `variables` reads the environment.
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
    let file = SettingsFile::of(&folder);
    // A broken file must not keep the tray from saying so; but nobody acts on settings that cannot be read, and which cloud
    // they mean is known when they can be.
    let known = file.in_force();
    let public_ip = PublicIpOfClouds::new(file.clone());
    let cloud = match &known {
        Ok(settings) => {
            let cloud = find_cloud(cloud_name(cloud, settings), settings, file.path())?;
            // Certificates that are none are told of before anything begins.
            public_ip.endpoints(&cloud.name)?;
            Some(cloud.name)
        }
        Err(trouble) if cloud.is_some() => return Err(trouble.clone()),
        Err(_) => None,
    };
    let environment = environment(&variables);
    let has_environment = environment.is_some();
    let keychain = Keychain::new(SystemKeychain::of(keychain_service(&folder)));
    let accounts = AzureAccounts::new(file.path(), StateFile::new(folder.state()), known, environment, keychain);
    let ports = Ports {
        accounts: Arc::new(accounts.clone()),
        vm_lists: Arc::new(accounts),
        public_ip: Arc::new(public_ip),
        network: Arc::new(SystemNetwork),
        connections: Arc::new(SystemConnections),
        probe: Arc::new(TcpPortProbe),
        browser: Arc::new(SystemBrowser::new(&folder)),
        launcher: Arc::new(ClientLauncher::new(file, folder.launch())),
        teams: Arc::new(HttpsTeamDownloads::default()),
        clock: Arc::new(SystemClock),
    };
    let ssh_folder = SshFolder::of_user(&folder).ok();
    let environment = has_environment;
    Ok(Parts { ports, folder, ssh_folder, cloud, environment, demo, stays: true, look_every: LOOK_EVERY })
}

/// The way to a VM's port through a Bastion host, for a process that carries it by itself: as whom, through which host, to which port.
///
/// # Errors
/// As [`parts`], and what keeps the host from leading there.
pub async fn way_through(
    folder: Folder,
    cloud: Option<&str>,
    variables: impl Fn(&str) -> Option<String>,
    acting: &Acting,
    (bastion, vm, port): (&BastionView, &VmResourceId, u16),
) -> Result<(Way, JoinHandle<()>), Trouble> {
    let az = SettingsFile::of(&folder).in_force()?.clients.bastion;
    let azure = parts(folder, cloud, false, variables)?.ports.accounts.acting(acting);
    let host = BastionHost { id: bastion.id.clone(), dns_name: bastion.dns_name.clone(), subnet: None };
    Way::through_bastion(Beyond::new(azure, host, (vm.clone(), port), az)).await
}

/// Asks the sources of the cloud that a VM is in, as the settings name them; while these cannot be read, as they last did.
struct PublicIpOfClouds {
    file: SettingsFile,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// As they were last read without a mistake.
    settings: Option<Settings>,
    /// By the clouds' names.
    endpoints: HashMap<String, (Cloud, Arc<PublicIpEndpoints>)>,
}

impl PublicIpOfClouds {
    fn new(file: SettingsFile) -> Self {
        Self { file, known: Mutex::default() }
    }

    fn endpoints(&self, cloud: &str) -> Result<Arc<PublicIpEndpoints>, Trouble> {
        let read = self.file.in_force();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let cloud = match read {
            Ok(settings) => find_cloud(cloud, known.settings.insert(settings), self.file.path())?,
            Err(trouble) => find_cloud(cloud, known.settings.as_ref().ok_or(trouble)?, self.file.path())?,
        };
        if let Some((_, endpoints)) = known.endpoints.get(&cloud.name).filter(|(of, _)| *of == cloud) {
            return Ok(Arc::clone(endpoints));
        }
        let endpoints = Arc::new(PublicIpEndpoints::new(&cloud)?);
        known.endpoints.insert(cloud.name.clone(), (cloud, Arc::clone(&endpoints)));
        Ok(endpoints)
    }
}

#[async_trait]
impl PublicIp for PublicIpOfClouds {
    async fn detect(&self, cloud: &str) -> Result<SourceAddress, Trouble> {
        self.endpoints(cloud)?.detect().await
    }
}

/// What this user's entries in the keychain are called: those of a folder of its own are apart from the others.
fn keychain_service(folder: &Folder) -> String {
    let is_the_users = Folder::of_user().is_ok_and(|usual| usual.shares_settings_with(folder));
    if is_the_users { "ajar".into() } else { format!("ajar {}", folder.settings().display()) }
}

/// The application of the environment.
fn environment(variables: impl Fn(&str) -> Option<String>) -> Option<Environment> {
    let client_id = variables("AZURE_CLIENT_ID");
    SignIn::from_environment(variables).map(|sign_in| Environment { client_id, sign_in })
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
    /// Whether favourites that name no account are to act as the environment's.
    as_environment: bool,
    /// What the environment's account lacks to be one.
    missing_variable: Option<&'static str>,
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
        let settings = SettingsFile::of(folder).in_force()?;
        let cloud = cloud_name(cloud, &settings).to_owned();
        let environment = !demo && SignIn::from_environment(&variables).is_some();
        let account = settings.default_account(&Defaults { cloud: Some(cloud.clone()), environment });
        let as_environment = environment && account.built_in() == Some(ENVIRONMENT);
        Ok(Self { cloud, as_environment, missing_variable: missing_variable(variables).filter(|_| !demo) })
    }

    /// The variable without a value, for want of which the environment's application is not acted as.
    pub fn missing_variable(&self) -> Option<&'static str> {
        self.missing_variable
    }

    /// The failure of a host that talks to another cloud.
    pub fn other_cloud(&self, host: &HostView) -> Option<Failure> {
        let is_another = host.pid != std::process::id() && host.cloud != self.cloud;
        is_another.then(|| Failure::OtherCloud { running: host.cloud.clone(), wanted: self.cloud.clone() })
    }

    /// The failure of a host that does not act as the account in the environment.
    pub fn other_account(&self, host: &HostView) -> Option<Failure> {
        let is_another = host.pid != std::process::id() && self.as_environment && host.account != ENVIRONMENT;
        is_another.then(|| Failure::OtherAccount { running: host.account.clone(), wanted: ENVIRONMENT.into() })
    }
}
