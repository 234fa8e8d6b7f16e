//! Looks at ports by speaking the first words of their protocol, where that is known.

use std::io;
use std::time::Duration;

use ajar_core::port::{Endpoint, PortAnswer, Protocol};
use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::own_way;
use crate::ports::PortProbe;

/// How long a peer that has accepted may take to say its first word, however little patience is left.
pub(super) const FIRST_WORD: Duration = Duration::from_secs(5);

/// The longest first word looked at: an SSH server may send lines before its version (RFC 4253, 4.2).
const LONGEST_GREETING: usize = 1024;

/// An X.224 connection request that offers TLS and CredSSP (MS-RDPBCGR 2.2.1.1), as every RDP client begins.
const X224_CONNECTION_REQUEST: [u8; 19] = [
    0x03, 0x00, 0x00, 0x13, // TPKT: version 3, 19 bytes
    0x0e, 0xe0, 0x00, 0x00, 0x00, 0x00, 0x00, // X.224: 14 bytes, connection request
    0x01, 0x00, 0x08, 0x00, 0x03, 0x00, 0x00, 0x00, // RDP_NEG_REQ: TLS | CredSSP
];

/// TCP connect, then the protocol's greeting.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpPortProbe;

#[async_trait]
impl PortProbe for TcpPortProbe {
    async fn look(&self, endpoint: &Endpoint, protocol: Protocol, patience: Duration) -> PortAnswer {
        look(endpoint, protocol, patience, FIRST_WORD).await
    }

    fn has_own_ways(&self) -> bool {
        own_way::are_any()
    }

    fn has_own_way(&self, endpoint: &Endpoint) -> bool {
        endpoint.host.parse().is_ok_and(own_way::leads_to)
    }
}

async fn look(endpoint: &Endpoint, protocol: Protocol, patience: Duration, first_word: Duration) -> PortAnswer {
    let address = (endpoint.host.as_str(), endpoint.port);
    let patient_until = Instant::now() + patience;
    let mut stream = match timeout_at(patient_until, TcpStream::connect(address)).await {
        Err(_) => return PortAnswer::Silent,
        Ok(Err(error)) if is_refusal(&error) => return PortAnswer::Refused,
        Ok(Err(_)) => {
            // Nothing has come back: there is no way there. It may come back, and is not asked for without end or rest.
            sleep_until(patient_until).await;
            return PortAnswer::Silent;
        }
        Ok(Ok(stream)) => stream,
    };
    match first_words(&mut stream, protocol, first_word).await {
        FirstWords::OfTheProtocol => PortAnswer::Open,
        FirstWords::Others | FirstWords::None => PortAnswer::Stranger,
    }
}

/// What is said at first on a connection that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstWords {
    /// The protocol's.
    OfTheProtocol,
    /// Something else.
    Others,
    /// Nothing, up to its end or within the time.
    None,
}

/// Listens to what the other side says at first, having said what it waits for.
pub(super) async fn first_words(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    protocol: Protocol,
    patience: Duration,
) -> FirstWords {
    let mut heard = Vec::new();
    let greeting = async {
        match protocol {
            Protocol::Ssh => greets_as_ssh(stream, &mut heard).await,
            Protocol::Rdp => confirms_as_rdp(stream, &mut heard).await,
            // Whatever it speaks, it is there.
            Protocol::Port => Ok(true),
        }
    };
    let greeted = timeout_at(Instant::now() + patience, greeting).await;
    match greeted {
        Ok(Ok(true)) => FirstWords::OfTheProtocol,
        Ok(Ok(false) | Err(_)) | Err(_) if heard.is_empty() => FirstWords::None,
        Ok(Ok(false) | Err(_)) | Err(_) => FirstWords::Others,
    }
}

/// Whether the machine itself has said no.
fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset)
}

async fn greets_as_ssh(stream: &mut (impl AsyncRead + Unpin), heard: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let complete = heard.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        for line in complete {
            if line.starts_with(b"SSH-2.0-") || line.starts_with(b"SSH-1.99-") {
                return Ok(true);
            }
        }
        if heard.len() > LONGEST_GREETING || stream.read_buf(heard).await? == 0 {
            return Ok(false);
        }
    }
}

