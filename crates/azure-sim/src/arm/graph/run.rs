//! Takes a query's steps one after the other.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::json::Value;

use super::QueryError;
use super::aggregate;
use super::bound::{Bound, Column, Type, bind, column, condition, name_of, suggested};
use super::function;
use super::limits::check_records;
use super::pattern::{self, Parse};
use super::row::{Joined, Layer, Row, With};
use super::source::{View, columns, is_about_type};
use super::syntax::{Expr, JoinKind, Named, Query, SortKey, Step, Union};
use super::union;
use super::value;

/// A result under way.
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// What has been made of expressions until now, roughly.
    pub(super) bytes: usize,
}

/// Gives the rows of a table; the steps say which of them can be left out.
pub(super) type Tables<'t> = &'t dyn Fn(&str, &[Step]) -> Result<Vec<Row>, QueryError>;

/// Resource Graph takes no more joins than this in one query.
const MOST_JOINS: usize = 3;
/// And no more of these.
const MOST_EXPANSIONS: usize = 3;
/// And no more legs of unions.
const MOST_LEGS: usize = 3;

pub(super) fn run(query: &Query, view: View<'_>, tables: Tables<'_>) -> Result<Table, QueryError> {
    check_limits(query)?;
    let table = Table { columns: columns(), rows: tables(&query.table, &query.steps)?, bytes: 0 };
    // The rows are of the types that the first conditions admit.
    let holds_already = |step: &&Step| matches!(step, Step::Where(expr) if is_about_type(expr));
    let known = if query.table.eq_ignore_ascii_case("resources") {
        query.steps.iter().take_while(holds_already).count()
    } else {
        0
    };
    query.steps[known..].iter().try_fold(table, |table, step| {
        let table = table.step(step, view, tables)?;
        view.spent.check()?;
        // Records take up some room of their own.
        let bytes = view.spent.bytes() + table.rows.len() * size_of::<Row>() * 4;
        Ok(Table { bytes, ..table })
    })
}

/// Whether it has no more joins and unions than may be.
fn check_limits(query: &Query) -> Result<(), QueryError> {
    let joins = query.steps.iter().filter(|step| matches!(step, Step::Join { .. })).count();
    if joins > MOST_JOINS {
        return Err(QueryError::semantic(format!("a query can have {MOST_JOINS} joins, and this one has {joins}")));
    }
    let expansions = query.steps.iter().filter(|step| matches!(step, Step::MvExpand { .. })).count();
    if expansions > MOST_EXPANSIONS {
        return Err(QueryError::semantic(format!(
            "a query can have {MOST_EXPANSIONS} mv-expand operators, and this one has {expansions}"
        )));
    }
    let legs = |step: &Step| if let Step::Union(union) = step { union.legs.len() } else { 0 };
    let legs: usize = query.steps.iter().map(legs).sum();
    if legs > MOST_LEGS {
        return Err(QueryError::semantic(format!("a query can have {MOST_LEGS} union legs, and this one has {legs}")));
    }
    Ok(())
}

impl Table {
    fn step(mut self, step: &Step, view: View<'_>, tables: Tables<'_>) -> Result<Self, QueryError> {
        match step {
            Step::Where(expr) => {
                let holds = condition(&self.columns, expr)?;
                self.rows.retain(|row| holds.holds(row.seen_in(view)));
                Ok(self)
            }
            Step::Project(named) => self.project(named),
            Step::ProjectAway(names) => self.project_away(names),
            Step::ProjectKeep(names) => self.project_keep(names),
            Step::ProjectRename(names) => self.project_rename(names),
            Step::Extend(named) => self.extend(named),
            Step::Distinct(named) => self.distinct(named, view),
            Step::OrderBy(keys) => self.order(keys, view),
            Step::Take(rows) => {
                self.rows.truncate(*rows);
                Ok(self)
            }
            Step::Top(rows, key) => {
                let mut sorted = self.order(std::slice::from_ref(key), view)?;
                sorted.rows.truncate(*rows);
                Ok(sorted)
            }
            Step::Count => {
                let columns = vec![Column { name: "Count".to_owned(), kind: Type::Integer }];
                Ok(Self { columns, rows: vec![Row::Values(Arc::new([self.rows.len().into()]))], bytes: 0 })
            }
            Step::Summarize { aggregates, by } => aggregate::summarize(self, view, aggregates, by),
            Step::Join { kind, right, on } => self.join(*kind, run(right, view, tables)?, on, view),
            Step::MvExpand { column, kind, limit } => self.expand(column, *kind, *limit, view),
            Step::Parse(parse) => self.parse(parse),
            Step::Union(union) => self.union(union, view, tables),
        }
    }

