//! Signing accounts in and out.

use std::sync::Arc;

use ajar_azure::{BrowserSignIn, DeviceCodeSignIn, Person, Secret, SignIn, SignedIn, Stored};
use ajar_core::account::{AccountName, AccountSettings, Acting, SignInMethod};
use ajar_core::failure::{AccountPart, Failure, SignInPart, Trouble};
use ajar_core::message;
use ajar_core::settings::{BUILT_IN_CLOUDS, Settings};
use ajar_core::snapshot::{Kept, SignInStage};
use futures::FutureExt as _;

use super::Inner;
use super::clouds::Reach;
use super::credentials::{Signed, key};
use crate::ports::{Forgotten, KeepSignIn, SignInPlan, SignedInAs, TellStage};

fn kept(stored: Stored) -> Kept {
    match stored {
        Stored::Keychain => Kept::Keychain,
        Stored::MemoryOnly { why } => Kept::MemoryOnly { why },
    }
}

/// Which user of the Azure CLI an account is: the one it names, else the one that `az` acts as, in its tenant if it names
/// one. `az` lists tenants by their ids: whether a domain is one of these, it says when it is asked for a token.
async fn az_user(account: &AccountSettings) -> Result<String, Failure> {
    let not_there = |detail: String| Failure::not_signed_in(detail);
    let mut users = ajar_azure::az_accounts().await?;
    // What its user calls other clouds there, nobody knows here.
    if let Some(cloud) = account.cloud.as_deref().filter(|cloud| BUILT_IN_CLOUDS.contains(cloud)) {
        users.retain(|az| az.cloud == cloud);
    }
    if let Some(username) = &account.username {
        users.retain(|az| az.user.eq_ignore_ascii_case(username));
        if users.is_empty() {
            return Err(not_there(message::account::az_is_not(username)));
        }
    }
    if let Some(tenant) = account.tenant.as_deref().filter(|tenant| !tenant.contains('.')) {
        users.retain(|az| az.tenant_id.eq_ignore_ascii_case(tenant));
    }
    let place = users.iter().position(|az| az.is_default).unwrap_or(0);
    let user = users.into_iter().nth(place).map(|az| az.user);
    user.ok_or_else(|| {
        not_there(match (&account.username, account.tenant.as_deref()) {
            (Some(username), Some(tenant)) => message::account::az_is_not_in(username, tenant),
            (_, tenant) => message::account::az_is_nobody(tenant),
        })
    })
}

/// Whether both are one tenant, by its id or by any of its domains.
async fn is_same_tenant(reach: &Reach, called: &str, one: &str, other: &str) -> Result<bool, Trouble> {
    if one.eq_ignore_ascii_case(other) {
        return Ok(true);
    }
    if !one.contains('.') && !other.contains('.') {
        return Ok(false);
    }
    let id = |tenant| ajar_azure::tenant_id(&reach.cloud, reach.http.clone(), called, tenant);
    let (one, other) = tokio::try_join!(id(one), id(other))?;
    Ok(one == other)
}

/// What another tenant's page has against somebody, it has as that tenant.
fn at_the_page_of(guest: Option<&str>, Trouble { mut failure, correlation_id }: Trouble) -> Trouble {
    if let Failure::ConditionalAccess { tenant, .. } | Failure::AccountDisabled { tenant, .. } = &mut failure {
        *tenant = guest.map(ToOwned::to_owned);
    } else if let Failure::SignInRequired { demand, .. } = &mut failure {
        demand.tenant = guest.map(ToOwned::to_owned);
    }
    Trouble { failure, correlation_id }
}

/// A sign-in moves no account into another tenant than it is in.
async fn stays_in_its_tenant(plan: &SignInPlan, reach: &Reach) -> Result<(), Trouble> {
    let (Some(is), Some(wanted)) = (&plan.account.tenant, &plan.wanted_tenant) else { return Ok(()) };
    if is_same_tenant(reach, &plan.called, is, wanted).await? {
        return Ok(());
    }
    let (account, is, wanted) = (plan.called.clone(), is.clone(), wanted.clone());
    Err(Failure::AccountDiffers { account, part: AccountPart::Tenant, is, wanted }.into())
}

