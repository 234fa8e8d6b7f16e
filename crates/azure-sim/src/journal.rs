//! Every request in order: what came, when, what was answered, and when it took effect.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::clock::timestamp;
use crate::fault::Struck;
use crate::state::rights::glob;

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

    /// A fault strikes the request.
    pub(crate) fn struck(&mut self, seq: u64, fault: &'static str) {
        if let Some(entry) = self.entry(seq) {
            entry.fault = Some(fault);
        }
    }

    /// The request has taken effect. Its answer may still be long in coming.
    pub(crate) fn applied(&mut self, seq: u64, at: DateTime<Utc>) {
        if let Some(entry) = self.entry(seq) {
            entry.applied_at = Some(at);
        }
    }

    /// The request is over; `status` is `None` when no answer was sent.
    pub(crate) fn end(&mut self, seq: u64, at: DateTime<Utc>, status: Option<u16>) {
        if let Some(entry) = self.entry(seq) {
            entry.ended_at = Some(at);
            entry.status = status;
        }
    }

    fn entry(&mut self, seq: u64) -> Option<&mut Entry> {
        self.entries.iter_mut().rev().find(|entry| entry.seq == seq)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// The entries after the one with that number whose paths fit.
    pub(crate) fn to_json(&self, after: u64, path: &str) -> Value {
        let wanted = |entry: &&Entry| entry.seq > after && glob(path, &entry.path);
        self.entries.iter().filter(wanted).map(Entry::to_json).collect()
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
