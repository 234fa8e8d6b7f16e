//! Every other way an attempt can end: with its own words and exit code, and nothing half done.

use azure_sim::Options;
use serde_json::{Value, json};

use crate::world::{Ended, Request, World};

/// Runs `connect --json --no-launch` and returns how it ended.
async fn connect(world: &World, name: &str, more: &[&str]) -> Ended {
    let mut args = vec!["connect", name, "--no-launch", "--json"];
    args.extend(more);
    world.run(&args).await
}

#[track_caller]
fn assert_failed(ended: &Ended, code: &str, exit: i32, title: &str) {
    let event = ended.last_event();
    assert_eq!((event["event"].as_str(), event["code"].as_str()), (Some("failed"), Some(code)), "{event}");
    assert_eq!(ended.code, exit, "{event}");
    assert_eq!(event["title"], title);
    for part in ["title", "message", "action"] {
        let text = in_one_line(event[part].as_str().expect("words"));
        assert!(!text.is_empty() && in_one_line(&ended.stderr).contains(&text), "people read it too: {}", ended.stderr);
    }
}

/// A text without the breaks and columns that it is shown in.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_address_in_dispute_stops_before_anything_is_changed_and_can_be_chosen() {
    let world = World::new().await;
    world.control().fault("GET", "/_ip/1", json!({ "fault": "otherAddress", "times": null })).await;
    world.control().fault("GET", "/_ip/2", json!({ "fault": "html", "times": null })).await;
    let ended = connect(&world, "web-01", &[]).await;
    assert_failed(&ended, "sourceUncertain", 1, "It is not certain which address you have on the internet.");
    let seen = ended.last_event()["choices"].as_array().expect("choices").len();
    assert!(seen >= 2, "{}", ended.stdout);
    assert_eq!(world.control().changes().await, Vec::<String>::new(), "nothing was opened, nothing started");

    let chosen = connect(&world, "web-01", &["--source", "203.0.113.24"]).await;
    assert_eq!(chosen.last_event()["event"], "connected", "{}", chosen.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_outside_the_policy_is_refused_without_asking_azure() {
    let world = World::new().await;
    let ended = connect(&world, "web-01", &["--port", "8443"]).await;
    assert_failed(&ended, "notInPolicy", 4, "The just-in-time policy of web-01 does not cover port 8443.");
    assert_eq!(world.control().changes().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_without_a_policy_says_so() {
    let world = World::new().await;
    let ended = connect(&world, "legacy-box", &[]).await;
    assert_failed(&ended, "noPolicy", 4, "legacy-box has no just-in-time policy.");
    assert_eq!(world.control().changes().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_start_names_the_missing_right() {
    let world = World::new().await;
    world
        .control()
        .post("rights", json!({ "action": "Microsoft.Compute/virtualMachines/start/action", "allowed": false }))
        .await;
    let ended = connect(&world, "web-01", &[]).await;
    assert_failed(&ended, "accessDenied", 4, "Your account may not start web-01.");
    let message = ended.last_event()["message"].to_string();
    assert!(message.contains("Microsoft.Compute/virtualMachines/start/action"), "{message}");
    assert!(!world.control().changes().await.contains(&"start".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_refusals_have_words_of_their_own() {
    let world = World::new().await;
    let locked = connect(&world, "locked-01", &[]).await;
    assert_failed(&locked, "accessDenied", 4, "Your account may see locked-01 but not request access to it.");
    world.control().forget_journal().await;
    let capacity = connect(&world, "capacity-01", &[]).await;
    assert_failed(&capacity, "allocationFailed", 1, "Azure has no room to start capacity-01 right now.");
    says_what_stays_open(&world, &capacity).await;
    world.control().forget_journal().await;
    let private = connect(&world, "private-only", &[]).await;
    assert_failed(&private, "noPublicAddress", 1, "private-only has no public address.");
    says_what_stays_open(&world, &private).await;
    let unknown = connect(&world, "web-99", &[]).await;
    assert_failed(&unknown, "unknownFavourite", 2, "There is no favourite called “web-99”.");
}

/// What Azure opened before the failure stays open, and the words say until when; it was not opened, and they don't.
async fn says_what_stays_open(world: &World, ended: &Ended) {
    let opened = world.control().changes().await.contains(&"initiate".to_owned());
    let message = ended.last_event()["message"].to_string();
    assert_eq!(message.contains("Azure keeps the port open until"), opened, "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_account_the_exit_code_says_not_signed_in() {
    let world = World::new().await;
    let mut command = world.ajar(&["connect", "web-01", "--no-launch", "--json"]);
    command.env("AZURE_CLIENT_SECRET", "wrong");
    let ended = Ended::of(command.spawn().expect("ajar starts")).await;
    assert_failed(&ended, "principalRefused", 3, "Azure refuses the account that the AZURE_ variables name.");
    let action = ended.last_event()["action"].as_str().map(ToOwned::to_owned).unwrap_or_default();
    assert!(action.starts_with("Correct AZURE_CLIENT_SECRET") && !action.contains("az login"), "{action}");
    assert!(!ended.stdout.contains("wrong") && !ended.stderr.contains("wrong"), "the secret is not repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_in_the_environment_signs_in_or_is_told_to_be_none() {
    let world = World::new().await;
    let certificate = world.simulator.announce().client_certificate.display().to_string();
    let connect = async |path: &str| {
        let mut command = world.ajar(&["connect", "web-01", "--no-launch", "--json"]);
        command.env_remove("AZURE_CLIENT_SECRET").env("AZURE_CLIENT_CERTIFICATE_PATH", path);
        Ended::of(command.spawn().expect("ajar starts")).await
    };
    let without = connect(&world.simulator.announce().ca_bundle.display().to_string()).await;
    assert_failed(&without, "certificateUnfit", 3, "The certificate to sign in with cannot be used.");
    assert_eq!(world.control().changes().await, Vec::<String>::new());
    let with = connect(&certificate).await;
    assert_eq!(with.code, 0, "{}", with.stderr);
    assert_eq!(with.last_event()["event"], "connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_for_a_vm_that_opens_with_remote_desktop_is_refused_before_azure_is_asked() {
    let world = World::new().await;
    let ended = world.run(&["connect", "build-win-02", "--", "hostname"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{}", ended.stderr);
    let told = "build-win-02 opens with Remote Desktop, which runs no commands.";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    let asked: Vec<String> = world.control().journal().await.into_iter().map(|request| request.path).collect();
    assert_eq!(asked, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_is_looked_for_and_not_asked_for_twice() {
    let world = World::new().await;
    world.control().fault("POST", "*/initiate", json!({ "fault": "resetAfter", "times": 1 })).await;
    let ended = connect(&world, "jump-eu", &[]).await;
    assert_eq!(ended.last_event()["event"], "connected", "{}", ended.stderr);
    assert_eq!(world.control().requests("/initiate").await.len(), 1);
}

/// The VM has to be started, so that for half a minute nothing but the policy could tell, and that is as late.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_answer_got_lost_is_not_sent_again_however_late_azure_shows_it() {
    let lost = json!({ "fault": "resetAfter", "times": 1 });
    let broken = json!({ "fault": "internal", "applied": true, "times": null });
    let opened = async |fault: Value| {
        let world = World::with(Options { speed: 2.0, ..Options::default() }).await;
        world.control().post("switches", json!({ "policyLag": "minute" })).await;
        world.control().fault("POST", "*/initiate", fault).await;
        let ended = world.run(&["connect", "web-01", "--no-launch"]).await;
        (world.control().requests("/initiate").await, ended)
    };
    for (asked, ended) in <[_; 2]>::from(tokio::join!(opened(lost), opened(broken))) {
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert!(asked[0].applied_at.is_some(), "{asked:?}");
        let told = in_one_line(&ended.stderr);
        assert!(told.contains("● Looking for the request no clear answer; Azure may show it late"), "{told}");
        assert!(!told.contains("already"), "Ajar opened it: {told}");
    }
}

/// gpu-lab is open to everybody, but where it is has to be read first: by then the request is on its way.
#[tokio::test(flavor = "multi_thread")]
async fn a_vm_found_open_while_access_is_requested_is_not_said_to_have_needed_none() {
    let slow_to_answer = async || {
        let world = World::new().await;
        world.control().fault("GET", "*/gpu-lab", json!({ "fault": "slow", "seconds": 4, "times": 1 })).await;
        world.control().fault("POST", "*/initiate", json!({ "fault": "slow", "seconds": 3600, "times": 1 })).await;
        world
    };
    let world = slow_to_answer().await;
    let ended = world.run(&["connect", "gpu-lab", "--no-launch"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(world.control().changes().await, ["initiate"], "Azure was asked, and granted it");
    for said in [
        "Access requested Azure had not answered yet",
        "The port answered while access was being requested. What Azure grants shows among the open windows.",
        "gpu-lab is open; Azure’s answer to the request for access is not there yet.",
    ] {
        assert!(in_one_line(&ended.stderr).contains(said), "{}", ended.stderr);
    }

    let world = slow_to_answer().await;
    let ended = connect(&world, "gpu-lab", &[]).await;
    let event = ended.last_event();
    assert_eq!(world.control().changes().await, ["initiate"], "Azure was asked, and granted it");
    let steps = event["steps"].as_array().expect("steps");
    let access = steps.iter().find(|step| step["step"] == "access").expect("access");
    assert_eq!(
        (&event["event"], &event["window"], &access["status"]),
        (&json!("connected"), &Value::Null, &json!("done"))
    );
    assert!(access["startedMs"].as_u64() < access["endedMs"].as_u64(), "{access}");
    assert!(event["notes"].to_string().contains("while access was being requested"), "{event}");
}

/// Where the address is known already, nothing is asked for, and that is what is said.
#[tokio::test(flavor = "multi_thread")]
async fn a_vm_known_to_be_open_is_said_to_have_needed_no_request_and_none_was_made() {
    let world = World::new().await;
    assert_eq!(world.run(&["connect", "gpu-lab", "--no-launch"]).await.code, 0);
    // As after the window's end: its address is known, and no window is.
    let state_file = world.folder.path().join("state.json");
    let mut state: Value = serde_json::from_slice(&std::fs::read(&state_file).expect("a state")).expect("JSON");
    state["granted"] = json!({});
    std::fs::write(&state_file, state.to_string()).expect("written");
    world.control().post("advance", json!({ "seconds": 3 * 3600 })).await;
    world.control().forget_journal().await;
    let ended = world.run(&["connect", "gpu-lab", "--no-launch"]).await;
    assert!(ended.stderr.contains("gpu-lab was open already; no access had to be requested."), "{}", ended.stderr);
    assert_eq!(world.control().changes().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_wish_than_the_policy_allows_is_cut_and_said_so() {
    let world = World::new().await;
    let ended = connect(&world, "web-01", &["--for", "12h"]).await;
    let event = ended.last_event();
    assert_eq!(event["event"], "connected", "{}", ended.stderr);
    let note = event["notes"][0].as_str().expect("a note");
    assert!(note.contains("3 hours"), "{note}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wrong_clock_among_azures_answers_has_nothing_asked_for_anew() {
    let world = World::new().await;
    let wrong = json!({ "match": { "route": "Operations_Get" }, "fault": "clockSkew", "minutes": 100, "times": 1 });
    world.control().post("faults", wrong).await;
    let ended = connect(&world, "web-01", &["--for", "30m"]).await;
    let event = ended.last_event();
    assert_eq!(event["event"], "connected", "{}", ended.stderr);
    assert_eq!(world.control().requests("/initiate").await.len(), 1);
    let end: chrono::DateTime<chrono::Utc> =
        event["window"]["endTimeUtc"].as_str().expect("an end").parse().expect("a time");
    assert!(end - chrono::Utc::now() <= chrono::TimeDelta::minutes(30), "{event}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_open_to_all_is_not_said_to_close_with_another_ports_window() {
    let fleet = "[[subscriptions]]\nid = \"5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f0aa\"\nname = \"Real\"\n\
                 [[vms]]\nname = \"multi\"\nresource_group = \"rg\"\nlocation = \"westeurope\"\nos = \"Linux\"\n\
                 power = \"running\"\npolicy = \"default\"\n\
                 ports = [{ number = 22, jit = {} }, { number = 8022, open = true, service = \"ssh\" }]\n";
    let world = World::with_fleet(fleet).await;
    let first = world.run(&["connect", "multi", "--no-launch"]).await;
    assert!(first.stderr.contains("multi is open to new connections until"), "{}", first.stderr);
    let second = world.run(&["connect", "multi", "--port", "8022", "--no-launch"]).await;
    assert!(second.stderr.contains("multi was open already"), "{}", second.stderr);
}

#[tokio::test]
async fn a_subscription_that_azure_asks_to_leave_alone_is_left_alone_by_the_next_command_too() {
    let world = World::new().await;
    let of = |name| world.vm(name).id.split('/').nth(2).expect("a subscription").to_owned();
    assert_ne!(of("web-01"), of("finance-app"));
    let throttle = json!({ "fault": "throttle", "retryAfter": 300, "times": 1 });
    world.control().fault("GET", "*/virtualMachines/web-01", throttle).await;
    let connect = ["connect", "web-01", "--no-launch", "--json", "--source", "203.0.113.24"];
    let first = world.run(&connect).await.last_event();
    assert_eq!(first["code"], "throttled", "{first}");
    world.control().forget_journal().await;
    let second = world.run(&connect).await.last_event();
    assert_eq!((&second["code"], &second["message"]), (&first["code"], &first["message"]));
    let is_asked = |request: &Request| request.path.contains(&of("web-01"));
    assert!(!world.control().journal().await.iter().any(is_asked));
    let mut another = world.ajar(&connect);
    another.env("AZURE_CLIENT_ID", "5b9c2a30-0000-4000-8000-000000000000");
    let another = Ended::of(another.spawn().expect("ajar starts")).await.last_event();
    assert_eq!(another["code"], "principalRefused", "who asks under the same name may be another: {another}");
    let others = world.run(&["connect", "finance-app", "--no-launch", "--json", "--source", "203.0.113.24"]).await;
    assert_ne!(others.last_event()["code"], "throttled", "another subscription is asked");
    assert!(world.control().journal().await.iter().any(|request| request.path.contains(&of("finance-app"))));
}
