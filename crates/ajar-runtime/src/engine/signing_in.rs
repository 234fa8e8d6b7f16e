//! Signing in, one at a time. The browser is somebody's who thinks: nothing here waits for it.

use std::convert::Infallible;
use std::sync::Arc;

use ajar_core::account::{AZ, AccountName, AccountSettings, SignInMethod, application_id, tenant};
use ajar_core::failure::{AccountPart, Failure, SignInDemand, SignInPart, Trouble};
use ajar_core::inheritance::Inheritable;
use ajar_core::message;
use ajar_core::message::failure::{About, NO_FAVOURITE, in_words};
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::protocol::{Connect, Reply, SignIn};
use ajar_core::settings::Favourite;
use ajar_core::snapshot::{SignInStage, SignInView};
use tokio::sync::oneshot;

use super::Engine;
use super::effects::Happened;
use crate::ports::{LetGo, SignInPlan, SignedInAs};

/// The sign-in under way, or the last one. Dropping it ends it.
pub(super) struct SigningIn {
    number: u64,
    /// The account's name, if it has one already.
    name: Option<AccountName>,
    /// What waits for it: a favourite to open.
    then: Option<ProfileName>,
    stage: SignInStage,
    /// Whether it is made where another tenant than the account's own wants it.
    is_elsewhere: bool,
    /// Gone with it: whoever signs in hears of that, unless what they have is being kept just then.
    _given_up: oneshot::Sender<Infallible>,
}

/// What comes of a sign-in.
pub(super) enum Signing {
    Stage(SignInStage),
    Ended {
        result: Result<SignedInAs, Trouble>,
        /// Whether somebody is signed in to the Azure CLI, as which favourites act that name no account; `None` where that
        /// does not matter or is not known.
        az_acts: Option<bool>,
    },
}

impl Engine {
    /// Begins to sign in; its number.
    pub(super) fn sign_in(&mut self, wish: SignIn) -> Result<u64, Trouble> {
        if let Some(then) = &wish.then {
            self.favourite(then)?;
        }
        let plan = self.plan(&wish)?;
        self.sign_ins += 1;
        let (number, name, then) = (self.sign_ins, wish.name, wish.then);
        let (accounts, happened) = (Arc::clone(&self.ports.accounts), self.happened.clone());
        let (asks_az, is_elsewhere) = (self.az_may_act_by_default(), plan.demand.tenant.is_some());
        let (given_up, is_given_up) = oneshot::channel();
        while self.signing.try_join_next().is_some() {}
        self.signing.spawn(async move {
            let told = happened.clone();
            let tell = move |stage| drop(told.send(Happened::Signing(number, Signing::Stage(stage))));
            let az_acts = async {
                if !asks_az {
                    return None;
                }
                match accounts.az_accounts().await {
                    Ok(users) => Some(!users.is_empty()),
                    Err(Trouble { failure: Failure::NotSignedIn { .. }, .. }) => Some(false),
                    Err(_) => None,
                }
            };
            let (signed_in, az_acts) = tokio::select! {
                signed_in = async { tokio::join!(accounts.sign_in(&plan, &tell), az_acts) } => signed_in,
                Err(_) = is_given_up => return,
            };
            // From here on it is not given up in between: what was kept is either wanted or forgotten.
            let result = match signed_in {
                Ok(keep) => keep.await,
                Err(trouble) => Err(trouble),
            };
            drop(happened.send(Happened::Signing(number, Signing::Ended { result, az_acts })));
        });
        let stage = SignInStage::Beginning;
        self.signing_in = Some(SigningIn { number, name, then, stage, is_elsewhere, _given_up: given_up });
        Ok(number)
    }

    /// Whether it matters who is signed in to the Azure CLI: favourites act as that for want of another account, or it is
    /// written that new ones do.
    fn az_may_act_by_default(&self) -> bool {
        let acts_as_az = self.settings.default_account(&self.defaults).built_in() == Some(AZ);
        acts_as_az && (self.settings.account.is_some() || self.have_favourites_by_default())
    }

    pub(super) fn have_favourites_by_default(&self) -> bool {
        let default = self.settings.default_account(&self.defaults);
        let acts = |known: &Favourite| self.settings.account_of(&known.profile, &self.defaults);
        let mut unnamed = self.settings.favourites.iter().filter(|known| known.profile.account.is_none());
        unnamed.any(|known| acts(known).as_ref() == Some(&default))
    }

