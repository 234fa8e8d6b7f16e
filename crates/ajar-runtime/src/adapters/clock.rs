//! The machine's clock and time zone.

use ajar_core::exchange::{LeftOut, Why};
use ajar_core::failure::Trouble;
use ajar_core::message::failure::{About, in_words};
use ajar_core::snapshot::{FailureView, Snapshot};
use ajar_core::zone::Zone;
use chrono::{DateTime, Local, TimeDelta, Utc};

use crate::ports::Clock;

/// The machine's clock and time zone.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn zone(&self, now: DateTime<Utc>) -> Zone {
        Zone::around(now, |at| *at.with_timezone(&Local).offset())
    }
}

/// The words for trouble that no engine tells of, with the times of this machine. `name` is what it is about.
pub fn words(trouble: &Trouble, name: &str) -> FailureView {
    let at = SystemClock.now();
    in_words(trouble, &About { name, zone: SystemClock.zone(at), at })
}

/// Why a favourite could not be opened, where that is why it is left out, in words.
pub fn why_unfit(left: &LeftOut) -> Option<String> {
    let Why::Unfit(failure) = &left.why else { return None };
    let failure = words(&(**failure).clone().into(), &left.what);
    Some(format!("{} {}", failure.title, failure.message))
}

/// The present by Azure's clock, which windows end by, as well as the engine knows it.
pub fn azure_now(snapshot: &Snapshot) -> DateTime<Utc> {
    SystemClock.now() + TimeDelta::milliseconds(snapshot.clock_skew_ms)
}
