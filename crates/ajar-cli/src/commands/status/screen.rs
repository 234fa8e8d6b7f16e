//! Lines at the end of a terminal's screen that are drawn anew in their place.

use console::{Term, measure_text_width, truncate_str};

use crate::output::Unprinted;

/// See the module.
pub(super) struct Screen {
    /// Buffered, so that what is cleared and what takes its place come as one.
    terminal: Term,
    lines: Vec<String>,
    /// As they stand on the screen.
    drawn: Vec<String>,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self { terminal: Term::buffered_stdout(), lines: Vec::new(), drawn: Vec::new() }
    }

    /// Puts lines in the place of those that were shown last.
    pub(super) fn show(&mut self, lines: Vec<String>) -> Result<(), Unprinted> {
        self.lines = lines;
        self.redraw()
    }

    /// Draws them anew, as the terminal's size is now.
    pub(super) fn redraw(&mut self) -> Result<(), Unprinted> {
        let (rows, columns) = self.terminal.size();
        let (rows, columns) = (usize::from(rows).max(2), usize::from(columns).max(1));
        let fitting = fitting(&self.lines, rows - 1, columns);
        let drawn = std::mem::replace(&mut self.drawn, fitting);
        self.replace(rows_of(&drawn, columns).min(rows - 1)).map_err(Unprinted)
    }

    fn replace(&self, above: usize) -> std::io::Result<()> {
        self.terminal.move_cursor_up(above)?;
        self.terminal.write_str("\r")?;
        self.terminal.clear_to_end_of_screen()?;
        self.drawn.iter().try_for_each(|line| self.terminal.write_line(line))?;
        self.terminal.flush()
    }
}

/// What there is room for: no line takes two rows, and what would not fit is counted.
fn fitting(lines: &[String], rows: usize, columns: usize) -> Vec<String> {
    let cut = |line: &String| truncate_str(line, columns, "…").into_owned();
    if lines.len() <= rows {
        return lines.iter().map(cut).collect();
    }
    let shown = rows.saturating_sub(1);
    let more = ajar_core::message::cli::more_lines(lines.len() - shown);
    lines[..shown].iter().chain([&more]).map(cut).collect()
}

/// How many rows lines take that were drawn when the terminal may have been wider: it breaks them then.
fn rows_of(lines: &[String], columns: usize) -> usize {
    lines.iter().map(|line| measure_text_width(line).div_ceil(columns).max(1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_are_cut_to_the_width_and_what_has_no_row_is_counted() {
        let all = lines(&["one", "two and more", "three", "four"]);
        assert_eq!(fitting(&all, 4, 80), all);
        assert_eq!(fitting(&all, 4, 6), lines(&["one", "two a…", "three", "four"]));
        assert_eq!(fitting(&all, 3, 80), lines(&["one", "two and more", "… and 2 more lines"]));
        assert_eq!(fitting(&all, 1, 80), lines(&["… and 4 more lines"]));
    }

    #[test]
    fn lines_take_more_rows_once_the_terminal_is_narrower() {
        let all = lines(&["", "12345678", "123456789"]);
        assert_eq!((rows_of(&all, 9), rows_of(&all, 8), rows_of(&all, 4)), (3, 4, 6));
        let styled = console::Style::new().force_styling(true).red().apply_to("12345678").to_string();
        assert_eq!(rows_of(&[styled], 8), 1, "colours take no room");
    }
}
