//! Through an Azure Bastion host by the Azure CLI, in place of Ajar's own way. A script stands in for `az`, and the test for what
//! answers at the end of the way that it makes.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::az::Az;
use crate::bastion::{leading, tokens, world};
use crate::world::{Ended, LIMIT, World, interrupt, until};

/// An Azure CLI that writes down what it is told, and goes on until it is ended.
fn az() -> Az {
    Az::that("cd \"${0%/*}\"; printf '%s\\n' \"$@\" > new; mv new told; exec tail -f /dev/null")
}

/// What it was told, once it runs. In its place an SSH server's first words are said where it was to listen.
async fn lead(az: &Az) -> Vec<String> {
    let told = az.folder().join("told");
    until("az is started", async || told.exists()).await;
    let told: Vec<_> = std::fs::read_to_string(told).expect("words").lines().map(str::to_owned).collect();
    let port = told.iter().find_map(|word| word.strip_prefix("--port=")).expect("a port").to_owned();
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("the port is free");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"SSH-2.0-by-az\r\n").await.expect("it is heard");
            tokio::spawn(async move { stream.read_to_end(&mut Vec::new()).await });
        }
    });
    told
}

/// Settings that name this one to go through Bastion hosts.
fn choose(world: &World, az: &Az) {
    world.write_settings(&format!("[clients]\nbastion = \"{}\"\n", az.folder().join("az").display()));
}

async fn first_words_at(at: &str) -> String {
    let mut stream = TcpStream::connect(at).await.expect("it takes connections");
    let mut greeting = [0; 13];
    tokio::time::timeout(LIMIT, stream.read_exact(&mut greeting)).await.expect("in time").expect("a greeting");
    String::from_utf8_lossy(&greeting).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_the_azure_cli_goes_through_by_it_alone() {
    let (world, az) = (world().await, az());
    choose(&world, &az);
    let ((host, at), told) = tokio::join!(leading(&world, "jump"), lead(&az));
    assert_eq!(told[..3], ["network", "bastion", "tunnel"]);
    let vm = format!("--target-resource-id={}", world.vm("jump").id);
    for word in ["--name=hub", "--resource-group=rg-hub", "--resource-port=22", vm.as_str()] {
        assert!(told.iter().any(|one| one == word), "{word} in {told:?}");
    }
    assert_eq!(first_words_at(&at).await, "SSH-2.0-by-az");
    assert_eq!(tokens(&world).await, (0, 0), "Ajar itself asks the host for nothing");
    interrupt(&host);
    Ended::of(host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_speaks_otherwise_than_ajar_knows_is_gone_through_by_the_azure_cli_of_the_path() {
    for fault in ["invalidJson", "notFound"] {
        let (world, az) = (world().await, az());
        world.control().fault("POST", "/api/tokens", json!({ "fault": fault, "times": 99 })).await;
        let mut proxy =
            az.found_by(world.ajar(&["proxy", "jump", "22"])).stdin(Stdio::piped()).spawn().expect("ajar starts");
        lead(&az).await;
        let mut greeting = [0; 13];
        let heard = proxy.stdout.as_mut().expect("piped").read_exact(&mut greeting);
        tokio::time::timeout(LIMIT, heard).await.expect("in time").expect("read");
        assert_eq!(&greeting, b"SSH-2.0-by-az", "{fault}");
        interrupt(&proxy);
        Ended::of(proxy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_azure_cli_says_is_told_with_what_helps() {
    for (does, message, action) in [
        (
            "echo 'ERROR: The command requires the extension bastion.' >&2; exit 2",
            "It says: The command requires the extension bastion.",
            "az extension add --name bastion",
        ),
        ("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1", "setup account.", "az login"),
        ("exit 7", "exit status: 7", "az network bastion tunnel --help"),
    ] {
        let (world, az) = (world().await, Az::that(does));
        choose(&world, &az);
        let event = world.run(&["connect", "jump", "--json"]).await.last_event();
        assert_eq!(event["code"], "bastionUnfit", "{event}");
        let told = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        assert!(told("message").contains(message) && told("action").contains(action), "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_azure_cli_who_meets_such_a_host_is_told_to_install_it() {
    let world = world().await;
    world.control().fault("POST", "/api/tokens", json!({ "fault": "invalidJson", "times": 99 })).await;
    let mut command = world.ajar(&["connect", "jump", "--json"]);
    command.env("PATH", "/nonexistent");
    let event: Value = Ended::of(command.spawn().expect("ajar starts")).await.last_event();
    assert_eq!(event["code"], "bastionUnfit", "{event}");
    assert!(event["action"].as_str().unwrap_or_default().contains("az extension add --name bastion"), "{event}");
}
