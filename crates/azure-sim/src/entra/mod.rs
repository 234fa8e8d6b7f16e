//! Microsoft Entra ID: tenants and accounts, discovery, sign-in, tokens, and managed identities.

pub(crate) mod directory;
mod discovery;
mod endpoint;
mod managed_identity;
mod refusal;
mod resource;
mod signing;
pub(crate) mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::fleet::Fleet;
use crate::world::World;
use directory::{Caller, Directory};
use token::{Accepted, BadToken};

/// What there is to sign in with.
pub(crate) struct Entra {
    pub(crate) directory: Directory,
    /// What `X-IDENTITY-HEADER` must say.
    pub(crate) identity_header: String,
    /// Where it is: `https://127.0.0.1:45123`.
    base: String,
}

impl Entra {
    pub(crate) fn new(fleet: &Fleet, base: String) -> Self {
        Self { directory: Directory::new(fleet, random_text), identity_header: random_text(), base }
    }

    /// Whose token this is, and what it is for; or what is wrong with it.
    pub(crate) fn check(&self, text: &str, now: DateTime<Utc>) -> Result<Accepted, BadToken> {
        token::check(&self.directory, &self.base, text, now)
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
        .route("/{tenant}/oauth2/v2.0/token", post(endpoint::token))
        .route("/{tenant}/oauth2/token", post(endpoint::token_v1))
        .route("/_identity/token", get(managed_identity::app_service))
}

/// 256 bits, in the alphabet of URLs.
pub(crate) fn random_text() -> String {
    URL_SAFE_NO_PAD.encode([Uuid::new_v4().as_bytes().as_slice(), Uuid::new_v4().as_bytes()].concat())
}
