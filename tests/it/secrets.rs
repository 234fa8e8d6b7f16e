//! Nothing that `ajar` writes has a secret, a token, an answer's body or a query in it: not what it says at its most
//! talkative, what “Copy details” would copy included, and no file.

use std::path::{Path, PathBuf};

use azure_sim::AnnounceVm;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::world::{Ended, World, ajar};

/// What no answer's body may bring into the open.
const CANARY: &str = "canary-within-a-body";
/// What no URL's query may: Azure's own links carry signatures there.
const QUERY: &str = "canary-within-a-query";
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
            let secret = |word: &str| word.contains("eyJ") || word.split(|c| !is_of_tokens(c)).any(is_random);
            if line.split(|c| !is_of_base64(c)).any(|word| !is_public(word) && secret(word)) {
                leaks.push(format!("{}, line {}: looks like a token or a secret", self.place, number + 1));
            }
        }
        leaks
    }
}

/// What is as hard to read as a secret and is none: hosts' public keys, and the claims of a challenge, which are told for
/// the sign-in that is to answer them.
fn is_public(word: &str) -> bool {
    let claims = || STANDARD.decode(word).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    word.starts_with(PUBLIC_KEY) || claims().is_some_and(|claims| claims["access_token"].is_object())
}

fn is_of_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_')
}

