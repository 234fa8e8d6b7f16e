//! What Entra's refusals mean, in one place. Entra asks for them to be told by `error`, `suberror`, `error_codes` and
//! `claims`; its sentences change, and are only ever passed on to people.
//! https://learn.microsoft.com/entra/identity-platform/reference-error-codes

use ajar_core::failure::{ClientFlaw, Failure, SignInReason, TenantReason, Trouble};
use azure_core::http::headers::Headers;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;

use crate::arm_client::Answer;
use crate::arm_error;
use crate::policies::{self, header, retry_after};
use crate::wire::{Each, if_understood};

/// Who was refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    /// The account, as its user calls it.
    pub(super) account: &'a str,
    /// The application that signs in.
    pub(super) client_id: &'a str,
    /// The tenant that was asked, by id, domain or alias.
    pub(super) tenant: &'a str,
    /// The cloud's authority.
    pub(super) authority: &'a Url,
    /// Whether it was a sign-in by device code.
    pub(super) device_code: bool,
}

/// The body of a refusal, or the query of one that comes by the browser.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    #[serde(deserialize_with = "text")]
    pub(super) error: String,
    #[serde(deserialize_with = "text")]
    pub(super) suberror: String,
    #[serde(deserialize_with = "if_understood")]
    pub(super) error_codes: Option<Each<u32>>,
    #[serde(deserialize_with = "text")]
    pub(super) error_description: String,
    /// What a new sign-in must ask for, as JSON; empty if nothing.
    #[serde(deserialize_with = "text")]
    pub(super) claims: String,
    #[serde(deserialize_with = "text")]
    pub(super) correlation_id: String,
    #[serde(deserialize_with = "text")]
    pub(super) trace_id: String,
}

/// A member of another kind does not take the others along.
pub(super) fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    if_understood(deserializer).map(Option::unwrap_or_default)
}

/// A refusal, understood.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) failure: Failure,
    /// As [`ids`] tells them.
    pub(super) correlation_id: Option<String>,
    /// What the next sign-in of the account is to ask for, as JSON.
    pub(super) claims: Option<String>,
    /// Whether the refresh token is good for nothing any more, in whichever tenant: none of them wants anything.
    pub(super) is_dead: bool,
}

impl Refused {
    /// Of a sign-in under way. Nothing was signed in before that could have run out.
    pub(super) fn of_sign_in(mut self) -> Trouble {
        if let Failure::SignInRequired { reason: SignInReason::Expired, .. } = self.failure {
            self.failure = Failure::SignInNotCompleted;
        }
        self.into()
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Trouble::from(failure).into()
    }
}

impl From<Trouble> for Refused {
    fn from(Trouble { failure, correlation_id }: Trouble) -> Self {
        Self { failure, correlation_id, claims: None, is_dead: false }
    }
}

impl From<Refused> for Trouble {
    fn from(Refused { failure, correlation_id, .. }: Refused) -> Self {
        Self { failure, correlation_id }
    }
}

impl Refusal {
    /// The first line is the sentence; trace ids and times follow.
    pub(super) fn sentence(&self) -> &str {
        let line = self.error_description.lines().next().unwrap_or_default();
        line.split(" Trace ID:").next().unwrap_or_default().trim()
    }

    /// The sentence, or else the name of the error.
    pub(super) fn reason(&self) -> &str {
        if self.sentence().is_empty() { &self.error } else { self.sentence() }
    }

    /// Entra's ids of the call, which its support asks for: that of the correlation, then that of the trace.
    pub(super) fn ids(&self) -> Option<String> {
        let told = joined(Some(&self.correlation_id), Some(&self.trace_id));
        told.or_else(|| ids_told(&self.error_description))
    }

    pub(super) fn numbers(&self) -> &[u32] {
        self.error_codes.as_ref().map_or(&[], |codes| codes.0.as_slice())
    }

    /// Whether it says to ask again: nobody has typed the device code yet.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.error.as_str(), "authorization_pending" | "slow_down")
    }

    /// Whether it is about the refresh token itself, and not about what a tenant wants of who has it.
    fn is_of_the_token(&self) -> bool {
        let numbers = self.numbers();
        if numbers.iter().any(|number| DEAD.contains(number)) {
            return true;
        }
        let of_tenant = |number: &u32| WANTED_BY_TENANT.contains(number);
        if self.error != "invalid_grant" || !self.claims.is_empty() || numbers.iter().any(of_tenant) {
            return false;
        }
        matches!(self.suberror.as_str(), "" | "bad_token" | "token_expired" | "user_password_expired")
    }

    /// What it means, if it is about who signs in and not about how it was asked.
    pub(super) fn meaning(&self, asker: &Asker<'_>) -> Option<Failure> {
        let by_number = self.numbers().iter().find_map(|number| of_number(*number, asker));
        by_number.or_else(|| of_suberror(&self.suberror, self.numbers(), asker)).or_else(|| {
            let claimed = !self.claims.is_empty();
            of_error(&self.error, claimed, asker)
        })
    }
}

