//! The settings file between processes, and where it cannot be written.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use ajar_core::profile::Profile;
use ajar_core::settings::Setting;
use ajar_runtime::adapters::words;
use ajar_runtime::files::{Folder, SettingsFile};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::child::{SAYS, command};

/// How many favourites each of the two adds and changes.
const FAVOURITES: usize = 30;

/// How often the third is killed.
const ROUNDS: usize = 12;

fn note(name: &str) -> String {
    format!("changed: {name}")
}

/// Adds favourites, and changes each.
pub(crate) fn edit(home: &Path, prefix: &str) {
    let file = SettingsFile::new(Folder::at(home).settings());
    for number in 0..FAVOURITES {
        let name = format!("{prefix}-{number}");
        let (called, profile) = (name.parse().unwrap(), Profile::new(crate::world::vm(&name)));
        file.add(&called, &profile).unwrap();
        file.change(&called, &called, &Profile { note: Some(note(&name)), ..profile }).unwrap();
    }
}

/// Changes a setting until somebody ends it, and says when it has begun.
pub(crate) fn edit_on_and_on(home: &Path) {
    let file = SettingsFile::new(Folder::at(home).settings());
    for number in 0_u64.. {
        // Of another length each time: half of one over half of another would be seen.
        let program = "x".repeat(usize::try_from(number % 900).unwrap());
        file.set(&Setting::Ssh(Some(program))).unwrap();
        if number == 0 {
            println!("\n{SAYS}begun");
        }
    }
}

/// Adds a favourite, and says what came of it.
pub(crate) fn edit_once(home: &Path) {
    let file = SettingsFile::new(Folder::at(home).settings());
    let told = match file.add(&"new".parse().unwrap(), &Profile::new(crate::world::vm("new"))) {
        Ok(()) => "done".to_owned(),
        Err(trouble) => {
            let failure = words(&trouble, "new");
            format!("{} {} {}", failure.code, failure.message, failure.action)
        }
    };
    println!("\n{SAYS}{told}");
}

async fn said(child: &mut tokio::process::Child) -> String {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("it says something");
        if let Some(said) = line.strip_prefix(SAYS) {
            return said.to_owned();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_edit_while_a_third_is_killed_and_nothing_is_lost_or_torn() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_str().unwrap();
    let file = SettingsFile::new(Folder::at(home.path()).settings());
    let before = "# mine\nschema_version = 2\nlater = \"kept\" # by hand\n\n[clients]\nssh = \"\"\n";
    std::fs::write(file.path(), before).unwrap();
    let editing = |prefix| command("edit", &[path, prefix]).stdout(Stdio::null()).spawn().unwrap();
    let mut editors = [editing("a"), editing("b")];

    let (mut seen, mut names) = (0, BTreeSet::new());
    for round in 0..ROUNDS {
        let mut third = command("edit on and on", &[path]).spawn().unwrap();
        assert_eq!(said(&mut third).await, "begun");
        // It is killed wherever it happens to be, after so many looks at the file; each finds a whole one.
        for _ in 0..=(round * 7 % 20) {
            let settings = file.read().unwrap();
            let now: BTreeSet<_> = settings.favourites.iter().map(|known| known.name.to_string()).collect();
            assert!(names.is_subset(&now), "{names:?} {now:?}");
            (seen, names) = (seen + 1, now);
        }
        third.kill().await.unwrap();
    }
    for editor in &mut editors {
        assert!(editor.wait().await.unwrap().success());
    }
    assert!(seen > ROUNDS);

    let settings = file.read().unwrap();
    assert_eq!(settings.favourites.len(), 2 * FAVOURITES);
    let changed = |known: &ajar_core::settings::Favourite| known.profile.note == Some(note(known.name.as_str()));
    assert!(settings.favourites.iter().all(changed), "{settings:#?}");
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert!(text.starts_with("# mine\nschema_version = 2\nlater = \"kept\" # by hand\n"), "{text}");
}

/// What is written is refused, and told with its reason; all is as it was.
#[cfg(unix)]
async fn is_refused(home: &Path, child: &mut tokio::process::Command, why: &str) {
    let contents = || {
        let entries = std::fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
        let others = entries.filter(|path| path.extension().is_none_or(|ending| ending != "lock"));
        others.map(|path| (std::fs::read_to_string(&path).unwrap(), path)).collect::<BTreeSet<_>>()
    };
    let before = contents();
    let said = said(&mut child.spawn().unwrap()).await;
    assert!(said.starts_with("settings ") && said.contains(why) && said.contains("that there is room"), "{said}");
    assert_eq!(contents(), before);
}

#[cfg(unix)]
#[tokio::test]
async fn where_there_is_no_room_an_edit_fails_with_the_reason_and_all_stays_as_it_was() {
    for schema in [1, 2] {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("config.toml"), format!("schema_version = {schema}\n# mine\n")).unwrap();
        // A limit of the system's in place of a full disk, which takes an administrator: not one byte fits in any file.
        let mut child = tokio::process::Command::new("sh");
        child.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", &crate::child::program()]);
        child.args(crate::child::arguments("edit once", &[home.path().to_str().unwrap()]));
        child.stdout(Stdio::piped()).kill_on_drop(true);
        is_refused(home.path(), &mut child, "File too large").await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn in_a_folder_that_is_read_only_an_edit_fails_with_the_reason_and_all_stays_as_it_was() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("config.toml"), "schema_version = 2\n# mine\n").unwrap();
    std::fs::write(home.path().join("config.lock"), "").unwrap();
    for (name, mode) in [("config.toml", 0o644), ("config.lock", 0o666), (".", 0o555)] {
        let path = home.path().join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut child = command("edit once", &[home.path().to_str().unwrap()]);
    if rustix::process::geteuid().is_root() {
        // Nothing is read-only to root: nobody tries it then, if the program may be read by everybody.
        child.uid(65_534);
        if child.spawn().is_err() {
            return;
        }
    }
    is_refused(home.path(), &mut child, "Permission denied").await;
}
