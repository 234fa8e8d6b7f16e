//! `ajar sign-in`, `accounts` and `sign-out`, with a real keyring, against simulated clouds: several accounts, tenants
//! and clouds at once.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use ajar_core::protocol::Request;
use ajar_runtime::files::Folder;
use ajar_runtime::hosting::{Face, MakeParts, Opening};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Child;

use crate::user::{APP, FABRIKAM, User, ended, next_event, soon, tokens};

#[tokio::test]
async fn three_accounts_of_three_tenants_and_two_clouds_open_their_vms_in_one_run_with_a_token_each() {
    let user = User::new().await;
    let events = user.sign_in("bob", &[]).await;
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["name"]), (&"signedIn".into(), &"bob".into()), "{events:?}");
    assert_eq!(last["kept"]["place"], "keychain");
    user.sign_in("grace", &["--cloud", "other"]).await;
    assert!(
        user.settings().contains("[accounts.grace]\nsign_in = \"browser\"\ncloud = \"other\""),
        "{}",
        user.settings()
    );
    user.control(1, "address", json!({ "publicIp": "198.51.100.77" })).await;
    user.forget_journals().await;

    // The first of them hosts the engine for all; it stays until the others are through.
    let mut host = user.ajar_with_environment(&["status", "--watch", "--json"]).spawn().unwrap();
    let mut watched = BufReader::new(host.stdout.take().unwrap()).lines();
    next_event(&mut watched).await.unwrap();
    let connects = ["home", "lab", "desk"].map(|name| {
        let child = user.ajar_with_environment(&["connect", name, "--no-launch", "--json"]).spawn().unwrap();
        ended(child)
    });
    for (code, stdout, stderr) in futures::future::join_all(connects).await {
        assert_eq!(code, 0, "{stdout}{stderr}");
    }
    let (code, stdout, _) = user.run(&["status", "--json"]).await;
    let open: Vec<Value> = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, open.len()), (0, 3), "{stdout}");
    let cloud_of = |vms: &[Value], name: &str| vms.iter().find(|vm| vm["name"] == name).unwrap()["cloud"].clone();
    assert_eq!((cloud_of(&open, "home"), cloud_of(&open, "desk")), ("sim".into(), "other".into()), "{stdout}");
    let of_other = open.iter().find(|vm| vm["cloud"] == "other").unwrap();
    assert_eq!(of_other["source"], "198.51.100.77", "each cloud says who sees this machine: {stdout}");
    let (_, stdout, _) = user.run(&["list", "--json"]).await;
    let favourites: Vec<Value> = serde_json::from_str(&stdout).unwrap();
    assert_eq!(cloud_of(&favourites, "desk"), "other", "{stdout}");
    let (_, table, _) = user.run(&["list"]).await;
    assert!(table.lines().next().unwrap().ends_with("CLOUD") && table.contains("other"), "{table}");

    let (first, other) = (user.journal(0).await, user.journal(1).await);
    let home_of = |cloud: usize| format!("POST /{}", user.clouds[cloud].announce().tenant_id);
    let mut wanted = [home_of(0), format!("POST /{FABRIKAM}")];
    wanted.sort_unstable();
    assert_eq!(tokens(&first), wanted, "looking and opening took one token of each tenant");
    assert_eq!(tokens(&other), [home_of(1)]);
    let cmdline = fs::read(format!("/proc/{}/cmdline", host.id().unwrap())).unwrap();
    assert!(!String::from_utf8_lossy(&cmdline).contains("eyJ"));
    assert_eq!(user.files_with("eyJ"), Vec::<String>::new());
}

