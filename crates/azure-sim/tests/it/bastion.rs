//! Through a Bastion host to a VM that has no other way.

use azure_sim::{Fleet, Options};
use futures::{SinkExt, StreamExt};
use reqwest::{RequestBuilder, StatusCode, Upgraded, Version};
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::client::{Azure, error};

const FLEET: &str = r#"
[[subscriptions]]
id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
name = "Hub"

[[accounts]]
name = "auditor"
kind = "servicePrincipal"
role = "none"

[[bastion_hosts]]
name = "hub"
resource_group = "rg-hub"
peered_groups = ["rg-spoke"]

[[bastion_hosts]]
name = "cheap"
resource_group = "rg-cheap"
sku = "Basic"

[[vms]]
name = "jump"
resource_group = "rg-hub"
private_only = true
ports = [{ number = 22 }]

[[vms]]
name = "vault"
resource_group = "rg-spoke"
private_only = true
ports = [{ number = 22, jit = {} }]

[[vms]]
name = "cellar"
resource_group = "rg-cheap"
private_only = true
ports = [{ number = 22 }]

[[vms]]
name = "island"
resource_group = "rg-island"
private_only = true
ports = [{ number = 22 }]
"#;

async fn start() -> Azure {
    let fleet: Fleet = FLEET.parse().unwrap();
    Azure::start_with(Options { fleet: Some(fleet), speed: 1000.0, ..Options::default() }).await
}

/// `POST /api/tokens` for a VM's port 22, as `az` sends it.
pub(crate) fn open(azure: &Azure, vm: &str, token: &str) -> RequestBuilder {
    let url = format!("{}/api/tokens", azure.simulator.announce().resource_manager);
    let form = [("resourceId", vm), ("protocol", "tcptunnel"), ("workloadHostPort", "22"), ("aztoken", token)];
    azure.http.post(url).form(&form)
}

/// The request for the web socket of what was opened.
pub(crate) fn connect(azure: &Azure, opened: &Value) -> RequestBuilder {
    let (token, node) = (opened["websocketToken"].as_str().unwrap(), opened["nodeId"].as_str().unwrap());
    let url = format!("{}/webtunnelv2/{token}?X-Node-Id={node}", azure.simulator.announce().resource_manager);
    let ca = std::fs::read(&azure.simulator.announce().ca_bundle).unwrap();
    let trusted = reqwest::Certificate::from_pem(&ca).unwrap();
    let http = reqwest::Client::builder().tls_certs_only([trusted]).no_proxy().http1_only().build().unwrap();
    let request =
        http.get(url).version(Version::HTTP_11).header("connection", "Upgrade").header("upgrade", "websocket");
    request.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

type Socket = WebSocketStream<Upgraded>;

/// A way to the VM's port, and its token.
async fn tunnel(azure: &Azure, name: &str) -> (Socket, String) {
    let opened: Value = open(azure, &azure.vm(name).id, &azure.token).send().await.unwrap().json().await.unwrap();
    let answer = connect(azure, &opened).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    let stream = answer.upgrade().await.unwrap();
    let socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    (socket, opened["authToken"].as_str().unwrap().to_owned())
}

/// The first bytes that come; none if it ends without any.
async fn first_bytes(socket: &mut Socket) -> Vec<u8> {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Binary(bytes) = message {
            return bytes.to_vec();
        }
    }
    Vec::new()
}

