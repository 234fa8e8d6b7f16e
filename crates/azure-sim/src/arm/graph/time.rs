//! Moments and spans of time: `datetime(2026-11-23)`, `now()`, `7d`. A span is a number of microseconds until it is shown;
//! a moment is a text whose order is that of time.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

use crate::json::Value;

use super::value;

/// What a unit behind a number stands for, in microseconds.
pub(super) fn unit(name: &str) -> Option<f64> {
    Some(match name {
        "d" => 86_400e6,
        "h" => 3_600e6,
        "m" => 60e6,
        "s" => 1e6,
        "ms" => 1e3,
        "microsecond" => 1.0,
        "tick" => 0.1,
        _ => return None,
    })
}

/// Microseconds since 1970 of a moment as it is written; a time without a zone is UTC.
#[expect(clippy::cast_precision_loss, reason = "microseconds of any year up to 2255 are exact")]
pub(super) fn microseconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.naive_utc()).ok();
    let local = |format| NaiveDateTime::parse_from_str(text, format).ok();
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    let time = time.or_else(|| local("%Y-%m-%dT%H:%M:%S%.f")).or_else(|| local("%Y-%m-%d %H:%M:%S%.f"));
    time.or_else(|| local("%Y-%m-%d %H:%M")).or_else(day).map(|time| time.and_utc().timestamp_micros() as f64)
}

/// A moment as text: `2026-11-23T02:00:00.0000000Z`.
#[expect(clippy::cast_possible_truncation, reason = "what is out of range is no moment")]
pub(super) fn moment(microseconds: f64) -> Value {
    let time = DateTime::<Utc>::from_timestamp_micros(microseconds as i64);
    let shown = |time: DateTime<Utc>| {
        let text = time.to_rfc3339_opts(SecondsFormat::Micros, true);
        // Kusto counts in tenths of a microsecond.
        text.replace('Z', "0Z").into()
    };
    time.map_or(Value::Null, shown)
}

/// What `todatetime()` makes of a value.
pub(super) fn to_moment(of: &Value) -> Value {
    microseconds(&value::text(of)).map_or(Value::Null, moment)
}

/// What `totimespan()` makes of a value: `1.02:03:04` and `02:03:04.5`, or a literal in a text.
pub(super) fn to_span(of: &Value) -> Option<f64> {
    if let Value::Number(number) = of {
        return number.as_f64();
    }
    let text = value::text(of);
    let (sign, text) = text.strip_prefix('-').map_or((1.0, &*text), |rest| (-1.0, rest));
    let letters = text.find(|c: char| c.is_ascii_alphabetic());
    if let Some((number, name)) = letters.map(|at| text.split_at(at)) {
        return Some(sign * number.parse::<f64>().ok()? * unit(name)?);
    }
    let mut parts = text.splitn(3, ':');
    let (first, minutes, seconds) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    let (days, hours) = first.split_once('.').unwrap_or(("0", first));
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| *number >= 0.0);
    let whole = number(days)? * 24.0 + number(hours)?;
    Some(sign * ((whole * 60.0 + number(minutes)?) * 60.0 + number(seconds)?) * 1e6)
}

/// A span as text: `7.00:00:00`, `00:05:00.2500000`.
#[expect(clippy::cast_possible_truncation, reason = "spans of more than 290000 years are none")]
pub(super) fn span_text(microseconds: f64) -> String {
    let sign = if microseconds < 0.0 { "-" } else { "" };
    let all = microseconds.abs().round() as i64;
    let (seconds, fraction) = (all / 1_000_000, all % 1_000_000);
    let (days, hours, minutes, seconds) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let days = if days > 0 { format!("{days}.") } else { String::new() };
    let fraction = if fraction > 0 { format!(".{fraction:06}0") } else { String::new() };
    format!("{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::json;

    #[test]
    fn moments_are_read_in_any_form_and_written_in_one() {
        for text in ["2026-11-23", "2026-11-23T00:00:00Z", "2026-11-23 00:00", "2026-11-23T01:00:00.0000000+01:00"] {
            assert_eq!(to_moment(&json!(text)), json!("2026-11-23T00:00:00.0000000Z"), "{text}");
        }
        assert_eq!(to_moment(&json!("soon")), Value::Null);
        assert_eq!(moment(f64::INFINITY), Value::Null);
    }

    #[test]
    fn spans_are_read_as_they_are_written() {
        for (microseconds, text) in [
            (7.5 * 86_400e6, "7.12:00:00"),
            (-300.25e6, "-00:05:00.2500000"),
            (0.0, "00:00:00"),
            (86_399e6, "23:59:59"),
        ] {
            assert_eq!(span_text(microseconds), text);
            assert_eq!(to_span(&json!(text)), Some(microseconds), "{text}");
        }
        assert_eq!(to_span(&json!("1.5h")), Some(5_400e6));
        assert_eq!((to_span(&json!("an hour")), to_span(&json!("7"))), (None, None));
    }
}
