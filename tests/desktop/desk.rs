//! A desktop for one test: display, session bus, panel, notification daemon, home folder, and Ajar on it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use zbus::{Connection, connection};

use crate::driver::Driver;
use crate::notifications::Notifications;
use crate::own_azure::{FLEET, OwnAzure};
use crate::recorder::Recorder;
use crate::screen::Screen;
use crate::tray_host::{Tray, TrayHost};
use crate::xrdp::Xrdp;

/// How long anything may take that a test waits for, on a machine that is busy with other tests.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

const PROGRAM: &str = env!("CARGO_BIN_EXE_ajar-desktop");

/// Nothing is activated on this bus, and everyone may talk to everyone.
const BUS: &str = r#"<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#;

/// Waits for a fact, but not for ever.
pub(crate) async fn within<T>(what: &str, fact: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, fact).await.unwrap_or_else(|_| panic!("it did not happen in time that {what}"))
}

/// See the module. Its parts go away in this order.
pub(crate) struct Desk {
    pub(crate) tray_host: TrayHost,
    pub(crate) notifications: Notifications,
    pub(crate) screen: Screen,
    pub(crate) recorder: Recorder,
    bus_address: String,
    display: String,
    _bus: Server,
    _xvfb: Server,
    home: TempDir,
}

impl Desk {
    /// A desktop with a panel.
    pub(crate) async fn set_up() -> Self {
        let desk = Self::without_panel().await;
        desk.tray_host.begin().await;
        desk
    }

    /// A desktop whose panel has yet to begin.
    pub(crate) async fn without_panel() -> Self {
        the_window_is_built();
        let home = TempDir::with_prefix("ajar-desk-").expect("a temporary folder can be had");
        let (xvfb, number) = xvfb();
        let display = format!(":{number}");
        let (bus, bus_address) = session_bus(home.path());
        let recorder = Recorder::set_up(home.path());
        std::fs::create_dir(home.path().join("tmp")).expect("the home folder can be written to");
        let demo = home.path().join("config/demo");
        std::fs::create_dir_all(&demo).expect("the home folder can be written to");
        let clients = format!("[clients]\nterminal = [\"{}\"]\n", recorder.program.display());
        std::fs::write(demo.join("config.toml"), clients).expect("the home folder can be written to");
        Self {
            tray_host: TrayHost::new(connect(&bus_address).await),
            notifications: Notifications::begin(connect(&bus_address).await).await.expect("the bus is new"),
            screen: Screen::look_at(&display),
            recorder,
            bus_address,
            display,
            _bus: bus,
            _xvfb: xvfb,
            home,
        }
    }

    /// Starts Ajar's tray, and waits until the panel has it.
    pub(crate) async fn start_tray(&self, more: &[&str]) -> Tray {
        let process = self.ajar(more).spawn().expect("ajar-desktop starts");
        self.tray_host.tray(process).await
    }

    /// Starts Ajar's tray.
    pub(crate) fn start(&self) -> tokio::process::Child {
        self.ajar(&[]).spawn().expect("ajar-desktop starts")
    }

    /// The tray of a process that was started, when the panel has it.
    pub(crate) async fn tray_of(&self, process: tokio::process::Child) -> Tray {
        self.tray_host.tray(process).await
    }

    /// Starts Ajar once more and waits for its end.
    pub(crate) async fn start_again(&self) -> ExitStatus {
        within("a second start ends", self.ajar(&[]).status()).await.expect("ajar-desktop starts")
    }

    /// Shows a window, without a tray of its own, that WebDriver looks into; `theme` is GTK's.
    pub(crate) async fn driven_window(&self, theme: &str) -> Driver {
        let mut environment = self.environment();
        environment.push(("GTK_THEME", theme.to_owned()));
        Driver::start(PROGRAM, &self.arguments(&["--window"]), &environment).await
    }

    /// An Azure of the user's own that runs for this desktop; `settings` are added to those that name it.
    pub(crate) async fn own_azure(&self, settings: &str) -> OwnAzure {
        OwnAzure::start(self.home.path(), FLEET, &self.recorder.program, settings).await
    }

    /// An Azure with a VM whose remote desktop is that server's, and a terminal that shows nothing.
    pub(crate) async fn azure_with(&self, xrdp: &Xrdp) -> OwnAzure {
        OwnAzure::start(self.home.path(), &xrdp.fleet(), Path::new("/usr/bin/env"), "").await
    }

