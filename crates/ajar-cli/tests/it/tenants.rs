//! One account that acts in several tenants, which nobody has named.

use std::fs;

use crate::user::{FABRIKAM, User, tokens};

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
