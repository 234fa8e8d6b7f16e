//! `.rdp` files, which hold the settings of a connection by Remote Desktop: lines of `name:type:value`, without any way to
//! write a line's end within a value. https://learn.microsoft.com/azure/virtual-desktop/rdp-properties

use crate::exchange::decoded;

/// The settings of such a file, in its order. What is none is not kept: some clients take other lines for options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RdpFile(Vec<Property>);

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The line that it was read from, from 1 on; 0 if it was set.
    pub line: usize,
    /// Its name, such as `full address`. Names are the same in any case.
    pub name: String,
    /// Its type: `s` for a text, `i` for a number, `b` for bytes.
    pub kind: String,
    /// Its value, without the spaces around it.
    pub value: String,
}

impl Property {
    /// Whether it is called so.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether it is a secret: a password, which the file has encrypted, or a gateway's token.
    pub fn is_secret(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        name.contains("password") || name.contains("accesstoken")
    }
}

/// A value that would not stay within its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOneLine;

impl RdpFile {
    /// Reads a file: UTF-8, or UTF-16 with its mark, as Windows writes it. `None` if it is no text.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        decoded(bytes).map(|text| Self::of(&text))
    }

    /// Reads a file's text.
    pub fn of(text: &str) -> Self {
        let lines = (1..).zip(text.lines()).flat_map(|(number, line)| {
            // Whatever any reader takes for the end of a line.
            line.split(ends_line).map(move |line| (number, line))
        });
        Self(lines.filter_map(|(number, line)| property(number, line)).collect())
    }

    /// What it says, in its order.
    pub fn properties(&self) -> impl Iterator<Item = &Property> {
        self.0.iter()
    }

    /// The first value of that name that is not empty.
    pub fn get(&self, name: &str) -> Option<&Property> {
        self.0.iter().find(|property| property.is(name) && !property.value.is_empty())
    }

    /// Has nothing be said of what is called so.
    pub fn take_out(&mut self, is_called: impl Fn(&Property) -> bool) {
        self.0.retain(|property| !is_called(property));
    }

    /// Sets a text, in place of all that is said under that name.
    ///
    /// # Errors
    /// [`NotOneLine`] if it has something in it that a reader takes for the end of a line.
    pub fn set_text(&mut self, name: &str, value: &str) -> Result<(), NotOneLine> {
        if value.contains(ends_line) {
            return Err(NotOneLine);
        }
        self.set(name, "s", value.to_owned());
        Ok(())
    }

    /// Sets a number, in place of all that is said under that name.
    pub fn set_number(&mut self, name: &str, value: u32) {
        self.set(name, "i", value.to_string());
    }

    fn set(&mut self, name: &str, kind: &str, value: String) {
        let place = self.0.iter().position(|property| property.is(name)).unwrap_or(self.0.len());
        self.take_out(|property| property.is(name));
        let property = Property { line: 0, name: name.to_owned(), kind: kind.to_owned(), value };
        self.0.insert(place, property);
    }

    /// The file's text, with the line ends of Windows.
    pub fn text(&self) -> String {
        let line = |Property { name, kind, value, .. }: &Property| format!("{name}:{kind}:{value}\r\n");
        self.0.iter().map(line).collect()
    }
}

/// A text as `mstsc` writes it and all clients read it: UTF-16 with its mark, the lower byte first.
pub fn encoded(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

pub(crate) fn ends_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn property(line: usize, text: &str) -> Option<Property> {
    let (name, rest) = text.split_once(':')?;
    let (kind, value) = rest.split_once(':')?;
    let part = |text: &str| text.trim().to_owned();
    let property = Property { line, name: part(name), kind: part(kind).to_ascii_lowercase(), value: part(value) };
    (!property.name.is_empty() && matches!(property.kind.as_str(), "s" | "i" | "b")).then_some(property)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "screen mode id:i:2\r\nFull Address:s: 10.0.0.4 \r\nlater:s:a:b\r\n\r\n/v:other\r\nno line\r\n";

    fn said(file: &RdpFile) -> Vec<(&str, &str, &str)> {
        file.properties().map(|known| (known.name.as_str(), known.kind.as_str(), known.value.as_str())).collect()
    }

    #[test]
    fn settings_are_read_in_any_encoding_of_windows_and_what_is_none_is_left_out() {
        let meant = [("screen mode id", "i", "2"), ("Full Address", "s", "10.0.0.4"), ("later", "s", "a:b")];
        let other_order: Vec<u8> = encoded(FILE).chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
        let marked = [&[0xef, 0xbb, 0xbf], FILE.as_bytes()].concat();
        for bytes in [FILE.as_bytes().to_vec(), marked, encoded(FILE), other_order] {
            assert_eq!(said(&RdpFile::from_bytes(&bytes).unwrap()), meant);
        }
        assert_eq!(RdpFile::from_bytes(&[0xff, 0xfe, 0x00, 0xd8]), None);
        let lines: Vec<_> = RdpFile::of(FILE).properties().map(|known| known.line).collect();
        assert_eq!(lines, [1, 2, 3]);
    }

    #[test]
    fn what_is_set_takes_the_place_of_all_that_was_said_under_its_name() {
        let mut file = RdpFile::of("FULL ADDRESS:s:a\nunknown:i:1\nfull address:s:b\n");
        file.set_text("full address", "c").unwrap();
        file.set_number("use multimon", 1);
        assert_eq!(file.text(), "full address:s:c\r\nunknown:i:1\r\nuse multimon:i:1\r\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_is_written_and_read_as_the_same(text in "([a-z ]{0,6}:[sibx]:[^\n]{0,8}|.{0,9})(\r\n|\n){1,2}.{0,40}") {
            let file = RdpFile::of(&text);
            let again = RdpFile::from_bytes(&encoded(&file.text())).unwrap();
            prop_assert_eq!(said(&again), said(&file));
        }

        #[test]
        fn no_value_adds_a_line_or_changes_another(
            value in proptest::collection::vec(prop_oneof![
                Just("\r\nalternate shell:s:calc\r\n".to_owned()), "[\r\n\0\u{85}\u{2028}\u{2029}\u{b}\u{c}]", "[a-z: ]{0,9}",
                any::<char>().prop_map(String::from),
            ], 0..5).prop_map(|pieces| pieces.concat()),
        ) {
            let mut file = RdpFile::of("full address:s:a\r\nscreen mode id:i:2\r\n");
            let is_set = file.set_text("username", &value).is_ok();
            prop_assert_eq!(is_set, !value.contains(ends_line));
            let read = RdpFile::from_bytes(&encoded(&file.text())).unwrap();
            let meant = [("full address", "s", "a"), ("screen mode id", "i", "2"), ("username", "s", value.trim())];
            prop_assert_eq!(said(&read), &meant[..if is_set { 3 } else { 2 }]);
        }
    }
}
