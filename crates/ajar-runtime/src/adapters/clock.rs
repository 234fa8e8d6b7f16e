//! The machine's clock and time zone.

use ajar_core::zone::Zone;
use chrono::{DateTime, Local, Utc};

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
