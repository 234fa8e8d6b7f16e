//! Signing in and out, one at a time.

use std::sync::Arc;

use ajar_core::account::{KeychainTrouble, SignInMethod};
use ajar_core::failure::{Failure, SignInReason};
use ajar_core::protocol::{Reply, Request, SignIn};
use ajar_core::snapshot::{AccountState, AccountView, Kept, OutcomeView, SignInStage, Snapshot};
use ajar_runtime::ports::AzAccount;

use super::Running;
use crate::world::{Call, World};

pub(super) fn wish(name: Option<&str>) -> SignIn {
    SignIn { name: name.map(|name| name.parse().unwrap()), ..SignIn::by(SignInMethod::Browser) }
}

/// A world with an application to sign in with.
pub(super) fn world(more: &str) -> Arc<World> {
    let world = World::with(&["web"]);
    world.write("config.toml", &format!("[sign_in]\nclient_id = \"app\"\n{more}{}", world.read("config.toml")));
    world
}

pub(super) async fn begin(running: &Running, wish: SignIn) -> u64 {
    let reply = running.ask(Request::SignIn(wish)).await;
    let Reply::SigningIn { number } = reply else { panic!("{reply:?}") };
    number
}

fn stage(snapshot: &Snapshot) -> Option<&SignInStage> {
    snapshot.sign_in.as_ref().map(|view| &view.stage)
}

pub(super) async fn done(running: &Running) -> Arc<Snapshot> {
    let ended =
        |snapshot: &Snapshot| matches!(stage(snapshot), Some(SignInStage::Done { .. } | SignInStage::Failed { .. }));
    running.until(ended).await
}

pub(super) fn account<'a>(snapshot: &'a Snapshot, name: &str) -> &'a AccountView {
    snapshot.accounts.iter().find(|account| account.name.as_str() == name).unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_signs_in_becomes_an_account_under_a_name_of_its_own_and_acts() {
    let world = world("");
    world.takes(Call::SignIn, 60);
    let running = Running::start(&world);
    assert_eq!(running.snapshot().host.account, "az");
    begin(&running, wish(None)).await;
    let url = "https://login.example/authorize";
    running.until(|snapshot| stage(snapshot) == Some(&SignInStage::Browser { url: url.into() })).await;
    world.until(|scene| scene.opened == [url]).await;
    let snapshot = done(&running).await;
    let username = Some("ada@contoso.example".to_owned());
    let end = SignInStage::Done { name: "ada".parse().unwrap(), username: username.clone(), kept: Kept::Keychain };
    assert_eq!(stage(&snapshot), Some(&end));
    let ada = account(&snapshot, "ada");
    assert_eq!(
        (ada.state, &ada.username, ada.favourites, ada.is_default),
        (AccountState::SignedIn, &username, 1, true)
    );
    assert_eq!(snapshot.host.account, "ada", "the only account acts for those that name none");
    let written = world.read("config.toml");
    for line in ["[accounts.ada]", "sign_in = \"browser\"", "cloud = \"fake\"", "client_id = \"app\"", "ada.home"] {
        assert!(written.contains(line), "{written}");
    }
    // The same identity again is the same account.
    begin(&running, wish(None)).await;
    done(&running).await;
    assert_eq!(world.read("config.toml"), written);
}

#[tokio::test(start_paused = true)]
async fn a_newer_sign_in_takes_the_older_ones_place_and_a_cancelled_one_changes_nothing() {
    let world = world("");
    world.takes(Call::SignIn, 60);
    let running = Running::start(&world);
    let first = begin(&running, wish(None)).await;
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::SignIn)).await;
    let second = begin(&running, wish(Some("second"))).await;
    assert!(second > first);
    world.until(|scene| scene.dropped == [Call::SignIn]).await;
    let snapshot = done(&running).await;
    assert_eq!(snapshot.sign_in.as_ref().map(|view| view.number), Some(second));
    assert_eq!(account(&snapshot, "second").state, AccountState::SignedIn);
    let third = begin(&running, wish(Some("third"))).await;
    running.until(|snapshot| snapshot.sign_in.as_ref().is_some_and(|view| view.number == third)).await;
    running.done(Request::CancelSignIn).await;
    assert_eq!(running.snapshot().sign_in, None);
    assert!(!world.read("config.toml").contains("third"));
}

