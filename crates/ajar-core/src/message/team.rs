//! The words about teams, whose favourites are read from elsewhere.

use chrono::{DateTime, Utc};

use crate::exchange::{MAX_ENTRIES, Problem};
use crate::message::exchange;
use crate::profile::ProfileName;
use crate::team::{MAX_TEAM_BYTES, TeamName, TeamProblem};
use crate::zone::Zone;

/// A text is no name for a team.
pub fn no_team_name(text: &str) -> String {
    format!(
        "“{}” is no name for a team: letters, digits, “-” and “_”, at most 32, beginning with a letter or digit",
        super::shown(text, 80)
    )
}

/// There is nothing where the place of a file should be.
pub fn no_place() -> &'static str {
    "it names no file: write a path, or an address that begins with https://"
}

/// A path that only a shell knows.
pub fn no_whole_path() -> &'static str {
    "“~” stands for a folder in shells only: write the whole path"
}

/// An address that is none. It is not repeated: it may be as good as a password.
pub fn no_url() -> &'static str {
    "it is no address: write https://, the host and the path, without a user’s name or password"
}

/// An address that is asked in another way.
pub fn other_scheme(scheme: &str) -> String {
    format!(
        "{}:// is not read: a team’s file is a path, or an address that begins with https://",
        super::shown(scheme, 20)
    )
}

/// Why the file of a team could not be read, to stand behind where it is.
pub fn problem(problem: &TeamProblem) -> String {
    match problem {
        TeamProblem::Missing => "there is no such file".into(),
        TeamProblem::NoFile => "it is no file".into(),
        TeamProblem::Unreadable(detail) => super::one_line(detail),
        TeamProblem::Silent => "it does not answer".into(),
        TeamProblem::Unreachable(detail) => format!("it cannot be reached: {}", super::one_line(detail)),
        TeamProblem::Status(status @ (401 | 403)) => {
            format!("it is not given out (HTTP {status}): what the address carries to be let in may have run out")
        }
        TeamProblem::Status(status @ (404 | 410)) => format!("there is no such file (HTTP {status})"),
        TeamProblem::Status(status) => format!("who serves it answers HTTP {status}"),
        TeamProblem::TooLong => format!("it is longer than {} MiB", MAX_TEAM_BYTES >> 20),
        TeamProblem::WebPage => {
            "it is a page for a browser, perhaps one to sign in at, and no file of favourites".into()
        }
        TeamProblem::Unfit(Problem::UnknownFormat | Problem::NoVersion) => {
            "it is no file that “ajar export” wrote (ajar_export = 1)".into()
        }
        TeamProblem::Unfit(Problem::TooMany) => format!("it has more than {MAX_ENTRIES} favourites"),
        TeamProblem::Unfit(unfit) => exchange::problem(unfit),
    }
}

/// A team’s file could not be read, and what holds meanwhile: what was read of it last, if anything was.
pub fn unread(place: &str, why: &TeamProblem, read_at: Option<DateTime<Utc>>, zone: Zone) -> String {
    let why = problem(why);
    match read_at {
        Some(at) => format!("{place}: {why}. What it said when it was last read, {}, stays.", when(at, zone)),
        None => format!("{place}: {why}. It has never been read, so there are no favourites of it yet."),
    }
}

/// When a team’s file was read.
pub fn read(at: DateTime<Utc>, zone: Zone) -> String {
    format!("read {}", when(at, zone))
}

fn when(at: DateTime<Utc>, zone: Zone) -> String {
    let moment = super::moment(at, zone);
    if zone.is_today(at) { format!("at {moment}") } else { format!("on {moment}") }
}

/// What somebody has typed is only a team’s name for a favourite: which one that is.
pub fn meant(called: &str, name: &ProfileName, team: &TeamName, vm: &str) -> String {
    format!("{called} is {name} of the team {team}, VM {vm}.")
}

/// What is left out of a team’s file beyond what is told one by one.
pub fn more_left_out(count: usize) -> String {
    format!("{count} more are left out.")
}

/// What a team’s file says is known to this process alone.
pub fn unkept(why: &str) -> String {
    format!(
        "What its file says cannot be kept in Ajar’s cache folder: {}. Other commands do not know it.",
        super::one_line(why)
    )
}

/// There is a team of that name whose file is elsewhere.
pub fn exists(name: &TeamName, place: &str) -> String {
    format!("{name} is read from {place} already; with --force it is read from where you say now")
}

/// Something about a team.
pub fn of(name: &TeamName, text: &str) -> String {
    format!("{name}: {text}")
}

/// Over the teams.
pub const COLUMNS: [&str; 4] = ["TEAM", "FAVOURITES", "FROM", "READ"];

/// There are no teams.
pub fn none() -> &'static str {
    "There are no teams yet. Add one: ajar team add NAME FROM, where FROM is the path or https address of a file that “ajar export” wrote."
}

/// A team was added, or its file is elsewhere now.
pub fn added(name: &TeamName, favourites: u32, place: &str) -> String {
    let count = if favourites == 1 { "1 favourite".into() } else { format!("{favourites} favourites") };
    format!("{name} is read from {place}: {count}.")
}

/// A team was added whose file cannot be read yet.
pub fn added_unread(name: &TeamName) -> String {
    format!("{name} is added. Its file could not be read yet:")
}

/// A team was removed.
pub fn removed(name: &TeamName) -> String {
    format!(
        "Removed the team {name} with its favourites. Its file stays as it is, and what Azure holds open stays open until its end."
    )
}

/// A team’s favourite is now somebody’s own.
pub fn copied(name: &ProfileName, team: &TeamName) -> String {
    format!(
        "{name} is a favourite of your own now, as {team} had it. What the team changes from now on does not change yours."
    )
}
