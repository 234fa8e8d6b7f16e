use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;

use super::*;

/// What stands in for `az`: a script that writes its arguments into the file `args` beside it, and then does so.
fn stand_in(does: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("#!/bin/sh\ncd \"${{0%/*}}\"\nprintf '%s\\n' \"$@\" > args.new && mv args.new args\n{does}\n");
    let az = folder.path().join("az");
    std::fs::write(&az, script).unwrap();
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

fn vm() -> VmResourceId {
    "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-01".parse().unwrap()
}

fn host() -> BastionHost {
    let id = "/subscriptions/s2/resourceGroups/hub-rg/providers/Microsoft.Network/bastionHosts/hub".parse().unwrap();
    BastionHost { id, dns_name: "bst.bastion.azure.com".into(), subnet: None }
}

async fn opened(az: &TempDir) -> AzTunnel {
    let at = free_port().await.unwrap();
    let mut command = for_az(az.path().join("az"));
    command.args(arguments(&host(), &vm(), 22, at.port())).stderr(Stdio::piped());
    AzTunnel::start(&mut command, "hub".into(), at).unwrap()
}

fn said(failure: &Failure) -> &str {
    let Failure::BastionUnfit { bastion, flaw: BastionFlaw::AzureCli(said) } = failure else { panic!("{failure:?}") };
    assert_eq!(bastion, "hub");
    said
}

#[test]
fn az_is_told_the_host_in_its_subscription_the_vm_and_both_ports_in_one_word_each() {
    assert_eq!(
        arguments(&host(), &vm(), 3389, 50_022),
        [
            "network",
            "bastion",
            "tunnel",
            "--only-show-errors",
            "--name=hub",
            "--resource-group=hub-rg",
            "--subscription=s2",
            &format!("--target-resource-id={}", vm().resource().as_str()),
            "--resource-port=3389",
            "--port=50022",
        ]
    );
}

#[tokio::test]
async fn a_connection_is_there_as_soon_as_az_listens() {
    let az = stand_in("exec tail -f /dev/null");
    let mut tunnel = opened(&az).await;
    let at = tunnel.at;
    let (connected, listener) = tokio::join!(tunnel.connect(), async {
        // It is awaited before anybody listens.
        tokio::task::spawn_blocking(move || while !az.path().join("args").exists() {}).await.unwrap();
        let listener = TcpListener::bind(at).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"SSH-2.0-x").await.unwrap();
        listener
    });
    let mut word = String::new();
    connected.unwrap().read_to_string(&mut word).await.unwrap();
    assert_eq!(word, "SSH-2.0-x");
    drop(listener);
}

#[tokio::test]
async fn what_az_says_last_is_told_when_it_ends() {
    for (does, is_said) in [
        ("echo 'ERROR: Please run az login to setup account.' >&2; exit 1", "Please run az login to setup account."),
        ("echo 'Opening tunnel on port: 1' >&2; exit 3", "exit status: 3"),
        ("echo first >&2; echo >&2; echo '  last ' >&2; echo 'Ctrl + C to close' >&2", "last"),
    ] {
        let failure = opened(&stand_in(does)).await.connect().await.unwrap_err();
        assert_eq!(said(&failure), is_said, "{does}");
    }
}

#[tokio::test]
async fn somebody_else_who_listens_there_when_az_has_ended_is_not_talked_to() {
    let az = stand_in("echo 'port is taken' >&2; exit 1");
    let mut tunnel = opened(&az).await;
    let _stranger = TcpListener::bind(tunnel.at).await.unwrap();
    tunnel.child.wait().await.unwrap();
    assert_eq!(said(&tunnel.connect().await.unwrap_err()), "port is taken");
}

#[tokio::test]
async fn what_az_has_started_ends_with_the_tunnel() {
    let az = stand_in("mkfifo held; (echo here; exec tail -f /dev/null) > held & exec tail -f /dev/null");
    let tunnel = opened(&az).await;
    let held = az.path().join("held");
    let read = tokio::task::spawn_blocking(move || {
        while !held.exists() {}
        let mut held = std::io::BufReader::new(std::fs::File::open(held).unwrap());
        std::io::BufRead::read_line(&mut held, &mut String::new()).unwrap();
        held
    });
    let mut held = read.await.unwrap();
    drop(tunnel);
    let gone = tokio::task::spawn_blocking(move || std::io::Read::read_to_end(&mut held, &mut Vec::new()).unwrap());
    tokio::time::timeout(LIMIT, gone).await.expect("it still runs").unwrap();
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told() {
    let at = free_port().await.unwrap();
    let error = AzTunnel::start(&mut for_az("/nowhere/az"), "hub".into(), at).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}
