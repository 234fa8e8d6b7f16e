//! What is known of sign-ins from one command to the next, also where no keychain is.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

use crate::user::{FABRIKAM, User, ended, next_event, soon};

/// As over ssh: no session bus, and so no Secret Service.
fn without_keychain(user: &User, args: &[&str]) -> Command {
    let mut command = user.ajar(args);
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    command
}

async fn run(mut command: Command) -> (i32, String, String) {
    ended(command.spawn().unwrap()).await
}

/// How bob stands, and where his sign-in is kept, as `accounts --json` has it.
fn bob(listed: (i32, String, String)) -> (Value, Value) {
    let (code, stdout, stderr) = listed;
    assert_eq!(code, 0, "{stderr}");
    let accounts: Vec<Value> = serde_json::from_str(&stdout).unwrap();
    let bob = accounts.into_iter().find(|account| account["name"] == "bob").unwrap();
    (bob["state"].clone(), bob["kept"]["place"].clone())
}

#[tokio::test]
async fn without_a_keychain_nothing_is_said_to_be_in_one_and_signing_out_works_all_the_same() {
    let user = User::new().await;
    let mut child = without_keychain(&user, &["sign-in", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let event = next_event(&mut lines).await.unwrap();
    user.browse("bob", event["url"].as_str().unwrap(), 0).await;
    let event = next_event(&mut lines).await.unwrap();
    assert_eq!((&event["event"], &event["kept"]["place"]), (&"signedIn".into(), &"memoryOnly".into()), "{event}");
    assert_eq!(ended(child).await.0, 0);

    let accounts = || run(without_keychain(&user, &["accounts", "--json"]));
    assert_eq!(bob(accounts().await), ("needsSignIn".into(), "nowhere".into()));
    assert_eq!(bob(user.run(&["accounts", "--json"]).await), ("needsSignIn".into(), "nowhere".into()));
    let (code, stdout, stderr) = run(without_keychain(&user, &["sign-out", "bob"])).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("[accounts.bob]") && !stdout.contains("keychain"), "{stdout}");
    assert!(stderr.contains("No keychain could be reached"), "{stderr}");
    assert!(!user.settings().contains("[accounts"), "{}", user.settings());
}

#[tokio::test]
async fn what_was_left_in_a_keychain_that_could_not_be_used_is_removed_when_it_can() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    let (code, _, stderr) = run(without_keychain(&user, &["sign-out", "bob"])).await;
    assert!(code == 0 && stderr.contains("Ajar removes it"), "{code} {stderr}");
    assert!(!user.secrets().await.is_empty(), "it is there still");
    user.sign_in("ada", &[]).await;
    let (code, _, stderr) = user.run(&["sign-out", "ada"]).await;
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(user.secrets().await, BTreeSet::new());
    // Whoever signs in again before that keeps it.
    user.sign_in("bob", &[]).await;
    assert_eq!(run(without_keychain(&user, &["sign-out", "bob"])).await.0, 0);
    user.sign_in("bob", &[]).await;
    let (code, stdout, stderr) = user.run(&["connect", "lab", "--no-launch", "--json"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
}

#[tokio::test]
async fn a_sign_in_that_is_killed_before_its_account_is_written_leaves_nothing_in_the_keychain() {
    let user = User::new().await;
    user.sign_in("ada", &[]).await;
    let before = (user.settings(), user.secrets().await);

    // Whoever has the settings’ lock holds the account up, and not what the keychain is to have.
    let lock = std::fs::File::create(user.folder().join("config.lock")).unwrap();
    lock.lock().unwrap();
    let mut child = user.ajar(&["sign-in", "--json"]).spawn().unwrap();
    let event = next_event(&mut BufReader::new(child.stdout.take().unwrap()).lines()).await.unwrap();
    user.browse("bob", event["url"].as_str().unwrap(), 0).await;
    soon(async { while user.secrets().await.len() <= before.1.len() {} }).await;
    child.kill().await.unwrap();
    lock.unlock().unwrap();
    assert_eq!(user.settings(), before.0, "no account has it");

    assert_eq!(user.run(&["accounts"]).await.0, 0);
    assert_eq!(user.secrets().await, before.1);
    assert_eq!(user.run(&["edit", "lab", "--account", "ada"]).await.0, 0);
    assert_eq!(user.run(&["rights", "lab"]).await.0, 0, "who was signed in before still is");
}

#[tokio::test]
async fn whichever_way_leads_to_a_folder_its_accounts_are_signed_in_and_signed_out_of() {
    let user = User::new().await;
    let link = user.home().join("link");
    std::os::unix::fs::symlink(user.folder(), &link).unwrap();
    let ways = [user.folder(), link, "ajar/../ajar/".into()];
    user.sign_in("bob", &[]).await;
    for way in &ways {
        let (code, _, stderr) = run(user.ajar_at(way, &["rights", "lab"])).await;
        assert_eq!(code, 0, "{} {stderr}", way.display());
    }
    let (code, _, stderr) = run(user.ajar_at(&ways[1], &["sign-out", "bob"])).await;
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(user.secrets().await, BTreeSet::new());
}

#[tokio::test]
async fn a_refusal_is_known_to_the_next_command_until_somebody_has_signed_in() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    user.control(0, "accounts", json!({ "account": "bob", "demand": "sessionExpired" })).await;
    assert_eq!(user.run(&["connect", "lab", "--no-launch"]).await.0, 3);
    user.control(0, "accounts", json!({ "account": "bob", "demand": "none" })).await;
    assert_eq!(bob(user.run(&["accounts", "--json"]).await), ("needsSignIn".into(), "keychain".into()));
    user.sign_in("bob", &["--name", "bob"]).await;
    assert_eq!(bob(user.run(&["accounts", "--json"]).await), ("signedIn".into(), "keychain".into()));
}

/// The page that `ajar sign-in` opened, and what it is asked to claim.
fn page(events: &[Value]) -> (String, String) {
    let page = reqwest::Url::parse(events[0]["url"].as_str().unwrap()).unwrap();
    let claims = page.query_pairs().find(|(name, _)| name == "claims").unwrap().1.into_owned();
    (page.path().to_owned(), claims)
}

#[tokio::test]
async fn what_the_tenant_of_a_guest_demands_is_met_there_by_a_later_command_and_the_account_keeps_its_own() {
    let user = User::new().await;
    user.sign_in("ada", &[]).await;
    assert_eq!(user.run(&["edit", "lab", "--account", "ada"]).await.0, 0);
    let written = user.settings().split_once("[accounts.ada]").unwrap().1.to_owned();
    user.control(0, "accounts", json!({ "account": "ada", "demand": "mfa", "tenant": FABRIKAM })).await;
    let (code, stdout, _) = user.run(&["rights", "lab", "--json"]).await;
    assert!(code == 3 && stdout.contains(&format!("The tenant {FABRIKAM} wants it")), "{stdout}");
    let (path, claims) = page(&user.sign_in("ada", &["--name", "ada"]).await);
    assert!(path.starts_with(&format!("/{FABRIKAM}/")), "{path}");
    assert!(claims.contains("capolids") && claims.contains("cp1"), "{claims}");
    let (code, _, stderr) = user.run(&["rights", "lab"]).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(user.settings().ends_with(&written), "{}", user.settings());
    // What was met is not asked for once more.
    let (path, claims) = page(&user.sign_in("ada", &["--name", "ada"]).await);
    assert!(path.starts_with("/organizations/") && !claims.contains("capolids"), "{path} {claims}");
}

#[tokio::test]
async fn what_a_tenant_demands_that_vms_are_looked_for_in_is_met_there_by_a_later_command() {
    let user = User::new().await;
    user.sign_in("ada", &[]).await;
    user.control(0, "accounts", json!({ "account": "ada", "demand": "mfa", "tenant": FABRIKAM })).await;
    let (_, _, stderr) = user.run(&["list", "lab"]).await;
    let said = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("The tenant {FABRIKAM} wants it")), "{stderr}");
    let (_, stdout, _) = user.run(&["accounts", "--json"]).await;
    assert!(stdout.contains("needsSignIn"), "{stdout}");
    let (path, claims) = page(&user.sign_in("ada", &["--name", "ada"]).await);
    assert!(path.starts_with(&format!("/{FABRIKAM}/")) && claims.contains("capolids"), "{path} {claims}");
    let (code, stdout, stderr) = user.run(&["list", "lab", "--json"]).await;
    assert!(
        code == 0 && stdout.contains("\"vmName\": \"lab\"") | stdout.contains("\"vmName\":\"lab\""),
        "{stdout}{stderr}"
    );
    assert!(!stdout.contains("signInRequired"), "{stdout}");
}

