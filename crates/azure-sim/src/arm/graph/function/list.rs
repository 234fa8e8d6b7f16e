//! Lists and bags.

use std::borrow::Cow;

use super::super::value::{self, text};
use crate::json::Value;

type Arguments<'a> = &'a [Cow<'a, Value>];

/// A place in a text or a list.
pub(super) fn index(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|number| usize::try_from(number).ok())
}

fn items(of: &Value) -> &[Value] {
    of.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn kind(of: Arguments<'_>) -> Value {
    match &*of[0] {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "double",
        Value::Number(_) => "long",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "dictionary",
    }
    .into()
}

pub(super) fn length(of: Arguments<'_>) -> Value {
    of[0].as_array().map_or(Value::Null, |items| items.len().into())
}

pub(super) fn concatenated(of: Arguments<'_>) -> Value {
    of.iter().flat_map(|list| items(list)).cloned().collect()
}

pub(super) fn index_of(of: Arguments<'_>) -> Value {
    let Some(items) = of[0].as_array() else { return Value::Null };
    let found = items.iter().position(|item| value::equal(item, &of[1]));
    found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1).into()
}

pub(super) fn has(of: Arguments<'_>) -> Value {
    items(&of[0]).iter().any(|item| value::equal(item, &of[1])).into()
}

pub(super) fn packed(of: Arguments<'_>) -> Value {
    of.iter().map(|value| value.clone().into_owned()).collect()
}

/// `strcat_array(list, between)`
pub(super) fn joined(of: Arguments<'_>) -> Value {
    let texts: Vec<_> = items(&of[0]).iter().map(text).collect();
    texts.join(&*text(&of[1])).into()
}

pub(super) fn keys(of: Arguments<'_>) -> Value {
    match &*of[0] {
        Value::Object(members) => members.iter().map(|(name, _)| Value::String(name.clone())).collect(),
        _ => Value::Null,
    }
}

pub(super) fn has_key(of: Arguments<'_>) -> Value {
    of[0].get(&text(&of[1])).is_some().into()
}

/// Of a key that several have, the first one's value counts.
pub(super) fn merged(of: Arguments<'_>) -> Value {
    let mut all: Vec<(Cow<'static, str>, Value)> = Vec::new();
    for (name, value) in of.iter().flat_map(|bag| bag.members()) {
        if !all.iter().any(|(known, _)| known == name) {
            all.push((name.clone(), value.clone()));
        }
    }
    Value::Object(all)
}

/// Of names and values in turn.
pub(super) fn bag(of: Arguments<'_>) -> Value {
    let pairs = of.chunks_exact(2).map(|pair| (Cow::Owned(text(&pair[0]).into_owned()), pair[1].clone().into_owned()));
    Value::Object(pairs.collect())
}
