//! `$filter` of lists: comparisons and functions, joined by `and` and `or`.

use crate::arm::error::ArmError;
use crate::arm::{Call, not_simulated};

/// How deep parentheses may be nested.
const DEEPEST: usize = 32;

/// What is asked of each member of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// All of these hold; none at all is no condition.
    All(Vec<Self>),
    /// One of these holds, at least.
    Any(Vec<Self>),
    One(Clause),
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clause {
    /// In lower case; with its quotes, where it is written in quotes.
    pub(super) property: String,
    pub(super) test: Test,
    pub(super) value: String,
}

/// How a property is held against a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// `property eq 'value'`
    Equal,
    /// `property ne 'value'`
    NotEqual,
    /// `substringof('value', property)`
    Contains,
    /// `startswith(property, 'value')`
    StartsWith,
}

/// What a list makes of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Served,
    /// Azure has it, or may have it.
    NotSimulated,
    /// Azure has no such property.
    Unknown,
}

/// Why a filter is not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is no filter.
    Malformed,
    /// It may be one of Azure's; this is what is not served of it.
    NotSimulated(String),
}

impl Filter {
    /// That of a call; each list has a `judge` of its own for what may stand in it.
    pub(super) fn of(call: &Call<'_>, judge: fn(&Clause) -> Verdict) -> Result<Self, ArmError> {
        let text = call.query("$filter").unwrap_or_default();
        Self::parse(text, judge).map_err(|refused| match refused {
            Refused::Malformed => ArmError::invalid_query("$filter", text),
            Refused::NotSimulated(what) => not_simulated::answer(&format!("{what} in $filter of this list")),
        })
    }

    /// An empty text is a filter that everything passes.
    pub(super) fn parse(text: &str, judge: fn(&Clause) -> Verdict) -> Result<Self, Refused> {
        let tokens = tokens(text).ok_or(Refused::Malformed)?;
        if tokens.is_empty() {
            return Ok(Self::All(Vec::new()));
        }
        let mut parser = Parser { rest: tokens.into_iter().peekable(), judge, not_simulated: None };
        let filter = parser.any(0)?;
        if parser.rest.next().is_some() {
            return Err(Refused::Malformed);
        }
        // Only now: a text that is no filter is refused as such, whatever else stands in it.
        parser.not_simulated.map_or(Ok(filter), |what| Err(Refused::NotSimulated(what)))
    }

    /// Whether what `holds` tells of the single conditions makes the whole true.
    pub(super) fn admits(&self, holds: &impl Fn(&Clause) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.admits(holds)),
            Self::Any(parts) => parts.iter().any(|part| part.admits(holds)),
            Self::One(clause) => holds(clause),
        }
    }
}

impl Clause {
    /// Whether this is true of a property with this value; case does not matter.
    pub(super) fn holds_of(&self, actual: &str) -> bool {
        let (actual, wanted) = (actual.to_ascii_lowercase(), self.value.to_ascii_lowercase());
        match self.test {
            Test::Equal => actual == wanted,
            Test::NotEqual => actual != wanted,
            Test::Contains => actual.contains(&wanted),
            Test::StartsWith => actual.starts_with(&wanted),
        }
    }

