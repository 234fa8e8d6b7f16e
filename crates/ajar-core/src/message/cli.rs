//! The words of the command line's results.

use chrono::TimeDelta;

use super::account::whom;

use super::settings::{holds, origin};
use crate::inheritance::{Effective, Field, Inheritable};
use crate::port::Endpoint;
use crate::snapshot::{FavouriteState, RecentView};
use crate::team::TeamFavourite;
use crate::zone::Zone;

/// Over what was opened lately and is no favourite.
pub const RECENT_COLUMNS: [&str; 5] = ["OPENED LATELY", "OPENS WITH", "VM", "RESOURCE GROUP", "LAST"];

/// One such VM.
pub fn recent(recent: &RecentView, zone: Zone) -> [String; 5] {
    let vm = &recent.opens.profile.vm;
    [
        recent.opens.name.to_string(),
        format!("{} {}", recent.protocol, recent.port),
        vm.name().to_owned(),
        vm.resource().resource_group().to_owned(),
        super::moment(recent.at, zone),
    ]
}

/// Over the favourites; the last where they are in several clouds.
pub const FAVOURITE_COLUMNS: [&str; 6] = ["NAME", "OPENS WITH", "VM", "RESOURCE GROUP", "STATE", "CLOUD"];

/// Over the windows.
pub const WINDOW_COLUMNS: [&str; 6] = ["NAME", "PORT", "UNTIL", "LEFT", "FROM", "OPENED BY"];

/// A window's end, after the client has ended or when nothing was started.
pub fn stays_open(name: &str, until: &str, remaining: TimeDelta) -> String {
    format!("{name} is open to new connections until {until} ({}).", super::left(remaining))
}

/// A favourite of a team's, beside which none of one's own can be put.
pub fn place_of_team(name: &str) -> String {
    format!(
        "{name} is a team’s, whose file says where it stands; among your own favourites there is no place beside it"
    )
}

/// The favourite that a resource id leads to.
pub fn leads_there(name: &str) -> String {
    format!("That is the VM of {name}.")
}

/// Of a VM of which nobody knows what runs on it.
pub fn system_unknown(name: &str) -> String {
    format!(
        "What runs on it is not known, since the VM cannot be seen: {name} opens with SSH. If it is Windows: ajar edit {name} --protocol rdp"
    )
}

/// Of a favourite at a port that stands for no protocol by custom.
pub fn port_alone(name: &str, port: u16) -> String {
    format!(
        "Port {port} is opened alone, and no client is started: nobody said what is spoken there. If it is SSH: ajar edit {name} --protocol ssh"
    )
}

/// Where a port is that was opened alone.
pub fn answers_at(name: &str, endpoint: &Endpoint) -> String {
    format!("{name} answers at {endpoint}.")
}

/// Several were to be opened or extended, and some were not.
pub fn some_are_open(open: usize, all: usize) -> String {
    match open {
        0 => format!("None of the {all} worked."),
        open => format!("{open} of {all} worked."),
    }
}

/// Several are opened where no windows can be.
pub fn no_desktop() -> &'static str {
    "There is no desktop here to open windows on: the ports are opened, and nothing is started."
}

/// A command was given with several favourites.
pub fn one_command_for_many() -> &'static str {
    "a command runs on one favourite’s VM; name one"
}

/// A folder without favourites, and those that there are.
pub fn no_such_folder(folder: &str, known: impl Iterator<Item = String>) -> String {
    /// As many as are read.
    const MOST: usize = 8;
    let folder = super::shown(folder, 100);
    let known: std::collections::BTreeSet<_> = known.collect();
    if known.is_empty() {
        return format!("no favourite lies in the folder “{folder}”, nor in any other");
    }
    let more = known.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let known: Vec<_> = known.iter().take(MOST).map(|known| format!("“{}”", super::one_line(known))).collect();
    let are = if known.len() == 1 { "is" } else { "are" };
    format!("no favourite lies in the folder “{folder}”; there {are} {}{more}", known.join(", "))
}

