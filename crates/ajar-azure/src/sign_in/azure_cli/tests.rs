use std::io;
use std::process::Output;

use ajar_core::failure::{SignInReason, TenantReason};

use super::fake::{exited, tool, tool_that_says};
use super::*;
use crate::sign_in::az_cloud;

const SCOPE: &str = "https://management.azure.com/.default";

/// A cloud whose name `az` would have to be asked for.
fn elsewhere() -> Cloud {
    let resource_manager = "https://management.cloud.example".parse().unwrap();
    Cloud { name: "ours".into(), resource_manager, ..Cloud::public() }
}

async fn detail(answer: io::Result<Output>) -> String {
    // Of its clouds it tells nothing.
    let az = tool_that_says([answer, exited(1, "", "")]);
    let source = AzureCli::new(None, None, &elsewhere(), az).unwrap();
    let failure = source.fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure;
    let (Failure::NotSignedIn { detail, .. } | Failure::TokenToolFailed { detail, .. }) = failure else {
        panic!("another failure: {failure:?}")
    };
    detail
}

#[tokio::test]
async fn the_tenant_that_refuses_what_az_has_is_the_one_to_sign_in_to() {
    let mfa = "ERROR: AADSTS50076: You must use multi-factor authentication.\n";
    let nobody = "ERROR: Please run 'az login' to setup account.\n";
    for (said, wants) in [(mfa, Some("t2")), (nobody, None)] {
        let source =
            AzureCli::new(None, None, &elsewhere(), tool_that_says([exited(1, "", said), exited(1, "", "")])).unwrap();
        let ask = TokenAsk { tenant: Some("t2".into()), ..TokenAsk::of(SCOPE) };
        let Failure::NotSignedIn { tenant, .. } = source.fetch(&ask).await.unwrap_err().failure else {
            panic!("another failure")
        };
        assert_eq!(tenant.as_deref(), wants, "{said}");
    }
}

/// What comes of asking for a token of that tenant, where `az` repeats a refusal of Entra's.
async fn refused(number: u32, tenant: Option<&str>, username: Option<&str>) -> Failure {
    let said =
        format!("ERROR: AADSTS{number}: It is so. Trace ID: 0c8e Correlation ID: 5d3a\nTo sign in, run: az login\n");
    let list =
        r#"[{"id":"5-1","tenantId":"t2","isDefault":true,"cloudName":"AzureCloud","user":{"name":"ada@x.example"}}]"#;
    let listed = username.map(|_| exited(0, list, ""));
    let az = tool_that_says(listed.into_iter().chain([exited(1, "", &said)]));
    let source = AzureCli::new(None, username.map(Into::into), &Cloud::public(), az).unwrap();
    let ask = TokenAsk { tenant: tenant.map(Into::into), ..TokenAsk::of(SCOPE) };
    source.fetch(&ask).await.unwrap_err().failure
}

#[tokio::test]
async fn what_entra_has_against_who_is_signed_in_to_az_is_told_by_its_number() {
    for (number, expected) in [
        (50_076, SignInReason::Mfa),
        (50_079, SignInReason::Mfa),
        (700_082, SignInReason::Expired),
        (50_173, SignInReason::Revoked),
        (50_055, SignInReason::PasswordChanged),
    ] {
        let Failure::NotSignedIn { detail, reason, tenant, .. } = refused(number, Some("t2"), None).await else {
            panic!("{number}")
        };
        assert_eq!((detail, reason), (format!("AADSTS{number}: It is so."), Some(expected)));
        assert_eq!(tenant.as_deref(), Some("t2"));
    }
    let tenant = || Some("t2".to_owned());
    let blocked = |account: &str, tenant| Failure::ConditionalAccess {
        account: account.into(),
        number: 53_003,
        device_code: false,
        tenant,
    };
    assert_eq!(refused(53_003, None, None).await, blocked("az", None));
    assert_eq!(refused(53_003, Some("t2"), Some("ada@x.example")).await, blocked("ada@x.example", tenant()));
    let disabled = Failure::AccountDisabled { account: "az".into(), tenant: tenant() };
    assert_eq!(refused(50_057, Some("t2"), None).await, disabled);
    for number in [90_072, 50_020] {
        let reason = TenantReason::NoGuest;
        let stranger =
            Failure::NotInTenant { account: "az".into(), tenant: "t2".into(), reason, tool: Some(TokenTool::AzureCli) };
        assert_eq!(refused(number, Some("t2"), None).await, stranger);
    }
    let Failure::ConsentMissing { url, tool, .. } = refused(65_001, Some("t2"), None).await else {
        panic!("another failure")
    };
    assert_eq!(tool, Some(TokenTool::AzureCli));
    assert!(url.starts_with("https://login.microsoftonline.com/t2/adminconsent?client_id=04b07795"), "{url}");
    // What nobody here can change about the application of its own stays with what az says.
    let unknown = refused(700_016, Some("t2"), None).await;
    assert!(matches!(unknown, Failure::NotSignedIn { reason: None, .. }), "{unknown:?}");
}

