//! What the engine needs of the world. Each port has one real adapter, and fakes in tests.

use std::sync::Arc;
use std::time::Duration;

use ajar_core::account::Acting;
use ajar_core::attempt::{Ask, InitiateFailure, Order};
use ajar_core::failure::Trouble;
use ajar_core::policy::{JitNetworkAccessPolicy, JitNetworkAccessRequest};
use ajar_core::port::{Endpoint, PortAnswer, Protocol};
use ajar_core::profile::Profile;
use ajar_core::resource_id::{ResourceId, VmResourceId};
use ajar_core::settings::Settings;
use ajar_core::source::SourceAddress;
use ajar_core::vm::{VmAddresses, VmFacts};
use ajar_core::zone::Zone;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

pub use ajar_azure::Wanted;

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
    /// Reads a VM with its instance view.
    async fn virtual_machine(&self, vm: &VmResourceId) -> Result<VmFacts, Trouble>;
    /// Starts a VM, if that is `wanted` when its turn comes, and waits until it runs.
    async fn start(&self, vm: &VmResourceId, wanted: &Wanted) -> Result<(), Trouble>;
    /// Reads where a VM can be reached.
    async fn addresses(&self, network_interfaces: &[ResourceId]) -> Result<VmAddresses, Trouble>;
}

/// The accounts, all of which act side by side.
pub trait Accounts: Send + Sync {
    /// The calls to Azure, made as one of them.
    fn acting(&self, acting: &Acting) -> Arc<dyn Azure>;
    /// How Azure names whom it acts as in requests for access, where that is known.
    fn principal(&self, acting: &Acting) -> Option<String>;
    /// Azure's time minus ours, if known and worth speaking of.
    fn clock_skew(&self) -> Option<TimeDelta>;
    /// Takes in what the settings say now.
    fn settings_are(&self, settings: &Settings);
}

/// Finds this machine's public address.
#[async_trait]
pub trait PublicIp: Send + Sync {
    /// Asks the sources and weighs their answers.
    async fn detect(&self) -> Result<SourceAddress, Trouble>;
}

/// Looks at ports.
#[async_trait]
pub trait PortProbe: Send + Sync {
    /// One look; bears silence for `patience`.
    async fn look(&self, endpoint: &Endpoint, protocol: Protocol, patience: Duration) -> PortAnswer;
}

/// Starts clients in windows of their own.
#[async_trait]
pub trait Launcher: Send + Sync {
    /// Starts the client of an attempt; returns once it runs.
    async fn launch(&self, order: &Order, profile: &Profile, endpoint: &Endpoint) -> Result<(), Trouble>;
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
    /// This machine's public address.
    pub public_ip: Arc<dyn PublicIp>,
    /// Looks at ports.
    pub probe: Arc<dyn PortProbe>,
    /// Starts clients.
    pub launcher: Arc<dyn Launcher>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}
