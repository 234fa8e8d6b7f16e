//! `summarize`: groups of rows, and what is worked out of each.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use crate::json::Value;

use super::QueryError;
use super::bound::{Bound, Column, Type, bind, condition, name_of, suggested};
use super::row::Row;
use super::run::{Table, key};
use super::source::View;
use super::syntax::{Aggregate, Expr, Named};
use super::value;

/// One result column: how it is made of a group's rows.
enum Output<'a> {
    Of {
        aggregate: &'a Aggregate,
        argument: Option<Bound>,
    },
    /// What is shown of the row in which something is largest, or least.
    At {
        of: Bound,
        most: bool,
        shown: Bound,
    },
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
        if let Aggregate::At { of, most, shown } = aggregate {
            for (shown, column) in shown_at(&table.columns, name.as_deref(), of, shown.as_deref(), &columns)? {
                columns.push(column);
                outputs.push(Output::At { of: bind(&table.columns, of)?.0, most: *most, shown });
            }
            continue;
        }
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

/// The columns of `arg_max(of, shown)`: first what is compared, then what else is shown of that row. Those that `taken` has
/// already are not shown again.
fn shown_at(
    columns: &[Column],
    name: Option<&str>,
    of: &Expr,
    shown: Option<&[Expr]>,
    taken: &[Column],
) -> Result<Vec<(Bound, Column)>, QueryError> {
    let mut all = Vec::new();
    let mut add = |expr: &Expr, name: Option<&str>| {
        let (bound, kind) = bind(columns, expr)?;
        let name = name.map(str::to_owned).or_else(|| suggested(expr)).unwrap_or_else(|| "arg_".to_owned());
        let is_new = |known: &Column| known.name != name;
        if taken.iter().all(is_new) && all.iter().all(|(_, known)| is_new(known)) {
            all.push((bound, Column { name, kind }));
        }
        Ok::<_, QueryError>(())
    };
    add(of, name)?;
    match shown {
        Some(exprs) => exprs.iter().try_for_each(|expr| add(expr, None))?,
        None => columns.iter().try_for_each(|column| add(&Expr::Column(column.name.clone()), None))?,
    }
    Ok(all)
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
        Aggregate::Sum(_) | Aggregate::Min(_) | Aggregate::Max(_) | Aggregate::Any(_) | Aggregate::At { .. } => kind,
    };
    let about = aggregate.argument().and_then(suggested).unwrap_or_default();
    let name = name.map_or_else(|| format!("{}_{about}", aggregate.prefix()), str::to_owned);
    Ok((Output::Of { aggregate, argument }, Column { name, kind }))
}

impl Output<'_> {
    fn of(&self, rows: &[Row], view: View<'_>) -> Value {
        let (aggregate, argument) = match self {
            Self::Of { aggregate, argument } => (aggregate, argument),
            Self::At { of, most, shown } => return extreme(rows, of, *most, shown, view),
        };
        let argument = |row: &Row| argument.as_ref().map(|expr| expr.evaluate(row.seen_in(view)).into_owned());
        let mut values = rows.iter().filter_map(argument).filter(|value| !value.is_null());
        match aggregate {
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
            Aggregate::Any(_) | Aggregate::At { .. } => values.next().unwrap_or_default(),
        }
    }
}

/// What is shown of the first row in which `of` is largest, or least.
fn extreme(rows: &[Row], of: &Bound, most: bool, shown: &Bound, view: View<'_>) -> Value {
    let wanted = if most { Ordering::Greater } else { Ordering::Less };
    let values = rows.iter().map(|row| (of.evaluate(row.seen_in(view)), row)).filter(|(value, _)| !value.is_null());
    let found = values.reduce(|best, one| if value::order(&one.0, &best.0) == wanted { one } else { best });
    found.map_or(Value::Null, |(_, row)| shown.evaluate(row.seen_in(view)).into_owned())
}

fn average(numbers: impl Iterator<Item = f64>) -> Value {
    let (mut sum, mut count) = (0.0, 0.0);
    for number in numbers {
        sum += number;
        count += 1.0;
    }
    if count == 0.0 { Value::Null } else { Value::from(sum / count) }
}
