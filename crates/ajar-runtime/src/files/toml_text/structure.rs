//! Where in a TOML text what stands: statements with their keys and values, by bytes.

use std::ops::Range;

use toml_parser::Source;
use toml_parser::parser::{Event, EventKind, parse_document};

/// One part of a dotted key.
pub(super) struct Key {
    /// What it means.
    pub(super) name: String,
    /// Where it is written.
    pub(super) span: Range<usize>,
}

/// A key with its value; in an array the value alone.
pub(super) struct Item {
    /// The parts of its key.
    pub(super) keys: Vec<Key>,
    /// Its value.
    pub(super) value: Value,
    /// Where the comma behind it stands, in an array or a table on one line.
    pub(super) comma: Option<usize>,
}

impl Item {
    /// From the key, or the value where there is none, to the value's end.
    pub(super) fn span(&self) -> Range<usize> {
        self.keys.first().map_or(self.value.span.start, |key| key.span.start)..self.value.span.end
    }
}

/// A value.
pub(super) struct Value {
    /// Where it is written.
    pub(super) span: Range<usize>,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a value is.
pub(super) enum Kind {
    /// Anything that has nothing within.
    Scalar,
    /// `[…]`.
    Array(Vec<Item>),
    /// `{…}`.
    Table(Vec<Item>),
}

/// What stands below a head, or above the first one.
pub(super) struct Section {
    /// The head's keys; none above the first.
    pub(super) keys: Vec<Key>,
    /// Where the head is written.
    pub(super) head: Range<usize>,
    /// What stands below it.
    pub(super) items: Vec<Item>,
}

impl Section {
    /// Where the last of it ends: a value, or the head.
    pub(super) fn end(&self) -> usize {
        self.items.last().map_or(self.head.end, |item| item.value.span.end)
    }

    /// Whether it stands below this head, or below one within.
    pub(super) fn is_within(&self, path: &[&str]) -> bool {
        begins(&names(&self.keys), path)
    }
}

/// The names of keys.
pub(super) fn names(keys: &[Key]) -> Vec<&str> {
    keys.iter().map(|key| key.name.as_str()).collect()
}

/// Whether a path is this one, or leads further.
pub(super) fn begins(path: &[&str], with: &[&str]) -> bool {
    path.len() >= with.len() && path.iter().zip(with).all(|(one, other)| one == other)
}

/// Something with a key, and where that is.
pub(super) struct Found<'s> {
    /// All keys that lead to it.
    pub(super) path: Vec<&'s str>,
    /// How many of them are those of what it stands in.
    pub(super) base: usize,
    /// The value that it stands in; `None` where it is a line of its own.
    pub(super) list: Option<&'s Value>,
    /// Which one it is there.
    pub(super) place: usize,
    /// Itself.
    pub(super) item: &'s Item,
}

/// A whole text.
pub(super) struct Structure {
    /// In the text's order; the first one has no head.
    pub(super) sections: Vec<Section>,
}

impl Structure {
    /// That of a text which has been read without a mistake.
    pub(super) fn of(text: &str) -> Self {
        let source = Source::new(text);
        let mut events: Vec<Event> = Vec::new();
        parse_document(&source.lex().into_vec(), &mut events, &mut ());
        events.retain(is_of_meaning);
        let mut reader = Reader { source, events, at: 0 };
        let mut sections = vec![Section { keys: Vec::new(), head: 0..0, items: Vec::new() }];
        while let Some(kind) = reader.kind() {
            if matches!(kind, EventKind::StdTableOpen | EventKind::ArrayTableOpen) {
                let start = reader.take().start;
                let keys = reader.keys();
                sections.push(Section { keys, head: start..reader.take().end, items: Vec::new() });
            } else if let Some(section) = sections.last_mut() {
                section.items.push(reader.item());
            }
        }
        Self { sections }
    }

