//! The ISO 8601 durations of JIT policies (`PT3H`, `PT30M`, `P1D`).

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message::given::no_length_of_time;

/// A length of time that reads and writes as an ISO 8601 duration of days, hours, minutes and seconds.
///
/// Years and months have no fixed length and are refused; so are signs and fractions, which JIT policies never carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IsoDuration(pub TimeDelta);

/// The text is no ISO 8601 duration of days, hours, minutes and seconds.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", no_length_of_time(.0))]
pub struct IsoDurationError(String);

impl std::str::FromStr for IsoDuration {
    type Err = IsoDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map(Self).ok_or_else(|| IsoDurationError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<TimeDelta> {
    let body = text.strip_prefix('P')?;
    let (days, clock) = body.split_once('T').map_or((body, None), |(days, clock)| (days, Some(clock)));
    if clock.is_some_and(str::is_empty) || (days.is_empty() && clock.is_none()) {
        return None;
    }
    let mut seconds = designated(days, &[('W', 604_800), ('D', 86_400)])?;
    seconds = seconds.checked_add(designated(clock.unwrap_or(""), &[('H', 3_600), ('M', 60), ('S', 1)])?)?;
    TimeDelta::try_seconds(seconds)
}

/// Sums `{number}{letter}` groups whose letters come in the order of `units`.
fn designated(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut total = 0_i64;
    let mut units = units.iter();
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = text[..end].parse().ok()?;
        let letter = text[end..].chars().next()?;
        let (_, seconds) = units.by_ref().find(|(unit, _)| *unit == letter)?;
        total = total.checked_add(number.checked_mul(*seconds)?)?;
        text = &text[end + 1..];
    }
    Some(total)
}

/// A length of time of the settings, for serde: written as people write it, in the largest unit that leaves nothing over
/// (`2h`, `90m`), and read so, in several units (`1h 30m`), or as ISO 8601 (`PT2H`).
pub mod as_people_write {
    use super::{
        Deserialize as _, Deserializer, IsoDuration, Serialize as _, Serializer, as_written, in_units,
        no_length_of_time,
    };
    use serde::de::Error as _;

    /// Writes one.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(length: &Option<IsoDuration>, serializer: S) -> Result<S::Ok, S::Error> {
        length.as_ref().map(|IsoDuration(length)| in_units(*length)).serialize(serializer)
    }

    /// Reads one.
    ///
    /// # Errors
    /// What is no length of time.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IsoDuration>, D::Error> {
        let text = String::deserialize(deserializer)?;
        as_written(&text)
            .map(|length| Some(IsoDuration(length)))
            .ok_or_else(|| D::Error::custom(no_length_of_time(&text)))
    }
}

impl IsoDuration {
    /// To the nearest minute: three hours without the margin for Azure's clock are `PT3H` and not `PT2H59M55S`, and no maximum
    /// is exceeded that the wish itself kept.
    #[must_use]
    pub fn to_the_minute(self) -> Self {
        Self(TimeDelta::minutes((self.0.num_seconds() + 30).div_euclid(60)))
    }
}

/// A length of time as people write it, in the largest unit that leaves nothing over.
pub(crate) fn in_units(length: TimeDelta) -> String {
    let seconds = length.num_seconds();
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let fits = |(size, _): &(i64, char)| seconds > 0 && seconds % size == 0;
    let (size, unit) = units.into_iter().find(fits).unwrap_or((1, 's'));
    format!("{}{unit}", seconds / size)
}

/// The length of time that somebody has written, in units or as ISO 8601.
pub(crate) fn as_written(text: &str) -> Option<TimeDelta> {
    parse(text).or_else(|| spoken(text))
}

fn spoken(text: &str) -> Option<TimeDelta> {
    let compact: String = text.split_whitespace().collect();
    let seconds = designated(&compact, &[('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)])?;
    (!compact.is_empty()).then(|| TimeDelta::try_seconds(seconds)).flatten()
}

impl std::fmt::Display for IsoDuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let total = self.0.num_seconds().max(0);
        let (days, hours, minutes, seconds) = (total / 86_400, total / 3_600 % 24, total / 60 % 60, total % 60);
        f.write_str("P")?;
        if days > 0 {
            write!(f, "{days}D")?;
        }
        if total % 86_400 > 0 || total == 0 {
            f.write_str("T")?;
        }
        for (amount, letter) in [(hours, 'H'), (minutes, 'M')] {
            if amount > 0 {
                write!(f, "{amount}{letter}")?;
            }
        }
        if seconds > 0 || total == 0 {
            write!(f, "{seconds}S")?;
        }
        Ok(())
    }
}

impl Serialize for IsoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for IsoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_durations_of_policies_are_read() {
        for (text, seconds) in
            [("PT3H", 10_800), ("P1D", 86_400), ("PT5M", 300), ("PT1H30M", 5_400), ("P1DT12H", 129_600), ("PT0S", 0)]
        {
            assert_eq!(text.parse::<IsoDuration>().unwrap().0.num_seconds(), seconds, "{text}");
        }
    }

    #[test]
    fn a_duration_is_rounded_to_the_minute_that_was_meant() {
        for (seconds, minutes) in [(3_600, 60), (3_597, 60), (3_601, 60), (300, 5), (305, 5), (-31, -1)] {
            let rounded = IsoDuration(TimeDelta::seconds(seconds)).to_the_minute();
            assert_eq!(rounded.0, TimeDelta::minutes(minutes), "{seconds}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "P", "PT", "3H", "PT3", "PTH", "P1Y", "PT3M2H", "PT-3H", "PT1.5H", "P99999999999999999999D"] {
            assert!(text.parse::<IsoDuration>().is_err(), "{text}");
        }
    }

    #[test]
    fn settings_have_durations_as_people_or_as_azure_write_them() {
        #[derive(Serialize, Deserialize)]
        struct Settings {
            #[serde(default, with = "as_people_write", skip_serializing_if = "Option::is_none")]
            access: Option<IsoDuration>,
        }
        let read = |text: &str| {
            let settings: Settings = serde_json::from_value(serde_json::json!({ "access": text }))?;
            Ok::<_, serde_json::Error>(settings.access.unwrap().0.num_seconds())
        };
        for (text, seconds) in [("2h", 7_200), ("1h 30m", 5_400), ("1h30m", 5_400), ("90m", 5_400), ("PT2H", 7_200)] {
            assert_eq!(read(text).unwrap(), seconds, "{text}");
        }
        for (seconds, text) in [(7_200, "2h"), (5_400, "90m"), (86_400, "1d"), (90, "90s"), (0, "0s")] {
            let written = Settings { access: Some(IsoDuration(TimeDelta::seconds(seconds))) };
            assert_eq!(serde_json::to_value(written).unwrap(), serde_json::json!({ "access": text }));
            assert_eq!(read(text).unwrap(), seconds);
        }
        for text in ["", " ", "2", "h", "30m 1h", "-1h", "soon", "2 Stunden"] {
            assert!(read(text).unwrap_err().to_string().contains("a length of time like 90m, 2h or PT2H"), "{text}");
        }
        assert!(serde_json::from_str::<Settings>("{}").unwrap().access.is_none());
    }

    proptest! {
        #[test]
        fn a_written_duration_reads_back_the_same(seconds in 0_i64..1_000_000) {
            let duration = IsoDuration(TimeDelta::seconds(seconds));
            prop_assert_eq!(duration.to_string().parse::<IsoDuration>().unwrap(), duration);
        }
    }
}
