//! How long a large fleet takes to answer, and how much memory: `cargo bench -p azure-sim --profile dev` for the program
//! as `cargo run` makes it, without `--profile dev` for the released one. `-- TEXT` narrows it to some of the requests.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Certificate, Client, RequestBuilder};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// In the one tenant of the signed-in principal, so that a query is over everything there is.
const FLEET: &str = "generate = { vms = 10000, subscriptions = 200, tenants = 1 }\n";
const ROUNDS: usize = 21;
const VMS: &str = "resources | where type =~ 'microsoft.compute/virtualmachines'";
const INVENTORY: &str = "resources
| where type =~ 'microsoft.compute/virtualmachines'
| extend vmId = tolower(id), osType = tostring(properties.storageProfile.osDisk.osType),
         powerState = tostring(properties.extended.instanceView.powerState.code)
| join kind=leftouter (
    resources
    | where type =~ 'microsoft.network/networkinterfaces' and isnotempty(properties.virtualMachine.id)
    | mv-expand ipc = properties.ipConfigurations
    | extend vmId = tolower(tostring(properties.virtualMachine.id)),
             pipId = tolower(tostring(ipc.properties.publicIPAddress.id))
    | project vmId, nicId = id, nicPrimary = tobool(properties.primary),
              privateIp = tostring(ipc.properties.privateIPAddress), pipId
  ) on vmId
| join kind=leftouter (
    resources
    | where type =~ 'microsoft.network/publicipaddresses'
    | project pipId = tolower(id), publicIp = tostring(properties.ipAddress), fqdn = tostring(properties.dnsSettings.fqdn)
  ) on pipId
| project id, name, resourceGroup, subscriptionId, location, osType, powerState, nicId, nicPrimary, privateIp, publicIp, fqdn
| order by id asc";

/// The program under measurement, and somebody signed in to it.
struct Azure {
    child: Child,
    http: Client,
    base: String,
    token: String,
    subscription: String,
    ready: Duration,
    _folder: tempfile::TempDir,
}

impl Drop for Azure {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Azure {
    async fn start() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let fleet = folder.path().join("fleet.toml");
        std::fs::write(&fleet, FLEET)?;
        let started = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_azure-sim"));
        // So fast that no wait is drawn out: what is left is what the program needs.
        command.args(["--speed", "1000000", "--fleet"]).arg(&fleet).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
        let ready = started.elapsed();
        let announce: Value = serde_json::from_str(&line)?;
        let told = |name: &str| announce[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name}"));
        let ca = Certificate::from_pem(&std::fs::read(told("caBundle")?)?)?;
        let http = Client::builder().tls_certs_only([ca]).no_proxy().build()?;
        let base = told("resourceManager")?;
        let mut azure =
            Self { child, http, base, token: String::new(), subscription: String::new(), ready, _folder: folder };
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", told("clientId")?),
            ("client_secret", told("clientSecret")?),
            ("scope", "https://management.azure.com/.default".to_owned()),
        ];
        let url = format!("{}/{}/oauth2/v2.0/token", told("authority")?, told("tenantId")?);
        let token: Value = azure.http.post(url).form(&form).send().await?.json().await?;
        token["access_token"].as_str().ok_or("no token")?.clone_into(&mut azure.token);
        let last = announce["vms"].as_array().and_then(|vms| vms.last()).ok_or("no VMs")?;
        azure.subscription = last["subscriptionId"].as_str().ok_or("no subscription")?.to_owned();
        Ok(azure)
    }

    async fn body(&self, request: RequestBuilder) -> Outcome<Value> {
        let answer = request.bearer_auth(&self.token).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    }

    fn graph(&self, query: &str, token: &Value) -> RequestBuilder {
        let url = format!("{}/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01", self.base);
        self.http.post(url).json(&json!({ "query": query, "options": { "$top": 1000, "$skipToken": token } }))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}?api-version=2024-07-01", self.base))
    }

    /// Time until the last byte, and what the program computed in it: on a busy machine only the latter says much.
    async fn measure(&self, name: &str, make: impl Fn() -> RequestBuilder) -> Outcome<()> {
        let (mut times, mut size) = (Vec::new(), 0);
        let computed = self.computed();
        for _ in 0..ROUNDS {
            let request = make().bearer_auth(&self.token);
            let started = Instant::now();
            let answer = request.send().await?.error_for_status()?;
            size = answer.bytes().await?.len();
            times.push(started.elapsed());
        }
        times.sort_unstable();
        let (median, late) = (times[ROUNDS / 2], times[ROUNDS * 95 / 100]);
        print!("{name:32} median {median:7.1?}  95 % {late:7.1?}  {:5} kB", size / 1024);
        match (computed, self.computed()) {
            (Some(before), Some(after)) => {
                println!("  computed {:.0?}", after.saturating_sub(before) / u32::try_from(ROUNDS)?);
            }
            _ => println!(),
        }
        Ok(())
    }

    /// Processor time of the program until now; nothing where there is no `/proc`.
    fn computed(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        // Linux counts hundredths of a second there.
        Some(Duration::from_millis(ticks * 10))
    }

    /// Resident and largest resident memory, in MB; nothing where there is no `/proc`.
    fn memory(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let mut told = String::new();
        for line in status.lines() {
            let Some((name @ ("VmRSS" | "VmHWM"), rest)) = line.split_once(':') else { continue };
            let kilobytes: u64 = rest.trim().trim_end_matches("kB").trim().parse().unwrap_or_default();
            let _written = write!(told, "  {name} {} MB", kilobytes / 1024);
        }
        told
    }

    /// All pages of a query, one after the other.
    async fn walk(&self, query: &str) -> Outcome<usize> {
        let (mut rows, mut token) = (0, Value::Null);
        loop {
            let page = self.body(self.graph(query, &token)).await?;
            rows += page["data"].as_array().map_or(0, Vec::len);
            token = page["$skipToken"].clone();
            if token.is_null() {
                return Ok(rows);
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let azure = Azure::start().await?;
    let switches = json!({ "resourceGraphQuota": "none" });
    azure.http.post(format!("{}/_sim/switches", azure.base)).json(&switches).send().await?.error_for_status()?;
    println!("ready after {:?}{}", azure.ready, azure.memory());
    let queries = [
        ("VMs, few columns", format!("{VMS} | project id, name, location, resourceGroup | order by id asc")),
        (
            "VMs, power states",
            format!("{VMS} | project id, name, power = tostring(properties.extended.instanceView.powerState.code)"),
        ),
        ("VMs, all columns", VMS.to_owned()),
        ("VMs, interfaces and addresses", INVENTORY.to_owned()),
        ("everything, all columns", "resources".to_owned()),
        (
            "power states counted",
            format!("{VMS} | summarize count() by tostring(properties.extended.instanceView.powerState.code)"),
        ),
    ];
    for (name, query) in queries.iter().filter(|(name, _)| name.contains(&only)) {
        azure.measure(name, || azure.graph(query, &Value::Null)).await?;
    }
    let list = format!("/subscriptions/{}/providers/Microsoft.Compute/virtualMachines", azure.subscription);
    for (name, path) in [("subscriptions", "/subscriptions".to_owned()), ("vm list", list)] {
        if name.contains(&only) {
            azure.measure(name, || azure.get(&path)).await?;
        }
    }
    if only.is_empty() {
        for (name, query) in [("everything", "resources"), ("the inventory", INVENTORY)] {
            let started = Instant::now();
            let rows = azure.walk(query).await?;
            println!("all pages of {name}: {rows} rows in {:.1?}{}", started.elapsed(), azure.memory());
        }
    }
    Ok(())
}
