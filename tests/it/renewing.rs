//! Access that is renewed while a real ssh is connected through a real door, as the system's own table tells.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Child;

use crate::sshd::Sshd;
use crate::world::{World, until};

/// What is open to the favourite, as `ajar status` has it.
async fn window(world: &World) -> Option<Value> {
    let status = world.run(&["status", "--json"]).await;
    let windows: Value = serde_json::from_str(&status.stdout).unwrap_or_else(|error| panic!("{error}: {status:?}"));
    windows.as_array()?.iter().find(|window| window["name"] == "real").cloned()
}

/// A session that runs until its input ends.
async fn session(sshd: &Sshd, world: &World) -> Child {
    let mut ssh = sshd.client("ssh", world);
    ssh.args(["real.ajar", "cat"]).stdin(Stdio::piped());
    let mut session = ssh.spawn().expect("ssh starts");
    session.stdin.as_mut().expect("its input").write_all(b"x").await.expect("it is written");
    let mut echo = [0];
    session.stdout.as_mut().expect("its output").read_exact(&mut echo).await.expect("it comes back");
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_session_goes_through_is_renewed_once_before_its_end_and_not_without_a_session() {
    let sshd = Sshd::start().await;
    let world = sshd.behind_a_door().await;
    let edited = world.run(&["edit", "real", "--for", "5m", "--renew-up-to", "8h"]).await;
    assert_eq!(edited.code, 0, "{}", edited.stderr);
    let show = world.run(&["show", "real"]).await.stdout;
    assert!(show.contains("renews up to   8 hours"), "{show}");
    let mut host = world.ajar(&["status", "--watch", "--json"]).spawn().expect("ajar starts");
    let mut said = BufReader::new(host.stdout.take().expect("its output")).lines();
    said.next_line().await.expect("it hosts").expect("and says how things stand");
    let listening = tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });

    let session = session(&sshd, &world).await;
    let first = window(&world).await.expect("it is open");
    assert_eq!((&first["renewal"]["renews"], &first["renewal"]["times"]), (&json!(true), &json!(0)), "{first}");
    let asked = async || world.control().requests("/initiate").await.len();
    assert_eq!(asked().await, 1);

    // Azure's clock goes on to the last minute and a quarter.
    world.control().post("advance", json!({ "seconds": 240 })).await;
    until("it is renewed", async || {
        let window = window(&world).await;
        window.is_some_and(|window| window["renewal"]["times"] == 1 && window["endTimeUtc"] != first["endTimeUtc"])
    })
    .await;
    assert_eq!(asked().await, 2, "Azure was asked once more");
    let history = world.run(&["history", "--format", "json"]).await.stdout;
    let history: Vec<Value> = serde_json::from_str(&history).expect("JSON");
    let results: Vec<_> = history.iter().map(|opening| opening["result"].clone()).collect();
    assert!(results.contains(&json!("renewed")), "{results:?}");

    drop(session);
    world.control().post("advance", json!({ "seconds": 240 })).await;
    window(&world).await.expect("it is open still");
    world.control().post("advance", json!({ "seconds": 200 })).await;
    until("it is closed", async || window(&world).await.is_none()).await;
    assert_eq!(asked().await, 2, "nobody was connected any more");
    host.kill().await.expect("it ends");
    listening.await.expect("it has ended");
}
