//! `ajar proxy`: the way of OpenSSH, and of all that goes over it, through the door.

use std::process::Stdio;

use azure_sim::Options;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::sshd::{Sshd, fleet_that_leads_to};
use crate::world::{Ended, LIMIT, World, interrupt, until};

/// A file that is larger than all the buffers on its way.
const LARGE: usize = 24 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_unmodified_ssh_goes_through_the_door_and_scp_carries_a_large_file_unharmed() {
    let sshd = Sshd::start().await;
    let world = sshd.behind_a_door().await;
    let mut ssh = sshd.client("ssh", &world);
    let ended = Ended::of(ssh.args(["real.ajar", "echo ok from sshd; exit 7"]).spawn().expect("ssh")).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (7, "ok from sshd\n"), "{}", ended.stderr);
    assert_eq!(ended.stderr, "", "nothing is said where nobody reads and nothing is amiss");

    // No two pieces of it are the same.
    let content: Vec<u8> =
        (0..LARGE / 8).flat_map(|piece| (piece as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()).collect();
    std::fs::write(sshd.at("large"), &content).expect("a large file");
    let there = format!("real.ajar:{}", sshd.at("there").display());
    for (from, to) in
        [(sshd.at("large").display().to_string(), there.clone()), (there, sshd.at("back").display().to_string())]
    {
        let mut scp = sshd.client("scp", &world);
        let ended = Ended::of(scp.args(["-q", &from, &to]).spawn().expect("scp")).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    assert!(std::fs::read(sshd.at("back")).expect("it came back") == content, "byte by byte the same");
    assert_eq!(world.control().requests("/initiate").await.len(), 1, "the door stays open for those who come later");
}

/// Says what ssh’s servers say first, hears everything to its end, and answers only then.
async fn answers_at_the_end() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.write_all(b"SSH-2.0-test\r\n").await?;
                let mut heard = Vec::new();
                stream.read_to_end(&mut heard).await?;
                stream.write_all(format!("heard {}\n", heard.len()).as_bytes()).await
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_hears_that_the_other_is_done_and_may_go_on_itself() {
    let port = answers_at_the_end().await;
    let world = World::with_fleet(&fleet_that_leads_to(port)).await;
    let mut proxy = world.ajar(&["proxy", "REAL-01.ajar", "22"]);
    let mut child = proxy.stdin(Stdio::piped()).spawn().expect("ajar starts");
    let mut stdin = child.stdin.take().expect("piped");
    let sent = vec![b'x'; LARGE];
    stdin.write_all(&sent).await.expect("it is taken");
    drop(stdin);
    let ended = Ended::of(child).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, format!("SSH-2.0-test\r\nheard {LARGE}\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_a_file_and_goes_to_a_file_is_carried_as_well() {
    let port = answers_at_the_end().await;
    let world = World::with_fleet(&fleet_that_leads_to(port)).await;
    let (from, to) = (world.folder.path().join("from"), world.folder.path().join("to"));
    std::fs::write(&from, vec![b'x'; LARGE]).expect("it is written");
    let mut proxy = world.ajar(&["proxy", "real-01.ajar", "22"]);
    proxy.stdin(std::fs::File::open(&from).expect("it is there"));
    proxy.stdout(std::fs::File::create(&to).expect("it is made"));
    let ended = Ended::of(proxy.spawn().expect("ajar starts")).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&to).expect("it is there"), format!("SSH-2.0-test\r\nheard {LARGE}\n"));
}

/// A world whose VM takes its time to start, with an engine that goes on without the proxy.
async fn slow_world() -> (World, tokio::process::Child) {
    let world = World::with(Options { speed: 4.0, ..Options::default() }).await;
    let mut host = world.ajar(&["status", "--watch", "--json"]).spawn().expect("ajar starts");
    let mut lines = BufReader::new(host.stdout.take().expect("piped")).lines();
    tokio::time::timeout(LIMIT, lines.next_line()).await.expect("in time").expect("read").expect("a line");
    // What is not read any more must not keep it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (world, host)
}

async fn nobody_connects(world: &World) {
    until("the attempt is given up", async || {
        let list = world.run(&["list", "web-01", "--json"]).await;
        let favourites: serde_json::Value = serde_json::from_str(&list.stdout).expect("JSON");
        favourites[0]["state"] != "connecting"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_interrupted_or_left_alone_on_its_way_takes_its_wish_along() {
    let (world, host) = slow_world().await;
    let proxy = || world.ajar(&["proxy", "web-01", "22"]).stdin(Stdio::piped()).spawn().expect("ajar starts");
    let interrupted = proxy();
    world.control().seen("/web-01/start").await;
    interrupt(&interrupted);
    let ended = Ended::of(interrupted).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (130, ""), "{}", ended.stderr);
    nobody_connects(&world).await;

    world.control().forget_journal().await;
    let mut left = proxy();
    until("it asks Azure", async || !world.control().journal().await.is_empty()).await;
    // ssh was killed: nobody reads any more, and nobody has told.
    drop((left.stdout.take(), left.stdin.take()));
    let ended = Ended::of(left).await;
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    nobody_connects(&world).await;
    drop(host);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_the_door_shut_is_told_on_standard_error_with_its_exit_code() {
    let world = World::new().await;
    let unknown = world.run(&["proxy", "nobody.ajar", "22"]).await;
    assert_eq!((unknown.code, unknown.stdout.as_str()), (2, ""), "{}", unknown.stderr);
    let denied = world.run(&["proxy", "locked-01.ajar", "22"]).await;
    assert_eq!((denied.code, denied.stdout.as_str()), (4, ""), "{}", denied.stderr);
    assert!(denied.stderr.contains("ajar rights locked-01"), "{}", denied.stderr);
    // A right that is taken from the VM alone is not listed for its group; one that is taken from the group is.
    let group = world.vm("locked-01").id.split("/providers/").next().expect("a group").to_owned();
    let initiate = "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action";
    world.control().post("rights", json!({ "action": initiate, "scope": group, "allowed": false })).await;
    let lacks = world.run(&["rights", "locked-01", "--json"]).await;
    let told: serde_json::Value = serde_json::from_str(&lacks.stdout).expect("JSON");
    assert_eq!(told["missing"], json!([initiate]));
    let message = world.run(&["rights", "locked-01", "--message"]).await;
    assert_eq!((message.code, message.stderr.as_str()), (0, ""));
    assert_eq!(message.stdout.trim_end(), told["message"].as_str().expect("a message").trim_end());
    let granted = world.run(&["rights", "jump-eu"]).await;
    assert!(granted.stdout.contains("has all rights"), "{}", granted.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_that_stands_open_takes_no_engine_and_one_that_has_closed_meanwhile_is_opened_again() {
    let sshd = Sshd::start().await;
    let world = sshd.behind_a_door().await;
    let enters = async || {
        let ended = Ended::of(sshd.client("ssh", &world).args(["real.ajar", "echo in"]).spawn().expect("ssh")).await;
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "in\n", ""));
    };
    enters().await;
    // Nothing of Azure's answers: whoever goes straight does not notice.
    world.control().fault("*", "*", json!({ "fault": "reset" })).await;
    enters().await;
    world.control().forget_faults().await;
    world.control().forget_journal().await;
    world.control().post("advance", json!({ "seconds": 4 * 3600 })).await;
    enters().await;
    assert_eq!(world.control().requests("/initiate").await.len(), 1);
}
