//! JSON of which answers are made by the thousand.
//!
//! Names and words that are in the program's text are not copied, objects are lists, and the text is written by code that
//! the standard library brings along optimised: `serde_json::Value` makes a tree of maps for each resource, and takes
//! ten times as long in a dev build. It reads what comes in, and writes what is small.

mod text;

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::ops::{Index, IndexMut};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Number;
use uuid::Uuid;

pub(crate) use text::{Text, Write};

/// A value. Its variants are named as `serde_json`'s.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'static, str>),
    Array(Vec<Value>),
    Object(Vec<(Cow<'static, str>, Value)>),
}

static NOTHING: Value = Value::Null;

/// Written as with `serde_json::json!`; what is not copied moves in.
macro_rules! json {
    (null) => { $crate::json::Value::Null };
    ([ $($inner:tt)* ]) => { $crate::json::json!(@array [] $($inner)* ,) };
    ({ $($inner:tt)* }) => { $crate::json::json!(@object [] $($inner)* ,) };

    (@array [$($done:expr,)*] $(,)?) => { $crate::json::Value::Array(vec![$($done,)*]) };
    (@array [$($done:expr,)*] null , $($rest:tt)*) => {
        $crate::json::json!(@array [$($done,)* $crate::json::Value::Null,] $($rest)*)
    };
    (@array [$($done:expr,)*] [ $($inner:tt)* ] , $($rest:tt)*) => {
        $crate::json::json!(@array [$($done,)* $crate::json::json!([$($inner)*]),] $($rest)*)
    };
    (@array [$($done:expr,)*] { $($inner:tt)* } , $($rest:tt)*) => {
        $crate::json::json!(@array [$($done,)* $crate::json::json!({$($inner)*}),] $($rest)*)
    };
    (@array [$($done:expr,)*] $next:expr , $($rest:tt)*) => {
        $crate::json::json!(@array [$($done,)* $crate::json::Value::from($next),] $($rest)*)
    };

    (@object [$($name:literal $value:expr,)*] $(,)?) => {
        $crate::json::Value::Object(vec![$((::std::borrow::Cow::Borrowed($name), $value),)*])
    };
    (@object [$($done:tt)*] $name:literal : null , $($rest:tt)*) => {
        $crate::json::json!(@object [$($done)* $name $crate::json::Value::Null,] $($rest)*)
    };
    (@object [$($done:tt)*] $name:literal : [ $($inner:tt)* ] , $($rest:tt)*) => {
        $crate::json::json!(@object [$($done)* $name $crate::json::json!([$($inner)*]),] $($rest)*)
    };
    (@object [$($done:tt)*] $name:literal : { $($inner:tt)* } , $($rest:tt)*) => {
        $crate::json::json!(@object [$($done)* $name $crate::json::json!({$($inner)*}),] $($rest)*)
    };
    (@object [$($done:tt)*] $name:literal : $value:expr , $($rest:tt)*) => {
        $crate::json::json!(@object [$($done)* $name $crate::json::Value::from($value),] $($rest)*)
    };

    ($value:expr) => { $crate::json::Value::from($value) };
}
pub(crate) use json;

impl Value {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The member with this name; nothing of what is no object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        let Self::Object(members) = self else { return None };
        members.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The members of an object; none of anything else.
    pub(crate) fn members(&self) -> &[(Cow<'static, str>, Self)] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    pub(crate) fn as_array(&self) -> Option<&Vec<Self>> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    pub(crate) fn as_array_mut(&mut self) -> Option<&mut Vec<Self>> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    pub(crate) fn as_u64(&self) -> Option<u64> {
        if let Self::Number(number) = self { number.as_u64() } else { None }
    }

    /// Leaves nothing in its place.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl Index<&str> for Value {
    type Output = Self;

    fn index(&self, name: &str) -> &Self {
        self.get(name).unwrap_or(&NOTHING)
    }
}

/// A member that is not there is added; what is no object becomes one.
impl IndexMut<&'static str> for Value {
    fn index_mut(&mut self, name: &'static str) -> &mut Self {
        if self.get(name).is_none() {
            let mut members = if let Self::Object(members) = self.take() { members } else { Vec::new() };
            members.push((Cow::Borrowed(name), Self::Null));
            *self = Self::Object(members);
        }
        match self {
            Self::Object(members) => members.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
        .expect("the member was added")
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::String(Cow::Borrowed(text))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::String(Cow::Owned(text.clone()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(Cow::Owned(text))
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        let mut text = Uuid::encode_buffer();
        Self::String(Cow::Owned(id.hyphenated().encode_lower(&mut text).to_owned()))
    }
}

impl From<Ipv4Addr> for Value {
    fn from(address: Ipv4Addr) -> Self {
        address.to_string().into()
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

/// What JSON has no number for is null.
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Number::from_f64(number).map_or(Self::Null, Self::Number)
    }
}

macro_rules! from_whole_numbers {
    ($($kind:ty),*) => {
        $(impl From<$kind> for Value {
            fn from(number: $kind) -> Self {
                Self::Number(number.into())
            }
        })*
    };
}
from_whole_numbers!(i32, i64, u16, u32, u64, usize);

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(truth) => Self::Bool(truth),
            serde_json::Value::Number(number) => Self::Number(number),
            serde_json::Value::String(text) => text.into(),
            serde_json::Value::Array(items) => items.into(),
            serde_json::Value::Object(members) => {
                Self::Object(members.into_iter().map(|(name, value)| (Cow::Owned(name), value.into())).collect())
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => items.serialize(serializer),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_with_serde_jsons_own_macro() {
        let name = "web-01".to_owned();
        let ours = json!({
            "none": null, "name": &name, "list": [1, null, { "a": [] }, ["x"],], "empty": {},
            "sum": 1 + 2, "choice": if name.is_empty() { "a" } else { "b" }, "nested": { "deep": { "er": true } },
            "some": Some(2.5), "id": Uuid::nil(), "at": Ipv4Addr::LOCALHOST,
        });
        let serdes = serde_json::json!({
            "none": null, "name": name, "list": [1, null, { "a": [] }, ["x"]], "empty": {},
            "sum": 1 + 2, "choice": "b", "nested": { "deep": { "er": true } },
            "some": 2.5, "id": Uuid::nil(), "at": Ipv4Addr::LOCALHOST,
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&ours.to_string()).unwrap(), serdes);
        assert_eq!(serde_json::to_value(&ours).unwrap(), serdes);
    }

    #[test]
    fn members_are_found_added_and_taken() {
        let mut value = json!({ "properties": { "zone": 1 } });
        value["properties"]["zone"] = 2.into();
        value["etag"] = "x".into();
        assert_eq!(value, json!({ "properties": { "zone": 2 }, "etag": "x" }));
        assert_eq!(value["nothing"]["here"], Value::Null);
        assert_eq!(value["properties"].take(), json!({ "zone": 2 }));
        assert!(value["properties"].is_null());
    }
}
