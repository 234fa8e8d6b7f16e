//! The scalar functions that are known.

use crate::json::Value;

use std::borrow::Cow;

use super::QueryError;
use super::bound::{Bound, Type};
use super::row::Look;
use super::time;
use super::value::{self, text};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    ToString,
    ToLower,
    ToUpper,
    ToInt,
    ToDouble,
    ToBool,
    ToDynamic,
    IsEmpty,
    IsNotEmpty,
    IsNull,
    IsNotNull,
    Length,
    Concatenate,
    Split,
    Substring,
    Replace,
    If,
    Case,
    Coalesce,
    ArrayLength,
    Keys,
    Now,
    Ago,
    ToMoment,
    ToSpan,
    /// Of a moment.
    Microseconds,
    /// The moment of them.
    OfMicroseconds,
    /// A span as it is shown.
    SpanText,
}

/// Names, the function, the least and the largest number of arguments, and the type; none for the arguments' own.
type Signature = (&'static [&'static str], Function, usize, usize, Option<Type>);

const FUNCTIONS: &[Signature] = &[
    (&["tostring"], Function::ToString, 1, 1, Some(Type::Text)),
    (&["tolower"], Function::ToLower, 1, 1, Some(Type::Text)),
    (&["toupper"], Function::ToUpper, 1, 1, Some(Type::Text)),
    (&["toint", "tolong"], Function::ToInt, 1, 1, Some(Type::Integer)),
    (&["todouble", "toreal"], Function::ToDouble, 1, 1, Some(Type::Real)),
    (&["tobool", "toboolean"], Function::ToBool, 1, 1, Some(Type::Bool)),
    (&["todynamic", "parse_json", "parsejson"], Function::ToDynamic, 1, 1, Some(Type::Dynamic)),
    (&["isempty"], Function::IsEmpty, 1, 1, Some(Type::Bool)),
    (&["isnotempty", "notempty"], Function::IsNotEmpty, 1, 1, Some(Type::Bool)),
    (&["isnull"], Function::IsNull, 1, 1, Some(Type::Bool)),
    (&["isnotnull", "notnull"], Function::IsNotNull, 1, 1, Some(Type::Bool)),
    (&["strlen"], Function::Length, 1, 1, Some(Type::Integer)),
    (&["strcat"], Function::Concatenate, 1, 64, Some(Type::Text)),
    (&["split"], Function::Split, 2, 3, Some(Type::Dynamic)),
    (&["substring"], Function::Substring, 2, 3, Some(Type::Text)),
    (&["replace_string"], Function::Replace, 3, 3, Some(Type::Text)),
    (&["iff", "iif"], Function::If, 3, 3, None),
    (&["case"], Function::Case, 3, 65, None),
    (&["coalesce"], Function::Coalesce, 2, 64, None),
    (&["array_length"], Function::ArrayLength, 1, 1, Some(Type::Integer)),
    (&["bag_keys"], Function::Keys, 1, 1, Some(Type::Dynamic)),
    (&["now"], Function::Now, 0, 1, Some(Type::Moment)),
    (&["ago"], Function::Ago, 1, 1, Some(Type::Moment)),
    (&["todatetime"], Function::ToMoment, 1, 1, Some(Type::Moment)),
    (&["totimespan"], Function::ToSpan, 1, 1, Some(Type::Span)),
];

impl Function {
    /// The function with this name for arguments of these types, and the type of what it gives.
    pub(super) fn find(name: &str, arguments: &[Type]) -> Result<(Self, Type), QueryError> {
        let found = FUNCTIONS.iter().find(|(names, ..)| names.contains(&name));
        let (_, function, least, most, kind) = found.ok_or_else(|| QueryError::unknown_function(name))?;
        if !(*least..=*most).contains(&arguments.len())
            || (*function == Self::Case && arguments.len().is_multiple_of(2))
        {
            let problem = format!("{name}(): {} arguments were given, which is not how many it takes", arguments.len());
            return Err(QueryError::semantic(problem));
        }
        let own = || match function {
            Self::Coalesce => arguments[0],
            _ => arguments[1],
        };
        Ok((*function, kind.unwrap_or_else(own)))
    }

    /// Whether a column that is converted so keeps its name.
    pub(super) fn converts(name: &str) -> bool {
        ["tostring", "toint", "tolong", "todouble", "toreal", "tobool", "todynamic", "todatetime", "totimespan"]
            .contains(&name)
    }

