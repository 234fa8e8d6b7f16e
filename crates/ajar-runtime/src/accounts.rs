//! The accounts of this user, all side by side: for each cloud one HTTP client, for each account one credential, for
//! each account, tenant and cloud one client of Azure Resource Manager, made when it is first needed.

mod acting;
mod bound_secret;
mod clouds;
mod credentials;
mod pauses;
mod refresh_tokens;
mod secret_store;
mod signing_in;
mod tenants;
mod vm_lists;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use ajar_azure::{ArmClient, Cloud, SignIn};
use ajar_core::account::{AZ, AccountName, AccountSettings, Acting, Defaults, ENVIRONMENT, SignInMethod};
use ajar_core::failure::Trouble;
use ajar_core::rights::Principal;
use ajar_core::settings::Settings;
use ajar_core::snapshot::Kept;
use async_trait::async_trait;
use chrono::TimeDelta;

use crate::adapters::Keychain;
use crate::files::StateFile;
use crate::ports::{Accounts, AzAccount, Azure, Forgotten, KeepSignIn, LetGo, SignInPlan, TellStage};
use acting::As;
use clouds::Reach;
pub(crate) use clouds::find_cloud;
use credentials::Signed;
use pauses::{Pauses, Whose};
use secret_store::SecretStore;
use tenants::Tenants;

/// The application of the environment.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) client_id: Option<String>,
    pub(crate) sign_in: SignIn,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct AzureAccounts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The settings file: paths in it count from there.
    file: PathBuf,
    environment: Option<Environment>,
    secrets: SecretStore,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// What the settings say, or why nobody knows: then nobody acts.
    settings: Result<Settings, Trouble>,
    clouds: HashMap<String, Reach>,
    /// By cloud and what tells the identity apart: an account that is signed in anew, or renamed, keeps its credential.
    credentials: HashMap<String, Signed>,
    clients: HashMap<Acting, ArmClient>,
    tenants: Tenants,
    pauses: Pauses,
    /// Who is signing out, and in the settings yet: nobody else can live on their sign-ins for long.
    leaving: HashSet<AccountName>,
    /// The Azure CLI's profile that its tokens were had by.
    az_profile: Option<(SystemTime, u64)>,
}

impl AzureAccounts {
    pub(crate) fn new(
        file: &Path,
        state: StateFile,
        settings: Result<Settings, Trouble>,
        environment: Option<Environment>,
        keychain: Keychain,
    ) -> Self {
        let known = Known {
            settings,
            clouds: HashMap::new(),
            credentials: HashMap::new(),
            clients: HashMap::new(),
            tenants: Tenants::new(state.clone()),
            pauses: Pauses::new(state.clone()),
            leaving: HashSet::new(),
            az_profile: None,
        };
        let secrets = SecretStore::new(keychain, state);
        Self(Arc::new(Inner { file: file.to_owned(), environment, secrets, known: Mutex::new(known) }))
    }
}

impl Known {
    /// Whether a cloud is what its name still stands for: the settings may have changed since it was looked up.
    fn is_still(&self, cloud: &Cloud) -> bool {
        self.clouds.get(&cloud.name).is_some_and(|reach| reach.cloud == *cloud)
    }
}

impl Inner {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings(&self) -> Result<Settings, Trouble> {
        self.known().settings.clone()
    }

    /// The settings' accounts of its cloud that could act instead of another one.
    fn others_than(&self, acting: &Acting) -> Vec<String> {
        let Ok(settings) = self.settings() else { return Vec::new() };
        let is_of_cloud = |own: &AccountSettings| own.cloud.as_ref().is_none_or(|cloud| *cloud == acting.cloud);
        let others = settings.accounts.iter().filter(|(name, own)| *name != acting.account && is_of_cloud(own));
        others.map(|(name, _)| name.to_string()).collect()
    }

    /// Whether who signs in to a cloud has to name it: it is not the one that the settings mean.
    fn is_named_to_sign_in(&self, cloud: &str) -> bool {
        self.settings().is_ok_and(|settings| cloud != settings.default_cloud(&Defaults::default()))
    }

    /// How Azure names whom it acts as, where that is known.
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

    /// Whom the token that is used on a subscription was given to.
    async fn holder(&self, acting: &Acting, subscription: &str) -> Result<Principal, Trouble> {
        let (settings, acting) = (self.settings()?, self.in_tenant_of(subscription, acting).await?);
        let Reach { cloud, .. } = self.reach(&acting.cloud, &settings)?;
        let Signed { credential, .. } = self.credential(&settings, &acting).await?;
        Ok(credential.holder(&cloud, acting.tenant.as_deref()).await)
    }

    /// The client that acts so on a subscription.
    async fn client(&self, acting: &Acting, subscription: &str) -> Result<ArmClient, Trouble> {
        self.look_at_az();
        self.client_in(&self.in_tenant_of(subscription, acting).await?).await
    }