/// A port that is open without a window of ours, and nothing was asked for.
pub fn open_without_request(name: &str) -> String {
    format!("{name} was open already; no access had to be requested.")
}

/// A port that answers since the VM runs, and nothing was asked for.
pub fn open_since_start(name: &str) -> String {
    format!("{name} is open now that it runs; no access had to be requested.")
}

/// A port that is open though Azure's answer to the request for access is not there: it may have opened it or not.
pub fn open_before_answer(name: &str) -> String {
    format!("{name} is open; Azure’s answer to the request for access is not there yet.")
}

/// A port that is open although Azure refused access.
pub fn open_despite_refusal(name: &str) -> String {
    format!("{name} is open, although Azure refused the access requested.")
}

/// There are no favourites.
pub fn no_favourites() -> &'static str {
    "There are no favourites yet. Find a VM: ajar list QUERY\nAdd one: ajar add NAME --vm RESOURCE_ID\nOr try it without Azure: ajar --demo list"
}

/// No window is open; `known` unless Azure could not be read to the end.
pub fn nothing_open(known: bool) -> &'static str {
    if known { "Nothing is open." } else { "Nothing is known to be open." }
}

/// Lines that the terminal has no room for.
pub fn more_lines(count: usize) -> String {
    format!("… and {count} more lines")
}

/// Who opened a window, if it was another than Ajar.
pub fn opened_by(other: Option<&str>) -> &str {
    other.unwrap_or("Ajar")
}

/// The engine is hosted by a process of another account than the environment names here. `pid` is that process.
pub fn environment_unused(pid: u32, running: &str) -> String {
    format!(
        "Ajar runs already (process {pid}), as {}. The account in this terminal’s AZURE_ variables is not used; quit the \
         other Ajar first to use it.",
        whom(running)
    )
}

/// The environment names an application in part, and `variable` has no value.
pub fn environment_incomplete(variable: &str) -> String {
    format!(
        "{variable} has no value, so the application of the other AZURE_ variables is not used. Set it, or unset them all."
    )
}

/// The attempt was lost sight of.
pub fn attempt_without_end() -> &'static str {
    "the attempt has no end"
}

/// The engine answered what was not asked.
pub fn no_answer() -> &'static str {
    "the engine gave another answer"
}

/// A demo was asked of a build that has none.
pub fn built_without_demo() -> &'static str {
    "this ajar was built without the built-in Azure"
}

/// What was written is no speed of the built-in Azure.
pub fn no_speed() -> &'static str {
    "a number greater than 0, please"
}

/// An attempt was cancelled from elsewhere.
pub fn cancelled(name: &str) -> String {
    format!("Cancelled connecting to {name}.")
}

/// There was no attempt to cancel.
pub fn nothing_to_cancel(name: &str) -> String {
    format!("Nothing is under way for {name}.")
}

/// A favourite was added.
pub fn added(name: &str) -> String {
    format!("Added {name}. Open it with: ajar connect {name}")
}

/// A favourite was to be added that is there, with all that was said of it.
pub fn there_already(name: &str) -> String {
    format!("{name} is there already, just like this. Nothing was changed.")
}

/// A favourite was changed, or is only called otherwise.
pub fn changed(name: &str, called: &str) -> String {
    if name == called { format!("Changed {name}.") } else { format!("Changed {name}; it is called {called} now.") }
}

/// A favourite was to stand before or behind itself.
pub fn before_itself(name: &str) -> String {
    format!("{name} cannot stand before or behind itself")
}

/// What favourites inherit was changed, of all or of those in a folder.
pub fn changed_defaults(folder: Option<&str>) -> String {
    format!("Changed {}.", super::settings::defaults_of(folder))
}

/// What favourites inherit was to be changed to what it is.
pub fn same_defaults(folder: Option<&str>) -> String {
    let whose = super::settings::defaults_of(folder);
    format!("Nothing was changed: {whose} are just like this already.")
}

/// A favourite was to be changed to what it is.
pub fn same_already(name: &str) -> String {
    format!("{name} is just like this already. Nothing was changed.")
}

