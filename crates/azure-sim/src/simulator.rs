//! Starting and stopping.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::DefaultBodyLimit;
use axum::http::Response;
use axum::routing::get;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use chrono::Utc;
use russh::keys::PublicKey;
use tempfile::TempDir;
use tokio::task::{JoinHandle, yield_now};
use tower_http::CompressionLevel;
use tower_http::compression::{CompressionLayer, Predicate};

use crate::announce::{Announce, AnnouncePort, AnnounceSsh, AnnounceVm};
use crate::connection::ResettableAcceptor;
use crate::entra::Entra;
use crate::entra::certificate::{self, Certificate};
use crate::fleet::{Fleet, FleetError, SERVICE_PRINCIPAL, ServiceSpec};
use crate::front::Front;
use crate::guard::{Guard, Services};
use crate::guest::Service;
use crate::guest::shell::Machine;
use crate::guest::ssh::SshGuest;
use crate::keys::HostKey;
use crate::latency::Latencies;
use crate::site::Site;
use crate::state::Cloud;
use crate::state::vm::{PublicIp, Vm};
use crate::world::World;
use crate::{arm, bastion, control, entra, keys, microsoft_graph, public_ip, tls};

/// The user that the built-in guests know.
const USER: &str = "demo";

/// How much slower or faster than Azure a simulator may run. Slower still, and a start would outlast the calendar; faster
/// still, and nothing is left of a wait.
pub const SPEEDS: RangeInclusive<f64> = 0.001..=1e9;

