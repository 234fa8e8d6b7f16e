//! `ajar`: the engine without a window.

mod args;
mod board;
mod commands;
#[cfg(feature = "demo")]
mod demo;
mod output;
mod progress;
mod session;
mod signals;
mod usage;

use std::process::ExitCode;
use std::time::Duration;

use args::{Args, Command};
use clap::Parser;

/// How long tasks may take to let go of what they hold.
const PARTING: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    ajar_runtime::core_files::none();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return ExitCode::from(usage::tell(&error, std::env::args_os())),
    };
    if let Command::Completions { shell } = args.command {
        return ExitCode::from(usage::complete(shell));
    }
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
