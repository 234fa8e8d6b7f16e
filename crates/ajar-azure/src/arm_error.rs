//! Azure's error bodies, and what they mean to Ajar.

use std::time::Duration;

use ajar_core::failure::{AzureSaid, Failure, UNREADABLE_ANSWER};
use azure_core::http::headers::WWW_AUTHENTICATE;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::arm_client::{Answer, Asked};
use crate::connection;
use crate::policies::{header, is_claims_challenge, retry_after};
use crate::tenant;
use crate::wire::{Each, if_understood};

/// When to come back after a 429 that does not say.
const THROTTLED_FOR: Duration = Duration::from_secs(30);

/// What an error body says, from whichever of its three shapes: `{"error":{"code","message"}}`, `{"code","message"}`
/// and `{"message"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArmError {
    /// Azure's error code, such as `AuthorizationFailed`; empty if it gives none.
    pub(crate) code: String,
    /// Azure's message, with those of its details that say more.
    pub(crate) message: String,
    /// All codes in the body: the code that matters is often inside `details` or `innererror`.
    codes: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    #[serde(deserialize_with = "if_understood")]
    error: Option<Detail>,
    #[serde(flatten)]
    bare: Detail,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Detail {
    // Some of Azure's own servers write the names as .NET does.
    #[serde(alias = "Code", deserialize_with = "if_understood")]
    code: Option<String>,
    #[serde(alias = "Message", deserialize_with = "if_understood")]
    message: Option<String>,
    #[serde(deserialize_with = "if_understood")]
    details: Option<Each<Detail>>,
    #[serde(deserialize_with = "if_understood")]
    innererror: Option<Box<Detail>>,
}

impl Detail {
    fn inner(&self) -> impl Iterator<Item = &Self> {
        self.details.iter().flat_map(|details| &details.0).chain(self.innererror.as_deref())
    }

    fn collect(&self, found: &mut ArmError) {
        if let Some(code) = self.code.as_deref().filter(|code| !code.is_empty()) {
            found.codes.push(code.to_owned());
        }
        if let Some(message) = self.message.as_deref().filter(|text| !found.message.contains(text)) {
            if !found.message.is_empty() {
                found.message.push(' ');
            }
            found.message.push_str(message);
        }
        for detail in self.inner() {
            detail.collect(found);
        }
    }
}

impl From<&Detail> for ArmError {
    fn from(detail: &Detail) -> Self {
        let mut found = Self::default();
        detail.collect(&mut found);
        found.code = found.codes.first().cloned().unwrap_or_default();
        found
    }
}

/// Codes of a region or zone without room, from Azure's page on allocation failures.
const NO_CAPACITY: [&str; 6] = [
    "AllocationFailed",
    "ZonalAllocationFailed",
    "OverconstrainedAllocationRequest",
    "OverconstrainedZonalAllocationRequest",
    "SkuNotAvailable",
    "CapacityReservationCapacityExceeded",
];

impl ArmError {
    /// The error of a body; empty if the body is none of Azure's.
    pub fn of_body(body: &[u8]) -> Self {
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        body.error.as_ref().unwrap_or(&body.bare).into()
    }

    /// Whether a body has the shape of an error of Azure's or Entra's, or of an answer without words.
    pub(crate) fn is_envelope(body: &Value) -> bool {
        const MEMBERS: [&str; 4] = ["error", "code", "message", "odata.error"];
        match body {
            Value::Object(members) => {
                let known = |name: &String| MEMBERS.iter().any(|member| name.eq_ignore_ascii_case(member));
                members.is_empty() || members.keys().any(known)
            }
            Value::Array(members) => members.is_empty(),
            Value::Null => true,
            Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }

    /// An error known by code and message alone.
    pub(crate) fn new(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_owned(), codes: vec![code.to_owned()] }
    }

    /// Whether the body told neither code nor message.
    pub(crate) fn is_empty(&self) -> bool {
        self.code.is_empty() && self.message.is_empty()
    }

    /// Whether the body has that code, at any depth.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|found| found.eq_ignore_ascii_case(code))
    }

    /// The code that says that Azure has no room, if there is one.
    pub(crate) fn no_capacity(&self) -> Option<&str> {
        self.codes
            .iter()
            .find(|found| NO_CAPACITY.iter().any(|code| found.eq_ignore_ascii_case(code)))
            .map(String::as_str)
    }

    /// As [`Failure::AzureError`].
    pub(crate) fn into_azure_error(self, status: u16) -> Failure {
        Failure::AzureError { status, azure_code: self.code, azure_message: self.message }
    }
}

/// What an answer that is no success means, whatever the call.
pub(crate) fn failure(answer: &Answer, asked: Asked<'_>, token_scope: &str) -> Failure {
    if answer.is_foreign() {
        return not_from_azure(answer);
    }
    let error = ArmError::of_body(&answer.body);
    match answer.status {
        401 => not_signed_in(answer, &error, token_scope),
        403 if error.has("DenyAssignmentAuthorizationFailed") => deny_assigned(&error, asked),
        403 if is_denial(answer, &error) => access_denied(&error, asked),
        404 if error.has("SubscriptionNotFound") => {
            Failure::SubscriptionNotFound { subscription: subscription(asked.scope).to_owned() }
        }
        429 => throttled(retry_after(&answer.headers, Utc::now())),
        status => error.into_azure_error(status),
    }
}