/// How to run a simulator.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to serve HTTPS. Port 0 takes any free one. The certificate is for `localhost`, `127.0.0.1` and `::1`.
    pub listen: SocketAddr,
    /// What exists; the built-in fleet when none is given.
    pub fleet: Option<Fleet>,
    /// All waits are divided by this. JIT windows are not: an hour is an hour.
    pub speed: f64,
    /// Determines how long each wait is.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0), fleet: None, speed: 1.0, seed: 1 }
    }
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The speed is no number from [`SPEEDS`].
    #[error("the speed must be a number from {low} to {high}, not {0}", low = SPEEDS.start(), high = SPEEDS.end())]
    Speed(f64),
    /// The fleet can't be used.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// The HTTPS address can't be listened on.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A VM's own address can't be used.
    #[error("can't use the address of {vm}")]
    Address {
        /// The VM's name.
        vm: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An account's certificate can't be read.
    #[error("can't read the certificate {} of the account {account}", path.display())]
    Certificate {
        /// The PEM file.
        path: PathBuf,
        /// The account's name.
        account: String,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// The certificates can't be made.
    #[error("can't make the certificates")]
    Certificates(#[from] rcgen::Error),
    /// Files, keys or sockets.
    #[error("can't prepare {what}")]
    Prepare {
        /// What was being prepared.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

fn preparing(what: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |source| StartError::Prepare { what, source }
}

/// A running simulator. Dropping it stops it too; [`Simulator::stop`] also waits for the end.
pub struct Simulator {
    announce: Announce,
    world: Arc<World>,
    /// HTTPS, and the plain http of the instance metadata service.
    servers: [Handle<SocketAddr>; 2],
    tasks: Vec<JoinHandle<()>>,
    _site: Site,
    _folder: TempDir,
}

impl Simulator {
    /// Makes certificates and keys, finds addresses, and serves. Ready when it returns. Dropped before, it soon ends and
    /// leaves nothing behind: keys take their time, and between them it looks up.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        if !SPEEDS.contains(&options.speed) {
            return Err(StartError::Speed(options.speed));
        }
        // Whoever installed a provider before us keeps it; any will do.
        let _ignored = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let fleet = options.fleet.clone().unwrap_or_default();
        let certificates = tls::make()?;
        yield_now().await;
        let folder = TempDir::with_prefix("azure-sim-").map_err(preparing("the temporary folder"))?;
        let ca_bundle = folder.path().join("ca.pem");
        std::fs::write(&ca_bundle, &certificates.ca_pem).map_err(preparing("the certificate authority's file"))?;
        let identity_file = folder.path().join("id_ed25519");
        let user_key = keys::write_identity(&identity_file).map_err(preparing("the SSH key"))?;
        yield_now().await;

        let listening = |source| StartError::Listen { address: options.listen, source };
        let (listener, address) = listen(options.listen).map_err(listening)?;
        let base = base_url(address);
        let (metadata, imds) = listen((Ipv4Addr::LOCALHOST, 0).into()).map_err(preparing("IMDS"))?;

        let client_certificate = folder.path().join("client.pem");
        // Its key takes as long to make as a large fleet takes to be placed.
        let (placed, registered) = std::thread::scope(|scope| {
            let registered = scope.spawn(|| client_certificates(&fleet, &client_certificate));
            (place(&fleet), registered.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let ((site, vms), registered) = (placed?, registered?);
        yield_now().await;
        let (services, host_keys) = services(&fleet, &user_key).await.map_err(preparing("the SSH host keys"))?;
        let cloud = Cloud::new(&fleet, vms, Latencies::new(options.seed, options.speed));
        let entra = Entra::new(&fleet, &registered, base.clone());
        let ssh = AnnounceSsh { user: USER.to_owned(), identity_file };
        let files = (ca_bundle, client_certificate);
        let announce = announce(&base, &cloud, &entra, files, imds, ssh, &host_keys);
        let world = Arc::new(World::new(cloud, entra, Guard::new(services), base, options.seed));
        world.settle().await;

        let tls = RustlsConfig::from_config(certificates.server().map_err(io::Error::other).map_err(preparing("TLS"))?);
        let servers = [Handle::new(), Handle::new()];
        let service = |router: Router| {
            let front = Front::new(Arc::clone(&world), router);
            axum::ServiceExt::<axum::extract::Request>::into_make_service(front)
        };
        let tls = RustlsAcceptor::new(tls).acceptor(ResettableAcceptor);
        let serving = axum_server::from_tcp(listener).map_err(listening)?.acceptor(tls);
        let serving = serving.handle(servers[0].clone()).serve(service(router(&world)));
        let serving_metadata = axum_server::from_tcp(metadata).map_err(preparing("IMDS"))?;
        let plain = entra::imds::router().with_state(Arc::clone(&world));
        let serving_metadata = serving_metadata.acceptor(ResettableAcceptor);
        let serving_metadata = serving_metadata.handle(servers[1].clone()).serve(service(plain));
        let keeper = Arc::clone(&world);
        let tasks = vec![
            tokio::spawn(async move { keeper.keep_guard().await }),
            tokio::spawn(ended(serving)),
            tokio::spawn(ended(serving_metadata)),
        ];
        Ok(Self { announce, world, servers, tasks, _site: site, _folder: folder })
    }

    /// How to reach it. VMs are as they were at the start.
    pub fn announce(&self) -> &Announce {
        &self.announce
    }

    /// Ends everything: server, VMs' sockets, connections, temporary files.
    pub async fn stop(mut self) {
        self.servers.iter().for_each(Handle::shutdown);
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            let _cancelled = task.await;
        }
        self.world.shut().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.servers.iter().for_each(Handle::shutdown);
        for task in &self.tasks {
            task.abort();
        }
        self.world.close_guard();
    }
}

/// Serves, and tells when that ends by itself.
async fn ended(serving: impl Future<Output = io::Result<()>>) {
    if let Err(error) = serving.await {
        tracing::error!(%error, "the server ended");
    }
}

/// A listener for the server, and where it listens.
fn listen(at: SocketAddr) -> io::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(at)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn base_url(address: SocketAddr) -> String {
    let host = match address.ip() {
        IpAddr::V6(Ipv6Addr::LOCALHOST) => "[::1]".to_owned(),
        IpAddr::V4(ip) if ip.is_loopback() => ip.to_string(),
        // The certificate is for this machine's own names.
        IpAddr::V4(_) | IpAddr::V6(_) => Ipv4Addr::LOCALHOST.to_string(),
    };
    format!("https://{host}:{}", address.port())
}

fn place(fleet: &Fleet) -> Result<(Site, Vec<Vm>), StartError> {
    let mut site = Site::claim().map_err(preparing("loopback addresses"))?;
    let now = Utc::now();
    let mut vms = Vec::with_capacity(fleet.vms.len());
    for (index, spec) in (0..).zip(&fleet.vms) {
        let placed = site.place(fleet, vms.len());
        let (public_ip, ports) = placed.map_err(|source| StartError::Address { vm: spec.name.clone(), source })?;
        vms.push(Vm::new(fleet, (index, spec), public_ip, ports, now));
    }
    Ok((site, vms))
}

/// The certificates of service principals, by account. One is made, with its key, for the service principal that every
/// fleet has.
fn client_certificates(fleet: &Fleet, made: &Path) -> Result<HashMap<String, Certificate>, StartError> {
    let own = certificate::write(made).map_err(preparing("the service principal's certificate"))?;
    let mut all = HashMap::from([(SERVICE_PRINCIPAL.to_owned(), own)]);
    for account in &fleet.accounts {
        let Some(path) = &account.certificate else { continue };
        let certificate = Certificate::read(path).map_err(|source| StartError::Certificate {
            path: path.clone(),
            account: account.name.clone(),
            source,
        })?;
        all.insert(account.name.clone(), certificate);
    }
    Ok(all)
}

/// The services of all ports, and the host keys of the VMs that have an SSH guest.
async fn services(fleet: &Fleet, user_key: &PublicKey) -> io::Result<(Services, Vec<Option<HostKey>>)> {
    let mut services = Services::new();
    let mut host_keys = Vec::new();
    // Very many VMs share one host key: a key for each would take longer than everything else.
    let shared =
        SshGuest::new(Machine { host: String::new(), user: USER.to_owned() }, &HostKey::generate()?, user_key.clone());
    for (index, spec) in fleet.vms.iter().enumerate() {
        let mut host_key = None;
        for port in &spec.ports {
            let service = match (&port.forward, port.service_on(spec.os)) {
                (Some(to), _) => Service::Forward(to.clone()),
                (None, Some(ServiceSpec::Rdp)) => Service::X224,
                (None, Some(ServiceSpec::Ssh)) if spec.generated => {
                    Service::Ssh(shared.like(Machine { host: spec.name.clone(), user: USER.to_owned() }))
                }
                (None, Some(ServiceSpec::Ssh)) => {
                    let key = if let Some(key) = host_key.take() {
                        key
                    } else {
                        yield_now().await;
                        HostKey::generate()?
                    };
                    let machine = Machine { host: spec.name.clone(), user: USER.to_owned() };
                    let guest = SshGuest::new(machine, &key, user_key.clone());
                    host_key = Some(key);
                    Service::Ssh(guest)
                }
                (None, None) => continue,
            };
            services.insert((index, port.number), Arc::new(service));
        }
        host_keys.push(host_key);
    }
    Ok((services, host_keys))
}

fn router(world: &Arc<World>) -> Router {
    Router::new()
        .merge(control::router())
        .route("/_ip/{service}", get(public_ip::tell))
        .merge(bastion::router())
        .merge(entra::router())
        .merge(microsoft_graph::router())
        .fallback(arm::handle)
        // The front door has taken the body in, and said how much of it.
        .layer(DefaultBodyLimit::disable())
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(OfModestSize))
        .with_state(Arc::clone(world))
}

/// Of larger answers, packing takes a build without optimisations longer than all the rest, and a loopback nothing is saved.
const MOST_PACKED: u64 = 256 << 10;

/// Answers that are packed for those who take it.
#[derive(Clone, Copy, Debug)]
struct OfModestSize;

impl Predicate for OfModestSize {
    fn should_compress<B: HttpBody>(&self, response: &Response<B>) -> bool {
        response.body().size_hint().exact().is_some_and(|size| (32..=MOST_PACKED).contains(&size))
    }
}

fn announce(
    base: &str,
    cloud: &Cloud,
    entra: &Entra,
    (ca_bundle, client_certificate): (PathBuf, PathBuf),
    imds: SocketAddr,
    ssh: AnnounceSsh,
    host_keys: &[Option<HostKey>],
) -> Announce {
    let vm = |(vm, host_key): (&Vm, &Option<HostKey>)| {
        let id = vm.id();
        let policy = vm.protections.first().map(|protection| &cloud.policies[protection.policy]);
        let address = vm.address().map(|address| address.to_string());
        let own = match vm.public_ip {
            PublicIp::Static(_) | PublicIp::Dynamic { .. } => true,
            PublicIp::None | PublicIp::Firewall(_) => false,
        };
        AnnounceVm {
            id,
            subscription_id: vm.subscription.clone(),
            resource_group: vm.resource_group.clone(),
            name: vm.name.clone(),
            location: vm.location.clone(),
            os: vm.os.name().to_owned(),
            power_state: vm.power.current().code().to_owned(),
            jit_policy: policy.map(|policy| policy.name.clone()),
            public_ip: address.clone().filter(|_| own),
            address,
            host_key: host_key.as_ref().and_then(|key| key.public().ok()),
            ports: vm
                .ports
                .iter()
                .map(|port| AnnouncePort { number: port.number, dial: vm.dial(port).map(|at| at.to_string()) })
                .collect(),
        }
    };
    let app = entra.directory.app();
    Announce {
        resource_manager: base.to_owned(),
        authority: base.to_owned(),
        ca_bundle,
        tenant_id: entra.tenant_id(),
        client_id: app.spec.client_id.unwrap_or_default(),
        client_secret: app.client_secret.clone().unwrap_or_default(),
        client_certificate,
        identity_endpoint: format!("{base}/_identity/token"),
        identity_header: entra.identity_header.clone(),
        imds_endpoint: format!("http://{imds}"),
        public_ip_endpoints: (1..=3).map(|service| format!("{base}/_ip/{service}")).collect(),
        control: format!("{base}/_sim"),
        ssh,
        tenants: entra.directory.announce_tenants(),
        accounts: entra.directory.announce_accounts(),
        vms: cloud.vms.iter().zip(host_keys).map(vm).collect(),
    }
}
