//! Favourites that a team keeps in one file: on a path, and served over TLS.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::tls_server::Server;
use crate::world::{Ended, World};

/// A fleet with one favourite of the user's own.
async fn world() -> World {
    let world = World::new().await;
    let path = world.folder.path().join("config.toml");
    let text = std::fs::read_to_string(&path).expect("settings");
    let (cloud, _) = text.split_once("[profiles.").expect("profiles");
    let id = &world.vm("web-01").id;
    std::fs::write(
        &path,
        format!("{cloud}[defaults]\nuser = \"me\"\nfor = \"4h\"\n[profiles.web-01]\nvm = \"{id}\"\n"),
    )
    .expect("config.toml can be written");
    world
}

/// What a team keeps of these VMs.
fn file(world: &World, vms: &[(&str, &str)]) -> String {
    let profile = |(name, more): &(&str, &str)| {
        format!("[profiles.{name}]\nvm = \"{}\"\ncloud = \"sim\"\n{more}", world.vm(name).id)
    };
    std::iter::once("ajar_export = 1\n".to_owned()).chain(vms.iter().map(profile)).collect()
}

fn write(world: &World, name: &str, text: &str) -> String {
    let path: PathBuf = world.folder.path().join(name);
    std::fs::write(&path, text).expect("a file can be written");
    path.display().to_string()
}

async fn done(world: &World, args: &[&str]) -> Ended {
    let ended = world.run(args).await;
    assert_eq!(ended.code, 0, "{args:?}: {ended:?}");
    ended
}

async fn names(world: &World) -> Vec<String> {
    let listed = done(world, &["list", "--json"]).await.last_event();
    let name = |one: &Value| one["name"].as_str().expect("a name").to_owned();
    listed.as_array().expect("an array").iter().filter(|one| one["kind"] == "favourite").map(name).collect()
}

