//! A real ssh goes through the simulator's door, and the system's own table tells when it has left.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::{DeallocationEnd, OutcomeView, Snapshot};
use ajar_core::zone::Zone;
use ajar_runtime::adapters::SystemConnections;
use ajar_runtime::connection;
use ajar_runtime::engine::{self, EngineHandle, Parts};
use ajar_runtime::ports::{Clock, Connections, Peers, Ports};
use async_trait::async_trait;
use chrono::{DateTime, Offset as _, TimeDelta, Utc};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::{Site, soon, without_client};
use crate::engine::name;

/// A clock that a look takes half a minute by, once it is told to hurry.
struct Hurrying {
    began: DateTime<Utc>,
    /// When it was told to, in milliseconds after the beginning; none before.
    from: AtomicI64,
}

/// The system's table, and how often it was looked at.
struct Counted(watch::Sender<u32>);

#[async_trait]
impl Connections for Counted {
    async fn peers(&self) -> Option<Peers> {
        let peers = SystemConnections.peers().await;
        self.0.send_modify(|looks| *looks += 1);
        peers
    }
}

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// So many times as fast: 100 ms are 30 s.
const FASTER: i32 = 300;

impl Clock for Hurrying {
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        let from = self.began + TimeDelta::milliseconds(self.from.load(Ordering::Relaxed));
        if now < from { now } else { from + (now - from) * FASTER }
    }

    fn zone(&self, now: DateTime<Utc>) -> Zone {
        Zone::always(Utc.fix(), now)
    }
}

impl Hurrying {
    fn hurry(&self) {
        self.from.store((Utc::now() - self.began).num_milliseconds(), Ordering::Relaxed);
    }
}

async fn until(engine: &EngineHandle, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let mut snapshots = engine.snapshots();
    let found = soon(snapshots.wait_for(|snapshot| wanted(snapshot))).await;
    found.expect("the engine is there").clone()
}

/// A session that lasts until its input ends.
async fn ssh(site: &Site, host: &str, port: u16) -> Child {
    let announced = site.simulator.announce();
    let mut ssh = Command::new("ssh");
    ssh.args([
        "-F",
        "none",
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "BatchMode=yes",
    ]);
    ssh.arg("-i").arg(&announced.ssh.identity_file).args(["-p", &port.to_string(), "-l", &announced.ssh.user, host]);
    ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut ssh = ssh.spawn().expect("ssh is installed");
    let mut greeting = [0];
    soon(ssh.stdout.as_mut().unwrap().read_exact(&mut greeting)).await.unwrap();
    ssh
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_ajar_started_is_deallocated_once_the_last_ssh_has_left() {
    let site = Site::start().await;
    let rests = site.simulator.announce().vms.iter().find(|vm| vm.os == "Linux" && vm.power_state == "deallocated");
    let vm = rests.expect("one rests").clone();
    let config = site.folder().settings();
    let said = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{said}\n[defaults]\nafter_use = \"deallocate\"\n")).unwrap();

    let account = Arc::clone(&site.account);
    let parts = connection::parts(site.folder(), None, false, move |name| account.variable(name)).unwrap();
    let clock = Arc::new(Hurrying { began: Utc::now(), from: AtomicI64::new(i64::from(i32::MAX)) });
    let (counter, mut looks) = watch::channel(0);
    let world = Ports { clock: Arc::clone(&clock) as _, connections: Arc::new(Counted(counter)), ..parts.ports };
    let engine = engine::start(Parts { ports: world, look_every: LOOK_EVERY, ..parts });

    let wish = without_client(&vm.name);
    let Reply::Attempt { number } = engine.ask(Request::Connect(wish)).await else { panic!("it is refused") };
    let ended = |snapshot: &Snapshot| snapshot.attempts.iter().any(|one| one.number == number && one.outcome.is_some());
    let snapshot = until(&engine, ended).await;
    let outcome = snapshot.attempts.iter().find(|one| one.number == number).and_then(|one| one.outcome.clone());
    let Some(OutcomeView::Connected(reached)) = outcome else { panic!("{outcome:#?}") };
    let ssh = ssh(&site, &reached.endpoint.host, reached.endpoint.port).await;
    clock.hurry();

    // A quarter of an hour goes by for the engine.
    let so_far = *looks.borrow();
    soon(looks.wait_for(|looks| *looks >= so_far + 30)).await.unwrap();
    let meanwhile = engine.snapshots().borrow().clone();
    assert!(meanwhile.after_use.is_empty() && meanwhile.deallocations.is_empty(), "somebody is connected");
    drop(ssh);
    // Time hurries: by the next look at it what was announced may be under way.
    let told = until(&engine, |snapshot| !snapshot.after_use.is_empty()).await;
    let is_announced = told.after_use[0].deallocates_at.is_some() || !told.deallocations.is_empty();
    assert!(told.after_use[0].name == name(&vm.name) && is_announced, "{told:#?}");
    let is_over = |snapshot: &Snapshot| snapshot.deallocations.iter().any(|one| one.outcome.is_some());
    let over = until(&engine, is_over).await;
    let end = over.deallocations[0].outcome.as_ref();
    assert!(matches!(end, Some(DeallocationEnd::Deallocated { already: false, .. })), "{end:#?}");
}
