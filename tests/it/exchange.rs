//! Favourites that are handed on, and hosts of other programs that are found among the VMs.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::world::{Ended, World};
#[cfg(unix)]
use crate::world::{signal, until};

/// One favourite, in a fleet that has more VMs; and a folder for files.
async fn world() -> World {
    let world = World::new().await;
    let text = settings(&world);
    let (cloud, _) = text.split_once("[profiles.").expect("profiles");
    let id = &world.vm("web-01").id;
    write(&world, "config.toml", format!("{cloud}[profiles.web-01]\nvm = \"{id}\"\nuser = \"me\" # mine\n"));
    world
}

fn settings(world: &World) -> String {
    std::fs::read_to_string(world.folder.path().join("config.toml")).expect("settings")
}

/// Writes a file beside the settings; where it lies.
fn write(world: &World, name: &str, text: impl AsRef<[u8]>) -> String {
    let path: PathBuf = world.folder.path().join(name);
    std::fs::write(&path, text).expect("a file can be written");
    path.display().to_string()
}

fn names(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .expect("an array")
        .iter()
        .map(|one| one.as_str().or(one["name"].as_str()).expect("a name"))
        .collect()
}

async fn queries(world: &World) -> usize {
    world.control().requests("/providers/Microsoft.ResourceGraph/resources").await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_person_exports_another_takes_in_and_opens() {
    let (ada, bob) = (world().await, world().await);
    let (id, win) = (ada.vm("web-01").id.clone(), ada.vm("build-win-02").id.clone());
    for args in [
        &["add", "Win.02", "--vm", &win, "--port", "3389", "--for", "90m", "--folder", "Team/Prod"][..],
        &["edit", "web-01", "--note", "the shop\n\u{1b}[2Jfront", "--account", "environment"],
    ] {
        let ended = ada.run(args).await;
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    let exported = ada.run(&["export"]).await;
    assert_eq!((exported.code, exported.stderr.as_str()), (0, ""));
    for gone in ["\"me\"", "environment", "known_hosts", "https://"] {
        assert!(!exported.stdout.contains(gone), "{gone}: {}", exported.stdout);
    }
    let only = ada.run(&["export", "--folder", "team", "--json", "x"]).await;
    assert_eq!((only.code, only.last_event()["code"].as_str()), (2, Some("commandLine")), "{only:?}");
    let only = ada.run(&["export", "--folder", "Team"]).await;
    assert!(only.stdout.contains("[profiles.\"Win.02\"]") && !only.stdout.contains("web-01"), "{only:?}");

    // Bob knows the same cloud by the same name; his own favourite has another user, which is his own affair.
    let text = exported.stdout.replace("the shop", "the old shop");
    let file = write(&bob, "team.toml", text.replace(&id, &bob.vm("web-01").id));
    let before = settings(&bob);
    let dry = bob.run(&["import", &file, "--dry-run", "--json"]).await;
    let told = dry.last_event();
    assert_eq!((names(&told["added"]), names(&told["conflicts"])), (vec!["Win.02"], vec!["web-01"]), "{told}");
    assert_eq!(told["conflicts"][0]["differs"].as_array().expect("what differs").len(), 1, "{told}");
    assert_eq!((dry.code, settings(&bob)), (0, before.clone()), "a look writes nothing, whatever is in the way");
    for choice in ["skip", "replace", "rename"] {
        let dry = bob.run(&["import", &file, "--dry-run", "--on-conflict", choice]).await;
        assert!(dry.code == 0 && dry.stdout.contains("Would add"), "{choice}: {dry:?}");
    }
    assert_eq!(settings(&bob), before);
    let refused = bob.run(&["import", &file, "--json"]).await;
    assert_eq!((refused.code, refused.last_event()["code"].as_str()), (2, Some("importConflicts")), "{refused:?}");
    assert!(refused.stderr.contains("--on-conflict"), "{refused:?}");
    assert_eq!(settings(&bob), before);

    let ended = bob.run(&["import", &file, "--on-conflict", "replace"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("Added 1 favourite: Win.02. Changed 1 favourite: web-01."), "{ended:?}");
    assert!(!ended.stdout.contains('\u{1b}'), "{ended:?}");
    let after = settings(&bob);
    assert!(after.contains("user = \"me\" # mine\n"), "{after}");
    assert!(after.contains("folder = \"Team/Prod\"\n") && after.contains("for = \"90m\"\n"), "{after}");
    assert_eq!(bob.control().journal().await.len(), 0, "for this nobody asks Azure");
    let again = bob.run(&["import", &file, "--json"]).await;
    let told = again.last_event();
    assert_eq!((again.code, names(&told["same"])), (0, vec!["web-01", "Win.02"]), "{again:?}");
    let opened = bob.run(&["connect", "Win.02", "--no-launch"]).await;
    assert_eq!(opened.code, 0, "{opened:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_what_is_not_wanted_adds_nothing_of_that() {
    let world = world().await;
    let (before, id) = (settings(&world), world.vm("build-win-02").id.clone());
    for (text, part) in [
        ("ajar_export = 9\n".to_owned(), "from a newer ajar"),
        (format!("[profiles.x]\nvm = \"{id}\"\n"), "ajar export"),
        (format!("ajar_export = 1\n[profiles.\"-oProxyCommand=x\"]\nvm = \"{id}\"\n"), "line 2, column 11"),
        (format!("ajar_export = 1\n[profiles.x]\nvm = \"{id}\"\nport = \"\u{1b}[2J\"\n"), "line 4, column 9"),
        ("x".repeat(9 << 20), "longer than"),
        ("<!DOCTYPE x><RDCMan/>".to_owned(), "doctype"),
    ] {
        let file = write(&world, "bad", &text);
        let ended = world.run(&["import", &file, "--json"]).await;
        assert_eq!((ended.code, ended.last_event()["code"].as_str()), (1, Some("fileUnfit")), "{ended:?}");
        let message = ended.last_event()["message"].to_string();
        assert!(message.to_lowercase().contains(part) && !ended.stderr.contains('\u{1b}'), "{part}: {ended:?}");
        assert_eq!(settings(&world), before);
    }
    let text = format!(
        "ajar_export = 1\n[clouds.sim]\nauthority = \"https://evil\"\nresource_manager = \"https://evil\"\n\
         [profiles.x]\nvm = \"{id}\"\ncloud = \"sim\"\npassword = \"hunter2\"\n\
         known_hosts_file = \"~/.bashrc\"\n\
         [profiles.y]\nvm = \"{id}\"\ncloud = \"sim\"\nuser = \"-oProxyCommand=x\"\n\
         [profiles.z]\nvm = \"{id}\"\n"
    );
    let ended = world.run(&["import", &write(&world, "evil.toml", &text), "--json"]).await;
    let told = ended.last_event();
    assert_eq!((ended.code, names(&told["added"])), (0, vec!["x", "z"]), "{ended:?}");
    let left_out: Vec<_> = told["leftOut"].as_array().expect("an array").iter().map(|left| &left["what"]).collect();
    assert_eq!(left_out, ["clouds.sim", "profiles.x.password", "profiles.x.known_hosts_file", "y"], "{told}");
    let after = settings(&world);
    assert!(after.starts_with(&before) && after.contains("[profiles.x]"), "{after}");
    for gone in ["evil", "hunter2", "ProxyCommand", "[profiles.y]", ".bashrc"] {
        assert!(!after.contains(gone), "{gone}: {after}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_of_other_programs_are_found_by_address_and_name_and_never_guessed() {
    let world = world().await;
    let address = |name: &str| world.vm(name).public_ip.clone().expect("it has an address");
    let (web, win) = (address("web-01"), address("build-win-02"));
    let rdg = format!(
        "<RDCMan schemaVersion=\"3\"><file><properties><name>f</name></properties><group><properties><name>Builds</name>\
         </properties><server><properties><displayName>the builder</displayName><name>{win}</name></properties>\
         <logonCredentials inherit=\"None\"><userName>ada</userName><password>AQAA</password><domain>C</domain>\
         </logonCredentials></server></group></file></RDCMan>"
    );
    let conf = format!(
        "Host web-01\n  HostName {web}\n  User you\nHost fin\n  HostName finance-app.contoso.com\n  Port 3389\n\
         Host legacy-box\n  HostName 192.0.2.1\nHost gone\n  HostName 192.0.2.2\n"
    );
    let files = [write(&world, "servers.rdg", rdg), write(&world, "config", conf)];
    let ended = world.run(&["import", &files[0], &files[1], "--json", "--on-conflict", "skip"]).await;
    let told = ended.last_event();
    assert_eq!((ended.code, names(&told["added"])), (0, vec!["the-builder", "fin"]), "{ended:?}");
    assert_eq!((names(&told["skipped"]), names(&told["unmatched"])), (vec!["web-01"], vec!["gone"]), "{told}");
    assert_eq!(told["unclear"][0]["vms"], json!([world.vm("legacy-box").id]), "only its name fits: {told}");
    let left_out = told["leftOut"].as_array().expect("an array");
    assert!(left_out.len() == 1 && left_out[0]["what"] == "servers.rdg: the builder: password", "{told}");
    let after = settings(&world);
    let id = &world.vm("build-win-02").id;
    let builder = format!("[profiles.the-builder]\nvm = \"{id}\"\nport = 3389\nuser = 'C\\ada'\n");
    assert!(after.contains(&builder) && after.contains("folder = \"Builds\"\n"), "{after}");
    assert!(after.contains("[profiles.fin]\n") && after.contains("protocol = \"ssh\"\n"), "{after}");
    assert!(after.contains("user = \"me\" # mine\n") && !after.contains("AQAA"), "{after}");
    assert_eq!(queries(&world).await, 1);

    let ended = world.run(&["import", &files[1], "--on-conflict", "rename"]).await;
    assert!(ended.code == 0 && ended.stdout.contains("Added 1 favourite: web-01-2."), "{ended:?}");
    for part in ["legacy-box", "ajar add NAME --vm RESOURCE_ID", "no VM that your accounts see"] {
        assert!(ended.stderr.contains(part), "{part}: {ended:?}");
    }
    let nothing = write(&world, "none", "Host gone\n  HostName 192.0.2.2\n");
    assert_eq!(world.run(&["import", &nothing]).await.code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_there_under_another_name_is_changed_there_where_that_is_chosen() {
    let world = world().await;
    let web = world.vm("web-01").public_ip.clone().expect("it has an address");
    let conf = write(&world, "config", format!("Host shop\n  HostName {web}\n  User you\n"));
    let before = settings(&world);
    let left = world.run(&["import", &conf, "--on-conflict", "skip", "--json"]).await;
    assert_eq!((left.code, &left.last_event()["there"]), (0, &json!([{ "name": "shop", "as": "web-01" }])), "{left:?}");
    assert_eq!(settings(&world), before);
    let ended = world.run(&["import", &conf, "--on-conflict", "replace"]).await;
    assert!(ended.code == 0 && ended.stdout.contains("Changed 1 favourite: web-01."), "{ended:?}");
    assert_eq!(settings(&world), before.replace("user = \"me\" # mine", "user = \"you\" # mine"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_by_standard_input_and_one_that_is_there_is_not_written_over() {
    let world = world().await;
    let file = world.folder.path().join("team.toml").display().to_string();
    let exported = world.run(&["export", &file, "--personal"]).await;
    assert!(exported.code == 0 && exported.stdout.starts_with("Wrote 1 favourite to "), "{exported:?}");
    let text = std::fs::read_to_string(&file).expect("it is there");
    assert!(text.contains("user = \"me\"\n"), "{text}");
    let refused = world.run(&["export", &file, "--json"]).await;
    assert_eq!((refused.code, refused.last_event()["code"].as_str()), (1, Some("fileUnfit")), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), text);
    let forced = world.run(&["export", &file, "--force", "--json"]).await;
    assert_eq!(forced.last_event()["names"], json!(["web-01"]), "{forced:?}");

    let mut child = world.ajar(&["import", "-", "--json"]).stdin(Stdio::piped()).spawn().expect("ajar starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(text.replace("web-01]", "from-afar]").as_bytes()).await.expect("ajar reads");
    drop(input);
    let ended = Ended::of(child).await;
    assert_eq!((ended.code, names(&ended.last_event()["added"])), (0, vec!["from-afar"]), "{ended:?}");
}

/// Each host of a configuration as ssh itself reads it, and as Ajar does.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn sshs_configuration_is_read_as_ssh_itself_reads_it() {
    use ajar_core::exchange::{Entry, read};

    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let inner = "User from-inner\nHost quoted\n  Port 2022\nHost *\n  Port 2001\n";
    std::fs::write(at("inner.conf"), inner).expect("a file");
    let text = format!(
        "host a b !c\n\tHostName=%h.example.com\n Port  = 2222\n  identityfile \"{}\"\nHost c\nInclude {}\n\
         Host \"quoted\" w?b wxb\n User \"An Odd User\" # who\n  Port 1\nHost a?\n  User pattern\nHost ab\n\
         MATCH ALL\n  User 'all of them'\nHost *b !ab\n  User too-late\n  HostName 10.0.0.9\n#Host none\nHost d\nHost\td\n  Port 7\n",
        at("my key"),
        at("inner.conf"),
    );
    std::fs::write(at("config"), &text).expect("a file");
    let mut includes = |pattern: &str| Some(vec![std::fs::read_to_string(pattern).ok()?]);
    let reading = read(text.as_bytes(), "config", None, &mut includes).expect("it is read");
    let mut labels = Vec::new();
    for entry in reading.entries {
        let Entry::Host(host) = entry else { panic!("a favourite") };
        let ssh = tokio::process::Command::new("ssh").args(["-G", "-F", &at("config"), &host.label]).output().await;
        let told = String::from_utf8(ssh.expect("ssh runs").stdout).expect("UTF-8");
        let value =
            |key: &str| told.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim().to_owned();
        let own = (host.address.clone(), host.port().to_string());
        assert_eq!(own, (value("hostname "), value("port ")), "{}", host.label);
        if let Some(user) = &host.user {
            assert_eq!(*user, value("user "), "{}", host.label);
        }
        if let Some(path) = &host.identity_file {
            assert_eq!(*path, value("identityfile "), "{}", host.label);
        }
        labels.push((host.label, host.user.is_some(), host.identity_file.is_some()));
    }
    let told: Vec<_> = labels.iter().map(|(label, user, key)| (label.as_str(), *user, *key)).collect();
    let expected = [
        ("a", true, true),
        ("b", true, true),
        ("c", true, false),
        ("quoted", true, false),
        ("wxb", true, false),
        ("ab", true, false),
        ("d", true, false),
    ];
    assert_eq!(told, expected);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_waits_for_a_pipe_can_be_ended() {
    let world = World::new().await;
    let mut child = world.ajar(&["import", "-"]).stdin(Stdio::piped()).spawn().expect("ajar starts");
    let nobody_writes = child.stdin.take();
    // There, it hears signals.
    let lock = world.folder.path().join("engine.lock");
    until("the folder is made", async || lock.exists()).await;
    signal(&child, "TERM");
    assert_eq!(Ended::of(child).await.code, 143);
    drop(nobody_writes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_to_another_machine_names_an_address_and_no_network() {
    let world = world().await;
    world.write_settings("[networks]\noffice = \"203.0.113.77\"\n");
    let name = "web-01";
    assert_eq!(world.run(&["edit", name, "--source", "office"]).await.code, 0);
    let other = World::new().await;
    let file = world.folder.path().join("personal.toml");
    let path = file.to_str().expect("UTF-8");
    let written = world.run(&["export", path, "--personal", "--only", name]).await;
    assert!(written.code == 0 && written.stdout.contains("Another machine of yours"), "{written:?}");
    let text = std::fs::read_to_string(&file).expect("it is written");
    assert!(text.contains("source = \"203.0.113.77\"") && !text.contains("office"), "{text}");
    assert_eq!(other.run(&["remove", name]).await.code, 0);
    let taken_in = other.run(&["import", path, "--personal"]).await;
    assert_eq!(taken_in.code, 0, "{}", taken_in.stderr);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_export_for_which_there_is_no_room_leaves_nothing_in_the_way_of_the_next() {
    let world = World::new().await;
    let file = world.folder.path().join("shared.toml");
    let export = world.ajar(&["export", file.to_str().expect("UTF-8")]);
    let export = export.as_std();
    let words = std::iter::once(export.get_program()).chain(export.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
    // No file may be longer than a few hundred bytes.
    let script = format!("trap '' XFSZ; ulimit -f 1; exec {}", line.join(" "));
    let ended = tokio::process::Command::new("sh").args(["-c", &script]).output().await.expect("sh runs");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!((ended.status.code(), file.exists()), (Some(1), false), "{said}");
    let again = world.run(&["export", file.to_str().expect("UTF-8")]).await;
    assert_eq!((again.code, file.exists()), (0, true), "{}", again.stderr);
}