    /// Shows a window for an Azure of the user's own, without a tray, that WebDriver looks into; `theme` is GTK's.
    pub(crate) async fn driven_window_of(&self, azure: &OwnAzure, theme: &str) -> Driver {
        let mut environment = self.environment();
        environment.push(("GTK_THEME", theme.to_owned()));
        let config = azure.folder.to_string_lossy().into_owned();
        Driver::start(PROGRAM, &["--window".into(), "--config".into(), config], &environment).await
    }

    /// Starts a tray for an Azure of the user's own, and waits until the panel has it.
    pub(crate) async fn start_tray_of(&self, azure: &OwnAzure) -> Tray {
        let config = azure.folder.to_string_lossy().into_owned();
        let process = self.program(&["--config".into(), config]).spawn().expect("ajar-desktop starts");
        self.tray_host.tray(process).await
    }

    /// The same for an application of the environment, which is signed in to it.
    pub(crate) async fn start_tray_as_application(&self, azure: &OwnAzure) -> Tray {
        let config = azure.folder.to_string_lossy().into_owned();
        let mut program = self.program(&["--config".into(), config]);
        let process = program.envs(azure.environment()).spawn().expect("ajar-desktop starts");
        self.tray_host.tray(process).await
    }

    /// Starts Ajar on the demo's files, but for Azure US Government; WebDriver looks into the window that it shows.
    pub(crate) async fn driven_start_for_another_cloud(&self) -> Driver {
        Driver::start(PROGRAM, &self.arguments_for_another_cloud(), &self.environment()).await
    }

    /// Starts Ajar on the demo's files, but for Azure US Government.
    pub(crate) fn start_for_another_cloud(&self, more: &[&str]) -> tokio::process::Child {
        let mut command = self.program(&self.arguments_for_another_cloud());
        command.args(more).spawn().expect("ajar-desktop starts")
    }

    fn arguments_for_another_cloud(&self) -> Vec<String> {
        let config = self.home.path().join("config/demo").to_string_lossy().into_owned();
        vec!["--config".into(), config, "--cloud".into(), "usgov".into()]
    }

    /// Starts a window of the demo, without a tray.
    pub(crate) fn start_window(&self) -> tokio::process::Child {
        self.ajar(&["--window"]).spawn().expect("ajar-desktop starts")
    }

    fn ajar(&self, more: &[&str]) -> tokio::process::Command {
        self.program(&self.arguments(more))
    }

    fn program(&self, arguments: &[String]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(PROGRAM);
        command.args(arguments).envs(self.environment()).kill_on_drop(true).env_remove("WAYLAND_DISPLAY");
        for variable in ["XDG_DATA_HOME", "XDG_CACHE_HOME", "AZURE_CLIENT_ID"] {
            command.env_remove(variable);
        }
        command
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let config = self.home.path().join("config").to_string_lossy().into_owned();
        let own = ["--demo", "--demo-speed", "20", "--config", &config];
        own.iter().chain(more).map(|word| (*word).to_owned()).collect()
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let home = self.home.path().to_string_lossy().into_owned();
        vec![
            ("GDK_BACKEND", "x11".into()),
            ("GTK_THEME", "Adwaita".into()),
            ("NO_AT_BRIDGE", "1".into()),
            ("DISPLAY", self.display.clone()),
            ("DBUS_SESSION_BUS_ADDRESS", self.bus_address.clone()),
            ("HOME", home.clone()),
            ("XDG_RUNTIME_DIR", home),
            ("TMPDIR", self.temporary().to_string_lossy().into_owned()),
        ]
    }

