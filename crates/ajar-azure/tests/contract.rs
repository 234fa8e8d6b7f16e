//! Our reading and writing against Azure's published contract: the OpenAPI file and the examples of
//! Azure/azure-rest-api-specs, in the folder that `AZURE_SPECS_DIR` names.

#![expect(clippy::unwrap_used, reason = "what a test can't set up or read shall end it there")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ajar_azure::Initiate;
use ajar_azure::contract::{End, initiate_body, initiated, instance_view, policies, policy};
use ajar_core::policy::{JitNetworkAccessPolicy, RequestStatus, SourcePrefix};
use ajar_core::vm::PowerState;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

const VM: &str = "/subscriptions/20ff7fc3-e762-44dd-bd96-b71116dcdc23/resourceGroups/myRg1/providers/Microsoft.Compute/virtualMachines/vm1";

/// The folder of the specifications; `None`, and a word about it, where there is none.
fn specs() -> Option<PathBuf> {
    let dir = std::env::var_os("AZURE_SPECS_DIR").map(PathBuf::from);
    if dir.is_none() {
        println!("skipped: AZURE_SPECS_DIR is not set");
    }
    dir
}

fn read(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The body of an example's response, as bytes: read by the same code as Azure's.
fn body(example: &Value, status: &str) -> Vec<u8> {
    example["responses"][status]["body"].to_string().into_bytes()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn assert_is_the_example(policy: &JitNetworkAccessPolicy) {
    assert_eq!(policy.id.name(), "default");
    assert_eq!(policy.id.resource_type(), "Microsoft.Security/locations/jitNetworkAccessPolicies");
    let [vm] = &policy.virtual_machines[..] else { panic!("{policy:?}") };
    assert_eq!(vm.id.to_string(), VM);
    assert_eq!(vm.ports.iter().map(|rule| rule.number).collect::<Vec<_>>(), [22, 3389]);
    for rule in &vm.ports {
        assert_eq!(rule.max_request_access_duration, Some(TimeDelta::hours(3)));
        assert_eq!(rule.allowed_source_address_prefixes, [SourcePrefix::Any]);
    }
    let [request] = &policy.requests[..] else { panic!("{policy:?}") };
    assert_eq!(request.requestor, "barbara@contoso.com");
    assert_eq!(request.start_time_utc, utc("2018-05-17T08:06:45.5691611Z"));
    let port = &request.virtual_machines[0].ports[0];
    assert_eq!((port.number, port.status), (3389, RequestStatus::InForce));
    assert_eq!(port.end_time_utc, utc("2018-05-17T09:06:45.5691611Z"));
    assert_eq!(port.allowed_source_address_prefixes, [SourcePrefix::from("192.127.0.2")]);
}

#[test]
fn every_published_example_of_a_policy_is_read() {
    let Some(specs) = specs() else { return };
    let mut read_some = 0;
    for entry in std::fs::read_dir(specs.join("examples/JitNetworkAccessPolicies")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let example = read(&path);
        if name.starts_with("GetJitNetworkAccessPolicies") {
            let list = policies(&body(&example, "200")).unwrap();
            assert_eq!(list.len(), 1, "{name}");
            assert_is_the_example(&list[0]);
        } else if name.starts_with("GetJitNetworkAccessPolicy_") || name.starts_with("Create") {
            assert_is_the_example(&policy(&body(&example, "200")).unwrap());
        } else {
            continue;
        }
        read_some += 1;
    }
    assert_eq!(read_some, 6);
}

#[test]
fn the_published_answer_to_initiate_is_read() {
    let Some(specs) = specs() else { return };
    let example = read(&specs.join("examples/JitNetworkAccessPolicies/InitiateJitNetworkAccessPolicy_example.json"));
    let request = initiated(&body(&example, "202")).unwrap();
    assert_eq!(request.start_time_utc, utc("2018-07-12T08:53:03.3658798Z"));
    assert_eq!(request.requestor, "barbara@contoso.com");
    assert_eq!(request.justification.as_deref(), Some("testing a new version of the product"));
    let [vm] = &request.virtual_machines[..] else { panic!("{request:?}") };
    let [port] = &vm.ports[..] else { panic!("{vm:?}") };
    assert_eq!((vm.id.name(), port.number, port.mapped_port), ("vm1", 3389, None));
    assert_eq!(port.end_time_utc, utc("2018-07-12T09:53:03.3658798Z"));
    // The example says `Initiating`, which the schema's list of values lacks.
    assert_eq!(port.status, RequestStatus::InForce);
}

#[test]
fn the_published_instance_view_is_of_a_running_vm() {
    let Some(specs) = specs() else { return };
    let example = read(&specs.join("examples/Compute/VirtualMachine_Get_InstanceView.json"));
    assert_eq!(instance_view(&body(&example, "200")).unwrap(), PowerState::Running);
}

fn ask() -> Initiate {
    Initiate {
        vm: VM.parse().unwrap(),
        port: 3389,
        source: "192.127.0.2/32".parse().unwrap(),
        end_time_utc: utc("2018-07-12T09:53:03.3658798Z"),
        duration: TimeDelta::hours(1),
        justification: Some("testing a new version of the product".into()),
    }
}

/// Checks that `value` has all required members of the definition and no other than its members.
fn assert_conforms(schema: &Value, definition: &Value, value: &Value, at: &str) {
    let definition = match definition["$ref"].as_str() {
        Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap(),
        None => definition,
    };
    match definition["type"].as_str() {
        Some("object") => {
            let members = value.as_object().unwrap_or_else(|| panic!("{at} is no object"));
            let required = definition["required"].as_array().into_iter().flatten();
            let required: BTreeSet<&str> = required.filter_map(Value::as_str).collect();
            let missing: Vec<_> = required.iter().filter(|name| !members.contains_key(**name)).collect();
            assert!(missing.is_empty(), "{at} lacks {missing:?}");
            for (name, member) in members {
                let property = &definition["properties"][name];
                assert!(property.is_object(), "{at} has {name}, which Azure does not know");
                assert_conforms(schema, property, member, &format!("{at}.{name}"));
            }
        }
        Some("array") => {
            for member in value.as_array().unwrap_or_else(|| panic!("{at} is no array")) {
                assert_conforms(schema, &definition["items"], member, &format!("{at}[]"));
            }
        }
        Some("string") if definition["format"] == "date-time" => {
            assert!(value.as_str().is_some_and(|text| text.parse::<DateTime<Utc>>().is_ok()), "{at} is no date");
        }
        Some("string") => assert!(value.is_string(), "{at} is no text"),
        Some("integer") => assert!(value.is_u64(), "{at} is no number"),
        other => panic!("{at}: a definition of the type {other:?}"),
    }
}

#[test]
fn what_initiate_sends_has_the_members_of_the_published_schema_and_no_others() {
    let Some(specs) = specs() else { return };
    let schema = read(&specs.join("jitNetworkAccessPolicies.json"));
    let definition = &schema["definitions"]["JitNetworkAccessPolicyInitiateRequest"];
    assert_conforms(&schema, definition, &initiate_body(&[ask()], End::Time), "body");
    let without_reason = Initiate { justification: None, ..ask() };
    assert_conforms(&schema, definition, &initiate_body(&[without_reason], End::Time), "body");
    let other = Initiate { vm: format!("{VM}-2").parse().unwrap(), ..ask() };
    let of_two = initiate_body(&[ask(), other], End::Time);
    assert_conforms(&schema, definition, &of_two, "body");
    assert_eq!(of_two["virtualMachines"].as_array().map(Vec::len), Some(2));
}

#[test]
fn the_fallback_is_the_body_of_the_published_example() {
    let Some(specs) = specs() else { return };
    let example = read(&specs.join("examples/JitNetworkAccessPolicies/InitiateJitNetworkAccessPolicy_example.json"));
    let ours = initiate_body(&[ask()], End::Duration);
    assert_eq!(ours, example["parameters"]["body"]);
}
