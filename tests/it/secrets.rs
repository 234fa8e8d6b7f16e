//! Nothing that `ajar` writes has a secret, a token or an answer's body in it: not what it says with `-vv`, and no file.

use std::path::{Path, PathBuf};

use azure_sim::AnnounceVm;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::world::{Ended, World, ajar};

/// What no answer's body may bring into the open.
const CANARY: &str = "canary-within-a-body";
/// What no secret may.
const WRONG_SECRET: &str = "canary~wrong~secret";
/// How SSH public keys begin. They are no secrets.
const PUBLIC_KEY: &str = "AAAAC3NzaC1lZDI1NTE5";
/// Client secrets of the simulator have 43 characters, the parts of tokens hundreds.
const SHORTEST: usize = 40;

/// A text that was written, by its place.
struct Written {
    place: String,
    text: String,
}

impl Written {
    /// The secrets in it; they are not repeated.
    fn leaks(&self, secrets: &[&str]) -> Vec<String> {
        let mut leaks = Vec::new();
        for secret in secrets.iter().filter(|secret| self.text.contains(**secret)) {
            let at = self.text.find(secret).map_or(0, |at| self.text[..at].lines().count());
            leaks.push(format!("{}, line {at}: secret of {} characters", self.place, secret.len()));
        }
        for (number, line) in self.text.lines().enumerate() {
            if line.contains("eyJ") || line.split(|c: char| !is_of_tokens(c)).any(is_random) {
                leaks.push(format!("{}, line {}: looks like a token or a secret", self.place, number + 1));
            }
        }
        leaks
    }
}

/// The alphabet of tokens and of the simulator's secrets.
fn is_of_tokens(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// Whether no person and no program would write a word like this one unless it were random or encoded.
fn is_random(word: &str) -> bool {
    let has = |class: fn(&char) -> bool| word.chars().any(|c| class(&c));
    word.len() >= SHORTEST
        && !word.starts_with(PUBLIC_KEY)
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_digit)
}

/// A user's home: every folder that the process is told to keep things in.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// Where temporary files go.
    fn temporary(&self) -> PathBuf {
        self.0.path().join("tmp")
    }

    /// The command with all that makes `ajar` talkative, and with this home.
    fn talkative(&self, mut command: Command) -> Command {
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
        ] {
            let folder = self.0.path().join(folder);
            std::fs::create_dir_all(&folder).expect("a folder");
            #[cfg(unix)]
            std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("private");
            command.env(name, folder);
        }
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
        command
    }
}

/// All files below a folder, as text.
fn files(folder: &Path) -> Vec<Written> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder that can be read").flatten() {
            let (path, kind) = (entry.path(), entry.file_type().expect("a kind of file"));
            if kind.is_dir() {
                folders.push(path);
            // Public keys of hosts, written by ssh, are as hard to read as a token.
            } else if kind.is_file() && path.file_name().is_some_and(|name| name != "known_hosts") {
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
                found.push(Written { place: path.display().to_string(), text });
            }
        }
    }
    found
}

fn said(ended: &Ended) -> [Written; 2] {
    let of = |place: &str, text: &String| Written { place: place.to_owned(), text: text.clone() };
    [of("standard output", &ended.stdout), of("standard error", &ended.stderr)]
}

/// What goes wrong, and where.
struct Case {
    name: &'static str,
    route: &'static str,
    fault: Value,
    /// The secret to sign in with, if not the right one.
    secret: Option<&'static str>,
}

fn case(name: &'static str, route: &'static str, fault: Value) -> Case {
    Case { name, route, fault, secret: None }
}

