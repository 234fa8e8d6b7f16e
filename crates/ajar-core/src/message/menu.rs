//! The words of the tray: menu and tooltip. Parts of a line are joined by “ · ”.

use std::net::Ipv4Addr;

use super::power;
use crate::snapshot::FailureView;
use crate::vm::PowerState;

/// The name of the program.
pub const AJAR: &str = "Ajar";
/// Heads the access windows.
pub const OPEN_NOW: &str = "Open now";
/// Heads the attempts.
pub const CONNECTING: &str = "Connecting";
/// Heads the VMs that are being deallocated.
pub const DEALLOCATING: &str = "Deallocating";
/// Heads the VMs that Ajar has started and nobody uses any more.
pub const NOT_USED: &str = "Not used any more";
/// Heads the favourites.
pub const FAVOURITES: &str = "Favourites";
/// Stands where there are none.
pub const NO_FAVOURITES: &str = "No favourites yet: add one in the window, or with “ajar add”";
/// The menu of what was opened lately.
pub const RECENTS: &str = "Opened lately";
/// Shows the window.
pub const OPEN_WINDOW: &str = "Open Ajar…";
/// Ends the tray application.
pub const QUIT: &str = "Quit Ajar";
/// Opens what lies in a folder.
pub const CONNECT_ALL: &str = "Connect all";
/// Behind a favourite whose account has to sign in.
pub const SIGN_IN_AGAIN: &str = "sign in again";
/// Behind a window whose last attempt failed.
pub const LAST_TRY: &str = "last try failed";
/// Behind a window that is renewed by itself.
pub const RENEWS: &str = "renewed while connected";
/// The tooltip when nobody is signed in.
pub const SIGNED_OUT: &str = "not signed in to Azure";
/// The tooltip when nothing is open.
pub const IDLE: &str = "nothing open";

/// The longest a failure may make a line, in characters.
const LONGEST: usize = 80;

/// Two parts of a line.
pub fn with(first: &str, second: &str) -> String {
    format!("{first} · {second}")
}

/// An attempt under way. `seconds` are said from the first ten on.
pub fn connecting(name: &str, headline: &str, seconds: i64) -> String {
    let line = with(name, &uncapital(headline));
    if seconds > 0 { with(&line, &format!("{seconds} s")) } else { line }
}

/// Asks for more time for the window in the line above, and so is indented.
pub fn extend(name: &str) -> String {
    format!("    Extend {name}")
}

/// Asks for access from the present address for the window in the line above, and so is indented.
pub fn from_here(name: &str, address: Ipv4Addr) -> String {
    format!("    Open {name} from {address}")
}

/// Behind a window that is open from another address than this machine has now, or may have.
pub fn left_behind(source: &str) -> String {
    format!("from {source}")
}

/// A VM that nobody uses any more.
pub fn not_used(name: &str, is_deallocated: bool) -> String {
    with(name, if is_deallocated { "deallocated soon" } else { "started by Ajar, still running" })
}

/// Deallocates the VM in the line above, and so is indented.
pub fn deallocate(name: &str) -> String {
    format!("    Deallocate {name}")
}

/// Puts that off for the VM in the line above, and so is indented.
pub fn later(name: &str) -> String {
    format!("    {name}: ask again in an hour")
}

/// Leaves the VM in the line above running, and so is indented.
pub fn keep_running(name: &str) -> String {
    format!("    Leave {name} running")
}

/// Gives up the attempt in the line above, and so is indented.
pub fn cancel(name: &str) -> String {
    format!("    Cancel {name}")
}

/// A favourite, with why it could not be opened or the state its VM rests in.
pub fn favourite(name: &str, detail: &str, failure: Option<&FailureView>) -> String {
    if let Some(failure) = failure {
        let why = failure.title.trim_end_matches('.');
        return shortened(&format!("{name} · couldn’t open: {why}"));
    }
    resting(detail).map_or_else(|| name.to_owned(), |state| with(name, state))
}

/// The tooltip while an attempt is under way.
pub fn working(name: &str, headline: &str) -> String {
    format!("{name}: {}", uncapital(headline))
}

/// The tooltip after a failure.
pub fn couldnt_open(name: &str) -> String {
    format!("couldn’t open {name}")
}

/// The power state at the end of a favourite's detail, where it is one that makes opening take longer.
fn resting(detail: &str) -> Option<&'static str> {
    use PowerState::{Deallocated, Deallocating, Starting, Stopped, Stopping};
    let last = detail.rsplit(" · ").next()?;
    [Starting, Stopping, Stopped, Deallocating, Deallocated].map(power).into_iter().find(|word| *word == last)
}

fn uncapital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next();
    // “JIT” stays as it is.
    let is_word = letters.clone().next().is_some_and(char::is_lowercase);
    first.filter(|_| is_word).map_or_else(|| text.to_owned(), |first| first.to_lowercase().chain(letters).collect())
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let kept: String = text.chars().take(LONGEST - 1).collect();
    format!("{}…", kept.trim_end())
}
