use proptest::prelude::*;

use super::*;

fn profile(protocol: Protocol, user: Option<&str>) -> Profile {
    let vm = "/subscriptions/20ff7fc3/resourceGroups/rg-Web/providers/Microsoft.Compute/virtualMachines/Web-01";
    Profile { protocol: Some(protocol), user: user.map(Into::into), ..Profile::new(vm.parse().unwrap()) }
}

fn target<'a>(profile: &'a Profile, endpoint: &'a Endpoint) -> Target<'a> {
    Target { name: "web-01", vm: &profile.vm, protocol: profile.protocol(), endpoint, profile }
}

fn at(host: &str, port: u16) -> Endpoint {
    Endpoint { host: host.into(), port }
}

fn windows() -> Surroundings {
    Surroundings {
        os: Os::Windows,
        ssh: Some(r"C:\Windows\System32\OpenSSH\ssh.exe".into()),
        terminal: Some(Terminal::WindowsTerminal(r"C:\Users\me\AppData\Local\Microsoft\WindowsApps\wt.exe".into())),
        rdp: Some(RdpClient::Mstsc(r"C:\Windows\System32\mstsc.exe".into())),
        certificate: None,
        rdp_file: Ok(None),
    }
}

fn macos() -> Surroundings {
    Surroundings {
        os: Os::MacOs,
        ssh: Some("/usr/bin/ssh".into()),
        terminal: None,
        rdp: None,
        certificate: None,
        rdp_file: Ok(None),
    }
}

fn linux() -> Surroundings {
    Surroundings {
        os: Os::Linux,
        ssh: Some("/usr/bin/ssh".into()),
        terminal: Some(Terminal::GnomeTerminal("/usr/bin/gnome-terminal".into())),
        rdp: Some(RdpClient::FreeRdp3("/usr/bin/sdl-freerdp3".into())),
        certificate: None,
        rdp_file: Ok(None),
    }
}

/// A plan for reading: the program, an argument a line, then what else there is.
pub(super) fn shown(plan: &Result<LaunchPlan, Failure>) -> String {
    let plan = match plan {
        Ok(plan) => plan,
        Err(failure) => return format!("{failure:?}\n"),
    };
    let mut lines = vec![format!("{} [{:?}]", plan.program, plan.console)];
    lines.extend(plan.args.iter().map(|arg| format!("  {arg}")));
    lines.extend(plan.stdin.iter().flat_map(|text| text.lines()).map(|line| format!("  < {line}")));
    lines.extend(plan.leads.iter().map(|Leads { name, to }| format!("  {name} leads to {to}")));
    if let Some(file) = &plan.file {
        lines.push(format!(
            "  {}{}{}:",
            file.name,
            match file.kind {
                FileKind::Script => " (executable)",
                FileKind::Rdp => " (.rdp)",
            },
            if file.handed_on { ", handed on" } else { "" }
        ));
        lines.extend(file.contents.lines().map(|line| format!("  | {line}")));
    }
    lines.join("\n") + "\n"
}

