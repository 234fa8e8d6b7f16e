//! The window's TypeScript types, which ts-rs writes from the Rust ones.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use crate::process;

/// Replaces `ui/src/bindings` with what the Rust types are now.
pub(crate) fn replace() -> anyhow::Result<()> {
    generate()?;
    let changes = compare()?;
    for name in &changes.extra {
        let file = committed().join(name);
        fs::remove_file(&file).with_context(|| format!("could not remove {}", file.display()))?;
        println!("removed  {}", name.display());
    }
    for (verb, names) in [("added", &changes.missing), ("updated", &changes.stale)] {
        for name in names {
            copy(name)?;
            println!("{verb:8} {}", name.display());
        }
    }
    if changes.is_empty() {
        println!("ui/src/bindings is fresh");
    }
    Ok(())
}

/// Has the types written anew.
pub(crate) fn generate() -> anyhow::Result<()> {
    clear()?;
    process::run(&mut process::cargo(["test", "--quiet", "--package", "ajar-core", "export_bindings"]))
}

/// Forgets what was written before, so that a type which is gone does not linger.
pub(crate) fn clear() -> anyhow::Result<()> {
    match fs::remove_dir_all(generated()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("could not clear target/bindings"),
        _ => Ok(()),
    }
}

/// Fails, naming each file, where `ui/src/bindings` is not what was last written.
pub(crate) fn check() -> anyhow::Result<()> {
    let changes = compare()?;
    if changes.is_empty() {
        return Ok(());
    }
    for (what, names) in [("missing", &changes.missing), ("stale", &changes.stale), ("extra", &changes.extra)] {
        for name in names {
            println!("{what:8} ui/src/bindings/{}", name.display());
        }
    }
    bail!("ui/src/bindings is not what the Rust types say: run `cargo xtask bindings` and commit it");
}

/// Where ts-rs writes: `TS_RS_EXPORT_DIR` in `.cargo/config.toml`.
fn generated() -> PathBuf {
    process::root().join("target/bindings")
}

fn committed() -> PathBuf {
    process::root().join("ui/src/bindings")
}

fn copy(name: &Path) -> anyhow::Result<()> {
    let (from, to) = (generated().join(name), committed().join(name));
    let copied = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::copy(&from, &to));
    copied.map(|_| ()).with_context(|| format!("could not write {}", to.display()))
}

fn compare() -> anyhow::Result<Changes> {
    let generated = read(&generated()).context("could not read target/bindings")?;
    if generated.is_empty() {
        bail!("target/bindings is empty: the tests of ajar-core wrote no types");
    }
    let committed = read(&committed()).context("could not read ui/src/bindings")?;
    Ok(Changes::between(&committed, &generated))
}

type Files = BTreeMap<PathBuf, String>;

#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    missing: Vec<PathBuf>,
    stale: Vec<PathBuf>,
    extra: Vec<PathBuf>,
}

impl Changes {
    fn between(committed: &Files, generated: &Files) -> Self {
        let mut changes = Self::default();
        for (name, text) in generated {
            match committed.get(name) {
                None => changes.missing.push(name.clone()),
                Some(old) if old != text => changes.stale.push(name.clone()),
                Some(_) => {}
            }
        }
        changes.extra = committed.keys().filter(|name| !generated.contains_key(*name)).cloned().collect();
        changes
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The text of every file below `folder` by its path from there; none where there is no folder.
fn read(folder: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let entries = match fs::read_dir(&next) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap_or(&path).to_path_buf();
                // Git may have checked the file out with Windows' line ends.
                files.insert(name, fs::read_to_string(&path)?.replace("\r\n", "\n"));
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Files {
        files.iter().map(|(name, text)| (PathBuf::from(name), (*text).to_owned())).collect()
    }

    #[test]
    fn missing_stale_and_extra_files_are_told_apart() {
        let committed = files(&[("Same.ts", "a"), ("Stale.ts", "old"), ("Extra.ts", "gone")]);
        let generated = files(&[("Same.ts", "a"), ("Stale.ts", "new"), ("deep/Missing.ts", "b")]);
        let changes = Changes::between(&committed, &generated);
        assert_eq!(changes.missing, [Path::new("deep/Missing.ts")]);
        assert_eq!(changes.stale, [Path::new("Stale.ts")]);
        assert_eq!(changes.extra, [Path::new("Extra.ts")]);
        assert!(Changes::between(&generated, &generated).is_empty());
    }

    #[test]
    fn files_are_read_from_folders_within_and_by_any_line_end() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(folder.path().join("deep/Port.ts"), "one\r\ntwo\r\n").unwrap();
        assert_eq!(read(folder.path()).unwrap(), files(&[("deep/Port.ts", "one\ntwo\n")]));
        assert!(read(&folder.path().join("absent")).unwrap().is_empty());
    }
}
