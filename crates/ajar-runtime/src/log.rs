//! Logs: to a file in the cache folder, and to standard error when the user asks for it.
//!
//! INFO is what a user would notice; addresses and names of people stay at DEBUG; tokens are never logged.

use std::io::IsTerminal;
use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::files::create_private;

/// Starts logging. `loud` is how often `-v` was given: 1 shows INFO on standard error, 2 and more DEBUG.
///
/// Keep the guard to the end: it writes out what is still in memory.
pub fn start(folder: &Path, loud: u8) -> Option<WorkerGuard> {
    let level = |ours: &str| {
        EnvFilter::new(format!("warn,ajar={ours},ajar_desktop={ours},ajar_runtime={ours},ajar_azure={ours}"))
    };
    let (writer, guard) = file(folder).map(tracing_appender::non_blocking).unzip();
    let to_file = writer.map(|writer| {
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
        tracing_subscriber::Layer::with_filter(layer, level("info"))
    });
    let to_screen = (loud > 0).then(|| {
        let colours = std::io::stderr().is_terminal();
        let layer = tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(std::io::stderr).without_time();
        tracing_subscriber::Layer::with_filter(layer, level(if loud > 1 { "debug" } else { "info" }))
    });
    // A second start in one process, as in tests, keeps the first.
    drop(tracing_subscriber::registry().with(to_file).with(to_screen).try_init());
    guard
}

/// Today's file. Without its folder there is none; what keeps the folder away is told by whoever needs it for more.
fn file(folder: &Path) -> Option<RollingFileAppender> {
    create_private(folder).ok()?;
    let daily = RollingFileAppender::builder().rotation(Rotation::DAILY).max_log_files(5);
    daily.filename_prefix("ajar").filename_suffix("log").build(folder).ok()
}
