//! Ajar with its built-in Azure, in one command.

use std::{
    io::{IsTerminal, stdin},
    process::{Command, ExitCode},
};

use anyhow::Context;

use crate::{
    packages::{self, CLIENT, COMPILER, WINDOW},
    process, ui,
};

/// Starts the tray application, or `ajar` where there is no display, and ends as it ends.
pub(crate) fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    if has_display(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        in_window(args)
    } else {
        in_terminal(args)
    }
}

fn has_display(is_set: impl Fn(&str) -> bool) -> bool {
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

fn in_window(args: &[String]) -> anyhow::Result<ExitCode> {
    packages::ensure(&[COMPILER, WINDOW, CLIENT])?;
    println!("Building the window and the tray application (a few minutes the first time)");
    ui::build()?;
    process::run(&mut process::cargo(["build", "--package", "ajar-desktop", "--bin", "ajar-desktop"]))?;
    println!("Starting Ajar with its built-in Azure: look for the door in the tray");
    let desktop = ["run", "--quiet", "--package", "ajar-desktop", "--bin", "ajar-desktop", "--", "--demo"];
    start(process::cargo(desktop).args(args))
}

fn in_terminal(args: &[String]) -> anyhow::Result<ExitCode> {
    println!("There is no display here, so Ajar does the same in this terminal: it opens web-01 in its built-in Azure");
    packages::ensure(&[COMPILER, CLIENT])?;
    println!("Building `ajar` (a few minutes the first time)");
    process::run(&mut process::cargo(["build", "--package", "ajar-cli", "--bin", "ajar"]))?;
    let ajar = ["run", "--quiet", "--package", "ajar-cli", "--bin", "ajar", "--", "--demo", "connect", "web-01"];
    let mut connect = process::cargo(ajar);
    connect.args(args);
    let has_remote_command = args.iter().any(|arg| arg == "--");
    if !has_remote_command && !stdin().is_terminal() {
        // Nobody can type into the session: let the VM say its name, and end.
        connect.args(["--", "hostname"]);
    }
    start(&mut connect)
}

/// Gives way to the program, so that Ctrl+C and the exit code are its own.
#[cfg(unix)]
fn start(command: &mut Command) -> anyhow::Result<ExitCode> {
    let error = std::os::unix::process::CommandExt::exec(command);
    Err(error).with_context(|| format!("could not start `{}`", process::shown(command)))
}

#[cfg(not(unix))]
fn start(command: &mut Command) -> anyhow::Result<ExitCode> {
    let status = command.status().with_context(|| format!("could not start `{}`", process::shown(command)))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::has_display;

    #[test]
    fn x11_and_wayland_both_count_as_a_display_and_nothing_else_does() {
        assert!(has_display(|name| name == "DISPLAY"));
        assert!(has_display(|name| name == "WAYLAND_DISPLAY"));
        assert!(!has_display(|_| false));
    }
}
