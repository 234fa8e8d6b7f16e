//! What the Azure Developer CLI tells beside its answers. Asked for JSON it writes that as JSON, too, one object to a line:
//! messages as events, and errors it has advice about with that (azure-dev, `pkg/output/json.go` and
//! `pkg/output/ux/error_with_suggestion.go`).

use std::ffi::OsStr;
use std::io;
use std::process::Output;
use std::sync::Arc;

use async_trait::async_trait;
use azure_identity::Executor;
use serde::Deserialize;

/// Runs azd, and gives its answer without events, and what it tells in words, a line for each.
#[derive(Debug)]
pub(super) struct Events(pub(super) Arc<dyn Executor>);

#[async_trait]
impl Executor for Events {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let mut output = self.0.run(program, args).await?;
        output.stderr = in_words(&output.stderr).into_bytes();
        output.stdout = without_events(&output.stdout);
        Ok(output)
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Told {
    /// `{"type":"consoleMessage","timestamp":"…","data":{"message":"\nERROR: …\n"}}`
    Message { data: Message },
    /// `{"error":"…","message":"…","suggestion":"…","links":[…]}`
    Error {
        error: String,
        #[serde(default)]
        message: String,
        #[serde(default)]
        suggestion: String,
    },
}

#[derive(Debug, Deserialize)]
struct Message {
    message: String,
}

impl Told {
    fn of(line: &str) -> Option<Self> {
        serde_json::from_str(line.trim()).ok()
    }

    fn in_words(&self) -> String {
        match self {
            Self::Message { data: Message { message } } => on_one_line(message),
            Self::Error { error, message, suggestion } => {
                format!("ERROR: {}\n{}", on_one_line(error), on_one_line(&format!("{message} {suggestion}")))
            }
        }
    }
}

/// What an error repeats of others has several.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn in_words(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let words = |line| Told::of(line).map_or_else(|| line.to_owned(), |told| told.in_words());
    said.lines().map(words).collect::<Vec<_>>().join("\n")
}

fn without_events(said: &[u8]) -> Vec<u8> {
    let is_event =
        |line: &[u8]| std::str::from_utf8(line).is_ok_and(|line| matches!(Told::of(line), Some(Told::Message { .. })));
    said.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_event(line)).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_event_stays_as_it_is() {
        for said in ["", "ERROR: not logged in\nx", "{\"token\":\"t\",\"expiresOn\":\"x\"}", "{\n  \"data\": 1\n}", "{"]
        {
            assert_eq!(in_words(said.as_bytes()), said);
            assert_eq!(without_events(said.as_bytes()), said.as_bytes());
        }
    }

    #[test]
    fn each_event_is_a_line_and_none_is_an_answer() {
        let event = r#"{"type":"consoleMessage","data":{"message":"\nERROR: one\r\ntwo\n"}}"#;
        let error = r#"{"error":"one\ntwo","suggestion":"do three","links":[{"url":"https://x"}]}"#;
        let said = format!("{event}\nplain\n{error}\n");
        assert_eq!(in_words(said.as_bytes()), "ERROR: one two\nplain\nERROR: one two\ndo three");
        assert_eq!(without_events(said.as_bytes()), format!("plain\n{error}\n").into_bytes());
    }
}
