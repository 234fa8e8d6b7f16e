//! What a sign-in may not make of an account: another person, another cloud.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::user::{FABRIKAM, User, ended, next_event};

/// Signs in again to the account bob, and chooses ada on the page; the last event.
async fn as_ada(user: &User, args: &[&str]) -> Value {
    let args = [&["sign-in", "--name", "bob", "--json"], args].concat();
    let mut child = user.ajar(&args).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let event = next_event(&mut lines).await.unwrap();
    let page = event["url"].as_str().unwrap();
    match event["userCode"].as_str() {
        Some(code) => {
            let form = [("account", "ada"), ("otc", code)];
            user.http(0).post(page).form(&form).send().await.unwrap();
        }
        None => user.browse("ada", page, 0).await,
    }
    let last = next_event(&mut lines).await.unwrap();
    let (code, _, stderr) = ended(child).await;
    assert_eq!(code, 3, "{last} {stderr}");
    last
}

#[tokio::test]
async fn another_person_on_the_page_does_not_become_the_account_and_leaves_nothing_behind() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    let before = user.settings();
    let secrets = user.secrets().await;
    assert!(!secrets.is_empty(), "the keyring has bob’s");
    for way in [&[][..], &["--device-code"]] {
        let failed = as_ada(&user, way).await;
        assert_eq!(failed["code"], "otherPerson", "{failed}");
        let title = failed["title"].as_str().unwrap();
        assert!(title.contains("You signed in as ada@") && title.contains("the account bob is bob@"), "{title}");
        assert_eq!((user.settings(), user.secrets().await), (before.clone(), secrets.clone()), "{way:?}");
    }
    let (code, stdout, stderr) = user.run(&["connect", "lab", "--no-launch", "--json"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
}

#[tokio::test]
async fn who_is_written_by_hand_and_has_never_signed_in_is_nobody_else_either() {
    let user = User::new().await;
    let account = "[accounts.bob]\nsign_in = \"browser\"\nusername = \"bob@contoso.example\"\n";
    std::fs::write(user.folder().join("config.toml"), user.settings() + account).unwrap();
    let before = user.settings();
    let failed = as_ada(&user, &[]).await;
    assert_eq!(failed["code"], "otherPerson", "{failed}");
    assert_eq!((user.settings(), user.secrets().await), (before, BTreeSet::new()));
}

#[tokio::test]
async fn a_tenant_is_the_same_one_by_its_id_and_by_its_domain() {
    let user = User::new().await;
    let (id, domain) = (FABRIKAM, "fabrikam.onmicrosoft.com");
    for (written, other) in [(id, domain), (domain, id)] {
        user.sign_in("bob", &["--tenant", written]).await;
        let before = user.settings();
        for args in [&["--name", "bob", "--tenant", other][..], &["--tenant", other], &["--name", "bob"]] {
            user.sign_in("bob", args).await;
            assert_eq!(user.settings(), before, "{args:?}");
        }
        for tenant in ["contoso.onmicrosoft.com", "c4f1a6d2-8b3e-4e57-9a10-2d6b7f8e5c05", "moon.example"] {
            let (code, stdout, _) = user.run(&["sign-in", "--name", "bob", "--tenant", tenant, "--json"]).await;
            let event: Value = serde_json::from_str(&stdout).unwrap();
            let told = if tenant == "moon.example" { (3, "notInTenant") } else { (2, "accountDiffers") };
            assert_eq!((code, event["code"].as_str().unwrap()), told, "{event}");
        }
        assert_eq!(user.run(&["sign-out", "bob"]).await.0, 0);
    }
    // An application is asked for its token in whichever way its tenant is said.
    let robot = ["--service-principal", "--client-id", "0d5e1b7c-52aa-4f1e-8c3d-7e9f00112233"];
    for tenant in [id, domain] {
        let args = [&["sign-in", "--tenant", tenant][..], &robot].concat();
        let mut child = user.ajar(&args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"canary~secret~of~robot\n").await.unwrap();
        let (code, _, stderr) = ended(child).await;
        assert_eq!(code, 0, "{stderr}");
    }
    assert_eq!(user.settings().matches("[accounts.").count(), 1, "{}", user.settings());
}

#[tokio::test]
async fn an_account_stays_in_its_cloud_and_its_tenant() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    let before = user.settings();
    for (args, option) in [
        (&["--cloud", "other", "sign-in", "--name", "bob"][..], "--cloud"),
        (&["sign-in", "--name", "BOB", "--client-id", "0d5e1b7c-52aa-4f1e-8c3d-7e9f00112233"], "--client-id"),
    ] {
        let (code, _, stderr) = user.run(args).await;
        let stderr = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(code == 2 && stderr.contains(option) && stderr.contains("ajar sign-out bob"), "{code} {stderr}");
    }
    for tenant in ["Contoso Ltd", "", "../../x"] {
        let (code, stdout, _) = user.run(&["sign-in", "--tenant", tenant, "--json"]).await;
        let event: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((code, &event["code"]), (2, &"tenantUnfit".into()), "{stdout}");
    }
    assert_eq!(user.settings(), before);
}

#[tokio::test]
async fn a_subscription_that_the_account_does_not_see_has_words_of_its_own() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    // A VM of the other cloud, whose subscription this one does not know.
    let settings = user.settings().replace("account = \"grace\"", "account = \"bob\"");
    std::fs::write(user.folder().join("config.toml"), settings).unwrap();
    let (code, stdout, stderr) = user.run(&["rights", "desk", "--json"]).await;
    let event: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &event["code"]), (1, &"subscriptionNotFound".into()), "{stdout}{stderr}");
    assert!(stderr.contains("does not see its subscription") && stderr.contains("“account”"), "{stderr}");
}

#[tokio::test]
async fn names_that_cannot_be_signed_in_to_or_out_of_say_why() {
    let user = User::new().await;
    let (code, _, stderr) = user.run(&["sign-in", "--name", "az"]).await;
    assert!(code == 2 && stderr.contains("a name of Ajar’s own") && !stderr.contains("sign-out"), "{stderr}");
    let (code, _, stderr) = user.run(&["sign-out", "nobody"]).await;
    assert!(code == 2 && stderr.contains("“nobody” to sign out of") && !stderr.contains("profile"), "{stderr}");
    let (code, stdout, _) = user.run(&["sign-in", "--message"]).await;
    assert!(code == 0 && stdout.contains("az ad app create"), "{stdout}");
}
