//! The same against a real `sshd` behind the simulated door.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

use crate::world::{World, until};

/// A real OpenSSH server on loopback that knows one key, and an authority whose certificates it takes.
pub(crate) struct Sshd {
    folder: TempDir,
    process: Child,
    port: u16,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub(crate) fn keygen(path: &Path, kind: &str) -> String {
    let made = Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-f"]).arg(path).status();
    assert!(made.is_ok_and(|status| status.success()), "ssh-keygen (package openssh-client) makes a key");
    std::fs::read_to_string(path.with_extension("pub")).expect("a public key")
}

impl Sshd {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        keygen(&at("hostkey"), "ed25519");
        keygen(&at("ca"), "ed25519");
        let key = keygen(&at("id"), "ed25519");
        std::fs::write(at("authorized_keys"), key).expect("authorized_keys");
        let port = free_port().await;
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {hostkey}\nPidFile none\nAuthorizedKeysFile {keys}\n\
             TrustedUserCAKeys {ca}\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\n\
             PermitRootLogin prohibit-password\nMaxStartups 100\nSubsystem sftp internal-sftp\n",
            hostkey = at("hostkey").display(),
            keys = at("authorized_keys").display(),
            ca = at("ca.pub").display(),
        );
        std::fs::write(at("sshd_config"), config).expect("sshd_config");
        // Where no service manager ran, the folder that sshd drops its rights into is missing; only root needs it.
        std::fs::create_dir_all("/run/sshd").ok();
        let process = serve(&at("sshd_config"));
        let sshd = Self { folder, process, port };
        sshd.listens().await;
        sshd
    }

    async fn listens(&self) {
        until("sshd listens", async || TcpStream::connect(("127.0.0.1", self.port)).await.is_ok()).await;
    }

    /// The same server with another host key, as that of a machine that was set up anew.
    pub(crate) async fn with_another_host_key(&mut self) {
        self.process.kill().expect("sshd can be ended");
        self.process.wait().expect("sshd ends");
        std::fs::remove_file(self.at("hostkey")).expect("the host key");
        keygen(&self.at("hostkey"), "ed25519");
        self.process = serve(&self.at("sshd_config"));
        self.listens().await;
    }
}

fn serve(config: &Path) -> Child {
    let mut sshd = Command::new("/usr/sbin/sshd");
    sshd.arg("-D").arg("-e").arg("-f").arg(config).stderr(Stdio::null());
    sshd.spawn().expect("sshd starts (package openssh-server)")
}

pub(crate) async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A fleet of one VM, `real-01`, that rests; its port 22 leads to a port of this machine.
pub(crate) fn fleet_that_leads_to(port: u16) -> String {
    format!(
        "[[subscriptions]]\nid = \"5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f0aa\"\nname = \"Real\"\n\
         [[vms]]\nname = \"real-01\"\nresource_group = \"rg\"\nlocation = \"westeurope\"\nos = \"Linux\"\n\
         power = \"deallocated\"\npolicy = \"default\"\n\
         ports = [{{ number = 22, jit = {{}}, forward = \"127.0.0.1:{port}\" }}]\n"
    )
}

impl Sshd {
    /// A world with this server behind a door, and a favourite `real` that logs in there.
    pub(crate) async fn behind_a_door(&self) -> World {
        self.behind(&fleet_that_leads_to(self.port)).await
    }

    /// The same where no way leads to but through an Azure Bastion host.
    pub(crate) async fn behind_bastion(&self) -> World {
        let fleet = fleet_that_leads_to(self.port).replace("power =", "private_only = true\npower =");
        self.behind(&(fleet + "[[bastion_hosts]]\nname = \"hub\"\nresource_group = \"rg\"\n")).await
    }

    async fn behind(&self, fleet: &str) -> World {
        let world = World::with_fleet(fleet).await;
        let vm = world.vm("real-01").clone();
        let host_key = std::fs::read_to_string(self.at("hostkey.pub")).expect("a host key");
        let alias = format!("{}.{}.{}.azure", vm.name, vm.resource_group, vm.subscription_id);
        std::fs::write(self.known_hosts(), format!("{alias} {host_key}real.ajar {host_key}")).expect("known_hosts");
        let profile = format!(
            "[profiles.real]\nvm = \"{}\"\nuser = \"{}\"\nidentity_file = \"{}\"\nknown_hosts_file = \"{}\"\n",
            vm.id,
            self.user(),
            self.at("id").display(),
            self.known_hosts().display()
        );
        world.write_settings(&profile);
        world
    }

    /// The settings of an OpenSSH client that goes by `ajar proxy`, as somebody may write them by hand.
    pub(crate) fn client_settings(&self, world: &World) -> PathBuf {
        let settings = world.folder.path().join("client_config");
        let text = format!(
            "Host *.ajar\n  ProxyCommand {ajar} --config {folder} proxy %h %p\n  User {user}\n  IdentityFile {key}\n  \
             UserKnownHostsFile {known_hosts}\n  IdentitiesOnly yes\n  BatchMode yes\n  StrictHostKeyChecking yes\n",
            ajar = env!("CARGO_BIN_EXE_ajar"),
            folder = world.folder.path().display(),
            user = self.user(),
            key = self.at("id").display(),
            known_hosts = self.known_hosts().display(),
        );
        std::fs::write(&settings, text).expect("ssh’s settings");
        settings
    }

    /// A client of OpenSSH's with them.
    pub(crate) fn client(&self, program: &str, world: &World) -> tokio::process::Command {
        world.openssh(program, &self.client_settings(world))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.at("known_hosts")
    }

    /// Who runs this, and so the server.
    #[expect(clippy::unused_self, reason = "it is the server’s user")]
    pub(crate) fn user(&self) -> String {
        let name = Command::new("id").arg("-un").output().expect("id").stdout;
        String::from_utf8(name).expect("a name").trim().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_sshd_behind_the_door_is_reached_and_runs_the_command() {
    let sshd = Sshd::start().await;
    let world = sshd.behind_a_door().await;
    let ended = world.run(&["connect", "real", "--", "echo ok from sshd; exit 7"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (7, "ok from sshd\n"), "{}", ended.stderr);
    assert_eq!(world.control().requests("/initiate").await.len(), 1);
}
