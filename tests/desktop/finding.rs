//! Finding a VM among all that somebody can see, in the real window, by the keyboard alone.

use crate::desk::Desk;
use crate::driver::{ENTER, ESCAPE};
use crate::own_azure::APPLICATION;
use crate::signing_in::{look, reads};

#[tokio::test]
async fn whoever_has_signed_in_types_a_part_of_a_name_and_presses_enter() {
    let mut desk = Desk::set_up().await;
    let mut own = desk.own_azure(&format!("[sign_in]\nclient_id = \"{APPLICATION}\"\n")).await;
    let window = desk.driven_window_of(&own, "Adwaita").await;
    reads(&window, "Try it without Azure").await;
    window.tab_to("Sign in").await;
    window.press(ENTER).await;
    let page = own.next_page().await;
    own.sign_in(&page, "ada").await;
    reads(&window, "Type to find it").await;

    window.press("eb-0").await;
    reads(&window, "1 of 1 VM").await;
    reads(&window, "Home · ").await;
    look(&window, "found-vms").await;
    window.press(ENTER).await;
    let client = desk.recorder.next().await;
    assert!(client.args[0].ends_with("ssh"), "{client:?}");
    assert!(!own.settings().contains("[profiles."), "it is no favourite by that: {}", own.settings());
    window.press(ESCAPE).await;
    window.run_until("it stands among the open ones", "return document.querySelector('.ring')").await;

    window.press("web").await;
    reads(&window, "1 of 1 VM").await;
    window.tab_to("Make web-01 a favourite").await;
    window.press(ENTER).await;
    reads(&window, "web-01 is a favourite").await;
    reads(&window, "1 of 1 favourites").await;
    let added = format!("[profiles.web-01]\nvm = {:?}\n", own.vm());
    assert!(own.settings().ends_with(&added), "{}", own.settings());
    window.press(ESCAPE).await;
    window.close().await;
}
