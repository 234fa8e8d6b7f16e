//! Random queries over random small fleets: the engine's answer is that of the plainest evaluation.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::Index;

use super::plain::{Cell, Condition, Expr, Kind, Step, Table};
use super::{Fleet, ask_of, cloud};

/// What every query begins with: name, how it is written, and what it holds.
const BASE: [(&str, &str, &str, Kind); 9] = [
    ("id", "id", "/id", Kind::Text),
    ("name", "name", "/name", Kind::Text),
    ("type", "type", "/type", Kind::Text),
    ("location", "location", "/location", Kind::Text),
    ("group", "resourceGroup", "/resourceGroup", Kind::Text),
    ("size", "tostring(properties.hardwareProfile.vmSize)", "/properties/hardwareProfile/vmSize", Kind::Text),
    (
        "disk",
        "toint(properties.storageProfile.osDisk.diskSizeGB)",
        "/properties/storageProfile/osDisk/diskSizeGB",
        Kind::Number,
    ),
    ("zones", "zones", "/zones", Kind::Other),
    ("parts", "properties.ipConfigurations", "/properties/ipConfigurations", Kind::Other),
];

const TYPES: [&str; 3] =
    ["microsoft.compute/virtualmachines", "Microsoft.Network/networkInterfaces", "microsoft.compute/disks"];
const TEXTS: [&str; 10] = [
    "web",
    "WEB-1",
    "-",
    "rg-a",
    "westeurope",
    "europe",
    "Standard_B1s",
    "D2s",
    "microsoft.compute/virtualmachines",
    "",
];
const WORDS: [&str; 6] = ["web", "DB", "nsg", "westeurope", "compute", "1"];
const NUMBERS: [i64; 5] = [0, 5, 8, 64, 127];

/// Decisions, one after the other; zeros when they run out, so that fewer make a simpler query.
struct Decisions<'d>(std::slice::Iter<'d, Index>);