    /// What the wish says, else the account that it names, else the settings.
    fn plan(&self, wish: &SignIn) -> Result<SignInPlan, Failure> {
        let known = wish.name.as_ref().and_then(|name| self.settings.own_account(name));
        let is_same_kind = |own: &AccountSettings| {
            own.sign_in == wish.method || own.sign_in.is_interactive() && wish.method.is_interactive()
        };
        if let Some(name) = &wish.name
            && (name.built_in().is_some() || known.is_some_and(|(_, own)| !is_same_kind(own)))
        {
            return Err(Failure::AccountExists { name: name.to_string() });
        }
        let client_id = wish.client_id.as_deref().map(application_id).transpose()?;
        let tenant = wish.tenant.as_deref().map(tenant).transpose()?;
        let wish = SignIn { client_id, tenant, ..wish.clone() };
        if let Some((name, known)) = known {
            stays_the_same(name, known, &wish)?;
        }
        let is_there = known.is_some();
        let own_tenant = known.and_then(|(_, own)| own.tenant.as_deref());
        let wanted_tenant =
            wish.tenant.clone().filter(|wanted| own_tenant.is_some_and(|own| !own.eq_ignore_ascii_case(wanted)));
        let known = known.map_or_else(|| AccountSettings::new(wish.method), |(_, own)| own.clone());
        let cloud = wish.cloud.clone().or(known.cloud.clone()).or_else(|| self.cloud_wanted(&wish));
        let cloud = cloud.unwrap_or_else(|| self.settings.default_cloud(&self.defaults).to_owned());
        let client_id = wish.client_id.clone().or(known.client_id.clone());
        let client_id = client_id.or_else(|| {
            let of_people = self.settings.client_id(&cloud).filter(|_| wish.method.is_interactive());
            of_people.map(ToOwned::to_owned)
        });
        // A secret takes a certificate's place.
        let certificate = wish.certificate.clone().or(known.certificate.clone()).filter(|_| wish.secret.is_none());
        let account = AccountSettings {
            sign_in: wish.method,
            cloud: Some(cloud),
            // Who has signed in without one acts in all of theirs.
            tenant: known.tenant.clone().or(wish.tenant.clone().filter(|_| known.home_account_id.is_none())),
            client_id,
            username: wish.username.clone().or(known.username.clone()),
            certificate,
            token_file: wish.token_file.clone().or(known.token_file.clone()),
            ..known
        };
        is_complete(&account)?;
        let called = wish.name.as_ref().map(ToString::to_string).or_else(|| account.username.clone());
        // Of an application that is not written yet its name says nothing: it takes all that was said, once more.
        let is_new =
            !is_there && matches!(wish.method, SignInMethod::ServicePrincipal | SignInMethod::WorkloadIdentity);
        Ok(SignInPlan {
            called: called.filter(|_| !is_new).unwrap_or_else(message::account::nameless),
            account,
            secret: wish.secret.clone(),
            wanted_tenant,
            demand: wish.name.as_ref().map(|name| self.demand_of(name, &wish)).unwrap_or_default(),
        })
    }

    /// The cloud of the favourite that a sign-in is for, else of those that name its account.
    fn cloud_wanted(&self, wish: &SignIn) -> Option<String> {
        let then = wish.then.as_ref().and_then(|then| self.settings.favourite(then));
        let names_it = |known: &&Favourite| wish.name.is_some() && known.profile.account == wish.name;
        let favourite = then.or_else(|| self.settings.favourites.iter().find(names_it))?;
        Some(self.place(&favourite.profile).cloud)
    }

    /// What an account was last refused for, also to an Ajar that has ended. Who names the account's own tenant signs in
    /// there, whatever another one wants.
    fn demand_of(&self, account: &AccountName, wish: &SignIn) -> SignInDemand {
        let demand = self.remembered.state().refusals.get(&account.key()).map(|refusal| refusal.demand.clone());
        demand.filter(|demand| demand.tenant.is_none() || wish.tenant.is_none()).unwrap_or_default()
    }

    /// The page of another tenant's is open. Whatever becomes of it, it has been tried: unless Azure wants it again, the
    /// next sign-in is the account's own. A page on which that tenant's rules are against somebody has no way back.
    fn has_tried_what_was_wanted(&mut self) {
        let elsewhere = self.signing_in.as_ref().filter(|last| last.is_elsewhere);
        let name = elsewhere.and_then(|last| last.name.as_ref());
        let Some(key) = name.map(AccountName::key) else { return };
        drop(self.remembered.change(move |state| {
            if let Some(refusal) = state.refusals.get_mut(&key) {
                refusal.demand = SignInDemand::default();
            }
        }));
    }

    /// Gives the sign-in under way up.
    pub(super) fn cancel_sign_in(&mut self) {
        self.signing_in = None;
    }

