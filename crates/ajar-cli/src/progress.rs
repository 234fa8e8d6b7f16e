//! The steps of an attempt, live on standard error: redrawn on a terminal, a line for each finished step elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ajar_core::snapshot::{AttemptView, Step, StepStatus, StepView};
use console::measure_text_width;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use crate::output::{line_to_people, style};

/// How often running times are redrawn on a terminal.
pub(crate) const REDRAW: Duration = Duration::from_millis(100);

/// See the module.
pub(crate) struct Progress {
    drawn: Option<Drawn>,
    /// Steps told of, and whether as failed: a step that was done can still turn out to be where it ended.
    said: BTreeSet<(Step, bool)>,
    noted: usize,
}

struct Drawn {
    all: MultiProgress,
    lines: BTreeMap<Step, ProgressBar>,
    running_since: BTreeMap<Step, Instant>,
    last: Vec<StepView>,
}

impl Progress {
    /// For a favourite about to be opened.
    pub(crate) fn new(on_terminal: bool) -> Self {
        let drawn = on_terminal.then(|| Drawn {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(20)),
            lines: BTreeMap::new(),
            running_since: BTreeMap::new(),
            last: Vec::new(),
        });
        Self { drawn, said: BTreeSet::new(), noted: 0 }
    }

    /// Whether running times want redrawing.
    pub(crate) fn is_drawn(&self) -> bool {
        self.drawn.is_some()
    }

    /// Shows the attempt as it stands.
    pub(crate) fn show(&mut self, view: &AttemptView) {
        if let Some(drawn) = &mut self.drawn {
            drawn.last.clone_from(&view.steps);
            drawn.redraw();
        } else {
            for step in &view.steps {
                if is_over(step.status) && self.said.insert((step.step, step.status == StepStatus::Failed)) {
                    line_to_people(&line(step, None));
                }
            }
        }
        for note in view.notes.iter().skip(self.noted) {
            self.say(&format!("  {} {note}", style().yellow().apply_to("!")));
        }
        self.noted = self.noted.max(view.notes.len());
    }

    /// Lets running times go on.
    pub(crate) fn redraw(&mut self) {
        if let Some(drawn) = &mut self.drawn {
            drawn.redraw();
        }
    }

    /// Leaves the steps on the screen as they are.
    pub(crate) fn finish(self) {
        for line in self.drawn.into_iter().flat_map(|drawn| drawn.lines.into_values()) {
            line.abandon();
        }
    }

    fn say(&self, text: &str) {
        match &self.drawn {
            // What cannot be drawn, on a terminal that went away, is not missed.
            Some(drawn) => drop(drawn.all.println(text)),
            None => line_to_people(text),
        }
    }
}

impl Drawn {
    fn redraw(&mut self) {
        for step in &self.last {
            let since = (step.status == StepStatus::Running)
                .then(|| *self.running_since.entry(step.step).or_insert_with(Instant::now));
            let bar = self.lines.entry(step.step).or_insert_with(|| {
                let plain = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
                self.all.add(ProgressBar::new_spinner().with_style(plain))
            });
            bar.set_message(line(step, since.map(|since| since.elapsed())));
        }
    }
}

fn is_over(status: StepStatus) -> bool {
    matches!(status, StepStatus::Done | StepStatus::Skipped | StepStatus::Failed)
}

/// `✓ Your address      203.0.113.7, three sources agree   0.3 s`
fn line(step: &StepView, running: Option<Duration>) -> String {
    const LABELS: usize = 26;
    let mark = match step.status {
        StepStatus::Waiting => style().dim().apply_to("○"),
        StepStatus::Running => style().cyan().apply_to("●"),
        StepStatus::Done => style().green().apply_to("✓"),
        StepStatus::Skipped => style().dim().apply_to("–"),
        StepStatus::Failed => style().red().apply_to("✗"),
    };
    let took = match (step.started_ms, step.ended_ms, running) {
        _ if step.status == StepStatus::Skipped => String::new(),
        (Some(started), Some(ended), _) => seconds(Duration::from_millis(ended.saturating_sub(started))),
        (_, _, Some(running)) => seconds(running),
        _ => String::new(),
    };
    let gap = " ".repeat(LABELS.saturating_sub(measure_text_width(&step.label)).max(1));
    let label = match step.status {
        StepStatus::Waiting | StepStatus::Skipped => style().dim().apply_to(&step.label),
        StepStatus::Running | StepStatus::Done | StepStatus::Failed => style().apply_to(&step.label),
    };
    let detail = step.detail.as_deref().unwrap_or_default();
    let text = format!("  {mark} {label}{gap}{}", style().dim().apply_to(detail));
    let width = 78_usize.saturating_sub(measure_text_width(&text));
    if took.is_empty() { text } else { format!("{text}{}{took}", " ".repeat(width.saturating_sub(took.len()).max(2))) }
}

/// `0.3 s`, `34 s`.
pub(crate) fn seconds(length: Duration) -> String {
    if length < Duration::from_secs(10) {
        format!("{:.1} s", length.as_secs_f64())
    } else {
        format!("{} s", length.as_secs())
    }
}