#[tokio::test]
async fn az_is_asked_for_the_scope_and_the_tenant() {
    let stdout = r#"{"accessToken":"t0ken","expires_on":4102444800,"tokenType":"Bearer"}"#;
    let az = tool_that_says([exited(0, stdout, ""), exited(0, stdout, "")]);
    let own = Some("contoso.example".into());
    let source = AzureCli::new(own, None, &elsewhere(), Arc::clone(&az) as Arc<dyn Az>).unwrap();
    assert_eq!(source.fetch(&TokenAsk::of(SCOPE)).await.unwrap().token.secret(), "t0ken");
    source.fetch(&TokenAsk { tenant: Some("fabrikam.example".into()), ..TokenAsk::of(SCOPE) }).await.unwrap();
    let asked = az.asked();
    for tenant in ["contoso", "fabrikam"] {
        assert!(asked.contains(&format!("--scope {SCOPE} --tenant {tenant}.example")), "{asked}");
    }
}

#[tokio::test]
async fn of_several_users_of_az_the_one_that_is_meant_is_asked_for_by_a_subscription() {
    let list = r#"[{"id":"5-1","tenantId":"t1","cloudName":"AzureCloud","user":{"name":"ada@x.example"}},
        {"id":"5-2","tenantId":"t1","cloudName":"AzureCloud","user":{"name":"grace@x.example"}},
        {"id":"5-3","tenantId":"t2","cloudName":"AzureCloud","user":{"name":"grace@x.example"}}]"#;
    let token = r#"{"accessToken":"t0ken","expires_on":4102444800,"tokenType":"Bearer"}"#;
    let ask = TokenAsk { tenant: Some("t2".into()), ..TokenAsk::of(SCOPE) };
    let az = tool_that_says([exited(0, list, ""), exited(0, token, "")]);
    let grace =
        AzureCli::new(None, Some("Grace@x.example".into()), &elsewhere(), Arc::clone(&az) as Arc<dyn Az>).unwrap();
    grace.fetch(&ask).await.unwrap();
    assert!(az.asked().contains("--subscription \"5-3\"") && !az.asked().contains("--tenant"), "{}", az.asked());
    let nobody = AzureCli::new(
        None,
        Some("edsger@x.example".into()),
        &elsewhere(),
        tool_that_says([exited(0, list, ""), exited(1, "", "")]),
    )
    .unwrap();
    let Failure::NotSignedIn { detail, .. } = nobody.fetch(&ask).await.unwrap_err().failure else {
        panic!("another failure")
    };
    assert_eq!(detail, "The Azure CLI is not signed in as edsger@x.example.");
}

/// `az` acts as ada when nothing else is said. Grace has a subscription in one tenant and nothing but herself in another.
const ADA_IS_DEFAULT: &str = r#"[
    {"id":"5-1","tenantId":"t1","isDefault":true,"tenantDefaultDomain":"contoso.example","user":{"name":"ada@x.example"}},
    {"id":"5-2","tenantId":"t2","tenantDefaultDomain":"fabrikam.example","user":{"name":"grace@x.example"}},
    {"id":"t3","tenantId":"t3","tenantDefaultDomain":null,"user":{"name":"grace@x.example"}}]"#;

/// How `az` is asked for a token of that user in a tenant, or what is said instead.
async fn asked_as(username: &str, tenant: Option<&str>) -> String {
    let token = r#"{"accessToken":"t0ken","expires_on":4102444800,"tokenType":"Bearer"}"#;
    let az = tool_that_says([exited(0, ADA_IS_DEFAULT, ""), exited(0, token, "")]);
    let source = AzureCli::new(None, Some(username.into()), &elsewhere(), Arc::clone(&az) as Arc<dyn Az>).unwrap();
    let ask = TokenAsk { tenant: tenant.map(Into::into), ..TokenAsk::of(SCOPE) };
    match source.fetch(&ask).await {
        Ok(_) => az.asked().split_once(SCOPE).unwrap().1.trim().replace('"', ""),
        Err(Trouble { failure: Failure::NotSignedIn { detail, .. }, .. }) => detail,
        Err(failure) => panic!("another failure: {failure:?}"),
    }
}

#[tokio::test]
async fn a_user_of_az_who_is_named_never_gets_the_token_of_its_default_user() {
    let not_in = "The Azure CLI is signed in as grace@x.example, but not to the tenant";
    for tenant in ["t1", "contoso.example", "other.example"] {
        let said = asked_as("grace@x.example", Some(tenant)).await;
        assert!(said.starts_with(&format!("{not_in} {tenant}.")), "{said}");
    }
    assert_eq!(asked_as("grace@x.example", Some("Fabrikam.example")).await, "--subscription 5-2");
    assert_eq!(asked_as("grace@x.example", Some("t3")).await, "--subscription t3", "the tenant stands for her");
    assert_eq!(asked_as("grace@x.example", None).await, "--subscription 5-2");
}

