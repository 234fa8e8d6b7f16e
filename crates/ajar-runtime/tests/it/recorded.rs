//! Every plan for Windows, started by the code that Ajar starts it with, and written down by programs in the places of
//! `ssh.exe`, `mstsc.exe` and `wt.exe`. They are written in C and get their arguments from Windows' own C library, as the real
//! ones do: what Rust puts on a command line is not judged by Rust. `cargo xtask windows` compiles them.

use std::os::windows::process::CommandExt as _;
use std::path::{Path, PathBuf};

use ajar_core::launch::{LaunchPlan, Os, RdpClient, Surroundings, Target, Terminal, in_terminal, in_window};
use ajar_core::port::{Endpoint, Protocol};
use ajar_core::profile::Profile;
use ajar_core::rdp_file::RdpFile;
use ajar_runtime::adapters::run_in_terminal;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

/// Names the program that writes down how it was called.
const RECORDER: &str = "AJAR_RECORDER";
/// Tells it where.
const RECORD: &str = "AJAR_RECORD";

/// A folder with the programs of Windows, whose name is no help to anybody.
struct Programs {
    folder: TempDir,
}

impl Programs {
    /// `None`, and told, where there is no program to be had.
    fn set_up() -> Option<Self> {
        let Some(recorder) = std::env::var_os(RECORDER) else {
            println!("SKIPPED: {RECORDER} names no program; `cargo xtask windows` has one");
            return None;
        };
        let folder = TempDir::with_prefix("a b & (c) ü%PATH%^").unwrap();
        for name in ["ssh.exe", "mstsc.exe", "wt.exe", "putty.exe"] {
            std::fs::copy(&recorder, folder.path().join(name)).unwrap();
        }
        Some(Self { folder })
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn around(&self) -> Surroundings {
        Surroundings {
            os: Os::Windows,
            ssh: Some(self.path("ssh.exe")),
            terminal: Some(Terminal::WindowsTerminal(self.path("wt.exe"))),
            rdp: Some(RdpClient::Mstsc(self.path("mstsc.exe"))),
            certificate: None,
            rdp_file: Ok(None),
        }
    }

    fn record(&self) -> PathBuf {
        self.folder.path().join("record")
    }

    /// What the program of a plan was given.
    fn given_by(&self, plan: LaunchPlan) -> Vec<String> {
        let (record, files) = (self.record(), self.folder.path().join("launch"));
        let plan = LaunchPlan { env: vec![(RECORD.into(), record.to_str().unwrap().into())], ..plan };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let run = run_in_terminal(&plan, &files, std::future::pending::<()>());
        let ended = runtime.block_on(run).unwrap().unwrap();
        assert!(ended.success(), "{ended}");
        written_down(&record)
    }

    /// What ssh is given by Windows Terminal, which joins its words again, with quotes around blanks and none escaped.
    fn given_by_terminal(&self, words: &[String]) -> Vec<String> {
        let joined: Vec<_> = words.iter().map(|word| word.replace(r"\;", ";")).collect();
        let quoted = |word: &String| if word.contains(' ') { format!("\"{word}\"") } else { word.clone() };
        let line: Vec<_> = joined[1..].iter().map(quoted).collect();
        let record = self.record();
        let mut command = std::process::Command::new(&joined[0]);
        assert!(command.raw_arg(line.join(" ")).env(RECORD, &record).status().unwrap().success());
        written_down(&record)
    }
}

/// Words in UTF-16, a zero behind each.
fn written_down(record: &Path) -> Vec<String> {
    let bytes = std::fs::read(record).unwrap();
    std::fs::remove_file(record).unwrap();
    let units: Vec<_> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let mut words: Vec<_> = units.split(|unit| *unit == 0).map(|word| String::from_utf16(word).unwrap()).collect();
    words.pop();
    words
}

fn profile(protocol: Protocol) -> Profile {
    let vm = "/subscriptions/20ff7fc3/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/localhost";
    Profile { protocol: Some(protocol), ..Profile::new(vm.parse().unwrap()) }
}

fn target<'t>(profile: &'t Profile, endpoint: &'t Endpoint) -> Target<'t> {
    Target { name: "web-01", vm: &profile.vm, protocol: profile.protocol(), endpoint, profile }
}

fn here(port: u16) -> Endpoint {
    Endpoint { host: "127.0.0.1".into(), port }
}

/// Holds what the programs are given against what the plans say.
fn is_given_as_meant(programs: &Programs, profile: &Profile, command: &[String]) {
    let (around, endpoint) = (programs.around(), here(4022));
    let target = target(profile, &endpoint);
    let Ok(plan) = in_terminal(&target, &around, command) else { return };
    let meant = plan.args.clone();
    assert_eq!(programs.given_by(plan), meant);
    let window = in_window(&target, &around).unwrap();
    let words = window.args.clone();
    assert_eq!(programs.given_by(window), words);
    // Behind wt's own words.
    if let Some(end) = words.iter().position(|word| word == "--").filter(|_| words[0] == "-w") {
        let ssh = in_terminal(&target, &around, &[]).unwrap();
        assert_eq!(programs.given_by_terminal(&words[end + 1..]), ssh.args);
    }
}

/// What a command line, a shell or a terminal of Windows would spoil.
const AWKWARD: [&str; 14] = [
    "a b",
    "quote\"d",
    "\"",
    "\\",
    r"end\",
    r"end of blanks \",
    r#"back\\"slash"#,
    "%PATH%",
    "^a & b | c > d",
    "!x!",
    "*",
    "ü€日本😀",
    "semi;colon",
    "tab\u{a0}x",
];

#[test]
fn ssh_is_given_on_windows_what_its_plans_say() {
    let Some(programs) = Programs::set_up() else { return };
    is_given_as_meant(&programs, &profile(Protocol::Ssh), &[]);
    for word in AWKWARD {
        let path = Some(format!(r"C:\keys\{word}"));
        let paths = Profile { identity_file: path.clone(), known_hosts_file: path, ..profile(Protocol::Ssh) };
        is_given_as_meant(&programs, &paths, &[]);
        let user = Profile { user: Some(word.into()), ..profile(Protocol::Ssh) };
        is_given_as_meant(&programs, &user, &[word.into(), String::new(), "last".into()]);
        let arguments = Profile { client_arguments: Some(vec!["-x".into(), word.into()]), ..user.clone() };
        is_given_as_meant(&programs, &arguments, &[]);
        let told = ["-ssh", "{user}@{host}", word, "x{user}"].map(|word| word.replace("{{", "{"));
        let own = Profile { client: Some(programs.path("putty.exe")), client_arguments: Some(told.to_vec()), ..user };
        is_given_as_meant(&programs, &own, &[]);
    }
}

#[test]
fn remote_desktop_is_given_on_windows_what_its_plans_say() {
    let Some(programs) = Programs::set_up() else { return };
    let plain = profile(Protocol::Rdp);
    let switches = Profile { gateway: Some("gateway.contoso.com:8443".into()), multimon: Some(true), ..plain.clone() };
    assert_eq!(
        programs.given_by(in_window(&target(&switches, &here(13389)), &programs.around()).unwrap()),
        ["/v:127.0.0.1:13389", "/g:gateway.contoso.com:8443", "/multimon"]
    );
    for word in AWKWARD {
        let arguments = Profile { user: Some(word.into()), client_arguments: Some(vec![word.into()]), ..plain.clone() };
        is_given_as_meant(&programs, &arguments, &[]);
        // By a file, whose path is the first word.
        let own_file = Surroundings { rdp_file: Ok(Some(RdpFile::of("audiomode:i:1"))), ..programs.around() };
        let entra = Profile { entra_login: Some(true), ..arguments.clone() };
        for (profile, around) in [(&arguments, own_file), (&entra, programs.around())] {
            let given = programs.given_by(in_window(&target(profile, &here(13389)), &around).unwrap());
            let path = Path::new(&given[0]);
            assert!(
                path.starts_with(programs.folder.path().join("launch")) && path.ends_with("web-01.rdp"),
                "{given:?}"
            );
            assert!(!path.exists(), "it goes with the client");
            assert_eq!(given[1..], [word]);
        }
    }
}

#[test]
fn no_argument_is_split_joined_or_changed_on_a_command_line_of_windows() {
    let Some(programs) = Programs::set_up() else { return };
    let word = "[ \\\\\"'%^&|<>()!;,=a-z*?é€]{1,9}";
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() });
    let words = proptest::collection::vec(word, 1..4);
    let judged = runner.run(&words, |words| {
        let plain = Profile { client_arguments: Some(words), ..profile(Protocol::Ssh) };
        is_given_as_meant(&programs, &plain, &[]);
        Ok(())
    });
    judged.unwrap();
}
