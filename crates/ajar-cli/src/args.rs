//! The command line.

mod exchange;
mod favourites;
mod team;

use std::path::PathBuf;
use std::time::Duration;

use ajar_core::account::AccountName;
use ajar_core::message;
use ajar_core::profile::{ProfileName, SourceChoice};
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
pub(crate) use exchange::{Export, Import, ImportFormat, OnConflict};
pub(crate) use favourites::{Add, Edit, OrNothing};
pub(crate) use team::{TeamAdd, TeamCommand, TeamCopy, TeamNamed};

/// Opens the door of a locked-down Azure VM just long enough.
///
/// Ajar finds your public address, requests just-in-time access, starts the VM if it is stopped, waits until the port
/// truly answers and starts ssh or the remote desktop client.
#[derive(Debug, Parser)]
#[command(name = "ajar", version, propagate_version = true, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// Keep everything of this user in DIR
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) config: Option<PathBuf>,
    /// Use this cloud: public, usgov, china, or one of config.toml
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub(crate) cloud: Option<String>,
    /// Use the built-in Azure: nothing is real but the sockets
    #[arg(long, global = true, conflicts_with = "cloud", help_heading = "Global options")]
    pub(crate) demo: bool,
    /// How many times faster than Azure the built-in one is
    #[arg(long, global = true, hide = true, value_name = "FACTOR", default_value_t = 6.0, value_parser = demo_speed)]
    pub(crate) demo_speed: f64,
    /// Say more on standard error; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage, 3 not signed in, 4 denied, 5 timed out, 130 cancelled
(129, 143: ended by SIGHUP, SIGTERM).
To begin: ajar sign-in (or az login), then ajar connect, which finds your VMs.
Try it without Azure: ajar --demo connect web-01";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the favourites, or find VMs among all that your accounts can see
    List(List),
    /// Open a favourite or another VM, and start ssh or the remote desktop client
    Connect(Connect),
    /// Open a favourite and carry bytes to its port: for OpenSSH's ProxyCommand
    Proxy(Proxy),
    /// Have ssh know the favourites as its hosts: then plain “ssh web-01” opens the door
    #[command(subcommand)]
    SshConfig(SshConfig),
    /// Show what is open, and for how long
    Status(Status),
    /// Ask for more time for a favourite that is open
    Extend(Extend),
    /// Deallocate the VM of a favourite, so that its compute is not billed any more
    Stop(Stop),
    /// Show what was opened or deallocated: when, from where, why, and what came of it
    History(History),
    /// Give up connecting to a favourite
    Cancel(Named),
    /// Add a favourite
    Add(Add),
    /// Change a favourite
    Edit(Edit),
    /// Show a favourite
    Show(Named),
    /// Remove a favourite; what Azure holds open stays open
    Remove(Named),
    /// Take favourites in: from another person, or out of what other programs keep of the hosts they open
    Import(Import),
    /// Write favourites to be handed on, without secrets and without what is yours alone
    Export(Export),
    /// Favourites that a team keeps for all of it, in one file
    #[command(subcommand)]
    Team(TeamCommand),
    /// Show the accounts, and which favourites act as whom
    Accounts(Accounts),
    /// Look at the whole way to a VM, tell what opening it would do or what stands in the way, and change nothing
    Doctor(Doctor),
    /// Show which of the rights that opening a favourite takes are granted, and what to send to the administrator
    Rights(Rights),
    /// Sign in: with the browser, or as an application, a machine, a workload or a user of the Azure CLI
    SignIn(SignIn),
    /// Forget an account, with all that is kept of it
    SignOut(SignOut),
    /// Print what makes a shell complete ajar's command line: in bash, source <(ajar completions bash)
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Parts of names, resource groups, subscriptions, tags or addresses: those of all VMs are searched, too; '' shows all
    pub(crate) query: Option<String>,
    /// Read the VMs anew, however fresh the list is
    #[arg(long, requires = "query")]
    pub(crate) refresh: bool,
    /// Print one JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Accounts {
    /// Have this account act for favourites that name none
    #[arg(long, value_name = "NAME")]
    pub(crate) default: Option<AccountName>,
    /// Print one JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches, of which clap takes one")]
