//! Through an Azure Bastion host: VMs without a public address, with an unmodified `ssh` and `scp`.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;

use crate::sshd::Sshd;
use crate::world::{Ended, LIMIT, World, interrupt, until};

const FLEET: &str = r#"
[[subscriptions]]
id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
name = "Hub"

[[bastion_hosts]]
name = "hub"
resource_group = "rg-hub"
peered_groups = ["rg-spoke"]

[[bastion_hosts]]
name = "cheap"
resource_group = "rg-cheap"
sku = "Basic"

[[bastion_hosts]]
name = "shut"
resource_group = "rg-shut"
tunneling = false

[[vms]]
name = "jump"
resource_group = "rg-hub"
private_only = true
ports = [{ number = 22 }]

[[vms]]
name = "vault"
resource_group = "rg-spoke"
power = "deallocated"
private_only = true
ports = [{ number = 22, jit = {} }]

[[vms]]
name = "wide"
resource_group = "rg-hub"
ports = [{ number = 22, jit = {} }]

[[vms]]
name = "cellar"
resource_group = "rg-cheap"
private_only = true
ports = [{ number = 22 }]

[[vms]]
name = "attic"
resource_group = "rg-shut"
private_only = true
ports = [{ number = 22 }]

[[vms]]
name = "island"
resource_group = "rg-island"
private_only = true
ports = [{ number = 22 }]
"#;

pub(crate) async fn world() -> World {
    World::with_fleet(FLEET).await
}

/// How often a way was asked for, and how many of them have ended.
pub(crate) async fn tokens(world: &World) -> (usize, usize) {
    let all = world.control().journal().await;
    let count = |method: &str| {
        all.iter().filter(|request| request.method == method && request.path.starts_with("/api/tokens")).count()
    };
    (count("POST"), count("DELETE"))
}

