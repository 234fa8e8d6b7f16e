//! The matrix as text, a line for each fault: the word that most calls end with, and the calls that end otherwise.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::calls::{Called, Came};
use crate::cell::Cell;
use crate::faults::Variant;

pub(crate) struct Table<'a> {
    variants: &'a [Variant],
    columns: &'a [Called],
    cells: &'a [Cell],
}

impl<'a> Table<'a> {
    pub(crate) fn new(variants: &'a [Variant], columns: &'a [Called], cells: &'a [Cell]) -> Self {
        Self { variants, columns, cells }
    }

    pub(crate) fn sum(&self) -> String {
        let done = self.cells.iter().filter(|cell| matches!(cell.end, Ok(Came::Done | Came::Granted))).count();
        let right = self.cells.iter().filter(|cell| cell.complaints().is_empty()).count();
        let (faults, calls, all) = (self.variants.len(), self.columns.len(), self.cells.len());
        let failed =
            self.cells.iter().filter(|cell| matches!(cell.end, Ok(Came::Failed(_) | Came::Unanswered(_)))).count();
        let longest = self.cells.iter().map(|cell| cell.took).max().unwrap_or_default();
        format!(
            "{faults} faults × {calls} calls = {all} cells: {done} succeeded, {failed} failed as they should, {} wrong, \
             longest {longest:.1?}",
            all - right
        )
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for variant in self.variants {
            let mut ends: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for called in self.columns {
                let cell = self.cells.iter().find(|cell| cell.fault == variant.label && cell.called == *called);
                ends.entry(cell.map_or_else(String::new, Cell::word)).or_default().push(called.route());
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
