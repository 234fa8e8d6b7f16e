//! `summarize`: groups of rows, and what is worked out of each.

use std::collections::{HashMap, HashSet};

use crate::json::Value;

use super::QueryError;
use super::bound::{Bound, Column, Type, bind, condition, name_of, suggested};
use super::row::Row;
use super::run::{Table, key};
use super::source::View;
use super::syntax::{Aggregate, Named};
use super::value;

/// One result column: how it is made of a group's rows.
struct Output<'a> {
    aggregate: &'a Aggregate,
    argument: Option<Bound>,
}

pub(super) fn summarize(
    table: Table,
    view: View<'_>,
    aggregates: &[(Option<String>, Aggregate)],
    by: &[Named],
) -> Result<Table, QueryError> {
    let mut unnamed = 0;
    let (mut columns, mut keys, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
    for named in by {
        let (bound, kind) = bind(&table.columns, &named.expr)?;
        if kind == Type::Dynamic {
            return Err(QueryError::dynamic("summarize", suggested(&named.expr)));
        }
        columns.push(Column { name: name_of(named, &mut unnamed), kind });
        keys.push(bound);
    }
    for (name, aggregate) in aggregates {
        let (output, column) = output(&table.columns, name.as_deref(), aggregate)?;
        columns.push(column);
        outputs.push(output);
    }
    let mut groups: Vec<(Vec<Value>, Vec<Row>)> = Vec::new();
    let mut places = HashMap::new();
    for row in table.rows {
        let values: Vec<Value> = keys.iter().map(|key| key.evaluate(row.seen_in(view)).into_owned()).collect();
        let place = *places.entry(key(values.iter())).or_insert(groups.len());
        if place == groups.len() {
            groups.push((values, Vec::new()));
        }
        groups[place].1.push(row);
    }
    if by.is_empty() && groups.is_empty() {
        // Without groups there is one result, also of nothing.
        groups.push((Vec::new(), Vec::new()));
    }
    let rows = groups.into_iter().map(|(values, rows)| {
        let worked_out = outputs.iter().map(|output| view.spent.keep(output.of(&rows, view)));
        Row::Values(values.into_iter().chain(worked_out).collect())
    });
    Ok(Table { columns, rows: rows.collect(), bytes: 0 })
}

fn output<'a>(
    columns: &[Column],
    name: Option<&str>,
    aggregate: &'a Aggregate,
) -> Result<(Output<'a>, Column), QueryError> {
    let (argument, kind) = match aggregate.argument() {
        None => (None, Type::Integer),
        Some(expr) => {
            let (bound, kind) = match aggregate {
                Aggregate::CountIf(_) => (condition(columns, expr)?, Type::Bool),
                _ => bind(columns, expr)?,
            };
            (Some(bound), kind)
        }
    };
    let kind = match aggregate {
        Aggregate::Count | Aggregate::CountIf(_) | Aggregate::DistinctCount(_) => Type::Integer,
        Aggregate::Avg(_) if kind == Type::Span => Type::Span,
        Aggregate::Avg(_) => Type::Real,
        Aggregate::MakeList(_) | Aggregate::MakeSet(_) => Type::Dynamic,
        Aggregate::Sum(_) | Aggregate::Min(_) | Aggregate::Max(_) | Aggregate::Any(_) => kind,
    };
    let about = aggregate.argument().and_then(suggested).unwrap_or_default();
    let name = name.map_or_else(|| format!("{}_{about}", aggregate.prefix()), str::to_owned);
    Ok((Output { aggregate, argument }, Column { name, kind }))
}

impl Output<'_> {
    fn of(&self, rows: &[Row], view: View<'_>) -> Value {
        let argument = |row: &Row| self.argument.as_ref().map(|expr| expr.evaluate(row.seen_in(view)).into_owned());
        let mut values = rows.iter().filter_map(argument).filter(|value| !value.is_null());
        match self.aggregate {
            Aggregate::Count => rows.len().into(),
            Aggregate::CountIf(_) => values.filter(|value| *value == Value::Bool(true)).count().into(),
            Aggregate::DistinctCount(_) => values.map(|value| value.to_string()).collect::<HashSet<_>>().len().into(),
            Aggregate::Sum(_) => value::from_number(values.filter_map(|value| value::number(&value)).sum()),
            Aggregate::Min(_) => values.min_by(value::order).unwrap_or_default(),
            Aggregate::Max(_) => values.max_by(value::order).unwrap_or_default(),
            Aggregate::Avg(_) => average(values.filter_map(|value| value::number(&value))),
            Aggregate::MakeList(_) => values.collect(),
            Aggregate::MakeSet(_) => {
                let mut seen = HashSet::new();
                values.filter(|value| seen.insert(value.to_string())).collect()
            }
            Aggregate::Any(_) => values.next().unwrap_or_default(),
        }
    }
}

fn average(numbers: impl Iterator<Item = f64>) -> Value {
    let (mut sum, mut count) = (0.0, 0.0);
    for number in numbers {
        sum += number;
        count += 1.0;
    }
    if count == 0.0 { Value::Null } else { Value::from(sum / count) }
}
