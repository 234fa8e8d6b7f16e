//! A simulator, and a client that is signed in to it.

use ajar_azure::{ArmClient, Cloud, Http, Initiate, Limits, SignIn, http_client_within};
use ajar_core::policy::JitNetworkAccessPolicy;
use ajar_core::resource_id::VmResourceId;
use ajar_core::settings::CloudSettings;
use azure_sim::{Fleet, Options, Simulator};
use chrono::{TimeDelta, Utc};
use serde_json::Value;

/// A simulator, and a client that is signed in to it.
pub(crate) struct Azure {
    pub(crate) simulator: Simulator,
    pub(crate) cloud: Cloud,
    pub(crate) http: Http,
    pub(crate) client: ArmClient,
    pub(crate) browser: reqwest::Client,
    pub(crate) sim: Control,
}

/// The way to a simulator's `/_sim`, from any process.
#[derive(Clone)]
pub(crate) struct Control {
    browser: reqwest::Client,
    url: String,
}

impl Control {
    pub(crate) fn new(browser: reqwest::Client, url: &str) -> Self {
        Self { browser, url: url.to_owned() }
    }

    pub(crate) async fn set(&self, what: &str, body: Value) {
        let url = format!("{}/{what}", self.url);
        self.browser.post(url).json(&body).send().await.unwrap().error_for_status().unwrap();
    }

    /// The requests whose paths have that in them, after the one with that number.
    pub(crate) async fn journal(&self, path: &str, after: u64) -> Vec<Value> {
        let url = format!("{}/journal?path={path}&after={after}", self.url);
        self.browser.get(url).send().await.unwrap().json().await.unwrap()
    }
}

/// A client that goes where a browser would, and trusts the cloud.
pub(crate) fn browser(cloud: &Cloud) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(cloud.ca_bundle_pem.as_deref().unwrap()).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .gzip(false)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

impl Azure {
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits::default(), None).await
    }

    /// With a client that keeps to other limits, and another fleet than the built-in one.
    pub(crate) async fn start_with(limits: Limits, fleet: Option<Fleet>) -> Self {
        let options = Options { speed: 500.0, fleet, ..Options::default() };
        let simulator = Simulator::start(options).await.unwrap();
        let announce = simulator.announce();
        let settings = CloudSettings {
            authority: announce.authority.clone(),
            resource_manager: announce.resource_manager.clone(),
            audience: None,
            client_id: None,
            ca_bundle: None,
            public_ip_endpoints: Some(announce.public_ip_endpoints.clone()),
            bastion_suffix: None,
        };
        let ca = std::fs::read(&announce.ca_bundle).unwrap();
        let cloud = Cloud::from_settings("sim", &settings, Some(ca)).unwrap();
        let http = http_client_within(&cloud, limits).unwrap();
        let sign_in = sign_in(&simulator, None);
        let credential = sign_in.credential(&cloud, http.clone()).unwrap().in_tenant(None);
        let client = ArmClient::new(&cloud, credential, http.clone()).unwrap().acting_as(&sign_in, None);
        let browser = browser(&cloud);
        let sim = Control::new(browser.clone(), &announce.control);
        Self { simulator, cloud, http, client, browser, sim }
    }

    pub(crate) fn vm(&self, name: &str) -> VmResourceId {
        let vm = self.simulator.announce().vms.iter().find(|vm| vm.name == name).unwrap();
        vm.id.parse().unwrap()
    }

    pub(crate) async fn policy(&self, vm: &VmResourceId) -> JitNetworkAccessPolicy {
        self.client.jit_policies(vm).await.unwrap().into_iter().next().unwrap()
    }

    pub(crate) async fn control(&self, what: &str, body: Value) {
        self.sim.set(what, body).await;
    }

    /// Makes or replaces a resource, as an administrator would elsewhere.
    pub(crate) async fn put(&self, id: &str, api_version: &str, body: &Value) {
        let scope = format!("{}/.default", self.cloud.audience);
        let token = sign_in(&self.simulator, None)
            .credential(&self.cloud, self.http.clone())
            .unwrap()
            .in_tenant(None)
            .get_token(&[&scope], None)
            .await
            .unwrap();
        let url = format!("{}{id}?api-version={api_version}", self.simulator.announce().resource_manager);
        let put = self.browser.put(url).bearer_auth(token.token.secret()).json(body).send().await.unwrap();
        assert!(put.status().is_success(), "{}", put.text().await.unwrap());
    }

    pub(crate) async fn public_ip(&self) -> std::net::Ipv4Addr {
        let url = self.cloud.public_ip_endpoints[0].clone();
        self.browser.get(url).send().await.unwrap().text().await.unwrap().trim().parse().unwrap()
    }

    pub(crate) async fn ask(&self, vm: &str) -> Initiate {
        Initiate {
            vm: self.vm(vm),
            port: 22,
            source: self.public_ip().await.into(),
            end_time_utc: Utc::now() + TimeDelta::hours(1),
            duration: TimeDelta::hours(1),
            justification: Some("a test".into()),
        }
    }

    /// Nothing goes wrong any more.
    pub(crate) async fn forget_faults(&self) {
        let url = format!("{}/faults", self.simulator.announce().control);
        self.browser.delete(url).send().await.unwrap().error_for_status().unwrap();
    }

    /// Every request so far.
    pub(crate) async fn journal(&self) -> Vec<Value> {
        self.journal_of("").await
    }

    /// The requests whose paths have that in them.
    pub(crate) async fn journal_of(&self, path: &str) -> Vec<Value> {
        self.sim.journal(path, 0).await
    }

    /// How often something was posted to a path that ends so.
    pub(crate) async fn posts(&self, end: &str) -> usize {
        let journal = self.journal().await;
        let posted = |entry: &&Value| entry["method"] == "POST" && entry["path"].as_str().unwrap().ends_with(end);
        journal.iter().filter(posted).count()
    }
}

/// As the simulator's application, with its secret or another.
pub(crate) fn sign_in(simulator: &Simulator, secret: Option<&str>) -> SignIn {
    let announce = simulator.announce();
    SignIn::from_environment(|name| {
        Some(match name {
            "AZURE_TENANT_ID" => announce.tenant_id.to_string(),
            "AZURE_CLIENT_ID" => announce.client_id.to_string(),
            _ => secret.unwrap_or(&announce.client_secret).to_owned(),
        })
    })
    .unwrap()
}
