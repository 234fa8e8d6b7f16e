//! Every fault that the simulator knows, at the services that tell the public address: at one of them, two, all three,
//! and beside one that says something else. What two agree on is taken, one alone is marked, a dispute is told.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use ajar_azure::Cloud;
use ajar_core::failure::Trouble;
use ajar_core::message::failure::{About, in_words};
use ajar_core::settings::CloudSettings;
use ajar_core::snapshot::FailureView;
use ajar_core::source::{Confidence, SourceAddress};
use ajar_core::zone::Zone;
use ajar_runtime::adapters::PublicIpEndpoints;
use azure_sim::{ListForm, Options, Simulator, list_faults};
use chrono::{FixedOffset, Utc};
use futures::{StreamExt as _, stream};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::Instant;

/// All sources are asked at once, and again where none answers: a source may take two, four, then six seconds. The rest is
/// for the pauses and a machine that is busy.
const BOUND: Duration = Duration::from_secs(16);
/// How often a source is asked that none of the others helps out.
const ROUNDS: u32 = 3;
const AT_ONCE: usize = 16;

const TRUE: &str = "203.0.113.24";
const FALSE: &str = "198.51.100.77";

/// What a source is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    TheTruth,
    AnotherAddress,
    Nothing,
}

/// A fault with all that is said of it, and what a source that has it is worth.
#[derive(Clone, Debug)]
struct Kind {
    label: String,
    body: Value,
    says: Says,
}

/// All that the simulator lists.
fn kinds() -> Vec<Kind> {
    let listed: Vec<Value> = serde_json::from_str(&list_faults(ListForm::Json)).unwrap();
    listed.iter().flat_map(|fault| forms(fault["name"].as_str().unwrap())).collect()
}

/// The forms of a fault that make a difference here. One that is not named costs the answer.
fn forms(name: &str) -> Vec<Kind> {
    let kind = |says, more: Value| {
        let mut body = json!({ "fault": name });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Kind { label: format!("{name} {more}"), body, says }
    };
    match name {
        "otherAddress" => vec![kind(Says::AnotherAddress, json!({}))],
        "clockSkew" | "wrongContentType" => vec![kind(Says::TheTruth, json!({}))],
        "slow" | "slowTrickle" => {
            vec![kind(Says::TheTruth, json!({ "seconds": 0.05 })), kind(Says::Nothing, json!({ "seconds": 60 }))]
        }
        "oversizedBody" => vec![kind(Says::Nothing, json!({ "megabytes": 1 }))],
        "redirect" => ["foreign", "http", "self"].map(|to| kind(Says::Nothing, json!({ "to": to }))).into(),
        // A page, addresses that nobody has on the internet, and what only looks like an address.
        "html" => ["10.0.0.1", "100.64.0.1", "0.0.0.0", "2001:db8::1", "203.0.113.24, 10.0.0.1", "203.0.113.024", ""]
            .map(|text| kind(Says::Nothing, json!({ "body": text })))
            .into_iter()
            .chain([kind(Says::Nothing, json!({}))])
            .collect(),
        _ => vec![kind(Says::Nothing, json!({}))],
    }
}

/// What is done to a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Nothing,
    Fault,
    Otherwise,
}

/// Each way to strike one source, two or three, beside sources that are well or say something else.
const WAYS: [[Done; 3]; 6] = [
    [Done::Fault, Done::Nothing, Done::Nothing],
    [Done::Fault, Done::Nothing, Done::Otherwise],
    [Done::Fault, Done::Otherwise, Done::Otherwise],
    [Done::Fault, Done::Fault, Done::Nothing],
    [Done::Fault, Done::Fault, Done::Otherwise],
    [Done::Fault, Done::Fault, Done::Fault],
];

/// How a look ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Agreed(String),
    Unconfirmed(String),
    Uncertain,
    Unknown,
    Otherwise(String),
}

fn expected(kind: &Kind, done: [Done; 3]) -> End {
    let says = done.map(|done| match done {
        Done::Nothing => Says::TheTruth,
        Done::Fault => kind.says,
        Done::Otherwise => Says::AnotherAddress,
    });
    let count = |what| says.iter().filter(|says| **says == what).count();
    match (count(Says::TheTruth), count(Says::AnotherAddress)) {
        (0, 0) => End::Unknown,
        (1, 0) => End::Unconfirmed(TRUE.to_owned()),
        (0, 1) => End::Unconfirmed(FALSE.to_owned()),
        (1, 1) => End::Uncertain,
        (truths, others) if truths > others => End::Agreed(TRUE.to_owned()),
        _ => End::Agreed(FALSE.to_owned()),
    }
}