#[tokio::test(start_paused = true)]
async fn what_was_stored_of_a_sign_in_that_became_no_account_is_forgotten() {
    let called = async |world: &World, call: Call| {
        world.until(|scene| scene.calls.iter().any(|(made, _)| *made == call)).await;
    };
    for how in ["given up", "replaced", "not to be written", "of an engine that ends"] {
        let world = world("");
        // A locked keychain asks for its password.
        world.takes(Call::Keep, 3);
        let running = Running::start(&world);
        begin(&running, wish(None)).await;
        called(&world, Call::Keep).await;
        match how {
            "given up" => running.done(Request::CancelSignIn).await,
            "replaced" => {
                world.takes(Call::SignIn, 60);
                begin(&running, wish(Some("second"))).await;
            }
            "not to be written" => world.write("config.toml", "[broken"),
            _ => {
                running.end().await;
                let forgot = world.scene().calls.iter().any(|(made, _)| *made == Call::Forget);
                assert!(forgot, "it is forgotten before the process ends");
            }
        }
        called(&world, Call::Forget).await;
        assert!(world.scene().dropped.is_empty(), "{how}: the keychain stores what it was given");
        assert!(!world.read("config.toml").contains("[accounts"), "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_fails_says_why_and_leaves_the_settings_alone() {
    let world = world("");
    world.scene().trouble.insert(Call::SignIn, Failure::SignInDeclined.into());
    let running = Running::start(&world);
    let before = world.read("config.toml");
    begin(&running, wish(None)).await;
    let snapshot = done(&running).await;
    let Some(SignInStage::Failed { failure }) = stage(&snapshot) else { panic!("{:?}", snapshot.sign_in) };
    assert_eq!((failure.code.as_str(), failure.exit_code), ("signInDeclined", 3));
    assert_eq!(world.read("config.toml"), before);
}

#[tokio::test(start_paused = true)]
async fn the_favourite_that_a_sign_in_was_wanted_for_is_opened_once_somebody_has_signed_in() {
    let world = world("[accounts.work]\nsign_in = \"browser\"\ncloud = \"fake\"\n");
    let required = Failure::sign_in_required("work", SignInReason::Never);
    world.scene().trouble.insert(Call::Policies, required.into());
    let running = Running::start(&world);
    let failed = running.connect("web").await;
    running.ended(failed).await;
    world.scene().trouble.clear();
    let lost = SignIn { then: Some("lost".parse().unwrap()), ..wish(Some("work")) };
    assert_eq!(running.refused(Request::SignIn(lost)).await.code, "unknownFavourite");
    begin(&running, SignIn { then: Some("web".parse().unwrap()), ..wish(Some("work")) }).await;
    let snapshot = done(&running).await;
    let attempt = snapshot.attempts.iter().find(|attempt| attempt.number != failed).expect("it has begun");
    assert_eq!(attempt.name.as_str(), "web");
    let opened = running.ended(attempt.number).await;
    assert!(matches!(opened.outcome, Some(OutcomeView::Connected { .. })), "{opened:?}");
    assert_eq!(world.scene().launched.len(), 1, "with its client, as by a click");
    let view = running.snapshot().sign_in.clone().expect("its end is told");
    assert_eq!(view.then, Some("web".parse().unwrap()), "and what it led to");
    // Once: a later sign-in opens nothing.
    begin(&running, wish(Some("work"))).await;
    done(&running).await;
    assert_eq!(running.snapshot().attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_favourite_whose_account_is_gone_is_opened_once_somebody_signs_in_under_its_name() {
    let world = world("");
    world.write("config.toml", &(world.read("config.toml") + "account = \"grace\"\n"));
    let running = Running::start(&world);
    let failed = running.connect("web").await;
    assert!(matches!(running.ended(failed).await.outcome, Some(OutcomeView::Failed(_))));
    begin(&running, SignIn { then: Some("web".parse().unwrap()), ..wish(Some("grace")) }).await;
    let snapshot = done(&running).await;
    let attempt = snapshot.attempts.iter().find(|attempt| attempt.number != failed).expect("it has begun").number;
    assert!(matches!(running.ended(attempt).await.outcome, Some(OutcomeView::Connected { .. })));
    assert!(world.read("config.toml").contains("account = \"grace\""), "{}", world.read("config.toml"));
}

#[tokio::test(start_paused = true)]
async fn what_waited_for_a_sign_in_that_failed_stays_closed() {
    let world = world("");
    world.scene().trouble.insert(Call::SignIn, Failure::SignInDeclined.into());
    let running = Running::start(&world);
    begin(&running, SignIn { then: Some("web".parse().unwrap()), ..wish(None) }).await;
    let snapshot = done(&running).await;
    assert!(snapshot.attempts.is_empty() && world.scene().launched.is_empty(), "{:?}", snapshot.attempts);
}

#[tokio::test(start_paused = true)]
async fn without_an_application_and_under_a_name_that_is_taken_nobody_signs_in() {
    let world = World::with(&[]);
    let running = Running::start(&world);
    assert_eq!(running.refused(Request::SignIn(wish(None))).await.code, "noClientId");
    let more = "[sign_in]\nclient_id = \"app\"\n[accounts.app]\nsign_in = \"service-principal\"\n";
    world.write("config.toml", more);
    for name in ["az", "ENVIRONMENT", "app"] {
        assert_eq!(running.refused(Request::SignIn(wish(Some(name)))).await.code, "accountExists", "{name}");
    }
    assert_eq!(world.count(Call::SignIn), 0);
}

/// A world where that account acts for favourites that name none, or is to.
pub(super) fn world_of_default(name: &str, more: &str) -> Arc<World> {
    let world = world(more);
    world.write("config.toml", &format!("account = \"{name}\"\n{}", world.read("config.toml")));
    world
}

#[tokio::test(start_paused = true)]
async fn who_signs_in_takes_the_place_of_a_default_that_is_gone_or_that_nobody_is_behind() {
    for gone in ["ada", "az"] {
        let world = world_of_default(gone, "[accounts.fritz]\nsign_in = \"browser\"\n");
        let running = Running::start(&world);
        begin(&running, wish(Some("grace"))).await;
        let snapshot = done(&running).await;
        assert_eq!((snapshot.host.account.as_str(), account(&snapshot, "grace").is_default), ("grace", true), "{gone}");
        let written = world.read("config.toml");
        assert!(written.contains("account = \"grace\"") && !written.contains(&format!("\"{gone}\"")), "{written}");
    }
}

#[tokio::test(start_paused = true)]
async fn that_the_azure_cli_did_not_tell_who_is_signed_in_changes_nothing_of_who_acts() {
    let world = world_of_default("az", "");
    let silent = Failure::Internal { detail: "it did not answer".into() };
    world.scene().trouble.insert(Call::AzAccounts, silent.into());
    let running = Running::start(&world);
    begin(&running, wish(None)).await;
    assert_eq!(done(&running).await.host.account, "az");
}

#[tokio::test(start_paused = true)]
async fn where_no_keychain_can_be_used_the_account_goes_all_the_same_and_what_may_be_left_is_told() {
    for trouble in [KeychainTrouble::Absent, KeychainTrouble::Locked, KeychainTrouble::Slow, KeychainTrouble::Failed] {
        let world = world("");
        let running = Running::start(&world);
        begin(&running, wish(Some("ada"))).await;
        done(&running).await;
        world.scene().keychain_trouble = Some(trouble);
        let reply = running.ask(Request::SignOut { name: "ada".parse().unwrap() }).await;
        let Reply::SignedOut { removed, left, .. } = reply else { panic!("{reply:?}") };
        assert!(removed.iter().all(|removed| !removed.contains("keychain")), "{removed:?}");
        assert!(left.is_some_and(|left| left.contains("Ajar removes it")), "{trouble:?}");
        assert!(!world.read("config.toml").contains("[accounts.ada]"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_would_make_another_account_of_one_is_refused_before_any_page_opens() {
    let account = "sign_in = \"browser\"\ncloud = \"fake\"\ntenant = \"contoso.example\"\nclient_id = \"app\"\n";
    let world = world(&format!("[accounts.ada]\n{account}"));
    let before = world.read("config.toml");
    let running = Running::start(&world);
    let other = Some("0d5e1b7c-52aa-4f1e-8c3d-7e9f00112233".to_owned());
    for wish in
        [SignIn { cloud: Some("usgov".into()), ..wish(Some("ada")) }, SignIn { client_id: other, ..wish(Some("ADA")) }]
    {
        let failure = running.refused(Request::SignIn(wish)).await;
        assert_eq!((failure.code.as_str(), failure.exit_code), ("accountDiffers", 2), "{failure:?}");
    }
    assert_eq!((world.count(Call::SignIn), world.read("config.toml")), (0, before));
    // What it is already may be said again.
    let same = SignIn { cloud: Some("fake".into()), tenant: Some("Contoso.example".into()), ..wish(Some("ada")) };
    begin(&running, same).await;
    assert!(matches!(stage(&*done(&running).await), Some(SignInStage::Done { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_without_a_name_changes_no_tenant_of_an_account_that_is_there() {
    let world = world("");
    let running = Running::start(&world);
    let to = |tenant: Option<&str>| SignIn { tenant: tenant.map(Into::into), ..wish(None) };
    let mut tenants = Vec::new();
    for tenant in [Some("contoso.example"), None, Some("fabrikam.example"), Some("Fabrikam.example")] {
        begin(&running, to(tenant)).await;
        let snapshot = done(&running).await;
        let Some(SignInStage::Done { name, .. }) = stage(&snapshot) else { panic!("{:?}", snapshot.sign_in) };
        tenants.push(format!("{name} {}", account(&snapshot, name.as_str()).tenant.as_deref().unwrap_or("-")));
    }
    let (ada, other) = ("ada contoso.example", "ada-2 fabrikam.example");
    assert_eq!(tenants, [ada, ada, other, other]);
    begin(&running, wish(Some("all"))).await;
    done(&running).await;
    let narrower = SignIn { tenant: Some("fabrikam.example".into()), ..wish(Some("all")) };
    assert_eq!(running.refused(Request::SignIn(narrower)).await.code, "accountDiffers");
}

#[tokio::test(start_paused = true)]
async fn what_can_be_no_tenant_and_no_application_is_told_before_anybody_is_asked() {
    let world = world("");
    let running = Running::start(&world);
    for tenant in ["Contoso Ltd", "", "../../x"] {
        let failure = running.refused(Request::SignIn(SignIn { tenant: Some(tenant.into()), ..wish(None) })).await;
        assert_eq!((failure.code.as_str(), failure.exit_code), ("tenantUnfit", 2), "{tenant}");
    }
    let failure = running.refused(Request::SignIn(SignIn { client_id: Some("x".into()), ..wish(None) })).await;
    assert_eq!((failure.code.as_str(), failure.exit_code), ("clientIdUnfit", 2));
    assert_eq!(world.count(Call::SignIn), 0);
}

#[tokio::test(start_paused = true)]
async fn who_is_written_and_has_never_signed_in_acts_for_nobody_once_another_has() {
    let written = "[accounts.work]\nsign_in = \"browser\"\ncloud = \"fake\"\nusername = \"grace@contoso.example\"\n";
    let world_of = |account: &str| world(&format!("{account}{written}"));
    let running = Running::start(&world_of(""));
    assert_eq!(running.snapshot().host.account, "work", "it is the only one");
    begin(&running, wish(None)).await;
    let snapshot = done(&running).await;
    assert_eq!((snapshot.host.account.as_str(), account(&snapshot, "ada").favourites), ("ada", 1));
    // Who is named as the one that acts stays it.
    let named = World::with(&["web"]);
    let settings = format!("account = \"work\"\n[sign_in]\nclient_id = \"app\"\n{written}");
    named.write("config.toml", &format!("{settings}{}", named.read("config.toml")));
    let running = Running::start(&named);
    begin(&running, wish(None)).await;
    assert_eq!(done(&running).await.host.account, "work");
}

#[tokio::test(start_paused = true)]
async fn favourites_that_act_as_the_azure_clis_user_still_do_after_the_first_sign_in() {
    let world = world("");
    world.scene().az = vec![AzAccount {
        user: "ada@contoso.example".into(),
        tenant_id: "t".into(),
        cloud: "fake".into(),
        subscriptions: vec!["s".into()],
        is_default: true,
    }];
    let running = Running::start(&world);
    begin(&running, wish(Some("own"))).await;
    let snapshot = done(&running).await;
    assert_eq!((snapshot.host.account.as_str(), account(&snapshot, "az").favourites), ("az", 1));
    assert!(world.read("config.toml").contains("account = \"az\""), "it is written, so that nothing else changes it");
    // But the one that it was wanted for acts as who signed in for it.
    begin(&running, SignIn { then: Some("web".parse().unwrap()), ..wish(Some("own")) }).await;
    let snapshot = done(&running).await;
    assert_eq!((account(&snapshot, "own").favourites, account(&snapshot, "own").is_default), (1, false));
}
