//! Other processes: this test program once more, told what to do by the arguments after `--`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use ajar_core::profile::Profile;
use ajar_runtime::connection;
use ajar_runtime::files::{Folder, SettingsFile};
use ajar_runtime::hosting::{Face, Opening};
use serde_json::json;

/// What a child says begins with this; the rest is the test harness's.
pub(crate) const SAYS: &str = "child: ";

/// The program to start, as a path.
pub(crate) fn program() -> String {
    std::env::current_exe().unwrap().to_str().unwrap().to_owned()
}

/// The arguments that make it do `role` with `words`.
pub(crate) fn arguments(role: &str, words: &[&str]) -> Vec<String> {
    let harness = ["--exact", "child::a_child_does_as_it_is_told", "--nocapture", "--", role];
    harness.iter().chain(words).map(|word| (*word).to_owned()).collect()
}

/// A child, to be started. It dies with the test.
pub(crate) fn command(role: &str, words: &[&str]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(program());
    command.args(arguments(role, words)).kill_on_drop(true);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    command
}

#[test]
fn a_child_does_as_it_is_told() {
    let mut words = std::env::args().skip_while(|word| word != "--").skip(1);
    let Some(role) = words.next() else { return };
    let words: Vec<_> = words.collect();
    match role.as_str() {
        "record" => record(Path::new(&words[0]), &words[1..]),
        "face" => face(Path::new(&words[0])),
        "add" => add(Path::new(&words[0]), &words[1]),
        "edit" => crate::settings::edit(Path::new(&words[0]), &words[1]),
        "edit on and on" => crate::settings::edit_on_and_on(Path::new(&words[0])),
        "edit once" => crate::settings::edit_once(Path::new(&words[0])),
        #[cfg(target_os = "linux")]
        "keychain" => crate::keychain::keep(),
        "detect" => detect(Path::new(&words[0])),
        other => panic!("{other} is no role"),
    }
}

/// Writes down how it was called.
fn record(to: &Path, words: &[String]) {
    let mut stdin = String::new();
    std::io::stdin().read_to_string(&mut stdin).unwrap();
    let file = words.iter().map(PathBuf::from).find(|word| word.is_file());
    let record = json!({
        "words": words,
        "stdin": stdin,
        "set": std::env::var("AJAR_SET").ok(),
        "removed": std::env::var("CARGO_MANIFEST_DIR").ok(),
        "file": file.and_then(|file| std::fs::read(file).ok()),
        "ownGroup": is_in_a_group_of_its_own(),
    });
    // Renamed into place, so that whoever waits for it sees all of it.
    let unfinished = to.with_extension("part");
    std::fs::write(&unfinished, record.to_string()).unwrap();
    std::fs::rename(unfinished, to).unwrap();
}

#[cfg(unix)]
fn is_in_a_group_of_its_own() -> bool {
    rustix::process::getpgrp() == rustix::process::getpid()
}

#[cfg(not(unix))]
fn is_in_a_group_of_its_own() -> bool {
    true
}

/// Opens a face, says who hosts, and stays until standard input ends.
#[tokio::main]
async fn face(home: &Path) {
    let folder = Folder::at(home);
    let _log = ajar_runtime::log::start(folder.logs(), 0);
    let face = Face::open(opening(&folder, |name| std::env::var(name).ok())).await.unwrap();
    println!("\n{SAYS}{}", face.snapshot().host.pid);
    let until_the_end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    drop(until_the_end.await);
}

/// The real world, as the settings in `folder` have it.
pub(crate) fn opening(
    folder: &Folder,
    variables: impl Fn(&str) -> Option<String> + Clone + Send + Sync + 'static,
) -> Opening {
    let (own, variables) = (folder.clone(), variables);
    let parts = move || {
        let (folder, variables) = (own.clone(), variables.clone());
        Box::pin(async move { connection::parts(folder, None, false, variables) }) as _
    };
    Opening { folder: folder.clone(), parts: Box::new(parts) }
}

/// Adds favourites to a settings file that others write to.
fn add(home: &Path, prefix: &str) {
    let file = SettingsFile::new(Folder::at(home).settings());
    for number in 0..5 {
        let name = format!("{prefix}-{number}");
        file.add(&name.parse().unwrap(), &Profile::new(crate::world::vm(&name))).unwrap();
    }
}

/// Says which public address the sources see.
#[tokio::main]
async fn detect(home: &Path) {
    let parts = connection::parts(Folder::at(home), None, false, |_| None).unwrap();
    let found = parts.ports.public_ip.detect(parts.cloud.as_deref().unwrap()).await.unwrap();
    println!("\n{SAYS}{}", found.address);
}
