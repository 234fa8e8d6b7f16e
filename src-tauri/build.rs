//! Checks `tauri.conf.json` and the capabilities, and makes every command of ours one that must be granted.

use std::{fs::File, io::Write, path::Path, process::ExitCode, time::SystemTime};

use tauri_build::{AppManifest, Attributes};

/// Every command in `view.rs`; `capabilities/main.json` grants them to the window.
const COMMANDS: &[&str] =
    &["snapshot", "request", "copy_text", "open_help", "open_sign_in_page", "has_demo", "start_demo", "close_window"];

const PLACEHOLDER: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Ajar</title>\n\
    <p>Run <code>cargo xtask demo</code>: the window's files are not built.</p></html>\n";

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=ui/dist/index.html");
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Box<dyn std::error::Error>> {
    place_window_files(Path::new("ui/dist/index.html"))?;
    tauri_build::try_build(
        Attributes::new()
            .capabilities_path_pattern("./src-tauri/capabilities/**/*")
            .app_manifest(AppManifest::new().commands(COMMANDS)),
    )
    .map_err(|error| format!("{error:#}").into())
}

/// Lets `cargo check` work on a fresh clone: `generate_context!` wants the window's files to be there.
///
/// The placeholder is dated to the epoch, so that `cargo xtask` takes every source of the window for newer.
fn place_window_files(index: &Path) -> std::io::Result<()> {
    if index.exists() {
        return Ok(());
    }
    if let Some(folder) = index.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = File::create(index)?;
    file.write_all(PLACEHOLDER.as_bytes())?;
    file.set_modified(SystemTime::UNIX_EPOCH)
}
