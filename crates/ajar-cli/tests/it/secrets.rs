//! Where a person's sign-in is, and where it is not: in no argument, no environment, no file and no core file.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::user::{User, ended, next_event};

/// What in a text may be a token: an access token is a JWT, a refresh token or a code begins with `1.`.
fn tokens_in(text: &[u8]) -> usize {
    let is_of_tokens = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    let words = text.split(|byte| !is_of_tokens(byte));
    let is_token = |word: &[u8]| word.len() > 30 && (word.starts_with(b"eyJ") || word.starts_with(b"1."));
    words.filter(|word| is_token(word)).count()
}

#[test]
fn a_token_is_known_when_it_is_seen() {
    assert_eq!(tokens_in(b"refresh_token=1.kJ2hd8sKq0-xw_Zk1d93nBfQ.aaaaaaaaaaaa&x=y"), 1);
    assert_eq!(tokens_in(b"{\"t\":\"eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwcyJ9.c2ln\"}"), 1);
    assert_eq!(tokens_in(b"1.2.3 10.0.0.1 eyJ 6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01"), 0);
}

/// The arguments and environments with tokens in them of all processes that work on a folder, and how many those are.
fn seen_from_outside(folder: &Path) -> (usize, Vec<String>) {
    let (mut count, mut found) = (0, Vec::new());
    for process in fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()) {
        // A process may end at any time.
        let read = |name: &str| fs::read(process.join(name)).unwrap_or_default();
        let (arguments, environment) = (read("cmdline"), read("environ"));
        let works_there = |text: &[u8]| {
            let folder = folder.as_os_str().as_encoded_bytes();
            text.windows(folder.len()).any(|window| window == folder)
        };
        if works_there(&arguments) || works_there(&environment) {
            count += 1;
            if tokens_in(&arguments) + tokens_in(&environment) > 0 {
                found.push(process.display().to_string());
            }
        }
    }
    (count, found)
}

/// All files below a folder that have tokens in them. What the keyring keeps is not readable there.
fn files_with_tokens(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files_with_tokens(&entry.path(), found);
        } else if kind.is_file() && tokens_in(&fs::read(entry.path()).unwrap_or_default()) > 0 {
            found.push(entry.path().display().to_string());
        }
    }
}

#[tokio::test]
async fn a_persons_tokens_are_in_no_argument_environment_file_or_core_file() {
    let user = User::new().await;
    // In ssh’s place: tells what it was started with, and what can be seen of who started it.
    let script = user.home().join("ssh");
    let seen = user.home().join("seen-by-ssh");
    let look = "cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline /proc/$PPID/environ";
    fs::write(&script, format!("#!/bin/sh\n{look} >'{}'\n", seen.display())).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let settings = user.settings().replace("[clients]\n", &format!("[clients]\nssh = \"{}\"\n", script.display()));
    fs::write(user.folder().join("config.toml"), settings).unwrap();

    let first = user.sign_in("bob", &["-vv"]).await;
    assert!(first.last().unwrap()["event"] == "signedIn", "{first:?}");
    // Where the system would write core files, and this program could raise its limit.
    let host = user.ajar(&["-vv", "status", "--watch", "--json"]);
    let words: Vec<_> = std::iter::once(host.as_std().get_program()).chain(host.as_std().get_args()).collect();
    let line: Vec<String> = words.iter().map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut shell = tokio::process::Command::new("sh");
    shell.arg("-c").arg(format!("ulimit -c unlimited; exec {}", line.join(" ")));
    for (name, value) in host.as_std().get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.current_dir(user.home()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut host = shell.kill_on_drop(true).spawn().unwrap();
    let mut watched = BufReader::new(host.stdout.take().unwrap()).lines();
    next_event(&mut watched).await.unwrap();
    let connect = user.ajar(&["-vv", "connect", "lab", "--", "hostname"]).spawn().unwrap();
    let (code, stdout, stderr) = ended(connect).await;
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(tokens_in(stdout.as_bytes()) + tokens_in(stderr.as_bytes()), 0, "{stdout}{stderr}");

    let told_to_ssh = fs::read(&seen).unwrap();
    assert!(!told_to_ssh.is_empty() && tokens_in(&told_to_ssh) == 0, "{}", String::from_utf8_lossy(&told_to_ssh));
    let (count, found) = seen_from_outside(user.home());
    assert!(count >= 1 && found.is_empty(), "of {count} processes: {found:?}");

    let pid = host.id().unwrap();
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let limit = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(limit.split_whitespace().nth(4), Some("0"), "{limit}");
    assert!(std::process::Command::new("kill").args(["-ABRT", &pid.to_string()]).status().unwrap().success());
    let status = host.wait().await.unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    let mut files = Vec::new();
    files_with_tokens(user.home(), &mut files);
    assert_eq!(files, Vec::<String>::new());
}
