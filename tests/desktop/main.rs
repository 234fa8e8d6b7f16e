//! The real tray and the real window, on a display and a session bus of their own: the tests are the panel that shows the
//! tray, the daemon that shows notifications, and the eyes that look at the screen.
#![cfg(target_os = "linux")]

mod after_use;
mod desk;
mod driver;
mod finding;
mod importing;
mod notifications;
mod own_azure;
mod recorder;
mod remote_desktop;
mod screen;
mod signing_in;
mod tray_host;
mod window;
mod xrdp;

use std::time::Duration;

use desk::{Desk, entries, within};
use screen::Colour;
use tray_host::Line;

/// `--open` of `ui/src/tokens.css` in the light: the ring of a window that is open.
const OPEN: Colour = Colour(0x0e, 0x7a, 0x4e);

/// How long nothing may happen before it counts as not happening.
const QUIET: Duration = Duration::from_millis(300);

fn says(lines: &[Line], wanted: impl Fn(&str) -> bool) -> bool {
    lines.iter().any(|line| wanted(&line.label))
}

/// Such as “web-01 · 2:59 left”.
fn says_time_left(line: &str, name: &str) -> bool {
    let rest = line.strip_prefix(name).and_then(|rest| rest.strip_prefix(" · "));
    let time = rest.and_then(|rest| rest.strip_suffix(" left")).and_then(|time| time.split_once(':'));
    time.is_some_and(|(hours, minutes)| {
        [hours, minutes].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())) && minutes.len() == 2
    })
}

