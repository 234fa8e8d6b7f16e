//! `ajar ssh-config`: plain `ssh NAME`, by what is written for ssh and read by a real one.

use std::path::PathBuf;

use tokio::process::Command;

use crate::sshd::{Sshd, free_port};
use crate::terminal::at_a_terminal;
use crate::world::{Ended, World};

/// A user with a home.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(name)).unwrap_or_default()
    }

    async fn run(&self, world: &World, args: &[&str]) -> Ended {
        Ended::of(world.ajar(args).env("HOME", self.folder.path()).spawn().expect("ajar starts")).await
    }

    /// ssh as this user calls it: it looks for its own folder elsewhere than at `HOME`.
    fn client(&self, program: &str, world: &World) -> Command {
        let mut command = world.openssh(program, &self.at(".ssh/config"));
        command.args(["-o", "BatchMode=yes"]).env("HOME", self.folder.path());
        command
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_ssh_and_scp_open_the_door_and_what_was_written_goes_without_a_trace() {
    let sshd = Sshd::start().await;
    let (world, home) = (sshd.behind_a_door().await, Home::new());
    std::fs::create_dir(home.at(".ssh")).expect("a folder");
    let own = "# mine\nHost *\n  ConnectTimeout 1\n  User nobody-at-all\n";
    std::fs::write(home.at(".ssh/config"), own).expect("ssh’s settings");
    let installed = home.run(&world, &["ssh-config", "install"]).await;
    assert_eq!((installed.code, installed.stderr.as_str()), (0, ""), "{}", installed.stdout);
    assert!(
        installed.stdout.contains("ssh knows real-01, real as its hosts: try “ssh real-01”"),
        "{}",
        installed.stdout
    );

    let mut ssh = home.client("ssh", &world);
    let ended = Ended::of(ssh.args(["real", "echo ok from sshd; exit 7"]).spawn().expect("ssh")).await;
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (7, "ok from sshd\n", ""));
    std::fs::write(sshd.at("file"), "what goes over\n").expect("a file");
    let file = sshd.at("file").display().to_string();
    let mut scp = home.client("scp", &world);
    let ended = Ended::of(scp.args(["-q", &file, &format!("REAL:{file}.scp")]).spawn().expect("scp")).await;
    assert_ne!(ended.code, 0, "ssh looks at the case of a host");
    let mut scp = home.client("scp", &world);
    let ended = Ended::of(scp.args(["-q", &file, &format!("real.ajar:{file}.scp")]).spawn().expect("scp")).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(sshd.at("file.scp")).expect("it is there"), "what goes over\n");
    assert_eq!(world.control().requests("/initiate").await.len(), 1, "one door for all");

    let removed = home.run(&world, &["ssh-config", "remove"]).await;
    assert_eq!((removed.code, removed.stdout.as_str()), (0, "ssh’s configuration is as it was before.\n"));
    assert_eq!(home.read(".ssh/config"), own);
    assert!(!home.at(".ssh/ajar.conf").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_are_forwarded_by_plain_ssh_and_by_ajar_alike() {
    let sshd = Sshd::start().await;
    let (world, home) = (sshd.behind_a_door().await, Home::new());
    let here = free_port().await;
    let leads_to_sshd = format!("L 127.0.0.1:{here}:localhost:{}", sshd.port());
    let edited = home.run(&world, &["edit", "real", "--forward", &leads_to_sshd]).await;
    assert_eq!(edited.code, 0, "{}", edited.stderr);
    assert_eq!(home.run(&world, &["ssh-config", "install", "--json"]).await.code, 0);
    // The VM is this machine, so what runs there sees the port that is listened on here.
    let look = format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{here} && read -ru3 greeting && echo got $greeting'");
    let plain = Ended::of(home.client("ssh", &world).args(["real", &look]).spawn().expect("ssh")).await;
    assert!(plain.stdout.starts_with("got SSH-2.0-"), "{} {}", plain.stdout, plain.stderr);
    let by_ajar = home.run(&world, &["connect", "real", "--", &look]).await;
    assert!(by_ajar.stdout.contains("got SSH-2.0-"), "{} {}", by_ajar.stdout, by_ajar.stderr);

    let refused = home.run(&world, &["edit", "real", "--forward", "L 8080:-oProxyCommand=x:80"]).await;
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(refused.stderr.contains("write it as for ssh’s -L, -R or -D"), "{}", refused.stderr);
    assert_eq!(home.run(&world, &["edit", "real", "--forward", ""]).await.code, 0);
    assert!(!home.read(".ssh/ajar.conf").contains("LocalForward"), "{}", home.read(".ssh/ajar.conf"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_follow_the_favourites_and_what_ssh_cannot_take_is_told() {
    let (world, home) = (World::new().await, Home::new());
    let ajar = async |args: &[&str]| home.run(&world, args).await;
    assert_eq!(ajar(&["ssh-config", "install", "--json"]).await.code, 0);
    let vm = world.vm("web-01").id.clone();
    assert_eq!(ajar(&["add", "second", "--vm", &vm, "--user", "me"]).await.code, 0);
    assert!(home.read(".ssh/ajar.conf").contains("Host second second.ajar\n"), "{}", home.read(".ssh/ajar.conf"));
    assert_eq!(ajar(&["edit", "second", "--rename", "third", "--user", "50%"]).await.code, 0);
    let text = home.read(".ssh/ajar.conf");
    assert!(!text.contains("Host second") && !text.contains("Host third"), "{text}");
    let printed = ajar(&["ssh-config", "print"]).await;
    assert_eq!(printed.stdout, text.replace(&made(&home), ""), "the same, but for who made what");
    assert!(printed.stderr.contains("third is left out: ssh would take the “%”"), "{}", printed.stderr);

    // What is odd and can be told is read by ssh as it was meant.
    let key = home.at("a b/key").display().to_string();
    let odd = ["add", "odd", "--vm", &vm, "--user", r"CONTOSO\An Odd User", "--port", "2222", "--identity-file", &key];
    assert_eq!(ajar(&odd).await.code, 0);
    let read = Ended::of(home.client("ssh", &world).args(["-G", "odd"]).spawn().expect("ssh")).await;
    assert_eq!(read.code, 0, "{}", read.stderr);
    for line in [r"user CONTOSO\An Odd User", "port 2222", "connecttimeout 1800", &format!("identityfile {key}")] {
        assert!(read.stdout.lines().any(|told| told == line), "{line}: {}", read.stdout);
    }

    // Somebody has a file of that name.
    std::fs::write(home.at(".ssh/ajar.conf"), "Host mine\n").expect("a file");
    let refused = ajar(&["ssh-config", "install"]).await;
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    assert!(refused.stderr.contains("another program or a person has written it"), "{}", refused.stderr);
    assert_eq!(home.read(".ssh/ajar.conf"), "Host mine\n");
}

/// The line that tells that there was no configuration before.
fn made(home: &Home) -> String {
    format!("# Made with it: {}\n", home.at(".ssh/config").display())
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_the_line_is_asked_for_and_a_no_leaves_the_users_file_alone() {
    let (world, home) = (World::new().await, Home::new());
    let mut command = world.ajar(&["ssh-config", "install"]);
    command.env("HOME", home.folder.path());
    let ended = at_a_terminal(&command, "dumb", "n\n").await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    for words in ["at the top of ~/.ssh/config? [Y/n]", "ssh does not look there yet"] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    assert!(!home.at(".ssh/config").exists());
    assert!(home.read(".ssh/ajar.conf").contains("Host web-01 web-01.ajar"));
}
