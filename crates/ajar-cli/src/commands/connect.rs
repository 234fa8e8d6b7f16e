//! `ajar connect`: the door opens, step by step, and the client starts.

use std::io::IsTerminal;
use std::process::ExitStatus;
use std::time::Duration;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::launch::{Target, in_terminal};
use ajar_core::message;
use ajar_core::port::{Endpoint, Protocol};
use ajar_core::profile::ProfileName;
use ajar_core::protocol::{self, Reply, Request};
use ajar_core::settings::{Favourite, unknown_favourite};
use ajar_core::snapshot::{AttemptView, FailureView, GrantView, OpenedBy, OutcomeView, Step, StepStatus, StepView};
use ajar_runtime::adapters::{SystemClock, run_in_terminal, surroundings};
use ajar_runtime::files::SettingsFile;
use ajar_runtime::ports::Clock as _;
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior};

use super::{End, azure_now};
use crate::args::Connect;
use crate::output::{self, line_to_people, style};
use crate::progress::{Progress, REDRAW, can_redraw};
use crate::session::{Session, words};
use crate::signals::{Signal, Signals};

/// How long the engine may take to tell how a cancelled attempt ended: its host may be stopped.
const PATIENCE: Duration = Duration::from_secs(3);

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
    let protocol = protocol(session, args);
    if protocol == Some(Protocol::Rdp) && !args.command.is_empty() {
        return Err(words(&Failure::CommandNotForRdp.into(), args.name.as_str()).into());
    }
    let client = who_launches(args, protocol);
    let request = protocol::Connect {
        name: args.name.clone(),
        port: args.port,
        seconds: args.duration.map(|duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)),
        reason: args.reason.clone(),
        source: args.source,
        launch: client == Client::Window,
        stays: false,
        again: false,
    };
    let view = follow(session, args, request, signals).await?;
    match view.outcome.clone() {
        Some(OutcomeView::Connected { endpoint, window, elapsed_ms }) => {
            if args.json {
                output::json(&connected_event(&view, &endpoint, window.as_ref(), elapsed_ms))?;
            }
            let ended = match client {
                Client::Here => launch_here(session, args, &endpoint, signals).await,
                Client::Window | Client::Nobody => Ok(()),
            };
            // However the client ended; of one that did not start the failure tells.
            if matches!(ended, Ok(()) | Err(End::Code(_))) {
                say_end(session, args, &view);
            }
            ended
        }
        Some(OutcomeView::Failed(failure) | OutcomeView::Cancelled(failure)) => Err(failure.into()),
        None => Err(Trouble::from(Failure::Internal { detail: message::cli::attempt_without_end().into() }).into()),
    }
}

/// What the favourite is opened with, as the engine takes it: what the profile says counts for other ports too.
fn protocol(session: &Session, args: &Connect) -> Option<Protocol> {
    let snapshot = session.snapshot();
    let favourite = snapshot.favourites.iter().find(|favourite| favourite.name == args.name)?;
    Some(match (favourite.profile.protocol, args.port) {
        (None, Some(port)) => Protocol::of_port(port),
        (_, _) => favourite.protocol,
    })
}

/// ssh belongs in this terminal if there is one, or if it is to run a command; everything else gets a window.
fn who_launches(args: &Connect, protocol: Option<Protocol>) -> Client {
    if args.no_launch {
        return Client::Nobody;
    }
    let terminal = std::io::stdin().is_terminal() || std::io::stdout().is_terminal();
    let here = !args.json && protocol != Some(Protocol::Rdp) && (terminal || !args.command.is_empty());
    if here { Client::Here } else { Client::Window }
}

/// Follows the attempt to its end, showing its steps. The first signal leaves it to the others who follow it, or cancels
/// it if there are none; with the second, or if its end is not heard of in time, this ends at once.
async fn follow(
    session: &Session,
    args: &Connect,
    request: protocol::Connect,
    signals: &mut Signals,
) -> Result<AttemptView, End> {
    let mut progress = Progress::new(!args.json && can_redraw(session.verbose));
    let mut following = session.face.connect(request).await;
    let mut redraw = tokio::time::interval(REDRAW);
    redraw.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut told: Vec<StepView> = Vec::new();
    let mut cancelled_by = None;
    let leaving = leave(session, &args.name);
    tokio::pin!(leaving);
    let mut leave_answered = false;
    let patience = tokio::time::sleep(PATIENCE);
    tokio::pin!(patience);
    loop {
        tokio::select! {
            changed = following.next() => {
                let mut view = changed?;
                if args.json {
                    tell_steps(&mut told, &view.steps);
                } else {
                    progress.show(&view);
                    told.clone_from(&view.steps);
                }
                if let (Some(OutcomeView::Cancelled(failure)), Some(signal)) = (&mut view.outcome, cancelled_by) {
                    failure.exit_code = Signal::exit_code(signal);
                }
                if view.outcome.is_some() {
                    progress.finish();
                    return Ok(view);
                }
            }
            signal = signals.next() => {
                if cancelled_by.is_some() {
                    progress.finish();
                    return Err(given_up(args, &told, signal));
                }
                progress.interrupted();
                cancelled_by = Some(signal);
                patience.as_mut().reset(Instant::now() + PATIENCE);
            }
            goes_on = &mut leaving, if cancelled_by.is_some() && !leave_answered => {
                if goes_on? {
                    progress.finish();
                    let left = words(&Failure::Left.into(), args.name.as_str());
                    let exit_code = cancelled_by.unwrap_or(Signal::Interrupt).exit_code();
                    return Err(FailureView { exit_code, ..left }.into());
                }
                // The outcome comes with a snapshot, and with it what stays behind.
                leave_answered = true;
            },
            () = &mut patience, if cancelled_by.is_some() => {
                progress.finish();
                return Err(given_up(args, &told, cancelled_by.unwrap_or(Signal::Interrupt)));
            }
            _ = redraw.tick(), if progress.is_drawn() => progress.redraw(),
        }
    }
}

