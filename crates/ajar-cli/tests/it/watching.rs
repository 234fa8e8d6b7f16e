//! `ajar status --watch` while Azure says nothing.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::{LIMIT, ajar};

/// Signals a watch that has asked an Azure which takes connections and never answers; its exit code and what it said.
fn ended_by(signal: &str, json: bool) -> (Option<i32>, String) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", silent.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";
    let settings = format!(
        "cloud = \"silent\"\n[clouds.silent]\nauthority = \"{address}\"\nresource_manager = \"{address}\"\n\
         [profiles.web]\nvm = \"{vm}\"\n"
    );
    std::fs::write(folder.path().join("config.toml"), settings).unwrap();
    let mut watch = ajar(folder.path(), if json { &["status", "--watch", "--json"] } else { &["status", "--watch"] });
    watch.env("AZURE_TENANT_ID", "11111111-2222-3333-4444-555555555555").env("AZURE_CLIENT_ID", "client");
    watch.env("AZURE_CLIENT_SECRET", "secret").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = watch.spawn().unwrap();
    let connection = silent.accept().unwrap();
    let told = Instant::now();
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    let code = child.wait().unwrap().code();
    // Azure is given tens of seconds for an answer; none of them is waited for.
    assert!(told.elapsed() < LIMIT / 8, "{:?}", told.elapsed());
    drop(connection);
    (code, said)
}

#[test]
fn a_signal_before_the_first_answer_ends_it_at_once_as_ended_by_it() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for json in [false, true] {
            assert_eq!(ended_by(signal, json), (Some(code), String::new()), "SIG{signal}");
        }
    }
}