/// Every file of the user's but the settings themselves, and where they are in it.
fn holding(folder: &Path, secret: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(holding(&path, secret));
        } else if entry.file_name() != "config.toml" {
            let bytes = std::fs::read(&path).unwrap_or_default();
            found.extend(String::from_utf8_lossy(&bytes).contains(secret).then_some(path));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_is_told_of_a_teams_favourites_also_where_nothing_can_be_kept_of_its_file() {
    let world = world().await;
    let from = write(&world, "ops.toml", &file(&world, &[("web-01", "")]));
    done(&world, &["team", "add", "ops", &from]).await;
    let kept = world.folder.path().join("teams");
    std::fs::remove_dir_all(&kept).expect("what was kept");
    // Nothing can be written into it, whoever one is.
    std::fs::write(&kept, "").expect("a file in its place");
    let hosts = done(&world, &["ssh-config", "print"]).await;
    assert!(hosts.stdout.contains("ops.web-01.ajar"), "{hosts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_team_keeps_on_a_path_is_found_opened_and_copied_and_changed_by_nobody_here() {
    let world = world().await;
    let prod = "port = 3389\nfolder = \"Prod\"\nfor = \"1h\"\nuser = \"root\"\nidentity_file = \"/etc/passwd\"\npassword = \"hunter2\"\n";
    let path = write(&world, "ops.toml", &file(&world, &[("web-01", ""), ("build-win-02", prod)]));
    let added = done(&world, &["team", "add", "ops", &path]).await;
    assert!(added.stdout.contains("ops is read from") && added.stdout.contains(": 2 favourites."), "{added:?}");
    for told in ["password", "identity_file"] {
        assert!(added.stderr.contains(told), "{told}: {added:?}");
        assert!(!["hunter2", "--personal"].iter().any(|no| added.stderr.contains(no)), "{added:?}");
    }
    assert_eq!(names(&world).await, ["web-01", "ops.web-01", "ops.build-win-02"]);
    let listed = done(&world, &["list"]).await.stdout;
    assert!(listed.contains("\nops\n") && listed.contains("\nops/Prod\n"), "{listed}");

    let shown = done(&world, &["show", "ops.build-win-02"]).await.stdout;
    for line in ["team           ops\n", "1 hour (from team ops)", "me (from the defaults)", "folder         ops/Prod"]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let shown = done(&world, &["show", "ops.web-01", "--json"]).await.last_event();
    assert_eq!((&shown["team"], &shown["origins"]["access"]), (&"ops".into(), &Value::Null), "{shown}");
    let shown = done(&world, &["show", "ops.web-01"]).await.stdout;
    assert!(shown.contains("team           ops\n") && shown.contains("4 hours (from the defaults)"), "{shown}");

    let opened = done(&world, &["connect", "ops.build-win-02", "--no-launch"]).await;
    assert!(opened.stderr.contains("ops.build-win-02"), "{opened:?}");
    let before = std::fs::read_to_string(world.folder.path().join("config.toml")).expect("settings");
    for args in [
        &["edit", "ops.build-win-02", "--port", "22"][..],
        &["edit", "ops.build-win-02", "--rename", "mine"],
        &["remove", "ops.build-win-02", "--json"],
    ] {
        let refused = world.run(args).await;
        assert_eq!(refused.code, 2, "{refused:?}");
        for part in ["favourite of the team “ops”", "ops.toml", "ajar team copy ops.build-win-02"] {
            assert!(refused.stderr.contains(part), "{part}: {refused:?}");
        }
    }
    assert_eq!(std::fs::read_to_string(world.folder.path().join("config.toml")).expect("settings"), before);
    let exported = done(&world, &["export"]).await.stdout;
    assert!(exported.contains("[profiles.web-01]") && !exported.contains("build-win-02"), "{exported}");

    let copied = done(&world, &["team", "copy", "ops.build-win-02", "--as", "mine"]).await;
    assert!(copied.stdout.contains("mine is a favourite of your own now"), "{copied:?}");
    done(&world, &["edit", "mine", "--for", "2h"]).await;
    assert_eq!(names(&world).await, ["web-01", "mine", "ops.web-01", "ops.build-win-02"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_counts_with_the_next_look_and_a_broken_or_absent_one_takes_nothing_away() {
    let world = world().await;
    let path = write(&world, "ops.toml", &file(&world, &[("build-win-02", "port = 3389\n")]));
    done(&world, &["team", "add", "ops", &path, "--json"]).await;
    write(&world, "ops.toml", &file(&world, &[("build-win-02", "port = 3389\n"), ("gpu-lab", "")]));
    assert_eq!(names(&world).await, ["web-01", "ops.build-win-02", "ops.gpu-lab"]);
    for broken in [Some("ajar_export = 1\n[profiles.db"), Some("<html>"), Some(""), None] {
        match broken {
            Some(text) => drop(write(&world, "ops.toml", text)),
            None => std::fs::remove_file(&path).expect("it is there"),
        }
        assert_eq!(names(&world).await, ["web-01", "ops.build-win-02", "ops.gpu-lab"]);
        let told = done(&world, &["team", "list", "--json"]).await.last_event();
        assert!(told[0]["problem"].as_str().is_some_and(|text| text.contains("when it was last read")), "{told}");
    }
    let opened = world.run(&["connect", "ops.build-win-02", "--no-launch"]).await;
    assert_eq!(opened.code, 0, "{opened:?}");
    let removed = done(&world, &["team", "remove", "OPS"]).await;
    assert!(removed.stdout.contains("Removed the team OPS"), "{removed:?}");
    assert_eq!(names(&world).await, ["web-01"]);
    let unknown = world.run(&["team", "remove", "ops", "--json"]).await;
    assert_eq!((unknown.code, unknown.last_event()["code"].as_str()), (2, Some("unknownTeam")), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_teams_of_the_same_names_are_told_apart_and_a_place_that_is_none_is_refused() {
    let world = world().await;
    let path = write(&world, "team.toml", &file(&world, &[("build-win-02", "port = 3389\n")]));
    for team in ["ops", "dev"] {
        done(&world, &["team", "add", team, &path]).await;
    }
    assert_eq!(names(&world).await, ["web-01", "ops.build-win-02", "dev.build-win-02"]);
    let elsewhere = write(&world, "elsewhere.toml", "ajar_export = 1\n");
    let refused = world.run(&["team", "add", "OPS", &elsewhere]).await;
    assert!(refused.code == 2 && refused.stderr.contains("--force"), "{refused:?}");
    assert_eq!(names(&world).await, ["web-01", "ops.build-win-02", "dev.build-win-02"]);
    done(&world, &["team", "add", "dev", &path]).await;
    done(&world, &["team", "add", "dev", &elsewhere, "--force"]).await;
    assert_eq!(names(&world).await, ["web-01", "ops.build-win-02"]);
    for place in ["http://x.example/t?sig=hunter2", "https://me:hunter2@x.example/t", " "] {
        let refused = world.run(&["team", "add", "lab", place]).await;
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(!refused.stderr.contains("hunter2"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teams_own_name_for_a_vm_counts_where_it_is_clear_and_takes_nobodys_place() {
    let world = world().await;
    let id = |vm: &str| world.vm(vm).id.clone();
    let profile = |name: &str, vm: &str| format!("[profiles.{name}]\nvm = \"{}\"\ncloud = \"sim\"\n", id(vm));
    let jump = format!("ajar_export = 1\n{}{}", profile("tools", "jump-eu"), profile("build-win-02", "jump-eu"));
    let ops = write(&world, "ops.toml", &jump);
    done(&world, &["team", "add", "ops", &ops]).await;
    let opened = done(&world, &["connect", "tools", "--no-launch"]).await;
    assert!(opened.stderr.contains("tools is ops.tools of the team ops, VM jump-eu."), "{opened:?}");
    // What is called just so goes before what begins so.
    done(&world, &["add", "tools-2", "--vm", &id("web-01")]).await;
    let opened = done(&world, &["connect", "tools", "--no-launch"]).await;
    assert!(opened.stderr.contains("tools is ops.tools"), "{opened:?}");
    let opened = done(&world, &["connect", "build-win-02", "--no-launch", "--port", "3389"]).await;
    assert!(!opened.stderr.contains("jump-eu"), "a VM has that name: {opened:?}");

    // Nothing is stopped by what only the team calls it.
    let refused = world.run(&["stop", "tools", "--yes"]).await;
    assert!(refused.code != 0 && refused.stderr.contains("ops.tools"), "{refused:?}");
    assert!(!refused.stderr.contains("deallocated"), "{refused:?}");

    // Where another team may call something so, too, it is clear no more.
    let missing = world.folder.path().join("dev.toml").display().to_string();
    let unread = world.run(&["team", "add", "dev", &missing]).await;
    assert!(unread.code == 1 && unread.stdout.starts_with("dev is added."), "it stays, and is read later: {unread:?}");
    for _ in 0..2 {
        let refused = world.run(&["connect", "tools", "--no-launch", "--json"]).await;
        assert_eq!((refused.code, refused.last_event()["code"].as_str()), (2, Some("unknownFavourite")), "{refused:?}");
        assert!(refused.stdout.contains("ops.tools"), "{refused:?}");
        let gpu = format!("ajar_export = 1\n{}", profile("tools", "gpu-lab"));
        write(&world, "dev.toml", &gpu);
    }
    done(&world, &["connect", "ops.tools", "--no-launch"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_team_has_served_is_read_by_the_systems_trust_and_its_secret_shows_nowhere() {
    let world = world().await;
    let file_now = Arc::new(Mutex::new(Some(file(&world, &[("build-win-02", "port = 3389\n")]))));
    let told = Arc::clone(&file_now);
    let server = Server::start(move |request, to| {
        let text = told.lock().expect("it is served").clone();
        match text {
            Some(_) if request.to_ascii_lowercase().contains("if-none-match") => {
                write!(to, "HTTP/1.1 304 Not Modified\r\n\r\n")
            }
            Some(text) => write!(to, "HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: {}\r\n\r\n{text}", text.len()),
            None => write!(to, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
        }
    });
    let ca = write(&world, "ca.pem", &server.pem);
    let url = format!("{}/teams/ops.toml?sig=hunter2", server.url);
    let run = async |args: &[&str], typed: Option<&str>, trusts: bool| {
        let mut command = world.ajar(args);
        command.env("NO_PROXY", "127.0.0.1");
        if trusts {
            command.env("SSL_CERT_FILE", &ca);
        }
        command.stdin(std::process::Stdio::piped());
        let mut child = command.spawn().expect("ajar starts");
        let mut stdin = child.stdin.take().expect("it reads");
        tokio::io::AsyncWriteExt::write_all(&mut stdin, typed.unwrap_or_default().as_bytes())
            .await
            .expect("it is read");
        drop(stdin);
        let ended = Ended::of(child).await;
        let is_unread = ended.stdout.contains("could not be read yet");
        assert_eq!(ended.code, i32::from(is_unread), "{args:?}: {ended:?}");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!said.contains("hunter2"), "{said}");
        ended
    };
    let unread = run(&["-vv", "team", "add", "lab", "-"], Some(&url), false).await;
    assert!(unread.stderr.contains("/teams/ops.toml: it cannot be reached"), "nobody vouches for it: {unread:?}");
    run(&["team", "remove", "lab"], None, false).await;
    assert_eq!(server.asked().len(), 0);

    let added = run(&["-vv", "team", "add", "ops", "-"], Some(&format!("{url}\n")), true).await;
    assert!(added.stdout.contains("/teams/ops.toml: 1 favourite."), "{added:?}");
    *file_now.lock().expect("it is served") = None;
    let listed = run(&["-vv", "list"], None, true).await;
    assert!(listed.stdout.contains("build-win-02"), "{listed:?}");
    run(&["list"], None, true).await;
    assert_eq!(server.asked().len(), 1, "nobody asks again so soon");

    // A quarter of an hour later, which is told from what is kept.
    let kept = world.folder.path().join("teams/team-ops.json");
    let text = std::fs::read_to_string(&kept).expect("it is kept");
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    value["askedAt"] = "2026-01-01T00:00:00Z".into();
    std::fs::write(&kept, value.to_string()).expect("it can be written");
    let listed = run(&["-vv", "team", "list"], None, true).await;
    assert!(listed.stderr.contains("no such file (HTTP 404)"), "{listed:?}");
    assert!(server.asked()[1].to_ascii_lowercase().contains("if-none-match: \"1\""), "{:?}", server.asked());
    assert!(run(&["list"], None, true).await.stdout.contains("build-win-02"));
    assert_eq!(holding(world.folder.path(), "hunter2"), Vec::<PathBuf>::new());
    let settings = std::fs::read_to_string(world.folder.path().join("config.toml")).expect("settings");
    assert!(settings.contains(&format!("[teams.ops]\nfrom = \"{url}\"\n")), "{settings}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn ssh_knows_a_teams_favourites_as_its_hosts() {
    let world = world().await;
    let path = write(&world, "ops.toml", &file(&world, &[("gpu-lab", "user = \"root\"\n")]));
    done(&world, &["team", "add", "ops", &path]).await;
    let printed = done(&world, &["ssh-config", "print"]).await.stdout;
    assert!(printed.contains("\nHost ops.gpu-lab.ajar\n"), "{printed}");
    assert!(printed.contains("User \"me\"") || printed.contains("User me"), "{printed}");
    assert!(printed.contains("\nHost web-01 web-01.ajar\n"), "one's own have their names: {printed}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_way_through_a_teams_open_door_takes_no_engine_either() {
    let world = world().await;
    let path = write(&world, "ops.toml", &file(&world, &[("jump-eu", "")]));
    done(&world, &["team", "add", "ops", &path]).await;
    let first = done(&world, &["proxy", "ops.jump-eu.ajar", "22"]).await;
    assert!(first.stdout.starts_with("SSH-2.0-"), "{first:?}");
    // Nothing of Azure's answers: whoever goes straight does not notice.
    world.control().fault("*", "*", serde_json::json!({ "fault": "reset" })).await;
    let second = done(&world, &["proxy", "ops.jump-eu.ajar", "22"]).await;
    assert!(second.stdout.starts_with("SSH-2.0-") && second.stderr.is_empty(), "{second:?}");
}
