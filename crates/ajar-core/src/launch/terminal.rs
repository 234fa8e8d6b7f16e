//! Terminals, and how each takes a command.

use super::quote::shell;
use super::{Console, FileKind, LaunchPlan, Os, PlannedFile, Surroundings};
use crate::failure::Failure;

/// A terminal that can run a command in a new window, with its program's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// From the settings: the command is appended to these words.
    Custom(Vec<String>),
    /// Windows Terminal.
    WindowsTerminal(String),
    /// The desktop's choice, by the freedesktop proposal.
    XdgTerminalExec(String),
    /// Debian's choice.
    XTerminalEmulator(String),
    /// GNOME's newer one.
    Ptyxis(String),
    /// GNOME's older one.
    GnomeTerminal(String),
    /// KDE's.
    Konsole(String),
    /// Xfce's.
    Xfce4Terminal(String),
    /// kitty.
    Kitty(String),
    /// Alacritty.
    Alacritty(String),
    /// WezTerm.
    Wezterm(String),
    /// foot.
    Foot(String),
    /// Ghostty.
    Ghostty(String),
    /// xterm.
    Xterm(String),
}

/// A program to look for, and what it becomes when found under a path.
pub type Candidate<T> = (&'static str, fn(String) -> T);

impl Terminal {
    /// The programs to look for, in order: what the user or the system chose comes before what happens to be there.
    pub fn candidates(os: Os) -> &'static [Candidate<Self>] {
        match os {
            Os::Windows => &[("wt.exe", Self::WindowsTerminal)],
            Os::MacOs => &[],
            Os::Linux => &[
                ("xdg-terminal-exec", Self::XdgTerminalExec),
                ("x-terminal-emulator", Self::XTerminalEmulator),
                ("ptyxis", Self::Ptyxis),
                ("gnome-terminal", Self::GnomeTerminal),
                ("konsole", Self::Konsole),
                ("xfce4-terminal", Self::Xfce4Terminal),
                ("kitty", Self::Kitty),
                ("alacritty", Self::Alacritty),
                ("wezterm", Self::Wezterm),
                ("foot", Self::Foot),
                ("ghostty", Self::Ghostty),
                ("xterm", Self::Xterm),
            ],
        }
    }

    /// The words before the command: the program, and how it is told that a command follows.
    fn words(&self) -> Vec<String> {
        let (path, flags): (_, &[&str]) = match self {
            Self::Custom(words) => return words.clone(),
            // Windows Terminal's own words hold the title, too: `windows_terminal`.
            Self::WindowsTerminal(path) | Self::XdgTerminalExec(path) | Self::Kitty(path) | Self::Foot(path) => {
                (path, &[])
            }
            Self::XTerminalEmulator(path)
            | Self::Konsole(path)
            | Self::Alacritty(path)
            | Self::Ghostty(path)
            | Self::Xterm(path) => (path, &["-e"]),
            Self::Ptyxis(path) | Self::GnomeTerminal(path) => (path, &["--"]),
            Self::Xfce4Terminal(path) => (path, &["-x"]),
            Self::Wezterm(path) => (path, &["start", "--"]),
        };
        [path.as_str()].iter().chain(flags).map(|word| (*word).to_owned()).collect()
    }
}

/// A terminal window that runs `command`.
pub(super) fn plan(around: &Surroundings, title: &str, command: Vec<String>) -> Result<LaunchPlan, Failure> {
    match (&around.terminal, around.os) {
        (Some(Terminal::WindowsTerminal(wt)), Os::Windows) if command.iter().all(|word| survives_wt(word)) => {
            Ok(windows_terminal(wt, title, &command))
        }
        (None | Some(Terminal::WindowsTerminal(_)), Os::Windows) => Ok(own_console(command)),
        (None, Os::MacOs) => Ok(command_file(title, &command)),
        (None, Os::Linux) => Err(Failure::ClientNotFound { program: "xdg-terminal-exec".into() }),
        (Some(terminal), os) => {
            let mut words = terminal.words();
            words.extend(command);
            // An empty choice leaves the command itself, which is no worse a guess than none.
            let program = words.remove(0);
            Ok(LaunchPlan::window(os, program, words))
        }
    }
}

/// Windows Terminal joins its words into a command line again, with quotes only around blanks and none escaped, and
/// expands `%NAME%` in it. What would not come out as it went in does not go in.
fn survives_wt(word: &str) -> bool {
    let lost = word.is_empty() || word.contains(['"', '%']) || word.contains(' ') && word.ends_with('\\');
    !lost
}

fn windows_terminal(wt: &str, title: &str, command: &[String]) -> LaunchPlan {
    let mut args = ["-w", "0", "nt", "--title", title, "--"].map(ToOwned::to_owned).to_vec();
    // A bare semicolon begins another of wt's own commands, wherever it stands.
    args.extend(command.iter().map(|word| word.replace(';', r"\;")));
    LaunchPlan::window(Os::Windows, wt, args)
}

/// The command in a console window of its own, with whatever terminal Windows puts around it.
fn own_console(mut command: Vec<String>) -> LaunchPlan {
    let program = command.remove(0);
    LaunchPlan::new(program, command, Console::New)
}

/// Terminal opens `.command` files without asking for the right to control it, as AppleScript would need.
fn command_file(title: &str, command: &[String]) -> LaunchPlan {
    let line = command.iter().map(|word| shell(word)).collect::<Vec<_>>().join(" ");
    let file = PlannedFile {
        name: format!("{title}.command"),
        contents: format!("#!/bin/sh\nrm -f -- \"$0\"\nexec {line}\n"),
        kind: FileKind::Script,
        handed_on: true,
    };
    let args = ["-a", "Terminal", LaunchPlan::FILE].map(ToOwned::to_owned).to_vec();
    LaunchPlan { file: Some(file), ..LaunchPlan::window(Os::MacOs, "open", args) }
}
