//! People who sign in with a real browser.

use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::chromium::Chromium;
use crate::user::{User, ended, next_event};

#[tokio::test]
async fn a_person_signs_in_with_a_real_browser_and_opens_a_vm() {
    let (user, browser) = (User::new().await, Chromium::start().await);
    let mut child = user.ajar(&["sign-in", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let event = next_event(&mut lines).await.unwrap();
    browser.open(event["url"].as_str().unwrap()).await;
    browser.click("bob").await;
    let page = browser.shows("Back to Ajar").await;
    assert!(page.contains("You can close this page"), "{page}");
    let address = browser.address().await;
    assert!(address.starts_with("http://localhost:"), "{address}");
    let event = next_event(&mut lines).await.unwrap();
    assert_eq!((&event["event"], &event["name"]), (&"signedIn".into(), &"bob".into()), "{event}");
    assert_eq!(ended(child).await.0, 0);

    let (code, stdout, stderr) = user.run(&["connect", "lab", "--no-launch", "--json"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    // The same page, used once more: its sign-in is over, and nothing waits for it.
    browser.back().await;
    assert!(!user.settings().contains("[accounts.bob-2]"), "{}", user.settings());
    browser.close().await;
}

#[tokio::test]
async fn a_person_types_the_code_into_a_real_browser() {
    let (user, browser) = (User::new().await, Chromium::start().await);
    let mut child = user.ajar(&["sign-in", "--device-code", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let event = next_event(&mut lines).await.unwrap();
    assert_eq!(event["event"], "deviceCode", "{event}");
    browser.open(event["url"].as_str().unwrap()).await;
    browser.types(event["userCode"].as_str().unwrap()).await;
    browser.click("Next").await;
    browser.click("bob").await;
    let event = next_event(&mut lines).await.unwrap();
    assert_eq!((&event["event"], &event["name"]), (&"signedIn".into(), &"bob".into()), "{event}");
    assert_eq!(ended(child).await.0, 0);
    assert!(user.settings().contains("sign_in = \"device-code\""), "{}", user.settings());
    browser.close().await;
}

#[tokio::test]
async fn a_page_of_an_older_sign_in_does_not_end_the_newer_one_and_a_closed_browser_can_be_given_up() {
    let (user, browser) = (User::new().await, Chromium::start().await);
    // Both sign-ins are of one engine.
    let mut host = user.ajar(&["status", "--watch", "--json"]).spawn().unwrap();
    let mut watched = BufReader::new(host.stdout.take().unwrap()).lines();
    next_event(&mut watched).await.unwrap();
    let mut pages = Vec::new();
    let mut children = Vec::new();
    for _ in 0..2 {
        let mut child = user.ajar(&["sign-in", "--json"]).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        pages.push(next_event(&mut lines).await.unwrap()["url"].as_str().unwrap().to_owned());
        children.push((child, lines));
    }
    let (newer, mut lines) = children.pop().unwrap();
    // It tells more, and whoever hangs up ends it.
    let (older, _hearing) = children.pop().unwrap();
    assert_eq!(ended(older).await.0, 3, "a newer one took its place");
    browser.open(&pages[0]).await;
    browser.click("bob").await;
    // Nobody listens for the older one: its page leads nowhere, or is not the one that is waited for.
    browser.open(&pages[1]).await;
    browser.close().await;
    let pid = newer.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert!(next_event(&mut lines).await.is_none());
    assert_eq!(ended(newer).await.0, 130);
    assert!(!user.settings().contains("[accounts"), "{}", user.settings());
}
