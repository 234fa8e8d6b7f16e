//! In which tenant an account acts on a subscription, where no favourite names one: in the subscription's own, which Azure
//! tells everybody and which is remembered. An account that gets no token there acts in its own tenant, as those do who
//! manage the subscriptions of others by Azure Lighthouse.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ajar_azure::tenant_of;
use ajar_core::account::{AZ, AZD, AccountName, Acting, SignInMethod};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::settings::{Favourite, Settings};

use tokio::time::{Duration, Instant};

use super::Inner;
use super::clouds::Reach;
use crate::files::{State, StateFile};

/// For so long Azure is not asked again for a tenant that it did not tell: many may want to know, one after the other.
const UNTOLD: Duration = Duration::from_secs(10);

/// The tenants found so far.
#[derive(Debug)]
pub(super) struct Tenants {
    file: StateFile,
    /// Of subscriptions, and of domains, by [`State::tenant_key`].
    remembered: BTreeMap<String, String>,
    /// Where accounts act on subscriptions; `None` is the account's own tenant.
    tried: HashMap<(Acting, String), Option<String>>,
    /// Why an account gets no token of a subscription's tenant, where it acts in its own.
    refused: HashMap<(Acting, String), Failure>,
    /// One asks, and the others wait for what it hears; by the same keys as `remembered`.
    asked: HashMap<String, Arc<tokio::sync::Mutex<()>>>,
    /// When Azure last did not tell, and why; by the same keys.
    untold: HashMap<String, (Instant, Trouble)>,
}

impl Tenants {
    pub(super) fn new(file: StateFile) -> Self {
        let remembered = file.read().tenants;
        Self {
            file,
            remembered,
            tried: HashMap::new(),
            refused: HashMap::new(),
            asked: HashMap::new(),
            untold: HashMap::new(),
        }
    }

    /// See [`crate::ports::Accounts::is_in_tenant`].
    pub(super) fn is_in(&self, acting: &Acting, subscription: &str, tenant: &str) -> bool {
        let told = |what: &str| self.remembered.get(&State::tenant_key(&acting.cloud, what)).map(String::as_str);
        let id = |tenant| told(tenant).unwrap_or(tenant);
        let acts_in = acting.tenant.as_deref().or_else(|| told(subscription));
        acts_in.is_some_and(|acts_in| id(acts_in).eq_ignore_ascii_case(id(tenant)))
    }

    /// Has accounts tried anew in the tenants of their subscriptions.
    pub(super) fn try_anew(&mut self) {
        self.tried.clear();
        self.refused.clear();
        self.untold.clear();
    }
}

/// What an account acts on, as the tenants that were tried are kept.
fn place(acting: &Acting, subscription: &str) -> (Acting, String) {
    (acting.clone(), subscription.to_ascii_lowercase())
}

/// Whether who acts so gets tokens of other tenants than its own: people do, applications and machines have one.
pub(super) fn roams(acting: &Acting, settings: &Settings) -> bool {
    match acting.account.built_in() {
        Some(name) => name == AZ || name == AZD,
        None => settings.own_account(&acting.account).is_some_and(|(_, own)| {
            own.sign_in.is_interactive() || matches!(own.sign_in, SignInMethod::Az | SignInMethod::Azd)
        }),
    }
}

/// Whether a token was refused for the tenant it was wanted of, as far as that can be told: `az` and `azd` do not say.
fn is_of_the_tenant(trouble: &Trouble) -> bool {
    matches!(
        trouble.failure,
        Failure::NotInTenant { .. } | Failure::NotSignedIn { .. } | Failure::NotSignedInToAzd { .. }
    )
}

impl Inner {
    /// Who acts so on a subscription, with the tenant in which it does.
    pub(super) async fn in_tenant_of(&self, subscription: &str, acting: &Acting) -> Result<Acting, Trouble> {
        let settings = self.settings()?;
        if acting.tenant.is_some() || !roams(acting, &settings) {
            return Ok(acting.clone());
        }
        let place = place(acting, subscription);
        let tried = self.known().tenants.tried.get(&place).cloned();
        let tenant = match tried {
            Some(tenant) => tenant,
            None => match self.tenant_told(subscription, acting, &settings).await {
                Ok(tenant) => {
                    let tenant = self.tried_in(tenant, &place).await?;
                    self.known().tenants.tried.insert(place, tenant.clone());
                    tenant
                }
                // Whatever it is, the call itself will tell it better.
                Err(trouble) => {
                    tracing::debug!(subscription, failure = %trouble.failure, "its tenant was not told");
                    None
                }
            },
        };
        Ok(Acting { tenant, ..acting.clone() })
    }

    /// The tenant of a subscription, as it is remembered, else as Azure tells it.
    async fn tenant_told(&self, subscription: &str, acting: &Acting, settings: &Settings) -> Result<String, Trouble> {
        let key = State::tenant_key(&acting.cloud, subscription);
        let asked = Arc::clone(self.known().tenants.asked.entry(key.clone()).or_default());
        let _turn = asked.lock().await;
        if let Some(tenant) = self.known().tenants.remembered.get(&key) {
            return Ok(tenant.clone());
        }
        if let Some((at, trouble)) = self.known().tenants.untold.get(&key)
            && at.elapsed() < UNTOLD
        {
            return Err(trouble.clone());
        }
        let Reach { cloud, http } = self.reach(&acting.cloud, settings)?;
        let tenant = tenant_of(&cloud, http, subscription).await.inspect_err(|trouble| {
            self.known().tenants.untold.insert(key.clone(), (Instant::now(), trouble.clone()));
        })?;
        self.known().tenants.remembered.insert(key.clone(), tenant.clone());
        let written = tenant.clone();
        let file = self.known().tenants.file.clone();
        file.remember(move |state| drop(state.tenants.insert(key, written))).await;
        Ok(tenant)
    }

