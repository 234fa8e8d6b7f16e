//! What an account's sign-ins meet that no request brings about by itself, as `POST /_sim/accounts` sets it.

use std::collections::{BTreeMap, HashMap};

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::entra::refusal::Refusal;
use crate::said::Said;

/// What Entra wants of an account, or has against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    Mfa,
    MfaEnrolment,
    MfaEnrolmentHere,
    MfaExpired,
    StrongAuthentication,
    Consent,
    Blocked,
    CompliantDevice,
    NotAssigned,
    Disabled,
    PasswordExpired,
    SignInFrequency,
    SessionExpired,
    RefreshTokenExpired,
    GuestPending,
    SecretExpired,
    Unavailable,
}

impl Demand {
    /// With their words in `POST /_sim/accounts`.
    const ALL: [(&'static str, Self); 17] = [
        ("mfa", Self::Mfa),
        ("mfaEnrolment", Self::MfaEnrolment),
        ("mfaEnrolmentHere", Self::MfaEnrolmentHere),
        ("mfaExpired", Self::MfaExpired),
        ("strongAuthentication", Self::StrongAuthentication),
        ("consent", Self::Consent),
        ("blocked", Self::Blocked),
        ("compliantDevice", Self::CompliantDevice),
        ("notAssigned", Self::NotAssigned),
        ("disabled", Self::Disabled),
        ("passwordExpired", Self::PasswordExpired),
        ("signInFrequency", Self::SignInFrequency),
        ("sessionExpired", Self::SessionExpired),
        ("refreshTokenExpired", Self::RefreshTokenExpired),
        ("guestPending", Self::GuestPending),
        ("secretExpired", Self::SecretExpired),
        ("unavailable", Self::Unavailable),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, demand)| *demand)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, demand)| *demand == self).map_or("", |(name, _)| name)
    }

    /// Whether a user can meet it on the sign-in page, by one more click.
    pub(crate) fn can_be_met(self) -> bool {
        matches!(
            self,
            Self::Mfa
                | Self::MfaEnrolment
                | Self::MfaEnrolmentHere
                | Self::MfaExpired
                | Self::StrongAuthentication
                | Self::Consent
                | Self::SignInFrequency
                | Self::SessionExpired
                | Self::RefreshTokenExpired
        )
    }

    /// Whether it is so in every tenant at once: a password and a refresh token are of the account's home.
    fn is_of_the_account(self) -> bool {
        matches!(self, Self::PasswordExpired | Self::RefreshTokenExpired)
    }

    /// The refusal of the token endpoint. `client` and `app` are id and name of the application that asks.
    pub(crate) fn refusal(self, account: &str, client: &str, app: &str) -> Refusal {
        let more = |number, must: &str| by_policy(number, "basic_action", format!("{must} to access '{client}'."));
        let too_old = |number, what: &str| {
            let text =
                format!("The {what} has expired or is invalid due to sign-in frequency checks by conditional access.");
            Refusal::invalid_grant(number, text).suberror("bad_token")
        };
        match self {
            Self::Mfa => more(50_076, &format!("{CHANGED} use multi-factor authentication")),
            Self::MfaEnrolment => more(50_079, &format!("{CHANGED} enroll in multi-factor authentication")),
            Self::MfaEnrolmentHere => more(50_072, &format!("{CHANGED} enroll in multi-factor authentication")),
            Self::MfaExpired => more(
                50_078,
                "Presented multi-factor authentication has expired due to policies configured by your administrator, you \
                 must refresh your multi-factor authentication",
            ),
            Self::StrongAuthentication => by_policy(50_074, "basic_action", "Strong Authentication is required."),
            Self::Consent => {
                let text = format!(
                    "The user or administrator has not consented to use the application with ID '{client}' named '{app}'. \
                     Send an interactive authorization request for this user and resource."
                );
                Refusal::invalid_grant(65_001, text).suberror("consent_required")
            }
            Self::Blocked => by_policy(
                53_003,
                "message_only",
                "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
            ),
            Self::CompliantDevice => by_policy(
                53_000,
                "message_only",
                "Device is not in required device state: compliant. Conditional Access policy requires a compliant \
                 device, and the device is not compliant.",
            ),
            Self::NotAssigned => not_assigned(account, client, app),
            Self::Disabled => Refusal::invalid_grant(50_057, "The user account is disabled."),
            Self::PasswordExpired => {
                Refusal::invalid_grant(50_055, "The password is expired.").suberror("user_password_expired")
            }
            Self::SignInFrequency => too_old(70_043, "refresh token"),
            Self::SessionExpired => too_old(70_044, "session"),
            Self::GuestPending => {
                let state = "is in a pending state: its invitation has not been redeemed yet.";
                Refusal::invalid_grant(50_014, format!("The guest user account '{account}' {state}"))
            }
            Self::RefreshTokenExpired => Refusal::invalid_grant(
                700_082,
                "The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.",
            ),
            Self::SecretExpired => expired_secret(client),
            Self::Unavailable => Refusal { status: StatusCode::SERVICE_UNAVAILABLE, ..Refusal::transient() },
        }
    }
}