/// A favourite was removed.
pub fn removed(name: &str) -> String {
    format!("Removed {name}. What Azure holds open stays open until its end.")
}

/// The result could not be written to standard output.
pub fn unprinted(detail: &str) -> String {
    format!("error: the result could not be written: {detail}")
}

/// How a favourite stands.
pub fn state(state: FavouriteState) -> &'static str {
    match state {
        FavouriteState::Deallocating => "deallocating",
        FavouriteState::Connecting => "connecting",
        FavouriteState::Open => "open",
        FavouriteState::Ending => "open, ending",
        FavouriteState::Failed => "failed",
        FavouriteState::Closed => "closed",
        FavouriteState::Unknown => "–",
    }
}

/// A favourite, line by line, and of what it does not say itself where that comes from.
pub fn favourite(name: &str, effective: &Effective, of_team: Option<&TeamFavourite>) -> Vec<(&'static str, String)> {
    let profile = &effective.profile;
    let said = Inheritable::of(profile);
    let dash = || "–".to_owned();
    let fields = Field::ALL.iter().map(|field| {
        let text = holds(*field, &said);
        let from = origin(effective.origin(*field)).map(|from| format!(" ({from})"));
        (label(*field), text.map_or_else(dash, |text| super::one_line(&text) + &from.unwrap_or_default()))
    });
    let note = profile.note.as_deref().map_or_else(dash, super::one_line);
    let folder = profile.folder().as_deref().map_or_else(dash, super::one_line);
    let team = of_team.map(|favourite| ("team", favourite.team.to_string()));
    let head = [("name", name.into()), ("vm", profile.vm.to_string())];
    head.into_iter().chain(team).chain(fields).chain([("folder", folder), ("note", note)]).collect()
}

/// What a field is called in front of its value.
fn label(field: Field) -> &'static str {
    match field {
        Field::Port => "port",
        Field::Protocol => "opens with",
        Field::User => "user",
        Field::Access => "asks for",
        Field::RenewUpTo => "renews up to",
        Field::AfterUse => "after use",
        Field::Account => "account",
        Field::Cloud => "cloud",
        Field::Tenant => "tenant",
        Field::Start => "starts the VM",
        Field::IdentityFile => "key file",
        Field::KnownHostsFile => "known hosts",
        Field::Justification => "reason",
        Field::AskJustification => "asks why",
        Field::Address => "address",
        Field::Source => "asks from",
        Field::Colour => "colour",
        Field::Client => "client",
        Field::ClientArguments => "arguments",
        Field::Forwards => "forwards",
        Field::RdpFile => ".rdp file",
        Field::Gateway => "gateway",
        Field::Multimon => "all monitors",
        Field::EntraLogin => "Entra login",
        Field::ForwardAgent => "forwards agent",
    }
}

/// What was written is no length of time.
pub fn no_duration(detail: &str) -> String {
    format!("{detail}; write it like 90m or 2h")
}

/// What was written is no answer.
pub fn neither_yes_nor_no() -> &'static str {
    "yes or no, please"
}

/// Asks why access is asked for; Enter alone takes what is proposed.
pub fn why(name: &str, proposed: Option<&str>) -> String {
    let proposed = proposed.map(|proposed| format!(" [{}]", super::one_line(proposed))).unwrap_or_default();
    format!("Why is {name} opened?{proposed}")
}

/// What is proposed as the reason of several that propose different ones.
pub fn each_its_own() -> &'static str {
    "what each proposes"
}

/// What was written is nothing that Ajar speaks.
pub fn no_protocol() -> &'static str {
    "ssh, rdp or port, please"
}

/// What was written is no port.
pub fn no_port() -> &'static str {
    "a whole number from 1 to 65535, please"
}

/// No policy knows such a length of time.
pub fn duration_out_of_range() -> &'static str {
    "between 5m and 24h, please"
}

/// That a command goes on because it leads others through an Azure Bastion host.
pub fn leads_through_bastion() -> String {
    "This command leads what goes through Azure Bastion: it goes on until ten minutes after the last use, or Ctrl+C."
        .into()
}
