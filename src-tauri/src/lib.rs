//! The desktop shell: a tray that hosts the engine or attaches to it, and a window that is a process of its own.
//!
//! The window is a child of the tray: closing it gives all of a web view's memory back, and one that crashes cannot
//! take the tray along. Both are ordinary faces of the one engine.

mod arguments;
mod beside;
mod desk;
mod exchange;
mod leash;
mod mark;
mod notify;
mod opening;
mod signals;
mod single;
mod tray;
mod view;
mod window;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use ajar_core::failure::Trouble;
use ajar_core::snapshot::FailureView;
use ajar_runtime::files::Folder;
use ajar_runtime::hosting::Face;
use clap::Parser as _;
use tokio::runtime::Runtime;

use crate::arguments::Arguments;
use crate::signals::Signals;
use crate::single::Start;
use crate::view::Engine;

/// How long an engine that is still being made may take to end, when this is told to.
const PARTING: Duration = Duration::from_secs(5);

/// How long tasks may take to let go of what they hold.
const LAST_TASKS: Duration = Duration::from_secs(2);

/// Runs the process that the command line asks for: the tray or its window.
pub fn run() -> ExitCode {
    ajar_runtime::core_files::none();
    let arguments = Arguments::parse();
    if !has_display() {
        return failed(ajar_core::message::desktop::no_display());
    }
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    // One runtime for Tauri and the engine; it ends last, and with it what the engine keeps in temporary files.
    tauri::async_runtime::set(runtime.handle().clone());
    let folder = match arguments.folder() {
        Ok(folder) => folder,
        Err(error) => return failed(&error.to_string()),
    };
    let _log = ajar_runtime::log::start(folder.logs(), arguments.verbose);
    let code = if arguments.window {
        run_window(&runtime, &arguments, &folder)
    } else {
        run_tray(&runtime, &arguments, &folder)
    };
    // What tasks hold goes with them. A thread that blocks, such as the look-up of a name, keeps nobody.
    runtime.shutdown_timeout(LAST_TASKS);
    code
}

fn run_window(runtime: &Runtime, arguments: &Arguments, folder: &Folder) -> ExitCode {
    // A window without an engine says what is wrong; nothing could say it better.
    let opened = runtime.block_on(Face::open(opening::opening(arguments, folder.clone())));
    let face = usable(opened, arguments, folder);
    ended(window::run(Engine::new(face, arguments.meant(folder), arguments, folder), folder, arguments.leashed))
}

fn run_tray(runtime: &Runtime, arguments: &Arguments, folder: &Folder) -> ExitCode {
    let lock = match single::start(folder) {
        Ok(Start::First(lock)) => lock,
        Ok(Start::Again) => return show_first(runtime, arguments, folder),
        Err(failure) => return told_in_a_window(Box::new(view::in_words(&failure.into())), arguments, folder),
    };
    let started = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let mut arriving = Face::begin(opening::opening(arguments, folder.clone()));
        let opened = tokio::select! {
            opened = arriving.face() => opened,
            () = signals.next() => {
                // A built-in Azure takes a moment; one that is not wanted any more leaves nothing behind.
                tokio::select! {
                    _ = tokio::time::timeout(PARTING, arriving.give_up()) => {}
                    () = signals.next() => {}
                }
                return Ok(None);
            }
        };
        io::Result::Ok(Some((usable(opened, arguments, folder), signals)))
    });
    match started {
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
        Ok(Some((Ok(face), signals))) => {
            let code = ended(desk::run(runtime, face, signals, arguments, arguments.meant(folder)));
            drop(lock);
            code
        }
        Ok(Some((Err(failure), _))) => {
            // No tray runs; the next start may fare better.
            drop(lock);
            ended(window::run(Engine::new(Err(failure), None, arguments, folder), folder, false));
            ExitCode::FAILURE
        }
    }
}

fn usable(opened: Result<Face, Trouble>, arguments: &Arguments, folder: &Folder) -> Result<Face, Box<FailureView>> {
    opened
        .and_then(|face| if arguments.leashed { Ok(face) } else { of_the_cloud_meant(face, arguments, folder) })
        .map_err(|trouble| {
            tracing::error!(failure = %trouble.failure, "the engine cannot be reached");
            Box::new(view::in_words(&trouble))
        })
}

/// Refuses an engine, hosted elsewhere, that talks to another cloud than is meant here. A tray's own window shows what
/// the tray has.
fn of_the_cloud_meant(face: Face, arguments: &Arguments, folder: &Folder) -> Result<Face, Trouble> {
    let other = arguments.meant(folder).and_then(|meant| meant.other_cloud(&face.snapshot().host));
    other.map_or(Ok(face), |failure| Err(failure.into()))
}

fn show_first(runtime: &Runtime, arguments: &Arguments, folder: &Folder) -> ExitCode {
    let meant = arguments.meant(folder);
    match runtime.block_on(single::ask_for_window(folder, meant.as_ref())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => told_in_a_window(failure, arguments, folder),
    }
}

/// Says why there is no tray of this start. Whoever clicked on an icon reads no terminal.
fn told_in_a_window(failure: Box<FailureView>, arguments: &Arguments, folder: &Folder) -> ExitCode {
    let code = failed(&format!("{} {} {}", failure.title, failure.message, failure.action));
    ended(window::run(Engine::new(Err(failure), None, arguments, folder), folder, false));
    code
}

/// Whether there is anything to show a tray and a window on.
#[cfg(target_os = "linux")]
fn has_display() -> bool {
    gtk::init().is_ok()
}

#[cfg(not(target_os = "linux"))]
fn has_display() -> bool {
    true
}

fn ended(code: tauri::Result<i32>) -> ExitCode {
    match code {
        Ok(code) => u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(why: &str) -> ExitCode {
    eprintln!("ajar-desktop: {why}");
    ExitCode::FAILURE
}

/// The embedded window, icons and settings: once in the program, whichever process it is.
fn context() -> tauri::Context {
    tauri::generate_context!()
}
