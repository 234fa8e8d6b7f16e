//! What accounts were refused, as far as the next sign-in has to know: noted until Azure lets them again.

use ajar_core::account::{AZ, AZD, AccountName, SignInMethod};
use ajar_core::failure::{Failure, SignInDemand};
use ajar_core::resource_id::VmResourceId;
use ajar_core::settings::Favourite;
use ajar_core::vm::CloudVm;

use super::Engine;
use crate::files::Refusal;

impl Engine {
    /// Notes that who acts on a VM was refused a token, where a failure of a call about it says so.
    pub(super) fn note_refused_account(&mut self, failure: &Failure, vm: &CloudVm) {
        let acted = self.acted.get(vm).map(|acting| acting.account.key());
        self.note_refused(failure, acted, Some(subscription_of(&vm.id)));
    }

    /// The same of an account that has looked for VMs, with all that kept it from seeing some. It has one next sign-in: of
    /// several refusals the one counts that wants something of it.
    pub(super) fn note_seer(&mut self, account: &AccountName, failures: &[Failure]) {
        let (refusals, others): (Vec<_>, Vec<_>) = failures.iter().partition(|failure| failure.standing().is_some());
        let wanting = refusals.iter().find(|failure| failure.sign_in_demand() != SignInDemand::default());
        for failure in others.into_iter().chain(wanting.or(refusals.first()).copied()) {
            self.note_refused(failure, Some(account.key()), None);
        }
        let refusal = self.remembered.state().refusals.get(&account.key());
        if failures.is_empty() && refusal.is_some_and(|refusal| refusal.subscription.is_none()) {
            self.is_accepted(account);
        }
    }

    fn note_refused(&mut self, failure: &Failure, acted: Option<String>, subscription: Option<String>) {
        let Some((state, named)) = failure.standing() else {
            if let Failure::NotInTenant { account, tenant, .. } = failure {
                self.is_not_in(account, tenant);
            }
            return;
        };
        let Some(account) = named.map(str::to_ascii_lowercase).or(acted) else { return };
        // Whoever is signed in to a tool may be somebody else the next time, and nothing here would tell.
        if self.acts_by_tool(&account) {
            return;
        }
        let refusal = Refusal { subscription, state, demand: failure.sign_in_demand() };
        let is_news = |refused: &Refusal| match (&refused.subscription, &refusal.subscription) {
            // What a VM takes that is to be opened counts more than what could be seen besides.
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (Some(_), Some(_)) | (None, None) => refused.state != refusal.state || refused.demand != refusal.demand,
        };
        if self.remembered.state().refusals.get(&account).is_none_or(is_news) {
            drop(self.remembered.change(move |state| drop(state.refusals.insert(account.clone(), refusal.clone()))));
        }
    }

    /// Whether the account of that key acts as who is signed in to a tool.
    fn acts_by_tool(&self, account: &str) -> bool {
        let own = self.settings.accounts.iter().find(|(name, _)| name.key() == account);
        own.map_or([AZ, AZD].contains(&account), |(_, own)| matches!(own.sign_in, SignInMethod::Az | SignInMethod::Azd))
    }

    /// An account is not let into a tenant: what that wanted of its next sign-in can't be met there any more.
    fn is_not_in(&mut self, account: &str, tenant: &str) {
        let key = account.to_ascii_lowercase();
        let refused = self.remembered.state().refusals.get(&key).and_then(|refused| refused.demand.tenant.as_deref());
        if refused.is_some_and(|refused| refused.eq_ignore_ascii_case(tenant)) {
            drop(self.remembered.change(move |state| drop(state.refusals.remove(&key))));
        }
    }

    /// Azure has answered who acts on a VM: what was refused there before is not any more. It may still be elsewhere, where
    /// another tenant wants more; but not where nothing is left that the account acts on.
    pub(super) fn note_accepted_account(&mut self, account: &AccountName, vm: &CloudVm) {
        let Some(refusal) = self.remembered.state().refusals.get(&account.key()) else { return };
        let is_over = if let Some(refused_in) = &refusal.subscription {
            let is_there = |known: &Favourite| {
                subscription_of(&known.profile.vm) == *refused_in
                    && self.acting(&known.profile).is_ok_and(|acting| acting.account == *account)
            };
            *refused_in == subscription_of(&vm.id) || !self.settings.favourites.iter().any(is_there)
        } else {
            // Refused where it looked for VMs: the next look tells whether that tenant still wants more.
            refusal.demand.tenant.is_none()
        };
        if is_over {
            self.is_accepted(account);
        }
    }

    /// An account has signed in, or is gone.
    pub(super) fn is_accepted(&mut self, account: &AccountName) {
        let key = account.key();
        if self.remembered.state().refusals.contains_key(&key) {
            drop(self.remembered.change(move |state| drop(state.refusals.remove(&key))));
        }
    }
}

fn subscription_of(vm: &VmResourceId) -> String {
    vm.resource().subscription_id().to_ascii_lowercase()
}
