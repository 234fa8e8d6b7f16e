//! TOML that people write, changed where it says something else and left as it is everywhere else: each change is a few
//! places of the text that are written anew. So comments, order, spaces, ends of lines, and what is written on one line or
//! with dotted keys stay as somebody has them.

mod lines;
mod lists;
mod members;
mod structure;
mod tables;

use std::ops::Range;

use structure::Structure;

pub(super) use members::Removed;

/// What editors of Windows put in front of a text; nothing to TOML.
const MARK: char = '\u{feff}';

/// A text without mistakes, which must have been read before.
pub(super) struct TomlText {
    text: String,
    found: Structure,
    has_mark: bool,
    newline: &'static str,
}

impl TomlText {
    /// That of a file.
    pub(super) fn new(text: &str) -> Self {
        let plain = text.trim_start_matches(MARK);
        let first = plain.find('\n').map_or("", |end| &plain[..end]);
        let newline = if first.ends_with('\r') { "\r\n" } else { "\n" };
        Self { has_mark: text.starts_with(MARK), ..Self::part(plain.to_owned(), newline) }
    }

    fn part(text: String, newline: &'static str) -> Self {
        Self { found: Structure::of(&text), text, has_mark: false, newline }
    }

    /// As it is written into the file.
    pub(super) fn into_file(self) -> String {
        if self.has_mark { format!("{MARK}{}", self.text) } else { self.text }
    }

    /// Is what it was before something was done, if nothing else was since; whether it is.
    pub(super) fn undo(&mut self, before: &str, after: &str) -> bool {
        let is_as_then = after.trim_start_matches(MARK) == self.text;
        if is_as_then {
            *self = Self::new(before);
        }
        is_as_then
    }

    fn apply(&mut self, mut splices: Vec<Splice>) {
        if splices.is_empty() {
            return;
        }
        splices.sort_by_key(|splice| splice.at.start);
        for Splice { at, with } in splices.into_iter().rev() {
            self.text.replace_range(at, &with);
        }
        self.found = Structure::of(&self.text);
    }
}

/// What is written in place of a part of a text.
struct Splice {
    at: Range<usize>,
    with: String,
}

impl Splice {
    fn cut(at: Range<usize>) -> Self {
        Self { at, with: String::new() }
    }

    fn insert(at: usize, with: String) -> Self {
        Self { at: at..at, with }
    }
}

/// A key as it is written: in quotes where it has to be.
fn key(name: &str) -> String {
    toml_edit::Key::new(name).to_string()
}

/// Keys with dots between.
fn dotted(names: &[&str]) -> String {
    names.iter().map(|name| key(name)).collect::<Vec<_>>().join(".")
}
