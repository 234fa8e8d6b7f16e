use azure_core::http::headers::Headers;
use serde_json::{Value, json};

use super::*;

fn asked(status: u16, body: &Value, date: Option<String>, device_code: bool) -> Refused {
    let mut headers = Headers::new();
    if let Some(date) = date {
        headers.insert("date", date);
    }
    let answer =
        Answer { host: "login.example".into(), status, headers, body: serde_json::to_vec(body).unwrap_or_default() };
    let authority = "https://login.example".parse().unwrap();
    let asker = Asker { account: "work", client_id: "app", tenant: "contoso", authority: &authority, device_code };
    of_answer(&answer, &asker)
}

fn refused(error: &str, number: u32, suberror: &str) -> Failure {
    let body = json!({ "error": error, "error_codes": [number], "suberror": suberror, "error_description": "No." });
    asked(400, &body, None, false).failure
}

fn sign_in(reason: SignInReason) -> Failure {
    Failure::sign_in_required("work", reason)
}

#[test]
fn each_number_of_entras_has_its_meaning() {
    let tenant = |reason| Failure::NotInTenant { account: "work".into(), tenant: "contoso".into(), reason, tool: None };
    let client = |flaw| Failure::ClientUnknown { client_id: "app".into(), tenant: "contoso".into(), flaw };
    let blocked =
        |number| Failure::ConditionalAccess { account: "work".into(), number, device_code: false, tenant: None };
    for (error, numbers, meaning) in [
        ("interaction_required", &[50_072, 50_074, 50_076, 50_078, 50_079][..], sign_in(SignInReason::Mfa)),
        ("invalid_grant", &[70_000, 70_008, 70_043, 70_044, 700_082, 700_084][..], sign_in(SignInReason::Expired)),
        ("invalid_grant", &[50_132, 50_133, 50_173][..], sign_in(SignInReason::Revoked)),
        ("invalid_grant", &[50_055, 50_144][..], sign_in(SignInReason::PasswordChanged)),
        ("invalid_grant", &[50_020, 90_072][..], tenant(TenantReason::NoGuest)),
        ("invalid_grant", &[50_014][..], tenant(TenantReason::Pending)),
        ("invalid_grant", &[50_105][..], tenant(TenantReason::NotAssigned)),
        ("invalid_request", &[90_002][..], tenant(TenantReason::NoTenant)),
        ("invalid_grant", &[50_057][..], Failure::AccountDisabled { account: "work".into(), tenant: None }),
        ("unauthorized_client", &[700_016][..], client(ClientFlaw::Unknown)),
        ("invalid_client", &[7_000_218][..], client(ClientFlaw::NotPublic)),
        ("invalid_request", &[50_011][..], client(ClientFlaw::Redirect)),
        ("access_denied", &[65_004][..], Failure::SignInDeclined),
        ("invalid_grant", &[70_019][..], Failure::SignInTimedOut),
    ] {
        for number in numbers {
            assert_eq!(refused(error, *number, ""), meaning, "{number}");
        }
    }
    for number in (53_000..=53_011).chain([50_097, 530_032, 530_034, 530_035]) {
        assert_eq!(refused("interaction_required", number, ""), blocked(number));
    }
}

