//! What runs on after use is asked about by a real notification and in the real menu.

use serde_json::Value;

use crate::desk::Desk;
use crate::says;

#[tokio::test]
async fn a_vm_that_ajar_started_is_asked_about_and_a_click_on_the_notification_deallocates_it() {
    let mut desk = Desk::set_up().await;
    let azure = desk.own_azure("").await;
    azure.add_favourite("after_use = \"leave\"\n");
    let mut tray = desk.start_tray_as_application(&azure).await;
    tray.click("web-01").await;
    assert_eq!(desk.notifications.next().await.title, "Connected to web-01");
    tray.quit().await;

    // Five minutes have gone by since somebody was connected, of which the next Ajar knows.
    let state = azure.folder.join("state.json");
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&state).expect("it is kept")).expect("JSON");
    let started = kept["started"].as_object_mut().expect("what was started").values_mut();
    started.for_each(|started| started["dealt"] = "asked".into());
    std::fs::write(&state, kept.to_string()).expect("the folder can be written to");
    let mut tray = desk.start_tray_as_application(&azure).await;
    let lines = tray.menu_when("web-01 is open", |lines| says(lines, |line| line.starts_with("web-01 · "))).await;
    assert!(!says(&lines, |line| line == "Not used any more"), "nobody has said so: {lines:#?}");

    let settings = azure.settings().replace("\"leave\"", "\"ask\"");
    std::fs::write(azure.folder.join("config.toml"), settings).expect("the folder can be written to");
    let asked = desk.notifications.next().await;
    assert_eq!(asked.title, "web-01 is still running");
    let labels: Vec<_> = asked.actions.iter().map(|(_, label)| label.as_str()).collect();
    assert!(["Deallocate", "Later", "Leave it running"].iter().all(|label| labels.contains(label)), "{asked:?}");
    let lines = tray.menu_when("it is asked", |lines| says(lines, |line| line == "Not used any more")).await;
    assert!(says(&lines, |line| line == "    Leave web-01 running"), "{lines:#?}");
    let (deallocate, _) = asked.actions.iter().find(|(_, label)| label == "Deallocate").expect("a button");
    desk.notifications.click(&asked, deallocate).await.unwrap();
    assert_eq!(desk.notifications.next().await.title, "web-01 is deallocated");
    tray.menu_when("it rests", |lines| !says(lines, |line| line == "Not used any more")).await;
    tray.quit().await;
}