/// Azure's own policies say 403 too; only these are about rights.
fn is_denial(answer: &Answer, error: &ArmError) -> bool {
    ["AuthorizationFailed", "LinkedAuthorizationFailed", "Forbidden"].iter().any(|code| error.has(code))
        || answer.body.is_empty()
}

fn access_denied(error: &ArmError, asked: Asked<'_>) -> Failure {
    // “The client '…' with object id '…' does not have authorization to perform action 'A' over scope 'S' or …”, and
    // “… has permission to perform action 'X' on scope 'Y'; however, it does not have permission to perform action(s)
    // 'A' on the linked scope(s) 'S' …”
    let denied = error.message.find("does not have").map_or("", |at| &error.message[at..]);
    // Of several, which are told with commas between them, the first: the next try tells the next.
    let first = |told: String| told.split(',').next().map(|one| one.trim().to_owned()).unwrap_or_default();
    Failure::AccessDenied {
        action: quoted_after(denied, "action").map_or_else(|| asked.call.action().to_owned(), first),
        scope: quoted_after(denied, "scope").map_or_else(|| asked.scope.to_owned(), first),
    }
}

/// “The client '…' has permission to perform action 'A' on scope 'S'; however, the access is denied because of the deny
/// assignment with name 'N' and Id '…' at scope '…'.”
fn deny_assigned(error: &ArmError, asked: Asked<'_>) -> Failure {
    let (allowed, denied) = error.message.split_once("however").unwrap_or(("", &error.message));
    let allowed = allowed.find("permission to perform").map_or("", |at| &allowed[at..]);
    Failure::DenyAssigned {
        action: quoted_after(allowed, "action").unwrap_or_else(|| asked.call.action().to_owned()),
        scope: quoted_after(allowed, "scope").unwrap_or_else(|| asked.scope.to_owned()),
        assignment: assignment(denied).unwrap_or_default().to_owned(),
    }
}

/// The name of a deny assignment, which is anybody's to choose: it may have quotes of its own.
fn assignment(denied: &str) -> Option<&str> {
    let (_, named) = denied.split_once("with name '")?;
    Some(named.split_once("' and Id '")?.0)
}

/// What stands in quotes behind a word.
fn quoted_after(text: &str, word: &str) -> Option<String> {
    let after = &text[text.find(word)? + word.len()..];
    after.split('\'').nth(1).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The subscription that something lies in.
fn subscription(scope: &str) -> &str {
    scope.split('/').nth(2).unwrap_or(scope)
}

/// A 429 that asked to wait so long.
pub(crate) fn throttled(wait: Option<Duration>) -> Failure {
    Failure::Throttled { retry_at: after(wait.unwrap_or(THROTTLED_FOR)) }
}

/// The failure with the time of the next try, where a server that is overloaded names one that is not waited for.
pub(crate) fn with_time(failure: Failure, answer: &Answer, patience: Duration) -> Failure {
    let asked = retry_after(&answer.headers, Utc::now()).filter(|asked| *asked > patience);
    match (failure, asked) {
        (Failure::AzureError { status: status @ 503, azure_code, azure_message }, Some(asked)) => {
            Failure::Unavailable { said: AzureSaid { status, azure_code, azure_message }, retry_at: after(asked) }
        }
        (failure, _) => failure,
    }
}

fn after(wait: Duration) -> DateTime<Utc> {
    let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
    Utc::now().checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A success that nothing can be made of.
pub(crate) fn unreadable(status: u16, why: impl std::fmt::Display) -> Failure {
    Failure::AzureError {
        status,
        azure_code: UNREADABLE_ANSWER.to_owned(),
        azure_message: format!("Azure's answer could not be read: {why}"),
    }
}

/// Neither Azure's resource manager nor Entra redirects a call or asks for a proxy's password: somebody on the way does.
pub(crate) fn not_from_azure(answer: &Answer) -> Failure {
    let leads_to =
        header(&answer.headers, "location").filter(|_| (300..400).contains(&answer.status)).map(|location| {
            let elsewhere = Url::parse(location).ok().filter(|url| connection::host(url) != answer.host);
            elsewhere.map_or_else(|| "another address of its own".to_owned(), |url| connection::origin(&url))
        });
    Failure::NotFromAzure { host: answer.host.clone(), status: answer.status, leads_to }
}

fn not_signed_in(answer: &Answer, error: &ArmError, token_scope: &str) -> Failure {
    if let Some(claims) = challenge(answer) {
        return Failure::ClaimsRequired { claims: claims.to_owned(), scope: token_scope.to_owned(), tenant: None };
    }
    if error.has("InvalidAuthenticationTokenTenant") {
        return Failure::OtherTenant { tenant: tenant::challenged(&answer.headers) };
    }
    let detail = if error.message.is_empty() { "Azure does not accept the token" } else { &error.message };
    Failure::not_signed_in(detail)
}

/// The claims that an answer's headers ask for, if they do: base64 of JSON, and empty where they are none.
pub(crate) fn challenge(answer: &Answer) -> Option<&str> {
    let challenge = answer.headers.get_optional_str(&WWW_AUTHENTICATE).unwrap_or_default();
    (answer.status == 401 && is_claims_challenge(challenge)).then(|| claims(challenge))
}

/// The claims of a challenge. They get into a command to paste into a shell, so nothing but base64 is let through.
pub(crate) fn claims(challenge: &str) -> &str {
    let claims = challenge.split_once("claims=\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
    let is_base64 = claims.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_'));
    if is_base64 { claims } else { "" }
}

#[cfg(test)]
mod tests;
