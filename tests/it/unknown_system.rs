//! Favourites for which nobody says how they are opened, of VMs that nobody has looked at yet.

use serde_json::{Value, json};

#[cfg(target_os = "linux")]
use crate::terminal::at_a_terminal;
#[cfg(unix)]
use crate::world::until;
use crate::world::{Ended, World};

/// A world in which `desk` leads to a VM with Windows, and says nothing else but what `more` does.
async fn world(more: &str) -> World {
    let world = World::new().await;
    world.write_settings(&format!("[profiles.desk]\nvm = \"{}\"\n{more}", world.vm("build-win-02").id));
    world
}

async fn shown(world: &World) -> Value {
    let shown = world.run(&["show", "desk", "--json"]).await;
    let shown: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    json!([shown["protocol"], shown["port"]])
}

fn endpoint(ended: &Ended) -> Value {
    assert_eq!(ended.code, 0, "{} {}", ended.stdout, ended.stderr);
    ended.last_event()["endpoint"]["port"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_opening_goes_by_what_runs_there_and_the_next_knows_it() {
    let world = world("").await;
    assert_eq!(shown(&world).await, json!(["ssh", 22]), "nobody knows better");
    let opened = world.run(&["connect", "desk", "--no-launch", "--json"]).await;
    assert_eq!(endpoint(&opened), json!(3389));
    assert_eq!(world.control().requests("/initiate").await.len(), 1);
    assert_eq!(shown(&world).await, json!(["rdp", 3389]));
    let again = world.run(&["connect", "desk", "--no-launch", "--json"]).await;
    assert_eq!(endpoint(&again), json!(3389));
    assert_eq!(world.control().requests("/initiate").await.len(), 1, "the window is known");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_the_port_or_a_command_means_that() {
    let world = world("").await;
    for args in [&["connect", "desk", "--port", "22", "--no-launch"][..], &["connect", "desk", "--", "hostname"]] {
        let refused = world.run(args).await;
        assert!(refused.code != 0 && refused.stderr.contains("port 22"), "{} {}", refused.code, refused.stderr);
        std::fs::remove_file(world.folder.path().join("state.json")).expect("state.json");
    }
    assert!(world.control().requests("/initiate").await.is_empty());
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_its_client_gets_a_window_and_the_terminal_is_free() {
    let made = tempfile::tempdir().expect("a folder");
    let argument = format!("{}/{{host}}:{{port}}", made.path().display());
    let world = world(&format!("client = \"/usr/bin/touch\"\nclient_arguments = [\"{argument}\"]\n")).await;
    let ended = at_a_terminal(&world.ajar(&["connect", "desk"]), "xterm", "").await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert!(ended.stdout.contains("3389"), "{}", ended.stdout);
    let dial = world.vm("build-win-02").ports[0].dial.clone().expect("an address");
    until("the client has run", async || made.path().join(&dial).exists()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_at_the_port_of_what_runs_there() {
    let world = world("").await;
    let told = world.run(&["doctor", "desk", "--json"]).await;
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(told["port"], json!(3389), "{told}");
    assert_eq!(shown(&world).await, json!(["rdp", 3389]));
}
