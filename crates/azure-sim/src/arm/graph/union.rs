//! `union`: rows of several tables in one, by the names of their columns.

use crate::json::Value;

use super::QueryError;
use super::bound::{Bound, Column, Type};
use super::limits::check_records;
use super::run::Table;
use super::syntax::Union;

/// The first table's rows, then those of each leg.
pub(super) fn union(first: Table, legs: Vec<Table>, union: &Union) -> Result<Table, QueryError> {
    // A leg that is no bare table is known by its place.
    let bare = union.legs.iter().enumerate().map(|(at, leg)| match leg.steps.as_slice() {
        [] => leg.table.clone(),
        _ => format!("union_arg{}", at + 1),
    });
    let names = std::iter::once("union_arg0".to_owned()).chain(bare);
    let tables: Vec<_> = std::iter::once(first).chain(legs).zip(names).collect();
    check_records(tables.iter().map(|(table, _)| table.rows.len()).sum())?;
    let wanted = columns(tables.iter().map(|(table, _)| table.columns.as_slice()), union.inner);
    let mut shown = named(&wanted);
    if let Some(name) = &union.source {
        shown.insert(0, Column { name: name.clone(), kind: Type::Text });
    }
    let mut rows = Vec::new();
    for (table, name) in tables {
        let cell = |column: &Column| match table.columns.iter().position(|known| known == column) {
            Some(at) => Bound::Column(at),
            None => Bound::Constant(column.kind.nothing()),
        };
        let source = union.source.iter().map(|_| Bound::Constant(Value::from(name.clone())));
        let exprs = source.chain(wanted.iter().map(cell)).collect();
        rows.extend(table.computed(Vec::new(), exprs).rows);
    }
    Ok(Table { columns: shown, rows, bytes: 0 })
}

/// The columns of all of them, or those that all have; the same name with another type is another column.
fn columns<'t>(tables: impl Iterator<Item = &'t [Column]>, inner: bool) -> Vec<Column> {
    let mut wanted: Vec<Column> = Vec::new();
    for (number, columns) in tables.enumerate() {
        if inner && number > 0 {
            wanted.retain(|column| columns.contains(column));
        } else {
            let new: Vec<_> = columns.iter().filter(|column| !wanted.contains(column)).cloned().collect();
            wanted.extend(new);
        }
    }
    wanted
}

/// As they are called in the result: those of one name that differ in type carry their types.
fn named(wanted: &[Column]) -> Vec<Column> {
    let name = |column: &Column| {
        let is_one = wanted.iter().filter(|other| other.name == column.name).count() == 1;
        if is_one { column.name.clone() } else { format!("{}_{}", column.name, kusto(column.kind)) }
    };
    wanted.iter().map(|column| Column { name: name(column), kind: column.kind }).collect()
}

fn kusto(kind: Type) -> &'static str {
    match kind {
        Type::Text => "string",
        Type::Integer => "long",
        Type::Real => "real",
        Type::Bool => "bool",
        Type::Dynamic => "dynamic",
        Type::Moment => "datetime",
        Type::Span => "timespan",
    }
}
