//! What is left of a demo, and of an attempt, that a signal ends: nothing, and soon.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::click_to_client::stand_in;
use crate::world::{Ended, LIMIT, World, ajar, interrupt, signal, until};

/// A signal, and how a process tells that it ended for it.
const SIGNALS: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("HUP", 129)];

/// A user with a temporary folder and a runtime folder of their own.
struct User {
    home: TempDir,
}

impl User {
    fn new() -> Self {
        let user = Self { home: TempDir::with_prefix("u").expect("a folder") };
        for folder in ["tmp", "run", "config/demo"] {
            std::fs::create_dir_all(user.home.path().join(folder)).expect("a folder");
        }
        user
    }

    /// A demo in a process group of its own.
    fn demo(&self, speed: &str, args: &[&str]) -> Child {
        let all: Vec<&str> = ["--demo", "--demo-speed", speed].iter().chain(args).copied().collect();
        let mut command = ajar(&self.home.path().join("config"), &all);
        command.env("TMPDIR", self.home.path().join("tmp")).env("XDG_RUNTIME_DIR", self.home.path().join("run"));
        command.process_group(0).stderr(Stdio::piped()).spawn().expect("ajar starts")
    }

    /// What lies in the temporary and the runtime folder, but for folders that stay.
    fn left_behind(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in ["tmp", "run"] {
            list(&self.home.path().join(folder), &mut found);
        }
        found
    }
}

fn list(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        let own = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ajar-"));
        if own && path.is_dir() { list(&path, found) } else { found.push(path.display().to_string()) }
    }
}

/// Whether a process of the group lives.
fn lives(group: u32) -> bool {
    let asked =
        std::process::Command::new("kill").args(["-0", "--", &format!("-{group}")]).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

async fn nothing_is_left(user: &User, child: Child, code: i32) {
    let group = child.id().expect("it runs");
    let ended = Ended::of(child).await;
    assert_eq!(ended.code, code, "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert_eq!(user.left_behind(), Vec::<String>::new());
    assert!(!lives(group), "a process of it lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_that_is_told_to_end_leaves_nothing_behind() {
    for (name, code) in SIGNALS {
        let user = User::new();
        let mut child = user.demo("1", &["connect", "web-01", "--json"]);
        let mut told = BufReader::new(child.stdout.take().expect("piped")).lines();
        tokio::time::timeout(LIMIT, told.next_line()).await.expect("in time").expect("read").expect("a step");
        assert!(!user.left_behind().is_empty(), "while it lasts there is something");
        signal(&child, name);
        nothing_is_left(&user, child, code).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_that_is_told_to_end_while_it_starts_leaves_nothing_behind() {
    // What the built-in Azure writes, in this order: each is a moment of its start.
    for made in ["", "ca.pem", "id_ed25519", "client.pem"] {
        let user = User::new();
        let child = user.demo("1", &["connect", "web-01"]);
        let is_made = async || user.left_behind().iter().any(|path| Path::new(path).join(made).exists());
        until(&format!("there is {made}"), is_made).await;
        interrupt(&child);
        nothing_is_left(&user, child, 130).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_that_is_told_to_end_while_its_client_runs_takes_it_along() {
    for (name, code) in &SIGNALS[1..] {
        let user = User::new();
        // Written by the shell itself: another process of its group could outlive it for a moment.
        let note = user.home.path().join("runs");
        let script = stand_in(user.home.path(), &format!(": > '{}'\nexec sleep 1000", note.display()));
        let clients = format!("[clients]\nssh = \"{}\"\n", script.display());
        std::fs::write(user.home.path().join("config/demo/config.toml"), clients).expect("config.toml");
        let child = user.demo("60", &["connect", "web-01", "--", "hostname"]);
        until("the client is started", async || note.exists()).await;
        signal(&child, name);
        nothing_is_left(&user, child, *code).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_ends_at_once() {
    let world = World::new().await;
    // What is on its way would be waited for a little.
    world.control().fault("POST", "*/initiate", json!({ "fault": "slow", "seconds": 3600, "times": null })).await;
    let mut child = world.ajar(&["connect", "web-01", "--no-launch"]).spawn().expect("ajar starts");
    let mut told = BufReader::new(child.stderr.take().expect("piped")).lines();
    world.control().seen("/initiate").await;
    interrupt(&child);
    let said = async {
        while !told.next_line().await.expect("read").expect("a line").contains("Cancelled opening web-01.") {}
    };
    tokio::time::timeout(LIMIT, said).await.expect("it is said before what is on its way is waited for");
    let again = Instant::now();
    interrupt(&child);
    assert_eq!(Ended::of(child).await.code, 130);
    assert!(again.elapsed() < Duration::from_secs(2), "{:?}", again.elapsed());
}
