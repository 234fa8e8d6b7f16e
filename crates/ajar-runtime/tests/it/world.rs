//! A world of fakes: it records what is asked of it, and answers when and how a test says.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ajar_core::account::{Acting, KeychainTrouble};
use ajar_core::activity::ActivityEvent;
use ajar_core::attempt::{Ask, ClientFound, InitiateFailure, Order};
use ajar_core::bastion::BastionHost;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::host_key::HostKeyLook;
use ajar_core::policy::{
    JitNetworkAccessPolicy, JitNetworkAccessPolicyVirtualMachine, JitNetworkAccessPortRule, JitNetworkAccessRequest,
    JitNetworkAccessRequestPort, JitNetworkAccessRequestVirtualMachine, RequestStatus, RuleProtocol, SourcePrefix,
};
use ajar_core::port::{Endpoint, PortAnswer};
use ajar_core::profile::Profile;
use ajar_core::resource_id::{ResourceId, VmResourceId};
use ajar_core::rights::{Granted, Principal};
use ajar_core::vm::{OsType, PowerState, PublicAddress, VmAddresses, VmFacts, VmIdentity};
use ajar_core::zone::Zone;
use ajar_runtime::adapters::HttpsTeamDownloads;
use ajar_runtime::engine::{LOOK_EVERY, Parts};
use ajar_runtime::files::{Folder, SshFolder};
use ajar_runtime::ports::{
    Asking, AzAccount, AzTunnel, Azure, Browser, Clock, Launcher, Peers, Ports, TellBegun, Tunnel, Wanted,
};
use async_trait::async_trait;
use chrono::{DateTime, Offset, TimeDelta, Utc};
use futures::future::join_all;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::accounts::Everybody;
use crate::network::Network;

/// This machine's public address at first.
pub(crate) const SOURCE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 24);

/// The VMs' public address.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 5);

/// And their private one.
pub(crate) const PRIVATE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 4);

/// What may take as long as a test likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Detect,
    Policies,
    /// A token for a write.
    Token,
    Initiate,
    Vm,
    Start,
    Deallocate,
    /// A deallocation is watched that was told by somebody else.
    Watch,
    Addresses,
    Probe,
    Launch,
    SignIn,
    /// What a sign-in has brought is stored.
    Keep,
    /// And removed: it became no account.
    Forget,
    SignOut,
    Browser,
    Granted,
    ActivityLog,
    AzAccounts,
    /// What this machine is connected to is looked at.
    Look,
    Tenants,
    /// A page of VMs.
    Inventory,
}

/// The state of the world, for tests to set.
pub(crate) struct Scene {
    pub(crate) power: PowerState,
    /// What runs on the VMs, where Azure tells it.
    pub(crate) os: Option<OsType>,
    /// This machine's public address.
    pub(crate) address: Ipv4Addr,
    pub(crate) is_static: bool,
    /// The VMs' public address.
    pub(crate) public: Ipv4Addr,
    /// Whether the port answers as soon as the VM runs, without a window.
    pub(crate) open_anyway: bool,
    /// Where this machine has a way to that is none to the internet, if it has any.
    pub(crate) own_way_to: Option<Ipv4Addr>,
    /// Where this machine is connected to, if its system tells.
    pub(crate) connected: Option<Peers>,
    /// How the port answers at the private address.
    pub(crate) private: PortAnswer,
    /// Requests Azure has taken, by anybody.
    pub(crate) requests: Vec<JitNetworkAccessRequest>,
    /// Scripted answers to `initiate`, before the usual one; granted says whether Azure took the request all the same.
    pub(crate) initiate: VecDeque<(InitiateFailure, bool)>,
    /// So many times Azure leaves open whether it has taken on to deallocate, and nothing is seen of it.
    pub(crate) unsure: u32,
    pub(crate) trouble: HashMap<Call, Trouble>,
    /// How long calls take.
    pub(crate) takes: HashMap<Call, Duration>,
    pub(crate) skew: Option<TimeDelta>,
    /// What was called, and when since the world began.
    pub(crate) calls: Vec<(Call, Duration)>,
    /// Calls that were given up before they were answered.
    pub(crate) dropped: Vec<Call>,
    pub(crate) launched: Vec<Endpoint>,
    /// The program that opens VMs, if there is one.
    pub(crate) client: Result<String, Trouble>,
    /// What a look at the key of an SSH server finds.
    pub(crate) host_key: HostKeyLook,
    /// Which VM all of them are.
    pub(crate) identity: Option<VmIdentity>,
    /// The VMs whose policies were wanted together.
    pub(crate) listed: Vec<Vec<VmResourceId>>,
    /// The VMs that access was asked to in one request.
    pub(crate) asked_together: Vec<Vec<VmResourceId>>,
    /// Whether the JIT policy has been deleted.
    pub(crate) policy_deleted: bool,
    /// VMs that cannot be read.
    pub(crate) unreadable: Vec<VmResourceId>,
    /// As whom which VM was asked about, or written to.
    pub(crate) acted: Vec<(Acting, String)>,
    /// The accounts that get no token to read policies with.
    pub(crate) refused: HashSet<String>,
    /// Why no keychain can be looked in, if none can.
    pub(crate) keychain_trouble: Option<KeychainTrouble>,
    /// The accounts whose sign-in is kept.
    pub(crate) signed_in: HashSet<String>,
    /// What the browser was asked to show.
    pub(crate) opened: Vec<String>,
    /// What the Activity Log has.
    pub(crate) activity: Vec<ActivityEvent>,
    /// What whoever asks may.
    pub(crate) granted: Granted,
    /// Who is signed in to the Azure CLI.
    pub(crate) az: Vec<AzAccount>,
    pub(crate) whom: Principal,
    /// The VMs that are seen in each tenant; `None` where nobody is let in.
    pub(crate) seen: Vec<(String, Option<Vec<String>>)>,
}

