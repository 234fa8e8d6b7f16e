//! What is installed on this machine.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use ajar_core::exchange::MAX_BYTES;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::launch::{
    Candidate, OF_THE_ACCOUNT, OF_THE_APP_IMAGE, Os, RdpClient, Surroundings, Terminal, wants_certificate,
};
use ajar_core::message::launch::no_rdp_file;
use ajar_core::port::Protocol;
use ajar_core::profile::Profile;
use ajar_core::rdp_file::RdpFile;
use ajar_core::settings::ClientSettings;
use directories::BaseDirs;

use super::entra_certificate::certificate;
use crate::files::read_limited;

/// Looks for the programs that open VMs; the settings' own come first.
pub fn surroundings(settings: &ClientSettings) -> Surroundings {
    let os = Os::current();
    let terminal = settings.terminal.clone().filter(|words| !words.is_empty()).map(Terminal::Custom);
    let rdp = settings.rdp.clone().map(RdpClient::named).or_else(|| first(RdpClient::candidates(os)));
    Surroundings {
        os,
        ssh: settings.ssh.clone().or_else(|| find(os.ssh_program(), &["OpenSSH"])),
        terminal: terminal.or_else(|| first(Terminal::candidates(os))),
        rdp,
        certificate: None,
        rdp_file: Ok(None),
    }
}

/// Where this program itself lies: by its name on `PATH` where that leads to it, since the file behind the name may be
/// another one after the next update.
///
/// # Errors
/// If the system does not tell.
pub fn own_path() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let named = own.file_name().and_then(|name| which::which(name).ok());
    let leads_here = |path: &PathBuf| path.is_absolute() && is_same(path, &own);
    Ok(named.filter(leads_here).unwrap_or(own))
}

/// The Azure CLI, where the settings name none.
pub(super) const AZ: &str = "az";

/// Where Homebrew puts it. An application started from the Dock does not have that in its PATH.
const HOMEBREW: [&str; 2] = ["/opt/homebrew/bin", "/usr/local/bin"];

/// Where the Azure CLI of that name or path lies.
pub(super) fn azure_cli(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = HOMEBREW.iter().map(PathBuf::from).filter(|_| cfg!(target_os = "macos"));
    let folders = std::env::join_paths(std::env::split_paths(&path).chain(more)).ok()?;
    which::which_in_global(program, Some(folders)).ok()?.next()
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
}

fn first<T>(candidates: &[Candidate<T>]) -> Option<T> {
    candidates.iter().find_map(|(program, kind)| find(program, &[]).map(kind))
}

/// The same for one profile that is about to be opened, with what has to be asked for it. `files` is the folder for files that
/// clients are started with.
///
/// # Errors
/// [`Failure::NoCertificate`].
pub async fn surroundings_of(
    protocol: Protocol,
    profile: &Profile,
    settings: &ClientSettings,
    files: &Path,
) -> Result<Surroundings, Trouble> {
    let (own, clients) = (profile.clone(), settings.clone());
    let around = tokio::task::spawn_blocking(move || surroundings_for(protocol, &own, &clients)).await;
    let around = around.map_err(|error| Failure::Internal { detail: error.to_string() })?;
    let certificate =
        if wants_certificate(profile, protocol) { Some(certificate(profile, files).await?) } else { None };
    Ok(Surroundings { certificate, ..around })
}

/// The same for one profile: the remote desktop client that opens it is asked which version it is, and the profile's own
/// file is read, which takes a moment.
pub(super) fn surroundings_for(protocol: Protocol, profile: &Profile, settings: &ClientSettings) -> Surroundings {
    let around = surroundings(settings);
    match protocol {
        Protocol::Ssh | Protocol::Port => around,
        Protocol::Rdp => {
            let client = profile.client.clone().map(RdpClient::named).or(around.rdp);
            let rdp_file = profile.rdp_file().map(|path| read_rdp_file(path).map_err(|error| error.to_string()));
            let rdp = client.map(|client| client.of_version(version));
            Surroundings { rdp, rdp_file: rdp_file.transpose(), ..around }
        }
    }
}

/// A path, of which `~` is the user's home folder.
pub(super) fn from_home(path: &str) -> PathBuf {
    let below_home = path.strip_prefix("~/").or_else(|| path.strip_prefix(r"~\"));
    match (below_home, BaseDirs::new()) {
        (Some(below), Some(user)) => user.home_dir().join(below),
        (_, _) => PathBuf::from(path),
    }
}

/// Reads the user's own file.
fn read_rdp_file(path: &str) -> io::Result<RdpFile> {
    let path = from_home(path);
    let odd = || io::Error::new(io::ErrorKind::InvalidData, no_rdp_file());
    // Not what never ends, such as a pipe.
    if !std::fs::metadata(&path)?.is_file() {
        return Err(odd());
    }
    let bytes = read_limited(std::fs::File::open(&path)?)?;
    let read =
        RdpFile::from_bytes(&bytes).filter(|file| bytes.len() <= MAX_BYTES && file.properties().next().is_some());
    read.ok_or_else(odd)
}

/// How long a program may take to tell its version.
const TELLS_WITHIN: Duration = Duration::from_secs(2);

/// What FreeRDP tells of its version, if it does soon.
fn version(program: &str) -> Option<String> {
    let mut command = Command::new(program);
    for name in OF_THE_ACCOUNT.iter().chain(&OF_THE_APP_IMAGE) {
        command.env_remove(name);
    }
    command.arg("/version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let mut stdout = child.stdout.take()?;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        // Nobody waits for it any more where it was too late.
        drop(stdout.read_to_string(&mut text).map(|_| tell.send(text)));
    });
    let text = told.recv_timeout(TELLS_WITHIN).ok();
    // It has ended, or is not waited for.
    drop(child.kill());
    drop(child.wait());
    text
}

/// The full path of a program: from the system's own folder first on Windows, where anyone may have put things on PATH.
fn find(program: &str, system_folders: &[&str]) -> Option<String> {
    let system = std::env::var_os("SystemRoot").map(|root| PathBuf::from(root).join("System32"));
    let in_system = system.into_iter().flat_map(|system| {
        let folders = system_folders.iter().map(|folder| system.join(folder)).collect::<Vec<_>>();
        folders.into_iter().chain([system]).map(|folder| folder.join(program))
    });
    let found = in_system.into_iter().find(|path| path.is_file()).or_else(|| which::which(program).ok())?;
    found.to_str().map(ToOwned::to_owned)
}

/// Whether windows can be opened here: on Linux, whether the environment names a display.
pub fn has_desktop() -> bool {
    let is_named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    Os::current() != Os::Linux || is_named("DISPLAY") || is_named("WAYLAND_DISPLAY")
}
