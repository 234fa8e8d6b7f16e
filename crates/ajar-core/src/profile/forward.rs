//! What ssh forwards beside the session.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::message::given::no_forward;

/// A port that ssh listens on, and where it leads. It is written as for ssh's own `-L`, `-R` and `-D`, by their letter:
/// `L 8080:localhost:80`, `L 127.0.0.1:5432:db.internal:5432`, `R 9000:localhost:3000`, `D 1080`. An IPv6 address is in
/// brackets, `*` is all addresses. What is written so has no letter that ssh or a shell would act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub enum Forward {
    /// `L`: a port of this machine leads to what the VM reaches.
    Local(Listen, To),
    /// `R`: a port of the VM leads to what this machine reaches.
    Remote(Listen, To),
    /// `D`: a port of this machine is a SOCKS proxy to all that the VM reaches.
    Dynamic(Listen),
}

/// Where ssh listens: an address, if one is named, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    bind: Option<Host>,
    port: u16,
}

/// Where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct To {
    host: Host,
    port: u16,
}

/// A name, an address, or as one to listen on `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Named(String),
    V6(Ipv6Addr),
}

impl Forward {
    /// As ssh's arguments: the option, and what it is given.
    pub(crate) fn arguments(&self) -> [String; 2] {
        match self {
            Self::Local(listen, to) => ["-L".into(), format!("{listen}:{to}")],
            Self::Remote(listen, to) => ["-R".into(), format!("{listen}:{to}")],
            Self::Dynamic(listen) => ["-D".into(), listen.to_string()],
        }
    }

    /// As a line of ssh's configuration: the keyword, and what stands behind it.
    pub(crate) fn setting(&self) -> (&'static str, String) {
        match self {
            Self::Local(listen, to) => ("LocalForward", format!("{listen} {to}")),
            Self::Remote(listen, to) => ("RemoteForward", format!("{listen} {to}")),
            Self::Dynamic(listen) => ("DynamicForward", listen.to_string()),
        }
    }
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(listen, to) => write!(f, "L {listen}:{to}"),
            Self::Remote(listen, to) => write!(f, "R {listen}:{to}"),
            Self::Dynamic(listen) => write!(f, "D {listen}"),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bind {
            Some(bind) => write!(f, "{bind}:{}", self.port),
            None => write!(f, "{}", self.port),
        }
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

impl FromStr for Forward {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text).ok_or_else(|| no_forward(text))
    }
}

impl TryFrom<String> for Forward {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Forward> for String {
    fn from(forward: Forward) -> Self {
        forward.to_string()
    }
}

fn read(text: &str) -> Option<Forward> {
    let (letter, rest) = text.trim().split_once(' ')?;
    let parts = parts(rest.trim_start())?;
    let (listen, to): (&[&str], _) = match (letter, parts.as_slice()) {
        ("D", listen) => (listen, None),
        ("L" | "R", [listen @ .., to, port]) => (listen, Some(To { host: host(to)?, port: self::port(port)? })),
        _ => return None,
    };
    let listen = match listen {
        [port] => Listen { bind: None, port: self::port(port)? },
        ["*", port] => Listen { bind: Some(Host::Named("*".into())), port: self::port(port)? },
        [bind, port] => Listen { bind: Some(host(bind)?), port: self::port(port)? },
        _ => return None,
    };
    Some(match to {
        None => Forward::Dynamic(listen),
        Some(to) if letter == "L" => Forward::Local(listen, to),
        Some(to) => Forward::Remote(listen, to),
    })
}

/// What stands between the colons, but for those in brackets.
fn parts(mut text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    loop {
        let end = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
        let (part, rest) = text.split_at(end);
        parts.push(part);
        match rest.strip_prefix(':') {
            Some(rest) => text = rest,
            None => return rest.is_empty().then_some(parts),
        }
    }
}

fn port(text: &str) -> Option<u16> {
    let is_number = text.starts_with(|c: char| matches!(c, '1'..='9')) && text.chars().all(|c| c.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

fn host(text: &str) -> Option<Host> {
    if let Some(address) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return address.parse().ok().map(Host::V6);
    }
    let fits = text.len() <= 255
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    fits.then(|| Host::Named(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_forward_is_handed_to_ssh_as_it_is_written() {
        for (text, arguments, setting) in [
            ("L 8080:localhost:80", "-L 8080:localhost:80", "LocalForward 8080 localhost:80"),
            (
                "L 127.0.0.1:5432:db-1.internal:5432",
                "-L 127.0.0.1:5432:db-1.internal:5432",
                "LocalForward 127.0.0.1:5432 db-1.internal:5432",
            ),
            (
                "L [::1]:8080:[2001:db8::7]:80",
                "-L [::1]:8080:[2001:db8::7]:80",
                "LocalForward [::1]:8080 [2001:db8::7]:80",
            ),
            ("R 9000:localhost:3000", "-R 9000:localhost:3000", "RemoteForward 9000 localhost:3000"),
            ("D 1080", "-D 1080", "DynamicForward 1080"),
            ("D *:1080", "-D *:1080", "DynamicForward *:1080"),
        ] {
            let forward: Forward = text.parse().unwrap();
            let (key, value) = forward.setting();
            assert_eq!(
                (forward.arguments().join(" ").as_str(), format!("{key} {value}").as_str()),
                (arguments, setting)
            );
            assert_eq!(forward.to_string(), text);
        }
        assert_eq!(" D   [0:0::1]:65535 ".parse::<Forward>().unwrap().to_string(), "D [::1]:65535");
    }

    #[test]
    fn what_is_no_forward_is_told_of() {
        for text in [
            "",
            "L",
            "L ",
            "8080:localhost:80",
            "-L 8080:localhost:80",
            "l 8080:localhost:80",
            "X 1:a:2",
            "L 8080",
            "L 8080:80",
            "L 0:localhost:80",
            "L 8080:localhost:0",
            "L 65536:localhost:80",
            "L +80:localhost:80",
            "L 080:localhost:80",
            "L :8080:localhost:80",
            "L a:b:8080:localhost:80",
            "L 8080:2001:db8::7:80",
            "L 8080:[::1:80",
            "L 8080:[::1]80",
            "L 8080:[fe80::1%eth0]:80",
            "L 8080:*:80",
            "L 8080:-x:80",
            "L 8080:a b:80",
            "L 8080:a%h:80",
            "L 8080:${HOME}:80",
            "L /run/a:/run/b",
            "D 1080:",
            "D 1080:a:1",
            "D host",
            "L 8080:localhost:80\n-oProxyCommand=x",
            "L 8080:ä:80",
        ] {
            let told = text.parse::<Forward>().unwrap_err();
            assert!(told.contains("L 8080:localhost:80"), "{text}: {told}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_plain_and_read_again(text in "[LRD] ([a-z0-9.*\\[\\]:_$% \n-]{0,4}:?){0,4}[0-9]{0,3}|[LRD] .*") {
            if let Ok(forward) = text.parse::<Forward>() {
                prop_assert_eq!(forward.to_string().parse(), Ok(forward.clone()));
                let [option, word] = forward.arguments();
                let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]*".contains(c);
                prop_assert!(option.len() == 2 && !word.starts_with('-') && word.chars().all(plain), "{}", word);
            }
        }
    }
}
