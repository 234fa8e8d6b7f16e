//! A VM that is reached by its private address, as through a tunnel.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::own_network::{ip, is_inside};
use crate::world::World;

const FLEET: &str = "[[subscriptions]]\nid = \"5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001\"\nname = \"Contoso\"\n\
                     [[vms]]\nname = \"web-01\"\nports = [{ number = 22, jit = {} }]\n";

#[test]
fn a_vm_that_answers_at_its_private_address_by_a_way_of_its_own_is_opened_there_without_access() {
    const NAME: &str =
        "private_way::a_vm_that_answers_at_its_private_address_by_a_way_of_its_own_is_opened_there_without_access";
    if is_inside(NAME) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(goes_its_own_way());
    }
}

/// Answers there as an SSH server does.
async fn answer(at: Ipv4Addr) {
    let listener = TcpListener::bind((at, 22)).await.expect("a way leads there");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.write_all(b"SSH-2.0-behind\r\n").await);
        }
    });
}

async fn goes_its_own_way() {
    // A way to the internet, and another one.
    for (link, address) in [("internet", "192.0.2.2"), ("tunnel", "10.8.0.2")] {
        ip(&format!("link add {link} type bridge"));
        ip(&format!("address add {address}/24 dev {link}"));
        ip(&format!("link set {link} up"));
    }
    ip("route add default dev internet");
    let world = World::with_fleet(FLEET).await;
    let private = private_address(&world).await;
    // What is at the other end of the tunnel answers here, from which it makes no difference: whoever asks the routes hears of
    // the tunnel's address.
    ip(&format!("route add local {private}/32 dev lo src 10.8.0.2"));
    answer(private).await;
    let ended = world.run(&["connect", "web-01", "--no-launch", "--json"]).await;
    let event = ended.last_event();
    assert_eq!(event["endpoint"], json!({ "host": private.to_string(), "port": 22 }), "{event} {}", ended.stderr);
    assert_eq!(event["window"], Value::Null);
    assert_eq!(world.control().requests("/initiate").await.len(), 0);

    // The profile has the last word, and without the tunnel everything is as ever.
    let connects_publicly = async |address: &str| {
        let edited = world.run(&["edit", "web-01", "--address", address]).await;
        assert_eq!(edited.code, 0, "{}", edited.stderr);
        let event = world.run(&["connect", "web-01", "--no-launch", "--json"]).await.last_event();
        assert_ne!(event["endpoint"]["host"], private.to_string(), "{address}: {event}");
        assert_eq!(event["event"], "connected", "{event}");
    };
    connects_publicly("public").await;
    assert_eq!(world.control().requests("/initiate").await.len(), 1);
    ip(&format!("route del local {private}/32 dev lo"));
    connects_publicly("automatic").await;
}

/// As Azure's inventory tells it.
async fn private_address(world: &World) -> Ipv4Addr {
    let listed = world.run(&["list", "web-01", "--json"]).await;
    let found: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    let addresses = found.as_array().expect("VMs").iter().find_map(|vm| vm["privateAddresses"][0].as_str());
    addresses.unwrap_or_else(|| panic!("no private address: {found}")).parse().expect("an address")
}
