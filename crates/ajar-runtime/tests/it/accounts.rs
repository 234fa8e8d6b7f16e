//! Who acts: the fake world's accounts, and favourites of several in one engine.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use ajar_core::account::{AccountName, AccountSettings, Acting};
use ajar_core::activity::ActivityEvent;
use ajar_core::attempt::{Ask, InitiateFailure};
use ajar_core::bastion::BastionHost;
use ajar_core::failure::{Failure, SignInReason, Trouble};
use ajar_core::policy::{JitNetworkAccessPolicy, JitNetworkAccessRequest};
use ajar_core::protocol::{Reply, Request};
use ajar_core::resource_id::{ResourceId, VmResourceId};
use ajar_core::rights::{Granted, Principal};
use ajar_core::settings::Settings;
use ajar_core::snapshot::{AccountState, FavouriteState, Kept, OutcomeView, SignInStage, Snapshot};
use ajar_core::vm::{VmAddresses, VmFacts};
use ajar_runtime::ports::{
    Accounts, Asking, AzAccount, AzTunnel, Azure, Forgotten, KeepSignIn, LetGo, SignInPlan, SignedInAs, TellBegun,
    TellStage, Tunnel, Wanted,
};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::engine::{Running, name};
use crate::world::{Call, World, vm};

/// Whoever acts, it is this world; who it was is noted.
pub(crate) struct Everybody(pub(crate) Arc<World>);

#[async_trait]
impl Accounts for Everybody {
    fn acting(&self, acting: &Acting) -> Arc<dyn Azure> {
        Arc::new(As { world: Arc::clone(&self.0), acting: acting.clone() })
    }

    fn principal(&self, _: &Acting) -> Option<String> {
        Some("my-client-id".into())
    }

    async fn whom(&self, _: &Acting, _: &str) -> Principal {
        self.0.scene().whom.clone()
    }

    fn clock_skew(&self) -> Option<TimeDelta> {
        self.0.scene().skew
    }

    fn settings_are(&self, _: &Settings) -> Option<LetGo> {
        None
    }

    async fn sign_in(&self, plan: &SignInPlan, tell: &TellStage) -> Result<KeepSignIn, Trouble> {
        self.0.sign_in(plan, tell).await
    }

    async fn forget_sign_in(&self, _: &AccountSettings) {
        drop(self.0.call(Call::Forget).await);
    }

    async fn sign_out(&self, name: &AccountName, _: &AccountSettings) -> Result<Forgotten, Trouble> {
        self.0.call(Call::SignOut).await?;
        let mut scene = self.0.scene();
        Ok(Forgotten {
            had_sign_in: scene.signed_in.remove(&name.key()),
            unusable: scene.keychain_trouble,
            shared_with: None,
        })
    }

    async fn az_accounts(&self) -> Result<Vec<AzAccount>, Trouble> {
        self.0.call(Call::AzAccounts).await?;
        Ok(self.0.scene().az.clone())
    }

    fn is_in_tenant(&self, acting: &Acting, _: &str, tenant: &str) -> bool {
        acting.tenant.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(tenant))
    }

    fn kept(&self, _: &AccountSettings) -> Kept {
        Kept::Keychain
    }
}

struct As {
    world: Arc<World>,
    acting: Acting,
}

impl As {
    fn world(&self, vm: &VmResourceId) -> &World {
        self.world.scene().acted.push((self.acting.clone(), vm.name().to_owned()));
        &self.world
    }

    fn token(&self) -> Result<(), Trouble> {
        let account = self.acting.account.to_string();
        let is_refused = self.world.scene().refused.contains(&account);
        let required = Failure::sign_in_required(account, SignInReason::Expired);
        if is_refused { Err(required.into()) } else { Ok(()) }
    }
}

#[async_trait]
impl Azure for As {
    async fn bastion(&self, _subnet: &ResourceId) -> Result<BastionHost, Trouble> {
        Err(Failure::NoBastion.into())
    }
    async fn tunnel(&self, _host: &BastionHost, _vm: &VmResourceId, _port: u16) -> Result<Tunnel, Trouble> {
        Err(Failure::NoBastion.into())
    }

