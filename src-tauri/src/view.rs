//! What the window may ask: a few commands that hand on to the engine or the system, and one event.
#![expect(clippy::needless_pass_by_value, reason = "Tauri hands a command its arguments by value")]

use std::ffi::OsString;
use std::sync::Arc;

use ajar_core::exchange::Sharing;
use ajar_core::exchange::view::{ImportChoice, ImportView, ImportedView};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::message::desktop;
use ajar_core::protocol::{Connect, Deallocate, Reply, Request};
use ajar_core::snapshot::{AttemptNumber, FailureView, SignInStage, Snapshot};
use ajar_core::zone::Zone;
use ajar_runtime::adapters::{SystemBrowser, SystemClock, words};
use ajar_runtime::connection::Meant;
use ajar_runtime::files::{Folder, SettingsFile};
use ajar_runtime::hosting::Face;
use ajar_runtime::ports::{Browser as _, Clock as _};
use chrono::Utc;
use tauri::{AppHandle, Emitter as _, State, WebviewWindow};
use tauri_plugin_clipboard_manager::ClipboardExt as _;
use tauri_plugin_dialog::DialogExt as _;
use tauri_plugin_opener::OpenerExt as _;
use tokio::sync::oneshot;

use crate::arguments::Arguments;
use crate::beside;
use crate::exchange::{self, Importing};

/// The event that tells that files were dropped onto the window, which it may look at.
pub(crate) const DROPPED: &str = "dropped";

/// The event that carries each new snapshot.
const SNAPSHOT: &str = "snapshot";

/// Where help may lie: nothing else is opened, whatever the window asks for.
const HELP_HOSTS: [&str; 2] = ["learn.microsoft.com", "github.com"];

/// The way to the engine, and what is meant of one that another process hosts.
pub(crate) struct Engine {
    /// Or why there is none.
    pub(crate) face: Result<Face, Box<FailureView>>,
    pub(crate) meant: Option<Meant>,
    /// Which one opens addresses is in the settings.
    browser: SystemBrowser,
    settings: SettingsFile,
    /// The command line of a demo beside this Ajar.
    of_demo: Vec<OsString>,
}

type Answer<T> = Result<T, Box<FailureView>>;

impl Engine {
    /// The engine, or why there is none, for the window of this command line.
    pub(crate) fn new(
        face: Result<Face, Box<FailureView>>,
        meant: Option<Meant>,
        arguments: &Arguments,
        folder: &Folder,
    ) -> Self {
        let settings = SettingsFile::new(folder.settings());
        Self { face, meant, browser: SystemBrowser::new(folder), settings, of_demo: arguments.of_demo() }
    }

    fn face(&self) -> Answer<&Face> {
        self.face.as_ref().map_err(Clone::clone)
    }
}

/// A snapshot with what is wrong with its host by what is meant here.
fn judged(meant: Option<&Meant>, snapshot: Arc<Snapshot>) -> Arc<Snapshot> {
    let host = &snapshot.host;
    let wrong = meant.and_then(|meant| meant.other_cloud(host).or_else(|| meant.other_account(host)));
    match wrong {
        None => snapshot,
        Some(failure) => with_problem(snapshot, in_words(&failure.into())),
    }
}

fn with_problem(snapshot: Arc<Snapshot>, problem: FailureView) -> Arc<Snapshot> {
    Arc::new(Snapshot { host_problem: Some(problem), ..Arc::unwrap_or_clone(snapshot) })
}

/// The state as it is; where there is no engine any more, as it was last, which is said.
fn present(face: &Face, meant: Option<&Meant>) -> Arc<Snapshot> {
    let snapshot = face.snapshot();
    if face.is_gone() { with_problem(snapshot, face.why_gone()) } else { judged(meant, snapshot) }
}

/// The state as it is.
#[tauri::command]
pub(crate) fn snapshot(engine: State<'_, Engine>) -> Answer<Arc<Snapshot>> {
    Ok(present(engine.face()?, engine.meant.as_ref()))
}

/// Asks the engine for something.
#[tauri::command]
pub(crate) async fn request(engine: State<'_, Engine>, request: Request) -> Answer<Reply> {
    let face = engine.face()?;
    if let Request::Connect(wish) = request {
        return connect(face, wish).await.map(|number| Reply::Attempt { number });
    }
    if let Request::Deallocate(wish) = request {
        return Ok(face.ask(Request::Deallocate(Deallocate { stays: true, ..wish })).await);
    }
    Ok(face.ask(request).await)
}

/// Puts a text on the clipboard.
#[tauri::command]
pub(crate) fn copy_text(app: AppHandle, text: String) -> Answer<()> {
    app.clipboard().write_text(text).map_err(|error| internal(&error))
}

