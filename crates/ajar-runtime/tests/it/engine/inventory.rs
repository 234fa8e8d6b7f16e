//! All VMs that the accounts can see, with accounts that see what a test says.

use ajar_core::account::{Acting, SignInMethod};
use ajar_core::failure::{Failure, SignInDemand, SignInReason, TenantReason, Trouble};
use ajar_core::inventory::{Found, InventoryVm, Lacking, Viewpoint};
use ajar_core::policy::JitNetworkAccessPolicy;
use ajar_core::profile::Profile;
use ajar_core::protocol::{Reply, Request, SignIn};
use ajar_core::snapshot::{AccountState, InventoryView, SignInStage};
use ajar_runtime::engine::EngineHandle;
use ajar_runtime::ports::{Azure as _, TellVms, VmLists};
use async_trait::async_trait;

use super::*;
use crate::world::{Call, World, vm};

#[async_trait]
impl VmLists for World {
    async fn viewpoints(&self, acting: &Acting) -> Result<Vec<Viewpoint>, Trouble> {
        self.call(Call::Tenants).await?;
        let at = |tenant: &str| Viewpoint {
            account: acting.account.clone(),
            cloud: acting.cloud.clone(),
            tenant: Some(tenant.into()),
        };
        Ok(self.scene().seen.iter().map(|(tenant, _)| at(tenant)).collect())
    }

    async fn vms(&self, viewpoint: &Viewpoint, tell: &TellVms<'_>) -> Result<Vec<Lacking>, Trouble> {
        let seen = self.scene().seen.iter().find(|(tenant, _)| Some(tenant) == viewpoint.tenant.as_ref()).cloned();
        let refused = Failure::not_signed_in("no");
        for name in seen.and_then(|(_, seen)| seen).ok_or(refused)? {
            self.call(Call::Inventory).await?;
            tell(vec![seen_vm(&name)]);
        }
        Ok(Vec::new())
    }

    async fn policies_in(&self, _: &Viewpoint, subscription: &str) -> Result<Vec<JitNetworkAccessPolicy>, Trouble> {
        assert_eq!(subscription, "s");
        self.policies(&vm("web")).await
    }
}

/// A VM by its name, or by its resource group and its name.
fn seen_vm(name: &str) -> InventoryVm {
    let (group, name) = name.split_once('/').unwrap_or(("rg", name));
    let id = vm(name).to_string().replace("/rg/", &format!("/{group}/"));
    serde_json::from_value(serde_json::json!({ "id": id })).unwrap()
}

/// Has `work` be an account that somebody has signed in to.
const WORK: &str =
    "[sign_in]\nclient_id = \"app\"\n[accounts.work]\nsign_in = \"browser\"\nhome_account_id = \"a.b\"\n";

async fn sign_in(running: &Running, name: &str) {
    let wish = SignIn { name: Some(name.parse().unwrap()), ..SignIn::by(SignInMethod::Browser) };
    let reply = running.ask(Request::SignIn(wish)).await;
    assert!(matches!(reply, Reply::SigningIn { .. }), "{reply:?}");
    let is_done = |stage: &SignInStage| matches!(stage, SignInStage::Done { .. });
    running.until(|snapshot| snapshot.sign_in.as_ref().is_some_and(|view| is_done(&view.stage))).await;
}

fn state_of(running: &Running) -> AccountState {
    running.snapshot().accounts.iter().find(|account| account.name.as_str() == "work").unwrap().state
}

fn sees(world: &World, seen: &[(&str, Option<&[&str]>)]) {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    world.scene().seen = seen.iter().map(|(tenant, vms)| ((*tenant).to_owned(), vms.map(names))).collect();
}

async fn read(engine: &EngineHandle, anew: bool) -> InventoryView {
    assert_eq!(engine.ask(Request::ReadInventory { anew }).await, Reply::Done);
    engine.snapshots().borrow().inventory.clone().unwrap()
}

