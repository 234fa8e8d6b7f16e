//! JSON as text.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter, Write as _};

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::Value;

/// What has a text in JSON.
pub(crate) trait Write {
    /// Adds it at the end.
    fn write(&self, text: &mut Text);
}

/// A text under way.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

impl Text {
    /// What is JSON already.
    pub(crate) fn raw(&mut self, json: &str) {
        self.0.push_str(json);
    }

    /// In quotation marks.
    pub(crate) fn string(&mut self, text: &str) {
        let start = self.0.len();
        // The standard library's quoting is JSON's as long as there is nothing to be escaped, and much faster in a dev
        // build than anything that is compiled with it. Writing to a string never fails.
        let _infallible = write!(self.0, "{text:?}");
        if self.0.len() - start != text.len() + 2 {
            self.0.truncate(start);
            self.0.push_str(&serde_json::Value::from(text).to_string());
        }
    }

    /// In quotation marks, with a colon. Names that are in the program's text are known to need no escaping.
    #[expect(clippy::ptr_arg, reason = "whether it is borrowed is what matters")]
    fn name(&mut self, name: &Cow<'static, str>) {
        if let Cow::Borrowed(name) = name {
            self.raw("\"");
            self.raw(name);
            self.raw("\":");
        } else {
            self.string(name);
            self.raw(":");
        }
    }

    /// Members of an array, in brackets.
    pub(crate) fn array(&mut self, items: impl IntoIterator<Item = impl Write>) {
        let mut before = "[";
        for item in items {
            self.0.push_str(before);
            item.write(self);
            before = ",";
        }
        self.0.push_str(if before == "[" { "[]" } else { "]" });
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl IntoResponse for Text {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

impl Write for Value {
    fn write(&self, text: &mut Text) {
        match self {
            Self::Null => text.raw("null"),
            Self::Bool(true) => text.raw("true"),
            Self::Bool(false) => text.raw("false"),
            Self::Number(number) => {
                let _infallible = write!(text.0, "{number}");
            }
            Self::String(string) => text.string(string),
            Self::Array(items) => text.array(items),
            Self::Object(members) => {
                let mut before = "{";
                for (name, value) in members {
                    text.raw(before);
                    text.name(name);
                    value.write(text);
                    before = ",";
                }
                text.raw(if before == "{" { "{}" } else { "}" });
            }
        }
    }
}

impl<T: Write> Write for &T {
    fn write(&self, text: &mut Text) {
        (*self).write(text);
    }
}

impl Write for Cow<'_, Value> {
    fn write(&self, text: &mut Text) {
        self.as_ref().write(text);
    }
}

impl Write for serde_json::Value {
    fn write(&self, text: &mut Text) {
        text.raw(&self.to_string());
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut text = Text::default();
        self.write(&mut text);
        f.write_str(text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_again_as_it_was(string in any::<String>()) {
            let mut text = Text::default();
            text.string(&string);
            prop_assert_eq!(serde_json::from_str::<String>(text.as_str()).unwrap(), string);
        }
    }

    #[test]
    fn what_must_be_escaped_is() {
        for string in
            ["", "plain", "a\"b", "a\\b", "\u{7f}", "e\u{301}", "\n\t\r\0", "\u{a0}", "it's", "\u{1f600}", "ä"]
        {
            let mut text = Text::default();
            text.string(string);
            assert_eq!(serde_json::from_str::<String>(text.as_str()).unwrap(), string, "{}", text.as_str());
        }
    }
}