/// Everything that a system does, in one text.
fn all_plans(around: &Surroundings) -> String {
    let ssh = |user| profile(Protocol::Ssh, user);
    let rdp = |user| profile(Protocol::Rdp, user);
    let keyed = Profile {
        identity_file: Some(if around.os == Os::Windows { r"C:\Users\A B\key" } else { "/home/a b/key" }.into()),
        known_hosts_file: Some(if around.os == Os::Windows { r"C:\Users\A B\known" } else { "/home/a b/known" }.into()),
        ..ssh(Some("azureuser"))
    };
    let percent = Profile {
        identity_file: Some(if around.os == Os::Windows { r"C:\100%h\key" } else { "/srv/100%h/key" }.into()),
        known_hosts_file: Some(if around.os == Os::Windows { r"C:\100%h\known" } else { "/srv/100%h/known" }.into()),
        ..ssh(Some("azureuser"))
    };
    let dollar = Profile {
        identity_file: Some(if around.os == Os::Windows { r"C:\${HOME}\key" } else { "/srv/${HOME}/key" }.into()),
        known_hosts_file: Some("~/$a ${b}".into()),
        ..ssh(Some("azureuser"))
    };
    let forwards =
        ["L 8080:localhost:80", "R 127.0.0.1:9000:localhost:3000", "D [::1]:1080", "L *:5432:[2001:db8::7]:5432"];
    let forwards = Some(forwards.map(|text| text.parse().unwrap()).to_vec());
    let forwarding = Profile { forwards, forward_agent: Some(true), ..ssh(Some("me")) };
    let (direct, mapped, sixth) = (at("203.0.113.50", 22), at("198.51.100.1", 13389), at("2001:db8::7", 3389));
    let window = |profile: &Profile, endpoint: &Endpoint| shown(&in_window(&target(profile, endpoint), around));
    let command = ["ls", "-la", "a b"].map(ToOwned::to_owned);
    [
        ("ssh here", shown(&in_terminal(&target(&ssh(None), &direct), around, &[]))),
        ("ssh here, a command", shown(&in_terminal(&target(&ssh(Some("me")), &direct), around, &command))),
        ("ssh in a window, with keys and paths with blanks", window(&keyed, &direct)),
        ("ssh here, with paths with a percent sign", shown(&in_terminal(&target(&percent, &direct), around, &[]))),
        ("ssh here, with paths with a variable's sign", shown(&in_terminal(&target(&dollar, &direct), around, &[]))),
        ("ssh in a window, the same", window(&dollar, &direct)),
        ("ssh here, with ports forwarded", shown(&in_terminal(&target(&forwarding, &direct), around, &command))),
        ("ssh in a window, with ports forwarded", window(&forwarding, &direct)),
        ("ssh in a window, through a firewall", window(&ssh(Some("azureuser")), &mapped)),
        ("ssh in a window, a domain user with blanks", window(&ssh(Some(r"CONTOSO\An Odd User")), &direct)),
        ("ssh in a window, a user for a shell", window(&ssh(Some("it's; a \"user\" $HOME")), &direct)),
        ("rdp", window(&rdp(None), &mapped)),
        ("rdp, an odd user", window(&rdp(Some("CONTOSO\\it's a \"user\" & co@x")), &mapped)),
        ("rdp, an IPv6 address", window(&rdp(Some("me")), &sixth)),
    ]
    .map(|(what, plan)| format!("# {what}\n{plan}"))
    .join("\n")
}

#[test]
fn what_windows_starts() {
    insta::assert_snapshot!("windows", all_plans(&windows()));
}

#[test]
fn what_macos_starts() {
    insta::assert_snapshot!("macos", all_plans(&macos()));
}

#[test]
fn what_linux_starts() {
    insta::assert_snapshot!("linux", all_plans(&linux()));
}

#[test]
fn by_entra_ssh_logs_in_with_a_certificate_as_whom_it_is_for() {
    let certificate = SshCertificate {
        file: "/run/a b/100%h/id_rsa-cert.pub".into(),
        key: "/home/me/.ssh/id_rsa".into(),
        user: "ada@contoso.com".into(),
    };
    let around = |certificate| Surroundings { certificate: Some(certificate), ..linux() };
    let usual = Profile { entra_login: Some(true), ..profile(Protocol::Ssh, Some("azureuser")) };
    let keyed = Profile { identity_file: Some("~/.ssh/rsa".into()), ..usual.clone() };
    let endpoint = at("203.0.113.50", 22);
    let plan = |profile: &Profile, certificate: SshCertificate| {
        in_terminal(&target(profile, &endpoint), &around(certificate), &[])
    };
    let plans = [&usual, &keyed].map(|profile| shown(&plan(profile, certificate.clone())));
    insta::assert_snapshot!("certificate", plans.concat());
    for user in ["-oProxyCommand=x", "a$(id)", "", "a\nb"] {
        assert!(plan(&usual, SshCertificate { user: user.into(), ..certificate.clone() }).is_err(), "{user:?}");
    }
    assert!(plan(&usual, SshCertificate { file: "/${HOME}/cert".into(), ..certificate.clone() }).is_err());
    let told = Profile { client_arguments: Some(vec!["{host}".into()]), ..usual.clone() };
    let wants = |profile: &Profile| wants_certificate(profile, Protocol::Ssh);
    assert!(wants(&usual) && !wants(&told) && !wants(&profile(Protocol::Ssh, None)));
    assert!(!wants_certificate(&usual, Protocol::Rdp));
}

