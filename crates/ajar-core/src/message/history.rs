//! The words of the journal.

use chrono::{DateTime, TimeDelta, Utc};

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
        or_nothing(port(opening).map(|port| port.to_string())),
        or_nothing(opening.source.map(|source| source.to_string())),
        or_nothing(opening.end_time_utc.map(|end| super::moment(end, zone))),
        result(opening),
        or_nothing(opening.reason.clone()),
    ]
}

/// The day of an opening, such as “Tue 24 Nov”, with the year where it is not this one.
pub fn day(at: DateTime<Utc>, zone: Zone) -> String {
    let day = if zone.is_this_year(at) { "%a %-d %b" } else { "%a %-d %b %Y" };
    zone.local(at).format(day).to_string()
}

/// For how long a window was open, from the click on, if its end is known.
pub fn length(opening: &Opening) -> Option<String> {
    let length = opening.end_time_utc? - opening.at;
    (length > TimeDelta::zero()).then(|| super::spoken(length))
}

/// All that is told of an opening on one line, true whenever and wherever it is read.
pub fn line(opening: &Opening, zone: Zone) -> String {
    let moment = |at| zone.local(at).format("%Y-%m-%d %H:%M %:z").to_string();
    let vm = opening.vm.to_string();
    let facts = [
        Some(moment(opening.at)),
        Some(opening.name.to_string()),
        Some(result(opening)),
        opening.end_time_utc.map(|end| format!("until {}", moment(end))),
        port(opening).map(|port| format!("port {port}")),
        opening.source.map(|source| format!("from {source}")),
        opening.account.as_ref().map(|account| format!("as {account}")),
        opening.reason.as_deref().map(super::one_line),
        Some(vm),
    ];
    facts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The port, where it is about one.
pub fn port(opening: &Opening) -> Option<u16> {
    (!is_deallocation(opening)).then_some(opening.port)
}

/// Whether it is about the VM, and no port of it.
fn is_deallocation(opening: &Opening) -> bool {
    matches!(opening.result, OpeningResult::Deallocated | OpeningResult::NotDeallocated)
}

/// What came of it.
pub fn result(opening: &Opening) -> String {
    let done = match (opening.result, &opening.code) {
        (OpeningResult::Connected, _) => "opened".to_owned(),
        (OpeningResult::Extended, _) => "extended".to_owned(),
        (OpeningResult::Renewed, _) => "renewed".to_owned(),
        (OpeningResult::Granted, _) => "granted after its end".to_owned(),
        (OpeningResult::Cancelled, _) => "cancelled".to_owned(),
        (OpeningResult::Failed, Some(code)) => format!("failed: {code}"),
        (OpeningResult::Failed, None) => "failed".to_owned(),
        (OpeningResult::Deallocated, _) => "deallocated".to_owned(),
        (OpeningResult::NotDeallocated, code) => {
            format!("not deallocated: {}", code.as_deref().unwrap_or("failed"))
        }
    };
    let done = if opening.by_itself { format!("{done} by Ajar itself") } else { done };
    if opening.started { format!("{done}, VM started") } else { done }
}

/// Nothing was opened yet.
pub fn nothing() -> &'static str {
    "Nothing has been opened yet."
}

/// Nothing that was opened fits what is looked for.
pub fn nothing_fits(query: &str) -> String {
    format!("Nothing that was opened fits “{}”.", super::shown(query.trim(), 60))
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
    use chrono::{FixedOffset, TimeZone as _};

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
        assert_eq!(
            (row(&opened, zone)[0].as_str(), &*day(opened.at, zone)),
            ("Thu 2 Jul 2026 00:30", "Thu 2 Jul 2026")
        );
        assert_eq!(length(&opened).as_deref(), Some("2 hours"));
    }

    #[test]
    fn a_line_to_be_copied_has_all_of_it_and_stays_true() {
        let zone = Zone::always(hours(2), Utc.with_ymd_and_hms(2026, 7, 1, 23, 0, 0).unwrap());
        assert_eq!(
            line(&opening(OpeningResult::Connected), zone),
            "2026-07-02 00:30 +02:00 · web-01 · opened, VM started · until 2026-07-02 02:30 +02:00 · port 22 · from 203.0.113.7 · as ada · \
             ticket 7, urgent · /subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v"
        );
        let deallocated = Opening { end_time_utc: None, ..opening(OpeningResult::Deallocated) };
        let by_itself = Opening { by_itself: true, started: false, ..deallocated.clone() };
        assert_eq!(result(&by_itself), "deallocated by Ajar itself");
        assert!(!line(&deallocated, zone).contains("port"));
        assert_eq!(length(&deallocated), None);
    }
}
