//! What needs no engine: command lines that make no sense, and their completion.

use std::ffi::OsString;
use std::io::{self, Write as _};

use ajar_core::failure::{ExitCode, Failure};
use ajar_core::message;
use ajar_runtime::adapters::words;
use clap_complete::Shell;

use crate::args::completions;
use crate::output;

/// Says what clap made of the command line; the exit code. Help and version count as done, everything else is a usage
/// error. A closed pipe is no news.
pub(crate) fn tell(error: &clap::Error, words_typed: impl IntoIterator<Item = OsString>) -> u8 {
    if error.use_stderr() && wants_json(words_typed) {
        let failure = Failure::CommandLine { detail: first_paragraph(&error.to_string()) };
        drop(output::json(&output::failure_event(&words(&failure.into(), "Ajar"))));
    }
    drop(error.print());
    if error.use_stderr() { ExitCode::Usage as u8 } else { 0 }
}

/// Prints what a shell has to read; the exit code.
pub(crate) fn complete(shell: Shell) -> u8 {
    match io::stdout().lock().write_all(&completions(shell)) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            output::line_to_people(&message::cli::unprinted(&error.to_string()));
            ExitCode::Failed as u8
        }
        Ok(()) | Err(_) => 0,
    }
}

/// Whether the result was to be JSON, as far as can be told of words that were not understood. What stands behind “--” is
/// for the VM.
fn wants_json(words: impl IntoIterator<Item = OsString>) -> bool {
    words.into_iter().take_while(|word| word != "--").any(|word| word == "--json")
}

/// What clap says is wrong, without its hints.
fn first_paragraph(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    let text = lines.map(str::trim).collect::<Vec<_>>().join(" ");
    text.strip_prefix("error: ").map_or(text.clone(), ToOwned::to_owned)
}
