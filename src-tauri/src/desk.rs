//! The tray process: follows the engine, draws the tray, tells what has happened, does what is clicked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ajar_core::folders::lies_in;
use ajar_core::menu::{Action, menu, menu_changes_at};
use ajar_core::message::notice;
use ajar_core::notice::{Told, notices, notices_change_at};
use ajar_core::profile::ProfileName;
use ajar_core::protocol::{Connect, Request, SignIn, Together};
use ajar_core::snapshot::{FailureView, FavouriteState, FavouriteView, Snapshot};
use ajar_runtime::adapters::azure_now;
use ajar_runtime::connection::Meant;
use ajar_runtime::hosting::Face;
use chrono::{DateTime, Utc};
use tauri::{App, AppHandle, RunEvent};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::arguments::Arguments;
use crate::leash::Leash;
use crate::signals::Signals;
use crate::tray::{self, Tray};
use crate::{notify, view};

/// The longest the tray trusts a timer while something is open: a resumed laptop's timers run late.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// How long the engine's end is waited for, if it is hosted here.
const CLOSING: Duration = Duration::from_secs(5);

/// Runs the tray until it is told to quit.
pub(crate) fn run(
    runtime: &Runtime,
    face: Face,
    mut signals: Signals,
    arguments: &Arguments,
    meant: Option<Meant>,
) -> tauri::Result<i32> {
    let (leash, held) = runtime.block_on(async { Leash::new(arguments.of_window()) });
    let builder = tauri::Builder::default().plugin(tauri_plugin_notification::init());
    let app = without_dock_icon(builder.build(crate::context())?);
    let (handle, quitting) = (app.handle().clone(), Arc::default());
    let desk = Desk { app: handle, face: face.clone(), meant, leash: leash.clone(), quitting };
    tray::listen(app.handle(), &desk);
    notify::listen(app.handle(), &desk);
    if arguments.show {
        leash.show();
    }
    let quitting = Arc::clone(&desk.quitting);
    runtime.spawn(desk.attend());
    let front = app.handle().clone();
    let told_again = runtime.spawn(async move {
        // Ends as from the menu, so that the window is closed and files are cleared.
        signals.next().await;
        front.exit(0);
        signals.next().await;
    });
    let code = app.run_return(|_, event| {
        // The last window's end is not the tray's.
        if let RunEvent::ExitRequested { code: None, api, .. } = event {
            api.prevent_exit();
        }
    });
    quitting.store(true, Ordering::Relaxed);
    leash.close();
    runtime.block_on(async {
        tokio::select! {
            () = close(held, face) => {}
            // Whoever says it twice does not want to wait.
            _ = told_again => {}
        }
    });
    Ok(code)
}

/// Waits until the window has ended, and then the engine if it is hosted here.
async fn close(window: JoinHandle<()>, face: Face) {
    if let Err(error) = window.await {
        tracing::warn!(%error, "the window was lost sight of");
    }
    if tokio::time::timeout(CLOSING, face.close()).await.is_err() {
        tracing::warn!("the engine did not come to its end");
    }
}

#[cfg(target_os = "macos")]
fn without_dock_icon(mut app: App) -> App {
    app.set_activation_policy(tauri::ActivationPolicy::Accessory);
    app
}

#[cfg(not(target_os = "macos"))]
fn without_dock_icon(app: App) -> App {
    app
}

/// What the tray process works with.
#[derive(Clone)]
pub(crate) struct Desk {
    app: AppHandle,
    face: Face,
    meant: Option<Meant>,
    leash: Leash,
    /// The engine's end is no news from then on.
    quitting: Arc<AtomicBool>,
}

impl Desk {
    /// Follows the engine to its end.
    async fn attend(mut self) {
        let mut tray = Tray::new(self.app.clone());
        let mut snapshots = self.face.snapshots();
        let mut before: Option<Arc<Snapshot>> = None;
        let mut told = Told::default();
        let mut window = self.leash.clone();
        loop {
            let latest = snapshots.borrow_and_update().clone();
            let mut wake = None;
            if let Some(snapshot) = latest {
                self.react(before.as_deref(), &snapshot);
                let now = azure_now(&snapshot);
                for notice in notices(before.as_deref(), &snapshot, &mut told, now, view::zone()) {
                    notify::show(&self.app, notice);
                }
                tray.show(menu(&snapshot, now)).await;
                let changes = [menu_changes_at(&snapshot, now), notices_change_at(&snapshot, now)];
                wake = changes.into_iter().flatten().min().map(|at| until(at, now));
                before = Some(snapshot);
            }
            tokio::select! {
                changed = snapshots.changed() => if changed.is_err() {
                    return self.engine_is_gone();
                },
                () = sleep(wake) => {}
                () = tray.retry() => {}
                () = tray.is_missed() => self.do_without_tray(&mut tray),
                () = self.leash.closed(), if tray.is_given_up() => self.app.exit(0),
                error = window.failed() => self.do_without_window(&error, &tray),
            }
        }
    }

