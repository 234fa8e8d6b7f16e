//! What taking favourites in would do, as the window shows it.

use serde::{Deserialize, Serialize};

use super::plan::{Changes, OnConflict, Row, Standing};
use crate::message::exchange as words;
use crate::profile::ProfileName;
use crate::protocol::Request;

/// What a file says, and what taking it in would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ImportView {
    /// What the file is called.
    pub file: String,
    /// What kind of file it is, in words.
    pub kind: String,
    /// Whether favourites of Ajar are in it, which may be the user's own from another machine.
    pub of_ajar: bool,
    /// Whether it is taken in as the user's own: with what is one person's alone.
    pub personal: bool,
    /// The favourites to be.
    pub rows: Vec<ImportRow>,
    /// What is not taken in, and why, in words.
    pub left_out: Vec<String>,
}

/// A favourite to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ImportRow {
    /// Its name.
    pub name: ProfileName,
    /// Its VM, such as “web-01 (rg-web)”.
    pub vm: String,
    /// How it stands to what is there.
    pub standing: ImportStanding,
    /// The same in words.
    pub text: String,
}

/// How a favourite to be stands to those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ImportStanding {
    /// There is none of that name.
    New,
    /// It is there: just like this, or under another name.
    There,
    /// A team's favourites are called so: it may be left, or be had under another name.
    OfTeam,
    /// One of that name is there, and is not like this: somebody has to say what to do.
    Conflict,
}

impl From<&Row> for ImportRow {
    fn from(Row { candidate, standing, .. }: &Row) -> Self {
        let vm = candidate.profile.vm.resource();
        Self {
            name: candidate.name.clone(),
            vm: format!("{} ({})", vm.name(), vm.resource_group()),
            standing: match standing {
                Standing::New => ImportStanding::New,
                Standing::Same | Standing::There(_) => ImportStanding::There,
                Standing::OfTeam(_) => ImportStanding::OfTeam,
                Standing::Conflict { .. } => ImportStanding::Conflict,
            },
            text: words::standing(standing),
        }
    }
}

/// What to do with a favourite to be that is in the way of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ImportChoice {
    /// Its name.
    pub name: ProfileName,
    /// What to do.
    pub choice: OnConflict,
}

/// What was taken in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ImportedView {
    /// In words.
    pub text: String,
    /// The favourites that are there now and were not.
    pub added: Vec<ProfileName>,
    /// Those that are others than they were.
    pub changed: Vec<ProfileName>,
    /// What undoes it; nothing where nothing was done.
    pub undo: Option<Box<Request>>,
}

impl From<&Changes> for ImportedView {
    fn from(Changes { add, change, .. }: &Changes) -> Self {
        let told = |names: &[ProfileName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let added: Vec<_> = add.iter().map(|one| one.name.clone()).collect();
        let changed: Vec<_> = change.iter().map(|one| one.name.clone()).collect();
        let is_done = !(add.is_empty() && change.is_empty());
        let undo = is_done.then(|| Box::new(Request::UndoImport { add: add.clone(), change: change.clone() }));
        Self { text: words::taken_in(&told(&added), &told(&changed), false), added, changed, undo }
    }
}
