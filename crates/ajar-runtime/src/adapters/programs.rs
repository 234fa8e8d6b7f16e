//! What is installed on this machine.

use std::path::PathBuf;

use ajar_core::launch::{Candidate, Os, RdpClient, Surroundings, Terminal};
use ajar_core::settings::ClientSettings;

/// Looks for the programs that open VMs; the settings' own come first.
pub fn surroundings(settings: &ClientSettings) -> Surroundings {
    let os = Os::current();
    let terminal = settings.terminal.clone().filter(|words| !words.is_empty()).map(Terminal::Custom);
    Surroundings {
        os,
        ssh: settings.ssh.clone().or_else(|| find(os.ssh_program(), &["OpenSSH"])),
        terminal: terminal.or_else(|| first(Terminal::candidates(os))),
        rdp: settings.rdp.clone().map(RdpClient::named).or_else(|| first(RdpClient::candidates(os))),
    }
}

fn first<T>(candidates: &[Candidate<T>]) -> Option<T> {
    candidates.iter().find_map(|(program, kind)| find(program, &[]).map(kind))
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
