//! Checks `tauri.conf.json` and the capabilities, and makes every command of ours one that must be granted.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process::ExitCode,
    time::SystemTime,
};

use tauri_build::{AppManifest, Attributes};

/// Every command in `view.rs`; `capabilities/main.json` grants them to the window.
const COMMANDS: &[&str] = &[
    "snapshot",
    "request",
    "copy_text",
    "open_help",
    "open_sign_in_page",
    "open_settings",
    "has_demo",
    "start_demo",
    "choose_import",
    "look_at_import",
    "take_in",
    "export_favourites",
    "close_window",
];

const PLACEHOLDER: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Ajar</title>\n\
    <p>Run <code>cargo xtask demo</code>: the window's files are not built.</p></html>\n";

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=ui/dist/index.html");
    println!("cargo:rerun-if-changed=ui/src");
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Box<dyn std::error::Error>> {
    let index = Path::new("ui/dist/index.html");
    place_window_files(index)?;
    if newest(Path::new("ui/src"))? > fs::metadata(index)?.modified()? {
        println!("cargo:warning=the window is older than ui/src: build it anew with `npm --prefix ui run build`");
    }
    tauri_build::try_build(
        Attributes::new()
            .capabilities_path_pattern("./src-tauri/capabilities/**/*")
            .app_manifest(AppManifest::new().commands(COMMANDS)),
    )
    .map_err(|error| format!("{error:#}").into())
}

/// When the last of the files in a folder was written.
fn newest(folder: &Path) -> io::Result<SystemTime> {
    let mut newest_seen = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let written =
            if entry.file_type()?.is_dir() { newest(&entry.path())? } else { entry.metadata()?.modified()? };
        newest_seen = newest_seen.max(written);
    }
    Ok(newest_seen)
}

/// Lets `cargo check` work on a fresh clone: `generate_context!` wants the window's files to be there.
///
/// The placeholder is dated to the epoch, so that `cargo xtask` takes every source of the window for newer.
fn place_window_files(index: &Path) -> io::Result<()> {
    if index.exists() {
        return Ok(());
    }
    if let Some(folder) = index.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(index)?;
    file.write_all(PLACEHOLDER.as_bytes())?;
    file.set_modified(SystemTime::UNIX_EPOCH)
}
