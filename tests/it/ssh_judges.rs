//! What a real ssh makes of what Ajar writes for it and hands to it: with any values in a favourite it reads these values,
//! and otherwise what it reads of plain ones. So no value adds an option, a line, a host or a command.

use std::path::Path;
use std::process::Command;

use ajar_core::launch::{Os, SshHosts, Surroundings, Target, in_terminal};
use ajar_core::port::{Endpoint, Protocol};
use ajar_core::profile::{Forward, Profile, ProfileName};
use ajar_core::settings::Favourite;
use proptest::prelude::*;

/// What ssh tells of a host, a line each, with the values that a favourite gives it apart.
#[derive(Debug, PartialEq)]
struct Read {
    /// Keyword and value, in ssh's order.
    given: Vec<(String, String)>,
    others: Vec<String>,
}

/// The keywords of the values that differ between favourites.
const GIVEN: [&str; 10] = [
    "host",
    "user",
    "hostname",
    "port",
    "identityfile",
    "userknownhostsfile",
    "proxycommand",
    "localforward",
    "remoteforward",
    "dynamicforward",
];

impl Read {
    /// `ssh -G` with the rest of the arguments.
    fn of(program: &str, args: &[String]) -> Self {
        let output = Command::new(program).args(args).output().expect("ssh starts");
        let (text, trouble) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?}: {trouble}");
        let lines = text.lines().map(|line| line.split_once(' ').unwrap_or((line, "")));
        let (given, others): (Vec<_>, Vec<_>) = lines.partition(|(key, _)| GIVEN.contains(key));
        Self {
            given: given.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            others: others.into_iter().map(|(key, value)| format!("{key} {value}")).collect(),
        }
    }

    fn all(&self, key: &str) -> Vec<&str> {
        self.given.iter().filter(|(known, _)| known == key).map(|(_, value)| value.as_str()).collect()
    }

    /// What it forwards, without the brackets that it puts around each host.
    fn forwards(&self) -> Vec<String> {
        let forwards = self.given.iter().filter(|(key, _)| key.ends_with("forward"));
        forwards.map(|(key, value)| without_brackets(&format!("{key} {}", value.replace(' ', ":")))).collect()
    }
}

fn without_brackets(text: &str) -> String {
    text.replace(['[', ']'], "")
}

/// The same of what it is to forward.
fn meant(forwards: &[Forward]) -> Vec<String> {
    let told = |forward: &Forward| {
        let text = without_brackets(&forward.to_string());
        let key = match forward {
            Forward::Local(..) => "localforward",
            Forward::Remote(..) => "remoteforward",
            Forward::Dynamic(_) => "dynamicforward",
        };
        format!("{key}{}", &text[1..])
    };
    let mut all: Vec<_> = forwards.iter().map(told).collect();
    all.sort();
    all.dedup();
    all
}

/// What is likely to be taken for something else, mixed with anything.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n    ProxyCommand touch /tmp/x".to_owned()),
        Just(" -oProxyCommand=x".to_owned()),
        Just("Host *".to_owned()),
        Just("%h".to_owned()),
        "[-/@:;\"'\\\\ $%&|`#=,!?*\t\ra-z0-9.]{1,6}",
        "[a-z ]{1,8}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

fn forwards() -> impl Strategy<Value = Vec<Forward>> {
    let forward = "[LR] ((\\*|127\\.0\\.0\\.1|\\[::1\\]|[a-z][a-z0-9_.-]{0,8}):)?[1-9][0-9]{0,3}:([a-z][a-z0-9_.-]{0,8}|\\[2001:db8::7\\]):[1-9][0-9]{0,3}|D (\\*:|\\[::1\\]:)?[1-9][0-9]{0,3}";
    proptest::collection::vec(forward.prop_map(|text| text.parse().expect("a forward")), 0..4)
}

prop_compose! {
    fn profiles()(
        user in proptest::option::of(hostile()), key in proptest::option::of(hostile()), known in proptest::option::of(hostile()),
        forwards in forwards(), forward_agent in proptest::option::of(any::<bool>()), port in 1_u16.., vm in "[-_.()a-z0-9]{1,12}",
    ) -> Profile {
        let vm = format!("/subscriptions/20ff7fc3/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/v{vm}");
        Profile {
            protocol: Some(Protocol::Ssh),
            port: Some(port),
            user,
            identity_file: key,
            known_hosts_file: known,
            forwards: Some(forwards),
            forward_agent,
            ..Profile::new(vm.parse().expect("a VM"))
        }
    }
}

/// The same with plain values in the places of the odd ones.
fn plain(profile: &Profile) -> Profile {
    Profile {
        user: profile.user.as_ref().map(|_| "me".into()),
        identity_file: profile.identity_file.as_ref().map(|_| "/key".into()),
        known_hosts_file: profile.known_hosts_file.as_ref().map(|_| "/known".into()),
        forwards: None,
        ..profile.clone()
    }
}

