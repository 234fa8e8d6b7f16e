//! What answers behind the door.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;

use azure_sim::{Fleet, Options};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::client::{Azure, connect};

/// The real client, on the host key that was announced and no other.
fn ssh(azure: &Azure, name: &str, folder: &std::path::Path) -> Command {
    ssh_as("demo", azure, name, folder)
}

fn ssh_as(user: &str, azure: &Azure, name: &str, folder: &std::path::Path) -> Command {
    let at = azure.dial(name);
    let known_hosts = folder.join("known_hosts");
    let host_key = azure.vm(name).host_key.as_ref().unwrap();
    std::fs::write(&known_hosts, format!("{name} {host_key}\n")).unwrap();
    let mut command = Command::new("ssh");
    command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"]);
    command.arg("-o").arg(format!("UserKnownHostsFile={}", known_hosts.display()));
    command.arg("-o").arg(format!("HostKeyAlias={name}"));
    command.arg("-i").arg(&azure.simulator.announce().ssh.identity_file);
    command.args(["-p", &at.port().to_string(), &format!("{user}@{}", at.ip())]);
    command.kill_on_drop(true);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_ssh_runs_a_command_and_gets_its_exit_status() {
    let azure = Azure::start().await;
    let folder = tempfile::tempdir().unwrap();
    let output = ssh(&azure, "gpu-lab", folder.path()).arg("hostname; exit 5").output().await;
    let output = output.expect("ssh must be installed (apt install openssh-client)");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "gpu-lab\n", "{stderr}");
    assert_eq!(output.status.code(), Some(5), "{stderr}");
    let output = ssh(&azure, "gpu-lab", folder.path()).arg("nonsense").output().await.unwrap();
    assert_eq!(output.status.code(), Some(127));
    assert!(String::from_utf8_lossy(&output.stderr).contains("command not found"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_ssh_feeds_commands_through_standard_input() {
    let azure = Azure::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = ssh(&azure, "gpu-lab", folder.path());
    command.arg("-T").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("ssh must be installed (apt install openssh-client)");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"whoami\nuname\nfalse\n").await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("gpu-lab") && stdout.ends_with("demo\nLinux\n"), "{stdout}");
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_gets_a_prompt() {
    let azure = Azure::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = ssh(&azure, "gpu-lab", folder.path());
    command.arg("-tt").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("ssh must be installed (apt install openssh-client)");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"hostname\nexit 3\n").await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("demo@gpu-lab:~$ hostname\r\ngpu-lab\r\n"), "{stdout:?}");
    assert_eq!(output.status.code(), Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_demo_users_key_is_let_in() {
    let azure = Azure::start().await;
    let folder = tempfile::tempdir().unwrap();
    let output = ssh_as("root", &azure, "gpu-lab", folder.path()).arg("hostname").output().await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(255), "{stderr}");
    assert!(stderr.contains("Permission denied"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vm_that_is_made_anew_is_another_one_with_another_host_key() {
    let azure = Azure::start().await;
    let (folder, vm) = (tempfile::tempdir().unwrap(), azure.vm("gpu-lab").clone());
    let before = azure.get(&vm.id).await["properties"].clone();
    let told: Value = azure.control("vms", json!({ "id": vm.id, "recreated": true })).await.json().await.unwrap();
    let after = azure.get(&vm.id).await["properties"].clone();
    assert_ne!(before["vmId"], after["vmId"]);
    assert!(before["timeCreated"].as_str() < after["timeCreated"].as_str(), "{before} {after}");
    let key = told["hostKey"].as_str().unwrap();
    assert!(key.starts_with("ssh-ed25519 ") && Some(key) != vm.host_key.as_deref());
    let refused = ssh(&azure, "gpu-lab", folder.path()).arg("true").output().await.unwrap();
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(255) && stderr.contains("HAS CHANGED"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_rdp_client_gets_its_connection_confirmed() {
    let azure = Azure::start().await;
    azure.initiate("build-win-02", json!({ "duration": "PT1H" })).await;
    let mut stream = connect(azure.dial("build-win-02"));
    stream.write_all(&[3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0]).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!((answer.len(), answer[5]), (19, 0xd0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_can_lead_to_a_real_server() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let fleet = format!(
        "[[subscriptions]]\nid = \"11111111-1111-4111-8111-111111111111\"\nname = \"one\"\n\
         [[vms]]\nname = \"real\"\nports = [{{ number = 8443, open = true, forward = \"{}\" }}]\n",
        server.local_addr().unwrap()
    );
    let fleet: Fleet = fleet.parse().unwrap();
    let azure = Azure::start_with(Options { fleet: Some(fleet), speed: 200.0, ..Options::default() }).await;
    let mut client = connect(azure.dial("real"));
    let (mut accepted, _) = server.accept().unwrap();
    client.write_all(b"ping").unwrap();
    let mut got = [0; 4];
    accepted.read_exact(&mut got).unwrap();
    accepted.write_all(b"pong").unwrap();
    client.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"pong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_simulators_side_by_side_have_addresses_of_their_own() {
    let (one, other) = (Azure::start().await, Azure::start().await);
    assert_ne!(one.dial("gpu-lab"), other.dial("gpu-lab"));
    connect(one.dial("gpu-lab"));
    connect(other.dial("gpu-lab"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulator_that_stops_leaves_no_door_behind() {
    let other = Azure::start().await;
    // Another process may take over the addresses, and with them the ports, the moment they are free: only at an address
    // outside of all simulators' blocks is what answers afterwards known to be ours.
    let at = own_address();
    let fleet = format!(
        "[[subscriptions]]\nid = \"11111111-1111-4111-8111-111111111111\"\nname = \"one\"\n\
         [[vms]]\nname = \"alone\"\naddress = \"{}\"\nports = [{{ number = {}, open = true, service = \"ssh\" }}]\n",
        at.ip(),
        at.port()
    );
    let fleet: Fleet = fleet.parse().unwrap();
    let one = Azure::start_with(Options { fleet: Some(fleet), ..Options::default() }).await;
    assert_eq!(one.dial("alone"), at);
    connect(at);
    one.simulator.stop().await;
    assert!(!crate::client::answers(at));
    connect(other.dial("gpu-lab"));
}

/// A free port of an address that this process alone has, where the system lets one have such.
fn own_address() -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    let own = Ipv4Addr::new(127, 201, high, low.clamp(1, 254));
    let listener = TcpListener::bind((own, 0)).or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    listener.unwrap().local_addr().unwrap()
}