#[test]
fn each_terminal_takes_the_command_in_its_own_way() {
    let (profile, endpoint) = (profile(Protocol::Ssh, None), at("203.0.113.50", 22));
    let mut lines: Vec<String> = Vec::new();
    let custom = Terminal::Custom(vec!["/opt/term".into(), "--hold".into(), "-e".into()]);
    let known = Terminal::candidates(Os::Linux).iter().map(|(name, terminal)| terminal(format!("/usr/bin/{name}")));
    for terminal in known.chain([custom]) {
        let around = Surroundings { terminal: Some(terminal), ssh: Some("SSH".into()), ..linux() };
        let plan = in_window(&target(&profile, &endpoint), &around).unwrap();
        let before = plan.args.iter().take_while(|arg| *arg != "SSH").map(String::as_str);
        lines.push([plan.program.as_str()].into_iter().chain(before).collect::<Vec<_>>().join(" "));
        assert!(plan.args.ends_with(&["--".into(), "203.0.113.50".into()]));
    }
    insta::assert_snapshot!("terminals", lines.join("\n"));
}

#[test]
fn each_rdp_client_is_told_the_same_in_its_own_way() {
    let (profile, endpoint) = (profile(Protocol::Rdp, Some("me@contoso.com")), at("203.0.113.50", 3389));
    let own = ["/opt/my-rdp", "/opt/freerdp/bin/xfreerdp3", r"C:\Windows\System32\MSTSC.EXE"];
    let own = own.map(|program| RdpClient::named(program.into()));
    let clients = RdpClient::candidates(Os::Linux).iter().map(|(name, client)| client((*name).to_owned()));
    let plans = clients.chain(own).map(|client| {
        let around = Surroundings { rdp: Some(client), ..linux() };
        shown(&in_window(&target(&profile, &endpoint), &around))
    });
    insta::assert_snapshot!("rdp_clients", plans.collect::<String>());
}

#[test]
fn what_is_not_installed_is_named() {
    let endpoint = at("203.0.113.50", 22);
    let missing = |around: Surroundings, protocol| {
        let around = Surroundings { ssh: around.ssh.filter(|_| false), terminal: None, rdp: None, ..around };
        in_window(&target(&profile(protocol, None), &endpoint), &around)
    };
    let not_found = |program: &str| Err(Failure::ClientNotFound { program: program.into() });
    assert_eq!(missing(windows(), Protocol::Ssh), not_found("ssh.exe"));
    assert_eq!(missing(windows(), Protocol::Rdp), not_found("mstsc.exe"));
    assert_eq!(missing(linux(), Protocol::Ssh), not_found("ssh"));
    assert_eq!(missing(linux(), Protocol::Rdp), not_found("FreeRDP"));
    let no_terminal = Surroundings { terminal: None, ..linux() };
    let plan = in_window(&target(&profile(Protocol::Ssh, None), &endpoint), &no_terminal);
    assert_eq!(plan, not_found("xdg-terminal-exec"));
}

#[test]
fn without_windows_terminal_ssh_has_a_console_of_its_own() {
    let around = Surroundings { terminal: None, ..windows() };
    let (profile, endpoint) = (profile(Protocol::Ssh, None), at("203.0.113.50", 22));
    let plan = in_window(&target(&profile, &endpoint), &around).unwrap();
    assert_eq!((plan.program.ends_with("ssh.exe"), plan.console), (true, Console::New));
}

#[test]
fn clients_of_the_system_do_not_inherit_what_an_app_image_sets_and_other_systems_are_left_alone() {
    let endpoint = at("203.0.113.50", 22);
    for (around, scrubbed) in [(linux(), true), (windows(), false), (macos(), false)] {
        for protocol in [Protocol::Ssh, Protocol::Rdp] {
            let plan = in_window(&target(&profile(protocol, None), &endpoint), &around).unwrap();
            assert_eq!(plan.env_remove.contains(&"LD_LIBRARY_PATH".to_owned()), scrubbed);
        }
    }
}

