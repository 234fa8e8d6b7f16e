use std::sync::Mutex;

use ajar_core::failure::Failure;
use ajar_core::vm::OsType;

use super::*;
use crate::scripted::{Reply, Scripted, client, json as reply, refused};

fn id(name: &str) -> String {
    format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/{name}")
}

fn page(names: &[&str], token: Option<&str>) -> Reply {
    let rows: Vec<Value> = names.iter().map(|name| json!({ "id": id(name) })).collect();
    let mut page = json!({ "totalRecords": 9, "count": rows.len(), "data": rows, "resultTruncated": "false" });
    if let Some(token) = token {
        page["$skipToken"] = token.into();
    }
    reply(200, page.to_string())
}

/// What is told of by then, and how it ended.
async fn read(replies: impl IntoIterator<Item = Reply>) -> (Vec<InventoryVm>, Result<(), Failure>, Vec<String>) {
    let script = Scripted::new(replies);
    let told = Mutex::new(Vec::new());
    let end = client(&script).inventory(&|vms| told.lock().unwrap().extend(vms)).await;
    (told.into_inner().unwrap(), end.map(drop).map_err(|trouble| trouble.failure), script.paths())
}

fn names(vms: &[InventoryVm]) -> Vec<&str> {
    vms.iter().map(|vm| vm.id.name()).collect()
}

#[tokio::test]
async fn pages_are_followed_by_their_tokens_with_the_same_query() {
    let script = Scripted::new([page(&["a", "b"], Some("next")), page(&["c"], None)]);
    let told = Mutex::new(Vec::new());
    client(&script).inventory(&|vms| told.lock().unwrap().push(vms.len())).await.unwrap();
    assert_eq!(told.into_inner().unwrap(), [2, 1]);
    let bodies: Vec<Value> = script.sent().iter().map(crate::scripted::Sent::json).collect();
    assert_eq!(bodies[0]["options"], json!({ "$top": 1000, "resultFormat": "objectArray" }));
    assert_eq!(bodies[1]["options"]["$skipToken"], "next");
    assert_eq!(bodies[0]["query"], bodies[1]["query"]);
}

#[tokio::test]
async fn a_row_is_read_whatever_is_odd_or_missing_in_it() {
    let full = json!({
        "id": id("Web-01"), "subscription": "Production", "location": "westeurope", "osType": "Windows",
        "powerState": "PowerState/running", "tags": "{\"owner\":\"ada\",\"size\":7}",
        "privateAddresses": ["10.0.0.4", "", null], "publicAddresses": ["203.0.113.7", "2001:db8::7"],
    });
    let odd =
        json!({ "id": id("odd"), "osType": 7, "tags": "no JSON", "privateAddresses": "10.0.0.5", "powerState": "" });
    let body = json!({ "data": [full, odd, { "id": "no id" }, 7], "resultTruncated": "false" });
    let (vms, end, _) = read([reply(200, body.to_string())]).await;
    assert_eq!(end, Ok(()));
    let [web, odd] = &vms[..] else { panic!("{vms:?}") };
    assert_eq!((&*web.subscription, web.os), ("Production", Some(OsType::Windows)));
    assert_eq!((web.power, web.tags.iter().collect::<Vec<_>>()), (Some(PowerState::Running), vec![("owner", "ada")]));
    assert_eq!(*web.private_addresses, ["10.0.0.4".parse::<IpAddr>().unwrap()]);
    assert_eq!(web.public_addresses.len(), 2);
    assert_eq!((odd.os, odd.power, odd.tags.is_empty(), odd.private_addresses.len()), (None, None, true, 0));
}

#[tokio::test]
async fn who_may_read_no_subscription_sees_no_vms() {
    let body = json!({ "error": { "code": "BadRequest", "message": "Please provide below info.",
        "details": [{ "code": "NoValidSubscriptionsInQueryRequest", "message": "There must be one." }] } });
    assert_eq!(read([reply(400, body.to_string())]).await.1, Ok(()));
    let failure = read([refused(400, "BadRequest")]).await.1.unwrap_err();
    assert!(matches!(failure, Failure::AzureError { status: 400, .. }), "{failure:?}");
}

