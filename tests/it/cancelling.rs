//! Cancelling in each step: its own words, the exit code, what was changed in Azure, and that nothing is left half done.

use azure_sim::Options;
use chrono::{DateTime, Local, Utc};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::click_to_client::stand_in;
use crate::world::{Ended, LIMIT, World, interrupt, signal_group, until};

/// Where an attempt is cancelled.
struct Case {
    step: &'static str,
    vm: &'static str,
    speed: f64,
    /// The requests that are slow to be answered.
    slow: Option<(&'static str, &'static str)>,
    /// What has come by then: requests, and steps that are done.
    seen: &'static [&'static str],
    done: &'static [&'static str],
    /// What was changed in Azure, in any order.
    changed: &'static [&'static str],
    /// What is said to stay behind; `{end}` is the window's.
    stays: &'static str,
    /// How the favourite stands afterwards, and the steps whose telling says more than that they were skipped.
    state: &'static str,
    told: &'static [(&'static str, &'static str)],
}

const NOTHING: &str = "Nothing was opened and nothing was started.";
const OPEN: &str = "Azure keeps the port open until {end}.";

const CASES: [Case; 6] = [
    Case {
        step: "the address",
        vm: "web-01",
        speed: 60.0,
        slow: Some(("GET", "/_ip/")),
        seen: &["/_ip/3"],
        done: &["vm", "policy"],
        changed: &[],
        stays: NOTHING,
        state: "closed",
        told: &[],
    },
    Case {
        step: "the policy",
        vm: "web-01",
        speed: 60.0,
        slow: Some(("GET", "*/jitNetworkAccessPolicies")),
        seen: &["/jitNetworkAccessPolicies"],
        done: &["source", "vm"],
        changed: &[],
        stays: NOTHING,
        state: "closed",
        told: &[],
    },
    Case {
        step: "the VM",
        vm: "web-01",
        speed: 60.0,
        slow: Some(("GET", "*/web-01")),
        seen: &["/web-01"],
        done: &["access"],
        changed: &["initiate"],
        stays: OPEN,
        state: "open",
        told: &[("access", "done")],
    },
    Case {
        step: "the request",
        vm: "web-01",
        speed: 60.0,
        slow: Some(("POST", "*/initiate")),
        seen: &["/initiate", "/start"],
        done: &["policy"],
        changed: &["initiate", "start"],
        stays: "A request was on its way; Azure may still open the port for it. The VM was told to start and stays on.",
        state: "closed",
        told: &[("access", "done"), ("start", "done")],
    },
    Case {
        step: "the start",
        vm: "web-01",
        speed: 60.0,
        slow: Some(("POST", "*/start")),
        seen: &["/start"],
        done: &["access"],
        changed: &["initiate", "start"],
        stays: "Azure keeps the port open until {end}. The VM was told to start and stays on.",
        state: "open",
        told: &[("access", "done"), ("start", "done")],
    },
    // The rule takes hold five seconds after the grant at the soonest.
    Case {
        step: "the port",
        vm: "db-replica-3",
        speed: 1.0,
        slow: None,
        seen: &["/initiate"],
        done: &["access"],
        changed: &["initiate"],
        stays: OPEN,
        state: "open",
        told: &[("access", "done"), ("start", "skipped")],
    },
];

/// A `connect --json` that is followed line by line.
struct Attempt {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    events: Vec<Value>,
}

impl Attempt {
    fn of(world: &World, name: &str) -> Self {
        let mut child = world.ajar(&["connect", name, "--no-launch", "--json"]).spawn().expect("ajar starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines, events: Vec::new() }
    }

    /// The next event, if there is another.
    async fn next(&mut self) -> Option<&Value> {
        let line = tokio::time::timeout(LIMIT, self.lines.next_line()).await.expect("in time").expect("read")?;
        self.events.push(serde_json::from_str(&line).expect("JSON"));
        self.events.last()
    }

    fn status(&self, step: &str) -> Option<&str> {
        self.events.iter().rev().find(|event| event["step"] == step)?["status"].as_str()
    }

    async fn until_done(&mut self, steps: &[&str]) {
        while steps.iter().any(|step| self.status(step) != Some("done")) {
            self.next().await.expect("it goes on");
        }
    }

    /// Its exit code and its last event, which people have read too.
    async fn ended(&mut self) -> (i32, Value) {
        while self.next().await.is_some() {}
        let status = tokio::time::timeout(LIMIT, self.child.wait()).await.expect("in time").expect("it ends");
        (status.code().unwrap_or(-1), self.events.last().cloned().unwrap_or_default())
    }
}

/// A third process that hosts the engine, so that what an attempt leaves behind can be asked of it.
async fn host(world: &World) -> Child {
    let mut host = world.ajar(&["status", "--watch"]).spawn().expect("ajar starts");
    let mut lines = BufReader::new(host.stdout.as_mut().expect("piped")).lines();
    let first = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("in time").expect("read");
    assert_eq!(first.as_deref(), Some("Nothing is open."));
    host
}

async fn state_of(world: &World, name: &str) -> String {
    let listed = world.run(&["list", "--json"]).await;
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout).expect("JSON");
    let favourite = listed.iter().find(|favourite| favourite["name"] == name).expect("the favourite");
    favourite["state"].as_str().expect("a state").to_owned()
}

