//! Carries out launch plans: argument vectors, no shell.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use ajar_core::attempt::{ClientFound, Order};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::host_key::HostKeyLook;
use ajar_core::launch::{Console, LaunchPlan, Leads, Target, in_terminal, in_window};
use ajar_core::message::launch::no_display;
use ajar_core::port::{Endpoint, Protocol};
use ajar_core::profile::Profile;
use ajar_core::settings::ClientSettings;
use async_trait::async_trait;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use super::host_key::look_at_host_key;
use super::job::stop_with;
use super::launch_files::{LaunchFile, sweep};
use super::programs::{has_desktop, surroundings, surroundings_for, surroundings_of};
use crate::files::SettingsFile;
use crate::ports::Launcher;

/// Opens VMs in windows of their own, with the programs that the settings name or that are found on this machine.
#[derive(Debug)]
pub struct ClientLauncher {
    settings: SettingsFile,
    /// As last read without a mistake.
    clients: Mutex<ClientSettings>,
    files: PathBuf,
}

impl ClientLauncher {
    /// `files` is the folder for the files some plans need; what is left there of earlier ones goes. The settings are looked into at each launch, so that a
    /// program named there counts from the next click on.
    pub fn new(settings: SettingsFile, files: PathBuf) -> Self {
        sweep(&files, SystemTime::now());
        Self { settings, clients: Mutex::default(), files }
    }

    fn clients(&self) -> ClientSettings {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(settings) = self.settings.in_force() {
            *clients = settings.clients;
        }
        clients.clone()
    }
}

#[async_trait]
impl Launcher for ClientLauncher {
    async fn launch(&self, order: &Order, profile: &Profile, endpoint: &Endpoint) -> Result<(), Trouble> {
        let target = Target { name: order.name.as_str(), vm: &order.vm, protocol: order.protocol, endpoint, profile };
        let around = surroundings_of(order.protocol, profile, &self.clients(), &self.files).await?;
        let plan = in_window(&target, &around)?;
        start(&plan, &self.files).await
    }

    async fn host_key(&self, order: &Order, profile: &Profile, endpoint: &Endpoint) -> HostKeyLook {
        let target = Target { name: order.name.as_str(), vm: &order.vm, protocol: order.protocol, endpoint, profile };
        look_at_host_key(&target, &surroundings(&self.clients())).await
    }

    fn client(&self, order: &Order, profile: &Profile) -> ClientFound {
        // Which program it is does not hang on where it dials.
        let endpoint = Endpoint { host: "localhost".into(), port: order.port };
        let target =
            Target { name: order.name.as_str(), vm: &order.vm, protocol: order.protocol, endpoint: &endpoint, profile };
        let around = surroundings_for(order.protocol, profile, &self.clients());
        ClientFound {
            in_window: found(in_window(&target, &around)).and_then(shown),
            in_terminal: match order.protocol {
                Protocol::Ssh | Protocol::Port => found(in_terminal(&target, &around, &[])),
                // A desktop is shown nowhere else.
                Protocol::Rdp => found(in_window(&target, &around)).and_then(shown),
            },
        }
    }
}

/// Where the program of a plan lies.
fn found(plan: Result<LaunchPlan, Failure>) -> Result<String, Trouble> {
    let program = plan?.program;
    match which::which(&program) {
        Ok(path) => Ok(path.display().to_string()),
        Err(_) => Err(Failure::ClientNotFound { program }.into()),
    }
}

/// A program, if there is something that its window could be shown on.
fn shown(program: String) -> Result<String, Trouble> {
    if has_desktop() { Ok(program) } else { Err(Failure::ClientFailed { program, detail: no_display().into() }.into()) }
}

/// How long a program is looked after that was started: one that cannot open a window ends sooner.
const FIRST_MOMENT: Duration = Duration::from_millis(300);

/// Starts a program that goes on by itself. `files` is the folder for a file that the plan needs.
pub(super) async fn start(plan: &LaunchPlan, files: &Path) -> Result<(), Trouble> {
    let (mut child, file) = spawn(plan, files).await?;
    let program = plan.program.clone();
    if let Ok(ended) = tokio::time::timeout(FIRST_MOMENT, child.wait()).await {
        let status = ended.map_err(|error| failed(&program, &error))?;
        let failure = || Failure::ClientFailed { program, detail: status.to_string() }.into();
        // Some hand on to another program, and are done with that. It may still have the file to read.
        return if status.success() {
            Ok(())
        } else {
            file.into_iter().for_each(LaunchFile::remove);
            Err(failure())
        };
    }
    tokio::spawn(async move {
        match child.wait().await {
            Ok(status) => tracing::debug!(program, %status, "the program has ended"),
            Err(error) => tracing::warn!(program, %error, "the program’s end was not seen"),
        }
        file.into_iter().filter(|file| !file.is_handed_on()).for_each(LaunchFile::remove);
    });
    Ok(())
}

/// How long a client that is asked to end may take.
const PARTING: Duration = Duration::from_secs(2);

