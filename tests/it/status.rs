//! `ajar status`: what is open, and what Azure has closed, whoever hosts.

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::world::{LIMIT, World};

/// A watch, event by event.
struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn of(world: &World) -> Self {
        let mut child = world.ajar(&["status", "--watch", "--json"]).spawn().expect("ajar starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines }
    }

    async fn event(&mut self) -> Value {
        let line = tokio::time::timeout(LIMIT, self.lines.next_line()).await.expect("in time").expect("read");
        serde_json::from_str(&line.expect("an event")).expect("JSON")
    }
}

fn names(windows: &Value) -> Vec<&str> {
    windows.as_array().expect("windows").iter().map(|window| window["name"].as_str().expect("a name")).collect()
}

async fn opens(world: &World, name: &str) {
    let ended = world.run(&["connect", name, "--no-launch", "--json"]).await;
    assert_eq!(ended.last_event()["event"], "connected", "{}", ended.stderr);
}

/// A colleague with an account of their own: the managed identity.
struct Colleague<'a> {
    world: &'a World,
    token: String,
}

impl<'a> Colleague<'a> {
    async fn of(world: &'a World) -> Self {
        let announced = world.simulator.announce();
        let query = "?api-version=2019-08-01&resource=https://management.azure.com/";
        let asked = world.control().http().get(format!("{}{query}", announced.identity_endpoint));
        let answer = asked.header("X-IDENTITY-HEADER", &announced.identity_header).send().await.expect("an answer");
        let body: Value = answer.json().await.expect("JSON");
        Self { world, token: body["access_token"].as_str().expect("a token").to_owned() }
    }

    async fn asks(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}?api-version=2020-01-01", self.world.simulator.announce().resource_manager);
        let request = self.world.control().http().request(method, url).bearer_auth(&self.token);
        let request = body.iter().fold(request, reqwest::RequestBuilder::json);
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a text");
        assert!(status.is_success(), "{status}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// The JIT policy of a VM.
    fn policy(&self, name: &str) -> String {
        let vm = self.world.vm(name);
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Security/locations/{}/jitNetworkAccessPolicies/{}",
            vm.subscription_id,
            vm.resource_group,
            vm.location,
            vm.jit_policy.as_deref().expect("a policy")
        )
    }
}

/// What others do to a window of ours, and what is said of it.
#[derive(Clone, Copy, Debug)]
enum End {
    NewerRequest,
    PolicyWithoutThePort,
}

