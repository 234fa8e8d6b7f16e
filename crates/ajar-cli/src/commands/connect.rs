//! `ajar connect`: the door opens, step by step, and the client starts.

use std::io::IsTerminal;
use std::net::Ipv4Addr;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use ajar_core::failure::Failure;
use ajar_core::launch::{Target, has_client, in_terminal, vet_command};
use ajar_core::message;
use ajar_core::port::{Endpoint, Protocol};
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::protocol::{self, Reply, Request};
use ajar_core::settings::{Settings, unknown_favourite};
use ajar_core::snapshot::{
    AttemptView, BastionView, FailureView, GrantView, OpenedBy, OutcomeView, ReachedView, Snapshot, StepView,
    WindowView,
};
use ajar_runtime::adapters::{SystemClock, azure_now, run_in_terminal, surroundings_of, words};
use ajar_runtime::files::SettingsFile;
use ajar_runtime::ports::Clock as _;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::asking::{self, Help, Instead};
use super::following::{Show, follow_saying_why, without_end};
use super::meaning::{self, Meant};
use super::{End, ask, sign_in};
use crate::args::Connect;
use crate::output::{self, line_to_people, style};
use crate::session::Session;
use crate::signals::{Signal, Signals};

/// Who starts the client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    /// This process, in its terminal.
    Here,
    /// The engine, in a window.
    Window,
    Nobody,
}

pub(crate) async fn run(session: &Session, args: &Connect, signals: &mut Signals) -> Result<(), End> {
    let may_ask = !args.json && asking::somebody_is_there();
    let meant = meant(session, args, may_ask, signals).await?;
    let protocol = protocol(session, args, &meant);
    if protocol == Some(Protocol::Rdp) && !args.command.is_empty() {
        return Err(words(&Failure::CommandNotForRdp.into(), meant.name.as_str()).into());
    }
    let profile = profile(session, &session.snapshot(), &meant);
    if !args.command.is_empty()
        && let Some(profile) = &profile
    {
        vet_command(profile, protocol.unwrap_or_else(|| profile.protocol()))
            .map_err(|failure| End::from(words(&failure.into(), meant.name.as_str())))?;
    }
    let client = who_launches(args, protocol, profile.as_ref());
    // Who has a command to run there means ssh, whatever runs there.
    let runs_command = !args.command.is_empty() && profile.as_ref().is_some_and(Profile::is_door_supposed);
    let mut request = protocol::Connect {
        port: args.port.or(Protocol::Ssh.default_port().filter(|_| runs_command)),
        seconds: args.duration.map(in_seconds),
        reason: args.reason.clone(),
        source: source(session, args)?,
        launch: client == Client::Window,
        launch_rdp: client == Client::Here,
        profile: meant.profile.clone(),
        ..protocol::Connect::new(meant.name.clone())
    };
    let show = if args.json { Show::Events } else { Show::Steps };
    let mut view = follow_saying_why(session, &mut request, show, signals).await?;
    if let Some(OutcomeView::Failed(failure)) = &view.outcome
        && !args.json
        && helped_against(session, &meant.name, failure, signals).await?
    {
        view = follow_saying_why(session, &mut request, show, signals).await?;
    }
    match view.outcome.clone() {
        Some(OutcomeView::Connected(ReachedView { endpoint, bastion, window, elapsed_ms })) => {
            if args.json {
                output::json(&connected_event(&view, &endpoint, bastion.as_ref(), window.as_ref(), elapsed_ms))?;
            }
            // It turned out what runs there, and the engine has started the client.
            let client = if view.protocol == Protocol::Rdp && client == Client::Here { Client::Window } else { client };
            let ended = match client {
                Client::Here => launch_here(session, &meant, &args.command, &view, &endpoint, signals).await,
                Client::Window | Client::Nobody => Ok(()),
            };
            // However the client ended; of one that did not start the failure tells.
            if matches!(ended, Ok(()) | Err(End::Code(_)))
                && !args.json
                && let Some(end) = end_in_words(session, &view)
            {
                line_to_people(&end);
            }
            if client != Client::Here {
                session.leads_on(signals).await;
            }
            ended
        }
        Some(OutcomeView::Failed(failure) | OutcomeView::Cancelled(failure)) => Err(failure.into()),
        Some(OutcomeView::Extended(_)) | None => Err(without_end()),
    }
}

/// What is to be opened. Who sees nothing for want of a sign-in is offered one, if `may_ask`.
async fn meant(session: &Session, args: &Connect, may_ask: bool, signals: &mut Signals) -> Result<Meant, End> {
    let mut has_signed_in = false;
    loop {
        let meant = tokio::select! {
            meant = meaning::meant(session, args.names.first().map(String::as_str), may_ask) => meant,
            signal = signals.next() => return Err(End::Code(signal.exit_code())),
        };
        let Err(End::Failed(failure)) = meant else { return meant };
        let wish = asking::sign_in_to_see(&failure, &session.snapshot()).filter(|_| may_ask && !has_signed_in);
        let Some(wish) = wish else { return Err(failure.into()) };
        output::failure(&failure, session.verbose > 0);
        if !asking::goes_on(message::account::sign_in_now(), signals).await? {
            return Err(End::Code(failure.exit_code));
        }
        sign_in::to_its_end(session, wish, false, signals).await?;
        has_signed_in = true;
    }
}