/// Opens a page of help in the browser.
#[tauri::command]
pub(crate) fn open_help(app: AppHandle, url: &str) -> Answer<()> {
    let page = help_page(url).ok_or_else(|| internal(&format!("{url} is not a page of help")))?;
    app.opener().open_url(page, None::<&str>).map_err(|error| internal(&error))
}

/// Opens the page of the sign-in under way, once more or on this machine: the engine's own address, none of the window's.
#[tauri::command]
pub(crate) async fn open_sign_in_page(engine: State<'_, Engine>) -> Answer<()> {
    let Some(url) = sign_in_page(&engine.face()?.snapshot()) else { return Ok(()) };
    engine.browser.open(&url).await.map_err(|trouble| Box::new(in_words(&trouble)))
}

/// Opens the settings file in whatever the system edits it with; one that is not there yet is made.
#[tauri::command]
pub(crate) async fn open_settings(app: AppHandle, engine: State<'_, Engine>) -> Answer<()> {
    let file = &engine.settings;
    file.be_there().map_err(|trouble| Box::new(in_words(&trouble)))?;
    app.opener().open_path(file.path().display().to_string(), None::<&str>).map_err(|error| internal(&error))
}

/// Whether there is a built-in Azure to start.
#[tauri::command]
pub(crate) fn has_demo() -> bool {
    cfg!(feature = "demo")
}

/// Starts another Ajar beside this one, on its built-in Azure, with files and a tray of its own.
#[tauri::command]
pub(crate) async fn start_demo(engine: State<'_, Engine>) -> Answer<()> {
    beside::start(&engine.of_demo).map_err(|error| internal(&error))
}

/// Has somebody choose files to take favourites in from; whether they did.
#[tauri::command]
pub(crate) async fn choose_import(window: WebviewWindow, importing: State<'_, Importing>) -> Answer<bool> {
    let (tell, told) = oneshot::channel();
    window
        .dialog()
        .file()
        .set_parent(&window)
        .set_title(desktop::choose_import())
        .pick_files(move |files| drop(tell.send(files)));
    let files = told.await.ok().flatten().unwrap_or_default();
    let files: Vec<_> = files.into_iter().filter_map(|file| file.into_path().ok()).collect();
    let is_chosen = !files.is_empty();
    if is_chosen {
        importing.choose(files);
    }
    Ok(is_chosen)
}

/// Tells what taking in the files that were chosen, or dropped, would do. `personal` ones are the user's own.
#[tauri::command]
pub(crate) async fn look_at_import(
    engine: State<'_, Engine>,
    importing: State<'_, Importing>,
    personal: bool,
) -> Answer<ImportView> {
    let sharing = if personal { Sharing::Personal } else { Sharing::WithOthers };
    importing.look(engine.face()?, &engine.settings, sharing).await
}

/// Takes in what was looked at.
#[tauri::command]
pub(crate) async fn take_in(
    engine: State<'_, Engine>,
    importing: State<'_, Importing>,
    choices: Vec<ImportChoice>,
) -> Answer<ImportedView> {
    importing.take_in(engine.face()?, &engine.settings, &choices).await
}

/// Writes the favourites into a file that somebody chooses, for others; what there is to say of it, if somebody has.
#[tauri::command]
pub(crate) async fn export_favourites(window: WebviewWindow, engine: State<'_, Engine>) -> Answer<Option<String>> {
    let (tell, told) = oneshot::channel();
    let dialog = window.dialog().file().set_parent(&window).set_title(desktop::choose_export());
    let dialog = dialog.set_file_name("ajar-favourites.toml");
    dialog.save_file(move |file| drop(tell.send(file)));
    let Some(path) = told.await.ok().flatten().and_then(|file| file.into_path().ok()) else { return Ok(None) };
    exchange::hand_on(engine.face()?, &engine.settings, &path).map(Some)
}

/// Closes the window.
#[tauri::command]
pub(crate) fn close_window(window: WebviewWindow) -> Answer<()> {
    window.close().map_err(|error| internal(&error))
}

/// Where people sign in now, if a sign-in is under way that has a page.
fn sign_in_page(snapshot: &Snapshot) -> Option<String> {
    match &snapshot.sign_in.as_ref()?.stage {
        SignInStage::Browser { url } | SignInStage::DeviceCode { url, .. } => Some(url.clone()),
        SignInStage::Beginning | SignInStage::Done { .. } | SignInStage::Failed { .. } => None,
    }
}

