//! Network security groups: who stands before a VM, what they say, and that the doors follow it.

mod places;
mod watchers;

use azure_sim::{Fleet, Options};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::client::{Azure, answers, connect, error};

const FLEET: &str = r#"
[[subscriptions]]
id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
name = "one"

[[network_security_groups]]
name = "subnet-nsg"
rules = [
    { name = "DenyTelnet", priority = 200, access = "Deny", protocol = "Tcp", ports = ["23"] },
    { name = "AllowSome", priority = 300, access = "Allow", protocol = "Tcp", ports = ["20-25", "8000-8100"], sources = ["Internet"] },
]

[[network_security_groups]]
name = "common-nsg"

# Both groups: the subnet's opens 22 and the interface's does not, until JIT does.
[[vms]]
name = "both"
network = { subnet_security_group = "subnet-nsg" }
ports = [{ number = 22, jit = {} }, { number = 23 }]

# The interface's group alone would let everyone in.
[[vms]]
name = "shut"
network = { subnet_security_group = "common-nsg" }
ports = [{ number = 22, open = true }]

[[vms]]
name = "sibling-a"
network = { security_group = "none", subnet_security_group = "common-nsg" }
ports = [{ number = 22, jit = {} }]

[[vms]]
name = "sibling-b"
network = { security_group = "common-nsg" }
ports = [{ number = 22, jit = {} }]

[[vms]]
name = "bare"
network = { security_group = "none" }
ports = [{ number = 22, jit = {} }]

[[vms]]
name = "bare-basic"
dynamic_address = true
network = { security_group = "none" }
ports = [{ number = 22 }]

[[vms]]
name = "allowed-before"
network = { rules = [{ name = "Office", priority = 1000, access = "Allow", sources = ["203.0.113.0/24"], ports = ["22"] }] }
ports = [{ number = 22, jit = {} }]

[[vms]]
name = "fw"
firewall = true
ports = [{ number = 22, jit = {} }]

[[vms]]
name = "off"
power = "deallocated"
ports = [{ number = 22 }]
"#;

async fn start() -> Azure {
    start_with(FLEET).await
}

async fn start_with(fleet: &str) -> Azure {
    let fleet: Fleet = fleet.parse().unwrap();
    Azure::start_with(Options { fleet: Some(fleet), speed: 200.0, ..Options::default() }).await
}

fn group_id(azure: &Azure, name: &str) -> String {
    let (subscription, _) = azure.vm("both").id.split_once("/resourceGroups/").unwrap();
    format!("{subscription}/resourceGroups/rg-demo/providers/Microsoft.Network/networkSecurityGroups/{name}")
}

fn nic(azure: &Azure, vm: &str) -> String {
    azure.vm(vm).id.replace("Compute/virtualMachines", "Network/networkInterfaces") + "-nic"
}

async fn private_ip(azure: &Azure, vm: &str) -> String {
    let nic = azure.get(&nic(azure, vm)).await;
    nic["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"].as_str().unwrap().to_owned()
}

async fn verify_with(azure: &Azure, vm: &str, extra: Value) -> Response {
    let (subscription, _) = azure.vm(vm).id.split_once("/resourceGroups/").unwrap();
    let watcher =
        "resourceGroups/NetworkWatcherRG/providers/Microsoft.Network/networkWatchers/NetworkWatcher_westeurope";
    let mut body = json!({
        "targetResourceId": azure.vm(vm).id,
        "direction": "Inbound",
        "protocol": "TCP",
        "localIPAddress": private_ip(azure, vm).await,
        "localPort": "22",
        "remoteIPAddress": "203.0.113.24",
        "remotePort": "*",
    });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    azure.request(Method::POST, &format!("{subscription}/{watcher}/ipFlowVerify")).json(&body).send().await.unwrap()
}

async fn verify(azure: &Azure, vm: &str, extra: Value) -> (String, String) {
    let answer = verify_with(azure, vm, extra).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    (answer["access"].as_str().unwrap().to_owned(), answer["ruleName"].as_str().unwrap_or_default().to_owned())
}

