//! From nothing to a VM that is open, by nothing but what Ajar itself says.

use std::fs;
use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::user::{APP, FABRIKAM, User, soon};

/// `ajar` on a terminal, and somebody before it.
pub(crate) struct Terminal {
    process: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    unread: String,
}

impl Terminal {
    pub(crate) fn of(inner: &Command) -> Self {
        let words = std::iter::once(inner.as_std().get_program()).chain(inner.as_std().get_args());
        let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        Self::running(&line.join(" "), inner)
    }

    /// A program with its words, in the environment of a command. The shell that `script` starts makes way for it, whichever
    /// it is: else Ctrl+C may end that one too.
    pub(crate) fn running(line: &str, surroundings: &Command) -> Self {
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &format!("exec {line}"), "/dev/null"]);
        for (name, value) in surroundings.as_std().get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        script.env("TERM", "dumb").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = script.spawn().expect("script (package bsdutils) starts");
        let (keys, screen) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, keys, screen, unread: String::new() }
    }

    /// Waits until the screen shows a text; all that stood before its end.
    pub(crate) async fn until(&mut self, wanted: &str) -> String {
        loop {
            if let Some(at) = self.unread.find(wanted) {
                return self.unread.drain(..at + wanted.len()).collect();
            }
            let mut buffer = [0; 4096];
            let read = soon(self.screen.read(&mut buffer)).await.unwrap_or_default();
            assert!(read > 0, "{wanted:?} is not shown: {:?}", self.unread);
            self.unread.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    }

    pub(crate) async fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).await.unwrap();
    }

    /// Presses Ctrl+C.
    async fn interrupts(&mut self) {
        self.types("\u{3}").await;
    }

    pub(crate) async fn ended(mut self) -> Option<i32> {
        drop(self.keys);
        soon(self.process.wait()).await.unwrap().code()
    }
}

/// No Azure CLI is to be found, and nothing is set but the cloud.
pub(crate) fn newcomer(user: &User) {
    let settings = user.settings();
    let cloud = &settings[settings.find("[clouds.sim]").unwrap()..settings.find("[clouds.other]").unwrap()];
    let settings = format!("cloud = \"sim\"\n[clients]\nbrowser = [\"true\"]\n{cloud}");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
}

#[tokio::test]
async fn with_nobody_signed_in_each_command_leads_to_a_sign_in_and_none_says_that_a_vm_is_not_there() {
    let user = User::new().await;
    let alone = Command::new(user.ajar(&[]).as_std().get_program()).output().await.unwrap();
    let help = String::from_utf8_lossy(&alone.stderr);
    assert!(alone.status.code() == Some(2) && help.contains("To begin: ajar sign-in"), "{help}");
    for words in [&["connect", "web-01"][..], &["list", "web-01"], &["add", "web-01"]] {
        let (code, stdout, stderr) = user.run(words).await;
        assert!(code == 3 && stderr.contains("“ajar sign-in”"), "{words:?}: {code} {stdout}{stderr}");
        assert!(!stderr.contains("never was one"), "{words:?}: {stderr}");
        assert_eq!(stderr.matches("error:").count(), 1, "{words:?}: {stderr}");
    }
    let (code, _, stderr) = user.run(&["accounts"]).await;
    assert!(code == 0 && stderr.contains("ajar sign-in"), "{code} {stderr}");
}

