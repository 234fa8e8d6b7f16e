//! Whatever Azure adds to an answer, leaves out of it, or names anew, the rest is read as before.

use ajar_azure::contract::{
    ArmError, initiated, network_interface, operation_status, policies, policy, public_ip_address, virtual_machine,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

const VM: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-01";
const POLICY: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default";

fn request() -> Value {
    json!({
        "virtualMachines": [{ "id": VM, "ports": [{
            "number": 22, "allowedSourceAddressPrefix": "203.0.113.7", "endTimeUtc": "2026-01-01T01:00:00.1234567Z",
            "status": "Initiated", "statusReason": "UserRequested", "mappedPort": 50022,
        }] }],
        "startTimeUtc": "2026-01-01T00:00:00Z", "requestor": "a@b", "justification": "why not",
    })
}

fn policy_json() -> Value {
    json!({
        "id": POLICY, "name": "default", "type": "Microsoft.Security/locations/jitNetworkAccessPolicies",
        "kind": "Basic", "location": "westeurope",
        "properties": {
            "virtualMachines": [{ "id": VM, "publicIpAddress": "198.51.100.1", "ports": [{
                "number": 22, "protocol": "*", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT3H",
            }] }],
            "requests": [request()], "provisioningState": "Succeeded",
        },
    })
}

fn vm_json() -> Value {
    json!({
        "id": VM, "location": "westeurope",
        "properties": {
            "provisioningState": "Succeeded",
            "storageProfile": { "osDisk": { "osType": "Linux" } },
            "networkProfile": { "networkInterfaces": [{ "id": "/subscriptions/s/resourceGroups/other/providers/Microsoft.Network/networkInterfaces/n", "properties": { "primary": true } }] },
            "instanceView": { "statuses": [
                { "code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready" },
                { "code": "PowerState/running", "level": "Info", "displayStatus": "VM running" },
            ] },
        },
    })
}

fn interface_json() -> Value {
    json!({
        "name": "n", "properties": { "primary": true, "ipConfigurations": [{
            "name": "ipconfig1", "properties": {
                "primary": true, "privateIPAddress": "10.1.0.4", "privateIPAllocationMethod": "Dynamic",
                "publicIPAddress": { "id": "/subscriptions/s/resourceGroups/other/providers/Microsoft.Network/publicIPAddresses/p" },
            },
        }] },
    })
}

fn public_ip_json() -> Value {
    json!({ "name": "p", "sku": { "name": "Standard" }, "properties": {
        "ipAddress": "198.51.100.1", "publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4",
    } })
}

fn operation_json() -> Value {
    json!({ "startTime": "2026-01-01T00:00:00Z", "status": "Failed",
        "error": { "code": "Conflict", "message": "No.", "details": [{ "code": "AllocationFailed", "message": "No room." }] } })
}

fn error_json() -> Value {
    json!({ "error": { "code": "Conflict", "message": "No.", "target": null,
        "details": [{ "code": "AllocationFailed", "message": "No room." }], "innererror": { "code": "Inner" } } })
}

type Read = fn(&Value) -> Option<String>;

/// The kinds of answers, each with what is made of it.
fn answers() -> [(Value, Read); 8] {
    [
        (json!({ "value": [policy_json()], "nextLink": null }), |json| {
            Some(format!("{:?}", policies(&bytes(json)).ok()?))
        }),
        (policy_json(), |json| Some(format!("{:?}", policy(&bytes(json)).ok()?))),
        (request(), |json| Some(format!("{:?}", initiated(&bytes(json)).ok()?))),
        (vm_json(), |json| Some(format!("{:?}", virtual_machine(&bytes(json)).ok()?.facts))),
        (interface_json(), |json| Some(format!("{:?}", network_interface(&bytes(json)).ok()?))),
        (public_ip_json(), |json| Some(format!("{:?}", public_ip_address(&bytes(json)).ok()?))),
        (operation_json(), |json| Some(format!("{:?}", operation_status(&bytes(json)).ok()?))),
        (error_json(), |json| Some(format!("{:?}", ArmError::of_body(&bytes(json))))),
    ]
}

fn bytes(json: &Value) -> Vec<u8> {
    json.to_string().into_bytes()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-zA-Z$@.]{1,12}", inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Where values of a kind are, the outermost included.
fn pointers(json: &Value, at: &str, kind: fn(&Value) -> bool, found: &mut Vec<String>) {
    if kind(json) {
        found.push(at.to_owned());
    }
    let members: Vec<(String, &Value)> = match json {
        Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), member)).collect(),
        Value::Array(members) => {
            members.iter().enumerate().map(|(index, member)| (index.to_string(), member)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (name, member) in members {
        pointers(member, &format!("{at}/{name}"), kind, found);
    }
}

/// The object of that number, counted round and round.
fn object(json: &mut Value, number: usize) -> &mut serde_json::Map<String, Value> {
    let mut found = Vec::new();
    pointers(json, "", Value::is_object, &mut found);
    json.pointer_mut(&found[number % found.len()]).unwrap().as_object_mut().unwrap()
}

/// Members whose values are open lists of names.
const OPEN: [&str; 10] = [
    "status",
    "statusReason",
    "kind",
    "protocol",
    "provisioningState",
    "level",
    "displayStatus",
    "osType",
    "privateIPAllocationMethod",
    "publicIPAllocationMethod",
];

proptest! {
    #[test]
    fn what_is_added_anywhere_changes_nothing(number in 0_usize..20, name in "x[a-zA-Z$@.-]{0,12}", value in any_json()) {
        for (answer, read) in answers() {
            let before = read(&answer);
            prop_assert!(before.is_some());
            let mut more = answer.clone();
            object(&mut more, number).insert(name.clone(), value.clone());
            prop_assert_eq!(read(&more), before, "{}", more);
        }
    }

    #[test]
    fn unknown_names_are_no_errors(names in vec(".{0,20}", OPEN.len())) {
        for (answer, read) in answers() {
            let mut other = answer.clone();
            for number in 0..20 {
                for (member, name) in OPEN.iter().zip(&names) {
                    if let Some(value) = object(&mut other, number).get_mut(*member) {
                        *value = json!(name);
                    }
                }
            }
            prop_assert!(read(&other).is_some(), "{}", other);
        }
    }

    #[test]
    fn whatever_stands_in_the_place_of_a_member_is_read_or_refused_and_never_a_panic(
        number in 0_usize..20, which in any::<prop::sample::Index>(), value in any_json(),
    ) {
        for (answer, read) in answers() {
            let mut odd = answer.clone();
            let members = object(&mut odd, number);
            let name = members.keys().nth(which.index(members.len())).cloned().unwrap();
            members.insert(name.clone(), value.clone());
            let _either = read(&odd);
            let mut less = answer.clone();
            object(&mut less, number).remove(&name);
            let _either = read(&less);
        }
    }

    #[test]
    fn what_is_added_to_a_list_does_not_take_the_rest_along(
        number in 0_usize..20, at in any::<prop::sample::Index>(), odd in any_json(),
    ) {
        for (answer, read) in answers() {
            let mut more = answer.clone();
            let mut lists = Vec::new();
            pointers(&more, "", Value::is_array, &mut lists);
            let Some(list) = lists.get(number % lists.len().max(1)) else { continue };
            let members = more.pointer_mut(list).unwrap().as_array_mut().unwrap();
            members.insert(at.index(members.len() + 1), odd.clone());
            let said = read(&more);
            prop_assert!(said.is_some(), "{}", more);
            let keeps = |code| !answer.to_string().contains(code) || said.is_some_and(|said| said.contains(code));
            prop_assert!(keeps("Conflict"), "{}", more);
        }
    }

    #[test]
    fn one_policy_that_cannot_be_read_does_not_take_the_others_along(odd in any_json()) {
        let list = json!({ "value": [odd, policy_json()] });
        let read = policies(&bytes(&list)).unwrap();
        prop_assert!(read.iter().any(|policy| policy.id.name() == "default"));
    }
}

#[test]
fn a_policy_is_read_without_all_that_may_be_absent() {
    let least = json!({ "id": POLICY, "properties": { "virtualMachines": [{ "id": VM }] } });
    assert_eq!(policy(&bytes(&least)).unwrap().virtual_machines.len(), 1);
    assert!(virtual_machine(b"{}").is_ok());
}
