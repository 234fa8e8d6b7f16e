//! `ajar cancel`: gives up an attempt, wherever it was asked for.

use ajar_core::message;
use ajar_core::protocol::{Reply, Request};
use serde_json::json;

use super::End;
use crate::args::Named;
use crate::output;
use crate::session::Session;

pub(crate) async fn run(session: &Session, args: &Named) -> Result<(), End> {
    let under_way =
        session.snapshot().attempts.iter().any(|attempt| attempt.name == args.name && attempt.outcome.is_none());
    if let Reply::Refused { failure } = session.face.ask(Request::Cancel { name: args.name.clone() }).await {
        return Err((*failure).into());
    }
    if args.json {
        output::json(&json!({ "name": args.name, "cancelled": under_way }))?;
    } else if under_way {
        output::line(&message::cli::cancelled(args.name.as_str()))?;
    } else {
        output::line(&message::cli::nothing_to_cancel(args.name.as_str()))?;
    }
    Ok(())
}