/// The time of day at the end of a sentence, whatever day is said with it.
fn time_in(sentence: &str) -> String {
    let words = sentence.split_once('.').map_or(sentence, |(first, _)| first);
    words.rsplit(' ').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_click_in_the_tray_starts_a_deallocated_vm_and_opens_ssh_there() {
    let mut desk = Desk::set_up().await;
    let mut tray = desk.start_tray(&[]).await;
    tray.click("web-01").await;

    let client = desk.recorder.next().await;
    assert!(client.args[0].ends_with("ssh"), "{client:?}");
    let given = |name: &str| client.args.windows(2).any(|pair| pair[0] == "-o" && pair[1].starts_with(name));
    assert!(given("HostKeyAlias=web-01.") && given("UserKnownHostsFile="), "{client:?}");
    assert!(client.args.windows(2).any(|pair| pair == ["-l", "demo"]), "{client:?}");
    assert_eq!(client.args[client.args.len() - 2], "--", "{client:?}");
    assert_eq!(client.said, "web-01", "what `hostname` said over ssh");

    let lines = tray.menu_when("web-01 is open", |lines| says(lines, |line| says_time_left(line, "web-01"))).await;
    assert_eq!(lines[0].label, "Open now");
    assert!(!lines[0].enabled);
    let notice = desk.notifications.next().await;
    assert_eq!(notice.title, "Connected to web-01");
    assert!(notice.body.starts_with("Open to new connections until "), "{notice:?}");

    let posts = desk.journal_of_posts().await;
    let count = |end: &str| posts.iter().filter(|path| path.ends_with(end)).count();
    assert_eq!((count("/initiate"), count("/start")), (1, 1), "{posts:#?}");
    tray.quit().await;
}

#[tokio::test]
async fn a_left_click_opens_the_window_which_shows_what_is_open() {
    let mut desk = Desk::set_up().await;
    let mut tray = desk.start_tray(&[]).await;
    tray.click("web-01").await;
    tray.menu_when("web-01 is open", |lines| says(lines, |line| says_time_left(line, "web-01"))).await;
    desk.recorder.next().await;

    tray.activate().await;
    let window = desk.screen.window_named("Ajar").await;
    let shot = desk.screen.shot_when(window, "the ring of web-01 is drawn", |shot| shot.count(OPEN) > 150).await;
    shot.save("window-open");
    assert!(shot.colours() > 50, "a page with text on it has many colours, not {}", shot.colours());

    tray.activate().await;
    within("a second click does no harm", tray.menu()).await;
    assert_eq!(desk.screen.windows_named("Ajar").len(), 1);
    tray.quit().await;
}

#[tokio::test]
async fn that_access_ends_is_told_before_and_when_it_does_and_once() {
    let mut desk = Desk::set_up().await;
    let mut tray = desk.start_tray(&[]).await;
    tray.click("web-01").await;
    let connected = desk.notifications.next().await;
    assert_eq!(connected.title, "Connected to web-01");
    let until = time_in(&connected.body);
    desk.recorder.next().await;

    // Azure's clock leaps here, which it never does, and an answer alone is not believed. What it says of windows must not be
    // heard before others have told the time as well.
    desk.have_policies_come_last().await;
    desk.advance(Duration::from_mins(167)).await;
    // A look at the window has Ajar look at Azure, and at its clock.
    tray.activate().await;
    let ending = desk.notifications.next().await;
    assert!(ending.title.starts_with("web-01 closes at ") && ending.title.ends_with(&until), "{ending:?}");
    let minutes = ending.body.strip_suffix(" min left. Connections that run then stay.");
    assert!(minutes.is_some_and(|minutes| ["11", "12", "13"].contains(&minutes)), "{ending:?}");
    tray.activate().await;

    desk.advance(Duration::from_mins(8)).await;
    tray.activate().await;
    let nearer = desk.notifications.next().await;
    assert!(nearer.title == ending.title && nearer.body != ending.body, "{nearer:?}");

    desk.advance(Duration::from_mins(6)).await;
    tray.activate().await;
    let ended = desk.notifications.next().await;
    assert_eq!(ended.title, "web-01 is closed to new connections");
    assert_eq!(ended.body, "Yours stays until you leave it.");
    tray.menu_when("nothing is open", |lines| !says(lines, |line| line == "Open now")).await;

    // Whatever else changes, none of it is told again.
    tray.activate().await;
    tray.click("legacy-box").await;
    let next = desk.notifications.next().await;
    assert!(!next.title.contains("web-01"), "{next:?}");
    tray.quit().await;
}

#[tokio::test]
async fn a_click_on_the_button_of_a_notification_asks_for_more_time_and_one_on_itself_opens_the_window() {
    let mut desk = Desk::set_up().await;
    let mut tray = desk.start_tray(&[]).await;
    tray.click("web-01").await;
    let connected = desk.notifications.next().await;
    let until = time_in(&connected.body);
    desk.recorder.next().await;
    assert!(connected.actions.iter().all(|(_, label)| label != "Extend"), "{connected:?}");
    desk.notifications.click(&connected, "default").await.unwrap();
    let window = desk.screen.window_named("Ajar").await;

    desk.have_policies_come_last().await;
    desk.advance(Duration::from_mins(167)).await;
    desk.screen.close(window).await;
    tray.activate().await;
    let ending = desk.notifications.next().await;
    let (extend, _) = ending.actions.iter().find(|(_, label)| label == "Extend").expect("a button for more time");
    desk.notifications.click(&ending, extend).await.unwrap();
    let extended = desk.notifications.next().await;
    assert_eq!(extended.title, "More time for web-01");
    assert_ne!(time_in(&extended.body), until);
    let initiates = desk.journal_of_posts().await.iter().filter(|path| path.ends_with("/initiate")).count();
    assert_eq!(initiates, 2);
    tray.quit().await;
}

#[tokio::test]
async fn a_new_address_is_told_of_with_a_button_and_in_the_menu_and_each_opens_from_there() {
    let mut desk = Desk::set_up().await;
    let mut tray = desk.start_tray(&[]).await;
    tray.click("web-01").await;
    let connected = desk.notifications.next().await;
    let until = time_in(&connected.body);
    desk.recorder.next().await;

    desk.moves_to("198.51.100.77").await;
    // A look at the window has Ajar look where it is.
    tray.activate().await;
    let told = desk.notifications.next().await;
    assert_eq!(told.title, "web-01 is open from another address");
    assert!(told.body.starts_with("Your address is now 198.51.100.77."), "{told:?}");
    let (from_here, _) = told.actions.iter().find(|(_, label)| label == "Open from here").expect("a button");
    desk.notifications.click(&told, from_here).await.unwrap();
    let opened = desk.notifications.next().await;
    assert_eq!(opened.title, "web-01 is open from your new address");
    assert!(opened.body.contains(&until), "{opened:?}, not {until}");

    desk.moves_to("203.0.113.24").await;
    tray.activate().await;
    assert_eq!(desk.notifications.next().await.title, told.title);
    tray.click("    Open web-01 from 203.0.113.24").await;
    assert_eq!(desk.notifications.next().await.title, opened.title);
    let initiates = desk.journal_of_posts().await.iter().filter(|path| path.ends_with("/initiate")).count();
    assert_eq!(initiates, 3);
    tray.quit().await;
}

#[tokio::test]
async fn quit_ends_the_tray_and_its_window() {
    let desk = Desk::set_up().await;
    let mut tray = desk.start_tray(&["--show"]).await;
    let window = desk.screen.window_named("Ajar").await;
    let pid = desk.screen.process_of(window);
    assert_ne!(pid, tray.pid(), "the window is a process of its own");

    tray.quit().await;
    assert!(desk.screen.windows_named("Ajar").is_empty());
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "the window’s process outlived the tray");
}

#[tokio::test]
async fn a_tray_that_is_told_to_end_leaves_nothing_behind() {
    let desk = Desk::set_up().await;
    for signal in ["-HUP", "-TERM", "-INT"] {
        let mut tray = desk.start_tray(&["--show"]).await;
        let window = desk.screen.process_of(desk.screen.window_named("Ajar").await);
        assert!(
            !entries(&desk.temporary()).is_empty() && !desk.sockets().is_empty(),
            "while it lasts there is something"
        );
        send(signal, tray.pid());
        assert!(tray.ended().await.success(), "{signal}");
        assert_eq!((entries(&desk.temporary()), desk.sockets()), (vec![], vec![]), "{signal}");
        assert!(!std::path::Path::new(&format!("/proc/{window}")).exists(), "the window’s process outlived the tray");
        assert_eq!(desk.web_data(), [] as [std::path::PathBuf; 0], "the web view keeps nothing of its own");
    }
}

