//! The system's keychain: a real GNOME Keyring on a session bus of the test's own, used by processes of their own.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::time::Duration;

use ajar_runtime::adapters::{Keychain, SystemKeychain};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::child::{SAYS, command};
use crate::session::Session;
use crate::soon;

/// What must be found nowhere but in the keyring. Longer than a piece, as Entra's tokens are.
fn canary() -> String {
    "canary-".repeat(400)
}

/// A child that does to its keychain what it is told, line by line.
#[tokio::main]
pub(crate) async fn keep() {
    let keychain = Keychain::new(SystemKeychain::of("ajar-test"));
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let mut words = line.split(' ');
        let (act, name) = (words.next().unwrap(), words.next().unwrap());
        let done = match act {
            "load" => keychain.load(name).await.map(|found| format!("{:?}", found.map(|s| s.secret().len()))),
            "store" => Ok(format!("{:?}", keychain.store(name, &canary().into()).await)),
            "remove" => keychain.remove(name).await.map(|was_there| was_there.to_string()),
            other => panic!("{other} is no act"),
        };
        println!("\n{SAYS}{}", done.unwrap_or_else(|failure| format!("{failure:?}")));
        std::io::stdout().flush().unwrap();
    }
}

/// A process that uses the keychain.
struct Keeper {
    child: Child,
    stdin: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
}

impl Keeper {
    fn of(session: &Session) -> Self {
        let mut child = session.has(&mut command("keychain", &[])).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, stdin, said: BufReader::new(stdout).lines() }
    }

    async fn does(&mut self, what: &str) -> String {
        self.stdin.write_all(format!("{what}\n").as_bytes()).await.unwrap();
        soon(async {
            loop {
                let line = self.said.next_line().await.unwrap().unwrap();
                if let Some(said) = line.strip_prefix(SAYS) {
                    return said.to_owned();
                }
            }
        })
        .await
    }
}

/// Files that have the token in them, in whole or in a part of its text or base64.
fn files_with_the_token(session: &Session) -> Vec<String> {
    session.files_with(&["canary-canary", "Y2FuYXJ5LWNhbmFyeS", "NhbmFyeS1jYW5hcnkt"])
}

/// How a child tells of a keychain that cannot be used.
fn unavailable(trouble: &str) -> String {
    format!("KeychainUnavailable {{ trouble: {trouble} }}")
}

async fn ended(mut child: Child) {
    child.start_kill().unwrap();
    soon(child.wait()).await.unwrap();
}

#[tokio::test]
async fn a_sign_in_outlives_a_killed_process_in_the_keyring_alone() {
    let session = Session::start().await;
    let _keyring = session.keyring(true).await;
    let mut first = Keeper::of(&session);
    assert_eq!(first.does("store me").await, "Keychain");
    ended(first.child).await;
    let mut second = Keeper::of(&session);
    assert_eq!(second.does("load me").await, format!("Some({})", canary().len()));
    // The test would be blind if it could not find what is there.
    fs::write(session.home.path().join("plain"), canary()).unwrap();
    assert_eq!(files_with_the_token(&session).len(), 1);
    fs::remove_file(session.home.path().join("plain")).unwrap();
    assert_eq!(files_with_the_token(&session), Vec::<String>::new());
    assert_eq!(second.does("remove me").await, "true");
    assert_eq!(second.does("load me").await, "None");
    assert_eq!(second.does("remove me").await, "false");
}

#[tokio::test]
async fn without_a_keyring_a_sign_in_lasts_as_long_as_its_process_and_one_that_comes_up_later_is_used() {
    let session = Session::start().await;
    let mut keeper = Keeper::of(&session);
    assert_eq!(keeper.does("load me").await, unavailable("Absent"));
    let stored = keeper.does("store me").await;
    assert!(stored.starts_with("MemoryOnly") && stored.contains("no keychain"), "{stored}");
    assert_eq!(keeper.does("load me").await, format!("Some({})", canary().len()));
    assert_eq!(files_with_the_token(&session), Vec::<String>::new());
    let _keyring = session.keyring(true).await;
    assert_eq!(keeper.does("store me").await, "Keychain");
    assert_eq!(Keeper::of(&session).does("load me").await, format!("Some({})", canary().len()));
}

#[tokio::test]
async fn a_locked_keyring_is_not_waited_for_and_keeps_what_it_has() {
    let session = Session::start().await;
    let keyring = session.keyring(true).await;
    assert_eq!(Keeper::of(&session).does("store me").await, "Keychain");
    ended(keyring).await;
    let locked = session.keyring(false).await;
    let mut keeper = Keeper::of(&session);
    assert_eq!(keeper.does("load me").await, unavailable("Locked"));
    assert_eq!(keeper.does("remove me").await, unavailable("Locked"));
    let stored = keeper.does("store other").await;
    assert!(stored.starts_with("MemoryOnly") && stored.contains("locked"), "{stored}");
    assert_eq!(keeper.does("load other").await, format!("Some({})", canary().len()));
    ended(locked).await;
    let _unlocked = session.keyring(true).await;
    assert_eq!(keeper.does("load me").await, format!("Some({})", canary().len()));
}

#[tokio::test]
async fn a_keyring_that_does_not_answer_holds_nobody_up_and_gets_what_it_was_to_get() {
    let session = Session::start().await;
    let keyring = session.keyring(true).await;
    let pid = Pid::from_raw(i32::try_from(keyring.id().unwrap()).unwrap()).unwrap();
    let mut keeper = Keeper::of(&session);
    assert_eq!(keeper.does("load me").await, "None");
    kill_process(pid, Signal::STOP).unwrap();
    let began = tokio::time::Instant::now();
    let stored = keeper.does("store me").await;
    assert!(stored.contains("does not answer"), "{stored}");
    assert_eq!(keeper.does("load me").await, format!("Some({})", canary().len()));
    assert_eq!(keeper.does("load other").await, unavailable("Slow"));
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    kill_process(pid, Signal::CONT).unwrap();
    let mut other = Keeper::of(&session);
    soon(async { while other.does("load me").await == "None" {} }).await;
    assert_eq!(other.does("load me").await, format!("Some({})", canary().len()));
}
