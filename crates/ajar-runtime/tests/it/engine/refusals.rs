//! Accounts that are refused tokens: shown until they have signed in, and what their next sign-in is to do.

use ajar_core::failure::{Failure, SignInDemand, SignInReason, TenantReason};
use ajar_core::protocol::{Request, SignIn};
use ajar_core::snapshot::AccountState;

use super::Running;
use super::signing_in::{account, begin, done, wish, world};
use crate::world::{Call, World};

#[tokio::test(start_paused = true)]
async fn an_account_that_is_refused_a_token_is_shown_until_it_has_signed_in_again() {
    let world = world("[accounts.work]\nsign_in = \"browser\"\ncloud = \"fake\"\nhome_account_id = \"ada.home\"\n");
    let running = Running::start(&world);
    assert_eq!(account(&running.snapshot(), "work").state, AccountState::SignedIn);
    let required = Failure::sign_in_required("work", SignInReason::Expired);
    world.scene().trouble.insert(Call::Policies, required.into());
    let number = running.connect("web").await;
    running.ended(number).await;
    assert_eq!(account(&running.snapshot(), "work").state, AccountState::NeedsSignIn);
    world.scene().trouble.clear();
    begin(&running, wish(Some("work"))).await;
    let snapshot = done(&running).await;
    assert_eq!(account(&snapshot, "work").state, AccountState::SignedIn);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_forgotten_with_the_last_favourite_that_the_account_could_be_refused_for() {
    let world = world("[accounts.work]\nsign_in = \"browser\"\ncloud = \"fake\"\nhome_account_id = \"ada.home\"\n");
    let running = Running::start(&world);
    let required = Failure::sign_in_required("work", SignInReason::Mfa);
    world.scene().trouble.insert(Call::Policies, required.into());
    let number = running.connect("web").await;
    running.ended(number).await;
    world.scene().trouble.clear();
    assert_eq!(account(&running.snapshot(), "work").state, AccountState::NeedsSignIn);
    world.write("config.toml", &world.read("config.toml").replace("/subscriptions/s/", "/subscriptions/other/"));
    running.done(Request::Refresh).await;
    running.until(|snapshot| account(snapshot, "work").state == AccountState::SignedIn).await;
}

#[tokio::test(start_paused = true)]
async fn the_next_engine_knows_who_was_refused_until_they_have_signed_in_or_azure_lets_them() {
    let own = "[accounts.work]\nsign_in = \"browser\"\ncloud = \"fake\"\nhome_account_id = \"ada.home\"\n";
    let world = world(own);
    let refuse = async || {
        let required = Failure::sign_in_required("work", SignInReason::Expired);
        world.scene().trouble.insert(Call::Policies, required.into());
        let running = Running::start(&world);
        let number = running.connect("web").await;
        running.ended(number).await;
        running.end().await;
        world.scene().trouble.clear();
    };
    let state_of = |running: &Running| account(&running.snapshot(), "work").state;
    refuse().await;
    let next = Running::start(&world);
    assert_eq!(state_of(&next), AccountState::NeedsSignIn);
    begin(&next, wish(Some("work"))).await;
    done(&next).await;
    assert_eq!(state_of(&next), AccountState::SignedIn);
    next.end().await;
    assert_eq!(state_of(&Running::start(&world)), AccountState::SignedIn);

    refuse().await;
    let next = Running::start(&world);
    assert_eq!(state_of(&next), AccountState::NeedsSignIn);
    next.done(Request::Refresh).await;
    next.until(|snapshot| account(snapshot, "work").state == AccountState::SignedIn).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_tenant_wants_of_the_next_sign_in_is_forgotten_when_the_account_is_not_let_in_there_any_more() {
    let own = "[accounts.work]\nsign_in = \"browser\"\ncloud = \"fake\"\nhome_account_id = \"ada.home\"\n";
    let world = world(own);
    let (account, tenant) = ("work".to_owned(), "contoso.example".to_owned());
    let demand = Box::new(SignInDemand { tenant: Some(tenant.clone()), claims: Some("{}".into()) });
    let wanted = Failure::SignInRequired { account: account.clone(), reason: SignInReason::Mfa, demand };
    let running = Running::start(&world);
    for (failure, is_kept) in
        [(wanted, true), (Failure::NotInTenant { account, tenant, reason: TenantReason::NoGuest, tool: None }, false)]
    {
        world.scene().trouble.insert(Call::Policies, failure.into());
        let number = running.connect("web").await;
        running.ended(number).await;
        assert_eq!(world.read("state.json").contains("\"tenant\": \"contoso.example\""), is_kept);
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_tenant_wants_holds_up_what_is_in_that_one_and_what_ones_own_wants_all() {
    let world = world(
        "[accounts.work]\nsign_in = \"browser\"\ncloud = \"fake\"\nhome_account_id = \"ada.home\"\n\n[profiles.lab]\n\
         vm = \"/subscriptions/other/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/lab\"\n\n[profiles.there]\n\
         vm = \"/subscriptions/third/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v\"\n\
         tenant = \"Contoso.example\"\n",
    );
    let running = Running::start(&world);
    let waiting = async |tenant: Option<&str>| {
        let demand = Box::new(SignInDemand { tenant: tenant.map(Into::into), claims: None });
        let wanted = Failure::SignInRequired { account: "work".into(), reason: SignInReason::Mfa, demand };
        world.scene().trouble.insert(Call::Policies, wanted.into());
        let number = running.connect("web").await;
        running.ended(number).await;
        let snapshot = running.snapshot();
        let waiting = snapshot.favourites.iter().filter(|favourite| favourite.waits_for_sign_in);
        let mut waiting: Vec<_> = waiting.map(|favourite| favourite.name.to_string()).collect();
        waiting.sort_unstable();
        waiting
    };
    assert_eq!(waiting(Some("contoso.example")).await, ["there", "web"]);
    assert_eq!(waiting(None).await, ["lab", "there", "web"]);
}

#[tokio::test(start_paused = true)]
async fn what_another_tenant_wants_is_tried_once_and_never_where_the_accounts_own_is_named() {
    let own = "[accounts.work]\nsign_in = \"browser\"\ncloud = \"fake\"\nusername = \"ada@home.example\"\n\
        home_account_id = \"ada.home\"\n";
    let world = world(own);
    let running = Running::start(&world);
    let demand = SignInDemand { tenant: Some("contoso.example".into()), claims: Some("{}".into()) };
    let wanted =
        Failure::SignInRequired { account: "work".into(), reason: SignInReason::Mfa, demand: Box::new(demand) };
    let refuse = async || {
        world.scene().trouble.insert(Call::Policies, wanted.clone().into());
        let number = running.connect("web").await;
        running.ended(number).await;
        world.scene().trouble.clear();
    };
    let page = async |tenant: Option<&str>| {
        let before = world.scene().opened.len();
        begin(&running, SignIn { tenant: tenant.map(Into::into), ..wish(Some("work")) }).await;
        world.until(|scene| scene.opened.len() > before).await;
        let opened = world.scene().opened.clone();
        opened.last().unwrap().strip_prefix("https://login.example").unwrap().to_owned()
    };
    refuse().await;
    // Its page does not let anybody through, and whoever waits for it gives up.
    world.takes(Call::SignIn, 60);
    assert_eq!(page(None).await, "/contoso.example/authorize");
    running.done(Request::CancelSignIn).await;
    assert_eq!(account(&running.snapshot(), "work").state, AccountState::NeedsSignIn);
    assert_eq!(page(None).await, "/authorize");
    running.done(Request::CancelSignIn).await;

    for home in ["HOME", "Home.example"] {
        refuse().await;
        assert_eq!(page(Some(home)).await, "/authorize", "{home}");
        running.done(Request::CancelSignIn).await;
    }
    // That has not narrowed it, and what is wanted is not forgotten.
    assert!(!world.read("config.toml").contains("tenant = "));
    assert_eq!(page(None).await, "/contoso.example/authorize");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_no_sign_in_ends_marks_the_account_in_its_own_words_until_azure_lets_it() {
    let own = "[accounts.work]\nsign_in = \"browser\"\ncloud = \"fake\"\nhome_account_id = \"ada.home\"\n";
    let work = || "work".to_owned();
    let tenant = || "contoso.example".to_owned();
    let not_in = TenantReason::NoGuest;
    for (failure, state, detail) in [
        (Failure::AccountDisabled { account: work(), tenant: None }, AccountState::Disabled, "is disabled"),
        (
            Failure::ConditionalAccess { account: work(), number: 53_003, device_code: false, tenant: None },
            AccountState::Blocked,
            "blocked by its organisation",
        ),
        (
            Failure::ConsentMissing { client_id: "app".into(), tenant: tenant(), url: "https://x".into(), tool: None },
            AccountState::WantsConsent,
            "waits for its organisation’s consent",
        ),
        // That is of one tenant; the account may be let into others.
        (
            Failure::NotInTenant { account: work(), tenant: tenant(), reason: not_in, tool: None },
            AccountState::SignedIn,
            "signed in",
        ),
    ] {
        let world = world(own);
        world.scene().trouble.insert(Call::Policies, failure.into());
        let running = Running::start(&world);
        let number = running.connect("web").await;
        running.ended(number).await;
        running.end().await;
        world.scene().trouble.clear();
        let next = Running::start(&world);
        let snapshot = next.snapshot();
        assert_eq!((account(&snapshot, "work").state, account(&snapshot, "work").detail.as_str()), (state, detail));
        next.done(Request::Refresh).await;
        next.until(|snapshot| account(snapshot, "work").state == AccountState::SignedIn).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_whoever_is_signed_in_to_a_tool_was_refused_marks_nobody() {
    let world = World::with(&["web"]);
    let blocked = Failure::ConditionalAccess { account: "az".into(), number: 53_003, device_code: false, tenant: None };
    world.scene().trouble.insert(Call::Policies, blocked.into());
    let running = Running::start(&world);
    let number = running.connect("web").await;
    running.ended(number).await;
    assert_eq!(account(&running.snapshot(), "az").state, AccountState::Elsewhere);
}
