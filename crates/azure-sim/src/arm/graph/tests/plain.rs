//! A query as a list of steps that is worked out in the plainest way: every row with every cell, one step after the other.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// A cell: what is no text and no number stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Number(Option<i64>),
    Other(Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    /// A list, or a part of one.
    Other,
}

#[derive(Clone, Debug)]
pub(super) enum Expr {
    Column(String),
    Text(String),
    Number(i64),
    Lower(Box<Expr>),
    Length(Box<Expr>),
    Joined(Box<Expr>, Box<Expr>),
    Sum(Box<Expr>, Box<Expr>),
    /// Of a part of a list, as text.
    Name(String),
    Choice(Box<Condition>, Box<Expr>, Box<Expr>),
}

#[derive(Clone, Debug)]
pub(super) enum Condition {
    Text(&'static str, Expr, String),
    Number(&'static str, Expr, i64),
    In(Expr, Vec<String>),
    Between(Expr, i64, i64),
    Empty(Expr),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Where(Condition),
    Project(Vec<(String, Expr)>),
    ProjectAway(String),
    Extend(String, Expr),
    Sort(Vec<(String, bool)>),
    Take(usize),
    Top(usize, String, bool),
    Count,
    Distinct(Vec<String>),
    /// Name, function and argument of each, then what to group by.
    Summarize(Vec<(String, &'static str, String)>, Vec<String>),
    Join(&'static str, Vec<Step>, String),
    Expand(String),
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) columns: Vec<(String, Kind)>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Other(Value::String(text)) => text.clone(),
            Self::Number(number) => number.map(|number| number.to_string()).unwrap_or_default(),
            Self::Other(Value::Null) => String::new(),
            Self::Other(other) => panic!("{other} is not turned into a text here"),
        }
    }

    fn number(&self) -> Option<i64> {
        if let Self::Number(number) = self { *number } else { panic!("{self:?} is no number") }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
            Self::Other(other) => other.clone(),
        }
    }

    fn nothing(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(String::new()),
            Kind::Number => Self::Number(None),
            Kind::Other => Self::Other(Value::Null),
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Number(one), Self::Number(other)) => one.cmp(other),
            _ => panic!("{self:?} and {other:?} are not sorted here"),
        }
    }
}

impl Expr {
    pub(super) fn kind(&self, table: &Table) -> Kind {
        match self {
            Self::Column(name) => table.columns[table.at(name)].1,
            Self::Text(_) | Self::Lower(_) | Self::Joined(..) | Self::Name(_) => Kind::Text,
            Self::Number(_) | Self::Length(_) | Self::Sum(..) => Kind::Number,
            Self::Choice(_, first, _) => first.kind(table),
        }
    }

    fn of(&self, table: &Table, row: &[Cell]) -> Cell {
        match self {
            Self::Column(name) => row[table.at(name)].clone(),
            Self::Text(text) => Cell::Text(text.clone()),
            Self::Number(number) => Cell::Number(Some(*number)),
            Self::Lower(of) => Cell::Text(of.of(table, row).text().to_lowercase()),
            Self::Length(of) => Cell::Number(Some(i64::try_from(of.of(table, row).text().len()).unwrap())),
            Self::Joined(one, other) => Cell::Text(one.of(table, row).text() + &other.of(table, row).text()),
            Self::Sum(one, other) => {
                let both = one.of(table, row).number().zip(other.of(table, row).number());
                Cell::Number(both.map(|(one, other)| one + other))
            }
            Self::Name(column) => {
                let Cell::Other(part) = &row[table.at(column)] else { panic!("{column} is no part") };
                Cell::Text(part["name"].as_str().unwrap_or_default().to_owned())
            }
            Self::Choice(condition, yes, no) => if condition.holds(table, row) { yes } else { no }.of(table, row),
        }
    }
}

