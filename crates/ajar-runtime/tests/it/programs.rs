//! Programs that open VMs: started for real, and written down by themselves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ajar_core::attempt::Order;
use ajar_core::failure::Failure;
use ajar_core::launch::{Console, FileKind, LaunchPlan, Leads, PlannedFile};
#[cfg(unix)]
use ajar_core::launch::{Target, in_terminal};
use ajar_core::port::{Endpoint, Protocol};
use ajar_core::profile::Profile;
use ajar_core::settings::ClientSettings;
use ajar_runtime::adapters::{ClientLauncher, run_in_terminal, surroundings};
use ajar_runtime::files::SettingsFile;
use ajar_runtime::ports::Launcher as _;
use serde_json::Value;

use crate::child::{arguments, program};
use crate::engine::name;
use crate::world::vm;

/// What a shell, a command line or a code page would spoil.
const AWKWARD: [&str; 8] =
    ["a b", "quote\"d", "it's", "back\\slash\\", "ü€", "$HOME %PATH% `id`", "-oProxyCommand=x", "*"];

/// A plan that starts the recording program.
fn plan(record: &Path, words: &[&str], console: Console) -> LaunchPlan {
    let mut all = vec![record.to_str().unwrap()];
    all.extend(words);
    LaunchPlan {
        program: program(),
        args: arguments("record", &all),
        env: vec![("AJAR_SET".into(), "as planned, ü".into())],
        // Cargo sets it for tests, so that there is something to take away.
        env_remove: vec!["CARGO_MANIFEST_DIR".into()],
        stdin: None,
        file: None,
        leads: None,
        console,
    }
}

/// Nobody tells the program to end.
fn never() -> std::future::Pending<()> {
    std::future::pending()
}

fn read(record: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(record).unwrap()).unwrap()
}

#[tokio::test]
async fn a_program_gets_its_arguments_input_and_environment_as_planned() {
    let home = tempfile::tempdir().unwrap();
    let record = home.path().join("record.json");
    let stdin = Some("password\nüber\n".to_owned());
    let plan = LaunchPlan { stdin, ..plan(&record, &AWKWARD, Console::Inherit) };
    assert!(run_in_terminal(&plan, home.path(), never()).await.unwrap().unwrap().success());
    let record = read(&record);
    assert_eq!(record["words"], serde_json::json!(AWKWARD));
    assert_eq!(record["stdin"], "password\nüber\n");
    assert_eq!(record["set"], "as planned, ü");
    assert_eq!(record["removed"], Value::Null);
}

#[tokio::test]
async fn a_planned_file_is_this_users_alone_its_path_is_passed_and_it_goes_with_the_program() {
    let home = tempfile::tempdir().unwrap();
    let files = home.path().join("launch files");
    for (kind, handed_on) in [(FileKind::Rdp, false), (FileKind::Rdp, true), (FileKind::Script, true)] {
        let record = home.path().join("record.json");
        let file = PlannedFile { name: "web 01.rdp".into(), contents: "ü\n".into(), kind, handed_on };
        let bytes = file.bytes();
        let plan = LaunchPlan {
            file: Some(file),
            stdin: Some("/before\n{file}\n{file}s\n".into()),
            ..plan(&record, &["before", LaunchPlan::FILE], Console::Inherit)
        };
        run_in_terminal(&plan, &files, never()).await.unwrap().unwrap();
        let record = read(&record);
        assert_eq!(record["file"], serde_json::json!(bytes));
        let path = PathBuf::from(record["words"][1].as_str().unwrap());
        assert_eq!(record["stdin"], format!("/before\n{}\n{{file}}s\n", path.display()));
        let folder = path.parent().unwrap();
        assert_eq!((path.file_name().unwrap(), folder.parent().unwrap()), ("web 01.rdp".as_ref(), files.as_path()));
        assert_eq!(folder.exists(), handed_on, "whoever it was handed to may still read it");
        #[cfg(unix)]
        if handed_on {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), if kind == FileKind::Script { 0o700 } else { 0o600 });
            assert_eq!((mode(folder), mode(&files)), (0o700, 0o700));
        }
    }
}