    async fn az_tunnel(
        &self,
        _az: &Path,
        _host: &BastionHost,
        _vm: &VmResourceId,
        _port: u16,
    ) -> Result<AzTunnel, Trouble> {
        Err(Failure::NoBastion.into())
    }
    async fn policies(&self, vm: &VmResourceId) -> Result<Vec<JitNetworkAccessPolicy>, Trouble> {
        self.token()?;
        self.world(vm).policies(vm).await
    }
    async fn policies_of(&self, vms: &[VmResourceId]) -> Vec<Result<Vec<JitNetworkAccessPolicy>, Trouble>> {
        match self.token() {
            Ok(()) => self.world(&vms[0]).policies_of(vms).await,
            Err(trouble) => vec![Err(trouble); vms.len()],
        }
    }
    async fn initiate(
        &self,
        vm: &VmResourceId,
        ask: &Ask,
        wanted: &Wanted,
    ) -> Result<JitNetworkAccessRequest, InitiateFailure> {
        self.world(vm).initiate(vm, ask, wanted).await
    }
    async fn initiate_together(&self, asks: &[Asking]) -> Vec<Result<JitNetworkAccessRequest, InitiateFailure>> {
        let vms: Vec<_> = asks.iter().map(|one| one.vm.clone()).collect();
        for vm in &vms {
            self.world(vm);
        }
        self.world.scene().asked_together.push(vms);
        self.world.initiate_together(asks).await
    }
    async fn virtual_machine(&self, vm: &VmResourceId) -> Result<VmFacts, Trouble> {
        self.world(vm).virtual_machine(vm).await
    }
    async fn start(&self, vm: &VmResourceId, wanted: &Wanted) -> Result<(), Trouble> {
        self.world(vm).start(vm, wanted).await
    }
    async fn deallocate(&self, vm: &VmResourceId, wanted: &Wanted, begun: &TellBegun<'_>) -> Result<(), Trouble> {
        self.world(vm).deallocate(vm, wanted, begun).await
    }
    async fn see_deallocated(&self, vm: &VmResourceId) -> Result<(), Trouble> {
        self.world(vm).see_deallocated(vm).await
    }
    async fn addresses(&self, network_interfaces: &[ResourceId]) -> Result<VmAddresses, Trouble> {
        self.world.addresses(network_interfaces).await
    }
    async fn granted(&self, vm: &VmResourceId) -> Result<Granted, Trouble> {
        self.world(vm).granted(vm).await
    }
    async fn activity_log(
        &self,
        vm: &VmResourceId,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<ActivityEvent>, Trouble> {
        self.world(vm).activity_log(vm, since, until).await
    }
}

/// Who acted on which VM, as `account@cloud/tenant on vm`.
fn acted(world: &World) -> BTreeSet<String> {
    let scene = world.scene();
    let shown = |(acting, vm): &(Acting, String)| {
        let tenant = acting.tenant.as_deref().unwrap_or("-");
        format!("{}@{}/{tenant} on {vm}", acting.account, acting.cloud)
    };
    scene.acted.iter().map(shown).collect()
}

/// Three VMs of one subscription id, each of another account; and a fourth that nobody is named for.
fn world_of_several() -> Arc<World> {
    let world = World::with(&[]);
    let favourite = |name: &str, more: &str| format!("[profiles.{name}]\nvm = \"{}\"\n{more}\n", vm(name));
    let settings = [
        "account = \"work\"\n[accounts.work]\nsign_in = \"browser\"\n".to_owned(),
        "[accounts.gov]\nsign_in = \"browser\"\ncloud = \"usgov\"\n".to_owned(),
        favourite("web", ""),
        favourite("db", "account = \"gov\""),
        favourite("app", "account = \"az\"\ncloud = \"china\"\ntenant = \"contoso.cn\""),
    ];
    world.write("config.toml", &settings.concat());
    world
}

const EACH: [&str; 3] = ["az@china/contoso.cn on app", "gov@usgov/- on db", "work@fake/- on web"];

fn each() -> BTreeSet<String> {
    EACH.map(str::to_owned).into()
}

#[tokio::test(start_paused = true)]
async fn favourites_of_several_accounts_are_opened_side_by_side_each_as_its_own() {
    let world = world_of_several();
    world.takes(Call::Initiate, 10);
    let running = Running::start(&world);
    let mut numbers = Vec::new();
    for name in ["web", "db", "app"] {
        numbers.push(running.connect(name).await);
    }
    // All three wait for Azure at the same time.
    world.until(|scene| scene.calls.iter().filter(|(call, _)| *call == Call::Initiate).count() == 3).await;
    assert!(running.snapshot().attempts.iter().all(|attempt| attempt.outcome.is_none()));
    for number in numbers {
        running.ended(number).await;
    }
    assert_eq!(running.snapshot().windows.len(), 3);
    assert_eq!(acted(&world), each());
}

/// Two favourites of one resource id, in two clouds.
fn world_of_two_clouds() -> Arc<World> {
    let world = World::with(&[]);
    let id = vm("web").to_string();
    let favourite =
        |name: &str, vm: &str, account: &str| format!("[profiles.{name}]\nvm = \"{vm}\"\naccount = \"{account}\"\n");
    let settings = [
        "[accounts.work]\nsign_in = \"browser\"\n".to_owned(),
        "[accounts.gov]\nsign_in = \"browser\"\ncloud = \"usgov\"\n".to_owned(),
        favourite("here", &id, "work"),
        favourite("there", &id.to_uppercase(), "gov"),
    ];
    world.write("config.toml", &settings.concat());
    world
}

#[tokio::test(start_paused = true)]
async fn one_resource_id_in_two_clouds_is_two_vms() {
    let world = world_of_two_clouds();
    world.takes(Call::Initiate, 10);
    let running = Running::start(&world);
    let (here, there) = (running.connect("here").await, running.connect("there").await);
    assert_ne!(here, there, "neither joins the other");
    // Nor does one wait for the other's turn.
    world.until(|scene| scene.calls.iter().filter(|(call, _)| *call == Call::Initiate).count() == 2).await;
    running.ended(here).await;
    running.ended(there).await;
    let clouds = |running: &Running| -> BTreeSet<(String, String)> {
        let windows = &running.snapshot().windows;
        windows.iter().map(|window| (window.name.to_string(), window.cloud.clone())).collect()
    };
    let both = BTreeSet::from([("here".into(), "fake".into()), ("there".into(), "usgov".into())]);
    assert_eq!(clouds(&running), both);

    let before = world.count(Call::Vm);
    running.done(Request::Refresh).await;
    running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(world.count(Call::Vm) - before, 2, "each is read");
    running.done(Request::Remove { name: name("there") }).await;
    let without = BTreeSet::from([("here".into(), "fake".into()), ("WEB".into(), "usgov".into())]);
    assert_eq!(clouds(&running), without, "its window does not become that of the other cloud's");
    running.end().await;
    assert_eq!(clouds(&Running::start(&world)), without, "nor for the next engine");
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_of_a_vm_is_remembered_of_its_cloud() {
    let world = world_of_two_clouds();
    world.takes(Call::Initiate, 5);
    let running = Running::start(&world);
    let numbers = [running.connect("here").await, running.connect("there").await];
    for number in numbers {
        running.ended(number).await;
    }
    running.end().await;
    let state: serde_json::Value = serde_json::from_str(&world.read("state.json")).unwrap();
    for kept in ["granted", "endpoints"] {
        let keys: Vec<_> = state[kept].as_object().unwrap().keys().map(|key| key.split('/').next().unwrap()).collect();
        assert_eq!(keys, ["fake", "usgov"], "{kept}: {state}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_refresh_looks_at_the_favourites_of_all_accounts() {
    let world = world_of_several();
    let running = Running::start(&world);
    running.done(Request::Refresh).await;
    running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(acted(&world), each());
    let mut listed: Vec<_> = world.scene().listed.iter().map(Vec::len).collect();
    listed.sort_unstable();
    assert_eq!(listed, [1, 1, 1], "one subscription id, but three who ask");
    assert!(running.snapshot().refresh_problem.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_favourite_whose_account_is_not_there_is_told_of_and_does_not_keep_the_others() {
    let world = world_of_several();
    let more = format!("[profiles.lost]\nvm = \"{}\"\naccount = \"nobody\"\n", vm("lost"));
    world.write("config.toml", &(world.read("config.toml") + &more));
    let running = Running::start(&world);
    running.done(Request::Refresh).await;
    let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(snapshot.refresh_problem.as_ref().map(|problem| problem.code.as_str()), Some("unknownAccount"));
    let number = running.connect("lost").await;
    let Some(OutcomeView::Failed(failure)) = running.ended(number).await.outcome else { panic!("it cannot be opened") };
    assert_eq!((failure.code.as_str(), failure.wants_sign_in), ("unknownAccount", true));
    let lost = running.snapshot().favourites.iter().find(|known| known.name == name("lost")).unwrap().state;
    assert_eq!(lost, FavouriteState::Failed, "and stays told of, with what helps, until it is dismissed");
    assert_eq!(acted(&world), each());
    running.done(Request::ActAs { name: name("lost"), account: "work".parse().unwrap() }).await;
    running.connected("lost").await;
    let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(snapshot.refresh_problem, None, "what it was told of is put right");
}

/// The accounts that have to sign in.
fn refused(snapshot: &Snapshot) -> Vec<&str> {
    let refused = snapshot.accounts.iter().filter(|account| account.state == AccountState::NeedsSignIn);
    refused.map(|account| account.name.as_str()).collect()
}

/// Two accounts that have signed in, with a favourite each, of the same VM.
fn world_of_two() -> Arc<World> {
    let world = World::with(&[]);
    let account = |name: &str| format!("[accounts.{name}]\nsign_in = \"browser\"\nhome_account_id = \"{name}.home\"\n");
    let favourite = |name: &str, more: &str| format!("[profiles.{name}]\nvm = \"{}\"\n{more}\n", vm("web"));
    let settings = [
        account("work"),
        account("ops"),
        favourite("web", "account = \"work\""),
        favourite("rdp", "account = \"ops\"\nport = 3389"),
    ];
    world.write("config.toml", &settings.concat());
    world
}

#[tokio::test(start_paused = true)]
async fn a_refresh_notes_every_account_that_is_refused_whatever_else_goes_wrong() {
    let world = world_of_two();
    let lost = format!("[profiles.lost]\nvm = \"{}\"\naccount = \"nobody\"\n", vm("lost"));
    world.write("config.toml", &(world.read("config.toml") + &lost));
    world.scene().refused = ["work", "ops"].map(str::to_owned).into();
    let running = Running::start(&world);
    assert!(refused(&running.snapshot()).is_empty());
    running.done(Request::Refresh).await;
    let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(refused(&snapshot), ["work", "ops"]);
    assert_eq!(snapshot.refresh_problem.as_ref().map(|problem| problem.code.as_str()), Some("unknownAccount"));
}

#[tokio::test(start_paused = true)]
async fn that_azure_answers_one_account_says_nothing_of_another_that_acts_on_the_same_vm() {
    let world = world_of_two();
    world.takes(Call::Policies, 10);
    world.scene().refused = ["ops".to_owned()].into();
    let running = Running::start(&world);
    let answered = running.connect("web").await;
    let unanswered = running.connect("rdp").await;
    running.ended(unanswered).await;
    assert_eq!(refused(&running.snapshot()), ["ops"]);
    running.ended(answered).await;
    assert_eq!(refused(&running.snapshot()), ["ops"]);
}

#[tokio::test(start_paused = true)]
async fn another_account_can_act_for_favourites_that_name_none() {
    let world = world_of_several();
    let running = Running::start(&world);
    let set = |account: &str| Request::SetDefaultAccount { account: account.parse().unwrap() };
    assert_eq!(running.refused(set("nobody")).await.code, "unknownAccount");
    assert_eq!(running.refused(set("environment")).await.code, "unknownAccount", "the variables name nobody here");
    let reply = running.ask(set("GOV")).await;
    let Reply::ActsByDefault { acts } = reply else { panic!("{reply:?}") };
    assert_eq!(acts, "Favourites that name no account act as “gov”, in the cloud “usgov”, from now on.");
    assert!(world.read("config.toml").starts_with("account = \"gov\"\n[accounts.work]"));
    let defaults = |running: &Running| {
        let snapshot = running.snapshot();
        let names =
            snapshot.accounts.iter().filter(|account| account.is_default).map(|account| account.name.to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(defaults(&running), ["gov"]);
    running.connected("web").await;
    assert_eq!(acted(&world), ["gov@usgov/- on web".to_owned()].into());
    running.ask(set("az")).await;
    assert_eq!(defaults(&running), ["az"]);
}

#[tokio::test(start_paused = true)]
async fn a_window_whose_favourite_is_gone_is_still_looked_at_by_who_opened_it() {
    let world = world_of_several();
    let running = Running::start(&world);
    let number = running.connect("db").await;
    running.ended(number).await;
    running.done(Request::Remove { name: "db".parse().unwrap() }).await;
    world.scene().acted.clear();
    running.done(Request::Refresh).await;
    running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(acted(&world), each());
}

#[tokio::test(start_paused = true)]
async fn who_acts_for_those_that_name_nobody_is_told_and_follows_the_settings() {
    let world = world_of_several();
    let running = Running::start(&world);
    assert_eq!(running.snapshot().host.account, "work");
    world.write("config.toml", &world.read("config.toml").replace("account = \"work\"", "account = \"gov\""));
    running.done(Request::ShowWindow).await;
    assert_eq!(running.snapshot().host.account, "gov");
    let number = running.connect("web").await;
    running.ended(number).await;
    assert!(acted(&world).contains("gov@usgov/- on web"));
}

impl World {
    /// Somebody signs in as `ada`, whoever is wanted, once the browser has come up.
    pub(crate) async fn sign_in(self: &Arc<Self>, plan: &SignInPlan, tell: &TellStage) -> Result<KeepSignIn, Trouble> {
        let at = plan.demand.tenant.as_ref().map(|tenant| format!("/{tenant}")).unwrap_or_default();
        tell(SignInStage::Browser { url: format!("https://login.example{at}/authorize") });
        self.call(Call::SignIn).await?;
        let account = AccountSettings {
            username: Some("ada@contoso.example".into()),
            home_account_id: Some("ada.home".into()),
            ..plan.account.clone()
        };
        let world = Arc::clone(self);
        Ok(Box::pin(async move {
            world.call(Call::Keep).await?;
            world.scene().signed_in.insert("ada".into());
            Ok(SignedInAs { account, kept: Kept::Keychain })
        }))
    }
}
