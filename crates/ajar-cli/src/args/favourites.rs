//! How a favourite is described on the command line, and what many inherit.

use std::time::Duration;

use ajar_core::account::AccountName;
use ajar_core::inheritance::Field;
use ajar_core::message;
use ajar_core::port::Protocol;
use ajar_core::profile::{AddressChoice, AfterUse, Colour, Forward, ProfileName, RenewUpTo, SourceChoice};

use super::access_duration;

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// What to call it
    pub(crate) name: ProfileName,
    /// The VM: its name, or its resource ID as in the portal under Properties [default: the one that is called NAME]
    #[arg(long, value_name = "NAME_OR_ID")]
    pub(crate) vm: Option<String>,
    /// The VM's port; 3389 makes it RDP, another than 22 and 2222 a port alone [default: 22, and what fits a VM that was found]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// What is spoken there: ssh or rdp; or port, to open the port alone [default: by the port]
    #[arg(long, value_name = "PROTOCOL", value_parser = protocol)]
    pub(crate) protocol: Option<Protocol>,
    /// Who logs in
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
    /// How long to ask access for [default: 3h, or what the policy allows]
    #[arg(long = "for", value_name = "TIME", value_parser = access_duration)]
    pub(crate) duration: Option<Duration>,
    /// For how long, from its first opening on, access is renewed by itself while you are connected, such as 8h; or never
    #[arg(long, value_name = "TIME")]
    pub(crate) renew_up_to: Option<RenewUpTo>,
    /// What is done with the VM, if Ajar has started it, once nobody is connected any more: leave, ask or deallocate
    #[arg(long, value_name = "WHAT")]
    pub(crate) after_use: Option<AfterUse>,
    /// The account to act as
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<AccountName>,
    /// The tenant of the VM's subscription, by id or domain [default: found out]
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// ssh's private key file
    #[arg(long, value_name = "FILE")]
    pub(crate) identity_file: Option<String>,
    /// ssh's known hosts file, where it is not your own
    #[arg(long, value_name = "FILE")]
    pub(crate) known_hosts_file: Option<String>,
    /// The reason to give for access; may name {name}, {vm}, {group}, {user}, {account} and {date}
    #[arg(long, value_name = "TEXT")]
    pub(crate) justification: Option<String>,
    /// Have everybody say why, each time that access is asked for
    #[arg(long)]
    pub(crate) ask_justification: bool,
    /// Which address to dial: automatic, private, public or bastion
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<AddressChoice>,
    /// From which address to ask access: automatic, one that is always the same, or the name of a network in config.toml
    #[arg(long, value_name = "ADDRESS|NETWORK")]
    pub(crate) source: Option<SourceChoice>,
    /// The mark beside its name, such as red
    #[arg(long, value_name = "COLOUR")]
    pub(crate) colour: Option<Colour>,
    /// The program to open it with
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) client: Option<String>,
    /// What to give that program beside what it always is; once for each word: --client-argument=-X. Where a word names {host},
    /// {port}, {user}, {name} or {vm}, that program is given these words alone
    #[arg(long = "client-argument", value_name = "WORD", allow_hyphen_values = true)]
    pub(crate) client_arguments: Vec<String>,
    /// What ssh forwards, such as 'L 8080:localhost:80', by the letters of its -L, -R and -D; once for each
    #[arg(long = "forward", value_name = "FORWARD")]
    pub(crate) forwards: Vec<Forward>,
    /// The .rdp file of your own that Remote Desktop is opened by
    #[arg(long, value_name = "FILE")]
    pub(crate) rdp_file: Option<String>,
    /// The Remote Desktop gateway to go through, by its host name
    #[arg(long, value_name = "HOST")]
    pub(crate) gateway: Option<String>,
    /// Whether Remote Desktop takes all monitors
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no, num_args = 0..=1, default_missing_value = "yes")]
    pub(crate) multimon: Option<bool>,
    /// Whether you log in to the VM as whom you are in Entra
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no, num_args = 0..=1, default_missing_value = "yes")]
    pub(crate) entra_login: Option<bool>,
    /// Whether ssh lets the VM use the keys of your agent
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no, num_args = 0..=1, default_missing_value = "yes")]
    pub(crate) forward_agent: Option<bool>,
    /// What there is to remember about it
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// The folder to put it in, such as Team/Prod
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<String>,
    /// Never start the VM
    #[arg(long)]
    pub(crate) no_start: bool,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = EDIT_USE)]
