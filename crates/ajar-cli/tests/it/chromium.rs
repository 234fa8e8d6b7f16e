//! A real browser without a screen: Chromium, led by its own WebDriver.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::user::soon;

/// The program, of the package `chromium-driver`.
const PROGRAM: &str = "chromedriver";

/// The pause between two looks at a page.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The name that WebDriver gives elements under.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The browser. It closes with this value.
pub(crate) struct Chromium {
    http: Client,
    session: String,
    /// Both are there as long as it is.
    _kept: (Child, TempDir),
}

impl Chromium {
    /// A browser that takes certificates of anybody: the simulator's authority is in no store.
    pub(crate) async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut driver = Command::new(PROGRAM);
        driver.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let missing = |error| panic!("{PROGRAM} does not start ({error}): apt-get install chromium-driver");
        let driver = driver.spawn().unwrap_or_else(missing);
        let profile = tempfile::tempdir().unwrap();
        let http = Client::builder().no_proxy().build().unwrap();
        let session = format!("http://127.0.0.1:{port}");
        let in_profile = format!("--user-data-dir={}", profile.path().display());
        let mut browser = Self { http, session, _kept: (driver, profile) };
        soon(async {
            while browser.http.get(format!("{}/status", browser.session)).send().await.is_err() {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        })
        .await;
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            &in_profile,
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "acceptInsecureCerts": true, "goog:chromeOptions": { "args": args },
        } } });
        let begun = browser.ask(Method::POST, "/session", Some(wanted)).await;
        let id = begun["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {begun}"));
        browser.session = format!("{}/session/{id}", browser.session);
        browser
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.try_to_ask(method, path, body).await;
        assert!(answer["error"].is_null(), "{path}: {answer}");
        answer
    }

    async fn try_to_ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.http.request(method, format!("{}{path}", self.session));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer: Value = soon(request.send()).await.unwrap().json().await.unwrap();
        answer["value"].clone()
    }

    /// Goes to a page.
    pub(crate) async fn open(&self, url: &str) {
        self.ask(Method::POST, "/url", Some(json!({ "url": url }))).await;
    }

    /// The element that an XPath names, as soon as it is there.
    async fn element(&self, path: &str) -> String {
        let wanted = json!({ "using": "xpath", "value": path });
        soon(async {
            loop {
                let found = self.try_to_ask(Method::POST, "/element", Some(wanted.clone())).await;
                if let Some(element) = found[ELEMENT].as_str() {
                    return element.to_owned();
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        })
        .await
    }

    /// Clicks the button with that text on it.
    pub(crate) async fn click(&self, text: &str) {
        let button = self.element(&format!("//button[contains(., '{text}')]")).await;
        self.ask(Method::POST, &format!("/element/{button}/click"), Some(json!({}))).await;
    }

    /// Types into the only field there is.
    pub(crate) async fn types(&self, text: &str) {
        let field = self.element("//input[@type='text']").await;
        self.ask(Method::POST, &format!("/element/{field}/value"), Some(json!({ "text": text }))).await;
    }

    /// Waits for a page with that heading; its text.
    pub(crate) async fn shows(&self, heading: &str) -> String {
        self.element(&format!("//h1[contains(., '{heading}')]")).await;
        let body = self.element("//body").await;
        let text = self.ask(Method::GET, &format!("/element/{body}/text"), None).await;
        text.as_str().unwrap().to_owned()
    }

    /// Where it is.
    pub(crate) async fn address(&self) -> String {
        self.ask(Method::GET, "/url", None).await.as_str().unwrap().to_owned()
    }

    /// Goes back to the page before.
    pub(crate) async fn back(&self) {
        self.ask(Method::POST, "/back", Some(json!({}))).await;
    }

    /// Closes it.
    pub(crate) async fn close(self) {
        self.ask(Method::DELETE, "", None).await;
    }
}
