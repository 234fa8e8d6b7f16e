//! Running the cells: a few simulators side by side, and in each many cells at a time. A cell has a subscription of its own
//! with one VM, or a tenant of its own with one account, so that faults, budgets and journals of others don't touch it. What is
//! about everything has a simulator to itself for as long as it lasts.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ajar_azure::{ArmClient, Call, Http, Limits, SignIn, TokenCredential, http_client_within};
use azure_sim::Fleet;
use chrono::Utc;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::azure::{Azure, Control, sign_in};
use crate::calls::{Called, Came, Subject, make};
use crate::cell::{Cell, Judged, bound};
use crate::faults::Variant;
use crate::{attempt, entra};

/// They compute side by side, each for so many lanes: what makes many cells last is waiting, and these have lanes of their
/// own, because more that compute at a time would take longer each.
const SIMULATORS: usize = 8;
const BESIDE: Lanes = Lanes { waiting: 8, computing: 4 };
/// A cell that is about everything shares its simulator with none.
const ALONE: Lanes = Lanes { waiting: 0, computing: 1 };

/// The subscription that each lane reads before its first cell.
const OF_LANES: &str = "00000000-0000-4000-b000-000000000000";

/// Short, because most cells only end by them; long enough for a machine that has other things to do, too.
pub(crate) fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(20),
        silence: Duration::from_secs(7),
        call: Duration::from_secs(9),
        read: Duration::from_secs(4),
        answer: 256 << 10,
        first_wait: Duration::from_millis(20),
        long_enough: Duration::from_millis(6_800),
        throttled: Duration::from_secs(8),
        patience: Duration::from_secs(2),
        longest_pause: Duration::from_secs(2),
        time: Duration::from_secs(1),
        first_look: Duration::from_millis(30),
        longest_look: Duration::from_millis(100),
        failed_looks: 2,
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) variant: Variant,
    pub(crate) called: Called,
    pub(crate) number: usize,
}

impl Job {
    pub(crate) fn subscription(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.number)
    }

    fn group(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/rg", self.subscription())
    }

    /// For about how many seconds it waits, as far as fault and call tell before. Only the order hangs on it.
    pub(crate) fn waits(&self) -> u32 {
        let is = |fault: &str| self.variant.label.starts_with(fault);
        let (stalls, lasts) = (is("stalled") || is("slowTrickle"), self.variant.body["times"].is_null());
        let is_polled = matches!(self.called, Called::Arm(Call::Operation | Call::OperationResult));
        // Looks at an operation follow each other, each with its bound or the wait that Azure asks for.
        if is_polled && lasts {
            if stalls { 25 } else { 15 }
        } else if self.called == Called::DeviceGrant {
            // Nobody asks about a code before some seconds have passed.
            if stalls { 20 } else { 5 }
        } else if self.called == Called::Attempt(Call::Initiate) {
            // Until no request of ours can show any more.
            10
        } else if stalls {
            8
        } else if lasts && is("throttle 1 ") {
            4
        } else {
            0
        }
    }

    /// What the paths of all that the cell asks for have in them, and no other's.
    fn path(&self) -> String {
        if self.called.is_entra() {
            format!("/{}/", entra::tenant(self.number))
        } else if self.called.is_of_everything() {
            String::new()
        } else {
            format!("/subscriptions/{}", self.subscription())
        }
    }

    pub(crate) fn subject(&self) -> Subject {
        let id = |kind: &str, more: &str| format!("{}/providers/{kind}/cell-{}{more}", self.group(), self.number);
        let policy = "Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default";
        Subject {
            vm: id("Microsoft.Compute/virtualMachines", "").parse().unwrap(),
            policy: format!("{}/providers/{policy}", self.group()).parse().unwrap(),
            network_interfaces: vec![id("Microsoft.Network/networkInterfaces", "-nic").parse().unwrap()],
        }
    }

    /// Its part of a fleet file.
    fn fleet(&self) -> String {
        let number = self.number;
        let power = if self.called.wants_rest() { "deallocated" } else { "running" };
        let tenant = if self.called.is_entra() { format!("tenant = \"t{number}\"\n") } else { String::new() };
        if self.called.is_of_everything() {
            return String::new();
        }
        let account = if self.called.is_entra() { entra::fleet(number, self.called) } else { String::new() };
        format!(
            "[[subscriptions]]\nid = \"{}\"\nname = \"cell-{number}\"\n{tenant}[[vms]]\nname = \"cell-{number}\"\n\
             subscription = \"cell-{number}\"\nresource_group = \"rg\"\nlocation = \"westeurope\"\nos = \"Linux\"\n\
             power = \"{power}\"\nports = [{{ number = 22, jit = {{}} }}]\n{account}",
            self.subscription(),
        )
    }
}