    fn union(self, union: &Union, view: View<'_>, tables: Tables<'_>) -> Result<Self, QueryError> {
        let leg = |query: &Query| run(query, view, tables);
        union::union(self, union.legs.iter().map(leg).collect::<Result<_, _>>()?, union)
    }

    /// As it goes out: spans of time as text.
    pub(super) fn shown(self) -> Self {
        if self.columns.iter().all(|column| column.kind != Type::Span) {
            return self;
        }
        let shown = |(at, column): (usize, &Column)| match column.kind {
            Type::Span => Bound::Call(function::SPAN_TEXT, vec![Bound::Column(at)]),
            _ => Bound::Column(at),
        };
        let exprs = self.columns.iter().enumerate().map(shown).collect();
        let (columns, bytes) = (self.columns.clone(), self.bytes);
        Self { bytes, ..self.computed(columns, exprs) }
    }

    /// The same rows with other cells.
    pub(super) fn computed(self, columns: Vec<Column>, exprs: Vec<Bound>) -> Self {
        let layer = Layer::new(exprs);
        let rows = self.rows.into_iter().map(|row| Row::computed(row, &layer)).collect();
        Self { columns, rows, bytes: 0 }
    }

    fn project(self, named: &[Named]) -> Result<Self, QueryError> {
        let (mut columns, mut exprs): (Vec<Column>, _) = (Vec::new(), Vec::new());
        let mut unnamed = 0;
        for one in named {
            let (bound, kind) = bind(&self.columns, &one.expr)?;
            let name = name_of(one, &mut unnamed);
            if columns.iter().any(|column| column.name == name) {
                return Err(QueryError::semantic(format!("project: there would be two columns named '{name}'")));
            }
            columns.push(Column { name, kind });
            exprs.push(bound);
        }
        Ok(self.computed(columns, exprs))
    }

    fn project_away(self, names: &[String]) -> Result<Self, QueryError> {
        for name in names {
            column(&self.columns, name)?;
        }
        Ok(self.keep(|name| !names.iter().any(|known| known == name)))
    }

    /// In the order that they have.
    fn project_keep(self, names: &[String]) -> Result<Self, QueryError> {
        for name in names {
            column(&self.columns, name)?;
        }
        Ok(self.keep(|name| names.iter().any(|known| known == name)))
    }

    /// The columns whose names are wanted.
    fn keep(self, wanted: impl Fn(&str) -> bool) -> Self {
        let kept: Vec<_> = (0..self.columns.len()).filter(|at| wanted(&self.columns[*at].name)).collect();
        let columns = kept.iter().map(|at| self.columns[*at].clone()).collect();
        self.computed(columns, kept.into_iter().map(Bound::Column).collect())
    }

    fn project_rename(mut self, names: &[(String, String)]) -> Result<Self, QueryError> {
        for (new, old) in names {
            let at = column(&self.columns, old)?;
            if self.columns.iter().any(|known| known.name == *new) {
                return Err(QueryError::semantic(format!("project-rename: there would be two columns named '{new}'")));
            }
            self.columns[at].name.clone_from(new);
        }
        Ok(self)
    }

    fn extend(self, named: &[Named]) -> Result<Self, QueryError> {
        let mut columns = self.columns.clone();
        let mut exprs: Vec<Bound> = (0..columns.len()).map(Bound::Column).collect();
        let mut unnamed = 0;
        for one in named {
            // Each sees the columns as they were before, not its neighbours.
            let (bound, kind) = bind(&self.columns, &one.expr)?;
            set(&mut columns, &mut exprs, Column { name: name_of(one, &mut unnamed), kind }, bound);
        }
        Ok(self.computed(columns, exprs))
    }

