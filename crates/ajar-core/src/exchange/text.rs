//! Bytes as text, and what kind of file a text is.

use super::Format;

/// The text that a file holds: UTF-8, or UTF-16 with its mark, as programs of Windows write it. `None` if it is none.
pub(crate) fn decoded(bytes: &[u8]) -> Option<String> {
    let units = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, odd) = rest.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().copied().map(unit).collect();
        odd.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes)?,
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok()?,
        bytes => String::from_utf8(bytes.to_vec()).ok()?,
    };
    (!text.contains('\0')).then_some(text)
}

/// What kind of file a text is, by how it begins.
pub(super) fn format(text: &str) -> Option<Format> {
    let text = text.trim_start();
    if text.starts_with('<') {
        let has = |name: &str| text.contains(name);
        return if has("<RDCMan") {
            Some(Format::RdcMan)
        } else if has("Connections") {
            Some(Format::MRemoteNg)
        } else {
            None
        };
    }
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).find_map(of_line)
}

/// What kind of file a line is of, if it tells.
fn of_line(line: &str) -> Option<Format> {
    let is_of_rdp = || {
        let mut parts = line.splitn(3, ':');
        let (name, kind) = (parts.next(), parts.next());
        name.is_some_and(|name| !name.is_empty()) && kind.is_some_and(|kind| matches!(kind, "s" | "i" | "b"))
    };
    let word = line.split(|c: char| c.is_whitespace() || c == '=').next().unwrap_or_default().to_ascii_lowercase();
    if line.starts_with('[') || matches!(word.as_str(), super::own::VERSION_KEY | "schema_version") {
        Some(Format::Ajar)
    } else if is_of_rdp() {
        Some(Format::Rdp)
    } else if matches!(word.as_str(), "host" | "match" | "include") {
        Some(Format::SshConfig)
    } else {
        None
    }
}

/// Where a place in a text is: its line and its column, both from 1 on.
pub(super) fn place(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Where the lines of a text end: files have many places to be told of.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line of a place, from 1 on.
    pub(super) fn at(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}

/// A text without the spaces around it, if there is any.
pub(super) fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A user's name with the domain that it is of.
pub(super) fn user(name: Option<&str>, domain: Option<&str>) -> Option<String> {
    let name = filled(name?)?;
    let is_whole = name.contains(['\\', '@']);
    let domain = domain.and_then(filled).filter(|_| !is_whole);
    Some(domain.map_or_else(|| name.clone(), |domain| format!("{domain}\\{name}")))
}

/// Folders within each other, as favourites name them; a slash or a control character in a name is none.
pub(super) fn folder<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    const LETTERS: usize = 64;
    let fit = |name: &str| {
        let plain = |c: char| if c == '/' || crate::message::is_odd(c) { '-' } else { c };
        name.trim().chars().take(LETTERS).map(plain).collect::<String>().trim().to_owned()
    };
    let names: Vec<String> = names.into_iter().map(fit).filter(|name| !name.is_empty()).collect();
    (!names.is_empty()).then(|| names.join("/"))
}

/// Whether a key is that of a password or the like.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "passwd", "secret", "token", "passphrase", "credential", "private_key", "api_key"]
        .iter()
        .any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_place_is_found_as_counting_finds_it() {
        let text = "a\n\nbé\nc";
        let lines = Lines::of(text);
        for at in 0..=text.len() {
            assert_eq!(lines.at(at), place(text, at).0, "{at}");
        }
    }
}