    /// That tenant, if the account gets a token of it, else its own if it gets one there. The token is kept: it is wanted
    /// next.
    async fn tried_in(&self, tenant: String, place: &(Acting, String)) -> Result<Option<String>, Trouble> {
        let (acting, settings) = (&place.0, self.settings()?);
        let Reach { cloud, .. } = self.reach(&acting.cloud, &settings)?;
        let credential = self.credential(&settings, acting).await?.credential;
        let Err(trouble) = credential.try_out(&cloud, Some(&tenant)).await else {
            self.known().tenants.refused.remove(place);
            return Ok(Some(tenant));
        };
        if is_of_the_tenant(&trouble) && credential.try_out(&cloud, None).await.is_ok() {
            tracing::debug!(tenant, account = %acting.account, "no token of the tenant; acting in the account’s own");
            self.known().tenants.refused.insert(place.clone(), trouble.failure);
            return Ok(None);
        }
        Err(trouble)
    }

    /// Finds out which tenants are meant by the domains that favourites of an account name, and by another one, so that it is
    /// known which of them are the same.
    pub(super) async fn learn_tenants(&self, acting: &Acting, tenant: &str) {
        let Ok(settings) = self.settings() else { return };
        let Ok(Reach { cloud, http }) = self.reach(&acting.cloud, &settings) else { return };
        let is_its_own = |known: &&Favourite| {
            let is_of = |account: &AccountName| *account == acting.account;
            known.profile.account.as_ref().is_none_or(is_of)
                && known.profile.cloud.as_ref().is_none_or(|cloud| *cloud == acting.cloud)
        };
        let named = settings.favourites.iter().filter(is_its_own).filter_map(|known| known.profile.tenant.as_deref());
        let domains: BTreeSet<_> = named.chain([tenant]).filter(|tenant| tenant.contains('.')).collect();
        for domain in domains {
            let key = State::tenant_key(&acting.cloud, domain);
            if self.known().tenants.remembered.contains_key(&key) {
                continue;
            }
            match ajar_azure::tenant_id(&cloud, http.clone(), acting.account.as_str(), domain).await {
                Ok(id) => {
                    self.known().tenants.remembered.insert(key.clone(), id.clone());
                    let file = self.known().tenants.file.clone();
                    file.remember(move |state| drop(state.tenants.insert(key, id))).await;
                }
                Err(trouble) => tracing::debug!(domain, failure = %trouble.failure, "whose it is was not told"),
            }
        }
    }

    /// Takes up the tenant that Azure names in refusing a call, where it had not told it before: the next call is made there.
    /// Gives why it had not, if that is what there is to say.
    pub(super) async fn learnt(&self, failure: &Failure, subscription: &str, acting: &Acting) -> Option<Trouble> {
        let Failure::OtherTenant { tenant: Some(tenant) } = failure else { return None };
        let (key, tenant) = (State::tenant_key(&acting.cloud, subscription), tenant.clone());
        let (file, why) = {
            let tenants = &mut self.known().tenants;
            let (_, why) = tenants.untold.remove(&key)?;
            tenants.remembered.insert(key.clone(), tenant.clone());
            (tenants.file.clone(), why)
        };
        file.remember(move |state| drop(state.tenants.insert(key, tenant))).await;
        // The subscription is there after all.
        Some(why).filter(|why| !matches!(why.failure, Failure::SubscriptionNotFound { .. }))
    }

    /// What is behind a failure of a call about a subscription: where Azure takes no token of the account's own tenant, why
    /// it got none of the subscription's.
    pub(super) fn behind(&self, failure: Failure, subscription: &str, acting: &Acting) -> Failure {
        let Failure::OtherTenant { tenant: Some(tenant) } = &failure else { return failure };
        let refused = self.known().tenants.refused.get(&place(acting, subscription)).cloned();
        let of_tenant = |refused: &Failure| {
            let of = if let Failure::NotInTenant { tenant: of, .. }
            // Of the tools a tenant is told where they repeat what Entra says.
            | Failure::NotSignedInToAzd { tenant: Some(of), .. } = refused
            {
                of.as_str()
            } else if let Failure::NotSignedIn { tenant: Some(of), .. } = refused {
                of
            } else {
                return false;
            };
            of.eq_ignore_ascii_case(tenant)
        };
        refused.filter(of_tenant).unwrap_or_else(|| failure.clone())
    }

    /// Forgets the tenant of a subscription: it may have moved to another since, and so tokens are refused.
    pub(super) async fn forget_tenant(&self, subscription: &str, acting: &Acting) {
        let key = State::tenant_key(&acting.cloud, subscription);
        let (was_known, file) = {
            let tenants = &mut self.known().tenants;
            tenants.tried.retain(|(_, tried), _| !tried.eq_ignore_ascii_case(subscription));
            (tenants.remembered.remove(&key).is_some(), tenants.file.clone())
        };
        if was_known {
            file.remember(move |state| drop(state.tenants.remove(&key))).await;
        }
    }
}
