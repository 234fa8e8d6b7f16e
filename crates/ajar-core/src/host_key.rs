//! The key by which an SSH server proves which machine it is, held against those that ssh knows for a VM.
//!
//! ssh itself decides whether it goes on; here is only told what it would say, and what Azure says of it. The texts are those of
//! OpenSSH's own programs: <https://man.openbsd.org/ssh-keygen> (`-F`), <https://man.openbsd.org/ssh-keyscan>, <https://man.openbsd.org/ssh> (`-G`).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::vm::VmIdentity;

/// A public key: its kind, such as `ssh-ed25519`, and the rest in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKey {
    kind: String,
    key: String,
}

/// A key that a server has shown and that ssh knew for the VM then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenHostKey {
    /// It.
    pub key: HostKey,
    /// Which VM it was that had it.
    pub of: VmIdentity,
}

/// The kinds of keys, best first as OpenSSH has them, and what `ssh-keyscan -t` calls them.
const KINDS: [(&str, &str); 5] = [
    ("ssh-ed25519", "ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa"),
    ("ecdsa-sha2-nistp384", "ecdsa"),
    ("ecdsa-sha2-nistp521", "ecdsa"),
    ("ssh-rsa", "rsa"),
];

/// The keys in what `ssh-keygen -F` or `ssh-keyscan` has written: a line each, behind a name. None at all where a line has a marker,
/// as those of a certificate authority have: what these mean is ssh's to say.
pub fn keys(text: &str) -> Vec<HostKey> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    if lines.clone().any(|line| line.starts_with('@')) {
        return Vec::new();
    }
    lines
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            Some(HostKey { kind: words.next()?.to_owned(), key: words.next()?.to_owned() })
        })
        .collect()
}

/// What `ssh-keyscan -t` is to ask a server for that ssh has these keys of: the kind that ssh would ask for first.
pub fn kind_to_ask(known: &[HostKey]) -> Option<&'static str> {
    let is_known = |kind: &str| known.iter().any(|key| key.kind == kind);
    KINDS.iter().find(|(kind, _)| is_known(kind)).map(|(_, called)| *called)
}

/// What a look at a server's key finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostKeyLook {
    /// Nothing to compare: ssh knows no key for the VM, the server has shown none of that kind, or ssh decides by something else.
    Unknown,
    /// The server's key is this one, which ssh knows for the VM.
    Known(HostKey),
    /// It is another one, and ssh refuses the server.
    Changed {
        /// The one of its kind that ssh knows.
        known: HostKey,
        /// The file that has the one that ssh knows.
        file: String,
    },
}

/// Holds the keys that a server has shown against those of a file.
pub fn compared(known: &[HostKey], shown: &[HostKey], file: &str) -> HostKeyLook {
    if let Some(same) = shown.iter().find(|key| known.contains(key)) {
        return HostKeyLook::Known(same.clone());
    }
    match known.iter().find(|key| shown.iter().any(|other| other.kind == key.kind)) {
        Some(known) => HostKeyLook::Changed { known: known.clone(), file: file.to_owned() },
        None => HostKeyLook::Unknown,
    }
}

/// What `ssh -G` tells of how a server is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshSettings {
    /// Its files of known hosts, the user's before the system's: each line has some, with a blank between. Names may have blanks in
    /// them, too.
    pub known_hosts: Vec<String>,
    /// Whether it refuses a server of another key, and dials what it is told to: not where the user has switched that off, or
    /// where another program or host is between.
    pub refuses_others: bool,
}

impl SshSettings {
    /// Reads it.
    pub fn of(text: &str) -> Self {
        let values = || text.lines().filter_map(|line| line.trim().split_once(' '));
        let value =
            |wanted: &str| values().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim());
        let files = ["userknownhostsfile", "globalknownhostsfile"].into_iter().filter_map(value);
        let is_off = matches!(value("stricthostkeychecking"), Some("no" | "off" | "false"));
        let is_way = |name| value(name).is_some_and(|value| !value.eq_ignore_ascii_case("none"));
        Self {
            known_hosts: files.map(ToOwned::to_owned).collect(),
            refuses_others: !is_off && !["proxycommand", "proxyjump", "knownhostscommand"].into_iter().any(is_way),
        }
    }
}

/// What Azure says of a VM whose server shows another key than the one that ssh knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum HostKeyChange {
    /// It is another VM of the same name than the one that had the known key.
    MadeAnew {
        /// Since when it is there.
        at: Option<DateTime<Utc>>,
    },
    /// The address that answered is not the VM's any more.
    OtherAddress {
        /// Its own.
        address: String,
    },
    /// It is the VM that had the known key.
    Unexplained,
    /// It was not known here before, or Azure does not tell.
    Untold {
        /// Since when it is there.
        made: Option<DateTime<Utc>>,
    },
}

