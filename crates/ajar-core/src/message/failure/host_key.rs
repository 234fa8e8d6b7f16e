//! Words for a server that shows another key than the one that ssh knows.

use chrono::{DateTime, Utc};

use super::{About, Words, words};
use crate::host_key::HostKeyChange;
use crate::message::moment;

pub(super) fn changed(about: &About<'_>, alias: &str, file: &str, change: &HostKeyChange) -> Words {
    let name = about.name;
    let remove = format!("ssh-keygen -R {} -f {}", word(alias), word(file));
    let on = |at: &Option<DateTime<Utc>>| {
        let word = |at| if about.zone.is_today(at) { "at" } else { "on" };
        at.map(|at| format!(" {} {}", word(at), moment(at, about.zone))).unwrap_or_default()
    };
    match change {
        HostKeyChange::MadeAnew { at } => words(
            format!("{name} was made anew, and shows another host key than before."),
            format!(
                "Azure made this VM anew{}: a new key is expected, and ssh refuses it as long as it knows the old one.",
                on(at)
            ),
            format!("Remove the old key ({remove}), then try again: ssh asks about the new one."),
        ),
        HostKeyChange::OtherAddress { address } => words(
            format!("Another machine than {name} has answered, with a host key of its own."),
            format!("The address that was dialled is not the VM’s any more, which is at {address} now."),
            "Try again: Ajar asks Azure for the address.",
        ),
        HostKeyChange::Unexplained => words(
            format!("{name} shows another host key, and nothing tells why."),
            "Azure knows of no change: it is the VM that had the key that ssh knows. Somebody may be in between, or somebody has \
             set up its system anew.",
            "Don’t sign in there. Ask the VM’s administrator whether its host key was changed, and to what.",
        ),
        HostKeyChange::Untold { made } => words(
            format!("{name} shows another host key than the one that ssh knows."),
            match made {
                Some(_) => format!(
                    "Azure made this VM{}. If ssh knows its key from before that, a new one is expected; if not, somebody \
                     may be in between.",
                    on(made)
                ),
                None => "Azure does not tell whether the VM was made anew. If nobody has set it up anew, somebody may be in \
                         between."
                    .to_owned(),
            },
            format!("If you are not sure, don’t sign in and ask the VM’s administrator; else remove the old key ({remove})."),
        ),
    }
}

/// A word to be typed, in the way that all shells take.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:\\~".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("\"{text}\"") }
}
