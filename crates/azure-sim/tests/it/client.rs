//! A plain client of a simulator in this process.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use azure_sim::{AnnounceAccount, AnnounceVm, Options, Simulator};
use reqwest::{Certificate, Client, Method, Response, StatusCode};
use serde_json::{Value, json};

/// Facts that must come true do so long before this.
const LIMIT: Duration = Duration::from_secs(20);

/// A running simulator, and somebody signed in to it.
pub(crate) struct Azure {
    pub(crate) simulator: Simulator,
    pub(crate) http: Client,
    pub(crate) token: String,
}

impl Azure {
    /// The built-in fleet, two hundred times as fast as Azure.
    pub(crate) async fn start() -> Self {
        Self::start_with(Options { speed: 200.0, ..Options::default() }).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let simulator = Simulator::start(options).await.unwrap();
        let ca = std::fs::read(&simulator.announce().ca_bundle).unwrap();
        let trusted = Certificate::from_pem(&ca).unwrap();
        let http = Client::builder().tls_certs_only([trusted]).no_proxy().timeout(LIMIT).build().unwrap();
        let mut azure = Self { simulator, http, token: String::new() };
        azure.renew_token().await;
        azure
    }

    /// Takes a new token.
    pub(crate) async fn renew_token(&mut self) {
        let answer = self.sign_in("https://management.azure.com/.default").await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Value = answer.json().await.unwrap();
        body["access_token"].as_str().unwrap().clone_into(&mut self.token);
    }

    pub(crate) async fn sign_in(&self, scope: &str) -> Response {
        let secret = self.simulator.announce().client_secret.clone();
        self.sign_in_with(&secret, scope).await
    }

    pub(crate) async fn sign_in_with(&self, secret: &str, scope: &str) -> Response {
        let announce = self.simulator.announce();
        let url = format!("{}/{}/oauth2/v2.0/token", announce.authority, announce.tenant_id);
        let client_id = announce.client_id.to_string();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &client_id),
            ("client_secret", secret),
            ("scope", scope),
        ];
        self.http.post(url).form(&form).send().await.unwrap()
    }

    /// Goes on as another service principal.
    pub(crate) async fn sign_in_as(&mut self, name: &str) {
        let account = self.account(name);
        let url = format!("{}/{}/oauth2/v2.0/token", self.simulator.announce().authority, account.tenants[0]);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &account.client_id.unwrap().to_string()),
            ("client_secret", account.client_secret.as_ref().unwrap()),
            ("scope", "https://management.azure.com/.default"),
        ];
        let body: Value = self.http.post(url).form(&form).send().await.unwrap().json().await.unwrap();
        body["access_token"].as_str().unwrap().clone_into(&mut self.token);
    }

    pub(crate) fn account(&self, name: &str) -> &AnnounceAccount {
        self.simulator.announce().accounts.iter().find(|account| account.name == name).unwrap()
    }

    pub(crate) fn vm(&self, name: &str) -> &AnnounceVm {
        self.simulator.announce().vms.iter().find(|vm| vm.name == name).unwrap()
    }

    /// Where the VM's only port really is.
    pub(crate) fn dial(&self, name: &str) -> SocketAddr {
        self.vm(name).ports[0].dial.as_ref().unwrap().parse().unwrap()
    }

    /// The id of the policy that protects a VM.
    pub(crate) fn policy(&self, name: &str) -> String {
        let vm = self.vm(name);
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Security/locations/{}/jitNetworkAccessPolicies/{}",
            vm.subscription_id,
            vm.resource_group,
            vm.location,
            vm.jit_policy.as_ref().unwrap()
        )
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let separator = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}{path}{separator}api-version=2020-01-01", self.simulator.announce().resource_manager);
        self.http.request(method, url).bearer_auth(&self.token)
    }

    /// The body of a successful GET.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str) -> Response {
        self.request(Method::POST, path).send().await.unwrap()
    }

    /// *Initiate* for one port of one VM; `extra` goes into the port.
    pub(crate) async fn initiate(&self, name: &str, extra: Value) -> Response {
        let mut port = json!({ "number": self.vm(name).ports[0].number });
        port.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let body = json!({ "virtualMachines": [{ "id": self.vm(name).id, "ports": [port] }], "justification": "test" });
        self.request(Method::POST, &format!("{}/initiate", self.policy(name))).json(&body).send().await.unwrap()
    }

    /// `GET /_sim/…`
    pub(crate) async fn look(&self, what: &str) -> Value {
        let url = format!("{}/{what}", self.simulator.announce().control);
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// `POST /_sim/…`
    pub(crate) async fn control(&self, what: &str, body: Value) -> Response {
        let url = format!("{}/{what}", self.simulator.announce().control);
        self.http.post(url).json(&body).send().await.unwrap()
    }

    /// `POST /_sim/…` that must work.
    pub(crate) async fn set(&self, what: &str, body: Value) {
        let answer = self.control(what, body).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// The journal's entries whose path ends so.
    pub(crate) async fn journal(&self, path: &str) -> Vec<Value> {
        let all = self.look("journal").await;
        let ends = |entry: &&Value| entry["path"].as_str().unwrap().ends_with(path);
        all.as_array().unwrap().iter().filter(ends).cloned().collect()
    }

    /// Waits until so many requests for the path have come in.
    pub(crate) async fn until_journal(&self, path: &str, count: usize) {
        let started = Instant::now();
        while self.journal(path).await.len() < count {
            assert!(started.elapsed() < LIMIT, "{path} was not asked for {count} times");
        }
    }

    /// The VM's power state, by its instance view.
    pub(crate) async fn power(&self, name: &str) -> String {
        let view = self.get(&format!("{}/instanceView", self.vm(name).id)).await;
        let mut codes = view["statuses"].as_array().unwrap().iter().filter_map(|status| status["code"].as_str());
        codes.find_map(|code| code.strip_prefix("PowerState/")).unwrap().to_owned()
    }

    /// Asks again until the power state is this one.
    pub(crate) async fn until_power(&self, name: &str, wanted: &str) {
        let started = Instant::now();
        while self.power(name).await != wanted {
            assert!(started.elapsed() < LIMIT, "{name} is not {wanted}");
        }
    }
}

/// The error's code and message.
pub(crate) async fn error(answer: Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let text = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
    (status, text("code"), text("message"))
}

/// Whether anybody listens; anything but "yes" and "refused" is a failure.
#[track_caller]
pub(crate) fn answers(at: SocketAddr) -> bool {
    match TcpStream::connect_timeout(&at, LIMIT) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => false,
        Err(error) => panic!("{at}: {error}"),
    }
}

/// Tries to connect until it works.
#[track_caller]
pub(crate) fn connect(at: SocketAddr) -> TcpStream {
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        if let Ok(stream) = TcpStream::connect_timeout(&at, LIMIT) {
            stream.set_read_timeout(Some(LIMIT)).unwrap();
            return stream;
        }
        std::thread::yield_now();
    }
    panic!("nobody listens on {at}");
}
