//! What is wrong with a text that should be JSON, in the sentences of the reader that Azure's services use: Newtonsoft's.

/// As deep as values may be inside each other; what reads them next goes no deeper.
const DEEPEST: usize = 127;

/// The first mistake: what, in which member, in which line and behind how many of its characters.
pub(super) fn mistake(text: &[u8]) -> String {
    let text: Vec<char> = String::from_utf8_lossy(text).chars().collect();
    let mut reader = Reader { text: &text, at: 0, path: Vec::new() };
    reader.blanks();
    if reader.peek().is_none() {
        return "Error reading JObject from JsonReader. Path '', line 0, position 0.".to_owned();
    }
    let read = reader.value().and_then(|()| {
        reader.blanks();
        match reader.peek() {
            Some(more) => {
                Err(reader.told(&format!("Additional text encountered after finished reading JSON content: {more}.")))
            }
            None => Ok(()),
        }
    });
    // Whatever else the next reader minds: it is what stands last.
    read.err().unwrap_or_else(|| reader.told("Unexpected end when reading JSON."))
}

struct Reader<'t> {
    text: &'t [char],
    at: usize,
    /// Members (`.name`) and items (`[0]`) on the way to what is read.
    path: Vec<String>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        self.at += usize::from(is_next);
        is_next
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn told(&self, problem: &str) -> String {
        let before = &self.text[..self.at];
        let line = 1 + before.iter().filter(|c| **c == '\n').count();
        let position = before.iter().rev().take_while(|c| **c != '\n').count();
        let path = self.path.concat();
        format!("{problem} Path '{}', line {line}, position {position}.", path.strip_prefix('.').unwrap_or(&path))
    }

    fn value(&mut self) -> Result<(), String> {
        self.blanks();
        match self.peek() {
            None => Err(self.told("Unexpected end when reading JSON.")),
            Some('{' | '[') if self.path.len() == DEEPEST => {
                Err(self.told(&format!("The reader's MaxDepth of {DEEPEST} has been exceeded.")))
            }
            Some('{') => self.object(),
            Some('[') => self.array(),
            Some('"') => self.string().map(drop),
            Some(c) if c == '-' || c.is_ascii_digit() => self.number(),
            Some(c) => {
                let rest = &self.text[self.at..];
                let word = ["true", "false", "null"].into_iter().find(|word| {
                    rest.len() >= word.len() && word.chars().zip(rest).all(|(wanted, found)| wanted == *found)
                });
                let unknown = || self.told(&format!("Unexpected character encountered while parsing value: {c}."));
                self.at += word.ok_or_else(unknown)?.len();
                Ok(())
            }
        }
    }

    fn object(&mut self) -> Result<(), String> {
        self.at += 1;
        let depth = self.path.len();
        self.blanks();
        while !self.take('}') {
            let name = match self.peek() {
                Some('"') => self.string()?,
                Some(c) => return Err(self.told(&format!("Invalid property identifier character: {c}."))),
                None => return Err(self.told("Unexpected end when reading JSON.")),
            };
            // Until the next one is read, this member is where the reader is.
            self.path.truncate(depth);
            self.path.push(format!(".{name}"));
            self.blanks();
            if !self.take(':') {
                return Err(self.told(&match self.peek() {
                    Some(c) => format!("Invalid character after parsing property name. Expected ':' but got: {c}."),
                    None => "Unexpected end when reading JSON.".to_owned(),
                }));
            }
            self.value()?;
            self.after_value('}')?;
        }
        self.path.truncate(depth);
        Ok(())
    }

    fn array(&mut self) -> Result<(), String> {
        self.at += 1;
        let depth = self.path.len();
        self.blanks();
        let mut index = 0;
        while !self.take(']') {
            self.path.truncate(depth);
            self.path.push(format!("[{index}]"));
            index += 1;
            self.value()?;
            self.after_value(']')?;
        }
        self.path.truncate(depth);
        Ok(())
    }

    /// Past a comma, up to the end.
    fn after_value(&mut self, end: char) -> Result<(), String> {
        self.blanks();
        if self.take(',') {
            self.blanks();
            return Ok(());
        }
        match self.peek() {
            Some(c) if c == end => Ok(()),
            Some(c) => Err(self.told(&format!("After parsing a value an unexpected character was encountered: {c}."))),
            None => Err(self.told("Unexpected end when reading JSON.")),
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '"' => return Ok(text),
                '\\' => {
                    let escaped = self.peek();
                    match escaped {
                        Some(c) if "\"\\/bfnrtu".contains(c) => self.at += 1,
                        Some(c) => return Err(self.told(&format!("Bad JSON escape sequence: \\{c}."))),
                        None => break,
                    }
                }
                c => text.push(c),
            }
        }
        Err(self.told("Unterminated string. Expected delimiter: \"."))
    }

    fn number(&mut self) -> Result<(), String> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit() || "+-.eE".contains(c)) {
            self.at += 1;
        }
        let number: String = self.text[start..self.at].iter().collect();
        if serde_json::from_str::<f64>(&number).is_ok() {
            return Ok(());
        }
        Err(self.told(&format!("Input string '{number}' is not a valid number.")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mistake_is_told_with_its_member_and_its_place() {
        for (text, expected) in [
            ("{bad", "Invalid property identifier character: b. Path '', line 1, position 1."),
            ("", "Error reading JObject from JsonReader. Path '', line 0, position 0."),
            ("x", "Unexpected character encountered while parsing value: x. Path '', line 1, position 0."),
            ("{\"a\":\n b}", "Unexpected character encountered while parsing value: b. Path 'a', line 2, position 1."),
            (
                "{\"a\":[{\"b\":1} 2]}",
                "After parsing a value an unexpected character was encountered: 2. Path 'a[0]', line 1, position 14.",
            ),
            (
                "{\"a\" 1}",
                "Invalid character after parsing property name. Expected ':' but got: 1. Path 'a', line 1, position 5.",
            ),
            ("{\"a\":\"b", "Unterminated string. Expected delimiter: \". Path 'a', line 1, position 7."),
            ("{\"a\":1", "Unexpected end when reading JSON. Path 'a', line 1, position 6."),
            (
                "{} x",
                "Additional text encountered after finished reading JSON content: x. Path '', line 1, position 3.",
            ),
            ("[1.2.3]", "Input string '1.2.3' is not a valid number. Path '[0]', line 1, position 6."),
            (r#"{"a":"\q"}"#, "Bad JSON escape sequence: \\q. Path 'a', line 1, position 7."),
        ] {
            assert_eq!(mistake(text.as_bytes()), expected, "{text}");
        }
        let deep = "[".repeat(5_000);
        assert!(mistake(deep.as_bytes()).starts_with("The reader's MaxDepth of"));
    }

    proptest! {
        #[test]
        fn any_text_without_a_mistake_is_said_to_end_too_early_and_any_other_is_read_without_a_panic(
            text in "[\\[\\]{}:,\"a-c0-9.\\\\ \n-]{0,40}",
        ) {
            let told = mistake(text.as_bytes());
            prop_assert!(told.contains("Path '"), "{told}");
            let is_right = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            prop_assert!(!is_right || told.starts_with("Unexpected end when reading JSON."), "{text}: {told}");
        }
    }
}
