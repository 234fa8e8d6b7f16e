//! How favourites are opened, and where they lie: notes, folders, and what these hand down.

use serde_json::Value;

#[cfg(unix)]
use crate::world::until;
use crate::world::{Ended, World, ajar};

async fn run(folder: &std::path::Path, args: &[&str]) -> Ended {
    Ended::of(ajar(folder, args).spawn().expect("ajar starts")).await
}

const VM: &str = "/subscriptions/s/resourceGroups/rg-demo/providers/Microsoft.Compute/virtualMachines/web-01";

#[tokio::test(flavor = "multi_thread")]
async fn favourites_lie_in_folders_and_are_found_by_what_was_noted() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = async |args: &[&str]| {
        let ended = run(folder.path(), args).await;
        assert_eq!(ended.code, 0, "{args:?}: {}", ended.stderr);
        ended.stdout
    };
    for (name, more) in [
        ("db", &["--folder", "Team/ Prod", "--note", "the orders\u{1b}[31m"][..]),
        ("web", &[]),
        ("api", &["--folder", "Team/Prod"]),
        ("lab", &["--folder", "Team"]),
    ] {
        run(&[&["add", name, "--vm", VM][..], more].concat()).await;
    }
    let table = run(&["list"]).await;
    let lines: Vec<_> = table.lines().map(|line| line.split_whitespace().next().unwrap_or_default()).collect();
    assert_eq!(lines, ["NAME", "web", "", "Team", "lab", "", "Team/Prod", "db", "api"], "{table}");

    let listed: Vec<Value> = serde_json::from_str(&run(&["list", "--json"]).await).expect("JSON");
    let told: Vec<_> = listed.iter().map(|one| (one["name"].as_str(), one["folder"].as_str())).collect();
    assert_eq!(told[..2], [(Some("db"), Some("Team/Prod")), (Some("web"), None)], "in the file’s order");
    assert_eq!(listed[0]["note"], "the orders\u{1b}[31m");

    let shown = run(&["show", "db"]).await;
    assert!(
        shown.contains("Team/Prod\n") && shown.contains("the orders [31m\n"),
        "nothing steers a terminal: {shown:?}"
    );
    run(&["edit", "db", "--folder", "", "--note", "", "--user", "me"]).await;
    let written = std::fs::read_to_string(folder.path().join("config.toml")).expect("config.toml");
    assert!(written.contains(&format!("[profiles.db]\nvm = \"{VM}\"\nuser = \"me\"\n")), "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_favourite_does_not_say_comes_from_its_folder_and_the_defaults_and_that_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "# mine\n[defaults] # of all\nuser = \"all\"\nlater = 1\n").expect("config.toml");
    let run = async |args: &[&str]| run(folder.path(), args).await;
    let ok = async |args: &[&str]| {
        let ended = run(args).await;
        assert_eq!(ended.code, 0, "{args:?}: {}", ended.stderr);
        ended.stdout
    };
    ok(&["add", "db", "--vm", VM, "--folder", "Team/Prod"]).await;
    ok(&["add", "lab", "--vm", VM]).await;
    assert_eq!(ok(&["edit", "--defaults", "--for", "1h", "--no-start"]).await, "Changed the defaults.\n");
    let folder_defaults = ["edit", "--folder-defaults", "Team", "--port", "2222", "--start", "--user", "team"];
    assert_eq!(ok(&folder_defaults).await, "Changed the defaults of Team.\n");
    let same = "Nothing was changed: the defaults of Team are just like this already.\n";
    assert_eq!(ok(&folder_defaults).await, same);
    ok(&["edit", "db", "--user", "me"]).await;

    let shown = ok(&["show", "db"]).await;
    for line in [
        "port           2222 (from Team)",
        "opens with     SSH (built in)",
        "user           me",
        "asks for       1 hour (from the defaults)",
        "starts the VM  yes (from Team)",
        "account        –",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    let shown: Value = serde_json::from_str(&ok(&["show", "db", "--json"]).await).expect("JSON");
    assert_eq!((&shown["port"], &shown["for"], &shown["user"]), (&2222.into(), &"PT1H".into(), &"me".into()));
    let origins = &shown["origins"];
    assert_eq!(origins["port"], serde_json::json!({ "from": "folder", "folder": "Team" }));
    assert_eq!(origins["knownHostsFile"]["from"], "builtIn");
    // Each is called as the value beside it.
    assert!(origins.as_object().unwrap().keys().all(|key| shown.get(key).is_some()), "{shown}");
    assert_eq!((&origins["user"]["from"], &origins["for"]["from"]), (&"profile".into(), &"defaults".into()));

    ok(&["edit", "db", "--unset", "user,port"]).await;
    ok(&["edit", "--folder-defaults", "Team", "--unset", "user"]).await;
    ok(&["edit", "--defaults", "--unset", "start"]).await;
    let listed: Value = serde_json::from_str(&ok(&["list", "--json"]).await).expect("JSON");
    assert_eq!((&listed[0]["user"], &listed[0]["port"], &listed[1]["port"]), (&"all".into(), &2222.into(), &22.into()));
    let written = std::fs::read_to_string(&config).expect("config.toml");
    assert!(written.starts_with("# mine\n[defaults] # of all\nuser = \"all\"\nlater = 1\nfor = \"1h\"\n"), "{written}");

    for (args, part) in [
        (vec!["edit", "--defaults", "--account", "nobody"], "nobody"),
        (vec!["edit", "--folder-defaults", " / ", "--user", "x"], "folder"),
        (vec!["edit", "--defaults", "--cloud", "moon"], "There is no cloud called “moon”"),
        (vec!["edit", "--defaults", "--user=-oProxyCommand=x"], "db could not be opened like this"),
        (vec!["edit", "--defaults", "--note", "x"], "cannot be used with"),
        (vec!["edit", "db", "--defaults", "--user", "x"], "cannot be used with"),
        (vec!["edit", "--user", "x"], "required"),
        (vec!["edit", "db", "--unset", "vm"], "“vm” is nothing that a favourite has"),
    ] {
        let ended = run(&args).await;
        assert!(ended.code == 2 && ended.stderr.contains(part), "{args:?}: {} {}", ended.code, ended.stderr);
    }
    assert_eq!(std::fs::read_to_string(&config).expect("config.toml"), written);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_its_own_is_given_just_its_words_with_what_to_open_in_them() {
    let world = World::new().await;
    let folder = world.folder.path().join("made");
    std::fs::create_dir(&folder).expect("a folder");
    let made = |name: &str| format!("--client-argument={}/{name}", folder.display());
    let (address, names) = (made("{user}@{host}:{port}"), made("{name} is {vm}"));
    let edit = ["edit", "web-01", "--client", "/usr/bin/touch", &address, &names];
    assert_eq!(world.run(&edit).await.code, 0);
    let ended = world.run(&["connect", "web-01"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let dial = world.vm("web-01").ports[0].dial.clone().expect("an address");
    let user = &world.simulator.announce().ssh.user;
    let wanted = [format!("{user}@{dial}"), "web-01 is web-01".into()];
    let there = || std::fs::read_dir(&folder).expect("the folder").count();
    until("the client has run", async || there() == wanted.len()).await;
    assert!(wanted.iter().all(|name| folder.join(name).exists()), "{wanted:?}");

    for (args, part) in [
        (&["edit", "web-01", "--client-argument={ticket}"][..], "Nothing is known to stand for “{ticket}”"),
        (&["edit", "web-01", "--client", ""], "name that as the client"),
        (&["edit", "web-01", "--user", ""], "name a user"),
    ] {
        let refused = world.run(args).await;
        let told = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(refused.code == 2 && told.contains(part), "{args:?}: {} {told}", refused.code);
    }
    let asked = world.control().journal().await.len();
    let refused = world.run(&["connect", "web-01", "--", "ls"]).await;
    assert!(refused.code == 2 && refused.stderr.contains("own arguments alone"), "{} {}", refused.code, refused.stderr);
    assert_eq!(world.control().journal().await.len(), asked, "nothing is asked for");
}

/// What the history tells of the last opening.
async fn last_reason(world: &World) -> Value {
    let history: Vec<Value> =
        serde_json::from_str(&world.run(&["history", "--format", "json"]).await.stdout).expect("JSON");
    history.last().expect("something was opened")["reason"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_favourite_gives_its_own_reason_or_wants_one_and_nothing_is_requested_without() {
    let world = World::new().await;
    let connect = ["connect", "web-01", "--no-launch", "--json"];
    assert_eq!(
        world.run(&["edit", "web-01", "--ask-justification", "--justification", "Deploy to {vm}"]).await.code,
        0
    );
    let ended = world.run(&connect).await;
    let event = ended.last_event();
    assert_eq!((ended.code, event["code"].as_str()), (2, Some("reasonWanted")), "{}", ended.stderr);
    assert_eq!(event["choices"], serde_json::json!(["Deploy to web-01"]));
    let asked = world.run(&["status", "--json"]).await;
    assert_eq!(asked.stdout, "[]\n", "nothing was asked for");
    let ended = world.run(&[&connect[..], &["--reason", "Ticket 7"]].concat()).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(last_reason(&world).await, "Ticket 7");

    let edited = world.run(&["edit", "web-01", "--ask-justification", "no", "--source", "203.0.113.0/24"]).await;
    assert!(edited.code == 2 && edited.stderr.contains("access is asked for one address only"), "{}", edited.stderr);
    assert_eq!(world.run(&["edit", "web-01", "--unset", "ask_justification"]).await.code, 0);
    let ended = world.run(&["extend", "web-01", "--for", "3h", "--json"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(last_reason(&world).await, "Deploy to web-01");
}

#[tokio::test(flavor = "multi_thread")]
async fn favourites_get_another_place_among_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = async || {
        let listed: Vec<Value> =
            serde_json::from_str(&run(folder.path(), &["list", "--json"]).await.stdout).expect("JSON");
        listed.iter().map(|one| one["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>().join(" ")
    };
    for name in ["a", "b", "c"] {
        assert_eq!(run(folder.path(), &["add", name, "--vm", VM]).await.code, 0);
    }
    for (args, order) in [
        (vec!["c", "--first"], "c a b"),
        (vec!["c", "--after", "A"], "a c b"),
        (vec!["b", "--before", "a", "--rename", "z"], "z a c"),
        (vec!["z", "--last"], "a c z"),
    ] {
        let ended = run(folder.path(), &[&["edit"], &args[..]].concat()).await;
        assert_eq!((ended.code, names().await.as_str()), (0, order), "{args:?}: {}", ended.stderr);
    }
    let same = run(folder.path(), &["edit", "z", "--after", "c"]).await;
    assert_eq!(same.stdout, "z is just like this already. Nothing was changed.\n");
    let unknown = run(folder.path(), &["edit", "z", "--before", "nobody"]).await;
    assert_eq!((unknown.code, names().await.as_str()), (2, "a c z"), "{}", unknown.stderr);
}
