//! A Bastion host of the test's own, which does not end what it says, or takes nothing in before it has said all.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ajar_azure::{ArmClient, Limits, Tunnel, http_client_within};
use ajar_core::bastion::BastionHost;
use ajar_core::failure::{Failure, Trouble};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::long_answers::AnyToken;
use crate::tls_server::{Connection, Server};

/// Far more than any test takes that does not wait for ever.
const LIMIT: Duration = Duration::from_mins(1);

const GRANTED: &str = r#"{"authToken":"one","nodeId":"node","websocketToken":"way"}"#;

/// The way to a VM through a host that answers so.
async fn tunnel(server: &Server, limits: Limits) -> Result<Tunnel, Trouble> {
    let cloud = server.cloud(&[]);
    let client = ArmClient::new(&cloud, Arc::new(AnyToken), http_client_within(&cloud, limits).unwrap()).unwrap();
    let group = "/subscriptions/s/resourceGroups/g/providers";
    let host = BastionHost {
        id: format!("{group}/Microsoft.Network/bastionHosts/hub").parse().unwrap(),
        dns_name: server.url.trim_start_matches("https://").to_owned(),
        subnet: None,
    };
    let vm = format!("{group}/Microsoft.Compute/virtualMachines/v").parse().unwrap();
    tokio::time::timeout(LIMIT, client.tunnel(&host, &vm, 22)).await.expect("it ends by itself")
}

fn grant(tls: &mut dyn Connection) -> io::Result<()> {
    let length = GRANTED.len();
    write!(tls, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{GRANTED}")
}

/// What is sent on a channel that nobody sends on: it ends with the test.
fn waits(never: &Receiver<()>) -> io::Result<()> {
    never.recv().map_err(io::Error::other)
}

#[tokio::test]
async fn a_refusal_without_end_is_read_up_to_its_limit() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&sent);
    let server = Server::start(move |_, tls| {
        write!(tls, "HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n")?;
        let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
        loop {
            tls.write_all(&chunk)?;
            counting.fetch_add(chunk.len(), Ordering::Relaxed);
        }
    });
    let long = Limits { silence: LIMIT * 2, call: LIMIT * 2, ..Limits::default() };
    let Err(trouble) = tunnel(&server, long).await else { panic!("it was refused") };
    assert!(matches!(trouble.failure, Failure::BastionRefused { status: 403, .. }), "{trouble:?}");
    assert!(sent.load(Ordering::Relaxed) < 32 << 20);
}

#[tokio::test]
async fn an_answer_in_place_of_a_web_socket_that_does_not_end_is_given_up() {
    let (_to_the_end, never) = channel();
    let server = Server::start(move |request, tls| {
        if request.starts_with("POST /api/tokens") {
            return grant(tls);
        }
        write!(tls, "HTTP/1.1 400 Bad Request\r\ncontent-length: 100\r\n\r\nno")?;
        tls.flush()?;
        waits(&never)
    });
    let Err(trouble) = tunnel(&server, Limits { call: Duration::from_secs(1), ..Limits::default() }).await else {
        panic!("no web socket was there")
    };
    assert!(matches!(trouble.failure, Failure::Unreachable { ref detail, .. } if detail == "timed out"), "{trouble:?}");
}

/// More than the buffers on the way hold, either way.
const SAID: usize = 48 << 20;
const SENT: usize = 24 << 20;

/// Says all that it has to say before it takes anything in.
fn says_all_first(request: &str, tls: &mut dyn Connection) -> io::Result<()> {
    let key = request
        .lines()
        .find_map(|line| line.to_ascii_lowercase().starts_with("sec-websocket-key:").then(|| &line[18..]));
    let accept = derive_accept_key(key.unwrap_or_default().trim().as_bytes());
    write!(
        tls,
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {accept}\r\n\r\n"
    )?;
    // A whole binary frame of 4096 bytes (RFC 6455 5.2).
    let frame = [&[0x82, 126, 16, 0][..], &[b'x'; 4096]].concat();
    for _ in 0..SAID / 4096 {
        tls.write_all(&frame)?;
    }
    let mut heard = 0;
    while heard < SENT {
        heard += hear(tls)?;
    }
    tls.write_all(&[0x88, 0])
}

/// Takes in one frame of a client, which are masked.
fn hear(tls: &mut dyn Connection) -> io::Result<usize> {
    let mut head = [0; 2];
    tls.read_exact(&mut head)?;
    let length = match head[1] & 0x7f {
        126 => {
            let mut length = [0; 2];
            tls.read_exact(&mut length)?;
            u16::from_be_bytes(length).into()
        }
        short => usize::from(short),
    };
    let mut masked = vec![0; 4 + length];
    tls.read_exact(&mut masked)?;
    Ok(length)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_takes_nothing_in_before_it_has_said_all_does_not_lock_both_sides_up() {
    let server =
        Server::start(
            |request, tls| {
                if request.starts_with("POST /api/tokens") { grant(tls) } else { says_all_first(request, tls) }
            },
        );
    let tunnel = tunnel(&server, Limits::default()).await.unwrap();
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    tokio::spawn(tunnel.carry(theirs));
    let (mut from, mut to) = tokio::io::split(ours);
    let sending = tokio::spawn(async move { to.write_all(&vec![b'y'; SENT]).await });
    let mut heard = vec![0; SAID];
    let heard = tokio::time::timeout(LIMIT, from.read_exact(&mut heard)).await.expect("neither waits for the other");
    assert_eq!(heard.unwrap(), SAID);
    tokio::time::timeout(LIMIT, sending).await.expect("all of it is taken").unwrap().unwrap();
}
