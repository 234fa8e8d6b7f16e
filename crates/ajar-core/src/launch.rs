//! Launch plans: which program opens a VM, with which arguments, as data.
//!
//! The runtime looks what is installed ([`Surroundings`]) and carries plans out; here is decided. So the argument lists
//! of all three systems are tested on any one of them. Programs get argument vectors, never command lines for a shell;
//! where a shell cannot be avoided (macOS's `.command` file) every word is quoted.

mod browser;
pub(crate) mod own;
mod quote;
mod rdp;
mod ssh;
mod ssh_hosts;
mod ssh_include;
mod terminal;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::justification;
use crate::message::launch::{Unfit, unfit};
use crate::port::{Endpoint, Protocol};
use crate::profile::{Forward, Profile};
use crate::rdp_file::{RdpFile, encoded, ends_line};
use crate::resource_id::VmResourceId;
use crate::ssh_certificate::SshCertificate;
use crate::template::unknown;
pub use browser::browser_plan;
use quote::needs_dollar;
pub use rdp::RdpClient;
pub use ssh_hosts::{Hosts, SshHosts};
pub use ssh_include::{include_line, named_already, with_include, without_include};
pub use terminal::{Candidate, Terminal};

/// An operating system Ajar runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    /// Windows.
    Windows,
    /// macOS.
    MacOs,
    /// Linux, and what is near enough to it.
    Linux,
}

impl Os {
    /// The one this program was built for.
    pub fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Linux
        }
    }

    /// The name of its ssh program, for looking it up.
    pub fn ssh_program(self) -> &'static str {
        match self {
            Self::Windows => "ssh.exe",
            Self::MacOs | Self::Linux => "ssh",
        }
    }
}

/// What was found on this machine: the runtime looks, this module decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The system.
    pub os: Os,
    /// The ssh program; on Windows by its full path, `%SystemRoot%\System32\OpenSSH\ssh.exe`.
    pub ssh: Option<String>,
    /// The terminal to open windows with. macOS's own needs no finding.
    pub terminal: Option<Terminal>,
    /// The remote desktop client.
    pub rdp: Option<RdpClient>,
    /// The certificate of Entra's to log in by with ssh, where the profile [wants one](wants_certificate).
    pub certificate: Option<SshCertificate>,
    /// What the profile's own `.rdp` file says, where it names one; or why it could not be read.
    pub rdp_file: Result<Option<RdpFile>, String>,
}

/// What an AppImage sets for itself. Programs of the system that inherit it load the image's libraries, or its Python's
/// modules, and fail.
pub const OF_THE_APP_IMAGE: [&str; 6] =
    ["LD_LIBRARY_PATH", "GTK_PATH", "GTK_EXE_PREFIX", "GDK_PIXBUF_MODULE_FILE", "PYTHONHOME", "PYTHONPATH"];

/// Ajar's own way to sign in, which no other program has a use for.
pub const OF_THE_ACCOUNT: [&str; 2] = ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD"];

/// What the program's standard streams are tied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Console {
    /// The caller's terminal, which it shares.
    Inherit,
    /// A console window of its own (Windows: `CREATE_NEW_CONSOLE`).
    New,
    /// None; the program lives on when Ajar ends.
    Detached,
}

/// A program to start, and everything it is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchPlan {
    /// The program: a path, or a name to look up.
    pub program: String,
    /// Its arguments; [`LaunchPlan::FILE`] stands for the path of `file`, here and as a line of `stdin`.
    pub args: Vec<String>,
    /// Variables to set.
    pub env: Vec<(String, String)>,
    /// Variables to take away.
    pub env_remove: Vec<String>,
    /// What to write to its standard input.
    pub stdin: Option<String>,
    /// A file to write first, readable by the user alone.
    pub file: Option<PlannedFile>,
    /// A name that has to lead to the VM before the program is started.
    pub leads: Option<Leads>,
    /// What it is tied to.
    pub console: Console,
}

impl LaunchPlan {
    /// The argument that the runtime replaces by the path of the planned file.
    pub const FILE: &'static str = "{file}";

    /// A program that does not inherit Ajar's own way to sign in: a client has no use for it, a shell in it might tell.
    fn new(program: impl Into<String>, args: Vec<String>, console: Console) -> Self {
        Self {
            program: program.into(),
            args,
            env: Vec::new(),
            env_remove: OF_THE_ACCOUNT.map(Into::into).to_vec(),
            stdin: None,
            file: None,
            leads: None,
            console,
        }
    }

    /// A program in a window of its own. On Linux it does not inherit what is [of an AppImage](OF_THE_APP_IMAGE).
    fn window(os: Os, program: impl Into<String>, args: Vec<String>) -> Self {
        let mut plan = Self::new(program, args, Console::Detached);
        match os {
            Os::Linux => plan.env_remove.extend(OF_THE_APP_IMAGE.map(Into::into)),
            Os::Windows | Os::MacOs => {}
        }
        plan
    }
}