#[tokio::test]
async fn the_default_user_of_az_is_asked_for_by_a_tenant_that_it_does_not_list() {
    assert_eq!(asked_as("Ada@x.example", Some("other.example")).await, "--tenant other.example");
    assert_eq!(asked_as("Ada@x.example", Some("t1")).await, "--subscription 5-1");
    assert_eq!(asked_as("Ada@x.example", None).await, "--subscription 5-1");
}

/// As `az` lists those it is signed in as, and the clouds it knows (azure-cli 2.91, shortened).
const IN_TWO_CLOUDS: &str = r#"[
    {"id":"5-1","tenantId":"t1","isDefault":true,"cloudName":"AzureCloud","user":{"name":"ada@x.example"}},
    {"id":"5-2","tenantId":"t2","isDefault":false,"cloudName":"AzureUSGovernment","user":{"name":"ada@x.example"}},
    {"id":"5-3","tenantId":"t3","isDefault":false,"cloudName":"Ours","user":{"name":"ada@x.example"}}]"#;
const CLOUDS: &str = r#"[
    {"name":"AzureCloud","isActive":true,"endpoints":{"resourceManager":"https://management.azure.com/"}},
    {"name":"AzureUSGovernment","isActive":false,"endpoints":{"resourceManager":"https://management.usgovcloudapi.net/"}},
    {"name":"Ours","isActive":false,"endpoints":{"resourceManager":"https://management.cloud.example/"}}]"#;
const TOKEN: &str = r#"{"accessToken":"t0ken","expires_on":4102444800,"tokenType":"Bearer"}"#;
const NOBODY: &str = "ERROR: Please run 'az login' to setup account.\n";

#[tokio::test]
async fn a_cloud_that_is_not_the_active_one_of_az_is_asked_for_by_its_name_and_a_subscription() {
    for (cloud, tenant, expected) in [
        (Cloud::us_gov(), "t2", "AZURE_CLOUD_NAME=AzureUSGovernment --subscription 5-2"),
        (elsewhere(), "t3", "AZURE_CLOUD_NAME=Ours --subscription 5-3"),
    ] {
        let listed = || exited(0, IN_TWO_CLOUDS, "");
        let again = [listed(), exited(0, TOKEN, "")];
        let once = [exited(1, "", NOBODY), exited(0, CLOUDS, ""), listed(), exited(0, TOKEN, "")];
        let az = tool_that_says(once.into_iter().chain(again));
        let source = AzureCli::new(None, None, &cloud, Arc::clone(&az) as Arc<dyn Az>).unwrap();
        let ask = TokenAsk { tenant: Some(tenant.into()), ..TokenAsk::of(SCOPE) };
        for _ in 0..2 {
            assert_eq!(source.fetch(&ask).await.unwrap().token.secret(), "t0ken");
        }
        let asked = az.asked();
        let set = asked.lines().rfind(|line| line.starts_with(az_cloud::VARIABLE)).unwrap();
        let last = asked.lines().last().unwrap().split_once(SCOPE).unwrap().1.trim().replace('"', "");
        assert_eq!(format!("{set} {last}"), expected);
    }
}

#[tokio::test]
async fn who_is_signed_in_to_other_clouds_of_az_hears_how_to_sign_in_to_this_one() {
    let nobody_there = IN_TWO_CLOUDS.replace("\"Ours\"", "\"Theirs\"");
    for listed in [nobody_there.as_str(), "[]"] {
        let answers = [exited(1, "", NOBODY), exited(0, CLOUDS, ""), exited(0, listed, "")];
        let source = AzureCli::new(None, None, &elsewhere(), tool_that_says(answers)).unwrap();
        let failure = source.fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure;
        let Failure::NotSignedIn { cloud, .. } = failure else { panic!("{failure:?}") };
        assert_eq!(cloud.as_deref(), Some("Ours"));
    }
}