async fn find(engine: &EngineHandle, query: &str) -> Vec<String> {
    let Reply::Vms { found: Found { vms, .. } } =
        engine.ask(Request::FindVms { query: query.into(), apart: false, skip: 0, limit: 9 }).await
    else {
        panic!("no VMs")
    };
    vms.iter().map(|found| found.vm.id.name().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_seen_in_all_tenants_is_found_and_kept_for_the_next_engine() {
    let world = World::with(&["web"]);
    sees(&world, &[("one", Some(&["web", "db"])), ("two", Some(&["web-02"]))]);
    let running = Running::start(&world);
    let engine = &running.engine;
    let view = read(engine, false).await;
    assert_eq!((view.count, view.reading, view.gaps.len()), (3, false, 0));
    assert_eq!(find(engine, "web").await, ["web", "web-02"]);
    assert_eq!(find(engine, "").await, ["web", "db", "web-02"], "a favourite comes first");

    sees(&world, &[("one", Some(&["other"]))]);
    let next = Running::start(&world);
    assert_eq!(find(&next.engine, "").await, ["web", "db", "web-02"], "nothing is read for that");
    assert_eq!(read(&next.engine, false).await.count, 3, "it is fresh");
    assert_eq!(world.count(Call::Tenants), 1);
    assert_eq!(read(&next.engine, true).await.count, 1);
    assert_eq!(find(&next.engine, "").await, ["other"]);
    world.set_forward(ajar_core::inventory::FRESH_FOR);
    read(&next.engine, false).await;
    assert_eq!(world.count(Call::Tenants), 3);
}

#[tokio::test(start_paused = true)]
async fn favourites_that_fit_are_told_apart_from_the_others_the_best_first() {
    let world = World::with(&["old-web", "web"]);
    sees(&world, &[("one", Some(&["old-web", "web", "web-02", "db"]))]);
    let running = Running::start(&world);
    read(&running.engine, false).await;
    let ask = Request::FindVms { query: "web".into(), apart: true, skip: 0, limit: 9 };
    let Reply::Vms { found } = running.engine.ask(ask).await else { panic!("no VMs") };
    let names: Vec<&str> = found.vms.iter().map(|found| found.vm.id.name()).collect();
    assert_eq!((names, found.total), (vec!["web-02"], 1));
    assert_eq!(found.favourites, ["web", "old-web"].map(|name| name.parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_vm_that_is_no_favourite_is_opened_and_stays_to_be_tried_again() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    let profile = |name: &str| Some(ajar_core::profile::Profile::new(vm(name)));
    let guest = |name: &str, of: &str| Connect { profile: profile(of), ..Connect::by_click(name.parse().unwrap()) };
    let Reply::Attempt { number } = running.engine.ask(Request::Connect(guest("db", "db"))).await else {
        panic!("refused")
    };
    // Settings that are read anew do not end it, though no favourite of that name is there.
    world.write("config.toml", &format!("[profiles.other]\nvm = \"{}\"\n", vm("other")));
    let is_over = |attempt: &ajar_core::snapshot::AttemptView| attempt.number == number && attempt.outcome.is_some();
    let snapshot = running.until(|snapshot| snapshot.attempts.iter().any(is_over)).await;
    let outcome = snapshot.attempts.iter().find(|attempt| is_over(attempt)).unwrap().outcome.clone();
    assert!(matches!(outcome, Some(OutcomeView::Connected { .. })), "{outcome:?}");
    assert!(snapshot.favourites.iter().all(|favourite| favourite.name.as_str() != "db"));
    let again = running.engine.ask(Request::Connect(Connect::by_click("DB".parse().unwrap()))).await;
    assert!(matches!(again, Reply::Attempt { .. }), "{again:?}");
    let taken = running.engine.ask(Request::Connect(guest("other", "db"))).await;
    assert!(matches!(&taken, Reply::Refused { failure } if failure.code == "favouriteExists"), "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_refuses_leaves_the_others_and_what_was_seen_in_it_before() {
    let world = World::with(&[]);
    sees(&world, &[("one", Some(&["a"])), ("two", Some(&["b"]))]);
    let running = Running::start(&world);
    read(&running.engine, false).await;
    sees(&world, &[("one", Some(&["c"])), ("two", None)]);
    let view = read(&running.engine, true).await;
    assert_eq!(find(&running.engine, "").await, ["b", "c"]);
    let [gap] = &view.gaps[..] else { panic!("{view:?}") };
    assert_eq!((gap.tenant.as_deref(), gap.failure.code.as_str()), (Some("two"), "notSignedIn"));
    world.scene().trouble.insert(Call::Tenants, Failure::not_signed_in("no").into());
    let view = read(&running.engine, true).await;
    assert_eq!((view.gaps.len(), view.gaps[0].tenant.clone()), (1, None));
    assert_eq!(find(&running.engine, "").await, ["b", "c"]);
    let next = Running::start(&world);
    assert_eq!(read(&next.engine, false).await, view, "the next engine knows what is missing, too");
}

#[tokio::test(start_paused = true)]
async fn the_first_page_is_found_before_the_last_has_come_and_who_asks_meanwhile_waits_for_the_same_read() {
    let world = World::with(&[]);
    sees(&world, &[("one", Some(&["first", "second"]))]);
    world.takes(Call::Inventory, 60);
    let running = Running::start(&world);
    let engine = running.engine.clone();
    let one = tokio::spawn(async move { read(&engine, false).await });
    running.until(|snapshot| snapshot.inventory.as_ref().is_some_and(|inventory| inventory.count == 1)).await;
    assert_eq!(find(&running.engine, "").await, ["first"]);
    assert_eq!(read(&running.engine, true).await.count, 2);
    assert_eq!(one.await.unwrap().count, 2);
    assert_eq!(world.count(Call::Tenants), 1);
}

#[tokio::test(start_paused = true)]
async fn policies_that_do_not_come_keep_nobody_waiting() {
    let world = World::with(&[]);
    sees(&world, &[("one", Some(&["web"]))]);
    world.takes(Call::Policies, 3600);
    let running = Running::start(&world);
    let began = tokio::time::Instant::now();
    assert_eq!(read(&running.engine, false).await.count, 1);
    assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_an_account_saw_is_gone_with_it_here_and_on_the_disk() {
    let world = World::with(&[]);
    world.write("config.toml", "[accounts.work]\nsign_in = \"browser\"\nhome_account_id = \"a.b\"\n");
    sees(&world, &[("one", Some(&["a"]))]);
    let running = Running::start(&world);
    read(&running.engine, false).await;
    let file = world.folder().inventory().join("vms-work.json");
    assert!(file.exists());
    let signed_out = running.engine.ask(Request::SignOut { name: "work".parse().unwrap() }).await;
    assert!(matches!(signed_out, Reply::SignedOut { .. }), "{signed_out:?}");
    assert_eq!(find(&running.engine, "").await, [""; 0]);
    assert!(!file.exists());
}

#[tokio::test(start_paused = true)]
async fn what_a_tenant_wants_of_an_account_that_looks_for_vms_is_asked_for_by_its_next_sign_in() {
    let world = World::with(&[]);
    world.write("config.toml", WORK);
    sees(&world, &[("one", Some(&["a"])), ("two", Some(&["b"]))]);
    let demand = Box::new(SignInDemand { tenant: Some("two".into()), claims: Some("{}".into()) });
    let wanted = Failure::SignInRequired { account: "work".into(), reason: SignInReason::Mfa, demand };
    world.scene().trouble.insert(Call::Inventory, wanted.clone().into());
    let running = Running::start(&world);
    assert_eq!(read(&running.engine, false).await.gaps.len(), 2);
    assert_eq!(state_of(&running), AccountState::NeedsSignIn);
    running.end().await;
    assert!(world.read("state.json").contains("\"tenant\": \"two\""), "{}", world.read("state.json"));

    // Known to the next engine, until the tenant wants nothing more.
    let running = Running::start(&world);
    assert_eq!(state_of(&running), AccountState::NeedsSignIn);
    world.scene().trouble.remove(&Call::Inventory);
    assert!(read(&running.engine, true).await.gaps.is_empty());
    assert_eq!(state_of(&running), AccountState::SignedIn);

    // What wants something of the sign-in counts more than what no sign-in ends; and once done it is done.
    world.scene().trouble.insert(Call::Inventory, wanted.into());
    read(&running.engine, true).await;
    sign_in(&running, "work").await;
    assert_eq!(state_of(&running), AccountState::SignedIn);
    assert!(!world.folder().inventory().join("vms-work.json").exists(), "the next engine reads it anew, too");
    let account = "work".to_owned();
    let not_there = Failure::NotInTenant { account, tenant: "two".into(), reason: TenantReason::NoGuest, tool: None };
    world.scene().trouble.insert(Call::Inventory, not_there.into());
    read(&running.engine, true).await;
    assert_eq!(state_of(&running), AccountState::SignedIn, "it may be let into others");
}

#[tokio::test(start_paused = true)]
async fn two_vms_of_one_name_are_opened_under_names_of_their_own() {
    let world = World::with(&[]);
    sees(&world, &[("one", Some(&["a/web", "b/web"]))]);
    let running = Running::start(&world);
    read(&running.engine, false).await;
    let found = async |query: &str| {
        let ask = Request::FindVms { query: query.into(), apart: false, skip: 0, limit: 9 };
        let Reply::Vms { found } = running.ask(ask).await else { panic!("no VMs") };
        found.vms.into_iter().map(|found| found.opens).collect::<Vec<_>>()
    };
    let [one, other] = &found("web").await[..] else { panic!("not two") };
    assert_eq!((one.name.as_str(), other.name.as_str()), ("web", "web-2"));
    let open = |name: &str, profile: &Profile| {
        Request::Connect(Connect { profile: Some(profile.clone()), ..Connect::by_click(name.parse().unwrap()) })
    };
    assert!(matches!(running.ask(open("web", &other.profile)).await, Reply::Attempt { .. }));
    assert_eq!(running.refused(open("web", &one.profile)).await.code, "favouriteExists");
    // Each is called as it was when it was opened.
    let names = async |query: &str| {
        let mut names: Vec<_> = found(query).await.into_iter().map(|opens| (opens.profile.vm, opens.name)).collect();
        names.sort_by_key(|(vm, _)| vm.to_string());
        names.into_iter().map(|(_, name)| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("web").await, ["web-2", "web"]);
}

#[tokio::test(start_paused = true)]
async fn who_asks_during_a_read_hears_also_what_somebody_sees_who_has_signed_in_since() {
    let world = World::with(&[]);
    world.write("config.toml", WORK);
    sees(&world, &[("one", Some(&["a"]))]);
    world.takes(Call::Inventory, 60);
    let running = Running::start(&world);
    let engine = running.engine.clone();
    let asked = tokio::spawn(async move { read(&engine, false).await });
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Inventory)).await;
    sign_in(&running, "other").await;
    sees(&world, &[("one", Some(&["a", "b"]))]);
    assert_eq!(asked.await.unwrap().count, 2);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_read_that_is_not_tried_again_for_a_minute() {
    let world = World::with(&[]);
    world.scene().trouble.insert(Call::Tenants, Failure::not_signed_in("no").into());
    let running = Running::start(&world);
    for _ in 0..2 {
        assert_eq!(read(&running.engine, false).await.gaps.len(), 1);
    }
    assert_eq!(world.count(Call::Tenants), 1);
    world.set_forward(ajar_core::inventory::FRESH_WITH_GAPS_FOR);
    read(&running.engine, false).await;
    assert_eq!(world.count(Call::Tenants), 2);
}

#[tokio::test(start_paused = true)]
async fn what_came_of_a_read_that_was_not_ended_is_counted_no_more_once_it_is_read_again() {
    let world = World::with(&[]);
    sees(&world, &[("one", Some(&["a", "b", "c"]))]);
    world.takes(Call::Inventory, 60);
    let running = Running::start(&world);
    let count = |snapshot: &Snapshot| snapshot.inventory.as_ref().map(|inventory| (inventory.count, inventory.reading));
    let engine = running.engine.clone();
    let asked = tokio::spawn(async move { read(&engine, false).await });
    running.until(|snapshot| count(snapshot) == Some((1, true))).await;
    world.scene().trouble.insert(Call::Inventory, Failure::not_signed_in("no").into());
    assert_eq!((asked.await.unwrap().count, world.count(Call::Inventory)), (2, 3));
    world.scene().trouble.clear();
    let engine = running.engine.clone();
    let asked = tokio::spawn(async move { read(&engine, true).await });
    running.until(|snapshot| count(snapshot) == Some((0, true))).await;
    assert_eq!(asked.await.unwrap().count, 3);
}

#[tokio::test(start_paused = true)]
async fn who_signs_out_while_it_is_read_leaves_nothing_of_what_is_still_heard() {
    let world = World::with(&[]);
    world.write("config.toml", WORK);
    sees(&world, &[("one", Some(&["a"]))]);
    world.takes(Call::Inventory, 60);
    let running = Running::start(&world);
    let engine = running.engine.clone();
    let asked = tokio::spawn(async move { read(&engine, false).await });
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Inventory)).await;
    let signed_out = running.engine.ask(Request::SignOut { name: "work".parse().unwrap() }).await;
    assert!(matches!(signed_out, Reply::SignedOut { .. }), "{signed_out:?}");
    assert_eq!(asked.await.unwrap().count, 0);
    assert!(!world.folder().inventory().join("vms-work.json").exists());
}