    fn parse(self, parse: &Parse) -> Result<Self, QueryError> {
        let (of, _) = bind(&self.columns, &parse.of)?;
        let mut columns = self.columns.clone();
        let mut exprs: Vec<Bound> = (0..columns.len()).map(Bound::Column).collect();
        for (column, expr) in parse.pattern()?.columns(&of) {
            set(&mut columns, &mut exprs, column, expr);
        }
        Ok(self.computed(columns, exprs))
    }

    fn distinct(self, named: &[Named], view: View<'_>) -> Result<Self, QueryError> {
        let projected = if named.is_empty() { self } else { self.project(named)? };
        let width = projected.columns.len();
        let mut seen = HashSet::new();
        let mut rows = projected.rows;
        rows.retain(|row| seen.insert(key((0..width).map(|at| row.seen_in(view).get(at)))));
        Ok(Self { columns: projected.columns, rows, bytes: 0 })
    }

    fn order(mut self, keys: &[SortKey], view: View<'_>) -> Result<Self, QueryError> {
        let mut bound = Vec::new();
        for key in keys {
            let (expr, kind) = bind(&self.columns, &key.expr)?;
            if kind == Type::Dynamic {
                return Err(QueryError::dynamic("order by", suggested(&key.expr)));
            }
            bound.push((expr, key));
        }
        let values = |row: &Row| {
            let values = bound.iter().map(|(expr, _)| expr.evaluate(row.seen_in(view)).into_owned());
            values.collect::<Vec<_>>()
        };
        let mut rows: Vec<_> = self.rows.into_iter().map(|row| (values(&row), row)).collect();
        rows.sort_by(|(one, _), (other, _)| {
            let compared = one.iter().zip(other).zip(&bound).map(|((one, other), (_, key))| match key.nulls_first {
                Some(first) if one.is_null() != other.is_null() => {
                    if one.is_null() == first {
                        Ordering::Less
                    } else {
                        Ordering::Greater
                    }
                }
                _ if key.ascending => value::order(one, other),
                _ => value::order(other, one),
            });
            compared.fold(Ordering::Equal, Ordering::then)
        });
        self.rows = rows.into_iter().map(|(_, row)| row).collect();
        Ok(self)
    }

    fn join(self, kind: JoinKind, right: Self, on: &[(String, String)], view: View<'_>) -> Result<Self, QueryError> {
        let (mut left_keys, mut right_keys) = (Vec::new(), Vec::new());
        for (left, other) in on {
            left_keys.push(key_column(&self.columns, left)?);
            right_keys.push(key_column(&right.columns, other)?);
        }
        // In the order of the rows; those that have found one are told apart from those that have not.
        let mut partners: HashMap<String, Partners> = HashMap::new();
        for (number, row) in right.rows.into_iter().enumerate() {
            let key = key(right_keys.iter().map(|at| row.seen_in(view).get(*at)));
            partners.entry(key).or_default().rows.push((number, row));
        }
        let nothing = |columns: &[Column]| Row::nothing(columns.iter().map(|column| column.kind));
        let (no_left, no_right) = (nothing(&self.columns), nothing(&right.columns));
        let width = self.columns.len();
        let joined =
            |left: &Row, right: &Row| Row::Joined(Arc::new(Joined { left: left.clone(), width, right: right.clone() }));
        let (mut rows, mut seen) = (Vec::new(), HashSet::new());
        for left in self.rows {
            let key = key(left_keys.iter().map(|at| left.seen_in(view).get(*at)));
            if kind == JoinKind::InnerUnique && !seen.insert(key.clone()) {
                continue;
            }
            match partners.get_mut(&key) {
                Some(found) => {
                    check_records(rows.len() + found.rows.len())?;
                    rows.extend(found.rows.iter().map(|(_, right)| joined(&left, right)));
                    found.met = true;
                }
                None if matches!(kind, JoinKind::LeftOuter | JoinKind::FullOuter) => {
                    rows.push(joined(&left, &no_right));
                }
                None => {}
            }
        }
        if kind == JoinKind::FullOuter {
            let mut alone: Vec<_> =
                partners.into_values().filter(|partners| !partners.met).flat_map(|partners| partners.rows).collect();
            alone.sort_by_key(|(number, _)| *number);
            check_records(rows.len() + alone.len())?;
            rows.extend(alone.iter().map(|(_, right)| joined(&no_left, right)));
        }
        Ok(Self { columns: joined_columns(self.columns, right.columns), rows, bytes: 0 })
    }

