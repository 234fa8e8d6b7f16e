//! A client of a favourite's own that is told by its arguments alone what to open, and is started with just these.

use super::quote::uri;
use super::{Console, LaunchPlan, Os, Target};
use crate::failure::Failure;
use crate::message::launch::Unfit;
use crate::port::Protocol;
use crate::template::{Piece, pieces, unknown};

/// What its arguments may name.
pub(crate) const PLACEHOLDERS: [&str; 5] = [HOST, PORT, USER, NAME, VM];

const HOST: &str = "{host}";
const PORT: &str = "{port}";
const USER: &str = "{user}";
const NAME: &str = "{name}";
const VM: &str = "{vm}";

/// What a program may take an argument for that begins so: an option (`/` on Windows, and FreeRDP's `+`), or a file with
/// more of them.
const BEGINNING_OPTIONS: [char; 4] = ['-', '/', '+', '@'];

/// Whether one of the words names something.
pub(super) fn is_told_by_arguments(words: &[String]) -> bool {
    words.iter().flat_map(|word| pieces(word)).any(|piece| matches!(piece, Piece::Named(_)))
}

/// What keeps the arguments from being filled in. No value is left out: what stands before it would take what comes next.
pub(super) fn unfit<'t>(target: &'t Target<'_>) -> Option<Unfit<'t>> {
    let words = target.written_arguments();
    if let Some(name) = words.iter().find_map(|word| unknown(word, &PLACEHOLDERS)) {
        return Some(Unfit::ClientPlaceholder(name));
    }
    if !is_told_by_arguments(words) {
        return None;
    }
    if target.profile.client.is_none() {
        return Some(Unfit::NoClient);
    }
    let mut named = words.iter().flat_map(|word| pieces(word));
    if target.user().is_none() && named.any(|piece| piece == Piece::Named(USER)) {
        return Some(Unfit::NoUser);
    }
    words.iter().find_map(|word| {
        match pieces(word).next() {
            Some(Piece::Named(USER)) => target.user(),
            Some(Piece::Named(VM)) => Some(target.vm.name()),
            Some(Piece::Named(_) | Piece::Text(_)) | None => None,
        }
        .filter(|value| value.starts_with(BEGINNING_OPTIONS))
        .map(Unfit::Beginning)
    })
}

/// The program and all that it is given, if it is such a client.
pub(super) fn command(target: &Target<'_>, os: Os) -> Result<Option<(String, Vec<String>)>, Failure> {
    if !is_told_by_arguments(target.written_arguments()) {
        return Ok(None);
    }
    target.check(os)?;
    let program = target.profile.client.clone().ok_or_else(|| target.refused(&Unfit::NoClient))?;
    Ok(Some((program, target.written_arguments().iter().map(|word| filled(word, target)).collect())))
}

/// The client in a window of its own: it is not run in a terminal, which may be the client and be given the rest.
pub(super) fn plan(target: &Target<'_>, os: Os) -> Result<Option<LaunchPlan>, Failure> {
    let plan = command(target, os)?.map(|(program, args)| LaunchPlan::window(os, program, args));
    Ok(plan.map(|plan| match (target.protocol, os) {
        // Such as plink or psql. What has windows takes no console.
        (Protocol::Ssh | Protocol::Port, Os::Windows) => LaunchPlan { console: Console::New, ..plan },
        (Protocol::Ssh | Protocol::Port, Os::MacOs | Os::Linux) | (Protocol::Rdp, _) => plan,
    }))
}

/// A word with values in it, which are never more than a part of it. In a URI they are encoded.
fn filled(word: &str, target: &Target<'_>) -> String {
    let (mut out, mut is_uri, mut pieces) = (String::new(), false, pieces(word).peekable());
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Text(text) => {
                is_uri |= text.contains("://");
                out.push_str(text);
            }
            Piece::Named(name) => {
                let before_port = matches!(pieces.peek(), Some(Piece::Text(text)) if text.starts_with(':'));
                out.push_str(&value(name, target, is_uri, before_port));
            }
        }
    }
    out
}

fn value(name: &str, target: &Target<'_>, in_uri: bool, before_port: bool) -> String {
    let encoded = |value: &str| if in_uri { uri(value) } else { value.to_owned() };
    let host = &target.endpoint.host;
    match name {
        HOST if host.contains(':') && (in_uri || before_port) => format!("[{host}]"),
        HOST => host.clone(),
        PORT => target.endpoint.port.to_string(),
        USER => encoded(target.user().unwrap_or_default()),
        NAME => target.title(),
        VM => encoded(target.vm.name()),
        // Refused before.
        other => other.to_owned(),
    }
}