/// Runs all cells, in any order.
pub(crate) async fn all(variants: &[Variant], calls: &[Called]) -> Vec<Judged> {
    let all = variants.iter().flat_map(|variant| calls.iter().map(move |called| (variant.clone(), *called)));
    let jobs = all.enumerate().map(|(number, (variant, called))| Job { variant, called, number });
    let (alone, beside): (Vec<Job>, Vec<Job>) = jobs.partition(|job| job.called.is_of_everything());
    let (alone, beside) = tokio::join!(shared_out(alone, ALONE), shared_out(beside, BESIDE));
    [alone, beside].concat()
}

/// Runs cells in simulators of their own, as many at a time in each as there are lanes.
async fn shared_out(jobs: Vec<Job>, lanes: Lanes) -> Vec<Judged> {
    let mut shares: Vec<Vec<Job>> = (0..SIMULATORS).map(|_| Vec::new()).collect();
    for (number, job) in jobs.into_iter().enumerate() {
        shares[number % SIMULATORS].push(job);
    }
    // What goes on longest begins first: nothing is to be waited for alone in the end.
    for share in &mut shares {
        share.sort_by_key(|job| Reverse(job.waits()));
    }
    join_all(shares.into_iter().map(|share| simulate(share, lanes))).await.concat()
}

/// With what the cells are about.
pub(crate) fn fleet(jobs: &[Job]) -> Fleet {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    // The tenant of the lanes' own application comes first.
    let lanes = format!("[[subscriptions]]\nid = \"{OF_LANES}\"\nname = \"lanes\"\n");
    let vm = "[[vms]]\nname = \"lanes\"\nresource_group = \"rg\"\nports = [{ number = 22, jit = {} }]\n";
    file.write_all([lanes.as_str(), vm, &entra::application()].concat().as_bytes()).unwrap();
    for job in jobs {
        file.write_all(job.fleet().as_bytes()).unwrap();
    }
    Fleet::read(file.path()).unwrap()
}

/// How many lanes a simulator has.
#[derive(Clone, Copy)]
struct Lanes {
    /// For cells that wait, the longest first.
    waiting: usize,
    /// For the others, and for what is left.
    computing: usize,
}

