//! Expressions whose names are columns and whose functions are known: ready to be evaluated.

use crate::json::Value;

use std::borrow::Cow;
use std::sync::Arc;

use regex::Regex;

use super::QueryError;
use super::function::{self, Function};
use super::pattern::Pattern;
use super::row::Look;
use super::syntax::{Comparison, Expr, Named};
use super::time;
use super::value::{self, compare};

/// What a column holds. Values in `properties` are dynamic until they are converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Integer,
    Real,
    Bool,
    Dynamic,
    /// A point in time, as text.
    Moment,
    /// A span of time, in microseconds until it is shown.
    Span,
}

impl Type {
    /// Name in the `table` result format.
    pub(super) fn name(self) -> &'static str {
        match self {
            // Spans are shown as text.
            Self::Text | Self::Span => "string",
            Self::Integer => "integer",
            Self::Real => "number",
            Self::Bool => "boolean",
            Self::Dynamic => "object",
            Self::Moment => "datetime",
        }
    }

    /// As a query calls it, in `a:long` and `typeof(long)`.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" | "guid" => Self::Text,
            "long" | "int" => Self::Integer,
            "real" | "double" | "decimal" => Self::Real,
            "bool" | "boolean" => Self::Bool,
            "dynamic" => Self::Dynamic,
            "datetime" | "date" => Self::Moment,
            "timespan" | "time" => Self::Span,
            _ => return None,
        })
    }

    /// What a row without a partner has in a column of this type: texts are never null.
    pub(super) fn nothing(self) -> Value {
        if self == Self::Text { "".into() } else { Value::Null }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Type,
}

#[derive(Clone, Debug)]
pub(super) enum Bound {
    Constant(Value),
    Column(usize),
    /// Members of a column's value, outermost first.
    Path(usize, Vec<String>),
    Member(Box<Bound>, String),
    Index(Box<Bound>, Box<Bound>),
    Not(Box<Bound>),
    Negative(Box<Bound>),
    And(Box<Bound>, Box<Bound>),
    Or(Box<Bound>, Box<Bound>),
    Compare(Comparison, Box<Bound>, Box<Bound>),
    In {
        value: Box<Bound>,
        list: Vec<Bound>,
        negated: bool,
        any_case: bool,
    },
    HasTerms {
        value: Box<Bound>,
        list: Vec<Bound>,
        all: bool,
    },
    Between {
        value: Box<Bound>,
        low: Box<Bound>,
        high: Box<Bound>,
        negated: bool,
    },
    Matches(Box<Bound>, Regex),
    Arithmetic(char, Box<Bound>, Box<Bound>),
    Call(Function, Vec<Bound>),
    /// The n-th column of what is in the text.
    Part(Box<Bound>, Arc<Pattern>, usize),
}

pub(super) fn column(columns: &[Column], name: &str) -> Result<usize, QueryError> {
    let found = columns.iter().position(|column| column.name == name);
    found.ok_or_else(|| QueryError::unresolved("column or scalar expression", name))
}

