//! A host that is killed in the midst of it.

use ajar_core::snapshot::{OutcomeView, ReachedView};
use serde_json::{Value, json};

use super::{Site, soon, without_client};
use crate::hosting::to_the_end;

/// Kills the host as soon as Azure has granted its request for access; an attached face brings the attempt to its end.
async fn killed_after_the_request(fault: Option<Value>) -> Site {
    let site = Site::start().await;
    if let Some(fault) = fault {
        site.set("faults", fault).await;
    }
    let (mut host, pid) = site.child().await;
    assert_eq!(Some(pid), host.id());
    let face = site.open().await;
    assert_eq!(face.snapshot().host.pid, pid);
    let mut following = face.connect(without_client("web-01")).await;
    site.until_granted().await;
    host.kill().await.unwrap();

    let view = to_the_end(&mut following).await.unwrap();
    assert!(matches!(view.outcome, Some(OutcomeView::Connected(ReachedView { window: Some(_), .. }))), "{view:#?}");
    let snapshot = face.snapshot();
    assert_eq!(snapshot.host.pid, std::process::id(), "the attached face has taken over");
    let window = &snapshot.windows[0];
    assert_eq!((window.name.as_str(), window.opened_by.as_deref()), ("web-01", None));
    let sent = site.initiates().await;
    assert_eq!(sent.len(), 1, "{sent:#?}");
    // Once the lock is free the engine has ended, and all is on the disk.
    drop(face);
    let lock = std::fs::File::open(site.folder().engine_lock()).unwrap();
    soon(tokio::task::spawn_blocking(move || lock.lock())).await.unwrap().unwrap();
    let state = std::fs::read_to_string(site.folder().state()).unwrap();
    assert!(state.contains("\"unsettled\": {}"), "{state}");
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_killed_right_after_its_request_does_not_cause_a_second_one() {
    let site = killed_after_the_request(None).await;
    assert_no_secrets_in_files(&site);
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_does_a_host_killed_between_request_and_answer() {
    let slow = json!({ "match": { "method": "POST", "path": "/initiate" }, "fault": "slow", "seconds": 3, "times": 1 });
    killed_after_the_request(Some(slow)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_does_a_host_killed_after_the_answer_was_lost() {
    let lost = json!({ "match": { "method": "POST", "path": "/initiate" }, "fault": "resetAfter", "times": 1 });
    killed_after_the_request(Some(lost)).await;
}

/// Nothing that Ajar writes, logs included, holds the account's secret or a token.
fn assert_no_secrets_in_files(site: &Site) {
    let announce = site.simulator.announce();
    let secrets = [announce.client_secret.as_str(), announce.identity_header.as_str(), "eyJ", "Bearer"];
    let mut files = 0;
    for entry in std::fs::read_dir(site.home.path()).unwrap() {
        let path = entry.unwrap().path();
        // A file that another process holds locked is empty.
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        files += 1;
        for secret in secrets {
            assert!(!text.contains(secret), "{} in {}", secret, path.display());
        }
    }
    let mut names = std::fs::read_dir(site.home.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.any(|name| name.to_str().unwrap().starts_with("ajar.")), "there is a log");
    assert!(files >= 5, "{files}");
}