async fn refusal(azure: &Azure, vm: &str, token: &str) -> (StatusCode, String) {
    let answer = open(azure, vm, token).send().await.unwrap();
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    (status, body["message"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_jit_guards_is_reached_and_the_end_of_the_token_ends_the_connection() {
    let azure = start().await;
    let (mut socket, token) = tunnel(&azure, "jump").await;
    assert!(first_bytes(&mut socket).await.starts_with(b"SSH-2.0-"));
    socket.send(Message::Binary(b"SSH-2.0-test\r\n".as_slice().into())).await.unwrap();
    assert!(!first_bytes(&mut socket).await.is_empty(), "the server goes on");
    let url = format!("{}/api/tokens/{token}", azure.simulator.announce().resource_manager);
    assert_eq!(azure.http.delete(&url).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(first_bytes(&mut socket).await, b"");
    assert_eq!(azure.http.delete(&url).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jit_keeps_a_bastion_host_out_until_its_subnet_is_let_in() {
    let azure = start().await;
    let (mut socket, _) = tunnel(&azure, "vault").await;
    assert_eq!(first_bytes(&mut socket).await, b"", "the deny rule of JIT is for every source");
    let network = azure.vm("jump").id.split("/providers/").next().unwrap().to_owned();
    let network = azure.get(&format!("{network}/providers/Microsoft.Network/virtualNetworks/vnet-westeurope")).await;
    let subnets = network["properties"]["subnets"].as_array().unwrap();
    let own = subnets.iter().find(|subnet| subnet["name"] == "AzureBastionSubnet").unwrap();
    let prefix = own["properties"]["addressPrefix"].as_str().unwrap();
    let asked = json!({ "allowedSourceAddressPrefix": prefix, "duration": "PT1H" });
    assert_eq!(azure.initiate("vault", asked).await.status(), StatusCode::ACCEPTED);
    loop {
        let (mut socket, _) = tunnel(&azure, "vault").await;
        if first_bytes(&mut socket).await.starts_with(b"SSH-2.0-") {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_come_by_and_what_is_not_reached_is_told() {
    let mut azure = start().await;
    let id = |azure: &Azure, name: &str| azure.vm(name).id.clone();
    let good = azure.token.clone();
    let (status, message) = refusal(&azure, &id(&azure, "cellar"), &good).await;
    assert_eq!((status, message.contains("cheap")), (StatusCode::BAD_REQUEST, true), "{message}");
    assert_eq!(refusal(&azure, &id(&azure, "island"), &good).await.0, StatusCode::NOT_FOUND);
    assert_eq!(refusal(&azure, &id(&azure, "jump"), "nonsense").await.0, StatusCode::UNAUTHORIZED);
    azure.sign_in_as("auditor").await;
    let (status, message) = refusal(&azure, &id(&azure, "jump"), &azure.token).await;
    assert_eq!((status, message.contains("virtualMachines/read")), (StatusCode::FORBIDDEN, true), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_good_for_one_web_socket_and_not_for_ever() {
    let azure = start().await;
    let id = azure.vm("jump").id.clone();
    let opened: Value = open(&azure, &id, &azure.token).send().await.unwrap().json().await.unwrap();
    let first = connect(&azure, &opened).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(connect(&azure, &opened).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let late: Value = open(&azure, &id, &azure.token).send().await.unwrap().json().await.unwrap();
    azure.set("advance", json!({ "seconds": 301 })).await;
    assert_eq!(connect(&azure, &late).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_through_it_ends_with_the_guest() {
    let azure = start().await;
    let (mut socket, _) = tunnel(&azure, "jump").await;
    assert!(first_bytes(&mut socket).await.starts_with(b"SSH-2.0-"));
    let stopping = azure.post(&format!("{}/deallocate", azure.vm("jump").id)).await;
    assert_eq!(stopping.status(), StatusCode::ACCEPTED);
    while !first_bytes(&mut socket).await.is_empty() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_are_listed_found_and_in_resource_graph() {
    let azure = start().await;
    let subscription = format!("/subscriptions/{}", azure.vm("jump").subscription_id);
    let listed = azure.get(&format!("{subscription}/providers/Microsoft.Network/bastionHosts")).await;
    let told = |host: &Value| {
        (host["name"].clone(), host["sku"]["name"].clone(), host["properties"]["enableTunneling"].clone())
    };
    let all: Vec<_> = listed["value"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(all, [(json!("hub"), json!("Standard"), json!(true)), (json!("cheap"), json!("Basic"), json!(true))]);
    let one = azure.get(listed["value"][0]["id"].as_str().unwrap()).await;
    assert_eq!(one, listed["value"][0]);
    let missing = format!("{subscription}/resourceGroups/rg-hub/providers/Microsoft.Network/bastionHosts/none");
    let (status, code, _) = error(azure.request(reqwest::Method::GET, &missing).send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (404, "ResourceNotFound"));
    let query =
        "resources | where type == 'microsoft.network/bastionhosts' | project name, sku.name, properties.dnsName";
    let path = "/providers/Microsoft.ResourceGraph/resources";
    let asked = azure.request(reqwest::Method::POST, path).json(&json!({ "query": query }));
    let rows: Value = asked.send().await.unwrap().json().await.unwrap();
    assert_eq!(rows["data"].as_array().unwrap().len(), 2, "{rows}");
    assert_eq!(rows["data"][0]["properties_dnsName"], one["properties"]["dnsName"]);
}
