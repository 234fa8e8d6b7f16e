//! Looking how things stand in a whole fleet.

use ajar_core::protocol::{Reply, Request};
use serde_json::Value;

use super::{Site, soon};

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_shows_which_vms_run_with_one_list_of_policies_for_all() {
    let site = Site::start().await;
    let face = site.open().await;
    assert_eq!(face.ask(Request::Refresh).await, Reply::Done);
    let snapshot = soon(face.wait_for(|snapshot| !snapshot.refreshing)).await.unwrap();

    let announced = &site.simulator.announce().vms;
    let favourites = snapshot.favourites.iter();
    let known = favourites.filter_map(|favourite| {
        let vm = announced.iter().find(|vm| vm.name == favourite.vm_name)?;
        favourite.detail.ends_with(&format!(" · {}", vm.power_state)).then_some(vm.power_state.as_str())
    });
    let known: Vec<_> = known.collect();
    assert!(known.contains(&"running") && known.contains(&"deallocated"), "{:#?}", snapshot.favourites);
    assert_eq!(known.len(), snapshot.favourites.len(), "{:#?}", snapshot.favourites);

    let calls = site.journal().await;
    let lists = calls.iter().filter(|call| call["path"].as_str().unwrap().ends_with("/jitNetworkAccessPolicies"));
    let lists: Vec<_> = lists.map(|call| &call["path"]).collect();
    let subscriptions: std::collections::HashSet<_> = announced.iter().map(|vm| &vm.subscription_id).collect();
    assert_eq!(lists.len(), subscriptions.len(), "{lists:?}");
}

impl Site {
    async fn journal(&self) -> Vec<Value> {
        let url = format!("{}/journal", self.simulator.announce().control);
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }
}
