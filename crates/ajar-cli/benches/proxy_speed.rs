//! What `ajar proxy` costs those who go by it, beside plain ssh to the same `sshd` through the same open port, in turns: the
//! time to connect, and what comes through in a second; alone, and beside a tray, here `ajar status --watch`. The port stands open
//! where it was reached last, so that each proxy goes there straight, whoever hosts an engine.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[cfg(unix)]
#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../../../tests/it/sshd.rs"]
mod sshd;
#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../../../tests/it/world.rs"]
mod world;

use sshd::Sshd;
use world::World;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a connection may take longer.
const ADDED: Duration = Duration::from_millis(5);

/// How much of plain ssh's throughput has to come through.
const SHARE: f64 = 0.95;

const CONNECTIONS: usize = 31;
const TRANSFERS: usize = 7;
const MEGABYTES: u32 = 256;

/// The two ways to the same server.
struct Ways {
    settings: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Ways {
    fn new(world: &World, sshd: &Sshd) -> Outcome<Self> {
        let settings = sshd.client_settings(world);
        let dial = world.vm("real-01").ports[0].dial.clone().ok_or("no address")?;
        let (host, port) = dial.rsplit_once(':').ok_or("no port")?;
        let mut text = std::fs::read_to_string(&settings)?;
        write!(
            text,
            "Host plain\n  HostName {host}\n  Port {port}\n  HostKeyAlias real.ajar\n  User {}\n  IdentityFile {}\n  \
             UserKnownHostsFile {}\n  IdentitiesOnly yes\n  BatchMode yes\n",
            sshd.user(),
            sshd.at("id").display(),
            sshd.known_hosts().display()
        )?;
        std::fs::write(&settings, text)?;
        let announced = world.simulator.announce();
        let environment = vec![
            ("AZURE_TENANT_ID", announced.tenant_id.to_string()),
            ("AZURE_CLIENT_ID", announced.client_id.to_string()),
            ("AZURE_CLIENT_SECRET", announced.client_secret.clone()),
        ];
        Ok(Self { settings, environment })
    }

    /// How long ssh takes there, to its end.
    fn take(&self, host: &str, command: &str) -> Outcome<Duration> {
        let mut ssh = Command::new("ssh");
        ssh.arg("-F").arg(&self.settings).args([host, command]).stdin(Stdio::null()).stdout(Stdio::null());
        let began = Instant::now();
        let ended = ssh.envs(self.environment.iter().cloned()).status()?;
        if ended.success() { Ok(began.elapsed()) } else { Err(format!("{host}: {ended}").into()) }
    }

    /// The medians of both ways, taken in turns: plain first.
    fn compare(&self, times: usize, command: &str) -> Outcome<(Duration, Duration)> {
        let (mut plain, mut proxy) = (Vec::new(), Vec::new());
        for _ in 0..times {
            plain.push(self.take("plain", command)?);
            proxy.push(self.take("real.ajar", command)?);
        }
        Ok((median(plain), median(proxy)))
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A program that ends with this one.
struct Host(Child);

impl Drop for Host {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

fn beside(folder: &Path, ways: &Ways) -> Outcome<Host> {
    let mut watch = Command::new(env!("CARGO_BIN_EXE_ajar"));
    watch.arg("--config").arg(folder).args(["status", "--watch"]).envs(ways.environment.iter().cloned());
    Ok(Host(watch.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let sshd = Sshd::start().await;
    let world = sshd.behind_a_door().await;
    let opened = world.run(&["connect", "real", "--no-launch"]).await;
    if opened.code != 0 {
        return Err(opened.stderr.into());
    }
    let ways = Ways::new(&world, &sshd)?;
    let mut is_within = true;
    for (name, has_tray) in [("alone", false), ("beside a tray", true)] {
        let _tray = if has_tray { Some(beside(world.folder.path(), &ways)?) } else { None };
        let (plain, proxy) = ways.compare(CONNECTIONS, "true")?;
        let added = proxy.saturating_sub(plain);
        println!("connecting, {name}: plain {plain:.1?}, by ajar proxy {proxy:.1?}, {added:.1?} more");
        let (plain, proxy) = ways.compare(TRANSFERS, &format!("head -c {MEGABYTES}M /dev/zero"))?;
        let share = plain.as_secs_f64() / proxy.as_secs_f64();
        let speed = |time: Duration| f64::from(MEGABYTES) / time.as_secs_f64();
        let (plain, proxy) = (speed(plain), speed(proxy));
        println!("throughput, {name}: plain {plain:.0} MiB/s, by ajar proxy {proxy:.0} MiB/s, {share:.2} of it");
        is_within &= added <= ADDED && share >= SHARE;
    }
    if is_within { Ok(()) } else { Err(format!("more than {ADDED:?} more, or less than {SHARE} of it").into()) }
}