/// Another person than an account is does not become it: favourites would act as somebody else without a word.
fn is_who_is_meant(plan: &SignInPlan, signed_in: &SignedIn) -> Result<(), Failure> {
    let same = |known: &str, came: &str| known.eq_ignore_ascii_case(came);
    let is_meant = match (&plan.account.home_account_id, &plan.account.username, &signed_in.username) {
        (Some(known), _, _) => same(known, &signed_in.home_account_id),
        // Who has never signed in is known by name alone, if at all.
        (None, Some(known), Some(came)) => same(known, came),
        (None, _, _) => true,
    };
    if is_meant {
        return Ok(());
    }
    Err(Failure::OtherPerson {
        account: plan.called.clone(),
        is: plan.account.username.clone(),
        came: signed_in.username.clone(),
    })
}

impl Inner {
    /// Whether a tenant is the one that an account of the settings signs in to, by whichever name. While nobody tells, it is
    /// another.
    pub(super) async fn is_own_tenant(&self, acting: &Acting, tenant: &str) -> bool {
        let Ok(settings) = self.settings() else { return false };
        let Some((_, own)) = settings.own_account(&acting.account) else { return false };
        let home = || own.home_account_id.as_deref().and_then(|home| Some(home.split_once('.')?.1));
        let Some(own) = own.tenant.as_deref().or_else(home) else { return false };
        let Ok(reach) = self.reach(&acting.cloud, &settings) else { return false };
        is_same_tenant(&reach, acting.account.as_str(), own, tenant).await.unwrap_or(false)
    }

    pub(super) async fn sign_in(self: &Arc<Self>, plan: &SignInPlan, tell: &TellStage) -> Result<KeepSignIn, Trouble> {
        let cloud = plan.account.cloud.as_deref().unwrap_or_default();
        let reach = self.reach(cloud, &self.settings()?)?;
        stays_in_its_tenant(plan, &reach).await?;
        self.known().leaving.retain(|name| name.as_str() != plan.called);
        if !plan.account.sign_in.is_interactive() {
            return self.sign_in_at_once(plan, reach).await;
        }
        // What another tenant wants is met there; the account stays in its own.
        let at = plan.demand.tenant.clone().or_else(|| plan.account.tenant.clone());
        let person = Person {
            account: plan.called.clone(),
            client_id: plan.account.client_id.clone().unwrap_or_default(),
            tenant: plan.account.tenant.clone(),
            username: plan.account.username.clone(),
        };
        let (there, claims) = (Person { tenant: at, ..person.clone() }, plan.demand.claims.clone());
        let of_guest = |trouble| at_the_page_of(plan.demand.tenant.as_deref(), trouble);
        let Reach { cloud, http } = reach.clone();
        let signed_in = if plan.account.sign_in == SignInMethod::DeviceCode {
            let flow = DeviceCodeSignIn::begin(&cloud, http, there, claims).await.map_err(of_guest)?;
            let (user_code, url) = (flow.user_code().to_owned(), flow.verification_uri().to_owned());
            tell(SignInStage::DeviceCode { user_code, url, expires_at: flow.expires_at() });
            flow.finish().await.map_err(of_guest)?
        } else {
            let flow = BrowserSignIn::begin(&cloud, http, there, claims).await?;
            tell(SignInStage::Browser { url: flow.url().to_string() });
            flow.finish().await.map_err(of_guest)?
        };
        is_who_is_meant(plan, &signed_in)?;
        let (this, plan) = (Arc::clone(self), plan.clone());
        Ok(async move { this.take_up(&plan, person, signed_in, reach).await }.boxed())
    }

