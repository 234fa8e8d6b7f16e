//! A real `sshd` that shows another host key than the one that ssh knows for its VM.

use serde_json::{Value, json};

use crate::sshd::Sshd;
use crate::world::World;

/// A VM that was opened once, and whose key ssh knows.
async fn opened_once() -> (Sshd, World) {
    let sshd = Sshd::start().await;
    let world = sshd.behind_a_door().await;
    let opened = world.run(&["connect", "real", "--", "true"]).await;
    assert_eq!(opened.code, 0, "{}", opened.stderr);
    let doctor = world.run(&["doctor", "real"]).await;
    assert!(doctor.code == 0 && doctor.stdout.contains("the one that ssh knows for the VM"), "{}", doctor.stdout);
    (sshd, world)
}

async fn doctor(world: &World) -> Value {
    let told = world.run(&["doctor", "real", "--json"]).await;
    serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", told.stdout, told.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_vm_was_made_anew_its_new_key_is_told_to_be_expected_and_how_the_old_one_is_removed() {
    let (mut sshd, world) = opened_once().await;
    let vm = world.vm("real-01").id.clone();
    world.control().post("vms", json!({ "id": vm, "recreated": true })).await;
    sshd.with_another_host_key().await;
    let known = std::fs::read_to_string(sshd.known_hosts()).unwrap();

    let refused = world.run(&["connect", "real", "--", "true"]).await;
    assert_eq!(refused.code, 255, "{}", refused.stderr);
    for part in ["REMOTE HOST IDENTIFICATION HAS CHANGED", "Azure made this VM anew at", "ssh-keygen -R real-01.rg."] {
        assert!(refused.stderr.contains(part), "no {part}: {}", refused.stderr);
    }
    // A client in a window of its own would be gone with what it said: it is not started.
    let in_window = world.run(&["connect", "real", "--json"]).await;
    assert_eq!(
        (in_window.code, &in_window.last_event()["code"]),
        (1, &json!("hostKeyChanged")),
        "{}",
        in_window.stdout
    );
    assert_eq!(doctor(&world).await["failure"]["code"], "hostKeyChanged");
    assert_eq!(std::fs::read_to_string(sshd.known_hosts()).unwrap(), known, "nothing is removed by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_azure_knows_of_no_change_nobody_is_told_to_expect_one() {
    let (mut sshd, world) = opened_once().await;
    sshd.with_another_host_key().await;
    let refused = world.run(&["connect", "real", "--", "true"]).await;
    assert_eq!(refused.code, 255, "{}", refused.stderr);
    for part in ["Azure knows of no change", "Don’t sign in there"] {
        assert!(refused.stderr.contains(part), "no {part}: {}", refused.stderr);
    }
    assert!(!refused.stderr.contains("ssh-keygen -R real-01"), "{}", refused.stderr);
    let found = doctor(&world).await;
    let checks = found["checks"].as_array().unwrap();
    let host_key = checks.iter().find(|check| check["check"] == "hostKey").unwrap();
    assert_eq!(host_key["state"], "failed", "{found:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_key_on_the_way_through_a_bastion_host_is_told_too() {
    let mut sshd = Sshd::start().await;
    let world = sshd.behind_bastion().await;
    sshd.with_another_host_key().await;
    let refused = world.run(&["connect", "real", "--", "true"]).await;
    assert_eq!(refused.code, 255, "{}", refused.stderr);
    assert!(refused.stderr.contains("Azure made this VM on"), "{}", refused.stderr);
}
