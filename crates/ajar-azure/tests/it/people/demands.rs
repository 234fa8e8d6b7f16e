//! What Entra can have against an account that was signed in.

use ajar_azure::DeviceCodeSignIn;
use ajar_core::failure::{Failure, SignInDemand, SignInReason, TenantReason};
use serde_json::json;

use super::*;

/// A demand of the simulator's, and what tells that it was understood.
type Meaning = (&'static str, fn(&Failure) -> bool);

/// The demands that docs/simulator.md lists, and what each means to somebody who is signed in.
fn meanings() -> Vec<Meaning> {
    fn required(failure: &Failure, expected: SignInReason) -> bool {
        matches!(failure, Failure::SignInRequired { reason, .. } if *reason == expected)
    }
    fn tenant(failure: &Failure, expected: TenantReason) -> bool {
        matches!(failure, Failure::NotInTenant { reason, .. } if *reason == expected)
    }
    fn blocked(failure: &Failure, expected: u32) -> bool {
        matches!(failure, Failure::ConditionalAccess { number, device_code: false, .. } if *number == expected)
    }
    vec![
        ("mfa", |failure| required(failure, SignInReason::Mfa)),
        ("mfaEnrolment", |failure| required(failure, SignInReason::Mfa)),
        ("mfaEnrolmentHere", |failure| required(failure, SignInReason::Mfa)),
        ("mfaExpired", |failure| required(failure, SignInReason::Mfa)),
        ("strongAuthentication", |failure| required(failure, SignInReason::Mfa)),
        ("blocked", |failure| blocked(failure, 53_003)),
        ("compliantDevice", |failure| blocked(failure, 53_000)),
        ("consent", |failure| matches!(failure, Failure::ConsentMissing { .. })),
        ("notAssigned", |failure| tenant(failure, TenantReason::NotAssigned)),
        ("disabled", |failure| matches!(failure, Failure::AccountDisabled { .. })),
        ("passwordExpired", |failure| required(failure, SignInReason::PasswordChanged)),
        ("signInFrequency", |failure| required(failure, SignInReason::Expired)),
        ("sessionExpired", |failure| required(failure, SignInReason::Expired)),
        ("refreshTokenExpired", |failure| required(failure, SignInReason::Expired)),
        ("guestPending", |failure| tenant(failure, TenantReason::Pending)),
        ("unavailable", |failure| matches!(failure, Failure::AzureError { status: 503, .. })),
    ]
}

#[tokio::test]
async fn each_demand_of_the_simulator_has_its_own_meaning() {
    let listed = include_str!("../../../../../docs/simulator.md");
    let listed = listed.split("| demand | error | code |").nth(1).unwrap().split("\n\n").next().unwrap();
    let listed =
        listed.lines().filter_map(|line| line.split('|').nth(1)).flat_map(|cell| cell.split('`').skip(1).step_by(2));
    // A service principal's own.
    let listed: Vec<_> = listed.filter(|demand| *demand != "secretExpired").collect();
    let meanings = meanings();
    assert_eq!(listed.len(), meanings.len());

    let azure = azure().await;
    let (account, _) = azure.ada(&Arc::default()).await;
    for demand in listed {
        let means = meanings.iter().find(|(name, _)| *name == demand).unwrap_or_else(|| panic!("{demand}")).1;
        azure.control("accounts", json!({ "account": "ada", "demand": demand })).await;
        // Another tenant, so that no token is at hand.
        let failure = azure.reads(&account, Some("fabrikam.onmicrosoft.com"), &azure.vm("lab")).await.unwrap_err();
        assert!(means(&failure), "{demand}: {failure:?}");
        assert_eq!(failure.exit_code() as u8, if demand == "unavailable" { 1 } else { 3 }, "{demand}");
    }
}

#[tokio::test]
async fn a_second_proof_and_consent_are_given_on_the_page_and_then_all_is_well() {
    let azure = azure().await;
    for (demand, tenant, vm) in [("mfa", "fabrikam", "lab"), ("consent", "northwind", "desk")] {
        azure.control("accounts", json!({ "account": "ada", "demand": "none" })).await;
        let (account, _) = azure.ada(&Arc::default()).await;
        let (tenant, vm) = (format!("{tenant}.onmicrosoft.com"), azure.vm(vm));
        azure.control("accounts", json!({ "account": "ada", "demand": demand })).await;
        let failure = azure.reads(&account, Some(&tenant), &vm).await.unwrap_err();
        let SignInDemand { tenant: there, claims } = failure.sign_in_demand();
        assert_eq!(there.as_ref(), Some(&tenant), "{demand}");
        assert_eq!(claims.as_ref().is_some_and(|claims| claims.contains("capolids")), demand == "mfa", "{demand}");
        let sign_in = azure.begin(Person { tenant: there, ..ada() }, claims).await;
        let signed_in = azure.browse(sign_in, "ada").await.unwrap();
        account.signed_in(&signed_in).await.unwrap();
        azure.reads(&account, Some(&tenant), &vm).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_tenant_of_a_guest_demands_is_met_there_and_nowhere_else() {
    let azure = azure().await;
    let (account, at_home) = azure.ada(&Arc::default()).await;
    let (fabrikam, lab) = ("e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02", azure.vm("lab"));
    azure.control("accounts", json!({ "account": "ada", "demand": "mfa", "tenant": "Fabrikam" })).await;
    let refused = azure.reads(&account, Some(fabrikam), &lab).await.unwrap_err();
    let SignInDemand { tenant, claims } = refused.sign_in_demand();
    assert_eq!(tenant.as_deref(), Some(fabrikam));
    azure.reads(&account, None, &azure.vm("home")).await.expect("it is Fabrikam that demands it");

    // At home another proof changes nothing: signing in there leads in a circle.
    let home = azure.browse(azure.begin(ada(), claims.clone()).await, "ada").await.unwrap();
    account.signed_in(&home).await.unwrap();
    assert_eq!(azure.reads(&account, Some(fabrikam), &lab).await, Err(refused));

    let guest = Person { tenant, ..ada() };
    let there = azure.begin(guest.clone(), claims.clone()).await;
    assert_eq!(there.url().path(), format!("/{fabrikam}/oauth2/v2.0/authorize"));
    let by_browser = azure.browse(there, "ada").await.unwrap();
    let codes = DeviceCodeSignIn::begin(&azure.cloud, azure.http.clone(), guest, claims).await.unwrap();
    for met in [&[][..], &[("met", "1")]] {
        let form = [&[("account", "ada"), ("otc", codes.user_code())], met].concat();
        azure.browser.post(codes.verification_uri()).form(&form).send().await.unwrap();
    }
    for signed_in in [by_browser, codes.finish().await.unwrap()] {
        assert_eq!(signed_in.home_account_id, at_home.home_account_id, "who it is is not who it is there");
        assert_eq!(signed_in.tenant_id.as_deref(), Some(fabrikam));
        let account = azure.account(&home.home_account_id, &Arc::default());
        account.signed_in(&home).await.unwrap();
        assert!(azure.reads(&account, Some(fabrikam), &lab).await.is_err());
        account.signed_in(&signed_in).await.unwrap();
        azure.reads(&account, Some(fabrikam), &lab).await.unwrap();
        azure.reads(&account, None, &azure.vm("home")).await.unwrap();
    }
}

#[tokio::test]
async fn what_home_and_the_tenant_of_a_guest_demand_is_met_in_each_once() {
    let azure = azure().await;
    let at_home = azure.simulator.announce().tenant_id.to_string();
    let fabrikam = "e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02";
    let drawer = Arc::new(Drawer::default());
    let (account, first) = azure.ada(&drawer).await;
    for tenant in [at_home.as_str(), fabrikam] {
        azure.control("accounts", json!({ "account": "ada", "demand": "mfa", "tenant": tenant })).await;
    }
    azure.run_out(TWO_DAYS).await;
    let places = [(None, "home"), (Some(fabrikam), "lab"), (Some("fabrikam.onmicrosoft.com"), "lab")];
    for tenant in [None, Some(fabrikam)] {
        let vm = azure.vm(if tenant.is_some() { "lab" } else { "home" });
        let demand = azure.reads(&account, tenant, &vm).await.unwrap_err().sign_in_demand();
        assert_eq!(demand.tenant.as_deref(), tenant);
        let sign_in = azure.begin(Person { tenant: demand.tenant, ..ada() }, demand.claims).await;
        account.signed_in(&azure.browse(sign_in, "ada").await.unwrap()).await.unwrap();
    }
    for account in [account, azure.account(&first.home_account_id, &drawer)] {
        for (tenant, vm) in places.into_iter().chain(places) {
            azure.reads(&account, tenant, &azure.vm(vm)).await.unwrap();
        }
        azure.run_out(TWO_DAYS).await;
        let before = azure.posts("/token").await;
        azure.reads(&account, Some("fabrikam.onmicrosoft.com"), &azure.vm("lab")).await.unwrap();
        assert_eq!(azure.posts("/token").await, before + 1, "the token that it takes is known by now");
    }
    let kept = drawer.holds(&first.home_account_id).unwrap();
    assert_eq!(kept.keys().map(String::as_str).collect::<Vec<_>>(), [at_home.as_str(), fabrikam]);
}

#[tokio::test]
async fn what_keeps_an_account_out_of_another_tenant_is_told_as_that_tenants() {
    let azure = azure().await;
    let (account, _) = azure.ada(&Arc::default()).await;
    let fabrikam = "e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02";
    for demand in ["disabled", "blocked"] {
        azure.control("accounts", json!({ "account": "ada", "demand": demand, "tenant": "Fabrikam" })).await;
        let failure = azure.reads(&account, Some(fabrikam), &azure.vm("lab")).await.unwrap_err();
        let (Failure::AccountDisabled { tenant, .. } | Failure::ConditionalAccess { tenant, .. }) = &failure else {
            panic!("{failure:?}")
        };
        assert_eq!(tenant.as_deref(), Some(fabrikam), "{demand}");
        assert_eq!(failure.standing(), None, "the account is what it was elsewhere");
        azure.reads(&account, None, &azure.vm("home")).await.unwrap();
    }
}

#[tokio::test]
async fn two_accounts_of_one_person_take_no_sign_in_from_each_other() {
    let azure = azure().await;
    let at_home = azure.simulator.announce().tenant_id.to_string();
    let fabrikam = "e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02";
    for tenant in [at_home.as_str(), fabrikam] {
        azure.control("accounts", json!({ "account": "ada", "demand": "mfa", "tenant": tenant })).await;
    }
    let drawer = Arc::new(Drawer::default());
    let (work, first) = azure.ada(&drawer).await;
    let guest = Person { account: "guest".into(), tenant: Some("fabrikam.onmicrosoft.com".into()), ..ada() };
    let there = azure.browse(azure.begin(guest.clone(), None).await, "ada").await.unwrap();
    let guest = azure.account_of(guest, &first.home_account_id, &drawer);
    guest.signed_in(&there).await.unwrap();
    for _ in 0..2 {
        azure.reads(&work, None, &azure.vm("home")).await.unwrap();
        azure.reads(&guest, None, &azure.vm("lab")).await.unwrap();
        azure.run_out(TWO_DAYS).await;
    }
    azure.reads(&work, Some(fabrikam), &azure.vm("lab")).await.expect("it is the same person’s");
}

#[tokio::test]
async fn what_ends_a_sign_in_is_no_wish_of_the_tenant_that_was_asked() {
    let azure = azure().await;
    let (account, _) = azure.ada(&Arc::default()).await;
    let fabrikam = "e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02";
    let wanted_there = async || {
        let failure = azure.reads(&account, Some(fabrikam), &azure.vm("lab")).await.unwrap_err();
        assert!(matches!(failure, Failure::SignInRequired { .. }), "{failure:?}");
        failure.sign_in_demand().tenant
    };
    for (demand, is_there) in [
        ("mfa", true),
        ("signInFrequency", true),
        ("sessionExpired", true),
        ("refreshTokenExpired", false),
        ("passwordExpired", false),
    ] {
        azure.control("accounts", json!({ "account": "ada", "demand": demand })).await;
        assert_eq!(wanted_there().await.as_deref(), is_there.then_some(fabrikam), "{demand}");
    }
    azure.control("accounts", json!({ "account": "ada", "demand": "none", "revoke": true })).await;
    assert_eq!(wanted_there().await, None, "called back");
}

#[tokio::test]
async fn who_is_no_guest_of_a_tenant_is_told_which() {
    let azure = azure().await;
    let signed_in = azure.browse(azure.begin(ada(), None).await, "grace").await.unwrap();
    let account = azure.account(&signed_in.home_account_id, &Arc::default());
    account.signed_in(&signed_in).await.unwrap();
    for (tenant, expected) in
        [("fabrikam.onmicrosoft.com", TenantReason::NoGuest), ("moon.example", TenantReason::NoTenant)]
    {
        let failure = azure.reads(&account, Some(tenant), &azure.vm("lab")).await.unwrap_err();
        let told = Failure::NotInTenant { account: "work".into(), tenant: tenant.into(), reason: expected, tool: None };
        assert_eq!(failure, told);
    }
}

#[tokio::test]
async fn a_session_that_was_called_back_wants_a_new_sign_in_with_the_claims_of_the_challenge() {
    let azure = azure().await;
    let drawer = Arc::new(Drawer::default());
    let (account, _) = azure.ada(&drawer).await;
    let home = azure.vm("home");
    azure.reads(&account, None, &home).await.unwrap();
    azure.control("accounts", json!({ "account": "ada", "revoke": true })).await;
    let failure = azure.reads(&account, None, &home).await.unwrap_err();
    let Failure::SignInRequired { reason: SignInReason::Claims, demand, .. } = failure else { panic!("{failure:?}") };
    assert_eq!(demand.tenant, None, "it is its own");
    let claims = demand.claims.expect("the claims are told");
    assert!(claims.contains("access_token"), "{claims}");
    azure.run_out(2).await;
    let sign_in = azure.begin(ada(), Some(claims.clone())).await;
    let asked: serde_json::Value =
        serde_json::from_str(&sign_in.url().query_pairs().find(|(name, _)| name == "claims").unwrap().1).unwrap();
    let wanted: serde_json::Value = serde_json::from_str(&claims).unwrap();
    assert_eq!(asked["access_token"]["nbf"], wanted["access_token"]["nbf"]);
    assert_eq!(asked["access_token"]["xms_cc"]["values"], json!(["cp1"]));
    account.signed_in(&azure.browse(sign_in, "ada").await.unwrap()).await.unwrap();
    azure.reads(&account, None, &home).await.unwrap();
}

#[tokio::test]
async fn claims_that_azure_wants_of_a_token_just_given_are_told_for_the_next_sign_in() {
    let azure = azure().await;
    let (account, _) = azure.ada(&Arc::default()).await;
    azure.control("faults", json!({ "match": { "method": "GET" }, "fault": "claimsChallenge", "times": null })).await;
    for (tenant, elsewhere) in [(None, None), (Some("Northwind.onmicrosoft.com"), Some("Northwind.onmicrosoft.com"))] {
        let failure = azure.reads(&account, tenant, &azure.vm("desk")).await.unwrap_err();
        let Failure::SignInRequired { reason: SignInReason::Claims, demand, .. } = failure else {
            panic!("{failure:?}")
        };
        assert_eq!(demand.tenant.as_deref(), elsewhere);
        assert!(demand.claims.as_ref().is_some_and(|claims| claims.contains("nbf")), "{demand:?}");
    }
}

#[tokio::test]
async fn a_challenge_that_the_refresh_token_can_meet_is_met_without_anybody() {
    let azure = azure().await;
    let (account, _) = azure.ada(&Arc::default()).await;
    let home = azure.vm("home");
    azure.reads(&account, None, &home).await.unwrap();
    let before = azure.posts("/token").await;
    azure.control("switches", json!({ "addressChange": "challenge" })).await;
    azure.control("address", json!({ "publicIp": "198.51.100.9" })).await;
    azure.run_out(2).await;
    azure.reads(&account, None, &home).await.unwrap();
    assert_eq!(azure.posts("/token").await, before + 1);
}