/// All but a claims challenge: its claims are told on purpose, for the sign-in that is to answer them, and look like a token.
fn cases() -> Vec<Case> {
    let (vm, policies) = ("VirtualMachines_Get", "JitNetworkAccessPolicies_List");
    let (initiate, token) = ("JitNetworkAccessPolicies_Initiate", "Entra_Token");
    let error =
        json!({ "error": { "code": "InternalServerError", "message": "It broke.", "trace": CANARY }, "seen": CANARY });
    let page = format!("<html><body>{CANARY}</body></html>");
    // Each JSON, and each in its own way not what was asked for: a parser's complaint quotes what it stumbles over.
    let wrong_type = json!({ "id": CANARY, "properties": CANARY, "value": CANARY, "virtualMachines": CANARY,
        "startTimeUtc": CANARY, "access_token": { CANARY: CANARY }, "expires_in": CANARY });
    let wrong_member =
        json!({ "id": { CANARY: CANARY }, "value": [{ "id": 7, "properties": CANARY }], "startTimeUtc": {} });
    let unquoted = format!("{{\"id\": {CANARY}}}");
    let half = format!("{{\"id\": \"{CANARY}");
    let said = |fault: &str, body: String| json!({ "fault": fault, "body": body, "times": null });
    vec![
        Case { name: "all is well", route: "none", fault: json!({ "fault": "reset" }), secret: None },
        Case {
            name: "the secret is wrong",
            route: "none",
            fault: json!({ "fault": "reset" }),
            secret: Some(WRONG_SECRET),
        },
        case("the request is refused", initiate, json!({ "fault": "forbidden", "times": null })),
        case("the policy can't be read", policies, json!({ "fault": "forbidden", "times": null })),
        case("the token is refused", vm, json!({ "fault": "expiredToken", "times": null })),
        case("initiate breaks", initiate, said("internal", error.to_string())),
        case("initiate ends in a page", initiate, said("badGateway", page.clone())),
        case("initiate is cut off", initiate, json!({ "fault": "malformed", "times": 1 })),
        case("the policies break", policies, said("internal", error.to_string())),
        case("the policies are a page", policies, said("html", page.clone())),
        case("the policies are of another type", policies, said("invalidJson", wrong_type.to_string())),
        case("a policy is of another type", policies, said("invalidJson", wrong_member.to_string())),
        case("the request is of another type", initiate, said("invalidJson", wrong_type.to_string())),
        case("the VM is of another type", vm, said("invalidJson", wrong_type.to_string())),
        case("the VM is no JSON", vm, said("invalidJson", unquoted)),
        case("the VM is half there", vm, said("invalidJson", half)),
        case("the VM is cut off", vm, json!({ "fault": "truncated", "times": null })),
        case("signing in breaks", token, said("internal", error.to_string())),
        case("signing in ends in a page", token, said("html", page)),
        case("the token is of another type", token, said("invalidJson", wrong_type.to_string())),
        case("the token is cut off", token, json!({ "fault": "malformed", "times": null })),
        case("an address is a page", "PublicAddress_Get", said("html", CANARY.to_owned())),
    ]
}

