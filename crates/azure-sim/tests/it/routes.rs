//! Every route that the library names, over the wire.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::bastion;
use crate::client::Azure;

/// Walks along the routes, and keeps what each answered.
struct Walk {
    azure: Azure,
    answered: BTreeMap<String, StatusCode>,
}

impl Walk {
    async fn send(&mut self, what: &str, request: reqwest::RequestBuilder) -> Response {
        let answer = request.send().await.unwrap();
        self.answered.insert(what.to_owned(), answer.status());
        answer
    }

    async fn arm(&mut self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let request = self.azure.request(method.clone(), path);
        let request = body.into_iter().fold(request, reqwest::RequestBuilder::json);
        self.send(&format!("{method} {path}"), request).await
    }

    async fn get_all(&mut self, base: &str, below: &[&str]) {
        for part in below {
            self.arm(Method::GET, &format!("{base}{part}"), None).await;
        }
    }

    /// Starts an operation, and asks for it in both ways.
    async fn power(&mut self, vm: &str, action: &str) {
        let path = format!("{}/{action}", self.azure.vm(vm).id);
        let begun = self.arm(Method::POST, &path, None).await;
        assert_eq!(begun.status(), StatusCode::ACCEPTED, "{path}");
        for header in ["azure-asyncoperation", "location"] {
            let url = begun.headers()[header].to_str().unwrap().to_owned();
            let request = self.azure.http.get(url).bearer_auth(&self.azure.token);
            self.send(&format!("{header} of {action}"), request).await;
        }
    }
}

