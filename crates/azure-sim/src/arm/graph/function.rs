//! The scalar functions that are known.

mod address;
mod list;
mod moment;
mod number;
mod text;

use crate::json::Value;

use std::borrow::Cow;

use super::QueryError;
use super::bound::{Bound, Type};
use super::row::Look;
use super::time;
use super::value;

/// What a function makes of its arguments, which are as many as its signature says.
type Plain = fn(&[Cow<'_, Value>]) -> Value;

#[derive(Clone, Copy, Debug)]
pub(super) enum Function {
    /// Looks at nothing but its arguments.
    Plain(Plain),
    ToString,
    Concatenate,
    If,
    Case,
    Coalesce,
    Now,
    Ago,
}

/// What the compiler of expressions puts in: times are texts and numbers until they are shown.
pub(super) const TO_MOMENT: Function = Function::Plain(|of| time::to_moment(&of[0]));
pub(super) const TO_SPAN: Function = Function::Plain(to_span);
/// Of a moment.
pub(super) const MICROSECONDS: Function =
    Function::Plain(|of| time::microseconds(&value::text(&of[0])).map_or(Value::Null, Value::from));
/// The moment of them.
pub(super) const OF_MICROSECONDS: Function = Function::Plain(|of| number_then(&of[0], time::moment));
/// A span as it is shown.
pub(super) const SPAN_TEXT: Function = Function::Plain(|of| number_then(&of[0], |span| time::span_text(span).into()));

/// Names, the function, the least and the largest number of arguments, and the type.
type Signature = (&'static [&'static str], Function, usize, usize, Given);

/// The type of what a function gives.
#[derive(Clone, Copy, Debug)]
enum Given {
    This(Type),
    /// That of its first argument.
    First,
    /// That of its second argument.
    Second,
}

const TEXT: Given = Given::This(Type::Text);
const WHOLE: Given = Given::This(Type::Integer);
const REAL: Given = Given::This(Type::Real);
const TRUTH: Given = Given::This(Type::Bool);
const DYNAMIC: Given = Given::This(Type::Dynamic);
const MOMENT: Given = Given::This(Type::Moment);
const SPAN: Given = Given::This(Type::Span);

#[rustfmt::skip]
const FUNCTIONS: &[Signature] = &[
    (&["tostring", "toguid"], Function::ToString, 1, 1, TEXT),
    (&["strcat"], Function::Concatenate, 1, 64, TEXT),
    (&["iff", "iif"], Function::If, 3, 3, Given::Second),
    (&["case"], Function::Case, 3, 65, Given::Second),
    (&["coalesce"], Function::Coalesce, 2, 64, Given::First),
    (&["now"], Function::Now, 0, 1, MOMENT),
    (&["ago"], Function::Ago, 1, 1, MOMENT),

    (&["toint", "tolong"], Function::Plain(number::whole), 1, 1, WHOLE),
    (&["todouble", "toreal", "todecimal"], Function::Plain(number::real), 1, 1, REAL),
    (&["tobool", "toboolean"], Function::Plain(number::truth), 1, 1, TRUTH),
    (&["todynamic", "parse_json", "parsejson"], Function::Plain(|of| to_dynamic(of[0].clone().into_owned())), 1, 1, DYNAMIC),
    (&["isempty"], Function::Plain(|of| value::is_empty(&of[0]).into()), 1, 1, TRUTH),
    (&["isnotempty", "notempty"], Function::Plain(|of| (!value::is_empty(&of[0])).into()), 1, 1, TRUTH),
    (&["isnull"], Function::Plain(|of| of[0].is_null().into()), 1, 1, TRUTH),
    (&["isnotnull", "notnull"], Function::Plain(|of| (!of[0].is_null()).into()), 1, 1, TRUTH),
    (&["gettype"], Function::Plain(list::kind), 1, 1, TEXT),

    (&["tolower"], Function::Plain(text::lower), 1, 1, TEXT),
    (&["toupper"], Function::Plain(text::upper), 1, 1, TEXT),
    (&["strlen"], Function::Plain(text::length), 1, 1, WHOLE),
    (&["split"], Function::Plain(text::split), 2, 3, DYNAMIC),
    (&["substring"], Function::Plain(text::substring), 2, 3, TEXT),
    (&["indexof"], Function::Plain(text::index_of), 2, 2, WHOLE),
    (&["replace_string"], Function::Plain(text::replace), 3, 3, TEXT),
    (&["replace_regex"], Function::Plain(text::replace_regex), 3, 3, TEXT),
    (&["replace"], Function::Plain(text::replace_old), 3, 3, TEXT),
    (&["extract"], Function::Plain(text::extract), 3, 3, TEXT),
    (&["trim"], Function::Plain(text::trim), 2, 2, TEXT),
    (&["trim_start"], Function::Plain(text::trim_start), 2, 2, TEXT),
    (&["trim_end"], Function::Plain(text::trim_end), 2, 2, TEXT),
    (&["strcat_delim"], Function::Plain(text::joined), 3, 64, TEXT),
    (&["strcat_array"], Function::Plain(list::joined), 2, 2, TEXT),

    (&["array_length"], Function::Plain(list::length), 1, 1, WHOLE),
    (&["array_concat"], Function::Plain(list::concatenated), 1, 64, DYNAMIC),
    (&["array_index_of"], Function::Plain(list::index_of), 2, 2, WHOLE),
    (&["set_has_element"], Function::Plain(list::has), 2, 2, TRUTH),
    (&["pack_array"], Function::Plain(list::packed), 1, 64, DYNAMIC),
    (&["bag_keys"], Function::Plain(list::keys), 1, 1, DYNAMIC),
    (&["bag_has_key"], Function::Plain(list::has_key), 2, 2, TRUTH),
    (&["bag_merge"], Function::Plain(list::merged), 2, 64, DYNAMIC),
    (&["bag_pack", "pack", "pack_dictionary"], Function::Plain(list::bag), 2, 64, DYNAMIC),

    (&["abs"], Function::Plain(number::absolute), 1, 1, Given::First),
    (&["bin", "floor"], Function::Plain(number::bin), 2, 2, Given::First),
    (&["round"], Function::Plain(number::round), 1, 2, REAL),
    (&["min_of"], Function::Plain(number::least), 2, 64, Given::First),
    (&["max_of"], Function::Plain(number::largest), 2, 64, Given::First),

    (&["todatetime"], TO_MOMENT, 1, 1, MOMENT),
    (&["totimespan"], TO_SPAN, 1, 1, SPAN),
    (&["datetime_diff"], Function::Plain(moment::difference), 3, 3, WHOLE),
    (&["datetime_add"], Function::Plain(moment::added), 3, 3, MOMENT),
    (&["format_datetime"], Function::Plain(moment::formatted), 2, 2, TEXT),
    (&["startofday"], Function::Plain(moment::start_of_day), 1, 1, MOMENT),
    (&["startofmonth"], Function::Plain(moment::start_of_month), 1, 1, MOMENT),

    (&["ipv4_is_private"], Function::Plain(address::is_private), 1, 1, TRUTH),
    (&["ipv4_is_in_range"], Function::Plain(address::is_in_range), 2, 2, TRUTH),
    (&["ipv4_is_match"], Function::Plain(address::is_match), 2, 2, TRUTH),
];

/// Whose columns keep the argument's name.
const CONVERSIONS: [&str; 9] =
    ["tostring", "toint", "tolong", "todouble", "toreal", "tobool", "todynamic", "todatetime", "totimespan"];

impl Function {
    /// The function with this name for arguments of these types, and the type of what it gives.
    pub(super) fn find(name: &str, arguments: &[Type]) -> Result<(Self, Type), QueryError> {
        let found = FUNCTIONS.iter().find(|(names, ..)| names.contains(&name));
        let (_, function, least, most, given) = found.ok_or_else(|| QueryError::unknown_function(name))?;
        if !(*least..=*most).contains(&arguments.len())
            || (matches!(function, Self::Case) && arguments.len().is_multiple_of(2))
        {
            let problem = format!("{name}(): {} arguments were given, which is not how many it takes", arguments.len());
            return Err(QueryError::semantic(problem));
        }
        let kind = match given {
            Given::This(kind) => *kind,
            Given::First => arguments[0],
            Given::Second => arguments[1],
        };
        Ok((*function, kind))
    }

    /// Whether a column that is converted so keeps its name.
    pub(super) fn converts(name: &str) -> bool {
        CONVERSIONS.contains(&name)
    }

    /// Whether it makes a text of whatever it is given.
    pub(super) fn tells(self) -> bool {
        matches!(self, Self::ToString | Self::Concatenate)
    }

    pub(super) fn call<'r>(self, arguments: &'r [Bound], row: Look<'r>) -> Cow<'r, Value> {
        let argument = |index: usize| arguments[index].evaluate(row);
        let made: Value = match self {
            Self::Plain(function) => {
                // Of few arguments no list is made: this is where queries spend their time.
                match arguments {
                    [one] => function(&[one.evaluate(row)]),
                    [one, other] => function(&[one.evaluate(row), other.evaluate(row)]),
                    all => function(&all.iter().map(|bound| bound.evaluate(row)).collect::<Vec<_>>()),
                }
            }
            Self::ToString => match argument(0) {
                string if string.as_str().is_some() => return string,
                other => value::text(&other).into_owned().into(),
            },
            Self::Concatenate => {
                arguments.iter().map(|bound| value::text(&bound.evaluate(row)).into_owned()).collect::<String>().into()
            }
            Self::If => return argument(if *argument(0) == Value::Bool(true) { 1 } else { 2 }),
            Self::Case => {
                let holds = |index: &usize| *argument(*index) == Value::Bool(true);
                let found = (0..arguments.len() - 1).step_by(2).find(holds);
                return argument(found.map_or(arguments.len() - 1, |index| index + 1));
            }
            Self::Coalesce => {
                let mut values = arguments.iter().map(|bound| bound.evaluate(row));
                return values.find(|value| !value::is_empty(value)).unwrap_or(Cow::Owned(Value::Null));
            }
            Self::Now | Self::Ago => {
                let span = arguments.first().map_or(Some(0.0), |_| time::to_span(&argument(0)));
                let sign = if matches!(self, Self::Ago) { -1.0 } else { 1.0 };
                #[expect(clippy::cast_precision_loss, reason = "microseconds of today are exact")]
                let now = row.view.now.timestamp_micros() as f64;
                span.map_or(Value::Null, |span| time::moment(now + sign * span))
            }
        };
        Cow::Owned(made)
    }
}

/// `parse_json()`: a text that is no JSON stays a text.
pub(super) fn to_dynamic(value: Value) -> Value {
    match value {
        Value::String(text) => {
            serde_json::from_str::<serde_json::Value>(&text).map_or(Value::String(text), Value::from)
        }
        other => other,
    }
}

fn to_span(of: &[Cow<'_, Value>]) -> Value {
    time::to_span(&of[0]).map_or(Value::Null, Value::from)
}

fn number_then(of: &Value, make: impl FnOnce(f64) -> Value) -> Value {
    value::number(of).map_or(Value::Null, make)
}