#[expect(clippy::struct_excessive_bools, reason = "switches, of which clap takes one of a kind")]
pub(crate) struct Edit {
    /// The favourite
    #[arg(required_unless_present = "of_many", conflicts_with = "of_many")]
    pub(crate) name: Option<ProfileName>,
    /// Change what holds for all favourites that say nothing else
    #[arg(long, group = "of_many", help_heading = "Instead of a favourite")]
    pub(crate) defaults: bool,
    /// Change what holds for the favourites in FOLDER, and in folders within, that say nothing else
    #[arg(long, group = "of_many", value_name = "FOLDER", help_heading = "Instead of a favourite")]
    pub(crate) folder_defaults: Option<String>,
    /// Put it before OTHER
    #[arg(long, group = "place", value_name = "OTHER", conflicts_with = "of_many", help_heading = "Its place")]
    pub(crate) before: Option<ProfileName>,
    /// Put it behind OTHER
    #[arg(long, group = "place", value_name = "OTHER", conflicts_with = "of_many", help_heading = "Its place")]
    pub(crate) after: Option<ProfileName>,
    /// Put it before all others
    #[arg(long, group = "place", conflicts_with = "of_many", help_heading = "Its place")]
    pub(crate) first: bool,
    /// Put it behind all others
    #[arg(long, group = "place", conflicts_with = "of_many", help_heading = "Its place")]
    pub(crate) last: bool,
    /// What to call it from now on
    #[arg(long, value_name = "NAME", conflicts_with = "of_many")]
    pub(crate) rename: Option<ProfileName>,
    /// Another VM: its resource ID, or a name that one VM alone has
    #[arg(long, value_name = "VM", conflicts_with = "of_many")]
    pub(crate) vm: Option<String>,
    /// The VM's port
    #[arg(long, value_name = "N", value_parser = or_nothing(port))]
    pub(crate) port: Option<OrNothing<u16>>,
    /// What is spoken there: ssh or rdp; or port, to open the port alone
    #[arg(long, value_name = "PROTOCOL", value_parser = or_nothing(protocol))]
    pub(crate) protocol: Option<OrNothing<Protocol>>,
    /// Who logs in
    #[arg(long, value_name = "USER", value_parser = or_nothing(str::parse::<String>))]
    pub(crate) user: Option<OrNothing<String>>,
    /// How long to ask access for
    #[arg(long = "for", value_name = "TIME", value_parser = or_nothing(access_duration))]
    pub(crate) duration: Option<OrNothing<Duration>>,
    /// For how long, from its first opening on, access is renewed by itself while you are connected, such as 8h; or never
    #[arg(long, value_name = "TIME", value_parser = or_nothing(str::parse::<RenewUpTo>))]
    pub(crate) renew_up_to: Option<OrNothing<RenewUpTo>>,
    /// What is done with the VM, if Ajar has started it, once nobody is connected any more: leave, ask or deallocate
    #[arg(long, value_name = "WHAT", value_parser = or_nothing(str::parse::<AfterUse>))]
    pub(crate) after_use: Option<OrNothing<AfterUse>>,
    /// The account to act as
    #[arg(long, value_name = "ACCOUNT", value_parser = or_nothing(str::parse::<AccountName>))]
    pub(crate) account: Option<OrNothing<AccountName>>,
    /// The tenant of the VM's subscription, by id or domain
    #[arg(long, value_name = "TENANT", value_parser = or_nothing(str::parse::<String>))]
    pub(crate) tenant: Option<OrNothing<String>>,
    /// ssh's private key file
    #[arg(long, value_name = "FILE", value_parser = or_nothing(str::parse::<String>))]
    pub(crate) identity_file: Option<OrNothing<String>>,
    /// ssh's known hosts file, where it is not your own
    #[arg(long, value_name = "FILE", value_parser = or_nothing(str::parse::<String>))]
    pub(crate) known_hosts_file: Option<OrNothing<String>>,
    /// The reason to give for access; may name {name}, {vm}, {group}, {user}, {account} and {date}. An empty one is none
    #[arg(long, value_name = "TEXT")]
    pub(crate) justification: Option<String>,
    /// Have everybody say why, each time that access is asked for
    #[arg(long, value_name = "yes|no", value_parser = or_nothing(yes_or_no), num_args = 0..=1, default_missing_value = "yes")]
    pub(crate) ask_justification: Option<OrNothing<bool>>,
    /// Which address to dial: automatic, private, public or bastion
    #[arg(long, value_name = "ADDRESS", value_parser = or_nothing(str::parse::<AddressChoice>))]
    pub(crate) address: Option<OrNothing<AddressChoice>>,
    /// From which address to ask access: automatic, one that is always the same, or the name of a network in config.toml
    #[arg(long, value_name = "ADDRESS|NETWORK", value_parser = or_nothing(str::parse::<SourceChoice>))]
    pub(crate) source: Option<OrNothing<SourceChoice>>,
    /// The mark beside its name, such as red
    #[arg(long, value_name = "COLOUR", value_parser = or_nothing(str::parse::<Colour>))]
    pub(crate) colour: Option<OrNothing<Colour>>,
    /// The program to open it with
    #[arg(long, value_name = "PROGRAM", value_parser = or_nothing(str::parse::<String>))]
    pub(crate) client: Option<OrNothing<String>>,
    /// What to give that program beside what it always is; once for each word: --client-argument=-X. Where a word names {host},
    /// {port}, {user}, {name} or {vm}, that program is given these words alone
    #[arg(long = "client-argument", value_name = "WORD", allow_hyphen_values = true)]
    pub(crate) client_arguments: Vec<String>,
    /// What ssh forwards, such as 'L 8080:localhost:80', by the letters of its -L, -R and -D; once for each
    #[arg(long = "forward", value_name = "FORWARD", value_parser = or_nothing(str::parse::<Forward>))]
    pub(crate) forwards: Vec<OrNothing<Forward>>,
    /// The .rdp file of your own that Remote Desktop is opened by
    #[arg(long, value_name = "FILE", value_parser = or_nothing(str::parse::<String>))]
    pub(crate) rdp_file: Option<OrNothing<String>>,
    /// The Remote Desktop gateway to go through, by its host name
    #[arg(long, value_name = "HOST", value_parser = or_nothing(str::parse::<String>))]
    pub(crate) gateway: Option<OrNothing<String>>,
    /// Whether Remote Desktop takes all monitors
    #[arg(long, value_name = "yes|no", value_parser = or_nothing(yes_or_no), num_args = 0..=1, default_missing_value = "yes")]
    pub(crate) multimon: Option<OrNothing<bool>>,
    /// Whether you log in to the VM as whom you are in Entra
    #[arg(long, value_name = "yes|no", value_parser = or_nothing(yes_or_no), num_args = 0..=1, default_missing_value = "yes")]
    pub(crate) entra_login: Option<OrNothing<bool>>,
    /// Whether ssh lets the VM use the keys of your agent
    #[arg(long, value_name = "yes|no", value_parser = or_nothing(yes_or_no), num_args = 0..=1, default_missing_value = "yes")]
    pub(crate) forward_agent: Option<OrNothing<bool>>,
    /// What there is to remember about it
    #[arg(long, value_name = "TEXT", value_parser = or_nothing(str::parse::<String>), conflicts_with = "of_many")]
    pub(crate) note: Option<OrNothing<String>>,
    /// The folder to put it in, such as Team/Prod
    #[arg(long, value_name = "FOLDER", value_parser = or_nothing(str::parse::<String>), conflicts_with = "of_many")]
    pub(crate) folder: Option<OrNothing<String>>,
    /// Start the VM where it rests
    #[arg(long, conflicts_with = "no_start")]
    pub(crate) start: bool,
    /// Never start the VM
    #[arg(long)]
    pub(crate) no_start: bool,
    /// Say nothing of FIELD any more, by its key in config.toml, such as port or start
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(crate) unset: Vec<Field>,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

const EDIT_USE: &str = "What is not named stays. An empty value takes one out: ajar edit web-01 --account ''
What a favourite does not say, its folder says, else the folder that this lies in, else the defaults; “ajar show” tells.
Here and with “ajar add”, --cloud is the favourite's.";

/// What is given for a setting: a value, or an empty text to take out the one that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrNothing<T>(pub(crate) Option<T>);

/// Reads a value, or nothing of an empty text.
fn or_nothing<T, E: ToString>(
    parse: impl Fn(&str) -> Result<T, E> + Clone + Send + Sync + 'static,
) -> impl Fn(&str) -> Result<OrNothing<T>, String> + Clone + Send + Sync + 'static {
    move |text| {
        if text.is_empty() {
            return Ok(OrNothing(None));
        }
        parse(text).map(|value| OrNothing(Some(value))).map_err(|error| error.to_string())
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(message::cli::neither_yes_nor_no().into()),
    }
}

