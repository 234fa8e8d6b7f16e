//! `ajar extend`: more time for a favourite that is open.

use ajar_core::message;
use ajar_core::protocol::Connect;
use ajar_core::snapshot::OutcomeView;
use ajar_runtime::adapters::azure_now;
use serde_json::json;

use super::End;
use super::connect::{in_seconds, local, steps_of};
use super::following::{Show, follow_saying_why, without_end};
use crate::args::Extend;
use crate::output::{self, line_to_people, style};
use crate::session::Session;
use crate::signals::Signals;

pub(crate) async fn run(session: &Session, args: &Extend, signals: &mut Signals) -> Result<(), End> {
    let mut wish = Connect {
        port: args.port,
        seconds: args.duration.map(in_seconds),
        reason: args.reason.clone(),
        ..Connect::more_time(args.name.clone())
    };
    let show = if args.json { Show::Events } else { Show::Steps };
    let view = follow_saying_why(session, &mut wish, show, signals).await?;
    match &view.outcome {
        Some(OutcomeView::Extended(grant)) if args.json => output::json(&json!({
            "event": "extended",
            "vm": view.vm,
            "window": grant,
            "steps": steps_of(&view),
            "notes": view.notes,
        }))?,
        Some(OutcomeView::Extended(grant)) => {
            let left = grant.end_time_utc - azure_now(&session.snapshot());
            let text = message::cli::stays_open(view.name.as_str(), &local(grant.end_time_utc), left);
            line_to_people(&format!("{} {text}", style().green().apply_to("●")));
        }
        Some(OutcomeView::Failed(failure) | OutcomeView::Cancelled(failure)) => return Err(failure.clone().into()),
        Some(OutcomeView::Connected(_)) | None => return Err(without_end()),
    }
    Ok(())
}
