//! The TCP connections of this machine, as its system's own table has them: Linux in `/proc`, Windows in the IP helper, macOS as
//! its `netstat` prints it. Nothing is sent, and whose they are is not looked at.

use std::collections::HashSet;
use std::net::SocketAddr;

use async_trait::async_trait;

use crate::ports::{Connections, Peers};

/// The system's table.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemConnections;

#[async_trait]
impl Connections for SystemConnections {
    async fn peers(&self) -> Option<Peers> {
        match tokio::task::spawn_blocking(system::established).await {
            Ok(Ok(peers)) => Some(peers.into_iter().map(canonical).collect::<HashSet<_>>()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the system does not tell what is connected");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "what is connected was not read");
                None
            }
        }
    }
}

/// An IPv4 address that a socket for both has is one of IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(target_os = "linux")]
mod system {
    use std::net::SocketAddr;

    use procfs::ProcError;
    use procfs::net::{TcpState, tcp, tcp6};

    pub(super) fn established() -> Result<Vec<SocketAddr>, ProcError> {
        let second = match tcp6() {
            // A system without IPv6 has no second table. One that cannot be read may have somebody in it.
            Err(ProcError::NotFound(_)) => Vec::new(),
            read => read?,
        };
        let all = tcp()?.into_iter().chain(second);
        Ok(all.filter(|entry| entry.state == TcpState::Established).map(|entry| entry.remote_address).collect())
    }
}

#[cfg(windows)]
mod system {
    use std::net::SocketAddr;

    use netstat2::{AddressFamilyFlags, ProtocolFlags, ProtocolSocketInfo, TcpState, get_sockets_info};

    pub(super) fn established() -> Result<Vec<SocketAddr>, netstat2::error::Error> {
        let all = get_sockets_info(AddressFamilyFlags::IPV4 | AddressFamilyFlags::IPV6, ProtocolFlags::TCP)?;
        let peer = |socket: netstat2::SocketInfo| match socket.protocol_socket_info {
            ProtocolSocketInfo::Tcp(tcp) if tcp.state == TcpState::Established => {
                Some(SocketAddr::new(tcp.remote_addr, tcp.remote_port))
            }
            ProtocolSocketInfo::Tcp(_) | ProtocolSocketInfo::Udp(_) => None,
        };
        Ok(all.into_iter().filter_map(peer).collect())
    }
}

#[cfg(target_os = "macos")]
mod system {
    use std::io;
    use std::net::SocketAddr;
    use std::process::{Command, Stdio};

    pub(super) fn established() -> io::Result<Vec<SocketAddr>> {
        let mut netstat = Command::new("/usr/sbin/netstat");
        let told = netstat.args(["-an", "-p", "tcp"]).stdin(Stdio::null()).output()?;
        if !told.status.success() {
            return Err(io::Error::other(format!("netstat ended with {}", told.status)));
        }
        Ok(super::told_by_netstat(&String::from_utf8_lossy(&told.stdout)))
    }
}

/// What `netstat -an -p tcp` of macOS tells: a connection a line, its ports behind a last dot.
#[cfg(any(test, target_os = "macos"))]
fn told_by_netstat(text: &str) -> Vec<SocketAddr> {
    let peer = |line: &str| {
        let mut words = line.split_whitespace();
        let is_tcp = words.next().is_some_and(|protocol| protocol.starts_with("tcp"));
        let (peer, state) = (words.nth(3)?, words.next()?);
        let (host, port) = peer.rsplit_once('.')?;
        // The zone of a link-local address is no part of it here.
        let host = host.split_once('%').map_or(host, |(host, _)| host).parse().ok()?;
        (is_tcp && state == "ESTABLISHED").then_some(SocketAddr::new(host, port.parse().ok()?))
    };
    text.lines().filter_map(peer).collect()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_connection_of_this_machine_is_seen_as_long_as_it_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let peers = async || SystemConnections.peers().await.expect("the system tells");
        assert!(!peers().await.contains(&address), "what listens is not connected");
        let connection = TcpStream::connect(address).unwrap();
        let (other_side, _) = listener.accept().unwrap();
        assert!(peers().await.contains(&address));
        drop((connection, other_side));
        assert!(!peers().await.contains(&address));
    }

    #[test]
    fn one_of_ipv4_is_known_as_such_whatever_socket_it_has() {
        let mapped: SocketAddr = "[::ffff:203.0.113.7]:22".parse().unwrap();
        assert_eq!(canonical(mapped), "203.0.113.7:22".parse().unwrap());
        let real: SocketAddr = "[2001:db8::7]:22".parse().unwrap();
        assert_eq!(canonical(real), real);
    }

    #[test]
    fn what_netstat_of_macos_prints_is_read() {
        let printed = "\
Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
tcp4       0      0  192.168.1.7.52114      203.0.113.10.22        ESTABLISHED
tcp4       0      0  192.168.1.7.52115      203.0.113.11.22        TIME_WAIT
tcp6       0      0  2001:db8::7.52116      2001:db8::10.3389      ESTABLISHED
tcp6       0      0  fe80::1%lo0.52117      fe80::1%lo0.8021       ESTABLISHED
tcp46      0      0  *.8080                 *.*                    LISTEN
udp4       0      0  *.5353                 *.*
";
        let peers: Vec<_> = ["203.0.113.10:22", "[2001:db8::10]:3389", "[fe80::1]:8021"]
            .map(|peer| peer.parse::<SocketAddr>().unwrap())
            .into();
        assert_eq!(told_by_netstat(printed), peers);
    }
}
