//! What is done by itself while a VM is used, and after: words of `config.toml` and of the command line.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::by_word::by_word;
use crate::iso8601::{as_written, in_units};
use crate::message::given::{no_after_use, no_renewal};
use crate::policy::{LONGEST_ACCESS, SHORTEST_ACCESS};

/// For how long, from its first opening on, access is renewed by itself while it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub enum RenewUpTo {
    /// It is not.
    #[default]
    Never,
    /// For so long: 5 minutes to a day.
    For(TimeDelta),
}

impl RenewUpTo {
    const NEVER: &'static str = "never";

    /// For how long, if it is.
    pub fn length(self) -> Option<TimeDelta> {
        match self {
            Self::Never => None,
            Self::For(length) => Some(length),
        }
    }
}

impl fmt::Display for RenewUpTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str(Self::NEVER),
            Self::For(length) => f.write_str(&in_units(*length)),
        }
    }
}

impl From<RenewUpTo> for String {
    fn from(up_to: RenewUpTo) -> Self {
        up_to.to_string()
    }
}

impl FromStr for RenewUpTo {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == Self::NEVER {
            return Ok(Self::Never);
        }
        let fits = |length: &TimeDelta| (SHORTEST_ACCESS..=LONGEST_ACCESS).contains(length);
        as_written(text).filter(fits).map(Self::For).ok_or_else(|| no_renewal(text))
    }
}

impl TryFrom<String> for RenewUpTo {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What is done with a VM that Ajar has started, once nobody uses it any more; the mildest comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "'leave' | 'ask' | 'deallocate'"))]
pub enum AfterUse {
    /// Nothing: it runs on.
    #[default]
    Leave,
    /// Somebody is asked.
    Ask,
    /// It is deallocated, after a notice.
    Deallocate,
}

by_word!(AfterUse: Leave "leave", Ask "ask", Deallocate "deallocate"; no_after_use);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_is_a_length_of_time_of_a_day_at_most_or_never() {
        for (text, meant, written) in [
            ("8h", RenewUpTo::For(TimeDelta::hours(8)), "8h"),
            ("90m", RenewUpTo::For(TimeDelta::minutes(90)), "90m"),
            ("PT5M", RenewUpTo::For(TimeDelta::minutes(5)), "5m"),
            ("24h", RenewUpTo::For(TimeDelta::days(1)), "1d"),
            ("never", RenewUpTo::Never, "never"),
        ] {
            assert_eq!(text.parse::<RenewUpTo>().map(|up_to| (up_to, up_to.to_string())), Ok((meant, written.into())));
        }
        for odd in ["", "0", "4m", "25h", "always", "8"] {
            assert!(odd.parse::<RenewUpTo>().unwrap_err().contains("never"), "{odd}");
        }
    }

    #[test]
    fn what_is_done_after_use_is_one_of_three_words() {
        for choice in AfterUse::ALL {
            assert_eq!(choice.to_string().parse(), Ok(*choice));
        }
        assert!("stop".parse::<AfterUse>().unwrap_err().contains("deallocate"));
    }
}
