//! ISO 8601 durations of days, hours, minutes and seconds, as Azure writes them: `PT3H`, `P1D`, `PT1H30M`.

use chrono::TimeDelta;

/// Parses `P[nD][T[nH][nM][nS]]`; `None` for anything else.
pub(crate) fn parse(text: &str) -> Option<TimeDelta> {
    let body = text.strip_prefix('P')?;
    let (date, time) = body.split_once('T').unwrap_or((body, ""));
    if date.is_empty() && time.is_empty() {
        return None;
    }
    sum(date, &[('D', 86_400)])?.checked_add(&sum(time, &[('H', 3_600), ('M', 60), ('S', 1)])?)
}

fn sum(mut text: &str, units: &[(char, i64)]) -> Option<TimeDelta> {
    let mut total = TimeDelta::zero();
    for (unit, seconds) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            let number: u32 = number.parse().ok()?;
            total = total.checked_add(&TimeDelta::try_seconds(i64::from(number).checked_mul(*seconds)?)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_azure_writes_them() {
        for (text, seconds) in
            [("PT3H", 10_800), ("P1D", 86_400), ("PT1H30M", 5_400), ("PT45S", 45), ("P1DT1H", 90_000)]
        {
            assert_eq!(parse(text), Some(TimeDelta::seconds(seconds)), "{text}");
        }
        for text in ["", "P", "PT", "3H", "PT3", "PT-1H", "P3H"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
