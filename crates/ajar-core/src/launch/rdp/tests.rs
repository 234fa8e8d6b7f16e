use proptest::prelude::*;

use super::*;
use crate::launch::{Terminal, in_window, vet};
use crate::profile::Profile;

const VM: &str = "/subscriptions/20ff7fc3/resourceGroups/rg-Web/providers/Microsoft.Compute/virtualMachines/Web-01";

/// As somebody has saved it from mstsc, and signed it.
const OWN_FILE: &str = "screen mode id:i:2\r\nuse multimon:i:1\r\nFull Address:s:old.contoso.com:3390\r\n\
    alternate full address:s:evil.example\r\nserver port:i:3391\r\nusername:s:somebody\r\ndomain:s:CONTOSO\r\n\
    password 51:b:01000000D08C9DDF\r\ngatewayaccesstoken:s:secret\r\nredirectclipboard:i:0\r\n\
    alternate shell:s:notepad.exe\r\nlater:s:kept\r\n/v:other\r\n\
    signscope:s:Full Address,Server Port\r\nsignature:s:AQABAAEAAABpEwAA\r\n";

fn profile() -> Profile {
    Profile { protocol: Some(Protocol::Rdp), ..Profile::new(VM.parse().unwrap()) }
}

fn around(os: Os, client: RdpClient) -> Surroundings {
    let terminal = (os == Os::Linux).then(|| Terminal::Xterm("/usr/bin/xterm".into()));
    Surroundings { os, ssh: None, terminal, rdp: Some(client), certificate: None, rdp_file: Ok(None) }
}

/// The clients of each system, and one that the settings name.
fn clients() -> Vec<Surroundings> {
    let linux = |client| around(Os::Linux, client);
    vec![
        around(Os::Windows, RdpClient::Mstsc(r"C:\Windows\System32\mstsc.exe".into())),
        around(Os::Windows, RdpClient::Custom(r"C:\Tools\rdp.exe".into())),
        around(Os::MacOs, RdpClient::WindowsApp),
        around(Os::MacOs, RdpClient::FreeRdp2("/opt/xfreerdp".into())),
        linux(RdpClient::FreeRdp3("/usr/bin/sdl-freerdp3".into())),
        linux(RdpClient::FreeRdp2("/usr/bin/xfreerdp".into())),
        linux(RdpClient::Remmina("/usr/bin/remmina".into())),
    ]
}

fn plan(profile: &Profile, around: &Surroundings) -> Result<LaunchPlan, Failure> {
    let endpoint = Endpoint { host: "203.0.113.50".into(), port: 13389 };
    let target = Target { name: "web-01", vm: &profile.vm, protocol: Protocol::Rdp, endpoint: &endpoint, profile };
    in_window(&target, around)
}