/// See the module.
pub(crate) struct World {
    pub(crate) home: tempfile::TempDir,
    pub(crate) network: Arc<Network>,
    scene: Mutex<Scene>,
    began: Instant,
    wall_clock: DateTime<Utc>,
    set_forward_ms: AtomicI64,
    changed: watch::Sender<()>,
}

/// Notes a call that nobody waits for any more.
struct Waiting<'a> {
    world: &'a World,
    call: Call,
    answered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.world.scene().dropped.push(self.call);
            self.world.changed.send_replace(());
        }
    }
}

/// A VM by its name.
pub(crate) fn vm(name: &str) -> VmResourceId {
    let text = format!("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/{name}");
    text.parse().unwrap()
}

impl World {
    /// One favourite for each name, and for each a VM that runs behind a closed port.
    pub(crate) fn with(names: &[&str]) -> Arc<Self> {
        let world = Self {
            home: tempfile::tempdir().unwrap(),
            network: Arc::default(),
            scene: Mutex::new(Scene {
                power: PowerState::Running,
                os: None,
                address: SOURCE,
                is_static: true,
                public: ADDRESS,
                open_anyway: false,
                own_way_to: None,
                connected: Some(Peers::new()),
                private: PortAnswer::Silent,
                requests: Vec::new(),
                initiate: VecDeque::new(),
                unsure: 0,
                trouble: HashMap::new(),
                takes: HashMap::new(),
                skew: None,
                calls: Vec::new(),
                dropped: Vec::new(),
                launched: Vec::new(),
                client: Ok("ssh".into()),
                host_key: HostKeyLook::Unknown,
                identity: None,
                listed: Vec::new(),
                asked_together: Vec::new(),
                policy_deleted: false,
                unreadable: Vec::new(),
                acted: Vec::new(),
                refused: HashSet::new(),
                keychain_trouble: None,
                signed_in: HashSet::new(),
                opened: Vec::new(),
                activity: Vec::new(),
                granted: Granted::default(),
                az: Vec::new(),
                whom: Principal::default(),
                seen: Vec::new(),
            }),
            began: Instant::now(),
            wall_clock: "2026-11-22T12:00:00Z".parse().unwrap(),
            set_forward_ms: AtomicI64::new(0),
            changed: watch::Sender::new(()),
        };
        let favourite = |name: &&str| format!("[profiles.{name}]\nvm = \"{}\"\nfor = \"2h\"\n", vm(name));
        world.write("config.toml", &names.iter().map(favourite).collect::<Vec<_>>().concat());
        Arc::new(world)
    }

