//! The favourites as hosts of ssh's own configuration, so that plain `ssh web-01`, scp, rsync, git and editors open the
//! door by themselves.
//! https://man.openbsd.org/ssh_config

use super::quote::{ssh_value, system_word};
use super::{Os, Target, needs_dollar, ssh};
use crate::message::launch::Unfit;
use crate::message::ssh_config as words;
use crate::port::{Endpoint, Protocol};
use crate::profile::{Forward, ProfileName};
use crate::settings::Favourite;

/// Longer than Ajar itself waits for anything: what the user sets for all hosts may be too short to start a VM in.
const CONNECT_TIMEOUT: &str = "1800";

/// The head of the file that the hosts stand in: what Ajar needs to know to write it anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshHosts {
    /// How each `ProxyCommand` begins, ready for the shell that ssh gives it to.
    proxy: String,
    /// The settings file that the favourites stand in.
    settings: String,
    /// ssh's configuration that includes the file, if there was none before.
    made: Option<String>,
}

/// The file's lines that hold what [`SshHosts`] does, each a comment to ssh.
const PROXY: &str = "# ProxyCommand: ";
const SETTINGS: &str = "# Favourites of: ";
const MADE: &str = "# Made with it: ";

/// The file as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// All of it.
    pub text: String,
    /// What ssh knows the favourites by that are hosts in it.
    pub names: Vec<String>,
    /// Those that ssh opens but that cannot be, and why.
    pub left_out: Vec<(ProfileName, String)>,
}

impl SshHosts {
    /// Hosts that are reached by `ajar`, the program and its own options; of the favourites in the file `settings`. `None`
    /// if one of the words cannot stand on a line.
    pub fn new(ajar: &[String], settings: &str, os: Os) -> Option<Self> {
        let fits = |word: &str| !word.is_empty() && !word.chars().any(char::is_control);
        if ajar.is_empty() || !ajar.iter().all(|word| fits(word)) || !fits(settings) {
            return None;
        }
        let proxy: Vec<_> = ajar.iter().map(|word| system_word(word, os).replace('%', "%%")).collect();
        Some(Self { proxy: proxy.join(" "), settings: settings.to_owned(), made: None })
    }

    /// That ssh's configuration was not there before: it goes when the hosts go.
    #[must_use]
    pub fn with_configuration_made(self, made: Option<String>) -> Self {
        Self { made, ..self }
    }

    /// Reads the head of a file; `None` if Ajar has not written it.
    pub fn of(text: &str) -> Option<Self> {
        let head = || text.lines().take_while(|line| line.starts_with('#'));
        let value = |key: &str| head().find_map(|line| line.strip_prefix(key)).map(ToOwned::to_owned);
        Some(Self { proxy: value(PROXY)?, settings: value(SETTINGS)?, made: value(MADE) })
    }

    /// The settings file that the favourites stand in.
    pub fn settings(&self) -> &str {
        &self.settings
    }

    /// ssh's configuration that includes the file, if there was none before.
    pub fn configuration_made(&self) -> Option<&str> {
        self.made.as_deref()
    }

    /// The file with all that ssh opens of these favourites: the user's own, and those of teams. The latter have no name that
    /// could be another host's, or whoever writes a team's file decided where that leads.
    pub fn with(&self, own: &[Favourite], of_teams: &[Favourite], os: Os) -> Hosts {
        let mut text: String = words::head().map(|line| format!("# {line}\n")).concat();
        let known = [(PROXY, &self.proxy), (SETTINGS, &self.settings)].into_iter();
        text.extend(
            known.chain(self.made.iter().map(|made| (MADE, made))).map(|(key, value)| format!("{key}{value}\n")),
        );
        let (mut names, mut left_out) = (Vec::new(), Vec::new());
        let all = own.iter().map(|own| (own, patterns(own.name.as_str())));
        let all = all.chain(of_teams.iter().map(|other| (other, vec![host_name(other.name.as_str())])));
        for (favourite, patterns) in all.filter(|(favourite, _)| favourite.profile.protocol() == Protocol::Ssh) {
            match self.host(favourite, &patterns, os) {
                Ok(host) => {
                    text.push_str(&host);
                    names.extend(patterns.into_iter().next());
                }
                Err(why) => left_out.push((favourite.name.clone(), why)),
            }
        }
        Hosts { text, names, left_out }
    }