    /// Takes in how a sign-in goes. What comes of an older one is not wanted any more.
    pub(super) fn signing(&mut self, number: u64, what: Signing) {
        if self.signing_in.as_ref().is_none_or(|last| last.number != number) {
            if let Signing::Ended { result: Ok(SignedInAs { account, .. }), .. } = what {
                self.forget_sign_in(account);
            }
            return;
        }
        let stage = match what {
            Signing::Stage(stage) => {
                if let SignInStage::Browser { url } = &stage {
                    self.open_browser(url.clone());
                }
                self.has_tried_what_was_wanted();
                stage
            }
            Signing::Ended { result, az_acts } => {
                let kept = result.as_ref().ok().map(|who| who.account.clone());
                result.and_then(|who| self.signed_in(who, az_acts)).unwrap_or_else(|trouble| {
                    if let Some(account) = kept {
                        self.forget_sign_in(account);
                    }
                    let about = About { name: NO_FAVOURITE, zone: self.zone(), at: self.now() };
                    SignInStage::Failed { failure: Box::new(in_words(&trouble, &about)) }
                })
            }
        };
        if let Some(last) = &mut self.signing_in {
            last.stage = stage;
        }
    }

    /// Has removed what is kept of a sign-in that did not become an account.
    fn forget_sign_in(&mut self, account: AccountSettings) {
        let accounts = Arc::clone(&self.ports.accounts);
        // An engine that ends waits for it: what stays in a keychain under no account can be removed by nobody.
        self.forgetting.spawn(async move { accounts.forget_sign_in(&account).await });
    }

    /// Has what sign-ins have left under no account let go of. An engine that ends waits for that, too.
    pub(super) fn let_go(&mut self, let_go: Option<LetGo>) {
        while self.forgetting.try_join_next().is_some() {}
        if let Some(let_go) = let_go {
            self.forgetting.spawn(let_go);
        }
    }

    fn open_browser(&self, url: String) {
        let browser = Arc::clone(&self.ports.browser);
        tokio::spawn(async move {
            if let Err(trouble) = browser.open(&url).await {
                // The address is shown, too, for people to open it themselves.
                tracing::warn!(failure = %trouble.failure, "the browser did not come up");
            }
        });
    }

    /// Writes down who has signed in, and looks at what waited for it.
    fn signed_in(
        &mut self,
        SignedInAs { account, kept }: SignedInAs,
        az_acts: Option<bool>,
    ) -> Result<SignInStage, Trouble> {
        let named = self.signing_in.as_ref().and_then(|last| last.name.clone());
        let (name, account) = match named {
            Some(name) => (name, account),
            None => match self.settings.same_account(&account).cloned() {
                // It stays in its tenant.
                Some((name, known)) => (name, AccountSettings { tenant: known.tenant, ..account }),
                None => (self.settings.new_account_name(&account), account),
            },
        };
        let default = self.settings.default_account(&self.defaults);
        self.settings_file.set_account(&name, &account)?;
        self.read_settings_again();
        // Whoever acts for favourites that name no account still does: an own account, though there are several now, and
        // who is signed in to the Azure CLI. Where nobody is, or the account is gone or was only the one that is written, they
        // act as who has just signed in: nobody else can.
        let is_named = self.settings.account.is_some();
        let acts_as_own = |name: &AccountName| {
            let own = self.settings.own_account(name);
            own.is_some_and(|(_, own)| is_named || !own.sign_in.is_interactive() || own.home_account_id.is_some())
        };
        let acts = match default.built_in() {
            Some(AZ) => az_acts.map(|acts| if acts { &default } else { &name }),
            Some(_) => None,
            None if acts_as_own(&default) => Some(&default),
            None => Some(&name),
        };
        if let Some(acts) = acts.filter(|acts| self.settings.default_account(&self.defaults) != **acts) {
            self.settings_file.set_default_account(acts)?;
            self.read_settings_again();
        }
        self.is_accepted(&name);
        self.expect_other_vms(&name);
        self.have_what_waited_act_as(&name)?;
        self.open_what_waited();
        if self.looked {
            self.begin_refresh();
        }
        Ok(SignInStage::Done { name, username: account.username, kept })
    }

    pub(super) fn read_settings_again(&mut self) {
        self.settings_seen = None;
        self.reload_settings();
    }

    /// Who signs in for a favourite means it to act as that account.
    fn have_what_waited_act_as(&mut self, account: &AccountName) -> Result<(), Trouble> {
        let waits = self.signing_in.as_ref().and_then(|last| last.then.as_ref());
        let Some(favourite) = waits.and_then(|name| self.settings.favourite(name)) else { return Ok(()) };
        if self.acting(&favourite.profile).is_ok_and(|acting| acting.account == *account) {
            return Ok(());
        }
        if self.settings.of_team(&favourite.name).is_some() {
            let name = favourite.name.clone();
            return self.have_act_as(&name, account.clone());
        }
        let Favourite { name, profile } = self.written(&favourite.name)?.clone();
        let profile = Profile { account: Some(account.clone()), ..profile };
        self.settings_file.change(&name, &name, &profile)?;
        self.read_settings_again();
        Ok(())
    }

