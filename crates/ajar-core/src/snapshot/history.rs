//! What was opened, as faces show it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::journal::{Opening, OpeningResult};
use crate::message;
use crate::message::history as words;
use crate::port::Protocol;
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;
use crate::zone::Zone;

/// What was opened and fits what is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct HistoryView {
    /// As many as were asked for, the newest first.
    pub openings: Vec<OpeningView>,
    /// How many there are.
    pub total: u32,
    /// That there is none, in words.
    pub nothing: Option<String>,
    /// That lines of the journal cannot be read, in words.
    pub unreadable: Option<String>,
}

/// One of them, with its times by the clock of the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct OpeningView {
    /// When it was asked for.
    pub at: DateTime<Utc>,
    /// The day of that, for who counts days.
    pub date: NaiveDate,
    /// The same for people, such as “Tue 24 Nov”.
    pub day: String,
    /// The time of day, such as “17:04”.
    pub time: String,
    /// What the user called it.
    pub name: ProfileName,
    /// The VM.
    pub vm: VmResourceId,
    /// Where it is: its resource group, after its own name where that is another.
    pub place: String,
    /// The VM's port, where it is about one.
    pub port: Option<u16>,
    /// What is spoken there.
    pub protocol: Protocol,
    /// From which public address.
    pub source: Option<String>,
    /// Who acted.
    pub account: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What came of it.
    pub kind: OpeningResult,
    /// The same in words.
    pub result: String,
    /// Until when it is open, such as “19:04”; with the day where that is another.
    pub until: Option<String>,
    /// How long that is, in words.
    pub length: Option<String>,
    /// From the click to the end, in milliseconds.
    #[cfg_attr(test, ts(type = "number"))]
    pub elapsed_ms: u64,
    /// All of it on one line, to be copied.
    pub line: String,
}

impl OpeningView {
    /// An opening by the clock that the user had then, as it is seen now.
    pub fn new(opening: &Opening, zone: Zone) -> Self {
        let then = zone.seen_at(opening.at);
        Self {
            at: opening.at,
            date: zone.local(opening.at).date_naive(),
            day: words::day(opening.at, zone),
            time: message::time_of_day(opening.at, zone),
            name: opening.name.clone(),
            vm: opening.vm.clone(),
            place: message::favourite_detail(&opening.name, &opening.vm, None),
            port: words::port(opening),
            protocol: opening.protocol,
            source: opening.source.map(|source| source.to_string()),
            account: opening.account.clone(),
            reason: opening.reason.as_deref().map(message::one_line),
            kind: opening.result,
            result: words::result(opening),
            until: opening.end_time_utc.map(|end| message::moment(end, then)),
            length: words::length(opening),
            elapsed_ms: opening.elapsed_ms,
            line: words::line(opening, zone),
        }
    }
}
