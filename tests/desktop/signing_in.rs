//! The first start, signing in and out, in the real window and from the real tray, by the keyboard alone.

use serde_json::json;

use crate::desk::{Desk, within};
use crate::driver::{Driver, ENTER, ESCAPE, TAB};
use crate::own_azure::APPLICATION;
use crate::window::{CUT, axe};
use crate::{QUIET, says, says_time_left};

/// Looks at a state in each width and scheme: pictures for people, and the rules for everybody.
pub(crate) async fn look(window: &Driver, name: &str) {
    for scheme in ["light", "dark"] {
        window.run(&format!("document.documentElement.style.colorScheme = '{scheme}'")).await;
        for width in [320, 420] {
            window.resize(width, 720).await;
            let fits = format!("return document.documentElement.clientWidth === {width}");
            window.run_until(&format!("the window is {width} wide"), &fits).await;
            window.save(&format!("{name}-{width}-{scheme}")).await;
            let cut = window.run(CUT).await;
            assert_eq!(cut, json!({ "wide": width, "out": [], "scrolls": false }), "{name} {scheme}");
        }
        let judged = format!(
            "{}; return axe.run(document).then(({{ violations }}) => \
             violations.flatMap(({{ id, nodes }}) => nodes.map(({{ html, failureSummary }}) => [id, html, failureSummary])));",
            axe()
        );
        assert_eq!(window.run(&judged).await, json!([]), "{name} {scheme}");
    }
}

/// Waits until the page says something.
pub(crate) async fn reads(window: &Driver, text: &str) {
    let said = format!("return document.body.innerText.includes({})", json!(text));
    window.run_until(&format!("the window says “{text}”"), &said).await;
}

#[tokio::test]
async fn a_first_start_leads_to_a_connected_vm_and_signing_out_tells_what_it_removed() {
    let mut desk = Desk::set_up().await;
    let mut own = desk.own_azure("").await;
    let window = desk.driven_window_of(&own, "Adwaita").await;
    reads(&window, "Try it without Azure").await;
    reads(&window, "nobody signed in").await;
    look(&window, "first-start").await;

    // Nothing to sign in with is known yet.
    window.tab_to("Sign in").await;
    window.press(ENTER).await;
    reads(&window, "Application (client) ID").await;
    look(&window, "first-application").await;
    window.press(&format!("{APPLICATION}{ENTER}")).await;
    let page = own.next_page().await;
    assert!(page.contains(&format!("client_id={APPLICATION}")), "{page}");
    reads(&window, "Go on in your browser.").await;
    look(&window, "sign-in-browser").await;
    window.tab_to("Open it again").await;
    window.press(ENTER).await;
    assert_eq!(own.next_page().await, page);

    own.sign_in(&page, "ada").await;
    reads(&window, "The account is called ada.").await;
    reads(&window, "no keychain that Ajar can use").await;
    look(&window, "signed-in").await;
    assert!(own.settings().contains(&format!("client_id = \"{APPLICATION}\"")), "{}", own.settings());

    window.tab_to("Add a VM").await;
    window.press(ENTER).await;
    reads(&window, "VM resource ID").await;
    window.press(&format!("{}{TAB}{ENTER}", own.vm())).await;
    window
        .run_until("the new favourite is selected", "return document.querySelector('[role=row][aria-selected=true]')")
        .await;
    window.press(ENTER).await;
    let client = desk.recorder.next().await;
    assert!(client.args[0].ends_with("ssh"), "{client:?}");
    window.run_until("it stands among the open ones", "return document.querySelector('.ring')").await;
    look(&window, "first-connected").await;

    window.tab_to("Accounts").await;
    window.press(ENTER).await;
    reads(&window, "In the Azure CLI").await;
    look(&window, "accounts").await;
    window.tab_to("Add account").await;
    window.press(ENTER).await;
    reads(&window, "Sign in with the browser").await;
    look(&window, "add-account").await;
    window.press(ESCAPE).await;
    window.tab_to("Sign out of ada").await;
    window.press(ENTER).await;
    reads(&window, "Sign out of ada?").await;
    look(&window, "sign-out").await;
    window.tab_to("Sign out").await;
    window.press(ENTER).await;
    for text in ["Signed out of ada", "its sign-in", "[accounts.ada] from", "config.toml"] {
        reads(&window, text).await;
    }
    look(&window, "signed-out").await;
    assert!(!own.settings().contains("[accounts.ada]"), "{}", own.settings());
    window.close().await;
}

