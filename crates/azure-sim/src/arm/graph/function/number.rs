//! Numbers, and what can be measured in them.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::super::{time, value};
use super::number_then;
use crate::json::Value;

type Arguments<'a> = &'a [Cow<'a, Value>];

pub(super) fn whole(of: Arguments<'_>) -> Value {
    number_then(&of[0], |number| value::from_number(number.trunc()))
}

pub(super) fn real(of: Arguments<'_>) -> Value {
    number_then(&of[0], Value::from)
}

pub(super) fn truth(of: Arguments<'_>) -> Value {
    value::truth(&of[0]).map_or(Value::Null, Value::from)
}

pub(super) fn absolute(of: Arguments<'_>) -> Value {
    number_then(&of[0], |number| value::from_number(number.abs()))
}

/// The multiple of the second that is not above the first; of a moment, of a span.
pub(super) fn bin(of: Arguments<'_>) -> Value {
    let down = |number: f64| {
        let size = value::number(&of[1]).filter(|size| *size > 0.0);
        size.map(|size| (number / size).floor() * size)
    };
    match &*of[0] {
        Value::String(moment) => time::microseconds(moment).and_then(down).map_or(Value::Null, time::moment),
        other => value::number(other).and_then(down).map_or(Value::Null, value::from_number),
    }
}

/// Half goes away from zero; to the given number of digits behind the point.
pub(super) fn round(of: Arguments<'_>) -> Value {
    let digits = of.get(1).and_then(|digits| value::number(digits)).unwrap_or_default();
    let unit = 10_f64.powf(digits.trunc());
    number_then(&of[0], |number| ((number * unit).round() / unit).into())
}

pub(super) fn least(of: Arguments<'_>) -> Value {
    extreme(of, Ordering::Less)
}

pub(super) fn largest(of: Arguments<'_>) -> Value {
    extreme(of, Ordering::Greater)
}

fn extreme(of: Arguments<'_>, wanted: Ordering) -> Value {
    let some = of.iter().filter(|value| !value.is_null());
    let found = some.reduce(|best, value| if value::order(value, best) == wanted { value } else { best });
    found.map_or(Value::Null, |found| found.clone().into_owned())
}
