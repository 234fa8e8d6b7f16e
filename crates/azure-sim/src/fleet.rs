//! What exists in the simulated Azure, as read from a fleet file. `docs/simulator.md` documents the format.

mod accounts;
mod bastion;
mod check;
mod failures;
mod generate;
mod network;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use uuid::Uuid;

pub(crate) use accounts::{AccountKind, AccountSpec, ApplicationSpec, Role, SERVICE_PRINCIPAL, TenantSpec, derived};

use crate::state::nsg;
use bastion::BastionSpec;
pub(crate) use failures::{DefenderPlan, Lock, StartFailure};
use generate::Generate;
use network::{GroupSpec, NetworkSpec};

/// Subscriptions and VMs, checked: no two are one, every prefix and duration can be read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    #[serde(default = "default_tenant")]
    pub(crate) tenant_id: Uuid,
    #[serde(default = "default_client")]
    pub(crate) client_id: Uuid,
    #[serde(default = "default_object")]
    pub(crate) object_id: Uuid,
    #[serde(default = "default_public_ip")]
    pub(crate) public_ip: Ipv4Addr,
    /// The tenant of `tenant_id` first; never empty once the file has been read.
    #[serde(default)]
    pub(crate) tenants: Vec<TenantSpec>,
    /// The service principal of `client_id` first; complete once the file has been read.
    #[serde(default)]
    pub(crate) accounts: Vec<AccountSpec>,
    /// Besides those of Microsoft's own that every tenant knows.
    #[serde(default)]
    pub(crate) applications: Vec<ApplicationSpec>,
    /// May be left out when subscriptions are generated.
    #[serde(default)]
    pub(crate) subscriptions: Vec<SubscriptionSpec>,
    /// More of everything, by number.
    generate: Option<Generate>,
    #[serde(default)]
    pub(crate) network_security_groups: Vec<GroupSpec>,
    #[serde(default)]
    bastion_hosts: Vec<BastionSpec>,
    #[serde(default)]
    pub(crate) vms: Vec<VmSpec>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubscriptionSpec {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) defender: DefenderPlan,
    /// Id, domain or name of a tenant; the first one when left out.
    pub(crate) tenant: Option<String>,
    /// The tenant, once the file has been read.
    #[serde(skip)]
    pub(crate) tenant_id: Uuid,
    /// Tenants to which it is delegated (Azure Lighthouse), as `tenant`: their tokens are good for it, too.
    #[serde(default)]
    pub(crate) managed_by: Vec<String>,
    /// Those tenants, once the file has been read.
    #[serde(skip)]
    pub(crate) managed_by_ids: Vec<Uuid>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent yes-or-no keys of the fleet file")]
pub(crate) struct VmSpec {
    pub(crate) name: String,
    /// Id or name of a subscription of the fleet; the first one when left out.
    pub(crate) subscription: Option<String>,
    #[serde(default = "default_resource_group")]
    pub(crate) resource_group: String,
    #[serde(default = "default_location")]
    pub(crate) location: String,
    #[serde(default)]
    pub(crate) os: Os,
    #[serde(default = "default_size")]
    pub(crate) size: String,
    #[serde(default)]
    pub(crate) power: InitialPower,
    /// A loopback address of one's own choice.
    pub(crate) address: Option<Ipv4Addr>,
    #[serde(default)]
    pub(crate) dynamic_address: bool,
    #[serde(default)]
    pub(crate) private_only: bool,
    #[serde(default)]
    pub(crate) firewall: bool,
    #[serde(default)]
    pub(crate) out_of_capacity: bool,
    /// As `out_of_capacity`, by another code.
    pub(crate) start_fails: Option<StartFailure>,
    #[serde(default)]
    pub(crate) generalized: bool,
    pub(crate) lock: Option<Lock>,
    #[serde(default)]
    pub(crate) denied_actions: Vec<String>,
    #[serde(default)]
    pub(crate) network: NetworkSpec,
    #[serde(default = "default_policy")]
    pub(crate) policy: String,
    /// The policy's resource group; the VM's when left out.
    pub(crate) policy_group: Option<String>,
    pub(crate) ports: Vec<PortSpec>,
    /// One of very many: it costs nothing until its door opens.
    #[serde(skip)]
    pub(crate) generated: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) enum Os {
    #[default]
    Linux,
    Windows,
}