async fn confirms_as_rdp(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), answer: &mut Vec<u8>) -> io::Result<bool> {
    stream.write_all(&X224_CONNECTION_REQUEST).await?;
    while answer.len() < 6 {
        if stream.read_buf(answer).await? == 0 {
            return Ok(false);
        }
    }
    // TPKT version 3, then the code of an X.224 connection confirm.
    Ok(answer[0] == 0x03 && answer[5] & 0xf0 == 0xd0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Long enough that a machine under load is not taken for a port that does not answer.
    const LONG: Duration = Duration::from_mins(1);

    /// What a look finds where `bytes` are said and then nothing more.
    async fn answers_with(bytes: &'static [u8], protocol: Protocol, first_word: Duration) -> PortAnswer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(bytes).await.unwrap();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap_or_default();
        });
        let endpoint = Endpoint { host: "127.0.0.1".into(), port };
        look(&endpoint, protocol, LONG, first_word).await
    }

    #[tokio::test]
    async fn a_port_alone_is_open_whatever_answers_there() {
        assert_eq!(answers_with(b"", Protocol::Port, LONG).await, PortAnswer::Open);
        assert_eq!(answers_with(b"220 mail ready\r\n", Protocol::Port, LONG).await, PortAnswer::Open);
    }

    #[tokio::test]
    async fn an_ssh_server_is_known_by_its_version_line() {
        assert_eq!(answers_with(b"SSH-2.0-OpenSSH_9.6\r\n", Protocol::Ssh, LONG).await, PortAnswer::Open);
        assert_eq!(answers_with(b"Welcome\r\nSSH-2.0-x\r\n", Protocol::Ssh, LONG).await, PortAnswer::Open);
    }

    #[tokio::test]
    async fn an_rdp_server_is_known_by_its_connection_confirm() {
        let confirm = b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x1f\x08\x00\x02\x00\x00\x00";
        assert_eq!(answers_with(confirm, Protocol::Rdp, LONG).await, PortAnswer::Open);
    }

    #[tokio::test]
    async fn whatever_else_answers_is_a_stranger() {
        let http = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        assert_eq!(answers_with(http, Protocol::Rdp, LONG).await, PortAnswer::Stranger);
        let soon = Duration::from_millis(50);
        assert_eq!(answers_with(b"220 mail ready\r\n", Protocol::Ssh, soon).await, PortAnswer::Stranger);
        assert_eq!(answers_with(b"", Protocol::Ssh, soon).await, PortAnswer::Stranger);
    }

    #[tokio::test]
    async fn a_greeting_without_end_is_not_listened_to_for_ever() {
        static CHATTER: [u8; 4096] = [b'x'; 4096];
        assert_eq!(answers_with(&CHATTER, Protocol::Ssh, LONG).await, PortAnswer::Stranger);
    }

    #[tokio::test]
    async fn a_closed_port_is_refused_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let endpoint = Endpoint { host: "127.0.0.1".into(), port };
        assert_eq!(TcpPortProbe.look(&endpoint, Protocol::Ssh, LONG).await, PortAnswer::Refused);
        assert_eq!(TcpPortProbe.look(&endpoint, Protocol::Port, LONG).await, PortAnswer::Refused);
    }

    #[tokio::test]
    async fn where_no_way_leads_there_nobody_has_refused() {
        let (began, patience) = (Instant::now(), Duration::from_millis(50));
        let nowhere = Endpoint { host: "255.255.255.255".into(), port: 22 };
        assert_eq!(TcpPortProbe.look(&nowhere, Protocol::Ssh, patience).await, PortAnswer::Silent);
        assert!(began.elapsed() >= patience, "the next look comes no sooner than after a port that does not answer");
    }

    /// A full backlog drops what comes, as an NSG does.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_port_from_which_nothing_comes_back_is_silent() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listener = socket.listen(0).unwrap();
        let at = listener.local_addr().unwrap();
        let endpoint = Endpoint { host: "127.0.0.1".into(), port: at.port() };
        let soon = Duration::from_millis(100);
        let mut waiting = Vec::new();
        // Each connection that nobody accepts takes a place in the backlog; then there are none left.
        while let Ok(Ok(stream)) = tokio::time::timeout(soon, TcpStream::connect(at)).await {
            waiting.push(stream);
        }
        assert_eq!(TcpPortProbe.look(&endpoint, Protocol::Ssh, soon).await, PortAnswer::Silent);
        drop(listener);
    }
}