async fn each_token_ends(world: &World) {
    until("each token ends", async || {
        let (opened, ended) = tokens(world).await;
        opened == ended
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_rests_without_a_public_address_is_started_let_in_by_jit_and_entered_by_ssh() {
    let world = world().await;
    let ended = world.run(&["connect", "vault", "--for", "1h", "--", "hostname"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "vault\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("through Azure Bastion “hub”"), "{}", ended.stderr);
    let asked = world.control().requests("/initiate").await;
    assert!(!asked.is_empty() && world.control().requests("/vault/start").await.len() == 1);
    let shown = world.run(&["status", "--json"]).await;
    let shown: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    assert_eq!(shown[0]["source"], json!("10.1.254.0/26"), "{shown}");
    let extended = world.run(&["extend", "vault", "--for", "3h", "--json"]).await;
    assert_eq!(
        (extended.code, &extended.last_event()["window"]["source"]),
        (0, &json!("10.1.254.0/26")),
        "{extended:?}"
    );
    each_token_ends(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_jit_rule_guards_the_port_nothing_is_asked_for() {
    let world = world().await;
    let ended = world.run(&["connect", "jump", "--", "hostname"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "jump\n"), "{}", ended.stderr);
    assert_eq!(world.control().requests("/initiate").await.len(), 0);
    each_token_ends(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_with_a_public_address_is_reached_that_way_where_its_favourite_says_so() {
    let world = world().await;
    let vm = world.vm("wide").id.clone();
    let set = world.run(&["edit", "wide", "--address", "bastion"]).await;
    assert_eq!(set.code, 0, "{} for {vm}", set.stderr);
    let ended = world.run(&["connect", "wide", "--", "hostname"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "wide\n"), "{}", ended.stderr);
    assert!(!world.is_open("wide").await, "the public address stays shut");
    assert!(world.control().requests("/_ip/1").await.is_empty(), "nobody was asked for an address that is not needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_and_scp_go_through_by_ajar_proxy_and_a_large_file_is_unharmed() {
    const LARGE: usize = 6 << 20;
    let sshd = Sshd::start().await;
    let world = sshd.behind_bastion().await;
    let mut ssh = sshd.client("ssh", &world);
    let ended = Ended::of(ssh.args(["real.ajar", "echo ok from sshd; exit 7"]).spawn().expect("ssh")).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (7, "ok from sshd\n"), "{}", ended.stderr);
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
    each_token_ends(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_beside_another_process_that_hosts_has_a_connection_of_its_own() {
    let world = world().await;
    let mut host = world.ajar(&["proxy", "jump", "22"]).stdin(Stdio::piped()).spawn().expect("ajar starts");
    let mut other = {
        greeted(&mut host).await;
        world.ajar(&["proxy", "jump", "22"]).stdin(Stdio::piped()).spawn().expect("ajar starts")
    };
    greeted(&mut other).await;
    host.kill().await.expect("it is ended");
    // The server goes on with who is left.
    other.stdin.as_mut().expect("piped").write_all(b"SSH-2.0-test\r\n").await.expect("it is taken");
    let mut more = [0; 16];
    let heard = other.stdout.as_mut().expect("piped").read(&mut more);
    assert!(tokio::time::timeout(LIMIT, heard).await.expect("in time").expect("read") > 0);
    other.kill().await.expect("it is ended");
}

async fn greeted(child: &mut Child) {
    let mut greeting = [0; 8];
    let heard = child.stdout.as_mut().expect("piped").read_exact(&mut greeting);
    tokio::time::timeout(LIMIT, heard).await.expect("in time").expect("read");
    assert_eq!(&greeting, b"SSH-2.0-");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_host_from_leading_there_is_told_with_what_helps() {
    let world = world().await;
    for (name, code, words) in [
        ("cellar", "bastionUnfit", "it has Basic"),
        ("attic", "bastionUnfit", "Native client support"),
        ("island", "noPublicAddress", "Azure Bastion"),
    ] {
        let ended = world.run(&["connect", name, "--json"]).await;
        let event = ended.last_event();
        assert_eq!((&event["code"], ended.code), (&json!(code), 1), "{event}");
        let told = format!("{} {}", event["message"], event["action"]);
        assert!(told.contains(words), "{told}");
    }
    let set = world.run(&["edit", "island", "--address", "bastion"]).await;
    assert_eq!(set.code, 0, "{}", set.stderr);
    assert_eq!(world.run(&["connect", "island", "--json"]).await.last_event()["code"], "noBastion");
    assert_eq!(tokens(&world).await, (0, 0), "no token was sent where nothing leads anywhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_the_hosts_is_told_which_right_that_takes() {
    let world = world().await;
    let rights = json!({ "action": "Microsoft.Network/bastionHosts/read", "allowed": false });
    world.control().post("rights", rights).await;
    let ended = world.run(&["connect", "jump", "--json"]).await;
    let event = ended.last_event();
    assert_eq!((&event["code"], ended.code), (&json!("accessDenied"), 4), "{event}");
    assert!(event["message"].as_str().unwrap_or_default().contains("Microsoft.Network/bastionHosts/read"), "{event}");
}

/// `ajar connect` that leads others through, and where.
pub(crate) async fn leading(world: &World, name: &str) -> (Child, String) {
    let mut host = world.ajar(&["connect", name, "--no-launch", "--json"]).spawn().expect("ajar starts");
    let mut lines = BufReader::new(host.stdout.take().expect("piped")).lines();
    loop {
        let line = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("in time").expect("read");
        let event: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        if event["event"] == "connected" {
            assert_eq!(event["bastion"], "hub", "{event}");
            let endpoint = &event["endpoint"];
            return (host, format!("{}:{}", endpoint["host"].as_str().expect("a host"), endpoint["port"]));
        }
        assert_ne!(event["event"], "failed", "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_alone_is_let_in_and_led_to_whatever_is_spoken_there() {
    let world = world().await;
    let edited = world.run(&["edit", "vault", "--protocol", "port", "--port", "22"]).await;
    assert_eq!(edited.code, 0, "{}", edited.stderr);
    let (host, at) = leading(&world, "vault").await;
    let mut greeting = [0; 8];
    TcpStream::connect(&at).await.expect("it takes connections").read_exact(&mut greeting).await.expect("a greeting");
    assert_eq!(&greeting, b"SSH-2.0-");
    assert!(!world.control().requests("/initiate").await.is_empty(), "what does not get through is not taken for open");
    interrupt(&host);
    Ended::of(host).await;
    each_token_ends(&world).await;
}

/// Says each byte that it hears eight times.
async fn talkative_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.into_split();
                let mut heard = vec![0; 64 << 10];
                while let Ok(count @ 1..) = from.read(&mut heard).await {
                    to.write_all(&heard[..count].repeat(8)).await?;
                }
                to.shutdown().await
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn much_goes_both_ways_at_once_and_what_is_said_after_this_sides_end_arrives() {
    const SENT: usize = 4 << 20;
    let fleet = format!(
        "{FLEET}\n[[vms]]\nname = \"talker\"\nresource_group = \"rg-hub\"\nprivate_only = true\n\
         ports = [{{ number = 7000, forward = \"127.0.0.1:{}\" }}]\n",
        talkative_server().await
    );
    let world = World::with_fleet(&fleet).await;
    let edited = world.run(&["edit", "talker", "--protocol", "port", "--port", "7000"]).await;
    assert_eq!(edited.code, 0, "{}", edited.stderr);
    let (host, at) = leading(&world, "talker").await;
    let (mut from, mut to) = TcpStream::connect(&at).await.expect("it takes connections").into_split();
    let sending = tokio::spawn(async move {
        to.write_all(&vec![b'x'; SENT]).await.expect("it is taken");
        to
    });
    let mut heard = vec![0; 8 * SENT];
    tokio::time::timeout(LIMIT, from.read_exact(&mut heard)).await.expect("nothing waits for ever").expect("all of it");
    // This side ends, and the last words come all the same.
    let mut to = sending.await.expect("all is sent");
    to.write_all(b"end").await.expect("it is taken");
    drop(to);
    let mut last = Vec::new();
    tokio::time::timeout(LIMIT, from.read_to_end(&mut last)).await.expect("it ends").expect("it is read");
    assert_eq!(last, b"endendendendendendendend");
    interrupt(&host);
    Ended::of(host).await;
    each_token_ends(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_in_the_middle_ends_and_the_way_stays_until_it_is_given_up() {
    let world = world().await;
    let (mut host, at) = leading(&world, "jump").await;
    let greeting = async || {
        let mut stream = TcpStream::connect(&at).await.expect("it takes connections");
        let mut greeting = [0; 8];
        stream.read_exact(&mut greeting).await.expect("a greeting");
        assert_eq!(&greeting, b"SSH-2.0-");
        stream
    };
    let mut first = greeting().await;
    drop(greeting().await);
    let stopped = world.run(&["stop", "jump"]).await;
    assert_eq!(stopped.code, 0, "{}", stopped.stderr);
    let mut rest = Vec::new();
    drop(tokio::time::timeout(LIMIT, first.read_to_end(&mut rest)).await.expect("it ends"));
    let mut next = TcpStream::connect(&at).await.expect("it takes connections");
    let nothing = tokio::time::timeout(LIMIT, next.read_to_end(&mut rest)).await.expect("it ends");
    assert!(nothing.is_err() || rest.is_empty() || !rest.starts_with(b"SSH-2.0-"), "nobody answers there now");
    interrupt(&host);
    let ended = tokio::time::timeout(LIMIT, host.wait()).await.expect("it ends").expect("it ran");
    assert!(ended.code().is_some(), "a signal ends the waiting and nothing else");
    assert!(TcpStream::connect(&at).await.is_err(), "nothing listens any more");
    each_token_ends(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_on_the_way_through_leaves_nothing_open() {
    let world = world().await;
    world.control().fault("POST", "/api/tokens", json!({ "fault": "slow", "seconds": 30, "times": 9 })).await;
    let child = world.ajar(&["connect", "jump", "--json"]).spawn().expect("ajar starts");
    world.control().seen("/bastionHosts").await;
    interrupt(&child);
    let ended = Ended::of(child).await;
    assert_eq!((ended.code, &ended.last_event()["code"]), (130, &json!("cancelled")), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_the_way_and_opens_none() {
    let world = world().await;
    let ended = world.run(&["doctor", "jump"]).await;
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    for told in ["through Azure Bastion “hub” to 10.1.0.4", "jump:22 answers as SSH does", "none guards port 22"] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
    each_token_ends(&world).await;
}
