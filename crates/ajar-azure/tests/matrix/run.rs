//! Running the cells: several simulators side by side, and in each several cells at a time. A cell has a subscription of
//! its own with one VM, so that faults, budgets and journals of others don't touch it; cells about the sign-in have a
//! simulator to themselves while they run.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ajar_azure::{ArmClient, Call, Http, Limits, SignIn, TokenCredential, http_client_within};
use azure_sim::Fleet;
use chrono::Utc;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::azure::{Azure, sign_in};
use crate::calls::{Called, Subject, make};
use crate::cell::{Cell, bound};
use crate::faults::Variant;

const SIMULATORS: usize = 4;
const LANES: usize = 8;
const SIGN_IN_SIMULATORS: usize = 8;

/// Short, so that the whole matrix takes less than a minute; long enough for a machine that is busy.
fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(5),
        silence: Duration::from_millis(2_500),
        call: Duration::from_secs(3),
        read: Duration::from_millis(1_500),
        answer: 256 << 10,
        first_wait: Duration::from_millis(20),
        long_enough: Duration::from_millis(2_200),
        patience: Duration::from_secs(2),
        longest_pause: Duration::from_secs(2),
        first_look: Duration::from_millis(30),
        longest_look: Duration::from_millis(100),
    }
}

struct Job {
    variant: Variant,
    called: Called,
    number: usize,
}

impl Job {
    fn subscription(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.number)
    }
}

/// Runs all cells, in any order.
pub(crate) async fn all(variants: &[Variant], calls: &[Called]) -> Vec<Cell> {
    let all = variants.iter().flat_map(|variant| calls.iter().map(move |called| (variant.clone(), *called)));
    let jobs = all.enumerate().map(|(number, (variant, called))| Job { variant, called, number });
    let (sign_in, arm): (Vec<_>, Vec<_>) = jobs.partition(|job| job.called == Called::Token);
    let groups = shared_out(arm, SIMULATORS).into_iter().map(|jobs| simulate(jobs, LANES));
    let alone = shared_out(sign_in, SIGN_IN_SIMULATORS).into_iter().map(|jobs| simulate(jobs, 1));
    let (groups, alone) = tokio::join!(join_all(groups), join_all(alone));
    groups.into_iter().chain(alone).flatten().collect()
}

fn shared_out(jobs: Vec<Job>, among: usize) -> Vec<Vec<Job>> {
    let mut shares: Vec<Vec<Job>> = (0..among).map(|_| Vec::new()).collect();
    for (index, job) in jobs.into_iter().enumerate() {
        shares[index % among].push(job);
    }
    shares
}

fn fleet(jobs: &[Job]) -> Fleet {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for job in jobs {
        let power = if job.called.wants_rest() { "deallocated" } else { "running" };
        let (id, name) = (job.subscription(), format!("cell-{}", job.number));
        writeln!(
            file,
            "[[subscriptions]]\nid = \"{id}\"\nname = \"{name}\"\n[[vms]]\nname = \"{name}\"\nsubscription = \"{name}\"\n\
             resource_group = \"rg\"\nlocation = \"westeurope\"\nos = \"Linux\"\npower = \"{power}\"\n\
             ports = [{{ number = 22, jit = {{}} }}]"
        )
        .unwrap();
    }
    Fleet::read(file.path()).unwrap()
}

/// Runs jobs in one simulator, so many at a time.
async fn simulate(jobs: Vec<Job>, lanes: usize) -> Vec<Cell> {
    let azure = Arc::new(Azure::start_with(Limits::default(), Some(fleet(&jobs))).await);
    let queue = Arc::new(Mutex::new(VecDeque::from(jobs)));
    let lanes = (0..lanes).map(|_| {
        let (azure, queue) = (Arc::clone(&azure), Arc::clone(&queue));
        tokio::spawn(async move {
            let lane = Lane::new(&azure);
            lane.warm_up(&azure).await;
            let mut cells = Vec::new();
            loop {
                let next = queue.lock().unwrap().pop_front();
                let Some(job) = next else { return cells };
                cells.push(run(&azure, &lane, job).await);
            }
        })
    });
    join_all(lanes).await.into_iter().flat_map(Result::unwrap).collect()
}

