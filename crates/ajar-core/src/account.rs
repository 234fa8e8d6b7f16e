//! Accounts: whom Ajar acts as, by name. Every favourite acts as one of them, whatever the others do.

mod acting;
mod naming;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

pub use acting::{Acting, Defaults};

use crate::message::given;

/// The account of the environment's service principal.
pub const ENVIRONMENT: &str = "environment";
/// Whoever is signed in to the Azure CLI.
pub const AZ: &str = "az";
/// Whoever is signed in to the Azure Developer CLI.
pub const AZD: &str = "azd";

/// The accounts that are there without settings.
pub const BUILT_IN: [&str; 3] = [ENVIRONMENT, AZ, AZD];

/// The name of an account: 1 to 64 letters, digits, `-`, `_` and `.`, beginning with a letter or digit. Two names that
/// differ only in case are the same account.
#[derive(Clone, Debug, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub struct AccountName(String);

/// The text is no name for an account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", given::no_account_name(.0))]
pub struct AccountNameError(String);

impl AccountName {
    /// The account of the environment's service principal.
    pub fn environment() -> Self {
        Self(ENVIRONMENT.to_owned())
    }

    /// Whoever is signed in to the Azure CLI.
    pub fn az() -> Self {
        Self(AZ.to_owned())
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which of [`BUILT_IN`] it is, if it is one of them: these names can't be given to accounts of one's own.
    pub fn built_in(&self) -> Option<&'static str> {
        BUILT_IN.into_iter().find(|built_in| self.0.eq_ignore_ascii_case(built_in))
    }

    /// The name in one case, to look it up by.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl std::str::FromStr for AccountName {
    type Err = AccountNameError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=64).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if fits { Ok(Self(text.to_owned())) } else { Err(AccountNameError(text.to_owned())) }
    }
}
impl TryFrom<String> for AccountName {
    type Error = AccountNameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}
impl PartialEq for AccountName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}
impl std::hash::Hash for AccountName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}
impl std::fmt::Display for AccountName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How an account signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum SignInMethod {
    /// In the system's browser.
    Browser,
    /// In a browser of another device, with a code.
    DeviceCode,
    /// As an application, with a secret of the keychain or a certificate.
    ServicePrincipal,
    /// As the Azure resource that this runs on.
    ManagedIdentity,
    /// As a workload of a federated platform, such as a pod.
    WorkloadIdentity,
    /// As somebody who is signed in to the Azure CLI.
    Az,
    /// As whoever is signed in to the Azure Developer CLI.
    Azd,
}

impl SignInMethod {
    /// Whether Ajar itself signs somebody in, and keeps a refresh token.
    pub fn is_interactive(self) -> bool {
        matches!(self, Self::Browser | Self::DeviceCode)
    }
}

/// An `[accounts.NAME]` table. Without secrets: these are in the system's keychain. Keys it does not know are a later
/// Ajar's, and let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSettings {
    /// How it signs in.
    pub sign_in: SignInMethod,
    /// The cloud it is an account of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// Its home, by id or domain: where it signs in. Without it, wherever it belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The application it signs in with, or that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Who it is, as Entra said after signing in. For the Azure CLI: which of its accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `OBJECT_ID.TENANT_ID`, as Entra said after signing in: what its refresh token is kept under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_account_id: Option<String>,
    /// A service principal's certificate with its key: a PEM file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The file that a workload's platform keeps its token in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<String>,
}

impl AccountSettings {
    /// An account that signs in that way, and nothing else known of it.
    pub fn new(sign_in: SignInMethod) -> Self {
        Self {
            sign_in,
            cloud: None,
            tenant: None,
            client_id: None,
            username: None,
            home_account_id: None,
            certificate: None,
            token_file: None,
        }
    }
}

/// An application's id as Azure shows it, out of what was pasted: a GUID, in lower case.
///
/// # Errors
/// [`Failure::ClientIdUnfit`].
pub fn application_id(text: &str) -> Result<String, Failure> {
    let id = text.trim().trim_start_matches('{').trim_end_matches('}').to_ascii_lowercase();
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    let fits = groups == [8, 4, 4, 4, 12] && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if fits { Ok(id) } else { Err(Failure::ClientIdUnfit) }
}

/// A tenant as it is asked for: its id, or one of its domains.
///
/// # Errors
/// [`Failure::TenantUnfit`].
pub fn tenant(text: &str) -> Result<String, Failure> {
    let tenant = text.trim();
    // It becomes a part of addresses.
    let labels = || tenant.split('.');
    let fits = |label: &str| {
        let edges = [label.chars().next(), label.chars().last()];
        edges.iter().all(|edge| edge.is_some_and(|c| c.is_ascii_alphanumeric()))
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if labels().all(fits) { Ok(tenant.to_owned()) } else { Err(Failure::TenantUnfit { tenant: text.to_owned() }) }
}

/// Why the system's keychain cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeychainTrouble {
    /// There is none.
    Absent,
    /// It is locked, and was not unlocked.
    Locked,
    /// It has not answered in time: it may wait for its password.
    Slow,
    /// It failed.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_equal_in_any_case_and_built_in_ones_are_known() {
        for name in ["work", "a", "Contoso.Gov-2_b"] {
            assert!(name.parse::<AccountName>().is_ok_and(|name| name.built_in().is_none()), "{name}");
        }
        for name in ["", "-x", "a b", "me@contoso.com", "ü", &"x".repeat(65)] {
            assert!(name.parse::<AccountName>().is_err(), "{name}");
        }
        assert_eq!("Work".parse::<AccountName>().unwrap(), "work".parse().unwrap());
        assert_eq!("AZ".parse::<AccountName>().unwrap().built_in(), Some(AZ));
        assert_eq!(AccountName::environment().built_in(), Some(ENVIRONMENT));
    }

    #[test]
    fn a_tenant_is_an_id_or_a_domain_and_never_another_part_of_an_address() {
        for text in ["e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02", " contoso.onmicrosoft.com\n", "contoso", "a.b-c.example"] {
            assert_eq!(tenant(text), Ok(text.trim().to_owned()));
        }
        for text in
            ["", " ", "Contoso Ltd", "../../x", "a..b", ".", "-a", "a-", "a/b", "contoso.com.", "ü.example", "a?b"]
        {
            assert_eq!(tenant(text), Err(Failure::TenantUnfit { tenant: text.to_owned() }));
        }
    }
}
