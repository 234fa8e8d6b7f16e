//! Which application asks, and whether it has shown that it is that one.

use uuid::Uuid;

use crate::entra::assertion;
use crate::entra::conditions::{Demand, expired_secret};
use crate::entra::directory::{Account, Directory};
use crate::entra::endpoint::Ask;
use crate::entra::refusal::Refusal;
use crate::entra::token::ClientProof;
use crate::fleet::{AccountKind, ApplicationSpec};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An application that users sign in to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Client<'d> {
    /// Without a secret: on people's machines.
    Public(&'d ApplicationSpec),
    /// A service principal's own.
    Confidential(&'d Account),
}

/// Every application that people can sign in to.
pub(super) fn all(directory: &Directory) -> impl Iterator<Item = Client<'_>> {
    let confidential = directory.accounts.iter().filter(|account| account.kind() == AccountKind::ServicePrincipal);
    directory.applications.iter().map(Client::Public).chain(confidential.map(Client::Confidential))
}

impl<'d> Client<'d> {
    pub(super) fn find(directory: &'d Directory, client_id: &str) -> Option<Self> {
        let public = directory.application(client_id).map(Self::Public);
        public.or_else(|| directory.service_principal(client_id).map(Self::Confidential))
    }

    pub(super) fn id(self) -> Uuid {
        match self {
            Self::Public(application) => application.client_id,
            Self::Confidential(account) => account.spec.client_id.unwrap_or_default(),
        }
    }

    pub(super) fn name(self) -> &'d str {
        match self {
            Self::Public(application) => &application.name,
            Self::Confidential(account) => account.display_name(),
        }
    }

    /// Where sign-ins may come back to.
    pub(super) fn redirect_uris(self) -> Vec<String> {
        match self {
            Self::Public(application) => application.redirect_uris.clone(),
            Self::Confidential(_) => vec!["http://localhost".to_owned()],
        }
    }

    /// Checks what the form shows: nothing of public applications, a secret or an assertion of others.
    pub(super) fn prove(self, ask: &Ask<'_>) -> Result<ClientProof, Refusal> {
        match self {
            Self::Public(_) if ask.field("client_secret").or(ask.field("client_assertion")).is_some() => {
                let description =
                    "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.";
                Err(Refusal::invalid_client(700_025, description))
            }
            Self::Public(_) => Ok(ClientProof::Public),
            Self::Confidential(account) => prove(ask, account),
        }
    }
}

/// A service principal's secret or assertion.
pub(super) fn prove(ask: &Ask<'_>, account: &Account) -> Result<ClientProof, Refusal> {
    let client = account.label();
    if let Some(sent) = ask.field("client_assertion") {
        if ask.field("client_assertion_type") != Some(JWT_BEARER) {
            return Err(Refusal::missing("client_assertion_type"));
        }
        assertion::check(sent, account, &audiences(ask), ask.now)?;
        return Ok(ClientProof::Certificate);
    }
    let Some(secret) = ask.field("client_secret") else {
        let description =
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        return Err(Refusal::invalid_client(7_000_218, description));
    };
    if account.client_secret.as_deref() != Some(secret) {
        let description = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not \
             the client secret ID, for a secret added to app '{client}'."
        );
        return Err(Refusal::invalid_client(7_000_215, description));
    }
    let tenant = ask.tenant()?.map_or(account.home(), |tenant| tenant.id);
    let demand = ask.world.entra.conditions().demand(account.id, tenant).map(|demanded| demanded.demand);
    if account.secret_expired(ask.now) || demand == Some(Demand::SecretExpired) {
        return Err(expired_secret(&client));
    }
    Ok(ClientProof::Secret)
}

/// What an assertion for this endpoint may name as its audience: the endpoint, under any of the tenant's names and any
/// of this host's, or the issuer.
fn audiences(ask: &Ask<'_>) -> Vec<String> {
    let mut names = vec![ask.authority.to_owned()];
    if let Ok(Some(tenant)) = ask.tenant() {
        names.extend([tenant.id.to_string(), tenant.domain.clone()]);
    }
    let places = ["oauth2/v2.0/token", "oauth2/token", "v2.0"].map(|end| format!("/{end}"));
    let ends = places.iter().map(String::as_str).chain([""]);
    let bases = ask.world.bases();
    ends.flat_map(|end| {
        names.iter().flat_map({
            let bases = &bases;
            move |name| bases.iter().map(move |base| format!("{base}/{name}{end}"))
        })
    })
    .collect()
}
