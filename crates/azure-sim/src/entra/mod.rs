//! Microsoft Entra ID: tenants and accounts, discovery, sign-in, tokens, and managed identities.

mod assertion;
mod authorize;
pub(crate) mod certificate;
mod client;
pub(crate) mod conditions;
mod device;
pub(crate) mod directory;
mod discovery;
mod endpoint;
mod grants;
pub(crate) mod imds;
mod logout;
mod managed_identity;
mod page;
pub(crate) mod refusal;
mod resource;
mod signing;
mod stamp;
pub(crate) mod token;
mod user_grants;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::fleet::Fleet;
use crate::world::World;
use certificate::Certificate;
use conditions::{AccountChange, Conditions};
use directory::{Account, Caller, Directory};
use grants::Grants;
pub(crate) use stamp::stamp;
use token::{Accepted, BadToken};

/// What there is to sign in with.
pub(crate) struct Entra {
    pub(crate) directory: Directory,
    /// What `X-IDENTITY-HEADER` must say.
    pub(crate) identity_header: String,
    /// Where it is: `https://127.0.0.1:45123`.
    base: String,
    grants: Mutex<Grants>,
    conditions: Mutex<Conditions>,
}

impl Entra {
    /// `certificates` are those of service principals, by account.
    pub(crate) fn new(fleet: &Fleet, certificates: &HashMap<String, Certificate>, base: String) -> Self {
        Self {
            directory: Directory::new(fleet, certificates, random_text),
            identity_header: random_text(),
            base,
            grants: Mutex::default(),
            conditions: Mutex::default(),
        }
    }

    fn grants(&self) -> MutexGuard<'_, Grants> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn conditions(&self) -> MutexGuard<'_, Conditions> {
        self.conditions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose token this is, and what it is for; or what is wrong with it.
    pub(crate) fn check(&self, text: &str, now: DateTime<Utc>) -> Result<Accepted, BadToken> {
        let accepted = token::check(&self.directory, &self.base, text, now)?;
        let valid_from = self.conditions().valid_from(accepted.caller.account);
        if accepted.cp1 && accepted.issued < valid_from {
            return Err(BadToken::Revoked { valid_from });
        }
        let valid_from = self.conditions().here_since();
        if accepted.cp1 && accepted.issued < valid_from {
            return Err(BadToken::Elsewhere { valid_from });
        }
        Ok(accepted)
    }

    /// The accounts with what is demanded of them, for `/_sim/accounts`.
    pub(crate) fn accounts_json(&self) -> Value {
        let conditions = self.conditions();
        let one = |account: &Account| {
            let mut json = conditions.to_json(account.id);
            json["account"] = account.spec.name.clone().into();
            json
        };
        self.directory.accounts.iter().map(one).collect()
    }

    /// Does what `POST /_sim/accounts` asks for, or says what would be right.
    pub(crate) fn change_account(&self, change: &AccountChange, now: DateTime<Utc>) -> Result<(), String> {
        let account = self.directory.account(&change.account).ok_or_else(|| self.no_such_account(&change.account))?;
        let named = |text: &String| {
            let known = &self.directory.tenants;
            known.iter().find(|tenant| tenant.is(text)).map(|tenant| tenant.id).ok_or_else(|| {
                let names: Vec<&str> = known.iter().map(|tenant| tenant.name.as_str()).collect();
                format!("there is no tenant '{text}'; there are {}", names.join(", "))
            })
        };
        let tenant = change.tenant.as_ref().map(named).transpose()?;
        self.conditions().change(account.id, tenant, change, now);
        Ok(())
    }

    pub(crate) fn no_such_account(&self, text: &str) -> String {
        let known: Vec<&str> = self.directory.accounts.iter().map(|account| account.spec.name.as_str()).collect();
        format!("there is no account '{text}'; there are {}", known.join(", "))
    }

    /// The service principal that every fleet has, as its home tenant knows it.
    pub(crate) fn app(&self) -> Caller {
        let app = self.directory.app();
        app.caller(app.memberships[0])
    }

    /// The first tenant.
    pub(crate) fn tenant_id(&self) -> Uuid {
        self.directory.tenants[0].id
    }

    /// The authority of a tenant, as challenges name it.
    pub(crate) fn authority(&self, tenant: Option<Uuid>) -> String {
        match tenant {
            Some(tenant) => format!("{}/{tenant}", self.base),
            None => format!("{}/common", self.base),
        }
    }
}

/// Everything of Entra's that clients ask for. `adfs` is a tenant of its own name: of an authority called so, clients
/// ask for no instance discovery.
pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/metadata/endpoints", get(discovery::cloud_metadata))
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery::openid_configuration))
        .route("/{tenant}/.well-known/openid-configuration", get(discovery::openid_configuration_v1))
        .route("/{tenant}/discovery/keys", get(discovery::keys))
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys))
        .route("/{tenant}/oauth2/v2.0/token", post(endpoint::token).fallback(endpoint::only_post))
        .route("/{tenant}/oauth2/token", post(endpoint::token_v1).fallback(endpoint::only_post))
        .route("/{tenant}/oauth2/v2.0/logout", get(logout::end).post(logout::end))
        .route("/{tenant}/oauth2/logout", get(logout::end).post(logout::end))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize::show).post(authorize::decide))
        .route("/{tenant}/oauth2/authorize", get(authorize::show).post(authorize::decide))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(device::code).fallback(endpoint::only_post))
        .route("/{tenant}/oauth2/devicecode", post(device::code).fallback(endpoint::only_post))
        .route("/devicelogin/submit.js", get(page::submit_script))
        .route("/devicelogin", get(device::show).post(device::decide))
        .route("/common/discovery/instance", get(discovery::instance))
        .route("/common/userrealm/{user}", get(discovery::user_realm))
        .route("/_identity/token", get(managed_identity::app_service))
        // As clients of before azure-identity ask.
        .route("/_identity/token/", get(managed_identity::app_service))
}

/// 256 bits, in the alphabet of URLs.
pub(crate) fn random_text() -> String {
    URL_SAFE_NO_PAD.encode([Uuid::new_v4().as_bytes().as_slice(), Uuid::new_v4().as_bytes()].concat())
}
