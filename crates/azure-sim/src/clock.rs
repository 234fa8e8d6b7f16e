//! The simulator's own clock: the wall clock plus whatever `POST /_sim/advance` has added.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};

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
    to_tenths_of_microseconds(time) + "Z"
}

/// The form of long-running operations: `2017-01-06T18:58:24.7596323+00:00`.
pub(crate) fn offset_timestamp(time: DateTime<Utc>) -> String {
    to_tenths_of_microseconds(time) + "+00:00"
}

/// Made without a pattern to be read each time: there are several in each resource.
fn to_tenths_of_microseconds(time: DateTime<Utc>) -> String {
    let (year, month, day) = (time.year(), time.month(), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let fraction = time.timestamp_subsec_nanos() / 100;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:07}")
}

/// The form of HTTP headers: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
