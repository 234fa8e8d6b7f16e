//! What the engine needs of the world. Each port has one real adapter, and fakes in tests.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ajar_core::account::{AccountName, AccountSettings, Acting, KeychainTrouble};
use ajar_core::activity::ActivityEvent;
use ajar_core::attempt::{Ask, ClientFound, InitiateFailure, Order};
use ajar_core::bastion::BastionHost;
use ajar_core::failure::{SignInDemand, Trouble};
use ajar_core::host_key::HostKeyLook;
use ajar_core::inventory::{InventoryVm, Lacking, Viewpoint};
use ajar_core::policy::{JitNetworkAccessPolicy, JitNetworkAccessRequest};
use ajar_core::port::{Endpoint, PortAnswer, Protocol};
use ajar_core::profile::Profile;
use ajar_core::protocol::SecretText;
use ajar_core::resource_id::{ResourceId, VmResourceId};
use ajar_core::rights::{Granted, Principal};
use ajar_core::settings::Settings;
use ajar_core::snapshot::{Kept, SignInStage};
use ajar_core::source::SourceAddress;
use ajar_core::team::{TeamProblem, TeamUrl};
use ajar_core::vm::{VmAddresses, VmFacts};
use ajar_core::zone::Zone;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

pub use ajar_azure::{AzAccount, AzTunnel, TellBegun, Tunnel, Wanted};

/// A wish for access to a VM.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The VM.
    pub vm: VmResourceId,
    /// What is asked.
    pub ask: Ask,
    /// Whether it still is.
    pub wanted: Wanted,
}

