//! The words for what is wrong in `config.toml`, to stand behind the name of the file.

use crate::inheritance::{Field, Inheritable, Origin};
use crate::port::Protocol;
use crate::profile::{DEFAULT_ACCESS, NetworkName, ProfileName};
use crate::team::TeamName;

/// What keeps the file from being understood.
#[derive(Clone, Copy, Debug)]
pub enum Flaw<'a> {
    /// A favourite of a name that another one has.
    Twice {
        /// As it is written the second time.
        name: &'a ProfileName,
        /// And the first.
        first: &'a ProfileName,
    },
    /// Port 0.
    NoPort {
        /// In this table, such as `profiles.web`.
        table: &'a str,
    },
    /// The protocol `port`, and no port.
    WhichPort {
        /// In this table, such as `profiles.web`.
        table: &'a str,
    },
    /// A folder that is there under another spelling.
    FolderTwice {
        /// As it is written the second time.
        name: &'a str,
        /// And the first.
        first: &'a str,
    },
    /// A folder without a name.
    NoFolder {
        /// As it is written.
        name: &'a str,
    },
    /// A cloud of the user's that has the name of a built-in one.
    BuiltInCloud {
        /// As it is written.
        name: &'a str,
        /// Whose name it is.
        built_in: &'a str,
    },
    /// A network of a name that another one has.
    NetworkTwice {
        /// As it is written the second time.
        name: &'a NetworkName,
        /// And the first.
        first: &'a NetworkName,
    },
    /// A team of a name that another one has.
    TeamTwice {
        /// As it is written the second time.
        name: &'a TeamName,
        /// And the first.
        first: &'a TeamName,
    },
    /// A source that is a network's name, which is none under `[networks]`.
    NoNetwork {
        /// In this table, such as `profiles.web`.
        table: &'a str,
        /// As it is written.
        name: &'a NetworkName,
    },
    /// Access is never asked for so long.
    Length {
        /// In this table, such as `profiles.web`.
        table: &'a str,
        /// As it is written.
        length: &'a str,
    },
    /// The `schema_version` is something else than a number.
    NoVersion,
    /// The key stands for a table, and has another value.
    NoTable {
        /// The key.
        key: &'a str,
    },
    /// The key stands for a text, and has another value.
    NoText {
        /// The key.
        key: &'a str,
    },
    /// The value of a key is wrong.
    Value {
        /// The key.
        key: &'a str,
        /// What is wrong.
        detail: &'a str,
    },
    /// What stands in a table is wrong.
    Within {
        /// The table, such as `profiles.web`.
        table: &'a str,
        /// What is wrong.
        detail: &'a str,
    },
}

/// Where something is wrong, and what.
pub fn flaw(flaw: &Flaw<'_>) -> String {
    match flaw {
        Flaw::Twice { name, first } => {
            format!("[profiles.{name}] is [profiles.{first}] once more: names that differ only in case are the same")
        }
        Flaw::NoPort { table } => format!("[{table}] port = 0 is no port: use 1 to 65535"),
        Flaw::WhichPort { table } => {
            format!("[{table}] protocol = \"port\" opens a port and does not say which: add port = 5432, or the like")
        }
        Flaw::FolderTwice { name, first } => format!("[folders.\"{name}\"] is [folders.\"{first}\"] once more"),
        Flaw::NoFolder { name } => format!("[folders.\"{name}\"] is no folder: write it like Team/Prod"),
        Flaw::BuiltInCloud { name, built_in } => format!(
            "[clouds.{name}] is named as “{built_in}”, a cloud that Ajar knows by itself, and nobody else says which hosts it \
             has; choose another name"
        ),
        Flaw::NetworkTwice { name, first } => {
            format!("[networks] {name} is {first} once more: names that differ only in case are the same")
        }
        Flaw::TeamTwice { name, first } => {
            format!("[teams.{name}] is [teams.{first}] once more: names that differ only in case are the same")
        }
        Flaw::NoNetwork { table, name } => format!(
            "[{table}] source = \"{name}\" is no address, and no network under [networks]; use one of these, or automatic"
        ),
        Flaw::Length { table, length } => {
            format!("[{table}] for = \"{length}\" is never asked for: use 5m to 24h")
        }
        Flaw::NoVersion => "schema_version is not a number".into(),
        Flaw::NoTable { key } => format!("“{key}” {NO_TABLE}"),
        Flaw::NoText { key } => format!("“{key}” is not a text"),
        Flaw::Value { key, detail } => format!("{key}: {detail}"),
        Flaw::Within { table, detail } => format!("[{table}] {detail}"),
    }
}

/// Where in the file something is wrong, by line and column (in characters), both from 1 on, and what.
pub fn at(line: usize, column: usize, text: &str) -> String {
    format!("line {line}, column {column}: {text}")
}

/// What lies there is something else than a file.
pub fn no_file() -> &'static str {
    "it is no file that could be read"
}

