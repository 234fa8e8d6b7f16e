//! What each command does. Each ends with an exit code.

mod cancel;
mod connect;
mod favourites;
mod list;
mod status;

use std::io;
use std::time::Duration;

use ajar_core::failure::{ExitCode, Failure, Trouble};
use ajar_core::message;
use ajar_core::snapshot::{FailureView, Snapshot};
use chrono::{DateTime, TimeDelta, Utc};

use crate::args::{Args, Command};
use crate::output::{self, Unprinted};
use crate::session::{Session, folder, words};

/// How long the engine's end is waited for, if it is hosted here: the other faces have then heard its last news, what
/// it remembers is on the disk, and the next command finds no host that is on its way out.
const CLOSING: Duration = Duration::from_secs(5);

/// How a command ends without having done what it should; the words have not been said yet.
pub(crate) enum End {
    /// It failed.
    Failed(Box<FailureView>),
    /// The client ended with a code of its own.
    Code(u8),
    /// Its result could not be printed.
    Unprinted(io::Error),
}

impl From<FailureView> for End {
    fn from(failure: FailureView) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl From<Trouble> for End {
    fn from(trouble: Trouble) -> Self {
        words(&trouble, "Ajar").into()
    }
}

impl From<Unprinted> for End {
    fn from(Unprinted(error): Unprinted) -> Self {
        // Who has read enough may leave.
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Code(0) } else { Self::Unprinted(error) }
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Trouble::from(Failure::Internal { detail: error.to_string() }).into()
    }
}

/// Runs the command and says what failed.
pub(crate) async fn run(args: Args) -> u8 {
    match command(&args).await {
        Ok(()) => 0,
        Err(End::Code(code)) => code,
        Err(End::Failed(failure)) => {
            if wants_json(&args.command) {
                // The exit code and the words for people tell it too.
                drop(output::json(&output::failure_event(&failure)));
            }
            output::failure(&failure, args.verbose > 0);
            failure.exit_code
        }
        Err(End::Unprinted(error)) => {
            output::line_to_people(&message::cli::unprinted(&error.to_string()));
            ExitCode::Failed as u8
        }
    }
}

async fn command(args: &Args) -> Result<(), End> {
    let folder = folder(args)?;
    let _log = ajar_runtime::log::start(folder.logs(), args.verbose);
    let session = Session::open(args, folder).await?;
    let ended = with_session(args, &session).await;
    // An engine that does not come to its end keeps nobody in the terminal; the next one finds out what it left.
    drop(tokio::time::timeout(CLOSING, session.face.close()).await);
    ended
}

async fn with_session(args: &Args, session: &Session) -> Result<(), End> {
    session.talks_to_the_cloud_asked_for(args)?;
    // Without the settings nothing is known of the favourites, which is not the same as that there are none.
    if let Some(problem) = &session.snapshot().settings_problem {
        return Err(problem.clone().into());
    }
    match &args.command {
        Command::List(list) => list::run(session, list),
        Command::Connect(connect) => connect::run(session, connect).await,
        Command::Status(status) => status::run(session, status).await,
        Command::Cancel(named) => cancel::run(session, named).await,
        Command::Add(add) => favourites::add(session, add).await,
        Command::Show(named) => favourites::show(session, named),
        Command::Remove(named) => favourites::remove(session, named).await,
    }
}

/// The time by Azure's clock, which windows end by.
fn azure_now(snapshot: &Snapshot) -> DateTime<Utc> {
    Utc::now() + TimeDelta::milliseconds(snapshot.clock_skew_ms)
}

fn wants_json(command: &Command) -> bool {
    match command {
        Command::List(list) => list.json,
        Command::Connect(connect) => connect.json,
        Command::Status(status) => status.json,
        Command::Cancel(named) | Command::Show(named) | Command::Remove(named) => named.json,
        Command::Add(add) => add.json,
    }
}
