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
        .replace("\n        ", " ");
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
    let refused = failure(&answer(401, "", &[("www-authenticate", r#"Bearer error="invalid_token""#)]), ASKED, SCOPE);
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
    for (status, body) in [(404, ""), (404, "\r\n"), (500, ""), (400, "{\"error\":{\"co"), (503, " {}"), (500, "[]")] {
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
