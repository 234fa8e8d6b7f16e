//! Choosing a VM at a terminal.

use std::fs;

use crate::first_start::Terminal;
use crate::user::User;

/// Ada, who is a guest of another tenant and has no favourites.
async fn ada() -> User {
    let user = User::new().await;
    user.sign_in("ada", &[]).await;
    let settings = user.settings();
    let (without, _) = settings.split_once("[profiles.home]").unwrap();
    let account = &settings[settings.find("[accounts.").unwrap()..];
    fs::write(user.folder().join("config.toml"), format!("account = \"ada\"\n{without}{account}")).unwrap();
    user
}

#[tokio::test]
async fn whoever_types_a_part_of_a_name_at_a_terminal_has_that_vm_opened() {
    let user = ada().await;
    let mut terminal = Terminal::of(&user.ajar(&["connect", "--no-launch"]));
    terminal.until("Open which VM?").await;
    terminal.until("Research").await;
    terminal.types("ab\r").await;
    terminal.until("lab is open").await;
    assert_eq!(terminal.ended().await, Some(0));

    // What was typed before is there, where it was not enough.
    let mut terminal = Terminal::of(&user.ajar(&["connect", "om", "--no-launch"]));
    terminal.until("Open which VM?").await;
    terminal.until("home").await;
    terminal.types("\r").await;
    terminal.until("home is open").await;
    assert_eq!(terminal.ended().await, Some(0));
}

#[tokio::test]
async fn whoever_leaves_the_choice_opens_nothing() {
    let user = ada().await;
    user.forget_journals().await;
    for key in ["\u{1b}", "\u{3}"] {
        let mut terminal = Terminal::of(&user.ajar(&["connect", "--no-launch"]));
        terminal.until("Open which VM?").await;
        terminal.until("Research").await;
        terminal.types(key).await;
        assert_eq!(terminal.ended().await, Some(130), "{key:?}");
    }
    assert_eq!(user.changes(0).await, [""; 0]);
}