    /// Stores what a person's sign-in has brought.
    async fn take_up(
        &self,
        plan: &SignInPlan,
        person: Person,
        signed_in: SignedIn,
        reach: Reach,
    ) -> Result<SignedInAs, Trouble> {
        let account = AccountSettings {
            // Another tenant may know its guest by another name.
            username: plan
                .account
                .username
                .clone()
                .filter(|_| plan.demand.tenant.is_some())
                .or_else(|| signed_in.username.clone()),
            home_account_id: Some(signed_in.home_account_id.clone()),
            ..plan.account.clone()
        };
        let account = self.as_written(account, &reach).await;
        let Reach { cloud, http } = reach;
        // One who signs in anew keeps the credential: calls under way wait for its tokens.
        let signed = if let Some(signed) = self.signed(&account, &cloud) {
            signed
        } else {
            let sign_in = SignIn::Person {
                refresh_tokens: Arc::new(self.entries(&cloud, &person.client_id)),
                home_account_id: signed_in.home_account_id.clone(),
                person,
            };
            Signed { credential: sign_in.credential(&cloud, http)?, sign_in }
        };
        let stored = signed.credential.signed_in(&signed_in).await?;
        self.keep(&account, &cloud, signed);
        self.known().tenants.try_anew();
        Ok(SignedInAs { account, kept: kept(stored) })
    }

    /// The account with its tenant in the words in which the same identity has it in the settings already: it is no other one
    /// for being written by a domain here and by an id there.
    async fn as_written(&self, account: AccountSettings, reach: &Reach) -> AccountSettings {
        let (Some(tenant), Ok(settings)) = (&account.tenant, self.settings()) else { return account };
        let is_same = |own: &AccountSettings| {
            own.cloud == account.cloud
                && own.client_id == account.client_id
                && own.home_account_id == account.home_account_id
        };
        let own: Vec<_> = settings.accounts.iter().filter(|(_, own)| is_same(own)).collect();
        let mut written: Vec<_> = own.iter().filter_map(|(_, own)| own.tenant.as_ref()).collect();
        // It may be written just so.
        written.sort_by_key(|own| !own.eq_ignore_ascii_case(tenant));
        for own in written {
            match is_same_tenant(reach, "", own, tenant).await {
                Ok(true) => return AccountSettings { tenant: Some(own.clone()), ..account },
                Ok(false) => {}
                Err(trouble) => tracing::debug!(failure = %trouble.failure, "a tenant’s id was not told"),
            }
        }
        account
    }

    /// Tries what needs nobody at a page; what of it is to be kept is left to do.
    async fn sign_in_at_once(self: &Arc<Self>, plan: &SignInPlan, reach: Reach) -> Result<KeepSignIn, Trouble> {
        let mut account = self.as_written(plan.account.clone(), &reach).await;
        if account.sign_in == SignInMethod::Az {
            account.username = Some(az_user(&account).await?);
        }
        let secret = plan.secret.as_ref().map(|secret| Secret::from(secret.reveal().to_owned()));
        let wants_secret = account.sign_in == SignInMethod::ServicePrincipal && account.certificate.is_none();
        if wants_secret && secret.is_none() {
            return Err(Failure::SignInIncomplete { lacks: SignInPart::Secret }.into());
        }
        let sign_in = self.without_a_page(&plan.called, &account, secret.clone())?;
        let Reach { cloud, http } = reach;
        let credential = sign_in.credential(&cloud, http)?;
        credential.try_out(&cloud, None).await?;
        let Some(secret) = secret.filter(|_| account.certificate.is_none()) else {
            return Ok(std::future::ready(Ok(SignedInAs { account, kept: Kept::Elsewhere })).boxed());
        };
        let this = Arc::clone(self);
        let keep = async move {
            let stored = this.keep_secret(&account, &cloud, &secret).await?;
            this.keep(&account, &cloud, Signed { sign_in, credential });
            Ok(SignedInAs { account, kept: kept(stored) })
        };
        Ok(keep.boxed())
    }