#[tokio::test]
async fn a_newcomer_is_led_from_nothing_to_an_open_vm() {
    let user = User::new().await;
    newcomer(&user);
    let without_az = |args: &[&str]| {
        let mut command = user.ajar(args);
        command.env("PATH", "/usr/bin:/bin").env_remove("AZURE_FEDERATED_TOKEN_FILE");
        command
    };
    let (code, _, stderr) = user.run(&["list"]).await;
    assert!(code == 0 && stderr.contains("ajar add NAME --vm RESOURCE_ID"), "{stderr}");
    let accounts = without_az(&["accounts"]).output().await.unwrap();
    let told = String::from_utf8_lossy(&accounts.stderr).into_owned();
    assert!(told.contains("The Azure CLI (az) is not installed") && told.contains("ajar sign-in"), "{told}");
    let (code, stdout, _) = user.run(&["add", "lab", "--vm", &user.vm("lab").id]).await;
    assert!(code == 0 && stdout.contains("ajar connect lab"), "{stdout}");

    let mut terminal = Terminal::of(&without_az(&["connect", "lab", "--no-launch"]));
    let shown = terminal.until("Sign in now? [Y/n]").await;
    assert!(shown.contains("You are not signed in to Azure") && shown.contains("ajar sign-in"), "{shown}");
    terminal.types("\n").await;
    let shown = terminal.until("The application’s id").await;
    assert!(shown.contains("ajar sign-in --message"), "{shown}");
    // What is no id is told as that, and asked for again.
    terminal.types("hunter2\n").await;
    let shown = terminal.until("The application’s id").await;
    assert!(shown.contains("That is no application’s id"), "{shown}");
    terminal.types(&format!("{APP}\n")).await;
    terminal.until("Sign in with your browser").await;
    terminal.until("https://").await;
    let address = terminal.until("\r\n").await;
    user.browse("bob", &format!("https://{}", address.trim()), 0).await;
    let shown = terminal.until("lab is open to new connections until").await;
    assert!(shown.contains("Signed in as bob@"), "{shown}");
    assert_eq!(terminal.ended().await, Some(0));
    assert!(user.settings().contains(APP) && user.settings().contains("[accounts.bob]"), "{}", user.settings());
}

#[tokio::test]
async fn who_does_not_want_to_sign_in_is_left_alone_with_the_failures_own_exit_code() {
    let user = User::new().await;
    let more = format!("[accounts.bob]\nsign_in = \"browser\"\ncloud = \"sim\"\nclient_id = \"{APP}\"\n");
    fs::write(user.folder().join("config.toml"), user.settings() + &more).unwrap();
    let mut terminal = Terminal::of(&user.ajar(&["connect", "lab", "--no-launch"]));
    let shown = terminal.until("Sign in now? [Y/n]").await;
    assert!(shown.contains("Nobody is signed in as bob"), "{shown}");
    terminal.types("n\n").await;
    assert_eq!(terminal.ended().await, Some(3));
    // Without a terminal nobody is asked.
    let (code, _, stderr) = user.run(&["connect", "lab", "--no-launch"]).await;
    assert!(code == 3 && !stderr.contains("Sign in now?"), "{stderr}");
}

#[tokio::test]
async fn a_favourite_whose_account_is_gone_is_opened_under_its_name_or_as_another() {
    let user = User::new().await;
    let connect = || Terminal::of(&user.ajar(&["connect", "lab", "--no-launch"]));
    let mut terminal = connect();
    let shown = terminal.until("Sign in under the name “bob” [Enter]").await;
    assert!(shown.contains("There is no account called “bob”"), "{shown}");
    terminal.types("n\n").await;
    assert_eq!(terminal.ended().await, Some(2));

    let mut terminal = connect();
    terminal.until("or leave it [n]:").await;
    terminal.types("\n").await;
    terminal.until("https://").await;
    let address = terminal.until("\r\n").await;
    user.browse("bob", &format!("https://{}", address.trim()), 0).await;
    terminal.until("lab is open to new connections until").await;
    assert_eq!(terminal.ended().await, Some(0));

    let settings = user.settings().replace("account = \"bob\"", "account = \"carol\"");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    let mut terminal = connect();
    let shown = terminal.until("or leave it [n]:").await;
    assert!(shown.contains("act as another (bob"), "{shown}");
    terminal.types("dave\n").await;
    terminal.until("or leave it [n]:").await;
    terminal.types("BOB\n").await;
    terminal.until("lab is open to new connections until").await;
    assert_eq!(terminal.ended().await, Some(0));
    assert!(user.settings().contains("account = \"bob\"") && !user.settings().contains("carol"), "{}", user.settings());
}

/// `ajar connect lab` where the favourite acts as the Azure CLI's user, and there is no Azure CLI.
fn connect_as_az(user: &User) -> Command {
    let settings = user.settings().replace("account = \"bob\"\n", "account = \"az\"\n");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    let mut command = user.ajar(&["connect", "lab", "--no-launch"]);
    command.env("PATH", "/usr/bin:/bin");
    command
}