/// A file that a plan needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedFile {
    /// Its name, without a folder.
    pub name: String,
    /// All of it.
    pub contents: String,
    /// What it is.
    pub kind: FileKind,
    /// Whether the program may end before the file is read, because it hands it on to another. Then it stays until Ajar is
    /// started anew.
    pub handed_on: bool,
}

/// What a planned file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FileKind {
    /// A script that the user may execute (mode 0700), in UTF-8.
    Script,
    /// Settings of a remote desktop (mode 0600), [as Windows writes them](crate::rdp_file::encoded).
    Rdp,
}

impl PlannedFile {
    /// What is written.
    pub fn bytes(&self) -> Vec<u8> {
        match self.kind {
            FileKind::Script => self.contents.clone().into_bytes(),
            FileKind::Rdp => encoded(&self.contents),
        }
    }
}

/// A name that a program dials in place of an address. It is looked up before: where it leads is not said by Azure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leads {
    /// The name.
    pub name: String,
    /// The VM's address as it is reached from here.
    pub to: String,
}

/// What is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// What the user calls it.
    pub name: &'a str,
    /// The VM.
    pub vm: &'a VmResourceId,
    /// What is spoken there.
    pub protocol: Protocol,
    /// Where to dial.
    pub endpoint: &'a Endpoint,
    /// How to open it.
    pub profile: &'a Profile,
}

impl Target<'_> {
    /// What a program could take for something else than it is: an option, a second line, a second host. Or what cannot be
    /// handed to ssh on that system.
    fn unfit(&self, os: Os) -> Option<Unfit<'_>> {
        let host = &self.endpoint.host;
        if !is_host(host) {
            return Some(Unfit::Host(host));
        }
        if let Some(user) = self.user().filter(|user| is_unfit(user)) {
            return Some(Unfit::User(user));
        }
        if let Some(user) = self.user().filter(|user| self.protocol == Protocol::Ssh && !ssh::admits_user(user)) {
            return Some(Unfit::SshUser(user));
        }
        if let Some(path) = self.paths().find(|path| is_unfit(path)) {
            return Some(Unfit::Path(path));
        }
        if let Some(client) = self.profile.client.as_deref().filter(|client| is_unfit(client)) {
            return Some(Unfit::Client(client));
        }
        if let Some(word) =
            self.written_arguments().iter().find(|word| word.is_empty() || word.chars().any(char::is_control))
        {
            return Some(Unfit::Argument(word));
        }
        if let Some(what) = rdp::unfit(self, os).or_else(|| own::unfit(self)) {
            return Some(what);
        }
        let takes_no_variable = self.protocol == Protocol::Ssh && os == Os::Windows;
        self.paths().find(|path| takes_no_variable && needs_dollar(path)).map(Unfit::Variable)
    }

    /// What the client is given beside what it always is.
    fn arguments(&self) -> impl Iterator<Item = String> {
        self.written_arguments().iter().map(|word| own::plain(word))
    }

    /// The same as it is written, or, where something is named in it, [all that it is given](own).
    fn written_arguments(&self) -> &[String] {
        self.profile.client_arguments.as_deref().unwrap_or_default()
    }

    /// What ssh forwards.
    fn forwards(&self) -> &[Forward] {
        self.profile.forwards.as_deref().unwrap_or_default()
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        [&self.profile.identity_file, &self.profile.known_hosts_file].into_iter().flatten().map(String::as_str)
    }

    /// Refuses what is [`Target::unfit`] before a client is given it.
    fn check(&self, os: Os) -> Result<(), Failure> {
        self.unfit(os).map_or(Ok(()), |what| Err(self.refused(&what)))
    }

    fn refused(&self, what: &Unfit<'_>) -> Failure {
        Failure::Settings { path: format!("[profiles.{}]", self.title()), detail: unfit(what) }
    }

    /// The name as a window title or file name: favourites' names are that already, others are made to be.
    fn title(&self) -> String {
        let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
        let title: String = self.name.chars().map(kept).collect();
        let title = title.trim_start_matches(['-', '.']);
        if title.is_empty() { "ajar".into() } else { title.into() }
    }

    fn user(&self) -> Option<&str> {
        self.profile.user.as_deref()
    }
}

fn is_unfit(text: &str) -> bool {
    text.is_empty() || text.starts_with('-') || text.contains(ends_line)
}

/// Whether it can be an address or the name of a host, and nothing else.
fn is_host(text: &str) -> bool {
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == ':') && text.chars().all(named)
}

