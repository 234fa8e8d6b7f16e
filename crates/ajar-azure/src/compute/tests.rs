use ajar_core::vm::{OsType, PowerState};
use serde_json::json;

use super::*;
use crate::scripted::{Scripted, client, json as reply, refused};

const VM: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-01";

fn nic(name: &str) -> String {
    format!("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/{name}")
}

#[tokio::test]
async fn a_vm_is_read_with_its_primary_network_interface_first() {
    let body = json!({
        "location": "westeurope",
        "properties": {
            "vmId": "5c0d4c1e-6f5b-4d53-9a0e-0d1f8f6b7a21",
            "timeCreated": "2026-11-30T10:00:00.1234567+00:00",
            "storageProfile": { "osDisk": { "osType": "Windows", "name": "d" } },
            "networkProfile": { "networkInterfaces": [
                { "id": nic("second"), "properties": { "primary": false } },
                { "id": "no id" },
                { "id": nic("first"), "properties": { "primary": true } },
            ] },
            "instanceView": { "statuses": [
                { "code": "ProvisioningState/succeeded" },
                { "code": "PowerState/deallocated", "displayStatus": "VM deallocated" },
            ] },
        },
    });
    let script = Scripted::new([reply(200, body.to_string())]);
    let facts = client(&script).virtual_machine(&VM.parse().unwrap()).await.unwrap();
    assert_eq!(facts.power, PowerState::Deallocated);
    assert_eq!(facts.os, Some(OsType::Windows));
    assert_eq!(facts.location, "westeurope");
    let identity = facts.identity.unwrap();
    assert_eq!(identity.vm_id, "5c0d4c1e-6f5b-4d53-9a0e-0d1f8f6b7a21");
    assert!(identity.time_created.unwrap().to_rfc3339().starts_with("2026-11-30T10:00:00.1"));
    assert_eq!(facts.network_interfaces, [nic("first").parse().unwrap(), nic("second").parse().unwrap()]);
    assert!(script.sent()[0].url.contains("expand=instanceView"), "{}", script.sent()[0].url);
}

#[tokio::test]
async fn what_azure_leaves_out_is_unknown() {
    for body in [
        json!({}),
        json!({ "properties": { "instanceView": null, "storageProfile": null, "networkProfile": {} } }),
        json!({ "properties": { "instanceView": { "statuses": [{ "code": "ProvisioningState/updating" }] } } }),
    ] {
        let script = Scripted::new([reply(200, body.to_string())]);
        let facts = client(&script).virtual_machine(&VM.parse().unwrap()).await.unwrap();
        assert_eq!((facts.power, facts.os, facts.network_interfaces.len()), (PowerState::Unknown, None, 0), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vm_that_is_not_found_once_is_read_again() {
    let script = Scripted::new([refused(404, "ResourceNotFound"), reply(200, json!({}).to_string())]);
    client(&script).virtual_machine(&VM.parse().unwrap()).await.unwrap();
    // What somebody else answers is not Azure's word.
    let page = Scripted::new([reply(404, "<html>")]);
    let trouble = client(&page).virtual_machine(&VM.parse().unwrap()).await.unwrap_err();
    assert_eq!(trouble.failure.code(), "notFromAzure");
}

#[tokio::test(start_paused = true)]
async fn a_vm_that_is_not_there_is_named() {
    let told = async |code: &str| {
        let trouble = client(&Scripted::new([refused(404, code), refused(404, code)]))
            .virtual_machine(&VM.parse().unwrap())
            .await;
        trouble.unwrap_err().failure
    };
    for code in ["ResourceNotFound", "ResourceGroupNotFound"] {
        assert_eq!(told(code).await, Failure::VmNotFound { vm: VM.into() });
    }
    // That may be for the account to see, and not for the VM to be.
    assert_eq!(told("SubscriptionNotFound").await, Failure::SubscriptionNotFound { subscription: "s".into() });
}