/// Runs jobs in one simulator.
async fn simulate(jobs: Vec<Job>, lanes: Lanes) -> Vec<Judged> {
    let azure = Arc::new(Azure::start_with(Limits::default(), Some(fleet(&jobs))).await);
    let queue = Arc::new(Mutex::new(VecDeque::from(jobs)));
    let Lanes { waiting, computing } = lanes;
    let lanes = (0..waiting + computing).map(|number| {
        let (azure, queue) = (Arc::clone(&azure), Arc::clone(&queue));
        tokio::spawn(async move {
            let lane = Lane::new(&azure);
            lane.warm_up(&azure).await;
            let mut cells = Vec::new();
            loop {
                let next = if number < waiting {
                    queue.lock().unwrap().pop_front_if(|job| job.waits() > 0)
                } else {
                    queue.lock().unwrap().pop_back()
                };
                let Some(job) = next else { return cells };
                cells.push(run(&azure, &lane, job).await.judged());
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
        while self.client(azure).virtual_machine(&azure.vm("lanes")).await.is_err() {}
    }

    fn client(&self, azure: &Azure) -> ArmClient {
        let client = ArmClient::new(&azure.cloud, Arc::clone(&self.credential), self.http.clone()).unwrap();
        client.acting_as(&self.sign_in, None)
    }
}

async fn run(azure: &Azure, lane: &Lane, job: Job) -> Cell {
    let (called, subject, path) = (job.called, job.subject(), job.path());
    let work = work(azure, lane, &job, subject.clone()).await;
    if called.is_of_everything() {
        azure.forget_faults().await;
    }
    let before =
        if called.is_entra() || called.is_of_everything() { azure.sim.journal(&path, 0).await } else { Vec::new() };
    let after = before.last().map_or(0, |entry| entry["seq"].as_u64().unwrap());
    prepare(azure, &job).await;
    let mut cell = strike(&azure.sim, job, json!({ "path": path }), work).await;
    cell.shown = called == Called::Arm(Call::Initiate)
        && azure.client.jit_policy(&subject.policy).await.is_ok_and(|policy| !policy.requests.is_empty());
    cell.journal = azure.sim.journal(&path, after).await;
    cell
}

/// What is to be done, as far as it does not concern the fault.
async fn work(azure: &Azure, lane: &Lane, job: &Job, subject: Subject) -> BoxFuture<'static, Came> {
    let client = lane.client(azure);
    match job.called {
        Called::Arm(call) => async move { make(&client, call, &subject).await }.boxed(),
        Called::Attempt(_) => async move { attempt::open(&client, &subject).await }.boxed(),
        Called::Tenant => {
            let (cloud, http, subscription) = (azure.cloud.clone(), lane.http.clone(), job.subscription());
            async move { ajar_azure::tenant_of(&cloud, http, &subscription).await.map(drop).into() }.boxed()
        }
        Called::Secret
        | Called::Refresh
        | Called::Code
        | Called::DeviceCode
        | Called::DeviceGrant
        | Called::Identity
        | Called::ToolToken
        | Called::ToolRead => entra::up_to(azure, lane.http.clone(), job.called, job.number, subject).await,
    }
}

/// Has a fault struck at what `matches` says beside the route, and does the work.
pub(crate) async fn strike(sim: &Control, job: Job, mut matches: Value, work: BoxFuture<'static, Came>) -> Cell {
    let Job { variant, called, .. } = job;
    let mut fault = variant.body.clone();
    if called == Called::DeviceGrant && fault["times"].is_null() {
        // A code is asked about until it has run out, a quarter of an hour later: what strikes each time is struck twice.
        fault["times"] = 2.into();
    }
    matches["route"] = called.route().into();
    fault["match"] = matches;
    sim.set("faults", fault).await;
    let task = tokio::spawn(work);
    let began = Instant::now();
    let end = match tokio::time::timeout(bound(called), task).await {
        Ok(Ok(came)) => Ok(came),
        Ok(Err(_)) => Err("PANIC"),
        Err(_) => Err("HANG"),
    };
    let asked_to_wait = variant.body["retryAfter"].as_i64().filter(|_| variant.body["retryForm"] == "seconds");
    let (took, ended) = (began.elapsed(), Utc::now());
    Cell { fault: variant.label, called, asked_to_wait, took, ended, end, journal: Vec::new(), shown: false }
}

/// Sees to it that the call is made at all.
async fn prepare(azure: &Azure, job: &Job) {
    let subscription = job.path();
    if job.called == Called::Arm(Call::PoliciesOfGroup) {
        let action = Call::PoliciesOfSubscription.action();
        let denied = json!({ "action": action, "scope": subscription, "allowed": false });
        let allowed = json!({ "action": action, "scope": job.group(), "allowed": true });
        azure.control("rights", json!([denied, allowed])).await;
    } else if job.called == Called::Arm(Call::OperationResult) {
        // A location is followed only where the operation cannot be read.
        let matches = json!({ "route": Call::Operation.operation_id(), "path": subscription });
        azure.control("faults", json!({ "match": matches, "fault": "forbidden", "times": null })).await;
    } else if job.called.is_of_everything() && !matches!(job.called, Called::Arm(Call::Resources | Call::Tenants)) {
        // Lists are for whom Resource Graph is denied.
        let matches = json!({ "route": Call::Resources.operation_id() });
        azure.control("faults", json!({ "match": matches, "fault": "forbidden", "times": null })).await;
    }
}
