//! The accounts as faces show them.

use ajar_core::account::{AZ, AZD, AccountName, AccountSettings, Acting, ENVIRONMENT, SignInMethod};
use ajar_core::failure::Failure;
use ajar_core::message::account::standing;
use ajar_core::settings::Favourite;
use ajar_core::snapshot::{AccountState, AccountView, Kept, SignInWays};

use super::Engine;
use super::signing_in::is_ajars_own;
use crate::files::Refusal;

impl Engine {
    /// The settings' own, and those without settings that favourites act as, or would.
    pub(super) fn account_views(&self) -> Vec<AccountView> {
        let acting: Vec<Acting> =
            self.settings.favourites.iter().filter_map(|known| self.acting(&known.profile).ok()).collect();
        let default = self.settings.default_account(&self.defaults);
        let own = self.settings.accounts.iter().map(|(name, own)| (name.clone(), Some(own)));
        let built_in = [ENVIRONMENT, AZ, AZD].into_iter().filter_map(|name| name.parse::<AccountName>().ok());
        let is_there = |name: &AccountName| {
            *name == default
                || acting.iter().any(|acting| acting.account == *name)
                || self.defaults.environment && name.as_str() == ENVIRONMENT
                || self.has_az_users() && name.as_str() == AZ
        };
        let all = own.chain(built_in.filter(is_there).map(|name| (name, None)));
        all.map(|(name, own)| {
            let favourites = acting.iter().filter(|acting| acting.account == name).count();
            let is_default = name == default;
            self.account_view(name, own, favourites, is_default)
        })
        .collect()
    }

    /// What there is to sign in with.
    pub(super) fn sign_in_ways(&self) -> SignInWays {
        let client_id = self.settings.client_id(self.settings.default_cloud(&self.defaults));
        SignInWays { client_id: client_id.map(ToOwned::to_owned), az: self.az_view() }
    }

    /// Whether the account of a favourite has to sign in before that can be opened.
    pub(super) fn waits_for_sign_in(&self, favourite: &Favourite, accounts: &[AccountView]) -> bool {
        let acting = match self.acting(&favourite.profile) {
            Ok(acting) => acting,
            Err(trouble) => {
                return matches!(trouble.failure, Failure::NoAccountInCloud { there, .. } if there.is_empty());
            }
        };
        let state = self.remembered.state();
        let subscription = favourite.profile.vm.resource().subscription_id();
        // Another tenant's wish holds up what is in that one.
        let is_wanted_here = |refusal: &Refusal| {
            refusal.demand.tenant.as_ref().is_none_or(|wants| {
                let is_asked = |asked: &String| asked.eq_ignore_ascii_case(subscription);
                refusal.subscription.as_ref().is_some_and(is_asked)
                    || self.ports.accounts.is_in_tenant(&acting, subscription, wants)
            })
        };
        let is_it = |account: &&AccountView| account.name == acting.account;
        accounts.iter().find(is_it).is_some_and(|account| account.state == AccountState::NeedsSignIn)
            && state.refusals.get(&acting.account.key()).is_none_or(is_wanted_here)
    }

    fn account_view(
        &self,
        name: AccountName,
        own: Option<&AccountSettings>,
        favourites: usize,
        is_default: bool,
    ) -> AccountView {
        let method = own.map_or_else(|| method_of(&name), |own| own.sign_in);
        let has_signed_in = own.is_none_or(|own| !method.is_interactive() || own.home_account_id.is_some());
        let refusal = self.remembered.state().refusals.get(&name.key()).map(|refusal| refusal.state);
        let kept = own.map_or(Kept::Elsewhere, |own| self.ports.accounts.kept(own));
        let state = match (refusal, own) {
            _ if !has_signed_in || kept == Kept::Nowhere => AccountState::NeedsSignIn,
            (Some(refused), _) => refused,
            (None, Some(own)) if is_ajars_own(own.sign_in) => AccountState::SignedIn,
            (None, _) => AccountState::Elsewhere,
        };
        AccountView {
            method,
            cloud: own.and_then(|own| own.cloud.clone()),
            username: own.and_then(|own| {
                own.username.clone().or_else(|| own.client_id.clone().filter(|_| !method.is_interactive()))
            }),
            tenant: own.and_then(home_of).or_else(|| self.tenant_in_az(&name)),
            state,
            detail: standing(state, method, own.is_some_and(|own| own.username.is_some())).to_owned(),
            kept,
            favourites,
            is_default,
            name,
        }
    }
}

/// The tenant that an account is at home in: the one that it names, else the one that Entra has told.
fn home_of(own: &AccountSettings) -> Option<String> {
    let told = || own.home_account_id.as_deref()?.split_once('.').map(|(_, tenant)| tenant.to_owned());
    own.tenant.clone().or_else(told)
}

/// How an account signs in that is there without settings.
fn method_of(name: &AccountName) -> SignInMethod {
    match name.built_in() {
        Some(ENVIRONMENT) => SignInMethod::ServicePrincipal,
        Some(AZD) => SignInMethod::Azd,
        _ => SignInMethod::Az,
    }
}