    /// Somebody else may be signed in to the Azure CLI than a moment ago, or nobody: what was had of it is forgotten then.
    fn look_at_az(&self) {
        let (mut known, profile) = (self.known(), ajar_azure::az_profile_version());
        if known.az_profile == profile {
            return;
        }
        known.az_profile = profile;
        known.credentials.retain(|_, signed| !matches!(signed.sign_in, SignIn::AzureCli { .. }));
        let settings = known.settings.clone().unwrap_or_default();
        let is_az = |name: &AccountName| {
            let own = || settings.own_account(name).is_some_and(|(_, own)| own.sign_in == SignInMethod::Az);
            name.built_in() == Some(AZ) || own()
        };
        known.clients.retain(|acting, _| !is_az(&acting.account));
        known.tenants.try_anew();
    }

    /// The client that acts so in its tenant; where none is named, in the account's own.
    async fn client_in(&self, acting: &Acting) -> Result<ArmClient, Trouble> {
        self.look_at_az();
        if let Some(client) = self.known().clients.get(acting) {
            return Ok(client.clone());
        }
        let settings = self.settings()?;
        let Reach { cloud, http } = self.reach(&acting.cloud, &settings)?;
        let Signed { sign_in, credential } = self.credential(&settings, acting).await?;
        let tenant = acting.tenant.as_deref();
        let client = ArmClient::new(&cloud, credential.in_tenant(tenant), http)?.acting_as(&sign_in, tenant);
        let whose = self.principal(acting).map_or(Whose::OfToken { credential, cloud: Box::new(cloud) }, Whose::Named);
        let mut known = self.known();
        let client = client.keeping_pauses(known.pauses.of(acting, whose));
        if !known.still_says(&settings, &acting.account) {
            return Ok(client);
        }
        // Of two that were made at the same time one counts: what it holds back counts for all.
        Ok(known.clients.entry(acting.clone()).or_insert(client).clone())
    }
}

impl Known {
    /// Whether the clouds are still those of settings that something was made from. What was made from others, while the
    /// settings changed, serves who waited for it and is not kept.
    fn has_clouds_of(&self, settings: &Settings) -> bool {
        self.settings.as_ref().is_ok_and(|known| known.clouds == settings.clouds)
    }

    /// The same of what an account signs in with.
    fn still_says(&self, settings: &Settings, account: &AccountName) -> bool {
        let is_same = |known: &Settings| known.own_account(account) == settings.own_account(account);
        self.has_clouds_of(settings) && self.settings.as_ref().is_ok_and(is_same)
    }
}

#[async_trait]
impl Accounts for AzureAccounts {
    fn acting(&self, acting: &Acting) -> Arc<dyn Azure> {
        Arc::new(As::new(Arc::clone(&self.0), acting.clone()))
    }

    fn principal(&self, acting: &Acting) -> Option<String> {
        self.0.principal(acting)
    }

    async fn whom(&self, acting: &Acting, subscription: &str) -> Principal {
        let told = self.0.holder(acting, subscription).await.unwrap_or_default();
        // At home they may be called otherwise than a tenant calls its guest.
        Principal { name: self.0.principal(acting).or(told.name), ..told }
    }

    fn clock_skew(&self) -> Option<TimeDelta> {
        let known = self.0.known();
        ArmClient::latest_clock_skew(known.clients.values())
    }

    fn settings_are(&self, settings: &Settings) -> Option<LetGo> {
        let mut known = self.0.known();
        if known.settings.as_ref().map_or(true, |before| before.clouds != settings.clouds) {
            known.clouds.clear();
            known.credentials.clear();
            known.clients.clear();
            known.tenants.try_anew();
        }
        known.leaving.retain(|name| settings.own_account(name).is_some());
        let of = |settings: &Settings, name: &AccountName| settings.own_account(name).cloned();
        let before = std::mem::replace(&mut known.settings, Ok(settings.clone()));
        if let Ok(before) = before {
            for (name, own) in &before.accounts {
                if settings.own_account(name).map(|(_, own)| own) != Some(own) {
                    Inner::forget_credential(&mut known, name, own);
                }
            }
            known.clients.retain(|acting, _| of(&before, &acting.account) == of(settings, &acting.account));
            known.tenants.try_anew();
        }
        drop(known);
        // What a later Ajar wrote may have accounts that are not understood here.
        if settings.newer.is_some() {
            return None;
        }
        let kept = settings.accounts.iter().filter_map(|(_, own)| credentials::key(own));
        self.0.secrets.are_claimed(&kept.collect())
    }

    async fn sign_in(&self, plan: &SignInPlan, tell: &TellStage) -> Result<KeepSignIn, Trouble> {
        self.0.sign_in(plan, tell).await
    }

    async fn forget_sign_in(&self, account: &AccountSettings) {
        self.0.forget_sign_in(account).await;
    }

    async fn sign_out(&self, name: &AccountName, account: &AccountSettings) -> Result<Forgotten, Trouble> {
        self.0.sign_out(name, account).await
    }

    async fn az_accounts(&self) -> Result<Vec<AzAccount>, Trouble> {
        Ok(ajar_azure::az_accounts().await?)
    }

    fn is_in_tenant(&self, acting: &Acting, subscription: &str, tenant: &str) -> bool {
        self.0.known().tenants.is_in(acting, subscription, tenant)
    }

    fn kept(&self, account: &AccountSettings) -> Kept {
        self.0.kept(account)
    }
}