/// The expression over these columns, and its type.
pub(super) fn bind(columns: &[Column], expr: &Expr) -> Result<(Bound, Type), QueryError> {
    let inner = |expr: &Expr| bind(columns, expr).map(|(bound, _)| Box::new(bound));
    let all =
        |list: &[Expr]| list.iter().map(|expr| bind(columns, expr).map(|bound| bound.0)).collect::<Result<_, _>>();
    Ok(match expr {
        Expr::Text(text) => (Bound::Constant(text.clone().into()), Type::Text),
        Expr::Number(number) => {
            let kind = if number.fract() == 0.0 { Type::Integer } else { Type::Real };
            (Bound::Constant(value::from_number(*number)), kind)
        }
        Expr::Bool(truth) => (Bound::Constant((*truth).into()), Type::Bool),
        Expr::Null => (Bound::Constant(Value::Null), Type::Dynamic),
        Expr::Column(name) => {
            let index = column(columns, name)?;
            (Bound::Column(index), columns[index].kind)
        }
        Expr::Member(of, name) => (member(bind(columns, of)?, name)?, Type::Dynamic),
        Expr::Index(of, index) => (Bound::Index(inner(of)?, inner(index)?), Type::Dynamic),
        Expr::Not(of) => (Bound::Not(inner(of)?), Type::Bool),
        Expr::Negative(of) => {
            let (bound, kind) = bind(columns, of)?;
            (Bound::Negative(Box::new(bound)), kind)
        }
        Expr::And(left, right) => (Bound::And(inner(left)?, inner(right)?), Type::Bool),
        Expr::Or(left, right) => (Bound::Or(inner(left)?, inner(right)?), Type::Bool),
        Expr::Dynamic(value) => (Bound::Constant(value.clone()), Type::Dynamic),
        Expr::Span(span) => (Bound::Constant((*span).into()), Type::Span),
        Expr::Moment(text) => (constant_moment(text)?, Type::Moment),
        Expr::Matches(of, pattern) => (matches(columns, of, pattern)?, Type::Bool),
        Expr::Compare(how, left, right) => (compared(columns, *how, left, right)?, Type::Bool),
        Expr::In { value, list, negated, any_case } => {
            let (value, list) = (inner(value)?, all(list)?);
            (Bound::In { value, list, negated: *negated, any_case: *any_case }, Type::Bool)
        }
        Expr::HasTerms { value, list, all: every } => {
            (Bound::HasTerms { value: inner(value)?, list: all(list)?, all: *every }, Type::Bool)
        }
        Expr::Between { value, low, high, negated } => {
            let [value, low, high] = between(columns, [value, low, high])?;
            (Bound::Between { value, low, high, negated: *negated }, Type::Bool)
        }
        Expr::Arithmetic(sign, left, right) => arithmetic(*sign, bind(columns, left)?, bind(columns, right)?),
        Expr::Call(name, arguments) => call(columns, name, arguments)?,
    })
}

// What only some expressions take has functions of its own, so that the depth of others costs little of the stack.

fn constant_moment(text: &str) -> Result<Bound, QueryError> {
    match time::to_moment(&text.to_owned().into()) {
        Value::Null => Err(QueryError::semantic(format!("'{text}' is no datetime"))),
        moment => Ok(Bound::Constant(moment)),
    }
}

fn matches(columns: &[Column], of: &Expr, pattern: &str) -> Result<Bound, QueryError> {
    let unfit = |_| QueryError::semantic(format!("'{pattern}' is no regular expression that can be used"));
    let (of, _) = bind(columns, of)?;
    Ok(Bound::Matches(Box::new(of), Regex::new(pattern).map_err(unfit)?))
}

fn compared(columns: &[Column], how: Comparison, left: &Expr, right: &Expr) -> Result<Bound, QueryError> {
    let [left, right] = of_one_time([bind(columns, left)?, bind(columns, right)?]);
    Ok(Bound::Compare(how, Box::new(left), Box::new(right)))
}

fn between(columns: &[Column], [value, low, high]: [&Expr; 3]) -> Result<[Box<Bound>; 3], QueryError> {
    let all = of_one_time([bind(columns, value)?, bind(columns, low)?, bind(columns, high)?]);
    Ok(all.map(Box::new))
}

fn arithmetic(sign: char, (left, one): (Bound, Type), (right, other): (Bound, Type)) -> (Bound, Type) {
    let Some(kind) = kind_of_times(sign, one, other) else {
        let kind = if [one, other].contains(&Type::Real) { Type::Real } else { Type::Integer };
        return (Bound::Arithmetic(sign, Box::new(left), Box::new(right)), kind);
    };
    let [left, right] = [(left, one), (right, other)].map(|(bound, kind)| match kind {
        Type::Moment => Box::new(Bound::Call(function::MICROSECONDS, vec![bound])),
        _ => Box::new(bound),
    });
    let made = Bound::Arithmetic(if sign == '/' { ':' } else { sign }, left, right);
    let is_moment = kind == Type::Moment;
    (if is_moment { Bound::Call(function::OF_MICROSECONDS, vec![made]) } else { made }, kind)
}