impl Os {
    /// `osType` of the OS disk.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::Windows => "Windows",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InitialPower {
    #[default]
    Running,
    Stopped,
    Deallocated,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortSpec {
    pub(crate) number: u16,
    /// An NSG rule lets everyone in, JIT or not.
    #[serde(default)]
    pub(crate) open: bool,
    pub(crate) jit: Option<JitSpec>,
    pub(crate) service: Option<ServiceSpec>,
    /// `host:port` of a real server.
    pub(crate) forward: Option<String>,
}

/// What answers behind the guard.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ServiceSpec {
    Ssh,
    Rdp,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JitSpec {
    #[serde(default = "default_max_duration")]
    pub(crate) max_duration: String,
    /// One prefix shows as `allowedSourceAddressPrefix`, several as `allowedSourceAddressPrefixes`.
    #[serde(default = "default_sources")]
    pub(crate) sources: Vec<String>,
    #[serde(default)]
    pub(crate) protocol: ProtocolSpec,
}

/// What a JIT rule is about, as policies spell it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ProtocolSpec {
    #[default]
    #[serde(rename = "*")]
    Any,
    Tcp,
    Udp,
}

impl From<ProtocolSpec> for nsg::Protocol {
    fn from(spec: ProtocolSpec) -> Self {
        match spec {
            ProtocolSpec::Any => Self::Any,
            ProtocolSpec::Tcp => Self::Tcp,
            ProtocolSpec::Udp => Self::Udp,
        }
    }
}

fn default_tenant() -> Uuid {
    Uuid::from_u128(0x7c1f_0a52_6f0e_4c2b_9d57_31aa_5e6b_1c01)
}

fn default_client() -> Uuid {
    Uuid::from_u128(0x2b1d_94c8_53aa_4b7e_8a16_0f0d_c0de_aa01)
}

fn default_object() -> Uuid {
    Uuid::from_u128(0x9e0c_51f7_18d3_47a9_b2c4_6d1e_0b1e_c701)
}

fn default_public_ip() -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, 24)
}

fn default_resource_group() -> String {
    "rg-demo".to_owned()
}

fn default_location() -> String {
    "westeurope".to_owned()
}

fn default_size() -> String {
    "Standard_D2s_v5".to_owned()
}

fn default_policy() -> String {
    "default".to_owned()
}

fn default_max_duration() -> String {
    "PT3H".to_owned()
}

fn default_sources() -> Vec<String> {
    vec!["*".to_owned()]
}

/// Why a fleet file can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// The file can't be read.
    #[error("can't read the fleet file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is no TOML of the documented shape; the source names line and key.
    #[error("{} is not a fleet file", file.as_ref().map_or("the text".into(), |path| path.to_string_lossy()))]
    Syntax {
        /// The file, when there is one.
        file: Option<PathBuf>,
        /// Line, column and key.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value makes no sense.
    #[error("{}{key}: {problem}", file.as_ref().map_or(String::new(), |path| format!("{}: ", path.display())))]
    Invalid {
        /// The file, when there is one.
        file: Option<PathBuf>,
        /// The key, such as `vms.web-01.ports.22.jit.max_duration`.
        key: String,
        /// What is wrong with its value and what would be right.
        problem: String,
    },
}

impl Default for Fleet {
    fn default() -> Self {
        // A unit test parses the built-in file, so the empty fleet never shows.
        include_str!("default-fleet.toml").parse().unwrap_or_else(|_: FleetError| Self {
            tenant_id: default_tenant(),
            client_id: default_client(),
            object_id: default_object(),
            public_ip: default_public_ip(),
            tenants: accounts::tenants(default_tenant(), &[]),
            accounts: Vec::new(),
            applications: Vec::new(),
            subscriptions: Vec::new(),
            generate: None,
            network_security_groups: Vec::new(),
            bastion_hosts: Vec::new(),
            vms: Vec::new(),
        })
    }
}