/// Connections and a token that one cell after the other uses. Each has a client of its own, with a budget of its own.
struct Lane {
    http: Http,
    sign_in: SignIn,
    credential: Arc<dyn TokenCredential>,
}

impl Lane {
    fn new(azure: &Azure) -> Self {
        let http = http_client_within(&azure.cloud, limits()).unwrap();
        let sign_in = sign_in(&azure.simulator, None);
        Self { credential: sign_in.credential(&azure.cloud, http.clone()).unwrap().in_tenant(None), sign_in, http }
    }

    /// Gets a token and a connection before it counts: all simulators start at once.
    async fn warm_up(&self, azure: &Azure) {
        let vm = azure.simulator.announce().vms[0].id.parse().unwrap();
        while self.client(azure).virtual_machine(&vm).await.is_err() {}
    }

    fn client(&self, azure: &Azure) -> ArmClient {
        let client = ArmClient::new(&azure.cloud, Arc::clone(&self.credential), self.http.clone()).unwrap();
        client.acting_as(&self.sign_in)
    }
}

async fn run(azure: &Azure, lane: &Lane, job: Job) -> Cell {
    let subscription = format!("/subscriptions/{}", job.subscription());
    let group = format!("{subscription}/resourceGroups/rg");
    let vm = format!("{group}/providers/Microsoft.Compute/virtualMachines/cell-{}", job.number).parse().unwrap();
    let policy = format!("{group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default");
    let interface = format!("{group}/providers/Microsoft.Network/networkInterfaces/cell-{}-nic", job.number);
    let subject = Subject { vm, policy: policy.parse().unwrap(), network_interfaces: vec![interface.parse().unwrap()] };

    prepare(azure, &job, &subscription, &group).await;
    let path = if job.called == Called::Token { "/token".to_owned() } else { format!("{subscription}/") };
    // Nobody else asks for anything of this subscription; signing in is done by each cell.
    let seq = |entry: &Value| entry["seq"].as_u64().unwrap();
    let from = match job.called {
        Called::Token => azure.journal_of(&path).await.last().map_or(0, seq),
        Called::Arm(_) => 0,
    };
    let mut fault = job.variant.body.clone();
    fault["match"] = json!({ "route": job.called.route(), "path": &path });
    azure.control("faults", fault).await;

    let tested = if job.called == Called::Token { Lane::new(azure).client(azure) } else { lane.client(azure) };
    let (called, about) = (job.called, subject.clone());
    let task = tokio::spawn(async move { make(&tested, called, &about).await });
    let began = Instant::now();
    let end = match tokio::time::timeout(bound(called), task).await {
        Ok(Ok(came)) => Ok(came),
        Ok(Err(_)) => Err("PANIC"),
        Err(_) => Err("HANG"),
    };
    let (took, ended) = (began.elapsed(), Utc::now());
    if job.called == Called::Token {
        azure.forget_faults().await;
    }
    let shown = job.called == Called::Arm(Call::Initiate)
        && azure.client.jit_policy(&subject.policy).await.is_ok_and(|policy| !policy.requests.is_empty());
    let mut journal = azure.journal_of(&path).await;
    journal.retain(|entry| seq(entry) > from);
    let asked_to_wait = job.variant.body["retryAfter"].as_i64().filter(|_| job.variant.body["retryForm"] == "seconds");
    Cell { fault: job.variant.label, called, asked_to_wait, took, ended, end, journal, shown }
}

/// Sees to it that the call is made at all.
async fn prepare(azure: &Azure, job: &Job, subscription: &str, group: &str) {
    match job.called {
        Called::Arm(Call::PoliciesOfGroup) => {
            let action = Call::PoliciesOfSubscription.action();
            let denied = json!({ "action": action, "scope": subscription, "allowed": false });
            let allowed = json!({ "action": action, "scope": group, "allowed": true });
            azure.control("rights", json!([denied, allowed])).await;
        }
        // A location is followed only where the operation cannot be read.
        Called::Arm(Call::OperationResult) => {
            let matches = json!({ "route": Call::Operation.operation_id(), "path": subscription });
            azure.control("faults", json!({ "match": matches, "fault": "forbidden", "times": null })).await;
        }
        Called::Arm(_) | Called::Token => {}
    }
}