    pub(super) fn call<'r>(self, arguments: &'r [Bound], row: Look<'r>) -> Cow<'r, Value> {
        let nothing = || Cow::Owned(Value::Null);
        let argument = |index: usize| arguments.get(index).map_or_else(nothing, |bound| bound.evaluate(row));
        let made: Value = match self {
            Self::ToString => match argument(0) {
                string if string.as_str().is_some() => return string,
                other => text(&other).into_owned().into(),
            },
            Self::ToLower => text(&argument(0)).to_lowercase().into(),
            Self::ToUpper => text(&argument(0)).to_uppercase().into(),
            Self::ToInt => value::number(&argument(0)).map_or(Value::Null, |number| value::from_number(number.trunc())),
            Self::ToDouble => value::number(&argument(0)).map_or(Value::Null, Value::from),
            Self::ToBool => value::truth(&argument(0)).map_or(Value::Null, Value::from),
            Self::ToDynamic => match argument(0).into_owned() {
                Value::String(text) => {
                    serde_json::from_str::<serde_json::Value>(&text).map_or(Value::String(text), Value::from)
                }
                other => other,
            },
            Self::IsEmpty => value::is_empty(&argument(0)).into(),
            Self::IsNotEmpty => (!value::is_empty(&argument(0))).into(),
            Self::IsNull => argument(0).is_null().into(),
            Self::IsNotNull => (!argument(0).is_null()).into(),
            Self::Length => text(&argument(0)).chars().count().into(),
            Self::Concatenate => {
                arguments.iter().map(|bound| text(&bound.evaluate(row)).into_owned()).collect::<String>().into()
            }
            Self::Split => {
                split(&text(&argument(0)), &text(&argument(1)), arguments.get(2).map(|_| argument(2)).as_deref())
            }
            Self::Substring => {
                substring(&text(&argument(0)), &argument(1), arguments.get(2).map(|_| argument(2)).as_deref())
            }
            Self::Replace => text(&argument(0)).replace(&*text(&argument(1)), &text(&argument(2))).into(),
            Self::If => return argument(if *argument(0) == Value::Bool(true) { 1 } else { 2 }),
            Self::Case => {
                let holds = |index: &usize| *argument(*index) == Value::Bool(true);
                let found = (0..arguments.len() - 1).step_by(2).find(holds);
                return argument(found.map_or(arguments.len() - 1, |index| index + 1));
            }
            Self::Coalesce => {
                let mut values = arguments.iter().map(|bound| bound.evaluate(row));
                return values.find(|value| !value::is_empty(value)).unwrap_or_else(nothing);
            }
            Self::ArrayLength => argument(0).as_array().map_or(Value::Null, |items| items.len().into()),
            Self::Now | Self::Ago => {
                let span = arguments.first().map_or(Some(0.0), |_| time::to_span(&argument(0)));
                let sign = if self == Self::Ago { -1.0 } else { 1.0 };
                #[expect(clippy::cast_precision_loss, reason = "microseconds of today are exact")]
                let now = row.view.now.timestamp_micros() as f64;
                span.map_or(Value::Null, |span| time::moment(now + sign * span))
            }
            Self::ToMoment => time::to_moment(&argument(0)),
            Self::ToSpan => time::to_span(&argument(0)).map_or(Value::Null, Value::from),
            Self::Microseconds => time::microseconds(&text(&argument(0))).map_or(Value::Null, Value::from),
            Self::OfMicroseconds => value::number(&argument(0)).map_or(Value::Null, time::moment),
            Self::SpanText => value::number(&argument(0)).map_or(Value::Null, |span| time::span_text(span).into()),
            Self::Keys => match argument(0).into_owned() {
                Value::Object(members) => members.into_iter().map(|(name, _)| Value::String(name)).collect(),
                _ => Value::Null,
            },
        };
        Cow::Owned(made)
    }
}

/// An array also when one part is asked for.
fn split(text: &str, separator: &str, wanted: Option<&Value>) -> Value {
    let parts: Vec<&str> = if separator.is_empty() { vec![text] } else { text.split(separator).collect() };
    match wanted.map(index) {
        None => parts.into_iter().map(str::to_owned).collect(),
        Some(wanted) => {
            wanted.and_then(|wanted| parts.get(wanted)).map(|part| (*part).to_owned()).into_iter().collect()
        }
    }
}

fn substring(text: &str, start: &Value, length: Option<&Value>) -> Value {
    let rest = text.chars().skip(index(start).unwrap_or_default());
    match length.and_then(index) {
        Some(length) => rest.take(length).collect::<String>().into(),
        None => rest.collect::<String>().into(),
    }
}

fn index(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|number| usize::try_from(number).ok())
}
