//! What stands between brackets or braces: one taken out, put in or replaced, with the comments there.

use std::ops::Range;

use super::lines::{indent, line_end, line_start, with_comments_above};
use super::structure::{Item, Kind, Value};
use super::{Splice, TomlText};

impl Value {
    /// What stands in it.
    pub(super) fn items(&self) -> &[Item] {
        match &self.kind {
            Kind::Scalar => &[],
            Kind::Array(items) | Kind::Table(items) => items,
        }
    }
}

/// Whether nothing stands there but spaces.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c == ' ' || c == '\t')
}

/// Whether nothing stands there but spaces, and a comment.
fn is_blank_or_comment(text: &str) -> bool {
    is_blank(text) || text.trim_start().starts_with('#')
}

/// The end of the line, if nothing follows there but a comment, and the list goes on below.
pub(super) fn rest_of_line(text: &str, at: usize, list: &Value) -> Option<usize> {
    let end = line_end(text, at);
    (end < list.span.end && is_blank_or_comment(text[at..end].trim_end())).then_some(end)
}

/// One that stands on lines of its own: where they begin, with the comments right above, and end, with the one behind it.
pub(super) fn own_lines(text: &str, list: &Value, place: usize) -> Option<Range<usize>> {
    let items = list.items();
    let item = items.get(place)?;
    let before = place.checked_sub(1).map(|place| &items[place]);
    let behind = before.map(|before| before.comma.map_or(before.value.span.end, |comma| comma + 1));
    let (from, line) = (behind.unwrap_or(list.span.start + 1), line_start(text, item.span().start));
    let rest = rest_of_line(text, item.comma.map_or(item.value.span.end, |comma| comma + 1), list)?;
    let is_first = line >= from && is_blank(&text[line..item.span().start]);
    is_first.then(|| with_comments_above(text, line, from)..rest)
}

/// Takes one out. What stands on lines of its own goes with the comments right above it and behind it.
pub(super) fn removed(text: &str, list: &Value, place: usize) -> Splice {
    let items = list.items();
    let (item, before) = (&items[place], place.checked_sub(1).map(|place| &items[place]));
    let start = item.span().start;
    let end = item.comma.map_or(item.value.span.end, |comma| comma + 1);
    if let Some(lines) = own_lines(text, list, place) {
        return Splice::cut(lines);
    }
    if let Some(next) = items.get(place + 1) {
        let next = next.span().start;
        return Splice::cut(start..if is_blank(&text[end..next]) { next } else { end });
    }
    let gap_before = before.and_then(|before| before.comma).filter(|comma| is_blank(&text[comma + 1..start]));
    match gap_before {
        Some(comma) if item.comma.is_none() => Splice::cut(comma..end),
        Some(comma) => Splice::cut(comma + 1..end),
        None => Splice::cut(start..end),
    }
}

/// Puts one behind that of this place, or first where there is none.
pub(super) fn added(text: &str, list: &Value, after: Option<usize>, new: &str, newline: &str) -> Vec<Splice> {
    let items = list.items();
    let Some(item) = after.and_then(|place| items.get(place)) else {
        let inner = list.span.start + 1..list.span.end - 1;
        if let Some(first) = items.first() {
            return vec![put_before(text, first, new, newline)];
        }
        let padding = if matches!(list.kind, Kind::Table(_)) { " " } else { "" };
        if is_blank(&text[inner.clone()]) {
            return vec![Splice { at: inner, with: format!("{padding}{new}{padding}") }];
        }
        return vec![Splice::insert(inner.start, format!("{padding}{new}"))];
    };
    let end = item.value.span.end;
    let at = item.comma.map_or(end, |comma| comma + 1);
    let comma = if item.comma.is_some() { "," } else { "" };
    let mut splices = Vec::new();
    if item.comma.is_none() {
        splices.push(Splice::insert(end, ",".to_owned()));
    }
    let space = indent(text, item.span().start);
    splices.push(match rest_of_line(text, at, list) {
        Some(rest) => Splice::insert(rest, format!("{space}{new}{comma}{newline}")),
        None => Splice::insert(at, format!(" {new}{comma}")),
    });
    splices
}

