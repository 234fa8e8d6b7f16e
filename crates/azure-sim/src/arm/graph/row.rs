//! Rows whose cells are made when they are looked at, so that a page of a large result costs what the page needs.
//!
//! A row holds no part of the cloud, only where it lies there: a result can be kept for its next page as long as the
//! cloud stays the same. So every look at a row is a look at the cloud too: [`Look`].

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use super::bound::{Bound, Type};
use super::source::{OfVm, View};
use crate::json::Value;

/// Cheap to clone.
#[derive(Clone)]
pub(super) enum Row {
    /// What lies in the cloud and is a VM's.
    OfVm(OfVm),
    /// Expressions over another row.
    Computed(Arc<Computed>),
    /// Another row, with one cell more or instead.
    With(Arc<With>),
    /// Cells of the left row, then those of the right one.
    Joined(Arc<Joined>),
    Values(Arc<[Value]>),
}

pub(super) struct Computed {
    below: Row,
    layer: Arc<Layer>,
    /// Of the expressions that are more than a column: what has been made of them.
    made: Box<[OnceLock<Value>]>,
}

/// What all rows of a step have in common.
pub(super) struct Layer {
    cells: Vec<Cell>,
    made: usize,
}

enum Cell {
    /// The same as in the row below.
    Below(usize),
    /// The n-th that is made.
    Made(Bound, usize),
}

pub(super) struct With {
    pub(super) below: Row,
    pub(super) at: usize,
    pub(super) value: Value,
}

pub(super) struct Joined {
    pub(super) left: Row,
    pub(super) width: usize,
    /// Cells of no row, for a left one without a partner.
    pub(super) right: Row,
}

impl Layer {
    pub(super) fn new(exprs: Vec<Bound>) -> Arc<Self> {
        let mut made = 0;
        let cell = |expr| match expr {
            Bound::Column(below) => Cell::Below(below),
            expr => {
                made += 1;
                Cell::Made(expr, made - 1)
            }
        };
        let cells = exprs.into_iter().map(cell).collect();
        Arc::new(Self { cells, made })
    }
}

impl Row {
    pub(super) fn computed(below: Self, layer: &Arc<Layer>) -> Self {
        let made = std::iter::repeat_with(OnceLock::new).take(layer.made).collect();
        Self::Computed(Arc::new(Computed { below, layer: Arc::clone(layer), made }))
    }

    /// What a row without a partner has in its columns.
    pub(super) fn nothing(kinds: impl Iterator<Item = Type>) -> Self {
        Self::Values(kinds.map(Type::nothing).collect())
    }

    pub(super) fn seen_in<'r>(&'r self, view: View<'r>) -> Look<'r> {
        Look { row: self, view }
    }
}

/// A row, and the cloud that it is about.
#[derive(Clone, Copy)]
pub(super) struct Look<'r> {
    pub(super) row: &'r Row,
    pub(super) view: View<'r>,
}

/// Where a cell is found.
enum Place<'r> {
    Here(&'r Value),
    Cloud(OfVm, usize),
    Made(&'r Computed, &'r Bound, usize),
}

impl<'r> Look<'r> {
    fn place(self, column: usize) -> Place<'r> {
        let (mut row, mut column) = (self.row, column);
        loop {
            match row {
                Row::OfVm(of) => return Place::Cloud(*of, column),
                Row::Values(values) => return Place::Here(&values[column]),
                Row::Computed(computed) => match &computed.layer.cells[column] {
                    Cell::Below(below) => (row, column) = (&computed.below, *below),
                    Cell::Made(expr, at) => return Place::Made(computed, expr, *at),
                },
                Row::With(with) if with.at == column => return Place::Here(&with.value),
                Row::With(with) => row = &with.below,
                Row::Joined(joined) if column < joined.width => row = &joined.left,
                Row::Joined(joined) => (row, column) = (&joined.right, column - joined.width),
            }
        }
    }

    /// A cell. What took an expression to make is kept.
    pub(super) fn get(self, column: usize) -> Cow<'r, Value> {
        match self.place(column) {
            Place::Here(value) => Cow::Borrowed(value),
            Place::Cloud(of, column) => Cow::Owned(of.column(self.view, column)),
            Place::Made(computed, expr, at) => {
                let cell = &computed.made[at];
                if let Some(made) = cell.get() {
                    return Cow::Borrowed(made);
                }
                if self.view.spent.is_over() {
                    // Nothing of what is left to do is worth doing.
                    return Cow::Owned(Value::Null);
                }
                let made = expr.evaluate(computed.below.seen_in(self.view)).into_owned();
                if !self.view.spent.admits(&made) {
                    return Cow::Owned(Value::Null);
                }
                Cow::Borrowed(cell.get_or_init(|| made))
            }
        }
    }

    /// A cell that is shown and not needed again.
    pub(super) fn show(self, column: usize) -> Cow<'r, Value> {
        match self.place(column) {
            Place::Made(computed, expr, at) if computed.made[at].get().is_none() => {
                expr.evaluate(computed.below.seen_in(self.view))
            }
            _ => self.get(column),
        }
    }

    /// A member of a column's value, without making the whole value.
    pub(super) fn path(self, column: usize, path: &[String]) -> Cow<'r, Value> {
        match self.place(column) {
            Place::Cloud(of, column) => Cow::Owned(of.path(self.view, column, path)),
            _ => match self.get(column) {
                Cow::Borrowed(value) => path
                    .iter()
                    .try_fold(value, |value, name| value.get(name))
                    .map_or(Cow::Owned(Value::Null), Cow::Borrowed),
                Cow::Owned(value) => Cow::Owned(follow(value, path)),
            },
        }
    }
}

/// The member at the end of the path; nothing where there is none.
pub(super) fn follow(mut value: Value, path: &[String]) -> Value {
    for name in path {
        match value.get_mut(name) {
            Some(member) => value = member.take(),
            None => return Value::Null,
        }
    }
    value
}