/// When the window of the fleet's only open VM ends, as people read it.
async fn end_of_window(world: &World) -> Option<String> {
    let status = world.run(&["status", "--json"]).await;
    let windows: Value = serde_json::from_str(&status.stdout).expect("JSON");
    let end: DateTime<Utc> = windows[0]["endTimeUtc"].as_str()?.parse().expect("a time");
    let end = end.with_timezone(&Local);
    let is_today = end.date_naive() == Local::now().date_naive();
    Some(end.format(if is_today { "%H:%M" } else { "%a %-d %b %H:%M" }).to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_in_each_step_has_its_own_words_and_leaves_nothing_half_done() {
    for (number, case) in CASES.iter().enumerate() {
        let Case { step, vm, .. } = case;
        let world = World::with(Options { speed: case.speed, ..Options::default() }).await;
        let mut host = host(&world).await;
        if let Some((method, path)) = case.slow {
            world.control().fault(method, path, json!({ "fault": "slow", "seconds": 3600, "times": null })).await;
        }
        let mut attempt = Attempt::of(&world, vm);
        for path in case.seen {
            world.control().seen(path).await;
        }
        attempt.until_done(case.done).await;
        assert_eq!(state_of(&world, vm).await, "connecting", "{step}");
        // By Ctrl+C where it was asked for, or from elsewhere: it is the same.
        if number % 2 == 0 {
            interrupt(&attempt.child);
        } else {
            assert_eq!(world.run(&["cancel", vm]).await.stdout, format!("Cancelled connecting to {vm}.\n"));
        }
        let (code, event) = attempt.ended().await;
        assert_eq!((code, &event["event"], &event["code"]), (130, &json!("failed"), &json!("cancelled")), "{step}");
        assert_eq!(state_of(&world, vm).await, case.state, "the host has let go of it, in {step}");
        world.control().forget_faults().await;
        let end = end_of_window(&world).await.unwrap_or_default();
        assert_eq!(event["title"], format!("Cancelled opening {vm}."), "{step}");
        assert_eq!(event["message"], case.stays.replace("{end}", &end), "{step}");
        assert_eq!(event["action"], "Connect again whenever you like.", "{step}");
        for (told, status) in case.told {
            assert_eq!(attempt.status(told), Some(*status), "{told} when cancelled in {step}: {:?}", attempt.events);
        }

        let mut changed = world.control().changes().await;
        changed.sort_unstable();
        assert_eq!(changed, case.changed, "{step}");

        // It can be opened at once, and what Azure has done already is not done again.
        let again = world.run(&["connect", vm, "--no-launch", "--json"]).await;
        assert_eq!(again.last_event()["event"], "connected", "after a cancel in {step}: {}", again.stderr);
        for once in ["initiate", "start"] {
            let all = world.control().changes().await;
            assert!(all.iter().filter(|change| *change == once).count() <= 1, "{all:?} after {step}");
        }
        host.kill().await.expect("the host can be ended");
    }
}

/// The client has the terminal: Ctrl+C is for both, as in a process group of their own.
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_while_the_client_comes_up_ends_it_and_says_what_stays_open() {
    let world = World::new().await;
    let mut host = host(&world).await;
    let note = world.folder.path().join("runs");
    let script = stand_in(world.folder.path(), &format!("touch '{}'\nexec sleep 1000", note.display()));
    world.write_settings(&format!("[clients]\nssh = \"{}\"\n", script.display()));
    let mut command = world.ajar(&["connect", "jump-eu", "--", "hostname"]);
    let child = command.process_group(0).spawn().expect("ajar starts");
    until("the client is started", async || note.exists()).await;
    signal_group(&child, "INT");
    let ended = Ended::of(child).await;
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    let end = end_of_window(&world).await.expect("it is open");
    let said = format!("● jump-eu is open to new connections until {end} (2:59 left).");
    assert_eq!(ended.stderr.lines().last(), Some(said.as_str()), "{}", ended.stderr);
    assert_eq!(world.control().changes().await, ["initiate"]);
    assert_eq!(state_of(&world, "jump-eu").await, "open");
    assert_eq!(world.run(&["cancel", "jump-eu"]).await.stdout, "Nothing is under way for jump-eu.\n");
    host.kill().await.expect("the host can be ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_favourite_that_is_removed_while_it_is_opened_ends_that_for_who_follows_and_its_window_stays() {
    for from_the_file in [false, true] {
        let world = World::new().await;
        let mut host = host(&world).await;
        world.control().fault("POST", "*/initiate", json!({ "fault": "slow", "seconds": 3600, "times": null })).await;
        let mut attempt = Attempt::of(&world, "web-01");
        world.control().seen("/initiate").await;
        world.control().seen("/start").await;
        if from_the_file {
            let path = world.folder.path().join("config.toml");
            let text = std::fs::read_to_string(&path).expect("config.toml");
            std::fs::write(&path, text.replace("[profiles.web-01]", "[profiles.another]").replace("/web-01\"", "/x\""))
                .expect("config.toml");
        } else {
            let removed = world.run(&["remove", "web-01"]).await;
            assert_eq!(removed.stdout, "Removed web-01. What Azure holds open stays open until its end.\n");
        }
        let status = world.run(&["status", "--json"]).await;
        let windows: Value = serde_json::from_str(&status.stdout).expect("JSON");
        assert_eq!((&windows[0]["name"], &windows[0]["openedBy"]), (&json!("web-01"), &Value::Null), "{windows}");

        let (code, event) = attempt.ended().await;
        assert_eq!((code, &event["code"]), (130, &json!("favouriteRemoved")), "{event}");
        assert_eq!(event["title"], "web-01 was removed from the favourites while it was being opened.");
        let stays =
            "A request was on its way; Azure may still open the port for it. The VM was told to start and stays on.";
        assert_eq!(event["message"], stays);
        assert_eq!(world.control().requests("/initiate").await.len(), 1);
        host.kill().await.expect("the host can be ended");
        let status = world.run(&["status", "--json"]).await;
        let windows: Value = serde_json::from_str(&status.stdout).expect("JSON");
        assert_eq!(windows[0]["name"], "web-01", "the next host finds it too: {windows}");
    }
}