    fn host(&self, Favourite { name, profile }: &Favourite, patterns: &[String], os: Os) -> Result<String, String> {
        let endpoint = Endpoint { host: "localhost".into(), port: profile.port() };
        let target =
            Target { name: name.as_str(), vm: &profile.vm, protocol: Protocol::Ssh, endpoint: &endpoint, profile };
        if let Some(what) = target.unfit(os).or_else(|| unfit_for_a_file(&target)) {
            return Err(crate::message::launch::unfit(&what));
        }
        // By its own name and not by “%h”, which what the user wrote of the same host may have changed.
        let mut lines = vec![
            ("ProxyCommand", format!("{} proxy {} %p", self.proxy, host_name(name.as_str()))),
            ("ConnectTimeout", CONNECT_TIMEOUT.to_owned()),
        ];
        if Some(endpoint.port) != Protocol::Ssh.default_port() {
            lines.push(("Port", endpoint.port.to_string()));
        }
        lines.extend(target.user().map(|user| ("User", ssh_value(user))));
        lines.extend(ssh::options(&target).into_iter().map(|(key, value)| (key, ssh_value(&value))));
        lines.extend(target.forwards().iter().map(Forward::setting));
        let lines: Vec<_> = lines.iter().map(|(key, value)| format!("    {key} {value}\n")).collect();
        Ok(format!("\nHost {}\n{}", patterns.join(" "), lines.concat()))
    }
}

/// What can be given to ssh on its command line, and cannot be written for it: nobody sets a variable there, and newer ones
/// expand `%` in a user's name.
fn unfit_for_a_file<'a>(target: &Target<'a>) -> Option<Unfit<'a>> {
    let profile = target.profile;
    let paths = [&profile.identity_file, &profile.known_hosts_file].into_iter().flatten();
    let user = profile.user.as_deref().filter(|user| user.contains('%'));
    paths.map(String::as_str).find(|path| needs_dollar(path)).map(Unfit::Variable).or(user.map(Unfit::Token))
}

/// The names that ssh knows one of the user's own favourites by. It looks at their case.
fn patterns(name: &str) -> Vec<String> {
    let mut spellings = vec![name.to_owned(), name.to_ascii_lowercase()];
    spellings.dedup();
    spellings.iter().flat_map(|name| [name.clone(), host_name(name)]).collect()
}