/// Offers what would help where somebody is there; whether somebody has taken it up.
async fn helped_against(
    session: &Session,
    name: &ProfileName,
    failure: &FailureView,
    signals: &mut Signals,
) -> Result<bool, End> {
    let help = asking::help_against(failure, name, &session.snapshot());
    let Some(help) = help.filter(|_| asking::somebody_is_there()) else { return Ok(false) };
    output::failure(failure, session.verbose > 0);
    let left = || Err(End::Code(failure.exit_code));
    let wish = match help {
        Help::SignIn(wish) => {
            if !asking::goes_on(message::account::sign_in_now(), signals).await? {
                return left();
            }
            wish
        }
        Help::InPlaceOf(gone) => match asking::instead_of(&gone, &session.snapshot(), signals).await? {
            Instead::SignIn(wish) => wish,
            Instead::ActAs(account) => {
                let act = Request::ActAs { name: name.clone(), account };
                ask(session, act, signals).await?.accepted()?;
                return Ok(true);
            }
            Instead::Nothing => return left(),
        },
    };
    let account = sign_in::to_its_end(session, wish, false, signals).await?;
    // Who signs in for a favourite means it to act as that account.
    let snapshot = session.snapshot();
    let favourite = snapshot.favourites.iter().find(|favourite| favourite.name == *name);
    let acts = favourite.and_then(|favourite| snapshot.account_of(favourite));
    if acts.is_none_or(|acts| acts.name != account) {
        let act = Request::ActAs { name: name.clone(), account };
        ask(session, act, signals).await?.accepted()?;
    }
    Ok(true)
}

/// The address that access is to be asked from, where the command line names it or its network.
pub(super) fn source(session: &Session, args: &Connect) -> Result<Option<Ipv4Addr>, End> {
    let Some(choice) = &args.source else { return Ok(None) };
    let networks = session.snapshot().settings.networks.clone();
    let address = Settings { networks, ..Settings::default() }.source(choice);
    address.map_err(|failure| words(&failure.into(), "Ajar").into())
}

/// How it is opened, with what it inherits: as the engine has read the settings, whatever has become of the file.
fn profile(session: &Session, snapshot: &Snapshot, meant: &Meant) -> Option<Profile> {
    let of_favourite = snapshot.favourites.iter().find(|favourite| favourite.name == meant.name);
    let settings = || SettingsFile::of(&session.folder).in_force().unwrap_or_default();
    let guest = meant.profile.as_ref().map(|own| settings().inheritance.effective(own).profile);
    guest.or(of_favourite.map(|favourite| favourite.profile.clone()))
}

/// What it is opened with, as the engine takes it: what the profile says counts for other ports too.
fn protocol(session: &Session, args: &Connect, meant: &Meant) -> Option<Protocol> {
    let profile = profile(session, &session.snapshot(), meant)?;
    Some(profile.spoken_at(args.port.unwrap_or_else(|| profile.port())))
}

/// ssh belongs in this terminal if there is one, or if it is to run a command, and so does a client that a favourite names for a
/// port; everything else gets a window.
fn who_launches(args: &Connect, protocol: Option<Protocol>, profile: Option<&Profile>) -> Client {
    let has_client = protocol.zip(profile).is_none_or(|(protocol, profile)| has_client(profile, protocol));
    if args.no_launch || !has_client {
        return Client::Nobody;
    }
    let terminal = std::io::stdin().is_terminal() || std::io::stdout().is_terminal();
    let here = !args.json && protocol != Some(Protocol::Rdp) && (terminal || !args.command.is_empty());
    if here { Client::Here } else { Client::Window }
}

/// A length of time as it is asked for.
pub(super) fn in_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

/// The steps of an attempt that has ended, as events tell them.
pub(super) fn steps_of(view: &AttemptView) -> Vec<serde_json::Value> {
    let told = |step: &StepView| json!({ "step": step.step, "status": step.status, "startedMs": step.started_ms, "endedMs": step.ended_ms });
    view.steps.iter().map(told).collect()
}

pub(super) fn connected_event(
    view: &AttemptView,
    endpoint: &Endpoint,
    bastion: Option<&BastionView>,
    window: Option<&GrantView>,
    elapsed_ms: u64,
) -> serde_json::Value {
    json!({
        "event": "connected",
        "vm": view.vm,
        "endpoint": endpoint,
        "bastion": bastion.map(|bastion| &bastion.name),
        "window": window,
        "elapsedMs": elapsed_ms,
        "steps": steps_of(view),
        "notes": view.notes,
    })
}

