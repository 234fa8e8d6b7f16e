//! What VMs and network watchers can be asked to do beside power: scripts, and where packets go.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::client::{Azure, error};

/// The answer of a long-running operation, at its `Location`.
async fn outcome(azure: &Azure, begun: Response) -> Value {
    assert_eq!(begun.status(), StatusCode::ACCEPTED);
    let location = begun.headers()["location"].to_str().unwrap().to_owned();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let answer = azure.http.get(&location).bearer_auth(&azure.token).send().await.unwrap();
        if answer.status() == StatusCode::OK {
            return answer.json().await.unwrap();
        }
        assert!(answer.status() == StatusCode::ACCEPTED && std::time::Instant::now() < deadline, "{answer:?}");
        tokio::task::yield_now().await;
    }
}

async fn run(azure: &Azure, vm: &str, command: &str, script: Value) -> Response {
    let path = format!("{}/runCommand", azure.vm(vm).id);
    let body = json!({ "commandId": command, "script": script });
    azure.request(Method::POST, &path).json(&body).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_runs_in_a_running_vm_and_its_output_is_the_answer() {
    let azure = Azure::start().await;
    azure.set("rights", json!({ "action": "*", "allowed": true })).await;
    let begun = run(&azure, "db-replica-3", "RunShellScript", json!(["hostname", "whoami", "nonsense"])).await;
    let answer = outcome(&azure, begun).await;
    let message = answer["value"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("Enable succeeded: \n[stdout]\ndb-replica-3\nroot\n\n[stderr]\n"), "{message}");
    assert!(message.contains("nonsense"), "{message}");

    let answer = outcome(&azure, run(&azure, "build-win-02", "RunPowerShellScript", json!(["hostname"])).await).await;
    let codes: Vec<_> = answer["value"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["ComponentStatus/StdOut/succeeded", "ComponentStatus/StdErr/succeeded"]);

    for (vm, command, refused) in [
        ("web-01", "RunShellScript", (409, "OperationNotAllowed")),
        ("db-replica-3", "RunPowerShellScript", (400, "InvalidParameter")),
    ] {
        let (status, code, _) = error(run(&azure, vm, command, json!([])).await).await;
        assert_eq!((status, code.as_str()), refused, "{vm} {command}");
    }
    azure.set("rights", json!({ "action": "*/runCommand/action", "allowed": false })).await;
    let (_, _, message) = error(run(&azure, "db-replica-3", "RunShellScript", json!([])).await).await;
    assert!(message.contains("'Microsoft.Compute/virtualMachines/runCommand/action'"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_stay_in_the_network_go_out_or_go_nowhere() {
    let azure = Azure::start().await;
    azure.set("rights", json!({ "action": "*", "allowed": true })).await;
    let vm = azure.vm("db-replica-3").clone();
    let (group, _) = vm.id.split_once("/providers/").unwrap();
    let nic = azure.get(&format!("{group}/providers/Microsoft.Network/networkInterfaces/db-replica-3-nic")).await;
    let own = nic["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"].as_str().unwrap();
    let (location, subscription) = (&vm.location, &vm.subscription_id);
    let watcher = format!(
        "/subscriptions/{subscription}/resourceGroups/NetworkWatcherRG/providers/Microsoft.Network/networkWatchers/\
         NetworkWatcher_{location}/nextHop"
    );
    let ask = async |source: &str, destination: &str| {
        let body = json!({ "targetResourceId": vm.id, "sourceIPAddress": source, "destinationIPAddress": destination });
        azure.request(Method::POST, &watcher).json(&body).send().await.unwrap()
    };
    for (to, kind) in [("10.1.200.4", "VnetLocal"), ("203.0.113.7", "Internet"), ("192.168.7.7", "None")] {
        let answer = outcome(&azure, ask(own, to).await).await;
        assert_eq!(answer, json!({ "nextHopType": kind, "routeTableId": "System Route" }), "{to}");
    }
    let (status, _, message) = error(ask("10.1.77.77", "203.0.113.7").await).await;
    assert!(status == 400 && message.contains("sourceIPAddress"), "{status} {message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_may_be_encoded_in_a_path_as_clients_like_it() {
    let azure = Azure::start().await;
    let id = azure.vm("web-01").id.clone();
    let encoded = id.replace("web-01", "web%2D01").replace("resourceGroups/rg", "resource%47roups/%72g");
    assert_ne!(encoded, id);
    assert_eq!(azure.get(&encoded).await["id"], id);
}
