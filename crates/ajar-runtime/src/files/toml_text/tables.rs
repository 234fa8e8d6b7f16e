//! Tables, however they are written: a head with lines below, dotted keys, or on one line.

use std::ops::Range;

use toml_edit::Value;

use super::lines::{
    indent, line_end, line_start, with_comments_above, with_comments_below, with_gap_above, with_gap_below,
};
use super::lists::{added, removed};
use super::structure::{Found, Kind, Section, begins, names};
use super::{Splice, TomlText, dotted, key};

impl TomlText {
    /// Has a key of a table say this, or nothing. A table that is not there is made.
    pub(in crate::files) fn set(&mut self, table: &[&str], name: &str, value: Option<&Value>) {
        let path = [table, &[name]].concat();
        match value {
            None => self.remove(&path),
            Some(value) if self.found.entry(&path).is_some() => self.replace(&path, value),
            Some(value) => {
                self.remove(&path);
                self.insert(table, name, value);
            }
        }
    }

    /// Whether anything stands under these keys.
    pub(in crate::files) fn has(&self, path: &[&str]) -> bool {
        let found = &self.found;
        !found.below(path).is_empty() || found.sections.iter().skip(1).any(|section| section.is_within(path))
    }

    fn insert(&mut self, table: &[&str], name: &str, value: &Value) {
        let said = self.said(&(name, value.clone()));
        let found = &self.found;
        if let Some(section) = found.section(table) {
            self.apply(vec![self.line_behind(section, &said)]);
        } else if found.entry(table).is_some_and(|entry| matches!(entry.item.value.kind, Kind::Table(_))) {
            self.in_list(table, |text, list, newline| {
                added(text, list, list.items().len().checked_sub(1), &said, newline)
            });
        } else if let Some(last) = found.below(table).pop() {
            let said = format!("{}.{said}", dotted(&table[last.base..]));
            let splices = self.behind(&last, &said);
            self.apply(splices);
        } else {
            self.new_table(table, &[(name, value.clone())]);
        }
    }

    /// Puts a line, or what stands between commas, behind something.
    fn behind(&self, found: &Found<'_>, said: &str) -> Vec<Splice> {
        let Some(list) = found.list else {
            return vec![self.line_at(found.item.value.span.end, found.item.span().start, said)];
        };
        added(&self.text, list, Some(found.place), said, self.newline)
    }

    /// A line behind the last one of a section.
    fn line_behind(&self, section: &Section, said: &str) -> Splice {
        if let Some(last) = section.items.last() {
            return self.line_at(last.value.span.end, last.span().start, said);
        }
        if !section.keys.is_empty() {
            return self.line_at(section.head.end, section.head.start, said);
        }
        // Above all tables, and what is written above the first of them.
        let first = self.found.sections.get(1).map(|first| line_start(&self.text, first.head.start));
        let at = first.map_or(self.text.len(), |line| with_comments_above(&self.text, line, 0));
        let gap = if first.is_some() { self.newline } else { "" };
        Splice::insert(at, format!("{}{said}{}{gap}", self.begin_line(at), self.newline))
    }

    fn line_at(&self, behind: usize, like: usize, said: &str) -> Splice {
        let at = line_end(&self.text, behind);
        let space = indent(&self.text, like);
        Splice::insert(at, format!("{}{space}{said}{}", self.begin_line(at), self.newline))
    }

