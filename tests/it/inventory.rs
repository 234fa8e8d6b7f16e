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
async fn a_favourite_that_says_nothing_of_its_port_is_opened_by_what_runs_on_its_vm() {
    let world = World::new().await;
    world.write_settings(&format!("[profiles.build]\nvm = \"{}\"\n", world.vm("build-win-02").id));
    let shown = async |name: &str| world.run(&["show", name]).await.stdout;
    assert!(shown("build").await.contains("22 (built in)"), "nothing is known of it");
    let found = world.run(&["list", "win-02"]).await;
    assert_eq!(found.code, 0, "{found:?}");
    let told = shown("build").await;
    for line in ["port           3389 (from the VM: Windows)", "opens with     RDP (from the VM: Windows)"] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(!world.run(&["ssh-config", "print"]).await.stdout.contains("Host build"));
    let opened = world.run(&["connect", "build", "--no-launch", "--json"]).await;
    assert_eq!(opened.code, 0, "{opened:?}");
    let windows: Value = serde_json::from_str(&world.run(&["status", "--json"]).await.stdout).expect("JSON");
    assert_eq!((&windows[0]["name"], &windows[0]["port"]), (&json!("build"), &json!(3389)), "{windows}");
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

/// When the window ends that a `connect --json` was granted, in minutes from now.
fn minutes_granted(ended: &Ended) -> i64 {
    let end = ended.last_event()["window"]["endTimeUtc"].as_str().map(ToOwned::to_owned).expect("a window");
    (end.parse::<chrono::DateTime<chrono::Utc>>().expect("a time") - chrono::Utc::now()).num_minutes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_is_no_favourite_is_opened_by_its_name_or_a_beginning_that_no_other_has() {
    let world = world().await;
    let before = std::fs::read_to_string(world.folder.path().join("config.toml")).expect("settings");
    let ended = world.run(&["connect", "BUILD-win-02", "--no-launch", "--json"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("That is build-win-02 (rg-build in Contoso Demo)."), "{ended:?}");
    assert!(world.is_open("build-win-02").await, "the port of Windows, which the policy guards");
    assert!((170..=180).contains(&minutes_granted(&ended)), "three hours: {ended:?}");
    assert_eq!(queries(&world).await, 1);
    let status = world.run(&["status"]).await;
    assert!(status.stdout.contains("build-win-02"), "{status:?}");

    // Of what is known nothing is read anew, and no more is asked for than the policy grants.
    let ended = world.run(&["connect", "fin", "--no-launch", "--json"]).await;
    assert_eq!((ended.code, queries(&world).await), (0, 1), "{ended:?}");
    assert!((55..=60).contains(&minutes_granted(&ended)), "{ended:?}");
    assert_eq!(std::fs::read_to_string(world.folder.path().join("config.toml")).expect("settings"), before);

    // The VM of a favourite is opened as that.
    let ended = world.run(&["connect", "web-01", "--no-launch"]).await;
    assert!(ended.code == 0 && ended.stderr.contains("which is my-web-01"), "{ended:?}");
    let ended = world.run(&["connect", "my-w", "--no-launch"]).await;
    assert_eq!(ended.code, 0, "a favourite's beginning: {ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_mean_more_than_one_is_told_with_what_is_nearest_and_nothing_is_opened() {
    let world = world().await;
    let ended = world.run(&["connect", "l", "--no-launch", "--json"]).await;
    let event = ended.last_event();
    assert_eq!((ended.code, event["code"].as_str()), (2, Some("unknownFavourite")), "{ended:?}");
    let message = event["message"].to_string();
    assert!(message.contains("locked-01 (rg-locked in Contoso Demo)"), "{message}");
    let ended = world.run(&["connect", "zzz", "--no-launch"]).await;
    assert!(ended.code == 2 && ended.stderr.contains("There is no favourite called “zzz”."), "{ended:?}");
    let ended = world.run(&["connect", "--json"]).await;
    assert_eq!((ended.code, ended.last_event()["code"].as_str()), (2, Some("commandLine")), "{ended:?}");
    assert_eq!(world.control().changes().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_favourite_is_added_by_the_name_of_its_vm_with_what_fits_it() {
    let world = world().await;
    for args in [&["add", "finance-app"][..], &["add", "money", "--vm", "Finance-APP", "--for", "30m"]] {
        let ended = world.run(args).await;
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    let settings = std::fs::read_to_string(world.folder.path().join("config.toml")).expect("settings");
    let id = &world.vm("finance-app").id;
    let added = format!("[profiles.finance-app]\nvm = \"{id}\"\nport = 3389\n");
    assert!(settings.contains(&added), "{settings}");
    assert!(settings.contains(&format!("[profiles.money]\nvm = \"{id}\"\nport = 3389\nfor = \"30m\"\n")), "{settings}");
    let ended = world.run(&["add", "money-2", "--vm", "no-such-vm", "--json"]).await;
    assert_eq!((ended.code, ended.last_event()["code"].as_str()), (2, Some("unknownVm")), "{ended:?}");
    let ended = world.run(&["add", "money-2", "--vm", "/subscriptions/x", "--json"]).await;
    assert_eq!((ended.code, ended.last_event()["code"].as_str()), (2, Some("commandLine")), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_vm_of_a_fleet_that_is_larger_than_an_answer_is_listed_once() {
    const VMS: usize = 1201;
    let world = World::with_fleet(&format!("generate = {{ vms = {VMS}, subscriptions = 4, tenants = 1 }}\n")).await;
    let ended = world.run(&["list", "", "--json"]).await;
    let ids: std::collections::HashSet<String> = of_kind(&ended, "vm").iter().map(|vm| vm["vm"].to_string()).collect();
    assert_eq!((ended.code, of_kind(&ended, "vm").len(), ids.len()), (0, VMS, VMS), "{}", ended.stderr);
    assert_eq!(queries(&world).await, VMS.div_ceil(1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_finds_what_has_it_and_says_what_runs_there_where_the_vm_is_seen() {
    let world = world().await;
    let (desk, web) = (world.vm("build-win-02").clone(), world.vm("web-01").clone());
    let found = world.run(&["list", &desk.id, "--json"]).await;
    assert_eq!(of_kind(&found, "vm").iter().map(|vm| &vm["vmName"]).collect::<Vec<_>>(), ["build-win-02"]);
    let found = world.run(&["list", &desk.subscription_id, "--json"]).await;
    assert!(of_kind(&found, "vm").len() > 1 && !of_kind(&found, "favourite").is_empty(), "{found:?}");

    let added = world.run(&["add", "desk", "--vm", &desk.id]).await;
    assert_eq!((added.code, added.stderr.as_str()), (0, ""), "{added:?}");
    let shown = world.run(&["show", "desk"]).await.stdout;
    assert!(shown.contains("RDP") && shown.contains("3389"), "{shown}");
    let unseen = desk.id.replace("build-win-02", "gone-01");
    let added = world.run(&["add", "gone", "--vm", &unseen]).await;
    assert!(added.code == 0 && added.stderr.contains("What runs on it is not known"), "{added:?}");

    let ended = world.run(&["connect", &web.id, "--no-launch"]).await;
    assert!(ended.code == 0 && ended.stderr.contains("That is the VM of my-web-01."), "{ended:?}");
    let ended = world.run(&["connect", &unseen.replace("gone-01", "gone-02"), "--no-launch"]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_resource_graph_is_denied_addresses_come_by_lists_and_what_may_not_be_listed_keeps_its_age() {
    let world = world().await;
    world.run(&["list", "web", "--refresh"]).await;
    let address = world.vm("web-01").public_ip.clone().expect("it has an address");
    world.control().fault("POST", RESOURCE_GRAPH, json!({ "fault": "forbidden", "times": null })).await;
    let by_lists = world.run(&["list", "web-01", "--refresh"]).await;
    assert!(by_lists.stdout.contains(&address) && by_lists.stderr.lines().count() <= 2, "{by_lists:?}");
    world.control().fault("GET", "/networkInterfaces", json!({ "fault": "forbidden", "times": null })).await;
    let kept = world.run(&["list", "web-01", "--refresh"]).await;
    assert!(kept.stdout.contains(&address) && kept.stdout.contains(" ago)"), "{kept:?}");
    assert!(
        kept.stderr.contains("The addresses of some VMs could not be read")
            && kept.stderr.contains("networkInterfaces/read"),
        "{kept:?}"
    );
}
