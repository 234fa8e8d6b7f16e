//! Every request in order: what came, when, what was answered, and when it took effect.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::clock::timestamp;
use crate::fault::Struck;

/// Older entries give way, so that a simulator that runs for days stays small.
const KEPT: usize = 100_000;

/// One request.
#[derive(Clone, Debug)]
struct Entry {
    seq: u64,
    at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    method: String,
    path: String,
    query: Option<String>,
    route: Option<&'static str>,
    status: Option<u16>,
    applied_at: Option<DateTime<Utc>>,
    fault: Option<&'static str>,
}

/// What is known of a request once it has been dealt with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ending {
    /// `None`: no answer was sent.
    pub(crate) status: Option<u16>,
    /// When the request's effect took hold, if it had one.
    pub(crate) applied_at: Option<DateTime<Utc>>,
    pub(crate) fault: Option<&'static str>,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    last_seq: u64,
}

impl Journal {
    /// Notes a request as it arrives, and gives its number.
    pub(crate) fn begin(&mut self, request: Struck<'_>, at: DateTime<Utc>) -> u64 {
        self.last_seq += 1;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            seq: self.last_seq,
            at,
            ended_at: None,
            method: request.method.to_owned(),
            path: request.path.to_owned(),
            query: Some(request.query.to_owned()).filter(|query| !query.is_empty()),
            route: request.route,
            status: None,
            applied_at: None,
            fault: None,
        });
        self.last_seq
    }

    pub(crate) fn end(&mut self, seq: u64, at: DateTime<Utc>, ending: Ending) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.seq == seq) {
            entry.ended_at = Some(at);
            entry.status = ending.status;
            entry.applied_at = ending.applied_at;
            entry.fault = ending.fault;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn to_json(&self) -> Value {
        self.entries.iter().map(Entry::to_json).collect()
    }
}

impl Entry {
    fn to_json(&self) -> Value {
        json!({
            "seq": self.seq,
            "at": timestamp(self.at),
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "route": self.route,
            "status": self.status,
            "appliedAt": self.applied_at.map(timestamp),
            "startedAt": timestamp(self.at),
            "endedAt": self.ended_at.map(timestamp),
            "fault": self.fault,
        })
    }
}
