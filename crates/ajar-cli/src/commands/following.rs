//! Following an attempt to its end, for the commands that open a favourite.

use std::time::Duration;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::message;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::{Connect, Reply, Request};
use ajar_core::snapshot::{AttemptView, FailureView, OutcomeView, Step, StepStatus, StepView};
use ajar_runtime::adapters::words;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior};

use super::{End, asking};
use crate::output;
use crate::progress::{Progress, REDRAW, can_redraw};
use crate::session::Session;
use crate::signals::{Signal, Signals};

/// How long the engine may take to tell what came of a cancel: its host may be stopped.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// How an attempt is told of while it goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// Step by step, which stays on the screen.
    Steps,
    /// Step by step on a terminal, cleared once connected; elsewhere nothing but what is to be noted.
    Passing,
    /// As JSON events.
    Events,
}

/// Follows the attempt to its end, showing its steps. The first signal leaves it to the others who follow it, or cancels
/// it if there are none; with the second, or if its end is not heard of in time, this ends at once.
pub(super) async fn follow(
    session: &Session,
    request: Connect,
    show: Show,
    signals: &mut Signals,
) -> Result<AttemptView, End> {
    let name = request.name.clone();
    let mut telling = Telling::new(name.clone(), show, can_redraw(session.verbose));
    let mut following = session.face.connect(request).await;
    let mut redraw = tokio::time::interval(REDRAW);
    redraw.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let leaving = leave(session, &name);
    tokio::pin!(leaving);
    let mut leave_answered = false;
    let patience = tokio::time::sleep(PATIENCE);
    tokio::pin!(patience);
    loop {
        tokio::select! {
            changed = following.next() => {
                if let Some(ended) = telling.tell(changed?) {
                    return Ok(ended);
                }
            }
            signal = signals.next() => {
                telling.interrupted(signal)?;
                patience.as_mut().reset(Instant::now() + PATIENCE);
            }
            goes_on = &mut leaving, if telling.cancelled_by.is_some() && !leave_answered => {
                if goes_on? {
                    return Err(telling.left());
                }
                // The outcome comes with a snapshot, and with it what stays behind.
                leave_answered = true;
            },
            () = &mut patience, if telling.cancelled_by.is_some() => {
                return Err(telling.given_up(telling.cancelled_by.unwrap_or(Signal::Interrupt)));
            }
            _ = redraw.tick(), if telling.progress.is_drawn() => telling.progress.redraw(),
        }
    }
}

/// The same; who is there is asked why it is opened, if its favourite wants that.
pub(super) async fn follow_saying_why(
    session: &Session,
    request: &mut Connect,
    show: Show,
    signals: &mut Signals,
) -> Result<AttemptView, End> {
    let view = follow(session, request.clone(), show, signals).await?;
    match &view.outcome {
        Some(OutcomeView::Failed(failure))
            if failure.code == "reasonWanted" && show == Show::Steps && asking::somebody_is_there() =>
        {
            request.reason = Some(asking::why(request.name.as_str(), failure, signals).await?);
            follow(session, request.clone(), show, signals).await
        }
        _ => Ok(view),
    }
}

/// The attempt has no end, or one that was not asked for.
pub(super) fn without_end() -> End {
    Trouble::from(Failure::Internal { detail: message::cli::attempt_without_end().into() }).into()
}

/// An attempt as far as it has been told of.
struct Telling {
    name: ProfileName,
    show: Show,
    progress: Progress,
    told: Vec<StepView>,
    cancelled_by: Option<Signal>,
}

impl Telling {
    fn new(name: ProfileName, show: Show, can_redraw: bool) -> Self {
        let progress = Progress::new(show != Show::Events && can_redraw);
        Self { name, show, progress, told: Vec::new(), cancelled_by: None }
    }

    /// Tells how the attempt stands; the attempt, if that is its end.
    fn tell(&mut self, mut view: AttemptView) -> Option<AttemptView> {
        match self.show {
            Show::Events => tell_steps(&view.steps, &self.told),
            Show::Passing if !self.progress.is_drawn() => self.progress.show_notes(&view),
            Show::Steps | Show::Passing => self.progress.show(&view),
        }
        self.told.clone_from(&view.steps);
        if let (Some(OutcomeView::Cancelled(failure)), Some(signal)) = (&mut view.outcome, self.cancelled_by) {
            failure.exit_code = Signal::exit_code(signal);
        }
        let outcome = view.outcome.as_ref()?;
        if self.show == Show::Passing && matches!(outcome, OutcomeView::Connected { .. }) {
            self.progress.clear();
        } else {
            self.progress.finish();
        }
        Some(view)
    }

    /// Takes in the first signal.
    ///
    /// # Errors
    /// The second ends it at once.
    fn interrupted(&mut self, signal: Signal) -> Result<(), End> {
        if self.cancelled_by.is_some() {
            return Err(self.given_up(signal));
        }
        self.progress.interrupted();
        self.cancelled_by = Some(signal);
        Ok(())
    }

    /// Left to others, for whom it goes on.
    fn left(&mut self) -> End {
        self.progress.finish();
        let exit_code = self.cancelled_by.unwrap_or(Signal::Interrupt).exit_code();
        FailureView { exit_code, ..words(&Failure::Left.into(), self.name.as_str()) }.into()
    }

    /// Cancelled without having heard of the attempt's end: what may stay behind is known from its steps only.
    fn given_up(&mut self, signal: Signal) -> End {
        self.progress.finish();
        let may_have = |wanted| {
            let mut begun =
                self.told.iter().filter(|step| matches!(step.status, StepStatus::Running | StepStatus::Done));
            begun.any(|step| step.step == wanted)
        };
        let failure =
            Failure::Cancelled { open_until: None, asking: may_have(Step::Access), starting: may_have(Step::Start) };
        let exit_code = signal.exit_code();
        End::AtOnce(Box::new(FailureView { exit_code, ..words(&failure.into(), self.name.as_str()) }))
    }
}

/// Stops following the attempt; whether it goes on for others.
async fn leave(session: &Session, name: &ProfileName) -> Result<bool, FailureView> {
    let reply = session.face.ask(Request::Leave { name: name.clone() }).await;
    reply.unless_refused().map(|reply| reply == Reply::Left).map_err(|failure| *failure)
}

/// One event for each step that stands differently than before. The attempt goes on though nobody reads them.
fn tell_steps(steps: &[StepView], told: &[StepView]) {
    step_events(steps, told).for_each(|event| drop(output::json(&event)));
}

/// The events of steps that stand differently than before.
pub(super) fn step_events<'v>(steps: &'v [StepView], told: &'v [StepView]) -> impl Iterator<Item = Value> + 'v {
    let has_changed = |step: &&StepView| {
        let before = told.iter().find(|before| before.step == step.step);
        before.is_none_or(|before| before.status != step.status)
    };
    steps.iter().filter(has_changed).map(|step| {
        json!({
            "event": "step",
            "step": step.step,
            "status": step.status,
            "startedMs": step.started_ms,
            "endedMs": step.ended_ms,
            "label": step.label,
            "detail": step.detail,
        })
    })
}