    pub(crate) fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap()
    }

    pub(crate) fn folder(&self) -> Folder {
        Folder::at(self.home.path())
    }

    pub(crate) fn ssh_folder(&self) -> SshFolder {
        SshFolder::at(self.home.path().join("ssh"), &self.folder())
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.home.path().join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> String {
        std::fs::read_to_string(self.home.path().join(name)).unwrap_or_default()
    }

    pub(crate) fn parts(self: &Arc<Self>) -> Parts {
        let ports = Ports {
            accounts: Arc::new(Everybody(Arc::clone(self))),
            vm_lists: Arc::clone(self) as _,
            public_ip: Arc::clone(self) as _,
            network: Arc::clone(&self.network) as _,
            connections: Arc::clone(self) as _,
            probe: Arc::clone(self) as _,
            browser: Arc::clone(self) as _,
            launcher: Arc::clone(self) as _,
            teams: Arc::new(HttpsTeamDownloads::default()),
            clock: Arc::clone(self) as _,
        };
        Parts {
            ports,
            folder: self.folder(),
            ssh_folder: Some(self.ssh_folder()),
            cloud: Some("fake".into()),
            environment: false,
            demo: false,
            stays: true,
            look_every: LOOK_EVERY,
        }
    }

    /// Sets this machine's clock, as a laptop's sleep does for those who look at the wall.
    pub(crate) fn set_forward(&self, by: TimeDelta) {
        self.set_forward_ms.fetch_add(by.num_milliseconds(), Ordering::Relaxed);
    }

    pub(crate) fn takes(&self, call: Call, seconds: u64) {
        self.scene().takes.insert(call, Duration::from_secs(seconds));
    }

    pub(crate) fn count(&self, call: Call) -> usize {
        self.scene().calls.iter().filter(|(made, _)| *made == call).count()
    }

    /// When a call was first made.
    pub(crate) fn first(&self, call: Call) -> Option<Duration> {
        self.scene().calls.iter().find(|(made, _)| *made == call).map(|(_, at)| *at)
    }

    /// Waits until the world looks so.
    pub(crate) async fn until(&self, mut wanted: impl FnMut(&Scene) -> bool) {
        let mut changed = self.changed.subscribe();
        let come_true = async {
            while !wanted(&self.scene()) {
                changed.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_hours(1), come_true).await.expect("it never came true");
    }

    /// A request as Azure keeps it.
    pub(crate) fn request(
        &self,
        vm: &VmResourceId,
        source: Ipv4Addr,
        end: DateTime<Utc>,
        who: &str,
    ) -> JitNetworkAccessRequest {
        let port = JitNetworkAccessRequestPort {
            number: 22,
            allowed_source_address_prefixes: vec![SourcePrefix::from(source.to_string().as_str())],
            end_time_utc: end,
            status: RequestStatus::InForce,
            mapped_port: None,
        };
        JitNetworkAccessRequest {
            virtual_machines: vec![JitNetworkAccessRequestVirtualMachine { id: vm.clone(), ports: vec![port] }],
            start_time_utc: self.azure_now(),
            requestor: who.into(),
            justification: None,
        }
    }

    /// Azure's own time.
    pub(crate) fn azure_now(&self) -> DateTime<Utc> {
        self.now() + self.scene().skew.unwrap_or_default()
    }

    pub(crate) async fn call(&self, call: Call) -> Result<(), Trouble> {
        let (takes, trouble) = {
            let mut scene = self.scene();
            scene.calls.push((call, self.began.elapsed()));
            (scene.takes.get(&call).copied().unwrap_or_default(), scene.trouble.get(&call).cloned())
        };
        self.changed.send_replace(());
        let mut waiting = Waiting { world: self, call, answered: false };
        tokio::time::sleep(takes).await;
        waiting.answered = true;
        trouble.map_or(Ok(()), Err)
    }

    /// What comes before a write goes out.
    async fn token(&self, wanted: &Wanted) -> Result<(), Trouble> {
        self.call(Call::Token).await?;
        let cancelled = Failure::Cancelled { open_until: None, asking: false, starting: false };
        if wanted.leave() { Ok(()) } else { Err(cancelled.into()) }
    }

    fn policies_shown(&self, vm: &VmResourceId) -> Vec<JitNetworkAccessPolicy> {
        if self.scene().policy_deleted {
            return Vec::new();
        }
        let rule = JitNetworkAccessPortRule {
            number: 22,
            protocol: RuleProtocol::Tcp,
            allowed_source_address_prefixes: vec![SourcePrefix::Any],
            max_request_access_duration: Some(TimeDelta::hours(3)),
        };
        let entry = JitNetworkAccessPolicyVirtualMachine { id: vm.clone(), ports: vec![rule], public_ip_address: None };
        let of_vm =
            |request: &&JitNetworkAccessRequest| request.virtual_machines.iter().any(|machine| machine.id == *vm);
        let requests = self.scene().requests.iter().filter(of_vm).cloned().collect();
        vec![JitNetworkAccessPolicy { id: policy_id(), virtual_machines: vec![entry], requests }]
    }
}

#[async_trait]
impl Azure for World {
    async fn policies(&self, vm: &VmResourceId) -> Result<Vec<JitNetworkAccessPolicy>, Trouble> {
        self.call(Call::Policies).await?;
        Ok(self.policies_shown(vm))
    }

    async fn policies_of(&self, vms: &[VmResourceId]) -> Vec<Result<Vec<JitNetworkAccessPolicy>, Trouble>> {
        self.scene().listed.push(vms.to_vec());
        let answer = self.call(Call::Policies).await;
        vms.iter().map(|vm| answer.clone().map(|()| self.policies_shown(vm))).collect()
    }

    async fn initiate(
        &self,
        vm: &VmResourceId,
        ask: &Ask,
        wanted: &Wanted,
    ) -> Result<JitNetworkAccessRequest, InitiateFailure> {
        self.token(wanted).await.map_err(InitiateFailure::Refused)?;
        let request = self.request(vm, ask.source, ask.end_time_utc, "me");
        let scripted = self.scene().initiate.pop_front();
        let (failure, granted) = scripted.map_or((None, true), |(failure, granted)| (Some(failure), granted));
        let unanswered = matches!(failure, Some(InitiateFailure::Unanswered(_)));
        if unanswered && granted {
            self.scene().requests.push(request.clone());
        }
        self.call(Call::Initiate).await.map_err(InitiateFailure::Refused)?;
        if granted && !unanswered {
            self.scene().requests.push(request.clone());
            self.changed.send_replace(());
        }
        failure.map_or(Ok(request), Err)
    }

    async fn initiate_together(&self, asks: &[Asking]) -> Vec<Result<JitNetworkAccessRequest, InitiateFailure>> {
        join_all(asks.iter().map(|one| self.initiate(&one.vm, &one.ask, &one.wanted))).await
    }

    async fn virtual_machine(&self, vm: &VmResourceId) -> Result<VmFacts, Trouble> {
        self.call(Call::Vm).await?;
        if self.scene().unreadable.contains(vm) {
            return Err(Failure::VmNotFound { vm: vm.to_string() }.into());
        }
        let Scene { power, os, .. } = *self.scene();
        let identity = self.scene().identity.clone();
        Ok(VmFacts { power, os, location: "westeurope".into(), network_interfaces: vec![policy_id()], identity })
    }

    async fn start(&self, _vm: &VmResourceId, wanted: &Wanted) -> Result<(), Trouble> {
        self.token(wanted).await?;
        self.call(Call::Start).await?;
        self.scene().power = PowerState::Running;
        self.changed.send_replace(());
        Ok(())
    }

    async fn deallocate(&self, _vm: &VmResourceId, wanted: &Wanted, begun: &TellBegun<'_>) -> Result<(), Trouble> {
        loop {
            self.token(wanted).await?;
            self.call(Call::Deallocate).await?;
            let mut scene = self.scene();
            let Some(unsure) = scene.unsure.checked_sub(1) else { break };
            scene.unsure = unsure;
        }
        self.scene().power = PowerState::Deallocating;
        begun();
        self.see_deallocated(_vm).await
    }

    async fn see_deallocated(&self, _vm: &VmResourceId) -> Result<(), Trouble> {
        self.call(Call::Watch).await?;
        self.scene().power = PowerState::Deallocated;
        self.changed.send_replace(());
        Ok(())
    }

    async fn addresses(&self, _network_interfaces: &[ResourceId]) -> Result<VmAddresses, Trouble> {
        self.call(Call::Addresses).await?;
        let Scene { is_static, public: ip, .. } = *self.scene();
        let public = Some(PublicAddress { ip, is_static });
        Ok(VmAddresses { public, private: Some(PRIVATE), ..VmAddresses::default() })
    }

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

    async fn granted(&self, _vm: &VmResourceId) -> Result<Granted, Trouble> {
        self.call(Call::Granted).await?;
        Ok(self.scene().granted.clone())
    }

    async fn activity_log(
        &self,
        _vm: &VmResourceId,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<ActivityEvent>, Trouble> {
        self.call(Call::ActivityLog).await?;
        let events = self.scene().activity.clone();
        Ok(events.into_iter().filter(|event| since <= event.at && event.at <= until).collect())
    }
}

fn policy_id() -> ResourceId {
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Security/locations/l/jitNetworkAccessPolicies/default"
        .parse()
        .unwrap()
}

#[async_trait]
impl Browser for World {
    async fn open(&self, url: &str) -> Result<(), Trouble> {
        self.scene().opened.push(url.into());
        self.call(Call::Browser).await
    }
}

#[async_trait]
impl Launcher for World {
    async fn launch(&self, _order: &Order, _profile: &Profile, endpoint: &Endpoint) -> Result<(), Trouble> {
        self.call(Call::Launch).await?;
        self.scene().launched.push(endpoint.clone());
        Ok(())
    }

    async fn host_key(&self, _order: &Order, _profile: &Profile, _endpoint: &Endpoint) -> HostKeyLook {
        self.scene().host_key.clone()
    }

    fn client(&self, _order: &Order, _profile: &Profile) -> ClientFound {
        let program = || self.scene().client.clone();
        ClientFound { in_window: program(), in_terminal: program() }
    }
}

impl Clock for World {
    fn now(&self) -> DateTime<Utc> {
        let since = TimeDelta::from_std(self.began.elapsed()).unwrap();
        self.wall_clock + since + TimeDelta::milliseconds(self.set_forward_ms.load(Ordering::Relaxed))
    }

    fn zone(&self, now: DateTime<Utc>) -> Zone {
        Zone::always(Utc.fix(), now)
    }
}