    /// Has a favourite act as an account. A team's own file is not ours to change: who opens its favourites is said of its
    /// folder.
    pub(super) fn have_act_as(&mut self, name: &ProfileName, account: AccountName) -> Result<(), Trouble> {
        let account = Some(account);
        let Some(of_team) = self.settings.of_team(name) else {
            let profile = Profile { account, ..self.written(name)?.profile.clone() };
            return self.edit(name, None, None, &profile);
        };
        let folder = of_team.team.to_string();
        let said = self.settings.inheritance.of_folder(&folder).map(|(_, said)| said.clone()).unwrap_or_default();
        self.edit_defaults(Some(&folder), None, &Inheritable { account, ..said })
    }

    /// Opens the favourite that the sign-in was wanted for, as a click does.
    fn open_what_waited(&mut self) {
        let Some(name) = self.signing_in.as_ref().and_then(|last| last.then.clone()) else { return };
        if let Err(trouble) = self.connect(None, Connect::by_click(name.clone())) {
            // It was removed meanwhile.
            tracing::warn!(%name, failure = %trouble.failure, "what waited for the sign-in could not be opened");
        }
    }

    pub(super) fn refused(&self, trouble: &Trouble, about: &str) -> Reply {
        let about = About { name: about, zone: self.zone(), at: self.now() };
        Reply::Refused { failure: Box::new(in_words(trouble, &about)) }
    }

    pub(super) fn sign_in_view(&self) -> Option<SignInView> {
        let SigningIn { number, name, then, stage, .. } = self.signing_in.as_ref()?;
        Some(SignInView { number: *number, account: name.clone(), then: then.clone(), stage: stage.clone() })
    }
}

/// Whether all is known that an account's way of signing in takes, but for a secret.
fn is_complete(account: &AccountSettings) -> Result<(), Failure> {
    let lacks = |lacks| Err(Failure::SignInIncomplete { lacks });
    match account.sign_in {
        SignInMethod::Browser | SignInMethod::DeviceCode if account.client_id.is_none() => {
            Err(Failure::NoClientId { cloud: account.cloud.clone().unwrap_or_default() })
        }
        SignInMethod::ServicePrincipal | SignInMethod::WorkloadIdentity if account.tenant.is_none() => {
            lacks(SignInPart::Tenant)
        }
        SignInMethod::ServicePrincipal | SignInMethod::WorkloadIdentity if account.client_id.is_none() => {
            lacks(SignInPart::ClientId)
        }
        SignInMethod::WorkloadIdentity if account.token_file.is_none() => lacks(SignInPart::TokenFile),
        SignInMethod::Browser
        | SignInMethod::DeviceCode
        | SignInMethod::ServicePrincipal
        | SignInMethod::WorkloadIdentity
        | SignInMethod::ManagedIdentity
        | SignInMethod::Az
        | SignInMethod::Azd => Ok(()),
    }
}

/// A sign-in makes no other account of one that is there. Whether a tenant is another is for Azure to say: one may be written by
/// its id and by each of its domains.
fn stays_the_same(name: &AccountName, known: &AccountSettings, wish: &SignIn) -> Result<(), Failure> {
    let parts = [
        (AccountPart::Cloud, &known.cloud, &wish.cloud),
        (AccountPart::ClientId, &known.client_id, &wish.client_id),
        (AccountPart::Username, &known.username, &wish.username),
    ];
    for (part, is, wanted) in parts {
        if let (Some(is), Some(wanted)) = (is, wanted)
            && !is.eq_ignore_ascii_case(wanted)
        {
            let (account, is, wanted) = (name.to_string(), is.clone(), wanted.clone());
            return Err(Failure::AccountDiffers { account, part, is, wanted });
        }
    }
    // Somebody who has signed in without a tenant acts in all of theirs, and signs in at home.
    match &wish.tenant {
        Some(wanted) if known.tenant.is_none() && known.home_account_id.is_some() && !is_home(known, wanted) => {
            Err(Failure::AccountDiffers {
                account: name.to_string(),
                part: AccountPart::Tenant,
                is: String::new(),
                wanted: wanted.clone(),
            })
        }
        _ => Ok(()),
    }
}

/// Whether a tenant is the one that an account is at home in: by its id, or by the domain of the user's name.
fn is_home(account: &AccountSettings, tenant: &str) -> bool {
    let id = account.home_account_id.as_deref().and_then(|home| home.split_once('.')).map(|(_, id)| id);
    let domain = account.username.as_deref().and_then(|username| username.split_once('@')).map(|(_, domain)| domain);
    [id, domain].into_iter().flatten().any(|home| home.eq_ignore_ascii_case(tenant))
}

/// Whether signing in so is Ajar's own business.
pub(super) fn is_ajars_own(method: SignInMethod) -> bool {
    method.is_interactive() || method == SignInMethod::ServicePrincipal
}
