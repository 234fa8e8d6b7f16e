//! Reads expressions, by precedence: or, and, comparisons, sums, products, signs, members.

use std::borrow::Cow;

use super::QueryError;
use super::parser::Parser;
use super::syntax::{Comparison, Expr, TextTest};
use super::time;
use super::value::from_number;
use crate::json::Value;

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Result<Expr, QueryError> {
        self.nested(|parser| parser.chain("or", Self::conjunction, Expr::Or))
    }

    fn conjunction(&mut self) -> Result<Expr, QueryError> {
        self.chain("and", Self::comparison, Expr::And)
    }

    /// Terms with the keyword between. They may be many, so their tree is kept flat.
    fn chain(
        &mut self,
        keyword: &str,
        term: fn(&mut Self) -> Result<Expr, QueryError>,
        join: fn(Box<Expr>, Box<Expr>) -> Expr,
    ) -> Result<Expr, QueryError> {
        let before = self.links;
        let mut terms = vec![term(self)?];
        let mut longest = self.links;
        while self.keyword(keyword) {
            self.links = before;
            terms.push(term(self)?);
            longest = longest.max(self.links);
        }
        self.links = longest;
        while terms.len() > 1 {
            self.lengthen(1)?;
            terms = joined_in_pairs(terms, join);
        }
        terms.pop().ok_or_else(|| self.unexpected())
    }

    fn comparison(&mut self) -> Result<Expr, QueryError> {
        let left = self.sum()?;
        if let Some(comparison) = self.comparison_sign() {
            return Ok(Expr::Compare(comparison, Box::new(left), Box::new(self.sum()?)));
        }
        if self.keyword("matches") {
            if !self.keyword("regex") {
                return Err(self.unexpected());
            }
            let pattern = self.literal().ok_or_else(|| self.unexpected())?;
            let Expr::Text(pattern) = pattern else { return Err(self.unexpected()) };
            return Ok(Expr::Matches(Box::new(left), pattern));
        }
        for (word, negated) in [("in", false), ("!in", true)] {
            if self.keyword(word) {
                let any_case = self.sign("~");
                self.expect("(")?;
                let list = self.many(Self::expr)?;
                self.expect(")")?;
                return Ok(Expr::In { value: Box::new(left), list, negated, any_case });
            }
        }
        for (word, all) in [("has_any", false), ("has_all", true)] {
            if self.keyword(word) {
                self.expect("(")?;
                let list = self.many(Self::expr)?;
                self.expect(")")?;
                return Ok(Expr::HasTerms { value: Box::new(left), list, all });
            }
        }
        for (word, negated) in [("between", false), ("!between", true)] {
            if self.keyword(word) {
                self.expect("(")?;
                let low = Box::new(self.sum()?);
                self.expect("..")?;
                let high = Box::new(self.sum()?);
                self.expect(")")?;
                return Ok(Expr::Between { value: Box::new(left), low, high, negated });
            }
        }
        Ok(left)
    }

    fn comparison_sign(&mut self) -> Option<Comparison> {
        let signs = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("=~", Comparison::EqualAnyCase),
            ("!~", Comparison::NotEqualAnyCase),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        if let Some((_, comparison)) = signs.into_iter().find(|(sign, _)| self.sign(sign)) {
            return Some(comparison);
        }
        self.take_word(|word| match word.strip_prefix('!') {
            Some(negated) => TextTest::parse(negated).map(Comparison::NotText),
            None => TextTest::parse(word).map(Comparison::Text),
        })
    }

    fn sum(&mut self) -> Result<Expr, QueryError> {
        let mut left = self.product()?;
        loop {
            let sign = if self.sign("+") {
                '+'
            } else if self.sign("-") {
                '-'
            } else {
                return Ok(left);
            };
            self.lengthen(1)?;
            left = Expr::Arithmetic(sign, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expr, QueryError> {
        let mut left = self.signed()?;
        loop {
            let Some(sign) = ['*', '/', '%'].into_iter().find(|sign| self.sign(sign.encode_utf8(&mut [0; 4]))) else {
                return Ok(left);
            };
            self.lengthen(1)?;
            left = Expr::Arithmetic(sign, Box::new(left), Box::new(self.signed()?));
        }
    }

    fn signed(&mut self) -> Result<Expr, QueryError> {
        if self.sign("-") {
            return Ok(Expr::Negative(Box::new(self.nested(Self::signed)?)));
        }
        let mut value = self.primary()?;
        loop {
            // A name that is no word is in brackets, behind a full stop or not: `a.['b.c']`.
            let dotted = self.sign(".");
            if dotted && !self.is_sign("[") {
                self.lengthen(1)?;
                value = Expr::Member(Box::new(value), self.word()?);
            } else if self.sign("[") {
                self.lengthen(1)?;
                value = match self.expr()? {
                    Expr::Text(name) => Expr::Member(Box::new(value), name),
                    index => Expr::Index(Box::new(value), Box::new(index)),
                };
                self.expect("]")?;
            } else {
                return Ok(value);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, QueryError> {
        if let Some(literal) = self.literal() {
            return Ok(literal);
        }
        if self.sign("(") {
            let inner = self.expr()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let word = self.word()?;
        if self.sign("(") {
            return self.call(word);
        }
        Ok(match word.as_str() {
            "true" => Expr::Bool(true),
            "false" => Expr::Bool(false),
            _ => Expr::Column(word),
        })
    }

    /// Past the opening parenthesis.
    fn call(&mut self, function: String) -> Result<Expr, QueryError> {
        if function == "not" {
            let inner = self.expr()?;
            self.expect(")")?;
            return Ok(Expr::Not(Box::new(inner)));
        }
        if function == "dynamic" {
            let value = self.dynamic()?;
            self.expect(")")?;
            return Ok(if value.is_null() { Expr::Null } else { Expr::Dynamic(value) });
        }
        if self.sign(")") {
            return Ok(Expr::Call(function, Vec::new()));
        }
        let arguments = self.many(Self::expr)?;
        self.expect(")")?;
        Ok(Expr::Call(function, arguments))
    }
}

impl Parser<'_> {
    /// A value as JSON has it; texts may be in either kind of quotation marks.
    fn dynamic(&mut self) -> Result<Value, QueryError> {
        if self.sign("[") {
            let mut items = Vec::new();
            if !self.sign("]") {
                items = self.nested(|parser| parser.many(Self::dynamic))?;
                self.expect("]")?;
            }
            return Ok(Value::Array(items));
        }
        if self.sign("{") {
            let mut members = Vec::new();
            if !self.sign("}") {
                members = self.nested(|parser| parser.many(Self::member))?;
                self.expect("}")?;
            }
            return Ok(Value::Object(members));
        }
        let known = |word: &str| match word {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            _ => None,
        };
        if let Some(value) = self.take_word(known) {
            return Ok(value);
        }
        let negative = self.sign("-");
        match (self.literal(), negative) {
            (Some(Expr::Text(text)), false) => Ok(text.into()),
            (Some(Expr::Number(number)), _) => Ok(from_number(if negative { -number } else { number })),
            (Some(Expr::Moment(text)), false) => Ok(time::to_moment(&text.into())),
            _ => Err(self.unexpected()),
        }
    }

    fn member(&mut self) -> Result<(Cow<'static, str>, Value), QueryError> {
        let Some(Expr::Text(name)) = self.literal() else { return Err(self.unexpected()) };
        self.expect(":")?;
        Ok((Cow::Owned(name), self.dynamic()?))
    }
}

/// One step up in a tree as flat as can be; the terms keep their order.
fn joined_in_pairs(terms: Vec<Expr>, join: fn(Box<Expr>, Box<Expr>) -> Expr) -> Vec<Expr> {
    let mut terms = terms.into_iter();
    let mut joined = Vec::new();
    while let Some(left) = terms.next() {
        joined.push(match terms.next() {
            Some(right) => join(Box::new(left), Box::new(right)),
            None => left,
        });
    }
    joined
}
