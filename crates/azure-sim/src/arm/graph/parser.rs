//! Reads a query's steps. Whatever is not known here is a mistake, never passed over.

use super::QueryError;
use super::bound::Type;
use super::lexer::{Placed, Token, tokens};
use super::syntax::{Aggregate, Expr, JoinKind, Named, Query, SortKey, Step, Union};

/// Resource Graph gives `mv-expand` this many rows of one, unless asked for more.
const EXPANDED: usize = 128;
/// And no more than this, however many are asked for.
const MOST_EXPANDED: usize = 2000;

/// Queries, parentheses, calls and signs may be so deep inside each other: all that follows goes down by recursion.
const DEEPEST: usize = 64;

/// So many steps a query may have, those of the queries inside it with it: a row of a step may lie on one of the step before.
const MOST_STEPS: usize = 128;

/// So many operators and members may follow each other in one term of a condition.
const LONGEST_CHAIN: usize = 128;

pub(super) struct Parser<'q> {
    text: &'q str,
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
    steps: usize,
    /// What chains add at most to the depth of the expression that is being read.
    pub(super) links: usize,
}

pub(super) fn parse(text: &str) -> Result<Query, QueryError> {
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0, steps: 0, links: 0 };
    let query = parser.whole()?;
    if parser.peek().is_some() { Err(parser.unexpected()) } else { Ok(query) }
}

