//! The words of the journal.

use crate::journal::{Opening, OpeningResult};
use crate::zone::Zone;

/// Over the openings.
pub const COLUMNS: [&str; 7] = ["WHEN", "NAME", "PORT", "FROM", "UNTIL", "RESULT", "REASON"];

/// A row under the [columns](COLUMNS).
pub fn row(opening: &Opening, zone: Zone) -> [String; 7] {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| "–".into());
    [
        super::moment(opening.at, zone),
        opening.name.to_string(),
        or_nothing((!is_deallocation(opening)).then(|| opening.port.to_string())),
        or_nothing(opening.source.map(|source| source.to_string())),
        or_nothing(opening.end_time_utc.map(|end| super::moment(end, zone))),
        result(opening),
        or_nothing(opening.reason.clone()),
    ]
}

/// Whether it is about the VM, and no port of it.
fn is_deallocation(opening: &Opening) -> bool {
    matches!(opening.result, OpeningResult::Deallocated | OpeningResult::NotDeallocated)
}

fn result(opening: &Opening) -> String {
    let done = match (opening.result, &opening.code) {
        (OpeningResult::Connected, _) => "opened".to_owned(),
        (OpeningResult::Extended, _) => "extended".to_owned(),
        (OpeningResult::Cancelled, _) => "cancelled".to_owned(),
        (OpeningResult::Failed, Some(code)) => format!("failed: {code}"),
        (OpeningResult::Failed, None) => "failed".to_owned(),
        (OpeningResult::Deallocated, _) => "deallocated".to_owned(),
        (OpeningResult::NotDeallocated, code) => {
            format!("not deallocated: {}", code.as_deref().unwrap_or("failed"))
        }
    };
    if opening.started { format!("{done}, VM started") } else { done }
}

/// Nothing was opened yet.
pub fn nothing() -> &'static str {
    "Nothing has been opened yet."
}

/// Nothing was opened by that name.
pub fn nothing_of(name: &str) -> String {
    format!("{name} has not been opened yet.")
}

/// Lines of the file that cannot be read.
pub fn unreadable(lines: usize, file: &str) -> String {
    let lines = if lines == 1 { "One line".to_owned() } else { format!("{lines} lines") };
    format!("{lines} of {file} cannot be read.")
}

/// Older ones are not shown.
pub fn older(count: usize) -> String {
    format!("{count} older are not shown; --all shows them.")
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, FixedOffset, TimeDelta, TimeZone as _, Utc};

    use super::*;

    fn opening(result: OpeningResult) -> Opening {
        let opening = serde_json::json!({
            "at": "2026-07-01T22:30:00Z", "name": "web-01", "port": 22, "protocol": "ssh", "result": result,
            "vm": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v",
            "account": "ada", "source": "203.0.113.7", "reason": "ticket 7,\nurgent", "requested": true, "started": true,
            "endTimeUtc": "2026-07-02T00:30:04Z", "elapsedMs": 48_000,
        });
        serde_json::from_value(opening).unwrap()
    }

    fn hours(hours: i32) -> FixedOffset {
        FixedOffset::east_opt(hours * 3_600).unwrap()
    }

    #[test]
    fn an_opening_of_summer_is_told_in_winter_by_the_clock_of_summer() {
        let now = Utc.with_ymd_and_hms(2027, 1, 5, 12, 0, 0).unwrap();
        let opened = opening(OpeningResult::Connected);
        let offset = |at: DateTime<Utc>| if at < now - TimeDelta::days(60) { hours(2) } else { hours(1) };
        let zone = Zone::around(opened.at, offset).seen_at(now);
        assert_eq!(row(&opened, zone)[0], "Thu 2 Jul 2026 00:30");
    }
}