    /// Does what a new snapshot asks for, beside the tray.
    fn react(&self, before: Option<&Snapshot>, after: &Snapshot) {
        if before.is_none_or(|before| before.host.pid != after.host.pid) {
            // A host that is new to us may not know yet what is open.
            let face = self.face.clone();
            tokio::spawn(async move { face.ask(Request::Refresh).await });
            self.tell_refusal(self.of_the_cloud_meant(after));
        }
        let Some(before) = before else { return };
        if wants_window(before, after) {
            self.leash.show();
        }
    }

    /// Does what was clicked. Nothing is opened, now or after a sign-in, at a host of another cloud than is meant here.
    pub(crate) fn act(&self, action: Action) {
        if let Action::Connect { .. }
        | Action::ConnectAll { .. }
        | Action::Extend { .. }
        | Action::FromHere { .. }
        | Action::Deallocate { .. }
        | Action::SignIn { .. } = action
            && let Err(failure) = self.of_the_cloud_meant(&self.face.snapshot())
        {
            return self.tell_refusal(Err(failure));
        }
        match action {
            Action::OpenWindow => self.leash.show(),
            Action::Quit => self.app.exit(0),
            Action::Connect { name } => self.ask_for(Connect::by_click(name)),
            Action::ConnectAll { folder } => self.connect_all(&folder),
            Action::Extend { name } => self.ask_for(Connect::more_time(name)),
            Action::FromHere { name } => self.ask_for(Connect::from_here(name)),
            Action::SignIn { name } => self.sign_in_for(name),
            Action::Deallocate { unused } => self.ask(Request::DeallocateUnused { unused }),
            Action::KeepRunning { unused, keep } => self.ask(Request::KeepRunning { unused, keep }),
            Action::Cancel { name } => self.ask(Request::Cancel { name }),
        }
    }

    fn ask(&self, request: Request) {
        let desk = self.clone();
        tauri::async_runtime::spawn(async move {
            desk.tell_refusal(desk.face.ask(request).await.accepted());
        });
    }

    fn ask_for(&self, wish: Connect) {
        let desk = self.clone();
        tauri::async_runtime::spawn(async move {
            desk.tell_refusal(view::connect(&desk.face, wish).await.map(drop));
        });
    }

    /// Opens what lies in a folder and those within, and is not being opened already.
    fn connect_all(&self, folder: &str) {
        let snapshot = self.face.snapshot();
        let is_wanted = |known: &&FavouriteView| {
            lies_in(known.profile.folder.as_deref(), folder)
                && !matches!(known.state, FavouriteState::Connecting | FavouriteState::Deallocating)
        };
        let names: Vec<_> = snapshot.favourites.iter().filter(is_wanted).map(|known| known.name.clone()).collect();
        let together = Some(Together::of(names.len(), azure_now(&snapshot)));
        for name in names {
            self.ask_for(Connect { together, ..Connect::by_click(name) });
        }
    }

    /// Begins to sign in to the account that a favourite acts as. The window tells how it goes, and what else there is to
    /// do where signing in is not Ajar's business.
    fn sign_in_for(&self, favourite: ProfileName) {
        self.leash.show();
        let snapshot = self.face.snapshot();
        let known = snapshot.favourites.iter().find(|known| known.name == favourite);
        let account = known.and_then(|known| snapshot.account_of(known));
        let Some(account) = account.filter(|account| account.method.is_interactive()) else { return };
        let name = Some(account.name.clone());
        self.ask(Request::SignIn(SignIn { name, then: Some(favourite), ..SignIn::by(account.method) }));
    }

    /// Refuses a host that has come since the start and talks to another cloud than is meant here.
    fn of_the_cloud_meant(&self, snapshot: &Snapshot) -> Result<(), Box<FailureView>> {
        let other = self.meant.as_ref().and_then(|meant| meant.other_cloud(&snapshot.host));
        other.map_or(Ok(()), |failure| Err(Box::new(view::in_words(&failure.into()))))
    }

    fn tell_refusal(&self, answer: Result<(), Box<FailureView>>) {
        if let Err(failure) = answer {
            notify::show(&self.app, notice::failed(&failure));
        }
    }

    /// Where no tray comes up there is still a window; it says so once.
    fn do_without_tray(&self, tray: &mut Tray) {
        tracing::warn!("no tray to be seen in: showing the window instead");
        tray.give_up();
        notify::show(&self.app, notice::no_tray());
        self.leash.show();
    }

    /// Where no window comes up there is still the tray; with neither there is nothing to be seen of Ajar.
    fn do_without_window(&self, error: &str, tray: &Tray) {
        notify::show(&self.app, notice::no_window(error));
        if tray.is_given_up() {
            self.app.exit(1);
        }
    }

    fn engine_is_gone(&self) {
        if self.quitting.load(Ordering::Relaxed) {
            return;
        }
        tracing::error!("the engine is gone for good");
        self.app.exit(1);
    }
}

/// Whether somebody has asked for the window in between. A new host begins to count anew.
fn wants_window(before: &Snapshot, after: &Snapshot) -> bool {
    let seen = if before.host.pid == after.host.pid { before.window_wanted } else { 0 };
    after.window_wanted > seen
}

fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or_default().min(LONGEST_SLEEP)
}

/// For ever, if nothing is due.
async fn sleep(length: Option<Duration>) {
    match length {
        Some(length) => tokio::time::sleep(length).await,
        None => std::future::pending().await,
    }
}
