//! Stands for the terminal: records how the client is called, then really runs it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::unix::pipe::{OpenOptions, Receiver};

use crate::desk::within;

/// A client that was started.
#[derive(Debug)]
pub(crate) struct Client {
    /// The program and its arguments.
    pub(crate) args: Vec<String>,
    /// What `hostname` said at the other end.
    pub(crate) said: String,
}

/// The terminal's place in `[clients]`, and what it reports.
pub(crate) struct Recorder {
    /// The program.
    pub(crate) program: PathBuf,
    reports: Lines<BufReader<Receiver>>,
}

impl Recorder {
    pub(crate) fn set_up(folder: &Path) -> Self {
        let (program, pipe) = (folder.join("terminal"), folder.join("reports"));
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
        let receiver = OpenOptions::new().read_write(true).open_receiver(&pipe).expect("the pipe opens");
        std::fs::write(&program, script(&pipe)).expect("the folder can be written to");
        std::fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("the script can be made executable");
        Self { program, reports: BufReader::new(receiver).lines() }
    }

    /// The next client, when it has ended.
    pub(crate) async fn next(&mut self) -> Client {
        within("a client is started and ends", self.read()).await
    }

    async fn read(&mut self) -> Client {
        let mut client = Client { args: Vec::new(), said: String::new() };
        loop {
            let line = self.reports.next_line().await.expect("the pipe can be read").expect("it never ends");
            match line.split_once(' ') {
                Some(("arg", arg)) => client.args.push(arg.to_owned()),
                Some(("said", text)) => client.said.push_str(text),
                _ => return client,
            }
        }
    }
}

fn script(pipe: &Path) -> String {
    format!(
        r#"#!/bin/sh
exec 3> '{}'
printf 'arg %s\n' "$@" >&3
program=$1
shift
said=$("$program" -F none -o BatchMode=yes "$@" hostname 2>&1 < /dev/null | tr -d '\r\n')
printf 'said %s\nend\n' "$said" >&3
"#,
        pipe.display()
    )
}
