//! `ajar` as a job of a shell, in a terminal: with ssh it is one.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use crate::LIMIT;

/// Ctrl+Z, as the terminal gets it.
const CTRL_Z: &str = "\u{1a}";

/// A bash with job control in a terminal of its own.
struct Terminal {
    process: Child,
    keys: ChildStdin,
    shown: mpsc::Receiver<Vec<u8>>,
    unread: String,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The terminal's end is a hangup for all in it.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Terminal {
    fn new(folder: &Path) -> Self {
        let mut command = Command::new("script");
        command.args(["--quiet", "--command", "bash --norc --noprofile -i", "/dev/null"]);
        command.env("HOME", folder).env("TERM", "dumb").env_remove("PROMPT_COMMAND");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("script (package bsdutils) starts");
        let (keys, mut screen) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (tell, shown) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = screen.read(&mut buffer) {
                if tell.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut terminal = Self { process, keys, shown, unread: String::new() };
        // Written so that its echo is not taken for the prompt.
        terminal.types("PS1='shell''> '\n");
        terminal.until("shell> ");
        terminal
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the terminal shows a text, and takes what stands before it and itself as read.
    fn until(&mut self, wanted: &str) {
        let began = Instant::now();
        loop {
            if let Some(at) = self.unread.find(wanted) {
                self.unread.drain(..at + wanted.len());
                return;
            }
            let Ok(more) = self.shown.recv_timeout(LIMIT.saturating_sub(began.elapsed())) else {
                panic!("{wanted:?} is not shown: {:?}", self.unread);
            };
            self.unread.push_str(&String::from_utf8_lossy(&more));
        }
    }

    /// The shell has the terminal, with the job stopped; afterwards the job has it again.
    ///
    /// What is typed begins with a space, which nobody misses: a client that waits for input holds the terminal's reading
    /// until it is scheduled and stops, and if something is typed before that, it takes the first character along.
    fn is_the_shells_until_fg(&mut self) {
        self.until("shell> ");
        self.types(" echo shell-$((40 + 2))\n");
        self.until("\nshell-42");
        self.until("shell> ");
        self.types(" fg\n");
        self.until("--demo");
    }
}

fn connect(folder: &Path) -> String {
    let ajar = env!("CARGO_BIN_EXE_ajar");
    format!("'{ajar}' --config '{}' --demo --demo-speed=60 connect jump-eu\n", folder.display())
}

#[test]
fn ssh_suspended_by_its_escape_gives_the_shell_its_terminal_back_and_goes_on_with_fg() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::new(folder.path());
    terminal.types(&connect(folder.path()));
    terminal.until("jump-eu:~$ ");
    for _ in 0..2 {
        terminal.types(&format!("\n~{CTRL_Z}"));
        terminal.until("Stopped");
        terminal.is_the_shells_until_fg();
        terminal.types("hostname\n");
        terminal.until("hostname");
        terminal.until("jump-eu");
    }
    terminal.types("exit\n");
    terminal.until("is open to new connections until");
    terminal.until("shell> ");
}

#[test]
fn a_ctrl_z_that_the_terminal_takes_stops_ajar_and_the_client_and_both_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    std::fs::create_dir_all(&demo).unwrap();
    // Reads lines as a terminal gives them, as ssh does at its questions.
    let stand_in = folder.path().join("stand-in");
    std::fs::write(&stand_in, "#!/bin/sh\necho reading\nwhile read -r line; do echo \"read-$line\"; done\n").unwrap();
    std::fs::set_permissions(&stand_in, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::write(demo.join("config.toml"), format!("[clients]\nssh = \"{}\"\n", stand_in.display())).unwrap();
    let mut terminal = Terminal::new(folder.path());
    terminal.types(&connect(folder.path()));
    terminal.until("reading");
    for word in ["one", "two"] {
        terminal.types(CTRL_Z);
        terminal.until("Stopped");
        terminal.is_the_shells_until_fg();
        terminal.types(&format!("{word}\n"));
        terminal.until(&format!("read-{word}"));
    }
    terminal.types("\u{4}");
    terminal.until("is open to new connections until");
}
