//! From the click to a real client behind the door.

use std::process::Stdio;

use azure_sim::Options;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::world::{Control, Ended, LIMIT, World, ajar};

#[tokio::test(flavor = "multi_thread")]
async fn a_deallocated_vm_is_opened_started_and_entered_by_an_unmodified_ssh() {
    let world = World::with(Options { speed: 10.0, ..Options::default() }).await;
    // Slow enough for the two requests to be seen side by side on a busy machine.
    for path in ["*/initiate", "*/web-01/start"] {
        world.control().fault("POST", path, json!({ "fault": "slow", "seconds": 2, "times": 1 })).await;
    }
    assert!(!world.is_open("web-01").await, "before the click the port refuses");

    let ended = world.run(&["connect", "web-01", "--", "hostname"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "web-01\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("web-01 is open to new connections until "), "{}", ended.stderr);

    let (initiates, starts) =
        (world.control().requests("/initiate").await, world.control().requests("/web-01/start").await);
    assert_eq!((initiates.len(), starts.len()), (1, 1), "exactly one request and one start");
    let (initiate, start) = (&initiates[0], &starts[0]);
    let overlap = initiate.started_at < start.ended_at.expect("answered")
        && start.started_at < initiate.ended_at.expect("answered");
    assert!(overlap, "start and initiate overlap in time: {initiate:?} {start:?}");

    assert!(world.is_open("web-01").await);
    world.control().post("advance", json!({ "seconds": 3 * 3600 })).await;
    assert!(!world.is_open("web-01").await, "after the window's end it refuses new connections");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_does_it_all_without_any_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    // The first process hosts engine and simulator; the ones after it attach.
    let mut host = ajar(folder.path(), &["--demo", "--demo-speed", "60", "status", "--watch", "--json"])
        .spawn()
        .expect("ajar starts");
    let mut lines = BufReader::new(host.stdout.take().expect("piped")).lines();
    let first = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("in time").expect("read").expect("a line");
    assert_eq!(first, r#"{"deallocations":[],"event":"status","problem":null,"unused":[],"windows":[]}"#);

    let announced = std::fs::read(folder.path().join("demo/azure-sim.json")).expect("the demo says where it is");
    let announced: serde_json::Value = serde_json::from_slice(&announced).expect("JSON");
    let text = |key: &str| announced[key].as_str().expect("a text").to_owned();
    let control = Control::new(&text("control"), text("caBundle").as_ref());

    let connect = ajar(folder.path(), &["--demo", "connect", "web-01", "--", "hostname"]).spawn().expect("ajar starts");
    let ended = Ended::of(connect).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "web-01\n"), "{}", ended.stderr);
    assert_eq!(control.requests("/initiate").await.len(), 1);

    let opened = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("in time").expect("read").expect("a line");
    let opened: serde_json::Value = serde_json::from_str(&opened).expect("JSON");
    assert_eq!(opened["windows"][0]["name"], "web-01", "the host tells of the window the other process opened");
    host.kill().await.expect("the host can be ended");
}

/// Both paths that ssh is given lie below the odd name: its known hosts and, with the simulator's files, its key.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_signs_that_ssh_expands_and_named_from_within_another_serves_from_anywhere() {
    let above = tempfile::tempdir().expect("a folder");
    let odd = above.path().join("100 %h");
    std::fs::create_dir(&odd).expect("a folder");
    let demo = |folder: &std::path::Path, from: &std::path::Path, args: &[&str]| {
        let all: Vec<&str> = ["--demo", "--demo-speed", "60"].iter().chain(args).copied().collect();
        ajar(folder, &all).current_dir(from).env("TMPDIR", &odd).spawn().expect("ajar starts")
    };
    let mut host = demo("100 %h".as_ref(), above.path(), &["status", "--watch"]);
    let mut lines = BufReader::new(host.stdout.take().expect("piped")).lines();
    tokio::time::timeout(LIMIT, lines.next_line()).await.expect("in time").expect("read").expect("it hosts");

    let connect = ["connect", "db-replica-3", "--", "hostname"];
    for (folder, from) in [(odd.as_path(), "/".as_ref()), ("100 %h".as_ref(), above.path())] {
        let ended = Ended::of(demo(folder, from, &connect)).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "db-replica-3\n"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("Warning"), "{}", ended.stderr);
    }
    host.kill().await.expect("the host can be ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_open_is_used_again_without_a_call_to_azure_before_the_client() {
    let world = World::new().await;
    assert_eq!(world.run(&["connect", "jump-eu", "--no-launch"]).await.code, 0);
    world.control().forget_journal().await;

    // It notes when it was started and then is ssh.
    let note = world.folder.path().join("started-at");
    let noting = format!("date -u +%Y-%m-%dT%H:%M:%S.%NZ > '{}'\nexec ssh \"$@\"", note.display());
    instead_of_ssh(&world, &noting);

    let ended = world.run(&["connect", "jump-eu", "--for", "30m", "--", "hostname"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "jump-eu\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("nothing was asked for. Not taken up: access for 30 minutes."), "{}", ended.stderr);
    let started_at: chrono::DateTime<chrono::Utc> =
        std::fs::read_to_string(note).expect("ssh was started").trim().parse().expect("a time");
    // What is asked for later is in the journal: it does not just leave things out.
    assert_eq!(world.run(&["status"]).await.code, 0);
    let journal = world.control().journal().await;
    assert!(!journal.is_empty());
    for request in journal {
        assert!(!request.path.ends_with("/initiate"), "{request:?}");
        // Afterwards the policy is read, to know when the window ends.
        assert!(request.started_at >= started_at, "asked before the client, at {started_at}: {request:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_ssh_enters_the_guest_and_an_open_session_outlives_the_window() {
    let world = World::new().await;
    let ended = world.run(&["connect", "jump-eu", "--no-launch", "--json"]).await;
    let endpoint = &ended.last_event()["endpoint"];
    let (host, port) = (endpoint["host"].as_str().expect("a host"), endpoint["port"].to_string());
    let announced = world.simulator.announce();
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "HostKeyAlias=known"]);
    let known_hosts = world.folder.path().join("known");
    let key = world.vm("jump-eu").host_key.clone().expect("a host key");
    std::fs::write(&known_hosts, format!("known {key}\n")).expect("known_hosts can be written");
    ssh.arg("-o").arg(format!("UserKnownHostsFile={}", known_hosts.display()));
    ssh.arg("-i").arg(&announced.ssh.identity_file).args(["-p", &port, "-l", "demo", host]);
    let mut session = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ssh starts");
    let mut stdin = session.stdin.take().expect("piped");
    let mut said = BufReader::new(session.stdout.take().expect("piped")).lines();

    let mut ask = async |command: &str| {
        tokio::io::AsyncWriteExt::write_all(&mut stdin, command.as_bytes()).await.expect("the session takes input");
        loop {
            let line = tokio::time::timeout(LIMIT, said.next_line()).await.expect("in time").expect("read");
            let line = line.expect("the session goes on");
            if line.contains("answer:") {
                return line;
            }
        }
    };
    assert!(ask("echo answer: one\n").await.contains("one"));
    world.control().post("advance", json!({ "seconds": 3 * 3600 })).await;
    assert!(!world.is_open("jump-eu").await, "no new connection");
    assert!(ask("echo answer: two\n").await.contains("two"), "the old one stays");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_a_signal_ends_is_told_as_such_with_what_stays_open() {
    let world = World::new().await;
    instead_of_ssh(&world, "kill -INT $$");
    let ended = world.run(&["connect", "jump-eu", "--", "hostname"]).await;
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("● jump-eu is open to new connections until "), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_only_reads_asks_for_access_and_starts() {
    let world = World::new().await;
    assert_eq!(world.run(&["connect", "web-01", "--no-launch"]).await.code, 0);
    let journal = world.control().journal().await;
    assert!(!journal.is_empty());
    for request in journal {
        let ends = |with: &str| request.path.to_lowercase().ends_with(with);
        let allowed = match request.method.as_str() {
            "GET" => true,
            "POST" => ends("/initiate") || ends("/start") || ends("/token"),
            _ => false,
        };
        assert!(allowed, "policies are never changed, VMs never stopped: {request:?}");
    }
}

/// A stand-in for ssh.
fn instead_of_ssh(world: &World, does: &str) {
    let script = stand_in(world.folder.path(), does);
    world.write_settings(&format!("[clients]\nssh = \"{}\"\n", script.display()));
}

/// A script in a folder.
pub(crate) fn stand_in(folder: &std::path::Path, does: &str) -> std::path::PathBuf {
    let script = folder.join("stand-in");
    std::fs::write(&script, format!("#!/bin/sh\n{does}\n")).expect("the script can be written");
    make_executable(&script);
    script
}

#[cfg(unix)]
pub(crate) fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("mode");
}
