//! Taking favourites in at a terminal.

use std::fs;

use crate::choosing::ada;
use crate::first_start::Terminal;
use crate::user::User;

/// Somebody with a favourite, and a file in which that differs and another host is a VM only by its name.
async fn with_file() -> (User, String) {
    let user = ada().await;
    assert_eq!(user.run(&["add", "home", "--user", "me"]).await.0, 0);
    let path = user.folder().join("hosts");
    fs::write(&path, "Host home\n  User you\nHost lab\n  HostName 192.0.2.1\n").unwrap();
    (user, path.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn whoever_sits_there_is_asked_which_vm_it_is_what_to_do_and_whether_to_do_it() {
    let (user, file) = with_file().await;
    let mut terminal = Terminal::of(&user.ajar(&["import", &file]));
    terminal.until("Which VM is lab (192.0.2.1)?").await;
    terminal.until("none of them").await;
    terminal.types("lab (\r").await;
    terminal.until("differs: user me → you").await;
    terminal.until("home is there and differs. What now?").await;
    terminal.until("another name").await;
    terminal.types("change mine\r").await;
    terminal.until("Add 1 favourite and change 1 favourite? [Y/n]").await;
    terminal.types("\n").await;
    terminal.until("Added 1 favourite: lab. Changed 1 favourite: home.").await;
    assert_eq!(terminal.ended().await, Some(0));
    let settings = user.settings();
    assert!(settings.contains("user = \"you\"") && settings.contains("[profiles.lab]"), "{settings}");
}

#[tokio::test]
async fn whoever_says_no_or_leaves_has_changed_nothing() {
    let (user, file) = with_file().await;
    let before = user.settings();
    let mut terminal = Terminal::of(&user.ajar(&["import", &file, "--on-conflict", "replace"]));
    terminal.until("Which VM is lab (192.0.2.1)?").await;
    terminal.until("none of them").await;
    terminal.types("none\r").await;
    terminal.until("Change 1 favourite? [Y/n]").await;
    terminal.types("n\n").await;
    terminal.until("Nothing was changed.").await;
    assert_eq!(terminal.ended().await, Some(0));
    let mut terminal = Terminal::of(&user.ajar(&["import", &file]));
    terminal.until("none of them").await;
    terminal.types("\u{1b}").await;
    assert_eq!(terminal.ended().await, Some(130));
    assert_eq!(user.settings(), before);
}
