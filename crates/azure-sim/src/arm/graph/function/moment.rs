//! Moments: differences, sums, starts, texts.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, Months, TimeDelta, Timelike, Utc};

use super::super::time;
use super::super::value::{self, text};
use crate::json::Value;

type Arguments<'a> = &'a [Cow<'a, Value>];

#[expect(clippy::cast_possible_truncation, reason = "what is out of range is no moment")]
fn read(of: &Value) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(time::microseconds(&text(of))? as i64)
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of any year up to 2255 are exact")]
fn written(moment: Option<DateTime<Utc>>) -> Value {
    moment.map_or(Value::Null, |moment| time::moment(moment.timestamp_micros() as f64))
}

/// A period by its name: in months, or in seconds.
enum Period {
    Months(i64),
    Seconds(i64),
}

fn period(name: &Value) -> Option<Period> {
    Some(match text(name).to_lowercase().as_str() {
        "year" => Period::Months(12),
        "quarter" => Period::Months(3),
        "month" => Period::Months(1),
        "week" => Period::Seconds(604_800),
        "day" => Period::Seconds(86_400),
        "hour" => Period::Seconds(3_600),
        "minute" => Period::Seconds(60),
        "second" => Period::Seconds(1),
        _ => return None,
    })
}

/// `datetime_diff('day', later, earlier)`: how many starts of such a period lie between them.
pub(super) fn difference(of: Arguments<'_>) -> Value {
    let count = |moment: DateTime<Utc>, period: &Period| match period {
        Period::Months(months) => (i64::from(moment.year()) * 12 + i64::from(moment.month0())).div_euclid(*months),
        // Weeks begin on Sundays; the first day of 1970 was a Thursday.
        Period::Seconds(604_800) => (moment.timestamp() + 4 * 86_400).div_euclid(604_800),
        Period::Seconds(seconds) => moment.timestamp().div_euclid(*seconds),
    };
    let found = period(&of[0]).zip(read(&of[1])).zip(read(&of[2]));
    found.map_or(Value::Null, |((period, later), earlier)| (count(later, &period) - count(earlier, &period)).into())
}

/// `datetime_add('month', -1, moment)`
#[expect(clippy::cast_possible_truncation, reason = "what is out of range is no moment")]
pub(super) fn added(of: Arguments<'_>) -> Value {
    let amount = value::number(&of[1]).map(|amount| amount as i64);
    let (Some(period), Some(amount), Some(moment)) = (period(&of[0]), amount, read(&of[2])) else { return Value::Null };
    written(match period {
        Period::Seconds(seconds) => amount
            .checked_mul(seconds)
            .and_then(TimeDelta::try_seconds)
            .and_then(|span| moment.checked_add_signed(span)),
        Period::Months(months) => amount.checked_mul(months).and_then(|months| {
            let size = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
            if months < 0 { moment.checked_sub_months(size) } else { moment.checked_add_months(size) }
        }),
    })
}

pub(super) fn start_of_day(of: Arguments<'_>) -> Value {
    written(read(&of[0]).and_then(|moment| Some(moment.date_naive().and_hms_opt(0, 0, 0)?.and_utc())))
}

pub(super) fn start_of_month(of: Arguments<'_>) -> Value {
    written(read(&of[0]).and_then(|moment| Some(moment.date_naive().with_day(1)?.and_hms_opt(0, 0, 0)?.and_utc())))
}

/// `format_datetime(moment, 'yyyy-MM-dd HH:mm')`
pub(super) fn formatted(of: Arguments<'_>) -> Value {
    let Some(moment) = read(&of[0]) else { return Value::Null };
    let format = text(&of[1]);
    let mut shown = String::new();
    let mut rest = &*format;
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c| c != first).unwrap_or(rest.len());
        let (part, after) = rest.split_at(length);
        shown.push_str(&specified(moment, first, length / first.len_utf8()).unwrap_or_else(|| part.to_owned()));
        rest = after;
    }
    shown.into()
}

/// What so many of this letter stand for.
fn specified(moment: DateTime<Utc>, letter: char, count: usize) -> Option<String> {
    let number = match letter {
        'y' if count <= 2 => i64::from(moment.year() % 100),
        'y' => i64::from(moment.year()),
        'M' => i64::from(moment.month()),
        'd' => i64::from(moment.day()),
        'H' => i64::from(moment.hour()),
        'h' => i64::from(moment.hour12().1),
        'm' => i64::from(moment.minute()),
        's' => i64::from(moment.second()),
        'f' => return moment.format("%9f").to_string().get(..count).map(str::to_owned),
        't' => return Some(moment.format("%p").to_string()),
        _ => return None,
    };
    let digits = number.to_string();
    // Not by a width of `format!`, which takes no more than 65535.
    Some("0".repeat(count.saturating_sub(digits.len())) + &digits)
}