async fn reads(walk: &mut Walk) {
    let (vm, group, subscription) = {
        let vm = walk.azure.vm("db-replica-3");
        let subscription = format!("/subscriptions/{}", vm.subscription_id);
        (vm.id.clone(), format!("{subscription}/resourceGroups/{}", vm.resource_group), subscription)
    };
    let tenant = ["/subscriptions", "/tenants", "/providers", "/providers/microsoft.compute"];
    walk.get_all("", &[&tenant[..], &["/providers/Microsoft.ResourceGraph/operations"]].concat()).await;
    walk.get_all(
        &subscription,
        &[
            "",
            "/resourceGroups",
            "/locations",
            "/providers",
            "/providers/Microsoft.Compute",
            "/tagNames",
            "/providers/Microsoft.Compute/skus",
            "/providers/Microsoft.Security/locations",
            "/providers/Microsoft.Security/locations/westeurope",
            "/providers/Microsoft.Security/pricings",
            "/providers/Microsoft.Security/pricings/VirtualMachines",
            "/providers/Microsoft.Compute/locations/westeurope/virtualMachines",
            "/providers/Microsoft.Compute/locations/westeurope/vmSizes",
            "/providers/Microsoft.Compute/locations/westeurope/usages",
            "/providers/Microsoft.Network/loadBalancers",
            "/providers/Microsoft.Insights/eventtypes/management/values?$filter=eventTimestamp%20ge%202020-01-01T00:00:00Z",
        ],
    )
    .await;
    for scope in [&subscription, &group] {
        let below = [
            "/resources",
            "/providers/Microsoft.Security/jitNetworkAccessPolicies",
            "/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies",
            "/providers/Microsoft.Compute/virtualMachines",
            "/providers/Microsoft.Compute/disks",
            "/providers/Microsoft.Network/networkInterfaces",
            "/providers/Microsoft.Network/publicIPAddresses",
            "/providers/Microsoft.Network/networkSecurityGroups",
            "/providers/Microsoft.Network/virtualNetworks",
            "/providers/Microsoft.Network/networkWatchers",
            "/providers/Microsoft.Network/bastionHosts",
        ];
        walk.get_all(scope, &below).await;
    }
    let below_vm = [
        "",
        "/instanceView",
        "/vmSizes",
        "/extensions",
        "/runCommands",
        "/providers/Microsoft.Resources/tags/default",
        "/providers/Microsoft.Authorization/permissions",
    ];
    walk.get_all(&vm, &below_vm).await;
    walk.get_all(
        &format!("{group}/providers/Microsoft.Network"),
        &[
            "/networkInterfaces/db-replica-3-nic",
            "/networkInterfaces/db-replica-3-nic/ipConfigurations",
            "/networkInterfaces/db-replica-3-nic/ipConfigurations/ipconfig1",
            "/publicIPAddresses/db-replica-3-ip",
            "/networkSecurityGroups/db-replica-3-nsg",
            "/networkSecurityGroups/db-replica-3-nsg/securityRules",
            "/networkSecurityGroups/db-replica-3-nsg/defaultSecurityRules",
            "/networkSecurityGroups/db-replica-3-nsg/defaultSecurityRules/DenyAllInBound",
            "/virtualNetworks/vnet-westeurope",
            "/bastionHosts/hub",
            "/virtualNetworks/vnet-westeurope/subnets",
            "/virtualNetworks/vnet-westeurope/subnets/default",
        ],
    )
    .await;
    let below_group = [
        "",
        "/providers/Microsoft.Compute/disks/db-replica-3_OsDisk",
        "/providers/Microsoft.Authorization/permissions",
    ];
    walk.get_all(&group, &below_group).await;
    // JIT's own, whose name is not known before.
    let rules = format!("{group}/providers/Microsoft.Network/networkSecurityGroups/db-replica-3-nsg/securityRules");
    let listed = walk.azure.get(&rules).await;
    walk.get_all(&rules, &[&format!("/{}", listed["value"][0]["name"].as_str().unwrap())]).await;
    // Of a type that the fleet has nothing of, one is never found; that is what this route says.
    let path = format!("{group}/providers/Microsoft.Network/loadBalancers/one");
    let answer = walk.azure.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

/// Of db-replica-3, within its network.
async fn own_address(walk: &Walk) -> String {
    let vm = walk.azure.vm("db-replica-3").id.clone();
    let group = vm.split("/providers/").next().unwrap();
    let nic = walk.azure.get(&format!("{group}/providers/Microsoft.Network/networkInterfaces/db-replica-3-nic")).await;
    nic["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"].as_str().unwrap().to_owned()
}

async fn writes(walk: &mut Walk) {
    let policy = walk.azure.policy("db-replica-3");
    let vm = walk.azure.vm("db-replica-3").id.clone();
    walk.get_all(&policy, &[""]).await;
    let ask = json!({ "virtualMachines": [{ "id": vm, "ports": [{ "number": 22, "duration": "PT1H" }] }] });
    walk.arm(Method::POST, &format!("{policy}/initiate"), Some(&ask)).await;
    let rule = json!({ "number": 22, "protocol": "*", "maxRequestAccessDuration": "PT3H" });
    let other = policy.replace("/default", "/other");
    let body =
        json!({ "properties": { "virtualMachines": [{ "id": walk.azure.vm("legacy-box").id, "ports": [rule] }] } });
    let other =
        other.replace(&walk.azure.vm("db-replica-3").resource_group, &walk.azure.vm("legacy-box").resource_group);
    walk.arm(Method::PUT, &other, Some(&body)).await;
    walk.arm(Method::DELETE, &other, None).await;

    let query = json!({ "query": "Resources | project id" });
    walk.arm(Method::POST, "/providers/Microsoft.ResourceGraph/resources", Some(&query)).await;
    let group = vm.split("/providers/").next().unwrap();
    let flow = json!({
        "targetResourceId": vm, "direction": "Inbound", "protocol": "TCP", "localPort": "22", "remotePort": "50000",
        "localIPAddress": "10.1.0.4", "remoteIPAddress": "203.0.113.7",
    });
    let network = format!("{group}/providers/Microsoft.Network");
    let subscription = format!("/subscriptions/{}", walk.azure.vm("db-replica-3").subscription_id);
    let watcher =
        "resourceGroups/NetworkWatcherRG/providers/Microsoft.Network/networkWatchers/NetworkWatcher_westeurope";
    let watcher = format!("{subscription}/{watcher}");
    walk.arm(Method::GET, &watcher, None).await;
    walk.arm(Method::POST, &format!("{watcher}/ipFlowVerify"), Some(&flow)).await;
    let hop = json!({ "targetResourceId": vm, "sourceIPAddress": own_address(walk).await, "destinationIPAddress": "10.1.0.9" });
    walk.arm(Method::POST, &format!("{watcher}/nextHop"), Some(&hop)).await;
    let script = json!({ "commandId": "RunShellScript", "script": ["hostname"] });
    walk.arm(Method::POST, &format!("{vm}/runCommand"), Some(&script)).await;
    let effective = format!("{network}/networkInterfaces/db-replica-3-nic/effectiveNetworkSecurityGroups");
    walk.arm(Method::POST, &effective, None).await;

    for (vm, action) in [
        ("web-01", "start"),
        ("gpu-lab", "restart"),
        ("build-win-02", "powerOff"),
        ("jump-eu", "deallocate"),
        ("db-replica-3", "redeploy"),
    ] {
        walk.power(vm, action).await;
    }
}

async fn sign_in(walk: &mut Walk) {
    let announce = walk.azure.simulator.announce().clone();
    let (base, tenant, http) = (announce.authority, announce.tenant_id.to_string(), walk.azure.http.clone());
    let cli = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
    let scope = "https://management.azure.com/.default";
    let instance = format!("/common/discovery/instance?authorization_endpoint={base}/{tenant}/oauth2/v2.0/authorize");
    for path in [
        "/metadata/endpoints?api-version=2019-05-01".to_owned(),
        instance,
        format!("/{tenant}/v2.0/.well-known/openid-configuration"),
        format!("/{tenant}/.well-known/openid-configuration"),
        format!("/{tenant}/discovery/v2.0/keys"),
        format!("/{tenant}/discovery/keys"),
        "/common/userrealm/ada@contoso.example".to_owned(),
        format!(
            "/{tenant}/oauth2/v2.0/authorize?client_id={cli}&response_type=code&redirect_uri=http://localhost:1&scope={scope}"
        ),
        format!("/{tenant}/oauth2/v2.0/logout"),
        "/devicelogin".to_owned(),
        "/devicelogin/submit.js".to_owned(),
        "/_ip/1".to_owned(),
    ] {
        walk.send(&path, http.get(format!("{base}{path}"))).await;
    }
    let code = http.post(format!("{base}/{tenant}/oauth2/v2.0/devicecode"));
    walk.send("device code", code.form(&[("client_id", cli), ("scope", scope)])).await;
    let answer = walk.azure.sign_in(scope).await;
    walk.answered.insert("token".to_owned(), answer.status());

    let resource = [("resource", "https://management.azure.com/"), ("api-version", "2019-08-01")];
    let identity = http.get(&announce.identity_endpoint).query(&resource);
    walk.send("App Service's identity", identity.header("X-IDENTITY-HEADER", &announce.identity_header)).await;
    let imds = |path: &str| http.get(format!("{}/metadata/{path}", announce.imds_endpoint)).header("Metadata", "true");
    let token = [("resource", "https://management.azure.com/"), ("api-version", "2018-02-01")];
    walk.send("IMDS identity", imds("identity/oauth2/token").query(&token)).await;
    walk.send("IMDS", imds("instance").query(&[("api-version", "2021-02-01")])).await;
}

/// Opens a way through a Bastion host, goes through and closes it.
async fn tunnel(walk: &mut Walk) {
    let vm = walk.azure.vm("db-replica-3").id.clone();
    let opened = walk.send("token of a tunnel", bastion::open(&walk.azure, &vm, &walk.azure.token)).await;
    let opened: Value = opened.json().await.unwrap();
    walk.send("web socket", bastion::connect(&walk.azure, &opened)).await;
    let base = walk.azure.simulator.announce().resource_manager.clone();
    let token = opened["authToken"].as_str().unwrap();
    let closing = walk.azure.http.delete(format!("{base}/api/tokens/{token}"));
    walk.send("end of a tunnel", closing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_that_is_named_answers_and_every_route_that_answers_is_named() {
    let host = "\n[[bastion_hosts]]\nname = \"hub\"\n";
    let fleet = include_str!("../../src/default-fleet.toml").to_owned() + host;
    let fleet = Some(fleet.parse().unwrap());
    let azure = Azure::start_with(azure_sim::Options { fleet, speed: 200.0, ..azure_sim::Options::default() }).await;
    azure.set("rights", json!({ "action": "*", "allowed": true })).await;
    let mut walk = Walk { azure, answered: BTreeMap::new() };
    reads(&mut walk).await;
    sign_in(&mut walk).await;
    tunnel(&mut walk).await;
    writes(&mut walk).await;

    let is_refused = |status: &StatusCode| !status.is_success() && *status != StatusCode::SWITCHING_PROTOCOLS;
    let refused: Vec<_> = walk.answered.iter().filter(|(_, status)| is_refused(status)).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let journal = walk.azure.look("journal").await;
    let walked: BTreeSet<_> = journal.as_array().unwrap().iter().map(|entry| entry["route"].as_str()).collect();
    let named: BTreeSet<_> = azure_sim::route_names().iter().map(|name| Some(*name)).collect();
    let difference: Vec<_> = named.symmetric_difference(&walked).collect();
    assert!(difference.is_empty(), "named and not walked, or the reverse: {difference:?}");
    println!("{} requests on {} routes", walk.answered.len(), named.len());
}

#[test]
fn the_manuals_table_of_operations_has_every_route() {
    let manual = include_str!("../../../../docs/simulator.md");
    let (_, operations) = manual.split_once("### Operations").unwrap();
    let rows: Vec<_> = operations.lines().take_while(|line| !line.starts_with('#')).collect();
    let has = |row: &str, name: &str| {
        let (of, what) = name.split_once('_').unwrap_or((name, name));
        let words = |part: &str| row.split(|c: char| !c.is_ascii_alphabetic()).any(|word| word == part);
        row.starts_with('|') && words(of) && words(what)
    };
    let left_out: Vec<_> =
        azure_sim::route_names().iter().filter(|name| !rows.iter().any(|row| has(row, name))).collect();
    assert!(left_out.is_empty(), "{left_out:?}");
}
