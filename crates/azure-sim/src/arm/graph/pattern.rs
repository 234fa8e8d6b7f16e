//! `parse`: columns out of a text, by what stands between them.

use std::sync::Arc;

use regex::{Captures, Regex, RegexBuilder};

use crate::json::Value;

use super::QueryError;
use super::bound::{Bound, Column, Type};
use super::function;
use super::lexer::Token;
use super::parser::Parser;
use super::syntax::{Expr, Step};
use super::time;
use super::value;

/// What `parse` says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parse {
    pub(super) of: Expr,
    kind: Kind,
    /// Of the regular expression, such as `i`.
    flags: String,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A column that is not of its type makes nothing of all.
    Simple,
    /// Of that column alone.
    Relaxed,
    /// As simple; the texts between are regular expressions, and the first may be found anywhere.
    Regex,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    /// `*`
    Anything,
    Text(String),
    Column(Column),
}

impl Parser<'_> {
    /// `parse kind=regex flags=i of with * 'text' name:long`, past the first word.
    pub(super) fn parse(&mut self) -> Result<Step, QueryError> {
        let (mut kind, mut flags) = (Kind::Simple, String::new());
        while let Some(parameter) = self.name_before_equals() {
            let value = self.word()?;
            match (parameter.as_str(), value.as_str()) {
                ("kind", "simple") => kind = Kind::Simple,
                ("kind", "relaxed") => kind = Kind::Relaxed,
                ("kind", "regex") => kind = Kind::Regex,
                ("flags", _) if value.chars().all(|flag| "imsU".contains(flag)) => flags = value,
                _ => return Err(QueryError::semantic(format!("parse: '{parameter}={value}' is not known"))),
            }
        }
        let of = self.expr()?;
        self.expect_word("with")?;
        let mut parts = Vec::new();
        while let Some(part) = self.part()? {
            parts.push(part);
        }
        if !parts.iter().any(|part| matches!(part, Part::Column(_))) {
            return Err(self.unexpected());
        }
        Ok(Step::Parse(Parse { of, kind, flags, parts }))
    }

    fn part(&mut self) -> Result<Option<Part>, QueryError> {
        if self.sign("*") {
            return Ok(Some(Part::Anything));
        }
        match self.peek() {
            Some(Token::Text(_)) => {
                let Some(Expr::Text(text)) = self.literal() else { return Err(self.unexpected()) };
                Ok(Some(Part::Text(text)))
            }
            Some(Token::Word(_)) => {
                let name = self.word()?;
                let kind = if self.sign(":") { self.type_name()? } else { Type::Text };
                Ok(Some(Part::Column(Column { name, kind })))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn type_name(&mut self) -> Result<Type, QueryError> {
        self.take_word(Type::named).ok_or_else(|| self.unexpected())
    }
}

/// A pattern that texts can be held against.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    columns: Vec<Column>,
    relaxed: bool,
}

impl Parse {
    pub(super) fn pattern(&self) -> Result<Pattern, QueryError> {
        let mut columns: Vec<Column> = Vec::new();
        let mut text = vec![if self.kind == Kind::Regex { "" } else { "^" }.to_owned()];
        for (at, part) in self.parts.iter().enumerate() {
            text.push(match part {
                Part::Anything if matches!(self.previous(at), Some(Type::Text)) => {
                    return Err(QueryError::semantic("parse: '*' can't follow a column of type string"));
                }
                Part::Anything => ".*?".to_owned(),
                Part::Text(between) if self.kind == Kind::Regex => format!("(?:{between})"),
                Part::Text(between) => regex::escape(between),
                Part::Column(Column { name, .. }) if columns.iter().any(|known| known.name == *name) => {
                    return Err(QueryError::semantic(format!("parse: there would be two columns named '{name}'")));
                }
                Part::Column(column) => {
                    columns.push(column.clone());
                    format!("(?P<{}>{})", group(columns.len() - 1), self.form(column.kind))
                }
            });
        }
        text.push("$".to_owned());
        Ok(Pattern { regex: self.regex(&text.concat())?, columns, relaxed: self.kind == Kind::Relaxed })
    }

    fn regex(&self, text: &str) -> Result<Regex, QueryError> {
        let has = |flag| self.flags.contains(flag);
        let mut regex = RegexBuilder::new(text);
        regex.case_insensitive(has('i')).multi_line(has('m')).swap_greed(has('U'));
        // What a column takes in may be of several lines, whatever is in between.
        regex.dot_matches_new_line(self.kind != Kind::Regex || has('s'));
        let unfit = |_| QueryError::semantic("parse: the pattern is no regular expression that can be used");
        regex.build().map_err(unfit)
    }

    fn previous(&self, at: usize) -> Option<Type> {
        match self.parts.get(at.checked_sub(1)?)? {
            Part::Column(column) => Some(column.kind),
            Part::Anything | Part::Text(_) => None,
        }
    }

    /// What a column of this type looks like. Of those that are relaxed, everything may be one.
    fn form(&self, kind: Type) -> &'static str {
        match kind {
            Type::Integer if self.kind != Kind::Relaxed => r"-?\d+",
            Type::Real if self.kind != Kind::Relaxed => r"-?\d+(?:\.\d+)?",
            _ => ".*?",
        }
    }
}

/// The name of the n-th column's group: texts may have groups of their own.
fn group(number: usize) -> String {
    format!("column_{number}_")
}

impl Pattern {
    /// The columns, each with what it finds in the text.
    pub(super) fn columns(self, of: &Bound) -> Vec<(Column, Bound)> {
        let (columns, pattern) = (self.columns.clone(), Arc::new(self));
        let bound = |at| Bound::Part(Box::new(of.clone()), Arc::clone(&pattern), at);
        columns.into_iter().enumerate().map(|(at, column)| (column, bound(at))).collect()
    }

    /// What the n-th column is in this text; nothing where the text is not of this pattern.
    pub(super) fn part(&self, text: &str, at: usize) -> Value {
        let kind = self.columns[at].kind;
        let found = self.regex.captures(text).filter(|found| self.relaxed || self.fits(found));
        found.map_or_else(|| kind.nothing(), |found| convert(capture(&found, at), kind))
    }

    fn fits(&self, found: &Captures<'_>) -> bool {
        let mut all = self.columns.iter().enumerate();
        all.all(|(at, column)| column.kind == Type::Text || !convert(capture(found, at), column.kind).is_null())
    }
}

fn capture<'t>(found: &Captures<'t>, at: usize) -> &'t str {
    found.name(&group(at)).map_or("", |part| part.as_str())
}

/// The text as a value of that type.
pub(super) fn convert(text: &str, kind: Type) -> Value {
    let owned = || Value::String(text.to_owned().into());
    match kind {
        Type::Text => owned(),
        Type::Integer => value::number(&owned()).map_or(Value::Null, |number| value::from_number(number.trunc())),
        Type::Real => value::number(&owned()).map_or(Value::Null, Value::from),
        Type::Bool => value::truth(&owned()).map_or(Value::Null, Value::from),
        Type::Dynamic => function::to_dynamic(owned()),
        Type::Moment => time::to_moment(&owned()),
        Type::Span => time::to_span(&owned()).map_or(Value::Null, Value::from),
    }
}