fn said(access: &str, rule: &str) -> (String, String) {
    (access.to_owned(), rule.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subnet_and_interface_must_both_allow_and_the_rule_that_decides_is_named() {
    let azure = start().await;
    let (access, rule) = verify(&azure, "both", json!({})).await;
    assert_eq!(access, "Deny");
    assert!(rule.starts_with("securityRules/MicrosoftDefenderForCloud-JITRule_-"), "{rule}");
    assert_eq!(
        verify(&azure, "both", json!({ "localPort": "23" })).await,
        said("Deny", "securityRules/DenyTelnet"),
        "the subnet's group is asked first"
    );
    assert_eq!(
        verify(&azure, "both", json!({ "localPort": "8050" })).await,
        said("Deny", "defaultSecurityRules/DenyAllInBound"),
        "what the subnet lets in the interface keeps out"
    );
    assert_eq!(
        verify(&azure, "both", json!({ "remoteIPAddress": "10.1.0.9", "localPort": "8050" })).await,
        said("Allow", "defaultSecurityRules/AllowVnetInBound")
    );
    assert_eq!(
        verify(&azure, "both", json!({ "direction": "Outbound", "localPort": "*", "remotePort": "443" })).await,
        said("Allow", "defaultSecurityRules/AllowInternetOutBound")
    );
    assert_eq!(verify(&azure, "shut", json!({})).await, said("Deny", "defaultSecurityRules/DenyAllInBound"));
    assert!(!answers(azure.dial("shut")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jit_opens_every_group_before_the_vm_with_rules_of_the_first_free_priorities() {
    let azure = start().await;
    azure.initiate("both", json!({ "duration": "PT1H" })).await;
    connect(azure.dial("both"));
    let (access, rule) = verify(&azure, "both", json!({})).await;
    assert_eq!(access, "Allow");
    assert!(rule.starts_with("securityRules/MicrosoftDefenderForCloud-JITRule-"), "{rule}");
    for group in ["subnet-nsg", "both-nsg"] {
        let group = azure.get(&group_id(&azure, group)).await;
        let rules = group["properties"]["securityRules"].as_array().unwrap();
        let jit = |access: &str| {
            let one = |rule: &&Value| {
                rule["name"].as_str().unwrap().contains("JITRule") && rule["properties"]["access"] == access
            };
            rules.iter().find(one).unwrap()["properties"]["priority"].clone()
        };
        assert_eq!((jit("Allow"), jit("Deny")), (json!(100), json!(4096)), "{rules:?}");
    }
    azure.initiate("both", json!({ "duration": "PT2H", "allowedSourceAddressPrefix": "203.0.113.0/24" })).await;
    let rules = azure.get(&format!("{}/securityRules", group_id(&azure, "both-nsg"))).await;
    let priorities: Vec<_> =
        rules["value"].as_array().unwrap().iter().map(|rule| rule["properties"]["priority"].clone()).collect();
    assert!(priorities.contains(&json!(100)) || priorities.contains(&json!(101)), "{priorities:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vms_that_share_a_group_have_deny_rules_of_descending_priority_for_their_own_addresses() {
    let azure = start().await;
    let group = azure.get(&group_id(&azure, "common-nsg")).await;
    let rules = group["properties"]["securityRules"].as_array().unwrap();
    let seen: Vec<_> = rules
        .iter()
        .map(|rule| (&rule["properties"]["priority"], rule["properties"]["destinationAddressPrefix"].as_str().unwrap()))
        .collect();
    let (a, b) = (private_ip(&azure, "sibling-a").await, private_ip(&azure, "sibling-b").await);
    assert_eq!(seen, [(&json!(4095), b.as_str()), (&json!(4096), a.as_str())]);
    assert_eq!(group["properties"]["networkInterfaces"], json!([{ "id": nic(&azure, "sibling-b") }]));
    assert!(group["properties"]["subnets"][0]["id"].as_str().unwrap().ends_with("/subnets/common-nsg"));
    // A window for one is none for the other.
    azure.initiate("sibling-a", json!({ "duration": "PT1H" })).await;
    connect(azure.dial("sibling-a"));
    assert!(!answers(azure.dial("sibling-b")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_rule_for_the_office_makes_a_protected_port_open_unless_jit_goes_before_it() {
    let azure = start().await;
    connect(azure.dial("allowed-before"));
    assert_eq!(verify(&azure, "allowed-before", json!({})).await, said("Allow", "securityRules/Office"));
    azure.set("address", json!({ "publicIp": "198.51.100.9" })).await;
    assert!(!answers(azure.dial("allowed-before")));

    azure.set("switches", json!({ "denyRulePriority": "aboveAllow" })).await;
    azure.set("address", json!({ "publicIp": "203.0.113.24" })).await;
    let statements =
        ["Microsoft.Security/*", "Microsoft.Compute/*"].map(|action| json!({ "action": action, "allowed": true }));
    azure.set("rights", statements.into_iter().collect()).await;
    let policy = azure.policy("allowed-before");
    let present = azure.get(&policy).await;
    assert_eq!(azure.request(Method::DELETE, &policy).send().await.unwrap().status(), StatusCode::OK);
    let again = azure.request(Method::PUT, &policy).json(&without_bare(present)).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK);
    azure.look("state").await;
    assert!(!answers(azure.dial("allowed-before")));
    assert_eq!(verify(&azure, "allowed-before", json!({})).await.0, "Deny");
}

/// The policy without the VM that JIT does not support.
fn without_bare(mut policy: Value) -> Value {
    let vms = policy["properties"]["virtualMachines"].as_array_mut().unwrap();
    vms.retain(|vm| !vm["id"].as_str().unwrap().ends_with("/bare"));
    policy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_group_jit_is_unsupported_and_the_address_decides_who_comes_in() {
    let azure = start().await;
    let (status, _, message) = error(azure.initiate("bare", json!({ "duration": "PT1H" })).await).await;
    assert_eq!(status, 400);
    assert!(message.contains("missing NSG"), "{message}");
    assert_eq!(verify(&azure, "bare", json!({})).await, said("Deny", ""));
    assert!(!answers(azure.dial("bare")), "a Standard address lets nobody in by itself");
    connect(azure.dial("bare-basic"));
    assert_eq!(verify(&azure, "bare-basic", json!({})).await, said("Allow", ""));
    let interface = azure.get(&nic(&azure, "bare")).await;
    assert!(interface["properties"]["networkSecurityGroup"].is_null());

    azure.set("switches", json!({ "jitWithoutGroup": "accept" })).await;
    assert_eq!(azure.initiate("bare", json!({ "duration": "PT1H" })).await.status(), StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_firewall_the_group_may_see_the_firewalls_own_address() {
    let azure = start().await;
    azure.initiate("fw", json!({ "duration": "PT1H" })).await;
    connect(azure.dial("fw"));
    azure.set("switches", json!({ "firewallSource": "firewall" })).await;
    azure.look("state").await;
    assert!(!answers(azure.dial("fw")), "the rule is for the client's address, not for the firewall's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_door_is_open_exactly_while_ip_flow_verify_allows() {
    let azure = start().await;
    for name in ["both", "sibling-a", "sibling-b", "allowed-before"] {
        azure.initiate(name, json!({ "duration": "PT1H", "allowedSourceAddressPrefix": "203.0.113.0/24" })).await;
    }
    for name in ["both", "sibling-a", "sibling-b", "allowed-before"] {
        connect(azure.dial(name));
    }
    for public_ip in ["203.0.113.24", "203.0.113.200", "198.51.100.9", "10.1.0.9"] {
        azure.set("address", json!({ "publicIp": public_ip })).await;
        for vm in &azure.simulator.announce().vms {
            let Some(port) = vm.ports.first().filter(|port| port.dial.is_some() && vm.power_state == "running") else {
                continue;
            };
            let extra = json!({ "remoteIPAddress": public_ip, "localPort": port.number.to_string() });
            let (access, rule) = verify(&azure, &vm.name, extra).await;
            assert_eq!(access == "Allow", answers(azure.dial(&vm.name)), "{} from {public_ip}: {rule}", vm.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn effective_rules_come_after_a_while_group_by_group_with_tags_spelt_out() {
    let azure = start().await;
    let path = format!("{}/effectiveNetworkSecurityGroups", nic(&azure, "both"));
    let begun = azure.post(&path).await;
    assert_eq!(begun.status(), StatusCode::ACCEPTED);
    let location = begun.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.contains("/providers/Microsoft.Network/locations/westeurope/operationResults/"), "{location}");
    let answer = loop {
        let answer = azure.http.get(&location).bearer_auth(&azure.token).send().await.unwrap();
        if answer.status() == StatusCode::OK {
            break answer.json::<Value>().await.unwrap();
        }
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    };
    let groups = answer["value"].as_array().unwrap();
    assert_eq!(groups.len(), 2);
    assert!(groups[0]["association"]["subnet"]["id"].as_str().unwrap().ends_with("/subnets/subnet-nsg"));
    assert_eq!(groups[1]["association"]["networkInterface"]["id"], nic(&azure, "both"));
    let rules = groups[0]["effectiveSecurityRules"].as_array().unwrap();
    let rule = |name: &str| rules.iter().find(|rule| rule["name"] == name).unwrap();
    let some = rule("securityRules/AllowSome");
    assert_eq!(some["destinationPortRanges"], json!(["20-25", "8000-8100"]));
    assert_eq!((&some["protocol"], &some["sourceAddressPrefix"]), (&json!("Tcp"), &json!("Internet")));
    assert_eq!(some["expandedSourceAddressPrefix"][0], "1.0.0.0/8");
    let vnet = rule("defaultSecurityRules/AllowVnetInBound");
    assert_eq!(vnet["expandedSourceAddressPrefix"], json!(["10.1.0.0/16", "168.63.129.16/32"]));
    assert_eq!((&vnet["protocol"], &vnet["sourcePortRange"]), (&json!("All"), &json!("0-65535")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn diagnostics_want_a_running_vm_the_right_and_values_that_make_sense() {
    let azure = start().await;
    let (status, code, _) = error(verify_with(&azure, "off", json!({})).await).await;
    assert_eq!((status, code.as_str()), (409, "OperationNotAllowed"));
    let path = format!("{}/effectiveNetworkSecurityGroups", nic(&azure, "off"));
    assert_eq!(error(azure.post(&path).await).await.0, 409);
    for (extra, part) in [
        (json!({ "direction": "Sideways" }), "'Sideways'"),
        (json!({ "protocol": "ICMP" }), "'ICMP'"),
        (json!({ "localPort": "*" }), "'localPort'"),
        (json!({ "localPort": "70000" }), "'70000'"),
        (json!({ "remoteIPAddress": "2001:db8::1" }), "IPv4"),
        (json!({ "targetResourceId": "/subscriptions/x" }), "virtual machine"),
        (json!({ "targetNicResourceId": nic(&azure, "off") }), "network interface"),
    ] {
        let (status, _, message) = error(verify_with(&azure, "both", extra.clone()).await).await;
        assert_eq!(status, 400, "{extra}: {message}");
        assert!(message.contains(part), "{extra}: {message}");
    }
    azure.set("switches", json!({ "ipFlowVerifyAnswer": "202" })).await;
    let begun = verify_with(&azure, "both", json!({})).await;
    assert_eq!(begun.status(), StatusCode::ACCEPTED);
    assert!(begun.headers().contains_key("location"));
    azure.set("rights", json!({ "action": "Microsoft.Network/networkWatchers/*", "allowed": false })).await;
    let (status, _, message) = error(verify_with(&azure, "both", json!({})).await).await;
    assert_eq!(status, 403);
    assert!(message.contains("Microsoft.Network/networkWatchers/ipFlowVerify/action"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_that_are_not_one_vms_own_are_among_all_resources_and_in_resource_graph() {
    let azure = start().await;
    let (subscription, _) = azure.vm("both").id.split_once("/resourceGroups/").unwrap();
    let shared = group_id(&azure, "subnet-nsg");
    for scope in [subscription.to_owned(), format!("{subscription}/resourceGroups/rg-demo")] {
        let filter = "resourceType eq 'Microsoft.Network/networkSecurityGroups'";
        let listed = azure.get(&format!("{scope}/resources?$filter={filter}")).await;
        let ids: Vec<_> = listed["value"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
        let own = group_id(&azure, "both-nsg");
        assert!(ids.contains(&json!(shared)) && ids.contains(&json!(own)), "{ids:?}");
    }
    let listed = azure.get(&format!("{subscription}/resources?$filter=name eq 'subnet-nsg'")).await;
    assert_eq!(listed["value"].as_array().unwrap().len(), 1);
    let query = "Resources | where type =~ 'microsoft.network/networksecuritygroups' and name == 'subnet-nsg' \
                 | project id, resourceGroup, location, properties";
    let path = "/providers/Microsoft.ResourceGraph/resources";
    let found = azure.request(Method::POST, path).json(&json!({ "query": query })).send().await.unwrap();
    let found: Value = found.json().await.unwrap();
    let group = azure.get(&shared).await;
    assert_eq!(
        found["data"],
        json!([{
            "id": shared, "resourceGroup": "rg-demo", "location": "westeurope", "properties": group["properties"],
        }])
    );
}

#[test]
fn mistakes_in_groups_are_named_with_their_key() {
    for (change, parts) in [
        (
            ("priority = 200", "priority = 99"),
            ["network_security_groups.subnet-nsg.rules.DenyTelnet.priority", "100 to 4096"],
        ),
        (("priority = 200", "priority = 300"), ["rules.AllowSome.priority", "taken"]),
        (("\"23\"", "\"telnet\""), ["DenyTelnet.ports", "'telnet'"]),
        (("[\"Internet\"]", "[\"Storage\"]"), ["AllowSome.sources", "'Storage'"]),
        (("\"subnet-nsg\"\nrules", "\"both-nsg\"\nrules"), ["vms.both.network", "'subnet-nsg'"]),
        (("name = \"common-nsg\"", "name = \"both-nsg\""), ["vms.both.network.security_group", "own group"]),
        (
            ("security_group = \"common-nsg\" }\nports", "security_group = \"nobody\" }\nports"),
            ["vms.shut.network", "'nobody'"],
        ),
    ] {
        let fleet = FLEET.replacen(change.0, change.1, 1);
        let complaint = fleet.parse::<Fleet>().unwrap_err().to_string();
        assert!(parts.iter().all(|part| complaint.contains(part)), "{complaint}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_of_one_request_for_vms_that_share_a_group_have_priorities_of_their_own() {
    let azure = start().await;
    let vm = |name: &str| json!({ "id": azure.vm(name).id, "ports": [{ "number": 22, "duration": "PT1H" }] });
    let ask = json!({ "virtualMachines": [vm("sibling-a"), vm("sibling-b"), vm("both")] });
    let path = format!("{}/initiate", azure.policy("sibling-a"));
    let before = azure.get(&group_id(&azure, "common-nsg")).await;
    let granted = azure.request(Method::POST, &path).json(&ask).send().await.unwrap();
    assert_eq!(granted.status(), StatusCode::ACCEPTED);
    azure.set("advance", json!({ "seconds": 60 })).await;
    let after = azure.get(&group_id(&azure, "common-nsg")).await;
    assert_ne!(before["etag"], after["etag"]);
    assert_eq!(after["properties"]["securityRules"][0]["etag"], after["etag"]);
    for (group, allowed) in [("common-nsg", 2), ("both-nsg", 1), ("subnet-nsg", 2)] {
        let group = azure.get(&group_id(&azure, group)).await;
        let rules = group["properties"]["securityRules"].as_array().unwrap();
        let mut priorities: Vec<_> =
            rules.iter().map(|rule| rule["properties"]["priority"].as_u64().unwrap()).collect();
        let allows = rules.iter().filter(|rule| rule["properties"]["access"] == "Allow").count();
        assert_eq!(allows, allowed, "{rules:?}");
        priorities.sort_unstable();
        assert!(priorities.is_sorted_by(|one, next| one < next), "{priorities:?}");
    }
}