#[tokio::test]
async fn in_a_cloud_that_is_not_the_active_one_nobody_is_taken_for_another() {
    let user = |name: &str, tenant: &str, is_default: bool| {
        format!(
            r#"{{"id":"id-of-{name}","tenantId":"{tenant}","isDefault":{is_default},"cloudName":"Ours","user":{{"name":"{name}"}}}}"#
        )
    };
    let told = async |users: [String; 2], tenant: &str| {
        let list = format!("[{}]", users.join(","));
        let answers = [exited(1, "", NOBODY), exited(0, CLOUDS, ""), exited(0, &list, ""), exited(0, TOKEN, "")];
        let az = tool_that_says(answers);
        let source = AzureCli::new(None, None, &elsewhere(), Arc::clone(&az) as Arc<dyn Az>).unwrap();
        let ask = TokenAsk { tenant: Some(tenant.into()), ..TokenAsk::of(SCOPE) };
        match source.fetch(&ask).await {
            Ok(_) => az.asked().split_once("--subscription ").unwrap().1.replace('"', ""),
            Err(Trouble { failure: Failure::NotSignedIn { detail, tenant, .. }, .. }) => {
                format!("{}: {detail}", tenant.unwrap_or_default())
            }
            Err(trouble) => panic!("{trouble:?}"),
        }
    };
    let both = |bob| [user("ada", "t1", false), user("bob", "t2", bob)];
    assert_eq!(told(both(true), "t2").await, "id-of-bob");
    assert!(told(both(true), "t1").await.starts_with("t1: The Azure CLI is signed in as bob, but not"));
    let several = told(both(false), "t1").await;
    assert!(several.starts_with(": Several people are signed in to the Azure CLI"), "{several}");
    assert!(several.contains("“ajar --cloud ours sign-in --az --username USER”"), "{several}");
}

#[tokio::test]
async fn claims_are_nothing_that_az_can_be_asked_for_in_silence() {
    let source = AzureCli::new(None, None, &elsewhere(), tool_that_says([])).unwrap();
    let ask = TokenAsk { claims: Some("e30=".into()), tenant: Some("t1".into()), ..TokenAsk::of(SCOPE) };
    let expected = Failure::ClaimsRequired { claims: "e30=".into(), scope: SCOPE.into(), tenant: Some("t1".into()) };
    assert_eq!(source.fetch(&ask).await.unwrap_err().failure, expected);
}

#[tokio::test]
async fn what_az_says_first_is_what_the_user_reads() {
    let stderr = "ERROR: Please run 'az login' to setup account.\nmore\n";
    assert_eq!(detail(exited(1, "", stderr)).await, "Please run 'az login' to setup account.");
}

#[tokio::test]
async fn an_az_that_does_not_find_what_it_needs_is_told_with_its_own_words() {
    for (said, told) in [
        ("/usr/bin/env: 'python3': No such file or directory\n", "/usr/bin/env: 'python3': No such file or directory"),
        ("", "no reason given"),
    ] {
        assert_eq!(detail(exited(127, "", said)).await, format!("the Azure CLI broke ({told})"));
    }
}

#[tokio::test]
async fn a_token_counts_with_whatever_az_writes_around_it() {
    let token = r#"{"accessToken":"t0ken","expires_on":4102444800,"tokenType":"Bearer"}"#;
    for around in [format!("\u{feff}{token}\r\n"), format!("WARNING: Verification is disabled.\n{token}\n")] {
        let source = AzureCli::new(None, None, &elsewhere(), tool(exited(0, &around, ""))).unwrap();
        assert_eq!(source.fetch(&TokenAsk::of(SCOPE)).await.unwrap().token.secret(), "t0ken", "{around}");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_read_is_not_shown() {
    for stdout in [r#"{"accessToken":"t0ken"}"#, r#""t0ken""#, "t0ken"] {
        assert!(!detail(exited(0, stdout, "")).await.contains("t0ken"), "{stdout}");
    }
    let old = r#"{"accessToken":"t0ken","tokenType":"Bearer"}"#;
    assert!(detail(exited(0, old, "")).await.contains("2.54"));
}

#[tokio::test]
async fn an_az_that_is_not_there_is_told_as_that_in_any_language() {
    let absent = || Err(io::Error::new(io::ErrorKind::NotFound, "az not found on PATH"));
    assert_eq!(detail(absent()).await, ajar_core::failure::NO_AZURE_CLI);
    let Failure::NotSignedIn { detail, .. } = az_accounts::listed(&*tool(absent())).await.unwrap_err() else {
        panic!("another failure")
    };
    assert_eq!(detail, ajar_core::failure::NO_AZURE_CLI);
}

#[tokio::test]
async fn an_az_that_hangs_is_no_sign_in() {
    let hung = Err(io::Error::new(io::ErrorKind::TimedOut, "no answer within 30 seconds"));
    assert_eq!(detail(hung).await, "the Azure CLI could not be asked: no answer within 30 seconds");
}

#[test]
fn a_token_of_an_az_that_keeps_its_profile_elsewhere_counts_for_minutes_only() {
    let now = OffsetDateTime::now_utc();
    let of = |left| AccessToken::new("t", now + left);
    assert_eq!(soon_over(of(Duration::hours(20)), now).expires_on, now + UNSEEN);
    assert_eq!(soon_over(of(Duration::minutes(2)), now).expires_on, now + Duration::minutes(2));
}
