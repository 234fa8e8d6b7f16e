//! Network watchers: one for each region of a subscription, in a resource group of their own.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Azure, error};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_region_of_a_subscription_has_a_network_watcher_that_every_list_shows() {
    let azure = Azure::start().await;
    let subscription = format!("/subscriptions/{}", azure.vm("web-01").subscription_id);
    let group = format!("{subscription}/resourceGroups/NetworkWatcherRG");
    let names = async |path: String| {
        let listed = azure.get(&path).await;
        let names = listed["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let wanted = ["NetworkWatcher_northeurope", "NetworkWatcher_westeurope"];
    assert_eq!(names(format!("{subscription}/providers/Microsoft.Network/networkWatchers")).await, wanted);
    assert_eq!(names(format!("{group}/providers/Microsoft.Network/networkWatchers")).await, wanted);
    assert_eq!(names(format!("{group}/resources")).await, wanted);
    assert!(names(format!("{subscription}/resourceGroups")).await.contains(&"NetworkWatcherRG".to_owned()));
    let elsewhere = azure.vm("web-01").id.split("/providers/").next().unwrap().to_owned();
    assert!(names(format!("{elsewhere}/providers/Microsoft.Network/networkWatchers")).await.is_empty());

    let one = format!("{group}/providers/Microsoft.Network/networkWatchers/networkwatcher_WESTEUROPE");
    let one = azure.get(&one).await;
    assert_eq!((&one["name"], &one["location"]), (&json!("NetworkWatcher_westeurope"), &json!("westeurope")));
    let query = json!({ "query": "resources | where type =~ 'Microsoft.Network/networkWatchers' | project id" });
    let answer = azure.request(Method::POST, "/providers/Microsoft.ResourceGraph/resources").json(&query);
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    let ids: Vec<_> = answer["data"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
    assert!(ids.contains(&one["id"]), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_of_another_region_or_name_verifies_nothing() {
    let azure = Azure::start().await;
    let group = format!("/subscriptions/{}/resourceGroups/NetworkWatcherRG", azure.vm("gpu-lab").subscription_id);
    let ask = json!({
        "targetResourceId": azure.vm("gpu-lab").id, "direction": "Inbound", "protocol": "TCP", "localPort": "22",
        "remotePort": "*", "localIPAddress": "10.1.0.4", "remoteIPAddress": "203.0.113.24",
    });
    for (watcher, refused) in
        [("NetworkWatcher_northeurope", (400, "InvalidParameter")), ("mine", (404, "ResourceNotFound"))]
    {
        let path = format!("{group}/providers/Microsoft.Network/networkWatchers/{watcher}/ipFlowVerify");
        let (status, code, _) = error(azure.request(Method::POST, &path).json(&ask).send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), refused, "{watcher}");
    }
}
