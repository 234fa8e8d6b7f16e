//! Stands for a user of the window who reads its text, its names and its sizes: WebKit's own WebDriver.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::desk::within;

/// Keys as WebDriver writes them.
pub(crate) const TAB: char = '\u{e004}';
/// Likewise.
pub(crate) const ENTER: &str = "\u{e007}";
/// Likewise.
pub(crate) const ESCAPE: &str = "\u{e00c}";

/// The most controls that a page can have between two.
const CONTROLS: usize = 60;

/// What a screen reader calls the control that has the focus.
const FOCUSED: &str = "const at = document.activeElement; return (at?.getAttribute('aria-label') ?? \
    at?.labels?.[0]?.textContent ?? at?.textContent ?? '').trim()";

/// The program, of the package `webkit2gtk-driver`.
const PROGRAM: &str = "WebKitWebDriver";

/// The window, with somebody who looks into it. It closes with this value.
pub(crate) struct Driver {
    http: Client,
    session: String,
    process: Child,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It takes along what it has started.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Driver {
    /// Starts a window by this command line, in this environment.
    pub(crate) async fn start(program: &str, args: &[String], environment: &[(&str, String)]) -> Self {
        let port = free_port();
        let mut command = Command::new(PROGRAM);
        command.arg(format!("--port={port}")).args(["--host=127.0.0.1"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.env_remove("WAYLAND_DISPLAY").env("TAURI_WEBVIEW_AUTOMATION", "true");
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let missing = |error| panic!("{PROGRAM} does not start ({error}): apt-get install webkit2gtk-driver");
        let process = command.spawn().unwrap_or_else(missing);
        let http = Client::builder().no_proxy().build().expect("a client");
        let mut driver = Self { http, session: format!("http://127.0.0.1:{port}"), process };
        within("WebDriver listens", driver.listens()).await;
        let options = json!({ "binary": program, "args": args });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "webkitgtk:browserOptions": options } } });
        let begun = driver.ask(Method::POST, "/session", Some(wanted)).await;
        let id = begun["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {begun}"));
        driver.session = format!("{}/session/{id}", driver.session);
        driver
    }

    async fn listens(&self) {
        while self.http.get(format!("{}/status", self.session)).send().await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.http.request(method, format!("{}{path}", self.session));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = within("WebDriver answers", request.send()).await.expect("it is on this machine");
        let answer: Value = answer.json().await.expect("it speaks JSON");
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].clone()
    }

    /// What a function's body returns in the page. A promise is waited for.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.ask(Method::POST, "/execute/sync", Some(json!({ "script": script, "args": [] }))).await
    }

    /// What it returns as soon as that is something.
    pub(crate) async fn run_until(&self, what: &str, script: &str) -> Value {
        let found = async {
            loop {
                let found = self.run(script).await;
                if !found.is_null() && found != Value::Bool(false) {
                    return found;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        within(what, found).await
    }

    /// Presses these keys, one after the other.
    pub(crate) async fn press(&self, keys: &str) {
        let strokes: Vec<_> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] });
        self.ask(Method::POST, "/actions", Some(actions)).await;
    }

    /// Goes on by the Tab key until the control of that name has the focus.
    pub(crate) async fn tab_to(&self, name: &str) {
        let mut passed = Vec::new();
        for _ in 0..CONTROLS {
            let focused = self.run(FOCUSED).await;
            if focused == name {
                return;
            }
            passed.push(focused);
            self.press(&TAB.to_string()).await;
        }
        panic!("no Tab leads to “{name}”: {passed:?}");
    }

    /// Makes the window as wide and as high as this, as far as it lets itself.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        self.ask(Method::POST, "/window/rect", Some(json!({ "width": width, "height": height }))).await;
    }

    /// The window as it looks, as PNG, in `target/screenshots`, for people.
    pub(crate) async fn save(&self, name: &str) {
        use base64::Engine as _;
        // What is in the page is not on the screen before the next frame.
        self.run("return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))").await;
        let shot = self.ask(Method::GET, "/screenshot", None).await;
        let png = base64::engine::general_purpose::STANDARD.decode(shot.as_str().expect("base64")).expect("base64");
        let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        std::fs::create_dir_all(&folder).expect("the target folder can be written to");
        std::fs::write(folder.join(format!("{name}.png")), png).expect("so can a file in it");
    }

    /// Closes the window.
    pub(crate) async fn close(self) {
        self.ask(Method::DELETE, "", None).await;
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