#[test]
fn what_could_be_taken_for_something_else_is_refused_and_named() {
    let fine = at("203.0.113.50", 22);
    for user in ["", "-oProxyCommand=x", "a\nb", "a\0", "a\u{7f}"] {
        for protocol in [Protocol::Ssh, Protocol::Rdp] {
            let refused = in_window(&target(&profile(protocol, Some(user)), &fine), &linux());
            assert!(matches!(refused, Err(Failure::Settings { .. })), "{user:?}");
        }
    }
    for host in ["", "-oProxyCommand=x", "a b", "a\n/b", "me@there", "ssh://x", "x/y", "x;y", "%h"] {
        for protocol in [Protocol::Ssh, Protocol::Rdp] {
            let refused = in_window(&target(&profile(protocol, None), &at(host, 22)), &windows());
            assert!(matches!(refused, Err(Failure::Settings { .. })), "{host:?}");
        }
    }
    for user in ["$(calc)", "a;b", "it's", "a -oProxyCommand=x", "`x`", "a\\", "a|b"] {
        let refused = in_window(&target(&profile(Protocol::Ssh, Some(user)), &fine), &linux());
        assert!(matches!(refused, Err(Failure::Settings { .. })), "{user:?}");
    }
    let paths = Profile { identity_file: Some("a\nb".into()), ..profile(Protocol::Ssh, None) };
    assert_eq!(
        in_window(&target(&paths, &fine), &linux()),
        Err(Failure::Settings {
            path: "[profiles.web-01]".into(),
            detail: "the path “a\\nb” is empty, begins with “-” or has control characters".into()
        })
    );
}

#[test]
fn a_plan_survives_its_way_through_json() {
    for around in [windows(), macos(), linux()] {
        let plan = in_window(&target(&profile(Protocol::Rdp, Some("me")), &at("203.0.113.50", 3389)), &around).unwrap();
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<LaunchPlan>(&text).unwrap(), plan);
    }
}

/// Reads ssh's arguments as ssh does: options with their values, then “--”, host and command.
fn read_as_ssh(args: &[String]) -> (Vec<(String, String)>, String, Vec<String>) {
    let end = args.iter().position(|arg| arg == "--").expect("no “--”");
    let options: Vec<_> = args[..end].chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    (options, args[end + 1].clone(), args[end + 2..].to_vec())
}

