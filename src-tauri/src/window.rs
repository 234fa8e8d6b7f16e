//! The process that shows the window: a face of the engine like any other, gone when the window is closed.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;

use ajar_runtime::files::Folder;
use tauri::{App, AppHandle, DragDropEvent, Emitter as _, Manager as _, WebviewUrl, WebviewWindowBuilder, WindowEvent};

use crate::exchange::Importing;
use crate::view::{self, Engine};

/// The window's name in capabilities and calls.
const LABEL: &str = "main";

/// Shows the window until it is closed. Without an engine it shows why there is none. `folder` is Ajar's.
pub(crate) fn run(engine: Engine, folder: &Folder, leashed: bool) -> tauri::Result<i32> {
    let data = folder.state_file("window");
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_clipboard_manager::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::Builder::new().open_js_links_on_click(false).build())
        .invoke_handler(tauri::generate_handler![
            view::snapshot,
            view::request,
            view::copy_text,
            view::open_help,
            view::open_sign_in_page,
            view::open_settings,
            view::has_demo,
            view::start_demo,
            view::choose_import,
            view::look_at_import,
            view::take_in,
            view::export_favourites,
            view::close_window
        ])
        .setup(move |app| {
            if let Ok(face) = &engine.face {
                tauri::async_runtime::spawn(view::publish(app.handle().clone(), face.clone(), engine.meant.clone()));
            }
            app.manage(engine);
            app.manage(Importing::default());
            open(app, data)?;
            if leashed {
                obey_standard_input(app.handle().clone())?;
            }
            Ok(())
        })
        .build(crate::context())?;
    Ok(app.run_return(|_, _| {}))
}

fn open(app: &App, data: PathBuf) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title("Ajar")
        .inner_size(460.0, 760.0)
        .min_inner_size(320.0, 400.0)
        // It keeps nothing of its own. The folder is made all the same, and by default outside those of Ajar.
        .incognito(!is_automated())
        .data_directory(data)
        .build()?;
    let handle = app.handle().clone();
    window.on_window_event(move |event| {
        if let WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) = event {
            take_dropped(&handle, paths.clone());
        }
    });
    Ok(())
}

/// Means the files that were dropped onto the window; the web view hears that there are some, and not which.
fn take_dropped(app: &AppHandle, paths: Vec<PathBuf>) {
    if paths.is_empty() {
        return;
    }
    app.state::<Importing>().choose(paths);
    if let Err(error) = app.emit(view::DROPPED, ()) {
        tracing::warn!(%error, "the window did not hear of files that were dropped onto it");
    }
}

/// Whether WebDriver looks into the window, by the variable that Tauri goes by: a view that keeps nothing lets nobody look.
fn is_automated() -> bool {
    std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some_and(|value| value == "true")
}

/// See [`crate::leash`].
fn obey_standard_input(app: AppHandle) -> std::io::Result<()> {
    let read = move || {
        for _line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let front = app.clone();
            if let Err(error) = app.run_on_main_thread(move || come_to_front(&front)) {
                tracing::warn!(%error, "the window was not asked to the front");
            }
        }
        app.exit(0);
    };
    // Reading blocks for as long as the tray lives, which no thread of the runtime should.
    std::thread::Builder::new().name("leash".into()).spawn(read)?;
    Ok(())
}

/// On the main thread, where a window that is closing is gone for good.
fn come_to_front(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    if let Err(error) = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus()) {
        tracing::warn!(%error, "the window did not come to the front");
    }
    if let Ok(face) = &app.state::<Engine>().face {
        view::look_anew(face.clone());
    }
    // A tray that doesn't listen has ended, and so will this window.
    drop(writeln!(std::io::stdout(), "shown"));
}