/// Refuses a profile that no client could be started with on that system, before it is saved.
///
/// # Errors
/// [`Failure::ProfileUnfit`].
pub fn vet(name: &str, profile: &Profile, os: Os) -> Result<(), Failure> {
    let endpoint = Endpoint { host: "localhost".into(), port: profile.port() };
    let target = Target { name, vm: &profile.vm, protocol: profile.protocol(), endpoint: &endpoint, profile };
    let reason = profile.justification.as_deref();
    let portless = (target.endpoint.port == 0).then_some(Unfit::WhichPort);
    let odd = reason.filter(|reason| reason.chars().any(char::is_control)).map(Unfit::Reason);
    let unknown = reason.and_then(|reason| unknown(reason, &justification::PLACEHOLDERS)).map(Unfit::Placeholder);
    portless
        .or(odd)
        .or(unknown)
        .or_else(|| target.unfit(os))
        .map_or(Ok(()), |what| Err(Failure::ProfileUnfit { name: name.into(), detail: unfit(&what) }))
}

/// Refuses to have a command run there where nothing runs one, before anything is opened for it: by a client that is given its own
/// arguments alone, or where a port alone is opened.
///
/// # Errors
/// [`Failure::CommandLine`].
pub fn vet_command(profile: &Profile, protocol: Protocol) -> Result<(), Failure> {
    let what = if own::is_told_by_arguments(profile.client_arguments.as_deref().unwrap_or_default()) {
        Unfit::Command
    } else if protocol == Protocol::Port {
        Unfit::PortCommand
    } else {
        return Ok(());
    };
    Err(Failure::CommandLine { detail: unfit(&what) })
}

/// Whether a program opens it. Where a port alone is opened only one does that is told by its arguments where to go: what others
/// would be given nobody knows.
pub fn has_client(profile: &Profile, protocol: Protocol) -> bool {
    match protocol {
        Protocol::Ssh | Protocol::Rdp => true,
        Protocol::Port => {
            profile.client.is_some()
                && own::is_told_by_arguments(profile.client_arguments.as_deref().unwrap_or_default())
        }
    }
}

/// Whether ssh is to log in by a certificate of Entra's, which has to be asked for before.
pub fn wants_certificate(profile: &Profile, protocol: Protocol) -> bool {
    let is_told = own::is_told_by_arguments(profile.client_arguments.as_deref().unwrap_or_default());
    protocol == Protocol::Ssh && profile.logs_in_by_entra() && !is_told
}

/// Opens the target in the caller's own terminal: ssh there, with a remote command or without, or the favourite's own
/// client, such as a database's. RDP has no use for a terminal and opens as [`in_window`] does.
pub fn in_terminal(target: &Target<'_>, around: &Surroundings, command: &[String]) -> Result<LaunchPlan, Failure> {
    match target.protocol {
        Protocol::Ssh => {
            let (program, args) = match own::command(target, around.os)? {
                Some(own) if command.is_empty() => own,
                Some(_) => return Err(Failure::CommandLine { detail: unfit(&Unfit::Command) }),
                None => {
                    let mut words = ssh::command(target, around)?;
                    words.extend_from_slice(command);
                    (words.remove(0), words)
                }
            };
            Ok(LaunchPlan::new(program, args, Console::Inherit))
        }
        Protocol::Rdp => in_window(target, around),
        Protocol::Port => match own::command(target, around.os)? {
            Some((program, args)) => Ok(LaunchPlan::new(program, args, Console::Inherit)),
            None => Err(target.refused(&Unfit::PortAlone)),
        },
    }
}

/// Has ssh tell how it would open the target (`ssh -G`), without connecting; none where something else than ssh opens it.
pub fn ssh_settings(target: &Target<'_>, around: &Surroundings) -> Result<Option<LaunchPlan>, Failure> {
    match target.protocol {
        Protocol::Ssh if target.profile.client.is_none() => {
            let mut words = ssh::command(target, around)?;
            // Before “--” and the host.
            words.insert(words.len() - 2, "-G".into());
            Ok(Some(LaunchPlan::new(words.remove(0), words, Console::Detached)))
        }
        Protocol::Ssh | Protocol::Rdp | Protocol::Port => Ok(None),
    }
}

/// Opens the target in a window of its own: ssh inside a terminal window, the remote desktop client, or the favourite's own.
pub fn in_window(target: &Target<'_>, around: &Surroundings) -> Result<LaunchPlan, Failure> {
    if let Some(plan) = own::plan(target, around.os)? {
        return Ok(plan);
    }
    match target.protocol {
        Protocol::Ssh => terminal::plan(around, &target.title(), ssh::command(target, around)?),
        Protocol::Rdp => rdp::plan(target, around),
        Protocol::Port => Err(target.refused(&Unfit::PortAlone)),
    }
}