    pub(super) async fn forget_sign_in(&self, account: &AccountSettings) {
        let lives_on = |settings: Settings| settings.accounts.iter().any(|(_, own)| key(own) == key(account));
        if self.settings().is_ok_and(lives_on) {
            return;
        }
        if let Err(trouble) = self.forget(account).await {
            tracing::warn!(failure = %trouble.failure, "what a sign-in has left could not be removed");
        }
    }

    pub(super) async fn sign_out(&self, name: &AccountName, account: &AccountSettings) -> Result<Forgotten, Trouble> {
        // The same person, or application, may be there under another name, and lives on the same sign-in.
        let settings = self.settings()?;
        let leaving = {
            let leaving = &mut self.known().leaving;
            leaving.insert(name.clone());
            leaving.clone()
        };
        let shares = |(other, own): &&(AccountName, AccountSettings)| {
            !leaving.contains(other) && key(account).is_some_and(|kept| key(own) == Some(kept))
        };
        let forgotten = match settings.accounts.iter().find(shares) {
            Some((other, _)) => self.let_go(&settings, name, account, other),
            None => self.forget(account).await.inspect_err(|_| {
                self.known().leaving.remove(name);
            })?,
        };
        self.known().clients.retain(|acting, _| acting.account != *name);
        Ok(forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::super::AzureAccounts;
    use super::super::secret_store::tests::Drawer;
    use super::*;
    use crate::adapters::Keychain;
    use crate::files::StateFile;
    use crate::ports::Accounts as _;

    /// Two accounts of one person, in two tenants, with one entry in the keychain.
    async fn two_of_one_person(folder: &std::path::Path, drawer: &Drawer) -> (AzureAccounts, Settings) {
        let own = |tenant: &str| AccountSettings {
            cloud: Some("public".into()),
            client_id: Some("ajar".into()),
            tenant: Some(tenant.into()),
            home_account_id: Some("oid.home".into()),
            ..AccountSettings::new(SignInMethod::Browser)
        };
        let accounts = vec![("work".parse().unwrap(), own("home")), ("guest".parse().unwrap(), own("fabrikam"))];
        let settings = Settings { accounts, ..Settings::default() };
        let (state, keychain) = (StateFile::new(folder.join("state.json")), Keychain::new(drawer.clone()));
        let file = folder.join("config.toml");
        let accounts = AzureAccounts::new(&file, state, Ok(settings.clone()), None, keychain);
        let name = key(&settings.accounts[0].1).unwrap();
        let kept = accounts.0.secrets.store(&name, "https://login.microsoftonline.com", &"token".into()).await;
        assert_eq!(kept, Ok(Stored::Keychain));
        (accounts, settings)
    }

    #[tokio::test]
    async fn the_last_of_a_persons_accounts_to_sign_out_takes_the_sign_in_along_also_where_all_do_so_at_once() {
        for at_once in [false, true] {
            let (folder, drawer) = (tempfile::tempdir().unwrap(), Drawer::default());
            let (accounts, mut settings) = two_of_one_person(folder.path(), &drawer).await;
            let [(work, of_work), (guest, of_guest)] = [0, 1].map(|place| settings.accounts[place].clone());
            let first = accounts.sign_out(&work, &of_work).await.unwrap();
            assert_eq!((first.had_sign_in, first.shared_with), (false, Some(guest.clone())));
            assert!(!drawer.is_empty(), "the other one lives on it");
            if !at_once {
                settings.accounts.remove(0);
                accounts.settings_are(&settings);
            }
            let last = accounts.sign_out(&guest, &of_guest).await.unwrap();
            assert_eq!((last.had_sign_in, last.shared_with), (true, None), "{at_once}");
            assert!(drawer.is_empty(), "{at_once}");
        }
    }
}
