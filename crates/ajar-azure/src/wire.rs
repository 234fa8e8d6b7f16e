//! How lists, dates and odd members are read, whatever the resource.

use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::error::Category;

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(crate) struct Page<T> {
    #[serde(default)]
    pub(crate) value: Each<T>,
    #[serde(default, rename = "nextLink")]
    pub(crate) next_link: Option<String>,
}

/// A list whose members are read one by one: one that can't be understood is skipped and does not take the others along.
/// An absent list and `null` are empty ones.
#[derive(Clone, Debug)]
pub(crate) struct Each<T>(pub(crate) Vec<T>);

impl<T> Default for Each<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneByOne(PhantomData))
    }
}

/// Reads a list member by member. A page has a thousand, and no more than one of them is there at a time as it came.
struct OneByOne<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for OneByOne<T> {
    type Value = Each<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Each<T>, E> {
        Ok(Each::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Each<T>, A::Error> {
        let members = std::iter::from_fn(|| list.next_element::<Value>().transpose());
        members.filter_map(|member| member.map(understood).transpose()).collect::<Result<_, _>>().map(Each)
    }
}

fn understood<T: DeserializeOwned>(member: Value) -> Option<T> {
    serde_json::from_value(member)
        .inspect_err(|_| tracing::debug!(kind = std::any::type_name::<T>(), "skipped what can't be read"))
        .ok()
}

/// What keeps an answer from being read, and where. The parser's own words quote what they stumble over: an answer may
/// hold what is nobody's business, such as a token.
pub(crate) fn stumble(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Io | Category::Syntax => "it is no JSON",
        Category::Data => "it has another shape than Azure documents",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

/// A date as Azure writes them: RFC 3339 with up to seven digits of fraction, now and then without the `Z`.
pub(crate) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(deserializer)?;
    DateTime::parse_from_rfc3339(&text)
        .map(|date| date.to_utc())
        .or_else(|error| {
            NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").map(|date| date.and_utc()).map_err(|_| error)
        })
        .map_err(serde::de::Error::custom)
}

/// A member that may be `null`, or something else than what was expected: then it is absent.
pub(crate) fn if_understood<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Value>::deserialize(deserializer)?.and_then(understood))
}

/// Something with an id and nothing else we look at.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reference {
    pub(crate) id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Dated {
        #[serde(deserialize_with = "date")]
        at: DateTime<Utc>,
    }

    #[test]
    fn dates_are_read_with_any_number_of_digits() {
        let whole: DateTime<Utc> = "2018-07-12T08:53:03Z".parse().unwrap();
        for (text, nanos) in [
            ("2018-07-12T08:53:03Z", 0),
            ("2018-07-12T08:53:03.3Z", 300_000_000),
            ("2018-07-12T08:53:03.3658798Z", 365_879_800),
            ("2018-07-12T10:53:03.3658798+02:00", 365_879_800),
            ("2018-07-12T08:53:03.3658798", 365_879_800),
        ] {
            let Dated { at } = serde_json::from_str(&format!(r#"{{"at":"{text}"}}"#)).unwrap();
            assert_eq!(at, whole + chrono::TimeDelta::nanoseconds(nanos), "{text}");
        }
        assert!(serde_json::from_str::<Dated>(r#"{"at":"yesterday"}"#).is_err());
    }

    #[test]
    fn what_is_said_of_an_answer_that_cannot_be_read_quotes_nothing_of_it() {
        for (body, said) in [
            (r#"{"at":"canary"}"#, "it has another shape than Azure documents (line 1, column 15)"),
            (r#"{"at":{"canary":1}}"#, "it has another shape than Azure documents (line 1, column 6)"),
            (r#"{"at":"canary"#, "it ends too early (line 1, column 13)"),
            (r#"{"at":canary}"#, "it is no JSON (line 1, column 7)"),
        ] {
            assert_eq!(
                serde_json::from_str::<Dated>(body).map(drop).map_err(|error| stumble(&error)),
                Err(said.into())
            );
        }
    }

    #[test]
    fn a_member_that_cannot_be_read_does_not_take_the_others_along() {
        let each: Each<Reference> = serde_json::from_str(r#"[{"id":"a"},{"id":7},null,{"id":"b","x":1}]"#).unwrap();
        assert_eq!(each.0.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(serde_json::from_str::<Each<Reference>>("null").unwrap().0.is_empty());
    }
}
