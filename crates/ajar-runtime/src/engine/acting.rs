//! Whom favourites act as. Several accounts, tenants and clouds work side by side; there is no “current” one.

use std::sync::Arc;

use ajar_core::account::{AccountName, Acting};
use ajar_core::failure::Trouble;
use ajar_core::message::account::now_act_as;
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::protocol::Reply;
use ajar_core::vm::CloudVm;

use super::Engine;
use crate::ports::Azure;

/// The calls to Azure, and whom they are made as.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) acting: Acting,
    pub(super) azure: Arc<dyn Azure>,
}

impl Engine {
    /// Whom a favourite acts as.
    pub(super) fn acting(&self, profile: &Profile) -> Result<Acting, Trouble> {
        Ok(self.settings.acting(profile, &self.defaults)?)
    }

    /// The cloud in which the account acts that favourites act as which name none.
    pub(super) fn default_accounts_cloud(&self) -> String {
        let own = self.settings.own_account(&self.settings.default_account(&self.defaults));
        let cloud = own.and_then(|(_, own)| own.cloud.as_deref());
        cloud.unwrap_or_else(|| self.settings.default_cloud(&self.defaults)).to_owned()
    }

    /// Has favourites that name no account act as this one. Attempts under way go on as whom they began as.
    pub(super) fn set_default_account(&mut self, account: &AccountName) -> Result<Reply, Trouble> {
        let written = self.settings.account_called(account, &self.defaults)?;
        let cloud_before = self.default_accounts_cloud();
        self.settings_file.set_default_account(&written)?;
        self.settings_seen = None;
        self.reload_settings();
        let cloud = self.default_accounts_cloud();
        let other_cloud = Some(cloud.as_str()).filter(|_| cloud != cloud_before);
        let acts = now_act_as(written.as_str(), other_cloud);
        if self.looked {
            self.begin_refresh();
        }
        Ok(Reply::ActsByDefault { acts })
    }

    /// The calls to Azure, made as whom a favourite acts as; noted for its VM.
    pub(super) fn act(&mut self, profile: &Profile) -> Result<Caller, Trouble> {
        let acting = self.acting(profile)?;
        let caller = self.caller(&acting);
        self.acted.insert(self.place(profile), acting);
        Ok(caller)
    }

    /// The calls to Azure about a VM, made as who acts on it for the favourite `name`.
    pub(super) fn caller_on(&self, name: &ProfileName, vm: &CloudVm) -> Option<Caller> {
        self.acting_on(name, vm).map(|acting| self.caller(&acting))
    }

    fn caller(&self, acting: &Acting) -> Caller {
        Caller { acting: acting.clone(), azure: self.ports.accounts.acting(acting) }
    }

    /// Who acts on a VM for the favourite `name`. One without a favourite has who acted on it last, else who would on a
    /// new one; nobody if that account is not there.
    pub(super) fn acting_on(&self, name: &ProfileName, vm: &CloudVm) -> Option<Acting> {
        let favourite = self.settings.favourite(name).filter(|favourite| self.leads_to(favourite, vm));
        if let Some(favourite) = favourite {
            return self.acting(&favourite.profile).ok();
        }
        let on_new = || Profile { cloud: Some(vm.cloud.clone()), ..Profile::new(vm.id.clone()) };
        self.acted.get(vm).cloned().or_else(|| self.acting(&on_new()).ok())
    }

    /// How Azure names who acts on a VM for a favourite.
    pub(super) fn principal(&self, name: &ProfileName, vm: &CloudVm) -> Option<String> {
        self.acting_on(name, vm).and_then(|acting| self.ports.accounts.principal(&acting))
    }
}