fn call(columns: &[Column], name: &str, arguments: &[Expr]) -> Result<(Bound, Type), QueryError> {
    let bound: Vec<_> = arguments.iter().map(|expr| bind(columns, expr)).collect::<Result<_, _>>()?;
    let (arguments, kinds): (Vec<_>, Vec<_>) = bound.into_iter().unzip();
    let (function, kind) = Function::find(name, &kinds)?;
    let shown = arguments.into_iter().zip(kinds).map(|(bound, kind)| match kind {
        Type::Span if function.tells() => Bound::Call(function::SPAN_TEXT, vec![bound]),
        _ => bound,
    });
    Ok((Bound::Call(function, shown.collect()), kind))
}

/// What is compared with a moment or a span becomes one.
fn of_one_time<const N: usize>(all: [(Bound, Type); N]) -> [Bound; N] {
    let is = |wanted| all.iter().any(|(_, kind)| *kind == wanted);
    let function = match (is(Type::Moment), is(Type::Span)) {
        (true, false) => Some((function::TO_MOMENT, Type::Moment)),
        (false, true) => Some((function::TO_SPAN, Type::Span)),
        _ => None,
    };
    all.map(|(bound, kind)| match function {
        Some((function, wanted)) if kind != wanted => Bound::Call(function, vec![bound]),
        _ => bound,
    })
}

/// What the sum, difference, product or quotient of these is, when time is in it.
fn kind_of_times(sign: char, one: Type, other: Type) -> Option<Type> {
    let is_number = |kind| matches!(kind, Type::Integer | Type::Real | Type::Dynamic);
    Some(match (sign, one, other) {
        ('+' | '-', Type::Moment, Type::Span) | ('+', Type::Span, Type::Moment) => Type::Moment,
        ('-', Type::Moment, Type::Moment) | ('+' | '-', Type::Span, Type::Span) => Type::Span,
        ('*' | '/', Type::Span, number) | ('*', number, Type::Span) if is_number(number) => Type::Span,
        ('/', Type::Span, Type::Span) => Type::Real,
        _ => return None,
    })
}

fn member((of, kind): (Bound, Type), name: &str) -> Result<Bound, QueryError> {
    if kind != Type::Dynamic {
        return Err(QueryError::semantic(format!("'{name}' can't be a member of a value of type {}", kind.name())));
    }
    Ok(match of {
        Bound::Column(column) => Bound::Path(column, vec![name.to_owned()]),
        Bound::Path(column, mut path) => {
            path.push(name.to_owned());
            Bound::Path(column, path)
        }
        of => Bound::Member(Box::new(of), name.to_owned()),
    })
}

/// A condition; anything but a yes-or-no is a mistake.
pub(super) fn condition(columns: &[Column], expr: &Expr) -> Result<Bound, QueryError> {
    match bind(columns, expr)? {
        (bound, Type::Bool | Type::Dynamic) => Ok(bound),
        (_, kind) => Err(QueryError::semantic(format!("a condition must be of type boolean, not {}", kind.name()))),
    }
}

/// The name that Kusto gives to a column: the one that is written, or what the expression suggests.
pub(super) fn name_of(named: &Named, unnamed: &mut usize) -> String {
    named.name.clone().or_else(|| suggested(&named.expr)).unwrap_or_else(|| {
        *unnamed += 1;
        format!("Column{unnamed}")
    })
}

/// `properties.a.b` and `tostring(properties.a.b)` are `properties_a_b`.
pub(super) fn suggested(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Column(name) => Some(name.clone()),
        Expr::Member(of, name) => Some(format!("{}_{name}", suggested(of)?)),
        Expr::Call(function, arguments) if Function::converts(function) => suggested(arguments.first()?),
        _ => None,
    }
}

impl Bound {
    pub(super) fn holds(&self, row: Look<'_>) -> bool {
        *self.evaluate(row) == Value::Bool(true)
    }

