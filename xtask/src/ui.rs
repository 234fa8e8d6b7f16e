//! The window's files: Node, npm and what they build in `ui/`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, bail};

use crate::process;

/// Builds `ui/dist` where it is older than any of its sources.
pub(crate) fn build() -> anyhow::Result<()> {
    install()?;
    let folder = folder();
    if newest_source(&folder)? > modified(&folder.join("dist/index.html")) {
        process::run(npm().args(["run", "--silent", "build"]))?;
    }
    Ok(())
}

/// Type checks of the window's files.
pub(crate) fn check(run: fn(&mut Command) -> anyhow::Result<()>) -> anyhow::Result<()> {
    install()?;
    run(npm().args(["run", "--silent", "check"]))
}

/// Unit tests of the window's files.
pub(crate) fn test(run: fn(&mut Command) -> anyhow::Result<()>) -> anyhow::Result<()> {
    install()?;
    run(npm().args(["run", "--silent", "test"]))
}

fn folder() -> PathBuf {
    process::root().join("ui")
}

fn npm() -> Command {
    let mut npm = process::command(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.current_dir(folder());
    npm
}

/// Lays `ui/node_modules` anew where the lock file is newer.
fn install() -> anyhow::Result<()> {
    check_node()?;
    let modules = folder().join("node_modules");
    let stamp = modules.join(".laid-by-xtask");
    if modified(&folder().join("package-lock.json")) < modified(&stamp) {
        return Ok(());
    }
    process::run(npm().args(["ci", "--no-audit", "--no-fund"]))?;
    fs::create_dir_all(&modules)
        .and_then(|()| fs::write(&stamp, ""))
        .with_context(|| format!("could not write {}", stamp.display()))
}

fn check_node() -> anyhow::Result<()> {
    let version = process::output(Command::new("node").arg("--version"))
        .context("the window is built with Node 20.19 or newer: https://nodejs.org")?;
    let version = String::from_utf8_lossy(&version).trim().to_owned();
    if !is_new_enough(&version) {
        bail!("Node {version} is too old to build the window: it takes 20.19, 22.12 or newer (https://nodejs.org)");
    }
    Ok(())
}

/// What Vite asks for: 20.19 and on within 20, 22.12 and on.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|number| number.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(20), Some(minor)) => minor >= 19,
        (Some(22), Some(minor)) => minor >= 12,
        (Some(major), Some(_)) => major > 22,
        _ => false,
    }
}

/// When a file was written; what isn't there is older than anything.
fn modified(file: &Path) -> SystemTime {
    fs::metadata(file).and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn newest_source(folder: &Path) -> anyhow::Result<SystemTime> {
    newest(folder).with_context(|| format!("could not read {}", folder.display()))
}

/// Of files alone: a folder's own time changes with every build beside its sources.
fn newest(folder: &Path) -> io::Result<SystemTime> {
    let mut newest_seen = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "node_modules" || name == "dist" {
            continue;
        }
        let written = if entry.file_type()?.is_dir() { newest(&entry.path())? } else { modified(&entry.path()) };
        newest_seen = newest_seen.max(written);
    }
    Ok(newest_seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_is_accepted_from_the_versions_vite_accepts() {
        for good in ["v20.19.0", "v20.20.2", "v22.12.0", "v23.0.0", "v24.1.0"] {
            assert!(is_new_enough(good), "{good}");
        }
        for bad in ["v18.20.0", "v20.18.3", "v21.7.0", "v22.11.0", "", "nonsense"] {
            assert!(!is_new_enough(bad), "{bad}");
        }
    }

    #[test]
    fn a_source_counts_by_its_own_time_and_the_built_files_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let (source, built) = (folder.path().join("src/deep/app.ts"), folder.path().join("dist/index.html"));
        let later = SystemTime::now() + std::time::Duration::from_hours(1);
        for file in [&source, &built] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::File::create(file).unwrap().set_modified(later).unwrap();
        }
        assert_eq!(newest(folder.path()).unwrap(), later);
        fs::remove_file(&source).unwrap();
        assert!(newest(folder.path()).unwrap() < later);
    }
}
