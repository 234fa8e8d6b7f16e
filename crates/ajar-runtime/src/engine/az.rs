//! Who is signed in to the Azure CLI: read when somebody wants to know, and never by itself.

use std::sync::Arc;

use ajar_core::account::{AccountName, SignInMethod};
use ajar_core::failure::{Failure, NO_AZURE_CLI, Trouble};
use ajar_core::protocol::Reply;
use ajar_core::snapshot::{AzAccountView, AzView};
use tokio::sync::oneshot;

use super::Engine;
use super::effects::Happened;
use crate::ports::AzAccount;

impl Engine {
    /// Asks the Azure CLI; the reply comes when it has told.
    pub(super) fn read_az(&self, reply: oneshot::Sender<Reply>) {
        let (accounts, happened) = (Arc::clone(&self.ports.accounts), self.happened.clone());
        tokio::spawn(async move {
            let told = accounts.az_accounts().await;
            drop(happened.send(Happened::Az(told, reply)));
        });
    }

    pub(super) fn az_told(&mut self, told: Result<Vec<AzAccount>, Trouble>, reply: oneshot::Sender<Reply>) {
        self.az = Some(told.map_err(|trouble| trouble.failure));
        self.publish();
        drop(reply.send(Reply::Done));
    }

    pub(super) fn az_view(&self) -> AzView {
        match &self.az {
            None => AzView::Unread,
            Some(Ok(accounts)) => AzView::Read { accounts: accounts.iter().map(|az| self.az_account(az)).collect() },
            Some(Err(Failure::NotSignedIn { detail, .. })) if detail == NO_AZURE_CLI => AzView::Missing,
            Some(Err(Failure::NotSignedIn { detail, .. } | Failure::TokenToolFailed { detail, .. })) => {
                AzView::Failed { why: detail.clone() }
            }
            Some(Err(failure)) => AzView::Failed { why: failure.to_string() },
        }
    }

    /// Whether somebody is known to be signed in to the Azure CLI.
    pub(super) fn has_az_users(&self) -> bool {
        self.az.as_ref().is_some_and(|told| told.as_ref().is_ok_and(|users| !users.is_empty()))
    }

    fn az_account(&self, az: &AzAccount) -> AzAccountView {
        AzAccountView {
            user: az.user.clone(),
            tenant_id: az.tenant_id.clone(),
            cloud: az.cloud.clone(),
            subscriptions: az.subscriptions.len(),
            is_default: az.is_default,
            account: self.account_of_az(az),
        }
    }

    /// The tenant in which `az` lists an account of the settings: the one that it prefers, or the only one.
    pub(super) fn tenant_in_az(&self, name: &AccountName) -> Option<String> {
        let all = self.az.as_ref()?.as_ref().ok()?;
        let its: Vec<_> = all.iter().filter(|az| self.account_of_az(az).as_ref() == Some(name)).collect();
        let only = match its.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        its.iter().copied().find(|az| az.is_default).or(only).map(|az| az.tenant_id.clone())
    }

    /// The account of the settings that is this one.
    fn account_of_az(&self, az: &AzAccount) -> Option<AccountName> {
        let mut of_az = self.settings.accounts.iter().filter(|(_, own)| own.sign_in == SignInMethod::Az);
        let same = of_az.find(|(_, own)| {
            // One that names no tenant acts in all of them.
            own.username.as_deref().is_some_and(|user| user.eq_ignore_ascii_case(&az.user))
                && own.tenant.as_deref().is_none_or(|tenant| tenant.eq_ignore_ascii_case(&az.tenant_id))
        });
        same.map(|(name, _)| name.clone())
    }
}