    pub(super) fn evaluate<'r>(&'r self, row: Look<'r>) -> Cow<'r, Value> {
        let Some(_level) = row.view.spent.level() else { return Cow::Owned(Value::Null) };
        let made: Value = match self {
            Self::Constant(value) => return Cow::Borrowed(value),
            Self::Column(column) => return row.get(*column),
            Self::Path(column, path) => return row.path(*column, path),
            Self::Member(of, name) => of.evaluate(row).into_owned().get_mut(name).map(Value::take).unwrap_or_default(),
            Self::Index(of, index) => element(of.evaluate(row).into_owned(), &index.evaluate(row)),
            Self::Not(of) => value::truth(&of.evaluate(row)).map_or(Value::Null, |truth| (!truth).into()),
            Self::Negative(of) => number_or_null(value::number(&of.evaluate(row)).map(|number| -number)),
            Self::And(left, right) => (left.holds(row) && right.holds(row)).into(),
            Self::Or(left, right) => (left.holds(row) || right.holds(row)).into(),
            Self::Compare(how, left, right) => compare(*how, &left.evaluate(row), &right.evaluate(row)).into(),
            Self::In { value, list, negated, any_case } => {
                let value = value.evaluate(row);
                let same = if *any_case { value::equal_any_case } else { value::equal };
                let is_in = list.iter().any(|member| match &*member.evaluate(row) {
                    Value::Array(members) => members.iter().any(|member| same(&value, member)),
                    member => same(&value, member),
                });
                (is_in != *negated).into()
            }
            Self::HasTerms { value, list, all } => {
                let value = value.evaluate(row);
                let terms: Vec<_> = list.iter().map(|term| term.evaluate(row)).collect();
                let terms = terms.iter().flat_map(|term| match &**term {
                    Value::Array(terms) => terms.as_slice(),
                    term => std::slice::from_ref(term),
                });
                value::has_terms(&value, terms, *all).into()
            }
            Self::Between { value, low, high, negated } => {
                let value = value.evaluate(row);
                let above = value::ordered(&low.evaluate(row), &value).is_some_and(std::cmp::Ordering::is_le);
                let below = value::ordered(&value, &high.evaluate(row)).is_some_and(std::cmp::Ordering::is_le);
                ((above && below) != *negated).into()
            }
            Self::Matches(of, pattern) => pattern.is_match(&value::text(&of.evaluate(row))).into(),
            Self::Arithmetic(sign, left, right) => {
                let numbers = value::number(&left.evaluate(row)).zip(value::number(&right.evaluate(row)));
                number_or_null(numbers.and_then(|(left, right)| calculate(*sign, left, right)))
            }
            Self::Part(of, pattern, at) => pattern.part(&value::text(&of.evaluate(row)), *at),
            Self::Call(function, arguments) => return function.call(arguments, row),
        };
        Cow::Owned(made)
    }
}

fn number_or_null(number: Option<f64>) -> Value {
    number.map_or(Value::Null, value::from_number)
}

fn calculate(sign: char, left: f64, right: f64) -> Option<f64> {
    match sign {
        '+' => Some(left + right),
        '-' => Some(left - right),
        '*' => Some(left * right),
        _ if right == 0.0 => None,
        // Whole numbers divide to whole numbers.
        '/' if left.fract() == 0.0 && right.fract() == 0.0 => Some((left / right).trunc()),
        ':' | '/' => Some(left / right),
        _ => Some(left % right),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "an index that does not fit finds nothing")]
fn element(of: Value, index: &Value) -> Value {
    match (of, index) {
        (Value::Array(mut items), index) => {
            let Some(index) = value::number(index).map(|index| index as i64) else { return Value::Null };
            let length = i64::try_from(items.len()).unwrap_or_default();
            let index = if index < 0 { length + index } else { index };
            usize::try_from(index).ok().and_then(|index| items.get_mut(index)).map(Value::take).unwrap_or_default()
        }
        (Value::Object(mut fields), Value::String(name)) => {
            fields.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value.take()).unwrap_or_default()
        }
        _ => Value::Null,
    }
}
