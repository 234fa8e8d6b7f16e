//! Choosing a VM at a terminal.

use std::fs;

use crate::first_start::{Terminal, newcomer};
use crate::user::{APP, User};

/// Ada, who is a guest of another tenant and has no favourites.
pub(crate) async fn ada() -> User {
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

#[tokio::test]
async fn a_favourite_is_found_by_its_own_name_too() {
    let user = ada().await;
    assert_eq!(user.run(&["add", "thesis", "--vm", "lab"]).await.0, 0);
    let mut terminal = Terminal::of(&user.ajar(&["connect", "--no-launch"]));
    terminal.until("★ thesis").await;
    terminal.types("thes\r").await;
    terminal.until("thesis is open").await;
    assert_eq!(terminal.ended().await, Some(0));
}

#[tokio::test]
async fn a_newcomer_who_types_a_vms_name_is_led_to_sign_in_and_to_that_vm() {
    let user = User::new().await;
    newcomer(&user);
    let connect = |args: &[&str]| {
        let mut command = user.ajar(&[&["connect", "--no-launch"], args].concat());
        command.env("PATH", "/usr/bin:/bin");
        command
    };
    for args in [&[][..], &["lab"]] {
        let mut terminal = Terminal::of(&connect(args));
        let shown = terminal.until("Sign in now? [Y/n]").await;
        assert!(shown.contains("You are not signed in to Azure") && !shown.contains("mistake"), "{shown}");
        terminal.types("n\n").await;
        assert_eq!(terminal.ended().await, Some(3));
    }
    let mut terminal = Terminal::of(&connect(&["lab"]));
    terminal.until("Sign in now? [Y/n]").await;
    terminal.types("\n").await;
    terminal.until("The application’s id").await;
    terminal.types(&format!("{APP}\n")).await;
    terminal.until("https://").await;
    let address = terminal.until("\r\n").await;
    user.browse("bob", &format!("https://{}", address.trim()), 0).await;
    terminal.until("lab is open to new connections until").await;
    assert_eq!(terminal.ended().await, Some(0));
}

#[tokio::test]
async fn who_sees_no_vm_and_has_no_favourites_is_told_that() {
    let user = User::new().await;
    user.sign_in("tom", &[]).await;
    let settings = user.settings();
    let (without, _) = settings.split_once("[profiles.home]").unwrap();
    let account = &settings[settings.find("[accounts.").unwrap()..];
    fs::write(user.folder().join("config.toml"), format!("account = \"tom\"\n{without}{account}")).unwrap();
    let nothing = serde_json::json!({ "action": "*", "allowed": false, "principal": "tom" });
    user.control(0, "rights", nothing).await;
    let mut terminal = Terminal::of(&user.ajar(&["connect", "--no-launch"]));
    terminal.until("There are no favourites yet.").await;
    assert_eq!(terminal.ended().await, Some(2));
    let mut terminal = Terminal::of(&user.ajar(&["connect", "web", "--no-launch"]));
    terminal.until("There is no favourite called “web”.").await;
    assert_eq!(terminal.ended().await, Some(2));
}

#[tokio::test]
async fn a_choice_that_is_ended_from_elsewhere_leaves_the_terminal_as_it_was() {
    let user = ada().await;
    let inner = user.ajar(&["connect", "--no-launch"]);
    let line: Vec<_> = inner.as_std().get_args().map(|word| word.to_str().unwrap().to_owned()).collect();
    let program = inner.as_std().get_program().to_str().unwrap().to_owned();
    let script = format!("sh -c 'echo pid $$.; exec {program} {}'; stty -a; echo over", line.join(" "));
    let mut shell = user.ajar(&[]);
    shell.env("SCRIPT", script);
    let mut terminal = Terminal::running("sh -c \"$SCRIPT\"", &shell);
    terminal.until("pid ").await;
    let pid = terminal.until(".").await.trim_end_matches('.').to_owned();
    terminal.until("Open which VM?").await;
    terminal.until("Research").await;
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let shown = terminal.until("over").await;
    assert!(shown.contains(" icanon ") && !shown.contains("-echo "), "{shown}");
    let (hidden, again) = (shown.rfind("\u{1b}[?25l"), shown.rfind("\u{1b}[?25h"));
    assert!(again >= hidden, "the cursor is hidden: {shown:?}");
    assert_eq!(terminal.ended().await, Some(0));
}