    /// As [`Self::holds_of`], of a region: `West Europe` is `westeurope`.
    pub(super) fn holds_of_region(&self, actual: &str) -> bool {
        Self { value: self.value.replace(' ', ""), ..self.clone() }.holds_of(actual)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Comma,
    /// What stands between quotes; a quote in it is written twice.
    Text(String),
    Word(String),
}

/// `None` where a text has no end.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '\'' => quoted(rest)?,
            _ => {
                let ends = |one: char| one.is_whitespace() || matches!(one, '(' | ')' | ',' | '\'');
                let length = rest.find(ends).unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

/// The text that `rest` begins with, and its length with its quotes.
fn quoted(rest: &str) -> Option<(Token, usize)> {
    let mut text = String::new();
    let mut at = 1;
    loop {
        let length = rest[at..].find('\'')?;
        text.push_str(&rest[at..at + length]);
        at += length + 1;
        if !rest[at..].starts_with('\'') {
            return Some((Token::Text(text), at));
        }
        text.push('\'');
        at += 1;
    }
}

struct Parser {
    rest: std::iter::Peekable<std::vec::IntoIter<Token>>,
    judge: fn(&Clause) -> Verdict,
    /// The first that Azure may take and this does not.
    not_simulated: Option<String>,
}

impl Parser {
    fn any(&mut self, depth: usize) -> Result<Filter, Refused> {
        let mut parts = vec![self.all(depth)?];
        while self.take_word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(joined(parts, Filter::Any))
    }

    /// `and` binds tighter than `or`.
    fn all(&mut self, depth: usize) -> Result<Filter, Refused> {
        let mut parts = vec![self.one(depth)?];
        while self.take_word("and") {
            parts.push(self.one(depth)?);
        }
        Ok(joined(parts, Filter::All))
    }

    fn one(&mut self, depth: usize) -> Result<Filter, Refused> {
        if depth > DEEPEST {
            return Err(Refused::NotSimulated("so deep a nesting".to_owned()));
        }
        match self.next()? {
            Token::Open => {
                let inner = self.any(depth + 1)?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Token::Word(word) if word == "not" => {
                self.leave_out("not");
                self.one(depth + 1)
            }
            Token::Word(word) if self.rest.peek() == Some(&Token::Open) => self.function(&word),
            Token::Word(property) => self.comparison(&property),
            Token::Text(property) => self.comparison(&format!("'{property}'")),
            Token::Close | Token::Comma => Err(Refused::Malformed),
        }
    }

    fn comparison(&mut self, property: &str) -> Result<Filter, Refused> {
        let Token::Word(operator) = self.next()? else { return Err(Refused::Malformed) };
        let test = match operator.as_str() {
            "eq" => Test::Equal,
            "ne" => Test::NotEqual,
            "gt" | "ge" | "lt" | "le" => {
                self.leave_out(&operator);
                Test::Equal
            }
            _ => return Err(Refused::Malformed),
        };
        let value = self.value()?;
        self.judged(property, test, value)
    }

    fn function(&mut self, name: &str) -> Result<Filter, Refused> {
        self.expect(&Token::Open)?;
        let first = self.next()?;
        self.expect(&Token::Comma)?;
        let second = self.next()?;
        self.expect(&Token::Close)?;
        let (test, arguments) = match name {
            "substringof" => (Test::Contains, (second, first)),
            "startswith" => (Test::StartsWith, (first, second)),
            "contains" | "endswith" => {
                self.leave_out(name);
                (Test::Contains, (first, second))
            }
            _ => return Err(Refused::Malformed),
        };
        let (Token::Word(property), Token::Text(value)) = arguments else { return Err(Refused::Malformed) };
        self.judged(&property, test, Some(value))
    }

    /// The text to compare with; `None` for what is not in quotes, such as `null`, numbers and moments.
    fn value(&mut self) -> Result<Option<String>, Refused> {
        match self.next()? {
            Token::Text(text) => Ok(Some(text)),
            Token::Word(_) => {
                // `datetime'2026-11-23'`
                self.rest.next_if(|token| matches!(token, Token::Text(_)));
                Ok(None)
            }
            Token::Open | Token::Close | Token::Comma => Err(Refused::Malformed),
        }
    }

    fn judged(&mut self, property: &str, test: Test, value: Option<String>) -> Result<Filter, Refused> {
        let is_text = value.is_some();
        let clause = Clause { property: property.to_ascii_lowercase(), test, value: value.unwrap_or_default() };
        match (self.judge)(&clause) {
            Verdict::Served if is_text => {}
            Verdict::NotSimulated => self.leave_out(property),
            Verdict::Served | Verdict::Unknown => return Err(Refused::Malformed),
        }
        Ok(Filter::One(clause))
    }

    fn leave_out(&mut self, what: &str) {
        self.not_simulated.get_or_insert_with(|| what.to_owned());
    }

    fn next(&mut self) -> Result<Token, Refused> {
        self.rest.next().ok_or(Refused::Malformed)
    }

    fn expect(&mut self, token: &Token) -> Result<(), Refused> {
        self.rest.next_if_eq(token).map(drop).ok_or(Refused::Malformed)
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let is_wanted = |token: &Token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted));
        self.rest.next_if(is_wanted).is_some()
    }
}

/// One part stands for itself.
fn joined(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            parts.extend(last);
            join(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(clause: &Clause) -> Verdict {
        match clause.property.as_str() {
            "a" | "b" | "c" => Verdict::Served,
            "elsewhere" => Verdict::NotSimulated,
            _ => Verdict::Unknown,
        }
    }

    /// Of something whose `a`, `b` and `c` are these.
    fn admits(text: &str, actual: [&str; 3]) -> bool {
        let filter = Filter::parse(text, judge).unwrap_or_else(|refused| panic!("{text}: {refused:?}"));
        let of = |clause: &Clause| match clause.property.as_str() {
            "a" => actual[0],
            "b" => actual[1],
            _ => actual[2],
        };
        filter.admits(&|clause| clause.holds_of(of(clause)))
    }

    #[test]
    fn and_binds_tighter_than_or_and_parentheses_tighter_than_both() {
        let loose = "a eq '1' or b eq '1' and c eq '1'";
        let grouped = "(a eq '1' or b eq '1') and (c eq '1')";
        assert!(admits(loose, ["1", "0", "0"]) && !admits(grouped, ["1", "0", "0"]));
        assert!(admits(loose, ["0", "1", "1"]) && admits(grouped, ["0", "1", "1"]));
        assert!(!admits(loose, ["0", "1", "0"]) && !admits(grouped, ["0", "0", "1"]));
        assert!(admits("a eq '1' AND b eq '1' Or c eq '1'", ["0", "0", "1"]));
    }

    #[test]
    fn what_stands_in_quotes_is_never_a_part_of_the_filter() {
        assert!(admits("a eq 'x or y and (z)'", ["x or y and (z)", "", ""]));
        assert!(admits("a eq 'it''s' and b eq ''", ["it's", "", ""]));
        assert!(admits("A eq 'Web'", ["wEB", "", ""]), "case does not matter");
    }

    #[test]
    fn other_than_equal_part_and_beginning_are_told_apart() {
        assert!(admits("a ne 'web'", ["db", "", ""]) && !admits("a ne 'web'", ["web", "", ""]));
        assert!(admits("substringof('EB', a)", ["web", "", ""]) && !admits("startswith(a,'eb')", ["web", "", ""]));
        assert!(admits("startswith( a , 'we' )", ["web", "", ""]));
        assert!(admits("", ["", "", ""]) && admits("  ", ["", "", ""]));
    }

    #[test]
    fn what_is_no_filter_is_malformed() {
        for text in [
            "colour eq 'red'",
            "a EQ 'x'",
            "a eq 5",
            "a eq",
            "a eq 'x",
            "a eq 'x' b eq 'x'",
            "a eq 'x' and",
            "or a eq 'x'",
            "(a eq 'x'",
            "a eq 'x')",
            "()",
            "substringof(a, 'x')",
            "startswith('x', a)",
            "substringof('x')",
            "nonsense(a, 'x')",
            "'a' eq 'x'",
            "elsewhere eq 'x' and colour eq 'red'",
            "x",
        ] {
            assert_eq!(Filter::parse(text, judge), Err(Refused::Malformed), "{text}");
        }
    }

    #[test]
    fn what_azure_may_take_is_told_to_be_left_out() {
        for (text, expected) in [
            ("Elsewhere eq 'x'", "Elsewhere"),
            ("a eq 'x' or elsewhere ne null", "elsewhere"),
            ("elsewhere eq datetime'2026-11-23'", "elsewhere"),
            ("a ge 'x'", "ge"),
            ("not (a eq 'x')", "not"),
            ("endswith(a, 'x')", "endswith"),
        ] {
            assert_eq!(Filter::parse(text, judge), Err(Refused::NotSimulated(expected.to_owned())), "{text}");
        }
        let deep = format!("{}a eq 'x'{}", "(".repeat(10_000), ")".repeat(10_000));
        assert!(matches!(Filter::parse(&deep, judge), Err(Refused::NotSimulated(_))));
        assert!(matches!(Filter::parse(&"not ".repeat(10_000), judge), Err(Refused::NotSimulated(_))));
    }

    proptest! {
        #[test]
        fn a_value_in_quotes_is_compared_as_it_is(value in ".*") {
            let text = format!("a eq '{}'", value.replace('\'', "''"));
            prop_assert!(admits(&text, [&value, "", ""]));
        }

        #[test]
        fn no_text_is_too_much_for_it(text in "([abc]|eq|ne|and|or|not|'x'|substringof|[(),' é])*") {
            drop(Filter::parse(&text, judge));
        }
    }
}