fn protocol(text: &str) -> Result<Protocol, String> {
    Protocol::ALL
        .into_iter()
        .find(|known| known.to_string().eq_ignore_ascii_case(text))
        .ok_or_else(|| message::cli::no_protocol().into())
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| message::cli::no_port().into())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Args, Command};
    use super::*;

    #[test]
    fn a_value_is_changed_taken_out_or_left_and_a_wrong_one_is_told_of() {
        let edit = |args: &[&str]| match Args::try_parse_from([&["ajar", "edit", "web-01"], args].concat()) {
            Ok(Args { command: Command::Edit(edit), .. }) => Ok(edit),
            Ok(_) => panic!("another command"),
            Err(error) => Err(error.to_string()),
        };
        let given = edit(&["--port", "2222", "--account", "", "--for", "90m", "--start"]).unwrap();
        assert_eq!((given.port, given.account, given.user), (Some(OrNothing(Some(2222))), Some(OrNothing(None)), None));
        assert_eq!(given.duration, Some(OrNothing(Some(Duration::from_mins(90)))));
        for (wrong, why) in [
            (["--port", "0"], "a whole number from 1 to 65535"),
            (["--port", "ssh"], "a whole number from 1 to 65535"),
            (["--for", "2m"], "between 5m and 24h"),
            (["--renew-up-to", "2m"], "of 5m to 24h, or never"),
            (["--after-use", "stop"], "leave, ask or deallocate"),
            (["--account", "a b"], "is no name for an account"),
            (["--rename", "a b"], "is no name for a favourite"),
        ] {
            let error = edit(&wrong).unwrap_err();
            assert!(error.contains(why), "{wrong:?}: {error}");
        }
        assert!(edit(&["--start", "--no-start"]).is_err());
    }
}