pub(crate) struct SignIn {
    /// What to call the account, or which one to sign in to again [default: from its user name]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<AccountName>,
    /// The tenant to sign in to, by id or domain [default: wherever the account belongs]
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// The application to sign in with [default: that of config.toml], or the service principal's own id
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// Show a code to type on another device, where no browser is at hand; many organisations forbid it
    #[arg(long, group = "way", help_heading = "Instead of the browser")]
    pub(crate) device_code: bool,
    /// Sign in as an application of --tenant with --client-id; its secret is read from standard input, or asked for
    #[arg(long, group = "way", help_heading = "Instead of the browser")]
    pub(crate) service_principal: bool,
    /// The application's certificate in place of a secret: a PEM file with its RSA key
    #[arg(long, value_name = "FILE", requires = "service_principal", help_heading = "Instead of the browser")]
    pub(crate) certificate: Option<PathBuf>,
    /// Act as the Azure resource that this runs on; --client-id chooses one of several identities
    #[arg(long, group = "way", help_heading = "Instead of the browser")]
    pub(crate) managed_identity: bool,
    /// Act as a federated workload of --tenant with --client-id
    #[arg(long, group = "way", requires = "token_file", help_heading = "Instead of the browser")]
    pub(crate) workload_identity: bool,
    /// The file that the workload's platform keeps its token in
    #[arg(long, value_name = "FILE", requires = "workload_identity", help_heading = "Instead of the browser")]
    pub(crate) token_file: Option<PathBuf>,
    /// Give a user of the Azure CLI a name, so that favourites can name it; "az" is whoever it acts as
    #[arg(long, group = "way", help_heading = "Instead of the browser")]
    pub(crate) az: bool,
    /// Which user of the Azure CLI [default: the one it acts as]
    #[arg(long, value_name = "USER", requires = "az", help_heading = "Instead of the browser")]
    pub(crate) username: Option<String>,
    /// Sign nobody in: print what to send to the administrator who is to register an application
    #[arg(long, conflicts_with_all = ["way", "name", "tenant", "client_id", "json"])]
    pub(crate) message: bool,
    /// Print one JSON event a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SignOut {
    /// The account [default: the only one there is]
    pub(crate) name: Option<AccountName>,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Connect {
    /// The favourites; or any VMs, by their names or a beginning that no other has. Without one a terminal shows what there is
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Open all favourites of a folder, and of those within: each in a window of its own
    #[arg(long, value_name = "FOLDER", conflicts_with = "names")]
    pub(crate) folder: Option<String>,
    /// Another port than the favourite's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// How long to ask access for, such as 90m or 2h
    #[arg(long = "for", value_name = "TIME", value_parser = access_duration)]
    pub(crate) duration: Option<Duration>,
    /// The justification for the record
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Your own public IPv4 address, as the VM will see it, or the name of a network in config.toml [default: found out]
    #[arg(long, value_name = "ADDRESS|NETWORK", value_parser = one_source)]
    pub(crate) source: Option<SourceChoice>,
    /// Open the port, but start nothing
    #[arg(long)]
    pub(crate) no_launch: bool,
    /// Print one JSON event a line
    #[arg(long)]
    pub(crate) json: bool,
    /// A command for ssh to run on the VM
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["no_launch", "json"])]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Extend {
    /// The favourites
    #[arg(value_name = "NAME", required_unless_present = "folder")]
    pub(crate) names: Vec<ProfileName>,
    /// All favourites of a folder, and of those within, that are open
    #[arg(long, value_name = "FOLDER", conflicts_with = "names")]
    pub(crate) folder: Option<String>,
    /// Another port than the favourite's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// How long it is to stay open from now on, such as 90m or 2h [default: as the favourite says]
    #[arg(long = "for", value_name = "TIME", value_parser = access_duration)]
    pub(crate) duration: Option<Duration>,
    /// Until the same end, for this machine's present address: what is open lets in the one it had before
    #[arg(long, conflicts_with = "duration")]
    pub(crate) from_here: bool,
    /// The justification for the record
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Print one JSON event a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Stop {
    /// The favourites; or any VMs, by their whole names
    #[arg(value_name = "NAME", required_unless_present = "folder")]
    pub(crate) names: Vec<String>,
    /// All favourites of a folder, and of those within
    #[arg(long, value_name = "FOLDER", conflicts_with = "names")]
    pub(crate) folder: Option<String>,
    /// Ask nothing: a terminal asks where somebody else has the VM open, and before a whole folder is deallocated
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    /// Print one JSON value, or of several one a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = PROXY_USE)]
pub(crate) struct Proxy {
    /// The favourite, with or without “.ajar” at its end
    #[arg(value_name = "HOST", value_parser = favourite_of_host)]
    pub(crate) name: ProfileName,
    /// The VM's port
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,
}

const PROXY_USE: &str = "“ajar ssh-config install” has ssh use it for the favourites by themselves.";

#[derive(Debug, Subcommand)]
pub(crate) enum SshConfig {
    /// Print the hosts that “install” writes
    Print,
    /// Write the favourites to ~/.ssh/ajar.conf, and one line that includes it at the top of ~/.ssh/config
    ///
    /// On a terminal that line is asked for first. ajar.conf is written anew whenever a favourite changes.
    Install(SshConfigInstall),
    /// Take both away again
    Remove {
        /// Print one JSON value
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct SshConfigInstall {
    /// Write the line without asking
    #[arg(long, short = 'y', conflicts_with = "no_include")]
    pub(crate) yes: bool,
    /// Leave ~/.ssh/config alone, and say which line it takes
    #[arg(long)]
    pub(crate) no_include: bool,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// The favourite; or any VM, by its whole name
    pub(crate) name: String,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rights {
    /// The favourite
    pub(crate) name: ProfileName,
    /// Print nothing but the message for the administrator
    #[arg(long, conflicts_with = "json")]
    pub(crate) message: bool,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// Stay, and say what changes
    #[arg(long)]
    pub(crate) watch: bool,
    /// Print JSON: one array, or with --watch one event a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct History {
    /// Only of this favourite
    pub(crate) name: Option<ProfileName>,
    /// For another program: all of it, as one JSON array or as CSV with a heading
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The same as --format json
    #[arg(long, conflicts_with_all = ["format", "all"])]
    json: bool,
    /// Show more than the last 50
    #[arg(long, conflicts_with = "format")]
    pub(crate) all: bool,
    /// Ask Azure’s Activity Log who has opened, started or deallocated its VM, with Ajar or without
    #[arg(long, requires = "name", conflicts_with = "all")]
    pub(crate) azure: bool,
    /// So many days back, up to 90: Azure keeps no more
    #[arg(long, requires = "azure", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=90))]
    pub(crate) days: u16,
}

impl History {
    /// For which other program, if for one.
    pub(crate) fn format(&self) -> Option<Format> {
        self.format.or(self.json.then_some(Format::Json))
    }
}

/// What other programs read.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values (RFC 4180)
    Csv,
    /// One JSON array
    Json,
}

impl From<Format> for ajar_core::journal::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Json => Self::Json,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// The favourite
    pub(crate) name: ProfileName,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

impl Args {
    /// The cloud of favourites that name none. Who adds or changes a favourite names that one's own.
    pub(crate) fn usual_cloud(&self) -> Option<&str> {
        let is_of_favourite = matches!(self.command, Command::Add(_) | Command::Edit(_));
        self.cloud.as_deref().filter(|_| !is_of_favourite)
    }
}

/// What a shell has to read to complete the command line.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "ajar", &mut script);
    script
}

/// ssh is told of favourites by names that end in `.ajar`.
fn favourite_of_host(host: &str) -> Result<ProfileName, String> {
    const ENDING: &str = ".ajar";
    let at = host.len().saturating_sub(ENDING.len());
    let name = match host.split_at_checked(at) {
        Some((name, ending)) if ending.eq_ignore_ascii_case(ENDING) => name,
        _ => host,
    };
    name.parse().map_err(|error: ajar_core::profile::ProfileNameError| error.to_string())
}

/// Policies know durations from five minutes to a day.
fn access_duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| message::cli::no_duration(&error.to_string()))?;
    let (shortest, longest) = (Duration::from_mins(5), Duration::from_hours(24));
    if (shortest..=longest).contains(&duration) {
        Ok(duration)
    } else {
        Err(message::cli::duration_out_of_range().into())
    }
}

/// One that is named for this time.
fn one_source(text: &str) -> Result<SourceChoice, String> {
    match text.parse()? {
        SourceChoice::Automatic => Err(message::given::no_source(text)),
        named @ (SourceChoice::Host(_) | SourceChoice::Network(_)) => Ok(named),
    }
}

fn demo_speed(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|speed| *speed > 0.0 && f64::is_finite(*speed))
        .ok_or_else(|| message::cli::no_speed().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn speeds_are_positive_numbers() {
        let asked = |speed: &str| Args::try_parse_from(["ajar", &format!("--demo-speed={speed}"), "--demo", "list"]);
        assert!((asked("0.5").unwrap().demo_speed - 0.5).abs() < f64::EPSILON);
        for speed in ["0", "-1", "nan", "inf", "fast", ""] {
            let error = asked(speed).unwrap_err().to_string();
            assert!(error.contains("a number greater than 0"), "{speed}: {error}");
        }
    }

    #[test]
    fn a_favourite_is_named_as_a_host_with_or_without_its_ending() {
        for host in ["web-01", "web-01.ajar", "WEB-01.Ajar"] {
            assert!(favourite_of_host(host).is_ok_and(|name| name == "web-01".parse().unwrap()), "{host}");
        }
        for host in ["", ".ajar", "web 01", "-x.ajar", "a.ajar.ajar", "ö.ajar"] {
            assert!(favourite_of_host(host).is_err(), "{host}");
        }
    }

    #[test]
    fn durations_are_those_that_policies_know() {
        assert_eq!(access_duration("2h"), Ok(Duration::from_hours(2)));
        assert_eq!(access_duration("1h 30m"), Ok(Duration::from_mins(90)));
        for text in ["", "2", "4m", "25h", "-1h", "soon"] {
            assert!(access_duration(text).is_err(), "{text}");
        }
    }
}
