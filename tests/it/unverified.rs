//! What is not known of the real Azure is a switch of the simulator; a VM is opened whichever way it stands.

use serde_json::json;

use crate::world::World;

const SWITCHES: [(&str, &str); 9] = [
    ("initiateOnDeallocated", "refuse"),
    ("newerRequestReplaces", "source"),
    ("newerRequestReplaces", "requestor"),
    ("replacementGap", "gap"),
    ("initiateStatus", "Initiated"),
    ("initiateBody", "endTimeUtc"),
    ("initiateBody", "duration"),
    ("shortestDuration", "PT5M"),
    ("subscriptionListAction", "plain"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_deallocated_vm_is_opened_under_each_of_them() {
    for (switch, value) in SWITCHES {
        let world = World::new().await;
        world.control().post("switches", json!({ switch: value })).await;
        if switch == "initiateOnDeallocated" {
            // The start comes late, so that the request finds the VM at rest.
            let late = json!({ "fault": "throttle", "retryAfter": 1, "times": 1 });
            world.control().fault("POST", "*/start", late).await;
        }
        let ended = world.run(&["connect", "web-01", "--no-launch", "--json"]).await;
        assert_eq!(ended.last_event()["event"], "connected", "with {switch} = {value}: {}", ended.stderr);
    }
}
