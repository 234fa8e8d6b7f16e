//! The program `azure-sim`, as its user starts and ends it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const LIMIT: Duration = Duration::from_mins(1);

/// Whoever runs the tests may ignore hangups, as `nohup` does, and what is started inherits that.
const HEARS_HANGUPS: &[&str] = if cfg!(target_os = "linux") { &["env", "--default-signal=HUP"] } else { &[] };

/// Starts it with a temporary folder of its own, under `before`, and waits until it is ready.
async fn started(temporary: &Path, before: &[&str]) -> Child {
    let words: Vec<&str> = before.iter().chain(&[env!("CARGO_BIN_EXE_azure-sim")]).copied().collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env("TMPDIR", temporary).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(LIMIT, said.next_line()).await.unwrap().unwrap();
    assert!(line.is_some_and(|line| line.contains("resourceManager")));
    child
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().unwrap().to_string();
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status();
    assert!(sent.unwrap().success());
}

#[tokio::test]
async fn each_way_to_be_told_to_end_takes_the_keys_along() {
    for name in ["INT", "TERM", "HUP"] {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = started(temporary.path(), HEARS_HANGUPS).await;
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 1, "its keys lie there while it runs");
        signal(&child, name);
        let ended = tokio::time::timeout(LIMIT, child.wait()).await.unwrap().unwrap();
        assert!(ended.success(), "{name}: {ended}");
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "{name}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_that_is_to_outlive_its_terminal_does() {
    let temporary = tempfile::tempdir().unwrap();
    let mut child = started(temporary.path(), &["nohup"]).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id().unwrap())).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    assert_eq!(u64::from_str_radix(ignored.trim(), 16).unwrap() & 1, 1, "hangups are ignored still: {status}");
    signal(&child, "TERM");
    let ended = tokio::time::timeout(LIMIT, child.wait()).await.unwrap().unwrap();
    assert!(ended.success() && ended.signal().is_none(), "{ended}");
}
