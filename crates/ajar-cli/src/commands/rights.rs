//! `ajar rights`: which of the rights that opening a favourite takes are granted.

use ajar_core::message;
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::RightsView;

use super::{End, no_answer};
use crate::args::Rights;
use crate::output;
use crate::session::Session;

pub(crate) async fn run(session: &Session, args: &Rights) -> Result<(), End> {
    let reply = session.face.ask(Request::Rights { name: args.name.clone() }).await;
    let Reply::Rights { rights } = reply.unless_refused()? else { return Err(no_answer()) };
    if args.json {
        output::json(&rights)?;
    } else if !args.message {
        print(&rights)?;
    } else if let Some(message) = &rights.message {
        output::line(message.trim_end())?;
    } else {
        output::line_to_people(&rights.summary);
    }
    Ok(())
}

fn print(rights: &RightsView) -> Result<(), End> {
    let rows: Vec<Vec<String>> = rights
        .rights
        .iter()
        .map(|right| {
            let (purpose, state) = message::rights::right(right.purpose, right.state);
            vec![state.into(), purpose.into(), right.action.clone()]
        })
        .collect();
    output::lines(&output::table(&message::rights::COLUMNS, &rows))?;
    output::line(&rights.summary)?;
    if rights.message.is_some() {
        output::line_to_people(&message::rights::how_to_ask(rights.name.as_str()));
    }
    Ok(())
}
