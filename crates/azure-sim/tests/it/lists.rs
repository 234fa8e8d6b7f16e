//! Lists, their pages, and the manners of the resource manager that every client relies on.

use azure_sim::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Azure, error};

/// All members of a list, following `nextLink` as it is written, and how many pages there were.
async fn all(azure: &Azure, path: &str) -> (Vec<String>, usize) {
    let mut page = azure.get(path).await;
    let (mut ids, mut pages) = (Vec::new(), 0);
    loop {
        pages += 1;
        ids.extend(page["value"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextLink"].as_str() else { return (ids, pages) };
        let answer = azure.http.get(next).bearer_auth(&azure.token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{next}");
        page = answer.json::<Value>().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_in_pages_has_the_same_members_in_the_same_order() {
    let azure = Azure::start().await;
    let subscription = format!("/subscriptions/{}", azure.vm("web-01").subscription_id);
    let lists = [
        "/providers/Microsoft.Compute/virtualMachines?$expand=instanceView",
        "/providers/Microsoft.Compute/disks",
        "/providers/Microsoft.Network/networkInterfaces",
        "/providers/Microsoft.Network/publicIPAddresses",
        "/providers/Microsoft.Network/networkSecurityGroups",
        "/providers/Microsoft.Network/virtualNetworks",
        "/providers/Microsoft.Security/jitNetworkAccessPolicies",
        "/resources?$filter=location eq 'westeurope'",
        "/resourcegroups",
        "/locations",
    ];
    for list in lists {
        let path = format!("{subscription}{list}");
        let (whole, pages) = all(&azure, &path).await;
        assert_eq!(pages, 1, "{list}");
        azure.set("switches", json!({ "pageSize": "2" })).await;
        let (joined, pages) = all(&azure, &path).await;
        azure.set("switches", json!({ "pageSize": "1000" })).await;
        assert_eq!(joined, whole, "{list}");
        assert_eq!(pages, whole.len().div_ceil(2), "{list}");
        assert!(pages > 1, "{list}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_skip_token_or_filter_of_ones_own_making_is_refused() {
    let azure = Azure::start().await;
    let subscription = format!("/subscriptions/{}", azure.vm("web-01").subscription_id);
    for (query, expected) in [
        ("$skiptoken=mine", "InvalidSkipToken"),
        ("$filter=colour eq 'red'", "InvalidFilterInQueryString"),
        ("$top=none", "InvalidParameter"),
    ] {
        let path = format!("{subscription}/resources?{query}");
        let (status, code, _) = error(azure.request(Method::GET, &path).send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), (400, expected));
    }
}

/// The names in a list, sorted.
async fn names(azure: &Azure, path: &str) -> Vec<String> {
    let list = azure.get(path).await;
    let mut names: Vec<_> =
        list["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_of_all_resources_is_filtered_as_its_description_says() {
    let azure = Azure::start().await;
    let scope = format!("/subscriptions/{}", azure.vm("web-01").subscription_id);
    let filtered = async |filter: &str| names(&azure, &format!("{scope}/resources?$filter={filter}")).await;
    let (vms, disks) =
        ("resourceType eq 'Microsoft.Compute/virtualMachines'", "resourceType eq 'Microsoft.Compute/disks'");
    let all = filtered("").await;
    let (of_vms, of_disks) = (filtered(vms).await, filtered(disks).await);
    assert!(!of_vms.is_empty() && !of_disks.is_empty() && of_vms.len() + of_disks.len() < all.len());

    assert_eq!(filtered(&format!("{vms} or {disks}")).await.len(), of_vms.len() + of_disks.len());
    assert_eq!(filtered("name eq 'web-01' or name eq 'JUMP-EU'").await, ["jump-eu", "web-01"]);
    assert_eq!(filtered(&format!("{vms} and (name eq 'web-01' or name eq 'none')")).await, ["web-01"]);
    assert_eq!(filtered(&format!("{disks} and name eq 'none' or name eq 'web-01'")).await, ["web-01"]);
    assert_eq!(filtered(&format!("({vms})")).await, of_vms);
    let others = filtered("resourceType ne 'Microsoft.Compute/virtualMachines'").await;
    assert_eq!(others.len(), all.len() - of_vms.len());
    assert!(!filtered(&format!("{vms} and name ne 'web-01'")).await.contains(&"web-01".to_owned()));
    assert_eq!(filtered("startswith(tagName,'env')").await, all);
    assert_eq!(filtered("startswith(tagName,'nope')").await, [""; 0]);
    let web: Vec<_> = of_vms.iter().filter(|name| name.contains("web")).cloned().collect();
    assert_eq!(filtered(&format!("substringof('WEB', name) and {vms}")).await, web);
    let of_group = names(&azure, &format!("{scope}/resourceGroups/rg-demo/resources?$filter={vms} or {disks}")).await;
    assert!(of_group.contains(&"web-01".to_owned()) && of_group.len() > 1, "{of_group:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_vms_and_sizes_take_the_one_filter_that_is_described() {
    let azure = Azure::start().await;
    let scope = format!("/subscriptions/{}", azure.vm("web-01").subscription_id);
    let set = "'virtualMachineScaleSet/id' eq \
               '/subscriptions/x/resourceGroups/y/providers/Microsoft.Compute/virtualMachineScaleSets/z'";
    for scope in [scope.clone(), format!("{scope}/resourceGroups/rg-demo")] {
        let list = format!("{scope}/providers/Microsoft.Compute/virtualMachines");
        assert!(!names(&azure, &list).await.is_empty());
        assert!(!names(&azure, &format!("{list}?$filter=")).await.is_empty());
        assert_eq!(names(&azure, &format!("{list}?$filter={set}")).await, [""; 0], "no VM is in a scale set");
    }
    let of_region = format!("{scope}/providers/Microsoft.Compute/locations/westeurope/virtualMachines");
    assert!(!names(&azure, &of_region).await.is_empty());
    assert_eq!(names(&azure, &format!("{of_region}?$filter=")).await, names(&azure, &of_region).await);
    let (status, code, _) =
        error(azure.request(Method::GET, &format!("{of_region}?$filter={set}")).send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (501, "NotSimulated"), "it is described to take none");

    let skus = format!("{scope}/providers/Microsoft.Compute/skus");
    let sizes = names(&azure, &format!("{skus}?$filter=location eq 'West Europe'")).await;
    assert!(sizes.contains(&"Standard_D2s_v5".to_owned()));
    let here = azure.get(&format!("{skus}?$filter=location eq 'northeurope'")).await;
    for sku in here["value"].as_array().unwrap() {
        assert_eq!(sku["locations"], json!(["northeurope"]));
    }
    assert_eq!(names(&azure, &format!("{skus}?$filter=location eq 'nowhere'")).await, [""; 0]);
    assert!(names(&azure, &skus).await.len() > 2 * sizes.len(), "without a filter, those of all regions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_that_is_not_served_is_told_from_what_is_none() {
    let azure = Azure::start().await;
    let scope = format!("/subscriptions/{}", azure.vm("web-01").subscription_id);
    for (list, filter, status, code) in [
        ("resources", "identity/principalId eq 'x'", 501, "NotSimulated"),
        ("resources", "name eq 'web-01' or plan/publisher eq 'x'", 501, "NotSimulated"),
        ("resources", "createdTime ge 2020-01-01T00:00:00Z", 501, "NotSimulated"),
        ("resources", "name eq 'web-01' or", 400, "InvalidFilterInQueryString"),
        ("resources", "(name eq 'web-01'", 400, "InvalidFilterInQueryString"),
        ("resourcegroups", "name eq 'rg-demo'", 501, "NotSimulated"),
        ("resourcegroups", "tagName", 400, "InvalidFilterInQueryString"),
        ("providers/Microsoft.Compute/virtualMachines", "bogus eq 1", 501, "NotSimulated"),
        ("providers/Microsoft.Compute/virtualMachines", "bogus", 400, "InvalidFilterInQueryString"),
        ("providers/Microsoft.Compute/locations/westeurope/virtualMachines", "name eq 'web-01'", 501, "NotSimulated"),
        (
            "providers/Microsoft.Compute/locations/westeurope/virtualMachines",
            "bogus",
            400,
            "InvalidFilterInQueryString",
        ),
        ("providers/Microsoft.Compute/skus", "name eq 'Standard_B2s'", 501, "NotSimulated"),
        ("providers/Microsoft.Compute/skus", "location eq", 400, "InvalidFilterInQueryString"),
    ] {
        let path = format!("{scope}/{list}?$filter={filter}");
        let (found, found_code, _) = error(azure.request(Method::GET, &path).send().await.unwrap()).await;
        assert_eq!((found, found_code.as_str()), (status, code), "{list} {filter}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_told_from_what_cannot_be() {
    let azure = Azure::start().await;
    azure.set("rights", json!({ "action": "*", "allowed": true })).await;
    let group = format!("/subscriptions/{}/resourceGroups/rg-demo", azure.vm("web-01").subscription_id);
    for (method, path, status, code) in [
        (Method::GET, format!("{group}/providers/Microsoft.Compute/disks/none"), 404, "ResourceNotFound"),
        (Method::GET, format!("{group}/providers/Microsoft.Network/loadBalancers/none"), 404, "ResourceNotFound"),
        (Method::GET, format!("{group}/providers/Microsoft.Compute/nonsense/none"), 404, "InvalidResourceType"),
        (Method::GET, format!("{group}-not/providers/Microsoft.Compute/disks/none"), 404, "ResourceGroupNotFound"),
        (Method::GET, format!("{group}-not"), 404, "ResourceGroupNotFound"),
        (Method::DELETE, format!("{group}/providers/Microsoft.Compute/disks"), 405, "MethodNotAllowed"),
        (Method::GET, "/subscriptions/x/providers/Microsoft.No".to_owned(), 400, "InvalidSubscriptionId"),
        (Method::GET, "/providers/Microsoft.Sql".to_owned(), 501, "NotSimulated"),
        (Method::GET, "/providers/Nobody.Knows".to_owned(), 404, "InvalidResourceNamespace"),
        (Method::POST, "/batch".to_owned(), 501, "NotSimulated"),
        (Method::GET, format!("{group}/providers/Microsoft.Network/azureFirewalls"), 501, "NotSimulated"),
        (Method::GET, format!("{group}/providers/Microsoft.Network/azureFirewalls/fw"), 501, "NotSimulated"),
    ] {
        let answer = azure.request(method, &path).send().await.unwrap();
        let (found, found_code, _) = error(answer).await;
        assert_eq!((found, found_code.as_str()), (status, code), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_tells_whether_a_resource_group_or_a_resource_exists() {
    let azure = Azure::start().await;
    let vm = azure.vm("web-01").id.clone();
    let group = vm.split("/providers/").next().unwrap().to_owned();
    for (path, expected) in [
        (group.clone(), StatusCode::NO_CONTENT),
        (format!("{group}-not"), StatusCode::NOT_FOUND),
        (vm.clone(), StatusCode::NO_CONTENT),
        (format!("{vm}-not"), StatusCode::NOT_FOUND),
    ] {
        let answer = azure.request(Method::HEAD, &path).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{path}");
        assert!(answer.bytes().await.unwrap().is_empty(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_id_in_a_resource_leads_to_a_resource() {
    let azure = Azure::start_with(Options { speed: 1000.0, ..Options::default() }).await;
    let subscription = azure.vm("web-01").subscription_id.clone();
    let (ids, _) = all(&azure, &format!("/subscriptions/{subscription}/resources")).await;
    assert!(ids.len() > 40, "{}", ids.len());
    for id in ids {
        let resource = azure.get(&id).await;
        assert_eq!(resource["id"], id);
        for other in ids_in(&resource["properties"]) {
            let answer = azure.request(Method::GET, &other).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{other} in {id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tenant_has_the_providers_of_its_subscriptions_and_a_subscription_has_one_region_of_defenders() {
    let azure = Azure::start().await;
    let subscription = format!("/subscriptions/{}", azure.vm("web-01").subscription_id);
    let (of_tenant, of_subscription) =
        (azure.get("/providers").await, azure.get(&format!("{subscription}/providers")).await);
    let pairs = of_tenant["value"].as_array().unwrap().iter().zip(of_subscription["value"].as_array().unwrap());
    for (one, registered) in pairs {
        assert_eq!(one["resourceTypes"], registered["resourceTypes"]);
        assert_eq!(one["id"], format!("/providers/{}", registered["namespace"].as_str().unwrap()));
        assert!(one["registrationState"].is_null() && registered["registrationState"] == "Registered");
    }
    assert_eq!(azure.get("/providers/microsoft.compute").await, of_tenant["value"][0]);

    let locations = azure.get(&format!("{subscription}/providers/Microsoft.Security/locations")).await;
    let [only] = locations["value"].as_array().unwrap().as_slice() else { panic!("{locations}") };
    assert_eq!(&azure.get(only["id"].as_str().unwrap()).await, only);
    let other = format!("{subscription}/providers/Microsoft.Security/locations/nowhere");
    let (status, code, _) = error(azure.request(Method::GET, &other).send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (404, "ResourceNotFound"));
}

/// Every resource id in a value.
fn ids_in(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if text.starts_with("/subscriptions/") => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(ids_in).collect(),
        Value::Object(fields) => fields.values().flat_map(ids_in).collect(),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
