//! `ajar doctor`: what opening a VM would do or meet, found out without changing anything.

use ajar_core::message;
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::{CheckView, DiagnosisView};

use super::{End, meaning, no_answer};
use crate::args::Doctor;
use crate::output;
use crate::session::Session;

pub(crate) async fn run(session: &Session, args: &Doctor) -> Result<(), End> {
    let meant = meaning::whole(session, &args.name).await?;
    let reply = session.face.ask(Request::Diagnose { name: meant.name, profile: meant.profile }).await;
    let Reply::Diagnosis { diagnosis } = reply.unless_refused()? else { return Err(no_answer()) };
    if args.json {
        output::json(&diagnosis)?;
    } else {
        print(&diagnosis)?;
    }
    let Some(failure) = diagnosis.failure else { return Ok(()) };
    // What was found has told it already to who reads JSON; a failure of the command itself it is not.
    output::failure(&failure, session.verbose > 0);
    Err(End::Code(failure.exit_code))
}

fn print(diagnosis: &DiagnosisView) -> Result<(), End> {
    let row =
        |view: &CheckView| vec![message::diagnosis::state(view.state).into(), view.label.clone(), view.text.clone()];
    let rows: Vec<Vec<String>> = diagnosis.checks.iter().map(row).collect();
    output::lines(&output::table(&message::diagnosis::COLUMNS, &rows))?;
    output::line(&diagnosis.summary)?;
    Ok(())
}
