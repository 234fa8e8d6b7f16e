//! Command lines that make no sense.

use serde_json::Value;

use crate::ajar;

#[test]
fn a_usage_error_is_an_event_for_who_asked_for_json_and_nothing_on_stdout_for_others() {
    let folder = tempfile::tempdir().unwrap();
    for (args, part) in [
        (vec!["frobnicate", "--json"], "Unrecognized subcommand 'frobnicate'"),
        (vec!["status", "--json", "--wach"], "Unexpected argument '--wach' found"),
        (vec!["cancel", "--json"], "The following required arguments were not provided: <NAME>"),
        (vec!["connect", "--json"], "The name of a favourite or VM is missing."),
        (vec!["connect", "web", "--json", "--for", "3 weeks"], "between 5m and 24h"),
        (vec!["add", "a b", "--vm", "x", "--json"], "is no name for a favourite"),
        (vec!["connect", "web", "--json", "--", "ls"], "cannot be used with"),
    ] {
        let ended = ajar(folder.path(), &args).output().unwrap();
        assert_eq!(ended.status.code(), Some(2), "{args:?}");
        let lines: Vec<_> = std::str::from_utf8(&ended.stdout).unwrap().lines().collect();
        let [line] = lines[..] else { panic!("{args:?}: {lines:?}") };
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&event["event"], &event["code"]), (&"failed".into(), &"commandLine".into()));
        assert!(event["message"].as_str().unwrap().contains(part), "{event}");
        assert!(String::from_utf8(ended.stderr).unwrap().starts_with("error: "), "people are told as ever");
    }
    for args in [vec!["frobnicate"], vec!["connect", "web", "--no-launch", "--", "ls", "--json"]] {
        let ended = ajar(folder.path(), &args).output().unwrap();
        assert_eq!((ended.status.code(), ended.stdout.len()), (Some(2), 0), "{args:?}");
    }
}

#[test]
fn help_and_version_are_no_failures_with_json_neither() {
    let folder = tempfile::tempdir().unwrap();
    for args in [["status", "--json", "--help"], ["status", "--json", "--version"]] {
        let ended = ajar(folder.path(), &args).output().unwrap();
        let said = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(ended.status.code(), Some(0));
        assert!(said.contains("ajar") && !said.contains("failed"), "{said}");
    }
}

#[test]
fn an_application_without_its_secret_is_said_not_to_be_acted_as() {
    let folder = tempfile::tempdir().unwrap();
    let said_by = |args: &[&str], secret: Option<&str>| {
        let mut command = ajar(folder.path(), args);
        // Nobody is signed in to an Azure CLI that is not there.
        command.env("PATH", folder.path()).env("AZURE_TENANT_ID", "contoso.example").env("AZURE_CLIENT_ID", "app");
        command.envs(secret.map(|secret| ("AZURE_CLIENT_SECRET", secret)));
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    let said = |secret| said_by(&["status"], secret);
    let sentence = "AZURE_CLIENT_SECRET has no value, so the application of the other AZURE_ variables is not used.";
    assert!(said(Some("")).contains(sentence));
    for asking in [&["list", "web"][..], &["add", "web"], &["add", "shop", "--vm", "web"]] {
        assert!(said_by(asking, Some("")).contains(sentence), "{asking:?}");
    }
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/web";
    let asks_nobody = [&["list"][..], &["add", "shop", "--vm", id]].map(|args| said_by(args, Some("")));
    for fine in [said(None), said(Some("secret"))].into_iter().chain(asks_nobody) {
        assert!(!fine.contains("AZURE_CLIENT_SECRET"), "{fine}");
    }
}
