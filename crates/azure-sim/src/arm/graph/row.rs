//! Rows whose cells are made when they are looked at, so that a page of a large result costs what the page needs.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

use crate::json::Value;

use super::bound::{Bound, Type};
use super::source::{Source, WIDTH};

pub(super) enum Row<'c> {
    /// What lies in the cloud.
    Source {
        of: Source<'c>,
        cells: Cells,
    },
    /// Expressions over another row.
    Computed {
        below: Rc<Row<'c>>,
        exprs: Rc<[Bound]>,
        cells: Cells,
    },
    /// Another row, with one cell more or instead.
    With {
        below: Rc<Row<'c>>,
        at: usize,
        value: Value,
    },
    /// Cells of the left row, then those of the right one, or nothing of its types.
    Joined {
        left: Rc<Row<'c>>,
        width: usize,
        right: Result<Rc<Row<'c>>, Rc<[Value]>>,
    },
    Values(Box<[Value]>),
}

/// What has been made of a row. Most rows of a large result are never looked at, and have no cells at all.
#[derive(Default)]
pub(super) struct Cells(OnceCell<Box<[OnceCell<Value>]>>);

impl Cells {
    fn get_or_make(&self, column: usize, width: usize, make: impl FnOnce() -> Value) -> &Value {
        let cells = self.0.get_or_init(|| std::iter::repeat_with(OnceCell::new).take(width).collect());
        cells[column].get_or_init(make)
    }

    fn has(&self, column: usize) -> bool {
        self.0.get().is_some_and(|cells| cells[column].get().is_some())
    }
}

impl<'c> Row<'c> {
    pub(super) fn source(of: Source<'c>) -> Self {
        Self::Source { of, cells: Cells::default() }
    }

    pub(super) fn computed(below: Rc<Self>, exprs: Rc<[Bound]>) -> Self {
        Self::Computed { below, exprs, cells: Cells::default() }
    }

    pub(super) fn get(&self, column: usize) -> &Value {
        match self {
            Self::Source { of, cells } => cells.get_or_make(column, WIDTH, || of.column(column)),
            Self::Computed { below, exprs, cells } => match &exprs[column] {
                Bound::Column(lower) => below.get(*lower),
                expr => cells.get_or_make(column, exprs.len(), || expr.evaluate(below)),
            },
            Self::With { at, value, .. } if column == *at => value,
            Self::With { below, .. } => below.get(column),
            Self::Joined { left, width, .. } if column < *width => left.get(column),
            Self::Joined { width, right: Ok(right), .. } => right.get(column - width),
            Self::Joined { width, right: Err(nothing), .. } => &nothing[column - width],
            Self::Values(values) => &values[column],
        }
    }

    /// A cell that is shown and not needed again.
    pub(super) fn peek(&self, column: usize) -> Cow<'_, Value> {
        match self {
            Self::Source { of, cells } if !cells.has(column) => Cow::Owned(of.column(column)),
            Self::Computed { below, exprs, cells } if !cells.has(column) => match &exprs[column] {
                Bound::Column(lower) => below.peek(*lower),
                expr => Cow::Owned(expr.evaluate(below)),
            },
            Self::With { below, at, .. } if column != *at => below.peek(column),
            Self::Joined { left, width, .. } if column < *width => left.peek(column),
            Self::Joined { width, right: Ok(right), .. } => right.peek(column - width),
            Self::Source { .. } | Self::Computed { .. } | Self::With { .. } | Self::Joined { .. } | Self::Values(_) => {
                Cow::Borrowed(self.get(column))
            }
        }
    }

    /// A member of a column's value, without making the whole value if it is not there yet.
    pub(super) fn path(&self, column: usize, path: &[String]) -> Value {
        match self {
            Self::Source { of, cells } if !cells.has(column) => of.path(column, path),
            Self::Computed { below, exprs, .. } if matches!(exprs[column], Bound::Column(_)) => match exprs[column] {
                Bound::Column(lower) => below.path(lower, path),
                _ => Value::Null,
            },
            Self::With { below, at, .. } if column != *at => below.path(column, path),
            Self::Joined { left, width, .. } if column < *width => left.path(column, path),
            Self::Joined { width, right: Ok(right), .. } => right.path(column - width, path),
            Self::Source { .. } | Self::Computed { .. } | Self::With { .. } | Self::Joined { .. } | Self::Values(_) => {
                follow(self.get(column), path)
            }
        }
    }
}

/// The member at the end of the path; nothing where there is none.
pub(super) fn follow(value: &Value, path: &[String]) -> Value {
    path.iter().try_fold(value, |value, name| value.get(name)).cloned().unwrap_or_default()
}

/// What a row without a partner has in its columns.
pub(super) fn nothing(kinds: impl Iterator<Item = Type>) -> Rc<[Value]> {
    kinds.map(Type::nothing).collect()
}