#[tokio::test]
async fn the_claims_of_a_challenge_reach_a_sign_in_of_a_later_command() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    let route = json!({ "path": "/subscriptions/*/virtualMachines/*" });
    user.control(0, "faults", json!({ "match": route, "fault": "claimsChallenge", "times": null })).await;
    let (code, stdout, _) = user.run(&["rights", "lab", "--json"]).await;
    assert!(code == 3 && stdout.contains("signInRequired"), "{stdout}");
    let (_, claims) = page(&user.sign_in("bob", &["--name", "bob"]).await);
    assert!(claims.contains("nbf") && claims.contains("cp1"), "{claims}");
}

#[tokio::test]
async fn what_no_sign_in_ends_is_known_to_the_next_command_in_words_of_its_own_until_azure_lets_the_account() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    for (demand, code, state) in [
        ("disabled", "accountDisabled", "disabled"),
        ("blocked", "conditionalAccess", "blocked"),
        ("consent", "consentMissing", "wantsConsent"),
        ("notAssigned", "notInTenant", "wantsAssignment"),
        ("guestPending", "notInTenant", "signedIn"),
    ] {
        user.control(0, "accounts", json!({ "account": "bob", "demand": demand })).await;
        let (exit, stdout, _) = user.run(&["rights", "lab", "--json"]).await;
        assert!(exit == 3 && stdout.contains(code), "{stdout}");
        assert_eq!(bob(user.run(&["accounts", "--json"]).await), (state.into(), "keychain".into()));
        user.control(0, "accounts", json!({ "account": "bob", "demand": "none" })).await;
        assert_eq!(user.run(&["rights", "lab"]).await.0, 0);
        assert_eq!(bob(user.run(&["accounts", "--json"]).await), ("signedIn".into(), "keychain".into()));
    }
}

