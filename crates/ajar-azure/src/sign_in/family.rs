//! A process and those that it starts, ended together. Killing a shell leaves running what the shell runs.

use std::io;

use tokio::process::{Child, Command};

/// A process with its descendants; dropped, it ends them all.
#[derive(Debug)]
pub(crate) struct Family {
    founder: Option<u32>,
}

impl Family {
    /// Starts the first of them, without a window.
    pub(crate) fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        #[cfg(unix)]
        command.process_group(0).kill_on_drop(true);
        #[cfg(windows)]
        command.creation_flags(CREATE_NO_WINDOW);
        let child = command.spawn()?;
        let founder = child.id();
        Ok((child, Self { founder }))
    }

    /// They have ended by themselves.
    pub(super) fn leave_alone(mut self) {
        self.founder = None;
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        if let Some(founder) = self.founder {
            end(founder);
        }
    }
}

#[cfg(unix)]
fn end(founder: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};

    let Some(group) = i32::try_from(founder).ok().and_then(Pid::from_raw) else { return };
    if let Err(error) = kill_process_group(group, Signal::KILL) {
        tracing::debug!(founder, %error, "could not be ended");
    }
}

#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// taskkill finds the descendants by their parents, so the first one must not be gone yet: nothing else kills it.
#[cfg(windows)]
fn end(founder: u32) {
    use std::os::windows::process::CommandExt;
    use std::process::Stdio;

    let mut taskkill = std::process::Command::new("taskkill");
    taskkill.args(["/T", "/F", "/PID", &founder.to_string()]).creation_flags(CREATE_NO_WINDOW);
    taskkill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // The wait is short, but whoever drops this may be in a hurry.
    std::thread::spawn(move || {
        if let Err(error) = taskkill.status() {
            tracing::debug!(founder, %error, "could not be ended");
        }
    });
}
