//! Access tokens: what ours say, and whether one that is shown to us is ours and still good.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::entra::directory::{Account, Caller, Directory, Membership};
use crate::entra::random_text;
use crate::entra::signing::{Jwt, SigningError, SigningKey};
use crate::fleet::AccountKind;

/// As long as Entra's ordinary tokens.
const LIFETIME: TimeDelta = TimeDelta::seconds(3_599);
/// Of clients that handle claims challenges, and of managed identities: they can be called back.
const LONG_LIFETIME: TimeDelta = TimeDelta::seconds(86_399);
/// What clocks may differ by.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// How the client has shown who it is: `appidacr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientProof {
    Public,
    Secret,
    Certificate,
}

/// What a token is to say.
#[derive(Clone, Debug)]
pub(crate) struct Subject<'d> {
    pub(crate) account: &'d Account,
    pub(crate) membership: Membership,
    /// The application that asks.
    pub(crate) client: Uuid,
    pub(crate) proof: ClientProof,
    pub(crate) audience: String,
    /// The client understands claims challenges.
    pub(crate) cp1: bool,
    pub(crate) mfa: bool,
    /// Where the request came from.
    pub(crate) address: std::net::Ipv4Addr,
    /// Not before this, so that a token that answers a challenge is newer than what it was called back by.
    pub(crate) not_before: i64,
}

/// A token, and until when it is good.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) text: String,
    pub(crate) not_before: DateTime<Utc>,
    pub(crate) expires: DateTime<Utc>,
    pub(crate) lifetime: TimeDelta,
}

/// Issues a token. `base` is where this Entra is: `https://127.0.0.1:45123`.
pub(crate) fn issue(base: &str, subject: &Subject<'_>, now: DateTime<Utc>) -> Result<Issued, SigningError> {
    let managed = subject.account.kind() == AccountKind::ManagedIdentity;
    let lifetime = if subject.cp1 || managed { LONG_LIFETIME } else { LIFETIME };
    let issued = now.timestamp().max(subject.not_before);
    let expires = now + lifetime;
    let Membership { tenant, object_id } = subject.membership;
    let mut claims = json!({
        "aud": subject.audience,
        "iss": issuer(base, tenant),
        "iat": issued,
        "nbf": issued,
        "exp": expires.timestamp(),
        "aio": random_text(),
        "appid": subject.client,
        "appidacr": match subject.proof { ClientProof::Public => "0", ClientProof::Secret => "1", ClientProof::Certificate => "2" },
        "oid": object_id,
        "sub": object_id,
        "tid": tenant,
        "uti": random_text(),
        "ver": "1.0",
    });
    let more = match subject.account.kind() {
        AccountKind::User => user_claims(base, subject),
        AccountKind::ServicePrincipal | AccountKind::ManagedIdentity => {
            let mut more = json!({ "idp": issuer(base, tenant), "idtyp": "app" });
            if let Some(resource) = subject.account.spec.resource_id.as_ref().filter(|_| managed) {
                more["xms_mirid"] = resource.clone().into();
            }
            more
        }
    };
    if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
        claims.extend(more);
    }
    if subject.cp1 {
        claims["xms_cc"] = json!(["CP1"]);
    }
    let text = SigningKey::of_this_process()?.sign(&claims)?;
    Ok(Issued { text, not_before: now, expires, lifetime })
}

fn user_claims(base: &str, subject: &Subject<'_>) -> Value {
    let account = subject.account;
    let upn = account.label();
    let mut more = json!({
        "acr": "1",
        "amr": if subject.mfa { json!(["pwd", "mfa"]) } else { json!(["pwd"]) },
        "idtyp": "user",
        "ipaddr": subject.address,
        "name": account.display_name(),
        "scp": "user_impersonation",
        "unique_name": upn,
    });
    if subject.membership.tenant == account.home() {
        more["upn"] = upn.into();
    } else {
        more["email"] = upn.into();
        more["idp"] = issuer(base, account.home()).into();
    }
    more
}

/// Who issues a tenant's access tokens.
pub(crate) fn issuer(base: &str, tenant: Uuid) -> String {
    format!("{base}/{tenant}/")
}

/// A token that is ours and good: who is behind it and what else it says.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) caller: Caller,
    pub(crate) audience: String,
    /// Seconds since 1970.
    pub(crate) issued: i64,
    /// The client understands claims challenges.
    pub(crate) cp1: bool,
}

/// Why a token is not.
#[derive(Clone, Debug)]
pub(crate) enum BadToken {
    /// No JWT, not signed by us, of another authority, or for an account that there is not.
    Invalid,
    Expired(DateTime<Utc>),
    NotYetValid(DateTime<Utc>),
    /// From before the client's address changed: a newer one is wanted, of a client that knows what to do about it.
    Elsewhere {
        valid_from: i64,
    },
    /// Called back: a newer one is wanted, of a client that knows what to do about it.
    Revoked {
        valid_from: i64,
    },
}

/// Checks everything but what the token is for.
pub(crate) fn check(directory: &Directory, base: &str, text: &str, now: DateTime<Utc>) -> Result<Accepted, BadToken> {
    let token = Jwt::parse(text).ok_or(BadToken::Invalid)?;
    let key = SigningKey::of_this_process().map_err(|_| BadToken::Invalid)?;
    if !key.signed(&token) {
        return Err(BadToken::Invalid);
    }
    let id = |claim: &str| token.text(claim).and_then(|text| Uuid::parse_str(text).ok()).ok_or(BadToken::Invalid);
    let time = |claim: &str| {
        token.seconds(claim).and_then(|seconds| DateTime::from_timestamp(seconds, 0)).ok_or(BadToken::Invalid)
    };
    let (tenant, object) = (id("tid")?, id("oid")?);
    if token.text("iss") != Some(issuer(base, tenant).as_str()) {
        return Err(BadToken::Invalid);
    }
    let (not_before, expires) = (time("nbf")?, time("exp")?);
    if expires <= now {
        return Err(BadToken::Expired(expires));
    }
    if not_before > now + SKEW {
        return Err(BadToken::NotYetValid(not_before));
    }
    let account = directory.of_object(tenant, object).ok_or(BadToken::Invalid)?;
    let membership = Membership { tenant, object_id: object };
    Ok(Accepted {
        caller: account.caller(membership),
        audience: token.text("aud").unwrap_or_default().to_owned(),
        issued: time("iat")?.timestamp(),
        cp1: token.claims["xms_cc"].as_array().is_some_and(|all| all.iter().any(is_cp1)),
    })
}

/// Case does not matter: the documentation writes `cp1`, clients send `CP1`.
pub(crate) fn is_cp1(capability: &Value) -> bool {
    capability.as_str().is_some_and(|text| text.eq_ignore_ascii_case("cp1"))
}
