//! `ajar extend`: more time for a favourite that is open, or access from where this machine is now.

use ajar_core::profile::ProfileName;
use ajar_core::protocol::Connect;
use ajar_core::snapshot::{AttemptView, GrantView, OutcomeView};
use serde_json::json;

use super::End;
use super::connect::{end_in_words, in_seconds, steps_of};
use super::following::{Show, follow_saying_why, without_end};
use crate::args::Extend;
use crate::output::{self, line_to_people};
use crate::session::Session;
use crate::signals::Signals;

pub(crate) async fn run(session: &Session, args: &Extend, signals: &mut Signals) -> Result<(), End> {
    let Some(name) = args.names.first() else { return Ok(()) };
    let mut wish = wish(args, name.clone());
    let show = if args.json { Show::Events } else { Show::Steps };
    let view = follow_saying_why(session, &mut wish, show, signals).await?;
    match &view.outcome {
        Some(OutcomeView::Extended(grant)) if args.json => output::json(&extended_event(&view, grant))?,
        Some(OutcomeView::Extended(_)) => {
            if let Some(text) = end_in_words(session, &view) {
                line_to_people(&text);
            }
        }
        Some(OutcomeView::Failed(failure) | OutcomeView::Cancelled(failure)) => return Err(failure.clone().into()),
        Some(OutcomeView::Connected(_)) | None => return Err(without_end()),
    }
    Ok(())
}

/// The wish for more time for one of them.
pub(super) fn wish(args: &Extend, name: ProfileName) -> Connect {
    Connect {
        port: args.port,
        seconds: args.duration.map(in_seconds),
        reason: args.reason.clone(),
        follows: args.from_here,
        ..Connect::more_time(name)
    }
}

pub(super) fn extended_event(view: &AttemptView, grant: &GrantView) -> serde_json::Value {
    json!({
        "event": "extended",
        "vm": view.vm,
        "window": grant,
        "steps": steps_of(view),
        "notes": view.notes,
    })
}
