//! The words of notifications.

use crate::after_use::Unused;
use crate::zone::Zone;
use chrono::{DateTime, TimeDelta, Utc};

use super::{capital, left, moment, time_of_day};
use crate::profile::ProfileName;
use crate::snapshot::{FailureView, GrantView, OpenedBy};

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its first line.
    pub title: String,
    /// The rest.
    pub body: String,
    /// What its button does, if it has one.
    pub offer: Option<Offer>,
}

/// What can be done about what a notification tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Ask for more time for this favourite.
    Extend(ProfileName),
    /// Ask for access to this favourite from the present address.
    FromHere(ProfileName),
    /// Deallocate this VM, leave it running for an hour, or for good.
    AfterUse(Unused),
}

impl Notice {
    fn new(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self { title: title.into(), body: body.into(), offer: None }
    }
}

/// On the button of [`Offer::Extend`].
pub const EXTEND: &str = "Extend";
/// On the button of [`Offer::FromHere`].
pub const FROM_HERE: &str = "Open from here";

/// The port answers and the client is started. What was not done as wished is in the notes.
pub fn connected(name: &str, opened_by: OpenedBy, notes: &[String], zone: Zone) -> Notice {
    let open = match opened_by {
        OpenedBy::Window(end) => format!("Open to new connections until {}.", moment(end, zone)),
        OpenedBy::Itself => "Its port was open already.".into(),
        // What is still to come is among the notes.
        OpenedBy::Start | OpenedBy::Unanswered => "Its port is open.".into(),
        OpenedBy::DespiteRefusal => "Its port is open, although Azure refused the access requested.".into(),
    };
    let body = std::iter::once(&open).chain(notes).map(String::as_str).collect::<Vec<_>>().join(" ");
    Notice::new(format!("Connected to {name}"), body)
}

/// A window lasts longer.
pub fn extended(name: &str, end: DateTime<Utc>, notes: &[String], zone: Zone) -> Notice {
    let open = format!("Open to new connections until {}.", moment(end, zone));
    let body = std::iter::once(&open).chain(notes).map(String::as_str).collect::<Vec<_>>().join(" ");
    Notice::new(format!("More time for {name}"), body)
}

/// A window lets the present address in, where one was open from another.
pub fn opened_from_here(name: &str, grant: &GrantView, notes: &[String], zone: Zone) -> Notice {
    let open =
        format!("From {} it is open to new connections until {}.", grant.source, moment(grant.end_time_utc, zone));
    let body = std::iter::once(&open).chain(notes).map(String::as_str).collect::<Vec<_>>().join(" ");
    Notice::new(format!("{name} is open from your new address"), body)
}

/// A window does not let this machine in any more; the text is [`super::network::left_behind`].
pub fn left_behind(name: &str, text: &str, from_here: Option<ProfileName>) -> Notice {
    Notice {
        offer: from_here.map(Offer::FromHere),
        ..Notice::new(format!("{name} is open from another address"), text)
    }
}

/// A window nears its end. `why_not` says why it is not renewed by itself, where that is set.
pub fn ending(
    name: &str,
    remaining: TimeDelta,
    end: DateTime<Utc>,
    extends: Option<ProfileName>,
    why_not: Option<&str>,
    zone: Zone,
) -> Notice {
    let why_not = why_not.map(|text| format!(" {text}")).unwrap_or_default();
    let body = format!("{}. Connections that run then stay.{why_not}", capital(&left(remaining)));
    Notice {
        offer: extends.map(Offer::Extend),
        ..Notice::new(format!("{name} closes at {}", time_of_day(end, zone)), body)
    }
}

/// A window has ended.
pub fn ended(name: &str) -> Notice {
    Notice::new(format!("{name} is closed to new connections"), "Yours stays until you leave it.")
}

/// A window was lost before its time; the text is [`super::closed_early`] or [`super::policy_gone`].
pub fn closed(name: &str, text: &str) -> Notice {
    Notice::new(format!("{name} lost its access before the time"), text)
}

/// A VM is not used any more; the text is [`super::after_use::not_used`].
pub fn not_used(unused: Unused, text: &str, is_deallocated: bool) -> Notice {
    let title = if is_deallocated { "is deallocated soon" } else { "is still running" };
    let told = Notice::new(format!("{} {title}", unused.name), text);
    Notice { offer: Some(Offer::AfterUse(unused)), ..told }
}

/// A VM was deallocated; the text is [`super::deallocation::done`], as it stands behind a name.
pub fn deallocated(name: &str, text: &str) -> Notice {
    let (done, rest) = text.split_once([':', '.']).unwrap_or((text, ""));
    Notice::new(format!("{name} {done}"), capital(rest.trim()))
}

/// An attempt failed.
pub fn failed(failure: &FailureView) -> Notice {
    Notice::new(failure.title.clone(), format!("{} {}", failure.message, failure.action))
}

/// A window was to be renewed by itself, and could not.
pub fn not_renewed(name: &str, failure: &FailureView) -> Notice {
    let FailureView { title, message, action, .. } = failure;
    Notice::new(format!("{name} was not renewed"), format!("{}. {message} {action}", title.trim_end_matches('.')))
}

/// The window's process could not be started.
pub fn no_window(error: &str) -> Notice {
    Notice::new(
        "Ajar’s window does not come up",
        format!(
            "Its process could not be started: {error}. If Ajar was updated meanwhile, quit it and start it again."
        ),
    )
}

/// The desktop has no place for a tray icon.
pub fn no_tray() -> Notice {
    Notice::new(
        "This desktop shows no tray icons",
        "So Ajar is in its window, and ends when you close it. On GNOME the extension “AppIndicator and \
               KStatusNotifierItem Support” makes room for a tray.",
    )
}
