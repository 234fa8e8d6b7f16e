//! What a query says, before anything is known of columns.

use super::bound::Type;
use super::pattern::Parse;
use crate::json::Value;

/// A table and what happens to it, step by step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) table: String,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Where(Expr),
    Project(Vec<Named>),
    ProjectAway(Vec<String>),
    ProjectKeep(Vec<String>),
    /// New names, and the columns that get them.
    ProjectRename(Vec<(String, String)>),
    Extend(Vec<Named>),
    Distinct(Vec<Named>),
    OrderBy(Vec<SortKey>),
    Take(usize),
    Top(usize, SortKey),
    Count,
    Summarize {
        aggregates: Vec<(Option<String>, Aggregate)>,
        by: Vec<Named>,
    },
    Join {
        kind: JoinKind,
        right: Query,
        on: Vec<(String, String)>,
    },
    MvExpand {
        column: Named,
        kind: Option<Type>,
        limit: usize,
    },
    Parse(Parse),
    Union(Union),
}

/// An expression with the name that is given to it, if one is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub(super) name: Option<String>,
    pub(super) expr: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct SortKey {
    pub(super) expr: Expr,
    pub(super) ascending: bool,
    /// Where nothing stands, if that is said: otherwise it is less than anything.
    pub(super) nulls_first: Option<bool>,
}

/// Rows of other tables behind those that are there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Union {
    /// Whether only columns that all have are kept.
    pub(super) inner: bool,
    /// The name of a column that tells which table a row is of.
    pub(super) source: Option<String>,
    pub(super) legs: Vec<Query>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JoinKind {
    /// Kusto's default: of left rows with the same key, one.
    InnerUnique,
    Inner,
    LeftOuter,
    FullOuter,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Aggregate {
    Count,
    CountIf(Expr),
    DistinctCount(Expr),
    Sum(Expr),
    Min(Expr),
    Max(Expr),
    Avg(Expr),
    MakeList(Expr),
    MakeSet(Expr),
    Any(Expr),
    /// `arg_max(of, shown)`: of the row in which `of` is largest, or least, what is shown; without that, all columns.
    At {
        of: Expr,
        most: bool,
        shown: Option<Vec<Expr>>,
    },
}

impl Aggregate {
    /// The name in Kusto, from which the column's is made.
    pub(super) fn prefix(&self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::CountIf(_) => "countif",
            Self::DistinctCount(_) => "dcount",
            Self::Sum(_) => "sum",
            Self::Min(_) => "min",
            Self::Max(_) => "max",
            Self::Avg(_) => "avg",
            Self::MakeList(_) => "list",
            Self::MakeSet(_) => "set",
            Self::Any(_) | Self::At { .. } => "any",
        }
    }

    pub(super) fn argument(&self) -> Option<&Expr> {
        match self {
            Self::Count => None,
            Self::CountIf(expr)
            | Self::DistinctCount(expr)
            | Self::Sum(expr)
            | Self::Min(expr)
            | Self::Max(expr)
            | Self::Avg(expr)
            | Self::MakeList(expr)
            | Self::MakeSet(expr)
            | Self::Any(expr)
            | Self::At { of: expr, .. } => Some(expr),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Text(String),
    Number(f64),
    Bool(bool),
    Null,
    /// `dynamic([1, 2])`
    Dynamic(Value),
    /// In microseconds.
    Span(f64),
    /// As it is written.
    Moment(String),
    Column(String),
    /// `a.b`, `a['b']`
    Member(Box<Expr>, String),
    /// `a[0]`, `a[i]`
    Index(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// In one of a list; the flags are "not" and "whatever the case".
    In {
        value: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
        any_case: bool,
    },
    /// `a has_any ('b', 'c')`, or `has_all`.
    HasTerms {
        value: Box<Expr>,
        list: Vec<Expr>,
        all: bool,
    },
    Between {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
    },
    /// `a matches regex 'b'`
    Matches(Box<Expr>, String),
    Arithmetic(char, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    EqualAnyCase,
    NotEqualAnyCase,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Text(TextTest),
    NotText(TextTest),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextTest {
    Contains,
    ContainsCase,
    StartsWith,
    StartsWithCase,
    EndsWith,
    EndsWithCase,
    Has,
    HasCase,
}

impl TextTest {
    pub(super) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "contains" => Self::Contains,
            "contains_cs" => Self::ContainsCase,
            "startswith" => Self::StartsWith,
            "startswith_cs" => Self::StartsWithCase,
            "endswith" => Self::EndsWith,
            "endswith_cs" => Self::EndsWithCase,
            "has" => Self::Has,
            "has_cs" => Self::HasCase,
            _ => return None,
        })
    }
}