#[tokio::test]
async fn a_list_that_is_cut_off_or_goes_in_a_circle_is_told_and_what_came_is_kept() {
    let cut = json!({ "data": [{ "id": id("a") }], "resultTruncated": "true" });
    let (vms, end, _) = read([reply(200, cut.to_string())]).await;
    assert_eq!(names(&vms), ["a"]);
    assert!(end.is_err());
    let (vms, end, paths) = read([page(&["a"], Some("x")), page(&["b"], Some("x"))]).await;
    assert_eq!((names(&vms), paths.len()), (vec!["a", "b"], 2));
    assert!(matches!(end, Err(Failure::AzureError { status: 200, .. })), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_throttled_is_asked_for_again_when_the_quota_is_there_again() {
    let throttled = refused(429, "RateLimiting")
        .with("x-ms-user-quota-remaining", "0")
        .with("x-ms-user-quota-resets-after", "00:00:04");
    let began = tokio::time::Instant::now();
    let (vms, end, _) = read([throttled, page(&["a"], None)]).await;
    assert_eq!((names(&vms), end), (vec!["a"], Ok(())));
    assert_eq!(began.elapsed().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_last_page_of_a_quota_holds_back_the_next_one() {
    let last = page(&["a"], Some("next"))
        .with("x-ms-user-quota-remaining", "0")
        .with("x-ms-user-quota-resets-after", "00:00:03");
    let began = tokio::time::Instant::now();
    let (vms, ..) = read([last, page(&["b"], None)]).await;
    assert_eq!((names(&vms), began.elapsed().as_secs()), (vec!["a", "b"], 3));
}

#[tokio::test]
async fn where_resource_graph_is_denied_the_subscriptions_are_listed() {
    let subscriptions =
        json!({ "value": [{ "subscriptionId": "s1", "displayName": "One" }, { "subscriptionId": "s2" }] });
    let vm = json!({ "id": id("a"), "location": "westeurope", "tags": { "owner": "ada" },
        "properties": { "storageProfile": { "osDisk": { "osType": "Linux" } } } });
    let vms = json!({ "value": [vm] });
    // Ids of one resource come in different casing.
    let of_vm = id("A").to_uppercase();
    let states = json!({ "value": [{ "id": of_vm, "properties": { "instanceView": { "statuses": [
        { "code": "PowerState/running" } ] } } }] });
    let interface = |properties: Value| json!({ "id": "/nic", "properties": properties });
    let attached = json!({ "virtualMachine": { "id": of_vm }, "ipConfigurations": [
        { "properties": { "privateIPAddress": "10.0.0.4", "publicIPAddress": { "id": "/Ip" } } },
        { "properties": { "privateIPAddress": "fd00::4" } }] });
    let interfaces =
        json!({ "value": [interface(json!({ "ipConfigurations": [] })), interface(attached), { "id": "/odd" }] });
    let addresses =
        json!({ "value": [{ "id": "/ip", "properties": { "ipAddress": "203.0.113.7" } }, { "id": "/none" }] });
    let (vms, end, paths) = read([
        refused(403, "AuthorizationFailed"),
        reply(200, subscriptions.to_string()),
        reply(200, vms.to_string()),
        refused(403, "AuthorizationFailed"),
        reply(200, states.to_string()),
        reply(200, interfaces.to_string()),
        reply(200, addresses.to_string()),
    ])
    .await;
    assert!(matches!(end, Err(Failure::AccessDenied { .. })), "one of them may not be listed: {end:?}");
    let [vm] = &vms[..] else { panic!("{vms:?}") };
    assert_eq!((&*vm.subscription, vm.os, vm.power), ("One", Some(OsType::Linux), Some(PowerState::Running)));
    let addresses = |all: &[IpAddr]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(addresses(&vm.private_addresses), ["10.0.0.4", "fd00::4"]);
    assert_eq!((addresses(&vm.public_addresses), vm.lacks.len()), (vec!["203.0.113.7".to_owned()], 0));
    assert_eq!(vm.tags.iter().collect::<Vec<_>>(), [("owner", "ada")]);
    assert_eq!(paths[1], "Get /subscriptions");
    assert!(paths[2].ends_with("/virtualMachines"), "{paths:?}");
}

#[tokio::test]
async fn a_denial_on_a_later_page_lists_nothing_twice() {
    let (vms, end, paths) = read([page(&["a"], Some("next")), refused(403, "AuthorizationFailed")]).await;
    assert_eq!((names(&vms), paths.len()), (vec!["a"], 2));
    assert!(matches!(end, Err(Failure::AccessDenied { .. })), "{end:?}");
}
