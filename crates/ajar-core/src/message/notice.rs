//! The words of notifications.

use crate::zone::Zone;
use chrono::{DateTime, TimeDelta, Utc};

use super::{capital, left, moment, time_of_day};
use crate::snapshot::{FailureView, OpenedBy};

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its first line.
    pub title: String,
    /// The rest.
    pub body: String,
}

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
    Notice { title: format!("Connected to {name}"), body }
}

/// A window lasts longer.
pub fn extended(name: &str, end: DateTime<Utc>, notes: &[String], zone: Zone) -> Notice {
    let open = format!("Open to new connections until {}.", moment(end, zone));
    let body = std::iter::once(&open).chain(notes).map(String::as_str).collect::<Vec<_>>().join(" ");
    Notice { title: format!("More time for {name}"), body }
}

/// A window nears its end.
pub fn ending(name: &str, remaining: TimeDelta, end: DateTime<Utc>, zone: Zone) -> Notice {
    Notice {
        title: format!("{name} closes at {}", time_of_day(end, zone)),
        body: format!("{}. Connections that run then stay.", capital(&left(remaining))),
    }
}

/// A window has ended.
pub fn ended(name: &str) -> Notice {
    Notice { title: format!("{name} is closed to new connections"), body: "Yours stays until you leave it.".into() }
}

/// A window was lost before its time; the text is [`super::closed_early`] or [`super::policy_gone`].
pub fn closed(name: &str, text: &str) -> Notice {
    Notice { title: format!("{name} lost its access before the time"), body: text.into() }
}

/// A VM was deallocated; the text is [`super::deallocation::done`], as it stands behind a name.
pub fn deallocated(name: &str, text: &str) -> Notice {
    let (done, rest) = text.split_once([':', '.']).unwrap_or((text, ""));
    Notice { title: format!("{name} {done}"), body: capital(rest.trim()) }
}

/// An attempt failed.
pub fn failed(failure: &FailureView) -> Notice {
    Notice { title: failure.title.clone(), body: format!("{} {}", failure.message, failure.action) }
}

/// The window's process could not be started.
pub fn no_window(error: &str) -> Notice {
    Notice {
        title: "Ajar’s window does not come up".into(),
        body: format!(
            "Its process could not be started: {error}. If Ajar was updated meanwhile, quit it and start it again."
        ),
    }
}

/// The desktop has no place for a tray icon.
pub fn no_tray() -> Notice {
    Notice {
        title: "This desktop shows no tray icons".into(),
        body: "So Ajar is in its window, and ends when you close it. On GNOME the extension “AppIndicator and \
               KStatusNotifierItem Support” makes room for a tray."
            .into(),
    }
}