#[tokio::test]
async fn nothing_is_started_where_the_name_that_it_dials_leads_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    for (name, to, is_started) in [
        ("localhost", "127.0.0.1", true),
        ("localhost", "203.0.113.50", false),
        ("no-such-name.invalid", "203.0.113.50", false),
    ] {
        let record = home.path().join(format!("{name}-{to}.json"));
        let leads = Some(Leads { name: name.into(), to: to.into() });
        let plan = LaunchPlan { leads, stdin: Some(String::new()), ..plan(&record, &[], Console::Inherit) };
        let run = run_in_terminal(&plan, home.path(), never()).await;
        let elsewhere = Failure::NameLeadsElsewhere { name: name.into(), address: to.into() };
        assert_eq!(run.err().map(|trouble| trouble.failure), (!is_started).then_some(elsewhere));
        assert_eq!(record.exists(), is_started);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_does_not_outlive_the_one_that_is_told_to_end() {
    for ignoring in ["", "trap '' TERM;"] {
        let home = tempfile::tempdir().unwrap();
        let note = home.path().join("pid");
        let script = format!("{ignoring} echo $$ > '{}'; while :; do sleep 0.1; done", note.display());
        let plan = LaunchPlan {
            program: "sh".into(),
            args: vec!["-c".into(), script],
            ..plan(home.path(), &[], Console::Inherit)
        };
        let started = async {
            while std::fs::read_to_string(&note).unwrap_or_default().is_empty() {
                tokio::task::yield_now().await;
            }
            "told"
        };
        assert_eq!(run_in_terminal(&plan, home.path(), started).await.unwrap().unwrap_err(), "told");
        let pid = std::fs::read_to_string(&note).unwrap().trim().parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        assert!(rustix::process::test_kill_process(pid).is_err(), "it lives on");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let home = tempfile::tempdir().unwrap();
    let plan = LaunchPlan { program: "ajar-no-such-program".into(), ..plan(home.path(), &[], Console::Detached) };
    let trouble = run_in_terminal(&plan, home.path(), never()).await.unwrap_err();
    assert_eq!(trouble.failure, Failure::ClientNotFound { program: "ajar-no-such-program".into() });
}

/// The wish for a client.
fn order() -> Order {
    Order {
        name: name("web"),
        cloud: "fake".into(),
        vm: vm("web"),
        port: 22,
        protocol: Protocol::Ssh,
        is_supposed: false,
        access: Some(chrono::TimeDelta::hours(1)),
        justification: None,
        wants_reason: None,
        address: ajar_core::profile::AddressChoice::Automatic,
        own_ways: false,
        may_start: true,
        extends: false,
        follows: false,
        renews: None,
        passing: false,
        chosen_source: None,
        subnet: None,
        launch: true,
        wishes: Vec::new(),
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_client_that_fails_in_its_first_moment_has_not_opened() {
    let home = tempfile::tempdir().unwrap();
    let settings = home.path().join("config.toml");
    let launcher = ClientLauncher::new(SettingsFile::new(settings.clone()), home.path().join("launch"));
    for (ends, fails) in [("exit 0", false), ("exit 1", true), ("exec sleep 60", false)] {
        std::fs::write(&settings, format!("[clients]\nterminal = [\"sh\", \"-c\", \"{ends}\"]\n")).unwrap();
        let endpoint = Endpoint { host: "198.51.100.5".into(), port: 22 };
        let opened = launcher.launch(&order(), &Profile::new(vm("web")), &endpoint).await;
        let failed = matches!(opened, Err(trouble) if matches!(trouble.failure, Failure::ClientFailed { .. }));
        assert_eq!(failed, fails, "{ends}");
    }
}

#[tokio::test]
async fn a_client_is_opened_in_a_window_of_its_own_that_does_not_end_with_ajar() {
    let home = tempfile::tempdir().unwrap();
    let record = home.path().join("record.json");
    let mut terminal = vec![program()];
    terminal.extend(arguments("record", &[record.to_str().unwrap()]));
    let settings = home.path().join("config.toml");
    let launcher = ClientLauncher::new(SettingsFile::new(settings.clone()), home.path().join("launch"));
    // Named while the engine runs: no restart is needed.
    let words: toml_edit::Array = terminal.iter().collect();
    std::fs::write(settings, format!("[clients]\nssh = \"an ssh\"\nterminal = {words}\n")).unwrap();
    let profile = Profile { user: Some("azureuser".into()), ..Profile::new(vm("web")) };
    let endpoint = Endpoint { host: "198.51.100.5".into(), port: 22 };
    launcher.launch(&order(), &profile, &endpoint).await.unwrap();

    let written = async {
        while !record.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), written).await.unwrap();
    let record = read(&record);
    assert_eq!(record["ownGroup"], true);
    assert_eq!(record["stdin"], "", "it has no terminal of ours to read from");
    let words: Vec<_> = record["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words[0], "an ssh");
    assert!(
        words.iter().any(|word| word.contains("azureuser")) && words.iter().any(|word| word.contains("198.51.100.5"))
    );
}

#[test]
fn the_settings_programs_come_before_those_that_are_found() {
    let settings = ClientSettings {
        ssh: Some("/opt/ssh".into()),
        rdp: Some("/opt/rdp".into()),
        terminal: Some(vec![]),
        browser: None,
        bastion: None,
    };
    let found = surroundings(&settings);
    assert_eq!(found.ssh.as_deref(), Some("/opt/ssh"));
    assert_eq!(found.rdp, Some(ajar_core::launch::RdpClient::Custom("/opt/rdp".into())));
    assert_ne!(found.terminal, Some(ajar_core::launch::Terminal::Custom(vec![])), "an empty command is none");
}

#[cfg(target_os = "linux")]
#[test]
fn the_ssh_of_this_machine_is_found_by_its_full_path() {
    let Some(ssh) = surroundings(&ClientSettings::default()).ssh else {
        // A machine without an ssh client: then there is none to find.
        assert!(!Path::new("/usr/bin/ssh").exists());
        return;
    };
    assert!(Path::new(&ssh).is_absolute() && Path::new(&ssh).is_file(), "{ssh}");
}

/// ssh as it is started for a profile with these paths, and told one thing more.
#[cfg(unix)]
fn ssh_for(more: &str, paths: [&Path; 2], port: u16) -> std::process::Command {
    let text = |path: &Path| Some(path.to_str().unwrap().to_owned());
    let [identity, known] = paths;
    let profile = Profile { identity_file: text(identity), known_hosts_file: text(known), ..Profile::new(vm("web")) };
    let endpoint = Endpoint { host: "127.0.0.1".into(), port };
    let target =
        Target { name: "web", vm: &profile.vm, protocol: Protocol::Ssh, endpoint: &endpoint, profile: &profile };
    let plan = in_terminal(&target, &surroundings(&ClientSettings::default()), &[]).unwrap();
    let mut command = std::process::Command::new(plan.program);
    let (before, host) = plan.args.split_at(plan.args.iter().position(|word| word == "--").unwrap());
    command.args(before).args(["-F", "none", more, "-o", "BatchMode=yes"]).args(host);
    command.stdin(std::process::Stdio::null()).env("HOME", "/nowhere").env_remove("NOT_SET");
    command
}

/// Signs that ssh would expand stand for themselves in paths, as ssh itself tells: `-G` shows files of known hosts after
/// expansion, and `-v` the key files once there is a server.
#[cfg(unix)]
#[test]
fn ssh_takes_paths_with_percent_signs_and_variables_as_they_are() {
    let home = tempfile::tempdir().unwrap();
    for odd in ["100%h", "${HOME}", "$a ${NOT_SET} b", "${", "${a b}}", "%${d}%d$$", "$%{HOME}"] {
        let (identity, known) = (home.path().join(format!("{odd}-key")), home.path().join(format!("{odd}-known")));
        let said = ssh_for("-G", [&identity, &known], 1).output().unwrap();
        let shown = String::from_utf8(said.stdout).unwrap();
        let line = format!("userknownhostsfile {}", known.display());
        assert!(shown.lines().any(|shown| shown == line), "{odd}: {}", String::from_utf8_lossy(&said.stderr));

        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = ssh_for("-v", [&identity, &known], server.local_addr().unwrap().port());
        let running = client.stderr(std::process::Stdio::piped()).spawn().unwrap();
        drop(server.accept().unwrap());
        let said = String::from_utf8(running.wait_with_output().unwrap().stderr).unwrap();
        assert!(said.contains(&format!("identity file {} type", identity.display())), "{odd}: {said}");
    }
}