    /// Where Ajar's temporary files go.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.home.path().join("tmp")
    }

    /// Where a web view keeps what it remembers, unless it is told to forget.
    pub(crate) fn web_data(&self) -> Vec<PathBuf> {
        let home = self.home.path();
        let places = [home.join(".local").join("share"), home.join(".cache")].into_iter();
        let places = places.filter(|place| place.is_dir()).flat_map(|place| entries(&place));
        places.filter(|path| path.to_string_lossy().contains("ajar-app")).collect()
    }

    /// The sockets of Ajar's engines.
    pub(crate) fn sockets(&self) -> Vec<PathBuf> {
        let folders = entries(self.home.path());
        let own = folders
            .into_iter()
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ajar-")));
        own.flat_map(|folder| entries(&folder)).collect()
    }

    /// Waits until a built-in Azure has said where it is.
    pub(crate) async fn a_demo_serves(&self) {
        let serves = async {
            while self.journal().await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within("the built-in Azure serves", serves).await;
    }

    /// The paths of all POST requests that the built-in Azure has had.
    pub(crate) async fn journal_of_posts(&self) -> Vec<String> {
        let journal = self.journal().await.expect("the built-in Azure tells its journal");
        let entries = journal.as_array().expect("a list").iter();
        let posts = entries.filter(|entry| entry["method"] == "POST");
        posts.map(|entry| entry["path"].as_str().expect("a path").to_owned()).collect()
    }

    /// Pushes the built-in Azure's clock forward.
    pub(crate) async fn advance(&self, by: Duration) {
        let seconds = serde_json::json!({ "seconds": by.as_secs() });
        let pushed = self.control(|http, url| http.post(format!("{url}/advance")).json(&seconds)).await;
        pushed.expect("the built-in Azure takes it");
    }

    /// Puts this machine at another public address, as the built-in Azure sees it.
    pub(crate) async fn moves_to(&self, address: &str) {
        let address = serde_json::json!({ "publicIp": address });
        let moved = self.control(|http, url| http.post(format!("{url}/address")).json(&address)).await;
        moved.expect("the built-in Azure takes it");
    }

    /// Has the built-in Azure answer with policies later than with all else.
    pub(crate) async fn have_policies_come_last(&self) {
        let late = serde_json::json!({
            "match": { "method": "GET", "path": "*/jitNetworkAccessPolicies" },
            "fault": "slow", "seconds": 1, "times": null,
        });
        let set = self.control(|http, url| http.post(format!("{url}/faults")).json(&late)).await;
        set.expect("the built-in Azure takes it");
    }

    async fn journal(&self) -> Result<Value, Box<dyn std::error::Error>> {
        Ok(self.control(|http, url| http.get(format!("{url}/journal"))).await?.json().await?)
    }

    async fn control(
        &self,
        ask: impl FnOnce(&reqwest::Client, &str) -> reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, Box<dyn std::error::Error>> {
        let announced = std::fs::read(self.home.path().join("config/demo/azure-sim.json"))?;
        let announced: Value = serde_json::from_slice(&announced)?;
        let text = |key: &str| announced[key].as_str().ok_or("the announcement lacks something");
        let authority = reqwest::Certificate::from_pem(&std::fs::read(text("caBundle")?)?)?;
        let client = reqwest::Client::builder().tls_certs_only([authority]).no_proxy().build()?;
        Ok(ask(&client, text("control")?).send().await?.error_for_status()?)
    }
}

/// What lies in a folder.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).expect("the folder can be read");
    all.map(|entry| entry.expect("an entry").path()).collect()
}

async fn connect(address: &str) -> Connection {
    let builder = connection::Builder::address(address).expect("dbus-daemon prints an address");
    builder.build().await.expect("the bus takes connections")
}

/// A program that serves until it is dropped.
pub(crate) struct Server(pub(crate) Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts a server that says on standard output when it is ready; what it says.
pub(crate) fn serve(command: &mut Command, package: &str) -> (Server, String) {
    let program = command.get_program().to_string_lossy().into_owned();
    let missing = |error| panic!("{program} does not start ({error}); install it with: apt-get install {package}");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap_or_else(missing);
    let mut server = Server(child);
    let mut line = String::new();
    let stdout = server.0.stdout.as_mut().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).expect("standard output can be read");
    if line.trim().is_empty() {
        let mut why = String::new();
        let stderr = server.0.stderr.as_mut().expect("it is piped");
        stderr.read_to_string(&mut why).expect("standard error can be read");
        panic!("{program} has ended: {why}");
    }
    (server, line.trim().to_owned())
}

fn xvfb() -> (Server, String) {
    let mut command = Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "1024x900x24", "-noreset", "-nolisten", "tcp"]);
    serve(&mut command, "xvfb")
}

fn session_bus(home: &Path) -> (Server, String) {
    let config = home.join("bus.conf");
    std::fs::write(&config, BUS).expect("the home folder can be written to");
    let mut command = Command::new("dbus-daemon");
    command.arg(format!("--config-file={}", config.display())).args(["--print-address", "--nofork"]);
    serve(&mut command, "dbus")
}

/// The binary under test carries what was in `ui/dist` when it was built.
fn the_window_is_built() {
    let index = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("ui/dist/index.html");
    let text = std::fs::read_to_string(index).unwrap_or_default();
    assert!(
        text.contains("<script"),
        "the window’s files are not built: run `cargo xtask test`, or `npm run build` in ui"
    );
}
