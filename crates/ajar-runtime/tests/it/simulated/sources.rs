//! This machine's public address, asked of the simulator's three services.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ajar_core::failure::{Failure, Trouble};
use ajar_core::source::{Confidence, SourceAddress};
use ajar_runtime::connection;
use serde_json::{Value, json};

use super::{Site, says, soon};
use crate::child::command;

const TRUE_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 24);
const OTHER_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 77);

/// What is found when these faults lie on the services.
async fn found(faults: &[(u8, Value)]) -> (Result<SourceAddress, Trouble>, Duration) {
    let site = Site::start().await;
    for (service, fault) in faults {
        let mut body = json!({ "match": { "path": format!("/_ip/{service}") }, "times": null });
        body.as_object_mut().unwrap().extend(fault.as_object().unwrap().clone());
        site.set("faults", body).await;
    }
    let parts = connection::parts(site.folder(), None, true, |_| None).unwrap();
    let began = Instant::now();
    (soon(parts.ports.public_ip.detect(parts.cloud.as_deref().unwrap())).await, began.elapsed())
}

fn agreed(sources: u8) -> SourceAddress {
    SourceAddress { address: TRUE_ADDRESS, confidence: Confidence::Agreed { sources } }
}

fn fault(name: &str) -> Value {
    json!({ "fault": name })
}

#[tokio::test(flavor = "multi_thread")]
async fn three_sources_that_agree_are_counted() {
    assert_eq!(found(&[]).await.0.unwrap(), agreed(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dissenter_or_captive_portal_or_silence_is_outvoted() {
    for name in ["otherAddress", "html", "reset", "internal"] {
        assert_eq!(found(&[(2, fault(name))]).await.0.unwrap(), agreed(2), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_source_does_not_hold_up_two_that_agree() {
    let (result, took) = found(&[(3, json!({ "fault": "slow", "seconds": 30 }))]).await;
    assert_eq!(result.unwrap(), agreed(2));
    assert!(took < Duration::from_millis(1_900), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_source_is_waited_for_as_long_as_the_others_disagree_and_no_longer() {
    let slow = json!({ "fault": "slow", "seconds": 30 });
    let (result, took) = found(&[(1, fault("otherAddress")), (3, slow)]).await;
    let Failure::SourceUncertain { mut seen } = result.unwrap_err().failure else { panic!() };
    seen.sort_unstable();
    assert_eq!(seen, [OTHER_ADDRESS, TRUE_ADDRESS]);
    assert!(took > Duration::from_millis(1_500), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_see_two_addresses_are_not_guessed_between() {
    let (result, _) = found(&[(1, fault("otherAddress")), (2, fault("html"))]).await;
    assert!(matches!(result.unwrap_err().failure, Failure::SourceUncertain { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_answer_is_marked_and_no_answer_is_none() {
    let lone = found(&[(1, fault("html")), (2, fault("unavailable"))]).await.0.unwrap();
    assert_eq!(lone, SourceAddress { address: TRUE_ADDRESS, confidence: Confidence::Unconfirmed });
    let none = found(&[(1, fault("html")), (2, fault("html")), (3, fault("reset"))]).await.0.unwrap_err();
    assert_eq!(none.failure, Failure::SourceUnknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_not_asked() {
    let site = Site::start().await;
    let mut command = command("detect", &[site.home.path().to_str().unwrap()]);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, "http://127.0.0.1:9");
    }
    let mut child = command.spawn().unwrap();
    assert_eq!(soon(says(&mut child)).await, TRUE_ADDRESS.to_string());
}