/// Entra's ids of the call that has such an answer, from its body or else from its headers.
pub(super) fn ids(headers: &Headers, refusal: &Refusal) -> Option<String> {
    let in_headers =
        || policies::correlation_id(headers).or_else(|| header(headers, "client-request-id").map(str::to_owned));
    refusal.ids().or_else(in_headers)
}

/// The ids that a sentence of Entra's ends with, as tools repeat it and as the browser brings it:
/// `… Trace ID: … Correlation ID: … Timestamp: …`.
pub(super) fn ids_told(text: &str) -> Option<String> {
    let after = |name: &str| {
        let (_, rest) = text.split_once(name)?;
        rest.split_whitespace().next()
    };
    joined(after("Correlation ID:"), after("Trace ID:"))
}

/// As people are told them. What is no id is nothing of Entra's, and is not repeated.
fn joined(correlation: Option<&str>, trace: Option<&str>) -> Option<String> {
    let is_id = |id: &&str| id.len() == 36 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let [correlation, trace] = [correlation, trace].map(|id| id.filter(is_id));
    let trace = trace.map(|trace| format!("trace {trace}"));
    let ids: Vec<_> = correlation.map(str::to_owned).into_iter().chain(trace).collect();
    (!ids.is_empty()).then(|| ids.join(", "))
}

/// What an answer of the token endpoint means that brings no token.
pub(super) fn of_answer(answer: &Answer, asker: &Asker<'_>) -> Refused {
    let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
    let correlation_id =
        if answer.is_foreign() { ids(&answer.headers, &Refusal::default()) } else { ids(&answer.headers, &refusal) };
    let failure = meaning(answer, &refusal, asker);
    let is_dead = matches!(failure, Failure::SignInRequired { .. }) && refusal.is_of_the_token();
    Refused { failure, correlation_id, is_dead, claims: Some(refusal.claims).filter(|claims| !claims.is_empty()) }
}

fn meaning(answer: &Answer, refusal: &Refusal, asker: &Asker<'_>) -> Failure {
    if answer.is_foreign() {
        return arm_error::not_from_azure(answer);
    }
    if answer.status == 429 {
        return arm_error::throttled(retry_after(&answer.headers, Utc::now()));
    }
    let passing = matches!(refusal.error.as_str(), "" | "temporarily_unavailable" | "server_error");
    let failure = if answer.status >= 500 || passing { None } else { refusal.meaning(asker) };
    failure.unwrap_or_else(|| Failure::AzureError {
        status: answer.status,
        azure_message: refusal.sentence().to_owned(),
        azure_code: refusal.error.clone(),
    })
}

/// What was signed here does not hold at Entra's time.
const OUT_OF_TIME: u32 = 700_024;

/// With less than this between the clocks, in seconds, what is out of its time was signed by somebody else, long ago.
const CLOCKS_DIFFER: i64 = 60;

/// How far off this machine's clock is, if that is why Entra refuses what was signed here.
pub(super) fn clock_skew(answer: &Answer, refusal: &Refusal) -> Option<Failure> {
    if !refusal.numbers().contains(&OUT_OF_TIME) {
        return None;
    }
    let date = DateTime::parse_from_rfc2822(header(&answer.headers, "date")?).ok()?;
    let seconds = (date.to_utc() - Utc::now()).num_seconds();
    (seconds.abs() >= CLOCKS_DIFFER).then_some(Failure::ClockSkew { seconds })
}

/// Of a refresh token that has run out, or was ended by a new password or an administrator: only the account's own sign-in
/// brings another.
const DEAD: [u32; 9] = [50_055, 50_132, 50_133, 50_144, 50_173, 70_000, 70_008, 700_082, 700_084];

/// How old a sign-in may be is a tenant's rule, though it is told of the token.
const WANTED_BY_TENANT: [u32; 2] = [70_043, 70_044];