impl End {
    async fn comes(self, colleague: &Colleague<'_>, vm: &str) {
        let policy = colleague.policy(vm);
        match self {
            Self::NewerRequest => {
                let port = json!({
                    "number": 22,
                    "endTimeUtc": Utc::now() + TimeDelta::hours(1),
                    "allowedSourceAddressPrefix": "198.51.100.77",
                });
                let body = json!({ "virtualMachines": [{ "id": colleague.world.vm(vm).id, "ports": [port] }] });
                colleague.asks(Method::POST, &format!("{policy}/initiate"), Some(body)).await;
            }
            Self::PolicyWithoutThePort => {
                colleague.world.control().post("rights", json!({ "action": "*", "allowed": true })).await;
                let mut changed = colleague.asks(Method::GET, &policy, None).await;
                let machines = changed["properties"]["virtualMachines"].as_array_mut().expect("machines");
                let id = colleague.world.vm(vm).id.clone();
                machines.retain(|machine| !machine["id"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(&id)));
                colleague.asks(Method::PUT, &policy, Some(changed)).await;
            }
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::NewerRequest => "a newer request for the port took its place",
            Self::PolicyWithoutThePort => "somebody took the request back",
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_azure_closes_before_its_time_is_told_with_the_reason_until_it_is_opened_again() {
    for end in [End::NewerRequest, End::PolicyWithoutThePort] {
        let world = World::new().await;
        let mut host = Watch::of(&world);
        assert_eq!(host.event().await["windows"], json!([]));
        opens(&world, "web-01").await;
        let opened = host.event().await;
        assert_eq!((names(&opened["windows"]), &opened["windows"][0]["closed"]), (vec!["web-01"], &Value::Null));
        end.comes(&Colleague::of(&world).await, "web-01").await;

        for _ in 0..2 {
            let told = world.run(&["status", "--json"]).await;
            let windows: Value = serde_json::from_str(&told.stdout).expect("JSON");
            let closed: Vec<_> =
                windows.as_array().expect("windows").iter().filter(|window| !window["closed"].is_null()).collect();
            assert_eq!(closed.len(), 1, "{end:?}: {windows}");
            assert!(closed[0]["closed"].as_str().is_some_and(|text| text.contains(end.reason())), "{windows}");
            assert_eq!((&closed[0]["name"], &closed[0]["port"]), (&json!("web-01"), &json!(22)));
            assert_eq!(closed[0]["vm"], opened["windows"][0]["vm"]);
            assert_eq!(closed[0]["endTimeUtc"], opened["windows"][0]["endTimeUtc"]);
            let plain = world.run(&["status"]).await.stdout;
            let said = plain.lines().find(|line| line.starts_with("web-01: It was to be open until"));
            assert!(said.is_some_and(|line| line.contains(end.reason())), "{plain}");
        }
        let event = host.event().await;
        let told = event["windows"].as_array().expect("windows").iter().any(|window| window["closed"].is_string());
        assert!(told, "{event}");

        if matches!(end, End::NewerRequest) {
            opens(&world, "web-01").await;
            let windows = world.run(&["status", "--json"]).await.stdout;
            let windows: Value = serde_json::from_str(&windows).expect("JSON");
            let closed = windows.as_array().expect("windows").iter().any(|window| window["closed"].is_string());
            assert!(!closed, "it is open again: {windows}");
        }
        host.child.kill().await.expect("the host can be ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_becomes_the_host_looks_for_itself_and_never_says_that_nothing_is_open() {
    let world = World::new().await;
    let mut host = Watch::of(&world);
    assert_eq!(host.event().await["windows"], json!([]));
    let mut other = Watch::of(&world);
    assert_eq!(other.event().await["windows"], json!([]));
    opens(&world, "web-01").await;
    assert_eq!(names(&other.event().await["windows"]), ["web-01"]);
    host.child.kill().await.expect("the host can be killed");

    opens(&world, "jump-eu").await;
    let event = other.event().await;
    assert_eq!(names(&event["windows"]), ["web-01", "jump-eu"], "what was open is found before anything is said");
    other.child.kill().await.expect("it can be ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_favourite_that_cannot_be_read_is_told_of_and_fails_the_status_only_where_nothing_can() {
    let world = World::new().await;
    let lost = format!("[profiles.lost]\nvm = \"{}\"\naccount = \"nobody\"\n", world.vm("web-01").id);
    world.write_settings(&lost);
    let told = world.run(&["status"]).await;
    assert_eq!((told.code, told.stdout.trim_end()), (0, "Nothing is known to be open."), "{}", told.stderr);
    assert!(told.stderr.contains("nobody"), "{}", told.stderr);

    let file = world.folder.path().join("config.toml");
    let settings = std::fs::read_to_string(&file).expect("config.toml");
    let (clouds, _) = settings.split_once("[profiles.").expect("favourites");
    std::fs::write(&file, format!("{clouds}{lost}")).expect("config.toml");
    let told = world.run(&["status"]).await;
    assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{}", told.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_edited_by_hand_is_seen_by_the_next_command_whoever_hosts() {
    let world = World::new().await;
    let mut host = Watch::of(&world);
    host.event().await;
    world.write_settings(&format!("[profiles.by-hand]\nvm = \"{}\"\n", world.vm("web-01").id));
    let listed = world.run(&["list", "by-hand", "--json"]).await;
    assert!(listed.stdout.contains("by-hand"), "{listed:?}");
    let shown = world.run(&["show", "by-hand"]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    // As editors do: in one step. Who empties a file first has no favourites for a moment.
    let settings = world.folder.path().join("config.toml");
    let broken = std::fs::read_to_string(&settings).expect("it is there") + "[profiles";
    std::fs::write(settings.with_extension("new"), broken).expect("it can be written");
    std::fs::rename(settings.with_extension("new"), &settings).expect("it can be replaced");
    let problem = host.event().await;
    assert_eq!(problem["problem"]["code"], "settings", "who watches is told: {problem}");
    // What was read before stays in force for those who only use it.
    for used in [
        &["list"][..],
        &["connect", "web-01", "--no-launch"],
        &["extend", "web-01", "--for", "30m"],
        &["status"],
        &["show", "by-hand"],
        &["export"],
        &["accounts"],
        &["team", "list"],
        &["stop", "web-01"],
    ] {
        let run = world.run(used).await;
        assert!(run.code == 0 && run.stderr.contains("config.toml"), "{used:?}: {run:?}");
    }
    let changed = world.run(&["edit", "by-hand", "--note", "x"]).await;
    assert!(changed.code == 1 && changed.stderr.contains("config.toml"), "{changed:?}");
    drop(host);
    world.write_settings("");
    let settings = std::fs::read_to_string(world.folder.path().join("config.toml")).expect("it is there");
    std::fs::write(
        world.folder.path().join("config.toml"),
        settings.replace("schema_version = 2", "schema_version = 9"),
    )
    .expect("it can be written");
    for shown in [&["list"][..], &["show", "web-01"], &["status"]] {
        let run = world.run(shown).await;
        assert!(run.code == 0 && run.stderr.contains("is a newer Ajar’s"), "{shown:?}: {run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_ajar_has_started_says_for_how_long_it_runs_until_it_rests() {
    let world = World::new().await;
    let resting = world.simulator.announce().vms.iter().find(|vm| vm.name == "web-01").expect("a VM");
    assert_eq!(resting.power_state, "deallocated");
    let says = "web-01: running less than an hour, started by Ajar, at ";
    assert!(!world.run(&["status"]).await.stdout.contains(says));
    assert_eq!(world.run(&["connect", "web-01", "--no-launch"]).await.code, 0);
    let status = world.run(&["status"]).await.stdout;
    assert!(status.contains(says), "{status}");
    let show = world.run(&["show", "web-01", "--json"]).await.last_event();
    assert!(show["startedAt"].is_string(), "{show}");
    assert_eq!(world.run(&["stop", "web-01"]).await.code, 0);
    let status = world.run(&["status"]).await.stdout;
    assert!(!status.contains(says), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_is_told_that_a_vm_was_deallocated_whoever_asked_for_it() {
    let world = World::new().await;
    opens(&world, "web-01").await;
    let mut watch = Watch::of(&world);
    assert_eq!(watch.event().await["deallocations"], json!([]));
    assert_eq!(world.run(&["stop", "web-01"]).await.code, 0);
    let told = loop {
        let event = watch.event().await;
        if event["deallocations"] != json!([]) {
            break event;
        }
    };
    assert_eq!(told["deallocations"][0]["name"], "web-01", "{told}");
    watch.child.kill().await.expect("it can be ended");
}
