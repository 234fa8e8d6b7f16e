//! Several attempts, live on standard error: a line for each that is under way, on a terminal; nothing elsewhere.

use ajar_core::profile::ProfileName;
use console::{Term, truncate_str};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use crate::output::{line_to_people, style};
use crate::progress::seconds;

/// See the module.
pub(crate) struct Board {
    drawn: Option<MultiProgress>,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    bar: ProgressBar,
    /// What it waits for, and since when.
    waits: Option<(String, Instant)>,
    ended: bool,
}

impl Board {
    pub(crate) fn new(names: &[ProfileName], on_terminal: bool) -> Self {
        let drawn = on_terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(20)));
        let widest = names.iter().map(|name| name.as_str().chars().count()).max().unwrap_or_default();
        let plain = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let row = |name: &ProfileName| {
            let bar = ProgressBar::hidden().with_style(plain.clone());
            let bar = drawn.as_ref().map_or_else(|| bar.clone(), |all| all.add(bar.clone()));
            Row { name: format!("{:widest$}", name.as_str()), bar, waits: None, ended: false }
        };
        let rows = names.iter().map(row).collect();
        Self { drawn, rows }
    }

    /// Whether running times want redrawing.
    pub(crate) fn is_drawn(&self) -> bool {
        self.drawn.is_some()
    }

    /// One of them does that now.
    pub(crate) fn stands(&mut self, index: usize, does: Option<&str>) {
        let row = &mut self.rows[index];
        if row.waits.as_ref().map(|(known, _)| known.as_str()) != does {
            row.waits = does.map(|does| (does.to_owned(), Instant::now()));
        }
        row.draw();
    }

    /// One of them has ended, and its line with it.
    pub(crate) fn ended(&mut self, index: usize) {
        let row = &mut self.rows[index];
        row.ended = true;
        row.bar.finish_and_clear();
    }

    /// Lets running times go on.
    pub(crate) fn redraw(&mut self) {
        self.rows.iter().for_each(Row::draw);
    }

    /// Says something above the lines.
    pub(crate) fn say(&self, text: &str) {
        match &self.drawn {
            // What cannot be drawn, on a terminal that went away, is not missed.
            Some(drawn) => drop(drawn.println(text)),
            None => line_to_people(text),
        }
    }

    /// Leaves what is on the screen as it is. What a terminal echoes for Ctrl+C has moved its cursor.
    pub(crate) fn interrupted(&mut self) {
        if let Some(drawn) = self.drawn.take() {
            drawn.set_draw_target(ProgressDrawTarget::hidden());
            line_to_people("");
        }
    }

    /// Takes away what is left of the lines.
    pub(crate) fn finish(&mut self) {
        if let Some(drawn) = self.drawn.take() {
            drop(drawn.clear());
        }
    }
}

impl Row {
    fn draw(&self) {
        let (false, Some((does, since))) = (self.ended, &self.waits) else { return };
        let width = Term::stderr().size_checked().map_or(78, |(_, columns)| usize::from(columns).min(78));
        let text = format!("  {} {}  {does}  {}", style().cyan().apply_to("●"), self.name, seconds(since.elapsed()));
        self.bar.set_message(truncate_str(&text, width, "…").into_owned());
    }
}