impl Demand {
    /// The same to an application that signs in as itself.
    pub(crate) fn refusal_of_application(self, account: &str, client: &str, app: &str) -> Refusal {
        if self == Self::Disabled {
            return Refusal::new(
                "unauthorized_client",
                7_000_112,
                format!("Application '{client}'({app}) is disabled."),
            );
        }
        self.refusal(account, client, app)
    }
}

/// How sentences about conditional access begin.
const CHANGED: &str = "Due to a configuration change made by your administrator, or because you moved to a new location, \
    you must";

/// A refusal that names the policy to be met.
fn by_policy(number: u32, suberror: &'static str, text: impl Into<String>) -> Refusal {
    let policy = json!({ "access_token": { "capolids": { "essential": true, "values": [POLICY] } } });
    let refusal = Refusal::new("interaction_required", number, text).suberror(suberror);
    Refusal { claims: Some(policy.to_string()), ..refusal }
}

fn not_assigned(account: &str, client: &str, app: &str) -> Refusal {
    let text = format!(
        "Your administrator has configured the application {app} ('{client}') to block users unless they are specifically \
         granted ('assigned') access to the application. The signed in user '{account}' is blocked because they are not a \
         direct member of a group with access, nor had access directly assigned by an administrator."
    );
    Refusal::invalid_grant(50_105, text)
}

/// The conditional access policy that everything is put down to.
const POLICY: &str = "b5a0e7c4-6d1f-4b53-8f0e-2a9c7d3e1f10";

pub(crate) fn expired_secret(client: &str) -> Refusal {
    Refusal::invalid_client(
        7_000_222,
        format!(
            "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new keys for \
         your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: \
         https://aka.ms/certCreds."
        ),
    )
}

/// The word that lifts what is demanded.
const NOTHING: &str = "none";

/// What `POST /_sim/accounts` asks for.
#[derive(Debug)]
pub(crate) struct AccountChange {
    /// Name, user principal name, client id or object id.
    pub(crate) account: String,
    demand: Option<String>,
    /// The tenant that demands it, by id, domain or name; every one if `None`.
    pub(crate) tenant: Option<String>,
    /// Call back all that has been issued to the account.
    revoke: bool,
}

impl AccountChange {
    /// Reads the body, or says what would be right.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        const EXAMPLE: &str = r#"{"account": "ada", "demand": "mfa", "tenant": "fabrikam", "revoke": true}"#;
        let names = || Demand::ALL.map(|(name, _)| name).join(", ");
        let mut said = Said::read("a change of an account", body, EXAMPLE)?;
        let account = said.text("account", "\"ada\"")?;
        let demand = said.text("demand", "\"mfa\"")?;
        let tenant = said.text("tenant", "\"fabrikam\"")?;
        let revoke = said.truth("revoke")?.unwrap_or_default();
        said.end()?;
        let account = account.ok_or_else(|| format!("account is missing; say {EXAMPLE}"))?;
        match &demand {
            Some(demand) if demand != NOTHING && Demand::named(demand).is_none() => {
                Err(format!("there is no demand '{demand}'; there are {}, and {NOTHING}", names()))
            }
            Some(demand) if tenant.is_some() && Demand::named(demand).is_some_and(Demand::is_of_the_account) => {
                Err(format!("{demand} is of the account, so it is met in every tenant; leave out tenant"))
            }
            None if tenant.is_some() => Err(format!("tenant is of a demand, and there is none; say {EXAMPLE}")),
            None if !revoke => Err(format!("neither demand nor revoke is said; say {EXAMPLE}")),
            Some(_) | None => Ok(Self { account, demand, tenant, revoke }),
        }
    }
}