impl Condition {
    fn holds(&self, table: &Table, row: &[Cell]) -> bool {
        match self {
            Self::Text(sign, expr, wanted) => {
                let text = expr.of(table, row).text();
                let (low, low_wanted) = (text.to_lowercase(), wanted.to_lowercase());
                match *sign {
                    "==" => text == *wanted,
                    "!=" => text != *wanted,
                    "=~" => low == low_wanted,
                    "!~" => low != low_wanted,
                    "contains" => low.contains(&low_wanted),
                    "!contains" => !low.contains(&low_wanted),
                    "contains_cs" => text.contains(wanted),
                    "startswith" => low.starts_with(&low_wanted),
                    "endswith" => low.ends_with(&low_wanted),
                    // The words here are of letters and digits.
                    "has" => low.split(|c: char| !c.is_alphanumeric()).any(|word| word == low_wanted),
                    other => panic!("{other}"),
                }
            }
            Self::Number(sign, expr, wanted) => {
                let number = expr.of(table, row).number();
                match *sign {
                    "==" => number == Some(*wanted),
                    "!=" => number != Some(*wanted),
                    "<" => number.is_some_and(|number| number < *wanted),
                    "<=" => number.is_some_and(|number| number <= *wanted),
                    ">" => number.is_some_and(|number| number > *wanted),
                    ">=" => number.is_some_and(|number| number >= *wanted),
                    other => panic!("{other}"),
                }
            }
            Self::In(expr, list) => list.contains(&expr.of(table, row).text()),
            Self::Between(expr, low, high) => {
                expr.of(table, row).number().is_some_and(|number| (*low..=*high).contains(&number))
            }
            Self::Empty(expr) => {
                matches!(expr.of(table, row).json(), Value::Null) || expr.of(table, row).text().is_empty()
            }
            Self::Not(inner) => !inner.holds(table, row),
            Self::And(one, other) => one.holds(table, row) && other.holds(table, row),
            Self::Or(one, other) => one.holds(table, row) || other.holds(table, row),
        }
    }
}

impl Table {
    pub(super) fn at(&self, name: &str) -> usize {
        self.columns.iter().position(|(known, _)| known == name).unwrap_or_else(|| panic!("no column {name}"))
    }

    pub(super) fn objects(&self) -> Vec<Value> {
        let object = |row: &Vec<Cell>| {
            let members = self.columns.iter().zip(row).map(|((name, _), cell)| (name.clone(), cell.json()));
            Value::Object(members.collect::<Map<_, _>>())
        };
        self.rows.iter().map(object).collect()
    }

    /// The table after this step; `whole` is what every query begins with.
    pub(super) fn after(&self, step: &Step, whole: &Self) -> Self {
        let mut table = self.clone();
        match step {
            Step::Where(condition) => table.rows.retain(|row| condition.holds(self, row)),
            Step::Project(named) => return self.projected(named),
            Step::ProjectAway(name) => {
                let at = self.at(name);
                table.columns.remove(at);
                table.rows.iter_mut().for_each(|row| drop(row.remove(at)));
            }
            Step::Extend(name, expr) => {
                table.columns.push((name.clone(), expr.kind(self)));
                table.rows.iter_mut().for_each(|row| row.push(expr.of(self, row)));
            }
            Step::Sort(keys) => table.sort(keys),
            Step::Take(most) => table.rows.truncate(*most),
            Step::Top(most, key, ascending) => {
                table.sort(&[(key.clone(), *ascending)]);
                table.rows.truncate(*most);
            }
            Step::Count => {
                let count = Cell::Number(Some(i64::try_from(self.rows.len()).unwrap()));
                return Self { columns: vec![("Count".to_owned(), Kind::Number)], rows: vec![vec![count]] };
            }
            Step::Distinct(columns) => {
                let named: Vec<_> = columns.iter().map(|name| (name.clone(), Expr::Column(name.clone()))).collect();
                table = self.projected(&named);
                let mut kept: Vec<Vec<Cell>> = Vec::new();
                for row in table.rows {
                    if !kept.contains(&row) {
                        kept.push(row);
                    }
                }
                table.rows = kept;
            }
            Step::Summarize(aggregates, by) => return self.summarized(aggregates, by),
            Step::Join(kind, right, key) => {
                let right = right.iter().fold(whole.clone(), |table, step| table.after(step, whole));
                return self.joined(kind, &right, key);
            }
            Step::Expand(name) => {
                let at = self.at(name);
                table.rows.clear();
                for row in &self.rows {
                    let parts = match &row[at] {
                        Cell::Other(Value::Array(parts)) if !parts.is_empty() => parts.clone(),
                        Cell::Other(Value::Array(_)) => vec![Value::Null],
                        scalar => vec![scalar.json()],
                    };
                    table.rows.extend(parts.into_iter().map(|part| {
                        let mut row = row.clone();
                        row[at] = Cell::Other(part);
                        row
                    }));
                }
            }
        }
        table
    }

    fn projected(&self, named: &[(String, Expr)]) -> Self {
        let columns = named.iter().map(|(name, expr)| (name.clone(), expr.kind(self))).collect();
        let row = |row: &Vec<Cell>| named.iter().map(|(_, expr)| expr.of(self, row)).collect();
        Self { columns, rows: self.rows.iter().map(row).collect() }
    }

