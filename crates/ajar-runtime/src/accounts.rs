//! The accounts of this user, all side by side: for each cloud one HTTP client, for each account, tenant and cloud one
//! client of Azure Resource Manager, made when it is first needed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ajar_azure::{ArmClient, Cloud, Http, SignIn};
use ajar_core::account::{AZ, AccountName, Acting, ENVIRONMENT, SignInMethod};
use ajar_core::failure::{Failure, SignInReason, Trouble};
use ajar_core::message::settings::{Flaw, flaw};
use ajar_core::settings::{CloudSettings, Settings};
use chrono::TimeDelta;

use crate::adapters::Arm;
use crate::ports::{Accounts, Azure};

/// The service principal of the environment, or why it cannot be used.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) client_id: Option<String>,
    pub(crate) sign_in: Result<SignIn, Failure>,
}

/// See the module.
#[derive(Debug)]
pub struct AzureAccounts {
    /// The settings file: paths in it count from there.
    file: PathBuf,
    environment: Option<Environment>,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// What the settings say, or why nobody knows: then nobody acts.
    settings: Result<Settings, Trouble>,
    clouds: HashMap<String, Result<Reach, Trouble>>,
    clients: HashMap<Acting, Arc<Arm>>,
}

/// A cloud and the way to it.
#[derive(Clone, Debug)]
struct Reach {
    cloud: Cloud,
    http: Http,
}

impl AzureAccounts {
    pub(crate) fn new(file: &Path, settings: Result<Settings, Trouble>, environment: Option<Environment>) -> Self {
        let known = Known { settings, clouds: HashMap::new(), clients: HashMap::new() };
        Self { file: file.to_owned(), environment, known: Mutex::new(known) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self, known: &mut Known, acting: &Acting) -> Result<ArmClient, Trouble> {
        let settings = known.settings.clone()?;
        let reach = known.clouds.entry(acting.cloud.clone());
        let Reach { cloud, http } =
            reach.or_insert_with(|| reach_cloud(&acting.cloud, &settings, &self.file)).clone()?;
        let sign_in = self.sign_in(&settings, acting)?;
        let credential = sign_in.credential(&cloud, http.clone())?.in_tenant(None);
        Ok(ArmClient::new(&cloud, credential, http)?.acting_as(&sign_in))
    }

    /// How an account signs in for a tenant.
    fn sign_in(&self, settings: &Settings, acting: &Acting) -> Result<SignIn, Failure> {
        let never = || Failure::SignInRequired { account: acting.account.to_string(), reason: SignInReason::Never };
        let of_az = || Ok(SignIn::AzureCli { tenant_id: acting.tenant.clone() });
        match acting.account.built_in() {
            Some(ENVIRONMENT) => {
                let environment = self.environment.as_ref().ok_or_else(never)?;
                let mut sign_in = environment.sign_in.clone()?;
                if let (SignIn::ServicePrincipal { tenant_id, .. }, Some(wanted)) = (&mut sign_in, &acting.tenant) {
                    tenant_id.clone_from(wanted);
                }
                Ok(sign_in)
            }
            Some(AZ) => of_az(),
            _ => match settings.own_account(&acting.account).map(|(_, own)| own.sign_in) {
                Some(SignInMethod::Az) => of_az(),
                _ => Err(never()),
            },
        }
    }
}

impl Accounts for AzureAccounts {
    fn acting(&self, acting: &Acting) -> Arc<dyn Azure> {
        let mut known = self.known();
        if let Some(client) = known.clients.get(acting) {
            return Arc::clone(client) as _;
        }
        let client = Arc::new(Arm::new(self.client(&mut known, acting)));
        known.clients.insert(acting.clone(), Arc::clone(&client));
        client
    }

    fn principal(&self, acting: &Acting) -> Option<String> {
        match acting.account.built_in() {
            Some(ENVIRONMENT) => self.environment.as_ref()?.client_id.clone(),
            Some(_) => None,
            None => {
                let known = self.known();
                let (_, own) = known.settings.as_ref().ok()?.own_account(&acting.account)?;
                own.username.clone().or_else(|| own.client_id.clone())
            }
        }
    }

    fn clock_skew(&self) -> Option<TimeDelta> {
        self.known().clients.values().filter_map(|client| client.clock_skew()).max_by_key(TimeDelta::abs)
    }

    fn settings_are(&self, settings: &Settings) {
        let mut known = self.known();
        let clouds_differ = known.settings.as_ref().map_or(true, |before| before.clouds != settings.clouds);
        if clouds_differ {
            known.clouds.clear();
            known.clients.clear();
        }
        let of = |settings: &Settings, name: &AccountName| settings.own_account(name).cloned();
        let before = std::mem::replace(&mut known.settings, Ok(settings.clone()));
        if let Ok(before) = before {
            known.clients.retain(|acting, _| of(&before, &acting.account) == of(settings, &acting.account));
        }
    }
}

fn reach_cloud(name: &str, settings: &Settings, file: &Path) -> Result<Reach, Trouble> {
    let cloud = find_cloud(name, settings, file)?;
    Ok(Reach { http: ajar_azure::http_client(&cloud)?, cloud })
}

/// The cloud of that name: the user's own, else a built-in one.
pub(crate) fn find_cloud(name: &str, settings: &Settings, file: &Path) -> Result<Cloud, Trouble> {
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
