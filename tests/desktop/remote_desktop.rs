//! A real remote desktop: xrdp behind the simulated door, opened by a real FreeRDP from the tray.

use std::process::Command;

use ajar_core::rdp_file::encoded;

use crate::desk::Desk;
use crate::own_azure::OwnAzure;
use crate::says;
use crate::xrdp::{DESKTOP, LOGIN, Xrdp};

/// As Windows writes it, and made for another machine.
const OWN_FILE: &str = "full address:s:192.0.2.1:3390\r\nalternate full address:s:192.0.2.1\r\nscreen mode id:i:1\r\n\
    desktopwidth:i:1000\r\ndesktopheight:i:600\r\npassword 51:b:01000000D08C9DDF\r\n/v:192.0.2.1\r\n";

#[tokio::test]
async fn a_click_in_the_tray_brings_up_the_desktop_of_a_vm_that_rests() {
    brings_up_the_desktop("remote-desktop", |azure| azure.add_favourite("port = 3389\n")).await;
}

#[tokio::test]
async fn an_rdp_file_of_ones_own_says_how_it_looks_and_not_where_it_leads() {
    let greeted = brings_up_the_desktop("remote-desktop-by-file", |azure| {
        let own = azure.folder.join("as I like it.rdp");
        std::fs::write(&own, encoded(OWN_FILE)).expect("the folder can be written to");
        azure.add_favourite(&format!("port = 3389\nrdp_file = {:?}\n", own.display().to_string()));
    })
    .await;
    assert_eq!(greeted, (1000, 600));
}

/// Opens the one favourite that is added. The size of the remote desktop as it begins.
async fn brings_up_the_desktop(shown_as: &str, add: impl FnOnce(&OwnAzure)) -> (u16, u16) {
    let client = ["xfreerdp", "xfreerdp3"].into_iter().find(|name| Command::new(name).arg("/version").output().is_ok());
    assert!(client.is_some(), "FreeRDP is there (package freerdp2-x11, or freerdp3-x11)");
    let xrdp = Xrdp::start().await;
    let desk = Desk::set_up().await;
    let azure = desk.azure_with(&xrdp).await;
    add(&azure);
    let mut tray = desk.start_tray_as_application(&azure).await;
    tray.click("web-01").await;
    let window = desk.screen.window_named(&format!("FreeRDP: {}", azure.address())).await;
    let greeting = desk.screen.shot_when(window, "xrdp greets", |shot| shot.count(LOGIN) > 300_000).await;
    desk.screen.press_enter(window);
    let shot = desk.screen.shot_when(window, "the desktop is there", |shot| shot.count(DESKTOP) > 450_000).await;
    shot.save(shown_as);
    tray.menu_when("web-01 is open", |lines| says(lines, |line| line.starts_with("web-01 · "))).await;
    tray.quit().await;
    greeting.size()
}
