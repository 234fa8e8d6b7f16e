//! `ajar sign-out`: forgets an account, and says what was removed.

use ajar_core::account::AccountName;
use ajar_core::message;
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::Kept;
use serde_json::json;

use super::{End, no_answer};
use crate::args::SignOut;
use crate::output;
use crate::session::Session;

pub(crate) async fn run(session: &Session, args: &SignOut) -> Result<(), End> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => only_one(session)?,
    };
    let reply = session.face.ask(Request::SignOut { name: name.clone() }).await;
    let Reply::SignedOut { removed, remains, acts, left } = reply.unless_refused()? else { return Err(no_answer()) };
    if args.json {
        let told = json!({ "name": name, "removed": removed, "remains": remains, "acts": acts, "left": left });
        output::json(&told)?;
        return Ok(());
    }
    output::line(&message::account::signed_out(name.as_str(), &removed))?;
    if let Some(left) = left {
        output::line_to_people(&left);
    }
    if let Some(acts) = acts {
        output::line_to_people(&acts);
    }
    if !remains.is_empty() {
        output::line_to_people(&message::account::still_named(&remains));
    }
    Ok(())
}

/// The only account that Ajar keeps something of.
fn only_one(session: &Session) -> Result<AccountName, End> {
    let snapshot = session.snapshot();
    let mut kept = snapshot.accounts.iter().filter(|account| account.kept != Kept::Elsewhere);
    match (kept.next(), kept.next()) {
        (Some(only), None) => Ok(only.name.clone()),
        (first, second) => {
            let names: Vec<_> =
                first.into_iter().chain(second).chain(kept).map(|account| account.name.as_str()).collect();
            output::line_to_people(&message::account::which_one(&names));
            Err(End::Code(2))
        }
    }
}
