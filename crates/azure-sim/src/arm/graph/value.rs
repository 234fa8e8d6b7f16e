//! What Kusto makes of single values: as text, number or truth; equal, less, part of.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::json::Value;

use super::syntax::{Comparison, TextTest};

/// `tostring()`
pub(super) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Cow::Owned(value.to_string()),
    }
}

/// `todouble()`; `None` when it is no number.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number as JSON: whole ones without a fraction.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
pub(super) fn from_number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 { (number as i64).into() } else { number.into() }
}

/// `tobool()`
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        Value::String(text) if text.eq_ignore_ascii_case("true") || text == "1" => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") || text == "0" => Some(false),
        Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `isempty()`
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// For sorting: nothing first, then numbers, then texts, then all else.
pub(super) fn order(one: &Value, other: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) | Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Array(_) | Value::Object(_) => 3,
    };
    // By kind first: a text that says a number has a place among texts and another among numbers.
    rank(one).cmp(&rank(other)).then_with(|| loose_order(one, other))
}

/// A text that says a number is one beside a number.
fn loose_order(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.cmp(other),
        _ => match (number(one), number(other)) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => text(one).cmp(&text(other)),
        },
    }
}

pub(super) fn compare(comparison: Comparison, left: &Value, right: &Value) -> bool {
    match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => !equal(left, right),
        Comparison::EqualAnyCase => equal_any_case(left, right),
        Comparison::NotEqualAnyCase => !equal_any_case(left, right),
        Comparison::Less => ordered(left, right) == Some(Ordering::Less),
        Comparison::LessOrEqual => ordered(left, right).is_some_and(Ordering::is_le),
        Comparison::Greater => ordered(left, right) == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => ordered(left, right).is_some_and(Ordering::is_ge),
        Comparison::Text(test) => passes(test, left, right),
        Comparison::NotText(test) => !passes(test, left, right),
    }
}

pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left == right,
        (Value::Number(_), _) | (_, Value::Number(_)) => number(left).is_some() && number(left) == number(right),
        (Value::Bool(left), other) | (other, Value::Bool(left)) => truth(other) == Some(*left),
        _ => text(left) == text(right),
    }
}

pub(super) fn equal_any_case(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => same_any_case(left, right),
        _ => same_any_case(&text(left), &text(right)),
    }
}

fn same_any_case(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right) || (!left.is_ascii() && left.to_lowercase() == right.to_lowercase())
}

/// `None` when one of them is nothing: no comparison with it holds.
pub(super) fn ordered(left: &Value, right: &Value) -> Option<Ordering> {
    (!left.is_null() && !right.is_null()).then(|| loose_order(left, right))
}

fn passes(test: TextTest, left: &Value, right: &Value) -> bool {
    let (left, right) = (text(left), text(right));
    let (lower_left, lower_right) = (left.to_lowercase(), right.to_lowercase());
    match test {
        TextTest::Contains => lower_left.contains(&lower_right),
        TextTest::ContainsCase => left.contains(&*right),
        TextTest::StartsWith => lower_left.starts_with(&lower_right),
        TextTest::StartsWithCase => left.starts_with(&*right),
        TextTest::EndsWith => lower_left.ends_with(&lower_right),
        TextTest::EndsWithCase => left.ends_with(&*right),
        TextTest::Has => has(&lower_left, &lower_right),
        TextTest::HasCase => has(&left, &right),
    }
}

/// `has_any` and `has_all`, whatever the case.
pub(super) fn has_terms<'v>(value: &Value, mut terms: impl Iterator<Item = &'v Value>, all: bool) -> bool {
    let lower = text(value).to_lowercase();
    let mut has = |term: &Value| has(&lower, &text(term).to_lowercase());
    if all { terms.all(&mut has) } else { terms.any(&mut has) }
}

/// Whether `term` is in `text` with nothing alphanumeric beside it.
fn has(text: &str, term: &str) -> bool {
    let beside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(term)
        .any(|(at, found)| !beside(text[..at].chars().next_back()) && !beside(text[at + found.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::json;

    #[test]
    fn a_term_is_whole_and_a_part_is_not() {
        let has = |text: &'static str, term: &'static str| {
            compare(Comparison::Text(TextTest::Has), &json!(text), &json!(term))
        };
        assert!(has("vm-web-01", "Web"));
        assert!(!has("website", "web"));
        assert!(compare(Comparison::Text(TextTest::Contains), &json!("website"), &json!("WEB")));
    }

    #[test]
    fn nothing_equals_the_empty_text_and_is_neither_more_nor_less() {
        assert!(compare(Comparison::Equal, &Value::Null, &json!("")));
        assert!(compare(Comparison::NotEqual, &Value::Null, &json!("a")));
        assert!(!compare(Comparison::Less, &Value::Null, &json!(1)));
        assert!(!compare(Comparison::GreaterOrEqual, &Value::Null, &json!(1)));
    }

    #[test]
    fn of_any_three_values_the_order_is_one_and_the_same() {
        let all = [
            Value::Null,
            json!(true),
            json!(-1),
            json!(9.5),
            json!(10),
            json!("10"),
            json!("9"),
            json!("web"),
            json!([9]),
            json!({ "a": 1 }),
        ];
        for one in &all {
            for other in &all {
                assert_eq!(order(one, other), order(other, one).reverse(), "{one} {other}");
                for third in &all {
                    let follows = order(one, other).is_le() && order(other, third).is_le();
                    assert!(!follows || order(one, third).is_le(), "{one} {other} {third}");
                }
            }
        }
        assert!(compare(Comparison::Less, &json!("9"), &json!(9.5)), "what is compared is converted all the same");
    }

    #[test]
    fn numbers_and_truths_in_texts_are_what_they_say() {
        assert!(compare(Comparison::Equal, &json!("64"), &json!(64)));
        assert!(compare(Comparison::Equal, &json!(true), &json!("True")));
        assert!(!compare(Comparison::Equal, &json!("web"), &json!(0)));
    }
}
