//! Changes of the settings that can be undone.

use serde::{Deserialize, Serialize};

use crate::inheritance::Inheritable;
use crate::profile::{Profile, ProfileName};
use crate::settings::Setting;

/// A change of the settings that somebody has made: what was, as they have seen it, and what they have made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "what")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Edited {
    /// Of a favourite.
    Favourite {
        /// What it was called.
        name: ProfileName,
        /// What it is called since.
        called: ProfileName,
        /// How it was opened.
        before: Box<Profile>,
        /// How it is opened since.
        after: Box<Profile>,
    },
    /// Of what favourites inherit.
    Defaults {
        /// Those in this folder; all of them without one.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        folder: Option<String>,
        /// What was said of them.
        before: Box<Inheritable>,
        /// What is said of them since.
        after: Box<Inheritable>,
    },
    /// Of a setting that is about no favourite and no account.
    Setting {
        /// What it was.
        before: Setting,
        /// What it is since.
        after: Setting,
    },
    /// Of the application that signs people in.
    ClientId {
        /// Its id before.
        before: Option<String>,
        /// Its id since.
        after: Option<String>,
    },
}