    /// What ends the last line of a text, where nothing does.
    pub(super) fn begin_line(&self, at: usize) -> &'static str {
        if at == 0 || self.text[..at].ends_with('\n') { "" } else { self.newline }
    }

    /// Adds a table that is not there, behind those that it stands among, in the way in which they are written.
    pub(in crate::files) fn new_table(&mut self, path: &[&str], pairs: &[(&str, Value)]) {
        let Some((name, parent)) = path.split_last() else { return };
        let found = &self.found;
        if found.entry(parent).is_some_and(|entry| matches!(entry.item.value.kind, Kind::Table(_))) {
            let pairs: Vec<_> = pairs.iter().map(|pair| self.said(pair)).collect();
            let pairs = if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) };
            let said = format!("{} = {pairs}", key(name));
            return self.in_list(parent, |text, list, newline| {
                added(text, list, list.items().len().checked_sub(1), &said, newline)
            });
        }
        let has_heads = found.sections.iter().skip(1).any(|section| section.is_within(parent));
        let dotted_ones = if parent.is_empty() || has_heads { None } else { found.below(parent).pop() };
        if let Some(last) = dotted_ones.filter(|_| !pairs.is_empty()) {
            let keys = dotted(&path[last.base..]);
            let lines: Vec<_> = pairs.iter().map(|pair| format!("{keys}.{}", self.said(pair))).collect();
            let (between, space) = match last.list {
                Some(_) => (", ".to_owned(), ""),
                None => (self.newline.to_owned(), indent(&self.text, last.item.span().start)),
            };
            let splices = self.behind(&last, &lines.join(&format!("{between}{space}")));
            return self.apply(splices);
        }
        self.new_heads(parent, &[(name, pairs)]);
    }

    /// The same for many within one table.
    pub(in crate::files) fn new_tables(&mut self, parent: &[&str], tables: &[(&str, Vec<(&str, Value)>)]) {
        let is_there = !self.found.below(parent).is_empty();
        if is_there {
            for (name, pairs) in tables {
                self.new_table(&[parent, &[name]].concat(), pairs);
            }
        } else {
            let tables: Vec<_> = tables.iter().map(|(name, pairs)| (*name, pairs.as_slice())).collect();
            self.new_heads(parent, &tables);
        }
    }

    fn new_heads(&mut self, parent: &[&str], tables: &[(&str, &[(&str, Value)])]) {
        let at = self.behind_sections(parent);
        let block = |(name, pairs): &(&str, &[(&str, Value)])| {
            let head = format!("[{}]", dotted(&[parent, &[name]].concat()));
            let lines = [head].into_iter().chain(pairs.iter().map(|pair| self.said(pair)));
            lines.flat_map(|line| [line, self.newline.to_owned()]).collect::<String>()
        };
        let blocks: Vec<_> = tables.iter().map(block).collect();
        if !blocks.is_empty() {
            self.apply(vec![self.block_at(at, &blocks.join(self.newline), None)]);
        }
    }

    /// Where those end that stand within these keys; behind all where there are none.
    pub(super) fn behind_sections(&self, parent: &[&str]) -> usize {
        let found = &self.found;
        let within = found.sections.iter().skip(1).rfind(|section| section.is_within(parent));
        let Some(last) = within.or_else(|| found.sections.last()) else { return self.text.len() };
        if last.keys.is_empty() && last.items.is_empty() {
            return self.text.len();
        }
        with_comments_below(&self.text, line_end(&self.text, last.end()))
    }

    /// A section put at a place, with this between it and what stands above.
    pub(super) fn block_at(&self, at: usize, block: &str, gap: Option<&str>) -> Splice {
        let gap = gap.unwrap_or(if at == 0 { "" } else { self.newline });
        let gap = self.apart(&self.text[..at], gap);
        Splice::insert(at, format!("{}{gap}{block}", self.begin_line(at)))
    }

    /// What parts a text from what comes behind it: a comment at its end is not about that.
    pub(super) fn apart<'g>(&self, text: &str, gap: &'g str) -> &'g str {
        let is_comment = text.lines().next_back().is_some_and(|line| line.trim_start().starts_with('#'));
        if is_comment && gap.is_empty() { self.newline } else { gap }
    }

    /// Takes out what stands under these keys, with the comments right above it and behind it. What stands further up, parted
    /// by an empty line, stays: it may be about what comes before. So does what the file begins with: it may be about all.
    pub(in crate::files) fn remove(&mut self, path: &[&str]) {
        while let Some(mut cut) = self.first_to_cut(path) {
            if cut.start == 0 {
                cut.start = self.comments_on_top(path);
            }
            self.apply(vec![Splice::cut(cut)]);
        }
    }

    /// The same, with what the file begins with.
    pub(super) fn remove_whole(&mut self, path: &[&str]) {
        while let Some(cut) = self.first_to_cut(path) {
            self.apply(vec![Splice::cut(cut)]);
        }
    }

    /// How much of the comments right above what stands under these keys is what the file begins with.
    pub(super) fn comments_on_top(&self, path: &[&str]) -> usize {
        let heads = self
            .found
            .sections
            .iter()
            .skip(1)
            .filter(|section| section.is_within(path))
            .map(|section| section.head.start);
        let items = self
            .found
            .below(path)
            .into_iter()
            .filter(|found| found.list.is_none())
            .map(|found| found.item.span().start);
        let first = heads.chain(items).min().map_or(0, |start| line_start(&self.text, start));
        if with_comments_above(&self.text, first, 0) == 0 { first } else { 0 }
    }

    fn first_to_cut(&self, path: &[&str]) -> Option<Range<usize>> {
        if let Some(section) = self.found.sections.iter().skip(1).find(|section| section.is_within(path)) {
            let (block, gap) = self.block(section);
            let end = with_gap_below(&self.text, block.end);
            let is_alone_below = end > block.end || end == self.text.len();
            return Some(match (gap.start, is_alone_below) {
                (0, _) => block.start..end,
                // What stands above stays apart from what comes next.
                (_, false) => block,
                (_, true) => gap.start..block.end,
            });
        }
        let below = self.found.below(path);
        let item = below.first()?;
        Some(item.list.map_or_else(|| self.line_of(item), |list| removed(&self.text, list, item.place).at))
    }

    /// A section with its comments, and the empty lines above it.
    pub(super) fn block(&self, section: &Section) -> (Range<usize>, Range<usize>) {
        let (line, floor) = (line_start(&self.text, section.head.start), self.floor(section.head.start));
        let start = with_comments_above(&self.text, line, floor);
        let end = with_comments_below(&self.text, line_end(&self.text, section.end()));
        (start..end, with_gap_above(&self.text, start, floor)..start)
    }

    /// A key and its value on a line of their own, with the comments above and behind.
    pub(super) fn line_of(&self, found: &Found<'_>) -> Range<usize> {
        let start = found.item.span().start;
        let above = with_comments_above(&self.text, line_start(&self.text, start), self.floor(start));
        above..line_end(&self.text, found.item.value.span.end)
    }

    /// Where the line of the last statement before a place ends.
    fn floor(&self, at: usize) -> usize {
        match self.found.end_before(at) {
            0 => 0,
            end => line_end(&self.text, end),
        }
    }

    /// Calls a table otherwise, wherever its name is written.
    pub(in crate::files) fn rename(&mut self, path: &[&str], to: &str) {
        let Some(last) = path.len().checked_sub(1) else { return };
        let found = &self.found;
        let heads = found.sections.iter().filter(|section| begins(&names(&section.keys), path));
        let heads = heads.filter_map(|section| section.keys.get(last));
        let items = found.below(path).into_iter().filter_map(|item| item.item.keys.get(last - item.base));
        let spans = heads.chain(items).map(|key| key.span.clone());
        let splices = spans.map(|at| Splice { at, with: key(to) }).collect();
        self.apply(splices);
    }

    /// A key and its value, as they are written.
    fn said(&self, (name, value): &(&str, Value)) -> String {
        format!("{} = {}", key(name), self.written(value))
    }
}
