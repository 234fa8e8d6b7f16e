//! Texts.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::VecDeque;

use regex::Regex;

use super::super::value::text;
use super::list::index;
use crate::json::Value;

type Arguments<'a> = &'a [Cow<'a, Value>];

thread_local! {
    /// The latest patterns: each row of a query has the same ones, and making them takes longest.
    static KNOWN: RefCell<VecDeque<(String, Option<Regex>)>> = const { RefCell::new(VecDeque::new()) };
}

/// The pattern that a text is; none where it is no regular expression.
fn pattern(text: &str) -> Option<Regex> {
    const MOST: usize = 8;
    KNOWN.with_borrow_mut(|known| {
        if let Some((_, found)) = known.iter().find(|(known, _)| known == text) {
            return found.clone();
        }
        let made = Regex::new(text).ok();
        known.truncate(MOST - 1);
        known.push_front((text.to_owned(), made.clone()));
        made
    })
}

pub(super) fn lower(of: Arguments<'_>) -> Value {
    text(&of[0]).to_lowercase().into()
}

pub(super) fn upper(of: Arguments<'_>) -> Value {
    text(&of[0]).to_uppercase().into()
}

pub(super) fn length(of: Arguments<'_>) -> Value {
    text(&of[0]).chars().count().into()
}

/// An array also when one part is asked for.
pub(super) fn split(of: Arguments<'_>) -> Value {
    let (whole, separator) = (text(&of[0]), text(&of[1]));
    let parts: Vec<&str> = if separator.is_empty() { vec![&*whole] } else { whole.split(&*separator).collect() };
    match of.get(2).map(|wanted| index(wanted)) {
        None => parts.into_iter().map(str::to_owned).collect(),
        Some(wanted) => {
            wanted.and_then(|wanted| parts.get(wanted)).map(|part| (*part).to_owned()).into_iter().collect()
        }
    }
}

pub(super) fn substring(of: Arguments<'_>) -> Value {
    let whole = text(&of[0]);
    let rest = whole.chars().skip(index(&of[1]).unwrap_or_default());
    match of.get(2).and_then(|length| index(length)) {
        Some(length) => rest.take(length).collect::<String>().into(),
        None => rest.collect::<String>().into(),
    }
}

/// In characters; -1 where it is not.
pub(super) fn index_of(of: Arguments<'_>) -> Value {
    let (whole, part) = (text(&of[0]), text(&of[1]));
    let found = whole.find(&*part).map(|at| whole[..at].chars().count());
    found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1).into()
}

pub(super) fn replace(of: Arguments<'_>) -> Value {
    text(&of[0]).replace(&*text(&of[1]), &text(&of[2])).into()
}

/// `replace_regex(source, pattern, with)`
pub(super) fn replace_regex(of: Arguments<'_>) -> Value {
    rewritten(&of[1], &of[2], &of[0])
}

/// `replace(pattern, with, source)`, as it was called before.
pub(super) fn replace_old(of: Arguments<'_>) -> Value {
    rewritten(&of[0], &of[1], &of[2])
}

/// Kusto refers to groups as `\1`.
fn rewritten(pattern: &Value, with: &Value, source: &Value) -> Value {
    let Some(pattern) = self::pattern(&text(pattern)) else { return Value::Null };
    let mut parts = String::new();
    let with = text(with);
    let mut characters = with.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, characters.peek()) {
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                parts.extend(["${", digit.encode_utf8(&mut [0; 4]), "}"]);
                characters.next();
            }
            ('$', _) => parts.push_str("$$"),
            (c, _) => parts.push(c),
        }
    }
    pattern.replace_all(&text(source), parts).into_owned().into()
}

/// `extract(pattern, group, source)`
pub(super) fn extract(of: Arguments<'_>) -> Value {
    let group = index(&of[1]).unwrap_or_default();
    let found = pattern(&text(&of[0]))
        .and_then(|pattern| Some(pattern.captures(&text(&of[2]))?.get(group)?.as_str().to_owned()));
    found.unwrap_or_default().into()
}

pub(super) fn trim(of: Arguments<'_>) -> Value {
    trimmed(of, true, true)
}

pub(super) fn trim_start(of: Arguments<'_>) -> Value {
    trimmed(of, true, false)
}

pub(super) fn trim_end(of: Arguments<'_>) -> Value {
    trimmed(of, false, true)
}

/// Without what the pattern finds at the start, the end, or both.
fn trimmed(of: Arguments<'_>, start: bool, end: bool) -> Value {
    let (cut, mut rest) = (text(&of[0]), text(&of[1]).into_owned());
    for place in [start.then(|| format!("^(?:{cut})")), end.then(|| format!("(?:{cut})$"))].into_iter().flatten() {
        let Some(pattern) = pattern(&place) else { return Value::Null };
        rest = pattern.replace(&rest, "").into_owned();
    }
    rest.into()
}

/// `strcat_delim(between, one, other, …)`
pub(super) fn joined(of: Arguments<'_>) -> Value {
    let texts: Vec<_> = of[1..].iter().map(|value| text(value)).collect();
    texts.join(&*text(&of[0])).into()
}
