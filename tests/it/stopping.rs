//! `ajar stop`: VMs are deallocated, those that are named and no others.

use std::collections::BTreeSet;

use serde_json::json;

use crate::world::World;
#[cfg(unix)]
use crate::world::{Ended, interrupt};

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_is_deallocated_by_one_request_and_a_second_stop_asks_for_nothing() {
    let world = World::new().await;
    assert_eq!(world.run(&["connect", "web-01", "--no-launch"]).await.code, 0);
    assert!(world.is_open("web-01").await);
    let stopped = world.run(&["stop", "web-01"]).await;
    assert_eq!((stopped.code, stopped.stdout.as_str()), (0, ""), "{}", stopped.stderr);
    for part in ["Deallocating web-01", "web-01 is deallocated", "keeps its access window open until"] {
        assert!(stopped.stderr.contains(part), "{}", stopped.stderr);
    }
    assert!(!world.is_open("web-01").await, "the guest is gone");
    let again = world.run(&["stop", "web-01", "--json"]).await;
    let event = again.last_event();
    assert_eq!((again.code, again.events().len()), (0, 1), "{}", again.stderr);
    assert_eq!(
        (&event["event"], &event["name"], &event["already"]),
        (&json!("deallocated"), &json!("web-01"), &json!(true))
    );
    assert!(event["window"]["endTimeUtc"].is_string() || event["window"].is_null(), "{event}");
    assert_eq!(world.control().requests("/deallocate").await.len(), 1);
    let history = world.run(&["history"]).await.stdout;
    assert_eq!(history.matches("deallocated").count(), 1, "{history}");
    // It starts again as any VM that rests.
    assert_eq!(world.run(&["connect", "web-01", "--no-launch"]).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_looked_for_at_the_vm_and_no_vm_is_told_twice_at_once() {
    for (fault, most) in [("resetAfter", 1), ("internal", 2), ("reset", 2), ("html", 2)] {
        let world = World::new().await;
        world.control().fault("POST", "*/deallocate", json!({ "fault": fault })).await;
        let stopped = world.run(&["stop", "gpu-lab", "--json"]).await;
        assert_eq!(stopped.code, 0, "{fault}: {}", stopped.stderr);
        assert_eq!(stopped.last_event()["already"], json!(false), "{fault}");
        let posts = world.control().requests("/deallocate").await;
        let applied = posts.iter().filter(|request| request.applied_at.is_some()).count();
        assert!(posts.len() <= most && applied == 1, "{fault}: {posts:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_vm_from_being_deallocated_is_told_with_its_exit_code() {
    let world = World::new().await;
    world.control().post("rights", json!({
        "action": "Microsoft.Compute/virtualMachines/deallocate/action", "scope": world.vm("gpu-lab").id.split("/providers/").next(), "allowed": false
    })).await;
    let denied = world.run(&["stop", "gpu-lab", "--json"]).await;
    let event = denied.last_event();
    assert_eq!((denied.code, &event["code"], &event["name"]), (4, &json!("accessDenied"), &json!("gpu-lab")));
    assert!(denied.stderr.contains("may not deallocate gpu-lab"), "{}", denied.stderr);
    let unknown = world.run(&["stop", "gpu-la"]).await;
    assert_eq!(unknown.code, 2, "a beginning of a name is none: {}", unknown.stderr);
    assert_eq!(world.run(&["stop"]).await.code, 2);
    assert_eq!(world.run(&["history"]).await.stdout.matches("not deallocated: accessDenied").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_deallocated_side_by_side_and_each_has_its_own_end() {
    let world = World::new().await;
    for name in ["gpu-lab", "db-replica-3"] {
        assert_eq!(world.run(&["edit", name, "--folder", "Lab"]).await.code, 0);
    }
    world.control().fault("POST", "*/gpu-lab/deallocate", json!({ "fault": "forbidden" })).await;
    let stopped = world.run(&["stop", "--folder", "Lab", "--json"]).await;
    let ends: BTreeSet<_> = stopped
        .events()
        .into_iter()
        .map(|event| {
            (event["name"].as_str().expect("a name").to_owned(), event["event"].as_str().expect("an event").to_owned())
        })
        .collect();
    let expected = [("db-replica-3", "deallocated"), ("gpu-lab", "failed")];
    assert_eq!(ends, expected.map(|(name, event)| (name.to_owned(), event.to_owned())).into());
    assert_eq!(stopped.code, 4, "{}", stopped.stderr);
    let told = world.run(&["stop", "gpu-lab", "db-replica-3", "GPU-LAB"]).await;
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stderr.contains("db-replica-3 was deallocated already"), "{}", told.stderr);
    assert!(!world.is_open("gpu-lab").await);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn after_ctrl_c_azure_goes_on_with_what_it_has_begun_and_that_is_said() {
    let world = World::with(azure_sim::Options { speed: 1.0, ..azure_sim::Options::default() }).await;
    let stopping = world.ajar(&["stop", "gpu-lab"]).spawn().expect("ajar starts");
    world.control().applied("/deallocate").await;
    interrupt(&stopping);
    let left = Ended::of(stopping).await;
    assert_eq!(left.code, 130, "{}", left.stderr);
    assert!(left.stderr.contains("Azure goes on deallocating gpu-lab."), "{}", left.stderr);
    // Whoever looks next is told how it ended.
    world.control().post("advance", json!({ "seconds": 600 })).await;
    let status = world.run(&["stop", "gpu-lab", "--json"]).await;
    assert_eq!((status.code, &status.last_event()["already"]), (0, &json!(false)), "{}", status.stderr);
    assert_eq!(world.control().requests("/deallocate").await.len(), 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn when_the_host_is_killed_the_other_face_sees_it_through_without_a_second_request() {
    let world = World::with(azure_sim::Options { speed: 1.0, ..azure_sim::Options::default() }).await;
    let mut host = world.ajar(&["status", "--watch"]).spawn().expect("ajar starts");
    crate::world::until("there is a host", async || world.folder.path().join("engine.address").exists()).await;
    let stopping = world.ajar(&["stop", "gpu-lab", "--json"]).spawn().expect("ajar starts");
    world.control().applied("/deallocate").await;
    crate::world::until("it is under way", async || {
        world.run(&["list", "gpu-lab", "--json"]).await.stdout.contains("deallocating")
    })
    .await;
    host.kill().await.expect("the host can be killed");
    world.control().post("advance", json!({ "seconds": 600 })).await;
    let ended = Ended::of(stopping).await;
    assert_eq!((ended.code, &ended.last_event()["event"]), (0, &json!("deallocated")), "{}", ended.stderr);
    assert_eq!(world.control().requests("/deallocate").await.len(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_it_is_said_what_is_lost_and_asked_where_that_may_hit_somebody_else() {
    let world = World::new().await;
    let typed = async |args: &[&str], keys: &str| crate::terminal::at_a_terminal(&world.ajar(args), "dumb", keys).await;
    assert_eq!(world.run(&["edit", "gpu-lab", "--folder", "Lab"]).await.code, 0);
    // Enter alone is no, and a whole folder is asked about.
    for keys in ["\n", "n\n"] {
        let left = typed(&["stop", "--folder", "Lab"], keys).await;
        assert_eq!(left.code, 130, "{}", left.stdout);
        assert!(
            left.stdout.contains("memory and temporary disk are lost")
                && left.stdout.contains("Nothing was deallocated.")
        );
    }
    assert_eq!(world.control().requests("/deallocate").await.len(), 0);
    let named = typed(&["stop", "gpu-lab"], "").await;
    assert_eq!(named.code, 0, "who names it is not asked: {}", named.stdout);
    assert!(!named.stdout.contains("[y/N]"), "{}", named.stdout);
    // Nor is it gone on where nobody knows who has it open.
    for fault in
        [json!({ "fault": "forbidden", "times": null }), json!({ "fault": "slow", "seconds": 3600, "times": null })]
    {
        world.control().fault("GET", "*/jitNetworkAccessPolicies", fault).await;
        let left = typed(&["stop", "web-01"], "\n").await;
        assert_eq!(left.code, 130, "{}", left.stdout);
        assert!(left.stdout.contains("Whether somebody else has it open is not known."), "{}", left.stdout);
        assert!(left.stdout.contains("Deallocate it? [y/N]"), "{}", left.stdout);
        world.control().forget_faults().await;
    }
    assert_eq!(world.control().requests("/deallocate").await.len(), 1);
    let agreed = typed(&["stop", "--folder", "Lab", "--yes"], "").await;
    assert!(agreed.code == 0 && agreed.stdout.contains("was deallocated already"), "{}", agreed.stdout);
}
