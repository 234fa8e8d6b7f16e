//! The command line as scripts and people use it.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

#[cfg(unix)]
use crate::az::Az;
use crate::world::{Ended, LIMIT};
use crate::world::{World, ajar};

async fn run(folder: &std::path::Path, args: &[&str]) -> Ended {
    Ended::of(ajar(folder, args).spawn().expect("ajar starts")).await
}

const VM: &str = "/subscriptions/s/resourceGroups/rg-demo/providers/Microsoft.Compute/virtualMachines/web-01";

#[tokio::test(flavor = "multi_thread")]
async fn favourites_are_added_shown_listed_and_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = run(folder.path(), &["list"]).await;
    assert!(empty.stderr.contains("ajar add NAME --vm RESOURCE_ID"), "{}", empty.stderr);

    let added = run(folder.path(), &["add", "web", "--vm", VM, "--user", "me", "--for", "90m"]).await;
    assert_eq!((added.code, added.stdout.as_str()), (0, "Added web. Open it with: ajar connect web\n"));
    let same = ["add", "web", "--vm", VM, "--user", "me", "--for", "90m"];
    let again = run(folder.path(), &same).await;
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (0, "web is there already, just like this. Nothing was changed.\n")
    );
    let again = run(folder.path(), &[&same[..], &["--json"]].concat()).await;
    assert_eq!(serde_json::from_str::<Value>(&again.stdout).expect("JSON")["added"], false);

    let shown: Value =
        serde_json::from_str(&run(folder.path(), &["show", "WEB", "--json"]).await.stdout).expect("JSON");
    assert_eq!(
        (&shown["name"], &shown["vm"], &shown["for"], &shown["user"]),
        (&"web".into(), &VM.into(), &"PT1H30M".into(), &"me".into())
    );
    let listed: Value = serde_json::from_str(&run(folder.path(), &["list", "--json"]).await.stdout).expect("JSON");
    assert_eq!(
        (&listed[0]["name"], &listed[0]["port"], &listed[0]["state"]),
        (&"web".into(), &22.into(), &"unknown".into())
    );

    let config = folder.path().join("config.toml");
    let written = std::fs::read_to_string(&config).expect("config.toml");
    std::fs::write(&config, written.replace("90m", "1h 45m")).expect("config.toml");
    let shown = run(folder.path(), &["show", "web"]).await;
    assert!(shown.stdout.contains("1 hour 45 minutes"), "{}{}", shown.stdout, shown.stderr);
    let similar = run(folder.path(), &["show", "web3"]).await;
    assert!(similar.stderr.contains("Did you mean web?"), "{}", similar.stderr);

    let again = run(folder.path(), &["add", "Web", "--vm", VM]).await;
    assert_eq!(again.code, 2, "{}", again.stderr);
    let removed = run(folder.path(), &["remove", "web"]).await;
    assert_eq!(removed.code, 0, "{}", removed.stderr);
    assert_eq!(run(folder.path(), &["list", "--json"]).await.stdout, "[]\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_gets_a_clear_error_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for (args, part) in [
        (vec!["add", "web", "--vm", "/web-01"], "is not a resource id"),
        (vec!["add", "-x", "--vm", VM], "unexpected argument"),
        (vec!["add", "a b", "--vm", VM], "is no name for a favourite"),
        (vec!["add", "x.ajar", "--vm", VM], "names ending in “.ajar” are how ssh is told of favourites"),
        (vec!["connect", "web", "--for", "3 weeks"], "between 5m and 24h"),
        (vec!["connect", "web", "--source", "::1"], "invalid"),
        (vec!["--demo", "--demo-speed=0", "list"], "a number greater than 0"),
        (vec!["--cloud", "moon", "list"], "There is no cloud called “moon”"),
        (vec!["frobnicate"], "unrecognized subcommand"),
    ] {
        let ended = run(folder.path(), &args).await;
        assert_eq!(ended.code, 2, "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(part), "{args:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{args:?}");
    }
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "[profiles.web\n").expect("config.toml");
    for args in [
        vec!["add", "web", "--vm", VM],
        vec!["list"],
        vec!["list", "--json"],
        vec!["status"],
        vec!["connect", "web"],
        vec!["cancel", "web"],
        vec!["show", "web"],
        vec!["remove", "web"],
    ] {
        let ended = run(folder.path(), &args).await;
        assert_eq!(ended.code, 1, "{args:?}: {}", ended.stderr);
        let told = ended.stderr.contains("config.toml") && ended.stderr.contains("line 1");
        assert!(told, "{args:?}: {}", ended.stderr);
        if args.contains(&"--json") {
            assert_eq!(ended.last_event()["code"], "settings");
        }
    }
    assert_eq!(std::fs::read_to_string(config).expect("config.toml"), "[profiles.web\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_tells_scripts_the_fields_they_rely_on() {
    let world = World::new().await;
    let ended = world.run(&["connect", "web-01", "--no-launch", "--json", "--reason", "deploy"]).await;
    let event = ended.last_event();
    assert_eq!(event["event"], "connected", "{}", ended.stderr);
    assert_eq!(event["vm"].as_str(), Some(world.vm("web-01").id.as_str()));
    assert!(event["endpoint"]["host"].is_string() && event["endpoint"]["port"].is_u64(), "{event}");
    assert!(event["window"]["endTimeUtc"].is_string() && event["window"]["source"].is_string(), "{event}");
    assert!(event["elapsedMs"].is_u64(), "{event}");
    for step in event["steps"].as_array().expect("steps") {
        let status = step["status"].as_str().expect("a status");
        assert!(["done", "skipped", "failed"].contains(&status), "{step}");
        assert!(step["step"].is_string());
        if status == "done" {
            assert!(step["startedMs"].as_u64() <= step["endedMs"].as_u64(), "{step}");
        }
    }

    let again = world.run(&["connect", "WEB-01", "--no-launch"]).await;
    let end = again.stderr.lines().last().unwrap_or_default();
    assert!(end.starts_with("● web-01 "), "{}", again.stderr);

    let status = world.run(&["status", "--json"]).await;
    let windows: Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!((&windows[0]["name"], &windows[0]["port"]), (&"web-01".into(), &22.into()), "{}", status.stdout);
    assert_eq!(windows[0]["endTimeUtc"], event["window"]["endTimeUtc"]);
}

/// A user with favourites whom no account lets read Azure.
#[cfg(unix)]
struct SignedOut {
    world: World,
    az: Az,
}

#[cfg(unix)]
impl SignedOut {
    async fn new() -> Self {
        let az = Az::that("echo \"ERROR: Please run 'az login'.\" >&2; exit 1");
        Self { world: World::new().await, az }
    }

    fn ajar(&self, args: &[&str]) -> tokio::process::Command {
        self.az.found_by(ajar(self.world.folder.path(), args))
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_hears_that_and_not_that_nothing_is_open() {
    let user = SignedOut::new().await;
    let once = |args| Ended::of(user.ajar(args).spawn().expect("ajar starts"));
    let plain = once(&["status"]).await;
    assert_eq!((plain.code, plain.stdout.as_str()), (3, ""));
    assert!(plain.stderr.contains("You are not signed in to Azure."), "{}", plain.stderr);
    let json = once(&["status", "--json"]).await;
    let told: Value = serde_json::from_str(&json.stdout).expect("one JSON value");
    assert_eq!((json.code, &told["code"]), (3, &"notSignedIn".into()), "{}", json.stdout);

    let mut watch = user.ajar(&["status", "--watch", "--json"]).spawn().expect("ajar starts");
    let event: Value = serde_json::from_str(&first_line(&mut watch).await).expect("JSON");
    assert_eq!((&event["problem"]["code"], &event["windows"]), (&"notSignedIn".into(), &Value::Array(Vec::new())));
    watch.kill().await.expect("it can be killed");
    let mut watch = user.ajar(&["status", "--watch"]).spawn().expect("ajar starts");
    assert_eq!(first_line(&mut watch).await, "Nothing is known to be open.");
    crate::world::interrupt(&watch);
    let ended = Ended::of(watch).await;
    assert_eq!(ended.stderr.matches("You are not signed in to Azure.").count(), 1, "{}", ended.stderr);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_the_environment_that_the_host_does_not_use_is_told() {
    let user = SignedOut::new().await;
    let mut host = user.ajar(&["status", "--watch"]).spawn().expect("ajar starts");
    first_line(&mut host).await;
    let note = format!("Ajar runs already (process {})", host.id().expect("it runs"));
    let attached = user.world.run(&["status"]).await;
    assert!(attached.stderr.contains(&note), "{}", attached.stderr);
    let same = Ended::of(user.ajar(&["status"]).spawn().expect("ajar starts")).await;
    assert!(same.stderr.contains("not signed in") && !same.stderr.contains("runs already"), "{}", same.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_of_another_cloud_than_the_settings_mean_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = ajar(folder.path(), &["--cloud", "usgov", "status", "--watch"]).spawn().expect("ajar starts");
    first_line(&mut host).await;
    let refused = |args: &'static [&'static str]| async {
        let ended = run(folder.path(), args).await;
        (ended.code, ended.events().pop().map(|event| event["message"].clone()))
    };
    let message = |wanted| {
        Some(Value::from(format!(
            "What names no cloud is looked for there, and not in “{wanted}”, as long as it runs."
        )))
    };
    assert_eq!(refused(&["list", "--json"]).await, (2, message("public")));
    assert_eq!(run(folder.path(), &["--cloud", "usgov", "list", "--json"]).await.stdout, "[]\n");
    std::fs::write(folder.path().join("config.toml"), "cloud = \"usgov\"\n").expect("config.toml");
    assert_eq!(run(folder.path(), &["list", "--json"]).await.stdout, "[]\n");
    std::fs::write(folder.path().join("config.toml"), "cloud = \"china\"\n").expect("config.toml");
    assert_eq!(refused(&["list", "--json"]).await, (2, message("china")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_favourite_is_changed_by_what_is_named_and_keeps_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";
    let before =
        format!("# mine\n[profiles.web] # the front\nvm = \"{vm}\"\nuser = \"me\" # not root\nstart = false\n");
    std::fs::write(&file, &before).expect("a file");
    let edit = |args: &[&'static str]| {
        let args = [&["edit", "web"], args].concat();
        let folder = folder.path().to_owned();
        async move { run(&folder, &args).await }
    };
    let settings = || std::fs::read_to_string(&file).expect("it is there");

    let ended = edit(&["--user", "you", "--for", "90m", "--cloud", "usgov", "--tenant", "contoso.us", "--start"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "Changed web.\n"), "{}", ended.stderr);
    let changed = before.replace("\"me\"", "\"you\"").replace("start = false\n", "");
    assert_eq!(settings(), changed.clone() + "for = \"90m\"\ncloud = \"usgov\"\ntenant = \"contoso.us\"\n");
    let ended = edit(&["--for", "", "--cloud", "", "--tenant", "", "--rename", "front", "--json"]).await;
    assert_eq!((ended.code, ended.last_event()["name"].as_str()), (0, Some("front")), "{}", ended.stderr);
    assert_eq!(settings(), changed.replace("profiles.web", "profiles.front"));

    let ended = run(folder.path(), &["edit", "front", "--user", "you"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "front is just like this already. Nothing was changed.\n"));
    for (args, code) in [
        (vec!["edit", "web", "--user", "x"], "unknownFavourite"),
        (vec!["edit", "front", "--account", "grace"], "unknownAccount"),
        (vec!["edit", "front", "--cloud", "moon"], "unknownCloud"),
        (vec!["add", "db", "--vm", vm, "--cloud", "moon"], "unknownCloud"),
        (vec!["edit", "front", "--port", "0"], "commandLine"),
    ] {
        let ended = run(folder.path(), &[args.as_slice(), &["--json"]].concat()).await;
        assert_eq!((ended.code, ended.last_event()["code"].as_str()), (2, Some(code)), "{args:?}: {}", ended.stderr);
    }
    assert_eq!(settings(), changed.replace("profiles.web", "profiles.front"));
}

/// What a watch says first.
async fn first_line(watch: &mut tokio::process::Child) -> String {
    let mut lines = BufReader::new(watch.stdout.as_mut().expect("piped")).lines();
    let line = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("in time").expect("read");
    line.expect("it says something")
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn who_has_read_enough_ends_the_watch_and_a_full_disk_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut watch = ajar(folder.path(), &["status", "--watch"]).spawn().expect("ajar starts");
    let mut lines = BufReader::new(watch.stdout.take().expect("piped")).lines();
    let first = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("in time").expect("read");
    assert_eq!(first.as_deref(), Some("Nothing is open."));
    drop(lines);
    let ended = Ended::of(watch).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "nothing has changed since, and it ends");

    #[cfg(target_os = "linux")]
    {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a full disk");
        let ended = Ended::of(ajar(folder.path(), &["list", "--json"]).stdout(full).spawn().expect("starts")).await;
        assert_eq!(ended.code, 1);
        assert!(ended.stderr.contains("could not be written"), "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_used_is_named_and_no_mistake_of_ajar() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "").expect("a file");
    for path in [&file, &file.join("below")] {
        let ended = run(path, &["list"]).await;
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        let told = ended.stderr.contains("The configuration cannot be used") && ended.stderr.contains("config.toml");
        assert!(told && ended.stderr.contains("name another folder with"), "{}", ended.stderr);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_folder_that_others_can_write_to_is_named_with_what_puts_it_right() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let (folder, runtime) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let uid = std::fs::metadata(runtime.path()).expect("it is there").uid();
    let sockets = runtime.path().join(format!("ajar-{uid}"));
    std::fs::create_dir(&sockets).expect("a folder");
    std::fs::set_permissions(&sockets, std::fs::Permissions::from_mode(0o777)).expect("mode");
    let list = || {
        let mut command = ajar(folder.path(), &["list", "--json"]);
        Ended::of(command.env("XDG_RUNTIME_DIR", runtime.path()).spawn().expect("ajar starts"))
    };
    let ended = list().await;
    assert_eq!((ended.code, ended.last_event()["code"].as_str()), (1, Some("socketFolder")), "{}", ended.stderr);
    let event = ended.last_event();
    assert!(event["message"].as_str().is_some_and(|text| text.contains("has the permissions 777")), "{event}");
    assert!(event["action"].as_str().is_some_and(|text| text.contains("chmod 700 ")), "{event}");
    assert!(!ended.stderr.contains("Ajar made a mistake"), "{}", ended.stderr);

    std::fs::set_permissions(&sockets, std::fs::Permissions::from_mode(0o700)).expect("mode");
    assert_eq!(list().await.code, 0, "what was advised helps");
}
