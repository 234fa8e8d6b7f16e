//! Another Ajar beside this one: that of the demo, with files, engine and tray of its own.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;

use tokio::process::Command;

/// Starts it by this command line. It goes on when the window that started it is closed.
pub(crate) fn start(arguments: &[OsString]) -> io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    // The tray listens on this process' standard output.
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    let demo = command.spawn()?;
    tracing::debug!(pid = demo.id(), "the demo is started");
    Ok(())
}
