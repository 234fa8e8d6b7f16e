//! Finding VMs among all that an account can see.

use serde_json::{Value, json};

use crate::world::{Ended, World};

const RESOURCE_GRAPH: &str = "/providers/Microsoft.ResourceGraph/resources";

/// Two of its VMs are favourites; all are on Azure.
async fn world() -> World {
    let world = World::new().await;
    let text = std::fs::read_to_string(world.folder.path().join("config.toml")).expect("settings");
    let (cloud, _) = text.split_once("[profiles.").expect("profiles");
    let favourite = |name: &str| format!("[profiles.my-{name}]\nvm = \"{}\"\n", world.vm(name).id);
    let settings = [cloud.to_owned(), favourite("web-01"), favourite("legacy-box")].concat();
    std::fs::write(world.folder.path().join("config.toml"), settings).expect("settings can be written");
    world
}

fn of_kind(ended: &Ended, kind: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    all.into_iter().filter(|one| one["kind"] == kind).collect()
}

async fn queries(world: &World) -> usize {
    world.control().requests(RESOURCE_GRAPH).await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_is_no_favourite_is_found_and_said_how_to_make_one() {
    let world = world().await;
    let ended = world.run(&["list", "win-02"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("VM ") && lines[1].starts_with("build-win-02 "), "{ended:?}");
    let address = world.vm("build-win-02").public_ip.clone().expect("it has an address");
    for told in ["Windows", "running", "3389", &address] {
        assert!(lines[1].contains(told), "{told}: {ended:?}");
    }
    let id = &world.vm("build-win-02").id;
    let add = format!("ajar add build-win-02 --vm {id} --port 3389");
    assert!(ended.stderr.contains("1 VM matches, of ") && ended.stderr.contains(&add), "{ended:?}");
    let words: Vec<&str> = add.split(' ').skip(1).collect();
    let added = world.run(&words).await;
    assert_eq!(added.code, 0, "{added:?}");
    let by_address = world.run(&["list", &address, "--json"]).await;
    let vm = &of_kind(&by_address, "vm")[0];
    assert_eq!(
        (&vm["vmName"], &vm["jitPorts"], &vm["os"]),
        (&json!("build-win-02"), &json!([3389]), &json!("windows"))
    );
    assert_eq!(queries(&world).await, 1, "what is fresh is not read again");
}

#[tokio::test(flavor = "multi_thread")]
async fn favourites_come_first_and_without_a_query_azure_is_asked_nothing() {
    let world = world().await;
    let favourites = world.run(&["list", "--json"]).await;
    assert_eq!((of_kind(&favourites, "favourite").len(), of_kind(&favourites, "vm").len()), (2, 0));
    assert_eq!(world.control().journal().await.len(), 0);

    let ended = world.run(&["list", "web"]).await;
    let place = |text: &str| ended.stdout.find(text).unwrap_or_else(|| panic!("no {text}: {ended:?}"));
    assert!(place("my-web-01") < place("SUBSCRIPTION"), "{ended:?}");
    let all = world.run(&["list", "", "--json"]).await;
    assert_eq!(of_kind(&all, "vm").len(), world.simulator.announce().vms.len());
    let none = world.run(&["list", "no-such-thing"]).await;
    assert_eq!((none.code, none.stdout.as_str()), (0, ""), "{none:?}");
    assert!(none.stderr.contains("No favourite and no VM matches “no-such-thing”."), "{none:?}");
    assert_eq!(queries(&world).await, 1);
    world.run(&["list", "web", "--refresh"]).await;
    assert_eq!(queries(&world).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said_and_what_was_known_before_is_still_found() {
    let world = world().await;
    let denied = json!({ "fault": "unauthorized", "times": null });
    world.control().fault("POST", RESOURCE_GRAPH, denied.clone()).await;
    let ended = world.run(&["list", "private"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{ended:?}");
    assert!(ended.stderr.contains("Not all VMs are known"), "{ended:?}");
    let favourite = world.run(&["list", "web-01"]).await;
    assert!(favourite.code == 0 && favourite.stdout.contains("my-web-01"), "{favourite:?}");

    world.control().forget_faults().await;
    assert!(world.run(&["list", "private"]).await.stdout.contains("private-only"));
    world.control().fault("POST", RESOURCE_GRAPH, denied).await;
    let ended = world.run(&["list", "private", "--refresh", "--json"]).await;
    assert_eq!((ended.code, of_kind(&ended, "vm").len()), (0, 1), "{ended:?}");
    let gaps = of_kind(&ended, "gap");
    assert_eq!((gaps.len(), &gaps[0]["account"]), (1, &json!("environment")), "{gaps:?}");
}