/// Reads what follows the name of an operator.
type ReadStep = fn(&mut Parser<'_>) -> Result<Step, QueryError>;

/// How the operator with this name is read, if there is one.
fn operator(name: &str) -> Option<ReadStep> {
    Some(match name {
        "where" | "filter" => |parser| Ok(Step::Where(parser.expr()?)),
        "project" => |parser| Ok(Step::Project(parser.many(Parser::named)?)),
        "project-away" => |parser| parser.project_away(),
        "project-keep" => |parser| Ok(Step::ProjectKeep(parser.many(Parser::word)?)),
        "project-rename" => |parser| Ok(Step::ProjectRename(parser.many(Parser::renaming)?)),
        "extend" => |parser| Ok(Step::Extend(parser.many(Parser::named)?)),
        "distinct" => |parser| parser.distinct(),
        "order" | "sort" => |parser| parser.order(),
        "take" | "limit" => |parser| parser.take(),
        "top" => |parser| parser.top(),
        "count" => |_| Ok(Step::Count),
        "summarize" => |parser| parser.summarize(),
        "join" => |parser| parser.join(),
        "mv-expand" | "mvexpand" => |parser| parser.mv_expand(),
        "parse" => |parser| parser.parse(),
        "union" => |parser| parser.union(),
        _ => return None,
    })
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|placed| &placed.token)
    }

    pub(super) fn unexpected(&self) -> QueryError {
        let at = self.tokens.get(self.next).map_or(self.text.len(), |placed| placed.at);
        QueryError::parse(self.text, at, self.text.get(at..).unwrap_or_default())
    }

    /// Reads what is one level deeper.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, QueryError>) -> Result<T, QueryError> {
        if self.depth == DEEPEST {
            return Err(QueryError::semantic(format!("The query is nested more than {DEEPEST} levels deep.")));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Counts what makes the expression deeper without nesting.
    pub(super) fn lengthen(&mut self, links: usize) -> Result<(), QueryError> {
        self.links += links;
        if self.links <= LONGEST_CHAIN {
            return Ok(());
        }
        let problem = format!("An expression of the query has a chain of more than {LONGEST_CHAIN} operators.");
        Err(QueryError::semantic(problem))
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token::Sign(known)) if *known == sign)
    }

    /// Takes the sign if it is next.
    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let is_next = self.is_sign(sign);
        self.next += usize::from(is_next);
        is_next
    }

    pub(super) fn expect(&mut self, sign: &str) -> Result<(), QueryError> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Takes the keyword if it is next.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Word(word)) if word == keyword);
        self.next += usize::from(is_next);
        is_next
    }

    pub(super) fn expect_word(&mut self, keyword: &str) -> Result<(), QueryError> {
        if self.keyword(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The word that is next, taken when `known` makes something of it.
    pub(super) fn take_word<T>(&mut self, known: impl Fn(&str) -> Option<T>) -> Option<T> {
        let Some(Token::Word(word)) = self.peek() else { return None };
        let found = known(word);
        self.next += usize::from(found.is_some());
        found
    }

    pub(super) fn word(&mut self) -> Result<String, QueryError> {
        self.take_word(|word| Some(word.to_owned())).ok_or_else(|| self.unexpected())
    }

    /// A literal that is next.
    pub(super) fn literal(&mut self) -> Option<Expr> {
        let literal = match self.peek()? {
            Token::Text(text) => Expr::Text(text.clone()),
            Token::Number(number) => Expr::Number(*number),
            Token::Span(span) => Expr::Span(*span),
            Token::Moment(text) => Expr::Moment(text.clone()),
            Token::Word(_) | Token::Sign(_) => return None,
        };
        self.next += 1;
        Some(literal)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a whole number ≥ 0")]
    fn whole_number(&mut self) -> Result<usize, QueryError> {
        match self.peek() {
            Some(Token::Number(number)) if number.fract() == 0.0 && *number < 1e9 => {
                let number = *number as usize;
                self.next += 1;
                Ok(number)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn query(&mut self) -> Result<Query, QueryError> {
        let table = self.word()?;
        let steps = self.steps(Vec::new())?;
        Ok(Query { table, steps })
    }

    /// The whole text. Without a table it is about `Resources`.
    fn whole(&mut self) -> Result<Query, QueryError> {
        match self.take_word(operator) {
            Some(read) => {
                let first = self.step(read)?;
                Ok(Query { table: "resources".to_owned(), steps: self.steps(vec![first])? })
            }
            None => self.query(),
        }
    }

    fn steps(&mut self, mut steps: Vec<Step>) -> Result<Vec<Step>, QueryError> {
        while self.sign("|") {
            let read = self.take_word(operator).ok_or_else(|| self.unexpected())?;
            steps.push(self.step(read)?);
        }
        Ok(steps)
    }

    fn step(&mut self, read: ReadStep) -> Result<Step, QueryError> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Err(QueryError::semantic(format!("The query has more than {MOST_STEPS} operators.")));
        }
        self.links = 0;
        read(self)
    }

    fn project_away(&mut self) -> Result<Step, QueryError> {
        Ok(Step::ProjectAway(self.many(Self::word)?))
    }

    /// `new = old`
    fn renaming(&mut self) -> Result<(String, String), QueryError> {
        let new = self.name_before_equals().ok_or_else(|| self.unexpected())?;
        Ok((new, self.word()?))
    }

    fn distinct(&mut self) -> Result<Step, QueryError> {
        Ok(Step::Distinct(if self.sign("*") { Vec::new() } else { self.many(Self::named)? }))
    }

    fn order(&mut self) -> Result<Step, QueryError> {
        self.expect_word("by")?;
        Ok(Step::OrderBy(self.many(Self::sort_key)?))
    }

    fn take(&mut self) -> Result<Step, QueryError> {
        Ok(Step::Take(self.whole_number()?))
    }

    fn top(&mut self) -> Result<Step, QueryError> {
        let rows = self.whole_number()?;
        self.expect_word("by")?;
        Ok(Step::Top(rows, self.sort_key()?))
    }

    /// One or more, with commas between.
    pub(super) fn many<T>(&mut self, one: impl Fn(&mut Self) -> Result<T, QueryError>) -> Result<Vec<T>, QueryError> {
        let before = self.links;
        let mut all = vec![one(self)?];
        let mut longest = self.links;
        while self.sign(",") {
            self.links = before;
            all.push(one(self)?);
            longest = longest.max(self.links);
        }
        self.links = longest;
        Ok(all)
    }

    /// `name = expression`, when that is next.
    pub(super) fn name_before_equals(&mut self) -> Option<String> {
        let (Some(Token::Word(name)), Some(Token::Sign("="))) =
            (self.peek(), self.tokens.get(self.next + 1).map(|placed| &placed.token))
        else {
            return None;
        };
        let name = name.clone();
        self.next += 2;
        Some(name)
    }

    fn named(&mut self) -> Result<Named, QueryError> {
        let name = self.name_before_equals();
        Ok(Named { name, expr: self.expr()? })
    }

    fn sort_key(&mut self) -> Result<SortKey, QueryError> {
        let expr = self.expr()?;
        // Kusto sorts downwards unless told otherwise.
        let ascending = self.keyword("asc");
        if !ascending {
            self.keyword("desc");
        }
        let nulls_first = if self.keyword("nulls") {
            let known = |word: &str| match word {
                "first" => Some(true),
                "last" => Some(false),
                _ => None,
            };
            Some(self.take_word(known).ok_or_else(|| self.unexpected())?)
        } else {
            None
        };
        Ok(SortKey { expr, ascending, nulls_first })
    }

    fn summarize(&mut self) -> Result<Step, QueryError> {
        let mut aggregates = Vec::new();
        if !self.keyword("by") {
            aggregates = self.many(|parser| {
                let name = parser.name_before_equals();
                Ok((name, parser.aggregate()?))
            })?;
            if !self.keyword("by") {
                return Ok(Step::Summarize { aggregates, by: Vec::new() });
            }
        }
        Ok(Step::Summarize { aggregates, by: self.many(Self::named)? })
    }

    fn aggregate(&mut self) -> Result<Aggregate, QueryError> {
        let begin = self.next;
        let function = self.word()?.to_ascii_lowercase();
        self.expect("(")?;
        if function == "count" {
            self.expect(")")?;
            return Ok(Aggregate::Count);
        }
        let of: fn(Expr) -> Aggregate = match function.as_str() {
            "countif" => Aggregate::CountIf,
            "dcount" => Aggregate::DistinctCount,
            "sum" => Aggregate::Sum,
            "min" => Aggregate::Min,
            "max" => Aggregate::Max,
            "avg" => Aggregate::Avg,
            "make_list" | "makelist" => Aggregate::MakeList,
            "make_set" | "makeset" => Aggregate::MakeSet,
            "any" | "take_any" => Aggregate::Any,
            "arg_max" | "arg_min" => return self.extreme(function == "arg_max"),
            _ => {
                self.next = begin;
                return Err(self.unexpected());
            }
        };
        let argument = self.expr()?;
        self.expect(")")?;
        Ok(of(argument))
    }

    /// `of, *)` or `of, shown, …)`, past the opening parenthesis.
    fn extreme(&mut self, most: bool) -> Result<Aggregate, QueryError> {
        let of = self.expr()?;
        let shown = if self.sign(",") {
            if self.sign("*") { None } else { Some(self.many(Self::expr)?) }
        } else {
            Some(Vec::new())
        };
        self.expect(")")?;
        Ok(Aggregate::At { of, most, shown })
    }

    fn join(&mut self) -> Result<Step, QueryError> {
        let mut kind = JoinKind::InnerUnique;
        if self.keyword("kind") {
            self.expect("=")?;
            let known = |word: &str| match word {
                "innerunique" => Some(JoinKind::InnerUnique),
                "inner" => Some(JoinKind::Inner),
                "leftouter" => Some(JoinKind::LeftOuter),
                "fullouter" => Some(JoinKind::FullOuter),
                _ => None,
            };
            kind = self.take_word(known).ok_or_else(|| self.unexpected())?;
        }
        let right = self.leg()?;
        self.expect_word("on")?;
        Ok(Step::Join { kind, right, on: self.many(Self::join_key)? })
    }

    /// `name`, or `$left.name == $right.other`.
    fn join_key(&mut self) -> Result<(String, String), QueryError> {
        if !self.keyword("$left") {
            let name = self.word()?;
            return Ok((name.clone(), name));
        }
        self.expect(".")?;
        let left = self.word()?;
        self.expect("==")?;
        if !self.keyword("$right") {
            return Err(self.unexpected());
        }
        self.expect(".")?;
        Ok((left, self.word()?))
    }

    fn union(&mut self) -> Result<Step, QueryError> {
        let (mut inner, mut source) = (false, None);
        while let Some(parameter) = self.name_before_equals() {
            let value = self.word()?;
            match (parameter.as_str(), value.as_str()) {
                ("kind", "inner" | "outer") => inner = value == "inner",
                ("withsource" | "with_source", _) => source = Some(value),
                ("isfuzzy", _) => {
                    return Err(QueryError::semantic("union: fuzzy resolution of tables is not allowed"));
                }
                _ => return Err(QueryError::semantic(format!("union: '{parameter}={value}' is not known"))),
            }
        }
        Ok(Step::Union(Union { inner, source, legs: self.many(Self::leg)? }))
    }

    /// A table, or a query in parentheses.
    fn leg(&mut self) -> Result<Query, QueryError> {
        if !self.sign("(") {
            return Ok(Query { table: self.word()?, steps: Vec::new() });
        }
        let query = self.nested(Self::query)?;
        self.expect(")")?;
        Ok(query)
    }

    fn mv_expand(&mut self) -> Result<Step, QueryError> {
        let column = self.named()?;
        let kind = if self.keyword("to") { Some(self.conversion()?) } else { None };
        let limit = if self.keyword("limit") { self.whole_number()? } else { EXPANDED };
        if limit > MOST_EXPANDED {
            return Err(QueryError::semantic(format!("mv-expand: the limit {limit} is above {MOST_EXPANDED}")));
        }
        Ok(Step::MvExpand { column, kind, limit })
    }

    /// `typeof(string)`
    fn conversion(&mut self) -> Result<Type, QueryError> {
        self.expect_word("typeof")?;
        self.expect("(")?;
        let kind = self.type_name()?;
        self.expect(")")?;
        Ok(kind)
    }
}
