//! Following an attempt to its end, for the commands that open a favourite.

use std::time::Duration;

use ajar_core::failure::Failure;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::{Connect, Reply, Request};
use ajar_core::snapshot::{AttemptView, FailureView, OutcomeView, Step, StepStatus, StepView};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior};

use super::End;
use crate::output;
use crate::progress::{Progress, REDRAW, can_redraw};
use crate::session::{Session, words};
use crate::signals::{Signal, Signals};

/// How long the engine may take to tell how a cancelled attempt ended: its host may be stopped.
const PATIENCE: Duration = Duration::from_secs(3);

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
    let mut progress = Progress::new(show != Show::Events && can_redraw(session.verbose));
    let mut following = session.face.connect(request).await;
    let mut redraw = tokio::time::interval(REDRAW);
    redraw.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut told: Vec<StepView> = Vec::new();
    let mut cancelled_by = None;
    let leaving = leave(session, &name);
    tokio::pin!(leaving);
    let mut leave_answered = false;
    let patience = tokio::time::sleep(PATIENCE);
    tokio::pin!(patience);
    loop {
        tokio::select! {
            changed = following.next() => {
                let mut view = changed?;
                match show {
                    Show::Events => tell_steps(&view.steps, &told),
                    Show::Passing if !progress.is_drawn() => progress.show_notes(&view),
                    Show::Steps | Show::Passing => progress.show(&view),
                }
                told.clone_from(&view.steps);
                if let (Some(OutcomeView::Cancelled(failure)), Some(signal)) = (&mut view.outcome, cancelled_by) {
                    failure.exit_code = Signal::exit_code(signal);
                }
                if view.outcome.is_some() {
                    let passes = show == Show::Passing && matches!(view.outcome, Some(OutcomeView::Connected { .. }));
                    if passes { progress.clear() } else { progress.finish() }
                    return Ok(view);
                }
            }
            signal = signals.next() => {
                if cancelled_by.is_some() {
                    progress.finish();
                    return Err(given_up(&name, &told, signal));
                }
                progress.interrupted();
                cancelled_by = Some(signal);
                patience.as_mut().reset(Instant::now() + PATIENCE);
            }
            goes_on = &mut leaving, if cancelled_by.is_some() && !leave_answered => {
                if goes_on? {
                    progress.finish();
                    let left = words(&Failure::Left.into(), name.as_str());
                    let exit_code = cancelled_by.unwrap_or(Signal::Interrupt).exit_code();
                    return Err(FailureView { exit_code, ..left }.into());
                }
                // The outcome comes with a snapshot, and with it what stays behind.
                leave_answered = true;
            },
            () = &mut patience, if cancelled_by.is_some() => {
                progress.finish();
                return Err(given_up(&name, &told, cancelled_by.unwrap_or(Signal::Interrupt)));
            }
            _ = redraw.tick(), if progress.is_drawn() => progress.redraw(),
        }
    }
}

/// Stops following the attempt; whether it goes on for others.
async fn leave(session: &Session, name: &ProfileName) -> Result<bool, FailureView> {
    match session.face.ask(Request::Leave { name: name.clone() }).await {
        Reply::Refused { failure } => Err(*failure),
        Reply::Left => Ok(true),
        Reply::Done
        | Reply::Attempt { .. }
        | Reply::SigningIn { .. }
        | Reply::SignedOut { .. }
        | Reply::ActsByDefault { .. }
        | Reply::Rights { .. } => Ok(false),
    }
}

/// Cancelled without having heard of the attempt's end: what may stay behind is known from its steps only.
fn given_up(name: &ProfileName, steps: &[StepView], signal: Signal) -> End {
    let may_have = |wanted| {
        let mut begun = steps.iter().filter(|step| matches!(step.status, StepStatus::Running | StepStatus::Done));
        begun.any(|step| step.step == wanted)
    };
    let failure =
        Failure::Cancelled { open_until: None, asking: may_have(Step::Access), starting: may_have(Step::Start) };
    let exit_code = signal.exit_code();
    End::AtOnce(Box::new(FailureView { exit_code, ..words(&failure.into(), name.as_str()) }))
}

/// One event for each step that stands differently than before. The attempt goes on though nobody reads them.
fn tell_steps(steps: &[StepView], told: &[StepView]) {
    for step in steps {
        let before = told.iter().find(|before| before.step == step.step);
        if before.is_none_or(|before| before.status != step.status) {
            drop(output::json(&json!({
                "event": "step",
                "step": step.step,
                "status": step.status,
                "startedMs": step.started_ms,
                "endedMs": step.ended_ms,
                "label": step.label,
                "detail": step.detail,
            })));
        }
    }
}