/// A host name that is nobody else's.
fn host_name(name: &str) -> String {
    format!("{name}.ajar")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use proptest::prelude::*;

    fn favourite(name: &str, change: impl FnOnce(&mut Profile)) -> Favourite {
        let vm =
            format!("/subscriptions/20ff7fc3/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/{name}");
        let mut profile = Profile::new(vm.parse().unwrap());
        change(&mut profile);
        Favourite { name: name.parse().unwrap(), profile }
    }

    fn favourites(os: Os) -> Vec<Favourite> {
        let path = |file: &str| match os {
            Os::Windows => format!(r"C:\Users\A B\{file}"),
            Os::MacOs | Os::Linux => format!("/home/a b/100%/{file}"),
        };
        vec![
            favourite("web-01", |_| {}),
            favourite("Build.02", |profile| {
                profile.port = Some(2222);
                profile.user = Some(r"CONTOSO\An Odd User".into());
                profile.identity_file = Some(path("key"));
                profile.known_hosts_file = Some(path("known"));
                let forwards = ["L 8080:localhost:80", "R 9000:[::1]:3000", "D *:1080"];
                profile.forward_agent = Some(true);
                profile.forwards = Some(forwards.map(|text| text.parse().unwrap()).to_vec());
            }),
            favourite("desk", |profile| profile.port = Some(3389)),
            favourite("variable", |profile| profile.identity_file = Some("~/${HOME}/key".into())),
            favourite("token", |profile| profile.user = Some("100%u".into())),
        ]
    }

    fn hosts(ajar: &[&str], settings: &str, os: Os) -> Hosts {
        let ajar: Vec<_> = ajar.iter().map(|word| (*word).to_owned()).collect();
        let of_teams =
            [favourite("ops.github.com", |_| {}), favourite("ops.Desk", |profile| profile.port = Some(3389))];
        SshHosts::new(&ajar, settings, os).unwrap().with(&favourites(os), &of_teams, os)
    }

    #[test]
    fn the_hosts_are_written_as_each_systems_ssh_reads_them() {
        let linux = hosts(&["/opt/a b/100%/ajar", "--config", "/home/it's"], "/home/it's/config.toml", Os::Linux);
        let windows =
            hosts(&[r"C:\Program Files\Ajar\ajar.exe", "--config", r"D:\ajar"], r"D:\ajar\config.toml", Os::Windows);
        assert_eq!(windows.names, ["web-01", "Build.02", "ops.github.com.ajar"]);
        let left_out: Vec<_> = linux.left_out.iter().map(|(name, why)| format!("{name}: {why}\n")).collect();
        let text = format!("{}\n--- Windows\n{}\n--- left out\n{}", linux.text, windows.text, left_out.concat());
        insta::assert_snapshot!("hosts", text);
    }

    #[test]
    fn no_quote_stays_open_where_ssh_counts_them() {
        let command = |words: &[&str], os| {
            let words: Vec<_> = words.iter().map(ToString::to_string).collect();
            SshHosts::new(&words, "/c", os).unwrap().proxy
        };
        let back = command(&["/opt/ajar", "--config", r"/home/a\", r"/it's\ b"], Os::Linux);
        assert_eq!(back, r"/opt/ajar --config /home/a\\ /it\'s\\\ b");
        let windows = command(&[r"C:\Users\O'Brien\ajar.exe", "--config", "D:\\my own\\"], Os::Windows);
        assert_eq!(windows, r#""C:\Users\O'Brien\ajar.exe" --config "D:\my own\\""#);
    }

    #[test]
    fn what_was_written_is_known_again_and_nothing_else_is() {
        let hosts = SshHosts::new(&["/usr/bin/ajar".into()], "/c/config.toml", Os::Linux).unwrap();
        let made = hosts.clone().with_configuration_made(Some("/home/me/.ssh/config".into()));
        for hosts in [hosts, made] {
            assert_eq!(SshHosts::of(&hosts.with(&favourites(Os::Linux), &[], Os::Linux).text), Some(hosts));
        }
        for other in ["", "Host web-01\n", "# Favourites of: x\n", "Host a\n# ProxyCommand: x\n# Favourites of: y\n"] {
            assert_eq!(SshHosts::of(other), None, "{other:?}");
        }
        for words in [vec![], vec![String::new()], vec!["a\nb".to_owned()]] {
            assert_eq!(SshHosts::new(&words, "x", Os::Linux), None, "{words:?}");
        }
    }

    proptest! {
        #[test]
        fn no_value_becomes_a_line_or_a_host_of_its_own(
            user in ".*", key in ".*", known in ".*", port in 1_u16..,
        ) {
            let odd = favourite("web-01", |profile| {
                profile.protocol = Some(Protocol::Ssh);
                profile.port = Some(port);
                profile.user = Some(user);
                profile.identity_file = Some(key);
                profile.known_hosts_file = Some(known);
            });
            let hosts = SshHosts::new(&["/usr/bin/ajar".into()], "/c", Os::Linux).unwrap().with(&[odd], &[], Os::Linux);
            let lines: Vec<_> = hosts.text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
            let keys: Vec<_> = lines.iter().filter_map(|line| line.split_whitespace().next()).collect();
            let all = [
                "Host", "ProxyCommand", "ConnectTimeout", "Port", "User", "HostKeyAlias", "ServerAliveInterval",
                "ServerAliveCountMax", "ForwardAgent", "IdentityFile", "IdentitiesOnly", "UserKnownHostsFile",
            ];
            let wanted = all.into_iter().filter(|key| port != 22 || *key != "Port").collect::<Vec<_>>();
            prop_assert!(if hosts.left_out.is_empty() { keys == wanted } else { keys.is_empty() }, "{}", hosts.text);
        }
    }
}
