//! Rows whose cells are made when they are looked at, so that a page of a large result costs what the page needs.

use std::cell::OnceCell;
use std::rc::Rc;

use serde_json::Value;

use super::bound::{Bound, Type};
use super::source::Source;

pub(super) enum Row<'c> {
    /// What lies in the cloud.
    Source {
        of: Source<'c>,
        cells: Box<[OnceCell<Value>]>,
    },
    /// Expressions over another row.
    Computed {
        below: Rc<Row<'c>>,
        exprs: Rc<[Bound]>,
        cells: Box<[OnceCell<Value>]>,
    },
    /// Cells of the left row, then those of the right one, or nothing of its types.
    Joined {
        left: Rc<Row<'c>>,
        width: usize,
        right: Result<Rc<Row<'c>>, Rc<[Value]>>,
    },
    Values(Box<[Value]>),
}

fn blank(width: usize) -> Box<[OnceCell<Value>]> {
    std::iter::repeat_with(OnceCell::new).take(width).collect()
}

impl<'c> Row<'c> {
    pub(super) fn source(of: Source<'c>, width: usize) -> Self {
        Self::Source { of, cells: blank(width) }
    }

    pub(super) fn computed(below: Rc<Self>, exprs: Rc<[Bound]>) -> Self {
        let cells = blank(exprs.len());
        Self::Computed { below, exprs, cells }
    }

    pub(super) fn get(&self, column: usize) -> &Value {
        match self {
            Self::Source { of, cells } => cells[column].get_or_init(|| of.column(column)),
            Self::Computed { below, exprs, cells } => match &exprs[column] {
                Bound::Column(lower) => below.get(*lower),
                expr => cells[column].get_or_init(|| expr.evaluate(below)),
            },
            Self::Joined { left, width, .. } if column < *width => left.get(column),
            Self::Joined { width, right: Ok(right), .. } => right.get(column - width),
            Self::Joined { width, right: Err(nothing), .. } => &nothing[column - width],
            Self::Values(values) => &values[column],
        }
    }

    /// A member of a column's value, without making the whole value if it is not there yet.
    pub(super) fn path(&self, column: usize, path: &[String]) -> Value {
        match self {
            Self::Source { of, cells } if cells[column].get().is_none() => of.path(column, path),
            Self::Computed { below, exprs, .. } if matches!(exprs[column], Bound::Column(_)) => match exprs[column] {
                Bound::Column(lower) => below.path(lower, path),
                _ => Value::Null,
            },
            Self::Joined { left, width, .. } if column < *width => left.path(column, path),
            Self::Joined { width, right: Ok(right), .. } => right.path(column - width, path),
            Self::Source { .. } | Self::Computed { .. } | Self::Joined { .. } | Self::Values(_) => {
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
