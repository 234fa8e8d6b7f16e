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
mod tests {
    use azure_core::http::headers::Headers;

    use super::*;
    use crate::call::Call;

    const SCOPE: &str = "https://management.azure.com/.default";
    const ASKED: Asked<'static> = Asked { call: Call::Vm, scope: "/subscriptions/s/resourceGroups/g" };

    fn answer(status: u16, body: &str, headers: &[(&'static str, &'static str)]) -> Answer {
        let mut all = Headers::new();
        for (name, value) in headers {
            all.insert(*name, *value);
        }
        Answer { host: "management.azure.com".into(), status, headers: all, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn the_three_shapes_of_error_bodies_are_read() {
        for body in [
            r#"{"error":{"code":"Conflict","message":"Busy."}}"#,
            r#"{"code":"Conflict","message":"Busy."}"#,
            r#"{"error":{"code":"Conflict","message":"Busy.","details":[],"target":null,"additionalInfo":[]}}"#,
        ] {
            let error = ArmError::of_body(body.as_bytes());
            assert_eq!((error.code.as_str(), error.message.as_str()), ("Conflict", "Busy."), "{body}");
        }
        assert_eq!(ArmError::of_body(br#"{"message":"Busy."}"#).message, "Busy.");
        for body in ["", "<html>", "[]", "null", r#"{"error":null}"#, r#"{"error":"denied"}"#] {
            assert_eq!(ArmError::of_body(body.as_bytes()), ArmError::default(), "{body}");
        }
    }

    #[test]
    fn an_odd_member_does_not_take_the_code_along() {
        for odd in [r#""details":["x",{"code":"Deep"}]"#, r#""details":{}"#, r#""innererror":"x""#, r#""message":7"#] {
            let body = format!(r#"{{"error":{{"code":"Conflict",{odd}}}}}"#);
            assert_eq!(ArmError::of_body(body.as_bytes()).code, "Conflict", "{odd}");
        }
        assert!(ArmError::of_body(br#"{"error":{"details":[7,{"code":"Deep"}]}}"#).has("Deep"));
    }

    #[test]
    fn what_details_and_inner_errors_say_is_not_lost() {
        let error = ArmError::of_body(
            br#"{"error":{"code":"Conflict","message":"Failed.",
                 "details":[{"code":"ZonalAllocationFailed","message":"No room in zone 1."}],
                 "innererror":{"code":"Inner","message":"Failed."}}}"#,
        );
        assert_eq!(error.code, "Conflict");
        assert_eq!(error.message, "Failed. No room in zone 1.");
        assert_eq!(error.no_capacity(), Some("ZonalAllocationFailed"));
        assert!(error.has("inner"));
    }

    #[test]
    fn a_denial_names_the_action_and_the_scope_that_azure_names() {
        let body = r#"{"error":{"code":"AuthorizationFailed","message":"The client 'a@b' with object id 'o' does not
            have authorization to perform action 'Microsoft.Security/x/read' over scope '/subscriptions/s' or the scope
            is invalid."}}"#
            .replace("\n            ", " ");
        assert_eq!(
            failure(&answer(403, &body, &[]), ASKED, SCOPE),
            Failure::AccessDenied { action: "Microsoft.Security/x/read".into(), scope: "/subscriptions/s".into() }
        );
    }

    #[test]
    fn a_linked_denial_names_what_is_missing_and_not_what_is_granted() {
        let body = r#"{"error":{"code":"LinkedAuthorizationFailed","message":"The client has permission to perform action
 'granted' on scope '/granted'; however, it does not have permission to perform action(s) 'missing' on the linked scope(s)
 '/linked' or the linked scope(s) are invalid."}}"#
            .replace('\n', "");
        assert_eq!(
            failure(&answer(403, &body, &[]), ASKED, SCOPE),
            Failure::AccessDenied { action: "missing".into(), scope: "/linked".into() }
        );
    }

    #[test]
    fn of_several_linked_denials_the_first_is_told_with_its_place() {
        let body = r#"{"error":{"code":"LinkedAuthorizationFailed","message":"The client has permission to perform action 'granted'
 on scope '/granted'; however, it does not have permission to perform action(s) 'one/read,other/join/action' on the linked
 scope(s) '/one,/other' (respectively) or the linked scope(s) are invalid."}}"#
            .replace('\n', "");
        let told = Failure::AccessDenied { action: "one/read".into(), scope: "/one".into() };
        assert_eq!(failure(&answer(403, &body, &[]), ASKED, SCOPE), told);
    }

    #[test]
    fn a_deny_assignment_is_named_and_is_no_missing_right() {
        let body = r#"{"error":{"code":"DenyAssignmentAuthorizationFailed","message":"The client 'name' with object id 'o' has
 permission to perform action 'M/start/action' on scope '/subscriptions/s'; however, the access is denied because of the deny
 assignment with name 'Managed by Blueprint' and Id 'd' at scope '/subscriptions/t'."}}"#
            .replace('\n', "");
        let denied = |action: &str, scope: &str, assignment: &str| Failure::DenyAssigned {
            action: action.into(),
            scope: scope.into(),
            assignment: assignment.into(),
        };
        let told = denied("M/start/action", "/subscriptions/s", "Managed by Blueprint");
        assert_eq!(failure(&answer(403, &body, &[]), ASKED, SCOPE), told);
        let quoted = body.replace("Managed by Blueprint", "Ada's and Bob's 'rule'");
        let told = denied("M/start/action", "/subscriptions/s", "Ada's and Bob's 'rule'");
        assert_eq!(failure(&answer(403, &quoted, &[]), ASKED, SCOPE), told);
        let wordless = r#"{"error":{"code":"DenyAssignmentAuthorizationFailed","message":"No."}}"#;
        let fallback = denied(ASKED.call.action(), ASKED.scope, "");
        assert_eq!(failure(&answer(403, wordless, &[]), ASKED, SCOPE), fallback);
    }

    #[test]
    fn a_denial_without_words_names_what_the_call_needs() {
        let fallback = Failure::AccessDenied { action: ASKED.call.action().into(), scope: ASKED.scope.into() };
        for body in ["", r#"{"error":{"code":"AuthorizationFailed","message":"No."}}"#] {
            assert_eq!(failure(&answer(403, body, &[]), ASKED, SCOPE), fallback, "{body}");
        }
    }

    #[test]
    fn a_403_that_is_not_about_rights_keeps_azures_words() {
        let body = r#"{"error":{"code":"RequestDisallowedByPolicy","message":"Not here."}}"#;
        assert_eq!(
            failure(&answer(403, body, &[]), ASKED, SCOPE),
            Failure::AzureError {
                status: 403,
                azure_code: "RequestDisallowedByPolicy".into(),
                azure_message: "Not here.".into()
            }
        );
    }

    #[test]
    fn a_claims_challenge_keeps_its_claims_and_lets_nothing_else_through() {
        let claims = |challenge: &'static str| {
            let failure = failure(&answer(401, "", &[("www-authenticate", challenge)]), ASKED, SCOPE);
            let Failure::ClaimsRequired { claims, scope, .. } = failure else { panic!("{failure:?}") };
            assert_eq!(scope, SCOPE);
            claims
        };
        assert_eq!(claims(r#"Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3M=""#), "eyJhY2Nlc3M=");
        assert_eq!(claims(r#"Bearer error="insufficient_claims", claims="$(reboot)""#), "");
        assert_eq!(claims(r#"Bearer error="insufficient_claims""#), "");
        let refused =
            failure(&answer(401, "", &[("www-authenticate", r#"Bearer error="invalid_token""#)]), ASKED, SCOPE);
        assert_eq!(refused, Failure::not_signed_in("Azure does not accept the token"));
    }

    #[test]
    fn a_token_of_another_tenant_is_no_sign_in_that_has_run_out() {
        let body = r#"{"error":{"code":"InvalidAuthenticationTokenTenant","message":"The access token is from the wrong issuer."}}"#;
        let tenant = "e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02";
        let challenge = r#"Bearer authorization_uri="https://login.windows.net/e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02", error="invalid_token""#;
        let told = failure(&answer(401, body, &[("www-authenticate", challenge)]), ASKED, SCOPE);
        assert_eq!(told, Failure::OtherTenant { tenant: Some(tenant.into()) });
        assert_eq!(failure(&answer(401, body, &[]), ASKED, SCOPE), Failure::OtherTenant { tenant: None });
    }

    #[test]
    fn whoever_answers_in_azures_place_is_not_taken_for_azure() {
        let page = "<!doctype html><title>Blocked</title>";
        for (status, body) in [
            (200, page),
            (401, page),
            (403, page),
            (404, "\u{feff} <html>"),
            (404, "Blocked by policy 17"),
            (403, r#"{"blocked":true,"category":"cloud"}"#),
            (404, r#""Not here.""#),
            (407, ""),
            (409, page),
            (502, page),
            (511, r#"{"error":{"code":"SignIn","message":"No."}}"#),
        ] {
            let expected = Failure::NotFromAzure { host: "management.azure.com".into(), status, leads_to: None };
            assert_eq!(failure(&answer(status, body, &[]), ASKED, SCOPE), expected, "{status} {body}");
        }
        for (status, body) in
            [(404, ""), (404, "\r\n"), (500, ""), (400, "{\"error\":{\"co"), (503, " {}"), (500, "[]")]
        {
            let failure = failure(&answer(status, body, &[]), ASKED, SCOPE);
            assert!(matches!(failure, Failure::AzureError { .. }), "{status} {body}: {failure:?}");
        }
        // What it is said to be counts where the body does not tell.
        let said = |content_type, body| {
            let answer = answer(403, body, &[("content-type", content_type)]);
            failure(&answer, ASKED, SCOPE).code()
        };
        let denied = r#"{"error":{"code":"Denied","message":"No."}}"#;
        for (content_type, body, code) in [
            ("text/html", denied, "azureError"),
            ("application/json; charset=utf-8", denied, "azureError"),
            ("application/problem+json", r#"{"Message":"No HTTP resource was found."}"#, "azureError"),
            ("application/json", r#"{"error":{"co"#, "azureError"),
            ("text/html", r#"{"error":{"co"#, "notFromAzure"),
            ("text/css", "{ color: red }", "notFromAzure"),
            ("application/json", page, "notFromAzure"),
            ("application/json", r#"{"status":"blocked"}"#, "notFromAzure"),
            ("text/html", "", "accessDenied"),
        ] {
            assert_eq!(said(content_type, body), code, "{content_type}: {body}");
        }
        // Whose page it is that asks to wait does not matter, nor does the body beside a challenge of Azure's.
        assert_eq!(failure(&answer(429, page, &[]), ASKED, SCOPE).code(), "throttled");
        let challenge = [("www-authenticate", r#"Bearer error="invalid_token""#)];
        assert_eq!(failure(&answer(401, page, &challenge), ASKED, SCOPE).code(), "notSignedIn");
    }

    #[test]
    fn a_redirect_is_named_by_where_it_leads_and_not_by_its_path() {
        let leads_to = |location| {
            let failure = failure(&answer(307, "", &[("location", location)]), ASKED, SCOPE);
            let Failure::NotFromAzure { status: 307, leads_to, .. } = failure else { panic!("{failure:?}") };
            leads_to.unwrap()
        };
        assert_eq!(leads_to("https://evil.example/secret?x=1"), "https://evil.example");
        assert_eq!(leads_to("/secret"), "another address of its own");
        assert_eq!(leads_to("https://management.azure.com/secret"), "another address of its own");
    }

    #[test]
    fn a_503_that_names_a_time_which_is_not_waited_for_says_when_to_come_back() {
        let busy = r#"{"error":{"code":"ServerBusy","message":"Too much to do."}}"#;
        let patience = Duration::from_secs(20);
        let told = |status, wait| {
            let answer = answer(status, busy, &[("retry-after", wait)]);
            with_time(failure(&answer, ASKED, SCOPE), &answer, patience)
        };
        let Failure::Unavailable { said, retry_at } = told(503, "120") else { panic!("{:?}", told(503, "120")) };
        assert_eq!((said.status, said.azure_code.as_str()), (503, "ServerBusy"));
        assert!((retry_at - Utc::now() - TimeDelta::seconds(120)).abs() < TimeDelta::seconds(5));
        for (status, wait) in [(503, "20"), (503, "soon"), (500, "120"), (504, "120")] {
            assert_eq!(told(status, wait).code(), "azureError", "{status}, {wait}");
        }
    }

    #[test]
    fn a_429_says_when_to_come_back() {
        let Failure::Throttled { retry_at } = failure(&answer(429, "", &[("retry-after", "120")]), ASKED, SCOPE) else {
            panic!("another failure")
        };
        assert!((retry_at - Utc::now() - TimeDelta::seconds(120)).abs() < TimeDelta::seconds(5));
    }
}