#[test]
fn numbers_not_known_are_told_by_suberror_and_then_by_error() {
    let device_code = |device_code| {
        let body = json!({ "error": "interaction_required", "suberror": "message_only", "error_codes": [59_999] });
        asked(400, &body, None, device_code).failure
    };
    for expected in [true, false] {
        let blocked =
            Failure::ConditionalAccess { account: "work".into(), number: 59_999, device_code: expected, tenant: None };
        assert_eq!(device_code(expected), blocked);
    }
    for (error, suberror, meaning) in [
        ("interaction_required", "basic_action", sign_in(SignInReason::Mfa)),
        ("invalid_grant", "user_password_expired", sign_in(SignInReason::PasswordChanged)),
        ("invalid_grant", "bad_token", sign_in(SignInReason::Expired)),
        ("invalid_grant", "", sign_in(SignInReason::Expired)),
        ("login_required", "", sign_in(SignInReason::Expired)),
        ("authorization_declined", "", Failure::SignInDeclined),
        ("expired_token", "", Failure::SignInTimedOut),
    ] {
        assert_eq!(refused(error, 1, suberror), meaning, "{error} {suberror}");
    }
    let Failure::AzureError { status: 400, azure_code, azure_message } = refused("invalid_request", 1, "") else {
        panic!("another failure")
    };
    assert_eq!((azure_code.as_str(), azure_message.as_str()), ("invalid_request", "No."));
}

#[test]
fn only_what_is_wrong_with_the_refresh_token_itself_is_no_tenants_wish() {
    let is_dead = |error: &str, number: u32, suberror: &str, claims: &str| {
        let body = json!({ "error": error, "error_codes": [number], "suberror": suberror, "claims": claims });
        asked(400, &body, None, false).is_dead
    };
    for number in [50_055, 50_132, 50_133, 50_144, 50_173, 70_000, 70_008, 700_082, 700_084] {
        assert!(is_dead("invalid_grant", number, "", ""), "{number}");
    }
    for suberror in ["", "bad_token", "token_expired", "user_password_expired"] {
        assert!(is_dead("invalid_grant", 1, suberror, ""), "{suberror}");
        assert!(!is_dead("invalid_grant", 1, suberror, "{}"), "{suberror}");
    }
    for number in [50_072, 50_074, 50_076, 50_078, 50_079] {
        assert!(!is_dead("interaction_required", number, "basic_action", ""), "{number}");
    }
    // Entra tells the frequency of sign-ins with this suberror, too.
    for number in [70_043, 70_044] {
        assert!(!is_dead("invalid_grant", number, "bad_token", ""), "{number}");
    }
    for (error, number) in
        [("interaction_required", 1), ("login_required", 1), ("invalid_grant", 65_001), ("invalid_grant", 50_020)]
    {
        assert!(!is_dead(error, number, "", ""), "{error} {number}");
    }
}

const CORRELATION: &str = "5d3a1f0e-7c2b-4e19-9a54-0b6f8d2c1e77";
const TRACE: &str = "0c8e4b62-1a9d-4f73-b0e5-6d2f9c7a3100";

#[test]
fn each_answer_of_entras_is_told_with_the_ids_that_its_support_asks_for() {
    let both = format!("{CORRELATION}, trace {TRACE}");
    for (status, error) in [(400, "invalid_grant"), (401, "invalid_client"), (429, "throttled"), (503, "server_error")]
    {
        let body = json!({ "error": error, "correlation_id": CORRELATION, "trace_id": TRACE });
        assert_eq!(asked(status, &body, None, false).correlation_id.as_deref(), Some(both.as_str()), "{status}");
    }
    let one = json!({ "error": "invalid_grant", "trace_id": TRACE, "correlation_id": 7 });
    assert_eq!(asked(400, &one, None, false).correlation_id, Some(format!("trace {TRACE}")));
    let foreign = json!({ "error": "moved", "correlation_id": CORRELATION, "trace_id": TRACE });
    assert_eq!(asked(307, &foreign, None, false).correlation_id, None, "not of who answers in Entra's place");
    let mut headers = Headers::new();
    headers.insert("client-request-id", "of-ours");
    assert_eq!(ids(&headers, &Refusal::default()).as_deref(), Some("of-ours"));
    headers.insert("x-ms-request-id", TRACE);
    assert_eq!(ids(&headers, &Refusal::default()).as_deref(), Some(TRACE));
}

