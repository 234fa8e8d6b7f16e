//! Endpoints, the protocols behind them, and what a port answers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A host and a port to dial.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Endpoint {
    /// An address, or a name from the settings.
    pub host: String,
    /// The port to dial; with Azure Firewall the mapped one.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// What is spoken behind a port, and so which client opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Protocol {
    /// Secure Shell (RFC 4253).
    Ssh,
    /// Remote Desktop (MS-RDPBCGR).
    Rdp,
    /// Whatever comes by TCP: the port alone is opened, and who named no client starts one by themselves.
    Port,
}

impl Protocol {
    /// All of them, as they are offered.
    pub const ALL: [Self; 3] = [Self::Ssh, Self::Rdp, Self::Port];

    /// The protocol a port stands for by custom: 22 and 2222 are SSH, 3389 is RDP. What is spoken on another nobody can know.
    pub fn of_port(port: u16) -> Self {
        match port {
            22 | 2222 => Self::Ssh,
            3389 => Self::Rdp,
            _ => Self::Port,
        }
    }

    /// The port a protocol has by custom, if it has one.
    pub fn default_port(self) -> Option<u16> {
        match self {
            Self::Ssh => Some(22),
            Self::Rdp => Some(3389),
            Self::Port => None,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ssh => "SSH",
            Self::Rdp => "RDP",
            Self::Port => "port",
        })
    }
}

/// What one look at a port found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PortAnswer {
    /// The protocol itself answered: `SSH-2.0-…`, or an X.224 connection confirm.
    Open,
    /// The connection was refused, or the host is not reachable.
    Refused,
    /// Nothing came back in the time given: the way an NSG closes a port.
    Silent,
    /// Connected, but what answered (if anything) is not the protocol.
    Stranger,
}
