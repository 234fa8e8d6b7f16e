//! The simulator's own clock: the wall clock plus whatever `POST /_sim/advance` has added.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// Only ever moves forward relative to the wall clock.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead: Mutex<TimeDelta>,
}

impl Clock {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        Utc::now() + *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.checked_add(&by).unwrap_or(*ahead);
    }
}

/// Seven fractional digits and a `Z`, as Azure writes them: `2018-05-17T09:06:45.5691611Z`.
pub(crate) fn timestamp(time: DateTime<Utc>) -> String {
    format!("{}.{:07}Z", time.format("%Y-%m-%dT%H:%M:%S"), time.timestamp_subsec_nanos() / 100)
}

/// The form of long-running operations: `2017-01-06T18:58:24.7596323+00:00`.
pub(crate) fn offset_timestamp(time: DateTime<Utc>) -> String {
    format!("{}.{:07}+00:00", time.format("%Y-%m-%dT%H:%M:%S"), time.timestamp_subsec_nanos() / 100)
}

/// The form of HTTP headers: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