/// What a look came to, by all that is shown of it.
fn end(result: Result<SourceAddress, Trouble>) -> End {
    let trouble = match result {
        Ok(SourceAddress { address, confidence: Confidence::Agreed { sources: 2..=3 } }) => {
            return End::Agreed(address.to_string());
        }
        Ok(SourceAddress { address, confidence: Confidence::Unconfirmed }) => {
            return End::Unconfirmed(address.to_string());
        }
        Ok(source) => return End::Otherwise(format!("{source:?}")),
        Err(trouble) => trouble,
    };
    let about =
        About { name: "web-01", zone: Zone::always(FixedOffset::east_opt(0).unwrap(), Utc::now()), at: Utc::now() };
    let FailureView { code, title, message, action, mut choices, .. } = in_words(&trouble, &about);
    choices.sort_unstable();
    let known = match code.as_str() {
        "sourceUnknown" if choices.is_empty() => {
            Some(("Your address on the internet could not be found.", End::Unknown))
        }
        "sourceUncertain" if choices == [FALSE, TRUE] => {
            Some(("It is not certain which address you have on the internet.", End::Uncertain))
        }
        _ => None,
    };
    match known {
        Some((words, end))
            if title == words && message.starts_with("Nothing was opened. ") && action.contains("“--source”") =>
        {
            end
        }
        _ => End::Otherwise(format!("{trouble:?}: {title} {message} {action}")),
    }
}

struct Sources {
    simulator: Simulator,
    cloud: Cloud,
    http: Client,
}

impl Sources {
    async fn start() -> Self {
        let simulator = Simulator::start(Options { speed: 500.0, ..Options::default() }).await.unwrap();
        let announced = simulator.announce();
        let ca = std::fs::read(&announced.ca_bundle).unwrap();
        let trusted = reqwest::Certificate::from_pem(&ca).unwrap();
        let http = Client::builder().tls_certs_only([trusted]).no_proxy().build().unwrap();
        let settings = CloudSettings {
            authority: announced.authority.clone(),
            resource_manager: announced.resource_manager.clone(),
            audience: None,
            client_id: None,
            ca_bundle: None,
            public_ip_endpoints: Some(announced.public_ip_endpoints.clone()),
            bastion_suffix: None,
        };
        let cloud = Cloud::from_settings("sim", &settings, Some(ca)).unwrap();
        Self { simulator, cloud, http }
    }

    /// A look at sources of its own: the query keeps the faults of one cell from the others.
    async fn look(&self, number: usize, kind: &Kind, done: [Done; 3], times: u32) -> (End, Duration) {
        let (mark, mut cloud) = (format!("cell-{number}-"), self.cloud.clone());
        for (source, done) in (1..).zip(done) {
            let mut fault = match done {
                Done::Nothing => continue,
                Done::Fault => kind.body.clone(),
                Done::Otherwise => json!({ "fault": "otherAddress" }),
            };
            fault["times"] = times.into();
            fault["match"] = json!({ "path": format!("/_ip/{source}"), "query": mark });
            let url = format!("{}/faults", self.simulator.announce().control);
            let set = self.http.post(url).json(&fault).send().await.unwrap();
            assert!(set.status().is_success(), "{}", set.text().await.unwrap());
        }
        for endpoint in &mut cloud.public_ip_endpoints {
            endpoint.set_query(Some(&mark));
        }
        let endpoints = PublicIpEndpoints::new(&cloud).unwrap();
        let began = Instant::now();
        let looked = tokio::spawn(async move { tokio::time::timeout(BOUND, endpoints.detect()).await }).await;
        let end = match looked {
            Ok(Ok(result)) => end(result),
            Ok(Err(_)) => End::Otherwise("HANG".to_owned()),
            Err(_) => End::Otherwise("PANIC".to_owned()),
        };
        (end, began.elapsed())
    }

    /// The faults that have not struck yet.
    async fn waiting(&self) -> Value {
        let url = format!("{}/faults", self.simulator.announce().control);
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_at_every_source_ends_in_agreement_or_in_a_failure_of_its_own() {
    let (sources, kinds) = (Sources::start().await, kinds());
    let cells = kinds.iter().flat_map(|kind| WAYS.map(|done| (kind, done)));
    let looks = cells.enumerate().map(|(number, (kind, mut done))| {
        // Each source has its turn at being the one that is struck.
        done.rotate_left(number / WAYS.len() % 3);
        let times = if expected(kind, done) == End::Unknown { ROUNDS } else { 1 };
        let look = sources.look(number, kind, done, times);
        async move { (kind, done, look.await) }
    });
    let looked: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
    let all = looked.len();
    assert_eq!(sources.waiting().await, json!([]), "faults that struck nothing");

    let (mut sums, mut wrong, mut longest) = (BTreeMap::<End, usize>::new(), Vec::new(), Duration::ZERO);
    for (kind, done, (end, took)) in looked {
        let expected = expected(kind, done);
        if end != expected {
            wrong.push(format!("{} at {done:?}: {end:?} in place of {expected:?}", kind.label));
        }
        longest = longest.max(took);
        *sums.entry(end).or_default() += 1;
    }
    let (faults, ways, wrongs) = (kinds.len(), WAYS.len(), wrong.len());
    // Past what the test harness keeps to itself when all is well.
    let sum = format!("{faults} faults × {ways} ways to strike three sources = {all} cells: {sums:?}, {wrongs} wrong");
    writeln!(std::io::stderr(), "public address: {sum}, longest {longest:.1?}").unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sources_that_all_fail_once_are_asked_again() {
    let (sources, kinds) = (Sources::start().await, kinds());
    for (number, kind) in kinds.iter().filter(|kind| kind.says == Says::Nothing).step_by(4).enumerate() {
        let (end, _) = sources.look(1_000 + number, kind, [Done::Fault; 3], 1).await;
        assert_eq!(end, End::Agreed(TRUE.to_owned()), "{}", kind.label);
    }
}