/// A word that names nothing, as it is meant.
pub(super) fn plain(word: &str) -> String {
    pieces(word)
        .map(|piece| match piece {
            Piece::Text(text) | Piece::Named(text) => text,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::launch::{Surroundings, has_client, in_terminal, in_window, vet, vet_command};
    use crate::port::Endpoint;
    use crate::profile::Profile;

    const VM_ID: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/Web-01";

    fn profile(protocol: Protocol, client: &str, words: &[&str]) -> Profile {
        Profile {
            protocol: Some(protocol),
            user: Some(r"CONTOSO\me".into()),
            client: Some(client.into()),
            client_arguments: Some(words.iter().map(ToString::to_string).collect()),
            ..Profile::new(VM_ID.parse().unwrap())
        }
    }

    fn target<'t>(profile: &'t Profile, endpoint: &'t Endpoint) -> Target<'t> {
        Target { name: "web", vm: &profile.vm, protocol: profile.protocol(), endpoint, profile }
    }

    fn at(host: &str, port: u16) -> Endpoint {
        Endpoint { host: host.into(), port }
    }

    /// Nothing is found: such a client needs nothing else.
    fn bare(os: Os) -> Surroundings {
        Surroundings { os, ssh: None, terminal: None, rdp: None, certificate: None, rdp_file: Ok(None) }
    }

    /// A program, and its arguments.
    type Client<'t> = (&'t str, &'t [&'t str]);

    /// What the clients of a system are given, here and in a window.
    fn all_plans(os: Os) -> String {
        const URI: &str = "rdp://{user}@{host}:{port}";
        let (ssh, rdp): (&[Client<'_>], &[Client<'_>]) = match os {
            Os::Windows => (
                &[
                    (r"C:\Program Files\PuTTY\putty.exe", &["-ssh", "{user}@{host}", "-P", "{port}"]),
                    ("plink.exe", &["-ssh", "-P", "{port}", "-l", "{user}", "{host}"]),
                ],
                &[(r"C:\Windows\System32\mstsc.exe", &["/v:{host}:{port}", "/span"])],
            ),
            Os::MacOs => {
                (&[("open", &["-a", "iTerm", "ssh://{user}@{host}:{port}"])], &[("open", &["-a", "Royal TSX", URI])])
            }
            Os::Linux => (
                &[("/usr/bin/kitty", &["--title", "{name} ({vm}), {{}}", "mosh", "{user}@{host}", "$(id) ;"])],
                &[("/usr/bin/remmina", &["-c", URI]), ("remote-viewer", &["--title={name}", URI])],
            ),
        };
        let psql: &[Client<'_>] = &[("psql", &["-h", "{host}", "-p", "{port}", "postgres://{user}@{host}:{port}/"])];
        let all = [(Protocol::Ssh, ssh), (Protocol::Rdp, rdp), (Protocol::Port, psql)];
        let clients = all.into_iter().flat_map(|(protocol, of)| of.iter().map(move |client| (protocol, client)));
        let hosts = [at("203.0.113.50", 22), at("2001:db8::7", 13389)];
        let plans = clients.flat_map(|(protocol, (client, words))| {
            let profile = profile(protocol, client, words);
            hosts.each_ref().map(|host| {
                let target = target(&profile, host);
                let (here, window) =
                    (in_terminal(&target, &bare(os), &[]).unwrap(), in_window(&target, &bare(os)).unwrap());
                assert_eq!((&here.program, &here.args), (&window.program, &window.args));
                let args = window.args.join("\n  ");
                format!("{} [{:?}, here {:?}]\n  {args}\n", window.program, window.console, here.console)
            })
        });
        plans.collect()
    }

    #[test]
    fn a_client_that_is_told_by_its_arguments_is_given_these_and_nothing_else() {
        for (name, os) in [("windows", Os::Windows), ("macos", Os::MacOs), ("linux", Os::Linux)] {
            insta::assert_snapshot!(name, all_plans(os));
        }
    }

    #[test]
    fn a_port_alone_starts_a_client_only_where_its_arguments_say_where_to_go_and_runs_no_command() {
        let alone = |client: Option<&str>, words: &[&str]| Profile {
            port: Some(5432),
            client: client.map(Into::into),
            ..profile(Protocol::Port, "", words)
        };
        for (client, words, has) in [
            (None, &[][..], false),
            (Some("psql"), &[], false),
            (Some("psql"), &["-h"], false),
            (Some("psql"), &["-h", "{host}"], true),
        ] {
            let profile = alone(client, words);
            assert_eq!(has_client(&profile, Protocol::Port), has, "{client:?} {words:?}");
            assert!(vet("web", &profile, Os::Linux).is_ok() && vet_command(&profile, Protocol::Port).is_err());
            let endpoint = at("203.0.113.50", 5432);
            for plan in [
                in_terminal(&target(&profile, &endpoint), &bare(Os::Linux), &[]),
                in_window(&target(&profile, &endpoint), &bare(Os::Linux)),
            ] {
                assert_eq!(plan.is_ok(), has);
            }
        }
        let portless = Profile { port: None, ..alone(None, &[]) };
        assert!(matches!(vet("web", &portless, Os::Linux), Err(Failure::ProfileUnfit { .. })));
    }

    #[test]
    fn what_cannot_be_filled_in_is_refused_before_it_is_saved() {
        let told = |profile: &Profile| match vet("web", profile, Os::Linux) {
            Ok(()) => String::new(),
            Err(Failure::ProfileUnfit { detail, .. }) => detail,
            Err(failure) => panic!("another failure: {failure:?}"),
        };
        let ssh = |words: &[&str]| profile(Protocol::Ssh, "/usr/bin/putty", words);
        assert_eq!(told(&ssh(&["{host}", "{{x}}"])), "");
        for (words, part) in [("{ticket}", "“{ticket}”"), ("{host", "“{host”"), ("host}", "“}”")] {
            let detail = told(&ssh(&[words]));
            assert!(detail.contains(part) && detail.contains("use {host}, {port}, {user}, {name}, {vm}"), "{detail}");
        }
        assert!(told(&Profile { user: None, ..ssh(&["{host}", "-l", "{user}"]) }).contains("name a user"));
        assert_eq!(told(&Profile { user: None, ..ssh(&["{host}"]) }), "");
        assert!(told(&Profile { client: None, ..ssh(&["{host}"]) }).contains("name that as the client"));
        for option in ["/admin", "+x", "@file", "-x"] {
            let rdp = profile(Protocol::Rdp, "/usr/bin/rdp", &["{host}", "{user}"]);
            assert!(!told(&Profile { user: Some(option.into()), ..rdp }).is_empty(), "{option}");
        }
        let rdp = profile(Protocol::Rdp, "/usr/bin/rdp", &["{host}", "/u:{user}"]);
        assert_eq!(told(&Profile { user: Some("/admin".into()), ..rdp }), "", "it is not at the beginning");
        let vm = VM_ID.replace("Web-01", "-x").parse().unwrap();
        assert!(!told(&Profile { vm, ..ssh(&["{vm}"]) }).is_empty());
    }

    #[test]
    fn a_command_to_run_there_is_refused_and_arguments_that_name_nothing_are_given_beside_the_usual_ones() {
        let (profile, endpoint) = (profile(Protocol::Ssh, "/opt/ssh", &["{host}"]), at("203.0.113.50", 22));
        let refused = in_terminal(&target(&profile, &endpoint), &bare(Os::Linux), &["ls".into()]).unwrap_err();
        assert!(matches!(&refused, Failure::CommandLine { detail } if detail.contains("no command")), "{refused:?}");
        let beside = Profile { client_arguments: Some(vec!["-oX={{a}}".into()]), ..profile };
        let plan = in_terminal(&target(&beside, &endpoint), &bare(Os::Linux), &["ls".into()]).unwrap();
        assert_eq!((plan.args[0].as_str(), plan.args.len() > 5), ("-oX={a}", true));
    }

    /// What is likely to be taken for something else, mixed with anything.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[-+/@:{} \"'%&#?=\\\\a-z0-9.]{1,6}",
            Just("{host}".to_owned()),
            any::<char>().prop_map(String::from)
        ];
        proptest::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_value_adds_a_word_or_makes_one_an_option_or_another_address(
            user in hostile(), host in prop_oneof![hostile(), Just("2001:db8::7".to_owned())], name in hostile(),
            vm in "[-_.()a-zé]{1,9}", rdp in any::<bool>(),
        ) {
            const WORDS: [&str; 8] =
                ["{user}", "{name}", "{vm}", "{host}", "-l{user}", "x://{user}@{host}:{port}/{vm}", "{host}:{port}", "{{user}}"];
            let Ok(vm) = VM_ID.replace("Web-01", &vm).parse() else { return Ok(()) };
            let protocol = if rdp { Protocol::Rdp } else { Protocol::Ssh };
            let profile = Profile { vm, user: Some(user.clone()), ..profile(protocol, "/usr/bin/client", &WORDS) };
            let endpoint = at(&host, 4022);
            let named = Target { name: &name, ..target(&profile, &endpoint) };
            let Ok(plan) = in_window(&named, &bare(Os::Windows)) else { return Ok(()) };
            prop_assert_eq!(plan.args.len(), WORDS.len());
            for word in &plan.args[..4] {
                prop_assert!(!word.is_empty() && !word.starts_with(BEGINNING_OPTIONS), "{}", word);
            }
            prop_assert_eq!(&plan.args[4], &format!("-l{user}"));
            let uri = plan.args[5].strip_prefix("x://").unwrap();
            let (who, rest) = uri.split_once('@').unwrap();
            let (there, path) = rest.split_once('/').unwrap();
            let bracketed = if host.contains(':') { format!("[{host}]:4022") } else { format!("{host}:4022") };
            prop_assert!(!who.contains(['/', ':', '?', '#', '\\', ' ']) && !path.contains(['/', '?', '#', ' ']));
            prop_assert_eq!((there, &plan.args[6]), (bracketed.as_str(), &bracketed));
            prop_assert_eq!(&plan.args[7], "{user}");
        }
    }
}
