//! The matrix as text, a line for each fault: the word that most calls end with, and the calls that end otherwise.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::calls::Called;
use crate::cell::Judged;
use crate::faults::Variant;

pub(crate) struct Table<'a> {
    variants: &'a [Variant],
    columns: &'a [Called],
    cells: &'a [Judged],
}

impl<'a> Table<'a> {
    pub(crate) fn new(variants: &'a [Variant], columns: &'a [Called], cells: &'a [Judged]) -> Self {
        Self { variants, columns, cells }
    }

    pub(crate) fn sum(&self) -> String {
        let done = self.cells.iter().filter(|cell| cell.succeeded).count();
        let right = self.cells.iter().filter(|cell| cell.complaints.is_empty()).count();
        let (faults, calls, all) = (self.variants.len(), self.columns.len(), self.cells.len());
        let longest = self.cells.iter().max_by_key(|cell| cell.took);
        let longest =
            longest.map_or_else(String::new, |cell| format!("{:.1?} ({} at {})", cell.took, cell.fault, cell.column));
        format!(
            "{faults} faults × {calls} calls = {all} cells: {done} succeeded, {} failed as they should, {} wrong, \
             longest {longest}",
            right.saturating_sub(done),
            all - right
        )
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for variant in self.variants {
            let mut ends: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for called in self.columns {
                let column = called.name();
                let cell = self.cells.iter().find(|cell| cell.fault == variant.label && cell.column == column);
                ends.entry(cell.map_or("", |cell| cell.word.as_str())).or_default().push(column);
            }
            writeln!(text, "{}", variant.label).unwrap();
            for (end, routes) in ends {
                let routes = if routes.len() == self.columns.len() { "all".to_owned() } else { routes.join(", ") };
                writeln!(text, "    {end}: {routes}").unwrap();
            }
        }
        text
    }
}