impl HostKeyChange {
    /// By which VM it was that had the known key, as far as that was seen, and which it is now, at an address of its own.
    pub fn between(known: &HostKey, then: Option<&SeenHostKey>, now: Option<&VmIdentity>) -> Self {
        let made = now.and_then(|now| now.time_created);
        // Somebody may have had ssh take another key since.
        let then = then.filter(|then| then.key == *known).map(|then| &then.of);
        match (then, now) {
            (Some(then), Some(now)) if then.is_same(now) => Self::Unexplained,
            (Some(_), Some(_)) => Self::MadeAnew { at: made },
            (Some(_) | None, None) | (None, Some(_)) => Self::Untold { made },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "# Host web-01.rg.5b9c.azure found: line 3\nweb-01.rg.5b9c.azure ssh-rsa AAAArsa ada@laptop\n\
                         # Host web-01.rg.5b9c.azure found: line 4\n|1|c2FsdA==|aGFzaA== ssh-ed25519 AAAAed\n";

    #[test]
    fn a_server_is_asked_for_the_best_kind_of_key_that_ssh_knows() {
        assert_eq!(kind_to_ask(&keys(KNOWN)), Some("ed25519"));
        assert_eq!(kind_to_ask(&keys("web ssh-rsa AAAA")), Some("rsa"));
        assert_eq!(kind_to_ask(&keys("web sk-ssh-ed25519@openssh.com AAAA")), None);
    }

    #[test]
    fn a_key_is_changed_only_where_ssh_knows_another_of_its_kind() {
        let known = keys(KNOWN);
        let look = |shown: &str| compared(&known, &keys(shown), "known_hosts");
        let ed = known[1].clone();
        assert_eq!(look("[127.0.0.1]:2222 ssh-ed25519 AAAAed"), HostKeyLook::Known(ed.clone()));
        let other = look("# 127.0.0.1:22 SSH-2.0-OpenSSH_9.2\n127.0.0.1 ssh-ed25519 AAAAother");
        assert_eq!(other, HostKeyLook::Changed { known: ed, file: "known_hosts".into() });
        assert_eq!(look("127.0.0.1 ecdsa-sha2-nistp256 AAAAec"), HostKeyLook::Unknown);
        assert_eq!(look(""), HostKeyLook::Unknown);
    }

    #[test]
    fn what_a_certificate_authority_vouches_for_is_left_to_ssh() {
        assert_eq!(keys("@cert-authority *.azure ssh-ed25519 AAAAca\nweb ssh-ed25519 AAAAed"), []);
    }

    #[test]
    fn what_ssh_says_of_itself_tells_its_files_and_whether_it_refuses() {
        let said = "user ada\nhostname 192.0.2.4\nstricthostkeychecking ask\n\
                    userknownhostsfile /home/a da/.ssh/known_hosts /home/a da/.ssh/known_hosts2\n\
                    globalknownhostsfile /etc/ssh/ssh_known_hosts\nproxycommand none\n";
        let settings = SshSettings::of(said);
        assert_eq!(
            settings.known_hosts,
            ["/home/a da/.ssh/known_hosts /home/a da/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts"]
        );
        assert!(settings.refuses_others);
        for other in
            ["stricthostkeychecking no", "stricthostkeychecking false", "proxyjump bastion", "proxycommand nc %h %p"]
        {
            assert!(!SshSettings::of(other).refuses_others, "{other}");
        }
    }

    #[test]
    fn a_vm_that_was_made_anew_is_told_from_one_that_is_the_same() {
        let at = "2026-11-30T10:00:00Z".parse().ok();
        let vm = |id: &str| VmIdentity { vm_id: id.into(), time_created: at };
        let [known, other] = ["web ssh-ed25519 AAAA", "web ssh-ed25519 BBBB"].map(|line| keys(line).remove(0));
        let seen = |id: &str| SeenHostKey { key: known.clone(), of: vm(id) };
        let between = |then: Option<&str>, now: Option<&str>| {
            HostKeyChange::between(&known, then.map(seen).as_ref(), now.map(vm).as_ref())
        };
        assert_eq!(between(Some("A"), Some("a")), HostKeyChange::Unexplained);
        assert_eq!(between(Some("a"), Some("b")), HostKeyChange::MadeAnew { at });
        assert_eq!(between(None, Some("b")), HostKeyChange::Untold { made: at });
        assert_eq!(between(Some("a"), None), HostKeyChange::Untold { made: None });
        // Of a key that ssh has taken since nobody has seen whose it is.
        let since = HostKeyChange::between(&other, Some(&seen("a")), Some(&vm("b")));
        assert_eq!(since, HostKeyChange::Untold { made: at });
    }
}
