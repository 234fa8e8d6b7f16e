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

use args::Args;
use clap::Parser;

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
    // Reading standard input may block a thread for ever; nothing is lost by not waiting for it.
    runtime.shutdown_background();
    ExitCode::from(code)
}
