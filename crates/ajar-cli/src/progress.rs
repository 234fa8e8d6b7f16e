//! The steps of an attempt, live on standard error: redrawn on a terminal, a line for each finished step elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::time::Duration;

use ajar_core::snapshot::{AttemptView, Step, StepStatus, StepView};
use console::{Term, measure_text_width, truncate_str};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use crate::output::{line_to_people, style};

/// How often running times are redrawn on a terminal.
pub(crate) const REDRAW: Duration = Duration::from_millis(100);

/// How wide a line is, where there is room for it.
const WIDTH: usize = 78;

/// See the module.
pub(crate) struct Progress {
    drawn: Option<Drawn>,
    /// Steps told of, without a terminal.
    said: BTreeSet<Step>,
    /// What running steps are called, without a terminal.
    running: BTreeMap<Step, String>,
    noted: usize,
}

struct Drawn {
    all: MultiProgress,
    lines: BTreeMap<Step, ProgressBar>,
    running_since: BTreeMap<Step, Instant>,
    last: Vec<StepView>,
}

/// Whether steps can be redrawn on standard error: not by a terminal that cannot move its cursor, and not where the log
/// is written to it too.
pub(crate) fn can_redraw(verbose: u8) -> bool {
    redraws(std::io::stderr().is_terminal(), std::env::var("TERM").ok().as_deref(), verbose)
}

fn redraws(terminal: bool, kind: Option<&str>, verbose: u8) -> bool {
    // Terminals of Windows have no name.
    let moves_cursor = kind.map_or(cfg!(windows), |kind| kind != "dumb" && !kind.is_empty());
    terminal && moves_cursor && verbose == 0
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
        Self { drawn, said: BTreeSet::new(), running: BTreeMap::new(), noted: 0 }
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
                if self.has_turned(step) {
                    line_to_people(&line(step, None, WIDTH));
                }
                if (view.outcome.is_some() || is_final(step, &view.steps)) && self.said.insert(step.step) {
                    line_to_people(&line(step, None, WIDTH));
                }
            }
        }
        self.show_notes(view);
    }

    /// Shows what is to be noted of the attempt, and has not been yet.
    pub(crate) fn show_notes(&mut self, view: &AttemptView) {
        for note in view.notes.iter().skip(self.noted) {
            self.say(&format!("  {} {note}", style().yellow().apply_to("!")));
        }
        self.noted = self.noted.max(view.notes.len());
    }

    /// Whether a running step is about something else than before, and so takes longer than it may seem to.
    fn has_turned(&mut self, step: &StepView) -> bool {
        if step.status != StepStatus::Running {
            return false;
        }
        let before = self.running.insert(step.step, step.label.clone());
        before.is_some_and(|before| before != step.label)
    }

    /// Lets running times go on.
    pub(crate) fn redraw(&mut self) {
        if let Some(drawn) = &mut self.drawn {
            drawn.redraw();
        }
    }

    /// Leaves the steps on the screen as they are from here on. What a terminal echoes for Ctrl+C has moved its cursor,
    /// so that a redraw would miss the first line.
    pub(crate) fn interrupted(&self) {
        if let Some(drawn) = &self.drawn {
            drawn.all.set_draw_target(ProgressDrawTarget::hidden());
            line_to_people("");
        }
    }

    /// Leaves the steps on the screen as they are.
    pub(crate) fn finish(&mut self) {
        for line in self.drawn.take().into_iter().flat_map(|drawn| drawn.lines.into_values()) {
            line.abandon();
        }
    }

    /// Takes the steps off the screen.
    pub(crate) fn clear(&mut self) {
        for line in self.drawn.take().into_iter().flat_map(|drawn| drawn.lines.into_values()) {
            line.finish_and_clear();
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
        let width = Term::stderr().size_checked().map_or(WIDTH, |(_, columns)| WIDTH.min(usize::from(columns)));
        for step in &self.last {
            let since = (step.status == StepStatus::Running)
                .then(|| *self.running_since.entry(step.step).or_insert_with(Instant::now));
            let bar = self.lines.entry(step.step).or_insert_with(|| {
                let plain = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
                self.all.add(ProgressBar::new_spinner().with_style(plain))
            });
            bar.set_message(line(step, since.map(|since| since.elapsed()), width));
        }
    }
}

