//! What belongs to a VM, in resource groups of its own.

use azure_sim::{Fleet, Options};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Azure;

const SCATTERED: &str = r#"
[[subscriptions]]
id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
name = "one"

[[network_security_groups]]
name = "shared-nsg"
resource_group = "rg-rules"

[[vms]]
name = "scattered"
policy_group = "rg-security"
network = { interface_group = "rg-network", public_ip_group = "rg-addresses" }
ports = [{ number = 22, jit = {} }]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_a_vm_is_shown_in_the_resource_groups_where_it_is_and_in_no_other() {
    let options = Options { fleet: Some(SCATTERED.parse().unwrap()), speed: 1_000.0, ..Options::default() };
    let azure = Azure::start_with(options).await;
    let subscription = format!("/subscriptions/{}", azure.vm("scattered").subscription_id);
    let names = async |path: &str| {
        let listed = azure.get(&format!("{subscription}/{path}")).await;
        let mut names: Vec<_> =
            listed["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let groups = ["NetworkWatcherRG", "rg-addresses", "rg-demo", "rg-network", "rg-rules", "rg-security"];
    assert_eq!(names("resourceGroups").await, groups);
    for (group, kind, expected) in [
        ("rg-network", "networkInterfaces", &["scattered-nic"][..]),
        ("rg-demo", "networkInterfaces", &[]),
        ("rg-addresses", "publicIPAddresses", &["scattered-ip"]),
        ("rg-network", "publicIPAddresses", &[]),
        ("rg-demo", "networkSecurityGroups", &["scattered-nsg"]),
        ("rg-rules", "networkSecurityGroups", &["shared-nsg"]),
    ] {
        let path = format!("resourceGroups/{group}/providers/Microsoft.Network/{kind}");
        assert_eq!(names(&path).await, expected, "{path}");
        assert_eq!(names(&format!("resourceGroups/{group}/resources")).await.is_empty(), group == "rg-security");
    }
    let nic =
        format!("{subscription}/resourceGroups/rg-network/providers/Microsoft.Network/networkInterfaces/scattered-nic");
    let shown = azure.get(&nic).await;
    let public = &shown["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"]["id"];
    let address = azure.get(public.as_str().unwrap()).await;
    assert_eq!(address["properties"]["ipConfiguration"]["id"], format!("{nic}/ipConfigurations/ipconfig1"));
    let policies = azure.get(&format!("{subscription}/providers/Microsoft.Security/jitNetworkAccessPolicies")).await;
    assert!(policies["value"][0]["id"].as_str().unwrap().contains("/resourceGroups/rg-security/"), "{policies}");
    let query = json!({ "query": "where name == 'scattered-nic' | project id, resourceGroup" });
    let found = azure.request(Method::POST, "/providers/Microsoft.ResourceGraph/resources").json(&query);
    let found: Value = found.send().await.unwrap().json().await.unwrap();
    assert_eq!(found["data"], json!([{ "id": nic, "resourceGroup": "rg-network" }]));

    let twice = format!("{SCATTERED}\n[[vms]]\nname = \"scattered\"\nresource_group = \"rg-network\"\nports = []");
    let complaint = twice.parse::<Fleet>().unwrap_err().to_string();
    assert!(complaint.contains("vms.scattered.network.interface_group"), "{complaint}");
}