/// The number that a sentence of Entra's begins with, as tools repeat it: the `50076` of `AADSTS50076: …`.
pub(super) fn number_told(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once(SENTENCES_BEGIN)?;
    let digits = rest.split_once(|c: char| !c.is_ascii_digit()).map_or(rest, |(digits, _)| digits);
    digits.parse().ok()
}

/// How Entra's sentences begin.
pub(super) const SENTENCES_BEGIN: &str = "AADSTS";

/// What a number of Entra's means that a tool has repeated: it leaves out all else that there was.
pub(super) fn of_number(number: u32, asker: &Asker<'_>) -> Option<Failure> {
    Some(match number {
        50_072 | 50_074 | 50_076 | 50_078 | 50_079 => required(asker, SignInReason::Mfa),
        50_055 | 50_144 => required(asker, SignInReason::PasswordChanged),
        50_132 | 50_133 | 50_173 => required(asker, SignInReason::Revoked),
        70_000 | 70_008 | 70_043 | 70_044 | 700_082 | 700_084 => required(asker, SignInReason::Expired),
        50_097 | 53_000..=53_011 | 530_032 | 530_034 | 530_035 => blocked(asker, number),
        65_004 => Failure::SignInDeclined,
        65_001 => consent_missing(asker),
        50_020 | 90_072 => not_in_tenant(asker, TenantReason::NoGuest),
        50_014 => not_in_tenant(asker, TenantReason::Pending),
        50_105 => not_in_tenant(asker, TenantReason::NotAssigned),
        90_002 => not_in_tenant(asker, TenantReason::NoTenant),
        50_057 => Failure::AccountDisabled { account: asker.account.to_owned(), tenant: None },
        700_016 => client_unknown(asker, ClientFlaw::Unknown),
        7_000_218 => client_unknown(asker, ClientFlaw::NotPublic),
        50_011 => client_unknown(asker, ClientFlaw::Redirect),
        70_019 => Failure::SignInTimedOut,
        _ => return None,
    })
}

/// The suberrors that MSAL tells its callers to react to, and those that it does not tell.
fn of_suberror(suberror: &str, numbers: &[u32], asker: &Asker<'_>) -> Option<Failure> {
    Some(match suberror {
        "basic_action" | "additional_action" => required(asker, SignInReason::Mfa),
        "message_only" | "protection_policy_required" | "device_authentication_failed" => {
            blocked(asker, numbers.first().copied().unwrap_or(53_003))
        }
        "consent_required" => consent_missing(asker),
        "user_password_expired" => required(asker, SignInReason::PasswordChanged),
        "bad_token" | "token_expired" => required(asker, SignInReason::Expired),
        _ => return None,
    })
}

fn of_error(error: &str, claimed: bool, asker: &Asker<'_>) -> Option<Failure> {
    Some(match error {
        "access_denied" | "authorization_declined" => Failure::SignInDeclined,
        "expired_token" | "code_expired" => Failure::SignInTimedOut,
        "consent_required" => consent_missing(asker),
        "interaction_required" | "invalid_grant" if claimed => required(asker, SignInReason::Claims),
        "interaction_required" | "login_required" | "invalid_grant" => required(asker, SignInReason::Expired),
        _ => return None,
    })
}

fn required(asker: &Asker<'_>, reason: SignInReason) -> Failure {
    Failure::sign_in_required(asker.account, reason)
}

fn blocked(asker: &Asker<'_>, number: u32) -> Failure {
    Failure::ConditionalAccess {
        account: asker.account.to_owned(),
        number,
        device_code: asker.device_code,
        tenant: None,
    }
}

fn not_in_tenant(asker: &Asker<'_>, reason: TenantReason) -> Failure {
    Failure::NotInTenant { account: asker.account.to_owned(), tenant: asker.tenant.to_owned(), reason, tool: None }
}

fn client_unknown(asker: &Asker<'_>, flaw: ClientFlaw) -> Failure {
    Failure::ClientUnknown { client_id: asker.client_id.to_owned(), tenant: asker.tenant.to_owned(), flaw }
}

/// Where an administrator consents for everybody:
/// https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent
fn consent_missing(asker: &Asker<'_>) -> Failure {
    let mut url = asker.authority.clone();
    url.set_path(&format!("{}/adminconsent", asker.tenant));
    url.query_pairs_mut().append_pair("client_id", asker.client_id);
    Failure::ConsentMissing {
        client_id: asker.client_id.to_owned(),
        tenant: asker.tenant.to_owned(),
        url: url.to_string(),
        tool: None,
    }
}

#[cfg(test)]
mod tests;
