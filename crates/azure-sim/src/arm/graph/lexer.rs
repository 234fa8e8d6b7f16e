//! Words, literals and signs of a Kusto query.

use super::QueryError;
use super::time;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword; `project-away` and `mv-expand` are one.
    Word(String),
    Text(String),
    Number(f64),
    /// `7d`, in microseconds.
    Span(f64),
    /// What stands in `datetime(…)`.
    Moment(String),
    /// `|`, `==`, `!~`, `(` …
    Sign(&'static str),
}

/// A token and where it begins, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) at: usize,
}

/// Longer signs first.
const SIGNS: &[&str] = &[
    "==", "=~", "!=", "!~", "<=", ">=", "..", "|", "(", ")", "[", "]", ",", ".", "=", "<", ">", "+", "-", "*", "/",
    "%", "{", "}", ":",
];

/// Operators that are written with a hyphen.
const HYPHENATED: &[&str] =
    &["project-away", "project-keep", "project-rename", "project-reorder", "mv-expand", "mv-apply"];

pub(super) fn tokens(query: &str) -> Result<Vec<Placed>, QueryError> {
    let mut tokens = Vec::new();
    let mut rest = query;
    loop {
        rest = skip_blank(rest);
        let at = query.len() - rest.len();
        if rest.is_empty() {
            return Ok(tokens);
        }
        let (token, length) = next(rest).ok_or_else(|| QueryError::parse(query, at, rest))?;
        tokens.push(Placed { token, at });
        rest = &rest[length..];
    }
}

/// Whether a query calls what answers something else each time.
pub(super) fn tells_the_time(query: &str) -> bool {
    let is_time = |token: &Token| matches!(token, Token::Word(word) if word == "now" || word == "ago");
    let calls = |pair: &[Placed]| is_time(&pair[0].token) && pair[1].token == Token::Sign("(");
    tokens(query).is_ok_and(|tokens| tokens.windows(2).any(calls))
}

/// Past white space and `// …`.
fn skip_blank(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with("//") {
        rest = rest.find('\n').map_or("", |end| &rest[end..]).trim_start();
    }
    rest
}

fn next(text: &str) -> Option<(Token, usize)> {
    let first = text.chars().next()?;
    if let Some(verbatim) = text.strip_prefix('@').filter(|rest| rest.starts_with(['\'', '"'])) {
        let quote = verbatim.chars().next()?;
        let end = verbatim[1..].find(quote)?;
        return Some((Token::Text(verbatim[1..=end].to_owned()), end + 3));
    }
    if first == '\'' || first == '"' {
        return string(text, first);
    }
    if first.is_ascii_digit() {
        return Some(number(text));
    }
    if first.is_alphabetic() || first == '_' || first == '$' {
        if let Some(word) = HYPHENATED.iter().find(|word| starts_with_word(text, word)) {
            return Some((Token::Word((*word).to_owned()), word.len()));
        }
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(text.len());
        if let Some(moment) = moment(&text[..end], &text[end..]) {
            return Some((Token::Moment(moment.to_owned()), end + moment.len() + 2));
        }
        return Some((Token::Word(text[..end].to_owned()), end));
    }
    // Negated words are signs of their own: `!in~`, `!contains`.
    if first == '!' && text[1..].starts_with(|c: char| c.is_alphabetic()) {
        let end = text[1..].find(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(text.len(), |end| end + 1);
        return Some((Token::Word(text[..end].to_owned()), end));
    }
    if first == '~' {
        return Some((Token::Sign("~"), 1));
    }
    SIGNS.iter().find(|sign| text.starts_with(*sign)).map(|sign| (Token::Sign(sign), sign.len()))
}

fn starts_with_word(text: &str, word: &str) -> bool {
    let Some((start, rest)) = text.split_at_checked(word.len()) else { return false };
    start.eq_ignore_ascii_case(word) && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn string(text: &str, quote: char) -> Option<(Token, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            c if c == quote => return Some((Token::Text(value), at + 1)),
            c => value.push(c),
        }
    }
    None
}

/// What is in the parentheses behind `datetime`: no text, and not of tokens of its own.
fn moment<'q>(word: &str, rest: &'q str) -> Option<&'q str> {
    let inside = rest.strip_prefix('(').filter(|_| word == "datetime")?;
    inside.split_once(')').map(|(moment, _)| moment)
}

fn number(text: &str) -> (Token, usize) {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut end = digits(text);
    // `1..5` is a range, not a fraction.
    if text[end..].starts_with('.') && text[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        end += 1 + digits(&text[end + 1..]);
    }
    let number = text[..end].parse().unwrap_or_default();
    let letters =
        text[end..].find(|c: char| !c.is_alphanumeric()).map_or(&text[end..], |length| &text[end..end + length]);
    match time::unit(letters) {
        Some(unit) => (Token::Span(number * unit), end + letters.len()),
        None => (Token::Number(number), end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(query: &str) -> Vec<Token> {
        tokens(query).unwrap().into_iter().map(|placed| placed.token).collect()
    }

    #[test]
    fn words_texts_numbers_and_signs_are_told_apart() {
        let word = |text: &str| Token::Word(text.to_owned());
        assert_eq!(
            signs("a|mv-expand b // note\n!in~ ('x\\'y', @'c\\d', 1.5)"),
            [
                word("a"),
                Token::Sign("|"),
                word("mv-expand"),
                word("b"),
                word("!in"),
                Token::Sign("~"),
                Token::Sign("("),
                Token::Text("x'y".to_owned()),
                Token::Sign(","),
                Token::Text("c\\d".to_owned()),
                Token::Sign(","),
                Token::Number(1.5),
                Token::Sign(")"),
            ]
        );
    }

    #[test]
    fn a_query_tells_the_time_where_it_calls_for_it_however_that_is_written() {
        for (query, tells) in [
            ("resources | project now()", true),
            ("resources | where a > ago (1d)", true),
            ("resources | project t = now // then\n ()", true),
            ("resources | where name == 'now()' // ago(1d)", false),
            ("resources | project now, knows(ago)", false),
        ] {
            assert_eq!(tells_the_time(query), tells, "{query}");
        }
    }

    #[test]
    fn a_text_without_an_end_is_a_mistake() {
        assert!(tokens("where a == 'b").is_err());
        assert!(tokens("where a == ?").is_err());
    }
}
