//! A real remote desktop: xrdp behind the simulated door, opened by a real FreeRDP from the tray.

use std::process::Command;

use crate::desk::Desk;
use crate::says;
use crate::xrdp::{DESKTOP, LOGIN, Xrdp};

#[tokio::test]
async fn a_click_in_the_tray_brings_up_the_desktop_of_a_vm_that_rests() {
    let client = ["xfreerdp", "xfreerdp3"].into_iter().find(|name| Command::new(name).arg("/version").output().is_ok());
    assert!(client.is_some(), "FreeRDP is there (package freerdp2-x11, or freerdp3-x11)");
    let xrdp = Xrdp::start().await;
    let desk = Desk::set_up().await;
    let azure = desk.azure_with(&xrdp).await;
    azure.add_favourite("port = 3389\n");
    let mut tray = desk.start_tray_as_application(&azure).await;
    tray.click("web-01").await;
    let window = desk.screen.window_named(&format!("FreeRDP: {}", azure.address())).await;
    desk.screen.shot_when(window, "xrdp greets", |shot| shot.count(LOGIN) > 300_000).await;
    desk.screen.press_enter(window);
    let shot = desk.screen.shot_when(window, "the desktop is there", |shot| shot.count(DESKTOP) > 450_000).await;
    shot.save("remote-desktop");
    tray.menu_when("web-01 is open", |lines| says(lines, |line| line.starts_with("web-01 · "))).await;
    tray.quit().await;
}
