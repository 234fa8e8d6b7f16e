//! What goes to standard output (results, for people or as JSON) and to standard error (words for people).

use std::io::{self, Write};

use ajar_core::snapshot::FailureView;
use console::{Style, Term};
use serde::Serialize;
use serde_json::json;

/// Why a result could not be printed. The reader may have gone away (`ajar list | head -1`): that is no failure.
#[derive(Debug)]
pub(crate) struct Unprinted(pub(crate) io::Error);

/// Prints a line of result.
pub(crate) fn line(text: &str) -> Result<(), Unprinted> {
    writeln!(io::stdout().lock(), "{text}").map_err(Unprinted)
}

/// Prints lines of result.
pub(crate) fn lines(lines: &[String]) -> Result<(), Unprinted> {
    lines.iter().try_for_each(|text| line(text))
}

/// Prints what ends its lines by itself.
pub(crate) fn text(text: &[u8]) -> Result<(), Unprinted> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text).and_then(|()| stdout.flush()).map_err(Unprinted)
}

/// Prints a JSON value on one line.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Unprinted> {
    let text = serde_json::to_string(value).map_err(|error| Unprinted(error.into()))?;
    line(&text)
}

/// Waits until nobody reads standard output any more; for ever where the system doesn't tell.
#[cfg(unix)]
pub(crate) async fn reader_gone() {
    use std::os::fd::AsFd as _;
    use tokio::net::unix::pipe::Sender;
    // Nothing is written through it, so that its being blocking does no harm. Files can't be watched, and stay.
    let stdout = io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    match stdout {
        Ok(stdout) if stdout.ready(tokio::io::Interest::ERROR).await.is_ok() => {}
        _ => std::future::pending().await,
    }
}

#[cfg(not(unix))]
pub(crate) async fn reader_gone() {
    std::future::pending().await
}

