//! What a profile chooses from: words of `config.toml` and of the command line.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::by_word::by_word;
use crate::message::given::{no_address_choice, no_colour, no_network_name, no_source, no_source_prefix};
use crate::source::is_a_host;

/// Which of a VM's addresses is dialled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "'automatic' | 'private' | 'public' | 'bastion'"))]
pub enum AddressChoice {
    /// The private one where a way of this machine's own leads there and it answers; else the public one, or the firewall's that leads
    /// there; of a VM that has neither, the way through an Azure Bastion host.
    #[default]
    Automatic,
    /// The private one, for who reaches the VM's network by a VPN.
    Private,
    /// The public one.
    Public,
    /// None of this machine's: the way through an Azure Bastion host.
    Bastion,
}

by_word!(AddressChoice: Automatic "automatic", Private "private", Public "public", Bastion "bastion"; no_address_choice);

/// From where access is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub enum SourceChoice {
    /// From this machine's public address, which is found out each time.
    #[default]
    Automatic,
    /// From this address, such as the one that a VPN has here.
    Host(Ipv4Addr),
    /// From the address that the settings have for this network.
    Network(NetworkName),
}

impl SourceChoice {
    const AUTOMATIC: &'static str = "automatic";
}

impl fmt::Display for SourceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Automatic => f.write_str(Self::AUTOMATIC),
            Self::Host(address) => address.fmt(f),
            Self::Network(name) => name.fmt(f),
        }
    }
}

impl From<SourceChoice> for String {
    fn from(choice: SourceChoice) -> Self {
        choice.to_string()
    }
}

impl FromStr for SourceChoice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == Self::AUTOMATIC {
            return Ok(Self::Automatic);
        }
        if let Ok(name) = text.parse() {
            return Ok(Self::Network(name));
        }
        host(text).map(Self::Host)
    }
}

/// The address of one machine that others can see.
fn host(text: &str) -> Result<Ipv4Addr, String> {
    let host = text.strip_suffix("/32").unwrap_or(text);
    match host.parse() {
        Ok(address) if is_a_host(address) => Ok(address),
        Err(_) if host == "*" || host.contains('/') => Err(no_source_prefix(text)),
        _ => Err(no_source(text)),
    }
}

/// An address that access can be asked for, as it stands under `[networks]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub struct NetworkAddress(pub Ipv4Addr);

impl From<NetworkAddress> for String {
    fn from(address: NetworkAddress) -> Self {
        address.0.to_string()
    }
}

impl TryFrom<String> for NetworkAddress {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        host(&text).map(Self)
    }
}

/// What a network is called, to stand as a source: 1 to 64 letters, digits, `-`, `_` and `.`, beginning with a letter, so
/// that it is no address. Names that differ only in case are the same.
#[derive(Clone, Debug, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub struct NetworkName(String);

impl NetworkName {
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for NetworkName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<NetworkName> for String {
    fn from(name: NetworkName) -> Self {
        name.0
    }
}

impl FromStr for NetworkName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let fits = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            && !text.eq_ignore_ascii_case(SourceChoice::AUTOMATIC);
        if fits { Ok(Self(text.to_owned())) } else { Err(no_network_name(text)) }
    }
}

impl TryFrom<String> for NetworkName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl TryFrom<String> for SourceChoice {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// The mark that a favourite has beside its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(export, type = "'red' | 'orange' | 'yellow' | 'green' | 'blue' | 'purple' | 'grey'")
)]
pub enum Colour {
    /// `red`.
    Red,
    /// `orange`.
    Orange,
    /// `yellow`.
    Yellow,
    /// `green`.
    Green,
    /// `blue`.
    Blue,
    /// `purple`.
    Purple,
    /// `grey`.
    Grey,
}

by_word!(
    Colour: Red "red", Orange "orange", Yellow "yellow", Green "green", Blue "blue", Purple "purple", Grey "grey";
    |text| no_colour(text, &Self::ALL.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_read_as_it_is_written_and_others_are_told_of() {
        for text in ["automatic", "private", "public", "bastion"] {
            assert_eq!(text.parse::<AddressChoice>().unwrap().to_string(), text);
        }
        for text in Colour::ALL.iter().map(ToString::to_string) {
            assert_eq!(text.parse::<Colour>().unwrap().to_string(), text);
        }
        assert!("vpn".parse::<AddressChoice>().unwrap_err().contains("automatic, private, public or bastion"));
        assert!("pink".parse::<Colour>().unwrap_err().contains("red, orange"));
    }

    #[test]
    fn the_source_is_one_machine_a_network_or_found_out() {
        let network = |name: &str| Some(SourceChoice::Network(name.parse().unwrap()));
        for (text, meant) in [
            ("automatic", Some(SourceChoice::Automatic)),
            ("203.0.113.7", Some(SourceChoice::Host(Ipv4Addr::new(203, 0, 113, 7)))),
            ("10.0.0.4/32", Some(SourceChoice::Host(Ipv4Addr::new(10, 0, 0, 4)))),
            ("127.0.0.1", None),
            ("office", network("Office")),
            ("vpn-2.eu", network("vpn-2.eu")),
            ("Automatic", None),
            ("my office", None),
            ("2nd", None),
            ("2001:db8::7", None),
        ] {
            assert_eq!(text.parse::<SourceChoice>().ok(), meant, "{text}");
        }
        for wide in ["*", "0.0.0.0/0", "203.0.113.0/24"] {
            assert!(wide.parse::<SourceChoice>().unwrap_err().contains("one address"), "{wide}");
        }
    }
}
