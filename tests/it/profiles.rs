//! How favourites are opened, and where they lie: notes, folders, and what these hand down.

use serde_json::Value;

use crate::world::{Ended, ajar};

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
