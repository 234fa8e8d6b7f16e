//! `ajar`: the engine without a window.

mod args;
mod commands;
#[cfg(feature = "demo")]
mod demo;
mod output;
mod progress;
mod session;
mod signals;

use std::process::ExitCode;
use std::time::Duration;

use args::Args;
use clap::Parser;

/// How long tasks may take to let go of what they hold.
const PARTING: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version count as done; everything else is a usage error. A closed pipe is no news.
            drop(error.print());
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::line_to_people(&format!("error: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(commands::run(args));
    // What tasks hold goes with them, such as the built-in Azure's files. A thread that blocks keeps nobody.
    runtime.shutdown_timeout(PARTING);
    ExitCode::from(code)
}