/// Connects while it goes wrong as in the case; what was then found to be in the open.
async fn run(case: Case) -> Vec<String> {
    let (world, home) = (World::new().await, Home::new());
    let mut fault = case.fault.clone();
    fault["match"] = json!({ "route": case.route });
    world.control().post("faults", fault).await;

    let mut command = world.ajar(&["-vv", "connect", "db-replica-3", "--json", "--no-launch"]);
    if let Some(secret) = case.secret {
        command.env("AZURE_CLIENT_SECRET", secret);
    }
    let ended = Ended::of(home.talkative(command).spawn().expect("ajar starts")).await;
    if case.name == "all is well" {
        assert!(ended.stderr.contains("DEBUG"), "it is to be talkative: {}", ended.stderr);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }

    let written = said(&ended).into_iter().chain(files(world.folder.path())).chain(files(home.0.path()));
    let secrets = [world.simulator.announce().client_secret.as_str(), WRONG_SECRET, CANARY];
    written.flat_map(|written| written.leaks(&secrets)).map(|leak| format!("{}: {leak}", case.name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_secrets_nor_tokens_nor_bodies_are_in_anything_that_ajar_writes() {
    // A few at a time: each is a simulator and a process.
    let mut waiting = cases().into_iter();
    let mut running: JoinSet<_> = waiting.by_ref().take(4).map(run).collect();
    let mut leaks = Vec::new();
    while let Some(ended) = running.join_next().await {
        leaks.extend(ended.expect("the case can be run"));
        running.extend(waiting.next().map(run));
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_runs_has_nothing_in_its_files_either() {
    use crate::world::{LIMIT, interrupt};

    let (world, home) = (World::new().await, Home::new());
    let host = home.talkative(world.ajar(&["-vv", "status", "--watch", "--json"])).spawn().expect("ajar starts");
    let announced = async {
        while !world.folder.path().join("engine.address").exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, announced).await.expect("it hosts");
    let mut connect = home.talkative(world.ajar(&["-vv", "connect", "db-replica-3", "--", "hostname"]));
    let connected = Ended::of(connect.spawn().expect("ajar starts")).await;
    assert_eq!(connected.stdout, "db-replica-3\n", "{}", connected.stderr);
    let meanwhile = files(world.folder.path()).into_iter().chain(files(home.0.path()));
    let meanwhile: Vec<_> = meanwhile.chain(said(&connected)).collect();
    interrupt(&host);
    let written = meanwhile.into_iter().chain(said(&Ended::of(host).await)).chain(files(world.folder.path()));

    let secrets = [world.simulator.announce().client_secret.as_str()];
    let leaks: Vec<_> = written.flat_map(|written| written.leaks(&secrets)).collect();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_writes_no_secret_and_leaves_no_temporary_file() {
    let (folder, home) = (tempfile::tempdir().expect("a folder"), Home::new());
    let command =
        ajar(folder.path(), &["-vv", "--demo", "--demo-speed", "60", "connect", "db-replica-3", "--", "hostname"]);
    // Nobody but the process knows its simulator's secrets: they are looked for by their looks.
    let ended = Ended::of(home.talkative(command).spawn().expect("ajar starts")).await;
    assert_eq!(ended.stdout, "db-replica-3\n", "{}", ended.stderr);
    let written = said(&ended).into_iter().chain(files(folder.path())).chain(files(home.0.path()));
    let leaks: Vec<_> = written.flat_map(|written| written.leaks(&[CANARY])).collect();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    let left: Vec<_> = files(&home.temporary()).into_iter().map(|file| file.place).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test]
async fn a_token_and_each_part_of_it_would_be_found_and_ordinary_words_would_not() {
    let world = World::new().await;
    let announced = world.simulator.announce();
    let pem = std::fs::read(&announced.ca_bundle).expect("the certificate");
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).expect("PEM");
    let http = Client::builder().tls_certs_only(certificates).no_proxy().build().expect("a client");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &announced.client_id.to_string()),
        ("client_secret", &announced.client_secret),
        ("scope", &format!("{}/.default", announced.resource_manager)),
    ];
    let url = format!("{}/{}/oauth2/v2.0/token", announced.authority, announced.tenant_id);
    let answer = http.post(url).form(&form).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    let token = answer["access_token"].as_str().expect("a token");

    let leaks = |text: &str| Written { place: "here".to_owned(), text: text.to_owned() }.leaks(&[CANARY]).len();
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    for part in [token, parts[0], parts[1], parts[2], &parts[1][7..90], &parts[2][..60], &announced.client_secret] {
        assert_eq!(leaks(&format!("DEBUG a line\nDEBUG sent \"{part}\", and more")), 1);
    }
    assert_eq!(leaks(CANARY), 1);
    let AnnounceVm { id, host_key, .. } = world.vm("web-01");
    let ordinary =
        format!("{id} JitNetworkAccessPolicies_ListByResourceGroup {}", host_key.as_deref().unwrap_or_default());
    assert_eq!(leaks(&ordinary), 0);
}
