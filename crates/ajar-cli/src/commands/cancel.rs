//! `ajar cancel`: gives up an attempt, wherever it was asked for.

use ajar_core::message;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::Request;
use ajar_core::snapshot::{OutcomeView, Snapshot};
use serde_json::json;

use super::End;
use crate::args::Named;
use crate::output;
use crate::session::Session;

pub(crate) async fn run(session: &Session, args: &Named) -> Result<(), End> {
    let before = session.snapshot();
    session.face.ask(Request::Cancel { name: args.name.clone() }).await.accepted()?;
    let cancelled = cancelled(&before, &session.snapshot());
    if args.json {
        output::json(&json!({ "name": args.name, "cancelled": !cancelled.is_empty() }))?;
    } else if cancelled.is_empty() {
        output::line(&message::cli::nothing_to_cancel(args.name.as_str()))?;
    } else {
        // Another favourite of the same VM and port may have begun it.
        for name in cancelled {
            output::line(&message::cli::cancelled(name.as_str()))?;
        }
    }
    Ok(())
}

/// Whose attempts were under way and are cancelled now.
fn cancelled(before: &Snapshot, after: &Snapshot) -> Vec<ProfileName> {
    let was_under_way =
        |number| before.attempts.iter().any(|attempt| attempt.number == number && attempt.outcome.is_none());
    // Those of favourites that are gone are not shown any more.
    let known = after.attempts.iter().chain(&after.superseded);
    let ended = known.filter(|attempt| matches!(attempt.outcome, Some(OutcomeView::Cancelled(_))));
    ended.filter(|attempt| was_under_way(attempt.number)).map(|attempt| attempt.name.clone()).collect()
}