/// Whether nothing can turn a step any more: one that is done can still be where the attempt fails, as long as nothing
/// has come of it.
fn is_final(step: &StepView, steps: &[StepView]) -> bool {
    let begun = |wanted| steps.iter().any(|other| other.step == wanted && other.status != StepStatus::Waiting);
    let over = |wanted| steps.iter().any(|other| other.step == wanted && is_over(other.status));
    let used = match step.step {
        Step::Source | Step::Policy => begun(Step::Access),
        Step::Vm => begun(Step::Start) && begun(Step::Port),
        Step::Access | Step::Start => over(Step::Port),
        Step::Port | Step::Client => true,
    };
    is_over(step.status) && (used || step.status == StepStatus::Failed)
}

fn is_over(status: StepStatus) -> bool {
    matches!(status, StepStatus::Done | StepStatus::Skipped | StepStatus::Failed)
}

/// `✓ Your address      203.0.113.7, three sources agree   0.3 s`
fn line(step: &StepView, running: Option<Duration>, width: usize) -> String {
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
    let label = match step.status {
        StepStatus::Waiting | StepStatus::Skipped => style().dim().apply_to(&step.label),
        StepStatus::Running | StepStatus::Done | StepStatus::Failed => style().apply_to(&step.label),
    };
    let mut text = format!("  {mark} {label}");
    if let Some(detail) = &step.detail {
        let gap = " ".repeat(LABELS.saturating_sub(measure_text_width(&step.label)).max(1));
        text.extend([gap, style().dim().apply_to(detail).to_string()]);
    }
    if took.is_empty() {
        return truncate_str(&text, width, "…").into_owned();
    }
    let text = truncate_str(&text, width.saturating_sub(took.len() + 2), "…");
    let gap = width.saturating_sub(measure_text_width(&text) + took.len());
    format!("{text}{}{took}", " ".repeat(gap.max(2)))
}

/// `0.3 s`, `34 s`.
pub(crate) fn seconds(length: Duration) -> String {
    if length < Duration::from_secs(10) {
        format!("{:.1} s", length.as_secs_f64())
    } else {
        format!("{} s", length.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: Step, status: StepStatus, detail: Option<&str>) -> StepView {
        let (label, detail) = (format!("{step:?}"), detail.map(Into::into));
        StepView { step, status, started_ms: Some(0), ended_ms: Some(300), label, detail }
    }

    #[test]
    fn a_step_is_told_of_when_nothing_can_turn_it_any_more() {
        let policy = step(Step::Policy, StepStatus::Done, None);
        let access = |status| step(Step::Access, status, None);
        assert!(!is_final(&policy, &[policy.clone(), access(StepStatus::Waiting)]), "the VM may not be in it");
        assert!(is_final(&policy, &[policy.clone(), access(StepStatus::Running)]));
        let failed = StepView { status: StepStatus::Failed, ..policy };
        assert!(is_final(&failed, &[failed.clone(), access(StepStatus::Skipped)]));
    }

    #[test]
    fn a_running_step_is_told_of_when_it_turns_to_something_else() {
        let mut progress = Progress::new(false);
        let named = |label: &str, status| StepView { label: label.into(), ..step(Step::Access, status, None) };
        for (label, status, turned) in [
            ("Requesting access", StepStatus::Waiting, false),
            ("Requesting access", StepStatus::Running, false),
            ("Requesting access", StepStatus::Running, false),
            ("Looking for the request", StepStatus::Running, true),
            ("Looking for the request", StepStatus::Running, false),
            ("Requesting access", StepStatus::Running, true),
            ("Access requested", StepStatus::Done, false),
        ] {
            assert_eq!(progress.has_turned(&named(label, status)), turned, "{label}");
        }
    }

    #[test]
    fn steps_are_redrawn_only_where_nothing_else_is_written_and_the_cursor_can_be_moved() {
        assert!(redraws(true, Some("xterm-256color"), 0));
        assert_eq!(redraws(true, None, 0), cfg!(windows));
        for (terminal, kind, verbose) in
            [(false, "xterm", 0), (true, "dumb", 0), (true, "", 0), (true, "xterm", 1), (true, "xterm", 2)]
        {
            assert!(!redraws(terminal, Some(kind), verbose), "{kind} {verbose}");
        }
    }

    #[test]
    fn lines_fit_their_width_and_end_with_what_is_to_be_seen() {
        for detail in [None, Some("203.0.113.7, three sources agree"), Some("a firewall with a very, very long name")] {
            for width in [40, 78] {
                let line = line(&step(Step::Source, StepStatus::Done, detail), None, width);
                assert_eq!((measure_text_width(&line), line.ends_with("0.3 s")), (width, true), "{line}");
            }
        }
        let skipped = line(&step(Step::Start, StepStatus::Skipped, None), None, WIDTH);
        assert_eq!(skipped, skipped.trim_end());
    }
}
