//! Favourites that act as whoever is signed in to the Azure CLI. What stands in for it is a script.

use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::click_to_client::stand_in;
use crate::world::{Ended, LIMIT, World, ajar};

/// An Azure CLI, in a folder of its own.
pub(crate) struct Az {
    folder: tempfile::TempDir,
}

impl Az {
    /// One that does so, in the words of a shell.
    pub(crate) fn that(does: &str) -> Self {
        let az = Self { folder: tempfile::tempdir().expect("a folder") };
        std::fs::rename(stand_in(az.folder.path(), does), az.folder.path().join("az")).expect("it can be named");
        az
    }

    /// Where it lies, as `az`.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The same program with this Azure CLI, and no other, in its path.
    pub(crate) fn found_by(&self, mut command: Command) -> Command {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(self.folder.path().to_owned()).chain(std::env::split_paths(&paths));
        command.env("PATH", std::env::join_paths(paths).expect("a path"));
        command
    }
}

/// Beside the simulator's own application there is Grace, who may as much.
const FLEET: &str = r#"
[[subscriptions]]
id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f0aa"
name = "Real"

[[accounts]]
name = "grace"
kind = "servicePrincipal"
client_id = "5b9c2a30-0000-4000-a000-000000000001"
secret = "open-sesame"

[[vms]]
name = "web-01"
resource_group = "rg"
location = "westeurope"
os = "Linux"
power = "running"
policy = "default"
ports = [{ number = 22, jit = {} }]

[[vms]]
name = "web-02"
resource_group = "rg"
location = "westeurope"
os = "Linux"
power = "running"
policy = "default"
ports = [{ number = 22, jit = {} }]
"#;

/// What `az` says of a token of that application.
async fn token(world: &World, client_id: &str, secret: &str) -> String {
    let announced = world.simulator.announce();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", secret),
        ("scope", "https://management.azure.com/.default"),
    ];
    let url = format!("{}/{}/oauth2/v2.0/token", announced.authority, announced.tenant_id);
    let answer = world.control().http().post(url).form(&form).send().await.expect("Entra answers");
    let answer: Value = answer.json().await.expect("a token");
    json!({ "accessToken": answer["access_token"], "expires_on": 4_102_444_800_u32, "tokenType": "Bearer" }).to_string()
}

/// A world in which Ada and Grace may sign in to `az`, and their tokens.
async fn with_two() -> (World, String, String) {
    let world = World::with_fleet(FLEET).await;
    let announced = world.simulator.announce();
    let ada = token(&world, &announced.client_id.to_string(), &announced.client_secret).await;
    let grace = token(&world, "5b9c2a30-0000-4000-a000-000000000001", "open-sesame").await;
    (world, ada, grace)
}

/// Azure has one who asks for web-01 wait.
async fn throttle(world: &World) {
    let throttle = json!({ "fault": "throttle", "retryAfter": 300, "times": 1 });
    world.control().fault("GET", "*/virtualMachines/web-01", throttle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_azure_asks_to_wait_waits_and_who_is_signed_in_to_az_after_them_does_not() {
    let (world, ada, grace) = with_two().await;
    let signed_in = world.folder.path().join("who-is-signed-in");
    let az = Az::that(&format!("cat '{}'", signed_in.display()));
    let connect = async |token: &str, vm: &str| {
        std::fs::write(&signed_in, token).expect("it can be written");
        let args = ["connect", vm, "--no-launch", "--json", "--source", "203.0.113.24"];
        Ended::of(az.found_by(ajar(world.folder.path(), &args)).spawn().expect("ajar starts")).await.last_event()
    };
    throttle(&world).await;
    let told = connect(&ada, "web-01").await;
    assert_eq!(told["code"], "throttled", "{told}");
    let waits = async || {
        world.control().forget_journal().await;
        let again = connect(&ada, "web-01").await;
        assert_eq!((&again["code"], &again["message"]), (&told["code"], &told["message"]), "{again}");
        assert!(world.control().requests("/virtualMachines/web-01").await.is_empty());
    };
    waits().await;
    let other = connect(&grace, "web-02").await;
    assert_eq!(other["event"], "connected", "another VM of the subscription: {other}");
    waits().await;
    let other = connect(&grace, "web-01").await;
    assert_eq!(other["event"], "connected", "{other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ajar_that_runs_hears_at_once_of_who_signs_in_to_az_instead() {
    let (world, ada, grace) = with_two().await;
    // As az does it, whoever is signed in stands in its profile.
    let profile = world.folder.path().join("azureProfile.json");
    let az = Az::that(&format!("cat '{}'", profile.display()));
    let sign_in = |token: &str| std::fs::write(&profile, token).expect("it can be written");
    sign_in(&ada);
    let mut host = az.found_by(ajar(world.folder.path(), &["status", "--watch"]));
    let mut host = host.env("AZURE_CONFIG_DIR", world.folder.path()).spawn().expect("ajar starts");
    let mut lines = BufReader::new(host.stdout.take().expect("piped")).lines();
    let first = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("in time").expect("read");
    assert_eq!(first.as_deref(), Some("Nothing is open."));

    let connect = async || {
        let args = ["connect", "web-01", "--no-launch", "--json", "--source", "203.0.113.24"];
        Ended::of(ajar(world.folder.path(), &args).spawn().expect("ajar starts")).await.last_event()
    };
    throttle(&world).await;
    for _ in 0..2 {
        let told = connect().await;
        assert_eq!(told["code"], "throttled", "{told}");
    }
    sign_in(&grace);
    let told = connect().await;
    assert_eq!(told["event"], "connected", "nobody has asked Grace to wait: {told}");
}

/// What `ajar status` says with that Azure CLI.
async fn status(folder: &Path, az: &Az) -> Value {
    let status = az.found_by(ajar(folder, &["status", "--json"])).spawn().expect("ajar starts");
    serde_json::from_str(&Ended::of(status).await.stdout).expect("one JSON value")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_azure_cli_that_lacks_something_itself_is_not_told_to_be_missing() {
    let world = World::with_fleet(FLEET).await;
    let broken = Az::that("echo \"/usr/bin/env: 'python3': No such file or directory\" >&2; exit 127");
    let told = status(world.folder.path(), &broken).await;
    assert_eq!(told["code"], "tokenToolFailed", "{told}");
    let message = told["message"].as_str().expect("words");
    assert!(message.contains("Azure CLI broke") && message.contains("'python3'"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_read_among_whatever_the_azure_cli_writes_around_it() {
    let world = World::with_fleet(FLEET).await;
    let token = token(&world, "5b9c2a30-0000-4000-a000-000000000001", "open-sesame").await;
    let az =
        Az::that(&format!("printf '\\357\\273\\277WARNING: old\\n'; echo '{token}'; echo 'A new version is there.'"));
    assert_eq!(status(world.folder.path(), &az).await, json!([]));
}
