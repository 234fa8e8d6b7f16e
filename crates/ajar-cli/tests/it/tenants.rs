//! One account that acts in several tenants, which nobody has named.

use std::fs;

use crate::user::{FABRIKAM, User, ended, tokens};

/// What was said, without the line ends of its paragraphs.
fn flowing(said: &str) -> String {
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The looks at a subscription without a token, which tell its tenant.
fn asked_for_tenants(journal: &[String]) -> usize {
    let is_subscription = |line: &&String| {
        let path = line.strip_prefix("GET /subscriptions/");
        path.is_some_and(|path| !path.contains('/'))
    };
    journal.iter().filter(is_subscription).count()
}

#[tokio::test]
async fn a_favourite_in_another_tenant_than_its_accounts_is_opened_there_and_the_tenant_is_remembered() {
    let user = User::new().await;
    user.sign_in("ada", &[]).await;
    let settings = user.settings().replace("\"environment\"", "\"ada\"").replace("\"bob\"", "\"ada\"");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    assert_eq!(user.run(&["remove", "desk"]).await.0, 0);
    user.forget_journals().await;
    for name in ["home", "lab"] {
        let (code, stdout, stderr) = user.run(&["connect", name, "--no-launch", "--json"]).await;
        assert_eq!(code, 0, "{stdout}{stderr}");
    }
    let journal = user.journal(0).await;
    let home = user.clouds[0].announce().tenant_id.to_string();
    let mut wanted = [format!("POST /{home}"), format!("POST /{FABRIKAM}")];
    wanted.sort_unstable();
    assert_eq!(tokens(&journal), wanted, "each tenant gave one token");
    assert_eq!(asked_for_tenants(&journal), 2, "once for each subscription, however many want to know: {journal:?}");
    let state = fs::read_to_string(user.folder().join("state.json")).unwrap();
    for tenant in [home.as_str(), FABRIKAM] {
        assert!(state.contains(tenant), "{state}");
    }

    user.forget_journals().await;
    let (code, stdout, stderr) = user.run(&["status", "--json"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    let journal = user.journal(0).await;
    assert_eq!((tokens(&journal).len(), asked_for_tenants(&journal)), (2, 0), "{journal:?}");
}

#[tokio::test]
async fn a_tenant_that_azure_does_not_tell_when_asked_is_learnt_from_its_refusal() {
    let user = User::new().await;
    user.sign_in("ada", &[]).await;
    let settings = user.settings().replace("\"environment\"", "\"ada\"").replace("\"bob\"", "\"ada\"");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    let fault = serde_json::json!({ "match": { "route": "Subscriptions_Get" }, "fault": "unavailable", "times": null });
    user.control(0, "faults", fault).await;
    let (code, stdout, stderr) = user.run(&["rights", "lab"]).await;
    assert_eq!(code, 1, "{stdout}{stderr}");
    assert!(!stderr.contains("is in another tenant"), "nobody was refused there: {stderr}");
    let (code, stdout, stderr) = user.run(&["rights", "lab"]).await;
    assert_eq!(code, 0, "it is known now, though it is not told: {stdout}{stderr}");
}

#[tokio::test]
async fn who_manages_the_subscription_of_another_tenant_acts_in_their_own() {
    const TAILSPIN: &str = "c4f1a6d2-8b3e-4e57-9a10-2d6b7f8e5c05";
    let user = User::new().await;
    user.sign_in("tom", &[]).await;
    let settings = user.settings().replace("\"environment\"", "\"tom\"");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    user.forget_journals().await;
    let (code, stdout, stderr) = user.run(&["connect", "home", "--no-launch", "--json"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    let journal = user.journal(0).await;
    let home = user.clouds[0].announce().tenant_id.to_string();
    let mut wanted = [format!("POST /{home}"), format!("POST /{TAILSPIN}")];
    wanted.sort_unstable();
    assert_eq!(tokens(&journal), wanted, "the subscription’s tenant has none for them; their own has");
}

#[tokio::test]
async fn an_account_that_is_not_in_the_vms_tenant_is_told_that_and_not_to_sign_in_again() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    let home = user.clouds[0].announce().tenant_id.to_string();
    let settings = user.settings().replace("\"environment\"", "\"bob\"");
    fs::write(user.folder().join("config.toml"), &settings).unwrap();
    assert_eq!(user.run(&["remove", "desk"]).await.0, 0);
    for command in [&["rights", "home"][..], &["connect", "home", "--no-launch"]] {
        let (code, stdout, stderr) = user.run(command).await;
        let stderr = flowing(&stderr);
        assert!(code == 3 && stderr.contains(&format!("bob is not known in the tenant {home}.")), "{stdout}{stderr}");
        assert!(!stderr.contains("ajar sign-in"), "{stderr}");
    }
    let (_, stdout, _) = user.run(&["accounts"]).await;
    assert!(!stdout.contains("has to sign in"), "it acts on another favourite: {stdout}");
    assert_eq!(user.run(&["rights", "lab"]).await.0, 0);

    // The tenant that a favourite names is not its subscription’s.
    assert_eq!(user.run(&["edit", "home", "--tenant", FABRIKAM]).await.0, 0);
    let (code, _, stderr) = user.run(&["rights", "home"]).await;
    let stderr = flowing(&stderr);
    assert!(code == 3 && stderr.contains(&format!("belongs to the tenant {home}")), "{stderr}");
}

#[tokio::test]
async fn an_application_of_another_tenant_than_the_vms_is_not_said_to_be_refused() {
    let user = User::new().await;
    let settings = user.settings().replace("\"bob\"", "\"environment\"");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    let rights = user.ajar_with_environment(&["rights", "lab"]).spawn().unwrap();
    let (code, _, stderr) = ended(rights).await;
    let stderr = flowing(&stderr);
    assert!(code == 3 && stderr.contains(&format!("belongs to the tenant {FABRIKAM}")), "{stderr}");
    assert!(stderr.contains("ajar edit lab --account ACCOUNT"), "{stderr}");
}

#[tokio::test]
async fn what_an_accounts_own_tenant_wants_is_not_said_to_be_another_tenants_wish() {
    let user = User::new().await;
    user.sign_in("bob", &["--tenant", "fabrikam.onmicrosoft.com"]).await;
    assert!(user.settings().contains("tenant = \"fabrikam.onmicrosoft.com\""), "{}", user.settings());
    let rights = async || {
        user.control(0, "accounts", serde_json::json!({ "account": "bob", "demand": "sessionExpired" })).await;
        let (code, stdout, stderr) = user.run(&["rights", "lab"]).await;
        assert!(code == 3 && stderr.contains("The sign-in of bob has run out"), "{code} {stdout}{stderr}");
        flowing(&stderr)
    };
    let stderr = rights().await;
    assert!(!stderr.contains("The tenant"), "{stderr}");
    // The same where a favourite writes it by its domain and the account not at all.
    let settings = user.settings().replace("tenant = \"fabrikam.onmicrosoft.com\"\n", "");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    assert_eq!(user.run(&["edit", "lab", "--tenant", "fabrikam.onmicrosoft.com"]).await.0, 0);
    let stderr = rights().await;
    assert!(!stderr.contains("The tenant"), "{stderr}");
}
