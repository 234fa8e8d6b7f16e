//! XML as a tree, of a size and depth that somebody's hosts may have. Entities other than the five of XML itself are not
//! expanded, and a document type is refused.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::Problem;
use super::text::{is_secret, place};
use crate::message::exchange as words;

/// As many elements as may lie within each other. Folders do, some levels deep.
const DEPTH: usize = 64;

/// As many elements as a file may have: some dozens for a host.
const ELEMENTS: usize = 100_000;

/// As many attributes as an element may have. A node of mRemoteNG's has some two hundred.
const ATTRIBUTES: usize = 1_000;

/// What stands in the place of a secret.
const HIDDEN: &str = "•";

/// An element.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Its name, without a prefix.
    pub(super) name: String,
    /// Those of its attributes that are wanted.
    attributes: Vec<(String, String)>,
    /// The text right in it.
    pub(super) text: String,
    /// The elements right in it.
    pub(super) children: Vec<Element>,
    /// The line that it begins on, from 1 on.
    pub(super) line: usize,
}

impl Element {
    /// The value of an attribute, if it has one that is not empty.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let known = self.attributes.iter().find(|(known, _)| known == name);
        known.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The first element of that name right in it.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first element of that name right in it, if there is any.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    fn add(&mut self, text: &str) {
        if !is_secret(&self.name) {
            self.text.push_str(text);
        } else if !text.trim().is_empty() {
            HIDDEN.clone_into(&mut self.text);
        }
    }
}

/// Reads a document, with the attributes that are wanted; its outermost element.
pub(super) fn read(text: &str, wanted: &[&str]) -> Result<Element, Problem> {
    let mut tree = Tree { text, wanted, open: Vec::new(), root: None, elements: 0, counted: (0, 1) };
    let mut reader = Reader::from_str(text);
    loop {
        let at = offset(reader.buffer_position());
        let event = reader.read_event().map_err(|error| {
            let at = offset(reader.error_position());
            malformed(text, at, error.to_string())
        })?;
        match event {
            Event::Start(start) => tree.begin(&start, at)?,
            Event::Empty(start) => {
                tree.begin(&start, at)?;
                tree.end();
            }
            // The reader sees to it that ends and beginnings match.
            Event::End(_) => tree.end(),
            Event::Text(more) => tree.add(&more.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(more) => tree.add(&more.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(reference) => {
                let letters = letters(&reference).map_err(|detail| malformed(text, at, detail))?;
                tree.add(&letters);
            }
            Event::DocType(_) => return Err(Problem::DocumentType),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    let root = tree.root.filter(|_| tree.open.is_empty());
    root.ok_or_else(|| malformed(text, text.len(), words::unclosed().into()))
}

/// What has been read of a document.
struct Tree<'t> {
    text: &'t str,
    wanted: &'t [&'t str],
    /// The elements that are open, the innermost one last.
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
    /// Up to where lines were counted, and the line there.
    counted: (usize, usize),
}

impl Tree<'_> {
    fn begin(&mut self, start: &BytesStart<'_>, at: usize) -> Result<(), Problem> {
        self.elements += 1;
        if self.open.len() >= DEPTH {
            return Err(Problem::TooDeep);
        }
        if self.elements > ELEMENTS {
            return Err(Problem::TooMany);
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(malformed(self.text, at, words::two_roots().into()));
        }
        let attributes = self.attributes(start).map_err(|detail| malformed(self.text, at, detail))?;
        let name = start.local_name().into_inner().to_owned();
        let line = self.line(at);
        self.open.push(Element { name, attributes, line, ..Element::default() });
        Ok(())
    }

    fn end(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn add(&mut self, text: &str) {
        if let Some(element) = self.open.last_mut() {
            element.add(text);
        }
    }

    fn attributes(&self, start: &BytesStart<'_>) -> Result<Vec<(String, String)>, String> {
        let mut all = Vec::new();
        // Looking for doubles takes the square of their number.
        for (count, attribute) in start.attributes().with_checks(false).enumerate() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            if count >= ATTRIBUTES {
                return Err(words::too_many_attributes(ATTRIBUTES));
            }
            let name = attribute.key.local_name().into_inner();
            if self.wanted.contains(&name) {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
                let is_hidden = is_secret(name) && !value.is_empty();
                all.push((name.to_owned(), if is_hidden { HIDDEN.into() } else { value.into_owned() }));
            }
        }
        Ok(all)
    }

    fn line(&mut self, at: usize) -> usize {
        let (from, line) = self.counted;
        let more = self.text.get(from..at).unwrap_or_default().matches('\n').count();
        self.counted = (at.max(from), line + more);
        self.counted.1
    }
}

/// What a reference such as `&amp;` or `&#228;` stands for.
fn letters(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(letter) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(letter.into());
    }
    resolve_predefined_entity(reference).map(ToOwned::to_owned).ok_or_else(|| words::unknown_entity(reference))
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn malformed(text: &str, at: usize, detail: String) -> Problem {
    let (line, column) = place(text, at);
    Problem::Malformed { line, column, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_names_wanted_attributes_text_and_lines() {
        let text = "<?xml version=\"1.0\"?>\n<a:root x=\"1\" y='&lt;&#228;'>\n <!-- no -->\n <b>t &amp; <![CDATA[<u>]]></b>\n <c/>\n</a:root>\n";
        let root = read(text, &["y"]).unwrap();
        assert_eq!(
            (root.name.as_str(), root.attribute("y"), root.attribute("x"), root.line),
            ("root", Some("<ä"), None, 2)
        );
        assert_eq!((root.text_of("b"), root.text_of("c")), (Some("t & <u>"), None));
        assert_eq!(root.children.iter().map(|child| child.line).collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn a_secret_is_known_to_be_there_and_nothing_else() {
        let root = read("<r Password=\"hunter2\"><password>hunter2</password><password/></r>", &["Password"]).unwrap();
        assert!(root.attribute("Password").is_some() && root.text_of("password").is_some());
        assert!(!format!("{root:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_not_closed_expands_or_goes_too_deep_is_refused() {
        let laughs = "<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><r>&b;</r>";
        assert_eq!(read(laughs, &[]).unwrap_err(), Problem::DocumentType);
        let deep = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(read(&deep(DEPTH), &[]).is_ok());
        assert_eq!(read(&deep(1_000_000), &[]).unwrap_err(), Problem::TooDeep);
        assert_eq!(read(&format!("<a>{}</a>", "<b/>".repeat(ELEMENTS)), &[]).unwrap_err(), Problem::TooMany);
        let crowd: Vec<_> = (0..=ATTRIBUTES).map(|number| format!(" a{number}=''")).collect();
        for (text, place) in [
            ("", (1, 1)),
            ("<a>\n<b>", (2, 4)),
            ("<a>\n</b>", (2, 1)),
            ("<a>\n &what;</a>", (2, 2)),
            ("<a/>\n<b/>", (2, 1)),
            (&format!("<a{}/>", crowd.concat()), (1, 1)),
        ] {
            let Err(Problem::Malformed { line, column, .. }) = read(text, &["x"]) else { panic!("{text}") };
            assert_eq!((line, column), place, "{text}");
        }
    }
}
