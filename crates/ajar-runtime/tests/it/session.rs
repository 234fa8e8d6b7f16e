//! A desktop's session of a test's own: a home, a bus, and a real GNOME Keyring. The tests of `ajar` have it, too.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::soon;

/// See the module.
pub(crate) struct Session {
    pub(crate) home: TempDir,
    address: String,
    _bus: Child,
}

impl Session {
    pub(crate) async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        for folder in ["run", "data"] {
            fs::create_dir(home.path().join(folder)).unwrap();
        }
        // Without folders of services, so that nothing is started by being asked for.
        let config = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\
             <busconfig><type>session</type><listen>unix:dir={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            home.path().join("run").display()
        );
        let file = home.path().join("bus.conf");
        fs::write(&file, config).unwrap();
        let mut bus = Command::new("dbus-daemon");
        bus.arg("--config-file").arg(&file).args(["--nofork", "--print-address"]);
        let mut bus = bus.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("dbus-daemon is installed");
        let mut lines = BufReader::new(bus.stdout.take().unwrap()).lines();
        let address = soon(lines.next_line()).await.unwrap().unwrap();
        Self { home, address, _bus: bus }
    }

    /// Has a program run in this session, at home.
    pub(crate) fn has<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.home.path().join("run"))
            .env("XDG_DATA_HOME", self.home.path().join("data"))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .current_dir(self.home.path())
    }

    /// GNOME Keyring, unlocked by a password or locked as it is after a log-in without one; once it answers: who comes too
    /// early finds no keyring.
    pub(crate) async fn keyring(&self, is_unlocked: bool) -> Child {
        let mut daemon = Command::new("gnome-keyring-daemon");
        daemon.args(["--components=secrets", "--foreground"]);
        if is_unlocked {
            daemon.arg("--unlock");
        }
        let daemon = self.has(&mut daemon).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut daemon = daemon.kill_on_drop(true).spawn().expect("gnome-keyring is installed");
        let mut stdin = daemon.stdin.take().unwrap();
        stdin.write_all(b"password").await.unwrap();
        drop(stdin);
        soon(async { while self.secrets().await.is_err() {} }).await;
        daemon
    }

    /// What the keyring has, by name.
    ///
    /// # Errors
    /// What `dbus-send` says where it does not tell.
    pub(crate) async fn secrets(&self) -> Result<BTreeSet<String>, String> {
        let mut search = Command::new("dbus-send");
        search.args(["--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"]);
        search.args(["org.freedesktop.Secret.Service.SearchItems", "dict:string:string:"]);
        let output = self.has(&mut search).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let items = text.lines().filter_map(|line| line.trim().strip_prefix("object path "));
        if output.status.success() {
            Ok(items.map(ToOwned::to_owned).collect())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// The files at home that have any of these texts in them. What the keyring keeps is not readable so.
    pub(crate) fn files_with(&self, marks: &[&str]) -> Vec<String> {
        let mut folders = vec![self.home.path().to_owned()];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() && has_any(&entry.path(), marks) {
                    found.push(entry.path().display().to_string());
                }
            }
        }
        found
    }
}

fn has_any(file: &Path, marks: &[&str]) -> bool {
    // A process that has ended has no files any more.
    let content = fs::read(file).unwrap_or_default();
    marks.iter().any(|mark| content.windows(mark.len()).any(|window| window == mark.as_bytes()))
}