#[tokio::test]
async fn a_code_is_shown_with_where_to_type_it_and_a_sign_in_is_given_up() {
    let desk = Desk::set_up().await;
    let mut own = desk.own_azure(&format!("[sign_in]\nclient_id = \"{APPLICATION}\"\n")).await;
    let window = desk.driven_window_of(&own, "Adwaita").await;
    reads(&window, "Try it without Azure").await;
    window.tab_to("Accounts").await;
    window.press(ENTER).await;
    window.tab_to("Add account").await;
    window.press(ENTER).await;
    window.tab_to("Use a code on another device").await;
    window.press(ENTER).await;
    reads(&window, "Type this code on any device.").await;
    look(&window, "sign-in-code").await;
    window.tab_to("Open the page").await;
    window.press(ENTER).await;
    let page = own.next_page().await;
    assert!(page.ends_with("/devicelogin"), "{page}");
    window.tab_to("Cancel the sign-in").await;
    window.press(ENTER).await;
    window
        .run_until("the card is gone", "return !document.body.innerText.includes('Type this code on any device.')")
        .await;
    window.close().await;
}

#[tokio::test]
async fn a_sign_in_of_the_window_begins_anew_when_the_ajar_that_had_its_page_is_killed() {
    let desk = Desk::set_up().await;
    let mut own = desk.own_azure(&format!("[sign_in]\nclient_id = \"{APPLICATION}\"\n")).await;
    let tray = desk.start_tray_of(&own).await;
    let window = desk.driven_window_of(&own, "Adwaita").await;
    reads(&window, "Try it without Azure").await;
    window.tab_to("Sign in").await;
    window.press(ENTER).await;
    let lost = own.next_page().await;
    reads(&window, "Go on in your browser.").await;
    tray.kill().await;
    let page = own.next_page().await;
    assert_ne!(page, lost);
    reads(&window, "It begins anew.").await;
    own.sign_in(&page, "ada").await;
    reads(&window, "The account is called ada.").await;
    window.close().await;
}

#[tokio::test]
async fn the_tray_leads_to_the_sign_in_that_a_favourite_waits_for_and_opens_it_then() {
    let mut desk = Desk::set_up().await;
    let mut own = desk
        .own_azure(&format!("[sign_in]\nclient_id = \"{APPLICATION}\"\n[accounts.ada]\nsign_in = \"browser\"\n"))
        .await;
    own.add_favourite("account = \"ada\"\n");
    let mut tray = desk.start_tray_of(&own).await;
    // Not before it has looked in vain: that changes the menu once more.
    tray.menu_when("it waits for a sign-in", |lines| {
        says(lines, |line| line == "web-01 · sign in again")
            && says(lines, |line| line == "Nobody is signed in as ada.")
    })
    .await;
    tray.click("web-01 · sign in again").await;
    let page = own.next_page().await;
    desk.screen.window_named("Ajar").await;
    own.sign_in(&page, "ada").await;
    desk.recorder.next().await;
    tray.menu_when("web-01 is open", |lines| says(lines, |line| says_time_left(line, "web-01"))).await;
    tray.quit().await;
}