/// Prints a line for people.
pub(crate) fn line_to_people(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Asks people something: the answer stands on the same line.
pub(crate) fn question(text: &str) {
    let mut stderr = io::stderr().lock();
    drop(write!(stderr, "{text} ").and_then(|()| stderr.flush()));
}

/// Styles for standard error: none when it is not a terminal or `NO_COLOR` is set.
pub(crate) fn style() -> Style {
    Style::new().for_stderr()
}

/// Says what failed, why, and what to do next.
pub(crate) fn failure(failure: &FailureView, verbose: bool) {
    for line in failure_lines(failure, verbose) {
        line_to_people(&line);
    }
}

/// The lines that say what failed, why, and what to do next.
pub(crate) fn failure_lines(failure: &FailureView, verbose: bool) -> Vec<String> {
    let action = wrapped(&failure.action, "    ");
    let texts = [
        format!("{} {}", style().red().bold().apply_to("error:"), style().bold().apply_to(&failure.title)),
        wrapped(&failure.message, "  "),
        format!("  {} {}", style().cyan().apply_to("→"), action.trim_start()),
    ];
    let help = failure.help_url.iter().map(|url| format!("    {}", style().dim().apply_to(url)));
    let details = failure.details.lines().filter(|_| verbose);
    let details = details.map(|detail| format!("  {}", style().dim().apply_to(detail)));
    let all: Vec<String> = texts.into_iter().chain(help).chain(details).collect();
    all.iter().flat_map(|text| text.lines()).map(str::to_owned).collect()
}

/// The failure as the last JSON event.
pub(crate) fn failure_event(failure: &FailureView) -> serde_json::Value {
    let mut event = failure_fields(failure);
    event["event"] = json!("failed");
    event
}

/// A failure's stable field names.
pub(crate) fn failure_fields(failure: &FailureView) -> serde_json::Value {
    json!({
        "code": failure.code,
        "title": failure.title,
        "message": failure.message,
        "action": failure.action,
        "helpUrl": failure.help_url,
        "choices": failure.choices,
        "details": failure.details,
    })
}

/// Breaks a text at spaces to fit the terminal, each line indented. What stands in quotation marks stays whole: a command is
/// to be copied, and a line's end in it would be its end.
fn wrapped(text: &str, indent: &str) -> String {
    let width = usize::from(Term::stderr().size_checked().map_or(100, |(_, columns)| columns)).clamp(40, 100);
    let mut out = String::new();
    let mut used = 0;
    for word in pieces(text) {
        let length = console::measure_text_width(&word);
        if used > 0 && used + 1 + length > width {
            out.push('\n');
            used = 0;
        }
        if used == 0 {
            out.push_str(indent);
            used = indent.len();
        } else {
            out.push(' ');
            used += 1;
        }
        out.push_str(&word);
        used += length;
    }
    out
}

/// The words of a text, those between quotation marks as one.
fn pieces(text: &str) -> Vec<String> {
    let (mut pieces, mut depth) = (Vec::<String>::new(), 0_usize);
    for word in text.split_whitespace() {
        match pieces.last_mut().filter(|_| depth > 0) {
            Some(piece) => {
                piece.push(' ');
                piece.push_str(word);
            }
            None => pieces.push(word.to_owned()),
        }
        depth = (depth + word.matches('“').count()).saturating_sub(word.matches('”').count());
    }
    pieces
}

/// The lines of a table with a heading, columns aligned by their widest cell.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| console::measure_text_width(&row[column]));
        cells.chain([heading[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let aligned = |cells: &[String]| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| console::pad_str(cell, *width, console::Alignment::Left, None));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let heading: Vec<String> = heading.iter().map(|word| (*word).to_owned()).collect();
    let heading = Style::new().dim().apply_to(aligned(&heading)).to_string();
    std::iter::once(heading).chain(rows.iter().map(|row| aligned(row))).collect()
}

/// The same where a terminal has room for it; else each row by itself, a line for each of its cells.
pub(crate) fn table_or_entries(heading: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let table = table(heading, rows);
    let (out, widest) = (Term::stdout(), table.iter().map(|line| console::measure_text_width(line)).max());
    if !out.is_term() || widest <= Some(out.size().1.into()) {
        return table;
    }
    entries(heading, rows)
}

fn entries(heading: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let width = heading.iter().map(|word| word.len()).max().unwrap_or(0);
    let entry = |row: &Vec<String>| {
        let cell = |(word, cell): (&&str, &String)| {
            let word = console::pad_str(word, width, console::Alignment::Left, None);
            format!("  {}  {cell}", Style::new().dim().apply_to(word))
        };
        let rest = heading.iter().zip(row).skip(1).map(cell).collect::<Vec<_>>();
        row.first().cloned().into_iter().chain(rest).collect::<Vec<_>>()
    };
    rows.iter().flat_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_a_terminal_has_no_room_for_is_told_line_by_line() {
        let rows = [vec!["work *".to_owned(), "ada@contoso.example".into(), "signed in".into()]];
        let lines = entries(&["NAME", "WHO", "STATE"], &rows);
        let plain: Vec<_> = lines.iter().map(|line| console::strip_ansi_codes(line).into_owned()).collect();
        assert_eq!(plain, ["work *", "  WHO    ada@contoso.example", "  STATE  signed in"]);
    }

    #[test]
    fn a_command_in_a_sentence_is_not_broken_wherever_its_line_ends() {
        let command = format!("“az login --claims-challenge \"{}\" --scope \"s\"”;", "e".repeat(200));
        let text = format!("Sign in with {command} then try “ajar rights web” again. {}", "word ".repeat(40));
        let lines: Vec<_> = wrapped(&text, "    ").lines().map(str::to_owned).collect();
        assert!(lines.iter().any(|line| line.trim() == command), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("“ajar rights web”")), "{lines:#?}");
        assert!(lines.len() > 4 && lines.iter().all(|line| line.starts_with("    ")), "{lines:#?}");
        assert_eq!(pieces("a “b c” d “e").concat(), "a“b c”d“e");
    }
}
