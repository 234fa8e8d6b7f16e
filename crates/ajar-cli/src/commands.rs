//! What each command does. Each ends with an exit code.

mod accounts;
mod asking;
mod cancel;
mod connect;
mod doctor;
mod export;
mod extend;
mod favourites;
mod following;
mod history;
mod import;
mod inventory;
mod list;
mod many;
mod meaning;
mod picker;
mod proxy;
mod rights;
mod sign_in;
mod sign_out;
mod ssh_config;
mod status;
mod stop;
mod team;

use std::io;
use std::time::Duration;

use ajar_core::failure::{ExitCode, Failure, Trouble};
use ajar_core::message;
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::{FailureView, Snapshot};
use ajar_runtime::adapters::words;

use crate::args::{Args, Command, Format, SshConfig, TeamCommand};
use crate::output::{self, Unprinted};
use crate::session::{Session, folder};
use crate::signals::Signals;

/// How long the engine's end is waited for, if it is hosted here: the other faces have then heard its last news, what
/// it remembers is on the disk, and the next command finds no host that is on its way out.
pub(crate) const CLOSING: Duration = Duration::from_secs(5);

/// How a command ends without having done what it should; the words have not been said yet.
pub(crate) enum End {
    /// It failed.
    Failed(Box<FailureView>),
    /// It failed, and the user does not want to wait for anything any more.
    AtOnce(Box<FailureView>),
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

impl From<Box<FailureView>> for End {
    fn from(failure: Box<FailureView>) -> Self {
        Self::Failed(failure)
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

/// Runs the command, says what failed, and closes the way to the engine.
pub(crate) async fn run(args: Args) -> u8 {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return tell(&args, error.into()),
    };
    let folder = match folder(&args) {
        Ok(folder) => folder,
        Err(trouble) => return tell(&args, trouble.into()),
    };
    let _log = ajar_runtime::log::start(folder.logs(), args.verbose);
    if let Command::Proxy(proxy) = &args.command
        && let Some(ended) = proxy::straight(&args, proxy, &folder, &mut signals).await
    {
        return ended.map_or_else(|end| tell(&args, end), |()| 0);
    }
    let session = match Session::open(&args, folder, &mut signals).await {
        Ok(session) => session,
        Err(end) => return tell(&args, end),
    };
    let ended = with_session(&args, &session, &mut signals).await;
    let in_a_hurry = matches!(ended, Err(End::AtOnce(_)));
    let code = ended.map_or_else(|end| tell(&args, end), |()| 0);
    if !in_a_hurry {
        session.stays_for_tunnels(false, &mut signals).await;
        tokio::select! {
            // An engine that does not come to its end keeps nobody in the terminal, and nor does one that is not waited
            // for; the next one finds out what it left.
            _ = tokio::time::timeout(CLOSING, session.face.close()) => {}
            _ = signals.next() => {}
        }
    }
    code
}

/// Says how a command ended that did not do what it should; its exit code.
fn tell(args: &Args, end: End) -> u8 {
    match end {
        End::Code(code) => code,
        End::Failed(failure) | End::AtOnce(failure) => {
            if wants_json(&args.command) {
                // The exit code and the words for people tell it too.
                drop(output::json(&output::failure_event(&failure)));
            }
            output::failure(&failure, args.verbose > 0);
            failure.exit_code
        }
        End::Unprinted(error) => {
            output::line_to_people(&message::cli::unprinted(&error.to_string()));
            ExitCode::Failed as u8
        }
    }
}

async fn with_session(args: &Args, session: &Session, signals: &mut Signals) -> Result<(), End> {
    // First of all: which cloud they mean may be known to the engine only now.
    unless_told_to_end(signals, async { Ok(session.knows_the_settings().await?) }).await?;
    // A sign-in says its cloud by itself, whatever the host's usual one is.
    if !(matches!(args.command, Command::SignIn(_)) && args.cloud.is_some()) {
        session.talks_to_the_cloud_asked_for(args)?;
    }
    tell_of_the_settings(&args.command, &session.snapshot())?;
    if may_ask_azure(&args.command) {
        session.tell_if_environment_is_unused(args);
    }
    match &args.command {
        Command::List(list) => unless_told_to_end(signals, list::run(session, list)).await,
        Command::Connect(connect) if many::is_meant(connect.names.len(), connect.folder.as_deref()) => {
            many::connect(session, connect, signals).await
        }
        Command::Connect(connect) => connect::run(session, connect, signals).await,
        Command::Proxy(proxy) => proxy::run(session, proxy, signals).await,
        Command::SshConfig(ssh_config) => ssh_config::run(session, args, ssh_config, signals).await,
        Command::Status(status) if status.watch => status::watch(session, status, signals).await,
        Command::Status(status) => unless_told_to_end(signals, status::once(session, status)).await,
        Command::Extend(extend) if many::is_meant(extend.names.len(), extend.folder.as_deref()) => {
            many::extend(session, extend, signals).await
        }
        Command::Extend(extend) => extend::run(session, extend, signals).await,
        Command::Stop(stop) => stop::run(session, stop, signals).await,
        Command::History(history) => unless_told_to_end(signals, history::run(session, history)).await,
        Command::Cancel(named) => unless_told_to_end(signals, cancel::run(session, named)).await,
        Command::Add(add) => unless_told_to_end(signals, favourites::add(session, args, add)).await,
        Command::Edit(edit) => unless_told_to_end(signals, favourites::edit(session, args, edit)).await,
        Command::Show(named) => unless_told_to_end(signals, favourites::show(session, named)).await,
        Command::Remove(named) => unless_told_to_end(signals, favourites::remove(session, named)).await,
        Command::Import(import) => import::run(session, import, signals).await,
        Command::Export(export) => export::run(session, export),
        Command::Team(command) => unless_told_to_end(signals, team::run(session, command)).await,
        Command::Rights(rights) => unless_told_to_end(signals, rights::run(session, rights)).await,
        Command::Doctor(doctor) => unless_told_to_end(signals, doctor::run(session, doctor)).await,
        Command::Accounts(accounts) => unless_told_to_end(signals, accounts::run(session, accounts)).await,
        Command::SignIn(sign_in) => sign_in::run(session, args, sign_in, signals).await,
        Command::SignOut(sign_out) => unless_told_to_end(signals, sign_out::run(session, sign_out)).await,
        // Needs no engine, and is done before there is one.
        Command::Completions { .. } => Ok(()),
    }
}

/// Says what is wrong with the settings. What an engine has read before that stays in force, for those who only use it.
///
/// # Errors
/// What is wrong, where it is to be changed, or nothing was ever read: then nothing is known of the favourites, which is not
/// the same as that there are none.
fn tell_of_the_settings(command: &Command, snapshot: &Snapshot) -> Result<(), End> {
    if let Some(problem) = &snapshot.settings_problem {
        let was_never_read = snapshot.host.account.is_empty();
        if was_never_read || !goes_by_what_was_read(command) {
            return Err(problem.clone().into());
        }
        // A watch says it by itself, as long as it is so.
        if !matches!(command, Command::Status(status) if status.watch) {
            output::failure(problem, false);
        }
    }
    if let Some(read_only) = &snapshot.settings.read_only
        && matches!(command, Command::List(_) | Command::Show(_) | Command::Status(_))
    {
        output::failure(read_only, false);
    }
    Ok(())
}

/// Whether a command needs nothing but what the engine has read of the settings.
fn goes_by_what_was_read(command: &Command) -> bool {
    matches!(
        command,
        Command::List(_)
            | Command::Connect(_)
            | Command::Proxy(_)
            | Command::Status(_)
            | Command::Extend(_)
            | Command::Stop(_)
            | Command::History(_)
            | Command::Cancel(_)
            | Command::Rights(_)
            | Command::Doctor(_)
            | Command::Show(_)
            | Command::Export(_)
            | Command::Accounts(_)
            | Command::Team(TeamCommand::List { .. })
    )
}

/// Whether somebody may be asked as an account, such as that of the environment.
fn may_ask_azure(command: &Command) -> bool {
    match command {
        Command::Connect(_)
        | Command::Extend(_)
        | Command::Stop(_)
        | Command::Proxy(_)
        | Command::Status(_)
        | Command::Import(_)
        | Command::Rights(_)
        | Command::Doctor(_)
        | Command::Accounts(_) => true,
        Command::List(list) => list.query.is_some(),
        Command::History(history) => history.azure,
        Command::Add(add) => meaning::is_a_name(favourites::vm_of(add)),
        Command::SshConfig(_)
        | Command::Cancel(_)
        | Command::Edit(_)
        | Command::Show(_)
        | Command::Remove(_)
        | Command::Export(_)
        | Command::Team(_)
        | Command::SignIn(_)
        | Command::SignOut(_)
        | Command::Completions { .. } => false,
    }
}

/// The engine has answered something else than was asked.
fn no_answer() -> End {
    Trouble::from(Failure::Internal { detail: message::cli::no_answer().into() }).into()
}

/// Asks the engine for something, for as long as nobody tells this command to end: a host that is stopped answers nothing.
async fn ask(session: &Session, request: Request, signals: &mut Signals) -> Result<Reply, End> {
    tokio::select! {
        reply = session.face.ask(request) => Ok(reply),
        signal = signals.next() => Err(End::Code(signal.exit_code())),
    }
}

async fn unless_told_to_end(signals: &mut Signals, work: impl Future<Output = Result<(), End>>) -> Result<(), End> {
    tokio::select! {
        ended = work => ended,
        signal = signals.next() => Err(End::Code(signal.exit_code())),
    }
}

fn wants_json(command: &Command) -> bool {
    match command {
        Command::List(list) => list.json,
        Command::Connect(connect) => connect.json,
        Command::Extend(extend) => extend.json,
        Command::Stop(stop) => stop.json,
        Command::Status(status) => status.json,
        Command::History(history) => matches!(history.format(), Some(Format::Json)),
        Command::Cancel(named) | Command::Show(named) | Command::Remove(named) => named.json,
        Command::Add(add) => add.json,
        Command::Edit(edit) => edit.json,
        Command::Import(import) => import.json,
        Command::Export(export) => export.json,
        Command::Team(command) => command.wants_json(),
        Command::Rights(rights) => rights.json,
        Command::Doctor(doctor) => doctor.json,
        Command::Accounts(accounts) => accounts.json,
        Command::SignIn(sign_in) => sign_in.json,
        Command::SignOut(sign_out) => sign_out.json,
        Command::SshConfig(SshConfig::Install(install)) => install.json,
        Command::SshConfig(SshConfig::Remove { json }) => *json,
        Command::SshConfig(SshConfig::Print) | Command::Proxy(_) | Command::Completions { .. } => false,
    }
}
