//! What people run over ssh opens the door by itself: each of these meets a VM that rests.

use std::path::PathBuf;

use tokio::process::Command;

use crate::sshd::Sshd;
use crate::world::{Ended, World};

/// A world with a VM that rests, and how ssh is called there.
struct Resting {
    world: World,
    settings: PathBuf,
}

impl Resting {
    async fn behind(sshd: &Sshd) -> Self {
        let world = sshd.behind_a_door().await;
        let settings = sshd.client_settings(&world);
        Self { world, settings }
    }

    /// ssh, as it is called by another program.
    fn ssh(&self) -> String {
        format!("ssh -F {}", self.settings.display())
    }

    /// A client of OpenSSH's.
    fn client(&self, program: &str) -> Command {
        self.world.openssh(program, &self.settings)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.world.folder.path().join(name)
    }

    /// Runs the program to its end, which has opened the door and started the VM once.
    async fn carries(&self, command: &mut Command) -> Ended {
        let ended = Ended::of(command.spawn().expect("it starts")).await;
        assert_eq!(ended.code, 0, "{command:?}: {}{}", ended.stdout, ended.stderr);
        self.opened_once().await;
        ended
    }

    async fn opened_once(&self) {
        for call in ["/initiate", "/start"] {
            assert_eq!(self.world.control().requests(call).await.len(), 1, "{call}");
        }
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sftp_brings_a_file_from_a_vm_that_rests() {
    let sshd = Sshd::start().await;
    let vm = Resting::behind(&sshd).await;
    std::fs::write(sshd.at("file"), "what goes over\n").expect("a file");
    let there = format!("real.ajar:{}", sshd.at("file").display());
    vm.carries(vm.client("sftp").args(["-q", &there]).arg(vm.at("brought"))).await;
    assert_eq!(vm.read("brought"), "what goes over\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn rsync_mirrors_a_folder_of_a_vm_that_rests() {
    let sshd = Sshd::start().await;
    let vm = Resting::behind(&sshd).await;
    std::fs::create_dir(sshd.at("folder")).expect("a folder");
    std::fs::write(sshd.at("folder/file"), "what is mirrored\n").expect("a file");
    let there = format!("real.ajar:{}/", sshd.at("folder").display());
    vm.carries(vm.world.program("rsync").args(["-a", "-e", &vm.ssh(), &there]).arg(vm.at("mirror"))).await;
    assert_eq!(vm.read("mirror/file"), "what is mirrored\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn git_clones_from_a_vm_that_rests() {
    let sshd = Sshd::start().await;
    let vm = Resting::behind(&sshd).await;
    let git = || {
        let mut git = vm.world.program("git");
        git.env("GIT_SSH_COMMAND", vm.ssh())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", vm.at("gitconfig"));
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@contoso.example");
        }
        git
    };
    std::fs::create_dir(sshd.at("repository")).expect("a folder");
    for args in [&["init", "-q"][..], &["commit", "-q", "--allow-empty", "-m", "What is cloned"]] {
        let ended = Ended::of(git().current_dir(sshd.at("repository")).args(args).spawn().expect("git")).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let there = format!("real.ajar:{}", sshd.at("repository").display());
    vm.carries(git().args(["clone", "-q", &there]).arg(vm.at("clone"))).await;
    let log = Ended::of(git().current_dir(vm.at("clone")).args(["log", "--format=%s"]).spawn().expect("git")).await;
    assert_eq!(log.stdout, "What is cloned\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn ansible_reaches_a_vm_that_rests() {
    let sshd = Sshd::start().await;
    let vm = Resting::behind(&sshd).await;
    let mut ansible = vm.world.program("ansible");
    // No master connection that goes on behind the test's back, and nothing of the user's own.
    ansible.env("ANSIBLE_SSH_ARGS", vm.ssh().trim_start_matches("ssh")).env("HOME", vm.world.folder.path());
    ansible.env("ANSIBLE_REMOTE_TMP", vm.at("remote")).env("ANSIBLE_LOCAL_TEMP", vm.at("local"));
    ansible.env("ANSIBLE_TIMEOUT", "600").env("LC_ALL", "C.UTF-8");
    let ended = vm.carries(ansible.args(["all", "-i", "real.ajar,", "-m", "ping"])).await;
    assert!(ended.stdout.contains("\"ping\": \"pong\""), "{}", ended.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_make_one_request_and_one_start() {
    let sshd = Sshd::start().await;
    let vm = Resting::behind(&sshd).await;
    let number = |number: u8| vm.client("ssh").args(["real.ajar", &format!("echo {number}")]).spawn();
    let all: Vec<_> = (0..20).map(|each| number(each).expect("ssh")).collect();
    for (number, child) in all.into_iter().enumerate() {
        let ended = Ended::of(child).await;
        assert_eq!((ended.code, ended.stdout), (0, format!("{number}\n")), "{}", ended.stderr);
    }
    vm.opened_once().await;
}
