//! What a tool answers, before azure_identity reads it: that takes all that ends with status 127 for a tool that is not
//! there, and an answer with anything around its JSON for none.

use std::ffi::OsStr;
use std::io;
use std::process::Output;
use std::sync::Arc;

use async_trait::async_trait;
use azure_identity::Executor;
use serde::de::IgnoredAny;

use crate::connection::BYTE_ORDER_MARK;

/// The status of a shell that did not find what it was to run, and of whatever the tool itself did not find.
const NOT_FOUND: i32 = 127;

/// In these words the shell of Windows says it, whatever it is about.
const NOT_RECOGNIZED: &str = "' is not recognized";

/// Runs a tool that is there, and gives its answer as azure_identity can read it.
#[derive(Debug)]
pub(super) struct Answers(pub(super) Arc<dyn Executor>);

/// A tool that is there ended as one that is not, with this on standard error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct EndedAsIfMissing(pub(super) String);

#[async_trait]
impl Executor for Answers {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let mut output = self.0.run(program, args).await?;
        if output.status.success() {
            if let Some(json) = json_in(&output.stdout) {
                output.stdout = json.to_vec();
            }
            return Ok(output);
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(NOT_FOUND) || errors.contains(NOT_RECOGNIZED) {
            return Err(io::Error::other(EndedAsIfMissing(errors.into_owned())));
        }
        Ok(output)
    }
}

/// The JSON in what a tool said, without the warnings before it and what follows: an object or a list that begins and ends
/// with a line. `None` where there is none.
fn json_in(said: &[u8]) -> Option<&[u8]> {
    let said = said.strip_prefix(BYTE_ORDER_MARK).unwrap_or(said);
    let lines = said.split_inclusive(|byte| *byte == b'\n').scan(0, |at, line| {
        let began = *at;
        *at += line.len();
        Some((began, line))
    });
    let begins = lines.filter(|(_, line)| matches!(line.trim_ascii_start().first(), Some(b'{' | b'[')));
    begins.map(|(at, _)| &said[at..]).find_map(|rest| {
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        let (json, after) = rest.split_at(values.byte_offset());
        let line = after.split(|byte| *byte == b'\n').next().unwrap_or_default();
        line.trim_ascii().is_empty().then(|| json.trim_ascii_start())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::azure_cli::fake::{exited, tool};

    async fn answer(code: i32, stdout: &str, stderr: &str) -> io::Result<Output> {
        Answers(tool(exited(code, stdout, stderr))).run(OsStr::new("/bin/sh"), &[OsStr::new("az")]).await
    }

    #[tokio::test]
    async fn an_answer_is_found_among_whatever_stands_around_it() {
        let json = "{\n  \"accessToken\": \"[t0ken] {\",\n  \"tags\": []\n}";
        for said in [
            json.to_owned(),
            format!("\u{feff}{json}\r\n"),
            format!("WARNING: Connection verification disabled by environment variable\n{json}\n"),
            format!("\u{feff}\n[Warning] {{odd}}\n[1] of 2\n{{\n  {json}\nA new version is there: {{2.99}}\n"),
        ] {
            let output = answer(0, &said, "").await.unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), json.trim(), "{said}");
        }
        let list = "WARNING: x\n[{\"id\":\"1\"},\n {\"id\":\"2\"}]";
        assert_eq!(answer(0, list, "").await.unwrap().stdout, &list.as_bytes()["WARNING: x\n".len()..]);
    }

    #[tokio::test]
    async fn what_has_no_json_in_it_stays_as_it_is() {
        for said in ["", "t0ken", "\"t0ken\"", "{\"accessToken\":\"t0k", "1\n2", "{} and more", "token: {\n}"] {
            assert_eq!(answer(0, said, "").await.unwrap().stdout, said.as_bytes(), "{said}");
        }
    }

    #[tokio::test]
    async fn of_a_tool_that_is_there_no_status_says_that_it_is_not() {
        for (code, said) in [
            (127, "/usr/bin/env: 'python3': No such file or directory"),
            (127, ""),
            (1, "'python.exe' is not recognized as an internal or external command"),
        ] {
            let error = answer(code, "", said).await.unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::Other, said));
        }
        let output = answer(1, "not {}", "ERROR: Please run 'az login'.").await.unwrap();
        assert_eq!(output.stdout, b"not {}");
    }
}