    /// All that has a key, in the text's order, also within tables on one line.
    pub(super) fn all(&self) -> Vec<Found<'_>> {
        let mut all = Vec::new();
        for section in &self.sections {
            collect(&names(&section.keys), None, &section.items, &mut all);
        }
        all
    }

    /// What has exactly these keys.
    pub(super) fn entry(&self, path: &[&str]) -> Option<Found<'_>> {
        self.all().into_iter().find(|found| found.path == path)
    }

    /// What stands under these keys, or further within, but not within something that does.
    pub(super) fn below(&self, path: &[&str]) -> Vec<Found<'_>> {
        let is_below = |found: &Found<'_>| found.base < path.len() && begins(&found.path, path);
        self.all().into_iter().filter(is_below).collect()
    }

    /// The section below exactly this head; for no keys the one above all.
    pub(super) fn section(&self, path: &[&str]) -> Option<&Section> {
        self.sections.iter().find(|section| names(&section.keys) == path)
    }

    /// Where the last statement before a place ends.
    pub(super) fn end_before(&self, at: usize) -> usize {
        let heads = self.sections.iter().map(|section| section.head.end);
        let items = self.sections.iter().flat_map(|section| &section.items).map(|item| item.value.span.end);
        heads.chain(items).filter(|end| *end <= at).max().unwrap_or(0)
    }
}

fn collect<'s>(base: &[&'s str], list: Option<&'s Value>, items: &'s [Item], all: &mut Vec<Found<'s>>) {
    for (place, item) in items.iter().enumerate() {
        let path = [base, &names(&item.keys)].concat();
        all.push(Found { path: path.clone(), base: base.len(), list, place, item });
        if let Kind::Table(within) = &item.value.kind {
            collect(&path, Some(&item.value), within, all);
        }
    }
}

fn is_of_meaning(event: &Event) -> bool {
    !matches!(event.kind(), EventKind::Whitespace | EventKind::Comment | EventKind::Newline | EventKind::KeySep)
}

/// Goes through what a parser has found, of a text without a mistake.
struct Reader<'t> {
    source: Source<'t>,
    events: Vec<Event>,
    at: usize,
}

impl Reader<'_> {
    fn kind(&self) -> Option<EventKind> {
        self.events.get(self.at).map(Event::kind)
    }

    fn take(&mut self) -> Range<usize> {
        let span = self.events.get(self.at).map_or(0..0, |event| event.span().start()..event.span().end());
        self.at += 1;
        span
    }

    fn keys(&mut self) -> Vec<Key> {
        let mut keys = Vec::new();
        while self.kind() == Some(EventKind::SimpleKey) {
            let mut name = String::new();
            if let Some(raw) = self.events.get(self.at).and_then(|event| self.source.get(event)) {
                raw.decode_key(&mut name, &mut ());
            }
            keys.push(Key { name, span: self.take() });
        }
        keys
    }

    /// A value with its key, if it has one, and the comma behind it.
    fn item(&mut self) -> Item {
        let keys = self.keys();
        if self.kind() == Some(EventKind::KeyValSep) {
            self.take();
        }
        let value = self.value();
        let comma = (self.kind() == Some(EventKind::ValueSep)).then(|| self.take().start);
        Item { keys, value, comma }
    }

    fn value(&mut self) -> Value {
        let kind = self.kind();
        let start = self.take();
        if kind == Some(EventKind::ArrayOpen) {
            let items = self.items(EventKind::ArrayClose);
            Value { span: start.start..self.take().end, kind: Kind::Array(items) }
        } else if kind == Some(EventKind::InlineTableOpen) {
            let items = self.items(EventKind::InlineTableClose);
            Value { span: start.start..self.take().end, kind: Kind::Table(items) }
        } else {
            Value { span: start, kind: Kind::Scalar }
        }
    }

    fn items(&mut self, until: EventKind) -> Vec<Item> {
        let mut items = Vec::new();
        while self.kind().is_some_and(|kind| kind != until) {
            items.push(self.item());
        }
        items
    }
}