/// The calls to Azure.
#[async_trait]
pub trait Azure: Send + Sync {
    /// The JIT policies that speak of a VM.
    async fn policies(&self, vm: &VmResourceId) -> Result<Vec<JitNetworkAccessPolicy>, Trouble>;
    /// The same for several VMs of one subscription with as few calls as can be; the results stand in the order of the VMs.
    async fn policies_of(&self, vms: &[VmResourceId]) -> Vec<Result<Vec<JitNetworkAccessPolicy>, Trouble>>;
    /// Asks for access, if that is `wanted` when its turn comes.
    async fn initiate(
        &self,
        vm: &VmResourceId,
        ask: &Ask,
        wanted: &Wanted,
    ) -> Result<JitNetworkAccessRequest, InitiateFailure>;
    /// Asks for access to several VMs that one policy guards, for one justification, in one request where Azure takes
    /// that. The results stand in the order of what is asked.
    async fn initiate_together(&self, asks: &[Asking]) -> Vec<Result<JitNetworkAccessRequest, InitiateFailure>>;
    /// Reads a VM with its instance view.
    async fn virtual_machine(&self, vm: &VmResourceId) -> Result<VmFacts, Trouble>;
    /// Starts a VM, if that is `wanted` when its turn comes, and waits until it runs.
    async fn start(&self, vm: &VmResourceId, wanted: &Wanted) -> Result<(), Trouble>;
    /// Deallocates a VM, if that is `wanted` when its turn comes, and waits until it is. `begun` hears when Azure has taken
    /// that on.
    async fn deallocate(&self, vm: &VmResourceId, wanted: &Wanted, begun: &TellBegun<'_>) -> Result<(), Trouble>;
    /// Waits until a VM is deallocated that somebody has told to be.
    async fn see_deallocated(&self, vm: &VmResourceId) -> Result<(), Trouble>;
    /// Reads where a VM can be reached.
    async fn addresses(&self, network_interfaces: &[ResourceId]) -> Result<VmAddresses, Trouble>;
    /// The Bastion host that leads native clients to VMs in this subnet.
    async fn bastion(&self, subnet: &ResourceId) -> Result<BastionHost, Trouble>;
    /// A connection to a VM's port through a Bastion host.
    async fn tunnel(&self, host: &BastionHost, vm: &VmResourceId, port: u16) -> Result<Tunnel, Trouble>;
    /// The same way, made by the Azure CLI.
    async fn az_tunnel(&self, az: &Path, host: &BastionHost, vm: &VmResourceId, port: u16)
    -> Result<AzTunnel, Trouble>;
    /// Looks up what the account may where a VM is.
    async fn granted(&self, vm: &VmResourceId) -> Result<Granted, Trouble>;
    /// Reads what the Activity Log tells of a VM from `since` until `until`.
    async fn activity_log(
        &self,
        vm: &VmResourceId,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<ActivityEvent>, Trouble>;
}

/// Who is to sign in, and how.
#[derive(Clone, Debug)]
pub struct SignInPlan {
    /// What failures call the account.
    pub called: String,
    /// What is known of it.
    pub account: AccountSettings,
    /// A service principal's secret.
    pub secret: Option<SecretText>,
    /// The tenant that was asked for, where it is written in another way than the account's own: it may be the same.
    pub wanted_tenant: Option<String>,
    /// What the account was last refused for, and where it has to be met.
    pub demand: SignInDemand,
}

/// Who has signed in.
#[derive(Clone, Debug)]
pub struct SignedInAs {
    /// What is known of the account now.
    pub account: AccountSettings,
    /// Where its sign-in is kept.
    pub kept: Kept,
}

/// What was forgotten of an account.
#[derive(Clone, Debug, Default)]
pub struct Forgotten {
    /// Whether there was a sign-in.
    pub had_sign_in: bool,
    /// Why the keychain could not be looked in, where it could not: what it has is removed later.
    pub unusable: Option<KeychainTrouble>,
    /// Another account that is the same person or application, and lives on the same sign-in: that stays.
    pub shared_with: Option<AccountName>,
}

/// Keeps a sign-in. Once begun it is brought to its end: a keychain that is asked stores what it was given, whoever still
/// wants that.
pub type KeepSignIn = BoxFuture<'static, Result<SignedInAs, Trouble>>;

/// Removes what is kept under no account, and notes what became of that.
pub type LetGo = BoxFuture<'static, ()>;

/// Hears how far a sign-in is.
pub type TellStage = dyn Fn(SignInStage) + Send + Sync;

/// The accounts, all of which act side by side.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// The calls to Azure, made as one of them.
    fn acting(&self, acting: &Acting) -> Arc<dyn Azure>;
    /// How Azure names whom it acts as in requests for access, where that is known.
    fn principal(&self, acting: &Acting) -> Option<String>;
    /// Who acts so on a subscription, as its administrator knows them.
    async fn whom(&self, acting: &Acting, subscription: &str) -> Principal;
    /// Azure's time minus ours, if known and worth speaking of.
    fn clock_skew(&self) -> Option<TimeDelta>;
    /// Takes in what the settings say now; what is left to do then is to let go of what sign-ins have left behind that became
    /// no account.
    fn settings_are(&self, settings: &Settings) -> Option<LetGo>;
    /// Signs somebody in; what is left to do then is to keep it. Dropped, it is given up.
    async fn sign_in(&self, plan: &SignInPlan, tell: &TellStage) -> Result<KeepSignIn, Trouble>;
    /// Forgets what was kept of a sign-in that nobody wants any more, unless an account in the settings lives on it.
    async fn forget_sign_in(&self, account: &AccountSettings);
    /// Forgets all that is kept of an account's sign-in.
    async fn sign_out(&self, name: &AccountName, account: &AccountSettings) -> Result<Forgotten, Trouble>;
    /// Who is signed in to the Azure CLI.
    async fn az_accounts(&self) -> Result<Vec<AzAccount>, Trouble>;
    /// Whether who acts so on a subscription does it in a tenant, by whichever of its names it goes, as far as is known.
    fn is_in_tenant(&self, acting: &Acting, subscription: &str, tenant: &str) -> bool;
    /// Where the sign-in of an account is kept.
    fn kept(&self, account: &AccountSettings) -> Kept;
}

/// Takes in VMs as they are told.
pub type TellVms<'t> = dyn Fn(Vec<InventoryVm>) + Send + Sync + 't;

/// Lists the VMs that accounts can see.
#[async_trait]
pub trait VmLists: Send + Sync {
    /// Where an account may see VMs: the tenants that know it.
    async fn viewpoints(&self, acting: &Acting) -> Result<Vec<Viewpoint>, Trouble>;
    /// Tells all VMs that are seen from there, as they come, and at the end what could not be read of them. Trouble is with those that
    /// are missing.
    async fn vms(&self, viewpoint: &Viewpoint, tell: &TellVms<'_>) -> Result<Vec<Lacking>, Trouble>;
    /// The JIT policies of a subscription that is seen from there.
    async fn policies_in(
        &self,
        viewpoint: &Viewpoint,
        subscription: &str,
    ) -> Result<Vec<JitNetworkAccessPolicy>, Trouble>;
}

/// Finds this machine's public address.
#[async_trait]
pub trait PublicIp: Send + Sync {
    /// Asks the sources of a cloud and weighs their answers: each cloud says who is to be asked.
    async fn detect(&self, cloud: &str) -> Result<SourceAddress, Trouble>;
}

/// As long as it is there, changes of the network are told.
pub type NetworkWatch = Box<dyn Send + Sync>;

/// Tells that this machine's network has become another one.
pub trait NetworkEvents: Send + Sync {
    /// Has `changed` called after each change that may have brought another public address, until what comes is dropped. A change
    /// that looks the same from within, as from one network of the same addresses to another, may not be told.
    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) -> NetworkWatch;
}

/// Where connections lead.
pub type Peers = HashSet<SocketAddr>;

/// Tells what this machine is connected to.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Where its established TCP connections lead, whoever in it has them; none where the system does not tell.
    async fn peers(&self) -> Option<Peers>;
}