/// The alphabet of tokens and of the simulator's secrets.
fn is_of_tokens(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// Whether no person and no program would write a word like this one unless it were random or encoded.
fn is_random(word: &str) -> bool {
    let has = |class: fn(&char) -> bool| word.chars().any(|c| class(&c));
    word.len() >= SHORTEST
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
            } else if kind.is_file() {
                let text =
                    String::from_utf8_lossy(&std::fs::read(&path).expect("a file that can be read")).into_owned();
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

/// What goes wrong, where, and with which code `ajar` then ends.
struct Case {
    name: &'static str,
    route: &'static str,
    fault: Value,
    ends: &'static str,
    /// The secret to sign in with, if not the right one.
    secret: Option<&'static str>,
}

fn case(name: &'static str, route: &'static str, ends: &'static str, fault: Value) -> Case {
    Case { name, route, fault, ends, secret: None }
}

/// The simulator's address, in a fault.
/// What Ajar never asks.
const UNASKED: &str = "Usage_List";
const BASE: &str = "{base}";

fn cases() -> Vec<Case> {
    let (vm, policies, address) = ("VirtualMachines_Get", "JitNetworkAccessPolicies_List", "PublicAddress_Get");
    let (initiate, token) = ("JitNetworkAccessPolicies_Initiate", "Entra_Token");
    let error =
        json!({ "error": { "code": "InternalServerError", "message": "It broke.", "trace": CANARY }, "seen": CANARY });
    let page = format!("<html><body>{CANARY}</body></html>");
    // Each JSON, and each in its own way not what was asked for: a parser's complaint quotes what it stumbles over.
    let wrong_type = json!({ "id": CANARY, "properties": CANARY, "value": CANARY, "virtualMachines": CANARY,
        "startTimeUtc": CANARY, "access_token": { CANARY: CANARY }, "expires_in": CANARY });
    let wrong_member =
        json!({ "id": { CANARY: CANARY }, "value": [{ "id": 7, "properties": CANARY }], "startTimeUtc": {} });
    let wrong_date = json!({ "virtualMachines": [], "startTimeUtc": CANARY });
    let unquoted = format!("{{\"id\": {CANARY}}}");
    let half = format!("{{\"id\": \"{CANARY}");
    let said = |fault: &str, body: String| json!({ "fault": fault, "body": body, "times": null });
    // Granted, and so found at once; what is not is looked for longer than a test should take.
    let once = |fault: &str, body: &str| json!({ "fault": fault, "body": body, "applied": true, "times": 1 });
    let always = |fault: &str| json!({ "fault": fault, "times": null });
    let link = |to: &str| said("invalidJson", json!({ "value": [], "nextLink": to }).to_string());
    let elsewhere = format!("https://management.azure.example/x?$skiptoken={QUERY}");
    let onward = format!("{BASE}/nowhere?$skiptoken={QUERY}&sig={CANARY}");
    let nothing = || json!({ "fault": "reset" });
    vec![
        case("all is well", UNASKED, "connected", nothing()),
        Case { secret: Some(WRONG_SECRET), ..case("the secret is wrong", UNASKED, "principalRefused", nothing()) },
        case("the request is refused", initiate, "accessDenied", always("forbidden")),
        case("the policy can't be read", policies, "connected", always("forbidden")),
        case("the token is refused", vm, "tokenRefused", always("expiredToken")),
        case("other claims are wanted", vm, "tokenRefused", always("claimsChallenge")),
        case("initiate wants other claims", initiate, "tokenRefused", always("twoChallenges")),
        case("too much is asked", vm, "throttled", json!({ "fault": "throttle", "retryAfter": 3600, "times": null })),
        case(
            "too much is signed in",
            token,
            "throttled",
            json!({ "fault": "throttle", "retryAfter": 3600, "times": null }),
        ),
        case("initiate breaks", initiate, "connected", once("internal", &error.to_string())),
        case("initiate ends in a page", initiate, "connected", once("badGateway", &page)),
        case("initiate is blocked", initiate, "connected", once("proxyForbidden", &page)),
        case("initiate is cut off", initiate, "connected", json!({ "fault": "malformed", "times": 1 })),
        case("the request is of another type", initiate, "connected", said("invalidJson", wrong_type.to_string())),
        case("the request is of another time", initiate, "connected", said("invalidJson", wrong_date.to_string())),
        case("the policies break", policies, "azureError", said("internal", error.to_string())),
        case("the policies are a page", policies, "notFromAzure", said("html", page.clone())),
        case("the policies are of another type", policies, "azureError", said("invalidJson", wrong_type.to_string())),
        case("a policy is of another type", policies, "noPolicy", said("invalidJson", wrong_member.to_string())),
        case("the policies go on elsewhere", policies, "notFromAzure", link(&elsewhere)),
        case("the policies go on nowhere", policies, "azureError", link(&onward)),
        case("the VM is of another type", vm, "azureError", said("invalidJson", wrong_type.to_string())),
        case("the VM is no JSON", vm, "azureError", said("invalidJson", unquoted)),
        case("the VM is half there", vm, "azureError", said("invalidJson", half)),
        case("the VM is cut off", vm, "unreachable", always("truncated")),
        case("the VM is elsewhere", vm, "notFromAzure", json!({ "fault": "redirect", "to": elsewhere, "times": null })),
        case("signing in breaks", token, "azureError", said("internal", error.to_string())),
        case("signing in ends in a page", token, "notFromAzure", said("html", page)),
        case("the token is of another type", token, "azureError", said("invalidJson", wrong_type.to_string())),
        case("the token is cut off", token, "azureError", always("malformed")),
        case("the address is a page", address, "sourceUnknown", said("html", CANARY.to_owned())),
    ]
}

/// Connects while it goes wrong as in the case; what was then found to be in the open, or to end otherwise.
async fn run(case: Case) -> Vec<String> {
    let (world, home) = (World::new().await, Home::new());
    let announced = world.simulator.announce();
    let fault = case.fault.to_string().replace(BASE, &announced.resource_manager);
    let mut fault: Value = serde_json::from_str(&fault).expect("still JSON");
    fault["match"] = json!({ "route": case.route });
    world.control().post("faults", fault).await;

    let mut command = world.ajar(&["-vvv", "connect", "db-replica-3", "--json", "--no-launch"]);
    if let Some(secret) = case.secret {
        command.env("AZURE_CLIENT_SECRET", secret);
    }
    let ended = Ended::of(home.talkative(command).spawn().expect("ajar starts")).await;
    let mut wrong = Vec::new();
    let event = ended.last_event();
    let end = event["code"].as_str().or(event["event"].as_str()).unwrap_or_default();
    if end != case.ends {
        wrong.push(format!("ended with {end} in place of {}: {}", case.ends, ended.stdout));
    }
    if event["event"] == "failed" && !event["details"].as_str().is_some_and(|details| details.contains(end)) {
        wrong.push("has no details to copy".to_owned());
    }
    let written: Vec<_> =
        said(&ended).into_iter().chain(files(world.folder.path())).chain(files(home.0.path())).collect();
    // What is quiet leaks nothing, and proves nothing.
    let signed_in = case.route != "Entra_Token" && case.secret.is_none();
    if signed_in && !(ended.stderr.contains("DEBUG ajar_azure") && ended.stderr.contains("Azure answered")) {
        wrong.push(format!("is not talkative: {}", ended.stderr));
    }
    if !written.iter().any(|written| Path::new(&written.place).extension().is_some_and(|end| end == "log")) {
        wrong.push("wrote no log".to_owned());
    }
    let secrets = [announced.client_secret.as_str(), WRONG_SECRET, CANARY, QUERY];
    wrong.extend(written.iter().flat_map(|written| written.leaks(&secrets)));
    wrong.into_iter().map(|wrong| format!("{}: {wrong}", case.name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_secrets_nor_tokens_nor_bodies_are_in_anything_that_ajar_writes() {
    // A few at a time: each is a simulator and a process.
    let mut waiting = cases().into_iter();
    let mut running: JoinSet<_> = waiting.by_ref().take(4).map(run).collect();
    let mut wrong = Vec::new();
    while let Some(ended) = running.join_next().await {
        wrong.extend(ended.expect("the case can be run"));
        running.extend(waiting.next().map(run));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_runs_has_nothing_in_its_files_either() {
    use crate::world::{interrupt, until};

    let (world, home) = (World::new().await, Home::new());
    let host = home.talkative(world.ajar(&["-vvv", "status", "--watch", "--json"])).spawn().expect("ajar starts");
    until("it hosts", async || world.folder.path().join("engine.address").exists()).await;
    let mut connect = home.talkative(world.ajar(&["-vvv", "connect", "db-replica-3", "--", "hostname"]));
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
        ajar(folder.path(), &["-vvv", "--demo", "--demo-speed", "60", "connect", "db-replica-3", "--", "hostname"]);
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
    let encoded = |claims: Value| format!("az login --claims-challenge \"{}\"", STANDARD.encode(claims.to_string()));
    assert_eq!(leaks(&encoded(json!({ "access_token": { "nbf": { "essential": true, "value": "1790000000" } } }))), 0);
    assert_eq!(leaks(&encoded(json!({ "access_token": token, "expires_in": 3599, "token_type": "Bearer" }))), 1);
    let AnnounceVm { id, host_key, .. } = world.vm("web-01");
    let ordinary =
        format!("{id} JitNetworkAccessPolicies_ListByResourceGroup {}", host_key.as_deref().unwrap_or_default());
    assert_eq!(leaks(&ordinary), 0);
}