/// Stops following the attempt; whether it goes on for others.
async fn leave(session: &Session, name: &ProfileName) -> Result<bool, FailureView> {
    match session.face.ask(Request::Leave { name: name.clone() }).await {
        Reply::Refused { failure } => Err(*failure),
        Reply::Left => Ok(true),
        Reply::Done
        | Reply::Attempt { .. }
        | Reply::SigningIn { .. }
        | Reply::SignedOut { .. }
        | Reply::Rights { .. } => Ok(false),
    }
}

/// Cancelled without having heard of the attempt's end: what may stay behind is known from its steps only.
fn given_up(args: &Connect, steps: &[StepView], signal: Signal) -> End {
    let may_have = |wanted| {
        let mut begun = steps.iter().filter(|step| matches!(step.status, StepStatus::Running | StepStatus::Done));
        begun.any(|step| step.step == wanted)
    };
    let failure =
        Failure::Cancelled { open_until: None, asking: may_have(Step::Access), starting: may_have(Step::Start) };
    let exit_code = signal.exit_code();
    End::AtOnce(Box::new(FailureView { exit_code, ..words(&failure.into(), args.name.as_str()) }))
}

/// One event for each step that stands differently than before. The attempt goes on though nobody reads them.
fn tell_steps(told: &mut Vec<StepView>, steps: &[StepView]) {
    for step in steps {
        let before = told.iter().find(|before| before.step == step.step);
        if before.is_none_or(|before| before.status != step.status) {
            drop(output::json(&json!({
                "event": "step",
                "step": step.step,
                "status": step.status,
                "startedMs": step.started_ms,
                "endedMs": step.ended_ms,
                "label": step.label,
                "detail": step.detail,
            })));
        }
    }
    *told = steps.to_vec();
}

fn connected_event(
    view: &AttemptView,
    endpoint: &Endpoint,
    window: Option<&GrantView>,
    elapsed_ms: u64,
) -> serde_json::Value {
    let steps: Vec<_> = view
        .steps
        .iter()
        .map(|step| {
            json!({ "step": step.step, "status": step.status, "startedMs": step.started_ms, "endedMs": step.ended_ms })
        })
        .collect();
    json!({
        "event": "connected",
        "vm": view.vm,
        "endpoint": endpoint,
        "window": window,
        "elapsedMs": elapsed_ms,
        "steps": steps,
        "notes": view.notes,
    })
}

/// Runs ssh in this terminal, to its end. The code is that of the command it ran; of a shell it is only ssh's own
/// failure (255), which ssh has explained: a shell ends with the code of its last command, and that is no result.
/// If a signal ended ssh, such as Ctrl+C at its question about the host key, that is how this ends too.
async fn launch_here(session: &Session, args: &Connect, endpoint: &Endpoint, signals: &mut Signals) -> Result<(), End> {
    let name = args.name.as_str();
    let in_words = |failure: Failure| End::from(words(&failure.into(), name));
    let settings = SettingsFile::new(session.folder.settings()).read()?;
    let Some(Favourite { name: known, profile }) = settings.favourite(&args.name) else {
        let names = settings.favourites.iter().map(|favourite| &favourite.name);
        return Err(in_words(unknown_favourite(&args.name, names)));
    };
    let target = Target { name: known.as_str(), vm: &profile.vm, protocol: Protocol::Ssh, endpoint, profile };
    let plan = in_terminal(&target, &surroundings(&settings.clients), &args.command).map_err(in_words)?;
    let files = session.folder.state_file("launch");
    let ended = run_in_terminal(&plan, &files, other_than_interrupt(signals)).await;
    let status =
        ended.map_err(|trouble| End::from(words(&trouble, name)))?.map_err(|signal| End::Code(signal.exit_code()))?;
    let code = match status.code() {
        Some(code) if !args.command.is_empty() => u8::try_from(code).unwrap_or(1),
        Some(255) => 1,
        Some(_) => 0,
        None => of_signal(status),
    };
    if code == 0 { Ok(()) } else { Err(End::Code(code)) }
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

/// Ends with the window's end time, or why there is none.
fn say_end(session: &Session, args: &Connect, view: &AttemptView) {
    let (Some(opened_by), false) = (view.opened_by(), args.json) else { return };
    let name = view.name.as_str();
    let snapshot = session.snapshot();
    let adopted = || snapshot.windows.iter().find(|window| window.name == view.name).map(|window| window.end_time_utc);
    // A window that came in later says more than that there was none.
    let opened_by = match opened_by {
        OpenedBy::Window(_) => opened_by,
        OpenedBy::Itself | OpenedBy::Start | OpenedBy::Unanswered | OpenedBy::DespiteRefusal => {
            adopted().map_or(opened_by, OpenedBy::Window)
        }
    };
    let text = match opened_by {
        OpenedBy::Window(end) => message::cli::stays_open(name, &local(end), end - azure_now(&snapshot)),
        OpenedBy::Itself => message::cli::open_without_request(name),
        OpenedBy::Start => message::cli::open_since_start(name),
        OpenedBy::Unanswered => message::cli::open_before_answer(name),
        OpenedBy::DespiteRefusal => message::cli::open_despite_refusal(name),
    };
    line_to_people(&format!("{} {text}", style().green().apply_to("●")));
}

fn local(at: DateTime<Utc>) -> String {
    message::moment(at, SystemClock.zone(SystemClock.now()))
}