    fn expand(self, named: &Named, wanted: Option<Type>, limit: usize, view: View<'_>) -> Result<Self, QueryError> {
        let (bound, kind) = bind(&self.columns, &named.expr)?;
        if kind != Type::Dynamic {
            return Err(QueryError::semantic(format!("mv-expand: a value of type {} has no parts", kind.name())));
        }
        let column = Column { name: name_of(named, &mut 0), kind: wanted.unwrap_or(kind) };
        let mut columns = self.columns.clone();
        let at = columns.iter().position(|known| known.name == column.name).unwrap_or(columns.len());
        columns.splice(at..columns.len().min(at + 1), [column]);
        let converted =
            |part: Value| wanted.map_or_else(|| part.clone(), |kind| pattern::convert(&value::text(&part), kind));
        let mut rows = Vec::new();
        for row in &self.rows {
            let parts = match bound.evaluate(row.seen_in(view)).into_owned() {
                Value::Array(items) if !items.is_empty() => items,
                Value::Array(_) => vec![Value::Null],
                Value::Object(fields) => fields.into_iter().map(|field| Value::Object(vec![field])).collect(),
                other => vec![other],
            };
            check_records(rows.len() + parts.len().min(limit))?;
            let with = |part| {
                let value = view.spent.keep(converted(part));
                Row::With(Arc::new(With { below: row.clone(), at, value }))
            };
            rows.extend(parts.into_iter().take(limit).map(with));
        }
        Ok(Self { columns, rows, bytes: 0 })
    }
}

/// Adds the column, or puts it in the place of the one of its name.
fn set(columns: &mut Vec<Column>, exprs: &mut Vec<Bound>, column: Column, expr: Bound) {
    if let Some(at) = columns.iter().position(|known| known.name == column.name) {
        (columns[at], exprs[at]) = (column, expr);
    } else {
        columns.push(column);
        exprs.push(expr);
    }
}

/// Right rows of a join with the same key.
#[derive(Default)]
struct Partners {
    rows: Vec<(usize, Row)>,
    /// Whether a left row has that key.
    met: bool,
}

/// What makes rows belong together, as one text.
pub(super) fn key(values: impl Iterator<Item = impl Borrow<Value>>) -> String {
    let mut key = String::new();
    for value in values {
        let value = value.borrow();
        if let Value::String(text) = value {
            // Its length tells where it ends, whatever is in it.
            key.push_str(&text.len().to_string());
            key.push(':');
            key.push_str(text);
        } else {
            key.push_str(&value.to_string());
        }
        key.push(',');
    }
    key
}

fn key_column(columns: &[Column], name: &str) -> Result<usize, QueryError> {
    let at = column(columns, name)?;
    if columns[at].kind == Type::Dynamic {
        return Err(QueryError::dynamic("join", suggested(&Expr::Column(name.to_owned()))));
    }
    Ok(at)
}

/// A column of the right side whose name is taken gets a number at its end.
fn joined_columns(mut columns: Vec<Column>, right: Vec<Column>) -> Vec<Column> {
    for column in right {
        let mut name = column.name.clone();
        let mut number = 0;
        while columns.iter().any(|known| known.name == name) {
            number += 1;
            name = format!("{}{number}", column.name);
        }
        columns.push(Column { name, kind: column.kind });
    }
    columns
}