#[tokio::test]
async fn a_favourite_that_names_the_azure_cli_which_has_nobody_acts_as_who_signs_in_for_it() {
    let user = User::new().await;
    let mut terminal = Terminal::of(&connect_as_az(&user));
    let shown = terminal.until("Sign in now? [Y/n]").await;
    assert!(shown.contains("“ajar sign-in”"), "{shown}");
    terminal.types("\n").await;
    terminal.until("https://").await;
    let address = terminal.until("\r\n").await;
    user.browse("bob", &format!("https://{}", address.trim()), 0).await;
    terminal.until("lab is open to new connections until").await;
    assert_eq!(terminal.ended().await, Some(0));
    let settings = user.settings();
    assert!(settings.contains("account = \"bob\"") && !settings.contains("account = \"az\""), "{settings}");
}

#[tokio::test]
async fn whose_azure_cli_has_nobody_is_led_to_the_account_that_there_is_and_not_in_a_circle() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    let mut connect = connect_as_az(&user);
    let told = connect.output().await.unwrap();
    let words = String::from_utf8_lossy(&told.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.status.code() == Some(3) && words.contains("“ajar edit lab --account bob”"), "{words}");
    let mut terminal = Terminal::of(&connect);
    let shown = terminal.until("Whom is it to act as (bob").await;
    assert!(shown.contains("The Azure CLI has nobody as whom this could act"), "{shown}");
    terminal.types("bob\n").await;
    terminal.until("lab is open to new connections until").await;
    assert_eq!(terminal.ended().await, Some(0));
    assert!(!user.settings().contains("account = \"az\""), "{}", user.settings());
}

#[tokio::test]
async fn who_has_no_keychain_is_offered_to_sign_in_for_this_once() {
    let user = User::new().await;
    let more = format!(
        "[accounts.bob]\nsign_in = \"browser\"\ncloud = \"sim\"\nclient_id = \"{APP}\"\nhome_account_id = \"o.t\"\n"
    );
    fs::write(user.folder().join("config.toml"), user.settings() + &more).unwrap();
    let mut connect = user.ajar(&["connect", "lab", "--no-launch"]);
    connect.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    let mut terminal = Terminal::of(&connect);
    let shown = terminal.until("Sign in now? [Y/n]").await;
    assert!(shown.contains("The keychain that keeps your sign-ins cannot be used"), "{shown}");
    terminal.types("n\n").await;
    assert_eq!(terminal.ended().await, Some(3));
}

#[tokio::test]
async fn a_secret_that_is_typed_is_not_shown_and_the_terminal_shows_again_what_is_typed_after_it() {
    let user = User::new().await;
    let robot = "0d5e1b7c-52aa-4f1e-8c3d-7e9f00112233";
    let sign_in = ["sign-in", "--service-principal", "--tenant", FABRIKAM, "--client-id", robot, "--name", "bob"];
    let mut terminal = Terminal::of(&user.ajar(&sign_in));
    terminal.until("The application’s secret (it is not shown):").await;
    // Neither Ctrl+Z nor Ctrl+\ stops or ends it there: the terminal would go on hiding what is typed.
    terminal.types("\u{1a}\u{1c}canary~secret~of~robot\n").await;
    let shown = terminal.until("Signed in").await;
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(terminal.ended().await, Some(0));

    // Given up by Ctrl+C: what the shell reads next is seen.
    let inner = user.ajar(&sign_in);
    let line: Vec<_> = inner.as_std().get_args().map(|word| word.to_str().unwrap().to_owned()).collect();
    let program = inner.as_std().get_program().to_str().unwrap().to_owned();
    let script = format!("trap : INT; {program} {}; stty -a; echo over", line.join(" "));
    let mut shell = user.ajar(&[]);
    shell.env("SCRIPT", script);
    let mut terminal = Terminal::running("sh -c \"$SCRIPT\"", &shell);
    terminal.until("(it is not shown):").await;
    terminal.types("\u{1c}\u{1a}").await;
    terminal.interrupts().await;
    let shown = terminal.until("over").await;
    assert!(shown.contains(" echo ") && !shown.contains("-echo "), "{shown}");
    assert_eq!(terminal.ended().await, Some(0));
}
