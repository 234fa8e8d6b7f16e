//! The words of the command line's results.

use chrono::TimeDelta;

use super::account::whom;

use crate::port::Protocol;
use crate::profile::Profile;
use crate::snapshot::FavouriteState;

/// Over the favourites.
pub const FAVOURITE_COLUMNS: [&str; 5] = ["NAME", "OPENS WITH", "VM", "RESOURCE GROUP", "STATE"];

/// Over the windows.
pub const WINDOW_COLUMNS: [&str; 6] = ["NAME", "PORT", "UNTIL", "LEFT", "FROM", "OPENED BY"];

/// A window's end, after the client has ended or when nothing was started.
pub fn stays_open(name: &str, until: &str, remaining: TimeDelta) -> String {
    format!("{name} is open to new connections until {until} ({}).", super::left(remaining))
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
        FavouriteState::Connecting => "connecting",
        FavouriteState::Open => "open",
        FavouriteState::Ending => "open, ending",
        FavouriteState::Failed => "failed",
        FavouriteState::Closed => "closed",
        FavouriteState::Unknown => "–",
    }
}

/// A favourite, line by line.
pub fn favourite(name: &str, profile: &Profile, protocol: Protocol, port: u16) -> [(&'static str, String); 12] {
    let or_default = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".into());
    [
        ("name", name.into()),
        ("vm", profile.vm.to_string()),
        ("opens with", format!("{protocol} on port {port}")),
        ("user", or_default(&profile.user)),
        ("asks for", super::spoken(profile.access())),
        ("starts the VM", if profile.may_start() { "yes" } else { "no" }.into()),
        ("account", profile.account.as_ref().map_or_else(|| "–".into(), ToString::to_string)),
        ("cloud", or_default(&profile.cloud)),
        ("tenant", or_default(&profile.tenant)),
        ("key file", or_default(&profile.identity_file)),
        ("folder", or_default(&profile.folder())),
        ("note", profile.note.as_deref().map_or_else(|| "–".into(), super::one_line)),
    ]
}

/// What was written is no length of time.
pub fn no_duration(detail: &str) -> String {
    format!("{detail}; write it like 90m or 2h")
}

/// What was written is no port.
pub fn no_port() -> &'static str {
    "a whole number from 1 to 65535, please"
}

/// No policy knows such a length of time.
pub fn duration_out_of_range() -> &'static str {
    "between 5m and 24h, please"
}
