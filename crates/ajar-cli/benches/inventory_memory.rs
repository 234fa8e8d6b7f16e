//! What the inventory of a large fleet costs the process that hosts the engine, in memory: a guest of twelve tenants reads all
//! VMs of theirs, and then reads them anew. What is told is how much of the host's memory is resident (`VmRSS` of `/proc`) beyond
//! what was when it had signed in, once the list has been printed; and the most that ever was (`VmHWM`).

use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use azure_sim::{Options, Simulator};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

const APPLICATION: &str = "6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01";

/// The most that the inventory may take, in kB.
const LIMIT: u64 = 40_000;

fn fleet() -> String {
    let guest_in: Vec<String> = (2..=12).map(|number| format!("Contoso {number:02}")).collect();
    format!(
        "generate = {{ vms = 10000, subscriptions = 200, tenants = 12 }}\n\
         [[accounts]]\nname = \"ada\"\nguest_in = {guest_in:?}\n\
         [[applications]]\nclient_id = \"{APPLICATION}\"\nname = \"Ajar\"\n"
    )
}

/// A user whose settings lead to the simulator. There is no keychain: who signs in is remembered by the host alone.
struct User {
    home: tempfile::TempDir,
}

impl User {
    fn new(simulator: &Simulator) -> Outcome<Self> {
        let announced = simulator.announce();
        let settings = format!(
            "cloud = \"sim\"\n[sign_in]\nclient_id = \"{APPLICATION}\"\n[clouds.sim]\nauthority = \"{}\"\n\
             resource_manager = \"{}\"\nca_bundle = \"{}\"\n",
            announced.authority,
            announced.resource_manager,
            announced.ca_bundle.display()
        );
        let home = tempfile::tempdir()?;
        std::fs::write(home.path().join("config.toml"), settings)?;
        Ok(Self { home })
    }

    fn ajar(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ajar"));
        command.arg("--config").arg(self.home.path()).args(args);
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent").env("HOME", self.home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    /// Signs in on “another device”.
    async fn sign_in(&self, simulator: &Simulator) -> Outcome<()> {
        let mut child = self.ajar(&["sign-in", "--device-code", "--json"]).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
        let event: Value = serde_json::from_str(&lines.next().ok_or("no code")??)?;
        let told = |name: &str| event[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name}: {event}"));
        let trusted = reqwest::Certificate::from_pem(&std::fs::read(&simulator.announce().ca_bundle)?)?;
        let http = reqwest::Client::builder().tls_certs_only([trusted]).no_proxy().build()?;
        let form = [("account", "ada".to_owned()), ("otc", told("userCode")?)];
        http.post(told("url")?).form(&form).send().await?.error_for_status()?;
        let last: Vec<String> = lines.collect::<Result<_, _>>()?;
        if child.wait()?.success() { Ok(()) } else { Err(last.concat().into()) }
    }

    /// All VMs, as a command prints them that is attached to the host.
    fn list(&self, more: &[&str]) -> Outcome<(usize, Duration)> {
        let began = Instant::now();
        let output = self.ajar(&[&["list", "", "--json"], more].concat()).output()?;
        let all: Vec<Value> = serde_json::from_slice(&output.stdout)?;
        let gaps: Vec<&Value> = all.iter().filter(|one| one["kind"] == "gap").collect();
        if gaps.is_empty() { Ok((all.len(), began.elapsed())) } else { Err(format!("{gaps:?}").into()) }
    }
}

/// A program that ends with this one.
struct Host(Child);

impl Drop for Host {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

impl Host {
    /// A line of what Linux tells of the process, in kB.
    fn kilobytes(&self, wanted: &str) -> Outcome<u64> {
        let file: PathBuf = Path::new("/proc").join(self.0.id().to_string()).join("status");
        let status = std::fs::read_to_string(file)?;
        let line = status.lines().find_map(|line| line.strip_prefix(wanted)).ok_or("not told")?;
        Ok(line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse()?)
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    if !Path::new("/proc/self/status").exists() {
        println!("the memory of the inventory is measured where there is /proc");
        return Ok(());
    }
    let options = Options { speed: 1_000_000.0, fleet: Some(fleet().parse()?), ..Options::default() };
    let simulator = Simulator::start(options).await?;
    let user = User::new(&simulator)?;
    let mut host = Host(user.ajar(&["status", "--watch"]).spawn()?);
    let mut shown = BufReader::new(host.0.stdout.take().ok_or("no standard output")?);
    shown.read_line(&mut String::new())?;
    std::thread::spawn(move || std::io::copy(&mut shown, &mut std::io::sink()));
    user.sign_in(&simulator).await?;
    let before = host.kilobytes("VmRSS")?;
    for (name, more) in [("read first", &[][..]), ("read anew", &["--refresh"]), ("read once more", &["--refresh"])] {
        let (vms, time) = user.list(more)?;
        let (now, most) = (host.kilobytes("VmRSS")?, host.kilobytes("VmHWM")?);
        let grown = now.saturating_sub(before);
        println!(
            "{vms} VMs in 12 tenants, {name}: {:.1} MB beyond {:.1} MB, {:.1} MB at most, in {time:.1?}",
            megabytes(grown),
            megabytes(before),
            megabytes(most)
        );
        if grown > LIMIT {
            return Err(format!("more than {} MB", megabytes(LIMIT)).into());
        }
    }
    Ok(())
}

fn megabytes(kilobytes: u64) -> f64 {
    f64::from(u32::try_from(kilobytes).unwrap_or(u32::MAX)) / 1000.0
}
