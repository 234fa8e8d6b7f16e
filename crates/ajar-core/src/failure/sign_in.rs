//! What can keep an account from signing in, beyond its name. Numbers are Entra's, from its page on error codes
//! (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::snapshot::AccountState;

/// Why somebody has to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignInReason {
    /// Nobody has signed in to this account here, or it was signed out.
    Never,
    /// Multi-factor authentication is to be done, set up or repeated (50072, 50074, 50076, 50078, 50079).
    Mfa,
    /// The sign-in has run out (70000, 70008, 70043, 70044, 700082, 700084).
    Expired,
    /// The sign-in was called back (50132, 50133, 50173).
    Revoked,
    /// The password has run out or was changed (50055, 50144).
    PasswordChanged,
    /// Its sign-in is of another authority than its cloud has now, and is not sent there.
    OtherAuthority,
    /// Azure takes the account's tokens only with other claims (continuous access evaluation).
    Claims,
}

/// What a refusal or a challenge wants of an account's next sign-in: without it the same is heard again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignInDemand {
    /// The tenant that wants it, by id or domain, where that is not the one that the account signs in to: what is done for
    /// another tenant counts nothing there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The `claims` to ask for: JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
}

/// A tool of the system's that has somebody signed in, by which accounts act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TokenTool {
    /// `az`.
    AzureCli,
    /// `azd`.
    AzureDeveloperCli,
}

impl TokenTool {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::AzureCli => "Azure CLI",
            Self::AzureDeveloperCli => "Azure Developer CLI",
        }
    }
}

/// Why an account gets no token of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TenantReason {
    /// It is neither a member nor a guest (50020, 90072).
    NoGuest,
    /// It is invited and has not accepted (50014).
    Pending,
    /// It is not assigned to the application that signs it in (50105).
    NotAssigned,
    /// There is no such tenant in the cloud (90002).
    NoTenant,
}

/// Why the application that signs people in cannot do so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientFlaw {
    /// The tenant does not know it (700016).
    Unknown,
    /// It is not registered for people's machines: Entra wants a secret of it (7000218).
    NotPublic,
    /// Its registration lacks `http://localhost` as a redirect (50011).
    Redirect,
}

/// What an application signs in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignInPart {
    /// Its tenant.
    Tenant,
    /// Its own id.
    ClientId,
    /// Its secret, or a certificate in its place.
    Secret,
    /// The file with the token of a workload's platform.
    TokenFile,
}

/// Why Entra refuses an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PrincipalFlaw {
    /// What it shows is not what its registration knows (7000215, 700027, 70021, 700211 to 700214).
    Proof,
    /// What it shows has run out (7000222).
    Expired,
    /// The tenant does not know it (700016, 7000229).
    Unknown,
    /// It is disabled (7000112).
    Disabled,
    /// Nobody has consented to what it wants (65001).
    Consent,
    /// What else there may be: Entra's sentence tells.
    Other,
}

/// What an application proves with that it is the one it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Proof {
    /// A secret.
    Secret,
    /// A certificate.
    Certificate,
    /// A token of the platform that it runs on: workload identity.
    Federated,
}

impl Failure {
    /// [`Failure::NotSignedIn`], where nobody knows yet who else could act.
    pub fn not_signed_in(detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::NotSignedIn { detail, reason: None, others: Box::default(), tenant: None, cloud: None, here: None }
    }

    /// [`Failure::SignInRequired`], where an ordinary sign-in does.
    pub fn sign_in_required(account: impl Into<String>, reason: SignInReason) -> Self {
        Self::SignInRequired { account: account.into(), reason, demand: Box::default() }
    }

    /// What the account's next sign-in is to do beyond an ordinary one.
    pub fn sign_in_demand(&self) -> SignInDemand {
        if let Self::SignInRequired { demand, .. } = self {
            return (**demand).clone();
        }
        // Who may consent for themselves is asked on that tenant's page.
        let consenting = if let Self::ConsentMissing { tenant, .. } = self { Some(tenant.clone()) } else { None };
        SignInDemand { tenant: consenting, claims: None }
    }

    /// The same of the account of that name: where several are one identity, they share what signs it in, and so what it
    /// hears.
    #[must_use]
    pub fn of_account(mut self, name: &str) -> Self {
        if let Self::PrincipalRefused { account, .. }
        | Self::SecretMissing { account }
        | Self::CertificateUnfit { account, .. }
        | Self::TokenFileUnfit { account, .. }
        | Self::SignInRequired { account, .. }
        | Self::ConditionalAccess { account, .. }
        | Self::NotInTenant { account, .. }
        | Self::AccountDisabled { account, .. } = &mut self
        {
            name.clone_into(account);
        } else if let Self::InteractionRequired { account, .. } = &mut self {
            *account = name.into();
        }
        self
    }
}

impl Failure {
    /// How an account stands that heard this in place of a token, with its name where the failure has it; `None` where it
    /// says nothing of the account, or only of one tenant: who is not in that may be let into others.
    pub fn standing(&self) -> Option<(AccountState, Option<&str>)> {
        if let Self::SignInRequired { account, .. } | Self::SecretMissing { account } = self {
            Some((AccountState::NeedsSignIn, Some(account)))
        } else if let Self::AccountDisabled { account, tenant: None } = self {
            Some((AccountState::Disabled, Some(account)))
        } else if let Self::ConditionalAccess { account, tenant: None, .. } = self {
            Some((AccountState::Blocked, Some(account)))
        } else if let Self::InteractionRequired { account, .. } = self {
            Some((AccountState::Blocked, Some(account)))
        } else if let Self::ConsentMissing { .. } = self {
            Some((AccountState::WantsConsent, None))
        } else if let Self::NotInTenant { account, reason: TenantReason::NotAssigned, .. } = self {
            Some((AccountState::WantsAssignment, Some(account)))
        } else if let Self::PrincipalRefused { account, flaw, .. } = self {
            let state = match flaw {
                PrincipalFlaw::Disabled => AccountState::Disabled,
                PrincipalFlaw::Consent => AccountState::WantsConsent,
                PrincipalFlaw::Proof | PrincipalFlaw::Expired | PrincipalFlaw::Unknown | PrincipalFlaw::Other => {
                    AccountState::Refused
                }
            };
            Some((state, Some(account)))
        } else {
            None
        }
    }
}

/// What an account is by; a sign-in changes none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AccountPart {
    /// Its cloud.
    Cloud,
    /// Its tenant.
    Tenant,
    /// The application that it signs in with, or is.
    ClientId,
    /// The user of the Azure CLI.
    Username,
}