/// Splits a line as a POSIX shell does that meets nothing but plain words and quotes.
fn read_as_shell(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut escaped, mut begun) = (Vec::new(), String::new(), false, false, false);
    for c in line.chars() {
        match c {
            _ if escaped => (word.push(c), escaped = false).1,
            '\'' => (quoted, begun) = (!quoted, true),
            '\\' if !quoted => escaped = true,
            ' ' if !quoted => {
                words.push(std::mem::take(&mut word));
                begun = false;
            }
            _ => {
                assert!(quoted || !"$`\"&|;<>(){}*?[]~#!\n".contains(c), "the shell would act on {c:?}");
                word.push(c);
                begun = true;
            }
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    words
}

/// With this a variable begins.
const VARIABLE: &str = "${";

/// What is likely to be taken for something else, mixed with anything.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("-o".to_owned()),
        Just("--".to_owned()),
        Just("ProxyCommand=calc".to_owned()),
        "[a-z ]{0,8}",
        "[-/@:;\"'\\\\ $%&|`\n\ta-z0-9.]{1,4}",
        Just("${HOME}".to_owned()),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_user_host_or_path_becomes_an_option_a_line_or_a_second_command(
        user in hostile(), host in prop_oneof![hostile(), Just("203.0.113.50".to_owned())], path in hostile(), name in hostile(),
    ) {
        let ssh = Profile { identity_file: Some(path.clone()), ..profile(Protocol::Ssh, Some(&user)) };
        let rdp = profile(Protocol::Rdp, Some(&user));
        let endpoint = at(&host, 4022);
        let named = |profile| Target { name: &name, ..target(profile, &endpoint) };
        let command = ["-oProxyCommand=calc".to_owned()];
        let Ok(plain) = in_terminal(&named(&ssh), &macos(), &command) else {
            prop_assert!(in_window(&named(&ssh), &windows()).is_err());
            return Ok(());
        };
        let set = if path.contains(VARIABLE) { vec!["AJAR_DOLLAR=$", "/usr/bin/ssh"] } else { vec![] };
        prop_assert_eq!(&plain.args[..set.len()], &set[..]);
        let (options, to, rest) = read_as_ssh(&plain.args[set.len()..]);
        let flags: Vec<_> = options.iter().map(|(flag, _)| flag.as_str()).collect();
        let key_file = if path.contains('%') || path.contains(VARIABLE) { "-o" } else { "-i" };
        prop_assert_eq!(flags, ["-p", "-o", "-o", "-o", "-o", key_file, "-o", "-l"]);
        prop_assert_eq!(options[5].1.matches("%%").count() * 2, options[5].1.matches('%').count());
        prop_assert_eq!(options[5].1.matches(VARIABLE).count(), options[5].1.matches(concat!("$", "{AJAR_DOLLAR}{")).count());
        prop_assert_eq!(&options[7].1, &user);
        prop_assert_eq!(&to, &host);
        prop_assert!(!host.contains(['@', '/', ' ', '\n']) && !host.starts_with('-'));
        prop_assert_eq!(rest, command);

        let words: Vec<String> = [vec![plain.program], plain.args[..plain.args.len() - 1].to_vec()].concat();
        let file = in_window(&named(&ssh), &macos()).unwrap().file.unwrap();
        prop_assert!(!file.name.contains(['/', '\\']) && !file.name.starts_with(['-', '.']));
        let line = file.contents.lines().last().unwrap().strip_prefix("exec ").unwrap();
        prop_assert_eq!(file.contents.lines().count(), 3);
        prop_assert_eq!(read_as_shell(line), words);

        match in_window(&named(&ssh), &windows()) {
            Err(_) => prop_assert!(path.contains(VARIABLE)),
            Ok(terminal) if terminal.console == Console::Detached => {
                prop_assert_eq!(&terminal.args[..4], ["-w", "0", "nt", "--title"]);
                prop_assert!(!terminal.args[4].starts_with('-') && terminal.args[5] == "--");
                let joined = terminal.args[6..].join(" ");
                prop_assert!(!joined.contains(['"', '%']) && !joined.replace(r"\;", "").contains(';'));
            }
            Ok(_) => {}
        }

        let mstsc = in_window(&named(&rdp), &windows()).unwrap().args;
        prop_assert!(mstsc.len() == 1 && mstsc[0].starts_with("/v:") && !mstsc[0].contains(' '));
        let free_rdp = in_window(&named(&rdp), &linux()).unwrap();
        prop_assert_eq!(free_rdp.args, ["/args-from:stdin"]);
        prop_assert_eq!(free_rdp.stdin.unwrap().lines().count(), 6);
        let uri = in_window(&named(&rdp), &macos()).unwrap().args;
        prop_assert!(uri.len() == 1 && uri[0].matches('&').count() == 1 && uri[0].is_ascii());
    }
}