#[tokio::test]
async fn a_missing_right_has_a_message_for_who_can_grant_it() {
    let desk = Desk::set_up().await;
    let mut own = desk
        .own_azure(&format!("[sign_in]\nclient_id = \"{APPLICATION}\"\n[accounts.grace]\nsign_in = \"browser\"\n"))
        .await;
    own.add_favourite("account = \"grace\"\n");
    let window = desk.driven_window_of(&own, "Adwaita").await;
    reads(&window, "grace could not be read: sign in again").await;
    window.tab_to("grace could not be read: sign in again").await;
    window.press(ENTER).await;
    reads(&window, "Sign in again").await;
    look(&window, "accounts-wanting").await;
    window.press(ESCAPE).await;
    window.run_until("the favourites are shown", "return document.querySelector('[role=row]')").await;
    window.tab_to("Find a VM").await;
    window.press(&format!("web{ENTER}")).await;
    reads(&window, "Nobody is signed in as grace.").await;
    look(&window, "failed-for-sign-in").await;
    window.tab_to("Sign in to open web-01").await;
    window.press(ENTER).await;
    let page = own.next_page().await;
    own.sign_in(&page, "grace").await;
    reads(&window, "No right to ask").await;
    look(&window, "failed-for-rights").await;
    window.tab_to("Message for administrator about web-01").await;
    window.press(ENTER).await;
    reads(&window, "Copied the message for your administrator").await;
    window.close().await;
}

#[tokio::test]
async fn a_favourite_whose_account_is_gone_is_put_right_in_the_window() {
    let desk = Desk::set_up().await;
    let accounts = "[accounts.ada]\nsign_in = \"browser\"\n[accounts.bob]\nsign_in = \"browser\"\n";
    let mut own = desk.own_azure(&format!("[sign_in]\nclient_id = \"{APPLICATION}\"\n{accounts}")).await;
    own.add_favourite("account = \"grace\" # was signed out\n");
    let window = desk.driven_window_of(&own, "Adwaita").await;
    reads(&window, "grace · ").await;
    look(&window, "account-gone").await;
    window.tab_to("Find a VM").await;
    window.press(&format!("web{ENTER}")).await;
    reads(&window, "There is no account called “grace”.").await;
    window.press(ESCAPE).await;
    look(&window, "failed-for-account").await;

    // Under its name, as somebody who may look only: what that led to stands first.
    window.tab_to("Sign in to open web-01").await;
    window.press(ENTER).await;
    let page = own.next_page().await;
    own.sign_in(&page, "grace").await;
    reads(&window, "No right to ask").await;
    reads(&window, "Signed in as grace").await;
    look(&window, "signed-in-and-failed").await;
    let first = "return document.querySelector('main section h2').innerText";
    assert_eq!(window.run(first).await, "Couldn’t open");

    // As another, which is written down.
    window.tab_to("Other account for web-01").await;
    window.press(ENTER).await;
    let listed = "return document.activeElement.role === 'menuitem'";
    window.run_until("the accounts are listed", listed).await;
    window.press(&format!("ada{ENTER}")).await;
    reads(&window, "Nobody is signed in as ada.").await;
    assert!(own.settings().contains("account = \"ada\" # was signed out"), "{}", own.settings());

    // And by hand.
    window.tab_to("Find a VM").await;
    window.press("\u{e015}").await;
    window.press("\u{e032}").await;
    reads(&window, "Edit web-01").await;
    look(&window, "edit-favourite").await;
    window.tab_to("User").await;
    window.press(&format!("me{ENTER}")).await;
    reads(&window, "Changed web-01").await;
    assert!(own.settings().contains("user = \"me\""), "{}", own.settings());
    window.close().await;
}

#[tokio::test]
async fn the_demo_starts_beside_the_ajar_that_was_tried_first_and_ends_by_itself() {
    let desk = Desk::set_up().await;
    let own = desk.own_azure("").await;
    let window = desk.driven_window_of(&own, "Adwaita").await;
    reads(&window, "Try it without Azure").await;
    window.tab_to("Try it without Azure").await;
    window.press(ENTER).await;
    reads(&window, "The demo opens in a window of its own").await;
    window.save("demo-started").await;
    let demo = within("the demo has a tray", desk.tray_host.next_item()).await;
    // It has a tray of its own; what was there before goes on.
    window.close().await;
    assert!(own.folder.join("demo/config.toml").is_file());
    desk.tray_host.quit(&demo).await;
    assert!(tokio::time::timeout(QUIET, desk.tray_host.next_item()).await.is_err(), "another tray came up");
}