    fn sort(&mut self, keys: &[(String, bool)]) {
        let keys: Vec<_> = keys.iter().map(|(name, ascending)| (self.at(name), *ascending)).collect();
        self.rows.sort_by(|one, other| {
            let orders = keys.iter().map(|(at, ascending)| {
                let order = one[*at].order(&other[*at]);
                if *ascending { order } else { order.reverse() }
            });
            orders.fold(Ordering::Equal, Ordering::then)
        });
    }

    fn summarized(&self, aggregates: &[(String, &'static str, String)], by: &[String]) -> Self {
        let keys: Vec<_> = by.iter().map(|name| self.at(name)).collect();
        let key = |row: &Vec<Cell>| keys.iter().map(|at| row[*at].clone()).collect::<Vec<_>>();
        let mut groups: Vec<Vec<Cell>> = Vec::new();
        for row in &self.rows {
            if !groups.contains(&key(row)) {
                groups.push(key(row));
            }
        }
        if by.is_empty() {
            groups = vec![Vec::new()];
        }
        let mut columns: Vec<_> = keys.iter().map(|at| self.columns[*at].clone()).collect();
        for (name, function, argument) in aggregates {
            let kind = match *function {
                "min" | "max" => self.columns[self.at(argument)].1,
                "make_set" | "make_list" => Kind::Other,
                _ => Kind::Number,
            };
            columns.push((name.clone(), kind));
        }
        let row = |group: &Vec<Cell>| {
            let rows: Vec<_> = self.rows.iter().filter(|row| key(row) == *group).collect();
            let worked_out = aggregates.iter().map(|(_, function, argument)| self.aggregate(function, argument, &rows));
            group.iter().cloned().chain(worked_out).collect()
        };
        Self { columns, rows: groups.iter().map(row).collect() }
    }

    fn aggregate(&self, function: &str, argument: &str, rows: &[&Vec<Cell>]) -> Cell {
        let whole = |number: usize| Cell::Number(Some(i64::try_from(number).unwrap()));
        if function == "count" {
            return whole(rows.len());
        }
        let at = self.at(argument);
        let values: Vec<_> = rows.iter().map(|row| row[at].clone()).filter(|cell| !cell.json().is_null()).collect();
        let mut different: Vec<Value> = Vec::new();
        for value in &values {
            if !different.contains(&value.json()) {
                different.push(value.json());
            }
        }
        // The least and the greatest of nothing are null, also where texts are never null.
        let or_null = |cell: Option<Cell>| match self.columns[at].1 {
            Kind::Number => cell.unwrap_or(Cell::Number(None)),
            Kind::Text | Kind::Other => cell.unwrap_or(Cell::Other(Value::Null)),
        };
        match function {
            "dcount" => whole(different.len()),
            "sum" => Cell::Number(Some(values.iter().filter_map(Cell::number).sum())),
            "min" => or_null(values.into_iter().min_by(Cell::order)),
            "max" => or_null(values.into_iter().max_by(Cell::order)),
            "make_set" => Cell::Other(different.into()),
            "make_list" => Cell::Other(values.iter().map(Cell::json).collect()),
            other => panic!("{other}"),
        }
    }

    fn joined(&self, kind: &str, right: &Self, key: &str) -> Self {
        let (left_key, right_key) = (self.at(key), right.at(key));
        let mut columns = self.columns.clone();
        for (name, kind) in &right.columns {
            let is_free = |wanted: &String| columns.iter().all(|(known, _)| known != wanted);
            let mut numbered = (1..).map(|number| format!("{name}{number}"));
            let free = std::iter::once(name.clone()).chain(&mut numbered).find(is_free).unwrap();
            columns.push((free, *kind));
        }
        let (mut rows, mut seen) = (Vec::new(), Vec::new());
        for left in &self.rows {
            if kind == "innerunique" {
                if seen.contains(&left[left_key]) {
                    continue;
                }
                seen.push(left[left_key].clone());
            }
            let mut partners: Vec<_> =
                right.rows.iter().filter(|row| row[right_key] == left[left_key]).cloned().collect();
            if partners.is_empty() && kind == "leftouter" {
                partners.push(right.columns.iter().map(|(_, kind)| Cell::nothing(*kind)).collect());
            }
            rows.extend(partners.into_iter().map(|partner| [left.clone(), partner].concat()));
        }
        Self { columns, rows }
    }
}