/// Runs a plan in the caller's terminal, to its end, as one job with this process: when the client stops, this process
/// stops too, and goes on with it. When `told_to_end` is, the client is asked to end too, in the way
/// that lets it put the terminal in order, and does not outlive this.
///
/// # Errors
/// [`Failure::ClientNotFound`], [`Failure::ClientFailed`].
pub async fn run_in_terminal<T>(
    plan: &LaunchPlan,
    files: &Path,
    told_to_end: impl Future<Output = T>,
) -> Result<Result<ExitStatus, T>, Trouble> {
    let (mut child, file) = spawn(plan, files).await?;
    let client = child.id();
    let ended = tokio::select! {
        ended = child.wait() => ended.map(Ok).map_err(|error| failed(&plan.program, &error)),
        told = told_to_end => Ok(Err(told)),
        never = stop_with(client) => match never {},
    };
    if let Ok(Err(_)) = ended {
        ask_to_end(&child);
        if tokio::time::timeout(PARTING, child.wait()).await.is_err() {
            drop(child.kill().await);
        }
    }
    file.into_iter().filter(|file| !file.is_handed_on()).for_each(LaunchFile::remove);
    ended
}

#[cfg(unix)]
fn ask_to_end(child: &Child) {
    let pid = child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.try_into().ok()?));
    if let Some(pid) = pid
        && let Err(error) = rustix::process::kill_process(pid, rustix::process::Signal::TERM)
    {
        tracing::debug!(%error, "the client was not told to end");
    }
}

/// There is no asking; it is ended when it has had its time.
#[cfg(not(unix))]
fn ask_to_end(_child: &Child) {}

async fn spawn(plan: &LaunchPlan, files: &Path) -> Result<(Child, Option<LaunchFile>), Trouble> {
    if let Some(leads) = &plan.leads {
        check(leads).await?;
    }
    let file = match &plan.file {
        Some(file) => Some(LaunchFile::write(files, file).map_err(|error| failed(&plan.program, &error))?),
        None => None,
    };
    match spawn_with(plan, file.as_ref().map(LaunchFile::path)).await {
        Ok(child) => Ok((child, file)),
        Err(error) => {
            file.into_iter().for_each(LaunchFile::remove);
            Err(failed(&plan.program, &error))
        }
    }
}

async fn spawn_with(plan: &LaunchPlan, file: Option<&Path>) -> io::Result<Child> {
    let mut child = command(plan, file).spawn()?;
    if let (Some(text), Some(mut stdin)) = (&plan.stdin, child.stdin.take()) {
        let path = file.map(|path| path.to_string_lossy().into_owned() + "\n");
        for line in text.split_inclusive('\n') {
            let is_file = line.strip_suffix('\n') == Some(LaunchPlan::FILE);
            let line = path.as_deref().filter(|_| is_file).unwrap_or(line);
            stdin.write_all(line.as_bytes()).await?;
        }
    }
    Ok(child)
}

/// How long a name may take to be found.
const FOUND_WITHIN: Duration = Duration::from_secs(5);

/// Holds a name that the client dials against the address that it has to lead to.
async fn check(Leads { name, to }: &Leads) -> Result<(), Trouble> {
    let found = tokio::time::timeout(FOUND_WITHIN, tokio::net::lookup_host((name.as_str(), 0))).await;
    let address: Option<IpAddr> = to.parse().ok();
    let leads_there = match found {
        Ok(Ok(mut found)) => found.any(|found| Some(found.ip()) == address),
        Ok(Err(_)) | Err(_) => false,
    };
    let elsewhere = || Failure::NameLeadsElsewhere { name: name.clone(), address: to.clone() };
    if leads_there { Ok(()) } else { Err(elsewhere().into()) }
}

fn command(plan: &LaunchPlan, file: Option<&Path>) -> Command {
    let mut command = Command::new(&plan.program);
    for arg in &plan.args {
        match file {
            Some(file) if arg == LaunchPlan::FILE => command.arg(file),
            _ => command.arg(arg),
        };
    }
    command.envs(plan.env.iter().map(|(name, value)| (name, value)));
    for name in &plan.env_remove {
        command.env_remove(name);
    }
    if plan.console != Console::Inherit {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        on_its_own(&mut command, plan.console);
    }
    if plan.stdin.is_some() {
        command.stdin(Stdio::piped());
    }
    command
}

/// Ctrl+C in the terminal that started Ajar, or Ajar's end, is not the client's.
#[cfg(unix)]
fn on_its_own(command: &mut Command, _console: Console) {
    command.process_group(0);
}

#[cfg(windows)]
fn on_its_own(command: &mut Command, console: Console) {
    const CREATE_NEW_CONSOLE: u32 = 0x0000_0010;
    const DETACHED_PROCESS: u32 = 0x0000_0008;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    let kind = if console == Console::New { CREATE_NEW_CONSOLE } else { DETACHED_PROCESS };
    command.creation_flags(kind | CREATE_NEW_PROCESS_GROUP);
    if console == Console::New {
        command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    }
}

fn failed(program: &str, error: &io::Error) -> Trouble {
    let program = program.to_owned();
    if error.kind() == io::ErrorKind::NotFound {
        Failure::ClientNotFound { program }.into()
    } else {
        Failure::ClientFailed { program, detail: error.to_string() }.into()
    }
}