/// Looks at ports.
#[async_trait]
pub trait PortProbe: Send + Sync {
    /// One look; bears silence for `patience`.
    async fn look(&self, endpoint: &Endpoint, protocol: Protocol, patience: Duration) -> PortAnswer;
    /// Whether this machine has ways beside that to the internet, such as a VPN.
    fn has_own_ways(&self) -> bool;
    /// Whether one of these leads there, and not only to a neighbour on the same wire: that may be another machine of the same
    /// private address.
    fn has_own_way(&self, endpoint: &Endpoint) -> bool;
}

/// Starts clients in windows of their own.
#[async_trait]
pub trait Launcher: Send + Sync {
    /// Starts the client of an attempt; returns once it runs.
    async fn launch(&self, order: &Order, profile: &Profile, endpoint: &Endpoint) -> Result<(), Trouble>;
    /// Holds the key of the server that answers there against those that ssh knows for the VM. [`HostKeyLook::Unknown`] where ssh is
    /// not what opens it.
    async fn host_key(&self, order: &Order, profile: &Profile, endpoint: &Endpoint) -> HostKeyLook;
    /// Which programs would be started, if they are there.
    fn client(&self, order: &Order, profile: &Profile) -> ClientFound;
}

/// Opens the user's browser.
#[async_trait]
pub trait Browser: Send + Sync {
    /// Has it show an address; returns once it is asked to.
    async fn open(&self, url: &str) -> Result<(), Trouble>;
}

/// What tells one version of a served file from another: its server's own words, to be repeated to it (RFC 9110 8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// A served file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Downloaded {
    /// It is what it was.
    Same,
    /// It is another one.
    New {
        /// What it says, no longer than [`ajar_core::team::MAX_TEAM_BYTES`].
        bytes: Vec<u8>,
        /// What tells it from others.
        validators: Validators,
    },
}

/// Gets the files of teams that have an address.
#[async_trait]
pub trait TeamDownloads: Send + Sync {
    /// Asks for one; of the version that is `known` nothing but that it is still that. Ends within some seconds.
    async fn download(&self, url: &TeamUrl, known: &Validators) -> Result<Downloaded, TeamProblem>;
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// This machine's wall clock.
    fn now(&self) -> DateTime<Utc>;
    /// The user's clock at that time: what is on another day is told with the day.
    fn zone(&self, now: DateTime<Utc>) -> Zone;
}

/// All ports of an engine.
#[derive(Clone)]
pub struct Ports {
    /// Who calls Azure.
    pub accounts: Arc<dyn Accounts>,
    /// What they can see.
    pub vm_lists: Arc<dyn VmLists>,
    /// This machine's public address.
    pub public_ip: Arc<dyn PublicIp>,
    /// When that may have become another.
    pub network: Arc<dyn NetworkEvents>,
    /// What this machine is connected to.
    pub connections: Arc<dyn Connections>,
    /// Looks at ports.
    pub probe: Arc<dyn PortProbe>,
    /// Opens the browser.
    pub browser: Arc<dyn Browser>,
    /// Starts clients.
    pub launcher: Arc<dyn Launcher>,
    /// The files of teams.
    pub teams: Arc<dyn TeamDownloads>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}
