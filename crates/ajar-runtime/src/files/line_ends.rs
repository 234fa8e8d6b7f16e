//! How a text file's lines end and whether it begins with a byte order mark: nothing to TOML, which loses both, but much
//! to some editors of Windows.

const MARK: char = '\u{feff}';

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LineEnds {
    mark: bool,
    /// CRLF, where the first line ends so.
    crlf: bool,
}

impl LineEnds {
    /// Those of a text.
    pub(super) fn of(text: &str) -> Self {
        let first = text.find('\n').map_or("", |end| &text[..end]);
        Self { mark: text.starts_with(MARK), crlf: first.ends_with('\r') }
    }

    /// A text with these in place of its own.
    pub(super) fn put_on(self, text: &str) -> String {
        let text = text.trim_start_matches(MARK).replace("\r\n", "\n");
        let text = if self.crlf { text.replace('\n', "\r\n") } else { text };
        if self.mark { format!("{MARK}{text}") } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_went_through_another_hand_comes_out_as_it_was() {
        for text in ["", "a\nb\n", "a\r\nb\r\n", "\u{feff}a\r\n\r\nb", "\u{feff}a\n", "one line"] {
            let plain = text.trim_start_matches(MARK).replace("\r\n", "\n");
            assert_eq!(LineEnds::of(text).put_on(&plain), text, "{text:?}");
        }
    }
}
