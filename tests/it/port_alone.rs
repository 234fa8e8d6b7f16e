//! Favourites that open a port alone, whatever is spoken there.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::world::World;

/// Takes connections and says nothing first, as most servers do.
async fn silent_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await?;
                stream.shutdown().await
            });
        }
    });
    port
}

/// A VM that rests, with a database behind its port 5432.
async fn world() -> World {
    let fleet = format!(
        "[[subscriptions]]\nid = \"5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f0ab\"\nname = \"Data\"\n\
         [[vms]]\nname = \"orders-db\"\nresource_group = \"rg\"\nlocation = \"westeurope\"\nos = \"Linux\"\n\
         power = \"deallocated\"\npolicy = \"default\"\n\
         ports = [{{ number = 5432, jit = {{}}, forward = \"127.0.0.1:{}\" }}]\n",
        silent_server().await
    );
    World::with_fleet(&fleet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_favourite_beside_one_of_a_port_alone_is_opened_as_its_vm_is() {
    let world = World::new().await;
    for (vm, other) in [("web-01", "5432"), ("build-win-02", "5985")] {
        let alone = format!("alone-{vm}");
        world.run(&["add", &alone, "--vm", vm, "--protocol", "port", "--port", other]).await;
        let beside = format!("beside-{vm}");
        let added = world.run(&["add", &beside, "--vm", vm]).await;
        assert_eq!(added.code, 0, "{}", added.stderr);
        let shown = world.run(&["show", &beside, "--json"]).await;
        let shown: serde_json::Value = serde_json::from_str(&shown.stdout).expect("JSON");
        let expected = if vm == "web-01" { ("ssh", 22) } else { ("rdp", 3389) };
        assert_eq!((&shown["protocol"], &shown["port"]), (&expected.0.into(), &expected.1.into()), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_is_opened_its_vm_started_and_its_address_told_and_no_client_started() {
    let world = world().await;
    let added = world.run(&["add", "db", "--vm", "orders-db", "--port", "5432"]).await;
    assert_eq!(added.code, 0, "{}", added.stderr);
    assert!(added.stderr.contains("Port 5432 is opened alone"), "{}", added.stderr);
    let dial = world.vm("orders-db").ports[0].dial.clone().expect("where it listens");
    let ended = world.run(&["connect", "db"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let told = format!("db answers at {dial}. db is open to new connections until");
    assert!(ended.stderr.contains(&told) && ended.stderr.contains("The port answers"), "{}", ended.stderr);
    assert_eq!(world.control().requests("/start").await.len(), 1);

    let again = world.run(&["connect", "db", "--json"]).await;
    let last: serde_json::Value = serde_json::from_str(again.stdout.lines().last().expect("an event")).expect("JSON");
    let endpoint = &last["endpoint"];
    assert_eq!(format!("{}:{}", endpoint["host"].as_str().unwrap_or_default(), endpoint["port"]), dial, "{last}");
    let shown = world.run(&["show", "db"]).await.stdout;
    assert!(shown.contains("Port only"), "{shown}");
    let config = world.run(&["ssh-config", "print"]).await.stdout;
    assert!(!config.contains("Host db"), "{config}");
    let refused = world.run(&["connect", "db", "--", "uptime"]).await;
    assert_eq!(refused.code, 2, "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_told_where_to_go_is_started_and_a_port_that_is_not_said_is_refused() {
    let world = world().await;
    let told = world.folder.path().join("told");
    let script = world.folder.path().join("client.sh");
    std::fs::write(&script, format!("#!/bin/sh\necho \"$@\" > {0}.new && mv {0}.new {0}\n", told.display()))
        .expect("a client");
    make_executable(&script);
    let client = script.display().to_string();
    let words = ["--client-argument=-h", "--client-argument={host}", "--client-argument=-p{port}"];
    let add = ["add", "db", "--vm", "orders-db", "--protocol", "port", "--port", "5432", "--client", &client];
    let added = world.run(&[&add[..], &words].concat()).await;
    assert_eq!((added.code, added.stdout.lines().count()), (0, 1), "{}{}", added.stdout, added.stderr);
    let ended = world.run(&["connect", "db"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let dial = world.vm("orders-db").ports[0].dial.clone().expect("where it listens");
    let (host, port) = dial.rsplit_once(':').expect("an endpoint");
    let until_told = async || std::fs::read_to_string(&told).is_ok();
    crate::world::until("the client is started", until_told).await;
    assert_eq!(std::fs::read_to_string(&told).expect("what it was given"), format!("-h {host} -p{port}\n"));

    let refused = world.run(&["add", "other", "--vm", "orders-db", "--protocol", "port"]).await;
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(refused.stderr.contains("name the port"), "{}", refused.stderr);
    world.write_settings(&format!("[profiles.db]\nvm = \"{}\"\nprotocol = \"port\"\n", world.vm("orders-db").id));
    let broken = world.run(&["list"]).await;
    assert!(broken.stderr.contains("does not say which"), "{}", broken.stderr);
}

#[cfg(unix)]
fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).expect("a mode");
}

#[cfg(not(unix))]
fn make_executable(_path: &std::path::Path) {}