impl Decisions<'_> {
    fn below(&mut self, bound: usize) -> usize {
        self.0.next().map_or(0, |index| index.index(bound))
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn column(&mut self, table: &Table, kind: Kind) -> Option<String> {
        let of_kind: Vec<_> = table.columns.iter().filter(|(_, known)| *known == kind).collect();
        (!of_kind.is_empty()).then(|| self.one(&of_kind).0.clone())
    }

    fn condition(&mut self, table: &Table, depth: usize) -> Condition {
        let text = self.column(table, Kind::Text).map(Expr::Column);
        let number = self.column(table, Kind::Number).map(Expr::Column);
        let inner = |decisions: &mut Self| Box::new(decisions.condition(table, depth + 1));
        match (self.below(if depth < 3 { 8 } else { 5 }), text, number) {
            (5, ..) => Condition::Not(inner(self)),
            (6, ..) => Condition::And(inner(self), inner(self)),
            (7, ..) => Condition::Or(inner(self), inner(self)),
            (0, Some(text), _) => Condition::Text("has", text, (*self.one(&WORDS)).to_owned()),
            (1, Some(text), _) => {
                Condition::In(text, vec![(*self.one(&TEXTS)).to_owned(), (*self.one(&TEXTS)).to_owned()])
            }
            (2, _, Some(number)) => Condition::Between(number, *self.one(&NUMBERS), *self.one(&NUMBERS)),
            (3, _, Some(number)) => Condition::Number(
                self.one::<&'static str>(&["==", "!=", "<", "<=", ">", ">="]),
                number,
                *self.one(&NUMBERS),
            ),
            (4, Some(expr), _) | (_, None, Some(expr)) => Condition::Empty(expr),
            (_, Some(text), _) => {
                let signs = ["==", "!=", "=~", "!~", "contains", "!contains", "contains_cs", "startswith", "endswith"];
                let text = if self.below(4) == 3 { Expr::Lower(Box::new(text)) } else { text };
                Condition::Text(self.one::<&'static str>(&signs), text, (*self.one(&TEXTS)).to_owned())
            }
            (_, None, None) => Condition::Number("==", Expr::Number(5), *self.one(&NUMBERS)),
        }
    }

    fn expr(&mut self, table: &Table) -> Expr {
        let text = self.column(table, Kind::Text).map(|name| Box::new(Expr::Column(name)));
        let number = self.column(table, Kind::Number).map(|name| Box::new(Expr::Column(name)));
        let other = self.column(table, Kind::Other);
        match (self.below(7), text, number, other) {
            (0, Some(text), ..) => Expr::Length(text),
            (1, Some(text), ..) => Expr::Lower(text),
            (2, Some(text), ..) => Expr::Joined(text, Box::new(Expr::Text((*self.one(&TEXTS)).to_owned()))),
            (3, _, Some(number), _) => Expr::Sum(number, Box::new(Expr::Number(*self.one(&NUMBERS)))),
            (4, .., Some(other)) => Expr::Name(other),
            (5, Some(text), ..) => {
                let condition = self.condition(table, 1);
                Expr::Choice(Box::new(condition), text, Box::new(Expr::Text("else".to_owned())))
            }
            _ => Expr::Number(*self.one(&NUMBERS)),
        }
    }

    /// `fresh` is a name that no column has yet. None where the table has no columns for what was decided.
    fn step(&mut self, table: &Table, whole: &Table, fresh: &str, joins: bool) -> Option<Step> {
        let sortable = |decisions: &mut Self| {
            let kind = *decisions.one(&[Kind::Text, Kind::Number]);
            decisions.column(table, kind)
        };
        Some(match self.below(if joins { 14 } else { 12 }) {
            0 | 1 => Step::Where(self.condition(table, 0)),
            2 => {
                let kept = table.columns.iter().map(|(name, _)| (name.clone(), Expr::Column(name.clone())));
                let mut kept: Vec<_> = kept.filter(|_| self.below(4) > 0).collect();
                kept.push((fresh.to_owned(), self.expr(table)));
                Step::Project(kept)
            }
            3 if table.columns.len() > 1 => Step::ProjectAway(self.one(&table.columns).0.clone()),
            3 | 4 => Step::Extend(fresh.to_owned(), self.expr(table)),
            5 => Step::Sort(vec![(sortable(self)?, self.below(2) == 0), (sortable(self)?, self.below(2) == 0)]),
            6 => Step::Take(self.below(7)),
            7 => Step::Top(self.below(7), sortable(self)?, self.below(2) == 0),
            8 => Step::Distinct(vec![sortable(self)?]),
            9 => self.summarize(table, fresh, None),
            10 => {
                let by = sortable(self)?;
                self.summarize(table, fresh, Some(by))
            }
            11 if self.below(3) == 2 => Step::Count,
            11 => {
                let column = self.column(table, Kind::Other)?;
                // In which order a bag's members come is not in what it looks like here.
                let bag = |row: &Vec<Cell>| matches!(row[table.at(&column)], Cell::Other(serde_json::Value::Object(_)));
                (!table.rows.iter().any(bag)).then_some(Step::Expand(column))?
            }
            _ => {
                let key = self.column(table, Kind::Text)?;
                let mut right = vec![Step::Take(1 + self.below(20))];
                let mut after = whole.after(&right[0], whole);
                if let Some(step) = self.step(&after, whole, "right", false) {
                    after = after.after(&step, whole);
                    right.push(step);
                }
                after.columns.contains(&(key.clone(), Kind::Text)).then_some(())?;
                Step::Join(self.one::<&'static str>(&["inner", "innerunique", "leftouter"]), right, key)
            }
        })
    }

    fn summarize(&mut self, table: &Table, fresh: &str, by: Option<String>) -> Step {
        let mut aggregates = vec![(format!("{fresh}n"), "count", String::new())];
        if let Some(column) = self.column(table, Kind::Number) {
            aggregates.push((
                format!("{fresh}s"),
                *self.one::<&'static str>(&["sum", "min", "max", "dcount", "make_list"]),
                column,
            ));
        }
        if let Some(column) = self.column(table, Kind::Text) {
            aggregates.push((
                format!("{fresh}t"),
                *self.one::<&'static str>(&["min", "max", "dcount", "make_set"]),
                column,
            ));
        }
        Step::Summarize(aggregates, by.into_iter().collect())
    }
}

fn quoted(text: &str) -> String {
    format!("'{text}'")
}

fn expr(of: &Expr) -> String {
    match of {
        Expr::Column(name) => name.clone(),
        Expr::Text(text) => quoted(text),
        Expr::Number(number) => number.to_string(),
        Expr::Lower(of) => format!("tolower({})", expr(of)),
        Expr::Length(of) => format!("strlen({})", expr(of)),
        Expr::Joined(one, other) => format!("strcat({}, {})", expr(one), expr(other)),
        Expr::Sum(one, other) => format!("{} + {}", expr(one), expr(other)),
        Expr::Name(column) => format!("tostring({column}.name)"),
        Expr::Choice(holds, yes, no) => format!("iff({}, {}, {})", condition(holds), expr(yes), expr(no)),
    }
}

fn condition(of: &Condition) -> String {
    match of {
        Condition::Text(sign, text, wanted) => format!("{} {sign} {}", expr(text), quoted(wanted)),
        Condition::Number(sign, number, wanted) => format!("{} {sign} {wanted}", expr(number)),
        Condition::In(text, list) => {
            format!("{} in ({})", expr(text), list.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
        }
        Condition::Between(number, low, high) => format!("{} between ({low} .. {high})", expr(number)),
        Condition::Empty(of) => format!("isempty({})", expr(of)),
        Condition::Not(inner) => format!("not({})", condition(inner)),
        Condition::And(one, other) => format!("({}) and ({})", condition(one), condition(other)),
        Condition::Or(one, other) => format!("({}) or ({})", condition(one), condition(other)),
    }
}

fn base() -> String {
    let columns: Vec<_> = BASE.iter().map(|(name, written, ..)| format!("{name} = {written}")).collect();
    format!("project {}", columns.join(", "))
}

fn step(of: &Step) -> String {
    let direction = |ascending: bool| if ascending { "asc" } else { "desc" };
    match of {
        Step::Where(holds) => format!("where {}", condition(holds)),
        Step::Project(named) => {
            let named: Vec<_> = named.iter().map(|(name, of)| format!("{name} = {}", expr(of))).collect();
            format!("project {}", named.join(", "))
        }
        Step::ProjectAway(name) => format!("project-away {name}"),
        Step::Extend(name, of) => format!("extend {name} = {}", expr(of)),
        Step::Sort(keys) => {
            let keys: Vec<_> = keys.iter().map(|(name, up)| format!("{name} {}", direction(*up))).collect();
            format!("sort by {}", keys.join(", "))
        }
        Step::Take(most) => format!("limit {most}"),
        Step::Top(most, name, up) => format!("top {most} by {name} {}", direction(*up)),
        Step::Count => "count".to_owned(),
        Step::Distinct(names) => format!("distinct {}", names.join(", ")),
        Step::Summarize(aggregates, by) => {
            let aggregates: Vec<_> =
                aggregates.iter().map(|(name, function, of)| format!("{name} = {function}({of})")).collect();
            let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
            format!("summarize {}{by}", aggregates.join(", "))
        }
        Step::Join(kind, right, key) => {
            let right =
                right.iter().fold(format!("resources | {}", base()), |text, of| format!("{text} | {}", step(of)));
            format!("join kind={kind} ({right}) on {key}")
        }
        Step::Expand(name) => format!("mv-expand {name}"),
    }
}

/// Up to six VMs that have much in common.
fn fleets() -> impl Strategy<Value = Fleet> {
    let vm = (0_usize..3, 0_usize..3, 0_usize..2, 0_usize..2, any::<bool>(), any::<bool>());
    prop::collection::vec(vm, 1..=6).prop_map(|vms| {
        let mut text = "[[subscriptions]]\nid = \"5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001\"\nname = \"A\"\n\
                        [[subscriptions]]\nid = \"8e2f6d14-77ab-4c1e-b0f2-3cc9d5a7e002\"\nname = \"B\"\n"
            .to_owned();
        for (number, (name, group, size, subscription, private_only, windows)) in vms.into_iter().enumerate() {
            writeln!(
                text,
                "[[vms]]\nname = \"{}-{number}\"\nresource_group = \"{}\"\nsize = \"{}\"\nsubscription = \"{}\"\n\
                 location = \"{}\"\nprivate_only = {private_only}\nos = \"{}\"\nports = [{{ number = 22 }}]",
                ["web", "Web", "db"][name],
                ["rg-a", "RG-b", "rg-(c)"][group],
                ["Standard_B1s", "Standard_D2s_v5"][size],
                ["A", "B"][subscription],
                ["westeurope", "northeurope"][subscription],
                if windows { "Windows" } else { "Linux" },
            )
            .unwrap();
        }
        text.parse().unwrap()
    })
}

fn whole(rows: &[serde_json::Value]) -> Table {
    let cell = |row: &serde_json::Value, (_, _, path, kind): &(&str, &str, &str, Kind)| {
        let value = row.pointer(path).cloned().unwrap_or_default();
        match kind {
            Kind::Text => Cell::Text(value.as_str().unwrap_or_default().to_owned()),
            Kind::Number => Cell::Number(value.as_i64()),
            Kind::Other => Cell::Other(value),
        }
    };
    Table {
        columns: BASE.iter().map(|(name, _, _, kind)| ((*name).to_owned(), *kind)).collect(),
        rows: rows.iter().map(|row| BASE.iter().map(|column| cell(row, column)).collect()).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_query_answers_what_its_steps_make_of_all_rows(
        fleet in fleets(),
        of_type in prop::option::of(prop::sample::select(&TYPES[..])),
        decisions in prop::collection::vec(any::<Index>(), 0..80),
    ) {
        let cloud = cloud(&fleet);
        let whole = whole(&ask_of(&cloud, "resources").unwrap());
        let mut decisions = Decisions(decisions.iter());
        let mut query = "resources".to_owned();
        let mut table = whole.clone();
        if let Some(of_type) = of_type {
            // Before anything else, where the engine leaves out what can't fit.
            write!(query, " | where type =~ '{of_type}'").unwrap();
            let name = Expr::Column("type".to_owned());
            table = table.after(&Step::Where(Condition::Text("=~", name, of_type.to_owned())), &whole);
        }
        write!(query, " | {}", base()).unwrap();
        let mut joins = 0;
        for number in 0..=decisions.below(5) {
            let Some(next) = decisions.step(&table, &whole, &format!("x{number}"), joins < 2) else { continue };
            joins += usize::from(matches!(next, Step::Join(..)));
            write!(query, "\n| {}", step(&next)).unwrap();
            table = table.after(&next, &whole);
        }
        let answer = ask_of(&cloud, &query);
        prop_assert!(answer.is_ok(), "{query}\n{answer:?}");
        prop_assert_eq!(answer.unwrap(), table.objects(), "{}", query);
    }
}
