//! What a favourite's account may, looked up beside everything else.

use ajar_core::attempt::InitiateFailure;
use ajar_core::failure::{Failure, NO_AZURE_CLI, TokenTool};
use ajar_core::protocol::{Reply, Request};
use ajar_core::rights::{Granted, Permission, Principal};
use ajar_core::snapshot::{AzView, RightState, RightsView};
use ajar_runtime::ports::AzAccount;

use super::{Running, name};
use crate::world::{Call, World};

fn rights() -> Request {
    Request::Rights { name: name("WEB") }
}

async fn looked_up(running: &Running) -> RightsView {
    let reply = running.ask(rights()).await;
    let Reply::Rights { rights } = reply else { panic!("{reply:?}") };
    *rights
}

fn reads() -> Granted {
    let reads = Some(vec![Permission { actions: vec!["*/read".into()], not_actions: Vec::new() }]);
    Granted { vm: reads.clone(), resource_group: reads, refused: Vec::new() }
}

fn ada() -> AzAccount {
    AzAccount {
        user: "ada@contoso.example".into(),
        tenant_id: "t1".into(),
        cloud: "fake".into(),
        subscriptions: vec!["s1".into(), "s2".into()],
        is_default: true,
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_told_right_by_right_with_a_message_for_the_administrator() {
    let world = World::with(&["web"]);
    world.scene().granted = reads();
    let object_id = Some("5d3a1f0e-7c2b-4e19-9a54-0b6f8d2c1e77".to_owned());
    world.scene().whom = Principal { name: Some("ada@contoso.example".into()), object_id };
    let running = Running::start(&world);
    let told = looked_up(&running).await;
    assert_eq!((told.name.as_str(), told.account.as_str()), ("web", "az"));
    assert_eq!(told.who.as_deref(), Some("ada@contoso.example"), "whom the administrator knows");
    assert_eq!(told.missing.len(), 2, "{:?}", told.missing);
    let states: Vec<_> = told.rights.iter().map(|right| right.state).collect();
    assert_eq!(states.iter().filter(|state| **state == RightState::Granted).count(), 4);
    assert!(told.summary.contains("cannot open web"), "{}", told.summary);
    let message = told.message.unwrap();
    for part in
        ["ada@contoso.example (object ID 5d3a1f0e", "initiate/action", "\"AssignableScopes\"", "resourceGroups/rg"]
    {
        assert!(message.contains(part), "{message}");
    }
    // Where that itself may not be looked up, nothing is said to be missing.
    world.scene().granted = Granted::default();
    let told = looked_up(&running).await;
    assert!(told.missing.is_empty() && told.message.is_some(), "{told:?}");
    let everything = Some(vec![Permission { actions: vec!["*".into()], not_actions: Vec::new() }]);
    world.scene().granted = Granted { vm: everything.clone(), resource_group: everything, refused: Vec::new() };
    assert_eq!(looked_up(&running).await.message, None);
    // What Azure has just refused is missing, whatever it lists.
    let action = "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action".to_owned();
    let denied = Failure::AccessDenied { action: action.clone(), scope: "/subscriptions/s/resourceGroups/rg".into() };
    world.scene().initiate.push_back((InitiateFailure::Refused(denied.into()), false));
    let number = running.connect("web").await;
    running.ended(number).await;
    assert_eq!(looked_up(&running).await.missing, [action]);
    // Also what is no right that is always needed, and by the Ajar that comes after this one.
    let join = "Microsoft.Network/virtualNetworks/subnets/join/action".to_owned();
    let denied = Failure::AccessDenied { action: join.clone(), scope: "/subscriptions/hub".into() };
    world.scene().initiate.push_back((InitiateFailure::Refused(denied.into()), false));
    let number = running.connect("web").await;
    running.ended(number).await;
    running.end().await;
    let running = Running::start(&world);
    let told = looked_up(&running).await;
    assert!(told.message.unwrap().contains("/subscriptions/hub"));
    assert_eq!(told.missing, [join]);
    running.connected("web").await;
    assert_eq!(looked_up(&running).await.missing, Vec::<String>::new(), "it was let in");
    let unknown = running.refused(Request::Rights { name: name("nobody") }).await;
    assert_eq!(unknown.code, "unknownFavourite");
}

#[tokio::test(start_paused = true)]
async fn looking_rights_up_holds_up_nothing() {
    let world = World::with(&["web"]);
    world.takes(Call::Granted, 60);
    let running = Running::start(&world);
    let looking = running.engine.asked(rights()).await;
    running.connected("web").await;
    assert_eq!(running.snapshot().windows.len(), 1);
    assert!(matches!(looking.await, Reply::Rights { .. }));
}

#[tokio::test(start_paused = true)]
async fn who_is_signed_in_to_az_is_read_when_somebody_wants_to_know_and_not_before() {
    let world = World::with(&["web"]);
    world.scene().az = vec![ada()];
    let running = Running::start(&world);
    assert_eq!(running.snapshot().sign_in_ways.az, AzView::Unread);
    assert_eq!(world.count(Call::AzAccounts), 0);
    running.done(Request::ReadAccounts).await;
    let snapshot = running.snapshot();
    let AzView::Read { accounts } = &snapshot.sign_in_ways.az else { panic!("{:?}", snapshot.sign_in_ways) };
    let [ada] = accounts.as_slice() else { panic!("{accounts:?}") };
    assert_eq!((ada.user.as_str(), ada.subscriptions, &ada.account), ("ada@contoso.example", 2, &None));
    // An account of the settings that is this one is named.
    let own = "[accounts.work]\nsign_in = \"az\"\nusername = \"ADA@contoso.example\"\ntenant = \"T1\"\n";
    world.write("config.toml", &(world.read("config.toml") + own));
    running.done(Request::ShowWindow).await;
    let snapshot = running.snapshot();
    let AzView::Read { accounts } = &snapshot.sign_in_ways.az else { panic!("{:?}", snapshot.sign_in_ways) };
    assert_eq!(accounts[0].account, Some("work".parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn an_azure_cli_that_is_missing_or_fails_is_told_in_its_own_words() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    let failed = |why: &str| AzView::Failed { why: why.into() };
    let broken = "the Azure CLI gave a list of accounts that can’t be read";
    for (failure, told) in [
        (Failure::not_signed_in(NO_AZURE_CLI), AzView::Missing),
        (Failure::not_signed_in("Broken profile."), failed("Broken profile.")),
        (Failure::TokenToolFailed { tool: TokenTool::AzureCli, detail: broken.into() }, failed(broken)),
    ] {
        world.scene().trouble.insert(Call::AzAccounts, failure.into());
        running.done(Request::ReadAccounts).await;
        assert_eq!(running.snapshot().sign_in_ways.az, told);
    }
}

#[tokio::test(start_paused = true)]
async fn the_application_to_sign_in_with_is_written_into_the_settings_if_it_can_be_one() {
    const APP: &str = "0d5e1b7c-52aa-4f1e-8c3d-7e9f00112233";
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    assert_eq!(running.snapshot().sign_in_ways.client_id, None);
    let set = |id: &str| Request::SetClientId { client_id: Some(id.into()) };
    assert_eq!(running.refused(set("hunter2~secret")).await.code, "clientIdUnfit");
    running.done(set(APP)).await;
    assert_eq!(running.snapshot().sign_in_ways.client_id.as_deref(), Some(APP));
    assert!(world.read("config.toml").contains(APP));
    running.done(Request::SetClientId { client_id: None }).await;
    assert_eq!(running.snapshot().sign_in_ways.client_id, None);
}