#[test]
fn ids_are_read_from_the_end_of_a_sentence_where_nothing_else_tells_them() {
    for between in [" ", "\r\n"] {
        let told = format!(
            "AADSTS65004: No.{between}Trace ID: {TRACE}{between}Correlation ID: {CORRELATION}{between}Timestamp: x"
        );
        assert_eq!(ids_told(&told), Some(format!("{CORRELATION}, trace {TRACE}")), "{told}");
    }
    for other in ["", "AADSTS65004: No.", "Trace ID:", "Trace ID: <b>, Correlation ID: x"] {
        assert_eq!(ids_told(other), None, "{other}");
    }
}

#[test]
fn what_is_no_id_is_not_told_for_one() {
    let long = "a".repeat(4000);
    for odd in ["<b>", "\u{1b}[2J", "call 555-0100 and tell your password", long.as_str()] {
        let body = json!({ "error": "invalid_grant", "correlation_id": odd, "trace_id": odd });
        assert_eq!(asked(400, &body, None, false).correlation_id, None, "{odd}");
        let body = json!({ "error": "invalid_grant", "correlation_id": odd, "trace_id": TRACE });
        assert_eq!(asked(400, &body, None, false).correlation_id, Some(format!("trace {TRACE}")), "{odd}");
        let told = format!("AADSTS65004: No. Trace ID: {TRACE} Correlation ID: {CORRELATION}");
        let body = json!({ "error": "invalid_grant", "correlation_id": odd, "error_description": told });
        let both = format!("{CORRELATION}, trace {TRACE}");
        assert_eq!(asked(400, &body, None, false).correlation_id, Some(both), "{odd}");
    }
}

#[test]
fn the_sentence_decides_nothing() {
    for said in ["AADSTS50076: You must use multi-factor authentication.", "AADSTS53003", ""] {
        let body = json!({ "error": "invalid_grant", "error_codes": [700_082], "error_description": said });
        assert_eq!(asked(400, &body, None, false).failure, sign_in(SignInReason::Expired), "{said}");
    }
}

#[test]
fn claims_are_kept_for_the_next_sign_in() {
    let claims = r#"{"access_token":{"capolids":{"values":["p"]}}}"#;
    let body = json!({ "error": "interaction_required", "error_codes": [50_076], "claims": claims });
    let refused = asked(400, &body, None, false);
    assert_eq!((refused.failure, refused.claims.as_deref()), (sign_in(SignInReason::Mfa), Some(claims)));
    let body = json!({ "error": "interaction_required", "claims": claims });
    assert_eq!(asked(400, &body, None, false).failure, sign_in(SignInReason::Claims));
}

#[test]
fn consent_is_asked_of_the_tenants_administrator_at_the_clouds_own_authority() {
    for refused in [refused("invalid_grant", 65_001, ""), refused("consent_required", 1, "")] {
        let Failure::ConsentMissing { url, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(url, "https://login.example/contoso/adminconsent?client_id=app");
    }
}

#[test]
fn what_passes_or_is_nobodys_refusal_is_told_as_that() {
    for (status, body) in [
        (503, json!({ "error": "temporarily_unavailable", "error_codes": [90_033] })),
        (400, json!({ "error": "temporarily_unavailable" })),
        (500, json!({ "error": "invalid_grant", "error_codes": [700_082] })),
        (400, json!({})),
        (400, json!({ "error": 7, "error_codes": "x", "claims": [] })),
    ] {
        let failure = asked(status, &body, None, false).failure;
        assert!(matches!(failure, Failure::AzureError { .. }), "{body}: {failure:?}");
    }
    assert!(matches!(asked(429, &json!({}), None, false).failure, Failure::Throttled { .. }));
    assert!(matches!(asked(307, &json!({}), None, false).failure, Failure::NotFromAzure { .. }));
    // A number of another kind does not take the others along.
    let body = json!({ "error": "invalid_grant", "error_codes": ["x", 50_173] });
    assert_eq!(asked(400, &body, None, false).failure, sign_in(SignInReason::Revoked));
}
