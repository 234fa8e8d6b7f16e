//! Any text as the name, the host, the user and the files of a profile: a plan is refused, or it has as many arguments and
//! lines as with plain words in their place. No value adds an option, a line or a command.

#![no_main]

use ajar_core::launch::{LaunchPlan, Os, RdpClient, Surroundings, Target, Terminal, in_terminal, in_window};
use ajar_core::port::{Endpoint, Protocol};
use ajar_core::profile::Profile;
use libfuzzer_sys::fuzz_target;

const VM: &str = "/subscriptions/20ff7fc3/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-01";

/// The clients and terminals of each system.
fn surroundings() -> Vec<Surroundings> {
    let around = |os, ssh: &str, terminal, rdp| Surroundings {
        os,
        ssh: Some(ssh.into()),
        terminal,
        rdp,
        certificate: None,
        rdp_file: Ok(None),
    };
    let linux = |terminal, rdp| around(Os::Linux, "/usr/bin/ssh", Some(terminal), Some(rdp));
    vec![
        around(
            Os::Windows,
            r"C:\Windows\System32\OpenSSH\ssh.exe",
            Some(Terminal::WindowsTerminal("wt.exe".into())),
            Some(RdpClient::Mstsc("mstsc.exe".into())),
        ),
        around(Os::MacOs, "/usr/bin/ssh", None, Some(RdpClient::WindowsApp)),
        linux(Terminal::GnomeTerminal("gnome-terminal".into()), RdpClient::FreeRdp3("xfreerdp3".into())),
        linux(Terminal::Xfce4Terminal("xfce4-terminal".into()), RdpClient::FreeRdp2("xfreerdp".into())),
        linux(Terminal::Konsole("konsole".into()), RdpClient::Remmina("remmina".into())),
        linux(Terminal::Xterm("xterm".into()), RdpClient::Custom("rdp".into())),
    ]
}

/// How many words and lines it hands on.
fn size(plan: &LaunchPlan) -> [usize; 4] {
    let lines = |text: Option<&String>| text.map_or(0, |text| text.split(['\n', '\r']).count());
    let is_option = |word: &&String| word.starts_with('-');
    [
        plan.args.len(),
        plan.args.iter().filter(is_option).count(),
        lines(plan.stdin.as_ref()),
        lines(plan.file.as_ref().map(|file| &file.contents)),
    ]
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut fields = text.split('\0').map(str::to_owned);
    let mut next = || fields.next().filter(|field| !field.is_empty());
    let (name, host) = (next().unwrap_or_else(|| "web-01".into()), next().unwrap_or_else(|| "192.0.2.1".into()));
    let [user, identity_file, known_hosts_file] = [next(), next(), next()];
    // A sign that is to stand for itself takes a variable, which is a word more.
    if [&identity_file, &known_hosts_file].into_iter().flatten().any(|path| path.contains('$')) {
        return;
    }
    let plain = |path: &Option<String>| path.as_ref().map(|_| "/k".to_owned());
    for protocol in [Protocol::Ssh, Protocol::Rdp] {
        let profile = Profile {
            protocol: Some(protocol),
            user: user.clone(),
            identity_file: identity_file.clone(),
            known_hosts_file: known_hosts_file.clone(),
            ..Profile::new(VM.parse().expect("a VM"))
        };
        let harmless = Profile {
            user: user.as_ref().map(|_| "me".to_owned()),
            identity_file: plain(&identity_file),
            known_hosts_file: plain(&known_hosts_file),
            ..profile.clone()
        };
        let (there, nowhere) = (Endpoint { host: host.clone(), port: 22 }, Endpoint { host: "h".into(), port: 22 });
        let target = Target { name: &name, vm: &profile.vm, protocol, endpoint: &there, profile: &profile };
        let harmless = Target { name: "web-01", vm: &profile.vm, protocol, endpoint: &nowhere, profile: &harmless };
        for around in surroundings() {
            for (plan, measure) in [
                (in_window(&target, &around), in_window(&harmless, &around)),
                (in_terminal(&target, &around, &[]), in_terminal(&harmless, &around, &[])),
            ] {
                let Ok(plan) = plan else { continue };
                // What a terminal would read in its own way is started without it.
                let has_no_terminal = measure.as_ref().is_ok_and(|measure| measure.program != plan.program);
                let measure = if has_no_terminal { in_terminal(&harmless, &around, &[]) } else { measure };
                let measure = measure.expect("plain words are taken everywhere");
                assert_eq!(size(&plan), size(&measure), "{plan:?}\n{measure:?}");
            }
        }
    }
});