/// Runs ssh, or the favourite's own client, in this terminal, to its end. The code is that of the command it ran; of a shell it is only ssh's own
/// failure (255), which ssh has explained: a shell ends with the code of its last command, and that is no result.
/// If a signal ended ssh, such as Ctrl+C at its question about the host key, that is how this ends too.
async fn launch_here(
    session: &Session,
    meant: &Meant,
    command: &[String],
    AttemptView { protocol, .. }: &AttemptView,
    endpoint: &Endpoint,
    signals: &mut Signals,
) -> Result<(), End> {
    let name = meant.name.as_str();
    let in_words = |failure: Failure| End::from(words(&failure.into(), name));
    let snapshot = session.snapshot();
    let Some(profile) = profile(session, &snapshot, meant) else {
        let names = snapshot.favourites.iter().map(|favourite| &favourite.name);
        return Err(in_words(unknown_favourite(&meant.name, names)));
    };
    let target = Target { name, vm: &profile.vm, protocol: *protocol, endpoint, profile: &profile };
    let files = session.folder.launch();
    let around = surroundings_of(*protocol, &profile, &snapshot.settings.clients, &files).await;
    let around = around.map_err(|trouble| End::from(words(&trouble, name)))?;
    let plan = in_terminal(&target, &around, command).map_err(in_words)?;
    let began = Instant::now();
    let ended = run_in_terminal(&plan, &files, other_than_interrupt(signals)).await;
    let status =
        ended.map_err(|trouble| End::from(words(&trouble, name)))?.map_err(|signal| End::Code(signal.exit_code()))?;
    if status.code() == Some(SSH_FAILED) && began.elapsed() < AT_ONCE && *protocol == Protocol::Ssh {
        explain_host_key(session, meant, signals).await;
    }
    let code = match status.code() {
        Some(code) if !command.is_empty() => u8::try_from(code).unwrap_or(1),
        Some(SSH_FAILED) => 1,
        Some(_) => 0,
        None => of_signal(status),
    };
    if code == 0 { Ok(()) } else { Err(End::Code(code)) }
}

/// The code of ssh itself, where it fails.
const SSH_FAILED: i32 = 255;

/// The code of its refusal of a server that shows another key.
const HOST_KEY_CHANGED: &str = "hostKeyChanged";

/// ssh refuses a server before anybody has been asked for a password.
const AT_ONCE: Duration = Duration::from_secs(15);

/// What Azure says of it, where ssh has refused the server for its key: it has told that by itself, but does not know Azure. What cannot be
/// looked at goes without.
async fn explain_host_key(session: &Session, meant: &Meant, signals: &mut Signals) {
    let diagnose = Request::Diagnose { name: meant.name.clone(), profile: meant.profile.clone() };
    let Ok(Reply::Diagnosis { diagnosis }) = ask(session, diagnose, signals).await else { return };
    let of_host_key = |failure: &&FailureView| failure.code == HOST_KEY_CHANGED;
    if let Some(failure) = diagnosis.failure.as_ref().filter(of_host_key) {
        output::failure(failure, session.verbose > 0);
    }
}

/// As shells tell it.
#[cfg(unix)]
fn of_signal(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal().and_then(|signal| u8::try_from(128 + signal).ok()).unwrap_or(1)
}

#[cfg(not(unix))]
fn of_signal(_status: ExitStatus) -> u8 {
    1
}

/// ssh has the terminal now; its Ctrl+C is not ours.
async fn other_than_interrupt(signals: &mut Signals) -> Signal {
    loop {
        let signal = signals.next().await;
        if signal != Signal::Interrupt {
            return signal;
        }
    }
}

/// The end of a window that was opened or made longer, or why there is none.
pub(super) fn end_in_words(session: &Session, view: &AttemptView) -> Option<String> {
    let (name, snapshot) = (view.name.as_str(), session.snapshot());
    let stays_open = |end| message::cli::stays_open(name, &local(end), end - azure_now(&snapshot));
    let text = if let Some(OutcomeView::Extended(grant)) = &view.outcome {
        stays_open(grant.end_time_utc)
    } else {
        let is_its_own =
            |window: &&WindowView| (&window.cloud, &window.vm, window.port) == (&view.cloud, &view.vm, view.port);
        let adopted = || snapshot.windows.iter().find(is_its_own).map(|window| window.end_time_utc);
        // A window that came in later says more than that there was none.
        let opened_by = view.opened_by()?;
        let is_window = matches!(opened_by, OpenedBy::Window(_));
        let opened_by = if is_window { opened_by } else { adopted().map_or(opened_by, OpenedBy::Window) };
        match opened_by {
            OpenedBy::Window(end) => stays_open(end),
            OpenedBy::Itself => message::cli::open_without_request(name),
            OpenedBy::Start => message::cli::open_since_start(name),
            OpenedBy::Unanswered => message::cli::open_before_answer(name),
            OpenedBy::DespiteRefusal => message::cli::open_despite_refusal(name),
        }
    };
    let at = match &view.outcome {
        Some(OutcomeView::Connected(reached)) if view.protocol == Protocol::Port => {
            message::cli::answers_at(name, &reached.endpoint) + " "
        }
        Some(_) | None => String::new(),
    };
    Some(format!("{} {at}{text}", style().green().apply_to("●")))
}

/// A moment on the user's clock.
pub(super) fn local(at: DateTime<Utc>) -> String {
    message::moment(at, SystemClock.zone(SystemClock.now()))
}
