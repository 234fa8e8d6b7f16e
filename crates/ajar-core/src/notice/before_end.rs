//! How long before a window's end somebody is told of it.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// As often as that at most, for one window.
const MOST: usize = 5;
/// The earliest, in minutes.
const EARLIEST: u16 = 12 * 60;

/// Minutes before the end of a window at which it is told, the earliest first: `[notifications] before_end`. None is never.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u16>", into = "Vec<u16>")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "Array<number>"))]
pub struct BeforeEnd(Vec<u16>);

impl BeforeEnd {
    /// The minutes.
    pub fn minutes(&self) -> &[u16] {
        &self.0
    }

    /// How long before the end, the longest first.
    pub(crate) fn marks(&self) -> impl Iterator<Item = TimeDelta> {
        self.0.iter().map(|minutes| TimeDelta::minutes((*minutes).into()))
    }
}

impl Default for BeforeEnd {
    fn default() -> Self {
        Self(vec![15, 5, 1])
    }
}

impl TryFrom<Vec<u16>> for BeforeEnd {
    type Error = String;

    fn try_from(mut minutes: Vec<u16>) -> Result<Self, String> {
        minutes.sort_unstable_by(|one, other| other.cmp(one));
        minutes.dedup();
        let is_odd = |minutes: &u16| !(1..=EARLIEST).contains(minutes);
        match minutes.iter().find(|minutes| is_odd(minutes)) {
            Some(odd) => Err(format!("before_end: {odd} is none of 1 to {EARLIEST} minutes")),
            None if minutes.len() > MOST => Err(format!("before_end: {MOST} times at most")),
            None => Ok(Self(minutes)),
        }
    }
}

impl From<BeforeEnd> for Vec<u16> {
    fn from(BeforeEnd(minutes): BeforeEnd) -> Self {
        minutes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_each_once() {
        let read = |json: &str| serde_json::from_str::<BeforeEnd>(json).map_err(|error| error.to_string());
        assert_eq!(read("[1, 30, 5, 30]").unwrap().minutes(), [30, 5, 1]);
        assert_eq!(read("[]").unwrap().minutes(), [0_u16; 0]);
        for (odd, why) in [("[0]", "0 is none of 1 to 720"), ("[721]", "721"), ("[1,2,3,4,5,6]", "5 times at most")] {
            assert!(read(odd).unwrap_err().contains(why), "{odd}");
        }
        assert!(read("[-1]").is_err() && read("15").is_err());
    }
}
