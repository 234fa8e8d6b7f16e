//! Tokens of the Azure resource that this machine is: a VM, or an app of App Service.

use std::sync::Arc;

use ajar_core::failure::{Failure, Trouble};
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_core::error::Error;
use azure_core::http::{ClientOptions, HttpClient, RetryOptions, Transport};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};

use super::token_cache::{TokenAsk, TokenSource};
use super::{causes, first_line};
use crate::cloud::Cloud;
use crate::connection;
use crate::limits::Limits;
use crate::policies::OurName;

#[derive(Debug)]
pub(super) struct ManagedIdentity {
    client_id: Option<String>,
    http: Arc<dyn HttpClient>,
}

impl ManagedIdentity {
    pub(super) fn new(cloud: &Cloud, client_id: Option<String>, limits: Limits) -> Result<Self, Trouble> {
        Ok(Self { client_id, http: Arc::new(connection::nearby_client(cloud, limits)?) })
    }

    async fn token(&self, scope: &str) -> azure_core::Result<AccessToken> {
        let client_options = ClientOptions {
            per_call_policies: vec![Arc::new(OurName)],
            retry: RetryOptions::none(),
            transport: Some(Transport::new(Arc::clone(&self.http))),
            ..ClientOptions::default()
        };
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: self.client_id.clone().map(UserAssignedId::ClientId),
            client_options,
        };
        // A new one for each token: it would remember a token that the resource manager has refused.
        ManagedIdentityCredential::new(Some(options))?.get_token(&[scope], None).await
    }
}

#[async_trait]
impl TokenSource for ManagedIdentity {
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Failure> {
        // Claims that a challenge asks for can't be handed on; mostly a newer token is all that is wanted.
        self.token(&ask.scope).await.map_err(|error| failure(&error))
    }
}

fn failure(error: &Error) -> Failure {
    let cause = causes(error).filter_map(|cause| cause.downcast_ref::<Error>()).last().unwrap_or(error);
    Failure::NoManagedIdentity { detail: first_line(cause) }
}