#[tokio::test]
async fn closing_the_window_leaves_the_tray_and_the_next_click_opens_another() {
    let desk = Desk::set_up().await;
    let mut tray = desk.start_tray(&[]).await;
    tray.click("Open Ajar…").await;
    let first = desk.screen.window_named("Ajar").await;
    let first_process = desk.screen.process_of(first);
    desk.screen.close(first).await;

    tray.activate().await;
    let second = desk.screen.window_named("Ajar").await;
    assert_ne!(desk.screen.process_of(second), first_process);
    tray.quit().await;
}

#[tokio::test]
async fn a_second_start_asks_the_first_to_show_the_window_and_ends() {
    let desk = Desk::set_up().await;
    let mut tray = desk.start_tray(&[]).await;
    let second = desk.start_again().await;
    assert!(second.success(), "{second}");
    let window = desk.screen.window_named("Ajar").await;
    assert_ne!(desk.screen.process_of(window), tray.pid());
    assert!(tokio::time::timeout(QUIET, desk.tray_host.next_item()).await.is_err(), "a second tray came up");
    tray.quit().await;
}

#[tokio::test]
async fn a_tray_whose_host_is_followed_by_one_of_another_cloud_says_so_and_opens_nothing() {
    let mut desk = Desk::set_up().await;
    let mut first = desk.start_for_another_cloud(&["--window"]);
    desk.screen.window_named("Ajar").await;
    let mut tray = desk.tray_of(desk.start_for_another_cloud(&[])).await;
    tray.menu_when("it is up", |lines| says(lines, |line| line == "Quit Ajar")).await;

    // While it looks away its host goes and another comes.
    send("-STOP", tray.pid());
    first.kill().await.expect("it is our child");
    let mut second = desk.start_window();
    desk.a_demo_serves().await;
    send("-CONT", tray.pid());
    let told = desk.notifications.next().await;
    assert_eq!(told.title, "Ajar is already running for the cloud “demo”.");
    tray.menu_when("it has the favourites of the other", |lines| says(lines, |line| line == "jump-eu")).await;
    tray.click("jump-eu").await;
    assert_eq!(desk.notifications.next().await.title, told.title);
    assert_eq!(desk.journal_of_posts().await.iter().filter(|path| path.ends_with("/initiate")).count(), 0);
    second.kill().await.expect("it is our child");
    tray.quit().await;
}

/// Sends a signal to a process.
fn send(name: &str, process: u32) {
    let sent = std::process::Command::new("kill").args([name, &process.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
}

#[tokio::test]
async fn an_attempt_can_be_cancelled_from_the_menu_while_the_vm_starts() {
    let mut desk = Desk::set_up().await;
    let mut tray = desk.start_tray(&["--demo-speed", "1"]).await;
    tray.click("web-01").await;
    tray.menu_when("web-01 starts", |lines| says(lines, |line| line.starts_with("web-01 · starting"))).await;
    tray.click("    Cancel web-01").await;
    let lines = tray.menu_when("nothing is under way", |lines| !says(lines, |line| line == "Connecting")).await;
    assert!(says(&lines, |line| line.starts_with("web-01")), "{lines:#?}");
    assert!(tokio::time::timeout(QUIET, desk.notifications.next()).await.is_err(), "who cancelled knows");
    tray.quit().await;
}

#[tokio::test]
async fn a_tray_that_is_there_before_its_panel_comes_up_with_it() {
    let desk = Desk::without_panel().await;
    let starting = desk.start();
    desk.tray_host.an_item_has_given_up().await;
    desk.tray_host.begin().await;
    let mut tray = desk.tray_of(starting).await;
    let lines = tray.menu().await;
    assert!(says(&lines, |line| line == "Quit Ajar"), "{lines:#?}");
    tray.quit().await;
}

#[test]
fn without_a_display_it_says_so_in_a_sentence() {
    for display in [None, Some("no-such-display")] {
        let home = tempfile::tempdir().expect("a folder");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ajar-desktop"));
        command.arg("--config").arg(home.path()).args(["--demo"]);
        command.env_remove("WAYLAND_DISPLAY").env_remove("DISPLAY").envs(display.map(|display| ("DISPLAY", display)));
        let said = command.output().expect("ajar-desktop starts");
        let text = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(1), "{text}");
        assert!(text.contains("there is no display") && !text.contains("panicked"), "{text}");
        assert_eq!(entries(home.path()), [] as [std::path::PathBuf; 0]);
    }
}