#[test]
fn each_client_is_told_of_gateways_monitors_entra_and_a_file_of_ones_own_in_its_own_way() {
    let own = Profile { rdp_file: Some("~/web.rdp".into()), ..profile() };
    let gateway = Profile { gateway: Some("gateway.contoso.com".into()), multimon: Some(true), ..profile() };
    let entra = Profile { entra_login: Some(true), user: Some("ada@contoso.com".into()), ..profile() };
    let everything = Profile {
        user: Some(r"CONTOSO\ada".into()),
        gateway: gateway.gateway.clone(),
        multimon: Some(false),
        entra_login: Some(true),
        ..own.clone()
    };
    for (name, profile) in [("gateway", gateway), ("entra", entra), ("own_file", own), ("everything", everything)] {
        let shown = clients().into_iter().map(|around| {
            let of_own = profile.rdp_file.as_ref().map(|_| RdpFile::of(OWN_FILE));
            let around = Surroundings { rdp_file: Ok(of_own), ..around };
            format!("# {:?}\n{}", around.rdp, crate::launch::tests::shown(&plan(&profile, &around)))
        });
        insta::assert_snapshot!(name, shown.collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn a_file_that_could_not_be_read_is_told_of_and_nothing_is_started() {
    let own = Profile { rdp_file: Some("~/web.rdp".into()), ..profile() };
    for around in clients() {
        let around = Surroundings { rdp_file: Err("No such file or directory".into()), ..around };
        let Err(Failure::Settings { detail, .. }) = plan(&own, &around) else { panic!("it is started") };
        assert_eq!(detail, "the .rdp file “~/web.rdp” could not be read: No such file or directory");
    }
}

#[test]
fn paths_that_hang_on_where_ajar_was_started_and_gateways_that_are_none_are_refused_before_they_are_saved() {
    let fits = |change: Profile, os| vet("web", &change, os).is_ok();
    let by_file = |path: &str| Profile { rdp_file: Some(path.into()), ..profile() };
    for (path, windows, others) in [
        ("~/web.rdp", true, true),
        ("/home/me/web.rdp", false, true),
        (r"C:\Users\me\web.rdp", true, false),
        (r"\\share\web.rdp", true, false),
        (r"~\web.rdp", true, false),
        ("web.rdp", false, false),
        ("C:web.rdp", false, false),
        ("/home/me/a\nb.rdp", false, false),
        ("", true, true),
    ] {
        let said = (fits(by_file(path), Os::Windows), fits(by_file(path), Os::Linux), fits(by_file(path), Os::MacOs));
        assert_eq!(said, (windows, others, others), "{path:?}");
    }
    for (gateway, is_one) in [
        ("gateway.contoso.com", true),
        ("gateway.contoso.com:8443", true),
        ("", true),
        ("-x", false),
        ("/u:x", false),
        ("a,b", false),
        ("a b", false),
        ("a\r\nalternate shell:s:calc", false),
    ] {
        assert_eq!(fits(Profile { gateway: Some(gateway.into()), ..profile() }, Os::Linux), is_one, "{gateway:?}");
    }
    let vm = VM.replace("Web-01", "Web(1)").parse().unwrap();
    assert!(!fits(Profile { vm, entra_login: Some(true), ..profile() }, Os::Linux), "nothing dials such a name");
}

/// The names of all settings of a file, as its reader finds them.
fn names(plan: &LaunchPlan) -> Vec<String> {
    let file = plan.file.as_ref().map(|file| RdpFile::from_bytes(&file.bytes()).unwrap()).unwrap_or_default();
    file.properties().map(|property| property.name.clone()).collect()
}

fn lines(plan: &LaunchPlan) -> usize {
    plan.stdin.as_deref().unwrap_or_default().split(['\n', '\r']).count()
}

/// What is likely to be taken for something else, mixed with anything.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\nalternate shell:s:calc".to_owned()),
        Just("/shell:calc".to_owned()),
        "[\r\n\0\u{85}\u{2028}\u{2029}]",
        "[-+/@:{},;.\"'&%= a-z0-9]{1,6}",
        any::<char>().prop_map(String::from)
    ];
    proptest::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_value_adds_a_setting_a_line_or_a_word(
        user in hostile(), gateway in prop_oneof![hostile(), Just("gateway.contoso.com".to_owned())], vm in "[-_.()a-z]{1,9}",
        host in prop_oneof![hostile(), Just("203.0.113.50".to_owned())], own in any::<bool>(), entra in any::<bool>(),
    ) {
        let Ok(vm) = VM.replace("Web-01", &vm).parse() else { return Ok(()) };
        let odd = Profile { vm, user: Some(user.clone()), gateway: Some(gateway), entra_login: Some(entra), ..profile() };
        let plain = Profile { user: Some("me".into()), gateway: Some("gw".into()), entra_login: Some(entra), ..profile() };
        let endpoint = Endpoint { host, port: 13389 };
        let target = Target { name: "web", vm: &odd.vm, protocol: Protocol::Rdp, endpoint: &endpoint, profile: &odd };
        for around in clients() {
            let around = Surroundings { rdp_file: Ok(own.then(|| RdpFile::of(OWN_FILE))), ..around };
            let Ok(told) = in_window(&target, &around) else { continue };
            let measure = plan(&plain, &around).unwrap();
            prop_assert_eq!(names(&told), names(&measure));
            prop_assert_eq!((told.args.len(), lines(&told)), (measure.args.len(), lines(&measure)));
            let file = told.file.as_ref().map(|file| RdpFile::from_bytes(&file.bytes()).unwrap());
            if let Some(known) = file.as_ref().and_then(|file| file.get("username")) {
                prop_assert_eq!(known.value.as_str(), user.trim());
            }
        }
    }
}
