//! Tenants, accounts and applications of a fleet file: who there is, and what each may do.

use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use crate::state::rights::Statement;

/// A Microsoft Entra tenant.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantSpec {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// Such as `contoso.onmicrosoft.com`; made of the name when left out.
    #[serde(default)]
    pub(crate) domain: String,
}

impl TenantSpec {
    /// Whether `text` is this tenant's id, domain or name; case does not matter.
    pub(crate) fn is(&self, text: &str) -> bool {
        text.eq_ignore_ascii_case(&self.domain)
            || text.eq_ignore_ascii_case(&self.name)
            || Uuid::parse_str(text).is_ok_and(|id| id == self.id)
    }

    fn complete(&mut self) {
        if self.domain.is_empty() {
            let word: String = self.name.chars().filter(char::is_ascii_alphanumeric).collect();
            self.domain = format!("{}.onmicrosoft.com", word.to_ascii_lowercase());
        }
    }
}

/// What signs in.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum AccountKind {
    #[default]
    User,
    ServicePrincipal,
    ManagedIdentity,
}

/// A set of actions that an account is granted on everything in its tenants.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// `*`
    Owner,
    /// Reads, asks for access, starts and stops VMs.
    #[default]
    Operator,
    /// `*/read`
    Reader,
    /// Nothing but what `rights` says.
    None,
}

/// A user, a service principal or a managed identity.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountSpec {
    /// How the control endpoints call it.
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) kind: AccountKind,
    /// Of users: `name@domain` when left out.
    pub(crate) upn: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) object_id: Option<Uuid>,
    /// Of service principals and managed identities.
    pub(crate) client_id: Option<Uuid>,
    /// Id, domain or name of the home tenant; the first one.
    pub(crate) tenant: Option<String>,
    /// Tenants in which a user is a guest, or to which a service principal has been added.
    #[serde(default)]
    pub(crate) guest_in: Vec<String>,
    pub(crate) secret: Option<Secret>,
    #[serde(default, deserialize_with = "date_time")]
    pub(crate) secret_expires: Option<DateTime<Utc>>,
    /// A PEM file with the certificate whose key signs this service principal's assertions.
    pub(crate) certificate: Option<PathBuf>,
    /// Of user-assigned managed identities; system-assigned when left out.
    pub(crate) resource_id: Option<String>,
    #[serde(default)]
    pub(crate) role: Role,
    /// Statements on top of the role, newest last.
    #[serde(default)]
    pub(crate) rights: Vec<Statement>,
}

/// TOML has times of its own, which chrono does not know.
fn date_time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let written = toml::value::Datetime::deserialize(deserializer)?.to_string();
    let parsed = DateTime::parse_from_rfc3339(&written);
    parsed
        .map(|at| Some(at.to_utc()))
        .map_err(|_| serde::de::Error::custom("write a time such as 2027-01-01T00:00:00Z"))
}

/// An application that users sign in to, without a secret of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplicationSpec {
    pub(crate) client_id: Uuid,
    pub(crate) name: String,
    /// A `http://localhost` matches whatever the port.
    #[serde(default = "localhost")]
    pub(crate) redirect_uris: Vec<String>,
}

impl ApplicationSpec {
    /// An application that comes back to this machine.
    pub(crate) fn public(client_id: Uuid, name: &str) -> Self {
        Self { client_id, name: name.to_owned(), redirect_uris: localhost() }
    }
}

fn localhost() -> Vec<String> {
    vec!["http://localhost".to_owned()]
}

/// Text that `{:?}` does not show.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The tenant named by `tenant_id` first, then the others; domains filled in.
pub(super) fn tenants(first: Uuid, listed: &[TenantSpec]) -> Vec<TenantSpec> {
    let contoso = || TenantSpec { id: first, name: "Contoso".to_owned(), domain: String::new() };
    let mut all = vec![listed.iter().find(|tenant| tenant.id == first).cloned().unwrap_or_else(contoso)];
    all.extend(listed.iter().filter(|tenant| tenant.id != first).cloned());
    all.iter_mut().for_each(TenantSpec::complete);
    all
}

