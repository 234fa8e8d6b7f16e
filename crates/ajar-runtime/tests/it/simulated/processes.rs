//! Several processes at once.

use futures::future::join_all;

use super::{Site, soon};
use crate::child::command;

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_processes_that_start_at_once_exactly_one_hosts() {
    let site = Site::start().await;
    let started = soon(join_all((0..8).map(|_| site.child()))).await;
    let hosts: std::collections::BTreeSet<_> = started.iter().map(|(_, host)| *host).collect();
    assert_eq!(hosts.len(), 1, "{hosts:?}");
    assert!(started.iter().any(|(child, host)| child.id() == Some(*host)));
    let attached = site.open().await;
    assert!(hosts.contains(&attached.snapshot().host.pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_add_favourites_at_once_lose_none() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_str().unwrap();
    let mut children: Vec<_> =
        ["a", "b", "c", "d"].iter().map(|prefix| command("add", &[path, prefix]).spawn().unwrap()).collect();
    for child in &mut children {
        drop(child.stdin.take());
        assert!(soon(child.wait()).await.unwrap().success());
    }
    let settings = ajar_runtime::files::SettingsFile::new(ajar_runtime::files::Folder::at(home.path()).settings());
    assert_eq!(settings.read().unwrap().favourites.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_which_process_hosted() {
    let site = Site::start().await;
    let (mut child, _) = site.child().await;
    drop(child.stdin.take());
    assert!(soon(child.wait()).await.unwrap().success());
    let mut logs = std::fs::read_dir(site.folder().logs()).unwrap().map(|entry| entry.unwrap().path());
    let log = logs.find(|path| path.extension().is_some_and(|end| end == "log")).unwrap();
    let text = std::fs::read_to_string(log).unwrap();
    assert!(text.contains("INFO") && text.contains("this process hosts the engine"), "{text}");
}