fn is_as_meant(read: &Read, profile: &Profile) -> Result<(), TestCaseError> {
    // Of some ssh tells as it is written, of others, and in other versions, as it is once it is expanded.
    let is_path = |told: Vec<&str>, path: &String| {
        let written = path.replace('%', "%%").replace("${", "${AJAR_DOLLAR}{");
        told == [path] || told == [&written]
    };
    if let Some(user) = &profile.user {
        prop_assert_eq!(read.all("user"), [user]);
    }
    if let Some(key) = &profile.identity_file {
        prop_assert!(is_path(read.all("identityfile"), key), "{:?}", read);
    }
    if let Some(known) = &profile.known_hosts_file {
        prop_assert!(is_path(read.all("userknownhostsfile"), known), "{:?}", read);
    }
    let agent = if profile.forward_agent == Some(true) { "forwardagent yes" } else { "forwardagent no" };
    prop_assert!(read.others.iter().any(|line| line == agent), "{:?}", read);
    let mut forwarded = read.forwards();
    forwarded.sort();
    forwarded.dedup();
    prop_assert_eq!(forwarded, meant(profile.forwards.as_deref().unwrap_or_default()));
    Ok(())
}

/// ssh's view of a host in a file.
fn host_of(file: &Path, name: &str) -> Read {
    Read::of("ssh", &["-G".into(), "-F".into(), file.display().to_string(), name.into()])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_for_ssh_says_of_each_host_what_is_meant_and_no_more(
        odd in profiles(), name in "[A-Za-z0-9][A-Za-z0-9._-]{0,12}", ajar in hostile(), folder in hostile(),
    ) {
        let Ok(name) = name.parse::<ProfileName>() else { return Ok(()) };
        let words = [format!("/opt/{ajar}"), "--config".into(), folder];
        let Some(hosts) = SshHosts::new(&words, "/c/config.toml", Os::Linux) else { return Ok(()) };
        let other = Favourite { name: "another.one".parse().unwrap(), profile: plain(&odd) };
        let folder = tempfile::tempdir().expect("a folder");
        let read = |profile: &Profile, of: &str| {
            let favourite = Favourite { name: name.clone(), profile: profile.clone() };
            let hosts = hosts.with(&[favourite, other.clone()], &[], Os::Linux);
            let file = folder.path().join("config");
            std::fs::write(&file, hosts.text).expect("a file");
            hosts.left_out.is_empty().then(|| host_of(&file, of))
        };
        let measure = read(&plain(&odd), name.as_str()).expect("plain words are taken");
        let Some(told) = read(&odd, name.as_str()) else { return Ok(()) };
        prop_assert_eq!(&told.others, &measure.others);
        is_as_meant(&told, &odd)?;
        let others = read(&plain(&odd), "another.one.ajar");
        prop_assert_eq!(read(&odd, "another.one.ajar"), others, "another host is not touched");
        // The command is one for a shell, which reads it after ssh has read its percent signs.
        prop_assert_eq!(told.all("proxycommand"), measure.all("proxycommand"));
        let command = told.all("proxycommand")[0].replace("%%", "\0").replace("%p", "22").replace('\0', "%");
        let shell = Command::new("sh").args(["-c", &format!("printf '%s\\n' {command}")]).output().expect("a shell");
        let meant = [&words[..], &["proxy".into(), format!("{name}.ajar"), "22".into()]].concat();
        let words = String::from_utf8_lossy(&shell.stdout);
        prop_assert_eq!(words.lines().collect::<Vec<_>>(), meant);
    }

    #[test]
    fn what_ssh_is_handed_says_what_is_meant_and_no_more(odd in profiles(), host in prop_oneof![hostile(), "[a-z0-9][-a-z0-9.:]{0,12}"]) {
        // ssh passes over a key that is not there.
        let folder = tempfile::tempdir().expect("a folder");
        let key = |name: &str| folder.path().join(name.replace('/', "_")).display().to_string();
        let harmless = Profile { identity_file: odd.identity_file.as_ref().map(|_| key("key")), ..plain(&odd) };
        let odd = Profile { identity_file: odd.identity_file.as_deref().map(key), ..odd };
        let mut keys = [&odd, &harmless].into_iter().filter_map(|profile| profile.identity_file.as_ref());
        if !keys.all(|key| std::fs::write(key, "").is_ok()) {
            return Ok(());
        }
        let around =
            Surroundings { os: Os::Linux, ssh: Some("ssh".into()), terminal: None, rdp: None, certificate: None, rdp_file: Ok(None) };
        let read = |profile: &Profile, host: &str| {
            let endpoint = Endpoint { host: host.into(), port: profile.port() };
            let target = Target { name: "web", vm: &profile.vm, protocol: Protocol::Ssh, endpoint: &endpoint, profile };
            let plan = in_terminal(&target, &around, &["-oProxyCommand=x".into()]).ok()?;
            let mut args = plan.args;
            // Behind `env` and what it sets.
            let at = args.iter().position(|word| word == "ssh").map_or(0, |at| at + 1);
            args.splice(at..at, ["-G", "-F", "/dev/null"].map(ToOwned::to_owned));
            Some(Read::of(&plan.program, &args))
        };
        let measure = read(&harmless, "host").expect("plain words are taken");
        let Some(told) = read(&odd, &host) else { return Ok(()) };
        prop_assert_eq!(&told.others, &measure.others);
        // What may be an address it writes in its own way.
        let is_name = host.contains(|c: char| matches!(c, 'g'..='z' | 'G'..='Z'));
        prop_assert!(told.all("hostname") == [host.to_lowercase()] || !is_name, "{:?}", told);
        prop_assert!(told.all("proxycommand").is_empty());
        is_as_meant(&told, &odd)?;
    }
}