#[tokio::test]
async fn an_application_whose_secret_is_gone_is_told_the_command_that_works() {
    let user = User::new().await;
    let robot = "0d5e1b7c-52aa-4f1e-8c3d-7e9f00112233";
    let account = format!(
        "[accounts.bob]\nsign_in = \"service-principal\"\ncloud = \"sim\"\ntenant = \"{FABRIKAM}\"\nclient_id = \"{robot}\"\n"
    );
    std::fs::write(user.folder().join("config.toml"), user.settings() + &account).unwrap();
    let (code, _, stderr) = user.run(&["connect", "lab", "--no-launch"]).await;
    let stderr = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 3 && stderr.contains("keeps no secret for the account bob"), "{code} {stderr}");
    let command = "sign-in --service-principal --name bob";
    assert!(stderr.contains(&format!("“ajar {command}”")), "{stderr}");
    assert_eq!(bob(user.run(&["accounts", "--json"]).await).0, "needsSignIn");

    let words: Vec<&str> = command.split(' ').collect();
    let mut child = user.ajar(&words).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"canary~secret~of~robot\n").await.unwrap();
    assert_eq!(ended(child).await.0, 0);
    let (code, stdout, stderr) = user.run(&["connect", "lab", "--no-launch", "--json"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert_eq!(bob(user.run(&["accounts", "--json"]).await), ("signedIn".into(), "keychain".into()));
    // And one whose secret Azure does not take any more.
    user.control(0, "accounts", json!({ "account": "robot", "demand": "secretExpired" })).await;
    let (code, stdout, _) = user.run(&["rights", "lab", "--json"]).await;
    assert!(code == 3 && stdout.contains("principalRefused") && stdout.contains("correlationId"), "{stdout}");
    assert_eq!(bob(user.run(&["accounts", "--json"]).await).0, "refused");
    // A new one would not help.
    user.control(0, "accounts", json!({ "account": "robot", "demand": "disabled" })).await;
    let (code, stdout, _) = user.run(&["rights", "lab", "--json"]).await;
    assert!(code == 3 && stdout.contains("The application of the account bob is disabled"), "{stdout}");
    assert!(!stdout.contains("ajar sign-in"), "{stdout}");
    assert_eq!(bob(user.run(&["accounts", "--json"]).await).0, "disabled");
    user.control(0, "accounts", json!({ "account": "robot", "demand": "none" })).await;
    assert_eq!(user.run(&["rights", "lab"]).await.0, 0);
    assert_eq!(bob(user.run(&["accounts", "--json"]).await).0, "signedIn");
}
