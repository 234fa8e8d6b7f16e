//! Texts that many VMs share: a thousand VMs of a subscription have its name once.

use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text whose copies are the same one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<str>);

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// The tags of a VM, by name. A map has room for eleven, and most VMs have two or three.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Box<[(Text, Text)]>);

impl Tags {
    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<Text>, V: Into<Text>> FromIterator<(N, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(tags: I) -> Self {
        let mut tags: Vec<(Text, Text)> = tags.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        tags.sort();
        Self(tags.into())
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Tags;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tags, A::Error> {
                std::iter::from_fn(|| map.next_entry::<Text, Text>().transpose()).collect()
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// The texts that are there already, so that what comes in shares them.
#[derive(Debug, Default)]
pub(super) struct Texts(HashSet<Text>);

impl Texts {
    /// Has a text be the one that is there, if it is.
    pub(super) fn share(&mut self, text: &mut Text) {
        match self.0.get(text) {
            Some(known) => known.clone_into(text),
            None => drop(self.0.insert(text.clone())),
        }
    }

    /// The same for names and values of tags.
    pub(super) fn share_tags(&mut self, tags: &mut Tags) {
        for (name, value) in &mut tags.0 {
            self.share(name);
            self.share(value);
        }
    }

    /// Forgets those that nobody has any more.
    pub(super) fn forget_unused(&mut self) {
        self.0.retain(|text| Arc::strong_count(&text.0) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_have_is_there_once_and_goes_with_the_last_of_them() {
        let (mut texts, mut one, mut two) = (Texts::default(), Text::from("rg-shop"), Text::from("rg-shop"));
        texts.share(&mut one);
        texts.share(&mut two);
        assert!(Arc::ptr_eq(&one.0, &two.0));
        texts.forget_unused();
        assert_eq!(texts.0.len(), 1);
        drop((one, two));
        texts.forget_unused();
        assert_eq!(texts.0.len(), 0);
    }

    #[test]
    fn tags_are_written_as_an_object_and_read_back() {
        let tags: Tags = [("owner", "ada"), ("env", "prod")].into_iter().collect();
        let text = serde_json::to_string(&tags).unwrap();
        assert_eq!(text, r#"{"env":"prod","owner":"ada"}"#);
        assert_eq!(serde_json::from_str::<Tags>(&text).unwrap(), tags);
        assert!(serde_json::from_str::<Tags>("[]").is_err());
    }
}
