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
