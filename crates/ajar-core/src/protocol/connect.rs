//! The wish to open a favourite, alone or with others.

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::attempt::Wish;
use crate::port::Protocol;
use crate::profile::{Profile, ProfileName};

/// The wish to open a favourite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
#[expect(clippy::struct_excessive_bools, reason = "wishes, each of which may be there without the others")]
pub struct Connect {
    /// The favourite; or what a VM that is none is called meanwhile.
    pub name: ProfileName,
    /// How to open a VM that is no favourite.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub profile: Option<Profile>,
    /// Another port than the profile's.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub port: Option<u16>,
    /// Another duration than the profile's, in seconds.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub seconds: Option<u32>,
    /// The justification for the record.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub reason: Option<String>,
    /// The source address the user chose after a dispute.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "string", optional))]
    pub source: Option<Ipv4Addr>,
    /// Whether more time is wanted for the window that is open, and nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub extends: bool,
    /// Whether that is only for what is left of a window which is open from another address of this machine: access from here,
    /// until the same end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub follows: bool,
    /// Whether bytes are to be carried through (`ajar proxy`): what goes through an open door so is not written down.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(skip))]
    pub passing: bool,
    /// With which others it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub together: Option<Together>,
    /// Whether the engine starts the client, in a window of the client's own. A face with a terminal starts it itself.
    pub launch: bool,
    /// Whether the engine starts the client where it turns out to be one of Remote Desktop, which has no use for that terminal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(skip))]
    pub launch_rdp: bool,
    /// Whether the attempt goes on without the face that asked: a click in the tray or the window is not taken back when
    /// the window closes, while a command in a terminal takes its wish along.
    #[serde(default)]
    #[cfg_attr(test, ts(skip))]
    pub stays: bool,
    /// Whether it was asked of a host before that went away: what it wished for has been told of.
    #[serde(default)]
    #[cfg_attr(test, ts(skip))]
    pub again: bool,
}

/// Which clients the engine starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launch {
    /// None.
    Nothing,
    /// Those of Remote Desktop.
    RemoteDesktop,
    /// Whichever it is.
    Anything,
}

impl Launch {
    /// Whether it starts the client that speaks that.
    pub fn is_for(self, protocol: Protocol) -> bool {
        match self {
            Self::Nothing => false,
            Self::RemoteDesktop => protocol == Protocol::Rdp,
            Self::Anything => true,
        }
    }
}

/// Favourites that are opened together: what they ask of one policy goes in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Together {
    /// What tells them from others: a number that whoever asks takes once.
    #[cfg_attr(test, ts(type = "number"))]
    pub id: u64,
    /// How many there are.
    pub many: u32,
}

impl Together {
    /// So many that somebody asks for at `now`: two do that hardly in one microsecond.
    pub fn of(many: usize, now: DateTime<Utc>) -> Self {
        let id = u64::try_from(now.timestamp_micros()).unwrap_or_default();
        Self { id, many: u32::try_from(many).unwrap_or(u32::MAX) }
    }
}

impl Connect {
    /// The wish to open a favourite as its profile says, in a client's own window, for as long as somebody wants it.
    pub fn new(name: ProfileName) -> Self {
        Self {
            name,
            profile: None,
            port: None,
            seconds: None,
            reason: None,
            source: None,
            extends: false,
            follows: false,
            passing: false,
            together: None,
            launch: true,
            launch_rdp: false,
            stays: false,
            again: false,
        }
    }

    /// The same as a click means it: it goes on without the face that asked.
    pub fn by_click(name: ProfileName) -> Self {
        Self { stays: true, ..Self::new(name) }
    }

    /// The wish for more time, where a window is open.
    pub fn more_time(name: ProfileName) -> Self {
        Self { extends: true, launch: false, ..Self::new(name) }
    }

    /// The wish for access from here, where a window is open from another address of this machine, until the same end.
    pub fn from_here(name: ProfileName) -> Self {
        Self { follows: true, ..Self::more_time(name) }
    }

    /// Which clients the engine is to start.
    pub fn launches(&self) -> Launch {
        match (self.launch, self.launch_rdp) {
            (true, _) => Launch::Anything,
            (false, true) => Launch::RemoteDesktop,
            (false, false) => Launch::Nothing,
        }
    }

    /// What is wished for this one time, beyond the profile.
    pub fn wishes(&self) -> Vec<Wish> {
        let access = self.seconds.map(|seconds| Wish::Access(TimeDelta::seconds(seconds.into())));
        let reason = self.reason.clone().map(Wish::Reason);
        access.into_iter().chain(reason).chain(self.source.map(Wish::Source)).collect()
    }
}
