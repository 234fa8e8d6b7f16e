//! The words of the command line's results.

use chrono::TimeDelta;

/// A window's end, after the client has ended or when nothing was started.
pub fn stays_open(name: &str, until: &str, remaining: TimeDelta) -> String {
    format!("{name} is open to new connections until {until} ({}).", super::left(remaining))
}

/// A port that is open without a window of ours.
pub fn open_without_window(name: &str) -> String {
    format!("{name} was open already; no access had to be requested.")
}

/// There are no favourites.
pub fn no_favourites() -> &'static str {
    "There are no favourites yet. Add one: ajar add NAME --vm RESOURCE_ID\nOr try it without Azure: ajar --demo list"
}

/// No favourite matches.
pub fn no_match(query: &str) -> String {
    format!("No favourite matches “{query}”.")
}

/// No window is open.
pub fn nothing_open() -> &'static str {
    "Nothing is open."
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

/// A favourite was removed.
pub fn removed(name: &str) -> String {
    format!("Removed {name}. What Azure holds open stays open until its end.")
}

/// The result could not be written to standard output.
pub fn unprinted(detail: &str) -> String {
    format!("error: the result could not be written: {detail}")
}