impl std::str::FromStr for Fleet {
    type Err = FleetError;

    fn from_str(text: &str) -> Result<Self, FleetError> {
        Self::parse(text, None)
    }
}

impl Fleet {
    /// Reads and checks a fleet file.
    pub fn read(path: &Path) -> Result<Self, FleetError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| FleetError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, Some(path))
    }

    fn parse(text: &str, file: Option<&Path>) -> Result<Self, FleetError> {
        let file = file.map(Path::to_owned);
        let mut fleet: Self = toml::from_str(text)
            .map_err(|source| FleetError::Syntax { file: file.clone(), source: Box::new(source) })?;
        if let Some(folder) = file.as_deref().and_then(Path::parent) {
            for account in &mut fleet.accounts {
                account.certificate = account.certificate.take().map(|path| folder.join(path));
            }
        }
        match fleet.complete().and_then(|()| fleet.check()) {
            Ok(()) => Ok(fleet),
            Err((key, problem)) => Err(FleetError::Invalid { file, key, problem }),
        }
    }

    /// The subscription of a VM.
    pub(crate) fn subscription_of(&self, vm: &VmSpec) -> Option<&SubscriptionSpec> {
        self.subscription_named(vm.subscription.as_ref())
    }

    /// The subscription with this name or id; the first one without.
    fn subscription_named(&self, wanted: Option<&String>) -> Option<&SubscriptionSpec> {
        let Some(wanted) = wanted else { return self.subscriptions.first() };
        let id = Uuid::parse_str(wanted).ok();
        self.subscriptions.iter().find(|known| known.name == *wanted || Some(known.id) == id)
    }

    /// Fills in what the file may leave out of tenants and accounts, and puts each subscription into its tenant.
    fn complete(&mut self) -> Result<(), (String, String)> {
        self.tenants = accounts::tenants(self.tenant_id, &self.tenants);
        if let Some(generate) = self.generate {
            generate.check()?;
            generate.fill(self);
        }
        if let Some(taken) = self.accounts.iter().find(|account| account.name == accounts::SERVICE_PRINCIPAL) {
            let problem = "is the name of the service principal that client_id names".to_owned();
            return Err((format!("accounts.{}.name", taken.name), problem));
        }
        self.accounts = accounts::accounts(self.service_principal(), &self.accounts, &self.tenants);
        for subscription in &mut self.subscriptions {
            let wanted = subscription.tenant.as_deref();
            let found = self.tenants.iter().find(|tenant| wanted.is_none_or(|wanted| tenant.is(wanted)));
            let key = || format!("subscriptions.{}.tenant", subscription.name);
            subscription.tenant_id = found.ok_or_else(|| (key(), "names none of the fleet's tenants".to_owned()))?.id;
            for wanted in &subscription.managed_by {
                let found = self.tenants.iter().find(|tenant| tenant.is(wanted));
                let key = || format!("subscriptions.{}.managed_by", subscription.name);
                let found = found.ok_or_else(|| (key(), "names none of the fleet's tenants".to_owned()))?;
                subscription.managed_by_ids.push(found.id);
            }
        }
        Ok(())
    }

    fn service_principal(&self) -> AccountSpec {
        // Generated tenants know it too.
        let generated = self.generate.map_or(0, Generate::tenants_added);
        let guest_in = self.tenants.iter().rev().take(generated).map(|tenant| tenant.name.clone()).collect();
        AccountSpec {
            client_id: Some(self.client_id),
            object_id: Some(self.object_id),
            guest_in,
            ..AccountSpec::new(accounts::SERVICE_PRINCIPAL, AccountKind::ServicePrincipal)
        }
    }
}

impl PortSpec {
    /// What answers on this port of a VM with this OS; nothing when it is neither named nor obvious.
    pub(crate) fn service_on(&self, os: Os) -> Option<ServiceSpec> {
        self.service.or(match (self.number, os) {
            (3389, _) => Some(ServiceSpec::Rdp),
            (22, _) | (_, Os::Linux) => Some(ServiceSpec::Ssh),
            (_, Os::Windows) => None,
        })
    }
}