#[tokio::test]
async fn twenty_that_find_the_token_run_out_at_once_make_one_refresh() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    for other in ["home", "desk"] {
        assert_eq!(user.run(&["remove", other]).await.0, 0);
    }
    let mut host = user.ajar(&["status", "--watch", "--json"]).spawn().unwrap();
    let mut watched = BufReader::new(host.stdout.take().unwrap()).lines();
    next_event(&mut watched).await.unwrap();
    let (code, stdout, stderr) = user.run(&["connect", "lab", "--no-launch", "--json"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    user.advance(0, 86_400).await;
    user.forget_journals().await;
    let all = (0..20).map(|_| ended(user.ajar(&["status", "--json"]).spawn().unwrap()));
    for (code, _, stderr) in futures::future::join_all(all).await {
        assert_eq!(code, 0, "{stderr}");
    }
    let journal = user.journal(0).await;
    assert!(journal.iter().any(|line| line.starts_with("GET /subscriptions/")), "{journal:?}");
    assert_eq!(tokens(&journal), [format!("POST /{FABRIKAM}")], "{journal:?}");
}

#[tokio::test]
async fn twenty_proxies_that_find_the_token_run_out_at_once_make_one_refresh_and_one_request() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    let mut host = user.ajar(&["status", "--watch", "--json"]).spawn().unwrap();
    let mut watched = BufReader::new(host.stdout.take().unwrap()).lines();
    next_event(&mut watched).await.unwrap();
    let (code, stdout, stderr) = user.run(&["connect", "lab", "--no-launch", "--json"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    user.advance(0, 86_400).await;
    user.forget_journals().await;
    let all = (0..20).map(async |_| {
        let mut child = user.ajar(&["proxy", "lab.ajar", "22"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = soon(said.next_line()).await.unwrap().unwrap_or_default();
        // Whoever goes through goes away.
        drop(said);
        (first, ended(child).await)
    });
    for (first, (code, _, stderr)) in futures::future::join_all(all).await {
        assert!(code == 0 && first.starts_with("SSH-2.0-"), "{code} {first} {stderr}");
    }
    let journal = user.journal(0).await;
    assert_eq!(tokens(&journal), [format!("POST /{FABRIKAM}")], "{journal:?}");
    // One may be refused that goes by the clock of before.
    let initiates = user.changes(0).await.iter().filter(|line| line.ends_with("/initiate")).count();
    assert_eq!(initiates, 1, "{journal:?}");
}

#[tokio::test]
async fn an_account_is_listed_forgotten_and_then_not_there_any_more() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    let (code, stdout, _) = user.run(&["accounts", "--json"]).await;
    let accounts: Vec<Value> = serde_json::from_str(&stdout).unwrap();
    let bob = accounts.iter().find(|account| account["name"] == "bob").unwrap();
    assert_eq!((code, &bob["state"], &bob["favourites"]), (0, &"signedIn".into(), &1.into()), "{stdout}");
    assert_eq!(bob["favouriteNames"], serde_json::json!(["lab"]));
    let (_, table, _) = user.run(&["accounts"]).await;
    assert!(
        table.contains("bob") && table.contains("lab") && table.contains("signed in") && table.contains("browser"),
        "{table}"
    );

    let (code, stdout, stderr) = user.run(&["sign-out", "bob"]).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("from the keychain") && stdout.contains("[accounts.bob]"), "{stdout}");
    assert!(stderr.contains("lab still names it"), "{stderr}");
    assert!(!user.settings().contains("[accounts"), "{}", user.settings());
    let (code, _, stderr) = user.run(&["connect", "lab", "--no-launch"]).await;
    assert_eq!(code, 2);
    assert!(stderr.contains("no account called “bob”") && stderr.contains("ajar sign-in --name"), "{stderr}");
    let (code, _, _) = user.run(&["sign-out", "az"]).await;
    assert_eq!(code, 2);
}

#[tokio::test]
async fn a_service_principals_secret_goes_from_standard_input_into_the_keychain_and_nowhere_else() {
    let user = User::new().await;
    let secret = "canary~secret~of~robot";
    let args =
        ["sign-in", "--service-principal", "--tenant", FABRIKAM, "--client-id", "0d5e1b7c-52aa-4f1e-8c3d-7e9f00112233"];
    let sign_in = async |secret: &str| {
        let args: Vec<&str> = args.iter().copied().chain(["--name", "bob", "-v"]).collect();
        let mut child = user.ajar(&args).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(format!("{secret}\n").as_bytes()).await.unwrap();
        drop(stdin);
        ended(child).await
    };
    let (code, _, stderr) = sign_in("canary~wrong").await;
    assert_eq!(code, 3, "{stderr}");
    assert!(!stderr.contains("canary~wrong") && !user.settings().contains("[accounts"), "{stderr}");
    let (code, stdout, stderr) = sign_in(secret).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(!stdout.contains(secret) && !stderr.contains(secret));
    assert!(user.settings().contains("sign_in = \"service-principal\""), "{}", user.settings());
    // Another process, which has nothing but the keyring to know it from.
    let (code, stdout, stderr) = user.run(&["connect", "lab", "--no-launch", "--json"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert_eq!(user.files_with(secret), Vec::<String>::new());
}

#[tokio::test]
async fn who_is_not_signed_in_is_led_to_sign_in_and_a_sign_in_without_an_application_to_what_it_takes() {
    let user = User::new().await;
    let settings = user.settings().replace(&format!("client_id = \"{APP}\"\n"), "");
    fs::write(user.folder().join("config.toml"), &settings).unwrap();
    let (code, stdout, stderr) = user.run(&["sign-in", "--json"]).await;
    assert_eq!(code, 3, "{stderr}");
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap()["code"], "noClientId");
    assert!(stderr.contains("ajar sign-in --message") && stderr.contains("az login"), "{stderr}");
    let (code, _, stderr) = user.run(&["accounts"]).await;
    assert_eq!(code, 0);
    assert!(stderr.contains("ajar sign-in") && stderr.contains("az login"), "{stderr}");
    let settings = format!("{settings}[accounts.bob]\nsign_in = \"browser\"\ncloud = \"sim\"\nclient_id = \"{APP}\"\n");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    let (code, _, stderr) = user.run(&["connect", "lab", "--no-launch"]).await;
    assert_eq!(code, 3);
    assert!(stderr.contains("ajar sign-in --name bob"), "{stderr}");
}

fn send(signal: &str, child: &Child) {
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
}

#[tokio::test]
async fn ctrl_c_ends_a_sign_in_though_the_process_that_has_its_page_is_stopped() {
    let user = User::new().await;
    let mut host = user.ajar(&["status", "--watch", "--json"]).spawn().unwrap();
    let mut watched = BufReader::new(host.stdout.take().unwrap()).lines();
    next_event(&mut watched).await.unwrap();
    let mut child = user.ajar(&["sign-in", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    next_event(&mut lines).await.unwrap();
    send("-STOP", &host);
    send("-INT", &child);
    assert_eq!(ended(child).await.0, 130);
}

#[tokio::test]
async fn a_sign_in_that_is_interrupted_leaves_nothing_behind() {
    let user = User::new().await;
    let before = user.settings();
    let mut child = user.ajar(&["sign-in", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let event = next_event(&mut lines).await.unwrap();
    let page = event["url"].as_str().unwrap();
    let answer = user.http(0).post(page).form(&[("account", "bob")]).send().await.unwrap();
    let back = answer.headers()["location"].to_str().unwrap().to_owned();
    send("-INT", &child);
    assert_eq!(ended(child).await.0, 130);
    assert!(user.http(0).get(back).send().await.is_err(), "nobody listens any more");
    assert_eq!(user.settings(), before);
}

#[tokio::test]
async fn a_second_account_takes_no_favourites_from_the_first_and_inherits_none() {
    let user = User::new().await;
    let default = async || {
        let (_, stdout, _) = user.run(&["accounts", "--json"]).await;
        let accounts: Value = serde_json::from_str(&stdout).unwrap();
        let named = accounts.as_array().unwrap().iter().find(|account| account["isDefault"] == true);
        named.map(|account| account["name"].as_str().unwrap().to_owned())
    };
    user.sign_in("ada", &[]).await;
    assert_eq!(default().await.as_deref(), Some("ada"));
    user.sign_in("bob", &[]).await;
    assert_eq!(default().await.as_deref(), Some("ada"), "it acts for whom names none, as before");
    let (code, stdout, stderr) = user.run(&["sign-out", "ada"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("account = \"ada\" from"), "{stdout}");
    assert!(stderr.contains("act as “bob” from now on"), "nobody acts in its place without a word: {stderr}");
    assert_eq!(default().await.as_deref(), Some("bob"));
}

#[tokio::test]
async fn a_sign_in_begins_anew_when_the_process_that_had_its_page_is_gone() {
    let user = User::new().await;
    let mut host = user.ajar(&["status", "--watch", "--json"]).spawn().unwrap();
    let mut watched = BufReader::new(host.stdout.take().unwrap()).lines();
    next_event(&mut watched).await.unwrap();
    let mut child = user.ajar(&["sign-in", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lost = next_event(&mut lines).await.unwrap();
    host.kill().await.unwrap();
    let event = next_event(&mut lines).await.unwrap();
    assert_eq!(event["event"], "beginsAnew", "{event}");
    let event = next_event(&mut lines).await.unwrap();
    assert_eq!(event["event"], "browser", "{event}");
    assert_ne!(event["url"], lost["url"]);
    user.browse("bob", event["url"].as_str().unwrap(), 0).await;
    let event = next_event(&mut lines).await.unwrap();
    assert_eq!(event["event"], "signedIn", "{event}");
    let (code, _, stderr) = ended(child).await;
    assert!(code == 0 && stderr.contains("It begins anew"), "{code} {stderr}");
}

#[tokio::test]
async fn a_command_whose_sign_in_was_replaced_stays_as_long_as_the_newer_one_needs_it() {
    let user = User::new().await;
    let mut first = user.ajar(&["sign-in", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    next_event(&mut lines).await.unwrap();
    let mut newer = user.ajar(&["sign-in", "--json"]).spawn().unwrap();
    let mut newer_lines = BufReader::new(newer.stdout.take().unwrap()).lines();
    let event = next_event(&mut newer_lines).await.unwrap();
    assert_eq!(next_event(&mut lines).await.unwrap()["event"], "superseded", "it is told at once");
    user.browse("bob", event["url"].as_str().unwrap(), 0).await;
    let event = next_event(&mut newer_lines).await.unwrap();
    assert_eq!(event["event"], "signedIn", "{event}");
    let (code, _, stderr) = ended(newer).await;
    assert!(code == 0 && !stderr.contains("anew"), "{code} {stderr}");
    let event = next_event(&mut lines).await.unwrap();
    assert_eq!((&event["event"], &event["code"]), (&"failed".into(), &"signInSuperseded".into()), "{event}");
    let (code, _, stderr) = ended(first).await;
    assert!(code == 3 && stderr.contains("A newer sign-in took the place"), "{code} {stderr}");
}

#[tokio::test]
async fn a_sign_in_that_another_face_cancels_ends_with_an_event_that_says_so() {
    let user = User::new().await;
    let mut child = user.ajar(&["sign-in", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    next_event(&mut lines).await.unwrap();
    let folder = Folder::named(&user.folder()).unwrap();
    let of_host = folder.clone();
    // The host may be gone before it has answered: who asked it is the host then, and answers itself.
    let parts: MakeParts = Box::new(move || {
        let folder = of_host.clone();
        Box::pin(async move { ajar_runtime::connection::parts(folder, None, false, |_| None) })
    });
    let face = soon(Face::open(Opening { folder, parts })).await.unwrap();
    soon(face.ask(Request::CancelSignIn)).await.accepted().unwrap();
    let event = next_event(&mut lines).await.unwrap();
    assert_eq!((&event["event"], &event["code"]), (&"failed".into(), &"signInCancelled".into()), "{event}");
    let (code, _, stderr) = ended(child).await;
    assert!(code == 130 && stderr.contains("in another Ajar, such as its window"), "{code} {stderr}");
}

#[tokio::test]
async fn who_is_signed_in_under_two_names_can_sign_out_of_one() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    let mut second = user.ajar(&["sign-in", "--name", "again", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(second.stdout.take().unwrap()).lines();
    let event = next_event(&mut lines).await.unwrap();
    user.browse("bob", event["url"].as_str().unwrap(), 0).await;
    assert_eq!(ended(second).await.0, 0);
    let (code, stdout, stderr) = user.run(&["sign-out", "again"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    let (code, stdout, stderr) = user.run(&["connect", "lab", "--no-launch", "--json"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
}

#[tokio::test]
async fn accounts_of_one_person_that_sign_out_at_once_leave_nothing_and_each_tells_which_favourites_name_it() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    let mut second = user.ajar(&["sign-in", "--name", "again", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(second.stdout.take().unwrap()).lines();
    let event = next_event(&mut lines).await.unwrap();
    user.browse("bob", event["url"].as_str().unwrap(), 0).await;
    assert_eq!(ended(second).await.0, 0);
    let settings = user.settings().replace("account = \"environment\"", "account = \"again\"");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    assert!(!user.secrets().await.is_empty());

    // One engine serves both.
    let mut host = user.ajar(&["status", "--watch", "--json"]).spawn().unwrap();
    let mut watched = BufReader::new(host.stdout.take().unwrap()).lines();
    next_event(&mut watched).await.unwrap();
    let out = ["bob", "again"].map(|name| ended(user.ajar(&["sign-out", name]).spawn().unwrap()));
    let [bob, again]: [(i32, String, String); 2] = futures::future::join_all(out).await.try_into().unwrap();
    assert!(bob.0 == 0 && bob.2.contains("lab still names it"), "{bob:?}");
    assert!(again.0 == 0 && again.2.contains("home still names it"), "{again:?}");
    assert!(!user.settings().contains("[accounts"), "{}", user.settings());
    assert_eq!(user.secrets().await, BTreeSet::new(), "{bob:?} {again:?}");
}

#[tokio::test]
async fn a_favourite_stays_in_its_cloud_when_who_acted_there_signs_out() {
    let user = User::new().await;
    let settings = user.settings().replace("account = \"grace\"\n", "");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    user.sign_in("grace", &["--cloud", "other"]).await;
    user.sign_in("bob", &[]).await;
    let (code, table, _) = user.run(&["accounts"]).await;
    assert!(code == 0 && table.contains("CLOUD") && table.contains("TENANT") && table.contains(FABRIKAM), "{table}");

    let (code, stdout, stderr) = user.run(&["sign-out", "grace"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(
        stderr.contains("desk stays in the cloud “other”") && stderr.contains("ajar --cloud other sign-in"),
        "{stderr}"
    );
    user.forget_journals().await;
    let (code, stdout, stderr) = user.run(&["connect", "desk", "--no-launch"]).await;
    assert!(code == 3 && stderr.contains("Nobody is signed in to the cloud “other”."), "{code} {stdout}{stderr}");
    assert!(stderr.contains("“ajar --cloud other sign-in”"), "{stderr}");
    assert!(user.journal(0).await.is_empty(), "no other cloud is asked: {:?}", user.journal(0).await);
    user.sign_in("grace", &["--cloud", "other"]).await;
    let (code, stdout, stderr) = user.run(&["connect", "desk", "--no-launch"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
}
