//! The steps of an attempt as terminals of different kinds show them.

use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::world::{Ended, World};

/// Runs a command at a terminal of the kind, where somebody types.
pub(crate) async fn at_a_terminal(inner: &Command, kind: &str, typed: &str) -> Ended {
    let inner = inner.as_std();
    let words = std::iter::once(inner.get_program()).chain(inner.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"]).env("TERM", kind);
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => terminal.env(name, value),
            None => terminal.env_remove(name),
        };
    }
    let child = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = child.expect("script starts");
    let mut keyboard = child.stdin.take().expect("piped");
    keyboard.write_all(typed.as_bytes()).await.expect("it is taken");
    let ended = Ended::of(child).await;
    drop(keyboard);
    ended
}

/// What a terminal of the kind is sent while a VM is opened.
async fn seen_on(world: &World, kind: &str, more: &[&str]) -> String {
    let inner = world.ajar(&[&["connect", "jump-eu", "--no-launch"], more].concat());
    let ended = at_a_terminal(&inner, kind, "").await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    ended.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_are_redrawn_only_where_that_garbles_nothing() {
    const UP: &str = "\u{1b}[";
    for (kind, more, redrawn) in [
        ("xterm", &[][..], true),
        ("dumb", &[][..], false),
        ("xterm", &["-v"][..], false),
        ("dumb", &["-vv"][..], false),
    ] {
        let world = World::new().await;
        let seen = seen_on(&world, kind, more).await;
        let moves = seen.contains(&format!("{UP}1A")) || seen.contains(&format!("{UP}2K"));
        assert_eq!(moves, redrawn, "{kind} {more:?}: {seen:?}");
        let steps = seen.matches("Your address").count();
        assert!(if redrawn { steps > 0 } else { steps == 1 }, "{kind} {more:?}: {seen:?}");
    }
}