/// Tells the window each new snapshot, for as long as there is an engine, and then that there is none. A host that is new to it is
/// asked how things stand now, which that may not know yet.
pub(crate) async fn publish(app: AppHandle, face: Face, meant: Option<Meant>) {
    let mut snapshots = face.snapshots();
    let mut host = None;
    loop {
        let pid = Some(face.snapshot().host.pid);
        if host != pid && !face.is_gone() {
            host = pid;
            look_anew(face.clone());
        }
        let is_last = snapshots.changed().await.is_err();
        if let Err(error) = app.emit(SNAPSHOT, present(&face, meant.as_ref())) {
            tracing::warn!(%error, "the window did not hear of a snapshot");
        }
        if is_last {
            return;
        }
    }
}

/// Nothing is looked at while nobody looks: with the window in front people want to see how things stand now.
pub(crate) fn look_anew(face: Face) {
    tauri::async_runtime::spawn(async move { face.ask(Request::Refresh).await });
}

/// Asks to open a favourite, also if tray or window go away meanwhile, and sees to it that another host goes on with it should this one go away.
pub(crate) async fn connect(face: &Face, wish: Connect) -> Answer<AttemptNumber> {
    let mut following = face.connect(Connect { stays: true, ..wish }).await;
    let first = following.next().await?;
    let number = first.number;
    tokio::spawn(async move {
        let mut latest = Ok(first);
        while latest.is_ok_and(|attempt| attempt.outcome.is_none()) {
            latest = following.next().await;
        }
    });
    Ok(number)
}

/// A failure of the shell's own in the words of all failures.
pub(crate) fn in_words(trouble: &Trouble) -> FailureView {
    words(trouble, "Ajar")
}

/// The user's clock.
pub(crate) fn zone() -> Zone {
    SystemClock.zone(Utc::now())
}

fn internal(detail: &impl ToString) -> Box<FailureView> {
    Box::new(in_words(&Failure::Internal { detail: detail.to_string() }.into()))
}

/// The address as the browser gets it, if it is one of our pages of help.
fn help_page(url: &str) -> Option<String> {
    let page: tauri::Url = url.parse().ok()?;
    let ours = page.scheme() == "https" && page.host_str().is_some_and(|host| HELP_HOSTS.contains(&host));
    let plain = page.username().is_empty() && page.password().is_none() && page.port().is_none();
    (ours && plain).then(|| page.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_state_that_is_not_the_present_one_any_more_is_shown_with_why() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::at(home.path());
        let of_parts = folder.clone();
        let parts = move || {
            let parts = ajar_runtime::connection::parts(of_parts.clone(), None, false, |_| None);
            Box::pin(std::future::ready(parts)) as _
        };
        let face = Face::open(ajar_runtime::hosting::Opening { folder, parts: Box::new(parts) }).await.unwrap();
        assert_eq!(present(&face, None).host_problem, None);
        face.clone().close().await;
        assert!(present(&face, None).host_problem.is_some());
    }

    #[test]
    fn pages_of_help_are_opened_and_nothing_else_is() {
        for page in ["https://learn.microsoft.com/azure/defender-for-cloud/", "https://github.com/o/r/issues?q=x"] {
            assert_eq!(help_page(page).as_deref(), Some(page));
        }
        for other in [
            "http://learn.microsoft.com/",
            "https://learn.microsoft.com.evil.example/",
            "https://evil.example/learn.microsoft.com",
            "https://learn.microsoft.com@evil.example/",
            "https://user@github.com/",
            "https://github.com:8443/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "--version",
        ] {
            assert_eq!(help_page(other), None, "{other}");
        }
    }

    #[test]
    fn every_command_is_one_that_must_be_granted_and_is() {
        let own = include_str!("view.rs");
        let commands: Vec<&str> = own
            .split("#[tauri::command]\n")
            .skip(1)
            .filter_map(|after| after.split_once("fn ")?.1.split_once('('))
            .map(|(name, _)| name)
            .filter(|name| !name.contains(char::is_whitespace))
            .collect();
        let build = include_str!("../build.rs");
        let capability: serde_json::Value =
            serde_json::from_str(include_str!("../capabilities/main.json")).expect("the capability is JSON");
        let granted = capability["permissions"].as_array().expect("it lists permissions");
        let wanted = ["snapshot", "request", "copy_text", "open_help", "open_sign_in_page"];
        let of_exchange = ["choose_import", "look_at_import", "take_in", "export_favourites"];
        let others = [&["open_settings", "has_demo", "start_demo"][..], &of_exchange, &["close_window"]].concat();
        assert_eq!(commands, [&wanted[..], &others].concat());
        for command in commands {
            assert!(build.contains(&format!("\"{command}\"")), "build.rs does not know {command}");
            let grant = format!("allow-{}", command.replace('_', "-"));
            assert!(granted.contains(&grant.clone().into()), "no {grant}");
        }
    }
}
