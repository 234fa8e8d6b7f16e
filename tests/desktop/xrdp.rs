//! A real remote desktop server: xrdp, before the desktop of an Xvnc, painted in one colour.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt as _};

use crate::desk::{Server, serve, within};
use crate::screen::Colour;

/// Where it asks which desktop is wanted.
pub(crate) const LOGIN: Colour = Colour(0x6e, 0x2e, 0x5e);

/// The desktop behind it.
pub(crate) const DESKTOP: Colour = Colour(0x2e, 0x6e, 0x4e);

/// See the module. It has one desktop, which asks nobody who they are.
pub(crate) struct Xrdp {
    port: u16,
    _server: Server,
    _desktop: Server,
    _folder: TempDir,
}

impl Xrdp {
    pub(crate) async fn start() -> Self {
        let folder = TempDir::with_prefix("ajar-xrdp-").expect("a temporary folder can be had");
        let (port, behind) = (free_port(), free_port());
        let desktop = desktop(behind);
        certificate(folder.path());
        let config = folder.path().join("xrdp.ini");
        std::fs::write(&config, configuration(folder.path(), port, behind)).expect("the folder can be written to");
        // Where no service manager ran, the folder of its sockets is missing.
        std::fs::create_dir_all("/run/xrdp/sockdir").ok();
        let mut command = Command::new("/usr/sbin/xrdp");
        command.args(["-n", "-c"]).arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Server(command.spawn().expect("xrdp starts (package xrdp)"));
        let listens = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within("xrdp listens", listens).await;
        Self { port, _server: server, _desktop: desktop, _folder: folder }
    }

    /// A fleet of one VM whose remote desktop it is.
    pub(crate) fn fleet(&self) -> String {
        format!(
            "[[subscriptions]]\nid = \"5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001\"\nname = \"Home\"\n\
             [[vms]]\nname = \"web-01\"\nos = \"Windows\"\npower = \"deallocated\"\n\
             ports = [{{ number = 3389, jit = {{}}, forward = \"127.0.0.1:{}\" }}]\n",
            self.port
        )
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A desktop that is looked at through a port.
fn desktop(port: u16) -> Server {
    let mut command = Command::new("Xvnc");
    command.args([
        "-displayfd",
        "1",
        "-noreset",
        "-SecurityTypes",
        "None",
        "-interface",
        "127.0.0.1",
        "-nolisten",
        "tcp",
    ]);
    command.args(["-geometry", "800x600", "-depth", "24", "-rfbport", &port.to_string()]);
    let (server, number) = serve(&mut command, "tigervnc-standalone-server");
    let (x11, screen) = x11rb::connect(Some(&format!(":{number}"))).expect("Xvnc takes connections");
    let root = x11.setup().roots[screen].root;
    let Colour(red, green, blue) = DESKTOP;
    let paint = ChangeWindowAttributesAux::new().background_pixel(u32::from_be_bytes([0, red, green, blue]));
    let painted = x11.change_window_attributes(root, &paint).and_then(|_| x11.clear_area(false, root, 0, 0, 0, 0));
    painted.and_then(|_| x11.flush()).expect("the desktop is painted");
    x11.get_input_focus().expect("the display works").reply().expect("it has painted before it answers");
    server
}

fn certificate(folder: &Path) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=web-01", "-keyout"]);
    command.arg(folder.join("key.pem")).arg("-out").arg(folder.join("cert.pem"));
    let made = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(made.is_ok_and(|status| status.success()), "openssl (package openssl) makes a certificate");
}

fn configuration(folder: &Path, port: u16, behind: u16) -> String {
    let folder = folder.display();
    format!(
        "[Globals]\nini_version=1\nfork=false\nport=tcp://127.0.0.1:{port}\nsecurity_layer=negotiate\ncrypt_level=high\n\
         certificate={folder}/cert.pem\nkey_file={folder}/key.pem\nssl_protocols=TLSv1.2, TLSv1.3\n\
         ls_top_window_bg_color=6e2e5e\n\
         allow_channels=true\nmax_bpp=32\n[Logging]\nLogFile={folder}/xrdp.log\nLogLevel=INFO\nEnableSyslog=false\n[Channels]\nrdpdr=true\n\
         rdpsnd=true\ndrdynvc=true\ncliprdr=true\n\
         [desktop]\nname=desktop\nlib=libvnc.so\nusername=na\npassword=na\nip=127.0.0.1\nport={behind}\n"
    )
}