/// A demand, and whether it is one tenant's own: what is done for another counts nothing there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demanded {
    pub(crate) demand: Demand,
    pub(crate) by_tenant: bool,
}

/// Demands and revocations, by the account's object id at home.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    /// Of every tenant.
    demands: HashMap<Uuid, Demand>,
    /// Of one tenant each.
    by_tenant: BTreeMap<(Uuid, Uuid), Demand>,
    valid_from: HashMap<Uuid, i64>,
    /// Seconds since 1970; 0 while the client has not moved.
    here_since: i64,
}

impl Conditions {
    /// What a tenant demands of an account: its own demand, else that of every tenant.
    pub(crate) fn demand(&self, account: Uuid, tenant: Uuid) -> Option<Demanded> {
        let own = self.by_tenant.get(&(account, tenant)).map(|demand| Demanded { demand: *demand, by_tenant: true });
        own.or_else(|| self.demands.get(&account).map(|demand| Demanded { demand: *demand, by_tenant: false }))
    }

    /// Does what was asked for, to the account with this object id at home; `tenant` is the one that was named.
    pub(crate) fn change(&mut self, account: Uuid, tenant: Option<Uuid>, change: &AccountChange, now: DateTime<Utc>) {
        if let Some(name) = &change.demand {
            let demand = Demand::named(name);
            if let Some(tenant) = tenant {
                self.by_tenant.remove(&(account, tenant));
                self.by_tenant.extend(demand.map(|demand| ((account, tenant), demand)));
            } else {
                self.by_tenant.retain(|(of, _), _| *of != account);
                self.demands.remove(&account);
                self.demands.extend(demand.map(|demand| (account, demand)));
            }
        }
        if change.revoke {
            self.revoke(account, now);
        }
    }

    /// Calls back everything that the account has been given so far.
    fn revoke(&mut self, account: Uuid, now: DateTime<Utc>) {
        // Tokens count in whole seconds: what was issued in this one is called back with the rest.
        self.valid_from.insert(account, now.timestamp() + 1);
    }

    /// Grants and tokens from before this second are no good any more.
    pub(crate) fn valid_from(&self, account: Uuid) -> i64 {
        self.valid_from.get(&account).copied().unwrap_or_default()
    }

    /// The client has another address: access tokens from before are good no more for those who understand challenges.
    pub(crate) fn moved(&mut self, now: DateTime<Utc>) {
        self.here_since = now.timestamp() + 1;
    }

    /// As from when the account's access tokens are good for everybody: new ones are not older.
    pub(crate) fn tokens_from(&self, account: Uuid) -> i64 {
        self.valid_from(account).max(self.here_since)
    }

    /// Access tokens from before this second were issued to another address.
    pub(crate) fn here_since(&self) -> i64 {
        self.here_since
    }

    pub(crate) fn to_json(&self, account: Uuid) -> Value {
        let own = self.by_tenant.iter().filter(|((of, _), _)| *of == account);
        let own: BTreeMap<_, _> = own.map(|((_, tenant), demand)| (tenant, demand.name())).collect();
        json!({
            "demand": self.demands.get(&account).copied().map(Demand::name),
            "demandOf": own,
            "tokensValidFrom": self.valid_from.get(&account).and_then(|at| DateTime::from_timestamp(*at, 0)),
        })
    }
}