/// A letter is written otherwise than TOML is.
pub fn no_utf_8() -> &'static str {
    "from here on it is not UTF-8, in which TOML is written; save it as that"
}

/// A table as its head is written, without the brackets: the second of its keys is a name that somebody has chosen.
pub fn table_name(keys: &[&str]) -> String {
    match keys {
        ["folders", name] => format!("folders.\"{name}\""),
        keys => keys.join("."),
    }
}

/// What is spoken on a port, to stand for itself.
pub fn protocol(protocol: Protocol) -> String {
    match protocol {
        Protocol::Ssh | Protocol::Rdp => protocol.to_string(),
        Protocol::Port => "Port only".into(),
    }
}

/// What holds of a field where so much is said, if anything does.
pub fn holds(field: Field, said: &Inheritable) -> Option<String> {
    let yes_or_no = |is_so: bool| Some(if is_so { "yes" } else { "no" }.to_owned());
    match field {
        // Where it is a port alone, and nobody says which, there is none.
        Field::Port => Some(said.port()).filter(|port| *port != 0).map(|port| port.to_string()),
        Field::Protocol => Some(protocol(said.protocol())),
        Field::User => said.user.clone(),
        Field::Access => Some(super::spoken(said.access.map_or(DEFAULT_ACCESS, |length| length.0))),
        Field::RenewUpTo => {
            let length = said.renew_up_to.unwrap_or_default().length();
            Some(length.map_or_else(|| "never".into(), super::spoken))
        }
        Field::AfterUse => Some(said.after_use.unwrap_or_default().to_string()),
        Field::Account => said.account.as_ref().map(ToString::to_string),
        Field::Cloud => said.cloud.clone(),
        Field::Tenant => said.tenant.clone(),
        Field::Start => yes_or_no(said.start.unwrap_or(true)),
        Field::IdentityFile => said.identity_file.clone(),
        Field::KnownHostsFile => said.known_hosts_file.clone(),
        Field::Justification => said.justification.clone().filter(|reason| !reason.is_empty()),
        Field::AskJustification => yes_or_no(said.ask_justification.unwrap_or(false)),
        Field::Address => Some(said.address.unwrap_or_default().to_string()),
        Field::Source => Some(said.source.clone().unwrap_or_default().to_string()),
        Field::Colour => said.colour.map(|colour| colour.to_string()),
        Field::Client => said.client.clone(),
        Field::ClientArguments => said.client_arguments.as_ref().map(|words| or_none(words.join(" "))),
        Field::RdpFile => said.rdp_file.clone().filter(|path| !path.is_empty()),
        Field::Gateway => said.gateway.clone().filter(|host| !host.is_empty()),
        // What the file says of it is not known here.
        Field::Multimon if said.multimon.is_none() && said.rdp_file.is_some() => None,
        Field::Multimon => yes_or_no(said.multimon.unwrap_or(false)),
        Field::EntraLogin => yes_or_no(said.entra_login.unwrap_or(false)),
        Field::ForwardAgent => yes_or_no(said.forward_agent.unwrap_or(false)),
        Field::Forwards => {
            let all = said.forwards.as_ref();
            all.map(|all| or_none(all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))
        }
    }
}

/// Of an empty list, which takes the place of what would be inherited.
fn or_none(list: String) -> String {
    if list.is_empty() { "none".into() } else { list }
}

/// Where a value comes from; nothing where the favourite says it itself.
pub fn origin(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Profile => None,
        Origin::Folder { folder } => Some(format!("from {}", super::one_line(folder))),
        Origin::Team { team } => Some(format!("from team {team}")),
        Origin::Defaults => Some("from the defaults".into()),
        Origin::Vm { os } => Some(format!("from the VM: {}", super::system(*os))),
        Origin::Policy => Some("from the policy’s maximum".into()),
        Origin::BuiltIn => Some("built in".into()),
    }
}

/// What holds where nothing is typed, such as “2 hours, from Team/Prod”; nothing where nothing does.
pub fn inherited(value: &str, from: &Origin) -> String {
    match from {
        Origin::Profile | Origin::BuiltIn => super::one_line(value),
        Origin::Folder { .. } | Origin::Team { .. } | Origin::Defaults | Origin::Vm { .. } | Origin::Policy => {
            format!("{}, {}", super::one_line(value), origin(from).unwrap_or_default())
        }
    }
}

/// What favourites inherit, all or those in a folder, as a failure is about it.
pub fn defaults_of(folder: Option<&str>) -> String {
    folder.map_or_else(|| "the defaults".into(), |folder| format!("the defaults of {}", super::one_line(folder)))
}

/// Of something that has to be a table, to stand behind its name.
pub const NO_TABLE: &str = "is not a table";

/// What a file begins with that Ajar makes.
pub const NEW_FILE: &str = "# Settings of Ajar. Edit freely: comments and order are kept.\n";