/// The service principal that every fleet has, then the listed accounts, then a user and a managed identity where
/// none is listed. Object ids and user principal names are filled in.
pub(super) fn accounts(app: AccountSpec, listed: &[AccountSpec], tenants: &[TenantSpec]) -> Vec<AccountSpec> {
    // Generated tenants have nobody of their own who could sign in.
    let guest_in = app.guest_in.clone();
    let mut all = vec![app];
    all.extend(listed.iter().cloned());
    for (kind, name) in [(AccountKind::User, "demo"), (AccountKind::ManagedIdentity, "identity")] {
        if !all.iter().any(|account| account.kind == kind) {
            let guest_in = if kind == AccountKind::User { guest_in.clone() } else { Vec::new() };
            all.push(AccountSpec { guest_in, ..AccountSpec::new(name, kind) });
        }
    }
    for account in &mut all {
        let wanted = account.tenant.as_deref();
        let home = tenants.iter().find(|tenant| wanted.is_none_or(|wanted| tenant.is(wanted)));
        let domain = home.map(|tenant| tenant.domain.as_str()).unwrap_or_default();
        account.object_id.get_or_insert_with(|| derived("object", &account.name, domain));
        match account.kind {
            AccountKind::User => {
                account.upn.get_or_insert_with(|| format!("{}@{domain}", account.name));
            }
            AccountKind::ServicePrincipal | AccountKind::ManagedIdentity => {
                account.client_id.get_or_insert_with(|| derived("client", &account.name, domain));
            }
        }
    }
    all
}

/// The name of the service principal that every fleet has.
pub(crate) const SERVICE_PRINCIPAL: &str = "app";

impl AccountSpec {
    pub(super) fn new(name: &str, kind: AccountKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            upn: None,
            display_name: None,
            object_id: None,
            client_id: None,
            tenant: None,
            guest_in: Vec::new(),
            secret: None,
            secret_expires: None,
            certificate: None,
            resource_id: None,
            role: Role::Operator,
            rights: Vec::new(),
        }
    }
}

/// The same id for the same words in every run.
pub(crate) fn derived(kind: &str, name: &str, place: &str) -> Uuid {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{kind}/{name}/{place}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// What makes no sense in these, with its key.
pub(super) fn check(tenants: &[TenantSpec], accounts: &[AccountSpec]) -> Result<(), (String, String)> {
    for (index, tenant) in tenants.iter().enumerate() {
        if let Some(other) = tenants.iter().take(index).find(|other| other.id == tenant.id || other.is(&tenant.domain))
        {
            let problem = format!("has the id or the domain of {}", other.name);
            return Err((format!("tenants.{}", tenant.name), problem));
        }
    }
    for (index, account) in accounts.iter().enumerate() {
        let at = |key: &str| format!("accounts.{}.{key}", account.name);
        let others = || accounts.iter().take(index);
        if others().any(|other| other.name.eq_ignore_ascii_case(&account.name)) {
            return Err((at("name"), "is another account's name already".to_owned()));
        }
        if others().any(|other| other.object_id == account.object_id) {
            return Err((at("object_id"), "is another account's id already".to_owned()));
        }
        if account.client_id.is_some() && others().any(|other| other.client_id == account.client_id) {
            return Err((at("client_id"), "is another account's id already".to_owned()));
        }
        let unknown = |wanted: &String| !tenants.iter().any(|tenant| tenant.is(wanted));
        if account.tenant.as_ref().is_some_and(unknown) {
            return Err((at("tenant"), "names none of the fleet's tenants".to_owned()));
        }
        if account.guest_in.iter().any(unknown) {
            return Err((at("guest_in"), "names none of the fleet's tenants".to_owned()));
        }
        if account.kind == AccountKind::User && account.client_id.is_some() {
            return Err((at("client_id"), "users have none; did you mean kind = \"servicePrincipal\"?".to_owned()));
        }
    }
    Ok(())
}
