//! The journal: what was opened or deallocated, when, why, from where, and what came of it.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::account::Acting;
use crate::attempt::Attempt;
use crate::message::history::result;
use crate::port::Protocol;
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;

/// One opening, or what undoes it: a line of `journal.jsonl`, and a row of its exports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// When it was asked for, by Azure's clock.
    pub at: DateTime<Utc>,
    /// What the user calls it.
    pub name: ProfileName,
    /// The VM.
    pub vm: VmResourceId,
    /// The VM's port.
    pub port: u16,
    /// What is spoken there.
    pub protocol: Protocol,
    /// The cloud, if anybody was there to act.
    pub cloud: Option<String>,
    /// Who acted.
    pub account: Option<String>,
    /// This machine's public address, where it was found out.
    pub source: Option<Ipv4Addr>,
    /// The Azure Bastion host that it went through, or was to.
    #[serde(default)]
    pub bastion: Option<String>,
    /// The justification that the request carried, or would have.
    pub reason: Option<String>,
    /// What came of it.
    pub result: OpeningResult,
    /// The code of the failure that ended it.
    pub code: Option<String>,
    /// Whether Azure was asked for access: else the door was open already, or it did not come to that.
    pub requested: bool,
    /// Whether the VM was started.
    pub started: bool,
    /// The end of the window that let this machine in, where it was known by the end.
    pub end_time_utc: Option<DateTime<Utc>>,
    /// From the click to the end, in milliseconds.
    pub elapsed_ms: u64,
    /// Whether Ajar did it without anybody having asked for it then.
    #[serde(default)]
    pub by_itself: bool,
}

/// How an opening ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum OpeningResult {
    /// The port answered.
    Connected,
    /// The window that was open lasts longer.
    Extended,
    /// The same, asked for by Ajar itself while somebody was connected.
    Renewed,
    /// Azure granted access after the opening had failed or been given up.
    Granted,
    /// It failed.
    Failed,
    /// Somebody gave it up.
    Cancelled,
    /// Not an opening: the VM was deallocated.
    Deallocated,
    /// The VM was to be deallocated, and was not, or not that anybody knows.
    NotDeallocated,
}

/// What other programs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, rename = "HistoryFormat"))]
pub enum Format {
    /// Comma-separated values (RFC 4180) with a heading.
    Csv,
    /// One JSON array.
    Json,
}

/// What an attempt has done, for the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// Whether Azure was asked for access.
    pub requested: bool,
    /// Whether the VM was told to start.
    pub started: bool,
    /// This machine's public address.
    pub source: Option<Ipv4Addr>,
}

/// As many VMs are remembered of those that were opened lately: some of them may become favourites.
const LATELY: usize = 20;

/// Puts an opening before those that were opened before it, the newest first, each VM and port once. What was not opened
/// does not count.
/// What was open already was opened for the reason of before, and what lasts longer is open for the reason that was given for that.
pub fn note_lately(lately: &mut Vec<Opening>, mut opening: Opening) {
    let is_it = |known: &Opening| (&known.cloud, &known.vm, known.port) == (&opening.cloud, &opening.vm, opening.port);
    match opening.result {
        OpeningResult::Connected => {}
        OpeningResult::Extended | OpeningResult::Renewed => {
            if let Some(known) = lately.iter_mut().find(|known| is_it(known))
                && opening.requested
                && opening.reason.is_some()
            {
                known.reason = opening.reason;
            }
            return;
        }
        OpeningResult::Granted
        | OpeningResult::Failed
        | OpeningResult::Cancelled
        | OpeningResult::Deallocated
        | OpeningResult::NotDeallocated => return,
    }
    if let Some(before) = lately.iter().position(is_it).map(|place| lately.remove(place))
        && !opening.requested
    {
        opening.reason = opening.reason.or(before.reason);
    }
    lately.insert(0, opening);
    lately.truncate(LATELY);
}

impl Opening {
    /// The members in their order, which is that of columns.
    pub const MEMBERS: [&str; 17] = [
        "at",
        "name",
        "vm",
        "port",
        "protocol",
        "cloud",
        "account",
        "source",
        "bastion",
        "reason",
        "result",
        "code",
        "requested",
        "started",
        "endTimeUtc",
        "elapsedMs",
        "byItself",
    ];

    /// Whether each word of a query is a part of what is told of it.
    pub fn fits(&self, query: &str) -> bool {
        let (source, place) = (self.source.map(|source| source.to_string()), self.vm.resource());
        let told = [
            self.name.as_str(),
            self.vm.name(),
            place.resource_group(),
            place.subscription_id(),
            self.account.as_deref().unwrap_or_default(),
            source.as_deref().unwrap_or_default(),
            self.reason.as_deref().unwrap_or_default(),
            &result(self),
        ]
        .map(str::to_lowercase);
        query.to_lowercase().split_whitespace().all(|word| told.iter().any(|told| told.contains(word)))
    }

