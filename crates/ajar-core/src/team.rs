//! Teams: files of favourites that somebody else keeps, and that are read here again and again.
//!
//! Such a file is what `ajar export` writes. It is judged as one that is imported ([`crate::exchange`]), and nothing of it
//! is written anywhere: the favourites of a team stay its own ([`favourites`]).

mod favourites;
mod place;

use serde::{Deserialize, Serialize};

use crate::exchange::Problem;
use crate::message::team as words;

pub use favourites::{TeamFavourite, TeamFile, TeamFlaws, of_teams};
pub use place::{TeamPlace, TeamUrl};

/// The longest file of a team that is read, in bytes.
pub const MAX_TEAM_BYTES: usize = 1 << 20;

/// The name of a team: 1 to 32 letters, digits, `-` and `_`, beginning with a letter or digit.
///
/// It is a folder of favourites, and may stand before their names. Two names that differ only in case are the same team.
#[derive(Clone, Debug, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub struct TeamName(String);

impl TeamName {
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it is told from others: in one case.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl PartialEq for TeamName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl std::fmt::Display for TeamName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for TeamName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let fits = text.len() <= 32
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if fits { Ok(Self(text.to_owned())) } else { Err(words::no_team_name(text)) }
    }
}

impl TryFrom<String> for TeamName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TeamName> for String {
    fn from(name: TeamName) -> Self {
        name.0
    }
}

/// A team and where its file is: a table `[teams.NAME]` of `config.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its name.
    pub name: TeamName,
    /// Where its file is.
    pub from: TeamPlace,
}

/// What came of reading a team's file, where that is no file of favourites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TeamProblem {
    /// There is no such file.
    Missing,
    /// It is a folder, a device or the like.
    NoFile,
    /// The system does not let it be read, in its own words.
    Unreadable(String),
    /// Nothing has come of it in time.
    Silent,
    /// Who serves it cannot be reached, in the system's words.
    Unreachable(String),
    /// It is served with another status than 200.
    Status(u16),
    /// It is longer than [`MAX_TEAM_BYTES`].
    TooLong,
    /// It is a page for a browser.
    WebPage,
    /// It is none of such.
    Unfit(Problem),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_teams_are_safe_as_a_folder_and_before_another_name() {
        for name in ["ops", "Ops-EU_2", "7"] {
            assert!(name.parse::<TeamName>().is_ok(), "{name}");
        }
        for name in ["", "-x", "a.b", "a/b", "a b", "ü", &"x".repeat(33)] {
            assert!(name.parse::<TeamName>().is_err(), "{name}");
        }
        assert_eq!("Ops".parse::<TeamName>(), "ops".parse());
    }
}