#[test]
fn a_profile_that_no_client_could_be_started_with_is_refused_before_it_is_saved() {
    let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v".parse().unwrap();
    let profile = Profile::new(vm);
    let refused = |profile: &Profile, os| match vet("web", profile, os) {
        Ok(()) => false,
        Err(Failure::ProfileUnfit { .. }) => true,
        Err(failure) => panic!("another failure: {failure:?}"),
    };
    assert!(!refused(&profile, Os::Linux));
    for user in ["-oX", "", "a\nb"] {
        let unfit = Profile { user: Some(user.into()), ..profile.clone() };
        assert!(refused(&unfit, Os::Linux), "{user}");
    }
    let client = |client: Option<&str>, words: &[&str]| Profile {
        client: client.map(Into::into),
        client_arguments: Some(words.iter().map(ToString::to_string).collect()),
        ..profile.clone()
    };
    for unfit in [client(Some(""), &[]), client(Some("-x"), &[]), client(None, &[""]), client(None, &["a\nb"])] {
        assert!(refused(&unfit, Os::Linux), "{unfit:?}");
    }
    assert!(!refused(&client(Some("/opt/my ssh"), &["-X", "a b"]), Os::Linux));
    let reason = |text: &str| Profile { justification: Some(text.into()), ..profile.clone() };
    assert!(refused(&reason("{ticket}"), Os::Linux) && !refused(&reason("{vm} by {user}"), Os::Linux));
    // On Windows nothing hands ssh the variable that keeps it from taking this for one.
    let named = Profile { identity_file: Some("C:\\${HOME}\\key".into()), ..profile };
    assert_eq!([Os::Linux, Os::MacOs, Os::Windows].map(|os| refused(&named, os)), [false, false, true]);
    let by_rdp = Profile { protocol: Some(Protocol::Rdp), ..named };
    assert!(!refused(&by_rdp, Os::Windows), "no ssh, no path");
}

#[test]
fn a_favourite_may_have_a_client_of_its_own_and_arguments_for_it() {
    let own = |protocol, program: Option<&str>| Profile {
        client: program.map(Into::into),
        client_arguments: Some(vec!["-X".into(), "$(id) ;".into()]),
        ..profile(protocol, Some("me"))
    };
    let here = |profile: &Profile| in_terminal(&target(profile, &at("203.0.113.50", 22)), &linux(), &[]).unwrap();
    let plan = here(&own(Protocol::Ssh, Some("/opt/my ssh")));
    assert_eq!(
        (plan.program.as_str(), &plan.args[..3]),
        ("/opt/my ssh", &["-X".into(), "$(id) ;".into(), "-p".into()][..])
    );
    assert_eq!(here(&own(Protocol::Ssh, None)).program, "/usr/bin/ssh");

    let endpoint = at("203.0.113.50", 3389);
    let window = |profile: &Profile, around: &Surroundings| in_window(&target(profile, &endpoint), around);
    let plan = window(&own(Protocol::Rdp, Some("/usr/bin/remmina")), &linux()).unwrap();
    assert_eq!(plan.args, ["-c", "rdp://me@203.0.113.50:3389", "-X", "$(id) ;"]);
    let by_lines = window(&own(Protocol::Rdp, None), &linux()).unwrap();
    assert!(by_lines.stdin.unwrap().ends_with("\n-X\n$(id) ;\n"));
    assert_eq!(by_lines.args, ["/args-from:stdin"]);
    let plan = window(&own(Protocol::Rdp, None), &windows()).unwrap();
    assert_eq!(plan.args, ["/v:203.0.113.50:3389", "-X", "$(id) ;"]);
    let unfit = window(&own(Protocol::Rdp, None), &macos()).unwrap_err();
    assert!(matches!(unfit, Failure::Settings { .. }), "the Windows App takes none: {unfit:?}");
}

#[test]
fn no_client_inherits_the_secret_that_ajar_signs_in_with() {
    for os in [Os::Linux, Os::MacOs, Os::Windows] {
        for plan in [LaunchPlan::new("ssh", vec![], Console::Inherit), LaunchPlan::window(os, "ssh", vec![])] {
            assert!(plan.env_remove.contains(&"AZURE_CLIENT_SECRET".to_owned()), "{plan:?}");
        }
    }
}

#[test]
fn a_freerdp_is_of_the_version_that_it_tells() {
    let named = || RdpClient::named("/usr/bin/xfreerdp".into());
    let told = |text: &str| named().of_version(|_| Some(text.to_owned()));
    assert_eq!(told("This is FreeRDP version 3.15.0 (3.15.0)"), RdpClient::FreeRdp3("/usr/bin/xfreerdp".into()));
    assert_eq!(told("This is FreeRDP version 2.11.7 (2.11.7)"), named());
    assert_eq!(named().of_version(|_| None), named());
    let other = RdpClient::Remmina("/usr/bin/remmina".into());
    assert_eq!(other.clone().of_version(|_| panic!("nobody asks")), other);
}