/// Puts one before another.
pub(super) fn put_before(text: &str, item: &Item, new: &str, newline: &str) -> Splice {
    let start = item.span().start;
    let space = indent(text, start);
    let is_first = line_start(text, start) + space.len() == start;
    let between = if is_first { format!(",{newline}{space}") } else { ", ".to_owned() };
    Splice::insert(start, format!("{new}{between}"))
}

/// Whether two values say the same, however they are written.
pub(super) fn is_same(written: &str, value: &toml_edit::Value) -> bool {
    written.parse().is_ok_and(|written: toml_edit::Value| plain_text(written) == plain_text(value.clone()))
}

/// A value as it is written where nobody has a way of their own.
pub(super) fn plain_text(value: toml_edit::Value) -> String {
    match value {
        toml_edit::Value::String(text) => toml_edit::Value::from(text.into_value()).to_string(),
        toml_edit::Value::Array(array) => {
            let items: Vec<_> = array.into_iter().map(plain_text).collect();
            format!("[{}]", items.join(", "))
        }
        toml_edit::Value::InlineTable(table) => {
            let items = table.into_iter().map(|(key, value)| format!("{} = {}", super::key(&key), plain_text(value)));
            format!("{{ {} }}", items.collect::<Vec<_>>().join(", "))
        }
        toml_edit::Value::Integer(number) => number.into_value().to_string(),
        toml_edit::Value::Boolean(switch) => switch.into_value().to_string(),
        other @ (toml_edit::Value::Float(_) | toml_edit::Value::Datetime(_)) => other.to_string().trim().to_owned(),
    }
}

/// A text on one line, whatever is in it.
fn on_one_line(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        '\n' => "\\n".to_owned(),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// Where those in an array stand.
type Places = Vec<Range<usize>>;

impl TomlText {
    /// A value as it is written into this text: one of several lines would end them in another way than a text of Windows.
    pub(super) fn written(&self, value: &toml_edit::Value) -> String {
        match value.as_str() {
            Some(text) if self.newline != "\n" && text.contains('\n') => on_one_line(text),
            Some(_) | None => plain_text(value.clone()),
        }
    }

    /// Has a value say something else. Of an array over several lines, or with comments, what it goes on to say stays as it is
    /// written.
    pub(super) fn replace(&mut self, path: &[&str], new: &toml_edit::Value) {
        let Some((span, old)) = self.value(path) else { return };
        if is_same(&self.text[span.clone()], new) {
            return;
        }
        let is_plain = !self.text[span.clone()].contains(['\n', '#']);
        let (Some(old), Some(array), false) = (old, new.as_array(), is_plain) else {
            return self.apply(vec![Splice { at: span, with: self.written(new) }]);
        };
        let new: Vec<_> = array.iter().collect();
        let alike = |(old, new): (&Range<usize>, &&toml_edit::Value)| is_same(&self.text[old.clone()], new);
        let head = old.iter().zip(&new).take_while(|(old, new)| alike((old, new))).count();
        let tail =
            old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(old, new)| alike((old, new))).count();
        let (gone, come) = (old.len() - head - tail, new.len() - head - tail);
        let both = gone.min(come);
        let replaced = old[head..head + both].iter().zip(&new[head..]);
        let replaced = replaced.map(|(old, new)| Splice { at: old.clone(), with: self.written(new) }).collect();
        self.apply(replaced);
        for _ in both..gone {
            self.in_list(path, |text, list, _| vec![removed(text, list, head + both)]);
        }
        for (place, value) in new.iter().enumerate().take(head + come).skip(head + both) {
            let written = self.written(value);
            self.in_list(path, |text, list, newline| added(text, list, place.checked_sub(1), &written, newline));
        }
    }

    /// Where a value stands, and what stands in it if it is an array.
    fn value(&self, path: &[&str]) -> Option<(Range<usize>, Option<Places>)> {
        let found = &self.found;
        let value = &found.entry(path)?.item.value;
        let is_array = matches!(value.kind, Kind::Array(_));
        let items = is_array.then(|| value.items().iter().map(|item| item.value.span.clone()).collect());
        Some((value.span.clone(), items))
    }

    /// Changes a list.
    pub(super) fn in_list(&mut self, path: &[&str], change: impl FnOnce(&str, &Value, &str) -> Vec<Splice>) {
        let found = &self.found;
        let splices = found.entry(path).map(|found| change(&self.text, &found.item.value, self.newline));
        self.apply(splices.unwrap_or_default());
    }
}