    /// What is told of an attempt that has ended at `now`, made as `acting`. `None` of what was carried through an open door
    /// and did nothing else: of those there may be a hundred an hour, by scripts. Nor of one that ended with the question
    /// why: with the answer there is another.
    pub fn of(attempt: &Attempt, acting: Option<&Acting>, now: DateTime<Utc>) -> Option<Self> {
        let (order, done) = (attempt.order(), attempt.done());
        let (result, code) = attempt.result()?;
        let passed = order.passing && result == OpeningResult::Connected && !done.requested && !done.started;
        let only_asked = code.as_deref() == Some("reasonWanted");
        (!passed && !only_asked).then(|| Self {
            at: attempt.clicked_at(),
            name: order.name.clone(),
            vm: order.vm.clone(),
            port: order.port,
            protocol: order.protocol,
            cloud: acting.map(|acting| acting.cloud.clone()),
            account: acting.map(|acting| acting.account.to_string()),
            source: done.source,
            bastion: attempt.bastion().map(|way| way.host.id.name().to_owned()),
            reason: order.justification.clone(),
            result,
            code,
            requested: done.requested,
            started: done.started,
            end_time_utc: attempt.window(now).map(|window| window.end_time_utc),
            elapsed_ms: attempt.elapsed_ms(now),
            by_itself: order.renews.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_longer_is_open_for_the_reason_that_was_given_for_that() {
        let mut lately = Vec::new();
        let because = |result, requested, reason: &str| Opening {
            requested,
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
            ..opened("a", 22, result)
        };
        note_lately(&mut lately, because(OpeningResult::Connected, true, "patch day"));
        let reason = |lately: &[Opening]| lately[0].reason.clone();
        for (requested, of_extension, expected) in [
            (true, "it takes longer", "it takes longer"),
            (true, "", "it takes longer"),
            (false, "unasked", "it takes longer"),
        ] {
            note_lately(&mut lately, because(OpeningResult::Extended, requested, of_extension));
            assert_eq!((lately.len(), reason(&lately).as_deref()), (1, Some(expected)));
        }
    }

    fn opened(vm: &str, port: u16, result: OpeningResult) -> Opening {
        let vm = format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/{vm}");
        let opening = serde_json::json!({
            "at": DateTime::UNIX_EPOCH, "name": "x", "vm": vm, "port": port, "protocol": "ssh", "result": result,
            "requested": true, "started": false, "elapsedMs": 1,
        });
        serde_json::from_value(opening).unwrap()
    }

    #[test]
    fn what_was_opened_lately_is_there_once_the_newest_first_and_what_was_not_is_not() {
        let mut lately = Vec::new();
        for (vm, port, result) in [
            ("a", 22, OpeningResult::Connected),
            ("b", 22, OpeningResult::Connected),
            ("c", 22, OpeningResult::Failed),
            ("A", 22, OpeningResult::Connected),
            ("a", 3389, OpeningResult::Connected),
            ("b", 22, OpeningResult::Cancelled),
        ] {
            note_lately(&mut lately, opened(vm, port, result));
        }
        let told: Vec<_> = lately.iter().map(|opening| (opening.vm.name(), opening.port)).collect();
        assert_eq!(told, [("a", 3389), ("A", 22), ("b", 22)]);
        for number in 0..50 {
            note_lately(&mut lately, opened(&format!("v{number}"), 22, OpeningResult::Connected));
        }
        assert_eq!((lately.len(), lately[0].vm.name()), (LATELY, "v49"));
    }

    #[test]
    fn an_opening_fits_words_that_are_parts_of_what_is_told_of_it_and_no_others() {
        let mut opening = opened("Web-01-vm", 22, OpeningResult::Failed);
        opening.reason = Some("Ticket 7, urgent".into());
        (opening.code, opening.source) = (Some("accessDenied".into()), Some(Ipv4Addr::new(203, 0, 113, 7)));
        for query in ["", " ", "web-01", "TICKET web", "failed", "accessdenied", "203.0.113", "g x s"] {
            assert!(opening.fits(query), "{query}");
        }
        for query in ["db", "web db", "ticket7", "virtualMachines", "deallocated"] {
            assert!(!opening.fits(query), "{query}");
        }
    }

    #[test]
    fn an_opening_is_written_with_its_members_in_their_order() {
        let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";
        let opening = Opening {
            at: DateTime::UNIX_EPOCH,
            name: "web-01".parse().unwrap(),
            vm: vm.parse().unwrap(),
            port: 22,
            protocol: Protocol::Ssh,
            cloud: None,
            account: None,
            source: None,
            bastion: None,
            reason: None,
            result: OpeningResult::Connected,
            code: None,
            requested: true,
            started: false,
            end_time_utc: None,
            elapsed_ms: 1,
            by_itself: true,
        };
        let text = serde_json::to_string(&opening).unwrap();
        let places: Vec<_> = Opening::MEMBERS.iter().map(|member| text.find(&format!("\"{member}\":"))).collect();
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{text}: {places:?}");
        assert_eq!(serde_json::to_value(&opening).unwrap().as_object().unwrap().len(), Opening::MEMBERS.len());
    }
}
